"""The file of tests of the plan's rules: its models, and promtool's compact notation of series
(https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/)."""

import difflib
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, model_validator

from coolhead import registry
from coolhead.plan_parts import Part
from coolhead.plan_rules import PER_SOURCE
from coolhead.rows import Severity

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
"""A Monday morning, where a test says nothing else."""
MOST = 8_064
"""Windows of one test: four weeks."""
LONGER = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?")
NUMBER = r"-?\d+(?:\.\d+)?"
TERM = re.compile(rf"(?:(?P<unknown>_)|(?P<first>{NUMBER})(?:(?P<step>[+-]\d+(?:\.\d+)?))?)(?:x(?P<times>\d+))?")


def _minutes(text: str) -> int:
    """50m, 1h30m, 2d -> minutes. Raises ValueError."""
    found = LONGER.fullmatch(text.strip())
    if not text.strip() or found is None:
        raise ValueError(f"{text!r} is no time since the beginning; write e.g. 50m or 1h30m")
    days, hours, minutes = (int(part or 0) for part in found.groups())
    if minutes % 5:
        raise ValueError(f"{text!r}: windows begin every five minutes; write e.g. {minutes // 5 * 5}m")
    return days * 1440 + hours * 60 + minutes


def _windows(text: Any) -> tuple[int, ...]:
    """`10m-20m, 1h` -> numbers of the windows, from 0; `never`: none. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError(f"{text!r} are no times; write e.g. 10m, or 10m-30m, or 10m, 1h-2h, or never")
    out: set[int] = set()
    for part in text.split(",") if text.strip() != "never" else ():
        first, _, last = part.partition("-")
        begin, end = _minutes(first), _minutes(last or first)
        if end < begin:
            raise ValueError(f"{part.strip()!r} ends before it begins")
        out |= set(range(begin // 5, end // 5 + 1))
    return tuple(sorted(out))


def _numbers(text: Any) -> tuple[float, ...]:
    """promtool's notation: `1 2 _ 3`; `1+2x3` = 1 3 5 7; `5x2` = 5 5 5; `_x2` = _ _. Raises ValueError."""
    out: list[float] = []
    for word in str(text).split():
        term = TERM.fullmatch(word)
        if term is None:
            raise ValueError(f"{word!r} is no term of a series; write e.g. 3, 0x10, 1+2x5, _ or _x3")
        times = int(term["times"] or 0)
        if len(out) + times >= MOST:
            raise ValueError(f"has more than {MOST:,} windows; a test is of four weeks at most")
        if term["unknown"]:
            out += [float("nan")] * max(times, 1)
        else:
            out += [float(term["first"]) + i * float(term["step"] or 0) for i in range(times + 1)]
    return tuple(out)


def _column(value: str) -> str:
    kpi, dot, end = value.partition(".")
    name, at, _ = kpi.partition("@")
    known = registry.names("kpis") if not at else list(PER_SOURCE)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        raise ValueError(
            f"{value!r} is no KPI" + (f"; did you mean {near[0]!r}?" if near else f"; choose one of: {', '.join(known)}")
        )
    if dot and end not in ("n", "low", "high", "baseline"):
        raise ValueError(f"{value!r}: a KPI has .n, .low, .high and .baseline")
    return value


Windows = Annotated[tuple[int, ...], BeforeValidator(_windows)]
Series = Annotated[tuple[float, ...], BeforeValidator(_numbers)]
Column = Annotated[str, AfterValidator(_column)]


class TopicSeen(Part):
    """A topic complained of. Authors of the trailing 24 hours are those of the hour, where nothing else is said."""

    at: Windows
    topic: str
    terms: tuple[str, ...] = ()
    name: str | None = None
    owner: str | None = None
    authors: int = 0
    authors_day: int = 0
    usual: float = 0

    @model_validator(mode="before")
    @classmethod
    def _day(cls, given: Any) -> Any:
        return {"authors_day": given.get("authors", 0), **given} if isinstance(given, dict) else given


class MultiplierSeen(Part):
    """A negative post by a large author."""

    at: Windows
    source: str = "mastodon"
    native_id: str = "1"
    audience: int
    top: bool = True
    credible: bool = True
    topic: str | None = None


class RedLineSeen(Part):
    """A mention that touches a red line."""

    at: Windows
    name: str
    severity: Severity = "S2"
    source: str = "mastodon"
    native_id: str = "1"
    lang: str = "en"
    credible: bool = True
    why: str = ""


class Evidence(Part):
    """What stands behind the numbers."""

    topics: tuple[TopicSeen, ...] = ()
    multipliers: tuple[MultiplierSeen, ...] = ()
    red_lines: tuple[RedLineSeen, ...] = ()
    networks: dict[str, Windows] = {}
    news: dict[str, Windows] = {}


class Fires(Part):
    """When a rule fires; and with which severity, about which topic, or in which expected event, where that matters."""

    at: Windows
    severity: Severity | None = None
    topic: str | None = None
    expected: str | None = None


def _fires(value: Any) -> Any:
    return {"at": value} if isinstance(value, str) else value


class Case(Part):
    """One test. Rules that `fires` does not name must not fire."""

    name: Annotated[str, Field(min_length=1)]
    market: str | None = None
    begins: AwareDatetime = BEGIN
    rules: tuple[str, ...] = ()
    """Only these take part; none: all of the market."""
    series: dict[Column, Series] = {}
    quality: dict[Annotated[str, Field(pattern="^(ok|quiet|partial|blind|pending)$")], Windows] = {}
    evidence: Evidence = Evidence()
    fires: dict[str, Annotated[Fires, BeforeValidator(_fires)]]

    @model_validator(mode="after")
    def _has_windows(self) -> Self:
        if not self.length:
            raise ValueError("has neither series nor evidence; give it at least one window")
        return self

    @property
    def length(self) -> int:
        e = self.evidence
        ends = [len(s) for s in self.series.values()]
        told = [x.at for some in (e.topics, e.multipliers, e.red_lines) for x in some]
        told += [*e.networks.values(), *e.news.values(), *self.quality.values()]
        return max([*ends, *(w[-1] + 1 for w in told if w)], default=0)


class Cases(Part):
    """rules_test.yaml"""

    tests: Annotated[tuple[Case, ...], Field(min_length=1)]
