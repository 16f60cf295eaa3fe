"""One account of a source's requests, whoever makes them."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import a_plan, utc

from coolhead import registry
from coolhead.budget import Budget, account_of, calm_share, connections_of, metered, polls_until
from coolhead.clock import Fixed, Play
from coolhead.errors import TransientError
from coolhead.http import Client
from coolhead.rows import CollectionLog, Spent
from coolhead.sources import Rate
from coolhead.store import Store
from peers import Network, World, load

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TEN = Rate(10, MINUTE)
MASTODON = registry.load("sources", "mastodon")


def at(seconds: float, store: Store, rate: Rate = TEN, account: str = "mastodon") -> Budget:
    return Budget(store, Fixed(NOON + timedelta(seconds=seconds)), account, rate)


def spent(store: Store) -> dict[tuple[str, int], int]:
    """(account, seconds after noon) -> requests."""
    return {(s.connection, int((s.start - NOON).total_seconds())): s.requests for s in store.read(Spent)}


def test_no_more_than_the_rate_in_a_stretch(store: Store) -> None:
    waits = [at(15, store).take() for _ in range(12)]
    assert waits == [0.0] * 10 + [45.0, 45.0]
    assert spent(store) == {("mastodon", 0): 10}
    assert at(59.99, store).take() == pytest.approx(0.1)  # never nothing, or it would be asked without end
    assert not at(60, store).take()
    assert spent(store) == {("mastodon", 0): 10, ("mastodon", 60): 1}


def test_some_may_be_left_for_others(store: Store) -> None:
    assert [at(0, store).take(keep=7) for _ in range(4)] == [0.0] * 3 + [60.0]
    assert at(0, store).left == 7
    assert [at(0, store).take() for _ in range(8)] == [0.0] * 7 + [60.0]
    assert at(0, store).left == 0


def test_accounts_are_apart(store: Store) -> None:
    for account in ("mastodon", account_of("facebook", "meta"), account_of("instagram", "meta"), account_of("feed", "")):
        assert [at(0, store, Rate(1, MINUTE), account).take() for _ in range(2)] == [0.0, 60.0]
    assert {a for a, _ in spent(store)} == {"mastodon", "meta/facebook", "meta/instagram", "feed"}
    assert account_of("mastodon", "mastodon") == "mastodon"


def test_old_stretches_are_forgotten(store: Store) -> None:
    at(0, store, account="feed").take()
    for minute in range(30):
        at(60 * minute, store).take()
    kept = spent(store)
    assert kept.pop(("feed", 0)) == 1  # another's
    assert sorted(start for _, start in kept) == [60 * m for m in range(19, 30)]


def test_a_stretch_is_as_long_as_the_network_says(store: Store) -> None:
    day = Rate(2, timedelta(days=1))
    assert [at(0, store, day).take() for _ in range(3)] == [0.0, 0.0, 12 * 3600.0]
    assert at(0, store, day).stretch == utc(2026, 3, 3)


def test_it_is_the_wall_that_waits(store: Store) -> None:
    budget = replace(at(0, store), clock=Play(NOON, datetime.now(UTC) + timedelta(days=1), 0.0))
    fast = replace(budget, clock=Play(NOON, datetime.now(UTC), 1_000.0))
    assert [budget.take() for _ in range(11)][-1:] == [60.0]  # a play's clock that stands
    assert 0 < fast.clock.wall_seconds(MINUTE) < 1


PROCESS = """
import sys
from datetime import datetime, timedelta
from coolhead.budget import Budget
from coolhead.clock import Fixed
from coolhead.sources import Rate
from coolhead.store import Store
store = Store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
budget = Budget(store, Fixed(datetime.fromisoformat(sys.argv[2])), "mastodon", Rate(50, timedelta(minutes=1)))
print(sum(budget.take() == 0.0 for _ in range(40)), flush=True)
"""


def test_two_processes_never_exceed_the_rate(store: Store) -> None:
    command = [sys.executable, "-c", PROCESS, store.url, NOON.isoformat()]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, **pipes) for _ in range(2)]
    assert [w.stdout.readline() for w in workers if w.stdout] == ["ready\n"] * 2
    for w in workers:  # both at once
        assert w.stdin
        w.stdin.write("go\n")
        w.stdin.flush()
    granted = [int(w.communicate()[0]) for w in workers]
    assert sum(granted) == 50
    assert spent(store) == {("mastodon", 0): 50}


def test_nor_do_threads(store: Store) -> None:
    budget = at(0, store, Rate(25, MINUTE))
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: budget.take(), range(40)))
    assert waits.count(0.0) == 25


# a client that pays


def test_a_metered_client_pays_for_what_the_network_was_asked(store: Store) -> None:
    slept: list[float] = []
    with Network(load("mastodon", World()), faults=["503", None, "500"]) as network:
        network.retry_after = "3"
        base = Client(allow_private=True, sleep=slept.append)
        client = metered(base, store, Fixed(NOON), "mastodon", "mastodon", Rate(4, MINUTE))
        for _ in range(2):
            client.get(f"{network.url}/api/v1/timelines/tag/zefirella")
        with pytest.raises(TransientError, match="rate budget is spent") as caught:
            client.get(f"{network.url}/api/v1/timelines/tag/zefirella")
        assert len(network.asked) == 4
    assert spent(store) == {("mastodon", 0): 4}
    assert caught.value.retry_after == pytest.approx(60)
    assert base.take is None  # the one it was made of


# a host that asks to wait


def test_a_host_rests_for_whatever_is_asked_and_no_other_does(store: Store) -> None:
    at(0, store).rest("a.example", 3_600)
    budgets = [at(1, store), at(3_599, store, Rate(1, timedelta(days=1))), at(3_600, store), at(1, store, account="feed")]
    assert [b.take(host="a.example") for b in budgets] == [3_599.0, 1.0, 0.0, 0.0]  # whatever the stretch is
    assert [at(1, store).take(host="b.example"), at(1, store).take()] == [0.0, 0.0]


def test_the_longer_of_two_rests_counts_and_the_old_are_forgotten(store: Store) -> None:
    for seconds in (3_600, 30):
        at(0, store).rest("a.example", seconds)
    assert at(60, store).take(host="a.example") == pytest.approx(3_540)
    at(7_200, store).rest("a.example", 5)
    assert spent(store) == {("mastodon@a.example", 7_205): 0}


def test_a_rest_is_on_the_wall(store: Store) -> None:
    budget = replace(at(0, store), clock=Play(NOON, datetime.now(UTC), 60.0))
    budget.rest("a.example", 600)
    (kept,) = store.read(Spent)
    assert kept.start >= NOON + timedelta(hours=10)
    assert 500 < budget.take(host="a.example") <= 600


def test_what_a_network_asked_for_is_kept_between_tasks(store: Store) -> None:
    def ask(after: timedelta) -> TransientError:
        client = metered(Client(allow_private=True), store, Fixed(NOON + after), "mastodon", "mastodon", TEN)
        with pytest.raises(TransientError) as caught:
            client.get(f"{network.url}/api/v1/timelines/tag/zefirella")
        return caught.value

    with Network(load("mastodon", World()), fault=lambda _: "429") as network:
        network.retry_after = "3600"
        assert ask(0 * MINUTE).retry_after == 3_600
        later = ask(10 * MINUTE)
        assert later.retry_after == 3_000
        assert "asked to wait" in str(later)
        assert len(network.asked) == 1
        ask(60 * MINUTE)
        assert len(network.asked) == 2


def test_another_process_knows_of_a_rest(store: Store) -> None:
    code = "import sys; from building import *; import test_budget as t; t.at(0, t.Store(sys.argv[1])).rest('a.example', 900)"
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    subprocess.run([sys.executable, "-c", code, store.url], check=True, env={**os.environ, "PYTHONPATH": path})
    assert at(60, store).take(host="a.example") == pytest.approx(840)


def test_what_percents_are_of(store: Store) -> None:
    client = metered(Client(), store, Fixed(NOON), "facebook", "meta", Rate(200, timedelta(hours=1)))
    assert client.meter
    client.meter.read({"x-app-usage": '{"call_count": 75, "total_time": 10}'})
    assert client.quota == 50


# what the scheduled polls still need


@pytest.mark.parametrize(
    ("now", "until", "poll", "polls"),
    [
        (0, 60, 5, 11), (0, 5, 5, 0), (4, 5, 5, 0), (4, 6, 5, 1), (1, 15, 15, 0), (59, 60, 5, 0), (0, 720, 60, 11), (10, 10, 5, 0),
    ],
)  # fmt: skip
def test_polls_until(now: int, until: int, poll: int, polls: int) -> None:
    assert polls_until(NOON + now * MINUTE, NOON + until * MINUTE, poll * MINUTE) == polls


@pytest.fixture
def log(store: Store) -> Callable[..., None]:
    def write(minutes_ago: int, payloads: int, market: str = "zefirella", **columns: Any) -> None:
        start = NOON - minutes_ago * MINUTE
        usual = {"source": "mastodon", "start": start, "end": start + 5 * MINUTE, "ok": True, "known_at": start + 5 * MINUTE}
        store.upsert([CollectionLog(**{**usual, "market": market, "payloads": payloads, **columns})])

    return write


def test_the_share_of_calm_is_what_a_poll_costs_times_the_polls_to_come(
    store: Store, log: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MASTODON, "rate", Rate(300, timedelta(hours=1)))
    monkeypatch.setattr(MASTODON, "poll", 5 * MINUTE)
    plan = a_plan()

    def share(minute: int) -> int:
        return calm_share(store, plan, MASTODON, plan.markets[0], Fixed(NOON + minute * MINUTE))

    assert share(0) == 11  # nothing is known: one request a poll
    log(5, 4)
    log(10, 0)  # found nothing, but asked
    assert share(0) == 11 * 3  # the mean of 4 and 1, rounded up
    log(25 * 60, 900)  # too long ago
    log(15, 900, assumed=True)  # an import
    log(20, 900, market="elsewhere")
    log(20, 900, source="feed")
    assert [share(m) for m in (0, 31, 58)] == [33, 15, 3 * 0]


def test_connections_that_a_plan_names() -> None:
    plan = a_plan()
    content = plan.content()
    content["brands"]["brands"][0]["markets"][0]["sources"]["mastodon"]["connection"] = "mastodon_it"
    plan = type(plan).model_validate(content)
    assert connections_of(plan) == ["feed", "mastodon_it"]
    assert connections_of(plan, ["mastodon"]) == ["mastodon_it"]
