"""A day cost more followers than such days do."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from coolhead.rules import Finding, Rule, RuleSettings, anew, passing

if TYPE_CHECKING:
    import pandas as pd

KPI = "excess_follower_change"


class Settings(RuleSettings):
    """followers: lost beyond the expected, at least; bound: the value, or the end of its interval that is nearer to nothing."""

    followers: Annotated[float, Field(gt=0)]
    bound: Literal["value", "high"] = "high"


class FollowerDrop(Rule):
    """Told once, when a local day is over. Silent without four known weeks before it, its bound without six."""

    Settings = Settings
    by_itself = True
    momentary = True

    @property
    def column(self) -> str:
        return KPI if self.settings.bound == "value" else f"{KPI}.{self.settings.bound}"

    @property
    def columns(self) -> tuple[str, ...]:
        return (KPI, self.column)

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        s = self.settings
        new, after = anew(points[KPI], state)
        found = passing(points, -points[self.column], s.followers, where=new)
        return [self._finding(start, point[KPI], point[self.column]) for start, point, _ in found], after

    def _finding(self, start: datetime, value: float, surely: float) -> Finding:
        s = self.settings
        words = f"{-value:,.0f} followers lost in a day beyond what that weekday does"
        words += f", at least {-surely:,.0f}" if s.bound == "high" else ""
        return Finding(start, KPI, surely, -s.followers, f"{words}; limit {s.followers:,.10g}")
