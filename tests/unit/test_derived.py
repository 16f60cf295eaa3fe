"""What is made beyond the rows of a window: corrected prevalence by people's labels, answers, shares of voice, what is usual."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from building import COMPLAINTS, DAY, HOUR, LINEAR, MINUTE, PEOPLE, READ, STEPS, House, a_plan, mention, score, utc, windows

from coolhead import registry
from coolhead.baselines import shares
from coolhead.clock import Fixed
from coolhead.contexts import Contexts
from coolhead.evaluation import Judge, evaluate_all
from coolhead.kpis import Context
from coolhead.measuring import Measurer
from coolhead.plan import Plan
from coolhead.prevalence import Confusion, corrected
from coolhead.rows import (
    ALL,
    CollectionLog,
    CommentKind,
    Dirty,
    Follower,
    KpiPoint,
    Match,
    Mention,
    PersonLabel,
    Signal,
    key_of,
)
from coolhead.windows import BASE, GRACE, Window, floor

BEGIN = utc(2026, 3, 24, 23)
"""Midnight in Rome."""
ITALIAN = {"it": Confusion((((80.0, 15.0, 5.0), (10.0, 80.0, 10.0), (5.0, 25.0, 70.0)),), general=True)}
PRESSED = a_plan(
    {"name": "pressed", "rule": "threshold", "kpi": "negative_prevalence", "bound": "low", "above": 0.5, "severity": "S2"}
)
RIVAL = {"id": "pistacchina", "name": "Pistacchina", "terms": {"any_of": ["pistacchina"]}}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as made:
        yield made


def measurer(house: House, general: dict[str, Confusion] | None = None) -> Measurer:
    known = Contexts(house.store, LINEAR.name, LINEAR.revision, ["zefirella"], general)
    return Measurer(house.store, house.market, LINEAR.name, LINEAR.revision, known)


def label(house: House, m: Mention, said: str, at: datetime, by: str = "anna", **columns: Any) -> None:
    """A person's label, and the window it changes."""
    house.store.upsert([
        PersonLabel(**key_of(m), by=by, at=at, label=said, **columns),
        Dirty(market="zefirella", start=floor(m.published_at), mark=f"{by} {at}"),
    ])  # fmt: skip


def kind(house: House, m: Mention, what: str) -> None:
    house.store.upsert([
        CommentKind(**key_of(m), revision="1", kind=what, confidence=0.9, known_at=m.known_at),
        Dirty(market="zefirella", start=floor(m.published_at), mark=f"kind {m.native_id}"),
    ])  # fmt: skip


def point(house: House, kpi: str, grain: Any = "day", start: datetime = BEGIN) -> KpiPoint:
    (found,) = house.points(grain, kpi=kpi, source=ALL, lang=ALL, start=start)
    return found


# corrected prevalence


def test_the_corrected_share_stands_beside_the_plain_one_and_is_called_general(house: House) -> None:
    for i in range(60):
        house.say(BEGIN + i * MINUTE, "negative" if i < 20 else "neutral")
    measurer(house, ITALIAN).measure(Fixed(BEGIN + 2 * HOUR))
    plain, found = point(house, "negative_share"), point(house, "negative_prevalence")
    assert plain.value == pytest.approx(1 / 3)
    solved = corrected({"it": np.array([[20, 40, 0]])}, {}, ITALIAN)
    assert (found.value, found.low, found.high) == tuple(
        pytest.approx(float(x[0, 0])) for x in (solved.value, solved.low, solved.high)
    )
    assert found.value is not None and found.value < 0.3, "what is read of neutral texts is taken off"
    assert found.low is not None and found.high is not None and found.low < (found.value or 0) < found.high
    assert found.parts == {"n": 60, "general": 60, "it.negative": 20, "it.neutral": 40}
    assert found.revision == READ


def test_what_a_person_said_needs_no_correction(house: House) -> None:
    told = [house.say(BEGIN + i * MINUTE, "neutral") for i in range(4)]
    for m in told:
        label(house, m, "negative", BEGIN + 3 * HOUR)
    measurer(house, ITALIAN).measure(Fixed(BEGIN + 4 * HOUR))
    found = point(house, "negative_prevalence")
    assert (found.value, found.low, found.high) == (1, 1, 1)
    assert found.parts == {"n": 4, "general": 0, "it.said.negative": 4}


