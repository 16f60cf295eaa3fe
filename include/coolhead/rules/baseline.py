"""A share or mean of the trailing hour stands off from what is usual for the brand."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from coolhead.rules import Clearing, Finding, KpiName, Rule, need_baseline, need_bound, passing, shown

if TYPE_CHECKING:
    import pandas as pd


class Settings(Clearing):
    """kpi; rise: how far above what is usual the bound must stand; bound: the value, or the lower end of its interval; also:
    floors of other KPIs; clear: the rise at which it ends."""

    kpi: KpiName
    rise: Annotated[float, Field(gt=0)]
    bound: Literal["value", "low"] = "low"
    also: dict[KpiName, float] = {}

    def limit(self) -> tuple[str, float, bool]:
        return "rise", self.rise, True

    @model_validator(mode="after")
    def _known(self) -> "Settings":
        need_baseline(self.kpi)
        need_bound(self.kpi, self.bound)
        return self


class Baseline(Rule):
    """Silent while the baseline is cold."""

    Settings = Settings
    min_n = 30

    @property
    def column(self) -> str:
        return self.settings.kpi if self.settings.bound == "value" else f"{self.settings.kpi}.{self.settings.bound}"

    @property
    def columns(self) -> tuple[str, ...]:
        kpi = self.settings.kpi
        return (kpi, *(f"{kpi}.{end}" for end in ("n", "low", "high", "baseline")), *self.settings.also)

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        s, where = self.settings, True
        for kpi, least in s.also.items():
            where &= points[kpi] >= least
        usual, value = points[f"{s.kpi}.baseline"], points[self.column]
        limit, clear = usual + s.rise, None if s.clear is None else usual + s.clear
        found = passing(points, value, limit, clear, where)
        return [self._finding(point, start, weak) for start, point, weak in found], {}

    def _finding(self, point: dict[str, Any], start: datetime, weak: bool) -> Finding:
        s = self.settings
        usual = float(point[f"{s.kpi}.baseline"])
        low, high, n = (point[f"{s.kpi}.{end}"] for end in ("low", "high", "n"))
        rise = s.clear if weak else s.rise
        words = f"{s.kpi} {point[s.kpi]:.2f} ({low:.2f} to {high:.2f}, n = {n:.0f}) stands {rise:g} or more above the usual {usual:.2f}"
        words += "".join(f"; {kpi} {shown(point[kpi])}, floor {shown(least)}" for kpi, least in s.also.items())
        return Finding(start, s.kpi, float(point[self.column]), usual + s.rise, words, weak=weak)
