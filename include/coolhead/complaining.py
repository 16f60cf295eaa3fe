"""Who complained of which topic, and since when that was known: the queries behind what the rules see beside the numbers."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from coolhead.rows import AuthorDay, Topic
from coolhead.tables import IN_TOPIC, KIND, LABEL, MATCH, SCORE, TABLES
from coolhead.windows import Window

KEY = ("source", "day", "native_id")
BEGINNING = 50
"""Members of a topic among which the one is that made it a topic; more are not looked through."""


def _of(t: sa.Table, to: sa.Table, *more: Any) -> Any:
    return sa.and_(*(t.c[n] == to.c[n] for n in KEY), *more)


def placed(market: str, span: Window) -> sa.Select[Any]:
    """KEY, topic, copy_of, kind and since when it is known, of a market's mentions published in the span."""
    t = IN_TOPIC.c
    return (
        sa.select(*(MATCH.c[n] for n in KEY), t.topic, t.copy_of, KIND.c.kind, KIND.c.known_at)
        .select_from(MATCH.outerjoin(IN_TOPIC, _of(IN_TOPIC, MATCH, t.market == market)).outerjoin(KIND, _of(KIND, MATCH)))
        .where(MATCH.c.market == market, MATCH.c.published_at >= span.start, MATCH.c.published_at < span.end)
    )


def beginnings(market: str, topics: Collection[str]) -> sa.Select[Any]:
    """(topic, known_at, who) of each topic's first members, in the order in which they became known."""
    t = IN_TOPIC.c
    order = (t.known_at, t.published_at, t.source, t.native_id)
    nth = sa.func.row_number().over(partition_by=t.topic, order_by=order).label("nth")
    who = sa.func.coalesce(t.author, t.source + "/" + t.native_id).label("who")
    some = sa.select(t.topic, t.known_at, who, nth).where(t.market == market, t.topic.in_(list(topics))).subquery()
    return (
        sa.select(some.c.topic, some.c.known_at, some.c.who).where(some.c.nth <= BEGINNING).order_by(some.c.topic, some.c.nth)
    )


def _read(scorer: str, revision: str) -> sa.FromClause:
    by = (SCORE.c.scorer == scorer, SCORE.c.revision == revision)
    return IN_TOPIC.outerjoin(SCORE, _of(SCORE, IN_TOPIC, *by)).outerjoin(KIND, _of(KIND, IN_TOPIC))


def complaints(market: str, scorer: str, revision: str, topics: Collection[str], span: Window) -> sa.Select[Any]:
    """KEY, topic, published_at, known_at, author, and when it was read as negative, as a complaint (null: never): of what was
    read as either and is published in the span."""
    t = IN_TOPIC.c
    negative, complaint = SCORE.c.label == "negative", KIND.c.kind == "complaint"
    when = (
        sa.case((negative, SCORE.c.known_at)).label("negative_at"),
        sa.case((complaint, KIND.c.known_at)).label("complaint_at"),
    )
    return (
        sa.select(*(t[n] for n in KEY), t.topic, t.published_at, t.known_at, t.author, *when)
        .select_from(_read(scorer, revision))
        .where(*_published(market, topics, span), sa.or_(negative, complaint))
    )


def labels(market: str, topics: Collection[str], span: Window) -> sa.Select[Any]:
    """KEY, topic, published_at, known_at, author, at, label, kind of what people said of the topics' mentions, the oldest first."""
    t = IN_TOPIC.c
    return (
        sa.select(*(t[n] for n in KEY), t.topic, t.published_at, t.known_at, t.author, LABEL.c.at, LABEL.c.label, LABEL.c.kind)
        .select_from(IN_TOPIC.join(LABEL, _of(LABEL, IN_TOPIC)))
        .where(*_published(market, topics, span), LABEL.c.stale.is_(False))
        .order_by(LABEL.c.at, LABEL.c.by.desc())
    )


def _published(market: str, topics: Collection[str], span: Window) -> tuple[Any, ...]:
    t = IN_TOPIC.c
    return t.market == market, t.topic.in_(list(topics)), t.published_at >= span.start, t.published_at < span.end


def complainers_by_day(
    market: str, scorer: str, revision: str, topics: Collection[str], days: Sequence[Window], as_of: datetime
) -> sa.Select[Any]:
    """(position of the day, distinct authors of negative mentions or complaints on some topics), as known then."""
    t = IN_TOPIC.c
    day = sa.case(*((t.published_at < w.end, i) for i, w in enumerate(days))).label("nth")
    said = sa.or_(
        sa.and_(SCORE.c.label == "negative", SCORE.c.known_at <= as_of), sa.and_(KIND.c.kind == "complaint", KIND.c.known_at <= as_of)
    )  # fmt: skip
    return (
        sa.select(day, sa.func.count(sa.func.coalesce(t.author, t.source + "/" + t.native_id).distinct()))
        .select_from(_read(scorer, revision))
        .where(*_published(market, topics, Window(days[0].start, days[-1].end)), t.known_at <= as_of, said)
        .group_by("nth")
    )


def chains(market: str, first: date, last: date) -> sa.Select[Any]:
    """(day, topic, topic that it continues) of some local days, both included, the first day first."""
    t = TABLES[Topic].c
    return (
        sa.select(t.day, t.topic, t.continues).where(t.market == market, t.day >= first, t.day <= last).order_by(t.day, t.topic)
    )


def terms(market: str, first: date, last: date, topics: Collection[str]) -> sa.Select[Any]:
    """(topic, its telling terms), the first day first."""
    t = TABLES[Topic].c
    some = (t.market == market, t.day >= first, t.day <= last, t.topic.in_(list(topics)))
    return sa.select(t.topic, t.terms).where(*some).order_by(t.day)


def audiences(market: str, day: date) -> sa.Select[Any]:
    """Greatest audience of each author who spoke on a local day, and tells it."""
    t = TABLES[AuthorDay].c
    return sa.select(t.source, t.author, t.audience).where(t.market == market, t.day == day, t.audience.is_not(None))
