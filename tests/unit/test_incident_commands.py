"""`coolhead incident merge, split, show, list`, at a terminal; and how long an incident took."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from building import DAY, HOUR, MINUTE, House, utc

from coolhead import cli, planning
from coolhead.clock import Fixed
from coolhead.durations import clocks, words
from coolhead.incidents import policy_of
from coolhead.registry import names
from coolhead.reports._incidents import as_known, during
from coolhead.rows import Decision, Incident, Severity, Signal, Topic
from coolhead.severities import ALONE, DEAF, UNJUDGED
from coolhead.windows import BASE, GRACE, Window

T = utc(2026, 3, 25, 12)


@pytest.fixture
def house(home: Path) -> Any:
    with House(home) as made:
        planning.adopt(made.store, made.plan, Fixed(T))
        yield made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def _run(*argv: str) -> tuple[int, str]:
        status = cli.main(["incident", *argv])
        said = capsys.readouterr()
        return status, said.out + said.err

    return _run


def opened(house: House, name: str, severity: Severity = "S2", topic: str = "plastic", at: Any = T, **more: Any) -> Incident:
    reasons = [{"rule": "flood", "severity": severity, "at": at.isoformat(), "reason": f"volume 30 is above 20 [{topic}]"}]
    row = Incident(
        incident_id=name, market="zefirella", title=f"Zefirella: {topic}", state="detected", severity=severity,
        **{"severity_proposed": severity, "onset_at": at, "detected_at": at + BASE + GRACE, "policy": policy_of(house.plan, house.market), "topic": topic, "reasons": reasons, **more},
    )  # fmt: skip
    signals = [
        Signal(
            market="zefirella", rule="flood", start=at + n * BASE, topic=topic, severity=severity, reason="r", kpi="volume", value=30, threshold=20,
            as_of=at + (n + 1) * BASE + GRACE, incident_id=name,
        )
        for n in range(3)
    ]  # fmt: skip
    house.store.upsert([row, *signals])
    return row


def test_merge_at_a_terminal(house: House, run: Any) -> None:
    opened(house, "aaaa-1", "S2")
    opened(house, "bbbb-2", "S3", "recall", T + 5 * HOUR)
    status, said = run("merge", "aaaa", "--into", "bbbb", "--by", "Anna", "--reason", "the recall is of the plastic")
    assert status == 0, said
    assert (
        "incident aaaa-1 is closed, and goes on as bbbb-2, S3 crisis, detected: onset 2026-03-25 12:00, detected 2026-03-25 12:07 UTC"
        in said
    )
    assert house.store.count(Signal, incident_id="bbbb-2") == 6
    listed = run("list")[1].splitlines()
    assert "merged into bbbb-2" in listed[0]
    assert (
        run("merge", "aaaa", "--into", "bbbb", "--by", "Anna", "--reason", "x")[1]
        .strip()
        .endswith("was merged into bbbb-2; take that one")
    )


def test_split_at_a_terminal(house: House, run: Any) -> None:
    opened(house, "aaaa-1")
    extra = house.store.read(Signal)[-1].model_copy(update={"topic": "hotline"})
    house.store.upsert([extra])
    status, said = run("split", "aaaa", "--by", "Anna", "--reason", "x")
    assert (status, "--rule, --topic or --since" in said) == (1, True)
    said = run("split", "aaaa", "--since", "2026-03-25T12:00", "--by", "A", "--reason", "x")[1]
    assert "since 2026-03-25 11:00 UTC holds 4 of its 4 signals" in said  # noon in Rome: its market's clocks
    said = run("split", "aaaa", "--since", "2026-10-25T02:30", "--by", "A", "--reason", "x")[1]
    assert "in Europe/Rome the clocks change at '2026-10-25T02:30'; say which it is, e.g. 2026-10-25T02:30:00+02:00" in said
    status, said = run("split", "aaaa", "--topic", "hotline", "--by", "Anna", "--reason", "another matter")
    assert status == 0, said
    assert "S2 paracrisis detected" in said
    assert house.store.count(Signal, incident_id="aaaa-1") == 3
    assert [d.kind for d in house.store.read(Decision)] == ["split"]


def test_show_tells_all_but_what_was_said(house: House, run: Any) -> None:
    house.say(T, text="Zefirella: something rude")
    opened(house, "aaaa-1", acknowledged_at=T + 12 * MINUTE)
    assert run("decide", "aaaa", "assess", "--by", "Anna", "--reason", "it is real")[0] == 0
    status, said = run("show", "aaaa")
    assert status == 0
    for part in (
        "aaaa-1  Zefirella: plastic", "state assessed, topic plastic", "severity S2 paracrisis, proposed S2 paracrisis",
        "2026-03-25 12:00 UTC  S2 paracrisis: volume 30 is above 20", "T0 onset: -7 min", "T2 acknowledged: 5 min",
        "T4 first public response: >= ", "signals: 3", "flood S2 about plastic: 3, 2026-03-25 12:00 to 2026-03-25 12:10 UTC",
        "assess by Anna: it is real [",
    ):  # fmt: skip
        assert part in said
    assert "rude" not in said


def test_an_unknown_incident(house: House, run: Any) -> None:
    opened(house, "aaaa-1")
    opened(house, "aaab-1", topic="recall", at=T + DAY)
    assert "no incident begins with 'zzz'; `coolhead incident list` shows them" in run("show", "zzz")[1]
    assert "2 incidents begin with 'aaa': aaaa-1, aaab-1; type more of it" in run("show", "aaa")[1]
    assert "aaaa-1  2026-03-25 12:07 UTC  S2 paracrisis" in run("list")[1]


MOULD, BLACK = "6c4ed0cf6936", "6c4f1111aaaa"


def of_topics(house: House) -> None:
    """One incident of two topics that the plan does not name; the first goes on the next day by another name."""
    known: dict[str, Any] = {
        "market": "zefirella", "first_at": T, "last_at": T, "mentions": 3, "authors": 3, "known_at": T,
    }  # fmt: skip
    house.store.upsert(
        [
            Topic(day=T.date(), topic=MOULD, terms=["pleśń", "okropne", "czarna"], **known),
            Topic(day=(T + DAY).date(), topic="0a0b0c0d0e0f", terms=["pleśń", "wstyd"], continues=MOULD, **known),
            Topic(day=T.date(), topic=BLACK, terms=["czarna", "butelka"], **known),
        ]
    )
    opened(house, "aaaa-1", topic=MOULD)
    other = house.store.read(Signal)[-1].model_copy(update={"topic": BLACK})
    house.store.upsert([other])


def test_a_topic_is_shown_by_its_terms(house: House, run: Any) -> None:
    of_topics(house)
    said = run("show", "aaaa")[1]
    assert "state detected, topic 6c4ed0 (pleśń, okropne, …)" in said
    assert "flood S2 about 6c4f11 (czarna, butelka): 1, " in said
    assert not any(MOULD in line for line in said.splitlines() if line.startswith(("state", "  flood")))


@pytest.mark.parametrize(
    "typed", [MOULD, "6c4e", "6C4ED0", "pleśń", "PLEŚŃ", "pleśni", "wstyd", "0a0b0c"]
)  # fmt: skip
def test_a_topic_is_typed_by_a_beginning_or_a_term(house: House, run: Any, typed: str) -> None:
    of_topics(house)
    status, said = run("split", "aaaa", "--topic", typed, "--by", "Anna", "--reason", "another matter")
    assert status == 0, said
    (new,) = house.store.read(Incident, split_from="aaaa-1")
    assert (new.topic, new.title) == (MOULD, f"Zefirella: {MOULD} [split: topic 6c4ed0 (pleśń, okropne, …)]")
    (decision,) = house.store.read(Decision)
    assert (decision.details["topic"], decision.details["called"]) == (MOULD, "6c4ed0 (pleśń, okropne, …)")


@pytest.mark.parametrize(
    ("typed", "wrong"), [("6c4", "'6c4' may be one of several"), ("czarna", "'czarna' may be one of several"), ("price", "no signal was about 'price'"), (" ", "no signal was about ''")]
)  # fmt: skip
def test_what_may_be_several_topics_or_is_none_names_the_choices(house: House, run: Any, typed: str, wrong: str) -> None:
    of_topics(house)
    status, said = run("split", "aaaa", "--topic", typed, "--by", "Anna", "--reason", "another matter")
    assert status == 1
    assert f"topic: {wrong}; choose of: 6c4ed0 (pleśń, okropne, …), 6c4f11 (czarna, butelka)" in said
    assert house.store.count(Decision) == 0


def test_what_has_not_happened_is_at_least_so_long(house: House) -> None:
    i = opened(house, "i", acknowledged_at=T + 16 * MINUTE, contained_at=T + 9 * HOUR)
    said = {c.name: str(c) for c in clocks(i, T + 3 * HOUR)}
    assert said == {
        "T0": "-7 min", "T1": "0 min", "T2": "9 min", "T3": ">= 2 h 53 min", "T4": ">= 2 h 53 min", "T5": ">= 2 h 53 min", "T6": ">= 2 h 53 min",
    }  # fmt: skip
    ended = i.model_copy(update={"closed_at": T + 10 * HOUR})
    assert {c.name: (str(c), c.happened) for c in clocks(ended, T + 30 * DAY)}["T4"] == (">= 9 h 53 min", False), (
        "its clocks stand still"
    )
    assert {c.name: str(c) for c in clocks(ended, T + 30 * DAY)}["T5"] == "8 h 53 min"


@pytest.mark.parametrize(
    ("span", "said"), [(timedelta(hours=2, minutes=5), "2 h 05 min"), (27 * HOUR, "1 d 3 h"), (-90 * MINUTE, "-1 h 30 min")]
)
def test_spans_in_words(span: timedelta, said: str) -> None:
    assert words(span) == said


def test_an_old_report_knows_the_severity_of_its_time(house: House, run: Any) -> None:
    """Nobody has assessed it, and since then the proposal fell, and it was merged."""
    opened(house, "aaaa-1", "S3", at=utc(2026, 3, 24, 12), severity_proposed="S1")
    opened(house, "bbbb-2", "S2", "recall")
    assert run("merge", "aaaa", "--into", "bbbb", "--by", "Anna", "--reason", "one cause")[0] == 0
    (row,) = house.store.read(Incident, incident_id="aaaa-1")
    then = as_known(house.store, row, T)
    assert (then.severity, then.state, then.closed_at, then.merged_into) == ("S3", "detected", None, None)
    day = Window(T - DAY, T + DAY)
    assert [x.incident_id for x in during(house.store, "zefirella", day, T)] == ["aaaa-1"]
    assert [x.incident_id for x in during(house.store, "zefirella", day, utc(2030, 1, 1))] == ["bbbb-2"]


def test_the_rules_that_are_treated_apart_exist() -> None:
    assert set(names("rules")) >= (ALONE | UNJUDGED | DEAF)
