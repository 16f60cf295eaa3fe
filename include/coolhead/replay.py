"""Rules over stored history: the functions that run live, over what the rules saw then, with people's deeds at their time.

What a window showed is stored (rows.Seen), so a replay reads no mention, and neither late ones, nor edits, nor another scorer
change what it sees. Windows that nobody ever judged are computed as live would have computed them (seeing.py), and counted. The
history is read week by week and forgotten again; kept are the episodes alone. Evidence (topics, multipliers, red lines) is as it
was found then: a red line that the plan has only now was not looked for.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from coolhead import mutes
from coolhead.causes import SAME_CAUSE, Known, attach
from coolhead.deeds import Deed, Done, apply, deeds_of, parts
from coolhead.errors import ConfigError
from coolhead.firing import Fold
from coolhead.measuring import Measurer
from coolhead.plan import Market, Plan
from coolhead.plan_rules import PER_SOURCE
from coolhead.replay_episodes import Episodes
from coolhead.replay_scoring import months
from coolhead.rows import Incident, IncidentEvent, Judged, Match, Mute, Seen, Signal
from coolhead.rules import EVIDENCE
from coolhead.seeing import Seeing, points_of
from coolhead.seen_rows import seen_rows
from coolhead.severities import READS
from coolhead.store import Store
from coolhead.windows import GRACE, Window, floor, local_day

HOUR = timedelta(hours=1)
WEEK = 7
"""Local days that are read at once."""
TOLD_EVERY = 2.0
"""Seconds between two lines of progress."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Played:
    """What one stretch of a replay came to."""

    signals: list[Signal]
    incidents: list[Incident]
    """Those that were opened or changed, by rules or by people."""
    events: list[IncidentEvent]
    moved: list[Signal] = field(default_factory=list)
    """Signals of before, of an incident that people merged or split: with the one they belong to since."""


class Track:
    """One plan's rules going through one market's history."""

    def __init__(self, plan: Plan, market: Market, since: datetime) -> None:
        """since: what fires earlier only warms up."""
        self.plan, self.market, self.since = plan, market, since
        self.fold = Fold.of(plan, market)
        self.state: dict[str, Any] = {}
        self.known: Known = {}
        self.past = dict[str, Incident]()
        """Every incident so far, as it was last: people decide upon what no signal can join any more."""
        self.spoken = dict[str, list[Signal]]()
        """Signals of what may still be joined, by incident: people split it."""
        self.episodes = Episodes()

    def play(self, seen: Sequence[Seen], points: Any, known_mutes: Sequence[Mute], deeds: Iterable[Deed]) -> Played:
        """What people did before some windows, and these windows one after the other, as Judge does."""
        told = [self._told(deed) for deed in deeds]
        findings, self.state = self.fold.step(points, self.state, mutes.covering(known_mutes))
        heard, muted = mutes.apart(known_mutes, self.market.id, findings)
        done = attach(self.known, self.plan, self.market, heard, seen)
        self._remember(done.known, done.incidents)
        for s in done.signals:
            self.spoken.setdefault(s.incident_id or "", []).append(s)
        self.spoken = {i: some for i, some in self.spoken.items() if i in self.known}
        self.episodes.add(self._counted([*done.signals, *muted]), self.past)
        changed = [c.incident for d in told for c in d.causes]
        return Played([*done.signals, *muted], [*changed, *done.incidents], done.events, [s for d in told for s in d.moved])

    def _remember(self, known: Known, changed: Iterable[Incident]) -> None:
        """changed: some of them may have ended, so that nothing joins them any more."""
        self.known = known
        self.past |= {i.incident_id: i for i in changed}

    def _counted(self, signals: Iterable[Signal]) -> list[Signal]:
        return [s for s in signals if s.start >= self.since]

    def _told(self, deed: Deed) -> Done:
        done = apply(self.known, self.past, self.spoken, deed)
        changed = {c.incident.incident_id: c for c in done.causes}
        self._remember({**self.known, **changed}, [c.incident for c in changed.values()])
        if done.moved:
            keys = {(s.rule, s.start, s.topic) for s in done.moved}
            self.spoken[done.left] = [s for s in self.spoken[done.left] if (s.rule, s.start, s.topic) not in keys]
            self.spoken.setdefault(done.moved[0].incident_id or "", []).extend(done.moved)
            self.episodes.again(done.left, self._counted(self.spoken[done.left]), self.past)
            self.episodes.add(self._counted(done.moved), self.past)
        return done

    @property
    def kpis(self) -> set[str] | None:
        """What its rules and proposals read of `Seen.numbers`; None: one of them does not say."""
        read = set(READS)
        for entry, rule in self.fold.rules:
            if not rule.columns:
                return None
            own = {c.split(".")[0] for c in rule.columns if c not in (*EVIDENCE, "quality")}
            read |= own | ({f"{kpi}@{entry.source}" for kpi in PER_SOURCE} if entry.source else set())
        return read


@dataclass
class Replayed:
    """What several plans came to over the same stretch."""

    market: Market
    span: Window
    tracks: list[Track]
    windows: int = 0
    """That showed something: in the others nobody said anything."""
    computed: int = 0
    """Of these, windows that nobody had ever judged."""
    heard: list[Window] = field(default_factory=list)
    """Local calendar months, cut to the span, in which something was to be seen."""
    seconds: float = 0.0
    played: list[Played] = field(default_factory=list)
    """By the first plan, where it was asked for: else only episodes are kept."""


