"""What the sources saw: a verdict per source and window, from the collection log and the sentinel's judgement.

`ok`: covered by successful polls, and something came. `quiet`: covered, and nothing came, and what comes late has had
its time (the source's lag). `pending`: its poll, or what comes late, may still come. `blind`: not covered, and its time
has passed; or covered by polls that brought nothing where the sentinel does not believe it (sentinel.py). `partial`:
covered in part, or some sources blind and others not. Before a source began to listen, and after it was retired, there
is no verdict at all. A folder of exports hears nothing by itself: it has a say only with what it brought, or alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from coolhead import registry
from coolhead.plan import Market
from coolhead.rows import ALL, CollectionLog, Silence, Verdict
from coolhead.sources import Source, SourceSettings
from coolhead.store import Store
from coolhead.windows import Window, floor, local_day, merged, minus

PATIENCE = 2
"""A poll may come this many polling intervals late before its window counts as blind."""


@dataclass(frozen=True)
class Stretch:
    """A blind stretch: one source saw nothing in it."""

    source: str
    window: Window
    reason: str


@dataclass(frozen=True)
class Term:
    """From when until when a source is listened to; None: never yet, and without an end."""

    begun: datetime | None = None
    ended: datetime | None = None


class SourceSight:
    """What one source covered in one market, as known at one time."""

    def __init__(
        self, source: str, logs: Sequence[CollectionLog], as_of: datetime, silences: Sequence[Silence] = (), term: Term | None = None
    ) -> None:  # fmt: skip
        """term: None where the logs hold its first poll and it is listened to still."""
        self.source, self.as_of = source, as_of
        known = [log for log in logs if log.assumed or log.known_at <= as_of]
        polled = [log for log in known if log.ok]
        self.polled = merged([(log.start, log.end) for log in polled])
        self.silent = [(w, s.reason) for s in silences if s.known_at <= as_of for w in _unbelieved(s, polled, as_of)]
        deaf = merged([(w.start, w.end) for w, _ in self.silent])
        self.covered = [part for w in self.polled for part in minus(w, deaf)]
        self.failed = [log for log in known if not log.ok]
        self.term = term or Term(min((log.start for log in known), default=None))
        kind = _kind(source)
        self.lag: timedelta = kind.lag if kind else timedelta()
        self.poll: timedelta = kind.poll if kind else timedelta()
        self.exports: bool = kind is not None and kind.exports
        self.due = due(source)

    def listened(self, window: Window) -> Window | None:
        """The part of the window in which it listened."""
        if self.term.begun is None:
            return None
        start = max(window.start, self.term.begun)
        end = min(window.end, self.term.ended) if self.term.ended else window.end
        return Window(start, end) if start < end else None

    def verdict(self, window: Window, rows: int) -> Verdict | None:
        """None: the source did not listen then. `rows`: its mentions in the window."""
        if (mine := self.listened(window)) is None:
            return None
        unseen = minus(mine, self.covered)
        if not unseen:
            return "ok" if rows else "quiet" if self.as_of >= mine.end + self.lag else "pending"
        if self.as_of < mine.end + self.due and not self._lost(unseen[0]):
            return "pending"
        whole = sum((w.end - w.start for w in unseen), timedelta()) >= mine.end - mine.start
        return "blind" if whole and not rows else "partial"

    def _lost(self, window: Window) -> bool:
        """For sure: waiting for its poll mends nothing."""
        lost = [*((log.start, log.end) for log in self.failed), *((w.start, w.end) for w, _ in self.silent)]
        return any(start < window.end and end > window.start for start, end in lost)

    def blind(self, window: Window) -> list[Stretch]:
        """Stretches of the window that are blind by now."""
        if (mine := self.listened(window)) is None:
            return []
        out = [Stretch(self.source, part, reason) for w, reason in self.silent for part in _common(mine, [w])]
        for span in minus(mine, self.polled):
            failed = [log for log in self.failed if log.start < span.end and log.end > span.start]
            # What comes after may still be polled: no failure, and its time has not passed.
            end = min(span.end, max([floor(self.as_of - self.due), *(log.end for log in failed)]))
            if span.start < end:
                reason = (failed[0].error or "the poll failed") if failed else "no poll covered it"
                out.append(Stretch(self.source, Window(span.start, end), reason))
        return sorted(out, key=lambda o: o.window)


def _unbelieved(silence: Silence, polled: Sequence[CollectionLog], as_of: datetime) -> list[Window]:
    """What of a silence is blind: not what a later poll of the same stretch brought something from."""
    over = silence.over_at is not None and silence.over_at <= as_of
    end = silence.end if over and silence.end else max(as_of, silence.start)
    later = [
        (log.start, log.end) for log in polled
        if over and silence.over_at and log.known_at > silence.over_at and log.newest and silence.start < log.newest < end
    ]  # fmt: skip
    left = minus(Window(silence.start, end), merged(later))
    return [part for w in left for part in _common(w, merged([(log.start, log.end) for log in polled]))]


def _common(window: Window, spans: list[Window]) -> list[Window]:
    return [part for part in minus(window, minus(window, spans)) if part.start < part.end]


def _kind(source: str) -> type[Source] | None:
    """None: gone from the code."""
    return registry.load("sources", source) if source in registry.names("sources") else None


def due(source: str) -> timedelta:
    """How long after a window's end its poll may still come; at once for a source that is gone from the code."""
    kind = _kind(source)
    return kind.lag + PATIENCE * kind.poll if kind else timedelta()


