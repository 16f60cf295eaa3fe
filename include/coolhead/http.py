"""The one HTTP client of Coolhead: time-outs, bounded retries, bounded bodies, a budget, and no way into the inner network.

Every network module gets a `Client` as an argument and raises what it raises. What headers say: answers.py; which
addresses may be asked: addresses.py. Idempotency-Key: draft-ietf-httpapi-idempotency-key-header.
No message of this module ever holds a query string, user info or a path segment that could be a token.
"""

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_auth_from_url
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from coolhead.addresses import guarded, host_of, redirected, refuse_peer, refuse_private, shown
from coolhead.answers import Meter, advice, asked_wait
from coolhead.errors import ConfigError, CoolheadError, PermanentError, TransientError

__all__ = ["MAX_WAIT", "Client", "Explain", "Response", "shown"]

USER_AGENT = "Coolhead/0.1 (social-media crisis management)"
MAX_REDIRECTS = 5
MAX_WAIT = 60.0
"""Seconds that a call waits at most, for Retry-After or for the budget; longer waits are the scheduler's
(TransientError.retry_after)."""
MIN_WAIT = 0.5
"""Seconds between two attempts at least, even where Retry-After says 0 or a time that has passed."""
ERROR_BODY = 65_536
"""Bytes that are read of an error's body, for those who can explain it."""

_WORDS = {
    "SSLError": "TLS failed (certificate, or cut off)", "ConnectTimeout": "no connection in time",
    "ReadTimeout": "no answer in time", "ConnectionError": "no connection, or it was cut off",
    "ProxyError": "the proxy refused", "ChunkedEncodingError": "the answer was cut off",
}  # fmt: skip
_REDIRECTS = {301, 302, 303, 307, 308}
_SAFE_ELSEWHERE = {"accept", "if-none-match", "if-modified-since"}

Explain = Callable[[int, bytes], CoolheadError | None]
"""The right error for an error answer's status and body (at most ERROR_BODY bytes), or None
for the usual one. A TransientError is tried again like a 503, after its `retry_after` if it has one."""


@dataclass(frozen=True)
class Response:
    """An answer: 2xx, or 304 where the request was conditional."""

    status: int
    headers: Mapping[str, str]  # case-insensitive
    content: bytes
    url: str  # where it came from in the end, after redirects


class _Again(Exception):
    """This attempt failed in a way that another may not; `wait` in seconds as the server asks, or None."""

    def __init__(self, why: str, wait: float | None = None, unsent: bool = False) -> None:
        super().__init__(why)
        self.wait = wait
        self.unsent = unsent


