"""What both unanswered ages share: the ages of what is open, and a quantile of them."""

from typing import ClassVar

import pandas as pd

from coolhead.kpis import Kpi, quantile


class UnansweredAgeQuantile(Kpi):
    """How long those who wait for an answer have waited at the end of the day."""

    q: ClassVar[float]
    unit = "hours"
    interval = "order statistics (Conover 1999)"
    reads, asks = "backlog", "response_coverage"
    grains = ("day",)
    trailing = False

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """frame: `age` in whole hours and how many are `open`, by hour of publication (derived.py)."""
        ages = pd.get_dummies("age." + frame.age.astype(int).astype(str), dtype="float64")
        return ages.mul(frame.open, axis=0).assign(n=frame.open)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        names = {c: int(str(c).removeprefix("age.")) for c in parts.columns if str(c).startswith("age.")}
        bins = parts[sorted(names, key=names.__getitem__)].rename(columns=names).fillna(0)
        return quantile(bins, self.q)
