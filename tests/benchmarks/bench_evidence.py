"""What it costs to see what stands beside the numbers of a brand's windows (evidence.py); run by hand:

python tests/benchmarks/bench_evidence.py [--day 20000] [--negative 0.2]

A store holds three weeks of one market: two days of so many mentions, the days before a quarter of it, topics that go on from
day to day, authors with audiences by Pareto's law, and three red lines in four languages. Timed are a whole local day (as a
replay of history sees it), one window, and the one after it (as ticks of 5 minutes do); processor and wall seconds, of evidence alone.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path[:0] = [str(Path(__file__).parents[1])]

from coolhead import evidence, trailing
from coolhead.plan import Plan
from coolhead.rows import AuthorDay, CommentKind, InTopic, Match, Mention, Score, Seen, Topic, key_of
from coolhead.tables import TABLES
from coolhead.windows import BASE, GRACE, Window, local_day
from unit.building import DAY, HOUR, LINEAR, MINUTE, House, a_plan, score, utc

TODAY = utc(2026, 3, 2, 23)
"""Midnight in Rome."""
DAYS, TOPICS, AUTHORS = 21, 60, 8_000
PLANNED = {"name": "smell", "owner": "anna", "terms": {"it": {"any_of": ["puzza"]}}}
LINES = {
    "harm": {"it": ["veleno", "bambino"], "en": ["poison", "child"], "pl": ["trucizna"], "id": ["racun"]},
    "boycott": {"it": ["boicottaggio", "boicotta"], "en": ["boycott", "lawsuit"], "pl": ["bojkot"], "id": ["boikot"]},
    "death": {"it": ["morto", "ospedale"], "en": ["dead", "hospital"], "pl": ["szpital"], "id": ["rumah sakit"]},
}
ZIPF = [f"w{n:x}ort" for n in range(5_000)]


def a_plan_with_lines() -> Plan:
    content = a_plan().content()
    lines = [
        {"name": name, "severity": "S3", "owner": "anna", "terms": {lang: {"any_of": words} for lang, words in terms.items()}}
        for name, terms in LINES.items()
    ]
    content["brands"]["brands"][0]["markets"][0] |= {"topics": [PLANNED], "red_lines": lines}
    return Plan.model_validate(content)


def mentions_of(rng: random.Random, market: str, start: datetime, count: int, first: int, negative: float) -> Iterator[Any]:
    """Rows of one local day."""
    day = (start + 2 * HOUR).date()
    for number in range(first, first + count):
        at = start + DAY * rng.random()
        bad = rng.random() < negative
        words = [*rng.choices(ZIPF, k=14), *(["poison"] if rng.random() < 0.005 else [])]
        m = Mention(
            source=rng.choice(("mastodon", "feed")), day=at.date(), native_id=f"{number:08}", published_at=at, known_at=at + 2 * MINUTE,
            payload_id="p", text=f"Zefirella {' '.join(words)}", author=f"{rng.randrange(AUTHORS):024}",
            audience=int(50 * rng.paretovariate(0.8)), gated=True,
        )  # fmt: skip
        complained = "smell" if rng.random() < 0.3 else f"{day}-{int(rng.paretovariate(1)) % TOPICS}"
        topic = complained if bad else f"{day}-{rng.randrange(TOPICS)}" if rng.random() < 0.5 else None
        yield m
        yield Match(**key_of(m), market=market, published_at=at, matched_by="zefirella")
        yield score(m, "negative" if bad else "neutral")
        yield CommentKind(**key_of(m), revision="1", kind="complaint" if bad else "other", confidence=0.9, known_at=m.known_at)
        known: dict[str, Any] = {"published_at": at, "known_at": m.known_at, "author": m.author}
        yield InTopic(**key_of(m), market=market, topic=topic, terms=["smell"], **known)


def day_rows(rng: random.Random, market: str, start: datetime) -> Iterator[Any]:
    """Topics of one local day, and its authors with their audiences."""
    day, before = (start + 2 * HOUR).date(), (start - 2 * HOUR).date()
    known: dict[str, Any] = {
        "first_at": start,
        "last_at": start,
        "mentions": 9,
        "authors": 9,
        "known_at": start,
        "terms": ["smell", "mould"],
    }
    for n in range(TOPICS):
        yield Topic(market=market, day=day, topic=f"{day}-{n}", continues=f"{before}-{n}", **known)
    yield Topic(market=market, day=day, topic="smell", owner="anna", **known)
    for n in range(AUTHORS):
        yield AuthorDay(
            market=market, day=day, source="mastodon", author=f"{n:024}", mentions=1, audience=rng.randrange(10**5), first=False
        )


def fill(house: House, count: int, negative: float) -> None:
    rng, number = random.Random(1), 0
    for n in range(DAYS, -1, -1):
        start, size = TODAY - n * DAY, count if n < 2 else count // 4
        rows: dict[Any, list[dict[str, Any]]] = {}
        for row in (*mentions_of(rng, house.market.id, start, size, number, negative), *day_rows(rng, house.market.id, start)):
            rows.setdefault(type(row), []).append(row.model_dump())
        number += size
        with house.store._engine.begin() as connection:
            for kind in (Mention, Match, Score, CommentKind, InTopic, Topic, AuthorDay):
                connection.execute(sa.insert(TABLES[kind]), rows[kind])


def timed(house: House, span: Window, what: str) -> dict[datetime, dict[str, Any]]:
    window = Window(span.start - HOUR, span.end)
    mentions = house.store.mentions(house.market.id, window, LINEAR.name, LINEAR.revision, span.end + GRACE)
    found = trailing.expanded(house.store, mentions, span)
    spent, begun = time.process_time(), time.perf_counter()
    seen = evidence.of_windows(house.store, house.plan, house.market, LINEAR.name, LINEAR.revision, found)
    spent, lasted = time.process_time() - spent, time.perf_counter() - begun
    print(f"{what:<16}{len(found):>10,} rows {len(seen):>5} windows {spent:>8.3f} s processor {lasted:>8.3f} s in all")
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--day", type=int, default=20_000, help="mentions of the day")
    parser.add_argument("--negative", type=float, default=0.2, help="share of them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, House(Path(folder), a_plan_with_lines()) as house:
        fill(house, options.day, options.negative)
        timed(house, local_day((TODAY + timedelta(hours=2)).date(), house.market.time_zone), "a day")
        for hours in (9, 20):
            at = TODAY + hours * HOUR
            for start, told in timed(house, Window(at, at + BASE), f"first at {hours}:00").items():
                house.store.upsert([
                    Seen(market=house.market.id, start=start, quality="ok", numbers={}, evidence=told, as_of=start + BASE + GRACE)
                ])  # fmt: skip
            timed(house, Window(at + BASE, at + 2 * BASE), "the next one")


if __name__ == "__main__":
    main()
