"""Hacker News: stories, polls, jobs and comments that name the brand, by its full-text search.

Plan, approval, price: none; no account. Both services are free and read without a key.

Search: https://hn.algolia.com/api (`search_by_date`, newest first, whole seconds). One question answers with 1,000 hits at
most, so a fuller stretch is asked again up to its oldest hit. Each term is a phrase in quotes: so Algolia looks for these
very words, without its typo tolerance and prefixes. All that people write there is English, where names have no cases, so
the terms are asked for as the plan writes them and not in all their forms. Limit: 10,000 requests an hour and address.
Whether a post is still there tells https://github.com/HackerNews/API, one request each: `deleted` is done by the author
(within two hours, or by the moderators at the author's wish), `dead` by moderators, flags or software. Algolia's
https://hn.algolia.com/api/v1/items/:id and that API's items are read as well.

A comment is found by its own words only: one that names nobody below a story on the brand is not. Points of comments and
audiences of authors are not shown; neither is when a post was edited, though its text is.

Engagement: likes = points (stories and polls), comments = num_comments; shares are unknown.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from coolhead.errors import PermanentError
from coolhead.http import Client, shown
from coolhead.sources import About, Fetched, Gone, Query, Rate, Source, SourceSettings, each
from coolhead.sources._api import Address, listed, loaded, mapping, told
from coolhead.sources._html import at_second, plain, time_or_raw
from coolhead.windows import Window

LIMIT = 1_000
"""Hits of one answer: Algolia's maximum, over all pages."""
KINDS = "(story,comment,poll,job)"
_WORDS = ("title", "story_text", "comment_text", "text")
_TYPES = {"story", "comment", "job", "poll", "pollopt"}
_NO_POSTS = ({"karma"}, {"items", "profiles"})
"""What bodies without posts hold: accounts, and the numbers of what changed."""


class Settings(SourceSettings):
    """`sources: {hacker_news: {}}`"""

    base_url: Address = "https://hn.algolia.com"
    items_url: Address = "https://hacker-news.firebaseio.com"
    """Where is asked whether a post is still there."""


class HackerNews(Source):
    """Full-text search by date."""

    Settings = Settings
    about = About(
        network="Hacker News",
        reads="stories, polls, jobs and comments that name the brand",
        demands="nothing",
        history="all, since 2006",
        limits="no audience of authors, no points of comments; 10,000 requests an hour",
    )
    poll = timedelta(minutes=5)
    lag = timedelta(minutes=5)
    revisit = timedelta(hours=2)  # as long as a comment may be edited
    rate = Rate(10_000, timedelta(hours=1))
    searches = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        terms = dict.fromkeys(" ".join(t.replace('"', " ").split()) for t in query.terms)
        yield from each(_search(query.settings.base_url, term, window, client) for term in terms)

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for post in _posts(loaded(content, "payload")):
            yield _row(post) if isinstance(post, dict) else {"unreadable": post}

    def recheck(self, query: Query, native_ids: Sequence[str], client: Client) -> Iterator[Fetched | Gone]:
        for native_id in filter(str.isdecimal, native_ids):
            url = f"{query.settings.items_url}/v0/item/{native_id}.json"
            answer = client.get(url)
            item = loaded(answer.content, shown(url))
            if isinstance(item, dict) and (by := _gone(item)):
                yield Gone(native_id, *by)
            elif isinstance(item, dict):
                yield Fetched(answer.content, shown(url))
            elif item is None and _unknown_to_algolia(query.settings.base_url, native_id, client):
                yield Gone(native_id, "unknown", "neither service knows the item")

    def canary(self, query: Query, client: Client) -> bool:
        """Somebody posts every minute."""
        since = datetime.now(UTC) - timedelta(hours=6)
        asked = {"tags": KINDS, "numericFilters": f"created_at_i>={int(since.timestamp())}", "hitsPerPage": 1}
        url = f"{query.settings.base_url}/api/v1/search_by_date"
        return bool(_hits(client.get(url, asked).content, shown(url))[0])


