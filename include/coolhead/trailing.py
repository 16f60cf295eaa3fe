"""The trailing hour of every base window, made only of what was known when the window was judged."""

from datetime import timedelta

import pandas as pd

from coolhead.rows import PersonLabel, Verdict
from coolhead.store import Store
from coolhead.summing import language
from coolhead.verdicts import Listening
from coolhead.windows import BASE, GRACE, Window

HOUR = timedelta(hours=1)
KEY = ["source", "day", "native_id"]
SAID = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
"""Polarity of a person's label, as the store gives it."""


def expanded(store: Store, mentions: pd.DataFrame, span: Window) -> pd.DataFrame:
    """One row per mention and window of the span whose trailing hour holds it and that knew it in time.

    mentions: as the store gives them, as of the span's end or later. A score or a label that came after a window counts from
    the next on only, so that a replay of weeks sees what live saw.
    """
    theirs = mentions[~mentions.own]
    first = theirs.published_at.dt.floor("5min")
    copies = [theirs.assign(window=first + i * BASE) for i in range(int(HOUR / BASE))]
    out = pd.concat(copies) if copies else theirs.assign(window=first)
    then = out.window + BASE + GRACE
    inside = (out.window >= span.start) & (out.window + BASE <= span.end)
    out = out.assign(then=then)[(out.known_at <= then) & inside].reset_index(drop=True)
    unread, unsaid = out.scored_at > out.then, out.labelled_at.isna() | (out.labelled_at > out.then)
    out.loc[unread, ["read_label", "scored_lang"]] = None
    out.loc[unread, "read_polarity"] = float("nan")
    for name in ("label", "polarity"):
        out.loc[unsaid, name] = out.loc[unsaid, f"read_{name}"]
    out.loc[unsaid, "labelled_by"] = None
    if (out.labelled_at > out.then).any():
        _with_older_labels(store, out)
    return out.assign(lang=language(out))


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
