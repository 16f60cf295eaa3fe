"""Facebook, beyond what every source must do: which posts are asked for comments, batches, limits, tokens, what is gone."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest

from coolhead import registry
from coolhead.errors import ConfigError, PermanentError, TransientError
from coolhead.http import Client
from coolhead.sources import Fetched, Gone, Query
from coolhead.sources._graph import Graph
from coolhead.windows import Window
from peers import Answer, Network, Post, Request, World
from peers._graph import SCOPES, TOKEN, failure
from peers.facebook import OPENING, PAGE, Facebook

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(hours=1))
SOURCE = registry.load("sources", "facebook")()
CLIENT = Client(allow_private=True, retries=0, sleep=lambda _: None)


class Moody(Facebook):
    """`mood` may answer first: (path, parameters or None for a batch) -> an answer, or None."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.mood: Any = lambda path, params: None
        self.timed_out = 0
        self.headers: dict[str, str] = {}

    def answer(self, request: Request) -> Answer:
        params = None if request.method == "POST" else request.params
        found = self.mood(request.path, params) or super().answer(request)
        return Answer(found.body, found.status, {**found.headers, **self.headers})

    def _part(self, call: Any, base: str) -> Any:
        self.timed_out -= 1
        return None if self.timed_out >= 0 else super()._part(call, base)


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(Moody(World(now=lambda: WINDOW.end))) as opened:
        yield opened


def page_of(network: Network) -> Moody:
    assert isinstance(network.peer, Moody)
    return network.peer


