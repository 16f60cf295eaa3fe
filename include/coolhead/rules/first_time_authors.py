"""Many speak of the brand who never did: people who are not involved."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from coolhead.rules import Clearing, Finding, Rule, anew, passing

if TYPE_CHECKING:
    import pandas as pd

KPI = "first_time_author_share"
LOOK_BACK, WARM = 21, 14
"""Days whose median is the usual; days that must be known."""
DAY = 86_400


class Settings(Clearing):
    """rise: how far the lower bound of the share must stand above the median of the last 21 days; authors: that the share needs;
    clear: the rise at which it ends."""

    rise: Annotated[float, Field(gt=0, lt=1)]
    authors: Annotated[int, Field(ge=2)] = 30

    def limit(self) -> tuple[str, float, bool]:
        return "rise", self.rise, True


class FirstTimeAuthors(Rule):
    """Remembers the last share of each of the last days by itself, for a share of authors has no baseline; silent until it knows
    14 of them. A small brand's authors are mostly new: what counts is more of them than usual."""

    Settings = Settings
    by_itself = True

    @property
    def columns(self) -> tuple[str, ...]:
        return (KPI, f"{KPI}.n", f"{KPI}.low")

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        days: dict[str, float] = dict(state.get("days", {}))
        usual = []
        for start, share in points[KPI].items():
            today = int(start.timestamp() // DAY)
            days = {d: v for d, v in days.items() if int(d) >= today - LOOK_BACK}
            before = sorted(v for d, v in days.items() if int(d) < today)
            usual.append(
                (before[(len(before) - 1) // 2] + before[len(before) // 2]) / 2 if len(before) >= WARM else float("nan")
            )
            if share == share:
                days[str(today)] = float(share)
        new, after = anew(points[KPI], state)
        return self._findings(points.assign(usual=usual), new), {**after, "days": days}

    def _findings(self, points: "pd.DataFrame", new: "pd.Series[Any]") -> list[Finding]:
        s, low = self.settings, points[f"{KPI}.low"]
        clear = None if s.clear is None else points["usual"] + s.clear
        found = []
        for start, weak in passing(low, points["usual"] + s.rise, clear, new & (points[f"{KPI}.n"] >= s.authors)):
            p = points.loc[start]
            words = f"{p[KPI]:.0%} of {p[f'{KPI}.n']:,.0f} authors never spoke of the brand before (at least {low[start]:.0%}), usual {p['usual']:.0%}; limit {s.rise:g} above it"
            found.append(Finding(start.to_pydatetime(), KPI, float(low[start]), float(p["usual"] + s.rise), words, weak=weak))
        return found
