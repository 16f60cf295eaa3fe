"""Potential reach, total."""

import pandas as pd

from coolhead.kpis import Kpi, one, plain


class ReachTotal(Kpi):
    """The audience that could see the mentions, repeats counted; `known / n` is its coverage."""

    title, unit = "Potential reach, total", "accounts, not unique"
    formula = "sum over mentions of the author's audience when it was published; null where no audience is known"
    origin = "Mentionlytics, Talkwalker: followers (X), fans (Facebook), page views (news)"

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return one(frame, reach=frame.audience, known=frame.audience.notna())

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return plain(parts.reach.where(parts.known > 0))
