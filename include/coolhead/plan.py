"""The crisis plan: brands.yaml, rules.yaml, escalation.yaml, strict.

Every mistake is reported at once, each with file, line, key and the valid choices. Tasks never read these files:
they run on the last version that passed `coolhead plan check` (plan_version in the store), so that a typo made in
a crisis breaks nothing that runs.
"""

import hashlib
import json
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from coolhead import registry
from coolhead.errors import ConfigError
from coolhead.plan_parts import Language, MarketId, Part, Zone, plugin, refuse, twice
from coolhead.plan_rules import Expected, RedLine, Rules
from coolhead.plan_rules import RuleEntry as RuleEntry
from coolhead.plan_versions import Refused, understood
from coolhead.reach import ReachFactor
from coolhead.rows import Severity
from coolhead.terms import Term, Terms

Role = Literal["duty_lead", "crisis_lead", "spokesperson", "operator"]
"""`operator` is told of blind sources; where nobody has it, the duty leads are."""
REQUIRED_ROLES: tuple[Role, ...] = ("duty_lead", "crisis_lead", "spokesperson")


class Episode(Part):
    """A stretch of the past that people know to have been a crisis, or to have been none."""

    start: date
    end: date
    crisis: bool
    note: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"end {self.end} lies before start {self.start}")
        return self


class Watched(Part):
    """Another brand, listened to for share of voice and to learn from its crises; it never alarms as our own."""

    id: MarketId
    name: Annotated[str, Field(min_length=1)]
    terms: Terms
    sources: dict[Annotated[str, plugin("sources")], dict[str, Any]] = {}
    """None: those of the market that search for terms."""


class PlannedTopic(Part):
    """What people are known to complain about, and who sees to it, in peacetime too."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    terms: Annotated[dict[Language, Terms], Field(min_length=1)]
    """By language, in whose forms they are looked for."""
    owner: Annotated[str, Field(min_length=1, description="a person's id, or a role")]


class Market(Part):
    """Brand x country: time zone, languages, terms, sources."""

    id: MarketId
    country: str = ""
    time_zone: Zone
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    terms: Terms
    own_accounts: dict[Annotated[str, plugin("sources")], tuple[str, ...]] = {}
    sources: dict[Annotated[str, plugin("sources")], dict[str, Any]]
    known_episodes: tuple[Episode, ...] = ()
    topics: tuple[PlannedTopic, ...] = ()
    red_lines: tuple[RedLine, ...] = ()
    calendar: tuple[Expected, ...] = ()
    watch: tuple[Watched, ...] = ()

    @property
    def holidays(self) -> frozenset[date]:
        """Local days on which people speak as on Sundays."""
        return frozenset(d for e in self.calendar if e.expects == "holiday" for d in e.days(self.time_zone))

    def watched(self) -> "list[Market]":
        """The other brands as markets, in this one's time zone and languages."""
        shared = {s: given for s, given in self.sources.items() if registry.load("sources", s).searches}
        return [
            self.model_copy(update={
                "id": w.id, "terms": w.terms, "sources": w.sources or shared, "own_accounts": {}, "known_episodes": (),
                "topics": (), "red_lines": (), "calendar": (), "watch": (),
            })
            for w in self.watch
        ]  # fmt: skip


