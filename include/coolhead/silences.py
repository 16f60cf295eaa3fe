"""What the sentinel finds in the store: silences that are not believed, begun and ended; and when to ask a canary.

A silence that lasts has no end; it is over with the first mention that comes (of any of those who were silent with
it), and was none after all where a canary answers. Both change what is said of the stretch from then on: rows keep
when they became known, and a verdict as of an earlier time stays what it was.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from coolhead import registry
from coolhead.clock import Clock
from coolhead.errors import CoolheadError
from coolhead.intake import dirty
from coolhead.plan import Market, Plan
from coolhead.rows import ALL, Dirty, KpiPoint, Match, Outage, Silence
from coolhead.sentinel import LONGEST, NEEDED, TICK, Finding, Past, Stream, find
from coolhead.store import Store
from coolhead.verdicts import Listening, SourceSight
from coolhead.windows import BASE, Window, floor, local_day

log = logging.getLogger(__name__)

RECENT = timedelta(hours=26)
"""So far back polls are looked at one by one; older gaps are known as outages."""
HOUR = timedelta(hours=1)
FUTURE = timedelta(minutes=15)
"""Networks' clocks may be ahead of ours by this."""
Ask = Callable[[Market], bool | None]


@dataclass(frozen=True)
class _Heard:
    """What one market heard lately."""

    market: Market
    silences: list[Silence]
    blind: list[tuple[str, Window]]
    newest: dict[str, datetime]


def judge(store: Store, plan: Plan, clock: Clock) -> list[Silence]:
    """Begin and end silences by what is known now; returns the rows that changed. Marks the windows whose verdict changed."""
    now = clock.now()
    markets = {m.id: m for m in plan.listened}
    lasting = [s for s in store.read(Silence, end=None) if s.market in markets]
    over = [x for s in lasting if (x := _ended(store, markets, s, now))]
    keys = {(s.source, s.market) for s in lasting} - {(s.source, s.market) for s in over}
    begun = [_row(f, now) for f in find(streams(store, plan, now)) if f.blind and (f.source, f.market) not in keys]
    for row in (*begun, *over):
        _write(store, markets[row.market], row, now)
    return [*begun, *over]


def streams(store: Store, plan: Plan, now: datetime) -> list[Stream]:
    """Every source of every market that answers at all: one whose polls fail is blind by the log, and says nothing here."""
    return [s for m in plan.listened for s in _of_market(store, m, now)]


def ask_canaries(store: Store, plan: Plan, clock: Clock, source: str, ask: Ask) -> list[Silence]:
    """Where the source's silence is suspicious, ask what is always talked of; returns the rows that changed.

    True: the network hears us, and the silence so far is believed. False: it is blind. None, or an error: no proof.
    """
    now = clock.now()
    markets = {m.id: m for m in plan.listened}
    lasting = {s.market: s for s in store.read(Silence, source=source, end=None) if s.market in markets}
    found = {f.market: f for f in find(streams(store, plan, now)) if f.source == source}
    out = []
    for market_id in sorted({*lasting, *found}):
        answer = _asked(ask, markets[market_id], source)
        known = lasting.get(market_id)
        if answer is None or (answer is False and known):
            continue
        row = known or _row(found[market_id], now)
        if answer:
            words = f"{row.reason}; but the canary answered"
            row = row.model_copy(update={"end": row.start, "over_at": now, "reason": words[:1_000]})
        else:
            row = row.model_copy(update={"reason": f"the canary came back empty, and {row.reason}"[:1_000], "scope": "stream"})
        _write(store, markets[market_id], row, now)
        out.append(row)
    return out


def _asked(ask: Ask, market: Market, source: str) -> bool | None:
    try:
        return ask(market)
    except CoolheadError as error:
        log.warning("canary of %s for %s: %s", source, market.id, error)
        return None


def _row(finding: Finding, now: datetime) -> Silence:
    return Silence(
        source=finding.source, market=finding.market, start=finding.silence.start, reason=finding.reason, scope=finding.scope,
        known_at=now,
    )  # fmt: skip


def _of_market(store: Store, market: Market, now: datetime) -> list[Stream]:
    heard, sight = _heard(store, market, now), Listening(store, market, Window(now - RECENT, now), now).at(now)
    stretches = {}
    for source in market.sources:
        seen = sight.sources.get(source)
        if registry.load("sources", source).exports or seen is None or not (mine := _polled(seen, now)):
            continue
        stretches[source] = _silence(store, heard, source, seen, mine)
    hours = _hourly(store, market, [s for s, w in stretches.items() if w], now)
    return [
        Stream(source, market.id, w, _past(heard, source, sight.sources[source], hours.get(source, {}), w, now)) if w
        else Stream(source, market.id)
        for source, w in stretches.items()
    ]  # fmt: skip


def _heard(store: Store, market: Market, now: datetime) -> _Heard:
    past = Window(now - NEEDED - LONGEST, now)
    silences = store.overlapping(Silence, past, market=market.id)
    blind = [(s.source, Window(s.start, s.end or now)) for s in silences]
    blind += [(o.source, Window(o.start, o.end or now)) for o in store.overlapping(Outage, past, market=market.id)]
    return _Heard(market, silences, blind, store.newest(market.id, Window(now - RECENT, now + FUTURE)))


