"""The volume of the trailing hour is far beyond what is usual for that hour: by one of the two detectors."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from coolhead.detectors import DETECTORS
from coolhead.rules import Clearing, Finding, Rule, passing, shown

if TYPE_CHECKING:
    import pandas as pd


class Settings(Clearing):
    """detector: `early` (log scale, robust: sees what begins, cries often) or `big` (raw scale: what must not be missed); above:
    its threshold, as shipped if absent; clear: the number at which it ends."""

    detector: Literal["early", "big"]
    above: Annotated[float | None, Field(gt=0)] = None

    def limit(self) -> tuple[str, float, bool]:
        return "above", self.above or DETECTORS[self.detector].threshold, True


class Spike(Rule):
    """Silent while the baseline is cold. Volume alone is never more than an issue (S1)."""

    Settings = Settings

    @property
    def kpi(self) -> str:
        return DETECTORS[self.settings.detector].kpi

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.kpi, "volume", "volume.baseline")

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        _, limit, _ = self.settings.limit()
        found = passing(points, points[self.kpi], limit, self.settings.clear)
        return [self._finding(point, start, limit, weak) for start, point, weak in found], {}

    def _finding(self, point: dict[str, Any], start: datetime, limit: float, weak: bool) -> Finding:
        value, detector = float(point[self.kpi]), self.settings.detector
        words = f"{point['volume']:,.0f} mentions in an hour, usual {shown(point['volume.baseline'])}: {self.kpi} {shown(value)}, limit {limit:g} of the detector {detector}"
        return Finding(start, self.kpi, value, limit, words, weak=weak)
