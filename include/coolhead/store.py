"""The store: keyed upserts and reads of windows. The only SQL of Coolhead, on SQLite and PostgreSQL alike.

Every write is an upsert: running anything twice equals running it once. SQLite's write transactions begin
IMMEDIATE (deferred ones fail with "database is locked" under several writers) and hold no network call.
"""

import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from coolhead import rows as r
from coolhead import schema
from coolhead.errors import ConfigError
from coolhead.windows import Window

R = TypeVar("R", bound=schema.Row)

METADATA = sa.MetaData()
TABLES: dict[type[schema.Row], sa.Table] = {row: schema.table(row, METADATA) for row in r.TABLES}
MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0002"
"""The revision this code was written for; a test holds it to the newest migration."""

MENTION, MATCH, SCORE, TOMBSTONE = (TABLES[kind] for kind in (r.Mention, r.Match, r.Score, r.Tombstone))


class Known(NamedTuple):
    """What the store holds of a mention."""

    day: date
    published_at: datetime
    text: str
    own: bool
    gone_at: datetime | None


def _engine(url: str) -> sa.Engine:
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True, json_serializer=_json)
    path = sa.engine.make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": 30}, json_serializer=_json)

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        deferred = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if deferred else "BEGIN IMMEDIATE")

    return engine


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, allow_nan=False)


