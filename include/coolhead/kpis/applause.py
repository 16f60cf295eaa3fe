"""Applause."""

import pandas as pd

from coolhead.kpis import Kpi, mean, one


class Applause(Kpi):
    """What the brand's own posts earn."""

    title, unit, interval = "Applause", "likes per own post", "normal, from the sum of squares"
    formula = "likes / own posts whose likes are known, as last read"
    origin = "Kaushik"
    reads = "own"
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        known = frame[frame.likes.notna()]
        return one(known, likes=known.likes, squares=known.likes**2)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return mean(parts.likes, parts.squares, parts.n)
