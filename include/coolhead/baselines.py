"""What is usual: for volume, the same hour of the week (of the day, before there are enough weeks); for shares, the last weeks' sums.

Hours in which a source was blind, and hours of past incidents, are left out. A baseline of fewer than two weeks is cold,
and says so: a KPI states how many days it needs, and is null before. What is usual on a local day is known at the day's
start and made once, of the hours of at most eight weeks: it costs the same however long the history.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from coolhead.kpis import Kpi
from coolhead.windows import Window, floor, merged, minus

Numbers = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

LOOK_BACK = timedelta(days=21)
WARM_DAYS = 14
"""Distinct covered days that a baseline needs to be warm [DEFINITIONS: the last 14 to 21 days]."""
SEASON = timedelta(days=56)
"""How far back the same hour of the week is looked for. Who passes hours of 21 days only is given hours of the day."""
SAME_WEEKDAYS = 4
"""So many of them covered, and the hour of the week is used. Measured on six real series: its median is 2 to 20 % nearer to the
next hour's volume than that of the hour of the day."""
COLD_DAYS = 3
"""Fewer covered days than these, and every hour is compared with all hours of all days: a night looks quiet, a noon busy."""
DEVIATION_DAYS = 14
"""Days whose hours tell how far volume usually lies from what is usual."""
FLOOR = 0.15
"""Least spread of ln(1 + V): without it one single mention of a small brand gives z = 4.6."""
LEAST_DEVIATION = 3.0
"""Of mentions in an hour: what is big (ten deviations) is 30 mentions too many at least, however small the brand."""
SUNDAY = 6
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Usual:
    """What is usual, on both scales: ln(1 + V), robust, for what begins; plain mentions, not robust, for what is big."""

    center: float
    """Median of ln(1 + V)."""
    spread: float
    """max(1.4826 MAD of ln(1 + V), 0.15, 1 / sqrt(1 + median V))"""
    median: float
    """Of V: mentions."""
    deviation: float
    """max(mean absolute deviation of the last 14 days' hours from what is usual for each, 3, sqrt(1 + median V)): mentions."""
    days: int = field(default=WARM_DAYS, compare=False)
    """Covered days that it rests on: how sure it is, not what it is."""

    @property
    def warmth(self) -> str:
        """`warm`, or e.g. `cold: 5 of 14 days`."""
        return "warm" if self.days >= WARM_DAYS else f"cold: {self.days} of {WARM_DAYS} days"


def usual(volumes: Sequence[float]) -> Usual:
    """Of equal stretches of time, e.g. whole days."""
    v = np.asarray(volumes, dtype=float)
    median, center, mad = (float(a) for a in _medians(v[None, :])[:, 0])
    return _bounded(center, mad, median, typical(v - median), len(v))


def typical(away: Numbers) -> float:
    """How far volumes lie off: their mean absolute deviation. It minds storms, which the median would not see, and not as much as
    their squares would (detectors.py)."""
    return float(np.abs(away).mean())


def _bounded(center: float, mad: float, median: float, away: float, days: int) -> Usual:
    noise = float(np.sqrt(1 + median))  # of counts, on either scale
    return Usual(center, max(mad, FLOOR, 1 / noise), median, max(away, noise, LEAST_DEVIATION), days)


def _medians(values: Numbers) -> Numbers:
    """Per row of volumes (NaN: unknown): median of V, median of ln(1 + V), 1.4826 MAD of ln(1 + V), as three rows."""
    if not values.shape[1]:
        return np.full((3, len(values)), np.nan)
    ordered = np.sort(values, axis=1)
    logs = np.log1p(ordered)
    center = _middle(logs)
    return np.stack([_middle(ordered), center, 1.4826 * _middle(np.sort(np.abs(logs - center[:, None]), axis=1))])


def _middle(ordered: Numbers) -> Numbers:
    """Median per row of sorted rows, whose NaN stand last; NaN where there is nothing else."""
    known, rows = (~np.isnan(ordered)).sum(axis=1), np.arange(len(ordered))
    low, high = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, ordered.shape[1] - 1)
    return np.asarray((ordered[rows, low] + ordered[rows, high]) / 2)


