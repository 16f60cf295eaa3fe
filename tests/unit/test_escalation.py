"""Escalation: who is told and asked what, when, by which channel; real mail and web servers stand at the other end."""

import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from building import DAY, HOUR, MINUTE, PEOPLE, STEPS, House, a_plan, utc

from coolhead import incidents, outbox, planning
from coolhead.channels import webhook
from coolhead.clock import Fixed
from coolhead.errors import ConfigError, PermanentError, TransientError
from coolhead.escalation import (
    DAG,
    SLACK,
    STALE,
    Step,
    announce,
    answer,
    deadline,
    due_runs,
    next_step,
    question,
    receivers,
    runs_after,
    step_of,
    time_out,
)
from coolhead.http import Client
from coolhead.incidents import decide, report
from coolhead.notices import compose, plain
from coolhead.outbox import demand_reached, key_of, send_outbox
from coolhead.play.sinks import Mailbox
from coolhead.rows import Decision, Incident, IncidentEvent, Notice, Severity, Signal, State
from coolhead.stack.components import free_port

T = utc(2026, 3, 25, 2)
"""Three at night in Rome."""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as made:
        yield made


def opened(
    house: House, state: State = "detected", severity: Severity = "S3", at: datetime = T, name: str = "i", **more: Any
) -> Incident:
    policy = incidents.policy_of(house.plan, house.market)
    reasons = [
        {
            "rule": "surge",
            "severity": severity,
            "at": at.isoformat(),
            "reason": "negative_share 0.62 stands above the usual 0.17",
        }
    ]
    row = Incident(
        incident_id=name, market="zefirella", title="Zefirella: surge", state=state, severity=severity, severity_proposed=severity,
        onset_at=at - 12 * MINUTE, detected_at=at, **{"reasons": reasons, "policy": policy, **more},
    )  # fmt: skip
    house.store.upsert([row])
    return row


def stored(house: House, name: str = "i") -> Incident:
    return house.store.read(Incident, incident_id=name)[0]


def due(house: House, now: datetime) -> list[str]:
    """Runs that a tick starts, as kind.level.repetition."""
    out = []
    for run in due_runs(house.store, Fixed(now)):
        assert run["trigger_dag_id"] == DAG
        assert run["trigger_run_id"] == f"{run['conf']['incident']}.{run['conf']['kind']}.{run['conf']['repetition']}"
        out.append(f"{run['conf']['kind']}.{run['conf']['level']}.{run['conf']['repetition']}")
    return out


def step(house: House, now: datetime = T, name: str = "i") -> Step:
    found = next_step(house.store, stored(house, name), now)
    assert found is not None
    return found


def events(house: House) -> list[str]:
    return [e.kind for e in house.store.read(IncidentEvent)]


def told(notices: list[Notice]) -> list[str]:
    return sorted(n.receiver for n in notices)


# The walk through the policy.


@pytest.mark.parametrize(
    ("state", "severity", "expected"),
    [
        ("detected", "S1", "acknowledge"), ("detected", "S0", None), ("acknowledged", "S1", "assess"), ("assessed", "S1", "close"),
        ("assessed", "S2", "respond"), ("responding", "S3", None), ("contained", "S3", None), ("recovered", "S3", "close"),
        ("closed", "S3", None), ("dismissed", "S3", None),
    ],
)  # fmt: skip
def test_the_step_that_is_due(house: House, state: State, severity: Severity, expected: str | None) -> None:
    opened(house, state, severity)
    assert due(house, T) == ([f"{expected}.0.0"] if expected else [])


def test_a_tick_starts_each_step_once(house: House) -> None:
    opened(house)
    assert due(house, T) == due(house, T + MINUTE) == ["acknowledge.0.0"]
    assert events(house) == ["due-acknowledge-0"], "so that a run that dies before it asks is missed"


def test_nobody_answers(house: House) -> None:
    """One level up per time-out, the last level for ever; a time-out never approves."""
    opened(house)
    now, seen = T, []
    for _ in range(5):
        (run,) = due(house, now)
        people = announce(house.store, step(house), Fixed(now))
        seen.append((run, told(people)))
        now = deadline(stored(house), step(house), now) + SLACK
        assert due(house, now) == [run], "not a moment too early"
        now += MINUTE
    both = ["anna", "bruno"]
    assert seen == [
        ("acknowledge.0.0", ["anna"]), ("acknowledge.1.1", both), ("acknowledge.1.2", both), ("acknowledge.1.3", both),
        ("acknowledge.1.4", both),
    ]  # fmt: skip
    assert stored(house).state == "detected"
    assert not house.store.read(Decision)


