"""mention, usual_day -> seen: what the rules see of every window, made only of what was known when it is judged.

A window's points are the KPIs of the trailing hour, each beside what is usual, and the evidence behind them. They are
stored as the rules saw them, and the rules fold over what is stored: so a replay sees what live saw, whatever was edited,
came late, was erased or was read anew by another scorer since.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from coolhead import authors, evidence, trailing, usual_days
from coolhead.baselines import SEASON, Usual, VolumeBaseline, shares
from coolhead.incidents import left_out
from coolhead.kpis import Context, Kpi
from coolhead.measuring import Measurer
from coolhead.plan import Market, Plan
from coolhead.plan_rules import PER_SOURCE
from coolhead.rows import ALL, KpiPoint, Match, Seen, UsualDay
from coolhead.rules import EVIDENCE
from coolhead.store import Store
from coolhead.summing import Cells
from coolhead.verdicts import Listening
from coolhead.windows import BASE, GRACE, Window, floor, local_day

HOUR = timedelta(hours=1)
ENDS = ("", ".n", ".low", ".high", ".baseline")
"""What stands of every KPI: its value, the mentions behind it, its interval, and what is usual."""
DIGITS = 6
"""Significant ones that are stored, and so seen."""


@dataclass(frozen=True)
class Usually:
    """What is usual of one market on one of its days."""

    days: Sequence[UsualDay]
    seen: list[Window]
    left_out: list[Window]
    serious: list[Window]
    """Of it, what was S2 or more: there sentiment is not as usual either."""
    zone: str
    holidays: frozenset[date]

    def baseline(self, kpi: Kpi) -> VolumeBaseline:
        """Of a KPI that stands beside what is usual of its hour."""
        # A scorer that is new has not read so many weeks: its counts are compared by the hour of the day.
        weekly = not kpi.reads_scores
        hourly = usual_days.hourly(self.days, kpi.asks)
        return VolumeBaseline(hourly, self.seen, self.left_out, self.zone, self.holidays, of_week=weekly)

    def hours(self, kpi: Kpi, moments: Sequence[datetime]) -> pd.DataFrame:
        """One row per moment, a column for each number of `Usual`; null while the baseline is cold."""
        baseline, names = self.baseline(kpi), [f.name for f in fields(Usual)]
        found = [baseline.at(moment, kpi.least_days) for moment in moments]
        return pd.DataFrame([[getattr(u, n) if u else np.nan for n in names] for u in found], columns=names, dtype="float64")

    def whole(self, kpis: Sequence[Kpi], context: Context) -> dict[str, float]:
        """Additive KPIs over the newest usable days before, those of serious incidents left out; empty while cold."""
        for kpi in kpis:
            kpi.context = context
        return shares(kpis, usual_days.usable(self.days, self.zone, self.serious))


class Seeing:
    """Makes what the rules see of one market."""

    def __init__(self, store: Store, plan: Plan, market: Market, measurer: Measurer) -> None:
        self.store, self.plan, self.market, self.measurer = store, plan, market, measurer
        self._zone, self._reader = ZoneInfo(market.time_zone), (measurer.scorer, measurer.revision)
        self._usual = [k for k in measurer.kpis if k.reads == "usual"]
        self._hourly = [k for k in measurer.kpis if k.reads == "mention" and k.trailing]
        self._slow = [k for k in measurer.kpis if k not in (*self._usual, *self._hourly)]

    def look(self, span: Window) -> list[Seen]:
        """Of the windows of a span within one local day that have something to show, in order.

        Those are windows whose trailing hour holds a mention or in whose time an older one became known, and windows at whose end
        another KPI has a new point of an hour or a local day.
        """
        found = trailing.expanded(self.store, trailing.heard(self.store, self.market.id, self._reader, span), span)
        counted = found[~found.late].reset_index(drop=True)
        counted["first"] = authors.newcomers(self.store, self.market.id, self.market.time_zone, counted)
        newest = self._newest(span)
        index = pd.DatetimeIndex(sorted({*found.window, *(s for s in newest.index if s in span)}), tz="UTC", name="start")
        points = pd.concat([self._trailing(counted, index, span), _as_of_each(newest, index)], axis=1)
        points = self._with_usual(points, span)
        quality = trailing.quality(Listening(self.store, self.market, Window(span.start - HOUR, span.end)), counted, index)
        shown = evidence.of_windows(self.store, self.plan, self.market, *self._reader, found)
        return [
            Seen.model_construct(
                market=self.market.id, start=(at := start.to_pydatetime()), quality=said, numbers=numbers,
                evidence=shown.get(at, {}), as_of=at + BASE + GRACE,
            )
            for start, said, numbers in zip(index, quality, _numbers(points), strict=True)
        ]  # fmt: skip

    @property
    def names(self) -> list[str]:
        """What rules may ask for: every KPI, and some of each source."""
        return [
            *(k.name for k in self.measurer.kpis),
            *(f"{kpi}@{source}" for kpi in PER_SOURCE for source in self.market.sources),
        ]

    def day(self, moment: datetime) -> date:
        """The market's day that holds a moment."""
        return moment.astimezone(self._zone).date()

    def first(self, span: Window) -> datetime | None:
        """The first window of a span that `look` has something to show of."""
        said, _ = self.store.quantity(
            Match, "published_at", market=self.market.id, published_at=Window(span.start - HOUR, span.end)
        )
        made = [s for s in self._newest(span).index if s in span]
        found = [max(floor(said), span.start)] if said else []
        late = trailing.first_late(self.store, self.market.id, self._reader, span)
        return min([*found, *made, *late], default=None)

    def usual(self, day: date) -> "Usually":
        """What is usual on a local day, as known when it began."""
        days = usual_days.before(self.measurer, day, SEASON.days + 1)
        start = local_day(day, self.market.time_zone).start
        out, serious = (left_out(self.store, self.market, start, least) for least in ("S0", "S2"))
        return Usually(days, usual_days.seen(days), out, serious, self.market.time_zone, self.market.holidays)

    def _trailing(self, found: pd.DataFrame, index: pd.DatetimeIndex, span: Window) -> pd.DataFrame:
        """Every KPI of the trailing hours; of some the sources' own as well."""
        context, table = self._context(span), dict[str, Any]()
        whole, by_source = Cells(found, "window", [(False, False)]), Cells(found, "window", [(True, False)])
        for kpi in self._hourly:
            kpi.context = context
            table |= _columns(kpi.name, whole.of(kpi).set_index("window"), index)
            if kpi.name in PER_SOURCE:
                for source, own in by_source.of(kpi).groupby("source"):
                    table |= _columns(f"{kpi.name}@{source}", own.set_index("window"), index)
        return pd.DataFrame(table, index=index)

    def _context(self, span: Window) -> Context:
        return self.measurer.contexts.on(local_day(self.day(span.start), self.market.time_zone).start)

    def _with_usual(self, points: pd.DataFrame, span: Window) -> pd.DataFrame:
        if not len(points):
            return points
        usual, more = self.usual(self.day(span.start)), dict[str, Any]()
        middles = [(s + BASE).to_pydatetime() - HOUR / 2 for s in points.index]
        for kpi in self._usual:
            now = pd.DataFrame({"now": points[kpi.asks], "n": points[f"{kpi.asks}.n"]}, index=points.index).fillna(0)
            beside = pd.concat([now, usual.hours(kpi, middles).set_axis(points.index)], axis=1)
            more |= _columns(kpi.name, kpi.value(kpi.parts(beside)).assign(n=beside.n), points.index)
            median = beside["median"].to_numpy()
            known = more.setdefault(f"{kpi.asks}.baseline", median)  # of the one that needs the fewest days
            more[f"{kpi.asks}.baseline"] = np.where(np.isnan(known), median, known)
        # Made anew here: what was frozen on the way needed the contexts of its own days.
        whole = usual.whole(self.measurer.kpis, self._context(span))
        more |= {f"{name}.baseline": value for name, value in whole.items() if f"{name}.baseline" not in more}
        return pd.concat([points, pd.DataFrame(more, index=points.index)], axis=1)

    def _newest(self, span: Window) -> pd.DataFrame:
        """KPIs that no trailing hour has: index = base windows at whose end a point's hour or local day was over; a column for each number."""
        names = {k.name: k.grains for k in self._slow}
        since = Window(span.start - timedelta(days=2), span.end)
        where = {"market": self.market.id, "source": ALL, "lang": ALL, "revision": self.measurer.revisions}
        rows = self.store.read(KpiPoint, kpi=sorted(names), start=since, **where)
        finest = {n: "hour" if "hour" in grains else "day" for n, grains in names.items()}
        found = [(self._over(p), p) for p in rows if p.grain == finest[p.kpi]]
        table: dict[datetime, dict[str, Any]] = {}
        for start, p in found:
            if start < span.end:
                table.setdefault(start, {}).update(
                    {p.kpi: p.value, f"{p.kpi}.n": p.n, f"{p.kpi}.low": p.low, f"{p.kpi}.high": p.high}
                )
        columns = [f"{name}{end}" for name in sorted(names) for end in ("", ".n", ".low", ".high")]
        index = pd.DatetimeIndex(sorted(table), tz="UTC", name="start")
        return pd.DataFrame([table[s.to_pydatetime()] for s in index], index=index, columns=columns, dtype="float64")

    def _over(self, point: KpiPoint) -> datetime:
        """The base window that ends with the point's hour or local day."""
        if point.grain == "hour":
            return point.start + HOUR - BASE
        return local_day(self.day(point.start), self.market.time_zone).end - BASE


