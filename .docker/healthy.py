"""Health checks of the compose stack: `healthy.py COMPONENT` ends with 0 if that component works.

Asked over HTTP and Redis, without importing Airflow: every `airflow` command costs seconds, these cost a tenth of one.
"""

import json
import os
import socket
import sys
from urllib.request import urlopen

TIMEOUT = 8.0


def api(component: str) -> bool:
    """As the API server sees it; the other components write their heartbeats into its database."""
    with urlopen("http://api-server:8080/api/v2/monitor/health", timeout=TIMEOUT) as answer:
        return bool(json.load(answer)[component]["status"] == "healthy")


def scheduler() -> bool:
    """The scheduler's own server: 200 while its last heartbeat is fresh, else 503."""
    with urlopen("http://127.0.0.1:8974/health", timeout=TIMEOUT) as answer:
        return bool(answer.status == 200)


def worker() -> bool:
    """A ping through the broker that this very worker answers."""
    from celery import Celery

    with Celery(broker=os.environ["AIRFLOW__CELERY__BROKER_URL"]) as app:
        name = f"celery@{socket.gethostname()}"
        return bool(app.control.inspect(destination=[name], timeout=TIMEOUT, limit=1).ping())


CHECKS = {
    "api-server": lambda: api("metadatabase"),
    "scheduler": scheduler,
    "dag-processor": lambda: api("dag_processor"),
    "triggerer": lambda: api("triggerer"),
    "worker": worker,
}


def main() -> int:
    try:
        return 0 if CHECKS[sys.argv[1]]() else 1
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{sys.argv[1]}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
