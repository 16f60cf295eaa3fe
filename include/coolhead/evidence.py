"""What the rules see of a window beside its numbers: topics complained of, large authors, red lines, networks, news, the onset.

Made only of what was known when the window is judged, and of no text: names, ids, numbers. One call over a day gives the same
as one for each window.

`credible` says that nothing cheap speaks against a mention: no spam, no copy of an earlier one, its author neither made for it
nor posting like a machine. It is no verdict (authenticity.py): people verify.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from coolhead import complaining, credibility, registry
from coolhead.complaint_topics import Topics
from coolhead.incidents import left_out
from coolhead.plan import Market, Plan
from coolhead.red_lines import touched
from coolhead.rows import Seen
from coolhead.store import Store
from coolhead.windows import BASE, Window, local_day

KEY = list(complaining.KEY)
MULTIPLIERS, TOUCHES = 5, 10
"""Large authors of one window, and mentions that touch one red line, that the rules see."""
TOP = 0.01
TOP_DAYS, TOP_AUTHORS = timedelta(days=28), 2_000
"""How far back authors are looked through for the largest, and how many are enough."""
ILL = 0.5
"""Share of negative mentions and complaints from which on a topic is one that people speak ill of."""
HOUR_WINDOWS = 12
RISE_LEAST, RISE_SHARE = 3, 4
"""A rise goes back over windows of three mentions or of a quarter of its last window's, whichever is more."""
Evidence = dict[str, Any]


def of_windows(
    store: Store, plan: Plan, market: Market, scorer: str, revision: str, found: pd.DataFrame
) -> dict[datetime, Evidence]:
    """Window start -> `topics`, `multipliers`, `red_lines`, `networks`, `news`, `onset`; JSON-ready, what is empty is absent.

    found: one row per mention and window (trailing.expanded); `late`: known in the window's hour, and published before it. One
    such mention may be a red line or a large author's; it is none of the hour's numbers (absent: none is late). Reads the store
    for what the frame does not hold.
    """
    if found.empty:
        return {}
    rows = _placed(store, market, found)
    out: dict[datetime, Evidence] = {at.to_pydatetime(): {} for at in sorted(set(rows.window))}
    for at, moment in onsets(found[~rows.late]):
        out[at]["onset"] = moment
    local = rows.window.dt.tz_convert(ZoneInfo(market.time_zone)).dt.date
    told: list[tuple[str, Mapping[datetime, list[Any]]]] = [
        ("networks", _networks(rows[~rows.late])),
        ("red_lines", _red_lines(plan, market, rows)),
    ]
    for day in sorted(set(local[rows.bad])):
        of_day = rows[local == day]
        told += _Day(store, plan, market, (scorer, revision), day, of_day.window.min().to_pydatetime()).seen(of_day)
    for name, by_window in told:
        for at, some in by_window.items():
            out[at][name] = some
    return out


def onsets(found: pd.DataFrame) -> Iterator[tuple[datetime, str]]:
    """(window, T0): the first mention of the rise that ends in the window: back from it, over windows of at least a quarter of
    its mentions or three, up to one hour."""
    windows, codes = np.unique(found.window.to_numpy("datetime64[us]"), return_inverse=True)
    published = found.published_at.to_numpy("datetime64[us]")
    back = (
        found.window.to_numpy("datetime64[us]") - found.published_at.dt.floor("5min").to_numpy("datetime64[us]")
    ) // np.timedelta64(BASE)
    counts = np.zeros((len(windows), HOUR_WINDOWS), dtype=np.int64)
    np.add.at(counts, (codes, back), 1)
    first = np.full(counts.shape, np.iinfo(np.int64).max)
    np.minimum.at(first, (codes, back), published.astype(np.int64))
    enough = counts >= np.maximum(RISE_LEAST, counts[:, :1] / RISE_SHARE)
    enough[:, 0] = True
    rising = np.logical_and.accumulate(enough, axis=1)
    earliest = np.where(rising, first, np.iinfo(np.int64).max).min(axis=1)
    for at, micros in zip(windows, earliest, strict=True):
        start = pd.Timestamp(at, tz="UTC").to_pydatetime()
        none = micros == np.iinfo(np.int64).max
        yield start, (start if none else pd.Timestamp(micros, unit="us", tz="UTC").to_pydatetime()).isoformat()


