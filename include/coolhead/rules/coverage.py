"""Too little of what is said can be read, or heard."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from coolhead.rules import Clearing, Finding, Rule, mistake, passing

if TYPE_CHECKING:
    import pandas as pd

KPI = "scored_coverage"


class Settings(Clearing):
    """below: the share of the mentions that could be scored; clear: the share at which it ends; quality: verdicts on the trailing
    hour that are enough by themselves (blind, partial)."""

    below: Annotated[float | None, Field(gt=0, le=1)] = None
    quality: tuple[Literal["blind", "partial"], ...] = ()

    def limit(self) -> tuple[str, float, bool]:
        return "below", self.below or 0.0, False

    @model_validator(mode="after")
    def _something(self) -> "Settings":
        if self.below is None and not self.quality:
            raise mistake("below", "give `below`, or `quality`, or both: what is too little?")
        if self.below is None and self.clear is not None:
            raise mistake("clear", "is of `below`, which is not given")
        return self


class Coverage(Rule):
    """A number that was made of too little is worth nothing: this says so. It needs no author."""

    Settings = Settings
    by_itself = True

    @property
    def columns(self) -> tuple[str, ...]:
        return (KPI, f"{KPI}.n", "quality")

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        s, found = self.settings, dict[Any, Finding]()
        for start, point, weak in passing(points, points[KPI], s.below, s.clear, above=False) if s.below is not None else ():
            share, n = float(point[KPI]), point[f"{KPI}.n"]
            words = f"{share:.0%} of {n:,.0f} mentions in an hour could be read; limit {s.below:.0%}"
            found[start] = Finding(start, KPI, share, s.below, words, weak=weak)
        heard = points["quality"][points["quality"].isin(s.quality)]
        for start, verdict in zip(heard.index.to_pydatetime(), heard, strict=True):
            words = f"the trailing hour is {verdict}: a source was not heard"
            found[start] = Finding(start, KPI, 0.0, 0.0, words)
        return [found[start] for start in sorted(found)], {}
