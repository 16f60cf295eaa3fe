"""When rules fire: the same for all of them, and a fold whose result does not depend on how the points are cut into chunks."""

import json
import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
from building import PEOPLE, STEPS, House, a_plan, few, many, utc
from hypothesis import given
from hypothesis import strategies as st

from coolhead import firing, registry
from coolhead.plan import Plan, restore
from coolhead.plan_rules import Expected, RuleEntry
from coolhead.rows import Signal
from coolhead.rules import EVIDENCE, Finding
from coolhead.windows import BASE, Window

NAN = math.nan
BEGIN = utc(2026, 3, 25)


def entry(**said: Any) -> RuleEntry:
    return RuleEntry.model_validate(
        {"name": "much", "rule": "threshold", "kpi": "volume", "above": 10, "severity": "S1", **said}
    )


def points(values: Sequence[float], at: Sequence[int] | None = None, **columns: Any) -> pd.DataFrame:
    """Volume of windows; `at`: their numbers, where windows are missing between."""
    numbers = range(len(values)) if at is None else at
    index = pd.DatetimeIndex([BEGIN + i * BASE for i in numbers], name="start").astype("datetime64[us, UTC]")
    return pd.DataFrame({"volume": values, "volume.n": 100.0, "unique_authors": 50.0, "quality": "ok", **columns}, index=index)


def window(moment: datetime) -> int:
    return int((moment - BEGIN) / BASE)


def fired(frame: pd.DataFrame, calendar: firing.Calendar = (), **said: Any) -> list[int]:
    one = entry(**said)
    found, state = firing.fold(one, firing.made(one), frame, {}, calendar)
    assert json.loads(json.dumps(state)) == state
    return [window(f.start) for f in found if f.expected is None]


def test_it_must_hold_for_some_minutes() -> None:
    frame = points([11, 11, 5, 11, 11, 11, 11])
    assert fired(frame) == [0, 1, 3, 4, 5, 6]
    assert fired(frame, **{"for": 5}) == fired(frame, **{"for": 0}) == fired(frame)
    assert fired(frame, **{"for": 15}) == [5, 6]
    assert fired(points([11, NAN, 11, 11]), **{"for": 15}) == []


def test_a_missing_window_breaks_the_row() -> None:
    assert fired(points([11, 11, 11, 11], at=[0, 2, 3, 5]), **{"for": 10}) == [3]


def test_it_ends_at_the_calmer_number() -> None:
    frame = points([8, 11, 8, 7, 6, 8, 11, 9, 0, 9])
    assert fired(frame) == [1, 6]
    assert fired(frame, clear=7) == [1, 2, 3, 6, 7]


def test_what_is_weak_holds_no_row() -> None:
    assert fired(points([11, 8, 11, 11, 8, 8, 11]), clear=7, **{"for": 10}) == [3, 4, 5, 6]


def test_it_needs_evidence() -> None:
    frame = points([11] * 4, **{"volume.n": [4.0, 5.0, NAN, 5.0], "unique_authors": [9.0, 1.0, 9.0, 3.0]})
    assert fired(frame, min_n=5) == [1, 3]
    assert fired(frame, min_n=5, min_authors=3) == [3]
    assert fired(frame, min_n=0) == [0, 1, 2, 3]
    assert fired(frame) == []  # a threshold asks for ten mentions, where the plan says nothing else
    assert fired(frame.drop(columns="unique_authors"), min_n=0, min_authors=1) == []


def test_a_mention_that_names_no_author_is_one_more_person() -> None:
    """Networks that tell no author must not keep every rule quiet that asks for people."""
    named, authors = [0.0, 6.0, 11.0, 8.0], [NAN, 2.0, 11.0, 8.0]
    frame = points([11] * 4, unique_authors=authors, **{"unique_authors.n": named})
    assert fired(frame, min_authors=11) == [0, 2, 3]
    assert fired(frame, min_authors=7) == [0, 1, 2, 3]
    assert fired(frame, min_authors=12) == []
    assert fired(frame.drop(columns="unique_authors"), min_authors=10) == [0]
    assert fired(frame.assign(volume=NAN), min_authors=1) == []


def test_after_its_end_it_is_quiet_unless_it_is_worse() -> None:
    frame = points([12, 0, 12, 0, 13, 0, 0, 0, 11, 11, 11])
    assert fired(frame) == [0, 2, 4, 8, 9, 10]
    # It ended 5 minutes in, was worse in window 4, ended again at 25 minutes, and is heard again 20 minutes after that.
    assert fired(frame, cool_down=20) == [0, 4, 9, 10]
    assert fired(frame, cool_down=10_080) == [0, 4]


