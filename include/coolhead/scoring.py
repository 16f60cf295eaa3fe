"""mention -> score: what the plan's scorer reads in every gated mention that it has not read yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from coolhead import failpoint
from coolhead.clock import Clock
from coolhead.intake import dirty
from coolhead.plan import Plan
from coolhead.rows import Match, Mention, Score, key_of
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
    total = unread = 0
    while mentions := store.unscored(scorer.name, scorer.revision, BATCH):
        scores = read(scorer, mentions, clock.now())
        matches = matching(store, mentions)
        failpoint.reached("score.computed")
        with store.writing() as writer:
            still = writer.unchanged(mentions)  # a text that was edited meanwhile is read again in the next round
            scores = [s for i, s in enumerate(scores) if i in still]
            writer.upsert([*scores, *dirty((x.market, x.published_at) for x in matches)])
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


def matching(store: Store, mentions: Sequence[Mention]) -> list[Match]:
    """The matches of some mentions."""
    keys: set[tuple[Any, ...]] = {(m.source, m.day, m.native_id) for m in mentions}
    span = around([m.published_at for m in mentions], 1)
    found = store.read(
        Match, day=sorted({m.day for m in mentions}), source=sorted({m.source for m in mentions}), published_at=span
    )
    return [x for x in found if (x.source, x.day, x.native_id) in keys]