def migrate(url: str) -> None:
    """Bring the store's schema to HEAD (in `make` or an init step, never in a task)."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = _engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


class Writer:
    """One write transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def upsert(self, rows: Iterable[schema.Row]) -> int:
        """Store rows of any kinds by their keys and merge rules; returns how many distinct keys were written."""
        by_kind: dict[type[schema.Row], list[schema.Row]] = {}
        for row in rows:
            by_kind.setdefault(type(row), []).append(row)
        return sum(self._upsert(kind, found) for kind, found in by_kind.items())

    def _upsert(self, kind: type[schema.Row], rows: Sequence[schema.Row]) -> int:
        return self.upsert_values(kind, _folded(kind, rows))

    def upsert_values(self, kind: type[schema.Row], values: list[dict[str, Any]]) -> int:
        """Store columns as they are, each key at most once: for rows made by the hundred thousand."""
        if not values:
            return 0
        if self._connection.dialect.name == "postgresql" and len(values) > 200:
            self._copy(kind, values)
        else:
            self._connection.execute(_upsert_statement(kind, self._connection.dialect.name), values)
        return len(values)

    def _copy(self, kind: type[schema.Row], values: list[dict[str, Any]]) -> None:
        """COPY into a temporary table, then one merge: four times as fast as many INSERTs."""
        target, names = TABLES[kind], list(values[0])
        stage = f"stage_{target.name}"
        self._connection.exec_driver_sql(
            f"CREATE TEMP TABLE IF NOT EXISTS {stage} (LIKE {target.name} INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
        )
        self._connection.exec_driver_sql(f"DELETE FROM {stage}")
        quoted = ", ".join(f'"{n}"' for n in names)
        cursor = self._connection.connection.driver_connection.cursor()  # type: ignore[union-attr]
        is_json = [isinstance(target.c[n].type, sa.JSON) for n in names]
        with cursor.copy(f"COPY {stage} ({quoted}) FROM STDIN") as copy:
            for value in values:
                copy.write_row([_json(value[n]) if j else value[n] for n, j in zip(names, is_json, strict=True)])
        staged = sa.table(stage, *(sa.column(n) for n in names))
        statement = postgresql.insert(target).from_select(names, sa.select(staged))
        self._connection.execute(_on_conflict(kind, statement))

    def insert_new(self, row: schema.Row) -> bool:
        """Store the row unless its key exists; True if it was new."""
        insert, target = _insert(self._connection.dialect.name), TABLES[type(row)]
        statement = insert(target).values(row.model_dump()).on_conflict_do_nothing().returning(*target.primary_key.columns)
        # Not by the row count: after an INSERT on PostgreSQL it is -1, whatever happened.
        return self._connection.execute(statement).first() is not None

    def delete(self, kind: type[schema.Row], /, **where: Any) -> int:
        """Delete by the same conditions that `Store.read` takes; at least one is demanded."""
        if not where:
            raise ValueError("delete without a condition")
        return self._connection.execute(sa.delete(TABLES[kind]).where(*_conditions(TABLES[kind], where))).rowcount

    def update(self, kind: type[schema.Row], values: Mapping[str, Any], /, **where: Any) -> int:
        """Set columns of the rows that the conditions select."""
        return self._connection.execute(
            sa.update(TABLES[kind]).where(*_conditions(TABLES[kind], where)).values(**values)
        ).rowcount

    def read(self, kind: type[R], /, **where: Any) -> list[R]:
        """As Store.read, inside this transaction."""
        return _read(self._connection, kind, where)

    def lock(self, kind: type[schema.Row]) -> None:
        """Nobody else writes the table until this transaction ends (SQLite holds that already)."""
        if self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql(f"LOCK TABLE {TABLES[kind].name} IN SHARE ROW EXCLUSIVE MODE")

    def bury(self, tombstones: Sequence[r.Tombstone]) -> None:
        """Note that mentions vanished, and forget their words and address."""
        self.upsert(tombstones)
        self._by_key(sa.update(MENTION).values(text="", url=None), MENTION, [r.key_of(t) for t in tombstones])

    def delete_mentions(self, keys: Sequence[Mapping[str, Any]]) -> None:
        """Delete mentions by key with their matches, scores and tombstones."""
        for target in (SCORE, MATCH, TOMBSTONE, MENTION):
            self._by_key(sa.delete(target), target, keys)

    def unchanged(self, mentions: Sequence[r.Mention]) -> set[int]:
        """Positions of those mentions whose stored text is still the one that was read: an edit may have come in meanwhile."""
        texts: dict[tuple[Any, ...], str] = {}
        names = (MENTION.c.source, MENTION.c.day, MENTION.c.native_id)
        for i in range(0, len(mentions), 500):
            part = mentions[i : i + 500]
            near = (MENTION.c.source.in_({m.source for m in part}), MENTION.c.day.in_({m.day for m in part}))
            chosen = sa.select(*names, MENTION.c.text).where(*near, MENTION.c.native_id.in_([m.native_id for m in part]))
            # The lock keeps an edit from committing between this look and the end of the transaction (PostgreSQL).
            found = self._connection.execute(
                chosen.with_for_update() if self._connection.dialect.name == "postgresql" else chosen
            )
            texts.update({(source, day, native_id): text for source, day, native_id, text in found})
        return {i for i, m in enumerate(mentions) if texts.get((m.source, m.day, m.native_id)) == m.text}

    def mark_gated(self, keys: Sequence[Mapping[str, Any]]) -> None:
        """Note that the quality gate has seen these mentions."""
        self._by_key(sa.update(MENTION).values(gated=True), MENTION, keys)

    def mark_edited(self, keys: Sequence[Mapping[str, Any]]) -> None:
        """The text changed: it must be checked and read again."""
        self._by_key(sa.update(MENTION).values(gated=False), MENTION, keys)
        self._by_key(sa.delete(SCORE), SCORE, keys)

    def _by_key(self, statement: Any, target: sa.Table, keys: Sequence[Mapping[str, Any]]) -> None:
        if keys:
            names = ("source", "day", "native_id")
            bound = statement.where(*(target.c[n] == sa.bindparam(f"b_{n}") for n in names))
            ordered = sorted(keys, key=lambda k: tuple(k[n] for n in names))  # as _folded does
            self._connection.execute(bound, [{f"b_{n}": k[n] for n in names} for k in ordered])


