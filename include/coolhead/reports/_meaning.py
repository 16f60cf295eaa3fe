"""What was said: topics with their owners, kinds of comment, praise worth thanking for, and what speaks about authenticity."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, get_args

from coolhead.authenticity import Evidence, gathered, of_mentions
from coolhead.kpis import share
from coolhead.plan import Plan
from coolhead.reports._mentions import PSEUDONYM, Quote, quoted
from coolhead.reports._numbers import Reader
from coolhead.reports._page import count
from coolhead.rows import Kind
from coolhead.told_topics import ToldTopic, of_day, praise
from coolhead.windows import Window

if TYPE_CHECKING:
    import pandas as pd

MOST = 8
"""Topics shown."""
EVIDENCE = 3
MANY = {
    "complaint": "complaints", "criticism": "pieces of constructive criticism", "question": "questions", "praise": "words of praise",
    "insult": "insults", "spam": "pieces of spam", "other": "of no such kind",
}  # fmt: skip


@dataclass(frozen=True)
class TopicLine:
    """One topic of the day."""

    name: str
    """As people wrote it; or the plan's name of it."""
    owner: str
    mentions: int
    copies: int
    authors: int
    first_at: datetime
    peak: tuple[datetime, int]
    negative: int
    n: int
    low: float | None
    high: float | None
    """95 % interval of the negative share, as read."""
    carried: str
    """Who carried it farthest."""
    again: bool
    """It goes on from a day before."""


def topics(reader: Reader, plan: Plan, day: date) -> list[TopicLine]:
    """Those with the most negatives first."""
    told = of_day(reader.store, plan, reader.market, day, reader.as_of)
    people = {p.id: p.name for p in plan.escalation.people}
    return [_line(t, people.get(t.owner or "", t.owner or "")) for t in told[:MOST]]


def _line(t: ToldTopic, owner: str) -> TopicLine:
    import pandas as pd

    read = share(pd.Series([float(t.negative)]), pd.Series([float(t.n)])).iloc[0] if t.n else None
    carried = next((f"{m.author[:PSEUDONYM]}, {m.source}, audience {count(m.audience)}" for m in t.multipliers), "")
    return TopicLine(
        ", ".join(t.terms) or t.topic, owner, t.mentions, t.duplicates, t.authors, t.first.published_at.to_pydatetime(), t.peak,
        t.negative, t.n, None if read is None else float(read.low), None if read is None else float(read.high), carried, t.continues is not None,
    )  # fmt: skip


def kinds(frame: "pd.DataFrame") -> str:
    """`41 complaints, 12 questions, ...; 3 not read yet`; empty where nobody's comment was read."""
    theirs = frame[~frame.own]
    found = theirs.kind.value_counts()
    said = [f"{found[kind]:,} {MANY[kind]}" for kind in get_args(Kind) if kind in found]
    unread = int(theirs.kind.isna().sum())
    return ", ".join(said) + (f"; {unread:,} not read yet" if unread else "") if said else ""


def thanks(frame: "pd.DataFrame", most: int) -> list[Quote]:
    """Praise that is worth thanking for."""
    import pandas as pd

    chosen = praise(frame, most)
    return quoted(pd.DataFrame(chosen)) if chosen else []


def evidence(reader: Reader, window: Window) -> list[Evidence]:
    """In the negative mentions of the window; the strongest first. Evidence, never a verdict."""
    frame = gathered(reader.store, reader.market, window, reader.scorer, reader.revision, reader.as_of)
    return of_mentions(frame[frame.label == "negative"], reader.market)[:EVIDENCE]
