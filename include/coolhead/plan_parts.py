"""What the models of the crisis plan share."""

import difflib
from collections.abc import Iterable
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from coolhead import registry

Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
MarketId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]


class Part(BaseModel):
    """Base of the plan's models: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _zone(value: str) -> str:
    if value not in available_timezones():
        near = difflib.get_close_matches(value, available_timezones(), 3)
        raise ValueError(
            f"{value!r} is no time zone" + (f"; did you mean {' or '.join(near)}?" if near else "; write e.g. Europe/Rome")
        )
    return value


Zone = Annotated[str, AfterValidator(_zone)]


def meant(value: str, choices: Iterable[str]) -> str:
    """`; did you mean 'threshold'?`, or nothing where none is near."""
    near = difflib.get_close_matches(value, list(choices), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def plugin(family: str) -> AfterValidator:
    """A name of the family's plug-ins."""

    def check(value: str) -> str:
        if value not in (choices := registry.names(family)):
            raise ValueError(f"{value!r} is none of: {', '.join(choices)}{meant(value, choices)}")
        return value

    return AfterValidator(check)


def twice(what: str, names: list[str]) -> list[str]:
    """A message for each name that stands more than once."""
    return [f"two {what} {n!r}; each needs its own" for n in sorted({n for n in names if names.count(n) > 1})]


def refuse(problems: list[str]) -> None:
    """One per line, so that all are told. Raises ValueError where there are any."""
    if problems:
        raise ValueError("\n".join(problems))
