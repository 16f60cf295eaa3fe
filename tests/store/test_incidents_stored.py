"""What is known of incidents, what is left out of what is usual, and merging and splitting by people, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coolhead import spoken
from coolhead.causes import SAME_CAUSE, attach
from coolhead.errors import ConfigError
from coolhead.escalation import due_runs, runs_after
from coolhead.incidents import broken_at, decide, left_out, report
from coolhead.known_causes import known
from coolhead.merging import Part, merge, split
from coolhead.plan import Plan
from coolhead.plan_rules import RuleEntry
from coolhead.recovery import contained_at
from coolhead.rows import ALL, CollectionLog, Decision, Incident, IncidentEvent, KpiPoint, Seen, Signal
from coolhead.rules import Finding
from coolhead.store import Store
from coolhead.windows import BASE, GRACE, Window

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
T = datetime(2026, 3, 25, 12, tzinfo=UTC)
PERSON = {
    "id": "anna",
    "name": "Anna",
    "roles": ["duty_lead", "crisis_lead", "spokesperson"],
    "addresses": {"email": "a@z.example"},
}
PLAN = Plan.model_validate({
    "brands": {"brands": [{"name": "Zefirella", "markets": [{
        "id": "zefirella", "time_zone": "Europe/Rome", "languages": ["it"], "terms": {"any_of": ["zefirella"]}, "sources": {"feed": {}},
        "known_episodes": [{"start": "2026-01-05", "end": "2026-01-06", "crisis": True}],
    }]}]},
    "rules": {"rules": [{"name": "flood", "rule": "threshold", "kpi": "volume", "above": 20, "severity": "S1"}]},
    "escalation": {"people": [PERSON], "steps": [{"notify": ["duty_lead"], "channels": ["email"]}]},
})  # fmt: skip
MARKET = PLAN.markets[0]


def fire(store: Store, at: datetime, severity: str = "S1", topic: str = ALL, rule: str = "flood") -> Incident:
    """What the judge does; a topic began half an hour before it."""
    entry = RuleEntry.model_construct(name=rule, rule="threshold", severity=severity)
    topics = [] if topic == ALL else [{"topic": topic, "terms": [topic], "name": None, "first": (at - 30 * MINUTE).isoformat()}]
    seen = Seen(market="zefirella", start=at, quality="ok", numbers={}, evidence={"topics": topics}, as_of=at + BASE + GRACE)
    with store.writing() as writer:
        writer.lock(Incident)
        before = known(store, "zefirella", Window(at, at + BASE), writer)
        done = attach(before, PLAN, MARKET, [(entry, Finding(at, "volume", 30, 20, "fired", topic))], [seen])
        writer.upsert([*done.incidents, *done.signals, *done.events])
    return stored(store, str(done.signals[0].incident_id))


def stored(store: Store, incident_id: str) -> Incident:
    (found,) = store.read(Incident, incident_id=incident_id)
    return found


@pytest.fixture
def two(store: Store) -> Iterator[tuple[Store, Incident, Incident]]:
    """Two incidents of two topics, the first one acknowledged."""
    first = fire(store, T, "S2", "plastic")
    decide(store, first.incident_id, "a", "acknowledge", "anna", T + 20 * MINUTE)
    second = fire(store, T + 5 * HOUR, "S3", "recall")
    assert first.incident_id != second.incident_id
    yield store, stored(store, first.incident_id), second


def test_what_is_known_is_what_may_still_be_joined(store: Store) -> None:
    old, new = fire(store, T - 30 * DAY), fire(store, T)
    report(store, PLAN, MARKET, "anna", T - HOUR, "A drill", drill=True)
    reported = report(store, PLAN, MARKET, "anna", T - 2 * HOUR, "A journalist called")
    found = known(store, "zefirella", Window(T + BASE, T + 2 * BASE))
    assert {i: (c.incident.severity, dict(c.spoke)) for i, c in found.items()} == {
        reported.incident_id: ("S2", {}), new.incident_id: ("S1", {"S1": T}),
    }  # fmt: skip
    assert old.incident_id not in known(store, "zefirella", Window(T - 29 * DAY + 4 * BASE, T - 28 * DAY))
    assert old.incident_id in known(store, "zefirella", Window(T - 30 * DAY + SAME_CAUSE, T - 28 * DAY))


def test_a_high_proposal_is_known_until_it_fell(store: Store) -> None:
    old = fire(store, T - 30 * DAY, "S3")
    assert known(store, "zefirella", Window(T, T + BASE))[old.incident_id].spoke == {"S3": T - 30 * DAY}
    fire(store, T)
    assert stored(store, old.incident_id).severity_proposed == "S1"
    assert old.incident_id not in known(store, "zefirella", Window(T, T + BASE))


def test_what_incidents_take_out_of_what_is_usual(store: Store) -> None:
    found = fire(store, T)
    fire(store, T + HOUR)
    episode = Window(datetime(2026, 1, 4, 23, tzinfo=UTC), datetime(2026, 1, 6, 23, tzinfo=UTC))
    assert left_out(store, MARKET, T) == [episode], "not known yet"
    assert left_out(store, MARKET, T + 10 * MINUTE) == [episode, Window(T, T + BASE + GRACE + 3 * HOUR)]
    store.upsert([found.model_copy(update={"contained_at": T + 9 * HOUR})])
    assert left_out(store, MARKET, T + 8 * HOUR) == [episode, Window(T, T + 4 * HOUR)]
    assert left_out(store, MARKET, T + DAY) == [episode, Window(T, T + 9 * HOUR)]


def test_what_was_over_before_baselines_begin_is_not_asked_for(store: Store) -> None:
    """However many years are stored; and one that goes on since then is."""
    before = T + 100 * DAY
    over, kept, late = fire(store, T), fire(store, T + 10 * DAY, topic="recall"), fire(store, T + 20 * DAY, topic="mould")
    store.upsert(s.model_copy(update={"start": T + 60 * DAY}) for s in store.read(Signal, incident_id=kept.incident_id))
    store.upsert([late.model_copy(update={"contained_at": T + 70 * DAY})])
    found = [row[0] for row in store.asked(spoken.stretches("zefirella", before))]
    assert found == [kept.onset_at, late.onset_at]
    assert next(row[0] for row in store.asked(spoken.stretches("zefirella", T + 58 * DAY))) == over.onset_at
    assert left_out(store, MARKET, before)[1:] == [
        Window(kept.onset_at, T + 60 * DAY + 3 * HOUR), Window(late.onset_at, T + 70 * DAY),
    ]  # fmt: skip


def test_merged_incidents_are_one_from_then_on(two: tuple[Store, Incident, Incident]) -> None:
    store, first, second = two
    at = T + 6 * HOUR
    decision = merge(store, first.incident_id, second.incident_id, "anna", at, "the recall is about the plastic")
    gone, kept = stored(store, first.incident_id), stored(store, second.incident_id)
    assert (gone.state, gone.merged_into, gone.closed_at) == ("closed", kept.incident_id, at)
    assert (kept.state, kept.severity, kept.topic) == ("detected", "S3", "recall")
    assert (kept.onset_at, kept.detected_at, kept.acknowledged_at) == (first.onset_at, first.detected_at, T + 20 * MINUTE)
    assert [x["severity"] for x in kept.reasons] == ["S2", "S3"]
    assert {s.incident_id for s in store.read(Signal)} == {kept.incident_id}
    assert (decision.kind, decision.incident_id, decision.details["into"]) == ("merge", gone.incident_id, kept.incident_id)
    assert broken_at(store.read(Decision)) is None
    (event,) = [e for e in store.read(IncidentEvent, incident_id=kept.incident_id) if e.kind.startswith("merged-")]
    assert (
        "earlier, and kept from it: onset 2026-03-25 11:30, detected 2026-03-25 12:07, acknowledged 2026-03-25 12:20 UTC"
        in event.detail
    )


def test_later_signals_of_both_flow_to_the_one_that_is_kept(two: tuple[Store, Incident, Incident]) -> None:
    store, first, second = two
    merge(store, first.incident_id, second.incident_id, "anna", T + 6 * HOUR, "one cause")
    assert {fire(store, T + 7 * HOUR + n * BASE, "S1", t).incident_id for n, t in enumerate(("plastic", "recall", ALL))} == {
        second.incident_id
    }
    assert stored(store, first.incident_id).state == "closed"


def test_nobody_is_asked_about_a_merged_incident_and_it_has_no_review(two: tuple[Store, Incident, Incident]) -> None:
    from coolhead.clock import Fixed

    store, first, second = two
    clock = Fixed(T + 6 * HOUR)
    assert {r["conf"]["incident"] for r in due_runs(store, clock)} == {first.incident_id, second.incident_id}
    merge(store, first.incident_id, second.incident_id, "anna", T + 6 * HOUR, "one cause")
    assert {r["conf"]["incident"] for r in due_runs(store, clock)} == {second.incident_id}
    assert runs_after(store, first.incident_id, clock) == []


def test_a_third_one_follows(two: tuple[Store, Incident, Incident]) -> None:
    store, first, second = two
    third = fire(store, T + 10 * HOUR, "S4", "lawsuit")
    merge(store, first.incident_id, second.incident_id, "anna", T + 11 * HOUR, "one cause")
    merge(store, second.incident_id, third.incident_id, "anna", T + 12 * HOUR, "one cause")
    assert stored(store, first.incident_id).merged_into == third.incident_id
    assert fire(store, T + 13 * HOUR, "S1", "plastic").incident_id == third.incident_id


def test_a_merge_that_cannot_be(two: tuple[Store, Incident, Incident]) -> None:
    store, first, second = two
    drill = report(store, PLAN, MARKET, "anna", T, "A drill", drill=True)
    before = (store.read(Incident), store.read(Decision))
    for gone, kept, by, said in (
        (first.incident_id, first.incident_id, "anna", "two different incidents"), (first.incident_id, drill.incident_id, "anna", "no drill"),
        ("nope", second.incident_id, "anna", "there is no incident nope"), (first.incident_id, second.incident_id, " ", "say who decides it"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=said):
            merge(store, gone, kept, by, T + HOUR, "why")
    assert (store.read(Incident), store.read(Decision)) == before
    merge(store, first.incident_id, second.incident_id, "anna", T + HOUR, "why")
    with pytest.raises(ConfigError, match=f"was merged into {second.incident_id[:8]}; take that one"):
        merge(store, second.incident_id, first.incident_id, "anna", T + HOUR, "why")
    decide(store, second.incident_id, "d", "dismiss", "anna", T + 2 * HOUR, "joke")
    with pytest.raises(ConfigError, match="is dismissed; reopen it first"):
        split(store, second.incident_id, Part(topic="recall"), "anna", T + 3 * HOUR, "why")


def test_containment_begins_anew_when_another_is_merged_in(two: tuple[Store, Incident, Incident]) -> None:
    """Its earlier detection is kept, and so would be the calm between the two."""
    store, first, second = two
    store.upsert([CollectionLog(source="feed", market="zefirella", start=T - DAY, end=T + DAY, ok=True, known_at=T - DAY)])
    point = {
        "market": "zefirella",
        "kpi": "volume_z",
        "grain": "5min",
        "source": ALL,
        "lang": ALL,
        "version": 1,
        "revision": "-",
    }
    store.upsert([KpiPoint(**point, start=T, value=0.5, n=12, parts={}, quality="ok", as_of=T)])  # type: ignore[arg-type]
    merge(store, first.incident_id, second.incident_id, "anna", T + 6 * HOUR, "one cause")
    kept = stored(store, second.incident_id)
    assert contained_at(store, MARKET, kept, T + 12 * HOUR - BASE) is None
    assert contained_at(store, MARKET, kept, T + DAY) == T + 12 * HOUR


def mixed(store: Store) -> Incident:
    """One incident of two causes: the second topic arose in the storm of the first."""
    fire(store, T, "S3", "plastic")
    fire(store, T + 2 * HOUR, "S1", "hotline", "cluster")
    return fire(store, T + 2 * HOUR + BASE, "S1", "plastic")


@pytest.mark.parametrize(
    "part", [Part(topic="hotline"), Part(rule="cluster"), Part(rule="cluster", since=T + HOUR)]
)  # fmt: skip
def test_a_part_becomes_an_incident_of_its_own(store: Store, part: Part) -> None:
    whole = mixed(store)
    new = split(store, whole.incident_id, part, "anna", T + 3 * HOUR, "the hotline is another matter")
    old, new = stored(store, whole.incident_id), stored(store, new.incident_id)
    assert (new.state, new.severity, new.severity_proposed, new.topic, new.split_from) == (
        "detected",
        "S1",
        "S1",
        "hotline",
        old.incident_id,
    )
    assert (new.onset_at, new.detected_at) == (T + 2 * HOUR, T + 2 * HOUR + BASE + GRACE)
    assert (old.severity, old.topic, [x["rule"] for x in old.reasons]) == ("S3", "plastic", ["flood", "flood"])
    assert [s.rule for s in store.read(Signal, incident_id=new.incident_id)] == ["cluster"]
    (decision,) = store.read(Decision)
    assert (decision.kind, decision.incident_id, decision.details["into"]) == ("split", old.incident_id, new.incident_id)
    assert fire(store, T + 4 * HOUR, "S1", "hotline").incident_id == new.incident_id
    assert fire(store, T + 4 * HOUR, "S1", "plastic").incident_id == old.incident_id


def test_a_split_needs_some_and_not_all(store: Store) -> None:
    whole = mixed(store)
    for part in (Part(topic="nothing"), Part(since=T - DAY)):
        with pytest.raises(
            ConfigError, match="a split needs some and not all; it has the rules cluster, flood and the topics hotline, plastic"
        ):
            split(store, whole.incident_id, part, "anna", T + 3 * HOUR, "why")
    assert store.read(Decision) == []


def test_what_a_person_reported_stays_though_all_signals_go(store: Store) -> None:
    reported = report(store, PLAN, MARKET, "anna", T, "A journalist called")
    assert fire(store, T + 10 * MINUTE, "S3", "plastic").incident_id == reported.incident_id
    new = split(store, reported.incident_id, Part(topic="plastic"), "anna", T + HOUR, "another matter")
    old = stored(store, reported.incident_id)
    assert ([x["rule"] for x in old.reasons], old.severity_proposed, old.topic) == (["reported by a person"], "S2", None)
    assert [x["rule"] for x in new.reasons] == ["flood"]


def test_a_split_after_a_reopening_leaves_some_signals(store: Store) -> None:
    """That it goes on is a person's word on these signals, and no report of its own; it stands for what is left."""
    whole = mixed(store)
    decide(store, whole.incident_id, "d", "dismiss", "anna", T + 3 * HOUR, "joke")
    decide(store, whole.incident_id, "r", "reopen", "anna", T + 4 * HOUR, "no joke")
    with pytest.raises(ConfigError, match="a split needs some and not all"):
        split(store, whole.incident_id, Part(since=T - DAY), "anna", T + 5 * HOUR, "why")
    split(store, whole.incident_id, Part(topic="hotline"), "anna", T + 5 * HOUR, "another matter")
    left = stored(store, whole.incident_id)
    assert store.count(Signal, incident_id=whole.incident_id) == 2
    assert "reopened by a person" in [x["rule"] for x in left.reasons]


def test_a_split_part_that_is_old_is_asked_about(store: Store) -> None:
    from coolhead.clock import Fixed

    whole = mixed(store)
    decide(store, whole.incident_id, "a", "acknowledge", "anna", T + 3 * HOUR)
    new = split(store, whole.incident_id, Part(topic="hotline"), "anna", T + 3 * DAY, "another matter")
    asked: list[Any] = [r["conf"] for r in due_runs(store, Fixed(T + 3 * DAY + MINUTE))]
    assert (new.incident_id, "acknowledge") in {(c["incident"], c["kind"]) for c in asked}


def test_an_old_incident_that_is_reopened_is_asked_about(store: Store) -> None:
    from coolhead.clock import Fixed

    found = fire(store, T - 30 * DAY)
    assert due_runs(store, Fixed(T)) == []
    decide(store, found.incident_id, "d", "dismiss", "anna", T, "joke")
    decide(store, found.incident_id, "r", "reopen", "anna", T + HOUR, "no joke")
    (run,) = due_runs(store, Fixed(T + HOUR))
    assert run["conf"] == {"incident": found.incident_id, "kind": "acknowledge", "level": 0, "repetition": 0}
