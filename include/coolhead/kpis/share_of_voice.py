"""Share of voice."""

import pandas as pd

from coolhead.kpis import WILSON, Kpi, share


class ShareOfVoice(Kpi):
    """How much of the talk about us and the brands that the market watches is about us."""

    title, unit, interval = "Share of voice", "share", WILSON
    formula = "V / (V + V of the watched brands)"
    origin = "Sprout Social"
    reads, asks = "voices", "volume"
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """frame: `ours`, and `others` of the brands that the market watches, from `n` mentions (derived.py)."""
        return frame[["n", "ours"]].assign(all=frame.ours + frame.others)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return share(parts.ours, parts["all"])
