"""mention -> mention, tombstone."""

from datetime import timedelta

from airflow.sdk import DAG, task

from bridge import DEFAULTS, START, credentials, every, interval, opened, translated

with DAG(
    "recheck_mentions",
    schedule=every("0 * * * *"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULTS, "retries": min(1, DEFAULTS["retries"])},
    tags=["coolhead", "collect"],
    description="Look mentions up again: edits, engagement that grew, and what vanished",
    doc_md="""
### recheck_mentions

**Reads** mentions that are an hour, six hours, one, three and seven days old, and asks their network for them by id.
**Writes** what changed in them, and a tombstone for each that is gone, with who removed it as far as the network tells (its
author, we, the network). Its words and address are deleted from the mention, and raw payloads that hold them end with their
retention; that it was said still counts. Networks that cannot be asked by id are passed over.

**When it fails:** the log names source and market; the other sources are not held up. Clear the run to look again; nothing
is doubled.
""",
) as dag:

    @task
    @translated
    def sources() -> list[str]:
        from coolhead.rechecking import rechecked

        with opened() as (_, _, _, plan):
            return rechecked(plan)

    @task(execution_timeout=timedelta(minutes=20), map_index_template="{{ source }}")
    @translated
    def recheck(source: str) -> list[str]:
        from coolhead.budget import connections_of
        from coolhead.rechecking import recheck_all

        with opened() as (where, clock, store, plan):
            run = interval()
            fields = credentials(connections_of(plan, [source]))
            return recheck_all(store, plan, where, clock, source, run[1] if run else None, credentials=fields)

    recheck.expand(source=sources())
