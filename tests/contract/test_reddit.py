"""What only Reddit has: an application's token, listings that end, comments that are only named, and who removed what."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from coolhead.errors import ConfigError, CoolheadError, PermanentError, TransientError
from coolhead.http import Client
from coolhead.sources import Fetched, Gone, Query
from coolhead.sources import reddit as module
from coolhead.sources.reddit import MAX_QUERY, Reddit
from coolhead.windows import Window
from peers import OWN, Answer, Network, Post, Request, World
from peers.reddit import APP, SECRET, TOKEN, USER
from peers.reddit import Reddit as Peer

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(minutes=30))
CLIENT = Client(allow_private=True, retries=0, timeout=(20, 60), sleep=lambda _: None)
FIELDS: dict[str, Any] = {"login": APP, "password": SECRET, "extra": {"username": USER}}


@pytest.fixture
def network() -> Iterator[Network]:
    world = World([Post(n, NOON + timedelta(minutes=n), author=f"user{n}") for n in range(1, 6)])
    with Network(Peer(world)) as made:
        yield made


def query(network: Network, *own: str, subreddits: tuple[str, ...] = (), thread_days: int = 3, **chosen: Any) -> Query:
    settings = Reddit.Settings(base_url=network.url, sign_in_url=network.url, subreddits=subreddits, thread_days=thread_days)
    asked = Query("zefirella", ("zefirella",), ("it",), own, settings, FIELDS, connection="reddit")
    return replace(asked, **chosen)


def pages(asked: Query, errors: list[CoolheadError] | None = None, window: Window = WINDOW) -> list[Fetched]:
    out: list[Fetched] = []
    try:
        for one in Reddit().payloads(asked, window, {}, CLIENT):
            out.append(one)
    except CoolheadError as error:
        if errors is None:
            raise
        errors.append(error)
    return out


def rows(found: list[Fetched]) -> dict[str, dict[str, Any]]:
    return {row["native_id"]: row for page in found for row in Reddit().mentions(page.content, page.meta)}


def paths(network: Network) -> list[str]:
    return [r.path for r in network.asked if r.path != "/api/v1/access_token"]


def test_says_who_it_is_and_shows_the_secret_to_the_sign_in_only(network: Network) -> None:
    pages(query(network, subreddits=("gelato",)))
    agents = {r.headers["user-agent"] for r in network.asked}
    assert agents == {"python:coolhead:v0.1 (by /u/lemon)"}
    first, *others = network.asked
    assert (first.method, first.path, first.body) == ("POST", "/api/v1/access_token", b"grant_type=client_credentials")
    assert {r.headers["authorization"] for r in others} == {f"Bearer {TOKEN}"}
    assert {r.params["raw_json"] for r in others} == {"1"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({**FIELDS, "password": ""}, "the application's secret is missing: write it into the field password"),
        ({**FIELDS, "login": None}, "the application's id is missing"),
        ({**FIELDS, "extra": {}}, "the account that registered the application is missing: write it into the field username"),
        ({**FIELDS, "extra": {"username": "x)\r\nEvil: 1"}}, "no name of a Reddit account"),
    ],
)
def test_what_is_missing_in_the_connection_is_named(network: Network, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        pages(query(network, credentials=fields))
    assert network.asked == []


def test_searches_all_of_reddit_or_the_listed_subreddits(network: Network) -> None:
    assert set(rows(pages(query(network)))) == {network.peer.native_id(p) for p in network.peer.world.seen()}
    assert paths(network) == ["/search"]
    network.asked.clear()
    asked = query(network, "r/Zefirella", subreddits=("gelato", "r/italy", "zefirella"))
    assert len(rows(pages(asked))) == 5
    assert paths(network) == [
        "/r/gelato/search", "/r/italy/search", "/r/zefirella/search", "/r/gelato/comments", "/r/italy/comments",
        "/r/zefirella/new", "/r/zefirella/comments",
    ]  # fmt: skip
    found = network.asked[1].params
    assert (
        found.items()
        >= {"q": '("zefirella") NOT subreddit:zefirella', "sort": "new", "restrict_sr": "on", "include_over_18": "on"}.items()
    )


def test_long_searches_are_split_and_lose_no_form(network: Network) -> None:
    forms = tuple(f'il gelato "numero" {n} di Zefirella' for n in range(60))
    pages(query(network, "r/zefirella", forms=forms))
    asked = [r.params["q"] for r in network.asked if r.path == "/search"]
    assert len(asked) == 5
    assert max(map(len, asked)) <= MAX_QUERY
    for n in range(60):
        assert sum(f'"il gelato numero {n} di Zefirella"' in q for q in asked) == 1


@pytest.mark.parametrize("count", [99, 100, 101, 228])
def test_a_search_that_ends_within_the_window_is_whole(network: Network, count: int) -> None:
    network.peer.world = World([Post(10 + n, NOON + timedelta(seconds=n)) for n in range(count)])
    found = pages(query(network))
    assert len(rows(found)) == count
    assert [r.params.get("count") for r in network.asked if r.path == "/search"] == [None, "100", "200"][
        : 1 + (count - 1) // 100
    ]


def test_a_search_that_reddit_cuts_is_an_error_and_keeps_what_came(network: Network) -> None:
    network.peer.world = World([Post(10 + n, NOON + timedelta(seconds=n)) for n in range(400)])
    errors: list[CoolheadError] = []
    assert len(rows(pages(query(network), errors))) == 250
    assert "/search: Reddit shows the newest 250 only" in str(errors[0])
    assert "Poll more often" in str(errors[0])
    whole = Window(NOON + timedelta(seconds=151), WINDOW.end)  # what was cut lies before it
    assert len(rows(pages(query(network), window=whole))) == 250


def test_a_subreddit_is_read_to_its_thousandth_comment(network: Network) -> None:
    under = [Post(1_000 + n, NOON + timedelta(seconds=n), "Vergogna", parent=1) for n in range(1_100)]
    network.peer.world.publish(*under)
    errors: list[CoolheadError] = []
    found = rows(pages(query(network, subreddits=("gelato",)), errors))
    assert len(found) == 1_000 + len([p for p in network.peer.world.seen() if p.parent is None and p.number % 3])
    assert "/r/gelato/comments: Reddit shows the newest 1000 only" in str(errors[0])


def test_own_subreddit_and_threads_under_own_posts_are_addressed(network: Network) -> None:
    at = NOON - timedelta(days=2)
    posts = {
        "guest": Post(30, NOON, "Chi lo ha provato?", "lena"), "below guest": Post(31, NOON, "Io no", "dewi", parent=30),
        "own": Post(40, at, "Torna il gelato", OWN, comments=2), "answer": Post(41, NOON, "Vergogna!", "lena", parent=40),
        "ours": Post(42, NOON, "Ci dispiace", OWN, parent=41), "elsewhere": Post(50, NOON, "Zefirella?", "marco"),
        "old": Post(61, at - timedelta(days=2), "Vecchio", OWN, comments=1), "late": Post(62, NOON, "Tardi", "zoe", parent=61),
        "crosspost": Post(70, NOON, "", "marco", repost_of=50),
    }  # fmt: skip
    network.peer.world = World(posts.values())
    ids = {name: network.peer.native_id(p) for name, p in posts.items()}
    found = rows(pages(query(network, "r/Zefirella", "u/Zefirella", forms=("zefirella", "gelato di oggi"))))
    assert {name: found[i].get("addressed") for name, i in ids.items() if i in found} == {
        "guest": "posted in our subreddit", "below guest": "posted in our subreddit", "own": None, "elsewhere": None,
        "answer": "in a thread under our post", "ours": None, "old": None, "crosspost": None,
    }  # fmt: skip
    assert {name for name, i in ids.items() if i in found and found[i].get("own")} == {"own", "ours", "old"}
    assert found[ids["crosspost"]]["repost_of"] == ids["elsewhere"]
    assert found[ids["answer"]]["parent"] == ids["own"]
    network.asked.clear()
    pages(query(network, OWN, thread_days=0))
    assert paths(network) == ["/search"]


def test_comments_that_a_thread_only_names_are_fetched_if_they_are_new(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMENTS", 3)
    monkeypatch.setattr(module, "LIMIT", 4)
    long_ago = [Post(100 + n, NOON - timedelta(hours=2), "Prima", parent=50) for n in range(10)]
    new = [Post(200 + n, NOON + timedelta(seconds=n), "Adesso", parent=50) for n in range(13)]
    network.peer.world = World([Post(50, NOON - timedelta(hours=3), "Torna", OWN, comments=23), *long_ago, *new])
    found = rows(pages(query(network, OWN)))
    assert {network.peer.native_id(p) for p in new} <= set(found)
    monkeypatch.setattr(module, "MAX_CALLS", 2)
    errors: list[CoolheadError] = []
    pages(query(network, OWN), errors)
    assert "more than 11 new comments" in str(errors[0])


def test_only_comments_newer_than_what_is_known_to_be_old_are_asked_for(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMENTS", 3)
    comments = [Post(100 + n, NOON - timedelta(hours=2), "Prima", parent=50) for n in range(10)]
    network.peer.world = World([Post(50, NOON - timedelta(hours=3), "Torna", OWN, comments=10), *comments])
    pages(query(network, OWN))
    assert "/api/morechildren" not in paths(network)


def test_one_closed_subreddit_hides_no_other(network: Network) -> None:
    class Closed(Peer):
        def _found(self, request: Request) -> Any:
            return None if request.path.startswith("/r/gelato/") else super()._found(request)

    network.peer = Closed(network.peer.world)
    errors: list[CoolheadError] = []
    found = rows(pages(query(network, "r/zefirella", subreddits=("gelato",)), errors))
    assert set(found) == {network.peer.native_id(p) for p in network.peer.world.seen() if p.number % 3 == 0}
    assert "/r/gelato/search: answered 404" in str(errors[0])


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (
            403,
            b'{"reason": "private", "message": "Forbidden", "error": 403}',
            "answered 403, private; the subreddit is private",
        ),
        (
            404,
            b'{"reason": "banned", "message": "Not Found", "error": 404}',
            "answered 404, banned; Reddit closed the subreddit",
        ),
        (
            403,
            b'{"reason": "quarantined", "message": "Forbidden", "error": 403}',
            "quarantined, which an application cannot read",
        ),
        (403, b"<html><body>You've been blocked by network security.</body></html>", "Reddit blocks this client or address"),
        (401, b'{"message": "Unauthorized", "error": 401}', "id or secret is wrong"),
    ],
)
def test_refusals_say_what_to_do(network: Network, status: int, body: bytes, says: str) -> None:
    class Refusing(Peer):
        def _found(self, request: Request) -> Any:
            return body

        def answer(self, request: Request) -> Answer:
            given = super().answer(request)
            return Answer(body, status) if request.path != "/api/v1/access_token" else given

    network.peer = Refusing(network.peer.world)
    with pytest.raises(PermanentError, match=says) as error:
        pages(query(network))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": 404, "message": "Not Found"}', b'{"kind": "t5", "data": {}}', b'{"kind": "Listing", "data": {}}', b"[]", b"{}",
        b'{"kind": "Listing", "data": {"children": ["x"]}}', b"<html></html>", b"7", b'{"names": []}',
    ],
)  # fmt: skip
def test_what_is_no_listing_is_refused_before_it_is_landed(network: Network, body: bytes) -> None:
    class Odd(Peer):
        def _found(self, request: Request) -> Any:
            return body

    network.peer = Odd(network.peer.world)
    errors: list[CoolheadError] = []
    assert pages(query(network), errors) == []
    assert isinstance(errors[0], PermanentError)


def test_who_removed_it(network: Network) -> None:
    world = network.peer.world
    world.publish(Post(20, NOON, "Io no", parent=1), Post(21, NOON, "Io sì", parent=3), Post(22, NOON, "Boh", parent=1))
    ids = {p.number: network.peer.native_id(p) for p in world.seen()}
    for number, by in {1: "author", 2: "brand", 3: "brand", 4: "network", 20: "author", 21: "brand", 22: "network"}.items():
        world.remove(number, by)  # type: ignore[arg-type]
    found = list(Reddit().recheck(query(network, "r/zefirella"), [*ids.values(), "t3_zzzzzz", "no-id"], CLIENT))
    gone = {i: row["gone"][0] for i, row in rows([f for f in found if isinstance(f, Fetched)]).items() if "gone" in row}
    # 2 was removed by the moderators of a subreddit that is not ours; a comment does not say whether moderators or Reddit did it
    assert {n: gone.get(i) for n, i in ids.items()} == {
        1: "author", 2: "network", 3: "brand", 4: "network", 5: None, 20: "author", 21: "brand", 22: "network",
    }  # fmt: skip
    assert [(one.native_id, one.by) for one in found if isinstance(one, Gone)] == [("t3_zzzzzz", "unknown")]


def test_a_hundred_are_looked_up_at_once(network: Network) -> None:
    network.peer.world = World([Post(n, NOON) for n in range(1, 205)])
    ids = [network.peer.native_id(p) for p in network.peer.world.seen()]
    found = list(Reddit().recheck(query(network), ids, CLIENT))
    assert [len(r.params["id"].split(",")) for r in network.asked if r.path == "/api/info"] == [100, 100, 4]
    assert set(rows([f for f in found if isinstance(f, Fetched)])) == set(ids)


def test_subscribers_of_subreddits_and_accounts(network: Network) -> None:
    found = list(Reddit().followers(query(network, "r/zefirella", "u/zefirella"), CLIENT))
    assert found == [("r/zefirella", None, 41_200), ("u/zefirella", None, 41_200)]
    with pytest.raises(PermanentError):
        list(Reddit().followers(query(network, "nobody"), CLIENT))


def test_the_rate_limit_says_in_how_many_seconds_to_come_again(network: Network) -> None:
    class Busy(Peer):
        def answer(self, request: Request) -> Answer:
            return Answer(
                {"message": "Too Many Requests", "error": 429},
                429,
                {"x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "421"},
            )

    network.peer = Busy(network.peer.world)
    with pytest.raises(TransientError) as error:
        pages(query(network))
    assert error.value.retry_after == 421


def test_a_canary_that_is_refused_is_no_silence(network: Network) -> None:
    assert Reddit().canary(query(network), CLIENT) is True
    network.peer.world = World()
    assert Reddit().canary(query(network), CLIENT) is False
    network.fault = lambda _: "429"
    with pytest.raises(TransientError):
        Reddit().canary(query(network), CLIENT)


@pytest.mark.parametrize("name", ["", "x", "two words", "a/b", "r/" + "x" * 22])
def test_what_is_no_subreddit_is_refused_in_the_plan(name: str) -> None:
    with pytest.raises(ValidationError):
        Reddit.Settings(subreddits=(name,))


@pytest.mark.parametrize(
    "body",
    [
        {}, {"names": ["gelato"]}, {"json": {"errors": []}}, {"kind": "t2", "data": {"name": "lena", "subreddit": {"subscribers": 7}}},
        {"access_token": "t", "token_type": "bearer", "expires_in": 86400, "scope": "*"}, {"kind": "UserList", "data": {"children": [{"name": "lena", "id": "t2_x"}]}},
        {"kind": "Listing", "data": {"children": [{"kind": "t4", "data": {"body": "private", "id": "x", "name": "t4_x"}}]}},
        {"kind": "Listing", "data": {"children": [{"kind": "more", "data": {"count": 3, "children": ["a"]}}]}},
        [{"kind": "Listing", "data": {"children": []}}, {"kind": "Listing", "data": {"children": []}}],
    ],
)  # fmt: skip
def test_answers_without_posts_have_no_rows(body: Any) -> None:
    assert list(Reddit().mentions(json.dumps(body).encode(), {})) == []


@pytest.mark.parametrize(
    "body",
    [
        {"message": "Not Found", "error": 404},
        {"posts": []},
        {"access_token": "t", "scope": "read"},
        [{"id": "1", "content": "x"}],
        "x",
    ],
)
def test_what_is_no_answer_is_said_in_a_line(body: Any) -> None:
    with pytest.raises(PermanentError) as error:
        list(Reddit().mentions(json.dumps(body).encode(), {}))
    assert "\n" not in str(error.value)
