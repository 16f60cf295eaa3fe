"""One declaration of a row gives the table, the frame's dtypes, the expectation suite and the data dictionary.

A row is a frozen Pydantic model. `Annotated[type, Field(ge=0), Col(key=True)]` says the rest:
Pydantic validates a row at the edge, `table()` makes keys, types and CHECKs, `expectations()` what Great
Expectations verifies over many rows at once.
"""

import math
import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import sqlalchemy as sa
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic.fields import FieldInfo

Merge = Literal["replace", "keep", "greatest", "fill"]


@dataclass(frozen=True)
class Col:
    """What a column is in the store.

    merge: what a second sighting of the same key does: `replace` it, `keep` the first, take the `greatest`, or
    `fill`: replace it unless the new value is null (a re-collected row enriches, never erases).
    operational: attempts, durations: may differ between two runs over the same input.
    """

    key: bool = False
    merge: Merge = "replace"
    operational: bool = False


class Row(BaseModel):
    """Base of all rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)
    table_name: ClassVar[str]
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = ()
    undone: ClassVar[dict[str, tuple[str, ...]]] = {}
    """flag -> columns: an index over the few rows whose flag is still false, so that finding them never reads the others."""


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("has no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside of the calendar in UTC") from None


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a NUL byte")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("holds a lone surrogate, which is no character") from None
    return text


Utc = Annotated[datetime, AfterValidator(_aware)]
Text = Annotated[str, AfterValidator(_storable)]


class UtcTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC in and out, on a database that keeps zones (PostgreSQL) and on one that does not (SQLite)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@dataclass(frozen=True)
class Column:
    """A field of a row, read from its annotation."""

    name: str
    python: Any
    nullable: bool
    choices: tuple[str, ...]
    low: float | None
    high: float | None
    max_length: int | None
    min_length: int | None
    col: Col
    text: str


def columns(row: type[Row]) -> Iterator[Column]:
    """The row's columns in their order."""
    for name, field in row.model_fields.items():
        yield _column(name, field)


def _column(name: str, field: FieldInfo) -> Column:
    python, nullable = field.annotation, False
    if get_origin(python) in (Union, types.UnionType):
        kinds = [t for t in get_args(python) if t is not type(None)]
        nullable, python = len(kinds) < len(get_args(python)), kinds[0]
    meta = list(field.metadata)
    while get_origin(python) is Annotated:
        python, *more = get_args(python)
        meta += more
    choices = get_args(python) if get_origin(python) is Literal else ()
    # `Count | None`: the bounds of the member of a union come as one Field, not one by one.
    bound = {type(part): part for m in meta for part in (m.metadata if isinstance(m, FieldInfo) else [m])}
    low = next((float(getattr(bound[t], a)) for t, a in ((Ge, "ge"), (Gt, "gt")) if t in bound), None)
    high = next((float(getattr(bound[t], a)) for t, a in ((Le, "le"), (Lt, "lt")) if t in bound), None)
    return Column(
        name, str if choices else python, nullable, choices, low, high,
        bound[MaxLen].max_length if MaxLen in bound else None,
        bound[MinLen].min_length if MinLen in bound else None,
        bound.get(Col, Col()), field.description or "",
    )  # fmt: skip


_SQL: dict[Any, Any] = {
    str: sa.Text(), int: sa.BigInteger(), float: sa.Double(), bool: sa.Boolean(), datetime: UtcTime(), date: sa.Date(),
}  # fmt: skip
_PANDAS: dict[Any, str] = {
    str: "object", int: "Int64", float: "float64", bool: "bool", datetime: "datetime64[us, UTC]", date: "object",
}  # fmt: skip


def table(row: type[Row], metadata: sa.MetaData) -> sa.Table:
    """The row's table with its primary key, CHECKs and indexes."""
    parts: list[Any] = []
    for c in columns(row):
        kind = sa.JSON() if c.python not in _SQL else _SQL[c.python]
        parts.append(sa.Column(c.name, kind, primary_key=c.col.key, nullable=c.nullable, autoincrement=False))
        parts += [sa.CheckConstraint(sql, name=f"{row.table_name}_{c.name}_{what}") for what, sql in _checks(c)]
    parts += [sa.Index(f"{row.table_name}_by_{'_'.join(names)}", *names) for names in row.indexes]
    made = sa.Table(row.table_name, metadata, *parts)
    for flag, names in row.undone.items():
        few = made.c[flag].is_(False)
        sa.Index(f"{row.table_name}_not_{flag}", *(made.c[n] for n in names), sqlite_where=few, postgresql_where=few)
    return made


def _checks(c: Column) -> Iterator[tuple[str, str]]:
    if c.choices:
        yield "choices", f"{c.name} IN ({', '.join(repr(v) for v in c.choices)})"
    if c.low is not None:
        yield "low", f"{c.name} >= {c.low:g}"
    if c.high is not None and math.isfinite(c.high):
        yield "high", f"{c.name} <= {c.high:g}"


def dtypes(row: type[Row]) -> dict[str, str]:
    """pandas dtype of each column of a frame of such rows."""
    return {c.name: _PANDAS.get(c.python, "object") for c in columns(row)}


def expectations(row: type[Row]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(Great Expectations class name, its arguments) for what one column can say; quality.py adds what rows cannot."""
    for c in columns(row):
        if not c.nullable:
            yield "ExpectColumnValuesToNotBeNull", {"column": c.name}
        if c.choices:
            yield "ExpectColumnValuesToBeInSet", {"column": c.name, "value_set": list(c.choices)}
        if c.low is not None or c.high is not None:
            yield "ExpectColumnValuesToBeBetween", {"column": c.name, "min_value": c.low, "max_value": c.high}
        if c.max_length is not None or c.min_length is not None:
            yield (
                "ExpectColumnValueLengthsToBeBetween",
                {"column": c.name, "min_value": c.min_length, "max_value": c.max_length},
            )


def dictionary(rows: list[type[Row]]) -> str:
    """The data dictionary, as Markdown."""
    out = []
    for row in rows:
        out.append(f"## {row.table_name}\n\n{(row.__doc__ or '').strip()}\n")
        out.append("| column | type | key | second sighting | meaning |\n|---|---|---|---|---|")
        for c in columns(row):
            kind = "json" if c.python not in _SQL else c.python.__name__
            bounds = ", ".join(c.choices) or " to ".join(f"{v:g}" if v is not None else "" for v in (c.low, c.high))
            kind += f" ({bounds.strip()})" if c.choices or c.low is not None or c.high is not None else ""
            merge = "" if c.col.key else c.col.merge + (", operational" if c.col.operational else "")
            out.append(
                f"| {c.name} | {kind}{', null' if c.nullable else ''} | {'key' if c.col.key else ''} | {merge} | {c.text} |"
            )
        out.append("")
    return "\n".join(out)
