"""The brand's share of what is said against all brands exceeds its share of what is said at all."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from coolhead.rules import Finding, Rule, RuleSettings, anew, passing

if TYPE_CHECKING:
    import pandas as pd


class Settings(RuleSettings):
    """margin: by how much it exceeds it; bound: the value, or the lower end of the share of negative voice."""

    margin: Annotated[float, Field(gt=0, lt=1)]
    bound: Literal["value", "low"] = "low"


class ShareOfVoice(Rule):
    """Told once, when an hour is over. Silent where the market watches no other brand."""

    Settings = Settings
    min_n = 30
    momentary = True

    @property
    def column(self) -> str:
        return "share_of_negatives" if self.settings.bound == "value" else "share_of_negatives.low"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, "share_of_negatives", "share_of_negatives.n", "share_of_voice")

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        s, voice = self.settings, points["share_of_voice"]
        new, after = anew(points["share_of_negatives"], state)
        found = passing(points, points[self.column], voice + s.margin, where=new)
        return [self._finding(point, start) for start, point, _ in found], after

    def _finding(self, point: dict[str, Any], start: datetime) -> Finding:
        s, voice, value = self.settings, float(point["share_of_voice"]), float(point[self.column])
        words = f"{point['share_of_negatives']:.0%} of what is said against the brands is against us" + (
            f" (at least {value:.0%})" if s.bound == "low" else ""
        )
        words += f", of all that is said {voice:.0%}; margin {s.margin:.0%}"
        return Finding(start, "share_of_negatives", value, voice + s.margin, words)
