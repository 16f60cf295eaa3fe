"""Killed with SIGKILL at every named fail point and run again, a stage leaves what one clean run leaves.

Every stage runs once to its end, and what stood before and after it is kept. For each of its fail points the state before
it is copied, the stage is killed there in a process of its own, run again, and every table and file is compared, but for
what the declaration calls operational and for random marks.
"""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

import coolhead
import peers
from coolhead import clock, plan_files, rows, schema, settings
from coolhead.clock import Clock, set_play
from coolhead.plan import Market, Plan
from coolhead.rows import CollectionLog, Cursor, Dirty, Incident, IncidentEvent, Mention, Notice, Payload, Quarantined, Signal
from coolhead.settings import Settings
from coolhead.store import Store
from coolhead.windows import Window
from peers import Network, Post, World

HERE = Path(__file__).parent
SOURCE = Path(coolhead.__file__).parent
NOW = datetime(2026, 3, 25, 11, 30, tzinfo=UTC)
BEGIN = datetime(2026, 3, 25, 10, tzinfo=UTC)

NOT_HERE = {"dirty", "follower", "mute", "plan_version", "silence", "outage", "spent", "ungrouped"}
"""Tables that these tasks leave empty: others fill them."""
POINTS = {
    "poll": ["landing.meta", "landing.bytes", "poll.parsed", "poll.written", "poll.committed"],
    "recheck": ["recheck.parsed", "recheck.written", "recheck.committed"],
    "gate": ["gate.written"],
    "score": ["score.computed", "score.written"],
    "label": ["label.written"],
    "topics": ["topics.computed", "topics.placed", "topics.counted", "topics.written"],
    "evaluate": ["measure.computed", "measure.written", "judge.computed", "judge.written"],
    "announce": ["announce.intended"],
    "send": ["outbox.sent"],
    "decide": ["decide.appended"],
}
"""stage -> its fail points, in the order of the data's way."""
SHARED = {"recheck": ["landing.meta", "landing.bytes"]}
"""stage -> fail points that another one passes too."""
RANDOM = {"mark"}
"""Columns that are new at every write, by declaration."""


# the stages


def poll(store: Store, chosen: Plan, market: Market, where: Settings, now: Clock) -> None:
    from coolhead.collection import Collector

    Collector(store, chosen, where, now).poll("files", market, Window(BEGIN, NOW), assume_known=True)


def gate(store: Store, chosen: Plan, market: Market, where: Settings, now: Clock) -> None:
    from coolhead.quality import gate as run

    run(store, now)


def score(store: Store, chosen: Plan, market: Market, where: Settings, now: Clock) -> None:
    from coolhead.scoring import score as run

    run(store, chosen, now)


def label(store: Store, chosen: Plan, market: Market, where: Settings, now: Clock) -> None:
    from coolhead import label_rounds, labelling
    from coolhead.rows import Drawn

    later, filled = NOW + timedelta(days=10), where.home / "filled.csv"
    label_rounds.sample(store, chosen, market, where, later, "2026-03", 9, None)
    read = {d.native_id: d.read for d in store.read(Drawn)}
    with (
        label_rounds.file_of(where, market, "2026-03").open(encoding="utf-8-sig", newline="") as given,
        filled.open("w", encoding="utf-8", newline="") as stream,
    ):
        rows = csv.DictReader(given)
        writer = csv.DictWriter(stream, rows.fieldnames or ())
        writer.writeheader()
        writer.writerows(row | {"label": read[row["native_id"]]} for row in rows)
    labelling.read(store, filled, "anna", now.now())


def topics(store: Store, chosen: Plan, market: Market, where: Settings, now: Clock) -> None:
    from coolhead.topics import group_all

    group_all(store, chosen, now)


def evaluate(store: Store, chosen: Plan, market: Market, where: Settings, now: Clock) -> None:
    from coolhead.evaluation import evaluate as run

    for each in chosen.markets:
        run(store, chosen, each, now)


def announce(store: Store, chosen: Plan, market: Market, where: Settings, now: Clock) -> None:
    from coolhead.escalation import Step
    from coolhead.escalation import announce as run

    (incident,) = store.read(Incident, market=market.id)
    run(store, Step(incident.incident_id, "acknowledge", 0, 0), now)


def send(store: Store, chosen: Plan, market: Market, where: Settings, now: Clock) -> None:
    from coolhead.outbox import send_outbox

    send_outbox(store, now, {})


def decide(store: Store, chosen: Plan, market: Market, where: Settings, now: Clock) -> None:
    from coolhead.incidents import decide as run

    (incident,) = store.read(Incident, market=market.id)
    run(store, incident.incident_id, f"{incident.incident_id}.acknowledge.0", "acknowledge", "anna", now.now(), "I see it")


