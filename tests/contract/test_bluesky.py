"""What only Bluesky has: a session for searches alone, threads under own posts, forged times, and how a post is gone."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coolhead.errors import ConfigError, CoolheadError, PermanentError, TransientError
from coolhead.http import Client
from coolhead.sources import Fetched, Gone, Query
from coolhead.sources import bluesky as module
from coolhead.sources.bluesky import LIMIT, Bluesky
from coolhead.windows import Window
from peers import OWN, Answer, Fault, Network, Post, Request, World
from peers.bluesky import HANDLE, PASSWORD, TOKEN, did_of, handle_of
from peers.bluesky import Bluesky as Peer

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(minutes=30))
CLIENT = Client(allow_private=True, retries=0, timeout=(20, 60), sleep=lambda _: None)


@dataclass
class Place:
    """The account's server and the public one, at two addresses."""

    world: World
    pds: Network
    public: Network

    def query(self, **chosen: Any) -> Query:
        fields: dict[str, Any] = {"login": HANDLE, "password": PASSWORD}
        settings = Bluesky.Settings(base_url=self.pds.url, public_url=self.public.url)
        asked = Query("zefirella", ("zefirella",), ("it",), (handle_of(OWN),), settings, fields, connection="bluesky")
        return replace(asked, **chosen)

    def pages(self, errors: list[CoolheadError] | None = None, **chosen: Any) -> list[Fetched]:
        out: list[Fetched] = []
        try:
            for one in Bluesky().payloads(self.query(**chosen), WINDOW, {}, CLIENT):
                out.append(one)
        except CoolheadError as error:
            if errors is None:
                raise
            errors.append(error)
        return out

    def asked(self, method: str) -> list[Request]:
        return [r for network in (self.pds, self.public) for r in network.asked if r.path == f"/xrpc/{method}"]


def rows(pages: list[Fetched]) -> dict[str, dict[str, Any]]:
    return {row["native_id"]: row for page in reversed(pages) for row in Bluesky().mentions(page.content, page.meta)}


@pytest.fixture
def place() -> Iterator[Place]:
    world = World([Post(n, NOON + timedelta(minutes=n), author=f"user{n}") for n in range(5)])
    with Network(Peer(world)) as pds, Network(Peer(world)) as public:
        yield Place(world, pds, public)


def test_all_forms_are_asked_for_as_phrases_within_the_window(place: Place) -> None:
    place.pages(forms=("zefirella", "gelato Zefirella", 'la "zefi"', "#zefirella"))
    asked = [r.params for r in place.asked("app.bsky.feed.searchPosts")]
    assert [p["q"] for p in asked] == [
        '"zefirella"', '"gelato Zefirella"', '"la zefi"', '"#zefirella"', "@zefirella.bsky.social",
    ]  # fmt: skip
    fixed = {"sort": "latest", "limit": "100", "since": "2026-03-03T12:00:00.000Z", "until": "2026-03-03T12:30:00.000Z"}
    assert all(p.items() >= fixed.items() for p in asked)
    assert asked[-1]["mentions"] == did_of(OWN)


def test_the_session_is_shown_to_its_own_server_only(place: Place) -> None:
    place.pages()
    assert {r.path for r in place.pds.asked} == {"/xrpc/com.atproto.server.createSession", "/xrpc/app.bsky.feed.searchPosts"}
    assert {r.headers.get("authorization") for r in place.asked("app.bsky.feed.searchPosts")} == {f"Bearer {TOKEN}"}
    assert place.public.asked
    for request in place.public.asked:
        assert "authorization" not in request.headers
        assert PASSWORD.encode() not in request.body
    assert len(place.asked("com.atproto.server.createSession")) == 1


def test_a_password_of_another_server_is_not_sent(place: Place) -> None:
    fields = {"login": HANDLE, "password": PASSWORD, "host": "https://pds.example"}
    with pytest.raises(ConfigError, match=r"belongs to https://pds\.example, not to http://127") as error:
        place.pages(credentials=fields)
    assert PASSWORD not in str(error.value)
    assert place.pds.asked == []


def test_a_wrong_password_loses_no_thread_under_own_posts(place: Place) -> None:
    place.world.publish(Post(10, NOON, "Novità", OWN, comments=1), Post(11, NOON, "Vergogna!", "lena", parent=10))
    errors: list[CoolheadError] = []
    found = rows(place.pages(errors, credentials={"login": HANDLE, "password": "old"}))
    assert "AuthenticationRequired; login or app password are wrong" in str(errors[0])
    assert sorted(row["text"] for row in found.values()) == ["Novità", "Vergogna!"]