def _search(base_url: str, term: str, window: Window, client: Client) -> Iterator[Fetched]:
    """From the window's end down to its start."""
    url = f"{base_url}/api/v1/search_by_date"
    low, high = int(window.start.timestamp()), -int(-window.end.timestamp() // 1)
    while low < high:
        answer = client.get(url, {
            "query": f'"{term}"', "tags": KINDS, "hitsPerPage": LIMIT, "numericFilters": f"created_at_i>={low},created_at_i<{high}",
        })  # fmt: skip
        hits, more = _hits(answer.content, shown(url))
        if hits:
            yield Fetched(answer.content, f"{shown(url)} {term!r} before {high}", stream=term)
        if not more:
            return
        # Its second once more: the answer may end in the middle of it.
        oldest = min(int(h["created_at_i"]) for h in hits) + 1
        if oldest >= high:
            raise PermanentError(f"{shown(url)} {term!r}: {LIMIT} posts in one second; is it Algolia's search of Hacker News?")
        high = oldest


class _Absent(PermanentError):
    """There is no such item: an answer, and no mistake."""


def _unknown_to_algolia(base_url: str, native_id: str, client: Client) -> bool:
    """Of an item that its servers do not have at the moment, the other API says null: one answer is no proof."""
    try:
        client.get(f"{base_url}/api/v1/items/{native_id}", explain=lambda s, _: _Absent("no such item") if s == 404 else None)
    except _Absent:
        return True
    return False


def _hits(content: bytes, where: str) -> tuple[list[dict[str, Any]], bool]:
    """Those of an answer, and whether there are more. What is no answer is refused here, before it is landed."""
    found = mapping(loaded(content, where))
    hits = found.get("hits")
    if not isinstance(hits, list) or not all(isinstance(h, dict) and isinstance(h.get("created_at_i"), int) for h in hits):
        raise PermanentError(f"{where}: no list of hits with their times; is it Algolia's search of Hacker News?")
    page, total = (n if isinstance(n := found.get(name), int) else LIMIT for name in ("hitsPerPage", "nbHits"))
    return hits, 0 < page <= len(hits) < total


def _posts(found: Any) -> Iterator[Any]:
    """Of a search, a thread with all its children, or an item."""
    if isinstance(found, dict) and isinstance(found.get("hits"), list):
        yield from found["hits"]
    elif isinstance(found, dict) and isinstance(found.get("id"), int) and (found.get("type") in _TYPES or "deleted" in found):
        open_ = [found]
        while open_:
            post = open_.pop()
            yield post
            if isinstance(post, dict):
                open_ += reversed(listed(post.get("children")))
    elif not _without_posts(found):
        raise PermanentError("payload: neither a search of Hacker News nor an item (truncated, or an error page)")


def _without_posts(found: Any) -> bool:
    numbers = found if isinstance(found, list) else [found]
    if isinstance(found, dict):
        return any(keys <= found.keys() for keys in _NO_POSTS)
    return all(isinstance(n, int) and not isinstance(n, bool) for n in numbers)


def _row(post: dict[str, Any]) -> dict[str, Any]:
    """A hit of the search, a child of a thread, or an item of the other API: they name the same things differently."""
    native_id = post.get("objectID", post.get("id"))
    shown_id = str(native_id) if isinstance(native_id, (str, int)) else native_id
    if by := _gone(post):
        return {"native_id": shown_id, "gone": by}
    parent = post.get("parent_id", post.get("parent"))
    return told({
        "native_id": shown_id,
        "published_at": _published(post),
        "text": _text(post),
        "url": f"https://news.ycombinator.com/item?id={shown_id}" if shown_id else None,
        "author": post.get("author", post.get("by")),
        "likes": post.get("points", post.get("score")),
        "comments": post.get("num_comments", post.get("descendants")),
        "parent": str(parent) if isinstance(parent, int) else parent,
    })  # fmt: skip


def _gone(item: Mapping[str, Any]) -> tuple[Any, str] | None:
    if item.get("deleted") is True:
        return "author", "the item says: deleted"
    if item.get("dead") is True:
        return "network", "the item says: dead"
    # In a thread, what was deleted stands as an empty place above its answers.
    emptied = "author" in item and not any(item.get(name) for name in ("author", *_WORDS))
    return ("unknown", "neither author nor words are left") if emptied else None


def _published(post: Mapping[str, Any]) -> Any:
    seconds = post.get("created_at_i", post.get("time"))
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return time_or_raw(post.get("created_at", seconds))
    return at_second(seconds)


def _text(post: Mapping[str, Any]) -> Any:
    """Title, and below it what was written; null where there is neither."""
    parts = [post.get(name) for name in _WORDS]
    if odd := next((p for p in parts if not isinstance(p, (str, type(None)))), None):
        return odd
    if all(p is None for p in parts):
        return None
    title, *bodies = parts
    return "\n\n".join(filter(None, (plain(title or ""), *(plain(b) for b in bodies if b))))
