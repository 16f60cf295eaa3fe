"""Bodies of Bluesky's API into rows. Part of the source `bluesky`, whose docstring says what the columns mean.

A post is read wherever it stands: searches, lists by id, feeds, threads with all replies, what is quoted in a post,
notifications, and records as an account's own server gives them (without counts and indexing time).
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from coolhead.errors import PermanentError
from coolhead.sources._api import listed, loaded, mapping, told
from coolhead.sources._html import since, storable, time_or_raw

POST = "app.bsky.feed.post"
THREAD_ITEM = "app.bsky.unspecced.defs#threadItem"
"""What a thread of version 2 puts around each of its posts, under the post's address."""
FAR = timedelta(days=1)
"""A post that says it was written this long before the network first saw it was imported, or lies about its time."""
AHEAD = timedelta(minutes=5)
"""How far an author's clock may be ahead of the network's."""

_URI = re.compile(r"at://(did:[^/\s]+)/([\w.-]+)/([^/\s]+)")
_LISTS = frozenset(
    """posts feed records profiles actors followers follows likes repostedBy feeds notifications bookmarks starterPacks mutes
    suggestions topics trends preferences repos convos policies alsoKnownAs""".split()
)
_WITHOUT_POSTS = frozenset("thread did handle view starterPack accessJwt blob commit cursor seenAt".split())
"""Keys of the API's answers; one with any of them, or a list under one of the former, is one, if maybe one without posts."""


def read(content: bytes, where: str) -> Any:
    """A body of the API. Raises PermanentError where it is none: no JSON, an error, a schema, another network's."""
    found = loaded(content, where)
    if isinstance(found, dict) and {"lexicon", "id"} <= found.keys():
        raise PermanentError(f"{where}: the schema {str(found['id'])[:80]}, and no answer of Bluesky's API")
    if isinstance(found, dict) and isinstance(found.get("error"), str) and found.keys() <= {"error", "message"}:
        raise PermanentError(f"{where}: an error of Bluesky's API ({found['error'][:60]}) instead of an answer")
    lists = {name for name, value in found.items() if isinstance(value, list)} if isinstance(found, dict) else set[str]()
    if isinstance(found, dict) and (
        found.keys() & _WITHOUT_POSTS or lists & _LISTS or str(found.get("uri")).startswith("at://")
    ):
        return found
    if isinstance(found, (dict, list)) and any(map(is_post, _nodes(found))):
        return found
    raise PermanentError(f"{where}: no answer of Bluesky's API (neither posts nor anything else that it gives)")


def entries(content: bytes, name: str, where: str) -> tuple[list[dict[str, Any]], str | None]:
    """The entries of a list and the cursor of its next page. Raises PermanentError where there is no such list."""
    found = read(content, where)
    held = mapping(found).get(name)
    if not isinstance(held, list) or not all(isinstance(e, dict) for e in held):
        raise PermanentError(f"{where}: an answer without a list of {name}; base_url must be a server of Bluesky's network")
    cursor = found.get("cursor")
    return held, cursor if isinstance(cursor, str) and cursor else None


