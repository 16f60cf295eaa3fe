"""Net sentiment, polar."""

import pandas as pd

from coolhead.kpis import WILSON, Kpi, one, share


class NetSentimentPolar(Kpi):
    """Balance among those who take a side."""

    title, unit, formula = "Net sentiment, polar", "-1 to 1", "(P - N) / (P + N)"
    interval = WILSON
    reads_scores = True

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        scored = frame[frame.polarity.notna()]
        return one(scored, positive=scored.label == "positive", negative=scored.label == "negative")

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return 2 * share(parts.positive, parts.positive + parts.negative) - 1
