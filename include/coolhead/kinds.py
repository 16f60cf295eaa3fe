"""What kind of comment a mention is: complaint, constructive criticism, question, praise, insult, spam, or other.

A system of rules over the signs in kinds.yaml, in nine languages, not a trained model: words of problems, praise, abuse and
offers in their forms, what turns them round (not happy, never disappoints), who begins a question, what is suggested; and
in any language question and exclamation marks, capitals, emoji, addresses, telephone numbers, hashtags, and the polarity
that the scorer read. In another language only the latter count, and `confidence` is half of what it would be.

How good it is, by tests/unit/kinds: invented sentences, six of each kind in each half and language, labelled before any rule
was written; the rules were made looking at the first half, and the second was looked at once, at the end, and once more when
calls to act were parted from words of offers (`ottieni` and `dijamin berhasil` are from there). The text alone, no scorer's
polarity. Of `emotional` and `factual` five each are told apart; of three sarcastic ones so many are hinted at / of the 42 others
so many wrongly.

half      in  complaint  criticism  question  praise  insult  spam  other   all  emotional  factual  sarcasm
tuning    en          6          6         6       6       6     6      6  100%          5        5        3 / 0
tuning    it          6          6         6       6       6     6      6  100%          5        5        3 / 0
tuning    pl          6          6         6       6       6     6      6  100%          5        5        3 / 0
tuning    id          6          6         6       6       6     6      6  100%          5        5        3 / 0
held_out  en          6          5         6       6       4     6      6   93%          5        5        0 / 0
held_out  it          5          6         6       6       5     5      6   93%          5        5        0 / 0
held_out  pl          6          4         6       6       5     5      6   90%          5        5        0 / 0
held_out  id          6          4         4       6       6     6      6   90%          5        5        1 / 0

One person wrote sentences and rules, so that strangers' posts are read less well. On the validation parts of public corpora
that others labelled for sentiment (of some training parts the worst mistakes were mended; no scorer's polarity): of what is read as praise, 58 to 94 % is labelled positive (English 86,
Italian 58, Polish 66 and 88, Indonesian 94); of what is read as complaint, 62 to 92 % negative, Arabic 50 (English 75, Italian
78, Polish 67 and 78, Indonesian 72 and 92). Half of all posts there are `other`, which is also what is given where signs lack.
Sarcasm is mostly missed. Constructive criticism is the least certain kind: `should` is said of many things.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import get_args

import yaml

from coolhead.folding import fold
from coolhead.language import strip_addresses
from coolhead.rows import Kind
from coolhead.telling_terms import visible

LIMIT = 4_000
"""Characters read of one text, from its start."""
_RULES = "2"
"""Of the code below; kinds.yaml counts by its content."""


@dataclass(frozen=True)
class Reading:
    """What was read in one text."""

    kind: Kind
    confidence: float
    """Share of the signs that speak for the kind, in [0, 1]: an order, not a probability."""
    emotional: float | None
    """0 factual, 1 emotional; None: nothing tells."""
    sarcasm: bool
    """A hint of low confidence."""


def read(texts: Sequence[str], langs: Sequence[str | None], polarities: Sequence[float | None]) -> list[Reading]:
    """One answer per text, each for itself. langs: two letters; polarities: the scorer's in [-1, 1], None where unscored."""
    return [_read(visible(t)[:LIMIT], lang or "", p or 0.0) for t, lang, p in zip(texts, langs, polarities, strict=True)]


@cache
def revision() -> str:
    """Changes whenever the same text may get another answer."""
    return f"{_RULES}-{hashlib.sha256(_source().encode()).hexdigest()[:8]}"


# ---- signs of any language -------------------------------------------------------------------------------------

_URL = re.compile(r"https?://|\bwww\.|\b(?:bit\.ly|t\.me|wa\.me)/", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w.,])(?:\+\d|0\d)[\d ()\-]{6,16}\d(?!\w)")
_MONEY = re.compile(r"[$€£]\s?\d|\d\s?[%$€£]|\b\d+k\b", re.IGNORECASE)
_TAG = re.compile(r"#\w")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SENTENCE = re.compile(r"([^.!?…\n؟？！。]+)([.!?…\n؟？！。]*)")
_WORD = re.compile(r"[^\W_]+")
_PART = re.compile(r"[^\W_]+|[,;:]")
_STRETCH = re.compile(r"([^\W\d_])\1\1")
_QUOTED = re.compile(r"[\"“„«][^\"”“»\n]{2,40}[\"”“»]")
_ASKS, _SHOUTS = re.compile(r"[?؟？]"), re.compile(r"[!！]")
_MANY_TAGS = 5
_PAUSES = frozenset(",;:")
_NEAR_START = 3
"""A word of `ask` asks among so many first words of a sentence."""
_REACH = 3
"""A negation turns so many words round."""


