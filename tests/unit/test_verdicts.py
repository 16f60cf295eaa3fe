"""Blind is not quiet: what the collection log says of a window, and when it may say it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from building import House, a_plan, few
from hypothesis import given, settings
from hypothesis import strategies as st

from coolhead import registry
from coolhead.rows import CollectionLog, Silence, Verdict
from coolhead.verdicts import (
    PATIENCE,
    Listening,
    SourceSight,
    Stretch,
    Term,
    due,
    refill_until,
    term_in_plan,
    together,
    within_reach,
)  # fmt: skip
from coolhead.windows import BASE, Window, local_day, merged

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


def test_nothing_is_quiet_before_what_comes_late_has_had_its_time() -> None:
    assert KIND.lag > BASE
    assert verdict(log(1, 2), as_of=at(2)) == verdict(log(1, 2), as_of=at(2) + KIND.lag - TICK) == "pending"
    assert verdict(log(1, 2), as_of=at(2) + KIND.lag) == "quiet"
    assert verdict(log(1, 2), rows=1, as_of=at(2)) == "ok"  # it is known as soon as the poll is
    assert verdict(log(1, 2, ok=False), as_of=at(2)) == "blind"
    gone = SourceSight("gone-from-the-code", [log(1, 2)], at(2))
    assert gone.verdict(span(1, 2), 0) == "quiet"


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
    assert sight(log(0, 1.4), log(1.6, 3)).blind(span(0, 3)) == [Stretch(SOURCE, span(1.4, 1.6), "no poll covered it")]


def test_before_it_listened_it_says_nothing() -> None:
    assert verdict() is None
    assert verdict(log(2, 3)) is None
    assert verdict(log(1.5, 3)) == "quiet"  # only what lies after its begin counts
    assert verdict(log(2 - 1e-6, 3), rows=1) == "ok"
    assert sight().blind(span(0, 9)) == []
    assert sight(log(5, 6)).blind(span(0, 5)) == []


def test_a_failed_poll_is_blind_at_once() -> None:
    assert verdict(log(0, 1), log(1, 2, ok=False), as_of=at(2)) == "blind"
    assert verdict(log(1, 2, ok=False), as_of=at(2)) == "blind"  # even the first poll of all
    assert verdict(log(0, 1), log(1, 2, ok=False), rows=2, as_of=at(2)) == "partial"  # its first pages came


def test_a_failed_poll_that_was_refilled_is_no_outage() -> None:
    logs = [log(0, 1), log(1, 2, ok=False), log(2, 3)]
    (outage,) = sight(*logs).blind(span(0, 3))
    assert outage == Stretch(SOURCE, span(1, 2), "503")
    refill = log(1, 3, known_at=at(4))
    assert sight(*logs, refill).blind(span(0, 3)) == []
    assert verdict(*logs, refill, rows=5) == "ok"
    # as of a time before the refill it was blind, whatever came afterwards: a replay judges as it was judged live
    assert verdict(*logs, refill, as_of=at(4) - TICK) == "blind"
    assert sight(*logs, refill, as_of=at(4) - TICK).blind(span(0, 3)) == [outage]


def test_a_refill_of_a_part_leaves_the_rest() -> None:
    logs = [log(0, 1), log(1, 3, ok=False), log(1, 2.5), log(3, 4)]
    assert [o.window for o in sight(*logs).blind(span(0, 4))] == [span(2.5, 3)]
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
    assert [o.window for o in sight(*logs).blind(span(2, 9))] == [span(2, 4), span(5, 9)]
    now = at(9) + DUE - TICK  # the last window may still be polled
    assert [o.window for o in sight(*logs, as_of=now).blind(span(2, 9))] == [span(2, 4), span(5, 8)]
    assert [o.window for o in sight(*logs, as_of=at(6) + DUE - TICK).blind(span(2, 9))] == [span(2, 4)]
    assert sight(*logs).blind(span(0, 1)) == []
    assert sight(*logs).blind(span(0, 0)) == []
    # the source began inside of the window: before that it was not blind, it was not there
    assert [o.window for o in sight(log(1, 2), log(3, 4)).blind(span(0, 4))] == [span(2, 3)]


def silence(start: float, end: float | None = None, known: float = 5, over: float | None = None) -> Silence:
    return Silence(
        source=SOURCE, market="m", start=at(start), end=None if end is None else at(end), reason="nobody believes it",
        known_at=at(known), over_at=None if over is None else at(over),
    )  # fmt: skip


def heard(*silences: Silence, as_of: datetime = LATER, logs: list[CollectionLog] | None = None) -> SourceSight:
    return SourceSight(SOURCE, logs or [log(i, i + 1) for i in range(12)], as_of, silences)


def test_a_silence_that_is_not_believed_is_blind_with_its_reason() -> None:
    seen = heard(silence(2, 8, known=6, over=9))
    assert [seen.verdict(span(i, i + 1), 0) for i in (1, 2, 7, 8)] == ["quiet", "blind", "blind", "quiet"]
    assert seen.verdict(span(7.5, 8.5), 1) == "partial"
    assert seen.blind(span(0, 12)) == [Stretch(SOURCE, span(2, 8), "nobody believes it")]
    assert sum(((w.end - w.start) for w in seen.covered), timedelta()) == 6 * BASE


def test_a_silence_counts_from_when_it_was_judged_and_back_to_its_beginning() -> None:
    row = silence(2, 8, known=6, over=9)
    assert heard(row, as_of=at(6) - TICK).verdict(span(2, 2.5), 0) == "quiet"
    assert heard(row, as_of=at(6)).verdict(span(2, 2.5), 0) == "blind"
    # while its end is not known, it lasts: also what is polled meanwhile is blind
    assert heard(row, as_of=at(9) - TICK).blind(span(0, 9))[0].window == span(2, 9 - 1)
    assert heard(silence(2), as_of=at(9)).verdict(span(7, 8), 0) == "blind"


def test_a_silence_that_was_none_after_all_is_lifted() -> None:
    row = silence(2, 2, known=6, over=7)
    assert heard(row).blind(span(0, 12)) == []
    assert heard(row, as_of=at(7) - TICK).verdict(span(3, 4), 0) == "blind"


def test_a_later_poll_of_the_stretch_that_brought_something_lifts_what_it_covers() -> None:
    row, polls = silence(2, 8, known=6, over=9), [log(i, i + 1) for i in range(12)]
    empty = log(2, 8, known_at=at(20))
    assert [o.window for o in heard(row, logs=[*polls, empty]).blind(span(0, 12))] == [span(2, 8)]
    brought = log(3, 6, known_at=at(20)).model_copy(update={"rows": 4, "newest": at(5)})
    assert [o.window for o in heard(row, logs=[*polls, brought]).blind(span(0, 12))] == [span(2, 3), span(6, 8)]
    assert [o.window for o in heard(row, logs=[*polls, brought], as_of=at(19)).blind(span(0, 12))] == [span(2, 8)]


def test_what_no_poll_covered_is_no_silence_and_is_told_apart() -> None:
    logs = [log(0, 4), log(4, 6, ok=False), log(6, 9)]
    seen = heard(silence(2, 8, over=9), logs=logs)
    assert [(o.window, o.reason) for o in seen.blind(span(0, 9))] == [
        (span(2, 4), "nobody believes it"), (span(4, 6), "503"), (span(6, 8), "nobody believes it"),
    ]  # fmt: skip


def test_before_and_after_its_term_a_source_has_no_verdict() -> None:
    seen = SourceSight(SOURCE, [log(0, 4), log(6, 7)], LATER, (), Term(at(2), at(8)))
    assert seen.verdict(span(0, 2), 0) is None
    assert seen.verdict(span(1, 3), 0) == "quiet"
    assert seen.verdict(span(7, 9), 0) == "blind"
    assert seen.verdict(span(8, 9), 0) is None
    assert [o.window for o in seen.blind(span(0, 20))] == [span(4, 6), span(7, 8)]
    assert SourceSight(SOURCE, [log(0, 4)], LATER, (), Term()).verdict(span(1, 2), 0) is None


@pytest.mark.parametrize("zone", ["Europe/Rome", "Asia/Jakarta"])
def test_the_plans_days_are_the_markets(zone: str) -> None:
    given = {"active_from": date(2026, 3, 3), "retired_on": "2026-05-01"}  # YAML gives dates, a stored plan gives text
    market = a_plan(zone=zone).markets[0].model_copy(update={"sources": {"feed": given}})
    term = term_in_plan(market, "feed")
    assert term == Term(local_day(date(2026, 3, 3), zone).start, local_day(date(2026, 5, 1), zone).start)
    assert term_in_plan(market, "mastodon") == Term()


def old(known_at: datetime, start: float = 0, end: float = 4) -> CollectionLog:
    return log(start, end, known_at=known_at).model_copy(update={"source": "x"})


def test_a_poll_covers_only_what_its_network_remembers() -> None:
    """An empty answer about what was forgotten is no answer."""
    reach, slack = registry.load("sources", "x").reach, due("x")
    assert within_reach(old(at(4)), None) == [old(at(4))]
    assert within_reach(old(at(0) + reach + slack), None) == [old(at(0) + reach + slack)]
    (lost,) = within_reach(old(at(4) + reach + slack), None)
    assert (lost.ok, lost.start, lost.end) == (False, at(0), at(4))
    assert "7 days back" in (lost.error or "")
    lost, kept = within_reach(old(at(1) + reach + slack), None)
    assert [(x.ok, x.start, x.end) for x in (lost, kept)] == [(False, at(0), at(1)), (True, at(1), at(4))]
    # what it still brought it has not forgotten
    assert [(x.ok, x.start) for x in within_reach(old(at(3) + reach + slack), at(1.5))] == [(False, at(0)), (True, at(1))]
    assumed = old(LATER + 9 * reach).model_copy(update={"assumed": True})
    assert within_reach(assumed, None) == [assumed]
    assert within_reach(log(0, 4, known_at=LATER + 9 * reach), None)[0].ok  # a network without a known limit


def test_a_blind_stretch_says_until_when_it_can_be_refilled() -> None:
    assert refill_until("x", span(0, 4)) == NOON + timedelta(days=7)
    assert refill_until("mastodon", span(0, 4)) is None
    assert refill_until("gone-from-the-code", span(0, 4)) is None


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as found:
        yield found


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4), st.booleans(), st.integers(0, 16)), max_size=12),
    st.integers(0, 20),
)
@settings(few, max_examples=25)
def test_merged_in_the_database_as_poll_by_poll(polls: list[tuple[int, int, bool, int]], as_of: int) -> None:
    with TemporaryDirectory() as folder, House(Path(folder)) as house:
        for a, n, ok, known in polls:
            house.listen(at(a), at(a + n), ok, ["feed" if known % 2 else "mastodon"], known_at=at(known))
        for window in (span(0, 17), span(5, 8)):
            one = Listening(house.store, house.market, window).at(at(as_of))
            other = Listening(house.store, house.market, window, at(as_of)).at(at(as_of))
            assert one.seen(window) == other.seen(window)
            assert one.verdict(window, {}) == other.verdict(window, {})
            assert [(o.source, o.window) for o in one.blind(window)] == [(o.source, o.window) for o in other.blind(window)]


def test_reads_the_span_and_knows_what_was_before_it(house: House) -> None:
    house.listen(at(0), at(4), known_at=at(4))
    late = Listening(house.store, house.market, span(600, 700), at(800)).at(at(800))
    assert [(o.source, o.window) for o in late.blind(span(600, 700))] == [
        ("feed", span(600, 700)),
        ("mastodon", span(600, 700)),
    ]
    assert Listening(house.store, house.market, span(-9, -5), at(800)).at(at(800)).verdict(span(-9, -5), {}) == "blind"
    assert late.sources["feed"].verdict(span(-9, -5), 0) is None


def test_a_source_that_left_the_plan_is_retired_at_its_last_poll(house: House) -> None:
    house.listen(at(0), at(4), sources=["mastodon", "feed", "gdelt"])
    sight = Listening(house.store, house.market, span(0, 9), LATER).at(LATER)
    assert sight.sources["gdelt"].verdict(span(2, 3), 0) == "quiet"
    assert sight.sources["gdelt"].verdict(span(5, 6), 0) is None
    assert {o.source for o in sight.blind(span(0, 9))} == {"mastodon", "feed"}


def test_a_new_source_makes_no_old_stretch_blind(house: House) -> None:
    house.listen(at(0), at(9), sources=["mastodon"])
    house.listen(at(5), at(9), sources=["feed"])
    sight = Listening(house.store, house.market, span(0, 9), LATER).at(LATER)
    assert sight.seen(span(0, 9)) == [span(0, 9)]
    assert sight.verdict(span(0, 4), {"mastodon": 1}) == "ok"


def test_an_idle_folder_of_exports_calms_nobody(house: House) -> None:
    """It is polled, and empty; what was dropped into it counts."""
    house.listen(at(0), at(9), sources=["files"], known_at=at(0))
    house.listen(at(0), at(2), sources=["mastodon"])
    house.listen(at(2), at(9), ok=False, sources=["mastodon"], error="answered 401")
    sight = Listening(house.store, house.market, span(0, 9), LATER).at(LATER)
    assert sight.verdict(span(3, 4), {}) == sight.verdict(span(3, 4), {"files": 0}) == "blind"
    assert sight.verdict(span(3, 4), {"files": 2}) == "partial"
    assert sight.verdict(span(1, 4), {}) == "partial"
    assert (sight.verdict(span(0, 1), {}), sight.verdict(span(0, 1), {"files": 2})) == ("quiet", "ok")
    assert [o.source for o in sight.blind(span(0, 9))] == ["mastodon"]


def test_a_market_of_exports_alone_is_judged_by_them(house: House) -> None:
    house.listen(at(0), at(4), sources=["files"])
    house.listen(at(4), at(9), sources=["mastodon"])  # and before another source joined
    sight = Listening(house.store, house.market, span(0, 9), LATER).at(LATER)
    assert sight.verdict(span(0, 4), {}) == "quiet"
    assert sight.verdict(span(0, 4), {"files": 1}) == "ok"
    assert sight.verdict(span(5, 9), {}) == "quiet"  # the folder is no longer polled: nobody depends on it


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4), st.booleans()), max_size=10), st.integers(0, 14))
def test_long_afterwards_outages_and_cover_partition_what_was_listened_to(
    polls: list[tuple[int, int, bool]], start: int
) -> None:
    logs = [log(a, a + n, ok) for a, n, ok in polls]
    window, seen = span(start, start + 3), sight(*logs)
    outages = [o.window for o in seen.blind(window)]
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
