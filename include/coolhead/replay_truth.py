"""What a replay is held against: what people said was a crisis, and what they said was none."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from coolhead.plan import Market
from coolhead.rows import Incident, Severity, Signal
from coolhead.store import Store
from coolhead.windows import BASE, Window, local_day

BEFORE_A_REPORT = timedelta(hours=24)
"""What people report has begun before: rules that fired this long before the report found the same."""


@dataclass(frozen=True)
class Truth:
    """A stretch of the past of which people know what it was."""

    window: Window
    """From its onset on."""
    crisis: bool
    what: str
    onset: datetime
    precise: bool = True
    """False: only the local day of its onset is known."""
    detected: datetime | None = None
    """When it was first as severe as what counts as an episode, as recorded; None: it never was."""
    incident_id: str | None = None
    reported: bool = False
    """By a person, and it had begun before."""

    def meets(self, start: datetime, end: datetime) -> bool:
        """Whether something that lasted from start to end lay in it."""
        return start < self.window.end and end > self.window.start

    def announced(self, start: datetime, end: datetime) -> bool:
        """Whether that may have been the beginning of what a person then reported."""
        return self.reported and start < self.window.end and end > self.window.start - BEFORE_A_REPORT


def truths(store: Store, market: Market, span: Window, least: Severity) -> list[Truth]:
    """Confirmed and dismissed incidents and the plan's known episodes that meet the span, in order of time.

    least: severity from which on a replay counts an episode: as recorded means at that severity too.

    Confirmed: a person assessed it, or reported it, and did not dismiss it. What nobody ever judged is no truth. Of a known
    episode that holds an incident of the same judgement the incident stays: its times are known to the minute.
    """
    incidents = [i for i in store.read(Incident, market=market.id, drill=False) if i.merged_into is None]
    found = [t for i in incidents if (t := _of_incident(store, i, least)) and t.meets(span.start, span.end)]
    for e in market.known_episodes:
        window = Window(local_day(e.start, market.time_zone).start, local_day(e.end, market.time_zone).end)
        same = any(t.crisis == e.crisis and t.meets(window.start, window.end) for t in found if t.precise)
        if not same and window.start < span.end and window.end > span.start:
            found.append(Truth(window, e.crisis, e.note or "known episode", window.start, precise=False))
    return sorted(found, key=lambda t: (t.window, t.what))


def _of_incident(store: Store, incident: Incident, least: Severity) -> Truth | None:
    reported = bool(incident.reasons) and "report" in incident.reasons[0]
    if incident.state != "dismissed" and incident.assessed_at is None and not reported:
        return None
    last = store.first(Signal, "start", last=True, incident_id=incident.incident_id)
    # A rule's incident ends with its signals: how long people took to close it says nothing of how long it lasted.
    end = max(incident.detected_at, last.start + BASE if last else incident.contained_at or incident.detected_at)
    return Truth(
        Window(min(incident.onset_at, end), end), incident.state != "dismissed", incident.title, incident.onset_at, True,
        _recorded(store, incident, least), incident.incident_id, reported,
    )  # fmt: skip


def _recorded(store: Store, incident: Incident, least: Severity) -> datetime | None:
    """When rules, or the person who reported it, first said that it is so severe: not when a lesser one opened it."""
    severe = [s for s in get_args(Severity) if s >= least]
    first = store.first(Signal, "as_of", incident_id=incident.incident_id, severity=severe)
    found = [first.as_of] if first else []
    said = incident.reasons[0] if incident.reasons else {}
    if "report" in said and said["severity"] >= least:
        found.append(incident.detected_at)
    return min(found, default=None)
