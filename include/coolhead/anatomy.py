"""How an incident came about and spread: who began, which network joined when, who carried it, who they are, who reported on it.

Made of stored rows as known at one moment, of pseudonyms and ids: no text, no judgement. What speaks against authenticity is
evidence, never a verdict.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from coolhead import authenticity, registry
from coolhead.authenticity import Evidence
from coolhead.belonging import BEFORE, Belonging, belonging
from coolhead.complaint_topics import Topics
from coolhead.plan import Market, Plan
from coolhead.rows import Incident, InTopic, Topic
from coolhead.sentiment import active
from coolhead.store import Store
from coolhead.windows import Window, floor

if TYPE_CHECKING:
    import pandas as pd

HOUR = timedelta(hours=1)
MULTIPLIERS, TOPICS, TERMS = 5, 5, 5
QUARTER = timedelta(minutes=15)
ILL = 0.5
"""Share of negative mentions and complaints from which on a topic is one that people speak ill of."""
SHORT = 8
"""Characters of a pseudonym that a reader needs to tell authors apart."""


@dataclass(frozen=True)
class Post:
    """One mention, without its text."""

    at: datetime
    source: str
    native_id: str
    url: str | None
    form: str
    """original, answer or repost"""
    kind: str | None
    """complaint, question ...; None: unknown."""
    label: str | None
    author: str | None
    """Pseudonym; None: the network names none."""
    audience: int | None


@dataclass(frozen=True)
class Multiplier:
    """A large author's first post, and what was said before and after it."""

    post: Post
    before: int
    """Mentions in the hour before it."""
    after: int
    """Mentions in the hour after it, its own left out."""


@dataclass(frozen=True)
class Network:
    """One source's part."""

    source: str
    news: bool
    joined: datetime
    mentions: int
    reposts: int
    answers: int
    negative: int | None
    """None: none of them is scored."""


@dataclass(frozen=True)
class Spoken:
    """A topic's part."""

    terms: tuple[str, ...]
    owner: str | None
    mentions: int
    negative: int | None


@dataclass(frozen=True)
class Anatomy:
    """How one incident came about and spread, as known at one moment."""

    incident: Incident
    span: Window
    """From the first post, of which all delays are counted, to the recovery, the closing or `as_of`."""
    counted: Belonging
    """What of the mentions belongs to it."""
    topic: tuple[str, ...]
    """Terms of the topic that it is about, or began with; empty: of no one topic."""
    mentions: int
    authors: int
    first: Post | None
    networks: tuple[Network, ...]
    """In the order in which they joined."""
    steps: tuple[tuple[datetime, str, int, int], ...]
    """(start, source, mentions, of them negative) of 5 minutes, where there are some."""
    multipliers: tuple[Multiplier, ...]
    """The largest first."""
    outsiders: int
    """Authors who had not mentioned the brand in the 180 days before."""
    known: int
    """Authors of whom that is known."""
    languages: tuple[tuple[str, int], ...]
    topics: tuple[Spoken, ...]
    evidence: tuple[Evidence, ...]
    news: Post | None
    """First item of a source of news that speaks ill, or of what others speak ill of; None: none picked it up."""
    reach: int | None
    """Sum of the known audiences."""
    reach_known: int
    """Mentions whose audience is known."""

    @property
    def peak(self) -> tuple[datetime, int]:
        """The busiest quarter of an hour; of several the first."""
        sums = Counter[datetime]()
        for start, _, n, _ in self.steps:
            sums[floor(start, QUARTER)] += n
        return max(sums.items(), key=lambda x: (x[1], -x[0].timestamp()))


