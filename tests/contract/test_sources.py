"""The contract of every source, found by its module's name: add `sources/x.py` and this asks for `tests/payloads/x/`.

A payload is a recorded answer in its exact shape with invented content. One whose name begins with `bad_` holds rows
that must be refused, any other only rows that are accepted. `tests/golden/x/` holds what is read from it; after a
wanted change write it anew by `python tests/contract/test_sources.py`.
"""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from coolhead import registry
from coolhead.clock import Fixed
from coolhead.collecting import Asked as Run
from coolhead.collecting import collect_all
from coolhead.errors import ConfigError, PermanentError
from coolhead.http import Client, Response
from coolhead.plan import Plan
from coolhead.rows import CollectionLog, Cursor, Mention
from coolhead.settings import Settings
from coolhead.sources import Fetched, Query, Source, SourceSettings
from coolhead.sources.mastodon import LIMIT, id_at
from coolhead.store import Store, migrate
from coolhead.windows import Window

HERE = Path(__file__).parents[1]
SOURCES = registry.names("sources")
WINDOW = Window(datetime(2026, 3, 3, 9, tzinfo=UTC), datetime(2026, 3, 3, 9, 5, tzinfo=UTC))
MASTODON = {"base_url": "https://social.example/", "hashtags": ("#zefirella", "zefirella")}
BOOKKEEPING = {"source": "x", "day": "2026-03-03", "known_at": "2026-03-03T12:00:00+00:00", "payload_id": "0"}


def payloads(source: str) -> list[Path]:
    return sorted(p for p in (HERE / "payloads" / source).glob("*") if p.is_file() and not p.name.startswith("."))


ALL = [pytest.param(name, path, id=f"{name}-{path.name}") for name in SOURCES for path in payloads(name)]


def source(name: str) -> Source:
    made = registry.load("sources", name)()
    assert isinstance(made, Source)
    return made


def rows(name: str, path: Path, size: int | None = None) -> list[dict[str, Any]]:
    return list(source(name).mentions(path.read_bytes()[:size], {}))


def lines(found: list[dict[str, Any]]) -> Iterator[str]:
    """ASCII, so that lone surrogates and NUL bytes can stand in a file; very long texts are cut."""
    for row in found:
        short = {k: f"{v[:50]}... ({len(v)})" if isinstance(v, str) and len(v) > 5_000 else v for k, v in row.items()}
        yield json.dumps(short, default=lambda moment: moment.isoformat()) + "\n"


def refused(row: dict[str, Any]) -> bool:
    try:
        Mention.model_validate({n: v for n, v in row.items() if n != "addressed"} | BOOKKEEPING)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize("name", SOURCES)
def test_has_payloads(name: str) -> None:
    assert payloads(name), (
        f"tests/payloads/{name}/ is missing: record one answer of {name}, in its exact shape, with invented content"
    )


@pytest.mark.parametrize("name", SOURCES)
def test_declares_itself(name: str) -> None:
    made = source(name)
    assert made.name == name
    assert made.poll.total_seconds() > 0
    assert made.lag.total_seconds() >= 0
    assert issubclass(made.Settings, SourceSettings)
    text = sys.modules[type(made).__module__].__doc__ or ""
    for word in ("Plan, approval, price", "https://", "Engagement"):
        assert word in text, f"the docstring of sources/{name}.py must say: {word}"


@pytest.mark.parametrize(("name", "path"), ALL)
def test_rows_are_mentions(name: str, path: Path) -> None:
    found = rows(name, path)
    bad = [row for row in found if refused(row)]
    if path.name.startswith("bad_"):
        assert bad
    else:
        assert bad == []
        ids = [row["native_id"] for row in found]
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("name", "path"), ALL)
def test_golden(name: str, path: Path) -> None:
    golden = HERE / "golden" / name / f"{path.name}.jsonl"
    assert golden.exists(), f"write it by: python {Path(__file__).relative_to(HERE.parent)}"
    assert "".join(lines(rows(name, path))) == golden.read_text()


