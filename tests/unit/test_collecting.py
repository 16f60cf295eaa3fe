"""Which stretches a poll asks for, in which order, for how long; and how often in an incident."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import PEOPLE, STEPS, VOLUME

from coolhead import registry
from coolhead.backlog import backlog
from coolhead.budget import Budget
from coolhead.clock import Fixed
from coolhead.collecting import LONGEST, Asked, asked, collect_all, follow_all
from coolhead.errors import ConfigError, PermanentError, TransientError
from coolhead.http import Client
from coolhead.hurrying import due_polls
from coolhead.plan import Plan
from coolhead.rows import CollectionLog, Incident, Mention
from coolhead.settings import Settings
from coolhead.sources import Rate
from coolhead.store import Store
from peers import Network, Post, Request, World, load

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MASTODON, FEED, FILES = (registry.load("sources", name) for name in ("mastodon", "feed", "files"))
FIVE = (NOON - 5 * MINUTE, NOON)


def plan_of(*addresses: str, zone: str = "UTC", **more: Any) -> Plan:
    """One market an address: m0, m1, ...; each listens to a Mastodon server."""
    markets = [
        {
            "id": f"m{i}", "time_zone": zone, "languages": ["it"], "terms": {"any_of": ["zefirella"]},
            "sources": {"mastodon": {"base_url": url, "hashtags": ["zefirella"], **more}},
            "own_accounts": {"mastodon": ["zefirella"]},
        }
        for i, url in enumerate(addresses)
    ]  # fmt: skip
    return Plan.model_validate({
        "brands": {"network": {"allow_private": True}, "brands": [{"name": "Zefirella", "markets": markets}]},
        "rules": {"rules": [VOLUME]}, "escalation": {"people": PEOPLE, "steps": STEPS},
    })  # fmt: skip


@pytest.fixture
def where(tmp_path: Path) -> Settings:
    return Settings(tmp_path, f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "plan")


@pytest.fixture
def network() -> Iterator[Network]:
    posts = [Post(n, NOON - (n + 0.5) * 10 * MINUTE) for n in range(150)]
    with Network(load("mastodon", World(posts))) as made:
        yield made


class Watch:
    """A monotonic clock that every request moves on."""

    def __init__(self, a_request: float = 0.0) -> None:
        self.seconds, self.a_request = 1_000.0, a_request

    def client(self) -> Client:
        return Client(allow_private=True, sleep=lambda _: None, now=lambda: self.seconds)

    def ask(self, request: Request) -> None:
        self.seconds += self.a_request


@pytest.fixture
def collect(store: Store, where: Settings) -> Callable[..., list[str]]:
    def run(plan: Plan, run: Asked | None = None, at: datetime = NOON, watch: Watch | None = None) -> list[str]:
        return collect_all(store, plan, where, Fixed(at), "mastodon", run, client=(watch or Watch()).client())

    return run


def logged(store: Store, market: str = "m0") -> list[tuple[float, float, bool]]:
    """(start, end, ok) in minutes before noon, oldest first."""
    return [
        ((NOON - l.start) / MINUTE, (NOON - l.end) / MINUTE, l.ok)
        for l in sorted(store.read(CollectionLog, market=market), key=lambda l: (l.start, l.end))
    ]  # fmt: skip


def log(minutes: tuple[float, float], ok: bool = True, payloads: int = 0, **columns: Any) -> CollectionLog:
    start, end = (NOON - m * MINUTE for m in minutes)
    usual = {"source": "mastodon", "market": "m0", "known_at": end, "error": None if ok else "no"}
    return CollectionLog(**{**usual, "start": start, "end": end, "ok": ok, "payloads": payloads, **columns})


# the backlog


def todo(store: Store, kind: Any = MASTODON, first: int = 5) -> list[tuple[float, float]]:
    """Slices in minutes before noon."""
    found = backlog(store, kind, "m0", NOON, NOON - first * MINUTE)
    assert found.behind == min(s.start for s in found.slices)
    return [((NOON - s.start) / MINUTE, (NOON - s.end) / MINUTE) for s in found.slices]


def test_the_first_poll_asks_for_its_interval(store: Store) -> None:
    assert todo(store) == [(5, 0)]


def test_the_next_one_goes_on_where_the_last_ended(store: Store) -> None:
    store.upsert([log((15, 10)), log((10, 5))])
    assert todo(store) == [(5, 0)]


def test_a_backlog_comes_in_slices_of_an_hour_oldest_first(store: Store) -> None:
    store.upsert([log((200, 140))])
    assert todo(store) == [(140, 80), (80, 20), (20, 0)]


def test_what_failed_in_between_is_asked_for_again(store: Store) -> None:
    store.upsert([log((30, 20)), log((20, 15), ok=False), log((15, 5))])
    assert todo(store) == [(20, 15), (5, 0)]


def test_what_failed_before_anything_succeeded_is_not_forgotten(store: Store) -> None:
    store.upsert([log((90, 80), ok=False)])
    assert todo(store) == [(90, 30), (30, 0)]


def test_no_more_than_a_day_is_refilled(store: Store) -> None:
    store.upsert([log((3_000, 2_995))])
    assert todo(store)[0] == (1_440, 1_380)
    assert len(todo(store)) == 24
    assert todo(store)[-1] == (60, 0)


def test_nor_more_than_the_network_remembers(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MASTODON, "reach", 2 * HOUR)
    store.upsert([log((3_000, 2_995)), log((300, 290), ok=False)])
    assert todo(store) == [(120, 60), (60, 0)]


def test_when_all_is_covered_it_asks_for_what_is_new(store: Store) -> None:
    store.upsert([log((5, 0))])
    assert todo(store) == [(0, 0)]


def test_an_import_covers_what_it_covers(store: Store) -> None:
    store.upsert([log((300, 60), assumed=True)])
    assert todo(store) == [(60, 0)]


def test_a_feed_fills_any_gap_with_one_poll(store: Store) -> None:
    store.upsert([log((300, 200), source="feed"), log((300, 200), source="files")])
    assert todo(store, FEED) == [(200, 0)]
    assert todo(store, FILES) == [(200, 0)]


def test_a_slice_that_was_cut_off_is_halved(store: Store) -> None:
    store.upsert([log((180, 120)), log((120, 60), ok=False, payloads=7)])
    assert todo(store) == [(120, 90), (90, 30), (30, 0)]
    store.upsert([log((120, 90), ok=False, payloads=7)])
    assert todo(store)[0] == (120, 105)
    store.upsert([log((120, 115), ok=False, payloads=7)])
    assert todo(store)[0] == (120, 115)  # never less than a base window


def test_one_that_brought_nothing_is_not(store: Store) -> None:
    store.upsert([log((180, 120)), log((120, 60), ok=False)])
    assert todo(store)[0] == (120, 60)


def test_one_that_cannot_be_finished_holds_up_nothing(store: Store) -> None:
    store.upsert([log((70, 60)), log((60, 55), ok=False, payloads=7, attempts=2)])
    assert todo(store) == [(55, 0), (60, 55)]


def test_other_markets_and_sources_are_not_looked_at(store: Store) -> None:
    store.upsert([log((500, 400), market="m1"), log((500, 400), source="feed")])
    assert todo(store) == [(5, 0)]


# a poll


def test_a_backlog_is_stored_slice_by_slice(store: Store, network: Network, collect: Callable[..., list[str]]) -> None:
    store.upsert([log((135, 130))])
    lines = collect(plan_of(network.url), Asked(FIVE))
    assert logged(store) == [(135, 130, True), (130, 70, True), (70, 10, True), (10, 0, True)]
    assert [l.rows for l in store.read(CollectionLog)] == [0, 6, 6, 1]
    assert len(lines) == 3
    assert len(store.read(Mention)) >= 13


def test_an_outage_ends_the_poll_and_all_of_it_is_logged(
    store: Store, network: Network, collect: Callable[..., list[str]]
) -> None:
    store.upsert([log((200, 180))])
    network.faults += [None, None, *["404"] * 9]  # type: ignore[list-item]
    with pytest.raises(PermanentError, match="404"):
        collect(plan_of(network.url), Asked(FIVE))
    assert logged(store) == [(200, 180, True), (180, 120, True), (120, 60, False), (60, 0, False)]
    assert [l.error.startswith("not asked: ") for l in store.read(CollectionLog, ok=False) if l.error] == [False, True]
    asked_before, network.faults = len(network.asked), []
    collect(plan_of(network.url), Asked(FIVE))
    assert logged(store)[-2:] == [(120, 60, True), (60, 0, True)]
    assert len(network.asked) > asked_before


def test_a_flood_is_cut_off_what_came_is_kept_and_the_next_polls_get_through(
    store: Store, where: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour with 500 posts from a network that needs half a minute for a page: far more than a poll may take."""
    world = World(Post(n, NOON - HOUR + n * 7.2 * timedelta(seconds=1)) for n in range(500))
    watch = Watch(a_request=30.0)
    with Network(load("mastodon", world), fault=watch.ask) as network:
        plan = plan_of(network.url)
        store.upsert([log((70, 60))])
        polls, stored = 0, [0]
        while todo(store) != [(0, 0)]:
            polls += 1
            begun = watch.seconds
            try:
                collect_all(store, plan, where, Fixed(NOON), "mastodon", Asked(FIVE), client=watch.client())
            except TransientError as error:
                assert "cut off" in str(error)
            assert watch.seconds - begun <= LONGEST.total_seconds() + watch.a_request
            stored.append(len(store.read(Mention)))
            assert polls < 12
    assert stored == sorted(stored)
    assert stored[1] > 0
    assert len(store.read(Mention)) == 500
    assert todo(store) == [(0, 0)]


