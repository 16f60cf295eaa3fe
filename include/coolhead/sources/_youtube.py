"""The shapes of YouTube: videos, comments and feeds to mentions. Part of the source `youtube`."""

import calendar
import io
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import unescape
from typing import Any

from coolhead.errors import PermanentError
from coolhead.sources._api import listed, loaded, mapping, told
from coolhead.sources._html import plain, storable, time_or_raw

WATCH = "https://www.youtube.com/watch?v="
_FEED_END = re.compile(rb"</\s*([\w.-]+:)?feed\s*>\s*$")


def resources(content: bytes, where: str) -> list[Any]:
    """The resources of an answer: those of a list, or the one that it is.

    An empty list may have no `items` at all. Raises PermanentError for what is no answer of the API.
    """
    found = loaded(content, where)
    if isinstance(found, dict) and isinstance(found.get("error"), dict):
        raise PermanentError(f"{where}: YouTube answered with an error ({reason(found['error']) or 'of no reason'})")
    if isinstance(found, dict) and "access_token" in found and "googleapis.com" in str(found.get("scope")):
        return []
    kind = found.get("kind") if isinstance(found, dict) else None
    if not isinstance(kind, str) or not kind.startswith("youtube#"):
        raise PermanentError(f"{where}: not of any kind `youtube#...`, so no answer of the YouTube API")
    items = found.get("items", []) if kind.endswith("ListResponse") else [found]
    if not isinstance(items, list):
        raise PermanentError(f"{where}: its items are no list")
    return items


def reason(error: Any) -> str:
    """Why the API refused, in its own word (quotaExceeded, commentsDisabled, ...); empty where it gives none."""
    first = next(iter(listed(mapping(error).get("errors"))), None)
    return str(mapping(first).get("reason") or "")[:80]


def part(resource: Any, *names: str) -> dict[str, Any]:
    """What lies within, as a dict; an empty one where there is none."""
    for name in names:
        resource = mapping(resource).get(name)
    return mapping(resource)


