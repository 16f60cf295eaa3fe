"""The store, on SQLite and PostgreSQL alike: every test here runs on both."""

import itertools
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from coolhead import rows, schema
from coolhead import store as module
from coolhead.clock import Fixed
from coolhead.collection import Collector
from coolhead.edge import PAST, Edge
from coolhead.errors import TransientError
from coolhead.landing import Landed, Landing
from coolhead.plan import Plan
from coolhead.rows import (
    CollectionLog,
    Cursor,
    Decision,
    Dirty,
    Follower,
    Incident,
    KpiPoint,
    Label,
    Match,
    Mention,
    Payload,
    PersonLabel,
    Quarantined,
    Score,
    Tombstone,
    key_of,
)
from coolhead.schema import Col, Row, Text
from coolhead.settings import Settings
from coolhead.sources import Fetched, Query, Source
from coolhead.store import Store, Writer, around
from coolhead.windows import Window

Make = Callable[..., Any]
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BULK = 201
"""One row more than PostgreSQL takes by INSERT; from here on it is COPY."""
NASTY = "tab\t new\nline\r\\N \\. \\t 'q' \"dq\" ; -- żółć 你好 שלום \u202eעברית\u202c مرحبا 👩‍👩‍👧‍👦🇮🇹 e\u0301 \U0010ffff \x01\x1f\x7f \u2028 %s :x ${y}"


class Sample(Row):
    """Every merge rule, on a column that may be null."""

    table_name: ClassVar[str] = "sample"
    key: Annotated[int, Col(key=True)]
    day: Annotated[date, Col(key=True)] = date(2026, 3, 3)
    replaced: int | None = None
    kept: Annotated[int | None, Col(merge="keep")] = None
    greatest: Annotated[int | None, Col(merge="greatest")] = None
    filled: Annotated[int | None, Col(merge="fill")] = None


class Once(Row):
    """All its columns are keys or kept."""

    table_name: ClassVar[str] = "once"
    key: Annotated[int, Col(key=True)]
    kept: Annotated[str, Col(merge="keep")]


class Checked(Row):
    """What the declaration's bounds become."""

    table_name: ClassVar[str] = "checked"
    key: Annotated[int, Col(key=True)]
    share: Annotated[float | None, Field(ge=-0.25, le=1.5)] = None
    label: Label | None = None
    words: Annotated[Text | None, Field(max_length=5)] = None


INVENTED = sa.MetaData()
TABLES = {kind: schema.table(kind, INVENTED) for kind in (Sample, Once, Checked)}


@pytest.fixture
def samples(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    for kind, table in TABLES.items():
        monkeypatch.setitem(module.TABLES, kind, table)
    INVENTED.create_all(store._engine)
    return store


def sql(store: Store, statement: str) -> list[tuple[Any, ...]]:
    with store._engine.begin() as connection:
        result = connection.exec_driver_sql(statement)
        return [tuple(row) for row in result] if result.returns_rows else []


def plain(row: Row) -> dict[str, Any]:
    """A row read from the store is not validated, and so may differ from its declaration: compare what is in it."""
    return {name: getattr(row, name) for name in type(row).model_fields}


def merged(*found: Sample) -> dict[str, Any]:
    """What the declaration of Sample promises, said once more in the plainest way."""
    out = plain(found[0])
    for row in found[1:]:
        out["replaced"] = row.replaced
        out["greatest"] = max((x for x in (out["greatest"], row.greatest) if x is not None), default=None)
        out["filled"] = out["filled"] if row.filled is None else row.filled
    return out


VALUES = (None, 1, 2)
SIGHTINGS = [
    (Sample(key=i, replaced=a, kept=a, greatest=a, filled=a), Sample(key=i, replaced=b, kept=b, greatest=b, filled=b))
    for i, (a, b) in enumerate(itertools.product(VALUES, VALUES))
]
OTHERS = [Sample(key=1_000 + i) for i in range(BULK)]


@pytest.mark.parametrize("others", [[], OTHERS], ids=["few", "bulk"])
@pytest.mark.parametrize("at_once", [False, True], ids=["two transactions", "one batch"])
def test_merge_rules(samples: Store, others: list[Sample], at_once: bool) -> None:
    first, second = [a for a, _ in SIGHTINGS], [b for _, b in SIGHTINGS]
    if at_once:
        assert samples.upsert([*first, *others, *second]) == len(SIGHTINGS) + len(others)
    else:
        assert samples.upsert([*others, *first]) == samples.upsert([*second, *others]) == len(SIGHTINGS) + len(others)
    found = samples.read(Sample, key=[a.key for a in first])
    assert [plain(f) for f in found] == [merged(a, b) for a, b in SIGHTINGS]


small = st.one_of(st.none(), st.integers(-3, 3))
sightings = st.builds(Sample, key=st.integers(0, 3), replaced=small, kept=small, greatest=small, filled=small)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(sightings, max_size=6), max_size=4))
def test_any_batching_gives_the_same(samples: Store, batches: list[list[Sample]]) -> None:
    sql(samples, "DELETE FROM sample")
    by_key: dict[int, list[Sample]] = {}
    for batch in batches:
        assert samples.upsert(batch) == len({row.key for row in batch})
        for row in batch:
            by_key.setdefault(row.key, []).append(row)
    assert [plain(f) for f in samples.read(Sample)] == [merged(*by_key[key]) for key in sorted(by_key)]


