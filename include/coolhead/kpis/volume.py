"""Mention volume."""

import pandas as pd

from coolhead.kpis import Kpi, one, plain


class Volume(Kpi):
    """How much is said."""

    title, unit, formula = "Mention volume", "mentions", "V = distinct mentions in the window, own posts apart"

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return one(frame)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return plain(parts.n)
