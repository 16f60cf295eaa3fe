"""When a rule fires: what all rules share, once each has said in which windows its condition holds.

A condition must hold for some minutes (`for`), on enough evidence (`min_n`, `min_authors`). It ends when the calmer number is
passed (`clear`). After its end a rule is quiet for a while (`cool_down`), unless it is worse than before. What the calendar
expects is recorded and wakes nobody. A fold: all that it remembers is in its state, so that any chunking gives the same.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from coolhead import registry
from coolhead.plan import Market, Plan
from coolhead.plan_rules import PER_SOURCE, Expected, RuleEntry
from coolhead.rules import EVIDENCE, Finding, Rule
from coolhead.windows import BASE, Window

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

STEP = BASE.total_seconds()
Calendar = Sequence[tuple[str, Window]]
"""Names of events and when much is said because of them."""
Quiet = Callable[[RuleEntry, Finding], bool]
"""Whether a mute covers what an entry found (mutes.covering)."""
PEOPLE = ("unique_authors", "volume")
"""KPIs that tell how many people spoke in the trailing hour."""


def nothing_muted(entry: RuleEntry, finding: Finding) -> bool:
    """Where there is no mute."""
    return False


@dataclass(frozen=True)
class Row:
    """Windows in a row in which a condition held, about one topic. Times: seconds since 1970; JSON-ready by `asdict`."""

    begun: float
    last: float
    """Start of the last window in which it held."""
    worst: float | None = None
    """How far beyond its limit it was while it fired; None: it does not fire now."""
    ended: float | None = None
    """When it last stopped firing."""
    before: float = 0.0
    """How bad it was then."""
    quiet: bool = False
    """It fires, and all of its windows so far were muted."""

    def over(self) -> "Row":
        """The row after a window in which it did not hold."""
        if self.worst is None:
            return self
        if self.quiet:  # what nobody heard is no reason to be quiet afterwards
            return replace(self, worst=None, quiet=False)
        return replace(self, worst=None, ended=self.last + STEP, before=self.worst)

    def matters(self, cool_down: float, at: float) -> bool:
        """Whether anything in a window that begins at `at` or later depends on it. cool_down: seconds."""
        ended = self.over().ended
        return self.last >= at - STEP or (ended is not None and at < ended + cool_down)


def calendar_of(events: Sequence[Expected], zone: str) -> Calendar:
    """A market's calendar, ready to be asked."""
    return [(e.name, e.span(zone)) for e in events if e.expects == "volume"]


def made(entry: RuleEntry) -> Rule:
    """The entry's rule with its settings. Raises ValidationError where the plan was not checked."""
    kind = registry.load("rules", entry.rule)
    rule: Rule = kind(kind.Settings.model_validate(entry.settings))
    return rule


@dataclass(frozen=True)
class Fold:
    """All rules of one market."""

    rules: Sequence[tuple[RuleEntry, Rule]]
    calendar: Calendar = ()

    @classmethod
    def of(cls, plan: Plan, market: Market) -> "Fold":
        return cls(list(_understood(plan.rules_of(market.id))), calendar_of(market.calendar, market.time_zone))

    def step(
        self, points: "pd.DataFrame", state: dict[str, Any], quiet: Quiet = nothing_muted
    ) -> tuple[list[tuple[RuleEntry, Finding]], dict[str, Any]]:
        """Findings of windows that follow those before, in order, muted ones too, each with the entry that proposes its severity;
        and the state, from which rules that the plan no longer has are gone."""
        findings, after = list[tuple[RuleEntry, Finding]](), dict[str, Any]()
        for entry, rule in self.rules:
            found, after[entry.name] = fold(entry, rule, points, state.get(entry.name, {}), self.calendar, quiet)
            findings += [(_proposing(entry, f), f) for f in found]
        return sorted(findings, key=lambda pair: pair[1].start), after


def _understood(entries: Sequence[RuleEntry]) -> Iterator[tuple[RuleEntry, Rule]]:
    """A plan that an earlier version checked may say what this one refuses: one such rule must not end the watch of all others."""
    for entry in entries:
        try:
            yield entry, made(entry)
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
            log.error(
                "Rule %s of the plan that runs does not count: %s. Mend it; `coolhead plan check` tells how", entry.name, said
            )


def _proposing(entry: RuleEntry, finding: Finding) -> RuleEntry:
    if finding.severity in (None, entry.severity):
        return entry
    return entry.model_copy(update={"severity": finding.severity})


