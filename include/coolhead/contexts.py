"""What KPIs need beside the mentions, for every local day of one market, as known at the day's start.

At the day's start, and not at the time of computing: so that live equals replay, and a window that is measured again gives
the same number.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from coolhead.kpis import MEMORY, Context
from coolhead.labelled import Pair, pairs
from coolhead.plan import Plan
from coolhead.prevalence import Confusion, of_brand
from coolhead.reach import ReachFactor
from coolhead.rows import PersonLabel
from coolhead.sentiment import Scorer
from coolhead.store import Store


class Contexts:
    """The contexts of one brand's markets."""

    def __init__(
        self, store: Store, scorer: str, revision: str, markets: Sequence[str] = (),
        general: "Mapping[str, Confusion] | None" = None, factor: ReachFactor | None = None,
        kept: timedelta = MEMORY,
    ) -> None:  # fmt: skip
        """markets: those whose labelled samples say what the scorer confuses; general: what public corpora say; kept: how
        long mentions are."""
        self._store, self._scorer, self._revision, self._markets = store, scorer, revision, list(markets)
        self._plain = Context(general or {}, factor or ReachFactor(), kept)
        self._memo: dict[datetime, Context] = {}
        self._since: datetime | None = store.quantity(PersonLabel, "at")[0] if markets else None

    def on(self, start: datetime) -> Context:
        """Of the local day that starts then."""
        if self._since is None or start < self._since:
            return self._plain
        if start not in self._memo:
            self._memo[start] = self._computed(start)
        return self._memo[start]

    def _computed(self, start: datetime) -> Context:
        labelled: dict[str, list[Pair]] = {}
        for market in self._markets:
            for lang, found in pairs(self._store, market, self._scorer, self._revision, start).items():
                labelled.setdefault(lang, []).extend(found)
        known = {
            lang: of_brand(self._plain.confusions.get(lang), labelled.get(lang, []))
            for lang in sorted({*self._plain.confusions, *labelled})
        }
        return Context({lang: found for lang, found in known.items() if found}, self._plain.reach_factor, self._plain.kept)


def of(store: Store, plan: Plan, market: str, scorer: Scorer) -> Contexts:
    """Of a market of the plan, or of a brand that one watches (of which nobody labels anything)."""
    brand = next((b for b in plan.brands.brands if market in {m.id for m in b.markets}), None)
    confusions = {lang: Confusion(tuple(sets), general=True) for lang, sets in scorer.confusions().items() if sets}
    return Contexts(
        store,
        scorer.name,
        scorer.revision,
        [m.id for m in brand.markets] if brand else [],
        confusions,
        plan.brands.reach_factor,
        timedelta(days=plan.brands.retention.mention_days),
    )
