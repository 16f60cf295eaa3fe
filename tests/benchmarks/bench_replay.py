"""How fast rules are replayed, and whether memory stays flat however long the history; run by hand: make bench-replay

python tests/benchmarks/bench_replay.py [--days 30,365] [--plan include/plan]

A store holds what the rules saw of a brand that is spoken of in every window: all KPIs with their intervals and baselines, three
sources apart, the five largest topics, multipliers now and then, and a storm a month. All rules of the plan go over it, each
length in a process of its own. Exits with 1 where a year takes more than 20 seconds of one core (others may be at work on it), or
more than 1.3 times a month's memory.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1])]

from coolhead import plan_files, registry
from coolhead.plan import Market, Plan
from coolhead.plan_rules import PER_SOURCE
from coolhead.replay import replay
from coolhead.rows import Judged, Seen
from coolhead.seeing import DIGITS
from coolhead.store import Store
from coolhead.windows import BASE, GRACE, Window
from unit.building import new_store

SECONDS, FLAT = 20.0, 1.3
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
SOURCES = ("mastodon", "feed", "bluesky")
A_DAY = timedelta(days=1) // BASE
HOUR = 12
"""Windows."""


def fill(store: Store, market: Market, days: int) -> None:
    """What was seen, window by window, and that it was judged."""
    rng = np.random.default_rng(7)
    names = registry.names("kpis")
    for day in range(days):
        starts = [BEGIN + timedelta(days=day) + i * BASE for i in range(A_DAY)]
        usual = 30 + 18 * np.sin((np.arange(A_DAY) / HOUR - 9) / 24 * 2 * np.pi)
        storm = 240 * np.exp(-(((np.arange(A_DAY) / HOUR - 18) / 1.5) ** 2)) if day % 30 == 21 else np.zeros(A_DAY)
        volume = rng.poisson(usual + storm).astype(float)
        known = {n: _numbers(n, volume, usual, storm) for n in names}
        known |= {f"{kpi}@{s}": known[kpi] for kpi in PER_SOURCE for s in SOURCES}
        rows = [_seen(market.id, at, i, known, _evidence(rng, at, volume[i], storm[i])) for i, at in enumerate(starts)]
        with store.writing() as writer:
            writer.upsert_values(Seen, rows)
    store.upsert([Judged(market=market.id, through=BEGIN + timedelta(days=days), state={})])


def _numbers(name: str, volume: Any, usual: Any, storm: Any) -> list[list[float]]:
    """Value, n, low, high and baseline of one KPI, in every window of one day."""
    negative = 0.2 + 0.5 * storm / (usual + storm)
    value = {
        "negative_share": negative, "negative_prevalence": negative, "scored_coverage": 0.97 + 0 * volume, "negative_volume": negative * volume,
        "excess_negatives": negative * volume - 0.2 * usual, "volume_z": (volume - usual) / 14, "volume_excess": (volume - usual) / 14,
        "reach_total": 400 * volume, "doubling_time": 24 + 0 * volume, "excess_follower_change": 5 + 0 * volume,
    }.get(name, volume if registry.load("kpis", name).unit in ("mentions", "authors") else 0.3 + 0 * volume)  # fmt: skip
    base = 0.2 + 0 * volume if name.startswith("negative_") and name != "negative_volume" else usual
    near = 0.3 * np.abs(value)
    table = np.stack([value, volume, value - near, value + near, base], axis=1)
    return [[float(f"{x:.{DIGITS}g}") for x in row] for row in table]


def _evidence(rng: Any, start: datetime, volume: float, storm: float) -> dict[str, Any]:
    topics = [
        {
            "topic": f"t{i}{start.day:02}", "terms": ["gelato", "muffa", "vaschetta"], "name": None, "owner": None, "usual": 9,
            "authors": int(storm / 9), "authors_day": int(2 + storm / 4 / (i + 1)), "negative": int(volume / 9), "mentions": int(volume / 5),
            "reach": 12_000, "first": (start - timedelta(hours=2)).isoformat(),
        } for i in range(5)
    ]  # fmt: skip
    loud = {"source": "mastodon", "native_id": "1141", "audience": 900_000, "label": "negative", "top": True, "topic": None, "likes": 3, "shares": 4, "credible": True}  # fmt: skip
    more = {"multipliers": [loud]} if rng.random() < 0.002 else {}
    return {"topics": topics, "networks": list(SOURCES[:2]), "onset": (start - timedelta(minutes=40)).isoformat(), **more}


def _seen(market: str, start: datetime, i: int, numbers: dict[str, Any], evidence: dict[str, Any]) -> dict[str, Any]:
    return {
        "market": market, "start": start, "quality": "ok", "as_of": start + BASE + GRACE, "judged_at": None,
        "numbers": {name: rows[i] for name, rows in numbers.items()}, "evidence": evidence,
    }  # fmt: skip


def run(folder: Path, plan: Plan, days: int) -> dict[str, Any]:
    """One replay, in this process: what it took."""
    store = Store(f"sqlite:///{folder / f'{days}.db'}")
    before, begun = _peak(), time.process_time()
    done = replay(store, [plan], plan.markets[0], Window(BEGIN, BEGIN + timedelta(days=days)))
    episodes = len(done.tracks[0].episodes.all())
    took = {"seconds": done.seconds, "core": time.process_time() - begun, "before": before, "peak": _peak()}
    return {"days": days, "windows": done.windows, "episodes": episodes, **took}


def _peak() -> float:
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", default="30,365", help="lengths of the history")
    parser.add_argument("--plan", type=Path, default=Path(__file__).parents[2] / "include" / "plan")
    parser.add_argument("--of", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    plan, lengths = plan_files.load(options.plan), [int(d) for d in options.days.split(",")]
    if options.of:
        print(json.dumps(run(options.of, plan, lengths[0])))
        return 0
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for days in lengths:
            store = new_store(Path(folder), str(days))
            fill(store, plan.markets[0], days)
            store.close()
            command = [sys.executable, __file__, "--plan", str(options.plan), "--of", folder, "--days", str(days)]
            found.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))
            size = (Path(folder) / f"{days}.db").stat().st_size / 1e6
            one = found[-1]
            print(
                f"{days:>4} days: {one['windows']:>7,} windows in {one['seconds']:6.2f} s, {one['core']:.2f} s of one core, {one['windows'] / one['core']:,.0f} windows a second of it; "
                f"memory {one['before']:.0f} MB before, {one['peak']:.0f} MB at most; {one['episodes']} episodes of "
                f"{len(plan.rules_of(plan.markets[0].id))} rules; the store has {size:,.0f} MB",
                flush=True,
            )
    year = max(found, key=lambda f: f["days"])
    kept = year["core"] * 365 / max(year["days"], 365) <= SECONDS and year["peak"] <= FLAT * found[0]["peak"]
    print(f"bounds ({SECONDS:.0f} s a year, {FLAT} times the memory): {'kept' if kept else 'BROKEN'}")
    return not kept


if __name__ == "__main__":
    raise SystemExit(main())
