"""X (Twitter): posts of the last seven days that name the brand, or name or answer its accounts, by recent search.

Plan, approval, price: a developer account at https://console.x.com and an app, whose Bearer token goes into the field
password of the Airflow connection `x`. Pay per use, prepaid credits, no subscription; as X's pages gave it on 2026-08-28:
$0.005 for a post read, $0.010 for a user (the author's followers are read with each post), each charged once a UTC day
however often it comes again; at most 2 million posts a month, beyond that an Enterprise contract. Set a spending limit in
the console. The older packages Basic and Pro can be used on, but are no longer sold.
https://docs.x.com/x-api/getting-started/pricing · https://docs.x.com/x-api/fundamentals/post-cap

What is asked: `/2/tweets/search/recent`, newest first, 100 a page. The terms in all their forms are joined by OR, without
what holds a term of `none_of`, and cut into as many queries as `query_length` demands (512 characters self-serve, 4,096
Enterprise). X folds accents and case, does not stem, and finds a word in hashtags too. A second query asks for what tags or
answers the own accounts: that is addressed to the brand. The timeline `/2/users/:id/mentions` holds the same posts, but ends
at the newest 800, so it is not used. Own posts are asked for with the terms. X guesses one language a post and leaves short
ones undecided, so none is asked for; `all_of` and context words are judged here, in all their forms. Both can be given to X
as `narrow` where a common word would cost too much: what it keeps back is never seen.
https://docs.x.com/x-api/posts/search/integrate/build-a-query · https://docs.x.com/x-api/fundamentals/rate-limits

Reposts are kept, with the whole text of what they repeat (their own is cut off). The repeated post itself is a mention too:
it says the same words. Posts that are only quoted or answered are not: they stand in the payload for their authors' names.
An edited post gets a new id each time; it is known here by its first, as `edit_history_tweet_ids` gives it.
https://docs.x.com/x-api/fundamentals/edit-posts · https://docs.x.com/x-api/fundamentals/data-dictionary
Removed: looked up by id, X says `Not Found Error` whoever removed it, and `Authorization Error` where the account is now
protected or suspended. A post withheld in some countries is still there.

Engagement: likes = like_count, comments = reply_count, shares = retweet_count + quote_count; of a repost X gives the
original's retweet_count, so its shares are unknown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from coolhead.errors import ConfigError, PermanentError
from coolhead.http import Client, shown
from coolhead.sources import About, Fetched, Gone, Query, Rate, Source, SourceSettings, each
from coolhead.sources import _x as shape
from coolhead.sources._api import Address, listed, loaded, mapping
from coolhead.windows import Window

PAGE = 100
"""Posts of a page, ids of a look-up: the API's maximum."""
MAX_PAGES = 300
"""Pages of one query in one window; with more, the window must be cut."""
UNTIL_NOW = timedelta(minutes=1)
"""X refuses an `end_time` of less than 10 seconds ago, by its own clock. A window that ends later than this is asked for
without: then X answers up to half a minute ago."""
FIELDS = {
    "tweet.fields": "author_id,created_at,edit_history_tweet_ids,in_reply_to_user_id,lang,note_tweet,public_metrics,referenced_tweets",
    "expansions": "author_id,referenced_tweets.id,referenced_tweets.id.author_id",
    "user.fields": "created_at,public_metrics,username",
}
_HANDLE = re.compile(r"@?(\w{1,15})")


class Settings(SourceSettings):
    """`sources: {x: {narrow: "(gelato OR lody)"}}`"""

    base_url: Address = "https://api.x.com"
    query_length: Annotated[int, Field(ge=128, le=4_096)] = 512
    """Characters that the account's plan allows a query."""
    narrow: Annotated[str, Field(max_length=300)] = ""
    """More conditions for what is found by terms, in X's own syntax; what they keep back is never seen."""


