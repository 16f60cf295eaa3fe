"""What is frozen of a day: only what the scorer has read, in whole hours, and anew where its past was filled; and what is
seen of what comes late."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from building import COMPLAINTS, DAY, HOUR, LINEAR, MINUTE, House, a_plan, mention, score, utc

from coolhead import scoring, seeing, usual_days
from coolhead.clock import Fixed
from coolhead.collection import Collector
from coolhead.edge import Parsed
from coolhead.intake import Intake
from coolhead.kpis import Context, Kpi
from coolhead.landing import Landed
from coolhead.measuring import Measurer
from coolhead.plan import Plan
from coolhead.quality import gate
from coolhead.rows import Incident, Mention, Score, Seen, Severity, Signal, UsualDay
from coolhead.schema import Row
from coolhead.seeing import Seeing, Usually
from coolhead.settings import Settings
from coolhead.windows import BASE, GRACE, Window, local_day

TODAY = date(2026, 3, 25)
MIDNIGHT = local_day(TODAY, "Europe/Rome").start
NOON = MIDNIGHT + 12 * HOUR


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as made:
        yield made


def measurer(house: House) -> Measurer:
    return Measurer(house.store, house.market, LINEAR.name, LINEAR.revision)


def fill(house: House, days: int, read_at: datetime | None = None, per: int = 4) -> None:
    """Hours around noon of so many days before today with so many complaints each. read_at: None: at once."""
    told: list[tuple[Mention, Score | None]] = []
    for back in range(1, days + 1):
        house.listen(MIDNIGHT - back * DAY, MIDNIGHT - (back - 1) * DAY)
        for i in range(3 * per):
            m = mention(back * 100 + i, NOON - back * DAY + HOUR * (i % 3 - 1) + i * MINUTE)
            told.append((m, score(m, "negative", known_at=read_at or m.known_at)))
    house.put(told)


def frozen(house: House) -> list[date]:
    return [d.day for d in house.store.read(UsualDay)]


# Who read, and when.


@pytest.mark.parametrize("read_at", [None, MIDNIGHT + 10 * HOUR], ids=["at once", "by a new scorer, this morning"])
def test_a_new_scorer_knows_how_many_complained_before_it(house: House, read_at: datetime | None) -> None:
    """None of them would look like a storm of complaints, and no share would be known for a fortnight."""
    fill(house, 16, read_at)
    house.listen(MIDNIGHT, NOON + HOUR)
    for i in range(4):
        house.say(NOON + i * MINUTE, "negative")
    points = house.seen(Window(NOON + 25 * MINUTE, NOON + 30 * MINUTE)).iloc[0]
    assert (points["negative_volume.baseline"], points.excess_negatives) == (4, 0)
    assert points["negative_share.baseline"] == 1


def test_a_day_that_is_not_read_yet_is_not_frozen(house: House) -> None:
    fill(house, 3)
    left = mention(9_000, NOON - DAY + 5 * HOUR)
    house.put([(left, None), *((mention(9_001 + i, NOON - 2 * DAY), None) for i in range(20))])
    last = usual_days.before(measurer(house), TODAY, 3)
    day = TODAY - 2 * timedelta(days=1)
    assert frozen(house) == [day - timedelta(days=1), day + timedelta(days=1)], "one of 13 left, 20 of 32 left, nothing left"
    complaints, volume = usual_days.hourly(last, "negative_volume"), usual_days.hourly(last, "volume")
    assert (complaints[NOON - 2 * DAY], volume[NOON - 2 * DAY]) == (None, 24), "of so few it is unknown how many complain"
    assert complaints[NOON - DAY + 5 * HOUR] is None, "nobody has read that hour"
    assert "negative_share" not in last[1].parts and "volume" in last[1].parts
    house.put((mention(9_001 + i, NOON - 2 * DAY), score(mention(9_001 + i, NOON - 2 * DAY), "negative")) for i in range(20))
    again = usual_days.before(measurer(house), TODAY, 3)
    assert usual_days.hourly(again, "negative_volume")[NOON - 2 * DAY] == 24
    assert len(frozen(house)) == 3


def test_readings_of_a_scorer_that_was_there_count_from_when_they_were_made(house: House) -> None:
    """It was down for the evening: what it read after midnight was not known when the next day began."""
    fill(house, 1)
    late = [mention(9_000 + i, NOON - DAY + 8 * HOUR + i * MINUTE) for i in range(9)]
    house.put((m, score(m, "negative", known_at=MIDNIGHT + HOUR)) for m in late)
    (day,) = usual_days.before(measurer(house), TODAY, 1)
    assert usual_days.hourly([day], "negative_volume")[NOON - DAY + 8 * HOUR] is None
    assert not frozen(house)


def test_the_hour_of_midnight_is_whole_where_zones_are_half_an_hour_off(tmp_path: Path) -> None:
    with House(tmp_path, a_plan(zone="Asia/Kolkata")) as house:
        for i in range(12):
            house.say(utc(2026, 3, 20, 18) + i * 5 * MINUTE, "negative" if i else None)
        days = usual_days.before(measurer(house), date(2026, 3, 25), 6)
        assert usual_days.hourly(days, "volume") == {utc(2026, 3, 20, 18): 12}
        assert usual_days.hourly(days, "negative_volume") == {utc(2026, 3, 20, 18): None}, "half of it is not known"


# Shares: which days.


def of_days(spoken: Any, negative: float = 2.0, heard: bool = True) -> list[UsualDay]:
    """The 57 days before today. spoken: how many days back something was said."""
    out = []
    for back in range(57, 0, -1):
        day = TODAY - timedelta(days=back)
        span = local_day(day, "Europe/Rome")
        parts = {"negative_share": {"n": 10.0, "negative": negative, "positive": 0.0}} if back in spoken else {}
        seen = [[span.start.isoformat(), span.end.isoformat()]] if heard else []
        out.append(UsualDay(market="z", day=day, revision="r", hours={}, parts=parts, seen=seen, as_of=span.end))
    return out


def usual_share(house: House, days: list[UsualDay], serious: list[Window]) -> float | None:
    kpis = [k for k in measurer(house).kpis if k.name == "negative_share"]
    usually = Usually(days, [], serious, serious, "Europe/Rome", frozenset())
    return usually.whole(kpis, Context()).get("negative_share")


def test_a_brand_that_is_not_spoken_of_every_day_has_a_usual_share(house: House) -> None:
    assert usual_share(house, of_days(range(1, 58, 2)), []) == pytest.approx(0.2)
    assert usual_share(house, of_days(range(1, 58, 5), heard=False), []) is None, "nobody listened on the other days"
    assert usual_share(house, of_days([]), []) is None, "nobody ever said anything"


def test_troubled_weeks_are_left_out_and_those_before_taken(house: House) -> None:
    troubled = [Window(NOON - back * DAY, NOON - back * DAY + 3 * HOUR) for back in range(1, 30)]
    days = of_days(range(1, 30), negative=9)[28:]
    calm = of_days(range(30, 58))[:28]
    assert usual_share(house, [*calm, *days], troubled) == pytest.approx(0.2)
    assert usual_share(house, [*calm, *days], []) == pytest.approx(0.9), "the newest 21 days"
    assert usual_share(house, [*calm, *days][15:], troubled) is None, "13 are left"


def incident(name: str, at: datetime, severity: Severity) -> list[Row]:
    return [
        Incident(
            incident_id=name, market="zefirella", title=name, state="detected", severity=severity, severity_proposed=severity, reasons=[],
            policy={}, onset_at=at, detected_at=at,
        ),
        Signal(
            market="zefirella", rule=name, start=at, severity=severity, reason="r", kpi="volume", value=1, threshold=1, as_of=at,
            incident_id=name,
        ),
    ]  # fmt: skip


def test_an_issue_takes_no_day_out_of_the_usual_share(house: House) -> None:
    """S1 says that something begins; that people think otherwise of the brand is S2 and more."""
    house.store.upsert([*incident("issue", NOON - 2 * DAY, "S1"), *incident("crisis", NOON - DAY, "S3")])
    usually = Seeing(house.store, house.plan, house.market, measurer(house)).usual(TODAY)
    assert [w.start for w in usually.left_out] == [NOON - 2 * DAY, NOON - DAY]
    assert [w.start for w in usually.serious] == [NOON - DAY]


def test_a_usual_share_is_made_with_what_was_known_when_its_day_began(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by the first look of the day, which freezes days before with what was known when those began."""
    made, used = measurer(house), list[timedelta]()
    monkeypatch.setattr(made.contexts, "on", lambda start: Context(kept=start - utc(2020, 1, 1)))

    def spy(kpis: Sequence[Kpi], days: Any) -> dict[str, float]:
        used.extend({k.context.kept for k in kpis})
        return {}

    monkeypatch.setattr(seeing, "shares", spy)
    fill(house, 2)
    house.say(NOON)
    for _ in range(2):
        house.seen(Window(NOON, NOON + 5 * MINUTE), made)
    assert used == [MIDNIGHT - utc(2020, 1, 1)] * 2


