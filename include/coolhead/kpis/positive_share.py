"""Positive share."""

import pandas as pd

from coolhead.kpis import WILSON, Kpi, one, share


class PositiveShare(Kpi):
    """How much of what was read is positive: the 99 of 100 who are content."""

    title, unit, interval = "Positive share", "share", WILSON
    formula = "P / (P + N + U) of scored mentions, as the scorer reads them"
    reads_scores = True

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        scored = frame[frame.polarity.notna()]
        return one(scored, positive=scored.label == "positive", negative=scored.label == "negative")

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return share(parts.positive, parts.n)
