"""Writes the documents that are made from code; `--check` says which are out of date, and changes nothing."""

import ast
import sys
from pathlib import Path

from coolhead import registry, rows, schema

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "include" / "docs"
HEADER = "<!-- Made from code by `make docs`; edit the code, not this page. -->\n\n"


def kpis() -> str:
    """The catalogue of KPIs."""
    out = ["# Catalogue of KPIs\n", "Definitions are versioned: a stored number carries the version it was computed with.\n"]
    out.append("| KPI | title | kind | unit | formula | origin | version |\n|---|---|---|---|---|---|---|")
    for name in registry.names("kpis"):
        k = registry.load("kpis", name)()
        formula = k.formula.replace("|", "\\|")
        out.append(f"| `{name}` | {k.title} | {k.kind} | {k.unit} | {formula} | {k.origin} | {k.version} |")
    return "\n".join(out) + "\n"


def data_dictionary() -> str:
    """Every table and column."""
    return "# Data dictionary\n\nOne table per arrow of the data's way.\n\n" + schema.dictionary(rows.TABLES)


def sources() -> str:
    """Every source with what its module says."""
    out = ["# Sources\n"]
    for name in registry.names("sources"):
        kind = registry.load("sources", name)
        module = ast.get_docstring(ast.parse((ROOT / "include/coolhead/sources" / f"{name}.py").read_text())) or ""
        minutes, lag = (int(getattr(kind, a).total_seconds() // 60) for a in ("poll", "lag"))
        out.append(f"## {name}\n\n{module}\n\nPolled every {minutes} minutes; posts may come {lag} minutes late.\n")
    return "\n".join(out)


def dags() -> str:
    """Every Dag file with the text that operators see in Airflow."""
    out = ["# Dags\n"]
    for path in sorted((ROOT / "dags").glob("*.py")):
        tree = ast.parse(path.read_text())
        texts = [
            n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and "### " in n.value
        ]
        out += [t.replace("{about}", "").strip().replace("### ", "## ") + "\n" for t in texts]
    return "\n".join(out)


PAGES = {"kpis.md": kpis, "data_dictionary.md": data_dictionary, "sources.md": sources, "dags.md": dags}


def main() -> int:
    stale = []
    for name, make in PAGES.items():
        path, text = DOCS / name, HEADER + make().rstrip() + "\n"
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            DOCS.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv:
        print(f"out of date: {', '.join(stale)}; run `make docs` and commit")
        return 1
    print(f"documents: {'written ' + ', '.join(stale) if stale else 'up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
