"""Net sentiment, total."""

import pandas as pd

from coolhead.kpis import Kpi, difference, one


class NetSentimentTotal(Kpi):
    """Balance among all that were scored."""

    title, unit, formula = "Net sentiment, total", "-1 to 1", "(P - N) / (P + N + U)"
    interval = "square-and-add of two Wilson intervals with their correlation (Zou and Donner 2008)"
    reads_scores = True

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        scored = frame[frame.polarity.notna()]
        return one(scored, positive=scored.label == "positive", negative=scored.label == "negative")

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return difference(parts.positive, parts.negative, parts.n)
