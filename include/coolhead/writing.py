"""One write transaction: keyed upserts by the merge rules of the rows' declarations, on SQLite and PostgreSQL alike."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from coolhead import erased_evidence, schema
from coolhead import rows as r
from coolhead.tables import DRAWN, IN_TOPIC, KIND, LABEL, MATCH, MENTION, SCORE, TABLES, TOMBSTONE, R, conditions, read, to_json


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
                copy.write_row([to_json(value[n]) if j else value[n] for n, j in zip(names, is_json, strict=True)])
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
        return self._connection.execute(sa.delete(TABLES[kind]).where(*conditions(TABLES[kind], where))).rowcount

    def update(self, kind: type[schema.Row], values: Mapping[str, Any], /, **where: Any) -> int:
        """Set columns of the rows that the conditions select."""
        return self._connection.execute(
            sa.update(TABLES[kind]).where(*conditions(TABLES[kind], where)).values(**values)
        ).rowcount

    def read(self, kind: type[R], /, **where: Any) -> list[R]:
        """As Store.read, inside this transaction."""
        return read(self._connection, kind, where)

    def hold(self, kind: type[R], /, **where: Any) -> list[R]:
        """As `read`; nobody else changes these rows until this transaction ends. They are held in key order, so that of two who
        want the same rows one waits, and never both for one another (SQLite holds everything already)."""
        t = TABLES[kind]
        chosen = sa.select(t).where(*conditions(t, where)).order_by(*t.primary_key.columns)
        if self._connection.dialect.name == "postgresql":
            chosen = chosen.with_for_update()
        return [cast(R, kind.model_construct(**row)) for row in self._connection.execute(chosen).mappings()]

    def lock(self, kind: type[schema.Row]) -> None:
        """Nobody else writes the table until this transaction ends (SQLite holds that already)."""
        if self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql(f"LOCK TABLE {TABLES[kind].name} IN SHARE ROW EXCLUSIVE MODE")

    def bury(self, tombstones: Sequence[r.Tombstone]) -> None:
        """Note that mentions vanished, and forget their words and address; in what the rules saw as well."""
        self.upsert(tombstones)
        keys = [r.key_of(t) for t in tombstones]
        erased_evidence.forget(self._connection, keys)
        self._by_key(sa.update(MENTION).values(text="", url=None), MENTION, keys)
        self._by_key(sa.update(IN_TOPIC).values(terms=[]), IN_TOPIC, keys)

    def delete_mentions(self, keys: Sequence[Mapping[str, Any]]) -> None:
        """Delete mentions by key with all that was read in them."""
        for target in (IN_TOPIC, KIND, LABEL, DRAWN, SCORE, MATCH, TOMBSTONE, MENTION):
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

    def mark_read(self, keys: Sequence[Mapping[str, Any]], reader: str) -> None:
        """Note which scorer/revision has read these mentions."""
        self._by_key(sa.update(MENTION).values(read_by=reader), MENTION, keys)

    def mark_edited(self, keys: Sequence[Mapping[str, Any]]) -> None:
        """The text changed: it must be checked and read again."""
        self._by_key(sa.update(MENTION).values(gated=False, read_by=None), MENTION, keys)
        for target in (IN_TOPIC, KIND, SCORE):
            self._by_key(sa.delete(target), target, keys)
        self._by_key(sa.update(LABEL).values(stale=True), LABEL, keys)

    def _by_key(self, statement: Any, target: sa.Table, keys: Sequence[Mapping[str, Any]]) -> None:
        if keys:
            names = ("source", "day", "native_id")
            bound = statement.where(*(target.c[n] == sa.bindparam(f"b_{n}") for n in names))
            ordered = sorted(keys, key=lambda k: tuple(k[n] for n in names))  # as _folded does
            self._connection.execute(bound, [{f"b_{n}": k[n] for n in names} for k in ordered])


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
