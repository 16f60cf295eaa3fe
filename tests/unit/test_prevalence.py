"""Corrected shares: in bounds, the same in any company, exact where nothing is confused, wide where nothing is known."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from coolhead.prevalence import (
    LABELS,
    LEAST,
    STANDS,
    Confusion,
    Corrected,
    Counts,
    Pair,
    between_sets,
    corrected,
    of_brand,
    pooled,
)

Read = dict[str, NDArray[np.float64]]

FAIR: Counts = ((76.0, 15.0, 9.0), (20.0, 50.0, 30.0), (10.0, 20.0, 70.0))
OTHER: Counts = ((50.0, 40.0, 10.0), (30.0, 60.0, 10.0), (20.0, 40.0, 40.0))
PERFECT: Counts = ((1e7, 0.0, 0.0), (0.0, 1e7, 0.0), (0.0, 0.0, 1e7))
TWO_IN_THREE: Counts = ((66e5, 17e5, 17e5), (17e5, 66e5, 17e5), (17e5, 17e5, 66e5))
BLUNT: Counts = ((30.0, 40.0, 30.0), (30.0, 40.0, 30.0), (30.0, 40.0, 30.0))

cell = st.integers(0, 400).map(float)
matrices = st.tuples(*[st.tuples(cell, cell, cell)] * 3)
own = st.none() | st.just(FAIR) | matrices
confusions = st.builds(Confusion, st.lists(matrices, min_size=1, max_size=3).map(tuple), st.booleans(), own)
counts = st.lists(st.tuples(*[st.integers(0, 30) | st.integers(0, 1_000_000)] * 3), min_size=1, max_size=6)


def table(*rows: tuple[float, float, float]) -> NDArray[np.float64]:
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def alone(rows: NDArray[np.float64], confusion: Confusion) -> Corrected:
    return corrected({"it": rows}, {}, {"it": confusion})


def same(one: Corrected, other: Corrected) -> bool:
    return all(np.array_equal(getattr(one, f), getattr(other, f), equal_nan=True) for f in ("value", "low", "high", "general"))


@settings(deadline=None, max_examples=60)
@given(counts, counts, confusions, confusions)
def test_limits_enclose_the_value_and_stay_shares(
    first: list[tuple[int, int, int]], second: list[tuple[int, int, int]], one: Confusion, other: Confusion
) -> None:
    n = min(len(first), len(second))
    found = corrected({"it": table(*first)[:n], "pl": table(*second)[:n]}, {"id": table(*second)[:n]}, {"it": one, "pl": other})
    empty = table(*first)[:n].sum(1) + table(*second)[:n].sum(1) == 0
    assert np.array_equal(np.isnan(found.value).all(1), empty)
    for part in (found.value, found.low, found.high):
        assert np.array_equal(np.isnan(part), np.isnan(found.value))
    there = ~empty
    assert (found.low[there] >= 0).all() and (found.high[there] <= 1).all()
    assert (found.low[there] <= found.value[there]).all() and (found.value[there] <= found.high[there]).all()
    assert found.value[there].sum(1) == pytest.approx(1)


@settings(deadline=None, max_examples=30)
@given(counts, confusions)
def test_no_row_depends_on_its_neighbours(rows: list[tuple[int, int, int]], confusion: Confusion) -> None:
    together, turned = alone(table(*rows), confusion), alone(table(*rows[::-1]), confusion)
    for i, row in enumerate(rows):
        single = alone(table(row), confusion)
        for part in ("value", "low", "high"):
            expected = getattr(single, part)[0]
            assert np.array_equal(getattr(together, part)[i], expected, equal_nan=True)
            assert np.array_equal(getattr(turned, part)[-1 - i], expected, equal_nan=True)


def test_a_row_in_a_long_batch_is_the_row_alone() -> None:
    rows = np.random.default_rng(1).integers(0, 5_000, (300, 3)).astype(float)
    confusion = Confusion((FAIR, OTHER), general=True)
    together = alone(rows, confusion)
    for i in (0, 31, 32, 63, 299):
        single = alone(rows[i : i + 1], confusion)
        assert np.array_equal(single.value[0], together.value[i])
        assert np.array_equal(single.low[0], together.low[i]) and np.array_equal(single.high[0], together.high[i])


def test_the_order_of_languages_does_not_matter() -> None:
    read: Read = {"it": table((30, 40, 30)), "pl": table((5, 5, 1)), "en": table((100, 3, 40)), "de": table((1, 1, 1))}
    known: Read = {"pl": table((2, 0, 1)), "it": table((0, 7, 0))}
    matrix: Mapping[str, Confusion] = {
        "en": Confusion((FAIR,), general=False),
        "it": Confusion((OTHER,), general=False),
        "pl": Confusion((FAIR,), general=True),
    }
    first = corrected(read, known, matrix)
    turned = corrected(dict(reversed(read.items())), dict(reversed(known.items())), dict(sorted(matrix.items(), reverse=True)))
    assert not np.isnan(first.value).any()
    assert same(first, turned)


@pytest.mark.parametrize("share", [(0.1, 0.5, 0.4), (0.0, 0.25, 0.75), (1.0, 0.0, 0.0)])
def test_a_scorer_that_confuses_nothing_is_believed(share: tuple[float, float, float]) -> None:
    n = 1_000_000
    found = alone(table((share[0] * n, share[1] * n, share[2] * n)), Confusion((PERFECT,), general=False))
    assert found.value[0] == pytest.approx(share, abs=1e-6)
    assert (found.high - found.low).max() < 0.005
    assert found.low[0] == pytest.approx(share, abs=0.003)


def test_a_rise_that_the_scorer_flattens_is_seen_in_full() -> None:
    before, after = (0.219, 0.3905, 0.3905), (0.366, 0.317, 0.317)
    million = table(before, after) * 1_000_000
    found = alone(million, Confusion((TWO_IN_THREE,), general=False))
    assert found.value[:, 0] == pytest.approx([0.10, 0.40], abs=0.001)
    assert found.high[0, 0] < found.low[1, 0]


def test_what_a_person_said_is_exact() -> None:
    known = table((3, 5, 2), (0, 0, 1))
    found = corrected({}, {"it": known}, {})
    for part in (found.value, found.low, found.high):
        assert part == pytest.approx(known / known.sum(1, keepdims=True))
    assert not found.general.any()


def test_known_labels_narrow_what_was_read() -> None:
    confusion = {"it": Confusion((FAIR,), general=True)}
    read = table((30, 40, 30))
    plain = corrected({"it": read}, {}, confusion)
    half = corrected({"it": read}, {"it": table((50, 25, 25))}, confusion)
    assert half.value == pytest.approx((plain.value + table((0.5, 0.25, 0.25))) / 2)
    assert half.high - half.low == pytest.approx((plain.high - plain.low) / 2)


def test_nothing_gives_null() -> None:
    found = corrected({"it": table((0, 0, 0))}, {"it": table((0, 0, 0))}, {"it": Confusion((FAIR,), general=True)})
    assert np.isnan([found.value, found.low, found.high]).all() and not found.general.any()
    assert corrected({}, {}, {}).value.shape == (0, 3)


def test_languages_without_a_matrix_widen_and_then_silence() -> None:
    matrix = {"it": Confusion((PERFECT,), general=False)}
    found = corrected({"it": table((450, 450, 0), (450, 449, 0)), "xx": table((0, 0, 100), (0, 0, 101))}, {}, matrix)
    assert found.value[0] == pytest.approx((0.45, 0.45, 0.1), abs=1e-6)
    assert found.low[0, 2] < 0.01 and found.high[0, 0] > 0.54
    assert np.isnan(found.value[1]).all() and np.isnan(found.high[1]).all()
    assert found.general.all()


def test_persons_labels_do_not_count_as_seen_by_a_matrix() -> None:
    found = corrected({"xx": table((1, 0, 0))}, {"xx": table((999, 0, 0))}, {})
    assert np.isnan(found.value).all()


def test_more_mentions_never_widen() -> None:
    shares = table((0.3, 0.4, 0.3))
    for confusion in (Confusion((FAIR,), general=False), Confusion((FAIR,), general=True)):
        widths = [float((f.high - f.low)[0, 0]) for f in (alone(shares * 10**k, confusion) for k in range(1, 7))]
        assert all(later < earlier + 0.01 for earlier, later in pairwise(widths))
        assert widths[-1] < widths[0] - 0.05  # what a shift leaves open no number of mentions closes


@pytest.mark.parametrize(("general", "rough"), [(True, 0.1), (False, 0.02)])
def test_a_higher_reading_never_lowers_the_answer(general: bool, rough: float) -> None:
    """Up to the roughness of the draws, which is that of the matrix: small for an own one."""
    rows = np.array([(k, 150 - k / 2, 150 - k / 2) for k in range(0, 301, 10)], dtype=float)
    found = alone(rows, Confusion((FAIR,), general))
    assert (np.diff(found.value[:, 0]) >= -1e-9).all()
    for limit in (found.low[:, 0], found.high[:, 0]):
        assert (np.maximum.accumulate(limit) - limit <= rough).all() and limit[-1] > limit[0] + 0.5


def test_a_matrix_that_tells_nothing_apart_says_so() -> None:
    found = alone(table((300, 400, 300)), Confusion((BLUNT,), general=False))
    assert (found.high - found.low > 0.65).all()
    assert found.value[0] == pytest.approx((0.3, 0.4, 0.3), abs=0.01)


def test_a_reading_that_no_matrix_explains_still_answers() -> None:
    sharp = ((900.0, 50.0, 50.0), (300.0, 600.0, 100.0), (300.0, 100.0, 600.0))
    found = alone(table((0, 0, 1_000_000)), Confusion((sharp,), general=False))
    assert found.value[0] == pytest.approx((0, 0, 1), abs=1e-6) and (found.low <= found.value).all()


def test_general_matrices_are_wider_than_own_ones() -> None:
    rows = table((90, 120, 90))
    general, certain = alone(rows, Confusion((FAIR,), general=True)), alone(rows, Confusion((FAIR,), general=False))
    assert ((general.high - general.low) > 1.2 * (certain.high - certain.low)).all()
    assert general.general.all() and not certain.general.any()


def test_sets_that_differ_widen_and_sets_that_agree_narrow() -> None:
    rows = table((900, 1200, 900))

    def width(*sets: Counts) -> float:
        found = alone(rows, Confusion(sets, general=True))
        return float((found.high - found.low)[0, 0])

    assert width(FAIR, FAIR, FAIR, FAIR) < width(FAIR) < width(FAIR, ((10.0, 80.0, 10.0), (5.0, 90.0, 5.0), (60.0, 30.0, 10.0)))


def test_general_limits_add_and_own_limits_add_as_squares() -> None:
    rows = table((90, 120, 90))
    for general, ratio in ((True, 1.0), (False, 0.5**0.5)):
        confusion = Confusion((FAIR,), general=general)
        one, two = alone(rows, confusion), corrected({"it": rows, "pl": rows}, {}, {"it": confusion, "pl": confusion})
        assert two.value == pytest.approx(one.value)
        assert two.value - two.low == pytest.approx(ratio * (one.value - one.low))
        assert two.high - two.value == pytest.approx(ratio * (one.high - one.value))


def labels(n: int) -> list[Pair]:
    """A fair scorer on n texts of the brand."""
    return [(LABELS[i % 3], LABELS[(i % 3 + (i % 5 == 0)) % 3]) for i in range(n)]


def test_own_labels_join_the_general_matrix_and_then_stand_alone() -> None:
    general = Confusion((FAIR,), general=True)
    assert of_brand(general, []) is general and of_brand(None, labels(LEAST - 1)) is None
    some = of_brand(general, labels(LEAST - 1))
    assert some == replace(general, own=some.own if some else None) and some.own and sum(map(sum, some.own)) == LEAST - 1
    full = of_brand(general, labels(LEAST))
    assert full == of_brand(None, labels(LEAST)) == of_brand(general, labels(LEAST)[::-1])
    assert full and not full.general and full.own is None and sum(map(sum, full.sets[0])) == LEAST


def test_every_own_label_narrows() -> None:
    rows, general = table((300, 400, 300)), Confusion((FAIR,), general=True)
    found = [alone(rows, c) for c in (of_brand(general, labels(n)) for n in (0, 60, 180, 600, 3_000)) if c]
    widths = [float((f.high - f.low)[0, 0]) for f in found]
    assert len(widths) == 5 and widths == sorted(widths, reverse=True) and widths[-1] < 0.5 * widths[0]


def skewed(n: int, negatives: int) -> list[Pair]:
    """n texts of the brand, few of them negative: the first ones."""
    truths = ["negative"] * negatives + [LABELS[1 + (i % 4 == 0)] for i in range(n - negatives)]
    return [(t, LABELS[(LABELS.index(t) + (i % 10 >= 7)) % 3]) for i, t in enumerate(truths)]


def of_skewed(read: tuple[int, int, int], labelled: Sequence[Pair], general: Confusion) -> tuple[float, float]:
    """Value and width of negatives."""
    known = of_brand(general, labelled)
    assert known and known.general
    found = alone(table(read), known)
    return float(found.value[0, 0]), float((found.high - found.low)[0, 0])


@pytest.mark.parametrize("negatives", [0, 3, 4])
@pytest.mark.parametrize("read", [(10, 75, 15), (40, 45, 15)])
def test_one_label_more_changes_little_where_negatives_are_rare(negatives: int, read: tuple[int, int, int]) -> None:
    """200 labels of which 2 % are negative say hardly more of negatives than 199 do: public texts still stand in."""
    general = Confusion((FAIR,), general=True)
    (before, wide), (after, wider) = (of_skewed(read, skewed(n, negatives), general) for n in (LEAST - 1, LEAST))
    assert after == pytest.approx(before, abs=0.02) and wider <= wide + 0.03


@pytest.mark.parametrize("negatives", [0.02, 0.05, 0.2])
def test_every_own_label_narrows_however_rare_negatives_are(negatives: float) -> None:
    general = Confusion((FAIR,), general=True)
    sizes = (0, 100, 199, 200, 400, 1_000, 3_000)
    known = [of_brand(general, skewed(n, round(n * negatives))) for n in sizes]
    widths = [float((f.high - f.low)[0, 0]) for c in known if c for f in [alone(table((300, 400, 300)), c)]]
    assert all(later <= earlier + 0.03 for earlier, later in pairwise(widths)) and widths[-1] < 0.6 * widths[0]


def test_a_brand_stands_on_its_own_with_enough_labels_of_each_truth() -> None:
    general = Confusion((FAIR,), general=True)
    for negatives, stands in ((STANDS - 1, False), (STANDS, True)):
        found = of_brand(general, skewed(LEAST, negatives))
        assert found and found.general is not stands
        nothing = of_brand(None, skewed(LEAST, negatives))
        assert nothing and nothing.general is not stands


def test_a_row_with_enough_labels_has_left_the_public_sets() -> None:
    """So that nothing jumps when the brand's matrix stands alone."""
    rows, labelled = table((30, 40, 30), (10, 75, 15)), skewed(LEAST, STANDS)
    alone_now = of_brand(None, labelled)
    assert alone_now and not alone_now.general
    weighed = Confusion((OTHER,), general=True, own=alone_now.sets[0])
    one, two = alone(rows, alone_now), alone(rows, weighed)
    assert one.value == pytest.approx(two.value) and one.low == pytest.approx(two.low) and one.high == pytest.approx(two.high)


