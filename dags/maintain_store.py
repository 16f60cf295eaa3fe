"""Retention."""

from airflow.sdk import DAG, task

from bridge import DEFAULTS, START, every, opened, translated

with DAG(
    "maintain_store",
    schedule=every("30 2 * * *"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["coolhead", "maintain"],
    description="Delete what is older than the plan keeps",
    doc_md="""
### maintain_store

**Deletes** payload files, quarantined rows and mentions (with matches and scores) that are older than the plan's
`retention`. KPI points, incidents, decisions and notices stay; notices may quote
a mention.

**When it fails:** personal data is kept longer than promised, so mend it within days. Clear the run; deleting again
what is gone changes nothing.
""",
) as dag:

    @task(multiple_outputs=True)
    @translated
    def retain() -> dict[str, int]:
        from coolhead.retention import retain as run

        with opened() as (where, clock, store, plan):
            return run(store, plan, where, clock)

    retain()
