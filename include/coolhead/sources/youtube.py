"""YouTube: comments under the brand's own videos, videos that name it with their comments, and subscribers.

Plan, approval, price: free. A Google Cloud project with "YouTube Data API v3" enabled and its API key, in the field password
of the Airflow connection `youtube`; no approval. A project may call search.list 100 times a day and spend 10,000 units a day
on all else (1 unit a call of 100 comments or 50 videos); both are counted anew at midnight Pacific time, and more is granted
after an audit, without a price. So a poll every 30 minutes searches 48 times a day: two markets or watched brands fit. With
more, set `search: false` in some, or ask Google for more. The terms demand that what is stored is asked for again or deleted
after 30 days: the deletion watch asks again by id, retention deletes.

What is read: all comment threads of the own accounts' channels (`allThreadsRelatedToChannelId`), with all replies; videos
found by any of the terms and the comments under them; the comments under `videos` of the plan, which people know to be about
the brand. What is under own content or under `videos` is addressed to the brand; what is under other videos must name it.
Not read: live chat, community posts, videos' spoken words, and new replies to a thread that began more than a day before the
window (the network orders threads by when they began, and cannot be asked for replies alone).
Search: terms joined by `|`, newest first, at most some 500 results a question; then it is asked again from the oldest found.
It is Google's own reading of the words (stems, spelling, tags), so what is found is matched again here. all_of and none_of are
left to that: the network's `-` also reads tags and spoken words, and would hide what ours would keep. Some videos are
found hours late, which is why each poll asks a day back.
A removed comment or video is missing from the answer; neither by whom nor why is told. Subscribers are rounded down by the
network to three digits, for accounts and for authors alike.

https://developers.google.com/youtube/v3/docs/commentThreads/list · https://developers.google.com/youtube/v3/docs/comments/list
https://developers.google.com/youtube/v3/docs/search/list · https://developers.google.com/youtube/v3/docs/videos/list
https://developers.google.com/youtube/v3/docs/channels/list · https://developers.google.com/youtube/v3/docs/errors
https://developers.google.com/youtube/v3/determine_quota_cost · https://developers.google.com/youtube/terms/developer-policies
Recorded shapes: comment threads, comments, search, feed. videos, channels and errors are from the reference.

Engagement: likes = likeCount, comments = commentCount of a video or totalReplyCount of a thread; shares are not told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from coolhead.errors import CoolheadError, PermanentError
from coolhead.http import Client
from coolhead.sources import About, Fetched, Gone, Query, Rate, Source, SourceSettings, each
from coolhead.sources import _youtube as shape
from coolhead.sources._api import Address
from coolhead.sources._youtube_api import VIDEO_ID, VIDEOS, Api
from coolhead.windows import Window

MAX_QUERY = 400
"""Characters of a search; the API tells no limit, and refuses what is very long."""


class Settings(SourceSettings):
    """`sources: {youtube: {videos: [dQw4w9WgXcQ]}}`; with own_accounts: {youtube: [UC..., "@zefirella"]}."""

    base_url: Address = "https://www.googleapis.com/youtube/v3"
    search: bool = True
    """Whether videos that name the brand are searched for, at one of the day's 100 searches a poll or more."""
    videos: tuple[Annotated[str, Field(pattern=r"^[\w-]{11}$")], ...] = ()
    """Others' videos about the brand: comments under them are addressed to it. Passed over for a watched brand."""


