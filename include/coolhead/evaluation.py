"""kpi_point -> signal -> incident: the rules judge every window once, each as of its own end plus a grace.

What a rule sees of a window is the trailing hour, made only of what was known then: so one run over three weeks
of history gives the same signals as six thousand runs of five minutes.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from coolhead import failpoint, registry, silences, trailing
from coolhead.baselines import LOOK_BACK, Usual, VolumeBaseline, shares
from coolhead.clock import Clock
from coolhead.incidents import Findings, attach, left_out
from coolhead.kpis import Kpi
from coolhead.measuring import Measurer
from coolhead.plan import Market, Plan
from coolhead.recovery import progress
from coolhead.rows import ALL, Grain, Incident, Judged, KpiPoint, Match, Verdict
from coolhead.rules import Rule
from coolhead.store import Store
from coolhead.summing import Cells
from coolhead.verdicts import Listening
from coolhead.windows import BASE, GRACE, Window, floor, local_day

log = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Evaluated:
    """What one evaluation of one market did."""

    market: str
    points: int
    judged: Window
    signals: int
    incidents: list[str]


def evaluate(store: Store, plan: Plan, market: Market, clock: Clock) -> Evaluated:
    """Compute undone KPI points, then judge all windows that ended since the last time."""
    measurer = Measurer.of(store, plan, market)
    now = clock.now()
    points = measurer.measure(clock)
    judge = Judge(store, plan, market, measurer)
    signals, touched = 0, list[str]()
    through = start = judge.through()
    end = floor(now - GRACE)
    while through < end:
        said, _ = store.quantity(Match, "published_at", market=market.id, published_at=Window(through - HOUR, end))
        # Windows whose trailing hour holds no mention have no points: years of silence are one empty step.
        further = end - BASE if said is None else max(through, floor(said))
        # Not beyond its local day: what is usual on the next leaves out the incidents found on this one.
        day = local_day(through.astimezone(ZoneInfo(market.time_zone)).date(), market.time_zone)
        if (
            day.start < through < day.end <= further
        ):  # a day that was begun ends with its own points, however silent its last hours
            span = Window(day.end - BASE, day.end)
        else:
            day = local_day(further.astimezone(ZoneInfo(market.time_zone)).date(), market.time_zone)
            span = Window(further, end if said is None else min(day.end, end))
        found, incidents = judge.judge(span)
        signals, touched, through = signals + found, [*touched, *incidents], span.end
    progress(store, market, end, measurer.revisions[1])
    return Evaluated(market.id, points, Window(min(start, end), end), signals, sorted(set(touched)))


def watch(store: Store, plan: Plan, market: Market, clock: Clock) -> Evaluated:
    """KPI points of another brand: measured like ours, and judged by no rule."""
    now = floor(clock.now())
    return Evaluated(market.id, Measurer.of(store, plan, market).measure(clock), Window(now, now), 0, [])


def evaluate_all(store: Store, plan: Plan, clock: Clock) -> list[Evaluated]:
    """Every market of the plan and every brand that it watches; one that fails holds up no other. Raises the first error after all were tried."""
    out, errors = list[Evaluated](), list[Exception]()
    try:
        silences.judge(store, plan, clock)  # before anything is measured, so that every number inherits it
    except Exception:  # a sentinel that fails must not stop the watch itself
        log.exception("the silences were not judged")

    def tried(verb: Callable[[Store, Plan, Market, Clock], Evaluated], market: Market) -> Iterator[Evaluated]:
        try:
            yield verb(store, plan, market, clock)
        except Exception as error:  # whatever it is: the other markets must be watched
            log.exception("evaluation of %s failed", market.id)
            errors.append(error)

    for market in plan.listened:
        out += tried(evaluate if market in plan.markets else watch, market)
    for market in (m for m in plan.markets if m.watch):
        list(tried(watch, market))  # what the others' new numbers change: shares of voice
    if errors:
        raise errors[0]
    return out


class Judge:
    """Folds the rules of one market over its windows."""

    def __init__(self, store: Store, plan: Plan, market: Market, measurer: Measurer) -> None:
        self.store, self.plan, self.market, self.measurer = store, plan, market, measurer
        self.entries = plan.rules_of(market.id)
        self.rules: list[Rule] = [
            (kind := registry.load("rules", e.rule))(kind.Settings.model_validate(e.settings)) for e in self.entries
        ]  # fmt: skip
        self._usual = [k for k in measurer.kpis if k.reads == "usual"]

    def through(self) -> datetime:
        """End of what is judged; at first, the window of the first mention."""
        done = self.store.read(Judged, market=self.market.id)
        if done:
            return done[0].through
        first, _ = self.store.quantity(KpiPoint, "start", market=self.market.id, grain="5min")
        return floor(first) if first else NEVER

    def judge(self, span: Window) -> tuple[int, list[str]]:
        """Signals and incidents of a span, with the rules' state, in one transaction."""
        points, mentions = self.points(span)
        done = self.store.read(Judged, market=self.market.id)
        state: dict[str, Any] = dict(done[0].state) if done else {}
        findings: Findings = []
        for entry, rule in zip(self.entries, self.rules, strict=True):
            found, state[entry.name] = rule.step(points, state.get(entry.name, {}))
            findings += [(entry, f) for f in found]
        usual = [*self._usual_points(points), *self._day_points(span)]
        failpoint.reached("judge.computed")
        with self.store.writing() as writer:
            writer.lock(Incident)  # a person's answer between reading an incident and writing it would be lost
            signals, incidents, events = attach(self.store, self.plan, self.market, findings, mentions)
            writer.upsert([*usual, *incidents, *signals, *events, Judged(market=self.market.id, through=span.end, state=state)])
            failpoint.reached("judge.written")
        return len(signals), [i.incident_id for i in incidents]

    def _usual_points(self, points: pd.DataFrame) -> list[KpiPoint]:
        """What the judge alone can tell, for it goes on day by day: the trailing hour beside what is usual."""
        return [self._usual_point(kpi, start, p) for kpi in self._usual for start, p in points.iterrows()]

    def _usual_point(self, kpi: Kpi, start: Any, point: "pd.Series[Any]") -> KpiPoint:
        numbers = [None if point[n] != point[n] else float(point[n]) for n, end in _ends(kpi) if kpi.interval or end == "value"]
        known = (start.to_pydatetime() + BASE + GRACE, point["quality"])
        return self._point(kpi, "5min", start.to_pydatetime(), numbers, int(point[f"{kpi.name}.n"]), *known)

    def _point(
        self,
        kpi: Kpi,
        grain: Grain,
        start: datetime,
        numbers: Sequence[float | None],
        n: int,
        as_of: datetime,
        quality: Verdict,
    ) -> KpiPoint:
        """numbers: the value, and its interval if there is one."""
        value, low, high = (*numbers, None, None)[:3]
        return KpiPoint.model_construct(
            market=self.market.id, kpi=kpi.name, grain=grain, start=start, source=ALL, lang=ALL, version=kpi.version,
            revision=self.measurer.revisions[kpi.reads_scores], value=value, n=n, low=low, high=high, parts={}, quality=quality, as_of=as_of,
        )  # fmt: skip

    def points(self, span: Window) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What the rules see (rules/__init__.py), for windows whose trailing hour holds a mention; and the mentions.

        span: within one local day, as known at whose start the scorer's confusions and what is usual are.
        """
        window = Window(span.start - HOUR, span.end)
        mentions = self.store.mentions(self.market.id, window, self.measurer.scorer, self.measurer.revision, span.end + GRACE)
        found = trailing.expanded(self.store, mentions, span)
        index = pd.DatetimeIndex(sorted(set(found.window)), tz="UTC", name="start")
        context, table = self.measurer.contexts.on(self._day(span.start)), dict[str, Any]()
        cells = Cells(found, "window", [(False, False)])
        for kpi in self.measurer.kpis:
            kpi.context = context
            if kpi.reads == "mention" and kpi.trailing:
                values = cells.of(kpi).set_index("window").reindex(index)
                table[f"{kpi.name}.n"] = values["n"].astype(float).fillna(0)
                table |= {n: values[end].astype(float) for n, end in _ends(kpi)}
        points = pd.DataFrame(table, index=index)
        points["quality"] = trailing.quality(Listening(self.store, self.market, window), found, index)
        past = Window(span.start - LOOK_BACK - timedelta(days=2), span.end)
        return self._with_shares(self._with_usual(points, past), past), mentions

    def _with_usual(self, points: pd.DataFrame, past: Window) -> pd.DataFrame:
        moments = [(s + BASE).to_pydatetime() - timedelta(minutes=30) for s in points.index]
        days = {m: self._day(m) for m in moments}
        usable = {day: self._usable(past.start, day) for day in set(days.values())}
        for kpi in self._usual:
            hourly = self._hourly(kpi, past)
            values = {p.start: p.value for p in hourly}
            baselines = {day: VolumeBaseline(values, *usable[day], self.market.time_zone) for day in usable}
            usual = [baselines[days[m]].at(m) for m in moments]
            beside = pd.DataFrame({"now": points[kpi.asks], "n": points[f"{kpi.asks}.n"]}, index=points.index)
            for name in ("median", "center", "spread"):
                beside[name] = [getattr(u, name) if u else float("nan") for u in usual]
            found = kpi.value(kpi.parts(beside)).reindex(columns=["value", "low", "high"])
            points[f"{kpi.name}.n"], points[f"{kpi.asks}.baseline"] = beside.n, beside["median"]
            for name, end in _ends(kpi):
                points[name] = found[end] if kpi.interval else found["value"]
        return points

    def _hourly(self, kpi: Kpi, span: Window) -> list[KpiPoint]:
        where = {"market": self.market.id, "source": ALL, "lang": ALL, "revision": self.measurer.revisions}
        return self.store.read(KpiPoint, kpi=kpi.asks, grain="hour", start=span, **where)

    def _day_points(self, span: Window) -> list[KpiPoint]:
        """A local day beside what is usual of its hours, once its last window is judged; robust sigmas do not add."""
        start = self._day(span.end - BASE)
        day = local_day(start.astimezone(ZoneInfo(self.market.time_zone)).date(), self.market.time_zone)
        if span.end < day.end:
            return []
        said = self.store.read(KpiPoint, market=self.market.id, kpi="volume", grain="day", source=ALL, lang=ALL, start=start)
        if not said:
            return []
        past = Window(start - LOOK_BACK - timedelta(days=2), day.end)
        usable, out = self._usable(past.start, start), []
        for kpi in (k for k in self._usual if "day" in k.grains):
            hourly = {p.start: p for p in self._hourly(kpi, past)}
            baseline = VolumeBaseline({s: p.value for s, p in hourly.items()}, *usable, self.market.time_zone)
            hours = [day.start + i * HOUR for i in range(round((day.end - day.start) / HOUR))]
            found = [(hourly.get(floor(h, HOUR)), baseline.at(h + HOUR / 2)) for h in hours]
            if numbers := _of_hours(kpi, found):
                n = sum(p.n for p, _ in found if p)
                out.append(self._point(kpi, "day", start, numbers, n, span.end + GRACE, said[0].quality))
        return out

    def _day(self, moment: datetime) -> datetime:
        """Start of the moment's local day: what is usual on a day is as known at its start, however windows are chunked."""
        return local_day(moment.astimezone(ZoneInfo(self.market.time_zone)).date(), self.market.time_zone).start

    def _usable(self, first: datetime, day: datetime) -> tuple[list[Window], list[Window]]:
        """What was seen, and what is left out of what is usual, as known at the day's start."""
        span, as_of = Window(min(first, day), day), day + GRACE
        seen = Listening(self.store, self.market, span, as_of).at(as_of).seen(span)
        return seen, left_out(self.store, self.market, day)

    def _with_shares(self, points: pd.DataFrame, past: Window) -> pd.DataFrame:
        rows = self.store.read(
            KpiPoint, market=self.market.id, grain="day", source=ALL, lang=ALL, start=past, revision=self.measurer.revisions,
            kpi=[k.name for k in self.measurer.kpis if k.kind == "additive"],
        )  # fmt: skip
        local = [self._day(start.to_pydatetime()) for start in points.index]
        usual = {day: self._shares(rows, day) for day in set(local)}
        more: dict[str, Any] = {}
        for kpi in self.measurer.kpis:
            if f"{kpi.name}.baseline" not in points:
                more[f"{kpi.name}.baseline"] = [usual[d].get(kpi.name, float("nan")) for d in local]
            if kpi.name not in points:  # no rule may stop the others by asking for what an hour does not have
                more |= {**{n: float("nan") for n, _ in _ends(kpi)}, f"{kpi.name}.n": 0.0}
        return pd.concat([points, pd.DataFrame(more, index=points.index)], axis=1)

    def _shares(self, rows: Sequence[KpiPoint], day: datetime) -> dict[str, float]:
        skip = left_out(self.store, self.market, day)
        usable = [
            (r.kpi, r.start, r.parts)
            for r in rows
            if not any(r.start < w.end and r.start + timedelta(days=1) > w.start for w in skip)
        ]
        daily = pd.DataFrame(usable, columns=["kpi", "start", "parts"])
        daily["start"] = pd.to_datetime(daily.start, utc=True)
        return shares(self.measurer.kpis, daily, day)


def _ends(kpi: Kpi) -> list[tuple[str, str]]:
    """Column of the rules' table -> which of a KPI's numbers it is."""
    return [(kpi.name, "value"), (f"{kpi.name}.low", "low"), (f"{kpi.name}.high", "high")]


def _of_hours(kpi: Kpi, hours: Sequence[tuple[KpiPoint | None, Usual | None]]) -> list[float]:
    """Value and interval of hours that stand beside what is usual (an absent one holds nothing), their intervals squared and
    added; empty where something is unknown of one."""
    rows = [(p.value if p else 0.0, p.n if p else 1, u.median, u.center, u.spread) for p, u in hours if u]
    found = kpi.value(kpi.parts(pd.DataFrame(rows, columns=["now", "n", "median", "center", "spread"], dtype=float)))
    if len(rows) < len(hours) or found.value.isna().any():
        return []
    value = float(found.value.sum())
    low, high = (float(((found.value - found[end]) ** 2).sum() ** 0.5) for end in ("low", "high"))
    return [value, value - low, value + high]
