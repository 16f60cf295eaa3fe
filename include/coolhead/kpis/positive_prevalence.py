"""Positive prevalence: the share of positive mentions, corrected for what the scorer confuses."""

import pandas as pd

from coolhead.kpis import Kpi
from coolhead.kpis._prevalence import METHOD, counted, solved


class PositivePrevalence(Kpi):
    """How much is really positive; `general` counts the mentions that are corrected by public corpora, not by the brand's labels."""

    title, unit, interval = "Positive prevalence, corrected", "share", METHOD
    formula = (
        "solve q = M'p by language, q the read shares, M the scorer's confusion matrix; labels of people count as they are"
    )
    origin = "Forman 2008; Moreo and Sebastiani 2022, PLOS ONE 0263449; Meertens et al. 2019, arXiv:1902.02412"
    version = 2
    reads_scores = True
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return counted(frame, self.context)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return solved(parts, "positive", self.context)
