"""Mention polarity."""

import pandas as pd

from coolhead.kpis import Kpi, mean, one


class Polarity(Kpi):
    """The tone, mention by mention."""

    title, unit, interval = "Mention polarity", "-1 to 1", "normal, from the sum of squares"
    formula = "mean over scored mentions of P(positive) - P(negative)"
    reads_scores = True

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        known = frame[frame.polarity.notna()]
        return one(known, total=known.polarity, squares=known.polarity**2)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return mean(parts.total, parts.squares, parts.n)
