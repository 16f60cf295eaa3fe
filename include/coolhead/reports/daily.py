"""The daily brief: one local day of one market, for an analyst who reads it at night and may forward it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from coolhead.baselines import WARM_DAYS
from coolhead.plan import Market, Plan
from coolhead.reports import _anatomy, _beside, _incidents, _meaning, _mentions, _mutes, _page, _sight, figures
from coolhead.reports._numbers import HOUR, Number, Reader, Usual
from coolhead.reports._page import LOW_N, change, count, in_unit, interval, percent
from coolhead.rows import ALL, Dirty, Incident, KpiPoint, Quarantined, Verdict
from coolhead.store import Store
from coolhead.verdicts import Stretch
from coolhead.windows import Window, local_day

if TYPE_CHECKING:
    import pandas as pd

MOST = 5
"""Mentions and authors shown."""
TILES = (
    "volume", "unique_authors", "reach_total", "reach_unique", "negative_share", "negative_prevalence", "polarity",
    "net_sentiment_polar", "engagement", "follower_change", "scored_coverage", "own_posts",
)  # fmt: skip
COLUMNS = (
    "market", "day", "kpi", "source", "lang", "value", "low", "high", "n", "unit", "quality", "version", "scorer", "as_of",
)  # fmt: skip


@dataclass(frozen=True)
class Tile:
    """One number with what it needs to be read rightly."""

    title: str
    value: str
    notes: list[str]
    usual: str
    unknown: bool
    low_n: bool
    formula: str


@dataclass(frozen=True)
class Line:
    """One row of a table by source or language."""

    name: str
    volume: Number
    share: Number
    corrected: Number
    seen: str


@dataclass(frozen=True)
class Day:
    """What a brief is made of."""

    reader: Reader
    day: date
    span: Window
    seen: Window
    """The part of the day that lies before `as_of`."""
    points: list[KpiPoint]
    """Of the day, every source and language."""
    frame: "pd.DataFrame"
    outages: list[Stretch]
    verdict: Verdict
    usual: Usual

    @property
    def over(self) -> bool:
        return self.span.end <= self.reader.as_of

    @property
    def theirs(self) -> "pd.DataFrame":
        return self.frame[~self.frame.own]

    def of(self, source: str = ALL, lang: str = ALL) -> list[KpiPoint]:
        return [p for p in self.points if p.source == source and p.lang == lang]

    def number(self, kpi: str) -> Number:
        return self.reader.number(kpi, self.of(), self.verdict, self.usual)


def build(store: Store, plan: Plan, market: Market, day: date, as_of: datetime) -> str:
    """The brief as one page of HTML. Numbers are the store's points of the local day; nothing is written."""
    d = read(store, plan, market, day, as_of)
    found = _incidents.during(store, market.id, d.span, as_of)
    return _page.render(
        "daily.html", title=f"{d.reader.brand}, {day:%d %B %Y}", d=d, market=market, zone=market.time_zone, as_of=as_of,
        headline=headline(d, found), seen=_sight.in_words(d.verdict, d.outages, market.time_zone), cold=_cold(d.usual),
        behind=len(store.read(Dirty, market=market.id, start=d.span)), tiles=[_tile(d, k) for k in TILES],
        volume_figure=_volume_figure(d), share_figure=_share_figure(d), sources=_by_source(d), languages=_by_language(d),
        outages=_sight.outage_rows(d.outages, market.time_zone, as_of), breaks=_sight.breaks(d.reader, d.span), drivers=_mentions.drivers(d.frame, MOST),
        authors=_mentions.authors(d.frame, MOST), own=_mentions.quoted(d.frame[d.frame.own]),
        incidents=[_incident_row(i, d, plan) for i in found], muted=_mutes.in_words(store, market.id, d.seen, as_of, market.time_zone), refused=_refused(d), lineage=_lineage(d),
        others=_beside.others(d.reader, d.seen), vanished=_beside.vanished(d.frame), topics=_meaning.topics(d.reader, plan, day),
        kinds=_meaning.kinds(d.frame), thanks=_meaning.thanks(d.frame, MOST), evidence=_meaning.evidence(d.reader, d.span),
    )  # fmt: skip


def write(store: Store, plan: Plan, market: Market, day: date, as_of: datetime, folder: Path) -> Path:
    """`<folder>/daily/<market>/<day>.html`, and beside it `<day>.csv` with the day's KPI points; returns the page."""
    base = folder / "daily" / market.id
    _page.write(base / f"{day.isoformat()}.csv", points_csv(store, plan, market, day, as_of))
    return _page.write(base / f"{day.isoformat()}.html", build(store, plan, market, day, as_of))


