"""plan, connections -> what is broken, and what to do."""

import logging

from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowFailException

from bridge import DEFAULTS, START, credentials, every, opened, translated

log = logging.getLogger(__name__)

with DAG(
    "check_connections",
    schedule=every("0 6 * * *"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULTS, "retries": 0},
    tags=["coolhead", "maintain"],
    description="Is every source and channel reachable and authorised, and for how long?",
    doc_md="""
### check_connections

**Reads** every source and every channel that the plan names: reachable, authorised, requests left, expiry of the token. No
notice is sent to try a channel; what can only be tried by sending is said to be configured. **Writes** notices to whoever is
on duty about what is broken or lapses within 14 days, once for each state of affairs and again each week that it lasts.
The table stands in the log of the task; `make doctor` prints the same.

**When it fails:** something is broken. The log says for each what to do, mostly a field of an Airflow connection. Start the
Dag again after that.
""",
) as dag:

    @task
    @translated
    def check() -> None:
        from coolhead.budget import connections_of
        from coolhead.doctor import broken, channels_of, examine, send, table, tell

        with opened() as (where, clock, store, plan):
            given = credentials([*connections_of(plan), *channels_of(plan)])
            findings = examine(store, plan, where, clock, given)
            log.info("\n%s", table(findings))
            send(store, clock, given, tell(store, plan, findings, clock.now()))
        if bad := broken(findings):
            raise AirflowFailException(f"{len(bad)} of {len(findings)} are broken: {', '.join(f.what for f in bad)}")

    check()
