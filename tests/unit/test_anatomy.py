"""How an incident spread: the first post, the networks, the large authors, outsiders, topics, the news; in words and as a picture."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from building import DAY, HOUR, MINUTE, House, mention, score, utc
from test_evidence import SMELL, with_lines

from coolhead import cli, planning
from coolhead.anatomy import Anatomy, anatomy
from coolhead.clock import Fixed
from coolhead.incidents import policy_of
from coolhead.intake import dirty
from coolhead.plan import Plan
from coolhead.reports import _anatomy, _spread, daily, review
from coolhead.rows import ALL, AuthorDay, Incident, InTopic, Match, Mention, Seen, Signal, Topic, key_of
from coolhead.topics import group_all
from coolhead.windows import BASE, GRACE

NOON = utc(2026, 3, 3, 12)
ROME = "Europe/Rome"
MOULD = "muffa nera nel gelato Zefirella, che schifo, ridatemi i soldi del cono numero"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path, with_lines(topics=[SMELL])) as made:
        yield made


def say(house: House, text: str, minutes: float, label: Any = "negative", **columns: Any) -> Mention:
    """So many minutes after noon."""
    house.number += 1
    at = NOON + minutes * MINUTE
    m = mention(house.number, at, text=text, **columns)
    matched = Match(**key_of(m), market=house.market.id, published_at=at, matched_by="zefirella")
    house.store.upsert([m, matched, *dirty([(house.market.id, at)]), score(m, label, lang=columns.get("lang", "it"))])
    return m


def unread(house: House, minutes: float) -> list[Any]:
    """Rows of a mention that no scorer has seen."""
    house.number += 1
    m = mention(house.number, NOON + minutes * MINUTE)
    return [m, Match(**key_of(m), market=house.market.id, published_at=m.published_at, matched_by="zefirella")]


def incident(house: House, **columns: Any) -> Incident:
    """Its rise began at noon, and was seen at 12:22."""
    given = {
        "onset_at": NOON,
        "detected_at": NOON + 22 * MINUTE,
        "responded_at": NOON + 50 * MINUTE,
        "closed_at": NOON + 5 * HOUR,
    }
    made = Incident(
        incident_id="11111111-2222-5333-8444-555555555555", market=house.market.id, title="Zefirella: complaints", state="closed",
        severity="S3", severity_proposed="S3", reasons=[], policy=policy_of(house.plan, house.market), **{**given, **columns},
    )  # fmt: skip
    house.store.upsert([made])
    return made


def a_storm(house: House) -> None:
    """One complaint at noon, a large author a quarter of an hour later, the news after half an hour."""
    say(house, "buona la Zefirella", 0, "positive", audience=3)
    first = say(house, f"{MOULD} uno", 1, author="first", audience=20, url="https://social.example/1")
    say(house, "muffa nera!", 2, author="answering", parent=first.native_id, audience=None)
    say(house, f"{MOULD} uno", 15, author="loud", audience=90_000, repost_of=first.native_id)
    for n in range(20):
        say(house, f"{MOULD} {n} {'davvero' * (n % 3)}", 16 + n, author=f"a{n}", audience=10)
    say(house, "Muffa nera nel gelato Zefirella: ritirati i lotti, che schifo", 32, "neutral", source="feed", author=None)
    group_all(house.store, house.plan, Fixed(NOON + DAY))
    days = [
        AuthorDay(market=house.market.id, day=NOON.date(), source="mastodon", author=f"a{n}", mentions=1, first=n < 15) for n in range(20)
    ]  # fmt: skip
    house.store.upsert(days)


def made(house: House, as_of: Any = NOON + DAY, **columns: Any) -> Anatomy:
    return anatomy(house.store, house.plan, incident(house, **columns), as_of)


def test_the_first_post_is_the_first_that_speaks_ill(house: House) -> None:
    a_storm(house)
    first = made(house).first
    assert first and (first.at, first.source, first.form, first.author, first.audience) == (
        NOON + MINUTE,
        "mastodon",
        "original",
        "first",
        20,
    )
    assert first.url == "https://social.example/1"


def test_who_joined_when_and_how_much_was_passed_on(house: House) -> None:
    a_storm(house)
    told = made(house)
    mastodon, feed = told.networks
    assert (mastodon.source, mastodon.joined, mastodon.news) == ("mastodon", NOON + MINUTE, False)
    assert (mastodon.mentions, mastodon.reposts, mastodon.answers, mastodon.negative) == (23, 1, 1, 23)
    assert (feed.joined, feed.news, feed.mentions) == (NOON + 32 * MINUTE, True, 1)
    assert sum(n for _, _, n, _ in told.steps) == told.mentions == 24
    assert told.peak == (NOON + 15 * MINUTE, 15)


def test_a_large_author_stands_beside_what_was_said_before_and_after(house: House) -> None:
    a_storm(house)
    loud = made(house).multipliers[0]
    assert (loud.post.author, loud.post.audience, loud.post.form) == ("loud", 90_000, "repost")
    assert (loud.before, loud.after) == (2, 21)


def test_outsiders_are_a_share_of_those_whose_past_is_known(house: House) -> None:
    a_storm(house)
    told = made(house)
    assert (told.outsiders, told.known) == (15, 20)


def test_news_counts_where_it_speaks_of_what_others_complain_of(house: House) -> None:
    a_storm(house)
    say(house, "Zefirella sponsors the regatta", 3, "neutral", source="feed", lang="en")
    found = made(house).news
    assert found and found.at == NOON + 32 * MINUTE


def test_reach_says_of_how_many_it_is_known(house: House) -> None:
    a_storm(house)
    told = made(house)
    assert (told.reach, told.reach_known) == (20 + 90_000 + 200, 22)


def test_topics_and_copies_are_told(house: House) -> None:
    a_storm(house)
    told = made(house)
    assert (told.topics[0].negative or 0) >= 20 and "muffa" in told.topics[0].terms
    assert "near_duplicates" in {e.kind for e in told.evidence}


def test_an_incident_of_a_topic_is_what_was_said_of_it_since_the_first_post(house: House) -> None:
    a_storm(house)
    say(house, "puzza, Zefirella", -90)
    say(house, "che puzza, Zefirella", 5)
    group_all(house.store, house.plan, Fixed(NOON + DAY))
    told = made(house, topic="smell")
    assert (told.mentions, told.topic) == (2, ("puzza",))
    assert told.span.start == NOON - 90 * MINUTE  # it began before the rise


def test_a_topic_that_was_found_to_go_on_since_is_still_the_incidents(house: House) -> None:
    known: dict[str, Any] = {
        "market": house.market.id,
        "first_at": NOON,
        "last_at": NOON,
        "mentions": 3,
        "authors": 3,
        "known_at": NOON,
    }
    before = Topic(day=(NOON - DAY).date(), topic="before", terms=["muffa"], **known)
    house.store.upsert([before, Topic(day=NOON.date(), topic="today", terms=["muffa"], continues="before", **known)])
    for n in range(3):
        m = say(house, "muffa, Zefirella", n)
        of = {"market": house.market.id, "published_at": m.published_at, "known_at": m.known_at, "author": m.author}
        house.store.upsert([InTopic(**key_of(m), **of, topic="today", terms=[])])
    assert [made(house, topic=name).mentions for name in ("today", "before")] == [3, 3]


def spoke(house: House, rule: str, minutes: float, topic: str = ALL, threshold: float = 1) -> None:
    """A signal of the incident, in the window that begins so many minutes after noon."""
    at = NOON + minutes * MINUTE
    house.store.upsert([Signal(
        market=house.market.id, rule=rule, start=at, topic=topic, severity="S1", reason="r", kpi="volume", value=30, threshold=threshold,
        as_of=at + BASE + GRACE, incident_id="11111111-2222-5333-8444-555555555555",
    )])  # fmt: skip


def saw(house: House, minutes: float, **evidence: Any) -> None:
    at = NOON + minutes * MINUTE
    row = Seen(market=house.market.id, start=at, quality="ok", numbers={}, evidence=evidence, as_of=at + BASE + GRACE)
    house.store.upsert([row])


def loud_and_others(house: House) -> Mention:
    """Two planned topics, and a large author's post about neither, which rang; what else was said."""
    say(house, "puzza, Zefirella", 3, audience=10)
    say(house, "Zefirella stinks", 5, audience=10, lang="en")
    opener = say(house, "Zefirella, never again", 1, author="opener", audience=812_000)
    say(house, "Zefirella is closed today", 2, "neutral", author="other", audience=700_000)
    say(house, "I hate Zefirella", 6, audience=10)
    say(house, "buona la Zefirella", 7, "positive", audience=10)
    say(house, "I hate Zefirella too", 70, audience=10)
    group_all(house.store, house.plan, Fixed(NOON + DAY))
    post = {"source": "mastodon", "native_id": opener.native_id, "audience": 812_000, "credible": True, "topic": None}
    saw(house, 5, multipliers=[post, {**post, "native_id": "another", "audience": 9}])
    return opener


