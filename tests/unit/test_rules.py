"""Rules: in which windows the condition of each holds. When they fire is test_firing.py's."""

import math
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from building import PEOPLE, STEPS, utc
from pydantic import ValidationError

from coolhead import plan as plans
from coolhead import plan_files, registry
from coolhead.errors import ConfigError
from coolhead.rules import Finding, Rule

NAN = math.nan
BEGIN = utc(2026, 3, 25)


def rule(kind: str, **settings: Any) -> Rule:
    made: Rule = (found := registry.load("rules", kind))(found.Settings.model_validate(settings))
    return made


def points(
    kpi: str, values: Sequence[float], n: Sequence[float] | int = 100, at: Sequence[int] | None = None, **columns: Any
) -> pd.DataFrame:
    """One row per base window; `at`: their numbers, where windows are missing between."""
    numbers = range(len(values)) if at is None else at
    index = pd.DatetimeIndex([BEGIN + i * timedelta(minutes=5) for i in numbers], name="start").astype("datetime64[us, UTC]")
    table = {kpi: values, f"{kpi}.n": n, f"{kpi}.low": values, f"{kpi}.high": values, "quality": "ok", **columns}
    return pd.DataFrame(table, index=index)


def fired(found: list[Finding]) -> list[int]:
    return [int((f.start - BEGIN) / timedelta(minutes=5)) for f in found]


def of(r: Rule, frame: pd.DataFrame) -> list[int]:
    return fired(r.step(frame, {})[0])


def test_threshold_above_is_at_or_above() -> None:
    r = rule("threshold", kpi="volume", above=20)
    found, _ = r.step(points("volume", [19, 20, NAN, 21]), {})
    assert fired(found) == [1, 3]
    assert (found[0].kpi, found[0].value, found[0].threshold) == ("volume", 20, 20)
    assert "volume 20 is at or above 20, from 100 mentions" in found[0].reason


def test_threshold_writes_numbers_as_people_do() -> None:
    found, _ = rule("threshold", kpi="volume", above=1_500).step(points("volume", [2_423.4], n=12_345), {})
    assert "volume 2,423 is at or above 1,500, from 12,345 mentions" in found[0].reason
    found, _ = rule("threshold", kpi="negative_share", above=0.125).step(points("negative_share", [1 / 3]), {})
    assert "negative_share 0.333 is at or above 0.125, from" in found[0].reason
    found, _ = rule("threshold", kpi="volume", above=999.5).step(points("volume", [999.5, 2_000_000.0]), {})
    assert [f.reason.split(" is ")[0] for f in found] == ["volume 1,000", "volume 2,000,000"]


def test_threshold_below_is_at_or_below() -> None:
    r = rule("threshold", kpi="positive_share", below=0.2)
    found, _ = r.step(points("positive_share", [0.3, 0.2, 0.0, NAN]), {})
    assert fired(found) == [1, 2]
    assert "at or below" in found[0].reason


@pytest.mark.parametrize(("bound", "expected"), [("value", [0, 1]), ("low", [1]), ("high", [0, 1, 2])])
def test_threshold_goes_by_the_chosen_end(bound: str, expected: list[int]) -> None:
    frame = points(
        "negative_share", [0.5, 0.6, 0.3], **{"negative_share.low": [0.3, 0.5, 0.1], "negative_share.high": [0.7, 0.8, 0.45]}
    )
    assert of(rule("threshold", kpi="negative_share", above=0.4, bound=bound), frame) == expected


def test_threshold_asks_for_floors_of_others() -> None:
    frame = points("negative_volume", [40.0] * 3, unique_authors=[4.0, 5.0, NAN])
    found, _ = rule("threshold", kpi="negative_volume", above=30, also={"unique_authors": 5}).step(frame, {})
    assert fired(found) == [1]
    assert found[0].reason.endswith("; unique_authors 5, floor 5")


def test_threshold_only_while_cold() -> None:
    frame = points("negative_volume", [40.0] * 3, **{"negative_volume.baseline": [NAN, 3.0, NAN]})
    assert of(rule("threshold", kpi="negative_volume", above=30, cold=True), frame) == [0, 2]
    assert of(rule("threshold", kpi="negative_volume", above=30), frame) == [0, 1, 2]


