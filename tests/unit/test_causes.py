"""Signals to incidents: one cause, one incident; what severity is proposed, and when it falls; any chunking gives the same."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from building import DAY, HOUR, MINUTE, a_plan, many, utc
from hypothesis import given
from hypothesis import strategies as st

from coolhead.causes import AT_MOST, SAME_CAUSE, SMOULDERS, Attached, Cause, Known, attach
from coolhead.incidents import policy_of
from coolhead.plan_rules import RuleEntry
from coolhead.rows import ALL, Incident, IncidentEvent, Seen, Severity, Signal, State
from coolhead.rules import Finding
from coolhead.severities import FALLS
from coolhead.windows import BASE, GRACE

T = utc(2026, 3, 25, 12)
PLAN = a_plan()
MARKET = PLAN.markets[0]


def entry(name: str = "flood", severity: str = "S1", rule: str = "threshold") -> RuleEntry:
    return RuleEntry.model_construct(name=name, rule=rule, severity=severity)


def found(
    at: datetime, name: str = "flood", severity: str = "S1", topic: str = ALL, kpi: str = "volume", rule: str = "threshold"
) -> tuple[RuleEntry, Finding]:
    return entry(name, severity, rule), Finding(at, kpi, 30, 20, f"{name} fired", topic)


def topic(about: str, first: datetime, negative: int = 10, **more: Any) -> dict[str, Any]:
    said = {"topic": about, "terms": [about, "gelato"], "name": None, "first": first.isoformat()}
    return {**said, "negative": negative, "authors": negative, **more}


def saw(
    at: datetime, *topics: dict[str, Any], quality: str = "ok", authors: int | None = 12, onset: datetime | None = None
) -> Seen:
    numbers = {} if authors is None else {"unique_authors": [float(authors), 20.0, None, None, None]}
    evidence: dict[str, Any] = {"topics": list(topics)} | ({"onset": onset.isoformat()} if onset else {})
    return Seen(
        market=MARKET.id, start=at, quality=quality, numbers=numbers, evidence=evidence, as_of=at + BASE + GRACE  # type: ignore[arg-type]
    )  # fmt: skip


def an_incident(
    state: State = "detected", severity: Severity = "S2", name: str = "i", at: datetime = T, **more: Any
) -> Incident:
    return Incident(
        incident_id=name, market=MARKET.id, title="Zefirella: flood", state=state, severity=severity, severity_proposed=severity,
        **{"reasons": [], "policy": policy_of(PLAN, MARKET), "onset_at": at, "detected_at": at + BASE + GRACE, **more},
    )  # fmt: skip


def knowing(*incidents: Incident, last: datetime = T) -> Known:
    return {i.incident_id: Cause(i, {i.severity_proposed: last}) for i in incidents}


class Story:
    """Incidents over several spans, each as the span before left them."""

    def __init__(self, known: Known | None = None) -> None:
        self.known: Known = known or {}
        self.signals, self.events = list[Signal](), list[IncidentEvent]()
        self.incidents = {i: c.incident for i, c in self.known.items()}

    def then(self, findings: Iterable[tuple[RuleEntry, Finding]] = (), seen: Sequence[Seen] = ()) -> Attached:
        done = attach(self.known, PLAN, MARKET, list(findings), seen)
        self.known = done.known
        self.signals, self.events = [*self.signals, *done.signals], [*self.events, *done.events]
        self.incidents |= {i.incident_id: i for i in done.incidents}
        return done

    def decided(self, incident_id: str, **columns: Any) -> None:
        """What a person decided."""
        cause = self.known[incident_id]
        changed = cause.incident.model_copy(update=columns)
        self.known = {**self.known, incident_id: Cause(changed, cause.spoke)}
        self.incidents[incident_id] = changed

    def only(self) -> Incident:
        (one,) = self.incidents.values()
        return one


# One cause, one incident.


def test_a_signal_opens_and_the_next_ones_join() -> None:
    story = Story()
    story.then([found(T)], [saw(T, onset=T - 20 * MINUTE)])
    first = story.only()
    assert (first.state, first.severity, first.onset_at, first.detected_at) == (
        "detected",
        "S1",
        T - 20 * MINUTE,
        T + BASE + GRACE,
    )
    assert (first.topic, first.policy["time_zone"], first.title) == (None, "Europe/Rome", "Zefirella: flood")
    story.then([found(T + BASE), found(T + BASE + SAME_CAUSE)])
    assert {s.incident_id for s in story.signals} == {first.incident_id}
    story.then([found(T + 3 * BASE + 2 * SAME_CAUSE)])
    assert len(story.incidents) == 2


def test_the_incident_of_a_signal_is_always_the_same() -> None:
    ids = {attach({}, PLAN, MARKET, [found(T)], []).incidents[0].incident_id for _ in range(2)}
    assert len(ids) == 1
    both = attach(
        {}, PLAN, MARKET, [found(T, topic="a"), found(T, topic="b")], [saw(T, topic("a", T), topic("b", T - 3 * HOUR))]
    )
    assert len({i.incident_id for i in both.incidents}) == 2, "a rule may find two topics in one window"


def test_topics_that_begin_apart_are_two_causes() -> None:
    story = Story()
    seen = [saw(T, topic("plastic", T - HOUR)), saw(T + 4 * HOUR, topic("plastic", T - HOUR), topic("hotline", T + 3 * HOUR))]
    story.then([found(T, topic="plastic")], seen[:1])
    story.then([found(T + 4 * HOUR, topic="hotline")], seen[1:])
    assert [i.topic for i in story.incidents.values()] == ["plastic", "hotline"]
    story.then([found(T + 4 * HOUR + BASE, topic="plastic"), found(T + 4 * HOUR + BASE, topic="hotline")])
    of = {s.topic: s.incident_id for s in story.signals}
    assert len(of) == len(set(of.values())) == 2


def test_the_same_topic_joins_over_midnight_by_its_first_id() -> None:
    story = Story()
    story.then([found(T, topic="root")], [saw(T, topic("root", T - HOUR))])
    story.then([found(T + 20 * HOUR, topic="root")], [saw(T + 20 * HOUR, topic("root", T - HOUR))])
    assert len(story.incidents) == 1


def test_one_outrage_in_two_languages_is_one_cause() -> None:
    """Two topics, for they share no word; they begin within the hour."""
    story = Story()
    story.then([found(T, topic="plastica")], [saw(T, topic("plastica", T - 30 * MINUTE))])
    story.then([found(T + 15 * MINUTE, topic="plastik")], [saw(T + 15 * MINUTE, topic("plastik", T + MINUTE))])
    assert story.only().topic == "plastica"


def test_what_arises_in_a_storm_is_part_of_it_but_nothing_graver_and_nothing_older() -> None:
    story = Story(knowing(an_incident("assessed", "S3", topic="plastic", assessed_at=T)))
    five, six = T + 5 * HOUR, T + 6 * HOUR
    story.then([found(five, topic="jokes")], [saw(five, topic("jokes", T + 4 * HOUR))])
    seen = [saw(six, topic("worse", T + 5 * HOUR), topic("old", T - 9 * HOUR))]
    story.then([found(six, "cluster", "S3", "worse"), found(six, topic="old")], seen)
    of = {s.topic: s.incident_id for s in story.signals}
    assert of["jokes"] == "i"
    assert len(set(of.values())) == 3
    assert story.incidents["i"].severity == "S3"


def test_a_finding_of_no_topic_joins_the_gravest_open_one_then_the_newest() -> None:
    small, grave = an_incident("detected", "S1", "small", topic="a"), an_incident("assessed", "S3", "grave", topic="b")
    over = an_incident("dismissed", "S4", "over", closed_at=T)
    story = Story({**knowing(small, last=T + HOUR), **knowing(grave, over)})
    story.then([found(T + 2 * HOUR)])
    assert story.signals[0].incident_id == "grave"
    two = Story({**knowing(small, last=T), **knowing(an_incident("detected", "S1", "newer", topic="c"), last=T + HOUR)})
    two.then([found(T + 2 * HOUR)])
    assert two.signals[0].incident_id == "newer"


def test_a_storm_after_an_earlier_flurry_has_its_own_clocks() -> None:
    flurry = an_incident(severity="S1")
    for hours, joins in ((3, True), (4, False)):
        story = Story(knowing(flurry))
        story.then([found(T + hours * HOUR, "surge", "S3")])
        assert (len(story.incidents) == 1) is joins
    reported = flurry.model_copy(update={"reasons": [{"rule": "reported by a person", "severity": "S1", "report": "r"}]})
    story = Story(knowing(reported))
    story.then([found(T + 20 * HOUR, "surge", "S3")])
    assert len(story.incidents) == 1, "somebody told us before"


def test_a_topicless_incident_takes_the_dominant_topic_of_its_hour() -> None:
    story = Story()
    story.then([found(T)], [saw(T)])
    seen = [saw(T + 10 * MINUTE, topic("side", T - 9 * HOUR, 2), topic("main", T - 10 * MINUTE, 40))]
    story.then([found(T + 10 * MINUTE, topic="side")], seen)
    assert story.only().topic is None
    story.then([found(T + 15 * MINUTE, topic="main")], [seen[0].model_copy(update={"start": T + 15 * MINUTE})])
    assert story.only().topic == "main"
    story.then([found(T + 20 * MINUTE, topic="main"), found(T + 20 * MINUTE)])
    assert len(story.incidents) == 1


def test_a_topic_hours_after_a_topicless_incident_is_another_cause() -> None:
    story = Story()
    story.then([found(T)], [saw(T)])
    story.then([found(T + 5 * HOUR, topic="main")], [saw(T + 5 * HOUR, topic("main", T + 4 * HOUR))])
    assert len(story.incidents) == 2


def test_history_does_not_join_what_a_person_reports_today() -> None:
    """An import finds an old storm while an incident is open."""
    story = Story({"i": Cause(an_incident(reasons=[{"rule": "reported by a person", "severity": "S2", "report": "r"}]))})
    story.then([found(T - 60 * DAY)])
    assert len(story.incidents) == 2
    again = Story({"i": Cause(an_incident())})
    again.then([found(T - 3 * BASE)])
    assert again.signals[0].incident_id == "i", "what was just found belongs to it"


# Settled causes.


def test_a_dismissed_cause_stays_dismissed_while_it_smoulders() -> None:
    story = Story(knowing(an_incident("dismissed", closed_at=T + MINUTE)))
    story.then([found(T + BASE), found(T + BASE + SMOULDERS, "surge", "S2")])
    assert story.only().state == "dismissed"


def test_a_graver_signal_opens_a_new_incident() -> None:
    story = Story(knowing(an_incident("dismissed", closed_at=T + MINUTE)))
    story.then([found(T + BASE), found(T + BASE, "worse", "S3")])
    crisis = next(i for i in story.incidents.values() if i.incident_id != "i")
    assert (crisis.severity, crisis.state) == ("S3", "detected")
    story.then([found(T + 2 * BASE)])
    assert {s.incident_id for s in story.signals} == {crisis.incident_id}


@pytest.mark.parametrize(
    ("last", "closed", "joins"),
    [
        (T, T + MINUTE, True), (T - SMOULDERS, T + MINUTE, False),
        (T, T - AT_MOST + BASE, True), (T, T - AT_MOST, False),
    ],
)  # fmt: skip
def test_how_long_a_settled_cause_smoulders(last: datetime, closed: datetime, joins: bool) -> None:
    story = Story(knowing(an_incident("closed", closed_at=closed), last=last))
    story.then([found(T + BASE)])
    assert (len(story.incidents) == 1) is joins


def test_a_merged_incidents_signals_flow_to_the_other() -> None:
    kept = an_incident("assessed", "S3", "kept", topic="plastic")
    gone = an_incident("closed", "S2", "gone", topic="recall", merged_into="kept", closed_at=T)
    story = Story(knowing(kept, gone))
    for hours in (20, 40):
        story.then([found(T + hours * HOUR)], [saw(T + hours * HOUR)])
    story.then([found(T + 60 * HOUR, "cluster", "S3", "recall")], [saw(T + 60 * HOUR, topic("recall", T - 9 * HOUR))])
    assert {s.incident_id for s in story.signals} == {"kept"}


def test_a_merged_incident_takes_no_signal_though_it_was_the_graver_one() -> None:
    kept = an_incident("closed", "S2", "kept", topic="plastic", closed_at=T)
    gone = an_incident("closed", "S3", "gone", topic="recall", merged_into="kept", closed_at=T)
    story = Story(knowing(kept, gone))
    story.then([found(T + HOUR, topic="recall"), found(T + HOUR)])
    assert {s.incident_id for s in story.signals} == {"kept"}


def test_what_arises_beside_a_dismissed_cause_is_a_question_of_its_own() -> None:
    story = Story(knowing(an_incident("dismissed", "S2", topic="joke", closed_at=T)))
    story.then([found(T + 2 * HOUR, topic="hotline")], [saw(T + 2 * HOUR, topic("hotline", T + 100 * MINUTE))])
    assert len(story.incidents) == 2


def test_a_storm_about_something_else_is_not_what_was_dismissed() -> None:
    """No topic speaks, but the hour is about another one."""
    dismissed = an_incident("dismissed", "S3", topic="joke", closed_at=T + 20 * MINUTE)
    at = [T + 2 * HOUR + n * BASE for n in range(12)]
    for about, opened in (("listeria", 1), ("joke", 0)):
        story = Story(knowing(dismissed))
        story.then([found(a, "crisis", "S3") for a in at], [saw(a, topic("joke", T, 3), topic(about, T, 40)) for a in at])
        assert len(story.incidents) == 1 + opened
    grumbled = Story(knowing(dismissed))
    grumbled.then([found(at[0], "crisis", "S3")], [saw(at[0], topic("joke", T, 1), topic("listeria", T, 2))])
    assert len(grumbled.incidents) == 1, "two grumblers are not what an hour is about"
    silent = Story(knowing(dismissed))
    silent.then([found(at[0], "crisis", "S3")], [saw(at[0])])
    assert len(silent.incidents) == 1, "nothing says that it is about something else"


@pytest.mark.parametrize(("about", "name"), [("listeria", ALL), ("listeria", "listeria")])
@pytest.mark.parametrize(("first", "opened"), [(T + 30 * MINUTE, 1), (T + 10 * MINUTE, 0)])
def test_what_began_after_a_cause_without_a_topic_was_settled_is_another(
    about: str, name: str, first: datetime, opened: int
) -> None:
    story = Story(knowing(an_incident("dismissed", "S3", closed_at=T + 20 * MINUTE)))
    story.then([found(T + 50 * MINUTE, "crisis", "S3", name)], [saw(T + 50 * MINUTE, topic(about, first, 40))])
    assert len(story.incidents) == 1 + opened


# The severity that is proposed.


def test_severity_rises_until_a_person_has_assessed() -> None:
    story = Story()
    story.then([found(T), found(T + BASE, "surge", "S3"), found(T + 2 * BASE)])
    assert (story.only().severity, story.only().severity_proposed) == ("S3", "S3")
    (rise,) = story.events
    assert (rise.kind, rise.at) == ("severity-S3", T + 2 * BASE + GRACE)
    assert "rises from S1 issue to S3 crisis: surge fired" in rise.detail
    assert [(x["rule"], x["severity"]) for x in story.only().reasons] == [("flood", "S1"), ("surge", "S3")]


def test_an_assessment_is_never_overwritten_but_asked_about_again_when_it_gets_worse() -> None:
    story = Story(knowing(an_incident("assessed", "S1", assessed_at=T)))
    story.then([found(T + BASE, "surge", "S3")])
    assert (story.only().severity, story.only().severity_proposed, story.only().state) == ("S1", "S3", "acknowledged")


def test_one_lone_comment_proposes_no_more_than_an_issue() -> None:
    story = Story()
    story.then([found(T, "surge", "S3", kpi="negative_share")], [saw(T, authors=1)])
    assert story.only().severity == story.signals[0].severity == "S1"
    assert "only one author stands behind it, so no more than S1 issue is proposed" in story.signals[0].reason
    story.then([found(T + BASE, "surge", "S3", kpi="negative_share")], [saw(T + BASE, authors=2)])
    assert story.only().severity == "S3"


def spoken(authors: float | None, named: float, volume: float) -> Seen:
    """By so many authors, who wrote so many of the mentions."""
    numbers: dict[str, Any] = {"volume": [volume, volume, None, None, None]}
    numbers |= {} if authors is None else {"unique_authors": [authors, named, None, None, None]}
    return saw(T).model_copy(update={"numbers": numbers})


@pytest.mark.parametrize(
    ("seen", "severity"),
    [
        (spoken(1, 1, 160), "S3"), (spoken(None, 0, 160), "S3"), (spoken(1, 1, 2), "S3"),
        (spoken(1, 160, 160), "S1"), (spoken(None, 0, 1), "S1"),
    ],
)  # fmt: skip
def test_who_names_no_author_stands_for_himself(seen: Seen, severity: str) -> None:
    """Many networks and exports name none: 160 mentions of which one does are not one person's."""
    done = attach({}, PLAN, MARKET, [found(T, "surge", "S3", kpi="negative_share")], [seen])
    assert done.incidents[0].severity == severity


