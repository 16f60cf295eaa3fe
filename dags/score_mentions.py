"""mention -> score -> topic, through the quality gate."""

from typing import Any

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
    description="Check new mentions, read their language and sentiment, put them into topics",
    doc_md="""
### score_mentions

**Reads** mentions that the quality gate has not seen, then those that the plan's scorer has not read. **Writes** refused
rows to the quarantine with their reason, and one `score` per mention: language, label, polarity, confidence, model and
revision. What no scorer can read is `unscored`, a state of its own, never neutral. With it goes one `comment_kind`: complaint,
criticism, question, praise, insult, spam or other, by rules (`coolhead/kinds.py` says how good they are).

Scorers that the plan names `beside` the active one read the same; their series are published under their own revisions. After
a change of the model, what the former one had read is read anew bit by bit, newest first; `rescore_mentions` does it at once.

Then every mention is put into a topic of its market's local day (`in_topic`, `topic`): once, and never moved.

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
            return asdict(run(store, plan, clock)) | _beside(store, plan, clock)

    def _beside(store: Any, plan: Any, clock: Any) -> dict[str, int]:
        """Imported only where a plan has some: it takes pandas, and this runs every five minutes."""
        if not plan.brands.scorer.beside:
            return {}
        from coolhead.rescoring import keep_up

        return keep_up(store, plan, clock, print)

    @task(multiple_outputs=True)
    @translated
    def group_topics() -> dict[str, int]:
        from coolhead.topics import group_all

        with opened() as (_, clock, store, plan):
            return {g.market: g.mentions for g in group_all(store, plan, clock)}

    gate() >> score() >> group_topics()
