"""A KPI of the trailing hour passes a fixed number."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from coolhead import registry
from coolhead.rules import Clearing, Finding, KpiName, Rule, mistake, need_baseline, need_bound, passing, shown

if TYPE_CHECKING:
    import pandas as pd

COUNTS = ("mentions", "mentions per hour")
"""Units of KPIs that are as large as the number of mentions behind them."""
ENDS = {"value": "", "low": " (lower bound)", "high": " (upper bound)"}


class Settings(Clearing):
    """kpi; above or below: the number; bound: the value, or which end of its interval, must pass it; also: floors of other KPIs;
    cold: only as long as it is not known what is usual of the KPI; clear: the number at which it ends."""

    kpi: KpiName
    above: float | None = None
    below: float | None = None
    bound: Literal["value", "low", "high"] = "value"
    also: dict[KpiName, float] = {}
    cold: bool = False

    def limit(self) -> tuple[str, float, bool]:
        return ("above", self.above, True) if self.above is not None else ("below", self.below or 0.0, False)

    @model_validator(mode="after")
    def _one_side(self) -> "Settings":
        if (self.above is None) == (self.below is None):
            why = ", not both" if self.above is not None else ": it needs a number to pass"
            raise mistake("above", f"give exactly one of `above` and `below`{why}")
        need_bound(self.kpi, self.bound)
        if self.cold:
            need_baseline(self.kpi)
        return self


class Threshold(Rule):
    """Holds at the number and beyond it. Asks for ten mentions behind the KPI where it is made of any, unless it is their number,
    and too small."""

    Settings = Settings
    min_n = 10

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        kpi = registry.load("kpis", settings.kpi)
        self._of_mentions = kpi.reads not in ("own", "follower")
        self._counts = kpi.reads == "mention" and not kpi.reads_scores and kpi.unit in COUNTS
        if not self._of_mentions or (self._counts and settings.below is not None):
            self.min_n = 0

    def contradiction(self, min_n: int) -> str | None:
        s = self.settings
        if not self._counts or s.below is None or min_n <= s.below:
            return None
        return f"it fires where {s.kpi} is {s.below:g} or less, and never is with {min_n} mentions behind it; remove `min_n`"

    @property
    def column(self) -> str:
        return self.settings.kpi if self.settings.bound == "value" else f"{self.settings.kpi}.{self.settings.bound}"

    @property
    def columns(self) -> tuple[str, ...]:
        usual = (f"{self.settings.kpi}.baseline",) if self.settings.cold else ()
        return (self.column, f"{self.settings.kpi}.n", *usual, *self.settings.also)

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        s, where = self.settings, True
        for kpi, least in s.also.items():
            where &= points[kpi] >= least
        if s.cold:
            where &= points[f"{s.kpi}.baseline"].isna()
        _, limit, above = s.limit()
        found = passing(points, points[self.column], limit, s.clear, where, above)
        return [self._finding(point, start, weak) for start, point, weak in found], {}

    def _finding(self, point: dict[str, Any], start: datetime, weak: bool) -> Finding:
        s, value = self.settings, float(point[self.column])
        _, limit, above = s.limit()
        n = point[f"{s.kpi}.n"]
        side = "above" if above else "below"
        holds = f"still at or {side} {s.clear:,.10g} (limit {limit:,.10g})" if weak else f"at or {side} {limit:,.10g}"
        reason = f"{s.kpi}{ENDS[s.bound]} {shown(value)} is {holds}"
        reason += f", from {n:,.0f} mentions in an hour" if self._of_mentions else ""
        reason += "".join(f"; {kpi} {shown(point[kpi])}, floor {shown(least)}" for kpi, least in s.also.items())
        return Finding(start, s.kpi, value, limit, reason, weak=weak)
