"""One real Airflow for all scenarios.

It runs with a fail point that kills every question's task at the moment its answer comes: so each decision below was
taken up from Airflow's own record, as after a crash.
"""

import os
import shutil
import time

import psutil
import pytest
import yaml
from playwright.sync_api import sync_playwright

from coolhead import clock, plan_files, planning
from coolhead.plan_init import SHIPPED
from coolhead.play import moments
from coolhead.stack.components import Stack
from coolhead.store import Store, migrate

DAGS = ("open_incident", "escalate_incident", "review_incident")


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    made = tmp_path_factory.mktemp("people")
    plan = made / "plan"
    plan.mkdir()
    for name in plan_files.FILES:
        (plan / name).write_text((SHIPPED / name).read_text())
    escalation = yaml.safe_load((plan / "escalation.yaml").read_text())
    for person in escalation["people"]:
        person["addresses"] = {"folder": str(made / "notices")}
    for step in escalation["steps"]:
        step |= {"channels": ["folder"], "wait_minutes": 60}
    (plan / "escalation.yaml").write_text(yaml.safe_dump(escalation))
    return made


@pytest.fixture(scope="session")
def stack(home):
    before = {k: os.environ.get(k) for k in ("COOLHEAD_HOME", "COOLHEAD_STORE", "COOLHEAD_PLAN")}
    clock.set_play(home / "play.json", moments.FIRESTORM)
    migrate(f"sqlite:///{home / 'store.db'}")
    extra = {"COOLHEAD_KILL_AT": "ask.answered", "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "1"}
    users = {"admin": "admin", "anna": "user", "bruno": "user", "chiara": "user"}
    with Stack(home, users, extra=extra, tell=lambda line: None) as running:
        until = time.monotonic() + 90
        while set(DAGS) - set(running.api.dags()):
            assert time.monotonic() < until, running.api.import_errors()
            time.sleep(0.2)
        for dag in DAGS:
            running.api.pause(dag, False)
        yield running
        pids = [p.pid for p in running.processes.values()]
    assert not [p for p in psutil.process_iter() if p.pid in pids and p.status() != psutil.STATUS_ZOMBIE]
    assert not [c for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port == running.port]
    for key, value in before.items():
        assert os.environ.get(key) == value


@pytest.fixture(scope="session")
def store(home, stack):
    opened = Store(f"sqlite:///{home / 'store.db'}")
    planning.adopt(opened, plan_files.load(home / "plan"), clock.Fixed(moments.FIRESTORM))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, without its own background traffic."""
    words = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-quic", "--no-first-run"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=words)
        yield opened
        opened.close()
