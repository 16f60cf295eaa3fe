"""What happened in an incident and when, from rows alone: clocks, timeline, plan adherence, registers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from coolhead.durations import since_detected
from coolhead.incidents import broken_at
from coolhead.reports._incidents import SHORT, elapsed
from coolhead.reports._page import count, duration, quote
from coolhead.rows import Decision, Incident, IncidentEvent, Notice, Signal
from coolhead.store import Store

if TYPE_CHECKING:
    import pandas as pd

BREACHES = ("timeout-", "breach-")


@dataclass(frozen=True)
class Clock:
    """One of T0 to T6."""

    name: str
    what: str
    at: datetime | None
    since: str
    """From T1; `≥ x` where it has not happened."""
    target: timedelta | None = None
    met: bool | None = None
    """None: no target, or still in time."""


@dataclass(frozen=True)
class Entry:
    """One line of the timeline."""

    at: datetime
    kind: str
    what: str
    detail: str = ""
    hash: str = ""
    """Prefix of a decision's hash."""


@dataclass(frozen=True)
class Kept:
    """One target of the plan, and whether it was met. met None: not applicable, or not yet known."""

    what: str
    found: str
    met: bool | None


@dataclass(frozen=True)
class Records:
    """All rows of one incident that were there at `as_of`."""

    incident: Incident
    as_of: datetime
    signals: list[Signal]
    events: list[IncidentEvent]
    notices: list[Notice]
    decisions: list[Decision]
    chain: str
    chain_holds: bool

    @property
    def breaches(self) -> list[IncidentEvent]:
        return [e for e in self.events if e.kind.startswith(BREACHES)]

    def person(self, identity: str) -> str:
        """A receiver's name as the plan had it when the incident opened."""
        people = {p["id"]: str(p["name"]) for p in self.incident.policy.get("people", [])}
        return people.get(identity, identity)

    def words(self) -> dict[str, str]:
        """What people wrote when they closed the incident, the last time."""
        closing = [d.details for d in self.decisions if d.kind == "close"]
        return {k: str(v) for k, v in closing[-1].items()} if closing else {}


def records(store: Store, incident: Incident, as_of: datetime) -> Records:
    """Read them; the chain is verified over the decisions of all incidents, since it runs through them all."""
    mine = incident.incident_id
    everybodys = store.read(Decision)
    broken = broken_at(everybodys)
    if not everybodys:
        chain = "no decision is recorded"
    elif broken is None:
        last = everybodys[-1].hash[:SHORT]
        chain = f"verified: all {len(everybodys)} decisions of the register are as they were written, the last is {last}"
    else:
        chain = f"BROKEN at decision {broken} of {len(everybodys)}: it, or what stood before it, is not as it was written"
    return Records(
        incident, as_of,
        sorted((s for s in store.read(Signal, incident_id=mine) if s.as_of <= as_of), key=lambda s: (s.as_of, s.rule)),
        sorted((e for e in store.read(IncidentEvent, incident_id=mine) if e.at <= as_of), key=lambda e: (e.at, e.kind)),
        sorted((n for n in store.read(Notice, incident_id=mine) if n.intended_at <= as_of), key=_sent_order),
        [d for d in everybodys if d.incident_id == mine and d.at <= as_of], chain, broken is None,
    )  # fmt: skip


def _sent_order(n: Notice) -> tuple[Any, ...]:
    return n.intended_at, n.step, n.repetition, n.receiver, n.channel


def clocks(incident: Incident, as_of: datetime) -> list[Clock]:
    """T0 to T6 from T1, against the targets of the policy that the incident opened with."""
    minutes = incident.policy["clocks"]
    asked = incident.severity >= incident.policy["respond_from"]
    first = incident.policy["steps"][0]["wait_minutes"]
    rows: list[tuple[str, str, datetime | None, int | None]] = [
        ("T2", "acknowledged", incident.acknowledged_at, first),
        ("T3", "assessed", incident.assessed_at, minutes["assess_minutes"]),
        ("T4", "first public response", incident.responded_at, minutes["respond_minutes"] if asked else None),
        ("T5", "contained", incident.contained_at, None),
        ("T6", "recovered", incident.recovered_at, None),
    ]
    lead = incident.onset_at - incident.detected_at
    out = [
        Clock("T0", "onset", incident.onset_at, duration(lead) if lead else duration(timedelta())),
        Clock("T1", "detected", incident.detected_at, duration(timedelta())),
    ]
    return out + [_clock(incident, as_of, *row) for row in rows]


def _clock(incident: Incident, as_of: datetime, name: str, what: str, at: datetime | None, target: int | None) -> Clock:
    limit = None if target is None else timedelta(minutes=target)
    spent = since_detected(incident, at, as_of)
    met = None
    if limit is not None and (at is not None or spent > limit):
        met = spent <= limit
    return Clock(name, what, at, elapsed(incident, at, as_of), limit, met)


