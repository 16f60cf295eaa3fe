"""Mastodon: public hashtag timelines of one server, its full-text search, and the followers of the brand's own accounts.

Plan, approval, price: none. Hashtags and followers need no account where the server shows its timelines publicly (the
default; since 4.5 an administrator can close them, then it answers 401). Search needs a free account on the server and its
token (Preferences > Development > New application, scope read:search) in the field password of the Airflow connection
`mastodon`; it is sent with searches only. Rate limit: 300 requests in 5 minutes and address (or account).
Only servers of Mastodon itself: others (Pleroma, GoToSocial) answer the same calls with ids that are no times.

What search gives, and what not: posts of authors who opted in (`indexable`), as far as they reached this server; no boosts.
It needs Mastodon 4.2 or later with Elasticsearch. A server without, and one whose index is down, answers 200 with an empty
list: that looks like silence, and nothing in the answer tells the two apart. So search adds to hashtags and does not
replace them. Only the public index is asked (`in:public`): the other holds the account's own private correspondence.
Order: newest first by id. Paging: offset, within a fixed min_id and max_id. The server turns both ids into whole seconds
(`after:` and `before:`), so paging by max_id would lose posts of the second in which a page ends; a post that is deleted
between two pages can make offset skip one, and the next poll asks again for the last 15 minutes only.

https://docs.joinmastodon.org/methods/timelines/#tag · https://docs.joinmastodon.org/methods/accounts/#lookup
https://docs.joinmastodon.org/methods/search/#v2 · https://docs.joinmastodon.org/admin/elasticsearch/
Search: https://github.com/mastodon/mastodon/blob/main/app/services/statuses_search_service.rb
https://docs.joinmastodon.org/entities/Status/ · https://docs.joinmastodon.org/api/rate-limits/
Ids: https://github.com/mastodon/mastodon/blob/main/lib/mastodon/snowflake.rb (milliseconds << 16 | sequence; of a post
that another server delivered late, the id holds its `created_at` with a random part of the second).

Engagement: likes = favourites_count, comments = replies_count, shares = reblogs_count.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from coolhead.errors import ConfigError, CoolheadError, PermanentError
from coolhead.http import Client, Response, shown
from coolhead.sources import About, Fetched, Gone, Query, Rate, Source, SourceSettings, each
from coolhead.sources import _mastodon as shape
from coolhead.sources._api import Address, check_owner, decoded, mapping
from coolhead.windows import Window

LIMIT = 40
"""Statuses a page: the API's maximum."""
MAX_PAGES = 100
"""Pages of one hashtag or search in one window; with more, the window must be cut."""
OVERLAP = timedelta(minutes=15)
"""Asked again before the window's start: posts of other servers come late, with ids of when they were written."""
CATCH_UP = timedelta(days=1)
"""How far behind the window a cursor may lie to be caught up with; longer gaps are collected by windows of their own."""
BATCH = 20
"""Statuses looked up at once: the API's maximum (since 4.3)."""
SECOND = 1_000 << 16
"""A second, in ids."""


class Settings(SourceSettings):
    """`sources: {mastodon: {base_url: https://mastodon.social, hashtags: [zefirella], search: [zefirella]}}`"""

    base_url: Annotated[Address, Field(pattern=r"^https?://[^/]+$")]
    """Of the server, and not of a page on it."""
    hashtags: Annotated[tuple[Annotated[str, Field(pattern=r"^#?\w+$")], ...], Field(min_length=1)]
    # A query that the server cannot read is answered with an empty list, so nothing that is syntax to it may stand here.
    search: tuple[Annotated[str, Field(pattern=r"^\w[^\":“”„«»「」『』《》]*$", max_length=100)], ...] = ()
    """What to search for, each by itself; several words are one phrase."""


