"""Which language a text is in, offline: py3langid over 80 written languages, plus `other` and `unknown`.

The identifier always weighs far more languages than the caller reads, so that a Dutch text is not called German
only because Dutch was no choice. What wins without being asked for is `other`: a language, and none of those asked for.
A text whose language cannot be told is `unknown`: it has too few letters, or two of the languages asked for are about
as likely (a text that mixes them evenly), or none at all is likely. A mixed text in which one language clearly
outweighs is given to that one.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

OTHER = "other"
"""Some language, and none of those asked for."""
UNKNOWN = "unknown"
"""Too short, mixed, or like nothing known."""
LIMIT = 1_000
"""Characters read of one text: more does not change the answer, and a text may have 65,536."""
MIN_LETTERS = 4
"""Fewer letters are a guess: `ok`, `lol` and `no` are words of many languages."""
VERSION = "2"
"""Changes whenever the same text may be told another language; part of the revision of every scorer that identifies."""
HOME_ODDS = 4.0
"""How many times likelier an unasked language must be than the best asked one, and one that is asked for than one at home.
At 1.0, 6 % of Indonesian reviews went to Malay and Javanese, at 4.0 1 % (SmSA val, 1,260 texts)."""

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
    "hin": "hi",
    "ger": "de",
    "fre": "fr",
}
_UNDECLARED = frozenset({"und", "unk", "zxx", "mul", "mis", "art", "qam", "qct", "qht", "qme", "qst"})
_FLOOR = 0.07
"""A winner below this probability is noise: one rare word gives every language a little. At 0.1, 2 % more of Portuguese
posts were lost and none was spared a mistake."""
_EVEN = 0.75
"""Two languages asked for, the lesser at least this likely in proportion to the likelier: mixed, or undecidable.
Costs 0.3 % of undeclared posts, at 0.5 1.5 % (validation texts of UMSAB in German, Spanish, French, Italian, Portuguese)."""

_URL = re.compile(r"(?:https?://|www\.)\S*", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w@])@[\w.\-]*\w")
_WORD = re.compile(r"[^\W\d_]+")

# Hindi in Latin letters, which py3langid has never seen. Own list of function words that are no common words of the
# other languages; `ho`, `me`, `to`, `main`, `se`, `ki` and the like were left out for that reason.
_HINGLISH_STRONG = frozenset(
    (
        "hai hain nahi nahin nhi kya kyu kyun kyon kyuki kyunki kyonki bhi aur mein hoon thi hua hui raha rahi rahe rha rhi rhe "
        "karo karke karna karta karte karti krna krte krta krdo kiya kiye gaya gayi gaye gya gyi hogya hogaya hoga hogi honge "
        "hota hoti hote diya diye liya apna apne apni apko apse apka apki mera meri teri hamara hamare hamari humare hmare hmara "
        "hame hume tumhara tumhe tumko aap aapka aapke aapki aapko unka unke unki unko iska iske iski usko uska uske uski isko "
        "isse usse inko inki yeh woh koi kuch kuchh kisi sabhi bahut bohot bhut bahot bilkul sirf lekin magar phir abhi kabhi jab "
        "warna wala wale wali walo yaar bhai bhaiya bhaiyo accha achha kaise kaisa kaun kahan kaha yahan yaha wahan waha kitna kitne "
        "logo desh baat mujhe mujhko tujhe jaise jaisa waise aise aisa matlab liye saath zindagi duniya paise paisa arey arre haan "
        "dekho dekh bolo bol raho rahega rahegi milega chahiye chahte wahi yahi jaata jata jati jate jaao aaj bahar andar pehle pahle "
        "kyunke sakta sakte sakti gandi ganda kharab bhagwan janta sarkar "
        "karega karegi karenge krega krne kro hona hone hoke denge lenge dena lene lete dekha dekhna dekhne milna milne "
        "lagta lagti laga aata aate aati aaye aayega jaye jaaye jayega jao banaya bana pta mene muje apke aapne aapse "
        "itna itne itni aisi thik theek sahi galat galti jyada zyada thoda thodi achi achhi acchi buri jaldi khush pasand "
        "ghar kaam yaad pyar pyaar raat subah khana sabse sabki abhi kbhi kese kuchh upar wapas piche aage "
        "samajh soch khatam purana purane naya naye jagah ladki ladka shadi aadmi bachche dosto hamesha tarah liya"
    ).split()
)
_HINGLISH = _HINGLISH_STRONG | frozenset(
    "ke ka ko tab sab wo tum hum hun log kar fir tha agar jai acha tera tere mere ji ye na hi".split()
)
_HINGLISH_LOOSE = _HINGLISH | frozenset(
    "ki ho h k se ek jo ab toh to me mai main mat pe par kr hu aa ap din sath baar bas har mil".split()
)
"""With words that other languages have as well: asked only of a text that was found to be in none of the others read."""


def strip_addresses(text: str) -> str:
    """The text without web addresses and @handles: they say nothing about its language or its mood."""
    return _HANDLE.sub(" ", _URL.sub(" ", text))


def primary(tag: str | None) -> str | None:
    """Two-letter language of a tag (`en-GB`, `pt_BR`, `pol`); None where the network does not know it (`und`)."""
    head = re.split(r"[-_]", (tag or "").strip().lower(), maxsplit=1)[0]
    head = _ALIASES.get(head, head)
    return head if re.fullmatch(r"[a-z]{2,3}", head) and head not in _UNDECLARED else None


def identify(texts: Sequence[str], among: Collection[str], home: Collection[str] = ()) -> list[tuple[str, float]]:
    """Language and its probability for each text: one of `among`, else `other` or `unknown`.

    home: those in which the brand is spoken of (the plan's), HOME_ODDS times as likely before a text is looked at.

    The probability of `other` is that of everything unasked; that of `unknown` is the likeliest language's, 0.0 where
    there are too few letters. Each text is judged on its own, so batching changes nothing; reads the first 1,000
    letters. Raises ValueError for a language nobody can identify.
    """
    if unknown := set(among) - WIDE:
        raise ValueError(f"cannot be identified: {', '.join(sorted(unknown))}")
    wanted = frozenset(among) - _FOLD.keys()
    return [_one(text, wanted, wanted.intersection(home)) for text in texts]


def _one(text: str, among: frozenset[str], home: frozenset[str]) -> tuple[str, float]:
    words = _WORD.findall(unicodedata.normalize("NFKC", strip_addresses(text[: 4 * LIMIT])))
    plain = " ".join(map(_quiet, words))[:LIMIT]
    # Ideographs and syllables carry a word each, letters do not.
    weight = sum(3 if ord(c) >= 0x0E00 else 1 for c in plain[: 2 * MIN_LETTERS] if c != " ")
    if weight < MIN_LETTERS:
        return UNKNOWN, 0.0
    if not among:
        return OTHER, 0.0
    if share := _hinglish(plain, _HINGLISH, least=2):
        return ("hi" if "hi" in among else OTHER), share
    chances: dict[str, float] = {}
    for lang, chance in _identifier().rank(plain):
        lang = _FOLD.get(lang, lang)
        chances[lang] = chances.get(lang, 0.0) + chance
    found = _decide(_weighed(chances, home), among)
    if found[0] in (OTHER, UNKNOWN) and "hi" in among and (share := _hinglish(plain, _HINGLISH_LOOSE, least=1)):
        return "hi", share
    return found


def _quiet(word: str) -> str:
    """A word in capitals as it is usually written: py3langid knows `não` and `NÃO` as different signs, and has seldom seen
    the latter. Of Portuguese posts 2 % more are told, of Italian 1 % (training texts of UMSAB)."""
    return word.lower() if len(word) > 1 and word.isupper() else word


def _weighed(chances: dict[str, float], home: frozenset[str]) -> dict[str, float]:
    if not home:
        return chances
    odds = {lang: chance * (HOME_ODDS if lang in home else 1.0) for lang, chance in chances.items()}
    total = sum(odds.values())
    return {lang: chance / total for lang, chance in odds.items()}


def _decide(chances: dict[str, float], among: frozenset[str]) -> tuple[str, float]:
    # Ties go by name, so that nothing depends on the order of a set.
    best, *rest = sorted(sorted(among), key=lambda lang: -chances.get(lang, 0.0))
    top = chances.get(best, 0.0)
    outside = [chance for lang, chance in chances.items() if lang not in among]
    rival = max(outside, default=0.0)
    if max(top, rival) < _FLOOR:
        return UNKNOWN, max(top, rival)
    if top < _FLOOR or rival > HOME_ODDS * top:
        return OTHER, min(1.0, sum(outside))
    if rest and chances.get(rest[0], 0.0) >= _EVEN * top:
        return UNKNOWN, top
    return best, min(1.0, top)


def _hinglish(plain: str, known: frozenset[str], least: int) -> float:
    """Share of romanised Hindi words, or 0.0 where it is too small to call the text Hindi. least: different ones; a single
    one may be somebody's name."""
    words = plain.casefold().split()
    hits = [w for w in words if w in known]
    share = len(hits) / len(words)
    several = len(set(hits)) >= 2 and share >= 0.15
    enough = not _HINGLISH_STRONG.isdisjoint(hits) and len(set(hits)) >= least and (several or share >= 0.2)
    return share if enough else 0.0


@cache
def _identifier() -> Any:
    """Own instance (py3langid's module-level one is shared by everybody), loaded on first use: 0.4 to 1.2 s,
    most of it its parameters' decompression (lzma)."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(WIDE)
    return identifier
