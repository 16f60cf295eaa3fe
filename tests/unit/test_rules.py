"""Rules: causal folds whose result does not depend on how the points are cut into chunks."""

import json
import math
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from building import PEOPLE, STEPS, few, many, utc
from hypothesis import given
from hypothesis import strategies as st
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


def test_threshold_needs_evidence() -> None:
    frame = points("volume", [50, 50, 50], n=[9, 10, 11])
    assert of(rule("threshold", kpi="volume", above=1, min_n=10), frame) == [1, 2]


def test_threshold_holds_for_windows_in_a_row() -> None:
    r = rule("threshold", kpi="volume", above=10, for_windows=3)
    assert of(r, points("volume", [11, 11, 5, 11, 11, 11, 11])) == [5, 6]
    assert of(r, points("volume", [11, NAN, 11, 11])) == []


def test_a_missing_window_breaks_the_row() -> None:
    r = rule("threshold", kpi="volume", above=10, for_windows=2)
    assert of(r, points("volume", [11, 11, 11, 11], at=[0, 2, 3, 5])) == [3]


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
    assert of(rule("baseline", kpi="negative_share", rise=0.01, min_n=0), frame) == []


def test_baseline_never_fires_on_what_is_unknown() -> None:
    for column in ("negative_share", "negative_share.low", "negative_share.n"):
        given_ = {"negative_share.baseline": 0.1, column: NAN}
        frame = points("negative_share", [0.9], **given_)
        r = rule("baseline", kpi="negative_share", rise=0.2, bound="value" if column == "negative_share" else "low")
        assert of(r, frame) == []


def test_baseline_asks_for_the_floor_of_another() -> None:
    r = rule("baseline", kpi="negative_share", rise=0.2, also={"reach_total": 1000})
    frame = points("negative_share", [0.9] * 3, **{"negative_share.baseline": 0.1, "reach_total": [999.0, 1000.0, NAN]})
    found, _ = r.step(frame, {})
    assert fired(found) == [1]
    assert "reach_total 1,000, floor 1,000" in found[0].reason


def test_baseline_needs_evidence() -> None:
    frame = points("negative_share", [0.9] * 2, n=[29, 30], **{"negative_share.baseline": 0.1})
    assert of(rule("baseline", kpi="negative_share", rise=0.2, min_n=30), frame) == [1]


RULES = [
    rule("threshold", kpi="volume", above=3, min_n=2),
    rule("threshold", kpi="volume", above=3, min_n=2, for_windows=3),
    rule("threshold", kpi="volume", below=2, min_n=0, for_windows=2),
    rule("threshold", kpi="volume", above=2, bound="low", min_n=0, for_windows=4),
    rule("baseline", kpi="volume", rise=1, min_n=1, bound="value"),
]


@given(data=st.data())
@many
def test_any_chunking_gives_the_same(data: st.DataObject) -> None:
    """Findings and state; the state passes through JSON between chunks, as in the store."""
    at = sorted(data.draw(st.sets(st.integers(0, 40), min_size=1)))
    number = st.integers(0, 5).map(float) | st.just(NAN)
    values, low, usual = (data.draw(st.lists(number, min_size=len(at), max_size=len(at))) for _ in range(3))
    n = data.draw(st.lists(st.integers(0, 4).map(float), min_size=len(at), max_size=len(at)))
    frame = points("volume", values, n, at, **{"volume.low": low, "volume.baseline": usual})
    cuts = sorted(data.draw(st.sets(st.integers(0, len(at)))))
    for r in RULES:
        whole, state = r.step(frame, {})
        found, memory = [], dict[str, Any]()
        for a, b in zip([0, *cuts], [*cuts, len(at)], strict=True):
            more, memory = r.step(frame.iloc[a:b], json.loads(json.dumps(memory)))
            found += more
        assert (found, memory) == (whole, state)


@given(values=st.lists(st.integers(0, 5).map(float), min_size=2, max_size=30), cut=st.integers(1, 29))
@few
def test_the_future_changes_nothing(values: list[float], cut: int) -> None:
    frame = points("volume", values, **{"volume.baseline": 1.0})
    for r in RULES:
        early = r.step(frame.iloc[:cut], {})[0]
        assert r.step(frame, {})[0][: len(early)] == early


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("threshold", {"kpi": "volume"}, "exactly one of `above` and `below`"),
        ("threshold", {"kpi": "volume", "above": 1, "below": 2}, "exactly one of `above` and `below`"),
        ("threshold", {"kpi": "volumes", "above": 1}, "'volumes' is no KPI; choose one of: .*volume"),
        ("threshold", {"kpi": "volume", "above": 1, "for_windows": 0}, "greater than or equal to 1"),
        ("threshold", {"kpi": "volume", "above": 1, "bound": "middle"}, "'value', 'low' or 'high'"),
        ("threshold", {"kpi": "volume", "above": 1, "hold": 3}, "Extra inputs"),
        ("baseline", {"kpi": "negative_share", "rise": 0}, "greater than 0"),
        ("baseline", {"kpi": "negative_share"}, "Field required"),
        ("baseline", {"kpi": "negative_share", "rise": 0.2, "also": {"reach": 1}}, "'reach' is no KPI"),
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
