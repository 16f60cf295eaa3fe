"""What the README says of extending is true: each of its files, dropped beside the others, works, and nothing else is touched."""

import importlib
import json
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from coolhead import plan as plans
from coolhead import plan_files, registry
from coolhead.clock import Fixed
from coolhead.edge import Edge
from coolhead.errors import ConfigError, PermanentError
from coolhead.evaluation import evaluate
from coolhead.landing import Landed
from coolhead.measuring import kpis
from coolhead.plan_init import SHIPPED
from coolhead.rows import KpiPoint, Match, Mention, Notice, Signal, key_of
from coolhead.sources import Query
from coolhead.store import Store, migrate
from coolhead.windows import Window

HERE = Path(__file__).parents[1]
BLOCK = re.compile(r"<!-- file: include/coolhead/(\w+)/(\w+)\.py -->\n+```python\n(.*?)```", re.DOTALL)
NINE = datetime(2026, 3, 3, 9, tzinfo=UTC)
LINES = 10


def shown() -> dict[str, tuple[str, str]]:
    """family -> (name of the module, its text), from the README."""
    found = BLOCK.findall((HERE.parent / "README.md").read_text(encoding="utf-8"))
    return {family: (name, text) for family, name, text in found}


BLOCKS = shown()


def code(text: str) -> list[str]:
    """Lines that are neither blank nor documentation."""
    without = re.sub(r'^\s*""".*?"""\n', "", text, flags=re.MULTILINE | re.DOTALL)
    return [line for line in without.splitlines() if line.strip()]


