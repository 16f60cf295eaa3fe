"""What a plan's terms would match: in what the sources give now, and in what is stored."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from coolhead import clock, registry
from coolhead.collection import Collector
from coolhead.edge import Edge
from coolhead.errors import CoolheadError
from coolhead.landing import Landed
from coolhead.matching import matched_by
from coolhead.plan import Market, Plan
from coolhead.rows import Mention
from coolhead.settings import Settings
from coolhead.store import Store, migrate
from coolhead.windows import Window

SHOWN = 20
"""Mentions shown of one market."""


def last_day(settings: Settings, plan: Plan, since: datetime) -> Iterator[str]:
    """Ask every source once, store nothing but the empty schema, and show what would match and why."""
    migrate(settings.store)
    store = Store(settings.store)
    collector = Collector(store, plan, settings, clock.Wall())
    for market in plan.markets:
        for source in market.sources:
            yield from _look(collector, source, market, Window(since, datetime.now(UTC)))


def _look(collector: Collector, source_name: str, market: Market, window: Window) -> Iterator[str]:
    source = registry.load("sources", source_name)()
    query = collector.query(source, market)
    edge = Edge(collector.settings.author_key(), collector.clock)
    found: list[Mention] = []
    refused = 0
    try:
        for fetched in source.payloads(query, window, {}, collector.client):
            landed = Landed("-", source_name, market.id, "-", fetched.origin, "", None, window.end.isoformat(), fetched.meta)
            parsed = edge.parse(landed, fetched.content, source, query.own_accounts)
            found += parsed.mentions
            refused += len(parsed.refused)
    except CoolheadError as error:
        yield f"{source_name}: {error}"
        return
    recent = [m for m in found if m.published_at in window]
    hits = [(m, matched_by(m.text, market.terms)) for m in recent]
    matching = [(m, why) for m, why in hits if why]
    yield f"{source_name}: {len(recent)} in the last day, {len(matching)} match, {refused} refused ({len(found)} in all)"
    for m, why in matching[:SHOWN]:
        yield f"  {m.published_at:%Y-%m-%d %H:%M} UTC  matched_by {why}  {_short(m.text)}"


def preview(settings: Settings, plan: Plan) -> Iterator[str]:
    """How many stored mentions each term of each market would match."""
    if settings.store.startswith("sqlite:///") and not Path(settings.store.removeprefix("sqlite:///")).exists():
        return  # a check makes nothing
    try:
        store = Store(settings.store)
    except CoolheadError:
        return
    mentions = store.read(Mention)
    for market in plan.markets:
        mine = [m for m in mentions if m.source in market.sources]
        for term in market.terms.any_of:
            terms = market.terms.model_copy(update={"any_of": (term,)})
            yield f"{market.id}: {term!r} matches {sum(matched_by(m.text, terms) is not None for m in mine)} of {len(mine)} stored mentions"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 90 else flat[:89] + "…"
