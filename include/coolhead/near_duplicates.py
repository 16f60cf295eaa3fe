"""Which texts say nearly the same: MinHash signatures in a locality-sensitive index (datasketch), near-linear in the texts.

A. Broder, On the resemblance and containment of documents, 1997: two texts are as alike as the share of their runs of three
words that they have in common. Texts are compared as folding.py folds them, without addresses, handles, hashtags and numbers,
which those who copy change first. A text too short to say anything of its own (Shame on you!) is near to no other; only the very
same short texts are told apart, by `same_short`, for those who know how many of them are no chance.

Each text joins the first text before it that it is near to, or stands for itself: only those that stand for themselves are in
the index, so that a hundred thousand copies cost a hundred thousand look-ups of one entry.
"""

import re
from collections.abc import Sequence

from coolhead.folding import fold
from coolhead.language import strip_addresses
from coolhead.telling_terms import visible

COMPARED = 50
"""Candidates that one text is compared with."""
NEAR = 0.6
"""Share of the runs in common, estimated, from which on texts are nearly the same."""
RUN = 3
"""Words."""
LEAST_RUNS = 4
"""Distinct runs that a text must have: six words or more."""
LIMIT = 4_000
"""Characters read of one text."""
PERMUTATIONS, SEED, SCHEME = 128, 1, "affine32"
BANDS, ROWS = 32, 4
"""Of the index: texts that have 0.6 in common are found with a probability of 1 - (1 - 0.6**4)**32 = 0.99."""

_WORD = re.compile(r"[^\W\d_]+")
_SIGN = re.compile(r"#?\w+")
_TAG = re.compile(r"#\w+")
_UNSPACED_RUN = 5
"""Characters of a run where the script writes no spaces."""


def clusters(texts: Sequence[str]) -> list[list[int]]:
    """Positions of texts that say nearly the same, two or more each, in their order. Deterministic in the order given."""
    groups: dict[int, list[int]] = {}
    by_runs: dict[frozenset[str], int] = {}
    index = _Index()
    for position, text in enumerate(texts):
        runs = _runs(text)
        if len(runs) < LEAST_RUNS:
            continue
        if runs not in by_runs:
            by_runs[runs] = index.first_near(position, runs)
        groups.setdefault(by_runs[runs], []).append(position)
    return [members for members in groups.values() if len(members) > 1]


def same_short(texts: Sequence[str]) -> list[list[int]]:
    """Positions of the same text that is too short for `clusters`, two or more each, in their order. One look-up per text.

    The same: word by word as folded, hashtags and numbers too (batch 7 is not batch 12), without addresses and handles. Signs
    without a letter (5/5, emoji) are nobody's words.
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    for position, text in enumerate(texts):
        if len(_runs(text)) < LEAST_RUNS:
            words = tuple(_SIGN.findall(_plain(text)))
            if any(map(_WORD.search, words)):
                groups.setdefault(words, []).append(position)
    return [members for members in groups.values() if len(members) > 1]


def _plain(text: str) -> str:
    """As it is compared: what nobody sees is away before it can part an address or fill the limit."""
    return fold(strip_addresses(visible(text)[:LIMIT]))


def _runs(text: str) -> frozenset[str]:
    words = _WORD.findall(_TAG.sub(" ", _plain(text)))
    if len(words) < RUN and sum(map(len, words)) > 2 * _UNSPACED_RUN and not text.isascii():
        whole = "".join(words)
        return frozenset(whole[i : i + _UNSPACED_RUN] for i in range(len(whole) - _UNSPACED_RUN + 1))
    return frozenset(" ".join(words[i : i + RUN]) for i in range(len(words) - RUN + 1))


class _Index:
    """Texts that stand for themselves."""

    def __init__(self) -> None:
        from datasketch import MinHash, MinHashLSH

        self._empty = MinHash(num_perm=PERMUTATIONS, seed=SEED, scheme=SCHEME)
        self._index = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, ROWS))
        self._signatures: dict[int, MinHash] = {}

    def first_near(self, position: int, runs: frozenset[str]) -> int:
        """The first text that is near; the text's own position, which it is kept under, where there is none."""
        signature = self._empty.copy()
        signature.update_batch([run.encode("utf-8", "surrogatepass") for run in sorted(runs)])
        # Of many that look alike and are not near (a headline that all quote) only the first are compared: linear, come what may.
        for other in sorted(self._index.query(signature))[:COMPARED]:
            if self._signatures[other].jaccard(signature) >= NEAR:
                return int(other)
        self._index.insert(position, signature)
        self._signatures[position] = signature
        return position
