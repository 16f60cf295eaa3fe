"""Who waits for an answer, and who got one: an own post whose `parent` is the mention."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from coolhead.edge import EXPORT
from coolhead.matching import matched_by
from coolhead.plan import Market
from coolhead.presence import replies
from coolhead.rows import Dirty
from coolhead.store import Store
from coolhead.windows import Window, floor, merged, minus

PATIENCE = timedelta(days=14)
"""An answer after this is none, and who has waited longer waits no more."""
ANSWERABLE = ("complaint", "question")


def judged(store: Store, market: Market, frame: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """The frame with `answerable`, `answered`, and after how many local days (`answered_after`), as known by `as_of`.

    frame: whole local days (summing.prepared).

    Answerable: a complaint or a question by a known author, no repost and not our own, addressed to the brand.
    """
    asks = frame.kind.isin(ANSWERABLE) & ~frame.own & frame.repost_of.isna() & frame.author.notna()
    asks &= pd.Series([bool(a) and _addressed(market, *row) for a, *row in zip(asks, frame.text, frame.source, frame.matched_by, strict=True)], frame.index, dtype=bool)  # fmt: skip
    own = frame[frame.own & frame.parent.notna()]
    given = list(zip(own.source, own.parent, own.published_at, strict=True))
    if asks.any():
        given += [row for window in _after(frame, as_of) for row in store.asked(replies(market.id, window, as_of))]
    first: dict[tuple[str, str], datetime] = {}
    for source, parent, at in given:
        first[source, parent] = min(at, first.get((source, parent), at))
    answers = [first.get(key) for key in zip(frame.source, frame.native_id, strict=True)]
    given_at = pd.Series(pd.to_datetime(answers, utc=True), frame.index)
    there = pd.to_datetime(given_at.dt.tz_convert(market.time_zone).dt.date)
    days = (there - pd.to_datetime(frame.local)).dt.days
    return frame.assign(answerable=asks, answered=given_at - frame.published_at <= PATIENCE, answered_after=days)


def _addressed(market: Market, text: str, source: str, why: str) -> bool:
    """By a tag, as an answer, or below our own content: it is matched for more than the words in it."""
    if any(f"@{account.lstrip('@').casefold()}" in text.casefold() for account in market.own_accounts.get(source, ())):
        return True
    return why != EXPORT and why != matched_by(text, market.terms, market.languages)


def _after(frame: pd.DataFrame, as_of: datetime) -> list[Window]:
    """Where answers may lie beyond the frame's own days."""
    starts, hours = frame.bucket_day, pd.to_timedelta(frame.hours_of_day, unit="h")
    mine = merged([(a.to_pydatetime(), b.to_pydatetime()) for a, b in set(zip(starts, starts + hours, strict=True))])
    reach = merged([(w.start, max(w.start, min(w.end + PATIENCE, as_of))) for w in mine])
    return [part for w in reach for part in minus(w, mine)]


def echoes(store: Store, market: Market, frame: pd.DataFrame, fresh: set[datetime], mark: str) -> list[Dirty]:
    """Marks of the windows whose mentions were answered by own posts of the `fresh` windows, where these are not fresh themselves."""
    own = frame[frame.own & frame.parent.notna() & frame.bucket_5min.isin(fresh)]
    parents = set(zip(own.source, own.parent, strict=True))
    if not parents:
        return []
    here = frame[[key in parents for key in zip(frame.source, frame.native_id, strict=True)]]
    said = {floor(at.to_pydatetime()) for at in here.published_at}
    said |= _elsewhere(store, own, parents - set(zip(here.source, here.native_id, strict=True)))
    return [Dirty(market=market.id, start=start, mark=mark) for start in sorted(said - fresh)]


def _elsewhere(store: Store, own: pd.DataFrame, parents: set[tuple[str, str]]) -> set[datetime]:
    """Windows of parents on other days than those of the frame."""
    span = Window(own.published_at.min().to_pydatetime() - PATIENCE, own.published_at.max().to_pydatetime())
    out: set[datetime] = set()
    for source in {s for s, _ in parents}:
        ids: Sequence[str] = sorted(native_id for s, native_id in parents if s == source)
        out |= {floor(known.published_at) for known in store.existing(source, ids, span).values() if not known.own}
    return out