def test_what_goes_on_is_told_when_the_quiet_is_over() -> None:
    assert fired(points([12, 0, *[11] * 6]), cool_down=20) == [0, 5, 6, 7]


def muted_in(*numbers: int) -> firing.Quiet:
    return lambda entry, found: window(found.start) in numbers


def test_what_was_muted_keeps_no_rule_quiet_once_the_mute_is_over() -> None:
    """Nobody heard how bad it was: a storm after the mute is heard, though it is no worse."""
    one = entry(cool_down=1_440)
    frame = points([90, 90, 90, 0, 0, 50, 50, 0, 40, 60])
    found, state = firing.fold(one, firing.made(one), frame, {}, quiet=muted_in(0, 1, 2))
    assert [window(f.start) for f in found] == [0, 1, 2, 5, 6, 9]  # what was heard keeps it quiet
    assert json.loads(json.dumps(state)) == state


def test_what_fires_on_when_a_mute_ends_is_heard_at_once_and_measured_from_then() -> None:
    one = entry(cool_down=1_440, clear=5)
    frame = points([90, 90, 7, 7, 0, 8, 12, 0, 11])
    found, _ = firing.fold(one, firing.made(one), frame, {}, quiet=muted_in(0, 1))
    assert [window(f.start) for f in found] == [0, 1, 2, 3, 6]


def test_a_mute_in_the_middle_does_not_raise_what_is_worse() -> None:
    one = entry(cool_down=1_440)
    found, _ = firing.fold(one, firing.made(one), points([20, 90, 0, 30, 0, 25]), {}, quiet=muted_in(1))
    assert [window(f.start) for f in found] == [0, 1, 3]


def test_a_cool_down_knows_worse_on_the_other_side_too() -> None:
    below = {"above": None, "below": 10, "cool_down": 600}
    assert fired(points([8, 20, 9, 20, 7]), **below) == [0, 4]


def test_topics_fire_apart() -> None:
    def seen(*names: str) -> list[dict[str, Any]]:
        return [{"topic": n, "terms": [n], "name": None, "authors": 5, "authors_day": 9, "usual": 0} for n in names]

    frame = points([50] * 4, topics=[seen("a"), seen("a", "b"), seen("b"), seen("a", "b")])
    one = RuleEntry.model_validate({"name": "c", "rule": "complaint_cluster", "severity": "S1", "for": 10})
    found, state = firing.fold(one, firing.made(one), frame, {})
    assert [(window(f.start), f.topic) for f in found] == [(1, "a"), (2, "b"), (3, "b")]
    assert set(state["rows"]) == {"a", "b"}


SALE = [("sale", Window(BEGIN + timedelta(minutes=10), BEGIN + timedelta(minutes=20)))]


def test_what_the_calendar_expects_is_recorded_and_marked() -> None:
    one = entry()
    found, _ = firing.fold(one, firing.made(one), points([11] * 20), {}, SALE)
    assert [window(f.start) for f in found] == list(range(20))
    # from the window in which it begins until the trailing hour holds none of it
    assert [window(f.start) for f in found if f.expected == "sale"] == list(range(2, 15))
    assert {f.expected for f in found} == {None, "sale"}


def test_an_expected_flood_is_no_measure_of_what_is_worse() -> None:
    frame = points([0, 0, *[500] * 8, 0, 0, 0, 0, 0, 11, 0, 11])
    assert fired(frame, SALE, cool_down=600) == [15]


def test_negativity_is_watched_in_a_sale() -> None:
    frame = points([50] * 4, negative_volume=40.0, **{"negative_volume.n": 50.0})
    assert fired(frame, SALE, kpi="negative_volume") == [0, 1, 2, 3]
    assert fired(frame, SALE, also={"negative_volume": 5}) == [0, 1, 2, 3]
    assert fired(frame, SALE) == [0, 1]


def test_a_source_by_itself() -> None:
    mastodon = {"volume@mastodon": [3.0, 30.0, NAN], "volume@mastodon.n": [3.0, 30.0, 0.0]}
    (one,) = entry(sources=["mastodon"]).of("zefirella")
    assert (one.name, one.source) == ("much@mastodon", "mastodon")
    found, _ = firing.fold(one, firing.made(one), points([50] * 3, **mastodon), {})
    assert [window(f.start) for f in found] == [1]
    assert firing.fold(one, firing.made(one), points([50] * 3), {})[0] == []  # nothing known of it


