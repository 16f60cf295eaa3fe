"""collect: fetch, land, parse, validate, store; and what the collection log says of a stretch of time.

Rows, refused rows, log row and cursors of a poll commit in one transaction. A payload that was landed and never
committed (the process died in between) is parsed again by the next poll.
"""

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from coolhead import failpoint, registry
from coolhead.clock import Clock
from coolhead.edge import Edge, Parsed, clean
from coolhead.errors import CoolheadError, QualityError
from coolhead.http import Client
from coolhead.landing import Landed, Landing
from coolhead.matching import matched_by
from coolhead.plan import Market, Plan
from coolhead.rows import (
    CollectionLog,
    Cursor,
    Dirty,
    Follower,
    Match,
    Mention,
    Payload,
    key_of,
)  # fmt: skip
from coolhead.settings import Settings
from coolhead.sources import Fetched, Query, Source
from coolhead.store import Store, Writer, around
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
        """credentials: source -> fields of its connection."""
        self.store, self.plan, self.settings, self.clock = store, plan, settings, clock
        self.landing = Landing(settings.landing)
        self.client = client or Client(allow_private=plan.brands.network.allow_private)
        self._credentials = credentials or {}

    def query(self, source: Source, market: Market) -> Query:
        chosen = dict(market.sources[source.name])
        if source.name == "files" and not chosen.get("folder"):
            chosen["folder"] = str(self.settings.inbox / market.id)
        return Query(
            market.id, market.terms.any_of, market.languages, market.own_accounts.get(source.name, ()),
            source.Settings.model_validate(chosen), self._credentials.get(source.name, {}),
        )  # fmt: skip

    def poll(self, source_name: str, market: Market, window: Window, assume_known: bool = False) -> Poll:
        """Collect one window of one market. The log row is written whether it succeeds or not; errors are raised after."""
        source: Source = registry.load("sources", source_name)()
        edge = Edge(self.settings.author_key(), self.clock, assume_known)
        begun = time.monotonic()
        return self._poll(source, market, window, edge, begun)

    def _poll(self, source: Source, market: Market, window: Window, edge: Edge, begun: float) -> Poll:
        query = self.query(source, market)
        cursor = {c.stream: c.value for c in self.store.read(Cursor, source=source.name, market=market.id)}
        fetched, errors = self._fetch(source, market, source.payloads(query, window, cursor, self.client))
        parsed = []
        for landed in self._uncommitted(source.name, market.id, fetched):
            parsed.append(edge.read(landed, self.landing.read(landed), source, query.own_accounts, errors))
        inside = [m.published_at for p in parsed for m in p.mentions if m.published_at in window]
        error = clean(str(errors[0]))[:1_000] if errors else None
        log = self._log(source, market, window, begun, edge, len(fetched), len(inside), max(inside, default=None), error)
        # Pages come newest first, so the newest is folded in last. After an error no cursor moves: what was not fetched
        # lies behind it, and what was fetched comes again and changes nothing.
        moved = [
            Cursor(source=source.name, market=market.id, stream=f.stream, value=f.position)
            for f in reversed(fetched) if f.position and not errors
        ]  # fmt: skip
        failpoint.reached("poll.parsed")
        with self.store.writing() as writer:
            new = self.write(writer, parsed)
            writer.upsert([log, *moved, *covered(parsed, market.id, self.clock)])
            failpoint.reached("poll.written")
        failpoint.reached("poll.committed")
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
        except CoolheadError as error:
            return fetched, [error]
        return fetched, []

    def _uncommitted(self, source: str, market: str, landed: Sequence[Landed]) -> list[Landed]:
        """What was landed now, or by a poll that died before it committed, and is not stored yet."""
        here = [l for l in [*self.landing.recent(source), *landed] if l.market == market]
        found = {l.payload_id: l for l in here}
        done = {p.payload_id: p.path for p in self.store.read(Payload, payload_id=list(found))} if found else {}
        for l in here:
            if done.get(l.payload_id, l.path) != l.path:
                self.landing.remove(l.path)  # the same bytes, on a later day: retention and erasure know one place
        return [l for payload_id, l in found.items() if payload_id not in done]

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
        # so that nothing comes again, takes nothing back.
        return log.model_copy(update={
            "ok": True, "error": None, "known_at": before.known_at, "assumed": before.assumed,
            "payloads": max(payloads, before.payloads), "rows": max(rows, before.rows),
            "newest": max((n for n in (newest, before.newest) if n), default=None),
        })  # fmt: skip

    def write(self, writer: Writer, parsed: Sequence[Parsed]) -> int:
        """Mentions, matches, refused rows, payloads and dirty marks of some payloads, in the caller's transaction.

        Only a new mention or a changed text makes its window dirty: likes that grow do not. Returns new mentions.
        """
        new = 0
        for source in {p.landed.source for p in parsed}:
            mine = [p for p in parsed if p.landed.source == source]
            mentions, known = self._on_known_days(source, [m for p in mine for m in p.mentions])
            addressed = {p.landed.payload_id: p.landed.market for p in mine if p.addressed}
            matches = {m.native_id: self._matches(m, addressed.get(m.payload_id)) for m in mentions}
            edited = [m for m in mentions if m.native_id in known and known[m.native_id][2] != m.text]
            changed = [m for m in mentions if m.native_id not in known] + edited
            marks = dirty((x.market, x.published_at) for m in changed for x in matches[m.native_id])
            writer.upsert([*mentions, *(x for found in matches.values() for x in found), *marks])
            writer.mark_edited([key_of(m) for m in edited])
            writer.upsert([q for p in mine for q in p.refused] + [p.payload() for p in mine])
            new += len({m.native_id for m in mentions} - set(known))
        return new

    def _on_known_days(
        self, source: str, mentions: list[Mention]
    ) -> tuple[list[Mention], dict[str, tuple[date, datetime, str]]]:
        """A mention that came before keeps its first day and publication, even if its time was edited since: its match, its
        windows and its key stay where they are."""
        if not mentions:
            return [], {}
        known = self.store.existing(source, [m.native_id for m in mentions], around([m.published_at for m in mentions]))
        first = {m.native_id: (m.day, m.published_at) for m in reversed(mentions)}
        first |= {native_id: (day, published) for native_id, (day, published, _) in known.items()}
        placed = []
        for m in mentions:
            day, published = first[m.native_id]
            same = (m.day, m.published_at) == (day, published)
            placed.append(m if same else m.model_copy(update={"day": day, "published_at": published}))
        return placed, known

    def _matches(self, mention: Mention, addressed: str | None) -> list[Match]:
        out = []
        for market in self.plan.markets:
            if mention.source not in market.sources:
                continue
            why = matched_by(mention.text, market.terms) or (
                "the export was given for this market" if addressed == market.id else None
            )
            if mention.own and not why:
                why = "own post"
            if why:
                out.append(Match(**key_of(mention), market=market.id, published_at=mention.published_at, matched_by=why))
        return out

    def followers(self, source_name: str, market: Market) -> int:
        """Read the follower counts of the market's own accounts; returns how many."""
        source: Source = registry.load("sources", source_name)()
        found = [
            Follower(market=market.id, source=source.name, account=account, at=at or floor(self.clock.now()), followers=count)
            for account, at, count in source.followers(self.query(source, market), self.client)
        ]
        return self.store.upsert(found)


def covered(parsed: Sequence[Parsed], market: str, clock: Clock) -> list[CollectionLog]:
    """Log rows of exports: each covers from its first to its last mention, whatever the poll's own window was."""
    out = []
    for p in parsed:
        times = [m.published_at for m in p.mentions]
        if p.addressed and times:
            out.append(CollectionLog(
                source=p.landed.source, market=market, start=floor(min(times)), end=floor(max(times)) + BASE, ok=True, payloads=1,
                rows=len(times), newest=max(times), known_at=clock.now(), assumed=True,
            ))  # fmt: skip
    return out


def dirty(published: Iterable[tuple[str, datetime]]) -> list[Dirty]:
    """Marks for the windows of some (market, publication) pairs."""
    mark = uuid.uuid4().hex
    return [Dirty(market=m, start=s, mark=mark) for m, s in {(m, floor(p)) for m, p in published}]


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
