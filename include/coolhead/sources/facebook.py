"""Facebook: the brand's own Pages: their posts, what visitors write there, all comments and replies, and posts that tag them.

Plan, approval, price: no price. A Meta app (developers.facebook.com), a person with the task MODERATE on the Page, and a Page
access token with pages_show_list, pages_read_engagement and pages_read_user_content, in the field password of the Airflow connection `facebook`; a system user's or a long-lived one, or it lapses after two months. For Pages of
one's own business standard access is enough; for those of clients each permission needs Meta's app review. Pages that are not
ours would need the feature Page Public Content Access, which gives comments without ids: they cannot be followed, so they are
not read here. Whose app demands proof of the app's secret writes it into `app_secret` of the connection's extra; with several
Pages, each further token into the extra under the Page's number. own_accounts are the Pages' numbers, not their names.

What is read, and at what cost: (1) /{page}/feed of the window, asked by since and until; (2) the same list of the last
`recall_days`, ids and times only: which posts there are; (3) the comments of posts of the last `watch_days`, and of older ones
whose updated_time (the last comment's) lies in the window, 50 posts a request. `filter=stream` gives comments and replies at
all depths in one list, newest first (`order`), from the window's start (`since`), so a post without news costs one empty
page; a list that the network ranks instead (it says so in its summary) is read to its end; (4) /{page}/tagged, which knows no
since and is ordered by updated_time, down to the first page that lies before the window. So each poll of a Page with n posts
in 14 days asks 3 + n / 50 requests, n + 3 calls of the allowance (4,800 calls a day for each person engaged with the Page).
Comments under posts older than `recall_days` are not found, nor a new reply there if the network does not count it as news.

Not read: private messages, ads that were never on the Page, groups, stories, reviews; posts that name the brand without tagging
its Page (the API has no search). Of posts by people that tag the Page, the author is not told. Comments that we or our word
filter hid become tombstones by `brand`; a comment that is gone is error 100/33, and who removed it is not told (it is believed
only where its post can still be read). Counts are exact, not rounded. An edit has no time of its own.

https://developers.facebook.com/docs/graph-api/reference/page/feed · https://developers.facebook.com/docs/graph-api/reference/page/tagged
https://developers.facebook.com/docs/graph-api/reference/object/comments · https://developers.facebook.com/docs/graph-api/reference/comment
https://developers.facebook.com/docs/graph-api/reference/post · https://developers.facebook.com/docs/pages-api
Recorded shapes: feed, comments (the latter without ids, which their addresses hold). Batches, replies and hidden comments are
from the reference.

Engagement: likes = reactions of all kinds (of a post) or like_count, comments = comments with replies, shares = shares.count.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from coolhead.errors import ConfigError, CoolheadError, PermanentError
from coolhead.http import Client
from coolhead.sources import About, Fetched, Gone, Query, Rate, Source, each
from coolhead.sources._api import mapping, told
from coolhead.sources._graph import Graph, GraphSettings, chunks, connect
from coolhead.sources._graph_answers import items_of, records
from coolhead.sources._html import time_or_raw
from coolhead.windows import Window

LIMIT = 100
"""Of a page: the API's maximum for feeds."""
NEEDS = ("pages_read_engagement", "pages_read_user_content")
_COUNTED = "reactions.limit(0).summary(true),comments.filter(stream).limit(0).summary(true)"
_POST = f"id,created_time,updated_time,from{{id,name}},message,story,permalink_url,parent_id,is_hidden,is_published,shares,{_COUNTED}"
_COMMENT = "id,created_time,from{id,name},message,permalink_url,parent{id},is_hidden,like_count,comment_count"
_LISTS = ("comments", "feed", "posts", "published_posts", "visitor_posts", "tagged")
_ADDRESS = re.compile(r"/(\d+)/posts/(\d+)/?\?(?:[^#]*&)?comment_id=(\d+)(?:&reply_comment_id=(\d+))?")
"""Of a comment: Page, post, comment, reply."""
_OTHERS = {
    "timestamp", "text", "created_at", "created_utc", "published_date", "author_id", "media_type", "ig_id", "follows_count",
    "business_discovery", "mentioned_media", "mentioned_comment", "product_id", "catalog_id", "quota_usage", "status_code",
}  # fmt: skip
"""Names that no record of Facebook has, and those of other networks have."""
_WHY = {"comments": "comment under our post", "feed": "post on our Page", "tagged": "post that tags our Page"}


class Settings(GraphSettings):
    """`sources: {facebook: {watch_days: 14}}`, with the Page's number under `own_accounts: {facebook: ["108..."]}`"""

    watch_days: Annotated[int, Field(ge=1, le=90)] = 14
    """Own posts of so many days are asked for new comments by every poll."""
    recall_days: Annotated[int, Field(ge=1, le=730)] = 180
    """Older ones, up to this age, if they say that something was written below them."""


