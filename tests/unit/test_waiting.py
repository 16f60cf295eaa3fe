"""Who waits for an answer waits longer each day, whether or not anybody says anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from building import DAY, HOUR, House, utc

from coolhead.rows import ALL, CommentKind, Cursor, KpiPoint, Match, Mention, key_of
from coolhead.writing import Writer

BEGIN = utc(2026, 3, 9, 23)
"""Midnight in Rome."""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as made:
        yield made


def complain(house: House, number_of_hours: float, **columns: object) -> Mention:
    """A complaint that is addressed to the brand, so many hours after BEGIN."""
    m = house.say(BEGIN + number_of_hours * HOUR, "negative", text="@zefirella, why?", **columns)
    house.store.upsert([CommentKind(**key_of(m), revision="1", kind="complaint", confidence=1.0, known_at=m.known_at)])
    with house.store.writing() as writer:
        writer.update(Match, {"matched_by": "answers our post"}, market="zefirella")
    return m


def ages(house: House) -> dict[int, tuple[int, float | None]]:
    """Local day after BEGIN's -> how many are open at its end, and their median age in hours."""
    return {
        (p.start - BEGIN).days: (p.n, p.value)
        for p in house.points("day", kpi="unanswered_age", source=ALL, lang=ALL)
    }  # fmt: skip


def test_a_silent_day_has_what_is_open_at_its_end(house: House) -> None:
    complain(house, 12)
    house.measure(BEGIN + 13 * HOUR)
    assert ages(house) == {0: (1, 0)}, "so far"
    house.measure(BEGIN + DAY + 5 * HOUR / 60)
    assert ages(house) == {0: (1, 11)}, "the day that ended, as of its end"
    house.measure(BEGIN + 3 * DAY + HOUR)
    assert ages(house) == {0: (1, 11), 1: (1, 35), 2: (1, 59)}
    assert house.measure(BEGIN + 3 * DAY + 2 * HOUR) == 0


def test_each_silent_day_or_all_at_once_is_the_same(house: House, tmp_path: Path) -> None:
    with House(tmp_path, name="daily") as daily:
        for one in (house, daily):
            complain(one, 12)
            complain(one, 40)
        for day in range(18):
            daily.measure(BEGIN + day * DAY + 41 * HOUR)
        house.measure(BEGIN + 17 * DAY + 41 * HOUR)
        assert ages(daily) == ages(house)
        assert max(ages(house)) == 14, "who has waited for more than a fortnight waits no more"
        assert ages(house)[14] == (1, 15 * 24 - 41)


def test_what_comes_late_changes_the_days_after_it_as_well(house: House) -> None:
    first = complain(house, 12)
    house.measure(BEGIN + 3 * DAY + HOUR)
    late = complain(house, 13)
    house.measure(BEGIN + 3 * DAY + 2 * HOUR)
    assert {day: n for day, (n, _) in ages(house).items()} == {0: 2, 1: 2, 2: 2, 3: 2}
    with house.store.writing() as writer:
        forget(writer, house, [first, late])
    house.measure(BEGIN + 3 * DAY + 3 * HOUR)
    assert ages(house) == {}, "and no point of a silent day outlives them"


def forget(writer: Writer, house: House, mentions: list[Mention]) -> None:
    from coolhead.intake import dirty

    writer.delete_mentions([key_of(m) for m in mentions])
    writer.upsert(dirty((house.market.id, m.published_at) for m in mentions))


def test_an_answer_ends_the_waiting_from_its_day_on(house: House) -> None:
    asked = complain(house, 12)
    house.measure(BEGIN + 2 * DAY + HOUR)
    house.say(BEGIN + 2 * DAY + 2 * HOUR, own=True, parent=asked.native_id)
    house.measure(BEGIN + 5 * DAY + HOUR)
    assert ages(house) == {0: (1, 11), 1: (1, 35)}


def test_days_are_told_apart_by_one_look(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    complain(house, 12)
    house.measure(BEGIN + 2 * DAY + HOUR)
    (cursor,) = house.store.read(Cursor)
    assert (cursor.market, cursor.value) == ("zefirella", "2026-03-11")
    asked: list[object] = []
    read = type(house.store).read
    monkeypatch.setattr(type(house.store), "read", lambda self, kind, /, **w: [asked.append(kind), read(self, kind, **w)][1])
    house.measure(BEGIN + 2 * DAY + 2 * HOUR)
    assert KpiPoint not in asked
