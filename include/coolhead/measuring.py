"""mention -> kpi_point: which windows are undone, and their numbers.

Points are always recomputed whole from the rows of their window, never by difference, so that late, edited and
deleted mentions change nothing but the numbers they belong to. Sparse: a window without a mention has no point.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from coolhead import failpoint, registry
from coolhead.clock import Clock
from coolhead.kpis import Kpi
from coolhead.plan import Market
from coolhead.rows import ALL, Dirty, Follower, Grain, KpiPoint, Verdict
from coolhead.store import Store
from coolhead.verdicts import Listening, Sight
from coolhead.windows import BASE, Window, floor, local_day, merged

STEPS = {"5min": BASE, "hour": timedelta(hours=1)}
CHUNK_DAYS = 62
"""Local days whose mentions are held in memory at once."""


def kpis() -> list[Kpi]:
    """Every KPI, by name."""
    return [registry.load("kpis", name)() for name in registry.names("kpis")]


def groups(frame: pd.DataFrame, key: str, kpi: Kpi, dimensions: Iterable[tuple[bool, bool]]) -> pd.DataFrame:
    """Sums and values of one KPI, per `key`, source and language, and summed over either or both (`all`).

    frame: columns `key`, source, lang and what the KPI reads. Returns columns key, source, lang, value, low, high, parts.
    """
    out = []
    for by_source, by_lang in dimensions:
        part = frame.assign(source=frame.source if by_source else ALL, lang=frame.lang if by_lang else ALL)
        keys = [key, "source", "lang"]
        if kpi.once_per:
            known = part[part[kpi.once_per].notna()]
            # The greatest audience of an author in the window is the one that counts; ties keep the first.
            part = known.sort_values("audience", ascending=False, kind="stable").drop_duplicates([*keys, kpi.once_per])
        sums = kpi.parts(part).join(part[keys]).groupby(keys, sort=True).sum()
        if not sums.empty:
            out.append(kpi.value(sums).assign(parts=sums.to_dict("records"), n=sums.n).reset_index())
    columns = [key, "source", "lang", "value", "low", "high", "n", "parts"]
    return pd.concat(out).reindex(columns=columns) if out else pd.DataFrame(columns=columns)


MARGINS = [(True, False), (False, True), (False, False)]
"""Every number is kept by source, by language and for the whole market; not for their cross, which nobody reads and which
would be most of the table."""


def prepared(mentions: pd.DataFrame, zone: str) -> pd.DataFrame:
    """The store's frame with the language as read (or declared) and the bucket of every grain."""
    at = mentions.published_at
    local = at.dt.tz_convert(zone).dt.date
    starts = {day: local_day(day, zone).start for day in set(local)}
    return mentions.assign(
        lang=mentions.scored_lang.fillna(mentions.lang).fillna("other").astype(str),
        bucket_5min=at.dt.floor("5min"),
        bucket_hour=at.dt.floor("h"),
        bucket_day=pd.to_datetime(local.map(starts), utc=True) if len(local) else at,
    )


