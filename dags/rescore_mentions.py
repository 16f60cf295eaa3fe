"""mention -> score, all of history, on request."""

from airflow.sdk import DAG, Param, task

from assets import SCORE
from bridge import DEFAULTS, START, opened, params, translated

with DAG(
    "rescore_mentions",
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["coolhead", "score"],
    description="Have a scorer read all mentions that it has not read, newest day first",
    doc_md="""
### rescore_mentions

Start it by hand before the plan names another scorer: a change takes effect only once the new series covers what baselines
look back on. **Reads** every stored mention that the scorer has not read, newest local day first. **Writes** its scores, and its
KPI points under its own revision beside those of the active scorer, which stay as they are. The log shows how far it is,
how fast and how long it will take.

**When it fails:** nothing depends on it. Clear the run, stopped or failed: it goes on where it was.
""",
    params={
        "scorer": Param("", type="string", description="Empty: the plan's, also while it waits for this"),
        "market": Param("", type="string", description="Empty: all, and the brands that they watch"),
    },
) as dag:

    @task(multiple_outputs=True, outlets=[SCORE])
    @translated
    def rescore() -> dict[str, object]:
        from coolhead.rescoring import on_request

        given = params()
        with opened() as (where, clock, store, plan):
            return on_request(store, plan, where, clock, print, given.get("scorer"), None, given.get("market"))

    rescore()
