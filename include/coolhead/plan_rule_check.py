"""What the models of rules.yaml cannot know: the rules' own settings, what their KPIs can say, and what a rule alone may wake."""

import math
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from coolhead import registry
from coolhead.plan import Brands, Market
from coolhead.plan_mistakes import File, check_settings, explain
from coolhead.plan_parts import meant, twice
from coolhead.plan_rules import FIXED, PER_SOURCE, Override, RuleEntry

GENERIC = tuple(f.alias or name for name, f in RuleEntry.model_fields.items())
"""Keys that every entry may have."""
SPANS = {"share": (0.0, 1.0), "-1 to 1": (-1.0, 1.0)}
"""Unit of a KPI -> the least and the greatest that it can be."""
RATES = ("engagement_rate_followers", "engagement_rate_reach", "follower_rate")
"""KPIs that are shares of another number than they count from: they may pass 1, and fall."""
ONE_POST, MOST_OF_ONE_POST = "multiplier", "S2"
"""The rule that one post is enough for, and what it may propose: a crisis is of many."""


def check_rules(file: File, brands: Brands | None) -> Iterator[str]:
    """Every mistake, with file, line, key and choices. brands: None where that file has mistakes of its own."""
    rules: tuple[RuleEntry, ...] = file.part.rules if file.part else ()
    markets = [m for b in brands.brands for m in b.markets] if brands else []
    for i, entry in enumerate(rules):
        yield from _Check(file, brands, markets, entry, ("rules", i)).mistakes()
    yield from (f"{file.at('rules')}: {problem}" for problem in twice("rules have the name", [r.name for r in rules]))


