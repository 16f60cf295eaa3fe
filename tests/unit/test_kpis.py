"""Every KPI against a plain computation of its definition, over invented mentions; and what happens to its points."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from building import DAY, HOUR, MINUTE, READ, House, a_plan, few, many, mention, new_store, score, utc
from hypothesis import given, settings
from hypothesis import strategies as st

from coolhead import registry
from coolhead.kpis import Kpi, mean, share
from coolhead.measuring import MARGINS, groups, prepared
from coolhead.rows import ALL, Dirty, Follower, KpiPoint, Match, Mention, Score, key_of
from coolhead.windows import floor, local_day

ZONE = "Europe/Rome"
BEGIN = utc(2026, 3, 24, 23)
"""Midnight in Rome."""
KPIS: dict[str, Kpi] = {name: registry.load("kpis", name)() for name in registry.names("kpis")}
OF_MENTIONS = [k for k in KPIS.values() if k.reads in ("mention", "own")]
ADDITIVE = [k for k in OF_MENTIONS if k.kind == "additive"]
DISTINCT = [k for k in OF_MENTIONS if k.kind == "distinct"]

Said = tuple[Mention, Score | None]


@st.composite
def said(draw: st.DrawFn, hours: int = 26, least: int = 0) -> list[Said]:
    """Mentions with everything that can be missing missing at times, over a day and a bit."""
    out: list[Said] = []
    for number in range(draw(st.integers(least, 24))):
        at = BEGIN + timedelta(seconds=draw(st.integers(0, hours * 3600 - 1)))
        audience = draw(st.none() | st.integers(0, 10**6))
        m = mention(
            number, at, source=draw(st.sampled_from(["mastodon", "feed"])), author=draw(st.none() | st.sampled_from("abc")),
            audience=audience, own=draw(st.integers(0, 4)) == 0, lang=draw(st.none() | st.sampled_from(["it", "pl"])),
            likes=draw(st.none() | st.integers(0, 9)), comments=draw(st.none() | st.integers(0, 9)),
            shares=draw(st.none() | st.integers(0, 9)),
        )  # fmt: skip
        label = draw(st.sampled_from(["negative", "neutral", "positive", "unscored", None]))
        polarity = draw(st.floats(-1, 1).map(lambda x: round(x, 3))) if label not in ("unscored", None) else None
        read = score(m, label, polarity, draw(st.sampled_from(["it", "en", "other"]))) if label else None
        out.append((m, read))
    return out


def frame_of(told: list[Said]) -> pd.DataFrame:
    """As Store.mentions gives it."""
    rows = [
        m.model_dump() | {
            "label": s.label if s else None, "polarity": s.polarity if s else None, "confidence": None,
            "scored_lang": s.lang if s else None,
        }
        for m, s in told
    ]  # fmt: skip
    columns = [*Mention.model_fields, "label", "polarity", "confidence", "scored_lang"]
    frame = pd.DataFrame(rows, columns=columns)
    kinds = {
        "audience": "Int64",
        "likes": "Int64",
        "comments": "Int64",
        "shares": "Int64",
        "own": "bool",
        "polarity": "float64",
    }
    return frame.astype(kinds | {"published_at": "datetime64[us, UTC]"})


def lang_of(s: Said) -> str:
    return (s[1].lang if s[1] else None) or s[0].lang or "other"


# What the definitions say, without a frame. None: null, or no point at all.


def scored(told: list[Said]) -> list[Score]:
    return [s for _, s in told if s and s.label != "unscored"]


def labels(told: list[Said], label: str) -> int:
    return sum(s.label == label for s in scored(told))


def quotient(a: float, b: float) -> float | None:
    return a / b if b else None


def by_author(told: list[Said]) -> dict[str, int | None]:
    out: dict[str, int | None] = {}
    for m, _ in told:
        if m.author is not None:
            known = [a for a in (out.get(m.author), m.audience) if a is not None]
            out[m.author] = max(known) if known else None
    return out


def total(values: list[int | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(sum(known)) if known else None


def interactions(told: list[Said]) -> float | None:
    return total([v for m, _ in told for v in (m.likes, m.comments, m.shares)])


NAIVE: dict[str, Callable[[list[Said]], float | None]] = {
    "volume": lambda t: len(t) or None,
    "own_posts": lambda t: len(t) or None,
    "unique_authors": lambda t: len(by_author(t)) or None,
    "reach_total": lambda t: total([m.audience for m, _ in t]),
    "reach_unique": lambda t: total(list(by_author(t).values())),
    "engagement": interactions,
    "negative_volume": lambda t: labels(t, "negative") if scored(t) else None,
    "negative_share": lambda t: quotient(labels(t, "negative"), len(scored(t))),
    "positive_share": lambda t: quotient(labels(t, "positive"), len(scored(t))),
    "net_sentiment_total": lambda t: quotient(labels(t, "positive") - labels(t, "negative"), len(scored(t))),
    "net_sentiment_polar": lambda t: quotient(
        labels(t, "positive") - labels(t, "negative"), labels(t, "positive") + labels(t, "negative")
    ),
    "polarity": lambda t: quotient(math.fsum(s.polarity or 0.0 for s in scored(t)), len(scored(t))),
    "scored_coverage": lambda t: quotient(len(scored(t)), len(t)),
}


def read_by(kpi: Kpi, told: list[Said]) -> list[Said]:
    return [s for s in told if s[0].own == (kpi.reads == "own")]


def points_of(kpi: Kpi, told: list[Said], bucket: str) -> dict[tuple[Any, str, str], Any]:
    found = groups(prepared(frame_of(read_by(kpi, told)), ZONE), f"bucket_{bucket}", kpi, MARGINS)
    return {(v[0].to_pydatetime(), v[1], v[2]): v for v in found.itertuples(index=False)}


def start_of(at: datetime, grain: str) -> datetime:
    if grain == "day":
        return local_day(at.astimezone(ZoneInfo(ZONE)).date(), ZONE).start
    return floor(at, {"5min": 5 * MINUTE, "hour": HOUR}[grain])


def margins(told: list[Said], grain: str) -> dict[tuple[datetime, str, str], list[Said]]:
    out: dict[tuple[datetime, str, str], list[Said]] = defaultdict(list)
    for s in told:
        for source, lang in ((s[0].source, ALL), (ALL, lang_of(s)), (ALL, ALL)):
            out[start_of(s[0].published_at, grain), source, lang].append(s)
    return out


@pytest.mark.parametrize("name", registry.names("kpis"))
def test_contract(name: str) -> None:
    kpi = KPIS[name]
    assert kpi.name == name
    assert all(
        isinstance(getattr(kpi, field), str) and getattr(kpi, field).strip() for field in ("title", "unit", "formula", "origin")
    )
    assert isinstance(kpi.version, int) and kpi.version >= 1
    assert (kpi.__doc__ or "").strip()
    assert kpi.kind in ("additive", "distinct", "follower", "derived")
    assert kpi.kind in ("follower", "derived") or name in NAIVE, "give it a naive computation in NAIVE"


def test_titles_are_unique() -> None:
    assert len({k.title for k in KPIS.values()}) == len(KPIS)


@pytest.mark.parametrize("grain", ["5min", "hour", "day"])
@given(told=said())
@few
def test_value_is_the_definitions(grain: str, told: list[Said]) -> None:
    """By source, by language and for all; a window without a point has no value in the plain computation either."""
    for kpi in OF_MENTIONS:
        equals_the_definition(kpi, grain, told)


def equals_the_definition(kpi: Kpi, grain: str, told: list[Said]) -> None:
    points = points_of(kpi, told, grain)
    for key, mine in margins(read_by(kpi, told), grain).items():
        expected = NAIVE[kpi.name](mine)
        found = points.pop(key, None)
        value = None if found is None or pd.isna(found.value) else found.value
        assert value == pytest.approx(expected) if expected is not None else value is None, key
        if found is not None:
            assert 0 <= found.n <= len(mine)
            assert pd.isna(found.low) or (found.low <= found.value + 1e-12 and found.value <= found.high + 1e-12)
    assert not points, "points of windows in which nothing was said"


@given(told=said(least=4))
@few
def test_parts_add_over_windows(told: list[Said]) -> None:
    """5 minutes sum to the hour and to the local day, sources and languages to `all`."""
    for kpi in ADDITIVE:
        parts_add(kpi, told)


def parts_add(kpi: Kpi, told: list[Said]) -> None:
    small = points_of(kpi, told, "5min")
    for grain in ("hour", "day"):
        sums: dict[Any, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for (start, source, lang), v in small.items():
            for part, number in v.parts.items():
                sums[start_of(start, grain), source, lang][part] += number
        large = points_of(kpi, told, grain)
        assert {k: pytest.approx(dict(v)) for k, v in sums.items()} == {k: v.parts for k, v in large.items()}
    for start in {k[0] for k in small}:
        for margin in (lambda k: k[1] != ALL, lambda k: k[2] != ALL):
            parts = [v.parts for k, v in small.items() if k[0] == start and margin(k)]
            summed = {p: pytest.approx(sum(x[p] for x in parts)) for p in parts[0]}
            assert small[start, ALL, ALL].parts == summed


@pytest.mark.parametrize("kpi", DISTINCT, ids=lambda k: k.name)
def test_distinct_counts_an_author_once_per_window(kpi: Kpi) -> None:
    told: list[Said] = [(mention(i, BEGIN + i * 10 * MINUTE, author="a", audience=100 + i), None) for i in range(3)]
    small, hour = points_of(kpi, told, "5min"), points_of(kpi, told, "hour")
    assert sum(v.value for (_, s, l), v in small.items() if s == l == ALL) > hour[BEGIN, ALL, ALL].value
    assert hour[BEGIN, ALL, ALL].value == {"unique_authors": 1, "reach_unique": 102}[kpi.name]


def test_reach_says_how_much_of_it_is_known() -> None:
    told: list[Said] = [
        (mention(i, BEGIN, author=a, audience=x), None)
        for i, (a, x) in enumerate([("a", 10), ("a", None), ("b", None), (None, 5)])
    ]
    whole = points_of(KPIS["reach_total"], told, "5min")[BEGIN, ALL, ALL]
    assert (whole.value, whole.parts) == (15, {"n": 4, "reach": 15, "known": 2})
    once = points_of(KPIS["reach_unique"], told, "5min")[BEGIN, ALL, ALL]
    assert (once.value, once.parts) == (10, {"n": 2, "reach": 10, "known": 1})


def test_unknown_audience_is_null_not_zero() -> None:
    told: list[Said] = [(mention(1, BEGIN, audience=None), None)]
    assert pd.isna(points_of(KPIS["reach_total"], told, "hour")[BEGIN, ALL, ALL].value)
    known: list[Said] = [(mention(1, BEGIN, audience=0), None)]
    assert points_of(KPIS["reach_total"], known, "hour")[BEGIN, ALL, ALL].value == 0


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0), (50, 100, 0.4038, 0.5962)],
)
def test_wilson(hits: int, n: int, low: float, high: float) -> None:
    (found,) = share(pd.Series([hits]), pd.Series([n])).itertuples(index=False)
    assert (found.value, found.low, found.high) == (hits / n, pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_share_of_nothing_is_null() -> None:
    (found,) = share(pd.Series([0]), pd.Series([0])).itertuples(index=False)
    assert pd.isna([found.value, found.low, found.high]).all()


@given(st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@many
def test_wilson_holds_the_share(pair: tuple[int, int]) -> None:
    hits, n = pair
    (found,) = share(pd.Series([hits]), pd.Series([n])).itertuples(index=False)
    if n:
        assert 0 <= found.low <= found.value + 1e-12 <= found.high + 2e-12 <= 1 + 2e-12


def test_mean_has_no_interval_below_two() -> None:
    one, two = mean(pd.Series([0.5, 0.0]), pd.Series([0.25, 0.5]), pd.Series([1, 2])).itertuples(index=False)
    assert one.value == pytest.approx(0.5) and pd.isna(one.low)
    assert (two.low, two.high) == (pytest.approx(-0.98, abs=0.001), pytest.approx(0.98, abs=0.001))


# Stored points.


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as made:
        yield made


def table(house: House) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Every point but the moment it was computed as of."""
    key = ("market", "kpi", "grain", "start", "source", "lang", "version", "revision")
    return {
        tuple(getattr(p, k) for k in key): (p.value, p.n, p.low, p.high, p.parts, p.quality) for p in house.store.read(KpiPoint)
    }


