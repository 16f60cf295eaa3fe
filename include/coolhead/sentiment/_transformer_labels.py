"""Labels of somebody else's model: which of them mean negative, neutral, positive. Nothing is guessed."""

import re
from collections.abc import Mapping
from typing import Any

from coolhead.errors import ConfigError
from coolhead.rows import Label

KEY = "brands.yaml: scorer.settings.labels"
_NEGATIVE: Label = "negative"
_NEUTRAL: Label = "neutral"
_POSITIVE: Label = "positive"
_WORDS: dict[str, Label] = {
    **dict.fromkeys(("negative", "neg", "very negative"), _NEGATIVE),
    **dict.fromkeys(("neutral", "neu"), _NEUTRAL),
    **dict.fromkeys(("positive", "pos", "very positive"), _POSITIVE),
}
_ORDERS: tuple[dict[str, Label], ...] = (
    {"label 0": _NEGATIVE, "label 1": _NEUTRAL, "label 2": _POSITIVE},  # TweetEval's order, without names in config.json
    {"1 star": _NEGATIVE, "2 stars": _NEGATIVE, "3 stars": _NEUTRAL, "4 stars": _POSITIVE, "5 stars": _POSITIVE},
    {"1": _NEGATIVE, "2": _NEGATIVE, "3": _NEUTRAL, "4": _POSITIVE, "5": _POSITIVE},
)
"""Labels that only mean something together: another number of them is another scale."""


def groups(config: Mapping[str, Any], given: Mapping[str, Label]) -> tuple[Label, ...]:
    """What each output of the model means, in their order. `config`: config.json; `given`: the plan's own mapping.

    Raises ConfigError that lists the labels where one is not known, or neither negative nor positive is left.
    """
    names = _names(config)
    words = [_word(n) for n in names]
    told = {_word(label): meaning for label, meaning in given.items()}
    if strange := sorted(told.keys() - set(words)):
        raise ConfigError(f"{KEY}: the model has no label {', '.join(strange)}; its labels are: {', '.join(names)}")
    known = next((order for order in _ORDERS if order.keys() == set(words)), _WORDS) | told
    if unknown := [name for name, word in zip(names, words, strict=True) if word not in known]:
        raise ConfigError(
            f"{KEY}: it is not known what {', '.join(unknown)} of this model's labels ({', '.join(names)}) means; "
            f"say it here, e.g. {{{unknown[0]}: neutral}}"
        )
    found = tuple(known[word] for word in words)
    if missing := [label for label in (_NEGATIVE, _POSITIVE) if label not in found]:
        raise ConfigError(f"{KEY}: no label of this model means {missing[0]}: {', '.join(names)}; it reads no polarity")
    return found


def _names(config: Mapping[str, Any]) -> list[str]:
    """Labels in the order of the model's outputs."""
    kinds = config.get("architectures") or []
    if kinds and not any(str(kind).endswith("ForSequenceClassification") for kind in kinds):
        raise ConfigError(f"brands.yaml: scorer.settings.model: is {', '.join(kinds)}, it must be a sequence classification")
    if config.get("problem_type") == "multi_label_classification":
        raise ConfigError(
            "brands.yaml: scorer.settings.model: gives several labels to one text, its answers are no shares of one"
        )
    named = config.get("id2label") or {}
    if not isinstance(named, dict) or sorted(named) != sorted(str(i) for i in range(len(named))) or len(named) < 2:
        raise ConfigError("brands.yaml: scorer.settings.model: its config.json must name its labels in id2label: 0, 1, ...")
    return [str(named[str(i)]) for i in range(len(named))]


def _word(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.casefold()).strip()
