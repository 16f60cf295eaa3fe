"""What a plan's terms would match: in what the sources give now, and in what is stored."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from coolhead import clock, planning, registry
from coolhead.collection import Collector
from coolhead.edge import Edge
from coolhead.errors import CoolheadError
from coolhead.folding import fold
from coolhead.kpis import MEMORY
from coolhead.landing import Landed
from coolhead.matching import Judgement, forms, judge, matched_by
from coolhead.plan import Market, Plan
from coolhead.rows import Mention
from coolhead.settings import Settings
from coolhead.store import Store, migrate
from coolhead.windows import Window

SHOWN = 20
"""Mentions shown of one market."""
SAMPLE = 20_000
"""Stored mentions that terms are tried on: the newest, so that a check of a large store takes seconds."""
EXAMPLES = 3
"""Mentions shown of one term."""
FORMS = 6
"""Forms shown of one term; accents apart, each once."""


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
    hits = [(m, matched_by(m.text, market.terms, market.languages)) for m in recent]
    matching = [(m, why) for m, why in hits if why]
    yield f"{source_name}: {len(recent)} in the last day, {len(matching)} match, {refused} refused ({len(found)} in all)"
    for m, why in matching[:SHOWN]:
        yield f"  {m.published_at:%Y-%m-%d %H:%M} UTC  matched_by {why}  {_short(m.text)}"


def preview(settings: Settings, plan: Plan) -> Iterator[str]:
    """For every term of every market: the forms it is looked for in, and what it would match of the newest stored mentions."""
    store = _store(settings)
    if store and (why := planning.waiting(store, plan, clock.load(settings.play).now())):
        yield f"not in effect yet: {why}"
    if (kept := plan.brands.retention.mention_days) < MEMORY.days:
        yield (
            f"brands.yaml: retention.mention_days: {kept}: first_time_author_share has no value, for it looks {MEMORY.days} days "
            f"back; keep mentions for {MEMORY.days} days or more to have it"
        )
    for market in plan.listened:
        tallies = [_Tally(market, term) for term in market.terms.any_of]
        seen = 0
        for published, text in store.latest(market.sources, SAMPLE) if store else ():
            seen += 1
            for tally in tallies:
                tally.add(published, text)
        whose = f"the {SAMPLE:,} newest" if seen == SAMPLE else f"all {seen:,}"
        sources = ", ".join(market.sources)
        yield (
            f"{market.id}: "
            + (f"what each term would match of {whose} stored mentions" if seen else "no mention is stored yet")
            + f" ({sources})"
        )
        for tally in tallies:
            yield from tally.told()


def _store(settings: Settings) -> Store | None:
    """None where there is none yet: a check makes nothing."""
    if settings.store.startswith("sqlite:///") and not Path(settings.store.removeprefix("sqlite:///")).exists():
        return None
    try:
        return Store(settings.store)
    except CoolheadError:
        return None


class _Tally:
    """What one term of a market, by itself, would match."""

    def __init__(self, market: Market, term: str) -> None:
        near = {t: words for t, words in market.terms.context.items() if t == term}
        self._terms = market.terms.model_copy(update={"any_of": (term,), "context": near})
        self._as_written = self._terms.model_copy(update={"inflect": False})
        self._languages, self._term = market.languages, term
        self._matched = self._inflected = 0
        self._lost: Counter[str] = Counter()
        self._examples: list[str] = []

    def add(self, published: datetime, text: str) -> None:
        said = judge(text, self._terms, self._languages)
        if said.why:
            self._matched += 1
            self._inflected += matched_by(text, self._as_written, self._languages) is None
            if len(self._examples) < EXAMPLES:
                self._examples.append(f"    {published:%Y-%m-%d %H:%M} UTC  matched_by {said.why}  {_short(text)}")
        elif said.found or said.lone:
            self._lost.update([_against(said)])

    def told(self) -> Iterator[str]:
        """One line, and one for each example."""
        found = forms(self._terms, self._languages)
        shown = [f for i, f in enumerate(found) if fold(f) not in map(fold, found[:i])]
        more = f" and {len(shown) - FORMS} more" if len(shown) > FORMS else ""
        counts = f"{self._matched:,} match" + (f", {self._inflected:,} only inflected" if self._inflected else "")
        lost = "".join(f"; {n:,} dropped by {why}" for why, n in sorted(self._lost.items()))
        yield f"  {self._term!r}: {counts}{lost}; looked for as {', '.join(shown[:FORMS])}{more}"
        yield from self._examples


def _against(said: Judgement) -> str:
    """The key of the plan that keeps a term which stands in the text from counting."""
    return "none_of" if said.barred else "context" if said.lone else "all_of"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 90 else flat[:89] + "…"
