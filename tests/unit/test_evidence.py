"""What the rules see beside the numbers: topics complained of, large authors, red lines, networks, news, the onset."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import DAY, HOUR, LINEAR, MINUTE, House, a_plan, few, mention, score, utc
from hypothesis import given, settings
from hypothesis import strategies as st

from coolhead import evidence, trailing
from coolhead.clock import Fixed
from coolhead.intake import dirty
from coolhead.plan import Plan
from coolhead.rows import AuthorDay, CommentKind, Incident, InTopic, Match, Mention, PersonLabel, Seen, Topic, key_of
from coolhead.topics import group_all
from coolhead.windows import BASE, GRACE, Window, floor

NOON = utc(2026, 3, 3, 12)
LATER = NOON + timedelta(days=3)
SECOND = timedelta(seconds=1)
SMELL = {"name": "smell", "owner": "anna", "terms": {"it": {"any_of": ["puzza"]}, "en": {"any_of": ["stinks"]}}}
HARM = {
    "name": "harm",
    "severity": "S3",
    "owner": "anna",
    "terms": {"pl": {"any_of": ["trucizna"]}, "en": {"any_of": ["poisoned"]}},
}
Shown = dict[datetime, dict[str, Any]]


def with_lines(*, topics: list[Any] | None = None, red_lines: list[Any] | None = None) -> Plan:
    content = a_plan().content()
    content["brands"]["brands"][0]["markets"][0] |= {"topics": topics or [], "red_lines": red_lines or []}
    return Plan.model_validate(content)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path, with_lines(topics=[SMELL], red_lines=[HARM])) as made:
        yield made


def rows_of(
    house: House, text: str, at: datetime = NOON, label: Any = "negative", kind: Any = None, **columns: Any
) -> list[Any]:
    """One mention and what was read in it, when it became known if nothing else is said; by an author of its own."""
    house.number += 1
    read_at = columns.pop("read_at", None)
    m = mention(house.number, at, text=text, **columns)
    rows = [
        m,
        Match(**key_of(m), market=house.market.id, published_at=at, matched_by="zefirella"),
        *dirty([(house.market.id, at)]),
    ]
    rows += [score(m, label, known_at=read_at)] if label else []
    rows += [CommentKind(**key_of(m), revision="1", kind=kind, confidence=0.9, known_at=read_at or m.known_at)] if kind else []
    return rows


def say(house: House, text: str, at: datetime = NOON, label: Any = "negative", kind: Any = None, **columns: Any) -> Mention:
    m, *rows = rows_of(house, text, at, label, kind, **columns)
    house.store.upsert([m, *rows])
    return Mention.model_validate(m)


def group(house: House) -> None:
    group_all(house.store, house.plan, Fixed(LATER))


def look(house: House, span: Window) -> Shown:
    """As of each window's end, from what the store holds."""
    known = trailing.heard(house.store, house.market.id, (LINEAR.name, LINEAR.revision), span)
    found = trailing.expanded(house.store, known, span)
    return evidence.of_windows(house.store, house.plan, house.market, LINEAR.name, LINEAR.revision, found)


def at(house: House, moment: datetime) -> dict[str, Any]:
    """Of the window that holds a moment."""
    start = floor(moment)
    return look(house, Window(start, start + BASE)).get(start, {})


# ---- topics ----------------------------------------------------------------------------------------------------


def test_a_topic_counts_who_complains_and_not_how_often(house: House) -> None:
    for n in range(6):
        say(house, "che puzza, Zefirella", NOON + n * MINUTE, author=f"a{n % 3}", audience=100)
    say(house, "puzza? a me no, Zefirella è buona", NOON + 7 * MINUTE, "positive", audience=50)
    group(house)
    (topic,) = at(house, NOON + 10 * MINUTE)["topics"]
    assert topic == {
        "topic": "smell", "name": "smell", "owner": "anna", "terms": topic["terms"], "authors": 3, "authors_day": 3, "usual": 0,
        "negative": 6, "mentions": 7, "reach": 650, "first": NOON.isoformat(),
    }  # fmt: skip


