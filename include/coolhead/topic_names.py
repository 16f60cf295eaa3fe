"""topic -> words, and back: what people read and type of a topic, for nobody knows one by its hash."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coolhead.errors import ConfigError
from coolhead.folding import fold
from coolhead.rows import ALL, Topic
from coolhead.store import Store
from coolhead.telling_terms import stem
from coolhead.writing import Writer

SHORT, SHOWN = 6, 2
"""Characters of a hash, and terms, that a reader needs."""
HASH = re.compile(r"[0-9a-f]{12}")
"""What a topic is called that the plan does not name."""


@dataclass(frozen=True)
class TopicNames:
    """What some topics are called."""

    terms: Mapping[str, tuple[str, ...]]
    """topic -> its terms, those of its first day first; none: nothing is stored of it"""
    later: Mapping[str, str]
    """name that a topic goes on by on a later day -> the topic"""

    def called(self, topic: str) -> str:
        """For a reader: 6c4ed0 (pleśń, okropne, …); of a planned topic its name."""
        terms = self.terms.get(topic, ())
        if not HASH.fullmatch(topic) or not terms:
            return topic
        return f"{topic[:SHORT]} ({', '.join([*terms[:SHOWN], *(['…'] if len(terms) > SHOWN else [])])})"

    def meant(self, said: str) -> str:
        """The topic that a person means by its name, a beginning of it, or one of its terms. Raises ConfigError with the choices."""
        word = said.strip()
        ids = {**{t: t for t in self.terms}, **self.later}
        of_words = [(t, fold(term)) for t, terms in self.terms.items() for term in terms]
        ways = (
            {t for t in self.terms if t == word},
            {t for name, t in ids.items() if word and name.startswith(word.lower())},
            {t for t, term in of_words if term == fold(word)},
            {t for t, term in of_words if word and stem(term) == stem(word)},
        )
        found = next((way for way in ways if way), set[str]())
        if len(found) == 1:
            return found.pop()
        wrong = f"{word!r} may be one of several" if found else f"no signal was about {word!r}"
        raise ConfigError(f"topic: {wrong}; choose of: {self._all(found or self.terms)}")

    def _all(self, topics: Iterable[str]) -> str:
        return ", ".join(self.called(t) for t in sorted(topics)) or "none yet"


def names(reader: Store | Writer, market: str, topics: Iterable[str]) -> TopicNames:
    """Of topics as signals name them, by what their chains began with."""
    known = {t: list[str]() for t in topics if t != ALL}
    rows, later = reader.read(Topic, market=market, topic=set(known)) if known else [], dict[str, str]()
    while rows:
        for row in sorted(rows, key=lambda r: (r.day, r.topic)):
            known[later.get(row.topic, row.topic)] += (str(term) for term in row.terms)
        goes_on = {row.topic for row in rows}
        rows = [r for r in reader.read(Topic, market=market, continues=goes_on) if r.topic not in {*known, *later}]
        later |= {r.topic: later.get(str(r.continues), str(r.continues)) for r in rows}
    return TopicNames({t: tuple(dict.fromkeys(terms)) for t, terms in known.items()}, later)
