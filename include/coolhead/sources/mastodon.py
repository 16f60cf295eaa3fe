"""Mastodon: public hashtag timelines of one server, and the followers of the brand's own accounts.

Plan, approval, price: none; no account is needed where the server shows its timelines publicly (the default; since
4.5 an administrator can close them, then it answers 401). Rate limit: 300 requests in 5 minutes and address.
Only servers of Mastodon itself: others (Pleroma, GoToSocial) answer the same calls with ids that are no times.

https://docs.joinmastodon.org/methods/timelines/#tag · https://docs.joinmastodon.org/methods/accounts/#lookup
https://docs.joinmastodon.org/entities/Status/ · https://docs.joinmastodon.org/api/rate-limits/
Ids: https://github.com/mastodon/mastodon/blob/main/lib/mastodon/snowflake.rb (milliseconds << 16 | sequence; of a post
that another server delivered late, the id holds its `created_at` with a random part of the second).

Engagement: likes = favourites_count, comments = replies_count, shares = reblogs_count.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field

from coolhead.errors import PermanentError
from coolhead.http import Client, Response, shown
from coolhead.sources import Fetched, Query, Source, SourceSettings
from coolhead.sources._html import plain, time_or_raw
from coolhead.windows import Window

LIMIT = 40
"""Statuses a page: the API's maximum."""
MAX_PAGES = 100
"""Pages of one hashtag in one window; with more, the window must be cut."""
OVERLAP = timedelta(minutes=15)
"""Asked again before the window's start: posts of other servers come late, with ids of when they were written."""
CATCH_UP = timedelta(days=1)
"""How far behind the window a cursor may lie to be caught up with; longer gaps are collected by windows of their own."""


class Settings(SourceSettings):
    """`sources: {mastodon: {base_url: https://mastodon.social, hashtags: [zefirella]}}`"""

    base_url: Annotated[str, Field(pattern=r"^https?://[^/\s]+/?$"), AfterValidator(lambda url: url.rstrip("/"))]
    hashtags: Annotated[tuple[Annotated[str, Field(pattern=r"^#?\w+$")], ...], Field(min_length=1)]


class Mastodon(Source):
    """Hashtag timelines and follower counts."""

    Settings = Settings
    poll = timedelta(minutes=5)
    lag = timedelta(minutes=5)
    counts_followers = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        for tag in dict.fromkeys(name.lstrip("#") for name in query.settings.hashtags):
            yield from self._timeline(query.settings.base_url, tag, window, cursor.get(tag), client)

    def _timeline(self, base_url: str, tag: str, window: Window, cursor: str | None, client: Client) -> Iterator[Fetched]:
        """Pages from the window's end down to its start, or to the cursor where that lies a little before."""
        url = f"{base_url}/api/v1/timelines/tag/{quote(tag, safe='')}"
        greatest = int(cursor) if cursor else 0
        low, high = _since(window, greatest), id_at(window.end + timedelta(seconds=1))
        for page in range(MAX_PAGES + 1):
            answer = client.get(url, {"limit": LIMIT, "since_id": low, "max_id": high})
            # A page may be short because the server left out what it hides: only an empty one is the end.
            if not (ids := _ids(answer)):
                return
            if page == MAX_PAGES or max(ids) >= high:
                raise PermanentError(
                    _endless(tag, window) if page == MAX_PAGES else f"{shown(url)}: ignores max_id; is it a Mastodon server?"
                )
            greatest, high = max(greatest, *ids), min(ids)
            yield Fetched(answer.content, f"{shown(url)} before {high}", stream=tag, position=str(greatest))

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for status in _statuses(content, "payload"):
            yield _mention(status) if isinstance(status, dict) else {"unreadable": status}

    def followers(self, query: Query, client: Client) -> Iterator[tuple[str, datetime | None, int]]:
        for account in query.own_accounts:
            url = f"{query.settings.base_url}/api/v1/accounts/lookup"
            try:
                found = json.loads(client.get(url, {"acct": account.lstrip("@")}).content)
                yield account, None, int(found["followers_count"])
            except PermanentError as error:
                raise PermanentError(f"own account {account!r}: {error}") from None
            except (ValueError, TypeError, KeyError):
                raise PermanentError(f"own account {account!r}: {shown(url)} did not answer with an account") from None


def id_at(moment: datetime) -> int:
    """Smallest id of a status of that moment."""
    return (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) << 16


def _since(window: Window, cursor: int) -> int:
    low = id_at(window.start - OVERLAP)
    return cursor if id_at(window.start - CATCH_UP) <= cursor < low else low


def _endless(tag: str, window: Window) -> str:
    return f"#{tag}: more than {MAX_PAGES} pages of {LIMIT} in {window}; collect it again in shorter windows (start, end)"


def _statuses(content: bytes, where: str) -> list[Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise PermanentError(f"{where}: no JSON, so no timeline (truncated, or an error page)") from None
    if not isinstance(found, list):
        raise PermanentError(f"{where}: no JSON list, so no timeline")
    return found


def _ids(answer: Response) -> list[int]:
    """Ids of a page. A page that is none is refused here, before it is landed."""
    statuses = _statuses(answer.content, shown(answer.url))
    try:
        return [int(status["id"]) for status in statuses]
    except (TypeError, KeyError, ValueError):
        raise PermanentError(f"{shown(answer.url)}: statuses without numeric ids; base_url must be a Mastodon server") from None


def _mention(status: dict[str, Any]) -> dict[str, Any]:
    account, reblog = _dict(status.get("account")), _dict(status.get("reblog"))
    unreadable = [part for part in ("account", "reblog") if not isinstance(status.get(part), (dict, type(None)))]
    content = status.get("content")
    warning = status.get("spoiler_text")
    text = plain(content) if isinstance(content, str) else content
    row = {
        "native_id": status.get("id"),
        "published_at": time_or_raw(status.get("created_at")),
        # The content warning stands above the text and is read first.
        "text": f"{warning}\n\n{text}" if warning and isinstance(text, str) else text,
        "lang": status.get("language"),
        "url": status.get("url") or status.get("uri"),
        "author": _author(account),
        # Some servers let an account hide its followers, and then say -1.
        "audience": None if account.get("followers_count") == -1 else account.get("followers_count"),
        "likes": status.get("favourites_count"),
        "comments": status.get("replies_count"),
        "shares": status.get("reblogs_count"),
        "repost_of": reblog.get("id"),
        "parent": status.get("in_reply_to_id"),
        "edited_at": time_or_raw(status.get("edited_at")),
        "unreadable_part": ", ".join(unreadable) or None,  # no column of ours, so the edge refuses the row with this name
    }
    return {name: value for name, value in row.items() if value is not None}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _author(account: dict[str, Any]) -> str | None:
    """user@host: the server leaves its own host out."""
    name, url = account.get("acct"), account.get("url")
    if not isinstance(name, str) or "@" in name or not isinstance(url, str):
        return name if isinstance(name, str) else None
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    return f"{name}@{host}" if host else name
