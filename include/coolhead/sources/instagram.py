"""Instagram: own posts, their comments and replies, posts that tag the account, and posts with hashtags.

Plan, approval, price: no price. An Instagram professional account (business or creator) connected to a Facebook Page, a Meta
app, and a long-lived token of a person with a task on that Page, in the field password of the Airflow connection `instagram`,
with instagram_basic, instagram_manage_comments and pages_read_engagement; a system user's does not lapse, others do after two
months. For one's own account standard access is enough, for those of clients Meta's app review. Hashtags need the feature
Instagram Public Content Access (app review with business verification). Where the app demands proof of its secret, write it
into `app_secret` of the connection's extra. `user` is the account's number, own_accounts its names.

What is read, and at what cost: (1) /{user}/media, newest first, back to `watch_days` before the window: own posts; (2) the
comments of those that have any, 50 posts a request. The API knows no since for them and orders them newest first (since v3.2);
replies hang below the comments that they answer. So each list is read down to `thread_days` before the window, with all
replies (to their last page): a reply to a comment that is older is not found by a poll. (3) /{user}/tags: posts in which people
tagged the account, down to the first page that lies before the window; a tag that is added to an old post is not news. (4) each
hashtag: two requests and one more per 50 posts. In all some 3 + n / 50 requests for n posts in 30 days; a post with 10,000
comments in three days takes 200 more, and MAX_PAGES ends it with an error. Allowance: 4,800 calls a day for each impression.
A hashtag shows the posts of the last 24 hours only and no author, and an account may ask for 30 different ones in seven days.

Not read: @mentions in captions and comments elsewhere (the API tells of them by webhooks only, which need a public server;
bodies of mentioned_media and mentioned_comment are understood), private messages, stories, comments on ads, live chat.
Posts of others are kept as `media:` and their id, because the API does not look them up again: what is gone can be told of own
posts and comments only. A comment that we or our word filter hid becomes a tombstone by `brand`; one that is gone is error
100/33, by whom is not told. Counts are exact. Edits have no time; like_count is missing where its owner hides it.

https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-media/comments
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-comment
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/tags
https://developers.facebook.com/docs/instagram-platform/instagram-api-with-facebook-login/hashtag-search
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/business_discovery
Recorded shapes: comments. Media, tags, hashtags, replies, mentions and batches are from the reference.

Engagement: likes = like_count, comments = comments_count of a post (with replies); shares are not told.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from coolhead.errors import CoolheadError, PermanentError
from coolhead.http import Client
from coolhead.sources import About, Fetched, Gone, Query, Rate, Source, each
from coolhead.sources._api import mapping, told
from coolhead.sources._graph import Graph, GraphSettings, chunks, connect
from coolhead.sources._graph_answers import code_of, following, items_of, part_of, records
from coolhead.sources._html import time_or_raw
from coolhead.windows import Window

LIMIT = 50
"""Of a page: the API's maximum for comments and hashtags."""
NEEDS = ("instagram_basic", "instagram_manage_comments")
_HASHTAG_MEDIA = "id,caption,timestamp,permalink,media_type,like_count,comments_count"
_MEDIA = f"{_HASHTAG_MEDIA},username"
_REPLY = "id,text,timestamp,username,like_count,hidden,parent_id"
_COMMENT = f"{_REPLY},replies.limit({LIMIT}){{{_REPLY}}}"
_LISTS = (
    "comments", "replies", "media", "tags", "recent_media", "top_media", "stories", "live_media", "mentioned_media",
    "mentioned_comment", "business_discovery",
)  # fmt: skip
_OTHERS = {
    "created_time", "updated_time", "message", "created_at", "created_utc", "published_date", "author_id", "fan_count",
    "category", "creation_time", "start_time",
}  # fmt: skip
"""Names that no record of Instagram has, and those of other networks have."""
_WHY = {"comments": "comment under our post", "tags": "post that tags us"}
NO_SUCH_HASHTAG = 2_207_024
"""Subcode: nobody has used it yet."""


class Settings(GraphSettings):
    """`sources: {instagram: {user: "178...", hashtags: [zefirella]}}`"""

    user: Annotated[str, Field(pattern=r"^\d+$")]
    """Number of the professional account: /{page}?fields=instagram_business_account"""
    hashtags: Annotated[tuple[Annotated[str, Field(pattern=r"^#?\w+$")], ...], Field(max_length=30)] = ()
    watch_days: Annotated[int, Field(ge=1, le=365)] = 30
    """Own posts of so many days are asked for comments by every poll."""
    thread_days: Annotated[int, Field(ge=0, le=90)] = 3
    """Comments of so many days are asked for replies by every poll."""


