"""Which language a text is in, offline: py3langid over 80 written languages, plus `other`.

The identifier always weighs far more languages than the caller reads, so that a Dutch text is not called German
only because Dutch was no choice. What wins without being asked for is `other`.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

OTHER = "other"
LIMIT = 1_000
"""Characters read of one text: more does not change the answer, and a text may have 65,536."""
MIN_LETTERS = 4
"""Fewer letters are a guess: `ok`, `lol` and `no` are words of many languages."""
HOME_ODDS = 4.0
"""How many times likelier an unasked language must be than the best asked one. The asked ones are those the brand
is spoken of in; at 1.0, 6 % of Indonesian reviews went to Malay and Javanese, at 4.0 1 % (SmSA val, 1,260 texts)."""

# Languages people write posts in. Left out of py3langid's 140 are historical, constructed and small neighbours
# (Latin, Esperanto, Aragonese, Venetian, ...), which only ever won on misspelt posts of their big neighbour.
_WIDE = (
    "af am ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu ha he hi hr hu hy id is it ja jv ka kk km kn "
    "ko ky lo lt lv mk ml mn mr ms my ne nl no or pa pl ps pt ro ru si sk sl so sq sr sv sw ta te th tl tr ug uk ur uz vi "
    "yo zh zu ary arz"
)
WIDE = frozenset(_WIDE.split())
_FOLD = {"ary": "ar", "arz": "ar"}
# Networks still send withdrawn (`in`) and three-letter codes, and codes for "no words here" (X: qme, qst, ...).
_ALIASES = {
    "in": "id",
    "ind": "id",
    "eng": "en",
    "ita": "it",
    "pol": "pl",
    "deu": "de",
    "fra": "fr",
    "spa": "es",
    "por": "pt",
    "ara": "ar",
}
_UNDECLARED = frozenset({"und", "zxx", "mul", "mis", "art", "qam", "qct", "qht", "qme", "qst"})
_FLOOR = 0.1
"""A winner below this probability is noise: one rare word gives every language a little."""

_URL = re.compile(r"(?:https?://|www\.)\S*", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w@])@[\w.\-]*\w")
_WORD = re.compile(r"[^\W\d_]+")

# Hindi in Latin letters, which py3langid has never seen. Own list of function words that are no common words of the
# other languages; `ho`, `me`, `to`, `main`, `se`, `ki` and the like were left out for that reason.
_HINGLISH_WORDS = (
    "hai hain nahi nahin kya kyu kyun kyon bhi aur mein hoon hun tha thi hua hui raha rahi rahe kar karo karke karna karta "
    "karte karti kiya kiye gaya gayi gaye diya liya apna apne apni mera mere meri tera tere teri hamara hamare humare tumhara "
    "aap aapka aapke aapki tum hum unka unke unki iska iske iski uska uske uski isko usko yeh woh wo koi kuch kuchh sab sabhi "
    "bahut bohot bhut bilkul sirf lekin magar phir fir abhi kabhi jab tab agar warna wala wale wali yaar bhai bhaiyo accha "
    "acha achha kaise kaisa kaun kahan yahan wahan kitna kitne log logo desh baat jai ke ka ko"
)
_HINGLISH = frozenset(_HINGLISH_WORDS.split())
_HINGLISH_WEAK = "ke ka ko tab sab wo tum hum hun log kar fir tha thi agar jai aap acha tera tere mere"
_HINGLISH_STRONG = _HINGLISH - frozenset(_HINGLISH_WEAK.split())


def strip_addresses(text: str) -> str:
    """The text without web addresses and @handles: they say nothing about its language or its mood."""
    return _HANDLE.sub(" ", _URL.sub(" ", text))


def primary(tag: str | None) -> str | None:
    """Two-letter language of a tag (`en-GB`, `pt_BR`, `pol`); None where the network does not know it (`und`)."""
    head = re.split(r"[-_]", (tag or "").strip().lower(), maxsplit=1)[0]
    head = _ALIASES.get(head, head)
    return head if re.fullmatch(r"[a-z]{2,3}", head) and head not in _UNDECLARED else None


def identify(texts: Sequence[str], among: Collection[str]) -> list[tuple[str, float]]:
    """Language and its probability for each text: one of `among`, else `other`.

    The probability of `other` is that of everything unasked; a text with too few letters is ("other", 0.0).
    Each text is judged on its own, so batching changes nothing. Raises ValueError for a language nobody can identify.
    """
    if unknown := set(among) - WIDE:
        raise ValueError(f"cannot be identified: {', '.join(sorted(unknown))}")
    wanted = frozenset(among) - _FOLD.keys()
    return [_one(text, wanted) for text in texts]


def _one(text: str, among: frozenset[str]) -> tuple[str, float]:
    words = _WORD.findall(unicodedata.normalize("NFKC", strip_addresses(text[: 4 * LIMIT])))
    plain = " ".join(words)[:LIMIT]
    # Ideographs and syllables carry a word each, letters do not.
    weight = sum(3 if ord(c) >= 0x0E00 else 1 for c in plain[: 2 * MIN_LETTERS] if c != " ")
    if weight < MIN_LETTERS or not among:
        return OTHER, 0.0
    if share := _hinglish(plain):
        return ("hi" if "hi" in among else OTHER), share
    chances: dict[str, float] = {}
    for lang, chance in _identifier().rank(plain):
        lang = _FOLD.get(lang, lang)
        chances[lang] = chances.get(lang, 0.0) + chance
    # Ties go by name, so that nothing depends on the order of a set.
    best = max(sorted(among), key=lambda lang: chances.get(lang, 0.0))
    outside = {lang: chance for lang, chance in chances.items() if lang not in among}
    if chances[best] < _FLOOR or max(outside.values(), default=0.0) > HOME_ODDS * chances[best]:
        return OTHER, min(1.0, sum(outside.values()))
    return best, min(1.0, chances[best])


def _hinglish(plain: str) -> float:
    """Share of romanised Hindi function words, or 0.0 where it is too small to call the text Hindi."""
    words = plain.casefold().split()
    hits = [w for w in words if w in _HINGLISH]
    share = len(hits) / len(words)
    enough = len(set(hits)) >= 2 and any(w in _HINGLISH_STRONG for w in hits) and share >= 0.15
    return share if enough else 0.0


@cache
def _identifier() -> Any:
    """Own instance (py3langid's module-level one is shared by everybody), loaded on first use: 0.7 s."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(WIDE)
    return identifier
