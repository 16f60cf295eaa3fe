"""mention -> usual_day: one local day of a market as it was known when the next one began, frozen.

What is usual on a day is made of frozen days only: so it costs the same however long the history, nothing that came late
looks back into what was judged, and it is the same whether a day is judged at once or by five minutes.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from coolhead.kpis import Kpi
from coolhead.measuring import Measurer
from coolhead.rows import UsualDay
from coolhead.summing import Cells, prepared
from coolhead.verdicts import Listening
from coolhead.windows import GRACE, Window, local_day, merged
from coolhead.writing import Writer

WHOLE = [(False, False)]
"""Of the whole market, no source or language apart."""


def before(measurer: Measurer, day: date, days: int) -> list[UsualDay]:
    """The frozen days of so many before one, oldest first; those that nobody asked for yet are frozen as known when that one began."""
    market, store = measurer.market, measurer.store
    wanted = [day - timedelta(days=back) for back in range(days, 0, -1)]
    known = {d.day: d for d in store.read(UsualDay, market=market.id, day=wanted, revision=measurer.revisions[1])}
    as_of = local_day(day, market.time_zone).start + GRACE
    made = [_frozen(measurer, missing, as_of) for missing in wanted if missing not in known]
    with store.writing() as writer:
        for row in made:
            writer.insert_new(row)
    return sorted([*known.values(), *made], key=lambda d: d.day)


def forget(writer: Writer, market: str, first: date, last: date) -> None:
    """Days that an import has filled are frozen anew when they are asked for."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for i in range(0, len(days), 500):
        writer.delete(UsualDay, market=market, day=days[i : i + 500])


def _frozen(measurer: Measurer, day: date, as_of: datetime) -> UsualDay:
    market = measurer.market
    span = local_day(day, market.time_zone)
    found = measurer.store.mentions(market.id, span, measurer.scorer, measurer.revision, as_of)
    theirs = prepared(found[~found.own].reset_index(drop=True), market.time_zone)
    hours, parts = dict[str, Any](), dict[str, Any]()
    if len(theirs):
        asked = {k.asks for k in measurer.kpis if k.reads == "usual"}
        by_hour, by_day = Cells(theirs, "bucket_hour", WHOLE), Cells(theirs, "bucket_day", WHOLE)
        for kpi in _of_mentions(measurer.kpis):
            kpi.context = measurer.contexts.on(span.start)
            if kpi.name in asked:
                hours[kpi.name] = _by_start(by_hour.of(kpi))
            if kpi.kind == "additive":
                parts.update(zip([kpi.name], by_day.of(kpi).parts, strict=False))
    sight = Listening(measurer.store, market, span, as_of).at(as_of)
    spans = [[w.start.isoformat(), w.end.isoformat()] for w in sight.seen(span)]
    return UsualDay(
        market=market.id, day=day, revision=measurer.revisions[1], hours=hours, parts=parts, seen=spans, as_of=as_of
    )  # fmt: skip


def _of_mentions(kpis: Sequence[Kpi]) -> list[Kpi]:
    return [k for k in kpis if k.reads == "mention" and k.trailing]


def _by_start(found: pd.DataFrame) -> dict[str, float | None]:
    """Start of hour, in UTC as ISO text -> value."""
    values = zip(found.bucket_hour, found.value, strict=True)
    return {start.isoformat(): None if value != value else float(value) for start, value in values}


def hourly(days: Sequence[UsualDay], kpi: str) -> dict[datetime, float | None]:
    """Start of hour -> value, of all hours that hold a mention."""
    return {datetime.fromisoformat(start): value for d in days for start, value in d.hours.get(kpi, {}).items()}


def seen(days: Sequence[UsualDay]) -> list[Window]:
    """What all active sources saw of the days."""
    return merged([(datetime.fromisoformat(start), datetime.fromisoformat(end)) for d in days for start, end in d.seen])


def daily_parts(days: Sequence[UsualDay], zone: str, left_out: Sequence[Window]) -> pd.DataFrame:
    """One row per KPI and day that holds a mention and is no part of what is left out: kpi, start, parts."""
    rows = []
    for d in days:
        span = local_day(d.day, zone)
        if d.parts and not any(span.start < w.end and span.end > w.start for w in left_out):
            rows += [(kpi, span.start, sums) for kpi, sums in d.parts.items()]
    frame = pd.DataFrame(rows, columns=["kpi", "start", "parts"])
    frame["start"] = pd.to_datetime(frame.start, utc=True)
    return frame
