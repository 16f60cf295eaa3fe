"""Half-open spans of UTC time, and the days of a market's own time zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from coolhead.errors import ConfigError

BASE = timedelta(minutes=5)
"""The base window of every KPI; how often a source is polled is the source's own matter."""

GRACE = timedelta(minutes=2)
"""A window is judged as of its end plus this, never as of "now": so that replay equals live."""


@dataclass(frozen=True, order=True)
class Window:
    """[start, end), aware UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment.tzinfo is None:
                raise ConfigError(
                    f"window.{name}: {moment.isoformat()} has no time zone; write e.g. {moment.isoformat()}+00:00"
                )
        if self.end < self.start:
            raise ConfigError(f"window: end {self.end.isoformat()} lies before start {self.start.isoformat()}")

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def __str__(self) -> str:
        return f"[{self.start:%Y-%m-%d %H:%M}, {self.end:%Y-%m-%d %H:%M}) UTC"


def floor(moment: datetime, step: timedelta = BASE) -> datetime:
    """Start of the window of length `step` (a divisor of a day) that holds the moment."""
    midnight = datetime.combine(moment.astimezone(UTC).date(), time(), UTC)
    return midnight + (moment - midnight) // step * step


def local_day(day: date, zone: str) -> Window:
    """A market's day: 23, 24 or 25 hours long."""
    tz = ZoneInfo(zone)
    start, end = (datetime.combine(d, time(), tz).astimezone(UTC) for d in (day, day + timedelta(days=1)))
    return Window(start, end)


def merged(spans: Iterator[tuple[datetime, datetime]] | list[tuple[datetime, datetime]]) -> list[Window]:
    """Union of spans as sorted, disjoint windows."""
    out: list[Window] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if out and start <= out[-1].end:
            out[-1] = Window(out[-1].start, max(out[-1].end, end))
        else:
            out.append(Window(start, end))
    return out


def minus(window: Window, covered: list[Window]) -> list[Window]:
    """What of the window no span of `covered` (sorted, disjoint) holds."""
    out, at = [], window.start
    for span in covered:
        if span.end <= at or span.start >= window.end:
            continue
        if span.start > at:
            out.append(Window(at, span.start))
        at = max(at, span.end)
    if at < window.end:
        out.append(Window(at, window.end))
    return out


def moment(value: Any, what: str = "time") -> datetime:
    """An aware time from ISO text (or a datetime), in UTC. Raises ConfigError for naive or unreadable ones."""
    try:
        parsed = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        if parsed.tzinfo is None:
            raise ConfigError(f"{what}: {value!r} has no time zone; write e.g. {parsed.isoformat()}+00:00")
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConfigError(f"{what}: {value!r} is no ISO time; write e.g. 2026-03-01T09:00:00+00:00") from None
