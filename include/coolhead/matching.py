"""Which mention concerns which market, and why: the plan's terms in all their forms, at word boundaries, accents folded.

A list of terms becomes one pattern: a prefix tree of every form of every term, so that the cost of a text does not grow
with the number of terms. Which of them stands there is asked only of texts in which one of them does.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from coolhead import inflection
from coolhead.folding import LETTER, NOT_AFTER, UNSPACED, fold
from coolhead.terms import Terms

_GAP = re.compile(r"(?<=\w)[\s\-]+(?=\w)|\s+")
"""Between the words of a term: Coca Cola = Coca-Cola, also over a line's end."""
_MIN_TAG = 6
"""Letters from which on a name within a hashtag is meant: #zefirellafail, #boycottzefirella."""
_MIN_JOINED = 5
"""Letters from which on a name is still itself without its apostrophe: loreal."""


def matched_by(text: str, terms: Terms, languages: Sequence[str]) -> str | None:
    """Why the text concerns the market, or None where it does not.

    languages: the market's; the terms are looked for in the forms that they take there. The answer names the terms,
    comma-separated, each with the form found where it is another one, and with the context word that made it count:
    `Żabka (Żabce) beside sklep (sklepie), #biedronka`.
    """
    return judge(text, terms, languages).why


@dataclass(frozen=True)
class Judgement:
    """What the terms say of one text."""

    found: tuple[str, ...] = ()
    """Terms of `any_of` that count, and those of `all_of`, with form and context word."""
    lone: tuple[str, ...] = ()
    """Terms that stand there without any of their context words."""
    lacking: tuple[str, ...] = ()
    """Terms of `all_of` that do not stand there."""
    barred: str | None = None
    """The term of `none_of` that does."""

    @property
    def why(self) -> str | None:
        return ", ".join(self.found) if self.found and not self.lacking and self.barred is None else None


_NOTHING = Judgement()


def judge(text: str, terms: Terms, languages: Sequence[str]) -> Judgement:
    """`matched_by`, with the reasons against."""
    return _matcher(terms, tuple(languages)).judge(fold(text))


def forms(terms: Terms, languages: Sequence[str]) -> tuple[str, ...]:
    """Every form of every term of `any_of`, each once, as one would write it: for networks that search whole words."""
    return tuple(dict.fromkeys(f for t in terms.any_of for f in _forms_of(t, terms, tuple(languages))))


def _forms_of(term: str, terms: Terms, languages: tuple[str, ...]) -> tuple[str, ...]:
    return inflection.forms(term, languages if terms.inflects(term) else ())


class _Words:
    """Some terms as one pattern."""

    def __init__(self, wanted: Sequence[str], terms: Terms, languages: tuple[str, ...]) -> None:
        self._reasons: dict[str, str] = {}
        for term in wanted:
            for form in _forms_of(term, terms, languages):
                self._add(term, form, fold(form))

    @cached_property
    def _search(self) -> Callable[[str], re.Match[str] | None]:
        return re.compile(_any_of(self._reasons), re.DOTALL).search

    def _add(self, term: str, form: str, folded: str) -> None:
        self._reasons.setdefault(_key(folded), term if _key(folded) == _key(fold(term)) else f"{term} ({form})")
        joined = re.sub(r"[\s\-']", "", folded)
        if joined == folded:
            return
        if "'" in folded and len(joined) >= _MIN_JOINED:
            plain = folded.replace("'", "")
            self._reasons.setdefault(_key(plain), f"{term} ({form.translate(_NO_APOSTROPHE)})")
        for sign in "#@" if joined.isalnum() else "":  # L'Oréal Paris = #lorealparis
            self._reasons.setdefault(sign + joined, f"{term} ({sign}{joined})")

    def find(self, folded: str) -> str | None:
        """The term that stands in the text, with its form; None if none does."""
        found = self._search(folded)
        return self._reasons[_key(found.group())] if found else None


_NO_APOSTROPHE = str.maketrans("", "", "'’‘ʼ`")


