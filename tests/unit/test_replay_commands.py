"""`coolhead replay` and `coolhead mute` as people use them, and the Dag's request."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from building import DAY, HOUR, MINUTE, House, a_plan, utc

from coolhead import cli, incidents, planning
from coolhead.clock import Fixed, set_play
from coolhead.replaying import on_request
from coolhead.reports import _mutes, daily, review
from coolhead.rows import Judged, Mute, Seen, Signal
from coolhead.settings import Settings, load
from coolhead.store import Store, migrate
from coolhead.windows import BASE, GRACE, Window

MARCH = utc(2026, 3, 1)
NOW = MARCH + 3 * DAY
PLAN = a_plan({"name": "flood", "rule": "threshold", "kpi": "volume", "above": 20, "severity": "S1"})


@pytest.fixture
def where(home: Path) -> Settings:
    """A home with a plan, and what was seen of three days: two storms."""
    where = load()
    where.plan.mkdir(parents=True)
    for part, content in PLAN.content().items():
        (where.plan / f"{part}.yaml").write_text(yaml.safe_dump(content))
    migrate(where.store)
    set_play(where.play, NOW)
    store = Store(where.store)
    loud = {*range(100, 110), *range(500, 530)}
    store.upsert(
        Seen(
            market="zefirella", start=(at := MARCH + i * BASE), quality="ok", evidence={"onset": at.isoformat()}, as_of=at + BASE + GRACE,
            numbers={"volume": [v := 30.0 if i in loud else 3.0, v, None, None, None]},
        ) for i in range(3 * 288)
    )  # fmt: skip
    store.upsert([Judged(market="zefirella", through=NOW, state={})])
    store.close()
    return where


def ran(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = cli.main(list(argv))
    found = capsys.readouterr()
    return status, found.out, found.err


def test_replay_prints_a_table_and_writes_json_and_a_picture(where: Settings, tmp_path: Path, capsys: Any) -> None:
    rules = tmp_path / "fewer.yaml"
    rules.write_text("rules: [{name: flood, rule: threshold, kpi: volume, above: 20, for: 60, severity: S1}]\n")
    made, drawn = tmp_path / "r.json", tmp_path / "r.svg"
    status, out, _err = ran(
        capsys, "replay", "--rules", str(rules), "--against", "current", "--severity", "S1", "--json", str(made), "--picture", str(drawn),
    )  # fmt: skip
    assert status == 0
    assert ["episodes", "of", "S1", "issue", "or", "above", "1", "2"] in [line.split() for line in out.splitlines()]
    assert "only current raises: 1" in out
    found = json.loads(made.read_text())
    assert [len(p["episodes"]) for p in found["plans"]] == [1, 2]
    assert (found["windows"], found["computed"]) == (3 * 288 - 1, 0)  # the last window is judged two minutes after its end
    assert "<svg" in drawn.read_text()


def test_days_are_the_markets_own_and_the_last_is_included(where: Settings, capsys: Any) -> None:
    status, out, _err = ran(capsys, "replay", "--from", "2026-03-02", "--to", "2026-03-02", "--json", "-")
    found = json.loads(out)
    assert (status, found["from"], found["to"]) == (0, "2026-03-01T23:00:00+00:00", "2026-03-02T23:00:00+00:00")


@pytest.mark.parametrize(("argv", "words"), [
    (("--from", "2026-02-30"), "from: '2026-02-30' is no ISO time"),
    (("--from", "2026-04-01"), "holds no window of zefirella that is over; what is stored begins 2026-03-01"),
    (("--rules", "no.yaml"), "rules: no.yaml: there is no such file"),
    (("--market", "x"), "there is no market 'x'; the plan has: zefirella"),
])  # fmt: skip
def test_what_is_wrong_is_said_with_its_cure(where: Settings, capsys: Any, argv: tuple[str, str], words: str) -> None:
    status, _out, err = ran(capsys, "replay", *argv)
    assert (status, words in err) == (1, True)


@pytest.mark.parametrize(("argv", "words"), [
    (("--json", "/nowhere/x.json"), "json: /nowhere/x.json: there is no folder /nowhere; make it, or name another"),
    (("--picture", "/proc/nope/a.png"), "picture: /proc/nope/a.png: there is no folder /proc/nope; make it, or name another"),
    (("--picture", "a.gif"), "picture: a.gif must end in .svg or .png"),
    (("--json", "/"), "json: / is a folder; name a file in it"),
])  # fmt: skip
def test_where_nothing_can_be_written_it_is_said_before_the_run(
    where: Settings, capsys: Any, monkeypatch: Any, argv: tuple[str, str], words: str
) -> None:
    def ran_all_the_same(*_: Any) -> None:
        raise AssertionError("it was replayed first")

    monkeypatch.setattr("coolhead.replaying.compare", ran_all_the_same)
    status, out, err = ran(capsys, "replay", *argv)
    assert (status, out, words in err) == (1, "", True)


def test_what_the_file_system_refuses_takes_no_table_along(where: Settings, capsys: Any) -> None:
    """/dev/full is a disk without room."""
    status, out, err = ran(capsys, "replay", "--json", "/dev/full")
    assert (status, "episodes a month" in out) == (1, True)
    assert "json: /dev/full cannot be written: No space left on device; name another place" in err


def test_the_known_episodes_of_a_folder_do_not_count_and_it_is_said(where: Settings, tmp_path: Path, capsys: Any) -> None:
    (folder := tmp_path / "other").mkdir()
    content = PLAN.content()
    content["brands"]["brands"][0]["markets"][0]["known_episodes"] = [
        {"start": "2026-03-02", "end": "2026-03-02", "crisis": True}
    ]
    for part, of in content.items():
        (folder / f"{part}.yaml").write_text(yaml.safe_dump(of))
    status, out, err = ran(capsys, "replay", "--rules", str(folder))
    assert (status, "no labels: nobody confirmed" in out) == (0, True)
    assert err.count(f"rules: {folder}: its `known_episodes` do not count: the truth is that of the plan that runs") == 1
    assert "do not count" not in ran(capsys, "replay")[2]


def test_the_dag_writes_table_json_and_picture(where: Settings) -> None:
    store, told = Store(where.store), list[str]()
    plan = planning.current(store, where.plan, Fixed(NOW))
    rules = "rules: [{name: flood, rule: threshold, kpi: volume, above: 99, severity: S1}]"
    written = on_request(store, plan, where, Fixed(NOW), told.append, rules, None, "2026-03-01", None, "S1")
    assert [Path(p).suffix for p in written] == [".txt", ".json", ".svg"]
    assert all(Path(p).parent == where.reports / "replays" / "zefirella" for p in written)
    assert Path(written[0]).read_text().splitlines() == told
    assert [p["name"] for p in json.loads(Path(written[1]).read_text())["plans"]] == ["changed.yaml", "current"]
    assert on_request(store, plan, where, Fixed(NOW), told.append) == written
    store.close()


def test_of_a_folder_the_calendar_counts_too(where: Settings, tmp_path: Path, capsys: Any) -> None:
    """The second storm lies in a sale: its signals are noted, and open nothing."""
    (folder := tmp_path / "other").mkdir()
    content = PLAN.content()
    sale = {"name": "sale", "start": "2026-03-02", "end": "2026-03-03", "expects": "volume"}
    content["brands"]["brands"][0]["markets"][0]["calendar"] = [sale]
    for part, of in content.items():
        (folder / f"{part}.yaml").write_text(yaml.safe_dump(of))
    status, out, _err = ran(capsys, "replay", "--rules", str(folder), "--against", "current", "--severity", "S1", "--json", "-")
    here, current = json.loads(out)["plans"]
    assert (status, len(here["episodes"]), len(current["episodes"])) == (0, 1, 2)
    assert (here["rules"][0]["expected"], here["rules"][0]["signals"], current["rules"][0]["signals"]) == (30, 10, 40)


def mute(*more: str) -> tuple[str, ...]:
    return ("mute", "add", "--until", (NOW + DAY).isoformat(), "--reason", "a giveaway", "--owner", "anna", *more)


def test_a_mute_shows_what_it_would_have_hidden_before_it_is_made(where: Settings, capsys: Any) -> None:
    store = Store(where.store)
    at = NOW - 2 * DAY
    store.upsert([Signal(
        market="zefirella", rule="flood", start=at, severity="S1", reason="30", kpi="volume", value=30, threshold=20, as_of=at + BASE + GRACE,
    )])  # fmt: skip
    status, out, _err = ran(capsys, *mute("--rules", "flood", "--dry-run"))
    assert (status, store.count(Mute)) == (0, 0)
    assert "in the last 14 days it would have hidden 1 of 1 signals: 1 of flood" in out
    assert out.endswith("made: nothing (--dry-run)\n")
    status, out, _err = ran(capsys, *mute("--rules", "flood", "--maintenance"))
    (made,) = store.read(Mute)
    assert (status, made.kind, made.rules, made.made_by) == (0, "maintenance", ["flood"], "anna")
    assert made.mute_id in out
    _status, out, _err = ran(capsys, "mute", "list")
    assert (
        f"{made.mute_id}  2026-03-04 00:00 to 2026-03-05 00:00 UTC  on       maintenance  zefirella: flood; no signal kept quiet; anna: a giveaway"
        in out
    )
    status, _out, _err = ran(capsys, "mute", "end", made.mute_id[:6], "--by", "anna", "--reason", "over")
    assert (status, store.read(Mute)[0].ended_by) == (0, "anna")
    store.close()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "keeps quiet all rules, S3 too: storm; red lines and what people report are always heard"),
        (("--rules", "flood"), "keeps quiet flood; red lines and what people report are always heard"),
        (("--rules", "flood,storm"), "keeps quiet flood, storm, S3 too: storm; red lines and"),
        (
            ("--topic", "a1b2"),
            "keeps quiet all rules about a1b2; what is about no one topic, or another, is heard; red lines and",
        ),
    ],
)
def test_a_mute_says_that_it_keeps_a_crisis_quiet(where: Settings, capsys: Any, more: tuple[str, ...], said: str) -> None:
    rules = [
        *PLAN.content()["rules"]["rules"],
        {"name": "storm", "rule": "threshold", "kpi": "negative_volume", "above": 99, "min_authors": 9, "severity": "S3"},
    ]
    (where.plan / "rules.yaml").write_text(yaml.safe_dump({"rules": rules}))
    store = Store(where.store)
    at = NOW - DAY
    store.upsert([Signal(
        market="zefirella", rule="flood", start=at, topic="a1b2", severity="S1", reason="30", kpi="volume", value=30, threshold=20,
        as_of=at + BASE + GRACE,
    )])  # fmt: skip
    store.close()
    status, out, err = ran(capsys, *mute("--dry-run", *more))
    assert status == 0, err
    assert said in out


def test_a_time_without_a_zone_is_on_the_markets_clocks(where: Settings, capsys: Any) -> None:
    told = ("--reason", "x", "--owner", "anna")
    status, out, _err = ran(capsys, "mute", "add", "--from", "2026-03-04T02:00", "--until", "2026-03-04T23:00", *told)
    assert status == 0
    assert (
        "from 2026-03-04 02:00 Europe/Rome (2026-03-04 01:00 UTC) to 2026-03-04 23:00 Europe/Rome (2026-03-04 22:00 UTC)" in out
    )
    store = Store(where.store)
    (made,) = store.read(Mute)
    assert (made.start, made.end) == (NOW + 1 * HOUR, NOW + 22 * HOUR)
    store.close()
    assert "until: 'soon' is no ISO time" in ran(capsys, "mute", "add", "--until", "soon", *told)[2]
    assert "the clocks change" in ran(capsys, "mute", "add", "--until", "2026-03-29T02:30", *told)[2]  # never shown in Rome


def test_a_mute_of_a_month_is_refused_with_its_cure(where: Settings, capsys: Any) -> None:
    status, _out, err = ran(capsys, "mute", "add", "--until", (NOW + 30 * DAY).isoformat(), "--reason", "x", "--owner", "anna")
    assert status == 1
    assert "a mute lasts 14 days at most" in err and "coolhead replay --rules FILE" in err


def test_a_mute_of_a_topic_that_nobody_knows_is_refused(where: Settings, capsys: Any) -> None:
    store = Store(where.store)
    at = NOW - DAY
    store.upsert([Signal(
        market="zefirella", rule="flood", start=at, topic="a1b2", severity="S1", reason="30", kpi="volume", value=30, threshold=20,
        as_of=at + BASE + GRACE,
    )])  # fmt: skip
    status, _out, err = ran(capsys, *mute("--topic", "mould"))
    assert (status, "topic: no signal was about 'mould'; choose of: a1b2" in err) == (1, True)
    assert ran(capsys, *mute("--topic", "a1b2"))[0] == 0
    assert store.read(Mute)[0].topic == "a1b2"
    store.close()


def test_where_nothing_is_stored_it_is_said(home: Path, capsys: Any) -> None:
    (folder := load().plan).mkdir(parents=True)
    for part, content in PLAN.content().items():
        (folder / f"{part}.yaml").write_text(yaml.safe_dump(content))
    migrate(load().store)
    status, _out, err = ran(capsys, "replay")
    assert (status, "nothing is stored: `coolhead import` an export of months" in err) == (1, True)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path, PLAN) as made:
        yield made


def test_brief_and_review_count_what_was_kept_quiet(house: House) -> None:
    muted = Mute(
        mute_id="m", market="zefirella", kind="silence", rules=["flood"], topic="prize", owner="anna", reason="giveaway", start=MARCH, end=MARCH + HOUR,
        made_by="bruno", made_at=MARCH,
    )  # fmt: skip
    house.store.upsert([muted])
    for i, by in enumerate(["m", "m", "calendar: Ramadan"]):
        at = MARCH + i * BASE
        house.store.upsert([Signal(
            market="zefirella", rule="flood", start=at, severity="S1", reason="30", kpi="volume", value=30, threshold=20, as_of=at + BASE + GRACE,
            muted_by=by,
        )])  # fmt: skip
    said = _mutes.in_words(house.store, "zefirella", Window(MARCH, MARCH + DAY), MARCH + DAY, "UTC")
    assert said == [
        "2 signals were kept quiet by bruno for anna until 01 Mar 01:00 (silence of flood about prize): giveaway",
        "1 signal was noted only: so much is expected of Ramadan, says the plan's calendar",
    ]
    page = daily.build(house.store, house.plan, house.market, date(2026, 3, 1), MARCH + DAY)
    assert "Kept quiet" in page and "2 signals were kept quiet by bruno for anna until 01 Mar 02:00" in page
    assert "Kept quiet" not in daily.build(house.store, house.plan, house.market, date(2026, 3, 2), MARCH + 2 * DAY)
    storm = incidents.report(house.store, house.plan, house.market, "anna", MARCH + 2 * HOUR, "it was one after all")
    assert "2 signals were kept quiet by bruno" in review.build(house.store, house.plan, storm, MARCH + DAY)


def test_what_still_fires_when_a_mute_is_over_opens_an_incident_at_once(house: House) -> None:
    """Forty mentions within five minutes stay in the trailing hour; the mute covers the first twenty minutes of it."""
    noon = MARCH + 12 * HOUR
    house.listen(MARCH, noon + 2 * HOUR)
    for i in range(40):
        house.say(noon + timedelta(seconds=7 * i), "neutral", known_at=noon + 5 * MINUTE)
    house.store.upsert([Mute(
        mute_id="m", market="zefirella", kind="silence", rules=[], owner="anna", reason="giveaway", start=noon, end=noon + 20 * MINUTE,
        made_by="anna", made_at=noon,
    )])  # fmt: skip
    assert house.evaluate(noon + 20 * MINUTE + GRACE).incidents == []
    muted = house.store.read(Signal)
    assert [s.muted_by for s in muted] == ["m"] * 4 and {s.incident_id for s in muted} == {None}
    (opened,) = house.evaluate(noon + 25 * MINUTE + GRACE).incidents
    first = min(s.start for s in house.store.read(Signal, incident_id=opened))
    assert first == noon + 20 * MINUTE
