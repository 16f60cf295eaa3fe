"""Wykop, beyond what every source must do: Warsaw's clocks, comments, streams, own posts, and who removed what."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from coolhead import registry
from coolhead.errors import PermanentError, TransientError
from coolhead.http import Client
from coolhead.sources import Fetched, Gone, Query
from coolhead.sources import _wykop as shape
from coolhead.windows import Window
from peers import OWN, Answer, Network, Post, World
from peers.wykop import LINKS, Wykop

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(hours=1))
SOURCE = registry.load("sources", "wykop")()
CLIENT = Client(allow_private=True, retries=0, sleep=lambda _: None)
BACK = datetime(2026, 10, 25, 1, tzinfo=UTC)
"""Warsaw's clocks go from 3:00 back to 2:00."""


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(Wykop(World())) as opened:
        yield opened


def query(network: Network, forms: tuple[str, ...] = ("Zefirella",), own: tuple[str, ...] = (), **chosen: Any) -> Query:
    made = SOURCE.Settings.model_validate({**network.settings(), "tags": (), **chosen})
    return Query("pl", forms[:1], ("pl",), own, made, network.peer.credentials(), forms=forms, connection="wykop")


def fetch(network: Network, window: Window = WINDOW, **asked: Any) -> dict[str, dict[str, Any]]:
    pages = SOURCE.payloads(query(network, **asked), window, {}, CLIENT)
    return {row["native_id"]: row for page in pages for row in SOURCE.mentions(page.content, page.meta)}


def test_every_form_is_searched_among_entries_and_links_with_one_token(network: Network) -> None:
    network.peer.world.publish(
        Post(1, NOON, "Zefirella"), Post(2, NOON, "o Zefirelli"), Post(LINKS + 3, NOON, "Zefirellę wycofano")
    )
    found = fetch(network, forms=("Zefirella", "Zefirelli", "Zefirellę", "ZEFIRELLA"))
    assert set(found) == {"entries/1", "entries/2", "links/1000003"}
    assert sum(r.path.endswith("/auth") for r in network.asked) == 1
    assert sum("search" in r.path for r in network.asked) == 6


def test_the_window_is_asked_for(network: Network) -> None:
    hour = timedelta(hours=1)
    network.peer.world.publish(
        Post(1, NOON - hour), Post(2, NOON), Post(3, NOON + hour - timedelta(seconds=1)), Post(4, NOON + 2 * hour)
    )
    assert set(fetch(network)) == {"entries/2", "entries/3"}


def test_comments_come_in_below_entries_and_below_links_and_their_comments(network: Network) -> None:
    peer = network.peer
    peer.world.publish(
        Post(1, NOON), Post(LINKS + 1, NOON), *(Post(n, NOON + timedelta(minutes=n), "nigdy więcej", parent=1) for n in range(10, 45)),
        Post(50, NOON, "też nie", parent=LINKS + 1), Post(51, NOON, "a ja tak", parent=50),
    )  # fmt: skip
    found = fetch(network)
    assert set(found) == {peer.native_id(p) for p in peer.world.seen()}
    assert found["entries/1/comments/10"]["parent"] == "entries/1"
    assert found["links/1000001/comments/50"]["parent"] == "links/1000001"
    assert found["links/1000001/comments/51"]["parent"] == "links/1000001/comments/50"


def test_streams_of_tags_and_own_posts_end_at_the_window(network: Network) -> None:
    network.peer.world.publish(
        *(Post(n, NOON - timedelta(hours=n), "#lodyzefirella pyszne") for n in range(200)),
        *(Post(300 + n, NOON - timedelta(hours=n), "nowe smaki", author=OWN) for n in range(100)),
    )
    found = fetch(network, forms=("brak",), own=(f"@{OWN}",), tags=["#lodyzefirella"])
    assert {"entries/0", "entries/300"} <= set(found)
    streams = [r for r in network.asked if "stream" in r.path or "added" in r.path]
    # A page that holds the window's start, one that lies before it whole, and no more; of links there are none.
    assert [r.params["page"] for r in streams] == ["1", "2", "1", "2", "1"]


