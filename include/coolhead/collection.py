"""collect: fetch, land, parse, validate, store; and what the collection log says of a stretch of time.

Rows, refused rows, log row and cursors of a poll commit in one transaction. A payload that was landed and never
committed (the process died in between) is parsed again by the next poll.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from coolhead import failpoint, registry, thawing
from coolhead.budget import metered
from coolhead.clock import Clock
from coolhead.edge import Edge, Parsed, clean
from coolhead.errors import ConfigError, CoolheadError, QualityError, foreseen, together
from coolhead.http import Client
from coolhead.intake import Intake
from coolhead.landing import Landed, Landing
from coolhead.matching import forms
from coolhead.plan import Market, Plan
from coolhead.rows import (
    CollectionLog,
    Cursor,
    Follower,
    Payload,
    Silence,
)  # fmt: skip
from coolhead.settings import Settings
from coolhead.sources import Fetched, Query, Source
from coolhead.store import Store
from coolhead.verdicts import within_reach
from coolhead.windows import BASE, Window, floor

BATCH = 2_000
"""Rows per transaction of an import; a poll is one transaction whatever its size."""


@dataclass(frozen=True)
class Poll:
    """What a poll did, for logs and XCom."""

    source: str
    market: str
    window: Window
    payloads: int
    mentions: int
    refused: int
    duplicates: int


class Collector:
    """Collects for all markets of a plan into one store."""

    def __init__(
        self, store: Store, plan: Plan, settings: Settings, clock: Clock, client: Client | None = None,
        credentials: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        """credentials: connection -> its fields."""
        self.store, self.plan, self.settings, self.clock = store, plan, settings, clock
        self.landing, self.intake = Landing(settings.landing), Intake(store, plan)
        self.client = client or Client(**dict(plan.brands.network))
        self._credentials = credentials or {}

    def query(self, source: Source, market: Market) -> Query:
        chosen = dict(market.sources[source.name])
        if source.name == "files" and not chosen.get("folder"):
            chosen["folder"] = str(self.settings.inbox / market.id)
        given, terms = source.Settings.model_validate(chosen), market.terms
        connection = given.connection or source.name
        return Query(
            market.id, terms.any_of, market.languages, market.own_accounts.get(source.name, ()), given,
            self._credentials.get(connection, {}), terms.all_of, terms.none_of, forms(terms, market.languages), connection,
        )  # fmt: skip

    def asking(self, source: Source, query: Query) -> Client:
        """The client, paying for each request from the source's budget."""
        return metered(self.client, self.store, self.clock, source.name, query.connection, source.rate)

    def poll(self, source_name: str, market: Market, window: Window, assume_known: bool = False) -> Poll:
        """Collect one window of one market. The log row is written whether it succeeds or not; errors are raised after."""
        source: Source = registry.load("sources", source_name)()
        edge = Edge(self.settings.author_key(), self.clock, assume_known)
        begun = time.monotonic()
        return self._poll(source, market, window, edge, begun)

    def _poll(self, source: Source, market: Market, window: Window, edge: Edge, begun: float) -> Poll:
        query = self.query(source, market)
        cursor = {c.stream: c.value for c in self.store.read(Cursor, source=source.name, market=market.id)}
        # Only the newest stretch looks back, or each slice of a backlog would.
        newest = self.clock.now() - window.end <= 2 * source.poll
        asked = Window(window.start - source.revisit, window.end) if newest else window
        client = self.asking(source, query)
        fetched, errors = self._fetch(source, market, source.payloads(query, asked, cursor, client))
        parsed = []
        for landed in self._to_read(source.name, market.id, fetched):
            parsed.append(edge.read(landed, self.landing.read(landed), source, query.own_accounts, errors))
        # A mention that several questions found counts once.
        inside = {m.native_id: m.published_at for p in parsed for m in p.mentions if m.published_at in window}.values()
        error = clean(str(errors[0]))[:1_000] if errors else None
        log = self._log(source, market, window, begun, edge, len(fetched), len(inside), max(inside, default=None), error)
        log = log.model_copy(update={"quota": client.quota})
        logs = [part for x in within_reach(log, min(inside, default=None)) for part in self._scrolled(x, fetched)]
        # Pages come newest first, so the newest is folded in last. After an error no cursor moves: what was not fetched
        # lies behind it, and what was fetched comes again and changes nothing.
        moved = [
            Cursor(source=source.name, market=market.id, stream=f.stream, value=f.position)
            for f in reversed(fetched) if f.position and not errors
        ]  # fmt: skip
        failpoint.reached("poll.parsed")
        with self.store.writing() as writer:
            new = self.intake.write(writer, parsed)
            logs += covered(parsed, market.id, self.clock)
            writer.upsert([*logs, *moved])
            thawing.forget(writer, market.id, thawing.days_assumed(logs, market.time_zone))
            failpoint.reached("poll.written")
        failpoint.reached("poll.committed")
        self.settle([p.landed for p in parsed])
        if errors:
            raise errors[0]
        _check_quality(parsed, self.plan.brands.quality.max_refused_share)
        again = sum(len(p.mentions) + p.duplicates for p in parsed) - new
        return Poll(source.name, market.id, window, len(fetched), new, sum(len(p.refused) for p in parsed), again)

    def _fetch(self, source: Source, market: Market, payloads: Iterator[Fetched]) -> tuple[list[Landed], list[CoolheadError]]:
        """Land what comes; an error ends the fetching, and what came before it is kept."""
        fetched: list[Landed] = []
        try:
            for f in payloads:
                fetched.append(self.landing.put(source.name, market.id, f, self.clock.now()))
        except Exception as error:  # whatever it is: the log must say that the stretch was not seen
            return fetched, [foreseen(error)]
        return fetched, []

    def _to_read(self, source: str, market: str, landed: Sequence[Landed]) -> list[Landed]:
        """What was landed now, even if the same bytes were stored before: what changed in between may have changed back. And
        first, oldest first, what a poll landed that died before it committed."""
        waiting = sorted((l for l in self.landing.pending(source) if l.market == market), key=lambda l: l.fetched)
        now = {l.payload_id: l for l in landed}
        left = [l for l in waiting if l.payload_id not in now]
        done = {p.payload_id for p in self.store.read(Payload, payload_id=[l.payload_id for l in left])} if left else set()
        self.landing.settle(l for l in left if l.payload_id in done)
        return [*(l for l in left if l.payload_id not in done), *now.values()]

    def settle(self, landed: Sequence[Landed]) -> None:
        """They are stored; of the same bytes on two days the first copy is kept: retention and erasure know one place."""
        kept = {p.payload_id: p.path for p in self.store.read(Payload, payload_id=[l.payload_id for l in landed])}
        self.landing.settle(landed)
        for l in landed:
            if kept[l.payload_id] != l.path:
                self.landing.remove(l.path)

    def _scrolled(self, log: CollectionLog, fetched: Sequence[Landed]) -> list[CollectionLog]:
        """What lies before the oldest entry of an answer that shows the latest only may have been missed. Before the first
        poll of all nobody listened, so nothing was."""
        since = max((floor(datetime.fromisoformat(f.reaches)) for f in fetched if f.reaches), default=log.start)
        if not log.ok or since <= log.start or since >= log.end:
            return [log]
        seen = log.model_copy(update={"start": since})
        if self.store.first(CollectionLog, "start", source=log.source, market=log.market) is None:
            return [seen]
        why = "what was published then may have scrolled off before it was asked for"
        missed = {"end": since, "ok": False, "error": why, "payloads": 0, "rows": 0, "newest": None}
        return [log.model_copy(update=missed), seen]

    def _log(
        self, source: Source, market: Market, window: Window, begun: float, edge: Edge,
        payloads: int = 0, rows: int = 0, newest: datetime | None = None, error: str | None = None,
    ) -> CollectionLog:  # fmt: skip
        known = self.store.read(
            CollectionLog,
            source=source.name,
            market=market.id,
            start=Window(window.start, window.start + timedelta(microseconds=1)),
        )
        before = next((k for k in known if k.end == window.end), None)
        log = CollectionLog(
            source=source.name, market=market.id, start=window.start, end=window.end, ok=error is None, error=error,
            payloads=payloads, rows=rows, newest=newest, known_at=self.clock.now(), assumed=edge._assume,
            attempts=(before.attempts if before else 0) + 1, seconds=round(time.monotonic() - begun, 3),
        )  # fmt: skip
        if before is None or not before.ok:
            return log
        # What was seen stays seen, and was known when it was known: a repeated poll that fails, or whose cursor has moved
        # so that nothing comes again, takes nothing back. Unless it was a silence that nobody believed, and now it speaks.
        span = {"source": source.name, "market": market.id}
        spoke = rows and not before.rows and self.store.overlapping(Silence, Window(before.start, before.end), **span)
        return log.model_copy(update={
            "ok": True, "error": None, "known_at": log.known_at if spoke else before.known_at, "assumed": before.assumed,
            "payloads": max(payloads, before.payloads), "rows": max(rows, before.rows),
            "newest": max((n for n in (newest, before.newest) if n), default=None),
        })  # fmt: skip

    def followers(self, source_name: str, market: Market) -> int:
        """Read the follower counts of the market's own accounts; returns how many.

        An account that cannot be read takes no other along: where one fails, those that are left are asked one by one. Raises
        one error, after all that came is stored, that names every account that failed.
        """
        source: Source = registry.load("sources", source_name)()
        query = self.query(source, market)
        client = self.asking(source, query)
        found, error = self._counted(source, query, client)
        errors = {"": error} if error else {}
        if error and len(query.own_accounts) > 1 and not isinstance(error, ConfigError):
            errors = {}
            for account in (a for a in query.own_accounts if a not in {f.account for f in found}):
                more, error = self._counted(source, replace(query, own_accounts=(account,)), client)
                found += more
                errors |= {account: error} if error else {}
        self.store.upsert(found)
        if errors:
            raise together(errors)
        return len(found)

    def _counted(self, source: Source, query: Query, client: Client) -> tuple[list[Follower], CoolheadError | None]:
        """What came, and what ended it."""
        found: list[Follower] = []
        try:
            for account, at, count in source.followers(query, client):
                found.append(Follower(
                    market=query.market, source=source.name, account=account, at=at or floor(self.clock.now()), followers=count,
                ))  # fmt: skip
        except Exception as error:  # whatever it is: the other accounts have followers too
            return found, foreseen(error)
        return found, None