def test_the_state_of_another_rule_is_no_state() -> None:
    one, other = entry(**{"for": 15}), entry(rule="spike", kpi=None)
    _, state = firing.fold(one, firing.made(one), points([11, 11]), {})
    assert state["rows"]
    changed = RuleEntry.model_validate({"name": "much", "rule": "spike", "detector": "early", "severity": "S1"})
    found, after = firing.fold(changed, firing.made(changed), points([NAN], at=[2], volume_z=5.0), state)
    assert len(found) == 1 and after["rule"] == "spike" and other.rule == after["rule"]


def test_rows_that_say_nothing_more_are_forgotten() -> None:
    one = entry(cool_down=15)
    rule = firing.made(one)
    _, state = firing.fold(one, rule, points([11, 0]), {})
    assert state["rows"]
    _, state = firing.fold(one, rule, points([0], at=[4]), state)
    assert state["rows"] == {}


# overrides


def plan(rules: list[dict[str, Any]], calendar: tuple[Any, ...] = ()) -> Plan:
    def market(name: str, **more: Any) -> dict[str, Any]:
        return {
            "id": name,
            "time_zone": "Europe/Rome",
            "languages": ["it"],
            "terms": {"any_of": ["zefirella"]},
            "sources": {"files": {}},
            **more,
        }

    return Plan.model_validate({
        "brands": {"brands": [{"name": "Zefirella", "markets": [market("it", calendar=calendar), market("pl")]}]},
        "rules": {"rules": rules}, "escalation": {"people": PEOPLE, "steps": STEPS},
    })  # fmt: skip


def test_markets_have_numbers_of_their_own() -> None:
    override = {"markets": ["pl"], "above": 30, "for": 15, "severity": "S0"}
    made = plan(
        [{"name": "much", "rule": "threshold", "kpi": "volume", "above": 10, "severity": "S1", "overrides": [override]}]
    )
    (it,), (pl,) = made.rules_of("it"), made.rules_of("pl")
    assert (it.settings["above"], it.held, it.severity) == (10, 5, "S1")
    assert (pl.settings["above"], pl.held, pl.severity, pl.name) == (30, 15, "S0", "much")
    frame = points([20, 40, 40, 40])
    for market, windows in (("it", [0, 1, 2, 3]), ("pl", [3])):
        found, state = firing.Fold.of(made, made.market(market)).step(frame, {"gone": {}})
        assert [window(f.start) for _, f in found] == windows
        assert set(state) == {"much"}


def test_sources_have_numbers_of_their_own_beside_the_whole() -> None:
    overrides = [{"sources": ["files"], "above": 5}, {"sources": ["files"], "markets": ["pl"], "min_n": 0}]
    made = plan([{"name": "much", "rule": "threshold", "kpi": "volume", "above": 10, "severity": "S1", "overrides": overrides}])
    assert [(e.name, e.settings["above"], e.min_n) for e in made.rules_of("it")] == [
        ("much", 10, None),
        ("much@files", 5, None),
    ]
    assert [(e.name, e.settings["above"], e.min_n) for e in made.rules_of("pl")] == [("much", 10, None), ("much@files", 5, 0)]


def test_a_plan_with_all_of_it_is_kept_as_json() -> None:
    rules = [{"name": "much", "rule": "threshold", "kpi": "volume", "above": 10, "severity": "S1", "for": 10, "min_n": 3, "cool_down": 60,
              "overrides": [{"markets": ["pl"], "for": 15}, {"sources": ["files"], "above": 5}]}]  # fmt: skip
    event = {"name": "sale", "start": "2026-03-24", "end": "2026-03-25T20:00+01:00"}
    made = plan(rules, (event,))
    again = restore(json.loads(json.dumps(made.content())))
    assert again == made and again.hash() == made.hash()
    assert [e.held for e in again.rules_of("it")] == [10, 10] and [e.held for e in again.rules_of("pl")] == [15, 15]


def test_the_severity_of_a_finding_is_that_of_its_pair() -> None:
    made = plan([{"name": "red", "rule": "red_line", "severity": "S1"}])
    hit = {"name": "harm", "severity": "S3", "source": "feed", "lang": "it", "credible": True, "why": ""}
    ((one, finding),) = firing.Fold.of(made, made.market("it")).step(points([1], red_lines=[[hit]]), {})[0]
    assert (one.severity, finding.topic) == ("S3", "red line: harm")


