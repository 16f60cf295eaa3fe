"""Labels by people: a sample out as a file, the answers in, and the windows whose numbers change by them.

A person's label overrides every scorer from the moment it is stored (store.mentions), so its windows are measured again.
The file holds raw text: its owner's alone, and gone with the raw payloads. It does not hold what the scorer read: people
must not be led.
"""

import csv
import difflib
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

from coolhead import failpoint
from coolhead.errors import ConfigError
from coolhead.intake import dirty
from coolhead.rows import Drawn, Kind, Match, Mention, PersonLabel, Polarity
from coolhead.store import Store
from coolhead.windows import Window

COLUMNS = ("id", "source", "day", "native_id", "published_at", "lang", "text", "url", "label", "kind")
CHOICES: dict[str, tuple[str, ...]] = {"label": get_args(Polarity), "kind": get_args(Kind)}
LONGEST = 2_000
"""Characters of a text that are shown: a cell of a spreadsheet holds 32,767, and nobody reads on."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "%", "'")
"""What a spreadsheet may take for the beginning of a formula (OWASP, CSV injection), and the sign that makes it harmless."""

Key = tuple[str, date, str]


@dataclass
class Taken:
    """What one reading of labels did."""

    labelled: int = 0
    unchanged: int = 0
    empty: int = 0
    changed: list[str] = field(default_factory=list)
    """Lines passed over: their text was edited, or is gone, since it was drawn."""

    def __str__(self) -> str:
        told = f"{self.labelled} labelled, {self.unchanged} known already, {self.empty} left empty"
        return told + (
            f"; passed over, for the text was edited or is gone since: line {', '.join(self.changed)}" if self.changed else ""
        )


def write(store: Store, drawn: Sequence[Drawn], path: Path) -> int:
    """The sample as a CSV that a spreadsheet opens, in random order, so that whoever stops midway leaves a random part.

    Returns how many rows; raises ConfigError where the file exists: somebody may be filling it in.
    """
    texts = _mentions(store, {(d.source, d.day, d.native_id) for d in drawn})
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    written = 0
    for d in sorted(drawn, key=name):
        m = texts.get((d.source, d.day, d.native_id))
        if m and m.text.strip():
            cells = (
                name(d),
                d.source,
                d.day,
                d.native_id,
                f"{m.published_at:%Y-%m-%d %H:%M} UTC",
                d.lang,
                shown(m.text),
                m.url or "",
            )
            rows.writerow([*map(harmless, map(str, cells)), "", ""])
            written += 1
    _create(path, out.getvalue())
    return written


def _create(path: Path, text: str) -> None:
    """Whole or not at all, and its owner's alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.part")
    fresh.touch(0o600)
    fresh.write_text(text, "utf-8-sig", newline="")
    try:
        os.link(fresh, path)  # never over a file that somebody is filling in
    except FileExistsError:
        raise ConfigError(f"{path}: exists; read it, or name another file") from None
    finally:
        fresh.unlink()


def name(drawn: Drawn) -> str:
    """Of a row: spreadsheets turn long numbers into others, so a mention's own id would not come back. Random order."""
    key = f"{drawn.market} {drawn.source} {drawn.day} {drawn.native_id}"
    return f"m{hashlib.sha256(key.encode()).hexdigest()[:14]}"


def shown(text: str) -> str:
    """On one line, so that a line of the file is a row of the sheet."""
    return " ".join(text.split())[:LONGEST]


def harmless(cell: str) -> str:
    """Never a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _same(cell: str, text: str) -> bool:
    """Some spreadsheets drop the sign that makes a cell harmless."""
    return shown(cell).lstrip("'") == shown(text).lstrip("'")


def storable(by: str) -> str:
    """A person's name from a command line or a folder, whose bytes may be no text."""
    return os.fsencode(by).decode("utf-8", "backslashreplace").strip()[:200]


def read(store: Store, path: Path, by: str, now: datetime) -> Taken:
    """Take a filled file in; an empty label is no label. Read again, it changes nothing.

    Raises ConfigError with every mistake: line, column, and what to write.
    """
    by, drawn = storable(by), {name(d): d for d in store.read(Drawn)}
    taken, mistakes, answers = Taken(), list[str](), dict[str, tuple[str, dict[str, str]]]()
    for line, row in _rows(path):
        wrong = [*_mistakes(row, drawn), *_against(answers.get(row["id"]), row)]
        mistakes += [f"{path}:{line}: {what}" for what in wrong]
        answers[row["id"]] = (line, row)
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    filled = {i: answer for i, answer in answers.items() if answer[1]["label"]}
    taken.empty = len(answers) - len(filled)
    texts = _mentions(store, {(d.source, d.day, d.native_id) for d in map(drawn.__getitem__, filled)})
    labels = []
    for i, (line, row) in filled.items():
        d = drawn[i]
        m = texts.get((d.source, d.day, d.native_id))
        if m is None or not _same(row["text"], m.text):
            taken.changed.append(line)
            continue
        said = {"label": row["label"], "kind": row.get("kind") or None, "sample": f"{d.market}/{d.sample}"}
        labels.append(PersonLabel(source=d.source, day=d.day, native_id=d.native_id, by=by, at=now, **said))
    taken.labelled = keep(store, labels, texts)
    taken.unchanged = len(labels) - taken.labelled
    return taken


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(line, row by column), label and kind as they are compared."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is no UTF-8; save it as `CSV UTF-8 (comma delimited)`") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        yield from _parsed(path, text)
    except csv.Error as error:
        raise ConfigError(f"{path}: is no CSV ({error}); save it as `CSV UTF-8 (comma delimited)`") from None


