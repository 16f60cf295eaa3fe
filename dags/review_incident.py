"""incident -> post-incident review."""

from airflow.sdk import DAG, Param, task

from bridge import DEFAULTS, START, opened, params, translated

with DAG(
    "review_incident",
    schedule=None,
    start_date=START,
    default_args=DEFAULTS,
    tags=["coolhead", "report"],
    description="The post-incident review of one incident",
    doc_md="""
### review_incident

**Reads** everything about one incident. **Writes** `$COOLHEAD_HOME/reports/reviews/<incident>.html`: what happened, how
large, how quickly we answered, the decisions, and what people want to change. Started when an incident is closed; start
it by hand with the incident's id at any time.

**When it fails:** nothing else depends on it; clear the run.
""",
    params={"incident": Param("", type="string", description="Incident id")},
) as dag:

    @task
    @translated
    def review() -> str:
        from coolhead.reporting import write_review

        with opened() as (where, clock, store, plan):
            return str(write_review(store, plan, where, clock, str(params().get("incident", ""))))

    review()