def points_csv(store: Store, plan: Plan, market: Market, day: date, as_of: datetime) -> str:
    """The day's points of every source and language. An empty value is unknown, never 0."""
    span = local_day(day, market.time_zone)
    reader = Reader(store, plan, market, as_of, span)
    points = reader.points("day", _only(span))
    return _page.table(COLUMNS, (
        (
            p.market, day.isoformat(), p.kpi, p.source, p.lang, p.value, p.low, p.high, p.n, reader.kpis[p.kpi].unit,
            p.quality, p.version, None if p.revision == "-" else p.revision, p.as_of.isoformat(),
        ) for p in points
    ))  # fmt: skip


def read(store: Store, plan: Plan, market: Market, day: date, as_of: datetime) -> Day:
    """Everything the brief says, read once."""
    span = local_day(day, market.time_zone)
    reader = Reader(store, plan, market, as_of, span)
    seen = Window(span.start, max(span.start, min(span.end, as_of)))
    frame = reader.mentions(span)
    rows = {str(k): int(v) for k, v in frame[~frame.own].groupby("source").size().items()}
    return Day(
        reader, day, span, seen, reader.points("day", _only(span)), frame, reader.outages(seen),
        reader.sight.verdict(seen, rows), reader.usual(day),
    )  # fmt: skip


def _only(span: Window) -> Window:
    """Points of a day carry its start."""
    return Window(span.start, span.start + HOUR)


def headline(d: Day, found: Sequence[Incident]) -> str:
    """The day in one sentence of plain words."""
    volume, share = d.number("volume"), d.number("negative_share")
    if volume.value is None:
        return _without_numbers(d)
    if not volume.value:
        said = "Nobody mentioned the brand, and every source was listening"
    elif share.value is None:
        said = f"{count(volume.value)} mentions, none of them scored: how negative they are is unknown"
    else:
        usual = f", usual {percent(share.usual)}" if share.usual is not None else ", usual not known yet"
        said = f"Negative share: {_corrected(share, d.number('negative_prevalence'))}{usual}"
    real = [i for i in found if not i.drill and i.state != "dismissed"]
    more = f" (and {len(real) - 1} more)" if len(real) > 1 else ""
    now = f"{_incidents.severity_of(real[0])} since {_since(real[0], d)}, {real[0].state}{more}" if real else "no incident"
    return f"{said}: {now}."


def _corrected(read: Number, prevalence: Number) -> str:
    """The share as the scorer reads it, and beside it what that means, given how often the scorer errs."""
    n = f"n{_page.NBSP}{read.n:,}"
    if prevalence.value is None:
        return f"read {percent(read.value)} ({interval(read.low, read.high, 'share')}, {n}), not corrected"
    span = f"{interval(prevalence.low, prevalence.high, 'share')}{', general' if prevalence.general else ''}, {n}"
    return f"read {percent(read.value)}, corrected {percent(prevalence.value)} ({span})"


def _without_numbers(d: Day) -> str:
    if stored := len(d.theirs):
        return f"{stored:,} mentions are stored, and their numbers are not computed yet."
    if d.verdict == "pending":
        return "Not collected yet: what people say on this day is unknown so far."
    if d.verdict == "partial":
        return "Nothing came from what was seen of this day, and not all of it was seen: how much was said is unknown."
    return "Nothing was seen on this day: what people said is unknown, and this is not silence."


def _since(incident: Incident, d: Day) -> str:
    same = incident.onset_at.astimezone(ZoneInfo(d.reader.zone)).date() == d.day
    return _page.local(incident.onset_at, d.reader.zone, "%H:%M" if same else "%d %b %H:%M")


def _cold(usual: Usual) -> str:
    return "" if usual.warm else f"baseline not warm yet: {usual.days} of {WARM_DAYS} days"


def _tile(d: Day, kpi: str) -> Tile:
    number = d.number(kpi)
    unit, notes = number.kpi.unit, []
    if span := interval(number.low, number.high, unit):
        notes.append(f"95{_page.NBSP}%: {span}")
    if number.kpi.reads_scores and number.value is not None:
        notes.append(f"n {number.n:,}")
    if number.coverage is not None:
        notes.append(f"known for {percent(number.coverage)} of {'authors' if number.kpi.once_per else 'mentions'}")
    if kpi == "follower_change":
        rate = d.number("follower_rate").value
        notes += [f"rate {percent(rate, sign=True)}"] if rate is not None else []
    if kpi.startswith("net_sentiment"):
        notes.append(number.kpi.formula)
    if number.general:
        notes.append("general: by public texts, not yet by your labels")
    low_n = number.kpi.reads_scores and kpi != "scored_coverage" and number.value is not None and number.n < LOW_N
    shown = ("≥ " if number.at_least else "") + in_unit(number.value, unit)
    return Tile(number.kpi.title, shown, notes, _compared(d, number), number.value is None, low_n, number.kpi.formula)


