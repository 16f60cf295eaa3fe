"""Doubling time."""

import numpy as np
import pandas as pd

from coolhead.kpis import Z95, Kpi, one

LEAST_VOLUME = 10
EPOCH = pd.Timestamp("1970-01-01", tz="UTC")
STEEPEST = 60.0
"""Growth over the window, in powers of e, at which the curve ends."""
GROWTH = np.linspace(-STEEPEST, STEEPEST, 24_001)


def _centre(growth: np.ndarray) -> np.ndarray:
    """Where in a window of length 1 its mentions lie on average, where their rate grows by e^growth over it."""
    near = np.abs(growth) < 1e-3
    some = np.where(near, 1.0, growth)
    return np.where(near, 0.5 + growth / 12, 1 / -np.expm1(-some) - 1 / some)


CENTRE = _centre(GROWTH)


class DoublingTime(Kpi):
    """How soon twice as many will speak; null where the rate does not grow, and below 10 mentions. The upper end is null where
    it may as well not grow at all."""

    title, unit = "Doubling time", "hours"
    formula = "ln 2 / slope of ln V within the hour, the slope fitted to the moments of the mentions"
    interval = "normal, of the maximum-likelihood slope (Cox and Lewis 1966)"
    grains = ("hour",)

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return one(frame, moments=(frame.published_at - EPOCH) / pd.Timedelta(hours=1))

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        """The mean moment in the window tells all there is to know of an exponential's slope (it is sufficient)."""
        enough = parts.n >= LEAST_VOLUME
        centre = ((parts.moments / parts.n.where(enough) - parts.begin) / parts.hours).to_numpy(dtype="float64")
        growth = np.interp(centre, CENTRE, GROWTH)
        spread = np.interp(growth, GROWTH, np.sqrt(np.gradient(CENTRE, GROWTH)))
        error = Z95 / (np.sqrt(parts.n.to_numpy(dtype="float64")) * spread)
        ends = {"value": growth, "low": growth + error, "high": growth - error}
        hours = {
            k: np.where((g > 0) & (growth > 0), np.log(2) * parts.hours / np.where(g > 0, g, 1), np.nan)
            for k, g in ends.items()
        }
        return pd.DataFrame(hours, index=parts.index)
