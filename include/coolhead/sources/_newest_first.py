"""Lists that begin with the newest and are asked for page by page, down to the start of a window. Part of several sources."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from coolhead.errors import PermanentError
from coolhead.windows import Window

MAX_PAGES = 200
"""Pages of one list in one window; with more, the window must be cut."""


@dataclass(frozen=True)
class Page:
    """One answer; `items` in the network's order."""

    content: bytes
    origin: str
    items: list[dict[str, Any]]
    oldest: datetime | None
    """What its last item is sorted by; None where that cannot be read, or nothing is on the page."""
    after: str | None
    """What to ask the next page with; None: this is the last."""


def newest_first(what: str, window: Window, ask: Callable[[str | None], Page]) -> Iterator[Page]:
    """Pages from now down to the first that ends before the window; empty ones are left out. `ask(None)` is the first.

    Pages that lie behind the window's end are given too: what was edited since may have been published within it.
    Raises PermanentError where a network goes round in circles or has more pages than anybody can read.
    """
    after: str | None = None
    for _ in range(MAX_PAGES):
        page = ask(after)
        if page.items:
            yield page
        if page.after is None or (page.oldest and page.oldest < window.start):
            return
        if page.after == after:
            raise PermanentError(f"{what}: the next page is the same page again; nothing was asked any further")
        after = page.after
    raise PermanentError(f"{what}: more than {MAX_PAGES} pages in {window}; collect it again in shorter windows (start, end)")


def moment(value: Any) -> datetime | None:
    """A time as these networks write it, or None; one without a zone is UTC."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def oldest(items: list[dict[str, Any]], *path: str) -> datetime | None:
    """The time at the end of `path` in the last item."""
    found: Any = items[-1] if items else None
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return moment(found)