@dataclass(frozen=True)
class Client:
    """Stateless (a session lives as long as one call) but for its meter, so it may be shared by threads.

    `timeout`: seconds to connect, and between two reads. `total`: seconds after which a call is cut off whatever it
    does. `timer`, `sleep` and `now` are arguments so that tests need none of them.
    """

    allow_private: bool = False
    user_agent: str = USER_AGENT
    timeout: tuple[float, float] = (5, 20)
    max_bytes: int = 20_000_000
    retries: int = 3
    sleep: Callable[[float], None] = time.sleep
    total: float = 180.0
    timer: Callable[[float, Callable[[], None]], threading.Timer] = threading.Timer
    private_hosts: tuple[str, ...] = ()
    """Hosts that may stand in the inner network, where not all may."""
    redirect_hosts: tuple[str, ...] = ()
    """Hosts that a redirect may lead to, with those under them, beside the host that was asked."""
    take: Callable[[int, str], float] | None = None
    """Called with `keep` and the host before every request: 0.0, one may be made; else the seconds until it may be asked for
    again."""
    rest: Callable[[str, float], None] | None = None
    """Called with the host and the seconds that it asked to wait, where a call gives up for that."""
    keep: int = 0
    """Requests of the budget that are left for others."""
    meter: Meter | None = None
    ends: float | None = None
    """When `now` shows this, all is cut off: the deadline of a whole poll."""
    now: Callable[[], float] = time.monotonic

    @property
    def quota(self) -> int | None:
        """Requests left, as the network said last; None: it says nothing, or was not asked yet."""
        return self.meter.remaining if self.meter else None

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return float("inf") if self.ends is None else self.ends - self.now()

    def get(
        self, url: str, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None,
        explain: Explain | None = None,
    ) -> Response:  # fmt: skip
        """Raises TransientError, PermanentError or ConfigError, or what `explain` makes of an error answer."""
        return self._call("GET", url, {"params": dict(params or {})}, dict(headers or {}), explain)

    def post(
        self, url: str, json: Any = None, data: Any = None, headers: Mapping[str, str] | None = None,
        explain: Explain | None = None,
    ) -> Response:  # fmt: skip
        """As `get`. An attempt that may have arrived is repeated only if `headers` hold an Idempotency-Key."""
        return self._call("POST", url, {"json": json, "data": data}, dict(headers or {}), explain)

    def _call(self, method: str, url: str, body: dict[str, Any], headers: dict[str, str], explain: Explain | None) -> Response:
        repeatable = method == "GET" or "idempotency-key" in {name.lower() for name in headers}
        with _Call(self, explain) as call:
            for attempt in range(self.retries + 1):
                try:
                    return call.follow(method, url, body, headers)
                except _Again as again:
                    last = again
                wait = max(MIN_WAIT, 0.5 * 2**attempt * random.uniform(0.5, 1.5) if last.wait is None else last.wait)
                hopeless = wait > min(MAX_WAIT, self.left) or call.expired
                if attempt == self.retries or hopeless or not (repeatable or last.unsent):
                    break
                self.sleep(wait)
        if last.wait and self.rest:
            self.rest(call.host, last.wait)
        raise TransientError(f"{method} {shown(url)}: {last} ({attempt + 1} of {self.retries + 1} attempts)", last.wait)

    def await_turn(self, what: str, host: str) -> None:
        """Before every request. Raises TransientError where the deadline has passed, or the budget is spent, or the host asked
        for a rest, for longer than may be waited."""
        if self.left <= 0:
            raise TransientError(f"{what}: cut off, the poll took longer than it may")
        waited = 0.0
        while self.take and (wait := self.take(self.keep, host)):
            waited += wait  # bounded, because a play's clock may stand still
            if waited > MAX_WAIT or wait > self.left:
                raise TransientError(
                    f"{what}: not asked for another {wait:.0f} s: the rate budget is spent, or {host} asked to wait", wait
                )
            self.sleep(wait)


