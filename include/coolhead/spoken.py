"""When signals spoke for incidents, and what the rules saw beside: queries that cost what they answer."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from coolhead.rows import SEVERITY_NAMES, Incident, Seen, Signal
from coolhead.tables import TABLES
from coolhead.windows import Window

LOOK_BACK = timedelta(days=59)
"""The 57 local days that baselines know at most; one more for the change of clocks and the hours that an incident lasts beyond
its last signal, and one because those that ask may ask by the local day."""
INCIDENT, SEEN, SIGNAL = TABLES[Incident], TABLES[Seen], TABLES[Signal]


def incidents_within(market: str, span: Window) -> sa.Select[Any]:
    """Ids of a market's incidents for which a signal spoke in the span."""
    inside = (SIGNAL.c.start >= span.start, SIGNAL.c.start < span.end, SIGNAL.c.incident_id.is_not(None))
    return sa.select(SIGNAL.c.incident_id).where(SIGNAL.c.market == market, *inside).distinct()


def last(incidents: Iterable[str]) -> sa.Select[Any]:
    """(incident, severity, start of the last signal that proposed it)."""
    chosen = sa.select(SIGNAL.c.incident_id, SIGNAL.c.severity, sa.func.max(SIGNAL.c.start))
    of = chosen.where(SIGNAL.c.incident_id.in_(list(incidents)))
    return of.group_by(SIGNAL.c.incident_id, SIGNAL.c.severity).order_by(SIGNAL.c.incident_id, SIGNAL.c.severity)


def stretches(market: str, before: datetime) -> sa.Select[Any]:
    """(onset, detection, containment, start of the last signal of each severity) of a market's incidents, no drills, as known before
    a moment: five looks into an index for each, however long it lasted. Those that were over before what baselines look back on
    are left out, so that it costs no more after years."""
    since = before - LOOK_BACK
    lasted = incidents_within(market, Window(since, before))
    moments = (INCIDENT.c.onset_at, INCIDENT.c.detected_at, INCIDENT.c.contained_at)
    mine = sa.and_(SIGNAL.c.incident_id == INCIDENT.c.incident_id, SIGNAL.c.start < before)
    spoke = [
        sa.select(sa.func.max(SIGNAL.c.start)).where(mine, SIGNAL.c.severity == s).scalar_subquery() for s in SEVERITY_NAMES
    ]
    return (
        sa.select(*moments, *spoke)
        .where(INCIDENT.c.market == market, INCIDENT.c.drill.is_(False), INCIDENT.c.detected_at < before)
        .where(sa.or_(INCIDENT.c.detected_at >= since, INCIDENT.c.contained_at >= since, INCIDENT.c.incident_id.in_(lasted)))
        .order_by(INCIDENT.c.detected_at, INCIDENT.c.incident_id)
    )


def evidence(market: str, span: Window) -> sa.Select[Any]:
    """(start, evidence) of the windows of a span that were seen, in order, without their numbers."""
    inside = (SEEN.c.start >= span.start, SEEN.c.start < span.end)
    return sa.select(SEEN.c.start, SEEN.c.evidence).where(SEEN.c.market == market, *inside).order_by(SEEN.c.start)