def test_a_complaint_counts_whatever_its_sentiment_and_only_once_it_was_read(house: House) -> None:
    say(house, "puzza, Zefirella", label="neutral", kind="complaint", read_at=NOON + 20 * MINUTE)
    group(house)
    assert "topics" not in at(house, NOON + 10 * MINUTE)
    assert at(house, NOON + 20 * MINUTE)["topics"][0]["authors"] == 1


def test_a_day_reaches_back_24_hours_and_an_hour_one(house: House) -> None:
    say(house, "puzza, Zefirella", NOON - 25 * HOUR)
    say(house, "puzza, Zefirella", NOON - 23 * HOUR)
    say(house, "puzza, Zefirella", NOON)
    group(house)
    (topic,) = at(house, NOON)["topics"]
    assert (topic["authors"], topic["authors_day"], topic["first"]) == (1, 2, (NOON - 23 * HOUR).isoformat())


def test_what_a_person_labels_counts_from_then_on(house: House) -> None:
    said = [say(house, "puzza, Zefirella", NOON + n * MINUTE) for n in range(3)]
    group(house)
    for m in said[:2]:
        house.store.upsert([PersonLabel(**key_of(m), by="anna", at=NOON + 20 * MINUTE, label="positive")])
    assert at(house, NOON + 10 * MINUTE)["topics"][0]["authors_day"] == 3
    assert at(house, NOON + 30 * MINUTE)["topics"][0]["authors_day"] == 1


def test_three_mentions_by_two_authors_make_a_topic_and_not_before(house: House) -> None:
    for n, author in enumerate(("a", "b", "c")):
        say(house, "il gelato sa di plastica, Zefirella", NOON + n * 10 * MINUTE, author=author)
    group(house)
    assert "topics" not in at(house, NOON + 10 * MINUTE)  # of what was known then, no topic could be made
    (topic,) = at(house, NOON + 25 * MINUTE)["topics"]
    assert (topic["authors"], topic["name"], topic["owner"]) == (3, None, None)
    assert "plastica" in topic["terms"]


def test_a_topic_bears_one_name_over_the_days(house: House) -> None:
    first = NOON.date() - timedelta(days=70)
    for n in range(71):
        day = first + timedelta(days=n)
        house.store.upsert([
            Topic(
                market=house.market.id, day=day, topic=f"t{n}", terms=["plastica", "gelato"], continues=f"t{n - 1}" if n else None,
                first_at=NOON, last_at=NOON, mentions=3, authors=3, known_at=NOON,
            )
        ])  # fmt: skip
        for i in range(3) if n in (40, 69, 70) else ():
            m = say(house, "sa di plastica, Zefirella", NOON - timedelta(days=70 - n) + (i - 20 * (n == 70)) * MINUTE)
            of = {"market": house.market.id, "published_at": m.published_at, "known_at": m.known_at, "author": m.author}
            house.store.upsert([InTopic(**key_of(m), **of, topic=f"t{n}", terms=[])])
    found = [at(house, NOON - timedelta(days=70 - n) + (3 - 20 * (n == 70)) * MINUTE)["topics"][0] for n in (40, 69, 70)]
    assert [t["topic"] for t in found] == ["t0"] * 3
    assert found[2]["terms"] == ["plastica", "gelato"]
    assert (found[1]["authors_day"], found[2]["authors_day"]) == (3, 6)


def test_usual_is_all_but_the_busiest_of_the_days_before(house: House) -> None:
    for day, authors in ((-5, 4), (-4, 4), (-3, 30), (-2, 4)):
        for n in range(authors):
            say(house, "puzza, Zefirella", NOON + timedelta(days=day, seconds=n))
    say(house, "puzza, Zefirella", NOON)
    group(house)
    assert at(house, NOON)["topics"][0]["usual"] == 4


def test_days_of_past_incidents_are_not_usual(house: House) -> None:
    for day, authors in ((-6, 2), (-5, 2), (-4, 40), (-3, 40), (-2, 2)):
        for n in range(authors):
            say(house, "puzza, Zefirella", NOON + timedelta(days=day, seconds=n))
    say(house, "puzza, Zefirella", NOON)
    group(house)
    assert at(house, NOON)["topics"][0]["usual"] == 40
    began = NOON - timedelta(days=4)
    house.store.upsert([
        Incident(
            incident_id="1", market=house.market.id, title="t", state="closed", severity="S2", severity_proposed="S2", reasons=[], policy={},
            onset_at=began, detected_at=began, contained_at=began + timedelta(days=1), closed_at=began + timedelta(days=1),
        )
    ])  # fmt: skip
    assert at(house, NOON)["topics"][0]["usual"] == 2