def timeline(r: Records, own: "pd.DataFrame") -> list[Entry]:
    """Everything in order of time. own: the brand's posts since the onset."""
    i = r.incident
    first = str(i.reasons[0]["reason"]) if i.reasons and not r.signals else ""
    out = [Entry(i.onset_at, "fact", "T0 onset"), Entry(i.detected_at, "machine", "T1 detected", first)]
    out += _signals(r)
    out += [
        Entry(e.at, *_event(e))
        for e in r.events
        if not e.kind.startswith("asked-") and e.kind not in ("contained", "recovered", "responded")
    ]
    out += [
        Entry(n.intended_at, "notice", f"Notice to {r.person(n.receiver)} by {n.channel}: {n.step}", delivery(n)) for n in r.notices
    ]  # fmt: skip
    out += [Entry(d.at, "decision", f"{d.by}: {_choice(d)}", _why(d), d.hash[:SHORT]) for d in r.decisions]
    if i.responded_at:
        said = own[own.published_at == i.responded_at]
        out.append(Entry(i.responded_at, "own", "T4 first public response", quote(str(said.text.iloc[0])) if len(said) else ""))
    for name, at, what in (("T5", i.contained_at, "contained"), ("T6", i.recovered_at, "recovered")):
        detail = next((e.detail for e in r.events if e.kind == what), "")
        out += [Entry(at, "fact", f"{name} {what}", detail)] if at else []
    return sorted(out, key=lambda e: e.at)


def _signals(r: Records) -> list[Entry]:
    """The first and the last signal of each rule."""
    by: dict[str, list[Signal]] = {}
    for s in r.signals:
        by.setdefault(s.rule, []).append(s)
    out = []
    for rule, found in by.items():
        out.append(Entry(found[0].as_of, "machine", f"Rule {rule} fires first", found[0].reason))
        if len(found) > 1:
            out.append(Entry(found[-1].as_of, "machine", f"Rule {rule} fires last", f"{count(len(found))} times in all"))
    return out


def _event(e: IncidentEvent) -> tuple[str, str, str]:
    if e.kind.startswith("timeout-"):
        return "breach", "Time-out", e.detail
    if e.kind.startswith("severity-"):
        return "machine", f"Severity {'falls' if 'severity falls' in e.detail else 'rises'}", e.detail
    return ("breach" if e.kind.startswith(BREACHES) else "fact"), e.kind.replace("-", " ").capitalize(), e.detail


def _choice(d: Decision) -> str:
    return d.kind if d.choice.casefold() in (d.kind, f"{d.kind}d", f"{d.kind}ed") else f"{d.kind} ({d.choice})"


def _why(d: Decision) -> str:
    set_by = [f"{k} {d.details[k]}" for k in ("severity", "cause", "dismissal") if d.details.get(k)]
    return "; ".join([*set_by, *([quote(d.reason, 400)] if d.reason else [])])


def delivery(n: Notice) -> str:
    """What became of a notice."""
    if n.status == "sent" and n.sent_at:
        return f"sent after {(n.sent_at - n.intended_at).total_seconds():.0f} s" + (f": {n.receipt}" if n.receipt else "")
    return f"{'NOT SENT' if n.status == 'failed' else 'not sent yet'}{f': {n.receipt}' if n.receipt else ''}"


def adherence(r: Records, theirs_and_own: "pd.DataFrame") -> list[Kept]:
    """Each target of the plan: met, missed, or not applicable."""
    i = r.incident
    out = [
        Kept(f"{c.what} within {duration(c.target)} of the detection", c.since, c.met)
        for c in clocks(i, r.as_of) if c.target is not None
    ]  # fmt: skip
    approved = [d.at for d in r.decisions if d.kind == "respond"]
    if i.responded_at:
        by_person = bool(approved) and min(approved) <= i.responded_at
        out.append(
            Kept("a person approved before the first public response", "approved" if by_person else "not approved", by_person)
        )
    minutes = int(i.policy["clocks"]["cool_off_minutes"])
    early = too_early(theirs_and_own, i.detected_at, timedelta(minutes=minutes))
    out.append(
        Kept(
            f"no individual reply sooner than {minutes} min after the mention",
            f"{early} sooner" if early else "none sooner",
            not early,
        )
    )
    sent = sum(n.status == "sent" for n in r.notices)
    out.append(Kept("every notice delivered", f"{sent} of {len(r.notices)}", sent == len(r.notices) if r.notices else None))
    out.append(Kept("the chain of decisions verifies", "yes" if r.chain_holds else "no", r.chain_holds))
    return out


def too_early(frame: "pd.DataFrame", since: datetime, cool_off: timedelta) -> int:
    """Own answers since the detection that came before their mention's cool-off was over."""
    heard = {(m.source, m.native_id): m.published_at for m in frame[~frame.own].itertuples()}
    answers = frame[frame.own & frame.parent.notna() & (frame.published_at >= since)].itertuples()
    asked = ((a.published_at, heard.get((a.source, a.parent))) for a in answers)
    return sum(published < mention + cool_off for published, mention in asked if mention is not None)


def statements(decisions: Sequence[Decision]) -> list[Decision]:
    """Decisions on a public statement, with their text in `details`."""
    return [d for d in decisions if d.kind == "respond"]
