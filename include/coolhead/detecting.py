"""`coolhead detect`: a series of counts in, a score of each moment out, by the detectors that watch volume live.

A fold over rows: what it remembers is bounded (eight weeks of hours, the rows of the last hour), ready for JSON, and all
that a score rests on; so that no score looks ahead, and any chunking of the series gives the same scores.
"""

import csv
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

import numpy as np

from coolhead.baselines import SEASON, WARM_DAYS, Usual, VolumeBaseline
from coolhead.detectors import Detector
from coolhead.errors import ConfigError

HOUR = 3600
KEPT = int((SEASON + timedelta(days=2)) / timedelta(hours=1))
"""Hours that are remembered: a baseline's weeks, and both ends of a local day."""
LEARNT = 4
"""Rows after which the series' interval is known: the smallest distance so far, for rows may be missing."""
JITTER = 0.1
"""Part of the interval by which a row may come early."""
MOST = 1e12
"""No count of an hour is greater."""
NEEDED = ("timestamp", "value")
STAGES = (
    "no score yet: it is 0 until enough days are covered",
    f"cold: what is usual rests on fewer than {WARM_DAYS} days",
    f"warm: what is usual rests on {WARM_DAYS} days or more",
)


class Scored(NamedTuple):
    """A row's score."""

    score: float
    """0 to 1; 0.5 and above is an alarm."""
    days: int
    """Covered days that what is usual rests on; 0: nothing is known yet."""


@dataclass
class Remembered:
    """Times are seconds since 1970."""

    rows: int = 0
    last: float = 0.0
    interval: float | None = None
    """Smallest distance of two rows so far; None before there are two."""
    recent: list[list[float]] = field(default_factory=list)
    """[start, value] of the rows of the trailing hour."""
    hours: list[list[float]] = field(default_factory=list)
    """[number of the hour since 1970, sum, rows]"""
    alarmed: float | None = None
    """When it last alarmed."""

    @classmethod
    def of(cls, state: dict[str, Any]) -> Self:
        lists: dict[str, Any] = {n: [list(item) for item in state[n]] for n in ("recent", "hours") if n in state}
        return cls(**{**state, **lists})


