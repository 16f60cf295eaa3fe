"""The folder of exports: known layouts, bad input, big files, and what is left alone."""

import csv
import io
import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from coolhead import registry
from coolhead.errors import ConfigError, PermanentError
from coolhead.http import Client
from coolhead.rows import Mention
from coolhead.sources import Query, _chunks, _tables
from coolhead.sources._cells import count_of, id_of, time_of, written
from coolhead.sources._exports import plain
from coolhead.sources._layouts import EXPORTS, matching
from coolhead.sources.files import Files, Settings, layout_of, layouts, read
from coolhead.windows import Window

HEAD = "native_id,published_at,text,author,likes\n"
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON)


def rows_of(path: Path, **kwargs: Any) -> list[dict[str, Any]]:
    return [
        row
        for part in read(path, Settings(**kwargs))
        for row in Files().mentions(part.content, json.loads(json.dumps(part.meta)))
    ]


def reason(row: dict[str, Any]) -> str:
    try:
        Mention.model_validate({**row, "source": "files", "day": "2026-03-03", "known_at": NOON, "payload_id": "0"})
    except ValidationError as error:
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    return ""


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding, "surrogatepass"))
    return path


def poll(folder: Path, cursor: dict[str, str] | None = None, **kwargs: Any) -> list[Any]:
    query = Query("it", ("zefirella",), ("it",), (), Settings(folder=str(folder), **kwargs))
    return list(Files().payloads(query, WINDOW, cursor or {}, Client()))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = (
        HEAD.replace(",", delimiter)
        + delimiter.join(["1", "2026-03-03T09:00:00Z", '"è, a; b\tc|d\r\n""żółć"""', "budi", "3"])
        + "\r\n"
    )
    path = write(tmp_path / "a.csv", ("\ufeff" if encoding == "utf-16-le" else "") + text, encoding)
    (row,) = rows_of(path)
    assert row["text"] == 'è, a; b\tc|d\r\n"żółć"'
    assert row["published_at"] == datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert reason(row) == ""


def test_named_encoding_and_sep_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "sep=;\n" + HEAD.replace(",", ";") + "1;2026-03-03T09:00:00Z;perché;a;1\n", "cp1252")
    assert reason(rows_of(path)[0]) == "text: Value error, holds a lone surrogate, which is no character"
    assert rows_of(path, encoding="cp1252")[0]["text"] == "perché"
    with pytest.raises(ConfigError, match="cp12520"):
        rows_of(path, encoding="cp12520")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1,2026-03-03T09:00:00,naive,a,1", "published_at: Value error, has no time zone"),
        ("1,03/04/2026,which is the month,a,1", "published_at: Input should be a valid datetime"),
        ("1,45000.5,a number,a,1", "published_at: Input should be a valid datetime"),
        ("1,9999-12-31T23:59:59-10:00,the end,a,1", "published_at: Input should be a valid datetime"),
        ("1,,no time,a,1", "published_at: Field required"),
        ("1,2026-03-03T09:00:00Z,minus,a,-4", "likes: Input should be greater than or equal to 0"),
        ("1,2026-03-03T09:00:00Z,rounded,a,1.2K", "likes: Input should be a valid integer"),
        ("1,2026-03-03T09:00:00Z,half,a,1.5", "likes: Input should be a valid integer"),
        ("1,2026-03-03T09:00:00Z,nul \x00,a,1", "text: Value error, holds a NUL byte"),
        ("1.2E+17,2026-03-03T09:00:00Z,rounded id,a,1", "native_id: Input should be a valid string"),
        ("1,2026-03-03T09:00:00Z,short,a", "ragged_row: Extra inputs"),
        ("1,2026-03-03T09:00:00Z,long,a,1,2", "ragged_row: Extra inputs"),
        (f"1,2026-03-03T09:00:00Z,{'x' * 1_000_000},a,1", "should have at most 65536"),
        ('1,2026-03-03T09:00:00Z,"open,a,1', "unreadable_record: Extra inputs"),
    ],
)
def test_bad_rows_are_refused_with_a_reason(tmp_path: Path, line: str, why: str) -> None:
    good = "2,2026-03-03T09:00:00Z,good,a,1"
    found = rows_of(write(tmp_path / "a.csv", f"{HEAD}{good}\n{line}\n{good}\n"))
    assert len(found) == 3
    assert why in reason(found[1])
    assert [reason(found[0]), reason(found[2])] == ["", ""]