def _polled(sight: SourceSight, now: datetime) -> Window | None:
    """The stretch that was polled last, up to where late posts may still come; None where it is blind or retired by now."""
    if not sight.polled or sight.listened(Window(now - TICK, now)) is None:
        return None
    last = sight.polled[-1]
    if sight.blind(Window(min(last.end, now), now)):
        return None
    end = min(last.end, floor(now - registry.load("sources", sight.source).lag))
    return Window(last.start, end) if last.start < end else None


def _silence(store: Store, heard: _Heard, source: str, sight: SourceSight, polled: Window) -> Window | None:
    """From what came last (or was believed, or blind) to the end of what was polled; None while that is next to nothing."""
    since = [sight.term.begun or polled.start]
    since += [s.over_at for s in heard.silences if s.source == source and s.over_at and s.end == s.start]
    since += [w.end for name, w in heard.blind if name == source and w.end < polled.end]
    since += [polled.start] if polled.start > sight.as_of - RECENT else []
    since += [heard.newest[source]] if source in heard.newest else []
    if source not in heard.newest:
        old = store.first(
            KpiPoint, "start", last=True, market=heard.market.id, kpi="volume", grain="hour", source=source, lang=ALL,
            start=Window(sight.as_of - NEEDED, sight.as_of),
        )  # fmt: skip
        since += [old.start + HOUR] if old else []
    start = max(since)
    return Window(start, polled.end) if polled.end - start >= BASE else None


def _hourly(store: Store, market: Market, sources: Sequence[str], now: datetime) -> dict[str, dict[datetime, float]]:
    out: dict[str, dict[datetime, float]] = {}
    if sources:
        span = Window(now - NEEDED - LONGEST, now)
        for p in store.read(KpiPoint, market=market.id, kpi="volume", grain="hour", start=span, source=list(sources), lang=ALL):
            out.setdefault(p.source, {})[p.start] = float(p.n)
    return out


def _past(
    heard: _Heard, source: str, sight: SourceSight, hourly: dict[datetime, float], silence: Window, now: datetime
) -> Past:  # fmt: skip
    until = min(now, silence.start + LONGEST)
    return Past(hourly, sight.term.begun or until, [w for name, w in heard.blind if name == source], until)


def _ended(store: Store, markets: dict[str, Market], silence: Silence, now: datetime) -> Silence | None:
    """The silence with its end, if anything came of those who were silent, or the source is gone from the plan."""
    if silence.source not in markets[silence.market].sources:
        return silence.model_copy(update={"end": now, "over_at": now})
    came = [at for m, s in _group(markets.values(), silence) if (at := _came(store, m, s, silence.start, now))]
    if silence.scope == "everybody":  # a canary that answers anywhere proves that we are not deaf
        came += [s.over_at for s in store.read(Silence, start=Window(silence.start, now)) if s.over_at and s.end == s.start]
    return silence.model_copy(update={"end": min(came), "over_at": now}) if came else None


def _came(store: Store, market: str, source: str, since: datetime, now: datetime) -> datetime | None:
    """Publication of the stream's first mention after a moment. A silence of months is not read through at every look: that
    anything came at all is seen in the last day's mentions, and in the hourly points."""
    recent = store.newest(market, Window(max(since + TICK, now - RECENT), now + FUTURE))
    hours = Window(floor(since, HOUR) + HOUR, max(now, floor(since, HOUR) + HOUR))
    points: dict[str, Any] = {"market": market, "kpi": "volume", "grain": "hour", "source": source, "lang": ALL}
    if source not in recent and store.first(KpiPoint, "start", start=hours, **points) is None:
        return None
    after = Window(since + TICK, now + FUTURE)
    first = store.first(Match, "published_at", market=market, source=source, published_at=after)
    return first.published_at if first else None


def _group(markets: Iterable[Market], silence: Silence) -> list[tuple[str, str]]:
    if silence.scope == "stream":
        return [(silence.market, silence.source)]
    return [(m.id, s) for m in markets for s in m.sources if silence.scope == "everybody" or s == silence.source]


def _write(store: Store, market: Market, row: Silence, now: datetime) -> None:
    """The row, and marks for the numbers whose verdict it changes."""
    changed = Window(min(row.start, now), now)
    with store.writing() as writer:
        writer.upsert([row, *_marks(store, market, changed)])


def _marks(store: Store, market: Market, span: Window) -> list[Dirty]:
    """Windows with numbers in the span or beside it, and the last one of each of its days, so that hour and day are made anew."""
    zone = ZoneInfo(market.time_zone)
    first = local_day(span.start.astimezone(zone).date(), market.time_zone).start
    points = store.read(
        KpiPoint, market=market.id, kpi="volume", grain="5min", start=Window(first, span.end + BASE), source=ALL, lang=ALL
    )
    of_day = {p.start.astimezone(zone).date(): p.start for p in points}
    near = {p.start for p in points if p.start >= floor(span.start, HOUR)}
    return dirty((market.id, start) for start in {*near, *of_day.values()})
