"""What both reports read: KPI points with what is usual, what was seen, and mentions, as known at one time."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from coolhead import contexts
from coolhead.baselines import LOOK_BACK, WARM_DAYS, VolumeBaseline
from coolhead.incidents import left_out
from coolhead.kpis import Context, Kpi
from coolhead.measuring import kpis
from coolhead.plan import Market, Plan
from coolhead.rows import ALL, Grain, KpiPoint, Verdict
from coolhead.sentiment import active
from coolhead.store import Store
from coolhead.verdicts import Listening, Sight, Stretch
from coolhead.windows import Window, local_day

if TYPE_CHECKING:
    import pandas as pd

HOUR = timedelta(hours=1)
COUNTS = frozenset({"volume", "unique_authors", "reach_total", "reach_unique", "negative_volume", "engagement"})
"""0 where it is known that nobody said anything; shares and means are undefined then."""


@dataclass(frozen=True)
class Number:
    """One KPI over a span, with what it needs to be read rightly."""

    kpi: Kpi
    value: float | None
    n: int
    low: float | None
    high: float | None
    parts: dict[str, Any]
    quality: Verdict
    as_of: datetime | None
    """None: no point is stored for that span."""
    usual: float | None = None

    @property
    def coverage(self) -> float | None:
        """Share of the mentions (or authors) whose audience is known."""
        known, n = self.parts.get("known"), self.parts.get("n")
        return float(known) / float(n) if known is not None and n else None

    @property
    def general(self) -> bool:
        """Corrected at least in part by what a scorer confuses in public texts, and not by the brand's own labels."""
        return self.value is not None and bool(self.parts.get("general"))

    @property
    def at_least(self) -> bool:
        """A count of which sources may have missed a part."""
        return (
            self.kpi.name in {*COUNTS, "own_posts"}
            and self.value is not None
            and self.quality in ("partial", "blind", "pending")
        )


@dataclass(frozen=True)
class Usual:
    """Medians over the usual days before a day."""

    days: int
    medians: dict[str, float]

    @property
    def warm(self) -> bool:
        return self.days >= WARM_DAYS

    def of(self, kpi: str) -> float | None:
        """None while the baseline is cold."""
        return self.medians.get(kpi) if self.warm else None


class Reader:
    """One market over a span and the weeks before it, as known at one time."""

    def __init__(self, store: Store, plan: Plan, market: Market, as_of: datetime, span: Window) -> None:
        self.store, self.market, self.as_of, self.zone = store, market, as_of, market.time_zone
        self._about = Window(span.start - LOOK_BACK - timedelta(days=3), span.end + timedelta(days=2))
        self.brand = plan.brand_of(market.id)
        scorer = active(plan.brands.scorer)
        self._contexts = contexts.of(store, plan, market.id, scorer)
        self.scorer, self.revision = scorer.name, scorer.revision
        self.kpis = {k.name: k for k in kpis()}

    @cached_property
    def sight(self) -> Sight:
        return Listening(self.store, self.market, self._about, self.as_of).at(self.as_of)

    def context(self, day: datetime) -> Context:
        """What KPIs need beside the mentions, as known when a local day began."""
        return self._contexts.on(day)

    def outages(self, window: Window) -> list[Stretch]:
        """Blind stretches by source, oldest first."""
        return self.sight.blind(window)

    def mentions(self, window: Window) -> "pd.DataFrame":
        return self.store.mentions(self.market.id, window, self.scorer, self.revision, self.as_of)

    def points(self, grain: Grain, span: Window, **where: Any) -> list[KpiPoint]:
        """Points of the current definitions and the active scorer; of the reader's market, if no other is named."""
        revisions = ["-", f"{self.scorer}/{self.revision}"]
        found = self.store.read(KpiPoint, **{"market": self.market.id, **where}, grain=grain, start=span, revision=revisions)
        return [p for p in found if p.kpi in self.kpis and p.version == self.kpis[p.kpi].version]

    def number(self, kpi: str, points: Sequence[KpiPoint], verdict: Verdict, usual: Usual | None = None) -> Number:
        """The KPI's number among the points of one span; 0 only where it is known that nothing was there."""
        mine = next((p for p in points if p.kpi == kpi), None)
        median = usual.of(kpi) if usual else None
        if mine is not None:
            return Number(
                self.kpis[kpi], mine.value, mine.n, mine.low, mine.high, mine.parts, verdict, mine.as_of, median
            )  # fmt: skip
        # `ok` says that mentions came: a point that is absent then is not computed, or has nothing to be made of.
        nothing = verdict in ("ok", "quiet") if kpi == "own_posts" else verdict == "quiet" and kpi in COUNTS
        return Number(self.kpis[kpi], 0.0 if nothing else None, 0, None, None, {}, verdict, None, median)

    def usual(self, day: date) -> Usual:
        """Medians over the local days of the 21 before that every source saw and no incident touched."""
        spans = [local_day(day - timedelta(days=back), self.zone) for back in range(LOOK_BACK.days, 0, -1)]
        skip = left_out(self.store, self.market, local_day(day, self.zone).start)
        points = self.points("day", Window(spans[0].start, spans[-1].end), lang=ALL)
        days, values = 0, dict[str, list[float]]()
        for span in spans:
            mine = [p for p in points if p.start == span.start]
            rows = {p.source: p.n for p in mine if p.kpi == "volume" and p.source != ALL}
            verdict = self.sight.verdict(span, rows)
            if verdict not in ("ok", "quiet") or any(span.start < w.end and span.end > w.start for w in skip):
                continue
            days += 1
            for kpi in self.kpis:
                value = self.number(kpi, [p for p in mine if p.source == ALL], verdict).value
                if value is not None:
                    values.setdefault(kpi, []).append(value)
        return Usual(days, {kpi: statistics.median(found) for kpi, found in values.items()})

    def hourly_usual(self, window: Window) -> VolumeBaseline:
        """What is usual per hour of the day, ready for any hour of the window."""
        past = Window(window.start - LOOK_BACK - timedelta(days=2), window.end)
        hourly = self.points("hour", past, kpi="volume", source=ALL, lang=ALL)
        skip = left_out(self.store, self.market, window.start)
        return VolumeBaseline({p.start: float(p.value or 0) for p in hourly}, self.sight.seen(past), skip, self.zone)