def test_future_is_left_to_the_edge(tmp_path: Path) -> None:
    (row,) = rows_of(write(tmp_path / "a.csv", HEAD + "1,2126-03-03T09:00:00Z,later,a,1\n"))
    assert row["published_at"].year == 2126


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv", f"\n\n{HEAD}\n1,2026-03-03T09:00:00Z,a,b,1\n\n,,,,\n   \n2,2026-03-03T09:00:00Z,a,b,1,,\n\n"
    )
    assert [row.get("native_id") for row in rows_of(path)] == ["1", "2"]


def test_time_zone_and_format(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEAD + "1,03/04/2026 09:00,a,b,1\n")
    (row,) = rows_of(path, time_zone="Europe/Rome", time_format="%d/%m/%Y %H:%M")
    assert row["published_at"].astimezone(UTC) == datetime(2026, 4, 3, 7, tzinfo=UTC)
    with pytest.raises(ValidationError, match="Europe/Rome"):
        Settings(time_zone="Rome")


def test_id_is_derived_stably(tmp_path: Path) -> None:
    text = "published_at,text\n2026-03-03T09:00:00+00:00,uno\n2026-03-03T10:00:00+01:00,uno\n2026-03-03T09:00:00Z,due\n"
    ids = [row["native_id"] for row in rows_of(write(tmp_path / "a.csv", text))]
    assert ids[0] == ids[1] != ids[2]
    assert all(i.startswith("h-") for i in ids)


def test_unknown_layout_prints_the_mapping(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Kiedy,Treść,Message: full,Likes\n2026-03-03T09:00:00Z,cieknie,x,3\n")
    with pytest.raises(ConfigError) as caught:
        rows_of(path)
    message = str(caught.value)
    for part in ("a.csv", "files:\n  mapping:", 'published_at: "..."', "likes: Likes", "Kiedy, Treść, Message: full, Likes"):
        assert part in message
    (row,) = rows_of(path, mapping={"published_at": "Kiedy", "text": "Treść"})
    assert row["text"] == "cieknie"
    with pytest.raises(ConfigError, match="lacks: Kiedyś"):
        rows_of(path, mapping={"published_at": "Kiedyś", "text": "Treść"})


def test_mapping_is_checked() -> None:
    with pytest.raises(ValidationError, match="ours are"):
        Settings(mapping={"when": "Date"})
    with pytest.raises(ValidationError, match="missing"):
        Settings(mapping={"text": "Text"})


def test_nested_json_and_two_columns_of_one_name(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        '{"id": 7, "at": "2026-03-03T09:00:00Z", "post": {"text": "ciao"}}\n\n{"broken\n[1]\n{"id": "\\ud83d"}\n',
    )
    found = rows_of(path, mapping={"native_id": "id", "published_at": "at", "text": "post.text"})
    assert found[0] == {"native_id": "7", "published_at": datetime(2026, 3, 3, 9, tzinfo=UTC), "text": "ciao"}
    assert len(found) == 4
    assert all(reason(row) for row in found[1:])
    twice = write(tmp_path / "b.csv", "date,text,text\n2026-03-03T09:00:00Z,first,second\n")
    assert rows_of(twice)[0]["text"] == "first"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", b"", PermanentError),
        ("a.csv", b"\n \n", PermanentError),
        ("a.json", b'[{"id": 1}]', PermanentError),
        ("a.xlsx", b"PK\x03\x04 and then nothing", PermanentError),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", PermanentError),
        ("a.csv", b"\xff\xfea\x00b", PermanentError),
        ("a.pdf", b"%PDF-1.7", ConfigError),
        ("a.csv", bytes(range(256)), ConfigError),
    ],
)
def test_no_export(tmp_path: Path, name: str, content: bytes, kind: type[Exception]) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(kind, match=name):
        rows_of(path)


def test_header_only_is_no_row(tmp_path: Path) -> None:
    assert rows_of(write(tmp_path / "a.csv", HEAD)) == []


