"""Mentions looked up again by their ids, at a few ages: edits, engagement that grew, and what vanished meanwhile.

Stateless, so it may run at any time: a run looks at the mentions that were that old within the hour before its end.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from coolhead import failpoint, registry
from coolhead.clock import Clock
from coolhead.collection import Collector, listens
from coolhead.edge import Edge, Parsed
from coolhead.errors import CoolheadError, TransientError, foreseen
from coolhead.http import Client
from coolhead.plan import Market, Plan
from coolhead.rows import Match, Tombstone
from coolhead.settings import Settings
from coolhead.sources import Fetched, Gone, Source
from coolhead.store import Store
from coolhead.windows import Window, floor

log = logging.getLogger(__name__)

AGES = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=3), timedelta(days=7))
"""How old a mention is when it is looked up: most engagement and most removals come within the first day."""
STEP = timedelta(hours=1)
MOST = 2_000
"""Mentions of one source and market that one run looks up, the newest first; it says how many it left out."""


def recheck_all(
    store: Store, plan: Plan, settings: Settings, clock: Clock, source: str, until: datetime | None = None,
    client: Client | None = None, credentials: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[str]:  # fmt: skip
    """Every market that listens to the source; a line for each. Raises the first error after all were tried."""
    collector = Collector(store, plan, settings, clock, client, credentials)
    lines, errors = [], []
    for market in plan.listened:
        if source not in market.sources or not _wanted(source, market):
            continue
        if not listens(registry.load("sources", source), market, clock.now()):
            continue  # retired: a network that is no longer asked for mentions is not asked about them either
        try:
            lines.append(f"{market.id}: {recheck(collector, source, market, until or floor(clock.now()))}")
        except Exception as raised:
            log.error("looking up mentions of %s on %s again: %s", market.id, source, error := foreseen(raised))
            errors.append(error)
    if errors:
        raise next((e for e in errors if not isinstance(e, TransientError)), errors[0])
    return lines


def rechecked(plan: Plan) -> list[str]:
    """Names of the sources that can be asked by id, and that some market wants asked."""
    named = {(s, m.id): m for m in plan.listened for s in m.sources}
    return sorted({s for (s, _), m in named.items() if registry.load("sources", s).rechecks() and _wanted(s, m)})


def _wanted(source: str, market: Market) -> bool:
    return bool(registry.load("sources", source).Settings.model_validate(market.sources[source]).recheck)


def recheck(collector: Collector, source_name: str, market: Market, until: datetime) -> str:
    """One market; what was found before an error is stored."""
    source: Source = registry.load("sources", source_name)()
    due = _due(collector.store, source_name, market, until)
    if not due:
        return "nothing is due"
    query = collector.query(source, market)
    edge = Edge(collector.settings.author_key(), collector.clock)
    gone, errors, parsed = list[Gone](), list[CoolheadError](), list[Parsed]()
    for found in _until_error(source.recheck(query, due[:MOST], collector.asking(source, query)), errors):
        if isinstance(found, Gone):
            gone.append(found)
            continue
        landed = collector.landing.put(source.name, market.id, found, collector.clock.now())
        parsed.append(edge.read(landed, found.content, source, query.own_accounts, errors))
    failpoint.reached("recheck.parsed")
    with collector.store.writing() as writer:
        collector.intake.write(writer, parsed)
        buried = collector.intake.bury(writer, source.name, gone, collector.clock.now())
        failpoint.reached("recheck.written")
    failpoint.reached("recheck.committed")
    collector.settle([p.landed for p in parsed])
    if errors:
        raise errors[0]
    again = sum(len(p.mentions) for p in parsed)
    return f"{len(due)} due, {again} still there, {buried} vanished" + (
        f", {len(due) - MOST} left out" if len(due) > MOST else ""
    )


def _until_error(found: Iterable[Fetched | Gone], errors: list[CoolheadError]) -> Iterator[Fetched | Gone]:
    try:
        yield from found
    except Exception as error:  # what came before is kept
        errors.append(foreseen(error))


def _due(store: Store, source: str, market: Market, until: datetime) -> list[str]:
    """Native ids, the newest first, without what is known to be gone."""
    out: dict[str, None] = {}
    for age in AGES:
        window = Window(until - age - STEP, until - age)
        found = store.read(Match, market=market.id, source=source, published_at=window)
        days = {m.day for m in found}
        buried = {t.native_id for t in store.read(Tombstone, source=source, day=days)} if days else set()
        out |= dict.fromkeys(
            m.native_id for m in sorted(found, key=lambda m: m.published_at, reverse=True) if m.native_id not in buried
        )
    return list(out)