class Store:
    """Opens a store that is at the right revision."""

    def __init__(self, url: str) -> None:
        """Raises ConfigError where the store is missing or at another revision."""
        self.url = url
        self._engine = _engine(url)
        self._reader = self._engine.execution_options(read_only=True)
        self._check_revision()

    def _check_revision(self) -> None:
        with self._reader.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                found = None
            else:
                found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        if found != HEAD:
            shown = sa.engine.make_url(self.url).render_as_string(hide_password=True)
            raise ConfigError(
                f"store {shown}: its schema is {found or 'missing'}, this version needs {HEAD}; run `coolhead migrate`"
            )

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def writing(self) -> Generator[Writer]:
        """One transaction: all or nothing."""
        with self._engine.begin() as connection:
            yield Writer(connection)

    def upsert(self, rows: Iterable[schema.Row]) -> int:
        """`Writer.upsert` in a transaction of its own."""
        found = list(rows)
        if not found:
            return 0
        with self.writing() as writer:
            return writer.upsert(found)

    def read(self, kind: type[R], /, **where: Any) -> list[R]:
        """Rows by conditions, in key order: a value (=), a list or set (IN), None (IS NULL), a Window (time in it)."""
        with self._reader.connect() as connection:
            return _read(connection, kind, where)

    def count(self, kind: type[schema.Row], /, **where: Any) -> int:
        with self._reader.connect() as connection:
            t = TABLES[kind]
            return connection.execute(sa.select(sa.func.count()).select_from(t).where(*_conditions(t, where))).scalar_one()

    def existing(self, source: str, native_ids: Sequence[str], span: Window) -> dict[str, Known]:
        """native id -> what is known of those mentions of the source that are stored under a day of the span."""
        out: dict[str, Known] = {}
        # Day by day, so that the key (source, day, native id) is looked up and no day is read through.
        days = [span.start.date() + timedelta(days=n) for n in range((span.end.date() - span.start.date()).days + 1)]
        near = (MENTION.c.source == source, MENTION.c.day.in_(days))
        buried = [TOMBSTONE.c[n] == MENTION.c[n] for n in ("source", "day", "native_id")]
        columns = [MENTION.c[n] for n in ("native_id", "day", "published_at", "text", "own")]
        chosen = sa.select(*columns, TOMBSTONE.c.gone_at).select_from(MENTION.outerjoin(TOMBSTONE, sa.and_(*buried)))
        with self._reader.connect() as connection:
            for i in range(0, len(native_ids), 500):
                some = chosen.where(*near, MENTION.c.native_id.in_(native_ids[i : i + 500])).order_by(MENTION.c.day.desc())
                out.update({native_id: Known(*known) for native_id, *known in connection.execute(some)})
        return out

    def mentions(self, market: str, window: Window, scorer: str, revision: str, as_of: datetime) -> "Any":
        """Frame of the market's mentions published in the window and known by `as_of`, one row each, oldest first.

        Columns: those of Mention, matched_by, label, polarity, confidence, scored_lang, scored_at, gone_by. `label` is null
        where the revision has not read the mention yet, `gone_by` where the mention still stands.
        """
        import pandas as pd

        same = [MATCH.c[n] == MENTION.c[n] for n in ("source", "day", "native_id")]
        scored = [SCORE.c[n] == MATCH.c[n] for n in ("source", "day", "native_id")]
        scored += [SCORE.c.scorer == scorer, SCORE.c.revision == revision, SCORE.c.known_at <= as_of]
        chosen = [
            MATCH.c.matched_by,
            SCORE.c.label,
            SCORE.c.polarity,
            SCORE.c.confidence,
            SCORE.c.lang.label("scored_lang"),
            SCORE.c.known_at.label("scored_at"),
            TOMBSTONE.c.by.label("gone_by"),
        ]
        buried = [TOMBSTONE.c[n] == MENTION.c[n] for n in ("source", "day", "native_id")]
        statement = (
            sa.select(*MENTION.c, *chosen)
            .select_from(MATCH.join(MENTION, sa.and_(*same)).outerjoin(SCORE, sa.and_(*scored)).outerjoin(TOMBSTONE, sa.and_(*buried)))
            .where(MATCH.c.market == market, MATCH.c.published_at >= window.start, MATCH.c.published_at < window.end)
            .where(MENTION.c.known_at <= as_of)
            .order_by(MATCH.c.published_at, MATCH.c.source, MATCH.c.native_id)
        )
        with self._reader.connect() as connection:
            frame = pd.DataFrame(
                connection.execute(statement).mappings().all(), columns=[c.name for c in statement.selected_columns]
            )
        kinds = {**schema.dtypes(r.Mention), "polarity": "float64", "confidence": "float64", "scored_at": "datetime64[us, UTC]"}
        return frame.astype({c: k for c, k in kinds.items() if c in frame})

    def latest(self, sources: Iterable[str], limit: int) -> Iterator[tuple[datetime, str]]:
        """(publication, text) of the newest mentions of some sources, newest first, fetched in chunks."""
        chosen = sa.select(MENTION.c.published_at, MENTION.c.text).where(MENTION.c.source.in_(list(sources)))
        newest = chosen.order_by(MENTION.c.published_at.desc()).limit(limit)
        with self._reader.connect() as connection:
            yield from connection.execution_options(yield_per=1_000).execute(newest)

    def ungated(self, limit: int) -> list[r.Mention]:
        """Mentions the quality gate has not seen, oldest first."""
        return self._limited(sa.select(MENTION).where(MENTION.c.gated.is_(False)), limit)

    def unscored(self, scorer: str, revision: str, limit: int) -> list[r.Mention]:
        """Gated mentions that this revision has not read, oldest first."""
        scored = [SCORE.c[n] == MENTION.c[n] for n in ("source", "day", "native_id")]
        found = sa.select(SCORE.c.native_id).where(*scored, SCORE.c.scorer == scorer, SCORE.c.revision == revision)
        return self._limited(sa.select(MENTION).where(MENTION.c.gated.is_(True), ~found.exists()), limit)

    def _limited(self, statement: Any, limit: int) -> list[r.Mention]:
        with self._reader.connect() as connection:
            found = connection.execute(statement.order_by(MENTION.c.published_at).limit(limit)).mappings()
            return [r.Mention.model_construct(**row) for row in found]

    def first(self, kind: type[R], column: str, /, last: bool = False, **where: Any) -> R | None:
        """The row with the least (or greatest) value of a column; one look where an index begins with the conditions."""
        t = TABLES[kind]
        order = t.c[column].desc() if last else t.c[column]
        with self._reader.connect() as connection:
            statement = sa.select(t).where(*_conditions(t, where)).order_by(order).limit(1)
            row = connection.execute(statement).mappings().first()
        return cast(R, kind.model_construct(**row)) if row else None

    def overlapping(self, kind: type[R], span: Window, /, **where: Any) -> list[R]:
        """Rows whose [start, end) meets the span, in key order; an end that is null has not come yet."""
        t = TABLES[kind]
        meets = [
            t.c.start < span.end,
            sa.or_(t.c.end > span.start, t.c.end.is_(None)) if t.c.end.nullable else t.c.end > span.start,
        ]
        with self._reader.connect() as connection:
            return _read(connection, kind, where, meets)

    def covered(self, market: str, span: Window, as_of: datetime) -> list[tuple[str, Window]]:
        """(source, stretch): the union of the successful polls that meet the span, as known then."""
        t = TABLES[r.CollectionLog]
        meets = (t.c.market == market, t.c.ok.is_(True), t.c.end > span.start, t.c.start < span.end)
        known = sa.or_(t.c.assumed.is_(True), t.c.known_at <= as_of)
        before = sa.func.max(t.c.end).over(partition_by=t.c.source, order_by=(t.c.start, t.c.end), rows=(None, -1))
        polls = sa.select(t.c.source, t.c.start, before.label("before")).where(*meets, known).subquery()
        begins = sa.select(polls).where(sa.or_(polls.c.before.is_(None), polls.c.before < polls.c.start))
        ends = sa.select(t.c.source, sa.func.max(t.c.end)).where(*meets, known).group_by(t.c.source)
        with self._reader.connect() as connection:
            last = {row[0]: row[1] for row in connection.execute(ends)}
            found = list(connection.execute(begins.order_by(polls.c.source, polls.c.start)))
        out = []
        for i, (source, start, _) in enumerate(found):
            same = i + 1 < len(found) and found[i + 1][0] == source
            out.append((source, Window(start, found[i + 1][2] if same else last[source])))
        return out

    def newest(self, market: str, span: Window) -> dict[str, datetime]:
        """source -> publication of the market's latest mention in the span."""
        chosen = sa.select(MATCH.c.source, sa.func.max(MATCH.c.published_at)).where(
            MATCH.c.market == market, MATCH.c.published_at >= span.start, MATCH.c.published_at < span.end
        )
        with self._reader.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(chosen.group_by(MATCH.c.source))}

    def quantity(self, kind: type[schema.Row], column: str, /, **where: Any) -> tuple[Any, Any]:
        """Least and greatest value of a column."""
        t = TABLES[kind]
        with self._reader.connect() as connection:
            low, high = connection.execute(
                sa.select(sa.func.min(t.c[column]), sa.func.max(t.c[column])).where(*_conditions(t, where))
            ).one()
        return low, high


