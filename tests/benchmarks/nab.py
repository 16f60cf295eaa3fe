"""Numenta's Anomaly Benchmark: its series, its labelled windows and its score, written anew after its paper and its scorer.

Lavin and Ahmad 2015, "Evaluating real-time anomaly detection algorithms - the Numenta Anomaly Benchmark"; numenta/NAB, (c)
Numenta, MIT licence. The first of the alarms within a window counts, the earlier the more; a missed window costs one point
(two where misses weigh more), a false alarm 0.11 (0.22 where they weigh more), less just after a window. The first 15 % of
a series, at most 750 rows, are not scored. 0 is a detector that never alarms, 100 is a perfect one.
"""

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
PROFILES = {"standard": (1.0, 0.11), "low FP": (1.0, 0.22), "low FN": (2.0, 0.11)}
"""Weights of a miss and of a false alarm; a hit weighs 1."""


@dataclass(frozen=True)
class Labelled:
    """A series with the rows of its windows, first and last."""

    name: str
    lines: list[bytes]
    at: Numbers
    """Seconds since 1970."""
    values: Numbers
    windows: list[tuple[int, int]]

    @property
    def probation(self) -> int:
        return min(int(0.15 * len(self.at)), 750)

    @cached_property
    def worth(self) -> tuple[Numbers, npt.NDArray[np.int64]]:
        """(what an alarm at each row is worth, before the weights; the row's window, -1 outside)"""
        worth, window = np.full(len(self.at), -1.0), np.full(len(self.at), -1)
        for number, (first, last) in enumerate(self.windows):
            width = last - first + 1
            inside = np.arange(first, last + 1)
            worth[inside] = [_sigmoid(-(last - row + 1) / width) / _sigmoid(-1) for row in inside]
            window[inside] = number
            end = self.windows[number + 1][0] if number + 1 < len(self.windows) else len(self.at)
            worth[last + 1 : end] = [_sigmoid((row - last) / (width - 1)) for row in range(last + 1, end)]
        return worth, window

    def score(self, alarms: npt.NDArray[np.int64], profile: str) -> "Score":
        """alarms: rows."""
        miss, false = PROFILES[profile]
        worth, window = self.worth
        alarms = alarms[alarms >= self.probation]
        asked = [number for number, (_, last) in enumerate(self.windows) if last >= self.probation]
        best = [worth[alarms[window[alarms] == number]].max(initial=-miss) for number in asked]
        outside = alarms[window[alarms] < 0]
        raw = sum(best) + false * float(worth[outside].sum())
        return Score(raw, len(asked), sum(b > -miss for b in best), len(outside), miss)


@dataclass(frozen=True)
class Score:
    """Of one or more series."""

    raw: float
    windows: int
    found: int
    false: int
    miss: float

    @property
    def normalised(self) -> float:
        return 100 * (self.raw + self.miss * self.windows) / ((1 + self.miss) * self.windows)


def total(scores: Iterable[Score]) -> Score:
    of = list(scores)
    return Score(*(sum(getattr(s, n) for s in of) for n in ("raw", "windows", "found", "false")), of[0].miss)  # type: ignore[arg-type]


def best_threshold(series: Sequence[Labelled], scores: Mapping[str, Numbers], profile: str) -> tuple[float, Score]:
    """The one of all thresholds that gives these very series the greatest score: NAB tunes each of its detectors so."""
    every = np.concatenate([scores[s.name] for s in series])
    candidates = np.unique(np.quantile(every[np.isfinite(every)], 1 - np.geomspace(1e-5, 0.2, 400)))
    of = [(float(t), total(s.score(np.flatnonzero(scores[s.name] >= t), profile) for s in series)) for t in candidates]
    return max(of, key=lambda pair: pair[1].raw)


def _sigmoid(y: float) -> float:
    return 2 / (1 + math.exp(5 * y)) - 1 if y <= 3 else -1.0


def read(folder: Path) -> list[Labelled]:
    """The series of the folder that have labelled windows. folder: with `realTweets/*.csv` and `combined_windows.json`."""
    out = []
    for path, windows in json.loads((folder / "combined_windows.json").read_text()).items():
        if not (file := folder / path).exists():
            continue
        lines = file.read_bytes().splitlines(keepends=True)
        rows = list(csv.DictReader(line.decode() for line in lines))
        at = [datetime.fromisoformat(r["timestamp"]).replace(tzinfo=UTC).timestamp() for r in rows]
        row = {t: i for i, t in reversed(list(enumerate(at)))}
        spans = [tuple(row[datetime.fromisoformat(end).replace(tzinfo=UTC).timestamp()] for end in w) for w in windows]
        values = np.array([float(r["value"]) for r in rows])
        out.append(Labelled(file.stem.rsplit("_", 1)[-1], lines, np.array(at), values, [(a, b) for a, b in spans]))
    return out