class Youtube(Source):
    """Comment threads, searched videos and subscribers."""

    Settings = Settings
    about = About(
        "YouTube",
        "comments under own videos and replies to them; videos that name the brand, and comments under these",
        "API key of a Google Cloud project; no approval; free",
        "all that is public; a search some 500 results at a time",
        "100 searches and 10,000 other units a day; subscribers rounded; no live chat, no community posts",
    )
    fields = {"password": "API key of a Google Cloud project with YouTube Data API v3"}
    poll = timedelta(minutes=30)
    urgent = timedelta(minutes=15)
    lag = timedelta(minutes=45)
    revisit = timedelta(days=1)
    rate = Rate(5_000, timedelta(days=1))
    searches = True
    counts_followers = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        api, errors = Api(query, client), list[CoolheadError]()
        own = [*_channels(api, query.own_accounts, errors)]
        yield from each(self._streams(api, query, window, own), errors)

    def _streams(self, api: Api, query: Query, window: Window, own: Sequence[str]) -> Iterator[Iterator[Fetched]]:
        """`own`: ids of channels."""
        meta: dict[str, Any] = {"own": own, "text_format": "plainText"}
        for channel in own:
            under = meta | {"addressed": "comment under our own content"}
            yield api.comments({"allThreadsRelatedToChannelId": channel}, under, window)
        about_us = query.settings.videos if query.own_accounts else ()
        for video in dict.fromkeys(about_us):
            under = meta | {"addressed": "comment under a video about us", "video": video}
            yield api.comments({"videoId": video}, under, window)
        passed_over = {*own, *about_us}
        for q in _queries(query.terms) if query.settings.search else ():
            yield each(self._found(api, q, window, meta, passed_over))

    def _found(
        self, api: Api, q: str, window: Window, meta: dict[str, Any], passed_over: set[str]
    ) -> Iterator[Iterable[Fetched]]:
        """Videos, and the comments under those that are not read otherwise; a video of two searches is read once."""
        for ids in api.search(q, window):
            fetched = api.videos([i for i in ids if i not in passed_over], meta)
            if fetched is None:
                continue
            yield [fetched]
            for video in shape.resources(fetched.content, "videos"):
                native_id, channel = str(shape.part({"v": video}, "v").get("id")), shape.part(video, "snippet").get("channelId")
                has_comments = shape.part(video, "statistics").get("commentCount") not in {None, "0"}
                if has_comments and channel not in passed_over and native_id not in passed_over:
                    yield api.comments({"videoId": native_id}, meta | {"video": native_id}, window)
                passed_over.add(native_id)

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
            yield from shape.feed(content)
            return
        for resource in shape.resources(content, "payload"):
            yield from shape.mentions(resource, meta)

    def followers(self, query: Query, client: Client) -> Iterator[tuple[str, datetime | None, int]]:
        api = Api(query, client)
        for account in query.own_accounts:
            counts = shape.part(api.owner(account, "statistics"), "statistics")
            count = shape.number(counts.get("subscriberCount"))
            if counts.get("hiddenSubscriberCount") or not isinstance(count, int):
                raise PermanentError(f"own account {account!r} hides its subscribers; show them in YouTube Studio > Settings")
            yield account, None, count

    def recheck(self, query: Query, native_ids: Sequence[str], client: Client) -> Iterator[Fetched | Gone]:
        api = Api(query, client)
        videos = [i for i in native_ids if VIDEO_ID.fullmatch(i)]
        for method, ids in (("videos", videos), ("comments", [i for i in native_ids if i not in set(videos)])):
            for first in range(0, len(ids), VIDEOS):
                yield from api.still(method, ids[first : first + VIDEOS])

    def canary(self, query: Query, client: Client) -> bool | None:
        """The most popular videos of the day: always some."""
        return bool(Api(query, client).ask("videos", part="id", chart="mostPopular", maxResults=1)[1])

    def check(self, query: Query, client: Client) -> str:
        """Asks for the own channels, which costs no search."""
        api = Api(query, client)
        own = [api.channel(account) for account in query.own_accounts]
        self.canary(query, client)
        return f"answers; {len(own)} own channels found" if own else "answers; the plan names no own channel"


def _channels(api: Api, accounts: Iterable[str], errors: list[CoolheadError]) -> Iterator[str]:
    for account in dict.fromkeys(accounts):
        try:
            yield api.channel(account)
        except CoolheadError as error:
            errors.append(error)


def _queries(terms: Sequence[str]) -> list[str]:
    """Searches for any of the terms, as few as their length allows; what is syntax to the network is taken out of them."""
    found: list[str] = []
    for term in dict.fromkeys(" ".join(t.replace('"', " ").replace("|", " ").split()).lstrip("-") for t in terms):
        word = f'"{term}"' if " " in term else term
        if found and len(found[-1]) + 1 + len(word) <= MAX_QUERY:
            found[-1] += f"|{word}"
        elif word:
            found.append(word)
    return found
