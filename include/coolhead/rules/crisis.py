"""A crisis (S3): negativity far above the usual, and it has left one network: several, the news, or a multiplier."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from coolhead.rules import Clearing, Finding, KpiName, Rule, need_baseline, need_bound, passing

if TYPE_CHECKING:
    import pandas as pd


class Settings(Clearing):
    """rise: how far the lower bound of the corrected negative share stands above the usual; kpi: another share in its place;
    networks: so many that are heard on negatively; news: whether a report in the news is enough; audience: of one negative post of
    the top 1 % of authors that is enough, or of any while it is not known who they are; clear: the rise at which it ends."""

    rise: Annotated[float, Field(gt=0, lt=1)] = 0.2
    kpi: KpiName = "negative_prevalence"
    networks: Annotated[int, Field(ge=2)] = 2
    news: bool = True
    audience: Annotated[int, Field(ge=1)] = 100_000

    def limit(self) -> tuple[str, float, bool]:
        return "rise", self.rise, True

    @model_validator(mode="after")
    def _known(self) -> "Settings":
        need_baseline(self.kpi)
        need_bound(self.kpi, "low")
        return self


class Crisis(Rule):
    """What S3 means. Silent while the baseline is cold."""

    Settings = Settings
    min_n = 30

    @property
    def columns(self) -> tuple[str, ...]:
        kpi = self.settings.kpi
        return (kpi, *(f"{kpi}.{end}" for end in ("n", "low", "high", "baseline")), "networks", "news", "multipliers")

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        s, kpi = self.settings, self.settings.kpi
        usual = points[f"{kpi}.baseline"]
        clear = None if s.clear is None else usual + s.clear
        found = []
        for start, point, weak in passing(points, points[f"{kpi}.low"], usual + s.rise, clear):
            if reached := self._reached(point):
                found.append(self._finding(point, start, reached, weak))
        return found, {}

    def _reached(self, point: dict[str, Any]) -> list[str]:
        """Why it is not the matter of one network, in words."""
        s, out = self.settings, list[str]()
        if len(point["networks"]) >= s.networks:
            out.append(f"on {len(point['networks'])} networks ({', '.join(point['networks'])})")
        if s.news and point["news"]:
            out.append("in the news")
        audience = max((m["audience"] or 0 for m in point["multipliers"] if m["top"] is not False), default=0)
        if audience >= s.audience:
            out.append(f"by an author whom {audience:,} follow")
        return out

    def _finding(self, point: dict[str, Any], start: datetime, reached: list[str], weak: bool) -> Finding:
        s, kpi = self.settings, self.settings.kpi
        usual, low, high, n = (float(point[f"{kpi}.{end}"]) for end in ("baseline", "low", "high", "n"))
        words = f"{kpi} {point[kpi]:.2f} ({low:.2f} to {high:.2f}, n = {n:.0f}) stands {s.clear if weak else s.rise:g} or more above the usual {usual:.2f}; {'; '.join(reached)}"
        return Finding(start, kpi, low, usual + s.rise, words, weak=weak)
