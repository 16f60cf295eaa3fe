"""Which mentions an incident is made of: what somebody means who asks how large it was, and who began it.

Where its signals are about topics: the mentions of these topics, from a day before its rise on; the posts that made a rule fire by
themselves (a large author's, a red line's); and, where signals about no one topic are among them too, all that is negative or a
complaint from its onset to the last of these. Otherwise, as of one that a person reported: all that was said since its onset.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from coolhead.plan import Market, Plan
from coolhead.rows import ALL, Incident, Seen, Signal
from coolhead.store import Store
from coolhead.windows import BASE, Window

if TYPE_CHECKING:
    import pandas as pd

BEFORE = timedelta(days=1)
"""A topic may have begun before the rise that alarmed."""
LINE = "red line: "
"""What stands for a topic in a red line's signal begins so."""
Post = tuple[str, str]
"""(source, native id)"""


@dataclass(frozen=True)
class Belonging:
    """What of a market's mentions belongs to one incident."""

    since: datetime
    """Its onset."""
    topics: frozenset[str]
    """By the names that their chains began with."""
    posts: frozenset[Post]
    """Those that made a rule fire by themselves."""
    storm: Window | None
    """Where signals about no one topic spoke, beside those about topics."""

    @property
    def all(self) -> bool:
        """Everything that was said since the onset: nothing says what it is about."""
        return not self.topics

    @property
    def begin(self) -> datetime:
        """Nothing that was published before can belong to it."""
        return self.since if self.all else self.since - BEFORE

    def of(self, theirs: "pd.DataFrame", bad: "pd.Series[bool]") -> "pd.DataFrame":
        """The mentions that belong to it. theirs: with `topic`; bad: negative or a complaint."""
        import pandas as pd

        if self.all:
            return theirs[theirs.published_at >= self.since]
        named = [post in self.posts for post in zip(theirs.source, theirs.native_id, strict=True)]
        chosen = theirs.topic.isin(self.topics) | pd.Series(named, index=theirs.index, dtype=bool)
        if self.storm:
            chosen |= bad & (theirs.published_at >= self.storm.start) & (theirs.published_at < self.storm.end)
        return theirs[chosen]


def belonging(
    store: Store, plan: Plan, market: Market, incident: Incident, root: Callable[[str], str], as_of: datetime
) -> Belonging:
    """Of an incident, as its signals were known then. root: topic -> what its chain began with."""
    loud = {e.name for e in plan.rules_of(market.id) if e.rule == "multiplier"}
    signals = [s for s in store.read(Signal, incident_id=incident.incident_id) if s.as_of <= as_of]
    topics = {s.topic for s in signals if s.topic != ALL and not s.topic.startswith(LINE)} | {incident.topic or ALL} - {ALL}
    if not topics:
        return Belonging(incident.onset_at, frozenset(), frozenset(), None)
    last = max((s.start + BASE for s in signals if s.topic == ALL and s.rule not in loud), default=None)
    storm = Window(min(incident.onset_at, last), last) if last else None
    fired = [s for s in signals if s.rule in loud or s.topic.startswith(LINE)]
    return Belonging(incident.onset_at, frozenset(map(root, topics)), frozenset(_posts(store, market, fired)), storm)


def _posts(store: Store, market: Market, fired: list[Signal]) -> Iterator[Post]:
    """Those in the evidence of the windows in which these signals spoke that made them speak."""
    seen = {s.start: s.evidence for s in store.read(Seen, market=market.id, start={s.start for s in fired})} if fired else {}
    for s in fired:
        kind = "red_lines" if s.topic.startswith(LINE) else "multipliers"
        for post in seen.get(s.start, {}).get(kind, []):
            if _made_fire(s, post):
                yield post["source"], post["native_id"]


def _made_fire(signal: Signal, post: dict[str, object]) -> bool:
    if signal.topic.startswith(LINE):
        return bool(post["name"] == signal.topic.removeprefix(LINE) and post["credible"])
    audience = post["audience"]
    return isinstance(audience, int) and audience >= signal.threshold and (post["topic"] or ALL) == signal.topic