def test_a_level_waits_as_long_as_it_says(house: House) -> None:
    incident = opened(house)
    now = incident.detected_at + 4 * MINUTE

    def left(kind: str, level: int, at: datetime = now) -> timedelta:
        return deadline(incident, Step("i", kind, level, level), at) - at

    assert [left("acknowledge", level) for level in (0, 1)] == [15 * MINUTE, 10 * MINUTE]
    assert [left(kind, 0) for kind in ("assess", "respond")] == [11 * MINUTE, 26 * MINUTE], "the clocks run from the detection"
    assert [left(kind, 1) for kind in ("assess", "respond")] == [10 * MINUTE, 10 * MINUTE], "the next level has its own wait"
    late = incident.detected_at + 40 * MINUTE
    assert left("assess", 0, late) == 15 * MINUTE, "a missed clock is no question without time"


def test_a_time_out_is_written_once(house: House) -> None:
    opened(house)
    first = step(house)
    time_out(house.store, first, T + 15 * MINUTE)
    time_out(house.store, first, T + 16 * MINUTE)
    assert events(house) == ["timeout-acknowledge-0"]
    assert due(house, T + 17 * MINUTE) == ["acknowledge.1.1"]
    assert stored(house).state == "detected"


def test_the_last_level_tells_everybody_on_duty(tmp_path: Path) -> None:
    """Even where the last level names only one role."""
    lone = [{"notify": ["spokesperson"], "channels": ["email"], "wait_minutes": 5}]
    with House(tmp_path, a_plan(steps=lone)) as house:
        incident = opened(house)
        assert [p["id"] for p in receivers(incident, Step("i", "acknowledge", 0, 0))] == ["chiara"]
        assert [p["id"] for p in receivers(incident, Step("i", "acknowledge", 0, 1))] == ["anna", "bruno", "chiara"]


def test_who_is_told_of_a_response(house: House) -> None:
    incident = opened(house, "assessed", commander="chiara")
    assert [p["id"] for p in receivers(incident, Step("i", "respond", 0, 0))] == ["anna", "bruno", "chiara"]
    assert [p["id"] for p in receivers(incident, Step("i", "close", 0, 0))] == ["anna", "chiara"], "and who has taken it"


def test_whoever_is_told_gets_a_notice(tmp_path: Path) -> None:
    """The spokesperson has no address on the first level's channel: any other will do."""
    people = [*PEOPLE[:2], {**PEOPLE[2], "addresses": {"webhook": "https://chat.example/hook", "folder": "/x"}}]
    with House(tmp_path, a_plan(people=people)) as house:
        opened(house, "assessed")
        sent = announce(house.store, step(house), Fixed(T))
        assert sorted({(n.receiver, n.channel) for n in sent}) == [
            ("anna", "email"), ("bruno", "email"), ("chiara", "folder"), ("chiara", "webhook"),
        ]  # fmt: skip
        assert all(p["name"] in sent[0].body for p in people)


def test_announcing_twice_tells_once(house: House) -> None:
    opened(house)
    assert len(announce(house.store, step(house), Fixed(T))) == 1
    assert announce(house.store, step(house), Fixed(T + MINUTE)) == []
    assert len(house.store.read(Notice)) == 1
    assert events(house) == ["asked-acknowledge-0"]


def test_the_policy_is_the_incidents_own(house: House, tmp_path: Path) -> None:
    """A new plan in the middle of an incident does not change who is asked."""
    opened(house)
    house.plan = a_plan(people=[{**PEOPLE[0], "id": "zoe", "roles": ["duty_lead", "crisis_lead", "spokesperson"]}])
    assert told(announce(house.store, step(house), Fixed(T))) == ["anna"]


def test_below_the_floor_nobody_is_asked(tmp_path: Path) -> None:
    with House(tmp_path, a_plan(ask_from="S2", respond_from="S3")) as house:
        opened(house, severity="S1")
        assert due(house, T) == []
        opened(house, "assessed", "S2")
        assert due(house, T) == ["close.0.0"]


# History.


def signal(house: House, at: datetime, name: str = "i") -> None:
    house.store.upsert([Signal(
        market="zefirella", rule="surge", start=at, severity="S3", reason="r", kpi="volume", value=1, threshold=1,
        as_of=at + 7 * MINUTE, incident_id=name,
    )])  # fmt: skip


