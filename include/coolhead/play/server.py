"""Plays the two networks of the story on a free local port: a Mastodon server and a news feed.

Only what was published up to `now()` can be seen, gated posts only after `publish()`. While the Mastodon server
is down it answers 503; the feed goes on.
"""

import hashlib
import json
import socketserver
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from coolhead.play import feed, mastodon, story
from coolhead.play.post import BRAND, HASHTAG, OWN, Post

TIMELINE = f"/api/v1/timelines/tag/{HASHTAG}"
LOOKUP = "/api/v1/accounts/lookup"
FEED = "/feeds/news.xml"
FEED_SPAN = timedelta(days=25)
PAGE, MOST = 20, 40
DOWN = b"<!DOCTYPE html><html><head><title>503</title></head><body><h1>We are down for maintenance</h1></body></html>"

Answer = tuple[HTTPStatus, dict[str, str], bytes]


class StoryServer:
    """A context manager; `requests` counts what was asked, by path."""

    def __init__(self, now: Callable[[], datetime], posts: Iterable[Post] | None = None) -> None:
        told = story.posts() if posts is None else list(posts)
        self._now = now
        self._lock = threading.Lock()
        self._shown = {int(post.id): post for post in told if post.network == "mastodon" and not post.gated}
        self._gated = [post for post in told if post.gated]
        self._articles = [post for post in told if post.network == "news"]
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.play = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.requests: Counter[str] = Counter()
        self.published_at: datetime | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def publish(self, at: datetime) -> list[Post]:
        """A person has approved: the statement stands from `at` on, replies follow. Only the first call counts."""
        with self._lock:
            if self.published_at is not None:
                return []
            self.published_at = at
            moved = story.released(at, self._gated)
            self._shown = self._shown | {int(post.id): post for post in moved}
            return moved

    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        """What a GET of `target` gets; names of headers in lower case."""
        parts, now = urlsplit(target), self._now()
        with self._lock:
            self.requests[parts.path] += 1
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path == FEED:
            return self._feed(now, headers)
        if parts.path.startswith("/api/") and story.OUTAGE <= now < story.OUTAGE_END:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"Content-Type": "text/html; charset=utf-8"}, DOWN
        if parts.path.lower() == TIMELINE:
            return self._timeline(now, asked)
        if parts.path == LOOKUP and asked.get("acct", "").removeprefix("@") in {OWN, mastodon.acct(OWN)}:
            return self._json(now, mastodon.account(OWN, BRAND, story.followers(now), now))
        return self._json(now, {"error": "Record not found"}, HTTPStatus.NOT_FOUND)

    def _timeline(self, now: datetime, asked: Mapping[str, str]) -> Answer:
        seen = {number: post for number, post in self._shown.items() if post.at <= now}
        limit = min(_number(asked.get("limit")) or PAGE, MOST)
        bounds = (_number(asked.get(name)) for name in ("max_id", "since_id", "min_id"))
        taken = mastodon.page(sorted(seen), limit, *bounds)
        body = [mastodon.status(seen[number], lambda key: seen.get(int(key))) for number in taken]
        return self._json(now, body, link=mastodon.links(self.url, limit, taken) if taken else "")

    def _feed(self, now: datetime, headers: Mapping[str, str]) -> Answer:
        recent = [post for post in self._articles if now - FEED_SPAN < post.at <= now]
        body = feed.atom(recent, now.replace(microsecond=0))
        newest = max((post.at for post in recent), default=now)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"' if recent else '"empty"'
        told = {"ETag": tag, "Last-Modified": format_datetime(newest, usegmt=True)}
        if tag in headers.get("if-none-match", ""):
            return HTTPStatus.NOT_MODIFIED, told, b""
        return HTTPStatus.OK, told | {"Content-Type": "application/atom+xml; charset=utf-8"}, body

    def _json(self, now: datetime, body: Any, code: HTTPStatus = HTTPStatus.OK, link: str = "") -> Answer:
        # a story's clock may stand still, so the allowance never runs out
        reset = now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0) + timedelta(minutes=5)
        told = {
            "Content-Type": "application/json; charset=utf-8",
            "X-RateLimit-Limit": "300",
            "X-RateLimit-Remaining": "299",
            "X-RateLimit-Reset": reset.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
        }
        return code, told | ({"Link": link} if link else {}), json.dumps(body, ensure_ascii=False).encode()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    play: StoryServer

    def server_bind(self) -> None:
        # HTTPServer's own looks the host's name up, which takes seconds on some machines
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    timeout = 30

    def do_GET(self) -> None:
        code, headers, body = self.server.play.answer(self.path, {name.lower(): value for name, value in self.headers.items()})
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        if code != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the demo's console belongs to the demo."""


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
