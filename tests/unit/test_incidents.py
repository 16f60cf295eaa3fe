"""Incidents: what opens and joins them, what people may decide and when, and what only time brings."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
from building import DAY, HOUR, MINUTE, READ, House, a_plan, utc, windows

from coolhead import incidents
from coolhead.causes import SAME_CAUSE, SMOULDERS, Known, attach
from coolhead.errors import ConfigError
from coolhead.incidents import TRANSITIONS, broken_at, decide, left_out, report
from coolhead.known_causes import known
from coolhead.plan_rules import RuleEntry
from coolhead.recovery import contained_at, progress, recovered_at
from coolhead.rows import ALL, Decision, Incident, IncidentEvent, KpiPoint, Seen, Severity, Signal, State
from coolhead.rules import Finding
from coolhead.windows import BASE, GRACE, Window, local_day

T = utc(2026, 3, 25, 12)
STATES: tuple[State, ...] = get_args(State)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as made:
        yield made


def an_incident(
    house: House, state: State = "detected", at: datetime = T, severity: Severity = "S2", name: str = "i", **more: Any
) -> Incident:
    row = Incident(
        incident_id=name, market="zefirella", title="Zefirella: flood", state=state, severity=severity, severity_proposed=severity,
        **{"onset_at": at, "detected_at": at, "reasons": [], "policy": incidents.policy_of(house.plan, house.market), **more},
    )  # fmt: skip
    house.store.upsert([row])
    return row


def listen(house: House, start: datetime, end: datetime, **more: Any) -> None:
    """A stretch that was polled; the log knows it from its beginning, for these tests look at no poll's lateness."""
    house.listen(start, end, known_at=start, **more)


def stored(house: House, name: str = "i") -> Incident:
    (found,) = house.store.read(Incident, incident_id=name)
    return found


def entry(name: str = "flood", severity: str = "S1") -> RuleEntry:
    return RuleEntry.model_validate({"name": name, "rule": "threshold", "severity": severity, "kpi": "volume", "above": 1})


def seen(at: datetime) -> Seen:
    return Seen(market="zefirella", start=at, quality="ok", numbers={}, evidence={}, as_of=at + BASE + GRACE)


def look(house: House, at: datetime, *findings: tuple[RuleEntry, Finding]) -> list[Incident]:
    """What the judge does with what the rules found in one window."""
    with house.store.writing() as writer:
        writer.lock(Incident)
        before = known(house.store, "zefirella", Window(at, at + BASE), writer)
        done = attach(before, house.plan, house.market, findings, [seen(at)])
        writer.upsert([*done.incidents, *done.signals, *done.events])
    return done.incidents


def fire(house: House, at: datetime, *rules: RuleEntry, topic: str = ALL) -> list[Incident]:
    """Rules fire in one window."""
    return look(house, at, *((r, Finding(at, "volume", 30, 20, f"{r.name} fired", topic)) for r in rules or (entry(),)))


# The state machine.


@pytest.mark.parametrize("kind", sorted(TRANSITIONS))
@pytest.mark.parametrize("state", STATES)
def test_transitions(house: House, kind: str, state: State) -> None:
    an_incident(house, state)
    allowed, to = TRANSITIONS[kind]
    if state in allowed:
        decision = decide(house.store, "i", "step", kind, "anna", T + HOUR, "a reason")
        assert (decision.kind, decision.by, decision.at) == (kind, "anna", T + HOUR)
        assert stored(house).state == to
    else:
        with pytest.raises(ConfigError, match=f"is {state}: '{kind}' needs it to be {allowed[0]}"):
            decide(house.store, "i", "step", kind, "anna", T + HOUR, "a reason")
        assert stored(house).state == state
        assert not house.store.read(Decision)


def test_every_state_can_be_left_and_reached() -> None:
    assert {s for allowed, _ in TRANSITIONS.values() for s in allowed} == set(STATES)
    assert {to for _, to in TRANSITIONS.values()} == set(STATES)


