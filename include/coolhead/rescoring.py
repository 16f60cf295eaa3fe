"""A second reader of what was said: another scorer, or another revision, reads history, and its series stands beside.

Newest local day first, so that what baselines look back on is done first. Resumable: what was read is passed over, and a
day that was read and not published is told by its missing points. A reading beside leaves the active scorer's queue,
marks and points alone: it changes no number that anybody acts on until the plan names it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from coolhead import contexts, plan_files, readings
from coolhead.clock import Clock
from coolhead.contexts import Contexts
from coolhead.measuring import FROM, GRAINS, Measurer, Undone
from coolhead.plan import Market, Plan, ScorerChoice
from coolhead.rows import ALL, Cursor, KpiPoint, Match, Mention
from coolhead.scoring import commit
from coolhead.sentiment import Scorer, active
from coolhead.settings import Settings
from coolhead.store import Store
from coolhead.verdicts import Listening
from coolhead.windows import Window, local_day

RECENT = timedelta(days=2)
"""How far back a series beside is kept up to date by itself; the rest is read on request."""
PORTION = 10_000
"""Mentions that a scorer beside reads in one run: what comes after it in that run does not wait for hours."""
EVERY = timedelta(hours=1)
"""How often a series beside is published: nobody acts on it within minutes, and each time takes a day's mentions."""

Tell = Callable[[str], None]


@dataclass
class Progress:
    """How far one reading of one market has come. Times are the wall's: this is for whoever waits."""

    market: str
    total: int
    begun: float
    seen: int = 0
    read: int = 0

    def __str__(self) -> str:
        took = max(monotonic() - self.begun, 1e-3)
        left = (self.total - self.seen) * took / max(self.seen, 1)
        return (
            f"{self.market}: {self.seen:,} of {self.total:,} mentions, {self.read:,} of them read now, "
            f"{self.seen / took:,.0f} a second, {timedelta(seconds=round(left))} left"
        )


def rescore(
    store: Store, plan: Plan, scorer: Scorer, markets: Sequence[Market], clock: Clock, tell: Tell, since: datetime | None = None
) -> int:
    """Have a scorer read what it has not read of some markets, and publish its series; returns how many mentions it read.

    since: only mentions that were published later. The active scorer's points are left to the evaluation.
    """
    return sum(_all_of(Reading(store, plan, scorer, market, clock), tell, since) for market in markets)


def keep_up(store: Store, plan: Plan, clock: Clock, tell: Tell) -> dict[str, int]:
    """The scorers beside the active one read what is new, at most PORTION mentions each; mentions read, by name.

    A local day is published when it has no series yet, and again EVERY so often where it changed.
    """
    out: dict[str, int] = {}
    for scorer in (active(choice, plan.languages) for choice in plan.brands.scorer.beside):
        left = PORTION
        for market in plan.listened:
            left -= _recent(Reading(store, plan, scorer, market, clock), tell, left)
        out[scorer.name] = PORTION - left
    return out


def on_request(
    store: Store, plan: Plan, where: Settings, clock: Clock, tell: Tell, name: str | None, settings: dict[str, Any] | None,
    market: str | None,
) -> dict[str, object]:  # fmt: skip
    """All of history. name, settings: of the scorer; without, as the plan's files have it, also before the plan that runs does."""
    asked = plan_files.load(where.plan).brands.scorer
    chosen = next((s for s in (asked, *asked.beside) if name in (None, s.name)), ScorerChoice(name=name or asked.name))
    scorer = active(chosen if settings is None else ScorerChoice(name=chosen.name, settings=settings), plan.languages)
    markets = [plan.market(market)] if market else plan.listened
    read = rescore(store, plan, scorer, markets, clock, tell)
    return {"scorer": f"{scorer.name}/{scorer.revision}", "read": read, "markets": [m.id for m in markets]}


class Beside(Measurer):
    """Computes the points that depend on who read, and no others."""

    def __init__(self, store: Store, market: Market, scorer: Scorer, known: Contexts) -> None:
        super().__init__(store, market, scorer.name, scorer.revision, known)
        self.kpis = [k for k in self.kpis if k.reads_scores and k.reads in FROM]

    def publish(self, day: date, as_of: datetime) -> int:
        """All windows of one local day, in one transaction; marks, and what others wrote, stay."""
        span = local_day(day, self.market.time_zone)
        frame = self._frame(Undone([day], [span], [], as_of))
        sight = Listening(self.store, self.market, span, as_of).at(as_of)
        points: list[dict[str, Any]] = []
        for grain in GRAINS:
            starts = {start.to_pydatetime() for start in frame[f"bucket_{grain}"]}
            points += self._points(frame, grain, starts, sight, as_of)
        with self.store.writing() as writer:
            writer.delete(KpiPoint, market=self.market.id, start=span, revision=self.revisions[1])
            return writer.upsert_values(KpiPoint, points)


