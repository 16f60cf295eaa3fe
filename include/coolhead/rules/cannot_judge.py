"""Much is said, and it cannot be told how it is meant: a person must look."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from coolhead.detectors import DETECTORS
from coolhead.rules import Finding, Rule, RuleSettings, passing

if TYPE_CHECKING:
    import pandas as pd


class Settings(RuleSettings):
    """detector, above: when much is said (early or big; its threshold, as shipped if absent); kpi: the negative share whose interval counts: as it was read, or
    corrected (negative_prevalence), which stays wide until people have labelled; wider: the width from which on it says nothing;
    coverage: the share of the mentions that must have been scored."""

    detector: Literal["early", "big"] = "early"
    above: Annotated[float | None, Field(gt=0)] = None
    kpi: Literal["negative_share", "negative_prevalence"] = "negative_share"
    wider: Annotated[float, Field(gt=0, lt=1)] = 0.4
    coverage: Annotated[float, Field(ge=0, le=1)] = 0.6


class CannotJudge(Rule):
    """Where the interval is wider than 40 points or scored coverage is below 60 %, volume proposes "cannot judge: look"."""

    Settings = Settings
    by_itself = True

    @property
    def statistic(self) -> str:
        return DETECTORS[self.settings.detector].kpi

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.statistic, "volume", f"{self.settings.kpi}.low", f"{self.settings.kpi}.high", "scored_coverage")

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        s = self.settings
        limit = s.above or DETECTORS[s.detector].threshold
        width, read = points[f"{s.kpi}.high"] - points[f"{s.kpi}.low"], points["scored_coverage"].fillna(0.0)
        unclear = ~(width <= s.wider) | (read < s.coverage)
        found = passing(points, points[self.statistic], limit, where=unclear)
        return [self._finding(point, start, limit) for start, point, _ in found], {}

    def _finding(self, point: dict[str, Any], start: datetime, limit: float) -> Finding:
        value, read = float(point[self.statistic]), point["scored_coverage"]
        why = (
            self._width(point)
            if read >= self.settings.coverage
            else f"only {0.0 if read != read else read:.0%} of it could be read"
        )
        words = f"cannot judge: look. {point['volume']:,.0f} mentions in an hour ({self.statistic} {value:.1f}), and {why}"
        return Finding(start, self.statistic, value, limit, words)

    def _width(self, point: dict[str, Any]) -> str:
        low, high = (point[f"{self.settings.kpi}.{end}"] for end in ("low", "high"))
        if low != low:
            return "nothing is known of how it is meant"
        return f"between {low:.0%} and {high:.0%} of it is negative: wider than {self.settings.wider:.0%}"
