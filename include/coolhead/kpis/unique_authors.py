"""Unique authors."""

import pandas as pd

from coolhead.kpis import Kpi, one, plain


class UniqueAuthors(Kpi):
    """How many people speak. `n`: the mentions that name their author; the others of the volume name none (firing.py)."""

    title, unit, formula = "Unique authors", "authors", "A = distinct authors in the window; mentions without author left out"
    origin = "YouScan: passion = V / A"
    once_per = "author"

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return one(frame, authors=pd.Series(1.0, index=frame.index)).assign(n=frame.times.astype("float64"))

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return plain(parts.authors)
