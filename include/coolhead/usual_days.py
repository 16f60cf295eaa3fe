"""mention -> usual_day: one local day of a market as it was known when the next one began, frozen once it was read.

What is usual on a day is made of frozen days only: so it costs the same however long the history, nothing that came late
looks back into what was judged, and it is the same whether a day is judged at once or by five minutes.

Where a scorer has not read what was said, it is unknown how many complained: never none.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd

from coolhead.kpis import Kpi
from coolhead.measuring import Measurer
from coolhead.rows import CollectionLog, Match, UsualDay
from coolhead.summing import Cells, prepared
from coolhead.verdicts import Listening
from coolhead.windows import GRACE, Window, local_day, merged

WHOLE = [(False, False)]
"""Of the whole market, no source or language apart."""
READ = 0.9
"""Share of an hour's mentions, or of a day's, that a scorer has to have read: of fewer it counts too few complaints."""
EVER = datetime(9999, 1, 1, tzinfo=UTC)


def before(measurer: Measurer, day: date, days: int) -> list[UsualDay]:
    """So many days before one, oldest first; those that nobody asked for yet are frozen as known when that one began, if the scorer
    has read them. What it has not read is made anew each time: it is being read."""
    market, store = measurer.market, measurer.store
    wanted = [day - timedelta(days=back) for back in range(days, 0, -1)]
    known = {d.day: d for d in store.read(UsualDay, market=market.id, day=wanted, revision=measurer.revisions[1])}
    made = _all_made(measurer, [d for d in wanted if d not in known], local_day(day, market.time_zone).start + GRACE)
    with store.writing() as writer:
        for row, whole in made:
            if whole:
                writer.insert_new(row)
    return sorted([*known.values(), *(row for row, _ in made)], key=lambda d: d.day)


def _all_made(measurer: Measurer, days: Sequence[date], as_of: datetime) -> list[tuple[UsualDay, bool]]:
    """Days, oldest first, each with whether the scorer has read it."""
    if not days:
        return []
    market, store = measurer.market, measurer.store
    spans = [local_day(d, market.time_zone) for d in days]
    over = Window(spans[0].start, spans[-1].end)
    sight = Listening(store, market, over, as_of).at(as_of)
    first, last = store.quantity(Match, "published_at", market=market.id, published_at=over)
    out = []
    for day, span in zip(days, spans, strict=True):
        said = first is not None and span.start <= last and first < span.end
        hours, parts, whole = _held(measurer, span, as_of) if said else ({}, {}, True)
        seen = [[w.start.isoformat(), w.end.isoformat()] for w in sight.seen(span)]
        row = UsualDay(
            market=market.id, day=day, revision=measurer.revisions[1], hours=hours, parts=parts, seen=seen, as_of=as_of
        )  # fmt: skip
        out.append((row, whole))
    return out


def _held(measurer: Measurer, span: Window, as_of: datetime) -> tuple[dict[str, Any], dict[str, Any], bool]:
    """What a day holds: its hours, its sums, and whether the scorer has read it."""
    found = _mentions(measurer, span, as_of)
    theirs = prepared(found[~found.own].reset_index(drop=True), measurer.market.time_zone)
    read = theirs.scored_at.notna() | theirs.labelled_at.notna()
    whole = bool(read.mean() >= READ) if len(theirs) else True
    hours, parts = dict[str, Any](), dict[str, Any]()
    if len(theirs):
        asked = {k.asks for k in measurer.kpis if k.reads == "usual"}
        by_hour, by_day = Cells(theirs, "bucket_hour", WHOLE), Cells(theirs, "bucket_day", WHOLE)
        unread = _by_start_unread(theirs.bucket_hour, read)
        for kpi in _of_mentions(measurer.kpis):
            kpi.context = measurer.contexts.on(span.start)
            if kpi.name in asked:
                hours[kpi.name] = _by_start(by_hour.of(kpi)) | (unread if kpi.reads_scores else {})
            if kpi.kind == "additive" and (whole or not kpi.reads_scores):
                parts.update(zip([kpi.name], by_day.of(kpi).parts, strict=False))
    return hours, parts, whole


def _mentions(measurer: Measurer, span: Window, as_of: datetime) -> pd.DataFrame:
    """Of a day, as known then; and what only its export brought, which we say to have known all along (as its log).

    A revision that had read nothing of a day when that ended began to read later: what it reads of it since counts, or a new
    scorer would know of no complaint for weeks.
    """
    market, store = measurer.market, measurer.store
    assumed = [
        (log.source, Window(log.start, log.end))
        for log in store.overlapping(CollectionLog, span, market=market.id, ok=True, assumed=True)
    ]

    def heard(read_by: datetime) -> pd.DataFrame:
        found = store.mentions(
            market.id, span, measurer.scorer, measurer.revision, as_of, known_by=EVER if assumed else as_of, read_by=read_by
        )  # fmt: skip
        in_time = found.known_at <= as_of
        for source, covered in assumed:
            in_time |= (found.source == source) & (found.published_at >= covered.start) & (found.published_at < covered.end)
        return found[in_time]

    found = heard(as_of)
    return found if found.empty or (found.scored_at <= span.end + GRACE).any() else heard(EVER)


def _of_mentions(kpis: Sequence[Kpi]) -> list[Kpi]:
    return [k for k in kpis if k.reads == "mention" and k.trailing]


def _by_start(found: pd.DataFrame) -> dict[str, float | None]:
    """Start of hour, in UTC as ISO text -> value."""
    values = zip(found.bucket_hour, found.value, strict=True)
    return {start.isoformat(): None if value != value else float(value) for start, value in values}


def _by_start_unread(hour: "pd.Series[pd.Timestamp]", read: "pd.Series[bool]") -> dict[str, float | None]:
    """As `_by_start`, of the hours of which too little was read."""
    shares = read.groupby(hour).mean()
    return {start.isoformat(): None for start in shares.index[shares < READ]}


def hourly(days: Sequence[UsualDay], kpi: str) -> dict[datetime, float | None]:
    """Start of hour -> value, of all hours that hold a mention. Half an hour off UTC, the hour of midnight stands in two local days."""
    out: dict[datetime, float | None] = {}
    for start, value in ((s, v) for d in days for s, v in d.hours.get(kpi, {}).items()):
        at = datetime.fromisoformat(start)
        before = out.get(at, 0.0)
        out[at] = None if value is None or before is None else before + value
    return out


def seen(days: Sequence[UsualDay]) -> list[Window]:
    """What all active sources saw of the days."""
    return merged([(datetime.fromisoformat(start), datetime.fromisoformat(end)) for d in days for start, end in d.seen])


def usable(days: Sequence[UsualDay], zone: str, left_out: Sequence[Window]) -> list[dict[str, Any]]:
    """What is summed up of each day that holds a mention, or half of which was seen, and that is no part of what is left out."""
    out = []
    for d in days:
        span = local_day(d.day, zone)
        heard = sum((w.end - w.start for w in seen([d])), timedelta())
        if (d.parts or 2 * heard >= span.end - span.start) and not any(
            span.start < w.end and span.end > w.start for w in left_out
        ):
            out.append(d.parts)
    return out
