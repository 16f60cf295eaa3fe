"""Volume z: how unusual the trailing hour's volume is. The statistic of the detector `early`."""

import pandas as pd

from coolhead.detectors import EARLY, early
from coolhead.kpis import Kpi, plain


class VolumeZ(Kpi):
    """Robust sigmas above what is usual for that hour; null below 10 mentions and while the baseline is cold. It sees early what
    begins, and is often wrong: good for a watch item."""

    title, unit = "Volume z", "robust sigmas"
    formula = (
        "z = (ln(1 + V) - median) / max(1.4826 MAD, 0.15, 1 / sqrt(1 + median V)), same hour +-1 h of the week of the last 8 weeks if 4 are covered, "
        "before that of the day of the last 21 days"
    )
    version = 2
    reads, asks = "usual", "volume"
    grains = ("5min",)
    least_days = EARLY.least_days

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """frame: `now`, the volume of the trailing hour, and center and spread of its baseline (baselines.py)."""
        return frame[["center", "spread"]].assign(n=frame.now)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return plain(pd.Series(early(parts.n, parts.center, parts.spread), index=parts.index))
