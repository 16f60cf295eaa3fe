"""`coolhead parse` on files as they were kept: one body, or a list of recorded exchanges, whole, broken, or of something else."""

import base64
import codecs
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coolhead.cli import main
from coolhead.errors import ConfigError
from coolhead.recorded import bodies

PAYLOADS = Path(__file__).parents[1] / "payloads"
TIMELINE = (PAYLOADS / "mastodon" / "hashtag_timeline.json").read_bytes()
STATUSES = json.loads(TIMELINE)
FOREIGN = {"kind": "Listing", "data": {"children": []}}


def exchange(body: Any, status: Any = 200, **more: Any) -> dict[str, Any]:
    return {
        "method": "GET",
        "uri": "https://social.example/api/v1/timelines/tag/zefirella",
        "status": status,
        "body": body,
        **more,
    }


@pytest.fixture
def parse(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[dict[str, Any]], str]]:
    """parse(content, source=): status, rows, what is said. Whatever is no bytes is written as JSON."""

    def run(content: Any, source: str = "mastodon") -> tuple[int, list[dict[str, Any]], str]:
        path = tmp_path / "recorded.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        status = main(["parse", source, str(path)])
        out, err = capsys.readouterr()
        return status, [json.loads(line) for line in out.splitlines()], err

    return run


Parse = Callable[..., tuple[int, list[dict[str, Any]], str]]


def ids(statuses: list[dict[str, Any]]) -> list[str]:
    return [s["id"] for s in statuses]