def test_the_calendar_is_of_the_market_and_its_days() -> None:
    made = plan(
        [{"name": "much", "rule": "threshold", "kpi": "volume", "above": 10, "severity": "S1"}],
        ({"name": "Ramadan", "start": "2026-03-24", "end": "2026-03-24"},),
    )
    found, _ = firing.Fold.of(made, made.market("it")).step(points([11, 11], at=[0, 11]), {})
    # The local day ended at 23:00 UTC; the hour that ends at 00:05 holds none of it.
    assert [f.expected for _, f in found] == [None, None]
    assert made.market("it").calendar[0].span("Europe/Rome") == Window(utc(2026, 3, 23, 23), utc(2026, 3, 24, 23))
    assert made.market("pl").calendar == ()


def test_an_event_may_begin_within_a_day() -> None:
    event = Expected.model_validate({"name": "sale", "start": "2026-03-29T02:30+01:00", "end": "2026-03-29"})
    assert event.span("Europe/Rome") == Window(utc(2026, 3, 29, 1, 30), utc(2026, 3, 29, 22))  # a day of 23 hours
    again = Expected.model_validate(json.loads(event.model_dump_json()))
    assert again == event


# any chunking, no future


KPIS = ("volume", "volume_z", "volume_excess", "negative_share", "negative_prevalence", "scored_coverage", "doubling_time",
        "share_of_voice", "share_of_negatives", "excess_follower_change", "unanswered_age", "first_time_author_share", "negative_volume")  # fmt: skip


def _item(draw: Random, column: str) -> Any:
    """One entry of a column of evidence."""
    if column == "topics":
        counts = {"authors": draw.randrange(4), "authors_day": draw.randrange(9), "usual": draw.randrange(5)}
        return {"topic": draw.choice("ab"), "terms": ["t"], "name": None, **counts}
    if column == "multipliers":
        said = {"audience": draw.randrange(5), "top": draw.random() < 0.7, "credible": draw.random() < 0.7}
        return {"source": "feed", "topic": draw.choice([None, "a"]), **said}
    if column == "red_lines":
        said = {"name": draw.choice("xy"), "severity": draw.choice(["S1", "S3"]), "credible": draw.random() < 0.7}
        return {"source": "feed", "lang": "it", "why": "", **said}
    return draw.choice(["feed", "x"])


def drawn(seed: int) -> pd.DataFrame:
    """Some windows of what rules may see, with gaps."""
    draw = Random(seed)
    at = sorted(draw.sample(range(30), draw.randrange(1, 20)))
    columns = [f"{kpi}{end}" for kpi in KPIS for end in ("", ".n", ".low", ".high", ".baseline")]
    table: dict[str, Any] = {
        c: [draw.choice([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, NAN]) for _ in at] for c in [*columns, "unique_authors"]
    }
    table["excess_follower_change.high"] = [-x for x in table["excess_follower_change.high"]]
    table["quality"] = [draw.choice(["ok", "blind"]) for _ in at]
    for name in EVIDENCE:
        unique = [{json.dumps(_item(draw, name)) for _ in range(draw.randrange(3))} for _ in at]
        by_topic = [
            list({x.get("topic", x.get("name")) if isinstance(x, dict) else x: x for x in map(json.loads, sorted(u))}.values())
            for u in unique
        ]
        table[name] = pd.Series(by_topic, dtype=object).to_numpy()
    index = pd.DatetimeIndex([BEGIN + i * BASE for i in at], name="start").astype("datetime64[us, UTC]")
    return pd.DataFrame(table, index=index)


SEED = st.integers(0, 10**9)
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "threshold": [
        {"kpi": "volume", "above": 3, "clear": 1},
        {"kpi": "volume", "below": 2, "clear": 3},
        {"kpi": "negative_share", "above": 2, "bound": "low"},
    ],
    "baseline": [{"kpi": "negative_share", "rise": 1, "clear": 0.5, "bound": "value"}],
    "spike": [{"detector": "early", "above": 3, "clear": 2}, {"detector": "big", "above": 2}],
    "velocity": [{"minutes": 120, "volume": 3, "clear": 200}],
    "complaint_cluster": [{"authors": 3, "clear": 2}, {"over": "hour", "authors": 2}],
    "multiplier": [{"audience": 2}],
    "follower_drop": [{"followers": 1}],
    "share_of_voice": [{"margin": 0.5, "bound": "value"}],
    "unanswered_age": [{"hours": 3}],
    "coverage": [{"below": 0.9, "quality": ["blind"]}],
    "first_time_authors": [{"rise": 0.5, "authors": 2}],
    "red_line": [{}],
    "cannot_judge": [{"above": 3}],
    "crisis": [{"rise": 0.5, "clear": 0.1, "audience": 2}],
}
SHARED: list[dict[str, Any]] = [
    {"min_n": 0}, {"min_n": 2, "min_authors": 2, "for": 10}, {"min_n": 0, "for": 15, "cool_down": 20}, {"min_n": 0, "cool_down": 60},
]  # fmt: skip


