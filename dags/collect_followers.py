"""own account -> follower."""

from airflow.sdk import DAG, task

from bridge import DEFAULTS, START, credentials, every, opened, translated

with DAG(
    "collect_followers",
    schedule=every("0 * * * *"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["coolhead", "collect"],
    description="Read the follower counts of the brand's own accounts",
    doc_md="""
### collect_followers

**Reads** the follower counts of the plan's `own_accounts` on every network that has them. **Writes** one row of
`follower` per account and hour.

**When it fails:** the log names account and network. A missing count makes the follower KPIs *unknown* for that hour,
never 0. Clear the run to try again; a count is stored once per account and time.
""",
) as dag:

    @task
    @translated
    def collect() -> list[str]:
        from coolhead.budget import connections_of
        from coolhead.collecting import follow_all

        with opened() as (where, clock, store, plan):
            return follow_all(store, plan, where, clock, credentials(connections_of(plan)))

    collect()