@pytest.mark.parametrize(
    ("state", "kind", "field"),
    [
        ("detected", "acknowledge", "acknowledged_at"), ("acknowledged", "assess", "assessed_at"), ("recovered", "close", "closed_at"),
        ("detected", "dismiss", "closed_at"), ("responding", "contain", "contained_at"), ("contained", "recover", "recovered_at"),
    ],
)  # fmt: skip
def test_clocks(house: House, state: State, kind: str, field: str) -> None:
    before = an_incident(house, state)
    decide(house.store, "i", "step", kind, "anna", T + 7 * MINUTE, "a reason")
    changed = {k for k, v in stored(house).model_dump().items() if v != before.model_dump()[k]}
    assert changed == {"state", field}
    assert getattr(stored(house), field) == T + 7 * MINUTE


def test_reopening_forgets_the_end_only(house: House) -> None:
    an_incident(house, "closed", acknowledged_at=T, contained_at=T, recovered_at=T, closed_at=T + HOUR, merged_into="j")
    decide(house.store, "i", "again", "reopen", "anna", T + 2 * HOUR)
    after = stored(house)
    assert (after.contained_at, after.recovered_at, after.closed_at, after.merged_into) == (None, None, None, None)
    assert (after.acknowledged_at, after.detected_at) == (T, T)


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_a_dismissal_needs_a_reason(house: House, reason: str) -> None:
    an_incident(house)
    with pytest.raises(ConfigError, match=r"needs a reason; one of joke, campaign"):
        decide(house.store, "i", "s", "dismiss", "anna", T, reason)
    assert stored(house).state == "detected"


def test_a_step_is_decided_once(house: House) -> None:
    """Clicked twice, or a task that is run again: the first answer stands, whoever gave it."""
    an_incident(house)
    first = decide(house.store, "i", "i.acknowledge.0", "acknowledge", "anna", T + MINUTE)
    again = decide(house.store, "i", "i.acknowledge.0", "dismiss", "bruno", T + HOUR, "joke")
    assert again == first
    assert stored(house).acknowledged_at == T + MINUTE
    assert len(house.store.read(Decision)) == 1


def test_the_same_step_name_of_two_incidents_are_two(house: House) -> None:
    an_incident(house)
    an_incident(house, name="j")
    for name in "ij":
        decide(house.store, name, "step", "acknowledge", "anna", T)
    assert [d.seq for d in house.store.read(Decision)] == [1, 2]


def test_no_incident_no_decision(house: House) -> None:
    with pytest.raises(ConfigError, match="there is no incident nope"):
        decide(house.store, "nope", "s", "acknowledge", "anna", T)


def test_an_assessment_is_the_persons(house: House) -> None:
    an_incident(house, "acknowledged", severity="S3")
    given = {"severity": "S1", "cause": "rumour", "commander": "anna", "reason": "x"}
    decide(house.store, "i", "s", "assess", "anna", T, details=given)
    found = stored(house)
    assert (found.severity, found.severity_proposed, found.cause, found.commander) == ("S1", "S3", "rumour", "anna")


# The chain of decisions.


def chain(house: House) -> list[Decision]:
    an_incident(house)
    for n, kind in enumerate(("acknowledge", "assess", "respond", "close")):
        decide(
            house.store,
            "i",
            f"s{n}",
            kind,
            "anna",
            T + n * MINUTE,
            "because",
            details={"note": "ł", "n": n},
            shown="what was shown",
        )
    return house.store.read(Decision)


def test_the_chain_verifies(house: House) -> None:
    found = chain(house)
    assert broken_at([]) is None
    assert broken_at(found) is None
    assert [d.seq for d in found] == [1, 2, 3, 4]
    assert found[0].previous == "0" * 64
    assert all(b.previous == a.hash for a, b in pairwise(found))


@pytest.mark.parametrize("column", list(Decision.model_fields))
@pytest.mark.parametrize("row", [0, 2, 3])
def test_any_change_of_any_column_is_found(house: House, column: str, row: int) -> None:
    found = chain(house)
    old = getattr(found[row], column)
    new: Any = {int: lambda: old + 1, datetime: lambda: old + timedelta(microseconds=1), dict: lambda: {**old, "n": 9}}.get(
        type(old), lambda: f"{old}."
    )()
    changed = [d.model_copy(update={column: new}) if i == row else d for i, d in enumerate(found)]
    assert broken_at(changed) == row + 1


