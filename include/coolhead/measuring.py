"""mention -> kpi_point: which windows are undone, and their numbers.

Points are always recomputed whole from the rows of their window, never by difference, so that late, edited and
deleted mentions change nothing but the numbers they belong to. Sparse: a window without a mention has no point.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from coolhead import authors, contexts, derived, failpoint, followers, registry, responses
from coolhead.clock import Clock
from coolhead.contexts import Contexts
from coolhead.kpis import Context, Kpi
from coolhead.plan import Market, Plan
from coolhead.rows import ALL, Dirty, Grain, KpiPoint, Verdict
from coolhead.sentiment import active
from coolhead.store import Store
from coolhead.summing import MARGINS, Cells, prepared
from coolhead.verdicts import Listening, Sight
from coolhead.waiting import Waiting
from coolhead.windows import BASE, Window, floor, local_day, merged
from coolhead.writing import Writer

STEPS = {"5min": BASE, "hour": timedelta(hours=1)}
GRAINS: tuple[Grain, ...] = ("5min", "hour", "day")
CHUNK_DAYS = 62
"""Local days whose mentions are held in memory at once."""
ROUNDS = 3
"""Of one measuring: what the first one finds may change windows of other days, and nothing follows from these."""
ECHO = "echo:"
"""Begins a mark that no mention made but a computation: an answer's parent, an author who came earlier, another brand."""

FROM: dict[str, Callable[[pd.DataFrame], "pd.Series[bool]"]] = {
    "mention": lambda frame: ~frame.own, "own": lambda frame: frame.own, "both": lambda frame: frame.own | True,
    "answerable": lambda frame: frame.answerable,
}  # fmt: skip
"""Which rows a KPI reads."""


def kpis() -> list[Kpi]:
    """Every KPI, by name."""
    return [registry.load("kpis", name)() for name in registry.names("kpis")]


@dataclass(frozen=True)
class Undone:
    """The windows of some local days that are measured together."""

    days: list[date]
    spans: list[Window]
    marks: list[Dirty]
    as_of: datetime

    @property
    def starts(self) -> dict[Grain, set[datetime]]:
        base = {m.start for m in self.marks}
        return {"5min": base, "hour": {floor(s, STEPS["hour"]) for s in base}, "day": {s.start for s in self.spans}}

    @property
    def fresh(self) -> set[datetime]:
        """Base windows whose own mentions changed."""
        return {m.start for m in self.marks if not m.mark.startswith(ECHO)}


