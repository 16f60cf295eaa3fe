"""Days of listening, in minutes: twelve networks over real HTTP, three markets, faults at random, all on a clock of its own.

python tests/soak/soaking.py [--days 7] [--seed 1]

At the end every mention that was served must be stored or in the quarantine, once; and the rows of `outage` must be those that
the faults explain: each stretch in which at least two base windows (10 minutes) went uncovered, told once, and no other.
"""

import argparse
import logging
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "dags")]

import peers
from coolhead import outages, registry, silences
from coolhead.collecting import Asked, collect_all
from coolhead.errors import CoolheadError
from coolhead.http import Client
from coolhead.plan import Plan
from coolhead.rows import CollectionLog, Match, Mention, Notice, Outage, Quarantined
from coolhead.settings import Settings
from coolhead.windows import Window, merged, minus
from peers import Fault, Network, Passing, Post, World
from unit.building import new_store

SOURCES = (
    "bluesky", "facebook", "feed", "gdelt", "hacker_news", "instagram", "mastodon", "reddit", "telegram", "trustpilot", "wykop", "youtube",
)  # fmt: skip
MARKETS = ("roma", "warszawa", "jakarta")
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
BASE = timedelta(minutes=5)
LEAST = 2 * BASE
LATE = timedelta(seconds=20)
"""After the end of its window a run begins."""
KEPT = timedelta(hours=6)
"""Longer than any outage."""
BROKEN: tuple[Fault, ...] = ("500", "503", "401", "404", "cut", "malformed", "html", "drop")
# No fault that takes time, and no time-out that a busy machine could reach: what fails is what was made to fail.
CLIENT = Client(allow_private=True, retries=0, timeout=(20, 60), sleep=lambda _: None)


@dataclass
class Line:
    """One network as one market listens to it, and what happened to it."""

    source: str
    market: str
    network: Network
    down: list[tuple[datetime, datetime, Fault]] = field(default_factory=list)
    begun: datetime | None = None
    """It listens from its first poll's interval on."""
    expected: list[Window] = field(default_factory=list)
    """Stretches that nobody saw, of which people must have been told."""
    committed: int = 0
    """Faults before the run that runs."""
    invented: list[datetime] = field(default_factory=list)
    """Runs that failed without a fault."""

    def fault(self, now: datetime, chance: random.Random) -> Fault | None:
        return next((f for a, b, f in self.down if a <= now < b), None) or (
            chance.choice(BROKEN) if chance.random() < 0.003 else None
        )

    def polled(self, run: datetime, until: datetime, logs: list[CollectionLog]) -> None:
        """After a run of everything up to `until`, by the log of the last hours: of several windows (the new one, and what is
        asked for again) a fault may have hit one alone. That the log is right shows in the mentions: none may be lost."""
        self.begun = self.begun or until - BASE
        if any(not log.ok and log.known_at >= run for log in logs) and self.network.committed == self.committed:
            self.invented.append(until)
        self.committed = self.network.committed
        seen = merged([(log.start, log.end) for log in logs if log.ok])
        for gap in minus(Window(max(self.begun, until - KEPT), until), seen):
            known = [i for i, w in enumerate(self.expected) if gap.start < w.end and gap.end > w.start]
            if known:
                self.expected[known[-1]] = Window(self.expected[known[-1]].start, max(self.expected[known[-1]].end, gap.end))
            elif gap.end - gap.start >= LEAST:
                self.expected.append(gap)