class Reading:
    """One scorer reads one market."""

    def __init__(self, store: Store, plan: Plan, scorer: Scorer, market: Market, clock: Clock) -> None:
        first = active(plan.brands.scorer)
        self.store, self.scorer, self.market, self.clock = store, scorer, market, clock
        self.reader = f"{scorer.name}/{scorer.revision}"
        self.beside = (first.name, first.revision) != (scorer.name, scorer.revision)
        self._publisher = Beside(store, market, scorer, contexts.of(store, plan, market.id, scorer))

    def days(self, since: datetime | None) -> Iterator[tuple[date, Window]]:
        """Local days with mentions, newest first."""
        low, high = self.store.quantity(Match, "published_at", market=self.market.id)
        if low is None or (since and high < since):
            return
        zone = ZoneInfo(self.market.time_zone)
        day, first = high.astimezone(zone).date(), max(low, since or low).astimezone(zone).date()
        while day >= first:
            span = local_day(day, self.market.time_zone)
            if self.store.first(Match, "published_at", market=self.market.id, published_at=span):
                yield day, span
            day -= timedelta(days=1)

    def read(self, span: Window, limit: int | None = None) -> int:
        """What is unread of a day, at most so many, in batches of one transaction each; returns how many were read."""
        done, left = 0, limit
        while left is None or left > 0:
            size = self.scorer.batch if left is None else min(left, self.scorer.batch)
            asked = (self.scorer.name, self.scorer.revision, self.clock.now(), size)
            found = self.store.asked(readings.unread(self.market.id, span, *asked))
            part = [Mention.model_construct(**row._mapping) for row in found]
            read = len(commit(self.store, self.scorer, part, self.clock.now(), self.beside)) if part else 0
            if not read:  # or all of them are being edited just now: they come again when the gate has seen them
                break
            done, left = done + read, None if left is None else left - read
        return done

    def stale(self, span: Window) -> datetime | None:
        """As of when a day was published that changed since; the beginning of time where it never was, None where it stands."""
        known = published(self.store, self.market, span.start, self.scorer)
        if known is None:
            return datetime.min.replace(tzinfo=UTC)
        return known if any(at > known for at in self._changes(span)) else None

    def _changes(self, span: Window) -> Iterator[datetime]:
        """When something of a day changed: it was read, also for another market or by a run that was killed; a person labelled
        it; or the active scorer's points were made anew, as they are whenever a mention comes, goes or is edited."""
        days = [f"read {span.start.date() + timedelta(days=n)}" for n in range((span.end.date() - span.start.date()).days + 1)]
        for c in self.store.read(Cursor, source=self.reader, market=self.market.id, stream=days):
            yield datetime.fromisoformat(c.value)
        yield from (at for (at,) in self.store.asked(readings.newest_label(self.market.id, span)) if at)
        of_all = {"kpi": "volume", "grain": "day", "source": ALL, "lang": ALL}
        yield from (p.as_of for p in self.store.read(KpiPoint, market=self.market.id, start=span.start, **of_all))

    def publish(self, day: date) -> int:
        """Points written."""
        return self._publisher.publish(day, self.clock.now())


def _all_of(reading: Reading, tell: Tell, since: datetime | None) -> int:
    days = list(reading.days(since))
    counts = {day: reading.store.count(Match, market=reading.market.id, published_at=span) for day, span in days}
    done = Progress(reading.market.id, sum(counts.values()), monotonic())
    for day, span in days:
        fresh = reading.read(span)
        if reading.beside and (fresh or reading.stale(span)):
            reading.publish(day)
        done.seen, done.read = done.seen + counts[day], done.read + fresh
        tell(f"{day}, {reading.reader}: {done}")
    return done.read


def _recent(reading: Reading, tell: Tell, limit: int) -> int:
    read, now = 0, reading.clock.now()
    for day, span in reading.days(now - RECENT):
        fresh = reading.read(span, limit - read)
        since = reading.stale(span)
        points = reading.publish(day) if since is not None and now - since >= EVERY else 0
        read += fresh
        if fresh or points:
            tell(f"{day}, {reading.reader}: {reading.market.id}: {fresh:,} mentions read, {points:,} points published")
    return read


def published(store: Store, market: Market, start: datetime, scorer: Scorer) -> datetime | None:
    """As of when the scorer's series has the local day that begins then; None: it has not."""
    found = store.read(
        KpiPoint, market=market.id, kpi="scored_coverage", grain="day", start=start, source=ALL, lang=ALL,
        revision=f"{scorer.name}/{scorer.revision}",
    )  # fmt: skip
    return max((p.as_of for p in found), default=None)
