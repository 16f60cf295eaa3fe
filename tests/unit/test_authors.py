"""author_day: who spoke on which local day, and who did so for the first time in 180 days, whatever comes late or goes."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import DAY, HOUR, House, a_plan, few, mention
from hypothesis import given, settings
from hypothesis import strategies as st
from telling import BEGIN

from coolhead import plan_check
from coolhead.clock import Fixed
from coolhead.measuring import Measurer
from coolhead.plan import Plan
from coolhead.rows import ALL, AuthorDay, Dirty, Mention, key_of
from coolhead.settings import Settings
from coolhead.windows import floor

FIRST_DAY = date(2026, 3, 25)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as made:
        yield made


def spoken(house: House) -> dict[tuple[int, str], tuple[int, int | None, bool]]:
    """(days after the first, author) -> mentions, audience, first."""
    rows = house.store.read(AuthorDay)
    return {((r.day - FIRST_DAY).days, r.author): (r.mentions, r.audience, r.first) for r in rows}


def shares(house: House) -> dict[int, tuple[float | None, int]]:
    points = house.points("day", kpi="first_time_author_share", source=ALL, lang=ALL)
    return {(p.start + 2 * HOUR - BEGIN).days: (p.value, p.n) for p in points}


def test_an_author_counts_once_a_day_with_the_greatest_audience(house: House) -> None:
    for minutes, author, audience in ((0, "a", 5), (1, "a", 9), (2, "a", None), (3, "b", None), (4, None, 7)):
        house.say(BEGIN + timedelta(minutes=minutes), author=author, audience=audience)
    house.say(BEGIN, author="us", own=True)
    house.measure(BEGIN + HOUR)
    assert spoken(house) == {(0, "a"): (3, 9, True), (0, "b"): (1, None, True)}


@pytest.mark.parametrize(("days", "first"), [(1, False), (180, False), (181, True)])
def test_who_has_not_spoken_for_180_days_speaks_for_the_first_time(house: House, days: int, first: bool) -> None:
    house.say(BEGIN, author="a")
    house.measure(BEGIN + HOUR)
    house.say(BEGIN + days * DAY + 2 * HOUR, author="a")
    house.say(BEGIN + days * DAY + 2 * HOUR, author="b")
    house.measure(BEGIN + days * DAY + 3 * HOUR)
    assert spoken(house)[days, "a"][2] == first
    assert shares(house) == {0: (1.0, 1), days: (1.0 if first else 0.5, 2)}


@pytest.mark.parametrize(("kept", "share"), [(179, None), (180, 0.5)])
def test_no_share_where_mentions_are_not_kept_for_so_long(tmp_path: Path, kept: int, share: float | None) -> None:
    """Whoever spoke before what is kept would count as new. How many spoke is known all the same."""
    content = a_plan().content()
    content["brands"]["retention"] = {"mention_days": kept}
    plan = Plan.model_validate(content)
    with House(tmp_path, plan) as house:
        house.say(BEGIN, author="a")
        for author in "ab":
            house.say(BEGIN + 100 * DAY, author=author)
        Measurer.of(house.store, plan, house.market).measure(Fixed(BEGIN + 101 * DAY))
        assert shares(house)[100] == (share, 2)
        (line, *_) = plan_check.preview(Settings(home=tmp_path, store=house.store.url, plan=tmp_path), plan)
        assert ("retention.mention_days: 179: first_time_author_share has no value" in line) == (kept == 179)


def test_a_late_mention_ends_a_later_first(house: House) -> None:
    """And only of the day that was first until then: its share is measured again."""
    for day in (10, 20):
        house.say(BEGIN + day * DAY, author="a")
    house.measure(BEGIN + 21 * DAY)
    assert shares(house) == {10: (1.0, 1), 20: (0.0, 1)}
    house.say(BEGIN, author="a")
    house.measure(BEGIN + 22 * DAY)
    assert shares(house) == {0: (1.0, 1), 10: (0.0, 1), 20: (0.0, 1)}
    as_of = {(p.start + 2 * HOUR - BEGIN).days: p.as_of for p in house.points("day", kpi="volume", source=ALL, lang=ALL)}
    assert as_of == {0: BEGIN + 22 * DAY, 10: BEGIN + 22 * DAY, 20: BEGIN + 21 * DAY}
    assert not house.store.read(Dirty)


def test_a_mention_that_goes_makes_a_later_one_the_first(house: House) -> None:
    gone = house.say(BEGIN, author="a")
    house.say(BEGIN + 3 * DAY, author="a")
    house.measure(BEGIN + 4 * DAY)
    with house.store.writing() as writer:
        writer.delete_mentions([key_of(gone)])
        writer.upsert([Dirty(market="zefirella", start=floor(BEGIN), mark="gone")])
    house.measure(BEGIN + 5 * DAY)
    assert spoken(house) == {(3, "a"): (1, None, True)}
    assert shares(house) == {3: (1.0, 1)}


@given(told=st.lists(st.tuples(st.integers(0, 400), st.sampled_from("abc"), st.integers(0, 3)), min_size=2, max_size=9))
@settings(few, max_examples=3)
def test_in_whatever_order_they_come(tmp_path_factory: pytest.TempPathFactory, told: list[tuple[int, str, int]]) -> None:
    """Four rounds of measuring leave what one leaves, and running again changes nothing."""
    folder, end = tmp_path_factory.mktemp("order"), BEGIN + 500 * DAY
    mentions: list[tuple[Mention, int]] = [
        (mention(i, BEGIN + day * DAY, author=author, audience=i), batch) for i, (day, author, batch) in enumerate(told)
    ]
    with House(folder, name="a") as step_by_step, House(folder, name="b") as once:
        for batch in range(4):
            step_by_step.number += 1
            step_by_step.put((m, None) for m, b in mentions if b == batch)
            step_by_step.measure(end)
        once.put((m, None) for m, _ in mentions)
        once.measure(end)
        expected: dict[tuple[int, str], Any] = {}
        for day, author, _ in told:
            before = any(a == author and day - 180 <= d < day for d, a, _ in told)
            expected[day, author] = not before
        assert {k: v[2] for k, v in spoken(once).items()} == expected
        assert spoken(step_by_step) == spoken(once)
        assert shares(step_by_step) == shares(once)
        assert not step_by_step.store.read(Dirty)
        assert step_by_step.measure(end) == 0
