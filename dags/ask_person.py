"""The human-in-the-loop task of an escalation step: asks what the store says is to be asked, and records the answer.

The answer is written to the store in the very task that receives it. Where the task died between (Airflow can mark
it failed when an answer comes within moments of the question), the answer is read back from Airflow's own record:
no answered step is ever asked again.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import ParamsDict
from airflow.sdk.definitions.param import Param
from airflow.sdk.exceptions import AirflowSkipException

from bridge import opened
from coolhead import failpoint

log = logging.getLogger(__name__)


class AskPerson(HITLOperator):
    """One question of one step; skipped where the step is no longer due."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(subject="Coolhead asks", options=["-"], **kwargs)

    def execute(self, context: Any) -> Any:
        from coolhead.escalation import question

        with opened() as (_, clock, store, _plan):
            step = _step(store, context)
            if step is None or (take_up(context, store, clock) is not None):
                raise AirflowSkipException("the step is done already")
            asked = question(store, step, clock)
            self.response_timeout = None if step.kind == "close" else clock_span(clock, asked.wait)
        self._show(asked)
        return super().execute(context)

    def _show(self, asked: Any) -> None:
        self.subject, self.body, self.options, self.assigned_users = asked.subject, asked.body, asked.options, asked.people
        self.params = ParamsDict({name: Param(field["value"], **field["schema"]) for name, field in asked.form.items()})

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        from coolhead.escalation import answer, question, time_out

        with opened() as (_, clock, store, _plan):
            step = _step(store, context)
            if step is None:
                return "the step was done by somebody else"
            if "error" in event:
                if event["error_type"] != "timeout":
                    self.process_trigger_event_error(event)
                time_out(store, step, clock.now())
                return "nobody answered in time"
            failpoint.reached("ask.answered")
            by = (event.get("responded_by_user") or {}).get("id") or "unknown"
            asked = question(store, step, clock)
            at = clock.at(event.get("responded_at") or datetime.now(UTC))
            return answer(
                store, step, event["chosen_options"][0], event["params_input"] or {}, by, at, f"{asked.subject}\n{asked.body}"
            )


def clock_span(clock: Any, span: Any) -> Any:
    """A span of domain time as the wall shows it."""
    from datetime import timedelta

    return timedelta(seconds=clock.wall_seconds(span))


def _step(store: Any, context: Any) -> Any:
    from coolhead.escalation import step_of

    return step_of(store, context["dag_run"].conf)


def take_up(context: Any, store: Any, clock: Any) -> str | None:
    """Complete the step from the answer that Airflow holds for it, if it holds one; what came of it, or None."""
    from coolhead.escalation import answer, question

    step = _step(store, context)
    if step is None or (found := recorded_answer(context["dag_run"].dag_id, context["dag_run"].run_id)) is None:
        return None
    asked = question(store, step, clock)
    at = clock.at(datetime.fromisoformat(found["responded_at"].replace("Z", "+00:00")))
    by = (found.get("responded_by_user") or {}).get("id") or "unknown"
    return answer(
        store, step, found["chosen_options"][0], found["params_input"] or {}, by, at, f"{asked.subject}\n{asked.body}"
    )


def recorded_answer(dag_id: str, run_id: str) -> dict[str, Any] | None:
    """The answer in Airflow's own record of the run's question, read by REST as the user of the connection `airflow_api`."""
    import requests

    from bridge import credentials

    api = credentials(["airflow_api"]).get("airflow_api")
    if not api:
        log.warning("There is no connection `airflow_api`: an answer that its task lost cannot be read back")
        return None
    base = f"http://{api['host']}:{api['port']}" if "://" not in str(api["host"]) else str(api["host"])
    token = requests.post(f"{base}/auth/token", json={"username": api["login"], "password": api["password"]}, timeout=20)
    token.raise_for_status()
    path = f"{base}/api/v2/dags/{dag_id}/dagRuns/{run_id}/hitlDetails"
    found = requests.get(path, headers={"Authorization": f"Bearer {token.json()['access_token']}"}, timeout=20)
    found.raise_for_status()
    answered = [d for d in found.json()["hitl_details"] if d.get("response_received")]
    return answered[0] if answered else None
