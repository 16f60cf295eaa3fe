"""The HTTP client against a real server on a loopback port. No sleeps: waits are recorded, time-outs are fired by the server."""

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from coolhead import addresses
from coolhead.answers import Meter
from coolhead.errors import ConfigError, CoolheadError, PermanentError, TransientError
from coolhead.http import ERROR_BODY, Client, shown

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Plays the server's list of answers, one per request; the last one is repeated."""

    def do_GET(self) -> None:
        script = self.server.script  # type: ignore[attr-defined]
        length = int(self.headers.get("content-length") or 0)
        self.server.seen.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))  # type: ignore[attr-defined]
        (script.pop(0) if len(script) > 1 else script[0])(self)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """A server that records what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Answer] = []
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        pass  # a client that hangs up is part of the tests


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    """An answer without the Date header, unless one is given."""

    def play(handler: Handler) -> None:
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return play


class Waits(list[float]):
    """Records instead of sleeping."""

    def client(self, **kwargs: Any) -> Client:
        return Client(allow_private=kwargs.pop("allow_private", True), sleep=self.append, **kwargs)


class Trigger:
    """A timer that the test fires."""

    daemon = False

    def __init__(self, seconds: float, expire: Callable[[], None]) -> None:
        self.expire = expire
        Trigger.last = self

    def start(self) -> None:
        pass

    def cancel(self) -> None:
        pass

    last: "Trigger"


def test_answer(server: Server) -> None:
    server.script = [answer(200, b"ciao", Etag='"1"')]
    found = Waits().client().get(server.url, params={"q": "ma è"}, headers={"Accept": "x/y"})
    assert (found.status, found.content, found.headers["ETAG"]) == (200, b"ciao", '"1"')
    _, path, headers, _ = server.seen[0]
    assert path == "/?q=ma+%C3%A8"
    assert headers["User-Agent"].startswith("Coolhead/")
    assert headers["Accept"] == "x/y"


def test_not_modified_is_an_answer(server: Server) -> None:
    server.script = [answer(304)]
    assert Waits().client().get(server.url).status == 304


def test_503_then_200(server: Server) -> None:
    server.script = [answer(503), answer(200, b"ok")]
    waits = Waits()
    assert waits.client().get(server.url).content == b"ok"
    assert len(waits) == 1
    assert 0.5 <= waits[0] <= 0.75


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry_After": "7"},
        {"Retry_After": "Tue, 03 Mar 2026 09:00:07 GMT", "Date": "Tue, 03 Mar 2026 09:00:00 GMT"},
        {"X_RateLimit_Reset": "2026-03-03T09:00:07.000000Z", "Date": "Tue, 03 Mar 2026 09:00:00 GMT"},
    ],
)
def test_asked_wait_is_kept(server: Server, headers: dict[str, str]) -> None:
    server.script = [answer(429, **headers), answer(200, b"ok")]
    waits = Waits()
    assert waits.client().get(server.url).content == b"ok"
    assert waits == [7.0]


def test_asked_wait_beyond_the_bound_is_handed_on(server: Server) -> None:
    server.script = [answer(429, Retry_After="3600")]
    waits = Waits()
    with pytest.raises(TransientError) as caught:
        waits.client().get(server.url)
    assert caught.value.retry_after == 3600
    assert waits == []


@pytest.mark.parametrize(
    "value", ["99999999999", "99999999999999999999", "9" * 999, "9999999999", "Tue, 03 Mar 3026 09:00:00 GMT"]
)
def test_an_endless_wait_is_a_week(server: Server, value: str) -> None:
    server.script = [answer(429, Retry_After=value)]
    with pytest.raises(TransientError) as caught:
        Waits().client().get(server.url)
    assert (caught.value.retry_after, len(server.seen)) == (7 * 86_400, 1)


@pytest.mark.parametrize("value", ["0", "0.01", "Tue, 03 Mar 2026 09:00:00 GMT", "1600000000", "1600000000.5"])
def test_no_wait_is_half_a_second(server: Server, value: str) -> None:
    server.script = [answer(429, Retry_After=value)]
    waits = Waits()
    with pytest.raises(TransientError, match="4 of 4"):
        waits.client().get(server.url)
    assert waits == [0.5] * 3


def test_a_wait_is_noted_for_its_host_where_the_call_gives_up(server: Server) -> None:
    noted: list[tuple[str, float]] = []
    client = Waits().client(rest=lambda host, seconds: noted.append((host, seconds)))
    server.script = [answer(429, Retry_After="5"), answer(200), answer(503, Retry_After="3600"), answer(500)]
    client.get(server.url)
    assert noted == []  # waited for, and then it was answered
    for _ in range(2):
        with pytest.raises(TransientError):
            client.get(server.url)
    assert noted == [("127.0.0.1", 3_600.0)]


@pytest.mark.parametrize("value", ["soon", "-5", "Tue, 99 Mar 2026"])
def test_unreadable_wait_is_ignored(server: Server, value: str) -> None:
    server.script = [answer(503, Retry_After=value), answer(200)]
    assert Waits().client().get(server.url).status == 200


def test_retries_end(server: Server) -> None:
    server.script = [answer(500)]
    waits = Waits()
    with pytest.raises(TransientError, match=r"answered 500 \(4 of 4 attempts\)"):
        waits.client().get(server.url)
    assert (len(server.seen), len(waits)) == (4, 3)


@pytest.mark.parametrize(
    ("status", "words"), [(401, "credentials"), (403, "rights"), (404, "plan"), (410, "removed"), (422, "settings")]
)
def test_permanent(server: Server, status: int, words: str) -> None:
    server.script = [answer(status)]
    with pytest.raises(PermanentError, match=words):
        Waits().client().get(server.url)
    assert len(server.seen) == 1


def test_messages_hold_no_secret(server: Server) -> None:
    secret = "hunter2"
    server.script = [answer(404)]
    address = server.url.replace("//", f"//user:{secret}@") + f"/T0/{'x' * 20}{secret}?token={secret}"
    with pytest.raises(PermanentError) as permanent:
        Waits().client().get(address, params={"key": secret})
    assert server.seen[0][2]["Authorization"].startswith("Basic ")
    server.script = [answer(503)]
    with pytest.raises(TransientError) as transient:
        Waits().client().get(address)
    with pytest.raises(ConfigError) as config:
        Client().get(address)
    for caught in (permanent, transient, config):
        assert secret not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_on_the_same_host(server: Server, status: int) -> None:
    server.script = [answer(status, Location="/there"), answer(200, b"ok")]
    found = Waits().client().get(server.url, params={"a": "1"}, headers={"Authorization": "Bearer t"})
    assert (found.content, found.url) == (b"ok", server.url + "/there")
    assert [path for _, path, _, _ in server.seen] == ["/?a=1", "/there"]
    assert server.seen[1][2]["Authorization"] == "Bearer t"


def test_redirect_loop(server: Server) -> None:
    server.script = [answer(302, Location="/")]
    with pytest.raises(PermanentError, match="more than 5 redirects"):
        Waits().client().get(server.url)
    assert len(server.seen) == 6


def test_redirect_without_a_target(server: Server) -> None:
    server.script = [answer(302)]
    with pytest.raises(PermanentError, match="answered 302"):
        Waits().client().get(server.url)


@pytest.mark.parametrize("target", ["http://other.example/", "file:///etc/passwd", "ftp://127.0.0.1/", "http://[bad/"])
def test_redirect_to_what_is_not_https(server: Server, target: str) -> None:
    server.script = [answer(302, Location=target)]
    with pytest.raises(PermanentError, match="redirects to"):
        Waits().client().get(server.url)


def test_redirect_to_a_private_address(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "is_private", lambda address: address != "127.0.0.1")  # the test server plays a public one
    server.script = [answer(302, Location="https://127.0.0.2/admin")]
    with pytest.raises(ConfigError, match=r"private_hosts"):
        Waits().client(allow_private=False, redirect_hosts=("127.0.0.2",)).get(server.url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "2130706433", "0"]
)
def test_private_address(host: str) -> None:
    with pytest.raises(ConfigError, match=r"private_hosts"):
        Client().get(f"http://{host}/")


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("64:ff9b::7f00:1", True), ("64:ff9b::10.0.0.1", True), ("64:ff9b:1::808:808", True), ("64:ff9b::808:808", False),
        ("2002:7f00:1::", True), ("2002:808:808::", False), ("::127.0.0.1", True), ("::ffff:8.8.8.8", False),
        ("2001:0:808:808::80ff:fffe", True), ("fec0::1", True), ("fe80::1%1", True), ("192.0.0.8", True), ("224.0.0.1", True),
        ("8.8.8.8", False), ("2606:2800:220:1::1", False),
    ],
)  # fmt: skip
def test_addresses_that_stand_for_private_ones(address: str, private: bool) -> None:
    assert addresses.is_private(address) is private


@pytest.mark.parametrize("host", ["10.1.2.3", "127.1", "2130706433", "[::1]", "[64:ff9b::7f00:1]"])
def test_no_private_number_goes_to_a_proxy_but_names_do(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "get_environ_proxies", lambda url: {"http": "http://proxy.example:3128"})
    with pytest.raises(ConfigError, match="private_hosts"):
        addresses.refuse_private(f"http://{host}/")
    addresses.refuse_private("http://localhost/")
    addresses.refuse_private("http://8.8.8.8/")


def test_name_that_resolves_differently_the_second_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "resolved", lambda host, flags: ["93.184.216.34"])
    with pytest.raises(ConfigError, match=r"private_hosts"):
        Client().get(server.url)
    assert server.seen == []


@pytest.mark.parametrize("url", ["", "example.org", "file:///etc/passwd", "http://", "http://[bad", "https://exa mple.org:x/"])
def test_no_address(url: str) -> None:
    with pytest.raises(ConfigError):
        Client(allow_private=True, sleep=lambda _: None).get(url)


@pytest.mark.parametrize("sized", [True, False])
def test_huge_body(server: Server, sized: bool) -> None:
    def play(handler: Handler) -> None:
        handler.send_response_only(200)
        if sized:
            handler.send_header("Content-Length", str(10**9))
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(b"x" * 1_000)  # ends with an error when the client hangs up

    server.script = [play]
    with pytest.raises(PermanentError, match="larger than 50000 bytes"):
        Waits().client(max_bytes=50_000).get(server.url)


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 200 OK\r\nX-A: b", b"HTTP/1.1 200 OK\r\n\r\nhalf", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"],
)
def test_slow_answer_is_cut_off(server: Server, sent: bytes) -> None:
    release = threading.Event()

    def play(handler: Handler) -> None:
        handler.wfile.write(sent)
        handler.wfile.flush()
        Trigger.last.expire()
        release.wait()

    server.script = [play]
    try:
        with pytest.raises(TransientError, match=r"not finished after 180 s \(1 of 4"):
            Waits().client(timer=Trigger, timeout=(5, 60)).get(server.url)
    finally:
        release.set()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
    ],
)
def test_cut_connection(server: Server, sent: bytes) -> None:
    def play(handler: Handler) -> None:
        handler.wfile.write(sent)

    server.script = [play, answer(200, b"whole")]
    assert Waits().client().get(server.url).content == b"whole"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    waits = Waits()
    with pytest.raises(TransientError, match="no connection"):
        waits.client().post(f"http://127.0.0.1:{port}/", json={})
    assert len(waits) == 3  # nothing was sent, so even a POST is repeated


def test_post(server: Server) -> None:
    server.script = [answer(503), answer(200, b"ok")]
    assert Waits().client().post(server.url, json={"text": "attenzione"}).content == b"ok"
    assert [body for *_, body in server.seen] == [b'{"text": "attenzione"}'] * 2


@pytest.mark.parametrize(("headers", "attempts"), [({}, 1), ({"Idempotency-Key": "n1"}, 4)])
def test_post_that_may_have_arrived(server: Server, headers: dict[str, str], attempts: int) -> None:
    server.script = [answer(500)]
    with pytest.raises(TransientError):
        Waits().client().post(server.url, data=b"x", headers=headers)
    assert len(server.seen) == attempts


@pytest.mark.parametrize(("status", "target"), [(302, "/there"), (307, "https://other.example/")])
def test_post_is_not_lost_in_a_redirect(server: Server, status: int, target: str) -> None:
    server.script = [answer(status, Location=target)]
    with pytest.raises(PermanentError, match="write the new address"):
        Waits().client().post(server.url, data=b"x")


def test_credentials_stay_with_their_server(server: Server) -> None:
    with Server() as other:
        thread = threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.script, other.script = [answer(302, Location=other.url)], [answer(200)]
        Waits().client().get(server.url, headers={"Authorization": "Bearer t", "If-None-Match": "1"})
        other.shutdown()
        thread.join()
    assert "Authorization" not in other.seen[0][2]
    assert other.seen[0][2]["If-None-Match"] == "1"


def test_cookies_are_not_kept(server: Server) -> None:
    server.script = [answer(302, Location="/there", Set_Cookie="a=b"), answer(200)]
    Waits().client().get(server.url)
    assert "Cookie" not in server.seen[1][2]


def test_shown() -> None:
    assert shown("https://u:p@a.example:8443/hooks/T0/abcdefghij0123456789xy?k=v#f") == "https://a.example:8443/hooks/T0/..."
    assert (
        shown("https://www.google.com/alerts/feeds/04175468913983673025/44")
        == "https://www.google.com/alerts/feeds/04175468913983673025/44"
    )
    assert shown("http://[bad") == "(unreadable address)"


# an error that its source can explain


def limited(status: int, body: bytes) -> CoolheadError | None:
    """As Meta tells a spent allowance: 400 with a code in the body."""
    if b"spent" in body:
        return TransientError(f"{status}: the allowance is spent", 7.0)
    return PermanentError(f"{status}: the token has lapsed") if b"lapsed" in body else None


@pytest.mark.parametrize("send", ["get", "post"])
def test_explained_wait_is_kept(server: Server, send: str) -> None:
    server.script = [answer(400, b"spent"), answer(200, b"ok")]
    waits = Waits()
    assert getattr(waits.client(), send)(server.url, explain=limited).content == b"ok"
    assert (waits, len(server.seen)) == ([7.0], 2)


def test_explained_wait_may_be_the_headers(server: Server) -> None:
    server.script = [answer(403, Retry_After="9"), answer(200)]
    waits = Waits()
    waits.client().get(server.url, explain=lambda status, body: TransientError("slowly"))
    assert waits == [9.0]


def test_explained_wait_beyond_the_bound_is_handed_on(server: Server) -> None:
    server.script = [answer(400)]
    with pytest.raises(TransientError, match="tomorrow") as caught:
        Waits().client().get(server.url, explain=lambda status, body: TransientError("tomorrow", 86_400))
    assert caught.value.retry_after == 86_400
    assert len(server.seen) == 1


def test_explained_for_good(server: Server) -> None:
    server.script = [answer(400, b"lapsed")]
    with pytest.raises(PermanentError, match="400: the token has lapsed"):
        Waits().client().get(server.url, explain=limited)
    assert len(server.seen) == 1


@pytest.mark.parametrize(("status", "kind"), [(404, PermanentError), (500, TransientError)])
def test_unexplained_is_the_usual_error(server: Server, status: int, kind: type[CoolheadError]) -> None:
    server.script = [answer(status, b"something else")]
    with pytest.raises(kind, match=f"answered {status}"):
        Waits().client().get(server.url, explain=limited)


def test_explanation_of_what_may_have_arrived_does_not_repeat_it(server: Server) -> None:
    server.script = [answer(500, b"spent")]
    with pytest.raises(TransientError):
        Waits().client().post(server.url, data=b"x", explain=limited)
    assert len(server.seen) == 1


@pytest.mark.parametrize(("size", "read"), [(100, 100), (10 * ERROR_BODY, ERROR_BODY)])
def test_no_more_is_read_of_an_error_than_it_takes(server: Server, size: int, read: int) -> None:
    server.script = [answer(400, b"x" * size)]
    seen: list[int] = []
    with pytest.raises(PermanentError):
        Waits().client().get(server.url, explain=lambda status, body: seen.append(len(body)))
    assert seen == [read]


def test_error_that_is_cut_off_is_told_by_its_status(server: Server) -> None:
    def play(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 401 No\r\nContent-Length: 99\r\n\r\nhalf")

    server.script = [play]
    with pytest.raises(PermanentError, match="answered 401"):
        Waits().client().get(server.url, explain=limited)


# the budget and the deadline


def test_every_request_takes_its_turn(server: Server) -> None:
    server.script = [answer(503), answer(302, Location="/there"), answer(200)]
    turns: list[int] = []
    Waits().client(take=lambda keep, host: turns.append(keep) or 0.0, keep=4).get(server.url)
    assert (turns, len(server.seen)) == ([4, 4, 4], 3)


def test_a_turn_is_waited_for(server: Server) -> None:
    server.script = [answer(200)]
    waits, turns = Waits(), [40.0, 15.0, 0.0]
    waits.client(take=lambda keep, host: turns.pop(0)).get(server.url)
    assert (waits, turns) == ([40.0, 15.0], [])


@pytest.mark.parametrize(("wait", "slept"), [(3_600.0, []), (25.0, [25.0, 25.0])])
def test_a_turn_is_not_waited_for_longer_than_a_minute(server: Server, wait: float, slept: list[float]) -> None:
    waits = Waits()
    with pytest.raises(TransientError, match="rate budget is spent") as caught:
        waits.client(take=lambda keep, host: wait).get(server.url)
    assert (waits, caught.value.retry_after, server.seen) == (slept, wait, [])


def test_nothing_is_asked_after_the_deadline(server: Server) -> None:
    taken: list[int] = []
    with pytest.raises(TransientError, match="cut off"):
        Waits().client(ends=100.0, now=lambda: 100.0, take=lambda keep, host: taken.append(keep) or 0.0).get(server.url)
    assert (server.seen, taken) == ([], [])


@pytest.mark.parametrize("asked", ["30", None])
def test_no_wait_goes_beyond_the_deadline(server: Server, asked: str | None) -> None:
    server.script = [answer(503, **({"Retry_After": asked} if asked else {}))]
    waits = Waits()
    with pytest.raises(TransientError, match="1 of 4"):
        waits.client(ends=100.0, now=lambda: 99.9).get(server.url)
    with pytest.raises(TransientError, match="budget"):
        waits.client(ends=100.0, now=lambda: 99.9, take=lambda keep, host: 1.0).get(server.url)
    assert waits == []


@pytest.mark.parametrize(("now", "seconds"), [(0.0, 180.0), (90.0, 10.0)])
def test_a_call_is_cut_off_by_the_deadline(server: Server, now: float, seconds: float) -> None:
    server.script = [answer(200)]
    timed: list[float] = []

    def timer(limit: float, expire: Callable[[], None]) -> Trigger:
        timed.append(limit)
        return Trigger(limit, expire)

    Waits().client(ends=100.0 if now else 1e9, now=lambda: now, timer=timer).get(server.url)
    assert timed == [seconds]


# requests left


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ({}, None),
        ({"X-RateLimit-Remaining": "299"}, 299),
        ({"x-rate-limit-remaining": "14"}, 14),
        ({"x-ratelimit-remaining": "598.0"}, 598),
        ({"RateLimit-Limit": "3000", "RateLimit-Remaining": "2996", "RateLimit-Policy": "3000;w=300"}, 2996),
        ({"RateLimit": '"default";r=50;t=30'}, 50),
        ({"RateLimit": '"burst";r=9;t=1, "day";r=4000;t=900'}, 9),
        ({"RateLimit": "limit=100, remaining=42, reset=5"}, 42),
        ({"X-App-Usage": '{"call_count":28,"total_time":25,"total_cputime":25}'}, 144),
        ({"X-App-Usage": '{"call_count":128,"total_time":25}'}, 0),
        ({"X-Business-Use-Case-Usage": '{"17":[{"type":"pages","call_count":1,"total_cputime":1,"total_time":91}]}'}, 18),
        ({"X-App-Usage": "null"}, None),
        ({"X-App-Usage": "[1"}, None),
        ({"X-RateLimit-Remaining": "many"}, None),
    ],
)
def test_requests_left(server: Server, headers: dict[str, str], left: int | None) -> None:
    server.script = [answer(200, **headers)]
    client = Waits().client(meter=Meter(of=200))
    client.get(server.url)
    assert client.quota == left


def test_what_an_error_says_of_the_rest_counts_and_silence_changes_nothing(server: Server) -> None:
    server.script = [answer(404, X_RateLimit_Remaining="3"), answer(200)]
    client = Waits().client(meter=Meter())
    with pytest.raises(PermanentError):
        client.get(server.url)
    client.get(server.url)
    assert client.quota == 3
    assert Waits().client().quota is None


# which hosts


@pytest.mark.parametrize(
    ("asked", "target", "allowed", "followed"),
    [
        ("http://example.org/feed", "https://example.org/feed", (), True),
        ("https://example.org/feed", "https://www.example.org/feed", (), True),
        ("https://www.example.org/feed", "https://feeds.example.org/", (), True),
        ("https://feeds.example.org/", "https://example.org/", (), True),
        ("https://example.org/feed", "https://example.com/feed", (), False),
        ("https://example.org/feed", "https://notexample.org/feed", (), False),
        ("https://a.example.org/", "https://b.example.org/", (), False),
        ("https://example.org/feed", "https://org/", (), False),
        ("https://news.example/feed", "https://feeds.feedburner.example/news", ("feedburner.example",), True),
        ("https://news.example/feed", "http://feedburner.example/news", ("feedburner.example",), False),
        ("https://news.example/feed", "https://evil.example/feedburner.example", ("feedburner.example",), False),
    ],
)
def test_hosts_that_a_redirect_may_lead_to(asked: str, target: str, allowed: tuple[str, ...], followed: bool) -> None:
    if followed:
        assert addresses.redirected("GET", asked, asked, 301, target, allowed) == target
        return
    with pytest.raises(PermanentError, match="not followed"):
        addresses.redirected("GET", asked, asked, 301, target, allowed)


def test_redirect_to_another_host_says_which_and_what_to_write(server: Server) -> None:
    server.script = [answer(301, Location="https://moved.example/feed?key=hunter2")]
    with pytest.raises(PermanentError, match=r"network\.redirect_hosts: \[moved\.example\] in brands\.yaml") as caught:
        Waits().client().get(server.url)
    assert "hunter2" not in str(caught.value)


def test_one_host_may_stand_in_the_inner_network(server: Server) -> None:
    server.script = [answer(200, b"ok")]
    client = Waits().client(allow_private=False, private_hosts=("127.0.0.1",))
    assert client.get(server.url).content == b"ok"
    with pytest.raises(ConfigError, match=r"network\.private_hosts: \[localhost\]"):
        client.get(server.url.replace("127.0.0.1", "localhost"))