def test_each_market_has_its_share_and_who_is_furthest_behind_is_first(store: Store, collect: Callable[..., list[str]]) -> None:
    watch = Watch(a_request=10.0)
    flood = World(Post(n, NOON - (n + 1) * timedelta(seconds=0.5)) for n in range(1_200))
    with (
        Network(load("mastodon", flood), fault=watch.ask) as loud,
        Network(load("mastodon", World([Post(1, NOON - MINUTE)]))) as calm,
    ):
        with pytest.raises(TransientError, match="cut off"):
            collect(plan_of(loud.url, calm.url), Asked(FIVE), watch=watch)
        assert 0 < len(loud.asked) <= LONGEST.total_seconds() / 2 / watch.a_request + 1
        assert [ok for *_, ok in logged(store, "m1")] == [True]
        order: list[str] = []
        loud.fault = lambda request: order.append("loud")
        calm.fault = lambda request: order.append("calm")
        collect(plan_of(loud.url, calm.url), Asked((NOON, NOON + 5 * MINUTE)), at=NOON + 5 * MINUTE)
        assert (order[0], order[-1]) == ("loud", "calm")


def test_a_market_that_fails_holds_up_no_other(store: Store, network: Network, collect: Callable[..., list[str]]) -> None:
    with Network(load("mastodon", World()), fault=lambda _: "401") as closed, pytest.raises(PermanentError, match="401"):
        collect(plan_of(closed.url, network.url), Asked(FIVE))
    assert (logged(store, "m0"), logged(store, "m1")) == ([(5, 0, False)], [(5, 0, True)])


