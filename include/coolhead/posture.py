"""What the plan advises for a cause: situational crisis communication theory (Coombs 2007).

The output is a posture with reasons and required elements, never a text that sends itself.
"""

from dataclasses import dataclass
from typing import Literal

Cluster = Literal["victim", "accidental", "preventable"]

CAUSES: dict[str, Cluster] = {
    "natural disaster": "victim", "rumour": "victim", "workplace violence": "victim", "tampering": "victim",
    "challenge": "accidental", "technical error": "accidental", "technical product harm": "accidental",
    "human error": "preventable", "misdeed": "preventable", "management misconduct": "preventable",
    "own wrong post": "preventable", "leak": "preventable", "unknown": "accidental",
}  # fmt: skip
"""type of cause -> cluster; an unknown cause is treated as accidental until somebody knows more."""

_POSTURES: dict[tuple[Cluster, bool], str] = {
    ("victim", False): "inform and adjust", ("victim", True): "diminish", ("accidental", False): "diminish",
    ("accidental", True): "rebuild", ("preventable", False): "rebuild", ("preventable", True): "rebuild",
}  # fmt: skip

REQUIRED = (
    "what people must do to be safe (instructing information), first and always",
    "what we know, what we do not know yet, and when we speak next (adjusting information)",
    "compassion for those concerned, before any explanation",
)


@dataclass(frozen=True)
class Posture:
    """How to respond, and why."""

    cause: str
    cluster: Cluster
    name: str
    reason: str
    required: tuple[str, ...]


def posture(cause: str, crisis_history: bool) -> Posture:
    """The posture that the theory advises for a type of cause, given the brand's history."""
    cluster = CAUSES.get(cause, "accidental")
    name = _POSTURES[cluster, crisis_history]
    history = "a crisis history or bad reputation" if crisis_history else "no crisis history"
    extra = ("an apology that names the fault, and what is made good",) if name == "rebuild" else ()
    return Posture(cause, cluster, name, f"{cause}: {cluster} cluster, with {history}", REQUIRED + extra)


def draft(brand: str, advised: Posture) -> str:
    """A holding statement to start from; a person rewrites, approves and publishes it."""
    lines = [
        f"We have read your reports about {brand} and take them seriously.",
        "If you are concerned: [what to do to be safe].",
        "We are checking what happened and will tell you here what we find, by [time].",
    ]
    if advised.name == "rebuild":
        lines.insert(1, "We are sorry. [What went wrong, and how we make it good.]")
    return " ".join(lines)
