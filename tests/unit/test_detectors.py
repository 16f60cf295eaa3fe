"""Two detectors for two purposes; one episode, one alarm."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coolhead import registry
from coolhead.baselines import Usual, usual
from coolhead.detectors import ALARM, BIG, DETECTORS, EARLY, Detector

HOUR = 3600.0
detectors = st.sampled_from(list(DETECTORS.values()))


def statistic(detector: Detector, now: float, beside: Usual) -> float:
    return float(detector.statistic(now, *(getattr(beside, name) for name in detector.beside)))


def alarms(detector: Detector, statistics: list[float], every: float = HOUR / 12) -> list[int]:
    found, alarmed = [], None
    for i, s in enumerate(statistics):
        score, alarmed = detector.step(i * every, s, alarmed)
        found += [i] if score >= ALARM else []
    return found


@given(detector=detectors, s=st.floats(-1e15, 1e15) | st.just(float("nan")))
def test_an_alarm_is_a_score_of_half_or_more(detector: Detector, s: float) -> None:
    score, alarmed = detector.step(0, s, None)
    assert 0 <= score <= 1
    assert (score >= ALARM) == (s >= detector.threshold) == (alarmed == 0)


@given(detector=detectors, threshold=st.floats(1e-6, 1e6))
def test_at_the_threshold_itself(detector: Detector, threshold: float) -> None:
    assert replace(detector, threshold=threshold).step(0, threshold, None) == (ALARM, 0)


@given(detector=detectors, lower=st.floats(0, 1e9), more=st.floats(0, 1e9), alarmed=st.none() | st.just(-HOUR))
def test_what_is_more_unusual_scores_no_less(detector: Detector, lower: float, more: float, alarmed: float | None) -> None:
    assert detector.step(0, lower, alarmed)[0] <= detector.step(0, lower + more, alarmed)[0]


def test_one_episode_is_one_alarm() -> None:
    """Two hours above, a lull, an hour above: what swells and ebbs is one thing."""
    assert alarms(BIG, [0] * 12 + [30] * 24 + [0] * 36 + [80] * 12) == [12]


def test_what_lasts_is_said_again_after_a_day() -> None:
    assert alarms(BIG, [30] * 24 * 12 * 3) == [0, 288, 576]


@given(s=st.lists(st.floats(0, 50), min_size=1, max_size=600))
def test_two_alarms_are_a_day_apart(s: list[float]) -> None:
    found = np.array(alarms(BIG, s, HOUR))
    assert (np.diff(found) * timedelta(hours=1) >= BIG.cool_down).all()
    assert len(found) > 0 or max(s) < BIG.threshold


@given(detector=detectors, now=st.lists(st.floats(0, 1e6), min_size=1, max_size=20), seed=st.integers(0, 100))
def test_a_rule_sees_the_very_statistic(detector: Detector, now: list[float], seed: int) -> None:
    """The KPI that rules threshold on, and the pipe's."""
    beside = [usual(np.random.default_rng(seed + i).poisson(seed, 20).tolist()) for i in range(len(now))]
    kpi = registry.load("kpis", detector.kpi)()
    names = ("center", "spread", "median", "deviation")
    frame = pd.DataFrame(
        {"now": now, "n": now} | {n: [getattr(u, n) for u in beside] for n in names}, index=range(7, 7 + len(now))
    )
    found = kpi.value(kpi.parts(frame)).value
    assert list(found.index) == list(frame.index)
    assert found.tolist() == pytest.approx([statistic(detector, v, u) for v, u in zip(now, beside, strict=True)], nan_ok=True)
    assert kpi.least_days == detector.least_days


def test_early_sees_a_small_brand_begin_and_big_waits() -> None:
    small = usual([1, 0, 2, 1, 1, 3, 0, 1, 2, 1])
    assert statistic(EARLY, 30, small) >= EARLY.threshold
    assert statistic(BIG, 30, small) < BIG.threshold
    assert statistic(BIG, 31, small) >= BIG.threshold


def test_big_stays_calm_with_a_brand_that_has_storms_all_the_time() -> None:
    stormy = usual([20] * 300 + [2000] * 36)
    assert statistic(EARLY, 1000, stormy) >= EARLY.threshold
    assert statistic(BIG, 1000, stormy) < BIG.threshold


def test_single_mentions_of_a_quiet_brand_are_no_alarm() -> None:
    silent = usual([0] * 30)
    assert np.isnan(statistic(EARLY, 9, silent))
    assert statistic(BIG, 9, silent) < BIG.threshold
