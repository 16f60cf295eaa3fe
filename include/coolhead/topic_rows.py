"""in_topic -> topic: how many mentions, authors, negatives a topic has, by windows of 5 minutes that are counted whole.

Only windows that are marked are read again; a topic's counts are the sums over its windows. So a change costs what the window
holds that it fell into, and edits, labels by people and deletions are counted right without any bookkeeping by difference.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from coolhead import failpoint
from coolhead.clock import Clock
from coolhead.grouping import Key
from coolhead.plan import Market, PlannedTopic
from coolhead.rows import InTopic, Topic, Ungrouped
from coolhead.sentiment import Scorer
from coolhead.store import Store
from coolhead.telling_terms import stem
from coolhead.windows import BASE, Window, floor, local_day, merged

GAP = timedelta(minutes=30)
"""Windows that lie closer than this are read together."""
ALIKE = 2
"""Terms that a topic shares with one of the day before, to go on from it."""
Parts = dict[str, list[int | None]]
"""Window -> mentions, near-duplicates, reach (null: none is known), negative, positive."""
MOST_REACH = 10**12
"""As a column holds it: audiences are as the networks say, however absurd, and may be summed beyond it."""


def key_of(row: Any) -> Key:
    """Of a mention, or of whatever bears its key."""
    return row.source, row.day.isoformat(), row.native_id


def known(value: Any) -> bool:
    """Neither None nor NA nor NaN."""
    return not pd.isna(value)


@dataclass(frozen=True)
class Seen:
    """Mentions of the windows that are marked, with what was read in them, and their rows in the topics."""

    marks: dict[datetime, str]
    mentions: list[Any]
    """Rows of the store's frame, without own posts."""
    placed: dict[Key, InTopic]

    def undone(self) -> Iterator[Any]:
        """Those that stand and were not placed; those the quality gate has not seen, too."""
        return (m for m in self.mentions if key_of(m) not in self.placed and not isinstance(m.gone_by, str))


class TopicRows:
    """Reads and counts the topics of one market."""

    def __init__(self, store: Store, market: Market, scorer: Scorer, planned: Sequence[PlannedTopic], clock: Clock) -> None:
        self.store, self.market, self.scorer, self.clock = store, market, scorer, clock
        self.owners = {t.name: t.owner for t in planned}

    def seen(self, day: date, before: Seen | None = None) -> Seen:
        """What is in the marked windows of a day; `before`, if the marks are still those: then nothing changed."""
        span = local_day(day, self.market.time_zone)
        marks = {m.start: m.mark for m in self.store.read(Ungrouped, market=self.market.id, start=span)}
        if before and before.marks == marks:
            return before
        mentions: list[Any] = []
        placed: dict[Key, InTopic] = {}
        for part in _spans(marks):
            frame = self.store.mentions(self.market.id, part, self.scorer.name, self.scorer.revision, self.clock.now())
            mentions += frame[~frame.own].itertuples(index=False) if len(frame) else ()
            placed |= {key_of(t): t for t in self.store.read(InTopic, market=self.market.id, published_at=part)}
        return Seen(marks, [m for m in mentions if floor(m.published_at.to_pydatetime()) in marks], placed)

    def count(self, day: date, terms: Mapping[str, list[str]], before: Seen | None = None) -> int:
        """Count the marked windows of a day again, and take their marks away; returns how many topics changed.

        terms: topic -> its telling terms, where they are known anew. before: what was seen last. A window in which a mention is still to be placed keeps
        its mark.
        """
        seen = self.seen(day, before)
        self._clear(seen)
        undone = {floor(m.published_at.to_pydatetime()) for m in seen.undone()}
        stored = {t.topic: t for t in self.store.read(Topic, market=self.market.id, day=day)}
        counted = _counted(seen)
        names = {t for t, topic in stored.items() if any(_name(w) in topic.parts for w in seen.marks)} | counted.keys()
        sizes = self.store.topic_sizes(self.market.id, local_day(day, self.market.time_zone), names)
        parts = {t: _parts(stored.get(t), seen.marks, counted.get(t, {})) for t in sizes}
        fresh = [self._row(day, t, stored.get(t), sizes[t], parts[t], terms.get(t)) for t in sorted(sizes)]
        rows = self._linked(day, fresh, [t for n, t in stored.items() if n not in names])
        ended = sorted(names - sizes.keys())
        failpoint.reached("topics.counted")
        with self.store.writing() as writer:
            writer.upsert(rows)
            writer.delete(Topic, market=self.market.id, day=day, topic=ended)
            for start, mark in seen.marks.items():
                if start not in undone:
                    writer.delete(Ungrouped, market=self.market.id, start=start, mark=mark)
            failpoint.reached("topics.written")
        return len(fresh) + len(ended)

    def _clear(self, seen: Seen) -> None:
        """Take out what is no mention of the market any more, or turned out to be its own post."""
        there = {key_of(m) for m in seen.mentions}
        stale = [t for k, t in seen.placed.items() if k not in there and floor(t.published_at) in seen.marks]
        if stale:
            with self.store.writing() as writer:
                for t in stale:
                    writer.delete(InTopic, source=t.source, day=t.day, native_id=t.native_id, market=self.market.id)

    def _row(
        self, day: date, topic: str, before: Topic | None, size: tuple[int, int, datetime, datetime], parts: Parts,
        terms: list[str] | None,
    ) -> Topic:  # fmt: skip
        mentions, authors, first, last = size
        duplicates, reach, negative, positive = (_sum(p[i] for p in parts.values()) for i in range(1, 5))
        return Topic(
            market=self.market.id, day=day, topic=topic, terms=terms if terms is not None else before.terms if before else [],
            first_at=first, last_at=last, mentions=mentions, duplicates=duplicates or 0, authors=authors,
            reach=None if reach is None else min(reach, MOST_REACH),
            negative=negative or 0, positive=positive or 0, parts=parts, owner=self.owners.get(topic), known_at=self.clock.now(),
        )  # fmt: skip

    def _linked(self, day: date, fresh: Sequence[Topic], others: Sequence[Topic]) -> list[Topic]:
        """What is to be written: the fresh topics of the day, and all that go on from another one than before, the next day's too."""
        yesterday = self.store.read(Topic, market=self.market.id, day=day - timedelta(days=1))
        tomorrow = self.store.read(Topic, market=self.market.id, day=day + timedelta(days=1))
        today = _going_on([*fresh, *others], yesterday)
        unchanged = {id(t) for t in (*others, *tomorrow)}
        return [t for t in (*today, *_going_on(tomorrow, today)) if id(t) not in unchanged]