@pytest.mark.parametrize(("name", "path"), ALL)
def test_parsing_twice_is_equal(name: str, path: Path) -> None:
    assert rows(name, path) == rows(name, path)


@pytest.mark.parametrize(("name", "path"), ALL)
@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_truncated_anywhere(name: str, path: Path, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, path.stat().st_size))
    try:
        found = rows(name, path, size)
    except PermanentError:
        return
    for row in found:
        assert isinstance(row, dict)
        refused(row)  # and nothing but a ValidationError comes out of it


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(
    "content", [b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>", b"", b"\x00\xff\xfe", b"null"]
)
def test_what_is_no_payload(name: str, content: bytes) -> None:
    with pytest.raises(PermanentError):
        list(source(name).mentions(content, {}))


class Server:
    """A client whose other side is a function of (address, parameters, headers)."""

    def __init__(self, play: Callable[[str, dict[str, Any], dict[str, str]], Response]) -> None:
        self.play = play

    def get(self, url: str, params: dict[str, Any] | None = None, headers: dict[str, str] | None = None) -> Response:
        return self.play(url, params or {}, headers or {})


def fetched(name: str, server: Server, cursor: dict[str, str], **chosen: Any) -> list[Fetched]:
    made = source(name)
    query = Query("it", (), (), ("zefirella@social.example",), made.Settings.model_validate(chosen))
    return list(made.payloads(query, WINDOW, cursor, server))  # type: ignore[arg-type]


def mastodon(posts: list[int], hidden: int = 0) -> Server:
    """Ids, newest first; the server leaves every post out whose number `hidden` divides, after it has cut the page."""

    def play(url: str, params: dict[str, Any], headers: dict[str, str]) -> Response:
        page = [i for i in sorted(posts, reverse=True) if params["since_id"] < i < params["max_id"]][: params["limit"]]
        return Response(200, {}, json.dumps([{"id": str(i)} for i in page if not hidden or (i >> 16) % hidden]).encode(), url)

    return Server(play)


@pytest.mark.parametrize(("count", "hidden"), [(0, 0), (1, 0), (39, 0), (40, 0), (41, 0), (400, 0), (400, 7)])
def test_mastodon_pages_to_the_end(count: int, hidden: int) -> None:
    first = id_at(WINDOW.start)
    posts = [first + n * 65_536 for n in range(count)]
    pages = fetched(
        "mastodon", mastodon([*posts, id_at(WINDOW.end) + (2_000 << 16), first - (10**7 << 16)], hidden), {}, **MASTODON
    )
    seen = [i for i in posts if not hidden or (i >> 16) % hidden]
    assert sorted(int(s["id"]) for p in pages for s in json.loads(p.content)) == seen
    assert {p.position for p in pages} == ({str(seen[-1])} if seen else set())


def test_mastodon_catches_up_with_a_cursor_that_lies_behind() -> None:
    missed = id_at(WINDOW.start - timedelta(hours=3))
    assert len(fetched("mastodon", mastodon([missed + 1]), {"zefirella": str(missed)}, **MASTODON)) == 1
    assert (
        fetched("mastodon", mastodon([missed + 1]), {"zefirella": str(id_at(WINDOW.start - timedelta(days=9)))}, **MASTODON)
        == []
    )


def test_mastodon_says_when_there_are_too_many_pages() -> None:
    posts = [id_at(WINDOW.start) + n for n in range(4_001)]
    with pytest.raises(PermanentError, match="shorter windows"):
        fetched("mastodon", mastodon(posts), {}, **MASTODON)


def test_mastodon_refuses_other_servers() -> None:
    for body in (b'[{"id": "01HZX"}]', b'{"error": "x"}', b"<html>", b'[{"id": "9999999999999999999"}]'):
        with pytest.raises(PermanentError):
            fetched("mastodon", Server(lambda url, *_, body=body: Response(200, {}, body, url)), {}, **MASTODON)


def test_mastodon_followers() -> None:
    made, answers = (
        source("mastodon"),
        Server(lambda url, params, _: Response(200, {}, json.dumps({"followers_count": 41_200} | params).encode(), url)),
    )
    query = Query("it", (), (), ("@zefirella@social.example",), made.Settings.model_validate(MASTODON))
    assert list(made.followers(query, answers)) == [("@zefirella@social.example", None, 41_200)]  # type: ignore[arg-type]
    with pytest.raises(PermanentError, match="own account"):
        list(made.followers(query, Server(lambda url, *_: Response(200, {}, b"[]", url))))  # type: ignore[arg-type]


TOKEN = "s3cret-t0ken"
Asked = tuple[str, dict[str, str], str | None]
"""Path, parameters and Authorization of a request."""


class Searchable(ThreadingHTTPServer):
    """A Mastodon server that searches as the real one does: both ids cut to whole seconds, newest first, offset, and what
    the account has muted (`hidden`) left out after the page was cut."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asking)
        self.posts: list[int] = []
        self.hidden: set[int] = set()
        self.visibility, self.passes_over_ids = "public", False
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def searches(self) -> list[Asked]:
        return [asked for asked in self.asked if asked[0] == "/api/v2/search"]

    def answer(self, path: str, params: dict[str, str], token: str | None) -> tuple[int, Any]:
        if path != "/api/v2/search":
            return 200, []
        if token != f"Bearer {TOKEN}":
            return (401, {"error": "The access token is invalid"}) if token or "offset" in params else (200, {"statuses": []})
        after, before = (int(params[name]) >> 16 for name in ("min_id", "max_id"))
        inside = [i for i in self.posts if self.passes_over_ids or after // 1_000 + 1 <= (i >> 16) / 1_000 < before // 1_000]
        page = sorted(inside, reverse=True)[int(params["offset"]) :][: int(params["limit"])]
        statuses = [
            {
                "id": str(i), "created_at": datetime.fromtimestamp((i >> 16) / 1_000, UTC).isoformat(), "content": "<p>Zefirella</p>",
                "visibility": self.visibility, "account": {"acct": "lena", "url": f"{self.url}/@lena"},
            }
            for i in page if i not in self.hidden
        ]  # fmt: skip
        return 200, {"accounts": [], "statuses": statuses, "hashtags": [], "collections": []}


class Asking(BaseHTTPRequestHandler):
    server: Searchable

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = (parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()}, self.headers.get("authorization"))
        self.server.asked.append(asked)
        status, found = self.server.answer(*asked)
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def searchable() -> Iterator[Searchable]:
    with Searchable() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def search(
    server: Searchable, *words: str, token: str = TOKEN, cursor: dict[str, str] | None = None, window: Window = WINDOW
) -> list[Fetched]:
    made = source("mastodon")
    chosen = made.Settings.model_validate({"base_url": server.url, "hashtags": ["zefirella"], "search": words})
    query = Query("it", (), (), (), chosen, {"password": token} if token else {})
    assert not token or token not in repr(query)
    return list(made.payloads(query, window, cursor or {}, Client(allow_private=True, retries=0)))


def ids(pages: list[Fetched]) -> list[int]:
    return [int(row["native_id"]) for page in pages for row in source("mastodon").mentions(page.content, page.meta)]


@pytest.mark.parametrize("count", [0, 1, LIMIT - 1, LIMIT, LIMIT + 1, 3 * LIMIT, 3 * LIMIT + 7])
def test_mastodon_search_pages_to_the_end(searchable: Searchable, count: int) -> None:
    at = [id_at(WINDOW.start), id_at(WINDOW.end) - (1 << 16)]  # of one second each, so a page ends within a second
    wanted = [at[n % 2] + n for n in range(count)]
    outside = [id_at(WINDOW.end) + (1_000 << 16), id_at(WINDOW.start) - (10**6 << 16)]
    searchable.posts, searchable.hidden = wanted + outside, set(wanted[3:5])
    pages = search(searchable, "zefirella")
    assert sorted(ids(pages)) == sorted(set(wanted) - searchable.hidden)
    assert {page.stream for page in pages} <= {"search:zefirella"}
    assert {page.position for page in pages[-1:]} == {str(max(set(wanted) - searchable.hidden))} if count else not pages


def test_mastodon_search_asks_so_that_no_post_is_lost_to_whole_seconds(searchable: Searchable) -> None:
    first, last = id_at(WINDOW.start - timedelta(minutes=15)), id_at(WINDOW.end) - 1
    searchable.posts = [first, last]
    assert ids(search(searchable, "zefirella")) == [last, first]
    within = Window(WINDOW.start, WINDOW.end + timedelta(milliseconds=500))
    searchable.posts = [id_at(within.end) - 1]
    assert ids(search(searchable, "zefirella", window=within)) == searchable.posts
    cursor = id_at(WINDOW.start - timedelta(hours=3)) + (500 << 16)
    searchable.posts = [cursor - (5_000 << 16), cursor + 1]
    assert ids(search(searchable, "zefirella", cursor={"search:zefirella": str(cursor)})) == [cursor + 1]


def test_mastodon_search_ends_behind_the_window_where_a_server_passes_over_min_id(searchable: Searchable) -> None:
    searchable.passes_over_ids = True
    searchable.posts = [id_at(WINDOW.start - timedelta(minutes=n)) for n in range(1_000)]
    assert [len(ids([page])) for page in search(searchable, "zefirella")] == [LIMIT]


def test_mastodon_search_says_when_there_are_too_many_pages(searchable: Searchable) -> None:
    searchable.posts = [id_at(WINDOW.start) + n for n in range(100 * LIMIT + 1)]
    with pytest.raises(PermanentError, match=r"search 'zefirella': more than 100 pages .* shorter windows"):
        search(searchable, "zefirella")


def test_mastodon_search_keeps_no_private_post(searchable: Searchable) -> None:
    searchable.posts = [id_at(WINDOW.start)]
    for searchable.visibility in ("direct", "private"):
        with pytest.raises(PermanentError, match="not public"):
            search(searchable, "zefirella")


def test_mastodon_sends_the_token_with_searches_only(searchable: Searchable) -> None:
    search(searchable)
    assert {asked[2] for asked in searchable.asked} == {None}
    search(searchable, "zefirella", "Zefirella   limone", "zefirella")
    found = searchable.searches()
    assert [(params["q"], params["offset"], token) for _, params, token in found] == [
        ("zefirella in:public", "0", f"Bearer {TOKEN}"),
        ('"Zefirella limone" in:public', "0", f"Bearer {TOKEN}"),
    ]
    assert {(params["type"], params["resolve"], params["limit"]) for _, params, _ in found} == {("statuses", "false", "40")}
    assert {asked[2] for asked in searchable.asked if asked not in found} == {None}


@pytest.mark.parametrize("word", ["", " x", "-x", "#x", "from:me", '"x', "x”", "x" * 101])
def test_mastodon_refuses_words_that_are_syntax(word: str) -> None:
    with pytest.raises(ValidationError):
        source("mastodon").Settings.model_validate({**MASTODON, "search": [word]})


@pytest.mark.parametrize("fields", [{}, {"password": None}, {"password": " "}, {"login": TOKEN}])
def test_mastodon_search_without_a_token(searchable: Searchable, fields: dict[str, Any]) -> None:
    made = source("mastodon")
    chosen = made.Settings.model_validate({"base_url": searchable.url, "hashtags": ["zefirella"], "search": ["zefirella"]})
    with pytest.raises(ConfigError, match="field password of the Airflow connection `mastodon`"):
        list(made.payloads(Query("it", (), (), (), chosen, fields), WINDOW, {}, Client(allow_private=True)))
    assert [asked[0] for asked in searchable.asked] == ["/api/v1/timelines/tag/zefirella"]  # not lost with it


def test_credentials_reach_the_source_and_no_log_message_or_file(
    searchable: Searchable, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    where = Settings(tmp_path, f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "plan")
    migrate(where.store)
    plan = Plan.model_validate({
        "brands": {
            "public_url": "https://desk.example", "network": {"allow_private": True},
            "brands": [{"name": "Zefirella", "markets": [{
                "id": "zefirella", "time_zone": "Europe/Rome", "languages": ["it"], "terms": {"any_of": ["zefirella"]},
                "sources": {"mastodon": {"base_url": searchable.url, "hashtags": ["zefirella"], "search": ["zefirella"]}},
            }]}],
        },
        "rules": {"rules": [{"name": "volume", "rule": "threshold", "severity": "S1", "kpi": "volume", "above": 1}]},
        "escalation": {
            "people": [{"id": "a", "name": "A", "roles": ["duty_lead", "crisis_lead", "spokesperson"], "addresses": {"folder": "a"}}],
            "steps": [{"notify": ["duty_lead"], "channels": ["folder"], "wait_minutes": 5}],
        },
    })  # fmt: skip
    searchable.posts = [id_at(WINDOW.start) + n for n in range(LIMIT + 2)]
    span, now = (WINDOW.start, WINDOW.end), Fixed(WINDOW.end + timedelta(minutes=1))
    store = Store(where.store)
    for fields, error in ((None, ConfigError), ({"mastodon": {"password": f"old-{TOKEN}"}}, PermanentError)):
        with pytest.raises(error) as caught:
            collect_all(store, plan, where, now, "mastodon", Run(span), credentials=fields)
        assert TOKEN not in str(caught.value)
    (failed,) = store.read(CollectionLog)
    assert "credentials" in (failed.error or "")
    (line,) = collect_all(store, plan, where, now, "mastodon", Run(span), credentials={"mastodon": {"password": TOKEN}})
    assert f"{LIMIT + 2} mentions, 0 refused" in line
    assert [c.stream for c in store.read(Cursor)] == ["search:zefirella"]
    store.close()
    assert caplog.records
    assert TOKEN not in caplog.text
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_feed_asks_conditionally_and_one_dead_feed_hides_no_other() -> None:
    body = (HERE / "payloads" / "feed" / "google_alerts.xml").read_bytes()
    asked: list[dict[str, str]] = []

    def play(url: str, params: dict[str, Any], headers: dict[str, str]) -> Response:
        asked.append(headers)
        if "dead" in url:
            raise PermanentError("gone")
        return Response(304 if "If-None-Match" in headers else 200, {"etag": '"7"'}, body, url)

    urls = ("https://dead.example/feed", "https://live.example/feed?token=s")
    (page,) = fetched("feed", Server(play), {}, urls=urls[1:])
    assert (page.stream, page.origin) == (urls[1], "https://live.example/feed")
    assert page.position is not None
    assert fetched("feed", Server(play), {page.stream: page.position}, urls=urls[1:]) == []
    assert asked[-1]["If-None-Match"] == '"7"'
    made = source("feed")
    query = Query("it", (), (), (), made.Settings.model_validate({"urls": urls}))
    found = made.payloads(query, WINDOW, {}, Server(play))  # type: ignore[arg-type]
    assert next(iter(found)).stream == urls[1]
    with pytest.raises(PermanentError, match="gone"):
        next(iter(found))


if __name__ == "__main__":
    for made in SOURCES:
        folder = HERE / "golden" / made
        folder.mkdir(parents=True, exist_ok=True)
        for recorded in payloads(made):
            (folder / f"{recorded.name}.jsonl").write_text("".join(lines(rows(made, recorded))))


def test_a_token_goes_to_no_server_but_its_own() -> None:
    source = registry.load("sources", "mastodon")()
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    chosen = source.Settings(base_url="https://other.example", hashtags=("zefirella",), search=("zefirella",))
    owned = {"host": "https://social.example", "password": "secret-token"}
    query = Query("zefirella", ("zefirella",), ("en",), (), chosen, credentials=owned)
    with pytest.raises(ConfigError, match=r"belongs to https://social\.example, not to https://other\.example") as error:
        list(source._search(query, "zefirella", Window(noon, noon), None, Client()))
    assert "secret-token" not in str(error.value)
