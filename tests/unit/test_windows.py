"""Half-open windows, and the days of a market's own time zone."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coolhead.errors import ConfigError
from coolhead.store import around
from coolhead.windows import BASE, Window, floor, local_day, merged, minus, moment

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
ZONES = (
    "UTC", "Europe/Rome", "Europe/Warsaw", "Asia/Jakarta", "Asia/Kathmandu", "America/New_York", "America/Santiago",
    "America/Havana", "Africa/Cairo", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati",
)  # fmt: skip
"""Among them zones whose midnight is skipped or comes twice, half hours, and one that lost a whole day."""
moments = st.integers(0, 27 * 366 * 86_400_000_000).map(
    lambda us: datetime(2010, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
)
spans = st.lists(
    st.tuples(st.integers(-5, 40), st.integers(-5, 40)).map(lambda p: (NOON + p[0] * BASE, NOON + p[1] * BASE)), max_size=8
)


def length(windows: list[Window]) -> timedelta:
    return sum((w.end - w.start for w in windows), timedelta())


def test_half_open() -> None:
    window = Window(NOON, NOON + HOUR)
    assert NOON in window
    assert NOON + HOUR - TICK in window
    assert NOON + HOUR not in window
    assert NOON - TICK not in window
    assert NOON.astimezone(ZoneInfo("Asia/Jakarta")) in window
    assert NOON not in Window(NOON, NOON)


def test_neighbours_share_no_moment_and_leave_none_out() -> None:
    one, two = Window(NOON, NOON + BASE), Window(NOON + BASE, NOON + 2 * BASE)
    for at in (NOON, NOON + BASE - TICK, NOON + BASE, NOON + 2 * BASE - TICK):
        assert (at in one) + (at in two) == 1


def test_naive_and_backward_windows_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"window.start: 2026-03-03T12:00:00 has no time zone; write e.g. .*\+00:00"):
        Window(NOON.replace(tzinfo=None), NOON)
    with pytest.raises(ConfigError, match=r"window.end: .* has no time zone"):
        Window(NOON, NOON.replace(tzinfo=None))
    with pytest.raises(ConfigError, match="lies before start"):
        Window(NOON, NOON - TICK)


@given(moments, st.sampled_from([timedelta(minutes=m) for m in (1, 5, 15, 60, 360, 1440)]))
def test_floor(at: datetime, step: timedelta) -> None:
    start = floor(at, step)
    assert start <= at < start + step
    assert floor(start, step) == start
    assert floor(start + step - TICK, step) == start
    assert (start - datetime(2000, 1, 1, tzinfo=UTC)) % step == timedelta(0)


@given(moments, st.sampled_from(ZONES))
def test_floor_is_of_the_moment_and_not_of_its_zone(at: datetime, zone: str) -> None:
    there = floor(at.astimezone(ZoneInfo(zone)))
    assert there == floor(at)
    assert there.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 28), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 10, 26), 24)]
)
def test_days_of_rome(day: date, hours: int) -> None:
    window = local_day(day, "Europe/Rome")
    assert window.end - window.start == hours * HOUR
    assert window.start.utcoffset() == window.end.utcoffset() == timedelta(0)
    assert window.start == datetime.combine(day, datetime.min.time(), ZoneInfo("Europe/Rome")).astimezone(UTC)
    # every base window of the day begins in it, and the day is a whole number of them
    assert (window.end - window.start) // BASE == 12 * hours


def test_days_of_other_zones() -> None:
    assert local_day(date(2026, 3, 3), "Asia/Jakarta").start == datetime(2026, 3, 2, 17, tzinfo=UTC)
    assert local_day(date(2026, 4, 5), "Australia/Lord_Howe").end - local_day(date(2026, 4, 5), "Australia/Lord_Howe").start == timedelta(hours=24, minutes=30)  # fmt: skip
    # this day never was: the island crossed the date line
    assert length([local_day(date(2011, 12, 30), "Pacific/Apia")]) == timedelta(0)


@given(moments, st.sampled_from(ZONES))
@example(datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), "Europe/Rome")
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Rome")
@example(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/Rome")
@example(datetime(2024, 9, 8, 4, tzinfo=UTC), "America/Santiago")
def test_every_moment_lies_in_the_day_that_its_wall_shows(at: datetime, zone: str) -> None:
    day = at.astimezone(ZoneInfo(zone)).date()
    window = local_day(day, zone)
    assert at in window
    assert local_day(day - DAY, zone).end == window.start
    assert local_day(day + DAY, zone).start == window.end


@given(spans)
def test_merged_is_sorted_disjoint_and_the_same_set(found: list[tuple[datetime, datetime]]) -> None:
    windows = merged(found)
    for one, two in pairwise(windows):
        assert one.end < two.start  # neighbours that touch are one
    assert all(w.start < w.end for w in windows)
    for i in range(-6, 42):
        at = NOON + i * BASE
        assert any(at in w for w in windows) == any(a <= at < b for a, b in found)
    assert merged([(w.start, w.end) for w in reversed(windows)]) == windows
    assert merged(iter(found)) == windows


@given(spans, st.integers(-5, 40), st.integers(0, 40))
def test_minus_and_what_is_covered_partition_the_window(found: list[tuple[datetime, datetime]], start: int, size: int) -> None:
    window, covered = Window(NOON + start * BASE, NOON + (start + size) * BASE), merged(found)
    unseen = minus(window, covered)
    inside = [Window(max(w.start, window.start), min(w.end, window.end)) for w in covered if w.start < window.end and w.end > window.start]  # fmt: skip
    parts = sorted([*unseen, *(w for w in inside if w.start < w.end)])
    assert length(parts) == window.end - window.start
    assert [p.start for p in parts] == [window.start, *(p.end for p in parts[:-1])][: len(parts)]
    assert not parts or parts[-1].end == window.end
    assert minus(window, merged([(w.start, w.end) for w in [*covered, *unseen]])) == []
    assert minus(window, []) == ([window] if size else [])


def test_moment() -> None:
    assert moment("2026-03-03T13:00:00+01:00") == moment("2026-03-03T12:00:00Z") == moment(NOON) == NOON
    assert moment("2026-03-03T13:00:00+01:00").utcoffset() == timedelta(0)
    with pytest.raises(ConfigError, match=r"start: '2026-03-03T12:00' has no time zone; write e.g. 2026-03-03T12:00:00\+00:00"):
        moment("2026-03-03T12:00", "start")
    with pytest.raises(ConfigError, match="has no time zone"):
        moment("2026-03-03")
    with pytest.raises(ConfigError, match="has no time zone"):
        moment(NOON.replace(tzinfo=None))


@pytest.mark.parametrize("value", ["", "yesterday", "2026-02-29T00:00:00Z", None, 5, "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-01:00"])  # fmt: skip
def test_what_is_no_time_is_a_mistake_of_whoever_wrote_it(value: object) -> None:
    with pytest.raises(ConfigError, match="is no ISO time; write"):
        moment(value)


def test_around_reaches_whole_days_and_is_utc() -> None:
    late = datetime(2026, 3, 3, 1, tzinfo=timezone(timedelta(hours=5)))
    window = around([NOON, late])
    assert (window.start, window.end) == (late.astimezone(UTC) - 7 * DAY, NOON + 7 * DAY)
    assert window.start.utcoffset() == timedelta(0)
    assert around([NOON], 1) == Window(NOON - DAY, NOON + DAY)
