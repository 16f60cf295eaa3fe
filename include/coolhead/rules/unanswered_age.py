"""People have waited too long for an answer."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from coolhead.rules import Finding, Rule, RuleSettings, anew, passing

if TYPE_CHECKING:
    import pandas as pd


class Settings(RuleSettings):
    """hours: that the median of the open items has waited (p95: that 95 of 100 have waited at most); bound: the value, or the lower
    end of its interval."""

    hours: Annotated[float, Field(gt=0)]
    of: Literal["median", "p95"] = "median"
    bound: Literal["value", "low"] = "low"


class UnansweredAge(Rule):
    """Told once, when a local day is over: complaints and questions of the last 14 days."""

    Settings = Settings
    min_n = 5
    by_itself = True
    momentary = True

    @property
    def kpi(self) -> str:
        return "unanswered_age" if self.settings.of == "median" else "unanswered_age_p95"

    @property
    def column(self) -> str:
        return self.kpi if self.settings.bound == "value" else f"{self.kpi}.low"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.kpi, self.column, f"{self.kpi}.n")

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        s, found = self.settings, list[Finding]()
        new, after = anew(points[self.kpi], state)
        for start, point, _ in passing(points, points[self.column], s.hours, where=new):
            value, n = float(point[self.column]), point[f"{self.kpi}.n"]
            whose = "half of them" if s.of == "median" else "5 of 100"
            words = f"{n:,.0f} wait for an answer, {whose} for {point[self.kpi]:.0f} hours or more; limit {s.hours:g}"
            found.append(Finding(start, self.kpi, value, s.hours, words))
        return found, after