LOUD = {"name": "loud", "rule": "multiplier", "severity": "S1"}


@pytest.fixture
def critic(tmp_path: Path) -> Iterator[House]:
    """With a rule to which one post is enough."""
    content = with_lines(topics=[SMELL]).content()
    content["rules"]["rules"].append(LOUD)
    with House(tmp_path, Plan.model_validate(content)) as made:
        yield made


def test_the_large_author_who_began_it_is_part_of_it(critic: House) -> None:
    loud_and_others(critic)
    spoke(critic, "loud", 5, threshold=100_000)
    told = made(critic, topic="smell")
    assert (told.mentions, told.reach, told.multipliers[0].post.author) == (3, 812_020, "opener")
    assert told.first and told.first.at == NOON + MINUTE
    said = "\n".join(_anatomy.lines(told, ROME))
    assert "What was said of its topic (" in said and "and 1 post that made a rule fire alone." in said


def test_a_storm_is_all_that_speaks_ill_while_the_whole_brand_was_meant(critic: House) -> None:
    loud_and_others(critic)
    spoke(critic, "flood", 60)
    told = made(critic, topic="smell")
    assert told.mentions == 4  # two of the topic, and what else was negative until the signal's window ended
    said = "\n".join(_anatomy.lines(told, ROME))
    assert (
        "all else that is negative or a complaint, 03 Mar 13:00 to 03 Mar 14:05, as long as signals were about the brand"
        in said
    )
    assert made(critic, NOON + 30 * MINUTE, topic="smell").mentions == 2  # the signal was not known then


