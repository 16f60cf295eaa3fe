"""Share of negative voice."""

import pandas as pd

from coolhead.kpis import WILSON, Kpi, share


class ShareOfNegatives(Kpi):
    """How much of all that is said against us and the brands that the market watches is against us."""

    title, unit, interval = "Share of negative voice", "share", WILSON
    formula = "N / (N + N of the watched brands), as the scorer reads them"
    origin = "Sprout Social"
    reads, asks = "voices", "negative_volume"
    reads_scores = True
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """frame: `ours`, and `others` of the brands that the market watches, from `n` mentions (derived.py)."""
        return frame[["n", "ours"]].assign(all=frame.ours + frame.others)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return share(parts.ours, parts["all"])