def _placed(store: Store, market: Market, found: pd.DataFrame) -> pd.DataFrame:
    """The rows with `topic` (as grouped, whether or not it was known as one then), `copy`, `negative`, `bad` (negative or a complaint)
    and `spam` as known then, `who`, and `late`."""
    span = Window(found.published_at.min().to_pydatetime(), found.published_at.max().to_pydatetime() + BASE)
    columns = [*KEY, "topic", "copy_of", "read_kind", "kind_at"]
    beside = pd.DataFrame([tuple(r) for r in store.asked(complaining.placed(market.id, span))], columns=columns)
    beside["kind_at"] = pd.to_datetime(beside.kind_at, utc=True)
    mention = found.groupby(KEY, sort=False).ngroup().to_numpy()
    once = found[KEY][~pd.Series(mention).duplicated().to_numpy()].reset_index(drop=True)
    beside = once.merge(beside, on=KEY, how="left").iloc[mention].set_axis(found.index)
    kind = beside.read_kind.where(beside.kind_at <= found.then)
    kind = kind.mask(found.labelled_by.notna(), found.kind)
    negative = found.label == "negative"
    who = found.author.where(found.author.notna(), found.native_id)
    return found.assign(
        topic=beside.topic, copy=beside.copy_of.notna(), negative=negative, bad=negative | (kind == "complaint"), spam=kind == "spam",
        who=found.source.astype(str) + ":" + who.astype(str), late=found.late.astype(bool) if "late" in found else False,
    )  # fmt: skip


class _Day:
    """What of one local day needs its past."""

    def __init__(self, store: Store, plan: Plan, market: Market, reader: tuple[str, str], day: date, first: datetime) -> None:
        """first: window of that day that is looked at."""
        self._store, self._market, self._day = store, market, day
        begin = local_day(day, market.time_zone).start
        # What is usual is as known when the day began, so windows of the day that were seen before have said it.
        seen = store.latest_rows(Seen, "start", HOUR_WINDOWS, market=market.id, start=Window(begin, max(begin, first)))
        usual = {str(t["topic"]): int(t["usual"]) for row in seen for t in row.evidence.get("topics", [])}
        self._topics = Topics(store, plan, market, reader, day, left_out(store, market, begin), usual)

    def seen(self, rows: pd.DataFrame) -> list[tuple[str, Mapping[datetime, list[Any]]]]:
        told = self._with_roots(rows)
        hour = told[~told.late]
        topics = self._topics.seen(hour[hour.topic.notna()])
        return [("topics", topics), ("multipliers", self._multipliers(told)), ("news", _news(hour))]

    def _with_roots(self, rows: pd.DataFrame) -> pd.DataFrame:
        """`topic`: the one that its chain began with; null where the mentions of its time made no topic yet."""
        bad = set(rows.topic[rows.bad].dropna())
        since, roots = self._topics.since(bad), {t: self._topics.roots.get(t, t) for t in bad}
        begun = pd.to_datetime(rows.topic.map(since), utc=True)
        known = begun.isna() & rows.topic.isin(self._topics.planned) | (begun <= rows.then)
        return rows.assign(topic=rows.topic.where(known).map(roots))

    def _multipliers(self, rows: pd.DataFrame) -> dict[datetime, list[Evidence]]:
        """Negative posts of the largest authors, one of each, his first. `top`: null where no audience was known before."""
        loud = rows[rows.negative & (rows.audience > 0)].sort_values(
            ["window", "audience", "published_at", "source", "native_id"],
            ascending=[True, False, True, True, True],
            kind="stable",
        )
        loud = loud.drop_duplicates(["window", "who"]).groupby("window", sort=False).head(MULTIPLIERS)
        if loud.empty:
            return {}
        cut, out = self._cut(), dict[datetime, list[Evidence]]()
        doubts = credibility.against(loud, rows, reposts=True).any(axis=1)
        for row, doubted in zip(loud.itertuples(index=False), doubts, strict=True):
            out.setdefault(row.window.to_pydatetime(), []).append({
                "source": str(row.source), "native_id": str(row.native_id), "audience": int(row.audience), "label": str(row.label),
                "top": None if cut is None else int(row.audience) >= cut, "topic": row.topic if isinstance(row.topic, str) else None,
                "likes": _whole(row.likes), "shares": _whole(row.shares), "credible": not doubted,
            })  # fmt: skip
        return out

    def _cut(self) -> int | None:
        """Audience of the smallest among the top 1 % of the brand's authors of the days before; None where none is known."""
        known: dict[tuple[str, str], int] = {}
        day = self._day
        while day > self._day - TOP_DAYS and len(known) < TOP_AUTHORS:
            day -= timedelta(days=1)
            for source, author, audience in self._store.asked(complaining.audiences(self._market.id, day)):
                known[source, author] = max(audience, known.get((source, author), 0))
        return sorted(known.values(), reverse=True)[int(np.ceil(TOP * len(known))) - 1] if known else None


