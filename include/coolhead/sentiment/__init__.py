"""Family Scorer: text in, sentiment out, one verb."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from coolhead.registry import Plugin
from coolhead.rows import Label


@dataclass(frozen=True)
class Sentiment:
    """What a scorer read in one text. `unscored` has neither polarity nor confidence."""

    label: Label
    lang: str
    """Two letters as identified or declared, or `other`."""
    polarity: float | None = None
    """P(positive) - P(negative), in [-1, 1]."""
    confidence: float | None = None
    """Probability of the label."""


class Scorer(Plugin, ABC):
    """Reads sentiment in the languages it names; a text of any other language stays `unscored`."""

    revision: ClassVar[str] = "1"
    """Stored with every score: changes whenever the same text may get another answer."""
    languages: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def score(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Sentiment]:
        """One answer per text, in order. `langs`: two-letter languages where the network or the caller knows
        them, else None (identified here). Deterministic, and independent of how texts are batched."""