def term_in_plan(market: Market, source: str) -> Term:
    """What the plan says: `active_from` and `retired_on` are days of the market."""
    chosen = market.sources.get(source, {})
    # Only what all sources share: another setting that an upgrade no longer takes is no reason to judge nothing.
    given = SourceSettings.model_validate({name: chosen[name] for name in SourceSettings.model_fields if name in chosen})
    return Term(*(local_day(d, market.time_zone).start if d else None for d in (given.active_from, given.retired_on)))


def within_reach(log: CollectionLog, oldest: datetime | None) -> list[CollectionLog]:
    """What a poll covered: not what its network had forgotten by then, even if it answered with an empty list.

    oldest: publication of the oldest mention that it brought from the window; what it still has, it has not forgotten.
    """
    reach = registry.load("sources", log.source).reach
    if reach is None or log.assumed or not log.ok:
        return [log]
    since = floor(log.known_at - reach - due(log.source))
    since = min(since, floor(oldest)) if oldest else since
    if since <= log.start:
        return [log]
    lost = {"ok": False, "error": f"the network answers only {in_words(reach)} back", "payloads": 0, "rows": 0, "newest": None}
    if since >= log.end:
        return [log.model_copy(update=lost)]
    return [log.model_copy(update={"end": since, **lost}), log.model_copy(update={"start": since})]


def in_words(span: timedelta) -> str:
    """`7 days`, `36 hours`, `20 minutes`"""
    for unit, length in (("days", timedelta(days=1)), ("hours", timedelta(hours=1))):
        if span >= 2 * length and not span % length:
            return f"{span // length} {unit}"
    return f"{span // timedelta(minutes=1)} minutes"


def refill_until(source: str, window: Window) -> datetime | None:
    """Until when the network still has all of a stretch; None: no limit is known. In the past: not any more."""
    kind = _kind(source)
    return window.start + kind.reach if kind and kind.reach is not None else None


