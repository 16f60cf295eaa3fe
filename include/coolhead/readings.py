"""What a scorer's revision has not read yet, and what people said in between: the queries behind a series beside."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from coolhead.tables import LABEL, MATCH, MENTION, SCORE
from coolhead.windows import Window

KEY = ("source", "day", "native_id")
NEEDED = (*KEY, "text", "lang", "payload_id", "published_at", "known_at", "known_assumed")
"""Columns of Mention that a scorer and the storing of what it read need."""


def unread(market: str, span: Window, scorer: str, revision: str, as_of: datetime, limit: int) -> sa.Select[Any]:
    """NEEDED of at most so many of a market's gated mentions, known by `as_of`, that the revision has not read; oldest first.

    What was read is passed over in the database, by two looks into an index each: no text of it is fetched.
    """
    read = sa.exists().where(
        *(SCORE.c[n] == MATCH.c[n] for n in KEY), SCORE.c.scorer == scorer, SCORE.c.revision == revision
    )  # fmt: skip
    return (
        sa.select(*(MENTION.c[n] for n in NEEDED))
        .select_from(MATCH.join(MENTION, sa.and_(*(MENTION.c[n] == MATCH.c[n] for n in KEY))))
        .where(MATCH.c.market == market, MATCH.c.published_at >= span.start, MATCH.c.published_at < span.end, ~read)
        .where(MENTION.c.gated.is_(True), MENTION.c.known_at <= as_of)
        .order_by(MATCH.c.published_at, MATCH.c.source, MATCH.c.native_id)
        .limit(limit)
    )


def newest_label(market: str, span: Window) -> sa.Select[Any]:
    """When a person last labelled one of a market's mentions of the span."""
    matched = sa.exists().where(
        *(MATCH.c[n] == LABEL.c[n] for n in KEY),
        MATCH.c.market == market, MATCH.c.published_at >= span.start, MATCH.c.published_at < span.end,
    )  # fmt: skip
    return sa.select(sa.func.max(LABEL.c.at)).where(matched)


def unread_by(reader: str) -> sa.Select[Any]:
    """How many mentions others read, and this scorer/revision did not: two ranges of one index."""
    others = sa.or_(MENTION.c.read_by > reader, MENTION.c.read_by < reader)
    return sa.select(sa.func.count()).where(others, MENTION.c.gated.is_(True))


def read_by_any() -> sa.Select[Any]:
    """How many mentions have been read."""
    return sa.select(sa.func.count()).where(MENTION.c.read_by.is_not(None), MENTION.c.gated.is_(True))
