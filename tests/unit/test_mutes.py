"""A mute keeps quiet what it says, no longer than it says, and its owner is told; red lines are always heard."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import DAY, HOUR, MINUTE, VOLUME, House, a_plan, utc

from coolhead import mute_notices, mutes
from coolhead.clock import Fixed
from coolhead.errors import ConfigError, PermanentError, TransientError
from coolhead.plan_rules import RuleEntry
from coolhead.reports import _mutes
from coolhead.rows import ALL, Incident, Mute, Notice, Signal, Topic
from coolhead.rules import Finding
from coolhead.windows import BASE, GRACE, Window

NOON = utc(2026, 3, 25, 12)
FLOOD = RuleEntry.model_validate(VOLUME)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as found:
        yield found


def a_mute(**columns: Any) -> Mute:
    given: dict[str, Any] = {
        "mute_id": "m1", "market": "zefirella", "kind": "silence", "rules": [], "owner": "anna", "reason": "giveaway in the shops",
        "start": NOON, "end": NOON + HOUR, "made_by": "anna", "made_at": NOON,
    }  # fmt: skip
    return Mute(**{**given, **columns})


def a_finding(start: datetime, topic: str = ALL) -> Finding:
    return Finding(start, "volume", 40.0, 20.0, "40 mentions", topic)


def heard(mute: Mute, start: datetime, entry: RuleEntry = FLOOD, topic: str = ALL) -> bool:
    return mutes.active([mute], entry, a_finding(start, topic)) is None


def a_wish(**given: Any) -> mutes.Wish:
    usual: dict[str, Any] = {
        "rules": ("flood",), "topic": None, "start": NOON, "end": NOON + 2 * HOUR, "owner": "anna", "reason": "giveaway",
    }  # fmt: skip
    return mutes.Wish(**{**usual, **given})


def test_covers_the_windows_that_end_in_it_and_no_other() -> None:
    mute = a_mute()
    covered = [n for n in range(-3, 16) if not heard(mute, NOON + n * BASE)]
    assert covered == list(range(12))
    assert heard(mute, NOON + 55 * MINUTE + timedelta(seconds=1))  # it ends a second after the mute


def test_nothing_that_was_judged_before_it_was_made_is_muted() -> None:
    """Made at 12:30 for the time from 12:00 on: a window is judged two minutes after its end."""
    mute = a_mute(made_at=NOON + 30 * MINUTE)
    assert [n for n in range(14) if not heard(mute, NOON + n * BASE)] == list(range(5, 12))
    assert mute.made_at <= NOON + 5 * BASE + BASE + GRACE


def test_ended_by_a_person_it_is_over_at_once() -> None:
    mute = a_mute(ended_at=NOON + 12 * MINUTE, ended_by="anna")
    assert [n for n in range(14) if not heard(mute, NOON + n * BASE)] == [0, 1]


@pytest.mark.parametrize(("rules", "name", "covered"), [
    ([], "flood", True), (["flood"], "flood", True), (["other"], "flood", False),
    (["flood"], "flood@mastodon", True), (["flood@mastodon"], "flood@feed", False),
])  # fmt: skip
def test_only_the_rules_it_names(rules: list[str], name: str, covered: bool) -> None:
    entry = FLOOD.model_copy(update={"name": name})
    assert heard(a_mute(rules=rules), NOON, entry) is not covered


@pytest.mark.parametrize(
    ("of", "topic", "covered"),
    [(None, "mould", True), ("mould", "mould", True), ("mould", "price", False), ("mould", ALL, False)],
)
def test_only_the_topic_it_names(of: str | None, topic: str, covered: bool) -> None:
    assert heard(a_mute(topic=of), NOON, topic=topic) is not covered


@pytest.mark.parametrize("kind", sorted(mutes.NEVER))
def test_red_lines_and_what_people_report_are_never_muted(kind: str) -> None:
    assert heard(a_mute(), NOON, FLOOD.model_copy(update={"rule": kind}))


def test_what_is_muted_is_recorded_and_belongs_to_no_incident() -> None:
    findings = [(FLOOD, a_finding(NOON)), (FLOOD, a_finding(NOON + 2 * HOUR))]
    loud, quiet = mutes.apart([a_mute()], "zefirella", findings)
    assert [f.start for _, f in loud] == [NOON + 2 * HOUR]
    assert [(s.start, s.muted_by, s.incident_id, s.severity) for s in quiet] == [(NOON, "m1", None, "S1")]


def test_what_a_mute_hid_keeps_no_later_storm_quiet(tmp_path: Path) -> None:
    """Lived through the evaluation: the rule is quiet for a day after its end, unless it is worse; nobody heard its first storm."""
    plan = a_plan({**VOLUME, "cool_down": 1_440})
    with House(tmp_path, plan) as house:
        house.store.upsert([a_mute()])
        house.listen(NOON - HOUR, NOON + 4 * HOUR)
        for begin, count in ((NOON, 60), (NOON + 2 * HOUR, 40)):
            for n in range(count):
                house.say(begin + n * timedelta(seconds=1), known_at=begin + MINUTE)
        house.evaluate(NOON + 4 * HOUR)
        told = house.store.read(Signal)
    assert {s.start < NOON + HOUR for s in told if s.muted_by} == {True}
    assert min(s.start for s in told if not s.muted_by) == NOON + 2 * HOUR


def test_of_two_mutes_the_one_made_first_counts() -> None:
    later = a_mute(mute_id="m0", made_at=NOON + MINUTE)
    found = mutes.active([later, a_mute()], FLOOD, a_finding(NOON))
    assert found is not None and found.mute_id == "m1"


def test_a_span_reads_every_mute_that_may_cover_one_of_its_windows(house: House) -> None:
    house.store.upsert([a_mute(), a_mute(mute_id="m2", start=NOON - DAY, end=NOON), a_mute(mute_id="m3", market="other")])
    assert [m.mute_id for m in mutes.of(house.store, "zefirella", Window(NOON, NOON + BASE))] == ["m1"]
    assert [m.mute_id for m in mutes.of(house.store, "zefirella", Window(NOON - BASE, NOON))] == ["m1", "m2"]
    assert mutes.of(house.store, "zefirella", Window(NOON + HOUR, NOON + DAY)) == []


@pytest.mark.parametrize(("wish", "words"), [
    ({"end": NOON - MINUTE}, "until: 2026-03-25T11:59:00+00:00 must lie after its start and after now"),
    ({"end": NOON + timedelta(days=14, minutes=1)}, "a mute lasts 14 days at most, here until 2026-04-08T12:00:00+00:00"),
    ({"start": NOON - HOUR}, "from: 2026-03-25T11:00:00+00:00 lies in the past"),
    ({"owner": "zoe"}, "owner: 'zoe' is no person of escalation.yaml; it has: anna, bruno, chiara"),
    ({"rules": ("flod",)}, "rules: zefirella has no rule 'flod'; choose of: flood, complaints, spike, surge"),
    ({"reason": "  "}, "reason: say in a sentence why"),
    ({"topic": "all"}, "topic: 'all' is no topic"),
])  # fmt: skip
def test_each_mistake_is_named_with_its_cure(house: House, wish: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=None) as error:
        mutes.made(house.plan, house.market, a_wish(**wish), "anna", NOON)
    assert words in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_all_mistakes_are_told_at_once(house: House) -> None:
    with pytest.raises(ConfigError) as error:
        mutes.made(house.plan, house.market, a_wish(owner="zoe", reason="", end=NOON), " ", NOON)
    assert len(str(error.value).splitlines()) == 4


def test_the_same_wish_at_the_same_time_is_one_row(house: House) -> None:
    one, two = (mutes.made(house.plan, house.market, a_wish(), "anna", NOON) for _ in range(2))
    assert one == two
    assert one.mute_id != mutes.made(house.plan, house.market, a_wish(topic="mould"), "anna", NOON).mute_id


def test_ended_before_its_time_and_only_once(house: House) -> None:
    house.store.upsert([a_mute(), a_mute(mute_id="m2")])
    with pytest.raises(ConfigError, match="2 mutes begin"):
        mutes.end(house.store, "m", "bruno", "over", NOON)
    ended = mutes.end(house.store, "m1", "bruno", "the giveaway is over", NOON + MINUTE)
    assert house.store.read(Mute, mute_id="m1") == [ended]
    assert (ended.ended_at, ended.ended_by) == (NOON + MINUTE, "bruno")
    assert ended.reason == "giveaway in the shops | ended by bruno: the giveaway is over"
    with pytest.raises(ConfigError, match="is over since"):
        mutes.end(house.store, "m1", "bruno", "again", NOON + HOUR)


def a_signal(start: datetime, rule: str = "flood", incident: str | None = None, **columns: Any) -> Signal:
    return Signal(
        market="zefirella", rule=rule, start=start, severity="S2", reason="40 mentions", kpi="volume", value=40.0, threshold=20.0,
        as_of=start + BASE + GRACE, incident_id=incident, **columns,
    )  # fmt: skip


def an_incident(house: House, name: str, detected: datetime) -> Incident:
    return Incident(
        incident_id=name, market="zefirella", title=f"Zefirella: {name}", state="detected", severity="S2", severity_proposed="S2",
        reasons=[], policy={}, onset_at=detected, detected_at=detected,
    )  # fmt: skip


def test_the_preview_says_what_it_would_have_hidden(house: House) -> None:
    """Ten days ago flood alone, twenty days ago both: only the first incident hung on flood."""
    near, far = NOON - 10 * DAY, NOON - 20 * DAY
    house.store.upsert([an_incident(house, "near", near), an_incident(house, "far", far)])
    house.store.upsert([
        a_signal(near, incident="near"), a_signal(near + BASE, incident="near"), a_signal(far, incident="far"),
        a_signal(far, "complaints", "far"),
    ])  # fmt: skip
    mute = mutes.made(house.plan, house.market, a_wish(), "anna", NOON)
    fortnight, month = mutes.preview(house.store, mute, house.plan.rules_of("zefirella"), NOON)
    assert (fortnight.signals, fortnight.of, fortnight.rules) == (2, 2, {"flood": 2})
    assert fortnight.incidents == [(near, "Zefirella: near", "S2")]
    assert (month.signals, month.of, month.rules) == (3, 4, {"flood": 3})
    assert month.incidents == fortnight.incidents
    everything = mutes.made(house.plan, house.market, a_wish(rules=()), "anna", NOON)
    assert len(mutes.preview(house.store, everything, house.plan.rules_of("zefirella"), NOON)[1].incidents) == 2
    assert house.store.count(Mute) == 0


def test_the_preview_shows_how_grave_it_was_not_what_it_has_fallen_to(house: House) -> None:
    at = NOON - DAY
    fallen = an_incident(house, "storm", at).model_copy(update={"severity_proposed": "S1"})
    grave = a_signal(at, incident="storm").model_copy(update={"severity": "S3"})
    house.store.upsert([fallen, grave, a_signal(at + BASE, incident="storm"), a_signal(at + HOUR, rule="spike")])
    hidden = mutes.preview(house.store, a_mute(rules=["flood"]), house.plan.rules_of("zefirella"), NOON)
    assert [h.incidents for h in hidden] == [[(at, "Zefirella: storm", "S3")]] * 2


def test_brief_review_and_notice_call_a_topic_by_its_terms(house: House) -> None:
    known: dict[str, Any] = {"mentions": 3, "authors": 3, "first_at": NOON, "last_at": NOON, "known_at": NOON}
    about = a_mute(topic="6c4ed0cf6936", end=NOON + HOUR)
    house.store.upsert([
        about, a_signal(NOON, muted_by="m1", topic="6c4ed0cf6936"),
        Topic(market="zefirella", day=NOON.date(), topic="6c4ed0cf6936", terms=["pleśń", "okropne", "czarna"], **known),
    ])  # fmt: skip
    (said,) = _mutes.in_words(house.store, "zefirella", Window(NOON, NOON + DAY), NOON + DAY, "UTC")
    assert "all rules about 6c4ed0 (pleśń, okropne, …)" in said
    mute_notices.follow(house.store, house.plan, Fixed(NOON + HOUR))
    assert all("6c4ed0 (pleśń, okropne, …)" in n.subject and "6c4ed0cf" not in n.body for n in house.store.read(Notice))
    assert house.store.count(Notice) > 0


def test_the_owner_is_told_once_that_it_is_over(house: House) -> None:
    mute = a_mute(rules=["flood"], made_by="bruno")
    house.store.upsert([mute, a_signal(NOON, muted_by="m1"), a_signal(NOON + BASE, muted_by="m1"), a_signal(NOON + DAY)])
    assert mute_notices.follow(house.store, house.plan, Fixed(NOON + HOUR - MINUTE)) == []
    (told,) = mute_notices.follow(house.store, house.plan, Fixed(NOON + HOUR))
    assert told.told_at == NOON + HOUR
    assert mute_notices.follow(house.store, house.plan, Fixed(NOON + 2 * HOUR)) == []
    (notice,) = house.store.read(Notice)
    assert (notice.receiver, notice.channel, notice.step) == ("anna", "email", "over")
    assert notice.subject == "[silence over] Zefirella (zefirella): flood heard again since 25 Mar 14:00"
    for words in (
        "giveaway in the shops",
        "2 signals: 2 of flood",
        "25 Mar 13:00 to 25 Mar 14:00 (Europe/Rome)",
        "made by bruno",
    ):
        assert words in notice.body


def test_where_the_owner_has_left_the_duty_lead_is_told(house: House) -> None:
    house.store.upsert([a_mute(owner="gone")])
    mute_notices.follow(house.store, house.plan, Fixed(NOON + DAY))
    assert [n.receiver for n in house.store.read(Notice)] == ["anna"]


def test_ended_by_a_person_it_is_told_at_once(house: House) -> None:
    house.store.upsert([a_mute()])
    mutes.end(house.store, "m1", "bruno", "done", NOON + MINUTE)
    assert len(mute_notices.follow(house.store, house.plan, Fixed(NOON + 2 * MINUTE))) == 1
    assert "ended by bruno" in house.store.read(Notice)[0].body


def test_the_notice_is_sent_by_the_tick(tmp_path: Path) -> None:
    people = [{"id": "anna", "name": "Anna", "roles": ["duty_lead", "crisis_lead", "spokesperson"], "addresses": {"folder": str(tmp_path / "out")}}]  # fmt: skip
    plan = a_plan(people=people, steps=[{"notify": ["duty_lead"], "channels": ["folder"]}])
    with House(tmp_path, plan) as house:
        house.store.upsert([a_mute()])
        (line,) = mute_notices.tell(house.store, plan, Fixed(NOON + HOUR), {})
        assert line == "mute m1 of zefirella is over since 2026-03-25 13:00 UTC"
        assert [n.status for n in house.store.read(Notice)] == ["sent"]
        assert mute_notices.tell(house.store, plan, Fixed(NOON + HOUR), {}) == []


def test_an_owner_whom_nothing_reaches_fails_the_tick(tmp_path: Path) -> None:
    (blocked := tmp_path / "file").write_text("no folder")
    people = [{"id": "anna", "name": "Anna", "roles": ["duty_lead", "crisis_lead", "spokesperson"], "addresses": {"folder": str(blocked / "in")}}]  # fmt: skip
    plan = a_plan(people=people, steps=[{"notify": ["duty_lead"], "channels": ["folder"]}])
    with House(tmp_path, plan) as house:
        house.store.upsert([a_mute()])
        with pytest.raises((PermanentError, TransientError)):
            mute_notices.tell(house.store, plan, Fixed(NOON + HOUR), {})
        assert house.store.read(Mute)[0].told_at == NOON + HOUR


def test_counted_by_mute_in_a_span_as_known_then(house: House) -> None:
    house.store.upsert([a_mute(), a_mute(mute_id="m2")])
    house.store.upsert(
        [a_signal(NOON, muted_by="m1"), a_signal(NOON + BASE, muted_by="m2"), a_signal(NOON + 2 * BASE, muted_by="m2")]
    )
    day = Window(NOON - HOUR, NOON + HOUR)
    assert [(m.mute_id, n) for m, n in mutes.counted(house.store, "zefirella", day, NOON + DAY)] == [("m2", 2), ("m1", 1)]
    assert [(m.mute_id, n) for m, n in mutes.counted(house.store, "zefirella", day, NOON + 8 * MINUTE)] == [("m1", 1)]
    assert mutes.counted(house.store, "zefirella", Window(NOON - DAY, NOON), NOON + DAY) == []