def _read(connection: sa.Connection, kind: type[R], where: Mapping[str, Any], more: Sequence[Any] = ()) -> list[R]:
    t = TABLES[kind]
    statement = sa.select(t).where(*_conditions(t, where), *more).order_by(*t.primary_key.columns)
    # Rows were validated when they were written; validating millions again on every read would be the costliest part.
    return [cast(R, kind.model_construct(**row)) for row in connection.execute(statement).mappings()]


def _conditions(t: sa.Table, where: Mapping[str, Any]) -> list[Any]:
    out: list[Any] = []
    for name, value in where.items():
        column = t.c[name]
        if isinstance(value, Window):
            out += [column >= value.start, column < value.end]
        elif isinstance(value, (list, tuple, set, frozenset)):
            out.append(column.in_(list(value)))
        else:
            out.append(column.is_(None) if value is None else column == value)
    return out


def _insert(dialect: str) -> Any:
    return postgresql.insert if dialect == "postgresql" else sqlite.insert


def _on_conflict(kind: type[schema.Row], statement: Any) -> Any:
    """The merge rules of the declaration as ON CONFLICT; a row that would not change is not written."""
    target, new, sets = TABLES[kind], statement.excluded, {}
    for c in schema.columns(kind):
        if c.col.key or c.col.merge == "keep":
            continue
        value = new[c.name]
        if c.col.merge == "fill":
            value = sa.func.coalesce(value, target.c[c.name])
        elif c.col.merge == "greatest":
            value = sa.case((target.c[c.name].is_(None) | (value > target.c[c.name]), value), else_=target.c[c.name])
        sets[c.name] = value
    keys = [c.name for c in target.primary_key.columns]
    if not sets:
        return statement.on_conflict_do_nothing(index_elements=keys)
    # JSON has no equality in PostgreSQL, so rows with JSON are always written.
    comparable = [n for n in sets if not isinstance(target.c[n].type, sa.JSON)]
    changed = sa.or_(*(target.c[n].is_distinct_from(sets[n]) for n in comparable)) if len(comparable) == len(sets) else None
    return statement.on_conflict_do_update(index_elements=keys, set_=sets, where=changed)


