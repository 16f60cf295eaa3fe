"""Whether the scorer reads this month as well as it did before, and whether people agree on what is right.

Compared is recall by true class, P(read right | truth), which does not change with how many complain; the plain share of
right readings does. Weighted pairs (labelled.py) count as many as they tell (Kish). The test: for each class with enough
labels in both, a two-proportion z (pooled), squared and added up: chi-square with as many degrees of freedom as classes
(Cochran 1954). Agreement: Cohen's kappa (1960), for each two people over the mentions that both labelled.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import erfc, exp, pi, sqrt
from typing import get_args

from coolhead.labelled import Judged, effective, judged
from coolhead.labels import Answer
from coolhead.rows import Polarity

CLASSES: tuple[str, ...] = get_args(Polarity)
ALPHA = 0.01
"""Chance of calling a month a drift that is none; several languages are looked at every month."""
ENOUGH = 10
"""Labels (effective) of a true class that a comparison needs on both sides."""
Z95 = 1.959964


@dataclass(frozen=True)
class Share:
    """A proportion with its 95 % interval; n counts as weights do."""

    value: float
    low: float
    high: float
    n: float

    def __str__(self) -> str:
        return f"{self.value:.0%} ({self.low:.0%} to {self.high:.0%})"


@dataclass(frozen=True)
class Drift:
    """One language of one market in one month."""

    lang: str
    month: str
    right: int
    n: int
    of_all: Share
    """Read right, of all the month's texts: weighted."""
    recall: Mapping[str, Share]
    """By true class."""
    former: Mapping[str, Share]
    former_n: int
    card: Mapping[str, float]
    """Recall by true class on public corpora, as the scorer's card has it; empty where it does not say."""
    p: float | None
    """That chance alone makes such a difference to the months before; None: too few labels to say."""

    @property
    def drifted(self) -> bool:
        return self.p is not None and self.p < ALPHA

    def __str__(self) -> str:
        told = [
            f"{self.lang}, {self.month}: {self.right} of {self.n} read right, which stands for {self.of_all} of all texts",
            *self._means(),
        ]
        if self.p is None:
            verdict = "nothing to compare with" if not self.former_n else "too few labels to tell a drift"
        else:
            verdict = f"{'DRIFT' if self.drifted else 'no drift'} (p = {self.p:.2g})"
        return f"{'; '.join(told)}: {verdict}"

    @property
    def compared(self) -> list[str]:
        """True classes that this month, the months before and the card have, as far as there are any: a mean over other
        classes is another number, and no better or worse reading."""
        sides = [side for side in (self.recall, self.former, self.card) if side]
        return [t for t in CLASSES if all(t in side for side in sides)]

    def _means(self) -> list[str]:
        if not (classes := self.compared):
            return [f"mean recall {_mean(self.recall.values())}, of classes that nothing else has"]
        of = "" if classes == [*CLASSES] else f" of {' and '.join(classes)}"
        told = [f"mean recall{of} {_mean(self.recall[t] for t in classes)}"]
        if self.former:
            told.append(f"before {_mean(self.former[t] for t in classes)} (n {self.former_n})")
        if self.card:
            told.append(f"the card says {sum(self.card[t] for t in classes) / len(classes):.0%}")
        return told


@dataclass(frozen=True)
class Agreement:
    """Two people who labelled the same mentions."""

    people: tuple[str, str]
    n: int
    same: float
    kappa: float | None
    """None: both gave one and the same label throughout."""

    def __str__(self) -> str:
        kappa = "no kappa: one label throughout" if self.kappa is None else f"kappa {self.kappa:.2f}"
        return f"{' and '.join(self.people)}: the same label for {self.same:.0%} of {self.n} mentions, {kappa}"


