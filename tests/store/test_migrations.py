"""Migrations and declarations say the same, on both databases."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from coolhead import rows, schema, store
from coolhead.errors import ConfigError
from coolhead.rows import Mention
from coolhead.store import HEAD, MIGRATIONS, Store, migrate
from coolhead.tables import METADATA, TABLES


@pytest.fixture
def engine(empty_url: str) -> Iterator[sa.Engine]:
    made = store._engine(empty_url)
    yield made
    made.dispose()


def alembic(engine: sa.Engine, verb: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        getattr(command, verb)(config, revision)


def checks(engine: sa.Engine) -> dict[str, str]:
    """Every CHECK's name with the numbers and words in it, which is what may go wrong; alembic does not compare them."""
    out = {}
    for table in METADATA.tables:
        for check in sa.inspect(engine).get_check_constraints(table):
            said = re.sub(r"::[a-z ]+(\[\])?", "", check["sqltext"])
            out[str(check["name"])] = " ".join(sorted(re.findall(r"'[^']*'|-?\d+(?:\.\d+)?(?:[eE]\+?\d+)?", said)))
    return {name: re.sub(r"\d+[eE]\+?\d+", lambda m: str(int(float(m[0]))), said) for name, said in out.items()}


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [HEAD]
    assert len(script.get_bases()) == 1


def test_every_row_has_a_table() -> None:
    declared = {
        kind for kind in vars(rows).values() if isinstance(kind, type) and issubclass(kind, schema.Row) and kind.__dict__.get("table_name")
    }  # fmt: skip
    assert declared == set(rows.TABLES) == set(TABLES)
    assert {t.name for t in TABLES.values()} == set(METADATA.tables)


def test_migrations_make_exactly_the_declared_tables(empty_url: str, engine: sa.Engine) -> None:
    migrate(empty_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
    found = set(sa.inspect(engine).get_table_names())
    assert found == {*METADATA.tables, "alembic_version"}


def test_migrations_make_exactly_the_declared_checks_and_keys(
    empty_url: str, engine: sa.Engine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    migrate(empty_url)
    migrated = checks(engine), keys(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
        METADATA.drop_all(connection)
        METADATA.create_all(connection)
    assert migrated == (checks(engine), keys(engine))
    assert len(migrated[0]) > 30


def keys(engine: sa.Engine) -> dict[str, Any]:
    """Primary key of each table, in its order: a random value may not stand first in a hot one."""
    return {table: sa.inspect(engine).get_pk_constraint(table)["constrained_columns"] for table in METADATA.tables}


def test_keys_are_declared_in_the_order_that_stays_flat() -> None:
    found = {t.name: [c.name for c in t.primary_key] for t in TABLES.values()}
    for table in ("mention", "match", "score"):
        assert found[table][:3] == ["source", "day", "native_id"]


def test_migrating_again_changes_nothing_and_keeps_the_rows(empty_url: str, mention: Any) -> None:
    migrate(empty_url)
    opened = Store(empty_url)
    opened.upsert([mention()])
    migrate(empty_url)
    assert opened.read(Mention) == [mention()]
    opened.close()


def test_down_to_nothing_and_up_again(empty_url: str, engine: sa.Engine) -> None:
    alembic(engine, "upgrade", "head")
    before = checks(engine), keys(engine)
    alembic(engine, "downgrade", "base")
    assert set(sa.inspect(engine).get_table_names()) <= {"alembic_version"}
    alembic(engine, "upgrade", "head")
    assert before == (checks(engine), keys(engine))


@pytest.mark.parametrize("found", [None, "0000", "9999"])
def test_another_revision_is_refused_and_the_cure_named(empty_url: str, engine: sa.Engine, found: str | None) -> None:
    if found is not None:
        migrate(empty_url)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{found}'")
    with pytest.raises(ConfigError, match=rf"is {found or 'missing'}, this version needs {HEAD}; run `coolhead migrate`"):
        Store(empty_url)


def test_an_emptied_version_is_refused(empty_url: str, engine: sa.Engine) -> None:
    migrate(empty_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    with pytest.raises(ConfigError, match="missing"):
        Store(empty_url)


def test_no_password_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        def has_table(self, _: str) -> bool:
            return False

    closed = store._engine("sqlite://")
    monkeypatch.setattr(store, "_engine", lambda _: closed)
    monkeypatch.setattr(store.sa, "inspect", lambda _: Nothing())
    with pytest.raises(ConfigError) as caught:
        Store("postgresql://coolhead:geheim@db.example/coolhead")
    assert "geheim" not in str(caught.value)
    assert "db.example" in str(caught.value)