def test_excel(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["a cover sheet"])  # type: ignore[union-attr]
    sheet = book.create_sheet("Posts")
    sheet.append(["Date", "Text", "Followers", "ID"])
    sheet.append([datetime(2026, 3, 3, 9), "Zefirella", 1200.0, 2926302.0])  # ruff: ignore[call-datetime-without-tzinfo]
    book.save(tmp_path / "a.xlsx")
    (row,) = rows_of(tmp_path / "a.xlsx", time_zone="Asia/Jakarta")
    assert row["published_at"].astimezone(UTC) == datetime(2026, 3, 3, 2, tzinfo=UTC)
    assert (row["audience"], row["native_id"]) == (1200.0, "2926302")
    assert reason(row) == ""
    assert "time zone" in reason(rows_of(tmp_path / "a.xlsx")[0])


def test_big_files_are_split_between_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "".join(f'{i},2026-03-03T09:00:00Z,"riga {i}\nsotto",a,1\n' for i in range(200))
    path = write(tmp_path / "a.csv", HEAD + body)
    whole = rows_of(path)
    monkeypatch.setattr(_chunks, "CHUNK", 1_000)
    parts = list(read(path))
    assert len(parts) > 5
    assert b"".join(p.content for p in parts).decode() == body
    assert rows_of(path) == whole
    assert [p.meta["first_row"] for p in parts][:2] == [
        2,
        2 + sum(1 for _ in Files().mentions(parts[0].content, parts[0].meta)),
    ]
    assert len({(p.stream, p.position) for p in parts}) == 1


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.lists(st.text(st.sampled_from('ab",\n\r;è'), max_size=6), min_size=5, max_size=5), max_size=12),
    st.integers(1, 40),
)
def test_chunks_never_change_the_rows(records: list[list[str]], size: int) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([HEAD.strip().split(","), *records])
    content = out.getvalue().encode() + b'9,"open\n8,x\n'
    before = _chunks.CHUNK
    try:
        whole = list(Files().mentions(content, {}))
        _chunks.CHUNK = size
        assert list(Files().mentions(content, {})) == whole
    finally:
        _chunks.CHUNK = before
    assert (
        [row.get("text") for row in whole if "unreadable_record" not in row][: len(records)]
        or not records
        or not whole[-1].get("text")
    )


def test_unchanged_files_are_not_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEAD + "1,2026-03-03T09:00:00Z,a,b,1\n")
    (first,) = poll(tmp_path)
    cursor = {first.stream: first.position}
    assert poll(tmp_path, cursor) == []
    assert len(poll(tmp_path, cursor, time_zone="Europe/Rome")) == 1  # read otherwise, so read again
    write(path, HEAD + "1,2026-03-03T09:00:00Z,a,b,1\n2,2026-03-03T09:00:00Z,a,b,1\n")
    assert len(poll(tmp_path, cursor)) == 1


def test_unfinished_and_hidden_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("a.csv.part", "a.tmp", ".hidden.csv", "~$a.xlsx", "a.crdownload"):
        write(tmp_path / name, "x")
    (tmp_path / ".git").mkdir()
    write(tmp_path / ".git" / "b.csv", "x")
    assert poll(tmp_path) == []


def test_one_bad_file_hides_no_other(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "no,layout\n1,2\n")
    write(tmp_path / "b.csv", HEAD + "1,2026-03-03T09:00:00Z,a,b,1\n")
    query = Query("it", (), (), (), Settings(folder=str(tmp_path)))
    found = []
    with pytest.raises(ConfigError, match=r"a\.csv"):
        for part in Files().payloads(query, WINDOW, {}, Client()):
            found.append(part.stream)
    assert found == ["b.csv"]


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        poll(tmp_path / "none")


def test_layout_of() -> None:
    folder = Path(__file__).parents[1] / "payloads" / "files"
    names = {path.name: layout_of(path).name for path in folder.iterdir()}
    assert names["twitter_support.csv"] == "twitter support"
    assert names["coolhead_columns.csv"] == "coolhead"
    assert names["listening_tool.csv"] == names["posts.xlsx"] == names["posts.jsonl"] == "guessed"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("1,234", 1234),
        ("1.234.567", 1234567),
        ("1 234", 1234),
        ("12", 12),
        ("12.0", 12),
        ("12,00", 12),
        ("1.000", 1000),
        ("1,000.0", 1000),
        ("0", 0),
        ("-3", -3),
        ("1.5", "1.5"),
        ("1,23", "1,23"),
        (7, 7),
    ],
)
def test_counts(raw: Any, value: Any) -> None:
    assert count_of(raw) == value


