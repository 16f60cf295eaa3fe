"""Scorer `linear`: hashed word and character n-grams, one softmax, nine languages; numpy only. See MODEL_CARD.md.

Every feature is hashed twice, once plain (what one language teaches of emoji, names and cognates helps the next) and
once with its language (`fatal`, `gift`, `curva` do not mean the same everywhere). Features count once per text; word
and character features are two blocks, each divided by the root of its number, so that length does not make a mood.

Weights are whole numbers and are summed as such: the answer cannot depend on the order or size of a batch.
"""

import html
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coolhead.errors import ConfigError
from coolhead.language import identify, primary, strip_addresses
from coolhead.rows import Label
from coolhead.sentiment import Scorer, Sentiment

WEIGHTS = Path(__file__).with_name("linear.npz")
LANGUAGES = ("ar", "de", "en", "es", "fr", "id", "it", "pl", "pt")
"""Position is part of the hash: append only, and train again."""
LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")
LIMIT = 4_000
"""Characters read of one text, from its start: 30 times a usual post; what follows is not read."""
BITS = 20
BLOCKS = 2
_CHUNK = 150_000
"""Characters worked on at once: bounds memory to about 100 MB whatever the batch."""

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


class Model(NamedTuple):
    """Parameters of one softmax. `table`: int8 (2**BITS, 3); `scale`: float per unit; `bias`: float (languages, 3);
    `temperature`: float (languages,), fitted after training, divides the logits."""

    table: NDArray[np.int8]
    scale: float
    bias: NDArray[np.float64]
    temperature: NDArray[np.float64]


@cache
def model() -> Model:
    """The committed weights, read once per process. Raises ConfigError where they are missing or of another layout."""
    try:
        with np.load(WEIGHTS, allow_pickle=False) as file:
            if tuple(file["languages"].tolist()) != LANGUAGES or file["table"].shape != (1 << BITS, len(LABELS)):
                raise ConfigError(f"{WEIGHTS}: made for another version of the scorer; run coolhead.sentiment._train_linear")
            return Model(file["table"], float(file["scale"]), file["bias"], file["temperature"])
    except OSError as error:
        raise ConfigError(f"{WEIGHTS}: cannot be read ({error}); run python -m coolhead.sentiment._train_linear") from error


class Linear(Scorer):
    """Negative, neutral or positive by one linear model."""

    revision = "1"
    languages = frozenset(LANGUAGES)

    def score(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Sentiment]:
        """One answer per text. A declared language is believed; where there is none, the text is identified."""
        if len(texts) != len(langs):
            raise ValueError(f"{len(texts)} texts, but {len(langs)} languages")
        found = self._languages(texts, langs)
        clean = [normalise(t) if lang in self.languages else "" for t, lang in zip(texts, found, strict=True)]
        answers = [Sentiment("unscored", lang) for lang in found]
        readable = [i for i, text in enumerate(clean) if text]
        codes = np.array([LANGUAGES.index(found[i]) for i in readable], dtype=np.int64)
        chosen = [clean[i] for i in readable]
        for i, lang, logits in zip(readable, codes.tolist(), _logits(chosen, codes), strict=True):
            answers[i] = _sentiment(logits, found[i], float(model().temperature[lang]))
        return answers

    def _languages(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[str]:
        """Declared primary tags, else identified. A declared language that is not read stays named, and unscored."""
        found = [primary(lang) for lang in langs]
        unknown = [i for i, lang in enumerate(found) if lang is None]
        named = dict(zip(unknown, identify([texts[i] for i in unknown], self.languages), strict=True)) if unknown else {}
        return [lang or named[i][0] for i, lang in enumerate(found)]


def _sentiment(logits: Sequence[float], lang: str, temperature: float) -> Sentiment:
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
    )