def test_what_is_under_own_posts_is_addressed_to_the_brand(place: Place) -> None:
    at = NOON - timedelta(days=2)
    posts = {
        "own": Post(10, at, "Torna il gelato al limone", OWN, comments=2), "answer": Post(11, at, "Vergogna!", "lena", parent=10),
        "below": Post(12, NOON, "Wstyd", "piotr", parent=11), "tag": Post(13, NOON, "@zefirella.bsky.social malu", "dewi"),
        "other": Post(14, NOON, "Zefirella?", "marco", comments=1), "ours there": Post(15, NOON, "Scusa", OWN, parent=14, comments=1),
        "below ours": Post(16, NOON, "Bugia", "marco", parent=15), "again": Post(17, NOON, "", OWN, repost_of=14),
        "old": Post(18, at - timedelta(days=2), "Vecchio", OWN, comments=1), "late": Post(19, NOON, "Tardi", "zoe", parent=18),
    }  # fmt: skip
    place.world.publish(*posts.values())
    ids = {name: place.pds.peer.native_id(post) for name, post in posts.items()}
    found = rows(place.pages())
    assert {name: found[uri].get("addressed") for name, uri in ids.items() if uri in found} == {
        "own": None, "answer": "answers our post", "below": "in a thread under our post", "tag": "mentions our account",
        "other": None, "ours there": None, "below ours": "answers our post", "old": None,
    }  # fmt: skip
    assert [name for name, uri in ids.items() if found.get(uri, {}).get("own")] == ["own", "ours there", "old"]
    repost = found[ids["again"].replace("feed.post", "feed.repost")]
    assert (repost["repost_of"], repost["own"], repost["text"]) == (ids["other"], True, "Zefirella?")
    assert ids["late"] not in found  # under a post that is older than thread_days
    assert len(place.asked("app.bsky.feed.getPostThread")) == 2
    place.public.asked.clear()
    place.pages(settings=place.query().settings.model_copy(update={"thread_days": 0}))
    assert place.asked("app.bsky.feed.getAuthorFeed") == []


def test_audience_is_asked_for_in_batches_and_stands_beside_the_answer(place: Place) -> None:
    place.world.publish(*(Post(n, NOON, author=f"author{n}", audience=n) for n in range(100, 160)))
    pages = place.pages(own_accounts=())
    assert {len(r.listed("actors")) for r in place.asked("app.bsky.actor.getProfiles")} == {20, 5}
    (page,) = pages
    assert "followersCount" not in page.content.decode()
    by_author = {row["author"]: row["audience"] for row in rows(pages).values()}
    assert by_author == {did_of(f"author{n}"): n for n in range(100, 160)} | {did_of(f"user{n}"): 120 for n in range(5)}


def test_posts_are_worth_more_than_their_reach(place: Place) -> None:
    place.public.fault = lambda r: "500" if r.path.endswith("getProfiles") else None
    errors: list[CoolheadError] = []
    found = rows(place.pages(errors))
    assert len(found) == 5
    assert all("audience" not in row for row in found.values())
    assert [type(e) for e in errors] == [TransientError]
    assert len(place.asked("app.bsky.actor.getProfiles")) == 1  # not for every page


def test_more_than_search_shows_is_an_error(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PAGES", 2)
    place.world.publish(*(Post(n, NOON) for n in range(1_000, 1_000 + 2 * LIMIT)))
    errors: list[CoolheadError] = []
    assert len(rows(place.pages(errors))) == 2 * LIMIT
    assert "more than search shows (200 posts)" in str(errors[0])
    assert "shorter windows" in str(errors[0])


class InCircles(Peer):
    def _search(self, request: Request) -> Answer:
        return Answer({"posts": [], "cursor": "100"})


def test_a_search_that_goes_in_circles_ends(place: Place) -> None:
    place.pds.peer = InCircles(place.world)
    with pytest.raises(PermanentError, match="the same page again"):
        place.pages()


class Closed(Peer):
    """Accounts that are not there any more, as the network says it."""

    def _profile(self, request: Request) -> Answer:
        said = {
            did_of("user1"): ("AccountDeactivated", "Account is deactivated"),
            did_of("user2"): ("AccountTakedown", "Account has been suspended"),
        }
        if request.params["actor"] in said:
            error, message = said[request.params["actor"]]
            return Answer({"error": error, "message": message}, 400)
        return super()._profile(request)


def test_who_removed_it_as_far_as_the_account_tells(place: Place) -> None:
    place.public.peer = Closed(place.world)
    posts = place.world.seen()
    ids = {p.author: place.public.peer.native_id(p) for p in posts}
    place.world.publish(Post(50, NOON, author="user3"))
    for number in (1, 2, 3, 4):
        place.world.remove(number)
    foreign = "at://did:plc:x/app.bsky.feed.repost/3k2yihcrp6f2c"
    found = list(Bluesky().recheck(place.query(), [*ids.values(), foreign, "no-address"], CLIENT))
    gone = {one.native_id: (one.by, one.evidence) for one in found if isinstance(one, Gone)}
    assert {name: gone[uri][0] for name, uri in ids.items() if uri in gone} == {
        "user1": "author", "user2": "network", "user3": "unknown", "user4": "unknown",
    }  # fmt: skip
    assert set(gone) <= set(ids.values())  # a repost cannot be asked for, so nothing is said of it
    assert "account is gone" in gone[ids["user4"]][1]
    assert set(rows([one for one in found if isinstance(one, Fetched)])) == {ids["user0"]}


def test_twenty_are_looked_up_at_once(place: Place) -> None:
    place.world.publish(*(Post(n, NOON, author="lena") for n in range(100, 160)))
    ids = [place.pds.peer.native_id(p) for p in place.world.seen()]
    found = list(Bluesky().recheck(place.query(credentials={}), ids, CLIENT))
    assert [len(r.listed("uris")) for r in place.asked("app.bsky.feed.getPosts")] == [20, 20, 20, 5]
    assert set(rows([one for one in found if isinstance(one, Fetched)])) == set(ids)


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "InvalidRequest", "message": "no"}', b'{"posts": {"uri": 1}}', b'{"posts": ["x"]}', b'{"actors": []}',
        b"[]", b"{}", b"7", b'{"lexicon": 1, "id": "app.bsky.feed.searchPosts", "defs": {}}',
    ],
)  # fmt: skip
def test_what_is_no_search_is_refused_before_it_is_landed(place: Place, body: bytes) -> None:
    class Odd(Peer):
        def _search(self, request: Request) -> Answer:
            return Answer(body)

    place.pds.peer = Odd(place.world)
    errors: list[CoolheadError] = []
    assert place.pages(errors, own_accounts=()) == []
    assert isinstance(errors[0], PermanentError)