@pytest.mark.parametrize("rule", ["red_line", "multiplier"])
def test_one_is_enough_for_a_red_line_and_a_multiplier(rule: str) -> None:
    done = attach({}, PLAN, MARKET, [found(T, rule, "S2", rule=rule)], [saw(T, authors=1)])
    assert done.incidents[0].severity == "S2"


def test_what_proposes_s0_is_noted_and_opens_nothing_and_keeps_nothing_alive() -> None:
    story = Story()
    story.then([found(T, "unread", "S0", rule="coverage", kpi="scored_coverage")], [saw(T)])
    assert (story.signals[0].incident_id, story.incidents) == (None, {})
    story.then([found(T + HOUR), found(T + 20 * HOUR, "unread", "S0"), found(T + 26 * HOUR)])
    first, second = story.incidents
    assert [s.incident_id for s in story.signals] == [None, first, first, second]
    assert [i.severity_proposed for i in story.incidents.values()] == ["S1", "S1"]


def test_what_is_not_counted_from_mentions_needs_no_author() -> None:
    done = attach({}, PLAN, MARKET, [found(T, "drop", "S2", kpi="excess_follower_change")], [saw(T, authors=1)])
    assert done.incidents[0].severity == "S2"


def test_the_day_of_a_topic_counts_too() -> None:
    seen = [saw(T, topic("plastic", T - 9 * HOUR, authors_day=4), authors=1)]
    assert attach({}, PLAN, MARKET, [found(T, "cluster", "S2", "plastic")], seen).incidents[0].severity == "S2"


