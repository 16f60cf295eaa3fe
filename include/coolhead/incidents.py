"""signal -> incident, and what people decide upon it.

The machine opens an incident, proposes a severity with its reasons, and notes facts (contained, recovered, first
public response). Everything else is a person's decision: a row with name, time, reason and the hash of what was
shown, chained to the row before. No function here or elsewhere publishes anything.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from coolhead import failpoint
from coolhead.errors import ConfigError
from coolhead.plan import Market, Plan, RuleEntry
from coolhead.rows import SEVERITY_NAMES, Decision, Incident, IncidentEvent, Severity, Signal, State
from coolhead.rules import Finding
from coolhead.store import Store
from coolhead.windows import BASE, GRACE, Window, local_day
from coolhead.writing import Writer

if TYPE_CHECKING:
    import pandas as pd

Findings = list[tuple[RuleEntry, Finding]]

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://coolhead.example/incident")
ENDED: tuple[State, ...] = ("closed", "dismissed")
SAME_CAUSE = timedelta(hours=24)
"""A signal this long after the last one belongs to a new incident."""
SETTLED: tuple[State, ...] = ("contained", "recovered", "closed", "dismissed")
SMOULDERS = timedelta(hours=3)
"""Signals that go on this closely after a settled cause, no more severe than it was, belong to it and wake nobody ..."""
AT_MOST = timedelta(hours=12)
"""... but only so long: what a person settled in the morning is a new question in the evening."""

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


def attach(
    store: Store, plan: Plan, market: Market, findings: Findings, mentions: "pd.DataFrame"
) -> tuple[list[Signal], list[Incident], list[IncidentEvent]]:
    """Signals of some findings, the incidents they open or join, and rises of severity; nothing is written."""
    known = {i.incident_id: i for i in store.read(Incident, market=market.id, drill=False)}
    last = {i: max((s.start for s in store.read(Signal, incident_id=i)), default=known[i].detected_at) for i in known}
    touched: dict[str, Incident] = {}
    signals, events = [], []
    for entry, finding in sorted(findings, key=lambda f: (f[1].start, _descending(f[0].severity), f[0].name)):
        incident = _joins(known, last, entry, finding)
        if incident is None:
            incident = _open(plan, market, entry, finding, mentions)
        raised = _with_reason(incident, entry, finding)
        if raised.severity_proposed != incident.severity_proposed and incident.incident_id in known:
            events.append(_rise(incident, raised, finding))
        known[raised.incident_id] = touched[raised.incident_id] = raised
        last[raised.incident_id] = finding.start
        signals.append(Signal(
            market=market.id, rule=entry.name, start=finding.start, severity=entry.severity, reason=finding.reason,
            kpi=finding.kpi, value=finding.value, threshold=finding.threshold, as_of=finding.start + BASE + GRACE,
            incident_id=raised.incident_id,
        ))  # fmt: skip
    return signals, list(touched.values()), events


def _descending(severity: str) -> int:
    return -int(severity[1:])


def _joins(known: dict[str, Incident], last: dict[str, datetime], entry: RuleEntry, finding: Finding) -> Incident | None:
    """The incident whose cause goes on: an open one, or a settled one that only smoulders on, no more severe than it was."""
    for incident in sorted(known.values(), key=lambda i: last[i.incident_id], reverse=True):
        # What a person reports today is not the cause of what an import finds months ago.
        since = abs(finding.start - last[incident.incident_id])
        if incident.state not in SETTLED:
            if since <= SAME_CAUSE:
                return incident
        elif (
            since <= SMOULDERS
            and entry.severity <= incident.severity_proposed
            and finding.start <= _settled(incident) + AT_MOST
        ):
            return incident
    return None


def _settled(incident: Incident) -> datetime:
    return incident.closed_at or incident.contained_at or incident.detected_at


def _open(plan: Plan, market: Market, entry: RuleEntry, finding: Finding, mentions: "pd.DataFrame") -> Incident:
    incident_id = str(uuid.uuid5(NAMESPACE, f"{market.id}/{entry.name}/{finding.start.isoformat()}"))
    detected = finding.start + BASE + GRACE
    return Incident(
        incident_id=incident_id, market=market.id, title=f"{plan.brand_of(market.id)}: {entry.name.replace('-', ' ')}",
        state="detected", severity=entry.severity, severity_proposed=entry.severity, reasons=[],
        policy=policy_of(plan, market), onset_at=onset(mentions, finding.start), detected_at=detected,
    )  # fmt: skip


def onset(mentions: "pd.DataFrame", start: datetime) -> datetime:
    """T0: the first mention of the rise that ends in the window: back from it, over windows of at least half its volume
    or three mentions, up to one hour."""
    seen = mentions.known_at <= start + BASE + GRACE
    theirs = mentions[~mentions.own & seen & (mentions.published_at < start + BASE)]
    counts = theirs.groupby(theirs.published_at.dt.floor("5min")).size()
    peak = counts.get(start, 0)
    begin = start
    while begin - BASE >= start - timedelta(minutes=55) and counts.get(begin - BASE, 0) >= max(3, peak / 4):
        begin -= BASE
    inside = theirs[theirs.published_at >= begin].published_at
    return inside.min().to_pydatetime() if len(inside) else start


def _with_reason(incident: Incident, entry: RuleEntry, finding: Finding) -> Incident:
    proposed = max(incident.severity_proposed, entry.severity)
    reasons = list(incident.reasons)
    if entry.name not in {x["rule"] for x in reasons}:
        reasons.append(
            {"rule": entry.name, "severity": entry.severity, "at": finding.start.isoformat(), "reason": finding.reason}
        )
    update: dict[str, Any] = {"severity_proposed": proposed, "reasons": reasons}
    if incident.state in ("detected", "acknowledged"):  # a person's assessment is never overwritten
        update["severity"] = proposed
    elif incident.state not in SETTLED and entry.severity > max(incident.severity, incident.severity_proposed):
        update["state"] = "acknowledged"  # worse than what a person has assessed: it is asked about again
    return incident.model_copy(update=update)


def _rise(before: Incident, after: Incident, finding: Finding) -> IncidentEvent:
    return IncidentEvent(
        incident_id=before.incident_id, at=finding.start + BASE + GRACE, kind=f"severity-{after.severity_proposed}",
        detail=f"proposed severity rises from {name_of(before.severity_proposed)} to {name_of(after.severity_proposed)}: {finding.reason}",
    )  # fmt: skip


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
        _append(writer, incident, f"open/{incident.incident_id}", "open", "open", by, at, reason, {"link": link}, reason)
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
        moved = _moved(found[0], kind, at, details or {})
        decision = _append(writer, found[0], step, kind, choice or kind, by, at, reason, details or {}, shown)
        failpoint.reached("decide.appended")
        writer.upsert([moved])
    return decision


def _moved(incident: Incident, kind: str, at: datetime, details: dict[str, Any]) -> Incident:
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
    if kind == "reopen":
        update["closed_at"] = None
    return Incident.model_validate({**incident.model_dump(), **update})


def _append(
    writer: Writer, incident: Incident, step: str, kind: str, choice: str, by: str, at: datetime, reason: str,
    details: dict[str, Any], shown: str,
) -> Decision:  # fmt: skip
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


def left_out(store: Store, market: Market, before: datetime) -> list[Window]:
    """Stretches of incidents known before a moment, confirmed or dismissed, and of the plan's known episodes: none is usual."""
    zone = market.time_zone
    out = [Window(local_day(e.start, zone).start, local_day(e.end, zone).end) for e in market.known_episodes]
    for incident in store.read(Incident, market=market.id, drill=False):
        if incident.detected_at >= before:
            continue
        signals = [s.start for s in store.read(Signal, incident_id=incident.incident_id) if s.start < before]
        end = max([incident.detected_at, *signals]) + timedelta(hours=3)
        if incident.contained_at and incident.contained_at < before:
            end = max(end, incident.contained_at)
        out.append(Window(min(incident.onset_at, incident.detected_at), end))
    return out
