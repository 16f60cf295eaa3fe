"""Reads one YAML file of the plan, with the lines on which its keys stand."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from coolhead.errors import ConfigError


class _Loader(yaml.SafeLoader):
    """Leaves days and times as they are written: the models read them, and name the line of one that does not exist."""

    yaml_implicit_resolvers = {
        first: [(tag, like) for tag, like in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def parsed(path: Path, keys: Sequence[str], cure: str) -> tuple[dict[str, Any], Any]:
    """Its mapping and its nodes. keys: that it may have; cure: of a missing file. Raises ConfigError with file, line and cure."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: the file is missing; {cure}") from None
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
        raise ConfigError(f"{path}: must be a mapping with the keys {', '.join(keys)}")
    return content, node


def repeated(node: Any) -> Iterator[tuple[int, str]]:
    """(line, key) of keys that stand twice in one mapping: YAML would keep the last and say nothing."""
    seen: set[str] = set()
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value in seen:
            yield key.start_mark.line + 1, str(key.value)
        seen.add(str(key.value))
        yield from repeated(value)
    for item in node.value if isinstance(node, yaml.SequenceNode) else ():
        yield from repeated(item)
