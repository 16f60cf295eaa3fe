"""Engagement rate by reach."""

import pandas as pd

from coolhead.kpis import Kpi, one, ratio


class EngagementRateReach(Kpi):
    """What those who could see the mentions did with them."""

    title, unit = "Engagement rate by reach", "share"
    formula = "likes + comments + shares / potential reach, over mentions of which both are known"
    origin = "Socialbakers: interactions / reach"
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        done = frame[["likes", "comments", "shares"]]
        both = frame[done.notna().any(axis=1) & frame.audience.notna()]
        return one(both, interactions=done.sum(axis=1).reindex(both.index), reach=both.audience)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return ratio(parts.interactions, parts.reach)
