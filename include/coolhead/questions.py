"""The forms that people fill in at each step of an incident."""

from datetime import timedelta
from typing import Any

from coolhead.incidents import DISMISSALS
from coolhead.posture import CAUSES, draft, posture
from coolhead.rows import Incident

Form = tuple[list[str], dict[str, Any], str]
"""Options to choose from; fields, name -> {"value": default, "schema": {...}}; words below the notice's own, as Markdown."""


def form_of(kind: str, incident: Incident) -> Form:
    """The form of one kind of step."""
    return _FORMS[kind](incident)


def _text(title: str, value: str = "", long: bool = False) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "title": title}
    return {"value": value, "schema": schema | ({"format": "multiline"} if long else {})}


def _choice(title: str, value: str, choices: list[str]) -> dict[str, Any]:
    return {"value": value, "schema": {"type": "string", "title": title, "enum": choices}}


def _ask_acknowledge(incident: Incident) -> Form:
    form = {
        "dismissal": _choice("If dismissed: as what", "other", list(DISMISSALS)),
        "reason": _text("If dismissed: why (required)", long=True),
    }
    return ["Acknowledge", "Dismiss"], form, ""


def _ask_assess(incident: Incident) -> Form:
    form = {
        "severity": _choice("Severity", incident.severity_proposed, ["S0", "S1", "S2", "S3", "S4"]),
        "cause": _choice("Type of cause", incident.cause or "unknown", list(CAUSES)),
        "reason": _text("Why (and why, if dismissed)", long=True),
        "dismissal": _choice("If dismissed: as what", "other", list(DISMISSALS)),
    }
    return ["Assessed", "Dismiss"], form, ""


def _ask_respond(incident: Incident) -> Form:
    advised = posture(incident.cause or "unknown", bool(incident.policy["crisis_history"]))
    cool_off = incident.detected_at + timedelta(minutes=incident.policy["clocks"]["cool_off_minutes"])
    more = "\n".join([
        f"**Posture advised: {advised.name}** ({advised.reason}).", "", *(f"- {r}" for r in advised.required), "",
        f"Individual replies not before {cool_off:%H:%M} UTC (cool-off); safety information and an approved holding statement at once.",
        "Freeze scheduled posts. Nothing is published by Coolhead: a person publishes what is approved here.",
    ])  # fmt: skip
    form = {"statement": _text("Statement", draft(str(incident.policy["brand"]), advised), long=True), "reason": _text("Note")}
    return ["Approve statement", "No statement"], form, more


def _ask_close(incident: Incident) -> Form:
    form = {
        "root_cause": _text("Cause, as known now", long=True), "went_well": _text("What went well", long=True),
        "to_improve": _text("What to improve", long=True), "action": _text("Action"),
        "action_owner": _text("Owner of the action"), "action_due": _text("Due (date)"),
    }  # fmt: skip
    return ["Close"], form, "Your words go into the post-incident review as they are."


_FORMS = {"acknowledge": _ask_acknowledge, "assess": _ask_assess, "respond": _ask_respond, "close": _ask_close}
