"""Throughput of collecting, and how its cost grows with what is stored; run by hand:

python tests/benchmarks/bench_collect.py [--rows 5000] [--sources mastodon] [--stored 10000,1000000,5000000] [--database postgresql]

First, for each source and for all: rows per second through land, parse, validate and upsert (fetched before, from the
source's network played over HTTP), beside the same bytes read by pandas and appended to a table with neither check nor key;
and the memory that it took. Then the whole window task (what the Dag calls: backlog, poll over HTTP, parse, validate, upsert,
log) on stores of several sizes, where the ratio to the smallest is what counts.
"""

import argparse
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

sys.path[:0] = [str(Path(__file__).parents[1])]

import peers
from conftest import Postgres
from contract.test_peers import Listener, spread
from coolhead import registry
from coolhead.collecting import Asked, collect_all
from coolhead.edge import Edge
from coolhead.http import Client
from coolhead.rows import Match, Mention
from coolhead.sources import Fetched
from coolhead.store import Store, migrate
from coolhead.tables import TABLES
from coolhead.windows import Window
from peers import Network, Passing, World

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR = Window(NOON, NOON + timedelta(hours=1))
CLIENT = Client(allow_private=True)
WINDOWS, POSTS = 12, 200


@contextmanager
def listening(name: str, count: int, window: Window = HOUR, url: str = "") -> Generator[Listener]:
    """url: of a store to use; empty: a new one on SQLite."""
    world = World(spread(count, window))
    with tempfile.TemporaryDirectory() as folder, Network(peers.load(name, world)) as network:
        made = Listener(Path(folder), network, name, CLIENT, Store(url) if url else None)
        made.clock = Passing(window.end + timedelta(minutes=1))
        world.now = made.clock.now
        try:
            yield made
        finally:
            made.store.close()


def fetched(listener: Listener) -> list[Fetched]:
    source = registry.load("sources", listener.name)()
    query = listener.collector.query(source, listener.plan.markets[0])
    return list(source.payloads(query, HOUR, {}, CLIENT))


def absorb(listener: Listener, pages: list[Fetched]) -> tuple[int, float]:
    """(rows, seconds) of land, parse, validate, upsert."""
    source, collector, market = registry.load("sources", listener.name)(), listener.collector, listener.plan.markets[0]
    edge, begun = Edge(listener.where.author_key(), listener.clock), time.perf_counter()
    landed = [collector.landing.put(listener.name, market.id, page, listener.clock.now()) for page in pages]
    parsed = [edge.parse(one, collector.landing.read(one), source, ()) for one in landed]
    with listener.store.writing() as writer:
        collector.intake.write(writer, parsed)
    return sum(p.rows for p in parsed), time.perf_counter() - begun


def by_pandas(pages: list[Fetched], source: str) -> float:
    """Seconds for the same bytes: parsed by the source, as nobody parses for free, then appended with neither check nor key."""
    begun = time.perf_counter()
    rows = [row for page in pages for row in registry.load("sources", source)().mentions(page.content, page.meta)]
    frame = pd.DataFrame(rows).astype(str)
    with sqlite3.connect(":memory:") as connection:
        frame.to_sql("mention", connection, index=False)
    return time.perf_counter() - begun


def throughput(names: list[str], rows: int) -> None:
    print(f"{'source':16} {'rows':>6} {'rows/s':>8} {'pandas rows/s':>14} {'ratio':>6} {'peak MB':>8}")
    total, seconds = 0, 0.0
    for name in names:
        with listening(name, min(rows, type(peers.load(name, World())).most)) as listener:
            pages = fetched(listener)
            found, took = absorb(listener, pages)
            plain = by_pandas(pages, name)
        with listening(name, 0) as listener:
            tracemalloc.start()
            absorb(listener, pages)
            peak = tracemalloc.get_traced_memory()[1] / 1e6
            tracemalloc.stop()
        total, seconds = total + found, seconds + took
        print(f"{name:16} {found:6} {found / took:8.0f} {found / plain:14.0f} {plain / took:6.2f} {peak:8.1f}", flush=True)
    print(
        f"{'all':16} {total:6} {total / seconds:8.0f}   resident at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB"
    )


