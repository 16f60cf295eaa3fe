"""What is usual: hours of the week, holidays, cold starts, both scales, and never a look ahead."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coolhead.baselines import Numbers, VolumeBaseline, usual
from coolhead.windows import Window, local_day

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MONDAY = datetime(2026, 2, 2, tzinfo=UTC)
ZONES = ["UTC", "Europe/Warsaw", "Asia/Kolkata", "Asia/Jakarta", "America/St_Johns", "Australia/Lord_Howe"]


def week_long(days: int, **of_weekday: float) -> Numbers:
    """Hours of whole days from a Monday on. of_weekday: d0 to d6; others 10."""
    return np.repeat([of_weekday.get(f"d{day % 7}", 10.0) for day in range(days)], 24)


def baseline(volumes: Numbers, *holidays: date, zone: str = "UTC") -> VolumeBaseline:
    return VolumeBaseline.of_hours(MONDAY, volumes, zone, holidays)


def median(b: VolumeBaseline, day: int, hour: int = 12) -> float:
    found = b.at(MONDAY + day * DAY + hour * HOUR)
    assert found is not None
    return found.median


def test_the_hour_of_the_week_once_four_weeks_are_covered() -> None:
    busy_fridays = baseline(week_long(56, d4=90))
    assert [median(busy_fridays, day) for day in (28, 32, 39)] == [10, 90, 90]


def test_the_hour_of_the_day_before_that() -> None:
    busy_fridays = baseline(week_long(28, d4=90))
    assert [median(busy_fridays, day) for day in (21, 25)] == [10, 10]


def test_hours_of_the_day_alone_look_back_three_weeks() -> None:
    """For counts of what a new scorer has read: it has to have read no more."""
    volumes = week_long(56, d4=90)
    volumes[: (39 - 21) * 24] = 7e5
    of_day = VolumeBaseline.of_hours(MONDAY, volumes, "UTC", of_week=False)
    assert median(of_day, 39) == 10


def test_a_week_that_a_source_was_blind_counts_for_no_weekday() -> None:
    volumes = week_long(35, d4=90)
    volumes[11 * 24 : 12 * 24] = np.nan  # the second Friday
    assert median(baseline(volumes), 32) == 10
    assert median(baseline(week_long(35, d4=90)), 32) == 90


def test_a_holiday_is_compared_with_sundays_and_holidays() -> None:
    quiet_sundays = week_long(42, d6=2)
    wednesday = (MONDAY + 37 * DAY).date()
    assert median(baseline(quiet_sundays), 37) == 10
    assert median(baseline(quiet_sundays, wednesday), 37) == 2


def test_a_past_holiday_is_no_usual_weekday() -> None:
    volumes = week_long(56, d2=50)
    holidays = [(MONDAY + d * DAY).date() for d in (2, 9, 16)]  # three of the Wednesdays, nothing was said
    for day in holidays:
        at = (day - MONDAY.date()).days * 24
        volumes[at : at + 24] = 0
    assert median(baseline(volumes), 37) == 0
    assert median(baseline(volumes, *holidays), 51) == 50


def test_a_cold_baseline_says_so_and_is_given_to_who_asks_for_it() -> None:
    b = baseline(week_long(30))
    assert b.at(MONDAY + 5 * DAY) is None
    found = b.at(MONDAY + 5 * DAY, least_days=1)
    assert found is not None
    assert (found.median, found.days, found.warmth) == (10, 5, "cold: 5 of 14 days")
    warm = b.at(MONDAY + 14 * DAY)
    assert warm is not None
    assert warm.warmth == "warm"


def test_the_first_days_are_compared_with_all_hours() -> None:
    by_hour = np.tile(np.arange(24.0), 4)
    b = baseline(by_hour)
    assert b.at(MONDAY + 23 * HOUR, 1) is None
    usual_at = [b.at(MONDAY + days * DAY + 20 * HOUR, 1) for days in (1, 2, 3)]
    assert [u and (u.median, u.days) for u in usual_at] == [(11.5, 1), (11.5, 2), (20, 3)]


def test_the_deviation_minds_storms_and_the_spread_does_not() -> None:
    volumes = week_long(20)
    volumes[18 * 24 + 3] += 336 * 25  # one of the 336 hours of 14 days
    found, calm = baseline(volumes).at(MONDAY + 20 * DAY), baseline(week_long(20)).at(MONDAY + 20 * DAY)
    assert found and calm
    assert (found.deviation, calm.deviation) == (pytest.approx(25), pytest.approx(11**0.5))
    assert (found.center, found.spread, found.median) == (calm.center, calm.spread, calm.median)


def test_of_whole_days() -> None:
    found = usual([100, 120, 80, 500])
    assert (found.median, found.deviation, found.days) == (110, pytest.approx((10 + 10 + 30 + 390) / 4), 4)


volumes_of_weeks = st.integers(3, 62).flatmap(
    lambda days: st.integers(0, 2**32 - 1).map(lambda seed: invented(days, seed)),
)


def invented(days: int, seed: int) -> Numbers:
    rng = np.random.default_rng(seed)
    volumes = rng.negative_binomial(1, 0.05, days * 24).astype(float)
    volumes[rng.random(days * 24) < 0.1] = np.nan
    return volumes


@settings(max_examples=40, deadline=None)
@given(volumes=volumes_of_weeks, zone=st.sampled_from(ZONES), shift=st.integers(0, 300))
def test_a_day_knows_nothing_of_itself_or_later(volumes: Numbers, zone: str, shift: int) -> None:
    """Through changes of the clock too: shift moves the series over the year."""
    first = MONDAY + shift * DAY
    today = (first + (len(volumes) // 24 - 1) * DAY).date()
    start = local_day(today, zone).start
    changed = volumes.copy()
    changed[-((first - start) // HOUR) :] = 1e6
    ours, theirs = (VolumeBaseline.of_hours(first, v, zone).day(today) for v in (volumes, changed))
    assert [u and (u, u.days) for u in map(ours.hour, range(24))] == [u and (u, u.days) for u in map(theirs.hour, range(24))]


@settings(max_examples=20, deadline=None)
@given(days=st.integers(58, 90), seed=st.integers(0, 1_000), zone=st.sampled_from(ZONES))
def test_history_beyond_eight_weeks_is_not_looked_at(days: int, seed: int, zone: str) -> None:
    volumes, today = invented(days, seed), (MONDAY + days * DAY).date()
    thorough = VolumeBaseline.of_hours(MONDAY - 400 * DAY, np.concatenate([np.full(400 * 24, 7e5), volumes]), zone)
    forgetful = VolumeBaseline.of_hours(MONDAY + (days - 57) * DAY, volumes[-57 * 24 :], zone)
    assert [forgetful.day(today).hour(h) for h in range(24)] == [thorough.day(today).hour(h) for h in range(24)]


@pytest.mark.parametrize("zone", ZONES)
def test_hours_by_their_start_are_the_same_as_hours_in_a_row(zone: str) -> None:
    volumes = invented(40, 7)
    known = {MONDAY + i * HOUR: (None if v != v else float(v)) for i, v in enumerate(volumes) if v != 0}
    seen = [Window(MONDAY, MONDAY + 10 * DAY + 20 * HOUR / 60), Window(MONDAY + 11 * DAY + HOUR / 2, MONDAY + 40 * DAY)]
    out = [Window(MONDAY + 5 * DAY, MONDAY + 6 * DAY), Window(MONDAY - DAY, MONDAY + HOUR / 3)]
    row = volumes.copy()
    for gap in ((0, 1), (5 * 24, 6 * 24), (10 * 24, 11 * 24 + 1)):
        row[slice(*gap)] = np.nan
    by_start, in_a_row = VolumeBaseline(known, seen, out, zone), VolumeBaseline.of_hours(MONDAY, row, zone)
    moments = [MONDAY + 38 * DAY + i * HOUR / 2 for i in range(96)]
    assert [by_start.at(m) for m in moments] == [in_a_row.at(m) for m in moments]
    assert any(by_start.at(m) for m in moments)


def test_nothing_known_is_nothing_usual() -> None:
    assert VolumeBaseline({}, [], [], "UTC").at(MONDAY, 1) is None
    assert baseline(np.full(24 * 30, np.nan)).at(MONDAY + 30 * DAY, 1) is None
