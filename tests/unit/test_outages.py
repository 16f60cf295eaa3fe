"""Of a blind source people are told once, and once more when it sees again; of nothing else."""

import itertools
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from building import DAY, HOUR, MINUTE, PEOPLE, House, a_plan, few, utc
from hypothesis import given, settings
from hypothesis import strategies as st

from coolhead.clock import Fixed
from coolhead.outages import LEAST, follow, id_of, tell
from coolhead.plan import Plan
from coolhead.rows import Incident, Notice, Outage, Silence
from coolhead.windows import BASE, Window, merged

NOON = utc(2026, 3, 25, 12)
OLGA = {
    "id": "olga",
    "name": "Olga Operator",
    "roles": ["operator"],
    "addresses": {"email": "olga@z.example", "webhook": "https://h.example"},
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path, a_plan(people=[*PEOPLE, OLGA])) as found:
        found.listen(NOON - DAY, NOON)
        yield found


def at(windows: float) -> datetime:
    return NOON + windows * BASE


def poll(house: House, start: float, end: float, ok: bool = True, source: str = "mastodon", **more: object) -> None:
    house.listen(at(start), at(end), ok, [source], known_at=at(end), error=None if ok else "401: the token was refused", **more)


def look(house: House, windows: float, plan: Plan | None = None) -> list[Outage]:
    return follow(house.store, plan or house.plan, Fixed(at(windows) + MINUTE))


def told(house: House) -> list[tuple[str, str]]:
    return sorted((n.step, n.receiver) for n in house.store.read(Notice))


def test_one_failed_window_wakes_nobody(house: House) -> None:
    poll(house, 0, 1, ok=False)
    assert look(house, 1) == []
    poll(house, 0, 2)
    assert look(house, 2) == []
    assert house.store.count(Notice) == 0


def test_told_once_and_once_more_when_it_sees_again(house: House) -> None:
    for i in (0, 1):
        poll(house, i, i + 1, ok=False)
        poll(house, i, i + 1, source="feed")
    (begun,) = look(house, 2)
    assert (begun.source, begun.start, begun.end, begun.reason) == ("mastodon", NOON, None, "401: the token was refused")
    assert begun.told_at == at(2) + MINUTE
    assert told(house) == [("blind", "olga")]
    for i in (2, 3):
        poll(house, i, i + 1, ok=False)
        poll(house, i, i + 1, source="feed")
        assert look(house, i + 1) == []
    for i in (4, 5, 6):
        poll(house, i, i + 1)
        poll(house, i, i + 1, source="feed")
        found = look(house, i + 1)
        assert [(o.source, o.start, o.end) for o in found] == ([("mastodon", NOON, at(4))] if i == 4 else [])
    assert told(house) == [("blind", "olga"), ("sees-again", "olga")]
    (row,) = house.store.read(Outage)
    assert (row.told_at, row.told_over_at) == (at(2) + MINUTE, at(5) + MINUTE)


def test_a_notice_says_what_since_when_why_and_what_to_do(house: House) -> None:
    poll(house, 0, 2, ok=False)
    look(house, 2)
    (notice,) = house.store.read(Notice, receiver="olga")
    assert notice.channel == "email"  # the plan's own channel, where it reaches the person
    assert notice.subject == "[blind] mastodon for Zefirella (zefirella): since 25 Mar 13:00"
    for words in (
        "is not silence", "since 25 Mar 13:00 (Europe/Rome)", "401: the token was refused", "the network still has it",
        "Dag collect_mastodon", "renew the connection mastodon", "https://desk.example/dags/collect_mastodon",
    ):  # fmt: skip
        assert words in notice.body
    poll(house, 2, 3)
    look(house, 3)
    (over,) = house.store.read(Notice, step="sees-again")
    assert over.subject.startswith("[sees again] mastodon for Zefirella (zefirella): 25 Mar 13:00 to 25 Mar 13:10")
    assert over.incident_id == notice.incident_id


def test_whose_history_ends_says_until_when(tmp_path: Path) -> None:
    content = a_plan().content()
    content["brands"]["brands"][0]["markets"][0]["sources"] = {"x": {"connection": "our-x"}}
    with House(tmp_path, Plan.model_validate(content)) as house:
        house.listen(NOON - DAY, NOON, sources=["x"])
        poll(house, 0, 3, ok=False, source="x")
        (outage,) = look(house, 3)
        assert outage.refill_until == NOON + 7 * DAY
        (notice,) = house.store.read(Notice)
        assert notice.receiver == "anna"  # nobody is the operator, so the duty lead is
        assert "still has all of it until 01 Apr 14:00" in notice.body
        assert "renew the connection our-x" in notice.body


def test_a_silence_that_nobody_believes_is_an_outage_too(house: House) -> None:
    poll(house, 0, 9)
    poll(house, 0, 9, source="feed")
    row = Silence(source="mastodon", market="zefirella", start=at(2), reason="too quiet", known_at=at(8))
    house.store.upsert([row])
    (outage,) = look(house, 9)
    assert (outage.start, outage.end, outage.reason) == (at(2), None, "too quiet")
    poll(house, 9, 12)
    poll(house, 9, 12, source="feed")
    house.store.upsert([row.model_copy(update={"end": at(10), "over_at": at(11)})])
    (over,) = look(house, 12)
    assert over.end == at(10)
    assert told(house) == [("blind", "olga"), ("sees-again", "olga")]