class Sight:
    """What all sources of a market saw, as known at one time."""

    def __init__(self, sources: Mapping[str, SourceSight]) -> None:
        self.sources = dict(sources)

    def verdict(self, window: Window, rows: Mapping[str, int], source: str = ALL) -> Verdict:
        """rows: mentions per source in the window."""
        if source != ALL:
            sight = self.sources.get(source)
            return (sight.verdict(window, rows.get(source, 0)) if sight else None) or "ok"
        heard = {s.source for s in self.listeners(window)} | {name for name, n in rows.items() if n and name in self.sources}
        return together(self.sources[name].verdict(window, rows.get(name, 0)) for name in heard)

    def listeners(self, window: Window) -> list[SourceSight]:
        """Whose hearing nothing says something: those that listened then, but folders of exports only where no other did."""
        mine = [s for s in self.sources.values() if s.listened(window)]
        return [s for s in mine if not s.exports] or mine

    def blind(self, window: Window) -> list[Stretch]:
        """Blind stretches by source, oldest first."""
        found = [o for s in self.sources.values() for o in s.blind(window)]
        return sorted(found, key=lambda o: (o.window.start, o.source))

    def seen(self, span: Window) -> list[Window]:
        """Stretches in which every source that listened saw; volume of other stretches says nothing about what is usual."""
        mine = [(s, w) for s in self.sources.values() if (w := s.listened(span))]
        blind = merged([(gap.start, gap.end) for s, w in mine for gap in minus(w, s.covered)])
        return [part for w in merged([(w.start, w.end) for _, w in mine]) for part in minus(w, blind)]


class Listening:
    """What is on record of how one market was listened to over a span: enough to judge any window of it.

    Reads what overlaps the span, however long the history before it is.
    """

    def __init__(self, store: Store, market: Market, span: Window, as_of: datetime | None = None) -> None:
        """as_of: only what was known then, with adjoining polls merged in the database, so that weeks cost little; None: poll
        by poll, to be asked as of any time."""
        self._store, self._market = store, market
        self._silences = store.overlapping(Silence, span, market=market.id)
        if as_of is None:
            self._logs = store.overlapping(CollectionLog, span, market=market.id)
        else:
            self._logs = [
                *(_merged_log(market.id, source, w, as_of) for source, w in store.covered(market.id, span, as_of)),
                *store.overlapping(CollectionLog, span, market=market.id, ok=False),
                *(log for s in self._silences for log in store.overlapping(CollectionLog, _of(s, as_of), market=market.id, source=s.source)),
            ]  # fmt: skip
        names = sorted({*registry.names("sources"), *(log.source for log in self._logs)})
        firsts = {s: store.first(CollectionLog, "start", source=s, market=market.id) for s in names}
        self._first = {s: log for s, log in firsts.items() if log}
        self._terms = {s: self._term(s) for s in self._first}

    def _term(self, source: str) -> Term:
        if source in self._market.sources:
            return term_in_plan(self._market, source)
        last = self._store.first(CollectionLog, "start", last=True, source=source, market=self._market.id)
        return Term(None, last.end if last else None)  # no longer in the plan: retired at its last poll

    def at(self, as_of: datetime, near: Window | None = None) -> Sight:
        """near: only what overlaps it is looked at, which is quicker where many windows are judged one by one."""
        by_source: dict[str, list[CollectionLog]] = {s: [] for s in self._first}
        for log in self._logs:
            if near is None or (log.start < near.end and log.end > near.start):
                by_source[log.source].append(log)
        return Sight({
            s: SourceSight(s, logs, as_of, [x for x in self._silences if x.source == s], self._begun(s, logs, as_of))
            for s, logs in by_source.items()
        })  # fmt: skip

    def _begun(self, source: str, logs: Sequence[CollectionLog], as_of: datetime) -> Term:
        first, term = self._first[source], self._terms[source]
        known = [x.start for x in (first, *logs) if x.assumed or x.known_at <= as_of]
        return Term(max(min(known), term.begun or min(known)) if known else None, term.ended)


def _of(silence: Silence, as_of: datetime) -> Window:
    return Window(silence.start, max(silence.end or as_of, silence.start))


def _merged_log(market: str, source: str, window: Window, as_of: datetime) -> CollectionLog:
    return CollectionLog.model_construct(
        source=source, market=market, start=window.start, end=window.end, ok=True, error=None, newest=None, known_at=as_of, assumed=False
    )  # fmt: skip


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
