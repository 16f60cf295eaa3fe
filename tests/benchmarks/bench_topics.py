"""What it costs to put mentions into topics, however many are stored; run by hand:

python tests/benchmarks/bench_topics.py [--stored 10000,1000000] [--day 20000]

First: stores of several sizes hold four weeks of one market, grouped. Then the same 1,000 mentions of the next day come in on
each, in portions of 100, as polls bring them. What they cost is printed per 1,000, with the ratio to the smallest store.
Second: one day of many mentions, in as many portions; what the last tenth costs, as a ratio to what the first did.
"""

import argparse
import itertools
import random
import resource
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from bench_assessment import _key, _match, _mention, _score

from coolhead.clock import Fixed
from coolhead.intake import dirty
from coolhead.rows import InTopic, Match, Mention, Score, key_of
from coolhead.store import Store
from coolhead.tables import TABLES
from coolhead.telling_terms import stems_of, terms
from coolhead.topics import group_all
from unit.building import a_plan, mention, new_store, score

PLAN = a_plan()
MARKET = PLAN.markets[0].id
TODAY = datetime(2026, 3, 3, 23, tzinfo=UTC)
"""Midnight in Rome: the day begins empty on every store."""
BEFORE = timedelta(days=28)
NEW, PORTION, STORMY = 1_000, 100, 0.3
COMPLAINTS = (
    "Zefirella smells of plastic, batch {}, {} {}", "la Zefirella puzza di plastica, che schifo, {} {} {}", "pleśń w lodach Zefirella {} {} {}",
    "es krim Zefirella bau plastik {} {} {}", "never again Zefirella, the lid had melted {} {} {}",
)  # fmt: skip


class Talk:
    """Texts as people write them: words by Zipf's law, some of them about one complaint."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.words = [f"{self.rng.choice('bcdfglmnprstvz')}{self.rng.choice('aeiou')}{n:x}wort" for n in range(30_000)]
        self.weights = list(itertools.accumulate(1 / (n + 3) for n in range(30_000)))

    def text(self, storm: float) -> str:
        said = self.rng.choices(self.words, cum_weights=self.weights, k=12)
        if self.rng.random() < storm:
            return self.rng.choice(COMPLAINTS).format(*said[:3])
        return "Zefirella " + " ".join(said)


def fill(store: Store, count: int) -> None:
    """Mentions of four weeks with their rows in the topics: as though they had been grouped, and stood alone."""
    talk, brand = Talk(1), stems_of(["zefirella"])
    said = [terms(talk.text(0), brand) for _ in range(2_000)]
    step = BEFORE / count
    with store._engine.begin() as connection:
        for at in range(0, count, 50_000):
            keys = [_key(TODAY - BEFORE + n * step, n) for n in range(at, min(at + 50_000, count))]
            for kind, columns in ((Mention, _mention), (Match, _match), (Score, _score)):
                connection.execute(sa.insert(TABLES[kind]), [{**k, **columns(n, m, MARKET)} for k, n, m in keys])
            placed = [
                {**k, "market": MARKET, "published_at": m, "known_at": m, "author": f"{n % 50_000:024}", "topic": None,
                 "copy_of": None, "terms": said[n % len(said)]}
                for k, n, m in keys
            ]  # fmt: skip
            connection.execute(sa.insert(TABLES[InTopic]), placed)


def arrive(store: Store, talk: Talk, start: int, count: int, step: timedelta, storm: float) -> float:
    """Mentions number start to start + count of today come in and are grouped; returns the processor seconds that the grouping took."""
    found = [
        mention(n, TODAY + n * step, text=talk.text(storm), author=f"{talk.rng.randrange(20_000)}", audience=9)
        for n in range(start, start + count)
    ]  # fmt: skip
    rows: list[Any] = [*found, *(score(m, "negative") for m in found)]
    rows += [Match(**key_of(m), market=MARKET, published_at=m.published_at, matched_by="zefirella") for m in found]
    store.upsert([*rows, *dirty((MARKET, m.published_at) for m in found)])
    begun = time.process_time()
    (done,) = group_all(store, PLAN, Fixed(TODAY + timedelta(days=2)))
    seconds = time.process_time() - begun
    assert done.mentions == count
    return seconds


def by_history(sizes: list[int]) -> None:
    first = 0.0
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            store = new_store(Path(folder))
            fill(store, size)
            talk = Talk(2)
            took = [
                arrive(store, talk, at, PORTION, timedelta(seconds=3), STORMY) for at in range(0, NEW + PORTION, PORTION)
            ]  # fmt: skip
            store.close()
        # the first portion of a day also looks at what is usual
        cost = statistics.median(took[1:]) * NEW / PORTION
        first = first or cost
        print(f"{size:>10,} stored: {cost:.3f} s for 1,000 new ({1_000 / cost:,.0f}/s), a day's first portion of {PORTION} "
              f"{took[0]:.3f} s, ratio {cost / first:.2f}, peak memory {_memory():.0f} MB", flush=True)  # fmt: skip


def by_day(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = new_store(Path(folder))
        fill(store, 10_000)
        talk, portion = Talk(3), max(1, count // 288)
        step = timedelta(hours=23, minutes=59) / count
        took = [arrive(store, talk, at, portion, step, STORMY) for at in range(0, count - portion + 1, portion)]
        store.close()
    tenth = max(1, len(took) // 10)
    early, late = statistics.median(took[1 : tenth + 1]), statistics.median(took[-tenth:])
    done = len(took) * portion
    print(f"a day of {done:,} in {len(took)} portions of {portion}: {sum(took):.1f} s ({done / sum(took):,.0f}/s); a portion "
          f"{early:.3f} s in the first tenth, {late:.3f} s in the last, ratio {late / early:.2f}; peak memory {_memory():.0f} MB")  # fmt: skip


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--stored", default="10000,1000000")
    parser.add_argument("--day", type=int, default=20_000)
    asked = parser.parse_args()
    by_history([int(s) for s in asked.stored.split(",")])
    if asked.day:
        by_day(asked.day)
