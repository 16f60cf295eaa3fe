"""Follower net change."""

import pandas as pd

from coolhead.kpis import Kpi, plain


class FollowerChange(Kpi):
    """Followers gained or lost by the own accounts."""

    title, unit, formula = "Follower net change", "followers", "F1 - F0: last count in the window less the last one before it"
    reads = "follower"
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame[["before", "after"]].assign(n=1.0)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return plain(parts.after - parts.before)
