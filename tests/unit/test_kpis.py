"""Every KPI against a plain computation of its definition (telling.py), and what must hold of each of them, new ones included."""

import math
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from building import MINUTE, few, many, mention, score
from hypothesis import given, settings
from hypothesis import strategies as st
from telling import (
    BEGIN,
    CONTEXT,
    NAIVE,
    ZONE,
    Said,
    frame_of,
    hours_of,
    labelled_by,
    margins,
    points_in,
    points_of,
    read_by,
    said,
    start_of,
)

from coolhead import registry
from coolhead.kpis import Context, Kpi, difference, mean, mean_tone, quantile, share
from coolhead.language import UNKNOWN
from coolhead.measuring import FROM
from coolhead.reach import ReachFactor
from coolhead.rows import ALL, Grain
from coolhead.summing import prepared, valued

KPIS: dict[str, Kpi] = {name: registry.load("kpis", name)() for name in registry.names("kpis")}
OF_MENTIONS = [k for k in KPIS.values() if k.reads in FROM]
ADDITIVE = [k for k in OF_MENTIONS if k.kind == "additive"]
DISTINCT = [k for k in OF_MENTIONS if k.kind == "distinct"]
COUNTS = {"volume", "own_posts", "unique_authors", "velocity"}
"""0 where nobody spoke; everything else is undefined then."""
BEYOND_ONE = {"engagement_rate_followers", "engagement_rate_reach"}
"""Shares of what is no part of the whole: a post may have more likes than its author has followers."""
ENDS = ("value", "low", "high")
GRAINS: tuple[Grain, ...] = ("5min", "hour", "day")