def fold(
    entry: RuleEntry, rule: Rule, points: "pd.DataFrame", state: dict[str, Any], calendar: Calendar = (),
    quiet: Quiet = nothing_muted,
) -> tuple[list[Finding], dict[str, Any]]:  # fmt: skip
    """In which windows a rule fires. points: as a rule gets them (rules/__init__.py); columns that are absent are unknown.

    state: {} at first, and whenever the entry has become another rule's.
    """
    if state.get("rule") != entry.rule:
        state = {"rule": entry.rule, "own": {}, "rows": {}}
    found, own = rule.step(_columns(entry, rule, points), state["own"])
    rows = {topic: Row(**row) for topic, row in state["rows"].items()}
    out = []
    calendar = calendar if rule.watches == "volume" else ()
    for f in _evident(entry, rule, points, found):
        expected = _event(f, calendar)
        fires, row = _next(entry, rows.pop(f.topic, None), f, bool(expected), quiet(entry, f))
        rows |= {f.topic: row} if row else {}
        if fires:
            out.append(replace(f, expected=expected))
    if len(points):
        after = points.index[-1].timestamp() + STEP
        rows = {topic: rows[topic] for topic in sorted(rows) if rows[topic].matters(entry.cool_down * 60, after)}
    return out, {"rule": entry.rule, "own": own, "rows": {topic: asdict(row) for topic, row in rows.items()}}


def _columns(entry: RuleEntry, rule: Rule, points: "pd.DataFrame") -> "pd.DataFrame":
    """What the rule reads, those of its source in place of the market's; all, where it does not say."""
    if not rule.columns:
        return points
    names = {_of(entry, column): column for column in rule.columns}
    known = points[[name for name in names if name in points]]
    known = known.rename(columns=names) if entry.source else known
    missing = [column for column in names.values() if column not in known]
    more: dict[str, Any] = {c: [[]] * len(points) if c in EVIDENCE else float("nan") for c in missing}
    return known.assign(**more) if more else known


def _of(entry: RuleEntry, column: str) -> str:
    """The column of the entry's source, if it has one: `volume.n` -> `volume@mastodon.n`."""
    kpi, dot, end = column.partition(".")
    return f"{kpi}@{entry.source}{dot}{end}" if entry.source and kpi in PER_SOURCE else column


def _evident(entry: RuleEntry, rule: Rule, points: "pd.DataFrame", found: list[Finding]) -> Iterator[Finding]:
    """Findings with enough evidence behind them, in order."""
    least = rule.min_n if entry.min_n is None else entry.min_n
    crowd = points.index[_people(points) >= entry.min_authors]
    enough = {kpi: crowd.intersection(_reaching(points, _of(entry, f"{kpi}.n"), least)) for kpi in {f.kpi for f in found}}
    yield from sorted((f for f in found if f.start in enough[f.kpi]), key=lambda f: (f.start, f.topic))


def _reaching(points: "pd.DataFrame", column: str, number: float) -> "pd.Index[Any]":
    """Windows in which a column reaches a number; none, where it is not known at all."""
    if number <= 0:
        return points.index
    return points.index[points[column] >= number] if column in points else points.index[:0]


def _people(points: "pd.DataFrame") -> "pd.Series[Any]":
    """How many spoke in each trailing hour: authors, and one for each mention that names none, as no network names all. 0 where
    nothing is known."""
    authors, named, volume = (
        points[column] if column in points else float("nan") for column in ("unique_authors", "unique_authors.n", "volume")
    )
    known = points[[]].assign(authors=authors, unnamed=volume - named)
    return known.authors.fillna(0) + known.unnamed.clip(lower=0).fillna(0)


def _event(finding: Finding, calendar: Calendar) -> str | None:
    """The event that explains a finding about volume: one that the trailing hour, or any of it, lies in."""
    end = finding.start + BASE
    return next((name for name, w in calendar if w.start < end and finding.start - timedelta(minutes=55) < w.end), None)


def _next(entry: RuleEntry, row: Row | None, f: Finding, expected: bool, muted: bool) -> tuple[bool, Row | None]:
    """Whether the rule fires in a window in which it holds, and its row with that window. What is muted fires, and tells nothing of
    how bad it was while somebody listened."""
    at, beyond = f.start.timestamp(), abs(f.value - f.threshold)
    if row and not row.matters(entry.cool_down * 60, at):
        row = None
    if row and at - row.last > STEP:
        row = replace(row.over(), begun=at)
    fires = row is not None and row.worst is not None
    if f.weak and not fires:
        return False, row
    row = replace(row, last=at) if row else Row(begun=at, last=at)
    held = at - row.begun + STEP >= entry.held * 60
    if expected:
        return fires or held, row
    if not fires and (not held or _cooling(entry, row, at, beyond)):
        return False, row
    if muted:
        return True, row if fires else replace(row, worst=0.0, quiet=True)
    return True, replace(row, worst=max(row.worst or 0.0, 0.0 if f.weak else beyond), quiet=False)


def _cooling(entry: RuleEntry, row: Row, at: float, beyond: float) -> bool:
    """It fired a short while ago, and is no worse now than it was then."""
    return row.ended is not None and at < row.ended + entry.cool_down * 60 and beyond <= row.before