class Instagram(Source):
    """Own posts, comments and replies, tags, hashtags, followers."""

    Settings = Settings
    about = About(
        "Instagram (own account)",
        "own posts, comments and replies, posts that tag the account, hashtags, followers",
        "professional account, Meta app with instagram_manage_comments (app review for clients; hashtags always); free",
        "comments under posts of the last 30 days; hashtags: 24 hours",
        "@mentions elsewhere only by webhook, hence not; 30 hashtags in 7 days, without authors",
    )
    fields: ClassVar[Mapping[str, str]] = {"password": "access token"}
    poll = timedelta(minutes=5)
    lag = timedelta(minutes=5)
    revisit = timedelta(hours=1)
    rate = Rate(120, timedelta(minutes=1))
    counts_followers = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        graph, chosen = _graph(query, client), query.settings
        ours: dict[str, Any] = {"own": [name.lstrip("@").casefold() for name in query.own_accounts], "ours": None}
        hashtags = dict.fromkeys(name.lstrip("#").lower() for name in chosen.hashtags)
        posts, tags = _own(graph, chosen, window, ours), _tags(graph, chosen, window, ours)
        yield from each([posts, tags, each(_hashtag(graph, chosen, name, window, ours) for name in hashtags)])

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for record, above in records(content, meta.get("under", ()), _LISTS):
            if not _OTHERS.isdisjoint(record):
                raise PermanentError("payload: records of another network than Instagram")
            if _is_post(record):
                yield _mention(record, above, meta)

    def followers(self, query: Query, client: Client) -> Iterator[tuple[str, datetime | None, int]]:
        graph, user = _graph(query, client), query.settings.user
        for account in query.own_accounts:
            name = account.lstrip("@")
            found = mapping(graph.get(user, {"fields": "username,followers_count"}).document)
            if str(found.get("username")).casefold() != name.casefold():
                asked = {"fields": f"business_discovery.username({name}){{followers_count}}"}
                found = mapping(mapping(graph.get(user, asked).document).get("business_discovery"))
            if not isinstance(found.get("followers_count"), int):
                raise PermanentError(f"own account {account!r}: the API tells no follower count; is it a professional account?")
            yield account, None, found["followers_count"]

    def recheck(self, query: Query, native_ids: Sequence[str], client: Client) -> Iterator[Fetched | Gone]:
        missing: list[str] = []
        own = [i for i in native_ids if i.isdigit()]  # the others are posts of others
        for answer in (graph := _graph(query, client)).look_up(own, (_REPLY, _MEDIA), missing):
            yield Fetched(answer.content, answer.origin)
        if missing:
            graph.demand(NEEDS)  # without them all would seem to be gone
        yield from (Gone(i, "unknown", "Graph error 100/33 (does not exist)") for i in missing)

    def expires(self, query: Query, client: Client) -> datetime | None:
        return _graph(query, client).expires()

    def check(self, query: Query, client: Client) -> str:
        _graph(query, client).demand(NEEDS)
        return super().check(query, client)


def _graph(query: Query, client: Client) -> Graph:
    return connect(query, client, "password", "an access token")


def _own(graph: Graph, chosen: Settings, window: Window, ours: dict[str, Any]) -> Iterator[Fetched]:
    """Own posts in the window, and then the comments below those that are watched; `ours` gets the ids of all."""
    watched, talked_about, listed = (
        Window(window.start - timedelta(days=chosen.watch_days), window.end),
        list[str](),
        list[str](),
    )
    for answer in graph.pages(f"{chosen.user}/media", {"fields": _MEDIA, "limit": LIMIT}, enough=_behind(watched.start)):
        items = [i for i in map(mapping, items_of(answer.document)) if isinstance(i.get("id"), str)]
        listed += [i["id"] for i in items]
        talked_about += [i["id"] for i in items if _any_within([i], watched) and i.get("comments_count") != 0]
        if _any_within(items, window):
            yield Fetched(answer.content, answer.origin, meta={"own": ours["own"], "list": "media"})
    ours["ours"] = listed
    for posts in chunks(list(dict.fromkeys(talked_about))):
        yield from _comments(graph, posts, window, window.start - timedelta(days=chosen.thread_days), {"own": ours["own"]})


def _comments(graph: Graph, posts: list[str], window: Window, since: datetime, meta: dict[str, Any]) -> Iterator[Fetched]:
    """First pages of many posts at once, then of each the further pages, and what is left of the replies."""
    asked, meta = {"fields": _COMMENT, "limit": LIMIT}, {**meta, "list": "comments"}
    answer = graph.batch([(f"{post}/comments", asked) for post in posts])
    if any(_news(part, window) for part in answer.parts):
        yield Fetched(answer.content, answer.origin, meta={**meta, "under": posts})
    for post, part in zip(posts, answer.parts, strict=True):
        if not isinstance(part, CoolheadError):
            yield from _replies(graph, part, window, meta)
            for page in graph.pages(f"{post}/comments", asked, part, _behind(since)):
                if _news(page.document, window):
                    yield Fetched(page.content, page.origin, meta={**meta, "under": [post]})
                yield from _replies(graph, page.document, window, meta)
    answer.check()


