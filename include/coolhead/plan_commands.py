"""`coolhead plan ...`: write a plan and check it."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from coolhead import plan_files, settings
from coolhead.errors import ConfigError
from coolhead.plan import Plan
from coolhead.plan_tests import FILE, load, run


def add(verbs: Any, verb: Callable[..., Any]) -> None:
    """Declare the verbs. verb(name, function, text, under) makes a parser."""
    plan = verbs.add_parser("plan", help="The crisis plan.").add_subparsers(required=True, metavar="COMMAND")
    _init_options(
        verb("init", _init, "Write a plan for a brand, and show the last day's mentions before anything may alarm.", plan)
    )
    p = verb("check", _check, "Check the plan; every mistake with file, line, key and choices.", plan)
    p.add_argument("folder", nargs="?", type=Path, help="default: the plan of COOLHEAD_HOME")
    p = verb("test", _test, "Run the tests of the plan's rules, as written beside them.", plan)
    p.add_argument("file", nargs="?", type=Path, help="default: rules_test.yaml of the plan")
    p.add_argument(
        "--plan", type=Path, help="folder of the plan whose rules are tested; default: the file's, or the plan of COOLHEAD_HOME"
    )


def _init_options(p: argparse.ArgumentParser) -> None:
    p.add_argument("brand", metavar="BRAND")
    p.add_argument("--term", action="append", default=[], help="a name people use for it; repeat (default: the brand)")
    p.add_argument("--languages", help="two letters each, comma-separated, e.g. it,en")
    p.add_argument("--time-zone", help="e.g. Europe/Rome")
    p.add_argument("--feed", action="append", default=[], help="address of a feed (Google Alerts, Google News, a blog); repeat")
    p.add_argument(
        "--mastodon", default="", help="address of a Mastodon server to follow hashtags on, e.g. https://mastodon.social"
    )
    p.add_argument("--hashtag", action="append", default=[], help="hashtag to follow there; repeat (default: the brand)")
    p.add_argument("--email", help="who is told")
    p.add_argument("--allow-private", action="store_true", help="a feed stands in your own network")


def _check(options: Any) -> int:
    from coolhead.plan_check import preview

    where = settings.load()
    folder = options.folder or where.plan
    plan = plan_files.load(folder)
    print(
        f"{folder}: {len(plan.markets)} markets, {len(plan.rules.rules)} rules, {len(plan.escalation.people)} people: no mistake found"
    )
    if (folder / FILE).exists():
        _warned(plan, folder / FILE)
    for line in preview(where, plan):
        print(line)
    return 0


def _warned(plan: Plan, path: Path) -> None:
    """Run the tests; what they say holds up no plan, for a number that is tuned in a crisis must take effect."""
    try:
        _tested(plan, path)
    except ConfigError as error:
        print(f"warning: {FILE} cannot be run, which holds nothing up:\n{error}")


def _test(options: Any) -> int:
    own = options.file.parent if options.file and (options.file.parent / "rules.yaml").exists() else settings.load().plan
    folder = options.plan or own
    return 1 if _tested(plan_files.load(folder), options.file or folder / FILE) else 0


def _tested(plan: Plan, path: Path) -> int:
    """Run a file of tests, print what differs, and return how many failed."""
    results = run(plan, load(path, plan))
    failed = [r for r in results if r.differences]
    for r in failed:
        print(f"FAILED {r.name}")
        for line in r.differences:
            print(f"  {line}")
    if failed:
        print(
            f"{path.name} expects what `should` says: change it too, if rules.yaml is as you mean it; the plan runs all the same"
        )
    print(f"{path}: {len(results)} tests of rules, {len(failed)} failed")
    return len(failed)


def _init(options: Any) -> int:
    from coolhead.plan_check import last_day
    from coolhead.plan_init import Answers, write

    where = settings.load()
    answers = Answers(
        brand=options.brand,
        terms=tuple(options.term) or tuple(words(_ask("Terms people use for it, comma-separated", options.brand))),
        languages=tuple(words(options.languages or _ask("Languages (two letters each, comma-separated)", "en"))),
        time_zone=options.time_zone or _ask("Time zone", "UTC"),
        feeds=tuple(options.feed) or tuple(words(_ask("Feeds to read (addresses, comma-separated)", ""))),
        mastodon=options.mastodon,
        hashtags=tuple(options.hashtag),
        email=options.email or _ask("E-mail address of whoever is on duty", "you@example.org"),
        allow_private=options.allow_private,
    )
    plan = write(where.plan, answers)
    for market in plan.markets:
        (where.inbox / market.id).mkdir(parents=True, exist_ok=True)
    print(f"plan: {where.plan}")
    for line in last_day(where, plan, datetime.now(UTC) - timedelta(days=1)):
        print(line)
    print(f"Drop exports of former months into {where.inbox / plan.markets[0].id} to warm the baseline. Then: make up")
    return 0


def _ask(question: str, default: str) -> str:
    """Ask at a terminal; without one, the default stands."""
    if not sys.stdin.isatty():
        return default
    return input(f"{question} [{default}]: ").strip() or default


def words(text: str) -> list[str]:
    """Comma-separated."""
    return [w.strip() for w in text.split(",") if w.strip()]