SHAPES: dict[str, Any] = {
    "JSON": STATUSES,
    "text": json.dumps(STATUSES),
    "string": {"string": json.dumps(STATUSES), "encoding": "utf-8"},
    "base64": {"base64_string": base64.b64encode(TIMELINE).decode(), "encoding": "utf-8"},
    "base64 in lines": {"base64_string": base64.encodebytes(TIMELINE).decode()},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_body_of_an_exchange_in_every_shape(shape: str, parse: Parse) -> None:
    status, rows, said = parse([exchange(SHAPES[shape])])
    assert (status, said) == (0, "")
    assert rows == parse(TIMELINE)[1]
    assert len(rows) == len(STATUSES) > 1


def test_an_object_as_body(parse: Parse) -> None:
    """A search holds its statuses in an object."""
    assert [r["native_id"] for r in parse([exchange({"statuses": STATUSES, "accounts": [], "hashtags": []})])[1]]


def test_a_timeline_is_a_list_too(parse: Parse) -> None:
    assert len(parse(TIMELINE)[1]) == len(STATUSES)
    assert parse(b"[]") == (0, [], "")


@pytest.mark.parametrize("status", [500, 401, 301, "503", {"code": 404, "message": "Not Found"}, {"code": "429"}, 100])
def test_what_was_refused_has_no_posts(status: Any, parse: Parse) -> None:
    page = "<html><body><h1>We will be back soon</h1></body></html>"
    done, rows, said = parse([exchange(page, status), exchange(STATUSES, {"code": 200, "message": "OK"})])
    assert (done, len(rows), said) == (0, len(STATUSES), "")


@pytest.mark.parametrize("status", [200, "200", {"code": 200}, {"code": "200"}, {}, None, "OK", 206])
def test_a_status_in_every_form(status: Any, parse: Parse) -> None:
    assert len(parse([exchange(STATUSES, status)])[1]) == len(STATUSES)


@pytest.mark.parametrize("nothing", [None, "", {"string": ""}, {"base64_string": ""}])
def test_an_answer_without_a_body_is_passed_over(nothing: Any, parse: Parse) -> None:
    assert parse([exchange(nothing), exchange(STATUSES)])[2] == ""


@pytest.mark.parametrize("held", [[exchange(None, 204)], [exchange("no", 500), exchange("", 200)]])
def test_nothing_but_refusals_is_said(held: Any, parse: Parse) -> None:
    status, rows, said = parse(held)
    assert (status, rows, said.count("\n")) == (1, [], 1)
    assert f"recorded.json: holds {len(held)} recorded exchanges, and none of them an answer with a body" in said


def test_nothing_but_foreign_bodies_is_one_clear_line(parse: Parse) -> None:
    status, rows, said = parse([exchange("", 302), exchange(FOREIGN), exchange("<html>hello</html>")])
    assert (status, rows, said.count("\n")) == (1, [], 1)
    assert said.startswith("coolhead: ") and "recorded.json: exchange 2: payload: " in said


def test_a_foreign_body_among_others_is_named(parse: Parse) -> None:
    status, rows, said = parse([exchange(STATUSES), exchange({"base64_string": "no base64"}), exchange(FOREIGN)])
    assert (status, len(rows)) == (0, len(STATUSES))
    assert [line.partition(":")[0] for line in said.splitlines()] == ["exchange 2 passed over", "exchange 3 passed over"]


def test_a_mention_in_several_exchanges_is_shown_once(parse: Parse) -> None:
    assert [r["native_id"] for r in parse([exchange(STATUSES[:3]), exchange(STATUSES[1:])])[1]] == ids(STATUSES)


def test_refused_rows_of_all_exchanges_are_counted(parse: Parse) -> None:
    bad = (PAYLOADS / "mastodon" / "bad_parts.json").read_bytes()
    alone, (status, rows, said) = parse(bad), parse([exchange(json.loads(bad)), exchange(json.loads(bad)), exchange(STATUSES)])
    assert alone[2].splitlines()[-1] == "8 rows refused"
    assert (status, said.splitlines()[-1]) == (0, "16 rows refused")
    assert len(rows) == len({r["native_id"] for r in rows}) == len({r["native_id"] for r in alone[1]} | set(ids(STATUSES)))


def test_a_list_that_is_half_exchanges_is_a_body(parse: Parse) -> None:
    """Nothing is guessed: it is read as what it says it is."""
    status, rows, said = parse([exchange(STATUSES), {"id": "1"}])
    assert rows == []
    assert "refused row 0: " in said or status == 1


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[", b"\xff\xfe\x00", b'[{"method": "GET", "body": "\xc3\x28"}]', b"[" * 200_000, b"[" + b"1" * 5_000 + b"]",
        b'[{"method": "GET", "body": "\\ud800"}]', b'[{"method": "GET", "body": 1}]', b'[{"method": "GET", "body": NaN}]',
        b'[{"method": "GET", "body": {"string": 5}}]', b'[{"method": "GET", "body": true, "headers": {"Content-Type": []}}]',
        b'[{"method": "GET", "body": "x", "headers": [["Content-Type", "a"]], "status": "' + b"9" * 5_000 + b'"}]',
    ],
    ids=range(12),
)  # fmt: skip
@pytest.mark.parametrize("source", ["mastodon", "feed"])
def test_whatever_is_broken_is_one_line_and_never_a_traceback(content: bytes, source: str, parse: Parse) -> None:
    status, rows, said = parse(content, source)
    assert (status, rows, said.count("\n")) == (1, [], 1)
    assert said.startswith("coolhead: ")


def test_a_byte_order_mark_and_blanks_before_it(parse: Parse) -> None:
    kept = json.dumps([exchange(STATUSES)]).encode()
    assert len(parse(codecs.BOM_UTF8 + kept)[1]) == len(parse(b"\n  " + kept)[1]) == len(STATUSES)


def test_a_feed_in_an_exchange_keeps_its_content_type(parse: Parse, tmp_path: Path) -> None:
    feed = (PAYLOADS / "feed" / "google_alerts.xml").read_bytes()
    headers = {"content-type": ["application/atom+xml; charset=utf-8"]}
    kept = [exchange({"string": feed.decode()}, headers=headers), exchange({"base64_string": base64.b64encode(feed).decode()})]
    assert parse(kept, "feed")[1] == parse(feed, "feed")[1] != []
    parse(kept, "feed")
    found = list(bodies("feed", tmp_path / "recorded.json"))
    assert [b.meta["content_type"] for b in found] == [headers["content-type"][0], ""]
    assert [b.where for b in found] == ["exchange 1", "exchange 2"]


def test_a_large_list_is_read_whole(parse: Parse) -> None:
    many = [exchange([{**STATUSES[0], "id": str(10_000 * n + i)} for i in range(40)]) for n in range(50)]
    status, rows, _ = parse(many)
    assert (status, len({r["native_id"] for r in rows})) == (0, 2_000)


@pytest.mark.parametrize("source", ["mastodon", "files"])
def test_a_folder_and_a_file_that_is_not_there(source: str, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    with pytest.raises(ConfigError, match=r"inbox: is a folder; name one of its files"):
        list(bodies(source, tmp_path / "inbox"))
    with pytest.raises(ConfigError, match=r"nothing.csv: there is no such file"):
        list(bodies(source, tmp_path / "nothing.csv"))


def test_an_export_is_never_taken_for_exchanges(parse: Parse) -> None:
    """A tool may name its columns as it likes."""
    rows = [{"method": "GET", "body": "{}", "native_id": "1", "published_at": "2026-03-03T12:00:00Z", "text": "Zefirella"}]
    status, _, said = parse(rows, "files")
    assert "exchange" not in said and status in {0, 1}
