"""What reports say of topics: of one day, as known at some moment; and the praise that is worth thanking for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from coolhead.grouping import COPY, weight
from coolhead.plan import Market, Plan
from coolhead.rows import InTopic, Topic, TopicDay
from coolhead.sentiment import active
from coolhead.store import Store
from coolhead.telling_terms import named, stem, terms
from coolhead.topic_rows import key_of, known
from coolhead.windows import floor, local_day

if TYPE_CHECKING:
    import pandas as pd

HOUR = timedelta(hours=1)
MULTIPLIERS = 3
SURE = 0.7
"""Probability from which on a positive mention of no known kind counts as praise."""


@dataclass(frozen=True)
class Multiplier:
    """One who carried a topic far."""

    author: str
    source: str
    audience: int
    """The greatest that was seen."""
    mentions: int


@dataclass(frozen=True)
class ToldTopic:
    """A topic as it was known then."""

    market: str
    day: date
    topic: str
    terms: tuple[str, ...]
    """As people wrote them, the most telling first."""
    owner: str | None
    continues: str | None
    first: Any
    """Row of the store's frame: the first post, with source, native_id, author, text, url, published_at."""
    last_at: datetime
    mentions: int
    duplicates: int
    authors: int
    reach: int | None
    hours: tuple[tuple[datetime, int], ...]
    """Mentions by hour, from the first to the last; hours without any are left out."""
    multipliers: tuple[Multiplier, ...]
    negative: int
    n: int
    """Mentions whose sentiment is known."""

    @property
    def negative_share(self) -> float | None:
        """Plain reading, uncorrected; None where no sentiment is known."""
        return self.negative / self.n if self.n else None

    @property
    def growth(self) -> float:
        """Mentions per hour from the first to the last hour of its own."""
        hours = (self.hours[-1][0] - self.hours[0][0]) / HOUR + 1
        return self.mentions / hours

    @property
    def peak(self) -> tuple[datetime, int]:
        """Busiest hour; of several the first."""
        return max(self.hours, key=lambda h: (h[1], -h[0].timestamp()))


def of_day(store: Store, plan: Plan, market: Market, day: date, as_of: datetime) -> list[ToldTopic]:
    """Topics of a market's local day as known then, those with the most negatives first."""
    scorer = active(plan.brands.scorer)
    span = local_day(day, market.time_zone)
    frame = store.mentions(market.id, span, scorer.name, scorer.revision, as_of)
    placed = {key_of(t): t for t in store.read(InTopic, market=market.id, published_at=span) if t.topic is not None}
    members: dict[str, list[Any]] = {}
    for m in frame.itertuples(index=False):
        if row := placed.get(key_of(m)):
            members.setdefault(str(row.topic), []).append(m)
    state = store.read(TopicDay, market=market.id, day=day)
    common: dict[str, float] = state[0].common if state else {}
    rows = {t.topic: t for t in store.read(Topic, market=market.id, day=day)}
    owners = {t.name: t.owner for t in plan.topics_of(market.id)}
    told = [_told(market.id, day, t, m, placed, common, rows.get(t), owners.get(t)) for t, m in members.items()]
    return sorted(told, key=lambda t: (-t.negative, -t.mentions, t.topic))


def _told(
    market: str, day: date, topic: str, members: Sequence[Any], placed: dict[Any, InTopic], common: dict[str, float],
    row: Topic | None, owner: str | None,
) -> ToldTopic:  # fmt: skip
    """members: rows of the store's frame, oldest first."""
    forms: dict[str, Counter[str]] = {}
    for m in members:
        for term in placed[key_of(m)].terms:
            forms.setdefault(stem(term), Counter())[term] += 1
    audiences = [int(m.audience) for m in members if known(m.audience)]
    hours = Counter(floor(m.published_at.to_pydatetime(), HOUR) for m in members)
    return ToldTopic(
        market, day, topic, tuple(named(forms, lambda s: weight(common.get(s, 0.0)))) if forms else (), owner,
        row.continues if row else None, members[0], members[-1].published_at.to_pydatetime(), len(members),
        sum(placed[key_of(m)].copy_of is not None for m in members),
        len({m.author if known(m.author) else key_of(m) for m in members}), sum(audiences) if audiences else None,
        tuple(sorted(hours.items())), _multipliers(members), sum(m.label == "negative" for m in members),
        sum(m.label in ("negative", "neutral", "positive") for m in members),
    )  # fmt: skip


def _multipliers(members: Sequence[Any]) -> tuple[Multiplier, ...]:
    """Authors with the greatest audiences."""
    found: dict[tuple[str, str], Multiplier] = {}
    for m in members:
        if known(m.author) and known(m.audience):
            before = found.get((m.source, m.author))
            greatest = max(int(m.audience), before.audience if before else 0)
            found[m.source, m.author] = Multiplier(m.author, m.source, greatest, before.mentions + 1 if before else 1)
    return tuple(sorted(found.values(), key=lambda x: (-x.audience, x.source, x.author))[:MULTIPLIERS])


def praise(frame: "pd.DataFrame", n: int) -> list[Any]:
    """At most n mentions that are worth thanking for, the farthest heard first: rows of the store's frame.

    Of each author one; of texts that nearly repeat one another one.
    """
    positive = (frame.label == "positive") & (frame.labelled_by.notna() | (frame.confidence >= SURE))
    other = frame.kind.isna() | (frame.kind == "other")
    chosen = frame[~frame.own & frame.gone_by.isna() & ((frame.kind == "praise") | (positive & other))]
    reach = chosen.audience.astype("float64").fillna(-1)
    out: list[Any] = []
    said: list[set[str]] = []
    authors: set[tuple[str, str]] = set()
    ranked = chosen.assign(heard=reach).sort_values(
        ["heard", "polarity", "published_at"], ascending=[False, False, True], kind="stable"
    )
    for m in ranked.itertuples(index=False):
        words = {stem(t) for t in terms(m.text)}
        if len(out) == n:
            break
        if (m.source, m.author) in authors or any(len(words & s) >= COPY * len(words | s) for s in said):
            continue
        out.append(m)
        said.append(words)
        if known(m.author):
            authors.add((m.source, m.author))
    return out
