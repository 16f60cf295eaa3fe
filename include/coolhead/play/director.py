"""`make demo`: plays the story through the real Dags, and says at the end what really happened.

The director moves the play's clock, starts the runs that schedules would start, and lets the story's players answer
what Airflow asks (`PLAY=1`: you answer, the clock running). What it says at the end is read from the store and from
what the mailbox and the webhook received, never from the states of Dag runs alone.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from coolhead import clock, plan_files, planning, settings
from coolhead.errors import CoolheadError
from coolhead.plan_init import SHIPPED
from coolhead.play import moments
from coolhead.play.outcome import Outcome
from coolhead.play.server import FEED, StoryServer
from coolhead.play.sinks import Hook, Mailbox
from coolhead.rows import Decision, Incident
from coolhead.stack.components import Stack, alone, interruptible
from coolhead.stack.rest import Airflow
from coolhead.store import Store, migrate

SOURCES = ("mastodon", "feed")
DAGS = (
    *(f"collect_{s}" for s in SOURCES), "collect_followers", "score_mentions", "evaluate_brands", "escalate_incident",
    "report_daily_kpis", "review_incident",
)  # fmt: skip
SETTLED = 1.5
"""Seconds a question must have stood before a robot answers: Airflow can lose an answer that comes at once."""
SECOND = timedelta(seconds=1)
LATER = timedelta(minutes=2, seconds=30)
"""Runs start this long after the stretch they look at."""
GIVEAWAY_SEEN = datetime(2026, 3, 23, 17, tzinfo=UTC)
STORM_SEEN = datetime(2026, 3, 25, 18, 35, tzinfo=UTC)


def main() -> int:
    """Play; exit status 0 only if everything really happened. EXIT=1 ends by itself, PLAY=1 lets you answer."""
    base = settings.load().home
    home = base / "demo"
    for name in ("COOLHEAD_STORE", "COOLHEAD_PLAN"):
        os.environ.pop(name, None)  # an invented story never enters a real store
    os.environ["COOLHEAD_HOME"] = str(home)
    interruptible()
    try:
        with alone(base / "demo.lock"):
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            with Mailbox(home / "mail") as mailbox, Hook() as hook:
                return Director(home, mailbox, hook, play=os.environ.get("PLAY") == "1").run(stay=os.environ.get("EXIT") != "1")
    except KeyboardInterrupt:
        print("\nstopped; nothing is left running")
        return 130
    except CoolheadError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


class Director:
    """One performance."""

    def __init__(self, home: Path, mailbox: Mailbox, hook: Hook, play: bool) -> None:
        self.home, self.mailbox, self.hook, self.play = home, mailbox, hook, play
        self.begun = time.monotonic()
        self.now = moments.OUTAGE - SECOND
        self.server = StoryServer(lambda: clock.load(self._play_file).now())
        self.count = 0

    @property
    def _play_file(self) -> Path:
        return self.home / "play.json"

    def say(self, line: str) -> None:
        """Progress, with the seconds since the beginning."""
        print(f"[{time.monotonic() - self.begun:4.0f} s] {line}", flush=True)

    def at(self, moment: datetime) -> None:
        """Move the play's clock; it stands still until it is moved again, or runs while you are asked."""
        self.now = moment
        clock.set_play(self._play_file, moment)

    def run(self, stay: bool) -> int:
        self.at(self.now)
        with self.server:
            self._write_plan()
            where = settings.load()
            migrate(where.store)
            self.say("starting Airflow: scheduler, Dag processor, triggerer, API server, on loopback")
            people = {p["id"]: "user" for p in yaml.safe_load((where.plan / "escalation.yaml").read_text())["people"]}
            with Stack(
                self.home,
                {"admin": "admin", **people},
                extra=self._connections(),
                tell=self.say,
                cache=self.home.parent / "cache",
            ) as stack:
                self._point_links_at(stack.url)
                self.stack = stack
                self.store = Store(where.store)
                planning.adopt(self.store, plan_files.load(where.plan), clock.load(self._play_file))
                self._open_dags()
                self._perform()
                outcome = Outcome(self.store, where, self.mailbox, self.hook)
                ok = outcome.tell(stack, time.monotonic() - self.begun, self.play)
                if stay:
                    print("\nIt stays up until you press Ctrl-C.", flush=True)
                    stack.watch()
                self.store.close()
            print("stopped; nothing is left running", flush=True)
        return 0 if ok else 1

    def _write_plan(self) -> None:
        """The shipped plan, with the story's server for its networks and the webhook as a second channel."""
        target = self.home / "plan"
        shutil.copytree(SHIPPED, target)
        brands = yaml.safe_load((target / "brands.yaml").read_text())
        sources = brands["brands"][0]["markets"][0]["sources"]
        sources["mastodon"]["base_url"], sources["feed"]["urls"] = self.server.url, [self.server.url + FEED]
        brands["network"]["allow_private"] = True
        (target / "brands.yaml").write_text(yaml.safe_dump(brands, sort_keys=False))
        escalation = yaml.safe_load((target / "escalation.yaml").read_text())
        for person in escalation["people"]:
            person["addresses"]["webhook"] = self.hook.url
        for step in escalation["steps"]:
            step["channels"].append("webhook")
        (target / "escalation.yaml").write_text(yaml.safe_dump(escalation, sort_keys=False))

    def _connections(self) -> dict[str, str]:
        return {
            "AIRFLOW_CONN_EMAIL": f'{{"conn_type": "smtp", "host": "127.0.0.1", "port": {self.mailbox.port}}}',
            "AIRFLOW_CONN_WEBHOOK": '{"conn_type": "http", "extra": {"allow_private": true}}',
        }

    def _point_links_at(self, url: str) -> None:
        path = self.home / "plan" / "brands.yaml"
        brands = yaml.safe_load(path.read_text())
        brands["public_url"] = url
        path.write_text(yaml.safe_dump(brands, sort_keys=False))

    def _open_dags(self) -> None:
        self.stack.wait_for(DAGS)
        for dag in DAGS:
            self.stack.api.pause(dag, False)
        self.say(f"Airflow is up: {self.stack.url}  (user admin, password {self.stack.passwords['admin']})")

    def start(self, dag: str, **conf: Any) -> tuple[str, str]:
        self.count += 1
        return dag, self.stack.api.trigger(dag, f"play-{self.count:02}", **conf)

    def wait(self, *runs: tuple[str, str], may_fail: bool = False) -> None:
        """Wait for runs; one that fails unforeseen ends the demo with the place of its log."""
        ended = self.stack.api.wait(list(runs))
        failed = [run for run, state in ended.items() if state != "success"]
        if failed and not may_fail:
            raise CoolheadError(f"failed: {', '.join(failed)}; look at {self.stack.airflow_home / 'logs'}")

    def collect(self, start: datetime, end: datetime) -> list[tuple[str, str]]:
        span = {"start": start.isoformat(), "end": end.isoformat(), "history": True}
        return [self.start(f"collect_{s}", **span) for s in SOURCES]

    def _perform(self) -> None:
        self._calm_and_outage()
        self._giveaway()
        self._firestorm()
        self._aftermath()

    def _calm_and_outage(self) -> None:
        self.say("act 1: three calm weeks of the brand Zefirella, from two networks, in four languages")
        self.wait(*self.collect(moments.CALM, moments.OUTAGE), self.start("collect_followers"))
        self.at(moments.OUTAGE_END - SECOND)
        self.say("act 2: one network goes down for two hours; its run fails, and the stretch is blind, not quiet")
        self.wait(*self.collect(moments.OUTAGE, moments.OUTAGE_END), may_fail=True)

    def _giveaway(self) -> None:
        self.at(GIVEAWAY_SEEN + LATER)
        self.say("act 3: a giveaway makes volume jump")
        self.wait(*self.collect(moments.OUTAGE_END, GIVEAWAY_SEEN), self.start("collect_followers"))
        self._score_and_evaluate()
        incident = self._newest()
        self.say(f"  {incident.title}: {incident.severity} proposed; Anna is asked to acknowledge")
        self.ask(incident, "acknowledge", "anna", "Dismiss", dismissal="campaign", reason="Our own giveaway, planned for today")

    def _firestorm(self) -> None:
        self.at(moments.FIRESTORM - timedelta(minutes=5))
        self.wait(self.start("collect_followers"))
        self.at(STORM_SEEN + LATER)
        self.say("act 4: mould and plastic in the bottles: a firestorm")
        self.wait(*self.collect(GIVEAWAY_SEEN, STORM_SEEN))
        self._score_and_evaluate()
        incident = self.storm = self._newest()
        self.say(f"  {incident.title}: {incident.severity} proposed, {len(incident.reasons)} rules; people decide")
        self._minutes(incident, 7)
        self.ask(incident, "acknowledge", "anna", "Acknowledge")
        self._minutes(incident, 14)
        self.ask(
            incident, "assess", "anna", "Assessed", severity="S3", cause="technical product harm",
            reason="Photographs of three batches; the plant confirms a fault in the washing line",
        )  # fmt: skip
        self._minutes(incident, 25)
        self.ask(incident, "respond", "chiara", "Approve statement", reason="Agreed with Bruno and the plant")
        self._minutes(incident, 28)
        approved = [d for d in self.store.read(Decision, incident_id=incident.incident_id) if d.choice == "Approve statement"]
        if approved:
            self.server.publish(clock.load(self._play_file).now())
            self.say("  Chiara publishes what she approved, as a person, on the networks themselves")

    def _minutes(self, incident: Incident, minutes: int) -> None:
        if not self.play:
            self.at(incident.detected_at + timedelta(minutes=minutes))

    def _aftermath(self) -> None:
        for evening in (
            moments.STATEMENT + timedelta(hours=3, minutes=50),
            moments.FIRESTORM_END + timedelta(hours=3, minutes=20),
        ):
            self.at(evening)
            self.wait(self.start("collect_followers"))
        self.at(moments.END)
        self.say("act 5: five days later")
        self.wait(*self.collect(STORM_SEEN, moments.END), self.start("collect_followers"))
        self._score_and_evaluate()
        incident = self.storm
        briefs = [self.start("report_daily_kpis", day=day) for day in ("2026-03-22", "2026-03-23", "2026-03-25", "2026-03-26")]
        self.ask(
            incident, "close", "anna", "Close", root_cause="A worn seal in the washing line let residue into three batches",
            went_well="Assessed and answered inside the clocks; nothing was deleted", action="Replace the seals of all lines",
            to_improve="Replies to single complaints began late", action_owner="Plant quality", action_due="2026-04-15",
        )  # fmt: skip
        self.wait(*briefs)
        if self.store.read(Incident, incident_id=incident.incident_id, state="closed"):
            run = f"{incident.incident_id}.review"
            self._until(lambda: self.stack.api.state("review_incident", run) == "success", "the review was not written")

    def _score_and_evaluate(self) -> None:
        self.wait(self.start("score_mentions"))
        self.wait(self.start("evaluate_brands"))

    def _newest(self) -> Incident:
        found = sorted(self.store.read(Incident), key=lambda i: i.detected_at)
        if not found:
            raise CoolheadError("no incident was opened")
        return found[-1]

    def ask(self, incident: Incident, kind: str, person: str, option: str, **form: Any) -> None:
        """Let the person answer the step of the incident, or wait for you to do it."""
        run = f"{incident.incident_id}.{kind}.0"
        if self._over(incident):
            return
        if self.play:
            self._your_turn(incident, kind, person, option)
            return
        self._until(
            lambda: self.stack.api.task_state("escalate_incident", run, "ask") == "awaiting_input", f"{kind} was not asked"
        )
        time.sleep(SETTLED)
        Airflow(self.stack.url, person, self.stack.passwords[person]).answer("escalate_incident", run, "ask", option, **form)
        self.say(f"  {person}: {option}")
        self.wait(("escalate_incident", run))

    def _your_turn(self, incident: Incident, kind: str, person: str, option: str) -> None:
        """Whoever answers, and however late: a decision of that kind, or one that ends the incident, goes on."""
        password = self.stack.passwords[person]
        self.say(f"  YOUR TURN: {kind}, at {self.stack.url}/required_actions (user {person}, password {password})")
        self.say(f"  the story's answer would be {option!r}; your clock is running")

        clock.set_play(self._play_file, self.now, speed=1.0)

        def decided() -> bool:
            taken = {d.kind for d in self.store.read(Decision, incident_id=incident.incident_id)}
            return bool(taken & {kind, "dismiss"})

        self._until(decided, f"{kind} was not answered in an hour", 3600)
        self.at(clock.load(self._play_file).now())

    def _over(self, incident: Incident) -> bool:
        """Dismissed or closed, as only a person can: nothing more is asked."""
        return bool(self.store.read(Incident, incident_id=incident.incident_id, state=["dismissed", "closed"]))

    def _until(self, true: Callable[[], bool], otherwise: str, limit: float = 90) -> None:
        until = time.monotonic() + limit
        while not true():
            if time.monotonic() > until:
                raise CoolheadError(otherwise)
            time.sleep(0.1)
