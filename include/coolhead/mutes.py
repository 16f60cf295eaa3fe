"""Mutes: some rules stay quiet for a time, by a person's word, with an owner, a reason and an end.

A muted signal is recorded and counted, and opens and raises nothing. A mute counts only for windows that were judged after
it was made, and none outlives its end: the first window that ends after it is heard again, so that what is still
firing opens an incident at once, and what nobody heard keeps no rule quiet (`covering`, for firing.py). In code a mute, for `silence` is a source that says nothing (rows.Silence).
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from coolhead.errors import ConfigError
from coolhead.plan import Market, Plan
from coolhead.plan_rules import RuleEntry
from coolhead.rows import ALL, Incident, Mute, Severity, Signal
from coolhead.rules import Finding
from coolhead.store import Store
from coolhead.windows import BASE, GRACE, Window

LONGEST = timedelta(days=14)
"""What is still noise after two weeks is a wrong rule: replay another one."""
NEVER = frozenset({"red_line"})
"""Rule plug-ins that no mute covers: harm must be verified. What people report comes by no rule, and is always heard."""
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://coolhead.example/mute")
CALENDAR = "calendar: "
"""With the name of an event of the plan's calendar behind it: in place of a mute's id."""
LOOK_BACKS = (timedelta(days=14), timedelta(days=28))
"""Of the preview."""

Findings = list[tuple[RuleEntry, Finding]]


def of(store: Store, market: str, span: Window) -> list[Mute]:
    """Every mute that may cover a window of the span."""
    return store.overlapping(Mute, Window(span.start, span.end + BASE), market=market)


def until(mute: Mute) -> datetime:
    """When it is over: its end, or when a person ended it before."""
    return min(mute.end, mute.ended_at) if mute.ended_at else mute.end


def active(mutes: Iterable[Mute], entry: RuleEntry, finding: Finding) -> Mute | None:
    """The mute that covers a finding, the earliest made; None: it is heard."""
    if entry.rule in NEVER:
        return None
    covering = [m for m in mutes if _covers(m, entry.name, finding.topic, finding.start)]
    return min(covering, key=lambda m: (m.made_at, m.mute_id), default=None)


def covering(mutes: Sequence[Mute]) -> Callable[[RuleEntry, Finding], bool]:
    """Whether any of them covers what an entry found (firing.Quiet)."""
    return lambda entry, finding: active(mutes, entry, finding) is not None


def _covers(mute: Mute, rule: str, topic: str, start: datetime) -> bool:
    end = start + BASE
    named = rule in mute.rules or rule.partition("@")[0] in mute.rules  # a rule that judges each source by itself
    meant = (not mute.rules or named) and mute.topic in (None, topic)
    return meant and mute.made_at <= end + GRACE and mute.start < end <= until(mute)


def apart(mutes: Sequence[Mute], market: str, findings: Findings) -> tuple[Findings, list[Signal]]:
    """(what is heard, the signals of what is muted, by a person or by the plan's calendar)."""
    heard, muted = Findings(), list[Signal]()
    for entry, finding in findings:
        if mute := active(mutes, entry, finding):
            muted.append(_signal(mute.mute_id, market, entry, finding))
        elif finding.expected:
            muted.append(_signal(f"{CALENDAR}{finding.expected}", market, entry, finding))
        else:
            heard.append((entry, finding))
    return heard, muted


def _signal(muted_by: str, market: str, entry: RuleEntry, finding: Finding) -> Signal:
    return Signal(
        market=market, rule=entry.name, start=finding.start, topic=finding.topic, severity=entry.severity, reason=finding.reason,
        kpi=finding.kpi, value=finding.value, threshold=finding.threshold, as_of=finding.start + BASE + GRACE,
        muted_by=muted_by,
    )  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """A mute as a person asks for it."""

    rules: tuple[str, ...]
    topic: str | None
    start: datetime
    end: datetime
    owner: str
    reason: str
    maintenance: bool = False


def made(plan: Plan, market: Market, wish: Wish, by: str, now: datetime) -> Mute:
    """The row, checked; nothing is written. Raises ConfigError that names every mistake and the choices."""
    if mistakes := [*_mistakes_of_time(wish, now), *_mistakes_of_words(plan, market, wish, by)]:
        raise ConfigError("\n".join(mistakes))
    key = f"{market.id}/{by}/{now.isoformat()}/{','.join(sorted(wish.rules))}/{wish.topic}/{wish.start.isoformat()}"
    return Mute(
        mute_id=str(uuid.uuid5(NAMESPACE, key)), market=market.id, kind="maintenance" if wish.maintenance else "silence",
        rules=sorted(set(wish.rules)), topic=wish.topic, owner=wish.owner, reason=wish.reason.strip(), start=wish.start, end=wish.end,
        made_by=by, made_at=now,
    )  # fmt: skip


def _mistakes_of_time(wish: Wish, now: datetime) -> list[str]:
    out = []
    if wish.end <= max(wish.start, now):
        out.append(f"until: {wish.end.isoformat()} must lie after its start and after now, {now:%Y-%m-%dT%H:%M}+00:00")
    elif wish.end - wish.start > LONGEST:
        latest = wish.start + LONGEST
        out.append(
            f"until: a mute lasts {LONGEST.days} days at most, here until {latest.isoformat()}; what is noise for longer is a "
            "wrong rule: change rules.yaml, and see with `coolhead replay --rules FILE` what the change does"
        )
    if wish.start < now - BASE:
        out.append(f"from: {wish.start.isoformat()} lies in the past; what was judged stays as it is")
    return out


def _mistakes_of_words(plan: Plan, market: Market, wish: Wish, by: str) -> list[str]:
    entries = {name: e for e in plan.rules_of(market.id) for name in (e.name.partition("@")[0], e.name)}
    people = [p.id for p in plan.escalation.people]
    out = [f"rules: {market.id} has no rule {r!r}; choose of: {', '.join(entries)}" for r in wish.rules if r not in entries]
    out += [
        f"rules: {r} is never muted: red lines and what people report are always heard"
        for r in wish.rules
        if r in entries and entries[r].rule in NEVER
    ]
    if wish.topic == ALL:
        out.append(f"topic: {ALL!r} is no topic; leave it out")
    if wish.owner not in people:
        out.append(f"owner: {wish.owner!r} is no person of escalation.yaml; it has: {', '.join(people)}")
    if not wish.reason.strip():
        out.append("reason: say in a sentence why; whoever reads the review asks")
    if not by.strip():
        out.append("by: say who you are")
    return out


def end(store: Store, beginning: str, by: str, reason: str, now: datetime) -> Mute:
    """End a mute before its time. beginning: enough of its id. Raises ConfigError where none or several begin so, or it is over."""
    if not by.strip() or not reason.strip():
        raise ConfigError("by, reason: say who ends it, and why")
    found = [m for m in store.read(Mute) if m.mute_id.startswith(beginning)]
    if len(found) != 1:
        many = f"{len(found)} mutes begin" if found else "no mute begins"
        raise ConfigError(f"{many} with {beginning!r}; `coolhead mute list` shows them")
    if until(found[0]) <= now:
        raise ConfigError(
            f"mute {found[0].mute_id[:8]} is over since {until(found[0]):%Y-%m-%d %H:%M} UTC; nothing is left to end"
        )
    said = f"{found[0].reason} | ended by {by.strip()}: {reason.strip()}"
    ended = found[0].model_copy(update={"ended_at": now, "ended_by": by.strip(), "reason": said[:1_000]})
    store.upsert([ended])
    return ended


@dataclass(frozen=True)
class Hidden:
    """What a mute would have kept quiet in a stretch of the past."""

    span: Window
    signals: int
    of: int
    """Signals of the market in that stretch."""
    rules: dict[str, int]
    incidents: list[tuple[datetime, str, Severity]]
    """(detected, title, gravest severity that a hidden signal proposed) of those that nothing else would have opened."""


def preview(store: Store, mute: Mute, entries: Sequence[RuleEntry], now: datetime) -> list[Hidden]:
    """What the mute would have hidden, had it been there for the last 14 and 28 days: from the stored signals."""
    since = now - max(LOOK_BACKS)
    never = {e.name for e in entries if e.rule in NEVER}
    always = mute.model_copy(update={"start": since - BASE, "end": now + BASE, "made_at": since, "ended_at": None})
    hidden, heard = list[Signal](), list[Signal]()
    for s in store.read(Signal, market=mute.market, start=Window(since, now)):
        (hidden if s.rule not in never and _covers(always, s.rule, s.topic, s.start) else heard).append(s)
    alone = sorted({s.incident_id for s in hidden if s.incident_id} - {s.incident_id for s in heard})
    gone = [i for i in store.read(Incident, incident_id=alone) if i.detected_at >= since]
    return [_hidden(Window(now - back, now), hidden, heard, gone) for back in LOOK_BACKS]


def _hidden(span: Window, hidden: Sequence[Signal], heard: Sequence[Signal], gone: Sequence[Incident]) -> Hidden:
    mine = [s for s in hidden if s.start in span]
    gravest: dict[str | None, Severity] = {}
    for s in hidden:  # an incident's own proposal may have fallen since
        gravest[s.incident_id] = max(gravest.get(s.incident_id, s.severity), s.severity)
    incidents = sorted((i.detected_at, i.title, gravest[i.incident_id]) for i in gone if i.detected_at in span)
    return Hidden(
        span, len(mine), len(mine) + sum(s.start in span for s in heard), dict(Counter(s.rule for s in mine)), incidents
    )


def topics(store: Store, plan: Plan, market: Market, now: datetime) -> list[str]:
    """Those that a mute may name: the planned ones, and what signals of the last weeks were about."""
    spoken = {s.topic for s in store.read(Signal, market=market.id, start=Window(now - max(LOOK_BACKS), now))} - {ALL}
    return sorted(spoken | {t.name for t in plan.topics_of(market.id)})


def by_rule(store: Store, mute: Mute, span: Window) -> dict[str, int]:
    """Rule -> signals that the mute kept quiet, most first."""
    rows = store.read(Signal, market=mute.market, start=span, muted_by=mute.mute_id)
    return dict(Counter(s.rule for s in rows).most_common())


def counted(store: Store, market: str, span: Window, as_of: datetime) -> list[tuple[Mute, int]]:
    """Mutes that kept signals of a span quiet, as known then, with how many; most first."""
    numbers = _muted_by(store, market, span, as_of)
    known = {m.mute_id: m for m in store.read(Mute, mute_id=sorted(numbers))}
    return [(known[i], n) for i, n in numbers.items() if i in known]


def expected(store: Store, market: str, span: Window, as_of: datetime) -> list[tuple[str, int]]:
    """The same of the events of the plan's calendar, by name."""
    return [(i.removeprefix(CALENDAR), n) for i, n in _muted_by(store, market, span, as_of).items() if i.startswith(CALENDAR)]


def _muted_by(store: Store, market: str, span: Window, as_of: datetime) -> dict[str, int]:
    rows = store.read(Signal, market=market, start=Window(span.start - BASE, span.end))
    found = Counter(s.muted_by for s in rows if s.muted_by and s.as_of <= as_of and s.start + BASE > span.start)
    return dict(sorted(found.items(), key=lambda x: (-x[1], x[0])))
