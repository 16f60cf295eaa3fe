"""What else finds spikes in a series, row by row and without looking ahead: each gives a score per row, and has a usual threshold."""

import math
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
DAY = 288
"""Rows of a day."""
LONG = 14 * DAY


def windowed_gaussian(values: Numbers) -> Numbers:
    """NAB's: how far within a normal distribution of the last 6,400 rows, that moves on by 100 rows; 1 where a double knows no
    difference from certainty, which is its threshold."""
    out, kept, waiting, mean, sd = np.zeros(len(values)), list[float](), list[float](), 0.0, 1.0
    for i, x in enumerate(values):
        if i:
            out[i] = 1 - 0.5 * math.erfc(abs(x - mean) / sd / math.sqrt(2))
        if len(kept) < 6400:
            kept.append(x)
        else:
            waiting.append(x)
            if len(waiting) < 100:
                continue
            kept, waiting = kept[100:] + waiting, []
        mean, sd = float(np.mean(kept)), float(np.std(kept)) or 1e-6
    return out


def three_sigma(values: Numbers) -> Numbers:
    """Standard deviations above the mean of all rows before."""
    n = np.arange(1, len(values))
    mean = np.cumsum(values)[:-1] / n
    sd = np.sqrt(np.maximum(np.cumsum(values**2)[:-1] / n - mean**2, 1e-12))
    return np.concatenate([[0.0], (values[1:] - mean) / sd])


def seasonal_hybrid_esd(values: Numbers, alpha: float = 0.05, most: float = 0.002) -> Numbers:
    """Hochenbaum, Vallis and Kejariwal 2017 (arXiv 1704.07706), upwards, at every row over the 14 days that end with it: residuals
    of the seasonal component (medians of the same time of day, made once a day) and the median; generalised ESD with median
    and MAD. The score is how far the row passes the least anomaly of its window; 1 and above is one. Median and MAD are those of the
    window before anything is taken out of it: at most 0.2 % is, as NAB has it for Twitter's ADVec."""
    out, season = np.zeros(len(values)), np.zeros(DAY)
    for i in range(2 * DAY, len(values)):
        if i % DAY == 0:
            days = min(i, LONG) // DAY
            season = np.median(values[i - days * DAY : i].reshape(days, DAY), axis=0)
        first = max(0, i + 1 - LONG)
        window = values[first : i + 1] - season[np.arange(first, i + 1) % DAY]
        window -= np.median(window)
        spread = 1.4826 * np.median(np.abs(window)) or 1e-6
        critical = _critical(len(window), alpha, most)
        largest = np.sort(np.partition(window, -len(critical))[-len(critical) :])[::-1] / spread
        passed = np.flatnonzero(largest > critical)
        # Anomalies are all up to the last that passes its own critical value.
        out[i] = window[-1] / spread / (largest[passed[-1]] if len(passed) else critical[0])
    return out


@lru_cache(maxsize=8_192)
def _critical(n: int, alpha: float, most: float) -> Numbers:
    """Rosner 1983, one tail."""
    from scipy.stats import t

    i = np.arange(1, max(1, int(most * n)) + 1)
    q = t.ppf(1 - alpha / (n - i + 1), n - i - 1)
    return np.asarray(q * (n - i) / np.sqrt((n - i - 1 + q**2) * (n - i + 1)))


def half_space_trees(values: Numbers) -> Numbers:
    """Tan, Ting and Liu 2011, as river makes them, of values scaled by the least and the greatest so far; anomaly from 0.5 on (MOA's
    threshold, river has none)."""
    sys.path.insert(0, str(Path(".coolhead/bench")))
    from river import anomaly, preprocessing

    trees, scaler, out = anomaly.HalfSpaceTrees(seed=42), preprocessing.MinMaxScaler(), np.zeros(len(values))
    for i, x in enumerate(values):
        row = {"x": float(x)}
        scaler.learn_one(row)
        scaled = scaler.transform_one(row)
        out[i] = trees.score_one(scaled)
        trees.learn_one(scaled)
    return out


OTHERS = {
    "windowed Gaussian (NAB's)": (windowed_gaussian, 1.0),
    "plain 3-sigma": (three_sigma, 3.0),
    "S-H-ESD (as Twitter ADVec)": (seasonal_hybrid_esd, 1.0),
    "half-space trees (river)": (half_space_trees, 0.5),
}
"""Name -> (scores of a series, usual threshold)."""
