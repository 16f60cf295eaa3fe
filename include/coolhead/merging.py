"""incident -> incident: a person says that two are of one cause, or that one is of two.

Signals move to where they belong, and the decision says so in the register: what was told before stays told.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from coolhead.causes import Cause
from coolhead.errors import ConfigError
from coolhead.incidents import ENDED, NAMESPACE, REOPENED, append, name_of
from coolhead.rows import ALL, Decision, Incident, IncidentEvent, Signal
from coolhead.severities import LEAST
from coolhead.store import Store
from coolhead.topic_names import names
from coolhead.windows import BASE
from coolhead.writing import Writer

EARLIEST = ("onset_at", "detected_at", "acknowledged_at", "assessed_at", "responded_at")
"""Clocks of which the surviving incident keeps the earlier one: the cause was seen, taken and answered then."""


@dataclass(frozen=True)
class Part:
    """Which signals of an incident are of another cause: those for which all that is given holds."""

    rule: str | None = None
    topic: str | None = None
    since: datetime | None = None
    called: str | None = None
    """What people call the topic."""

    def has(self, signal: Signal) -> bool:
        return (
            self.rule in (None, signal.rule)
            and self.topic in (None, signal.topic)
            and (self.since is None or signal.start + BASE > self.since)
        )

    def __str__(self) -> str:
        return self._said(self.called or self.topic)

    @property
    def key(self) -> str:
        """The same whatever the topic is called."""
        return self._said(self.topic)

    def _said(self, topic: str | None) -> str:
        said = {"rule": self.rule, "topic": topic, "since": self.since and f"{self.since:%Y-%m-%d %H:%M} UTC"}
        return ", ".join(f"{k} {v}" for k, v in said.items() if v)


def merged(gone: Cause, kept: Cause, at: datetime) -> tuple[Cause, Cause]:
    """The two after one was merged into the other: nothing is asked about the first any more. Pure."""
    a, b = gone.incident, kept.incident
    earlier = {n: min((t for t in (getattr(a, n), getattr(b, n)) if t), default=None) for n in EARLIEST}
    known = {(x["rule"], x["severity"]) for x in b.reasons}
    reasons = sorted(
        [*b.reasons, *(x for x in a.reasons if (x["rule"], x["severity"]) not in known)], key=lambda x: str(x["at"])
    )
    severity = b.severity if b.assessed_at else max(a.severity, b.severity)
    into = b.model_copy(update={
        **earlier, "severity": severity, "severity_proposed": max(a.severity_proposed, b.severity_proposed), "reasons": reasons,
        "topic": b.topic or a.topic, "cause": b.cause or a.cause, "commander": b.commander or a.commander,
    })  # fmt: skip
    closed = a.model_copy(update={"state": "closed", "closed_at": at, "merged_into": b.incident_id})
    spoke = {s: max(t for c in (gone, kept) if (t := c.spoke.get(s))) for s in {*gone.spoke, *kept.spoke}}
    return Cause(closed), Cause(into, spoke)


def parted(
    incident: Incident, signals: Sequence[Signal], part: Part, at: datetime, called: Callable[[str], str] = str
) -> tuple[Cause, Cause]:
    """The incident without a part of its signals, and that part as an incident of its own, which is asked about anew. Pure.

    called: topic -> what a mistake calls it. Raises ConfigError where the part is nothing, or nothing would be left.
    """
    theirs, rest = [s for s in signals if part.has(s)], [s for s in signals if not part.has(s)]
    said = [x for x in incident.reasons if "report" in x]
    # That it is not over says nothing of what it would be without signals.
    reported = [x for x in said if x["rule"] != REOPENED]
    if not theirs or not (rest or reported):
        raise ConfigError(
            f"incident {incident.incident_id[:8]}: {part} holds {len(theirs)} of its {len(signals)} signals; a split needs some and not all; "
            f"it has the rules {_all(s.rule for s in signals)} and the topics {_all(called(s.topic) for s in signals)}"
        )
    left = {
        "topic": incident.topic if incident.topic in {s.topic for s in rest} else None,
        **_proposed(incident, rest, said),
    }
    return _cause(incident.model_copy(update=left), rest), _cause(_new(incident, theirs, part, at), theirs)


def _new(incident: Incident, signals: Sequence[Signal], part: Part, at: datetime) -> Incident:
    about = {s.topic for s in signals if s.topic != ALL}
    return incident.model_copy(update={
        **{n: None for n in Incident.model_fields if n.endswith("_at")}, "onset_at": min(s.start for s in signals),
        "detected_at": min(s.as_of for s in signals), "state": "detected", "severity": max(s.severity for s in signals), "cause": None,
        "incident_id": str(uuid.uuid5(NAMESPACE, f"{incident.incident_id}/split/{part.key}/{at.isoformat()}")), "commander": None,
        "topic": about.pop() if len(about) == 1 else None, "title": f"{incident.title} [split: {part}]"[:300],
        "split_from": incident.incident_id, "link": None, **_proposed(incident, signals, []),
    })  # fmt: skip


def _proposed(incident: Incident, signals: Sequence[Signal], reports: list[Any]) -> dict[str, Any]:
    """Reasons and proposal that these signals give, and what people reported."""
    rules = {(s.rule, s.severity) for s in signals}
    reasons = [*reports, *(x for x in incident.reasons if (x["rule"], x["severity"]) in rules)]
    return {
        "reasons": reasons,
        "severity_proposed": max([LEAST, *(x["severity"] for x in reports), *(s.severity for s in signals)]),
    }


def _cause(incident: Incident, signals: Sequence[Signal]) -> Cause:
    return Cause(incident, {s.severity: s.start for s in sorted(signals, key=lambda s: s.start)})


def _all(names: Any) -> str:
    return ", ".join(sorted(set(names)))


def merge(store: Store, gone: str, kept: str, by: str, at: datetime, reason: str) -> Decision:
    """Record that an incident is of the same cause as another, and let its signals and clocks go to that one.

    Raises ConfigError where one of them is not there, ended, a drill, or of another market.
    """
    _said(by, reason)
    with store.writing() as writer:
        writer.lock(Incident)
        a, b = (_open(writer, i) for i in (gone, kept))
        if gone == kept or (a.market, a.drill) != (b.market, b.drill):
            raise ConfigError(
                f"{gone[:8]} and {kept[:8]}: two different incidents of one market are merged, no drill with a real one"
            )
        closed, into = (c.incident for c in merged(Cause(a), Cause(b), at))
        shown = f"{a.title} ({name_of(a.severity)}) into {b.title} ({name_of(b.severity)})"
        decision = append(
            writer,
            a,
            f"merge/{kept}/{at.isoformat()}",
            "merge",
            "merge",
            by,
            at,
            reason,
            {"into": kept, "was": _clocks(b)},
            shown,
        )
        signals = [s.model_copy(update={"incident_id": kept}) for s in writer.read(Signal, incident_id=gone)]
        before = [i.model_copy(update={"merged_into": kept}) for i in writer.read(Incident, merged_into=gone)]
        writer.upsert([closed, into, *before, *signals, _took_in(into, a, b, by, at)])
    return decision


def _clocks(incident: Incident) -> dict[str, str | None]:
    """Its clocks as they were, for a report on that time."""
    return {n: at.isoformat() if (at := getattr(incident, n)) else None for n in EARLIEST}


def _took_in(into: Incident, a: Incident, b: Incident, by: str, at: datetime) -> IncidentEvent:
    earlier = [
        f"{n.removesuffix('_at')} {getattr(into, n):%Y-%m-%d %H:%M}" for n in EARLIEST if getattr(into, n) != getattr(b, n)
    ]
    kept = f"; earlier, and kept from it: {', '.join(earlier)} UTC" if earlier else ""
    return IncidentEvent(
        incident_id=into.incident_id, at=at, kind=f"merged-{a.incident_id[:8]}",
        detail=f"{by} found incident {a.incident_id[:8]} ({a.title}) to be of the same cause{kept}",
    )  # fmt: skip


def split(store: Store, incident_id: str, part: Part, by: str, at: datetime, reason: str) -> Incident:
    """Record that some signals of an incident are of another cause, and open an incident of them. Raises ConfigError."""
    _said(by, reason)
    with store.writing() as writer:
        writer.lock(Incident)
        before = _open(writer, incident_id)
        signals = writer.read(Signal, incident_id=incident_id)
        called = names(writer, before.market, {s.topic for s in signals}).called
        old, new = (c.incident for c in parted(before, signals, part, at, called))
        details = {
            "rule": part.rule,
            "topic": part.topic,
            "called": part.called,
            "since": part.since and part.since.isoformat(),
            "into": new.incident_id,
        }
        append(writer, before, f"split/{new.incident_id}", "split", "split", by, at, reason, details, f"{before.title}: {part}")
        theirs = [s.model_copy(update={"incident_id": new.incident_id}) for s in signals if part.has(s)]
        said = f"{by} split {len(theirs)} of {len(signals)} signals off incident {incident_id[:8]} ({part}): {reason}"
        event = IncidentEvent(incident_id=new.incident_id, at=at, kind=f"split-{incident_id[:8]}", detail=said)
        writer.upsert([old, new, *theirs, event])
    return new


def _said(by: str, reason: str) -> None:
    if not by.strip() or not reason.strip():
        raise ConfigError("by, reason: say who decides it, and why")


def _open(writer: Writer, incident_id: str) -> Incident:
    found = writer.read(Incident, incident_id=incident_id)
    if not found:
        raise ConfigError(f"there is no incident {incident_id}")
    if found[0].merged_into:
        raise ConfigError(f"incident {incident_id[:8]} was merged into {found[0].merged_into[:8]}; take that one")
    if found[0].state in ENDED:
        raise ConfigError(f"incident {incident_id[:8]} is {found[0].state}; reopen it first")
    return found[0]