def listens(kind: Any, market: Market, now: datetime) -> bool:
    """Between the local days on which the market began to listen here and on which it ended."""
    given, day = kind.Settings.model_validate(market.sources[kind.name]), now.astimezone(ZoneInfo(market.time_zone)).date()
    return not (given.active_from and day < given.active_from) and not (given.retired_on and day >= given.retired_on)


def covered(parsed: Sequence[Parsed], market: str, clock: Clock) -> list[CollectionLog]:
    """Log rows of exports: each covers from its first to its last mention, whatever the poll's own window was."""
    out = []
    for p in parsed:
        times = [m.published_at for m in p.mentions]
        if times and registry.load("sources", p.landed.source).exports:
            out.append(CollectionLog(
                source=p.landed.source, market=market, start=floor(min(times)), end=floor(max(times)) + BASE, ok=True, payloads=1,
                rows=len(times), newest=max(times), known_at=clock.now(), assumed=True,
            ))  # fmt: skip
    return out


def _check_quality(parsed: Sequence[Parsed], limit: float) -> None:
    for p in parsed:
        if p.refused and len(p.refused) > limit * p.rows:
            raise QualityError(
                f"{p.landed.origin}: {len(p.refused)} of {p.rows} rows refused (limit {limit:.0%}); first: {p.refused[0].reason}. "
                f"All rows are stored; look at the quarantine of payload {p.landed.payload_id[:12]}"
            )


def batches(items: Iterable[Any], size: int = BATCH) -> Iterable[list[Any]]:
    """Lists of at most `size`."""
    iterator = iter(items)
    while found := list(islice(iterator, size)):
        yield found