def test_all_topics_of_its_signals_count(house: House) -> None:
    a_storm(house)
    say(house, "puzza, Zefirella", 40)
    group_all(house.store, house.plan, Fixed(NOON + DAY))
    found = {r.topic for r in house.store.read(InTopic) if r.topic}
    assert len(found) > 1
    alone = made(house, topic="smell").mentions
    for topic in sorted(found):
        spoke(house, "flood", 30, topic=topic)
    told = made(house, topic="smell")
    assert (alone, told.mentions) == (1, sum(r.topic is not None for r in house.store.read(InTopic)))
    assert f"What was said of its {len(found)} topics (puzza; and others)." in "\n".join(_anatomy.lines(told, ROME))


def test_a_post_that_touched_a_red_line_is_part_of_it(critic: House) -> None:
    hit = loud_and_others(critic)
    line = {"name": "harm", "source": "mastodon", "native_id": hit.native_id, "credible": True}
    saw(critic, 10, red_lines=[line])
    spoke(critic, "red", 10, topic="red line: harm")
    assert made(critic, topic="smell").mentions == 3


def test_all_delays_are_counted_from_the_first_post(house: House) -> None:
    """A giveaway: most of it is kind, so its first post is the first of all, though a headline spoke ill later."""
    for n in range(4):
        say(house, "buona la Zefirella", n, "positive")
    say(house, "Zefirella: la truffa?", 16, source="feed", author=None)
    told = made(house)
    said = "\n".join(_anatomy.lines(told, ROME))
    assert told.first and told.first.at == told.span.start == NOON
    assert "feed joined 16\N{NO-BREAK SPACE}min after the first post" in said
    assert "First item on feed, 03 Mar 13:16, 16\N{NO-BREAK SPACE}min after the first post" in said


def test_a_merged_one_points_to_the_one_that_goes_on(house: House) -> None:
    a_storm(house)
    said = _anatomy.lines(made(house, merged_into="99999999-2222"), ROME)
    assert said[2] == (
        "A person merged it into 99999999, which goes on with its signals: its whole anatomy is `coolhead incident anatomy 99999999`"
    )


