"""What is replayed is what was lived: the same history gives the same signals, incidents and events, whatever came late."""

import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import COMPLAINTS, DAY, HOUR, MINUTE, VOLUME, House, a_plan, few, mention, score, utc, windows
from hypothesis import given
from hypothesis import strategies as st

from coolhead import incidents
from coolhead.replay import Replayed, Track, replay, span_of
from coolhead.rows import Incident, IncidentEvent, Judged, Mute, Seen, Signal, key_of
from coolhead.seeing import points_of
from coolhead.windows import BASE, GRACE, Window

NOON = utc(2026, 3, 25, 12)
HELD = {"name": "held", "rule": "threshold", "kpi": "volume", "above": 25, "for": 15, "cool_down": 60, "severity": "S1"}
PLAN = a_plan(
    {**VOLUME, "clear": 12}, {**COMPLAINTS, "min_authors": 2}, HELD,
    {"name": "share", "rule": "threshold", "kpi": "negative_share", "above": 0.6, "bound": "low", "min_n": 12, "min_authors": 2, "severity": "S3"},
)  # fmt: skip
STORMS = ((0.5, 40, 40, 0.9), (3.0, 30, 35, 0.2), (5.0, 50, 50, 0.9), (29.5, 40, 40, 0.85))
"""Hours after noon, minutes, mentions, share of negatives."""
END = NOON + 31 * HOUR
TICKS = [
    NOON + 40 * MINUTE, *(NOON + 45 * MINUTE + n * BASE for n in range(6)), *(NOON + n * HOUR / 2 for n in (4, 8, 9, 10)),
    *(NOON + 5 * HOUR + n * 20 * MINUTE for n in (1, 2, 3)), NOON + 29 * HOUR, NOON + 30 * HOUR, END,
]  # fmt: skip
"""Every five minutes over the edge of the first storm; then many windows are judged at once."""


def told() -> list[Any]:
    """Mentions with their scores; every tenth comes half an hour late, every fifteenth is scored late."""
    rng, out = random.Random(11), []
    moments = [NOON + 31 * HOUR * rng.random() for _ in range(50)]
    labels = ["negative" if rng.random() < 0.2 else "neutral" for _ in moments]
    for hour, minutes, count, share in STORMS:
        moments += [NOON + timedelta(hours=hour, minutes=minutes * rng.random()) for _ in range(count)]
        labels += ["negative" if rng.random() < share else "neutral" for _ in range(count)]
    for n, (at, label) in enumerate(zip(moments, labels, strict=True)):
        late = timedelta(minutes=rng.choice([31, 47])) if n % 10 == 0 else timedelta(seconds=rng.randrange(20, 200))
        m = mention(n, at.replace(microsecond=0), known_at=at.replace(microsecond=0) + late, author=f"a{n % 60}")
        out.append((m, score(m, label, known_at=m.known_at + timedelta(minutes=20 if n % 15 == 0 else 0))))
    return out


class Lived:
    """The history as it came, evaluated every five minutes, with people in it."""

    def __init__(self, house: House) -> None:
        self.house, self.all, self.before = house, told(), NOON - DAY
        self.deeds = {
            NOON + 70 * MINUTE: self._answer, NOON + 2 * HOUR: self._edit, NOON + 4 * HOUR: self._dismiss, NOON + 4.5 * HOUR: self._report,
            NOON + 5 * HOUR: self._mute, NOON + 30 * HOUR: self._answer,
        }  # fmt: skip
        for start in windows(NOON - HOUR, END):
            house.listen(start, start + BASE, known_at=start + BASE)

    def live(self) -> None:
        for at in TICKS:
            now = at + GRACE
            self.house.number += 1
            self.house.put((m, s) for m, s in self.all if self.before < m.known_at <= now)
            self.house.evaluate(now)
            if at in self.deeds:
                self.deeds[at](now + MINUTE)
            self.before = now

    def _open(self) -> Incident:
        return max((i for i in self.house.store.read(Incident) if i.state in incidents.FIRM), key=lambda i: i.detected_at)

    def _answer(self, now: datetime) -> None:
        one = self._open().incident_id
        incidents.decide(self.house.store, one, f"a{now}", "acknowledge", "anna", now)
        incidents.decide(
            self.house.store, one, f"b{now}", "assess", "anna", now + MINUTE, details={"severity": "S2", "cause": "rumour"}
        )

    def _dismiss(self, now: datetime) -> None:
        incidents.decide(self.house.store, self._open().incident_id, "c", "dismiss", "anna", now, "campaign")

    def _report(self, now: datetime) -> None:
        incidents.report(self.house.store, self.house.plan, self.house.market, "bruno", now, "a journalist called")

    def _mute(self, now: datetime) -> None:
        self.house.store.upsert([Mute(
            mute_id="m1", market="zefirella", kind="silence", rules=["flood", "held"], owner="anna", reason="giveaway", start=now,
            end=now + 50 * MINUTE, made_by="anna", made_at=now,
        )])  # fmt: skip

    def _edit(self, now: datetime) -> None:
        """What was a complaint in the first storm turns out to be praise: its text was edited."""
        changed = [m for m, s in self.all if s.label == "negative" and m.published_at < NOON + HOUR]
        with self.house.store.writing() as writer:
            writer.mark_edited([key_of(m) for m in changed])
            writer.upsert([m.model_copy(update={"text": "Zefirella, che buono", "edited_at": now}) for m in changed])
            writer.upsert([score(m, "positive", known_at=now) for m in changed])


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("lived"), PLAN) as house:
        Lived(house).live()
        yield house


def again(house: House, start: datetime = NOON - DAY, end: datetime = END, **more: Any) -> Replayed:
    return replay(house.store, [more.pop("plan", house.plan)], house.market, Window(start, end), keep=True, **more)


