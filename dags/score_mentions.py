"""mention -> score, through the quality gate."""

from airflow.sdk import DAG, task

from assets import MENTION, SCORE
from bridge import DEFAULTS, START, every, opened, translated

with DAG(
    "score_mentions",
    schedule=every("*/5 * * * *", MENTION),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["coolhead", "score"],
    description="Check new mentions, then read their language and sentiment",
    doc_md="""
### score_mentions

**Reads** mentions that the quality gate has not seen, then those that the plan's scorer has not read. **Writes** refused
rows to the quarantine with their reason, and one `score` per mention: language, label, polarity, confidence, model and
revision. What no scorer can read is `unscored`, a state of its own, never neutral.

**When it fails:** volume and reach go on without it; shares become *unknown*, and reports say so. Nothing is lost:
clear the run, it takes up all that is undone. Remarks of the gate (in its log and return value) hold nothing back.
""",
) as dag:

    @task(multiple_outputs=True)
    @translated
    def gate() -> dict[str, object]:
        from dataclasses import asdict

        from coolhead.quality import gate as run

        with opened() as (_, clock, store, _plan):
            return asdict(run(store, clock))

    @task(multiple_outputs=True, outlets=[SCORE])
    @translated
    def score() -> dict[str, object]:
        from dataclasses import asdict

        from coolhead.scoring import score as run

        with opened() as (_, clock, store, plan):
            return asdict(run(store, plan, clock))

    gate() >> score()
