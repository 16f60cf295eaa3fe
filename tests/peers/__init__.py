"""Networks on loopback: what Coolhead listens to, played over real HTTP in the exact shapes of their APIs.

A peer is one module, named after its source: it shows an invented `World` as its network would, with that network's paging,
limits, ids and ways of saying that something is gone. `Network` serves a peer, and commits faults on demand. Tests ask that
what a source stores of a world equals what the world holds; nothing in a peer knows the source's code.
"""

import importlib
import json
import socketserver
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from urllib.parse import parse_qsl, urlsplit

BRAND = "Zefirella"
OWN = "zefirella"
"""The brand's own account; a network that numbers its accounts makes its number of it."""


@dataclass(frozen=True)
class Post:
    """One public post of the world."""

    number: int
    """Runs over the world; a peer makes the network's own id of it."""
    at: datetime
    text: str = f"{BRAND}: non ci siamo"
    author: str = "lena"
    audience: int = 120
    likes: int = 3
    comments: int = 1
    shares: int = 2
    parent: int | None = None
    repost_of: int | None = None
    edited_at: datetime | None = None


class World:
    """What all people have published so far. `now` is the world's clock; later posts are not to be seen yet."""

    def __init__(self, posts: Iterable[Post] = (), now: Callable[[], datetime] | None = None) -> None:
        self._lock = threading.Lock()
        self._posts = {p.number: p for p in posts}
        self.now = now or (lambda: datetime.max.replace(tzinfo=UTC))
        self.removed: dict[int, Literal["author", "brand", "network"]] = {}
        self.followers = 41_200

    def publish(self, *posts: Post) -> None:
        with self._lock:
            self._posts |= {p.number: p for p in posts}

    def edit(self, number: int, **changes: Any) -> None:
        with self._lock:
            self._posts[number] = replace(self._posts[number], **changes)

    def remove(self, number: int, by: Literal["author", "brand", "network"] = "author") -> None:
        with self._lock:
            self.removed[number] = by

    def find(self, number: int) -> Post | None:
        """Whether removed or not; `removed` says."""
        return self._posts.get(number)

    def seen(self, since: datetime | None = None, until: datetime | None = None) -> list[Post]:
        """What can be seen now and was published in [since, until), newest first; of one moment, the later number first."""
        with self._lock:
            now = self.now()
            inside = [
                p for p in self._posts.values()
                if p.at <= now and p.number not in self.removed and (since is None or p.at >= since) and (until is None or p.at < until)
            ]  # fmt: skip
        return sorted(inside, key=lambda p: (p.at, p.number), reverse=True)


class Passing:
    """A clock that stands, but passes while somebody waits: its `sleep` is what a client sleeps with."""

    def __init__(self, moment: datetime) -> None:
        self.moment, self.waited = moment, list[float]()

    def now(self) -> datetime:
        return self.moment

    def at(self, wall: datetime) -> datetime:
        return self.moment

    def wall_seconds(self, span: timedelta) -> float:
        return span.total_seconds()

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.moment += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Request:
    """What a client asks; names of headers in lower case."""

    method: str
    path: str
    params: Mapping[str, str]
    """The last value of each name; `listed` gives all."""
    headers: Mapping[str, str]
    body: bytes
    base: str
    """Address of the server, for links to next pages."""
    query: str = ""

    def number(self, name: str, default: int) -> int:
        return int(self.params.get(name) or default)

    def listed(self, name: str) -> list[str]:
        return [value for key, value in parse_qsl(self.query) if key == name]


@dataclass(frozen=True)
class Answer:
    """`body`: bytes as they are, anything else as JSON."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, ensure_ascii=False).encode()


class Peer(ABC):
    """One network. `world` is what it shows."""

    page: ClassVar[int | None] = None
    """Posts on a full page as the source asks for it; None: the network has no pages (a feed)."""
    most: ClassVar[int] = 1_000
    """Posts of one window that can be seen at all."""
    apart: ClassVar[timedelta] = timedelta()
    """Posts whose times lie closer than this cannot be told apart by the network's times (whole seconds, days)."""
    removals: ClassVar[frozenset[str]] = frozenset()
    """Who may have removed a post so that the network says it when asked by id: of author, brand, network; `unknown` where it
    says only that it is gone. Empty: it cannot be asked by id."""
    edits: ClassVar[bool] = True
    """Whether text and counts of a post may change, and be seen."""
    history: ClassVar[timedelta | None] = None
    """How far back it answers."""

    def __init__(self, world: World) -> None:
        self.world = world

    @abstractmethod
    def settings(self, base: str) -> dict[str, Any]:
        """What the plan says under `sources`, for a server at this address."""

    def credentials(self) -> dict[str, Any]:
        """Fields of the Airflow connection."""
        return {}

    def own_accounts(self) -> tuple[str, ...]:
        return (OWN,)

    @abstractmethod
    def native_id(self, post: Post) -> str:
        """The network's own id of a post."""

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """What the network answers. A wrong token gets what the network gives for it."""


