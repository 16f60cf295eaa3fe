"""Exports of other tools (CSV, JSON lines, Excel), dropped into a folder: whatever network a paid tool can see, we can read.

Plan, approval, price: none of ours; the tool that made the export has its own. Layouts are recognised by their
headers (_layouts.py); any other is named in the plan by a mapping, which the error prints ready to fill in.

https://www.rfc-editor.org/rfc/rfc4180 (CSV) · https://jsonlines.org · https://openpyxl.readthedocs.io (read-only mode)

Engagement: likes, comments and shares as the export has them.
"""

import hashlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, field_validator

from coolhead.errors import ConfigError, CoolheadError, PermanentError, TransientError
from coolhead.http import Client
from coolhead.sources import Fetched, Query, Source, SourceSettings
from coolhead.sources._layouts import COLUMNS, REQUIRED, Layout, recognised, row_of, unknown
from coolhead.sources._tables import Cells, Record, Table, csv_records, json_records, tables
from coolhead.windows import Window

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".xlsx")
UNFINISHED = (".part", ".tmp", ".crdownload", ".download")
CHUNK = 5_000_000
"""Bytes of a payload, about; records stay whole."""
MAX_COLUMNS = 1_000
PREAMBLE = 20
"""Records among which the header is looked for: some tools write their name and the search above it."""


def _zone(name: str | None) -> str | None:
    if name is not None and name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone; write e.g. Europe/Rome")
    return name


class Settings(SourceSettings):
    """`sources: {files: {}}`; the folder is the market's inbox unless another is named."""

    folder: str = ""
    mapping: dict[str, str] = {}
    time_zone: Annotated[str | None, AfterValidator(_zone)] = None
    time_format: Annotated[str | None, Field(min_length=2)] = None
    encoding: str = ""

    @field_validator("mapping")
    @classmethod
    def _known(cls, mapping: dict[str, str]) -> dict[str, str]:
        wrong = [name for name in mapping if name not in COLUMNS]
        missing = [name for name in REQUIRED if mapping and name not in mapping]
        if wrong or missing:
            raise ValueError(
                f"{', '.join(wrong) or ', '.join(missing)} {'unknown' if wrong else 'missing'}; ours are: {', '.join(COLUMNS)}"
            )
        return mapping


class Files(Source):
    """A folder of exports."""

    Settings = Settings
    poll = timedelta(minutes=5)
    lag = timedelta(0)
    exports = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        """New and changed files, whole, whatever the window. All are read before the first error is raised."""
        errors: list[CoolheadError] = []
        folder = Path(query.settings.folder)
        if not folder.is_dir():
            raise ConfigError(f"files: the folder {folder} does not exist; create it, or correct `folder` in brands.yaml")
        for path in _files(folder):
            stream = _name(path.relative_to(folder))
            try:
                position = _position(path, query.settings)
                if cursor.get(stream) != position:
                    yield from read(path, query.settings, stream, position)
            except CoolheadError as error:
                errors.append(error)
            except OSError as error:  # taken away, or its disk, while it was read
                errors.append(TransientError(f"{stream}: {error.strerror}"))
        if errors:
            raise errors[0]

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """`meta` as `read` made it; without it the bytes are taken as a whole file."""
        if meta.get("kind"):
            yield from _rows(content, meta)
            return
        try:
            for part in _parts(io.BytesIO(content), "payload", Settings()):
                yield from _rows(part.content, part.meta)
        except ConfigError as error:
            raise PermanentError(str(error)) from None


def layout_of(path: Path, settings: Settings | None = None) -> Layout:
    """The layout of a file's first table that has one. Raises ConfigError with the mapping to write, or PermanentError."""
    with _opened(path) as stream:
        return next(_laid_out(stream, path.name, settings or Settings()))[1]


def read(path: Path, settings: Settings | None = None, stream: str = "", position: str | None = None) -> Iterator[Fetched]:
    """One file as payloads of about CHUNK bytes. Raises ConfigError (unknown layout) or PermanentError (unreadable)."""
    if path.suffix.casefold() not in SUFFIXES:
        raise ConfigError(
            f"{_name(path)}: is none of {', '.join(SUFFIXES)}; take it out of the folder, or save it as one of them"
        )
    with _opened(path) as opened:
        for part in _parts(opened, path.name, settings or Settings()):
            yield Fetched(part.content, part.origin, part.suffix, stream or _name(Path(path.name)), position, part.meta)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise PermanentError(f"{_name(path)}: cannot be opened ({error.strerror}); check its rights") from None