def test_what_an_earlier_window_of_the_day_said_is_usual_stands(house: House) -> None:
    say(house, "puzza, Zefirella", NOON)
    group(house)
    for day, usual in ((1, 9), (0, 5)):
        start = NOON - timedelta(days=day) - HOUR
        shown = {"topics": [{"topic": "smell", "usual": usual}]}
        house.store.upsert(
            [Seen(market=house.market.id, start=start, quality="ok", numbers={}, evidence=shown, as_of=start + BASE)]
        )
    assert at(house, NOON)["topics"][0]["usual"] == 5  # and not what the day before said


def test_the_largest_five_are_seen(house: House) -> None:
    words = ("plastica", "prezzo", "camion", "etichetta", "cucchiaio", "commessa", "parcheggio")
    for size, word in enumerate(words, 3):
        for n in range(size):
            say(house, f"Zefirella: {word} {word}issima vergogna {word}", NOON + n * MINUTE)
    group(house)
    topics = at(house, NOON + 10 * MINUTE)["topics"]
    assert [t["authors"] for t in topics] == sorted((t["authors"] for t in topics), reverse=True)
    assert len(topics) <= 5


# ---- large authors ---------------------------------------------------------------------------------------------


def known_authors(house: House, count: int) -> None:
    """Authors of the day before, with audiences of 1 to count."""
    day = (NOON - timedelta(days=1)).date()
    house.store.upsert(
        AuthorDay(market=house.market.id, day=day, source="mastodon", author=f"{n:04}", mentions=1, audience=n, first=False) for n in range(1, count + 1)
    )  # fmt: skip


def test_multipliers_are_the_largest_who_speak_ill_and_top_is_by_the_days_before(house: House) -> None:
    known_authors(house, 200)  # the top 1 % have 199 and more
    for n, audience in enumerate((199, 198, 5, 6, 7, 8)):
        say(house, "bad Zefirella", NOON, audience=audience, likes=n)
    say(house, "good Zefirella", NOON, "positive", audience=10_000)
    say(house, "bad Zefirella", NOON)  # of unknown audience
    found = at(house, NOON)["multipliers"]
    assert [(m["audience"], m["top"]) for m in found] == [(199, True), (198, False), (8, False), (7, False), (6, False)]
    assert found[0] == {
        "source": "mastodon", "native_id": "000001", "audience": 199, "label": "negative", "top": True, "topic": None, "likes": 0,
        "shares": None, "credible": True,
    }  # fmt: skip


def test_who_is_top_is_unknown_where_no_audience_was_known_before(house: House) -> None:
    say(house, "bad Zefirella", NOON, audience=10**6)
    assert at(house, NOON)["multipliers"][0]["top"] is None


def test_one_author_is_one_multiplier(house: House) -> None:
    for n in range(4):
        say(house, "bad Zefirella", NOON + n * MINUTE, author="loud", audience=10**6)
    assert [m["native_id"] for m in at(house, NOON + 5 * MINUTE)["multipliers"]] == ["000001"]


def test_a_repost_by_a_large_author_is_credible_and_a_copy_is_not(house: House) -> None:
    text = "il gelato Zefirella di stamattina puzza di plastica bruciata davvero schifoso"
    first = say(house, text, NOON, audience=5)
    say(house, text, NOON + MINUTE, audience=10**6, repost_of=first.native_id)
    say(house, text, NOON + 2 * MINUTE, audience=10**5)
    group(house)
    found = at(house, NOON + 3 * MINUTE)["multipliers"]
    assert [(m["audience"], m["credible"]) for m in found] == [(10**6, True), (10**5, False), (5, True)]


# ---- red lines -------------------------------------------------------------------------------------------------