@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_missing_row_is_found(house: House, row: int) -> None:
    found = chain(house)
    assert broken_at(found[:row] + found[row + 1 :]) == row + 1
    assert broken_at([*found[:row], found[row + 1], found[row], *found[row + 2 :]]) == row + 1


def test_the_chain_verifies_whatever_zone_the_answer_came_in(house: House) -> None:
    an_incident(house)
    at = datetime(2026, 3, 25, 13, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))
    decide(
        house.store, "i", "s", "acknowledge", "anna", at, details={"due": None, "list": [1, 2.5], "deep": {"b": 1, "a": "ż"}}
    )
    assert broken_at(house.store.read(Decision)) is None
    assert house.store.read(Decision)[0].at == at


# Reports by people.


def test_the_same_report_twice_is_one_incident(house: House) -> None:
    first = report(house.store, house.plan, house.market, "anna", T, "A journalist called", link="https://x.example")
    again = report(house.store, house.plan, house.market, "anna", T + HOUR, "A journalist called", link="https://x.example")
    assert again == first
    assert len(house.store.read(Decision, kind="open")) == 1
    other = report(house.store, house.plan, house.market, "anna", T, "A leak", link="https://x.example")
    assert other.incident_id != first.incident_id
    assert broken_at(house.store.read(Decision)) is None


def test_a_report_needs_a_reason(house: House) -> None:
    with pytest.raises(ConfigError, match="say in a sentence"):
        report(house.store, house.plan, house.market, "anna", T, " ")


def test_a_drill_is_its_own_and_says_so(house: House) -> None:
    drill = report(house.store, house.plan, house.market, "anna", T, "Spoilt", drill=True)
    assert drill.drill and drill.title.startswith("[DRILL] ")
    assert report(house.store, house.plan, house.market, "anna", T, "Spoilt").incident_id != drill.incident_id
    assert report(house.store, house.plan, house.market, "anna", T + DAY, "Spoilt", drill=True).incident_id != drill.incident_id


# Signals open and join incidents (test_causes.py), and the store keeps what is known of them.


def test_a_signal_opens_and_the_next_ones_join(house: House) -> None:
    (first,) = fire(house, T)
    fire(house, T + BASE, entry("surge", "S3"))
    assert stored(house, first.incident_id).severity == "S3"
    fire(house, T + BASE + SAME_CAUSE)
    assert {s.incident_id for s in house.store.read(Signal)} == {first.incident_id}
    assert [e.kind for e in house.store.read(IncidentEvent)] == ["severity-S3", "severity-S1"]
    fire(house, T + 3 * BASE + 2 * SAME_CAUSE)
    assert len(house.store.read(Incident)) == 2


def test_an_assessment_is_never_overwritten(house: House) -> None:
    (found,) = fire(house, T)
    decide(house.store, found.incident_id, "a", "assess", "anna", T, details={"severity": "S1"})
    fire(house, T + BASE, entry("surge", "S3"))
    assert (stored(house, found.incident_id).severity, stored(house, found.incident_id).severity_proposed) == ("S1", "S3")


def test_a_dismissed_cause_stays_dismissed(house: House) -> None:
    (found,) = fire(house, T, entry("surge", "S2"))
    decide(house.store, found.incident_id, "d", "dismiss", "anna", T + MINUTE, "joke")
    fire(house, T + BASE)
    fire(house, T + BASE + SMOULDERS, entry("surge", "S2"))
    assert [i.state for i in house.store.read(Incident)] == ["dismissed"]
    (worse,) = fire(house, T + 2 * BASE + SMOULDERS, entry("worse", "S3"))
    assert worse.incident_id != found.incident_id


@pytest.mark.parametrize("later", [HOUR, 10 * HOUR, 5 * DAY])
def test_signals_join_again_what_a_person_reopened_and_raise_it(house: House, later: timedelta) -> None:
    (found,) = fire(house, T)
    decide(house.store, found.incident_id, "d", "dismiss", "anna", T + MINUTE, "joke")
    decide(house.store, found.incident_id, "r", "reopen", "bruno", T + later, "no joke at all")
    fire(house, T + later + 9 * HOUR, entry("surge", "S3"))
    (again,) = house.store.read(Incident)
    assert (again.state, again.severity, again.closed_at, again.detected_at) == ("detected", "S3", None, T + BASE + GRACE)
    assert [x["rule"] for x in again.reasons] == ["flood", "reopened by a person", "surge"]


