"""Wykop (Poland): entries of its microblog, links and their comments, by API v3.

Plan, approval, price: none. An application is made with a Wykop account at https://dev.wykop.pl; its key goes into the field
login and its secret into the field password of the Airflow connection `wykop`. They are changed for a token at each poll.
Reference: https://doc.wykop.pl · no limit of requests is published; we ask 60 times a minute at most.

What is asked: /search/entries and /search/links, newest first, for each form of each term (whether its search knows Polish
cases is not said); the streams of `tags`; what the own accounts added; and below all these the comments. Comments cannot be
searched: those below other posts are seen only where somebody names the brand in the post itself.
Times are those of the clocks in Warsaw, without a zone. In autumn one hour comes twice, and nothing tells the two apart: the
first is taken, so what was written in the second is dated an hour early.
Ids are paths of the API (entries/71002147/comments/249303979): entries, links and comments are numbered apart.
Removed: `deleted` says whether the author or a moderator did it; what is not found at all was removed by nobody knows whom.

Shapes are those of public clients of the API and of the official reference; none was recorded here.

Engagement: likes = votes.up, comments = comments.count; shares and audiences are unknown.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from coolhead.errors import PermanentError
from coolhead.http import Client, shown
from coolhead.sources import About, Fetched, Gone, Query, Rate, Source, SourceSettings, each
from coolhead.sources import _wykop as shape
from coolhead.sources._api import Address, loaded, mapping
from coolhead.windows import Window

PAGE = 25
MAX_PAGES = 200
"""Pages of one list in one window; with more, the window must be cut."""
_PATH = re.compile(r"(entries|links)/\d+(/comments/\d+)?")


class Settings(SourceSettings):
    """`sources: {wykop: {tags: [zefirella]}}`"""

    base_url: Address = "https://wykop.pl/api/v3"
    tags: tuple[Annotated[str, Field(pattern=r"^#?\w+$")], ...] = ()
    """Streams that are read whole."""


class Absent(PermanentError):
    """There is no such post: an answer, and no mistake."""


class Wykop(Source):
    """Search, streams of tags, comments."""

    Settings = Settings
    about = About(
        network="Wykop",
        reads="entries and links that name the brand, their comments, streams of tags",
        demands="an application with key and secret (free)",
        history="as far as its search goes back",
        limits="comments only below posts that were found; no audience of authors",
    )
    fields = {"login": "key of the application", "password": "its secret"}
    poll = timedelta(minutes=15)
    lag = timedelta(minutes=5)
    revisit = timedelta(days=1)
    rate = Rate(60, timedelta(minutes=1))
    searches = True
    counts_followers = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        api, commented = _Api(query, client), set[str]()
        yield from each(api.posts(path, asked, window, commented) for path, asked in _lists(query, window))

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        yield from shape.rows(shape.data(content, "payload"), str(meta.get("root") or ""))

    def followers(self, query: Query, client: Client) -> Iterator[tuple[str, datetime | None, int]]:
        api = _Api(query, client)
        for account in query.own_accounts:
            try:
                found = mapping(api.ask(f"profile/users/{quote(account.lstrip('@'), safe='')}")[1])
            except Absent:
                found = {}
            if not isinstance(count := found.get("followers"), int):
                raise PermanentError(f"own account {account!r}: Wykop shows no such profile; correct it in own_accounts")
            yield account, None, count

    def recheck(self, query: Query, native_ids: Sequence[str], client: Client) -> Iterator[Fetched | Gone]:
        api = _Api(query, client)
        for native_id in filter(_PATH.fullmatch, native_ids):
            try:
                content, found, _ = api.ask(native_id)
            except Absent:
                yield Gone(native_id, "unknown", "Wykop answered 404")
                continue
            if by := shape.gone(mapping(found)):
                yield Gone(native_id, *by)
            else:
                root = "/".join(native_id.split("/")[:2])
                yield Fetched(content, native_id, meta={"root": root} if root != native_id else {})

    def canary(self, query: Query, client: Client) -> bool:
        """Somebody writes into the microblog every minute."""
        return bool(_Api(query, client).ask("entries", {"sort": "newest", "page": 1, "limit": PAGE})[1])


class _Api:
    """The calls of one poll, with one token."""

    def __init__(self, query: Query, client: Client) -> None:
        self._client, self._url = client, query.settings.base_url
        given = {"key": query.secret("login", "the key of the Wykop application"),
                 "secret": query.secret("password", "the secret of the Wykop application")}  # fmt: skip
        url = f"{self._url}/auth"
        token = mapping(shape.data(client.post(url, json={"data": given}).content, shown(url))).get("token")
        if not isinstance(token, str) or not token:
            raise PermanentError(f"{shown(url)}: gave no token; is base_url Wykop's API?")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def ask(self, path: str, asked: Mapping[str, Any] | None = None) -> tuple[bytes, Any, Mapping[str, Any]]:
        """The body, its data and its pagination. Raises Absent for what is not there; what is no answer is refused here."""
        url = f"{self._url}/{path}"
        answer = self._client.get(url, asked, self._headers, explain=lambda status, _: _absent(url) if status == 404 else None)
        where = shown(answer.url)
        return (
            answer.content,
            shape.data(answer.content, where),
            mapping(mapping(loaded(answer.content, where)).get("pagination")),
        )

    def posts(self, path: str, asked: Mapping[str, Any], window: Window, commented: set[str]) -> Iterator[Fetched]:
        """Those of one list, and the comments below them."""
        stream, dated = f"{path} {asked.get('query', '')}", "date_from" in asked
        for content, items in self.pages(path, asked, None if dated else shape.before(window.start)):
            yield Fetched(content, stream.strip(), stream=stream)
            yield from self.comments(items, commented)

    def pages(
        self, path: str, asked: Mapping[str, Any], over: Callable[[list[Any]], bool] | None = None
    ) -> Iterator[tuple[bytes, list[Any]]]:
        """Pages of a list to its end, or to the first that is `over`."""
        for page in range(1, MAX_PAGES + 1):
            content, items, pagination = self.ask(path, {**asked, "page": page, "limit": PAGE})
            if not isinstance(items, list):
                raise PermanentError(f"{self._url}/{path}: no list of posts; is base_url Wykop's API?")
            if not items:
                return
            yield content, items
            total, size = (n if isinstance(n := pagination.get(name), int) else None for name in ("total", "per_page"))
            if (over and over(items)) or (total is not None and page * (size or PAGE) >= total):
                return
        raise PermanentError(
            f"{self._url}/{path}: more than {MAX_PAGES} pages of {PAGE}; collect it again in shorter windows (start, end)"
        )

    def comments(self, items: list[Any], known: set[str]) -> Iterator[Fetched]:
        """Those below some posts that do not stand in the list itself; of each post once."""
        for item in map(mapping, items):
            path = shape.path(item, "")
            if path and path not in known and shape.unseen(item):
                known.add(path)
                root = "/".join(path.split("/")[:2])
                for content, below in self.pages(f"{path}/comments", {}):
                    yield Fetched(content, f"{path}/comments", stream="comments", meta={"root": root})
                    if path.startswith("links/") and path == root:  # whose comments have comments of their own
                        children = [{"parent": {"id": item["id"], "resource": "link"}, **mapping(b)} for b in below]
                        yield from self.comments(children, known)


def _absent(url: str) -> Absent:
    return Absent(f"GET {shown(url)}: answered 404; there is nothing at this address; correct it in the plan")


def _lists(query: Query, window: Window) -> Iterator[tuple[str, dict[str, Any]]]:
    dated = {"date_from": shape.asked(window.start, end=False), "date_to": shape.asked(window.end, end=True)}
    for form in {f.casefold(): f for f in query.forms or query.terms}.values():
        for kind in ("entries", "links"):
            yield f"search/{kind}", {"query": form, "sort": "newest", **dated}
    for tag in dict.fromkeys(t.lstrip("#") for t in query.settings.tags):
        yield f"tags/{quote(tag, safe='')}/stream", {"sort": "all"}
    for account in query.own_accounts:
        for kind in ("entries", "links"):
            yield f"profile/users/{quote(account.lstrip('@'), safe='')}/{kind}/added", {}
