"""What the sources saw: a verdict per source and window from the collection log, by errors and missing polls.

`ok`: covered by successful polls, and something came. `quiet`: covered, and nothing came. `pending`: not covered
yet, and its poll may still come. `blind`: not covered, and its time has passed. `partial`: covered in part, or
some sources blind and others not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from coolhead import registry
from coolhead.rows import CollectionLog, Verdict
from coolhead.windows import Window, merged, minus

PATIENCE = 2
"""A poll may come this many polling intervals late before its window counts as blind."""


@dataclass(frozen=True)
class Outage:
    """A stretch in which one source saw nothing."""

    source: str
    window: Window
    reason: str


class SourceSight:
    """What one source covered in one market, as known at one time."""

    def __init__(self, source: str, logs: Sequence[CollectionLog], as_of: datetime) -> None:
        self.source, self.as_of = source, as_of
        known = [log for log in logs if log.assumed or log.known_at <= as_of]
        self.covered = merged([(log.start, log.end) for log in known if log.ok])
        self.failed = [log for log in known if not log.ok]
        self.active_from = min((log.start for log in known), default=None)
        self.due = _due(source)

    def verdict(self, window: Window, rows: int) -> Verdict | None:
        """None: the source did not listen yet. `rows`: its mentions in the window."""
        if self.active_from is None or window.end <= self.active_from:
            return None
        unseen = minus(Window(max(window.start, self.active_from), window.end), self.covered)
        if not unseen:
            return "ok" if rows else "quiet"
        if self.as_of < window.end + self.due and not self._failed_over(unseen[0]):
            return "pending"
        whole = sum((w.end - w.start for w in unseen), timedelta()) >= window.end - max(window.start, self.active_from)
        return "blind" if whole and not rows else "partial"

    def _failed_over(self, window: Window) -> bool:
        return any(log.start < window.end and log.end > window.start for log in self.failed)

    def outages(self, window: Window) -> list[Outage]:
        """Stretches of the window that are blind by now."""
        if self.active_from is None:
            return []
        out = []
        for span in minus(Window(max(window.start, min(self.active_from, window.end)), window.end), self.covered):
            failed = next((log for log in self.failed if log.start < span.end and log.end > span.start), None)
            if failed is None and self.as_of < span.end + self.due:
                continue
            out.append(Outage(self.source, span, (failed.error or "the poll failed") if failed else "no poll covered it"))
        return out


def _due(source: str) -> timedelta:
    """How long after a window's end its poll may still come; at once for a source that is gone from the code."""
    if source not in registry.names("sources"):
        return timedelta()
    kind = registry.load("sources", source)
    due: timedelta = kind.lag + PATIENCE * kind.poll
    return due


def together(verdicts: Iterable[Verdict | None]) -> Verdict:
    """The market's verdict from its sources'."""
    found = {v for v in verdicts if v is not None}
    if not found:
        return "blind"
    if "blind" in found or "partial" in found:
        return "blind" if found == {"blind"} else "partial"
    if "pending" in found:
        return "pending"
    return "ok" if "ok" in found else "quiet"
