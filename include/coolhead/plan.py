"""The crisis plan: brands.yaml, rules.yaml, escalation.yaml, strict.

Every mistake is reported at once, each with file, line, key and the valid choices. Tasks never read these files:
they run on the last version that passed `coolhead plan check` (plan_version in the store), so that a typo made in
a crisis breaks nothing that runs.
"""

import difflib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import available_timezones

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from coolhead import registry
from coolhead.errors import ConfigError
from coolhead.rows import Severity

FILES = ("brands.yaml", "rules.yaml", "escalation.yaml")
Role = Literal["duty_lead", "crisis_lead", "spokesperson"]
REQUIRED_ROLES: tuple[Role, ...] = ("duty_lead", "crisis_lead", "spokesperson")


class Part(BaseModel):
    """Base of the plan's models: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _zone(value: str) -> str:
    if value not in available_timezones():
        near = difflib.get_close_matches(value, available_timezones(), 3)
        raise ValueError(
            f"{value!r} is no time zone" + (f"; did you mean {' or '.join(near)}?" if near else "; write e.g. Europe/Rome")
        )
    return value


def _term(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty and would match everything; write a name or word")
    return value.strip()


Term = Annotated[str, AfterValidator(_term)]


def _plugin(family: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in (choices := registry.names(family)):
            raise ValueError(f"{value!r} is none of: {', '.join(choices)}")
        return value

    return AfterValidator(check)


class Terms(Part):
    """A mention matches when it holds any of `any_of`, every one of `all_of` and none of `none_of`."""

    any_of: Annotated[tuple[Term, ...], Field(min_length=1)]
    all_of: tuple[Term, ...] = ()
    none_of: tuple[Term, ...] = ()


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


class Market(Part):
    """Brand x country: time zone, languages, terms, sources."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]
    country: str = ""
    time_zone: Annotated[str, AfterValidator(_zone)]
    languages: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z]{2}$")], ...], Field(min_length=1)]
    terms: Terms
    own_accounts: dict[Annotated[str, _plugin("sources")], tuple[str, ...]] = {}
    sources: dict[Annotated[str, _plugin("sources")], dict[str, Any]]
    known_episodes: tuple[Episode, ...] = ()


class Brand(Part):
    """A brand and its markets."""

    name: Annotated[str, Field(min_length=1)]
    markets: Annotated[tuple[Market, ...], Field(min_length=1)]


class Network(Part):
    """What the one HTTP client may do."""

    allow_private: bool = False


class ScorerChoice(Part):
    """The active scorer."""

    name: Annotated[str, _plugin("sentiment")] = "linear"


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
    scorer: ScorerChoice = ScorerChoice()
    quality: Quality = Quality()
    retention: Retention = Retention()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        _raise(_twice("markets have the id", [m.id for b in self.brands for m in b.markets]))
        return self


def _twice(what: str, names: list[str]) -> list[str]:
    return [f"two {what} {n!r}; each needs its own" for n in sorted({n for n in names if names.count(n) > 1})]


def _raise(problems: list[str]) -> None:
    """One per line, so that `_explain` tells them all."""
    if problems:
        raise ValueError("\n".join(problems))


class RuleEntry(BaseModel):
    """One rule: which plug-in, and its own settings beside."""

    model_config = ConfigDict(extra="allow", frozen=True)
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]
    rule: Annotated[str, _plugin("rules")]
    severity: Severity
    markets: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Rules(Part):
    """rules.yaml"""

    rules: Annotated[tuple[RuleEntry, ...], Field(min_length=1)]


class Person(Part):
    """Somebody who is told and decides; `id` is the person's Airflow user."""

    id: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    addresses: dict[Annotated[str, _plugin("channels")], str]


class Step(Part):
    """One step of the escalation: whom to tell, and how long to wait for an answer."""

    notify: Annotated[tuple[Role, ...], Field(min_length=1)]
    channels: Annotated[tuple[Annotated[str, _plugin("channels")], ...], Field(min_length=1)]
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

    @model_validator(mode="after")
    def _complete(self) -> Self:
        ids = [p.id for p in self.people]
        held = {r for p in self.people for r in p.roles}
        problems = _twice("people have the id", ids)  # the second one's notices would take the place of the first one's
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
        _raise(problems)
        return self


class Plan(Part):
    """The whole plan, checked."""

    brands: Brands
    rules: Rules
    escalation: Escalation

    @property
    def markets(self) -> list[Market]:
        return [m for b in self.brands.brands for m in b.markets]

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

    def rules_of(self, market_id: str) -> list[RuleEntry]:
        return [r for r in self.rules.rules if not r.markets or market_id in r.markets]

    def content(self) -> dict[str, Any]:
        """JSON-ready."""
        return dict(self.model_dump(mode="json"))

    def hash(self) -> str:
        return hashlib.sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()


_MODELS: dict[str, type[Part]] = {"brands.yaml": Brands, "rules.yaml": Rules, "escalation.yaml": Escalation}


@dataclass(frozen=True)
class _File:
    """One file as read; `part` is None where it has mistakes of its own."""

    path: Path
    node: Any
    part: Any

    def at(self, *loc: Any) -> str:
        return f"{self.path}:{_line(self.node, loc)}"


def load(folder: Path) -> Plan:
    """Read and check a plan. Raises ConfigError with every mistake, one per line."""
    mistakes: list[str] = []
    brands, rules, escalation = (_file(folder / name, mistakes) for name in FILES)
    mistakes += [*_check_brands(brands), *_check_rules(rules, brands.part), *_check_escalation(escalation)]
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return Plan(brands=brands.part, rules=rules.part, escalation=escalation.part)


