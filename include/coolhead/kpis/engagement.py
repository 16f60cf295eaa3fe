"""Engagement."""

import pandas as pd

from coolhead.kpis import Kpi, one, plain


class Engagement(Kpi):
    """What people did with the mentions, as last read."""

    title, unit = "Engagement", "interactions"
    formula = "likes + comments + shares; null where the networks give none of them"

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        fields = frame[["likes", "comments", "shares"]]
        return one(frame, interactions=fields.sum(axis=1), known=fields.notna().any(axis=1))

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return plain(parts.interactions.where(parts.known > 0))