def load(name: str, world: World) -> Peer:
    """The peer of a source's name."""
    module = importlib.import_module(f"peers.{name}")
    (kind,) = [
        k for k in vars(module).values() if isinstance(k, type) and issubclass(k, Peer) and k.__module__ == module.__name__
    ]
    made: Peer = kind(world)
    return made


def names() -> list[str]:
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))


Fault = Literal["401", "404", "429", "500", "503", "hang", "drop", "cut", "malformed", "html", "slow"]
"""hang: accepts and never answers; drop: closes without an answer; cut: ends in the middle of the body; malformed: half of the body, as if whole; html: an
error page that says 200; slow: a byte at a time."""


class Network:
    """Serves a peer on a free loopback port; a context manager.

    `faults` are committed in order, one per request, None meaning none; afterwards `fault(request)` decides, if given.
    `asked` holds what was asked, `committed` counts the faults (an answer without a body cannot be cut), `retry_after` is what
    a 429 or 503 says.
    """

    def __init__(
        self, peer: Peer, faults: Iterable[Fault | None] = (), fault: Callable[[Request], Fault | None] | None = None
    ) -> None:
        self.peer, self.faults, self.fault = peer, list(faults), fault
        self.asked: list[Request] = []
        self.committed = 0
        self.retry_after: str = "7"
        self.released = threading.Event()
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.network = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def settings(self) -> dict[str, Any]:
        return self.peer.settings(self.url)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def next_fault(self, request: Request) -> Fault | None:
        with self._lock:
            self.asked.append(request)
            if self.faults:
                return self.faults.pop(0)
        return self.fault(request) if self.fault else None


def _told(network: Network, request: Request) -> tuple[Answer, Fault | None]:
    """What is sent, and the fault that is in it or in the sending."""
    fault = network.next_fault(request)
    if fault in {"401", "404", "429", "500", "503"}:
        waits = {"Retry-After": network.retry_after} if fault in {"429", "503"} else {}
        return Answer({"error": {"code": int(fault), "message": "no"}}, int(fault), waits), fault
    if fault == "html":
        page = b"<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>"
        return Answer(page, 200, {"Content-Type": "text/html"}), fault
    answer = network.peer.answer(request) if fault not in {"hang", "drop"} else Answer(b"")
    if fault in {"cut", "malformed"} and (answer.status == 304 or len(answer.content()) < 2):
        return answer, None
    return (replace(answer, body=_half(answer.content())) if fault == "malformed" else answer), fault


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    network: Network

    def server_bind(self) -> None:
        # HTTPServer's own looks the host's name up, which takes seconds on some machines
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"
    timeout = 30

    def _serve(self) -> None:
        network, parts = self.server.network, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = Request(
            self.command, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()}, body, network.url, parts.query,
        )  # fmt: skip
        answer, fault = _told(network, request)
        network.committed += fault is not None
        if fault in {"hang", "drop"}:
            if fault == "hang":
                network.released.wait(30)
            self.close_connection = True
        else:
            self._send(answer, fault)

    do_GET = do_POST = do_PUT = _serve

    def _send(self, answer: Answer, fault: Fault | None = None) -> None:
        content = b"" if answer.status in {204, 304} else answer.content()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if fault == "cut":
            self.wfile.write(_half(content))
            self.close_connection = True
        elif fault == "slow":
            for at in range(len(content)):
                if self.server.network.released.wait(0.05):
                    break
                self.wfile.write(content[at : at + 1])
                self.wfile.flush()
        else:
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests' output belongs to the tests."""

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            return  # the client gave up, as it should


def _half(content: bytes) -> bytes:
    return content[: max(1, len(content) // 2)] if content else content


def http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def iso(moment: datetime, fraction: str = "milliseconds") -> str:
    """2026-03-03T09:00:00.000Z"""
    return moment.isoformat(timespec=fraction).replace("+00:00", "Z")


def unix(moment: datetime) -> int:
    return int(moment.timestamp())