@pytest.mark.parametrize(
    ("start", "end", "asked"),
    [
        (NOON, NOON + timedelta(minutes=5), ("2026-03-03 12:59:59", "2026-03-03 13:05:01")),
        (datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 1, 1, tzinfo=UTC), ("2026-07-01 01:59:59", "2026-07-01 03:00:01")),
        (BACK - timedelta(minutes=30), BACK - timedelta(minutes=25), ("2026-10-25 01:59:59", "2026-10-25 03:00:01")),
        (BACK + timedelta(minutes=30), BACK + timedelta(minutes=35), ("2026-10-25 01:59:59", "2026-10-25 03:00:01")),
        (BACK - timedelta(minutes=90), BACK + timedelta(minutes=90), ("2026-10-25 01:29:59", "2026-10-25 03:30:01")),
    ],
)  # fmt: skip
def test_the_window_in_warsaws_clocks(start: datetime, end: datetime, asked: tuple[str, str]) -> None:
    assert (shape.asked(start, end=False), shape.asked(end, end=True)) == asked


@pytest.mark.parametrize("minutes", range(-90, 100, 15))
def test_nothing_is_lost_where_an_hour_comes_twice(network: Network, minutes: int) -> None:
    at = BACK + timedelta(minutes=minutes)
    network.peer.world.publish(Post(1, at))
    row = fetch(network, Window(at, at + timedelta(minutes=5)))["entries/1"]
    assert at - row["published_at"] == (timedelta(hours=1) if 0 <= minutes < 60 else timedelta())


def test_times_are_warsaws_and_are_given_in_utc() -> None:
    item = {"resource": "entry", "id": 1, "created_at": "2023-03-03 12:34:56", "content": "Zefirella", "votes": {"up": 2}}
    (row,) = shape.rows([item], "")
    assert row["published_at"] == datetime(2023, 3, 3, 11, 34, 56, tzinfo=UTC)
    assert row["published_at"].tzinfo is not ZoneInfo("Europe/Warsaw")
    (odd,) = shape.rows([{**item, "created_at": 1_677_843_296}], "")
    assert odd["published_at"] == "1677843296 is no time"


def test_who_removed_it_as_far_as_wykop_tells(network: Network) -> None:
    world = network.peer.world
    world.publish(*(Post(n, NOON) for n in range(1, 5)), Post(10, NOON, parent=4), Post(11, NOON, parent=4))
    for number, by in ((1, "author"), (2, "network"), (3, "brand"), (10, "author")):
        world.remove(number, by)  # type: ignore[arg-type]
    asked = ["entries/1", "entries/2", "entries/3", "entries/4", "entries/4/comments/10", "entries/4/comments/11", "../auth"]
    found = list(SOURCE.recheck(query(network), asked, CLIENT))
    gone = {g.native_id: g.by for g in found if isinstance(g, Gone)}
    assert gone == {"entries/1": "author", "entries/2": "network", "entries/3": "unknown", "entries/4/comments/10": "author"}
    there = {r["native_id"] for f in found if isinstance(f, Fetched) for r in SOURCE.mentions(f.content, f.meta)}
    assert there == {"entries/4", "entries/4/comments/11"}
    assert all(".." not in r.path for r in network.asked)


@pytest.mark.parametrize(
    ("deleted", "by"), [("author", "author"), ("moderator", "network"), (True, "unknown"), (False, None), (None, None)]
)
def test_what_deleted_means(deleted: Any, by: str | None) -> None:
    found = shape.gone({"deleted": deleted})
    assert (found and found[0]) == by


def test_an_error_that_says_200_is_refused(network: Network) -> None:
    body = b'{"code": 409, "hash": "x", "error": {"message": "Access Denied.", "key": 0}}'
    with pytest.raises(PermanentError, match="Access Denied"):
        list(SOURCE.mentions(body, {}))
    with pytest.raises(PermanentError, match="no list"):
        network.peer._search = lambda *_: Answer({"data": {"token": "x"}})  # type: ignore[attr-defined]
        fetch(network)


@pytest.mark.parametrize(
    "body", [b'{"data": [], "paging": {}}', b'{"data": [{"message": "Zefirella", "id": "1_2"}]}', b'{"pagination": {}}', b"[]"]
)
def test_what_is_of_another_network_is_refused(body: bytes) -> None:
    with pytest.raises(PermanentError):
        list(SOURCE.mentions(body, {}))


def test_one_list_that_fails_hides_no_other(network: Network) -> None:
    network.peer.world.publish(Post(LINKS + 1, NOON))
    network.faults = [None, "500"]
    pages = SOURCE.payloads(query(network), WINDOW, {}, CLIENT)
    assert next(pages).origin == "search/links Zefirella"
    with pytest.raises(TransientError):
        list(pages)


def test_an_unknown_own_account_is_named(network: Network) -> None:
    found = SOURCE.followers(query(network, own=(f"@{OWN}", "zefirela")), CLIENT)
    assert next(found) == (f"@{OWN}", None, 41_200)
    with pytest.raises(PermanentError, match="own account 'zefirela'"):
        next(found)