def test_every_rule_is_played() -> None:
    assert set(SETTINGS) == set(registry.names("rules"))


@pytest.mark.parametrize("kind", sorted(SETTINGS))
@given(seed=SEED, data=st.data())
@many
def test_any_chunking_gives_the_same(kind: str, seed: int, data: st.DataObject) -> None:
    """Findings and state; the state passes through JSON between chunks, as in the store."""
    frame, said = drawn(seed), {**data.draw(st.sampled_from(SETTINGS[kind])), **data.draw(st.sampled_from(SHARED))}
    one = RuleEntry.model_validate({"name": "r", "rule": kind, "severity": "S1", **said})
    rule, calendar = firing.made(one), data.draw(st.sampled_from([(), SALE]))
    quiet = data.draw(st.sampled_from([firing.nothing_muted, muted_in(*range(5, 14))]))
    whole, state = firing.fold(one, rule, frame, {}, calendar, quiet)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(frame)))))
    found, memory = list[Finding](), dict[str, Any]()
    for a, b in zip([0, *cuts], [*cuts, len(frame)], strict=True):
        more, memory = firing.fold(one, rule, frame.iloc[a:b], json.loads(json.dumps(memory)), calendar, quiet)
        found += more
    assert (found, memory) == (whole, state)


@pytest.mark.parametrize("kind", sorted(SETTINGS))
@given(seed=SEED, data=st.data())
@few
def test_the_future_changes_nothing(kind: str, seed: int, data: st.DataObject) -> None:
    frame, said = drawn(seed), {**data.draw(st.sampled_from(SETTINGS[kind])), **data.draw(st.sampled_from(SHARED))}
    one = RuleEntry.model_validate({"name": "r", "rule": kind, "severity": "S1", **said})
    cut = data.draw(st.integers(0, len(frame)))
    early = firing.fold(one, firing.made(one), frame.iloc[:cut], {})[0]
    whole = firing.fold(one, firing.made(one), frame, {})[0]
    assert [f for f in whole if f.start in set(frame.index[:cut])] == early


def test_the_drawn_points_make_every_rule_fire() -> None:
    """Or the properties above would hold of nothing."""
    silent = set(SETTINGS)
    for frame in map(drawn, range(40)):
        for kind, said in [(k, s) for k in sorted(silent) for s in SETTINGS[k]]:
            one = RuleEntry.model_validate({"name": "r", "rule": kind, "severity": "S1", "min_n": 0, **said})
            if firing.fold(one, firing.made(one), frame, {})[0]:
                silent.discard(kind)
    assert silent == {"first_time_authors"}  # learns for two weeks: test_rules.py


def test_a_holiday_is_a_sunday_and_keeps_nobody_quiet() -> None:
    said = {"name": "Easter Monday", "start": "2026-04-06", "end": "2026-04-06", "expects": "holiday"}
    event = Expected.model_validate(said)
    assert list(event.days("Europe/Rome")) == [date(2026, 4, 6)]
    assert firing.calendar_of([event], "Europe/Rome") == []


def test_a_rule_that_this_version_refuses_ends_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """An upgrade meets the plan that an earlier version checked."""
    old = {"name": "old", "rule": "threshold", "kpi": "volume", "above": 1, "for_windows": 2, "severity": "S1"}
    good = {"name": "good", "rule": "threshold", "kpi": "volume", "above": 1, "severity": "S1"}
    made = a_plan(old, good)
    fold = firing.Fold.of(made, made.only_market())
    assert [entry.name for entry, _ in fold.rules] == ["good"]
    assert "Rule old of the plan that runs does not count: for_windows" in caplog.text


@pytest.mark.parametrize("author", [None, "one"])
def test_a_source_that_names_nobody_is_heard(tmp_path: Path, author: str | None) -> None:
    """Lived through the evaluation: reviews and exports without authors, and one author who writes as much."""
    rule = {"name": "cross", "rule": "threshold", "kpi": "negative_volume", "above": 30, "min_authors": 10, "severity": "S2"}
    with House(tmp_path, a_plan(rule)) as house:
        house.listen(BEGIN, BEGIN + timedelta(hours=1))
        for n in range(40):
            house.say(BEGIN + timedelta(seconds=n), "negative", author=author, known_at=BEGIN + timedelta(minutes=2))
        house.evaluate(BEGIN + timedelta(minutes=10))
        told = {(s.rule, s.severity) for s in house.store.read(Signal)}
    assert told == (set() if author else {("cross", "S2")})
