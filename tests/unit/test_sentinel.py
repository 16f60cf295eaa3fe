"""When a silence is not to be believed: by its own past, by a common silence, and never by too little history."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from building import few, utc
from hypothesis import given
from hypothesis import strategies as st

from coolhead.sentinel import BLIND, DAY, HOUR, LONGEST, NEEDED, SUSPICIOUS, WARM_DAYS, Finding, Past, Stream, find
from coolhead.windows import BASE, Window

NOON = utc(2026, 4, 15, 12)  # a Wednesday
BEGAN = NOON - timedelta(days=60)


def history(rate: Callable[[datetime], float], days: float = 40, until: datetime = NOON) -> dict[datetime, float]:
    hours = int(days * 24)
    return {until - i * HOUR: rate(until - i * HOUR) for i in range(1, hours + 1)}


def past(rate: Callable[[datetime], float], since: datetime = BEGAN, blind: list[Window] | None = None, **more: object) -> Past:
    return Past(history(rate), since, blind or [], more.get("until", NOON + 7 * DAY))  # type: ignore[arg-type]


def always(n: float) -> Callable[[datetime], float]:
    return lambda _: n


def by_day(n: float) -> Callable[[datetime], float]:
    """Nobody speaks between midnight and eight."""
    return lambda hour: n if hour.hour >= 8 else 0.0


def silence(hours: float, start: datetime = NOON) -> Window:
    return Window(start, start + hours * HOUR)


def stream(source: str, rate: Callable[[datetime], float], hours: float = 1, market: str = "it") -> Stream:
    return Stream(source, market, silence(hours), past(rate))


def probability(found: float | None) -> float:
    assert found is not None
    return found


def test_a_busy_stream_is_not_silent_for_an_hour() -> None:
    busy = past(always(100))
    assert probability(busy.zero(silence(1))) < BLIND
    (found,) = find([stream("mastodon", always(100))])
    assert found.blind
    assert found.silence == silence(1)
    assert "nothing came for 1.0 hours" in found.reason


def test_a_quiet_stream_may_be_silent_and_not_for_ever() -> None:
    """Two a day: an empty day is a day like others, an empty week is not."""
    quiet = past(lambda hour: 2.0 if hour.hour == 13 else 0.0)
    assert probability(quiet.zero(silence(3))) > SUSPICIOUS
    assert probability(quiet.zero(silence(24))) > SUSPICIOUS
    assert probability(quiet.zero(silence(7 * 24))) < SUSPICIOUS
    assert quiet.zero(silence(30 * 24)) == quiet.zero(Window(NOON, NOON + LONGEST))


def test_the_hour_of_the_day_decides() -> None:
    night = utc(2026, 4, 15, 1)
    assert probability(past(by_day(30), until=night + DAY).zero(silence(4, night))) > 0.05
    assert probability(past(by_day(30)).zero(silence(4))) < BLIND


def test_one_past_day_like_this_is_enough_for_doubt() -> None:
    """Genuine zero hours that happened before (a Sunday) may happen again."""
    sunday = past(lambda hour: 0.0 if hour.weekday() == 6 else 60.0)
    assert probability(sunday.zero(silence(2))) > SUSPICIOUS
    assert probability(past(always(60)).zero(silence(2))) < BLIND


def test_a_burst_proves_nothing() -> None:
    """The mean of a bursty stream is high, and most of its hours are empty: a Poisson of that mean would be sure."""
    bursty = past(lambda hour: 500.0 if hour.day % 4 == 0 else 1.0)
    assert probability(bursty.zero(silence(2))) > SUSPICIOUS


def test_a_holiday_that_began_quiet_is_no_outage() -> None:
    def rate(hour: datetime) -> float:
        return 1.0 if hour >= NOON - 3 * HOUR else 12.0

    assert probability(past(rate).zero(silence(1.5))) > 20 * probability(past(always(12)).zero(silence(1.5)))


def test_too_little_history_says_nothing() -> None:
    def known(days: float) -> float | None:
        return past(always(100), since=NOON - timedelta(days=days)).zero(silence(1))

    assert known(0) is None
    assert known(WARM_DAYS - 1) is None
    assert probability(known(WARM_DAYS)) < BLIND
    assert find([Stream("mastodon", "it", silence(3), past(always(100), since=NOON - 3 * DAY))]) == []
    assert past(always(100)).zero(silence(0)) is None


def test_blind_stretches_are_no_history() -> None:
    """Ten days without a token leave ten days of zeros behind: they are no reason to believe the next one."""
    gone = Window(NOON - 12 * DAY, NOON - 2 * DAY)

    def rate(hour: datetime) -> float:
        return 0.0 if hour in gone else 80.0

    assert probability(past(rate).zero(silence(1))) > 0.05
    assert probability(past(rate, blind=[gone]).zero(silence(1))) < BLIND


@few
@given(st.lists(st.integers(0, 200), min_size=1, max_size=24), st.integers(1, 36))
def test_causal(later: list[int], windows: int) -> None:
    """What comes at or after the silence, or lies further back than `NEEDED`, changes nothing."""
    stretch = Window(NOON, NOON + windows * BASE)
    hours = history(by_day(20), days=50)
    other = {**hours, **{NOON + i * HOUR: float(n) for i, n in enumerate(later)}}
    other |= {hour: 999.0 for hour in hours if hour < NOON - NEEDED - HOUR}
    known = Past(hours, BEGAN, [], stretch.end).zero(stretch)
    assert known is not None
    assert Past(other, BEGAN, [], stretch.end).zero(stretch) == known


@few
@given(st.integers(1, 60), st.integers(0, 11), st.integers(1, 11))
def test_a_longer_silence_of_one_day_is_less_probable(rate: int, first: int, hours: int) -> None:
    even = past(always(rate))
    start = NOON + first * BASE
    chances = [probability(even.zero(Window(start, start + i * HOUR))) for i in range(1, hours + 2)]
    assert chances == sorted(chances, reverse=True)


def test_sources_that_share_nothing_silent_at_once_are_our_own_deafness() -> None:
    rates = {"mastodon": 12, "feed": 11, "reddit": 10, "youtube": 0.2}
    streams = [stream(name, always(rate)) for name, rate in rates.items()]
    assert not any(find([s]) and find([s])[0].blind for s in streams)  # none of them could be judged alone
    found = find(streams)
    assert {f.source for f in found} == set(rates)  # the small one too: it is we who are deaf
    assert all(f.blind and f.who == "4 sources that share nothing" for f in found)


def test_one_that_speaks_proves_that_we_hear() -> None:
    streams = [stream(name, always(12)) for name in ("mastodon", "feed", "reddit")]
    assert all(f.blind for f in find(streams))
    assert not any(f.blind for f in find([*streams, Stream("youtube", "it")]))


def test_the_common_silence_begins_with_the_last_to_fall_silent() -> None:
    streams = [stream(name, always(20), 2) for name in ("mastodon", "feed")]
    streams.append(Stream("reddit", "it", Window(NOON + HOUR, NOON + 2 * HOUR), past(always(12))))
    assert {f.silence for f in find(streams) if f.who} == {Window(NOON + HOUR, NOON + 2 * HOUR)}
    apart = Stream("reddit", "it", Window(NOON + 3 * HOUR, NOON + 4 * HOUR), past(always(12)))
    assert not any(f.who for f in find([streams[0], streams[1], apart]))


def test_one_dead_source_makes_no_other_blind() -> None:
    found = find([stream("mastodon", always(5_000)), stream("feed", always(0.3)), stream("reddit", always(0.3))])
    assert [(f.source, f.who) for f in found if f.blind] == [("mastodon", "")]


def test_all_markets_of_one_source() -> None:
    """A token that died: three small markets fall silent together, while another source speaks."""
    markets = [stream("mastodon", always(12), 1, market) for market in ("it", "pl", "id")]
    found = find([*markets, Stream("feed", "it"), Stream("feed", "pl"), Stream("feed", "id")])
    assert {(f.source, f.market) for f in found if f.blind} == {("mastodon", m) for m in ("it", "pl", "id")}
    assert {f.who for f in found} == {"all markets of mastodon"}


def test_two_markets_of_one_source_are_no_two_sources() -> None:
    """They share the network: as evidence about everybody they are one party."""
    found = find([stream("mastodon", always(6), 1, "it"), stream("mastodon", always(6), 1, "pl"), stream("feed", always(0.1))])
    assert not any("share nothing" in f.who for f in found)


def test_suspicious_is_not_blind() -> None:
    (found,) = find([stream("mastodon", always(14))])
    assert BLIND < found.probability < SUSPICIOUS
    assert not found.blind


@pytest.mark.parametrize("hours", [1, 5, 30])
def test_the_same_again(hours: float) -> None:
    first: list[Finding] = find([stream(name, by_day(30), hours) for name in ("mastodon", "feed", "reddit")])
    assert first == find([stream(name, by_day(30), hours) for name in ("mastodon", "feed", "reddit")])
