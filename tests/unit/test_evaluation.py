"""The rules over stored mentions: live equals replay, nothing looks ahead, what is blind or an incident is not usual."""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import (
    COMPLAINTS,
    DAY,
    HOUR,
    MINUTE,
    SPIKE,
    SURGE,
    VOLUME,
    House,
    a_plan,
    mention,
    score,
    utc,
    windows,
)

from coolhead import firing, registry
from coolhead.baselines import VolumeBaseline
from coolhead.clock import Fixed
from coolhead.errors import ConfigError
from coolhead.evaluation import evaluate_all
from coolhead.plan import restore
from coolhead.rows import ALL, CollectionLog, Dirty, Incident, IncidentEvent, Judged, KpiPoint, Mention, Score, Signal
from coolhead.rules import Finding, with_baseline
from coolhead.windows import BASE, GRACE, Window, floor

BEGIN = utc(2026, 3, 1)
STORM = BEGIN + 16 * DAY + 18 * HOUR
END = STORM + 100 * MINUTE
EVE = STORM - HOUR + GRACE
HELD_BADLY = {**VOLUME, "name": "badly", "above": "much"}
STORY = a_plan(VOLUME, COMPLAINTS, SPIKE, {**SURGE, "min_n": 35})
Said = tuple[Mention, Score | None]


def invented(
    begin: datetime, end: datetime, a_day: int = 40, seed: int = 7, label: str | None = None, number: int = 0
) -> list[Said]:
    """Mentions at random times, known 1 to 4 minutes after their publication."""
    rng = random.Random(f"{seed} {label}")
    count = int((end - begin) / DAY * a_day)
    moments = sorted(begin + (end - begin) * rng.random() for _ in range(count))
    out: list[Said] = []
    for i, at in enumerate(at.replace(microsecond=0) for at in moments):
        m = mention(
            number + i, at, author=f"a{rng.randrange(300)}", audience=rng.choice([None, 40, 900]), own=label is None and rng.random() < 0.03,
            known_at=at + timedelta(seconds=rng.randrange(60, 240)), source=rng.choice(["mastodon", "mastodon", "feed"]),
        )  # fmt: skip
        said = label or rng.choices(["negative", "neutral", "positive", "unscored"], [2, 4, 5, 1])[0]
        out.append((m, score(m, said)))
    return out


def story() -> list[Said]:
    """Sixteen calm days with a small storm on the fourteenth, and a large one at the end."""
    small = invented(STORM - 2 * DAY, STORM - 2 * DAY + 40 * MINUTE, 1800, label="negative", number=10_000)
    large = invented(STORM, END, 900, label="negative", number=20_000)
    return [*invented(BEGIN, END, 18), *small, *large]