def _red_lines(plan: Plan, market: Market, rows: pd.DataFrame) -> dict[datetime, list[Evidence]]:
    """Mentions that touch a red line, whatever their sentiment: the credible ones first, then the earliest, some of each line.
    `of`: how many of the window touch it, and are as credible or as doubted."""
    lines = plan.red_lines_of(market.id)
    found = touched(lines, sorted(set(rows.text))) if lines else {}
    some = rows[rows.text.isin(found.keys())].reset_index(drop=True)
    if some.empty:
        return {}
    why_not = credibility.against(some, rows, reposts=False)
    each = some.assign(line=some.text.map(lambda t: range(len(found[t]))), doubted=why_not.any(axis=1)).explode("line")
    each["name"] = [found[text][i][0].name for text, i in zip(each.text, each.line, strict=True)]
    each["of"] = each.groupby(["window", "name", "doubted"]).native_id.transform("size")
    order = ["window", "name", "doubted", "published_at", "source", "native_id"]
    shown = each.sort_values(order, kind="stable").groupby(["window", "name"], sort=False).head(TOUCHES)
    out: dict[datetime, list[Evidence]] = {}
    for row, doubts in zip(shown.itertuples(index=False), credibility.reasons(why_not.loc[shown.index]), strict=True):
        line, holds = found[row.text][row.line]
        out.setdefault(row.window.to_pydatetime(), []).append({
            "name": line.name, "severity": line.severity, "source": str(row.source), "native_id": str(row.native_id), "lang": str(row.lang),
            "credible": not doubts, "why": "; ".join([f"holds {holds}", *doubts]), "of": int(row.of),
        })  # fmt: skip
    return out


def _networks(rows: pd.DataFrame) -> dict[datetime, list[str]]:
    """Where something negative, or a complaint, was said."""
    return _each(rows[rows.bad])


def _news(rows: pd.DataFrame) -> dict[datetime, list[str]]:
    """Sources of news that speak ill, or of what others speak ill of: headlines are mostly neutral, and most days have some."""
    news = {s for s in set(rows.source) if s in registry.names("sources") and registry.load("sources", s).news}
    ill = rows.bad.groupby([rows.window, rows.topic]).transform("mean") >= ILL if news else rows.bad
    return _each(rows[rows.source.isin(news) & ~rows.spam & (rows.bad | ill)])


def _each(rows: pd.DataFrame) -> dict[datetime, list[str]]:
    pairs = rows[["window", "source"]].drop_duplicates().sort_values(["window", "source"])
    out: dict[datetime, list[str]] = {}
    for at, source in zip(pairs.window, pairs.source, strict=True):
        out.setdefault(at.to_pydatetime(), []).append(str(source))
    return out


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)
