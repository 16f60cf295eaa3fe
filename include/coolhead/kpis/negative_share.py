"""Negative share."""

import pandas as pd

from coolhead.kpis import WILSON, Kpi, one, share


class NegativeShare(Kpi):
    """How much of what was read is negative."""

    title, unit, interval = "Negative share", "share", WILSON
    formula = "N / (P + N + U) of scored mentions, as the scorer reads them"
    reads_scores = True

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        scored = frame[frame.polarity.notna()]
        return one(scored, positive=scored.label == "positive", negative=scored.label == "negative")

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return share(parts.negative, parts.n)
