"""mention -> score, comment_kind: what the plan's scorer, and then kinds.py, read in every gated mention that is unread."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from coolhead import failpoint, kinds
from coolhead.clock import Clock
from coolhead.intake import dirty
from coolhead.plan import Plan
from coolhead.rows import CommentKind, Match, Mention, Score, key_of
from coolhead.sentiment import Scorer, active
from coolhead.store import Store

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


def score(store: Store, plan: Plan, clock: Clock) -> Scored:
    """Score all that nobody has read, and a part of what another revision read, in batches of one transaction each.

    Safe to kill and to run again. `coolhead rescore` reads all at once.
    """
    scorer = active(plan.brands.scorer)
    reader, size = f"{scorer.name}/{scorer.revision}", min(BATCH, scorer.batch)
    total = unread = again = 0
    while again < AGAIN and (mentions := store.unread(reader, size)):
        again += sum(m.read_by is not None for m in mentions)
        scores = commit(store, scorer, mentions, clock.now())
        total += len(scores)
        unread += sum(s.label == "unscored" for s in scores)
    return Scored(scorer.name, total - unread, unread)


def commit(store: Store, scorer: Scorer, mentions: Sequence[Mention], now: datetime, beside: bool = False) -> list[Score]:
    """Read some mentions and store what was read, in one transaction.

    beside: not by the active scorer: its scores are kept, and nothing is measured or read anew for them.
    """
    scores = read(scorer, mentions, now)
    comments = [] if beside else kinds_of(mentions, scores)
    matches = [] if beside else matching(store, mentions)
    failpoint.reached("score.computed")
    with store.writing() as writer:
        still = writer.unchanged(mentions)  # a text that was edited meanwhile is read again in the next round
        comments = [c for i, c in enumerate(comments) if i in still]
        scores = [s for i, s in enumerate(scores) if i in still]
        writer.upsert([*scores, *comments, *dirty((x.market, x.published_at) for x in matches)])
        if not beside:
            writer.mark_read([key_of(m) for i, m in enumerate(mentions) if i in still], f"{scorer.name}/{scorer.revision}")
        failpoint.reached("score.written")
    return scores


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
    keys: set[tuple[Any, ...]] = {(m.source, m.day, m.native_id) for m in mentions}
    found: list[Match] = []
    for i in range(0, len(mentions), 500):
        part = mentions[i : i + 500]
        where = {name: sorted({getattr(m, name) for m in part}) for name in ("source", "day", "native_id")}
        found += store.read(Match, **where)
    return [x for x in found if (x.source, x.day, x.native_id) in keys]
