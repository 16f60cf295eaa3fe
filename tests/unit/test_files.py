"""The folder of exports: known layouts, bad input, big files, and what is left alone."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from coolhead.errors import ConfigError, PermanentError
from coolhead.http import Client
from coolhead.rows import Mention
from coolhead.sources import Query, files
from coolhead.sources._layouts import count_of, id_of, time_of
from coolhead.sources.files import Files, Settings, layout_of, read
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
    monkeypatch.setattr(files, "CHUNK", 1_000)
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
    before = files.CHUNK
    try:
        whole = list(Files().mentions(content, {}))
        files.CHUNK = size
        assert list(Files().mentions(content, {})) == whole
    finally:
        files.CHUNK = before
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
