"""Scorer `linear`: hashed word and character n-grams, one softmax, ten languages; numpy only. See MODEL_CARD.md.

Word and character features are two blocks, each divided by the root of its number, so that length does not make a mood.
Weights are whole numbers and are summed as such: the answer cannot depend on the order or size of a batch.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coolhead.errors import ConfigError
from coolhead.language import UNKNOWN, identify, primary
from coolhead.rows import Label
from coolhead.sentiment import Confusion, Scorer, Sentiment
from coolhead.sentiment._features import BLOCKS, LANGUAGES, ROWS, Hashes, Ints, feature_values, features, normalise

WEIGHTS = Path(__file__).with_name("linear.npz")
MEASURED = Path(__file__).with_name("linear.json")
"""What the training measured with these very weights."""
LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")
_CHUNK = 150_000
"""Characters worked on at once: bounds memory to about 100 MB whatever the batch."""
CLEAR = 0.6
"""Least probability of a label for signs without a language: an emoji that is used either way stays unscored."""


class Model(NamedTuple):
    """Parameters of one softmax. `table`: int16 (ROWS and the lexicon's words, 3); `scale`: float per unit; `bias`:
    float (languages + 1, 3); `temperature`: float (languages + 1,), divides the logits; `lexicon`: sorted hashes.
    What is one longer than the languages ends with signs alone."""

    table: NDArray[np.int16]
    scale: float
    bias: NDArray[np.float64]
    temperature: NDArray[np.float64]
    lexicon: Hashes


@cache
def model() -> Model:
    """The committed weights, read once per process. Raises ConfigError where they are missing or of another layout."""
    try:
        with np.load(WEIGHTS, allow_pickle=False) as file:
            rows, lexicon = file["rows"], file["lexicon"]
            if tuple(file["languages"].tolist()) != LANGUAGES or rows[-1] >= ROWS + len(lexicon):
                raise ConfigError(f"{WEIGHTS}: made for another version of the scorer; run coolhead.sentiment._train_linear")
            table = np.zeros((ROWS + len(lexicon), len(LABELS)), dtype=np.int16)
            table[rows] = file["weights"]
            return Model(table, float(file["scale"]), file["bias"], file["temperature"], lexicon)
    except (OSError, KeyError) as error:
        raise ConfigError(f"{WEIGHTS}: cannot be read ({error}); run python -m coolhead.sentiment._train_linear") from error


class Linear(Scorer):
    """Negative, neutral or positive by one linear model."""

    revision = "4"
    languages = frozenset(LANGUAGES)

    def score(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Sentiment]:
        """One answer per text. A declared language is believed; where there is none, the text is identified.

        Of a text whose language is unknown only its signs are read (emoji and emoticons, no word), and scored where
        their mood is clear: they mean about the same in every language.
        """
        if len(texts) != len(langs):
            raise ValueError(f"{len(texts)} texts, but {len(langs)} languages")
        found = self._languages(texts, langs)
        answers = [Sentiment("unscored", lang, lang_confidence=sure) for lang, sure in found]
        clean = [_readable(t, lang) if lang in _CODES else "" for t, (lang, _) in zip(texts, found, strict=True)]
        readable = [i for i, text in enumerate(clean) if text]
        codes = np.array([_CODES[found[i][0]] for i in readable], dtype=np.int64)
        chosen = [clean[i] for i in readable]
        for i, code, logits in zip(readable, codes.tolist(), _logits(chosen, codes), strict=True):
            answer = _sentiment(logits, *found[i], float(model().temperature[code]))
            if found[i][0] != UNKNOWN or (answer.confidence or 0) >= CLEAR:
                answers[i] = answer
        return answers

    def confusions(self) -> dict[str, list[Confusion]]:
        """Of the validation sets, language declared, and of sets that no weights were ever trained on."""
        out: dict[str, list[Confusion]] = {}
        for measured in json.loads(MEASURED.read_text("utf-8"))["sets"].values():
            negative, neutral, positive = ((row[0], row[1], row[2]) for row in measured["confusion"])
            out.setdefault(measured["lang"], []).append((negative, neutral, positive))
        return out

    def _languages(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[tuple[str, float | None]]:
        """Declared primary tags, else identified with probability. A declared language that is not read stays named,
        and unscored."""
        found = [primary(lang) for lang in langs]
        silent = [i for i, lang in enumerate(found) if lang is None]
        named = (
            dict(zip(silent, identify([texts[i] for i in silent], self.languages, self.home), strict=True)) if silent else {}
        )
        return [(lang, None) if lang else named[i] for i, lang in enumerate(found)]


_CODES = {lang: code for code, lang in enumerate((*LANGUAGES, UNKNOWN))}
_LATIN = re.compile(r"[a-zß-öø-ɏḁ-ỹ]")
_ARABIC = re.compile(r"[\u0620-\u06ff]")


def _readable(text: str, lang: str) -> str:
    """What was trained of a text, normalised; "" where there is none: no word and no sign, or words mostly of a script in
    which nothing was learned (Hindi's own, whatever brand stands in it in Latin letters)."""
    signs = normalise(text).split()
    if lang == UNKNOWN:
        signs = [sign for sign in signs if not any(c.isalpha() for c in sign)]
    clean = f" {' '.join(signs)} "
    says = any(sign[0] not in "0!?." for sign in signs)
    return clean if says and (clean.isascii() or _script_is_known(clean, lang)) else ""


def _script_is_known(clean: str, lang: str) -> bool:
    known = len(_LATIN.findall(clean)) + (len(_ARABIC.findall(clean)) if lang == "ar" else 0)
    return 2 * known >= sum(map(str.isalpha, clean))


def _sentiment(logits: Sequence[float], lang: str, sure: float | None, temperature: float) -> Sentiment:
    # math.exp, one text at a time: vectorised exp may round differently at the tail of an array.
    top = max(logits)
    odds = [math.exp((value - top) / temperature) for value in logits]
    negative, neutral, positive = (o / sum(odds) for o in odds)
    best = max(range(3), key=lambda k: odds[k])
    return Sentiment(
        LABELS[best],
        lang,
        polarity=round(max(-1.0, min(1.0, positive - negative)), 6),
        confidence=round(min(1.0, (negative, neutral, positive)[best]), 6),
        lang_confidence=sure,
    )


def _logits(clean: Sequence[str], codes: Ints) -> list[list[float]]:
    """Three logits per normalised text, before the temperature."""
    weights = model() if clean else None
    out: list[list[float]] = []
    for part in _chunks(clean):
        assert weights is not None
        slot, index = features(clean[part], codes[part], weights.lexicon)
        sums = np.zeros((BLOCKS * (part.stop - part.start), len(LABELS)), dtype=np.int64)
        starts = np.flatnonzero(np.diff(slot, prepend=-1))
        sums[slot[starts]] = np.add.reduceat(weights.table[index], starts, axis=0, dtype=np.int64)
        scaled = sums * (weights.scale * feature_values(slot, len(sums) // BLOCKS))[:, None]
        logits = scaled[0::BLOCKS] + scaled[1::BLOCKS] + weights.bias[codes[part]]
        out.extend(logits.tolist())
    return out


def _chunks(clean: Sequence[str]) -> Iterator[slice]:
    start = size = 0
    for i, text in enumerate(clean):
        size += len(text)
        if size > _CHUNK:
            yield slice(start, i + 1)
            start, size = i + 1, 0
    if start < len(clean):
        yield slice(start, len(clean))