@pytest.mark.parametrize(
    "body",
    [
        {"did": "did:plc:x", "handle": "lena.example", "followersCount": 7}, {"profiles": []}, {"feed": []}, {"posts": []},
        {"subject": {"did": "did:plc:x"}, "followers": [{"did": "did:plc:y", "handle": "y.example"}], "cursor": "c"},
        {"did": "did:plc:x", "handle": "x.example", "accessJwt": "t", "refreshJwt": "t"}, {"likes": [], "uri": "at://x"},
        {"@context": ["https://www.w3.org/ns/did/v1"], "id": "did:plc:x", "alsoKnownAs": ["at://x.example"]},
        {"uri": "at://did:plc:x/app.bsky.feed.generator/y", "cid": "c", "value": {"$type": "app.bsky.feed.generator"}},
        {"thread": {"$type": "app.bsky.feed.defs#blockedPost", "uri": "at://did:plc:x/app.bsky.feed.post/y", "blocked": True}},
        {"view": {"uri": "at://did:plc:x/app.bsky.feed.generator/y"}, "isOnline": True, "isValid": True},
    ],
)  # fmt: skip
def test_answers_without_posts_have_no_rows(body: dict[str, Any]) -> None:
    assert list(Bluesky().mentions(json.dumps(body).encode(), {})) == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"lexicon": 1, "id": "app.bsky.feed.defs", "defs": {}}, "the schema app.bsky.feed.defs"),
        ({"error": "AuthMissing", "message": "Authentication Required"}, "an error of Bluesky's API (AuthMissing)"),
        ({"kind": "Listing", "data": {"children": []}}, "no answer of Bluesky's API"),
        ([], "no answer of Bluesky's API"),
    ],
)
def test_what_is_no_answer_is_said_in_a_line(body: Any, says: str) -> None:
    with pytest.raises(PermanentError) as error:
        list(Bluesky().mentions(json.dumps(body).encode(), {}))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_threads_that_are_nested_too_deeply_are_no_traceback() -> None:
    with pytest.raises(PermanentError, match="no JSON"):
        list(Bluesky().mentions(b'{"posts":' + b"[" * 100_000, {}))


@pytest.mark.parametrize(("fault", "kind"), [("401", PermanentError), ("429", TransientError)])
def test_a_canary_that_is_refused_is_no_silence(place: Place, fault: Fault, kind: type[CoolheadError]) -> None:
    assert Bluesky().canary(place.query(), CLIENT) is False  # nobody wrote "the"
    place.world.publish(Post(60, NOON, "the lemon"))
    assert Bluesky().canary(place.query(), CLIENT) is True
    place.pds.fault = lambda _: fault
    with pytest.raises(kind):
        Bluesky().canary(place.query(), CLIENT)


def test_the_networks_own_rate_limit_says_when_to_come_again(place: Place) -> None:
    """As the reference server does: seconds since 1970, and no Retry-After."""

    class Busy(Peer):
        def _session(self, request: Request) -> Answer:
            headers = {"RateLimit-Limit": "30", "RateLimit-Remaining": "0", "RateLimit-Policy": "30;w=300"}
            headers["RateLimit-Reset"] = str(int(datetime.now(UTC).timestamp()) + 280)
            return Answer({"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}, 429, headers)

    place.pds.peer = Busy(place.world)
    with pytest.raises(TransientError) as error:
        place.pages()
    assert error.value.retry_after is not None
    assert 270 < error.value.retry_after <= 281


def test_an_error_names_the_call_and_repeats_no_words(place: Place) -> None:
    class Refusing(Peer):
        def _search(self, request: Request) -> Answer:
            return Answer({"error": "BadQueryString", "message": f"cannot parse {request.params['q']}"}, 400)

    place.pds.peer = Refusing(place.world)
    with pytest.raises(PermanentError, match=r"app\.bsky\.feed\.searchPosts: answered 400 BadQueryString") as error:
        place.pages()
    assert "zefirella" not in str(error.value)
