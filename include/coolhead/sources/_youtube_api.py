"""The calls of YouTube's Data API v3, and what its errors mean. Part of the source `youtube`."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from coolhead.errors import CoolheadError, PermanentError, TransientError
from coolhead.http import Client, shown
from coolhead.sources import Fetched, Gone, Query
from coolhead.sources import _youtube as shape
from coolhead.sources._api import decoded, mapping
from coolhead.sources._newest_first import Page, newest_first, oldest
from coolhead.windows import Window

VIDEOS, COMMENTS = 50, 100
"""Of a page, or ids of a question: the API's maxima."""
DEPTH = 10
"""Pages after which a search ends, whatever else there is."""
MAX_SEARCHES = 30
"""Calls of one search in one window, of the 100 a day."""
VIDEO_ID = re.compile(r"[\w-]{11}")
"""Of a video; those of comments are longer."""
CHANNEL_ID = re.compile(r"UC[\w-]{22}")
"""Of a channel; any other own account is a handle."""
_SPENT = {"quotaExceeded", "dailyLimitExceeded"}
_HASTE = {"rateLimitExceeded", "userRateLimitExceeded", "processingFailure", "backendError"}
_NOT_THERE = {"commentsDisabled", "videoNotFound", "commentNotFound", "commentThreadNotFound"}


class Absent(PermanentError):
    """Comments are off, or what was asked for is gone: an answer, and no mistake."""


