"""incident -> notices and questions: the next step of an incident, from the policy it was opened with.

The state machine lives in the store. One run of the escalation Dag performs one step: it tells people and asks one
question. What comes next is asked of the store again, at each answer and at each tick of the clock. A time-out
escalates one level and never approves; the last level repeats, to everybody on duty, until somebody acknowledges.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from coolhead import failpoint, incidents, notices, questions
from coolhead.clock import Clock
from coolhead.errors import ConfigError
from coolhead.outbox import Credentials, demand_reached, send_outbox
from coolhead.rows import Decision, Incident, IncidentEvent, Notice, Signal
from coolhead.store import Store

DAG = "escalate_incident"
STALE = timedelta(hours=24)
"""An incident found in history older than this is stored and shown, and wakes nobody."""
SLACK = timedelta(minutes=5)
"""A step that has neither answer nor time-out this long after its deadline is taken as timed out: its run died."""
REPEAT = timedelta(hours=24)
"""How long a question without a clock waits before it is asked again."""
KINDS = ("acknowledge", "assess", "respond", "close")


@dataclass(frozen=True)
class Step:
    """One step of one incident."""

    incident_id: str
    kind: str
    level: int
    """Index into the policy's steps."""
    repetition: int
    """How often this kind of step was asked before."""

    @property
    def run_id(self) -> str:
        """The Dag run that performs it; the same step never has two."""
        return f"{self.incident_id}.{self.kind}.{self.repetition}"

    def owns(self, notice: Notice) -> bool:
        return (notice.incident_id, notice.step, notice.repetition) == (self.incident_id, self.kind, self.repetition)

    @property
    def conf(self) -> dict[str, Any]:
        return {"incident": self.incident_id, "kind": self.kind, "level": self.level, "repetition": self.repetition}


@dataclass(frozen=True)
class Question:
    """What a person is asked in Airflow's Required Actions."""

    subject: str
    body: str
    options: list[str]
    form: dict[str, dict[str, Any]] = field(default_factory=dict)
    """name -> {"value": default, "schema": {...}} of each field."""
    people: list[dict[str, str]] = field(default_factory=list)
    wait: timedelta = REPEAT


def next_step(store: Store, incident: Incident, now: datetime) -> Step | None:
    """The step that is due, or None: ended, stale, below the policy's floor, or waiting for the facts."""
    kind = _kind(incident)
    if kind is None or incident.severity < incident.policy["ask_from"]:
        return None
    if incident.state == "detected" and now - _newest(store, incident) > STALE and not _events(store, incident, "asked-"):
        return None
    timeouts = _events(store, incident, f"timeout-{kind}-")
    refused = _events(store, incident, f"refused-{kind}-")
    run = f"{incident.incident_id}.{kind}."
    answered = [
        d for d in store.read(Decision, incident_id=incident.incident_id) if d.step.startswith(run)
    ]  # and reopened since
    last = len(incident.policy["steps"]) - 1
    return Step(incident.incident_id, kind, min(len(timeouts), last), len(timeouts) + len(refused) + len(answered))


def _newest(store: Store, incident: Incident) -> datetime:
    """When something last spoke for the incident: one found late that still burns is not stale, nor is one that a person reopened
    or split off another."""
    signal = store.first(Signal, "as_of", last=True, incident_id=incident.incident_id)
    told = [d.at for d in store.read(Decision, incident_id=incident.incident_id) if d.kind == "reopen"]
    split = [e.at for e in store.read(IncidentEvent, incident_id=incident.incident_id) if e.kind.startswith("split-")]
    return max([incident.detected_at, *([signal.as_of] if signal else []), *told, *split])


def _kind(incident: Incident) -> str | None:
    small = incident.severity < incident.policy["respond_from"]
    rehearsed = "close" if incident.drill else None  # no real mention will ever contain a drill
    return {
        "detected": "acknowledge", "acknowledged": "assess", "assessed": "close" if small else "respond",
        # A small one is asked to be closed once it is assessed: that question must not die when it is contained meanwhile.
        "responding": rehearsed, "contained": "close" if small else None, "recovered": "close",
    }.get(incident.state)  # fmt: skip


