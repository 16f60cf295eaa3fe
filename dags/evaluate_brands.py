"""score -> kpi_point -> signal -> incident."""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, task

from assets import INCIDENT, SCORE
from bridge import DEFAULTS, START, credentials, every, opened, translated
from coolhead import registry

with DAG(
    "evaluate_brands",
    schedule=every("*/5 * * * *", SCORE),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["coolhead", "evaluate"],
    description="KPIs of every market, the rules' judgement, incidents",
    doc_md="""
### evaluate_brands

**Reads** what is undone: windows whose mentions or scores changed, and windows that ended since the last judgement.
**Writes** silences that are not believed, KPI points (5 minutes, hour, local day), signals and incidents, then starts the
escalation steps that are due, and tells the operators of a source that went blind, and that it sees again, and a mute's owner that it is over. It goes by the
clock: a network that is down holds nothing up, its stretch is *blind*.

**When it fails:** no new signal is raised until it runs again, so treat it as urgent. Clear the run: it takes up all
that is undone, and judges every window once. Where it says
that a rule does not count, all other rules have judged: mend the plan as it says.
""",
) as dag:

    @task(outlets=[INCIDENT])
    @translated
    def evaluate() -> list[dict[str, object]]:
        from coolhead.evaluation import evaluate_all

        with opened() as (_, clock, store, plan):
            found = evaluate_all(store, plan, clock)
        return [
            {"market": e.market, "points": e.points, "judged": str(e.judged), "signals": e.signals, "incidents": e.incidents}
            for e in found
        ]

    @task(trigger_rule="all_done")
    @translated
    def tick() -> list[dict[str, object]]:
        from coolhead.escalation import due_runs

        with opened() as (_, clock, store, _plan):
            return due_runs(store, clock)

    @task
    @translated
    def check_plan() -> str:
        from coolhead import plan_files, settings

        return plan_files.load(settings.load().plan).hash()

    @task(trigger_rule="all_done")
    @translated
    def tell_of_outages() -> list[str]:
        from coolhead import mute_notices, outages

        with opened() as (_, clock, store, plan):
            given = credentials(registry.names("channels"))
            try:
                told = outages.tell(store, plan, clock, given)
            finally:  # an operator who cannot be reached must not keep a mute's owner from being told
                over = mute_notices.tell(store, plan, clock, given)
        return [*told, *over]

    due = tick()
    evaluate() >> [due, tell_of_outages()]
    check_plan()
    TriggerDagRunOperator.partial(task_id="escalate", skip_when_already_exists=True).expand_kwargs(due)
