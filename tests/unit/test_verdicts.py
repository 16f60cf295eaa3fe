"""Blind is not quiet: what the collection log says of a window, and when it may say it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coolhead import registry
from coolhead.rows import CollectionLog, Verdict
from coolhead.verdicts import PATIENCE, Outage, SourceSight, together
from coolhead.windows import BASE, Window, merged

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
SOURCE = "feed"
KIND = registry.load("sources", SOURCE)
DUE: timedelta = KIND.lag + PATIENCE * KIND.poll
LATER = NOON + timedelta(days=1)


def at(i: float) -> datetime:
    """The i-th base window's start, from noon."""
    return NOON + i * BASE


def span(start: float, end: float) -> Window:
    return Window(at(start), at(end))


def log(start: float, end: float, ok: bool = True, known_at: datetime | None = None, assumed: bool = False) -> CollectionLog:
    return CollectionLog(
        source=SOURCE, market="m", start=at(start), end=at(end), ok=ok, error=None if ok else "503", known_at=known_at or at(end),
        assumed=assumed,
    )  # fmt: skip


def sight(*logs: CollectionLog, as_of: datetime = LATER) -> SourceSight:
    return SourceSight(SOURCE, logs, as_of)


def verdict(*logs: CollectionLog, window: Window | None = None, rows: int = 0, as_of: datetime = LATER) -> Verdict | None:
    return sight(*logs, as_of=as_of).verdict(window or span(1, 2), rows)


def test_covered_is_ok_or_quiet() -> None:
    assert verdict(log(0, 3), rows=1) == "ok"
    assert verdict(log(0, 3)) == "quiet"
    assert verdict(log(0, 1.5), log(1.5, 2)) == "quiet"  # by two polls that meet inside
    assert verdict(log(1, 2), as_of=at(2)) == "quiet"  # it is known as soon as the poll is


def test_a_poll_that_may_still_come_is_pending_and_one_whose_time_has_passed_is_blind() -> None:
    before = log(0, 1)
    assert verdict(before, as_of=at(2)) == "pending"
    assert verdict(before, as_of=at(2) + DUE - TICK) == "pending"
    assert verdict(before, as_of=at(2) + DUE) == "blind"
    # rows are there although no poll covers them: seen in part, and not all of it
    assert verdict(before, rows=3, as_of=at(2) + DUE) == "partial"


def test_half_covered_is_partial() -> None:
    assert verdict(log(0, 1.5)) == verdict(log(0, 1), log(1.5, 3)) == "partial"
    assert verdict(log(0, 1.5), rows=9) == "partial"
    assert verdict(log(0, 1.5), as_of=at(2)) == "pending"


def test_a_hole_in_the_middle() -> None:
    assert verdict(log(0, 1), log(1, 1.4), log(1.6, 3)) == "partial"
    assert sight(log(0, 1.4), log(1.6, 3)).outages(span(0, 3)) == [Outage(SOURCE, span(1.4, 1.6), "no poll covered it")]


def test_before_it_listened_it_says_nothing() -> None:
    assert verdict() is None
    assert verdict(log(2, 3)) is None
    assert verdict(log(1.5, 3)) == "quiet"  # only what lies after its begin counts
    assert verdict(log(2 - 1e-6, 3), rows=1) == "ok"
    assert sight().outages(span(0, 9)) == []
    assert sight(log(5, 6)).outages(span(0, 5)) == []


def test_a_failed_poll_is_blind_at_once() -> None:
    assert verdict(log(0, 1), log(1, 2, ok=False), as_of=at(2)) == "blind"
    assert verdict(log(1, 2, ok=False), as_of=at(2)) == "blind"  # even the first poll of all
    assert verdict(log(0, 1), log(1, 2, ok=False), rows=2, as_of=at(2)) == "partial"  # its first pages came


