"""Cells of an export as values of a mention. What cannot be read stays as it is, for the edge to refuse with its reason."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from coolhead.sources._html import is_number, storable

COUNTS = {"audience", "likes", "comments", "shares"}
IDS = {"native_id", "author", "repost_of", "parent"}
TIMES = {"published_at", "edited_at", "author_since"}
NOTHING = {"", "-", "nan", "none", "null", "n/a", "na", "#n/a"}
# Not every date that email.utils would read: it ignores PM, and takes an unknown zone for none.
_RFC_2822 = re.compile(r"([A-Za-z]{3}, *)?\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d(:\d\d)?( [+-]\d{4}| GMT| UTC?)?", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})", "y": r"(?P<y>\d\d)", "m": r"(?P<m>\d\d?)", "b": r"(?P<b>[A-Za-z]{3,9})", "d": r"(?P<d>\d\d?)",
    "H": r"(?P<H>\d\d?)", "I": r"(?P<I>0?[1-9]|1[0-2])", "M": r"(?P<M>\d\d)", "S": r"(?P<S>\d\d)", "p": r"(?P<p>[AaPp])\.?[Mm]\.?",
}  # fmt: skip
_LANGUAGES = {
    "arabic": "ar", "bengali": "bn", "bulgarian": "bg", "catalan": "ca", "chinese": "zh", "croatian": "hr", "czech": "cs",
    "danish": "da", "dutch": "nl", "english": "en", "estonian": "et", "finnish": "fi", "french": "fr", "german": "de",
    "greek": "el", "hebrew": "he", "hindi": "hi", "hungarian": "hu", "indonesian": "id", "italian": "it", "japanese": "ja",
    "korean": "ko", "latvian": "lv", "lithuanian": "lt", "malay": "ms", "norwegian": "no", "persian": "fa", "polish": "pl",
    "portuguese": "pt", "romanian": "ro", "russian": "ru", "serbian": "sr", "slovak": "sk", "slovenian": "sl", "spanish": "es",
    "swedish": "sv", "thai": "th", "turkish": "tr", "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi",
}  # fmt: skip


def is_blank(value: Any) -> bool:
    """Nothing, or one of the ways in which tools write nothing."""
    return value is None or (isinstance(value, str) and value.strip().casefold() in NOTHING)


def value_of(ours: str, value: Any, zone: str | None, time_format: str | None, forms: Sequence[str] | None = None) -> Any:
    """A cell as the value of our column; None for nothing. zone, time_format, forms: as in `time_of`."""
    if value is None or (ours != "text" and is_blank(value)):
        return None
    if ours in TIMES:
        return time_of(value, zone, time_format, forms)
    if ours in COUNTS:
        return count_of(value)
    if ours in IDS:
        return id_of(value)
    if ours == "text":  # a spreadsheet keeps a post that is a number as a number
        return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    if ours == "lang" and isinstance(value, str):
        return _LANGUAGES.get(value.strip().casefold(), value.strip())
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
    """1,234 and 1.234 and 1 234 are all 1234, and 12.0 and 12,00 are 12; 12.5 and 1.2K stay as they are."""
    if not isinstance(value, str):
        return value
    if value.isascii() and value.isdigit() and len(value) <= 30:
        return int(value)
    text = re.sub(r"[.,]0{1,2}$", "", re.sub(r"[\s'\u2019]", "", value))
    return (
        int(re.sub(r"[.,]", "", text))
        if re.fullmatch(r"[+-]?(\d{1,30}|\d{1,3}([.,])\d{3}(\2\d{3}){0,8})", text, re.ASCII)
        else value
    )


def time_of(value: Any, zone: str | None, time_format: str | None, forms: Sequence[str] | None = None) -> Any:
    """An aware time where the cell or `zone` says which; a naive one is left naive, and refused at the edge.

    time_format: the plan's, for strptime. forms: those of a tool (see `written`), which may also write ISO times.
    """
    found = value if isinstance(value, datetime) else _read_time(str(value).strip(), time_format, forms)
    if found is None:
        return f"{value} is no time" if is_number(value) else value
    return storable(found.replace(tzinfo=ZoneInfo(zone)) if found.tzinfo is None and zone else found)


def _read_time(text: str, time_format: str | None, forms: Sequence[str] | None) -> datetime | None:
    if time_format:
        if found := _attempt(lambda: datetime.strptime(text, time_format)):  # ruff: ignore[call-datetime-strptime-without-zone]  (time_of adds the zone, or the edge refuses)
            return found
        if forms is None:
            return None
    for form in forms or ():
        if found := _attempt(lambda form=form: written(text, form)):
            return found
    return _attempt(lambda: _plain(text))


def _attempt(read: Any) -> datetime | None:
    try:
        found = read()
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        return None
    return found if isinstance(found, datetime) else None


def _plain(text: str) -> datetime | None:
    if re.fullmatch(r"\d{10}(\.\d+)?|\d{13}", text, re.ASCII):
        return datetime.fromtimestamp(float(text) / (1_000 if len(text) == 13 and "." not in text else 1), UTC)
    return _iso(text) or _twitter(text) or (parsedate_to_datetime(text) if _RFC_2822.fullmatch(text) else None)


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


def written(text: str, form: str) -> datetime | None:
    """A naive time written as `form` says, in the directives of strptime that tools use (%Y %y %m %b %d %H %I %M %S %p).

    Months and AM/PM are English whatever the locale: strptime would read them in the language of the machine.
    Raises ValueError for a day that no calendar has.
    """
    found = _pattern(form).fullmatch(text)
    if not found:
        return None
    part = {name: value or "0" for name, value in found.groupdict(default="0").items()}
    year = int(part["Y"]) if "Y" in part else 2000 + int(part["y"])
    month = _MONTHS.index(part["b"][:3].casefold()) + 1 if "b" in part else int(part["m"])
    hour = int(part.get("H", 0)) if "I" not in part else int(part["I"]) % 12 + (12 if part["p"] in "Pp" else 0)
    return datetime(year, month, int(part["d"]), hour, int(part.get("M", 0)), int(part.get("S", 0)))  # ruff: ignore[call-datetime-without-tzinfo]  (as above)


@cache
def _pattern(form: str) -> re.Pattern[str]:
    parts = re.split(r"%(\w)|(\s+)", form)
    return re.compile("".join(_piece(parts[i : i + 3]) for i in range(0, len(parts), 3)), re.ASCII)


def _piece(part: Sequence[str | None]) -> str:
    literal, directive, blank = [*part, None, None][:3]
    return re.escape(literal or "") + (_DIRECTIVES[directive] if directive else "") + (r"\s*" if blank else "")
