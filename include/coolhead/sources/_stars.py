"""What the networks of customer reviews share: how a review and an answer to it become mentions. Part of several sources.

A review's text is what its author said: the stars as first line, then the title, then the body. "★☆☆☆☆" is the author's own
statement, and all of it where a review has no words; it stands in the text so that whoever reads the review sees it.
Such a review goes without a declared language, even where the network names one (its site's): the scorer then finds no
language in it and leaves it unscored, whereas with one it would read its own habit into the stars (measured with the shipped
model: one star, declared Italian, came out positive). Stars alone are chosen over "★☆☆☆☆ (1/5)" because they weigh less on
the words below: measured on Italian, Polish, English and Indonesian reviews, no label changed and |polarity| fell by 0.01 to
0.10, against 0.04 to 0.15. Neither stars nor any other number is ever turned into words or into a sentiment.
"""

import json
from collections.abc import Mapping, Sequence, Set
from typing import Any

from coolhead.errors import CoolheadError, PermanentError
from coolhead.sources._html import storable, time_or_raw
from coolhead.sources._newest_first import moment

MOST = 5


class Absent(PermanentError):
    """There is no such review (any more)."""


def absent(status: int, body: bytes) -> CoolheadError | None:
    """For Client.get(explain=...), where a 404 is an answer and no mistake."""
    return Absent("there is nothing of this id") if status == 404 else None


def read(content: bytes, where: str, network: str) -> Any:
    """An object or a list. Raises PermanentError where it is neither, or an error document, whatever its status was."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise PermanentError(f"{where}: no JSON, so no answer of {network} (truncated, or an error page)") from None
    error = found.get("error") if isinstance(found, dict) else None
    if isinstance(error, dict) and (error.get("message") or error.get("code")):
        code = error.get("status") or error.get("type") or error.get("code")
        raise PermanentError(f"{where}: {network} answered with an error ({str(code)[:80]})")
    if not isinstance(found, (dict, list)):
        raise PermanentError(f"{where}: neither an object nor a list, so no answer of {network}")
    return found


def listed(found: Any, names: Sequence[str], marks: Set[str], others: Set[str], where: str, network: str) -> list[Any]:
    """Reviews of a list, or those under one of `names`; none of an answer of another kind, which has a key among `others`.

    `marks`: keys of which every review has one. Raises PermanentError for what is no answer of the network.
    """
    held = found if isinstance(found, list) else next((found[name] for name in names if name in found), None)
    if held is None and (not found or others & found.keys()):
        return []
    if not isinstance(held, list):
        raise PermanentError(f"{where}: no answer of {network} (its reviews are no list, or it is another network's)")
    if held and not any(isinstance(one, dict) and marks & one.keys() for one in held):
        raise PermanentError(f"{where}: no answer of {network} (its list holds no reviews)")
    return held


def only(found: list[Any], where: str) -> dict[str, Any]:
    """The one review of an answer about one."""
    if len(found) != 1 or not isinstance(found[0], dict):
        raise PermanentError(f"{where}: did not answer with one review")
    return found[0]


def stars(rating: Any) -> str:
    """★★☆☆☆, or nothing where the rating is not 1 to 5."""
    try:
        full = round(float(rating))
    except (TypeError, ValueError, OverflowError):
        return ""
    return "★" * full + "☆" * (MOST - full) if 1 <= full <= MOST else ""


def review(*, rating: Any, title: Any = None, body: Any = None, place: Any, **columns: Any) -> dict[str, Any]:
    """A row: `columns` beside the text, and what it is addressed to. Words that are no text are left for the edge to refuse."""
    words = [part for part in (title, body) if part not in {None, ""}] if _plain(title, body) else [title, body]
    if not words:
        columns.pop("lang", None)
    text = "\n\n".join(part for part in (stars(rating), *words) if part) if _plain(*words) else words
    return _known({**columns, "text": text, "addressed": f"review of {place}"})


def reply(of: Mapping[str, Any], *, place: Any, **columns: Any) -> dict[str, Any]:
    """The brand's own answer to a review (a row of `review`)."""
    why = f"our answer to a review of {place}"
    return _known({**columns, "parent": of.get("native_id"), "own": True, "addressed": why})


def _plain(*words: Any) -> bool:
    return all(isinstance(word, (str, type(None))) for word in words)


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def time(value: Any) -> Any:
    """As `time_or_raw`; a time without a zone is UTC."""
    found = moment(value)
    return storable(found) if found else time_or_raw(value)


def edited(published: Any, updated: Any) -> Any:
    """When it was edited, or None where it never was."""
    return time(updated) if updated and updated != published else None


def text_id(value: Any) -> Any:
    """Ids that are numbers in one answer and texts in another; nothing else is an id."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def count(value: Any) -> Any:
    """A count that may be written as a text."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 13 else value
