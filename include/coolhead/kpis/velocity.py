"""Velocity."""

import numpy as np
import pandas as pd

from coolhead.kpis import Z95, Kpi, one


class Velocity(Kpi):
    """How fast mentions come."""

    title, unit = "Velocity", "mentions per hour"
    formula = "V / length of the window in hours"
    interval = "Poisson, Byar's approximation (Rothman and Boice 1979)"
    version = 2
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return one(frame)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        n, up = parts.n, parts.n + 1
        some = n.where(n > 0)
        low = some * (1 - 1 / (9 * some) - Z95 / (3 * np.sqrt(some))) ** 3
        high = up * (1 - 1 / (9 * up) + Z95 / (3 * np.sqrt(up))) ** 3
        # The limit of no mention is 0; the formula has none there.
        return pd.DataFrame({"value": n, "low": low.clip(lower=0).where(n != 0, 0), "high": high}).div(parts.hours, axis=0)