def rows(found: Any, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Posts, each once, those of the answer itself before those that are quoted in them; and what it says is gone."""
    for entry in listed(mapping(found).get("posts")):
        if not isinstance(entry, dict) or not (is_post(entry) or entry.get("notFound")):
            yield {"unreadable": entry}
    seen = set[str]()
    for node in _nodes(found):
        for row in _rows_of(node, meta):
            native_id = row.get("native_id")
            if not isinstance(native_id, str) or native_id not in seen:
                seen.add(str(native_id))
                yield row


def is_post(node: Any) -> bool:
    """A view of a post, or a record of one with or without its address."""
    if not isinstance(node, dict):
        return False
    record = _record(node)
    return record is not None and (record.get("$type") == POST or _collection(node.get("uri")) == POST)


def authors(found: Any) -> list[str]:
    """DIDs of whoever wrote a post of this answer."""
    return [*dict.fromkeys(did for node in _nodes(found) if is_post(node) and (did := _did(node)))]


def did_of(uri: str) -> str | None:
    found = _URI.fullmatch(uri)
    return found[1] if found and found[2] == POST else None


def _nodes(found: Any) -> Iterator[dict[str, Any]]:
    """All objects, outer before inner; of a post not its record, which is read with it."""
    queue = deque([found])
    while queue:
        node = queue.popleft()
        if isinstance(node, list):
            queue.extend(node)
        elif isinstance(node, dict):
            yield node
            inside = {"record", "value"} if is_post(node) else set[str]()
            queue.extend(value for name, value in node.items() if name not in inside)


def _record(node: Mapping[str, Any]) -> dict[str, Any] | None:
    if node.get("$type") == POST:
        return dict(node)
    found = node.get("record", node.get("value"))
    return found if isinstance(found, dict) and not _type(found).startswith(THREAD_ITEM) else None


def _type(node: Any) -> str:
    return str(mapping(node).get("$type"))


def _collection(uri: Any) -> str | None:
    found = _URI.fullmatch(uri) if isinstance(uri, str) else None
    return found[2] if found else None


def _did(node: Mapping[str, Any]) -> str | None:
    said = mapping(node.get("author")).get("did")
    return said if isinstance(said, str) else did_of(str(node.get("uri")))


def _rows_of(node: Mapping[str, Any], meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    uri, reason = node.get("uri"), mapping(node.get("reason"))
    if is_post(node):
        yield _mention(node, meta)
    elif _collection(uri) == POST and (node.get("notFound") is True or _type(node.get("value")) == f"{THREAD_ITEM}NotFound"):
        yield {"native_id": uri, "gone": ("unknown", "notFound: deleted by its author, or taken down")}
    if isinstance(reason.get("uri"), str) and is_post(node.get("post")):
        yield _repost(_mention(mapping(node["post"]), meta), reason, meta)


def _mention(post: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
    record, author, did = _record(post) or {}, mapping(post.get("author")), _did(post)
    reply = mapping(mapping(record.get("reply")).get("parent")).get("uri")
    own = bool({did, author.get("handle")} & set(meta.get("own", ())))
    langs = record.get("langs")
    return told({
        "native_id": post.get("uri"),
        "published_at": _published(record.get("createdAt"), post.get("indexedAt")),
        "text": _text(record),
        "lang": langs[0] if isinstance(langs, list) and len(langs) == 1 else None,
        "url": _url(post.get("uri")),
        "author": did,
        "audience": meta.get("audience", {}).get(did),
        "author_since": since(author.get("createdAt")),
        "likes": post.get("likeCount"),
        "comments": post.get("replyCount"),
        "shares": _sum(post.get("repostCount"), post.get("quoteCount")),
        "parent": reply,
        "own": own or None,
        "addressed": None if own else _addressed(post, record, reply, meta),
        "unreadable_part": None if isinstance(post.get("author", {}), dict) else "author",
    })  # fmt: skip


def _repost(row: Mapping[str, Any], reason: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
    """What was said again, by whom and when; its counts are the original's, and left there."""
    by = mapping(reason.get("by"))
    who = {by.get("did"), by.get("handle")}
    again = {
        "native_id": reason["uri"],
        "repost_of": row.get("native_id"),
        "published_at": time_or_raw(reason.get("indexedAt")),
        "author": by.get("did"),
        "author_since": since(by.get("createdAt")),
        "own": bool(who & set(meta.get("own", ()))) or None,
    }
    kept = {name: row[name] for name in ("text", "lang", "url") if name in row}
    return kept | told(again)


def _published(created: Any, indexed: Any) -> datetime | str | None:
    """When its author says that it was written, unless the network knows better (FAR, AHEAD)."""
    said, seen = _moment(created), _moment(indexed)
    if seen and (said is None or not seen - FAR <= said <= seen + AHEAD):
        return seen
    return said or time_or_raw(created)


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    # A time without a zone the network takes for UTC; a mere day is no time; at the calendar's ends none can be reckoned with.
    found = found if found.tzinfo or "T" not in value else found.replace(tzinfo=UTC)
    return found.astimezone(UTC) if found.tzinfo and isinstance(storable(found), datetime) else None


def _text(record: Mapping[str, Any]) -> Any:
    """The text, and below it the hashtags that an author gave the post without writing them into it."""
    text, tags = record.get("text"), record.get("tags")
    if not isinstance(text, str) or not isinstance(tags, list):
        return text
    more = [f"#{t}" for t in tags if isinstance(t, str) and f"#{t}".casefold() not in text.casefold()]
    return "\n\n".join(filter(None, (text, " ".join(more))))


def _addressed(post: Mapping[str, Any], record: Mapping[str, Any], parent: Any, meta: Mapping[str, Any]) -> str | None:
    own = set(meta.get("own", ()))
    if isinstance(parent, str) and did_of(parent) in own:
        return "answers our post"
    if own & {
        mapping(feature).get("did")
        for facet in listed(record.get("facets"))
        for feature in listed(mapping(facet).get("features"))
    }:
        return "mentions our account"
    quoted = (node for node in _nodes(post.get("embed")) if is_post(node))
    if any({_did(node), mapping(node.get("author")).get("handle")} & own for node in quoted):
        return "quotes our post"
    return meta.get("addressed")


def _url(uri: Any) -> str | None:
    found = _URI.fullmatch(uri) if isinstance(uri, str) else None
    return f"https://bsky.app/profile/{found[1]}/post/{found[3]}" if found else None


def _sum(*counts: Any) -> Any:
    known = [c for c in counts if c is not None]
    # What is no number is left for the edge to refuse.
    return sum(known) if known and all(isinstance(c, int) for c in known) else next(iter(known), None)