def _events(store: Store, incident: Incident, prefix: str) -> set[str]:
    return {e.kind for e in store.read(IncidentEvent, incident_id=incident.incident_id) if e.kind.startswith(prefix)}


def due_runs(store: Store, clock: Clock) -> list[dict[str, Any]]:
    """Dag runs that must exist by now, over all incidents: a tick. Starting one that exists already is a no-op."""
    out = []
    for incident in store.read(
        Incident, state=["detected", "acknowledged", "assessed", "responding", "contained", "recovered"]
    ):
        _expire(store, incident, clock.now())
        if step := next_step(store, incident, clock.now()):
            out.append({"trigger_dag_id": DAG, "trigger_run_id": step.run_id, "conf": step.conf})
    return out


def runs_after(store: Store, incident_id: str, clock: Clock) -> list[dict[str, Any]]:
    """What must run after a step of an incident: its next step, or its review."""
    (incident,) = store.read(Incident, incident_id=incident_id)
    if incident.merged_into:
        return []  # it goes on as another one, which has its own steps and its own review
    if incident.state == "closed":
        return [
            {"trigger_dag_id": "review_incident", "trigger_run_id": f"{incident_id}.review", "conf": {"incident": incident_id}}
        ]
    step = next_step(store, incident, clock.now())
    return [{"trigger_dag_id": DAG, "trigger_run_id": step.run_id, "conf": step.conf}] if step else []


def _expire(store: Store, incident: Incident, now: datetime) -> None:
    step = next_step(store, incident, now)
    if step is None or step.kind == "close":
        return
    names = [f"{word}-{step.kind}-{step.repetition}" for word in ("asked", "due")]
    begun = [e.at for e in store.read(IncidentEvent, incident_id=incident.incident_id, kind=names)]
    if not begun:  # the run that asks may die before it says so
        store.upsert([IncidentEvent(incident_id=incident.incident_id, at=now, kind=names[1], detail=f"{step.kind} is due")])
    elif now > deadline(incident, step, min(begun)) + SLACK:
        time_out(store, step, now)


def step_of(store: Store, conf: Mapping[str, Any]) -> Step | None:
    """The step a run was started for; None where the incident has moved on since (a cleared or repeated run).

    Raises ConfigError for an incident that is not there.
    """
    step = Step(str(conf["incident"]), str(conf["kind"]), int(conf["level"]), int(conf["repetition"]))
    found = store.read(Incident, incident_id=step.incident_id)
    if not found:
        raise ConfigError(f"there is no incident {step.incident_id}")
    answered = store.read(Decision, incident_id=step.incident_id, step=step.run_id)
    return step if _kind(found[0]) == step.kind and not answered else None


def receivers(incident: Incident, step: Step) -> list[dict[str, Any]]:
    """People of the policy who are told and may answer: the level's roles, all lower levels', and who has taken it."""
    levels = incident.policy["steps"][: step.level + 1]
    roles = {r for level in levels for r in level["notify"]}
    if step.kind == "respond":
        roles |= {"spokesperson", "crisis_lead"}
    if step.repetition >= len(incident.policy["steps"]):
        roles |= {"duty_lead", "crisis_lead"}
    return [p for p in incident.policy["people"] if roles & set(p["roles"]) or p["id"] == incident.commander]


def tell(store: Store, step: Step | None, clock: Clock, credentials: Credentials) -> list[Notice]:
    """Announce the step and send its notices, and what else was left behind; returns what was tried just now.

    Raises TransientError for what should be tried again, PermanentError for people whom no channel reaches.
    """
    if step is None:
        return send_outbox(store, clock, credentials, lambda _: False)  # the next step's are its own run's
    announce(store, step, clock)
    sent = send_outbox(store, clock, credentials, step.owns)
    demand_reached(store.read(Notice, incident_id=step.incident_id, step=step.kind, repetition=step.repetition))
    return sent


