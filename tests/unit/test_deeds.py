"""What people did is done again at its time, to the incidents that the replayed rules opened."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from building import DAY, MINUTE, House, a_plan, utc

from coolhead import incidents
from coolhead.clock import Fixed
from coolhead.evaluation import Judge
from coolhead.measuring import Measurer
from coolhead.merging import Part, merge, split
from coolhead.plan import Plan
from coolhead.replay import Replayed, replay
from coolhead.rows import ALL, CollectionLog, Incident, IncidentEvent, Seen, Signal
from coolhead.windows import BASE, GRACE, Window

NOON = utc(2026, 3, 25, 12)
PLAN = a_plan(
    {"name": "flood", "rule": "threshold", "kpi": "volume", "above": 20, "severity": "S1"},
    {"name": "anger", "rule": "threshold", "kpi": "negative_volume", "above": 10, "min_authors": 2, "severity": "S2"},
)  # fmt: skip


class Stage:
    """A market whose windows are said outright: the judge sees them as if mentions had made them."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.house, self.at, self.rows = house, NOON, dict[datetime, Seen]()
        house.store.upsert(
            [CollectionLog(source="files", market="zefirella", start=NOON, end=NOON + DAY, ok=True, known_at=NOON)]
        )
        measurer = Measurer.of(house.store, house.plan, house.market)
        self.judge = Judge(house.store, house.plan, house.market, measurer, Fixed(NOON))
        monkeypatch.setattr(self.judge.seeing, "look", lambda span: [r for s, r in sorted(self.rows.items()) if s in span])

    def lives(self, *windows: tuple[float, float], until: datetime | None = None) -> None:
        """(volume, negatives) of windows one after the other, each judged as soon as it is over; until: an outage ends, and all are
        judged then."""
        for volume, negative in windows:
            self.judge.clock = Fixed(until or self.at + BASE + GRACE)
            numbers = {
                "volume": [volume, volume, None, None, None],
                "negative_volume": [negative, volume, None, None, None],
                "unique_authors": [volume, volume, None, None, None],
            }
            self.rows[self.at] = Seen(
                market="zefirella",
                start=self.at,
                quality="ok",
                numbers=numbers,
                evidence={"onset": self.at.isoformat()},
                as_of=self.at + BASE + GRACE,
            )
            self.judge.judge(Window(self.at, self.at + BASE))
            self.at += BASE

    @property
    def now(self) -> datetime:
        """A minute after the last window was judged."""
        return self.at + GRACE + MINUTE

    def newest(self) -> str:
        return max(self.house.store.read(Incident), key=lambda i: i.detected_at).incident_id

    def again(self, plan: Plan = PLAN) -> Replayed:
        return replay(self.house.store, [plan], self.house.market, Window(NOON, self.at), keep=True)

    def agrees(self) -> Replayed:
        done = self.again()
        moved = {(s.rule, s.start, s.topic): s for p in done.played for some in (p.moved, p.signals) for s in some}
        found = {i.incident_id: i for p in done.played for i in p.incidents}
        assert sorted(moved.values(), key=lambda s: (s.rule, s.start)) == self.house.store.read(Signal)
        policy: Any = {"policy"}
        live = {i.incident_id: i.model_dump(exclude=policy) for i in self.house.store.read(Incident)}
        assert {i: row.model_dump(exclude=policy) for i, row in found.items()} == live
        return done


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with House(tmp_path, PLAN) as house:
        yield Stage(house, monkeypatch)


def decide(stage: Stage, kind: str, incident: str | None = None, at: datetime | None = None, **more: Any) -> None:
    incidents.decide(
        stage.house.store, incident or stage.newest(), f"{kind}{stage.at}", kind, "anna", at or stage.now, "because", **more
    )


def test_what_a_person_settled_only_smoulders_on_and_wakes_again_later(stage: Stage) -> None:
    stage.lives((30, 2), (30, 3))
    decide(stage, "dismiss")
    stage.lives((30, 2), (5, 0), (30, 2), (40, 20), (30, 15))
    decide(stage, "acknowledge")
    stage.lives((30, 12))
    done = stage.agrees()
    assert len(done.tracks[0].episodes.all()) == 2
    assert {i.state for i in stage.house.store.read(Incident)} == {"dismissed", "acknowledged"}


def test_a_reopened_one_goes_on(stage: Stage) -> None:
    stage.lives((30, 2))
    decide(stage, "dismiss")
    stage.lives((30, 2))
    decide(stage, "reopen")
    stage.lives((30, 12), (30, 2))
    stage.agrees()


def test_two_of_one_cause_are_one_and_their_signals_move(stage: Stage) -> None:
    stage.lives((30, 2), (30, 2))
    first = stage.newest()
    decide(stage, "dismiss")
    stage.lives((40, 20))
    decide(stage, "reopen", first)
    second = stage.newest()
    merge(stage.house.store, second, first, "anna", stage.now, "the same")
    stage.lives((40, 20), (30, 2))
    (only,) = stage.agrees().tracks[0].episodes.all()
    assert only.incident_id == first
    assert (only.parts["flood"].signals, only.parts["anger"].signals) == (5, 2)


