"""open incident -> collection more often."""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, task

from bridge import DEFAULTS, START, every, opened, translated

with DAG(
    "hurry_collection",
    schedule=every("*/2 * * * *"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULTS, "retries": 0},
    tags=["coolhead", "collect"],
    description="Ask more often for a market that is in an incident",
    doc_md="""
### hurry_collection

**Reads** the open incidents. While a market has one of S2 or above that has not recovered, its sources are asked every
`urgent` interval of theirs instead of every `poll`, as far as their rate budget allows: what the scheduled polls need until
the budget's stretch ends is never taken. **Writes** nothing itself, but starts `collect_<source>` for these markets. In calm
it looks once at the incidents and ends.

**When it fails:** nothing is lost: the sources are asked at their usual pace. The next run, two minutes later, tries again.
""",
) as dag:

    @task
    @translated
    def due() -> list[dict[str, object]]:
        from coolhead.hurrying import due_polls

        with opened() as (_, clock, store, plan):
            return due_polls(store, plan, clock)

    TriggerDagRunOperator.partial(task_id="collect", skip_when_already_exists=True).expand_kwargs(due())