def signals_of(done: Replayed) -> list[Signal]:
    return sorted((s for p in done.played for s in p.signals), key=lambda s: (s.rule, s.start, s.topic))


def incidents_of(done: Replayed) -> list[Incident]:
    return sorted({i.incident_id: i for p in done.played for i in p.incidents}.values(), key=lambda i: i.incident_id)


def without_policy(found: Sequence[Incident]) -> list[dict[str, Any]]:
    return [i.model_dump(exclude={"policy"}) for i in found]


def test_the_story_holds_what_it_is_told_for(lived: House) -> None:
    found = lived.store.read(Incident)
    assert {i.state for i in found} == {"assessed", "dismissed"}
    assert any("report" in i.reasons[0] for i in found)
    assert {s.rule for s in lived.store.read(Signal)} == {"flood", "complaints", "held", "share"}
    assert lived.store.count(Signal, muted_by="m1") > 3


def test_replay_and_live_agree_exactly(lived: House) -> None:
    """Mentions and scores came late, texts were edited, people answered, dismissed, reported and muted."""
    done = again(lived)
    assert signals_of(done) == lived.store.read(Signal)
    assert without_policy(incidents_of(done)) == without_policy(lived.store.read(Incident))
    events = sorted((e for p in done.played for e in p.events), key=lambda e: (e.incident_id, e.at, e.kind))
    facts = ("contained", "recovered", "responded")
    assert events == [e for e in lived.store.read(IncidentEvent) if e.kind not in facts]
    assert done.computed == 0


def test_from_the_middle_it_agrees_too(lived: House) -> None:
    """A day of warm-up before, so that what must hold, has cooled down, or goes on is as live."""
    since = NOON + 29 * HOUR
    done = again(lived, since)
    assert [s for s in signals_of(done) if s.start >= since] == [s for s in lived.store.read(Signal) if s.start >= since]
    assert sum(p.signals for e in done.tracks[0].episodes.all() for p in e.parts.values()) == len(
        [s for s in signals_of(done) if s.start >= since and not s.muted_by]
    )


def test_nothing_is_written(lived: House) -> None:
    before = [lived.store.read(kind) for kind in (Signal, Incident, Seen, Judged)]
    again(lived)
    assert [lived.store.read(kind) for kind in (Signal, Incident, Seen, Judged)] == before


def test_cutting_the_future_off_never_changes_the_past(lived: House) -> None:
    whole = signals_of(again(lived))
    for hours in (1, 4, 6, 30):
        end = NOON + hours * HOUR
        assert signals_of(again(lived, end=end)) == [s for s in whole if s.start < end]


@few
@given(cuts=st.lists(st.integers(1, 370), max_size=40))
def test_any_chunking_gives_the_same(lived: House, cuts: list[int]) -> None:
    """Without people: what they did is no part of the rules' fold."""
    rows = lived.store.read(Seen, market="zefirella")
    bounds = [0, *sorted(c for c in set(cuts) if c < len(rows)), len(rows)]

    def played(parts: list[list[Seen]]) -> tuple[list[Signal], dict[str, Incident]]:
        track = Track(PLAN, lived.market, NOON - DAY)
        done = [track.play(part, points_of(part), [], []) for part in parts]
        return [s for p in done for s in p.signals], track.past

    assert played([rows[i:j] for i, j in itertools.pairwise(bounds)]) == played([rows])


def test_windows_that_nobody_judged_are_computed_as_live_would_have(lived: House, tmp_path: Path) -> None:
    """The same mentions in a store where nothing was ever judged; without people, whose deeds are not in it."""
    content = Path(lived.store.url.removeprefix("sqlite:///")).read_bytes()
    quiet = Window(NOON, NOON + 2 * HOUR)
    with House(tmp_path, PLAN, content) as house:
        with house.store.writing() as writer:
            writer.delete(Seen, market="zefirella")
            writer.delete(Judged, market="zefirella")
        done = again(house, end=quiet.end)
        assert done.computed == done.windows > 10
        assert house.store.count(Seen) == 0
        # What was edited since is read as it is now: only a store that kept what was seen knows better.
        assert signals_of(done) != [s for s in lived.store.read(Signal) if s.start in quiet]
        flood = [(s.start, s.value) for s in signals_of(done) if s.rule == "flood"]
        assert flood == [(s.start, s.value) for s in lived.store.read(Signal, rule="flood") if s.start in quiet] != []


def test_other_rules_see_the_same_history(lived: House) -> None:
    other = a_plan(
        {**VOLUME, "above": 40},
        {"name": "few", "rule": "threshold", "kpi": "negative_volume", "above": 3, "min_authors": 2, "severity": "S2"},
    )
    done = replay(lived.store, [PLAN, other], lived.market, Window(NOON - DAY, END))
    one, two = (t.episodes.all() for t in done.tracks)
    assert {r for e in two for r in e.parts} == {"flood", "few"}
    assert sum(e.parts["flood"].signals for e in two if "flood" in e.parts) < sum(
        e.parts["flood"].signals for e in one if "flood" in e.parts
    )
    alone = replay(lived.store, [other], lived.market, Window(NOON - DAY, END)).tracks[0].episodes.all()
    assert two == alone


def test_a_span_is_of_whole_windows_that_are_over(lived: House) -> None:
    now = END + 3 * MINUTE
    assert span_of(lived.store, lived.market, NOON + MINUTE, None, now) == Window(NOON, END)
    first = min(m.published_at for m, _ in told())
    assert span_of(lived.store, lived.market, None, NOON + HOUR, now).start <= first
    with pytest.raises(
        incidents.ConfigError, match="holds no window of zefirella that is over; what is stored begins 2026-03-25"
    ):
        span_of(lived.store, lived.market, END + DAY, None, now)
