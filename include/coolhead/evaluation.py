"""kpi_point -> signal -> incident: the rules judge every window once, each as of its own end plus a grace.

What a rule sees of a window is the trailing hour, made only of what was known then: so one run over three weeks
of history gives the same signals as six thousand runs of five minutes.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from coolhead import failpoint, registry, silences
from coolhead.baselines import LOOK_BACK, VolumeBaseline, shares
from coolhead.clock import Clock
from coolhead.incidents import Findings, attach, left_out
from coolhead.kpis.volume_z import VolumeZ
from coolhead.measuring import Measurer, groups
from coolhead.plan import Market, Plan
from coolhead.recovery import progress
from coolhead.rows import ALL, Incident, Judged, KpiPoint, Match
from coolhead.rules import Rule
from coolhead.sentiment import active
from coolhead.store import Store
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
    scorer = active(plan.brands.scorer)
    measurer = Measurer(store, market, scorer.name, scorer.revision)
    now = clock.now()
    points = measurer.measure(clock)
    judge = Judge(store, plan, market, measurer)
    signals, touched = 0, list[str]()
    through = start = judge.through()
    end = floor(now - GRACE)
    while through < end:
        said, _ = store.quantity(Match, "published_at", market=market.id, published_at=Window(through - HOUR, end))
        # Windows whose trailing hour holds no mention have no points: years of silence are one empty step.
        through = end - BASE if said is None else max(through, floor(said))
        # Not beyond its local day: what is usual on the next leaves out the incidents found on this one.
        day = local_day(through.astimezone(ZoneInfo(market.time_zone)).date(), market.time_zone)
        span = Window(through, end if said is None else min(day.end, end))
        found, incidents = judge.judge(span)
        signals, touched, through = signals + found, [*touched, *incidents], span.end
    progress(store, market, end)
    return Evaluated(market.id, points, Window(min(start, end), end), signals, sorted(set(touched)))


def watch(store: Store, plan: Plan, market: Market, clock: Clock) -> Evaluated:
    """KPI points of another brand: measured like ours, and judged by no rule."""
    scorer = active(plan.brands.scorer)
    now = floor(clock.now())
    return Evaluated(market.id, Measurer(store, market, scorer.name, scorer.revision).measure(clock), Window(now, now), 0, [])


def evaluate_all(store: Store, plan: Plan, clock: Clock) -> list[Evaluated]:
    """Every market of the plan and every brand that it watches; one that fails holds up no other. Raises the first error after all were tried."""
    out, errors = [], list[Exception]()
    try:
        silences.judge(store, plan, clock)  # before anything is measured, so that every number inherits it
    except Exception:  # a sentinel that fails must not stop the watch itself
        log.exception("the silences were not judged")
    for market in plan.listened:
        try:
            out.append(evaluate(store, plan, market, clock) if market in plan.markets else watch(store, plan, market, clock))
        except Exception as error:  # whatever it is: the other markets must be watched
            log.exception("evaluation of %s failed", market.id)
            errors.append(error)
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
        z = [self._z_point(s, p) for s, p in points.iterrows()]
        failpoint.reached("judge.computed")
        with self.store.writing() as writer:
            writer.lock(Incident)  # a person's answer between reading an incident and writing it would be lost
            signals, incidents, events = attach(self.store, self.plan, self.market, findings, mentions)
            writer.upsert([*z, *incidents, *signals, *events, Judged(market=self.market.id, through=span.end, state=state)])
            failpoint.reached("judge.written")
        return len(signals), [i.incident_id for i in incidents]

    def _z_point(self, start: Any, point: "pd.Series[Any]") -> KpiPoint:
        value = point["volume_z"]
        return KpiPoint.model_construct(
            market=self.market.id, kpi="volume_z", grain="5min", start=start.to_pydatetime(), source=ALL, lang=ALL,
            version=VolumeZ.version, revision="-", value=None if value != value else float(value), n=int(point["volume"]),
            low=None, high=None, parts={}, quality=point["quality"], as_of=start.to_pydatetime() + BASE + GRACE,
        )  # fmt: skip

    def points(self, span: Window) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What the rules see (rules/__init__.py), for windows whose trailing hour holds a mention; and the mentions."""
        window = Window(span.start - HOUR, span.end)
        mentions = self.store.mentions(self.market.id, window, self.measurer.scorer, self.measurer.revision, span.end + GRACE)
        expanded = _expand(mentions, span)
        index = pd.DatetimeIndex(sorted(set(expanded.window)), tz="UTC", name="start")
        table: dict[str, Any] = {}
        for kpi in self.measurer.kpis:
            if kpi.reads != "mention":
                continue
            values = groups(expanded, "window", kpi, [(False, False)]).set_index("window").reindex(index)
            table[kpi.name] = values["value"].astype(float)
            table[f"{kpi.name}.n"] = values["n"].astype(float).fillna(0)
            table |= {f"{kpi.name}.{end}": values[end].astype(float) for end in ("low", "high")}
        points = pd.DataFrame(table, index=index)
        points["quality"] = _quality(Listening(self.store, self.market, window), expanded, index)
        return self._with_baselines(points, span), mentions

    def _with_baselines(self, points: pd.DataFrame, span: Window) -> pd.DataFrame:
        past = Window(span.start - LOOK_BACK - timedelta(days=2), span.end)
        hourly = self.store.read(KpiPoint, market=self.market.id, kpi="volume", grain="hour", source=ALL, lang=ALL, start=past)
        volumes = {p.start: float(p.value or 0) for p in hourly}
        moments = [(s + BASE).to_pydatetime() - timedelta(minutes=30) for s in points.index]
        days = {m: self._day(m) for m in moments}
        baselines = {day: self._baseline(volumes, past.start, day) for day in set(days.values())}
        usual = [baselines[days[m]].at(m) for m in moments]
        points["center"] = [u.center if u else float("nan") for u in usual]
        points["spread"] = [u.spread if u else float("nan") for u in usual]
        z = VolumeZ()
        points["volume_z"] = z.value(z.parts(points)).value
        points["volume_z.n"], points["volume_z.low"], points["volume_z.high"] = (
            points["volume"],
            points["volume_z"],
            points["volume_z"],
        )
        return self._with_shares(points, past)

    def _day(self, moment: datetime) -> datetime:
        """Start of the moment's local day: what is usual on a day is as known at its start, however windows are chunked."""
        return local_day(moment.astimezone(ZoneInfo(self.market.time_zone)).date(), self.market.time_zone).start

    def _baseline(self, volumes: dict[datetime, float], first: datetime, day: datetime) -> VolumeBaseline:
        span, as_of = Window(min(first, day), day), day + GRACE
        seen = Listening(self.store, self.market, span, as_of).at(as_of).seen(span)
        return VolumeBaseline(volumes, seen, left_out(self.store, self.market, day), self.market.time_zone)

    def _with_shares(self, points: pd.DataFrame, past: Window) -> pd.DataFrame:
        rows = self.store.read(
            KpiPoint, market=self.market.id, grain="day", source=ALL, lang=ALL, start=past, revision=["-", f"{self.measurer.scorer}/{self.measurer.revision}"]
        )  # fmt: skip
        local = [self._day(start.to_pydatetime()) for start in points.index]
        usual = {day: self._shares(rows, day) for day in set(local)}
        for kpi in self.measurer.kpis:
            points[f"{kpi.name}.baseline"] = [usual[d].get(kpi.name, float("nan")) for d in local]
            if kpi.name not in points:  # no rule may stop the others by asking for what an hour does not have
                points[[kpi.name, f"{kpi.name}.n", f"{kpi.name}.low", f"{kpi.name}.high"]] = [
                    float("nan"),
                    0.0,
                    float("nan"),
                    float("nan"),
                ]
        return points

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


