"""kpi_point -> daily brief."""

from airflow.sdk import DAG, Param, task

from bridge import DEFAULTS, START, every, opened, params, translated

with DAG(
    "report_daily_kpis",
    schedule=every("*/15 * * * *"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["coolhead", "report"],
    description="The daily KPI brief of every market",
    doc_md="""
### report_daily_kpis

**Reads** KPI points, incidents and the collection log. **Writes** the brief of each market's local day under
`$COOLHEAD_HOME/reports/daily/<market>/<day>.html`, with its numbers as CSV beside it: today's so far every quarter of an
hour, yesterday's once more after midnight. Give `day` to write one again.

**When it fails:** nothing else depends on it. Clear the run; a brief is written whole or not at all.
""",
    params={
        "day": Param(None, type=["null", "string"], format="date", description="Local day; empty: today and yesterday"),
        "market": Param("", type="string", description="Empty: all"),
    },
) as dag:

    @task
    @translated
    def report() -> list[str]:
        from coolhead.reporting import write_briefs

        given = params()
        with opened() as (where, clock, store, plan):
            return [str(p) for p in write_briefs(store, plan, where, clock, given.get("day"), given.get("market"))]

    report()
