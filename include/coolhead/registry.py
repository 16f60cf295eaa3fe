"""Families of plug-ins: one module per plug-in, found by its file name, never listed anywhere.

A family is a sub-package (`sources`, `sentiment`, `kpis`, `rules`, `channels`) whose `__init__` defines a base
class. A module in it defines exactly one subclass and is registered under its own name: `sources/feed.py` is
the source `feed`. A module's name may begin with `_` to stay out.
"""

import importlib
import pkgutil
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from coolhead.errors import ConfigError


class Plugin:
    """Base of every family's base class; a subclass is named after its module."""

    name: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.name = cls.__module__.rpartition(".")[2]


def names(family: str) -> list[str]:
    """Names of a family's plug-ins, sorted, without importing them (Dag files list sources this way)."""
    folders = importlib.import_module(f"coolhead.{family}").__path__
    return list(_names(tuple((folder, Path(folder).stat().st_mtime_ns) for folder in folders if Path(folder).is_dir())))


@lru_cache(maxsize=64)
def _names(folders: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    """Asked for thousands of times a minute, so the folders are only read again when something in them changed."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules([f for f, _ in folders]) if not m.name.startswith("_")))


def load(family: str, name: str) -> type[Any]:
    """The plug-in class of that name. Raises ConfigError that lists the choices."""
    choices = names(family)
    if name not in choices:
        raise ConfigError(f"{family}: there is no {name!r}; choose one of: {', '.join(choices)}")
    module = importlib.import_module(f"coolhead.{family}.{name}")
    found = [
        v for v in vars(module).values() if isinstance(v, type) and issubclass(v, Plugin) and v.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise ConfigError(f"coolhead/{family}/{name}.py must define exactly one plug-in class, it has {len(found)}")
    return found[0]
