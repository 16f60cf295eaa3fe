"""Family Scorer: text in, sentiment out, one verb."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from coolhead import registry
from coolhead.errors import ConfigError
from coolhead.registry import Plugin
from coolhead.rows import Label

if TYPE_CHECKING:
    from coolhead.plan import ScorerChoice

Confusion = tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]
"""Texts counted. Row: truth negative, neutral, positive; column: read as. A set without one of the truths has a row of
zeros there, which says nothing about it."""


@dataclass(frozen=True)
class Sentiment:
    """What a scorer read in one text. `unscored` has neither polarity nor confidence."""

    label: Label
    lang: str
    """Two letters as identified or declared, or `other` (none that was asked for) or `unknown` (cannot be told)."""
    polarity: float | None = None
    """P(positive) - P(negative), in [-1, 1]."""
    confidence: float | None = None
    """Probability of the label."""
    lang_confidence: float | None = None
    """Probability of the language, in [0, 1]; None where the network or the caller declared it."""


class ScorerSettings(BaseModel):
    """What `scorer.settings` of brands.yaml may say; each scorer declares its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Scorer(Plugin, ABC):
    """Reads sentiment in the languages it names; a text of any other language stays `unscored`."""

    Settings: ClassVar[type[ScorerSettings]] = ScorerSettings
    revision: str = "1"
    """Stored with every score: changes whenever the same text may get another answer, the settings' share included."""
    languages: frozenset[str] = frozenset()
    home: frozenset[str] = frozenset()
    """The plan's languages: a text without a declared one is likelier in one of them."""
    batch: int = 5_000
    """Most texts to hand it at once, where every batch is a transaction."""

    def __init__(self, settings: Any = None) -> None:
        self.settings: Any = settings or self.Settings()

    @abstractmethod
    def score(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Sentiment]:
        """One answer per text, in order. `langs`: two-letter languages where the network or the caller knows
        them, else None (identified here). Deterministic, and independent of how texts are batched. Any string is
        read or `unscored`, never refused."""

    def confusions(self) -> dict[str, list[Confusion]]:
        """By language, one table for each set of labelled texts that this revision has not learned from.

        Sets of one language differ in kind of text, and their tables with them: that spread is what is known of the
        step to a brand's own posts. Empty where nothing was measured.
        """
        return {}


def active(choice: "ScorerChoice", home: Iterable[str] = ()) -> Scorer:
    """The plan's scorer with its settings: knows its name and revision at once, and reads its weights at the first text.

    home: the plan's languages, for who is to read texts with it.

    Raises ConfigError where the settings, or the model that they name, cannot be used.
    """
    kind = registry.load("sentiment", choice.name)
    try:
        scorer: Scorer = kind(kind.Settings.model_validate(choice.settings))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(("scorer", "settings", *map(str, first["loc"])))
        raise ConfigError(f"brands.yaml: {key}: {first['msg'].removeprefix('Value error, ')}") from None
    scorer.home = frozenset(home)
    return scorer
