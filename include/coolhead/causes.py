"""signal -> incident: one cause, one incident. Pure: live gives what the store knows, a replay what it has in memory.

Which incident a finding belongs to is decided by the first of these that holds of an incident whose cause goes on:
  1. it is about the finding's topic (its own, or that of one that a person merged into it);
  2. the finding is about no one topic: the gravest one that is open, then the newest; none that is less grave and has been quiet
     for hours, unless a person reported or reopened it: a storm after yesterday's flurry has its own onset and clocks; and none
     that is settled, where most of the hour's complaints are about something else than what was settled;
  3. it is about no topic yet, and spoke within the last hour: both saw the same mentions; the hour's dominant topic becomes its.
     What began after it was settled is not what was settled;
  4. it is about another topic, and both began within an hour (one outrage in two languages is two topics), or it is graver and
     open, and the finding's topic arose since it began: what arises in a storm is part of it, until a person splits it off.
Otherwise it opens an incident, unless it proposes S0: that is noted, and no more. So a lesser signal of a cause that burns is
recorded, and neither wakes anybody nor opens another.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from coolhead.incidents import NAMESPACE, REOPENED, SETTLED, policy_of
from coolhead.plan import Market, Plan
from coolhead.plan_rules import RuleEntry
from coolhead.rows import ALL, Incident, IncidentEvent, Seen, Severity, Signal
from coolhead.rules import Finding
from coolhead.severities import DEAF, UNJUDGED, heard, lowered, may_fall, proposal, rise, topic_of, topics_of, with_reason
from coolhead.windows import BASE, GRACE, moment

Findings = Sequence[tuple[RuleEntry, Finding]]

SAME_CAUSE = timedelta(hours=24)
"""A signal this long after the last one belongs to a new incident."""
SMOULDERS = timedelta(hours=3)
"""Signals that go on this closely after a settled cause, no more severe than it was, belong to it and wake nobody ..."""
AT_MOST = timedelta(hours=12)
"""... but only so long: what a person settled in the morning is a new question in the evening."""
SEVERAL = 3
"""People who must complain of one thing before an hour is about it: a giveaway has its grumblers too."""
TOGETHER = timedelta(hours=1)
"""What rules see is a trailing hour: causes that speak or begin within it saw the same mentions."""


@dataclass(frozen=True)
class Cause:
    """An incident, and when signals last spoke for it."""

    incident: Incident
    spoke: Mapping[str, datetime] = field(default_factory=dict)
    """severity -> start of the last window in which a signal proposed it."""

    @property
    def last(self) -> datetime:
        """When a window last spoke for it, or a person reopened it; what proposes S0 keeps no cause alive."""
        reopened = [datetime.fromisoformat(x["at"]) for x in self.incident.reasons if x["rule"] == REOPENED]
        return max([*(at for s, at in self.spoke.items() if s > "S0"), *reopened], default=self.incident.detected_at)

    @property
    def settled(self) -> bool:
        return self.incident.state in SETTLED


Known = Mapping[str, Cause]
"""By incident id: what is known of a market's incidents before a span. No drill is among them, and those that ended long before
may be left out."""


@dataclass(frozen=True)
class Attached:
    """What becomes of findings; nothing is written."""

    signals: list[Signal]
    incidents: list[Incident]
    """Those that were opened or changed."""
    events: list[IncidentEvent]
    """Rises and falls of proposed severities."""
    known: Known
    """For the span that follows."""


def attach(known: Known, plan: Plan, market: Market, findings: Findings, seen: Sequence[Seen]) -> Attached:
    """Signals of the findings of a span, and the incidents that they open, join, raise, or leave to fall.

    findings: those that are heard (mutes.apart), in any order. seen: all windows of the span that were seen.
    A fold: any chunking of a stretch gives the same, where the next chunk is given the `known` that the one before left.
    """
    fold, windows = _Fold(plan, market, known), {s.start: s for s in seen}
    by_window: dict[datetime, list[tuple[RuleEntry, Finding]]] = {start: [] for start in windows}
    for found in sorted(findings, key=_order):
        by_window.setdefault(found[1].start, []).append(found)
    for start in sorted(by_window):
        fold.take(start, by_window[start], windows.get(start))
    touched = [c.incident for i, c in fold.causes.items() if i not in known or c.incident != known[i].incident]
    return Attached(fold.signals, touched, fold.events, fold.kept(max(by_window, default=None)))


def _order(found: tuple[RuleEntry, Finding]) -> tuple[Any, ...]:
    entry, finding = found
    return finding.start, -int(entry.severity[1:]), finding.topic == ALL, entry.name, finding.topic


def onset(finding: Finding, seen: Seen | None) -> datetime:
    """T0: when the finding's topic began, or if that was long ago, as the chronic ones did, the rise that ends in the window."""
    found = topic_of(finding, seen)
    first = moment(found["first"]) if found and found.get("first") else None
    if first and first >= finding.start - SAME_CAUSE:
        return min(first, finding.start + BASE)
    rise = seen.evidence.get("onset") if seen else None
    return moment(rise) if rise else finding.start