def publish(network: Network, count: int, place: Any = "comments", first: int = 1, **more: Any) -> set[str]:
    posts = [Post(first + n, NOON + timedelta(seconds=n * 3_600 // max(count, 1)), **more) for n in range(count)]
    page_of(network).elsewhere |= {p.number: place for p in posts}
    network.peer.world.publish(*posts)
    return {network.peer.native_id(p) for p in posts}


def query(network: Network, own: tuple[str, ...] = (PAGE,), credentials: dict[str, Any] | None = None, **chosen: Any) -> Query:
    made = SOURCE.Settings.model_validate({**network.settings(), **chosen})
    return Query(
        "it", (), ("it",), own, made, network.peer.credentials() if credentials is None else credentials, connection="facebook"
    )


def fetch(network: Network, window: Window = WINDOW, **asked: Any) -> dict[str, dict[str, Any]]:
    pages = list(SOURCE.payloads(query(network, **asked), window, {}, CLIENT))
    return {row["native_id"]: row for page in pages for row in SOURCE.mentions(page.content, page.meta)}


def batches(network: Network) -> list[list[str]]:
    """Paths within each batch that was asked for."""
    bodies = [parse_qs(r.body.decode())["batch"][0] for r in network.asked if r.method == "POST"]
    return [[call["relative_url"].partition("?")[0] for call in json.loads(body)] for body in bodies]


def paths(network: Network) -> list[str]:
    return [r.path.removeprefix("/v25.0/") for r in network.asked]


@pytest.mark.parametrize("place", ["feed", "tagged"])
@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 207])
def test_the_feed_and_what_tags_the_page_are_paged_to_the_end(network: Network, place: str, count: int) -> None:
    wanted = publish(network, count, place)
    found = fetch(network)
    assert set(found) == wanted
    assert {row["addressed"] for row in found.values()} <= {"post on our Page", "post that tags our Page"}
    assert {row.get("author") for row in found.values()} <= ({"77lena"} if place == "feed" else {None})


def test_only_the_window_is_kept(network: Network) -> None:
    peer = page_of(network)
    at = {1: -2, 2: -1 / 3_600, 3: 0, 4: 0.5, 5: 1 - 1 / 3_600}
    for place, first in (("comments", 0), ("feed", 10), ("tagged", 20)):
        for number, hours in at.items():
            peer.elsewhere[first + number] = place  # type: ignore[assignment]
            peer.world.publish(Post(first + number, NOON + timedelta(hours=hours)))
    inside = {i for i, row in fetch(network).items() if row["published_at"] in WINDOW}
    assert inside == {peer.native_id(Post(first + n, NOON)) for first in (0, 10, 20) for n in (3, 4, 5)}
    assert peer.native_id(Post(1, NOON)) not in fetch(network)


def test_comments_and_replies_say_what_they_answer(network: Network) -> None:
    network.peer.world.publish(
        Post(1, NOON), Post(2, NOON + timedelta(minutes=1), parent=1), Post(3, NOON + timedelta(minutes=2), parent=2)
    )
    found = fetch(network)
    key = [f"{OPENING}_{9_000_000 + n}" for n in range(4)]
    assert [found[k]["parent"] for k in key[1:]] == [f"{PAGE}_{OPENING}", key[1], key[2]]
    assert {row["addressed"] for row in found.values()} == {"comment under our post"}


def test_the_page_own_posts_and_comments_are_addressed_to_nobody() -> None:
    own = {"id": f"{PAGE}_1", "from": {"id": PAGE}, "message": "Buongiorno", "created_time": "2026-03-03T12:00:00+0000"}
    (row,) = SOURCE.mentions(json.dumps({"data": [own]}).encode(), {"page": PAGE, "list": "feed"})
    assert (row["author"], "addressed" in row) == (PAGE, False)


@pytest.mark.parametrize(("days", "found"), [(3, True), (13, True), (60, True), (200, False)])
def test_posts_of_any_age_up_to_recall_days_are_asked(network: Network, days: int, found: bool) -> None:
    publish(network, 3)
    page_of(network).opened = NOON - timedelta(days=days)
    assert (len(fetch(network)) == 3) is found


def test_an_old_post_is_asked_only_if_something_came_below_it(network: Network) -> None:
    publish(network, 3)
    page_of(network).opened = NOON - timedelta(days=60)
    later = Window(WINDOW.end, WINDOW.end + timedelta(hours=1))
    assert fetch(network, later) == {}
    assert batches(network) == []
    assert fetch(network, later, watch_days=61) == {}
    assert batches(network) == [[f"{PAGE}_{OPENING}/comments"]]


def test_many_posts_are_asked_in_batches_of_fifty(network: Network) -> None:
    publish(network, 120, "feed")
    wanted = publish(network, 3, first=500)
    assert wanted <= set(fetch(network))
    assert [len(asked) for asked in batches(network)] == [50, 50, 21]
    assert len(network.asked) == 2 + 2 + 1 + 3  # the window's feed, the list of posts, what tags us, comments


def test_ranked_comments_are_read_to_their_end(network: Network) -> None:
    page_of(network).order = "ranked"
    posts = [Post(n, NOON + timedelta(seconds=7 * n), likes=n * 37 % 101) for n in range(1, 331)]
    network.peer.world.publish(*posts)
    assert len(fetch(network)) == 330


def test_what_took_too_long_in_a_batch_is_asked_by_itself(network: Network) -> None:
    wanted = publish(network, 130)
    page_of(network).timed_out = 1
    assert set(fetch(network)) == wanted


def test_what_is_too_much_is_asked_in_smaller_pages(network: Network) -> None:
    wanted = publish(network, 130, "tagged")
    much = failure(1, None, "Please reduce the amount of data you're asking for, then retry your request", 500)
    page_of(network).mood = lambda path, params: much if params and int(params.get("limit", 0)) > 25 else None
    assert set(fetch(network)) == wanted


@pytest.mark.parametrize("code", [4, 17, 32, 613, 80001])
def test_a_rate_limit_is_transient_and_ends_the_asking(network: Network, code: int) -> None:
    page_of(network).mood = lambda path, params: failure(code, None, "(#32) Page request limit reached")
    with pytest.raises(TransientError, match=f"Graph error {code}: the rate limit") as caught:
        fetch(network)
    assert caught.value.retry_after == 300
    assert len(network.asked) == 1


def test_an_allowance_that_is_all_but_spent_ends_the_asking(network: Network) -> None:
    usage = {
        PAGE: [{"type": "pages", "call_count": 97, "total_cputime": 3, "total_time": 4, "estimated_time_to_regain_access": 19}]
    }
    page_of(network).headers = {"X-Business-Use-Case-Usage": json.dumps(usage)}
    publish(network, 3, "feed")
    found: list[Fetched] = []
    with pytest.raises(TransientError, match="95 %") as caught:
        found.extend(SOURCE.payloads(query(network), WINDOW, {}, CLIENT))
    assert caught.value.retry_after == 19 * 60
    assert len(network.asked) == 1


@pytest.mark.parametrize(
    ("code", "said"), [(190, "expired or withdrawn; make a new one"), (10, "lacks a permission"), (200, "lacks a permission")]
)
def test_dead_tokens_and_missing_permissions_say_the_cure(network: Network, code: int, said: str) -> None:
    page_of(network).mood = lambda path, params: failure(code, 463, f"Error validating access token {TOKEN}")
    with pytest.raises(PermanentError, match=said) as caught:
        fetch(network)
    assert TOKEN not in str(caught.value)
    assert len(network.asked) == (1 if code == 190 else 3)


def test_an_error_that_says_200_is_not_landed(network: Network) -> None:
    page_of(network).mood = lambda path, params: Answer({"error": {"message": "?", "code": 99_999}})
    with pytest.raises(PermanentError, match="Graph error 99999"):
        next(iter(SOURCE.payloads(query(network), WINDOW, {}, CLIENT)))


def test_comments_that_cannot_be_asked_for_are_an_error_and_no_silence(network: Network) -> None:
    peer = page_of(network)
    usual = peer._one
    peer._one = lambda path, params, base: failure(100, None, "(#100)") if "comments" in path else usual(path, params, base)  # type: ignore[method-assign]
    wanted = publish(network, 2, "feed")
    found: list[Fetched] = []
    with pytest.raises(PermanentError, match="no such field or parameter"):
        for page in SOURCE.payloads(query(network), WINDOW, {}, CLIENT):
            found.append(page)
    assert {row["native_id"] for page in found for row in SOURCE.mentions(page.content, page.meta)} == wanted


def test_a_post_that_vanished_before_it_was_asked_is_no_error(network: Network) -> None:
    peer = page_of(network)
    usual, wanted = peer._one, publish(network, 2)
    publish(network, 2, "feed", first=50)
    gone = f"{PAGE}_9000050/comments"
    peer._one = lambda path, params, base: failure(100, 33, "gone") if path == gone else usual(path, params, base)  # type: ignore[method-assign]
    assert wanted < set(fetch(network))


def test_another_server_is_no_silence(network: Network) -> None:
    page_of(network).mood = lambda path, params: Answer({"ok": True})
    with pytest.raises(PermanentError, match="is it the Graph API"):
        fetch(network)


def test_one_dead_list_hides_no_other(network: Network) -> None:
    wanted = publish(network, 3, "tagged") | publish(network, 3, first=50)
    page_of(network).mood = lambda path, params: (
        failure(10, None, "no") if params and "reactions" in params.get("fields", "") and "feed" in path else None
    )
    found: list[Fetched] = []
    with pytest.raises(PermanentError, match="lacks a permission"):
        for page in SOURCE.payloads(query(network), WINDOW, {}, CLIENT):
            found.append(page)
    assert {row["native_id"] for page in found for row in SOURCE.mentions(page.content, page.meta)} == wanted


def test_links_to_next_pages_are_never_followed(network: Network) -> None:
    """The API's links hold the token; one that leads elsewhere gets neither it nor a request."""
    wanted = publish(network, 130, "feed")

    def elsewhere(path: str, params: Any) -> Answer | None:
        if params is None or "feed" not in path or "after" in params:
            return None
        page = network.peer.read(path.removeprefix("/v25.0/"), params, "https://evil.example/x")  # type: ignore[attr-defined]
        return Answer(page)

    page_of(network).mood = elsewhere
    assert set(fetch(network)) == wanted


def test_a_list_without_an_end_is_an_error(network: Network) -> None:
    page = {"data": [{"id": f"{PAGE}_1"}], "paging": {"next": "https://graph.facebook.com/x?after=same"}}
    page_of(network).mood = lambda path, params: Answer(page) if params and "feed" in path else None
    with pytest.raises(PermanentError, match="the same page again"):
        fetch(network)


def test_no_answer_keeps_the_token(network: Network) -> None:
    publish(network, 130)
    publish(network, 130, "feed", first=400)
    pages = list(SOURCE.payloads(query(network), WINDOW, {}, CLIENT))
    for page in pages:
        assert TOKEN.encode() not in page.content
        assert TOKEN not in page.origin + repr(page.meta)
    assert sum(b"access_token=REDACTED" in page.content for page in pages) == 2  # where the API linked to a next page
    assert not any(TOKEN in r.query for r in network.asked)


def test_each_page_has_its_token_and_the_proof_of_the_secret(network: Network) -> None:
    credentials = {"password": "another", "extra": {PAGE: TOKEN, "app_secret": "s3cret"}}
    publish(network, 1)
    assert len(fetch(network, credentials=credentials)) == 1
    proofs = {r.params.get("appsecret_proof") or dict(parse_qsl(r.body.decode())).get("appsecret_proof") for r in network.asked}
    assert len(proofs) == 1
    assert all(len(proof or "") == 64 for proof in proofs)
    assert TOKEN not in repr(Graph(CLIENT, "https://graph.facebook.com/v25.0", TOKEN, "s3cret"))


@pytest.mark.parametrize("own", [(), ("zefirella",)])
def test_own_accounts_are_numbers(network: Network, own: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="numbers of your Pages"):
        fetch(network, own=own)


def test_a_token_goes_to_no_server_but_its_own(network: Network) -> None:
    with pytest.raises(ConfigError, match=r"belongs to https://graph\.facebook\.com"):
        fetch(network, credentials={"host": "https://graph.facebook.com", "password": TOKEN})
    assert network.asked == []


def recheck(network: Network, *ids: str, own: tuple[str, ...] = (PAGE,)) -> tuple[set[str], dict[str, str]]:
    found = list(SOURCE.recheck(query(network, own=own), ids, CLIENT))
    rows = [row for f in found if isinstance(f, Fetched) for row in SOURCE.mentions(f.content, f.meta)]
    hidden = {row["native_id"]: row["gone"][0] for row in rows if "gone" in row}
    return {row["native_id"] for row in rows} - set(hidden), hidden | {g.native_id: g.by for g in found if isinstance(g, Gone)}


def test_comments_posts_and_what_vanished_are_looked_up_together(network: Network) -> None:
    comments, posts, tagging = (
        sorted(publish(network, 120)),
        sorted(publish(network, 3, "feed", first=200)),
        sorted(publish(network, 2, "tagged", first=300)),
    )
    for number, by in ((1, "author"), (2, "brand"), (200, "network")):
        network.peer.world.remove(number, by)  # type: ignore[arg-type]
    there, gone = recheck(network, *comments, *posts, *tagging)
    assert gone == {comments[0]: "unknown", comments[1]: "brand", posts[0]: "unknown"}
    assert there == set(comments[2:]) | set(posts[1:]) | set(tagging)


def test_what_the_token_cannot_see_is_not_gone(network: Network) -> None:
    (tagging,) = publish(network, 1, "tagged")
    network.peer.world.remove(1)
    assert recheck(network, tagging, "666_777", "nonsense") == (set(), {})


def test_nothing_is_gone_for_a_token_that_lost_its_permissions(network: Network) -> None:
    (comment,) = publish(network, 1)
    network.peer.world.remove(1)
    poorer = Answer({"data": {"is_valid": True, "scopes": ["pages_read_engagement"]}})
    page_of(network).mood = lambda path, params: poorer if "debug_token" in path else None
    with pytest.raises(PermanentError, match="lacks pages_read_user_content"):
        recheck(network, comment)
    with pytest.raises(PermanentError, match="lacks pages_read_user_content"):
        SOURCE.check(query(network), CLIENT)


def test_expiry_and_check(network: Network) -> None:
    assert SOURCE.expires(query(network), CLIENT) == datetime.fromtimestamp(1_790_000_000, UTC)
    assert SOURCE.check(query(network), CLIENT) == "answers, with nothing in the last hour"
    dead = Answer({"data": {"is_valid": False, "scopes": SCOPES}})
    page_of(network).mood = lambda path, params: dead if "debug_token" in path else None
    with pytest.raises(PermanentError, match="no longer valid"):
        SOURCE.expires(query(network), CLIENT)


def test_fans_where_followers_are_not_told(network: Network) -> None:
    page_of(network).mood = lambda path, params: Answer({"id": PAGE, "fan_count": 7})
    assert list(SOURCE.followers(query(network), CLIENT)) == [(PAGE, None, 7)]
    page_of(network).mood = lambda path, params: Answer({"id": PAGE})
    with pytest.raises(PermanentError, match="no follower count"):
        list(SOURCE.followers(query(network), CLIENT))


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": 190, "message": "x"}}, {"data": [{"id": "1", "text": "x", "timestamp": "2026-03-03T12:00:00+0000"}]},
        {"data": [{"id": "1"}], "meta": {}}, {"kind": "Listing", "data": {"children": []}}, {"posts": []}, [{"id": "1", "content": "x"}],
        {"id": "1", "created_at": "2026-03-03"}, 7, "x", {}, {"items": []},
    ],
)  # fmt: skip
def test_bodies_of_others_are_refused(body: Any) -> None:
    with pytest.raises(PermanentError):
        list(SOURCE.mentions(json.dumps(body).encode(), {}))


def test_lists_within_lists_without_an_end() -> None:
    node: dict[str, Any] = {"id": "1_1"}
    for _ in range(100):
        node = {"id": "1_1", "comments": {"data": [node]}}
    with pytest.raises(PermanentError, match="without an end"):
        list(SOURCE.mentions(json.dumps(node).encode(), {}))
