"""How well a scorer reads labelled texts: confusion, macro-F1, macro-recall, expected calibration error. Plain Python."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from coolhead.sentiment import Confusion, Sentiment

LABELS = ("negative", "neutral", "positive")
BINS = 10


class Bin(NamedTuple):
    """Probabilities of about one size: their mean, the share that came true, and how many they are."""

    said: float
    true: float
    n: int


def confusion(gold: Sequence[str], read: Sequence[str]) -> Confusion:
    """Counts of truth (row) and reading (column); what was not read at all is left out."""
    counts = [[0, 0, 0] for _ in LABELS]
    for truth, label in zip(gold, read, strict=True):
        if label in LABELS:
            counts[LABELS.index(truth)][LABELS.index(label)] += 1
    a, b, c = ((row[0], row[1], row[2]) for row in counts)
    return a, b, c


def recalls(gold: Sequence[str], read: Sequence[str]) -> list[float]:
    """Of each label that the truth has: the share read right. What was not read is wrong."""
    present = [label for label in LABELS if label in gold]
    return [sum(g == r == x for g, r in zip(gold, read, strict=True)) / list(gold).count(x) for x in present]


def macro_recall(gold: Sequence[str], read: Sequence[str]) -> float:
    found = recalls(gold, read)
    return sum(found) / len(found)


def macro_f1(gold: Sequence[str], read: Sequence[str]) -> float:
    """Mean over the labels that the truth has; a label that it lacks only costs the others."""
    scores = []
    for label in (x for x in LABELS if x in gold):
        hit = sum(g == r == label for g, r in zip(gold, read, strict=True))
        scores.append(2 * hit / (list(gold).count(label) + list(read).count(label)))
    return sum(scores) / len(scores)


def chances(answer: Sentiment) -> tuple[float, float, float] | None:
    """P(negative), P(neutral), P(positive), which polarity and confidence tell together; None where unscored."""
    if answer.polarity is None or answer.confidence is None:
        return None
    if answer.label == "neutral":
        rest = 1 - answer.confidence
        return (rest - answer.polarity) / 2, answer.confidence, (rest + answer.polarity) / 2
    other = answer.confidence - abs(answer.polarity)
    bad, good = (answer.confidence, other) if answer.label == "negative" else (other, answer.confidence)
    return bad, 1 - bad - good, good


def reliability(gold: Sequence[str], answers: Sequence[Sentiment], bins: int = BINS) -> list[Bin]:
    """All three probabilities of every scored text, in bins of equal count from the least to the greatest."""
    pairs = sorted(
        (chance, truth == label)
        for truth, answer in zip(gold, answers, strict=True)
        for label, chance in zip(LABELS, chances(answer) or (), strict=False)
    )
    return _binned(pairs, bins)


def top_reliability(gold: Sequence[str], answers: Sequence[Sentiment], bins: int = BINS) -> list[Bin]:
    """The probability of the label alone, in bins of equal count."""
    pairs = sorted((a.confidence, g == a.label) for g, a in zip(gold, answers, strict=True) if a.confidence is not None)
    return _binned(pairs, bins)


def _binned(pairs: Sequence[tuple[float, bool]], bins: int) -> list[Bin]:
    edges = [round(i * len(pairs) / bins) for i in range(bins + 1)]
    parts = [pairs[a:b] for a, b in pairwise(edges) if b > a]
    return [Bin(sum(p for p, _ in part) / len(part), sum(t for _, t in part) / len(part), len(part)) for part in parts]


def ece(bins: Sequence[Bin]) -> float:
    """Expected calibration error: mean distance of said and true, weighed by count (Guo et al. 2017, arXiv 1706.04599)."""
    return sum(abs(b.said - b.true) * b.n for b in bins) / sum(b.n for b in bins)


def noise(answers: Sequence[Sentiment], top: bool) -> float:
    """About the expected calibration error that chance alone gives perfect probabilities of this number: the mean
    distance of a share from its truth is sqrt(2 / pi) of its standard error."""
    rows = [c for a in answers if (c := chances(a))]
    said = sorted([max(c) for c in rows] if top else [p for c in rows for p in c])
    bins = _binned([(p, False) for p in said], BINS)
    return sum(math.sqrt(2 / math.pi * b.said * (1 - b.said) / b.n) * b.n for b in bins) / sum(b.n for b in bins)
