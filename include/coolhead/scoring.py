"""mention -> score, comment_kind: what the plan's scorer, and then kinds.py, read in every gated mention that is unread."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from coolhead import failpoint, kinds, readings
from coolhead.clock import Clock
from coolhead.intake import dirty
from coolhead.plan import Plan
from coolhead.rows import CommentKind, Cursor, Match, Mention, MentionKey, Score, key_of
from coolhead.schema import Row
from coolhead.sentiment import Scorer, active
from coolhead.store import Store

log = logging.getLogger(__name__)
R = TypeVar("R", bound=MentionKey)

BATCH = 5_000
AGAIN = 50_000
"""Mentions that another revision had read are read again in one run: the rest waits for the next one, or the quality gate,
which comes first in each run, would not see what is new for hours."""


@dataclass(frozen=True)
class Scored:
    """What one run read."""

    scorer: str
    scored: int
    unscored: int
    """Read, and in no language that the scorer knows: a state of its own."""
    left: int = 0
    """Mentions that only another scorer or revision has read so far: the next runs go on."""


def score(store: Store, plan: Plan, clock: Clock) -> Scored:
    """Score all that nobody has read, and a part of what another revision read, in batches of one transaction each.

    Safe to kill and to run again. `coolhead rescore` reads all at once.
    """
    scorer = active(plan.brands.scorer, plan.languages)
    reader, size = f"{scorer.name}/{scorer.revision}", min(BATCH, scorer.batch)
    total = unread = again = 0
    while again < AGAIN and (mentions := store.unread(reader, size)):
        again += sum(m.read_by is not None for m in mentions)
        scores = commit(store, scorer, mentions, clock.now())
        total += len(scores)
        unread += sum(s.label == "unscored" for s in scores)
    return Scored(scorer.name, total - unread, unread, _left(store, reader) if again else 0)


def _left(store: Store, reader: str) -> int:
    """How much of a change of scorer is still to do, which is said: until then both readings stand in the same series."""
    ((left,),), ((known,),) = store.asked(readings.unread_by(reader)), store.asked(readings.read_by_any())
    log.info(
        "%s has read %s of %s mentions; %s left of what another read", reader, f"{known - left:,}", f"{known:,}", f"{left:,}"
    )
    return int(left)


def commit(store: Store, scorer: Scorer, mentions: Sequence[Mention], now: datetime, beside: bool = False) -> list[Score]:
    """Read some mentions and store what was read, in one transaction.

    beside: not by the active scorer: its scores are kept, and nothing is measured or read anew for them.
    """
    reader = f"{scorer.name}/{scorer.revision}"
    scores = read(scorer, mentions, now) if beside else _read_once(store, scorer, mentions, now)
    comments = [] if beside else kinds_of(mentions, scores)
    matches = matching(store, mentions)
    failpoint.reached("score.computed")
    with store.writing() as writer:
        still = writer.unchanged(mentions)  # a text that was edited meanwhile is read again in the next round
        comments = [c for i, c in enumerate(comments) if i in still]
        scores = [s for i, s in enumerate(scores) if i in still]
        writer.upsert([*scores, *comments, *(_noted(matches, reader, now) if beside else _undone(matches))])
        if not beside:
            writer.mark_read([key_of(m) for i, m in enumerate(mentions) if i in still], reader)
        failpoint.reached("score.written")
    return scores


def _undone(matches: Iterable[Match]) -> Iterable[Row]:
    return dirty((x.market, x.published_at) for x in matches)


def _noted(matches: Iterable[Match], reader: str, now: datetime) -> Iterable[Row]:
    """Of which days a scorer beside read something, and when it last did: their series is older than that (rescoring.py)."""
    days = {(x.market, x.published_at.astimezone(UTC).date()) for x in matches}
    return [Cursor(source=reader, market=market, stream=f"read {day}", value=now.isoformat()) for market, day in sorted(days)]


def _read_once(store: Store, scorer: Scorer, mentions: Sequence[Mention], now: datetime) -> list[Score]:
    """As `read`, but what the revision has read already, when it was beside another, is taken over: an edit would have
    deleted it."""
    again = [m for m in mentions if m.read_by is not None]
    by = {"scorer": scorer.name, "revision": scorer.revision}
    known = {_place(s): s for s in _of(store, Score, again, **by)}
    new = [m for m in mentions if _place(m) not in known]
    fresh = iter(read(scorer, new, now) if new else ())
    return [known.get(_place(m)) or next(fresh) for m in mentions]


def read(scorer: Scorer, mentions: Sequence[Mention], now: datetime) -> list[Score]:
    """Scores of mentions. One whose publication we only assume to have known then is assumed to be read then."""
    answers = scorer.score([m.text for m in mentions], [m.lang for m in mentions])
    return [
        Score(
            **key_of(m), scorer=scorer.name, revision=scorer.revision, label=a.label, polarity=a.polarity,
            confidence=a.confidence, lang=a.lang, lang_confidence=a.lang_confidence,
            known_at=m.known_at if m.known_assumed else now,
        )
        for m, a in zip(mentions, answers, strict=True)
    ]  # fmt: skip


def kinds_of(mentions: Sequence[Mention], scores: Sequence[Score]) -> list[CommentKind]:
    """What kinds of comments some mentions are, in the language and with the polarity that was read in them."""
    readings = kinds.read([m.text for m in mentions], [s.lang for s in scores], [s.polarity for s in scores])
    return [
        CommentKind(
            **key_of(s), revision=kinds.revision(), kind=r.kind, confidence=r.confidence, emotional=r.emotional,
            sarcasm=r.sarcasm, known_at=s.known_at,
        )
        for s, r in zip(scores, readings, strict=True)
    ]  # fmt: skip


def matching(store: Store, mentions: Sequence[Mention]) -> list[Match]:
    """The matches of some mentions."""
    return _of(store, Match, mentions)


def _of(store: Store, kind: type[R], mentions: Sequence[Mention], **where: Any) -> list[R]:
    """Rows of some mentions."""
    keys = {_place(m) for m in mentions}
    found: list[R] = []
    for i in range(0, len(mentions), 500):
        part = mentions[i : i + 500]
        near = {name: sorted({getattr(m, name) for m in part}) for name in ("source", "day", "native_id")}
        found += store.read(kind, **near, **where)
    return [x for x in found if _place(x) in keys]


def _place(row: MentionKey) -> tuple[Any, ...]:
    return row.source, row.day, row.native_id
