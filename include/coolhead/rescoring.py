"""A second reader of what was said: another scorer, or another revision, reads history, and its series stands beside.

Newest local day first, so that what baselines look back on is done first. Resumable: what was read is passed over, and a
day that was read and not published is told by its missing points. A reading beside leaves the active scorer's queue,
marks and points alone: it changes no number that anybody acts on until the plan names it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from coolhead import contexts, plan_files
from coolhead.clock import Clock
from coolhead.collection import batches
from coolhead.contexts import Contexts
from coolhead.measuring import FROM, GRAINS, Measurer, Undone
from coolhead.plan import Market, Plan, ScorerChoice
from coolhead.rows import ALL, KpiPoint, Match, Mention
from coolhead.scoring import commit
from coolhead.sentiment import Scorer, active
from coolhead.settings import Settings
from coolhead.store import Store
from coolhead.verdicts import Listening
from coolhead.windows import Window, local_day

RECENT = timedelta(days=2)
"""How far back a series beside is kept up to date by itself; the rest is read on request."""

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
    first = active(plan.brands.scorer)
    beside = (first.name, first.revision) != (scorer.name, scorer.revision)
    return sum(_market(store, plan, scorer, market, clock, tell, since, beside) for market in markets)


def keep_up(store: Store, plan: Plan, clock: Clock, tell: Tell) -> dict[str, int]:
    """The scorers beside the active one read what is new; mentions read, by name."""
    since = clock.now() - RECENT
    return {s.name: rescore(store, plan, active(s), plan.listened, clock, tell, since) for s in plan.brands.scorer.beside}


def on_request(
    store: Store, plan: Plan, where: Settings, clock: Clock, tell: Tell, name: str | None, settings: dict[str, Any] | None,
    market: str | None,
) -> dict[str, object]:  # fmt: skip
    """All of history. name, settings: of the scorer; without, as the plan's files have it, also before the plan that runs does."""
    asked = plan_files.load(where.plan).brands.scorer
    chosen = next((s for s in (asked, *asked.beside) if name in (None, s.name)), ScorerChoice(name=name or asked.name))
    scorer = active(chosen if settings is None else ScorerChoice(name=chosen.name, settings=settings))
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


def _market(
    store: Store, plan: Plan, scorer: Scorer, market: Market, clock: Clock, tell: Tell, since: datetime | None, beside: bool
) -> int:
    publisher = Beside(store, market, scorer, contexts.of(store, plan, market.id, scorer))
    days = list(_days(store, market, since))
    counts = {day: store.count(Match, market=market.id, published_at=local_day(day, market.time_zone)) for day in days}
    done = Progress(market.id, sum(counts.values()), monotonic())
    for day in (d for d in days if counts[d]):
        span = local_day(day, market.time_zone)
        fresh, changed = _read(store, scorer, market, span, clock, beside)
        known = published(store, market, span.start, scorer)
        # What another market's turn read, or a person labelled, or a run that was killed left behind: newer than the series.
        if beside and (fresh or known is None or (changed is not None and changed > known)):
            publisher.publish(day, clock.now())
        done.seen, done.read = done.seen + counts[day], done.read + fresh
        tell(f"{day}, {scorer.name}/{scorer.revision}: {done}")
    return done.read


def _days(store: Store, market: Market, since: datetime | None) -> Iterator[date]:
    """Newest first."""
    low, high = store.quantity(Match, "published_at", market=market.id)
    if low is None or (since and high < since):
        return
    zone = ZoneInfo(market.time_zone)
    day, first = high.astimezone(zone).date(), max(low, since or low).astimezone(zone).date()
    while day >= first:
        yield day
        day -= timedelta(days=1)


def _read(
    store: Store, scorer: Scorer, market: Market, span: Window, clock: Clock, beside: bool
) -> tuple[int, datetime | None]:
    """One local day, in batches of one transaction each; returns how many were read, and when the others last changed."""
    frame = store.mentions(market.id, span, scorer.name, scorer.revision, clock.now())
    unread = frame[frame.read_label.isna() & frame.gated]
    parts = batches((_mention(row) for row in unread.itertuples(index=False)), scorer.batch)
    last = frame[["scored_at", "labelled_at"]].max().max()
    read = sum(len(commit(store, scorer, part, clock.now(), beside)) for part in parts)
    return read, last.to_pydatetime() if last == last else None


def _mention(row: Any) -> Mention:
    """What a scorer and its queue need of it."""
    return Mention.model_construct(
        source=row.source, day=row.day, native_id=row.native_id, text=row.text, lang=row.lang or None,
        payload_id=row.payload_id, published_at=row.published_at.to_pydatetime(), known_at=row.known_at.to_pydatetime(), known_assumed=row.known_assumed,
    )  # fmt: skip


def published(store: Store, market: Market, start: datetime, scorer: Scorer) -> datetime | None:
    """As of when the scorer's series has the local day that begins then; None: it has not."""
    found = store.read(
        KpiPoint, market=market.id, kpi="scored_coverage", grain="day", start=start, source=ALL, lang=ALL,
        revision=f"{scorer.name}/{scorer.revision}",
    )  # fmt: skip
    return max((p.as_of for p in found), default=None)
