"""Where Airflow meets the domain: the store and plan of a task, credentials, schedules, and what errors mean."""

import functools
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, AssetOrTimeSchedule, CronDataIntervalTimetable, get_current_context
from airflow.sdk.exceptions import AirflowFailException

from coolhead import clock, settings
from coolhead.errors import ConfigError, PermanentError, QualityError, TransientError

OWNER = "coolhead"
START = datetime(2026, 1, 1, tzinfo=UTC)
IN_PLAY = settings.load().play.exists()
"""In a play its director starts the runs: a schedule would double the work."""

LAST_RETRY = timedelta(minutes=5)
"""Longer is not waited for between two tries: a retry before its time would be refused again, and the next run is due."""

DEFAULTS: dict[str, Any] = {
    "owner": OWNER,
    "retries": 0 if IN_PLAY else 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2,
    "max_retry_delay": LAST_RETRY,
}


def every(cron: str, *assets: Asset) -> Any:
    """A schedule with true data intervals (a bare cron string gives empty ones), nudged by assets; None in a play."""
    if IN_PLAY:
        return None
    timetable = CronDataIntervalTimetable(cron, timezone="UTC")
    return AssetOrTimeSchedule(timetable=timetable, assets=list(assets)) if assets else timetable


def cron_of(poll: timedelta) -> str:
    """Cron expression of a source's polling interval (a divisor of an hour, or of a day)."""
    minutes = int(poll.total_seconds() // 60)
    if minutes < 60:
        return f"*/{minutes} * * * *"
    return f"0 */{minutes // 60} * * *" if minutes < 24 * 60 else "0 0 * * *"


def translated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Errors by who must act: what trying again cannot mend fails at once, the rest is retried."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (ConfigError, PermanentError, QualityError) as error:
            raise AirflowFailException(f"{type(error).__name__}: {error}") from error
        except TransientError as error:
            if (error.retry_after or 0) > LAST_RETRY.total_seconds():
                raise AirflowFailException(f"{error}; in {error.retry_after:.0f} s at the earliest") from error
            raise

    return run


@contextmanager
def opened():  # type: ignore[no-untyped-def]
    """(settings, clock, store, plan) of this task; the plan is the last version that passed its check."""
    from coolhead import planning
    from coolhead.store import Store

    where = settings.load()
    now = clock.load(where.play)
    store = Store(where.store)
    try:
        yield where, now, store, planning.current(store, where.plan, now)
    finally:
        store.close()


def params() -> dict[str, Any]:
    """The run's parameters (conf over defaults), without the empty ones."""
    context = get_current_context()
    given = {**dict(context["params"]), **(context["dag_run"].conf or {})}
    return {k: v for k, v in given.items() if v not in (None, "")}


def interval() -> tuple[datetime, datetime] | None:
    """The run's data interval; None for manual and asset-triggered runs."""
    context = get_current_context()
    start, end = (_plain(context.get(name)) for name in ("data_interval_start", "data_interval_end"))
    return (start, end) if start and end and start < end else None


def _plain(moment: datetime | None) -> datetime | None:
    """Airflow's times are pendulum's, whose differences cannot be divided by a timedelta."""
    return datetime.fromtimestamp(moment.timestamp(), UTC) if moment else None


def credentials(names: list[str]) -> dict[str, dict[str, Any]]:
    """Fields of the Airflow connections of these names; a missing one is left out, and whoever needs it says so."""
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    out = {}
    for name in names:
        try:
            found = Connection.get(name)
        except AirflowNotFoundException:
            continue
        out[name] = {
            "host": found.host, "port": found.port, "login": found.login, "password": found.password, "extra": found.extra_dejson,
        }  # fmt: skip
    return out
