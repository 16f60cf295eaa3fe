"""Episodes against the truth: what is found, missed, false; what is said where nobody said anything."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import DAY, HOUR, MINUTE, House, a_plan, utc

from coolhead import incidents
from coolhead.errors import ConfigError
from coolhead.plan import Plan
from coolhead.replay import Replayed, Track
from coolhead.replay_episodes import Episode, Episodes, Part
from coolhead.replay_scoring import months, only_in, score
from coolhead.replay_truth import Truth, truths
from coolhead.replaying import CURRENT, compare, with_rules
from coolhead.reports._replay_picture import draw
from coolhead.reports.replayed import as_json, report, table
from coolhead.rows import Incident, Judged, Seen, Severity, Signal
from coolhead.windows import BASE, GRACE, Window

MARCH = utc(2026, 3, 1)
SPAN = Window(MARCH, MARCH + 61 * DAY)


def an_episode(name: str, start: datetime, hours: float = 2, /, **parts: tuple[Severity, float]) -> Episode:
    """parts: rule -> severity, hours after the start."""
    last = start + timedelta(hours=hours)
    found = {r: Part({s: start + timedelta(hours=h)}, last, 3) for r, (s, h) in (parts or {"flood": ("S2", 0.1)}).items()}
    return Episode(name, name, start, start, last, parts=found)


def a_truth(start: datetime, hours: float = 5, crisis: bool = True, **more: Any) -> Truth:
    return Truth(Window(start, start + timedelta(hours=hours)), crisis, "a storm", start, **more)


def test_found_missed_false_and_unlabelled() -> None:
    storm, other, joke = MARCH + 5 * DAY, MARCH + 20 * DAY, MARCH + 30 * DAY
    known = [a_truth(storm, detected=storm + HOUR), a_truth(other), a_truth(joke, crisis=False)]
    mine = [an_episode("a", storm + HOUR / 2), an_episode("b", joke), an_episode("c", MARCH + 40 * DAY)]
    s = score("plan", mine, known, [SPAN], "S2")
    assert [j.kind for j in s.judged] == ["found", "false", "unlabelled"]
    assert [(f.truth.onset, f.detected) for f in s.crises] == [(storm, storm + timedelta(hours=0.6)), (other, None)]
    assert (len(s.found), len(s.missed)) == (1, 1)
    assert s.crises[0].earlier == timedelta(hours=0.4)
    assert s.lead == timedelta(hours=0.6)
    assert s.per_month("false") == pytest.approx(1 / (61 / (365.25 / 12)))
    assert s.per_month("false", "unlabelled") == pytest.approx(2 * s.per_month("false"))


def test_the_detection_is_when_it_was_severe_enough() -> None:
    e = an_episode("a", MARCH, 5, flood=("S1", 0.5), complaints=("S2", 2), crisis=("S3", 3))
    assert [e.at(s) for s in ("S1", "S2", "S3", "S4")] == [MARCH + HOUR / 2, MARCH + 2 * HOUR, MARCH + 3 * HOUR, None]
    known = [a_truth(MARCH)]
    assert score("plan", [e], known, [SPAN], "S3").lead == 3 * HOUR
    assert score("flood", [e], known, [SPAN], "S1", only="flood").lead == HOUR / 2
    assert score("complaints", [e], known, [SPAN], "S3", only="complaints").judged == []


def test_of_a_day_only_the_lead_is_not_counted() -> None:
    known = [a_truth(MARCH, 48, precise=False)]
    s = score("plan", [an_episode("a", MARCH + 20 * HOUR)], known, [SPAN], "S2")
    assert s.lead is None
    assert s.crises[0].lead == timedelta(hours=20.1)


def test_what_people_dismissed_is_false_however_near_a_crisis_it_lay() -> None:
    """And what began before somebody reported it is found, unless it was dismissed."""
    report = a_truth(MARCH + 5 * HOUR, incident_id="r", reported=True)
    joke = a_truth(MARCH, 3, crisis=False, incident_id="j")
    kinds = [
        j.kind
        for j in score(
            "p", [an_episode("j", MARCH), an_episode("x", MARCH + 3.5 * HOUR, 1)], [joke, report], [SPAN], "S2"
        ).judged
    ]
    assert kinds == ["false", "found"]
    early = an_episode("x", MARCH + 3.5 * HOUR, 1)
    (found,) = score("p", [early], [report], [SPAN], "S2").crises
    assert found.lead is not None and found.lead < timedelta()
    assert score("p", [an_episode("x", MARCH - 2 * DAY)], [report], [SPAN], "S2").judged[0].kind == "unlabelled"


def test_one_long_episode_may_find_two_crises() -> None:
    known = [a_truth(MARCH), a_truth(MARCH + 8 * HOUR)]
    s = score("p", [an_episode("a", MARCH, 12)], known, [SPAN], "S2")
    assert [f.detected for f in s.crises] == [MARCH + 6 * MINUTE, MARCH + 8 * HOUR]


def test_months_are_local_and_cut_to_the_span() -> None:
    found = months(Window(utc(2026, 2, 10), utc(2026, 4, 2)), "Europe/Rome")
    assert [(m.start, m.end) for m in found] == [
        (utc(2026, 2, 10), utc(2026, 2, 28, 23)), (utc(2026, 2, 28, 23), utc(2026, 3, 31, 22)), (utc(2026, 3, 31, 22), utc(2026, 4, 2)),
    ]  # fmt: skip
    assert months(Window(utc(2026, 12, 5), utc(2027, 1, 5)), "UTC")[1].start == utc(2027, 1, 1)


def test_only_one_of_two_plans() -> None:
    def judged(*starts: datetime) -> Any:
        return score("p", [an_episode(str(s), s) for s in starts], [], [SPAN], "S2").judged

    one, two = judged(MARCH, MARCH + DAY), judged(MARCH + HOUR, MARCH + 5 * DAY)
    assert [j.episode.start for j in only_in(one, two)] == [MARCH + DAY]
    assert [j.episode.start for j in only_in(two, one)] == [MARCH + 5 * DAY]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as made:
        yield made


def an_incident(name: str, at: datetime, **columns: Any) -> Incident:
    given: dict[str, Any] = {
        "state": "detected", "severity": "S2", "severity_proposed": "S2", "reasons": [{"rule": "flood", "severity": "S2"}], "policy": {},
    }  # fmt: skip
    return Incident(
        incident_id=name, market="zefirella", title=name, onset_at=at - HOUR, detected_at=at, **{**given, **columns}
    )


def test_the_truth_is_what_people_said(house: House) -> None:
    """Assessed, reported or dismissed; what nobody judged, drills and what was merged are none."""
    reported = [{"rule": "reported by a person", "severity": "S2", "report": "x"}]
    house.store.upsert([
        an_incident("assessed", MARCH + DAY, state="closed", assessed_at=MARCH + DAY), an_incident("unjudged", MARCH + 2 * DAY),
        an_incident("joke", MARCH + 3 * DAY, state="dismissed"), an_incident("reported", MARCH + 4 * DAY, reasons=reported),
        an_incident("drill", MARCH + 5 * DAY, state="dismissed", drill=True),
        an_incident("merged", MARCH + 6 * DAY, state="closed", assessed_at=MARCH, merged_into="assessed"),
        Signal(market="zefirella", rule="flood", start=MARCH + DAY + 3 * HOUR, severity="S2", reason="r", kpi="volume", value=1, threshold=1,
               as_of=MARCH + 2 * DAY, incident_id="assessed"),
    ])  # fmt: skip
    found = truths(house.store, house.market, SPAN, "S2")
    assert [(t.what, t.crisis, t.reported) for t in found] == [
        ("assessed", True, False),
        ("joke", False, False),
        ("reported", True, True),
    ]
    assert found[0].window == Window(MARCH + DAY - HOUR, MARCH + DAY + 3 * HOUR + BASE)
    assert truths(house.store, house.market, Window(MARCH - DAY, MARCH), "S2") == []


def test_what_was_recorded_is_held_against_at_the_same_severity(house: House) -> None:
    """Opened as an S1, five minutes before the S2: the rules that made it are neither earlier nor later than they were."""
    at = MARCH + DAY
    house.store.upsert([an_incident("storm", at, state="closed", assessed_at=at + HOUR)])
    house.store.upsert(
        Signal(
            market="zefirella", rule=rule, start=as_of - BASE, severity=severity, reason="r", kpi="volume", value=1, threshold=1,
            as_of=as_of, incident_id="storm",
        ) for rule, severity, as_of in (("flood", "S1", at), ("angry", "S2", at + 10 * MINUTE), ("surge", "S3", at + 5 * MINUTE))
    )  # fmt: skip
    recorded = {s: truths(house.store, house.market, SPAN, s)[0].detected for s in ("S1", "S2", "S3", "S4")}
    assert recorded == {"S1": at, "S2": at + 5 * MINUTE, "S3": at + 5 * MINUTE, "S4": None}
    reported = [{"rule": "reported by a person", "severity": "S2", "report": "x"}]
    house.store.upsert([an_incident("called", at + 5 * DAY, reasons=reported)])
    assert [truths(house.store, house.market, SPAN, s)[1].detected for s in ("S2", "S3")] == [at + 5 * DAY, None]


def test_known_episodes_count_unless_an_incident_says_it_more_exactly(house: House) -> None:
    episodes = [
        {"start": "2026-03-02", "end": "2026-03-03", "crisis": True, "note": "mould"}, {"start": "2026-03-10", "end": "2026-03-10", "crisis": False},
    ]  # fmt: skip
    content = house.plan.content()
    content["brands"]["brands"][0]["markets"][0]["known_episodes"] = episodes
    market = Plan.model_validate(content).markets[0]
    mould, none = truths(house.store, market, SPAN, "S2")
    assert (mould.what, mould.precise, mould.window.start) == ("mould", False, utc(2026, 3, 1, 23))
    assert (none.what, none.crisis) == ("known episode", False)
    house.store.upsert([an_incident("exact", utc(2026, 3, 2, 9), assessed_at=utc(2026, 3, 2, 9))])
    assert [(t.what, t.precise) for t in truths(house.store, market, SPAN, "S2")] == [("exact", True), ("known episode", False)]


def a_report(known: list[Truth], *episodes: list[Episode]) -> Any:
    plan = a_plan({"name": "flood", "rule": "threshold", "kpi": "volume", "above": 20, "severity": "S1"})
    done = Replayed(
        plan.markets[0],
        SPAN,
        [Track(plan, plan.markets[0], SPAN.start) for _ in episodes],
        windows=7,
        heard=months(SPAN, "Europe/Rome"),
    )
    for track, mine in zip(done.tracks, episodes, strict=True):
        track.episodes = Episodes()
        track.episodes._by_id = {e.incident_id: e for e in mine}
    return report(done, ["current", "changed.yaml"][: len(episodes)], known, "S2")


def test_without_labels_there_is_no_recall() -> None:
    r = a_report([], [an_episode("a", MARCH + DAY)])
    lines = list(table(r))
    assert any(line.startswith("no labels: nobody confirmed or dismissed") for line in lines)
    assert not any(line.startswith(("crises found", "false:")) for line in lines)
    assert any(line.split() == ["episodes", "a", "month", "0.50"] for line in lines)
    (plan,) = as_json(r)["plans"]
    assert (plan["found"], plan["missed"], plan["false"], plan["unlabelled"]) == (None, None, None, 1)
    assert plan["per_month"] == {"false": None, "unlabelled": 0.499, "all": 0.499}


def test_a_month_in_which_nothing_happened_is_told() -> None:
    r = a_report([a_truth(MARCH + 40 * DAY)], [an_episode("a", MARCH + 40 * DAY)])
    said = "current: of 2 months (1 in part) in which nothing happened, as far as people said, 0 raised S2 paracrisis or above"
    assert said in list(table(r))
    assert as_json(r)["plans"][0]["quiet_months"] == {"months": 2, "with_alarm": 0}
    loud = a_report([a_truth(MARCH + 40 * DAY)], [an_episode("a", MARCH + DAY)])
    assert as_json(loud)["plans"][0]["quiet_months"] == {"months": 2, "with_alarm": 1}


def test_of_some_days_nothing_is_said_as_of_months(house: House) -> None:
    """Nineteen calm days, of which no month is whole."""
    fill(house, MARCH + 5 * DAY, {}, 60)
    plan = a_plan({"name": "flood", "rule": "threshold", "kpi": "volume", "above": 20, "severity": "S1"})
    r = compare(house.store, plan, None, [CURRENT], "2026-03-03", "2026-03-21", "S2", MARCH + 30 * DAY, lambda _: None)
    lines = list(table(r))
    assert "by month: in none in which anything was said was anything raised, nor did anything happen" in lines
    assert "current: in 19.0 days that nobody judged, 0 of S2 paracrisis or above were raised" in lines
    assert not any(line.startswith("month ") for line in lines)


def test_of_a_known_day_it_is_said_on_which_day_it_was_found() -> None:
    midnight = utc(2026, 3, 9, 23)  # 10 March in Rome
    for hours, words in ((13.6, "on the day"), (26, "1 day after it")):
        r = a_report([a_truth(midnight, 72, precise=False)], [an_episode("a", midnight + timedelta(hours=hours))])
        (line,) = [x for x in table(r) if x.startswith("  current: found")]
        assert line.endswith(f", {words}")
        (crisis,) = as_json(r)["plans"][0]["crises"]
        assert (crisis["lead_minutes"], crisis["detected"] is None) == (None, False)


def test_each_rule_says_what_it_missed_and_what_was_expected() -> None:
    r = a_report([a_truth(MARCH + 5 * DAY), a_truth(MARCH + 9 * DAY)], [an_episode("a", MARCH + 5 * DAY)])
    for by in ("m", "m", "calendar: Ramadan"):
        kept = Signal(
            market="zefirella", rule="flood", start=MARCH, severity="S1", reason="r", kpi="volume", value=1, threshold=1, as_of=MARCH, muted_by=by,
        )  # fmt: skip
        r.replayed.tracks[0].episodes.add([kept], {})
    r = report(r.replayed, ["current"], r.truth, "S2")
    lines = list(table(r))
    head = next(line for line in lines if line.startswith("rule "))
    assert (
        head.split()
        == "rule severity signals muted expected episodes found missed false unlabelled a month, not found after onset".split()
    )
    row = next(line for line in lines if line.startswith("flood "))
    assert row.split()[:9] == ["flood", "S1", "3", "2", "1", "1", "1", "1", "0"]
    words = {" ".join(line.split()) for line in lines}
    assert {"signals that a mute kept quiet 2", "signals that the calendar expects, noted only 1"} <= words
    (rule,) = as_json(r)["plans"][0]["rules"]
    assert [rule[key] for key in ("muted", "expected", "found", "missed")] == [2, 1, 1, 1]


def test_two_plans_stand_side_by_side_and_the_json_is_plain(tmp_path: Path) -> None:
    known = [a_truth(MARCH + 5 * DAY), a_truth(MARCH + 9 * DAY, crisis=False)]
    r = a_report(
        known, [an_episode("a", MARCH + 5 * DAY), an_episode("b", MARCH + 9 * DAY)], [an_episode("c", MARCH + 50 * DAY)]
    )
    lines = list(table(r))
    assert ["crises", "found", "1", "of", "1", "0", "of", "1"] in [line.split() for line in lines]
    assert "  changed.yaml: MISSED" in lines
    assert "only current raises: 2" in lines and "only changed.yaml raises: 1" in lines
    said = json.loads(json.dumps(as_json(r)))
    assert [[e["incident_id"] for e in alone] for alone in said["only"].values()] == [["a", "b"], ["c"]]
    assert [p["name"] for p in said["plans"]] == ["current", "changed.yaml"]
    assert draw(r, tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    first, second = (draw(r, tmp_path / f"{n}.svg").read_text() for n in (1, 2))
    assert first == second
    for words in ("current: 2 episodes", "1 of 1 crises found, 1 false", "changed.yaml: 1 episode of", "flood  S2", "truth"):
        assert words in first
    with pytest.raises(ConfigError, match=r"must end in \.svg or \.png"):
        draw(r, tmp_path / "p.gif")


def fill(house: House, begin: datetime, volumes: dict[int, float], count: int = 60) -> None:
    """What was seen of so many windows."""
    house.store.upsert(
        Seen(
            market="zefirella", start=(at := begin + i * BASE), quality="ok", numbers={"volume": [v := volumes.get(i, 3.0), v, None, None, 3.0]},
            evidence={"onset": at.isoformat()}, as_of=at + BASE + GRACE,
        ) for i in range(count)
    )  # fmt: skip
    house.store.upsert([Judged(market="zefirella", through=begin + count * BASE, state={})])


def test_rules_of_a_file_beside_those_that_run(house: House, tmp_path: Path) -> None:
    fill(house, MARCH, {20: 25.0, 21: 26.0, 40: 70.0})
    file = tmp_path / "new.yaml"
    file.write_text("rules: [{name: flood, rule: threshold, kpi: volume, above: 60, severity: S1}]\n")
    plan = a_plan({"name": "flood", "rule": "threshold", "kpi": "volume", "above": 20, "severity": "S1"})
    r = compare(house.store, plan, None, [CURRENT, str(file)], None, None, "S1", MARCH + DAY, lambda _: None)
    assert r.replayed.windows == 60 and r.replayed.computed == 0
    assert [e.signals["flood"] for e in r.effects] == [3, 1]
    assert [e.name for e in r.effects] == ["current", "new.yaml"]


def test_mistakes_in_the_file_are_named_by_its_own_name(house: House, tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text("rules:\n  - {name: flood, rule: threshold, kpi: volum, above: 60, severity: S1}\n")
    with pytest.raises(ConfigError) as error:
        with_rules(house.plan, str(file))
    assert str(error.value).startswith(f"{file}:2: ") and "'volum' is no KPI" in str(error.value)
    with pytest.raises(ConfigError, match="there is no such file"):
        with_rules(house.plan, str(tmp_path / "none.yaml"))
    assert with_rules(house.plan, CURRENT) is house.plan


def test_a_confirmed_storm_is_found_by_the_rules_that_ran(house: House) -> None:
    """From what was seen to the truth, through a person's decision in the register."""
    fill(house, MARCH, dict.fromkeys(range(20, 30), 40.0))
    plan = a_plan({"name": "flood", "rule": "threshold", "kpi": "volume", "above": 20, "severity": "S2", "min_authors": 0})
    first = compare(house.store, plan, None, [CURRENT], None, None, "S2", MARCH + DAY, lambda _: None)
    (mine,) = first.effects[0].score.judged
    assert mine.kind == "unlabelled"
    house.store.upsert([an_incident(mine.episode.incident_id, mine.detected, reasons=[])])
    incidents.decide(
        house.store, mine.episode.incident_id, "s", "assess", "anna", mine.detected + HOUR, details={"severity": "S2"}
    )
    again = compare(house.store, plan, None, [CURRENT], None, None, "S2", MARCH + DAY, lambda _: None)
    assert [f.detected for f in again.effects[0].score.crises] == [mine.detected]


def test_months_in_which_nobody_said_anything_flatter_no_rule(house: House) -> None:
    """From January on nothing, then storms in March: the rate is that of March."""
    fill(house, MARCH, dict.fromkeys(range(20, 30), 40.0))
    plan = a_plan({"name": "flood", "rule": "threshold", "kpi": "volume", "above": 20, "severity": "S1"})
    r = compare(house.store, plan, None, [CURRENT], "2026-01-01", "2026-03-31", "S1", MARCH + 60 * DAY, lambda _: None)
    (march,) = r.replayed.heard
    assert (march.start, march.end) == (utc(2026, 2, 28, 23), utc(2026, 3, 31, 22))
    assert r.effects[0].score.per_month("unlabelled") == pytest.approx(
        1 / ((march.end - march.start) / timedelta(days=365.25 / 12))
    )
    assert [m.window for m in r.effects[0].months] == [march]