def test_what_nobody_read_is_unknown_and_not_zero(house: House) -> None:
    house.store.upsert([row for n in range(3) for row in unread(house, n)])
    told = made(house)
    assert told.networks[0].negative is None and told.mentions == 3


def test_as_known_then(house: House) -> None:
    a_storm(house)
    assert made(house, NOON + 10 * MINUTE).mentions == 2


def test_a_drill_and_a_silent_incident_are_empty(house: House) -> None:
    a_storm(house)
    for columns in ({"drill": True}, {"onset_at": NOON + 10 * HOUR, "closed_at": NOON + 11 * HOUR}):
        told = made(house, **columns)
        assert (told.mentions, told.first, told.networks) == (0, None, ())
        assert _anatomy.facts(told, ROME) == [("First post", ("No mention of it is stored.",))]
        assert not _spread.picture(told, ROME)


# ---- in words, and as a picture ---------------------------------------------------------------------------------


def test_words_hold_no_text_of_others(house: House) -> None:
    a_storm(house)
    said = "\n".join(_anatomy.lines(made(house), ROME))
    assert (
        "3 Mar 13:01 on mastodon: an original post, by author first with 20 followers; detected 21\N{NO-BREAK SPACE}min later."
        in said
    )
    assert "Began on mastodon; feed joined 31\N{NO-BREAK SPACE}min after the first post." in said
    assert (
        "Author loud with 90,000 followers on mastodon, 03 Mar 13:15: 2 mentions in the hour before, 21 in the hour after."
        in said
    )
    assert "75\N{NO-BREAK SPACE}% (95 %: 53 to 89) of 20 authors had not mentioned the brand" in said
    assert MOULD not in said


def test_the_picture_names_networks_and_marks_and_is_the_same_bytes(house: House) -> None:
    a_storm(house)
    told = made(house)
    picture = _spread.picture(told, ROME)
    shown = " ".join(t.text or "" for t in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text"))
    for name in ("mastodon", "feed", "first post", "author with 90,000", "first news", "T1 detected", "T4 first response"):
        assert name in shown
    assert picture == _spread.picture(told, ROME)


def test_more_networks_than_rows_are_taken_together(house: House) -> None:
    for n, source in enumerate(("mastodon", "feed", "x", "reddit", "bluesky", "youtube", "wykop", "telegram")):
        for i in range(9 - n):
            say(house, "bad Zefirella", n + i, source=source)
    shown = _spread.picture(made(house), ROME)
    assert "others" in shown and "telegram" not in shown and ">mastodon<" in shown


def test_the_review_tells_it(house: House) -> None:
    a_storm(house)
    house.listen(NOON - DAY, NOON + DAY)
    page = review.build(house.store, house.plan, incident(house), NOON + DAY)
    assert "How it spread" in page and "feed joined 31\N{NO-BREAK SPACE}min after the first post" in page and "spread-" in page


def test_the_brief_tells_it_in_a_sentence(house: House) -> None:
    a_storm(house)
    incident(house)
    page = daily.build(house.store, house.plan, house.market, NOON.date(), NOON + 10 * HOUR)
    assert (
        "Began on mastodon, 03 Mar 13:01; feed joined 31\N{NO-BREAK SPACE}min after the first post; farthest by an author with 90,000 followers."
        in page
    )


def test_long_incidents_show_their_first_hours(house: House) -> None:
    a_storm(house)
    for n in range(60):
        say(house, "bad Zefirella", 60 * n)
    span = _spread._shown(made(house, closed_at=NOON + 70 * HOUR, as_of=NOON + 71 * HOUR))
    assert span.start <= NOON and span.end - span.start < timedelta(hours=8)


def test_the_command_tells_it(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_storm(house)
    incident(house)
    planning.adopt(house.store, house.plan, Fixed(NOON))
    monkeypatch.setenv("COOLHEAD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COOLHEAD_STORE", house.store.url)
    monkeypatch.delenv("COOLHEAD_PLAN", raising=False)
    assert cli.main(["incident", "anatomy", "1111"]) == 0
    said = capsys.readouterr().out
    assert "First post:" in said and "Author loud with 90,000 followers" in said
