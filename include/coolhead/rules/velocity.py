"""What is said doubles within minutes."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from coolhead.rules import Clearing, Finding, Rule, passing

if TYPE_CHECKING:
    import pandas as pd


class Settings(Clearing):
    """minutes: the doubling time at most; volume: mentions in the hour at least; bound: the value, or the upper end of its
    interval, so that chance alone is no growth; clear: the doubling time, in minutes, at which it ends."""

    minutes: Annotated[float, Field(gt=0)]
    volume: Annotated[float, Field(gt=0)] = 30
    bound: Literal["value", "high"] = "high"

    def limit(self) -> tuple[str, float, bool]:
        return "minutes", self.minutes, False


class Velocity(Rule):
    """Needs no baseline. Silent where the rate does not grow."""

    Settings = Settings

    @property
    def column(self) -> str:
        return "doubling_time" if self.settings.bound == "value" else f"doubling_time.{self.settings.bound}"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, "volume")

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        s = self.settings
        minutes = points[self.column] * 60
        found = passing(points, minutes, s.minutes, s.clear, points["volume"] >= s.volume, above=False)
        return [self._finding(start, 60 * point[self.column], point["volume"], weak) for start, point, weak in found], {}

    def _finding(self, start: datetime, minutes: float, volume: float, weak: bool) -> Finding:
        s = self.settings
        words = f"{volume:,.0f} mentions in an hour, and twice as many within {minutes:.0f} minutes" + (
            " at the latest" if s.bound == "high" else ""
        )
        words += f": limit {s.minutes:g} minutes, from {s.volume:g} mentions on"
        return Finding(start, "doubling_time", minutes / 60, s.minutes / 60, words, weak=weak)