class _Fold:
    """Goes through the findings of a span in order of time."""

    def __init__(self, plan: Plan, market: Market, known: Known) -> None:
        self.plan, self.market, self.causes = plan, market, dict(known)
        self.signals, self.events = list[Signal](), list[IncidentEvent]()

    def take(self, start: datetime, findings: Findings, seen: Seen | None) -> None:
        """One window: its findings, then the proposals that nothing speaks for any more."""
        for entry, finding in findings:
            self._attach(entry, finding, seen)
        if seen and heard(seen) and not any(entry.rule in DEAF for entry, _ in findings):
            self._lower(start)

    def _attach(self, entry: RuleEntry, finding: Finding, seen: Seen | None) -> None:
        severity, reason = proposal(entry, finding, seen)
        cause = self._joined(severity, finding, seen)
        if cause is None and severity > "S0":
            cause = Cause(self._opened(entry, finding, severity, seen))
        self.signals.append(Signal(
            market=self.market.id, rule=entry.name, start=finding.start, topic=finding.topic, severity=severity, reason=reason,
            kpi=finding.kpi, value=finding.value, threshold=finding.threshold, as_of=finding.start + BASE + GRACE,
            incident_id=cause.incident.incident_id if cause else None,
        ))  # fmt: skip
        if cause:
            self._told(cause, entry, finding, severity, reason, _dominant(finding, seen))

    def _told(
        self, cause: Cause, entry: RuleEntry, finding: Finding, severity: Severity, reason: str, dominant: bool
    ) -> None:  # fmt: skip
        """The incident as the signal leaves it."""
        before = cause.incident
        after = with_reason(before, entry, finding, severity, reason)
        if before.topic is None and dominant:
            after = after.model_copy(update={"topic": finding.topic})
        if after.severity_proposed > before.severity_proposed:
            self.events.append(rise(before, after, finding.start, reason))
        self.causes[after.incident_id] = Cause(after, {**cause.spoke, severity: finding.start})

    def _lower(self, start: datetime) -> None:
        for incident_id, cause in self.causes.items():
            if fallen := lowered(cause.incident, cause.spoke, start):
                incident, event = fallen
                self.causes[incident_id] = Cause(incident, cause.spoke)
                self.events.append(event)

    def kept(self, at: datetime | None) -> Known:
        """What later findings may still join, and proposals that may still fall."""
        if at is None:
            return self.causes
        near = {i for i, c in self.causes.items() if at - c.last <= SAME_CAUSE or may_fall(c.incident)}
        return {i: c for i, c in self.causes.items() if i in near or c.incident.merged_into in near}

    def _opened(self, entry: RuleEntry, finding: Finding, severity: Severity, seen: Seen | None) -> Incident:
        # A rule may find several topics in one window.
        about = "" if finding.topic == ALL else f"/{finding.topic}"
        incident_id = uuid.uuid5(NAMESPACE, f"{self.market.id}/{entry.name}/{finding.start.isoformat()}{about}")
        detected = finding.start + BASE + GRACE
        return Incident(
            incident_id=str(incident_id), market=self.market.id, title=self._title(entry, finding, seen), state="detected",
            severity=severity, severity_proposed=severity, reasons=[], policy=policy_of(self.plan, self.market),
            onset_at=min(onset(finding, seen), detected), detected_at=detected, topic=None if finding.topic == ALL else finding.topic,
        )  # fmt: skip

    def _title(self, entry: RuleEntry, finding: Finding, seen: Seen | None) -> str:
        what = "cannot judge, look" if entry.rule in UNJUDGED else entry.name.replace("-", " ").replace("@", " on ")
        found = topic_of(finding, seen) or {}
        about = found.get("name") or ", ".join(map(str, found.get("terms", [])[:3]))
        return f"{self.plan.brand_of(self.market.id)}: {what}{f' ({about})' if about else ''}"[:300]

    def _joined(self, severity: Severity, finding: Finding, seen: Seen | None) -> Cause | None:
        """The incident whose cause the finding goes on with (see the module's beginning)."""
        at = finding.start
        found = [c for c in self.causes.values() if c.incident.merged_into is None and _goes_on(c, severity, at)]
        found.sort(key=lambda c: (not c.settled, c.incident.severity, c.last, c.incident.incident_id), reverse=True)
        if finding.topic == ALL:
            return next((c for c in found if _of_one_storm(c, severity, at) and self._still_it(c, seen)), None)
        begun = onset(finding, seen)
        ways: tuple[Callable[[Cause], bool], ...] = (
            lambda c: finding.topic in self._topics_of(c),
            lambda c: c.incident.topic is None and abs(at - c.last) <= TOGETHER and (not c.settled or begun <= _settled(c)),
            lambda c: c.incident.topic is not None and _part_of(c, severity, begun),
        )
        return next((c for way in ways for c in found if way(c)), None)

    def _still_it(self, cause: Cause, seen: Seen | None) -> bool:
        """Whether an hour is about what was settled; a cause without a topic: about something that had begun by then."""
        most = _most(seen)
        if not cause.settled or most is None or (most.get("authors") or 0) < SEVERAL:
            return True
        mine = self._topics_of(cause) - {None}
        return most["topic"] in mine if mine else moment(most["first"]) <= _settled(cause)

    def _topics_of(self, cause: Cause) -> set[str | None]:
        mine = cause.incident.incident_id
        return {cause.incident.topic, *(c.incident.topic for c in self.causes.values() if c.incident.merged_into == mine)}


