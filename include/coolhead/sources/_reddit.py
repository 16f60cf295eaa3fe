"""Bodies of Reddit's API into rows. Part of the source `reddit`, whose docstring says what the columns mean.

A post (t3) or comment (t1) is read wherever it stands: listings, threads with their replies, crossposted originals, lists
by id. Accounts (t2), private messages (t4), subreddits (t5) and what stands for comments not sent (`more`) are no mentions.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from coolhead.errors import PermanentError
from coolhead.sources._api import listed, loaded, mapping, told
from coolhead.sources._html import at_second, is_number

SITE = "https://www.reddit.com"
POST, COMMENT = "t3", "t1"

_WITHOUT_POSTS = frozenset(
    """json names subreddits site_rules jquery link_karma total_karma choices current traffic_month sr_name mod_notes
    conversationIds conversation conversations conversation_ids moderatorIds snoomojis s3UploadLease websocketUrl asset
    output_mode body_restriction_policy collection_id accept_pms all_awardings shortName layout flairType text_editable
    img_src awarder_karma_received account_ids""".split()
)
"""Keys of answers that are neither listings nor things ({kind, data})."""
_TOGETHER = tuple(
    frozenset(keys.split("+"))
    for keys in "date+id+name day+hour+month data+order errors+ok+status id+kind+styles archived+inprogress+mod".split()
)
_ALONE = tuple({key} for key in ("name", "created", "deleted", "id", "title", "users"))
_BARE = re.compile(r"t[13]_[0-9a-z]+")
"""Name of a post or comment, which an answer to an edit holds without its kind."""
_BY_AUTHOR = {"deleted", "author"}
_BY_MODERATORS = {"moderator", "automod_filtered"}
_SAID_GONE = {
    "[deleted]": "author", "[deleted by user]": "author", "[removed]": "moderator", "[ removed by moderator ]": "moderator",
    "[ removed by reddit ]": "reddit",
}  # fmt: skip


def read(content: bytes, where: str) -> Any:
    """A body of the API. Raises PermanentError where it is none: no JSON, an error, another network's."""
    found = loaded(content, where)
    parts = found if isinstance(found, list) else [found]
    if isinstance(found, dict) and "error" in found and found.keys() <= {"error", "message", "reason", "error_description"}:
        raise PermanentError(f"{where}: an error of Reddit's API ({str(found['error'])[:60]}) instead of an answer")
    if found in ({}, []) or (isinstance(found, (dict, list)) and all(map(_is_answer, parts))):
        return found
    raise PermanentError(f"{where}: no answer of Reddit's API (neither a listing nor anything else that it gives)")


def listing(content: bytes, where: str) -> tuple[list[dict[str, Any]], str | None]:
    """The things of a listing, and the fullname to go on after. Raises PermanentError where there is no listing."""
    found = read(content, where)
    data = found.get("data") if isinstance(found, dict) and found.get("kind") == "Listing" else None
    children = data.get("children") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(children, list) or not all(isinstance(c, dict) for c in children):
        raise PermanentError(f"{where}: no listing; base_url must be Reddit's API (https://oauth.reddit.com)")
    after = data.get("after")
    return children, after if isinstance(after, str) and after else None