def test_without_a_matrix_it_is_null(house: House) -> None:
    house.say(BEGIN, "negative")
    measurer(house).measure(Fixed(BEGIN + HOUR))
    found = point(house, "negative_prevalence")
    assert (found.value, found.low, found.high, found.n) == (None, None, None, 1)


def test_rules_stand_on_the_corrected_lower_bound(tmp_path: Path) -> None:
    """Read, nine in ten are negative; how sure that is depends on how many there are."""
    with House(tmp_path, PRESSED) as house:
        for i in range(10):
            house.say(BEGIN + i * timedelta(seconds=10), "negative" if i else "neutral")
        for i in range(200):
            house.say(BEGIN + 3 * HOUR + i * timedelta(seconds=1), "negative" if i % 10 else "neutral")
        m = measurer(house, ITALIAN)
        m.measure(Fixed(BEGIN + 5 * HOUR))
        points = house.seen(Window(BEGIN, BEGIN + 5 * HOUR), m)
        few, many = points.loc[BEGIN], points.loc[BEGIN + 3 * HOUR]
        assert few["negative_prevalence.n"] == 10 and many["negative_prevalence.n"] == 200
        assert few["negative_prevalence"] == pytest.approx(many["negative_prevalence"], abs=1e-6)
        assert few["negative_prevalence.low"] < many["negative_prevalence.low"] < many["negative_prevalence"]
        signals, _ = Judge(house.store, house.plan, house.market, m, Fixed(BEGIN + 6 * HOUR)).judge(
            Window(BEGIN, BEGIN + 5 * HOUR)
        )
        assert (signals > 0) == (many["negative_prevalence.low"] >= 0.5)
        assert house.store.count(Signal, rule="pressed") == signals


def test_what_is_usual_of_a_corrected_share_is_that_of_all_days_together() -> None:
    """A language that a day's parts lack was not spoken on it."""
    kpi = registry.load("kpis", "negative_prevalence")()
    kpi.context = Context(ITALIAN)
    each = [{"n": 10, "general": 10, name: 10} for name in ("it.negative", "it.neutral", "it.said.positive")]
    days = [{kpi.name: each[day % 3]} for day in range(1, 16)]
    known = shares([kpi], days)
    expected = corrected({"it": np.array([[50, 50, 0]])}, {"it": np.array([[0, 0, 50]])}, ITALIAN).value[0, 0]
    assert known == {kpi.name: pytest.approx(expected)}
    assert shares([kpi], days[:13]) == {}, "cold"


# what was known when


def test_a_label_counts_from_when_it_was_given(tmp_path: Path) -> None:
    """Live, every five minutes, and once at the end: the same signals, though one was labelled twice in between."""
    rule = {**COMPLAINTS, "above": 4, "min_n": 4}
    outcomes = []
    for name, ticks in (("live", windows(BEGIN, BEGIN + 2 * HOUR)), ("once", [BEGIN + 2 * HOUR])):
        with House(tmp_path, a_plan(rule), name=name) as house:
            told = [house.say(BEGIN + i * MINUTE, "neutral") for i in range(5)]
            given = [(m, "negative", BEGIN + 20 * MINUTE) for m in told]
            given += [(m, "positive", BEGIN + 35 * MINUTE) for m in told[:2]]
            for now in ticks:
                for m, said, at in [g for g in given if g[2] <= now]:
                    label(house, m, said, at)
                given = [g for g in given if g[2] > now]
                house.evaluate(now + GRACE)
            outcomes.append([(s.start - BEGIN, s.value) for s in house.store.read(Signal)])
    live, once = outcomes
    assert live == once
    assert [s for s, _ in live] == [15 * MINUTE, 20 * MINUTE, 25 * MINUTE]


def test_an_unread_mention_counts_by_its_label(house: House) -> None:
    m = mention(1, BEGIN)
    house.put([(m, score(m, "neutral", known_at=BEGIN + 40 * MINUTE))])
    label(house, m, "negative", BEGIN + 10 * MINUTE)
    points = house.seen(Window(BEGIN, BEGIN + HOUR))
    assert list(points.negative_volume.fillna(-1)) == [-1] + [1] * 11


def test_confusions_are_those_known_at_the_start_of_the_day(house: House) -> None:
    known = Contexts(house.store, LINEAR.name, LINEAR.revision, ["zefirella"], ITALIAN)
    assert known.on(BEGIN) is known.on(BEGIN + 400 * DAY), "nobody has labelled anything"


# answers


