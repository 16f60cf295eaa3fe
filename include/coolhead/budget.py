"""How many requests a source may make: one account of them, in the store, for all tasks and workers.

A network counts by connection (a token, or our address), so the account is the connection's. It is kept by fixed
stretches of `Rate.per`, in domain time: a request costs one short transaction, and a stretch that is spent ends by
itself. A network that counts by a sliding stretch may see up to twice the rate around a stretch's end; a module whose
network does so declares half of it.

A host that asks to wait (Retry-After) is left alone by all of them until then, whatever the request is for. That is kept by
account and host: a feed's server that rests silences no other feed.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from coolhead import registry
from coolhead.answers import Meter
from coolhead.clock import Clock
from coolhead.http import Client
from coolhead.plan import Market, Plan
from coolhead.rows import CollectionLog, Spent
from coolhead.sources import Rate
from coolhead.store import Store
from coolhead.windows import Window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEPT = 10
"""Stretches that an account remembers; older rows are deleted when a new one begins."""
TYPICAL = timedelta(days=1)
"""How far back is looked for what a calm poll costs."""


@dataclass(frozen=True)
class Budget:
    """The account of one source's connection."""

    store: Store
    clock: Clock
    account: str
    rate: Rate

    @property
    def stretch(self) -> datetime:
        """Start of the stretch that runs now."""
        return EPOCH + (self.clock.now() - EPOCH) // self.rate.per * self.rate.per

    @property
    def ends(self) -> datetime:
        return self.stretch + self.rate.per

    @property
    def left(self) -> int:
        """Requests that may still be made in this stretch."""
        spent = self.store.read(Spent, connection=self.account, start=self.stretch)
        return max(0, self.rate.requests - sum(s.requests for s in spent))

    def take(self, keep: int = 0, host: str = "") -> float:
        """Take one request, where more than `keep` are left and the host does not rest: 0.0. Else the seconds on the wall until
        the stretch or the rest ends."""
        start = self.stretch
        with self.store.writing() as writer:
            writer.lock(Spent)
            if rests := [s.start for s in writer.read(Spent, connection=self._of(host)) if s.start > self.clock.now()]:
                return self._wall_until(max(rests))
            spent = sum(s.requests for s in writer.read(Spent, connection=self.account, start=start))
            if spent + keep < self.rate.requests:
                writer.upsert([Spent(connection=self.account, start=start, requests=spent + 1)])
                if not spent:
                    old = [
                        s.start for s in writer.read(Spent, connection=self.account) if s.start < start - KEPT * self.rate.per
                    ]
                    writer.delete(Spent, connection=self.account, start=old)
                return 0.0
        return self._wall_until(start + self.rate.per)

    def rest(self, host: str, seconds: float) -> None:
        """Nothing more may be asked of the host for so many seconds on the wall."""
        now = self.clock.now()
        until = now + timedelta(seconds=seconds) / self.clock.wall_seconds(timedelta(seconds=1))
        with self.store.writing() as writer:
            writer.lock(Spent)
            over = [s.start for s in writer.read(Spent, connection=self._of(host)) if s.start <= now]
            writer.delete(Spent, connection=self._of(host), start=over)
            writer.upsert([Spent(connection=self._of(host), start=until, requests=0)])

    def _of(self, host: str) -> str:
        """Name of the account that holds when the host may be asked again."""
        return f"{self.account}@{host}"[:200]

    def _wall_until(self, end: datetime) -> float:
        return max(0.1, self.clock.wall_seconds(end - self.clock.now()))


def account_of(source: str, connection: str) -> str:
    """The networks behind one connection may count by different stretches, so each source has an account of its own."""
    return source if connection in ("", source) else f"{connection}/{source}"


def metered(client: Client, store: Store, clock: Clock, source: str, connection: str, rate: Rate) -> Client:
    """The client, paying for every request from the source's budget, and noting what the network says of the rest."""
    budget = Budget(store, clock, account_of(source, connection), rate)
    return replace(client, take=budget.take, rest=budget.rest, meter=Meter(of=rate.requests))


def connection_of(kind: Any, market: Market) -> str:
    """Name of the Airflow connection that a market's source asks with."""
    return str(kind.Settings.model_validate(market.sources[kind.name]).connection or kind.name)


def connections_of(plan: Plan, sources: Collection[str] = ()) -> list[str]:
    """Names of the connections that the plan's sources ask with; of these sources only, where some are given."""
    used = [(source, market) for market in plan.listened for source in market.sources if not sources or source in sources]
    return sorted({connection_of(registry.load("sources", source), market) for source, market in used})


def calm_share(store: Store, plan: Plan, kind: Any, market: Market, clock: Clock) -> int:
    """Requests that the scheduled polls of all markets on the same account still need until its stretch ends."""
    connection = connection_of(kind, market)
    budget = Budget(store, clock, account_of(kind.name, connection), kind.rate)
    sharing = [m for m in plan.listened if kind.name in m.sources and connection_of(kind, m) == connection]
    return polls_until(clock.now(), budget.ends, kind.poll) * sum(cost(store, kind, m.id, clock.now()) for m in sharing)


def cost(store: Store, kind: Any, market: str, now: datetime) -> int:
    """Requests that one poll takes: the mean of the last day's. A payload is a request; what finds nothing is one too."""
    logs = store.read(CollectionLog, source=kind.name, market=market, start=Window(now - TYPICAL, now), assumed=False)
    return math.ceil(sum(max(1, l.payloads) for l in logs) / len(logs)) if logs else 1


def polls_until(now: datetime, end: datetime, poll: timedelta) -> int:
    """Scheduled polls that begin after now and before the end."""
    last = end - EPOCH - timedelta(microseconds=1)  # one at the very end pays from the next stretch
    return max(0, int(last // poll - (now - EPOCH) // poll))