def _replies(graph: Graph, page: Any, window: Window, meta: dict[str, Any]) -> Iterator[Fetched]:
    """Replies that the comments of a page did not hold."""
    for comment in map(mapping, items_of(page)):
        if following(comment.get("replies")):
            for answer in graph.pages(f"{comment['id']}/replies", {"fields": _REPLY, "limit": LIMIT}, comment["replies"]):
                if _any_within(items_of(answer.document), window):
                    yield Fetched(answer.content, answer.origin, meta={**meta, "under": [comment["id"]]})


def _tags(graph: Graph, chosen: Settings, window: Window, ours: dict[str, Any]) -> Iterator[Fetched]:
    for answer in graph.pages(f"{chosen.user}/tags", {"fields": _MEDIA, "limit": LIMIT}, enough=_behind(window.start)):
        if _any_within(items_of(answer.document), window):
            yield Fetched(answer.content, answer.origin, meta={"own": ours["own"], "list": "tags"})


def _hashtag(graph: Graph, chosen: Settings, name: str, window: Window, ours: dict[str, Any]) -> Iterator[Fetched]:
    """A hashtag names no author: that a post is ours its id tells, so where ours could not be listed nothing is read (and that
    is an error already). One that nobody has used yet is unknown to the API, and no error."""
    if ours["ours"] is None:
        return
    answer = graph.batch([("ig_hashtag_search", {"user_id": chosen.user, "q": name})])
    if code_of(part_of(answer.document[0]))[1] == NO_SUCH_HASHTAG:
        return
    answer.check()
    for found in items_of(answer.parts[0]):
        yield from _recent(graph, chosen, name, found["id"], window, ours)


def _recent(graph: Graph, chosen: Settings, name: str, key: str, window: Window, ours: dict[str, Any]) -> Iterator[Fetched]:
    asked = {"fields": _HASHTAG_MEDIA, "user_id": chosen.user, "limit": LIMIT}
    for page in graph.pages(f"{key}/recent_media", asked, enough=_behind(window.start)):
        items = items_of(page.document)
        if _any_within(items, window):
            mine = [i["id"] for i in map(mapping, items) if i.get("id") in ours["ours"]]
            yield Fetched(page.content, f"{page.origin} #{name}", meta={"own": ours["own"], "ours": mine, "list": "hashtag"})


def _behind(start: datetime) -> Any:
    """Whether a page lies before a time as a whole: the lists are not quite in order."""

    def enough(page: Any) -> bool:
        times = [_time(item) for item in items_of(page)]
        return bool(times) and all(at and at < start for at in times)

    return enough


def _time(item: Any) -> datetime | None:
    found = time_or_raw(mapping(item).get("timestamp"))
    return found if isinstance(found, datetime) and found.tzinfo else None


def _any_within(items: list[Any], window: Window) -> bool:
    """Also where a time cannot be read: then it is refused, and seen."""
    return any(at is None or at in window for at in map(_time, items))


def _news(page: Any, window: Window) -> bool:
    comments = items_of(page)
    return _any_within(comments, window) or any(_any_within(items_of(mapping(c).get("replies")), window) for c in comments)


def _is_post(record: Mapping[str, Any]) -> bool:
    """A post or comment; not an account, a hashtag or a metric, and no mere id."""
    marks = ("timestamp", "caption", "text", "like_count", "comments_count", "media_type", "unreadable")
    return any(name in record for name in marks)


def _mention(record: Mapping[str, Any], above: str | None, meta: Mapping[str, Any]) -> dict[str, Any]:
    native_id, author = record.get("id"), record.get("username") or mapping(record.get("from")).get("username")
    own = str(author).casefold() in meta.get("own", ()) or native_id in meta.get("ours", ())
    if record.get("hidden") is True:
        return {"native_id": native_id, "gone": ("brand", "hidden: by us or our word filter")}
    if meta.get("list") in {"tags", "hashtag"} and not own and isinstance(native_id, str):
        native_id = f"media:{native_id}"
    return told({
        "native_id": native_id,
        "published_at": time_or_raw(record.get("timestamp")),
        # A post without words; what is no text stays as it is, and is refused.
        "text": next((record[n] for n in ("text", "caption") if record.get(n) is not None), ""),
        "url": record.get("permalink"),
        "author": author,
        "likes": record.get("like_count"),
        "comments": record.get("comments_count"),
        "parent": record.get("parent_id") or above or mapping(record.get("media")).get("id"),
        "addressed": None if own else _WHY.get(meta.get("list", "")),
        "unreadable": record.get("unreadable"),
    })  # fmt: skip