@pytest.mark.parametrize("size", [1, BULK])
def test_only_keys_and_kept_columns(samples: Store, size: int) -> None:
    samples.upsert(Once(key=i, kept="first") for i in range(size))
    samples.upsert(Once(key=i, kept="second") for i in range(size + 1))
    assert [row.kept for row in samples.read(Once)] == ["first"] * size + ["second"]


@pytest.mark.parametrize("size", [3, 250])
def test_an_identical_replay_writes_nothing(store: Store, mention: Make, match: Make, score: Make, size: int) -> None:
    """Not one row version on PostgreSQL, not one change on SQLite; JSON has no equality, so its tables are left out."""
    mentions = [mention(str(i), NOON + i * MINUTE, likes=i or None, text=NASTY) for i in range(size)]
    batch = [*mentions, *(match(m) for m in mentions), *(score(m) for m in mentions)]
    batch += [CollectionLog(source="x", market="m", start=NOON, end=NOON + DAY, ok=True, known_at=NOON)]
    batch += [Cursor(source="x", market="m", stream="s", value="v"), Follower(market="m", source="x", account="a", at=NOON, followers=1)]  # fmt: skip
    tables = ("mention", "match", "score", "collection_log", "cursor", "follower")
    store.upsert(batch)
    if store.url.startswith("sqlite"):
        with store.writing() as writer:
            writer.upsert(batch)
            assert writer._connection.exec_driver_sql("SELECT total_changes()").scalar() == sum(
                writer._connection.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar_one() for t in tables
            )  # those of the first write, on the same connection
        return
    versions = [sql(store, f"SELECT xmin::text, ctid::text FROM {t} ORDER BY ctid") for t in tables]
    assert store.upsert(batch) == 3 * size + 3
    assert [sql(store, f"SELECT xmin::text, ctid::text FROM {t} ORDER BY ctid") for t in tables] == versions


def specimen(kind: type[Row], number: int, full: bool) -> Row:
    """A row with a hard value in every column; or with every column null that may be null."""
    east = timezone(timedelta(hours=5, minutes=45))

    def text(c: schema.Column) -> str:
        return f"{number} {NASTY}"[: c.max_length or 10_000]

    def value(c: schema.Column) -> Any:
        if c.nullable and not full:
            return None
        if c.choices:
            return c.choices[-1]
        low, high = int(c.low or 0), int(c.high or 2**62)
        return {
            str: lambda: text(c), int: lambda: max(low, 1) + number if c.col.key else high,
            float: lambda: 0.1 + 0.2 if c.high is None else c.high, bool: lambda: full,
            datetime: lambda: (NOON + timedelta(microseconds=number + 1)).astimezone(east), date: lambda: date(2024, 2, 29),
        }.get(c.python, lambda: {"z": [1, 2.5, None, True, NASTY], "a": {}} if "dict" in str(c.python) else [NASTY, {"x": None}])()  # fmt: skip

    return kind(**{c.name: value(c) for c in schema.columns(kind)})


@pytest.mark.parametrize("kind", rows.TABLES, ids=lambda kind: kind.table_name)
def test_every_row_comes_back_as_it_went(store: Store, kind: type[Row]) -> None:
    few = [specimen(kind, 0, True), specimen(kind, 1, False)]
    many = [specimen(kind, i, i % 2 == 0) for i in range(BULK + 1)]
    assert store.upsert(few) == 2
    keys = [c.name for c in schema.columns(kind) if c.col.key]

    def ordered(found: list[Any]) -> list[dict[str, Any]]:
        return [plain(r) for r in sorted(found, key=lambda r: tuple(getattr(r, k) for k in keys))]

    assert ordered(store.read(kind)) == ordered(few)
    assert store.upsert(many) == len(many)  # by COPY, over the few
    found = store.read(kind)
    assert ordered(found) == ordered(many)
    for row in found[:3]:
        for c in schema.columns(kind):
            read = getattr(row, c.name)
            assert read is None or type(read) is (
                c.python if c.python in {str, int, float, bool, date, datetime} else type(read)
            )
            assert not isinstance(read, datetime) or read.utcoffset() == timedelta(0)
        assert kind.model_validate(plain(row)) == row


def test_bulk_equals_small(store: Store, mention: Make) -> None:
    many = [mention(str(i), NOON + i * MINUTE, text=f"{i} {NASTY}", likes=i % 7 or None, own=i % 2 == 0) for i in range(600)]
    assert store.upsert(many) == 600
    bulk = store.read(Mention)
    with store.writing() as writer:
        writer.delete(Mention, source="files")
        for i in range(0, len(many), 100):
            writer.upsert(many[i : i + 100])
    assert store.read(Mention) == bulk
    assert len(bulk) == 600


