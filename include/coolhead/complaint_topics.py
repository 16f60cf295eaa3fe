"""in_topic, topic -> what the rules see of topics: who complains of what, how many in a day, and how many is usual.

A topic goes on from one day to the next; it bears the name of the one that the chain began with. Of each window only what was
known then: a group of mentions is a topic from its third member on, a mention is negative once it was read or labelled so.
What a topic is called (its terms, and what it goes on from) is as the topics are now: names, not numbers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coolhead import complaining
from coolhead.grouping import LEAST, LEAST_AUTHORS
from coolhead.plan import Market, Plan
from coolhead.store import Store
from coolhead.windows import BASE, GRACE, Window, local_day

LARGEST = 5
"""Topics of one window that the rules see."""
USUAL_DAYS = 21
"""Local days that say how many complain of a topic on a usual one."""
USUAL = 0.95
TERMS = 5
ONE_DAY = timedelta(days=1)
BLOCK = timedelta(days=30)
NEVER = np.iinfo(np.int64).max
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Complaints:
    """Negative mentions and complaints of one topic, by publication; times in microseconds."""

    published: Ints
    since: Ints
    until: Ints
    """[since, until): when they were known as such."""
    authors: Ints
    """Codes."""

    def within(self, window: datetime) -> tuple[int, int]:
        """(how many authors, first publication) in the 24 hours that end with the window, as known with its grace."""
        end = _micros(window + BASE)
        low, high = np.searchsorted(self.published, [_micros(window + BASE - ONE_DAY), end])
        part, then = slice(low, high), _micros(window + BASE + GRACE)
        known = (self.since[part] <= then) & (then < self.until[part])
        there = np.flatnonzero(known)
        return len(np.unique(self.authors[part][known])), int(self.published[low + there[0]]) if len(there) else 0


class Topics:
    """The topics of one market as the windows of one local day see them."""

    def __init__(
        self, store: Store, plan: Plan, market: Market, reader: tuple[str, str], day: date, unusual: Sequence[Window] = (),
        usual: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """reader: scorer and revision; unusual: past incidents, whose days say nothing of what is usual; usual: topic -> what is
        known already to be usual on that day."""
        self._store, self._market, self._reader, self._day = store, market, reader, day
        self.planned = {t.name: t.owner for t in plan.topics_of(market.id)}
        self._unusual, self._usual = unusual, dict(usual or {})

    @cached_property
    def _chain(self) -> list[tuple[date, str, str]]:
        """(day, topic, root) from USUAL_DAYS before on."""
        rows = self._store.asked(complaining.chains(self._market.id, self._day - USUAL_DAYS * ONE_DAY, self._day))
        root = {topic: continues for _, topic, continues in rows if continues and continues != topic}
        self._walk(root, set(root.values()) - {topic for _, topic, _ in rows})
        return [(day, topic, _end(root, topic)) for day, topic, _ in rows]

    def _walk(self, root: dict[str, str], pending: set[str]) -> None:
        """Add what goes on from days that are longer ago: a chain's name must not change with the days."""
        last = self._day - (USUAL_DAYS + 1) * ONE_DAY
        while pending:
            rows = self._store.asked(complaining.chains(self._market.id, last - BLOCK, last))
            of = {topic: continues for _, topic, continues in rows if continues and continues != topic}
            known = {topic for _, topic, _ in rows}
            root |= of
            pending, last = {_end(of, t) for t in pending if t in of} - known, last - BLOCK - ONE_DAY

    @cached_property
    def roots(self) -> dict[str, str]:
        """topic -> the one that its chain began with."""
        return {topic: root for _, topic, root in self._chain}

    def since(self, topics: Iterable[str]) -> dict[str, datetime]:
        """When each became known as a topic: by its third mention, and second author; those of the plan always were."""
        wanted = sorted(set(topics) - self.planned.keys())
        out: dict[str, datetime] = {}
        members: dict[str, tuple[int, set[str]]] = {}
        for topic, known_at, who in self._store.asked(complaining.beginnings(self._market.id, wanted)) if wanted else ():
            n, authors = members.get(topic, (0, set()))
            members[topic] = (n + 1, authors | {who})
            if topic not in out and n + 1 >= LEAST and len(authors | {who}) >= LEAST_AUTHORS:
                out[topic] = known_at
        return out

    def seen(self, rows: pd.DataFrame) -> dict[datetime, list[dict[str, Any]]]:
        """The largest of each window. rows: window, topic (the root; never null), who, bad, negative, audience; bad: negative or a complaint."""
        if not rows.bad.any():
            return {}
        table = _hours(rows)
        ranked = table[table.authors > 0].sort_values(
            ["window", "authors", "negative", "mentions", "topic"], ascending=[True, False, False, False, True], kind="stable"
        )
        largest = ranked.groupby("window", sort=False).head(LARGEST)
        windows = [w.to_pydatetime() for w in largest.window]
        days = self._days(set(largest.topic), min(windows), max(windows))
        names = self._names(set(largest.topic))
        out: dict[datetime, list[dict[str, Any]]] = {}
        for at, row in zip(windows, largest.to_dict("records"), strict=True):
            out.setdefault(at, []).append(self._told(at, row, days, names))
        return out

    def _told(
        self, at: datetime, row: Mapping[Any, Any], days: Mapping[str, Complaints], names: Mapping[str, list[str]]
    ) -> dict[str, Any]:
        topic = str(row["topic"])
        authors, first = days[topic].within(at) if topic in days else (0, 0)
        reach = row["reach"]
        return {
            "topic": topic, "terms": names.get(topic, []), "name": topic if topic in self.planned else None,
            "owner": self.planned.get(topic), "authors": int(row["authors"]), "authors_day": max(authors, int(row["authors"])),
            "usual": self._usually(topic), "negative": int(row["negative"]), "mentions": int(row["mentions"]),
            "reach": None if reach != reach else int(reach), "first": _iso(first) if first else at.isoformat(),
        }  # fmt: skip

    def _of(self, wanted: set[str], days: int) -> dict[str, str]:
        """topic -> root, of the last so many local days, for the roots that are wanted."""
        since = self._day - days * ONE_DAY
        return {topic: topic for topic in wanted} | {
            topic: root for day, topic, root in self._chain if root in wanted and day >= since
        }

    def _names(self, wanted: set[str]) -> dict[str, list[str]]:
        """root -> telling terms of its newest topic."""
        roots = self._of(wanted, 2)
        rows = self._store.asked(complaining.terms(self._market.id, self._day - 2 * ONE_DAY, self._day, roots))
        return {roots[topic]: [str(t) for t in terms[:TERMS]] for topic, terms in rows}

    def _days(self, wanted: set[str], first: datetime, last: datetime) -> dict[str, Complaints]:
        """root -> complaints of all days that windows from the first to the last look back on."""
        roots = self._of(wanted, 2)
        span = Window(first + BASE - ONE_DAY, last + BASE)
        asked = (self._market.id, roots.keys(), span)
        read = self._store.asked(complaining.complaints(self._market.id, *self._reader, roots.keys(), span))
        said = self._store.asked(complaining.labels(*asked))
        rows: dict[str, list[tuple[datetime, int, int, str]]] = {}
        for key, topic, published, author, since, until in _stretches(read, said):
            rows.setdefault(roots[topic], []).append((published, since, until, f"{key[0]}/{author or key}"))
        return {root: _complaints(found) for root, found in rows.items()}

    def _usually(self, topic: str) -> int:
        """How many authors complain of it on all but the busiest of 21 local days, as known when this one began; 0 where fewer than
        two can tell. A day on which nobody did counts as one; those of past incidents do not."""
        if topic not in self._usual:
            self._usual[topic] = self._percentile(topic)
        return self._usual[topic]

    def _percentile(self, topic: str) -> int:
        past = {topic, *(of for _, of, root in self._chain if root == topic)}
        first = min((day for day, _, _ in self._chain if day < self._day), default=self._day)
        days = [local_day(first + n * ONE_DAY, self._market.time_zone) for n in range((self._day - first).days)]
        told = np.array([not any(d.start < w.end and d.end > w.start for w in self._unusual) for d in days])
        if told.sum() < 2:
            return 0
        as_of = days[-1].end + GRACE
        counts = np.zeros(len(days))
        for i, n in self._store.asked(complaining.complainers_by_day(self._market.id, *self._reader, past, days, as_of)):
            counts[i] = n
        return int(np.quantile(counts[told], USUAL, method="lower"))


