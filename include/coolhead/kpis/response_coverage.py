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
        """frame: with `answered`, as known when it is computed (responses.py)."""
        classes = {f"{c}.n": frame.kind == c for c in CLASSES}
        answered = {f"{c}.answered": (frame.kind == c) & frame.answered for c in CLASSES}
        return one(frame, answered=frame.answered, **classes, **answered)

    def value(self, parts: pd.DataFrame) -> pd.DataFrame:
        return share(parts.answered, parts.n)
