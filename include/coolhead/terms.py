"""What a market listens for: the part of brands.yaml that says which texts are about the brand."""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from coolhead.folding import UNSPACED, fold

MAX_LENGTH = 100
"""Characters of a term."""


def _term(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty and would match everything; write a name or word")
    if not any(c.isalnum() or unicodedata.category(c) == "So" for c in fold(value)):
        raise ValueError(f"{value!r} holds no letter, digit or emoji, and would match nearly everything; write a name or word")
    if len(value.strip()) > MAX_LENGTH:
        raise ValueError(f"has {len(value.strip())} characters; write a name or word of at most {MAX_LENGTH}")
    return value.strip()


T = TypeVar("T")
Term = Annotated[str, AfterValidator(_term)]


class Terms(BaseModel):
    """A mention matches when it holds any of `any_of`, every one of `all_of` and none of `none_of`.

    A term stands for all its forms in the market's languages, unless `inflect` is false or the term stands in `exact`. A
    term of `any_of` that is an ordinary word too counts only where one of its `context` words stands in the same text; so
    do its hashtag and handle, unless `any_of` lists them with their sign: then the plan says that they mean the brand.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    any_of: Annotated[tuple[Term, ...], Field(min_length=1)]
    all_of: tuple[Term, ...] = ()
    none_of: tuple[Term, ...] = ()
    context: dict[Term, tuple[Term, ...]] = Field(default={}, validate_default=True)
    exact: tuple[Term, ...] = ()
    inflect: bool = True

    def __hash__(self) -> int:
        return hash((self.any_of, self.none_of))  # matchers are kept by the terms they were made of

    def inflects(self, term: str) -> bool:
        return self.inflect and term not in self.exact

    @field_validator("any_of", "all_of", "none_of", "exact")
    @classmethod
    def _differ(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _unless(value, (
            f"{t!r} is {same[0]!r} again: case and accents are ignored; keep one"
            for i, t in enumerate(value) if (same := _equals(t, value[:i]))
        ))  # fmt: skip

    @field_validator("none_of")
    @classmethod
    def _leave_something(cls, value: tuple[str, ...], found: ValidationInfo) -> tuple[str, ...]:
        return _unless(value, (
            f"{t!r} stands in {wanted} too, and nothing could match; remove one of the two"
            for wanted in ("any_of", "all_of") for t in value if _equals(t, found.data.get(wanted, ()))
        ))  # fmt: skip

    @field_validator("context")
    @classmethod
    def _context_fits(cls, value: dict[str, tuple[str, ...]], found: ValidationInfo) -> dict[str, tuple[str, ...]]:
        if "any_of" not in found.data:
            return value  # it has mistakes of its own
        terms = found.data["any_of"]
        problems = [_unknown(t, terms) for t in value if t not in terms]
        problems += [
            f"{t!r} has no words; write some that stand beside it, or remove it" for t, words in value.items() if not words
        ]
        problems += [f"{t!r} is its own context; write other words" for t, words in value.items() if _equals(t, words)]
        problems += [
            f"{t!r} in any_of is so short that it stands for much else; give it words here, or write it as {f'#{t}'!r} or {f'@{t}'!r}"
            for t in terms if _is_short(t) and t not in value
        ]  # fmt: skip
        return _unless(value, problems)

    @field_validator("exact")
    @classmethod
    def _exact_fits(cls, value: tuple[str, ...], found: ValidationInfo) -> tuple[str, ...]:
        if not {"any_of", "all_of", "none_of", "context"} <= found.data.keys():
            return value
        known = [t for name in ("any_of", "all_of", "none_of") for t in found.data[name]]
        known += [t for words in found.data["context"].values() for t in words]
        return _unless(value, (_unknown(t, known) for t in value if t not in known))


def _unless(value: T, problems: Iterable[str]) -> T:
    """The value, if there are no problems; else all of them, one per line."""
    if told := "\n".join(problems):
        raise ValueError(told)
    return value


def _equals(term: str, others: Sequence[str]) -> list[str]:
    """Those that are the same term to the matching."""
    return [t for t in others if fold(t) == fold(term)]


def _is_short(term: str) -> bool:
    """One or two letters of a script whose words have more."""
    return len(fold(term)) < 3 and fold(term).isalnum() and not UNSPACED.search(term)


def _unknown(term: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(term, known, 1)
    return f"{term!r} is none of the terms" + (f"; did you mean {near[0]!r}?" if near else f": {', '.join(known)}")
