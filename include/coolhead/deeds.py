"""What people did about incidents, and what time brought them, at the moment it counted: for a replay to do it again.

A deed of an incident that the replayed rules opened as well is done to that one. Where other rules opened another, it is done to
the one that was open of the same cause at that time; what nobody would have seen, nobody would have decided upon.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate

from coolhead.causes import Cause, Known
from coolhead.errors import ConfigError
from coolhead.incidents import TRANSITIONS, moved
from coolhead.merging import Part, merged, parted
from coolhead.plan import Market
from coolhead.rows import Decision, Incident, IncidentEvent, Seen, Signal, State
from coolhead.store import Store
from coolhead.windows import BASE, GRACE, floor, moment

FACTS: Mapping[str, tuple[str, State | None]] = {
    "responded": ("responded_at", None), "contained": ("contained_at", "contained"), "recovered": ("recovered_at", "recovered"),
}  # fmt: skip
"""kind of event -> (clock that it stops, state that it leads to); noted when a window is judged (recovery.py)."""


@dataclass(frozen=True)
class Deed:
    """One of: a report that opened an incident, a decision, a fact."""

    at: datetime
    counts_from: datetime
    """Start of the first window that is judged with it known, where each is judged as soon as it can be."""
    incident: Incident
    """As it is recorded now."""
    what: Decision | IncidentEvent | None
    """None: a person reported it."""

    @property
    def number(self) -> int:
        """In the register: of two decisions at one moment the first comes first."""
        return self.what.seq if isinstance(self.what, Decision) else 0

    def before(self, starts: Sequence[datetime], judged: Sequence[datetime]) -> int:
        """Position of the first window that was judged with it known; their number, where none was.

        starts, judged: of windows that were seen, in order, and when each was judged: minutes after its end, or hours, after an
        outage. A fact was noted after all that was judged together with the window that it ends.
        """
        if not isinstance(self.what, IncidentEvent):
            return bisect_left(judged, self.at)
        after = bisect_left(starts, self.counts_from)
        return max(after, bisect_right(judged, judged[after - 1])) if after else 0


def deeds_of(store: Store, market: Market) -> list[Deed]:
    """Of a market's incidents, drills left out, in order of time."""
    out = []
    for incident in store.read(Incident, market=market.id, drill=False):
        if incident.reasons and "report" in incident.reasons[0]:
            out.append(Deed(incident.detected_at, _known_from(incident.detected_at), incident, None))
        for d in store.read(Decision, incident_id=incident.incident_id):
            if d.kind in (*TRANSITIONS, "merge", "split"):
                out.append(Deed(d.at, _known_from(d.at), incident, d))
        for e in store.read(IncidentEvent, incident_id=incident.incident_id):
            if e.kind in FACTS:  # noted after the windows before it were judged
                out.append(Deed(e.at, _ceil(e.at), incident, e))
    return sorted(out, key=lambda d: (d.at, d.number))


def parts(rows: Sequence[Seen], deeds: list[Deed], end: datetime) -> Iterator[tuple[Sequence[Seen], list[Deed]]]:
    """Windows cut where people did something: (some of them, what was done before them); what was done after the last one, and
    counts before `end`, comes with none. Takes the deeds from the list."""
    starts, judged = [r.start for r in rows], list(accumulate((r.judged_at or r.as_of for r in rows), max))
    placed: dict[int, list[Deed]] = {0: []}
    for deed in list(deeds):
        if (at := deed.before(starts, judged)) < len(rows) or deed.counts_from < end:
            placed.setdefault(at, []).append(deed)
            deeds.remove(deed)
    cuts = sorted(placed)
    for at, after in zip(cuts, [*cuts[1:], len(rows)], strict=True):
        yield rows[at:after], placed[at]


def _known_from(at: datetime) -> datetime:
    return _ceil(at - BASE - GRACE)


