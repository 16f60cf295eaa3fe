"""X, beyond what every source must do: queries and their length, what is addressed, reposts, edits, problems."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coolhead import registry
from coolhead.errors import ConfigError, PermanentError, TransientError
from coolhead.http import Client
from coolhead.sources import Fetched, Gone, Query
from coolhead.sources import _x as shape
from coolhead.sources import x as module
from coolhead.windows import Window
from peers import OWN, Answer, Network, Post, Request, World
from peers.x import TOKEN, X

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(hours=1))
SOURCE = registry.load("sources", "x")()
CLIENT = Client(allow_private=True, retries=0, sleep=lambda _: None)


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(X(World())) as opened:
        yield opened


def query(network: Network, terms: tuple[str, ...] = ("Zefirella",), own: tuple[str, ...] = (OWN,), **more: Any) -> Query:
    made = SOURCE.Settings.model_validate({**network.settings(), **more.pop("chosen", {})})
    return Query("it", terms, ("it", "pl"), own, made, network.peer.credentials(), connection="x", **more)


def rows(pages: Iterator[Fetched]) -> dict[str, dict[str, Any]]:
    return {row["native_id"]: row for page in pages for row in SOURCE.mentions(page.content, page.meta)}


def fetch(network: Network, **asked: Any) -> dict[str, dict[str, Any]]:
    return rows(SOURCE.payloads(query(network, **asked), WINDOW, {}, CLIENT))


def searches(network: Network) -> list[str]:
    return list(dict.fromkeys(r.params["query"] for r in network.asked if r.path == "/2/tweets/search/recent"))


@pytest.mark.parametrize(
    ("term", "written"),
    [
        ("Zefirella", "Zefirella"), ("gelato al limone", '"gelato al limone"'), ("#zefirella", "#zefirella"), ("Coca-Cola", '"Coca-Cola"'),
        ('a "quoted"  name', '"a quoted name"'), ("or", '"or"'), ("Żabka", "Żabka"), ("@zefirella", "@zefirella"), ("-is:retweet", '"-is:retweet"'),
        ("from:someone", '"from:someone"'), ("(x)", '"(x)"'),
    ],
)  # fmt: skip
def test_a_term_is_never_syntax(term: str, written: str) -> None:
    assert shape.clause(term) == written


@pytest.mark.parametrize("length", [128, 512, 4_096])
def test_queries_hold_every_form_and_keep_the_length(length: int) -> None:
    clauses = [f"zefirella{n}" for n in range(120)] + ["ZEFIRELLA1"]
    made = list(shape.queries(clauses, ["zefirella park", "zefirella3"], "gelato OR lody", length))
    assert all(len(q) <= length for q in made)
    held = [c for q in made for c in q.partition(")")[0].lstrip("(").split(" OR ")]
    assert sorted(c.casefold() for c in held) == sorted({c.casefold() for c in clauses})
    assert all(q.endswith(') (gelato OR lody) -"zefirella park"') for q in made)  # and no form is taken out
    assert len(made) < len(clauses)


def test_what_is_left_out_makes_room_for_what_is_looked_for() -> None:
    (made,) = shape.queries(["zefirella"], [f"homonym number {n}" for n in range(50)], "", 512)
    assert made.startswith('(zefirella) -"homonym number 0"')
    assert len(made) <= 512
    with pytest.raises(ConfigError, match="query_length"):
        list(shape.queries(["z" * 200], [], "", 128))


def test_forms_are_searched_and_own_accounts_in_a_query_of_their_own(network: Network) -> None:
    peer = network.peer
    peer.world.publish(
        Post(1, NOON, "Zefirelli nie polecam"), Post(2, NOON, "Zefirella park w Gdyni"), Post(3, NOON, "@zefirella vergogna"),
        Post(4, NOON, "nuovi gusti", author=OWN), Post(5, NOON, "vergogna!", parent=4), Post(6, NOON, "niente"),
    )  # fmt: skip
    found = fetch(network, forms=("Zefirella", "Zefirelli"), none_of=("zefirella park",))
    assert {int(i) % 4_194_304 for i in found} == {1, 3, 4, 5}
    assert {int(i) % 4_194_304 for i, row in found.items() if "addressed" in row} == {3, 5}
    assert searches(network) == ['(Zefirella OR Zefirelli OR from:zefirella) -"zefirella park"', "(@zefirella OR to:zefirella)"]


def test_narrow_is_given_to_x_with_the_terms_only(network: Network) -> None:
    fetch(network, chosen={"narrow": "lang:it"})
    assert searches(network) == ["(Zefirella OR from:zefirella) lang:it", "(@zefirella OR to:zefirella)"]


def test_a_repost_has_the_whole_text_and_what_it_repeats_is_a_mention_too(network: Network) -> None:
    long = "Zefirella " + "limone " * 40
    network.peer.world.publish(
        Post(1, NOON - timedelta(days=3), long, author="ada"), Post(2, NOON, repost_of=1, author="wit", shares=94)
    )
    network.peer.world.publish(Post(3, NOON, "Zefirella, sì", parent=4), Post(4, NOON - timedelta(days=2), "cosa mangiate?"))
    found = {int(i) % 4_194_304: row for i, row in fetch(network).items()}
    assert set(found) == {1, 2, 3}  # what is only answered concerns nobody
    assert found[2]["text"] == f"RT @ada: {long}"
    assert found[2]["repost_of"] == found[1]["native_id"]
    assert "shares" not in found[2]
    assert (found[1]["author"], found[1]["text"]) == ("ada", long)
    assert found[3]["parent"] == network.peer.native_id(network.peer.world.find(4))  # type: ignore[arg-type]


@pytest.mark.parametrize(("year", "given"), [(2020, True), (2100, False)])
def test_x_wants_no_end_that_has_not_passed(network: Network, year: int, given: bool) -> None:
    start = datetime(year, 3, 3, 12, 0, 0, 400_000, tzinfo=UTC)
    list(SOURCE.payloads(query(network), Window(start, start + timedelta(hours=1)), {}, CLIENT))
    asked = network.asked[0].params
    assert asked["start_time"] == f"{year}-03-03T12:00:00Z"
    assert asked.get("end_time") == (f"{year}-03-03T13:00:01Z" if given else None)


def test_too_many_pages_are_an_error_and_no_silent_cut(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PAGES", 2)
    network.peer.world.publish(*(Post(n, NOON + timedelta(seconds=n)) for n in range(201)))
    with pytest.raises(PermanentError, match=r"more than 2 pages of 100 .* shorter windows"):
        fetch(network)


def test_one_query_that_fails_hides_no_other(network: Network) -> None:
    network.peer.world.publish(Post(1, NOON, "@zefirella vergogna"))
    network.faults = ["500"]
    pages = SOURCE.payloads(query(network), WINDOW, {}, CLIENT)
    assert len(rows(iter([next(pages)]))) == 1
    with pytest.raises(TransientError):
        next(pages)


def test_looked_up_by_the_first_id_an_edited_post_is_there(network: Network) -> None:
    world = network.peer.world
    world.publish(*(Post(n, NOON + timedelta(minutes=n)) for n in range(1, 4)))
    world.edit(1, text="Zefirella, corretto", edited_at=NOON + timedelta(minutes=20))
    world.remove(2, "author")
    ids = [network.peer.native_id(world.find(n)) for n in (1, 2, 3)]  # type: ignore[arg-type]
    page, gone = SOURCE.recheck(query(network), [*ids, "no number"], CLIENT)
    assert isinstance(page, Fetched)
    found = {row["native_id"]: row for row in SOURCE.mentions(page.content, page.meta)}
    assert set(found) == {ids[0], ids[2]}
    assert (found[ids[0]]["text"], found[ids[0]]["published_at"]) == ("Zefirella, corretto", NOON + timedelta(minutes=1))
    assert gone == Gone(ids[1], "unknown", "X: Not Found Error")


def test_who_removed_it_as_far_as_x_tells() -> None:
    def error(title: str, detail: str, i: str) -> dict[str, str]:
        return {
            "title": title,
            "detail": detail,
            "resource_type": "tweet",
            "resource_id": i,
            "type": "https://api.twitter.com/2/problems/x",
        }

    found = {"errors": [
        error("Authorization Error", "Sorry, you are not authorized to see the Tweet with ids: [1].", "1"),
        error("Authorization Error", "User has been suspended: [2].", "2"), error("Not Found Error", "Could not find", "3"),
        error("Field Authorization Error", "no metrics", "4"), {**error("Not Found Error", "user", "5"), "resource_type": "user"},
    ]}  # fmt: skip
    assert [(g.native_id, g.by) for g in shape.gone(found)] == [("1", "unknown"), ("2", "network"), ("3", "unknown")]


def test_an_unknown_own_account_is_named(network: Network) -> None:
    found = SOURCE.followers(query(network, own=(f"@{OWN}", "zefirela")), CLIENT)
    assert next(found) == (f"@{OWN}", None, 41_200)
    with pytest.raises(PermanentError, match="own account 'zefirela'"):
        next(found)
    with pytest.raises(ConfigError, match=r"own_accounts\.x: 'no handle'"):
        list(SOURCE.followers(query(network, own=("no handle",)), CLIENT))


@pytest.mark.parametrize(
    ("status", "problem", "said"),
    [
        (402, {"title": "CreditsDepleted", "type": "https://api.x.com/2/problems/credits"}, "credits"),
        (429, {"title": "UsageCapExceeded", "type": "https://api.twitter.com/2/problems/usage-capped"}, "allowance"),
        (403, {"title": "Client Forbidden", "type": "https://api.twitter.com/2/problems/client-forbidden"}, "project"),
        (400, {"errors": [{"message": "Invalid 'start_time'"}], "title": "Invalid Request"}, "Invalid 'start_time'"),
        (429, {"title": "Too Many Requests", "type": "about:blank"}, None), (500, {}, None), (400, {}, None),
    ],
)  # fmt: skip
def test_problems_are_explained(status: int, problem: dict[str, Any], said: str | None) -> None:
    error = shape.explained(status, json.dumps(problem).encode())
    assert (error is None) == (said is None)
    assert said is None or said in str(error)
    assert isinstance(error, PermanentError | None)
    assert shape.explained(status, b"<html>") is None


@pytest.mark.parametrize(
    "body",
    [
        {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}, {"errors": [{"code": 88, "message": "x"}]},
        {"errors": [{"message": "x"}], "title": "Invalid Request", "status": 400}, [], {"statuses": []},
        {"data": [{"created_time": "2026-03-03T12:00:00+0000", "message": "Zefirella", "id": "1_2"}]}, {"data": [], "paging": {}},
        {"kind": "Listing", "data": {"children": []}},
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(network: Network, body: Any) -> None:
    with pytest.raises(PermanentError):
        list(SOURCE.mentions(json.dumps(body).encode(), {}))
    network.peer.answer = lambda request: Answer(body)  # type: ignore[method-assign]
    with pytest.raises(PermanentError):
        fetch(network)


def test_the_token_stands_in_a_header_only(network: Network) -> None:
    fetch(network)
    list(SOURCE.followers(query(network), CLIENT))

    def holds(request: Request) -> bool:
        return TOKEN in request.path + request.query + request.body.decode()

    assert network.asked
    assert not any(holds(r) for r in network.asked)
    assert {r.headers["authorization"] for r in network.asked} == {f"Bearer {TOKEN}"}


def test_the_canary_hears_whether_anything_is_said_at_all(network: Network) -> None:
    assert SOURCE.canary(query(network), CLIENT) is False
    network.peer.world.publish(Post(1, NOON, text="what is the news"))
    assert SOURCE.canary(query(network), CLIENT) is True


def test_the_check_reads_no_post(network: Network) -> None:
    network.peer.world.publish(Post(1, NOON))
    assert SOURCE.check(query(network), CLIENT) == "answers; 4321 of 2000000 posts of this month read"
    assert [r.path for r in network.asked] == ["/2/usage/tweets"]
    network.peer.answer = lambda request: Answer({"data": []})  # type: ignore[method-assign]
    with pytest.raises(PermanentError, match="usage"):
        SOURCE.check(query(network), CLIENT)
