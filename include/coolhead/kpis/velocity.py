"""Velocity."""

import numpy as np
import pandas as pd

from coolhead.kpis import Kpi, one


class Velocity(Kpi):
    """How fast mentions come."""

    title, unit = "Velocity", "mentions per hour"
    formula = "V / length of the window in hours"
    interval = "Poisson, Byar's approximation (Rothman and Boice 1979)"
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        return one(frame)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        n, up = parts.n, parts.n + 1
        low = n * (1 - 1 / (9 * n) - 1.959964 / (3 * np.sqrt(n))) ** 3
        high = up * (1 - 1 / (9 * up) + 1.959964 / (3 * np.sqrt(up))) ** 3
        return pd.DataFrame({"value": n, "low": low.clip(lower=0), "high": high}).div(parts.hours, axis=0)
