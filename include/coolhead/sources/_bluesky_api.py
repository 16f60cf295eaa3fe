"""Calls to Bluesky's servers: search with a session, everything else without. Part of the source `bluesky`.

Errors are told by name in the body (XRPC): https://atproto.com/specs/xrpc#error-responses
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from coolhead.errors import CoolheadError, PermanentError
from coolhead.http import Client, Explain, shown
from coolhead.sources import Fetched, Query
from coolhead.sources import _bluesky as shape
from coolhead.sources._api import check_owner, decoded, loaded, mapping

BATCH = 20
"""Posts or accounts looked up at once. The API allows 25, but servers with qs 6.14.2 refuse a list of more than 20."""

By = Literal["author", "network", "unknown"]

_SESSIONS: dict[tuple[str, str, str], str] = {}
"""(server, login, app password) -> token, for as long as the process lives: all markets of a run share one session."""

_CURES = {
    "AuthFactorTokenRequired": "the account wants a code by mail; make an app password, and write that into the connection",
    "AuthenticationRequired": "login or app password are wrong; renew them in the connection",
    "AccountTakedown": "the account is suspended; take another one in the connection",
    "ExpiredToken": "the session ended too early; run it again",
    "InvalidToken": "base_url is not the server that holds this account; correct it in the plan",
}


class NotThere(PermanentError):
    """There is no such post or account (any more); `error` is what the network calls it."""

    def __init__(self, message: str, error: str) -> None:
        super().__init__(message)
        self.error = error


class Api:
    """One poll's calls; what goes wrong beside the posts themselves is kept in `errors`."""

    def __init__(self, query: Query, client: Client) -> None:
        self.query, self.client = query, client
        self.errors = list[CoolheadError]()
        self._headers: dict[str, str] = {}
        self._followers: dict[str, int] = {}
        self._states: dict[str, tuple[By, str]] = {}

    def open(self) -> None:
        """Sign in, or go on with the session that this process has."""
        server = self.query.settings.base_url
        check_owner(self.query, server)
        who = {
            "identifier": self.query.secret("login", "the handle of an account"),
            "password": self.query.secret("password", "the app password"),
        }
        key = (server, who["identifier"], who["password"])
        token = _SESSIONS.get(key) or self._sign_in(server, who)
        _SESSIONS[key] = token
        self._headers = {"Authorization": f"Bearer {token}"}

    def _sign_in(self, server: str, who: Mapping[str, str]) -> str:
        method = "com.atproto.server.createSession"
        where = f"{shown(server)} {method}"
        answer = self.client.post(f"{server}/xrpc/{method}", json=who, explain=_explain(where))
        token = mapping(decoded(answer.content)).get("accessJwt")
        if token is None:
            raise PermanentError(f"{where}: answered without a session; base_url must be a server of Bluesky's network")
        return str(token)

    def search(self, **params: Any) -> tuple[bytes, str]:
        """Body and origin."""
        try:
            return self._get(self.query.settings.base_url, "app.bsky.feed.searchPosts", params, self._headers)
        except PermanentError:
            _SESSIONS.clear()  # it may have lapsed: the next poll signs in anew
            raise

    def public(self, method: str, **params: Any) -> tuple[bytes, str]:
        """As `search`, of the public server, to which no credential is ever sent."""
        return self._get(self.query.settings.public_url, method, params, {})

    def fetched(self, content: bytes, origin: str, meta: Mapping[str, Any]) -> Fetched:
        """The answer as it came; beside it how many follow its authors, which it does not say itself."""
        authors = shape.authors(loaded(content, origin))
        self._count_followers(did for did in authors if did not in self._followers)
        known = {did: self._followers[did] for did in authors if did in self._followers}
        return Fetched(content, origin, meta={**meta, "audience": known})

    def profile(self, account: str) -> dict[str, Any]:
        answer, origin = self.public("app.bsky.actor.getProfile", actor=account)
        return mapping(shape.read(answer, origin))

    def state(self, did: str) -> tuple[By, str]:
        """Who is behind a post that is not there any more, as far as the state of its author's account tells."""
        if did not in self._states:
            self._states[did] = self._state(did)
        return self._states[did]

    def _state(self, did: str) -> tuple[By, str]:
        try:
            self.profile(did)
        except NotThere as gone:
            if gone.error == "AccountDeactivated":
                return "author", "its author deactivated the account"
            if gone.error == "AccountTakedown":
                return "network", "the network suspended the account"
            return "unknown", "its author's account is gone"
        return "unknown", "getPosts leaves it out: deleted by its author, or taken down"

    def _count_followers(self, dids: Iterable[str]) -> None:
        asked = [*dids]
        for at in range(0, len(asked) if not self.errors else 0, BATCH):
            try:
                answer, origin = self.public("app.bsky.actor.getProfiles", actors=asked[at : at + BATCH])
                found = shape.entries(answer, "profiles", origin)[0]
            except CoolheadError as error:
                self.errors.append(error)  # the posts are worth more than their reach
                return
            self._followers |= {p["did"]: p["followersCount"] for p in found if isinstance(p.get("followersCount"), int)}

    def _get(self, server: str, method: str, params: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[bytes, str]:
        where = f"{shown(server)} {method}"
        return self.client.get(f"{server}/xrpc/{method}", params, headers, explain=_explain(where)).content, where


def _explain(where: str) -> Explain:
    """`where`: server and method; the client's own messages take a method's long name for a token, and hide it."""

    def explain(status: int, body: bytes) -> CoolheadError | None:
        if not (said := mapping(decoded(body))):
            return None
        error, message = (str(said.get(key) or "") for key in ("error", "message"))
        if status == 400 and (error in {"NotFound", "AccountTakedown", "AccountDeactivated"} or "not found" in message.lower()):
            return NotThere(f"{where}: answered 400 {error}", error)
        cure = _CURES.get(error) or ("the same request will fail again" if status == 400 else None)
        return PermanentError(f"{where}: answered {status} {error[:60]}; {cure}") if cure else None

    return explain
