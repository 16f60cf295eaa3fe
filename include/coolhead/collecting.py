"""One run of a source over all its markets: which stretches, for how long, and one market's failure holds up no other."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from coolhead import registry
from coolhead.backlog import REFILL, Backlog, backlog
from coolhead.budget import calm_share
from coolhead.clock import Clock
from coolhead.collection import Collector, listens
from coolhead.errors import CoolheadError, PermanentError, TransientError, foreseen
from coolhead.http import Client
from coolhead.plan import Market, Plan
from coolhead.rows import CollectionLog
from coolhead.settings import Settings
from coolhead.silences import ask_canaries
from coolhead.sources import Source
from coolhead.store import Store
from coolhead.windows import Window, floor, merged, moment

log = logging.getLogger(__name__)

LONGEST = timedelta(minutes=4)
"""A poll is cut off after its polling interval, and after this at the latest: the next one goes on where it ended."""
STALE = 2
"""Urgent intervals after which an urgent run is not worth doing."""


@dataclass(frozen=True)
class Asked:
    """What a run was started for; nothing: the scheduled poll."""

    interval: tuple[datetime, datetime] | None = None
    """The run's data interval."""
    window: Window | None = None
    """A person's own stretch: collected whole, however long that takes."""
    history: bool = False
    """Assume that it was known when it was published."""
    markets: tuple[str, ...] = ()
    """Only these, and up to this very minute: they are in an incident."""
    at: datetime | None = None
    """When that was asked for; a run that waited for longer than another takes to come has nothing to do any more."""


def asked(interval: tuple[datetime, datetime] | None, given: Mapping[str, Any]) -> Asked:
    """From a run's parameters. Raises ConfigError for a stretch that is none."""
    start, end = given.get("start"), given.get("end")
    window = Window(moment(start, "start"), moment(end, "end")) if start and end else None
    at = moment(given["at"], "at") if given.get("at") else None
    return Asked(interval, window, bool(given.get("history")), tuple(given.get("markets") or ()), at)


def collect_all(
    store: Store, plan: Plan, settings: Settings, clock: Clock, source: str, run: Asked | None = None,
    credentials: Mapping[str, Mapping[str, Any]] | None = None, client: Client | None = None,
) -> list[str]:  # fmt: skip
    """Poll every market that listens to the source, the one that is furthest behind first; returns a line for each slice.

    Each market has its share of the poll's time. Raises the first error after all were tried.
    """
    run, kind = run or Asked(), registry.load("sources", source)
    if run.at and clock.now() - run.at > STALE * kind.urgent:
        return ["came too late; another run was asked for since"]
    base = client or Client(**dict(plan.brands.network))
    ends = base.now() + min(kind.urgent if run.markets else kind.poll, LONGEST).total_seconds()
    turns = sorted(
        ((_todo(store, kind, m, clock, run), m) for m in _listening(plan, kind, clock, run)), key=lambda t: t[0].behind
    )
    lines, errors = list[str](), list[CoolheadError]()
    for done, (todo, market) in enumerate(turns):
        share = base.now() + max(0.0, ends - base.now()) / (len(turns) - done)
        here = base if run.window else replace(base, ends=share)
        if run.markets:
            here = replace(here, keep=calm_share(store, plan, kind, market, clock))
        collector = Collector(store, plan, settings, clock, here, credentials)
        lines += _collect(collector, source, market, todo.slices, run, errors)
    if kind.canary is not Source.canary:  # one that has none is judged by its silence alone
        _ask_canaries(Collector(store, plan, settings, clock, replace(base, ends=ends), credentials), kind())
    if errors:
        raise next((e for e in errors if not isinstance(e, TransientError)), errors[0])
    return lines


def _ask_canaries(collector: Collector, source: Source) -> None:
    """Where the source's silence is suspicious; what fails here fails no poll."""
    try:
        ask_canaries(
            collector.store, collector.plan, collector.clock, source.name,
            lambda market: source.canary(query := collector.query(source, market), collector.asking(source, query)),
        )  # fmt: skip
    except Exception:  # a sentinel that fails must not stop the collecting
        log.exception("no canary of %s was asked", source.name)


def _listening(plan: Plan, kind: Any, clock: Clock, run: Asked) -> list[Market]:
    found = [m for m in plan.listened if kind.name in m.sources and (not run.markets or m.id in run.markets)]
    return [m for m in found if run.window or listens(kind, m, clock.now())]


def _todo(store: Store, kind: Any, market: Market, clock: Clock, run: Asked) -> Backlog:
    if run.window:
        return Backlog((run.window,), run.window.start)
    if run.markets:
        until = floor(clock.now(), timedelta(minutes=1))
        return backlog(store, kind, market.id, until, until - kind.poll)
    until = run.interval[1] if run.interval else floor(clock.now())
    return backlog(store, kind, market.id, until, run.interval[0] if run.interval else until - REFILL)


def _collect(
    collector: Collector, source: str, market: Market, slices: Sequence[Window], run: Asked, errors: list[CoolheadError]
) -> list[str]:
    """Slice by slice; what cannot be collected ends it, and what it would have come to is in the log as missed."""
    lines = []
    for done, window in enumerate(slices, 1):
        try:
            poll = collector.poll(source, market, window, assume_known=run.history)
        except Exception as raised:  # whatever it is: the other markets must be listened to
            error = foreseen(raised)
            log.error("%s for %s over %s: %s", source, market.id, window, error)
            errors.append(error)
            if _is_covered(collector.store, source, market.id, window):
                continue  # all was read; what is wrong is in it
            _miss(collector, source, market.id, slices[done - (error is not raised) :], error)
            break
        lines.append(
            f"{market.id} {window}: {poll.payloads} payloads, {poll.mentions} mentions, "
            f"{poll.refused} refused, {poll.duplicates} duplicates"
        )  # fmt: skip
        log.info("%s", lines[-1])
    return lines


def _is_covered(store: Store, source: str, market: str, window: Window) -> bool:
    at = Window(window.start, window.start + timedelta(microseconds=1))
    return any(l.end == window.end for l in store.read(CollectionLog, source=source, market=market, start=at, ok=True))


def _miss(collector: Collector, source: str, market: str, slices: Sequence[Window], error: CoolheadError) -> None:
    """Later slices were not asked for: said at once, or they would count as pending until their patience ends."""
    why, now = f"not asked: {error}"[:1_000], collector.clock.now()
    rows = [
        CollectionLog(source=source, market=market, start=w.start, end=w.end, ok=False, error=why, known_at=now)
        for w in merged([(s.start, s.end) for s in slices])
    ]
    with collector.store.writing() as writer:
        for row in rows:
            writer.insert_new(row)


def follow_all(
    store: Store, plan: Plan, settings: Settings, clock: Clock, credentials: Mapping[str, Mapping[str, Any]] | None = None,
    client: Client | None = None,
) -> list[str]:  # fmt: skip
    """Read the follower counts of every own account, on every network that has them."""
    collector = Collector(store, plan, settings, clock, client, credentials)
    lines, errors = [], []
    for market in plan.markets:
        for source in market.sources:
            kind = registry.load("sources", source)
            if not kind.counts_followers or not market.own_accounts.get(source) or not listens(kind, market, clock.now()):
                continue
            try:
                lines.append(f"{market.id} {source}: {collector.followers(source, market)} accounts")
            except Exception as raised:
                log.error("followers of %s on %s: %s", market.id, source, error := foreseen(raised))
                errors.append(error)
    if errors:
        raise next((e for e in errors if isinstance(e, PermanentError)), errors[0])
    return lines
