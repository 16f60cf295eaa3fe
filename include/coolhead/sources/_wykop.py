"""Answers of Wykop's API v3, and the clocks of Warsaw. Part of the source `wykop`."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from coolhead.errors import PermanentError
from coolhead.sources._api import listed, loaded, mapping, told
from coolhead.sources._html import storable, time_or_raw

WARSAW = ZoneInfo("Europe/Warsaw")
FORMAT = "%Y-%m-%d %H:%M:%S"
_ROOTS = {"entry": "entries", "link": "links", "entry_comment": "entries", "link_comment": "links"}


def asked(moment: datetime, end: bool) -> str:
    """A window's start or end as Warsaw's clocks show it, a little wider: whether the bounds count is not said, and an hour
    that comes twice is asked for whole."""
    there = moment.astimezone(WARSAW).replace(microsecond=0)
    if there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset():
        there = there.replace(minute=0, second=0) + timedelta(hours=int(end))
    return f"{there + timedelta(seconds=1 if end else -1):{FORMAT}}"


def before(start: datetime) -> Callable[[list[Any]], bool]:
    """Whether a whole page was published before a moment: lists are newest first, but what is pinned may stand above."""

    def over(items: list[Any]) -> bool:
        times = [_time(mapping(i).get("created_at")) for i in items]
        return all(isinstance(t, datetime) and t.tzinfo is not None and t < start for t in times)

    return over


def data(content: bytes, where: str) -> Any:
    """What an answer holds. Raises PermanentError where it is none, or tells of an error."""
    found = loaded(content, where)
    if not isinstance(found, dict) or "data" not in found:
        said = mapping(mapping(found).get("error")).get("message") or "no answer of Wykop's API (truncated, or another format)"
        raise PermanentError(f"{where}: {str(said)[:200]}")
    held = found["data"] if isinstance(found["data"], list) else [found["data"]]
    if not found.keys() <= {"data", "pagination"} or any(not _known(i) for i in held if isinstance(i, dict)):
        raise PermanentError(f"{where}: no answer of Wykop's API (another format)")
    return found["data"]


def _known(item: Mapping[str, Any]) -> bool:
    """A post, or another thing of Wykop's: a profile, vote, tag, notification, message, token. Numbers are numbers there, and
    only notifications have ids that are texts."""
    if {"resource", "votes"} & item.keys() or {"type", "read"} <= item.keys():
        return True
    others = isinstance(item.get("id"), str) or {"location_id", "product_id"} & item.keys()
    return not others and bool({"username", "name", "user", "slug", "key", "token"} & item.keys())


def rows(found: Any, root: str) -> Iterator[dict[str, Any]]:
    """Of a list or one post: all posts in it, with the comments that stand below them. `root`: what they are comments of."""
    open_ = [(item, root, root) for item in reversed(found if isinstance(found, list) else [found])]
    while open_:
        item, root, above = open_.pop()
        if not isinstance(item, dict):
            yield {"unreadable": item}
        elif _kind(item):
            here = path(item, root)
            yield _row(item, here, above)
            below = listed(mapping(item.get("comments")).get("items"))
            open_ += [(c, "/".join((here or "").split("/")[:2]), here or "") for c in reversed(below)]


def _kind(item: Mapping[str, Any]) -> str | None:
    """entry, link, or comment of either. Profiles, tags, private messages are none."""
    if item.get("resource") is not None:
        return resource if (resource := str(item["resource"])) in _ROOTS else None
    if "votes" not in item:
        return None
    return "link" if "title" in item else "entry_comment" if "parent" in item else "entry" if "content" in item else None


def path(item: Mapping[str, Any], root: str) -> str | None:
    """Where the API has the post: its id here. None where the post or what it stands below has none."""
    kind, number = _kind(item), item.get("id")
    if kind is None or not isinstance(number, int):
        return None
    if not kind.endswith("_comment"):
        return f"{_ROOTS[kind]}/{number}"
    parent = mapping(item.get("parent"))
    if not str(parent.get("resource", "")).endswith("_comment") and isinstance(parent.get("id"), int):
        root = f"{_ROOTS[kind]}/{parent['id']}"
    return f"{root}/comments/{number}" if root else None


def unseen(item: Mapping[str, Any]) -> bool:
    """Whether it has comments that are not given with it."""
    comments = mapping(item.get("comments"))
    count = comments.get("count")
    return isinstance(count, int) and count > len(listed(comments.get("items")))


def _row(item: dict[str, Any], here: str | None, above: str) -> dict[str, Any]:
    if by := gone(item):
        return {"native_id": here, "gone": by}
    parent, root = mapping(item.get("parent")), (here or "").partition("/comments/")[0]
    if str(parent.get("resource", "")).endswith("_comment") and root:
        above = f"{root}/comments/{parent.get('id')}"
    return told({
        "native_id": here,
        "published_at": _time(item.get("created_at")),
        "text": _text(item),
        "url": _url(item, here),
        "author": mapping(item.get("author")).get("username"),
        "likes": mapping(item.get("votes")).get("up"),
        "comments": mapping(item.get("comments")).get("count"),
        "parent": (above or root) if here and "/comments/" in here else None,
    })  # fmt: skip


def gone(item: Mapping[str, Any]) -> tuple[Literal["author", "network", "unknown"], str] | None:
    """Who removed it, as `deleted` tells."""
    deleted = item.get("deleted")
    if not deleted:
        return None
    by = {"author": "author", "moderator": "network", "admin": "network"}.get(str(deleted).lower())
    return ("author" if by == "author" else "network" if by else "unknown"), f"deleted: {deleted}"[:100]


def _time(value: Any) -> Any:
    try:
        return storable(datetime.strptime(value, FORMAT).replace(tzinfo=WARSAW).astimezone(UTC))
    except (TypeError, ValueError, OverflowError):
        return time_or_raw(value)


def _text(item: Mapping[str, Any]) -> Any:
    """Title and description of a link; else what was written, which is nothing below a picture alone."""
    parts = [item.get(name) for name in ("title", "description", "content")]
    if odd := next((p for p in parts if not isinstance(p, (str, type(None)))), None):
        return odd
    if any(p is not None for p in parts):
        return "\n\n".join(filter(None, parts))
    return "" if any(mapping(item.get("media")).values()) else None


def _url(item: Mapping[str, Any], here: str | None) -> str | None:
    if not here:
        return None
    kind, number, *comment = here.split("/")
    page = f"https://wykop.pl/{'wpis' if kind == 'entries' else 'link'}/{number}"
    if comment:
        return f"{page}#{comment[1]}" if kind == "entries" else f"{page}/x/komentarz/{comment[1]}"
    slug = item.get("slug")
    return f"{page}/{slug}" if isinstance(slug, str) and slug else page