class Api:
    """The calls of one poll."""

    def __init__(self, query: Query, client: Client) -> None:
        self._client, self._url = client, query.settings.base_url
        # In a header, so that it stands in no address: https://cloud.google.com/docs/authentication/api-keys-use
        self._headers = {"X-Goog-Api-Key": query.secret("password", "the API key of YouTube")}

    def ask(self, method: str, **params: Any) -> tuple[bytes, list[dict[str, Any]], str | None]:
        """The body, its resources, and the token of the next page. What is no answer is refused here."""
        answer = self._client.get(f"{self._url}/{method}", params, self._headers, explain=_explained)
        items = [i for i in shape.resources(answer.content, shown(answer.url)) if isinstance(i, dict)]
        return answer.content, items, mapping(decoded(answer.content)).get("nextPageToken")

    def channel(self, account: str) -> str:
        """Its id, which is asked for where the plan has a handle."""
        return account if CHANNEL_ID.fullmatch(account) else str(self.owner(account, "id").get("id"))

    def owner(self, account: str, part: str) -> dict[str, Any]:
        by = "id" if CHANNEL_ID.fullmatch(account) else "forHandle"
        _, items, _ = self.ask("channels", part=part, **{by: account})
        if not items:
            raise PermanentError(
                f"own account {account!r}: no such channel; write its id (UC...) or its @handle in own_accounts"
            )
        return items[0]

    def comments(self, of: Mapping[str, str], meta: Mapping[str, Any], window: Window) -> Iterator[Fetched]:
        """Threads that began within the window, with all their replies; none where comments are off."""
        asked = {"part": "snippet,replies", "order": "time", "maxResults": COMMENTS, "textFormat": "plainText", **of}
        what = f"comments of {next(iter(of.values()))}"
        for page in _there(newest_first(what, window, self._asking("commentThreads", asked))):
            yield Fetched(page.content, page.origin, meta=dict(meta))
            for thread in page.items:
                given = len(shape.part(thread, "replies").get("comments") or ())
                total = shape.part(thread, "snippet").get("totalReplyCount")
                if isinstance(total, int) and total > given:
                    video = shape.part(thread, "snippet").get("videoId")
                    yield from self._replies(str(thread.get("id")), {**meta, "video": video}, window)

    def _replies(self, thread: str, meta: Mapping[str, Any], window: Window) -> Iterator[Fetched]:
        """All of them: their order is not told, so no page can be known to be the last that matters."""
        asked = {"part": "snippet", "parentId": thread, "maxResults": COMMENTS, "textFormat": "plainText"}
        ask = self._asking("comments", asked, ordered=False)
        for page in _there(newest_first(f"replies to {thread}", window, ask)):  # none: the thread was removed since
            yield Fetched(page.content, page.origin, meta=dict(meta))

    def _asking(self, method: str, asked: Mapping[str, Any], ordered: bool = True) -> Callable[[str | None], Page]:
        def ask(token: str | None) -> Page:
            content, items, after = self.ask(method, **asked, **({"pageToken": token} if token else {}))
            began = oldest(items, "snippet", "topLevelComment", "snippet", "publishedAt") if ordered else None
            return Page(content, f"{self._url}/{method}", items, began, after)

        return ask

    def search(self, q: str, window: Window) -> Iterator[list[str]]:
        """Ids of videos, newest first, a page at a time. After DEPTH pages it is asked again from the oldest on."""
        asked = {
            "part": "snippet", "type": "video", "order": "date", "maxResults": VIDEOS, "safeSearch": "none", "q": q,
            "publishedAfter": _seconds(window.start), "publishedBefore": _seconds(window.end + timedelta(seconds=1)),
        }  # fmt: skip
        token: str | None = None
        for page in range(1, MAX_SEARCHES + 1):
            _, items, token = self.ask("search", **asked, **({"pageToken": token} if token else {}))
            yield [i for item in items if isinstance(i := shape.part(item, "id").get("videoId"), str)]
            if token is None:
                last = oldest(items, "snippet", "publishedAt")
                before = _seconds(last + timedelta(seconds=1)) if last and page % DEPTH == 0 else None
                if before is None or before == asked["publishedBefore"]:
                    return
                asked["publishedBefore"] = before
        raise PermanentError(
            f"search: more than {MAX_SEARCHES} pages in {window}; collect it again in shorter windows (start, end)"
        )

    def videos(self, ids: Sequence[str], meta: Mapping[str, Any]) -> Fetched | None:
        """Whole texts and counts, which a search has not, and the subscribers of their channels; None where none is left."""
        if not ids:
            return None
        try:
            content, items, _ = self.ask("videos", part="snippet,statistics", id=",".join(ids), maxResults=VIDEOS)
        except Absent:
            return None
        channels = {c for video in items if (c := shape.part(video, "snippet").get("channelId"))}
        audience = self._subscribers(sorted(map(str, channels)))
        return Fetched(content, f"{self._url}/videos", meta={**meta, "audience": audience}) if items else None

    def _subscribers(self, channels: Sequence[str]) -> dict[str, int]:
        if not channels:
            return {}
        _, items, _ = self.ask("channels", part="statistics", id=",".join(channels), maxResults=VIDEOS)
        counts = {str(i.get("id")): shape.part(i, "statistics") for i in items}
        known = {i: shape.number(c.get("subscriberCount")) for i, c in counts.items() if not c.get("hiddenSubscriberCount")}
        return {i: n for i, n in known.items() if isinstance(n, int)}

    def still(self, method: str, ids: Sequence[str]) -> Iterator[Fetched | Gone]:
        """What is there of some ids, and what is not."""
        asked = {"part": "snippet,statistics"} if method == "videos" else {"part": "snippet", "textFormat": "plainText"}
        try:
            content, items, _ = self.ask(method, id=",".join(ids), **asked)
        except Absent:
            if len(ids) == 1:
                yield Gone(ids[0], "unknown", f"{method}.list: not found")
                return
            for one in ids:  # one that is not found may refuse the whole question
                yield from self.still(method, [one])
            return
        if items:
            yield Fetched(content, f"{self._url}/{method}", meta={"text_format": "plainText"})
        there = {item.get("id") for item in items}
        yield from (Gone(i, "unknown", f"{method}.list does not list it any more") for i in ids if i not in there)


def _there(pages: Iterator[Page]) -> Iterator[Page]:
    """Those of a list that may not be there."""
    with suppress(Absent):
        yield from pages


def _explained(status: int, body: bytes) -> CoolheadError | None:
    """What an error answer means where its status alone misleads: 403 for a spent quota, or for comments that are off."""
    why = shape.reason(mapping(decoded(body)).get("error"))
    if why in _SPENT:
        return TransientError(f"YouTube: {why}; counted anew at midnight Pacific time", until_midnight(datetime.now(UTC)))
    if why in _HASTE:
        return TransientError(f"YouTube: answered {status} ({why})")
    if why in _NOT_THERE:
        return Absent(f"YouTube: {why}")
    if b"API_KEY_INVALID" in body or why in {"keyInvalid", "keyExpired", "accessNotConfigured"}:
        return PermanentError(
            f"YouTube: answered {status}; the API key is not valid, or its project has not enabled YouTube Data API v3"
        )
    return None


def until_midnight(now: datetime) -> float:
    """Seconds until the quota is counted anew."""
    pacific = ZoneInfo("America/Los_Angeles")
    tomorrow = now.astimezone(pacific).date() + timedelta(days=1)
    return (datetime.combine(tomorrow, time(), pacific) - now).total_seconds()


def _seconds(moment: datetime) -> str:
    """Whole seconds, rounded down: 2026-03-03T09:00:00Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