def test_no_poll_at_all_is_an_outage_once_its_time_has_passed(house: House) -> None:
    """The scheduler of one source hangs; the other one goes on."""
    seen = []
    for i in range(12):
        poll(house, i, i + 1, source="feed")
        seen += look(house, i + 1)
    (outage,) = seen
    assert (outage.source, outage.start, outage.reason) == ("mastodon", NOON, "no poll covered it")


def test_refilled_before_anybody_looked_is_no_outage_and_after_it_is_over(house: House) -> None:
    poll(house, 0, 3, ok=False)
    poll(house, 0, 4)
    poll(house, 0, 4, source="feed")
    assert look(house, 4) == []
    poll(house, 4, 7, ok=False)
    poll(house, 4, 7, source="feed")
    look(house, 7)
    poll(house, 4, 8)
    poll(house, 7, 8, source="feed")
    (over,) = look(house, 8)
    assert (over.start, over.end) == (at(4), at(8))


def test_a_retry_that_collected_all_ends_it_when_it_came(house: House) -> None:
    """It overwrote the row of the poll that failed: nothing but when it came says for how long nobody saw."""
    poll(house, 0, 2, ok=False)
    poll(house, 0, 2, source="feed")
    look(house, 2)
    house.listen(at(0), at(2), sources=["mastodon"], known_at=at(30) + MINUTE)
    house.listen(at(2), at(30), sources=["mastodon", "feed"], known_at=at(30) + MINUTE)
    (over,) = look(house, 30)
    assert (over.start, over.end) == (at(0), at(30))
    (notice,) = house.store.read(Notice, step="sees-again")
    assert "13:00 to 25 Mar 15:30" in notice.subject
    assert "Refill: nothing is missing: all of it was collected since\nDo: nothing\n" in notice.body
    assert "unknown" not in notice.body


def test_a_part_that_stays_missing_does_not_shorten_it(house: House) -> None:
    """What had scrolled off by then is missing; the rest came late, and was not seen until then either."""
    poll(house, 0, 2, ok=False)
    poll(house, 0, 30, source="feed")
    look(house, 2)
    poll(house, 0, 12, ok=False)
    poll(house, 12, 30)
    (over,) = look(house, 30)
    assert (over.start, over.end) == (at(0), at(29))  # what the last interval brought was in time
    (notice,) = house.store.read(Notice, step="sees-again")
    assert "Do: what is still missing: run collect_mastodon with start and end of the stretch" in notice.body
    assert "what was said there is unknown" in notice.body


def test_a_connection_is_named_only_where_there_is_one(house: House) -> None:
    for source in ("mastodon", "feed"):
        poll(house, 0, 2, ok=False, source=source)
    look(house, 2)
    open_to_all, logs_in = (n.body for n in sorted(house.store.read(Notice), key=lambda n: n.subject))
    assert "renew the connection mastodon" in logs_in
    assert "connection" not in open_to_all and "clear its failed runs" in open_to_all


def test_one_that_came_and_went_while_nothing_ran_is_told_in_one_notice(house: House) -> None:
    poll(house, 0, 6, ok=False)
    poll(house, 6, 9)
    poll(house, 0, 9, source="feed")
    (outage,) = look(house, 9)
    assert (outage.start, outage.end) == (at(0), at(6))
    assert told(house) == [("blind", "olga")]
    assert look(house, 10) == []