class Facebook(Source):
    """Own Pages: posts, visitors' posts, comments and replies, posts that tag them, followers."""

    Settings = Settings
    about = About(
        "Facebook (own Pages)",
        "the Page's posts, visitors' posts, comments and replies, posts that tag the Page, followers",
        "Meta app with pages_read_engagement and pages_read_user_content (app review for clients' Pages), Page token; free",
        "as far as the Page goes; comments under posts of the last 180 days",
        "no search, no foreign Pages, no groups; 4,800 calls a day for each engaged person",
    )
    fields: ClassVar[Mapping[str, str]] = {"password": "Page access token (further Pages: in extra, under the Page's number)"}
    poll = timedelta(minutes=5)
    lag = timedelta(minutes=5)
    revisit = timedelta(hours=1)
    rate = Rate(120, timedelta(minutes=1))
    counts_followers = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        yield from each(
            stream(graph, page, window, query.settings)
            for page, graph in _graphs(query, client)
            for stream in (_feed, _tagged, _comments)
        )

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for record, above in records(content, meta.get("under", ()), _LISTS):
            if not _OTHERS.isdisjoint(record):
                raise PermanentError("payload: records of another network than Facebook")
            if _is_post(record):
                yield _mention(record, above, meta)

    def followers(self, query: Query, client: Client) -> Iterator[tuple[str, datetime | None, int]]:
        for page, graph in _graphs(query, client):
            found = mapping(graph.get(page, {"fields": "followers_count,fan_count"}).document)
            count = found.get("followers_count", found.get("fan_count"))
            if not isinstance(count, int):
                raise PermanentError(
                    f"own account {page}: the API tells no follower count; is it a Page, and the token its own?"
                )
            yield page, None, count

    def recheck(self, query: Query, native_ids: Sequence[str], client: Client) -> Iterator[Fetched | Gone]:
        left = list(native_ids)
        for page, graph in _graphs(query, client):
            missing: list[str] = []
            for answer in graph.look_up(left, (_COMMENT, _POST), missing):
                yield Fetched(answer.content, answer.origin, meta={"page": page})
            if missing:
                graph.demand(NEEDS)  # without them all would seem to be gone
            yield from _vanished(graph, page, missing)
            left = missing

    def expires(self, query: Query, client: Client) -> datetime | None:
        return min(filter(None, (graph.expires() for _, graph in _graphs(query, client))), default=None)

    def check(self, query: Query, client: Client) -> str:
        for _, graph in _graphs(query, client):
            graph.demand(NEEDS)
        return super().check(query, client)


def _graphs(query: Query, client: Client) -> list[tuple[str, Graph]]:
    """Each Page with the API under its token."""
    if not query.own_accounts or not all(page.isdigit() for page in query.own_accounts):
        raise ConfigError(
            'own_accounts.facebook must hold the numbers of your Pages, e.g. ["108000000000001"] (About > Page ID)'
        )
    extra = query.credentials.get("extra") or {}
    tokens = [page if page in extra else "password" for page in query.own_accounts]
    return [
        (page, connect(query, client, t, "a Page access token")) for page, t in zip(query.own_accounts, tokens, strict=True)
    ]


def _feed(graph: Graph, page: str, window: Window, chosen: Settings) -> Iterator[Fetched]:
    asked = {"fields": _POST, "since": _unix(window.start) - 1, "until": _unix(window.end) + 1, "limit": LIMIT}
    for answer in graph.pages(f"{page}/feed", asked):
        if items_of(answer.document):
            yield Fetched(answer.content, answer.origin, meta={"page": page, "list": "feed"})


def _tagged(graph: Graph, page: str, window: Window, chosen: Settings) -> Iterator[Fetched]:
    def behind(found: Any) -> bool:
        latest = [_time(i, "updated_time") or _time(i, "created_time") for i in items_of(found)]
        return bool(latest) and all(at and at < window.start for at in latest)

    for answer in graph.pages(f"{page}/tagged", {"fields": _POST, "limit": LIMIT}, enough=behind):
        if any(_within(i, window) for i in items_of(answer.document)):
            yield Fetched(answer.content, answer.origin, meta={"page": page, "list": "tagged"})


def _comments(graph: Graph, page: str, window: Window, chosen: Settings) -> Iterator[Fetched]:
    """The first pages of many posts at once, then of each what is left."""
    asked = {
        "fields": _COMMENT, "filter": "stream", "order": "reverse_chronological", "since": _unix(window.start) - 1,
        "summary": "true", "limit": LIMIT,
    }  # fmt: skip
    for posts in chunks(_talked_about(graph, page, window, chosen)):
        answer = graph.batch([(f"{post}/comments", asked) for post in posts])
        if any(items_of(part) for part in answer.parts):
            yield Fetched(answer.content, answer.origin, meta={"page": page, "list": "comments", "under": posts})
        for post, part in zip(posts, answer.parts, strict=True):
            if not isinstance(part, CoolheadError):
                yield from _further(graph, page, post, asked, part, window)
        answer.check()


