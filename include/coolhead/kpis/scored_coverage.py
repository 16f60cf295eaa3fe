"""Scored coverage."""

import pandas as pd

from coolhead.kpis import Kpi, one, ratio


class ScoredCoverage(Kpi):
    """How much of what came in could be read at all: unscored is its own state, never neutral."""

    title, unit, formula = "Scored coverage", "share", "scored / collected mentions"
    reads_scores = True

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return one(frame, scored=frame.polarity.notna())

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return ratio(parts.scored, parts.n)
