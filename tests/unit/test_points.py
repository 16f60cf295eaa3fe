"""Stored points: what makes them, what changes them, and what is made of them."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import DAY, HOUR, MINUTE, READ, House, a_plan, few, new_store, score
from hypothesis import given, settings
from hypothesis import strategies as st
from telling import BEGIN, ZONE, Said, said

from coolhead import registry
from coolhead.kpis import Kpi
from coolhead.rows import ALL, Dirty, Follower, KpiPoint, Match, key_of
from coolhead.windows import floor, local_day

KPIS: dict[str, Kpi] = {name: registry.load("kpis", name)() for name in registry.names("kpis")}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as made:
        yield made


def table(house: House) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Every point but the moment it was computed as of."""
    key = ("market", "kpi", "grain", "start", "source", "lang", "version", "revision")
    return {
        tuple(getattr(p, k) for k in key): (p.value, p.n, p.low, p.high, p.parts, p.quality) for p in house.store.read(KpiPoint)
    }


def test_own_posts_are_in_no_kpi_about_others(house: House) -> None:
    house.say(BEGIN, "negative", own=True, audience=5, likes=3)
    house.measure(BEGIN + HOUR)
    found = {p.kpi: p.value for p in house.points("day", source=ALL, lang=ALL)}
    assert {KPIS[k].reads for k in found} == {"own", "both"}
    assert (found["own_posts"], found["applause"], found["correction_reach_ratio"]) == (1, 3, None)


def test_points_carry_version_and_revision(house: House) -> None:
    house.say(BEGIN, "negative", likes=1, audience=1)
    house.measure(BEGIN + HOUR)
    for p in house.store.read(KpiPoint):
        assert (p.version, p.revision) == (KPIS[p.kpi].version, READ if KPIS[p.kpi].reads_scores else "-")


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)],
    ids=["spring", "autumn", "plain"],
)
def test_a_local_day_is_as_long_as_it_is(house: House, day: date, hours: int) -> None:
    begin = local_day(day, ZONE).start
    for i in range(-1, hours + 1):
        house.say(begin + i * HOUR)
    house.measure(begin + 2 * DAY)
    days = {p.start: p.value for p in house.points("day", kpi="volume", source=ALL, lang=ALL)}
    assert days == {local_day(day - timedelta(days=1), ZONE).start: 1, begin: hours, begin + hours * HOUR: 1}
    inside = [
        p.value for p in house.points("hour", kpi="volume", source=ALL, lang=ALL) if begin <= p.start < begin + hours * HOUR
    ]
    assert inside == [1] * hours


def test_what_is_not_known_yet_is_not_counted(house: House) -> None:
    house.say(BEGIN, known_at=BEGIN + HOUR)
    assert house.measure(BEGIN + 30 * MINUTE) == 0


@given(told=said(least=3), data=st.data())
@settings(few, max_examples=3)
def test_recomputed_points_equal_points_from_scratch(
    tmp_path_factory: pytest.TempPathFactory, told: list[Said], data: st.DataObject
) -> None:
    """Some mentions come late, some are edited and read anew, some are refused by the gate after they were counted."""
    late = BEGIN + 2 * DAY
    fate = [data.draw(st.sampled_from(["kept", "late", "edited", "gone"])) for _ in told]
    edited = [
        (m.model_copy(update={"text": "Zefirella!", "edited_at": late, "likes": 7}), score(m, "negative", -0.5, "pl", late)) for m, _ in told
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("recomputed")
    with House(folder, name="a") as twice, House(folder, name="b") as once:
        twice.put(s for s, f in zip(told, fate, strict=True) if f != "late")
        twice.measure(late)
        with twice.store.writing() as writer:
            writer.mark_edited([key_of(m) for (m, _), f in zip(told, fate, strict=True) if f == "edited"])
        twice.number += 1
        twice.put(e for e, f in zip(edited, fate, strict=True) if f == "edited")
        twice.put(s for s, f in zip(told, fate, strict=True) if f == "late")
        gone = [m for (m, _), f in zip(told, fate, strict=True) if f == "gone"]
        with twice.store.writing() as writer:
            writer.upsert(Dirty(market="zefirella", start=floor(m.published_at), mark="gone") for m in gone)
            writer.delete_mentions([key_of(m) for m in gone])
        twice.measure(late + HOUR)
        once.put((e if f == "edited" else s) for s, e, f in zip(told, edited, fate, strict=True) if f != "gone")
        once.measure(late + HOUR)
        assert table(twice) == table(once)
        assert not twice.store.count(Dirty)
        before = table(twice)
        assert twice.measure(late + 2 * HOUR) == 0
        assert table(twice) == before


def test_days_apart_are_measured_as_days_alone(house: House) -> None:
    """A late mention of last week beside today's: each is counted once."""
    for day in (0, 1, 5, 9):
        for i in range(3):
            house.say(BEGIN + day * DAY + i * MINUTE, "negative", audience=10)
    house.measure(BEGIN + 10 * DAY)
    for kpi, value in (("volume", 3), ("reach_total", 30), ("negative_volume", 3), ("unique_authors", 3)):
        for grain in ("5min", "hour", "day"):
            assert [p.value for p in house.points(grain, kpi=kpi, source=ALL, lang=ALL)] == [value] * 4, (kpi, grain)


def test_a_mark_set_during_the_computation_survives(house: House) -> None:
    house.say(BEGIN)
    house.measure(BEGIN + HOUR)
    house.store.upsert([Dirty(market="zefirella", start=BEGIN, mark="old")])
    seen = house.store.read(Dirty)
    house.store.upsert([Dirty(market="zefirella", start=BEGIN, mark="new")])
    with house.store.writing() as writer:
        writer.delete(Dirty, market="zefirella", mark=[d.mark for d in seen])
    assert [d.mark for d in house.store.read(Dirty)] == ["new"]


def test_one_mention_in_two_markets_counts_in_each(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with House(tmp_path, a_plan()) as house:
        m = house.say(BEGIN)
        house.store.upsert(
            [
                Match(**key_of(m), market="other", published_at=BEGIN, matched_by="x"),
                Dirty(market="other", start=BEGIN, mark="x"),
            ]
        )
        house.measure(BEGIN + HOUR)
        assert [p.value for p in house.points("5min", kpi="volume", source=ALL, lang=ALL)] == [1]
        assert [d.market for d in house.store.read(Dirty)] == ["other"], "another market's window is its own matter"
    store.close()


def test_followers(house: House) -> None:
    for hours, count in ((-2, 100), (1, 90), (3, 80), (30, 120)):
        house.store.upsert(
            [Follower(market="zefirella", source="mastodon", account="z", at=BEGIN + hours * HOUR, followers=count)]
        )
    house.measure(BEGIN + 2 * DAY)
    days = {p.start: p.value for p in house.points("day", kpi="follower_change", source=ALL)}
    assert days == {BEGIN: -20, BEGIN + DAY: 40}, "the first count of all has nothing before it"
    rates = [p.value for p in house.points("day", kpi="follower_rate", source="mastodon")]
    assert rates == [pytest.approx(-0.2), pytest.approx(0.5)]
    assert house.measure(BEGIN + 2 * DAY) == 0
