"""Daily briefs and post-incident reviews for whoever is signed in to Airflow. Read only: it serves what Dags have written."""

# No `from __future__ import annotations` here: FastAPI could not resolve annotations of names imported in a function.
import re
from datetime import date
from html import escape
from pathlib import Path

from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import HTMLResponse

from coolhead import settings

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
SHUT = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""Reports quote strangers: the browser is told to run nothing and to fetch nothing, whatever a page holds."""
STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}h2{font-size:1rem}li{margin:.2rem 0}"


def build() -> FastAPI:
    """The app; every route needs a signed-in user."""
    app = FastAPI(title="Crisis desk", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(get_user)])

    @app.get("/", response_class=HTMLResponse)
    def index() -> HTMLResponse:
        return HTMLResponse(_index(settings.load().reports), headers=SHUT)

    @app.get("/daily/{market}/{day}", response_class=HTMLResponse)
    def brief(market: str, day: date) -> HTMLResponse:
        return _page(settings.load().reports / "daily" / _name(market) / f"{day.isoformat()}.html")

    @app.get("/reviews/{incident}", response_class=HTMLResponse)
    def review(incident: str) -> HTMLResponse:
        return _page(settings.load().reports / "reviews" / f"{_name(incident)}.html")

    return app


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise HTTPException(404)
    return text


def _page(path: Path) -> HTMLResponse:
    try:
        return HTMLResponse(path.read_text(encoding="utf-8"), headers=SHUT)
    except FileNotFoundError:
        raise HTTPException(404, "not written yet") from None


def _index(reports: Path) -> str:
    briefs = sorted(reports.glob("daily/*/*.html"), key=lambda p: (p.stem, p.parent.name), reverse=True)
    reviews = sorted(reports.glob("reviews/*.html"), key=lambda p: p.stat().st_mtime, reverse=True)
    parts = [
        ("Daily briefs", [(f"daily/{p.parent.name}/{p.stem}", f"{p.stem} {p.parent.name}") for p in briefs]),
        ("Post-incident reviews", [(f"reviews/{p.stem}", p.stem) for p in reviews]),
    ]
    body = "".join(
        f"<h2>{title}</h2>" + ("<ul>" + "".join(f'<li><a href="{href}">{escape(text)}</a></li>' for href, text in found) + "</ul>" if found else "<p>None yet.</p>")
        for title, found in parts
    )  # fmt: skip
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Crisis desk</title><style>{STYLE}</style><h1>Crisis desk</h1>{body}</html>'
