"""Records of CSV, JSON-lines and Excel bytes, one at a time, each with its raw form; memory does not grow with the file."""

import codecs
import csv
import io
import json
import sys
import zipfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, time
from itertools import chain, islice
from typing import Any, BinaryIO

from coolhead.errors import ConfigError, PermanentError
from coolhead.sources._api import decoded
from coolhead.sources._exports import SAMPLE, Export, headers_of

MAX_RECORD = 4_000_000
"""Characters. A quoted field that runs on for longer was never closed."""
MAX_UNPACKED = 300_000_000
"""Bytes that an Excel file may hold once unpacked."""
MAX_DOCUMENT = 100_000_000
"""Characters of one JSON document; it is read as a whole, unlike one object a line."""
DELIMITERS = ",;\t|"
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

Cells = list[Any] | dict[str, Any] | None
"""A list (in the order of the headers), a dict (JSON lines), or None where the record cannot be read."""


Known = Callable[[list[str]], bool]
"""Whether some cells are a header."""
Places = Callable[[Any], tuple[Export, list[dict[str, Any]]] | None]
"""The export that a JSON document is, and its records."""


@dataclass(frozen=True)
class Record:
    """One row and the text it was read from."""

    cells: Cells
    raw: str


@dataclass(frozen=True)
class Table:
    """One table of a file: `kind` is csv, jsonl or cells (a sheet; its raw form is a JSON list a line)."""

    kind: str
    records: Iterator[Record]
    delimiter: str = ","
    sheet: str = ""
    placed: str = ""
    """The export that a JSON document is, told by the place of its records."""


