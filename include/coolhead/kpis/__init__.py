"""Family Kpi: one number, one file.

additive: `parts` gives numbers per mention that sum over a window, and windows' sums over an hour or a day.
distinct: the same, but each author counts once per window (`once_per`): its parts never add over windows.
derived: made of other points, of other brands' points, of follower counts, or of what is usual.
The engine (measuring.py, derived.py, evaluation.py) groups and sums; a KPI says only what a row contributes and what the
sums mean. A part whose name has a dot (`it.negative`) is sparse: it is stored where it is not 0, and 0 where it is absent.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

from coolhead.reach import ReachFactor
from coolhead.registry import Plugin
from coolhead.rows import Grain

if TYPE_CHECKING:
    import pandas as pd

    from coolhead.prevalence import Confusion

Z95 = 1.959964
"""Two-sided 95 % quantile of the normal distribution."""


MEMORY = timedelta(days=180)
"""Who has not spoken of a brand for so long speaks of it for the first time."""
WILSON = "Wilson 1927"
"""`share`"""


@dataclass(frozen=True)
class Context:
    """What a KPI may need beside its rows: of one market, as known at the start of one of its days."""

    confusions: "Mapping[str, Confusion]" = field(default_factory=dict)
    """By language: what the active scorer takes for what."""
    reach_factor: ReachFactor = field(default_factory=ReachFactor)
    kept: timedelta = MEMORY
    """How long mentions are kept, and with them who spoke when."""


class Kpi(Plugin, ABC):
    """A KPI. Its class attributes make its line in the catalogue of KPIs."""

    title: ClassVar[str]
    unit: ClassVar[str]
    formula: ClassVar[str]
    origin: ClassVar[str] = "own proposal"
    version: ClassVar[int] = 1
    """Goes up whenever the same mentions may give another number."""
    interval: ClassVar[str] = ""
    """By which method `low` and `high` are made; empty: it has none."""
    once_per: ClassVar[Literal["author"] | None] = None
    """Then `parts` sees one row per author and window, that of the greatest audience, with three columns more: `times` (mentions
    of the author), `rank` (by audience, from 1) and `of` (authors)."""
    reads: ClassVar[Literal["mention", "own", "both", "answerable", "follower", "voices", "backlog", "usual"]] = "mention"
    """`mention`: everybody's but the brand's; `own`: the brand's own posts; `both`: all; `answerable`: mentions that wait for an
    answer, with `answered`; `follower`: counts of own accounts; `voices`: our points beside those of the brands that the market
    watches; `backlog`: what is still open, by age; `usual`: the trailing hour beside its baseline."""
    asks: ClassVar[str] = ""
    """The KPI whose points a derived one is made of."""
    least_days: ClassVar[int] = 14
    """Covered days of its baseline that one which reads `usual` needs; null before."""
    reads_scores: ClassVar[bool] = False
    grains: ClassVar[tuple[Grain, ...]] = ("5min", "hour", "day")
    """Windows that it is computed for. Rules see it over the trailing hour if `trailing`, whatever these are."""
    trailing: ClassVar[bool] = True
    context = Context()
    """Set by the engine before `parts` and `value`."""

    @property
    def kind(self) -> str:
        if self.reads in ("follower", "voices", "backlog", "usual"):
            return "derived"
        return "distinct" if self.once_per else "additive"

    @abstractmethod
    def parts(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Numbers per row of the frame, on its index. `n` is the count behind the value and always present."""

    @abstractmethod
    def value(self, parts: "pd.DataFrame") -> "pd.DataFrame":
        """Sums -> columns `value`, and where there is an interval `low` and `high`. Null where undefined, never 0.

        Beside the sums stand `hours`, the length of the window, and `begin`, its start in hours since 1970.
        """


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


def difference(hits: "pd.Series", others: "pd.Series", n: "pd.Series") -> "pd.DataFrame":
    """(hits - others) / n of one sample, with a 95 % interval by square-and-add of both shares' (Zou and Donner 2008), which
    are correlated by -sqrt(p q / ((1 - p)(1 - q))); null where n is 0."""
    import numpy as np
    import pandas as pd

    p, q = share(hits, n), share(others, n)
    value = p.value - q.value
    against = (1 - p.value) * (1 - q.value)
    together = -np.sqrt(p.value * q.value / against.where(against > 0)).fillna(0).clip(upper=1)

    def reach(a: "pd.Series", b: "pd.Series") -> "pd.Series":
        return np.sqrt((a**2 + b**2 - 2 * together * a * b).clip(lower=0))

    low = value - reach(p.value - p.low, q.high - q.value)
    high = value + reach(p.high - p.value, q.value - q.low)
    return pd.DataFrame({"value": value, "low": low.clip(lower=-1), "high": high.clip(upper=1)})


def mean(total: "pd.Series", squares: "pd.Series", n: "pd.Series") -> "pd.DataFrame":
    """total / n with a normal 95 % interval from the sum of squares; no interval below n = 2."""
    import numpy as np
    import pandas as pd

    some = n.where(n > 0)
    value = total / some
    spread = ((squares - some * value**2) / (some - 1).where(some > 1)).clip(lower=0)
    half = Z95 * np.sqrt(spread / some)
    return pd.DataFrame({"value": value, "low": value - half, "high": value + half})


def mean_tone(total: "pd.Series", squares: "pd.Series", n: "pd.Series") -> "pd.DataFrame":
    """total / n of numbers from -1 to 1, with a 95 % score interval that stays there; null where n is 0.

    Wilson's interval of the mean's place between the ends, n over the part of the greatest possible variance (that of nothing but
    -1 and 1) that was found. Z95^2 numbers of that variance are added to those found, so that two equal ones are not sure.
    """
    some = n.where(n > 0)
    value = total / some
    most = 1 - value**2
    found = ((squares / some - value**2) / most.where(most > 1e-12)).clip(0, 1).fillna(1)
    part = ((some * found + Z95**2) / (some - 1 + Z95**2)).clip(upper=1)
    placed = share((1 + value) / 2 * some / part, some / part)
    return (2 * placed - 1).assign(value=value)


def quantile(bins: "pd.DataFrame", q: float) -> "pd.DataFrame":
    """The q-quantile of counts per bin (columns: the bins' numbers, ascending), with the 95 % interval of order statistics:
    ranks n q -+ 1.96 sqrt(n q (1 - q)) (Conover 1999, 3.2). Null where there are no counts."""
    import numpy as np
    import pandas as pd

    counts = bins.to_numpy(dtype=float)
    n, so_far = counts.sum(axis=1), counts.cumsum(axis=1)
    half = Z95 * np.sqrt(n * q * (1 - q))
    middle = np.ceil(n * q)
    ranks = {"value": middle, "low": np.floor(n * q - half), "high": np.ceil(n * q + half) + 1}
    places = np.asarray(bins.columns, dtype=float)
    out = pd.DataFrame(index=bins.index, columns=list(ranks), dtype=float)
    for name, rank in ranks.items():
        reached = so_far >= np.clip(rank, 1, np.maximum(n, 1))[:, None]
        if len(places):
            out[name] = np.where(n > 0, places[reached.argmax(axis=1)], np.nan)
    return out


def ratio(numerator: "pd.Series", denominator: "pd.Series") -> "pd.DataFrame":
    """numerator / denominator, null where the denominator is 0."""
    return plain(numerator / denominator.where(denominator != 0))