def test_history_that_was_imported_is_no_outage(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        house.listen(NOON - 20 * HOUR, NOON - 9 * HOUR, assumed=True)
        house.listen(NOON, NOON + HOUR)
        assert look(house, 12) == []


def test_a_retired_source_is_not_told_of(house: House) -> None:
    content = house.plan.content()
    content["brands"]["brands"][0]["markets"][0]["sources"]["mastodon"]["retired_on"] = "2026-03-26"
    plan = Plan.model_validate(content)
    midnight = utc(2026, 3, 25, 23)  # Rome
    house.listen(NOON, midnight + 2 * HOUR, sources=["feed"], known_at=NOON)
    house.listen(NOON, midnight - HOUR, sources=["mastodon"])
    house.listen(midnight - HOUR, midnight, ok=False, sources=["mastodon"], error="410", known_at=midnight - 2 * MINUTE)
    assert [o.source for o in follow(house.store, plan, Fixed(midnight - MINUTE))] == ["mastodon"]
    assert follow(house.store, plan, Fixed(midnight + 2 * HOUR)) == []
    (row,) = house.store.read(Outage)
    assert (row.end, row.told_over_at) == (midnight, None)
    assert told(house) == [("blind", "olga")]


def incident(house: House, severity: str, commander: str | None = None, state: str = "assessed") -> Incident:
    row = Incident(
        incident_id=f"i-{severity}", market="zefirella", title="Mould", state=state, severity=severity, severity_proposed=severity,  # type: ignore[arg-type]
        reasons=[], commander=commander, policy={"people": PEOPLE, "steps": []}, onset_at=NOON, detected_at=NOON,
    )  # fmt: skip
    house.store.upsert([row])
    return row


def test_the_commander_of_an_open_incident_is_told_too(house: House) -> None:
    incident(house, "S2", commander="anna")
    poll(house, 0, 2, ok=False)
    look(house, 2)
    assert told(house) == [("blind", "anna"), ("blind", "olga")]
    assert all("do not read a quiet mastodon as calm" in n.body for n in house.store.read(Notice))
    poll(house, 2, 3)
    look(house, 3)
    assert [x for x in told(house) if x[0] == "sees-again"] == [("sees-again", "anna"), ("sees-again", "olga")]


def test_an_incident_that_opens_while_a_source_is_blind(house: House) -> None:
    poll(house, 0, 2, ok=False)
    look(house, 2)
    incident(house, "S1")
    poll(house, 2, 3, ok=False)
    look(house, 3)
    assert told(house) == [("blind", "olga")]  # an issue has no commander who could be misled
    open_now = incident(house, "S3")
    for i in (3, 4):
        poll(house, i, i + 1, ok=False)
        look(house, i + 1)
    assert told(house) == [("blind", "bruno"), ("blind", "olga")]  # nobody has taken it yet: the crisis lead
    house.store.upsert([open_now.model_copy(update={"commander": "anna"})])
    poll(house, 5, 6, ok=False)
    look(house, 6)
    assert told(house) == [("blind", "anna"), ("blind", "bruno"), ("blind", "olga")]


def test_what_is_written_is_sent_and_by_its_own_run(tmp_path: Path) -> None:
    people = [{**p, "addresses": {"folder": str(tmp_path / "mails")}} for p in PEOPLE]
    steps = [{"notify": ["duty_lead"], "channels": ["folder"], "wait_minutes": 15}]
    with House(tmp_path, a_plan(people=people, steps=steps)) as house:
        house.listen(NOON - DAY, NOON)
        poll(house, 0, 2, ok=False)
        fresh = Notice(
            incident_id="i", step="acknowledge", repetition=0, receiver="anna", channel="folder", address=str(tmp_path / "mails"),
            subject="s", body="b", intended_at=at(2), status="intended",
        )  # fmt: skip
        house.store.upsert([fresh])
        lines = tell(house.store, house.plan, Fixed(at(2) + MINUTE), {})
        assert lines == ["mastodon for zefirella is blind since 2026-03-25 12:00 UTC"]
        (sent,) = house.store.read(Notice, status="sent")
        assert sent.incident_id == id_of(house.store.read(Outage)[0])
        assert house.store.read(Notice, status="intended") == [fresh]  # that one's own run is sending it just now
        assert tell(house.store, house.plan, Fixed(at(3) + MINUTE), {}) == []


@settings(few, max_examples=3)
@given(st.integers(0, 10_000))
def test_every_outage_of_two_windows_is_told_once_and_none_is_invented(seed: int) -> None:
    """Two sources, 60 windows, faults at random and no refills; looked at after every window."""
    chance, faults = random.Random(seed), dict[str, list[bool]]()
    with TemporaryDirectory() as folder, House(Path(folder)) as house:
        house.listen(NOON - DAY, NOON)
        for source in ("mastodon", "feed"):
            faults[source] = [down for down, n in zip(itertools.cycle((False, True)), (chance.randint(1, 5) for _ in range(30)), strict=False) for _ in range(n)][:60]  # fmt: skip
            faults[source] += [False] * (61 - len(faults[source]))
        for i in range(61):
            for source, down in faults.items():
                poll(house, i, i + 1, ok=not down[i], source=source)
            look(house, i + 1)
        for source, down in faults.items():
            truth = merged([(at(i), at(i + 1)) for i in range(60) if down[i]])
            expected = [w for w in truth if w.end - w.start >= LEAST]
            rows = house.store.read(Outage, source=source)
            assert [Window(o.start, o.end or at(99)) for o in rows] == expected
            for o in rows:
                steps = sorted(n.step for n in house.store.read(Notice, incident_id=id_of(o)))
                assert steps == ["blind", "sees-again"]


def test_span_of_a_look(house: House) -> None:
    """What ended more than a day ago is history: the reports show it, and nobody is woken for it."""
    poll(house, 0, 6, ok=False)
    house.listen(at(6), at(6) + timedelta(days=3))
    assert follow(house.store, house.plan, Fixed(at(6) + timedelta(days=3) + MINUTE)) == []


def test_one_that_is_found_late_begins_where_it_began(house: House) -> None:
    """The machine was off for three days."""
    found = follow(house.store, house.plan, Fixed(NOON + 3 * DAY))
    assert [(o.source, o.start, o.end) for o in found] == [("feed", NOON, None), ("mastodon", NOON, None)]
