"""Which texts touch a red line of the plan: one credible mention is enough to ask a person to verify it."""

from collections.abc import Iterable, Iterator, Sequence

from coolhead.matching import matched_by
from coolhead.plan_rules import RedLine
from coolhead.terms import Terms


def touched(lines: Sequence[RedLine], texts: Iterable[str]) -> dict[str, list[tuple[RedLine, str]]]:
    """text -> the lines it touches, each with the terms that it holds, in whatever language of the plan; texts that touch none are
    absent. lines: one at least."""
    every, languages = _united(lines)
    found = {text: list(_of(lines, text)) for text in texts if matched_by(text, every, languages)}
    return {text: some for text, some in found.items() if some}


def _of(lines: Sequence[RedLine], text: str) -> Iterator[tuple[RedLine, str]]:
    for line in lines:
        if why := next(filter(None, (matched_by(text, terms, (lang,)) for lang, terms in line.terms.items())), None):
            yield line, why


def _united(lines: Sequence[RedLine]) -> tuple[Terms, tuple[str, ...]]:
    """Everything that any line looks for, in the forms of all their languages: nearly every text is done with one look. Context
    words and what must not stand there are not asked for here, so it finds at least what the lines find."""
    of = [(lang, terms) for line in lines for lang, terms in line.terms.items()]
    wanted = dict.fromkeys(term for _, terms in of for term in terms.any_of)
    return Terms.model_construct(any_of=tuple(wanted)), tuple(sorted({lang for lang, _ in of}))
