"""Mentions looked up again by their ids, against a network played over HTTP: which, how many, edits, what vanished, faults."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import peers
from contract.test_peers import NEVER_WAITS, NOON, Listener
from coolhead import rechecking
from coolhead.clock import Fixed
from coolhead.errors import PermanentError, TransientError
from coolhead.http import Client
from coolhead.plan import Market, Plan
from coolhead.rechecking import AGES, STEP, recheck_all
from coolhead.rows import Match, Mention, Payload, Quarantined, Spent, Tombstone
from coolhead.windows import Window
from peers import Network, Post, World

MINUTE = timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Callable[..., Listener]]:
    """heard(posts, name): a listener that has heard them all; its clock stands at the last post."""
    opened: list[Listener] = []

    def make(posts: list[Post], name: str = "mastodon") -> Listener:
        network = Network(peers.load(name, World(posts))).__enter__()
        made = Listener(tmp_path / str(len(opened)), network, name)
        opened.append(made)
        last = max(p.at for p in posts)
        made.clock = Fixed(last + MINUTE)
        network.peer.world.now = lambda: made.clock.now()
        made.poll(Window(min(p.at for p in posts), last + MINUTE))
        network.asked.clear()
        return made

    yield make
    for made in opened:
        made.store.close()
        made.network.__exit__()


def again(listener: Listener, until: Any, client: Client = NEVER_WAITS) -> list[str]:
    """As the Dag does, just after the hour."""
    listener.clock = Fixed(until + MINUTE)
    return recheck_all(
        listener.store, listener.plan, listener.where, listener.clock, listener.name, until, client, listener.credentials
    )


def native(listener: Listener, number: int) -> str:
    post = listener.network.peer.world.find(number)
    assert post
    return listener.network.peer.native_id(post)


def asked_for(listener: Listener) -> set[str]:
    """Ids that the network was asked for."""
    told = [i for r in listener.network.asked for i in (*r.listed("id[]"), r.path.rpartition("/statuses/")[2]) if i.isdecimal()]
    return set(told)


@pytest.mark.parametrize("age", AGES)
def test_each_is_looked_up_once_at_each_age(age: timedelta, heard: Callable[..., Listener]) -> None:
    """Hour by hour, without a gap and without a double: the first and the last moment of the hour included."""
    moments = [NOON, NOON + 30 * MINUTE, NOON + HOUR - timedelta(seconds=1), NOON + HOUR]
    listener = heard([Post(n, at) for n, at in enumerate(moments, 1)])
    found = []
    for hour in (0, 1, 2, 3):
        listener.network.asked.clear()
        again(listener, NOON + age + hour * STEP)
        found.append({n for n in range(1, 5) if native(listener, n) in asked_for(listener)})
    assert found == [set(), {1, 2, 3}, {4}, set()]


def test_nothing_due_asks_nothing(heard: Callable[..., Listener]) -> None:
    listener = heard([Post(1, NOON)])
    assert again(listener, NOON + 3 * HOUR) == ["zefirella: nothing is due"]
    assert listener.network.asked == []


def test_edits_likes_and_removals_are_told_and_stored(heard: Callable[..., Listener]) -> None:
    listener = heard([Post(n, NOON + n * MINUTE) for n in range(1, 6)])
    world = listener.network.peer.world
    world.edit(1, likes=900)
    world.edit(2, text=f"{peers.BRAND}: mi hanno risposto", edited_at=NOON + 20 * MINUTE)
    world.edit(3, text="non ne parlo più", edited_at=NOON + 20 * MINUTE)
    world.remove(4)
    assert again(listener, NOON + 2 * HOUR) == ["zefirella: 5 due, 4 still there, 1 vanished"]
    stored = listener.stored()
    assert stored[native(listener, 1)].likes == 900
    assert "risposto" in stored[native(listener, 2)].text
    assert {m.native_id for m in listener.store.read(Match)} == set(stored) - {native(listener, 3)}
    assert [(t.native_id, t.gone_at) for t in listener.store.read(Tombstone)] == [
        (native(listener, 4), NOON + 2 * HOUR + MINUTE)
    ]
    assert stored[native(listener, 4)].text == ""
    # Once more, over the same hour: what is gone is not asked for again, and nothing is doubled.
    before = [listener.store.read(kind) for kind in (Mention, Match, Tombstone)]
    listener.network.asked.clear()
    assert again(listener, NOON + 2 * HOUR) == ["zefirella: 3 due, 3 still there, 0 vanished"]
    assert native(listener, 4) not in asked_for(listener)
    assert [listener.store.read(kind) for kind in (Mention, Match, Tombstone)] == before


def test_more_than_one_run_can_ask_for(heard: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest first; what is left out is said."""
    monkeypatch.setattr(rechecking, "MOST", 3)
    listener = heard([Post(n, NOON + n * MINUTE) for n in range(1, 8)])
    assert again(listener, NOON + 2 * HOUR) == ["zefirella: 7 due, 3 still there, 0 vanished, 4 left out"]
    assert asked_for(listener) == {native(listener, n) for n in (5, 6, 7)}