def test_answers_count_for_the_mention_and_whenever_they_come(house: House) -> None:
    asked = [house.say(BEGIN + i * HOUR, "negative", text="@zefirella, why?", parent=None) for i in range(3)]
    for m, what in zip(asked, ("complaint", "question", "praise"), strict=True):
        kind(house, m, what)
    house.store.upsert(
        [Match(**key_of(m), market="zefirella", published_at=m.published_at, matched_by="zefirella") for m in asked]
    )
    with house.store.writing() as writer:
        writer.update(Match, {"matched_by": "answers our post"}, market="zefirella")
    house.measure(BEGIN + 4 * HOUR)
    before = point(house, "response_coverage")
    assert (before.value, before.n, before.parts["complaint.n"], before.parts["question.n"]) == (0, 2, 1, 1)
    assert point(house, "unanswered_age").value == pytest.approx(2), "of 3.5 and 2.5 hours, in whole ones, the lower median"
    house.say(BEGIN + 2 * DAY, own=True, parent=asked[0].native_id)
    house.measure(BEGIN + 2 * DAY + HOUR)
    after = point(house, "response_coverage")
    assert (after.value, after.parts["complaint.answered"]) == (0.5, 1)
    hours = {p.start: p.value for p in house.points("hour", kpi="response_coverage", source=ALL, lang=ALL)}
    assert hours == {BEGIN: 1, BEGIN + HOUR: 0}
    backlog = point(house, "unanswered_age")
    assert (backlog.n, backlog.value) == (2, 22), "at the end of that day both were open, though one is answered since"
    assert not house.store.read(Dirty)
    assert house.measure(BEGIN + 2 * DAY + HOUR) == 0


@pytest.mark.parametrize(("days", "answered"), [(14, 1), (15, 0)])
@pytest.mark.parametrize("at_once", [True, False], ids=["one run", "two runs"])
def test_an_answer_after_a_fortnight_is_none(house: House, days: int, answered: int, at_once: bool) -> None:
    m = house.say(BEGIN, "negative", text="@zefirella, why?")
    kind(house, m, "complaint")
    with house.store.writing() as writer:
        writer.update(Match, {"matched_by": "answers our post"}, market="zefirella")
    if not at_once:
        house.measure(BEGIN + HOUR)
    house.say(BEGIN + days * DAY, own=True, parent=m.native_id)
    house.measure(BEGIN + days * DAY + HOUR)
    assert point(house, "response_coverage").value == answered


def test_who_is_named_only_is_not_asked(house: House) -> None:
    m = house.say(BEGIN, "negative", text="Zefirella is bad")
    kind(house, m, "complaint")
    house.measure(BEGIN + HOUR)
    assert not house.points("day", kpi="response_coverage")


# beside others


def beside(*rules: dict[str, Any]) -> Plan:
    plain = a_plan(*rules)
    files = plain.content()
    files["brands"]["brands"][0]["markets"][0]["watch"] = [RIVAL]
    return Plan.model_validate({**files, "escalation": {"people": PEOPLE, "steps": STEPS}})


def say_of(house: House, market: str, at: datetime, number: int, said: str = "neutral", audience: int | None = 10) -> None:
    m = mention(number, at, audience=audience)
    house.store.upsert([m, score(m, said), Match(**key_of(m), market=market, published_at=at, matched_by=market), Dirty(market=market, start=floor(at), mark="m")])  # fmt: skip