def _logits(clean: Sequence[str], codes: Ints) -> list[list[float]]:
    """Three logits per normalised text, before the temperature."""
    weights = model() if clean else None
    out: list[list[float]] = []
    for part in _chunks(clean):
        assert weights is not None
        slot, index = features(clean[part], codes[part])
        sums = np.zeros((BLOCKS * (part.stop - part.start), len(LABELS)), dtype=np.int64)
        starts = np.flatnonzero(np.diff(slot, prepend=-1))
        sums[slot[starts]] = np.add.reduceat(weights.table[index], starts, axis=0, dtype=np.int64)
        counts = np.bincount(slot, minlength=len(sums))
        scaled = sums * (weights.scale / np.sqrt(np.maximum(counts, 1)))[:, None]
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


# ---- text to signs ---------------------------------------------------------------------------------------------

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_DIGITS = re.compile(r"(?<!<)\d+(?:[.,:]\d+)*")
_STRETCH = re.compile(r"([^\W\d_])\1{2,}")
_EMOTICON = r"[:;=][-'^]?[)(\]\[dp/|3*]+(?!\w)|<3+|\^_*\^"
_TOKEN = re.compile(rf"{_EMOTICON}|0|[^\W\d_]+(?:'[^\W\d_]+)*|!+|\?[?!]*|\.\.+|[^\w\s]")
_SMILE = {")": ":)", "]": ":)", "d": ":)", "p": ":)", "3": ":)", "*": ":)", "(": ":(", "[": ":(", "/": ":(", "|": ":("}
# Marks that only tell which corpus a text is from (SmSA and PolEmo stand with spaces around their commas).
_DROP = frozenset(".,;:\"'()[]{}<>-–—_#*/|\\`´~^=+&%$€£§°•·@«»“”„‘’‚…。、") | {"\ufe0f", "\ufe0e", "\u200d"}
_ARABIC = (
    dict.fromkeys((0x0640, *range(0x064B, 0x0653)), "")
    | dict.fromkeys((0x0622, 0x0623, 0x0625), "ا")
    | {0x0649: "ي", 0x0629: "ه"}
)
_FLAT = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'"} | {chr(c): v for c, v in _ARABIC.items()})


def normalise(text: str) -> str:
    """Signs of the text with one space around each (`" "` between, before and after), or "" where there is none.

    Addresses out, case folded, accents kept, letters repeated three times and more cut to two, numbers to 0,
    Arabic vowel signs out and alef forms to one. Reads the first 4,000 characters.
    """
    text = text[:LIMIT]
    if "\\" in text:  # exports that were escaped twice, UMSAB's English half among them
        text = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text).replace('\\"', '"').replace("\\n", " ")
    if "&" in text:
        text = html.unescape(text)
    text = unicodedata.normalize("NFKC", strip_addresses(text).translate(_FLAT)).casefold()
    text = _STRETCH.sub(r"\1\1", _DIGITS.sub("0", text))
    tokens = [_sign(t) for t in _TOKEN.findall(text) if t not in _DROP]
    return f" {' '.join(tokens)} " if tokens else ""


def _sign(token: str) -> str:
    if token[0] in ":;=" and len(token) > 1:
        return _SMILE.get(token[-1], token)
    return token[:2] if token[0] in "!?." else token


# ---- signs to features -----------------------------------------------------------------------------------------

_PRIME = np.uint64(0x100000001B3)
_NEGATIONS = (  # the three words after one of these count a second time, as denied
    "not no never don't doesn't didn't isn't wasn't won't can't cannot couldn't wouldn't ain't dont doesnt didnt without nor "  # en
    "non mai senza nessun nessuno niente né nè mica neanche nemmeno nie bez nigdy nic żaden żadna żadnego ani brak "  # it pl
    "tidak tdk gak ga nggak ngga enggak bukan jangan tanpa belum tak kurang "  # id
    "nicht kein keine keinen nie niemals ohne nichts pas ne jamais sans rien aucun aucune sin nunca nada ningún não nao sem "  # de fr es pt
    "nem nenhum لا ليس لم لن ما غير بدون مش مو"  # ar
)
_POWERS = np.cumprod(np.concatenate([np.ones(1, np.uint64), np.full(LIMIT + 2, _PRIME, np.uint64)]))


