"""What an incident is, and what people decide upon it.

The machine opens an incident, proposes a severity with its reasons (causes.py, severities.py), and notes facts (contained, recovered, first
public response). Everything else is a person's decision: a row with name, time, reason and the hash of what was
shown, chained to the row before. No function here or elsewhere publishes anything.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from coolhead import failpoint, spoken
from coolhead.errors import ConfigError
from coolhead.plan import Market, Plan
from coolhead.rows import SEVERITY_NAMES, Decision, Incident, Severity, State
from coolhead.store import Store
from coolhead.windows import Window, local_day
from coolhead.writing import Writer

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://coolhead.example/incident")
ENDED: tuple[State, ...] = ("closed", "dismissed")
SETTLED: tuple[State, ...] = ("contained", "recovered", "closed", "dismissed")

TRANSITIONS: dict[str, tuple[tuple[State, ...], State]] = {
    "acknowledge": (("detected",), "acknowledged"),
    "assess": (("acknowledged", "detected"), "assessed"),
    "respond": (("assessed",), "responding"),
    "contain": (("acknowledged", "assessed", "responding"), "contained"),
    "recover": (("contained",), "recovered"),
    "close": (("assessed", "responding", "contained", "recovered"), "closed"),
    "dismiss": (("detected", "acknowledged", "assessed", "responding", "contained"), "dismissed"),
    "reopen": (("closed", "dismissed"), "detected"),
}
"""kind of decision -> (states it may be taken in, state it leads to)"""

CLOCKS = {
    "acknowledge": "acknowledged_at", "assess": "assessed_at", "contain": "contained_at", "recover": "recovered_at",
    "close": "closed_at", "dismiss": "closed_at",
}  # fmt: skip
REOPENED = "reopened by a person"
DISMISSALS = ("joke", "campaign", "homonym", "spam", "competitor", "duplicate", "other")


FIRM: tuple[State, ...] = ("detected", "acknowledged", "assessed", "responding", "contained")
"""States in which it is not over: a recovered incident waits for its closing only, and is watched as any day."""


def burning(store: Store, **where: Any) -> list[Incident]:
    """Incidents of S2 or above that are not over, drills left out: these markets are asked more often, and their commanders
    are told of what is not seen."""
    return [i for i in store.read(Incident, state=FIRM, drill=False, **where) if i.severity >= "S2"]


def name_of(severity: str) -> str:
    """A severity is always written with its name: operators read SEV1 the other way round."""
    return f"{severity} {SEVERITY_NAMES[severity]}"


def policy_of(plan: Plan, market: Market) -> dict[str, Any]:
    """The escalation policy as it is now, for the incident to keep."""
    return {
        **plan.escalation.model_dump(mode="json"), "public_url": plan.brands.public_url,
        "brand": plan.brand_of(market.id), "time_zone": market.time_zone,
    }  # fmt: skip


def report(
    store: Store, plan: Plan, market: Market, by: str, at: datetime, reason: str, title: str = "",
    link: str | None = None, severity: Severity = "S2", drill: bool = False,
) -> Incident:  # fmt: skip
    """A person opens an incident; no mention is needed for it. The same report twice is one incident, while it lasts."""
    if not reason.strip():
        raise ConfigError("reason: say in a sentence why this is an incident")
    if link and not link.startswith(("https://", "http://")):
        raise ConfigError(f"link: {link!r} is no web address; write e.g. https://...")
    same = f"{market.id}/report/{by}/{reason}/{link}/{at.date() if drill else ''}"  # a drill is repeated another day
    before = [i for i in store.read(Incident, market=market.id) if i.reasons and i.reasons[0].get("report") == same]
    if lasting := [i for i in before if i.state not in ENDED]:
        return lasting[0]
    incident = Incident(
        incident_id=str(uuid.uuid5(NAMESPACE, f"{same}/{len(before)}")),
        market=market.id, title=title or f"{'[DRILL] ' if drill else ''}{plan.brand_of(market.id)}: reported by {by}",
        state="detected", severity=severity, severity_proposed=severity, drill=drill, link=link,
        reasons=[{"rule": "reported by a person", "severity": severity, "at": at.isoformat(), "reason": reason, "report": same}],
        policy=policy_of(plan, market), onset_at=at, detected_at=at,
    )  # fmt: skip
    with store.writing() as writer:
        writer.lock(Incident)
        if not writer.insert_new(incident):
            return writer.read(Incident, incident_id=incident.incident_id)[0]
        append(writer, incident, f"open/{incident.incident_id}", "open", "open", by, at, reason, {"link": link}, reason)
    return incident


def decide(
    store: Store, incident_id: str, step: str, kind: str, by: str, at: datetime,
    reason: str = "", choice: str = "", details: dict[str, Any] | None = None, shown: str = "",
) -> Decision:  # fmt: skip
    """Record a person's decision and move the incident. The same step decided again returns the first decision.

    shown: the text the person decided upon; its hash is kept. Raises ConfigError where the state does not allow it.
    """
    if kind == "dismiss" and not reason.strip():
        raise ConfigError(f"a dismissal needs a reason; one of {', '.join(DISMISSALS)}, or a sentence")
    with store.writing() as writer:
        writer.lock(Incident)
        writer.lock(Decision)
        if before := writer.read(Decision, incident_id=incident_id, step=step):
            return before[0]
        found = writer.read(Incident, incident_id=incident_id)
        if not found:
            raise ConfigError(f"there is no incident {incident_id}")
        after = moved(found[0], kind, at, details or {})
        decision = append(writer, found[0], step, kind, choice or kind, by, at, reason, details or {}, shown)
        failpoint.reached("decide.appended")
        writer.upsert([after])
    return decision


def moved(incident: Incident, kind: str, at: datetime, details: dict[str, Any]) -> Incident:
    """The incident after a decision. Pure. Raises ConfigError where its state does not allow it."""
    allowed, to = TRANSITIONS[kind]
    if incident.state not in allowed:
        raise ConfigError(
            f"incident {incident.incident_id[:8]} is {incident.state}: {kind!r} needs it to be {' or '.join(allowed)}"
        )
    update: dict[str, Any] = {"state": to}
    if kind in CLOCKS and getattr(incident, CLOCKS[kind]) is None:  # a clock stops once, at the first time
        update[CLOCKS[kind]] = at
    if kind == "assess":
        update |= {k: details[k] for k in ("severity", "cause", "commander") if details.get(k)}
    if kind == "reopen":  # it is not over: how it ended is in the register and the events
        update |= dict.fromkeys(("contained_at", "recovered_at", "closed_at", "merged_into"))
        update["reasons"] = [*(x for x in incident.reasons if x["rule"] != REOPENED), _reopened(incident, at)]
    return Incident.model_validate({**incident.model_dump(), **update})


def _reopened(incident: Incident, at: datetime) -> dict[str, str]:
    """A person's word, like a report, that it goes on: signals join it again from then on."""
    said = "a person found that it is not over"
    return {"rule": REOPENED, "severity": incident.severity, "at": at.isoformat(), "reason": said, "report": REOPENED}


