"""kpi_point -> kpi_point: who waits for an answer at the end of each local day, whether or not that day holds a mention.

What was asked on a day is open, or is not, at the end of the fortnight after it (responses.PATIENCE). So whatever changes a
day changes these points of the days after it; and a day that ends in silence has its points as of its end all the same.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from coolhead import derived
from coolhead.derived import Point
from coolhead.kpis import Kpi
from coolhead.plan import Market
from coolhead.responses import PATIENCE
from coolhead.rows import Cursor, Grain, KpiPoint, Verdict
from coolhead.store import Store
from coolhead.verdicts import Listening
from coolhead.windows import Window, local_day
from coolhead.writing import Writer

ENDED = "ended"
"""Of a cursor: up to which local day of a market the points that no mention makes are there."""


class Waiting:
    """The backlog of one market."""

    def __init__(
        self, store: Store, market: Market, kpis: Sequence[Kpi], point: Callable[[Kpi, Grain, Any, Verdict, datetime], Point]
    ) -> None:
        """point: makes the columns of one from its KPI, grain, values, quality and as_of."""
        self.store, self.market, self._point = store, market, point
        self.kpis = [k for k in kpis if k.reads == "backlog"]

    def days(self, changed: Sequence[date], as_of: datetime) -> list[Window]:
        """Some local days, and those after them on which what was asked on them may be open; none that has not begun."""
        today = self._today(as_of)
        after = {day + timedelta(days=n) for day in changed for n in range(1, PATIENCE.days + 1)}
        return [self._span(d) for d in sorted({*changed, *(d for d in after if d <= today)})]

    def points(self, spans: Sequence[Window], fresh: Sequence[Point], hours: set[datetime], as_of: datetime) -> Iterator[Point]:
        """What is open at the end of each of some local days. fresh: points made just now, of these hours."""
        sight = Listening(self.store, self.market, Window(spans[0].start, spans[-1].end), as_of).at(as_of)
        by_start = {s.start: s for s in spans}
        for kpi in self.kpis:
            for v in derived.backlog(self.store, self.market, kpi, spans, fresh, hours, as_of):
                seen = sight.verdict(by_start[v[0].to_pydatetime()], {}, v[1])
                yield self._point(kpi, "day", v, seen, as_of)

    def ended(self, as_of: datetime) -> int:
        """The days that ended since the last time; returns points written. One look where none has."""
        last = self._today(as_of) - timedelta(days=1)
        where = {"source": ENDED, "market": self.market.id, "stream": "local days"}
        known = self.store.read(Cursor, **where)
        if known and known[0].value >= last.isoformat():
            return 0
        since = max(date.fromisoformat(known[0].value) if known else date.min, last - PATIENCE)
        spans = [self._span(since + timedelta(days=n + 1)) for n in range((last - since).days)]
        points = list(self.points(spans, (), set(), as_of))
        with self.store.writing() as writer:
            self.forget(writer, spans)
            writer.upsert([Cursor(**where, value=last.isoformat())])
            return writer.upsert_values(KpiPoint, points)

    def forget(self, writer: Writer, spans: Sequence[Window]) -> None:
        """Where nobody waits any more there is no point."""
        names, starts = [k.name for k in self.kpis], [s.start for s in spans]
        for i in range(0, len(starts), 500):
            writer.delete(KpiPoint, market=self.market.id, kpi=names, grain="day", start=starts[i : i + 500])

    def _span(self, day: date) -> Window:
        return local_day(day, self.market.time_zone)

    def _today(self, as_of: datetime) -> date:
        return as_of.astimezone(ZoneInfo(self.market.time_zone)).date()
