"""What people's labels tell of the scorer: pairs of truth and reading, with the weight that makes them unbiased.

Mentions are drawn by what the scorer READ (sampling.py), so that rare readings are labelled too. Counted as they are, the
pairs would show P(read | truth) wrongly: a reading that was drawn twice as densely would look twice as frequent. Each
pair therefore counts as many texts as it stands for (Horvitz and Thompson 1952):

    w = N / n     N: texts of its language and reading in its month when it was drawn; n: those of them that are labelled
    P(read = j | truth = i) = sum of w over (i, j) / sum of w over (i, any)

Weights are scaled to a mean of 1 per month and language: each month then counts by its labels, and one month of crisis, in
which P(truth | read) is another, biases no other. A mention that a person picked teaches nothing: people pick what was read
wrong. Where several labelled one mention, the newest label is the truth, as everywhere.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from coolhead.labels import Answer
from coolhead.rows import Polarity
from coolhead.store import Store

Pair = tuple[str, str, float]
"""(truth, read, weight)"""
Part = tuple[str, str]
"""Sample and language."""
UNSEEN = 0.05
"""Largest share of a month's texts in a language whose reading may have no label at all; beyond it, it has no pairs yet."""


@dataclass(frozen=True)
class Judged:
    """One drawn mention whose truth is known, with its weight."""

    sample: str
    lang: str
    truth: Polarity
    read: str
    weight: float

    @property
    def right(self) -> bool:
        return self.truth == self.read


def pairs(store: Store, market: str, scorer: str, revision: str, as_of: datetime) -> dict[str, list[Pair]]:
    """language -> (truth, read, weight) of the market's labelled samples, as this revision reads them."""
    out: dict[str, list[Pair]] = {}
    for j in judged(store.answers(market, scorer, revision, as_of)):
        out.setdefault(j.lang, []).append((j.truth, j.read, j.weight))
    return out


def judged(answers: Iterable[Answer]) -> list[Judged]:
    """The labelled mentions among the answers of one market, in key order."""
    drawn = [list(some) for _, some in groupby(answers, key=lambda a: a[:3])]
    texts: dict[Part, dict[Polarity, int]] = {}
    for a, *_ in drawn:
        texts.setdefault((a.sample, a.lang), {})[a.drawn_as] = a.among
    answered = [some[-1] for some in drawn if any(a.asked for a in some)]
    labels = Counter((a.sample, a.lang, a.drawn_as) for a in answered)
    usable = {part for part, some in texts.items() if _covered(some, {r: labels[*part, r] for r in some})}
    weights = [
        (a, texts[a.sample, a.lang][a.drawn_as] / labels[a.sample, a.lang, a.drawn_as])
        for a in answered
        if (a.sample, a.lang) in usable and a.read not in (None, "unscored")
    ]
    parts = {part: [w for a, w in weights if (a.sample, a.lang) == part] for part in usable}
    return [
        Judged(a.sample, a.read_lang or a.lang, a.label, a.read, w * len(mine) / sum(mine))
        for a, w in weights
        if (mine := parts[a.sample, a.lang]) and a.label and a.read
    ]


def _covered(texts: Mapping[Polarity, int], labels: Mapping[Polarity, int]) -> bool:
    """Whether each reading that matters has a label: without, the matrix would lack a column and look better than it is."""
    return sum(n for read, n in texts.items() if not labels[read]) <= UNSEEN * sum(texts.values())


def effective(weights: Sequence[float]) -> float:
    """How many equally weighted pairs tell as much (Kish 1965): (sum w)^2 / sum w^2; 0 for none."""
    return sum(weights) ** 2 / sum(w * w for w in weights) if weights else 0.0