def drifts(answers: Sequence[Answer], card: Mapping[str, Mapping[str, float]] | None = None) -> list[Drift]:
    """Of the newest labelled month against all before it, by language. answers: of one market."""
    months = {a.sample[:7] for a in answers if a.asked}
    if not months:
        return []
    month = max(months)
    now = _by_lang(judged(a for a in answers if a.sample[:7] == month))
    before = _by_lang(judged(a for a in answers if a.sample[:7] < month))
    return [_drift(lang, month, found, before.get(lang, []), (card or {}).get(lang, {})) for lang, found in sorted(now.items())]


def _by_lang(found: Iterable[Judged]) -> dict[str, list[Judged]]:
    out: dict[str, list[Judged]] = {}
    for j in found:
        out.setdefault(j.lang, []).append(j)
    return out


def _drift(lang: str, month: str, now: list[Judged], before: list[Judged], card: Mapping[str, float]) -> Drift:
    recall, former = _recall(now), _recall(before)
    right = sum(j.right for j in now)
    return Drift(lang, month, right, len(now), _share(now), recall, former, len(before), card, _p(recall, former))


def _recall(found: Sequence[Judged]) -> dict[str, Share]:
    return {t: _share(mine) for t in CLASSES if (mine := [j for j in found if j.truth == t])}


def _share(found: Sequence[Judged]) -> Share:
    """Weighted share of right readings, with Wilson's interval (1927) at the effective n."""
    weights = [j.weight for j in found]
    n, p = effective(weights), sum(j.weight for j in found if j.right) / sum(weights)
    middle, half = (p + Z95**2 / (2 * n)), Z95 * sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2))
    scale = 1 + Z95**2 / n
    return Share(p, max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale), n)


def _mean(shares: Iterable[Share]) -> Share:
    """Mean over classes; the distances to their limits add as squares (MOVER: Zou and Donner 2008), so that few labels
    that are all right make no class, and no mean, sure."""
    found = list(shares)
    value = sum(s.value for s in found) / len(found)
    below = sqrt(sum((s.value - s.low) ** 2 for s in found)) / len(found)
    above = sqrt(sum((s.high - s.value) ** 2 for s in found)) / len(found)
    return Share(value, max(0.0, value - below), min(1.0, value + above), sum(s.n for s in found))


def _p(now: Mapping[str, Share], before: Mapping[str, Share]) -> float | None:
    both = [(now[t], before[t]) for t in now if t in before and min(now[t].n, before[t].n) >= ENOUGH]
    return _tail(sum(_z2(a, b) for a, b in both), len(both)) if both else None


def _z2(a: Share, b: Share) -> float:
    pooled = (a.value * a.n + b.value * b.n) / (a.n + b.n)
    variance = pooled * (1 - pooled) * (1 / a.n + 1 / b.n)
    return (a.value - b.value) ** 2 / variance if variance > 1e-12 else 0.0


def _tail(x: float, degrees: int) -> float:
    """P(chi-square > x) for one, two or three degrees of freedom (closed forms)."""
    if degrees == 2:
        return exp(-x / 2)
    normal = erfc(sqrt(x / 2))
    return normal if degrees == 1 else normal + sqrt(2 * x / pi) * exp(-x / 2)


def agreements(answers: Iterable[Answer]) -> list[Agreement]:
    """Each two people who labelled at least one drawn mention both; of one person's labels the newest counts."""
    said: dict[str, dict[tuple[object, ...], str]] = {}
    for a in answers:
        if a.by and a.label:
            said.setdefault(a.by, {})[a[:3]] = a.label
    return [_agreement(a, b, said[a], said[b]) for a, b in combinations(sorted(said), 2) if said[a].keys() & said[b].keys()]


def _agreement(a: str, b: str, by_a: Mapping[tuple[object, ...], str], by_b: Mapping[tuple[object, ...], str]) -> Agreement:
    both = [(by_a[k], by_b[k]) for k in by_a.keys() & by_b.keys()]
    same = sum(x == y for x, y in both) / len(both)
    chance = sum(sum(x == t for x, _ in both) * sum(y == t for _, y in both) for t in CLASSES) / len(both) ** 2
    return Agreement((a, b), len(both), same, None if chance == 1 else (same - chance) / (1 - chance))
