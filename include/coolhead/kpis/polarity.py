"""Mention polarity."""

import pandas as pd

from coolhead.kpis import Kpi, mean_tone, one


class Polarity(Kpi):
    """The tone, mention by mention."""

    title, unit, interval = "Mention polarity", "-1 to 1", "Wilson 1927 between -1 and 1, by the variance found"
    formula = "mean over scored mentions of P(positive) - P(negative)"
    version = 2
    reads_scores = True

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        known = frame[frame.polarity.notna()]
        return one(known, total=known.polarity, squares=known.polarity**2)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return mean_tone(parts.total, parts.squares, parts.n)
