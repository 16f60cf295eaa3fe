"""First-time-author share."""

import pandas as pd

from coolhead.kpis import MEMORY, WILSON, Kpi, one, share


class FirstTimeAuthorShare(Kpi):
    """How many of those who speak never did: in a crisis, people who are not involved."""

    title, unit, interval = "First-time-author share", "share", WILSON
    formula = "authors with no mention of the brand in the 180 days before / A, by local day (from author_day); null where the plan keeps mentions for less"
    origin = "own proposal: the people who are not involved"
    once_per = "author"
    grains = ("day",)

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """frame: with `first`, of the author's local day (authors.py)."""
        return one(frame, newcomers=frame["first"])

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        # Whoever spoke before what is kept would count as new: no number is better than a false one.
        remembered = parts.n if self.context.kept >= MEMORY else parts.n * float("nan")
        return share(parts.newcomers, remembered)
