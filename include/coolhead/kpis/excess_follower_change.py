"""Excess follower change."""

import numpy as np
import pandas as pd

from coolhead.kpis import Kpi

LEAST_WEEKS = 4


class ExcessFollowerChange(Kpi):
    """Followers that a day brought or cost beyond what that weekday does: a crisis's effect, not growth."""

    title, unit = "Excess follower change", "followers"
    formula = "change - median change of that weekday over the 8 weeks before; null with fewer than 4 of them"
    interval = "order statistics of the median (Conover 1999); the change itself is exact"
    reads = "follower"
    grains = ("day",)

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """frame: per account `before`, `after`, and `week_1` to `week_8`: its changes of that weekday, null where unknown."""
        weeks = [c for c in frame.columns if str(c).startswith("week_")]
        return frame[["before", "after", *weeks]].assign(n=1.0)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        """Over the weeks in which a change is known of every account that has one now."""
        weeks = np.sort(parts[[c for c in parts.columns if str(c).startswith("week_")]].to_numpy(dtype="float64"), axis=1)
        known = np.isfinite(weeks).sum(axis=1)
        change = parts.after - parts.before
        middle = [float(np.median(w[:k])) if k >= LEAST_WEEKS else np.nan for w, k in zip(weeks, known, strict=True)]
        # From 6 values on, the median lies between the least and the greatest with 97 % and more.
        ends = [(w[0], w[k - 1]) if k >= 6 else (np.nan, np.nan) for w, k in zip(weeks, known, strict=True)]
        least, most = (np.array([e[i] for e in ends], dtype="float64") for i in (0, 1))
        return pd.DataFrame({"value": change - middle, "low": change - most, "high": change - least}, index=parts.index)
