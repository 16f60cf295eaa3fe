"""A market, its plan and a store to fill: what the unit tests of the domain build their cases from."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, settings

from coolhead import registry
from coolhead.clock import Fixed
from coolhead.evaluation import Evaluated, evaluate
from coolhead.measuring import Measurer
from coolhead.plan import Market, Plan
from coolhead.rows import ALL, CollectionLog, Dirty, Grain, KpiPoint, Label, Match, Mention, Score, key_of
from coolhead.schema import Row
from coolhead.seeing import Seeing, points_of
from coolhead.store import Store, migrate
from coolhead.windows import BASE, Window, floor

LINEAR = registry.load("sentiment", "linear")
READ = f"{LINEAR.name}/{LINEAR.revision}"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
POLARITY: dict[str, float | None] = {"negative": -0.8, "neutral": 0.1, "positive": 0.7, "unscored": None}

few = settings(derandomize=True, deadline=None, max_examples=8, database=None, suppress_health_check=list(HealthCheck))
"""Reproducible, and bounded: the whole suite stays under a minute."""
many = settings(few, max_examples=40)

VOLUME: dict[str, Any] = {"name": "flood", "rule": "threshold", "kpi": "volume", "above": 20, "severity": "S1"}
COMPLAINTS: dict[str, Any] = {
    "name": "complaints", "rule": "threshold", "kpi": "negative_volume", "above": 15, "min_n": 15, "severity": "S2",
}  # fmt: skip
SPIKE: dict[str, Any] = {"name": "spike", "rule": "threshold", "kpi": "volume_z", "above": 3.5, "severity": "S1"}
SURGE: dict[str, Any] = {
    "name": "surge",
    "rule": "baseline",
    "kpi": "negative_share",
    "rise": 0.2,
    "min_n": 15,
    "severity": "S3",
}
PEOPLE: list[dict[str, Any]] = [
    {"id": "anna", "name": "Anna Duty", "roles": ["duty_lead"], "addresses": {"email": "anna@z.example"}},
    {"id": "bruno", "name": "Bruno Crisis", "roles": ["crisis_lead"], "addresses": {"email": "bruno@z.example"}},
    {"id": "chiara", "name": "Chiara Voice", "roles": ["spokesperson"], "addresses": {"email": "chiara@z.example"}},
]
STEPS: list[dict[str, Any]] = [
    {"notify": ["duty_lead"], "channels": ["email"], "wait_minutes": 15},
    {"notify": ["crisis_lead"], "channels": ["email"], "wait_minutes": 10},
]


def a_plan(*rules: dict[str, Any], zone: str = "Europe/Rome", **escalation: Any) -> Plan:
    """A plan of one market; without rules, those above."""
    return Plan.model_validate({
        "brands": {"public_url": "https://desk.example", "brands": [{"name": "Zefirella", "markets": [{
            "id": "zefirella", "time_zone": zone, "languages": ["it", "en"], "terms": {"any_of": ["zefirella"]},
            "sources": {
                "mastodon": {"base_url": "https://social.example", "hashtags": ["zefirella"]},
                "feed": {"urls": ["https://alerts.example/feed"]},
            },
        }]}]},
        "rules": {"rules": list(rules or (VOLUME, COMPLAINTS, SPIKE, SURGE))},
        "escalation": {"people": PEOPLE, "steps": STEPS, **escalation},
    })  # fmt: skip


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


def new_store(folder: Path, name: str = "store", content: bytes = b"") -> Store:
    """An empty store at the newest revision, or a copy of another."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.db"
    path.write_bytes(content or _migrated())
    return Store(f"sqlite:///{path}")


def mention(number: int, at: datetime, **columns: Any) -> Mention:
    """Known two minutes after its publication, if nothing else is said."""
    given = {
        "source": "mastodon",
        "known_at": at + 2 * MINUTE,
        "text": "Zefirella",
        "author": f"author-{number}",
        "gated": True,
    }
    return Mention(**{"payload_id": "p", "native_id": f"{number:06}", "day": at.date(), "published_at": at, **given, **columns})


def score(m: Mention, label: str, polarity: float | None = None, lang: str = "it", known_at: datetime | None = None) -> Score:
    value = POLARITY[label] if polarity is None else polarity
    return Score(
        **key_of(m), scorer=LINEAR.name, revision=LINEAR.revision, label=label, polarity=value,  # type: ignore[arg-type]
        confidence=None if value is None else 0.9, lang=lang, known_at=known_at or m.known_at,
    )  # fmt: skip


class House:
    """A store with one market in it."""

    def __init__(self, folder: Path, plan: Plan | None = None, content: bytes = b"", name: str = "store") -> None:
        self.plan = plan or a_plan()
        self.market: Market = self.plan.markets[0]
        self.store = new_store(folder, name, content)
        self.number = 0

    def __enter__(self) -> "House":
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def put(self, mentions: Iterable[tuple[Mention, Score | None]]) -> None:
        """Store mentions with their match and score, and mark their windows."""
        rows: list[Row] = []
        for m, read in mentions:
            rows += [m, Match(**key_of(m), market=self.market.id, published_at=m.published_at, matched_by="zefirella")]
            rows += [read] if read else []
            rows.append(Dirty(market=self.market.id, start=floor(m.published_at), mark=f"m{self.number}"))
        self.store.upsert(rows)

    def say(self, at: datetime, label: Label | None = "neutral", **columns: Any) -> Mention:
        """One mention; the language is the read one."""
        self.number += 1
        lang = columns.pop("lang", "it")
        m = mention(self.number, at, **columns)
        self.put([(m, score(m, label, lang=lang) if label else None)])
        return m

    def listen(
        self, start: datetime, end: datetime, ok: bool = True, sources: Iterable[str] = ("mastodon", "feed"), **columns: Any
    ) -> None:
        """One poll of each source over a stretch."""
        known = {"known_at": end + MINUTE, **columns}
        self.store.upsert(CollectionLog(source=s, market=self.market.id, start=start, end=end, ok=ok, **known) for s in sources)

    def measure(self, as_of: datetime) -> int:
        return Measurer(self.store, self.market, LINEAR.name, LINEAR.revision).measure(Fixed(as_of))

    def evaluate(self, now: datetime) -> Evaluated:
        return evaluate(self.store, self.plan, self.market, Fixed(now))

    def seen(self, span: Window, measurer: Measurer | None = None) -> pd.DataFrame:
        """What the rules see of a span, as they get it."""
        used = measurer or Measurer(self.store, self.market, LINEAR.name, LINEAR.revision)
        seeing = Seeing(self.store, self.plan, self.market, used)
        return points_of(seeing.look(span), seeing.names)

    def points(self, grain: Grain, **where: Any) -> list[KpiPoint]:
        return self.store.read(KpiPoint, market=self.market.id, grain=grain, **where)

    def z_line(self, start: datetime, end: datetime, value: float | None, quality: str = "ok") -> None:
        """Volume z in every window of a stretch, as the judge would note it."""
        self.store.upsert(
            KpiPoint(
                market=self.market.id, kpi="volume_z", grain="5min", start=at, source=ALL, lang=ALL, version=1, revision="-",
                value=value, n=12, parts={}, quality=quality, as_of=at + BASE,  # type: ignore[arg-type]
            )
            for at in windows(start, end)
        )  # fmt: skip


def windows(start: datetime, end: datetime) -> list[datetime]:
    return [start + i * BASE for i in range(int((end - start) / BASE))]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]
