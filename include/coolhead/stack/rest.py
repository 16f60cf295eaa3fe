"""Airflow's REST API, as far as the launcher needs it. https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html"""

import time
from typing import Any

import requests

from coolhead.errors import PermanentError, TransientError

ENDED = {"success", "failed"}


class Airflow:
    """One user's view of one API server."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url, self.user, self._password = url, user, password
        self._session = requests.Session()
        self._session.trust_env = False  # loopback never goes through a proxy
        self._token: str | None = None

    def healthy(self) -> bool:
        """All four components report a heartbeat."""
        try:
            answer = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=5)
            found = answer.json()
        except (requests.RequestException, ValueError):
            return False
        return all(
            found.get(c, {}).get("status") == "healthy" for c in ("metadatabase", "scheduler", "triggerer", "dag_processor")
        )

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """JSON in, JSON out. Raises PermanentError with the server's words for 4xx, TransientError for what may pass.

        Tried again a few times: on SQLite, Airflow answers 500 when its database is busy for a moment.
        """
        for wait in (0.5, 1.0, 2.0, 4.0):
            try:
                return self._call(method, path, body, query)
            except TransientError:
                time.sleep(wait)
        return self._call(method, path, body, query)

    def _call(self, method: str, path: str, body: Any, query: dict[str, Any]) -> Any:
        try:
            if self._token is None:
                self._token = self._sign_in()
            answer = self._session.request(
                method,
                f"{self.url}{path}",
                json=body,
                params=query,
                headers={"Authorization": f"Bearer {self._token}"},
                timeout=60,
            )
        except requests.RequestException as error:
            raise TransientError(f"Airflow's API server: {type(error).__name__}") from None
        if answer.status_code == 401:
            self._token = None
        if answer.status_code >= 500:
            raise TransientError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        if answer.status_code >= 400:
            raise PermanentError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None

    def _sign_in(self) -> str:
        credentials = {"username": self.user, "password": self._password}
        answer = self._session.post(f"{self.url}/auth/token", json=credentials, timeout=30)
        if answer.status_code >= 500:
            raise TransientError(f"sign-in as {self.user}: {answer.status_code}")
        if answer.status_code not in (200, 201):
            raise PermanentError(f"sign-in as {self.user}: {answer.status_code}")
        return str(answer.json()["access_token"])

    def dags(self) -> dict[str, bool]:
        """dag id -> paused."""
        return {d["dag_id"]: d["is_paused"] for d in self.call("GET", "/api/v2/dags", limit=100)["dags"]}

    def import_errors(self) -> list[str]:
        return [
            f"{e['filename']}: {e['stack_trace'][-500:]}" for e in self.call("GET", "/api/v2/importErrors")["import_errors"]
        ]

    def pause(self, dag: str, paused: bool) -> None:
        self.call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": paused}, update_mask="is_paused")

    def trigger(self, dag: str, run_id: str, **conf: Any) -> str:
        """Start a manual run; returns its id. A run of that id that is there already is that run."""
        body = {"logical_date": None, "dag_run_id": run_id, "conf": conf}
        try:
            self.call("POST", f"/api/v2/dags/{dag}/dagRuns", body)
        except PermanentError:
            if self.state(dag, run_id) is None:
                raise
        return run_id

    def state(self, dag: str, run_id: str) -> str | None:
        """State of a run; None where there is none yet."""
        try:
            return str(self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run_id}")["state"])
        except PermanentError:
            return None

    def wait(self, runs: list[tuple[str, str]], limit: float = 180.0) -> dict[str, str]:
        """Wait until all runs have ended; (dag, run) -> state by dag. Raises TransientError after the limit."""
        until = time.monotonic() + limit
        left, ended = list(runs), dict[str, str]()
        while left:
            for dag, run_id in list(left):
                if (state := self.state(dag, run_id)) in ENDED:
                    ended[f"{dag}/{run_id}"] = str(state)
                    left.remove((dag, run_id))
            if time.monotonic() > until:
                raise TransientError(f"still not ended after {limit:.0f} s: {', '.join(f'{d} {r}' for d, r in left)}")
            time.sleep(0.15)
        return ended

    def task_state(self, dag: str, run_id: str, task: str) -> str | None:
        try:
            return self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run_id}/taskInstances/{task}")["state"]  # type: ignore[no-any-return]
        except PermanentError:
            return None

    def answer(self, dag: str, run_id: str, task: str, option: str, **form: Any) -> None:
        """Answer a human-in-the-loop task as this user."""
        path = f"/api/v2/dags/{dag}/dagRuns/{run_id}/taskInstances/{task}/-1/hitlDetails"
        asked = self.call("GET", path)
        whole = {name: field["value"] for name, field in asked["params"].items()} | form
        self.call("PATCH", path, {"chosen_options": [option], "params_input": whole})

    def asked(self, dag: str, run_id: str) -> list[dict[str, Any]]:
        """Questions of a run."""
        return list(self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run_id}/hitlDetails")["hitl_details"])
