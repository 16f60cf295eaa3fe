"""Several people complain of one thing."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from coolhead.rules import Clearing, Finding, Rule, each

if TYPE_CHECKING:
    import pandas as pd


class Settings(Clearing):
    """authors: fires where more than so many distinct authors complain of one topic, and more than the topic's own usual (its
    95th percentile); over: the trailing 24 hours, or the trailing hour; clear: the number of authors at which it ends; topics:
    names of the plan's topics that it looks at (none: all, also those that nobody planned)."""

    authors: Annotated[int, Field(ge=2)] = 3
    over: Literal["day", "hour"] = "day"
    topics: tuple[str, ...] = ()

    def limit(self) -> tuple[str, float, bool]:
        return "authors", self.authors, True


class ComplaintCluster(Rule):
    """One finding per topic: "a cluster on one complaint above max(3 authors, the topic's own 95th percentile)"."""

    Settings = Settings
    by_itself = True
    refers = {"topics": "topics"}

    @property
    def columns(self) -> tuple[str, ...]:
        return ("topics", "negative_volume")

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        return [f for start, topic in each(points, "topics") if (f := self._finding(start, topic))], {}

    def _finding(self, start: datetime, topic: dict[str, Any]) -> Finding | None:
        s, key = self.settings, "authors_day" if self.settings.over == "day" else "authors"
        authors, usual = int(topic[key]), float(topic["usual"]) if s.over == "day" else 0.0
        limit, clear = max(s.authors, usual), s.authors if s.clear is None else s.clear
        # Spoken of in this hour: what was said yesterday is no news every five minutes.
        if (s.topics and topic["name"] not in s.topics) or not topic["authors"] or authors <= max(clear, usual):
            return None
        called = topic["name"] or ", ".join(topic["terms"][:3])
        words = f"{authors} people complain of {called!r} within {'24 hours' if s.over == 'day' else 'an hour'}: more than {clear if authors <= limit else s.authors:g}, and than the topic's usual {usual:g}"
        return Finding(start, "negative_volume", authors, limit, words, topic["topic"], weak=authors <= limit)
