"""Tests of rules in the plan's own format: promtool's notation, the differences, the command."""

import math
import shutil
from pathlib import Path

import pytest
from building import few
from hypothesis import given
from hypothesis import strategies as st

from coolhead import cli, plan_files, plan_tests
from coolhead.errors import ConfigError
from coolhead.plan_init import SHIPPED
from coolhead.plan_test_cases import Case, Cases, _numbers, _windows

NAN = math.nan
RULES = """\
rules:
  - {name: spike, rule: spike, detector: early, clear: 2, severity: S1}
  - {name: red, rule: red_line, severity: S2}
  - {name: much, rule: threshold, kpi: volume, above: 50, severity: S1, overrides: [{sources: [mastodon], above: 20}]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped plan with three rules, a calendar, and no tests."""
    shutil.copytree(SHIPPED, tmp_path / "plan")
    (tmp_path / "plan" / "rules.yaml").write_text(RULES, encoding="utf-8")
    brands = tmp_path / "plan" / "brands.yaml"
    event = "        calendar: [{name: sale, start: 2026-03-07, end: 2026-03-08}]\n        own_accounts:"
    brands.write_text(brands.read_text(encoding="utf-8").replace("        own_accounts:", event, 1), encoding="utf-8")
    (tmp_path / "plan" / plan_tests.FILE).unlink()
    return tmp_path / "plan"


def differences(folder: Path, **case: object) -> list[str]:
    plan = plan_files.load(folder)
    ((result),) = plan_tests.run(plan, Cases.model_validate({"tests": [{"name": "t", "fires": {}, **case}]}))
    return result.differences


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1 2.5 -3", (1, 2.5, -3)), ("0x3", (0, 0, 0, 0)), ("1+2x3", (1, 3, 5, 7)), ("5-0.5x2 9", (5, 4.5, 4, 9)), ("-1+1x1", (-1, 0)),
        ("_ 1", (NAN, 1)), ("_x2 1", (NAN, NAN, 1)), ("", ()), (7, (7,)),
    ],
)  # fmt: skip
def test_series_are_written_as_promtool_writes_them(text: object, numbers: tuple[float, ...]) -> None:
    assert _numbers(text) == pytest.approx(numbers, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("never", ()),
        ("0m", (0,)),
        ("10m-20m", (2, 3, 4)),
        ("5m, 1h-1h5m", (1, 12, 13)),
        ("1d", (288,)),
        ("1d2h", (312,)),
        ("5m,5m", (1,)),
    ],
)
def test_times(text: str, windows: tuple[int, ...]) -> None:
    assert _windows(text) == windows


@given(windows=st.sets(st.integers(0, 600)))
@few
def test_times_are_told_as_they_are_written(windows: set[int]) -> None:
    assert _windows(plan_tests._times(sorted(windows))) == tuple(sorted(windows))


def test_a_test_that_holds(folder: Path) -> None:
    assert differences(folder, series={"volume": "60x2", "volume_z": "4 3 1"}, fires={"spike": "0m-5m", "much": "0m-10m"}) == []


def test_differences_name_the_windows_and_the_reason(folder: Path) -> None:
    found = differences(folder, series={"volume": "40x3", "volume_z": "4 3 1 5"}, fires={"spike": "5m-10m"})
    assert found[:2] == ["spike: should fire at 5m-10m, fires at 0m-5m, 15m", "  - 10m"]
    assert found[2].startswith("  + 0m, 15m: 40 mentions in an hour") and len(found) == 3


def test_rules_that_are_not_named_must_be_silent(folder: Path) -> None:
    assert differences(folder, series={"volume": "60"})[0] == "much: should fire at never, fires at 0m"
    assert differences(folder, series={"volume": "60"}, rules=["spike"]) == []


def test_severity_topic_and_event_are_compared_where_they_are_said(folder: Path) -> None:
    lines = {"red_lines": [{"at": "0m", "name": "harm", "severity": "S4"}]}
    assert differences(folder, evidence=lines, fires={"red": {"at": "0m", "severity": "S4", "topic": "red line: harm"}}) == []
    assert differences(folder, evidence=lines, fires={"red": {"at": "0m", "severity": "S2"}}) == [
        "red: severity should be S2, is S4"
    ]
    sale = {"begins": "2026-03-08T12:00+01:00", "series": {"volume": "60"}}
    assert differences(folder, **sale, fires={"much": {"at": "0m", "expected": "sale"}}) == []
    assert differences(folder, **sale, fires={"much": {"at": "0m", "expected": "Ramadan"}}) == [
        "much: expected should be Ramadan, is sale"
    ]