def _files(folder: Path) -> Iterator[Path]:
    """Finished files. Hidden ones, Excel's lock files and unfinished downloads are left alone until they are renamed."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
        if not hidden and path.suffix.casefold() not in UNFINISHED and path.is_file():
            yield path


def _name(path: Path) -> str:
    """A name as text that can be stored, even where its bytes are none."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _position(path: Path, settings: Settings) -> str:
    """Changes with the file, and with the settings it is read by: a corrected mapping reads it again."""
    found = path.stat()
    how = hashlib.sha256(settings.model_dump_json(exclude={"folder"}).encode()).hexdigest()[:8]
    return f"{found.st_size}-{found.st_mtime_ns}-{how}"


def _laid_out(stream: BinaryIO, name: str, settings: Settings) -> Iterator[tuple[Table, Layout, Iterator[Record], int]]:
    """(table, layout, its records below the header, number of records above them) of each table that has a layout."""
    first: list[str] | None = None
    some = False
    try:
        for table in tables(stream, settings.encoding, lambda cells: recognised(cells, settings.mapping) is not None):
            records = ((i, r) for i, r in enumerate(table.records) if r.cells is None or any(_filled(r.cells)))
            top = list(islice(records, PREAMBLE if table.kind != "jsonl" else 200))
            layout, at = _find(table, [r for _, r in top], settings.mapping)
            first = first or (_headers(table, [r for _, r in top]) if top else None)
            if layout:
                some = True
                below = chain((r for _, r in top[at:]), (r for _, r in records))
                yield table, layout, below, at
    except PermanentError as error:
        raise PermanentError(f"{name}: {error}") from None
    if first is None:
        raise PermanentError(f"{name}: is empty")
    if not some:
        # A file may have sheets that are no tables of mentions; it must have one that is.
        raise unknown(name, first, settings.mapping)


def _filled(cells: Sequence[Any] | dict[str, Any]) -> Iterator[bool]:
    values = cells.values() if isinstance(cells, dict) else cells
    return (bool(cell.strip()) if isinstance(cell, str) else cell is not None for cell in values)


def _headers(table: Table, top: Sequence[Record]) -> list[str]:
    if table.kind == "jsonl":
        return list(dict.fromkeys(key for record in top if isinstance(record.cells, dict) for key in _flat(record.cells)))
    widest = max(top, key=lambda record: len(record.cells or ()))
    if len(widest.cells or ()) > MAX_COLUMNS:
        raise PermanentError(f"has {len(widest.cells or ())} columns, more than {MAX_COLUMNS}; is it an export of mentions?")
    return [str(cell or "") for cell in widest.cells or ()]


def _find(table: Table, top: Sequence[Record], mapping: Mapping[str, str]) -> tuple[Layout | None, int]:
    """The layout, and how many of the first records end with its header."""
    if table.kind == "jsonl":
        return recognised(_headers(table, top), mapping), 0
    for at, record in enumerate(top, 1):
        if isinstance(record.cells, list) and (layout := recognised([str(c or "") for c in record.cells], mapping)):
            return layout, at
    return None, 0


def _parts(stream: BinaryIO, name: str, settings: Settings) -> Iterator[Fetched]:
    for table, layout, records, above in _laid_out(stream, name, settings):
        what = {
            "kind": table.kind, "delimiter": table.delimiter, "sheet": table.sheet, "layout": layout.name,
            "headers": list(layout.headers), "mapping": layout.mapping,
            "time_zone": settings.time_zone, "time_format": settings.time_format,
        }  # fmt: skip
        where = f"{_name(Path(name))}{f' [{table.sheet}]' if table.sheet else ''}"
        row = above + 1
        for content, count in _chunks(records):
            yield Fetched(content, f"{where} rows {row}-{row + count - 1}", f".{table.kind}", meta={**what, "first_row": row})
            row += count


def _chunks(records: Iterator[Record]) -> Iterator[tuple[bytes, int]]:
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


def _rows(content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of a chunk, one for each record that is not blank."""
    layout = Layout(meta["layout"], tuple(meta["headers"]), dict(meta["mapping"]))
    text = io.StringIO(content.decode("utf-8", "surrogateescape"), newline="")
    records = csv_records(text, meta["delimiter"]) if meta["kind"] == "csv" else json_records(text)
    for record in records:
        if record.cells is None:
            # The name of the key is the reason that the edge gives.
            yield {"unreadable_record": record.raw}
        elif any(_filled(record.cells)):
            yield _row(record.cells, layout, meta)


def _row(cells: Cells, layout: Layout, meta: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(cells, dict):
        named, ragged = _flat(cells), None
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
    row = row_of(named, layout, meta.get("time_zone"), meta.get("time_format"))
    return {**row, "ragged_row": ragged} if ragged else row


def _flat(cells: dict[str, Any], prefix: str = "", depth: int = 5) -> dict[str, Any]:
    """{"user": {"name": x}} as {"user.name": x}, so that a mapping can name it."""
    out: dict[str, Any] = {}
    for key, value in cells.items():
        nested = isinstance(value, dict) and depth
        out |= _flat(value, f"{prefix}{key}.", depth - 1) if nested else {f"{prefix}{key}": value}
    return out