def anatomy(store: Store, plan: Plan, incident: Incident, as_of: datetime, authentic: bool = True) -> Anatomy:
    """Of an incident as it was known by `as_of`; of a drill, and of one that nobody spoke of, the counts are 0.

    authentic: also look for what speaks against authenticity, which compares every text with every other.
    """
    market, scorer = plan.market(incident.market), active(plan.brands.scorer)
    end = max(min(incident.recovered_at or incident.closed_at or as_of, as_of), incident.onset_at) + timedelta(microseconds=1)
    placed = _Placed(store, plan, market, Window(incident.onset_at - BEFORE, end))
    counted = belonging(store, plan, market, incident, placed.root, as_of)
    window = Window(counted.begin, counted.begin if incident.drill else end)
    frame = authenticity.gathered(store, market, window, scorer.name, scorer.revision, as_of)
    theirs = placed.beside(frame[~frame.own])
    theirs = counted.of(theirs, _bad(theirs)).reset_index(drop=True)
    told, theirs = _told(incident, end, counted, theirs, placed)
    return replace(told, evidence=tuple(authenticity.of_mentions(theirs, market))) if authentic else told


def _told(
    incident: Incident, end: datetime, counted: Belonging, theirs: "pd.DataFrame", placed: "_Placed"
) -> tuple[Anatomy, "pd.DataFrame"]:
    """With the mentions it is made of: those from the first post on, which in what is mostly ill spoken of is the first that does."""
    bad = theirs[_bad(theirs)]
    first = next(_posts((bad if len(bad) >= ILL * len(theirs) else theirs).head(1)), None)
    start = first.at if first else incident.onset_at
    theirs = theirs[theirs.published_at >= start]
    told = theirs[theirs.author.notna() & theirs["first"].notna()].groupby(["source", "author"])["first"].any()
    reach = theirs.audience.dropna()
    made = Anatomy(
        incident=incident, span=Window(start, max(start, end)), counted=counted, topic=placed.terms(incident.topic) if incident.topic else (),
        mentions=len(theirs), authors=_authors(theirs), first=first, networks=tuple(_networks(theirs)),
        steps=tuple(_steps(theirs)), multipliers=tuple(_multipliers(theirs)), outsiders=int(told.sum()), known=len(told),
        languages=_counted(theirs.scored_lang.fillna(theirs.lang).fillna("unknown")), topics=tuple(placed.topics(theirs)),
        evidence=(), news=next(_posts(_news(theirs).head(1)), None),
        reach=int(reach.sum()) if len(reach) else None, reach_known=len(reach),
    )  # fmt: skip
    return made, theirs


