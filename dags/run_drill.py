"""A rehearsal: a drill's incident through the real escalation."""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, task

from bridge import DEFAULTS, START, opened, params, translated

with DAG(
    "run_drill",
    schedule=None,
    start_date=START,
    default_args={**DEFAULTS, "retries": 0},
    tags=["coolhead", "people", "drill"],
    description="Rehearse: notices, clocks and questions of an incident that never was",
    doc_md="""
### run_drill

Opens an incident marked as a **drill** and walks it through the real escalation: real notices (each says DRILL), real
clocks, real questions, a review at the end. It makes no mention and no KPI point, and no baseline or live incident ever
sees it. **Writes** the incident and its decisions.

**When it fails:** the log names the field; start it again.
""",
    params={
        "market": Param("", type="string", description="Market id of the plan; empty where there is only one"),
        "by": Param("", type="string", minLength=1, description="Who runs the drill"),
        "scenario": Param("Reports of a foreign body in our product spread", type="string", minLength=1),
        "severity": Param("S3", enum=["S1", "S2", "S3", "S4"]),
    },
) as dag:

    @task
    @translated
    def open_drill() -> list[dict[str, object]]:
        from coolhead.escalation import runs_after
        from coolhead.incidents import report

        given = params()
        with opened() as (_, clock, store, plan):
            market = plan.market(given["market"]) if given.get("market") else plan.only_market()
            incident = report(
                store, plan, market, given["by"], clock.now(), given["scenario"], severity=given["severity"], drill=True
            )
            return runs_after(store, incident.incident_id, clock)

    TriggerDagRunOperator.partial(task_id="escalate", skip_when_already_exists=True).expand_kwargs(open_drill())
