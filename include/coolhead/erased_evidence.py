"""What the rules saw of mentions that vanished: who it was and the words that only they said go, that something was seen stays.

A replay needs what rules judge by, so entries stay where they were. A post's id becomes a mark that tells it from other posts
and leads nowhere, its audience, likes and shares a number of two digits (rounded down: limits are round), and of the terms
of its topic those go that no other mention of it holds. Red lines name the plan's own terms.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from coolhead.rows import InTopic, Match, Seen, Topic
from coolhead.tables import TABLES
from coolhead.windows import Window, floor

IN_TOPIC, MATCH, SEEN, TOPIC = TABLES[InTopic], TABLES[Match], TABLES[Seen], TABLES[Topic]
SHOWN = timedelta(days=4)
"""After its publication a mention stands in evidence for so long at most: late ones for two days, names of topics for three."""
NUMBERS = ("audience", "likes", "shares")
Id = tuple[str, str]
"""source, native id"""


def forget(connection: sa.Connection, keys: Iterable[Mapping[str, Any]]) -> None:
    """Of mentions by key; before the terms that they held are forgotten."""
    by_day: dict[tuple[str, date], dict[Id, datetime]] = defaultdict(dict)
    for key in keys:
        of = (MATCH.c[n] == key[n] for n in ("source", "day", "native_id"))
        for market, published in connection.execute(sa.select(MATCH.c.market, MATCH.c.published_at).where(*of)):
            by_day[market, key["day"]][key["source"], key["native_id"]] = published
    for (market, day), posts in sorted(by_day.items()):
        words = _only_theirs(connection, market, day, posts)
        span = Window(floor(min(posts.values())), max(posts.values()) + SHOWN)
        _write(connection, market, span, posts, words)


def _write(connection: sa.Connection, market: str, span: Window, posts: Iterable[Id], words: Mapping[str, set[str]]) -> None:
    of = (SEEN.c.market == market, SEEN.c.start >= span.start, SEEN.c.start < span.end)
    marks: dict[Id, str] = {}
    for start, evidence in connection.execute(sa.select(SEEN.c.start, SEEN.c.evidence).where(*of).order_by(SEEN.c.start)).all():
        for number, post in enumerate(sorted(set(posts) & _posts(evidence))):
            marks.setdefault(post, f"gone {start.isoformat()} {number}")
        if (after := without(evidence, marks, words)) != evidence:
            connection.execute(sa.update(SEEN).where(SEEN.c.market == market, SEEN.c.start == start).values(evidence=after))


def _posts(evidence: Mapping[str, Any]) -> set[Id]:
    return {(e["source"], e["native_id"]) for name in ("multipliers", "red_lines") for e in evidence.get(name, ())}


def without(evidence: Mapping[str, Any], marks: Mapping[Id, str], words: Mapping[str, set[str]]) -> dict[str, Any]:
    """marks: what stands for each post that vanished; words: by topic, those that nobody else said."""
    out = dict(evidence)
    for name in {"multipliers", "red_lines"} & out.keys():
        out[name] = [_blurred(e, marks.get((e["source"], e["native_id"]))) for e in out[name]]
    if "topics" in out:
        out["topics"] = [t | {"terms": [w for w in t["terms"] if w not in words.get(t["topic"], ())]} for t in out["topics"]]
    return out


def _blurred(entry: dict[str, Any], mark: str | None) -> dict[str, Any]:
    if mark is None:
        return entry
    return entry | {"native_id": mark} | {n: _two_digits(entry[n]) for n in NUMBERS if entry.get(n) is not None}


def _two_digits(number: int) -> int:
    step = int(10 ** max(0, len(str(number)) - 2))
    return number // step * step


def _only_theirs(connection: sa.Connection, market: str, day: date, posts: Mapping[Id, datetime]) -> dict[str, set[str]]:
    """topic, as its chain is named -> terms that no other of its mentions holds."""
    t = IN_TOPIC.c
    ids, near = sorted({i for _, i in posts}), (min(posts.values()) - SHOWN, max(posts.values()) + SHOWN)
    theirs = sa.select(t.topic).where(t.market == market, t.day == day, t.native_id.in_(ids), t.topic.is_not(None)).distinct()
    out = {}
    for topic in connection.execute(theirs).scalars().all():
        of = (t.market == market, t.topic == topic, t.published_at.between(*near))
        held: dict[bool, set[str]] = {True: set(), False: set()}
        for source, native_id, terms in connection.execute(sa.select(t.source, t.native_id, t.terms).where(*of)):
            held[(source, native_id) in posts].update(terms)
        out[_root(connection, market, topic)] = held[True] - held[False]
    return out


def _root(connection: sa.Connection, market: str, topic: str) -> str:
    """The topic that its chain began with."""
    t, passed = TOPIC.c, list[str]()
    while topic not in passed:
        passed.append(topic)
        before = sa.select(t.continues).where(t.market == market, t.topic == topic, t.continues.is_not(None)).order_by(t.day)
        topic = connection.execute(before).scalars().first() or topic
    return topic
