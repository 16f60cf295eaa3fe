"""Reads a plan's three files, and says everything that is wrong with them at once: file, line, key, valid choices."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from coolhead import registry
from coolhead.errors import ConfigError
from coolhead.plan import Brands, Escalation, Plan, Role
from coolhead.plan_mistakes import File, check_settings, explain
from coolhead.plan_parts import Part
from coolhead.plan_rule_check import check_rules
from coolhead.plan_rules import Rules
from coolhead.plan_yaml import parsed, repeated

FILES = ("brands.yaml", "rules.yaml", "escalation.yaml")
_MODELS: dict[str, type[Part]] = {"brands.yaml": Brands, "rules.yaml": Rules, "escalation.yaml": Escalation}


def load(folder: Path) -> Plan:
    """Read and check a plan. Raises ConfigError with every mistake, one per line."""
    mistakes: list[str] = []
    brands, rules, escalation = (_file(folder / name, mistakes) for name in FILES)
    mistakes += [*_check_brands(brands), *check_rules(rules, brands.part), *_check_escalation(escalation)]
    mistakes += _check_owners(brands, escalation.part)
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return Plan(brands=brands.part, rules=rules.part, escalation=escalation.part)


def _file(path: Path, mistakes: list[str]) -> File:
    try:
        content, node = parsed(path, list(_MODELS[path.name].model_fields), "`coolhead plan init BRAND` writes a plan")
        part = None
        try:
            part = _MODELS[path.name].model_validate(content)
        except ValidationError as error:
            mistakes += explain(path, node, _MODELS[path.name], error)
        mistakes += [f"{path}:{line}: {key}: stands twice; join the two" for line, key in repeated(node)]
    except ConfigError as error:
        mistakes.append(str(error))
        return File(path, None, None)
    return File(path, node, part)


def _check_brands(file: File) -> Iterator[str]:
    """What the file's models cannot know: settings of scorer and sources, and whether a watched brand is heard at all."""
    if file.part:
        chosen = file.part.scorer
        places: list[tuple[Any, tuple[Any, ...]]] = [(chosen, ("scorer",))]
        places += [(other, ("scorer", "beside", i)) for i, other in enumerate(chosen.beside)]
        for one, at in places:
            model, where = registry.load("sentiment", one.name).Settings, (*at, "settings")
            yield from check_settings(file, model, one.settings, where, ".".join(map(str, where)))
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


def _check_sources(file: File, sources: dict[str, dict[str, Any]], at: tuple[Any, ...], called: str) -> Iterator[str]:
    for name, settings in sources.items():
        model = registry.load("sources", name).Settings
        yield from check_settings(file, model, settings, (*at, "sources", name), f"{called}: sources.{name}")


def _check_escalation(file: File) -> Iterator[str]:
    """Addresses, as their channels want them."""
    for i, p in enumerate(file.part.people if file.part else ()):
        for channel, address in p.addresses.items():
            if problem := registry.load("channels", channel).problem_with(address):
                yield f"{file.at('people', i, 'addresses', channel)}: people {p.id}.addresses.{channel}: {problem}"


def _check_owners(file: File, escalation: Escalation | None) -> Iterator[str]:
    """Whoever owns a topic or a red line is told of in escalation.yaml."""
    if file.part is None or escalation is None:
        return
    people = [p.id for p in escalation.people]
    choices = [*people, *(r for r in get_args(Role) if escalation.having(r))]
    for i, brand in enumerate(file.part.brands):
        places: list[tuple[tuple[Any, ...], Any]] = [(("brands", i), brand)]
        places += [(("brands", i, "markets", j), m) for j, m in enumerate(brand.markets)]
        owned = [
            (*at, key, k, x) for at, of in places for key in ("topics", "red_lines") for k, x in enumerate(getattr(of, key))
        ]
        for *at, x in owned:
            if x.owner not in choices:
                called = "red line" if "red_lines" in at else "topic"
                yield f"{file.at(*at, 'owner')}: {called} {x.name}.owner: {x.owner!r} is no person and no role of escalation.yaml; it has: {', '.join(choices)}"