def _compared(d: Day, number: Number) -> str:
    """Beside what is usual; a part of a day is not compared with whole days, nor is a number that missed a part."""
    if number.usual is None:
        return _cold(d.usual) or "usual level unknown"
    said = f"usual {in_unit(number.usual, number.kpi.unit)}"
    if number.value is None:
        return said
    if number.kpi.unit == "share":
        return f"{said} ({change(100 * (number.value - number.usual))} points)"
    if number.kpi.unit == "-1 to 1":
        return f"{said} ({change(number.value - number.usual, 2)})"
    if not d.over:
        return f"{said} a whole day"
    if number.usual <= 0 or number.kpi.unit == "followers":
        return said
    times = number.value / number.usual
    if number.at_least:  # a part was not seen: that more was said than usual is sure, that less was said is not
        return f"{said} (at least ×{times:.1f})" if times > 1 else said
    return f"{said} (×{times:.1f})"


def _volume_figure(d: Day) -> Any:
    baseline = d.reader.hourly_usual(d.span)
    hours = round((d.span.end - d.span.start) / HOUR)
    usual = [u.median if (u := baseline.at(d.span.start + i * HOUR)) else None for i in range(hours)]
    return figures.volume_of_day(_sight.hours_of(d.reader, d.span), usual, d.outages, d.span, d.reader.zone)


def _share_figure(d: Day) -> Any:
    hours = _sight.hours_of(d.reader, d.span)
    if not any(h.share is not None for h in hours):
        return ""
    return figures.negative_share_of_day(hours, d.usual.of("negative_share"), d.outages, d.span, d.reader.zone)


def _by_source(d: Day) -> list[Line]:
    names = sorted({*d.reader.market.sources, *d.reader.sight.sources, *(p.source for p in d.points if p.source != ALL)})
    out = []
    for name in names:
        points = d.of(source=name)
        rows = int((d.theirs.source == name).sum())
        sight = d.reader.sight.sources.get(name)
        verdict: Verdict = (sight.verdict(d.seen, rows) if sight else None) or "blind"
        seen = _sight.source_in_words(d.reader, name, d.seen, rows, d.outages)
        out.append(_line(d, name, points, verdict, seen))
    return out


def _line(d: Day, name: str, points: list[KpiPoint], verdict: Verdict, seen: str = "") -> Line:
    volume, share, corrected = (
        d.reader.number(kpi, points, verdict) for kpi in ("volume", "negative_share", "negative_prevalence")
    )
    return Line(name, volume, share, corrected, seen)


def _by_language(d: Day) -> list[Line]:
    names = {p.lang for p in d.points if p.lang != ALL and p.kpi == "volume"}
    lines = [_line(d, name, d.of(lang=name), d.verdict) for name in sorted(names)]
    return sorted(lines, key=lambda line: -(line.volume.value or 0))


def _incident_row(incident: Incident, d: Day, plan: Plan) -> dict[str, Any]:
    clocks = _incidents.clocks_in_words(incident, d.reader.as_of)
    if _incidents.from_history(d.reader.store, incident):
        clocks = "found in history: nobody was asked"
    return {
        "title": incident.title, "severity": _incidents.severity_of(incident), "state": incident.state, "drill": incident.drill,
        "since": _since(incident, d), "clocks": clocks, "spread": _anatomy.short(d.reader.store, plan, incident, d.reader.as_of),
    }  # fmt: skip


def _refused(d: Day) -> list[tuple[str, str, int]]:
    """(source, reason, rows), most first. The quarantine knows sources, not markets: a source of two markets shows twice."""
    rows = d.reader.store.read(Quarantined, refused_at=d.seen, source=list(d.reader.market.sources))
    table: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row.source, _page.quote(row.reason, 120))
        table[key] = table.get(key, 0) + 1
    return sorted(((s, r, n) for (s, r), n in table.items()), key=lambda x: (-x[2], x[0], x[1]))


def _lineage(d: Day) -> dict[str, Any]:
    computed = max((p.as_of for p in d.points), default=None)
    return {
        "scorer": d.reader.scorer, "revision": d.reader.revision, "computed": computed,
        "newer": computed is not None and computed > d.reader.as_of,
        "versions": ", ".join(f"{k.name} v{k.version}" for k in d.reader.kpis.values()),
    }  # fmt: skip