def test_own_posts_are_in_one_kpi_only(house: House) -> None:
    house.say(BEGIN, "negative", own=True, audience=5, likes=3)
    house.measure(BEGIN + HOUR)
    assert {p.kpi for p in house.store.read(KpiPoint)} == {"own_posts"}


def test_points_carry_version_and_revision(house: House) -> None:
    house.say(BEGIN, "negative", likes=1, audience=1)
    house.measure(BEGIN + HOUR)
    for p in house.store.read(KpiPoint):
        assert (p.version, p.revision) == (KPIS[p.kpi].version, READ if KPIS[p.kpi].reads_scores else "-")


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)],
    ids=["spring", "autumn", "plain"],
)
def test_a_local_day_is_as_long_as_it_is(house: House, day: date, hours: int) -> None:
    begin = local_day(day, ZONE).start
    for i in range(-1, hours + 1):
        house.say(begin + i * HOUR)
    house.measure(begin + 2 * DAY)
    days = {p.start: p.value for p in house.points("day", kpi="volume", source=ALL, lang=ALL)}
    assert days == {local_day(day - timedelta(days=1), ZONE).start: 1, begin: hours, begin + hours * HOUR: 1}
    inside = [
        p.value for p in house.points("hour", kpi="volume", source=ALL, lang=ALL) if begin <= p.start < begin + hours * HOUR
    ]
    assert inside == [1] * hours


