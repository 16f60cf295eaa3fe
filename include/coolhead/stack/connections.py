"""The connections that Airflow holds for this home: those of its environment, and those that were written in its pages."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from coolhead.connections import FILE, fields, from_environment, lines_of
from coolhead.errors import ConfigError

_DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def known(home: Path, names: Collection[str]) -> dict[str, dict[str, Any]]:
    """By name; the environment goes before the database, as in Airflow itself. A missing one is left out."""
    env = {**os.environ, **lines_of(home / FILE)}
    return {**{n: f for n, f in _stored(home, env).items() if n in names}, **from_environment(names, env)}


def _stored(home: Path, env: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """By Airflow's own command, so that its encryption is its own matter; nothing where no Airflow has run here."""
    own = home / "airflow"
    if (own / "airflow.db").exists():
        env = {**env, "AIRFLOW_HOME": str(own), _DATABASE: f"sqlite:///{own / 'airflow.db'}"}
    elif _DATABASE not in env:
        return {}
    with tempfile.TemporaryDirectory() as folder:  # readable by its owner only
        path = Path(folder) / "connections.json"
        command = [str(Path(sys.executable).with_name("airflow")), "connections", "export", str(path)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode or not path.exists():
            raise ConfigError("Airflow does not give its connections here; start the Dag check_connections in Airflow instead")
        return {name: fields(told) for name, told in json.loads(path.read_text()).items()}
