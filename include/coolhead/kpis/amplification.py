"""Amplification."""

import pandas as pd

from coolhead.kpis import Kpi, mean, one


class Amplification(Kpi):
    """What the brand's own posts earn."""

    title, unit, interval = "Amplification", "shares per own post", "normal, from the sum of squares"
    formula = "shares / own posts whose shares are known, as last read"
    origin = "Kaushik"
    reads = "own"
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        known = frame[frame.shares.notna()]
        return one(known, shares=known.shares, squares=known.shares**2)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return mean(parts.shares, parts.squares, parts.n)