def test_bulk_twice_in_one_transaction_and_after_a_rollback(store: Store, mention: Make) -> None:
    """The temporary table outlives neither its rows nor its transaction."""

    def batch(start: int) -> list[Mention]:
        return [mention(str(i)) for i in range(start, start + BULK)]

    with pytest.raises(RuntimeError, match="stop"), store.writing() as writer:
        writer.upsert(batch(0))
        raise RuntimeError("stop")
    assert store.count(Mention) == 0
    with store.writing() as writer:
        writer.upsert(batch(0))
        writer.upsert(batch(BULK))
    store.upsert(batch(2 * BULK))
    assert store.count(Mention) == 3 * BULK


def test_a_float_keeps_all_its_digits(store: Store) -> None:
    values = [0.1 + 0.2, 1 / 3, 1e-300, 1.7976931348623157e308, -0.0, 5e-324]

    def point(i: int) -> KpiPoint:
        return KpiPoint(
            market="m", kpi="k", grain="hour", start=NOON + i * MINUTE, source="all", lang="all", version=1, revision="-",
            value=values[i % len(values)], n=0, parts={"n": values[i % len(values)]}, quality="ok", as_of=NOON,
        )  # fmt: skip

    for size in (len(values), BULK):
        store.upsert(point(i) for i in range(size))
        found = store.read(KpiPoint)
        assert [p.value for p in found] == [p.parts["n"] for p in found] == [values[i % len(values)] for i in range(size)]


BAD = [
    ("mention", "likes", "-1"), ("mention", "audience", "1000000000001"), ("score", "label", "'angry'"),
    ("score", "polarity", "1.01"), ("score", "confidence", "-0.1"), ("kpi_point", "n", "-1"), ("kpi_point", "version", "0"),
    ("kpi_point", "quality", "'fine'"), ("kpi_point", "grain", "'week'"), ("follower", "followers", "-1"),
    ("incident", "severity", "'S5'"), ("incident", "state", "'open'"), ("notice", "status", "'lost'"),
    ("decision", "seq", "0"), ("collection_log", "seconds", "-1"), ("mention", "text", "NULL"), ("score", "label", "NULL"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "column", "value"), BAD)
def test_the_database_itself_refuses(store: Store, table: str, column: str, value: str) -> None:
    kind = next(k for k in rows.TABLES if k.table_name == table)
    store.upsert([specimen(kind, 1, True)])
    before = store.read(kind)
    with pytest.raises(sa.exc.IntegrityError):
        sql(store, f'UPDATE {table} SET "{column}" = {value}')
    assert store.read(kind) == before


@pytest.mark.parametrize("size", [1, BULK])
def test_one_bad_row_takes_the_whole_batch_with_it(store: Store, mention: Make, score: Make, size: int) -> None:
    good = [score(mention(str(i))) for i in range(size)]
    bad = good[-1].model_copy(update={"confidence": 1.5})  # model_copy does not validate: the database is the last to look
    with pytest.raises(sa.exc.IntegrityError):
        store.upsert([*good[:-1], bad])
    assert store.count(Score) == 0


def test_null_passes_a_check_and_a_bound_itself_too(samples: Store) -> None:
    found = [Checked(key=1), Checked(key=2, share=-0.25, label="neutral"), Checked(key=3, share=1.5, label="unscored")]
    samples.upsert(found)
    assert samples.read(Checked) == found


OURS = {
    "payload_id", "path", "mark", "incident_id", "subject_hash", "previous", "hash", "plan_hash", "mute_id", "merged_into", "split_from",
}  # fmt: skip
"""Texts that we make ourselves: hashes and paths of hashes."""


@pytest.mark.parametrize("bad", ["nul \x00", "\ud800 lone", "lone \udfff"])
def test_what_no_database_can_hold_is_refused_at_the_row(bad: str) -> None:
    found = [(kind, c) for kind in rows.TABLES for c in schema.columns(kind) if c.python is str and not c.choices]
    for kind, c in [(kind, c) for kind, c in found if c.name not in OURS]:
        with pytest.raises(ValidationError, match=r"NUL byte|lone surrogate"):
            kind(**{**plain(specimen(kind, 1, True)), c.name: bad})
    assert {c.name for _, c in found} >= OURS


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_nan_and_no_infinity(value: float) -> None:
    with pytest.raises(ValidationError):
        KpiPoint(**{**plain(specimen(KpiPoint, 1, True)), "value": value})


@pytest.mark.parametrize(
    "published", [datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=1)))]
)  # fmt: skip
def test_a_time_beyond_the_calendar_is_a_mistake_of_the_row(mention: Make, published: datetime) -> None:
    with pytest.raises(ValidationError, match="outside of the calendar"):
        Mention(**{**plain(mention()), "published_at": published})


