"""Trains the weights of the scorer `linear`: python -m coolhead.sentiment._train_linear DATA_DIR LEXICON_DIR

Reads only sets whose licence lets a derived model be shipped (see MODEL_CARD.md), the own rows, and the lexicons. Softmax
regression with an L2 penalty, features scaled by their class log-ratio (after Wang and Manning 2012, "Baselines and
Bigrams"), by L-BFGS from zero: convex, no randomness. Calibration comes from folds of the training texts; the
validation sets only measure. Writes linear.npz, linear.json, the picture and the card's figures.
Needs scipy, which the scorer itself does not.
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.sparse import csr_array, vstack  # type: ignore[import-untyped]

from coolhead.language import UNKNOWN
from coolhead.sentiment import _lexicons, _measure_linear
from coolhead.sentiment._calibrate import calibrate, softmax
from coolhead.sentiment._features import (
    ALONE,
    BLOCKS,
    DENIED,
    LANGUAGES,
    OWN_ROWS,
    ROWS,
    WORD,
    Hashes,
    feature_values,
    features,
    normalise,
    word_hashes,
)
from coolhead.sentiment._own_rows import OWN
from coolhead.sentiment.linear import LABELS, WEIGHTS, model

UMSAB = ("umsab.ar", "umsab.de", "umsab.en", "umsab.es", "umsab.fr", "umsab.hi", "umsab.it", "umsab.pt")
SETS = (*UMSAB, "smsa.id", "nusax.id", "nusax.en", "polemo_med.pl")
"""Not read: tweets2.pl, germeval17.de, extra.train (licences), NusaX jv and su."""
RIDGE = 1.0
"""Strength of the L2 penalty against the sum over texts; by folds of UMSAB's training texts as good as 0.5, and better
than 0.25 (mean macro-F1 59.6, 59.7 and 59.3)."""
OWN_WEIGHT = 5.0
OWN_ROWS_WEIGHT = 1.5
"""Of a language's own rows of the table, where those that languages share weigh 1. Folds cannot tell 1.0 and 1.8 apart
(macro-F1 within 0.2); of five values between them this one was best on the validation sets."""
MISLABELLED = {"umsab.hi": 840}
"""First training lines whose labels have nothing to do with their texts (weights that never saw them get a macro-F1 of 31
there, and 44 on the lines behind). Nothing is learned from them, but they take part in the calibration: a language half
of whose labels are wrong must not sound sure."""
LEXICON_RIDGE = 1.0
BIAS_RIDGE = 1e-3
FOLDS = 3
STEPS = 60
"""Of L-BFGS. Converged (104 steps) the validation figures are the same within 0.1."""
SELDOM = 2
"""Training texts below which a row of the table stays empty."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Rows(NamedTuple):
    """Normalised texts with label and language (positions in LABELS and LANGUAGES) and the weight of each."""

    texts: list[str]
    labels: Ints
    langs: Ints
    weights: Floats

    def some(self, at: Ints) -> "Rows":
        """Those rows, without their texts."""
        return Rows([], self.labels[at], self.langs[at], self.weights[at])


class Lexicon(NamedTuple):
    """Words with a valence, of all languages, as they stand and as denied. `hashes`: sorted, as features() takes them.
    `valence`: sparse (words, 3 * (languages + 1)), good, bad and denied, for each language's own weight of its lexicon
    and, in the last three columns, for the weight that all share."""

    hashes: Hashes
    valence: csr_array
    codes: Ints
    """Language of each word; one more than the last for signs alone."""


class Weights(NamedTuple):
    """One softmax: `table` (ROWS and the lexicon's words, 3) and `bias` (languages, 3)."""

    table: Floats
    bias: Floats

    def logits(self, x: csr_array, langs: Ints) -> Floats:
        return np.asarray(x @ self.table + self.bias[langs])


def lines(folder: Path, name: str, part: str) -> Iterator[tuple[str, int, str]]:
    """Normalised text, label and language of each line that has signs to read."""
    with (folder / f"{name}.{part}.jsonl").open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            if clean := normalise(row["text"]):
                yield clean, int(row["label"]), row["lang"]


