"""google_reviews, tripadvisor and trustpilot, beyond what every source must do: stars, answers, sign-in, gaps, deletions."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from coolhead import registry
from coolhead.errors import ConfigError, PermanentError
from coolhead.http import Client
from coolhead.sources import Fetched, Gone, Query, Source
from coolhead.sources import _review_sites as reviews
from coolhead.windows import Window
from peers import OWN, Answer, Network, Post, World, google_reviews, load, trustpilot

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(hours=1))
CLIENT = Client(allow_private=True, retries=0, sleep=lambda _: None)
NAMES = ("google_reviews", "tripadvisor", "trustpilot")
ANSWERED = [
    Post(1, NOON + timedelta(minutes=1)),
    Post(2, NOON + timedelta(minutes=2), text="Ci dispiace", author=OWN, parent=1),
]


@pytest.fixture
def network(request: pytest.FixtureRequest) -> Iterator[Network]:
    with Network(load(request.param, World(ANSWERED, now=lambda: WINDOW.end))) as opened:
        yield opened


def source(network: Network) -> Source:
    made = registry.load("sources", type(network.peer).__module__.removeprefix("peers."))()
    assert isinstance(made, Source)
    return made


def query(network: Network, **chosen: Any) -> Query:
    made = source(network).Settings.model_validate({**network.settings(), **chosen})
    return Query("it", ("Zefirella",), ("it", "pl"), (), made, network.peer.credentials(), connection="reviews")


def fetch(network: Network, window: Window = WINDOW, **chosen: Any) -> list[dict[str, Any]]:
    found = list(source(network).payloads(query(network, **chosen), window, {}, CLIENT))
    return [row for page in found for row in source(network).mentions(page.content, page.meta)]


def only(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("network", [name], indirect=True)


everywhere = pytest.mark.parametrize("network", NAMES, indirect=True)


@everywhere
def test_a_review_is_addressed_to_the_place_and_our_answer_is_an_own_post(network: Network) -> None:
    review, answer = fetch(network)
    place = "zefirella.example" if "trustpilot" in str(type(network.peer)) else "Zefirella, Milano"
    assert review["addressed"] == f"review of {place}"
    assert review["text"].startswith("★★☆☆☆\n\n")
    assert review["text"].endswith("Zefirella: non ci siamo")
    assert (answer["own"], answer["parent"], answer["text"]) == (True, review["native_id"], "Ci dispiace")
    assert answer["native_id"] == network.peer.native_id(ANSWERED[1])
    assert answer["published_at"] == ANSWERED[1].at


@everywhere
def test_check_reads_and_says_how_much(network: Network) -> None:
    assert source(network).check(query(network), CLIENT).startswith("answers; 1 p")
    network.faults = ["404"] * 3
    with pytest.raises(PermanentError):
        source(network).check(query(network), CLIENT)


@pytest.mark.parametrize(
    ("rating", "shown"),
    [
        (1, "★☆☆☆☆"),
        ("4", "★★★★☆"),
        (5.0, "★★★★★"),
        (0, ""),
        (6, ""),
        (None, ""),
        ("ONE", ""),
        (float("nan"), ""),
        (True, "★☆☆☆☆"),
    ],
)
def test_stars(rating: Any, shown: str) -> None:
    assert reviews.stars(rating) == shown


def test_a_rating_without_words_is_unscored_and_still_to_be_seen() -> None:
    """Whatever the network declares; with a language the scorer would find a sentiment in five characters."""
    row = reviews.review(rating=1, title="", body=None, place="x", native_id="1", lang="it")
    assert (row["text"], row.get("lang")) == ("★☆☆☆☆", None)
    (read,) = registry.load("sentiment", "linear")().score([row["text"]], [row.get("lang")])
    assert read.label == "unscored"


def test_stars_turn_no_label_round() -> None:
    said = {
        "it": "Gelato sciolto, servizio pessimo, mai più.", "pl": "Lody były okropne i drogie.",
        "id": "Es krimnya enak sekali, pelayanan ramah", "en": "Lovely gelato, will come back",
    }  # fmt: skip
    scorer = registry.load("sentiment", "linear")()
    plain = scorer.score(list(said.values()), list(said))
    for rating in (1, 5):
        starred = scorer.score([f"{reviews.stars(rating)}\n\n{text}" for text in said.values()], list(said))
        assert [s.label for s in starred] == [s.label for s in plain]


@only("google_reviews")
def test_google_pages_until_the_changes_are_older(network: Network) -> None:
    world = network.peer.world
    world.publish(*(Post(n, NOON - timedelta(days=n)) for n in range(10, 210)))
    world.edit(120, edited_at=NOON + timedelta(minutes=3), text="Zefirella: cambiato")
    found = fetch(network)
    assert "locations/7731/reviews/AbFvOq00000120" in {row["native_id"] for row in found}
    assert len([r for r in network.asked if r.path.endswith("/reviews")]) == 1


@only("google_reviews")
def test_google_signs_in_once_a_poll_and_shows_its_secrets_to_nobody_else(network: Network) -> None:
    fetch(network)
    (sign_in,) = [r for r in network.asked if r.path == "/token"]
    assert sign_in.query == ""
    for request in network.asked:
        if request.path != "/token":
            assert google_reviews.REFRESH not in request.query + str(request.headers)
            assert google_reviews.SECRET not in request.query + str(request.headers)


@only("google_reviews")
def test_google_s_withdrawn_token_is_explained(network: Network) -> None:
    given = {**network.peer.credentials(), "password": "1//withdrawn-token"}
    with pytest.raises(PermanentError, match="sign in again and write the new refresh token") as caught:
        list(source(network).payloads(replace(query(network), credentials=given), WINDOW, {}, CLIENT))
    assert "withdrawn-token" not in str(caught.value)
    with pytest.raises(ConfigError, match="field client_secret of the Airflow connection `reviews`"):
        list(source(network).payloads(replace(query(network), credentials={**given, "extra": {}}), WINDOW, {}, CLIENT))


@only("google_reviews")
def test_one_place_that_cannot_be_read_hides_no_other(network: Network) -> None:
    asked = query(network, locations={"Roma": "accounts/1042/locations/9", "Milano": google_reviews.PLACE})
    pages: list[Fetched] = []
    with pytest.raises(PermanentError, match="answered 403"):
        pages.extend(source(network).payloads(asked, WINDOW, {}, CLIENT))
    assert [page.meta["place"] for page in pages] == ["Milano"]


@pytest.mark.parametrize(
    ("comment", "own"),
    [
        ("(Translated by Google) Very good\n\n(Original)\nBuonissimo", "Buonissimo"),
        ("Buonissimo\n\n(Translated by Google)\nVery good", "Buonissimo"),
        ("(Translated by Google) Very good", "(Translated by Google) Very good"), ("Buono (Original)", "Buono (Original)"),
    ],
)  # fmt: skip
def test_google_s_translations_are_not_the_author_s_words(comment: str, own: str) -> None:
    made = registry.load("sources", "google_reviews")()
    body = {
        "name": "accounts/1/locations/2/reviews/3",
        "reviewId": "3",
        "comment": comment,
        "createTime": "2026-03-03T09:00:00Z",
    }
    (row,) = made.mentions(json.dumps(body).encode(), {})
    assert row["text"] == own


@pytest.mark.parametrize("network", ["google_reviews", "trustpilot"], indirect=True)
def test_what_vanished(network: Network) -> None:
    world, peer = network.peer.world, network.peer
    world.publish(Post(3, NOON + timedelta(minutes=3)), Post(4, NOON + timedelta(minutes=4)))
    ids = [peer.native_id(p) for p in world.seen()]
    answer, third = peer.native_id(ANSWERED[1]), peer.native_id(Post(3, NOON))
    world.remove(3)
    world.remove(2, "brand")
    found = list(source(network).recheck(query(network), ids, CLIENT))
    assert {(g.native_id, g.by) for g in found if isinstance(g, Gone)} == {(third, "unknown"), (answer, "brand")}
    assert len([f for f in found if isinstance(f, Fetched)]) == 2


@pytest.mark.parametrize("network", ["google_reviews", "trustpilot"], indirect=True)
def test_a_profile_that_answers_404_throughout_makes_nobody_s_review_vanish(network: Network) -> None:
    network.fault = lambda request: "404" if "/reviews" in request.path else None
    with pytest.raises(PermanentError, match="answered 404"):
        list(source(network).recheck(query(network), [network.peer.native_id(ANSWERED[0])], CLIENT))


@pytest.mark.parametrize("network", ["google_reviews", "trustpilot"], indirect=True)
def test_an_answer_without_the_review_is_no_deletion(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    real = network.peer.answer
    monkeypatch.setattr(network.peer, "answer", lambda asked: real(asked) if asked.path == "/token" else Answer({}))
    with pytest.raises(PermanentError, match="did not answer with one review"):
        list(source(network).recheck(query(network), [network.peer.native_id(ANSWERED[0])], CLIENT))


@only("google_reviews")
def test_of_a_place_that_left_the_plan_nothing_is_said(network: Network) -> None:
    assert list(source(network).recheck(query(network), ["locations/9/reviews/x"], CLIENT)) == []


@only("trustpilot")
@pytest.mark.parametrize("private", [False, True])
def test_trustpilot_s_two_lists(network: Network, private: bool) -> None:
    assert len(fetch(network, private=private)) == 2
    paths = {r.path for r in network.asked if r.method == "GET"}
    assert paths == {f"/v1{'/private' if private else ''}/business-units/{trustpilot.UNIT}/reviews"}
    keys = {(r.headers.get("apikey"), r.headers.get("authorization")) for r in network.asked if r.method == "GET"}
    assert keys == {(None, f"Bearer {trustpilot.ACCESS}") if private else (trustpilot.KEY, None)}
    assert not any(trustpilot.SECRET in r.query + str(r.headers) for r in network.asked)


@only("trustpilot")
def test_trustpilot_s_public_list_needs_no_secret(network: Network) -> None:
    public = replace(query(network), credentials={"login": trustpilot.KEY})
    assert list(source(network).payloads(public, WINDOW, {}, CLIENT))
    with pytest.raises(ConfigError, match="field password"):
        list(source(network).payloads(replace(public, settings=query(network, private=True).settings), WINDOW, {}, CLIENT))


@only("tripadvisor")
def test_tripadvisor_says_when_it_cannot_have_seen_all(network: Network) -> None:
    world = network.peer.world
    world.publish(*(Post(10 + n, NOON - timedelta(days=n)) for n in range(1, 9)))
    assert len(fetch(network)) == 6  # five reviews and an answer, of which four are older than the window
    world.publish(*(Post(20 + n, NOON + timedelta(minutes=20 + n)) for n in range(4)))
    pages: list[Fetched] = []
    with pytest.raises(PermanentError, match="all 5 reviews that Tripadvisor shows are newer than 2026-03-03 12:00 UTC"):
        pages.extend(source(network).payloads(query(network), WINDOW, {}, CLIENT))
    assert len(pages) == 1  # kept all the same
    later = Window(NOON + timedelta(minutes=21), WINDOW.end)
    assert len(fetch(network, later)) == 6


@only("tripadvisor")
def test_tripadvisor_asks_in_each_language_and_hides_its_key(network: Network) -> None:
    pages = list(source(network).payloads(query(network), WINDOW, {}, CLIENT))
    assert [r.params["language"] for r in network.asked] == ["it", "pl"]
    assert [page.origin.rpartition("/")[2] for page in pages] == ["reviews in it"]


def test_tripadvisor_s_licence_is_the_plan_s_to_state() -> None:
    made = registry.load("sources", "tripadvisor")
    for licensed in ({}, {"licensed": False}):
        with pytest.raises(ValidationError, match="licensed"):
            made.Settings.model_validate({"locations": {"Milano": 2447310}, **licensed})
    assert made.Settings.model_validate({"locations": {"Milano": 2447310}, "licensed": True}).locations == {"Milano": "2447310"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "body",
    [b'{"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}}', b'{"reviews": 7, "data": 7}', b'"x"', b"17"],
)
def test_what_is_no_answer(name: str, body: bytes) -> None:
    with pytest.raises(PermanentError):
        list(registry.load("sources", name)().mentions(body, {}))