def points_of(rows: Sequence[Seen], kpis: Iterable[str] | None = None) -> pd.DataFrame:
    """What rules get (rules/__init__.py) of windows that were seen, in order. kpis: only these; None: all that any window has."""
    index = pd.DatetimeIndex([r.start for r in rows], tz="UTC", name="start")
    names = sorted({name for r in rows for name in r.numbers}) if kpis is None else list(kpis)
    nothing, columns = [None] * len(ENDS), dict[str, Any]()
    for name in names:
        numbers = np.array([r.numbers.get(name, nothing) for r in rows], dtype="float64").reshape(len(rows), len(ENDS))
        for i, end in enumerate(ENDS):
            columns[f"{name}{end}"] = np.nan_to_num(numbers[:, i]) if end == ".n" else numbers[:, i]
    columns["quality"] = [r.quality for r in rows]
    for name in EVIDENCE:
        columns[name] = [r.evidence.get(name, []) for r in rows]
    return pd.DataFrame(columns, index=index)


def _columns(name: str, found: pd.DataFrame, index: pd.DatetimeIndex) -> dict[str, Any]:
    values = found.reindex(index)
    return {
        f"{name}{end}": values[column].astype("float64")
        for end, column in zip(ENDS, ("value", "n", "low", "high"), strict=False)
        if column in values
    }


def _as_of_each(newest: pd.DataFrame, index: pd.DatetimeIndex) -> pd.DataFrame:
    """The newest of the points that were over at each window's end."""
    return newest.ffill().reindex(newest.index.union(index)).ffill().reindex(index)


def _numbers(points: pd.DataFrame) -> list[dict[str, list[float | None]]]:
    """Per window: KPI -> value, n, low, high, baseline; KPIs of which nothing is known are absent."""
    names = sorted({c.split(".")[0] for c in points.columns})
    table = (
        np.stack([points.reindex(columns=[f"{n}{end}" for end in ENDS]).to_numpy("float64") for n in names], axis=1)
        if names
        else None
    )
    if table is None:
        return [{} for _ in range(len(points))]
    return [dict(_known(names, row)) for row in table]


def _known(names: Sequence[str], row: Any) -> Iterable[tuple[str, list[float | None]]]:
    for name, numbers in zip(names, row, strict=True):
        if not np.isnan(numbers).all():
            yield name, [None if x != x else float(f"{x:.{DIGITS}g}") for x in numbers]