def test_a_failed_poll_that_was_refilled_is_no_outage() -> None:
    logs = [log(0, 1), log(1, 2, ok=False), log(2, 3)]
    (outage,) = sight(*logs).outages(span(0, 3))
    assert outage == Outage(SOURCE, span(1, 2), "503")
    refill = log(1, 3, known_at=at(4))
    assert sight(*logs, refill).outages(span(0, 3)) == []
    assert verdict(*logs, refill, rows=5) == "ok"
    # as of a time before the refill it was blind, whatever came afterwards: a replay judges as it was judged live
    assert verdict(*logs, refill, as_of=at(4) - TICK) == "blind"
    assert sight(*logs, refill, as_of=at(4) - TICK).outages(span(0, 3)) == [outage]


def test_a_refill_of_a_part_leaves_the_rest() -> None:
    logs = [log(0, 1), log(1, 3, ok=False), log(1, 2.5), log(3, 4)]
    assert [o.window for o in sight(*logs).outages(span(0, 4))] == [span(2.5, 3)]
    assert verdict(*logs, window=span(1, 2)) == "quiet"
    assert verdict(*logs, window=span(2, 3)) == "partial"
    assert verdict(*logs, window=span(2.5, 3)) == "blind"


def test_what_was_not_known_does_not_count_unless_it_is_assumed() -> None:
    late = log(0, 3, known_at=LATER)
    assert verdict(late, as_of=at(2)) is None
    assert verdict(late, log(0, 1), as_of=at(2) + DUE) == "blind"
    assert verdict(log(0, 3, known_at=LATER, assumed=True), rows=1, as_of=at(2)) == "ok"


def test_outages_are_cut_to_the_window_and_to_what_is_due() -> None:
    logs = [log(0, 1), log(4, 5)]
    assert [o.window for o in sight(*logs).outages(span(2, 9))] == [span(2, 4), span(5, 9)]
    now = at(9) + DUE - TICK
    assert [o.window for o in sight(*logs, as_of=now).outages(span(2, 9))] == [span(2, 4)]
    assert sight(*logs).outages(span(0, 1)) == []
    assert sight(*logs).outages(span(0, 0)) == []
    # the source began inside of the window: before that it was not blind, it was not there
    assert [o.window for o in sight(log(1, 2), log(3, 4)).outages(span(0, 4))] == [span(2, 3)]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4), st.booleans()), max_size=10), st.integers(0, 14))
def test_long_afterwards_outages_and_cover_partition_what_was_listened_to(
    polls: list[tuple[int, int, bool]], start: int
) -> None:
    logs = [log(a, a + n, ok) for a, n, ok in polls]
    window, seen = span(start, start + 3), sight(*logs)
    outages = [o.window for o in seen.outages(window)]
    begun = min((x.start for x in logs), default=window.end)
    covered = merged([(max(x.start, window.start), min(x.end, window.end)) for x in logs if x.ok])
    listened = max(window.end - max(window.start, begun), timedelta(0))
    assert sum((w.end - w.start for w in [*outages, *covered]), timedelta(0)) == listened
    found = seen.verdict(window, 0)
    assert (found is None) == (listened == timedelta(0))
    assert (found == "quiet") == (listened > timedelta(0) and not outages)
    assert (found == "blind") == (listened > timedelta(0) and not covered)
    assert found != "pending"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], "blind"), ([None], "blind"), (["blind", None], "blind"), (["blind", "blind"], "blind"),
        (["ok", "blind"], "partial"), (["quiet", "blind"], "partial"), (["pending", "blind"], "partial"),
        (["partial"], "partial"), (["partial", "ok"], "partial"), (["blind", "partial"], "partial"),
        (["ok", "pending"], "pending"), (["quiet", "pending"], "pending"), (["ok", "quiet"], "ok"), (["quiet"], "quiet"),
        (["ok", None], "ok"), (["quiet", None, "quiet"], "quiet"),
    ],
)  # fmt: skip
def test_together(found: list[Verdict | None], expected: Verdict) -> None:
    assert together(found) == expected
    assert together(reversed(found)) == expected
