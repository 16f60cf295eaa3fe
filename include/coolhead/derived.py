"""kpi_point -> kpi_point: what is made of points of other KPIs, or of other brands.

Nothing here reads a mention. Points that are being written are given by the caller, all others come from the store.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from coolhead.kpis import Kpi
from coolhead.plan import Market
from coolhead.responses import PATIENCE
from coolhead.rows import Grain, KpiPoint, Verdict
from coolhead.store import Store
from coolhead.summing import valued
from coolhead.verdicts import Sight, together
from coolhead.windows import Window

Point = dict[str, Any]
"""Columns of a KpiPoint."""
HOUR = timedelta(hours=1)
KEYS = ["start", "source", "lang"]


def voices(
    store: Store, market: Market, kpi: Kpi, windows: Mapping[datetime, Window], grain: Grain, ours: Sequence[Point],
    revisions: Sequence[str], sights: Mapping[str, Sight],
) -> Iterator[tuple[Any, Verdict]]:  # fmt: skip
    """Our points beside those of the brands that the market watches: (start, source, lang, value, ...), and what was seen of all.

    A window in which only the others were spoken of has a point as well: our share of it is 0, if we were listening (sights: of
    all these brands). What is unknown of one brand (none of its mentions was scored, no audience is known) leaves the window
    without a point.
    """
    starts = sorted(windows)
    span = Window(min(starts), max(starts) + HOUR)
    wanted = set(starts)
    theirs = [
        p for p in store.read(KpiPoint, market=[w.id for w in market.watch], kpi=kpi.asks, grain=grain, start=span, revision=list(revisions))
        if p.start in wanted
    ]  # fmt: skip
    mine = [p for p in ours if p["kpi"] == kpi.asks and p["grain"] == grain]
    rows: list[tuple[Any, ...]] = [
        (p["start"], p["source"], p["lang"], p["value"], 0.0, p["n"], p["quality"], market.id) for p in mine
    ]
    rows += [(p.start, p.source, p.lang, 0.0, p.value, p.n, p.quality, p.market) for p in theirs]
    columns = [*KEYS, "ours", "others", "n", "quality", "brand"]
    frame = pd.DataFrame(rows, columns=columns).astype({"ours": float, "others": float})
    grouped = frame.groupby(KEYS).filter(lambda g: g.ours.notna().all() and g.others.notna().all()).groupby(KEYS)
    if not len(grouped):
        return
    quality = [
        # Of a brand without a mention: whether it was listened for.
        together({*g.quality, *(sights[b].verdict(windows[key[0]], {}, key[1]) for b in sights.keys() - set(g.brand))})
        for key, g in grouped
    ]
    found = valued(kpi, kpi.parts(grouped[["ours", "others", "n"]].sum())).reset_index()
    yield from zip(_tuples(found), quality, strict=True)


def backlog(store: Store, market: Market, kpi: Kpi, days: Iterable[Window], fresh: Sequence[Point], hours: set[datetime], as_of: datetime) -> Iterator[Any]:  # fmt: skip
    """What is open at the end of each local day, by its age, from the hours' points of `kpi.asks`. hours: those that are fresh."""
    spans = sorted(days)
    reach = Window(spans[0].start - PATIENCE, spans[-1].end)
    new = {(p["start"], p["source"], p["lang"]): p["parts"] for p in fresh if p["kpi"] == kpi.asks and p["grain"] == "hour"}
    known = {
        (p.start, p.source, p.lang): p.parts
        for p in store.read(KpiPoint, market=market.id, kpi=kpi.asks, grain="hour", start=reach) if p.start not in hours
    }  # fmt: skip
    zone = ZoneInfo(market.time_zone)
    table = pd.DataFrame(
        [(*key, parts) for key, parts in {**known, **new}.items()], columns=["hour", "source", "lang", "parts"]
    )
    for span in spans:
        end, today = min(span.end, as_of), span.start.astimezone(zone).date()
        some = table[(table.hour < end) & (table.hour >= end - PATIENCE)]
        # What was answered on a later day was still open on this one, whenever it is computed.
        since = [(today - hour.astimezone(zone).date()).days for hour in some.hour]
        some = some.assign(open=[_open(parts, days) for parts, days in zip(some.parts, since, strict=True)])
        some = some[some.open > 0]
        if len(some):
            # From the middle of the hour, which may not be over yet.
            age = ((end - some.hour) - HOUR / 2).clip(lower=timedelta()) / HOUR
            marks = [pd.Series(span.start, some.index, name="start"), some.source, some.lang]
            sums = kpi.parts(some.assign(age=age.astype(int))).groupby(marks).sum()
            yield from _tuples(valued(kpi, sums).reset_index())


def _open(parts: Mapping[str, float], days: int) -> float:
    """Who had no answer so many local days after asking."""
    given = sum(n for name, n in parts.items() if name.startswith("after.") and int(name.removeprefix("after.")) <= days)
    return parts["n"] - given


def _tuples(found: pd.DataFrame) -> Iterator[Any]:
    yield from found.reindex(columns=[*KEYS, "value", "low", "high", "n", "parts"]).itertuples(index=False)
