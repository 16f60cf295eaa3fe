"""Conversation."""

import pandas as pd

from coolhead.kpis import Kpi, mean, one


class Conversation(Kpi):
    """What the brand's own posts earn."""

    title, unit, interval = "Conversation", "comments per own post", "normal, from the sum of squares"
    formula = "comments / own posts whose comments are known, as last read"
    origin = "Kaushik"
    reads = "own"
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        known = frame[frame.comments.notna()]
        return one(known, comments=known.comments, squares=known.comments**2)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return mean(parts.comments, parts.squares, parts.n)
