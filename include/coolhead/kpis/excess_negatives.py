"""Excess negatives: how many more complain than usual."""

import numpy as np
import pandas as pd

from coolhead.kpis import Z95, Kpi


class ExcessNegatives(Kpi):
    """Negative mentions above what is usual for that hour of the day: neutral headlines that dilute a share leave it as it is.
    Null while the baseline is cold, and where nothing was scored."""

    title, unit = "Excess negatives", "mentions"
    formula = "N of the trailing hour - median N of the same hour +-1 h of the last 21 days, incidents and blind hours left out; a day: the sum of its hours"
    interval = "what is usual: exp(median +- 1.96 robust sigmas of ln(1 + N)) - 1"
    reads, asks = "usual", "negative_volume"
    reads_scores = True
    grains = ("5min", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """frame: `now` and `n` of the trailing hour; `median`, `center` and `spread` of its baseline (baselines.py)."""
        return frame[["now", "n", "median", "center", "spread"]]

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        now = parts.now.where(parts.n > 0)
        least, most = (np.expm1(parts.center + side * Z95 * parts.spread).clip(lower=0) for side in (-1, 1))
        # The median of all hours may lie beside that of the logarithms where their number is even.
        low, high = np.minimum(least, parts["median"]), np.maximum(most, parts["median"])
        return pd.DataFrame({"value": now - parts["median"], "low": now - high, "high": now - low})
