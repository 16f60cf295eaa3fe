"""Meta's Graph API as Facebook and Instagram share it: pages, batches, errors, tokens, and the shapes of its answers.

Errors and rate limits: https://developers.facebook.com/docs/graph-api/guides/error-handling
https://developers.facebook.com/docs/graph-api/overview/rate-limiting · Paging: https://developers.facebook.com/docs/graph-api/results
Batches (50 requests, each judged by itself; one that took too long is null): https://developers.facebook.com/docs/graph-api/batch-requests
Objects are looked up by batches and not by `?ids=`, which version 26.0 refuses.
Tokens: https://developers.facebook.com/docs/graph-api/reference/debug_token · appsecret_proof:
https://developers.facebook.com/docs/graph-api/guides/secure-requests

The API repeats the token in its links to next pages. So no such link is followed or kept: of its query only the place in the
list is taken, and the token is cut out of every answer before anybody else sees it.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from pydantic import Field

from coolhead.errors import CoolheadError, PermanentError, TransientError
from coolhead.http import Client, Response, shown
from coolhead.sources import Query, SourceSettings
from coolhead.sources import _graph_answers as answers
from coolhead.sources._api import Address, check_owner, decoded, mapping

BATCH = 50
"""Requests in a batch: the API's maximum."""
MAX_PAGES = 200
"""Pages of one list in one window; with more, the window must be cut."""
Params = Mapping[str, Any]
Explain = Callable[[int, bytes], CoolheadError | None]


class GraphSettings(SourceSettings):
    """What both sources may be told of the API."""

    base_url: Address = "https://graph.facebook.com"
    version: Annotated[str, Field(pattern=r"^v\d+\.\d+$")] = "v25.0"
    """Of the API; each lives for about two years, and a younger one may refuse fields."""


@dataclass(frozen=True)
class Answer:
    """`document` is the JSON of `content`; of a batch, `parts` hold a document each, or the error, or None: it took too long or
    was too much at once, and has to be asked for by itself."""

    content: bytes
    document: Any
    origin: str
    parts: tuple[dict[str, Any] | CoolheadError | None, ...] = ()

    def check(self) -> None:
        """Raises the first error among the parts; that something is not there is none."""
        for part in self.parts:
            if isinstance(part, CoolheadError) and not isinstance(part, answers.MissingError):
                raise part