def _end(root: Mapping[str, str], topic: str) -> str:
    while topic in root:
        topic = root[topic]
    return topic


def _hours(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per window and topic: mentions, negative, reach (null: unknown), authors who complain."""
    of = ["window", "topic"]
    told = rows.assign(audience=rows.audience.astype("float64"))
    whole = told.groupby(of).agg(
        mentions=("bad", "size"), negative=("negative", "sum"), reach=("audience", "sum"), known=("audience", "count")
    )
    people = rows[rows.bad].drop_duplicates([*of, "who"]).groupby(of).size().rename("authors")
    return whole.assign(reach=whole.reach.where(whole.known > 0)).join(people).fillna({"authors": 0}).reset_index()


def _complaints(rows: Sequence[tuple[datetime, int, int, str]]) -> Complaints:
    found = sorted(rows)
    authors = pd.factorize(np.array([r[3] for r in found], dtype=object))[0].astype(np.int64)
    published, since, until = (
        np.array([x(r) for r in found], dtype=np.int64) for x in (lambda r: _micros(r[0]), lambda r: r[1], lambda r: r[2])
    )
    return Complaints(published, since, until, authors)


def _stretches(read: Iterable[Any], said: Iterable[Any]) -> Iterator[tuple[Any, str, datetime, str | None, int, int]]:
    """(key, topic, published, author, since, until) of what was known as negative or as a complaint, and when."""
    labelled: dict[Any, list[Any]] = {}
    for row in said:
        labelled.setdefault(tuple(row[:3]), []).append(row)
    for row in read:
        key = tuple(row[:3])
        topic, published, known_at, author, negative_at, complaint_at = row[3:]
        for since, until in _known(known_at, negative_at, complaint_at, labelled.pop(key, [])):
            yield key, topic, published, author, since, until
    for key, rows in labelled.items():  # read as neither, and said by people to be
        topic, published, known_at, author = rows[0][3:7]
        for since, until in _known(known_at, None, None, rows):
            yield key, topic, published, author, since, until


def _known(
    known_at: datetime, negative_at: datetime | None, complaint_at: datetime | None, said: Sequence[Any]
) -> Iterator[tuple[int, int]]:
    """Stretches in which a mention is known as negative or as a complaint; people's words, the oldest first, override what was read."""
    times = sorted({known_at, *(max(known_at, t) for t in (negative_at, complaint_at, *(s[7] for s in said)) if t)})
    for at, after in zip(times, [*times[1:], None], strict=True):
        newest = next((s for s in reversed(said) if s[7] <= at), None)
        negative = newest[8] == "negative" if newest else negative_at is not None and negative_at <= at
        complaint = newest[9] == "complaint" if newest and newest[9] else complaint_at is not None and complaint_at <= at
        if negative or complaint:
            yield _micros(at), _micros(after) if after else NEVER


EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _iso(micros: int) -> str:
    return (EPOCH + timedelta(microseconds=micros)).isoformat()