def fill(store: Store, count: int, source: str, market: str) -> None:
    """`count` mentions of the two years before, 14 characters of text each, with their matches and the log of every poll."""
    have = store.count(Mention, source=source)
    step = timedelta(days=730) / count
    begin = HOUR.start - timedelta(days=730)
    with store._engine.begin() as connection:
        for at in range(have, count, 100_000):
            moments = [(n, begin + n * step) for n in range(at, min(at + 100_000, count))]
            keys = [
                {"source": source, "day": m.date(), "native_id": f"{int(m.timestamp() * 1000) << 16}{n:08}"} for n, m in moments
            ]
            mentions = [
                {**k, "published_at": m, "known_at": m, "known_assumed": False, "payload_id": "0" * 64, "text": "Zefirella, sì!",
                 "lang": "it", "url": None, "author": f"{n % 50_000:024}", "audience": 9, "likes": 1, "comments": 0, "shares": 0,
                 "own": False, "repost_of": None, "parent": None, "edited_at": None, "gated": True}
                for (n, m), k in zip(moments, keys, strict=True)
            ]  # fmt: skip
            connection.execute(sa.insert(TABLES[Mention]), mentions)
            matches = [
                {**k, "market": market, "published_at": m, "matched_by": "zefirella"}
                for (_, m), k in zip(moments, keys, strict=True)
            ]
            connection.execute(sa.insert(TABLES[Match]), matches)
    polls(store, source, market, count)


def polls(store: Store, source: str, market: str, count: int) -> None:
    """One log row every five minutes, for as long as the stored mentions would have taken at 50 a poll."""
    from coolhead.rows import CollectionLog

    five, wanted = timedelta(minutes=5), min(count // 50, 730 * 288)
    rows = [
        {"source": source, "market": market, "start": HOUR.start - n * five, "end": HOUR.start - (n - 1) * five, "ok": True, "error": None,
         "payloads": 2, "rows": 50, "newest": HOUR.start - n * five, "known_at": HOUR.start - (n - 1) * five, "assumed": False,
         "quota": None, "attempts": 1, "seconds": 0.2}
        for n in range(1, wanted + 1)
    ]  # fmt: skip
    have = store.count(CollectionLog, source=source)
    with store._engine.begin() as connection:
        for at in range(have, wanted, 50_000):
            connection.execute(sa.insert(TABLES[CollectionLog]), rows[at : at + 50_000])


def growth(sizes: list[int], url: str, name: str = "mastodon") -> None:
    print(
        f"\nwindow task of {name}, {POSTS} new posts in each of {WINDOWS} windows\n{'stored':>10} {'median ms':>10} {'ratio':>6}"
    )
    first, five = 0.0, timedelta(minutes=5)
    with listening(name, 0, url=url) as listener:
        for size in sizes:
            fill(listener.store, size, name, listener.plan.markets[0].id)
            taken = []
            for n in range(WINDOWS):
                window = Window(HOUR.start + n * five, HOUR.start + (n + 1) * five)
                listener.network.peer.world.publish(*spread(POSTS, window, first=size * 10 + n * POSTS))
                listener.clock = Passing(window.end + timedelta(seconds=30))
                listener.network.peer.world.now = listener.clock.now
                begun = time.perf_counter()
                collect_all(listener.store, listener.plan, listener.where, listener.clock, name,
                            Asked((window.start, window.end)), listener.credentials, listener.client)  # fmt: skip
                taken.append(time.perf_counter() - begun)
            median = statistics.median(taken)
            first = first or median
            print(f"{size:10} {median * 1000:10.1f} {median / first:6.2f}", flush=True)
            forget(listener)


def forget(listener: Listener) -> None:
    """What the windows brought, so that the next size collects them anew."""
    from coolhead.rows import CollectionLog, Cursor, Dirty, Payload

    listener.network.peer.world._posts.clear()
    with listener.store.writing() as writer:
        keys = [
            {"source": m.source, "day": m.day, "native_id": m.native_id}
            for m in listener.store.read(Mention, published_at=HOUR)
        ]
        writer.delete_mentions(keys)
        writer.delete(CollectionLog, start=HOUR)
        for kind in (Cursor, Payload):
            writer.delete(kind, source=listener.name)
        writer.delete(Dirty, market=listener.plan.markets[0].id)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--stored", default="10000,1000000,5000000")
    parser.add_argument("--database", default="sqlite", choices=["sqlite", "postgresql"], help="for the window task")
    parser.add_argument("--sources", default=",".join(peers.names()))
    options = parser.parse_args()
    if options.sources:
        throughput(options.sources.split(","), options.rows)
    sizes = [int(n) for n in options.stored.split(",") if n]
    if sizes and options.database == "sqlite":
        growth(sizes, "")
    elif sizes:
        server = Postgres(Path(tempfile.mkdtemp(prefix="coolhead-pg-")))
        try:
            migrate(url := server.create("bench"))
            growth(sizes, url)
        finally:
            server.stop()