def test_what_cannot_be_judged_says_so_and_proposes_no_crisis() -> None:
    (incident,) = attach({}, PLAN, MARKET, [found(T, "wide", "S3", rule="cannot_judge")], [saw(T)]).incidents
    assert (incident.severity, incident.title) == ("S2", "Zefirella: cannot judge, look")
    assert "what cannot be judged proposes no more than S2 paracrisis" in incident.reasons[0]["reason"]


def test_the_title_names_the_topic() -> None:
    seen = [saw(T, topic("plastic", T))]
    assert (
        attach({}, PLAN, MARKET, [found(T, topic="plastic")], seen).incidents[0].title == "Zefirella: flood (plastic, gelato)"
    )
    planned = [saw(T, topic("plastic", T, name="packaging"))]
    assert attach({}, PLAN, MARKET, [found(T, topic="plastic")], planned).incidents[0].title == "Zefirella: flood (packaging)"


def test_a_chronic_topic_began_with_its_rise() -> None:
    seen = [saw(T, topic("plastic", T - 30 * DAY), onset=T - 10 * MINUTE)]
    assert attach({}, PLAN, MARKET, [found(T, topic="plastic")], seen).incidents[0].onset_at == T - 10 * MINUTE
    new = [saw(T, topic("plastic", T - 40 * MINUTE), onset=T - 10 * MINUTE)]
    assert attach({}, PLAN, MARKET, [found(T, topic="plastic")], new).incidents[0].onset_at == T - 40 * MINUTE