def test_a_part_of_its_signals_becomes_another(stage: Stage) -> None:
    stage.lives((30, 2), (40, 20), (40, 20))
    mine = stage.newest()
    part = Part(rule="anger", topic=ALL, called="the whole brand")
    new = split(stage.house.store, mine, part, "anna", stage.now, "two causes")
    stage.lives((40, 20), (30, 2))
    episodes = {e.incident_id: e for e in stage.agrees().tracks[0].episodes.all()}
    assert set(episodes) == {mine, new.incident_id}
    assert episodes[new.incident_id].title == new.title
    assert new.title.endswith("[split: rule anger, topic the whole brand]")
    assert sum(p.signals for e in episodes.values() for p in e.parts.values()) == stage.house.store.count(Signal)


def test_what_a_person_reported_takes_in_what_rules_find_after(stage: Stage) -> None:
    stage.lives((3, 0))
    incidents.report(stage.house.store, PLAN, stage.house.market, "bruno", stage.now, "a journalist called")
    stage.lives((30, 2), (30, 15))
    (episode,) = stage.agrees().tracks[0].episodes.all()
    assert episode.title == "Zefirella: reported by bruno"


def test_facts_are_noted_when_time_brought_them(stage: Stage) -> None:
    stage.lives((30, 2))
    decide(stage, "acknowledge")
    stage.lives((3, 0))
    one = stage.house.store.read(Incident)[0]
    stage.house.store.upsert([
        one.model_copy(update={"contained_at": stage.at, "state": "contained"}),
        IncidentEvent(incident_id=one.incident_id, at=stage.at, kind="contained", detail="calm"),
    ])  # fmt: skip
    stage.lives((30, 2), (30, 15))
    stage.agrees()


@pytest.mark.parametrize("minutes", [7.5, 10, 100])
def test_a_decision_counts_in_windows_that_were_judged_after_it(stage: Stage, minutes: float) -> None:
    """The cron starts some minutes after a window is over, and after an outage hours: meanwhile people decide."""
    stage.lives((30, 2))
    decide(stage, "dismiss", at=stage.at + minutes * MINUTE)
    stage.lives((40, 20), until=stage.at + (minutes + 1) * MINUTE)
    stage.lives((30, 15), until=stage.at + (minutes + 6) * MINUTE)
    stage.agrees()
    assert sorted(i.state for i in stage.house.store.read(Incident)) == ["detected", "dismissed"]


def test_of_windows_that_are_judged_together_none_knows_a_later_decision(stage: Stage) -> None:
    judged = stage.at + 100 * MINUTE
    stage.lives((30, 2), (40, 20), until=judged)
    decide(stage, "dismiss", at=judged + MINUTE)
    stage.lives((30, 2), until=judged + 2 * MINUTE)
    stage.agrees()
    assert [(i.state, i.severity_proposed) for i in stage.house.store.read(Incident)] == [("dismissed", "S2")]


def test_a_fact_is_noted_after_all_that_was_judged_together(stage: Stage) -> None:
    stage.lives((30, 2))
    decide(stage, "acknowledge")
    calm = stage.at + BASE
    stage.lives((3, 0), (40, 20), until=stage.at + 100 * MINUTE)
    one = stage.house.store.read(Incident)[0]
    stage.house.store.upsert([
        one.model_copy(update={"contained_at": calm, "state": "contained"}),
        IncidentEvent(incident_id=one.incident_id, at=calm, kind="contained", detail="calm"),
    ])  # fmt: skip
    stage.lives((30, 2), until=stage.at + 100 * MINUTE)
    stage.agrees()


def test_under_other_rules_a_decision_goes_to_the_one_of_the_same_cause(stage: Stage) -> None:
    """The other rule opens its incident a window later, hence under another id; what is dismissed stays dismissed."""
    stage.lives((25, 2), (45, 2))
    decide(stage, "dismiss")
    stage.lives((45, 2), (45, 2))
    other = a_plan({"name": "flood", "rule": "threshold", "kpi": "volume", "above": 40, "severity": "S1"})
    done = stage.again(other)
    states = {i.incident_id: i.state for p in done.played for i in p.incidents}
    assert list(states.values()) == ["dismissed"]
    assert set(states).isdisjoint({i.incident_id for i in stage.house.store.read(Incident)})


def test_what_the_other_rules_never_saw_nobody_decides_upon(stage: Stage) -> None:
    stage.lives((25, 2))
    decide(stage, "dismiss")
    stage.lives((3, 0))
    other = a_plan({"name": "flood", "rule": "threshold", "kpi": "volume", "above": 400, "severity": "S1"})
    assert [i for p in stage.again(other).played for i in p.incidents] == []
