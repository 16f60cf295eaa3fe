"""What an export is: which headers give a tool away, and which of its columns are which of ours, declared once a tool.

Headers are compared without regard to case and punctuation (`Review ID`, `review_id`), in any order.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from coolhead.sources._cells import IDS, count_of, is_blank, value_of
from coolhead.sources._identity import derived
from coolhead.sources._review_sites import stars

Cells = Mapping[str, Any]
"""A record: `plain` header -> cell."""
Cell = Callable[[Cells], Any]
"""What stands in one of our columns, out of a record."""
Shape = Literal["recorded", "schema", "help page"]
"""How its shape is known. recorded: a header that public files or public readers of such files hold; schema: the vendor's
API documentation; help page: from the vendor's help page, not from a recorded file, so that it may be wrong."""
_STATUS = re.compile(r"//(?:www\.|mobile\.)?(?:twitter|x)\.com/[^/?#]+/status(?:es)?/(\d+)", re.ASCII)
SAMPLE = 200
"""Objects of a JSON file whose names together are its headers."""


@dataclass(frozen=True)
class Export:
    """One kind of export of one tool."""

    name: str
    """Stored with what is read by it, and part of its mentions' ids: never to be changed."""
    tool: str
    kinds: str
    """File kinds that the tool offers."""
    shape: Shape
    source: str
    """Where the shape is described."""
    tells: tuple[tuple[str, ...], ...]
    """Headers that give it away: all of any one of these."""
    columns: Mapping[str, Cell]
    zone: str | None = None
    """Time zone of its naive times, where the tool documents one; None: as the account is set, so the plan must say it."""
    forms: tuple[str, ...] = ()
    """How it writes times, beside ISO 8601 and seconds since 1970 (see `written`)."""
    paths: tuple[tuple[str, ...], ...] = ()
    """Where its records lie in a JSON document."""
    buried: bool = False
    """Its headers are too common to give it away: it is known only by the place of its records in a document."""
    audience: str = "none"
    """What its audience is: a follower count, or the tool's estimate."""
    rating: Cell | None = None
    """The author's mark, as a sign (★☆☆☆☆): first line of a review's text, and all of it where there are no words."""
    answer: Mapping[str, Cell] = field(default_factory=dict)
    """Columns of our public answer, which stands in the record of what it answers; an own mention of its own."""
    is_mention: Cell | None = None
    """Which records are mentions, where by the tool's documentation not all are (direct messages, the app itself)."""

    def tells_of(self, names: Sequence[str]) -> bool:
        there = {plain(name) for name in names if name.strip()}
        sets = [{plain(name) for name in tells} for tells in self.tells]
        return any(tells <= there for tells in sets)

    def records(self, document: Any) -> list[dict[str, Any]] | None:
        """Its records in a JSON document; None: it is not this export. A list of one is written as the one by some."""
        for path in self.paths:
            found = document
            for name in path:
                found = found.get(name) if isinstance(found, dict) else None
            listed = [found] if isinstance(found, dict) else found
            objects = isinstance(listed, list) and listed and all(isinstance(record, dict) for record in listed)
            if objects and self.tells_of(headers_of(listed[:SAMPLE])):
                return list(listed)
        return None

    def rows(self, record: Cells, zone: str | None, time_format: str | None) -> Iterator[dict[str, Any]]:
        """A record (header -> cell) as rows: the mention, and our answer if it has one."""
        cells = {plain(name): value for name, value in reversed(list(record.items()))}  # of two of one name the first
        if self.is_mention and not self.is_mention(cells):
            return
        row = self._row(self.columns, cells, zone, time_format)
        row.setdefault("native_id", derived(row))
        yield self._marked(row, cells)
        answer = self._row(self.answer, cells, zone, time_format)
        if str(answer.get("text") or "").strip():
            yield {**answer, "native_id": f"{row['native_id']}/reply", "parent": row["native_id"], "own": True}

    def _marked(self, row: dict[str, Any], cells: Cells) -> dict[str, Any]:
        """As _review_sites.py does it for the sources of reviews, so that a review reads the same by either way."""
        mark, words = self.rating and self.rating(cells), row.get("text") or ""
        if not mark or not isinstance(words, str):
            return row
        if not words.strip():
            row = {name: value for name, value in row.items() if name != "lang"}
        return {**row, "text": f"{mark}\n\n{words}" if words.strip() else mark}

    def _row(self, columns: Mapping[str, Cell], cells: Cells, zone: str | None, time_format: str | None) -> dict[str, Any]:
        row = {}
        for ours, cell in columns.items():
            value = value_of(ours, cell(cells), self.zone or zone, time_format, self.forms)
            if isinstance(value, str) and ours in IDS:  # quoted, so that a spreadsheet would not round it
                value = value.strip("\"'") or None
            if value is not None and not (ours == "audience" and value == 0):  # tools write 0 where they know none
                row[ours] = value
        return row