def rows(found: Any, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Posts and comments, each once, outer before inner; and what says of itself that it was removed."""
    seen = set[str]()
    for kind, thing in _things(found):
        row = {"unreadable": thing} if not isinstance(thing, dict) else _row(kind, thing, meta)
        native_id = row.get("native_id")
        if not isinstance(native_id, str) or native_id not in seen:
            seen.add(str(native_id))
            yield row


def fullname(kind: str, thing: Mapping[str, Any]) -> Any:
    name, number = thing.get("name"), thing.get("id")
    return name if name is not None else f"{kind}_{number}" if isinstance(number, str) else number


def created(thing: Any) -> datetime | None:
    """When a thing was published; None where that cannot be read."""
    found = _moment(mapping(mapping(thing).get("data")).get("created_utc"))
    return found if isinstance(found, datetime) else None


def not_sent(found: Any, since: datetime) -> list[str]:
    """Ids of comments that a thread only names (`more`) and that are newer than `since`, as ids grow with time."""
    nodes = [*_nodes(found)]
    shown = [n["data"] for n in nodes if n.get("kind") == COMMENT and isinstance(n.get("data"), dict)]
    old = [_number(c.get("id")) for c in shown if isinstance(at := _moment(c.get("created_utc")), datetime) and at < since]
    named = [
        c for n in nodes if n.get("kind") == "more" and isinstance(n.get("data"), dict) for c in n["data"].get("children") or ()
    ]
    return [c for c in dict.fromkeys(named) if isinstance(c, str) and _number(c) > max(old, default=0)]


def _number(base36: Any) -> int:
    try:
        return int(base36, 36)
    except (TypeError, ValueError):
        return 0


def _is_answer(part: Any) -> bool:
    return isinstance(part, dict) and (
        (isinstance(part.get("kind"), str) and isinstance(part.get("data"), (dict, list)))
        or bool(part.keys() & _WITHOUT_POSTS)
        or any(keys <= part.keys() for keys in (*_TOGETHER, {"access_token", "expires_in"}))
        or part.keys() - {"next", "prev"} in _ALONE
        or _is_bare(part)
        or (bool(part) and all(str(name).startswith("t2_") for name in part))  # accounts by id
    )


def _is_bare(thing: Any) -> bool:
    return isinstance(thing, dict) and isinstance(thing.get("name"), str) and bool(_BARE.fullmatch(thing["name"]))


def _things(found: Any) -> Iterator[tuple[str, Any]]:
    """(t1 or t3, its data) of all that is within."""
    if _is_bare(found):
        yield found["name"][:2], found
    yield from ((str(n["kind"]), n["data"]) for n in _nodes(found) if n.get("kind") in {POST, COMMENT} and "data" in n)


def _nodes(found: Any) -> Iterator[dict[str, Any]]:
    """All objects, outer before inner; crossposted originals, which come without their kind, get it."""
    queue = deque([found])
    while queue:
        node = queue.popleft()
        if isinstance(node, list):
            queue.extend(node)
        elif isinstance(node, dict):
            yield node
            queue.extend({"kind": POST, "data": one} for one in listed(node.get("crosspost_parent_list")))
            queue.extend(value for name, value in node.items() if name != "crosspost_parent_list")


def _row(kind: str, thing: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
    native_id = fullname(kind, thing)
    if removed := _removed(kind, thing, meta):
        return {"native_id": native_id, "gone": removed}
    author = thing.get("author")
    own = isinstance(author, str) and author.casefold() in meta.get("own", ())
    return told({
        "native_id": native_id,
        "published_at": _moment(thing.get("created_utc")),
        "text": _text(kind, thing),
        "url": _url(kind, thing),
        "author": None if author == "[deleted]" else author,
        # A score that is hidden for its first hours reads 1, and `likes` is the reader's own vote.
        "likes": None if thing.get("score_hidden") or thing.get("hide_score") else _votes(thing.get("score")),
        "comments": thing.get("num_comments"),
        "shares": thing.get("num_crossposts"),
        "repost_of": thing.get("crosspost_parent"),
        "parent": thing.get("parent_id") if kind == COMMENT else None,
        "own": own or None,
        "edited_at": _moment(thing["edited"]) if thing.get("edited") not in {None, False, True} else None,
        "addressed": None if own else _addressed(thing, meta),
    })  # fmt: skip


def _removed(kind: str, thing: Mapping[str, Any], meta: Mapping[str, Any]) -> tuple[str, str] | None:
    """(who, what the network says); None: it is there. Words that a person typed are told apart by the author being gone."""
    category = thing.get("removed_by_category")
    said = category if isinstance(category, str) and category else _said(kind, thing)
    if said is None:
        return None
    evidence = f"removed_by_category: {said}" if said == category else f"its text is gone: {said}"
    if said in _BY_AUTHOR:
        return "author", evidence
    ours = str(thing.get("subreddit", "")).casefold() in meta.get("subreddits", ())
    return ("brand" if said in _BY_MODERATORS and ours else "network"), evidence


def _said(kind: str, thing: Mapping[str, Any]) -> str | None:
    names = ("body",) if kind == COMMENT else ("selftext", "title")
    texts = [str(thing.get(name) or "").strip().casefold() for name in names]
    if any(text.startswith("[ removed by reddit in response to") for text in texts):
        return "copyright_takedown"
    if thing.get("author") not in {None, "[deleted]"}:
        return None
    return next((_SAID_GONE[text] for text in texts if text in _SAID_GONE), None)


def _text(kind: str, thing: Mapping[str, Any]) -> Any:
    if kind == COMMENT:
        return thing.get("body")
    title, body = thing.get("title"), thing.get("selftext") or ""
    return "\n\n".join(filter(None, (title, body))) if isinstance(title, str) and isinstance(body, str) else title


def _url(kind: str, thing: Mapping[str, Any]) -> str | None:
    link, place, number, where = (thing.get(name) for name in ("permalink", "subreddit", "id", "link_id"))
    if isinstance(link, str):
        return SITE + link
    if kind == COMMENT and all(isinstance(part, str) for part in (place, number, where)):
        return f"{SITE}/r/{place}/comments/{str(where).partition('_')[2]}/_/{number}/"  # comments had no permalink before 2017
    return None


def _addressed(thing: Mapping[str, Any], meta: Mapping[str, Any]) -> str | None:
    if str(thing.get("subreddit", "")).casefold() in meta.get("subreddits", ()):
        return "posted in our subreddit"
    return str(meta["addressed"]) if meta.get("addressed") else None


def _votes(score: Any) -> Any:
    """Up minus down: what more people voted down than up has no likes."""
    return max(0, score) if isinstance(score, int) else score


def _moment(value: Any) -> Any:
    """Seconds since 1970, as a number; else what came, in a form that the edge is sure to refuse."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"{value} is no time" if is_number(value) else value
    return at_second(value)
