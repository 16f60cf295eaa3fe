"""mention -> drawn -> label: what people say that mentions say."""

from airflow.sdk import DAG, task

from assets import SCORE
from bridge import DEFAULTS, START, every, opened, translated

with DAG(
    "sample_labels",
    schedule=every("20 * * * *"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["coolhead", "label"],
    description="Draw mentions for people to label each month, take their labels in, and tell a drift of the scorer",
    doc_md="""
### sample_labels

**Reads** filled samples from `$COOLHEAD_HOME/inbox/labels/<who labelled>/*.csv` every hour, and what the scorer read in the
month that is over. **Writes** one `label` per mention with name and time, which overrides the scorer (its windows are measured
again); once a month and market 100 mentions drawn at random by language and reading, as
`$COOLHEAD_HOME/reports/labels/<market>/<month>.csv` with two empty columns, `label` and `kind`; and returns in words how well
the scorer reads, whether that drifts, and whether people agree. A month whose sample was missed is made up for.

**When it fails:** a file in the inbox has mistakes; the log names line, column and the valid choices. Mend the file where it
lies: the next run reads it, and nothing is doubled. Everything else goes on as before.
""",
) as dag:

    @task(outlets=[SCORE])
    @translated
    def take() -> list[str]:
        from coolhead.label_rounds import take_all

        with opened() as (where, clock, store, _plan):
            return take_all(store, where, clock)

    @task(trigger_rule="all_done", multiple_outputs=True)
    @translated
    def draw() -> dict[str, str]:
        from coolhead.label_rounds import sample_all

        with opened() as (where, clock, store, plan):
            return sample_all(store, plan, where, clock)

    @task(trigger_rule="all_done")
    @translated
    def report() -> list[str]:
        from coolhead.label_rounds import report as run

        with opened() as (_, clock, store, plan):
            return run(store, plan, clock, plan.markets)

    take() >> draw() >> report()