class Brand(Part):
    """A brand and its markets."""

    name: Annotated[str, Field(min_length=1)]
    topics: tuple[PlannedTopic, ...] = ()
    """Of all its markets."""
    red_lines: tuple[RedLine, ...] = ()
    markets: Annotated[tuple[Market, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for m in self.markets:
            problems = twice(f"topics of {m.id} have the name", [t.name for t in (*m.topics, *self.topics)])
            problems += twice(f"red lines of {m.id} have the name", [r.name for r in (*m.red_lines, *self.red_lines)])
            refuse(problems + twice(f"events in the calendar of {m.id} have the name", [e.name for e in m.calendar]))
        return self


class Network(Part):
    """What the one HTTP client may do: the names are those of its fields."""

    allow_private: bool = False
    private_hosts: tuple[Term, ...] = ()
    redirect_hosts: tuple[Term, ...] = ()


class ScorerChoice(Part):
    """A scorer, and what it is told."""

    name: Annotated[str, plugin("sentiment")] = "linear"
    settings: dict[str, Any] = {}


class ActiveScorer(ScorerChoice):
    """The scorer that everything goes by."""

    beside: tuple[ScorerChoice, ...] = ()
    """Others that read the same; their series are published beside, and nothing goes by them."""


class Quality(Part):
    """Above this share of refused rows a payload fails its task, after all rows are written."""

    max_refused_share: Annotated[float, Field(ge=0, le=1)] = 0.2


class Retention(Part):
    """Days that things are kept."""

    payload_days: Annotated[int, Field(ge=1)] = 30
    mention_days: Annotated[int, Field(ge=30)] = 730
    quarantine_days: Annotated[int, Field(ge=1)] = 90


class Brands(Part):
    """brands.yaml"""

    brands: Annotated[tuple[Brand, ...], Field(min_length=1)]
    public_url: Annotated[str, Field(pattern=r"^https?://")] = "http://127.0.0.1:8080"
    network: Network = Network()
    scorer: ActiveScorer = ActiveScorer()
    quality: Quality = Quality()
    retention: Retention = Retention()
    reach_factor: ReachFactor = ReachFactor()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        ids = [i for b in self.brands for m in b.markets for i in (m.id, *(w.id for w in m.watch))]
        refuse(twice("markets have the id", ids))
        return self


class Person(Part):
    """Somebody who is told and decides; `id` is the person's Airflow user."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.@-]{1,64}$")]
    name: Annotated[str, Field(min_length=1)]
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    addresses: dict[Annotated[str, plugin("channels")], str]


class Step(Part):
    """One step of the escalation: whom to tell, and how long to wait for an answer."""

    notify: Annotated[tuple[Role, ...], Field(min_length=1)]
    channels: Annotated[tuple[Annotated[str, plugin("channels")], ...], Field(min_length=1)]
    wait_minutes: Annotated[int, Field(ge=1, le=240)] = 15


class Clocks(Part):
    """Targets in minutes; a draft is not sent before the cool-off and has the response deadline."""

    assess_minutes: Annotated[int, Field(ge=1)] = 15
    respond_minutes: Annotated[int, Field(ge=1)] = 30
    cool_off_minutes: Annotated[int, Field(ge=0)] = 15


class Escalation(Part):
    """escalation.yaml. The last step repeats, to everybody with a duty role, until somebody acknowledges."""

    people: Annotated[tuple[Person, ...], Field(min_length=1)]
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    ask_from: Severity = "S1"
    respond_from: Severity = "S2"
    clocks: Clocks = Clocks()
    crisis_history: bool = False

    @property
    def operators(self) -> list[Person]:
        """Who is told of blind sources."""
        return self.having("operator") or self.having("duty_lead")

    def having(self, role: Role) -> list[Person]:
        return [p for p in self.people if role in p.roles]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        ids = [p.id for p in self.people]
        held = {r for p in self.people for r in p.roles}
        problems = twice("people have the id", ids)  # the second one's notices would take the place of the first one's
        problems += [
            f"nobody has the role {role!r}; add it to `roles` of one of: {', '.join(ids)}"
            for role in REQUIRED_ROLES
            if role not in held
        ]
        problems += [
            f"steps.{i}: none of {', '.join(step.notify)} has an address for the channel {channel!r}"
            for i, step in enumerate(self.steps)
            for channel in step.channels
            if not any(channel in p.addresses for p in self.people if set(p.roles) & set(step.notify))
        ]
        refuse(problems)
        return self


class Plan(Part):
    """The whole plan, checked."""

    brands: Brands
    rules: Rules
    escalation: Escalation
    refused: Annotated[tuple[Refused, ...], Field(exclude=True)] = ()
    """Rules of a stored version that this version of Coolhead cannot read."""

    @property
    def markets(self) -> list[Market]:
        return [m for b in self.brands.brands for m in b.markets]

    @cached_property
    def listened(self) -> list[Market]:
        """The markets, and the other brands that they watch."""
        return [*self.markets, *(w for m in self.markets for w in m.watched())]

    @cached_property
    def languages(self) -> frozenset[str]:
        """Those of all markets."""
        return frozenset(lang for m in self.markets for lang in m.languages)

    def market(self, market_id: str) -> Market:
        """Raises ConfigError that lists the markets."""
        for m in self.markets:
            if m.id == market_id:
                return m
        raise ConfigError(
            f"brands.yaml: there is no market {market_id!r}; the plan has: {', '.join(m.id for m in self.markets)}"
        )

    def only_market(self) -> Market:
        """Raises ConfigError where the plan has several."""
        if len(self.markets) != 1:
            raise ConfigError(f"market: name one of {', '.join(m.id for m in self.markets)}")
        return self.markets[0]

    def brand_of(self, market_id: str) -> str:
        return next(b.name for b in self.brands.brands if any(m.id == market_id for m in b.markets))

    def topics_of(self, market_id: str) -> tuple[PlannedTopic, ...]:
        """The market's own first, then its brand's; none of another brand that is only watched."""
        found = ((*m.topics, *b.topics) for b in self.brands.brands for m in b.markets if m.id == market_id)
        return next(found, ())

    def red_lines_of(self, market_id: str) -> tuple[RedLine, ...]:
        """The market's own first, then its brand's."""
        found = ((*m.red_lines, *b.red_lines) for b in self.brands.brands for m in b.markets if m.id == market_id)
        return next(found, ())

    def rules_of(self, market_id: str) -> list[RuleEntry]:
        """With the market's own numbers, and an entry for each source that is judged by itself."""
        return [entry for r in self.rules.rules for entry in r.of(market_id)]

    def content(self) -> dict[str, Any]:
        """JSON-ready."""
        return dict(self.model_dump(mode="json"))

    def hash(self) -> str:
        return hashlib.sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()


def restore(content: dict[str, Any]) -> Plan:
    """A plan from the store, where it was kept by `content()`; what is no rule any more is left out, and told in `refused`.

    Raises ValidationError where more than rules is not understood any more, or no rule is left.
    """
    kept, refused = understood(content["rules"]["rules"])
    return Plan.model_validate({**content, "rules": {**content["rules"], "rules": kept}, "refused": refused})
