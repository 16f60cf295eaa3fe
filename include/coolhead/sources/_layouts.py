"""Which column of an export is which of ours, and its cells as values of a mention.

Known layouts: our own column names; the Twitter customer support export (tweet_id, author_id, inbound, ...:
https://www.kaggle.com/datasets/thoughtvector/customer-support-on-twitter); and, by a table of common English
headers, most exports of listening tools.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

from coolhead.errors import ConfigError
from coolhead.sources._html import is_number, storable

COLUMNS = (
    "native_id", "published_at", "text", "lang", "url", "author", "audience", "likes", "comments", "shares",
    "own", "repost_of", "parent", "edited_at",
)  # fmt: skip
REQUIRED = ("published_at", "text")
_COUNTS = {"audience", "likes", "comments", "shares"}
_IDS = {"native_id", "author", "repost_of", "parent"}
_TIMES = {"published_at", "edited_at"}
_NOTHING = {"", "-", "nan", "none", "null", "n/a", "na", "#n/a"}

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
# Not every date that email.utils would read: it ignores PM, and takes an unknown zone for none.
_RFC_2822 = re.compile(r"([A-Za-z]{3}, *)?\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d(:\d\d)?( [+-]\d{4}| GMT| UTC?)?", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Layout:
    """`mapping`: our column -> their header, or two headers joined by ` + ` (a date and a time apart)."""

    name: str
    headers: tuple[str, ...]
    mapping: dict[str, str]


def recognised(headers: Sequence[str], mapping: Mapping[str, str]) -> Layout | None:
    """The layout of a table with these headers, by the plan's mapping if there is one; None: unknown."""
    names = _apart(headers)
    if mapping:
        wanted = [part for theirs in mapping.values() for part in theirs.split(" + ")]
        return Layout("mapping", names, dict(mapping)) if all(w in names for w in wanted) else None
    if all(name in names for name in REQUIRED):
        return Layout("coolhead", names, {name: name for name in COLUMNS if name in names})
    if {*_TWITTER_SUPPORT.values()} <= {*names}:
        return Layout("twitter support", names, _TWITTER_SUPPORT)
    found = _guessed(names)
    return Layout("guessed", names, found) if all(name in found for name in REQUIRED) else None


def _apart(headers: Sequence[str]) -> tuple[str, ...]:
    """Headers without blanks around them; a second one of the same name is `name (2)`, or its cells would replace the first's."""
    names: list[str] = []
    for header in (h.strip() for h in headers):
        before = sum(name == header or re.fullmatch(re.escape(header) + r" \(\d+\)", name) is not None for name in names)
        names.append(f"{header} ({before + 1})" if before and header else header)
    return tuple(names)


def _guessed(names: Sequence[str]) -> dict[str, str]:
    plain = {re.sub(r"[\W_]+", " ", name).strip().casefold(): name for name in reversed(names)}
    found: dict[str, str] = {}
    for ours, theirs in _GUESSES.items():
        if hit := next((plain[t] for t in theirs if t in plain and plain[t] not in found.values()), None):
            found[ours] = hit
    if found.get("published_at") == plain.get("date") and "date" in plain and "time" in plain:
        found["published_at"] = f"{plain['date']} + {plain['time']}"
    return found


def unknown(where: str, headers: Sequence[str], mapping: Mapping[str, str]) -> ConfigError:
    """The error that says what to write, with the file's own headers."""
    names = [h.strip() for h in headers if h.strip()]
    guess = _guessed(names)
    lines = [f"    {ours}: {_yaml(guess.get(ours, '...'))}" for ours in COLUMNS if ours in {*REQUIRED, *guess}]
    missing = [m for m in mapping.values() if not {*m.split(" + ")} <= {*names}]
    why = f"the mapping names columns that it lacks: {', '.join(missing)}" if missing else "its columns are not known"
    return ConfigError(
        f"{where}: {why}. Write in brands.yaml, under sources, what is what (published_at and text are needed):\n"
        "files:\n  mapping:\n" + "\n".join(lines) + f"\nThe file has the columns: {', '.join(names) or '(none)'}"
    )


def _yaml(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][\w ]*", name) else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def row_of(cells: Mapping[str, Any], layout: Layout, zone: str | None, time_format: str | None) -> dict[str, Any]:
    """One record as a mention's columns. What cannot be read is left as it is, for the edge to refuse."""
    row: dict[str, Any] = {}
    for ours, theirs in layout.mapping.items():
        value = _value(ours, _cell(cells, theirs), zone, time_format)
        if value is not None:
            row[ours] = value
    if "own" in row:
        known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(str(row["own"]).casefold())
        # `inbound`: written by a customer.
        row["own"] = row["own"] if known is None else known != (layout.name == "twitter support")
    if "native_id" not in row and "published_at" in row:
        row["native_id"] = _derived(row)
    return row