def replay(
    store: Store, plans: Sequence[Plan], market: Market, span: Window, tell: Tell = lambda _: None, keep: bool = False
) -> Replayed:
    """Fold every plan's rules over what was seen of a market.

    span: whole windows; the rules run before it already (warm_up), so that whatever must hold, or has cooled down, is as live.
    keep: every signal and incident of the first plan, for a comparison with what is stored.
    """
    begun = told = time.monotonic()
    out = Replayed(market, span, [Track(p, p.market(market.id), span.start) for p in plans])
    whole = Window(min(max(span.start - warm_up(plans, market), begins(store, market, span.end)), span.end), span.end)
    deeds, kpis, calendar = deeds_of(store, market), _kpis(out.tracks), months(span, market.time_zone)
    for chunk, rows, new in _chunks(store, plans[0], market, whole, kpis):
        silent = mutes.of(store, market.id, chunk)
        for mine, before in parts(rows, deeds, chunk.end):
            points = points_of(mine, kpis)
            played = [track.play(mine, points, silent, before) for track in out.tracks]
            out.played += played[:1] if keep else []
        out.heard += [m for m in calendar if m not in out.heard and any(r.start in m for r in rows)]
        out.windows, out.computed = out.windows + sum(r.start in span for r in rows), out.computed + new
        if time.monotonic() >= told + TOLD_EVERY:
            told = time.monotonic()
            tell(_progress(out, whole, chunk.end, told - begun))
    out.seconds = time.monotonic() - begun
    return out


def _kpis(tracks: Sequence[Track]) -> list[str] | None:
    each = [t.kpis for t in tracks]
    return None if None in each else sorted({kpi for some in each for kpi in some or ()})


def warm_up(plans: Iterable[Plan], market: Market) -> timedelta:
    """How long before a span its rules begin: until what must hold and what has cooled down is as live, and a cause that goes on
    is one."""
    entries = [e for p in plans for e in p.rules_of(market.id)]
    longest = max((e.held + e.cool_down for e in entries), default=0)
    return SAME_CAUSE + timedelta(minutes=longest) + HOUR


def begins(store: Store, market: Market, otherwise: datetime) -> datetime:
    """Start of the first window that could show something."""
    seen = store.first(Seen, "start", market=market.id)
    said = store.first(Match, "published_at", market=market.id)
    return min([s for s in (seen and seen.start, said and floor(said.published_at)) if s], default=otherwise)


def span_of(store: Store, market: Market, start: datetime | None, end: datetime | None, now: datetime) -> Window:
    """From (default: the first mention) until (default: now), in whole windows that are over. Raises ConfigError."""
    latest = floor(now - GRACE)
    until = min(floor(end), latest) if end else latest
    first = begins(store, market, latest)
    since = floor(start) if start else first
    if since >= until:
        known = (
            f"what is stored begins {first:%Y-%m-%d}"
            if first < latest
            else "nothing is stored: `coolhead import` an export of months"
        )
        raise ConfigError(
            f"from, to: {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC holds no window of {market.id} that is over; {known}"
        )
    return Window(since, until)


def _chunks(
    store: Store, plan: Plan, market: Market, span: Window, kpis: Sequence[str] | None
) -> Iterator[tuple[Window, list[Seen], int]]:
    """(part of the span, what was seen in it, how many windows of it were computed anew), in order."""
    first, done = store.first(Seen, "start", market=market.id), store.read(Judged, market=market.id)
    known = (first.start, max(done[0].through, first.start)) if first and done else (span.end, span.end)
    begin, end = (min(max(t, span.start), span.end) for t in known)
    yield from _computed(store, plan, market, Window(span.start, begin))
    for part in _cut(Window(begin, end), market, WEEK):
        yield part, seen_rows(store, market.id, part, kpis), 0
    yield from _computed(store, plan, market, Window(end, span.end))


def _computed(store: Store, plan: Plan, market: Market, span: Window) -> Iterator[tuple[Window, list[Seen], int]]:
    """What nobody ever judged, by local days: what is usual is as known when a day began."""
    if span.start == span.end:
        return
    seeing = Seeing(store, plan, market, Measurer.of(store, plan, market))
    for part in _cut(span, market, 1):
        rows = seeing.look(part) if seeing.first(part) else []
        yield part, rows, len(rows)


def _cut(span: Window, market: Market, days: int) -> Iterator[Window]:
    """At the beginnings of local days, every so many."""
    at = span.start
    while at < span.end:
        day = at.astimezone(ZoneInfo(market.time_zone)).date()
        end = min(local_day(day + timedelta(days=days - 1), market.time_zone).end, span.end)
        yield Window(at, end)
        at = end


def _progress(out: Replayed, whole: Window, at: datetime, seconds: float) -> str:
    share = (at - whole.start) / (whole.end - whole.start)
    left = seconds * (1 - share) / share
    return f"{out.market.id}: {at:%Y-%m-%d}, {share:.0%}, {out.windows / seconds:,.0f} windows a second, {left:.0f} s left"
