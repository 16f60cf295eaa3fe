"""kpi_point -> signal -> incident: the rules judge every window once, each as of its own end plus a grace.

What a rule sees of a window is the trailing hour, made only of what was known then: so one run over three weeks
of history gives the same signals as six thousand runs of five minutes.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from coolhead import failpoint, firing, mutes, planning, silences
from coolhead.baselines import Usual
from coolhead.causes import attach
from coolhead.clock import Clock
from coolhead.known_causes import known
from coolhead.kpis import Kpi
from coolhead.measuring import Measurer
from coolhead.plan import Market, Plan
from coolhead.recovery import progress
from coolhead.rows import ALL, Grain, Incident, Judged, KpiPoint, Seen, Verdict
from coolhead.seeing import Seeing, points_of
from coolhead.store import Store
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
    judge = Judge(store, plan, market, measurer, clock)
    signals, touched = 0, list[str]()
    through = start = judge.through()
    end = floor(now - GRACE)
    while through < end:
        span = judge.next(through, end)
        found, incidents = judge.judge(span)
        signals, touched, through = signals + found, [*touched, *incidents], span.end
    progress(store, market, end, measurer.revisions[1])
    return Evaluated(market.id, points, Window(min(start, end), end), signals, sorted(set(touched)))


def watch(store: Store, plan: Plan, market: Market, clock: Clock) -> Evaluated:
    """KPI points of another brand: measured like ours, and judged by no rule."""
    now = floor(clock.now())
    return Evaluated(market.id, Measurer.of(store, plan, market).measure(clock), Window(now, now), 0, [])


def evaluate_all(store: Store, plan: Plan, clock: Clock) -> list[Evaluated]:
    """Every market of the plan and every brand that it watches; one that fails holds up no other.

    Raises after all were tried: the first error, or ConfigError where a rule of the plan does not count.
    """
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
    planning.need_all_rules(plan)
    return out


class Judge:
    """Folds the rules of one market over its windows."""

    def __init__(self, store: Store, plan: Plan, market: Market, measurer: Measurer, clock: Clock) -> None:
        self.store, self.plan, self.market, self.measurer, self.clock = store, plan, market, measurer, clock
        self.seeing = Seeing(store, plan, market, measurer)
        self.rules = firing.Fold.of(plan, market)
        self._usual = [k for k in measurer.kpis if k.reads == "usual"]

    def through(self) -> datetime:
        """End of what is judged; at first, the window of the first mention."""
        done = self.store.read(Judged, market=self.market.id)
        if done:
            return done[0].through
        first, _ = self.store.quantity(KpiPoint, "start", market=self.market.id, grain="5min")
        return floor(first) if first else NEVER

    def next(self, through: datetime, end: datetime) -> Window:
        """The rest of the local day, or if nothing is to be seen on it, of the next one with something: years of silence are one step.

        Never beyond a local day: what is usual on the next leaves out the incidents found on this one.
        """
        today = local_day(self.seeing.day(through), self.market.time_zone)
        if through == today.start:
            first = self.seeing.first(Window(through, end))
            today = local_day(self.seeing.day(first or end - BASE), self.market.time_zone)
        return Window(max(through, today.start), min(today.end, end))

    def judge(self, span: Window) -> tuple[int, list[str]]:
        """Signals and incidents of a span within one local day, with what was seen and the rules' state, in one transaction."""
        seen = self.seeing.look(span)
        done = self.store.read(Judged, market=self.market.id)
        points, silent = points_of(seen, self.seeing.names), mutes.of(self.store, self.market.id, span)
        findings, state = self.rules.step(points, dict(done[0].state) if done else {}, mutes.covering(silent))
        heard, muted = mutes.apart(silent, self.market.id, findings)
        usual = [*self._usual_points(seen), *self._day_points(span)]
        failpoint.reached("judge.computed")
        with self.store.writing() as writer:
            writer.lock(Incident)  # a person's answer between reading an incident and writing it would be lost
            now = self.clock.now()  # whatever people decided until now counts: a replay must know when that was
            seen = [s.model_copy(update={"judged_at": now}) for s in seen]
            found = attach(known(self.store, self.market.id, span, writer), self.plan, self.market, heard, seen)
            writer.upsert([*usual, *seen, *found.incidents, *found.signals, *muted, *found.events])
            writer.upsert([Judged(market=self.market.id, through=span.end, state=state)])
            failpoint.reached("judge.written")
        return len(found.signals) + len(muted), [i.incident_id for i in found.incidents]

    def _usual_points(self, seen: Sequence[Seen]) -> list[KpiPoint]:
        """What the judge alone can tell, for it goes on day by day: the trailing hour beside what is usual."""
        out = []
        for kpi in self._usual:
            for s in seen:
                value, n, low, high, _ = s.numbers.get(kpi.name) or (None, 0, None, None, None)
                numbers = [value, low, high] if kpi.interval else [value]
                out.append(self._point(kpi, "5min", s.start, numbers, int(n or 0), s.as_of, s.quality))
        return out

    def _point(
        self, kpi: Kpi, grain: Grain, start: datetime, numbers: Sequence[float | None], n: int, as_of: datetime, quality: Verdict
    ) -> KpiPoint:  # fmt: skip
        """numbers: the value, and its interval if there is one."""
        value, low, high = (*numbers, None, None)[:3]
        return KpiPoint.model_construct(
            market=self.market.id, kpi=kpi.name, grain=grain, start=start, source=ALL, lang=ALL, version=kpi.version,
            revision=self.measurer.revisions[kpi.reads_scores], value=value, n=n, low=low, high=high, parts={}, quality=quality, as_of=as_of,
        )  # fmt: skip

    def _day_points(self, span: Window) -> list[KpiPoint]:
        """A local day beside what is usual of its hours, once its last window is judged; robust sigmas do not add."""
        today = self.seeing.day(span.end - BASE)
        day = local_day(today, self.market.time_zone)
        if span.end < day.end:
            return []
        where = {"market": self.market.id, "source": ALL, "lang": ALL}
        said = self.store.read(KpiPoint, kpi="volume", grain="day", start=day.start, **where)
        if not said:
            return []
        usual, out = self.seeing.usual(today), []
        for kpi in (k for k in self._usual if "day" in k.grains):
            found = self.store.read(
                KpiPoint,
                kpi=kpi.asks,
                grain="hour",
                start=Window(floor(day.start, HOUR), day.end),
                revision=self.measurer.revisions,
                **where,
            )
            hourly, baseline = {p.start: p for p in found}, usual.baseline(kpi)
            hours = [day.start + i * HOUR for i in range(round((day.end - day.start) / HOUR))]
            beside = [(hourly.get(floor(h, HOUR)), baseline.at(h + HOUR / 2)) for h in hours]
            if numbers := _of_hours(kpi, beside):
                n = sum(p.n for p, _ in beside if p)
                out.append(self._point(kpi, "day", day.start, numbers, n, span.end + GRACE, said[0].quality))
        return out


def _of_hours(kpi: Kpi, hours: Sequence[tuple[KpiPoint | None, Usual | None]]) -> list[float]:
    """Value and interval of hours that stand beside what is usual (an absent one holds nothing), their intervals squared and
    added; empty where something is unknown of one."""
    rows = [{"now": p.value if p else 0.0, "n": p.n if p else 1, **asdict(u)} for p, u in hours if u]
    if len(rows) < len(hours):
        return []
    found = kpi.value(kpi.parts(pd.DataFrame(rows).astype("float64")))
    if found.value.isna().any():
        return []
    value = float(found.value.sum())
    low, high = (float(((found.value - found[end]) ** 2).sum() ** 0.5) for end in ("low", "high"))
    return [value, value - low, value + high]