def test_what_is_not_known_yet_is_not_counted(house: House) -> None:
    house.say(BEGIN, known_at=BEGIN + HOUR)
    assert house.measure(BEGIN + 30 * MINUTE) == 0


@given(told=said(least=3), data=st.data())
@settings(few, max_examples=3)
def test_recomputed_points_equal_points_from_scratch(
    tmp_path_factory: pytest.TempPathFactory, told: list[Said], data: st.DataObject
) -> None:
    """Some mentions come late, some are edited and read anew, some are refused by the gate after they were counted."""
    late = BEGIN + 2 * DAY
    fate = [data.draw(st.sampled_from(["kept", "late", "edited", "gone"])) for _ in told]
    edited = [
        (m.model_copy(update={"text": "Zefirella!", "edited_at": late, "likes": 7}), score(m, "negative", -0.5, "pl", late)) for m, _ in told
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("recomputed")
    with House(folder, name="a") as twice, House(folder, name="b") as once:
        twice.put(s for s, f in zip(told, fate, strict=True) if f != "late")
        twice.measure(late)
        with twice.store.writing() as writer:
            writer.mark_edited([key_of(m) for (m, _), f in zip(told, fate, strict=True) if f == "edited"])
        twice.number += 1
        twice.put(e for e, f in zip(edited, fate, strict=True) if f == "edited")
        twice.put(s for s, f in zip(told, fate, strict=True) if f == "late")
        gone = [m for (m, _), f in zip(told, fate, strict=True) if f == "gone"]
        with twice.store.writing() as writer:
            writer.upsert(Dirty(market="zefirella", start=floor(m.published_at), mark="gone") for m in gone)
            writer.delete_mentions([key_of(m) for m in gone])
        twice.measure(late + HOUR)
        once.put((e if f == "edited" else s) for s, e, f in zip(told, edited, fate, strict=True) if f != "gone")
        once.measure(late + HOUR)
        assert table(twice) == table(once)
        assert not twice.store.count(Dirty)
        before = table(twice)
        assert twice.measure(late + 2 * HOUR) == 0
        assert table(twice) == before


def test_days_apart_are_measured_as_days_alone(house: House) -> None:
    """A late mention of last week beside today's: each is counted once."""
    for day in (0, 1, 5, 9):
        for i in range(3):
            house.say(BEGIN + day * DAY + i * MINUTE, "negative", audience=10)
    house.measure(BEGIN + 10 * DAY)
    for kpi, value in (("volume", 3), ("reach_total", 30), ("negative_volume", 3), ("unique_authors", 3)):
        for grain in ("5min", "hour", "day"):
            assert [p.value for p in house.points(grain, kpi=kpi, source=ALL, lang=ALL)] == [value] * 4, (kpi, grain)


def test_a_mark_set_during_the_computation_survives(house: House) -> None:
    house.say(BEGIN)
    house.measure(BEGIN + HOUR)
    house.store.upsert([Dirty(market="zefirella", start=BEGIN, mark="old")])
    seen = house.store.read(Dirty)
    house.store.upsert([Dirty(market="zefirella", start=BEGIN, mark="new")])
    with house.store.writing() as writer:
        writer.delete(Dirty, market="zefirella", mark=[d.mark for d in seen])
    assert [d.mark for d in house.store.read(Dirty)] == ["new"]


def test_one_mention_in_two_markets_counts_in_each(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with House(tmp_path, a_plan()) as house:
        m = house.say(BEGIN)
        house.store.upsert(
            [
                Match(**key_of(m), market="other", published_at=BEGIN, matched_by="x"),
                Dirty(market="other", start=BEGIN, mark="x"),
            ]
        )
        house.measure(BEGIN + HOUR)
        assert [p.value for p in house.points("5min", kpi="volume", source=ALL, lang=ALL)] == [1]
        assert [d.market for d in house.store.read(Dirty)] == ["other"], "another market's window is its own matter"
    store.close()


def test_followers(house: House) -> None:
    for hours, count in ((-2, 100), (1, 90), (3, 80), (30, 120)):
        house.store.upsert(
            [Follower(market="zefirella", source="mastodon", account="z", at=BEGIN + hours * HOUR, followers=count)]
        )
    house.measure(BEGIN + 2 * DAY)
    days = {p.start: p.value for p in house.points("day", kpi="follower_change", source=ALL)}
    assert days == {BEGIN: -20, BEGIN + DAY: 40}, "the first count of all has nothing before it"
    rates = [p.value for p in house.points("day", kpi="follower_rate", source="mastodon")]
    assert rates == [pytest.approx(-0.2), pytest.approx(0.5)]
    assert house.measure(BEGIN + 2 * DAY) == 0


def test_follower_rate_from_nothing_is_null() -> None:
    found = KPIS["follower_rate"].value(pd.DataFrame({"before": [0.0, 4.0], "after": [5.0, 5.0]})).value
    assert pd.isna(found[0]) and found[1] == pytest.approx(0.25)


def test_volume_z_needs_ten_mentions_and_a_baseline() -> None:
    kpi = KPIS["volume_z"]
    frame = pd.DataFrame({"volume": [9, 10, 50, 50], "center": [1.0, 1.0, 1.0, math.nan], "spread": [0.5, 0.5, 0.5, math.nan]})
    z = kpi.value(kpi.parts(frame)).value
    assert pd.isna(z[0]) and pd.isna(z[3])
    assert (z[1], z[2]) == (pytest.approx((math.log(11) - 1) / 0.5), pytest.approx((math.log(51) - 1) / 0.5))