class _Check:
    """Of one entry."""

    def __init__(self, file: File, brands: Brands | None, markets: list[Market], entry: RuleEntry, at: tuple[Any, ...]) -> None:
        self.file, self.brands, self.markets, self.entry, self.at = file, brands, markets, entry, at
        self.kind = registry.load("rules", entry.rule)
        self.called = f"rule {entry.name}"

    def mistakes(self) -> Iterator[str]:
        entry = self.entry
        if wild := [*self._numbers(entry.settings, ()), *self._wild_overrides()]:
            yield from wild
            return
        own = check_settings(self.file, self.kind.Settings, entry.settings, self.at, self.called, GENERIC)
        yield from own or self._sound(entry, ())
        yield from self._places(entry, ())
        for k, override in enumerate(entry.overrides):
            yield from self._places(override, ("overrides", k))
        if not own:
            apart = [m for k, override in enumerate(entry.overrides) for m in self._override(override, ("overrides", k))]
            yield from apart or self._together()

    def _said(self, where: tuple[Any, ...], key: str, message: str) -> str:
        called = ".".join([self.called, *map(str, where), key])
        return f"{self.file.at(*self.at, *where, key)}: {called}: {message}"

    def _numbers(self, given: Any, where: tuple[Any, ...]) -> Iterator[str]:
        """Numbers that none is: `.nan` is passed by nothing, `.inf` by nothing or by all."""
        for key, value in given.items() if isinstance(given, dict) else ():
            if isinstance(value, float) and not math.isfinite(value):
                yield self._said(where, key, f"{value} is no number that anything could pass; write one")
            yield from self._numbers(value, (*where, key))

    def _wild_overrides(self) -> Iterator[str]:
        for k, override in enumerate(self.entry.overrides):
            yield from self._numbers(override.changes, ("overrides", k))

    def _override(self, override: Override, where: tuple[Any, ...]) -> Iterator[str]:
        """The entry as it is with one of its overrides."""
        called = f"{self.called}.overrides.{where[1]}"
        try:
            merged = self.entry.merged([override])
        except ValidationError as error:  # of the keys that every entry has
            yield from explain(self.file.path, self.file.node, RuleEntry, error, (*self.at, *where), called)
            return
        beside = [key for key in GENERIC if key not in FIXED]
        wrong = check_settings(self.file, self.kind.Settings, merged.settings, (*self.at, *where), called, beside)
        yield from wrong or self._sound(merged.model_copy(update={"sources": override.sources or self.entry.sources}), where)

    def _together(self) -> Iterator[str]:
        """Overrides that are each right, and are not together."""
        for market in self.markets:
            try:
                for entry in self.entry.of(market.id):
                    self.kind.Settings.model_validate(entry.settings)
            except ValidationError as error:
                yield self._said((), "overrides", f"together they do not fit for {market.id}: {error.errors()[0]['msg']}")

    def _sound(self, entry: RuleEntry, where: tuple[Any, ...]) -> Iterator[str]:
        """Settings that pass by themselves, and would wake people for nothing, or never."""
        rule = self.kind(self.kind.Settings.model_validate(entry.settings))
        if rule.watches == "volume" and entry.severity > "S1":
            why = f"it watches volume only, which never goes beyond S1; write S1, or let it look at sentiment too (`also`, or the rules {', '.join(_of_sentiment())})"
            yield self._said(where, "severity", why)
        elif entry.severity > "S1" and entry.min_authors < 2 and not rule.by_itself:
            why = f"an isolated comment is no {entry.severity}; write `min_authors: 2` or more, or `severity: S1`"
            yield self._said(where, "min_authors", why)
        if why := rule.contradiction(entry.min_n or 0):
            yield self._said(where, "min_n", why)
        if rule.momentary and entry.held > 5:
            yield self._said(where, "for", "it speaks once for each hour or day, hence cannot hold for minutes; remove `for`")
        if entry.rule == ONE_POST and entry.severity > MOST_OF_ONE_POST:
            why = f"one post never makes more than {MOST_OF_ONE_POST}; write {MOST_OF_ONE_POST} or less, and let the rule crisis say the rest"
            yield self._said(where, "severity", why)
        yield from self._limits(rule.settings, where)
        if entry.sources:
            yield from self._of_sources(rule, where)
        yield from self._names(entry, where)

    def _limits(self, given: Any, where: tuple[Any, ...]) -> Iterator[str]:
        """Limits and floors that a KPI never reaches, or always."""
        kpi = getattr(given, "kpi", None)
        for key, above in (("above", True), ("below", False)):
            limit = getattr(given, key, None)
            if kpi and limit is not None and (why := _beyond(kpi, limit, above)):
                yield self._said(where, key, why)
        if kpi and (span := _span(kpi)) and (rise := getattr(given, "rise", 0)) >= span[1] - span[0]:
            yield self._said(where, "rise", f"no rise of {rise:g} is ever seen: {kpi} lies {_from_to(span)}{_percent(rise)}")
        for floor_of, least in getattr(given, "also", {}).items():
            if least <= 0:
                why = f"{least:g} is no floor, for it asks nothing of it; write a number above 0, or leave it out"
                yield self._said((*where, "also"), floor_of, why)
            elif (span := _span(floor_of)) and least > span[1]:
                why = f"{least:g} is a floor that is never reached: it lies {_from_to(span)}{_percent(least)}"
                yield self._said((*where, "also"), floor_of, why)

    def _of_sources(self, rule: Any, where: tuple[Any, ...]) -> Iterator[str]:
        lost = [c for c in rule.columns if c.split(".")[0] not in PER_SOURCE or c.endswith(".baseline")]
        if lost or not rule.columns:
            what = ", ".join(lost) if lost else "it does not say what it reads (`columns`)"
            yield self._said(
                where,
                "sources",
                f"of one source alone there is no {what}; there are: {', '.join(PER_SOURCE)}, without a baseline",
            )

    def _names(self, entry: RuleEntry, where: tuple[Any, ...]) -> Iterator[str]:
        """Topics and red lines of the plan that a rule names."""
        if self.brands is None:
            return
        holders = [x for b in self.brands.brands for x in (b, *b.markets)]
        for key, what in self.kind.refers.items():
            choices = sorted({named.name for x in holders for named in getattr(x, what)})
            for name in entry.settings.get(key, ()):
                if name not in choices:
                    listed = f"{', '.join(choices) or 'none'}{meant(name, choices)}"
                    yield self._said(
                        where, key, f"{what.replace('_', ' ')} of brands.yaml: there is no {name!r}; it has: {listed}"
                    )

    def _places(self, holder: RuleEntry | Override, where: tuple[Any, ...]) -> Iterator[str]:
        """Markets and sources that are named, and are not there."""
        if not self.brands:
            return
        known = [m.id for m in self.markets]
        sources = sorted({s for m in self.markets for s in m.sources})
        for m in holder.markets:
            if m not in known:
                yield self._said(
                    where, "markets", f"brands.yaml has no market {m!r}, only: {', '.join(known)}{meant(m, known)}"
                )
            elif where and self.entry.markets and m not in self.entry.markets:
                yield self._said(where, "markets", f"the rule does not judge {m!r}, only: {', '.join(self.entry.markets)}")
        for s in holder.sources:
            if s not in sources:
                yield self._said(
                    where, "sources", f"no market has the source {s!r}, only: {', '.join(sources)}{meant(s, sources)}"
                )


def _span(kpi: str) -> tuple[float, float] | None:
    """Between which numbers a KPI lies, by its unit; None: without end."""
    return None if kpi in RATES else SPANS.get(registry.load("kpis", kpi).unit)


def _beyond(kpi: str, limit: float, above: bool) -> str | None:
    """Why a limit is passed never, or always; None: it can be either."""
    if (span := _span(kpi)) is None:
        return None
    low, high = span
    never, always = (limit > high, limit <= low) if above else (limit < low, limit >= high)
    if not never and not always:
        return None
    return f"{limit:g} is passed {'never' if never else 'always'}: {kpi} lies {_from_to(span)}{_percent(limit)}"


def _from_to(span: tuple[float, float]) -> str:
    return f"between {span[0]:g} and {span[1]:g}"


def _percent(number: float) -> str:
    """Most often a percentage is meant."""
    return f"; is {number / 100:g} meant?" if 1 < number <= 100 else ""


def _of_sentiment() -> list[str]:
    return [name for name in ("baseline", "crisis", "complaint_cluster") if name in registry.names("rules")]