def append(
    writer: Writer, incident: Incident, step: str, kind: str, choice: str, by: str, at: datetime, reason: str,
    details: dict[str, Any], shown: str,
) -> Decision:  # fmt: skip
    """One more row of the register, chained to the row before."""
    writer.lock(Decision)
    rows = writer.read(Decision)
    previous = rows[-1].hash if rows else "0" * 64
    body = {
        "seq": len(rows) + 1, "incident_id": incident.incident_id, "step": step, "kind": kind, "choice": choice, "by": by,
        "at": at, "reason": reason, "details": details, "subject_hash": hashlib.sha256(shown.encode()).hexdigest(),
        "previous": previous,
    }  # fmt: skip
    plain = Decision(**body, hash="-")  # as it will be read again: times in UTC
    decision = plain.model_copy(update={"hash": chain_hash(plain.model_dump())})
    writer.upsert([decision])
    return decision


def chain_hash(body: dict[str, Any]) -> str:
    """sha256 of a decision's columns but `hash` itself; `previous` among them makes the chain."""
    plain = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in body.items() if k != "hash"}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def broken_at(decisions: Sequence[Decision]) -> int | None:
    """Number of the first decision that does not fit the chain, or None: every row is as it was written."""
    previous = "0" * 64
    for seq, d in enumerate(decisions, 1):
        if d.seq != seq or d.previous != previous or d.hash != chain_hash(d.model_dump()):
            return seq
        previous = d.hash
    return None


def left_out(store: Store, market: Market, before: datetime, least: Severity = "S0") -> list[Window]:
    """Stretches of incidents known before a moment, confirmed or dismissed, and of the plan's known episodes: none is usual.

    least: without those of which all signals proposed less.
    """
    severe = list(SEVERITY_NAMES).index(least)
    zone = market.time_zone
    out = [Window(local_day(e.start, zone).start, local_day(e.end, zone).end) for e in market.known_episodes]
    for onset, detected, contained, *last in store.asked(spoken.stretches(market.id, before)):
        if any(last) and not any(last[severe:]):
            continue
        end = max([detected, *(at for at in last if at)]) + timedelta(hours=3)
        known = contained is not None and contained < before
        out.append(Window(min(onset, detected), max(end, contained) if known else end))
    return out
