"""The sentinel in the store: a silence begins, is inherited by every number, ends, and is lifted by who knows better."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from building import DAY, HOUR, MINUTE, House, a_plan, utc

from coolhead import evaluation, registry, silences
from coolhead.clock import Fixed
from coolhead.collection import Collector
from coolhead.edge import Edge
from coolhead.errors import TransientError
from coolhead.plan import Plan
from coolhead.rows import ALL, Dirty, KpiPoint, Outage, Silence
from coolhead.settings import Settings
from coolhead.silences import ask_canaries, judge, streams
from coolhead.verdicts import Listening
from coolhead.windows import BASE, Window

NOON = utc(2026, 3, 25, 12)
BEGAN = NOON - 45 * DAY


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as found:
        yield found


def used_to(house: House, source: str, per_hour: float, until: datetime = NOON, **more: str) -> None:
    """Hourly points of the past, of one source, and the polls that brought them."""
    hours = int((until - BEGAN) / HOUR)
    house.store.upsert(
        KpiPoint(
            market=more.get("market", house.market.id), kpi="volume", grain="hour", start=BEGAN + i * HOUR, source=source, lang=ALL,
            version=1, revision="-", value=per_hour, n=int(per_hour), parts={}, quality="ok", as_of=until,
        )
        for i in range(hours) if per_hour
    )  # fmt: skip
    house.listen(BEGAN, until, sources=[source])


def polled(house: House, until: datetime, sources: tuple[str, ...] = ("mastodon", "feed"), since: datetime = NOON) -> None:
    at = since
    while at < until:
        house.listen(at, min(at + BASE, until), sources=sources)
        at += BASE


def look(house: House, minutes: float, plan: Plan | None = None) -> list[Silence]:
    return judge(house.store, plan or house.plan, Fixed(NOON + minutes * MINUTE))


def kept(house: House) -> list[Silence]:
    return house.store.read(Silence)


def busy(house: House, minutes: float = 120) -> None:
    """Mastodon brings 120 an hour, the feed (an hour late at most) next to nothing; both are polled."""
    used_to(house, "mastodon", 120)
    used_to(house, "feed", 0)
    house.say(NOON - MINUTE)
    house.say(NOON - MINUTE, source="feed")
    polled(house, NOON + minutes * MINUTE)


def test_a_busy_source_falls_silent(house: House) -> None:
    busy(house)
    assert look(house, 4) == []  # its lag has not passed
    (begun,) = look(house, 60)
    assert (begun.source, begun.start, begun.end, begun.scope) == ("mastodon", NOON - MINUTE, None, "stream")
    assert begun.known_at == NOON + 60 * MINUTE
    assert "nothing came for" in begun.reason
    assert look(house, 65) == []  # it lasts
    assert kept(house) == [begun]
    sight = Listening(house.store, house.market, Window(NOON, NOON + HOUR)).at(NOON + HOUR)
    assert sight.sources["mastodon"].verdict(Window(NOON, NOON + BASE), 0) == "blind"
    assert sight.sources["feed"].verdict(Window(NOON, NOON + BASE), 0) == "quiet"
    before = Listening(house.store, house.market, Window(NOON, NOON + HOUR)).at(NOON + 59 * MINUTE)
    assert before.sources["mastodon"].verdict(Window(NOON, NOON + BASE), 0) == "quiet"


def test_what_comes_ends_it(house: House) -> None:
    busy(house)
    look(house, 60)
    came = house.say(NOON + 70 * MINUTE, source="mastodon")
    (over,) = look(house, 72)
    assert (over.end, over.over_at, over.known_at) == (came.published_at, NOON + 72 * MINUTE, NOON + 60 * MINUTE)
    assert kept(house) == [over]
    assert look(house, 75) == []


def test_numbers_inherit_it(house: House) -> None:
    """The feed spoke meanwhile: the market was seen in part only, and that is written into its points."""
    busy(house)
    house.say(NOON + 20 * MINUTE, source="feed")
    house.measure(NOON + 30 * MINUTE)  # the lag of mastodon has passed

    def quality() -> set[str]:
        return {p.quality for p in house.points("5min", kpi="volume", source=ALL, start=Window(NOON, NOON + HOUR))}

    assert quality() == {"ok"}
    assert house.store.read(Dirty) == []
    look(house, 60)
    assert house.store.count(Dirty) > 0
    house.measure(NOON + 60 * MINUTE)
    assert quality() == {"partial"}
    for minutes in (5, 56):  # they come late, and so it had been heard all the time
        house.say(NOON + minutes * MINUTE, source="mastodon", known_at=NOON + 61 * MINUTE)
    look(house, 62)
    house.measure(NOON + 76 * MINUTE)  # the feed's lag too
    assert quality() == {"ok"}


def test_errors_are_no_silence(house: House) -> None:
    busy(house, minutes=0)
    house.listen(NOON, NOON + HOUR, ok=False, sources=["mastodon"])
    assert look(house, 60) == []
    assert [s.source for s in streams(house.store, house.plan, NOON + HOUR)] == []  # the feed's poll is late, and blind by now
    polled(house, NOON + HOUR, ("feed",))
    assert [s.source for s in streams(house.store, house.plan, NOON + HOUR)] == ["feed"]


def test_a_silence_begins_after_the_last_gap(house: House) -> None:
    busy(house, minutes=0)
    house.listen(NOON, NOON + 30 * MINUTE, ok=False)
    polled(house, NOON + HOUR, since=NOON + 30 * MINUTE)
    (mastodon,) = [s for s in streams(house.store, house.plan, NOON + HOUR) if s.source == "mastodon"]
    assert mastodon.silence is not None
    assert mastodon.silence.start == NOON + 30 * MINUTE
    house.store.upsert(
        [Outage(source="mastodon", market=house.market.id, start=NOON + 30 * MINUTE, end=NOON + 40 * MINUTE, reason="x")]
    )
    (mastodon,) = [s for s in streams(house.store, house.plan, NOON + HOUR) if s.source == "mastodon"]
    assert mastodon.silence is not None
    assert mastodon.silence.start == NOON + 40 * MINUTE


def test_a_quiet_brand_is_left_in_peace(house: House) -> None:
    """Two mentions a week, and nobody says anything for a whole day."""
    used_to(house, "mastodon", 0)
    used_to(house, "feed", 0)
    house.say(NOON - 3 * DAY)
    house.listen(NOON, NOON + DAY)
    assert judge(house.store, house.plan, Fixed(NOON + DAY)) == []


def test_without_history_it_says_nothing(house: House) -> None:
    house.say(NOON - 6 * HOUR)
    house.listen(NOON - 6 * HOUR, NOON + HOUR)
    assert look(house, 60) == []


def test_sources_that_share_nothing_fall_silent_at_once(tmp_path: Path) -> None:
    plan = many_sources("mastodon", "feed", "hacker_news")
    with House(tmp_path, plan) as house:
        for source in plan.markets[0].sources:
            used_to(house, source, 5)
            house.say(NOON - MINUTE, source=source)
        polled(house, NOON + 5 * HOUR, tuple(plan.markets[0].sources))
        begun = look(house, 240, plan)
        assert {s.source for s in begun} == {"mastodon", "feed", "hacker_news"}
        assert {s.scope for s in begun} == {"everybody"}
        came = house.say(NOON + 4 * HOUR, source="feed")  # it speaks: we hear, and the silence is over for all
        over = look(house, 250, plan)
        assert {s.end for s in over} == {came.published_at}
        assert {s.source for s in over} == {"mastodon", "feed", "hacker_news"}


def many_sources(*names: str, **given: dict[str, object]) -> Plan:
    plan = a_plan()
    content = plan.content()
    known = {
        "mastodon": {"base_url": "https://social.example", "hashtags": ["zefirella"]},
        "feed": {"urls": ["https://alerts.example/feed"]},
    }
    content["brands"]["brands"][0]["markets"][0]["sources"] = {n: {**known.get(n, {}), **given.get(n, {})} for n in names}
    return Plan.model_validate(content)


def test_exports_are_no_stream(tmp_path: Path) -> None:
    """Files come when somebody drops them: their silence is no evidence, and their speaking no proof."""
    with House(tmp_path, many_sources("mastodon", "files")) as house:
        used_to(house, "files", 30)
        used_to(house, "mastodon", 30)
        polled(house, NOON + HOUR, ("mastodon", "files"))
        assert {s.source for s in streams(house.store, house.plan, NOON + HOUR)} == {"mastodon"}


def test_retired_sources_are_not_listened_to(tmp_path: Path) -> None:
    plan = many_sources("mastodon", "feed", mastodon={"retired_on": "2026-03-25"})
    with House(tmp_path, plan) as house:
        busy(house)
        assert look(house, 60, plan) == []


def test_a_canary_that_answers_is_believed(house: House) -> None:
    busy(house, minutes=300)
    asked = []

    def answers(market: object) -> bool:
        asked.append(market)
        return True

    def ask(minutes: float, answer: object = answers) -> list[Silence]:
        return ask_canaries(house.store, house.plan, Fixed(NOON + minutes * MINUTE), "mastodon", answer)  # type: ignore[arg-type]

    assert ask(5) == []
    assert asked == []  # nothing is suspicious yet
    (proof,) = ask(60)
    assert (proof.end, proof.over_at) == (proof.start, NOON + HOUR)
    assert "the canary answered" in proof.reason
    assert look(house, 61) == []
    sight = Listening(house.store, house.market, Window(NOON, NOON + HOUR), NOON + HOUR).at(NOON + HOUR)
    assert sight.blind(Window(NOON, NOON + HOUR)) == []
    # it goes on: what follows the answer is a silence of its own
    (later,) = look(house, 150)
    assert later.start == NOON + HOUR
    (lifted,) = ask(155)
    assert (lifted.start, lifted.end, lifted.over_at) == (later.start, later.start, NOON + 155 * MINUTE)
    assert lifted.known_at == later.known_at


def test_a_canary_that_finds_nothing_is_blindness_and_one_that_fails_is_no_proof(house: House) -> None:
    busy(house)

    def ask(answer: object) -> list[Silence]:
        def canary(_: object) -> object:
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask_canaries(house.store, house.plan, Fixed(NOON + HOUR), "mastodon", canary)  # type: ignore[arg-type]

    assert ask(None) == []
    assert ask(TransientError("503")) == []
    (row,) = ask(False)
    assert (row.end, row.start) == (None, NOON - MINUTE)
    assert "canary" in row.reason
    assert ask(False) == []
    assert kept(house) == [row]


def test_a_sentinel_that_fails_stops_no_evaluation(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no")

    house.say(NOON)
    monkeypatch.setattr(silences, "judge", broken)
    (done,) = evaluation.evaluate_all(house.store, house.plan, Fixed(NOON + HOUR))
    assert done.points > 0


def test_reading_does_not_grow_with_history(house: House) -> None:
    """Years before what is compared change no finding."""
    busy(house)
    found = streams(house.store, house.plan, NOON + HOUR)
    house.listen(BEGAN - 900 * DAY, BEGAN)
    old = BEGAN - timedelta(days=60)
    house.store.upsert(
        [Silence(source="mastodon", market=house.market.id, start=old, end=old + DAY, reason="x", known_at=old, over_at=old)]
    )
    again = streams(house.store, house.plan, NOON + HOUR)
    assert [(s.source, s.silence) for s in again] == [(s.source, s.silence) for s in found]
    assert [s.zero(s.silence) for s in again] == [s.zero(s.silence) for s in found]


def test_a_repeated_poll_of_a_silence_that_brings_something_lifts_it(house: House, tmp_path: Path) -> None:
    """A cleared run has the key of the one before: what it brings now was known only now."""
    busy(house)
    look(house, 60)
    house.say(NOON + 70 * MINUTE)
    look(house, 72)
    where = Settings(tmp_path, f"sqlite:///{tmp_path}/store.db", tmp_path)
    again = NOON + 90 * MINUTE
    collector, kind = Collector(house.store, house.plan, where, Fixed(again)), registry.load("sources", "mastodon")()
    edge = Edge(b"key", Fixed(again), False)
    for i in (2, 3):
        window = Window(NOON + i * BASE, NOON + (i + 1) * BASE)
        brought = (1, 3, NOON + 16 * MINUTE) if i == 3 else (1, 0, None)
        log = collector._log(kind, house.market, window, 0.0, edge, *brought)
        assert log.known_at == (again if i == 3 else NOON + (i + 1) * BASE + MINUTE)
        house.store.upsert([log])
    sight = Listening(house.store, house.market, Window(NOON, NOON + HOUR)).at(again).sources["mastodon"]
    assert [sight.verdict(Window(NOON + i * BASE, NOON + (i + 1) * BASE), 0) for i in (2, 3, 4)] == ["blind", "quiet", "blind"]
