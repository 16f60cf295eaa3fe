"""Shares of the labels, corrected for what the scorer is known to confuse, with an interval.

A scorer that is right two times in three shows a rise of negatives from 10 % to 40 % as 22 % to 37 %. Where M[i, j] is
the chance that a text that is truly i is read as j, the read shares are q = M'p, and p is what was said (adjusted
count: Forman 2008; for tweets, Moreo and Sebastiani 2022, PLOS ONE 17(9): e0263449). Per language:

value     p = M'^-1 q, projected onto the simplex. M from labelled texts.
interval  95 %, by a Bayesian bootstrap over labels and mentions: draw the rows of M from Dirichlet laws, q from another,
          solve, dismiss the p that cannot be (a share below 0), take the ends of the rest (constrained Bayesian
          correction: Meertens et al. 2019, arXiv:1902.02412).
shift     A matrix from public corpora is not the brand's: two sets of one language differ by far more than chance. Each
          set is one draw of a random-effects model, the brand's stream the next (prediction interval: Higgins, Thompson
          and Spiegelhalter 2009), with variance `v m (1 - m)` between sets.

Mentions without a language (of which signs were read: emoji) have no measured matrix: the sets of all languages stand in
(`pooled`), as domains, and what differs between them widens the interval.
Languages add up by their mentions. The brand's own matrices err each by chance, so that their distances to the limits
add as squares (MOVER: Zou and Donner 2008); general ones err together, since the shift to a brand is much the same in all
its languages, and their distances add as they are.
Saerens, Latinne and Decaestecker (2002) need calibrated probabilities per text and assume no shift; we have counts.
Deterministic: the draws are the same for every row, so that no row depends on its neighbours or their order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import fsum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = tuple[tuple[float, float, float], ...]
Pair = tuple[str, str] | tuple[str, str, float]
"""(truth, read) and, where texts were not drawn evenly, how many texts it stands for."""

LABELS = ("negative", "neutral", "positive")
LEAST = 200
"""Labels of the brand in one language from which its matrix may be no longer called general."""
STANDS = 30
"""Labels (effective) of a truth from which its row stands on its own: the weight of the public sets falls to 0 until then, in
a line and row by row. A random sample has few of a rare truth, however many labels it has in all."""
BLIND = 0.1
"""Largest share of the read mentions that may stand in languages without a matrix."""
SHIFT = 0.13
"""Variance v between the domains of one language, as a share of m (1 - m): mean over the languages with two public sets, 0.122,
rounded up (`make bench-prevalence` prints each), from 0 for Spanish tweets to 0.34 for Polish doctors and tweets."""
SHIFT_WEIGHT = 3
"""How many further sets of a language it takes until their own variance weighs as much as SHIFT."""
DRAWS = 800
TAIL = 0.04
"""The limits are the means of that share of the draws at either end: in a normal law its 1.6 % quantiles, and steadier. (At
2.5 % the percentiles of a bootstrap covered 94 times in 100.)"""
FEASIBLE = 200
"""Draws that limits need: where fewer are possible, those that miss the simplex by least are taken."""
JEFFREYS = 0.5
"""Added per cell of counts (Jeffreys' law), so that no chance is held to be 0 because it was not met."""
RIDGE = 1e-4
"""Keeps a matrix that tells nothing apart solvable: what it cannot tell stays as it was read."""
CHUNK = 16
"""Rows solved at a time: their draws stay in the processor's cache."""


@dataclass(frozen=True)
class Confusion:
    """counts[i][j]: texts that are truly LABELS[i] and were read as LABELS[j]."""

    sets: tuple[Counts, ...]
    """One 3 x 3 per labelled set (domains differ: their spread is the shift)."""
    general: bool
    """True: public corpora; False: the brand's own labels."""
    own: Counts | None = None
    """The brand's own labels beside public sets: they narrow what those leave open, and take their place (STANDS)."""


@dataclass(frozen=True)
class Corrected:
    """Shares by LABELS (columns), rows as given; nan where undefined. low <= value <= high, all in [0, 1]."""

    value: Floats
    low: Floats
    high: Floats
    general: NDArray[np.bool_]
    """(rows,): a mention of the row was corrected by public corpora, or not at all."""


def of_brand(general: Confusion | None, labelled: Sequence[Pair]) -> Confusion | None:
    """The matrix for the brand's mentions of one language. `labelled`: (truth, read) of a random sample of its texts, or
    (truth, read, weight) where rare readings were drawn more often than their share.

    General until there are LEAST labels and STANDS of each truth, with the own labels as evidence on top; then the own ones
    alone, which by then tell the same. None before LEAST where nothing is general. Pairs with a label that is not one of
    LABELS (`unscored`) say nothing and are left out.
    """
    seen = [pair for pair in labelled if {pair[0], pair[1]} <= set(LABELS)]
    own = tuple(_row([pair for pair in seen if pair[0] == truth]) for truth in LABELS)
    if len(seen) >= LEAST:
        stands = min(map(sum, own)) >= STANDS
        return Confusion((own,), general=False) if stands else replace(general or Confusion((), general=True), own=own)
    return replace(general, own=own) if general and seen else general


def _row(pairs: Sequence[Pair]) -> tuple[float, float, float]:
    """Weighted counts by reading, scaled to the effective number of texts (sum w)^2 / sum w^2 (Kish 1965)."""
    weights = [(pair[1], pair[2] if len(pair) == 3 else 1.0) for pair in pairs]
    squares = fsum(w * w for _, w in weights)
    scale = fsum(w for _, w in weights) / squares if squares else 0.0
    negative, neutral, positive = (scale * fsum(w for read, w in weights if read == label) for label in LABELS)
    return negative, neutral, positive


def pooled(confusions: Mapping[str, Confusion]) -> Confusion | None:
    """For mentions without a language, whose confusion nobody measured: all sets, each a domain. None without any."""
    sets = tuple(one for lang in sorted(confusions) for one in confusions[lang].sets)
    return Confusion(sets, general=True) if sets else None


def corrected(
    read: Mapping[str, NDArray[np.generic]],
    known: Mapping[str, NDArray[np.generic]],
    confusions: Mapping[str, Confusion],
) -> Corrected:
    """Prevalence over all languages together: each corrected, then weighted by its mentions.

    read: per language, counts (rows, 3) as the scorer read them; known: the same where a person set the label, which is
    exact. Mentions in languages without a matrix count as they were read, with an interval of "none to all of them";
    where they are more than BLIND of the read ones the row is nan, as is a row without mentions.
    """
    shape = np.shape(next(iter([*read.values(), *known.values()]), np.zeros((0, 3))))
    told, blind, together, apart = np.zeros(shape), np.zeros(shape), np.zeros((2, *shape)), np.zeros((2, *shape))
    general = np.zeros(shape[0], dtype=bool)
    for lang in sorted(read):
        counts, confusion = np.asarray(read[lang], dtype=np.float64), confusions.get(lang)
        if confusion is None:
            blind += counts
        else:
            value, *limits = _unmixed(counts, confusion)
            far = counts.sum(1, keepdims=True) * np.abs(np.stack(limits) - value)
            told += counts.sum(1, keepdims=True) * value
            together, apart = (together + far, apart) if confusion.general else (together, apart + far**2)
        if confusion is None or confusion.general:
            general |= counts.sum(1) > 0
    exact = sum((np.asarray(known[lang], dtype=np.float64) for lang in sorted(known)), np.zeros(shape))
    return _shares(exact, told, blind, together + np.sqrt(apart), general)


def _shares(exact: Floats, told: Floats, blind: Floats, far: Floats, general: NDArray[np.bool_]) -> Corrected:
    """Counts (rows, 3) set by persons, corrected, without a matrix, and distances to the limits (2, rows, 3) -> shares."""
    unseen, solved = blind.sum(1, keepdims=True), told.sum(1, keepdims=True)
    n = exact.sum(1, keepdims=True) + solved + unseen
    n = np.where((n > 0) & (unseen <= BLIND * (solved + unseen)), n, np.nan)
    sure = exact + told
    value = np.clip((sure + blind) / n, 0, 1)
    low, high = (sure - far[0]) / n, (sure + far[1] + unseen) / n
    return Corrected(value, np.clip(low, 0, value), np.clip(high, value, 1), general)


def _unmixed(counts: Floats, confusion: Confusion) -> tuple[Floats, Floats, Floats]:
    """(rows, 3) counts of one language as read -> value, low, high; zeros where a row has none."""
    # Equal windows have equal answers: small ones are solved once.
    some, back = np.unique(counts, axis=0, return_inverse=True)
    n = some.sum(1, keepdims=True)
    value = _solved(_learnt(confusion)[0], some / np.maximum(n, 1))
    chunks = [_limits(some[k : k + CHUNK], _inverses(confusion)) for k in range(0, len(some), CHUNK)]
    limits = np.concatenate([np.zeros((2, 0, 3)), *chunks], axis=1)
    answers = np.where(n > 0, np.stack([value, np.minimum(limits[0], value), np.maximum(limits[1], value)]), 0)
    value, low, high = answers[:, back.reshape(-1)]
    return value, low, high


def _solved(matrix: Floats, shares: Floats) -> Floats:
    """p on the simplex with matrix' p = shares, both (rows, 3)."""
    ridge = RIDGE * np.eye(3)
    solver = np.linalg.solve(matrix @ matrix.T + ridge, matrix + ridge)
    # Not `@`: its last digit depends on how many rows come together.
    free = solver[:, 0] * shares[:, :1] + solver[:, 1] * shares[:, 1:2] + solver[:, 2] * shares[:, 2:]
    return _projected(free)


def _projected(free: Floats) -> Floats:
    """The nearest point of the simplex to each row (Duchi et al. 2008, figure 1)."""
    falling = -np.sort(-free, axis=1)
    excess = (np.cumsum(falling, axis=1) - 1) / np.arange(1, 4)
    last = (falling > excess).sum(1, keepdims=True) - 1
    point: Floats = np.maximum(free - np.take_along_axis(excess, np.maximum(last, 0), axis=1), 0)
    point /= np.maximum(point.sum(1, keepdims=True), 1e-9)
    return point


@lru_cache(maxsize=256)
def _learnt(confusion: Confusion) -> tuple[Floats, Floats]:
    """The matrix that solves (3, 3), and the Dirichlet weights (3, 3) that its rows are drawn with."""
    sets = np.array(confusion.sets, dtype=np.float64).reshape(-1, 3, 3)
    between = _shift(sets) if confusion.general else 0.0
    own = np.array(confusion.own or np.zeros((3, 3)), dtype=np.float64)
    left = np.clip(1 - own.sum(1, keepdims=True) / STANDS, 0, 1)
    weight = left * (1 / _variance(sets, between) - 1)
    matrix = weight * _mean(sets, between, 0.0) + own
    return matrix / matrix.sum(1, keepdims=True), weight * _mean(sets, between, JEFFREYS) + (1 - left) * JEFFREYS + own


def _precision(sets: Floats, between: float) -> Floats:
    """How much each set says of each row, (sets, 3, 1): one over (between + within), 0 where it has no such text."""
    n = sets.sum(2, keepdims=True)
    return np.where(n > 0, 1 / (between + _within(n)), 0)


def _within(n: Floats) -> Floats:
    """Variance of a row known from n texts, as a share of m (1 - m): that of a Dirichlet law with n + 3 JEFFREYS."""
    return 1 / (n + 3 * JEFFREYS + 1)


def _variance(sets: Floats, between: float) -> Floats:
    """Of the row of one more domain, as a share of m (1 - m), (3, 1)."""
    known = _precision(sets, between).sum(0)
    return between + np.where(known > 0, 1 / np.maximum(known, 1e-9), _within(np.zeros(1)))


def _mean(sets: Floats, between: float, extra: float) -> Floats:
    """The sets' rows as shares, `extra` added per cell, weighted by what they say, (3, 3); even where no set says it."""
    weight = _precision(sets, between)
    rows = (sets + extra) / np.maximum(sets.sum(2, keepdims=True) + 3 * extra, 1e-9)
    known = weight.sum(0)
    return np.where(known > 0, (weight * rows).sum(0) / np.maximum(known, 1e-9), 1 / 3)


def _shift(sets: Floats) -> float:
    """Variance between domains: SHIFT, corrected by what the language's own sets show."""
    found, further = between_sets(sets), max(len(sets) - 1, 0)
    return SHIFT if found is None else (SHIFT_WEIGHT * SHIFT + further * found) / (SHIFT_WEIGHT + further)


def between_sets(sets: Floats) -> float | None:
    """Variance between the rows of sets (sets, 3, 3) beyond chance, as a share of m (1 - m), by moments; None for one set."""
    n = sets.sum(2, keepdims=True)
    used = (n > 0).sum(0) * 1.0
    rows = (sets + JEFFREYS) / (n + 3 * JEFFREYS)
    mean = np.where(n > 0, rows, 0).sum(0) / np.maximum(used, 1)
    spread, degrees = mean * (1 - mean), np.maximum(used - 1, 0)
    by_chance = degrees / np.maximum(used, 1) * spread * np.where(n > 0, _within(n), 0).sum(0)
    found = np.where(n > 0, (rows - mean) ** 2, 0).sum(0) * (used > 1) - by_chance
    scale = float((degrees * spread).sum())
    return max(float(found.sum()) / scale, 0.0) if scale > 0 else None


@lru_cache(maxsize=256)
def _inverses(confusion: Confusion) -> Floats:
    """(3, 3, DRAWS): matrices that turn read shares into true ones, one per draw of the confusion."""
    rng = np.random.default_rng(190202412)
    grown = rng.standard_gamma(np.broadcast_to(_learnt(confusion)[1], (DRAWS, 3, 3))) + 1e-9
    drawn = grown / grown.sum(2, keepdims=True)
    return np.ascontiguousarray(np.linalg.pinv(drawn.transpose(0, 2, 1)).transpose(1, 2, 0))


@lru_cache(maxsize=1)
def _noise() -> Floats:
    """(3, DRAWS) standard normal: the mentions' own chance, the same for every row."""
    return np.random.default_rng(263449).standard_normal((3, DRAWS))


def _limits(counts: Floats, inverses: Floats) -> Floats:
    """(rows, 3) counts as read -> lower and upper limits (2, rows, 3) of the true shares over the draws that can be."""
    grown = [_gamma(counts[:, j, None] + JEFFREYS, _noise()[j]) for j in range(3)]
    total = grown[0] + grown[1] + grown[2]
    drawn = [sum(inverses[i, j] * grown[j] for j in range(3)) / total for i in range(3)]
    miss = np.maximum(-np.minimum(np.minimum(drawn[0], drawn[1]), drawn[2]), 0)
    possible = np.maximum((miss == 0).sum(1), FEASIBLE)
    out = miss > np.partition(miss, FEASIBLE - 1, axis=1)[:, FEASIBLE - 1 : FEASIBLE]
    return np.stack([_ends(np.where(out, np.inf, np.clip(part, 0, 1)), possible) for part in drawn], axis=2)


def _ends(drawn: Floats, possible: NDArray[np.int64]) -> Floats:
    """Mean of the TAIL at either end (2, rows) of the `possible` smallest draws of each row."""
    rows, sums = np.arange(len(drawn)), np.cumsum(np.sort(drawn, axis=1), axis=1)
    tail = np.ceil(TAIL * possible).astype(np.int64)
    low = sums[rows, tail - 1]
    high = sums[rows, possible - 1] - sums[rows, possible - tail - 1]
    ends: Floats = np.stack([low, high]) / tail
    return ends


def _gamma(shape: Floats, normal: Floats) -> Floats:
    """Gamma quantiles from normal ones (Wilson and Hilferty 1931)."""
    root = np.maximum(1 - 1 / (9 * shape) + normal / (3 * np.sqrt(shape)), 1e-3)
    quantile: Floats = shape * root * root * root
    return quantile
