"""A replay as people ask for it: which rules, which market, from when until when; held against the truth."""

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

import yaml

from coolhead import plan_files
from coolhead.clock import Clock
from coolhead.errors import ConfigError
from coolhead.plan import Market, Plan
from coolhead.replay import replay, span_of
from coolhead.replay_truth import truths
from coolhead.reports._page import write
from coolhead.reports._replay_picture import draw
from coolhead.reports.replayed import Report, as_json, report, table
from coolhead.rows import Severity
from coolhead.settings import Settings
from coolhead.store import Store
from coolhead.windows import local_day, moment

CURRENT = "current"
"""Names the rules that run now."""


def compare(
    store: Store, plan: Plan, market_id: str | None, rules: Sequence[str], start: str | None, end: str | None, severity: Severity,
    now: datetime, tell: Callable[[str], None],
) -> Report:  # fmt: skip
    """Replay one or two files of rules over a market's history. Raises ConfigError for whatever is wrong with what was asked."""
    market = plan.market(market_id) if market_id else plan.only_market()
    plans = [with_rules(plan, file) for file in rules]
    for file, other in zip(rules, plans, strict=True):
        if Path(file).is_dir() and other.market(market.id).known_episodes != market.known_episodes:
            tell(f"rules: {file}: its `known_episodes` do not count: the truth is that of the plan that runs")
    span = span_of(store, market, _moment(start, market, "from"), _moment(end, market, "to"), now)
    done = replay(store, plans, market, span, tell)
    return report(done, _names(rules), truths(store, market, span, severity), severity)


def on_request(
    store: Store, plan: Plan, where: Settings, clock: Clock, tell: Callable[[str], None], rules: str | None = None,
    market_id: str | None = None, start: str | None = None, end: str | None = None, severity: Severity = "S2",
) -> list[str]:  # fmt: skip
    """Replay the rules that run, and beside them those of a text; tell the table, and write table, picture and JSON below
    reports/replays; returns their paths."""
    with tempfile.TemporaryDirectory() as folder:
        files = [CURRENT]
        if rules:
            (changed := Path(folder) / "changed.yaml").write_text(rules, encoding="utf-8")
            files.insert(0, str(changed))
        done = compare(store, plan, market_id, files, start, end, severity, clock.now(), tell)
    base = where.reports / "replays" / done.replayed.market.id
    name, lines = f"{clock.now():%Y-%m-%dT%H%M%S}", list(table(done))
    for line in lines:
        tell(line)
    written = [
        write(base / f"{name}.txt", "\n".join(lines) + "\n"),
        write(base / f"{name}.json", json.dumps(as_json(done), indent=1, ensure_ascii=False) + "\n"),
        draw(done, base / f"{name}.svg"),
    ]
    return [str(path) for path in written]


def _names(files: Sequence[str]) -> list[str]:
    """Short ones, as long as they differ."""
    short = [Path(f).name if f != CURRENT else f for f in files]
    return (
        short if len(set(short)) == len(short) else [*files[:1], *(f"{f} (again)" if f in files[:1] else f for f in files[1:])]
    )


def _moment(text: str | None, market: Market, what: str) -> datetime | None:
    """Of a day its beginning; as an end, its end."""
    if not text:
        return None
    try:
        day = local_day(date.fromisoformat(text), market.time_zone)
    except ValueError:
        return moment(text, what)
    return day.end if what == "to" else day.start


def with_rules(plan: Plan, file: str) -> Plan:
    """The plan that runs with the rules of a file; of a folder its own plan, whose calendar counts too, and whose `known_episodes` do
    not: one truth for all. Raises ConfigError with every mistake in them."""
    if file == CURRENT:
        return plan
    if (path := Path(file)).is_dir():
        return plan_files.load(path)
    if not path.is_file():
        raise ConfigError(f"rules: {file}: there is no such file; name a rules.yaml, a folder with a plan, or `{CURRENT}`")
    with tempfile.TemporaryDirectory() as folder:
        beside = Path(folder)
        for part in ("brands", "escalation"):
            (beside / f"{part}.yaml").write_text(yaml.safe_dump(plan.content()[part]), encoding="utf-8")
        shutil.copy(path, beside / "rules.yaml")
        try:
            return plan_files.load(beside)
        except ConfigError as error:
            raise ConfigError(str(error).replace(str(beside / "rules.yaml"), str(path))) from None
