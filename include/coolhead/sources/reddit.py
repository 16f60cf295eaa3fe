"""Reddit: posts that name the brand, everything in listed subreddits and in the brand's own, answers under its own posts.

Plan, approval, price: an application of type "script" or "web app" (https://www.reddit.com/prefs/apps) with its id and secret
in the fields login and password of the Airflow connection `reddit`, and the name of the account that registered it in extra:
{"username": "..."}. Reddit approves each use beforehand (Responsible Builder Policy); use for a business needs a contract and
costs $0.24 per 1,000 calls, without one 100 calls a minute are free for other purposes. Signing in is by client_credentials;
the token is forgotten after each poll. Reddit blocks clients whose User-Agent does not say who they are, so it names that account.

What is read: posts by search, over all of Reddit or, if `subreddits` are listed, in these and all their newest comments. The
public API has no search for comments: a comment elsewhere, under a post that the search did not find, is not seen. Of
own_accounts, `r/name` is a subreddit that the brand moderates: all its posts and comments are read, and addressed to the
brand; other names are accounts: their posts, and the comments under those of the last days (ten levels deep).
Search: words are stemmed and matched by Reddit's own rules and again here, so none_of is left to that. A listing ends after
some 1,000 things, a search after some 250 (measured by others in 2018, promised nowhere), and neither can be asked for a time:
where one ends before the window begins, that is an error, because what lies behind the end cannot be reached any more.
Quarantined, private and banned subreddits answer 403 or 404 and are named; adult ones are included.

Who removed a post: removed_by_category, else "[deleted]" (its author) or "[removed]" (moderators: the brand in its own
subreddit; else the network). What /api/info leaves out is gone, by whom it does not say. Accounts that were deleted have no
author; a crosspost is a repost of its original. Reddit adds noise to scores, and shows none in a post's first minutes.

https://www.reddit.com/dev/api/#GET_search · https://www.reddit.com/dev/api/#GET_comments · https://www.reddit.com/dev/api/#GET_api_info
https://github.com/reddit-archive/reddit/wiki/OAuth2 · https://github.com/reddit-archive/reddit/wiki/API · https://github.com/reddit-archive/reddit/wiki/JSON
https://support.reddithelp.com/hc/en-us/articles/16160319875092-Reddit-Data-API-Wiki · https://redditinc.com/policies/data-api-terms
https://support.reddithelp.com/hc/en-us/articles/42728983564564-Responsible-Builder-Policy
Recorded shapes: listings of posts, comments and subreddits (2016). Fields that came later are from the reference of PRAW.

Engagement: likes = score (up minus down votes, 0 where more are down), comments = num_comments of a post, shares = num_crossposts.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from coolhead.errors import PermanentError
from coolhead.http import Client
from coolhead.sources import About, Fetched, Gone, Query, Rate, Source, SourceSettings, each
from coolhead.sources import _reddit as shape
from coolhead.sources._api import Address, mapping
from coolhead.sources._newest_first import Page, newest_first
from coolhead.sources._reddit_api import Api
from coolhead.windows import Window

LIMIT = 100
"""Things a page, and ids looked up at once: the API's maximum."""
MAX_QUERY = 512
"""Characters of a search: the API's maximum."""
ENDS = {"search": 230, "listing": 950}
"""A list of this many things or more may have been cut by Reddit: 250 and 1,000, less what it leaves out as removed."""
COMMENTS = 500
"""Comments of one thread at once, the newest: the API's maximum."""
MAX_CALLS = 20
"""Calls for the other comments of one thread that are new."""

Subreddit = Annotated[str, Field(pattern=r"^(r/)?\w{2,21}$"), AfterValidator(lambda name: name.removeprefix("r/"))]


class Settings(SourceSettings):
    """`sources: {reddit: {subreddits: [gelato]}}`; with own_accounts: {reddit: [zefirella_official, r/zefirella]}."""

    base_url: Address = "https://oauth.reddit.com"
    sign_in_url: Address = "https://www.reddit.com"
    subreddits: tuple[Subreddit, ...] = ()
    """Where to search, and to read all comments; none: search all of Reddit, without comments."""
    thread_days: Annotated[int, Field(ge=0, le=30)] = 3
    """How long after an own post its comments are still read."""


