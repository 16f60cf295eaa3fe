"""incident, signal -> causes: what is stored of a market's incidents that a span's findings may join.

Costs what the last day holds, however long the history.
"""

from collections.abc import Iterable
from datetime import datetime

from coolhead import spoken
from coolhead.causes import SAME_CAUSE, Cause, Known
from coolhead.incidents import FIRM
from coolhead.rows import Decision, Incident
from coolhead.store import Store
from coolhead.windows import Window
from coolhead.writing import Writer

RAISED = ("S2", "S3", "S4")
"""Proposals that may fall, however long ago a signal last spoke."""


def known(store: Store, market: str, span: Window, writer: Writer | None = None) -> Known:
    """writer: a transaction that holds the lock on incidents, so that no person's answer to one of them is lost."""
    near = Window(span.start - SAME_CAUSE, span.end + SAME_CAUSE)
    spoke = {row.incident_id for row in store.asked(spoken.incidents_within(market, near))}
    reader, mine = writer or store, {"market": market, "drill": False}
    spoke |= {d.incident_id for d in reader.read(Decision, kind="reopen", at=near)}
    found = {
        i.incident_id: i
        for some in (
            reader.read(Incident, incident_id=spoke, **mine),
            reader.read(Incident, detected_at=near, **mine),
            reader.read(Incident, state=FIRM, severity_proposed=RAISED, **mine),
        )
        for i in some
    }
    found |= {i.incident_id: i for i in reader.read(Incident, merged_into=set(found), **mine)}
    return causes(found.values(), store.asked(spoken.last(found)))


def causes(incidents: Iterable[Incident], spoke: Iterable[tuple[str, str, datetime]]) -> Known:
    """spoke: (incident, severity, start) of signals, of each the last one or all in order of time."""
    out = {i.incident_id: Cause(i, {}) for i in incidents}
    for incident_id, severity, start in spoke:
        if cause := out.get(incident_id):
            out[incident_id] = Cause(cause.incident, {**cause.spoke, severity: start})
    return out
