"""Unique authors."""

import pandas as pd

from coolhead.kpis import Kpi, one, plain


class UniqueAuthors(Kpi):
    """How many people speak."""

    title, unit, formula = "Unique authors", "authors", "A = distinct authors in the window; mentions without author left out"
    origin = "YouScan: passion = V / A"
    once_per = "author"

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return one(frame)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return plain(parts.n)