def features(clean: Sequence[str], codes: Ints) -> tuple[Ints, Ints]:
    """Features of normalised, non-empty texts: (slot, index), sorted, each pair once.

    `slot` is BLOCKS * position of the text + block (0 words, 1 characters), `index` a row of the table.
    """
    points = np.frombuffer("".join(clean).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    text = np.repeat(np.arange(len(clean)), [len(t) for t in clean])
    keys: list[Hashes] = []
    for block, salt, rows, values in (*_words(points, text), *_characters(points, text)):
        slot = (rows * BLOCKS + block).astype(np.uint64) << np.uint64(BITS)
        language = (codes[rows] + 1).astype(np.uint64) * np.uint64(64)
        keys.append(slot | _fold(values, np.full(1, salt, np.uint64)))
        keys.append(slot | _fold(values, language + np.uint64(salt)))
    # np.unique hashes since numpy 2.3, which costs a hundred times the sort.
    sorted_keys = np.sort(np.concatenate(keys)).astype(np.int64)
    found = sorted_keys[np.diff(sorted_keys, prepend=-1) != 0]
    return found >> BITS, found & ((1 << BITS) - 1)


Features = tuple[int, int, Ints, Hashes]
"""Block, kind (salts the hash), text of each value, values."""


def _words(points: Hashes, text: Ints) -> Iterator[Features]:
    """Words, pairs of words, and words within three after a negation."""
    rows, words = _hash_words(points, text)
    yield 0, 1, rows, words
    together = rows[:-1] == rows[1:]
    yield 0, 2, rows[:-1][together], (words[:-1] * _POWERS[5] + words[1:])[together]
    negation = np.isin(words, _negations())
    denied = np.zeros(len(words), dtype=bool)
    for step in (1, 2, 3):
        denied[step:] |= negation[:-step] & (rows[step:] == rows[:-step])
    yield 0, 3, rows[denied], words[denied]


def _characters(points: Hashes, text: Ints) -> Iterator[Features]:
    """Runs of two to five characters, across word borders, never across texts."""
    values = points
    for n in range(2, 6):
        values = values[:-1] * _PRIME + points[n - 1 :]
        inside = text[: len(values)] == text[n - 1 :]
        yield 1, 8 + n, text[: len(values)][inside], values[inside]


def _hash_words(points: Hashes, text: Ints) -> tuple[Ints, Hashes]:
    """Polynomial hash of each space-delimited sign, modulo 2**64, and the text it stands in."""
    space = points == np.uint64(32)
    starts = np.flatnonzero(space[:-1] & ~space[1:]) + 1
    if not len(starts):
        return np.zeros(0, np.int64), np.zeros(0, np.uint64)
    # Distance to the word's own start; what follows its last letter is a space and weighs nothing.
    origin = np.repeat(starts, np.diff(starts, append=len(points)))
    distance = np.arange(starts[0], len(points)) - origin
    terms = np.where(space, np.uint64(0), points)[starts[0] :] * _POWERS[np.minimum(distance, LIMIT)]
    words: Hashes = np.add.reduceat(terms, starts - starts[0])
    return text[starts], words


@cache
def _negations() -> Hashes:
    signs = f" {' '.join(normalise(word).strip() for word in _NEGATIONS.split())} "
    points = np.array([ord(c) for c in signs], dtype=np.uint64)
    return _hash_words(points, np.zeros(len(points), dtype=np.int64))[1]


def _fold(values: Hashes, salt: Hashes) -> Hashes:
    """Mixes salt into hash (the finaliser of MurmurHash3) and keeps the upper BITS bits."""
    mixed = values ^ (salt * np.uint64(0x9E3779B97F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    kept: Hashes = (mixed ^ (mixed >> np.uint64(33))) >> np.uint64(64 - BITS)
    return kept