def test_a_source_by_itself(folder: Path) -> None:
    assert differences(folder, series={"volume": "30", "volume@mastodon": "25"}, fires={"much@mastodon": "0m"}) == []


def test_what_is_not_given_is_filled_in() -> None:
    series = {"volume": "40 _ 50", "negative_share": "0.5x2", "negative_share.low": "0.4", "quality": "1"}
    with pytest.raises(ValueError, match="'quality' is no KPI"):
        Case.model_validate({"name": "t", "fires": {}, "series": series})
    del series["quality"]
    case = Case.model_validate(
        {"name": "t", "fires": {}, "series": series, "quality": {"blind": "10m"}, "evidence": {"news": {"feed": "20m"}}}
    )
    frame = plan_tests.points(case)
    assert [int((s - frame.index[0]).total_seconds() / 300) for s in frame.index] == [
        0,
        1,
        2,
        4,
    ]  # nothing is known of the fourth
    assert frame["negative_share.high"].tolist()[:3] == [0.5, 0.5, 0.5]
    assert frame["negative_share.low"].tolist()[:2] == pytest.approx([0.4, NAN], nan_ok=True)
    assert frame["volume.n"].tolist()[0] == frame["negative_share.n"].tolist()[0] == 40
    assert frame["quality"].tolist() == ["ok", "ok", "blind", "ok"]
    assert frame["news"].tolist() == [[], [], [], ["feed"]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    monkeypatch.setenv("COOLHEAD_HOME", str(tmp_path))
    for name in ("COOLHEAD_STORE", "COOLHEAD_PLAN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


GOOD = "tests:\n  - {name: calm, series: {volume: 1x3}, fires: {}}\n"
BAD = GOOD + "  - {name: loud, series: {volume: 60x3}, fires: {much: 5m}}\n"


def test_the_command_says_what_differs(home: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / plan_tests.FILE
    path.write_text(BAD)
    assert cli.main(["plan", "test"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[:3] == [
        "FAILED loud",
        "  much: should fire at 5m, fires at 0m-15m",
        "    + 0m, 10m-15m: volume 60 is at or above 50, from 60 mentions in an hour",
    ]
    assert told[3:] == [
        "rules_test.yaml expects what `should` says: change it too, if rules.yaml is as you mean it; the plan runs all the same",
        f"{path}: 2 tests of rules, 1 failed",
    ]
    path.write_text(GOOD)
    assert cli.main(["plan", "test"]) == 0
    assert capsys.readouterr().out == f"{path}: 1 tests of rules, 0 failed\n"


def test_a_file_elsewhere_is_tried_on_the_plan_that_is_named(
    home: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "mine.yaml").write_text(BAD)
    assert cli.main(["plan", "test", str(home / "mine.yaml")]) == 1
    assert cli.main(["plan", "test", str(home / "mine.yaml"), "--plan", str(SHIPPED)]) == 1
    assert "rules.yaml has no rule 'much' for this market" in capsys.readouterr().err


def test_a_check_runs_the_tests_too(home: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", "check"]) == 0
    assert "tests of rules" not in capsys.readouterr().out
    (folder / plan_tests.FILE).write_text(BAD)
    assert cli.main(["plan", "check"]) == 0, "what a test expects holds no plan up"
    told = capsys.readouterr().out
    assert "FAILED loud" in told and "2 tests of rules, 1 failed" in told


def test_a_missing_file_of_tests(home: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", "test"]) == 1
    assert f"{folder / plan_tests.FILE}: the file is missing; write one, or name another" in capsys.readouterr().err


def test_a_file_of_tests_that_is_none(folder: Path) -> None:
    path = folder / plan_tests.FILE
    path.write_text("- a\n")
    with pytest.raises(ConfigError, match="must be a mapping with the keys tests"):
        plan_tests.load(path, plan_files.load(folder))
