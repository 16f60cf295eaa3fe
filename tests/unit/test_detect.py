"""`coolhead detect`: the pipe, its fold, and that it is the live detector."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coolhead.baselines import VolumeBaseline
from coolhead.detecting import KEPT, Scored, Series, scored
from coolhead.detectors import ALARM, BIG, DETECTORS, EARLY
from coolhead.errors import ConfigError
from coolhead.windows import Window, floor

BEGIN = datetime(2026, 3, 20, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Rows = list[tuple[float, float]]


def rows(days: float, every: timedelta = 5 * MINUTE, per_hour: float = 120, begin: datetime = BEGIN) -> Rows:
    """An even series. per_hour: count of an hour."""
    count = round(days * DAY / every)
    return [((begin + i * every).timestamp(), per_hour * (every / HOUR)) for i in range(count)]


def storm(series: Rows, at: datetime, lasts: timedelta, times: float) -> Rows:
    span = (at.timestamp(), (at + lasts).timestamp())
    return [(t, v * times if span[0] <= t < span[1] else v) for t, v in series]


def run(series: Rows, detector: str = "big", zone: str = "UTC", state: dict[str, Any] | None = None) -> list[Scored]:
    fold = Series(DETECTORS[detector], zone, state)
    return [fold.step(t, v) for t, v in series]


def alarmed(series: Rows, detector: str = "big") -> list[datetime]:
    found = zip(series, run(series, detector), strict=True)
    return [datetime.fromtimestamp(t, UTC) for (t, _), s in found if s.score >= ALARM]


@st.composite
def invented(draw: st.DrawFn) -> tuple[Rows, str]:
    """Some weeks of a noisy series with gaps and storms, around a change of the clock; and a zone."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    every = draw(st.sampled_from([20, 30, 45, 60])) * MINUTE
    times = [
        t for t, _ in rows(draw(st.integers(2, 24)), every, begin=BEGIN + draw(st.integers(0, 3600)) * timedelta(seconds=1))
    ]
    counts = rng.negative_binomial(1, 0.02, len(times))
    kept = rng.random(len(times)) > draw(st.sampled_from([0, 0.02]))
    kept[:3] = True
    return [(t, float(n)) for t, n, k in zip(times, counts, kept, strict=True) if k], draw(
        st.sampled_from(["UTC", "Europe/Rome", "Asia/Kolkata"])
    )


@settings(max_examples=25, deadline=None)
@given(given_series=invented(), detector=st.sampled_from(list(DETECTORS)), cuts=st.lists(st.integers(0, 600), max_size=6))
def test_any_chunking_gives_the_same(given_series: tuple[Rows, str], detector: str, cuts: list[int]) -> None:
    """What is remembered goes through JSON between the chunks."""
    series, zone = given_series
    found: list[Scored] = []
    state: dict[str, Any] = {}
    for begin, end in pairwise([0, *sorted(cuts), len(series)]):
        fold = Series(DETECTORS[detector], zone, json.loads(json.dumps(state)))
        found += [fold.step(t, v) for t, v in series[begin:end]]
        state = fold.state
    assert found == run(series, detector, zone)