class Mastodon(Source):
    """Hashtag timelines, searches and follower counts."""

    Settings = Settings
    about = About(
        network="Mastodon",
        reads="public posts under hashtags; with a token, full-text search; followers of own accounts",
        demands="none; for search a free account's token",
        history="hashtags: all that the server has; search: posts of authors who opted in",
        limits="300 requests in 5 minutes; one server's view of the network",
    )
    fields = {"password": "access token of an account on the server, scope read:search (only for `search`)"}
    poll = timedelta(minutes=5)
    lag = timedelta(minutes=5)
    rate = Rate(300, timedelta(minutes=5))
    counts_followers = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        tags = dict.fromkeys(name.lstrip("#") for name in query.settings.hashtags)
        words = dict.fromkeys(" ".join(name.split()) for name in query.settings.search)
        yield from each([
            *(self._timeline(query.settings.base_url, tag, window, cursor.get(tag), client) for tag in tags),
            *(self._search(query, word, window, cursor.get(f"search:{word}"), client) for word in words),
        ])  # fmt: skip

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
                    _endless(f"#{tag}", window)
                    if page == MAX_PAGES
                    else f"{shown(url)}: ignores max_id; is it a Mastodon server?"
                )
            greatest, high = max(greatest, *ids), min(ids)
            yield Fetched(answer.content, f"{shown(url)} before {high}", stream=tag, position=str(greatest))

    def _search(self, query: Query, word: str, window: Window, cursor: str | None, client: Client) -> Iterator[Fetched]:
        """Pages from the window's end down to its start (or cursor, as for hashtags) less the overlap."""
        url, headers = f"{query.settings.base_url}/api/v2/search", {"Authorization": f"Bearer {_token(query)}"}
        greatest = int(cursor) if cursor else 0
        low = _since(window, greatest) - SECOND
        asked = {
            "type": "statuses", "q": f"{_phrase(word)} in:public", "resolve": "false", "limit": LIMIT,
            "min_id": low, "max_id": id_at(window.end + timedelta(seconds=1)),
        }  # fmt: skip
        for page in range(MAX_PAGES + 1):
            # Offset also when it is 0: with it, a token of no account is refused by 401; without, it is answered by silence.
            answer = client.get(url, {**asked, "offset": page * LIMIT}, headers)
            if not (ids := _ids(answer)):
                return
            if page == MAX_PAGES:
                raise PermanentError(_endless(f"search {word!r}", window))
            if any(status.get("visibility") in {"private", "direct"} for status in shape.page(answer.content, shown(url))):
                raise PermanentError(
                    f"{shown(url)}: found posts that are not public, and are not kept; search needs a server that knows in:public"
                )
            greatest = max(greatest, *ids)
            yield Fetched(
                answer.content, f"{shown(url)} {word!r} from {page * LIMIT}", stream=f"search:{word}", position=str(greatest)
            )
            if min(ids) < low:  # a server that passes over min_id
                return

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        yield from shape.rows(shape.read(content, "payload"))

    def recheck(self, query: Query, native_ids: Sequence[str], client: Client) -> Iterator[Fetched | Gone]:
        """What a batch leaves out is asked for by itself: older servers know no batches, and only a 404 says that it is gone."""
        url = f"{query.settings.base_url}/api/v1/statuses"
        for at in range(0, len(native_ids), BATCH):
            asked = native_ids[at : at + BATCH]
            found = self._batch(url, asked, client)
            if found:
                yield found
            given = {str(i) for i in _ids_of(found.content, url)} if found else set()
            for one in (i for i in asked if i not in given):
                try:
                    answer = client.get(f"{url}/{quote(one, safe='')}", explain=_missing)
                    yield Fetched(b"[" + answer.content + b"]", shown(answer.url))
                except _NotThere:
                    yield Gone(one, "unknown", "404: deleted by its author or the server, or no longer public")

    def canary(self, query: Query, client: Client) -> bool:
        """Does anybody publish anything on the server? Closed to the public, it raises, which proves neither."""
        return bool(_ids(client.get(f"{query.settings.base_url}/api/v1/timelines/public", {"limit": 1})))

    def _batch(self, url: str, native_ids: Sequence[str], client: Client) -> Fetched | None:
        try:
            answer = client.get(url, {"id[]": list(native_ids)}, explain=_missing)
        except _NotThere:
            return None
        return Fetched(answer.content, shown(url)) if _ids_of(answer.content, url) else None

    def followers(self, query: Query, client: Client) -> Iterator[tuple[str, datetime | None, int]]:
        for account in query.own_accounts:
            url = f"{query.settings.base_url}/api/v1/accounts/lookup"
            try:
                found = mapping(decoded(client.get(url, {"acct": account.lstrip("@")}).content))
                yield account, None, int(found["followers_count"])
            except PermanentError as error:
                raise PermanentError(f"own account {account!r}: {error}") from None
            except (ValueError, TypeError, KeyError):
                raise PermanentError(f"own account {account!r}: {shown(url)} did not answer with an account") from None


class _NotThere(PermanentError):
    """There is no such status, or no such call."""


def _missing(status: int, _: bytes) -> CoolheadError | None:
    return _NotThere(f"answered {status}") if status in {404, 410} else None


def id_at(moment: datetime) -> int:
    """Smallest id of a status of that moment."""
    return (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) << 16


def _since(window: Window, cursor: int) -> int:
    low = id_at(window.start - OVERLAP)
    return cursor if id_at(window.start - CATCH_UP) <= cursor < low else low


def _token(query: Query) -> str:
    """The account's token; never one that belongs to another server, where the connection says to which it belongs."""
    check_owner(query, query.settings.base_url)
    if token := str(query.credentials.get("password") or "").strip():
        return token
    raise ConfigError(
        "sources.mastodon.search needs an account's token (scope read:search): write it into the field password of the "
        "Airflow connection `mastodon`, or take `search` out of the plan"
    )


def _phrase(word: str) -> str:
    return f'"{word}"' if " " in word else word


def _endless(what: str, window: Window) -> str:
    return f"{what}: more than {MAX_PAGES} pages of {LIMIT} in {window}; collect it again in shorter windows (start, end)"


def _ids(answer: Response) -> list[int]:
    """Ids of a page. A page that is none is refused here, before it is landed."""
    return _ids_of(answer.content, answer.url)


def _ids_of(content: bytes, url: str) -> list[int]:
    try:
        return [int(status["id"]) for status in shape.page(content, shown(url))]
    except (TypeError, KeyError, ValueError):
        raise PermanentError(f"{shown(url)}: statuses without numeric ids; base_url must be a Mastodon server") from None