def number(value: Any) -> Any:
    """Comparable: null equals null."""
    return None if pd.isna(value) else pytest.approx(float(value), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", registry.names("kpis"))
def test_contract(name: str) -> None:
    kpi = KPIS[name]
    assert kpi.name == name
    assert all(
        isinstance(getattr(kpi, field), str) and getattr(kpi, field).strip() for field in ("title", "unit", "formula", "origin")
    )
    assert isinstance(kpi.version, int) and kpi.version >= 1
    assert (kpi.__doc__ or "").strip()
    assert kpi.kind in ("additive", "distinct", "derived")
    assert kpi.grains and set(kpi.grains) <= set(GRAINS)
    assert kpi.kind == "derived" or name in NAIVE, "give it a naive computation in NAIVE"
    assert not kpi.asks or kpi.asks in KPIS


def test_titles_are_unique() -> None:
    assert len({k.title for k in KPIS.values()}) == len(KPIS)


@pytest.mark.parametrize("grain", GRAINS)
@given(told=said())
@few
def test_value_is_the_definitions(grain: Grain, told: list[Said]) -> None:
    """By source, by language and for all; a window without a point has no value in the plain computation either."""
    for kpi in (k for k in OF_MENTIONS if grain in k.grains):
        equals_the_definition(kpi, grain, told)


def equals_the_definition(kpi: Kpi, grain: Grain, told: list[Said]) -> None:
    points = points_of(kpi, told, grain)
    for key, mine in margins(read_by(kpi, told), grain).items():
        expected = NAIVE[kpi.name](mine, key[0], hours_of(key[0], grain))
        found = points.pop(key, None)
        value = None if found is None or pd.isna(found.value) else found.value
        assert value == pytest.approx(expected, rel=1e-4) if expected is not None else value is None, (kpi.name, key)
        if found is not None:
            within_bounds(kpi, found)
            assert 0 <= found.n <= len(mine)
    assert not points, "points of windows in which nothing was said"


def within_bounds(kpi: Kpi, found: Any) -> None:
    """low <= value <= high, an interval only where a method is named, and shares between 0 and 1."""
    assert pd.isna(found.low) or (kpi.interval and found.low <= found.value + 1e-12), kpi.name
    assert pd.isna(found.high) or (kpi.interval and found.value <= found.high + 1e-12), kpi.name
    if kpi.unit == "share" and kpi.name not in BEYOND_ONE:
        assert all(pd.isna(x) or -1e-12 <= x <= 1 + 1e-12 for x in (found.value, found.low, found.high)), kpi.name
    if kpi.unit == "-1 to 1":
        assert all(pd.isna(x) or -1 - 1e-12 <= x <= 1 + 1e-12 for x in (found.value, found.low, found.high)), kpi.name


@given(told=said(least=4))
@settings(few, max_examples=4)
def test_parts_add_over_windows(told: list[Said]) -> None:
    """Small windows sum to the hour and to the local day, sources and languages to `all`; and what the sums of 24 hours give is
    what their rows give."""
    for kpi in ADDITIVE:
        parts_add(kpi, told)


def parts_add(kpi: Kpi, told: list[Said]) -> None:
    small = points_of(kpi, told, kpi.grains[0])
    for grain in kpi.grains[1:]:
        sums: dict[Any, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for (start, source, lang), v in small.items():
            for part, one in v.parts.items():
                sums[start_of(start, grain), source, lang][part] += one
        large = points_of(kpi, told, grain)
        assert {k: pytest.approx(dict(v)) for k, v in sums.items()} == {k: v.parts for k, v in large.items()}, kpi.name
        for key, parts in sums.items():
            (found,) = over(kpi, parts, key[0], hours_of(key[0], grain))
            assert [number(getattr(found, e, None)) for e in ENDS] == [number(getattr(large[key], e)) for e in ENDS], kpi.name
    for start in {k[0] for k in small}:
        for margin in (1, 2):
            parts_of = [v.parts for k, v in small.items() if k[0] == start and k[margin] != ALL]
            names = {name for p in parts_of for name in p}
            assert small[start, ALL, ALL].parts == {n: pytest.approx(sum(p.get(n, 0) for p in parts_of)) for n in names}


def over(kpi: Kpi, parts: Mapping[str, float], start: datetime = BEGIN, hours: float = 1.0) -> list[Any]:
    """What stored sums give: a part that is absent is 0."""
    kpi.context = CONTEXT
    begin = (start - datetime(1970, 1, 1, tzinfo=start.tzinfo)) / timedelta(hours=1)
    return list(valued(kpi, pd.DataFrame([parts]), begin, hours).reindex(columns=[*ENDS, "n"]).itertuples(index=False))


@given(told=said(least=5), order=st.randoms(use_true_random=False))
@settings(few, max_examples=4)
def test_order_changes_nothing(told: list[Said], order: Any) -> None:
    """In which order mentions came in: the same numbers, intervals and parts."""
    frame = prepared(frame_of(told), ZONE)
    places = list(range(len(frame)))
    order.shuffle(places)
    for kpi in OF_MENTIONS:
        for grain in kpi.grains[-1:]:
            before, after = points_in(kpi, frame, grain), points_in(kpi, frame.iloc[places], grain)
            assert before.keys() == after.keys()
            for key, v in before.items():
                assert [number(v[i]) for i in (3, 4, 5, 6)] == [number(after[key][i]) for i in (3, 4, 5, 6)], (kpi.name, key)
                assert after[key].parts == pytest.approx(v.parts)


@pytest.mark.parametrize("kpi", OF_MENTIONS, ids=lambda k: k.name)
def test_nothing_gives_null(kpi: Kpi) -> None:
    """No row, no point; and sums of nothing are undefined, but for counts."""
    nothing = points_of(kpi, [], kpi.grains[-1])
    assert nothing == {}
    some = points_of(
        kpi, [(mention(i, BEGIN, own=kpi.reads == "own", likes=1, audience=1), None) for i in (8, 9)], kpi.grains[-1]
    )
    empty = {name: 0.0 for v in some.values() for name in v.parts} or {"n": 0.0}
    if some:
        (found,) = over(kpi, empty)
        assert found.value == 0 if kpi.name in COUNTS else pd.isna(found.value)
        assert kpi.name in COUNTS or pd.isna([found.low, found.high]).all()


SHARES = {
    "negative_share": ("negative", "positive"), "positive_share": ("positive", "negative"), "response_coverage": ("answered", "unanswered"),
    "first_time_author_share": ("newcomers", "others"), "negative_prevalence": ("en.negative", "en.neutral"),
    "positive_prevalence": ("en.positive", "en.neutral"), "share_of_voice": ("ours", "theirs"), "share_of_negatives": ("ours", "theirs"),
}  # fmt: skip
"""KPI with an interval -> the part that it is the share of, and one that it is not. Of English the matrix is sure: what public
corpora leave open does not narrow with more mentions."""


def share_of(name: str, hits: int, others: int, times: int = 1) -> Any:
    """The KPI's numbers; for prevalences, half of the mentions bear the third label, so that every reading is possible."""
    hit, other = SHARES[name]
    third = {"negative_prevalence": "en.positive", "positive_prevalence": "en.negative"}.get(name)
    n = hits + others
    parts = {"n": (2 * n if third else n) * times, hit: hits * times, other: others * times, "all": n * times} | (
        {third: n * times} if third else {}
    )
    (found,) = over(KPIS[name], parts)
    within_bounds(KPIS[name], found)
    return found


def test_every_share_with_an_interval_is_held_to_it() -> None:
    assert SHARES.keys() == {k.name for k in KPIS.values() if k.unit == "share" and k.interval}


@given(name=st.sampled_from(sorted(SHARES)), hits=st.integers(0, 60), others=st.integers(0, 60), times=st.integers(2, 20))
@many
def test_more_of_the_same_narrows_the_interval(name: str, hits: int, others: int, times: int) -> None:
    if hits + others:
        few_of_them, many_of_them = share_of(name, hits, others), share_of(name, hits, others, times)
        assert few_of_them.value == pytest.approx(many_of_them.value, abs=1e-9)
        assert many_of_them.high - many_of_them.low <= few_of_them.high - few_of_them.low + 1e-12


@given(name=st.sampled_from(sorted(SHARES)), hits=st.integers(0, 60), others=st.integers(1, 60), more=st.integers(1, 60))
@many
def test_more_hits_raise_value_and_both_bounds(name: str, hits: int, others: int, more: int) -> None:
    turned = min(more, others)
    before, after = share_of(name, hits, others), share_of(name, hits + turned, others - turned)
    for end in ENDS:
        assert getattr(after, end) >= getattr(before, end) - 1e-9, end


@pytest.mark.parametrize("kpi", [k for k in DISTINCT if "5min" in k.grains], ids=lambda k: k.name)
def test_distinct_counts_an_author_once_per_window(kpi: Kpi) -> None:
    told: list[Said] = [(mention(i, BEGIN + i * 10 * MINUTE, author="a", audience=100 + i), None) for i in range(3)]
    small, hour = points_of(kpi, told, "5min"), points_of(kpi, told, "hour")
    value, n = {"unique_authors": (1, 3), "reach_unique": (102, 1)}[kpi.name]
    assert (hour[BEGIN, ALL, ALL].value, hour[BEGIN, ALL, ALL].n) == (value, n)
    assert sum(v.value for (_, s, l), v in small.items() if s == l == ALL) > value


def test_behind_unique_authors_stand_the_mentions_that_name_one() -> None:
    told: list[Said] = [(mention(i, BEGIN, author=a), None) for i, a in enumerate(["a", "a", "b", None, None])]
    found = points_of(KPIS["unique_authors"], told, "5min")[BEGIN, ALL, ALL]
    assert (found.value, found.n) == (2, 3)


def test_reach_says_how_much_of_it_is_known() -> None:
    told: list[Said] = [
        (mention(i, BEGIN, author=a, audience=x), None)
        for i, (a, x) in enumerate([("a", 10), ("a", None), ("b", None), (None, 5)])
    ]
    whole = points_of(KPIS["reach_total"], told, "5min")[BEGIN, ALL, ALL]
    assert (whole.value, whole.parts) == (15, {"n": 4, "reach": 15, "known": 2})
    once = points_of(KPIS["reach_unique"], told, "5min")[BEGIN, ALL, ALL]
    assert (once.value, once.parts) == (10, {"n": 2, "reach": 10, "known": 1})


def test_the_reach_factor_is_the_plans() -> None:
    kpi: Kpi = registry.load("kpis", "estimated_reach")()
    kpi.context = Context(reach_factor=ReachFactor(small=1, large=0.5, below=100, above=300))
    assert list(kpi.parts(pd.DataFrame({"audience": pd.array([50, 200, 1000, None], "Int64")})).reach) == [50, 150, 500, 0]
    with pytest.raises(ValueError, match=r"above 100 must be more than below 100"):
        ReachFactor(below=100, above=100)


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


def test_a_difference_of_shares_of_one_sample() -> None:
    """Half positive, half negative: the shares can only move against each other, so the interval is twice that of one of them."""
    half, nobody = difference(pd.Series([50, 0]), pd.Series([50, 0]), pd.Series([100, 0])).itertuples(index=False)
    assert (half.value, half.low, half.high) == (0, pytest.approx(-2 * 0.0962, abs=1e-4), pytest.approx(2 * 0.0962, abs=1e-4))
    assert pd.isna([nobody.value, nobody.low, nobody.high]).all()


def test_quantiles_by_order_statistics() -> None:
    """100 waits of 0 to 99 hours: the median is the 50th, its interval goes from the 40th to the 61st (Conover 1999)."""
    (found,) = quantile(pd.DataFrame([[1.0] * 100]), 0.5).itertuples(index=False)
    assert (found.value, found.low, found.high) == (49, 39, 60)
    one, none = quantile(pd.DataFrame([[0.0, 1.0], [0.0, 0.0]]), 0.95).itertuples(index=False)
    assert (one.value, one.low, one.high) == (1, 1, 1) and pd.isna([none.value, none.low, none.high]).all()


def test_velocity_is_a_poisson_rate() -> None:
    """10 mentions in two hours: exact limits are 4.80 and 18.39 (Garwood 1936), Byar's lie within one hundredth of them."""
    (found,) = over(KPIS["velocity"], {"n": 10}, hours=2)
    assert (found.value, found.low, found.high) == (5, pytest.approx(4.80 / 2, rel=0.01), pytest.approx(18.39 / 2, rel=0.01))


def test_no_mention_has_a_velocity_of_zero_with_limits() -> None:
    """The exact upper limit of none is -ln 0.025 = 3.69."""
    (found,) = over(KPIS["velocity"], {"n": 0})
    assert (found.value, found.low, found.high) == (0, 0, pytest.approx(3.69, rel=0.01))


def test_a_statement_whose_audience_is_unknown_did_not_reach_nobody() -> None:
    complaint = mention(1, BEGIN, audience=200)
    against: Said = (complaint, score(complaint, "negative", -0.5))

    def found(*audiences: int | None) -> Any:
        ours: list[Said] = [(mention(i, BEGIN, own=True, audience=a), None) for i, a in enumerate(audiences, 2)]
        return points_of(KPIS["correction_reach_ratio"], [against, *ours], "hour")[BEGIN, ALL, ALL].value

    assert pd.isna(found(None)) and pd.isna(found(None, None))
    assert (found(), found(0), found(50, None)) == (0, 0, 0.25)


@pytest.mark.parametrize("kpi", ["negative_prevalence", "positive_prevalence"])
@pytest.mark.parametrize(("words", "signs"), [(80, 20), (0, 50)])
def test_mentions_of_which_only_signs_are_read_do_not_silence(kpi: str, words: int, signs: int) -> None:
    """Emoji have no language, and no confusion that anybody measured: all languages' together, and called general."""
    label = kpi.partition("_")[0]
    rows = [mention(i, BEGIN) for i in range(words + signs)]
    told: list[Said] = [(m, score(m, label, -0.8, "pl" if i < words else UNKNOWN)) for i, m in enumerate(rows)]
    found = points_of(KPIS[kpi], told, "hour")[BEGIN, ALL, ALL]
    by_hand = sum(labelled_by(s) is not None for s in told[words:])
    assert 0.5 < found.low <= found.value == pytest.approx(1) and found.high == pytest.approx(1)
    assert found.parts["general"] == signs - by_hand
    (plain,) = over(KPIS[kpi], {"n": 50, f"{UNKNOWN}.negative": 15, f"{UNKNOWN}.neutral": 20, f"{UNKNOWN}.positive": 15})
    assert plain.high - plain.low > 0.4


def test_doubling_time_of_a_wave() -> None:
    """Moments of a rate that doubles every quarter of an hour are told to do so, and even ones not to double."""
    n, hours = 400, 0.25
    grown = [hours * math.log2(1 + (i + 0.5) / n * (2 ** (1 / hours) - 1)) for i in range(n)]
    told: list[Said] = [(mention(i, BEGIN + timedelta(hours=at)), None) for i, at in enumerate(grown)]
    found = points_of(KPIS["doubling_time"], told, "hour")[BEGIN, ALL, ALL]
    assert found.value == pytest.approx(hours, rel=0.01) and found.low < hours < found.high
    even: list[Said] = [(mention(i, BEGIN + i * 3 * MINUTE), None) for i in range(20)]
    assert pd.isna(points_of(KPIS["doubling_time"], even, "hour")[BEGIN, ALL, ALL].value)


def test_mean_has_no_interval_below_two() -> None:
    one, two = mean(pd.Series([0.5, 0.0]), pd.Series([0.25, 0.5]), pd.Series([1, 2])).itertuples(index=False)
    assert one.value == pytest.approx(0.5) and pd.isna(one.low)
    assert (two.low, two.high) == (pytest.approx(-0.98, abs=0.001), pytest.approx(0.98, abs=0.001))


tones = st.lists(st.floats(-1, 1) | st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=40)


def tone(values: list[float], times: int = 1) -> Any:
    total, squares = math.fsum(values) * times, math.fsum(v * v for v in values) * times
    (found,) = mean_tone(pd.Series([total]), pd.Series([squares]), pd.Series([len(values) * times])).itertuples(index=False)
    return found


@given(tones, st.integers(2, 20))
@many
def test_the_interval_of_a_tone_stays_within_the_scale_and_narrows(values: list[float], times: int) -> None:
    few_of_them, many_of_them = tone(values), tone(values, times)
    for found in (few_of_them, many_of_them):
        assert -1 <= found.low <= found.value + 1e-12 and found.value - 1e-12 <= found.high <= 1
    assert few_of_them.high - few_of_them.low > 2 / (len(values) + 10)
    assert many_of_them.high - many_of_them.low <= few_of_them.high - few_of_them.low + 1e-9


def test_few_equal_tones_are_not_sure() -> None:
    assert (tone([-1, -1, -1, 1]).low, tone([-1, -1, -1, 1]).high) == (
        pytest.approx(-0.9088, abs=1e-4),
        pytest.approx(0.3988, abs=1e-4),
    )
    low, high = tone([-1, -1]).low, tone([-1, -1]).high
    assert (low, high) == (-1, pytest.approx(2 * 0.6576 - 1, abs=1e-4))
    assert tone([0.5, 0.5]).low < 0 < 0.5 < tone([0.5, 0.5]).high
    assert pd.isna(list(mean_tone(pd.Series([0.0]), pd.Series([0.0]), pd.Series([0])).iloc[0])).all()


def test_the_interval_of_a_tone_holds_the_mean() -> None:
    """Of scores that are mostly mild with some that are not; the normal interval holds 65 in 100 of ten."""
    rng = np.random.default_rng(5)
    for n, width in ((10, 0.8), (100, 0.15)):
        x = np.where(rng.random((2_000, n)) < 0.1, -0.9, 0.05 * rng.standard_normal((2_000, n)))
        found = mean_tone(pd.Series(x.sum(1)), pd.Series((x**2).sum(1)), pd.Series(np.full(2_000, n)))
        assert ((found.low <= -0.09) & (found.high >= -0.09)).mean() > 0.95
        assert (found.high - found.low).mean() < width


def test_follower_rate_from_nothing_is_null() -> None:
    found = KPIS["follower_rate"].value(pd.DataFrame({"before": [0.0, 4.0], "after": [5.0, 5.0]})).value
    assert pd.isna(found[0]) and found[1] == pytest.approx(0.25)


def test_volume_z_needs_ten_mentions_and_a_baseline() -> None:
    kpi = KPIS["volume_z"]
    frame = pd.DataFrame({"now": [9, 10, 50, 50], "center": [1.0, 1.0, 1.0, math.nan], "spread": [0.5, 0.5, 0.5, math.nan]})
    z = kpi.value(kpi.parts(frame)).value
    assert pd.isna(z[0]) and pd.isna(z[3])
    assert (z[1], z[2]) == (pytest.approx((math.log(11) - 1) / 0.5), pytest.approx((math.log(51) - 1) / 0.5))