def mentions(resource: Any, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of one resource; none of those that are no post (channels, playlists, categories)."""
    kind = resource.get("kind") if isinstance(resource, dict) else None
    if kind == "youtube#commentThread":
        top = part(resource, "snippet", "topLevelComment")
        video = part(resource, "snippet").get("videoId")
        yield _comment(top, meta, video, part(resource, "snippet").get("totalReplyCount"))
        for reply in part(resource, "replies").get("comments") or []:
            yield _comment(reply, meta, video)
    elif kind == "youtube#comment":
        yield _comment(resource, meta, meta.get("video"))
    elif kind in {"youtube#video", "youtube#searchResult", "youtube#playlistItem"}:
        yield from _videos(resource, meta)
    elif not isinstance(kind, str):
        yield {"unreadable": resource}


def _comment(comment: Any, meta: Mapping[str, Any], video: Any, replies: Any = None) -> dict[str, Any]:
    said, native_id = part(comment, "snippet"), part({"c": comment}, "c").get("id")
    video = said.get("videoId") or video
    row = {
        "native_id": native_id,
        "published_at": time_or_raw(said.get("publishedAt")),
        "text": _words(said, meta),
        "url": f"{WATCH}{video}&lc={native_id}" if video and native_id else None,
        "likes": said.get("likeCount"),
        "comments": replies,
        "parent": said.get("parentId") or video,
        "addressed": meta.get("addressed"),
    }
    author = part(said, "authorChannelId").get("value") or said.get("authorDisplayName")
    return told(row | _who(author, meta) | _edited(said))


def _words(said: dict[str, Any], meta: Mapping[str, Any]) -> Any:
    """The original where it is shown; what is displayed is HTML unless plain text was asked for."""
    original, displayed = said.get("textOriginal"), said.get("textDisplay")
    if isinstance(original, str):
        return original
    return plain(displayed) if isinstance(displayed, str) and meta.get("text_format") != "plainText" else displayed


def _videos(resource: dict[str, Any], meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    said, counts = part(resource, "snippet"), part(resource, "statistics")
    if not said:  # asked for without its text: only counts, or an id
        return
    native_id, published = resource.get("id"), said.get("publishedAt")
    if isinstance(native_id, dict):  # of a search, which also finds channels and playlists
        if native_id.get("kind") != "youtube#video":
            return
        native_id = native_id.get("videoId")
    if resource["kind"] == "youtube#playlistItem":  # its own time is when the video was put on the list
        native_id = part(said, "resourceId").get("videoId")
        published = part(resource, "contentDetails").get("videoPublishedAt") or published
    words = [w for w in (said.get("title"), said.get("description")) if w not in (None, "")]
    text: Any = "\n\n".join(words) if all(isinstance(w, str) for w in words) else words
    if resource["kind"] == "youtube#searchResult" and isinstance(text, str):
        text = unescape(text)  # a search escapes what the others give as it is
    channel = said.get("videoOwnerChannelId") or said.get("channelId")
    row = {
        "native_id": native_id,
        "published_at": time_or_raw(published),
        "text": text,
        "lang": said.get("defaultLanguage"),
        "url": f"{WATCH}{native_id}" if native_id else None,
        "audience": part(meta, "audience").get(str(channel)),
        "likes": number(counts.get("likeCount")),
        "comments": number(counts.get("commentCount")),
    }
    yield told(row | _who(channel, meta))


def number(value: Any) -> Any:
    """The API writes counts of videos and channels as texts."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16 else value


def _who(author: Any, meta: Mapping[str, Any]) -> dict[str, Any]:
    return {"author": author or None, "own": True if author and author in meta.get("own", ()) else None}


def _edited(said: dict[str, Any]) -> dict[str, Any]:
    updated = said.get("updatedAt")
    return {"edited_at": time_or_raw(updated)} if updated and updated != said.get("publishedAt") else {}


def feed(content: bytes) -> Iterator[dict[str, Any]]:
    """Rows of a channel's or playlist's feed, https://www.youtube.com/feeds/videos.xml?channel_id=..., which needs no key.

    Its rating counts and views are no engagement as the API means it, and are left out. Raises PermanentError.
    """
    import feedparser  # here, because Dag files import the source for its class attributes

    # As a stream: given bytes, feedparser would first try them as a file's name.
    found = feedparser.parse(io.BytesIO(content), sanitize_html=False, resolve_relative_uris=False)
    if not found.get("version"):
        raise PermanentError("payload: neither JSON nor a feed, so nothing of YouTube (an error page, or the wrong address)")
    if not any("youtube.com" in str(address) for address in found.get("namespaces", {}).values()):
        raise PermanentError("payload: a feed of another site than YouTube")
    if not _FEED_END.search(content[-2_000:]):
        raise PermanentError("payload: the feed is cut off before its end")
    for entry in found.entries:
        native_id = dict.get(entry, "yt_videoid")
        words = [w for w in (dict.get(entry, "title"), dict.get(entry, "summary")) if w]
        published, updated = _time(entry, "published"), _time(entry, "updated")
        yield told({
            "native_id": native_id,
            "published_at": published,
            "text": "\n\n".join(words),
            "url": f"{WATCH}{native_id}" if native_id else None,
            "author": dict.get(entry, "yt_channelid"),
            "edited_at": updated if updated != published else None,
        })  # fmt: skip


def _time(entry: Any, name: str) -> datetime | str | None:
    # dict.get, because feedparser's own answers `updated` with `published` and warns.
    parsed = dict.get(entry, f"{name}_parsed")
    try:
        return storable(datetime.fromtimestamp(calendar.timegm(parsed), UTC)) if parsed else dict.get(entry, name)
    except (ValueError, OverflowError, OSError):
        return f"{dict.get(entry, name)} is no time"
