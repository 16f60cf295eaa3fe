"""Two measurings of one market at once: on SQLite and PostgreSQL alike the one that knew more wins, and both end."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coolhead import failpoint
from coolhead.clock import Fixed
from coolhead.measuring import Measurer
from coolhead.plan import Market
from coolhead.rows import ALL, Dirty, KpiPoint
from coolhead.store import Store
from coolhead.windows import BASE, floor

Make = Callable[..., Any]
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZEFIRELLA = Market.model_validate(
    {
        "id": "zefirella",
        "time_zone": "Europe/Rome",
        "languages": ["en"],
        "terms": {"any_of": ["zefirella"]},
        "sources": {"files": {}},
    }
)


@pytest.fixture
def say(store: Store, mention: Make, match: Make, score: Make) -> Callable[[int], None]:
    def said(number: int) -> None:
        m = mention(f"{number}", NOON + number * BASE, author=f"author-{number}")
        store.upsert([m, match(m), score(m), Dirty(market="zefirella", start=floor(m.published_at), mark=f"m{number}")])

    return said


def measure(store: Store, now: datetime) -> int:
    return Measurer(store, ZEFIRELLA, "linear", "1").measure(Fixed(now))


def volume(store: Store) -> list[float | None]:
    return [p.value for p in store.read(KpiPoint, kpi="volume", grain="day", source=ALL, lang=ALL)]


def once_at(monkeypatch: pytest.MonkeyPatch, point: str, act: Callable[[], object]) -> None:
    """Have something happen when a fail point is first reached."""
    waiting = [act]

    def reached(name: str) -> None:
        if name == point and waiting:
            waiting.pop()()

    monkeypatch.setattr(failpoint, "reached", reached)


def test_a_run_that_was_overtaken_writes_nothing_old(
    store: Store, say: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    say(0)

    def overtake() -> None:
        say(1)
        measure(store, NOON + 2 * HOUR)

    once_at(monkeypatch, "measure.computed", overtake)
    measure(store, NOON + HOUR)
    assert volume(store) == [2]
    assert store.read(Dirty) == []


def test_a_mark_that_is_made_anew_meanwhile_stays(
    store: Store, say: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the run that did not know of it writes what it knew: else a busy window would never have a point."""
    say(0)
    seen: list[Any] = []
    mark = Dirty(market="zefirella", start=NOON, mark="again")
    once_at(monkeypatch, "measure.computed", lambda: store.upsert([mark]))
    monkeypatch.setattr("coolhead.measuring.ROUNDS", 1)
    measure(store, NOON + HOUR)
    seen += volume(store)
    assert (seen, store.read(Dirty)) == ([1], [mark])


def test_two_runs_over_the_same_hours_both_end(
    store: Store, say: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second begins while the first has written and not yet committed."""
    for number in (3, 0, 2):
        say(number)
    errors: list[Exception] = []

    def second() -> None:
        try:
            measure(store, NOON + 2 * HOUR)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=second)
    once_at(monkeypatch, "measure.written", thread.start)
    measure(store, NOON + HOUR)
    thread.join(timeout=60)
    assert (errors, thread.is_alive()) == ([], False)
    assert volume(store) == [3]
    assert store.read(Dirty) == []


def test_rows_that_are_held_wait_for_their_turn_in_key_order(store: Store, say: Callable[[int], None]) -> None:
    """Held rows come in key order, whatever order they were written in: that order is what forbids deadlocks."""
    for number in (5, 1, 3):
        say(number)
    with store.writing() as writer:
        held = writer.hold(Dirty, market="zefirella", start=[NOON + n * BASE for n in (3, 5, 1)])
    assert [row.start for row in held] == [NOON + n * BASE for n in (1, 3, 5)]
