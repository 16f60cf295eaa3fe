"""The shipped story, and the server that plays it."""

import csv
import io
import json
import random
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from coolhead.play import story
from coolhead.play.post import COLUMNS, LANGUAGES, OWN, Post, snowflake
from coolhead.play.server import FEED, LOOKUP, TIMELINE, StoryServer

HOUR = timedelta(hours=1)
POSTS = story.posts()
MENTIONS = [post for post in POSTS if not post.own]
ATOM = {"a": "http://www.w3.org/2005/Atom"}


class Hand:
    """A clock that a test sets."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Hand:
    return Hand(story.CALM_AGAIN)


@pytest.fixture
def server(clock: Hand) -> Iterator[StoryServer]:
    with StoryServer(clock) as running:
        yield running


def between(start: datetime, end: datetime) -> list[Post]:
    return [post for post in MENTIONS if start <= post.at < end]


def share(posts: list[Post], *kinds: str) -> float:
    return sum(post.kind.endswith(kinds) for post in posts) / len(posts)


def timeline(server: StoryServer, **asked: int) -> requests.Response:
    return requests.get(server.url + TIMELINE, params={"limit": 40} | asked, timeout=10)


def walk(server: StoryServer) -> list[dict[str, object]]:
    """Every status, page by page, by the Link header."""
    answer, found = timeline(server), []
    while answer.json():
        found += answer.json()
        answer = requests.get(answer.links["next"]["url"], timeout=10)
    assert "Link" not in answer.headers
    return found


def entries(content: bytes) -> list[ET.Element]:
    return ET.fromstring(content).findall("a:entry", ATOM)


# the story


def test_a_fresh_process_tells_the_same_story() -> None:
    code = "import hashlib; from coolhead.play import story; print(hashlib.sha256(repr(story.posts()).encode()).hexdigest())"
    told = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_order_identity_and_aware_times() -> None:
    times = [post.at for post in POSTS]
    assert times == sorted(times)
    assert {at.tzinfo for at in times} == {UTC}
    assert len({post.id for post in POSTS}) == len(POSTS)
    assert times[0] >= story.CALM
    assert times[-1] < story.END


def test_calm_days() -> None:
    calm = between(story.CALM, story.OUTAGE.replace(hour=0))
    days = Counter(post.at.date() for post in calm)
    assert len(days) == 20
    assert all(90 <= count <= 155 for count in days.values())
    assert 110 <= len(calm) / len(days) <= 130
    assert 0.12 <= sum(post.network == "news" for post in calm) / len(calm) <= 0.18
    assert 0.5 <= share(calm, "positive") <= 0.6
    assert 0.1 <= share(calm, "negative") <= 0.2
    assert all(0.2 <= count / len(calm) <= 0.3 for count in Counter(post.lang for post in calm).values())
    assert max(Counter(post.at.replace(minute=0, second=0, microsecond=0) for post in calm).values()) <= 24
    assert sum(post.at.hour in {1, 2, 3} for post in calm) / len(calm) < 0.02


def test_giveaway_is_loud_and_glad() -> None:
    hot = between(story.GIVEAWAY, story.GIVEAWAY + 3 * HOUR)
    assert 60 <= len(hot) / 3 <= 90
    assert share(hot, "negative", "complaint") < 0.05
    assert len(between(story.GIVEAWAY - HOUR, story.GIVEAWAY)) < 20


def test_firestorm() -> None:
    start = story.FIRESTORM
    assert 8 <= sum(post.kind == "complaint" for post in between(start, start + HOUR / 6)) <= 16
    hottest = between(start + HOUR / 2, start + 4 * HOUR)
    assert 145 <= len(hottest) / 3.5 <= 180
    assert share(hottest, "complaint", "crisis") > 0.75
    assert all(share([post for post in hottest if post.lang == lang], "complaint", "crisis") > 0.75 for lang in LANGUAGES)
    assert {"defence", "question", "joke"} <= {post.kind for post in hottest}
    evening = story.CALM_AGAIN - 3 * HOUR
    assert share(between(evening, story.CALM_AGAIN), "complaint") < 0.1


def test_multipliers_and_news() -> None:
    crowds = {post.author: post.followers for post in MENTIONS if post.followers >= 20_000}
    assert [post.at for post in POSTS if post.followers == 812_000] == [story.MULTIPLIER]
    assert sum(20_000 <= crowd <= 90_000 for crowd in crowds.values()) == 7
    articles = [post for post in POSTS if post.kind == "news_crisis"]
    assert len(articles) == 6
    assert articles[0].at == story.NEWS


def test_calm_again() -> None:
    after = between(story.CALM_AGAIN, story.END.replace(hour=0))
    assert all(90 <= count <= 155 for count in Counter(post.at.date() for post in after).values())
    assert share(after, "positive") > 0.5
    assert share(after, "complaint") == 0


def test_texts_hardly_repeat_and_all_can_be_found() -> None:
    assert len({post.text for post in MENTIONS}) / len(MENTIONS) > 0.99
    assert all("#zefirella" in post.text.lower() for post in POSTS if post.network == "mastodon")
    assert all("Zefirella" in post.text.partition("\n")[0] for post in POSTS if post.network == "news")
    assert not [post.text for post in POSTS if re.search(r"[{}]|\|\||  ", post.text) or len(post.text) > 500]


def test_followers_grow_win_and_lose() -> None:
    assert story.followers(story.CALM) == 48_210
    assert story.followers(story.GIVEAWAY_END) - story.followers(story.GIVEAWAY) > 1_000
    assert story.followers(story.FIRESTORM_END) - story.followers(story.FIRESTORM) < -4_000
    assert 0 < story.followers(story.GIVEAWAY) - story.followers(story.CALM) < 500


def test_answers_follow_what_they_answer() -> None:
    known = {post.id: post for post in POSTS}
    answers = [post for post in POSTS if post.reply_to]
    assert all(known[post.reply_to].at < post.at for post in answers if post.reply_to)
    assert sum(post.kind == "own_reply" for post in answers) > 200


def test_export() -> None:
    rows = list(csv.DictReader(io.StringIO(story.as_csv(POSTS))))
    assert tuple(rows[0]) == COLUMNS
    assert [row["id"] for row in rows] == [post.id for post in POSTS]
    assert {row["followers"] for row in rows if row["network"] == "news"} == {""}
    assert all(re.fullmatch(r"https://[a-z.]+\.example/\S+", row["url"]) for row in rows)


# the server


def test_pages_give_each_post_exactly_once(server: StoryServer, clock: Hand) -> None:
    clock.now = story.END
    found = [str(status["id"]) for status in walk(server)]
    expected = [post.id for post in POSTS if post.network == "mastodon" and not post.gated]
    assert found == expected[::-1]
    assert server.requests[TIMELINE] == len(expected) // 40 + 2


def test_ids_made_from_times_bound_a_window(server: StoryServer) -> None:
    start, end = story.FIRESTORM, story.FIRESTORM + HOUR / 4
    expected = [p.id for p in POSTS if start <= p.at < end and p.network == "mastodon" and not p.gated]
    answer = timeline(server, since_id=snowflake(start) - 1, max_id=snowflake(end)).json()
    assert [status["id"] for status in answer] == expected[::-1]
    assert len(expected) > 10
    upward = timeline(server, min_id=snowflake(start) - 1, limit=5).json()
    assert [status["id"] for status in upward] == expected[:5][::-1]


def test_limits_and_headers(server: StoryServer) -> None:
    assert len(timeline(server, limit=1_000).json()) == 40
    answer = requests.get(server.url + TIMELINE, timeout=10)
    assert len(answer.json()) == 20
    assert answer.headers["X-RateLimit-Limit"] == "300"
    assert answer.links["prev"]["url"].endswith(f"min_id={answer.json()[0]['id']}")
    assert requests.get(answer.links["prev"]["url"], timeout=10).json() == []


def test_nothing_after_now(server: StoryServer, clock: Hand) -> None:
    draw = random.Random(0)
    for _ in range(8):
        clock.now = story.CALM + draw.random() * (story.OUTAGE - story.CALM) + HOUR
        newest = timeline(server, limit=1).json()[0]
        assert datetime.fromisoformat(newest["created_at"]) <= clock.now
        assert newest["id"] == [p.id for p in POSTS if p.network == "mastodon" and p.at <= clock.now][-1]
        articles = entries(requests.get(server.url + FEED, timeout=10).content)
        expected = [p.id for p in POSTS if p.network == "news" and p.at <= clock.now]
        assert [entry.findtext("a:id", namespaces=ATOM) for entry in articles] == expected[::-1]


def test_outage(server: StoryServer, clock: Hand) -> None:
    clock.now = story.OUTAGE
    answer = timeline(server)
    assert answer.status_code == 503
    assert answer.text.startswith("<!DOCTYPE html>")
    assert requests.get(server.url + LOOKUP, params={"acct": "zefirella"}, timeout=10).status_code == 503
    clock.now = story.OUTAGE_END - timedelta(seconds=1)
    assert timeline(server).status_code == 503
    news = entries(requests.get(server.url + FEED, timeout=10).content)
    assert datetime.fromisoformat(str(news[0].findtext("a:published", namespaces=ATOM))) > story.OUTAGE
    clock.now = story.OUTAGE_END
    newest = timeline(server, limit=1).json()[0]
    assert datetime.fromisoformat(newest["created_at"]) < story.OUTAGE


def test_gated_posts_wait_for_a_person(server: StoryServer, clock: Hand) -> None:
    clock.now = story.END
    assert not [status for status in walk(server) if "L0317" in str(status["content"])]
    approved = datetime(2026, 3, 25, 18, 47, 12, 345_678, tzinfo=UTC)
    moved = server.publish(approved)
    assert server.publish(story.END) == []
    shown = {str(status["id"]): status for status in walk(server)}
    statements = [shown[post.id] for post in moved if post.kind == "statement"]
    assert {status["language"] for status in statements} == set(LANGUAGES)
    assert {status["created_at"] for status in statements} == {"2026-03-25T18:47:12.345Z"}
    replies = [shown[post.id] for post in moved if post.kind == "reply_complaint"]
    assert len(replies) == 36
    assert all(shown[str(reply["in_reply_to_id"])] for reply in replies)


def test_replies_wait_for_a_late_statement(server: StoryServer, clock: Hand) -> None:
    late = story.REPLIES + 5 * HOUR
    moved = server.publish(late)
    assert min(post.at for post in moved if post.kind == "reply_complaint") == late + story.REPLIES_WAIT
    assert all(int(post.id) >> 16 == snowflake(post.at) >> 16 for post in moved)
    clock.now = late
    assert {s["account"]["acct"] for s in timeline(server, since_id=snowflake(late) - 1).json()} == {"zefirella"}


def test_shape_of_a_status(server: StoryServer, clock: Hand) -> None:
    clock.now = story.FIRESTORM
    status = next(status for status in walk(server) if status["in_reply_to_id"])
    assert {"id", "created_at", "content", "account", "tags", "mentions", "reblog", "language", "uri", "url"} <= set(status)
    assert str(status["content"]).startswith("<p>")
    assert "zefirella" in [tag["name"] for tag in json.loads(json.dumps(status["tags"]))]
    assert isinstance(status["in_reply_to_account_id"], str)
    assert not re.search(r"https?://(?![\w.]*\.example[/\"?])", json.dumps(status))


def test_own_account(server: StoryServer, clock: Hand) -> None:
    def ask(name: str) -> requests.Response:
        return requests.get(server.url + LOOKUP, params={"acct": name}, timeout=10)

    for clock.now in (story.CALM, story.FIRESTORM_END):
        assert ask("zefirella").json()["followers_count"] == story.followers(clock.now)
    assert ask(OWN).json()["acct"] == "zefirella"
    assert ask("somebody").status_code == 404


def test_feed_is_fetched_once(server: StoryServer, clock: Hand) -> None:
    first = requests.get(server.url + FEED, timeout=10)
    assert first.headers["Last-Modified"].endswith("GMT")
    told = {"If-None-Match": first.headers["ETag"]}
    again = requests.get(server.url + FEED, headers=told, timeout=10)
    assert (again.status_code, again.content) == (304, b"")
    oldest = entries(first.content)[-1].findtext("a:published", namespaces=ATOM)
    assert clock.now - timedelta(days=25) < datetime.fromisoformat(str(oldest)) < clock.now - timedelta(days=24)
    clock.now += timedelta(days=1)
    assert requests.get(server.url + FEED, headers=told, timeout=10).status_code == 200


def test_anything_else_is_not_there(server: StoryServer) -> None:
    assert requests.get(server.url + "/api/v1/timelines/public", timeout=10).status_code == 404
    assert requests.get(server.url, timeout=10).status_code == 404
    assert server.requests == {"/api/v1/timelines/public": 1, "/": 1}
