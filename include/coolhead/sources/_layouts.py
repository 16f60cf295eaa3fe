"""Which layout a table has: our own columns, those of a known tool's export, or common English headers.

Known are the exports declared in _listening.py, _native.py and _review_exports.py, our own column names, and the Twitter customer
support export (tweet_id, author_id, inbound, ...: https://www.kaggle.com/datasets/thoughtvector/customer-support-on-twitter).
Any other table is read by a list of common English headers (`guessed`), or by the plan's mapping.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coolhead.errors import ConfigError
from coolhead.sources._cells import value_of
from coolhead.sources._exports import Export, plain
from coolhead.sources._identity import derived
from coolhead.sources._listening import LISTENING
from coolhead.sources._native import NATIVE
from coolhead.sources._review_exports import REVIEWS

EXPORTS: Mapping[str, Export] = {export.name: export for export in (*LISTENING, *NATIVE, *REVIEWS)}
COLUMNS = (
    "native_id", "published_at", "text", "lang", "url", "author", "audience", "likes", "comments", "shares",
    "own", "repost_of", "parent", "edited_at", "author_since",
)  # fmt: skip
REQUIRED = ("published_at", "text")

_TWITTER_SUPPORT = {
    "native_id": "tweet_id", "published_at": "created_at", "text": "text", "author": "author_id",
    "own": "inbound", "parent": "in_response_to_tweet_id",
}  # fmt: skip
# In order of preference: `full text` before `title`, `created at` before a bare `date`.
_GUESSES: dict[str, tuple[str, ...]] = {
    "native_id": ("native id", "tweet id", "post id", "message id", "mention id", "comment id", "status id", "id"),
    "published_at": (
        "published at", "created at", "publication date", "published date", "publish date", "date published", "post date",
        "created time", "published", "created", "date utc", "date time", "datetime", "timestamp", "date", "time",
    ),
    "text": (
        "full text", "text", "message", "content", "post text", "post message", "tweet", "mention", "body", "comment",
        "review", "snippet", "hit sentence", "description", "caption", "title",
    ),
    "lang": ("language", "lang", "language code"),
    "url": ("url", "link", "permalink", "post url", "post link", "mention url", "source url"),
    "author": ("author", "username", "user name", "screen name", "handle", "author name", "profile", "user", "account", "from"),
    "audience": ("followers", "follower count", "followers count", "author followers", "reach", "audience", "potential reach", "estimated reach"),
    "likes": ("likes", "like count", "favorites", "favourites", "favorite count", "reactions", "facebook likes"),
    "comments": ("comments", "comment count", "comments count", "replies", "reply count"),
    "shares": ("shares", "share count", "shares count", "retweets", "retweet count", "reposts"),
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """`mapping`: our column -> their header, or two headers joined by ` + ` (a date and a time apart); empty for an export
    of a known tool, whose declaration says more than a mapping can."""

    name: str
    headers: tuple[str, ...]
    mapping: dict[str, str]

    @property
    def export(self) -> Export | None:
        return EXPORTS.get(self.name) if not self.mapping else None


def recognised(headers: Sequence[str], mapping: Mapping[str, str], placed: str = "") -> Layout | None:
    """The layout of a table with these headers, by the plan's mapping if there is one; None: unknown, or not one alone.

    placed: the export whose place in a JSON document the records were found at.
    """
    names = _apart(headers)
    if mapping:
        wanted = [part for theirs in mapping.values() for part in theirs.split(" + ")]
        return Layout("mapping", names, dict(mapping)) if all(w in names for w in wanted) else None
    if placed:
        return Layout(placed, names, {})
    if all(name in names for name in REQUIRED):
        return Layout("coolhead", names, {name: name for name in COLUMNS if name in names})
    if {*_TWITTER_SUPPORT.values()} <= {*names}:
        return Layout("twitter support", names, _TWITTER_SUPPORT)
    if told := matching(names):
        return Layout(told[0].name, names, {}) if len(told) == 1 else None
    found = _guessed(names)
    return Layout("guessed", names, found) if all(name in found for name in REQUIRED) else None


def matching(headers: Sequence[str]) -> list[Export]:
    """The exports that these headers give away: one, or none."""
    return [export for export in EXPORTS.values() if not export.buried and export.tells_of(headers)]


def placed(document: Any) -> tuple[Export, list[dict[str, Any]]] | None:
    """The export that a JSON document is, with its records."""
    found = ((export, records) for export in EXPORTS.values() if (records := export.records(document)))
    return next(found, None)


def _apart(headers: Sequence[str]) -> tuple[str, ...]:
    """Headers without blanks around them; a second one of the same name is `name (2)`, or its cells would replace the first's."""
    names: list[str] = []
    for header in (h.strip() for h in headers):
        before = sum(name == header or re.fullmatch(re.escape(header) + r" \(\d+\)", name) is not None for name in names)
        names.append(f"{header} ({before + 1})" if before and header else header)
    return tuple(names)


def _guessed(names: Sequence[str]) -> dict[str, str]:
    common = {plain(name): name for name in reversed(names)}
    found: dict[str, str] = {}
    for ours, theirs in _GUESSES.items():
        if hit := next((common[t] for t in theirs if t in common and common[t] not in found.values()), None):
            found[ours] = hit
    if found.get("published_at") == common.get("date") and "date" in common and "time" in common:
        found["published_at"] = f"{common['date']} + {common['time']}"
    return found


def unknown(where: str, headers: Sequence[str], mapping: Mapping[str, str]) -> ConfigError:
    """The error that says what to write, with the file's own headers."""
    names = [h.strip() for h in headers if h.strip()]
    if not names:
        return ConfigError(
            f"{where}: no export that is known, and no table whose columns could be mapped: nothing in it has a name"
        )
    guess = _guessed(names)
    lines = [f"    {ours}: {_yaml(guess.get(ours, '...'))}" for ours in COLUMNS if ours in {*REQUIRED, *guess}]
    missing = [m for m in mapping.values() if not {*m.split(" + ")} <= {*names}]
    why = f"the mapping names columns that it lacks: {', '.join(missing)}" if missing else "its columns are not known"
    return ConfigError(
        f"{where}: {why}. Write in brands.yaml, under sources, what is what (published_at and text are needed):\n"
        "files:\n  mapping:\n" + "\n".join(lines) + f"\nThe file has the columns: {', '.join(names)}"
    )


def _yaml(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][\w ]*", name) else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def rows_of(cells: Mapping[str, Any], layout: Layout, zone: str | None, time_format: str | None) -> Iterator[dict[str, Any]]:
    """One record as rows of mentions' columns. What cannot be read is left as it is, for the edge to refuse."""
    if layout.export:
        yield from layout.export.rows(cells, zone, time_format)
        return
    row: dict[str, Any] = {}
    for ours, theirs in layout.mapping.items():
        value = value_of(ours, _cell(cells, theirs), zone, time_format)
        if value is not None:
            row[ours] = value
    if "own" in row:
        known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(str(row["own"]).casefold())
        # `inbound`: written by a customer.
        row["own"] = row["own"] if known is None else known != (layout.name == "twitter support")
    if "native_id" not in row and "published_at" in row:
        row["native_id"] = derived(row)
    yield row


def _cell(cells: Mapping[str, Any], theirs: str) -> Any:
    if theirs in cells:
        return cells[theirs]
    parts = [str(cells.get(part) or "").strip() for part in theirs.split(" + ")]
    # A spreadsheet keeps a bare date as midnight; its time stands in the other column.
    return " ".join(filter(None, [parts[0].removesuffix("T00:00:00"), *parts[1:]])) or None