class _Placed:
    """Which topics the mentions of a span are in, each under the name that its chain began with."""

    def __init__(self, store: Store, plan: Plan, market: Market, span: Window) -> None:
        scorer, zone = active(plan.brands.scorer), ZoneInfo(market.time_zone)
        last = span.end.astimezone(zone).date()
        chain = Topics(store, plan, market, (scorer.name, scorer.revision), last)
        self._rows = store.read(InTopic, market=market.id, published_at=span)
        self._roots = chain.roots
        days = sorted({row.published_at.astimezone(zone).date() for row in self._rows})
        self._topics = {self.root(t.topic): t for t in store.read(Topic, market=market.id, day=days)} if days else {}

    def beside(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """With `topic`; null: about nothing that others speak of."""
        of = {(r.source, r.day, r.native_id): self.root(r.topic) for r in self._rows if r.topic}
        keys = zip(frame.source, frame.day, frame.native_id, strict=True)
        return frame.assign(topic=[of.get(key) for key in keys])

    def root(self, topic: str) -> str:
        """What its chain began with: a signal named it as it was known then, and the chain may have been found since."""
        return self._roots.get(topic, topic)

    def terms(self, topic: str) -> tuple[str, ...]:
        """Telling terms of its newest day."""
        found = self._topics.get(self.root(topic))
        return tuple(str(t) for t in found.terms[:TERMS]) if found and found.terms else (topic,)

    def topics(self, theirs: "pd.DataFrame") -> Iterator[Spoken]:
        """The largest, with the most negatives first."""
        known = theirs[theirs.topic.notna()]
        sizes = [(_negative(rows), len(rows), str(topic)) for topic, rows in known.groupby("topic")]
        for negative, mentions, topic in sorted(sizes, key=lambda s: (-(s[0] or 0), -s[1], s[2]))[:TOPICS]:
            found = self._topics.get(topic)
            yield Spoken(self.terms(topic), found.owner if found else None, mentions, negative)


def _posts(rows: "pd.DataFrame") -> Iterator[Post]:
    import pandas as pd

    for m in rows.itertuples(index=False):
        given = {
            n: None if pd.isna(v := getattr(m, n)) else v
            for n in ("url", "kind", "label", "author", "audience", "repost_of", "parent")
        }
        yield Post(
            m.published_at.to_pydatetime(), str(m.source), str(m.native_id), given["url"],
            "repost" if given["repost_of"] else "answer" if given["parent"] else "original", given["kind"], given["label"],
            str(given["author"])[:SHORT] if given["author"] else None, None if given["audience"] is None else int(given["audience"]),
        )  # fmt: skip


def _bad(theirs: "pd.DataFrame") -> "pd.Series[bool]":
    return (theirs.label == "negative") | (theirs.kind == "complaint")


def _negative(rows: "pd.DataFrame") -> int | None:
    return int((rows.label == "negative").sum()) if rows.polarity.notna().any() else None


def _authors(theirs: "pd.DataFrame") -> int:
    """Who is unknown counts as one each."""
    named = theirs[theirs.author.notna()]
    return len(named.drop_duplicates(["source", "author"])) + len(theirs) - len(named)


def _networks(theirs: "pd.DataFrame") -> Iterator[Network]:
    parts = [(rows.published_at.min().to_pydatetime(), str(source), rows) for source, rows in theirs.groupby("source")]
    for joined, source, rows in sorted(parts, key=lambda p: p[:2]):
        reposts, answers = rows.repost_of.notna(), rows.parent.notna() & rows.repost_of.isna()
        yield Network(
            source,
            _is_news(source),
            joined,
            len(rows),
            int(reposts.sum()),
            int(answers.sum()),
            _negative(rows),
        )


def _news(theirs: "pd.DataFrame") -> "pd.DataFrame":
    """Headlines are mostly neutral, so what they are about counts as well."""
    ill = _bad(theirs)
    share = ill.groupby(theirs.topic).transform("mean")
    return theirs[theirs.source.map(_is_news).astype(bool) & (ill | (share >= ILL))]


def _is_news(source: str) -> bool:
    return source in registry.names("sources") and bool(registry.load("sources", source).news)


def _steps(theirs: "pd.DataFrame") -> Iterator[tuple[datetime, str, int, int]]:
    said, bad = Counter[tuple[datetime, str]](), Counter[tuple[datetime, str]]()
    for at, source, label in zip(theirs.published_at, theirs.source, theirs.label, strict=True):
        place = (floor(at.to_pydatetime()), str(source))
        said[place] += 1
        bad[place] += label == "negative"
    return ((*place, n, bad[place]) for place, n in sorted(said.items()))


def _multipliers(theirs: "pd.DataFrame") -> Iterator[Multiplier]:
    """Largest audiences, each author's first post; ties by time."""
    ranked = theirs[theirs.audience.notna() & theirs.author.notna()].sort_values(
        ["audience", "published_at"], ascending=[False, True], kind="stable"
    )
    each = ranked.sort_values("published_at", kind="stable").drop_duplicates(["source", "author"])
    largest = each.sort_values(["audience", "published_at"], ascending=[False, True], kind="stable").head(MULTIPLIERS)
    at = theirs.published_at
    for post in _posts(largest):
        before = int(((at >= post.at - HOUR) & (at < post.at)).sum())
        yield Multiplier(post, before, max(int(((at >= post.at) & (at < post.at + HOUR)).sum()) - 1, 0))


def _counted(column: "pd.Series[Any]") -> tuple[tuple[str, int], ...]:
    counts = Counter(str(v) for v in column)
    return tuple(sorted(counts.items(), key=lambda kv: (-kv[1], kv[0])))