def test_stale_history_wakes_nobody(house: House) -> None:
    opened(house)
    signal(house, T)
    assert due(house, T + STALE) == ["acknowledge.0.0"]
    assert due(house, T + STALE + HOUR) == []
    assert runs_after(house.store, "i", Fixed(T + STALE + HOUR)) == []


def test_an_old_incident_that_still_burns_is_not_history(house: House) -> None:
    """Its signals go on: found late (we were down, or an import reached the present), it must wake somebody."""
    opened(house)
    for hours in range(0, 60, 6):
        signal(house, T + hours * HOUR)
    assert due(house, T + 55 * HOUR) == ["acknowledge.0.0"]


def test_an_incident_once_asked_about_never_goes_stale(house: House) -> None:
    opened(house)
    announce(house.store, step(house), Fixed(T))
    assert due(house, T + 3 * DAY) == ["acknowledge.1.1"]


# Answers.


def test_answers_move_the_incident(house: House) -> None:
    opened(house)
    walk = [
        ("acknowledge.0", "Acknowledge", {}, "acknowledged"),
        ("assess.0", "Assessed", {"severity": "S2", "cause": "rumour", "reason": "seen", "dismissal": "other"}, "assessed"),
        ("respond.0", "Approve statement", {"statement": "We are checking."}, "responding"),
    ]
    for minutes, (run, option, form, state) in enumerate(walk):
        now = T + minutes * MINUTE
        assert step(house, now).run_id == f"i.{run}"
        assert "by anna" in answer(house.store, step(house, now), option, form, "anna", now, "shown")
        assert stored(house).state == state
    found = stored(house)
    assert (found.severity, found.cause, found.commander) == ("S2", "rumour", "anna")
    assert [d.step for d in house.store.read(Decision)] == ["i.acknowledge.0", "i.assess.0", "i.respond.0"]
    assert house.store.read(Decision)[2].details["statement"] == "We are checking."
    assert hashlib.sha256(b"shown").hexdigest() == house.store.read(Decision)[0].subject_hash


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_dismissal_without_a_reason_is_asked_again(house: House, reason: str) -> None:
    opened(house)
    first = step(house)
    assert "needs a reason" in answer(house.store, first, "Dismiss", {"dismissal": "joke", "reason": reason}, "anna", T, "")
    assert stored(house).state == "detected"
    assert due(house, T) == ["acknowledge.0.1"], "the same level, a new question"
    assert "dismiss by anna" in answer(
        house.store, step(house), "Dismiss", {"dismissal": "joke", "reason": "a joke"}, "anna", T, ""
    )
    assert (stored(house).state, due(house, T)) == ("dismissed", [])


@pytest.mark.parametrize("form", [{"severity": "SEV1"}, {"reason": "x" * 20_000}, {"reason": "nul \x00"}])
def test_an_answer_that_cannot_be_stored_is_asked_again(house: House, form: dict[str, Any]) -> None:
    opened(house, "acknowledged")
    assert "not taken" in answer(house.store, step(house), "Assessed", form, "anna", T, "")
    assert stored(house).state == "acknowledged"
    assert due(house, T) == ["assess.0.1"]


def test_a_late_answer_counts(house: House) -> None:
    """The first level answers after the second was told."""
    opened(house)
    first = step(house)
    time_out(house.store, first, T + 15 * MINUTE)
    assert step_of(house.store, first.conf) == first
    assert "acknowledge by anna" in answer(house.store, first, "Acknowledge", {}, "anna", T + 16 * MINUTE, "")
    assert due(house, T + 17 * MINUTE) == ["assess.0.0"]


def test_two_answers_to_two_levels(house: House) -> None:
    """The second comes too late: its run finds nothing to ask; were it recorded all the same, it is noted and moves nothing."""
    opened(house)
    first = step(house)
    time_out(house.store, first, T + 15 * MINUTE)
    second = step(house)
    answer(house.store, second, "Acknowledge", {}, "bruno", T + 16 * MINUTE, "")
    assert step_of(house.store, first.conf) is None
    assert "acknowledge by anna" not in answer(house.store, first, "Acknowledge", {}, "anna", T + 17 * MINUTE, "")
    assert [d.by for d in house.store.read(Decision)] == ["bruno"]
    assert (stored(house).acknowledged_at, events(house)[-1]) == (T + 16 * MINUTE, "refused-acknowledge-0")


def test_a_cleared_run_asks_no_answered_step(house: House) -> None:
    opened(house)
    first = step(house)
    assert step_of(house.store, first.conf) == first
    answer(house.store, first, "Acknowledge", {}, "anna", T, "")
    assert step_of(house.store, first.conf) is None
    assert step_of(house.store, step(house).conf) == step(house)
    with pytest.raises(ConfigError, match="no incident nope"):
        step_of(house.store, {**first.conf, "incident": "nope"})


