"""`coolhead import`: nothing is lost, nothing is made up, and a second time changes nothing."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from coolhead import cli, planning
from coolhead.clock import Fixed
from coolhead.importing import BRIEFS, Imported, Importer
from coolhead.plan_init import add_brand, slug
from coolhead.play.story import as_csv, posts
from coolhead.rows import TABLES, CollectionLog, Dirty, KpiPoint, Match, Mention, Quarantined, Score
from coolhead.schema import columns
from coolhead.settings import Settings
from coolhead.sources import files
from coolhead.store import Store, migrate

POSTS = 400
STORY_END = posts()[POSTS - 1].at + timedelta(hours=6)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HEADER = ("id", "created_at", "text", "author", "followers", "likes", "comments", "shares", "url", "lang")


class House:
    """A home with a store, and imports into it."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home, f"sqlite:///{home / 'store.db'}", home / "plan")
        self.told: list[str] = []

    def imported(
        self,
        path: Path,
        now: datetime,
        brand: str = "Zefirella",
        chosen: files.Settings | None = None,
        zone: str = "Europe/Rome",
    ) -> Imported:
        plan = add_brand(self.settings.plan, brand, ("en", "it"), zone)
        migrate(self.settings.store)
        planning.adopt(self.store, plan, Fixed(now))
        self.told = []
        importer = Importer(self.store, plan, plan.market(slug(brand)), self.settings, Fixed(now), self.told.append)
        return importer.run(path, chosen)

    @property
    def store(self) -> Store:
        return Store(self.settings.store)

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table, without what may differ between two runs over the same input."""
        out = {}
        for kind in TABLES:
            spare = {c.name for c in columns(kind) if c.col.operational}
            out[kind.table_name] = [row.model_dump(exclude=spare) for row in self.store.read(kind)]
        return out


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, Path, Imported]:
    """The first posts of the demo's story, imported once."""
    folder = tmp_path_factory.mktemp("story")
    path = folder / "export.csv"
    path.write_text(as_csv(posts()[:POSTS]), encoding="utf-8")
    house = House(folder / "home")
    return house, path, house.imported(path, STORY_END)


def row(number: int, **changes: Any) -> list[Any]:
    at = datetime(2026, 3, 3, 9, tzinfo=UTC) + timedelta(minutes=number)
    values = {
        "id": number, "created_at": at.isoformat(), "text": f"Zefirella number {number} is fine", "author": f"a{number % 7}@x.example",
        "followers": 10, "likes": 1, "comments": 0, "shares": 0, "url": f"https://x.example/{number}", "lang": "en",
    }  # fmt: skip
    return list((values | changes).values())


