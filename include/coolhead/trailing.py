"""The trailing hour of every base window, made only of what was known when the window was judged."""

from datetime import datetime, timedelta

import pandas as pd

from coolhead.rows import PersonLabel, Verdict
from coolhead.store import Store
from coolhead.summing import language
from coolhead.verdicts import Listening
from coolhead.windows import BASE, GRACE, Window

HOUR = timedelta(hours=1)
LATEST = timedelta(hours=48)
"""A mention that becomes known longer than this after its publication is history: no rule looks at it."""
KEY = ["source", "day", "native_id"]
SAID = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
"""Polarity of a person's label, as the store gives it."""


def heard(store: Store, market: str, reader: tuple[str, str], span: Window) -> pd.DataFrame:
    """As the store gives them, each once: mentions of the trailing hours of a span's windows, and older ones that became known in
    the hour before one of them was judged. reader: scorer and revision."""
    late = _older(store, market, reader, span)
    ordinary = store.mentions(market, Window(span.start - HOUR, span.end), *reader, span.end + GRACE)
    return pd.concat([late, ordinary], ignore_index=True) if len(late) else ordinary


def first_late(store: Store, market: str, reader: tuple[str, str], span: Window) -> list[datetime]:
    """The first window of a span that sees something older than its first trailing hour which became known then; none: empty."""
    older = _older(store, market, reader, span)
    windows = _late(older[~older.own]).window
    return [at.to_pydatetime() for at in windows[(windows >= span.start) & (windows < span.end)].sort_values()[:1]]


def _older(store: Store, market: str, reader: tuple[str, str], span: Window) -> pd.DataFrame:
    first = span.start + BASE + GRACE
    before = Window(first - LATEST, span.start - HOUR)
    return store.mentions(market, before, *reader, span.end + GRACE, known_after=first - HOUR)


def expanded(store: Store, mentions: pd.DataFrame, span: Window) -> pd.DataFrame:
    """One row per mention and window of the span that knew it in time and in whose trailing hour it was published; and, `late`,
    those older ones that became known in the hour before the window was judged: what came late is before the eyes as long as
    what did not, and counts in no number, or a refill would look like a storm.

    mentions: as the store gives them, as of the span's end or later. A score or a label that came after a window counts from
    the next on only, so that a replay of weeks sees what live saw.
    """
    theirs = mentions[~mentions.own]
    out = pd.concat([_in_windows(theirs, theirs.published_at.dt.floor("5min"), False), _late(theirs)])
    out = out.assign(then=out.window + BASE + GRACE)
    inside = (out.window >= span.start) & (out.window + BASE <= span.end)
    out = out[(out.known_at <= out.then) & inside].reset_index(drop=True)
    unread, unsaid = out.scored_at > out.then, out.labelled_at.isna() | (out.labelled_at > out.then)
    out.loc[unread, ["read_label", "scored_lang"]] = None
    out.loc[unread, "read_polarity"] = float("nan")
    for name in ("label", "polarity"):
        out.loc[unsaid, name] = out.loc[unsaid, f"read_{name}"]
    out.loc[unsaid, "labelled_by"] = None
    if (out.labelled_at > out.then).any():
        _with_older_labels(store, out)
    return out.assign(lang=language(out))


def _in_windows(mentions: pd.DataFrame, first: "pd.Series[pd.Timestamp]", late: bool) -> pd.DataFrame:
    """Each mention in its first window and all that begin within an hour of it."""
    return pd.concat([mentions.assign(window=first + i * BASE, late=late) for i in range(int(HOUR / BASE))])


def _late(mentions: pd.DataFrame) -> pd.DataFrame:
    """In the windows that are judged within an hour after it was known and whose trailing hour began after its publication."""
    slow = mentions[mentions.known_at - mentions.published_at > GRACE]
    out = _in_windows(slow, (slow.known_at - BASE - GRACE).dt.ceil("5min"), True)
    before, judged = out.published_at < out.window + BASE - HOUR, out.window + BASE + GRACE
    return out[before & (out.published_at >= judged - LATEST)]


def _with_older_labels(store: Store, out: pd.DataFrame) -> None:
    """Where the newest label came after the window, the newest of those before it counts."""
    late = out[out.labelled_at > out.then]
    keys = {name: sorted(set(late[name])) for name in KEY}
    known = [label.model_dump() for label in store.read(PersonLabel, stale=False, **keys)]
    if not known:  # edited or deleted since the mentions were read
        return
    pairs = late[[*KEY, "then"]].reset_index().merge(pd.DataFrame(known)[[*KEY, "label", "by", "at"]], on=KEY)
    before = pairs[pairs["at"] <= pairs.then].sort_values(["at", "by"], ascending=[False, True], kind="stable")
    newest = before.drop_duplicates("index").set_index("index")
    out.loc[newest.index, "label"] = newest.label
    out.loc[newest.index, "labelled_by"] = newest.by
    out.loc[newest.index, "polarity"] = newest.label.map(SAID)


def quality(listening: Listening, found: pd.DataFrame, index: pd.DatetimeIndex) -> list[Verdict]:
    """Verdict over each trailing hour, as of its window."""
    rows = found.groupby(["window", "source"]).size()
    heard: dict[object, dict[str, int]] = {}
    for (window, source), n in rows.items():
        heard.setdefault(window, {})[str(source)] = int(n)
    out: list[Verdict] = []
    for start in index:
        hour = Window(start.to_pydatetime() + BASE - HOUR, start.to_pydatetime() + BASE)
        sight = listening.at(hour.end + GRACE, near=hour)
        out.append(
            sight.verdict(hour, heard.get(start, {})) if any(s.listened(hour) for s in sight.sources.values()) else "pending"
        )
    return out