@dataclass
class Graph:
    """The API, asked with one token. After a limit or a dead token nothing more is asked."""

    client: Client
    address: str
    """With the version: https://graph.facebook.com/v25.0"""
    token: str = field(repr=False)
    secret: str = field(default="", repr=False)
    """The app's; where it is given each call carries a proof that we have it."""
    blocked: CoolheadError | None = None

    def get(self, path: str, params: Params) -> Answer:
        """Raises TransientError, PermanentError."""
        url = f"{self.address}/{path}"
        return self._answer(
            url, lambda explain: self.client.get(url, {**params, **self._proof()}, self._headers(), explain=explain)
        )

    def batch(self, asks: Sequence[tuple[str, Params]]) -> Answer:
        """At most 50 (path, parameters) in one request. Raises what `get` raises; a part that failed is the error in `parts`."""
        url = f"{self.address}/"
        calls = [{"method": "GET", "relative_url": f"{path}?{urlencode(params)}"} for path, params in asks]
        form = {"batch": json.dumps(calls), "include_headers": "false", "access_token": self.token, **self._proof()}
        # It only reads, so it may be sent again.
        headers = self._headers() | {"Idempotency-Key": hashlib.sha256(form["batch"].encode()).hexdigest()}
        answer = self._answer(url, lambda explain: self.client.post(url, data=form, headers=headers, explain=explain))
        if not isinstance(answer.document, list) or len(answer.document) != len(asks):
            raise PermanentError(f"{answer.origin}: no answer to a batch of {len(asks)}; is it the Graph API?")
        parts = tuple(self._part(part, answer.origin) for part in answer.document)
        return Answer(answer.content, answer.document, answer.origin, parts)

    def pages(
        self, path: str, params: Params, first: Any = None, enough: Callable[[Any], bool] = lambda page: False
    ) -> Iterator[Answer]:
        """Pages of a list to its end, or until `enough` of a page. `first`: a page that is here already, not given again.

        Raises PermanentError where a list goes round in circles or has more pages than anybody can read.
        """
        here, page, what = dict(params), first, f"{shown(self.address)}/{path}"
        for _ in range(MAX_PAGES):
            answer = None if page is not None else self._smaller(path, here)
            page = answer.document if answer else page
            if not isinstance(mapping(page).get("data"), list):
                raise PermanentError(f"{what}: no list was answered; is it the Graph API?")
            if answer:
                yield answer
            further = answers.following(page)
            if further is None or enough(page):
                return
            if all(here.get(name) == value for name, value in further.items()):
                raise PermanentError(f"{what}: the next page is the same page again; asked no further")
            here, page = {**here, **further}, None
        raise PermanentError(f"{what}: more than {MAX_PAGES} pages; collect it again in shorter windows (start, end)")

    def look_up(self, ids: Sequence[str], kinds: Sequence[str], missing: list[str]) -> Iterator[Answer]:
        """Objects by id, each with the fields of the first of `kinds` that it has; ids of those that are not there are added to
        `missing`."""
        for chunk in chunks(ids):
            left = chunk
            for fields in kinds:
                answer = self.batch([(i, {"fields": fields}) for i in left])
                if any(isinstance(part, dict) for part in answer.parts):
                    yield answer
                found = list(zip(left, answer.parts, strict=True))
                missing += [i for i, part in found if isinstance(part, answers.MissingError)]
                left = [i for i, part in found if isinstance(part, answers.OtherKindError)]
                for _, part in found:
                    if isinstance(part, CoolheadError) and not isinstance(part, (answers.MissingError, answers.OtherKindError)):
                        raise part
                if not left:
                    break

    def expires(self) -> datetime | None:
        """When the token lapses, or its access to people's data, whichever is first; None: never."""
        found = self.inspect()
        moments = [found.get(name) for name in ("expires_at", "data_access_expires_at")]
        known = [datetime.fromtimestamp(m, UTC) for m in moments if isinstance(m, int) and m > 0]
        return min(known, default=None)

    def demand(self, permissions: Sequence[str]) -> None:
        """Without a permission the API is silent about much, and says no error: so PermanentError names those that are missing."""
        granted = self.inspect().get("scopes")
        if isinstance(granted, list) and (lacking := [p for p in permissions if p not in granted]):
            raise PermanentError(
                f"{shown(self.address)}: the token lacks {', '.join(lacking)}, and without them the API is silent instead of "
                "refusing; grant them to the app and make a new token"
            )

    def inspect(self) -> dict[str, Any]:
        """What the API says of the token."""
        answer = self.get("debug_token", {"input_token": self.token})
        found = mapping(mapping(answer.document).get("data"))
        if found.get("is_valid") is False:
            raise PermanentError(f"{shown(self.address)}/debug_token: the token is no longer valid; {answers.CURE}")
        return found

    def _answer(self, url: str, ask: Callable[[Explain], Response]) -> Answer:
        if self.blocked:
            raise self.blocked
        where = shown(url)
        response = ask(lambda status, body: self._judged(decoded(body), where, known_only=True))
        content = response.content
        for form in {self.token, quote(self.token, safe="")}:
            content = content.replace(form.encode(), b"REDACTED")
        document = decoded(content)
        if error := self._judged(document, where):  # it may say 200, and hold an error all the same
            raise error
        if not isinstance(document, (dict, list)):
            raise PermanentError(f"{where}: no JSON of the Graph API (truncated, or an error page)")
        if wait := answers.spent(response.headers):
            self.blocked = TransientError(f"{where}: over {answers.FULL} % of the allowance is spent; asked no further", wait)
        return Answer(content, document, where)

    def _judged(self, document: Any, where: str, known_only: bool = False) -> CoolheadError | None:
        error = answers.judged(document, where, known_only)
        if (isinstance(error, TransientError) and error.retry_after) or (error and answers.is_token(document)):
            self.blocked = error
        return error

    def _smaller(self, path: str, params: dict[str, Any]) -> Answer:
        """A page, asked for in smaller portions where the API finds it too much."""
        while True:
            try:
                return self.get(path, params)
            except answers.TooMuchError as error:
                if int(params.get("limit", 1)) <= 5:
                    raise PermanentError(str(error)) from None
                params["limit"] = int(params["limit"]) // 2

    def _part(self, part: Any, where: str) -> dict[str, Any] | CoolheadError | None:
        if part is None:
            return None
        document = answers.part_of(part)
        error = self._judged(document, where)
        if isinstance(error, answers.TooMuchError):
            return None
        if error is None and not isinstance(document, dict):
            return PermanentError(f"{where}: a part of a batch is no JSON object")
        return error or mapping(document)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def _proof(self) -> dict[str, str]:
        if not self.secret:
            return {}
        return {"appsecret_proof": hmac.new(self.secret.encode(), self.token.encode(), hashlib.sha256).hexdigest()}


def connect(query: Query, client: Client, name: str, needed: str) -> Graph:
    """The API as the plan says, with the token of the named field. Raises ConfigError where there is none, or where the
    connection says that it belongs to another server."""
    check_owner(query, query.settings.base_url)
    address, extra = f"{query.settings.base_url}/{query.settings.version}", query.credentials.get("extra") or {}
    return Graph(client, address, query.secret(name, needed), str(extra.get("app_secret") or ""))


def chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    """At most a batch each."""
    return (list(ids[at : at + BATCH]) for at in range(0, len(ids), BATCH))
