"""Many speak of the brand who never did: people who are not involved."""

from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from coolhead.rules import Finding, Rule, RuleSettings, anew

if TYPE_CHECKING:
    import pandas as pd

KPI = "first_time_author_share"
LOOK_BACK, WARM = 21, 14
"""Days whose median is the usual; days that must be known."""
DAY = 86_400


class Settings(RuleSettings):
    """rise: how far the lower bound of the share must stand above the median of the last 21 days; authors: that the share needs."""

    rise: Annotated[float, Field(gt=0, lt=1)]
    authors: Annotated[int, Field(ge=2)] = 30


class FirstTimeAuthors(Rule):
    """Remembers the share of each of the last days by itself, for a share of authors has no baseline; silent until it knows 14 of
    them. A small brand's authors are mostly new: what counts is more of them than usual. Told once, when a day is over."""

    Settings = Settings
    by_itself = True
    momentary = True

    @property
    def columns(self) -> tuple[str, ...]:
        return (KPI, f"{KPI}.n", f"{KPI}.low")

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        days: dict[str, float] = dict(state.get("days", {}))
        new, after = anew(points[KPI], state)
        found, today = list[Finding](), 0
        for start, share, comes in zip(points.index, points[KPI], new, strict=True):
            today = int(start.timestamp() // DAY)
            if comes:
                before = [v for d, v in days.items() if today - LOOK_BACK <= int(d) < today]
                if len(before) >= WARM:
                    found += self._findings(dict(points.loc[start]), start.to_pydatetime(), median(before))
            if share == share:
                days[str(today)] = float(share)
        return found, {**after, "days": {d: v for d, v in days.items() if int(d) >= today - LOOK_BACK}}

    def _findings(self, point: dict[str, Any], start: datetime, usual: float) -> list[Finding]:
        s, share, n, low = self.settings, *(float(point[c]) for c in self.columns)
        if not (low >= usual + s.rise and n >= s.authors):
            return []
        words = f"{share:.0%} of {n:,.0f} authors never spoke of the brand before (at least {low:.0%}), usual {usual:.0%}; limit {s.rise:g} above it"
        return [Finding(start, KPI, low, usual + s.rise, words)]