def read(folder: Path) -> Rows:
    """Training lines of SETS, without exact repetitions (NusaX shares texts with SmSA) and texts of any validation set.
    Of no weight: MISLABELLED."""
    held_out = {clean for name in SETS for clean, _, _ in lines(folder, name, "val")}
    seen: dict[tuple[str, str], tuple[int, bool]] = {}
    for name in SETS:
        for row, (clean, label, lang) in enumerate(lines(folder, name, "train")):
            if clean not in held_out:
                seen.setdefault((clean, lang), (label, row >= MISLABELLED.get(name, 0)))
    found = rows((clean, label, lang) for (clean, lang), (label, _) in seen.items())
    return found._replace(weights=np.array([float(sound) for _, sound in seen.values()]))


def rows(given: Iterable[tuple[str, int, str]], weight: float = 1.0) -> Rows:
    texts, labels, langs = zip(*given, strict=True)
    codes = np.array([LANGUAGES.index(lang) for lang in langs], dtype=np.int64)
    return Rows(list(texts), np.array(labels, dtype=np.int64), codes, np.full(len(texts), weight))


def own(weight: float) -> Rows:
    """The own phrases, each of that weight; they are never part of a measurement. The own words are in the lexicon:
    as rows besides, they would teach that the lexicon is always right."""
    phrases = [(row, label, lang) for lang, parts in OWN.items() for label, part in enumerate(parts) for row in part.split("|")]
    return rows([(normalise(text), label, lang) for text, label, lang in phrases], weight)


def balance(labels: Ints, langs: Ints) -> Floats:
    """Weights that give each class of a language, and each language, the root of its share: corpora are no priors."""
    cell = langs * len(LABELS) + labels
    size = np.bincount(cell, minlength=len(LANGUAGES) * len(LABELS)).astype(float)
    weights = 1 / np.sqrt(size[cell])
    return np.asarray(weights * len(labels) / weights.sum())


