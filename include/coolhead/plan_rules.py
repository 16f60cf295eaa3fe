"""The plan's rules, with what they share; and what the brands' file says of them: red lines, and a calendar of what is expected."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from coolhead.plan_parts import Language, Part, plugin
from coolhead.rows import Severity
from coolhead.terms import Terms
from coolhead.windows import Window, local_day

Minutes = Annotated[int, Field(ge=0, le=10_080, multiple_of=5)]
PER_SOURCE = ("volume", "negative_volume", "negative_share", "reach_total")
"""KPIs that a rule may judge of one source by itself."""
FIXED = ("name", "rule", "overrides")
"""Keys of an entry that no override may change."""


class Override(BaseModel):
    """Other numbers for some markets; or for some sources, each of which is then judged by itself too."""

    model_config = ConfigDict(extra="allow", frozen=True)
    markets: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def changes(self) -> dict[str, Any]:
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.markets and not self.sources:
            raise ValueError("names neither `markets` nor `sources`; say where its numbers hold")
        if fixed := [key for key in FIXED if key in self.changes]:
            raise ValueError(f"cannot change {', '.join(fixed)}; write an entry of its own")
        if not self.changes and not self.sources:
            raise ValueError("changes nothing; give it the keys that differ")
        return self


class RuleEntry(BaseModel):
    """One rule: which plug-in, what every rule may be told, and its own settings beside."""

    model_config = ConfigDict(extra="allow", frozen=True, serialize_by_alias=True)
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]
    rule: Annotated[str, plugin("rules")]
    severity: Severity
    markets: tuple[str, ...] = ()
    """None: all."""
    sources: tuple[str, ...] = ()
    """Each is judged by itself; none: all together."""
    held: Annotated[Minutes, Field(alias="for")] = 5
    """Minutes that it must hold, in windows one after the other."""
    min_n: Annotated[int | None, Field(ge=0)] = None
    """Mentions behind the KPI that a window needs; null: what the rule itself asks for."""
    min_authors: Annotated[int, Field(ge=0)] = 0
    """Distinct authors that the trailing hour needs."""
    cool_down: Minutes = 0
    """Minutes after its end in which it does not fire again, unless it is worse than before."""
    overrides: tuple[Override, ...] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """What only its own rule understands."""
        return dict(self.model_extra or {})

    @property
    def source(self) -> str | None:
        """That it judges by itself, once it is resolved (`of`)."""
        return self.sources[0] if "@" in self.name else None

    def of(self, market: str) -> "Iterator[RuleEntry]":
        """As it judges one market: the market's own numbers in place of the common ones, one entry for each source that is
        judged by itself. Raises ValidationError where an override says what no entry may."""
        if self.markets and market not in self.markets:
            return
        theirs = [o for o in self.overrides if not o.markets or market in o.markets]
        if not self.sources:
            yield self.merged([o for o in theirs if not o.sources])
        for source in dict.fromkeys([*self.sources, *(s for o in theirs for s in o.sources)]):
            entry = self.merged([o for o in theirs if not o.sources or source in o.sources])
            yield entry.model_copy(update={"name": f"{self.name}@{source}", "sources": (source,)})

    def merged(self, overrides: list[Override]) -> "RuleEntry":
        """With their numbers in place of its own; the later ones win. Raises ValidationError."""
        content = self.model_dump(exclude={"overrides"})
        for o in overrides:
            content |= o.changes
        return RuleEntry.model_validate(content)


class Rules(Part):
    """rules.yaml"""

    rules: Annotated[tuple[RuleEntry, ...], Field(min_length=1)]


def _moment(value: Any) -> Any:
    """A local day, or a time with its zone."""
    if not isinstance(value, str):
        return value
    try:
        if len(value) == 10:
            return date.fromisoformat(value)
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no day and no time; write e.g. 2026-03-20, or 2026-03-20T09:00+01:00") from None
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone; write e.g. {value}+01:00, or the local day alone")
    return moment


Moment = Annotated[date | datetime, BeforeValidator(_moment)]


class Expected(Part):
    """A stretch of time in which much is said, as expected: a campaign, a sale, Ramadan, a trading Sunday. Rules that watch
    volume keep quiet in it, those that watch sentiment do not."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    start: Moment
    end: Moment
    """A day belongs to it as a whole."""
    expects: Literal["volume", "holiday"] = "volume"
    """A holiday keeps nobody quiet: what is usual on its days is what is usual on Sundays."""

    def span(self, zone: str) -> Window:
        start, end = self._ends(zone)
        return Window(start, max(start, end))

    def days(self, zone: str) -> Iterator[date]:
        """Its local days."""
        span = self.span(zone)
        day = span.start.astimezone(ZoneInfo(zone)).date()
        while local_day(day, zone).start < span.end:
            yield day
            day += timedelta(days=1)

    def _ends(self, zone: str) -> tuple[datetime, datetime]:
        start = self.start if isinstance(self.start, datetime) else local_day(self.start, zone).start
        return start, self.end if isinstance(self.end, datetime) else local_day(self.end, zone).end

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        start, end = self._ends("UTC")
        if end <= start:
            raise ValueError(f"{self.name!r} ends ({self.end}) before it starts ({self.start})")
        return self


class RedLine(Part):
    """What must be looked at if one credible person says it once: harm, a child, religion, boycott."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    terms: Annotated[dict[Language, Terms], Field(min_length=1)]
    """By language, in whose forms they are looked for."""
    severity: Literal["S1", "S2", "S3", "S4"] = "S2"
    """That is proposed; a person verifies."""
    owner: Annotated[str, Field(min_length=1, description="a person's id, or a role")]