@lru_cache(maxsize=64)
def _upsert_statement(kind: type[schema.Row], dialect: str) -> Any:
    target = TABLES[kind]
    statement = _insert(dialect)(target).values({c.name: sa.bindparam(c.name, type_=c.type) for c in target.columns})
    return _on_conflict(kind, statement)


def _folded(kind: type[schema.Row], rows: Sequence[schema.Row]) -> list[dict[str, Any]]:
    """One dict per key: a key twice in one statement is an error to both databases, so merge it here by the same rules.

    In key order, so that two writers of the same keys lock them in the same order: else PostgreSQL finds deadlocks.
    """
    keys = [c.name for c in schema.columns(kind) if c.col.key]
    merge = {c.name: c.col.merge for c in schema.columns(kind)}
    out: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        value = {name: getattr(row, name) for name in merge}
        known = out.setdefault(tuple(value[k] for k in keys), value)
        if known is not value:
            for name, rule in merge.items():
                if rule == "replace" or (rule == "fill" and value[name] is not None):
                    known[name] = value[name]
                elif rule == "greatest" and value[name] is not None:
                    known[name] = value[name] if known[name] is None else max(known[name], value[name])
    return [out[key] for key in sorted(out)]


def around(moments: Sequence[datetime], days: int = 7) -> Window:
    """A span that reaches some days around the moments."""
    return Window(min(moments).astimezone(UTC) - timedelta(days=days), max(moments).astimezone(UTC) + timedelta(days=days))