def _expand(mentions: pd.DataFrame, span: Window) -> pd.DataFrame:
    """One row per mention and window whose trailing hour holds it and that knew it in time."""
    theirs = mentions[~mentions.own]
    first = theirs.published_at.dt.floor("5min")
    copies = [theirs.assign(window=first + i * BASE) for i in range(int(HOUR / BASE))]
    out = pd.concat(copies) if copies else theirs.assign(window=first)
    then = out.window + BASE + GRACE
    inside = (out.window >= span.start) & (out.window + BASE <= span.end)
    out = out.assign(unread=out.scored_at > then)[(out.known_at <= then) & inside].reset_index(drop=True)
    out.loc[out.unread, ["label", "polarity"]] = [None, float("nan")]  # a score that came later counts only from then on
    return out


def _quality(listening: Listening, expanded: pd.DataFrame, index: pd.DatetimeIndex) -> list[str]:
    """Verdict over each trailing hour, as of its window."""
    rows = expanded.groupby(["window", "source"]).size().unstack(fill_value=0) if len(expanded) else pd.DataFrame()
    out: list[str] = []
    for start in index:
        hour = Window(start.to_pydatetime() + BASE - HOUR, start.to_pydatetime() + BASE)
        counts = {str(s): int(n) for s, n in rows.loc[start].items()}
        sight = listening.at(hour.end + GRACE, near=hour)
        out.append(sight.verdict(hour, counts) if any(s.listened(hour) for s in sight.sources.values()) else "pending")
    return out
