"""Negative volume."""

import pandas as pd

from coolhead.kpis import Kpi, one, plain


class NegativeVolume(Kpi):
    """How many negative mentions: neutral headlines dilute a share, they do not dilute a count."""

    title, unit, formula = "Negative volume", "mentions", "N = mentions read as negative; null where none was scored"
    reads_scores = True

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        scored = frame[frame.polarity.notna()]
        return one(scored, negative=scored.label == "negative")

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return plain(parts.negative.where(parts.n > 0))