def _parsed(path: Path, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    first = text.partition("\n")[0]
    records = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    header = [cell.strip().casefold() for cell in next(records, [])]
    missing = [c for c in ("id", "text", "label") if header.count(c) != 1]
    if missing:
        raise ConfigError(
            f"{path}:1: column {', '.join(missing)}: must stand in the header once, as `coolhead label sample` wrote it"
        )
    line = records.line_num + 1
    for cells in records:
        if any(cells[len(header) :]):
            raise ConfigError(
                f"{path}:{line}: has more cells than the header; put quotes around a text with a {records.dialect.delimiter!r}"
            )
        row = dict(zip(header, (*cells, *[""] * len(header)), strict=False))
        if any(cell.strip() for cell in cells):
            yield str(line), row | {c: row[c].strip().casefold() for c in CHOICES if c in row} | {"id": row["id"].strip()}
        line = records.line_num + 1


def _shown(value: str) -> str:
    """A cell as an error may show it: where columns slipped it is a mention's text, which no log may hold."""
    return repr(value) if len(value) <= 20 else f"a text of {len(value)} characters"


def _mistakes(row: dict[str, str], drawn: dict[str, Drawn]) -> Iterator[str]:
    if row["id"] not in drawn:
        yield f"id: {_shown(row['id'])} is no drawn mention of this store; do not change this column, or delete the line"
    for column, choices in CHOICES.items():
        value = row.get(column, "")
        if value and value not in choices:
            near = difflib.get_close_matches(value, choices, 1)
            yield f"{column}: {_shown(value)} is none of: {', '.join(choices)}" + (f"; did you mean {near[0]}?" if near else "")
    if row.get("kind") and not row["label"]:
        yield "label: is empty, and a kind is given; label it too, or empty both"


def _against(before: tuple[str, dict[str, str]] | None, row: dict[str, str]) -> Iterator[str]:
    if before and any(before[1].get(c) != row.get(c) for c in CHOICES):
        yield f"id: stands in line {before[0]} too, with another label or kind; keep one"


def one(store: Store, source: str, native_id: str, label: Polarity, kind: Kind | None, by: str, now: datetime) -> bool:
    """A person labels one mention of their own accord; False where they said the same before. Raises ConfigError."""
    back = Window(now - timedelta(days=5 * 366), now + timedelta(days=1))
    known = store.existing(source, [native_id], back).get(native_id)
    if known is None:
        raise ConfigError(f"{source} {native_id}: there is no such mention in the store")
    if known.gone_at:
        raise ConfigError(f"{source} {native_id}: is gone since {known.gone_at:%Y-%m-%d %H:%M} UTC; its words are not kept")
    said = PersonLabel(source=source, day=known.day, native_id=native_id, by=storable(by), at=now, label=label, kind=kind)
    return keep(store, [said], _mentions(store, {_key(said)})) == 1


def keep(store: Store, labels: Sequence[PersonLabel], mentions: Mapping[Key, Mention]) -> int:
    """Store what is new and mark the windows of their mentions, in one transaction; returns how many were new.

    mentions: as the person read them. A text that was edited meanwhile has no label.
    """
    said, read = _said(store, labels), list(mentions.values())
    fresh = [x for x in labels if not _is(x, said.get((*_key(x), x.by)))]
    matches = _of_mentions(store, Match, {_key(x) for x in fresh})
    with store.writing() as writer:
        still = {_key(read[i]) for i in writer.unchanged(read)}
        fresh = [x for x in fresh if _key(x) in still]
        writer.upsert([*fresh, *dirty((m.market, m.published_at) for m in matches)])
        failpoint.reached("label.written")
    return len(fresh)


def _is(label: PersonLabel, before: PersonLabel | None) -> bool:
    """Whether the person said the same before; an answer to a sample tells more than the same label picked freely."""
    same = before is not None and (label.label, label.kind) == (before.label, before.kind)
    return same and (label.sample is None or (before is not None and label.sample == before.sample))


def _said(store: Store, labels: Sequence[PersonLabel]) -> dict[tuple[Any, ...], PersonLabel]:
    """(mention, person) -> the person's newest label for the text as it is."""
    known = _of_mentions(store, PersonLabel, {_key(x) for x in labels})
    return {(*_key(x), x.by): x for x in sorted(known, key=lambda x: x.at) if not x.stale}


def _mentions(store: Store, keys: set[Key]) -> dict[Key, Mention]:
    return {_key(m): m for m in _of_mentions(store, Mention, keys)}


def _key(row: Any) -> Key:
    return (row.source, row.day, row.native_id)


def _of_mentions(store: Store, kind: Any, keys: Iterable[Key]) -> list[Any]:
    """Rows of some mentions, a day of a source at a time: its key is looked up, and no day is read through."""
    by_day: dict[tuple[str, date], list[str]] = {}
    for source, day, native_id in sorted(keys):
        by_day.setdefault((source, day), []).append(native_id)
    return [row for (source, day), ids in by_day.items() for row in store.read(kind, source=source, day=day, native_id=ids)]
