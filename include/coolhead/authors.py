"""mention -> author_day: who spoke of a market on which of its days, and who did so for the first time in 180 days.

Only who is new on a day, or gone from it, is looked up: one look into an index each, however long the history. Where that
changes who was first on a later day, that day is named, to be measured again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from coolhead.kpis import MEMORY
from coolhead.presence import appearances
from coolhead.rows import AuthorDay
from coolhead.store import Store
from coolhead.writing import Writer

Author = tuple[str, str]
"""(source, pseudonym)"""


@dataclass
class Authors:
    """What the author_day rows of some days become."""

    market: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    gone: list[tuple[date, str, str]] = field(default_factory=list)
    """(day, source, author) that no mention speaks for any more."""
    later: set[date] = field(default_factory=set)
    """Days not among these on which somebody's `first` changes."""

    def write(self, writer: Writer) -> None:
        """Rows that would not change are not written."""
        for day, source, author in self.gone:
            writer.delete(AuthorDay, market=self.market, day=day, source=source, author=author)
        writer.upsert_values(AuthorDay, self.rows)

    def marked(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with `first`: whether the mention's author is new on its local day."""
        first = {(r["day"], r["source"], r["author"]): r["first"] for r in self.rows}
        keys = zip(frame.local, frame.source, frame.author, strict=True)
        return frame.assign(first=[bool(first.get(k)) for k in keys])


def newcomers(store: Store, market: str, zone: str, frame: pd.DataFrame) -> "pd.Series[bool]":
    """Whether each mention's author is new on its local day, by the days that were measured."""
    local = frame.published_at.dt.tz_convert(zone).dt.date
    names, new = sorted(set(frame.author.dropna())), set[tuple[date, str, str]]()
    for i in range(0, len(names), 500):
        rows = store.read(AuthorDay, market=market, author=names[i : i + 500], day=sorted(set(local)), first=True)
        new |= {(r.day, r.source, r.author) for r in rows}
    return pd.Series([k in new for k in zip(local, frame.source, frame.author, strict=True)], index=frame.index, dtype=bool)


def measured(store: Store, market: str, frame: pd.DataFrame, days: Sequence[date], afresh: Iterable[date] = ()) -> Authors:
    """author_day of whole local days. frame: all their mentions (summing.prepared); afresh: days on which others' past changed."""
    before = {(r.day, r.source, r.author): r.first for d in days for r in store.read(AuthorDay, market=market, day=d)}
    now, again = _spoken(frame, days), set(afresh)
    changed = before.keys() ^ now.keys()
    touched = {k[1:] for k in changed} | {k[1:] for k in now if k[0] in again}
    spoke = _appearances(store, market, touched, days)
    for day, source, author in now:
        if (source, author) in touched:
            spoke.setdefault((source, author), []).append(day)
    out = Authors(market, gone=sorted(before.keys() - now.keys()))
    for key, columns in sorted(now.items()):
        first = not _spoke_before(spoke[key[1:]], key[0]) if key[1:] in touched else before[key]
        out.rows.append({"market": market, "day": key[0], "source": key[1], "author": key[2], **columns, "first": first})
    nexts = {
        min((d for d in spoke.get(who, ()) if d > day), default=None) for day, *rest in changed for who in [(rest[0], rest[1])]
    }
    out.later = {d for d in nexts if d is not None} - set(days)
    return out


def _spoke_before(days: Iterable[date], day: date) -> bool:
    return any(day - MEMORY <= d < day for d in days)


def _appearances(store: Store, market: str, authors: Iterable[Author], days: Sequence[date]) -> dict[Author, list[date]]:
    """Days near these, and not among these, on which the authors spoke."""
    wanted, out, mine = set(authors), dict[Author, list[date]](), set(days)
    names = sorted({author for _, author in wanted})
    for i in range(0, len(names), 500):
        near = appearances(market, names[i : i + 500], min(mine) - MEMORY, max(mine) + MEMORY)
        for author, source, day in store.asked(near):
            if (source, author) in wanted and day not in mine:
                out.setdefault((source, author), []).append(day)
    return out


def _spoken(frame: pd.DataFrame, days: Sequence[date]) -> dict[tuple[date, str, str], dict[str, Any]]:
    theirs = frame[~frame.own & frame.author.notna() & frame.local.isin(set(days))]
    found = theirs.groupby(["local", "source", "author"], sort=True).agg(
        mentions=("native_id", "size"), audience=("audience", "max")
    )
    return {
        key: {"mentions": int(mentions), "audience": None if pd.isna(audience) else int(audience)}
        for key, mentions, audience in zip(found.index, found.mentions, found.audience, strict=True)
    }