def _cell(cells: Mapping[str, Any], theirs: str) -> Any:
    if theirs in cells:
        return cells[theirs]
    parts = [str(cells.get(part) or "").strip() for part in theirs.split(" + ")]
    # A spreadsheet keeps a bare date as midnight; its time stands in the other column.
    return " ".join(filter(None, [parts[0].removesuffix("T00:00:00"), *parts[1:]])) or None


def _value(ours: str, value: Any, zone: str | None, time_format: str | None) -> Any:
    if value is None or (ours != "text" and isinstance(value, str) and value.strip().casefold() in _NOTHING):
        return None
    if ours in _TIMES:
        return time_of(value, zone, time_format)
    if ours in _COUNTS:
        return count_of(value)
    if ours in _IDS:
        return id_of(value)
    if ours == "text":  # a spreadsheet keeps a post that is a number as a number
        return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    return value.strip() if isinstance(value, str) else value


def id_of(value: Any) -> Any:
    """Ids that a tool wrote as floats become whole again; those it rounded stay numbers, which the edge refuses."""
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"\d+(\.\d+)?[eE]\+?\d+", text):
            return float(text)
        return re.sub(r"^(-?\d+)\.0+$", r"\1", text)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    exact = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return str(int(value)) if exact else value


def count_of(value: Any) -> Any:
    """1,234 and 1.234 and 1 234 are all 1234; 12.5 and 1.2K stay as they are."""
    if not isinstance(value, str):
        return value
    text = re.sub(r"\.0+$", "", re.sub(r"[\s'\u2019]", "", value))
    return (
        int(re.sub(r"[.,]", "", text))
        if re.fullmatch(r"[+-]?(\d{1,30}|\d{1,3}([.,])\d{3}(\2\d{3}){0,8})", text, re.ASCII)
        else value
    )


def time_of(value: Any, zone: str | None, time_format: str | None) -> Any:
    """An aware time where the cell or `zone` says which; a naive one is left naive, and refused at the edge."""
    found = value if isinstance(value, datetime) else _read_time(str(value).strip(), time_format)
    if found is None:
        return f"{value} is no time" if is_number(value) else value
    return storable(found.replace(tzinfo=ZoneInfo(zone)) if found.tzinfo is None and zone else found)


def _read_time(text: str, time_format: str | None) -> datetime | None:
    try:
        if time_format:
            return datetime.strptime(text, time_format)  # ruff: ignore[call-datetime-strptime-without-zone]  (time_of adds the zone, or the edge refuses)
        if re.fullmatch(r"\d{10}(\.\d+)?|\d{13}", text, re.ASCII):
            return datetime.fromtimestamp(float(text) / (1_000 if len(text) == 13 and "." not in text else 1), UTC)
        return _iso(text) or _twitter(text) or (parsedate_to_datetime(text) if _RFC_2822.fullmatch(text) else None)
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        return None


def _iso(text: str) -> datetime | None:
    # Bare digits would be read as a date too: 20260301.
    if not re.match(r"\d{4}[-/]\d\d[-/]\d\d", text):
        return None
    text = re.sub(r"\s+([+-]\d\d:?\d\d|Z)$", r"\1", re.sub(r"\s*(UTC|GMT)$", "+00:00", text))
    try:
        return datetime.fromisoformat(text[:10].replace("/", "-") + text[10:])
    except ValueError:
        return None


def _twitter(text: str) -> datetime | None:
    """`Wed Sep 18 19:26:22 +0000 2013`, whatever the locale (so not by strptime)."""
    found = re.fullmatch(r"\w{3} (\w{3}) (\d\d?) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})", text, re.ASCII)
    if not found or found[1].casefold() not in _MONTHS:
        return None
    month = _MONTHS.index(found[1].casefold()) + 1
    return datetime.fromisoformat(f"{found[5]}-{month:02}-{int(found[2]):02}T{found[3]}{found[4]}")


def _derived(row: Mapping[str, Any]) -> str:
    """A stable id for exports without one: the same row has the same id in the next export."""
    moment = row["published_at"]
    parts = [moment.astimezone(UTC).isoformat() if isinstance(moment, datetime) and moment.tzinfo else str(moment)]
    parts += [str(row.get(name, "")) for name in ("author", "text", "url")]
    return "h-" + hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
