"""Hacker News, beyond what every source must do: full answers, terms as phrases, and who removed what."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from coolhead import registry
from coolhead.errors import PermanentError, TransientError
from coolhead.http import Client
from coolhead.sources import Fetched, Gone, Query
from coolhead.windows import Window
from peers import Answer, Network, Post, World
from peers.hacker_news import HackerNews

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(hours=1))
SOURCE = registry.load("sources", "hacker_news")()
CLIENT = Client(allow_private=True, retries=0, sleep=lambda _: None)


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(HackerNews(World())) as opened:
        yield opened


def query(network: Network, *terms: str) -> Query:
    return Query("en", terms or ("Zefirella",), ("en",), (), SOURCE.Settings.model_validate(network.settings()))


def fetch(network: Network, *terms: str, window: Window = WINDOW) -> set[str]:
    pages = SOURCE.payloads(query(network, *terms), window, {}, CLIENT)
    return {row["native_id"] for page in pages for row in SOURCE.mentions(page.content, page.meta)}


def test_a_full_answer_is_asked_again_up_to_its_oldest_hit(network: Network) -> None:
    # Seven in a second, so that answers end within one.
    network.peer.world.publish(*(Post(n, NOON + timedelta(seconds=n // 7)) for n in range(2_500)))
    assert len(fetch(network)) == 2_500
    assert len(network.asked) == 3


def test_more_than_an_answer_holds_in_one_second_is_an_error_and_no_silent_cut(network: Network) -> None:
    network.peer.world.publish(*(Post(n, NOON) for n in range(1_001)))
    with pytest.raises(PermanentError, match="1000 posts in one second"):
        fetch(network)


def test_the_window_is_asked_for_in_whole_seconds_around_it(network: Network) -> None:
    half = timedelta(milliseconds=500)
    network.peer.world.publish(Post(1, NOON + half), Post(2, NOON + timedelta(seconds=9)), Post(3, NOON - timedelta(seconds=1)))
    assert fetch(network, window=Window(NOON + half, NOON + timedelta(seconds=9) + half)) == {"47000001", "47000002"}


def test_terms_are_phrases_and_one_that_fails_hides_no_other(network: Network) -> None:
    network.peer.world.publish(Post(1, NOON, text="Lemon gelato by Zefirella"), Post(2, NOON, text="gelato of lemon"))
    assert fetch(network, 'lemon "gelato"', "lemon  gelato") == {"47000001"}
    assert [r.params["query"] for r in network.asked] == ['"lemon gelato"']
    network.faults = ["500"]
    pages = SOURCE.payloads(query(network, "zefirella", "lemon"), WINDOW, {}, CLIENT)
    assert next(pages).stream == "lemon"
    with pytest.raises(TransientError):
        next(pages)


def test_who_removed_it_as_far_as_the_items_tell(network: Network) -> None:
    network.peer.world.publish(*(Post(n, NOON) for n in range(1, 6)))
    for number, by in ((1, "author"), (2, "network"), (3, "brand")):
        network.peer.world.remove(number, by)  # type: ignore[arg-type]
    found = list(SOURCE.recheck(query(network), [f"4700000{n}" for n in range(1, 5)] + ["no number"], CLIENT))
    assert [(g.native_id[-1], g.by) for g in found if isinstance(g, Gone)] == [
        ("1", "author"),
        ("2", "network"),
        ("3", "unknown"),
    ]
    (there,) = [f for f in found if isinstance(f, Fetched)]
    assert [row["native_id"] for row in SOURCE.mentions(there.content, there.meta)] == ["47000004"]


def test_an_item_that_one_service_still_has_is_not_gone(network: Network) -> None:
    network.peer.world.publish(Post(1, NOON))
    network.peer._item = lambda number: None  # type: ignore[attr-defined]
    assert list(SOURCE.recheck(query(network), ["47000001"], CLIENT)) == []


@pytest.mark.parametrize("body", [b'{"message": "invalid", "status": 400}', b'{"hits": [{"objectID": "1"}]}', b"[]", b"true"])
def test_what_is_no_search_is_refused_before_it_is_landed(network: Network, body: bytes) -> None:
    network.peer.answer = lambda request: Answer(body)  # type: ignore[method-assign]
    with pytest.raises(PermanentError):
        fetch(network)


def test_the_canary_hears_whether_anything_is_said_at_all(network: Network) -> None:
    assert SOURCE.canary(query(network), CLIENT) is False
    network.peer.world.publish(Post(1, datetime(2100, 1, 1, tzinfo=UTC), text="something else"))
    assert SOURCE.canary(query(network), CLIENT) is True
