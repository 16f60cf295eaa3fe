"""Records of a table as payloads of a bearable size, and payloads as rows again."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from coolhead.sources._exports import flat
from coolhead.sources._layouts import Layout, rows_of
from coolhead.sources._tables import Cells, Record, csv_records, json_records

CHUNK = 5_000_000
"""Bytes of a payload, about; records stay whole."""


def filled(cells: Sequence[Any] | dict[str, Any]) -> Iterator[bool]:
    """Whether each cell holds something."""
    values = cells.values() if isinstance(cells, dict) else cells
    return (bool(cell.strip()) if isinstance(cell, str) else cell is not None for cell in values)


def chunks(records: Iterator[Record]) -> Iterator[tuple[bytes, int]]:
    """(bytes, number of records) of each payload."""
    held, size = [], 0
    for record in records:
        held.append(record.raw)
        size += len(record.raw)
        if size >= CHUNK:
            yield _encoded("".join(held)), len(held)
            held, size = [], 0
    if held:
        yield _encoded("".join(held)), len(held)


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")  # the file's own bytes again
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def rows(content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of a chunk, one for each record that is not blank."""
    layout = Layout(meta["layout"], tuple(meta["headers"]), dict(meta["mapping"]))
    text = io.StringIO(content.decode("utf-8", "surrogateescape"), newline="")
    records = csv_records(text, meta["delimiter"]) if meta["kind"] == "csv" else json_records(text)
    for record in records:
        if record.cells is None:
            # The name of the key is the reason that the edge gives.
            yield {"unreadable_record": record.raw}
        elif any(filled(record.cells)):
            yield from rows_in(record.cells, layout, meta)


def rows_in(cells: Cells, layout: Layout, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of one record. `meta` says what kind of table it stood in."""
    if isinstance(cells, dict):
        named, ragged = flat(cells), None
    else:
        values = list(cells or ())
        if meta["kind"] == "cells":  # a sheet leaves empty cells at a row's end out
            values += [None] * (len(layout.headers) - len(values))
        while len(values) > len(layout.headers) and values[-1] in (None, ""):
            values.pop()
        width = f"{len(values)} cells under {len(layout.headers)} headers"
        # A row that is too short or too long has its cells in wrong columns, or was cut off.
        ragged = width if len(values) != len(layout.headers) else None
        named = dict(zip(layout.headers, values, strict=False))
    found = rows_of(named, layout, meta.get("time_zone"), meta.get("time_format"))
    if not ragged:
        yield from found
    elif row := next(found, None):
        yield {**row, "ragged_row": ragged}