def test_a_red_line_is_touched_in_every_language_and_form_and_says_why(house: House) -> None:
    say(house, "Zefirella to trucizna", NOON, "neutral")
    say(house, "w Zefirelli pełno trucizny, Zefirella", NOON + MINUTE, "negative")
    say(house, "poisoned by Zefirella", NOON + 2 * MINUTE, None)
    say(house, "buona Zefirella", NOON + 3 * MINUTE)
    found = at(house, NOON + 3 * MINUTE)["red_lines"]
    assert [(r["name"], r["severity"], r["native_id"], r["credible"]) for r in found] == [
        ("harm", "S3", f"00000{n}", True) for n in (1, 2, 3)
    ]  # fmt: skip
    assert [r["why"] for r in found] == ["holds trucizna", "holds trucizna (trucizny)", "holds poisoned"]


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"kind": "spam"}, "spam"),
        ({"author_since": NOON - HOUR}, "its account was made within the day before"),
        ({}, None),
        ({"author_since": NOON - timedelta(days=2)}, None),
    ],
)
def test_what_speaks_against_a_mention_is_said(house: House, columns: dict[str, Any], why: str | None) -> None:
    say(house, "poisoned by Zefirella", NOON, **columns)
    (found,) = at(house, NOON)["red_lines"]
    assert (found["credible"], found["why"]) == (why is None, "holds poisoned" + (f"; {why}" if why else ""))


def test_a_copy_touches_a_red_line_and_is_not_credible(house: House) -> None:
    for n in range(3):
        say(house, "my whole family was poisoned yesterday by lemon Zefirella from the corner shop", NOON + n * MINUTE)
    group(house)
    found = at(house, NOON + 5 * MINUTE)["red_lines"]
    assert [(r["native_id"], r["credible"]) for r in found] == [("000001", True), ("000002", False), ("000003", False)]


def test_who_posts_like_a_machine_is_not_credible_but_what_he_said_first(house: House) -> None:
    for n in range(21):
        say(house, f"poisoned {n} Zefirella", NOON + 30 * n * SECOND, author="bot")
    before = at(house, NOON)["red_lines"]
    assert [r["credible"] for r in before] == [True] * evidence.TOUCHES
    found = at(house, NOON + 10 * MINUTE)["red_lines"]
    assert [(r["native_id"], r["credible"], r["of"]) for r in found[:2]] == [("000001", True, 1), ("000002", False, 20)]
    assert found[1]["why"].endswith("; its author posted 20 times or more within 10 minutes")


def test_two_minutes_apart_nobody_posts_like_a_machine(house: House) -> None:
    for n in range(25):
        say(house, f"poisoned {n} Zefirella", NOON + 2 * n * MINUTE, author="chatty")
    assert all(r["credible"] for r in at(house, NOON + 55 * MINUTE)["red_lines"])


def test_a_thread_is_credible(house: House) -> None:
    """What happened, in five posts of somebody whom very many follow."""
    for n in range(5):
        text = "Zefirella poisoned my child, thread" if n == 0 else f"bad Zefirella: part {n} of what happened"
        say(house, text, NOON + 20 * n * SECOND, author="celeb", audience=812_000)
    shown = at(house, NOON + 5 * MINUTE)
    assert [(r["native_id"], r["credible"]) for r in shown["red_lines"]] == [("000001", True)]
    assert [(m["audience"], m["credible"]) for m in shown["multipliers"]] == [(812_000, True)]


def test_a_flood_shows_some_and_the_credible_first(house: House) -> None:
    for n in range(30):
        say(house, f"poisoned by Zefirella, case {n}", NOON, kind="spam" if n < 29 else None)
    found = at(house, NOON)["red_lines"]
    assert len(found) == evidence.TOUCHES
    assert [r["credible"] for r in found] == [True] + [False] * (evidence.TOUCHES - 1)
    assert [r["of"] for r in found] == [1] + [29] * (evidence.TOUCHES - 1)


def test_how_many_touch_a_red_line_is_counted_beyond_those_shown(house: House) -> None:
    for n in range(40):
        say(house, f"poisoned by Zefirella, case {n}", NOON)
    found = at(house, NOON)["red_lines"]
    assert [(r["credible"], r["of"]) for r in found] == [(True, 40)] * evidence.TOUCHES


# ---- what is known late ----------------------------------------------------------------------------------------


