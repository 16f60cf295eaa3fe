"""follower -> kpi_point: what an hour or a local day brought and cost the own accounts.

Only the counts of the last weeks are read, however long they have been kept.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from coolhead.kpis import Kpi
from coolhead.rows import ALL, Follower, Grain, KpiPoint
from coolhead.store import Store
from coolhead.summing import valued
from coolhead.windows import Window, local_day

WEEKS = 8
LATE = timedelta(days=7)
"""Counts that came so late still change their points."""
NEVER = datetime.max.replace(tzinfo=UTC)
GRAINS: tuple[Grain, ...] = ("hour", "day")


def numbers(store: Store, market: str, zone: str, kpis: Sequence[Kpi]) -> Iterator[tuple[Kpi, Grain, Any]]:
    """Points that are undone: KPI, grain, and (start, source, lang, value, low, high, n, parts). A window without a count of
    its own has none, and the first count of all has nothing before it."""
    mine = [k for k in kpis if k.reads == "follower"]
    last = store.first(KpiPoint, "start", last=True, market=market, kpi="follower_change", grain="day")
    since = last.start - LATE if last else None
    frame = _counts(store, market, since)
    if frame.empty:
        return
    for grain in GRAINS:
        table = _changes(frame, zone, grain)
        table = table[table.bucket >= since] if since else table
        for kpi in (k for k in mine if grain in k.grains):
            for v in _values(kpi, table):
                yield kpi, grain, v


def _counts(store: Store, market: str, since: datetime | None) -> pd.DataFrame:
    near = {"at": Window(since - timedelta(weeks=WEEKS, days=3), NEVER)} if since else {}
    found = store.read(Follower, market=market, **near)
    return pd.DataFrame([c.model_dump() for c in found], columns=[*Follower.model_fields]).sort_values("at", kind="stable")


def _changes(frame: pd.DataFrame, zone: str, grain: Grain) -> pd.DataFrame:
    """Per bucket, source and account: the last count in it and the last one before it; of days, the changes of the same
    weekday in the weeks before as well (null: unknown)."""
    local = frame["at"].dt.tz_convert(zone).dt.date
    days = {d: local_day(d, zone).start for d in set(local)}
    bucket = frame["at"].dt.floor("h") if grain == "hour" else pd.to_datetime(local.map(days), utc=True)
    last = frame.assign(bucket=bucket, day=local).groupby(["source", "account", "bucket"], as_index=False).last()
    last["before"] = last.groupby(["source", "account"]).followers.shift()
    last = last.dropna(subset=["before"]).rename(columns={"followers": "after"})
    if grain == "day":
        changed = dict(zip(zip(last.source, last.account, last.day, strict=True), last.after - last.before, strict=True))
        for week in range(1, WEEKS + 1):
            keys = zip(last.source, last.account, last.day - timedelta(weeks=week), strict=True)
            last[f"week_{week}"] = [changed.get(k, float("nan")) for k in keys]
    return last


def _values(kpi: Kpi, table: pd.DataFrame) -> Iterator[Any]:
    for source in (table.source, pd.Series(ALL, table.index)):
        grouped = kpi.parts(table).groupby([table.bucket, source.rename("source")])
        # What is unknown of one account is unknown of all together.
        sums = grouped.sum().where(grouped.count().eq(grouped.size(), axis=0))
        if not sums.empty:
            found = valued(kpi, sums).reset_index().assign(lang=ALL)
            yield from found.reindex(columns=["bucket", "source", "lang", "value", "low", "high", "n", "parts"]).itertuples(
                index=False
            )
