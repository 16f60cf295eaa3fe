"""Registers the crisis desk in Airflow's navigation. Only the API server builds it: plug-ins are imported everywhere."""

import sys

from airflow.plugins_manager import AirflowPlugin

PATH = "/crisis-desk"


def _apps() -> list[dict[str, object]]:
    if "airflow.api_fastapi.app" not in sys.modules:
        return []  # a scheduler or a task: keep it light
    from desk.app import build

    return [{"app": build(), "url_prefix": PATH, "name": "Crisis desk"}]


class CrisisDesk(AirflowPlugin):
    """The briefs and reviews, behind Airflow's own sign-in."""

    name = "crisis_desk"
    fastapi_apps = _apps()
    external_views = [
        {"name": "Crisis desk", "href": f"{PATH}/", "destination": "nav", "url_route": "crisis-desk", "nav_top_level": True}
    ]