class _Call:
    """One call with all its attempts and redirects: a session, and a watch that ends it."""

    def __init__(self, client: Client, explain: Explain | None) -> None:
        self.client, self.explain, self.expired = client, explain, False
        self.host = ""
        """The one that was asked last."""
        self._limit = max(0.0, min(client.total, client.left))
        self._twins: list[socket.socket] = []
        self._session = requests.Session()
        # Otherwise requests reads the whole body of a redirect and parses its target, even when told not to follow.
        self._session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
        self._session.headers["User-Agent"] = client.user_agent
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme, pool in (("http", HTTPConnectionPool), ("https", HTTPSConnectionPool)):
            adapter = HTTPAdapter()  # connections to a proxy are its own, and left alone
            adapter.poolmanager.pool_classes_by_scheme = {scheme: guarded(pool, self._connected)}
            self._session.mount(f"{scheme}://", adapter)

    def __enter__(self) -> "_Call":
        self._watch = self.client.timer(self._limit, self._expire)
        self._watch.daemon = True
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.cancel()
        self._session.close()
        for twin in self._twins:
            twin.close()

    def _connected(self, host: str, sock: socket.socket) -> None:
        if not self._may_be_private(host):
            refuse_peer(host, sock)
        # A duplicate, because TLS takes the first socket over; shutting either down ends the connection.
        self._twins.append(sock.dup())
        if self.expired:
            self._expire()

    def _expire(self) -> None:
        """Cut every connection: read time-outs alone never end a server that sends one byte at a time."""
        self.expired = True
        for twin in list(self._twins):
            try:
                twin.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # already closed by the other side

    def follow(self, method: str, url: str, body: dict[str, Any], headers: dict[str, str]) -> Response:
        """One attempt. Redirects are followed by hand, since each new host has to be checked."""
        here = url
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._exchange(method, here, body, headers)
            if answer.status not in _REDIRECTS:
                return answer
            location = answer.headers["location"]
            target = redirected(method, url, here, answer.status, location, self.client.redirect_hosts)
            if urlsplit(target).netloc != urlsplit(here).netloc:
                headers = {k: v for k, v in headers.items() if k.lower() in _SAFE_ELSEWHERE}
            here, body = target, {**body, "params": None}  # the new address carries its own query
        raise PermanentError(f"{method} {shown(url)}: more than {MAX_REDIRECTS} redirects; write the final address in the plan")

    def _exchange(self, method: str, url: str, body: dict[str, Any], headers: dict[str, str]) -> Response:
        host = host_of(url)
        if not self._may_be_private(host) and not self.expired:
            refuse_private(url)
        self.host = host
        self.client.await_turn(f"{method} {shown(url)}", host)
        user = get_auth_from_url(url)
        # Without a given auth, requests would look one up in ~/.netrc and send it along.
        auth = user if any(user) else lambda request: request
        arguments: Any = {**body, "headers": headers, "auth": auth, "timeout": self.client.timeout}
        try:
            with self._session.request(method, url, stream=True, allow_redirects=False, **arguments) as raw:
                if self.client.meter:
                    self.client.meter.read(raw.headers)
                self._judge(method, url, raw)
                return Response(raw.status_code, raw.headers, b"".join(self._body(url, raw)), raw.url)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, UnicodeError):
            raise ConfigError(f"{shown(url)}: no valid address or header; write e.g. https://example.org/feed.xml") from None
        except requests.exceptions.RequestException as error:
            # Its text holds the whole address, so only its kind is told.
            why = (
                f"not finished after {self._limit:g} s"
                if self.expired
                else _WORDS.get(type(error).__name__, type(error).__name__)
            )
            reason = getattr(next(iter(error.args), None), "reason", None)
            raise _Again(why, unsent=isinstance(reason, (NewConnectionError, ConnectTimeoutError))) from None

    def _body(self, url: str, raw: requests.Response) -> Iterator[bytes]:
        size = 0
        for chunk in raw.iter_content(65_536):
            size += len(chunk)
            if size > self.client.max_bytes:
                raise PermanentError(f"{shown(url)}: the answer is larger than {self.client.max_bytes} bytes; narrow the query")
            if self.expired:
                break
            yield chunk
        if self.expired:  # a body without a length ends like any other when it is cut
            raise _Again(f"not finished after {self._limit:g} s")

    def _may_be_private(self, host: str) -> bool:
        return self.client.allow_private or host.lower() in self.client.private_hosts

    def _judge(self, method: str, url: str, raw: requests.Response) -> None:
        """Raise for what is no answer; of an error no more is read than an explanation needs."""
        status = raw.status_code
        if status >= 400 and self.explain and (error := self.explain(status, self._start_of(raw))):
            if not isinstance(error, TransientError):
                raise error
            # Below 500 it was refused, so nothing was done, and even a POST may be repeated.
            asked = error.retry_after if error.retry_after is not None else asked_wait(status, raw.headers)
            raise _Again(str(error), asked, unsent=status in range(400, 500) or status == 503)
        if status in {408, 425, 429} or status >= 500:
            # 429 and 503 say that nothing was done; after other errors a POST may have had its effect.
            raise _Again(f"answered {status}", asked_wait(status, raw.headers), unsent=status in {429, 503})
        if status >= 300 and status != 304 and not (status in _REDIRECTS and "location" in raw.headers):
            raise PermanentError(f"{method} {shown(url)}: answered {status}; {advice(status)}")

    def _start_of(self, raw: requests.Response) -> bytes:
        """At most ERROR_BODY bytes of an error's body; what came of it where it was cut off."""
        found = b""
        try:
            for chunk in raw.iter_content(8_192):
                found += chunk
                if len(found) >= ERROR_BODY or self.expired:
                    break
        except requests.exceptions.RequestException:
            pass  # the status alone has to do
        return found[:ERROR_BODY]
