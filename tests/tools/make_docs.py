"""Writes the documents that are made from code; `--check` says which are out of date, and changes nothing."""

import ast
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from coolhead import registry, rows, schema

ROOT = Path(__file__).parents[2]
DOCS, README = ROOT / "include" / "docs", ROOT / "README.md"
HEADER = "<!-- Made from code by `make docs`; edit the code, not this page. -->\n\n"


GRAINS = {"5min": "5 min", "hour": "hour", "day": "day"}
KINDS = {
    "additive": "a window's parts are the sum of those of the windows in it",
    "distinct": "each author counts once per window: parts of windows never add",
    "derived": "made of other points, of other brands' points, of follower counts, or of what is usual",
}


def kpis() -> str:
    """The catalogue of KPIs: one table, and what each of them means."""
    found = [registry.load("kpis", name)() for name in registry.names("kpis")]
    out = ["# Catalogue of KPIs\n", "Definitions are versioned: a stored number carries the version it was computed with.\n"]
    out += [f"- **{kind}**: {meaning}." for kind, meaning in KINDS.items()]
    out.append("- **windows**: those it is stored for; *rules*: rules see it over the trailing hour, every five minutes.")
    out.append("- Every number has `n`, and the verdict on what its sources saw; intervals are of 95 % and never add.\n")
    out.append("| KPI | title | kind | unit | windows | 95 % interval | version |\n|---|---|---|---|---|---|---|")
    for k in found:
        rules = ["rules"] if (k.reads == "mention" and k.trailing) or k.reads == "usual" else []
        windows = [GRAINS[g] for g in k.grains] + rules
        cells = (f"[`{k.name}`](#{k.name})", k.title, k.kind, k.unit, ", ".join(windows), k.interval or "none", str(k.version))
        out.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    out.append(
        "\nNever computed: AVE, which the Barcelona Principles reject, and impressions, which no source tells of others' posts.\n"
    )
    for k in found:
        made = f"the points of `{k.asks}`" if k.asks else READS[k.reads]
        meaning = " ".join((k.__doc__ or "").split())
        out.append(f"## {k.name}\n\n{meaning}\n\n- formula: {k.formula}\n- made of: {made}\n- origin: {k.origin}\n")
    return "\n".join(out) + "\n"


READS = {
    "mention": "mentions, the brand's own left out", "own": "the brand's own posts", "both": "mentions and the brand's own posts",
    "answerable": "complaints and questions that are addressed to the brand", "follower": "follower counts of own accounts",
}  # fmt: skip


def rules() -> str:
    """Every kind of rule, and what its entry in rules.yaml may say."""
    out = ["# Kinds of rule\n", "What every entry of `rules.yaml` may say stands in the file that is shipped; beside it:\n"]
    for name in registry.names("rules"):
        kind = registry.load("rules", name)
        module = ast.get_docstring(ast.parse((ROOT / "include/coolhead/rules" / f"{name}.py").read_text())) or ""
        out.append(f"## {name}\n\n{_flat(module)} {_flat(kind.__doc__)}\n")
        keys = [f"| `{key}` | {_default(field)} |" for key, field in kind.Settings.model_fields.items()]
        out += ["| key | default |\n|---|---|", *keys, ""] if keys else []
        out += [f"{_flat(kind.Settings.__doc__)}\n"] if keys else []
    return "\n".join(out)


def _flat(text: str | None) -> str:
    return " ".join((text or "").split())


def _default(field: Any) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    return "none" if value in (None, {}, (), []) else f"`{value}`"


def data_dictionary() -> str:
    """Every table and column."""
    return "# Data dictionary\n\nOne table per arrow of the data's way.\n\n" + schema.dictionary(rows.TABLES)


def sources() -> str:
    """Every source with what its module says."""
    out = ["# Sources\n", source_table()]
    for name in registry.names("sources"):
        kind = registry.load("sources", name)
        module = ast.get_docstring(ast.parse((ROOT / "include/coolhead/sources" / f"{name}.py").read_text())) or ""
        out.append(f"## {name}\n\n{module}\n\n{_times(kind)}\n{_fields(kind)}")
    return "\n".join(out)


def _times(kind: Any) -> str:
    said = [f"Polled every {_span(kind.poll)}, in an incident of S2 or above every {_span(kind.urgent)}"]
    said.append(f"posts may come {_span(kind.lag)} late")
    if kind.revisit:
        said.append(f"each poll asks for the last {_span(kind.revisit)} again")
    said.append(f"at most {kind.rate.requests} requests in {_span(kind.rate.per)}")
    return "; ".join(said) + "."


def _fields(kind: Any) -> str:
    """The fields of its Airflow connection."""
    rows = [f"| `{field}` | {what} |" for field, what in kind.fields.items()]
    head = f"| field of the connection `{kind.name}` | what it is |\n|---|---|\n"
    return f"\n{head}" + "\n".join(rows) + "\n" if rows else ""


def _span(span: timedelta) -> str:
    """At most two units: 90 s, 15 min, 2 h, 7 days."""
    for unit, name in ((timedelta(days=1), "days"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min")):
        if span >= unit and not span % unit:
            return f"{span // unit} {name}".replace("1 days", "1 day") if name == "days" else f"{span // unit} {name}"
    return f"{span.total_seconds():g} s"


def source_table() -> str:
    """Network, what is read, account or price, lag, history, limits: from the modules."""
    out = ["| source | network | reads | account, approval, price | lag | history | limits |\n|---|---|---|---|---|---|---|"]
    for name in registry.names("sources"):
        kind = registry.load("sources", name)
        a = kind.about
        cells = (f"`{name}`", a.network, a.reads, a.demands, _span(kind.lag), a.history, a.limits)
        out.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(out) + "\n"


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


def readme() -> str:
    """The README with its table of sources made anew."""
    before, begin, rest = README.read_text(encoding="utf-8").partition("<!-- sources: made from code by `make docs` -->\n")
    _, end, after = rest.partition("<!-- /sources -->")
    return f"{before}{begin}{source_table()}{end}{after}"


PAGES = {"kpis.md": kpis, "rules.md": rules, "data_dictionary.md": data_dictionary, "sources.md": sources, "dags.md": dags}


def main() -> int:
    stale = []
    pages = {DOCS / name: HEADER + make().rstrip() + "\n" for name, make in PAGES.items()} | {README: readme()}
    for path, text in pages.items():
        name = path.name
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