@pytest.mark.parametrize(
    ("raw", "value"), [("2926302.0", "2926302"), (2926302.0, "2926302"), (7, "7"), ("a.0", "a.0"), (1e17, 1e17), ("1E5", 1e5)]
)
def test_ids(raw: Any, value: Any) -> None:
    assert id_of(raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        "2026-03-03T12:00:00Z", "2026-03-03 12:00:00 UTC", "2026/03/03 12:00 +0000", "2026-03-03T14:00:00.1234567+02:00", "1772539200",
        "1772539200000", 1772539200, "Tue Mar 03 12:00:00 +0000 2026", "Tue, 03 Mar 2026 12:00:00 GMT", "3 Mar 2026 19:00 +0700",
    ],
)  # fmt: skip
def test_times(raw: Any) -> None:
    found = time_of(raw, None, None)
    assert found.astimezone(UTC).replace(microsecond=0) == NOON


@pytest.mark.parametrize(
    "raw", ["Mar 3, 2026 9:00 PM", "3 Mar 2026 09:00 CET", "20260303", "yesterday", "2026-13-45", "7", True]
)
def test_times_that_are_not_guessed(raw: Any) -> None:
    assert not isinstance(time_of(raw, "UTC", None), datetime)


# Layouts of known tools: each has a payload of its shape. Those named bad_ write times without a zone, which no plan of the
# contract's test gives; here it does.
HELD = Path(__file__).parents[1] / "payloads" / "files"
LAYOUTS = {
    "allegro.json": "allegro", "app_store_connect.json": "app store connect", "app_store_feed.json": "app store feed",
    "bad_amazon_feedback.txt": "amazon feedback", "bad_brand24.csv": "brand24", "bad_linkedin_posts.xlsx": "linkedin posts",
    "bad_meltwater.csv": "meltwater", "bad_sprout_social_posts.csv": "sprout social posts", "bad_talkwalker.csv": "talkwalker",
    "brandwatch.csv": "brandwatch", "google_play.csv": "google play", "google_reviews_takeout.json": "google reviews",
    "hootsuite.csv": "hootsuite", "linkedin_comments.json": "linkedin comments", "shopee.json": "shopee",
    "sprout_social_messages.json": "sprout social messages", "threads_data.json": "threads data",
    "tiktok_comments.json": "tiktok comments", "tiktok_data.json": "tiktok data", "tripadvisor_export.json": "tripadvisor",
    "trustpilot_export.csv": "trustpilot",
}  # fmt: skip
DOCUMENTS = [name for name in LAYOUTS if name.endswith(".json")]
TABLES = [name for name in LAYOUTS if name not in DOCUMENTS]
ROME = "Europe/Rome"