def polls(begin: datetime, end: datetime, step: timedelta = HOUR) -> list[tuple[datetime, datetime]]:
    return [(begin + i * step, min(begin + (i + 1) * step, end)) for i in range(-(-(end - begin) // step))]


def play(
    house: House,
    told: Sequence[Said],
    ticks: Iterable[datetime],
    logs: Sequence[tuple[datetime, datetime]] = (),
    since: datetime = BEGIN - DAY,
) -> None:
    """Evaluate at each tick what had become known by then, and was not known before."""
    before = since
    for now in ticks:
        house.number += 1
        house.put(s for s in told if before < s[0].known_at <= now)
        for start, end in logs:
            if before < end + MINUTE <= now:
                house.listen(start, end)
        house.evaluate(now)
        before = now


def outcome(house: House, before: datetime = END) -> dict[str, Any]:
    """What was judged: signals, incidents, events, and volume z with its verdict."""
    z = [p for p in house.points("5min", kpi="volume_z") if p.start < before]
    return {
        "signals": [s for s in house.store.read(Signal) if s.start < before],
        "incidents": house.store.read(Incident), "events": house.store.read(IncidentEvent),
        "z": {p.start: (p.value, p.n, p.quality, p.as_of) for p in z},
    }  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def told() -> list[Said]:
    return story()


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, told: list[Said]) -> Iterator[House]:
    """The whole story judged in one run."""
    with House(tmp_path_factory.mktemp("once"), STORY) as made:
        play(made, told, [END + GRACE], polls(BEGIN, END))
        yield made


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, told: list[Said]) -> bytes:
    """The store as it was shortly before the storm, after one run."""
    folder = tmp_path_factory.mktemp("calm")
    with House(folder, STORY) as made:
        play(made, told, [EVE], polls(BEGIN, END))
    return (folder / "store.db").read_bytes()


def test_the_story_is_worth_the_name(once: House) -> None:
    """Otherwise the comparisons below would compare nothing with nothing."""
    found = outcome(once)
    assert {s.rule for s in found["signals"]} == {"flood", "complaints", "spike", "surge"}
    assert len(found["incidents"]) == 2
    assert any(e.kind.startswith("severity-") for e in found["events"])


def test_live_equals_one_run(tmp_path: Path, told: list[Said], once: House, calm: bytes) -> None:
    """Every five minutes through the storm, and the days before it in one run."""
    live = [STORM - BASE + GRACE + i * BASE for i in range(12)]
    with House(tmp_path, STORY, calm) as house:
        play(house, told, [*live, END + GRACE], polls(BEGIN, END), since=EVE)
        assert outcome(house) == outcome(once)


def test_any_chunks_of_history_give_the_same(tmp_path: Path, told: list[Said], once: House) -> None:
    """A past incident is left out of what is usual whether or not it was found in the same run."""
    ticks = [STORM - 2 * DAY + 20 * MINUTE, STORM - 30 * HOUR, STORM - 7 * HOUR, END]
    with House(tmp_path, STORY) as house:
        play(house, told, [t + GRACE for t in ticks], polls(BEGIN, END))
        assert outcome(house) == outcome(once)


def test_the_future_changes_no_past_signal(tmp_path: Path, told: list[Said], once: House, calm: bytes) -> None:
    cut = STORM + 40 * MINUTE
    with House(tmp_path, STORY, calm) as house:
        play(house, [s for s in told if s[0].known_at <= cut + GRACE], [cut + GRACE], polls(BEGIN, cut), since=EVE)
        found = outcome(house, cut)
        assert found["signals"]
        assert found["signals"] == outcome(once, cut)["signals"]
        assert {k: v[:2] for k, v in found["z"].items()} == {k: v[:2] for k, v in outcome(once, cut)["z"].items()}


def test_a_window_is_judged_once(house: House) -> None:
    """Mentions that come late change the numbers of their windows, never a signal; running again changes nothing."""
    at = BEGIN + 12 * HOUR
    for i in range(10):
        house.say(at + i * MINUTE)
    house.evaluate(at + HOUR)
    assert not house.store.read(Signal)
    judged = house.store.read(Judged)
    for i in range(30):
        house.say(at + i * timedelta(seconds=9), known_at=at + 90 * MINUTE)
    found = house.evaluate(at + 2 * HOUR)
    assert not [s for s in house.store.read(Signal) if s.start < judged[0].through]
    (hour,) = house.points("hour", kpi="volume", source=ALL, lang=ALL)
    assert (hour.value, hour.as_of) == (40, at + 2 * HOUR)
    assert found.judged == Window(floor(at + HOUR - GRACE), floor(at + 2 * HOUR - GRACE))
    assert house.store.read(Judged)[0].through == floor(at + 2 * HOUR - GRACE)
    before = (house.store.read(Signal), house.store.read(KpiPoint), house.store.read(Judged))
    assert house.evaluate(at + 2 * HOUR).points == 0
    assert (house.store.read(Signal), house.store.read(KpiPoint), house.store.read(Judged)) == before


def test_late_mentions_count_from_when_they_were_known(house: House) -> None:
    """Published in the trailing hour and known now: the storm that a network delivered late is still seen."""
    at = BEGIN + 12 * HOUR
    for i in range(25):
        house.say(at + i * timedelta(seconds=10), known_at=at + 31 * MINUTE)
    house.evaluate(at + 2 * HOUR)
    signals = house.store.read(Signal, rule="flood")
    assert [s.start for s in signals] == windows(at + 25 * MINUTE, at + HOUR)


def test_a_mention_known_after_the_grace_is_not_in_the_onset(house: House) -> None:
    """T0 is what could be seen when the rule fired, in a replay too."""
    at = BEGIN + 12 * HOUR
    for i in range(25):
        house.say(at + i * timedelta(seconds=10))
    for i in range(9):
        house.say(at - 4 * MINUTE + i * timedelta(seconds=20), known_at=at + 40 * MINUTE)
    house.evaluate(at + 2 * HOUR)
    (incident,) = house.store.read(Incident)
    assert incident.onset_at == at


def test_scores_count_from_when_they_were_read(house: House) -> None:
    """A scorer that was down for an hour: replay must not see what live could not."""
    at = BEGIN + 12 * HOUR
    late = at + 50 * MINUTE
    told = [mention(i, at + i * timedelta(seconds=9)) for i in range(20)]
    house.put((m, score(m, "negative", known_at=late)) for m in told)
    house.evaluate(at + 2 * HOUR)
    signals = house.store.read(Signal, rule="complaints")
    assert [s.start for s in signals] == windows(at + 45 * MINUTE, at + HOUR)


def test_an_isolated_bad_comment_raises_nothing(tmp_path: Path, calm: bytes) -> None:
    """However large its author's audience, and with a warm baseline."""
    with House(tmp_path, STORY, calm) as house:
        house.number = 50_000
        house.say(EVE, "negative", audience=5_000_000)
        before = house.store.read(Signal)
        house.evaluate(EVE + DAY)
        assert house.store.read(Signal) == before
        assert len(house.store.read(Incident)) == 1


def test_own_posts_raise_nothing(house: House) -> None:
    for i in range(100):
        house.say(BEGIN + i * timedelta(seconds=20), "negative", own=True)
    house.evaluate(BEGIN + DAY)
    assert not house.store.read(Signal)


def test_cold_baseline_leaves_only_absolute_rules(tmp_path: Path) -> None:
    """The same storm after ten days of listening; after sixteen it is the story's."""
    storm = invented(STORM, STORM + 40 * MINUTE, 1800, label="negative", number=20_000)
    begin = STORM - 10 * DAY
    with House(tmp_path, STORY) as house:
        play(house, [*invented(begin, STORM, 15), *storm], [STORM + HOUR], polls(begin, STORM + HOUR))
        assert {s.rule for s in house.store.read(Signal)} == {"flood", "complaints"}


def test_no_mention_nothing_to_judge(house: House) -> None:
    found = house.evaluate(BEGIN)
    assert (found.points, found.signals, found.incidents) == (0, 0, [])
    assert not house.store.read(Judged)


# What is usual.


def flat(begin: datetime, days: int, value: float = 20) -> dict[datetime, float]:
    return {begin + i * HOUR: value for i in range(days * 24)}


def test_blind_stretches_are_not_usual() -> None:
    """Zeros of an outage would make every evening look like a firestorm."""
    now = BEGIN + 20 * DAY + 12 * HOUR
    hourly = flat(BEGIN, 20)
    outage = Window(BEGIN + 2 * DAY, BEGIN + 5 * DAY)
    seen = [Window(BEGIN, outage.start), Window(outage.end, now)]
    dark = {k: v for k, v in hourly.items() if k not in outage}
    known = VolumeBaseline(dark, seen, [], "UTC").at(now)
    assert known is not None and known.median == 20
    assert known == VolumeBaseline(hourly, [Window(BEGIN, now)], [], "UTC").at(now)


def test_past_incidents_are_not_usual() -> None:
    now = BEGIN + 20 * DAY + 12 * HOUR
    storm = Window(BEGIN + 2 * DAY, BEGIN + 5 * DAY)
    hourly = {k: 900.0 if k in storm else 20.0 for k in flat(BEGIN, 20)}
    calm = VolumeBaseline(hourly, [Window(BEGIN, now)], [storm], "UTC").at(now)
    assert calm is not None and (calm.median, calm.spread) == (20, pytest.approx(1 / 21**0.5))


@pytest.mark.parametrize(("days", "warm"), [(13, False), (14, True), (21, True)])
def test_a_baseline_needs_fourteen_days(days: int, warm: bool) -> None:
    now = BEGIN + days * DAY + 12 * HOUR
    found = VolumeBaseline(flat(BEGIN, days), [Window(BEGIN, now)], [], "UTC").at(now)
    assert (found is not None) == warm


def test_a_baseline_never_looks_at_the_hour_itself_or_later() -> None:
    now = BEGIN + 21 * DAY + 23 * HOUR + 30 * MINUTE
    seen = [Window(BEGIN, now + DAY)]
    hourly = flat(BEGIN, 22)
    loud = hourly | {k: 1e6 for k in flat(BEGIN, 30) if k >= floor(now, HOUR)}
    assert VolumeBaseline(hourly, seen, [], "UTC").at(now) == VolumeBaseline(loud, seen, [], "UTC").at(now)


@pytest.mark.parametrize(
    "zone", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Adelaide", "America/St_Johns", "UTC", "Europe/Rome"]
)
def test_zones_of_half_an_hour_have_a_baseline(zone: str) -> None:
    """Hours are stored by UTC; a market half an hour off must find them, or its usual volume would be 0."""
    now = BEGIN + 20 * DAY + 12 * HOUR
    found = VolumeBaseline(flat(BEGIN, 20), [Window(BEGIN, now)], [], zone).at(now)
    assert found is not None and found.median == 20


def test_an_hour_of_the_wall_stays_itself_over_summer_time() -> None:
    """09:00 in Rome is 08:00 UTC before and 07:00 UTC after the change."""
    change = utc(2026, 3, 29, 1)
    busy = {utc(2026, 3, 8) + i * HOUR for i in range(21 * 24)}
    hourly = {s: 100.0 if (s + (2 if s >= change else 1) * HOUR).hour in (8, 9, 10) else 1.0 for s in busy}
    found = VolumeBaseline(hourly, [Window(utc(2026, 3, 8), utc(2026, 3, 30))], [], "Europe/Rome").at(utc(2026, 3, 30, 7, 30))
    assert found is not None and found.median == 100


def test_an_outage_is_left_out_of_the_baseline_by_the_log(house: House) -> None:
    """Sixteen days of 12 mentions an hour at noon, four of them unseen: the usual stays 12."""
    for day in range(20):
        noon = BEGIN + day * DAY + 12 * HOUR
        house.listen(noon - 12 * HOUR, noon + 12 * HOUR, ok=not 8 <= day < 12)
        if not 8 <= day < 12:
            for shift in (-1, 0, 1):
                house.put(
                    (mention(house.number * 100 + day * 1000 + i + 30 * shift, noon + shift * HOUR + i * 5 * MINUTE), None) for i in range(12)
                )  # fmt: skip
    now = BEGIN + 20 * DAY + 12 * HOUR
    house.listen(BEGIN + 20 * DAY, now + DAY)
    for i in range(12):
        house.say(now + i * 5 * MINUTE)
    house.measure(now + 2 * HOUR)
    points = house.seen(Window(now + 55 * MINUTE, now + HOUR))
    (z, usual) = points.loc[points.index[-1], ["volume_z", "volume.baseline"]]
    assert len(points) == 1
    assert usual == 12
    assert z == pytest.approx(0, abs=0.01)


# What rules are shown.


def test_every_kpi_may_stand_in_a_rule(tmp_path: Path) -> None:
    """A plan that passed its check must not stop the evaluation: what has no value in an hour never fires."""
    rules = [
        {"name": f"r-{i}", "rule": "threshold", "kpi": k, "above": 1e9, "severity": "S1"}
        for i, k in enumerate(registry.names("kpis"))
    ]
    rules += [
        {
            "name": f"b-{i}",
            "rule": "baseline",
            "kpi": k,
            "rise": 1e9,
            "bound": "value",
            "severity": "S1",
            "also": {"follower_change": 1},
        }
        for i, k in enumerate(with_baseline())
    ]
    with House(tmp_path, a_plan(*rules)) as house:
        house.say(BEGIN)
        assert house.evaluate(BEGIN + HOUR).signals == 0
        assert house.store.read(Judged)[0].through == floor(BEGIN + HOUR - GRACE)


def test_verdicts_of_windows_without_a_poll(house: House) -> None:
    """Polled: ok. Not polled yet, or not yet all of it due: pending, never silently quiet."""
    for source in ("mastodon", "feed"):
        house.say(BEGIN + HOUR, source=source)
    house.listen(BEGIN, BEGIN + HOUR + BASE)
    house.evaluate(BEGIN + 3 * HOUR)
    quality = {p.start - BEGIN: p.quality for p in house.points("5min", kpi="volume_z")}
    assert quality[HOUR] == "ok"
    assert {q for s, q in quality.items() if s > HOUR} == {"pending"}


def test_a_signal_keeps_as_of_and_its_incident(once: House) -> None:
    incidents = {i.incident_id for i in once.store.read(Incident)}
    for s in once.store.read(Signal):
        assert s.as_of == s.start + BASE + GRACE
        assert s.incident_id in incidents
        assert s.reason


def test_each_step_sees_the_trailing_hour_only(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def spy(entry: Any, rule: Any, points: Any, state: dict[str, Any], *_: Any) -> tuple[list[Finding], dict[str, Any]]:
        seen.append(points)
        return [], state

    monkeypatch.setattr(firing, "fold", spy)
    at = BEGIN + 12 * HOUR
    house.say(at, "negative")
    house.say(at + 30 * MINUTE, "positive")
    house.evaluate(at + 3 * HOUR)
    (volume,) = {tuple(p["volume"]) for p in seen}
    assert volume == (1.0,) * 6 + (2.0,) * 6 + (1.0,) * 6
    assert all((p["negative_share.n"] == p["volume"]).all() for p in seen)


def test_rules_of_other_markets_stay_out(tmp_path: Path) -> None:
    with House(tmp_path, a_plan({**VOLUME, "markets": ["elsewhere"]}, COMPLAINTS, SPIKE, SURGE)) as house:
        for i in range(40):
            house.say(BEGIN + i * timedelta(seconds=10))
        house.evaluate(BEGIN + HOUR)
        assert not house.store.read(Signal)


def test_logs_of_the_future_say_nothing_of_the_past(house: House) -> None:
    """A refill that came a day later does not turn a blind window's judgement into an ok one."""
    house.say(BEGIN + HOUR)
    house.listen(BEGIN, BEGIN + 30 * MINUTE)
    house.listen(BEGIN + 30 * MINUTE, BEGIN + 3 * HOUR, known_at=BEGIN + DAY)
    house.evaluate(BEGIN + 2 * DAY)
    quality = {p.start - BEGIN: p.quality for p in house.points("5min", kpi="volume_z")}
    assert quality[HOUR] == "partial" or quality[HOUR] == "pending"
    assert not house.store.read(Dirty)
    assert house.store.count(CollectionLog) == 4


def test_a_rule_that_does_not_count_is_told_after_every_market_was_judged(tmp_path: Path) -> None:
    """Kept by an earlier version, refused by this one: the others judge on, and the task is red."""
    content = a_plan(VOLUME, SPIKE, HELD_BADLY).content()
    content["rules"]["rules"][1]["for"] = 7
    with House(tmp_path, restore(content)) as house:
        house.listen(BEGIN, BEGIN + HOUR)
        house.put(invented(BEGIN, BEGIN + HOUR / 2, 48 * 30))
        with pytest.raises(ConfigError) as caught:
            evaluate_all(house.store, house.plan, Fixed(BEGIN + 2 * HOUR))
        assert {s.rule for s in house.store.read(Signal)} == {"flood"}
        assert house.store.read(Judged)[0].through == floor(BEGIN + 2 * HOUR - GRACE)
    told = str(caught.value).split("\n")
    assert [t.split(";")[0] for t in told] == [
        "rules.yaml: rule spike does not count in all markets: for: Input should be a multiple of 5",
        "rules.yaml: rule badly does not count in zefirella: above: Input should be a valid number, unable to parse string as a number",
    ]
