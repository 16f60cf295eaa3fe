"""Family Scorer: text in, sentiment out, one verb."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from coolhead import registry
from coolhead.errors import ConfigError
from coolhead.registry import Plugin
from coolhead.rows import Label

if TYPE_CHECKING:
    from coolhead.plan import ScorerChoice


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


class ScorerSettings(BaseModel):
    """What `scorer.settings` of brands.yaml may say; each scorer declares its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Scorer(Plugin, ABC):
    """Reads sentiment in the languages it names; a text of any other language stays `unscored`."""

    Settings: ClassVar[type[ScorerSettings]] = ScorerSettings
    revision: str = "1"
    """Stored with every score: changes whenever the same text may get another answer, the settings' share included."""
    languages: frozenset[str] = frozenset()

    def __init__(self, settings: Any = None) -> None:
        self.settings = settings or self.Settings()

    @abstractmethod
    def score(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Sentiment]:
        """One answer per text, in order. `langs`: two-letter languages where the network or the caller knows
        them, else None (identified here). Deterministic, and independent of how texts are batched."""


def active(choice: "ScorerChoice") -> Scorer:
    """The plan's scorer with its settings: knows its name and revision at once, and reads its weights at the first text.

    Raises ConfigError where the settings, or the model that they name, cannot be used.
    """
    kind = registry.load("sentiment", choice.name)
    try:
        scorer: Scorer = kind(kind.Settings.model_validate(choice.settings))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(("scorer", "settings", *map(str, first["loc"])))
        raise ConfigError(f"brands.yaml: {key}: {first['msg'].removeprefix('Value error, ')}") from None
    return scorer
