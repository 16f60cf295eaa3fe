"""Net sentiment, total."""

import pandas as pd

from coolhead.kpis import Kpi, one, ratio


class NetSentimentTotal(Kpi):
    """Balance among all that were scored."""

    title, unit, formula = "Net sentiment, total", "-1 to 1", "(P - N) / (P + N + U)"
    reads_scores = True

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        scored = frame[frame.polarity.notna()]
        return one(scored, positive=scored.label == "positive", negative=scored.label == "negative")

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return ratio(parts.positive - parts.negative, parts.n)