def _spans(windows: Iterable[datetime]) -> list[Window]:
    return [Window(s.start, s.end - GAP) for s in merged([(w, w + BASE + GAP) for w in windows])]


def _name(window: datetime) -> str:
    return f"{window:%Y-%m-%dT%H:%M}"


def _counted(seen: Seen) -> dict[str, Parts]:
    """topic -> window -> its counts."""
    out: dict[str, Parts] = {}
    for m in seen.mentions:
        row = seen.placed.get(key_of(m))
        if row is None or row.topic is None:
            continue
        part = out.setdefault(row.topic, {}).setdefault(_name(floor(row.published_at)), [0, 0, None, 0, 0])
        reach = int(m.audience) if known(m.audience) else None
        counts = (1, int(row.copy_of is not None), reach, int(m.label == "negative"), int(m.label == "positive"))
        part[:] = (_sum((a, b)) for a, b in zip(part, counts, strict=True))
    return out


def _parts(before: Topic | None, windows: Iterable[datetime], counted: Parts) -> Parts:
    again = {_name(w) for w in windows}
    kept = {w: p for w, p in (before.parts if before else {}).items() if w not in again}
    return kept | counted


def _sum(values: Iterable[int | None]) -> int | None:
    """Of what is known; None where nothing is."""
    known = [v for v in values if v is not None]
    return sum(known) if known else None


def _going_on(today: Iterable[Topic], yesterday: Sequence[Topic]) -> list[Topic]:
    """Topics with the one of the day before that they share most with: the plan's by name, others by their terms."""
    names, holding = {t.topic for t in yesterday}, dict[str, list[Topic]]()
    for y in (y for y in yesterday if y.owner is None):
        for known_stem in {stem(term) for term in y.terms}:
            holding.setdefault(known_stem, []).append(y)
    size, out = {y.topic: y.mentions for y in yesterday}, []
    for t in today:
        shared = Counter(y.topic for s in {stem(term) for term in t.terms} for y in holding.get(s, ()))
        best = max(((n, size[topic], topic) for topic, n in shared.items() if n >= ALIKE), default=None)
        goes_on = (t.topic if t.topic in names else None) if t.owner else best[2] if best else None
        out.append(t if t.continues == goes_on else t.model_copy(update={"continues": goes_on}))
    return out
