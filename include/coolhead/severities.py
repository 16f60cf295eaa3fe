"""The severity that signals propose for an incident, with its reasons: raised, and lowered.

Only the proposal falls: whom a severity has woken is asked all the same, and a person sets it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from coolhead import registry
from coolhead.firing import PEOPLE
from coolhead.incidents import SETTLED, name_of
from coolhead.plan_rules import RuleEntry
from coolhead.rows import Incident, IncidentEvent, Seen, Severity
from coolhead.rules import Finding
from coolhead.windows import BASE, GRACE

FALLS = timedelta(hours=6)
"""A severity that no signal proposed for so long is proposed no more: as long as T5 wants it calm, and longer than a lull
between two bursts."""
LEAST: Severity = "S1"
"""A proposal falls no lower: it is an incident until a person ends it."""
ALONE = frozenset({"multiplier", "red_line"})
"""Rules to which one comment is enough: one large author, or one credible mention of harm. To the others it never is."""
UNJUDGED = frozenset({"cannot_judge"})
"""Rules that say that nothing can be said: look. They propose S2 at most."""
DEAF = frozenset({"coverage"})
"""Rules that fire because too little is seen or read: while they do, that no other fires says nothing."""
READABLE = 0.6
"""Share of the hour's mentions that must have been read for its calm to say something: DEFINITIONS, below it nothing can be judged."""
READS = (*PEOPLE, "scored_coverage")
"""KPIs that proposals need, whatever the rules read."""


def topics_of(seen: Seen | None) -> list[dict[str, Any]]:
    return list(seen.evidence.get("topics", [])) if seen else []


def topic_of(finding: Finding, seen: Seen | None) -> dict[str, Any] | None:
    return next((t for t in topics_of(seen) if t["topic"] == finding.topic), None)


def proposal(entry: RuleEntry, finding: Finding, seen: Seen | None) -> tuple[Severity, str]:
    """Severity that a finding proposes, and why: the rule's, unless the evidence is too little for it."""
    if entry.rule in UNJUDGED and entry.severity > "S2":
        return "S2", f"{finding.reason}; what cannot be judged proposes no more than {name_of('S2')}"
    if entry.severity >= "S2" and entry.rule not in ALONE and _from_mentions(finding.kpi) and _people(finding, seen) == 1:
        return "S1", f"{finding.reason}; only one author stands behind it, so no more than {name_of('S1')} is proposed"
    return entry.severity, finding.reason


def _from_mentions(kpi: str) -> bool:
    """Whether a number is made of what people wrote; what is no KPI is counted from evidence, and so it is."""
    return kpi not in registry.names("kpis") or registry.load("kpis", kpi).reads in ("mention", "both", "usual")


def _people(finding: Finding, seen: Seen | None) -> int | None:
    """People behind a finding: of its trailing hour, a mention that names no author counting as one, or of its topic's day; None:
    unknown."""
    authors, volume = (seen.numbers.get(kpi) if seen else None for kpi in PEOPLE)
    named = (authors[1] if authors else None) or 0
    unnamed = max((volume[0] or 0) - named, 0) if volume else None
    found = topic_of(finding, seen) or {}
    hour = None if unnamed is None and not authors else (unnamed or 0) + ((authors[0] if authors else None) or 0)
    return max([int(n) for n in (hour, found.get("authors_day")) if n is not None], default=None)


def with_reason(before: Incident, entry: RuleEntry, finding: Finding, severity: Severity, reason: str) -> Incident:
    reasons = list(before.reasons)
    if (entry.name, severity) not in {(x["rule"], x["severity"]) for x in reasons}:
        reasons.append({"rule": entry.name, "severity": severity, "at": finding.start.isoformat(), "reason": reason})
    update: dict[str, Any] = {"severity_proposed": max(before.severity_proposed, severity), "reasons": reasons}
    if before.state in ("detected", "acknowledged"):  # a person's assessment is never overwritten
        update["severity"] = max(before.severity, severity)
    elif severity > max(before.severity, before.severity_proposed):
        update["state"] = "acknowledged"  # worse than what a person has assessed: it is asked about again
    return before.model_copy(update=update)


def rise(before: Incident, after: Incident, start: datetime, reason: str) -> IncidentEvent:
    return IncidentEvent(
        incident_id=before.incident_id, at=start + BASE + GRACE, kind=f"severity-{after.severity_proposed}",
        detail=f"proposed severity rises from {name_of(before.severity_proposed)} to {name_of(after.severity_proposed)}: {reason}",
    )  # fmt: skip


def heard(seen: Seen) -> bool:
    """Whether the trailing hour was listened to in full, and read: else its calm says nothing, and no proposal falls for it."""
    read = seen.numbers.get("scored_coverage")
    return seen.quality not in ("blind", "partial") and (not read or read[0] is None or read[0] >= READABLE)


def may_fall(incident: Incident) -> bool:
    """Whether a lower severity may be proposed one day."""
    return incident.state not in SETTLED and incident.severity_proposed > _least(incident)


def lowered(incident: Incident, spoke: Mapping[str, datetime], start: datetime) -> tuple[Incident, IncidentEvent] | None:
    """The incident with a lower proposal and what is to be told of it, where by that window it is due.

    spoke: severity -> start of the last window in which a signal proposed it.
    """
    if not may_fall(incident):
        return None
    before = incident.severity_proposed
    last = max((at for s, at in spoke.items() if s >= before), default=incident.detected_at)
    if start - last < FALLS:
        return None
    recent: list[Severity] = [s for s, at in spoke.items() if s < before and start - at < FALLS]  # type: ignore[misc]
    after = incident.model_copy(update={"severity_proposed": max([_least(incident), *recent])})
    return after, IncidentEvent(
        incident_id=incident.incident_id, at=start + BASE + GRACE, kind=f"severity-{after.severity_proposed}",
        detail=f"proposed severity falls from {name_of(before)} to {name_of(after.severity_proposed)}: no signal of "
        f"{name_of(before)} for {FALLS // timedelta(hours=1)} hours, the last one at {last:%Y-%m-%d %H:%M} UTC",
    )  # fmt: skip


def _least(incident: Incident) -> Severity:
    """What a person reported as, no rule lowers."""
    said: list[Severity] = [x["severity"] for x in incident.reasons if "report" in x]
    return max([LEAST, *said])
