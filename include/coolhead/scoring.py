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
from coolhead.store import Store, around

BATCH = 5_000


@dataclass(frozen=True)
class Scored:
    """What one run read."""

    scorer: str
    scored: int
    unscored: int
    """Read, and in no language that the scorer knows: a state of its own."""


def score(store: Store, plan: Plan, clock: Clock) -> Scored:
    """Score all that is undone, in batches of one transaction each; safe to kill and to run again."""
    scorer = active(plan.brands.scorer)
    reader, total, unread = f"{scorer.name}/{scorer.revision}", 0, 0
    while mentions := store.unread(reader, min(BATCH, scorer.batch)):
        scores = read(scorer, mentions, clock.now())
        comments = kinds_of(mentions, scores)
        matches = matching(store, mentions)
        failpoint.reached("score.computed")
        with store.writing() as writer:
            still = writer.unchanged(mentions)  # a text that was edited meanwhile is read again in the next round
            comments = [c for i, c in enumerate(comments) if i in still]
            scores = [s for i, s in enumerate(scores) if i in still]
            writer.upsert([*scores, *comments, *dirty((x.market, x.published_at) for x in matches)])
            writer.mark_read([key_of(m) for i, m in enumerate(mentions) if i in still], reader)
            failpoint.reached("score.written")
        total += len(scores)
        unread += sum(s.label == "unscored" for s in scores)
    return Scored(scorer.name, total - unread, unread)


def read(scorer: Scorer, mentions: Sequence[Mention], now: datetime) -> list[Score]:
    """Scores of mentions. One whose publication we only assume to have known then is assumed to be read then."""
    answers = scorer.score([m.text for m in mentions], [m.lang for m in mentions])
    return [
        Score(
            **key_of(m), scorer=scorer.name, revision=scorer.revision, label=a.label, polarity=a.polarity,
            confidence=a.confidence, lang=a.lang, known_at=m.known_at if m.known_assumed else now,
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
    span = around([m.published_at for m in mentions], 1)
    found = store.read(
        Match, day=sorted({m.day for m in mentions}), source=sorted({m.source for m in mentions}), published_at=span
    )
    return [x for x in found if (x.source, x.day, x.native_id) in keys]