def recheck(store: Store, chosen: Plan, market: Market, where: Settings, now: Clock) -> None:
    from coolhead.rechecking import recheck_all

    recheck_all(store, chosen, where, now, "mastodon", BEGIN + timedelta(hours=2))


STAGES: dict[str, Callable[[Store, Plan, Market, Settings, Clock], None]] = {
    "poll": poll, "recheck": recheck, "gate": gate, "score": score, "label": label, "topics": topics, "evaluate": evaluate, "announce": announce, "send": send, "decide": decide,
}  # fmt: skip


def perform(stage: str, where: Settings) -> None:
    """One stage in this process, with the home as working directory: the folder channel's address is relative to it."""
    chosen = plan_files.load(where.plan)
    before = Path.cwd()
    os.chdir(where.home)
    store = Store(where.store)
    try:
        STAGES[stage](store, chosen, chosen.markets[0], where, clock.load(where.play))
    finally:
        store.close()
        os.chdir(before)


def kill(stage: str, point: str, where: Settings) -> None:
    """The same in a process of its own, which dies at the point."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]), "COOLHEAD_HOME": str(where.home), "COOLHEAD_STORE": where.store, "COOLHEAD_KILL_AT": point}  # fmt: skip
    code = f"import test_crash; from coolhead import settings; test_crash.perform({stage!r}, settings.load())"
    died = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120, check=False)
    assert died.returncode == -signal.SIGKILL, f"{point} was not reached\n{died.stderr}"


# what they work on


def export(folder: Path) -> None:
    """Two exports with complaints, praise, what the edge refuses, what the gate refuses, and doubles."""
    folder.mkdir(parents=True)
    texts = [
        "Zefirella is terrible, I hate it, disgusting and dangerous!",
        "Zefirella fa schifo, sono arrabbiato e deluso, vergogna!",
        "I love Zefirella, wonderful taste, thank you!",
        "Zefirella and limonata, both awful, worst drink ever. 😡",
    ]
    lines = [
        f"{i},{(BEGIN + timedelta(seconds=97 * i)).isoformat()},\"{texts[i % 4]} {i}\",user{i % 7},{i},https://x.example/{i}"
        for i in range(40)
    ]  # fmt: skip
    lines[7] = f"7,{BEGIN.isoformat()},Zefirella whose address is none,bob,1,ftp://x.example/7"  # the gate's
    lines += [lines[0], "nought,yesterday,Zefirella,bob,1,", f"minus,{BEGIN.isoformat()},Zefirella,bob,-1,"]
    head = "native_id,published_at,text,author,likes,url"
    (folder / "a.csv").write_text("\n".join([head, *lines[:25]]) + "\n", encoding="utf-8")
    (folder / "b.csv").write_text("\n".join([head, *lines[25:], lines[20]]) + "\n", encoding="utf-8")
    for path in folder.iterdir():
        os.utime(path, (0, 0))


def crisis_plan(folder: Path, server: dict[str, Any]) -> None:
    def market(name: str, term: str, **sources: Any) -> dict[str, Any]:
        return {
            "id": name, "time_zone": "Europe/Rome", "languages": ["en", "it"], "terms": {"any_of": [term]}, "sources": sources or {"files": {}},
        }  # fmt: skip

    people = [
        {"id": i, "name": i.title(), "roles": roles, "addresses": {"folder": f"notices/{i}"}}
        for i, roles in {"anna": ["duty_lead"], "bruno": ["duty_lead", "crisis_lead", "spokesperson"]}.items()
    ]
    rules = [
        {
            "name": "complaints",
            "rule": "threshold",
            "kpi": "negative_volume",
            "above": 3,
            "min_n": 3,
            "min_authors": 2,
            "severity": "S2",
        },
        {
            "name": "volume",
            "rule": "threshold",
            "kpi": "volume",
            "above": 5,
            "min_n": 5,
            "severity": "S1",
            "markets": ["zefirella"],
        },
    ]
    files = {
        "brands.yaml": {
            "brands": [
                {
                    "name": "Zefirella",
                    "markets": [
                        market("zefirella", "zefirella"),
                        market("limonata", "limonata"),
                        market("granita", peers.BRAND, mastodon=server),
                    ],
                }
            ],
            "network": {"allow_private": True},
            "quality": {"max_refused_share": 0.5},
        },
        "rules.yaml": {"rules": rules},
        "escalation.yaml": {"people": people, "steps": [{"notify": ["duty_lead"], "channels": ["folder"]}]},
    }
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")


def heard(where: Settings, network: Network) -> None:
    """Three posts, which are stored; then one of them is edited and one removed."""
    from coolhead.collection import Collector

    chosen, store = plan_files.load(where.plan), Store(where.store)
    Collector(store, chosen, where, clock.load(where.play)).poll("mastodon", chosen.market("granita"), Window(BEGIN, NOW))
    store.close()
    network.peer.world.edit(1, text=f"{peers.BRAND}: corretto", likes=9, edited_at=BEGIN + timedelta(minutes=30))
    network.peer.world.remove(2)


@dataclass
class State:
    """A home with its store, to be copied, run and compared."""

    where: Settings

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        store = Store(self.where.store)
        try:
            return {kind.table_name: [essence(row) for row in store.read(kind)] for kind in rows.TABLES}
        finally:
            store.close()

    def files(self) -> dict[str, bytes]:
        folders = (self.where.landing, self.where.home / "notices")
        found = [p for folder in folders for p in folder.rglob("*") if p.is_file()]
        return {str(p.relative_to(self.where.home)): p.read_bytes() for p in sorted(found)}


def essence(row: schema.Row) -> dict[str, Any]:
    """What of a row two runs over the same input must agree upon."""
    left_out = {c.name for c in schema.columns(type(row)) if c.col.operational} | RANDOM
    return {name: getattr(row, name) for name in type(row).model_fields if name not in left_out}


_numbers = count()


@dataclass
class Yard:
    """Makes states, on one database or the other."""

    database: str
    folder: Path
    request: pytest.FixtureRequest

    def copy(self, of: State | None = None) -> State:
        name = f"crash_{self.database}_{next(_numbers)}"
        home = self.folder / name
        if of:
            shutil.copytree(of.where.home, home)
        else:
            home.mkdir(parents=True)
        if self.database == "sqlite":
            if not of:
                shutil.copy(self.request.getfixturevalue("migrated_sqlite"), home / "store.db")
            return State(Settings(home, f"sqlite:///{home / 'store.db'}", home / "plan"))
        server = self.request.getfixturevalue("migrated_postgres")
        template = of.where.store.partition("?")[0].rpartition("/")[2] if of else "coolhead_template"
        return State(Settings(home, server.create(name, template), home / "plan"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def yard(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Yard:
    return Yard(request.param, tmp_path_factory.mktemp("crash"), request)


@pytest.fixture(scope="module")
def network(yard: Yard) -> Iterator[Network]:
    """Of its own for each kind of store: it changes once."""
    with Network(peers.load("mastodon", World(Post(n, BEGIN + timedelta(minutes=n)) for n in (1, 2, 3)))) as served:
        yield served


@pytest.fixture(scope="module")
def clean(yard: Yard, network: Network) -> dict[str, State]:
    """stage -> the state before it; `end` -> after all of them. One run, nobody killed."""
    now = yard.copy()
    crisis_plan(now.where.plan, network.settings())
    export(now.where.inbox / "zefirella")
    set_play(now.where.play, NOW)
    (now.where.home / "author.key").write_text("00" * 32)
    heard(now.where, network)
    found = {}
    for stage in STAGES:
        found[stage] = yard.copy(now)
        perform(stage, now.where)
    return found | {"end": now}  # the databases go away with their server: each DROP would cost a checkpoint


@pytest.fixture(scope="module")
def after(clean: dict[str, State]) -> dict[str, tuple[dict[str, Any], dict[str, bytes]]]:
    """stage -> tables and files after it."""
    following = [*list(clean)[1:]]
    return {stage: (clean[n].tables(), clean[n].files()) for stage, n in zip(STAGES, following, strict=True)}


def test_every_fail_point_of_the_source_is_exercised() -> None:
    found = [
        name for path in sorted(SOURCE.rglob("*.py")) for name in re.findall(r"failpoint\.reached\(([^)]*)\)", path.read_text())
    ]  # fmt: skip
    assert sorted(found) == sorted(f'"{point}"' for points in POINTS.values() for point in points)
    assert set(POINTS) == set(STAGES)


def test_the_clean_run_does_what_it_is_for(clean: dict[str, State]) -> None:
    """Else two runs that did nothing would be equal, and prove it."""
    store = Store(clean["end"].where.store)
    counts = {k.table_name: store.count(k) for k in rows.TABLES}
    assert store.read(Incident, market="zefirella")[0].state == "acknowledged"
    assert [n.status for n in store.read(Notice)] == ["sent", "sent"]
    assert {s.rule for s in store.read(Signal)} == {"complaints", "volume"}
    assert any(q.item.startswith("id ") and q.item.endswith(":7") for q in store.read(Quarantined))
    assert store.read(IncidentEvent)
    store.close()
    assert counts["mention"] == 39 + 3
    assert counts["quarantine"] == 3
    assert counts["match"] > counts["mention"]
    assert counts["payload"] == 2 + 2
    assert counts["drawn"] == counts["label"] == 9
    assert counts["tombstone"] == 1
    assert counts["dirty"] == counts["ungrouped"] == 0
    assert counts["in_topic"] == counts["match"] - counts["tombstone"]
    assert {t for t, n in counts.items() if n == 0} <= NOT_HERE
    assert len([f for f in clean["end"].files() if f.startswith("notices/")]) == 2


@pytest.mark.parametrize(
    ("stage", "point"), [(stage, point) for some in (POINTS, SHARED) for stage, points in some.items() for point in points], ids=str
)  # fmt: skip
def test_killed_and_run_again_equals_one_clean_run(
    yard: Yard, clean: dict[str, State], after: dict[str, Any], stage: str, point: str
) -> None:
    state = yard.copy(clean[stage])
    kill(stage, point, state.where)
    perform(stage, state.where)
    tables, files = after[stage]
    found = state.tables()
    for name in tables:  # one table at a time, so that a failure shows the rows
        assert found[name] == tables[name], name
    assert state.files() == files


def test_run_twice_equals_run_once(yard: Yard, clean: dict[str, State]) -> None:
    """Every stage again, from the first, over the store in which all of them have run."""
    state = yard.copy(clean["end"])
    for stage in ("poll", "recheck", "gate", "score", "label", "topics", "evaluate", "announce", "send", "decide"):
        perform(stage, state.where)
    assert state.tables() == clean["end"].tables()
    assert state.files() == clean["end"].files()


def test_what_was_landed_is_not_lost_with_the_file(yard: Yard, clean: dict[str, State]) -> None:
    """The export that a dead poll had landed is gone from the inbox: its rows are stored all the same."""
    state = yard.copy(clean["poll"])
    kill("poll", "poll.parsed", state.where)
    for path in (state.where.inbox / "zefirella").iterdir():
        path.unlink()
    perform("poll", state.where)
    store = Store(state.where.store)
    assert (store.count(Mention, source="files"), store.count(Payload, source="files")) == (40, 2)
    assert store.count(Cursor, source="files") == 0  # what was not fetched now moves no cursor
    assert [log.ok for log in store.read(CollectionLog, source="files", start=BEGIN, end=NOW)] == [True]
    store.close()


def test_a_kill_leaves_no_half_transaction(yard: Yard, clean: dict[str, State]) -> None:
    """Straight after the kill, before anything is run again: all or nothing."""
    state = yard.copy(clean["poll"])
    kill("poll", "poll.written", state.where)
    assert state.tables() == clean["poll"].tables()
    kill("poll", "poll.committed", state.where)
    assert len(state.tables()["mention"]) == 40 + 3
    meta = next(p for p in (state.where.landing / "files").rglob("*.meta.json"))
    assert json.loads(meta.read_text())["source"] == "files"
    store = Store(state.where.store)
    assert {d.market for d in store.read(Dirty)} == {"zefirella", "limonata", "granita"}
    store.close()


def test_what_is_stored_and_not_settled_is_not_doubled(yard: Yard, clean: dict[str, State]) -> None:
    """Killed between the commit and taking the marks away: the next run finds them, stores nothing again, and clears up."""
    for stage, source in (("poll", "files"), ("recheck", "mastodon")):
        state = yard.copy(clean[stage])
        pending = state.where.landing / source / "pending"
        kill(stage, f"{stage}.committed", state.where)
        marks, tables = list(pending.iterdir()), state.tables()
        assert marks
        chosen, store = plan_files.load(state.where.plan), Store(state.where.store)
        from coolhead.collection import Collector

        market = next(m for m in chosen.markets if source in m.sources)
        window = Window(NOW - timedelta(minutes=5), NOW)
        Collector(store, chosen, state.where, clock.load(state.where.play)).poll(source, market, window)
        store.close()
        assert list(pending.iterdir()) == []
        again = state.tables()
        for name in ("mention", "match", "tombstone", "quarantine"):
            assert again[name] == tables[name], name


def test_outside_tests_a_fail_point_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from coolhead import failpoint

    monkeypatch.delenv("COOLHEAD_KILL_AT", raising=False)
    failpoint.reached("poll.written")
    monkeypatch.setenv("COOLHEAD_KILL_AT", "another.point")
    failpoint.reached("poll.written")
    assert settings.load().home