def test_conditions(store: Store, mention: Make) -> None:
    found = [mention(str(i), NOON + i * MINUTE, lang=[None, "it", "en"][i % 3], own=i > 4) for i in range(6)]
    store.upsert(found)

    def ids(**where: Any) -> str:
        read = store.read(Mention, **where)
        assert store.count(Mention, **where) == len(read)
        return "".join(m.native_id for m in read)

    assert ids() == "012345"
    assert ids(published_at=Window(NOON + MINUTE, NOON + 3 * MINUTE)) == "12"  # half-open
    assert ids(published_at=Window(NOON, NOON)) == ""
    rome = ZoneInfo("Europe/Rome")
    assert ids(published_at=Window((NOON + MINUTE).astimezone(rome), (NOON + 2 * MINUTE).astimezone(rome))) == "1"
    assert ids(published_at=(NOON + MINUTE).astimezone(rome)) == "1"
    assert ids(lang=None) == "03"
    assert ids(lang="it") == "14"
    assert ids(own=True) == "5"
    assert ids(native_id=["0", "5", "9"]) == ids(native_id=("0", "5")) == ids(native_id={"0", "5"}) == "05"
    assert ids(native_id=[]) == ""
    assert ids(day=date(2026, 3, 3), lang=None, own=False) == "03"
    with pytest.raises(KeyError):
        store.read(Mention, colour="red")
    assert store.quantity(Mention, "published_at") == (NOON, NOON + 5 * MINUTE)
    assert store.quantity(Mention, "published_at", lang="xx") == (None, None)


def test_rows_come_in_key_order(store: Store, mention: Make) -> None:
    ids = ["b", "B", "a", "ä", "Z", "é", "1", "10", "2", "_", "-"]
    store.upsert(mention(i, NOON - d * DAY) for i in ids for d in (0, 1))
    assert [(m.day, m.native_id) for m in store.read(Mention)] == sorted(
        (NOON.date() - d * DAY, i) for i in ids for d in (0, 1)
    )


def test_delete_needs_a_condition(store: Store, mention: Make) -> None:
    store.upsert([mention("1"), mention("2")])
    with store.writing() as writer:
        with pytest.raises(ValueError, match="without a condition"):
            writer.delete(Mention)
        assert writer.delete(Mention, native_id=[]) == 0
        assert writer.delete(Mention, native_id="1", own=False) == 1
        assert writer.delete(Mention, native_id="1") == 0
    assert [m.native_id for m in store.read(Mention)] == ["2"]


def test_update_sets_what_the_conditions_select(store: Store, mention: Make) -> None:
    store.upsert([mention("1"), mention("2")])
    with store.writing() as writer:
        assert writer.update(Mention, {"author": NASTY, "edited_at": NOON}, native_id="2") == 1
        assert [m.author for m in writer.read(Mention)] == [None, NASTY]
    assert store.read(Mention, native_id="2")[0].edited_at == NOON


def test_insert_new_never_changes_what_is_there(store: Store, mention: Make) -> None:
    with store.writing() as writer:
        assert writer.insert_new(mention(likes=1)) is True
        assert writer.insert_new(mention(likes=2)) is False
        assert writer.insert_new(specimen(Incident, 1, True)) is True
        assert writer.insert_new(specimen(Incident, 1, True)) is False
        writer.lock(Decision)
    assert store.read(Mention)[0].likes == 1


def test_all_or_nothing(store: Store, mention: Make, match: Make) -> None:
    with pytest.raises(RuntimeError, match="stop"), store.writing() as writer:
        writer.upsert([m := mention(), match(m)])
        assert len(writer.read(Mention)) == 1
        raise RuntimeError("stop")
    assert store.count(Mention) == store.count(Match) == 0
    assert store.upsert([]) == 0


def frame(store: Store, market: str = "zefirella", start: datetime = NOON - DAY, as_of: datetime = NOON + DAY) -> Any:
    return store.mentions(market, Window(start, NOON + DAY), "linear", "1", as_of)


def test_frame_of_mentions(store: Store, mention: Make, match: Make, score: Make) -> None:
    late, early = (
        mention("late", NOON + MINUTE, audience=None, likes=3, lang="it"),
        mention("early", NOON, own=True, text=NASTY),
    )
    store.upsert([late, early, match(late), match(early, matched_by="own post"), score(early, "positive", lang="pl")])
    found = frame(store)
    assert list(found.native_id) == ["early", "late"]
    assert list(found.label.isna()) == [False, True]  # not scored is null, and not neutral
    assert list(found.polarity.isna()) == list(found.scored_lang.isna()) == [False, True]
    assert list(found.matched_by) == ["own post", "zefirella"]
    assert found.audience.isna().all()
    assert found.text[0] == NASTY
    assert {c: str(found[c].dtype) for c in ("likes", "audience", "own", "published_at", "known_at", "polarity", "confidence")} == {
        "likes": "Int64", "audience": "Int64", "own": "bool", "published_at": "datetime64[us, UTC]",
        "known_at": "datetime64[us, UTC]", "polarity": "float64", "confidence": "float64",
    }  # fmt: skip
    assert list(found.columns) == [
        *Mention.model_fields,
        "matched_by",
        *(
            "label",
            "polarity",
            "read_label",
            "read_polarity",
            "labelled_by",
            "labelled_at",
            "confidence",
            "scored_lang",
            "scored_at",
        ),
        *("kind", "emotional", "gone_by"),
    ]
    assert found.gone_by.isna().all()
    with store.writing() as writer:
        writer.bury([Tombstone(**key_of(late), gone_at=NOON + MINUTE, by="network", evidence="suspended")])
    assert list(frame(store).gone_by.fillna("-")) == ["-", "network"]
    nothing = frame(store, "elsewhere")
    assert len(nothing) == 0
    assert {c: str(t) for c, t in nothing.dtypes.items() if str(t) != "object"} == {
        c: str(t) for c, t in found.dtypes.items() if c in nothing and str(nothing[c].dtype) != "object"
    }
    assert not np.array(nothing.own).any()