@pytest.mark.parametrize(("fault", "kind"), [("401", PermanentError), ("503", TransientError), ("malformed", PermanentError)])
def test_a_fault_buries_nobody(fault: Any, kind: type[Exception], heard: Callable[..., Listener]) -> None:
    listener = heard([Post(n, NOON + n * MINUTE) for n in range(1, 6)])
    listener.network.fault = lambda _: fault
    with pytest.raises(kind):
        again(listener, NOON + 2 * HOUR)
    assert listener.store.read(Tombstone) == []
    assert all(m.text for m in listener.stored().values())
    listener.network.fault = None
    assert again(listener, NOON + 2 * HOUR + MINUTE) == ["zefirella: 5 due, 5 still there, 0 vanished"]


def test_what_was_found_before_a_fault_is_kept(heard: Callable[..., Listener]) -> None:
    listener = heard([Post(n, NOON + n * MINUTE) for n in range(1, 6)])
    listener.network.peer.world.edit(5, likes=900)
    for number in (1, 2):
        listener.network.peer.world.remove(number)
    listener.network.faults = [None, None, "503"]  # the batch, the first that it lacks, the second
    with pytest.raises(TransientError):
        again(listener, NOON + 2 * HOUR)
    assert listener.stored()[native(listener, 5)].likes == 900
    assert len(listener.store.read(Tombstone)) == 1
    assert again(listener, NOON + 2 * HOUR + MINUTE) == ["zefirella: 4 due, 3 still there, 1 vanished"]


def give(listener: Listener, *markets: Market) -> None:
    """The listener's brand has these markets from now on."""
    brand = listener.plan.brands.brands[0].model_copy(update={"markets": markets})
    brands = listener.plan.brands.model_copy(update={"brands": (brand,)})
    listener.plan = Plan(brands=brands, rules=listener.plan.rules, escalation=listener.plan.escalation)


@pytest.mark.parametrize(("retired", "looks"), [("2026-03-03", 0), ("2026-03-04", 1)])
def test_a_retired_source_is_not_asked(retired: str, looks: int, heard: Callable[..., Listener]) -> None:
    listener = heard([Post(1, NOON)])
    market = listener.plan.markets[0]
    settings = {**market.sources["mastodon"], "retired_on": retired}
    give(listener, market.model_copy(update={"sources": {"mastodon": settings}}))
    assert len(again(listener, NOON + 2 * HOUR)) == looks
    assert len(listener.network.asked) == looks


def test_one_market_that_fails_holds_up_no_other(heard: Callable[..., Listener]) -> None:
    listener = heard([Post(1, NOON), Post(2, NOON)])
    first = listener.plan.markets[0]
    there = {"mastodon": {**first.sources["mastodon"], "base_url": "http://127.0.0.1:9"}}
    give(listener, first.model_copy(update={"id": "broken", "sources": there}), first)
    listener.store.upsert(m.model_copy(update={"market": "broken"}) for m in listener.store.read(Match))
    listener.network.peer.world.remove(1)
    with pytest.raises(TransientError):
        again(listener, NOON + 2 * HOUR)
    assert [t.native_id for t in listener.store.read(Tombstone)] == [native(listener, 1)]


def test_every_request_is_paid_for(heard: Callable[..., Listener]) -> None:
    listener = heard([Post(n, NOON + n * MINUTE) for n in range(1, 6)])
    listener.network.peer.world.remove(3)
    again(listener, NOON + 2 * HOUR)
    now = listener.store.read(Spent, start=Window(NOON + 2 * HOUR, NOON + 3 * HOUR))
    assert sum(s.requests for s in now) == len(listener.network.asked) == 2


def files_of(listener: Listener) -> set[str]:
    found = listener.where.landing.rglob("*")
    return {str(p.relative_to(listener.where.landing)) for p in found if p.is_file() and not p.name.endswith(".meta.json")}


def test_the_same_bytes_on_a_later_day_are_kept_once(heard: Callable[..., Listener]) -> None:
    """Else retention, which knows one place of each payload, would leave the other for ever."""
    listener = heard([Post(1, NOON)])
    for hours in (2, 7, 25, 73):
        again(listener, NOON + hours * HOUR)
    paths = {p.path for p in listener.store.read(Payload)}
    assert files_of(listener) == paths
    assert len(paths) == 1  # the poll's and those of all four looks are the same


def test_what_came_back_is_looked_up_again(heard: Callable[..., Listener]) -> None:
    listener = heard([Post(1, NOON), Post(2, NOON)])
    world = listener.network.peer.world
    world.remove(1)
    again(listener, NOON + 2 * HOUR)
    assert listener.store.count(Tombstone) == 1
    world.removed.clear()
    world.edit(2, likes=4)  # else the poll would bring the very bytes of the first one
    listener.clock = Fixed(NOON + 3 * HOUR)
    listener.poll(Window(NOON, NOON + 3 * HOUR))
    assert (listener.store.count(Tombstone), listener.stored()[native(listener, 1)].text) == (0, Post(1, NOON).text)
    assert again(listener, NOON + 7 * HOUR) == ["zefirella: 2 due, 2 still there, 0 vanished"]


def test_a_body_that_is_none_goes_to_the_quarantine_and_nowhere_else(heard: Callable[..., Listener]) -> None:
    listener = heard([Post(1, NOON)], "hacker_news")
    listener.network.fault = lambda _: "html"
    with pytest.raises(PermanentError):
        again(listener, NOON + 2 * HOUR, replace(NEVER_WAITS, retries=0))
    assert listener.store.read(Tombstone) == []
    assert {q.item for q in listener.store.read(Quarantined)} <= {"payload"}
    assert not list((listener.where.landing / "hacker_news" / "pending").glob("*"))
