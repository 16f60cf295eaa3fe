"""Volume z: how unusual the trailing hour's volume is."""

import numpy as np
import pandas as pd

from coolhead.kpis import Kpi, plain

LEAST_VOLUME = 10


class VolumeZ(Kpi):
    """Robust sigmas above what is usual for that hour of the day; null below 10 mentions and while the baseline is cold."""

    title, unit = "Volume z", "robust sigmas"
    formula = "z = (ln(1 + V) - median) / max(1.4826 MAD, 0.15, 1 / sqrt(1 + median V)), same hour +-1 h of the last 21 days"
    reads, asks = "usual", "volume"
    grains = ("5min",)

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """frame: `now`, the volume of the trailing hour, and center and spread of its baseline (baselines.py)."""
        return frame[["center", "spread"]].assign(n=frame.now)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        z = (np.log1p(parts.n) - parts.center) / parts.spread
        return plain(z.where(parts.n >= LEAST_VOLUME))
