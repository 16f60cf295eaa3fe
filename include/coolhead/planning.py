"""The plan that runs: the newest version that passed its check, kept whole in the store."""

import logging
from pathlib import Path

from coolhead import plan as plans
from coolhead import plan_files
from coolhead.clock import Clock
from coolhead.errors import ConfigError
from coolhead.plan import Plan
from coolhead.rows import PlanVersion
from coolhead.store import Store

log = logging.getLogger(__name__)


def adopt(store: Store, plan: Plan, clock: Clock) -> Plan:
    """Make a checked plan the current one, if it is not yet."""
    newest = _newest(store)
    if newest is None or newest.plan_hash != plan.hash():
        store.upsert([PlanVersion(plan_hash=plan.hash(), loaded_at=clock.now(), content=plan.content())])
    return plan


def current(store: Store, folder: Path, clock: Clock) -> Plan:
    """The plan of the folder if it passes its check, else the last one that did, and the mistake is logged.

    Raises ConfigError where no version ever passed.
    """
    try:
        return adopt(store, plan_files.load(folder), clock)
    except ConfigError as error:
        newest = _newest(store)
        if newest is None:
            raise
        log.error("The plan in %s is broken; the version of %s runs on:\n%s", folder, newest.loaded_at, error)
        return plans.restore(newest.content)


def _newest(store: Store) -> PlanVersion | None:
    return max(store.read(PlanVersion), key=lambda p: p.loaded_at, default=None)
