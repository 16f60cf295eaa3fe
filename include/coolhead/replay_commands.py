"""`coolhead replay`: what rules would have raised in the stored history, against what people said was true."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coolhead import clock, settings
from coolhead.errors import ConfigError

CURRENT = "current"
"""Names the rules that run now."""
SEVERITIES = ("S1", "S2", "S3", "S4")


def add(verb: Callable[..., Any]) -> None:
    """Declare the verb. verb(name, function, text) makes a parser."""
    p = verb(
        "replay",
        _replay,
        "Fold rules over the stored history by the functions that run live, and say what they would have raised.",
    )
    p.add_argument(
        "--rules",
        default=CURRENT,
        metavar="FILE",
        help="a rules.yaml, or a folder with a plan, whose calendar counts too; its known_episodes do not: all rules are held "
        "against one truth, the incidents that people judged and the known_episodes of the plan that runs (default: what runs)",
    )
    p.add_argument(
        "--against", metavar="FILE", help=f"other rules beside, or `{CURRENT}`: what each finds that the other does not"
    )
    p.add_argument("--from", dest="start", metavar="DATE", help="local day, or time with its zone (default: the first mention)")
    p.add_argument(
        "--to", dest="end", metavar="DATE", help="local day, that day included, or time with its zone (default: now)"
    )
    p.add_argument("--market", help="market id, where the plan has several")
    p.add_argument("--severity", default="S2", choices=SEVERITIES, help="from where on an episode counts (default S2)")
    p.add_argument(
        "--json", type=Path, metavar="FILE", help="write the result as JSON; - for the terminal, in place of the table"
    )
    p.add_argument("--picture", type=Path, metavar="FILE", help="draw it: .svg or .png; its folder must be there")


def _replay(options: Any) -> int:
    from coolhead import planning
    from coolhead.replaying import compare
    from coolhead.reports._replay_picture import draw, need_suffix, written
    from coolhead.reports.replayed import as_json, table
    from coolhead.store import Store

    made = options.json if str(options.json) != "-" else None
    if options.picture:
        need_suffix(options.picture)
    for key, path in (("json", made), ("picture", options.picture)):
        if path:
            _need_place(key, path)
    where = settings.load()
    now, store = clock.load(where.play), Store(where.store)
    plan = planning.current(store, where.plan, now)
    done = compare(
        store, plan, options.market, [options.rules, *([options.against] if options.against else [])], options.start, options.end,
        options.severity, now.now(), lambda line: print(line, file=sys.stderr, flush=True),
    )  # fmt: skip
    text = json.dumps(as_json(done), indent=1, ensure_ascii=False)
    for line in [text] if str(options.json) == "-" else table(done):  # first: a full disk must not take it along
        print(line)
    if made:
        with written("json", made):
            made.write_text(text + "\n", encoding="utf-8")
    if options.picture:
        print(f"picture: {draw(done, options.picture)}", file=sys.stderr)
    return 0


def _need_place(key: str, path: Path) -> None:
    """Raises ConfigError, before an hour is spent, where a file cannot be written."""
    if path.is_dir():
        raise ConfigError(f"{key}: {path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise ConfigError(f"{key}: {path}: there is no folder {path.parent}; make it, or name another")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigError(f"{key}: {path} may not be written; name another place")
