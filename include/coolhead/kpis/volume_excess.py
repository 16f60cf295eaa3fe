"""Volume excess: how far the trailing hour stands above what is usual, in mentions. The statistic of the detector `big`."""

import pandas as pd

from coolhead.detectors import BIG, big
from coolhead.kpis import Kpi, plain


class VolumeExcess(Kpi):
    """Mentions above what is usual for that hour, as a multiple of how far an hour of the last two weeks lies off on average. For
    what must not be missed: it is said once two days are covered, and calmer with a brand that has storms every week."""

    title, unit = "Volume excess", "mean deviations"
    formula = (
        "(V - median V) / max(mean |V - median V| of the hours of the last 14 days, 3, sqrt(1 + median V)), same hour +-1 h of the week of the last 8 weeks "
        "if 4 are covered, before that of the day of the last 21 days; of fewer than 3 days any hour"
    )
    reads, asks = "usual", "volume"
    grains = ("5min",)
    least_days = BIG.least_days

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """frame: `now`, the volume of the trailing hour, and median and deviation of its baseline (baselines.py)."""
        return frame[["median", "deviation"]].assign(n=frame.now)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return plain(pd.Series(big(parts.n, parts["median"], parts.deviation), index=parts.index))
