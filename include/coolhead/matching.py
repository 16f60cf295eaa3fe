"""Which mention concerns which market, and why: the plan's terms, at word boundaries, accents folded."""

import re
import unicodedata
from functools import lru_cache

from coolhead.plan import Terms


def fold(text: str) -> str:
    """Case and accents away: Żabka = zabka. The letter ł has no accent to Unicode, so it is mapped by hand."""
    decomposed = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("Ł", "L"))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


# Thai, Lao, Burmese, Khmer, Korean, Japanese and Chinese write names without a space before or after.
_UNSPACED = "\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3040-\u318f\u3400-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"


@lru_cache(maxsize=4096)
def _pattern(term: str) -> re.Pattern[str]:
    # A handle or hashtag begins with a sign that is no word character, so the look-behind must not ask for a boundary
    # between two non-word characters: only "no letter of a spaced script directly before or after".
    folded, letter = fold(term), rf"[^\W{_UNSPACED}]"
    before = "" if re.match(f"[{_UNSPACED}]", folded) else f"(?<!{letter})"
    after = "" if re.match(f"[{_UNSPACED}]", folded[-1:]) else f"(?!{letter})"
    return re.compile(before + re.escape(folded) + after)


def matched_by(text: str, terms: Terms) -> str | None:
    """The terms that tie the text to the market, comma-separated; None where it does not match."""
    folded = fold(text)

    def holds(term: str) -> bool:
        return _pattern(term).search(folded) is not None

    hits = [t for t in terms.any_of if holds(t)]
    if not hits or any(holds(t) for t in terms.none_of) or not all(holds(t) for t in terms.all_of):
        return None
    return ", ".join([*hits, *terms.all_of])
