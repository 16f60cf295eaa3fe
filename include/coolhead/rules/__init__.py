"""Family Rule: a causal fold over the points of one market.

A rule says in which windows its condition holds; for how long it must hold, how much evidence it needs, when it is quiet
again and what the calendar expects is the same for all, and firing.py's.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from coolhead import registry
from coolhead.plan_parts import meant
from coolhead.plan_rules import PER_SOURCE as PER_SOURCE
from coolhead.registry import Plugin
from coolhead.rows import ALL, Severity

if TYPE_CHECKING:
    import pandas as pd

EVIDENCE = ("topics", "multipliers", "red_lines", "networks", "news")
"""Columns that hold lists, empty where there is nothing."""
MEANS = ("share", "-1 to 1", "mentions per hour")
"""Units of numbers that do not grow with the days they are taken over: what is usual of them is their value over all days."""

Watch = Literal["volume", "sentiment", "followers", "answers", "sight"]
"""What a rule watches: how much is said, how it is meant, who follows, who waits for an answer, what we can see at all."""
_WATCHES: dict[str, Watch] = {"follower": "followers", "backlog": "answers", "answerable": "answers"}


def _known(kpi: str) -> str:
    if kpi not in (choices := registry.names("kpis")):
        raise ValueError(f"{kpi!r} is no KPI; choose one of: {', '.join(choices)}{meant(kpi, choices)}")
    return kpi


KpiName = Annotated[str, AfterValidator(_known)]


def watch_of(kpi: str) -> Watch:
    """What a rule watches that looks at a KPI."""
    if kpi == "scored_coverage":
        return "sight"
    found = registry.load("kpis", kpi)
    return _WATCHES.get(found.reads, "sentiment" if found.reads_scores else "volume")


def bounded() -> list[str]:
    """KPIs that have an interval."""
    return [name for name in registry.names("kpis") if registry.load("kpis", name).interval]


def with_baseline() -> list[str]:
    """KPIs of which it is known what is usual."""
    kinds = {name: registry.load("kpis", name) for name in registry.names("kpis")}
    asked = {k.asks for k in kinds.values() if k.reads == "usual"}
    means = {n for n, k in kinds.items() if k.reads == "mention" and k.trailing and not k.once_per and k.unit in MEANS}
    return sorted(asked | means)


def mistake(key: str, message: str) -> PydanticCustomError:
    """Raised by a model as a whole, for one of its keys."""
    return PydanticCustomError("of_key", "{message}", {"key": key, "message": message})  # ruff: ignore[missing-f-string-syntax] - pydantic fills it in


def need_bound(kpi: str, bound: str) -> None:
    """Raises where a KPI is asked for a bound that it does not have."""
    if bound != "value" and kpi not in (choices := bounded()):
        raise mistake(
            "bound",
            f"{kpi} has no interval, hence no {bound} bound; write `bound: value`, or choose one of: {', '.join(choices)}",
        )


def need_baseline(kpi: str) -> None:
    """Raises where it is not known what is usual of a KPI."""
    if kpi not in (choices := with_baseline()):
        raise mistake("kpi", f"of {kpi} it is not known what is usual; choose one of: {', '.join(choices)}")


class RuleSettings(BaseModel):
    """What rules.yaml may say about a rule; each rule declares its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Clearing(RuleSettings):
    """clear: the number, on the calm side of the limit, that must be passed again before the rule is quiet (hysteresis)."""

    clear: float | None = None

    def limit(self) -> tuple[str, float, bool]:
        """Key and number of the limit, and whether the rule fires above it."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _calmer(self) -> "Clearing":
        key, limit, above = self.limit()
        if self.clear is not None and not (self.clear < limit if above else self.clear > limit):
            side = "below" if above else "above"
            raise mistake(
                "clear",
                f"{self.clear:g} must lie {side} `{key}` ({limit:g}): the rule fires from there on, until this is passed",
            )
        return self


@dataclass(frozen=True)
class Finding:
    """A rule's condition holds in the window that begins at `start`."""

    start: datetime
    kpi: str
    value: float
    threshold: float
    reason: str
    topic: str = ALL
    """That it is about; `all`: no one topic."""
    weak: bool = False
    """Only the calmer number of the hysteresis is passed: it counts while the rule fires already."""
    severity: Severity | None = None
    """That it proposes in place of its entry's."""
    expected: str | None = None
    """Event of the plan's calendar in which this much is expected: it is recorded, and wakes nobody. Set by firing.py."""


