"""What a change of the shipped rules does: make replay-effect BASE=git revision [ARGS="--store URL --market M"]

The rules.yaml of the base revision and the one that is here are replayed over the same history: a store's, or where none is named
the demo's story, of which it is known to the minute what was a crisis (the firestorm) and what was none (the giveaway). Prints
both side by side, and what each raises that the other does not. CI runs it: a rule that changed says what it does before it is live.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from coolhead import plan_files, planning, settings
from coolhead.clock import Fixed, Wall
from coolhead.errors import ConfigError
from coolhead.importing import Importer
from coolhead.plan import Market, Plan
from coolhead.plan_init import add_brand, slug
from coolhead.play import story
from coolhead.replay import replay, span_of
from coolhead.replay_truth import Truth, truths
from coolhead.replaying import with_rules
from coolhead.reports._replay_picture import draw
from coolhead.reports.replayed import report, table
from coolhead.settings import Settings
from coolhead.store import Store, migrate
from coolhead.windows import Window

ROOT = Path(__file__).parents[2]
RULES = Path("include/plan/rules.yaml")
BRAND = "Zefirella"
KNOWN = (("firestorm", story.FIRESTORM, story.FIRESTORM_END, True), ("giveaway", story.GIVEAWAY, story.GIVEAWAY_END, False))


def base_rules(revision: str) -> str | None:
    """As they stand in a revision; None where it is not known here."""
    done = subprocess.run(["git", "show", f"{revision}:{RULES}"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def story_told(home: Path, tell: Callable[[str], None]) -> tuple[Store, Plan, list[Truth]]:
    """The demo's story as an export, imported and judged by the rules that are here."""
    where, now = Settings(home, f"sqlite:///{home / 'store.db'}", home / "plan"), Fixed(story.END + timedelta(hours=1))
    add_brand(where.plan, BRAND, ("en", "it", "pl", "id"), "Europe/Rome")
    (where.plan / "rules.yaml").write_text((ROOT / RULES).read_text(encoding="utf-8"), encoding="utf-8")
    plan = plan_files.load(where.plan)
    export = home / "story.csv"
    export.write_text(story.as_csv(story.posts()), encoding="utf-8")
    migrate(where.store)
    planning.adopt(store := Store(where.store), plan, now)
    Importer(store, plan, plan.market(slug(BRAND)), where, now, tell).run(export)
    return store, plan, [Truth(Window(start, end), crisis, what, start) for what, start, end, crisis in KNOWN]


def compared(
    store: Store, plan: Plan, market: Market, files: list[str], known: list[Truth] | None, picture: Path | None
) -> None:
    span = span_of(store, market, None, None, story.END if known else Wall().now())
    done = replay(store, [with_rules(plan, f) for f in files], market, span, print)
    r = report(done, ["base", "here"], truths(store, market, span, "S2") if known is None else known, "S2")
    print("\n".join(table(r)))
    if picture:
        print(f"picture: {draw(r, picture)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="HEAD~1", help="git revision (default HEAD~1)")
    parser.add_argument(
        "--store", help="address of a store with a history, and of its plan in COOLHEAD_PLAN (default: the demo's story)"
    )
    parser.add_argument("--market", help="market id, where the plan has several")
    parser.add_argument("--picture", type=Path, help="draw it: .svg or .png")
    options = parser.parse_args()
    before, here = base_rules(options.base), (ROOT / RULES).read_text(encoding="utf-8")
    if before is None:
        print(f"{options.base} is not known here, or has no {RULES}: nothing to compare with")
        return 0
    if before == here:
        print(f"{RULES} is as in {options.base}: no effect")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        (file := Path(folder) / "base.yaml").write_text(before, encoding="utf-8")
        try:
            with_rules(plan_files.load(ROOT / RULES.parent), str(file))  # before a history is made for it
            if options.store:
                store = Store(options.store)
                plan, known = planning.current(store, settings.load().plan, Wall()), None
            else:
                store, plan, known = story_told(Path(folder), lambda line: print(line, file=sys.stderr))
            market = plan.market(options.market or slug(BRAND)) if options.market or known else plan.only_market()
            compared(store, plan, market, [str(file), str(ROOT / RULES)], known, options.picture)
        except ConfigError as error:
            print(f"the rules of {options.base} cannot be replayed by this version:\n{error}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