@dataclass(frozen=True)
class DayUsual:
    """What is usual on one local day, per hour of the wall, 0 to 23: arrays of 24."""

    median: Numbers
    center: Numbers
    mad: Numbers
    days: Counts
    """Covered days behind the hour; 0: nothing is known."""
    away: float
    """Mean absolute deviation of the last 14 days' hours from what is usual for each."""

    def hour(self, hour: int) -> Usual | None:
        if not self.days[hour]:
            return None
        center, mad, median = (float(a[hour]) for a in (self.center, self.mad, self.median))
        return _bounded(center, mad, median, self.away, int(self.days[hour]))


class VolumeBaseline:
    """Hourly volume of one market, or another count, ready to be asked for any moment; never looks at or after the start of
    that moment's local day."""

    def __init__(
        self,
        hourly: Mapping[datetime, float | None],
        seen: list[Window],
        left_out: list[Window],
        zone: str,
        holidays: Collection[date] = (),
        of_week: bool = True,
    ) -> None:
        """hourly: volume by hour start (absent: 0; None: unknown); seen: spans in which all active sources saw; holidays: days
        that are compared with Sundays; of_week: False takes hours of the day, and so never looks back more than 21 days."""
        out = merged([(w.start, w.end) for w in left_out])
        usable = [part for w in seen for part in minus(w, out)]
        first = floor(min((w.start for w in usable), default=EPOCH), HOUR)
        self._hold(first, _known(hourly, usable, first), zone, holidays, of_week)

    @classmethod
    def of_hours(
        cls, first: datetime, volumes: Numbers, zone: str, holidays: Collection[date] = (), of_week: bool = True
    ) -> Self:
        """volumes: of consecutive hours from `first` (a full hour of UTC) on; NaN: unknown, or to be left out."""
        made = cls.__new__(cls)
        made._hold(first, volumes, zone, holidays, of_week)
        return made

    def _hold(self, first: datetime, volumes: Numbers, zone: str, holidays: Collection[date], of_week: bool) -> None:
        self._first, self._volumes, self._zone = first, volumes, ZoneInfo(zone)
        self._holidays, self._back = frozenset(holidays), SEASON if of_week else LOOK_BACK
        self._rows, self._days = dict[date, Numbers](), dict[date, DayUsual]()

    def at(self, moment: datetime, least_days: int = WARM_DAYS) -> Usual | None:
        """The usual hourly volume at that hour of the local day; None while fewer covered days stand behind it."""
        local = moment.astimezone(self._zone)
        found = self.day(local.date()).hour(local.hour)
        return found if found and found.days >= least_days else None

    def day(self, day: date) -> DayUsual:
        """What is usual on a local day, as known at its start."""
        if day not in self._days:
            past = [day - i * DAY for i in range(1, self._back.days + 1)]
            rows = np.stack([self._row(d) for d in past])
            rows[0, -1] = np.nan  # the hour after yesterday's last is today's
            self._days[day] = _Past(rows, np.array([self._kind(d) for d in past])).usual(self._kind(day))
        return self._days[day]

    def _kind(self, day: date) -> int:
        return SUNDAY if day in self._holidays else day.weekday()

    def _row(self, day: date) -> Numbers:
        """Volumes of a local day's hours, between the last one before and the first one after: 26, NaN where unknown."""
        if day not in self._rows:
            self._rows[day] = self._taken(self._places(day))
        return self._rows[day]

    def _places(self, day: date) -> npt.NDArray[np.int64]:
        """Which of the stored hours, those of UTC, holds the begin of each hour of the wall: also in zones half an hour off."""
        first, last = (datetime.combine(day, time()) + h * HOUR for h in (-1, 24))
        begin = self._first.replace(tzinfo=None)
        if (offset := self._offset(first)) == self._offset(last):
            return (first - offset - begin) // HOUR + np.arange(26)
        walls = (first + i * HOUR for i in range(26))  # the clocks are changed
        return np.array([(w - self._offset(w) - begin) // HOUR for w in walls])

    def _offset(self, wall: datetime) -> timedelta:
        return wall.replace(tzinfo=self._zone).utcoffset() or timedelta()

    def _taken(self, places: npt.NDArray[np.int64]) -> Numbers:
        inside = (places >= 0) & (places < len(self._volumes))
        row = np.full(len(places), np.nan)
        row[inside] = self._volumes[places[inside]]
        return row


def _known(hourly: Mapping[datetime, float | None], usable: list[Window], first: datetime) -> Numbers:
    """Volumes of consecutive hours: 0 where nothing was said, NaN in hours that are not usable as a whole."""
    end = max((w.end for w in usable), default=first)
    volumes = np.full((end - first) // HOUR, np.nan)
    for w in usable:
        volumes[-((first - w.start) // HOUR) : (w.end - first) // HOUR] = 0.0
    places = ((np.fromiter((s.timestamp() for s in hourly), float, len(hourly)) - first.timestamp()) // 3600).astype(int)
    said = np.array([np.nan if v is None else v for v in hourly.values()], dtype=float)
    inside = (places >= 0) & (places < len(volumes))
    volumes[places[inside]] += said[inside]  # NaN stays NaN
    return volumes


class _Past:
    """The days before a local day, yesterday first: eight weeks, or three, which are too few for hours of the week."""

    def __init__(self, rows: Numbers, kinds: npt.NDArray[np.int64]) -> None:
        """rows: (days, 26) volumes; kinds: (days,) 0 to 6, Sunday being 6."""
        self._hours, self._kinds = rows[:, 1:-1], kinds
        self._near = sliding_window_view(rows, 3, axis=1)  # (days, 24, 3): each hour between its neighbours
        self._levels = dict[int, tuple[Numbers, Counts]]()

    def usual(self, kind: int) -> DayUsual:
        away = np.stack([self._hours[i] - self._level(k)[0][0] for i, k in enumerate(self._kinds[:DEVIATION_DAYS])])
        known = away[~np.isnan(away)]
        levels, days = self._level(kind)
        return DayUsual(levels[0], levels[1], levels[2], days, typical(known) if known.size else 0.0)

    def _level(self, kind: int) -> tuple[Numbers, Counts]:
        """(median, center, mad) and covered days per hour, on a day of that kind."""
        if kind not in self._levels:
            week, weeks = self._of(self._near[self._kinds == kind])
            levels, days = self._by_day
            # Four weeks are as good as a warm baseline.
            of_week = weeks >= SAME_WEEKDAYS
            self._levels[kind] = np.where(of_week, week, levels), np.where(of_week, np.maximum(days, WARM_DAYS), days)
        return self._levels[kind]

    @cached_property
    def _by_day(self) -> tuple[Numbers, Counts]:
        day, days = self._of(self._near[: LOOK_BACK.days])
        if (days >= COLD_DAYS).all():
            return day, days
        every = self._hours[: LOOK_BACK.days].reshape(1, -1)
        count = int((~np.isnan(every)).sum()) // 24
        few = np.minimum(count, COLD_DAYS - 1)
        return np.where(days >= COLD_DAYS, day, _medians(every)), np.where(days >= COLD_DAYS, days, few)

    @staticmethod
    def _of(near: Numbers) -> tuple[Numbers, Counts]:
        days = (~np.isnan(near)).any(axis=2).sum(axis=0)
        return _medians(near.transpose(1, 0, 2).reshape(24, -1)), days


def shares(kpis: Sequence[Kpi], days: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, float]:
    """Each KPI's value over all its newest 21 days together; empty while it has fewer than 14, whether or not something was said
    on each of them.

    days: KPI -> sums, of usable days, oldest first; empty: nothing was said; a KPI that others stand without: unknown. Only KPIs
    whose sums add and whose value does not grow with the number of days (shares, means) make sense here; a rule asks for those.
    """
    out: dict[str, float] = {}
    for kpi in kpis:
        mine = [day.get(kpi.name) for day in days if not day or kpi.name in day][-LOOK_BACK.days :]
        said = [sums for sums in mine if sums]
        if len(mine) >= WARM_DAYS and said and kpi.kind == "additive":
            sums = pd.DataFrame(said).sum().to_frame().T  # what a day's parts lack is 0
            # Over so many days: a KPI that asks for the length of its window gets it, one that asks for its begin gets nothing.
            value = kpi.value(sums.assign(begin=float("nan"), hours=24.0 * len(mine))).value.iloc[0]
            if value == value:
                out[kpi.name] = float(value)
    return out