# It falls, too.


def hourly(start: datetime, hours: int, **more: Any) -> list[Seen]:
    return [saw(start + i * HOUR, **more) for i in range(hours)]


def test_a_proposal_falls_when_nothing_speaks_for_it_any_more() -> None:
    story = Story()
    story.then(
        [found(T, "surge", "S3"), *(found(T + i * HOUR, "many", "S2") for i in range(5)), found(T + 8 * HOUR)], hourly(T, 24)
    )
    assert [(e.kind, e.at - BASE - GRACE) for e in story.events] == [
        ("severity-S2", T + FALLS),
        ("severity-S1", T + 4 * HOUR + FALLS),
    ]
    assert (
        "falls from S3 crisis to S2 paracrisis: no signal of S3 crisis for 6 hours, the last one at 2026-03-25 12:00"
        in story.events[0].detail
    )
    assert (story.only().severity_proposed, story.only().severity) == ("S1", "S3"), "who was woken is asked all the same"


@pytest.mark.parametrize("quality", ["blind", "partial"])
def test_what_was_not_heard_lowers_nothing(quality: str) -> None:
    story = Story()
    story.then([found(T, "surge", "S3")], hourly(T, 20, quality=quality))
    assert story.only().severity_proposed == "S3"
    story.then([], [saw(T + 20 * HOUR)])
    assert story.only().severity_proposed == "S1"