def announce(store: Store, step: Step, clock: Clock) -> list[Notice]:
    """Write the intents of the step's notices, once; sending is another matter."""
    (incident,) = store.read(Incident, incident_id=step.incident_id)
    people = receivers(incident, step)
    content = notices.compose(
        store, incident, step.kind, step.run_id, people, clock.now(), deadline(incident, step, clock.now())
    )
    rows = [
        Notice(
            incident_id=incident.incident_id, step=step.kind, repetition=step.repetition, receiver=p["id"], channel=channel,
            address=p["addresses"][channel], subject=content.subject, body=content.body, intended_at=clock.now(), status="intended",
        )
        for p in people for channel in _channels(incident, step, p)
    ]  # fmt: skip
    asked = IncidentEvent(
        incident_id=incident.incident_id, at=clock.now(), kind=f"asked-{step.kind}-{step.repetition}",
        detail=f"{step.kind} asked of {', '.join(p['name'] for p in people)}",
    )  # fmt: skip
    with store.writing() as writer:
        new = [row for row in rows if writer.insert_new(row)]
        if not writer.read(IncidentEvent, incident_id=incident.incident_id, kind=asked.kind):
            writer.insert_new(asked)
    failpoint.reached("announce.intended")
    return new


def _channels(incident: Incident, step: Step, person: Mapping[str, Any]) -> list[str]:
    """The level's channels that reach the person, or all that do: nobody is named as told and never told."""
    level = [c for c in incident.policy["steps"][step.level]["channels"] if c in person["addresses"]]
    return level or sorted(person["addresses"])


def deadline(incident: Incident, step: Step, now: datetime) -> datetime:
    """When an answer asked for now is due: the clocks run from the detection; once they are missed, by the level's wait."""
    if step.kind == "close":
        return now + REPEAT
    clocks = incident.policy["clocks"]
    target = {"assess": clocks["assess_minutes"], "respond": clocks["respond_minutes"]}.get(step.kind)
    if target and step.repetition == 0 and (by := incident.detected_at + timedelta(minutes=target)) > now:
        return by
    return now + timedelta(minutes=incident.policy["steps"][step.level]["wait_minutes"])


def question(store: Store, step: Step, clock: Clock) -> Question:
    """What to ask, of whom, and for how long."""
    (incident,) = store.read(Incident, incident_id=step.incident_id)
    people = receivers(incident, step)
    now = clock.now()
    content = notices.compose(store, incident, step.kind, step.run_id, people, now, deadline(incident, step, now))
    options, form, more = questions.form_of(step.kind, incident)
    assigned = [{"id": p["id"], "name": p["name"]} for p in people]
    due = deadline(incident, step, now) - now
    return Question(content.subject, f"{content.markdown}\n\n{more}".strip(), options, form, assigned, due)


def answer(store: Store, step: Step, option: str, form: Mapping[str, Any], by: str, at: datetime, shown: str) -> str:
    """Record a person's answer; returns what came of it in words.

    An answer that cannot be taken (a dismissal without reason, a step that somebody else has meanwhile done) is an
    event, and the question is asked again where it is still open.
    """
    kind = "dismiss" if option == "Dismiss" else step.kind
    details = {k: v for k, v in form.items() if v not in ("", None) and (k != "dismissal" or kind == "dismiss")}
    if kind == "assess":
        details["commander"] = by
    reason = str(form.get("reason") or "")
    try:
        if kind == "dismiss" and not reason.strip():
            raise ConfigError("a dismissal needs a reason")
        decision = incidents.decide(store, step.incident_id, step.run_id, kind, by, at, reason, option, details, shown)
    except (ConfigError, ValidationError) as error:
        kind_of_event = f"refused-{step.kind}-{step.repetition}"
        store.upsert(
            [IncidentEvent(incident_id=step.incident_id, at=at, kind=kind_of_event, detail=f"{by}: {option}: {error}")]
        )
        return f"not taken: {error}"
    return f"{decision.kind} by {decision.by}"


def time_out(store: Store, step: Step, at: datetime) -> None:
    """Nobody answered in time: one level up. Written once per step."""
    kind = f"timeout-{step.kind}-{step.repetition}"
    detail = f"nobody answered {step.kind!r} in time; the next level is told"
    with store.writing() as writer:
        if not writer.read(IncidentEvent, incident_id=step.incident_id, kind=kind):
            writer.insert_new(IncidentEvent(incident_id=step.incident_id, at=at, kind=kind, detail=detail))
