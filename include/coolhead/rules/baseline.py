"""A share or mean of the trailing hour stands off from what is usual for the brand."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from coolhead.rules import Finding, KpiName, Rule, RuleSettings

if TYPE_CHECKING:
    import pandas as pd


class Settings(RuleSettings):
    """rise: how far above the baseline of the last 21 days the bound must stand; also: another KPI's floor."""

    kpi: KpiName
    rise: Annotated[float, Field(gt=0)]
    bound: Literal["value", "low"] = "low"
    min_n: Annotated[int, Field(ge=0)] = 30
    also: dict[KpiName, float] = {}


class Baseline(Rule):
    """Silent while the baseline is cold."""

    Settings = Settings

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        s = self.settings
        value = points[s.kpi if s.bound == "value" else f"{s.kpi}.{s.bound}"]
        usual = points[f"{s.kpi}.baseline"]
        passes = (value >= usual + s.rise) & (points[f"{s.kpi}.n"] >= s.min_n)
        for kpi, least in s.also.items():
            passes &= points[kpi] >= least
        found = [self._finding(points.loc[start], start) for start in points.index[passes]]
        return found, state

    def _finding(self, point: "pd.Series[Any]", start: Any) -> Finding:
        s = self.settings
        usual = float(point[f"{s.kpi}.baseline"])
        low, high, n = (point[f"{s.kpi}.{end}"] for end in ("low", "high", "n"))
        words = f"{s.kpi} {point[s.kpi]:.2f} ({low:.2f} to {high:.2f}, n = {n:.0f}) stands {s.rise:g} or more above the usual {usual:.2f}"
        words += "".join(f"; {kpi} {point[kpi]:,.0f}, floor {least:,.0f}" for kpi, least in s.also.items())
        bound = s.kpi if s.bound == "value" else f"{s.kpi}.{s.bound}"
        return Finding(start.to_pydatetime(), s.kpi, float(point[bound]), usual + s.rise, words)
