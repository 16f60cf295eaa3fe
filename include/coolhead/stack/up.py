"""`make up`: the same stack on your own plan, until interrupted."""

import os
from datetime import UTC, datetime

from coolhead import clock, plan_files, planning, settings
from coolhead.connections import FILE, lines_of
from coolhead.errors import TransientError
from coolhead.plan import Plan
from coolhead.stack.components import Stack, alone, interruptible
from coolhead.store import Store, migrate

ALWAYS = (
    "collect_followers", "score_mentions", "evaluate_brands", "escalate_incident", "report_daily_kpis", "review_incident",
    "open_incident", "run_drill", "maintain_store", "check_connections", "hurry_collection",
    "recheck_mentions",
)  # fmt: skip
PORT = 8080
SPARE = 6
"""Slots beside those of the sources, for scoring, evaluation, two steps of an escalation, and what is asked by hand."""
PATIENCE = 60.0
"""Seconds that the first round of each Dag is waited for."""


def main() -> int:
    """Run until Ctrl-C. Raises ConfigError where the plan is missing or wrong."""
    where = settings.load()
    plan = plan_files.load(where.plan)
    migrate(where.store)
    store = Store(where.store)
    planning.current(store, where.plan, clock.Wall())
    store.close()
    for market in plan.markets:
        (where.inbox / market.id).mkdir(parents=True, exist_ok=True)
    users = {"admin": "admin", **{p.id: "admin" if p.id == "admin" else "user" for p in plan.escalation.people}}
    interruptible()
    try:
        with alone(where.home / "up.lock"), _stack(where, users, plan) as stack:
            _open_dags(stack, plan)
            _tell(stack, plan, where)
            stack.watch()
    except KeyboardInterrupt:
        print("\nstopped; nothing is left running")
    return 0


def _stack(where: settings.Settings, users: dict[str, str], plan: Plan) -> Stack:
    # Two tasks a source may wait for a network at once, its poll and its looking-up again. With all of them hanging there
    # is still room for evaluation and escalation: a crisis is not missed because networks are down.
    slots = 2 * len({s for m in plan.listened for s in m.sources}) + SPARE
    return Stack(where.home, users, PORT, lines_of(where.home / FILE), slots=slots)


def _open_dags(stack: Stack, plan: Plan) -> None:
    """Unpause what the plan enables, pause the other sources; then do the first round at once instead of at the next tick."""
    sources = {s for m in plan.listened for s in m.sources}
    wanted = {*ALWAYS, *(f"collect_{s}" for s in sources)}
    stack.wait_for(wanted)
    for dag, paused in stack.api.dags().items():
        if paused != (dag not in wanted):
            stack.api.pause(dag, dag not in wanted)
    stamp = f"first-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    _first_round(stack, [f"collect_{s}" for s in sorted(sources)], stamp)
    for dag in ("score_mentions", "evaluate_brands", "report_daily_kpis"):
        _first_round(stack, [dag], stamp)


def _first_round(stack: Stack, dags: list[str], stamp: str) -> None:
    """Run these now; what fails or takes long is said, and goes on by itself: one source that is down stops nothing."""
    runs = [(dag, stack.api.trigger(dag, stamp)) for dag in dags]
    try:
        failed = [run for run, state in stack.api.wait(runs, limit=PATIENCE).items() if state == "failed"]
    except TransientError as error:
        print(f"not yet: {error}; it goes on, and what was not seen counts as blind", flush=True)
    else:
        for run in failed:
            print(
                f"failed:  {run.partition('/')[0]}; look at its log in Airflow, what was not seen counts as blind", flush=True
            )


def _tell(stack: Stack, plan: Plan, where: settings.Settings) -> None:
    print(f"Coolhead is up: {stack.url}   (user admin, password {stack.passwords['admin']})")
    for market in plan.markets:
        for brief in sorted((where.reports / "daily" / market.id).glob("*.html"))[-2:]:
            print(f"brief:   {brief}")
        print(f"exports: drop them into {where.inbox / market.id}")
    if "AIRFLOW_CONN_EMAIL" not in {**os.environ, **lines_of(where.home / FILE)}:
        print(
            f"mail:    none yet; put AIRFLOW_CONN_EMAIL=smtp://user:password@host:587 into {where.home / FILE} and start again"
        )
    print("It runs until you press Ctrl-C.", flush=True)