def _plain_signs(text: str) -> Counter[str]:
    """What needs no language."""
    signs: Counter[str] = Counter()
    words = _WORD.findall(text)
    loud = [w for w in words if len(w) > 2 and w.isupper()]
    signs["url"] = len(_URL.findall(text))
    signs["phone"] = len(_PHONE.findall(text))
    signs["money"] = len(_MONEY.findall(text))
    signs["tags"] = len(_TAG.findall(text))
    signs["number"] = len(_NUMBER.findall(text))
    signs["exclaimed"] = len(_SHOUTS.findall(text))
    signs["stretched"] = bool(_STRETCH.search(text.casefold()))
    signs["quoted"] = bool(_QUOTED.search(text))
    signs["loud"] = len(loud)
    signs["all_loud"] = len(loud) >= 2 and 2 * len(loud) >= len(words)
    for char, name in () if text.isascii() else _emoji().items():
        if char in text:
            signs[name] += 1
    return signs


# ---- signs of one language -------------------------------------------------------------------------------------


class _Lexicon:
    """The entries of one language, found by the word they begin with."""

    def __init__(self, sections: Mapping[str, str], prefixes: tuple[str, ...] = ()) -> None:
        self._exact: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._stems: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._prefixes = prefixes
        for section, listed in sections.items():
            for entry in listed.split(","):
                first, *rest = fold(entry).split()
                table = self._stems if first.endswith("*") else self._exact
                table.setdefault(first.rstrip("*"), []).append((tuple(rest), section))
        self._longest = max(map(len, self._stems), default=0)
        self.beginning = lru_cache(maxsize=1 << 15)(self._beginning)

    def _beginning(self, word: str) -> tuple[tuple[tuple[str, ...], str], ...]:
        """(further words, section) of the entries that begin with the word, those of more words first."""
        found = [*self._exact.get(word, ())]
        for length in range(2, min(len(word), self._longest) + 1):
            found += self._stems.get(word[:length], ())
        bare = next((word.removeprefix(p) for p in self._prefixes if word.startswith(p) and len(word) > len(p) + 2), "")
        if not found and bare:
            return self.beginning(bare)
        return tuple(sorted(found, key=lambda entry: -len(entry[0])))

    def at(self, words: Sequence[str], position: int) -> tuple[int, set[str]]:
        """How many words the longest entry takes that stands at a position (at least 1), and its sections."""
        length, sections = 0, set[str]()
        for rest, section in self.beginning(words[position]):  # empty for nearly every word
            if len(rest) < length:
                break
            if not rest or (
                position + len(rest) < len(words) and all(map(_is, rest, words[position + 1 : position + 1 + len(rest)]))
            ):
                length = len(rest)
                sections.add(section)
        return 1 + length, sections


def _is(wanted: str, word: str) -> bool:
    return word.startswith(wanted[:-1]) if wanted[-1] == "*" else word == wanted


def _signs(text: str, lang: str) -> Counter[str]:
    """How often each section of the language stands in the text, turned round where it is denied."""
    signs = _plain_signs(text)
    lexicon = _lexicon(lang)
    # Words of addresses say nothing; the apostrophe of don't is none, that of l'app parts words.
    folded = fold(strip_addresses(text)).replace("'", "" if lang in ("en", "") else " ")
    for sentence, end in _SENTENCE.findall(folded):
        words = [w[:40] for w in _PART.findall(sentence)]
        asked = bool(_ASKS.search(end))
        signs["?"] += asked and bool(words)
        for position, section in _found(words, lexicon):
            # Without its mark only where there is no other: `When I came, it was shut.` asks nothing.
            if section != "ask" or (position < _NEAR_START and (asked or not end)):
                signs[section] += 1
    return signs


_TURNED = {"praise": "denied_praise", "problem": "denied_problem", "insult": "", "thanks": ""}


def _found(words: Sequence[str], lexicon: _Lexicon) -> Iterator[tuple[int, str]]:
    """(position, section) of what stands in one sentence."""
    position, denied_until = 0, -1
    while position < len(words):
        if words[position] in _PAUSES:
            denied_until = -1
        taken, sections = lexicon.at(words, position)
        for section in sections:
            found = _TURNED.get(section, section) if position <= denied_until else section
            if found:
                yield position, found
        position += taken
        if "not" in sections:
            denied_until = position + _REACH - 1


@cache
def _source() -> str:
    return files(__package__).joinpath("kinds.yaml").read_text("utf-8")


@cache
def _sections() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = yaml.safe_load(_source())
    return loaded


_CLITICS = {"ar": ("وال", "بال", "فال", "لل", "ال", "و", "ف", "ب", "ل")}


@cache
def languages() -> frozenset[str]:
    """Those that have signs of their own."""
    return frozenset(_sections().keys() - {"any"})


