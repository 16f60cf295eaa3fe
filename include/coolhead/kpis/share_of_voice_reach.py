"""Share of voice by reach."""

import pandas as pd

from coolhead.kpis import Kpi, ratio


class ShareOfVoiceReach(Kpi):
    """The same by audience: who is seen, and not how often one is named."""

    title, unit = "Share of voice by reach", "share"
    formula = "potential reach / (potential reach + that of the watched brands), where audiences are known"
    origin = "Sprout Social"
    reads, asks = "voices", "reach_total"
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """frame: `ours`, and `others` of the brands that the market watches, from `n` mentions (derived.py)."""
        return frame[["n", "ours"]].assign(all=frame.ours + frame.others)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return ratio(parts.ours, parts["all"])
