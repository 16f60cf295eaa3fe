"""One Dag per source: payload -> mention."""

from datetime import timedelta

from airflow.sdk import DAG, Param, task

from assets import MENTION
from bridge import DEFAULTS, START, credentials, cron_of, every, interval, opened, params, translated
from coolhead import registry

DOC = """
### collect_{source}

**Reads** the network `{source}` for every market whose plan enables it. **Writes** payloads (as they came, under
`landing/`), mentions, matches, refused rows and one row of the collection log per market, in one transaction.

**When it fails:** the log of the task says who must act. *ConfigError*: mend the plan, `coolhead plan check`.
*PermanentError*: the network refuses us (token, address, changed API). *TransientError*: it was tried again and stayed
away; the stretch counts as **blind**, never as quiet, and the next polls ask for it again for a day. *QualityError*: too many rows were refused, all are stored; look at
the quarantine. Clearing the failed run collects its stretch again where the network still has it; nothing is doubled.

{about}
"""


def collect_dag(source: str) -> DAG:
    """The collection Dag of one source."""
    kind = registry.load("sources", source)
    about = (__import__(kind.__module__, fromlist=["x"]).__doc__ or "").strip()
    with DAG(
        f"collect_{source}",
        schedule=every(cron_of(kind.poll)),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        # One retry: the next poll asks for whatever is missing, and a source that hangs should not hold its slot for long.
        default_args={**DEFAULTS, "retries": min(1, DEFAULTS["retries"])},
        tags=["coolhead", "collect", f"source:{source}"],
        description=f"Collect mentions from {source}",
        doc_md=DOC.format(source=source, about=about),
        params={
            "start": Param(None, type=["null", "string"], format="date-time", description="Start of the stretch (UTC)"),
            "end": Param(None, type=["null", "string"], format="date-time", description="End of the stretch (UTC)"),
            "markets": Param(
                None, type=["null", "array"], description="Only these, up to this minute: they are in an incident"
            ),
            "at": Param(None, type=["null", "string"], format="date-time", description="When that was asked for"),
            "history": Param(False, type="boolean", description="The stretch is history: assume it was known when published"),
        },
    ) as dag:

        @task(outlets=[MENTION], execution_timeout=timedelta(minutes=30))
        @translated
        def collect() -> list[str]:
            from coolhead.budget import connections_of
            from coolhead.collecting import asked, collect_all

            with opened() as (where, clock, store, plan):
                run = asked(interval(), params())
                return collect_all(store, plan, where, clock, source, run, credentials(connections_of(plan, [source])))

        collect()
    return dag


for name in registry.names("sources"):
    globals()[f"collect_{name}"] = collect_dag(name)