def test_what_was_not_read_lowers_nothing() -> None:
    """A scorer that dies within a crisis: nothing fires, for nothing is read."""
    unread = [
        s.model_copy(update={"numbers": {**s.numbers, "scored_coverage": [0.59, 500, None, None, None]}}) for s in hourly(T, 20)
    ]
    story = Story()
    story.then([found(T, "surge", "S3")], unread)
    assert story.only().severity_proposed == "S3"
    read = saw(T + 20 * HOUR)
    read.numbers["scored_coverage"] = [0.6, 500, None, None, None]
    story.then([], [read])
    assert story.only().severity_proposed == "S1"


def test_while_coverage_is_short_nothing_falls() -> None:
    story = Story()
    blind = [found(T + i * HOUR, "coverage", "S1", rule="coverage", kpi="scored_coverage") for i in range(1, 20)]
    story.then([found(T, "surge", "S3"), *blind], hourly(T, 20))
    assert story.events == []


def test_silence_alone_lowers_nothing() -> None:
    story = Story()
    story.then([found(T, "surge", "S3")], [saw(T)])
    story.then([], [saw(T + 3 * DAY, quality="partial")])
    story.then([], [saw(T + 5 * DAY)])
    (fall,) = story.events
    assert fall.at == T + 5 * DAY + BASE + GRACE


