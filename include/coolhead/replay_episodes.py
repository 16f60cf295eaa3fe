"""Episodes: what a replay's incidents come to, kept small however long the history."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from coolhead.mutes import CALENDAR
from coolhead.rows import Incident, Severity, Signal
from coolhead.windows import BASE


@dataclass
class Part:
    """What one rule had in an episode."""

    detected: dict[Severity, datetime]
    """When it was first judged to be that severe."""
    last: datetime
    """End of the last window it fired in."""
    signals: int = 0

    @property
    def severity(self) -> Severity:
        return max(self.detected)

    def at(self, least: Severity) -> datetime | None:
        """When it first was as severe as that; None: never."""
        return min((at for s, at in self.detected.items() if s >= least), default=None)

    def add(self, signal: Signal) -> None:
        self.last, self.signals = max(self.last, signal.start + BASE), self.signals + 1
        self.detected[signal.severity] = min(self.detected.get(signal.severity, signal.as_of), signal.as_of)


@dataclass
class Episode:
    """One incident of a replay, as the rules saw it; what people reported counts only from the rules' first signal on."""

    incident_id: str
    title: str
    onset: datetime
    start: datetime
    """Of the first window in which a rule fired."""
    last: datetime
    topic: str | None = None
    parts: dict[str, Part] = field(default_factory=dict)

    def at(self, least: Severity) -> datetime | None:
        """When it first was as severe as that; None: never."""
        return min((at for p in self.parts.values() if (at := p.at(least))), default=None)

    @property
    def severity(self) -> Severity:
        return max(p.severity for p in self.parts.values())

    def add(self, signal: Signal) -> None:
        """In any order."""
        self.start, self.last = min(self.start, signal.start), max(self.last, signal.start + BASE)
        self.parts.setdefault(signal.rule, Part({}, self.last)).add(signal)


class Episodes:
    """Gathers the signals and incidents of a replay as they come."""

    def __init__(self) -> None:
        self._by_id: dict[str, Episode] = {}
        self.muted = Counter[str]()
        """Rule -> signals that a mute kept quiet."""
        self.expected = Counter[str]()
        """Rule -> signals that the plan's calendar expects: noted, and nothing more."""

    def add(self, signals: Iterable[Signal], incidents: Mapping[str, Incident]) -> None:
        """incidents: by id, at least those of the signals."""
        for s in signals:
            if s.muted_by:
                (self.expected if s.muted_by.startswith(CALENDAR) else self.muted)[s.rule] += 1
            elif s.incident_id:
                self._episode(incidents[s.incident_id], s).add(s)

    def again(self, incident_id: str, signals: Iterable[Signal], incidents: Mapping[str, Incident]) -> None:
        """An incident that people took signals from: what is left of it."""
        self._by_id.pop(incident_id, None)
        self.add(signals, incidents)

    def _episode(self, incident: Incident, signal: Signal) -> Episode:
        new = Episode(
            incident.incident_id, incident.title, incident.onset_at, signal.start, signal.start + BASE, incident.topic
        )
        return self._by_id.setdefault(incident.incident_id, new)

    def all(self) -> list[Episode]:
        """In order of time."""
        return sorted(self._by_id.values(), key=lambda e: (e.start, e.incident_id))
