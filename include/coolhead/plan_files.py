"""Reads a plan's three files, and says everything that is wrong with them at once: file, line, key, valid choices."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from coolhead import registry
from coolhead.errors import ConfigError
from coolhead.plan import Brands, Escalation, Part, Plan, Role, RuleEntry, Rules, twice

FILES = ("brands.yaml", "rules.yaml", "escalation.yaml")
_MODELS: dict[str, type[Part]] = {"brands.yaml": Brands, "rules.yaml": Rules, "escalation.yaml": Escalation}


class _Loader(yaml.SafeLoader):
    """Leaves days and times as they are written: the models read them, and name the line of one that does not exist."""

    yaml_implicit_resolvers = {
        first: [(tag, like) for tag, like in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


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
    mistakes += _check_owners(brands, escalation.part)
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return Plan(brands=brands.part, rules=rules.part, escalation=escalation.part)


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
        content, node = yaml.load(text, _Loader), yaml.compose(text, _Loader)  # ruff: ignore[unsafe-yaml-load] - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        why = ", ".join(filter(None, (error.context, error.problem)))
        raise ConfigError(f"{path}:{line}: no valid YAML: {why}; look at this line and the one above it") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a number of 5,000 digits
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
    quotes = error["type"] == "string_type" and isinstance(error["input"], (bool, int, float))
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
    """What the file's models cannot know: settings of scorer and sources, and whether a watched brand is heard at all."""
    if file.part:
        chosen = file.part.scorer
        places: list[tuple[Any, tuple[Any, ...]]] = [(chosen, ("scorer",))]
        places += [(other, ("scorer", "beside", i)) for i, other in enumerate(chosen.beside)]
        for one, at in places:
            model, where = registry.load("sentiment", one.name).Settings, (*at, "settings")
            yield from _settings(file, model, one.settings, where, ".".join(map(str, where)))
    for i, brand in enumerate(file.part.brands if file.part else ()):
        for j, m in enumerate(brand.markets):
            at = ("brands", i, "markets", j)
            yield from _check_sources(file, m.sources, at, f"market {m.id}")
            for k, w in enumerate(m.watch):
                yield from _check_sources(file, w.sources, (*at, "watch", k), f"watch {w.id}")
            deaf = [w.id for w in m.watched() if not w.sources]
            yield from (
                f"{file.at(*at, 'watch')}: watch {w}: none of the sources of {m.id} searches for terms; give it `sources` of its own"
                for w in deaf
            )


def _check_sources(file: _File, sources: dict[str, dict[str, Any]], at: tuple[Any, ...], called: str) -> Iterator[str]:
    for name, settings in sources.items():
        model = registry.load("sources", name).Settings
        yield from _settings(file, model, settings, (*at, "sources", name), f"{called}: sources.{name}")


def _check_rules(file: _File, brands: Brands | None) -> Iterator[str]:
    """Settings of the rules, markets they name, names that stand twice."""
    rules: tuple[RuleEntry, ...] = file.part.rules if file.part else ()
    markets = [m.id for b in brands.brands for m in b.markets] if brands else []
    for i, r in enumerate(rules):
        yield from _settings(file, registry.load("rules", r.rule).Settings, r.settings, ("rules", i), f"rule {r.name}")
        for m in r.markets if brands else ():
            if m not in markets:
                yield f"{file.at('rules', i, 'markets')}: rule {r.name}.markets: brands.yaml has no market {m!r}, only: {', '.join(markets)}"
    yield from (f"{file.at('rules')}: {problem}" for problem in twice("rules have the name", [r.name for r in rules]))


def _check_escalation(file: _File) -> Iterator[str]:
    """Addresses, as their channels want them."""
    for i, p in enumerate(file.part.people if file.part else ()):
        for channel, address in p.addresses.items():
            if problem := registry.load("channels", channel).problem_with(address):
                yield f"{file.at('people', i, 'addresses', channel)}: people {p.id}.addresses.{channel}: {problem}"


def _check_owners(file: _File, escalation: Escalation | None) -> Iterator[str]:
    """Whoever owns a topic is told of in escalation.yaml."""
    if file.part is None or escalation is None:
        return
    people = [p.id for p in escalation.people]
    choices = [*people, *(r for r in get_args(Role) if escalation.having(r))]
    for i, brand in enumerate(file.part.brands):
        places: list[tuple[tuple[Any, ...], Any]] = [(("brands", i), brand.topics)]
        places += [(("brands", i, "markets", j), m.topics) for j, m in enumerate(brand.markets)]
        for at, topics in places:
            for k, t in enumerate(topics):
                if t.owner not in choices:
                    yield f"{file.at(*at, 'topics', k, 'owner')}: topic {t.name}.owner: {t.owner!r} is no person and no role of escalation.yaml; it has: {', '.join(choices)}"


def _settings(file: _File, model: type[BaseModel], settings: dict[str, Any], base: tuple[Any, ...], called: str) -> list[str]:
    try:
        model.model_validate(settings)
    except ValidationError as error:
        return _explain(file.path, file.node, model, error, base, called)
    return []
