"""Estimated reach."""

import pandas as pd

from coolhead.kpis import Kpi, one, plain


class EstimatedReach(Kpi):
    """The part of the audience that will really see the mentions, by rule of thumb; `known / n` is its coverage."""

    title, unit = "Estimated reach", "accounts, not unique"
    formula = (
        "sum of audience x f; f = 0.15 below 100,000, 0.06 above 10 million, linear between (`reach_factor` of brands.yaml)"
    )
    origin = "Sprinklr"
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return one(frame, reach=self.context.reach_factor.of(frame.audience), known=frame.audience.notna())

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return plain(parts.reach.where(parts.known > 0))