def flat(record: Mapping[str, Any], prefix: str = "", depth: int = 5) -> dict[str, Any]:
    """{"user": {"name": x}} as {"user.name": x}, so that a mapping can name it; of a list of objects also the first, as
    {"media": [{"title": x}]} -> {"media[0].title": x}."""
    out: dict[str, Any] = {}
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and depth:
            out |= flat(value, f"{name}.", depth - 1)
            continue
        out[name] = value
        if isinstance(value, list) and value and isinstance(value[0], dict) and depth:
            out |= flat(value[0], f"{name}[0].", depth - 1)
    return out


def headers_of(records: Iterable[Any]) -> list[str]:
    """All names of some JSON objects: none has to have all of them."""
    return list(dict.fromkeys(key for record in records if isinstance(record, dict) for key in flat(record)))


@lru_cache(maxsize=10_000)
def plain(header: str) -> str:
    """A header without what tools and their versions write differently."""
    return re.sub(r"[\W_]+", " ", header).strip().casefold()


def first(*headers: str) -> Cell:
    """The first cell that holds something."""
    names = [plain(header) for header in headers]
    return lambda cells: next((cells[name] for name in names if not is_blank(cells.get(name))), None)


def either(*cells: Cell) -> Cell:
    """The first that gives something."""
    return lambda record: next((value for cell in cells if not is_blank(value := cell(record))), None)


def largest_audience(*headers: str) -> Cell:
    """The first count above zero: a tool has a column for each network, and fills those of the others with 0."""
    names = [plain(header) for header in headers]
    return lambda cells: next(
        (cells[name] for name in names if not is_blank(cells.get(name)) and count_of(cells[name]) != 0), None
    )


def total(*headers: str) -> Cell:
    """The sum of all that are filled: columns of several networks, of which a mention is on one. What is no number comes
    out as it is, and is refused."""
    names = [plain(header) for header in headers]

    def added(cells: Cells) -> Any:
        counts = [count_of(cells[name]) for name in names if not is_blank(cells.get(name))]
        return _no_number(counts) or (sum(counts) if counts else None)

    return added


def most(*counts: Cell) -> Cell:
    """The greatest: a tool's general column repeats what stands in the network's own."""

    def greatest(cells: Cells) -> Any:
        found = [value for count in counts if (value := count_of(count(cells))) is not None]
        return _no_number(found) or max(found, default=None)

    return greatest


def _no_number(counts: Sequence[Any]) -> Any:
    """What is none, in a form that the edge refuses whatever it is; None where all are."""
    wrong = next((count for count in counts if not isinstance(count, (int, float)) or isinstance(count, bool)), None)
    return None if wrong is None else str(wrong) or "no number"


def stacked(*headers: str) -> Cell:
    """A title above its text, as a reader sees them; a part that the rest repeats only once. What is no text comes out as
    it is, and is refused."""
    names = [plain(header) for header in headers]

    def above(cells: Cells) -> Any:
        parts = [cells[name] for name in names if not is_blank(cells.get(name))]
        if odd := next((part for part in parts if isinstance(part, (dict, list, bool))), None):
            return odd
        kept: list[str] = []
        for part in (str(part).strip() for part in parts):
            if not any(part in k for k in kept):
                kept = [k for k in kept if k not in part] + [part]
        return "\n\n".join(kept)

    return above


def beside(date: str, time: str) -> Cell:
    """A date and its time, in two columns; a spreadsheet keeps a bare date as midnight."""
    day, clock = plain(date), plain(time)

    def at(cells: Cells) -> Any:
        if is_blank(cells.get(day)):
            return None
        found = re.sub(r"[T ]00:00:00$", "", str(cells[day]).strip())
        return found if is_blank(cells.get(clock)) else f"{found} {str(cells[clock]).strip()}"

    return at


def always(value: Any) -> Cell:
    return lambda cells: value


def filled(header: str) -> Cell:
    return lambda cells: not is_blank(cells.get(plain(header)))


def rated(header: str) -> Cell:
    """★★★★☆ of a cell that holds 4, 4.0 or FOUR."""
    words, held = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}, first(header)

    def mark(cells: Cells) -> str:
        rating = held(cells)
        return stars(words.get(str(rating).strip().casefold(), rating))

    return mark


def changed(edited: str, published: str) -> Cell:
    """When it was edited, if it was: tools repeat the time of publication where it was not."""
    return lambda cells: None if cells.get(plain(edited)) == cells.get(plain(published)) else cells.get(plain(edited))


def parameter(header: str, name: str) -> Cell:
    """A parameter of an address, such as the id in a link."""
    held = first(header)

    def value(cells: Cells) -> str | None:
        try:
            query = urlsplit(str(held(cells) or "")).query
        except ValueError:  # no address
            return None
        return next(iter(parse_qs(query).get(name, [])), None)

    return value


def status(*headers: str) -> Cell:
    """The number of a post on X out of its address: the one id that posts, replies and reposts of an export share."""

    held = first(*headers)

    def number(cells: Cells) -> str | None:
        found = _STATUS.search(str(held(cells) or ""))
        return found[1] if found else None

    return number