def test_the_closing_question_outlives_containment(house: House) -> None:
    """It was asked while a small incident was assessed; six calm hours later somebody answers it."""
    opened(house, "assessed", "S1")
    first = step(house)
    opened(house, "contained", "S1")
    assert step_of(house.store, first.conf) == first
    assert due(house, T + 6 * HOUR) == ["close.0.0"]
    answer(house.store, first, "Close", {}, "anna", T + 7 * HOUR, "")
    assert stored(house).state == "closed"


def test_a_reopened_incident_is_asked_about_again(house: House) -> None:
    """A run of the old name exists already, and would never start again."""
    opened(house)
    old = step(house)
    announce(house.store, old, Fixed(T))
    answer(house.store, old, "Dismiss", {"reason": "a joke"}, "anna", T, "")
    decide(house.store, "i", "reopened", "reopen", "bruno", T + HOUR, "it was none")
    again = step(house, T + HOUR)
    assert (again.kind, again.run_id) == ("acknowledge", "i.acknowledge.1")
    assert step_of(house.store, again.conf) == again
    assert told(announce(house.store, again, Fixed(T + HOUR))) == ["anna"]
    answer(house.store, again, "Acknowledge", {}, "anna", T + HOUR, "")
    assert stored(house).state == "acknowledged"


def test_what_runs_after_a_step(house: House) -> None:
    opened(house, "acknowledged")
    (run,) = runs_after(house.store, "i", Fixed(T))
    assert (run["trigger_dag_id"], run["trigger_run_id"]) == (DAG, "i.assess.0")
    opened(house, "responding")
    assert runs_after(house.store, "i", Fixed(T)) == []
    opened(house, "dismissed")
    assert runs_after(house.store, "i", Fixed(T)) == []
    opened(house, "closed")
    (run,) = runs_after(house.store, "i", Fixed(T))
    assert (run["trigger_dag_id"], run["trigger_run_id"], run["conf"]) == ("review_incident", "i.review", {"incident": "i"})


# Words.


def test_strangers_put_no_link_and_no_picture_on_the_decision_page() -> None:
    """CommonMark shows a punctuation sign after a backslash as it stands."""
    hostile = (
        "![x](https://evil.example/t.png) [Coolhead: sign in](https://evil.example) <img src=x> `a` *b* https://evil.example"
    )
    shown = plain(hostile)
    assert not re.search(r"(?<!\\)[\[\]()<>!`*_:/.@]", shown)
    assert shown.replace("\\", "") == hostile


def test_a_question_can_be_answered_as_it_stands(house: House) -> None:
    forms = {
        "detected": (["Acknowledge", "Dismiss"], {"dismissal", "reason"}),
        "acknowledged": (["Assessed", "Dismiss"], {"severity", "cause", "reason", "dismissal"}),
        "assessed": (["Approve statement", "No statement"], {"statement", "reason"}),
        "recovered": (["Close"], {"root_cause", "went_well", "to_improve", "action", "action_owner", "action_due"}),
    }
    for state, (options, fields) in forms.items():
        opened(house, state)  # type: ignore[arg-type]
        asked = question(house.store, step(house), Fixed(T))
        assert (asked.options, set(asked.form)) == (options, fields)
        assert "S3 crisis" in asked.subject and r"negative\_share 0\.62" in asked.body
        assert asked.people
        for given in asked.form.values():
            assert "enum" not in given["schema"] or given["value"] in given["schema"]["enum"]


def test_a_response_is_advised_and_never_published(house: House) -> None:
    opened(house, "assessed", cause="misdeed")
    asked = question(house.store, step(house), Fixed(T))
    assert "Posture advised: rebuild" in asked.body
    assert "not before 02:15 UTC" in asked.body
    assert "Nothing is published by Coolhead" in asked.body
    assert "We are sorry" in asked.form["statement"]["value"]


def said(house: House) -> None:
    planning.adopt(house.store, house.plan, Fixed(T))
    signal(house, T - 7 * MINUTE)
    texts = [("loud", 9000), ("loud", 8000), ("second", 500), ("third", None), ("fourth", 2)]
    for i, (author, audience) in enumerate(texts):
        house.say(
            T - 10 * MINUTE + i * MINUTE, "negative", text=f"Zefirella\nis {author} {i}", author=author, audience=audience
        )
    house.say(T - MINUTE, "positive", text="Zefirella is lovely", author="fan", audience=10**6)
    house.say(T - MINUTE, "negative", text="We are Zefirella", author="own", audience=10**6, own=True)


