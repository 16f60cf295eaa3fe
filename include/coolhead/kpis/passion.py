"""Passion."""

import pandas as pd

from coolhead.kpis import Kpi, one, ratio


class Passion(Kpi):
    """How often one and the same person speaks."""

    title, unit = "Passion", "mentions per author"
    formula = "V / A over mentions whose author is known"
    origin = "YouScan"
    once_per = "author"
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return one(frame, mentions=frame.times)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return ratio(parts.mentions, parts.n)
