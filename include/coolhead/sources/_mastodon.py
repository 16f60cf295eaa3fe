"""Bodies of Mastodon's API into rows. Part of the source `mastodon`, whose docstring says what the columns mean.

A status is read wherever it stands: timelines, searches, threads, by itself, in notifications, conversations and reports. Of
a boost only the boost itself is read, with `repost_of`; what is quoted in a status is not. What is not public is not read.
Accounts, tags, filters, versions of an edited status and all else that the API gives hold no status, and give no rows.

Entities: https://docs.joinmastodon.org/entities/ and bodies recorded from servers 2.9 to 4.6.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from coolhead.errors import PermanentError
from coolhead.sources._api import loaded, mapping, told
from coolhead.sources._html import plain, since, time_or_raw

_PRIVATE = {"private", "direct"}
_LISTS = ("statuses", "ancestors", "descendants")
_WORDS = frozenset(
    """acct followed_by last_status last_status_at last_read_id replies_policy whole_word status_id filter_action invite_request
    canonical_email_hash action_taken all_day notification_groups for_not_following filter_not_following scheduled_at source_url
    authorization_endpoint preferred_username provider_name preview_url votes_count posting:default:visibility formatted_note
    server_key vapid_key client_secret spoiler_text shortcode collection collection_item async_refresh annual_reports
    detected_source_language partial_accounts""".split()
)
"""Keys of entities; an object with any of them is one of Mastodon's."""
_TOGETHER = tuple(
    frozenset(keys.split("+"))
    for keys in """accounts+id name+url+history key+data period+frequency ip+severity domain+severity domain+history uri+stats
    type+account+created_at content+updated_at content+effective_date week+logins code+name software+protocols
    account+source access_token+created_at ancestors+descendants statuses+hashtags accounts+hashtags""".split()
)
_ALONE = (
    *({key} for key in ("count", "merged", "state", "links", "collections", *_LISTS)),
    *({"id", "text", *more} for more in ((), ("hint",), ("hint", "translations"))),
)  # fmt: skip
_NAME = re.compile(r"[\w.:-]+")
"""Peers, blocked domains and the like come as lists of names."""


def read(content: bytes, where: str) -> Any:
    """A body of the API. Raises PermanentError where it is none: no JSON, an error, another network's."""
    found = loaded(content, where)
    parts = found if isinstance(found, list) else [found]
    if found in ({}, []) or any(map(is_status, parts)) or all(map(_known, parts)):
        return found
    if isinstance(found, dict) and any("last_read_id" in mapping(marker) for marker in found.values()):
        return found
    if isinstance(found, list) and all(isinstance(p, str) and _NAME.fullmatch(p) for p in found):
        return found
    raise PermanentError(
        f"{where}: no JSON list of statuses, so neither a timeline nor a search, nor another answer of Mastodon"
    )


def page(content: bytes, where: str) -> list[Any]:
    """Statuses of a timeline or a search. Raises PermanentError where there are none to be had."""
    found = loaded(content, where)
    listed = found.get("statuses") if isinstance(found, dict) else found
    if not isinstance(listed, list):
        raise PermanentError(f"{where}: no JSON list of statuses, so neither a timeline nor a search")
    return listed


def is_status(node: Any) -> bool:
    """Versions of an edited status, which have neither id nor address of their own, are none."""
    return (
        isinstance(node, dict)
        and {"account", "created_at"} <= node.keys()
        and bool({"content", "text"} & node.keys())
        and bool({"id", "uri", "visibility"} & node.keys())
    )


def _known(node: Any) -> bool:
    return isinstance(node, dict) and (
        bool(_WORDS & node.keys()) or any(keys <= node.keys() for keys in _TOGETHER) or node.keys() in _ALONE
    )


def rows(found: Any) -> Iterator[dict[str, Any]]:
    """Of all that is public, in the order of the body; what stands in a list of statuses and is none is given as unreadable."""
    queue = deque([(found, isinstance(found, list))])
    while queue:
        node, of_statuses = queue.popleft()
        if isinstance(node, list):
            queue.extendleft((entry, of_statuses) for entry in reversed(node))
        elif is_status(node):
            if node.get("visibility") not in _PRIVATE:
                yield _row(node)
        elif of_statuses and not _known(node) and not isinstance(node, str):
            yield {"unreadable": node}
        elif isinstance(node, dict):
            queue.extendleft((value, name in _LISTS and isinstance(value, list)) for name, value in reversed(node.items()))


def _row(status: Mapping[str, Any]) -> dict[str, Any]:
    if "content" not in status:  # how a server answers to a deletion: with what was typed, for another draft
        return {"native_id": status.get("id"), "gone": ("author", "answered with its source, as to a deletion")}
    account, reblog = mapping(status.get("account")), mapping(status.get("reblog"))
    unreadable = [part for part in ("account", "reblog") if not isinstance(status.get(part), (dict, type(None)))]
    content, warning = status["content"], status.get("spoiler_text")
    text = plain(content) if isinstance(content, str) else content
    return told({
        "native_id": status.get("id"),
        "published_at": time_or_raw(status.get("created_at")),
        # The content warning stands above the text and is read first.
        "text": f"{warning}\n\n{text}" if warning and isinstance(text, str) else text,
        "lang": status.get("language"),
        "url": status.get("url") or status.get("uri"),
        "author": _author(account),
        # Some servers let an account hide its followers, and then say -1.
        "audience": None if account.get("followers_count") == -1 else account.get("followers_count"),
        "author_since": since(account.get("created_at")),
        "likes": status.get("favourites_count"),
        "comments": status.get("replies_count"),
        "shares": status.get("reblogs_count"),
        "repost_of": reblog.get("id"),
        "parent": status.get("in_reply_to_id"),
        "edited_at": time_or_raw(status.get("edited_at")),
        "unreadable_part": ", ".join(unreadable) or None,  # no column of ours, so the edge refuses the row with this name
    })  # fmt: skip


def _author(account: Mapping[str, Any]) -> str | None:
    """user@host: the server leaves its own host out."""
    name, url = account.get("acct"), account.get("url")
    if not isinstance(name, str) or "@" in name or not isinstance(url, str):
        return name if isinstance(name, str) else None
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    return f"{name}@{host}" if host else name
