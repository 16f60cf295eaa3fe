"""Family Kpi: one number, one file.

additive: `parts` gives numbers per mention that sum over a window, and windows' sums over an hour or a day.
distinct: the same, but each author counts once per window (`once_per`): its parts never add over windows.
follower: read from follower counts instead of mentions. derived: read from other points and their baseline.
The engine (evaluation.py) groups and sums; a KPI says only what a mention contributes and what the sums mean.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from coolhead.registry import Plugin

if TYPE_CHECKING:
    import pandas as pd

Z95 = 1.959964
"""Two-sided 95 % quantile of the normal distribution."""


class Kpi(Plugin, ABC):
    """A KPI. Its class attributes make its line in the catalogue of KPIs."""

    title: ClassVar[str]
    unit: ClassVar[str]
    formula: ClassVar[str]
    origin: ClassVar[str] = "own proposal"
    version: ClassVar[int] = 1
    """Goes up whenever the same mentions may give another number."""
    once_per: ClassVar[Literal["author"] | None] = None
    reads: ClassVar[Literal["mention", "own", "follower", "points"]] = "mention"
    """`mention`: everybody's but the brand's; `own`: the brand's own posts; `follower`: counts of own accounts;
    `points`: the trailing hour's volume beside its baseline."""
    reads_scores: ClassVar[bool] = False

    @property
    def kind(self) -> str:
        by_input = {"follower": "follower", "points": "derived"}
        return by_input.get(self.reads) or ("distinct" if self.once_per else "additive")

    @abstractmethod
    def parts(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Numbers per row of the frame, on its index. `n` is the count behind the value and always present."""

    @abstractmethod
    def value(self, parts: "pd.DataFrame") -> "pd.DataFrame":
        """Sums -> columns `value`, and where there is an interval `low` and `high`. Null where undefined, never 0."""


def one(frame: "pd.DataFrame", **columns: "pd.Series") -> "pd.DataFrame":
    """Parts: the given columns as numbers (unknown counts as 0) beside `n` = 1 per row."""
    import pandas as pd

    numbers = {name: pd.to_numeric(column).fillna(0).astype("float64") for name, column in columns.items()}
    return pd.DataFrame({"n": 1.0, **numbers}, index=frame.index)


def plain(value: "pd.Series") -> "pd.DataFrame":
    """A value without an interval."""
    import pandas as pd

    return pd.DataFrame({"value": value})


def share(hits: "pd.Series", n: "pd.Series") -> "pd.DataFrame":
    """hits / n with Wilson's 95 % interval (Wilson 1927); null where n is 0."""
    import numpy as np
    import pandas as pd

    with np.errstate(divide="ignore", invalid="ignore"):
        total = n.where(n > 0)
        p = hits / total
        middle = (p + Z95**2 / (2 * total)) / (1 + Z95**2 / total)
        half = Z95 * np.sqrt(p * (1 - p) / total + Z95**2 / (4 * total**2)) / (1 + Z95**2 / total)
    return pd.DataFrame({"value": p, "low": (middle - half).clip(lower=0), "high": (middle + half).clip(upper=1)})


def mean(total: "pd.Series", squares: "pd.Series", n: "pd.Series") -> "pd.DataFrame":
    """total / n with a normal 95 % interval from the sum of squares; no interval below n = 2."""
    import numpy as np
    import pandas as pd

    some = n.where(n > 0)
    value = total / some
    spread = ((squares - some * value**2) / (some - 1).where(some > 1)).clip(lower=0)
    half = Z95 * np.sqrt(spread / some)
    return pd.DataFrame({"value": value, "low": value - half, "high": value + half})


def ratio(numerator: "pd.Series", denominator: "pd.Series") -> "pd.DataFrame":
    """numerator / denominator, null where the denominator is 0."""
    return plain(numerator / denominator.where(denominator != 0))
