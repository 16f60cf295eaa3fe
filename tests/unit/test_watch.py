"""Brands that a market watches: listened to, matched, read and measured like ours, and judged by no rule."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import peers
from contract.test_peers import NEVER_WAITS, NOON, Listener
from coolhead import plan_files, registry
from coolhead.clock import Fixed
from coolhead.collecting import Asked, collect_all
from coolhead.errors import ConfigError
from coolhead.evaluation import evaluate_all
from coolhead.intake import dirty
from coolhead.plan import Plan, restore
from coolhead.rechecking import recheck_all
from coolhead.rows import ALL, CollectionLog, Incident, IncidentEvent, Judged, KpiPoint, Match, Mention, Notice, Signal
from coolhead.scoring import score
from coolhead.windows import Window
from peers import Network, Post, World
from unit.building import PEOPLE, STEPS, new_store

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RIVAL = {"id": "pistacchina", "name": "Pistacchina", "terms": {"any_of": ["pistacchina"]}}
FLOOD = {"name": "flood", "rule": "threshold", "kpi": "volume", "above": 5, "severity": "S1"}


def content(watch: list[dict[str, Any]], sources: dict[str, Any] | None = None, *more: dict[str, Any], **escalation: Any) -> dict[str, dict[str, Any]]:  # fmt: skip
    """The plan's three files."""
    market = {
        "id": "zefirella", "time_zone": "Europe/Rome", "languages": ["it"], "terms": {"any_of": ["zefirella"]},
        "own_accounts": {"bluesky": list(peers.load("bluesky", World()).own_accounts())}, "known_episodes": [{"start": "2026-01-01", "end": "2026-01-02", "crisis": True}],
        "sources": {"bluesky": {}, "feed": {"urls": ["https://alerts.example/feed"]}} if sources is None else sources, "watch": watch,
    }  # fmt: skip
    return {
        "brands.yaml": {"brands": [{"name": "Zefirella", "markets": [market, *more]}], "network": {"allow_private": True}},
        "rules.yaml": {"rules": [FLOOD]},
        "escalation.yaml": {"people": PEOPLE, "steps": STEPS, **escalation},
    }


def a_plan(*args: Any, **kwargs: Any) -> Plan:
    files = content(*args, **kwargs)
    return Plan.model_validate({name.removesuffix(".yaml"): part for name, part in files.items()})


@pytest.fixture
def mistakes(tmp_path: Path) -> Callable[..., list[str]]:
    """mistakes(files): what the check says, without the folder."""

    def check(files: dict[str, Any]) -> list[str]:
        for name, part in files.items():
            (tmp_path / name).write_text(yaml.safe_dump(part, sort_keys=False), encoding="utf-8")
        try:
            plan_files.load(tmp_path)
        except ConfigError as error:
            return [line.removeprefix(f"{tmp_path}/") for line in str(error).splitlines()]
        return []

    return check


def test_a_watched_brand_is_a_market_without_what_is_ours() -> None:
    plan = a_plan([RIVAL])
    (zefirella,), (_, rival) = plan.markets, plan.listened
    assert (rival.id, rival.terms.any_of, rival.time_zone, rival.languages) == (
        "pistacchina",
        ("pistacchina",),
        "Europe/Rome",
        ("it",),
    )
    assert (rival.own_accounts, rival.known_episodes, rival.watch) == ({}, (), ())
    assert zefirella.own_accounts and zefirella.known_episodes
    with pytest.raises(ConfigError, match="no market 'pistacchina'"):
        plan.market("pistacchina")  # nobody opens an incident for it


def test_it_inherits_what_searches_and_nothing_that_is_set_for_us() -> None:
    there = {name: {} for name in registry.names("sources")}
    market = a_plan([]).markets[0].model_copy(update={"sources": there, "watch": a_plan([RIVAL]).markets[0].watch})
    (rival,) = market.watched()
    assert set(rival.sources) == {s for s in there if registry.load("sources", s).searches}
    assert not {"feed", "files", "mastodon", "facebook", "instagram", "google_reviews"} & set(rival.sources)
    assert {"bluesky", "x", "reddit"} <= set(rival.sources)


def test_its_own_sources_take_their_place() -> None:
    own = {"feed": {"urls": ["https://alerts.example/pistacchina"]}}
    assert a_plan([{**RIVAL, "sources": own}]).listened[1].sources == own


def test_it_comes_back_from_the_store() -> None:
    plan = a_plan([RIVAL, {**RIVAL, "id": "other", "sources": {"feed": {"urls": ["https://a.example/b"]}}}])
    again = restore(plan.content())
    assert (again, again.hash(), again.listened) == (plan, plan.hash(), plan.listened)
    assert a_plan([RIVAL]).hash() != a_plan([]).hash()


def second(market: dict[str, Any]) -> dict[str, Any]:
    return {"id": "second", "time_zone": "Europe/Rome", "languages": ["pl"], "terms": {"any_of": ["druga"]}, "sources": {"bluesky": {}}, **market}  # fmt: skip


@pytest.mark.parametrize(
    ("watch", "more"),
    [
        ([{**RIVAL, "id": "zefirella"}], []),
        ([RIVAL, RIVAL], []),
        ([RIVAL], [second({"id": "pistacchina"})]),
        ([RIVAL], [second({"watch": [RIVAL]})]),
    ],
)
def test_ids_are_unique_over_all(
    watch: list[dict[str, Any]], more: list[dict[str, Any]], mistakes: Callable[..., list[str]]
) -> None:
    (said,) = mistakes(content(watch, None, *more))
    assert said.startswith("brands.yaml:") and said.partition(":")[2].partition(":")[0].isdecimal()
    assert "two markets have the id" in said and "each needs its own" in said


