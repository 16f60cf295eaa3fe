"""One negative post of somebody whom very many follow."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from coolhead.rows import ALL
from coolhead.rules import Finding, Rule, RuleSettings, Watch, each

if TYPE_CHECKING:
    import pandas as pd


class Settings(RuleSettings):
    """audience: that the author has at least; top: only authors among the top 1 % of those who speak of the brand, once it
    is known who does; credible: only accounts that are not likely automatic."""

    audience: Annotated[int, Field(ge=1)] = 100_000
    top: bool = True
    credible: bool = True


class Multiplier(Rule):
    """One post is enough: it fires as long as the post stands in the trailing hour, once per topic."""

    Settings = Settings
    by_itself = True

    @property
    def columns(self) -> tuple[str, ...]:
        return ("multipliers", "reach_total")

    @property
    def watches(self) -> Watch:
        return "sentiment"

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        largest: dict[tuple[Any, str], dict[str, Any]] = {}
        for start, post in each(points, "multipliers"):
            key = (start, post["topic"] or ALL)
            if self._counts(post) and post["audience"] > largest.get(key, {"audience": 0})["audience"]:
                largest[key] = post
        return [self._finding(start, topic, post) for (start, topic), post in sorted(largest.items(), key=lambda p: p[0])], {}

    def _counts(self, post: dict[str, Any]) -> bool:
        s = self.settings
        return (
            (post["audience"] or 0) >= s.audience
            and (post["top"] is not False or not s.top)
            and (post["credible"] or not s.credible)
        )

    def _finding(self, start: datetime, topic: str, post: dict[str, Any]) -> Finding:
        words = f"a negative post on {post['source']} by an author whom {post['audience']:,} follow; floor {self.settings.audience:,}"
        words += ", of the top 1 % of those who speak of the brand" if post["top"] else ""
        return Finding(start, "reach_total", post["audience"], self.settings.audience, words, topic)
