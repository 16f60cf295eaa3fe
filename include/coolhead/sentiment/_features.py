"""Text to signs, signs to hashed features: what the scorer `linear` reads in a text. numpy only.

Every feature is hashed with its language (`fatal`, `gift`, `curva` do not mean the same everywhere) and, in languages
whose training texts are tweets, once more without (what one teaches of emoji, names and cognates helps the next).
Indonesian and Polish, learned from reviews, stand alone: they share no rows with the others. Features count once per
text; word and character features are two blocks, each divided by the root of its number and weighed (BLOCK_WEIGHTS).
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from coolhead.language import strip_addresses

LIMIT = 4_000
"""Characters read of one text, from its start: 30 times a usual post; what follows is not read."""
LANGUAGES = ("ar", "de", "en", "es", "fr", "id", "it", "pl", "pt", "hi")
"""Position is part of the hash: append only, and train again. What is one longer ends with signs alone."""
ALONE = ("id", "pl")
BLOCK_WEIGHTS = (1.0, 1.3)
"""Words, characters. By five folds of UMSAB's training texts, without runs of two: 60.3; with them and 1 to 1: 59.9."""
BLOCKS = len(BLOCK_WEIGHTS)
TOGETHER_BITS, ALONE_BITS = 21, 20
OWN_ROWS = range(1 << TOGETHER_BITS, 2 << TOGETHER_BITS)
ROWS = OWN_ROWS.stop + len(ALONE) * (1 << ALONE_BITS)
"""Hashed rows of the table: what languages share, then their OWN_ROWS, then those of each that stands alone."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]

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
# Soft hyphens, zero-width and direction signs, joiners: pasted text has them inside its words.
_UNSEEN = dict.fromkeys(
    (
        0xAD,
        0x61C,
        0x180E,
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
        *range(0xFFF9, 0xFFFC),
    ),
    "",
)
_FLAT = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'"} | {chr(c): v for c, v in (_ARABIC | _UNSEEN).items()})


def normalise(text: str) -> str:
    """Signs of the text with one space around each (`" "` between, before and after), or "" where there is none.

    Addresses and invisible signs out, case folded, accents kept, letters repeated three times and more cut to two, numbers to 0,
    Arabic vowel signs out and alef forms to one. Reads the first 4,000 characters.
    """
    text = text[:LIMIT]
    if "\\" in text:  # exports that were escaped twice, UMSAB's English half among them
        text = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text).replace('\\"', '"').replace("\\n", " ")
    if "&" in text:
        text = html.unescape(text)
    text = unicodedata.normalize("NFKC", strip_addresses(text.translate(_FLAT))).casefold()
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


NO_LEXICON: Hashes = np.zeros(0, np.uint64)
WORD, PAIR, DENIED, RUN = 1, 2, 3, 8
"""Kinds of feature, part of the hash; a run of n characters is RUN + n."""
_LANGUAGE = np.uint64(64)
_WIDTH = 24
"""Bits that hold any row of the table, the lexicon's included."""
_SHARES = np.array([lang not in ALONE for lang in (*LANGUAGES, "")])
_SHIFT = np.where(_SHARES, 64 - TOGETHER_BITS, 64 - ALONE_BITS).astype(np.uint64)
_OFFSET = np.array(
    [OWN_ROWS.stop + ALONE.index(lang) * (1 << ALONE_BITS) if lang in ALONE else OWN_ROWS.start for lang in (*LANGUAGES, "")],
    dtype=np.uint64,
)