@pytest.fixture
def dropped(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Each shown file in a folder of its family's package; family -> name. Forgotten again after the test."""
    names = {}
    for family, (name, text) in BLOCKS.items():
        package = importlib.import_module(f"coolhead.{family}")
        (tmp_path / family).mkdir()
        (tmp_path / family / f"{name}.py").write_text(text, encoding="utf-8")
        package.__path__.append(str(tmp_path / family))
        names[family] = name
    importlib.invalidate_caches()
    yield names
    for family, name in names.items():
        package = importlib.import_module(f"coolhead.{family}")
        package.__path__.remove(str(tmp_path / family))
        sys.modules.pop(f"coolhead.{family}.{name}", None)
        if hasattr(package, name):
            delattr(package, name)


@pytest.fixture
def plan(dropped: dict[str, str], tmp_path: Path) -> plans.Plan:
    """The shipped plan, edited to use all four."""
    folder = tmp_path / "plan"
    shutil.copytree(SHIPPED, folder)
    edits = {
        "brands.yaml": ("          feed: {", f"          {dropped['sources']}: {{}}\n          feed: {{"),
        "rules.yaml": ("rules:\n", f"rules:\n  - {{name: sudden, rule: {dropped['rules']}, severity: S1}}\n"
                       f"  - {{name: asked, rule: threshold, kpi: {dropped['kpis']}, above: 0.5, severity: S1}}\n"),
        "escalation.yaml": ("addresses: {email: anna", f"addresses: {{{dropped['channels']}: https://ntfy.sh/our-crisis, email: anna"),
    }  # fmt: skip
    for name, (old, new) in edits.items():
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return plan_files.load(folder)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    migrate(f"sqlite:///{tmp_path / 'store.db'}")
    return Store(f"sqlite:///{tmp_path / 'store.db'}")


def test_one_of_each_family_in_ten_lines() -> None:
    assert set(BLOCKS) == {"sources", "kpis", "rules", "channels"}
    for family, (_, text) in BLOCKS.items():
        assert len(code(text)) <= LINES, f"{family}: {len(code(text))} lines"


def test_found_by_their_names_only(dropped: dict[str, str]) -> None:
    for family, name in dropped.items():
        assert name in registry.names(family)
        assert registry.load(family, name).name == name


def test_unknown_before_they_are_dropped() -> None:
    for family, (name, _) in BLOCKS.items():
        assert name not in registry.names(family)
        with pytest.raises(ConfigError):
            registry.load(family, name)


def test_the_plan_takes_them(plan: plans.Plan, dropped: dict[str, str]) -> None:
    assert dropped["sources"] in plan.only_market().sources
    assert plans.restore(plan.content()) == plan


def recorded(number: int, likes: int, **post: Any) -> dict[str, Any]:
    return {
        "post": {"id": number, "ap_id": f"https://lemmy.world/post/{number}", "published": f"2026-03-03T09:{number:02}:05.531Z", **post},
        "creator": {"id": 7, "name": "ann", "actor_id": "https://lemmy.world/u/ann"},
        "community": {"id": 3, "name": "gelato"}, "counts": {"upvotes": likes, "downvotes": 0, "score": likes, "comments": 2},
    }  # fmt: skip


RECORDED = {
    "type_": "Posts",
    "comments": [],
    "posts": [recorded(14, 12, name="Zefirella has a leak"), recorded(15, 1, name="Is zefirella safe?"), recorded(16, 0)],
    "communities": [],
    "users": [],
}


def test_the_source(dropped: dict[str, str], plan: plans.Plan) -> None:
    source = registry.load("sources", dropped["sources"])()
    text = sys.modules[type(source).__module__].__doc__ or ""
    assert all(word in text for word in ("Plan, approval, price", "https://", "Engagement"))
    asked: list[Any] = []

    def get(url: str, params: dict[str, Any]) -> Any:
        asked.append((url, params))
        return SimpleNamespace(content=json.dumps(RECORDED).encode())

    query = Query("zefirella", ("zefirella", "#zefirella"), ("en",), (), source.Settings())
    fetched = list(source.payloads(query, Window(NINE, NINE + timedelta(minutes=5)), {}, SimpleNamespace(get=get)))
    assert [params["q"] for _, params in asked] == ["zefirella", "#zefirella"]
    landed = Landed("p", source.name, "zefirella", "-", fetched[0].origin, "", None, NINE.isoformat(), fetched[0].meta)
    parsed = Edge(b"key", Fixed(NINE + timedelta(hours=1))).parse(landed, fetched[0].content, source, ())
    assert [(m.native_id[-2:], m.text) for m in parsed.mentions] == [
        ("14", "Zefirella has a leak"),
        ("15", "Is zefirella safe?"),
    ]
    assert parsed.mentions[0].published_at == datetime(2026, 3, 3, 9, 14, 5, 531_000, tzinfo=UTC)
    assert "text" in parsed.refused[0].reason
    assert len(parsed.refused) == 1
    whole = fetched[0].content
    for content in (
        b"",
        b"<html>502</html>",
        b"\x00\xff\xfe",
        b"null",
        b"[1]",
        b'{"posts": [1]}',
        *(whole[:n] for n in range(0, len(whole), 7)),
    ):
        with pytest.raises(PermanentError):
            Edge(b"key", Fixed(NINE)).parse(landed, content, source, ())


def mentions(texts: list[str], begin: datetime, every: timedelta) -> list[Mention]:
    return [
        Mention(source="mastodon", day=(at := begin + n * every).date(), native_id=f"{begin:%H%M}-{n}", published_at=at, known_at=at,
                payload_id="p", text=text, author=f"a{n}", gated=True)
        for n, text in enumerate(texts)
    ]  # fmt: skip


def filled(store: Store, plan: plans.Plan, rows: list[Mention]) -> Any:
    """Store some mentions and evaluate the market an hour later."""
    from coolhead.intake import dirty

    market = plan.only_market()
    matches = [Match(**key_of(m), market=market.id, published_at=m.published_at, matched_by="zefirella") for m in rows]
    store.upsert([*rows, *matches, *dirty((market.id, m.published_at) for m in rows)])
    return evaluate(store, plan, market, Fixed(rows[-1].published_at + timedelta(hours=1)))


def test_the_kpi(dropped: dict[str, str], plan: plans.Plan, store: Store) -> None:
    assert dropped["kpis"] in {k.name for k in kpis()}
    texts = ["Is zefirella safe?", "安全吗？", "هل هو آمن؟", "zefirella is fine", "bad"] * 4
    filled(store, plan, mentions(texts, NINE, timedelta(seconds=10)))
    points = {p.grain: p for p in store.read(KpiPoint, kpi=dropped["kpis"], source="all", lang="all")}
    assert set(points) == {"5min", "hour", "day"}
    for point in points.values():
        assert (point.value, point.n) == (pytest.approx(0.6), 20)
        assert point.low is not None and point.high is not None
        assert 0 < point.low < 0.6 < point.high < 1
    # and a rule of the plan may stand on it at once
    assert {s.kpi for s in store.read(Signal, rule="asked")} == {dropped["kpis"]}


def test_the_rule_wakes(dropped: dict[str, str], plan: plans.Plan, store: Store) -> None:
    calm = mentions(["zefirella"] * 30, NINE, timedelta(minutes=6))
    storm = mentions(["zefirella"] * 60, NINE + timedelta(hours=3, seconds=1), timedelta(seconds=20))
    filled(store, plan, [*calm, *storm])
    found = store.read(Signal, rule="sudden")
    assert found
    assert min(s.start for s in found) >= NINE + timedelta(hours=3)
    assert all(s.kpi == "volume" and s.value >= s.threshold and s.incident_id for s in found)


@pytest.mark.parametrize("size", [1, 5, 100])
def test_the_rule_is_a_fold(size: int, dropped: dict[str, str]) -> None:
    """Any chunking gives the same findings, and the state may be kept as JSON."""
    rule = registry.load("rules", dropped["rules"])
    starts = pd.DatetimeIndex([NINE + timedelta(minutes=5 * n) for n in range(60) if n % 17], name="start")
    points = pd.DataFrame({"volume": [(n * 37) % 90 + 1.0 for n in range(len(starts))]}, index=starts)
    whole, _ = rule(rule.Settings()).step(points, {})
    state: dict[str, Any] = {}
    found: list[Any] = []
    for n in range(0, len(points), size):
        part, state = rule(rule.Settings()).step(points.iloc[n : n + size], json.loads(json.dumps(state)))
        found += part
    assert found == whole
    assert whole
    assert rule(rule.Settings()).step(points.iloc[:0], {}) == ([], {})


def test_the_channel(dropped: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    channel = registry.load("channels", dropped["channels"])
    sent: list[Any] = []

    def post(self: Any, url: str, json: Any = None, data: Any = None, headers: Any = None) -> Any:
        sent.append((self.allow_private, url, data, headers))
        return SimpleNamespace(status=200)

    monkeypatch.setattr("coolhead.http.Client.post", post)
    notice = Notice(
        incident_id="i", step="notify", repetition=0, receiver="anna", channel=channel.name, address="https://ntfy.sh/our-crisis",
        subject="S3 crisis:\nŻefirella", body="Głośno o nas", intended_at=NINE, status="intended",
    )  # fmt: skip
    assert channel().send(notice, "key-1", {}) == "ntfy answered 200"
    assert channel().send(notice, "key-1", {"extra": {"allow_private": True}}) == "ntfy answered 200"
    assert [private for private, *_ in sent] == [False, True]
    _, url, data, headers = sent[0]
    assert (url, data.decode()) == ("https://ntfy.sh/our-crisis", "Głośno o nas")
    assert headers == {"Title": "S3 crisis: ?efirella", "Idempotency-Key": "key-1"}
