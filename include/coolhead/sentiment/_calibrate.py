"""Temperatures of the scorer `linear` (Guo et al. 2017, arXiv 1706.04599), fitted when it is trained. Needs scipy."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]

from coolhead.sentiment._features import LANGUAGES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def softmax(logits: Floats) -> Floats:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def calibrate(logits: Floats, labels: Ints, langs: Ints) -> Floats:
    """Per language the temperature with the least log loss on logits that were made unseen; the last: their median."""
    out = np.ones(len(LANGUAGES) + 1)
    for lang in range(len(LANGUAGES)):
        mine = langs == lang
        gold = labels[mine]

        def nats(log_t: float, z: Floats = logits[mine], y: Ints = gold) -> float:
            return float(-np.log(softmax(z / np.exp(log_t))[np.arange(len(y)), y] + 1e-12).mean())

        out[lang] = round(float(np.exp(minimize_scalar(nats, bounds=(-2, 2), method="bounded").x)), 4)
    out[-1] = np.median(out[:-1])
    return out
