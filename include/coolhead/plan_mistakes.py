"""What is wrong with a file of the plan, in words: file, line, key, valid choices."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError


@dataclass(frozen=True)
class File:
    """One file as read; `part` is None where it has mistakes of its own."""

    path: Path
    node: Any
    part: Any

    def at(self, *loc: Any) -> str:
        return f"{self.path}:{_line(self.node, loc)}"


def explain(
    path: Path, node: Any, model: type[BaseModel], error: ValidationError,
    base: tuple[Any, ...] = (), called: str = "", beside: Sequence[str] = (),
) -> list[str]:  # fmt: skip
    """Every mistake with file, line, key and cure. `base`, `called`: where in the file the model stands; `beside`: keys that are
    valid there and are no fields of the model."""
    # A list with a wrong item is said to be too short as well: an echo, with all of its content.
    found = [e for e in error.errors() if not (e["type"] == "too_short" and e["input"])]
    out: list[str] = []
    for e in found:
        loc = tuple(part for part in e["loc"] if part != "[key]") + ((e["ctx"]["key"],) if e["type"] == "of_key" else ())
        where = ".".join(filter(None, (called, *map(str, loc)))) or "the file"
        out += [f"{path}:{_line(node, (*base, *loc))}: {where}: {m}" for m in _message(model, e, loc, beside).split("\n")]
    return out


def _message(model: type[BaseModel], error: Any, loc: tuple[Any, ...], beside: Sequence[str]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        keys = [*_keys_at(model, loc[:-1]), *(beside if len(loc) == 1 else ())]
        near = difflib.get_close_matches(str(loc[-1]), keys, 1)
        return "unknown key; " + (f"did you mean {near[0]!r}? " if near else "") + f"valid keys: {', '.join(keys)}"
    if error["type"] == "missing":
        near = difflib.get_close_matches(str(loc[-1]), map(str, error["input"]), 1) if isinstance(error["input"], dict) else []
        return "is missing; add it" + (
            f", or is {near[0]!r} meant to be it?" if near and near[0] not in _keys_at(model, loc[:-1]) else ""
        )
    if error["type"] == "too_short":
        return "is empty; give it one at least"
    if error["type"] == "tuple_type":
        return "must be a list, whose items begin with `- `"
    if error["type"] in ("value_error", "of_key"):
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


def check_settings(
    file: File, model: type[BaseModel], given: dict[str, Any], base: tuple[Any, ...], called: str, beside: Sequence[str] = ()
) -> list[str]:  # fmt: skip
    """What a plug-in's own model finds wrong with its settings."""
    try:
        model.model_validate(given)
    except ValidationError as error:
        return explain(file.path, file.node, model, error, base, called, beside)
    return []
