"""Bluesky: full-text search, who tags or answers the brand, threads under its own posts, and follower counts.

Plan, approval, price: free, an account and an app password (Settings > Privacy and security > App passwords) in the fields
login (handle) and password of the Airflow connection `bluesky`. Since January 2025 search needs an account, by way of its own
server (base_url); everything else is asked of the public server (public_url) without one. Take an account that blocks nobody:
what it blocks is hidden from its searches. The operators ask that search be used for people's questions and that whoever
needs everything reads the network's event stream; a brand's terms every few minutes are a person's measure.

An account may open 30 sessions in 5 minutes and 300 a day: a run opens one for all its markets and forgets it at its end
(`poll`, `urgent`: 288 a day at most).
Search: one phrase a question, newest first, no stemming, so all forms are asked for; `lang` and exclusion are left to the
matching here, because many apps write a wrong language. At most 10,000 posts a question and window.

Time: published_at is createdAt, which authors can forge: where it lies more than a day before, or 5 minutes after, the moment
when the network first saw the post (indexedAt), that one is taken. Search sorts by the smaller of the two, so a post that was
dated back appears in a window that is asked for no more, and is not found.
Ids are at-URIs; authors are DIDs (handles change). A quote is a post of its own: no parent, and no repost, since it has words
of its own; what it quotes is read too. Reposts are read from the own accounts' feeds; of others only their number is told.
What getPosts leaves out is gone: the network says whether the account is deactivated or suspended, else not by whom.
lang is given where a post declares exactly one. Edits are seen as another text, without a time.

https://docs.bsky.app/docs/api/app-bsky-feed-search-posts · https://docs.bsky.app/docs/api/app-bsky-feed-get-posts
https://docs.bsky.app/docs/api/app-bsky-feed-get-author-feed · https://docs.bsky.app/docs/api/app-bsky-feed-get-post-thread
https://docs.bsky.app/docs/api/app-bsky-actor-get-profiles · https://docs.bsky.app/docs/advanced-guides/rate-limits
https://docs.bsky.app/docs/advanced-guides/api-directory · https://github.com/bluesky-social/atproto/issues/3423
Limits of search: https://github.com/bluesky-social/indigo/tree/main/search
Recorded shapes: threads, records, and all others from the reference server on loopback (tests/real).

Engagement: likes = likeCount, comments = replyCount, shares = repostCount + quoteCount.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from coolhead.errors import CoolheadError, PermanentError
from coolhead.http import Client
from coolhead.sources import About, Fetched, Gone, Query, Rate, Source, SourceSettings, each
from coolhead.sources import _bluesky as shape
from coolhead.sources._api import Address, mapping
from coolhead.sources._bluesky_api import BATCH, Api, NotThere
from coolhead.sources._newest_first import Page, moment, newest_first
from coolhead.windows import Window

LIMIT = 100
"""Posts a page: the API's maximum."""
MAX_PAGES = 100
"""Pages of one question: search goes no further than 10,000 posts."""
DEPTH = 100
"""Levels of replies that are asked for; the network allows 1,000, and shows few below ten."""


class Settings(SourceSettings):
    """`sources: {bluesky: {}}`; with own_accounts: {bluesky: [zefirella.bsky.social]} (handles or DIDs)."""

    base_url: Address = "https://bsky.social"
    """The server that holds the account in the connection."""
    public_url: Address = "https://public.api.bsky.app"
    """A server that answers without an account."""
    thread_days: Annotated[int, Field(ge=0, le=30)] = 3
    """How long after an own post its replies are still read; 0: none but those that search finds."""


class Bluesky(Source):
    """Searches, threads under own posts, followers."""

    Settings = Settings
    about = About(
        network="Bluesky",
        reads="posts that hold the terms; tags of, answers to and quotes of own accounts; followers",
        demands="an account's app password; free",
        history="all posts, 10,000 a question",
        limits="300 sessions a day and account, 3,000 requests in 5 minutes; no list of reposts",
    )
    fields = {"login": "handle of an account that blocks nobody", "password": "app password of that account"}
    poll = timedelta(minutes=10)
    urgent = timedelta(minutes=5)
    lag = timedelta(minutes=5)
    revisit = timedelta(minutes=30)
    rate = Rate(3_000, timedelta(minutes=5))
    searches = True
    counts_followers = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        api, errors = Api(query, client), list[CoolheadError]()
        own = [*_found(api, _accounts(query), errors)]
        meta = {"own": [*dict.fromkeys(name for account in own for name in account)]}
        days = query.settings.thread_days
        threads = (_threads(api, did, window, meta, days) for _, did in (own if days else ()))
        yield from each([each(_searches(api, query, window, meta, own)), *threads], errors)
        if api.errors:
            raise api.errors[0]

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        yield from shape.rows(shape.read(content, "payload"), meta)

    def followers(self, query: Query, client: Client) -> Iterator[tuple[str, datetime | None, int]]:
        api = Api(query, client)
        for account in query.own_accounts:
            try:
                yield account, None, int(api.profile(account.lstrip("@"))["followersCount"])
            except PermanentError as error:
                raise PermanentError(f"own account {account!r}: {error}") from None
            except (ValueError, TypeError, KeyError):
                raise PermanentError(f"own account {account!r}: the answer is no profile") from None

    def recheck(self, query: Query, native_ids: Sequence[str], client: Client) -> Iterator[Fetched | Gone]:
        """Posts only: the network cannot be asked for a repost by its id."""
        api, meta = Api(query, client), {"own": [*_accounts(query)]}
        asked = [i for i in native_ids if shape.did_of(i)]
        for at in range(0, len(asked), BATCH):
            batch = asked[at : at + BATCH]
            answer, origin = api.public("app.bsky.feed.getPosts", uris=batch)
            posts, _ = shape.entries(answer, "posts", origin)
            if posts:
                yield Fetched(answer, origin, meta=meta)
            there = {post.get("uri") for post in posts}
            yield from (Gone(uri, *api.state(str(shape.did_of(uri)))) for uri in batch if uri not in there)

    def canary(self, query: Query, client: Client) -> bool | None:
        """A search for a word of which there is always one."""
        api = Api(query, client)
        api.open()
        answer, origin = api.search(q="the", sort="latest", limit=1)
        return bool(shape.entries(answer, "posts", origin)[0])


