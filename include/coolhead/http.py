"""The one HTTP client of Coolhead: time-outs, bounded retries, bounded bodies, and no way into the inner network.

Every network module gets a `Client` as an argument and raises what it raises. Retry-After and its two forms:
RFC 9110 section 10.2.3; redirects: section 15.4; Idempotency-Key: draft-ietf-httpapi-idempotency-key-header.
No message of this module ever holds a query string, user info or a path segment that could be a token.
"""

import ipaddress
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_auth_from_url, get_environ_proxies, select_proxy
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from coolhead.errors import ConfigError, PermanentError, TransientError

USER_AGENT = "Coolhead/0.1 (social-media crisis management)"
MAX_REDIRECTS = 5
MAX_WAIT = 60.0
"""Seconds that a call waits at most for Retry-After; longer waits are the scheduler's (TransientError.retry_after)."""

_ADVICE = {
    401: "the credentials are missing or no longer valid; renew them in the connection",
    403: "these credentials may not read it, or the address is blocked; check the account's rights and plan",
    404: "there is nothing at this address; correct it in the plan",
    410: "it was removed for good; take it out of the plan",
}
_WORDS = {
    "SSLError": "TLS failed (certificate, or cut off)", "ConnectTimeout": "no connection in time",
    "ReadTimeout": "no answer in time", "ConnectionError": "no connection, or it was cut off",
    "ProxyError": "the proxy refused", "ChunkedEncodingError": "the answer was cut off",
}  # fmt: skip
_PRIVATE = "{} is a private address; to allow it, write network.allow_private: true in the plan"
_REDIRECTS = {301, 302, 303, 307, 308}
_SAFE_ELSEWHERE = {"accept", "if-none-match", "if-modified-since"}


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
    """Stateless (a session lives as long as one call), so it may be shared by threads.

    `timeout`: seconds to connect, and between two reads. `total`: seconds after which a call is cut off whatever it
    does. `timer` and `sleep` are arguments so that tests need neither.
    """

    allow_private: bool = False
    user_agent: str = USER_AGENT
    timeout: tuple[float, float] = (5, 20)
    max_bytes: int = 20_000_000
    retries: int = 3
    sleep: Callable[[float], None] = time.sleep
    total: float = 180.0
    timer: Callable[[float, Callable[[], None]], threading.Timer] = threading.Timer

    def get(self, url: str, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> Response:
        """Raises TransientError, PermanentError or ConfigError."""
        return self._call("GET", url, {"params": dict(params or {})}, dict(headers or {}))

    def post(self, url: str, json: Any = None, data: Any = None, headers: Mapping[str, str] | None = None) -> Response:
        """As `get`. An attempt that may have arrived is repeated only if `headers` hold an Idempotency-Key."""
        return self._call("POST", url, {"json": json, "data": data}, dict(headers or {}))

    def _call(self, method: str, url: str, body: dict[str, Any], headers: dict[str, str]) -> Response:
        repeatable = method == "GET" or "idempotency-key" in {name.lower() for name in headers}
        with _Call(self) as call:
            for attempt in range(self.retries + 1):
                try:
                    return call.follow(method, url, body, headers)
                except _Again as again:
                    last = again
                wait = last.wait if last.wait is not None else 0.5 * 2**attempt * random.uniform(0.5, 1.5)
                if attempt == self.retries or wait > MAX_WAIT or call.expired or not (repeatable or last.unsent):
                    break
                self.sleep(wait)
        raise TransientError(f"{method} {shown(url)}: {last} ({attempt + 1} of {self.retries + 1} attempts)", last.wait)


class _Call:
    """One call with all its attempts and redirects: a session, and a watch that ends it."""

    def __init__(self, client: Client) -> None:
        self.client, self.expired = client, False
        self._twins: list[socket.socket] = []
        self._session = requests.Session()
        # Otherwise requests reads the whole body of a redirect and parses its target, even when told not to follow.
        self._session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
        self._session.headers["User-Agent"] = client.user_agent
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme, pool in (("http", HTTPConnectionPool), ("https", HTTPSConnectionPool)):
            adapter = HTTPAdapter()  # connections to a proxy are its own, and left alone
            adapter.poolmanager.pool_classes_by_scheme = {scheme: _guarded(pool, self._connected)}
            self._session.mount(f"{scheme}://", adapter)

    def __enter__(self) -> "_Call":
        self._watch = self.client.timer(self.client.total, self._expire)
        self._watch.daemon = True
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.cancel()
        self._session.close()
        for twin in self._twins:
            twin.close()

    def _connected(self, sock: socket.socket) -> None:
        # The address is checked again on the very connection: a name may resolve differently the second time.
        if not self.client.allow_private and _is_private(sock.getpeername()[0]):
            sock.close()
            raise ConfigError(_PRIVATE.format("the address it resolved to"))
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
            target = _redirect(method, url, here, answer)
            if urlsplit(target).netloc != urlsplit(here).netloc:
                headers = {k: v for k, v in headers.items() if k.lower() in _SAFE_ELSEWHERE}
            here, body = target, {**body, "params": None}  # the new address carries its own query
        raise PermanentError(f"{method} {shown(url)}: more than {MAX_REDIRECTS} redirects; write the final address in the plan")

    def _exchange(self, method: str, url: str, body: dict[str, Any], headers: dict[str, str]) -> Response:
        self._check(url)
        user = get_auth_from_url(url)
        # Without a given auth, requests would look one up in ~/.netrc and send it along.
        auth = user if any(user) else lambda request: request
        arguments: Any = {**body, "headers": headers, "auth": auth, "timeout": self.client.timeout}
        try:
            with self._session.request(method, url, stream=True, allow_redirects=False, **arguments) as raw:
                _judge(method, url, raw)
                return Response(raw.status_code, raw.headers, b"".join(self._body(url, raw)), raw.url)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, UnicodeError):
            raise ConfigError(f"{shown(url)}: no valid address or header; write e.g. https://example.org/feed.xml") from None
        except requests.exceptions.RequestException as error:
            # Its text holds the whole address, so only its kind is told.
            why = (
                f"not finished after {self.client.total:g} s"
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
            raise _Again(f"not finished after {self.client.total:g} s")

    def _check(self, url: str) -> None:
        """Refuse what is no web address, and what resolves into the inner network."""
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(f"{shown(url)}: no web address; write e.g. https://example.org/feed.xml")
        if self.client.allow_private or self.expired:
            return
        proxied = select_proxy(url, get_environ_proxies(url))
        if not proxied and any(_is_private(address) for address in _addresses(parts.hostname)):
            raise ConfigError(_PRIVATE.format(parts.hostname))


def _guarded(pool: type[HTTPConnectionPool], connected: Callable[[socket.socket], None]) -> type[HTTPConnectionPool]:
    """A pool that hands every new connection to `connected` before a byte is sent."""
    base = pool.ConnectionCls

    def _new_conn(self: HTTPConnection) -> socket.socket:
        sock: socket.socket = base._new_conn(self)  # type: ignore[attr-defined]
        connected(sock)
        return sock

    return type("Guarded", (pool,), {"ConnectionCls": type("GuardedConnection", (base,), {"_new_conn": _new_conn})})


def shown(url: str) -> str:
    """An address for messages and origins: no user info, no query, and `...` for segments that may be tokens."""
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""
    except ValueError:
        return "(unreadable address)"
    # A webhook's secret is a path segment: long, and not just a number.
    path = "/".join("..." if len(s) >= 20 and not s.isdigit() else s for s in parts.path.split("/"))
    return f"{parts.scheme}://{host}{path}"


def _judge(method: str, url: str, raw: requests.Response) -> None:
    """Raise for what is no answer; the body of an error is not read."""
    status = raw.status_code
    if status in {408, 425, 429} or status >= 500:
        # 429 and 503 say that nothing was done; after other errors a POST may have had its effect.
        raise _Again(f"answered {status}", _asked_wait(status, raw.headers), unsent=status in {429, 503})
    if status >= 300 and status != 304 and not (status in _REDIRECTS and "location" in raw.headers):
        advice = _ADVICE.get(status, "the same request will fail again; check the settings against the API's documentation")
        raise PermanentError(f"{method} {shown(url)}: answered {status}; {advice}")


def _redirect(method: str, origin: str, here: str, answer: Response) -> str:
    try:
        target = urljoin(here, answer.headers["location"])
        first, last = urlsplit(origin), urlsplit(target)
    except ValueError:
        raise PermanentError(f"{shown(here)}: redirects to no valid address") from None
    if last.scheme != "https" and not (last.scheme == first.scheme == "http" and last.hostname == first.hostname):
        raise PermanentError(f"{shown(here)}: redirects to {shown(target)}, which is not https; not followed")
    if method == "POST" and (answer.status not in {307, 308} or last.hostname != first.hostname):
        # A POST turned into a GET would lose its message; one sent elsewhere would give it away.
        raise PermanentError(f"POST {shown(here)}: moved to {shown(target)}; write the new address in the connection")
    return target


def _asked_wait(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds, from Retry-After (a number or a date) or, with 429, Mastodon's X-RateLimit-Reset (an ISO date)."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", value):
        return float(value)
    when = _moment(value) or (_moment(headers.get("x-ratelimit-reset", "")) if status == 429 else None)
    # Measured on the server's own clock where it tells it: ours may differ by minutes.
    now = _moment(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (when - now).total_seconds()) if when else None


def _moment(value: str) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(value)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _addresses(host: str) -> list[str]:
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return []  # connecting will say so, and is retried


def _is_private(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return not (getattr(ip, "ipv4_mapped", None) or ip).is_global or ip.is_multicast