def test_all_sets_together_stand_in_where_there_is_no_language() -> None:
    known = {"pl": Confusion((OTHER,), general=False), "it": Confusion((FAIR, OTHER), general=True)}
    assert pooled(known) == Confusion((FAIR, OTHER, OTHER), general=True) == pooled(dict(reversed(known.items())))
    assert pooled({}) is None


def test_labels_that_say_nothing_are_left_out() -> None:
    pairs: list[Pair] = [("negative", "unscored"), ("negative", "negative")]
    found = of_brand(Confusion((FAIR,), general=True), pairs)
    assert found and found.own == ((1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


def test_weights_undo_an_uneven_sample() -> None:
    """Readings drawn at different rates: the row is the population's, and counts for no more texts than it has."""
    often, seldom = ("negative", "negative", 0.5), ("negative", "neutral", 2.0)
    negative: Sequence[Pair] = [often] * 60 + [seldom] * 15
    found = of_brand(Confusion((FAIR,), general=True), negative)
    assert found and found.own
    row = np.array(found.own[0])
    assert row / row.sum() == pytest.approx((0.5, 0.5, 0.0)) and row.sum() == pytest.approx(60**2 / (60 * 0.25 + 15 * 4))
    assert row.sum() < 75


def test_variance_between_sets() -> None:
    """Rows drawn with a known variance between them show it; one set shows none."""
    rng = np.random.default_rng(4)
    base = np.array(FAIR) / 100
    sets = np.array([[rng.multinomial(2_000, rng.dirichlet(9 * row)) for row in base] for _ in range(200)])
    assert between_sets(sets) == pytest.approx(0.1, rel=0.15)
    assert between_sets(np.array([FAIR])) is None
    assert between_sets(np.array([FAIR, FAIR, FAIR])) == pytest.approx(0, abs=1e-12)
