"""Markup to plain text, as a reader would see it: paragraphs and line breaks kept, entities decoded."""

import re
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from typing import Any

MAX_MARKUP = 262_144
"""Characters that are parsed; of longer markup the tags are cut out only."""
MAX_OPEN = 50
"""Tags that may be left open by the end: Python's parser takes quadratic time over those (a minute for 80,000)."""

FIRST_ACCOUNT = 1995
"""No network's accounts are of a year before."""

_BLOCKS = {"p", "div", "ul", "ol", "blockquote", "pre", "table", "h1", "h2", "h3", "h4", "h5", "h6", "article", "section"}
_UNSEEN = {"script", "style", "template", "head"}


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in {"br", "li", "tr"}:
            self.parts.append("\n")
        elif tag in _BLOCKS:
            self.parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(re.sub(r"\s+", " ", data))


def plain(markup: str) -> str:
    """The text of some HTML."""
    if len(markup) > MAX_MARKUP or markup.count("<") > markup.count(">") + MAX_OPEN:
        return _without_tags(markup)
    parser = _Text()
    try:
        parser.feed(markup)
        parser.close()
    except AssertionError:  # how html.parser says that a declaration (`<![...`) is malformed
        return _without_tags(markup)
    lines = (line.strip(" ") for line in "".join(parser.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n ")


def time_or_raw(value: Any) -> Any:
    """An aware time from ISO text; else what came, in a form that the edge is sure to refuse.

    Left alone, a bare number would be read there as seconds since 1970.
    """
    if value is None:
        return None
    try:
        return storable(datetime.fromisoformat(value))
    except (TypeError, ValueError):
        return f"{value} is no time" if is_number(value) else value


def since(value: Any) -> datetime | None:
    """When an account was made, from ISO text. None where that cannot be told: it is no reason to refuse what the account said,
    and networks have accounts of the year 1 and of 1970."""
    try:
        found = storable(datetime.fromisoformat(value))
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, datetime) and found.tzinfo and found.year >= FIRST_ACCOUNT else None


def _without_tags(markup: str) -> str:
    return unescape(re.sub(r"<[^<>]*>", " ", markup)).strip()


def storable(moment: datetime) -> datetime | str:
    """At the calendar's very ends no zone can be converted and no lag added: such a time is left as a text."""
    return moment if 1 < moment.year < 9999 else f"{moment.isoformat()} is no time"


def at_second(seconds: float) -> datetime | str:
    """An aware time from seconds since 1970, or a text that the edge refuses."""
    try:
        return storable(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return f"{seconds} is no time"


def is_number(value: Any) -> bool:
    try:
        float(value)
    except OverflowError:  # more than 308 digits
        return True
    except (TypeError, ValueError):
        return False
    return True