def test_a_notice_is_enough_to_act_on(house: House) -> None:
    opened(house)
    said(house)
    (notice,) = announce(house.store, step(house), Fixed(T + MINUTE))
    assert notice.subject == "[S3 crisis] Zefirella: surge: acknowledge by 03:16"
    for part in (
        "What: Zefirella: surge - S3 crisis proposed: negative_share 0.62 stands above the usual 0.17",
        "Since: 25 Mar 02:48, detected 25 Mar 03:00 (Europe/Rome); as of 25 Mar 03:01",
        "How sure: 1 signals of 1 rules; no source was blind",
        "Clock: acknowledge by 25 Mar 03:16, 15 minutes left",
        "Told: Anna Duty",
        "Quotes (times of Europe/Rome):",
        "Answer here: https://desk.example/dags/escalate_incident/runs/i.acknowledge.0/tasks/ask/required_actions",
        "Nothing is published by Coolhead",
    ):
        assert part in notice.body, part
    quotes = [line for line in notice.body.splitlines() if line.startswith("- ")]
    assert quotes == [
        "- “Zefirella is loud 0” (mastodon, 25 Mar 02:50, 9,000 followers)", "- “Zefirella is second 2” (mastodon, 25 Mar 02:52, 500 followers)",
        "- “Zefirella is fourth 4” (mastodon, 25 Mar 02:54, 2 followers)",
    ]  # fmt: skip


def test_a_notice_says_first_what_makes_it_so_grave(house: House) -> None:
    """Five rules fired; lesser ones after the one that decides."""
    fired: list[tuple[Severity, str]] = [
        ("S1", "loud critic"), ("S3", "share 0.78, reach 826,553"), ("S2", "share 0.78"), ("S1", "cluster"), ("S1", "flood"),
    ]  # fmt: skip
    reasons = [
        {"rule": reason, "severity": severity, "at": (T + n * MINUTE).isoformat(), "reason": reason}
        for n, (severity, reason) in enumerate(fired)
    ]
    content = compose(house.store, opened(house, reasons=reasons), "acknowledge", "run", [], T, T)
    assert "S3 crisis proposed: share 0.78, reach 826,553; share 0.78; flood\n" in content.body


def test_quotes_of_nameless_authors_are_not_one_authors(house: House) -> None:
    opened(house)
    planning.adopt(house.store, house.plan, Fixed(T))
    signal(house, T - 7 * MINUTE)
    for i in range(5):
        house.say(
            T - 9 * MINUTE + i * MINUTE, "negative", text=f"Article {i} on Zefirella", author=None, source="feed", audience=None
        )
    (notice,) = announce(house.store, step(house), Fixed(T + MINUTE))
    assert notice.body.count("Article") == 3


def test_a_long_text_is_cut(house: House) -> None:
    opened(house)
    planning.adopt(house.store, house.plan, Fixed(T))
    signal(house, T - 7 * MINUTE)
    house.say(T - MINUTE, "negative", text="Zefirella " + "ż" * 9000)
    (notice,) = announce(house.store, step(house), Fixed(T + MINUTE))
    assert len(notice.body) < 1500
    assert "…”" in notice.body


def test_a_blind_source_is_named(house: House) -> None:
    opened(house)
    said(house)
    house.listen(T - DAY, T - 30 * MINUTE)
    house.listen(T - 30 * MINUTE, T, ok=False, error="503", sources=["mastodon"], known_at=T)
    (notice,) = announce(house.store, step(house), Fixed(T + MINUTE))
    assert "mastodon was blind 25 Mar 02:30 to 25 Mar 03:0" in notice.body
    assert "UTC" not in notice.body


def test_a_late_step_says_how_late(house: House) -> None:
    opened(house, "acknowledged")
    (notice,) = announce(house.store, step(house), Fixed(T + 20 * MINUTE))
    assert "Clock: assess by 25 Mar 03:35, 15 minutes left; the target, 25 Mar 03:15, was missed" in notice.body


def test_a_drill_says_so(house: House) -> None:
    for title in ("", "Spoilt bottles"):
        drill = report(house.store, house.plan, house.market, "anna", T, f"Rehearsal {title}", title=title, drill=True)
        due_now = step(house, T, drill.incident_id)
        content = compose(house.store, drill, due_now.kind, due_now.run_id, [], T, T)
        assert content.subject.count("[DRILL]") == 1
        assert question(house.store, due_now, Fixed(T)).subject.count("[DRILL]") == 1
        for notice in announce(house.store, due_now, Fixed(T)):
            assert "[DRILL]" in notice.subject