@pytest.mark.parametrize(
    ("settings", "values", "weak"),
    [
        ({"above": 10, "clear": 6}, [9, 10, 6, 5.9], [True, False, True]),
        ({"below": 10, "clear": 12}, [12, 10, 12.1, 3], [True, False, False]),
    ],
)
def test_threshold_is_weak_between_its_numbers(settings: dict[str, Any], values: list[float], weak: list[bool]) -> None:
    found, _ = rule("threshold", kpi="volume", **settings).step(points("volume", values), {})
    assert [f.weak for f in found] == weak
    assert [("still at or " in f.reason, "(limit 10)" in f.reason) for f in found] == [(w, w) for w in weak]


def test_baseline_fires_where_the_bound_stands_off() -> None:
    r = rule("baseline", kpi="negative_share", rise=0.2)
    frame = points(
        "negative_share", [0.5, 0.5, 0.5], **{"negative_share.low": [0.29, 0.31, 0.4], "negative_share.baseline": 0.1}
    )
    found, _ = r.step(frame, {})
    assert fired(found) == [1, 2]
    assert (found[0].value, found[0].threshold) == (0.31, pytest.approx(0.3))
    assert "the usual 0.10" in found[0].reason and "n = 100" in found[0].reason


def test_baseline_is_silent_while_cold() -> None:
    frame = points("negative_share", [1.0] * 5, **{"negative_share.baseline": NAN})
    assert of(rule("baseline", kpi="negative_share", rise=0.01), frame) == []


@pytest.mark.parametrize(("column", "bound"), [("negative_share", "value"), ("negative_share.low", "low")])
def test_baseline_never_fires_on_what_is_unknown(column: str, bound: str) -> None:
    frame = points("negative_share", [0.9], **{"negative_share.baseline": 0.1, column: NAN})
    assert of(rule("baseline", kpi="negative_share", rise=0.2, bound=bound), frame) == []


def test_baseline_asks_for_the_floor_of_another() -> None:
    r = rule("baseline", kpi="negative_share", rise=0.2, also={"reach_total": 1000})
    frame = points("negative_share", [0.9] * 3, **{"negative_share.baseline": 0.1, "reach_total": [999.0, 1000.0, NAN]})
    found, _ = r.step(frame, {})
    assert fired(found) == [1]
    assert "reach_total 1,000, floor 1,000" in found[0].reason


@pytest.mark.parametrize(("detector", "kpi", "at"), [("early", "volume_z", [1, 2]), ("big", "volume_excess", [2])])
def test_spike_goes_by_its_detector(detector: str, kpi: str, at: list[int]) -> None:
    found, _ = rule("spike", detector=detector).step(
        points(kpi, [3.4, 3.5, 10, NAN], volume=80.0, **{"volume.baseline": 12.0}), {}
    )
    assert fired(found) == at
    assert "80 mentions in an hour, usual 12" in found[0].reason and f"the detector {detector}" in found[0].reason


def test_velocity_needs_growth_that_is_no_chance() -> None:
    frame = points("volume", [59, 60, 60, 60], doubling_time=0.1, **{"doubling_time.high": [0.2, 0.2, NAN, 0.3]})
    assert of(rule("velocity", minutes=15, volume=60), frame) == [1]
    assert of(rule("velocity", minutes=15, volume=60, bound="value"), frame) == [1, 2, 3]


def test_first_time_authors_learn_what_is_usual() -> None:
    """Day by day; what a day ended with counts, and the day itself does not."""
    days = [*[0.3] * 14, 0.6, 0.61]
    share = points("first_time_author_share", days, at=[d * 288 for d in range(16)])
    assert of(rule("first_time_authors", rise=0.2, authors=30), share) == [14 * 288, 15 * 288]
    assert of(rule("first_time_authors", rise=0.2), share.assign(first_time_author_share=[*[0.3] * 14, 0.6, 0.6])) == [
        14 * 288
    ]  # the same number is told once
    assert of(rule("first_time_authors", rise=0.2, authors=101), share) == []
    assert of(rule("first_time_authors", rise=0.32, authors=30), share) == []
    memory = rule("first_time_authors", rise=0.2).step(
        points("first_time_author_share", [0.3] * 40, at=[d * 288 for d in range(40)]), {}
    )[1]
    assert len(memory["days"]) == 22  # today and the 21 before


def test_follower_drop_is_sure_of_it() -> None:
    frame = points("excess_follower_change", [-900.0, -901.0, -902.0], **{"excess_follower_change.high": [-499.0, -500.0, NAN]})
    found, _ = rule("follower_drop", followers=500).step(frame, {})
    assert (fired(found), found[0].value, found[0].threshold) == ([1], -500, -500)
    assert of(rule("follower_drop", followers=500, bound="value"), frame) == [0, 1, 2]


