"""Airflow's connections as they stand in its environment, read without Airflow: AIRFLOW_CONN_<NAME>, a URI or JSON.

https://airflow.apache.org/docs/apache-airflow/stable/howto/connection.html#storing-connections-in-environment-variables
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from coolhead.errors import ConfigError

PREFIX = "AIRFLOW_CONN_"
FILE = "connections.env"
"""AIRFLOW_CONN_* lines in COOLHEAD_HOME: the mail server, tokens. Never part of the plan."""


def lines_of(path: Path) -> dict[str, str]:
    """The lines of `connections.env`; none where there is no such file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines if line.startswith(PREFIX) and "=" in line)


def from_environment(names: Iterable[str], env: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Fields (host, port, login, password, extra) of the connections that are there. Raises ConfigError, without the value."""
    return {
        name: _fields(PREFIX + name.upper(), env[PREFIX + name.upper()]) for name in names if env.get(PREFIX + name.upper())
    }


def _fields(name: str, value: str) -> dict[str, Any]:
    try:
        return fields(json.loads(value)) if value.lstrip().startswith("{") else _of_uri(value)
    except (ValueError, TypeError, AttributeError):
        raise ConfigError(f"{name}: no connection; write it as type://login:password@host:port, or as JSON") from None


def fields(told: Mapping[str, Any]) -> dict[str, Any]:
    """From Airflow's own JSON form; extra may be JSON within it."""
    extra = told.get("extra") or {}
    port = told.get("port")
    return {
        "host": told.get("host"), "port": int(port) if port else None, "login": told.get("login"), "password": told.get("password"),
        "extra": dict(json.loads(extra) if isinstance(extra, str) else extra),
    }  # fmt: skip


def _of_uri(value: str) -> dict[str, Any]:
    parts = urlsplit(value)
    if not parts.scheme:
        raise ValueError("no type")
    extra = dict(parse_qsl(parts.query, keep_blank_values=True))
    whole = extra.pop("__extra__", None)
    host, login, password = (unquote(part) if part else None for part in (parts.hostname, parts.username, parts.password))
    return {
        "host": host, "port": parts.port, "login": login, "password": password, "extra": json.loads(whole) if whole else extra,
    }  # fmt: skip