def test_a_report_by_a_person_is_not_verified(house: House) -> None:
    found = report(house.store, house.plan, house.market, "anna", T, "A journalist called", link="https://x.example/1")
    (notice,) = announce(house.store, step(house, T, found.incident_id), Fixed(T))
    assert "How sure: reported by a person; not verified" in notice.body
    assert "no mention stands behind it: https://x.example/1" in notice.body
    assert "A journalist called" in notice.body


# Channels and the outbox.


class Answering:
    """A mail server with an answer of its own to RCPT."""

    def __init__(self, answer: str) -> None:
        self.answer, self.port, self.asked = answer, free_port(), 0
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.asked += 1
        return self.answer

    def __enter__(self) -> "Answering":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


class Hooks:
    """A receiver that answers as told, the last answer again and again."""

    def __init__(self, *codes: int) -> None:
        self.codes, self.seen = list(codes), list[tuple[dict[str, str], bytes]]()
        hooks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hooks.seen.append((dict(self.headers), body))
                self.send_response(hooks.codes.pop(0) if len(hooks.codes) > 1 else hooks.codes[0])
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def __enter__(self) -> "Hooks":
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "Client", partial(Client, sleep=lambda seconds: None))


def intended(house: House, channel: str = "email", address: str = "anna@z.example", **more: Any) -> Notice:
    row = Notice(
        incident_id="i", step="acknowledge", channel=channel, address=address, intended_at=T, status="intended",
        **{"repetition": 0, "receiver": "anna", "subject": "[S3 crisis] Zefirella: surge", "body": "What: żółć\nSince: now", **more},
    )  # fmt: skip
    house.store.upsert([row])
    return row


def by_mail(port: int) -> dict[str, dict[str, Any]]:
    return {"email": {"host": "127.0.0.1", "port": port, "extra": {"from": "coolhead@z.example"}}}


def status(house: House) -> dict[str, str]:
    return {f"{n.channel}/{n.receiver}": n.status for n in house.store.read(Notice)}


def test_mail_arrives(house: House, tmp_path: Path) -> None:
    notice = intended(house)
    with Mailbox(tmp_path / "mail") as mailbox:
        (sent,) = send_outbox(house.store, Fixed(T + MINUTE), by_mail(mailbox.port))
        assert send_outbox(house.store, Fixed(T + MINUTE), by_mail(mailbox.port)) == []
    (message,) = mailbox.messages
    assert (message["To"], message["From"], message["Subject"]) == ("anna@z.example", "coolhead@z.example", notice.subject)
    assert message["Message-ID"] == "<i.acknowledge.0.anna.email@coolhead>"
    assert message.get_content().replace("\r\n", "\n").strip() == notice.body
    assert (sent.status, sent.sent_at, sent.attempts) == ("sent", T + MINUTE, 1)
    assert "i.acknowledge.0.anna.email" in (sent.receipt or "")


@pytest.mark.parametrize("sign", ["\n", "\r\n", "\r", "\u2028", "\x85", "\x0b"])
def test_no_header_can_be_smuggled_in(house: House, tmp_path: Path, sign: str) -> None:
    intended(house, subject=f"Surge{sign}Bcc: all@z.example{sign}{sign}Body")
    with Mailbox(tmp_path / "mail") as mailbox:
        send_outbox(house.store, Fixed(T), by_mail(mailbox.port))
    (message,) = mailbox.messages
    assert message["Bcc"] is None
    assert message["Subject"] == "Surge Bcc: all@z.example Body"
    assert message.get_content().startswith("What: ")


@pytest.mark.parametrize("subject", ["Żabka 🔥 " * 30, "x" * 3000, "", "=?utf-8?q?=41?="])
def test_any_subject_arrives(house: House, tmp_path: Path, subject: str) -> None:
    intended(house, subject=subject)
    with Mailbox(tmp_path / "mail") as mailbox:
        (sent,) = send_outbox(house.store, Fixed(T), by_mail(mailbox.port))
    assert sent.status == "sent"
    assert mailbox.messages[0]["Message-ID"] == "<i.acknowledge.0.anna.email@coolhead>"


