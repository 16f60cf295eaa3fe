"""What the store reads for the sentinel and the verdicts, on both databases."""

from datetime import UTC, datetime, timedelta

from coolhead.rows import CollectionLog, Match, Silence
from coolhead.store import Store
from coolhead.windows import BASE, Window

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def at(i: float) -> datetime:
    return NOON + i * BASE


def span(start: float, end: float) -> Window:
    return Window(at(start), at(end))


def log(
    start: float, end: float, ok: bool = True, source: str = "feed", known: float | None = None, **more: object
) -> CollectionLog:
    return CollectionLog(
        source=source, market="m", start=at(start), end=at(end), ok=ok, known_at=at(end if known is None else known), **more  # type: ignore[arg-type]
    )  # fmt: skip


def test_stretches_that_polls_cover_are_merged(store: Store) -> None:
    store.upsert([
        log(0, 1), log(1, 2), log(1, 9), log(3, 4), log(10, 11), log(11, 12, ok=False), log(12, 13), log(20, 21),
        log(0, 2, source="mastodon"), log(2, 3, source="mastodon", known=50), log(5, 6, source="mastodon", known=50, assumed=True),
    ])  # fmt: skip
    assert store.covered("m", span(0, 15), at(30)) == [
        ("feed", span(0, 9)), ("feed", span(10, 11)), ("feed", span(12, 13)),
        ("mastodon", span(0, 2)), ("mastodon", span(5, 6)),
    ]  # fmt: skip
    assert store.covered("m", span(2, 3), at(60)) == [("feed", span(1, 9)), ("mastodon", span(2, 3))]
    assert store.covered("m", span(14, 15), at(60)) == []
    assert store.covered("other", span(0, 15), at(60)) == []


def test_rows_that_meet_a_span(store: Store) -> None:
    store.upsert([log(0, 4), log(4, 5), log(5, 9, ok=False), log(9, 10)])
    assert [x.start for x in store.overlapping(CollectionLog, span(3, 5), market="m")] == [at(0), at(4)]
    assert [x.start for x in store.overlapping(CollectionLog, span(3, 9), market="m", ok=False)] == [at(5)]
    lasting = Silence(source="feed", market="m", start=at(1), reason="x", known_at=at(3))
    store.upsert([lasting, lasting.model_copy(update={"start": at(-9), "end": at(-5)})])
    assert store.overlapping(Silence, span(500, 501), market="m") == [lasting]
    assert store.overlapping(Silence, span(-6, -5), market="m")[0].end == at(-5)
    assert store.overlapping(Silence, span(-5, 0), market="m") == []


def test_first_and_last_row(store: Store) -> None:
    store.upsert([log(3, 4), log(0, 1, ok=False), log(1, 2), log(7, 8, source="mastodon")])
    first, last = (
        store.first(CollectionLog, "start", market="m", source="feed"),
        store.first(CollectionLog, "start", last=True, market="m"),
    )
    assert first is not None
    assert last is not None
    assert (first.start, last.start) == (at(0), at(7))
    good = store.first(CollectionLog, "start", market="m", source="feed", ok=True)
    assert good is not None
    assert good.start == at(1)
    assert store.first(CollectionLog, "start", market="nobody") is None


def test_latest_mention_by_source(store: Store) -> None:
    store.upsert(
        Match(source=s, day=NOON.date(), native_id=f"{s}{i}", market=m, published_at=at(i), matched_by="x")
        for s, m, i in (("feed", "m", 1), ("feed", "m", 5), ("feed", "m", 30), ("mastodon", "m", 2), ("x", "other", 3))
    )
    assert store.newest("m", span(0, 10)) == {"feed": at(5), "mastodon": at(2)}
    assert store.newest("m", Window(at(31), at(31) + timedelta(hours=1))) == {}
