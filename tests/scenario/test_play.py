"""`make demo PLAY=1`, answered by hand and other than the story: the firestorm is dismissed, and nothing is published."""

import os
import re
import subprocess
import sys
from pathlib import Path

import requests

from coolhead import plan as plans
from coolhead.replay import replay, span_of
from coolhead.rows import Decision, Incident, Judged, Mention, PlanVersion, Signal
from coolhead.stack.rest import Airflow
from coolhead.store import Store

TURN = re.compile(r"YOUR TURN: (\w+), at (\S+)/required_actions \(user (\w+), password (\S+)\)")


def answer(kind: str, url: str, user: str, password: str) -> None:
    """As a person would in Required Actions: whatever question stands open."""
    token = requests.post(f"{url}/auth/token", json={"username": user, "password": password}, timeout=30).json()["access_token"]
    api = Airflow(url, user, password)
    while True:
        open_ones = requests.get(
            f"{url}/api/v2/dags/~/dagRuns/~/hitlDetails",
            headers={"Authorization": f"Bearer {token}"},
            params={"state": "awaiting_input"},
            timeout=30,
        ).json()["hitl_details"]
        mine = [d["task_instance"]["dag_run_id"] for d in open_ones if not d["response_received"]]
        if found := [run for run in mine if f".{kind}." in run]:
            break
    api.answer("escalate_incident", found[0], "ask", "Dismiss", dismissal="other", reason="Played otherwise")


def test_the_player_dismisses_the_firestorm(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "COOLHEAD_HOME": str(tmp_path),
        "PLAY": "1",
        "EXIT": "1",
        "COOLHEAD_STORE": f"sqlite:///{tmp_path}/real.db",
    }
    command = [str(Path(sys.executable).with_name("coolhead")), "demo"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said, turns = "", []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if turn := TURN.search(line):
                turns.append(turn[1])
                answer(*turn.groups())
        assert process.wait(60) == 0, said
    finally:
        process.kill()
    assert turns == ["acknowledge", "acknowledge"], said
    assert "as you played it, other than the story" in said and "Chiara publishes" not in said
    assert not (tmp_path / "real.db").exists()  # an invented story never enters a real store
    store = Store(f"sqlite:///{tmp_path / 'demo' / 'store.db'}")
    assert [d.kind for d in store.read(Decision)] == ["dismiss", "dismiss"]
    assert [i.state for i in sorted(store.read(Incident), key=lambda i: i.detected_at)][:2] == ["dismissed", "dismissed"]
    assert not [m for m in store.read(Mention, own=True) if "recall" in m.text.lower()]
    replay_equals(store)
    store.close()


def replay_equals(store: Store) -> None:
    """What ran through the Dags, five minutes by five minutes and with people's answers, a replay finds again, signal for signal."""
    plan = plans.restore(max(store.read(PlanVersion), key=lambda p: p.loaded_at).content)
    market, (judged,) = plan.only_market(), store.read(Judged)
    done = replay(store, [plan], market, span_of(store, market, None, None, judged.through), keep=True)
    signals = sorted((s for p in done.played for s in p.signals), key=lambda s: (s.rule, s.start, s.topic))
    assert signals == sorted(store.read(Signal), key=lambda s: (s.rule, s.start, s.topic)) != []
    found = {i.incident_id: i for p in done.played for i in p.incidents}
    for live in store.read(Incident, drill=False):
        again = found[live.incident_id]
        for field in ("severity", "severity_proposed", "reasons", "onset_at", "detected_at", "topic", "acknowledged_at"):
            assert getattr(again, field) == getattr(live, field), field