def test_the_frame_knows_what_was_known(store: Store, mention: Make, match: Make, score: Make) -> None:
    """A mention or a score that came later is not in an earlier judgement; the very moment counts."""
    seen, late = mention("seen"), mention("late", NOON, known_at=NOON + 10 * MINUTE)
    store.upsert([seen, late, match(seen), match(late), score(seen, known_at=NOON + 5 * MINUTE), score(late)])
    as_ofs = [NOON - MINUTE, NOON, NOON + 5 * MINUTE, NOON + 10 * MINUTE]
    found = [frame(store, as_of=a) for a in as_ofs]
    assert [list(f.native_id) for f in found] == [[], ["seen"], ["seen"], ["late", "seen"]]
    assert [f.label.notna().sum() for f in found] == [0, 0, 1, 2]


def test_the_frame_is_of_one_market_scorer_and_window(store: Store, mention: Make, match: Make, score: Make) -> None:
    both, other = mention("both"), mention("other", NOON + DAY - timedelta(microseconds=1))
    outside = [mention("before", NOON - timedelta(microseconds=1)), mention("after", NOON + DAY)]
    store.upsert(
        [both, other, *outside, match(both), match(both, "second"), match(other, "second"), *(match(m) for m in outside)]
    )
    store.upsert([score(both, scorer="other"), score(both, "positive", revision="2")])
    assert list(frame(store, start=NOON).native_id) == ["both"]
    assert list(frame(store, "second", start=NOON).native_id) == ["both", "other"]
    assert frame(store, start=NOON).label.isna().all()
    assert list(store.mentions("second", Window(NOON, NOON + DAY), "linear", "2", NOON + DAY).label.dropna()) == ["positive"]


def test_existing(store: Store, mention: Make) -> None:
    store.upsert(
        [mention("a"), mention("b", NOON - 6 * DAY), mention("c", NOON - 9 * DAY), mention("a", NOON - 2 * DAY, text="old")]
    )
    store.upsert([mention("d", source="feed")])
    found = store.existing("files", ["a", "b", "c", "d", "e"], around([NOON]))
    # stored under two days: the first counts
    assert found == {
        "a": (date(2026, 3, 1), NOON - 2 * DAY, "old", False, None),
        "b": (date(2026, 2, 25), NOON - 6 * DAY, "Zefirella b", False, None),
    }
    assert store.existing("files", [], around([NOON])) == {}
    store.upsert(mention(f"n{i}") for i in range(1_200))
    assert len(store.existing("files", [f"n{i}" for i in range(1_200)], around([NOON]))) == 1_200


def test_a_persons_label_counts_from_then_on(store: Store, mention: Make, match: Make, score: Make) -> None:
    found = mention("a", NOON, known_at=NOON)
    store.upsert([found, match(found), score(found, "positive", polarity=0.8, known_at=NOON)])
    negative = PersonLabel(**key_of(found), by="anna", at=NOON + 10 * MINUTE, label="negative", kind="complaint")
    neutral = PersonLabel(**key_of(found), by="bruno", at=NOON + 20 * MINUTE, label="neutral")
    store.upsert([negative, neutral])

    def seen(minutes: int) -> tuple[object, ...]:
        (row,) = frame(store, as_of=NOON + minutes * MINUTE).itertuples()
        assert (row.read_label, row.read_polarity) == ("positive", 0.8)
        return row.label, row.polarity, row.labelled_by, row.kind

    assert seen(5) == ("positive", 0.8, None, None)
    assert seen(15) == ("negative", -1, "anna", "complaint")
    assert seen(25) == ("neutral", 0, "bruno", None)
    with store.writing() as writer:
        writer.mark_edited([key_of(found)])
    assert [label.stale for label in store.read(PersonLabel)] == [True, True]
    assert frame(store).label.isna().all()


