"""The brand's share of what is said against all brands exceeds its share of what is said at all."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from coolhead.rules import Clearing, Finding, Rule, anew, passing

if TYPE_CHECKING:
    import pandas as pd


class Settings(Clearing):
    """margin: by how much it exceeds it; bound: the value, or the lower end of the share of negative voice; clear: the margin at
    which it ends."""

    margin: Annotated[float, Field(gt=0, lt=1)]
    bound: Literal["value", "low"] = "low"

    def limit(self) -> tuple[str, float, bool]:
        return "margin", self.margin, True


class ShareOfVoice(Rule):
    """Of the newest hour that is over. Silent where the market watches no other brand."""

    Settings = Settings
    min_n = 30

    @property
    def column(self) -> str:
        return "share_of_negatives" if self.settings.bound == "value" else "share_of_negatives.low"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, "share_of_negatives", "share_of_negatives.n", "share_of_voice")

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        s, voice = self.settings, points["share_of_voice"]
        clear = None if s.clear is None else voice + s.clear
        new, after = anew(points["share_of_negatives"], state)
        found = passing(points[self.column], voice + s.margin, clear, new)
        return [self._finding(points.loc[start], start, weak) for start, weak in found], after

    def _finding(self, point: "pd.Series[Any]", start: Any, weak: bool) -> Finding:
        s, voice, value = self.settings, float(point["share_of_voice"]), float(point[self.column])
        words = f"{point['share_of_negatives']:.0%} of what is said against the brands is against us" + (
            f" (at least {value:.0%})" if s.bound == "low" else ""
        )
        words += f", of all that is said {voice:.0%}; margin {s.margin:.0%}"
        return Finding(start.to_pydatetime(), "share_of_negatives", value, voice + s.margin, words, weak=weak)
