"""What a poll has to ask for: the newest stretch and the gaps that earlier polls left, in slices, from the log alone.

A slice is an hour at most, its rows and its log row are one transaction: whatever ends a poll, what it finished before
stays. A slice that was cut off while it brought something (a flood, or a network's limit of pages) is halved the next
time, down to five minutes; one that cannot be finished even then is tried after all others, so that it holds up nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from coolhead.rows import CollectionLog
from coolhead.store import Store
from coolhead.windows import BASE, Window, merged, minus

REFILL = timedelta(hours=24)
"""How far back a poll reaches by itself to cover what earlier polls missed."""
SLICE = timedelta(hours=1)
STUBBORN = 2
"""Attempts after which a slice that cannot be cut smaller is tried last."""


@dataclass(frozen=True)
class Backlog:
    """What is to be asked of one source in one market, in that order; never empty."""

    slices: tuple[Window, ...]
    behind: datetime
    """From here on something is missing."""


def backlog(store: Store, kind: Any, market: str, until: datetime, first: datetime) -> Backlog:
    """first: where a market begins that was never polled. Reads two days of the log, or four polls where those are rarer."""
    back = max(REFILL, 2 * kind.poll)
    near, ending = Window(until - 2 * back, until), Window(until - back, until + back)
    logs = store.read(CollectionLog, source=kind.name, market=market, start=near, end=ending)
    oldest = until - min(back, kind.reach or back)
    begin = min((l.start for l in logs), default=None) or (oldest if _was_polled(store, kind, market) else first)
    gaps = minus(Window(min(max(begin, oldest), until), until), merged([(l.start, l.end) for l in logs if l.ok]))
    if not gaps:  # all is covered, so it is asked for what is there now
        return Backlog((Window(until, until),), until)
    if kind.exports or not kind.windowed:
        return Backlog((Window(gaps[0].start, until),), gaps[0].start)
    failed = [l for l in logs if not l.ok and l.payloads]
    slices = [s for gap in gaps for s in _sliced(gap, failed)]
    last = {s for s in slices if _stubborn(s, failed)}
    return Backlog((*(s for s in slices if s not in last), *(s for s in slices if s in last)), gaps[0].start)


def _was_polled(store: Store, kind: Any, market: str) -> bool:
    """Ever: it is we who were away for longer than a day."""
    return store.quantity(CollectionLog, "start", source=kind.name, market=market)[0] is not None


def _sliced(gap: Window, failed: Sequence[CollectionLog]) -> list[Window]:
    out, at = [], gap.start
    while at < gap.end:
        tried = [l.end - l.start for l in failed if l.start == at]
        size = max(BASE, min(tried) / 2) if tried else SLICE
        out.append(Window(at, min(at + size, gap.end)))
        at = out[-1].end
    return out


def _stubborn(s: Window, failed: Sequence[CollectionLog]) -> bool:
    return any((l.start, l.end) == (s.start, s.end) and l.end - l.start <= BASE and l.attempts >= STUBBORN for l in failed)