def test_a_refused_receiver_is_failed_for_good(house: House) -> None:
    intended(house)
    with Answering("550 no such user") as server:
        (found,) = send_outbox(house.store, Fixed(T), by_mail(server.port))
        assert send_outbox(house.store, Fixed(T), by_mail(server.port)) == []
    assert (found.status, server.asked) == ("failed", 1)
    assert "550" in (found.receipt or "")


def test_a_deferred_receiver_is_tried_again(house: House, tmp_path: Path) -> None:
    intended(house)
    with Answering("451 greylisted") as server, pytest.raises(TransientError, match=r"email to anna: .*451"):
        send_outbox(house.store, Fixed(T), by_mail(server.port))
    assert status(house) == {"email/anna": "intended"}
    with Mailbox(tmp_path / "mail") as mailbox:
        (sent,) = send_outbox(house.store, Fixed(T + MINUTE), by_mail(mailbox.port))
    assert (sent.status, sent.attempts, sent.intended_at) == ("sent", 2, T)
    assert mailbox.messages[0]["Message-ID"] == "<i.acknowledge.0.anna.email@coolhead>"


def test_no_mail_server_is_the_operators_matter(house: House) -> None:
    intended(house)
    (found,) = send_outbox(house.store, Fixed(T), {})
    assert found.status == "failed"
    assert "set the Airflow connection `email`" in (found.receipt or "")
    with pytest.raises(PermanentError, match=r"told by no channel: anna \(email: .*set the Airflow connection `email`"):
        demand_reached(house.store.read(Notice))


def test_a_notice_that_another_run_took_is_left_to_it(house: House, tmp_path: Path) -> None:
    """Both read the outbox before either sent: one sends, and a receipt is never overwritten by who came too late."""
    notice = intended(house, "folder", str(tmp_path / "a"))
    assert outbox._changed(house.store, notice, {"attempts": 1}, attempts=0)
    assert not outbox._changed(house.store, notice, {"attempts": 1}, attempts=0)
    (sent,) = send_outbox(house.store, Fixed(T), {})
    assert not outbox._changed(house.store, notice, {"status": "failed", "receipt": "late"})
    assert house.store.read(Notice) == [sent]


def test_a_channel_that_stays_down_is_helped_by_another(house: House, tmp_path: Path) -> None:
    people = [
        {**p, "addresses": {**p["addresses"], "folder": str(tmp_path / p["id"])}}
        for p in incidents.policy_of(house.plan, house.market)["people"]
    ]
    opened(house, policy={**incidents.policy_of(house.plan, house.market), "people": people})
    intended(house)
    for minutes, told in ((1, {"email/anna": "intended"}), (11, {"email/anna": "intended", "folder/anna": "sent"})):
        with pytest.raises(TransientError, match="email to anna"):
            send_outbox(house.store, Fixed(T + minutes * MINUTE), by_mail(free_port()))
        assert status(house) == told


def test_who_cannot_be_mailed_is_told_by_another_channel(house: House, tmp_path: Path) -> None:
    """At once, in the same words, and once: whatever the step's channels are."""
    people = [
        {**p, "addresses": {**p["addresses"], "folder": str(tmp_path / p["id"])}}
        for p in incidents.policy_of(house.plan, house.market)["people"]
    ]
    opened(house, policy={**incidents.policy_of(house.plan, house.market), "people": people})
    notice = intended(house)
    for _ in range(2):
        send_outbox(house.store, Fixed(T), {})
    assert status(house) == {"email/anna": "failed", "folder/anna": "sent"}
    (file,) = (tmp_path / "anna").iterdir()
    assert file.read_text(encoding="utf-8").endswith(f"{notice.body}\n")
    demand_reached(house.store.read(Notice))


def test_a_mail_server_that_is_down_is_tried_again(house: House) -> None:
    intended(house)
    with pytest.raises(TransientError, match="email to anna"):
        send_outbox(house.store, Fixed(T), by_mail(free_port()))
    assert status(house) == {"email/anna": "intended"}


def by_hook(secret: str = "s3cret") -> dict[str, dict[str, Any]]:
    return {"webhook": {"password": secret, "extra": {"allow_private": True}}}


