"""Who spoke when, and who was answered: the queries that look beyond the days that are measured."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from coolhead.rows import AuthorDay
from coolhead.tables import MATCH, MENTION, TABLES
from coolhead.windows import Window


def appearances(market: str, authors: Sequence[str], first: date, last: date) -> sa.Select[Any]:
    """(author, source, day) of some authors, `first` and `last` included: one look into the index per author."""
    t = TABLES[AuthorDay]
    return sa.select(t.c.author, t.c.source, t.c.day).where(
        t.c.market == market, t.c.author.in_(authors), t.c.day >= first, t.c.day <= last
    )


def replies(market: str, window: Window, as_of: datetime) -> sa.Select[Any]:
    """(source, native id, when): what the market's own posts of the window answer, as known then."""
    same = [MATCH.c[n] == MENTION.c[n] for n in ("source", "day", "native_id")]
    return (
        sa.select(MENTION.c.source, MENTION.c.parent, MENTION.c.published_at)
        .select_from(MATCH.join(MENTION, sa.and_(*same)))
        .where(MATCH.c.market == market, MATCH.c.published_at >= window.start, MATCH.c.published_at < window.end)
        .where(MENTION.c.own.is_(True), MENTION.c.parent.is_not(None), MENTION.c.known_at <= as_of)
    )