def test_ungated_and_unread(store: Store, mention: Make) -> None:
    found = {i: mention(i, NOON + n * MINUTE) for n, i in enumerate("edcba")}
    store.upsert(found.values())

    def ids(chosen: list[Mention]) -> str:
        return "".join(m.native_id for m in chosen)

    def read(names: str, reader: str) -> None:
        with store.writing() as writer:
            writer.mark_read([key_of(found[i]) for i in names], reader)

    assert (ids(store.ungated(10)), ids(store.ungated(2)), ids(store.unread("linear/1", 10))) == ("edcba", "ed", "")
    with store.writing() as writer:
        writer.mark_gated([key_of(m) for m in found.values() if m.native_id != "c"])
        writer.mark_gated([])
    assert (ids(store.ungated(10)), ids(store.unread("linear/1", 10)), ids(store.unread("linear/1", 2))) == ("c", "edba", "ed")
    read("e", "linear/1")
    read("d", "linear/0")
    read("b", "other/1")
    assert ids(store.unread("linear/1", 10)) == "a"  # what nobody has read comes first
    read("a", "linear/1")
    assert ids(store.unread("linear/1", 10)) == "b"
    read("b", "linear/1")
    assert ids(store.unread("linear/1", 10)) == "d"
    read("d", "linear/1")
    assert ids(store.unread("linear/1", 10)) == ""
    assert ids(store.unread("linear/2", 10)) == "abde"  # a new revision begins with the newest
    store.upsert(found.values())  # collected again, as nobody has read them
    assert (ids(store.ungated(10)), ids(store.unread("linear/1", 10))) == ("c", "")


def test_delete_mentions_takes_what_hangs_on_them(store: Store, mention: Make, match: Make, score: Make) -> None:
    gone, same_id, kept = mention("x"), mention("x", NOON - DAY), mention("y")
    for m in (gone, same_id, kept):
        store.upsert([m, match(m), match(m, "second"), score(m), score(m, revision="2")])
    with store.writing() as writer:
        writer.delete_mentions([key_of(gone)])
    assert store.read(Mention) == [same_id, kept]
    assert (store.count(Match), store.count(Score)) == (4, 4)


# what a poll writes


class Wire(Source):
    """A network that says what a test tells it."""

    said: ClassVar[list[list[dict[str, Any]]]] = []
    fails: ClassVar[Exception | None] = None

    def payloads(self, query: Query, window: Window, cursor: Any, client: Any) -> Iterator[Fetched]:
        for page in self.said:
            yield Fetched(json.dumps(page, default=lambda m: m.isoformat()).encode(), "wire", position=str(len(page)))
        if self.fails:
            raise self.fails

    def mentions(self, content: bytes, meta: Any) -> Iterator[dict[str, Any]]:
        for row in json.loads(content):
            yield {**row, "published_at": datetime.fromisoformat(row["published_at"])}


def said(native_id: str = "1", at: datetime = NOON, text: str = "Zefirella is bad", **more: Any) -> dict[str, Any]:
    return {"native_id": native_id, "published_at": at, "text": text, **more}


@pytest.fixture
def plan() -> Plan:
    def market(name: str, term: str) -> dict[str, Any]:
        return {
            "id": name, "time_zone": "Europe/Rome", "languages": ["en"], "terms": {"any_of": [term]}, "sources": {"feed": {}},
        }  # fmt: skip

    person = {"id": "a", "name": "A", "roles": ["duty_lead", "crisis_lead", "spokesperson"], "addresses": {"folder": "notices"}}
    return Plan.model_validate({
        "brands": {
            "brands": [{"name": "Zefirella", "markets": [market("zefirella", "zefirella"), market("second", "second")]}],
            "quality": {"max_refused_share": 1},
        },
        "rules": {"rules": [{"name": "volume", "rule": "threshold", "severity": "S1", "kpi": "volume", "above": 1}]},
        "escalation": {"people": [person], "steps": [{"notify": ["duty_lead"], "channels": ["folder"]}]},
    })  # fmt: skip


Polls = Callable[..., Any]


@pytest.fixture
def poll(store: Store, plan: Plan, home: Path, monkeypatch: pytest.MonkeyPatch) -> Polls:
    """poll(rows, rows, ..., now=, window=): one page per argument."""
    monkeypatch.setattr(Wire, "name", "feed")
    monkeypatch.setattr("coolhead.registry.load", lambda family, name: Wire)
    where = Settings(home, store.url, home / "plan")

    def run(
        *pages: list[dict[str, Any]], now: datetime = NOON + MINUTE, window: Window | None = None, market: str = "zefirella",
        history: bool = False, fails: Exception | None = None,
    ) -> Any:  # fmt: skip
        monkeypatch.setattr(Wire, "said", list(pages))
        monkeypatch.setattr(Wire, "fails", fails)
        collector = Collector(store, plan, where, Fixed(now))
        span = window or Window(NOON - 5 * MINUTE, NOON + MINUTE)
        return collector.poll("feed", plan.market(market), span, assume_known=history)

    return run


def test_an_edited_text_is_gated_and_scored_again(store: Store, poll: Polls, score: Make) -> None:
    assert poll([said(likes=1), said("2")]).mentions == 2
    one, two = store.read(Mention)
    with store.writing() as writer:
        writer.mark_gated([key_of(one), key_of(two)])
        writer.upsert([score(one), score(two)])
        writer.delete(Dirty, market="zefirella")
    assert poll([said(likes=9, lang=None), said("2")]).mentions == 0  # likes grow: nothing is undone by that
    assert (store.count(Dirty), store.count(Score), store.ungated(9)) == (0, 2, [])
    assert store.read(Mention)[0].likes == 9
    assert poll([said(text="Zefirella is fine", likes=None), said("2")]).mentions == 0
    assert [m.native_id for m in store.ungated(9)] == ["1"]
    assert [s.native_id for s in store.read(Score)] == ["2"]
    assert [d.start for d in store.read(Dirty)] == [NOON]
    assert plain(store.read(Mention)[0]) | {"text": "Zefirella is fine", "likes": 9} == plain(store.read(Mention)[0])


