"""The story in the shape of Mastodon's REST API (as version 4.6 answers; docs.joinmastodon.org/entities/Status)."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from coolhead.play.post import HASHTAG, HOME, OWN, Post, snowflake

TAG = re.compile(r"#(\w+)")
MENTION = re.compile(r"(?<!\w)@(\w+)")
UNTOUCHED = {
    "quotes_count": 0,
    "edited_at": None,
    "favourited": False,
    "reblogged": False,
    "muted": False,
    "bookmarked": False,
    "pinned": False,
}
"""What nobody in the story does with a status."""


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def acct(handle: str) -> str:
    """The home server leaves its own name out."""
    return handle.removesuffix(f"@{HOME}")


def account_id(handle: str) -> str:
    return str(snowflake(_joined(handle), crc32(handle.encode())))


def _joined(handle: str) -> datetime:
    return datetime(2019, 1, 1, tzinfo=UTC) + timedelta(days=crc32(handle.encode()) % 2_400)


def account(handle: str, name: str, followers: int, last: datetime) -> dict[str, Any]:
    """An Account; `last`: when it last published."""
    user, _, server = handle.partition("@")
    draw = crc32(handle.encode())
    return {
        "id": account_id(handle),
        "username": user,
        "acct": acct(handle),
        "display_name": name,
        "locked": False,
        "bot": False,
        "discoverable": True,
        "indexable": True,
        "group": False,
        "created_at": stamp(_joined(handle).replace(hour=0)),
        "note": "",
        "url": f"https://{server}/@{user}",
        "uri": f"https://{server}/users/{user}",
        "avatar": f"https://{HOME}/avatars/original/missing.png",
        "avatar_static": f"https://{HOME}/avatars/original/missing.png",
        "avatar_description": "",
        "header": f"https://{HOME}/headers/original/missing.png",
        "header_static": f"https://{HOME}/headers/original/missing.png",
        "header_description": "",
        "followers_count": followers,
        "following_count": 40 + draw % 700,
        "statuses_count": 60 + draw % 9_000,
        "last_status_at": f"{last:%Y-%m-%d}",
        "hide_collections": None,
        "show_media": True,
        "show_media_replies": True,
        "show_featured": True,
        "noindex": False,
        "feature_approval": {"automatic": ["public"], "manual": [], "current_user": "automatic"},
        "emojis": [],
        "roles": [],
        "fields": [],
    }


def content(text: str, named: dict[str, str]) -> str:
    """The text as HTML; `named`: user -> handle of the accounts that it may mention."""

    def mention(found: re.Match[str]) -> str:
        if found[1] not in named:
            return found[0]
        user, _, server = named[found[1]].partition("@")
        link = f'<a href="https://{server}/@{user}" class="u-url mention">@<span>{user}</span></a>'
        return f'<span class="h-card" translate="no">{link}</span>'

    def tag(found: re.Match[str]) -> str:
        href = f"https://{HOME}/tags/{found[1].lower()}"
        return f'<a href="{href}" class="mention hashtag" rel="tag">#<span>{found[1]}</span></a>'

    # "&#x27;" would look like a tag; outside attributes a quote needs no escape
    safe = html.escape(text, quote=False)
    return "<p>" + MENTION.sub(mention, TAG.sub(tag, safe)).replace("\n", "<br />") + "</p>"


def status(post: Post, find: Callable[[str], Post | None]) -> dict[str, Any]:
    """A Status; `find` gives the post that it answers, if that can be seen."""
    parent = find(post.reply_to) if post.reply_to else None
    handles = [OWN] + ([parent.author] if parent else [])
    named = {handle.partition("@")[0]: handle for handle in handles}
    user, _, server = post.author.partition("@")
    tags = dict.fromkeys(found.lower() for found in TAG.findall(post.text))
    return {
        "id": post.id,
        "created_at": stamp(post.at),
        "in_reply_to_id": parent.id if parent else None,
        "in_reply_to_account_id": account_id(parent.author) if parent else None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": post.lang,
        "uri": f"https://{server}/users/{user}/statuses/{post.id}",
        "url": post.url,
        "replies_count": post.replies,
        "reblogs_count": post.boosts,
        "favourites_count": post.likes,
        **UNTOUCHED,
        "content": content(post.text, named),
        "filtered": [],
        "reblog": None,
        "application": {"name": "Web", "website": None},
        "account": account(post.author, post.name, post.followers, post.at),
        "media_attachments": [],
        "mentions": [_mentioned(named[user]) for user in dict.fromkeys(MENTION.findall(post.text)) if user in named],
        "tags": [{"name": name, "url": f"https://{HOME}/tags/{name}"} for name in tags],
        "emojis": [],
        "tagged_collections": [],
        "quote": None,
        "card": None,
        "poll": None,
        "quote_approval": {"automatic": ["public"], "manual": [], "current_user": "automatic"},
    }


def _mentioned(handle: str) -> dict[str, str]:
    user, _, server = handle.partition("@")
    return {"id": account_id(handle), "username": user, "url": f"https://{server}/@{user}", "acct": acct(handle)}


def page(ids: list[int], limit: int, max_id: int | None, since_id: int | None, min_id: int | None) -> list[int]:
    """One page of ids, newest first; `ids` ascends. `since_id` cuts off below, `min_id` pages upward from it."""
    floor = max(since_id or 0, min_id or 0)
    fitting = [one for one in ids if one > floor and (max_id is None or one < max_id)]
    taken = fitting[:limit] if min_id is not None else fitting[-limit:]
    return taken[::-1] if limit else []


def links(base: str, limit: int, taken: list[int]) -> str:
    """The Link header of a page that is not empty; Mastodon gives both directions even on the last one."""
    address = f"{base}/api/v1/timelines/tag/{HASHTAG}?limit={limit}"
    return f'<{address}&max_id={taken[-1]}>; rel="next", <{address}&min_id={taken[0]}>; rel="prev"'
