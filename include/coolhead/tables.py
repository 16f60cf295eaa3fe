"""Every row's table, and how rows are read from them by conditions."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from coolhead import rows as r
from coolhead import schema
from coolhead.windows import Window

R = TypeVar("R", bound=schema.Row)

METADATA = sa.MetaData()
TABLES: dict[type[schema.Row], sa.Table] = {row: schema.table(row, METADATA) for row in r.TABLES}
MENTION, MATCH, SCORE, TOMBSTONE = (TABLES[kind] for kind in (r.Mention, r.Match, r.Score, r.Tombstone))
LABEL, DRAWN, KIND, IN_TOPIC = (TABLES[kind] for kind in (r.PersonLabel, r.Drawn, r.CommentKind, r.InTopic))


def to_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, allow_nan=False)


def read(connection: sa.Connection, kind: type[R], where: Mapping[str, Any], more: Sequence[Any] = ()) -> list[R]:
    t = TABLES[kind]
    statement = sa.select(t).where(*conditions(t, where), *more).order_by(*t.primary_key.columns)
    # Rows were validated when they were written; validating millions again on every read would be the costliest part.
    return [cast(R, kind.model_construct(**row)) for row in connection.execute(statement).mappings()]


def conditions(t: sa.Table, where: Mapping[str, Any]) -> list[Any]:
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
