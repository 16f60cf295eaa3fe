"""Two detectors of volume for two purposes, and how either becomes alarms: one episode, one alarm.

`early`, on the log scale and robust: it asks how unlikely the trailing hour is for its hour of the day or week. It sees what
begins, also at a small brand, and cries often: for a watch item.
`big`, on the raw scale: it asks how many mentions too many there are, beside how far an hour of the last two weeks usually
lies off. Past storms raise that measure, so that it stays calm with a brand that lives from one to the next: for what must
not be missed.

How the constants were chosen (make bench-detect prints it): on five real series of mentions per five minutes, the same for
all. `big`: of a grid of four measures of how far volumes usually lie off, 7, 14 and 21 days of it, and sixteen thresholds. The
mean absolute deviation of 14 days has the widest plateau: all seventeen episodes are found up to a threshold of 14, the NAB
score is 75 or more from 6 to 16; 10 is the round number in the middle, for a miss is dearer than a false alarm and the cliff
lies above. It holds where the days begin at other hours and where only a fifth of the mentions are known. `early` has the
threshold of DEFINITIONS.md: it finds all eleven episodes after its first fortnight, and alarms 1.3 to 5 times as often.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

ALARM = 0.5
"""Score of an alarm, and above."""
COOL_DOWN = timedelta(hours=24)
"""After an alarm a detector is silent for a day: what swells and ebbs within it is one episode. What still lasts then, or comes
again, is said again: a storm of a week is told seven times, never once and never two thousand times. (Re-arming only after a
quiet day loses whatever comes on top of a lasting unrest: measured, two of seventeen episodes. A rule's `cool_down` counts from
its end and lets through what is worse: there it joins the incident, which is one as well.)"""
LEAST_VOLUME = 10
"""Mentions in the trailing hour, fewer of which are no evidence for `early`."""

Array = npt.NDArray[np.float64]


def early(now: npt.ArrayLike, center: npt.ArrayLike, spread: npt.ArrayLike) -> Array:
    """Robust sigmas above what is usual, NaN below 10 mentions. now: mentions of the trailing hour; center, spread: of
    ln(1 + V) (baselines.Usual)."""
    volume = np.asarray(now, dtype=float)
    return np.where(volume >= LEAST_VOLUME, (np.log1p(volume) - center) / np.asarray(spread), np.nan)


def big(now: npt.ArrayLike, median: npt.ArrayLike, deviation: npt.ArrayLike) -> Array:
    """Mean absolute deviations above what is usual. now: mentions of the trailing hour; median, deviation: mentions
    (baselines.Usual)."""
    return np.asarray((np.asarray(now, dtype=float) - median) / np.asarray(deviation))


@dataclass(frozen=True)
class Detector:
    """Alarms where its statistic reaches the threshold, unless it did so within the cool-down."""

    name: str
    kpi: str
    """KPI that is its statistic, for rules."""
    statistic: Callable[..., Array]
    beside: tuple[str, str]
    """Which numbers of what is usual (baselines.Usual) the statistic takes after the volume."""
    threshold: float
    least_days: int
    """Covered days of the baseline that it needs."""
    cool_down: timedelta = COOL_DOWN

    def step(self, at: float, statistic: float, alarmed: float | None) -> tuple[float, float | None]:
        """(score of one moment, when it last alarmed); the score is 0 to 1, and 0.5 and above is an alarm.

        at, alarmed: seconds since 1970, ascending from call to call; statistic: NaN where nothing can be said.
        s / (s + threshold): 0.5 at the threshold; halved, and so below 0.5, while cooling down.
        """
        if not statistic > 0:
            return 0.0, alarmed
        # At the threshold itself the quotient may round to just below.
        score = max(statistic / (statistic + self.threshold), ALARM if statistic >= self.threshold else 0.0)
        if alarmed is not None and at - alarmed < self.cool_down.total_seconds():
            return score / 2, alarmed
        return score, at if score >= ALARM else alarmed


EARLY = Detector("early", "volume_z", early, ("center", "spread"), threshold=3.5, least_days=14)
BIG = Detector("big", "volume_excess", big, ("median", "deviation"), threshold=10.0, least_days=2)
DETECTORS: dict[str, Detector] = {d.name: d for d in (BIG, EARLY)}