def features(clean: Sequence[str], codes: Ints, lexicon: Hashes = NO_LEXICON) -> tuple[Ints, Ints]:
    """Features of normalised, non-empty texts: (slot, index), sorted, each pair once.

    `codes`: positions in LANGUAGES. `slot` is BLOCKS * position of the text + block (0 words, 1 characters), `index` a
    row of the table. Words of the lexicon (`word_hashes`, sorted) have rows of their own behind the hashed ones, in
    its order.
    """
    points = np.frombuffer("".join(clean).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    text = np.repeat(np.arange(len(clean)), [len(t) for t in clean])
    keys: list[Hashes] = []
    for block, kind, rows, values in (*_words(points, text), *_characters(points, text)):
        slot, mine = (rows * BLOCKS + block).astype(np.uint64) << np.uint64(_WIDTH), codes[rows]
        own = _mix(values, (mine + 1).astype(np.uint64) * _LANGUAGE + np.uint64(kind))
        keys.append(slot | (own >> _SHIFT[mine]) + _OFFSET[mine])
        shared = _SHARES[mine]
        keys.append(slot[shared] | _mix(values[shared], np.full(1, kind, np.uint64)) >> np.uint64(64 - TOGETHER_BITS))
        if kind in (WORD, DENIED) and len(lexicon):
            place = np.searchsorted(lexicon, own)
            known = lexicon[np.minimum(place, len(lexicon) - 1)] == own
            keys.append(slot[known] | np.uint64(ROWS) + place[known].astype(np.uint64))
    # np.unique hashes since numpy 2.3, which costs a hundred times the sort.
    sorted_keys = np.sort(np.concatenate(keys)).astype(np.int64)
    found = sorted_keys[np.diff(sorted_keys, prepend=-1) != 0]
    return found >> _WIDTH, found & ((1 << _WIDTH) - 1)


def feature_values(slot: Ints, texts: int) -> Floats:
    """What each feature of a slot counts, (BLOCKS * texts,): the weight of its block over the root of their number."""
    counts = np.bincount(slot, minlength=BLOCKS * texts)
    return np.asarray(np.tile(BLOCK_WEIGHTS, texts) / np.sqrt(np.maximum(counts, 1)))


Features = tuple[int, int, Ints, Hashes]
"""Block, kind (salts the hash), text of each value, values."""


def _words(points: Hashes, text: Ints) -> Iterator[Features]:
    """Words, pairs of words, and words within three after a negation."""
    rows, words = _hash_words(points, text)
    yield 0, WORD, rows, words
    together = rows[:-1] == rows[1:]
    yield 0, PAIR, rows[:-1][together], (words[:-1] * _POWERS[5] + words[1:])[together]
    negation = np.isin(words, _negations())
    denied = np.zeros(len(words), dtype=bool)
    for step in (1, 2, 3):
        denied[step:] |= negation[:-step] & (rows[step:] == rows[:-step])
    yield 0, DENIED, rows[denied], words[denied]


def _characters(points: Hashes, text: Ints) -> Iterator[Features]:
    """Runs of three to five characters, across word borders, never across texts."""
    values = points[:-1] * _PRIME + points[1:]
    for n in range(3, 6):
        values = values[:-1] * _PRIME + points[n - 1 :]
        inside = text[: len(values)] == text[n - 1 :]
        yield 1, RUN + n, text[: len(values)][inside], values[inside]


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


def word_hashes(words: Sequence[str], code: int, kind: int) -> Hashes:
    """What features() compares normalised words of one language by, as WORD or as DENIED."""
    points = np.array([ord(c) for c in f" {' '.join(words)} "], dtype=np.uint64)
    values = _hash_words(points, np.zeros(len(points), dtype=np.int64))[1]
    return _mix(values, np.full(1, (code + 1) * int(_LANGUAGE) + kind, np.uint64))


@cache
def _negations() -> Hashes:
    signs = f" {' '.join(normalise(word).strip() for word in _NEGATIONS.split())} "
    points = np.array([ord(c) for c in signs], dtype=np.uint64)
    return _hash_words(points, np.zeros(len(points), dtype=np.int64))[1]


def _mix(values: Hashes, salt: Hashes) -> Hashes:
    """Mixes salt into hash (the finaliser of MurmurHash3); its upper bits are a row of the table."""
    mixed = values ^ (salt * np.uint64(0x9E3779B97F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    kept: Hashes = mixed ^ (mixed >> np.uint64(33))
    return kept