def test_share_of_voice(tmp_path: Path) -> None:
    """Of an hour in which only the other is spoken of too; what comes late for the other changes ours."""
    with House(tmp_path, beside()) as house:
        for i in range(3):
            say_of(house, "zefirella", BEGIN + i * MINUTE, i, "negative")
        say_of(house, "pistacchina", BEGIN + 5 * MINUTE, 10, "negative", 30)
        say_of(house, "pistacchina", BEGIN + 2 * HOUR, 11)
        evaluate_all(house.store, house.plan, Fixed(BEGIN + 3 * HOUR))
        hours = {(p.start - BEGIN) // HOUR: p.value for p in house.points("hour", kpi="share_of_voice", source=ALL, lang=ALL)}
        assert hours == {0: 0.75, 2: 0}
        day = point(house, "share_of_voice")
        assert (day.value, day.n, day.parts) == (0.6, 5, {"ours": 3, "all": 5, "n": 5})
        assert day.low is not None and day.high is not None and day.low < 0.6 < day.high
        reach = point(house, "share_of_voice_reach")
        assert (reach.value, reach.n) == (pytest.approx(30 / 70), 5)
        assert point(house, "share_of_negatives").value == pytest.approx(0.75)
        say_of(house, "pistacchina", BEGIN + 30 * MINUTE, 12, "negative")
        evaluate_all(house.store, house.plan, Fixed(BEGIN + 4 * HOUR))
        assert point(house, "share_of_voice").value == pytest.approx(0.5)
        assert not house.store.read(Dirty)
        assert not house.store.read(KpiPoint, market="pistacchina", kpi="share_of_voice")
        before = house.store.read(KpiPoint)
        evaluate_all(house.store, house.plan, Fixed(BEGIN + 4 * HOUR))
        assert house.store.read(KpiPoint) == before


def test_a_share_of_voice_of_the_blind_is_not_zero_for_sure(tmp_path: Path) -> None:
    """Only the rival is heard, for our own sources were down: the number says so."""
    with House(tmp_path, beside()) as house:
        house.listen(BEGIN, BEGIN + 3 * HOUR, ok=False)
        polls = {"source": "mastodon", "market": "pistacchina", "start": BEGIN, "end": BEGIN + 3 * HOUR, "ok": True}
        house.store.upsert([CollectionLog(**polls, known_at=BEGIN + 3 * HOUR)])
        say_of(house, "pistacchina", BEGIN, 1)
        evaluate_all(house.store, house.plan, Fixed(BEGIN + 12 * HOUR))
        found = point(house, "share_of_voice", "hour")
        assert (found.value, found.quality) == (0, "partial")


def test_nobody_watched_no_share_of_voice(house: House) -> None:
    house.say(BEGIN)
    house.measure(BEGIN + HOUR)
    assert not house.points("day", kpi="share_of_voice")


# followers


def test_excess_follower_change_is_beyond_the_weekday(house: House) -> None:
    """+10 on eight Wednesdays, +100 on every other day, and then -5."""
    count, first = 1_000, BEGIN - 57 * DAY
    for day in range(58):
        wednesday = (date(2026, 3, 25) - timedelta(days=57 - day)).weekday() == 2
        count += -5 if day == 57 else 10 if wednesday else 100
        house.store.upsert(
            [Follower(market="zefirella", source="mastodon", account="z", at=first + day * DAY + 12 * HOUR, followers=count)]
        )
    house.measure(BEGIN + DAY)
    found = point(house, "excess_follower_change")
    assert (found.value, found.low, found.high) == (-15, -15, -15)
    assert "week_8" in found.parts
    early = {
        (p.start - first).days: p.value
        for p in house.points("day", kpi="excess_follower_change", source=ALL)
        if p.start < first + 30 * DAY
    }
    assert {d for d, v in early.items() if v is not None} == {29}, (
        "four weeks of changes before it, and the first count has none"
    )
    assert house.measure(BEGIN + DAY) == 0


# what is usual


@pytest.mark.parametrize("ticks", [[DAY], [20 * HOUR, DAY + 3 * HOUR], [20 * HOUR, 23 * HOUR, 4 * DAY]])
def test_excess_negatives_stand_out_where_a_share_is_diluted(tmp_path: Path, ticks: list[timedelta]) -> None:
    """Fifteen days of two complaints an hour; then ten, among a hundred neutral headlines; and nobody looks at midnight."""
    with House(tmp_path, a_plan(COMPLAINTS)) as house:
        begin = BEGIN - 15 * DAY
        for day in range(16):
            house.listen(begin + day * DAY, begin + (day + 1) * DAY)
        told = [mention(i, begin + i // 2 * HOUR) for i in range(2 * 15 * 24)]
        house.put((m, score(m, "negative")) for m in told)
        now = BEGIN + 12 * HOUR
        house.number = 10_000
        for i in range(110):
            house.say(now + i * timedelta(seconds=20), "negative" if i % 11 == 0 else "neutral")
        for tick in ticks:
            house.evaluate(BEGIN + tick + GRACE)
        (found,) = house.store.read(KpiPoint, kpi="excess_negatives", start=now + HOUR - BASE)
        assert (found.value, found.n, found.revision) == (8, 110, READ)
        assert found.low is not None and found.high is not None and 0 < found.low < 8 < found.high <= 10
        assert point(house, "negative_share", "hour", now).value == pytest.approx(10 / 110)
        day = point(house, "excess_negatives")
        assert (day.value, day.n, day.as_of) == (10 - 24 * 2, 110, BEGIN + DAY + GRACE)
        assert day.low is not None and day.high is not None and day.low < -38 < day.high