def test_an_edit_that_moves_the_time_stays_where_it_was(store: Store, poll: Polls) -> None:
    """Its key, its match and its window stay; else it would be counted on two days, or on none."""
    first = datetime(2026, 3, 2, 23, 58, tzinfo=UTC)
    poll([said("1", first)])
    with store.writing() as writer:
        writer.delete(Dirty, market="zefirella")
    moved = said("1", first + 10 * MINUTE, "Zefirella and second, edited", edited_at=first + 10 * MINUTE)
    assert poll([moved]).mentions == 0
    (kept,) = store.read(Mention)
    assert (kept.day, kept.published_at, kept.text) == (first.date(), first, moved["text"])
    # the edit names a second market: its match lies where the mention lies
    assert [(m.market, m.day, m.published_at) for m in store.read(Match)] == [("second", first.date(), first), ("zefirella", first.date(), first)]  # fmt: skip
    assert {(d.market, d.start) for d in store.read(Dirty)} == {(m, first - 3 * MINUTE) for m in ("second", "zefirella")}


@pytest.mark.parametrize("pages", [1, 2], ids=["one payload", "two payloads"])
def test_one_id_on_two_days_in_one_poll_is_one_mention(store: Store, poll: Polls, pages: int) -> None:
    day, night = said("1", NOON), said("1", NOON - DAY, "Zefirella, as it was", likes=4)
    found = poll([day, night]) if pages == 1 else poll([day], [night])
    assert (found.mentions, found.duplicates) == (1, 1)
    (kept,), (match,) = store.read(Mention), store.read(Match)
    assert (kept.day, kept.published_at) == (match.day, match.published_at) == (NOON.date(), NOON)
    poll([night], [day])
    assert (store.count(Mention), store.count(Match)) == (1, 1)
    assert len(frame(store)) == 1


def test_late_rows_are_stored_and_mark_their_own_window(store: Store, poll: Polls) -> None:
    late = NOON - 3 * DAY - MINUTE
    poll([said("1"), said("late", late)])
    assert {d.start for d in store.read(Dirty)} == {NOON, late - 4 * MINUTE}
    (log,) = store.read(CollectionLog)
    assert (log.rows, log.newest, log.ok) == (1, NOON, True)  # of the stretch that was asked for
    assert {m.known_at for m in store.read(Mention)} == {NOON + MINUTE}


def test_times_that_no_market_could_hold_are_refused_and_break_nothing(store: Store, poll: Polls) -> None:
    """An empty time in an export is the year 1 or 1900: in the store, it would stop every later computation."""
    west, east = timezone(-timedelta(hours=2)), timezone(timedelta(hours=2))
    bad = [
        datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=east), datetime(1900, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC),
        PAST - MINUTE, NOON + DAY, datetime(9999, 12, 31, 23, 59, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=west),
    ]  # fmt: skip
    for history in (False, True):
        found = poll([said(str(i), at) for i, at in enumerate(bad)] + [said("good", lang=str(history))], history=history)
        assert found.refused == len(bad)
    assert [m.native_id for m in store.read(Mention)] == ["good"]
    assert store.count(Quarantined) == 2 * len(bad)
    assert all(q.reason.startswith("published_at: lies ") for q in store.read(Quarantined))
    assert {d.start for d in store.read(Dirty)} == {NOON}


def test_history_is_known_when_it_was_published(store: Store, poll: Polls) -> None:
    poll([said("1"), said("new", NOON + MINUTE)], history=True)
    found = {m.native_id: (m.known_at - m.published_at, m.known_assumed) for m in store.read(Mention)}
    assert found == {"1": (MINUTE, True), "new": (timedelta(0), True)}  # lag, but never later than now


def test_a_stretch_once_seen_stays_seen(store: Store, poll: Polls) -> None:
    """The same stretch polled again finds nothing new, or the network down: neither takes back what was seen."""
    poll([said("1"), said("2")])
    (first,) = store.read(CollectionLog)
    poll(now=NOON + DAY)
    with pytest.raises(TransientError):
        poll(now=NOON + DAY, fails=TransientError("503"))
    (log,) = store.read(CollectionLog)
    operational = {"attempts": 3, "seconds": log.seconds}
    assert plain(log) == plain(first) | operational


def test_a_failed_stretch_becomes_seen(store: Store, poll: Polls) -> None:
    with pytest.raises(TransientError):
        poll([said("1")], fails=TransientError("503 \x00 \ud800"))  # words of the other side, whatever they hold
    (failed,) = store.read(CollectionLog)
    assert (failed.ok, failed.error, failed.rows) == (False, "503 \\x00 \\ud800", 1)
    assert store.count(Cursor) == 0
    poll([said("1")], now=NOON + DAY)
    (log,) = store.read(CollectionLog)
    assert (log.ok, log.error, log.known_at, log.attempts) == (True, None, NOON + DAY, 2)
    assert store.count(Mention) == store.count(Cursor) == 1