def _accounts(query: Query) -> list[str]:
    return [*dict.fromkeys(account.lstrip("@") for account in query.own_accounts)]


def _found(api: Api, accounts: Sequence[str], errors: list[CoolheadError]) -> Iterator[tuple[str, str]]:
    """Handle and DID of own accounts; as the plan names one, where it cannot be looked up."""
    for account in accounts:
        try:
            profile = api.profile(account)
            yield str(profile.get("handle") or account), str(profile.get("did") or account)
        except CoolheadError as error:
            errors.append(error)
            yield account, account


def _bare(phrase: str) -> str:
    """Without what would end the quotation marks that it is put into."""
    return " ".join(phrase.replace('"', " ").split())


def _searches(
    api: Api, query: Query, window: Window, meta: Mapping[str, Any], own: Sequence[tuple[str, str]]
) -> Iterator[Iterator[Fetched]]:
    """For the terms, and for what tags own accounts (handle, DID)."""
    api.open()
    for phrase in dict.fromkeys(query.forms or query.terms):
        yield _search(api, window, meta, q=f'"{_bare(phrase)}"')
    for handle, did in own:
        yield _search(api, window, {**meta, "addressed": "mentions our account"}, q=f"@{handle}", mentions=did)


def _search(api: Api, window: Window, meta: Mapping[str, Any], **asked: Any) -> Iterator[Fetched]:
    """All pages of one question. A page may be short, or empty, because the server left out what it hides."""
    asked |= {"sort": "latest", "limit": LIMIT, "since": _iso(window.start), "until": _iso(window.end)}
    cursor: str | None = None
    for number in range(1, MAX_PAGES + 1):
        answer, origin = api.search(**asked, **({"cursor": cursor} if cursor else {}))
        posts, after = shape.entries(answer, "posts", origin)
        if posts:
            yield api.fetched(answer, f"{origin} {asked['q']} page {number}", meta)
        if after is None and number < MAX_PAGES:
            return
        if after is not None and after == cursor:
            raise PermanentError(f"{origin}: the next page is the same page again; nothing was asked any further")
        cursor = after
    raise PermanentError(
        f"{asked['q']}: more than search shows ({MAX_PAGES * LIMIT} posts) in {window}; collect it again in shorter windows (start, end)"
    )


def _threads(api: Api, did: str, window: Window, meta: Mapping[str, Any], days: int) -> Iterator[Fetched]:
    """The feed of an own account, and each thread that it began, or entered elsewhere, with an answer below."""
    since = Window(min(window.start, window.end - timedelta(days=days)), window.end)
    for page in newest_first(f"posts of {did}", since, lambda after: _feed_page(api, did, after)):
        yield api.fetched(page.content, page.origin, meta)
        for post in (entry["post"] for entry in page.items if isinstance(entry.get("post"), dict)):
            recent = (at := moment(post.get("indexedAt"))) is not None and at >= since.start
            if recent and post.get("replyCount") and _is_own_root(post, did):
                try:
                    answer, origin = api.public("app.bsky.feed.getPostThread", uri=post["uri"], depth=DEPTH, parentHeight=0)
                except NotThere:
                    continue  # deleted since the feed was read
                shape.read(answer, origin)
                yield api.fetched(answer, origin, {**meta, "addressed": "in a thread under our post"})


def _is_own_root(post: Mapping[str, Any], did: str) -> bool:
    """By this account, and not within a thread of its own, which is read from its beginning."""
    reply = mapping(mapping(post.get("record")).get("reply"))
    begun_by = shape.did_of(str(mapping(reply.get("root")).get("uri")))
    return shape.did_of(str(post.get("uri"))) == did != begun_by


def _feed_page(api: Api, did: str, after: str | None) -> Page:
    more = {"cursor": after} if after else {}
    answer, origin = api.public("app.bsky.feed.getAuthorFeed", actor=did, filter="posts_with_replies", limit=LIMIT, **more)
    entries, cursor = shape.entries(answer, "feed", origin)
    last = entries[-1] if entries else {}
    # Sorted by when it entered this feed: a repost by when it was reposted.
    by = mapping(last.get("reason") or last.get("post"))
    return Page(answer, origin, entries, moment(by.get("indexedAt")), cursor)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
