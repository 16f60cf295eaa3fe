"""One play through the stack: an invented brand's month, from an export dropped into the inbox to the daily brief."""

import csv
import sys
import time
from typing import Any

from engine import say
from stack import Stack

NOW = "2026-03-25T21:00:00+00:00"
"""The play's clock stands still here, three hours into the story's firestorm."""
HOME = "/var/lib/coolhead"
DAY, BRAND, MARKET = "2026-03-25", "Zefirella", "zefirella"
STAGE = f"""
from datetime import datetime
from coolhead import clock, settings
from coolhead.play import story

now = datetime.fromisoformat("{NOW}")
clock.set_play(settings.load().play, now)
print(story.as_csv(post for post in story.posts() if post.at < now and not post.gated), end="")
"""
HISTORY = {"start": "2026-03-02T00:00:00+00:00", "end": NOW, "history": True}
RUNS: list[tuple[str, dict[str, object]]] = [
    ("collect_files", HISTORY),
    ("score_mentions", {}),
    ("evaluate_brands", {}),
    ("report_daily_kpis", {"day": DAY}),
]
UNSCHEDULED = {None, "Never, external triggers only"}
TABLES = ("mention", "match", "score", "kpi_point", "signal", "incident", "collection_log")
SHOWN = ("volume", "unique_authors", "reach_total", "negative_share", "net_sentiment_total")


def play(stack: Stack) -> None:
    """Raises or exits where anything is not as it should be."""
    say("coolhead plan init: " + stack.inside(
        "worker", "coolhead", "plan", "init", BRAND, "--languages", "en,it,pl,id", "--time-zone", "Europe/Rome",
        "--email", "duty@example.org",
    ).splitlines()[0])  # fmt: skip
    stack.drop("export.csv", stack.inside("worker", "python3", "-", stdin=STAGE), f"{HOME}/inbox/{MARKET}/")
    stack.sign_in()
    wait_for_dags(stack)
    for dag, conf in RUNS:
        trigger(stack, dag, conf)
    show_brief(stack)


def wait_for_dags(stack: Stack) -> None:
    """Until the Dag processor has read all of them and, in a play, taken their schedules away."""
    limit = time.monotonic() + 180
    while True:
        known = {d["dag_id"]: d["timetable_summary"] for d in stack.ask("GET", "/api/v2/dags?limit=100")["dags"]}
        errors = stack.ask("GET", "/api/v2/importErrors")["import_errors"]
        if errors:
            sys.exit("Dags that do not load: " + "\n".join(f"{e['filename']}: {e['stack_trace']}" for e in errors))
        if {dag for dag, _ in RUNS} <= known.keys() and set(known.values()) <= UNSCHEDULED:
            say(f"{len(known)} Dags, none on a schedule: {', '.join(sorted(known))}")
            return
        if time.monotonic() > limit:
            sys.exit(f"Dags missing or on a schedule: {known}")
        time.sleep(2)


def trigger(stack: Stack, dag: str, conf: dict[str, object]) -> None:
    """One run by REST, to its end."""
    stack.ask("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})
    run = stack.ask("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"]
    begun, state = time.monotonic(), ""
    while state not in {"success", "failed"}:
        if time.monotonic() - begun > 420:
            sys.exit(f"{dag}: still {state}")
        time.sleep(1)
        state = stack.ask("GET", f"/api/v2/dags/{dag}/dagRuns/{run}")["state"]
    tasks = stack.ask("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
    told = ", ".join(f"{t['task_id']} {t['state']} on {t['hostname'] or '-'}" for t in tasks)
    say(f"{dag}: {state} after {time.monotonic() - begun:.0f} s ({told})")
    for t in tasks:
        if t["hostname"] and (state != "success" or (dag, t["task_id"]) == ("collect_files", "collect")):
            show_log(stack, dag, run, t["task_id"])
    if state != "success":
        sys.exit(f"{dag}: {state}")


def show_log(stack: Stack, dag: str, run: str, task: str) -> None:
    """A task's log as the API server serves it to people: from the volume that the worker wrote."""
    path = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/1?full_content=true"
    lines: list[dict[str, Any]] = stack.ask("GET", path)["content"]
    assert lines, "an empty log"
    for line in lines[-12:]:
        raised = "; ".join(f"{e['exc_type']}: {e['exc_value']}" for e in line.get("error_detail") or [])
        print(f"           | {line['event'][:220]} {raised}".rstrip(), flush=True)


def show_brief(stack: Stack) -> None:
    """The brief stands in the volume, with numbers; the rows stand in PostgreSQL."""
    folder = f"{HOME}/reports/daily/{MARKET}"
    files = stack.inside("api-server", "sh", "-c", f"cd {folder} && wc -c *").strip()
    print("\n".join(f"           | {line}" for line in files.splitlines()), flush=True)
    page = stack.inside("api-server", "cat", f"{folder}/{DAY}.html")
    assert BRAND in page and "</html>" in page, page[:500]
    rows = list(csv.DictReader(stack.inside("api-server", "cat", f"{folder}/{DAY}.csv").splitlines()))
    whole = {row["kpi"]: row for row in rows if row["source"] == row["lang"] == "all"}
    for name in SHOWN:
        row = whole[name]
        print(f"           | {name} {row['value']} [{row['low']}, {row['high']}] n={row['n']} {row['quality']}", flush=True)
    assert float(whole["volume"]["value"]) > 0, whole["volume"]
    counts = stack.counts(TABLES)
    assert all(counts[t] for t in ("mention", "match", "score", "kpi_point", "signal", "incident")), counts
    say("PostgreSQL: " + ", ".join(f"{t} {n}" for t, n in counts.items()))
    stack.compose("run", "--rm", "init")
    assert stack.counts(TABLES) == counts, (stack.counts(TABLES), counts)
    say("init once more: nothing changed")