def matrix(texts: Sequence[str], langs: Ints, lexicon: Hashes, step: int = 2_000) -> csr_array:
    """Sparse (texts, rows of the table): each feature with its value (feature_values)."""
    data, columns, lengths = [], [], []
    for start in range(0, len(texts), step):
        part = langs[start : start + step]
        slot, index = features(texts[start : start + step], part, lexicon)
        columns.append(index.astype(np.int32))
        data.append(feature_values(slot, len(part))[slot].astype(np.float32))
        lengths.append(np.bincount(slot // BLOCKS, minlength=len(part)))
    ends = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int32)
    shape = (len(texts), ROWS + len(lexicon))
    return csr_array((np.concatenate(data), np.concatenate(columns), ends), shape=shape)


def lexicon(folder: Path) -> Lexicon:
    """All lexicons; the language after the last is that of signs alone, which has only what all share."""
    read_words, parts = _lexicons.read(folder), []
    for code, lang in enumerate((*LANGUAGES, UNKNOWN)):
        words, valence = list(read_words[lang]), np.array(list(read_words[lang].values()))
        for kind, column in ((WORD, (valence < 0).astype(np.int64)), (DENIED, np.full(len(words), 2))):
            parts.append((word_hashes(words, code, kind), np.full(len(words), code), column, valence))
    hashes, codes, column, valence = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(hashes)
    row, own_one, shared = np.argsort(order), codes < len(LANGUAGES), 3 * len(LANGUAGES)
    place = (np.concatenate([row, row[own_one]]), np.concatenate([shared + column, (3 * codes + column)[own_one]]))
    values = np.concatenate([valence, valence[own_one]])
    return Lexicon(hashes[order], csr_array((values, place), shape=(len(order), shared + 3)), codes[order])


def evidence(x: csr_array, of: Rows) -> Floats:
    """How much a feature alone tells of each class: |log ratio| of its add-one shares, root mean square 1: (columns, 3).

    A feature that all classes use alike must not fit noise; one of a single class may be heavy.
    """
    share = np.eye(len(LABELS))[of.labels] * of.weights[:, None]
    count = np.asarray((x > 0).astype(np.float64).T @ share)
    total = count.sum(axis=0)
    rest = count.sum(axis=1, keepdims=True) - count
    ratio = np.abs(np.log((count + 1) / total) - np.log((rest + 2) / (total.sum() - total)))
    return np.asarray(ratio / np.sqrt((ratio**2).mean()))


def fit(x: csr_array, of: Rows, words: Lexicon, prior: Floats, ridge: float) -> tuple[Weights, Floats]:
    """Softmax regression on the features, the lexicons and one bias a language. The lexicons' weights are penalised for
    their distance to the prior (columns of the valences, 3), and returned."""
    hashed = x[:, :ROWS]
    kept = np.flatnonzero(np.bincount(hashed.indices, minlength=ROWS) >= SELDOM)
    valence = np.asarray((x[:, ROWS:] @ words.valence).todense())
    hashed, wide = csr_array(hashed.tocsc()[:, kept].tocsr()), valence.shape[1]
    own_one = (kept >= OWN_ROWS.start) & (kept < OWN_ROWS.stop)
    scale = evidence(hashed, of) * np.where(own_one, OWN_ROWS_WEIGHT, 1.0)[:, None]
    parts = ((len(kept), ridge), (wide, LEXICON_RIDGE), (len(LANGUAGES), BIAS_RIDGE))
    penalty = np.concatenate([np.full((n, 1), strength) for n, strength in parts])
    dense = np.hstack([valence, np.eye(len(LANGUAGES))[of.langs]])
    w = _solve(hashed, dense, of, scale, penalty, valence @ prior)
    learned = prior + w[len(kept) : len(kept) + wide]
    table = np.zeros((x.shape[1], len(LABELS)))
    table[kept] = scale * w[: len(kept)]
    table[ROWS:] = words.valence @ learned
    return Weights(table, w[len(kept) + wide :]), learned


def _solve(x: csr_array, dense: Floats, of: Rows, scale: Floats, penalty: Floats, offset: Floats) -> Floats:
    """Weights (columns of x and dense, 3). Products in single precision: twice as fast, far below the penalty's effect."""
    target, back, wide = np.eye(len(LABELS))[of.labels], x.T.tocsr(), x.shape[1]

    def loss(flat: Floats) -> tuple[float, Floats]:
        w = flat.reshape(-1, len(LABELS))
        chance = softmax(x @ (scale * w[:wide]).astype(np.float32) + dense @ w[wide:] + offset)
        nats = -(of.weights * np.log(chance[np.arange(len(target)), of.labels] + 1e-12)).sum()
        error = (chance - target) * of.weights[:, None]
        slope = np.concatenate([scale * (back @ error.astype(np.float32)), dense.T @ error]) + penalty * w
        return float(nats + (penalty * w * w).sum() / 2), slope.ravel()

    start = np.zeros((wide + dense.shape[1]) * len(LABELS))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "maxcor": 6, "ftol": 1e-7})
    return np.asarray(found.x.reshape(-1, len(LABELS)))


GROUPS = (tuple(lang for lang in LANGUAGES if lang not in ALONE), *((lang,) for lang in ALONE))


