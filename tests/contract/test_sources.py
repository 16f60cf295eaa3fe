"""The contract of every source, found by its module's name: add `sources/x.py` and this asks for `tests/payloads/x/`.

A payload is a recorded answer in its exact shape with invented content. One whose name begins with `bad_` holds rows
that must be refused, any other only rows that are accepted. `tests/golden/x/` holds what is read from it; after a
wanted change write it anew by `python tests/contract/test_sources.py`.
"""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from coolhead import registry
from coolhead.errors import PermanentError
from coolhead.http import Response
from coolhead.rows import Mention
from coolhead.sources import Fetched, Query, Source, SourceSettings
from coolhead.sources.mastodon import id_at
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
        Mention.model_validate({**row, **BOOKKEEPING})
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
