"""Import time of all Dag files together, as a ratio to `import airflow.sdk`: at most 2 (fresh processes, best of 5)."""

import subprocess
import sys
import time
from pathlib import Path

DAGS = Path(__file__).parents[2] / "dags"
SDK = "import airflow.sdk; from airflow.sdk import DAG, Asset, Param, task, CronDataIntervalTimetable"
ALL = f"""
import runpy, sys
from pathlib import Path
sys.path.insert(0, {str(DAGS)!r})
for path in sorted(Path({str(DAGS)!r}).glob("*.py")):
    runpy.run_path(str(path))
"""
LIMIT = 2.0


def best(code: str, times: int = 5) -> float:
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True)
        found.append(time.perf_counter() - begun)
    return min(found)


def main() -> int:
    sdk, all_files = best(SDK), best(ALL)
    print(
        f"import airflow.sdk {sdk:.2f} s; all {len(list(DAGS.glob('*.py')))} Dag files {all_files:.2f} s; ratio {all_files / sdk:.2f} (limit {LIMIT:g})"
    )
    return 0 if all_files <= LIMIT * sdk else 1


if __name__ == "__main__":
    sys.exit(main())
