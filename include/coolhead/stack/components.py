"""Starts the four components of Airflow in process groups of their own, on loopback, and leaves nothing behind.

`airflow standalone` is not used: its log servers listen on all interfaces, and stopping it orphans its children.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Generator, Mapping
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

from coolhead.errors import ConfigError
from coolhead.stack.rest import Airflow

ROOT = Path(__file__).parents[3]
"""The checkout: dags/ and plugins/ stand in it."""
COMPONENTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
STOP_ORDER = (("scheduler",), ("dag-processor", "triggerer"), ("api-server",))
"""The scheduler drains its tasks, which need the API server until the end."""


def free_port(wanted: int | None = None) -> int:
    """A free port on loopback, the wanted one if it is free."""
    for port in [*([wanted] if wanted else []), 0]:
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(s.getsockname()[1])
    raise ConfigError("no free port on 127.0.0.1")


class Stack:
    """Airflow on the embedded default: SQLite and LocalExecutor."""

    def __init__(
        self, home: Path, users: Mapping[str, str], port: int | None = None, extra: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = print, cache: Path | None = None, slots: int = 4,
    ) -> None:  # fmt: skip
        """users: name -> role (admin, op, user, viewer); extra: environment of the components; slots: tasks at once."""
        self.home, self.users, self.tell, self.slots = home, dict(users), tell, slots
        self.airflow_home = home / "airflow"
        self.cache = cache or home / "cache"
        self.port = free_port(port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.extra = dict(extra or {})
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.passwords = self._passwords()
        self.api = Airflow(self.url, "admin", self.passwords["admin"])

    def _passwords(self) -> dict[str, str]:
        """Made once per home, readable by their owner only."""
        path = self.airflow_home / "passwords.json"
        self.airflow_home.mkdir(parents=True, exist_ok=True)
        known = json.loads(path.read_text()) if path.exists() else {}
        found = {user: known.get(user) or secrets.token_urlsafe(9) for user in self.users}
        path.touch(mode=0o600)
        path.write_text(json.dumps(found))
        return found

    def environment(self) -> dict[str, str]:
        """What all components and tasks see."""
        api = {
            "conn_type": "http",
            "host": "127.0.0.1",
            "port": self.port,
            "login": "admin",
            "password": self.passwords["admin"],
        }
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW__", "AIRFLOW_CONN_AIRFLOW_API"))},
            "AIRFLOW_HOME": str(self.airflow_home),
            "COOLHEAD_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": str(self.slots),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{u}:{r}" for u, r in self.users.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.airflow_home / "passwords.json"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.airflow_home / 'airflow.db'}",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(48),
            "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(48),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW_CONN_AIRFLOW_API": json.dumps(api),
            "PYTHONWARNINGS": "ignore",
            "GX_ANALYTICS_ENABLED": "false",
            **self.extra,
        }  # fmt: skip

    def __enter__(self) -> Self:
        env = self.environment()
        migrated(self.airflow_home / "airflow.db", self.cache, env, self.tell)
        logs = self.airflow_home / "components"
        logs.mkdir(parents=True, exist_ok=True)
        try:
            for name, words in COMPONENTS.items():
                with (logs / f"{name}.log").open("wb") as log:
                    self.processes[name] = subprocess.Popen(
                        [str(Path(sys.executable).with_name("airflow")), *words], env=env, stdout=log, stderr=log,
                        stdin=subprocess.DEVNULL, start_new_session=True, cwd=self.home,
                        preexec_fn=_die_with_launcher if sys.platform == "linux" else None,
                    )  # fmt: skip
            self._wait_healthy(logs)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def _wait_healthy(self, logs: Path, limit: float = 180.0) -> None:
        until = time.monotonic() + limit
        while time.monotonic() < until:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    tail = (logs / f"{name}.log").read_text(errors="replace")[-1500:]
                    raise ConfigError(
                        f"Airflow's {name} ended with status {process.returncode}; its log {logs / name}.log ends:\n{tail}"
                    )
            if self.api.healthy():
                return
            time.sleep(0.2)
        raise ConfigError(f"Airflow was not healthy after {limit:.0f} s; its logs are in {logs}")

    def wait_for(self, dags: Collection[str], limit: float = 90.0) -> None:
        """Wait until Airflow has loaded these Dags. Raises ConfigError with what it could not import."""
        until = time.monotonic() + limit
        while missing := set(dags) - set(self.api.dags()):
            if time.monotonic() > until:
                errors = "\n".join(self.api.import_errors()) or f"look at {self.airflow_home / 'components'}"
                raise ConfigError(f"Airflow has not loaded {', '.join(sorted(missing))}:\n{errors}")
            time.sleep(0.2)

    def watch(self) -> None:
        """Until Ctrl-C. Raises ConfigError as soon as a component has ended: a dead scheduler must not pass for calm."""
        while True:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    log = self.airflow_home / "components" / f"{name}.log"
                    raise ConfigError(f"Airflow's {name} ended with status {process.returncode}; its log: {log}")
            time.sleep(1)

    def stop(self) -> None:
        """End every component with its children; kill what does not go within 30 s. A second Ctrl-C changes nothing."""
        with _undisturbed():
            self._stop()

    def _stop(self) -> None:
        for names in STOP_ORDER:
            groups = [self.processes[n] for n in names if n in self.processes]
            for process in groups:
                _signal(process, signal.SIGTERM)
            for process in groups:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(30)
                _end_group(process)


@contextlib.contextmanager
def alone(lock: Path) -> Generator[None]:
    """Two launchers on one home would run two schedulers on one database. Raises ConfigError for the second."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"it runs already on {lock.parent}; stop it first (its launcher holds {lock})") from None
        yield


def _die_with_launcher() -> None:
    """Linux: a component is told to end when its launcher is gone, however it went."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def interruptible() -> None:
    """Ctrl-C and TERM end the command even where the shell that started it in the background has them ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


@contextlib.contextmanager
def _undisturbed() -> Generator[None]:
    """An impatient second Ctrl-C must not leave components behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {n: signal.signal(n, signal.SIG_IGN) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signal(process: subprocess.Popen[bytes], number: int) -> bool:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Children that outlived their parent get a moment, then the end."""
    until = time.monotonic() + 10
    while _signal(process, 0) and time.monotonic() < until:
        time.sleep(0.1)
    _signal(process, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)


def migrated(database: Path, cache: Path, env: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Airflow's own database, migrated: copied from a template of this version, which is made at the first call."""
    if database.exists():
        return
    template = cache / f"airflow-{version('apache-airflow')}.db"
    if not template.exists():
        tell("preparing Airflow's database (once per version)")
        fresh = template.with_suffix(".new")
        template.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        made = {**env, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{fresh}"}
        done = subprocess.run(
            [str(Path(sys.executable).with_name("airflow")), "db", "migrate"], env=made, capture_output=True, text=True, check=False
        )  # fmt: skip
        if done.returncode:
            raise ConfigError(f"airflow db migrate failed:\n{done.stderr[-2000:]}")
        compact = template.with_suffix(".compact")
        compact.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(fresh)) as connection:
            connection.execute("VACUUM INTO ?", (str(compact),))  # a plain copy would lose what is still in the WAL
        for left in fresh.parent.glob(f"{fresh.name}*"):
            left.unlink()
        compact.replace(template)
    shutil.copy(template, database)
