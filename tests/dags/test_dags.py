"""Every Dag loads, says what it is for, and is light to load."""

import ast
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bridge import cron_of
from coolhead import registry

ROOT = Path(__file__).parents[2]
FILES = sorted(p for p in (ROOT / "dags").glob("*.py"))
HEAVY = ("pandas", "great_expectations", "sklearn", "matplotlib")


def test_the_dags_are_those_of_the_design(dags):
    assert set(dags) == {
        *(f"collect_{s}" for s in registry.names("sources")),
        "collect_followers", "score_mentions", "evaluate_brands", "escalate_incident", "open_incident", "report_daily_kpis",
        "review_incident", "run_drill", "maintain_store", "check_connections", "hurry_collection", "recheck_mentions", "replay_rules", "rescore_mentions", "sample_labels",
    }  # fmt: skip


def test_each_says_what_it_reads_writes_and_what_to_do_when_it_fails(dags):
    for dag in dags.values():
        text = dag.doc_md or ""
        assert dag.dag_id in text or dag.dag_id.startswith("collect_") or text.strip(), dag.dag_id
        assert "When it fails" in text, dag.dag_id
        assert any(word in text for word in ("**Writes**", "**Deletes**")), dag.dag_id
        assert dag.description and "coolhead" in dag.tags, dag.dag_id
        assert {t.owner for t in dag.tasks} <= {"coolhead"}, dag.dag_id


def test_no_dag_has_a_string_schedule_or_catches_up(dags):
    for dag in dags.values():
        assert not dag.catchup, dag.dag_id
        summary = type(dag.timetable).__name__
        assert summary in {"NullTimetable", "CronDataIntervalTimetable", "AssetOrTimeSchedule", "PartitionedAssetTimetable"}, (
            f"{dag.dag_id}: {summary}"
        )
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "schedule":
                assert not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)), path.name


def test_each_source_is_polled_at_its_own_interval(dags):
    for source in registry.names("sources"):
        poll = registry.load("sources", source).poll
        assert dags[f"collect_{source}"].timetable.expression == cron_of(poll)


def test_a_polling_interval_as_cron():
    minutes = {5: "*/5 * * * *", 15: "*/15 * * * *", 60: "0 */1 * * *", 360: "0 */6 * * *", 1440: "0 0 * * *"}
    assert {m: cron_of(timedelta(minutes=m)) for m in minutes} == minutes


def test_urgent_intervals_are_those_that_the_dag_can_keep(dags):
    assert dags["hurry_collection"].timetable.expression == "*/2 * * * *"
    for source in registry.names("sources"):
        kind = registry.load("sources", source)
        assert kind.urgent <= kind.poll, source
        day = timedelta(days=1)
        assert not (timedelta(hours=1) if kind.poll <= timedelta(hours=1) else day) % kind.poll, source


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_no_dag_file_imports_a_heavy_library_at_top_level(path):
    for node in ast.parse(path.read_text()).body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not [n for n in names if n.split(".")[0] in HEAVY]


def test_loading_all_dag_files_loads_no_heavy_library_that_airflow_does_not():
    code = """
import json, runpy, sys
from pathlib import Path
import airflow.sdk
from airflow.sdk import DAG, Asset, Param, task
from airflow.providers.standard.operators import hitl, trigger_dagrun
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
for path in sorted(Path(sys.argv[1]).glob("*.py")):
    runpy.run_path(str(path))
print(json.dumps(sorted({m.split(".")[0] for m in set(sys.modules) - before})))
"""
    done = subprocess.run([sys.executable, "-c", code, str(ROOT / "dags")], capture_output=True, text=True, check=True)
    assert not set(json.loads(done.stdout.splitlines()[-1])) & set(HEAVY)


def test_dag_files_hold_no_sql_and_no_arithmetic():
    for path in FILES:
        tree = ast.parse(path.read_text())
        imported = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert not {m for m in imported if m.startswith("sqlalchemy")}, path.name
        assert len(path.read_text().splitlines()) < 150, path.name