def tables(stream: BinaryIO, encoding: str, known: Known, places: Places) -> Iterator[Table]:
    """The tables in some bytes, told by what they are and not by a file's name.

    Raises PermanentError, or ConfigError for an encoding that does not exist.
    """
    head = stream.read(4_096)
    stream.seek(0)
    if head.startswith(b"PK"):
        yield from _sheets(stream)
    elif head.startswith((b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b")):
        raise PermanentError("no CSV, JSON lines or .xlsx; save it as one of them (.xls: as .xlsx)")
    else:
        yield _text_table(
            stream, next((name for bom, name in _BOMS if head.startswith(bom)), encoding or "utf-8"), known, places
        )


def _text_table(stream: BinaryIO, encoding: str, known: Known, places: Places) -> Table:
    # Bytes that are no UTF-8 become lone surrogates: the edge refuses their rows, and says why, instead of the file.
    errors = "surrogatepass" if encoding.startswith("utf-16") else "surrogateescape"
    try:
        text = io.TextIOWrapper(stream, encoding, errors, newline="")
    except LookupError:
        raise ConfigError(f"there is no encoding {encoding!r}; write e.g. cp1252") from None
    lines = _decoded(text)
    first = list(islice(lines, 20))
    all_lines = chain(first, lines)
    start = next((line.strip() for line in first if line.strip()), "")
    if start.startswith(("{", "[")):
        return _json_table(start, all_lines, known, places)
    if start[:4].casefold() == "sep=" and len(start) == 5:  # Excel's own way to name the delimiter
        next(all_lines)
        return Table("csv", csv_records(all_lines, start[4]), start[4])
    delimiter = _delimiter(first, known)
    return Table("csv", csv_records(all_lines, delimiter), delimiter)


def _json_table(start: str, lines: Iterator[str], known: Known, places: Places) -> Table:
    """One object a line, pages of an export one a line, or one document of an export over all lines."""
    whole = start if isinstance(_object(start), dict) else _taken(lines)
    document = _object(whole)
    if found := places(document):
        export, records = found
        if whole is start:
            return Table("jsonl", json_records(lines, export), placed=export.name)
        return Table("jsonl", map(_written, records), placed=export.name)
    if isinstance(document, list) and known(headers_of(document[:SAMPLE])):
        return Table("jsonl", map(_written, document))
    if start.startswith("["):
        raise PermanentError("is a JSON list of nothing that is known; write one object a line (jq -c '.[]')")
    return Table("jsonl", json_records(lines if whole is start else io.StringIO(whole, newline="")))


def _taken(lines: Iterator[str]) -> str:
    taken, size = [], 0
    for line in lines:
        taken.append(line)
        size += len(line)
        if size > MAX_DOCUMENT:
            raise PermanentError(
                f"is one JSON document of more than {MAX_DOCUMENT} characters; write one object a line (jq -c '.[]')"
            )
    return "".join(taken)


def _written(record: Any) -> Record:
    return Record(record if isinstance(record, (dict, list)) else None, json.dumps(record) + "\n")


def _decoded(text: io.TextIOWrapper) -> Iterator[str]:
    try:
        yield from text
    except UnicodeError:
        raise PermanentError("ends in the middle of a character, or is not in the encoding it begins with") from None
    finally:
        with suppress(ValueError):  # the caller may have closed its stream already
            text.detach()


def _delimiter(lines: Sequence[str], known: Known) -> str:
    """The sign that makes a header, else that cuts most lines into the same number of cells; a comma where none cuts."""

    def agreement(sign: str) -> tuple[bool, int, int]:
        cells = [r.cells for r in csv_records(iter(lines), sign) if isinstance(r.cells, list)]
        widths = Counter(len(c) for c in cells if len(c) > 1)
        return any(map(known, cells)), *max(((count, width) for width, count in widths.items()), default=(0, 0))

    return max(DELIMITERS, key=agreement)


class _TooLong(Exception):
    pass


class _Lines:
    """Lines that can be put back; `taken` are those of the record being read."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._back = lines, deque[str]()
        self.taken: list[str] = []
        self.size = 0
        self.cut = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.size > MAX_RECORD and len(self.taken) > 1:
            raise _TooLong
        try:
            line = self._back.popleft() if self._back else next(self._lines)
        except StopIteration:
            self.cut = bool(self.taken)  # asked for more in the middle of a record: a quote was left open
            raise
        self.taken.append(line)
        self.size += len(line)
        return line

    def begin(self) -> None:
        self.taken, self.size, self.cut = [], 0, False

    def put_back(self) -> str:
        """Give all but the first line back, and return that."""
        first, *rest = self.taken
        self._back.extendleft(reversed(rest))
        return first


def csv_records(lines: Iterator[str], delimiter: str) -> Iterator[Record]:
    """RFC 4180, and leniently what is not. A quote that is never closed costs its own line only, not the rest of the file."""
    source = _Lines(lines)
    reader = csv.reader(source, delimiter=delimiter)
    while True:
        source.begin()
        try:
            cells: Cells = _row(reader)
        except StopIteration:
            return
        except (_TooLong, csv.Error):
            cells, source.cut = None, True
        if not source.cut:
            yield Record(cells, "".join(source.taken))
        else:
            yield Record(None, source.put_back())
            reader = csv.reader(source, delimiter=delimiter)


def _row(reader: Iterator[list[str]]) -> list[str]:
    """The next one, however long: the limit is the process's, and is others' again afterwards."""
    usual = csv.field_size_limit(sys.maxsize)
    try:
        return next(reader)
    finally:
        csv.field_size_limit(usual)


def json_records(lines: Iterable[str], export: Export | None = None) -> Iterator[Record]:
    """One JSON object a line; blank lines are none. A line that is a page of `export` holds many."""
    for line in lines:
        if not line.strip():
            continue
        found = _object(line)
        page = export.records(found) if export else None
        if page:
            yield from map(_written, page)
        else:
            yield Record(found, line)


def _object(line: str) -> Cells:
    found = decoded(line)
    return found if isinstance(found, (dict, list)) else None


def _sheets(stream: BinaryIO) -> Iterator[Table]:
    import openpyxl  # here, because Dag files import the source for its class attributes

    try:
        with zipfile.ZipFile(stream) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                raise PermanentError(f"unpacks to more than {MAX_UNPACKED} bytes; export fewer rows a file")
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        try:
            for sheet in book.worksheets:
                yield Table("cells", _sheet_records(sheet), sheet=sheet.title)
        finally:
            book.close()
    except PermanentError:
        raise
    except Exception as error:  # openpyxl lets through whatever zip, XML and its own classes raise on damaged files
        raise PermanentError(f"no readable .xlsx ({type(error).__name__}); it may be cut off") from None


def _sheet_records(sheet: Any) -> Iterator[Record]:
    try:
        for values in sheet.iter_rows(values_only=True):
            cells = [_plain(value) for value in values]
            if any(cell not in (None, "") for cell in cells):
                yield Record(cells, json.dumps(cells) + "\n")
    except Exception as error:  # as above, while reading on
        raise PermanentError(f"no readable .xlsx ({type(error).__name__}); it may be cut off") from None


def _plain(value: Any) -> Any:
    if isinstance(value, (date, time)):  # a datetime is a date too
        return value.isoformat()
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
