"""What people answered about the mentions that were drawn for them: the one query that joins draw, label and score."""

from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from coolhead.rows import Polarity
from coolhead.tables import DRAWN, LABEL, SCORE


class Answer(NamedTuple):
    """One drawn mention and one label that a person gave it; `by`, `at`, `label` are None where nobody has."""

    source: str
    day: date
    native_id: str
    sample: str
    """The month it was drawn from; with -2, -3 where more were asked for."""
    lang: str
    """As identified when it was drawn."""
    drawn_as: Polarity
    """As read when it was drawn."""
    among: int
    """Texts of that language and reading that it was drawn among."""
    by: str | None
    at: datetime | None
    label: Polarity | None
    asked: str | None
    """The sample that the person was answering; None: of the person's own accord."""
    read: str | None
    """As the revision reads it; None: not yet."""
    read_lang: str | None


def answers(market: str, scorer: str, revision: str, as_of: datetime) -> sa.Select[Any]:
    """The columns of Answer, in key order, labels by their time."""

    def same(t: sa.Table) -> list[Any]:
        return [t.c[n] == DRAWN.c[n] for n in ("source", "day", "native_id")]

    said = sa.and_(*same(LABEL), LABEL.c.at <= as_of, LABEL.c.stale.is_(False))
    by = (SCORE.c.scorer == scorer, SCORE.c.revision == revision, SCORE.c.known_at <= as_of)
    drawn = [DRAWN.c[n] for n in ("source", "day", "native_id", "sample", "lang", "read", "among")]
    label = (LABEL.c.by, LABEL.c.at, LABEL.c.label, LABEL.c.sample)
    chosen = sa.select(*drawn, *label, SCORE.c.label, SCORE.c.lang)
    joined = DRAWN.outerjoin(LABEL, said).outerjoin(SCORE, sa.and_(*same(SCORE), *by))
    known = (DRAWN.c.market == market, DRAWN.c.known_at <= as_of)
    order = (DRAWN.c.source, DRAWN.c.day, DRAWN.c.native_id, LABEL.c.at, LABEL.c.by.desc())
    return chosen.select_from(joined).where(*known).order_by(*order)
