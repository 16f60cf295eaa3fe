"""A market in an incident is asked more often: every `Source.urgent` instead of every `Source.poll`, within the budget."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from coolhead import incidents, registry
from coolhead.budget import Budget, account_of, calm_share, connection_of, cost
from coolhead.clock import Clock
from coolhead.collection import listens
from coolhead.plan import Market, Plan
from coolhead.rows import CollectionLog
from coolhead.store import Store
from coolhead.windows import Window


def due_polls(store: Store, plan: Plan, clock: Clock) -> list[dict[str, Any]]:
    """Runs of the collecting Dags that are due by now, one a source. In calm this is one look at the open incidents."""
    if not (burning := {i.market for i in incidents.burning(store)}):
        return []
    now, out = clock.now(), []
    for source in sorted({s for m in plan.markets if m.id in burning for s in m.sources}):
        if markets := list(_due(store, plan, registry.load("sources", source), burning, clock)):
            conf = {"markets": markets, "at": now.isoformat()}
            out.append({
                "trigger_dag_id": f"collect_{source}", "trigger_run_id": f"hurry-{now:%Y%m%dT%H%M}", "conf": conf,
            })  # fmt: skip
    return out


def _due(store: Store, plan: Plan, kind: Any, burning: set[str], clock: Clock) -> Iterator[str]:
    if kind.exports or kind.urgent >= kind.poll:
        return
    for market in plan.markets:
        if market.id not in burning or kind.name not in market.sources or not listens(kind, market, clock.now()):
            continue
        asked = _last_asked(store, kind, market, clock.now())
        if (asked is None or clock.now() - asked >= kind.urgent) and _affordable(store, plan, kind, market, clock):
            yield market.id


def _last_asked(store: Store, kind: Any, market: Market, now: datetime) -> datetime | None:
    """Whether it succeeded or not: what failed is no reason to ask twice as often as the network is to be asked."""
    logs = store.read(
        CollectionLog, source=kind.name, market=market.id, start=Window(now - timedelta(hours=1) - kind.poll, now)
    )
    return max((l.known_at for l in logs), default=None)


def _affordable(store: Store, plan: Plan, kind: Any, market: Market, clock: Clock) -> bool:
    budget = Budget(store, clock, account_of(kind.name, connection_of(kind, market)), kind.rate)
    return budget.left >= calm_share(store, plan, kind, market, clock) + cost(store, kind, market.id, clock.now())