def test_share_of_voice_turns() -> None:
    frame = points(
        "share_of_negatives", [0.69, 0.7, 0.71], share_of_voice=[0.3, 0.3, NAN], **{"share_of_negatives.low": [0.4, 0.5, 0.9]}
    )
    found, _ = rule("share_of_voice", margin=0.2).step(frame, {})
    assert fired(found) == [1]
    assert "70% of what is said against the brands is against us (at least 50%), of all that is said 30%" in found[0].reason


def test_unanswered_age() -> None:
    frame = points("unanswered_age", [50, 60, 60], n=12, **{"unanswered_age.low": [47, 48, 40]})
    found, _ = rule("unanswered_age", hours=48).step(frame, {})
    assert fired(found) == [1] and "12 wait for an answer, half of them for 60 hours" in found[0].reason
    assert of(rule("unanswered_age", hours=48, of="p95"), points("unanswered_age_p95", [47.0, 48.0])) == [1]


def test_coverage_of_scores_and_of_sources() -> None:
    frame = points("scored_coverage", [0.5, 0.7, 0.7, 0.9], quality=["ok", "blind", "partial", "blind"])
    assert of(rule("coverage", below=0.6), frame) == [0]
    assert of(rule("coverage", quality=["blind"]), frame) == [1, 3]
    found, _ = rule("coverage", below=0.6, clear=0.8, quality=["partial"]).step(frame, {})
    assert [(f.weak, fired([f])[0]) for f in found] == [(False, 0), (True, 1), (False, 2)]


def judged(**columns: Any) -> pd.DataFrame:
    given_ = {
        "negative_share.low": 0.1,
        "negative_share.high": 0.3,
        "scored_coverage": 1.0,
        "volume": 90.0,
        **columns,
    }
    return points("volume_z", [5.0], **given_)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"scored_coverage": 0.59}, "only 59% of it could be read"),
        ({"scored_coverage": NAN}, "only 0% of it could be read"),
        ({"negative_share.high": 0.51}, "between 10% and 51% of it is negative: wider than 40%"),
        ({"negative_share.low": NAN, "negative_share.high": NAN}, "nothing is known of how it is meant"),
    ],
)
def test_cannot_judge_says_why(columns: dict[str, Any], words: str) -> None:
    found, _ = rule("cannot_judge").step(judged(**columns), {})
    assert (
        len(found) == 1
        and found[0].reason.startswith("cannot judge: look. 90 mentions in an hour")
        and words in found[0].reason
    )


def test_what_can_be_judged_is_not_asked() -> None:
    assert of(rule("cannot_judge"), judged()) == []
    assert of(rule("cannot_judge"), judged(**{"negative_share.high": 0.5})) == []
    assert of(rule("cannot_judge", above=6), judged(scored_coverage=0.1)) == []


TOPIC: dict[str, Any] = {
    "topic": "t",
    "terms": ["mould"],
    "name": None,
    "owner": None,
    "authors": 1,
    "authors_day": 6,
    "usual": 0,
}
LOUD: dict[str, Any] = {
    "source": "mastodon",
    "native_id": "1",
    "audience": 200_000,
    "top": True,
    "topic": None,
    "credible": True,
}


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({}, True),
        ({"authors_day": 3}, False),
        ({"authors_day": 4}, True),
        ({"usual": 6}, False),
        ({"usual": 5}, True),
        ({"authors": 0}, False),
    ],
)
def test_complaint_cluster_is_above_the_usual_of_its_topic(change: dict[str, Any], fires: bool) -> None:
    found, _ = rule("complaint_cluster", authors=3).step(points("negative_volume", [9.0], topics=[[TOPIC | change]]), {})
    assert bool(found) is fires
    assert all(f.topic == "t" and "complain of 'mould'" in f.reason for f in found)


def test_complaint_cluster_of_planned_topics_and_of_the_hour() -> None:
    topics = [TOPIC, TOPIC | {"topic": "mould", "name": "mould", "authors": 5}]
    frame = points("negative_volume", [9.0], topics=[topics])
    assert [f.topic for f in rule("complaint_cluster").step(frame, {})[0]] == ["t", "mould"]
    assert [f.topic for f in rule("complaint_cluster", topics=["mould"]).step(frame, {})[0]] == ["mould"]
    assert [f.topic for f in rule("complaint_cluster", over="hour").step(frame, {})[0]] == ["mould"]


