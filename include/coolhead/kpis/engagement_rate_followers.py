"""Engagement rate by followers."""

import pandas as pd

from coolhead.kpis import Kpi, one, ratio


class EngagementRateFollowers(Kpi):
    """What the own accounts' followers do with the brand's own posts."""

    title, unit = "Engagement rate by followers", "share"
    formula = "likes + comments + shares of own posts / followers of their account when they were published"
    origin = "Socialbakers: interactions / followers"
    reads = "own"
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        done = frame[["likes", "comments", "shares"]]
        both = frame[done.notna().any(axis=1) & frame.audience.notna()]
        return one(both, interactions=done.sum(axis=1).reindex(both.index), followers=both.audience)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return ratio(parts.interactions, parts.followers)