class Measurer:
    """Computes the points of one market."""

    def __init__(self, store: Store, market: Market, scorer: str, revision: str) -> None:
        self.store, self.market, self.scorer, self.revision = store, market, scorer, revision
        self.kpis = kpis()

    def measure(self, clock: Clock) -> int:
        """Compute every dirty window of 5 minutes with its hour and its local day; returns points written.

        Safe to kill and to run again: marks go away in the transaction that stores the points.
        """
        marks = self.store.read(Dirty, market=self.market.id)
        as_of = clock.now()  # after the marks: whatever they stand for was known before
        zone = ZoneInfo(self.market.time_zone)
        by_day: dict[date, list[Dirty]] = {}
        for mark in marks:
            by_day.setdefault(mark.start.astimezone(zone).date(), []).append(mark)
        days, written = sorted(by_day), 0
        while days:
            chunk = [d for d in days if d < days[0] + timedelta(days=CHUNK_DAYS)]
            written += self._measure_days(chunk, [m for d in chunk for m in by_day[d]], as_of)
            days = days[len(chunk) :]
        return written + self._measure_followers(as_of)

    def _measure_days(self, days: list[date], marks: list[Dirty], as_of: datetime) -> int:
        spans = [local_day(d, self.market.time_zone) for d in days]
        frames = [
            self.store.mentions(self.market.id, span, self.scorer, self.revision, as_of)
            for span in merged([(s.start, s.end) for s in spans])
        ]
        mentions = pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)  # `groups` joins by the index
        frame = prepared(mentions, self.market.time_zone)
        sight = Listening(self.store, self.market, Window(spans[0].start, spans[-1].end), as_of).at(as_of)
        dirty: dict[Grain, set[datetime]] = {
            "5min": {m.start for m in marks},
            "hour": {floor(m.start, STEPS["hour"]) for m in marks},
            "day": {s.start for s in spans},
        }
        points = [p for grain in dirty for p in self._points(frame, grain, dirty[grain], sight, as_of)]
        failpoint.reached("measure.computed")
        mine = [k.name for k in self.kpis if k.reads in ("mention", "own")]
        with self.store.writing() as writer:
            for grain, starts in dirty.items():
                for part in _parts(sorted(starts), 500):
                    writer.delete(KpiPoint, market=self.market.id, kpi=mine, grain=grain, start=part)
            writer.upsert_values(KpiPoint, points)
            for part in _parts(sorted({m.mark for m in marks}), 500):
                writer.delete(Dirty, market=self.market.id, mark=part, start=Window(spans[0].start, spans[-1].end))
            failpoint.reached("measure.written")
        return len(points)

    def _points(
        self, frame: pd.DataFrame, grain: Grain, starts: set[datetime], sight: Sight, as_of: datetime
    ) -> Iterable[dict[str, Any]]:
        key = f"bucket_{grain}"
        found = frame[frame[key].isin(starts)]
        theirs = found[~found.own]
        rows = theirs.groupby([key, "source"]).size()
        by_start: dict[Any, dict[str, int]] = {}
        for (start, source), count in rows.items():
            by_start.setdefault(start, {})[source] = int(count)
        quality: dict[tuple[Any, str], Verdict] = {}
        for kpi in self.kpis:
            if kpi.reads not in ("mention", "own"):
                continue
            values = groups(found[found.own] if kpi.reads == "own" else theirs, key, kpi, MARGINS)
            for v in values.itertuples(index=False):
                start, source = v[0], v[1]
                if (start, source) not in quality:
                    quality[start, source] = sight.verdict(self._window(start, grain), by_start.get(start, {}), source)
                yield self._point(kpi, grain, v, quality[start, source], as_of)

    def _window(self, start: Any, grain: Grain) -> Window:
        begin = start.to_pydatetime()
        if grain == "day":
            return local_day(begin.astimezone(ZoneInfo(self.market.time_zone)).date(), self.market.time_zone)
        return Window(begin, begin + STEPS[grain])

    def _point(self, kpi: Kpi, grain: Grain, v: Any, quality: Verdict, as_of: datetime) -> dict[str, Any]:
        """Columns of a KpiPoint: a plain dict, for there are a hundred thousand of them in a history."""
        start, source, lang, value, low, high, n, parts = v
        return {
            "market": self.market.id, "kpi": kpi.name, "grain": grain, "start": start.to_pydatetime(), "source": source, "lang": lang,
            "version": kpi.version, "revision": f"{self.scorer}/{self.revision}" if kpi.reads_scores else "-",
            "value": _null(value), "n": int(n), "low": _null(low), "high": _null(high), "parts": parts, "quality": quality, "as_of": as_of,
        }  # fmt: skip

    def _measure_followers(self, as_of: datetime) -> int:
        """Follower KPIs per hour and local day; a window without a count of its own has no point."""
        counts = self.store.read(Follower, market=self.market.id)
        if not counts:
            return 0
        frame = pd.DataFrame([c.model_dump() for c in counts]).sort_values("at")
        points: list[dict[str, Any]] = []
        grains: tuple[Grain, ...] = ("hour", "day")
        for grain in grains:
            table = _before_and_after(frame, self.market.time_zone, grain)
            for kpi in (k for k in self.kpis if k.reads == "follower"):
                for v in groups(table, "bucket", kpi, [(True, False), (False, False)]).itertuples(index=False):
                    points.append(self._point(kpi, grain, v, "ok", as_of))
        names = [k.name for k in self.kpis if k.reads == "follower"]
        known = {
            (p.kpi, p.grain, p.start, p.source): p.value for p in self.store.read(KpiPoint, market=self.market.id, kpi=names)
        }
        fresh = [p for p in points if known.get((p["kpi"], p["grain"], p["start"], p["source"]), "absent") != p["value"]]
        with self.store.writing() as writer:
            return writer.upsert_values(KpiPoint, fresh)


def _before_and_after(frame: pd.DataFrame, zone: str, grain: str) -> pd.DataFrame:
    """Per bucket, source and account: the last count in it and the last one before it."""
    if grain == "hour":
        bucket = frame["at"].dt.floor("h")
    else:
        local = frame["at"].dt.tz_convert(zone).dt.date
        bucket = pd.to_datetime(local.map({d: local_day(d, zone).start for d in set(local)}), utc=True)
    last = frame.assign(bucket=bucket).groupby(["source", "account", "bucket"], as_index=False).followers.last()
    last["before"] = last.groupby(["source", "account"]).followers.shift()
    return last.dropna(subset=["before"]).rename(columns={"followers": "after"}).assign(lang=ALL)


def _null(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _parts(items: Sequence[Any], size: int) -> Iterable[list[Any]]:
    return (list(items[i : i + size]) for i in range(0, len(items), size))
