"""Family Rule: a causal fold over the points of one market."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from coolhead import registry
from coolhead.registry import Plugin

if TYPE_CHECKING:
    import pandas as pd


def _known(kpi: str) -> str:
    if kpi not in (choices := registry.names("kpis")):
        raise ValueError(f"{kpi!r} is no KPI; choose one of: {', '.join(choices)}")
    return kpi


KpiName = Annotated[str, AfterValidator(_known)]


class RuleSettings(BaseModel):
    """What rules.yaml may say about a rule; each rule declares its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Finding:
    """A rule fired in the window that begins at `start`."""

    start: datetime
    kpi: str
    value: float
    threshold: float
    reason: str


class Rule(Plugin, ABC):
    """`step` sees, per base window, the KPIs of the trailing hour of the whole market, and nothing later.

    Live passes one window, replay passes weeks: any chunking gives the same result, because what a rule must
    remember is in `state` (JSON-ready) and nowhere else.
    """

    Settings: ClassVar[type[RuleSettings]] = RuleSettings

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    @abstractmethod
    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        """points: index = window starts (aware UTC, ascending); columns = KPI names, `<kpi>.n`, `<kpi>.low`,
        `<kpi>.high`, and `quality`. A value is NaN where it is unknown."""
