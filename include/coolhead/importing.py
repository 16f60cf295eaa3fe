"""`coolhead import`: an export with months of mentions through the same functions that the Dags call.

Known at publication plus lag (assumed), so that rules judge the past as they would have then; incidents found in it
are stored and shown, and wake nobody.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from coolhead import thawing
from coolhead.clock import Clock
from coolhead.collection import Collector
from coolhead.edge import Edge, Parsed
from coolhead.evaluation import evaluate
from coolhead.landing import Landed
from coolhead.plan import Market, Plan
from coolhead.quality import gate
from coolhead.reports import daily
from coolhead.rows import CollectionLog, Incident, KpiPoint, Payload, Quarantined
from coolhead.scoring import score
from coolhead.settings import Settings
from coolhead.sources import files
from coolhead.store import Store, around
from coolhead.topics import group_all
from coolhead.windows import BASE, floor

BRIEFS = 7
"""Briefs are written for so many of the last days that hold mentions, and for the loudest day."""


@dataclass
class Imported:
    """Rows in = mentions + quarantined + duplicates."""

    rows: int = 0
    mentions: int = 0
    quarantined: int = 0
    duplicates: int = 0
    signals: int = 0
    incidents: int = 0
    reports: list[Path] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.rows} rows in = {self.mentions} mentions + {self.quarantined} quarantined + {self.duplicates} duplicates"


class Importer:
    """One export into one market."""

    def __init__(
        self, store: Store, plan: Plan, market: Market, settings: Settings, clock: Clock, tell: Callable[[str], None]
    ) -> None:
        self.store, self.plan, self.market, self.settings, self.clock, self.tell = store, plan, market, settings, clock, tell
        self.collector = Collector(store, plan, settings, clock)

    def run(self, path: Path, chosen: files.Settings | None = None) -> Imported:
        """Import, check, score, evaluate, report. Raises ConfigError with what to write for an unknown layout or zone.

        chosen: how to read it; else as the market's plan says.
        """
        chosen = chosen or files.Settings.model_validate(self.market.sources.get("files", {}))
        out = Imported()
        self.tell(f"layout: {files.layout_of(path, chosen).name}")
        self._collect(path, chosen, out)
        self.tell(f"gate: {(found := gate(self.store, self.clock)).rows} new rows, {found.refused} refused")
        out.mentions, out.quarantined = out.mentions - found.refused, out.quarantined + found.refused
        self.tell(
            f"score: {(read := score(self.store, self.plan, self.clock)).scored} scored, {read.unscored} unscored by {read.scorer}"
        )
        self.tell(f"topics: {sum(g.mentions for g in group_all(self.store, self.plan, self.clock))} mentions grouped")
        evaluated = evaluate(self.store, self.plan, self.market, self.clock)
        out.signals, out.incidents = evaluated.signals, len(self.store.read(Incident, market=self.market.id))
        self.tell(f"evaluate: {evaluated.points} KPI points, {evaluated.signals} signals, {out.incidents} incidents in all")
        out.reports = [
            daily.write(self.store, self.plan, self.market, d, self.clock.now(), self.settings.reports) for d in self._days()
        ]
        return out

    def _collect(self, path: Path, chosen: files.Settings | None, out: Imported) -> None:
        source = files.Files()
        edge = Edge(self.settings.author_key(), self.clock, assume_known=True)
        first: datetime | None = None
        last: datetime | None = None
        for fetched in files.read(path, chosen):
            landed = self.collector.landing.put(source.name, self.market.id, fetched, self.clock.now())
            parsed = edge.parse(landed, self.collector.landing.read(landed), source, ())
            if self._count(parsed, landed, out) or not self.store.count(Payload, payload_id=landed.payload_id):
                with self.store.writing() as writer:
                    self.collector.intake.write(writer, [parsed])
            self.collector.landing.settle([landed])
            times = [m.published_at for m in parsed.mentions]
            first, last = (
                min([*times, *([first] if first else [])], default=None),
                max([*times, *([last] if last else [])], default=None),
            )
            self.tell(f"collect: {out}")
        if first and last:
            self._cover(first, last, out)

    def _count(self, parsed: Parsed, landed: Landed, out: Imported) -> int:
        """Adds to `out`; returns how many rows are new. What the quality gate refused before is not: it would come and go again."""
        known = set()
        if parsed.mentions:
            days = around([m.published_at for m in parsed.mentions])
            known = set(self.store.existing("files", [m.native_id for m in parsed.mentions], days))
        refused = {q.item for q in self.store.read(Quarantined, payload_id=landed.payload_id)}
        again = sum(m.native_id in known or f"id {m.native_id}" in refused for m in parsed.mentions)
        refused_again = sum(q.item in refused for q in parsed.refused)
        out.rows += parsed.rows
        out.mentions += len(parsed.mentions) - again
        out.quarantined += len(parsed.refused) - refused_again
        out.duplicates += parsed.duplicates + again + refused_again
        return parsed.rows - parsed.duplicates - again - refused_again

    def _cover(self, first: datetime, last: datetime, out: Imported) -> None:
        """The export says what it covers: from its first to its last mention."""
        log = CollectionLog(
            source="files", market=self.market.id, start=floor(first), end=floor(last) + BASE, ok=True, payloads=1,
            rows=out.mentions + out.duplicates,
            newest=last, known_at=self.clock.now(), assumed=True,
        )  # fmt: skip
        with self.store.writing() as writer:
            if writer.insert_new(log):
                thawing.forget(writer, self.market.id, thawing.days_assumed([log], self.market.time_zone))

    def _days(self) -> list[date]:
        zone = ZoneInfo(self.market.time_zone)
        points = self.store.read(KpiPoint, market=self.market.id, kpi="volume", grain="day", source="all", lang="all")
        volume = Counter({p.start.astimezone(zone).date(): float(p.value or 0) for p in points})
        if not volume:
            return []
        return sorted({*sorted(volume)[-BRIEFS:], max(volume, key=lambda d: (volume[d], d))})