class Soak:
    """All networks, markets and the store, from one seed."""

    def __init__(self, folder: Path, stack: ExitStack, seed: int, sources: tuple[str, ...] = SOURCES) -> None:
        self.chance, self.clock, self.number = random.Random(seed), Passing(BEGIN), 0
        self.client = replace(CLIENT, sleep=lambda seconds: self.clock.sleep(seconds))
        self.lines = [self._line(s, m, stack) for m in MARKETS for s in sources]
        self.where = Settings(folder, f"sqlite:///{folder / 'store.db'}", folder / "plan")
        self.store = new_store(folder)
        self.plan = self._plan()
        self.credentials: dict[str, Any] = {s: _of(self.lines, s).network.peer.credentials() for s in sources}
        self.sources = sources

    def now(self) -> datetime:
        return self.clock.moment

    def _line(self, source: str, market: str, stack: ExitStack) -> Line:
        world = World([], self.now)
        line = Line(source, market, stack.enter_context(Network(peers.load(source, world))))
        line.network.fault = lambda _: line.fault(self.now(), self.chance)
        return line

    def _plan(self) -> Plan:
        def market(name: str) -> dict[str, Any]:
            mine = [l for l in self.lines if l.market == name]
            return {
                "id": name, "time_zone": "Europe/Rome", "languages": ["it"], "terms": {"any_of": ["zefirella"]},
                "own_accounts": {l.source: list(l.network.peer.own_accounts()) for l in mine},
                "sources": {l.source: l.network.settings() for l in mine},
            }  # fmt: skip

        return Plan.model_validate({
            "brands": {
                "public_url": "https://desk.example", "network": {"allow_private": True}, "quality": {"max_refused_share": 1.0},
                "brands": [{"name": "Zefirella", "markets": [market(m) for m in MARKETS]}],
            },
            "rules": {"rules": [{"name": "volume", "rule": "threshold", "severity": "S1", "kpi": "volume", "above": 1000}]},
            "escalation": {
                "people": [{"id": "a", "name": "A", "roles": ["duty_lead", "crisis_lead", "spokesperson"], "addresses": {"folder": "a"}}],
                "steps": [{"notify": ["duty_lead"], "channels": ["folder"], "wait_minutes": 5}],
            },
        })  # fmt: skip

    def outages(self, days: float, every: float) -> None:
        """Each line goes down about once in so many hours, for some minutes to hours."""
        for line in self.lines:
            at = BEGIN + timedelta(hours=0.5)
            while (at := at + timedelta(hours=self.chance.expovariate(1 / every))) < BEGIN + timedelta(days=days):
                for_ = timedelta(minutes=self.chance.choice((3, 8, 12, 20, 45, 90, 180)))
                line.down.append((at, at + for_, self.chance.choice(BROKEN)))
                at += for_

    def publish(self, line: Line, start: datetime, length: timedelta) -> None:
        """Some posts at random moments of a stretch; a little more by day."""
        mean = 0.15 * (1 + 0.6 * math.sin((start.hour - 8) / 24 * 2 * math.pi)) * (length / BASE)
        for _ in range(_poisson(mean, self.chance)):
            self.number += 1
            at = start + timedelta(seconds=int(self.chance.random() * length.total_seconds()))
            line.network.peer.world.publish(Post(self.number, at, author=f"user{self.chance.randrange(400)}"))

    def step(self, source: str, until: datetime) -> None:
        """One scheduled poll of one source, for all markets."""
        run = Asked((until - BASE, until))
        with suppress(CoolheadError):  # in the log, and told of as an outage
            collect_all(self.store, self.plan, self.where, self.clock, source, run, self.credentials, self.client)
        for line in (l for l in self.lines if l.source == source):
            kept = Window(until - KEPT, until + LATE)
            logs = self.store.read(CollectionLog, source=source, market=line.market, end=kept)
            line.polled(until + LATE, until, logs)

    def run(self, days: float, every: float, tell: Callable[[str], None]) -> None:
        self.outages(days, every)
        ticks, begun = int(timedelta(days=days) / BASE), time.perf_counter()
        for n in range(1, ticks + 1):
            until = BEGIN + n * BASE
            for line in self.lines:
                self.publish(line, until - BASE, BASE)
            self.clock = Passing(until + LATE)
            for source in self.sources:
                poll = max(registry.load("sources", source).poll, BASE)
                if not (until - BEGIN) % poll:
                    self.step(source, until)
            silences.judge(self.store, self.plan, self.clock)
            outages.follow(self.store, self.plan, self.clock)
            if not n % 72:
                tell(f"{until:%a %H:%M}: {self.store.count(Mention)} mentions, {time.perf_counter() - begun:.0f} s")
        self._calm_down(BEGIN + ticks * BASE)

    def _calm_down(self, end: datetime) -> None:
        """Two hours without a fault and without a post, so that all gaps are filled."""
        for line in self.lines:
            line.down = [(a, min(b, end), f) for a, b, f in line.down]
            line.network.fault = None
        for n in range(1, 25):
            until = end + n * BASE
            self.clock = Passing(until + LATE)
            for source in self.sources:
                if not (until - BEGIN) % max(registry.load("sources", source).poll, BASE):
                    self.step(source, until)
            outages.follow(self.store, self.plan, self.clock)


