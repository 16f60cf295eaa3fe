"""Potential reach, unique."""

import pandas as pd

from coolhead.kpis import Kpi, one, plain


class ReachUnique(Kpi):
    """The same audience, each author once per window; `known / n` is its coverage."""

    title, unit = "Potential reach, unique", "accounts"
    formula = "sum of the audience of each author, once per window; null where no audience is known"
    origin = "Mentionlytics; Brand24 counts a domain once a day"
    once_per = "author"

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return one(frame, reach=frame.audience, known=frame.audience.notna())

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return plain(parts.reach.where(parts.known > 0))
