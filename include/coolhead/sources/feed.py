"""RSS and Atom feeds: news sites, blogs, forums, Google Alerts ("deliver to: RSS feed") and Google News searches.

Plan, approval, price: none. Google Alerts needs a Google account once, to create the alert; its feed address is then
readable by whoever knows it. Google News: https://news.google.com/rss/search?q=... (personal, non-commercial use by
its terms: check yours). A feed shows its latest entries only, so what scrolled off between two polls is not seen.

https://www.rssboard.org/rss-specification · RFC 4287 (Atom) · RFC 9110 section 13 (conditional requests)
https://feedparser.readthedocs.io/en/latest/http-etag.html · https://support.google.com/alerts/answer/175927

Engagement: comments = slash:comments where a feed has it; likes and shares are unknown.
"""

import calendar
import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from time import struct_time
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from pydantic import Field

from coolhead.errors import PermanentError
from coolhead.http import Client, shown
from coolhead.sources import About, Fetched, Query, Source, SourceSettings, each
from coolhead.sources._html import plain, storable, time_or_raw
from coolhead.sources._identity import short
from coolhead.windows import Window

_END = re.compile(rb"</\s*([\w.-]+:)?(rss|feed|rdf)\s*>", re.IGNORECASE)
LONG = 10
"""Entries of a feed that may have scrolled off: most show their latest 10 to 100."""
MAX_TEXT = 65_536
"""What a mention may hold; an article that is longer is read by its summary."""


class Settings(SourceSettings):
    """`sources: {feed: {urls: [https://example.org/feed.xml]}}`"""

    urls: Annotated[tuple[Annotated[str, Field(pattern=r"^https?://\S+$", max_length=1_000)], ...], Field(min_length=1)]


class Feed(Source):
    """Any RSS or Atom feed."""

    Settings = Settings
    about = About(
        network="RSS and Atom feeds",
        reads="articles and posts of sites, blogs, forums, Google Alerts and Google News searches",
        demands="none; Google Alerts: a Google account, once",
        history="the feed's latest entries",
        limits="what scrolled off between two polls is not seen; no audience",
    )
    poll = timedelta(minutes=15)
    lag = timedelta(minutes=15)
    windowed = False
    news = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        """The window cannot be asked for."""
        yield from each(self._fetch(url, cursor.get(url), client) for url in dict.fromkeys(query.settings.urls))

    def _fetch(self, url: str, known: str | None, client: Client) -> Iterator[Fetched]:
        answer = client.get(url, headers=_conditions(known))
        if answer.status == 304:
            return
        kind = answer.headers.get("content-type", "")
        found = _parsed(answer.content, kind, shown(url))  # what is no feed is refused before it is landed
        seen = {"etag": answer.headers.get("etag"), "modified": answer.headers.get("last-modified")}
        position = json.dumps(seen) if any(seen.values()) else None
        meta, reaches = {"content_type": kind}, _oldest(found.entries)
        yield Fetched(answer.content, shown(url), ".xml", stream=url, position=position, meta=meta, reaches=reaches)

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        found = _parsed(content, str(meta.get("content_type", "")), "payload")
        language = found.feed.get("language")
        for entry in found.entries:
            yield _mention(entry, language)


def _oldest(entries: list[Any]) -> datetime | None:
    """Where a feed ends that is long enough to have lost something; a short one is young, or shows all there is."""
    times = [t for e in entries if isinstance(t := _time(e, "published") or _time(e, "updated"), datetime)]
    return min(times) if len(times) >= LONG else None


def _conditions(known: str | None) -> dict[str, str]:
    seen = json.loads(known) if known else {}
    names = {"etag": "If-None-Match", "modified": "If-Modified-Since"}
    return {"Accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.1"} | {
        names[key]: value for key, value in seen.items() if value
    }


def _parsed(content: bytes, kind: str, where: str) -> Any:
    """Raises PermanentError where the bytes are no whole feed. Feeds that are not well-formed but whole are read."""
    import feedparser  # here, because Dag files import this module for its class attributes

    headers = {"content-type": kind} if kind else {}
    # As a stream: given bytes, feedparser would first try them as a file's name.
    found = feedparser.parse(io.BytesIO(content), response_headers=headers, sanitize_html=False, resolve_relative_uris=False)
    if not found.get("version"):  # an empty answer has no such key at all
        raise PermanentError(f"{where}: no RSS or Atom feed (an error page, or the wrong address)")
    if found.bozo and not _END.search(content[-2_000:]) and content[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        raise PermanentError(f"{where}: the feed is cut off before its end")
    return found


def _mention(entry: Any, language: str | None) -> dict[str, Any]:
    link = unwrapped(entry.get("link") or "")
    published, updated = _time(entry, "published"), _time(entry, "updated")
    row = {
        "native_id": short(entry.get("id") or link),
        "published_at": published or updated,
        "text": _text(entry),
        "lang": (entry.get("content") or [{}])[0].get("language") or language,
        "url": link,
        "author": _author(entry, link),
        "comments": entry.get("slash_comments"),
        "edited_at": updated if published and isinstance(updated, datetime) and updated != published else None,
    }
    return {name: value for name, value in row.items() if value not in (None, "") or name == "text"}


def _time(entry: Any, name: str) -> datetime | str | None:
    # dict.get, because feedparser's own answers `updated` with `published` and warns.
    parsed = dict.get(entry, f"{name}_parsed")
    if isinstance(parsed, struct_time):
        try:
            return storable(datetime.fromtimestamp(calendar.timegm(parsed), UTC))
        except (ValueError, OverflowError, OSError):
            pass
    raw = dict.get(entry, name)
    return f"{raw} is no time" if raw and isinstance(time_or_raw(raw), datetime) else time_or_raw(raw)


def _text(entry: Any) -> str:
    """Title, and below it the content, or the summary where the content is missing or too long for a mention."""
    title = _plain(entry.get("title_detail"))
    bodies = [_plain(part) for part in [*entry.get("content", []), dict.get(entry, "summary_detail")]]
    room = MAX_TEXT - len(title) - 2
    body = next((b for b in bodies if b and len(b) <= room), "") or next(filter(None, bodies), "")
    known, more = (re.sub(r"\W+", " ", text).strip() for text in (title, body))
    if more.startswith(known):  # Google News gives the title again as its summary
        return body if len(more) > len(known) else title
    return "\n\n".join(filter(None, (title, body)))


def _plain(part: Any) -> str:
    value = (part or {}).get("value") or ""
    return plain(value) if value and "html" in (part.get("type") or "") else value.strip()


def unwrapped(link: str) -> str:
    """The address behind Google's redirect (www.google.com/url?...&url=REAL)."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return link
    if parts.path != "/url" or not re.fullmatch(r"(www\.)?google(\.\w{2,3}){1,2}", parts.hostname or ""):
        return link
    query = parse_qs(parts.query)
    target = (query.get("url") or query.get("q") or [""])[0]
    return target if target.startswith(("http://", "https://")) else link


def _author(entry: Any, link: str) -> str | None:
    """name@publisher, or the publisher alone: names such as "Redazione" stand for one site only."""
    address = (entry.get("source") or {}).get("href") or link
    try:
        host = (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        host = ""
    name = (entry.get("author_detail") or {}).get("name") or entry.get("author")
    return "@".join(filter(None, (name, host))) or None