def _key(folded: str) -> str:
    """One space for every gap: what the pattern finds, as its terms are kept."""
    return _GAP.sub(" ", folded.strip())


class _Matcher:
    """All terms of a market, compiled."""

    def __init__(self, terms: Terms, languages: tuple[str, ...]) -> None:
        def words(*wanted: str) -> _Words:
            return _Words(wanted, terms, languages)

        self._any = words(*terms.any_of)
        self._tags = _tags_of(terms)
        self._each = {t: words(t) for t in terms.any_of}
        self._context = {t: words(*near) for t, near in terms.context.items()}
        self._all = {t: words(t) for t in terms.all_of}
        self._none = words(*terms.none_of) if terms.none_of else None

    def judge(self, folded: str) -> Judgement:
        tag = self._tags.search(folded) if "#" in folded else None
        if self._any.find(folded) is None and tag is None:
            return _NOTHING
        found, lone = list[str](), list[str]()
        for term, words in self._each.items():
            if reason := words.find(folded):
                near = self._context.get(term)
                beside = near.find(folded) if near else ""
                if beside is None:
                    lone.append(reason)
                else:
                    found.append(f"{reason} beside {beside}" if beside else reason)
        if tag and not found:
            found.append(tag[0])
        needed = {term: words.find(folded) for term, words in self._all.items()}
        return Judgement(
            tuple([*found, *filter(None, needed.values())] if found else ()), tuple(lone),
            tuple(t for t, reason in needed.items() if reason is None), self._none.find(folded) if self._none else None,
        )  # fmt: skip


def _tags_of(terms: Terms) -> re.Pattern[str]:
    """Hashtags that hold a name: a crisis has its own, and they are compounds. Not for names that are ordinary words (context),
    nor for those that the plan wants exactly as they are, or as the hashtag that they are."""
    names = (re.sub(r"[\s\-']", "", fold(t)) for t in terms.any_of if t not in terms.context and terms.inflects(t))
    held = "|".join(re.escape(n) for n in names if len(n) >= _MIN_TAG and n.isalnum())
    return re.compile(rf"#\w*?(?:{held})\w*" if held else "(?!)")


@lru_cache(maxsize=256)
def _matcher(terms: Terms, languages: tuple[str, ...]) -> _Matcher:
    return _Matcher(terms, languages)


def _any_of(folded: Iterable[str]) -> str:
    """Pattern of whole words and phrases."""
    kinds: dict[tuple[bool, bool], list[str]] = {}
    for word in filter(None, folded):
        kinds.setdefault((_is_unspaced(word[0]), _is_unspaced(word[-1])), []).append(word)
    return "|".join(_whole(words, *kind) for kind, words in kinds.items()) or "(?!)"


def _is_unspaced(char: str) -> bool:
    return UNSPACED.match(char) is not None


def _whole(words: Sequence[str], glued_before: bool, glued_after: bool) -> str:
    root: dict[str, Any] = {}
    for word in words:
        node = root
        for piece in _PIECE.finditer(word):
            node = node.setdefault(_written(piece), {})
        node[""] = {}
    # The first letter stands first, so that `re` skips to it; whether a word begins there is asked behind it. A handle or
    # hashtag begins with a sign that is no word character, so this must not ask for a boundary between two non-word
    # characters: only "no letter of a spaced script directly before".
    starts = f"[{''.join(root)}]" + ("" if glued_before else f"(?<!{LETTER}.)")
    rest = "|".join(f"(?<={first}){_tree(node)}" for first, node in root.items())
    return f"{starts}(?:{rest})" + ("" if glued_after else NOT_AFTER)


_PIECE = re.compile(r"(?P<gap>(?<=\w) (?=\w))|.", re.DOTALL)


def _written(piece: re.Match[str]) -> str:
    return r"[\s\-]+" if piece["gap"] else r"\s+" if piece[0] == " " else re.escape(piece[0])


def _tree(node: dict[str, Any]) -> str:
    branches = [piece + _tree(rest) for piece, rest in node.items()]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})" if branches else ""
