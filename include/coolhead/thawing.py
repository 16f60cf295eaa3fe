"""usual_day: what is frozen of some days goes, for their past has been filled, and they are frozen anew when they are asked for."""

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from coolhead.rows import CollectionLog, UsualDay
from coolhead.windows import Window
from coolhead.writing import Writer


def forget(writer: Writer, market: str, days: Iterable[date]) -> None:
    """days: local ones."""
    gone = sorted(set(days))
    for i in range(0, len(gone), 500):
        writer.delete(UsualDay, market=market, day=gone[i : i + 500])


def days_of(span: Window, zone: str) -> list[date]:
    """The local days that a span meets."""
    first, last = (moment.astimezone(ZoneInfo(zone)).date() for moment in (span.start, span.end - timedelta(microseconds=1)))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def days_assumed(logs: Iterable[CollectionLog], zone: str) -> list[date]:
    """The local days of what no poll covered, and an export or a person says that it is covered. An ordinary poll has none."""
    return [day for log in logs if log.assumed for day in days_of(Window(log.start, log.end), zone)]
