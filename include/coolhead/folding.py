"""Text as it is compared: case, accents and look-alike letters away, invisible signs out."""

import re
import unicodedata
from functools import lru_cache

# Thai, Lao, Burmese, Khmer, Korean, Japanese and Chinese write names without a space before or after.
_UNSPACED = "\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3040-\u318f\u3400-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
_VOWEL_SIGNS = "[\u0900-\u0963\u0966-\u0dff]"  # Devanagari and its kin: to `re` they are no word characters
LETTER = rf"[^\W{_UNSPACED}]"
"""Pattern of one letter or digit of a script that writes spaces."""
UNSPACED = re.compile(f"[{_UNSPACED}]")
NOT_AFTER = rf"(?!{LETTER}|{_VOWEL_SIGNS})"
"""Pattern: the word ends here."""

# What Unicode does not count as an accent, and signs that people type for one another; all after case is away.
_ALIKE = str.maketrans({
    **dict(zip("łøđħŧıð", "lodhtid", strict=True)), "æ": "ae", "œ": "oe", "þ": "th",
    **dict.fromkeys("’‘ʼ`", "'"), **dict.fromkeys("\u2010\u2012\u2013\u2014\u2015", "-"),
    "ى": "ي", "ة": "ه", "ک": "ك", "ی": "ي", "\u0640": None,  # the last one stretches Arabic words
    **dict.fromkeys("\u115f\u1160", " "),  # letters to Unicode, blanks to the eye
})  # fmt: skip
_APART = {"™": " ", "℠": " ", "\u3164": " ", "\uffa0": " "}  # compatibility forms that would grow into the word before
_KEYCAP = re.compile(r"[0-9#*]\ufe0f?\u20e3")
_EMPHASIS = re.compile(r"(?<!\w)(_{1,3})([^_]+)\1(?!\w)")  # _so_ write those who know Markdown


def _silent(char: str) -> bool:
    """Accents, and what is not seen: zero-width and bidi signs, soft hyphens, variation selectors, enclosing signs."""
    return bool(unicodedata.combining(char)) or unicodedata.category(char) in ("Cf", "Me") or char in _SELECTORS


_SELECTORS = {*map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0)), *"\u034f\u180b\u180c\u180d"}


class _Folds(dict[int, str]):
    """Code point -> what it becomes, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        now = _APART.get(chr(code), chr(code))
        before = ""
        while now != before:  # the lower case of a letter can have an accent of its own
            before = now
            seen = "".join(c for c in unicodedata.normalize("NFKD", now) if not _silent(c))
            now = seen.casefold().translate(_ALIKE)
        self[code] = now
        return now


_FOLDS = _Folds()


@lru_cache(maxsize=16)  # one text is asked for in every market, in turn
def fold(text: str) -> str:
    """Żabka = ŻABKA = ｚａｂｋａ = zabka; Straße = strasse; İ = ı = i; curly apostrophes and long dashes are plain ones."""
    if "\u20e3" in text:
        text = _KEYCAP.sub(" ", text)
    folded = text.lower() if text.isascii() else text.translate(_FOLDS)
    return _EMPHASIS.sub(r" \2 ", folded) if "_" in folded else folded