@pytest.mark.parametrize(
    ("change", "settings", "fires"),
    [
        ({}, {}, True), ({"audience": 99_999}, {}, False), ({"top": False}, {}, False), ({"top": False}, {"top": False}, True),
        ({"credible": False}, {}, False), ({"credible": False}, {"credible": False}, True),
    ],
)  # fmt: skip
def test_multiplier(change: dict[str, Any], settings: dict[str, Any], fires: bool) -> None:
    found, _ = rule("multiplier", **settings).step(points("reach_total", [1.0], multipliers=[[LOUD | change]]), {})
    assert bool(found) is fires


def test_multiplier_tells_the_largest_of_each_topic() -> None:
    posts = [LOUD, LOUD | {"audience": 300_000}, LOUD | {"topic": "t", "audience": 150_000}]
    found, _ = rule("multiplier").step(points("reach_total", [1.0], multipliers=[posts]), {})
    assert [(f.topic, f.value) for f in found] == [("all", 300_000), ("t", 150_000)]


@pytest.mark.parametrize("top", [True, None])
def test_while_it_is_unknown_who_is_top_the_floor_stands(top: bool | None) -> None:
    said = points("reach_total", [1.0], multipliers=[[LOUD | {"top": top}]])
    (found,) = rule("multiplier").step(said, {})[0]
    assert ("of the top 1 %" in found.reason) is bool(top)
    assert of(rule("crisis"), surge(multipliers=[[LOUD | {"top": top}]])) == [0]
    few = points("reach_total", [1.0], multipliers=[[LOUD | {"top": top, "audience": 99_999}]])
    assert of(rule("multiplier"), few) == []


def test_red_line_counts_beyond_what_is_shown() -> None:
    hit = {"name": "harm", "severity": "S3", "source": "feed", "native_id": "1", "lang": "it", "credible": True, "of": 400}
    shown = points("negative_volume", [0.0], red_lines=[[hit] * 10 + [hit | {"credible": False, "of": 30}]])
    (found,) = rule("red_line").step(shown, {})[0]
    assert found.value == 400 and "400 credible mentions" in found.reason
    (found,) = rule("red_line", credible=False).step(shown, {})[0]
    assert found.value == 430 and "430 mentions" in found.reason


@pytest.mark.parametrize(
    ("kpi", "side", "least"),
    [
        ("volume", "above", 10), ("volume", "below", 0), ("velocity", "below", 0), ("negative_share", "below", 10),
        ("passion", "below", 10), ("follower_change", "below", 0), ("applause", "above", 0), ("share_of_voice", "above", 10),
    ],
)  # fmt: skip
def test_a_threshold_asks_for_mentions_only_where_there_may_be_some(kpi: str, side: str, least: int) -> None:
    assert rule("threshold", kpi=kpi, **{side: 5}).min_n == least


def test_followers_are_no_mentions() -> None:
    found, _ = rule("threshold", kpi="follower_change", below=-100).step(points("follower_change", [-9_000.0], n=2), {})
    assert found[0].reason == "follower_change -9,000 is at or below -100"


def test_red_line_proposes_its_own_severity() -> None:
    hit = {
        "name": "harm",
        "severity": "S2",
        "source": "feed",
        "native_id": "1",
        "lang": "it",
        "credible": True,
        "why": "holds vetro",
    }
    hits = [hit, hit | {"severity": "S3", "native_id": "2"}, hit | {"name": "boycott", "credible": False}]
    found, _ = rule("red_line").step(points("negative_volume", [0.0], red_lines=[hits]), {})
    assert [(f.topic, f.severity, f.value) for f in found] == [("red line: harm", "S3", 2)]
    assert found[0].reason == "red line 'harm': 2 credible mentions, on feed (it): holds vetro; verify it"
    found, _ = rule("red_line", credible=False, names=["boycott"]).step(points("negative_volume", [0.0], red_lines=[hits]), {})
    assert [f.topic for f in found] == ["red line: boycott"]


def surge(**columns: Any) -> pd.DataFrame:
    given_ = {
        "negative_prevalence.low": 0.4,
        "negative_prevalence.baseline": 0.1,
        "networks": [[]],
        "news": [[]],
        "multipliers": [[]],
    }
    return points("negative_prevalence", [0.6], **{**given_, **columns})


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"networks": [["feed", "mastodon"]]}, "on 2 networks (feed, mastodon)"),
        ({"news": [["feed"]]}, "in the news"),
        ({"multipliers": [[LOUD]]}, "by an author whom 200,000 follow"),
    ],
)
def test_crisis_has_left_its_network(columns: dict[str, Any], words: str) -> None:
    found, _ = rule("crisis").step(surge(**columns), {})
    assert len(found) == 1 and found[0].reason.endswith(words)
    assert not of(rule("crisis"), surge(**columns, **{"negative_prevalence.low": 0.29}))


