"""Own posts and replies."""

import pandas as pd

from coolhead.kpis import Kpi, one, plain


class OwnPosts(Kpi):
    """How much the brand itself says; in no other KPI."""

    title, unit, formula = "Own posts", "posts", "posts and replies by the brand's own accounts"
    reads = "own"

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return one(frame)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return plain(parts.n)
