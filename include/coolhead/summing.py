"""Rows -> a KPI's sums and values, by source, by language and over all."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coolhead.kpis import Kpi
from coolhead.rows import ALL
from coolhead.windows import BASE, local_day

Ints = NDArray[np.int64]
HOUR = timedelta(hours=1)
EPOCH = pd.Timestamp("1970-01-01", tz="UTC")
MARGINS = [(True, False), (False, True), (False, False)]
"""Every number is kept by source, by language and for the whole market; not for their cross, which nobody reads and which
would be most of the table."""
RESULT = ["value", "low", "high", "n", "parts"]
LENGTHS = {"bucket_5min": BASE, "bucket_hour": HOUR, "window": HOUR}
"""How long the windows are that a key tells; a local day's length stands in the frame. A rule's `window` is the trailing hour."""


def groups(frame: pd.DataFrame, key: str, kpi: Kpi, dimensions: Iterable[tuple[bool, bool]]) -> pd.DataFrame:
    """Sums and values of one KPI, per `key`, source and language, and summed over either or both (`all`).

    frame: columns `key`, source, lang and what the KPI reads. Returns columns key, source, lang, value, low, high, n, parts.
    """
    return Cells(frame, key, dimensions).of(kpi)


class Cells:
    """Every window of a frame, by source, by language and over all: found once, for all KPIs that read these rows."""

    def __init__(self, frame: pd.DataFrame, key: str, dimensions: Iterable[tuple[bool, bool]]) -> None:
        """frame: of a unique index."""
        self._frame, self._key = frame, key
        self._once_by: dict[str, tuple[pd.DataFrame, Ints]] = {}
        margins, self._ids, so_far = [], list[Ints](), 0
        for by_source, by_lang in dimensions:
            marks = pd.DataFrame(
                {key: frame[key], "source": frame.source if by_source else ALL, "lang": frame.lang if by_lang else ALL}
            )
            grouped = marks.groupby([key, "source", "lang"], sort=True)
            margins.append(grouped.size().index.to_frame(index=False))
            self._ids.append(grouped.ngroup().to_numpy(dtype=np.int64) + so_far)
            so_far += len(margins[-1])
        self._cells = pd.concat(margins, ignore_index=True) if margins else pd.DataFrame(columns=[key, "source", "lang"])

    def of(self, kpi: Kpi) -> pd.DataFrame:
        """As `groups`."""
        parts, ids = self._once(kpi) if kpi.once_per else self._plain(kpi)
        weights = np.nan_to_num(parts.to_numpy(dtype="float64"))
        filled = np.flatnonzero(np.bincount(ids, minlength=len(self._cells)))
        columns = {name: np.bincount(ids, weights[:, j], len(self._cells))[filled] for j, name in enumerate(parts.columns)}
        if not len(filled):
            return pd.DataFrame(columns=[self._key, "source", "lang", *RESULT])
        found = valued(kpi, pd.DataFrame(columns), *self._spans(filled))
        cells = self._cells.iloc[filled].reset_index(drop=True)
        return pd.concat([cells, found.reindex(columns=RESULT)], axis=1)

    def _plain(self, kpi: Kpi) -> tuple[pd.DataFrame, Ints]:
        parts = kpi.parts(self._frame)
        rows = self._frame.index.get_indexer(parts.index)
        return pd.concat([parts] * len(self._ids)), np.concatenate([ids[rows] for ids in self._ids])

    def _once(self, kpi: Kpi) -> tuple[pd.DataFrame, Ints]:
        """Each author once per cell."""
        by = kpi.once_per or ""
        if by not in self._once_by:
            each = [_one_each(self._frame.assign(cell=ids), by) for ids in self._ids]
            together = pd.concat(each, ignore_index=True)
            self._once_by[by] = together, together.cell.to_numpy(dtype=np.int64)
        frame, ids = self._once_by[by]
        parts = kpi.parts(frame)
        return parts, ids[frame.index.get_indexer(parts.index)]

    def _spans(self, filled: Ints) -> tuple[Any, Any]:
        """Begin in hours since 1970 and length in hours of every cell's window."""
        starts = self._cells[self._key].iloc[filled]
        if not isinstance(starts.dtype, pd.DatetimeTZDtype):
            return float("nan"), float("nan")
        begin = ((starts - EPOCH) / HOUR).to_numpy()
        if self._key in LENGTHS:
            return begin + ((BASE - HOUR) / HOUR if self._key == "window" else 0), LENGTHS[self._key] / HOUR
        lengths = self._frame.groupby(self._key).hours_of_day.first()
        return begin, lengths.reindex(starts).to_numpy()


def _one_each(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """One row per cell and author: the greatest audience in the window is the one that counts; ties keep the first."""
    known = frame[frame[by].notna()].sort_values("audience", ascending=False, kind="stable")
    known = known.assign(times=known.groupby(["cell", by])[by].transform("size"))
    once = known.drop_duplicates(["cell", by])
    inside = once.groupby("cell")[by]
    return once.assign(rank=inside.cumcount() + 1, of=inside.transform("size"))


def valued(kpi: Kpi, sums: pd.DataFrame, begin: Any = None, hours: Any = None) -> pd.DataFrame:
    """Values of some sums beside what is stored of them."""
    return kpi.value(sums.assign(begin=begin, hours=hours)).assign(parts=stored(sums), n=sums.n)


def stored(sums: pd.DataFrame) -> list[dict[str, float]]:
    """The sums as they are kept: sparse ones (with a dot in their name) only where they are not 0, unknown ones not at all."""
    records: list[dict[str, float]] = sums.to_dict("records")
    if not any("." in str(c) for c in sums.columns) and not sums.isna().to_numpy().any():
        return records
    return [{k: v for k, v in r.items() if v == v and (v or "." not in k)} for r in records]


def language(mentions: pd.DataFrame) -> "pd.Series[str]":
    """As read, else as declared, else `other`."""
    return mentions.scored_lang.fillna(mentions.lang).fillna("other").astype(str)


def prepared(mentions: pd.DataFrame, zone: str) -> pd.DataFrame:
    """The store's frame with the language as read (or declared), the bucket of every grain, and the local day with its length."""
    at = mentions.published_at
    local = at.dt.tz_convert(zone).dt.date
    days = {day: local_day(day, zone) for day in set(local)}
    return mentions.assign(
        lang=language(mentions),
        local=local,
        hours_of_day=local.map({day: (w.end - w.start) / HOUR for day, w in days.items()}).astype("float64"),
        bucket_5min=at.dt.floor("5min"),
        bucket_hour=at.dt.floor("h"),
        bucket_day=pd.to_datetime(local.map({day: w.start for day, w in days.items()}), utc=True) if len(local) else at,
    )