def _ceil(at: datetime) -> datetime:
    down = floor(at)
    return down if down == at else down + BASE


@dataclass(frozen=True)
class Done:
    """What a deed changed."""

    causes: Sequence[Cause] = ()
    moved: Sequence[Signal] = ()
    """Signals that belong to another incident now, with its id ..."""
    left: str = ""
    """... and the one that they left."""


NOTHING = Done()


def apply(known: Known, past: Mapping[str, Incident], spoken: Mapping[str, Sequence[Signal]], deed: Deed) -> Done:
    """Do a deed again. What concerns nothing that the rules opened, or was not possible in the state they brought it to, is nothing.

    known: what may still be joined; past: every incident so far; spoken: the signals of what may still be joined.
    """
    if deed.what is None:
        return Done([Cause(_as_reported(deed.incident))])
    mine = deed.incident.incident_id
    cause = known.get(mine) or (Cause(past[mine]) if mine in past else _counterpart(known, deed))
    if cause is None:
        return NOTHING
    try:
        if deed.what.kind == "merge" and isinstance(deed.what, Decision):
            return _merged(cause, known, spoken, deed.what)
        if deed.what.kind == "split" and isinstance(deed.what, Decision):
            return _split(cause, spoken, deed.what)
        return Done([replace(cause, incident=_after(cause.incident, deed.what))])
    except ConfigError:
        return NOTHING


def _merged(gone: Cause, known: Known, spoken: Mapping[str, Sequence[Signal]], what: Decision) -> Done:
    kept = known.get(str(what.details["into"]))
    if kept is None or kept.incident.incident_id == gone.incident.incident_id:
        return NOTHING
    mine, into = gone.incident.incident_id, kept.incident.incident_id
    before = [
        replace(c, incident=c.incident.model_copy(update={"merged_into": into}))
        for c in known.values()
        if c.incident.merged_into == mine
    ]
    return Done([*merged(gone, kept, what.at), *before], _of(into, spoken.get(mine, ())), mine)


def _split(cause: Cause, spoken: Mapping[str, Sequence[Signal]], what: Decision) -> Done:
    given = what.details
    since = moment(given["since"]) if given.get("since") else None
    part = Part(given.get("rule"), given.get("topic"), since, given.get("called"))
    signals = spoken.get(cause.incident.incident_id, ())
    left, new = parted(cause.incident, signals, part, what.at)
    theirs = _of(new.incident.incident_id, (s for s in signals if part.has(s)))
    return Done([left, new], theirs, cause.incident.incident_id)


def _of(incident_id: str, signals: Iterable[Signal]) -> list[Signal]:
    return [s.model_copy(update={"incident_id": incident_id}) for s in signals]


def _after(incident: Incident, what: Decision | IncidentEvent) -> Incident:
    if isinstance(what, Decision):
        return moved(incident, what.kind, what.at, what.details)
    name, state = FACTS[what.kind]
    return incident.model_copy(update={name: what.at, **({"state": state} if state else {})})


def _counterpart(known: Known, deed: Deed) -> Cause | None:
    """Of those that began before the deed and still spoke when the recorded one began: the one that began nearest to it."""
    recorded = deed.incident
    near = [
        c
        for c in known.values()
        if c.incident.detected_at <= deed.at and c.last >= recorded.onset_at and c.incident.merged_into is None
    ]
    return min(near, key=lambda c: abs(c.incident.detected_at - recorded.detected_at), default=None)


def _as_reported(incident: Incident) -> Incident:
    """As it was when it was reported: what came after is done again, or not."""
    first = incident.reasons[0]
    clean = {n: None for n in Incident.model_fields if n.endswith("_at") and n not in ("onset_at", "detected_at")}
    return incident.model_copy(update={
        **clean, "state": "detected", "severity": first["severity"], "severity_proposed": first["severity"], "reasons": [first],
        "cause": None, "commander": None, "merged_into": None,
    })  # fmt: skip
