"""Who writes: regulars of the calm weeks, and strangers who come with the firestorm."""

import random
from dataclasses import dataclass

from coolhead.play.post import HOME, LANGUAGES, slug
from coolhead.play.texts import pools

SERVERS = (HOME, HOME, "masto.example", "toots.example", "fedi.example", "piazza.example")
REGULARS = 220


@dataclass(frozen=True)
class Author:
    handle: str
    name: str
    followers: int


class Cast:
    """Nobody here exists: a first name, a word, a reserved domain."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._taken: set[str] = set()
        self._regulars = {lang: [self._invent(lang, 5.2, 9_000) for _ in range(REGULARS)] for lang in LANGUAGES}
        self._strangers: dict[str, list[Author]] = {lang: [] for lang in LANGUAGES}

    def regular(self, lang: str) -> Author:
        """Some write much more often than others."""
        crowd = self._regulars[lang]
        return crowd[min(int(self._rng.expovariate(1 / 70)), len(crowd) - 1)]

    def stranger(self, lang: str) -> Author:
        """Mostly somebody new; some come back, and some regulars take part."""
        dice, known = self._rng.random(), self._strangers[lang]
        if dice < 0.15:
            return self.regular(lang)
        if dice < 0.3 and known:
            return self._rng.choice(known)
        known.append(self._invent(lang, 5.6, 14_000))
        return known[-1]

    def _invent(self, lang: str, size: float, most: int) -> Author:
        pool = pools()[lang]
        first, word = self._rng.choice(pool["first"]), self._rng.choice(pool["nick"])
        user = f"{slug(first)}_{word.strip('_')}"
        if user in self._taken:
            user = f"{user}{self._rng.randrange(2, 9999)}"
        self._taken.add(user)
        name = self._rng.choice(
            [first, f"{first} {chr(self._rng.randrange(65, 88))}.", f"{first} 🌿", user, f"{first} ({word})"]
        )
        followers = min(int(self._rng.lognormvariate(size, 1.2)), most)
        return Author(f"{user}@{self._rng.choice(SERVERS)}", name, followers)
