"""One run of a source over all its markets: which stretch, and one market's failure holds up no other."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from coolhead import registry
from coolhead.clock import Clock
from coolhead.collection import Collector
from coolhead.errors import CoolheadError, PermanentError, TransientError
from coolhead.plan import Market, Plan
from coolhead.rows import CollectionLog
from coolhead.settings import Settings
from coolhead.store import Store
from coolhead.windows import Window, floor, moment

log = logging.getLogger(__name__)

REFILL = timedelta(hours=24)
"""How far back a poll reaches by itself to cover what earlier polls missed."""


def collect_all(
    store: Store, plan: Plan, settings: Settings, clock: Clock, source: str,
    interval: tuple[datetime, datetime] | None = None, start: str | None = None, end: str | None = None, history: bool = False,
    credentials: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[str]:  # fmt: skip
    """Poll every market that enables the source; returns a line for each. Raises the first error after all were tried."""
    collector = Collector(store, plan, settings, clock, credentials=credentials)
    lines, errors = [], []
    for market in plan.markets:
        if source not in market.sources:
            continue
        window = _window(store, source, market, clock, interval, start, end)
        try:
            poll = collector.poll(source, market, window, assume_known=history)
        except CoolheadError as error:
            log.error("%s for %s over %s: %s", source, market.id, window, error)
            errors.append(error)
            continue
        lines.append(
            f"{market.id} {window}: {poll.payloads} payloads, {poll.mentions} mentions, "
            f"{poll.refused} refused, {poll.duplicates} duplicates"
        )  # fmt: skip
        log.info("%s", lines[-1])
    if errors:
        raise next((e for e in errors if not isinstance(e, TransientError)), errors[0])
    return lines


def _window(
    store: Store, source: str, market: Market, clock: Clock,
    interval: tuple[datetime, datetime] | None, start: str | None, end: str | None,
) -> Window:  # fmt: skip
    """The stretch asked for; else the run's interval, begun earlier where earlier polls left a gap."""
    if start and end:
        return Window(moment(start, "start"), moment(end, "end"))
    until = interval[1] if interval else floor(clock.now())
    covered = max(
        (x.end for x in store.read(CollectionLog, source=source, market=market.id, ok=True) if x.end <= until), default=None
    )
    begin = covered or (interval[0] if interval else until - registry.load("sources", source).poll)
    first = until - REFILL if covered is None and interval is None else max(begin, until - REFILL)
    return Window(min(first, until), until)


def follow_all(
    store: Store, plan: Plan, settings: Settings, clock: Clock, credentials: Mapping[str, Mapping[str, Any]] | None = None
) -> list[str]:
    """Read the follower counts of every own account, on every network that has them."""
    collector = Collector(store, plan, settings, clock, credentials=credentials)
    lines, errors = [], []
    for market in plan.markets:
        for source in market.sources:
            if not registry.load("sources", source).counts_followers or not market.own_accounts.get(source):
                continue
            try:
                lines.append(f"{market.id} {source}: {collector.followers(source, market)} accounts")
            except CoolheadError as error:
                log.error("followers of %s on %s: %s", market.id, source, error)
                errors.append(error)
    if errors:
        raise next((e for e in errors if isinstance(e, PermanentError)), errors[0])
    return lines
