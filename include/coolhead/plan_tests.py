"""Tests of the plan's rules, in a file beside them: KPIs of some windows and the evidence behind them, and when which rule fires.

As promtool tests alerts (https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/): the same compact
notation of series, the same functions that run live, a difference where it is not as it was said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from coolhead import firing
from coolhead.errors import ConfigError
from coolhead.plan import Plan
from coolhead.plan_mistakes import File, explain
from coolhead.plan_parts import meant, twice
from coolhead.plan_test_cases import Case, Cases, Fires
from coolhead.plan_yaml import parsed, repeated
from coolhead.rules import EVIDENCE, Finding
from coolhead.windows import BASE

FILE = "rules_test.yaml"
ENOUGH = 1_000
"""Mentions behind a KPI where a test gives no volume."""


@dataclass(frozen=True)
class Result:
    """How one test went."""

    name: str
    differences: list[str]
    """None: it passed."""


def load(path: Path, plan: Plan) -> Cases:
    """Read and check a file of tests. Raises ConfigError with every mistake: file, line, key, choices."""
    content, node = parsed(path, list(Cases.model_fields), "write one, or name another")
    try:
        tests = Cases.model_validate(content)
    except ValidationError as error:
        raise ConfigError("\n".join(explain(path, node, Cases, error))) from None
    mistakes = [f"{path}:{line}: {key}: stands twice; join the two" for line, key in repeated(node)]
    file = File(path, node, tests)
    mistakes += [f"{file.at('tests')}: {m}" for m in twice("tests have the name", [t.name for t in tests.tests])]
    mistakes += [m for i in range(len(tests.tests)) for m in _unknown(plan, file, i)]
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return tests


def _unknown(plan: Plan, file: File, number: int) -> Iterator[str]:
    """Markets and rules of a test that the plan does not have."""
    test: Case = file.part.tests[number]
    at, markets = ("tests", number), [m.id for m in plan.markets]
    if test.market is not None and test.market not in markets:
        yield f"{file.at(*at, 'market')}: test {test.name}.market: the plan has no market {test.market!r}, only: {', '.join(markets)}"
        return
    known = [e.name for e in plan.rules_of(test.market or markets[0])]
    for key, names in (("rules", test.rules), ("fires", test.fires)):
        for name in (n for n in names if n not in known):
            where = file.at(*at, key, *([name] if key == "fires" else []))
            yield f"{where}: test {test.name}.{key}: rules.yaml has no rule {name!r} for this market, only: {', '.join(known)}{meant(name, known)}"


def run(plan: Plan, tests: Cases) -> list[Result]:
    """Each test, through the functions that run live."""
    return [Result(test.name, list(_differences(plan, test))) for test in tests.tests]


def _differences(plan: Plan, test: Case) -> Iterator[str]:
    market = plan.market(test.market) if test.market else plan.markets[0]
    fold = firing.Fold.of(plan, market)
    rules = [(e, r) for e, r in fold.rules if not test.rules or e.name in test.rules]
    found, _ = firing.Fold(rules, fold.calendar).step(points(test), {})
    for entry, _rule in rules:
        mine = [(e, f) for e, f in found if e.name == entry.name]
        yield from _told(test, entry.name, [(_window(test, f), e.severity, f) for e, f in mine])


def _window(test: Case, finding: Finding) -> int:
    return int((finding.start - test.begins) / BASE)


def _told(test: Case, rule: str, found: list[tuple[int, str, Finding]]) -> Iterator[str]:
    """How one rule differs from what was said of it."""
    said = test.fires.get(rule, Fires(at="never"))
    fired = sorted({w for w, _, _ in found})
    missing, more = sorted(set(said.at) - set(fired)), sorted(set(fired) - set(said.at))
    if missing or more:
        yield f"{rule}: should fire at {_times(said.at)}, fires at {_times(fired)}"
    if missing:
        yield f"  - {_times(missing)}"
    if more:
        first = next(f for w, _, f in found if w == more[0])
        yield f"  + {_times(more)}: {first.reason}"
    for what, wanted, given in (
        ("severity", said.severity, {s for _, s, _ in found}),
        ("topic", said.topic, {f.topic for _, _, f in found}),
        ("expected", said.expected, {f.expected for _, _, f in found}),
    ):
        if wanted is not None and given - {wanted}:
            yield f"{rule}: {what} should be {wanted}, is {', '.join(sorted(map(str, given)))}"


def _times(windows: Any) -> str:
    """0, 1, 2, 12 -> `0m-10m, 1h`"""
    runs: list[list[int]] = []
    for w in windows:
        if runs and w == runs[-1][1] + 1:
            runs[-1][1] = w
        else:
            runs.append([w, w])
    return ", ".join(_time(a) if a == b else f"{_time(a)}-{_time(b)}" for a, b in runs) or "never"


def _time(window: int) -> str:
    hours, minutes = divmod(window * 5, 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes or not hours else "")


def points(test: Case) -> Any:
    """What the rules get: a row per window in which anything is known, NaN where nothing is said. A bound is the value, and `.n`
    the volume, where the test gives none."""
    import pandas as pd

    index = pd.DatetimeIndex([test.begins.astimezone(UTC) + i * BASE for i in range(test.length)], name="start")
    table = {c: pd.Series(list(s), dtype="float64").reindex(range(test.length)).to_numpy() for c, s in test.series.items()}
    frame = pd.DataFrame(table, index=index)
    volume = frame.get("volume", ENOUGH)
    for kpi in [c for c in table if "." not in c]:
        defaults = {".n": volume, ".low": frame[kpi], ".high": frame[kpi]}
        frame = frame.assign(**{f"{kpi}{end}": given for end, given in defaults.items() if f"{kpi}{end}" not in frame})
    evidence = _evidence(test)
    known = frame[list(table)].notna().any(axis=1).to_numpy() if table else False
    quality = {w: verdict for verdict, windows in test.quality.items() for w in windows}
    frame["quality"] = [quality.get(i, "ok") for i in range(test.length)]
    for name in EVIDENCE:
        frame[name] = pd.Series(evidence[name], index=index, dtype=object)
    told = [any(evidence[name][i] for name in EVIDENCE) or i in quality for i in range(test.length)]
    return frame[known | pd.Series(told, index=index)]


def _evidence(test: Case) -> Mapping[str, list[list[Any]]]:
    """Column -> one list per window."""
    e = test.evidence
    out: dict[str, list[list[Any]]] = {name: [[] for _ in range(test.length)] for name in EVIDENCE}
    for name, items in (("topics", e.topics), ("multipliers", e.multipliers), ("red_lines", e.red_lines)):
        for item in items:
            for w in item.at:
                out[name][w].append(item.model_dump(exclude={"at"}))
    for name, heard in (("networks", e.networks), ("news", e.news)):
        for source, windows in sorted(heard.items()):
            for w in windows:
                out[name][w].append(source)
    return out