def export(*rows: list[Any]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([HEADER, *rows])
    return out.getvalue().encode("utf-8", "surrogatepass")


GOOD = [row(n) for n in range(10)]

# name: (bytes of the export, rows in, mentions, quarantined, duplicates)
EXPORTS: dict[str, tuple[bytes, int, int, int, int]] = {
    "good": (export(*GOOD), 10, 10, 0, 0),
    "header only": (export(), 0, 0, 0, 0),
    "duplicated": (export(*GOOD, *GOOD[:4], GOOD[0]), 15, 10, 0, 5),
    "out of order": (export(*reversed(GOOD)), 10, 10, 0, 0),
    "future-dated": (export(*GOOD, row(20, created_at="2026-03-11T09:00:00+00:00")), 11, 10, 1, 0),
    "naive time": (export(*GOOD, row(20, created_at="2026-03-03T09:00:00")), 11, 10, 1, 0),
    "no time": (export(*GOOD, row(20, created_at="soon"), row(21, created_at="")), 12, 10, 2, 0),
    "negative count": (export(*GOOD, row(20, likes=-1), row(21, followers=-5)), 12, 10, 2, 0),
    "no count": (export(*GOOD, row(20, likes="many"), row(21, likes="")), 12, 11, 1, 0),
    "a megabyte": (export(*GOOD, row(20, text="zefirella " * 105_000)), 11, 10, 1, 0),
    "NUL byte": (export(*GOOD, row(20, text="zefirella \x00")), 11, 10, 1, 0),
    "lone surrogate": (export(*GOOD, row(20, text="zefirella \ud800")), 11, 10, 1, 0),
    "not UTF-8": (export(*GOOD) + b"99,2026-03-03T10:00:00+00:00,zefirella caff\xe8,a,1,1,0,0,,it\n", 11, 10, 1, 0),
    "HTML and formulas": (
        export(*GOOD, row(20, text="<script>alert(1)</script> <b>zefirella</b>"), row(21, text='=HYPERLINK("http://evil.example","x")'),
               row(22, text="+1+1"), row(23, text="@SUM(A1)", author="=cmd|' /C calc'!A0")),
        14, 14, 0, 0,
    ),
    "ragged": (export(*GOOD, row(20)[:5], [*row(21), "more", "cells"]), 12, 10, 2, 0),
    "no id": (export(*GOOD, row(20, id=""), row(20, id=""), row(21, id="")), 13, 12, 0, 1),
    "no text": (export(*GOOD, row(20, text="")), 11, 11, 0, 0),
    "blank lines": (export(*GOOD[:5]) + b"\n\n,,,,,,,,,\n" + export(*GOOD[5:]).split(b"\n", 1)[1], 10, 10, 0, 0),
    "open quote": (export(*GOOD) + b'20,2026-03-03T10:00:00+00:00,"zefirella,a,1,1,0,0,,en\n', 11, 10, 1, 0),
    "truncated": (export(*GOOD)[:-25], 10, 9, 1, 0),
    "refused by the gate": (export(*GOOD, row(20, url="javascript:alert(1)"), row(21, created_at="1990-01-01T00:00:00+00:00")), 12, 10, 2, 0),
    "line breaks in a text": (export(*GOOD, row(20, text="zefirella\n\nis, \"fine\"\r\n")), 11, 11, 0, 0),
    "JSON lines": (b"".join(json.dumps(dict(zip(HEADER, r, strict=True))).encode() + b"\n" for r in GOOD) + b'{"id": 1, "cre\n[1]\n"x"\n', 13, 10, 3, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_every_row_is_accounted_for(name: str, house: House, tmp_path: Path) -> None:
    content, rows, mentions, quarantined, duplicates = EXPORTS[name]
    path = tmp_path / "export.csv"
    path.write_bytes(content)
    done = house.imported(path, NOW)
    assert (done.rows, done.mentions, done.quarantined, done.duplicates) == (rows, mentions, quarantined, duplicates)
    store = house.store
    assert store.count(Mention) == store.count(Match) == store.count(Score) == mentions
    assert store.count(Quarantined) == quarantined
    assert all(q.reason and q.origin and q.raw for q in store.read(Quarantined))
    assert all(m.gated and m.known_assumed and m.known_at == m.published_at for m in store.read(Mention))
    assert store.count(Dirty) == 0

    before = house.tables()
    again = house.imported(path, NOW)
    assert str(again) == f"{rows} rows in = 0 mentions + 0 quarantined + {rows} duplicates"
    assert house.tables() == before


def test_the_story(story: tuple[House, Path, Imported]) -> None:
    house, _, done = story
    assert str(done) == f"{POSTS} rows in = {POSTS} mentions + 0 quarantined + 0 duplicates"
    volume = house.store.read(KpiPoint, kpi="volume", grain="day", source="all", lang="all")
    assert sum(p.n for p in volume) == POSTS
    assert [p.quality for p in sorted(volume, key=lambda p: p.start)] == ["ok"] * (len(volume) - 1) + ["pending"]
    log = house.store.read(CollectionLog)
    assert [(x.assumed, x.ok, x.rows) for x in log] == [(True, True, POSTS)]
    assert log[0].start <= posts()[0].at < log[0].start + timedelta(minutes=5)
    assert log[0].newest == posts()[POSTS - 1].at
    assert any(line.startswith("layout: ") for line in house.told)


def test_the_story_has_briefs(story: tuple[House, Path, Imported]) -> None:
    _, _, done = story
    assert 1 < len(done.reports) <= BRIEFS + 1
    for path in done.reports:
        page = path.read_text(encoding="utf-8")
        assert "Zefirella" in page
        assert date.fromisoformat(path.stem) <= STORY_END.date()


def test_authors_are_pseudonyms(story: tuple[House, Path, Imported]) -> None:
    house, _, _ = story
    handles = {p.author for p in posts()[:POSTS]}
    authors = {m.author for m in house.store.read(Mention)}
    assert len(authors) == len(handles)
    assert not authors & handles


def test_a_second_import_changes_nothing(story: tuple[House, Path, Imported]) -> None:
    house, path, _ = story
    before = house.tables()
    again = house.imported(path, STORY_END + timedelta(seconds=1))
    assert str(again) == f"{POSTS} rows in = 0 mentions + 0 quarantined + {POSTS} duplicates"
    assert house.tables() == before


def test_a_longer_export_adds_what_is_new(house: House, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(export(*GOOD[:6]))
    house.imported(path, NOW)
    path.write_bytes(export(*GOOD))
    assert str(house.imported(path, NOW)) == "10 rows in = 4 mentions + 0 quarantined + 6 duplicates"
    one, other = House(tmp_path / "other"), tmp_path / "whole.csv"
    other.write_bytes(export(*GOOD))
    one.imported(other, NOW)
    numbers = [[p.model_dump(exclude={"as_of"}) for p in h.store.read(KpiPoint, grain="hour")] for h in (house, one)]
    assert numbers[0] == numbers[1]


def test_a_second_brand(house: House, tmp_path: Path) -> None:
    """Beside the first, whose numbers stay what they were."""
    path = tmp_path / "export.csv"
    path.write_bytes(export(*GOOD))
    house.imported(path, NOW)
    mine = house.store.read(KpiPoint, market="zefirella")
    other = tmp_path / "other.csv"
    other.write_bytes(export(*(row(100 + n, text="Fridgely hums") for n in range(5))))
    done = house.imported(other, NOW, "Fridgely", zone="Europe/Warsaw")
    assert done.mentions == 5
    assert house.store.read(KpiPoint, market="zefirella") == mine
    assert {m.market for m in house.store.read(Match)} == {"zefirella", "fridgely"}
    assert house.store.count(Match, market="fridgely") == 5
    assert house.store.count(KpiPoint, market="fridgely") > 0


def test_years_with_gaps(house: House, tmp_path: Path) -> None:
    """Only windows that hold something are stored, however long the gaps."""
    days = [
        datetime(2019, 5, 1, 9, tzinfo=UTC),
        datetime(2022, 11, 3, 9, 2, tzinfo=UTC),
        datetime(2024, 2, 29, 23, 59, tzinfo=UTC),
    ]
    path = tmp_path / "export.csv"
    path.write_bytes(export(*(row(n, created_at=day.isoformat()) for n, day in enumerate(days))))
    assert house.imported(path, days[-1] + timedelta(days=3)).mentions == 3
    for grain, count in (("5min", 3), ("hour", 3), ("day", 3)):
        volume = house.store.read(KpiPoint, kpi="volume", grain=grain, source="all", lang="all")
        assert len(volume) == count
        assert all(p.n == 1 for p in volume)
    assert house.store.count(CollectionLog) == 1
    assert house.store.count(KpiPoint) < 1_500


UNKNOWN = "Wann;Was;Wer\n2026-03-03T09:00:00+00:00;Zefirella schmeckt;anna\n2026-03-03T09:01:00+00:00;Zefirella klebt;bert\n"


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setenv("COOLHEAD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COOLHEAD_STORE", raising=False)
    monkeypatch.delenv("COOLHEAD_PLAN", raising=False)

    def _run(*argv: str | Path) -> tuple[int, str, str]:
        status = cli.main(["import", *map(str, argv)])
        found = capsys.readouterr()
        return status, found.out, found.err

    return _run


def test_unknown_layout_prints_the_mapping(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(UNKNOWN)
    status, out, err = run(path, "--brand", "Zefirella")
    assert (status, out) == (1, "")
    for part in ("files:\n  mapping:\n", "    published_at: ", "    text: ", "Wann, Was, Wer", "--column published_at="):
        assert part in err
    assert not (tmp_path / "home").exists()


def test_column_mapping(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(UNKNOWN)
    columns = [f"--column={c}" for c in ("published_at=Wann", "text=Was", "author=Wer")]
    status, out, _ = run(path, "--brand", "Zefirella", "--languages", "de, en", *columns)
    assert status == 0
    assert out.splitlines()[-1] == "2 rows in = 2 mentions + 0 quarantined + 0 duplicates"
    status, out, _ = run(path, "--brand", "Zefirella", *columns)
    assert out.splitlines()[-1] == "2 rows in = 0 mentions + 0 quarantined + 2 duplicates"


def test_a_missing_zone_is_said_and_then_read_from_the_plan(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    path = Path(__file__).parents[1] / "payloads" / "files" / "bad_brand24.csv"
    status, _, err = run(path, "--brand", "Zefirella", "--languages", "it, pl")
    assert status == 1
    assert "Brand24 writes its times without a time zone; write in brands.yaml" in err
    (brands,) = (tmp_path / "home" / "plan").glob("brands.y*ml")
    plan = yaml.safe_load(brands.read_text(encoding="utf-8"))
    plan["brands"][0]["markets"][0]["sources"]["files"] = {"time_zone": "Europe/Warsaw"}
    brands.write_text(yaml.safe_dump(plan), encoding="utf-8")
    status, out, err = run(path, "--brand", "Zefirella")
    assert status == 0
    assert "layout: brand24" in err
    assert out.splitlines()[-1] == "2 rows in = 2 mentions + 0 quarantined + 0 duplicates"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--column", "Wann"], "write it as OURS=THEIRS"),
        (["--column", "published_at=Wann", "--column", "text=Worte"], "the mapping names columns that it lacks: Worte"),
        (["--time-zone", "Europe/Roma"], "did you mean Europe/Rome"),
        (["--languages", "german"], "it is 'german'"),
        (["--column", "published_at=Wann", "--column", "words=Was"], "words unknown"),
    ],
)
def test_wrong_options_write_nothing(
    options: list[str], says: str, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(UNKNOWN.encode() if "--column" in options else export(*GOOD))
    status, _, err = run(path, "--brand", "Zefirella", *options)
    assert status == 1
    assert says in err
    home = tmp_path / "home"
    assert not home.exists() or list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7", "no CSV"),
        (b'[{"id": 1}]', "is a JSON list"),
        (b"PK\x03\x04broken", "no readable .xlsx"),
    ],
)
def test_no_export(content: bytes, says: str, run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(content)
    status, _, err = run(path, "--brand", "Zefirella")
    assert status == 1
    assert says in err
    assert not (tmp_path / "home").exists()


def test_no_file(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    status, _, err = run(tmp_path / "nothing.csv", "--brand", "Zefirella")
    assert status == 1
    assert "there is no such file" in err
    assert run(tmp_path, "--brand", "Zefirella")[0] == 1
