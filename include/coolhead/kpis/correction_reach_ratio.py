"""Correction-reach ratio."""

import pandas as pd

from coolhead.kpis import Kpi, one, ratio


class CorrectionReachRatio(Kpi):
    """Whether our word reaches as many as the complaints do. Any post of ours that answers nobody counts as a statement: the
    store does not know which of them corrects, so read it while an incident is open."""

    title, unit = "Correction-reach ratio", "times"
    formula = "audience of own posts that answer and repeat nobody / audience of negative mentions, where it is known; null where there are such posts and none has a known audience"
    origin = "own proposal: the reach of the correction beside that of the mistake"
    version = 2
    reads = "both"
    reads_scores = True
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        statement = frame.own & frame.parent.isna() & frame.repost_of.isna()
        negative = ~frame.own & (frame.label == "negative") & frame.polarity.notna()
        some = frame[statement | negative]
        said = some.audience.where(some.own)
        return one(some, said=said, statements=some.own, known=said.notna(), negative=some.audience.where(~some.own))

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return ratio(parts.said.where((parts.statements == 0) | (parts.known > 0)), parts.negative)