def test_mistakes_name_line_and_cure(mistakes: Callable[..., list[str]]) -> None:
    files = content([{**RIVAL, "sources": {"feed": {"urls": ["https://a.example"], "hashtags": ["x"]}}}])
    (said,) = mistakes(files)
    assert said.startswith("brands.yaml:") and "watch pistacchina: sources.feed.hashtags: unknown key" in said
    line = int(said.split(":")[1])
    assert "hashtags" in yaml.safe_dump(files["brands.yaml"], sort_keys=False).splitlines()[line - 1]
    (said,) = mistakes(content([{**RIVAL, "sources": {"fedd": {}}}]))
    assert "brands.0.markets.0.watch.0.sources" in said and "'fedd' is none of:" in said
    (said,) = mistakes(content([{"id": "pistacchina", "name": "P"}]))
    assert "watch.0.terms" in said and "is missing; add it" in said
    assert mistakes(content([RIVAL])) == []


def test_a_rival_that_nothing_would_listen_to_is_a_mistake(mistakes: Callable[..., list[str]]) -> None:
    """Else it would be a brand of which nobody ever speaks."""
    (said,) = mistakes(content([RIVAL], {"feed": {"urls": ["https://alerts.example/feed"]}}))
    assert "watch pistacchina: none of the sources of zefirella searches for terms; give it `sources` of its own" in said


def test_no_rule_may_name_it(mistakes: Callable[..., list[str]]) -> None:
    files = content([RIVAL])
    files["rules.yaml"] = {"rules": [{**FLOOD, "markets": ["pistacchina"]}]}
    (said,) = mistakes(files)
    assert said.startswith("rules.yaml:") and "brands.yaml has no market 'pistacchina', only: zefirella" in said


def test_its_crisis_is_measured_and_wakes_nobody(tmp_path: Path) -> None:
    """Twelve complaints about the rival, one of which names us as well; one mention of ours alone. From the network on."""
    posts = [Post(n, NOON + n * MINUTE, "Pistacchina fa schifo, vergogna!") for n in range(1, 12)]
    posts += [
        Post(12, NOON + 12 * MINUTE, "Pistacchina fa schifo, meglio Zefirella!"),
        Post(13, NOON + 13 * MINUTE, "Zefirella, buona"),
    ]
    with Network(peers.load("bluesky", World(posts))) as network:
        listener = Listener(tmp_path, network, "bluesky")
        listener.clock = Fixed(NOON + 20 * MINUTE)
        network.peer.world.now = lambda: listener.clock.now()
        listener.plan = a_plan([RIVAL], {"bluesky": network.settings()})
        store, plan, clock = listener.store, listener.plan, listener.clock
        run = Asked(window=Window(NOON, NOON + 20 * MINUTE))
        lines = collect_all(store, plan, listener.where, clock, "bluesky", run, listener.credentials, NEVER_WAITS)
        assert [line.partition(" ")[0] for line in lines] == ["zefirella", "pistacchina"]
        assert {log.market: log.rows for log in store.read(CollectionLog)} == {"zefirella": 2, "pistacchina": 12}
        assert len(store.read(Mention)) == 13
        assert {m: store.count(Match, market=m) for m in ("zefirella", "pistacchina")} == {"zefirella": 2, "pistacchina": 12}
        with store.writing() as writer:
            writer.update(Mention, {"gated": True}, source="bluesky")
        score(store, plan, clock)
        for minutes in (20, 40, 90):
            done = evaluate_all(store, plan, Fixed(NOON + minutes * MINUTE))
            assert [(e.market, e.signals, e.incidents) for e in done] == [("zefirella", 0, []), ("pistacchina", 0, [])]
        day = store.read(KpiPoint, grain="day", kpi="volume", source=ALL, lang=ALL)
        assert {p.market: p.value for p in day} == {"zefirella": 2, "pistacchina": 12}
        assert store.read(KpiPoint, market="pistacchina", kpi="negative_share", grain="day", source=ALL, lang=ALL)[0].n == 12
        for kind in (Signal, Incident, IncidentEvent, Notice):
            assert store.read(kind) == []
        assert {j.market for j in store.read(Judged)} == {"zefirella"}
        network.peer.world.remove(1)
        listener.clock = Fixed(NOON + 2 * HOUR)
        again = recheck_all(
            store, plan, listener.where, listener.clock, "bluesky", NOON + 2 * HOUR, NEVER_WAITS, listener.credentials
        )
        assert again == ["zefirella: 2 due, 2 still there, 0 vanished", "pistacchina: 12 due, 11 still there, 1 vanished"]
        store.close()


def test_the_same_storm_about_us_does(tmp_path: Path) -> None:
    """Else the test above would prove nothing of the rule."""
    plan, store = a_plan([RIVAL]), new_store(tmp_path)
    for n in range(12):
        at = NOON + n * MINUTE
        key = {"source": "bluesky", "day": at.date(), "native_id": f"{n:02}"}
        store.upsert([
            Mention(**key, published_at=at, known_at=at, payload_id="p", text="Zefirella!", gated=True),
            Match(**key, market="zefirella", published_at=at, matched_by="zefirella"),
        ])  # fmt: skip
    store.upsert(dirty(("zefirella", NOON + n * MINUTE) for n in range(12)))
    (ours, rival) = evaluate_all(store, plan, Fixed(NOON + 90 * MINUTE))
    assert ours.signals > 0 and ours.incidents and rival.signals == 0
    store.close()