@pytest.mark.parametrize(
    "columns", [{}, {"networks": [["mastodon"]]}, {"multipliers": [[LOUD | {"top": False}, LOUD | {"audience": 99_999}]]}]
)
def test_a_surge_on_one_network_is_no_crisis(columns: dict[str, Any]) -> None:
    assert of(rule("crisis"), surge(**columns)) == []


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("threshold", {"kpi": "volume"}, "exactly one of `above` and `below`"),
        ("threshold", {"kpi": "volume", "above": 1, "below": 2}, "exactly one of `above` and `below`"),
        ("threshold", {"kpi": "volumes", "above": 1}, "'volumes' is no KPI; choose one of: .*volume"),
        ("threshold", {"kpi": "volume", "above": 1, "bound": "middle"}, "'value', 'low' or 'high'"),
        ("threshold", {"kpi": "volume", "above": 1, "hold": 3}, "Extra inputs"),
        ("baseline", {"kpi": "negative_share", "rise": 0}, "greater than 0"),
        ("baseline", {"kpi": "negative_share"}, "Field required"),
        ("baseline", {"kpi": "negative_share", "rise": 0.2, "also": {"reach": 1}}, "'reach' is no KPI"),
        ("baseline", {"kpi": "doubling_time", "rise": 0.2}, "of doubling_time it is not known what is usual; choose one of: "),
        ("baseline", {"kpi": "volume", "rise": 5}, "volume has no interval, hence no low bound"),
        ("threshold", {"kpi": "volume", "above": 5, "bound": "high"}, "volume has no interval, hence no high bound"),
        ("threshold", {"kpi": "reach_total", "above": 5, "cold": True}, "of reach_total it is not known what is usual"),
        ("threshold", {"kpi": "volume", "above": 5, "clear": 5}, "5 must lie below `above`"),
        ("threshold", {"kpi": "volume", "below": 5, "clear": 4}, "4 must lie above `below`"),
        ("spike", {"detector": "late"}, "'early' or 'big'"),
        ("spike", {"detector": "early", "clear": 3.5}, "3.5 must lie below `above` \\(3.5\\)"),
        ("velocity", {"minutes": 15, "clear": 10}, "10 must lie above `minutes`"),
        ("complaint_cluster", {"authors": 1}, "greater than or equal to 2"),
        ("coverage", {}, "give `below`, or `quality`"),
        ("coverage", {"quality": ["blind"], "clear": 0.9}, "is of `below`"),
        ("crisis", {"kpi": "unique_authors"}, "of unique_authors it is not known what is usual"),
        ("crisis", {"networks": 1}, "greater than or equal to 2"),
    ],
)
def test_mistakes_in_settings_are_refused(kind: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        rule(kind, **settings)


def test_a_mistake_in_the_plan_names_file_rule_and_choices(tmp_path: Path) -> None:
    shipped = Path(plans.__file__).parents[1] / "plan"
    (tmp_path / "brands.yaml").write_text((shipped / "brands.yaml").read_text())
    (tmp_path / "escalation.yaml").write_text(yaml.safe_dump({"people": PEOPLE, "steps": STEPS}))
    entries = [
        {"name": "a", "rule": "threshold", "severity": "S1", "kpi": "volum", "above": 1},
        {"name": "b", "rule": "threshold", "severity": "S1", "kpi": "volume", "above": 1, "abvoe": 1},
        {"name": "c", "rule": "baseline", "severity": "S1", "kpi": "negative_share"},
    ]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"rules": entries}))
    with pytest.raises(ConfigError) as caught:
        plan_files.load(tmp_path)
    told = str(caught.value)
    (a,), (b,), (c,) = ([line for line in told.splitlines() if f"rule {name}" in line and words in line] for name, words in (
        ("a", "'volum' is no KPI; choose one of:"), ("b", "unknown key; did you mean 'above'?"), ("c", "is missing; add it"),
    ))  # fmt: skip
    assert "kpi" in a and "abvoe" in b and "rise" in c
    assert all("rules.yaml" in line for line in (a, b, c))


def test_every_rule_is_a_fold_with_settings() -> None:
    for name in registry.names("rules"):
        kind = registry.load("rules", name)
        assert issubclass(kind, Rule) and kind.name == name and (kind.__doc__ or "").strip()
        assert kind.Settings.model_config["extra"] == "forbid"
