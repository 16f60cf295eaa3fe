"""What is usual: for volume, the same hour of the day over the last weeks; for shares, the last weeks' sums.

Hours in which a source was blind, and hours of past incidents, are left out. Until two weeks are covered a
baseline is cold, and says so: then only absolute rules fire.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from coolhead.kpis import Kpi
from coolhead.windows import Window, floor, merged, minus

LOOK_BACK = timedelta(days=21)
WARM_DAYS = 14
"""Distinct covered days that a baseline needs [DEFINITIONS: the last 14 to 21 days]."""
FLOOR = 0.15
"""Least spread of ln(1 + V): without it one single mention of a small brand gives z = 4.6."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Usual:
    """Median and spread of ln(1 + V) and the plain median."""

    center: float
    spread: float
    """max(1.4826 MAD, 0.15, 1 / sqrt(1 + median V))"""
    median: float


def usual(volumes: Sequence[float]) -> Usual:
    """Median and MAD on the log scale."""
    x, median = np.log1p(np.asarray(volumes, dtype=float)), float(np.median(volumes))
    center = float(np.median(x))
    mad = 1.4826 * float(np.median(np.abs(x - center)))
    return Usual(center, max(mad, FLOOR, 1 / float(np.sqrt(1 + median))), median)


class VolumeBaseline:
    """Hourly volume of one market, or another count, ready to be asked for any moment; never looks at or after that moment's day."""

    def __init__(self, hourly: Mapping[datetime, float | None], seen: list[Window], left_out: list[Window], zone: str) -> None:
        """hourly: volume by hour start (absent: 0; None: unknown); seen: spans in which all active sources saw."""
        self._hourly, self._zone = hourly, ZoneInfo(zone)
        out = merged([(w.start, w.end) for w in left_out])
        self._usable = [part for w in seen for part in minus(w, out)]
        self._memo: dict[tuple[object, int], Usual | None] = {}
        self.days = {
            d.date()
            for w in self._usable
            for d in pd.date_range(w.start.astimezone(self._zone), w.end.astimezone(self._zone), freq="h")
        }

    def at(self, moment: datetime) -> Usual | None:
        """The usual hourly volume at that hour of the local day, from the 21 days before; None while cold."""
        local = moment.astimezone(self._zone)
        key = (local.date(), local.hour)
        if key not in self._memo:
            self._memo[key] = self._compute(local)
        return self._memo[key]

    def _compute(self, local: datetime) -> Usual | None:
        found: list[float] = []
        days = 0
        for back in range(1, LOOK_BACK.days + 1):
            hours = [self._volume(local, back, shift) for shift in (-1, 0, 1)]
            known = [v for v in hours if v is not None]
            found += known
            days += bool(known)
        return usual(found) if days >= WARM_DAYS else None

    def _volume(self, local: datetime, days_back: int, shift: int) -> float | None:
        wall = (local - timedelta(days=days_back)).replace(minute=0, second=0, microsecond=0) + timedelta(hours=shift)
        # Hours are kept by UTC: the one in which the wall's hour begins, in zones that are half an hour off.
        start = floor(wall.replace(fold=0), HOUR)
        if start >= local - timedelta(hours=1) or not self._covered(start):
            return None
        return self._hourly.get(start, 0.0)

    def _covered(self, start: datetime) -> bool:
        return any(w.start <= start and start + HOUR <= w.end for w in self._usable)


def shares(kpis: Sequence[Kpi], daily: pd.DataFrame, before: datetime) -> dict[str, float]:
    """Each KPI's value over all local days of the 21 days before a moment; empty while cold.

    daily: one row per KPI and day, columns kpi, start, parts. Only KPIs whose sums add and whose value does not grow
    with the number of days (shares, means) make sense here; a rule asks for those.
    """
    out: dict[str, float] = {}
    recent = daily[(daily.start < before) & (daily.start >= before - LOOK_BACK - timedelta(hours=2))]
    for kpi in kpis:
        mine = recent[recent.kpi == kpi.name]
        if len(mine) >= WARM_DAYS and kpi.kind == "additive":
            sums = pd.DataFrame(list(mine.parts)).sum().to_frame().T  # what a day's parts lack is 0
            # Over so many days: a KPI that asks for the length of its window gets it, one that asks for its begin gets nothing.
            value = kpi.value(sums.assign(begin=float("nan"), hours=24.0 * len(mine))).value.iloc[0]
            if value == value:
                out[kpi.name] = float(value)
    return out
