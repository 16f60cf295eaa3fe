"""Response coverage."""

import pandas as pd

from coolhead.kpis import WILSON, Kpi, one, share

CLASSES = ("complaint", "question")


class ResponseCoverage(Kpi):
    """How many of those who wait for an answer got one; by class in its parts (`complaint.answered` / `complaint.n`)."""

    title, unit, interval = "Response coverage", "share", WILSON
    formula = (
        "complaints and questions, addressed to the brand or naming it, no reposts, "
        "that an own post answers within 14 days / all of them"
    )
    reads = "answerable"
    trailing = False
    grains = ("hour", "day")

    def parts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """frame: with `answered`, as known when it is computed, and `answered_after` in local days (responses.py).

        `after.2`: those that were answered two local days later, so that the backlog of the days between can count them.
        """
        classes = {f"{c}.n": frame.kind == c for c in CLASSES}
        answered = {f"{c}.answered": (frame.kind == c) & frame.answered for c in CLASSES}
        after = "after." + frame.answered_after[frame.answered].astype(int).astype(str)
        delays = pd.get_dummies(after, dtype="float64").reindex(frame.index, fill_value=0.0)
        return one(frame, answered=frame.answered, **classes, **answered).join(delays)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return share(parts.answered, parts.n)
