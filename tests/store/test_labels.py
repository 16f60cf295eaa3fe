"""Drawn mentions, their labels and scores in one query, on both databases; and what is deleted with a mention."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from coolhead.labelled import pairs
from coolhead.rows import Drawn, PersonLabel, key_of
from coolhead.store import Store

Make = Callable[..., Any]
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def drawn(of: Any, **columns: Any) -> Drawn:
    given = {"market": "zefirella", "sample": "2026-03", "lang": "it", "read": "negative", "among": 6, "known_at": NOON}
    return Drawn(**{**key_of(of), **given, **columns})


def label(of: Any, by: str, at: datetime, said: str, sample: str | None = "zefirella/2026-03") -> PersonLabel:
    return PersonLabel(**key_of(of), by=by, at=at, label=said, sample=sample)  # type: ignore[arg-type]


def test_each_label_once_the_newest_last_and_only_what_was_known(store: Store, mention: Make, score: Make) -> None:
    one, two, other = (mention(i) for i in "123")
    read = [score(one, scorer="linear", revision="1"), score(one, "positive", scorer="linear", revision="2")]
    store.upsert([one, two, other, *read, drawn(one), drawn(two), drawn(other, market="limonata")])
    store.upsert(
        [label(one, "b", NOON, "neutral"), label(one, "a", NOON, "positive"), label(one, "c", NOON - HOUR, "negative")]
    )
    found = store.answers("zefirella", "linear", "1", NOON + HOUR)
    assert [(a.native_id, a.by, a.label, a.read) for a in found] == [
        ("1", "c", "negative", "negative"), ("1", "b", "neutral", "negative"), ("1", "a", "positive", "negative"), ("2", None, None, None),
    ]  # fmt: skip
    assert found[0].at == NOON - HOUR
    assert [a.by for a in store.answers("zefirella", "linear", "2", NOON - HOUR / 2)] == []  # drawn at noon
    assert {a.read for a in store.answers("zefirella", "linear", "2", NOON + HOUR)} == {"positive", None}
    assert pairs(store, "zefirella", "linear", "1", NOON + HOUR) == {
        "en": [("positive", "negative", 1.0)]
    }  # of equals, the first name


def test_a_deleted_mention_leaves_no_draw_and_no_label(store: Store, mention: Make) -> None:
    one = mention("1")
    store.upsert([one, drawn(one), label(one, "a", NOON, "neutral")])
    with store.writing() as writer:
        writer.delete_mentions([key_of(one)])
    assert (store.count(Drawn), store.count(PersonLabel)) == (0, 0)
