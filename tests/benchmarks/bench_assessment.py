"""What one assessment of five minutes costs, however much is stored; run by hand:

python tests/benchmarks/bench_assessment.py [--stored 10000,1000000,10000000]

Stores of several sizes hold two years of one market: mentions with matches, scores and the log of every poll. Then the same
day is played on each: new mentions every five minutes, checked, read, measured and judged, as the Dags do it. The day is the
same on every store, so that whatever differs is the history's doing. The ratio to the smallest store is what counts: 1.3 at most.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path[:0] = [str(Path(__file__).parents[1])]

from coolhead.clock import Fixed
from coolhead.evaluation import evaluate_all
from coolhead.intake import dirty
from coolhead.quality import gate
from coolhead.rows import CollectionLog, Dirty, Incident, Judged, KpiPoint, Match, Mention, Score, Signal, key_of
from coolhead.scoring import score
from coolhead.store import Store
from coolhead.tables import TABLES
from coolhead.windows import Window
from unit.building import LINEAR, READ, a_plan, mention, new_store

LIMIT = 1.3
SPAN = timedelta(days=730)
FIVE = timedelta(minutes=5)
TODAY = datetime(2026, 3, 3, 23, tzinfo=UTC)
"""Midnight in Rome: the day begins empty on every store."""
WINDOWS, POSTS = 24, 40
WORDS = (
    "Zefirella, che buono!",
    "Zefirella smells of plastic, never again",
    "Zefirella znów bez dostawy",
    "Zefirella enak banget",
)


def fill(store: Store, market: str, have: int, count: int) -> None:
    """Up to `count` mentions, spread evenly over the two years before today."""
    step = SPAN / count
    with store._engine.begin() as connection:
        for at in range(have, count, 50_000):
            keys = [_key(TODAY - SPAN + n * step, n) for n in range(at, min(at + 50_000, count))]
            for kind, columns in ((Mention, _mention), (Match, _match), (Score, _score)):
                connection.execute(sa.insert(TABLES[kind]), [{**k, **columns(n, m, market)} for k, n, m in keys])


def _key(moment: datetime, number: int) -> tuple[dict[str, Any], int, datetime]:
    # Ids that grow with time, as networks give them.
    return (
        {"source": "mastodon", "day": moment.date(), "native_id": f"{int(moment.timestamp()):011}{number:09}"},
        number,
        moment,
    )


def _mention(n: int, m: datetime, _: str) -> dict[str, Any]:
    return {
        "published_at": m, "known_at": m, "known_assumed": False, "payload_id": "0" * 64, "text": WORDS[n % 4], "lang": "it", "url": None,
        "author": f"{n % 50_000:024}", "audience": 9, "likes": 1, "comments": 0, "shares": 0, "own": False, "gated": True, "read_by": READ,
    }  # fmt: skip


def _match(_: int, m: datetime, market: str) -> dict[str, Any]:
    return {"market": market, "published_at": m, "matched_by": "zefirella"}


def _score(n: int, m: datetime, _: str) -> dict[str, Any]:
    polarity = (-0.6, 0.0, 0.7)[n % 3]
    label = ("negative", "neutral", "positive")[n % 3]
    scorer = {"scorer": LINEAR.name, "revision": LINEAR.revision}
    return {**scorer, "label": label, "polarity": polarity, "confidence": 0.7, "lang": "it", "known_at": m}


def polls(store: Store, market: str) -> None:
    """The log of two years of polls, and of today's; and the rules have judged all but today."""
    days = [
        {"source": s, "market": market, "start": TODAY + d * timedelta(days=1), "end": TODAY + (d + 1) * timedelta(days=1), "ok": True,
         "payloads": 2, "rows": 50, "newest": TODAY, "known_at": TODAY - SPAN, "assumed": True, "attempts": 1, "seconds": 0.2}
        for s in ("mastodon", "feed") for d in range(-SPAN.days, 1)
    ]  # fmt: skip
    with store._engine.begin() as connection:
        connection.execute(sa.insert(TABLES[CollectionLog]), days)


def assess(store: Store, market: str) -> list[float]:
    """Seconds of each assessment of the same day; the store is as before afterwards."""
    plan, taken, number = a_plan(), list[float](), 0
    store.upsert([Judged(market=market, through=TODAY, state={})])
    for n in range(WINDOWS):
        start = TODAY + n * FIVE
        moments = [start + i * FIVE / POSTS for i in range(POSTS)]
        texts = [{"text": WORDS[i % 4], "author": f"author-{number + i}", "gated": False} for i in range(POSTS)]
        new = [mention(10**8 + number + i, m, **t) for i, (m, t) in enumerate(zip(moments, texts, strict=True))]
        number += POSTS
        found = [Match(**key_of(m), market=market, published_at=m.published_at, matched_by="zefirella") for m in new]
        store.upsert([*new, *found, *dirty((market, m.published_at) for m in new)])
        clock = Fixed(start + FIVE + timedelta(minutes=2))
        begun = time.perf_counter()
        gate(store, clock)
        score(store, plan, clock)
        evaluate_all(store, plan, clock)
        taken.append(time.perf_counter() - begun)
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stored", default="10000,1000000,10000000")
    sizes = [int(n) for n in parser.parse_args().stored.split(",")]
    print(f"one assessment (gate, score, evaluate), {POSTS} new mentions in each of {WINDOWS} windows of five minutes")
    print(f"{'stored':>10} {'filled in s':>11} {'median ms':>10} {'slowest ms':>10} {'ratio':>6}")
    first, worst, have = 0.0, 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        base = new_store(Path(folder), "base")
        market = a_plan().markets[0].id
        polls(base, market)
        for size in sizes:
            begun = time.perf_counter()
            fill(base, market, have, size)
            filled, have = time.perf_counter() - begun, size
            taken = played(base, market)
            median = statistics.median(taken)
            first = first or median
            worst = max(worst, median / first)
            print(f"{size:10,} {filled:11.0f} {median * 1e3:10.0f} {max(taken) * 1e3:10.0f} {median / first:6.2f}", flush=True)
        base.close()
    print(f"resident at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")
    print(f"ratio at most {worst:.2f} (limit {LIMIT}): {'holds' if worst <= LIMIT else 'MISSED'}")
    return worst > LIMIT


def played(store: Store, market: str) -> list[float]:
    """The day on a store of its own size; what it wrote is deleted again, by what is of today."""
    taken = assess(store, market)
    today = Window(TODAY, TODAY + timedelta(days=2))
    with store.writing() as writer:
        writer.delete_mentions([key_of(m) for m in store.read(Mention, published_at=today)])
        for kind in (KpiPoint, Dirty, Signal):
            writer.delete(kind, market=market)
        writer.delete(Incident, market=market)
        writer.delete(Judged, market=market)
    return taken


if __name__ == "__main__":
    sys.exit(main())
