"""People in the loop, on a real Airflow: who may answer, what a lost answer costs, what a time-out does, what is left."""

import os
import time
from pathlib import Path

import psutil
import pytest
import requests

from coolhead import clock
from coolhead.errors import PermanentError
from coolhead.play import moments
from coolhead.rows import Decision, Incident, IncidentEvent, Notice
from coolhead.stack.rest import Airflow


def until(true, what, limit=90.0):
    end = time.monotonic() + limit
    while not (found := true()):
        assert time.monotonic() < end, what
        time.sleep(0.1)
    return found


def asked(stack, run):
    until(lambda: stack.api.task_state("escalate_incident", run, "ask") == "awaiting_input", f"{run} is asked")
    time.sleep(1.5)  # an answer within moments of the question may be lost by Airflow itself


def test_nothing_listens_on_any_address_but_loopback(stack):
    groups = {os.getpgid(p.pid) for p in stack.processes.values()}
    mine = [p for p in psutil.process_iter() if _group(p.pid) in groups]
    listening = [c.laddr.ip for p in mine for c in p.net_connections("tcp") if c.status == "LISTEN"]
    assert listening and set(listening) == {"127.0.0.1"}


def _group(pid):
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def test_a_crisis_is_decided_by_people_though_every_asking_task_dies(stack, store, home):
    stack.api.trigger(
        "open_incident", "report", by="anna", reason="A journalist called about mould", severity="S3", market="zefirella"
    )
    (incident,) = until(lambda: store.read(Incident), "the incident is opened")
    first = f"{incident.incident_id}.acknowledge.0"
    asked(stack, first)
    _outsiders_may_not_answer(stack, first)
    anna = Airflow(stack.url, "anna", stack.passwords["anna"])
    anna.answer("escalate_incident", first, "ask", "Acknowledge")
    with pytest.raises(PermanentError, match="409"):
        anna.answer("escalate_incident", first, "ask", "Acknowledge")
    second = f"{incident.incident_id}.assess.0"
    asked(stack, second)
    assert stack.api.task_state("escalate_incident", first, "ask") == "failed"  # it was really killed
    assert [(d.kind, d.by) for d in store.read(Decision)] == [("open", "anna"), ("acknowledge", "anna")]
    _clearing_asks_no_answered_step_again(stack, store, first)
    _a_time_out_tells_the_next_level_and_decides_nothing(stack, store, incident, second, home)


def _outsiders_may_not_answer(stack, run):
    for other in ("chiara",):
        with pytest.raises(PermanentError, match="403"):
            Airflow(stack.url, other, stack.passwords[other]).answer("escalate_incident", run, "ask", "Acknowledge")


def _clearing_asks_no_answered_step_again(stack, store, run):
    decisions, notices = store.read(Decision), store.read(Notice)
    stack.api.call("POST", f"/api/v2/dags/escalate_incident/dagRuns/{run}/clear", {"dry_run": False, "only_failed": False})
    until(lambda: stack.api.state("escalate_incident", run) in ("success", "failed"), "the cleared run ends")
    assert stack.api.task_state("escalate_incident", run, "ask") == "skipped"
    assert store.read(Decision) == decisions and store.read(Notice) == notices


def _a_time_out_tells_the_next_level_and_decides_nothing(stack, store, incident, run, home: Path):
    told = {n.receiver for n in store.read(Notice, step="assess")}
    assert told == {"anna"}
    # The question's wait is domain time: let the play's clock run a thousand times as fast, so that it is over at once.
    clock.set_play(home / "play.json", moments.FIRESTORM, speed=1000.0)
    stack.api.call("POST", f"/api/v2/dags/escalate_incident/dagRuns/{run}/clear", {"dry_run": False, "only_failed": False})
    until(lambda: store.read(IncidentEvent, kind="timeout-assess-0"), "the time-out is noted")
    clock.set_play(home / "play.json", clock.load(home / "play.json").now())
    until(lambda: stack.api.state("escalate_incident", f"{incident.incident_id}.assess.1"), "the next level is asked")
    until(lambda: {n.receiver for n in store.read(Notice, step="assess")} == {"anna", "bruno"}, "Bruno is told")
    (now,) = store.read(Incident, incident_id=incident.incident_id)
    assert now.state == "acknowledged" and now.assessed_at is None


def test_reports_stand_behind_the_sign_in_and_run_nothing(stack, home):
    folder = home / "reports" / "daily" / "zefirella"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "2026-03-25.html").write_text("<!doctype html><p>brief</p>")
    desk = f"{stack.url}/crisis-desk"
    assert requests.get(f"{desk}/", timeout=20).status_code == 401
    assert requests.get(f"{desk}/daily/zefirella/2026-03-25", timeout=20).status_code == 401
    token = requests.post(f"{stack.url}/auth/token", json={"username": "anna", "password": stack.passwords["anna"]}, timeout=20)
    mine = {"Authorization": f"Bearer {token.json()['access_token']}"}
    index = requests.get(f"{desk}/", headers=mine, timeout=20)
    assert index.status_code == 200 and 'href="daily/zefirella/2026-03-25"' in index.text
    brief = requests.get(f"{desk}/daily/zefirella/2026-03-25", headers=mine, timeout=20)
    assert brief.text == "<!doctype html><p>brief</p>" and "default-src 'none'" in brief.headers["Content-Security-Policy"]
    for wrong in (
        "daily/zefirella/2026-03-26",
        "daily/..%2f..%2fairflow/2026-03-25",
        "reviews/..%2f..%2fpasswords",
        "daily/x/y",
    ):
        assert requests.get(f"{desk}/{wrong}", headers=mine, timeout=20).status_code in (404, 422)