def test_the_same_bytes_on_a_later_day_are_kept_once(store: Store, poll: Polls, home: Path) -> None:
    """A dormant feed gives the same page for weeks; retention and erasure know one place of it."""
    for day in range(3):
        poll([said("1")], now=NOON + MINUTE + day * DAY)
    (payload,) = store.read(Payload)
    assert [str(p.relative_to(home / "landing")) for p in (home / "landing").rglob("*.json") if ".meta" not in p.name] == [
        payload.path
    ]
    assert Landing(home / "landing").remove(payload.path)
    assert [p for p in (home / "landing").rglob("*") if p.is_file()] == []


def test_a_landed_payload_of_a_dead_poll_is_read_by_the_next(store: Store, poll: Polls, home: Path) -> None:
    Landing(home / "landing").put("feed", "zefirella", Fetched(json.dumps([said("lost")], default=str).encode(), "wire"), NOON)
    Landing(home / "landing").put("feed", "second", Fetched(b"[]", "of another market"), NOON)
    assert poll().mentions == 1
    assert [m.native_id for m in store.read(Mention)] == ["lost"]
    assert poll().mentions == 0
    assert store.count(Payload) == 1


def test_a_pseudonym_is_no_name(clock: Fixed) -> None:
    one, other = Edge(b"key", clock), Edge(b"other", clock)
    assert one.pseudonym("feed", "Mario") == one.pseudonym("feed", "mario") != one.pseudonym("files", "mario")
    assert one.pseudonym("feed", "mario") != other.pseudonym("feed", "mario")
    assert "mario" not in one.pseudonym("feed", "mario")


def test_bytes_that_are_no_payload_fail_one_poll_only(store: Store, clock: Fixed) -> None:
    landed = Landed("0" * 64, "feed", "zefirella", "p", "wire", "", None, NOON.isoformat(), {})
    errors: list[Any] = []

    class Broken(Wire):
        def mentions(self, content: bytes, meta: Any) -> Iterator[dict[str, Any]]:
            raise TransientError("no payload")

    parsed = Edge(b"key", clock).read(landed, b"\xff\x00<html>", Broken(), (), errors)
    assert (len(errors), parsed.rows, parsed.refused[0].item) == (1, 1, "payload")
    store.upsert([*parsed.refused, parsed.payload()])
    assert json.loads(store.read(Quarantined)[0].raw)["begins"] == "\\xff\x00<html>"


# several writers

WRITER = """
import random, sys
from datetime import UTC, date, datetime
from coolhead.rows import Cursor, Dirty, Mention
from coolhead.store import Store
url, me = sys.argv[1], int(sys.argv[2])
store, rng, noon = Store(url), random.Random(me), datetime(2026, 3, 3, 12, tzinfo=UTC)
print("ready", flush=True)
sys.stdin.readline()
for turn in range(50):
    ids = rng.sample(range(40), 12)
    found = [Mention(source="x", day=date(2026, 3, 3), native_id=str(i), published_at=noon, known_at=noon, payload_id="p",
                     text=f"{me} {turn}", likes=turn) for i in ids]
    with store.writing() as writer:
        writer.upsert(found)
        writer.mark_edited([{"source": "x", "day": date(2026, 3, 3), "native_id": str(i)} for i in reversed(ids)])
        writer.upsert([Dirty(market="m", start=noon, mark=f"{me}-{turn}"),
                       Cursor(source="x", market="m", stream=str(me), value=str(turn))])
store.close()
"""


def test_four_writers_of_the_same_keys(store: Store, store_url: str) -> None:
    """In any order of keys; on PostgreSQL two that lock in different orders would be a deadlock."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, store_url, str(me)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        for me in range(4)
    ]  # fmt: skip
    assert [p.stdout.readline() for p in started if p.stdout] == ["ready\n"] * 4
    for p in started:  # all at once, not one after the other as they come up
        assert p.stdin
        p.stdin.write("go\n")
        p.stdin.flush()
    ended = [p.communicate(timeout=120) for p in started]
    assert [(p.returncode, err) for p, (_, err) in zip(started, ended, strict=True)] == [(0, "")] * 4
    touched = {str(i) for me in range(4) for rng in [random.Random(me)] for _ in range(50) for i in rng.sample(range(40), 12)}
    assert {m.native_id for m in store.read(Mention)} == touched
    assert [c.value for c in store.read(Cursor)] == ["49"] * 4
    assert store.count(Dirty) == 1


def test_a_reader_is_not_held_up_by_a_writer(store: Store, mention: Make) -> None:
    store.upsert([mention("1")])
    with store.writing() as writer:
        writer.upsert([mention("2")])
        assert store.count(Mention) == 1
    assert store.count(Mention) == 2


def test_upsert_values_takes_each_key_once(store: Store) -> None:
    with store.writing() as writer:
        assert isinstance(writer, Writer)
        assert writer.upsert_values(KpiPoint, []) == 0