@settings(max_examples=25, deadline=None)
@given(given_series=invented(), detector=st.sampled_from(list(DETECTORS)), at=st.integers(1, 600), loud=st.floats(0, 1e9))
def test_the_future_changes_no_past(given_series: tuple[Rows, str], detector: str, at: int, loud: float) -> None:
    series, zone = given_series
    other = series[:at] + [(t, loud) for t, _ in series[at:]]
    assert run(series, detector, zone)[:at] == run(series[:at], detector, zone) == run(other, detector, zone)[:at]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    zone=st.sampled_from(["UTC", "Europe/Warsaw", "Asia/Kathmandu"]),
    detector=st.sampled_from([BIG, EARLY]),
)
def test_it_is_the_live_detector(seed: int, zone: str, detector: Any) -> None:
    """Windows of five minutes: the score of the trailing hour beside the baseline that live asks, over a change of the clock."""
    rng = np.random.default_rng(seed)
    counts = rng.negative_binomial(1, 0.1, 15 * 288).astype(float)
    series = [((BEGIN + i * 5 * MINUTE).timestamp(), v) for i, v in enumerate(counts)]
    hourly: dict[datetime, float | None] = {}
    for t, v in series:
        hour = floor(datetime.fromtimestamp(t, UTC), HOUR)
        hourly[hour] = (hourly.get(hour) or 0) + v
    baseline = VolumeBaseline(hourly, [Window(BEGIN, BEGIN + 15 * DAY)], [], zone)
    last, expected = None, []
    for i in range(2, len(series)):
        end = BEGIN + (i + 1) * 5 * MINUTE
        usual = baseline.at(end - HOUR / 2, detector.least_days)
        now = counts[max(0, i - 11) : i + 1].sum()
        value = float(detector.statistic(now, *(getattr(usual, n) for n in detector.beside))) if usual else 0.0
        score, last = detector.step(series[i][0], value, last)
        expected.append(pytest.approx(score))
    assert [s.score for s in run(series, detector.name, zone)[2:]] == expected


@pytest.mark.parametrize("every", [1, 5, 7, 10, 15, 30, 45, 60])
def test_of_any_interval_up_to_an_hour(every: int) -> None:
    at = BEGIN + 6 * DAY + 9 * HOUR
    calm = rows(8, every * MINUTE)
    assert alarmed(calm) == []
    (found,) = alarmed(storm(calm, at, 3 * HOUR, 10))
    assert timedelta(0) <= found - (at - every * MINUTE) < HOUR + every * MINUTE


def test_a_stretch_without_rows_is_not_quiet() -> None:
    """Zeros for what nobody counted would make the first busy hour after it a storm, and the usual smaller."""
    whole = storm(rows(20), BEGIN + 15 * DAY, 2 * HOUR, 6)
    gap = (BEGIN + 6 * DAY).timestamp(), (BEGIN + 11 * DAY).timestamp()
    missing = [(t, v) for t, v in whole if not gap[0] <= t < gap[1]]
    assert alarmed(whole) == alarmed(missing) != []
    assert (run(whole)[-144].days, run(missing)[-144].days) == (19, 14)


def test_what_it_remembers_is_bounded() -> None:
    fold, sizes = Series(BIG, "UTC"), []
    for t, v in rows(200, HOUR / 2):
        fold.step(t, v)
        sizes.append(len(fold._s.hours) + len(fold._s.recent))
    assert max(sizes) <= KEPT + 2 + 2


def test_a_row_after_years_is_one_after_a_gap() -> None:
    later = [(t + 8e9 / 3, v) for t, v in rows(2, HOUR)]
    assert [s.score for s in run(rows(2, HOUR) + later)] == [0.0] * 96


# The pipe.


def lines(series: Rows, header: str = "timestamp,value") -> list[bytes]:
    return [f"{header}\n".encode()] + [
        f"{datetime.fromtimestamp(t, UTC):%Y-%m-%d %H:%M:%S},{v:g}\n".encode() for t, v in series
    ]


def piped(given_lines: list[bytes]) -> tuple[list[tuple[str, float]], list[str]]:
    said: list[str] = []
    return list(scored(given_lines, Series(BIG, "UTC"), said.append)), said


def test_every_row_has_its_score_beside_the_time_as_it_was_written() -> None:
    found, _ = piped(
        [b"\xef\xbb\xbfvalue, Timestamp ,note\n", b"3,2026-03-01T09:00:00+01:00,x\n", b"\n", b'4,"2026-03-01 08:05",y\n']
    )
    assert found == [("2026-03-01T09:00:00+01:00", 0.0), ("2026-03-01 08:05", 0.0)]


def test_cold_and_warm_are_said_openly() -> None:
    _, said = piped(lines(rows(16, HOUR)))
    assert said == [
        "from line 2 on: no score yet: it is 0 until enough days are covered",
        "from line 50 on: cold: what is usual rests on fewer than 14 days",
        "from line 337 on: warm: what is usual rests on 14 days or more",
    ]


