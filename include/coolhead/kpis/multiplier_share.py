"""Multiplier share."""

import numpy as np
import pandas as pd

from coolhead.kpis import Kpi, one, ratio

TOP = 0.01


class MultiplierShare(Kpi):
    """How much of the audience a handful of accounts brings: those whose silence or correction matters."""

    title, unit = "Multiplier share", "share"
    formula = "reach of the top 1 % of authors (at least one) / reach of all, each author once; null where no audience is known"
    origin = "own proposal: the multipliers of crisis practice"
    once_per = "author"
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        top = frame["rank"] <= np.ceil(frame["of"] * TOP)
        return one(frame, reach=frame.audience, top=frame.audience.where(top))

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return ratio(parts.top, parts.reach)
