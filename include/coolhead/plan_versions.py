"""What this version of Coolhead still understands of a plan that an earlier one checked and stored."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from coolhead.plan_rules import RuleEntry

ALL_MARKETS = "all markets"


class Refused(BaseModel):
    """A rule of the plan that runs, and that does not count."""

    model_config = ConfigDict(frozen=True)
    rule: str
    market: str
    why: str
    """Key by key."""


def understood(rules: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Refused]]:
    """The entries of a stored rules.yaml that hold still, and those that do not: one such rule must not end the watch of all others."""
    kept, refused = list[dict[str, Any]](), list[Refused]()
    for content in rules:
        try:
            entry = RuleEntry.model_validate(content)
            for override in entry.overrides:
                entry.merged([override])
            kept.append(content)
        except ValidationError as error:
            refused.append(Refused(rule=str(content.get("name")), market=ALL_MARKETS, why=wrong(error)))
    return kept, refused


def wrong(error: ValidationError) -> str:
    """Every mistake with its key."""
    return "; ".join(
        f"{'.'.join(map(str, e['loc'])) or e.get('ctx', {}).get('key', 'the rule')}: {str(e['msg']).removeprefix('Value error, ')}"
        for e in error.errors(include_url=False, include_input=False)
    )