def test_what_a_person_reported_no_rule_lowers() -> None:
    reported = an_incident(reasons=[{"rule": "reported by a person", "severity": "S2", "report": "r"}])
    story = Story({"i": Cause(reported)})
    story.then([found(T + HOUR, "surge", "S3")], hourly(T + HOUR, 40))
    assert [e.kind for e in story.events] == ["severity-S3", "severity-S2"]


@pytest.mark.parametrize("state", ["contained", "recovered", "closed", "dismissed"])
def test_nothing_falls_of_what_is_settled(state: State) -> None:
    story = Story(knowing(an_incident(state, "S3", closed_at=T)))
    story.then([], hourly(T, 40))
    assert story.events == []


def test_it_may_rise_again_after_it_fell() -> None:
    story = Story()
    story.then([found(T, "surge", "S3"), found(T + 10 * HOUR, "surge", "S3")], hourly(T, 11))
    assert [e.kind for e in story.events] == ["severity-S1", "severity-S3"]


# A fold.


@st.composite
def stretches(draw: Any) -> tuple[list[tuple[RuleEntry, Finding]], list[Seen], list[int]]:
    """Findings over three days, what was seen, and where to cut."""
    names = ["a", "b", "c"]
    slots = sorted(draw(st.sets(st.integers(0, 90), min_size=1, max_size=25)))
    seen = [
        saw(
            T + n * 48 * MINUTE // 5 * 5,
            *(topic(t, T + timedelta(minutes=draw(st.integers(-300, 4000))), draw(st.integers(0, 9))) for t in names),
            quality=draw(st.sampled_from(["ok", "partial"])), authors=draw(st.sampled_from([1, 9])),
        )
        for n in slots
    ]  # fmt: skip
    findings = [
        found(at, name, severity, about)
        for at in [s.start for s in seen]
        for name, severity, about in draw(
            st.lists(
                st.tuples(st.sampled_from(["x", "y"]), st.sampled_from(["S0", "S1", "S2", "S3"]), st.sampled_from([ALL, *names])),
                max_size=3, unique_by=lambda f: (f[0], f[2]),
            )
        )
    ]  # fmt: skip
    return findings, seen, sorted(draw(st.lists(st.integers(0, len(seen)), max_size=4)))


@many
@given(stretches())
def test_any_chunking_and_any_order_gives_the_same(
    stretch: tuple[list[tuple[RuleEntry, Finding]], list[Seen], list[int]],
) -> None:
    findings, seen, cuts = stretch
    whole, parts = Story(), Story()
    whole.then(reversed(findings), seen)
    for begin, end in zip([0, *cuts], [*cuts, len(seen)], strict=True):
        starts = {s.start for s in seen[begin:end]}
        parts.then([f for f in findings if f[1].start in starts], seen[begin:end])
    assert parts.incidents == whole.incidents
    assert parts.signals == whole.signals
    assert parts.events == whole.events


@many
@given(stretches(), st.integers(0, 25))
def test_what_comes_later_changes_nothing_before(
    stretch: tuple[list[tuple[RuleEntry, Finding]], list[Seen], list[int]], cut: int
) -> None:
    findings, seen, _ = stretch
    starts = {s.start for s in seen[:cut]}
    whole, until = Story(), Story()
    whole.then(findings, seen)
    until.then([f for f in findings if f[1].start in starts], seen[:cut])
    assert until.signals == [s for s in whole.signals if s.start in starts]
    assert until.events == [e for e in whole.events if e.at - BASE - GRACE in starts]
