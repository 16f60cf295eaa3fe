"""Follower change rate."""

import pandas as pd

from coolhead.kpis import Kpi, ratio


class FollowerRate(Kpi):
    """Followers gained or lost, relative to the count before."""

    title, unit, formula = "Follower change rate", "share", "(F1 - F0) / F0"
    reads = "follower"
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame[["before", "after"]].assign(n=1.0)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return ratio(parts.after - parts.before, parts.before)
