"""A person's report -> incident."""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, task

from bridge import DEFAULTS, START, opened, params, translated

with DAG(
    "open_incident",
    schedule=None,
    start_date=START,
    default_args={**DEFAULTS, "retries": 0},
    tags=["coolhead", "people"],
    description="Open an incident by hand: no mention is needed",
    doc_md="""
### open_incident

For what no rule can see: a call from a journalist, a leak, a post in a closed group. **Writes** the incident and its
first decision, then starts the escalation. The same report twice is one incident.

**When it fails:** the log names the field and the choices; fill in the form again.
""",
    params={
        "market": Param("", type="string", description="Market id of the plan; empty where there is only one"),
        "by": Param("", type="string", minLength=1, description="Who reports it"),
        "reason": Param("", type="string", minLength=1, description="What happened, in a sentence"),
        "link": Param(None, type=["null", "string"], description="Where to see it"),
        "severity": Param("S2", enum=["S1", "S2", "S3", "S4"]),
    },
) as dag:

    @task
    @translated
    def open_it() -> list[dict[str, object]]:
        from coolhead.escalation import runs_after
        from coolhead.incidents import report

        given = params()
        with opened() as (_, clock, store, plan):
            market = plan.market(given["market"]) if given.get("market") else plan.only_market()
            incident = report(
                store,
                plan,
                market,
                given["by"],
                clock.now(),
                given["reason"],
                link=given.get("link"),
                severity=given["severity"],
            )
            return runs_after(store, incident.incident_id, clock)

    TriggerDagRunOperator.partial(task_id="escalate", skip_when_already_exists=True).expand_kwargs(open_it())