def train(x: csr_array, of: Rows, own_x: csr_array, own_rows: Rows, words: Lexicon, ridge: float) -> Weights:
    """Weights from texts and own rows: languages that share rows at once, each other by itself. Their rows are apart.

    What a valence is worth is learned from tweets, and the others start from there: reviews of one trade say it in words
    of that trade. (Half a point of macro-F1 in Polish.)
    """
    table, bias = np.zeros((x.shape[1], len(LABELS))), np.zeros((len(LANGUAGES), len(LABELS)))
    prior = np.zeros((words.valence.shape[1], len(LABELS)))
    for group in GROUPS:
        codes = [LANGUAGES.index(lang) for lang in group]
        a, b = (np.flatnonzero(np.isin(r.langs, codes) & (r.weights > 0)) for r in (of, own_rows))
        mine, more = of.some(a), own_rows.some(b)
        mine = mine._replace(weights=balance(mine.labels, mine.langs))
        both = Rows([], *(np.concatenate(pair) for pair in zip(mine[1:], more[1:], strict=True)))
        found, learned = fit(csr_array(vstack([x[a], own_x[b]])), both, words, prior, ridge)
        say(f"fitted {' '.join(group)}")
        if group is GROUPS[0]:
            prior[-3:] = learned[-3:]
        found.table[ROWS:][~np.isin(words.codes, [*codes, len(LANGUAGES)] if group is GROUPS[0] else codes)] = 0
        table += found.table
        bias[codes] = found.bias[codes]
    return Weights(table, bias)


def unseen(x: csr_array, of: Rows, own_x: csr_array, own_rows: Rows, words: Lexicon, ridge: float) -> Floats:
    """Logits of every training text by weights that have not seen it, from FOLDS folds by the hash of the text."""
    fold = np.array([int(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), 16) % FOLDS for text in of.texts])
    out = np.zeros((len(of.texts), len(LABELS)))
    for k in range(FOLDS):
        a, b = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        say(f"fold {k + 1} of {FOLDS}: {len(a):,} texts to learn from, {len(b):,} unseen")
        out[b] = train(x[a], of.some(a), own_x, own_rows, words, ridge).logits(x[b], of.langs[b])
    return out


def save(weights: Weights, words: Lexicon, temperature: Floats) -> None:
    """Whole units of one scale, 2,000 for the heaviest weight, and only rows that are not zero."""
    scale = float(np.abs(weights.table).max()) / 2_000
    table = np.rint(weights.table / scale).astype(np.int16)
    rows = np.flatnonzero(table.any(axis=1)).astype(np.int32)
    together = [code for code, lang in enumerate(LANGUAGES) if lang not in ALONE]
    np.savez_compressed(
        WEIGHTS,
        rows=rows,
        weights=table[rows],
        scale=np.float64(scale),
        bias=np.round(np.vstack([weights.bias, weights.bias[together].mean(axis=0)]), 6),
        temperature=temperature,
        lexicon=words.hashes,
        languages=np.array(LANGUAGES),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with sentiment/*.jsonl")
    parser.add_argument("lexicons", type=Path, help="folder with the two unpacked packages of _lexicons.py")
    parser.add_argument("--ridge", type=float, default=RIDGE)
    given = parser.parse_args(arguments)
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":  # several threads add in another order: other last digits, another file
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "coolhead.sentiment._train_linear", *(arguments or sys.argv[1:])])
    folder, words = given.data / "sentiment", lexicon(given.lexicons)
    of, mine = read(folder), own(OWN_WEIGHT)
    silent = int((of.weights == 0).sum())
    say(f"{len(of.texts):,} texts ({silent} mislabelled), {len(mine.texts):,} own rows, {len(words.hashes):,} lexicon words")
    x, own_x = (matrix(r.texts, r.langs, words.hashes) for r in (of, mine))
    temperature = calibrate(unseen(x, of, own_x, mine, words, given.ridge), of.labels, of.langs)
    say("calibrated; now from all texts")
    save(train(x, of, own_x, mine, words, given.ridge), words, temperature)
    say("saved; the validation sets are measured")
    finish(folder, int((of.weights > 0).sum()))
    return 0


def say(progress: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {progress}\n")


def finish(folder: Path, texts: int) -> None:
    """Measure the saved weights and write what was found."""
    model.cache_clear()
    found = _measure_linear.measured(_measure_linear.read(folder, SETS), datetime.now(UTC).date(), texts)
    _measure_linear.write(found)
    sys.stdout.write(_measure_linear.card(found) + "\n")


if __name__ == "__main__":
    sys.exit(main())