class Rule(Plugin, ABC):
    """`step` sees, per base window, the KPIs of the trailing hour of the whole market, and nothing later.

    Live passes one window, replay passes weeks: any chunking gives the same result, because what a rule must
    remember is in `state` (JSON-ready) and nowhere else.
    """

    Settings: ClassVar[type[RuleSettings]] = RuleSettings
    min_n: int = 0
    """Mentions behind the finding's KPI that are needed where the plan says nothing else."""
    by_itself: ClassVar[bool] = False
    """It counts authors itself, or one mention is enough because a person verifies it first."""
    refers: ClassVar[Mapping[str, Literal["topics", "red_lines"]]] = {}
    """Its keys that hold names, of what in brands.yaml."""
    momentary: ClassVar[bool] = False
    """It speaks once, when a new number of an hour or a day comes: nothing that could hold for longer."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def contradiction(self, min_n: int) -> str | None:
        """Why it could never fire where a window needs so many mentions; None: it could."""
        return None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it reads: KPIs with `.n`, `.low`, `.high`, `.baseline`, and evidence. None said: firing.py gives what there is."""
        return ()

    @property
    def watches(self) -> Watch:
        """From its columns: sentiment if any is about that. Without any, volume: what is not declared wakes nobody beyond S1."""
        kpis = dict.fromkeys(c.split(".")[0] for c in self.columns if c not in (*EVIDENCE, "quality"))
        found = [watch_of(kpi) for kpi in kpis]
        return "sentiment" if "sentiment" in found or (not kpis and self.columns) else (found or ["volume"])[0]

    @abstractmethod
    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        """points: index = window starts (aware UTC, ascending, windows without a mention absent); columns = those that the rule
        declares, or all: KPI names, `<kpi>.n`, `<kpi>.low`, `<kpi>.high`, `<kpi>.baseline`, `quality`, and evidence: lists of
        dicts (topics, multipliers, red_lines) and of names (networks, news). A number is NaN where it is unknown."""


def passing(
    points: "pd.DataFrame", value: "pd.Series[Any]", limit: Any, clear: Any = None, where: Any = True, above: bool = True
) -> Iterator[tuple[datetime, dict[str, Any], bool]]:
    """(start, point, weak) of the windows whose value is at the limit or beyond; weak: only at `clear` or beyond. Unknown passes
    nothing.

    limit, clear: a number, or one per window; where: what must hold beside; point: column -> what stands in that window.
    """
    strong = (value >= limit if above else value <= limit) & where
    near = strong if clear is None else strong | (value >= clear if above else value <= clear) & where
    found = points[near]
    for start, point, sure in zip(found.index.to_pydatetime(), found.to_dict("records"), strong[near], strict=True):
        yield start, point, not sure


def shown(number: float) -> str:
    """As people write numbers: 2,423; 0.333; 3.5."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def each(points: "pd.DataFrame", column: str) -> Iterator[tuple[datetime, Any]]:
    """(start, item) of a column of evidence."""
    some = points[column][points[column].map(bool)]
    for start, items in zip(some.index.to_pydatetime(), some, strict=True):
        for item in items:
            yield start, item


def anew(value: "pd.Series[Any]", state: dict[str, Any]) -> tuple["pd.Series[Any]", dict[str, Any]]:
    """(where a number of a finished hour or day is another than in the window before, the state for the next window): it stands
    in every window until the next one comes, and is told once."""
    last = state.get("last")
    new, before = value.notna(), value.ffill().shift(fill_value=float("nan") if last is None else last)
    before = before.fillna(float("nan") if last is None else last)
    known = value.ffill().iloc[-1] if len(value) else float("nan")
    return new & ~(value == before), {"last": last if known != known else float(known)}