def _of(lines: list[Line], source: str) -> Line:
    return next(l for l in lines if l.source == source)


def _poisson(mean: float, chance: random.Random) -> int:
    count, product, limit = 0, chance.random(), math.exp(-mean)
    while product > limit:
        count, product = count + 1, product * chance.random()
    return count


@dataclass(frozen=True)
class Result:
    """What the soak showed; `wrong` is empty where all is well."""

    served: int
    stored: int
    quarantined: int
    polls: int
    failed: int
    outages: int
    wrong: list[str]


def result(soak: Soak) -> Result:
    wrong: list[str] = []
    stored = soak.store.read(Mention)
    keys = [(m.source, m.native_id) for m in stored]
    served = {(l.source, l.network.peer.native_id(p)) for l in soak.lines for p in l.network.peer.world.seen()}
    refused = [q for q in soak.store.read(Quarantined) if q.item != "payload"]
    wrong += [f"doubled: {k}" for k in sorted({k for k in keys if keys.count(k) > 1})] if len(set(keys)) < len(keys) else []
    wrong += [f"lost: {k}" for k in sorted(served - set(keys))] + [f"never served: {k}" for k in sorted(set(keys) - served)]
    wrong += [f"refused: {q.reason}" for q in refused]
    unmatched = set(keys) - {(m.source, m.native_id) for m in soak.store.read(Match)}
    wrong += [f"matches no market: {k}" for k in sorted(unmatched)]
    rows = soak.store.read(Outage)
    wrong += list(_outages(soak, rows))
    logs = soak.store.read(CollectionLog)
    return Result(
        len(served), len(stored), len(refused), len(logs), sum(not l.ok or l.attempts > 1 for l in logs), len(rows), wrong
    )  # fmt: skip


def _outages(soak: Soak, rows: list[Outage]) -> Iterator[str]:
    told = soak.store.read(Notice)
    for line in soak.lines:
        found = sorted(r.start for r in rows if (r.source, r.market) == (line.source, line.market))
        yield from (f"{line.source} {line.market}: failed without a fault at {at:%d %H:%M}" for at in line.invented)
        expected = {w.start for w in line.expected}
        for at in sorted(expected - set(found)):
            yield f"{line.source} {line.market}: the outage from {at:%d %H:%M} was not told of"
        for at in sorted(set(found) - expected):
            yield f"{line.source} {line.market}: the outage from {at:%d %H:%M} was invented"
    for row in rows:
        mine = [n.step for n in told if n.incident_id == outages.id_of(row)]
        if sorted(mine) != ["blind", "sees-again"]:
            yield f"{row.source} {row.market} {row.start:%d %H:%M}: told {mine}"


@contextmanager
def soaked(
    days: float, seed: int, tell: Callable[[str], None], sources: tuple[str, ...] = SOURCES, every: float = 20
) -> Generator[Result]:
    """every: hours between two outages of one network, in the mean."""
    logging.getLogger("coolhead").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        soak = Soak(Path(folder), stack, seed, sources)
        try:
            soak.run(days, every, tell)
            yield result(soak)
        finally:
            soak.store.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=float, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sources", default=",".join(SOURCES))
    options = parser.parse_args()
    sources = tuple(options.sources.split(","))
    with soaked(options.days, options.seed, lambda line: print(line, flush=True), sources) as found:
        lost = len([w for w in found.wrong if w.startswith("lost")])
        print(
            f"{len(sources)} sources, {len(MARKETS)} markets, {options.days:g} days, seed {options.seed}: served {found.served} = stored "
            f"{found.stored} + quarantined {found.quarantined}; {lost} lost; {found.polls} windows, {found.failed} failed at first; "
            f"{found.outages} outages, each told once"
        )
        for line in found.wrong:
            print(f"WRONG: {line}")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