class Reddit(Source):
    """Searches, comments of listed subreddits, own subreddits and posts, subscribers."""

    Settings = Settings
    about = About(
        network="Reddit",
        reads="posts that hold the terms; all comments of listed subreddits; own subreddits, answers under own posts",
        demands="approved application; commercial use by contract, $0.24 per 1,000 calls",
        history="some 250 posts a search, 1,000 things a subreddit",
        limits="100 calls a minute; no search for comments; nothing quarantined or private",
    )
    fields = {
        "login": "id of the application (under its name on reddit.com/prefs/apps)",
        "password": "secret of the application",
        "username": "account that registered the application (in extra); Reddit wants it in the User-Agent",
    }
    poll = timedelta(minutes=10)
    urgent = timedelta(minutes=3)
    lag = timedelta(minutes=10)
    revisit = timedelta(minutes=30)
    rate = Rate(100, timedelta(minutes=1))
    searches = True
    counts_followers = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        api = Api(query, client)
        api.open()
        yield from each(_streams(api, query, window))

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        yield from shape.rows(shape.read(content, "payload"), meta)

    def followers(self, query: Query, client: Client) -> Iterator[tuple[str, datetime | None, int]]:
        """Subscribers of a subreddit, or of an account's own page, which is one too."""
        api = Api(query, client)
        api.open()
        for account in query.own_accounts:
            name, is_place = _named(account)
            answer, origin = api.get(f"/r/{name}/about" if is_place else f"/user/{name}/about")
            data = mapping(mapping(shape.read(answer, origin)).get("data"))
            count = mapping(data if is_place else data.get("subreddit")).get("subscribers")
            if not isinstance(count, int):
                raise PermanentError(f"own account {account!r}: Reddit tells no subscribers; write a subreddit as r/name")
            yield account, None, count

    def recheck(self, query: Query, native_ids: Sequence[str], client: Client) -> Iterator[Fetched | Gone]:
        """What was removed is mostly still listed, and says so itself; `mentions` reads that."""
        api, meta = Api(query, client), _meta(query)
        api.open()
        asked = [i for i in native_ids if i.startswith(("t1_", "t3_"))]
        for at in range(0, len(asked), LIMIT):
            batch = asked[at : at + LIMIT]
            answer, origin = api.get("/api/info", id=",".join(batch))
            things, _ = shape.listing(answer, origin)
            if things:
                yield Fetched(answer, origin, meta=meta)
            there = {row["native_id"] for row in shape.rows(things, meta) if "native_id" in row}
            yield from (Gone(i, "unknown", "api/info leaves it out") for i in batch if i not in there)

    def canary(self, query: Query, client: Client) -> bool | None:
        """The newest post of all of Reddit."""
        api = Api(query, client)
        api.open()
        answer, origin = api.get("/r/all/new", limit=1)
        return bool(shape.listing(answer, origin)[0])


def _named(account: str) -> tuple[str, bool]:
    """Name, and whether it is a subreddit."""
    bare = account.removeprefix("/").removeprefix("@")
    return bare.removeprefix("r/").removeprefix("u/"), bare.startswith("r/")


def _meta(query: Query) -> dict[str, Any]:
    """What is the brand's own: accounts and subreddits, case folded."""
    named = [_named(account) for account in query.own_accounts]
    return {
        "own": sorted({name.casefold() for name, is_place in named if not is_place}),
        "subreddits": sorted({name.casefold() for name, is_place in named if is_place}),
    }