def looked(house: House, span: Window, of_window: datetime, late: set[str]) -> dict[str, Any]:
    """A window that is given mentions that were published before its hour."""
    known = house.store.mentions(house.market.id, span, LINEAR.name, LINEAR.revision, of_window + BASE + GRACE)
    found = known.assign(window=of_window, then=of_window + BASE + GRACE, late=known.native_id.isin(late))
    found["window"], found["then"] = (found[c].astype("datetime64[us, UTC]") for c in ("window", "then"))
    shown = evidence.of_windows(house.store, house.plan, house.market, LINEAR.name, LINEAR.revision, found)
    return shown[of_window]


def test_what_is_known_late_is_a_red_line_or_a_large_authors_and_no_number_of_the_hour(house: House) -> None:
    text = "puzza, Zefirella: poisoned"
    old = [say(house, text, NOON - 5 * HOUR + n * MINUTE, audience=10**6, source="gdelt", known_at=NOON) for n in range(3)]
    say(house, "puzza, Zefirella", NOON, audience=5)
    group(house)
    span, late = Window(NOON - DAY, NOON + HOUR), {m.native_id for m in old}
    both = looked(house, span, NOON, late)
    assert [r["native_id"] for r in both["red_lines"]] == sorted(late)
    assert [m["audience"] for m in both["multipliers"]] == [10**6] * 3 + [5]
    assert [(t["mentions"], t["authors"], t["reach"]) for t in both["topics"]] == [(1, 1, 5)]
    assert (both["networks"], both.get("news"), both["onset"]) == (["mastodon"], None, NOON.isoformat())
    alone = looked(house, Window(NOON - DAY, NOON), NOON, late)
    assert set(alone) == {"red_lines", "multipliers"}


# ---- networks, news, onset -------------------------------------------------------------------------------------


def test_networks_are_where_something_bad_was_said(house: House) -> None:
    say(house, "bad Zefirella", NOON, source="mastodon")
    say(house, "Zefirella wins prize", NOON, "positive", source="x")
    say(house, "Zefirella, ridatemi i soldi", NOON, "neutral", "complaint", source="reddit")
    assert at(house, NOON)["networks"] == ["mastodon", "reddit"]


def test_news_is_what_speaks_ill_or_of_what_others_speak_ill_of(house: House) -> None:
    say(house, "puzza, Zefirella", NOON)
    say(house, "Zefirella opens a shop", NOON, "neutral", source="feed")
    group(house)
    assert "news" not in at(house, NOON)  # most days have some news
    say(house, "Zefirella stinks, say customers", NOON, "neutral", source="gdelt")
    group(house)
    assert at(house, NOON)["news"] == ["gdelt"]
    say(house, "Zefirella fined", NOON, "negative", source="feed")
    assert at(house, NOON)["news"] == ["feed", "gdelt"]


def test_a_quiet_window_has_its_onset_only(house: House) -> None:
    say(house, "Zefirella", NOON, "neutral")
    assert at(house, NOON) == {"onset": NOON.isoformat()}
    assert at(house, NOON + 2 * HOUR) == {}


# ---- of any history --------------------------------------------------------------------------------------------

TEXTS = (
    "puzza, Zefirella", "il gelato Zefirella sa di plastica", "plastica nel gelato Zefirella, che schifo", "poisoned by Zefirella", "prezzi alti da Zefirella",
    "buona la Zefirella al limone", "my family was poisoned yesterday by lemon Zefirella from the corner shop",
)  # fmt: skip
LABELS = ("negative", "negative", "neutral", "positive", None)


def fill(house: House, seed: int, start: datetime, until: datetime | None = None) -> None:
    """Sixty mentions over some 26 hours, some known late, read late, labelled by people; none that is known after `until`."""
    rng = random.Random(seed)
    rows: list[Any] = []
    for _ in range(60):
        moment = start + rng.random() * timedelta(hours=26)
        known = moment + rng.choice((1, 1, 1, 90)) * MINUTE
        text, label, kind = rng.choice(TEXTS), rng.choice(LABELS), rng.choice((None, None, "complaint", "spam"))
        more = {
            "author": f"a{rng.randrange(12)}",
            "audience": rng.choice((None, 10, 500, 90_000)),
            "source": rng.choice(("mastodon", "feed")),
        }
        read_at, said, labelled = known + rng.choice((0, 30)) * MINUTE, rng.random() < 0.15, known + rng.randrange(200) * MINUTE
        label_by_person: Any = rng.choice(("negative", "positive"))
        if until and known > until:
            house.number += 1
            continue
        read = (
            {"label": label, "kind": kind, "read_at": read_at}
            if not until or read_at <= until
            else {"label": None, "kind": None}
        )
        rows += (new := rows_of(house, text, moment, known_at=known, **read, **more))
        if said and (not until or labelled <= until):
            rows.append(PersonLabel(**key_of(new[0]), by="anna", at=labelled, label=label_by_person))
    house.store.upsert(rows)
    group(house)


