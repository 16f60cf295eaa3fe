"""Instagram, beyond what every source must do: replies to their last page, tags, hashtags, what is gone."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from coolhead import registry
from coolhead.errors import PermanentError
from coolhead.http import Client
from coolhead.sources import Fetched, Gone, Query
from coolhead.windows import Window
from peers import OWN, Answer, Network, Post, Request, World
from peers._graph import failure
from peers.instagram import HASHTAG, OPENING, USER, Instagram

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(hours=1))
SOURCE = registry.load("sources", "instagram")()
CLIENT = Client(allow_private=True, retries=0, sleep=lambda _: None)


class Moody(Instagram):
    """`mood` may answer first: (path, parameters) -> an answer, or None."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.mood: Any = lambda path, params: None

    def answer(self, request: Request) -> Answer:
        found = None if request.method == "POST" else self.mood(request.path, request.params)
        return found or super().answer(request)


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(Moody(World(now=lambda: WINDOW.end))) as opened:
        yield opened


def account(network: Network) -> Moody:
    assert isinstance(network.peer, Moody)
    return network.peer


def publish(network: Network, count: int, place: Any = "comments", first: int = 1, **more: Any) -> set[str]:
    posts = [Post(first + n, NOON + timedelta(seconds=n * 3_600 // max(count, 1)), **more) for n in range(count)]
    account(network).elsewhere |= {p.number: place for p in posts}
    network.peer.world.publish(*posts)
    return {network.peer.native_id(p) for p in posts}


def query(network: Network, own: tuple[str, ...] = (OWN,), **chosen: Any) -> Query:
    made = SOURCE.Settings.model_validate({**network.settings(), **chosen})
    return Query("it", (), ("it",), own, made, network.peer.credentials(), connection="instagram")


def fetch(network: Network, window: Window = WINDOW, **chosen: Any) -> dict[str, dict[str, Any]]:
    pages = list(SOURCE.payloads(query(network, **chosen), window, {}, CLIENT))
    return {row["native_id"]: row for page in pages for row in SOURCE.mentions(page.content, page.meta)}


def paths(network: Network) -> list[str]:
    return [r.path.removeprefix("/v25.0/") for r in network.asked]


@pytest.mark.parametrize("place", ["tags", "hashtag"])
@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 157])
def test_posts_of_others_are_paged_to_the_end(network: Network, place: str, count: int) -> None:
    wanted = publish(network, count, place)
    found = fetch(network)
    assert set(found) == wanted
    assert all(key.startswith("media:") for key in found)
    assert {row.get("addressed") for row in found.values()} <= ({"post that tags us"} if place == "tags" else {None})
    assert {row.get("author") for row in found.values()} <= ({"lena"} if place == "tags" else {None})


@pytest.mark.parametrize("count", [1, 49, 50, 51, 157])
def test_replies_come_in_to_the_last_page(network: Network, count: int) -> None:
    publish(network, 1)
    wanted = publish(network, count, first=1_000, parent=1)
    found = fetch(network)
    assert set(found) == wanted | {account(network).key(Post(1, NOON))}
    assert {found[key]["parent"] for key in wanted} == {account(network).key(Post(1, NOON))}
    assert {row["addressed"] for row in found.values()} == {"comment under our post"}
    assert found[account(network).key(Post(1, NOON))]["parent"] == OPENING


@pytest.mark.parametrize(("age", "seen"), [(1, True), (2.9, True), (3.1, False)])
def test_replies_to_older_comments_as_far_as_thread_days(network: Network, age: float, seen: bool) -> None:
    """Beyond it comments are not paged; those on a page that was asked for anyway are read."""
    network.peer.world.publish(Post(1, NOON - timedelta(days=age)), Post(2, NOON + timedelta(minutes=5), parent=1))
    network.peer.world.publish(*[Post(100 + n, NOON - timedelta(days=age) + timedelta(minutes=1 + n)) for n in range(50)])
    assert (account(network).key(Post(2, NOON)) in fetch(network)) is seen
    assert account(network).key(Post(2, NOON)) in fetch(network, thread_days=4)


def test_a_quiet_hour_lands_nothing(network: Network) -> None:
    publish(network, 60)
    publish(network, 3, "tags", first=200)
    later = Window(WINDOW.end, WINDOW.end + timedelta(hours=1))
    network.peer.world.now = lambda: later.end
    assert list(SOURCE.payloads(query(network), later, {}, CLIENT)) == []


def test_own_posts_with_our_hashtag_are_stored_once(network: Network) -> None:
    network.peer.world.publish(Post(7, NOON, author=OWN))
    account(network).elsewhere[7], account(network).own_posts = "hashtag", {7}
    found = fetch(network)
    assert set(found) == {account(network).key(Post(7, NOON)), OPENING}  # the older post stands on the same page
    assert not any("addressed" in row for row in found.values())


def test_hashtags_wait_where_our_own_posts_cannot_be_listed(network: Network) -> None:
    publish(network, 2, "hashtag")
    wanted = publish(network, 2, "tags", first=50)
    account(network).mood = lambda path, params: failure(10, None, "no") if path.endswith("/media") else None
    found: list[Fetched] = []
    with pytest.raises(PermanentError, match="lacks a permission"):
        for page in SOURCE.payloads(query(network), WINDOW, {}, CLIENT):
            found.append(page)
    assert {row["native_id"] for page in found for row in SOURCE.mentions(page.content, page.meta)} == wanted


def test_a_hashtag_that_nobody_has_used_is_no_error(network: Network) -> None:
    wanted = publish(network, 2, "hashtag")
    assert set(fetch(network, hashtags=["#gelatozefirella", "ZEFIRELLA", "zefirella"])) == wanted
    assert paths(network).count(f"{HASHTAG}/recent_media") == 1


@pytest.mark.parametrize(
    "chosen", [{"hashtags": ["two words"]}, {"hashtags": [f"h{n}" for n in range(31)]}, {"user": "zefirella"}]
)
def test_settings_that_the_network_would_refuse(network: Network, chosen: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        query(network, **chosen)


def test_too_many_hashtags_in_a_week(network: Network) -> None:
    account(network).read = lambda path, params, address: (_ for _ in ()).throw(AssertionError(path))  # type: ignore[method-assign]
    account(network)._one = lambda path, params, base: (
        failure(18, 2_207_034, "limit") if path == "ig_hashtag_search" else Answer({"data": []})
    )  # type: ignore[method-assign]
    with pytest.raises(PermanentError, match="more than 30 hashtags in seven days; take some out"):
        fetch(network)


def test_what_vanished(network: Network) -> None:
    comments, foreign = sorted(publish(network, 70)), sorted(publish(network, 2, "tags", first=200))
    for number, by in ((1, "author"), (2, "brand"), (200, "author")):
        network.peer.world.remove(number, by)  # type: ignore[arg-type]
    found = list(SOURCE.recheck(query(network), [*comments, *foreign, OPENING], CLIENT))
    rows = [row for f in found if isinstance(f, Fetched) for row in SOURCE.mentions(f.content, f.meta)]
    assert {row["native_id"] for row in rows if "gone" not in row} == {*comments[2:], OPENING}
    assert [row["gone"][0] for row in rows if row["native_id"] == comments[1]] == ["brand"]
    assert [(g.native_id, g.by) for g in found if isinstance(g, Gone)] == [(comments[0], "unknown")]
    assert [r.method for r in network.asked] == [
        "POST",
        "POST",
        "POST",
        "GET",
    ]  # 50, 21, the post, and whether the token sees all


def test_followers_of_further_accounts(network: Network) -> None:
    found = list(SOURCE.followers(query(network, own=(f"@{OWN}", "zefirella.pl")), CLIENT))
    assert found == [(f"@{OWN}", None, 41_200), ("zefirella.pl", None, 512)]
    account(network).mood = lambda path, params: Answer({"id": USER})
    with pytest.raises(PermanentError, match=r"own account 'zefirella\.pl'"):
        list(SOURCE.followers(query(network, own=("zefirella.pl",)), CLIENT))


def test_expiry_and_check(network: Network) -> None:
    assert SOURCE.expires(query(network), CLIENT) == datetime.fromtimestamp(1_790_000_000, UTC)
    poorer = Answer({"data": {"is_valid": True, "scopes": ["instagram_basic"]}})
    account(network).mood = lambda path, params: poorer if "debug_token" in path else None
    with pytest.raises(PermanentError, match="lacks instagram_manage_comments"):
        SOURCE.check(query(network), CLIENT)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": 190, "message": "x"}}, {"data": [{"id": "1_2", "message": "x", "created_time": "2026-03-03T12:00:00+0000"}]},
        {"data": [{"id": "1", "text": "x"}], "meta": {}}, {"kind": "Listing", "data": {"children": []}}, {"posts": []},
        {"id": "1", "created_at": "2026-03-03"}, 7, {},
    ],
)  # fmt: skip
def test_bodies_of_others_are_refused(body: Any) -> None:
    with pytest.raises(PermanentError):
        list(SOURCE.mentions(json.dumps(body).encode(), {}))