def grid(name: str) -> tuple[list[list[str]], list[str], list[list[str]]]:
    """(rows above the header, header, rows below) of a payload that is a table."""
    (part,) = read(HELD / name, Settings(time_zone=ROME))
    if name.endswith(".xlsx"):
        below = [["" if c is None else str(c) for c in json.loads(line)] for line in part.content.decode().splitlines()]
        return [], part.meta["headers"], below
    below = list(csv.reader(io.StringIO(part.content.decode(), newline=""), delimiter=part.meta["delimiter"]))
    text = (HELD / name).read_bytes()
    encoding = "utf-16" if text[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    lines = list(csv.reader(io.StringIO(text.decode(encoding), newline=""), delimiter=part.meta["delimiter"]))
    return lines[: part.meta["first_row"] - 2], part.meta["headers"], below


def as_text(rows: list[list[str]], delimiter: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def as_sheet(path: Path, rows: list[list[Any]]) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([cell if cell != "" else None for cell in row])  # type: ignore[union-attr]
    book.save(path)
    return path


def test_every_layout_has_a_payload_and_describes_itself() -> None:
    assert sorted(LAYOUTS.values()) == sorted(EXPORTS)
    known = layouts()
    assert [k.name for k in known] == list(EXPORTS)
    for each in known:
        assert each.tool
        assert each.kinds
        assert each.audience
        assert each.source
        assert (each.shape == "help page") == ("not from a recorded file" in each.source)
    assert {each.zone for each in known} == {"UTC", "the plan's `time_zone`"}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_is_recognised_by_its_own_name_and_read_whole(name: str) -> None:
    assert layout_of(HELD / name).name == LAYOUTS[name]
    found = rows_of(HELD / name, time_zone=ROME)
    assert found
    assert [reason(row) for row in found] == [""] * len(found)
    assert all(row["text"].strip() for row in found)
    assert len({row["native_id"] for row in found}) == len(found)


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_headers_give_two_layouts_away(name: str) -> None:
    (part,) = read(HELD / name, Settings(time_zone=ROME))
    expected = [] if EXPORTS[LAYOUTS[name]].buried else [LAYOUTS[name]]
    headers = part.meta["headers"]
    for order in (
        headers,
        headers[::-1],
        sorted(headers),
        [h.upper() for h in headers],
        [f" {h.replace('_', ' ')} " for h in headers],
    ):
        assert [export.name for export in matching(order)] == expected


def test_no_layout_is_told_by_part_of_what_tells_another() -> None:
    tells = [(e.name, {plain(h) for h in one}) for e in EXPORTS.values() if not e.buried for one in e.tells]
    told = [(a, b) for a, one in tells for b, other in tells if a != b and one <= other]
    assert told == []


def test_headers_of_two_layouts_are_not_guessed(tmp_path: Path) -> None:
    both = [*grid("hootsuite.csv")[1], *grid("trustpilot_export.csv")[1]]
    with pytest.raises(ConfigError, match="its columns are not known"):
        rows_of(write(tmp_path / "a.csv", as_text([both, ["x"] * len(both)], ",")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("name", TABLES)
def test_layout_in_any_encoding_delimiter_and_order(name: str, delimiter: str, encoding: str, tmp_path: Path) -> None:
    above, header, below = grid(name)
    turned = [row[::-1] for row in [header, *below]]
    expected = rows_of(HELD / name, time_zone=ROME)
    for rows in ([*above, header, *below], turned):
        path = write(tmp_path / "a.csv", as_text(rows, delimiter), encoding)
        assert layout_of(path).name == LAYOUTS[name]
        assert rows_of(path, time_zone=ROME) == expected


@pytest.mark.parametrize("name", TABLES)
def test_layout_as_a_sheet(name: str, tmp_path: Path) -> None:
    above, header, below = grid(name)
    path = as_sheet(tmp_path / "a.xlsx", [["exported by somebody"], *above, header, *below])
    assert layout_of(path).name == LAYOUTS[name]
    assert rows_of(path, time_zone=ROME) == rows_of(HELD / name, time_zone=ROME)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("brandwatch.csv", {"Date": datetime.fromisoformat("2026-03-03T08:00")}),
        ("bad_meltwater.csv", {"Alternate Date Format": datetime.fromisoformat("2026-03-03T00:00"), "Time": time(9)}),
        ("bad_meltwater.csv", {"Alternate Date Format": datetime.fromisoformat("2026-03-03T00:00"), "Time": "9:00 AM"}),
        ("bad_talkwalker.csv", {"published": datetime.fromisoformat("2026-03-03T09:00")}),
        ("bad_sprout_social_posts.csv", {"Date": datetime.fromisoformat("2026-03-03T09:00")}),
        ("bad_brand24.csv", {"date": datetime.fromisoformat("2026-03-03T00:00"), "time": time(9)}),
        ("trustpilot_export.csv", {"Review Created (UTC)": datetime.fromisoformat("2026-03-03T08:00")}),
    ],
)
def test_dates_of_excel(name: str, cells: dict[str, Any], tmp_path: Path) -> None:
    _, header, below = grid(name)
    row = [cells.get(h, value) for h, value in zip(header, below[0], strict=True)]
    found = rows_of(as_sheet(tmp_path / "a.xlsx", [header, row]), time_zone=ROME)
    assert found[0]["published_at"].astimezone(UTC) == datetime(2026, 3, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_however_it_is_laid_out(name: str, tmp_path: Path) -> None:
    whole, expected = json.loads((HELD / name).read_text(encoding="utf-8")), rows_of(HELD / name)
    export = EXPORTS[LAYOUTS[name]]
    records = export.records(whole)
    assert records
    forms = [json.dumps(whole), json.dumps(whole, indent=4), "\n\n" + json.dumps(whole, ensure_ascii=False)]
    if not export.buried:
        forms += ["\n".join(map(json.dumps, records)), json.dumps(records, indent=1)]
    for text in forms:
        assert rows_of(write(tmp_path / "a.json", text)) == expected
    pages = write(tmp_path / "a.jsonl", f"{json.dumps(whole)}\n{json.dumps(whole)}\n")
    assert rows_of(pages) == expected * 2


def test_document_too_large_or_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (HELD / "allegro.json").read_text(encoding="utf-8")
    with pytest.raises(ConfigError):
        rows_of(write(tmp_path / "cut.json", text[: len(text) // 2]))
    monkeypatch.setattr(_tables, "MAX_DOCUMENT", 100)
    with pytest.raises(PermanentError, match=r"more than 100 characters; write one object a line"):
        rows_of(write(tmp_path / "large.json", text))


def test_a_list_of_objects_is_a_table_too(tmp_path: Path) -> None:
    text = '[\n {"id": 1, "created_at": "2026-03-03T09:00:00Z", "message": "Zefirella"},\n 7\n]'
    first, second = rows_of(write(tmp_path / "a.json", text))
    assert first["text"] == "Zefirella"
    assert "unreadable_record" in reason(second)


NAIVE = [name for name in LAYOUTS if name.startswith("bad_")]


@pytest.mark.parametrize("name", NAIVE)
def test_times_without_a_zone_are_an_error_with_its_cure(name: str) -> None:
    with pytest.raises(ConfigError, match=r"without a time zone; write in brands\.yaml.*`time_zone: Europe/Rome`") as caught:
        rows_of(HELD / name)
    assert name in str(caught.value)
    rome, jakarta = (rows_of(HELD / name, time_zone=zone)[0]["published_at"] for zone in (ROME, "Asia/Jakarta"))
    assert rome - jakarta == timedelta(hours=6)


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name not in NAIVE])
def test_a_documented_zone_is_not_overruled(name: str) -> None:
    assert rows_of(HELD / name, time_zone="Asia/Jakarta") == rows_of(HELD / name)


def test_times_in_a_form_of_the_account(tmp_path: Path) -> None:
    _, header, below = grid("bad_talkwalker.csv")
    below = [["24/09/08 08:24:50" if h == "published" else c for h, c in zip(header, row, strict=True)] for row in below]
    path = write(tmp_path / "a.csv", as_text([header, *below], ";"))
    with pytest.raises(ConfigError, match=r"in a form that differs between accounts.*`time_format: ") as caught:
        rows_of(path, time_zone=ROME)
    assert "08:24" not in str(caught.value)
    found = rows_of(path, time_zone=ROME, time_format="%y/%m/%d %H:%M:%S")
    assert {row["published_at"].astimezone(UTC) for row in found} == {datetime(2024, 9, 8, 6, 24, 50, tzinfo=UTC)}


def test_one_unreadable_time_is_a_row_and_no_file(tmp_path: Path) -> None:
    _, header, below = grid("brandwatch.csv")
    below[0][header.index("Date")] = "yesterday"
    found = rows_of(write(tmp_path / "a.csv", as_text([header, *below], ",")))
    assert [bool(reason(row)) for row in found] == [True, False, False, False, False]


def test_counts_of_exports(tmp_path: Path) -> None:
    """Sums over networks, general columns beside them, and what is no number."""
    header = ["Query Id", "Query Name", "Date", "Full Text", "Snippet", "Url", "Resource Id", "Likes", "X Likes", "Bluesky Likes",
              "Threads Reposts", "Threads Quotes", "X Followers", "Reach (new)"]  # fmt: skip
    common = ["1", "q", "2026-03-03 09:00:00"]
    lines = [
        [*common, "uno", "", "https://a.example/1", "r1", "40", "0", "40", "1.200", "3", "0", "1.500,00"],
        [*common, "due", "", "https://a.example/2", "r2", "", "", "", "", "", "0", "0"],
        [*common, "tre", "", "https://a.example/3", "r3", "", "1.2K", "3", "", "-4", "12,0", "7"],
    ]
    one, two, three = rows_of(write(tmp_path / "a.csv", as_text([header, *lines], ";")))
    assert (one["likes"], one["shares"]) == (40, 1203)
    assert (one["audience"], reason(one)) == (1500, "")
    assert not {"likes", "comments", "shares", "audience"} & {*two}
    assert three["likes"] == "1.2K"
    assert three["audience"] == 12
    assert {why.partition(":")[0] for why in reason(three).split("; ")} == {"likes", "shares"}


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["http://[", "1,2", "★", "x.com/a/status/1"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_stands_in_a_cell_it_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """Never an error, which would take the rest of its payload with it."""
    (part,) = read(HELD / name, Settings(time_zone=ROME))
    record = {header: data.draw(ODD) for header in data.draw(st.permutations(part.meta["headers"]))[:12]}
    for row in EXPORTS[LAYOUTS[name]].rows(record, "UTC", None):
        reason(row)


def test_replies_and_reposts_name_what_they_answer() -> None:
    found = {row["native_id"]: row for row in rows_of(HELD / "brandwatch.csv")}
    first = "2028000000000000101"
    assert found["2028000000000000102"]["parent"] == found["2028000000000000103"]["repost_of"] == first
    assert {"parent", "repost_of"} & {*found[first]} == set()
    threads = rows_of(HELD / "bad_talkwalker.csv", time_zone=ROME)
    assert [row.get("parent") for row in threads] == [None, "reddit.com/r/italy/comments/zf1/zefirella", None]
    assert threads[1]["text"] == "Mine leaked all over the freezer."  # and not the title that another wrote


@pytest.mark.parametrize("name", [n for n in LAYOUTS if EXPORTS[LAYOUTS[n]].answer])
def test_our_answer_is_an_own_mention(name: str) -> None:
    found = rows_of(HELD / name)
    answers = [row for row in found if row.get("own")]
    assert len(answers) == 1
    assert answers[0]["native_id"] == f"{answers[0]['parent']}/reply"
    assert answers[0]["parent"] in {row["native_id"] for row in found if not row.get("own")}
    assert not set("★☆") & set(answers[0]["text"])


def test_a_rating_without_words_declares_no_language() -> None:
    (bare,) = [row for row in rows_of(HELD / "google_play.csv") if row["text"] == "★★☆☆☆"]
    assert "lang" not in bare
    assert [row["text"] for row in rows_of(HELD / "allegro.json")][2:] == ["\U0001f44e", "\U0001f44d\n\nPyszne"]


def test_a_review_reads_the_same_by_export_and_by_api() -> None:
    body = (HELD / "google_reviews_takeout.json").read_bytes()
    source = registry.load("sources", "google_reviews")()
    by_api = [(row["text"], row["published_at"]) for row in source.mentions(body, {})]
    assert [(row["text"], row["published_at"]) for row in rows_of(HELD / "google_reviews_takeout.json")] == by_api


def test_what_is_no_mention_is_left_out() -> None:
    assert "ecco la mia ricevuta" in (HELD / "sprout_social_messages.json").read_text(encoding="utf-8")
    assert all("ricevuta" not in row["text"] for row in rows_of(HELD / "sprout_social_messages.json"))
    assert len(rows_of(HELD / "app_store_feed.json")) == 2


@pytest.mark.parametrize(
    ("text", "form", "found"),
    [
        ("03-Mar-2026 09:15AM", "%d-%b-%Y %I:%M%p", datetime.fromisoformat("2026-03-03T09:15")),
        ("3-mar-26 12:05 am", "%d-%b-%y %I:%M %p", datetime.fromisoformat("2026-03-03T00:05")),
        ("03-March-26 12:05 p.m.", "%d-%b-%y %I:%M %p", datetime.fromisoformat("2026-03-03T12:05")),
        ("3/4/2026", "%m/%d/%Y", datetime.fromisoformat("2026-03-04T00:00")),
        ("03/04/2026 9:05 PM", "%m/%d/%Y %I:%M %p", datetime.fromisoformat("2026-03-04T21:05")),
        ("03/04/2026 13:05 PM", "%m/%d/%Y %I:%M %p", None),
        ("03/04/2026", "%m/%d/%Y %I:%M %p", None),
        ("03.04.2026", "%m/%d/%Y", None),
    ],
)
def test_written_times(text: str, form: str, found: datetime | None) -> None:
    assert written(text, form) == found


def test_a_day_that_no_calendar_has() -> None:
    assert time_of("02/30/2026", "UTC", None, ("%m/%d/%Y",)) == "02/30/2026"
    assert time_of("03-Maj-26", "UTC", None, ("%d-%b-%y",)) == "03-Maj-26"


def test_a_long_cell_leaves_the_limit_of_other_readers_as_it_was() -> None:
    usual = csv.field_size_limit()
    (row,) = _tables.csv_records(iter([f'a,"{"x" * 200_000}"\n']), ",")
    assert row.cells == ["a", "x" * 200_000]
    assert csv.field_size_limit() == usual