class Measurer:
    """Computes the points of one market."""

    def __init__(
        self, store: Store, market: Market, scorer: str, revision: str, known: Contexts | None = None, beside: str | None = None
    ) -> None:
        """known: what KPIs need beside the mentions; beside: the market that watches this brand."""
        self.store, self.market, self.scorer, self.revision = store, market, scorer, revision
        self.contexts = known or Contexts(store, scorer, revision)
        self.beside = beside
        self.kpis = kpis()
        self.waiting = Waiting(store, market, self.kpis, self._point)

    @classmethod
    def of(cls, store: Store, plan: Plan, market: Market) -> "Measurer":
        """As the plan has it."""
        scorer = active(plan.brands.scorer)
        beside = next((m.id for m in plan.markets if any(w.id == market.id for w in m.watch)), None)
        return cls(store, market, scorer.name, scorer.revision, contexts.of(store, plan, market.id, scorer), beside)

    def measure(self, clock: Clock) -> int:
        """Compute every dirty window of 5 minutes with its hour and its local day; returns points written.

        Safe to kill and to run again: marks go away in the transaction that stores the points.
        """
        written = 0
        for _ in range(ROUNDS):
            marks = self.store.read(Dirty, market=self.market.id)
            as_of = clock.now()  # after the marks: whatever they stand for was known before
            for undone in self._chunks(marks, as_of):
                written += self._measure_days(undone)
            if not marks:
                break
        return written + self.waiting.ended(as_of) + self._measure_followers(as_of)

    def _chunks(self, marks: Sequence[Dirty], as_of: datetime) -> Iterator[Undone]:
        zone = ZoneInfo(self.market.time_zone)
        by_day: dict[date, list[Dirty]] = {}
        for mark in marks:
            by_day.setdefault(mark.start.astimezone(zone).date(), []).append(mark)
        days = sorted(by_day)
        while days:
            chunk = [d for d in days if d < days[0] + timedelta(days=CHUNK_DAYS)]
            spans = [local_day(d, self.market.time_zone) for d in chunk]
            yield Undone(chunk, spans, [m for d in chunk for m in by_day[d]], as_of)
            days = days[len(chunk) :]

    def _measure_days(self, undone: Undone) -> int:
        as_of, spans = undone.as_of, undone.spans
        frame = self._frame(undone)
        sight = Listening(self.store, self.market, Window(spans[0].start, spans[-1].end), as_of).at(as_of)
        # An author who came earlier marks the first window of the days after (`_echoes`), whatever marked it besides.
        marked = {m.start for m in undone.marks}
        afresh = {day for day, span in zip(undone.days, undone.spans, strict=True) if span.start in marked}
        spoke = authors.measured(self.store, self.market.id, frame, undone.days, afresh)
        frame = spoke.marked(frame)
        points = [p for grain, starts in undone.starts.items() for p in self._points(frame, grain, starts, sight, as_of)]
        points += list(self._derived(undone, points, sight))
        echoes = self._echoes(undone, frame, spoke)
        failpoint.reached("measure.computed")
        mine = [k.name for k in self.kpis if k.reads not in ("follower", "usual")]
        with self.store.writing() as writer:
            if not self._hold(writer, undone):
                return 0
            for echo in echoes:
                writer.insert_new(echo)  # a mark that a mention made stays: more follows from it
            for grain, starts in undone.starts.items():
                for part in _parts(sorted(starts), 500):
                    writer.delete(KpiPoint, market=self.market.id, kpi=mine, grain=grain, start=part, revision=self.revisions)
            self.waiting.forget(writer, self.waiting.days(undone.days, as_of))
            writer.upsert_values(KpiPoint, points)
            spoke.write(writer)
            for part in _parts(sorted({m.mark for m in undone.marks}), 500):
                writer.delete(Dirty, market=self.market.id, mark=part, start=Window(spans[0].start, spans[-1].end))
            failpoint.reached("measure.written")
        return len(points)

    def _hold(self, writer: Writer, undone: Undone) -> bool:
        """Keep the marks for this run; False: another run, which knew more, has taken some and stored their points meanwhile.

        All are held before any goes, and marks for others are made in between, before any goes: of two runs over the same hours
        one waits for the other's end, and no two wait for one another (PostgreSQL would stop one of them).
        """
        starts = sorted({m.start for m in undone.marks})
        return all(
            len(writer.hold(Dirty, market=self.market.id, start=part)) == len(part) for part in _parts(starts, 500)
        )  # fmt: skip

    @property
    def revisions(self) -> list[str]:
        """Of the points that are written here: another scorer's stay beside them."""
        return ["-", f"{self.scorer}/{self.revision}"]

    def _frame(self, undone: Undone) -> pd.DataFrame:
        frames = [
            self.store.mentions(self.market.id, span, self.scorer, self.revision, undone.as_of)
            for span in merged([(s.start, s.end) for s in undone.spans])
        ]
        mentions = pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)  # `groups` joins by the index
        return responses.judged(self.store, self.market, prepared(mentions, self.market.time_zone), undone.as_of)

    def _echoes(self, undone: Undone, frame: pd.DataFrame, spoke: authors.Authors) -> list[Dirty]:
        """Windows elsewhere whose numbers change by what was found here, in the order of their keys."""
        mine = {(m.market, m.start) for m in undone.marks}  # they are measured now
        mark, zone = f"{ECHO}{uuid.uuid4().hex}", self.market.time_zone
        out = responses.echoes(self.store, self.market, frame, undone.fresh, mark)
        out += [Dirty(market=self.market.id, start=local_day(d, zone).start, mark=mark) for d in sorted(spoke.later)]
        if self.beside:
            out += [Dirty(market=self.beside, start=hour, mark=mark) for hour in sorted(undone.starts["hour"])]
        return sorted((e for e in out if (e.market, e.start) not in mine), key=lambda e: (e.market, e.start))

    def _points(
        self, frame: pd.DataFrame, grain: Grain, starts: set[datetime], sight: Sight, as_of: datetime
    ) -> Iterable[dict[str, Any]]:
        key = f"bucket_{grain}"
        found = frame[frame[key].isin(starts)]
        rows = found[~found.own].groupby([key, "source"]).size()
        by_start: dict[Any, dict[str, int]] = {}
        for (start, source), count in rows.items():
            by_start.setdefault(start, {})[source] = int(count)
        quality: dict[tuple[Any, str], Verdict] = {}
        for kpi, v in self._values(found, key, grain):
            start, source = v[0], v[1]
            if (start, source) not in quality:
                quality[start, source] = sight.verdict(self._window(start, grain), by_start.get(start, {}), source)
            yield self._point(kpi, grain, v, quality[start, source], as_of)

    def _values(self, frame: pd.DataFrame, key: str, grain: Grain) -> Iterator[tuple[Kpi, Any]]:
        """Each KPI of mentions with its values, in the context of each window's local day."""
        zone = ZoneInfo(self.market.time_zone)
        by_day: dict[datetime, list[Any]] = {}
        for start in frame[key].unique():
            by_day.setdefault(local_day(start.astimezone(zone).date(), str(zone)).start, []).append(start)
        for context, starts in _alike((self.contexts.on(day), starts) for day, starts in by_day.items()):
            mine = frame[frame[key].isin(starts)]
            cells = {reads: Cells(mine[chosen(mine)], key, MARGINS) for reads, chosen in FROM.items()}
            for kpi in (k for k in self.kpis if k.reads in FROM and grain in k.grains):
                kpi.context = context
                for v in cells[kpi.reads].of(kpi).itertuples(index=False):
                    yield kpi, v

    def _derived(self, undone: Undone, points: Sequence[dict[str, Any]], sight: Sight) -> Iterator[dict[str, Any]]:
        """Points that are made of other points."""
        span = Window(undone.spans[0].start, undone.spans[-1].end)
        sights = {w.id: Listening(self.store, w, span, undone.as_of).at(undone.as_of) for w in self.market.watched()}
        for kpi in self.kpis:
            if kpi.reads == "voices" and sights:
                for grain in kpi.grains:
                    windows = {start: self._window(pd.Timestamp(start), grain) for start in undone.starts[grain]}
                    for v, seen in derived.voices(
                        self.store, self.market, kpi, windows, grain, points, self.revisions, {self.market.id: sight, **sights}
                    ):
                        yield self._point(kpi, grain, v, seen, undone.as_of)
        yield from self.waiting.points(
            self.waiting.days(undone.days, undone.as_of), points, undone.starts["hour"], undone.as_of
        )

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
            "version": kpi.version, "revision": self.revisions[kpi.reads_scores],
            "value": _null(value), "n": int(n), "low": _null(low), "high": _null(high), "parts": parts, "quality": quality, "as_of": as_of,
        }  # fmt: skip

    def _measure_followers(self, as_of: datetime) -> int:
        """Follower KPIs per hour and local day, where they changed."""
        found = followers.numbers(self.store, self.market.id, self.market.time_zone, self.kpis)
        points = [self._point(kpi, grain, v, "ok", as_of) for kpi, grain, v in found]
        if not points:
            return 0
        span = Window(min(p["start"] for p in points), max(p["start"] for p in points) + BASE)
        names = sorted({p["kpi"] for p in points})
        known = {
            (p.kpi, p.grain, p.start, p.source): p.value
            for p in self.store.read(KpiPoint, market=self.market.id, kpi=names, start=span, lang=ALL)
        }
        fresh = [p for p in points if known.get((p["kpi"], p["grain"], p["start"], p["source"]), "absent") != p["value"]]
        with self.store.writing() as writer:
            return writer.upsert_values(KpiPoint, fresh)


def _alike(found: Iterable[tuple[Context, list[Any]]]) -> list[tuple[Context, list[Any]]]:
    """Days of the same context together."""
    out: list[tuple[Context, list[Any]]] = []
    for context, starts in found:
        same = next((known for other, known in out if other is context or other == context), None)
        if same is None:
            out.append((context, list(starts)))
        else:
            same += starts
    return out


def _null(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _parts(items: Sequence[Any], size: int) -> Iterable[list[Any]]:
    return (list(items[i : i + size]) for i in range(0, len(items), size))
