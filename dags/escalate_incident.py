"""incident -> notice, decision: one run is one step of one incident."""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, task

from ask_person import AskPerson, take_up
from assets import INCIDENT
from bridge import DEFAULTS, START, credentials, opened, translated

with DAG(
    "escalate_incident",
    schedule=None,
    start_date=START,
    max_active_runs=32,
    default_args=DEFAULTS,
    tags=["coolhead", "escalate", "people"],
    description="Tell people, ask one question, record the answer",
    doc_md="""
### escalate_incident

One run performs **one step** of one incident (acknowledge, assess, respond, close), from the escalation policy that the
incident was opened with. **Writes** notices (intent before sending, receipt after), the person's decision, and starts the
next step. A time-out tells the next level and never approves.

Answer in *Required Actions*, or by the link of the notice. Nothing is published from here: a person publishes what a
person approved.

**When it fails:** `notify` failed: some notices could not be sent yet; the question is asked all the same, and a later
step sends them again. `ask` red: nobody answered in time, or the task died; `proceed` completes the step from the
recorded answer, or escalates. Clearing a run asks no answered step again.
""",
    params={
        "incident": Param("", type="string", description="Incident id"),
        "kind": Param("acknowledge", enum=["acknowledge", "assess", "respond", "close"]),
        "level": Param(0, type="integer", minimum=0),
        "repetition": Param(0, type="integer", minimum=0),
    },
) as dag:

    @task
    @translated
    def notify(dag_run=None) -> list[str]:  # type: ignore[no-untyped-def]
        from coolhead import registry
        from coolhead.escalation import step_of, tell

        with opened() as (_, clock, store, _plan):
            sent = tell(store, step_of(store, dag_run.conf), clock, credentials(registry.names("channels")))
        return [f"{n.channel} to {n.receiver}: {n.status}" for n in sent]

    ask = AskPerson(task_id="ask", retries=0, outlets=[INCIDENT])

    @task(trigger_rule="all_done")
    @translated
    def proceed(**context) -> list[dict[str, object]]:  # type: ignore[no-untyped-def]
        from coolhead.escalation import runs_after

        with opened() as (_, clock, store, _plan):
            take_up(context, store, clock)
            return runs_after(store, context["dag_run"].conf["incident"], clock)

    following = proceed()
    notify()  # beside the question, not before it: a mail server that is down must not hold it up
    ask >> following
    TriggerDagRunOperator.partial(task_id="go_on", skip_when_already_exists=True).expand_kwargs(following)
