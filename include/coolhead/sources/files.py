"""Exports of other tools (CSV, JSON lines, Excel), dropped into a folder: whatever network a paid tool can see, we can read.

Plan, approval, price: none of ours; the tool that made the export has its own. Layouts are recognised by their
headers (`layouts()` lists them); any other is named in the plan by a mapping, which the error prints ready to fill in.
A ZIP must be unpacked first. Times without a zone are read in the tool's documented one, else in the plan's `time_zone`.

https://www.rfc-editor.org/rfc/rfc4180 (CSV) · https://jsonlines.org · https://openpyxl.readthedocs.io (read-only mode)

Engagement: likes, comments and shares as the export has them, summed over the columns of several networks.
"""

import hashlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, field_validator

from coolhead.errors import ConfigError, PermanentError, TransientError
from coolhead.http import Client
from coolhead.sources import About, Fetched, Query, Source, SourceSettings, each
from coolhead.sources._chunks import chunks, filled, rows, rows_in
from coolhead.sources._exports import SAMPLE, Export, headers_of
from coolhead.sources._layouts import COLUMNS, EXPORTS, REQUIRED, Layout, placed, recognised, unknown
from coolhead.sources._tables import Record, Table, tables
from coolhead.windows import Window

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".xlsx")
UNFINISHED = (".part", ".tmp", ".crdownload", ".download")
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


@dataclass(frozen=True)
class Known:
    """A layout that is read without a mapping, for the documents."""

    name: str
    tool: str
    kinds: str
    shape: str
    """How its shape is known; of a `help page`: from the vendor's help page, not from a recorded file."""
    source: str
    audience: str
    zone: str
    """Of its times, where they are written without one."""


def layouts() -> list[Known]:
    """All exports that are recognised by their own name."""
    return [
        Known(e.name, e.tool, e.kinds, e.shape, e.source, e.audience, e.zone or "the plan's `time_zone`")
        for e in EXPORTS.values()
    ]


class Files(Source):
    """A folder of exports."""

    Settings = Settings
    about = About(
        network="whatever a tool or a network exports",
        reads="exports of Brandwatch, Meltwater, Talkwalker, Hootsuite, Sprout Social, Brand24; of TikTok, LinkedIn, Threads; reviews "
        "from app stores, Amazon, Allegro, Shopee, Google, Tripadvisor, Trustpilot; any other table by a mapping",
        demands="none of ours: the account and the plan of the tool that made the export",
        history="as far as the export goes",
        limits="as late as the export is dropped into the folder; a ZIP must be unpacked first",
    )
    poll = timedelta(minutes=5)
    lag = timedelta(0)
    exports = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        """New and changed files, whole, whatever the window."""
        folder = Path(query.settings.folder)
        if not folder.is_dir():
            raise ConfigError(f"files: the folder {folder} does not exist; create it, or correct `folder` in brands.yaml")
        yield from each(_changed(path, _name(path.relative_to(folder)), cursor, query.settings) for path in _files(folder))

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """`meta` as `read` made it; without it the bytes are taken as a whole file."""
        if meta.get("kind"):
            yield from rows(content, meta)
            return
        try:
            for part in _parts(io.BytesIO(content), "payload", Settings()):
                yield from rows(part.content, part.meta)
        except ConfigError as error:
            raise PermanentError(str(error)) from None


def _changed(path: Path, stream: str, cursor: Mapping[str, str], settings: Settings) -> Iterator[Fetched]:
    """A file, unless it was read as it is now."""
    try:
        position = _position(path, settings)
        if cursor.get(stream) != position:
            yield from read(path, settings, stream, position)
    except OSError as error:  # taken away, or its disk, while it was read
        raise TransientError(f"{stream}: {error.strerror}") from None


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
        for part in _parts(opened, path.name, settings or Settings(), checked=True):
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
    how = hashlib.sha256(
        settings.model_dump_json(include={"mapping", "time_zone", "time_format", "encoding"}).encode()
    ).hexdigest()[:8]
    return f"{found.st_size}-{found.st_mtime_ns}-{how}"


def _laid_out(stream: BinaryIO, name: str, settings: Settings) -> Iterator[tuple[Table, Layout, Iterator[Record], int]]:
    """(table, layout, its records below the header, number of records above them) of each table that has a layout."""
    first: list[str] | None = None
    some = False
    try:
        for table in tables(stream, settings.encoding, lambda cells: recognised(cells, settings.mapping) is not None, placed):
            records = ((i, r) for i, r in enumerate(table.records) if r.cells is None or any(filled(r.cells)))
            top = list(islice(records, PREAMBLE if table.kind != "jsonl" else SAMPLE))
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


def _headers(table: Table, top: Sequence[Record]) -> list[str]:
    if table.kind == "jsonl":
        return headers_of(record.cells for record in top)
    widest = max(top, key=lambda record: len(record.cells or ()))
    if len(widest.cells or ()) > MAX_COLUMNS:
        raise PermanentError(f"has {len(widest.cells or ())} columns, more than {MAX_COLUMNS}; is it an export of mentions?")
    return [str(cell or "") for cell in widest.cells or ()]


def _find(table: Table, top: Sequence[Record], mapping: Mapping[str, str]) -> tuple[Layout | None, int]:
    """The layout, and how many of the first records end with its header."""
    if table.kind == "jsonl":
        return recognised(_headers(table, top), mapping, table.placed), 0
    for at, record in enumerate(top, 1):
        if isinstance(record.cells, list) and (layout := recognised([str(c or "") for c in record.cells], mapping)):
            return layout, at
    return None, 0


def _parts(stream: BinaryIO, name: str, settings: Settings, checked: bool = False) -> Iterator[Fetched]:
    """checked: a known export none of whose first times can be read is an error that says what the plan must say, and
    not a quarantine full of rows."""
    for table, layout, records, above in _laid_out(stream, name, settings):
        what = {
            "kind": table.kind, "delimiter": table.delimiter, "sheet": table.sheet, "layout": layout.name,
            "headers": list(layout.headers), "mapping": layout.mapping,
            "time_zone": settings.time_zone, "time_format": settings.time_format,
        }  # fmt: skip
        where = f"{_name(Path(name))}{f' [{table.sheet}]' if table.sheet else ''}"
        if checked and layout.export:
            top = list(islice(records, PREAMBLE))
            _check_times([row for r in top if r.cells for row in rows_in(r.cells, layout, what)], layout.export, where)
            records = chain(top, records)
        row = above + 1
        for content, count in chunks(records):
            yield Fetched(content, f"{where} rows {row}-{row + count - 1}", f".{table.kind}", meta={**what, "first_row": row})
            row += count


def _check_times(rows: Sequence[Mapping[str, Any]], export: Export, where: str) -> None:
    times = [row["published_at"] for row in rows if "published_at" in row]
    if any(isinstance(time, datetime) and time.tzinfo for time in times) or not times:
        return
    if any(isinstance(time, datetime) for time in times):
        what, cure = "without a time zone", "the one that its account is set to, e.g. `time_zone: Europe/Rome`"
    else:
        what, cure = "in a form that differs between accounts", "that of this one, e.g. `time_format: '%d/%m/%Y %H:%M'`"
    raise ConfigError(
        f"{where}: {export.tool.partition(',')[0]} writes its times {what}; write in brands.yaml, under sources, files: {cure}"
    )
