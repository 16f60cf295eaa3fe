"""The plan that runs: the newest version that passed its check, kept whole in the store."""

import logging
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from coolhead import firing, plan_files
from coolhead import plan as plans
from coolhead.clock import Clock
from coolhead.errors import ConfigError
from coolhead.plan import Plan
from coolhead.plan_versions import Refused, wrong
from coolhead.rows import ALL, KpiPoint, PlanVersion
from coolhead.store import Store
from coolhead.windows import Window

log = logging.getLogger(__name__)

DAY = timedelta(days=1)


def adopt(store: Store, plan: Plan, clock: Clock) -> Plan:
    """Make a checked plan the current one, if it is not yet. Raises ConfigError where its scorer must read first."""
    newest = _newest(store)
    if newest is None or newest.plan_hash != plan.hash():
        if before := _restored(newest):
            check_switch(store, before, plan, clock.now())
        store.upsert([PlanVersion(plan_hash=plan.hash(), loaded_at=clock.now(), content=plan.content())])
    return plan


def current(store: Store, folder: Path, clock: Clock) -> Plan:
    """The plan of the folder if it passes its check, else the last one that did, and the mistake is logged.

    Raises ConfigError where no version ever passed, or none that is still understood.
    """
    try:
        return adopt(store, plan_files.load(folder), clock)
    except ConfigError as error:
        newest = _newest(store)
        before = _restored(newest)
        if newest is None or before is None:
            raise
        log.error("The plan in %s cannot be used; the version of %s runs on:\n%s", folder, newest.loaded_at, error)
        return before


def waiting(store: Store, plan: Plan, now: datetime) -> str | None:
    """Why a checked plan is not the one that runs yet; None where nothing holds it up."""
    try:
        if before := _restored(_newest(store)):
            check_switch(store, before, plan, now)
    except ConfigError as error:
        return str(error)
    return None


def check_switch(store: Store, before: Plan, after: Plan, now: datetime) -> None:
    """Another scorer is named only once its series covers what baselines look back on: half a baseline of one scorer and
    half of another would compare their mistakes. Raises ConfigError that says which days are missing, and the cure."""
    chosen, known = after.brands.scorer, before.brands.scorer
    if (chosen.name, chosen.settings) == (known.name, known.settings):
        return
    from coolhead.baselines import LOOK_BACK  # pandas, which a task that only loads its plan does without
    from coolhead.sentiment import active

    scorer = active(chosen)
    revision = f"{scorer.name}/{scorer.revision}"
    told = []
    for market in after.markets:
        span = {"market": market.id, "grain": "day", "source": ALL, "lang": ALL, "start": Window(now - LOOK_BACK, now)}
        days = {p.start for p in store.read(KpiPoint, kpi="volume", **span) if p.n and p.start + DAY < now}
        days -= {p.start for p in store.read(KpiPoint, kpi="scored_coverage", revision=revision, **span)}
        if days:
            first, zone = min(days), ZoneInfo(market.time_zone)
            told.append(f"{len(days)} days of {market.id}, the first {first.astimezone(zone):%Y-%m-%d}")
    if told:
        raise ConfigError(
            f"brands.yaml: scorer: {revision} has not read all that baselines look back on ({'; '.join(told)}), so "
            f"{known.name} goes on; run `coolhead rescore`, and the change takes effect by itself"
        )


def refused(plan: Plan) -> list[Refused]:
    """Rules that the plan that runs has, and that do not count: an earlier version of Coolhead checked them, this one refuses them."""
    out = list(plan.refused)
    for market in plan.markets:
        for entry in plan.rules_of(market.id):
            try:
                firing.made(entry)
            except ValidationError as error:
                out.append(Refused(rule=entry.name, market=market.id, why=wrong(error)))
    return out


CURE = (
    "mend it in rules.yaml: `coolhead plan check` names line and choices, and whatever holds up a plan that is mended already"
)


def need_all_rules(plan: Plan) -> None:
    """Raises ConfigError that names every rule that does not count, its key and the cure."""
    if told := [f"rules.yaml: rule {r.rule} does not count in {r.market}: {r.why}; {CURE}" for r in refused(plan)]:
        raise ConfigError("\n".join(told))


def _restored(version: PlanVersion | None) -> Plan | None:
    """None where this version of Coolhead does not understand it: then it is as if there were none, and the files count."""
    try:
        return plans.restore(version.content) if version else None
    except ValidationError as error:
        log.error("The stored plan is not understood any more and counts as none: %s", wrong(error))
        return None


def _newest(store: Store) -> PlanVersion | None:
    return max(store.read(PlanVersion), key=lambda p: p.loaded_at, default=None)