class X(Source):
    """Recent search, look-up by id, follower counts."""

    Settings = Settings
    about = About(
        network="X (Twitter)",
        reads="posts, replies and reposts that name the brand, or tag or answer its accounts",
        demands="developer account with prepaid credits: $0.005 a post and $0.010 an author read (August 2026)",
        history="7 days",
        limits="450 requests in 15 minutes, 2 million posts a month; not who removed a post; looking posts up again costs as well",
    )
    fields = {"password": "Bearer token of the app"}
    poll = timedelta(minutes=5)
    lag = timedelta(minutes=2)
    revisit = timedelta(hours=1)  # as long as a post may be edited
    reach = timedelta(days=7)
    rate = Rate(450, timedelta(minutes=15))
    searches = True
    counts_followers = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        handles = _handles(query)
        clauses = [shape.clause(form) for form in query.forms or query.terms] + [f"from:{h}" for h in handles]
        length = query.settings.query_length
        searches: list[tuple[str, dict[str, str]]] = [
            (q, {}) for q in shape.queries(clauses, query.none_of, query.settings.narrow, length)
        ]
        addressed = {"addressed": "tags or answers our account"}
        ours = [f"{sign}{h}" for h in handles for sign in ("@", "to:")]
        searches += [(q, addressed) for q in shape.queries(ours, (), "", length)]
        yield from each(self._search(query, search, meta, window, client) for search, meta in searches)

    def _search(self, query: Query, search: str, meta: Mapping[str, str], window: Window, client: Client) -> Iterator[Fetched]:
        """Pages from the window's end down to its start."""
        url, headers = f"{query.settings.base_url}/2/tweets/search/recent", _headers(query)
        asked = {"query": search, "max_results": PAGE, "start_time": shape.rfc3339(window.start), **FIELDS}
        if window.end < datetime.now(UTC) - UNTIL_NOW:
            asked["end_time"] = shape.rfc3339(window.end, up=True)
        for page in range(1, MAX_PAGES + 1):
            answer = client.get(url, asked, headers, explain=shape.explained)
            found, following = shape.page(answer.content, shown(url))
            if found:
                yield Fetched(answer.content, f"{shown(url)} page {page}", stream=search, meta=dict(meta))
            if not following:
                return
            asked["next_token"] = following
        raise PermanentError(
            f"{shown(url)}: more than {MAX_PAGES} pages of {PAGE} in {window}; collect it again in shorter windows (start, end)"
        )

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for row in shape.rows(loaded(content, "payload")):
            yield row | {"addressed": meta["addressed"]} if meta.get("addressed") else row

    def followers(self, query: Query, client: Client) -> Iterator[tuple[str, datetime | None, int]]:
        accounts = dict(zip(map(str.casefold, _handles(query)), query.own_accounts, strict=True))
        url, headers = f"{query.settings.base_url}/2/users/by", _headers(query)
        for start in range(0, len(accounts), PAGE):
            part = list(accounts)[start : start + PAGE]
            asked = {"usernames": ",".join(part), "user.fields": "public_metrics"}
            found = mapping(loaded(client.get(url, asked, headers, explain=shape.explained).content, shown(url)))
            users = {str(u.get("username")).casefold(): shape.followers(u) for u in map(mapping, listed(found.get("data")))}
            yield from ((accounts[h], None, count) for h in part if (count := users.get(h)) is not None)
            if missing := [accounts[h] for h in part if users.get(h) is None]:
                raise PermanentError(
                    f"own account {missing[0]!r}: X shows no such account; correct it in own_accounts, or take it out"
                )

    def recheck(self, query: Query, native_ids: Sequence[str], client: Client) -> Iterator[Fetched | Gone]:
        ids = [i for i in dict.fromkeys(native_ids) if re.fullmatch(r"\d{1,19}", i)]
        url, headers = f"{query.settings.base_url}/2/tweets", _headers(query)
        for start in range(0, len(ids), PAGE):
            asked = {"ids": ",".join(ids[start : start + PAGE]), **FIELDS}
            content = client.get(url, asked, headers, explain=shape.explained).content
            found = mapping(loaded(content, shown(url)))
            there = {row["native_id"] for row in shape.rows(found)}
            if found.get("data"):
                yield Fetched(content, shown(url))
            yield from (g for g in shape.gone(found) if g.native_id in ids and g.native_id not in there)

    def check(self, query: Query, client: Client) -> str:
        """Reads no post, as each costs: https://docs.x.com/x-api/usage/introduction"""
        url, asked = f"{query.settings.base_url}/2/usage/tweets", {"usage.fields": "cap_reset_day,project_cap,project_usage"}
        found = mapping(loaded(client.get(url, asked, _headers(query), explain=shape.explained).content, shown(url)))
        usage = mapping(found.get("data"))
        if "project_usage" not in usage:
            raise PermanentError(f"{shown(url)}: did not answer with the usage of an app; is base_url the API of X?")
        return f"answers; {usage['project_usage']} of {usage.get('project_cap', 'unlimited')} posts of this month read"

    def canary(self, query: Query, client: Client) -> bool:
        """Costs ten posts at most."""
        url = f"{query.settings.base_url}/2/tweets/search/recent"
        asked = {"query": "(news OR today) -is:retweet", "max_results": 10}
        answer = client.get(url, asked, _headers(query), explain=shape.explained)
        return shape.page(answer.content, shown(url))[0]


def _headers(query: Query) -> dict[str, str]:
    return {"Authorization": f"Bearer {query.secret('password', 'the Bearer token of the X app')}"}


def _handles(query: Query) -> list[str]:
    found = {account: _HANDLE.fullmatch(account.strip()) for account in query.own_accounts}
    if wrong := next((account for account, match in found.items() if not match), None):
        raise ConfigError(f"own_accounts.x: {wrong!r} is no handle of X; write up to 15 letters, digits and _, e.g. zefirella")
    return [match[1] for match in found.values() if match]