def restore(content: dict[str, Any]) -> Plan:
    """A plan from the store, where it was kept by `content()`."""
    return Plan.model_validate(content)


def _file(path: Path, mistakes: list[str]) -> _File:
    try:
        content, node = _parsed(path)
        part = None
        try:
            part = _MODELS[path.name].model_validate(content)
        except ValidationError as error:
            mistakes += _explain(path, node, _MODELS[path.name], error)
        mistakes += [f"{path}:{line}: {key}: stands twice; join the two" for line, key in _repeated(node)]
    except ConfigError as error:
        mistakes.append(str(error))
        return _File(path, None, None)
    return _File(path, node, part)


def _parsed(path: Path) -> tuple[dict[str, Any], Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: the file is missing; `coolhead plan init BRAND` writes a plan") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is no UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        content, node = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        why = ", ".join(filter(None, (error.context, error.problem)))
        raise ConfigError(f"{path}:{line}: no valid YAML: {why}; look at this line and the one above it") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2026-02-30
        raise ConfigError(f"{path}: no valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must be a mapping with the keys {', '.join(_MODELS[path.name].model_fields)}")
    return content, node


def _repeated(node: Any) -> Iterator[tuple[int, str]]:
    """(line, key) of keys that stand twice in one mapping: YAML would keep the last and say nothing."""
    seen: set[str] = set()
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value in seen:
            yield key.start_mark.line + 1, str(key.value)
        seen.add(str(key.value))
        yield from _repeated(value)
    for item in node.value if isinstance(node, yaml.SequenceNode) else ():
        yield from _repeated(item)


def _explain(
    path: Path, node: Any, model: type[BaseModel], error: ValidationError, base: tuple[Any, ...] = (), called: str = ""
) -> list[str]:
    """Every mistake with file, line, key and cure. `base`, `called`: where in the file the model stands."""
    # A list with a wrong item is said to be too short as well: an echo, with all of its content.
    found = [e for e in error.errors() if not (e["type"] == "too_short" and e["input"])]
    out: list[str] = []
    for e in found:
        loc = tuple(part for part in e["loc"] if part != "[key]")
        where = ".".join(filter(None, (called, *map(str, loc)))) or "the file"
        out += [f"{path}:{_line(node, (*base, *loc))}: {where}: {m}" for m in _message(model, e, loc).split("\n")]
    return out


def _message(model: type[BaseModel], error: Any, loc: tuple[Any, ...]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        keys = _keys_at(model, loc[:-1])
        near = difflib.get_close_matches(str(loc[-1]), keys, 1)
        return "unknown key; " + (f"did you mean {near[0]!r}? " if near else "") + f"valid keys: {', '.join(keys)}"
    if error["type"] == "missing":
        return "is missing; add it"
    if error["type"] == "value_error":
        return message
    quotes = error["type"] == "string_type" and isinstance(error["input"], (bool, int, float, date))
    return f"{message}; it is {error['input']!r}" + ("; write it in quotes" if quotes else "")


def _keys_at(model: Any, loc: tuple[Any, ...]) -> list[str]:
    """Field names of the model that stands at a path of the tree, found by walking its annotations."""

    def models(annotation: Any) -> list[Any]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return [annotation]
        return [m for a in get_args(annotation) for m in models(a)]

    for part in loc:
        if part in model.model_fields and (inner := models(model.model_fields[part].annotation)):
            model = inner[-1]
    return list(model.model_fields)


def _line(node: Any, loc: tuple[Any, ...]) -> int:
    """Line of the deepest node of the path that exists."""
    line = 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _check_brands(file: _File) -> Iterator[str]:
    """What the file's models cannot know: settings of the sources."""
    for i, brand in enumerate(file.part.brands if file.part else ()):
        for j, m in enumerate(brand.markets):
            for name, settings in m.sources.items():
                base = ("brands", i, "markets", j, "sources", name)
                yield from _settings(
                    file, registry.load("sources", name).Settings, settings, base, f"market {m.id}: sources.{name}"
                )


def _check_rules(file: _File, brands: Brands | None) -> Iterator[str]:
    """Settings of the rules, markets they name, names that stand twice."""
    rules: tuple[RuleEntry, ...] = file.part.rules if file.part else ()
    markets = [m.id for b in brands.brands for m in b.markets] if brands else []
    for i, r in enumerate(rules):
        yield from _settings(file, registry.load("rules", r.rule).Settings, r.settings, ("rules", i), f"rule {r.name}")
        for m in r.markets if brands else ():
            if m not in markets:
                yield f"{file.at('rules', i, 'markets')}: rule {r.name}.markets: brands.yaml has no market {m!r}, only: {', '.join(markets)}"
    yield from (f"{file.at('rules')}: {problem}" for problem in _twice("rules have the name", [r.name for r in rules]))


def _check_escalation(file: _File) -> Iterator[str]:
    """Addresses, as their channels want them."""
    for i, p in enumerate(file.part.people if file.part else ()):
        for channel, address in p.addresses.items():
            if problem := registry.load("channels", channel).problem_with(address):
                yield f"{file.at('people', i, 'addresses', channel)}: people {p.id}.addresses.{channel}: {problem}"


def _settings(file: _File, model: type[BaseModel], settings: dict[str, Any], base: tuple[Any, ...], called: str) -> list[str]:
    try:
        model.model_validate(settings)
    except ValidationError as error:
        return _explain(file.path, file.node, model, error, base, called)
    return []