# What is usual of volume is said by the KPI that needs the fewest days.


def test_usual_volume_is_known_as_soon_as_one_number_stands_beside_it(house: House) -> None:
    """Two days are enough for what is big; the robust sigmas need fourteen."""
    fill(house, 5)
    house.say(NOON)
    points = house.seen(Window(NOON, NOON + 5 * MINUTE)).iloc[0]
    assert points["volume.baseline"] == 4
    assert not pd.isna(points.volume_excess) and pd.isna(points.volume_z)


# A past that was filled.


def an_export(folder: Path, days: int) -> None:
    """Four mentions in each hour around noon of so many days before today."""
    lines = ["id,created_at,text,author"]
    for back, hour, i in product(range(1, days + 1), (-1, 0, 1), range(4)):
        at = NOON - back * DAY + hour * HOUR + i * MINUTE
        lines.append(f"{back}-{hour}-{i},{at.isoformat()},Zefirella is fine,a{i}")
    # What an export covers ends with its last mention.
    lines.append(f"last,{(MIDNIGHT - MINUTE).isoformat()},Zefirella is fine,a")
    folder.mkdir(exist_ok=True)
    (folder / "export.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def in_the_inbox(folder: Path) -> Plan:
    content = a_plan(COMPLAINTS).content()
    content["brands"]["brands"][0]["markets"][0]["sources"] = {"files": {"folder": str(folder)}}
    return Plan.model_validate(content)


def settings_of(folder: Path, house: House) -> Settings:
    return Settings(folder, house.store.url, folder / "plan")


def test_an_export_that_is_dropped_later_warms_what_was_cold(tmp_path: Path) -> None:
    """The market was judged before, and its empty days frozen."""
    with House(tmp_path, in_the_inbox(tmp_path / "inbox")) as house:
        house.say(NOON, source="files")
        assert pd.isna(house.seen(Window(NOON, NOON + 5 * MINUTE)).iloc[0]["volume.baseline"])
        assert len(frozen(house)) == 57
        an_export(tmp_path / "inbox", 20)
        now = Fixed(NOON + HOUR)
        collector = Collector(house.store, house.plan, settings_of(tmp_path, house), now)
        assert collector.poll("files", house.market, Window(NOON, NOON + HOUR)).mentions == 20 * 12 + 1
        left = frozen(house)
        assert len(left) == 57 - 20
        gate(house.store, now)
        scoring.score(house.store, house.plan, now)
        points = house.seen(Window(NOON + 5 * MINUTE, NOON + 10 * MINUTE)).iloc[0]
        assert points["volume.baseline"] == 4
        assert not pd.isna(points["negative_share.baseline"])
        collector.poll("files", house.market, Window(NOON + HOUR, NOON + 2 * HOUR))
        assert len(frozen(house)) == 57, "nothing new was dropped"


def test_what_is_assumed_to_have_been_known_is_frozen_anew(house: House) -> None:
    """History that a Dag collects on request; what a poll brings late looks back into nothing."""
    usual_days.before(measurer(house), TODAY, 5)
    at = NOON - 3 * DAY
    for known_assumed in (False, True):
        landed = Landed(f"p{known_assumed}", "mastodon", "zefirella", "x", "o", "s", None, MIDNIGHT.isoformat(), {})
        m = mention(int(known_assumed), at, known_assumed=known_assumed, known_at=at if known_assumed else NOON)
        with house.store.writing() as writer:
            assert Intake(house.store, house.plan).write(writer, [Parsed(landed, 1, [m])]) == 1
        assert len(frozen(house)) == (4 if known_assumed else 5)
    days = usual_days.before(measurer(house), TODAY, 5)
    assert usual_days.hourly(days, "volume") == {at: 1}


# What is known late.

POISONED = {"name": "poison", "terms": {"en": {"any_of": ["poisoned"]}}, "severity": "S3", "owner": "anna"}


def with_red_line() -> Plan:
    content = a_plan({"name": "red-line", "rule": "red_line", "severity": "S2"}).content()
    content["brands"]["brands"][0]["red_lines"] = [POISONED]
    return Plan.model_validate(content)


@pytest.mark.parametrize(
    ("late", "step"),
    [(20 * MINUTE, 2 * HOUR), (65 * MINUTE, 2 * HOUR), (47 * HOUR, 2 * HOUR), (65 * MINUTE, BASE)],
    ids=["20 min", "65 min", "47 h", "65 min, live"],
)
def test_a_red_line_is_seen_whenever_it_becomes_known(tmp_path: Path, late: timedelta, step: timedelta) -> None:
    """Of a slow source, of a refill, of an export: also on a day on which nothing else is said."""
    with House(tmp_path, with_red_line()) as house:
        said = MIDNIGHT - 30 * MINUTE
        known_at = said + late
        house.say(said - 2 * DAY)
        house.evaluate(known_at - 10 * MINUTE)
        house.say(said, "negative", lang="en", text="Zefirella poisoned my child", known_at=known_at)
        now = known_at
        while now < known_at + HOUR + BASE:
            now += step
            house.evaluate(now)
        signals = house.store.read(Signal)
        assert {(s.rule, s.severity) for s in signals} == {("red-line", "S3")}
        judged = [s.start + BASE + GRACE - known_at for s in signals]
        assert timedelta() <= judged[0] < BASE
        assert HOUR - BASE <= judged[-1] < HOUR


def test_what_comes_late_is_no_storm(house: House) -> None:
    """A refill brings hours at once: they count in the hours in which they were said, and in no later one."""
    known_at = NOON + 3 * HOUR
    for i in range(30):
        house.say(NOON + i * MINUTE, "negative", known_at=known_at)
    house.say(NOON + 2 * HOUR + 40 * MINUTE)
    seen = house.seen(Window(known_at - BASE, known_at + 2 * HOUR))
    assert set(seen.volume.dropna()) == {1}
    assert seen.index[-1] == known_at + 50 * MINUTE, "looked at for an hour"
    assert seen.volume.isna().sum() == 3 and not seen.negative_volume.max() > 0
    assert set(seen.quality) == {"pending"}
    assert house.evaluate(known_at + 2 * HOUR).signals == 0


def test_what_is_known_after_two_days_is_history(tmp_path: Path) -> None:
    with House(tmp_path, with_red_line()) as house:
        house.say(NOON, "negative", lang="en", text="Zefirella poisoned my child", known_at=NOON + 2 * DAY)
        assert house.evaluate(NOON + 3 * DAY).signals == 0
        assert not any("red_lines" in s.evidence for s in house.store.read(Seen))
