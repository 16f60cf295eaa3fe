"""How long it took until an incident was taken, assessed, answered, contained and recovered: derived from stored moments.

What has not happened yet is right-censored, `>= x`, and never dropped: a mean over what has happened alone would praise whoever
never answers. [DEFINITIONS.md, Clocks of an incident]
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from coolhead.rows import Incident

MOMENTS = (
    ("T0", "onset", "onset_at"), ("T1", "detected", "detected_at"), ("T2", "acknowledged", "acknowledged_at"),
    ("T3", "assessed", "assessed_at"), ("T4", "first public response", "responded_at"), ("T5", "contained", "contained_at"),
    ("T6", "recovered", "recovered_at"),
)  # fmt: skip


@dataclass(frozen=True)
class Lasted:
    """From T1 to one of T0 to T6."""

    name: str
    what: str
    span: timedelta
    """Negative for T0."""
    happened: bool
    """False: at least so long."""

    def __str__(self) -> str:
        return f"{'' if self.happened else '>= '}{words(self.span)}"


def clocks(incident: Incident, as_of: datetime) -> list[Lasted]:
    """T0 to T6, as known then."""
    found = [(name, what, getattr(incident, column)) for name, what, column in MOMENTS]
    known = [(name, what, at if at is not None and at <= as_of else None) for name, what, at in found]
    return [Lasted(name, what, since_detected(incident, at, as_of), at is not None) for name, what, at in known]


def since_detected(incident: Incident, moment: datetime | None, as_of: datetime) -> timedelta:
    """Time from T1 to a moment; to `as_of` where it has not come, or to the end of the incident, where its clocks stand still."""
    return (moment or min(incident.closed_at or as_of, as_of)) - incident.detected_at


def words(span: timedelta) -> str:
    """-12 min; 2 h 05 min; 1 d 3 h"""
    minutes = round(abs(span).total_seconds() / 60)
    sign = "-" if span < timedelta() and minutes else ""
    if minutes < 60:
        return f"{sign}{minutes} min"
    if minutes < 24 * 60:
        return f"{sign}{minutes // 60} h {minutes % 60:02d} min"
    return f"{sign}{minutes // 1440} d {minutes % 1440 // 60} h"
