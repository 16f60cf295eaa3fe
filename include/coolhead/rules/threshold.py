"""A KPI of the trailing hour passes a fixed number."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from coolhead.rules import Finding, KpiName, Rule, RuleSettings

if TYPE_CHECKING:
    import pandas as pd


class Settings(RuleSettings):
    """above or below: the number; bound: which end of the interval must pass it; min_n: evidence it needs."""

    kpi: KpiName
    above: float | None = None
    below: float | None = None
    bound: Literal["value", "low", "high"] = "value"
    min_n: Annotated[int, Field(ge=0)] = 10
    for_windows: Annotated[int, Field(ge=1, le=288)] = 1

    @model_validator(mode="after")
    def _one_side(self) -> "Settings":
        if (self.above is None) == (self.below is None):
            raise ValueError("give exactly one of `above` and `below`")
        return self


class Threshold(Rule):
    """Fires in every window in which the condition has held for `for_windows` windows in a row."""

    Settings = Settings

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        s = self.settings
        column = s.kpi if s.bound == "value" else f"{s.kpi}.{s.bound}"
        found: list[Finding] = []
        held, last = int(state.get("held", 0)), state.get("last")
        for start, value, n in zip(points.index, points[column], points[f"{s.kpi}.n"], strict=True):
            follows = last is not None and (start.timestamp() - last) <= 300
            passes = n >= s.min_n and (value >= s.above if s.above is not None else value <= s.below)
            held, last = ((held if follows else 0) + 1 if passes else 0), start.timestamp()
            if held >= s.for_windows:
                found.append(self._finding(start.to_pydatetime(), float(value), int(n)))
        return found, {"held": held, "last": last}

    def _finding(self, start: Any, value: float, n: int) -> Finding:
        s = self.settings
        limit, side = (s.above, "at or above") if s.above is not None else (s.below, "at or below")
        end = {"value": "", "low": " (lower bound)", "high": " (upper bound)"}[s.bound]
        shown = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
        reason = f"{s.kpi}{end} {shown} is {side} {limit:,.10g}, from {n:,} mentions in an hour"
        return Finding(start, s.kpi, value, limit, reason)