@cache
def _lexicon(lang: str) -> _Lexicon:
    own, everywhere = _sections().get(lang, {}), _sections()["any"]
    baits = {name: ", ".join(s[name] for s in (own, everywhere) if s) for name in ("spam", "lure")}
    return _Lexicon({**own, **baits}, _CLITICS.get(lang, ()))


@cache
def _emoji() -> dict[str, str]:
    return {char: name for name in ("warm", "angry", "sad", "mocking") for char in _sections()["any"][name].split()}


# ---- signs to a reading ----------------------------------------------------------------------------------------

_LEAST = 0.6
"""Weight from which on a kind is one at all."""
_SPAM = 2.0
_ORDER: tuple[Kind, ...] = ("spam", "insult", "criticism", "complaint", "question", "praise")
"""Of equal weights the first counts."""


def _read(text: str, lang: str, polarity: float) -> Reading:
    signs = _signs(text, lang if lang in languages() else "")
    sarcasm = _sarcasm(signs, polarity)
    weights = _weights(signs, polarity, sarcasm)
    kind = max(_ORDER, key=lambda k: weights[k])
    known = 1.0 if lang in languages() else 0.5
    if weights[kind] < _LEAST:
        return Reading("other", round(known / (2 + sum(weights.values())), 3), _emotional(signs), sarcasm)
    return Reading(kind, round(known * weights[kind] / (sum(weights.values()) + 1), 3), _emotional(signs), sarcasm)


def _weights(signs: Counter[str], polarity: float, sarcasm: bool) -> dict[Kind, float]:
    praise = 1.0 * signs["praise"] + 0.6 * bool(signs["thanks"]) + 0.6 * signs["denied_problem"] + 0.8 * bool(signs["warm"])
    problem = 1.0 * signs["problem"] + 0.9 * signs["denied_praise"] + 0.8 * bool(signs["angry"])
    offer = (
        0.8 * min(signs["spam"] + signs["lure"], 4) + 1.0 * bool(signs["url"]) + 1.5 * bool(signs["phone"])
        + 0.4 * bool(signs["money"]) + 0.18 * min(signs["tags"], 3 * _MANY_TAGS) * (signs["tags"] >= _MANY_TAGS)
    )  # fmt: skip
    displeased = 1.2 * max(0.0, -polarity)
    # Who complains names voucher and code, too: each thing that went wrong outweighs nearly two words of an offer.
    against = 1.5 * (problem + signs["insult"]) + displeased
    asked = 1.4 * signs["?"] + 0.9 * signs["ask"] + 1.5 * bool(signs["asks"])
    wanted = 2.0 * bool(signs["suggest"]) + (1.0 + 0.6 * bool(signs["you"])) * bool(signs["should"])
    return {
        "spam": offer if _calls(signs, against) and offer >= max(_SPAM, against + 1) else 0.0,
        "insult": 2.2 * min(signs["insult"], 3) + 0.4 * bool(signs["insult"] and signs["you"]),
        "criticism": wanted + 0.8 * min(max(signs["suggest"] - 1, 0), 2),
        "complaint": min(problem, 4.0) + displeased + 0.8 * (sarcasm and praise > 0),
        "question": max(0.0, min(asked, 4.0) - 0.8 * min(problem, 4.0)),
        "praise": min(praise, 4.0) * (0.5 if sarcasm else 1.0) + 1.2 * max(0.0, polarity),
    }


def _calls(signs: Counter[str], against: float) -> bool:
    """To do something, or to somewhere. In what complains or denies, an address or a telephone number is the proof of that."""
    return bool(signs["lure"] or ((signs["url"] or signs["phone"]) and against < _LEAST and not signs["not"]))


def _sarcasm(signs: Counter[str], polarity: float) -> bool:
    """Said in words of praise, and meant otherwise: perhaps."""
    doubt = signs["doubt"] and (signs["problem"] or signs["mocking"] or signs["quoted"] or polarity <= -0.3)
    return bool(doubt or (signs["mocking"] and signs["praise"]))


def _emotional(signs: Counter[str]) -> float | None:
    """Weight of the signs of feeling against those of facts; None where there is neither."""
    feeling = (
        1.0 * signs["feel"] + min(0.45 * signs["exclaimed"], 1.4) + 0.8 * min(signs["angry"] + signs["sad"] + signs["warm"], 3)
        + 0.7 * signs["stretched"] + (1.2 if signs["all_loud"] else 0.3 * min(signs["loud"], 2)) + 0.8 * bool(signs["insult"])
    )  # fmt: skip
    facts = 0.5 * min(signs["number"], 3) + 0.5 * bool(signs["?"]) + 0.5 * bool(signs["url"])
    if not feeling and not facts:
        return None
    return round(feeling / (feeling + facts + 0.4), 3)


assert set(_ORDER) | {"other"} == set(get_args(Kind))