def test_a_webhook_is_signed_and_repeats_its_key(house: House) -> None:
    """500 at first: the same notice, byte for byte, under the same key."""
    with Hooks(500, 204) as hooks:
        notice = intended(house, "webhook", hooks.url)
        (sent,) = send_outbox(house.store, Fixed(T), by_hook())
    assert (sent.status, sent.receipt) == ("sent", "127.0.0.1 answered 204")
    (first, body), (second, again) = hooks.seen
    assert first["Idempotency-Key"] == second["Idempotency-Key"] == key_of(notice)
    assert body == again
    assert first["X-Coolhead-Signature"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert json.loads(body) == {
        "key": key_of(notice), "incident": "i", "step": "acknowledge", "repetition": 0, "receiver": "anna",
        "subject": notice.subject, "text": notice.body, "at": T.isoformat(),
    }  # fmt: skip


def test_a_webhook_without_a_secret_is_not_signed(house: House) -> None:
    with Hooks(204) as hooks:
        intended(house, "webhook", hooks.url)
        send_outbox(house.store, Fixed(T), by_hook(""))
    assert "X-Coolhead-Signature" not in hooks.seen[0][0]


def test_a_webhook_that_stays_down_is_tried_with_the_next_run(house: House) -> None:
    with Hooks(500) as hooks:
        intended(house, "webhook", hooks.url)
        with pytest.raises(TransientError, match="webhook to anna"):
            send_outbox(house.store, Fixed(T), by_hook())
        hooks.codes = [204]
        (sent,) = send_outbox(house.store, Fixed(T + MINUTE), by_hook())
    assert sent.status == "sent"
    assert len({headers["Idempotency-Key"] for headers, _ in hooks.seen}) == 1


@pytest.mark.parametrize("code", [400, 401, 404, 410])
def test_a_webhook_that_refuses_is_failed_for_good(house: House, code: int) -> None:
    with Hooks(code) as hooks:
        intended(house, "webhook", hooks.url)
        (found,) = send_outbox(house.store, Fixed(T), by_hook())
    assert (found.status, len(hooks.seen)) == ("failed", 1)


def test_a_webhook_into_the_inner_network_must_be_allowed(house: House) -> None:
    with Hooks(204) as hooks:
        intended(house, "webhook", hooks.url)
        (found,) = send_outbox(house.store, Fixed(T), {"webhook": {"password": ""}})
    assert (found.status, hooks.seen) == ("failed", [])


def test_a_folder_holds_one_file_per_notice(house: House, tmp_path: Path) -> None:
    notice = intended(house, "folder", str(tmp_path / "a" / "b"))
    send_outbox(house.store, Fixed(T), {})
    (file,) = (tmp_path / "a" / "b").iterdir()
    assert file.name == f"{key_of(notice)}.txt"
    assert file.read_text(encoding="utf-8") == f"To: anna\nSubject: {notice.subject}\n\n{notice.body}\n"


def test_one_channel_that_fails_holds_up_no_other(house: House, tmp_path: Path) -> None:
    """Refused, deferred, down, unknown, full disk: whoever can be reached is told."""
    (tmp_path / "file").write_text("no folder")
    with Mailbox(tmp_path / "mail") as mailbox, Hooks(500) as broken, Hooks(404) as gone:
        intended(house, "webhook", broken.url, receiver="a")
        intended(house, "webhook", gone.url, receiver="b")
        intended(house, "folder", str(tmp_path / "file" / "below"), receiver="c")
        intended(house, "carrier_pigeon", "the roof", receiver="d")
        intended(house, "folder", str(tmp_path / "fine"), receiver="y")
        intended(house, "email", receiver="z")
        with pytest.raises(TransientError, match="2 notices could not be sent yet"):
            send_outbox(house.store, Fixed(T), {**by_hook(), **by_mail(mailbox.port)})
    assert status(house) == {
        "webhook/a": "intended", "webhook/b": "failed", "folder/c": "intended", "carrier_pigeon/d": "failed", "folder/y": "sent",
        "email/z": "sent",
    }  # fmt: skip
    assert len(mailbox.messages) == 1


def test_a_channel_with_a_bug_holds_up_no_other(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(webhook.Webhook, "send", broken)
    intended(house, "webhook", "https://x.example", receiver="a")
    intended(house, "folder", str(tmp_path), receiver="z")
    with pytest.raises(TransientError, match="webhook to a: ValueError: a bug"):
        send_outbox(house.store, Fixed(T), {})
    assert status(house) == {"webhook/a": "intended", "folder/z": "sent"}


def test_keys_tell_notices_apart(house: House) -> None:
    rows = [intended(house, c, receiver=r, repetition=n) for c in ("email", "folder") for r in "ab" for n in (0, 1)]
    assert len({key_of(n) for n in rows}) == 8


def test_the_shipped_steps_reach_everybody_in_time() -> None:
    assert sum((timedelta(minutes=s["wait_minutes"]) for s in STEPS), timedelta()) <= 30 * MINUTE