def test_a_mistake_of_ours_in_one_market_holds_up_no_other_and_is_in_the_log(
    store: Store, network: Network, collect: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = MASTODON.payloads

    def broken(self: Any, query: Any, *rest: Any) -> Any:
        if query.market == "m0":
            raise KeyError("anna@social.example said something")
        return fetch(self, query, *rest)

    monkeypatch.setattr(MASTODON, "payloads", broken)
    for _ in range(2):  # the market that is furthest behind goes first, so it is the broken one
        with pytest.raises(
            PermanentError, match=r"KeyError in test_collecting\.py, line \d+: a mistake of Coolhead's"
        ) as caught:
            collect(plan_of(network.url, network.url))
        assert "anna" not in str(caught.value)
    logs = {log.market: log for log in store.read(CollectionLog)}
    assert (logs["m0"].ok, logs["m1"].ok) == (False, True)
    assert "KeyError" in (logs["m0"].error or "")


def test_a_persons_own_stretch_is_collected_whole(store: Store, network: Network, collect: Callable[..., list[str]]) -> None:
    run = asked(None, {"start": "2026-03-02T12:00:00Z", "end": "2026-03-03T12:00:00+00:00", "history": True})
    collect(plan_of(network.url), run, watch=Watch())
    assert logged(store) == [(1_440, 0, True)]
    assert [l.assumed for l in store.read(CollectionLog)] == [True]
    with pytest.raises(ConfigError, match="end"):
        asked(None, {"start": "2026-03-02T12:00:00Z", "end": "tomorrow"})


@pytest.mark.parametrize(
    ("given", "polled"),
    [
        ({}, True), ({"active_from": "2026-03-03"}, True), ({"active_from": "2026-03-04"}, False),
        ({"retired_on": "2026-03-04"}, True), ({"retired_on": "2026-03-03"}, False),
    ],
)  # fmt: skip
def test_only_between_its_first_and_last_day(
    store: Store, where: Settings, network: Network, collect: Callable[..., list[str]], given: dict[str, str], polled: bool
) -> None:
    collect(plan_of(network.url, **given), Asked(FIVE))
    assert bool(logged(store)) is polled
    assert bool(follow_all(store, plan_of(network.url, **given), where, Fixed(NOON), client=Watch().client())) is polled


def test_the_day_is_the_markets_own(store: Store, network: Network, collect: Callable[..., list[str]]) -> None:
    late = NOON + 11 * HOUR  # already the fourth in Jakarta
    plan = plan_of(network.url, zone="Asia/Jakarta", retired_on="2026-03-04")
    assert collect(plan, Asked((late - 5 * MINUTE, late)), at=late) == []


# in an incident


def incident(market: str = "m0", **columns: Any) -> Incident:
    usual: dict[str, Any] = {
        "incident_id": f"i-{market}", "market": market, "title": "Tin in the gelato", "state": "detected", "severity": "S2",
        "severity_proposed": "S2", "reasons": [], "policy": {}, "onset_at": NOON, "detected_at": NOON,
    }  # fmt: skip
    return Incident(**{**usual, **columns})


@pytest.fixture
def two() -> Plan:
    return plan_of("https://a.example", "https://b.example")


def due(store: Store, plan: Plan, minute: float = 0) -> list[dict[str, Any]]:
    return due_polls(store, plan, Fixed(NOON + minute * MINUTE))


def test_in_calm_it_looks_once_and_ends(store: Store, two: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[type] = []
    read = Store.read
    monkeypatch.setattr(Store, "read", lambda self, kind, **where: reads.append(kind) or read(self, kind, **where))
    assert due(store, two) == []
    assert reads == [Incident]


@pytest.mark.parametrize(
    ("columns", "hurries"),
    [
        ({}, True), ({"severity": "S4", "state": "contained"}, True), ({"severity": "S1"}, False), ({"drill": True}, False),
        ({"state": "recovered"}, False), ({"state": "closed"}, False), ({"state": "dismissed"}, False),
    ],
)  # fmt: skip
def test_while_a_market_has_an_incident_of_s2_or_above(store: Store, two: Plan, columns: dict[str, Any], hurries: bool) -> None:
    store.upsert([incident(**columns)])
    found = due(store, two, 7)
    assert bool(found) is hurries
    if hurries:
        (run,) = found
        assert (run["trigger_dag_id"], run["trigger_run_id"]) == ("collect_mastodon", "hurry-20260303T1207")
        assert run["conf"] == {"markets": ["m0"], "at": "2026-03-03T12:07:00+00:00"}


def test_every_urgent_interval_and_not_more_often(store: Store, two: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MASTODON, "urgent", 2 * MINUTE)
    store.upsert([incident(), log((5, 0), known_at=NOON)])
    assert [bool(due(store, two, m)) for m in (0, 1, 1.9, 2, 3)] == [False, False, False, True, True]
    store.upsert([log((0, -2), ok=False, known_at=NOON + 2 * MINUTE)])  # a failure is no reason to ask more often
    assert [bool(due(store, two, m)) for m in (3, 4)] == [False, True]


def test_what_is_not_asked_more_often(store: Store, two: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    store.upsert([incident()])
    monkeypatch.setattr(MASTODON, "urgent", MASTODON.poll)
    assert due(store, two) == []
    monkeypatch.setattr(MASTODON, "urgent", MINUTE)
    retired = plan_of("https://a.example", retired_on="2026-03-03")
    assert due(store, retired) == []


def test_the_share_of_the_calm_polls_is_never_eaten(store: Store, two: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour of 40 requests; two markets, a request a poll, each five minutes."""
    for name, value in {"rate": Rate(40, HOUR), "poll": 5 * MINUTE, "urgent": MINUTE}.items():
        monkeypatch.setattr(MASTODON, name, value)
    store.upsert([incident()])
    budget = Budget(store, Fixed(NOON), "mastodon", MASTODON.rate)
    took = 0
    while due(store, two):
        budget.take()
        took += 1
        assert took < 41
    assert took == 40 - 2 * 11  # eleven more calm polls of both in this hour
    assert due(store, two, 5)  # one of them is over
    assert due(store, two, 60)  # a new hour


def test_an_urgent_run_asks_its_markets_up_to_this_minute(
    store: Store, network: Network, collect: Callable[..., list[str]]
) -> None:
    store.upsert([log((10, 0)), log((10, 0), market="m1")])
    now = NOON + 3.5 * MINUTE
    collect(plan_of(network.url, network.url), asked(None, {"markets": ["m0"], "at": now.isoformat()}), at=now)
    assert logged(store) == [(10, 0, True), (0, -3, True)]
    assert logged(store, "m1") == [(10, 0, True)]
    later = NOON + 5 * MINUTE
    collect(plan_of(network.url, network.url), Asked((NOON, later)), at=later)  # and the calm poll goes on from there
    assert logged(store)[-1] == (-3, -5, True)
    assert logged(store, "m1")[-1] == (0, -5, True)


def test_an_urgent_run_that_waited_too_long_does_nothing(
    store: Store, network: Network, collect: Callable[..., list[str]]
) -> None:
    run = asked(None, {"markets": ["m0"], "at": (NOON - 2 * MASTODON.urgent - MINUTE).isoformat()})
    assert collect(plan_of(network.url), run) == ["came too late; another run was asked for since"]
    assert network.asked == []
