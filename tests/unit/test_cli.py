"""The `coolhead` command as people and scripts use it."""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from coolhead import cli, plan_files
from coolhead.rows import Incident, Mention, PlanVersion
from coolhead.settings import load
from coolhead.store import Store

PAYLOADS = Path(__file__).parents[1] / "payloads"
COMMANDS = [
    "parse",
    "score",
    "import",
    "demo",
    "up",
    "doctor",
    "migrate",
    "rescore",
    "incident",
    "label",
    "plan",
    "mute",
    "replay",
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("COOLHEAD_STORE", raising=False)
    monkeypatch.delenv("COOLHEAD_PLAN", raising=False)
    monkeypatch.setenv("COOLHEAD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


class Ran:
    """What one run of the command gave."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def _run(*argv: str | Path, given: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        capsys.readouterr()
        try:
            status = cli.main([str(a) for a in argv])
        except SystemExit as done:
            status = int(done.code or 0)
        found = capsys.readouterr()
        assert "Traceback" not in found.err
        return Ran(status, found.out, found.err)

    return _run


def process(*argv: str | Path, given: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    """The real command, in a process of its own."""
    command = [sys.executable, "-m", "coolhead.cli", *map(str, argv)]
    return subprocess.run(command, input=given, capture_output=True, env={**os.environ, **env}, check=False, timeout=120)


# --help


@pytest.mark.parametrize(
    "words",
    [
        [],
        *[[c] for c in COMMANDS],
        ["plan", "init"],
        ["plan", "check"],
        ["incident", "open"],
        ["incident", "list"],
        ["label", "sample"],
        ["label", "set"],
    ],
)
def test_help(words: list[str], run: Any) -> None:
    done = run(*words, "--help")
    assert done.status == 0
    assert f"usage: coolhead {' '.join(words)}".strip() in done.out
    if not words:
        assert all(c in done.out for c in COMMANDS)


@pytest.mark.parametrize("words", [[], ["parse"], ["parse", "twitter", "x"], ["plan"], ["score", "--scorer", "x"], ["nothing"]])
def test_wrong_usage(words: list[str], run: Any) -> None:
    done = run(*words)
    assert done.status == 2
    assert "usage: coolhead" in done.err
    assert done.out == ""


# parse


@pytest.mark.parametrize(
    ("source", "name", "rows", "refused"),
    [
        ("mastodon", "hashtag_timeline.json", None, 0),
        ("mastodon", "empty.json", 0, 0),
        ("mastodon", "bad_parts.json", 1, 8),
        ("feed", "google_alerts.xml", None, 0),
        ("feed", "news_search.xml", None, 0),
        ("feed", "blog_atom.xml", None, 0),
        ("feed", "bad_dates.xml", None, None),
        ("files", "coolhead_columns.csv", None, 0),
        ("files", "listening_tool.csv", None, None),
        ("files", "twitter_support.csv", None, 0),
        ("files", "posts.jsonl", None, None),
        ("files", "posts.xlsx", None, None),
        ("files", "bad_rows.csv", None, None),
    ],
)
def test_parse(source: str, name: str, rows: int | None, refused: int | None, run: Any) -> None:
    done = run("parse", source, PAYLOADS / source / name)
    assert done.status == 0
    reasons = [line for line in done.err.splitlines() if line.startswith("refused row ")]
    assert all(": " in line.removeprefix("refused row ") for line in reasons)
    assert (f"{len(reasons)} rows refused" in done.err) == bool(reasons)
    assert rows is None or len(done.rows) == rows
    assert refused is None or len(reasons) == refused
    if name.startswith("bad_"):
        assert reasons
    for row in done.rows:
        assert row["source"] == source
        assert {"native_id", "published_at", "text"} <= row.keys()
        assert "known_at" not in row
        assert datetime.fromisoformat(row["published_at"]).tzinfo
    assert run("parse", source, PAYLOADS / source / name).out == done.out


def test_parse_hides_authors(run: Any) -> None:
    path = PAYLOADS / "mastodon" / "hashtag_timeline.json"
    handles = {status["account"]["acct"] for status in json.loads(path.read_bytes())}
    authors = {row["author"] for row in run("parse", "mastodon", path).rows}
    assert len(authors) == len(handles)
    assert all(len(a) == 24 and int(a, 16) for a in authors)


@pytest.mark.parametrize("source", ["mastodon", "feed", "files"])
def test_parse_missing_file(source: str, run: Any, tmp_path: Path) -> None:
    done = run("parse", source, tmp_path / "nothing.csv")
    assert (done.status, done.out) == (1, "")
    assert "nothing.csv" in done.err
    assert "no such file" in done.err.lower()


@pytest.mark.parametrize(
    ("source", "name", "says"),
    [
        ("mastodon", "hashtag_timeline.json", "truncated"),
        ("feed", "google_alerts.xml", "cut off before its end"),
        ("files", "posts.xlsx", "cut off"),
    ],
)
def test_parse_truncated(source: str, name: str, says: str, run: Any, tmp_path: Path) -> None:
    whole = (PAYLOADS / source / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    done = run("parse", source, tmp_path / name)
    assert done.status == 1
    assert says in done.err
    assert done.err.startswith("coolhead: ")


@pytest.mark.parametrize("source", ["mastodon", "feed", "files"])
@pytest.mark.parametrize("content", [b"", b"<html><body>503</body></html>", b"\x00\xff\xfe", b'{"error": "gone"}'])
def test_parse_something_else(source: str, content: bytes, run: Any, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    done = run("parse", source, tmp_path / "x.csv")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("coolhead: ")


def test_parse_in_a_process_of_any_locale(tmp_path: Path) -> None:
    """JSON stays JSON where the terminal cannot show the letters; the same bytes in give the same bytes out."""
    path = PAYLOADS / "files" / "coolhead_columns.csv"
    first = process("parse", "files", path)
    latin = process("parse", "files", path, PYTHONIOENCODING="latin-1")
    assert first.returncode == latin.returncode == 0
    assert first.stdout == process("parse", "files", path).stdout
    read = [[json.loads(line) for line in done.stdout.decode("utf-8").splitlines()] for done in (first, latin)]
    assert read[0] == read[1]


# score


LINES = [
    '"I love this app, it is wonderful"',
    '{"text": "Questa app è terribile, non funziona mai", "lang": "it"}',
    '{"text": "I love it", "lang": "zz"}',
    '{"text": "I hate this, it is awful", "lang": null, "id": 7}',
    '""',
    '"  "',
    '"I love this \\ud800 app so much"',
    '"I love this \\u0000 app so much"',
    '"Kocham tę aplikację, jest wspaniała"',
]


def test_score_answers_line_by_line(run: Any) -> None:
    done = run("score", given="\n".join(LINES).encode())
    assert done.status == 0
    assert [set(row) for row in done.rows] == [{"label", "polarity", "lang", "confidence"}] * len(LINES)
    assert [row["label"] for row in done.rows] == [
        "positive", "negative", "unscored", "negative", "unscored", "unscored", "positive", "positive", "positive",
    ]  # fmt: skip
    assert [row["lang"] for row in done.rows][:3] == ["en", "it", "zz"]
    for row in done.rows:
        assert (row["polarity"] is None) == (row["label"] == "unscored")
        assert row["polarity"] is None or -1 <= row["polarity"] <= 1


def test_score_keeps_the_order_over_batches(run: Any) -> None:
    one = [run("score", given=line.encode()).rows[0] for line in LINES]
    many = run("score", given="\n".join(LINES * 250).encode())
    assert many.rows == one * 250


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "is blank"),
        ("   ", "is blank"),
        ("I love it", "no JSON"),
        ('"open', "no JSON"),
        ('["a"]', "must be a JSON string, or an object"),
        ("5", "must be a JSON string, or an object"),
        ("null", "must be a JSON string, or an object"),
        ("NaN", "must be a JSON string, or an object"),
        ("{}", "must be a JSON string, or an object"),
        ('{"text": 5}', "must be a JSON string, or an object"),
        ('{"text": "a", "lang": 5}', "must be a JSON string, or an object"),
        ("[" * 50_000, "no JSON"),
    ],
)
def test_score_names_the_line(line: str, says: str, run: Any) -> None:
    done = run("score", given=f'"one"\n"two"\n{line}\n"four"\n'.encode())
    assert done.status == 1
    assert done.err.startswith("coolhead: line 3: ")
    assert says in done.err


def test_score_not_utf8(run: Any) -> None:
    done = run("score", given=b'"one"\n"caff\xe8"\n')
    assert done.status == 1
    assert done.err.startswith("coolhead: line 2: no JSON ('utf-8'")


def test_score_nothing(run: Any) -> None:
    done = run("score")
    assert (done.status, done.out, done.err) == (0, "", "")


def test_score_a_megabyte(run: Any) -> None:
    done = run("score", given=json.dumps("I love this app. " * 62_000).encode() + b"\n" + json.dumps("x" * 1_000_000).encode())
    assert done.status == 0
    assert len(done.rows) == 2
    assert done.rows[0]["label"] == "positive"


def test_head_is_no_mistake() -> None:
    """The reader goes away after the first line: no traceback, and not even a complaint at exit."""
    command = [sys.executable, "-m", "coolhead.cli", "score"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdin and running.stdout and running.stderr
        running.stdin.write(b'"I love this app, it is wonderful"\n' * 1_000)
        running.stdin.flush()
        first = running.stdout.readline()
        running.stdout.close()
        with suppress(BrokenPipeError):  # it may have ended by now
            running.stdin.write(b'"I love this app, it is wonderful"\n' * 3_000)
            running.stdin.close()
        errors = running.stderr.read()
        assert running.wait(60) == 0
    assert json.loads(first)["label"] == "positive"
    assert errors == b""


# plan


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[str]:
    """Address of a feed with one fresh entry that names Zefirella, one fresh that does not, and one old that does."""
    now = datetime.now(UTC)
    entries = [("Zefirella sparkles again", now - timedelta(hours=2)), ("Weather stays dry", now - timedelta(hours=3)),
               ("Zefirella is founded", now - timedelta(days=9))]  # fmt: skip
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "feed.xml").write_text(
        '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>urn:t</id>'
        + "".join(
            f"<entry><id>urn:{i}</id><title>{title}</title><updated>{at.isoformat()}</updated>"
            f"<published>{at.isoformat()}</published><link href='https://news.example/{i}'/></entry>"
            for i, (title, at) in enumerate(entries)
        )
        + "</feed>"
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "www")))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/feed.xml"
    server.shutdown()
    thread.join()
    server.server_close()


INIT = ("plan", "init", "Zefirella", "--term", "zefirella", "--languages", "en, it", "--email", "me@example.org")


def test_plan_init(feed: str, run: Any, home: Path) -> None:
    done = run(*INIT, "--time-zone", "Europe/Rome", "--feed", feed, "--allow-private")
    assert done.status == 0, done.err
    assert "feed: 2 in the last day, 1 match, 0 refused (3 in all)" in done.out
    assert "matched_by zefirella  Zefirella sparkles again" in done.out
    assert "founded" not in done.out
    market = plan_files.load(home / "plan").only_market()
    assert (market.id, market.time_zone, market.languages) == ("zefirella", "Europe/Rome", ("en", "it"))
    assert (home / "inbox" / "zefirella").is_dir()
    store = Store(load().store)
    # shown before anything may alarm: nothing is stored, nothing was adopted
    assert store.count(Mention) == store.count(Incident) == store.count(PlanVersion) == 0
    assert run("plan", "check").status == 0


def test_a_new_brands_rules_are_tested_and_a_tuned_number_stops_nothing(run: Any, home: Path) -> None:
    """And what it says: which file expects otherwise, and that it is to be changed too."""
    assert run(*INIT, "--time-zone", "Europe/Rome").status == 0
    done = run("plan", "test")
    assert (done.status, "tests of rules, 0 failed" in done.out) == (0, True), done.err
    rules = home / "plan" / "rules.yaml"
    rules.write_text(rules.read_text().replace("above: 3.5\n", "above: 5.5\n", 1))
    done = run("plan", "test")
    assert done.status == 1
    assert "volume-spike: should fire at" in done.out
    assert (
        "rules_test.yaml expects what `should` says: change it too, if rules.yaml is as you mean it; the plan runs" in done.out
    )
    done = run("plan", "check")
    assert (done.status, "rules_test.yaml expects what" in done.out) == (0, True)
    rules.write_text(rules.read_text().replace("name: volume-spike ", "name: volume-peak ", 1))
    done = run("plan", "check")
    assert (done.status, "warning: rules_test.yaml cannot be run, which holds nothing up:" in done.out) == (0, True)
    assert "rules.yaml has no rule 'volume-spike' for this market" in done.out


def test_what_a_new_plan_shows_in_comments_can_be_used(run: Any, home: Path) -> None:
    """Calendar, red lines and known episodes, each without its #."""
    assert run(*INIT, "--time-zone", "Europe/Rome", "--allow-private").status == 0
    brands = home / "plan" / "brands.yaml"
    head, comments = brands.read_text().split("# A market may have more", 1)
    shown = [line.removeprefix("#") for line in comments.splitlines()[1:]]
    brands.write_text("\n".join([head, *shown]))
    market = plan_files.load(home / "plan").only_market()
    assert [e.name for e in market.calendar] == ["summer sale"]
    assert [(r.name, r.severity) for r in market.red_lines] == [("harm to somebody", "S4")]
    assert [e.crisis for e in market.known_episodes] == [True, False]


def test_plan_init_shows_what_fails(feed: str, run: Any) -> None:
    done = run(*INIT, "--time-zone", "UTC", "--feed", feed)
    assert done.status == 0
    assert "feed: 127.0.0.1 is a private address" in done.out
    assert "network.private_hosts: [127.0.0.1]" in done.out


def test_plan_init_twice(run: Any, home: Path) -> None:
    assert run(*INIT, "--time-zone", "UTC").status == 0
    before = (home / "plan" / "brands.yaml").read_bytes()
    done = run(*INIT, "--time-zone", "UTC")
    assert done.status == 1
    assert "is there already; edit it, or remove the folder to begin again" in done.err
    assert (home / "plan" / "brands.yaml").read_bytes() == before


def test_plan_init_bad_time_zone(run: Any, home: Path) -> None:
    done = run(*INIT, "--time-zone", "Europe/Roma")
    assert done.status == 1
    assert "did you mean Europe/Rome" in done.err
    assert list(home.iterdir()) == []


def test_plan_check_broken(run: Any, tmp_path: Path) -> None:
    assert run(*INIT, "--time-zone", "UTC").status == 0
    folder = tmp_path / "home" / "plan"
    rules = (folder / "rules.yaml").read_text()
    (folder / "rules.yaml").write_text(rules.replace("rule: threshold", "rule: treshold", 1))
    line = rules[: rules.index("rule: threshold")].count("\n") + 1
    number = rules[: rules.index("rule: threshold")].count("- name: ") - 1
    (folder / "brands.yaml").write_text((folder / "brands.yaml").read_text().replace("languages:", "langs:"))
    done = run("plan", "check")
    assert done.status == 1
    assert f"{folder}/rules.yaml:{line}: rules.{number}.rule: 'treshold' is none of: baseline, cannot_judge, " in done.err
    assert "langs: unknown key" in done.err
    assert run("plan", "check", folder).err == done.err


def test_plan_check_makes_nothing(run: Any, home: Path) -> None:
    done = run("plan", "check", Path(cli.__file__).parents[1] / "plan")
    assert done.status == 0
    assert "no mistake found" in done.out
    assert (
        "'zefirella': 0 match; looked for as zefirella, zefirelli, zefirellę, zefirellom, zefirellami, zefirellach and 10 more"
        in done.out
    )
    assert not home.exists()
    assert run("plan", "check").status == 1


TERMS = (
    """{any_of: [Żabka, Lidl, "#zabkapl"], all_of: [], none_of: [terrarium], context: {Żabka: [sklep, kasa]}, exact: [Lidl]}"""
)
SAID = [
    "Zamknięty sklep, w Żabce znowu to samo",
    "Żabka i moje sklepy",
    "Mała żabka na liściu",
    "Żabki w terrarium, sklep zoologiczny",
    "w Lidlu nic nowego",
    "Lidl  otwarty\nw niedzielę",
    "#ZabkaPL",
    "ładna pogoda",
]


@pytest.fixture
def stored(run: Any, home: Path) -> Store:
    """A Polish market with terms of all kinds, and a text a minute, the first one first."""
    assert run(*INIT, "--time-zone", "UTC").status == 0
    brands = home / "plan" / "brands.yaml"
    content = yaml.safe_load(brands.read_text())
    content["brands"][0]["markets"][0] |= {"languages": ["pl"], "terms": yaml.safe_load(TERMS)}
    brands.write_text(yaml.safe_dump(content, allow_unicode=True))
    store = Store(load().store)
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    times = [at + timedelta(minutes=i) for i in range(len(SAID))]
    store.upsert(
        Mention(source="files", day=at.date(), native_id=str(t), published_at=t, known_at=t, payload_id="p", text=s)
        for t, s in zip(times, SAID, strict=True)
    )
    return store


def test_plan_check_shows_what_matches(stored: Store, run: Any) -> None:
    done = run("plan", "check")
    assert done.status == 0, done.err
    assert done.out.splitlines()[1].endswith("tests of rules, 0 failed")
    assert done.out.splitlines()[2:] == [
        "zefirella: what each term would match of all 8 stored mentions (files)",
        "  'Żabka': 2 match, 2 only inflected; 1 dropped by context; 1 dropped by none_of; "
        "looked for as Żabka, Żabki, Żabce, Żabkę, Żabko, Żabek and 3 more",
        "    2026-03-01 09:01 UTC  matched_by Żabka beside sklep (sklepy)  Żabka i moje sklepy",
        "    2026-03-01 09:00 UTC  matched_by Żabka (Żabce) beside sklep  Zamknięty sklep, w Żabce znowu to samo",
        "  'Lidl': 1 match; looked for as Lidl",
        "    2026-03-01 09:05 UTC  matched_by Lidl  Lidl otwarty w niedzielę",
        "  '#zabkapl': 1 match; looked for as #zabkapl",
        "    2026-03-01 09:06 UTC  matched_by #zabkapl  #ZabkaPL",
    ]


def test_plan_check_looks_at_the_newest(stored: Store, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coolhead.plan_check.SAMPLE", 3)
    out = run("plan", "check").out
    assert "of the 3 newest stored mentions (files)" in out
    assert "'Lidl': 1 match" in out
    assert "'Żabka': 0 match; looked for" in out
    assert [text for _, text in stored.latest(["files"], 2)] == SAID[:-3:-1]
    assert list(stored.latest(["feed"], 2)) == []


# migrate, incident


def test_migrate_again_changes_nothing(run: Any, home: Path) -> None:
    first = run("migrate")
    assert first.status == 0
    assert str(home / "store.db") in first.out
    assert run("migrate").out == first.out
    assert Store(load().store).count(Mention) == 0


def test_password_is_not_told(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coolhead.store.migrate", lambda url: None)
    monkeypatch.setenv("COOLHEAD_STORE", "postgresql://me:secret@db.example/coolhead")
    assert "secret" not in run("migrate").out


def test_incident_open_and_list(run: Any) -> None:
    assert run(*INIT, "--time-zone", "UTC").status == 0
    opened = run("incident", "open", "--reason", "A journalist called about the recall", "--by", "Anna", "--severity", "S3")
    assert opened.status == 0, opened.err
    assert "S3 crisis detected" in opened.out
    again = run("incident", "open", "--reason", "A journalist called about the recall", "--by", "Anna", "--severity", "S3")
    assert again.out == opened.out
    listed = run("incident", "list")
    assert len(listed.out.splitlines()) == 1
    assert opened.out.split()[0] in listed.out


def test_incident_needs_a_reason(run: Any) -> None:
    assert run(*INIT, "--time-zone", "UTC").status == 0
    assert run("incident", "open", "--by", "Anna").status == 2
    done = run("incident", "open", "--by", "Anna", "--reason", "  ")
    assert done.status == 1
    assert "reason: say in a sentence" in done.err
    assert run("incident", "list").out == ""


def test_incident_unknown_market(run: Any) -> None:
    assert run(*INIT, "--time-zone", "UTC").status == 0
    done = run("incident", "open", "--by", "Anna", "--reason", "x", "--market", "zefirela")
    assert done.status == 1
    assert "there is no market 'zefirela'; the plan has: zefirella" in done.err


def test_without_a_store(run: Any) -> None:
    done = run("incident", "list")
    assert done.status == 1
    assert "run `coolhead migrate`" in done.err
