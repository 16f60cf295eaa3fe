"""The crisis plan: brands.yaml, rules.yaml, escalation.yaml, strict.

Every mistake is reported at once, each with file, line, key and the valid choices. Tasks never read these files:
they run on the last version that passed `coolhead plan check` (plan_version in the store), so that a typo made in
a crisis breaks nothing that runs.
"""

import difflib
import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import available_timezones

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

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


def _plugin(family: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in (choices := registry.names(family)):
            raise ValueError(f"{value!r} is none of: {', '.join(choices)}")
        return value

    return AfterValidator(check)


class Terms(Part):
    """A mention matches when it holds any of `any_of`, every one of `all_of` and none of `none_of`."""

    any_of: Annotated[tuple[str, ...], Field(min_length=1)]
    all_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()


class Episode(Part):
    """A stretch of the past that people know to have been a crisis, or to have been none."""

    start: date
    end: date
    crisis: bool
    note: str = ""


class Market(Part):
    """Brand x country: time zone, languages, terms, sources."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]
    country: str = ""
    time_zone: Annotated[str, AfterValidator(_zone)]
    languages: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z]{2}$")], ...], Field(min_length=1)]
    terms: Terms
    own_accounts: dict[str, tuple[str, ...]] = {}
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
        ids = [m.id for b in self.brands for m in b.markets]
        for twice in sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"two markets have the id {twice!r}; each needs its own")
        return self


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
        held = {r for p in self.people for r in p.roles}
        for role in REQUIRED_ROLES:
            if role not in held:
                raise ValueError(
                    f"nobody has the role {role!r}; add it to `roles` of one of: {', '.join(p.id for p in self.people)}"
                )
        for i, step in enumerate(self.steps):
            for channel in step.channels:
                if not any(channel in p.addresses for p in self.people if set(p.roles) & set(step.notify)):
                    raise ValueError(f"steps[{i}]: none of {', '.join(step.notify)} has an address for the channel {channel!r}")
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


def load(folder: Path) -> Plan:
    """Read and check a plan. Raises ConfigError with every mistake, one per line."""
    mistakes: list[str] = []
    parts: dict[str, Any] = {}
    for name in FILES:
        try:
            parts[name.removesuffix(".yaml")] = _file(folder / name, mistakes)
        except ConfigError as error:
            mistakes.append(str(error))
    if not mistakes:
        plan = Plan(**parts)
        mistakes += _cross_check(plan)
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return plan


def restore(content: dict[str, Any]) -> Plan:
    """A plan from the store, where it was kept by `content()`."""
    return Plan.model_validate(content)


def _file(path: Path, mistakes: list[str]) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: the file is missing; `coolhead plan init BRAND` writes a plan") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is no UTF-8; save the file as UTF-8") from None
    try:
        content, node = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: no valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must be a mapping with the keys {', '.join(_MODELS[path.name].model_fields)}")
    try:
        return _MODELS[path.name].model_validate(content)
    except ValidationError as error:
        mistakes += [_explain(path, node, _MODELS[path.name], e) for e in error.errors()]
        return None


def _explain(path: Path, node: Any, model: type[BaseModel], error: Any) -> str:
    loc = tuple(error["loc"])
    where = ".".join(str(p) for p in loc) or "the file"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        keys = _keys_at(model, loc[:-1])
        near = difflib.get_close_matches(str(loc[-1]), keys, 1)
        message = "unknown key; " + (f"did you mean {near[0]!r}? " if near else "") + f"valid keys: {', '.join(keys)}"
    elif error["type"] == "missing":
        message = "is missing; add it"
    elif error["type"] != "value_error":
        message += f"; it is {error['input']!r}"
    return f"{path}:{_line(node, loc)}: {where}: {message}"


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


def _cross_check(plan: Plan) -> list[str]:
    """What one file cannot know: settings of plug-ins, markets named by rules."""
    out: list[str] = []
    for m in plan.markets:
        for name, settings in m.sources.items():
            out += _plugin_settings(
                f"brands.yaml: market {m.id}: sources.{name}", registry.load("sources", name).Settings, settings
            )
    for r in plan.rules.rules:
        out += _plugin_settings(f"rules.yaml: rule {r.name}", registry.load("rules", r.rule).Settings, r.settings)
        unknown = [m for m in r.markets if m not in {x.id for x in plan.markets}]
        out += [f"rules.yaml: rule {r.name}: markets: there is no market {m!r} in brands.yaml" for m in unknown]
    names = [r.name for r in plan.rules.rules]
    out += [
        f"rules.yaml: two rules have the name {n!r}; each needs its own"
        for n in sorted({n for n in names if names.count(n) > 1})
    ]
    for p in plan.escalation.people:
        for channel, address in p.addresses.items():
            if problem := registry.load("channels", channel).problem_with(address):
                out.append(f"escalation.yaml: people {p.id}: addresses.{channel}: {problem}")
    return out


def _plugin_settings(where: str, model: type[BaseModel], settings: dict[str, Any]) -> list[str]:
    try:
        TypeAdapter(model).validate_python(settings)
    except ValidationError as error:
        return [_explain_settings(where, model, e) for e in error.errors()]
    return []


def _explain_settings(where: str, model: type[BaseModel], error: Any) -> str:
    text = _explain(Path(where), None, model, error)
    return text.replace(f"{where}:1: ", f"{where}: ", 1)
