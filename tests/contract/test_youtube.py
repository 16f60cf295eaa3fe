"""YouTube, beyond what every source must do: what is asked, what is addressed to whom, quotas, and comments that are off."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from coolhead import registry
from coolhead.errors import ConfigError, PermanentError, TransientError
from coolhead.http import Client
from coolhead.sources import Fetched, Gone, Query
from coolhead.sources._youtube_api import until_midnight
from coolhead.windows import Window
from peers import OWN, Network, Post, World
from peers.youtube import CHANNEL, KEY, Youtube

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(hours=1))
SOURCE = registry.load("sources", "youtube")()
CLIENT = Client(allow_private=True, retries=0, sleep=lambda _: None)


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(Youtube(World(now=lambda: WINDOW.end))) as opened:
        yield opened


def youtube(network: Network) -> Youtube:
    assert isinstance(network.peer, Youtube)
    return network.peer


def query(network: Network, terms: tuple[str, ...] = ("Zefirella",), own: tuple[str, ...] = (CHANNEL,), **chosen: Any) -> Query:
    made = SOURCE.Settings.model_validate({**network.settings(), **chosen})
    return Query("it", terms, ("it",), own, made, network.peer.credentials(), connection="youtube")


def rows(pages: list[Fetched]) -> dict[str, dict[str, Any]]:
    return {row["native_id"]: row for page in pages for row in SOURCE.mentions(page.content, page.meta)}


def fetch(network: Network, **asked: Any) -> dict[str, dict[str, Any]]:
    return rows(list(SOURCE.payloads(query(network, **asked), WINDOW, {}, CLIENT)))


def calls(network: Network, method: str) -> list[dict[str, str]]:
    return [dict(r.params) for r in network.asked if r.path == f"/{method}"]


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_all_replies_of_a_thread_come_in_and_answer_it(network: Network) -> None:
    peer = youtube(network)
    peer.world.publish(Post(1, at(1)), *(Post(2 + n, at(2 + n / 10), parent=1) for n in range(230)), Post(400, at(3), parent=2))
    found = fetch(network, search=False)
    assert len(found) == 232
    first = peer.native_id(Post(1, at(1)))
    assert {row["parent"] for i, row in found.items() if i != first} == {first}
    assert found[first]["parent"] == "zefirella01"
    assert {row["addressed"] for row in found.values()} == {"comment under our own content"}
    assert [c.get("pageToken") is None for c in calls(network, "comments")] == [True, False, False]


def test_few_replies_cost_no_further_call(network: Network) -> None:
    youtube(network).world.publish(Post(1, at(1)), *(Post(n, at(2), parent=1) for n in range(2, 7)))
    assert len(fetch(network, search=False)) == 6
    assert calls(network, "comments") == []


def test_the_brand_s_own_answers_are_own_whichever_way_the_plan_names_it(network: Network) -> None:
    youtube(network).world.publish(Post(1, at(1)), Post(2, at(2), parent=1, author=OWN))
    for own in (CHANNEL, "@zefirella"):
        found = fetch(network, search=False, own=(own,))
        assert [row.get("own", False) for row in found.values()] == [False, True]


def test_text_is_as_it_was_written(network: Network) -> None:
    youtube(network).world.publish(Post(1, at(1), text="Zefirella < 3 & <b>basta</b>"))
    (row,) = fetch(network, search=False).values()
    assert row["text"] == "Zefirella < 3 & <b>basta</b>"


def test_videos_found_come_whole_with_audience_and_comments(network: Network) -> None:
    peer = youtube(network)
    peer.videos.publish(
        Post(1, at(5), text="Zefirella: la prova & " + "x" * 100, author="tester", audience=52_300, likes=70),
        Post(2, at(6), text="Altro gelato"), Post(3, at(7), text="ZEFIRELLA senza commenti"), Post(4, at(-90), text="Zefirella ieri"),
    )  # fmt: skip
    peer.comments[1] = World([Post(n, at(8), text="vergogna") for n in range(900, 1_020)])
    found = fetch(network)
    video = found["video000001"]
    assert video["text"] == "Un gelato\n\nZefirella: la prova & " + "x" * 100
    assert (video["audience"], video["likes"], video["comments"]) == (52_300, 70, 120)
    assert "comments" not in found["video000003"]
    assert len(found) == 122
    under = [row for row in found.values() if row.get("parent") == "video000001"]
    assert len(under) == 120
    assert not any("addressed" in row for row in under)


def test_comments_of_a_video_that_people_know_to_be_about_us_are_addressed(network: Network) -> None:
    peer = youtube(network)
    peer.videos.publish(Post(1, at(-9_000), text="Zefirella: lo scandalo"))
    peer.comments[1] = World([Post(900, at(8), text="vergogna")])
    (row,) = fetch(network, search=False, videos=["video000001"]).values()
    assert row["addressed"] == "comment under a video about us"
    assert fetch(network, search=False, videos=["video000001"], own=()) == {}  # of a watched brand


def test_comments_that_are_off_and_a_video_that_is_gone_are_no_errors(network: Network) -> None:
    youtube(network).videos.publish(Post(1, at(5)))
    assert fetch(network, search=False, videos=["video000001", "video000002"]) == {}
    assert [c["videoId"] for c in calls(network, "commentThreads")[1:]] == ["video000001", "video000002"]


def test_a_search_goes_on_where_the_network_ends_it(network: Network) -> None:
    youtube(network).videos.publish(*(Post(n, NOON + timedelta(seconds=3 * n), text="zefirella") for n in range(1_130)))
    assert len(fetch(network)) == 1_130
    assert len(calls(network, "search")) == 23  # 500, 499 new ones and 131


def test_a_search_without_end_is_an_error(network: Network) -> None:
    youtube(network).videos.publish(*(Post(n, NOON + timedelta(seconds=2 * n), text="zefirella") for n in range(1_700)))
    with pytest.raises(PermanentError, match=r"more than 30 pages .* shorter windows"):
        fetch(network)


def test_terms_are_one_question_as_long_as_it_fits(network: Network) -> None:
    fetch(network, terms=("Zefirella", "gelato zefirella", 'a "b"|c', "-x", "Zefirella", *(f"{n:0>190}" for n in range(3))))
    asked = [c["q"] for c in calls(network, "search")]
    assert asked[0].startswith('Zefirella|"gelato zefirella"|"a b c"|x|')
    assert [len(q) <= 400 for q in asked] == [True, True]
    (one, *_) = calls(network, "search")
    assert (one["publishedAfter"], one["publishedBefore"]) == ("2026-03-03T12:00:00Z", "2026-03-03T13:00:01Z")
    assert (one["type"], one["order"], one["safeSearch"]) == ("video", "date", "none")


@pytest.mark.parametrize("asked", [{"search": False}, {"terms": ()}])
def test_a_search_can_be_left_out(network: Network, asked: dict[str, Any]) -> None:
    fetch(network, **asked)
    assert calls(network, "search") == []


def test_a_spent_quota_waits_for_midnight_and_hides_nothing_else(network: Network) -> None:
    peer = youtube(network)
    peer.world.publish(Post(1, at(1)))
    peer.spent = {"search"}
    pages: list[Fetched] = []
    with pytest.raises(TransientError, match="quotaExceeded; counted anew at midnight Pacific") as caught:
        pages.extend(SOURCE.payloads(query(network), WINDOW, {}, CLIENT))
    assert 0 < (caught.value.retry_after or 0) <= 90_000
    assert len(rows(pages)) == 1


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 3, 3, 8, tzinfo=UTC), 24), (datetime(2026, 3, 3, 7, 30, tzinfo=UTC), 0.5),
        (datetime(2026, 3, 8, 8, tzinfo=UTC), 23), (datetime(2026, 11, 1, 7, tzinfo=UTC), 25),
    ],
)  # fmt: skip
def test_midnight_in_the_pacific(now: datetime, hours: float) -> None:
    assert until_midnight(now) == hours * 3_600


def test_the_key_stands_in_a_header_and_a_wrong_one_is_explained(network: Network) -> None:
    fetch(network)
    assert all(KEY not in r.query and r.headers["x-goog-api-key"] == KEY for r in network.asked)
    wrong = replace(query(network), credentials={"password": "wrong-key"})
    with pytest.raises(PermanentError, match="API key is not valid") as caught:
        list(SOURCE.payloads(wrong, WINDOW, {}, CLIENT))
    assert "wrong-key" not in str(caught.value)
    with pytest.raises(ConfigError, match="field password of the Airflow connection `youtube`"):
        list(SOURCE.payloads(replace(query(network), credentials={}), WINDOW, {}, CLIENT))


def test_recheck_of_videos_and_comments(network: Network) -> None:
    peer = youtube(network)
    peer.world.publish(*(Post(n, at(n / 10)) for n in range(1, 121)), Post(500, at(20), parent=3))
    peer.videos.publish(Post(1, at(5)))
    ids = [peer.native_id(p) for p in peer.world.seen()]
    peer.world.remove(7)
    found = list(SOURCE.recheck(query(network), [*ids, "video000001", "video000009"], CLIENT))
    assert {g.native_id for g in found if isinstance(g, Gone)} == {peer.native_id(Post(7, at(1))), "video000009"}
    assert len(rows([f for f in found if isinstance(f, Fetched)])) == 121
    assert len(calls(network, "comments")) == 3


def test_followers_canary_and_check(network: Network) -> None:
    assert list(SOURCE.followers(query(network, own=("@zefirella",)), CLIENT)) == [("@zefirella", None, 41_200)]
    with pytest.raises(PermanentError, match="no such channel"):
        list(SOURCE.followers(query(network, own=("@nobody",)), CLIENT))
    assert SOURCE.canary(query(network), CLIENT) is True
    assert SOURCE.check(query(network), CLIENT) == "answers; 1 own channels found"
    assert calls(network, "search") == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"code": 403, "message": "no", "errors": [{"reason": "quotaExceeded"}]}}', b'{"error": {"code": 404}}', b"[]",
        b'{"reviews": []}', b'{"kind": "youtube#videoListResponse", "items": {}}', b"<rss version='2.0'><channel></channel></rss>",
    ],
)  # fmt: skip
def test_what_is_none_of_youtube_s_answers(body: bytes) -> None:
    with pytest.raises(PermanentError):
        list(SOURCE.mentions(body, {}))


def test_an_empty_list_has_no_items_at_all() -> None:
    assert (
        list(SOURCE.mentions(json.dumps({"kind": "youtube#channelListResponse", "pageInfo": {"totalResults": 0}}).encode(), {}))
        == []
    )


@pytest.mark.parametrize("videos", [["short"], ["https://youtu.be/x"]])
def test_settings_that_are_wrong(videos: list[str]) -> None:
    with pytest.raises(ValidationError):
        SOURCE.Settings.model_validate({"videos": videos})