class Series:
    """Scores one series of counts. A row holds the count of [its time, its time + the series' interval)."""

    def __init__(self, detector: Detector, zone: str, state: dict[str, Any] | None = None) -> None:
        """zone: whose days and hours of the week they are; state: as `state` gave it, to go on from there."""
        self._detector, self._zone, self._s = detector, ZoneInfo(zone), Remembered.of(state or {})
        self._usual: tuple[tuple[date, float], VolumeBaseline] | None = None

    @property
    def state(self) -> dict[str, Any]:
        """All that it remembers, ready for JSON."""
        return asdict(self._s)

    def step(self, at: float, value: float) -> Scored:
        """The next row's score. at: seconds since 1970, later than the row before. Raises ConfigError where rows are no regular
        series of at most an hour's interval."""
        s = self._s
        self._measure(at)
        s.rows, s.last = s.rows + 1, at
        self._remember(at, value)
        if s.interval is None or s.interval > HOUR:
            return Scored(0.0, 0)
        # What is usual is that of the hour which holds the middle of the trailing one, as live.
        usual = self._known(datetime.fromtimestamp(at + s.interval - HOUR / 2, UTC), s.interval)
        if usual is None:
            return Scored(0.0, 0)
        beside = (getattr(usual, name) for name in self._detector.beside)
        found = float(self._detector.statistic(self._trailing(s.interval), *beside))
        score, s.alarmed = self._detector.step(at, found, s.alarmed)
        return Scored(score, usual.days)

    def _measure(self, at: float) -> None:
        s = self._s
        if not s.rows:
            return
        distance, so_far = at - s.last, s.interval or math.inf
        if distance <= 0:
            raise ConfigError(
                "is not later than the row before; sort the rows by time, one row a time, and write times with their offset"
            )
        if s.rows >= LEARNT and distance < so_far * (1 - JITTER):
            raise ConfigError(
                f"stands {distance:g} s after the row before, the others {so_far:g} s; add counts up to one row each {so_far:g} s"
            )
        s.interval = min(so_far, distance)
        if s.rows + 1 >= LEARNT and s.interval > HOUR:
            raise ConfigError("stands more than an hour after the row before, as all do; give counts of at most an hour each")

    def _remember(self, at: float, value: float) -> None:
        s, hour = self._s, at // HOUR
        begin = at + (s.interval or 0) - HOUR
        s.recent = [r for r in s.recent if r[0] >= begin] + [[at, value]]
        if s.hours and s.hours[-1][0] == hour:
            s.hours[-1] = [hour, s.hours[-1][1] + value, s.hours[-1][2] + 1]
        else:
            s.hours = [h for h in s.hours if h[0] > hour - KEPT] + [[hour, value, 1]]

    def _trailing(self, interval: float) -> float:
        """Count of the trailing hour; of rows that do not fill it evenly, as many as would. What is missing was not counted."""
        return math.fsum(v for _, v in self._s.recent) * HOUR / (HOUR // interval * interval)

    def _known(self, middle: datetime, interval: float) -> Usual | None:
        local = middle.astimezone(self._zone)
        key = (local.date(), interval)
        if self._usual is None or self._usual[0] != key:
            self._usual = key, self._baseline(interval)
        return self._usual[1].at(middle, self._detector.least_days)

    def _baseline(self, interval: float) -> VolumeBaseline:
        """Of the hours in which no row is missing."""
        first = int(self._s.hours[0][0])
        volumes = np.full(int(self._s.hours[-1][0]) - first + 1, np.nan)
        for hour, total, rows in self._s.hours:
            if rows * interval > HOUR - interval:
                volumes[int(hour) - first] = total * HOUR / (rows * interval)
        return VolumeBaseline.of_hours(datetime.fromtimestamp(first * HOUR, UTC), volumes, self._zone.key)


def scored(lines: Iterable[bytes], series: Series, say: Callable[[str], None]) -> Iterator[tuple[str, float]]:
    """(timestamp as it was written, score) of each row of a CSV with columns timestamp and value.

    say: is told when the baseline is cold and when it is warm. Raises ConfigError that names the line and the cure.
    """
    reader = csv.reader(_decoded(lines))
    places, stage = _columns(_next(reader)), -1
    while (row := _next(reader)) is not None:
        if not row:
            continue  # a blank line
        at, value = _row(row, places, reader.line_num)
        try:
            score, days = series.step(at, value)
        except ConfigError as error:
            raise _wrong(reader.line_num, f"{row[places[0]]} {error}") from None
        if (now := (days > 0) + (days >= WARM_DAYS)) > stage:
            stage = now
            say(f"from line {reader.line_num} on: {STAGES[stage]}")
        yield row[places[0]], score


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise _wrong(number, "is no UTF-8 text; save the file as CSV in UTF-8") from None


def _next(reader: Any) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        raise _wrong(reader.line_num, f"is no CSV ({error}); write one row a line, as timestamp,value") from None


def _columns(header: list[str] | None) -> tuple[int, int]:
    names = [name.strip().lower() for name in header or []]
    for name in NEEDED:
        if name not in names:
            raise _wrong(
                1, f"there is no column {name!r} among {', '.join(names) or 'none'}; the first line must name timestamp,value"
            )
    return names.index(NEEDED[0]), names.index(NEEDED[1])


def _row(row: list[str], places: tuple[int, int], line: int) -> tuple[float, float]:
    if len(row) <= max(places):
        raise _wrong(line, f"has {len(row)} of {max(places) + 1} cells; write timestamp,value")
    moment, count = (row[place].strip() for place in places)
    return _seconds(moment, line), _count(count, line)


def _seconds(text: str, line: int) -> float:
    try:
        at = datetime.fromisoformat(text)
        if not 1900 <= at.year <= 2200:
            raise ValueError
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        raise _wrong(line, f"{text!r} is no time; write e.g. 2026-03-01 09:05:00 (UTC) or 2026-03-01T09:05:00+01:00") from None


def _count(text: str, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= MOST:
        raise _wrong(line, f"{text!r} is no count; write a number from 0 to 1e12, and leave a row out where nothing is known")
    return value


def _wrong(line: int, what: str) -> ConfigError:
    return ConfigError(f"line {line}: {what}")