def _goes_on(cause: Cause, severity: Severity, at: datetime) -> bool:
    """An open one, or a settled one that only smoulders on, no more severe than it was."""
    # What a person reports today is not the cause of what an import finds months ago.
    since, incident = abs(at - cause.last), cause.incident
    if not cause.settled:
        return since <= SAME_CAUSE
    return since <= SMOULDERS and severity <= incident.severity_proposed and at <= _settled(cause) + AT_MOST


def _settled(cause: Cause) -> datetime:
    incident = cause.incident
    return incident.closed_at or incident.contained_at or incident.detected_at


def _of_one_storm(cause: Cause, severity: Severity, at: datetime) -> bool:
    reported = any("report" in x for x in cause.incident.reasons)
    return reported or severity <= cause.incident.severity or at - cause.last <= SMOULDERS


def _part_of(cause: Cause, severity: Severity, begun: datetime) -> bool:
    """Whether what began then is part of a cause of another topic."""
    since = begun - cause.incident.onset_at
    return abs(since) <= TOGETHER or (since > TOGETHER and not cause.settled and severity < cause.incident.severity)


def _most(seen: Seen | None) -> dict[str, Any] | None:
    """The topic that most of the hour's negative mentions are about."""
    return max(topics_of(seen), key=lambda t: (t.get("negative") or 0, t.get("mentions") or 0), default=None)


def _dominant(finding: Finding, seen: Seen | None) -> bool:
    """Whether the finding's topic is the one that most of the hour's negative mentions are about."""
    most = _most(seen)
    return finding.topic != ALL and (most is None or most["topic"] == finding.topic)
