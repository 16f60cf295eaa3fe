"""The shipped rules on real streams, by hand: make bench-streams DATA=folder

DATA holds `spotifycares_*.csv` (what customers wrote to a support account; nobody says that anything happened) and `crisislex*/`
(moments of what was said of one event each, without texts: `*-tweetids_entire_period.csv`, and its description). Each stream is
imported as `coolhead import` does it, into a store of its own, judged, and replayed. Printed are the episodes, their rate a
month, and every month with what it raised. Of an event, nobody spoke of the place before: three weeks of silence that was
listened to stand before it, and since moments alone can only be counted, it is to be found at S1. Exits with 1 where a month of the
support stream raises S2 or above, where an event is missed, or where live and replay differ.
"""

import argparse
import csv
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import yaml

from coolhead import plan_files, planning
from coolhead.clock import Fixed
from coolhead.importing import Importer
from coolhead.plan import Plan
from coolhead.plan_init import add_brand, slug
from coolhead.replaying import CURRENT, compare
from coolhead.reports.replayed import Report, table
from coolhead.rows import CollectionLog, Match, Signal
from coolhead.settings import Settings
from coolhead.sources import files
from coolhead.store import Store, migrate

SHIPPED = Path(__file__).parents[2] / "include" / "plan" / "rules.yaml"
BEFORE = timedelta(days=21)
"""Of an event, listened to, when nobody spoke of it."""


def streams(data: Path, folder: Path) -> Iterator[tuple[str, Path, dict[str, object] | None]]:
    """(brand, export, known episode)."""
    for path in sorted(data.glob("spotifycares_*.csv")):
        yield "SpotifyCares", path, None
    for path in sorted(data.glob("crisislex*/*entire_period.csv")):
        moments = _moments(path)
        name = json.loads(next(path.parent.glob(f"{path.name.split('-')[0]}*.json")).read_text())["name"]
        out = folder / f"{path.stem}.csv"
        with out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "created_at", "text"])
            writer.writerows([n, at.isoformat(), f"{name} {n}"] for n, at in enumerate(moments))
        span = {"start": f"{moments[0]:%Y-%m-%d}", "end": f"{moments[-1]:%Y-%m-%d}", "crisis": True, "note": name}
        yield name, out, span


def _moments(path: Path) -> list[datetime]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return sorted(_twitters(row[0]) for row in rows if row)


def _twitters(text: str) -> datetime:
    return datetime.strptime(text, "%a %b %d %H:%M:%S %z %Y").astimezone(UTC)


def play(brand: str, export: Path, known: dict[str, object] | None, home: Path) -> tuple[Report, Store]:
    """Import, judge, replay. The rules are those that are shipped."""
    where = Settings(home, f"sqlite:///{home / 'store.db'}", home / "plan")
    add_brand(where.plan, brand, ("en",), "UTC")
    plan = _with(where.plan, brand, known)
    migrate(where.store)
    store, now = Store(where.store), Fixed(_last(export) + timedelta(days=2))
    planning.adopt(store, plan, now)
    if known:
        first = datetime.combine(date.fromisoformat(str(known["start"])), datetime.min.time(), UTC)
        log = {"source": "files", "market": slug(brand), "ok": True, "known_at": first, "assumed": True}
        store.upsert([CollectionLog(start=first - BEFORE, end=first + timedelta(days=1), **log)])
    chosen = files.Settings(mapping={"published_at": "created_at", "text": "text", "native_id": "id"}) if known else None
    Importer(store, plan, plan.market(slug(brand)), where, now, lambda _: None).run(export, chosen)
    return compare(store, plan, slug(brand), [CURRENT], None, None, "S1" if known else "S2", now.now(), lambda _: None), store


def _with(folder: Path, brand: str, known: dict[str, object] | None) -> Plan:
    (folder / "rules.yaml").write_text(SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    if known:
        content = yaml.safe_load((folder / "brands.yaml").read_text(encoding="utf-8"))
        for b in content["brands"]:
            for m in b["markets"]:
                m["known_episodes"] = [known] if m["id"] == slug(brand) else []
        (folder / "brands.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return plan_files.load(folder)


def _last(export: Path) -> datetime:
    with export.open(newline="", encoding="utf-8") as file:
        times = [row["created_at"] for row in csv.DictReader(file)]
    return max(_twitters(t) if t[:1].isalpha() else datetime.fromisoformat(t) for t in times if t)


def judged(name: str, r: Report, store: Store, known: bool) -> bool:
    """Prints the report; whether the bounds are kept."""
    effect, market = r.effects[0], r.replayed.market
    said = Counter(f"{m.published_at:%Y-%m}" for m in store.read(Match, market=market.id))
    print(f"\n=== {name}: {sum(said.values()):,} mentions")
    print("\n".join(table(r)))
    print(f"mentions by month: {', '.join(f'{m} {n:,}' for m, n in sorted(said.items()))}")
    for e in r.replayed.tracks[0].episodes.all():
        print(
            f"{e.severity} {e.start:%Y-%m-%d %H:%M} to {e.last:%Y-%m-%d %H:%M} UTC: {', '.join(f'{n} {p.signals}' for n, p in e.parts.items())}"
        )
    live, again = sum(not s.muted_by for s in store.read(Signal, market=market.id)), sum(effect.signals.values())
    print(f"live and replay: {live:,} and {again:,} signals")
    return live == again and not (effect.score.missed if known else any(m.alarms for m in effect.months))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    kept, found = True, 0
    with tempfile.TemporaryDirectory() as folder:
        for brand, export, known in streams(options.data, Path(folder)):
            begun = time.monotonic()
            (home := Path(folder) / slug(brand)).mkdir()
            report, store = play(brand, export, known, home)
            kept, found = judged(brand, report, store, known is not None) and kept, found + 1
            print(f"imported, judged and replayed in {time.monotonic() - begun:.0f} s", flush=True)
    if not found:
        print(f"{options.data}: neither spotifycares_*.csv nor crisislex*/*entire_period.csv is there", file=sys.stderr)
    print(f"\nbounds: {'kept' if kept and found else 'BROKEN'}")
    return not (kept and found)


if __name__ == "__main__":
    raise SystemExit(main())