def test_reopened_twice_is_one_reason(house: House) -> None:
    an_incident(house, "closed")
    for n in range(2):
        decide(house.store, "i", f"r{n}", "reopen", "anna", T + n * HOUR)
        decide(house.store, "i", f"d{n}", "dismiss", "anna", T + n * HOUR, "joke")
    (reason,) = stored(house).reasons
    assert reason["at"] == (T + HOUR).isoformat()


@pytest.mark.parametrize("quiet", [timedelta(hours=7), timedelta(days=9)])
def test_a_proposal_falls_however_long_nothing_was_seen(house: House, quiet: timedelta) -> None:
    (found,) = fire(house, T, entry("surge", "S3"))
    look(house, T + quiet)
    assert (stored(house, found.incident_id).severity_proposed, stored(house, found.incident_id).severity) == ("S1", "S3")
    assert [(e.kind, e.at) for e in house.store.read(IncidentEvent)] == [("severity-S1", T + quiet + BASE + GRACE)]


def test_what_is_known_is_the_same_from_the_store_as_in_memory(house: House) -> None:
    """Live reads it for every window; a replay keeps it."""
    starts = [T + n * 55 * MINUTE // 5 * 5 + (n > 20) * 30 * HOUR for n in range(60)]
    rules = [entry("a", "S1"), entry("b", "S2"), entry("c", "S3")]
    memory: Known = {}
    for n, start in enumerate(starts):
        fired = [rules[n % 3]] if n % 7 < 3 and n < 40 else []
        findings = [(r, Finding(start, "volume", 30, 20, "fired", "x" if n % 2 else ALL)) for r in fired]
        done = attach(memory, house.plan, house.market, findings, [seen(start)])
        live = attach(
            known(house.store, "zefirella", Window(start, start + BASE)), house.plan, house.market, findings, [seen(start)]
        )
        assert (live.signals, live.incidents, live.events) == (done.signals, done.incidents, done.events)
        house.store.upsert([*live.incidents, *live.signals, *live.events])
        memory = done.known
    assert len(house.store.read(Incident)) == 2
    assert len(house.store.read(IncidentEvent)) > 2


def test_drills_take_no_signals(house: House) -> None:
    drill = report(house.store, house.plan, house.market, "anna", T, "Spoilt", drill=True)
    (real,) = fire(house, T)
    assert real.incident_id != drill.incident_id
    assert left_out(house.store, house.market, T + DAY)[0].start == real.onset_at


def test_what_an_incident_takes_out_of_the_baseline(house: House) -> None:
    (found,) = fire(house, T)
    fire(house, T + HOUR)
    assert left_out(house.store, house.market, T) == [], "not known yet"
    assert left_out(house.store, house.market, T + 10 * MINUTE) == [Window(T, T + BASE + GRACE + 3 * HOUR)]
    assert left_out(house.store, house.market, T + DAY) == [Window(T, T + 4 * HOUR)]
    house.store.upsert([found.model_copy(update={"contained_at": T + 9 * HOUR})])
    assert left_out(house.store, house.market, T + DAY) == [Window(T, T + 9 * HOUR)]


# Contained: z below 2 for six hours, four of them between 07 and 23 local; blind hours stop the clock.


def contained(house: House, at: datetime, through: datetime) -> datetime | None:
    return contained_at(house.store, house.market, an_incident(house, "assessed", at), through)


def test_contained_after_six_calm_hours(house: House) -> None:
    listen(house, T - DAY, T + DAY)
    house.z_line(T - HOUR, T + HOUR, 5.0)
    house.z_line(T + HOUR, T + 9 * HOUR, 1.0)
    assert contained(house, T, T + 7 * HOUR - BASE) is None
    assert contained(house, T, T + 9 * HOUR) == T + 7 * HOUR


def speaks(house: House, *posts: tuple[datetime, str], top: bool = True) -> None:
    """Large authors against the brand, each seen for an hour."""
    for start in {at + i * BASE for at, _ in posts for i in range(12)}:
        found = [{"source": "mastodon", "native_id": n, "top": top} for at, n in posts if at <= start < at + HOUR]
        house.store.upsert([seen(start).model_copy(update={"evidence": {"multipliers": found}})])


def test_a_new_multiplier_starts_the_clock_anew_and_an_old_one_does_not(house: House) -> None:
    listen(house, T - DAY, T + DAY)
    house.z_line(T - HOUR, T + DAY, 1.0)
    speaks(house, (T - 30 * MINUTE, "old"), (T + 2 * HOUR, "new"))
    assert contained(house, T, T + 20 * HOUR) == T + 8 * HOUR + BASE


def test_a_large_author_below_the_top_starts_nothing(house: House) -> None:
    listen(house, T - DAY, T + DAY)
    house.z_line(T - HOUR, T + DAY, 1.0)
    speaks(house, (T + 2 * HOUR, "middling"), top=False)
    assert contained(house, T, T + 20 * HOUR) == T + 6 * HOUR


def test_a_reopened_incident_is_contained_anew(house: House) -> None:
    listen(house, T - DAY, T + DAY)
    house.z_line(T - HOUR, T + DAY, 1.0)
    an_incident(house, "closed", contained_at=T + 6 * HOUR, closed_at=T + 7 * HOUR)
    decide(house.store, "i", "r", "reopen", "anna", T + 8 * HOUR, "it goes on")
    decide(house.store, "i", "a", "acknowledge", "anna", T + 8 * HOUR)
    assert progress(house.store, house.market, T + 13 * HOUR) == []
    progress(house.store, house.market, T + DAY)
    assert stored(house).contained_at == utc(2026, 3, 26, 8), "two hours before 23 in Rome, and two from 07 on"


def test_one_loud_window_starts_the_clock_anew(house: House) -> None:
    listen(house, T - DAY, T + DAY)
    house.z_line(T, T + 11 * HOUR, 1.9)
    house.z_line(T + 3 * HOUR, T + 3 * HOUR + BASE, 2.0)
    assert contained(house, T, T + 11 * HOUR) == T + 9 * HOUR + BASE


def test_silence_is_calm_where_the_sources_saw(house: House) -> None:
    listen(house, T - DAY, T + DAY)
    house.z_line(T - HOUR, T, 5.0)
    assert contained(house, T, T + 7 * HOUR) == T + 6 * HOUR


def test_nights_alone_contain_nothing(house: House) -> None:
    """From 21:00 UTC (22:00 in Rome): one hour by day, eight by night, then three more by day from 07:00."""
    begin = utc(2026, 3, 25, 21)
    listen(house, begin - DAY, begin + DAY)
    house.z_line(begin, begin + 20 * HOUR, 0.5)
    assert contained(house, begin, begin + 20 * HOUR) == utc(2026, 3, 26, 9)


def test_daytime_moves_with_summer_time(house: House) -> None:
    """The night to 29 March 2026 has 23 hours: 07:00 in Rome is 05:00 UTC, an hour sooner than the day before."""
    begin = utc(2026, 3, 28, 21)
    listen(house, begin - DAY, begin + DAY)
    house.z_line(begin, begin + 20 * HOUR, 0.5)
    assert contained(house, begin, begin + 20 * HOUR) == utc(2026, 3, 29, 8)


def test_blind_hours_stop_the_clock(house: House) -> None:
    """Both sources were blind from 14 to 17, each over a stretch of its own: two hours of it were blind altogether."""
    house.z_line(T - HOUR, T, 5.0)
    for source, gap, end in (
        ("mastodon", T + 2 * HOUR, T + 4 * HOUR + 30 * MINUTE),
        ("feed", T + 2 * HOUR + 30 * MINUTE, T + 5 * HOUR),
    ):
        listen(house, T - DAY, gap, sources=[source])
        listen(house, gap, end, ok=False, sources=[source], error="503")
        listen(house, end, T + DAY, sources=[source])
    assert contained(house, T, T + 20 * HOUR) == T + 8 * HOUR


def mastodon_dies(house: House, alive: str = "feed") -> None:
    """After an hour, for three; the other source is polled all the time and brings nothing."""
    house.z_line(T - HOUR, T, 5.0)
    listen(house, T - DAY, T + DAY, sources=[alive])
    listen(house, T - DAY, T + HOUR, sources=["mastodon"])
    listen(house, T + HOUR, T + 4 * HOUR, ok=False, sources=["mastodon"], error="503")
    listen(house, T + 4 * HOUR, T + DAY, sources=["mastodon"])


def test_a_source_that_carried_nothing_of_it_may_be_blind(house: House) -> None:
    house.say(T - 2 * HOUR)  # before it all
    house.measure(T)
    mastodon_dies(house)
    assert contained(house, T, T + 20 * HOUR) == T + 6 * HOUR


def test_the_clock_stops_while_a_source_that_carried_it_is_blind(house: House) -> None:
    house.say(T)
    house.measure(T + HOUR)
    mastodon_dies(house)
    assert contained(house, T, T + 20 * HOUR) == T + 9 * HOUR


def test_an_idle_folder_of_exports_does_not_see(house: House) -> None:
    """Nothing was heard on the only network, and it is dead; the folder is polled, and empty."""
    mastodon_dies(house, alive="files")
    assert contained(house, T, T + 20 * HOUR) == T + 9 * HOUR


def test_nothing_is_contained_while_the_baseline_is_cold(house: House) -> None:
    listen(house, T - DAY, T + DAY)
    house.z_line(T - HOUR, T + 10 * HOUR, None)
    assert contained(house, T, T + 10 * HOUR) is None


# Recovered: three local days in a row of usual volume and usual negative share.


def days(house: House, first: datetime, table: list[tuple[int, int]]) -> None:
    """(mentions, negatives) of each local day from `first` on."""
    for number, (volume, negative) in enumerate(table):
        start = local_day(first.date() + timedelta(days=number), "Europe/Rome").start
        common = {
            "market": "zefirella",
            "grain": "day",
            "start": start,
            "source": ALL,
            "lang": ALL,
            "version": 1,
            "quality": "ok",
            "as_of": start,
        }
        parts = {"n": volume, "negative": negative, "positive": 0}
        house.store.upsert(
            [
                KpiPoint(**common, kpi="volume", revision="-", value=volume, n=volume, parts={"n": volume}),  # type: ignore[arg-type]
                KpiPoint(**common, kpi="negative_share", revision=READ, value=negative / volume, n=volume, parts=parts),  # type: ignore[arg-type]
            ]
        )


CALM = [(100, 10)] * 20
BEGIN = utc(2026, 3, 5, 12)
ONSET = BEGIN + 20 * DAY


def recovered(house: House, then: list[tuple[int, int]], through: int, **more: Any) -> datetime | None:
    """After twenty calm days, the days from the onset's on."""
    days(house, BEGIN, [*CALM, *then])
    incident = an_incident(house, "contained", ONSET, contained_at=ONSET + 8 * HOUR, **more)
    return recovered_at(house.store, house.market, incident, ONSET + through * DAY)


def end_of(day: int) -> datetime:
    return local_day(ONSET.date() + timedelta(days=day), "Europe/Rome").end


def test_recovered_after_three_calm_days(house: House) -> None:
    listen(house, BEGIN, ONSET + 9 * DAY)
    then = [(900, 800), (105, 12), (95, 8), (100, 10), (100, 10)]
    assert recovered(house, then, 3) is None
    assert recovered(house, then, 5) == end_of(3)


def test_a_loud_or_angry_day_starts_the_count_anew(house: House) -> None:
    listen(house, BEGIN, ONSET + 9 * DAY)
    assert recovered(house, [(100, 10), (100, 10), (300, 30), (100, 10), (100, 10), (100, 10)], 7) == end_of(5)
    assert recovered(house, [(100, 10), (100, 60), (100, 10), (100, 10), (100, 10), (100, 10)], 7) == end_of(4)


def test_a_better_day_than_usual_is_calm(house: House) -> None:
    listen(house, BEGIN, ONSET + 9 * DAY)
    assert recovered(house, [(100, 0)] * 4, 7) == end_of(2)


def test_a_blind_day_neither_counts_nor_breaks(house: House) -> None:
    for number in range(30):
        day = local_day(BEGIN.date() + timedelta(days=number), "Europe/Rome")
        listen(house, day.start, day.end, ok=number != 22)
    assert recovered(house, [(900, 800), (100, 10), (100, 10), (100, 10), (100, 10)], 7) == end_of(4)


def test_a_day_that_was_hardly_read_neither_counts_nor_breaks(house: House) -> None:
    listen(house, BEGIN, ONSET + 9 * DAY)
    then = [(900, 800), (100, 10), (100, 10), (100, 10), (100, 10)]
    days(house, BEGIN, [*CALM, *then])
    ((point),) = house.points("day", kpi="negative_share", start=local_day(ONSET.date() + 2 * DAY, "Europe/Rome").start)
    house.store.upsert([point.model_copy(update={"n": 50, "parts": {"n": 50, "negative": 50, "positive": 0}})])
    incident = an_incident(house, "contained", ONSET, contained_at=ONSET + 8 * HOUR)
    assert recovered_at(house.store, house.market, incident, ONSET + 7 * DAY) == end_of(4)


def test_days_of_23_hours_count_as_days(house: House) -> None:
    """The onset's day is 25 March: 29 March has 23 hours."""
    listen(house, BEGIN, ONSET + 9 * DAY)
    loud = [(900, 800)] * 3
    assert recovered(house, [*loud, (100, 10), (100, 10), (100, 10)], 9) == end_of(5) == utc(2026, 3, 30, 22)


def test_nothing_recovers_against_a_cold_baseline(house: House) -> None:
    listen(house, BEGIN, ONSET + 9 * DAY)
    days(house, BEGIN + 10 * DAY, [(100, 10)] * 19)
    incident = an_incident(house, "contained", ONSET, contained_at=ONSET + 8 * HOUR)
    assert recovered_at(house.store, house.market, incident, ONSET + 9 * DAY) is None


# Progress.


def test_progress_notes_facts_once(house: House) -> None:
    listen(house, T - DAY, T + DAY)
    house.z_line(T, T + 10 * HOUR, 1.0)
    an_incident(house, "acknowledged")
    (changed,) = progress(house.store, house.market, T + 10 * HOUR)
    assert (changed.state, changed.contained_at) == ("contained", T + 6 * HOUR)
    assert [(e.kind, e.at) for e in house.store.read(IncidentEvent)] == [("contained", T + 6 * HOUR)]
    assert progress(house.store, house.market, T + 10 * HOUR) == []


@pytest.mark.parametrize("state", ["detected", "closed", "dismissed"])
def test_time_moves_nothing_that_is_ended_or_not_taken(house: House, state: State) -> None:
    listen(house, T - DAY, T + DAY)
    house.z_line(T, T + 10 * HOUR, 1.0)
    an_incident(house, state)
    assert progress(house.store, house.market, T + 10 * HOUR) == []
    assert stored(house).state == state


def test_a_persons_decision_is_not_overwritten_by_progress(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody assesses while containment is being computed."""
    listen(house, T - DAY, T + DAY)
    house.z_line(T, T + 10 * HOUR, 1.0)
    an_incident(house, "acknowledged")

    def slow(*args: Any) -> datetime | None:
        decide(house.store, "i", "s", "assess", "anna", T + 10 * HOUR, details={"severity": "S3"})
        return contained_at(*args)

    monkeypatch.setattr("coolhead.recovery.contained_at", slow)
    progress(house.store, house.market, T + 10 * HOUR)
    assert (stored(house).state, stored(house).severity, stored(house).assessed_at) == ("assessed", "S3", T + 10 * HOUR)


def test_the_first_response_is_the_first_own_post_after_the_approval(house: House) -> None:
    house.say(T + 5 * MINUTE, own=True)
    an_incident(house, "assessed")
    assert progress(house.store, house.market, T + HOUR) == []
    decide(house.store, "i", "s", "respond", "anna", T + 10 * MINUTE)
    assert progress(house.store, house.market, T + HOUR) == []
    house.say(T + 20 * MINUTE, own=True)
    house.say(T + 15 * MINUTE)
    (changed,) = progress(house.store, house.market, T + HOUR)
    assert changed.responded_at == T + 20 * MINUTE


def test_windows_of_a_stretch() -> None:
    assert windows(T, T + 15 * MINUTE) == [T, T + BASE, T + 2 * BASE]
    assert a_plan().markets[0].time_zone == "Europe/Rome"
