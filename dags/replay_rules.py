"""Rules over stored history, on request."""

from airflow.sdk import DAG, Param, task

from bridge import DEFAULTS, START, opened, params, translated

with DAG(
    "replay_rules",
    schedule=None,
    start_date=START,
    default_args={**DEFAULTS, "retries": 0},
    tags=["coolhead", "rules"],
    description="What other rules would have raised in the stored history, beside those that run",
    doc_md="""
### replay_rules

Start it by hand before a rule is changed: paste the new rules.yaml, and see what it would have raised, found, missed and how
early, beside the rules that run. **Reads** what the rules saw of every stored window, what people decided then, and what they
said was true; folds the rules by the very functions that run live. **Writes** a table, a picture and JSON below
`reports/replays/`, and nothing else: no signal, no incident, no notice. The log shows the table and how far it is.

**When it fails:** the log names line and key of the rules, or the date; nothing depends on it.
""",
    params={
        "rules": Param(
            "", type="string", format="multiline", description="rules.yaml as it shall be; empty: the rules that run, alone"
        ),
        "market": Param("", type="string", description="Market id of the plan; empty where there is only one"),
        "from": Param("", type="string", description="Local day, e.g. 2026-03-01; empty: the first mention"),
        "to": Param("", type="string", description="Local day, included; empty: now"),
        "severity": Param("S2", enum=["S1", "S2", "S3", "S4"], description="From where on an episode counts"),
    },
) as dag:

    @task
    @translated
    def replay() -> list[str]:
        from coolhead.replaying import on_request

        given = params()
        with opened() as (where, clock, store, plan):
            return on_request(
                store, plan, where, clock, print, given.get("rules"), given.get("market"), given.get("from"), given.get("to"),
                given["severity"],
            )  # fmt: skip

    replay()