def _further(graph: Graph, page: str, post: str, asked: dict[str, Any], first: Any, window: Window) -> Iterator[Fetched]:
    def behind(found: Any) -> bool:
        ranked = mapping(mapping(found).get("summary")).get("order") == "ranked"
        return not ranked and any(at < window.start for i in items_of(found) if (at := _time(i, "created_time")))

    for answer in graph.pages(f"{post}/comments", asked, first, behind):
        if items_of(answer.document):
            yield Fetched(answer.content, answer.origin, meta={"page": page, "list": "comments", "under": [post]})


def _talked_about(graph: Graph, page: str, window: Window, chosen: Settings) -> list[str]:
    """Ids of the posts on the Page that may have new comments."""
    watched, recalled = (
        window.start - timedelta(days=days) for days in (chosen.watch_days, max(chosen.recall_days, chosen.watch_days))
    )
    asked = {"fields": "id,created_time,updated_time", "since": _unix(recalled), "until": _unix(window.end) + 1, "limit": LIMIT}
    found: dict[str, None] = {}
    for answer in graph.pages(f"{page}/feed", asked):
        for post in filter(None, map(mapping, items_of(answer.document))):
            created, updated = _time(post, "created_time"), _time(post, "updated_time")
            recent = created is None or created >= watched or updated is None or updated >= window.start
            if recent and str(post.get("id")).startswith(f"{page}_"):  # posts elsewhere that tag the Page are not ours to read
                found[post["id"]] = None
    return list(found)


def _vanished(graph: Graph, page: str, missing: Sequence[str]) -> Iterator[Gone]:
    """What is not there is gone only where its post, photo or Page can still be read: else the token may just not show it."""
    above = {i: [page] if (first := i.partition("_")[0]) == page else [f"{page}_{first}", first] for i in missing if "_" in i}
    wanted = list(dict.fromkeys(a for found in above.values() for a in found))
    lost: list[str] = []
    there = {str(mapping(part).get("id")) for answer in graph.look_up(wanted, ("id",), lost) for part in answer.parts}
    for native_id, places in above.items():
        if not there.isdisjoint(places):
            yield Gone(native_id, "unknown", "Graph error 100/33 (does not exist), while what it stood below can be read")


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())


def _time(item: Any, name: str) -> datetime | None:
    found = time_or_raw(mapping(item).get(name))
    return found if isinstance(found, datetime) and found.tzinfo else None


def _within(item: Any, window: Window) -> bool:
    created = _time(item, "created_time")
    return created is None or created in window


def _is_post(record: Mapping[str, Any]) -> bool:
    """A post or comment, for accounts, photos, albums, videos and messages come from the same API. Private messages look like
    comments but for their ids, which are no numbers."""
    native_id = str(record.get("id") or "")
    if native_id and not re.fullmatch(r"[\d_]+", native_id):
        return False
    if "unreadable" in record or "message" in record:
        return True
    marks = ("story", "comment_count", "like_count", "status_type")
    return "created_time" in record and (
        "_" in native_id or any(m in record for m in marks) or "comment_id=" in str(record.get("permalink_url"))
    )


def _mention(record: Mapping[str, Any], above: str | None, meta: Mapping[str, Any]) -> dict[str, Any]:
    native_id, parent = _place(record, above)
    if record.get("is_hidden") is True:
        return {"native_id": native_id, "gone": ("brand", "is_hidden: hidden by the Page or its word filter")}
    if record.get("is_published") is False:
        return {"native_id": native_id, "gone": ("brand", "is_published is false: withdrawn by the Page")}
    author = mapping(record.get("from"))
    why = _WHY.get(meta.get("list", "")) if author.get("id") != meta.get("page") else None
    return told({
        "native_id": native_id,
        "published_at": time_or_raw(record.get("created_time")),
        # A photo or sticker without words; what is no text stays as it is, and is refused.
        "text": next((record[n] for n in ("message", "story") if record.get(n) is not None), ""),
        "url": record.get("permalink_url"),
        "author": author.get("id") or author.get("name"),
        "likes": record.get("like_count", _total(record, "reactions", "likes")),
        "comments": record.get("comment_count", _total(record, "comments")),
        "shares": mapping(record.get("shares")).get("count"),
        "repost_of": record.get("parent_id"),
        "parent": parent,
        "addressed": why,
        "unreadable": record.get("unreadable"),
    })  # fmt: skip


def _place(record: Mapping[str, Any], above: str | None) -> tuple[Any, str | None]:
    """Id, and what it answers. Of comments without an id or parent, their address tells both."""
    native_id, parent = record.get("id"), mapping(record.get("parent")).get("id")
    if found := _ADDRESS.search(str(record.get("permalink_url"))):
        page, post, comment, reply = found.groups()
        native_id = native_id or f"{post}_{reply or comment}"
        return native_id, parent or (f"{post}_{comment}" if reply else above or f"{page}_{post}")
    return native_id, parent or above


def _total(record: Mapping[str, Any], *names: str) -> Any:
    """A count in a list's summary; the first of the lists that has one."""
    found = (mapping(mapping(record.get(n)).get("summary")).get("total_count") for n in names)
    return next((n for n in found if n is not None), None)