@given(st.integers(0, 10_000), st.sampled_from((1, 2, 5, 11)))
@settings(few, max_examples=5)
def test_windows_together_say_what_each_says_alone(tmp_path_factory: Any, seed: int, size: int) -> None:
    start = utc(2026, 3, 2, 11)
    with House(tmp_path_factory.mktemp("h"), with_lines(topics=[SMELL], red_lines=[HARM])) as house:
        fill(house, seed, start)
        span = Window(start + 11 * HOUR, start + 13 * HOUR - 50 * MINUTE)  # over a local midnight
        whole, parts = look(house, span), dict[datetime, Any]()
        for n in range(0, int((span.end - span.start) / BASE), size):
            begin = span.start + n * BASE
            parts |= look(house, Window(begin, min(begin + size * BASE, span.end)))
        assert whole == parts
        assert json.loads(json.dumps({k.isoformat(): v for k, v in whole.items()})) == {
            k.isoformat(): v for k, v in whole.items()
        }


NAMES = ("topic", "terms")
"""Of an unplanned topic, what it is called is told better later; how many, never."""


def counts(seen: Shown) -> Any:
    """All but the names of topics, in an order that does not go by them."""
    out = {}
    for start, told in seen.items():
        topics = sorted(
            json.dumps({k: v for k, v in t.items() if k not in NAMES}, sort_keys=True) for t in told.get("topics", [])
        )
        loud = [{k: v for k, v in m.items() if k != "topic"} for m in told.get("multipliers", [])]
        out[start] = {**told, "topics": topics, "multipliers": loud}
    return out


@given(st.integers(0, 10_000), st.integers(2, 25))
@settings(few, max_examples=5)
def test_the_future_changes_nothing(tmp_path_factory: Any, seed: int, hours: int) -> None:
    start = utc(2026, 3, 2, 11)
    end = start + hours * HOUR
    with (
        House(tmp_path_factory.mktemp("whole"), with_lines(topics=[SMELL], red_lines=[HARM])) as whole,
        House(tmp_path_factory.mktemp("cut"), with_lines(topics=[SMELL], red_lines=[HARM])) as cut,
    ):
        fill(whole, seed, start)
        fill(cut, seed, start, until=end + GRACE)
        span = Window(end - 2 * HOUR, end)
        assert counts(look(whole, span)) == counts(look(cut, span))


def onset(published: list[datetime], start: datetime) -> datetime:
    """As it is defined, window by window."""
    counts = Counter(map(floor, published))
    begin = start
    while begin > start - 55 * MINUTE and counts[begin - BASE] >= max(3, counts[start] / 4):
        begin -= BASE
    return min((m for m in published if begin <= m < start + BASE), default=start)


@given(st.integers(0, 10_000))
@few
def test_the_onset_is_where_the_rise_began(tmp_path_factory: Any, seed: int) -> None:
    rng = random.Random(seed)
    with House(tmp_path_factory.mktemp("h")) as house:
        rows: list[Any] = []
        for n in range(120):
            moment = NOON + rng.random() ** 2 * 2 * HOUR
            rows += rows_of(
                house, "Zefirella", moment, None, known_at=moment + rng.random() * 4 * HOUR if n % 9 == 0 else moment
            )
        house.store.upsert(rows)
        seen = look(house, Window(NOON, NOON + 3 * HOUR))
        known = [m for m in rows if isinstance(m, Mention)]
        for start, told in seen.items():
            there = [m.published_at for m in known if m.known_at <= start + BASE + GRACE and m.published_at < start + BASE]
            hour = [m for m in there if m >= start - 55 * MINUTE]  # what is known late alone is no rise
            assert told.get("onset") == (onset(there, start).isoformat() if hour else None)
        assert len({told.get("onset") for told in seen.values()}) > 3
