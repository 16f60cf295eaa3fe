"""Of what vanished the rules' evidence keeps that something was seen, on both databases."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from coolhead.rows import InTopic, Seen, Tombstone, Topic, key_of
from coolhead.store import Store
from coolhead.windows import BASE, GRACE

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Make = Callable[..., Any]


def loud(native_id: str, audience: int) -> dict[str, Any]:
    return {"source": "files", "native_id": native_id, "audience": audience, "label": "negative", "top": True, "topic": "t1",
            "likes": 7, "shares": None, "credible": True}  # fmt: skip


def red(native_id: str) -> dict[str, Any]:
    return {
        "name": "harm",
        "severity": "S3",
        "source": "files",
        "native_id": native_id,
        "lang": "it",
        "credible": True,
        "why": "holds veleno",
    }


def seen(start: datetime, market: str = "zefirella", **evidence: Any) -> Seen:
    as_of = start + BASE + GRACE
    return Seen(
        market=market, start=start, quality="ok", numbers={}, evidence={"onset": start.isoformat(), **evidence}, as_of=as_of
    )


def in_topic(m: Any, topic: str, *terms: str) -> InTopic:
    return InTopic(
        **key_of(m), market="zefirella", published_at=m.published_at, known_at=m.known_at, topic=topic, terms=list(terms)
    )


def day_of(topic: str, day: datetime, continues: str | None) -> Topic:
    return Topic(
        market="zefirella", day=day.date(), topic=topic, terms=[], continues=continues, first_at=day, last_at=day, mentions=3, authors=3, known_at=day
    )  # fmt: skip


def bury(store: Store, m: Any) -> None:
    with store.writing() as writer:
        writer.bury([Tombstone(**key_of(m), gone_at=NOON + DAY, by="author", evidence="404")])


def evidence_of(store: Store) -> list[dict[str, Any]]:
    return [s.evidence for s in store.read(Seen, market="zefirella")]


def test_neither_who_it_was_nor_words_that_only_they_said(store: Store, mention: Make, match: Make) -> None:
    gone, other = mention("post", NOON), mention("other", NOON)
    store.upsert([gone, other, match(gone), match(other), day_of("t2", NOON, "t1"), day_of("t1", NOON - DAY, None)])
    store.upsert([in_topic(gone, "t2", "muffa", "segreto"), in_topic(other, "t2", "muffa")])
    names: dict[str, Any] = {"topics": [{"topic": "t1", "terms": ["muffa", "segreto"]}, {"topic": "t9", "terms": ["segreto"]}]}
    first = seen(NOON, multipliers=[loud("post", 812_345), loud("other", 612_345)], red_lines=[red("post")], **names)
    last = seen(NOON + 2 * DAY, multipliers=[loud("post", 812_345)])
    store.upsert([seen(NOON - 30 * DAY, red_lines=[red("post")]), first, last, seen(NOON, "rival", red_lines=[red("post")])])
    bury(store, gone)
    before, now, later = evidence_of(store)
    mark = now["multipliers"][0]["native_id"]
    assert mark == "gone 2026-03-03T12:00:00+00:00 0"
    assert now["multipliers"] == [loud(mark, 810_000), loud("other", 612_345)]
    assert now["red_lines"] == [red(mark)]
    assert later["multipliers"] == [loud(mark, 810_000)]  # one post, as before, in every window
    assert [t["terms"] for t in now["topics"]] == [["muffa"], ["segreto"]]
    assert before["red_lines"] == [red("post")]  # another post, a month ago
    assert store.read(Seen, market="rival")[0].evidence["red_lines"] == [red("post")]
    assert store.read(InTopic, native_id="post")[0].terms == []


def test_two_that_vanish_stay_two_and_twice_changes_nothing(store: Store, mention: Make, match: Make) -> None:
    one, two = mention("one", NOON), mention("two", NOON)
    store.upsert([one, two, match(one), match(two), seen(NOON, multipliers=[loud("one", 90), loud("two", 1_234)])])
    with store.writing() as writer:
        writer.bury([Tombstone(**key_of(m), gone_at=NOON + DAY, by="network", evidence="404") for m in (one, two)])
    (told,) = evidence_of(store)
    assert len({m["native_id"] for m in told["multipliers"]}) == 2
    assert [m["audience"] for m in told["multipliers"]] == [90, 1_200]
    bury(store, one)
    assert evidence_of(store) == [told]
