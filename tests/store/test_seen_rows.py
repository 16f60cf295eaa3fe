"""Decoded in part or whole, what the rules saw is read as the store gives it, on both databases."""

from datetime import UTC, datetime, timedelta

from coolhead.rows import Seen
from coolhead.seen_rows import seen_rows
from coolhead.store import Store
from coolhead.windows import BASE, GRACE, Window

START = datetime(2026, 3, 1, tzinfo=UTC)


def test_as_the_store_reads_them_or_only_some_of_their_numbers(store: Store) -> None:
    numbers = {"volume": [12.0, 12.0, None, None, 3.5], "negative_share@feed": [0.25, 12.0, 0.1, 0.4, None]}
    rows = [
        Seen(
            market="zefirella", start=(at := START + i * BASE), quality="ok", numbers=numbers if i % 2 else {}, as_of=at + BASE + GRACE,
            evidence={"topics": [{"topic": "t", "terms": ["muffa", "lód"], "usual": 2.5}], "onset": at.isoformat()},
            judged_at=at + 3 * BASE if i % 2 else None,
        ) for i in range(6)
    ]  # fmt: skip
    store.upsert([*rows, rows[0].model_copy(update={"market": "other"})])
    span = Window(START, START + 5 * BASE)
    whole = [r.model_dump() for r in store.read(Seen, market="zefirella", start=span)]
    found = seen_rows(store, "zefirella", span)
    assert [r.model_dump() | {"numbers": {k: list(v) for k, v in r.numbers.items()}} for r in found] == whole
    assert len(found) == 5 and found[0].start.utcoffset() == timedelta()
    some = seen_rows(store, "zefirella", span, ["volume", "reach_total"])
    assert [dict(r.numbers) for r in some] == [{"volume": (12.0, 12.0, None, None, 3.5)} if i % 2 else {} for i in range(5)]
    assert [r.evidence for r in some] == [r["evidence"] for r in whole]
