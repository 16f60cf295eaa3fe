"""Incidents as they were known at one time."""

from datetime import datetime
from typing import Any

from coolhead.durations import since_detected
from coolhead.incidents import TRANSITIONS, name_of
from coolhead.reports._page import duration
from coolhead.rows import Decision, Incident, IncidentEvent, Signal
from coolhead.store import Store
from coolhead.windows import Window

MOMENTS = ("acknowledged_at", "assessed_at", "responded_at", "contained_at", "recovered_at", "closed_at")
SHORT = 10
"""Characters of a hash that a reader compares by eye."""


def as_known(store: Store, incident: Incident, as_of: datetime) -> Incident:
    """The incident without what came after `as_of`: an old report written again says the same."""
    decisions = store.read(Decision, incident_id=incident.incident_id)
    events = store.read(IncidentEvent, incident_id=incident.incident_id)
    if max([d.at for d in decisions] + [e.at for e in events], default=as_of) <= as_of:
        return incident
    update: dict[str, Any] = {name: None for name in MOMENTS if (at := getattr(incident, name)) is not None and at > as_of}
    if "closed_at" in update:
        update["merged_into"] = None
    update |= _before_merges(store, incident, as_of)
    steps = [(d.at, TRANSITIONS[d.kind][1]) for d in decisions if d.kind in TRANSITIONS and d.at <= as_of]
    steps += [(e.at, e.kind) for e in events if e.kind in ("contained", "recovered") and e.at <= as_of]  # type: ignore[misc]
    state = max(steps, key=lambda s: s[0])[1] if steps else "detected"
    assessed = any(d.kind == "assess" and d.at <= as_of for d in decisions)
    reasons = [x["severity"] for x in incident.reasons if datetime.fromisoformat(str(x["at"])) <= as_of]
    severity = incident.severity if assessed or not reasons else max(reasons)  # the proposal may have fallen since
    return incident.model_copy(update={**update, "state": state, "severity": severity})


def _before_merges(store: Store, incident: Incident, as_of: datetime) -> dict[str, datetime | None]:
    """Clocks that it had before another one was merged into it."""
    later = [d for d in store.read(Decision, kind="merge") if d.at > as_of and d.details["into"] == incident.incident_id]
    was: dict[str, str | None] = min(later, key=lambda d: d.at).details["was"] if later else {}
    moments = {name: datetime.fromisoformat(at) if at else None for name, at in was.items()}
    return {name: at if at and (at <= as_of or name in ("onset_at", "detected_at")) else None for name, at in moments.items()}


def during(store: Store, market: str, window: Window, as_of: datetime) -> list[Incident]:
    """Incidents detected by `as_of` that began before the window's end and had not ended before its start; worst first. What was
    merged into another by then is told with that one."""
    known = [as_known(store, i, as_of) for i in store.read(Incident, market=market) if i.detected_at <= as_of]
    found = [i for i in known if i.merged_into is None and i.detected_at <= as_of]
    inside = [i for i in found if i.onset_at < window.end and (_ended(store, i) or as_of) >= window.start]
    return sorted(inside, key=lambda i: (i.drill, i.state == "dismissed", -int(i.severity[1:]), i.onset_at))


def _ended(store: Store, incident: Incident) -> datetime | None:
    """When it was closed; one that was found in history, of which nobody was asked, ends with its signals."""
    if incident.closed_at or not from_history(store, incident):
        return incident.closed_at
    return max([incident.detected_at, *(s.as_of for s in store.read(Signal, incident_id=incident.incident_id))])


def from_history(store: Store, incident: Incident) -> bool:
    """Found long after it was over (an import): stored and shown, and nobody was ever asked."""
    if incident.state != "detected":
        return False
    kinds = [e.kind for e in store.read(IncidentEvent, incident_id=incident.incident_id)]
    return not any(k.startswith(("asked-", "due-")) for k in kinds)


def elapsed(incident: Incident, moment: datetime | None, as_of: datetime) -> str:
    """Time since T1; what has not happened is `>= x`, never dropped, and stands still when the incident is closed."""
    spent = duration(since_detected(incident, moment, as_of))
    return spent if moment is not None else f"≥\N{NO-BREAK SPACE}{spent}"


def clocks_in_words(incident: Incident, as_of: datetime) -> str:
    """Acknowledged after 4 min, assessed after 9 min, answered ≥ 2 h."""
    words = (("acknowledged", "acknowledged_at"), ("assessed", "assessed_at"), ("answered", "responded_at"))
    out = []
    for word, name in words:
        at = getattr(incident, name)
        out.append(f"{word} after {elapsed(incident, at, as_of)}" if at else f"not {word}: {elapsed(incident, None, as_of)}")
    return ", ".join(out)


def severity_of(incident: Incident) -> str:
    return name_of(incident.severity)