def _searches(query: Query) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and parameters of each; own subreddits are read whole, and left out here."""
    without = "".join(f" NOT subreddit:{name}" for name in _meta(query)["subreddits"])
    fixed = {"sort": "new", "t": "all", "type": "link", "include_over_18": "on"}
    places = [f"/r/{name}/search" for name in dict.fromkeys(query.settings.subreddits)]
    for q in _queries([*dict.fromkeys(query.forms or query.terms)], MAX_QUERY - len(without) - 2):
        for path in places or ["/search"]:
            narrowed = {"restrict_sr": "on"} if places else {}
            yield path, {"q": f"({q}){without}", **fixed, **narrowed}


def _queries(phrases: Sequence[str], room: int) -> Iterator[str]:
    """Phrases joined by OR, in as few queries as they fit into; each in quotation marks, so that nothing in it is syntax."""
    joined = ""
    for phrase in phrases:
        quoted = '"' + " ".join(phrase.replace('"', " ").split()) + '"'
        if joined and len(joined) + 4 + len(quoted) > room:
            yield joined
            joined = ""
        joined = f"{joined} OR {quoted}" if joined else quoted
    if joined:
        yield joined


def _streams(api: Api, query: Query, window: Window) -> Iterator[Iterator[Fetched]]:
    meta, days = _meta(query), query.settings.thread_days
    for path, params in _searches(query):
        yield _list(api, "search", window, meta, path, **params)
    elsewhere = dict.fromkeys(s for s in query.settings.subreddits if s.casefold() not in meta["subreddits"])
    listings = [*(f"/r/{name}/comments" for name in elsewhere)]
    listings += [f"/r/{name}/{kind}" for name in meta["subreddits"] for kind in ("new", "comments")]
    for path in listings:
        yield _list(api, "listing", window, meta, path)
    for account in meta["own"] if days else ():
        yield _own_posts(api, window, meta, account, days)


def _list(api: Api, kind: str, window: Window, meta: Mapping[str, Any], path: str, **params: Any) -> Iterator[Fetched]:
    """Pages of one list from its newest thing down to the window's start."""
    for page in _pages(api, kind, window, path, **params):
        yield Fetched(page.content, page.origin, meta=dict(meta))


def _pages(api: Api, kind: str, window: Window, path: str, **params: Any) -> Iterator[Page]:
    seen = 0

    def ask(after: str | None) -> Page:
        nonlocal seen
        # `count` is how many were seen before: Reddit asks for it beside `after`.
        answer, origin = api.get(path, **params, limit=LIMIT, **({"after": after, "count": seen} if after else {}))
        things, more = shape.listing(answer, origin)
        seen += len(things)
        return Page(answer, origin, things, shape.created(things[-1]) if things else None, more)

    for page in newest_first(path, window, ask):
        yield page
        cut = page.after is None and seen >= ENDS[kind] and page.oldest is not None and page.oldest >= window.start
        if cut:
            raise PermanentError(
                f"{path}: Reddit shows the newest {seen} only, and they begin at {page.oldest}, after {window} does; what lies "
                "between cannot be asked for. Poll more often, or list subreddits"
            )


def _own_posts(api: Api, window: Window, meta: Mapping[str, Any], account: str, days: int) -> Iterator[Fetched]:
    """What an own account posted, and the newest comments under it."""
    since = Window(min(window.start, window.end - timedelta(days=days)), window.end)
    for page in _pages(api, "listing", since, f"/user/{account}/submitted", sort="new"):
        yield Fetched(page.content, page.origin, meta=dict(meta))
        for thing in page.items:
            data, at = mapping(thing.get("data")), shape.created(thing)
            if data.get("num_comments") and at and at >= since.start:
                under = {**meta, "addressed": "in a thread under our post"}
                yield from _thread(api, str(data.get("id")), window, under)


def _thread(api: Api, post: str, window: Window, meta: Mapping[str, Any]) -> Iterator[Fetched]:
    """The newest comments under a post, and what is new among those that the answer only names."""
    answer, origin = api.get(f"/comments/{post}", sort="new", limit=COMMENTS)
    found = shape.read(answer, origin)
    yield Fetched(answer, origin, meta=dict(meta))
    wanted = shape.not_sent(found, window.start)
    for _ in range(MAX_CALLS):
        if not wanted:
            return
        batch, wanted = wanted[:LIMIT], wanted[LIMIT:]
        asked = {"link_id": f"t3_{post}", "children": ",".join(batch), "api_type": "json", "sort": "new"}
        answer, origin = api.get("/api/morechildren", **asked)
        more = shape.not_sent(shape.read(answer, origin), window.start)
        yield Fetched(answer, origin, meta=dict(meta))
        wanted += [c for c in more if c not in batch and c not in wanted]
    raise PermanentError(f"{origin}: more than {COMMENTS + MAX_CALLS * LIMIT} new comments under {post}; poll more often")