GOOD = b"2026-03-01 00:00,1\n2026-03-01 00:05,1\n2026-03-01 00:10,1\n2026-03-01 00:15,1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "line 1: there is no column 'timestamp' among none; the first line must name timestamp,value"),
        (b"2026-03-01,5\n", "line 1: there is no column 'timestamp' among 2026-03-01, 5; the first line must name timestamp,value"),
        (b"timestamp,count\n", "line 1: there is no column 'value' among timestamp, count; the first line must name timestamp,value"),
        (b"timestamp,value\n2026-03-01\n", "line 2: has 1 of 2 cells; write timestamp,value"),
        (b"timestamp,value\n1 March,5\n", "line 2: '1 March' is no time; write e.g. 2026-03-01 09:05:00 (UTC) or 2026-03-01T09:05:00+01:00"),
        (b"timestamp,value\n0001-01-01,5\n", "line 2: '0001-01-01' is no time; write e.g. 2026-03-01 09:05:00 (UTC) or 2026-03-01T09:05:00+01:00"),
        (b"timestamp,value\n2026-03-01,many\n", "line 2: 'many' is no count; write a number from 0 to 1e12, and leave a row out where nothing is known"),
        (b"timestamp,value\n2026-03-01,\n", "line 2: '' is no count; write a number from 0 to 1e12, and leave a row out where nothing is known"),
        (b"timestamp,value\n2026-03-01,nan\n", "line 2: 'nan' is no count; write a number from 0 to 1e12, and leave a row out where nothing is known"),
        (b"timestamp,value\n2026-03-01,-1\n", "line 2: '-1' is no count; write a number from 0 to 1e12, and leave a row out where nothing is known"),
        (b"timestamp,value\n2026-03-01,\xff\n", "line 2: is no UTF-8 text; save the file as CSV in UTF-8"),
        (b"timestamp,value\n" + GOOD + b"2026-03-01 00:15,1\n", "line 6: 2026-03-01 00:15 is not later than the row before; sort the rows by time, one row a time, and write times with their offset"),
        (b"timestamp,value\n" + GOOD + b"2026-03-01 00:16,1\n", "line 6: 2026-03-01 00:16 stands 60 s after the row before, the others 300 s; add counts up to one row each 300 s"),
        (b"timestamp,value\n2026-03-01,1\n2026-03-02,1\n2026-03-03,1\n2026-03-04,1\n", "line 5: 2026-03-04 stands more than an hour after the row before, as all do; give counts of at most an hour each"),
        (b'timestamp,value\n2026-03-01,1\n"' + b"x" * 200_000 + b"\n", "line 3: is no CSV (field larger than field limit (131072)); write one row a line, as timestamp,value"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_named_with_its_cure(text: bytes, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        piped(text.splitlines(keepends=True))
    assert str(raised.value) == message


def command(*more: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "coolhead.cli", "detect", *more],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
    )  # fmt: skip


def test_it_answers_row_by_row_in_a_pipe() -> None:
    with command() as process:
        assert process.stdin and process.stdout
        process.stdin.write(b"timestamp,value\n")
        assert process.stdout.readline() == b"timestamp,anomaly_score\n"
        for minute in (0, 5, 10):
            process.stdin.write(f"2026-03-01 00:{minute:02},7\n".encode())
            assert process.stdout.readline() == f"2026-03-01 00:{minute:02},0.000000\n".encode()
        process.stdin.close()
        assert process.wait() == 0


def test_what_was_scored_before_a_wrong_row_is_there() -> None:
    with command("--zone", "Europe/Rome", "--detector", "early") as process:
        out, err = process.communicate(b"timestamp,value\n2026-03-01 00:00,7\n2026-03-01 00:05,seven\n")
    assert out == b"timestamp,anomaly_score\n2026-03-01 00:00,0.000000\n"
    assert b"coolhead: line 3: 'seven' is no count" in err
    assert process.returncode == 1


def test_a_zone_that_is_none() -> None:
    with command("--zone", "Rome") as process:
        out, err = process.communicate(b"")
    assert (out, err, process.returncode) == (b"", b"coolhead: --zone: 'Rome' is no time zone; write e.g. Europe/Rome\n", 1)
