"""What cheaply speaks against a mention that rules would act on: evidence, no verdict (authenticity.py says more of many).

Rows are one per mention and window (trailing.expanded), with `who` (source and author), `copy` (nearly repeats an earlier
mention) and `spam`.
"""

from datetime import timedelta

import numpy as np
import pandas as pd

from coolhead.authenticity import FAST

YOUNG = timedelta(days=1)
"""An account that speaks so soon after it was made may have been made for it."""
RAPID = 20
"""Mentions within FAST from which on an account posts like a machine: as many as are strong evidence (authenticity.py). Fewer are
a thread, or somebody who answers many; what says the same again is a copy."""


def against(some: pd.DataFrame, rows: pd.DataFrame, reposts: bool) -> pd.DataFrame:
    """One row per row of `some`, one column of yes or no per reason, named as people read it.

    rows: all of the windows. reposts: to pass on what another said is nothing against a mention.
    """
    age = some.published_at - some.author_since
    return pd.DataFrame({
        "spam": some.spam,
        "repeats an earlier mention": some["copy"] & (some.repost_of.isna() | (not reposts)),
        "its account was made within the day before": (age >= timedelta()) & (age <= YOUNG),
        f"its author posted {RAPID} times or more within {FAST.seconds // 60} minutes": _each(some).isin(_fast(rows, some)),
    })  # fmt: skip


def reasons(found: pd.DataFrame) -> list[list[str]]:
    """Per row of what `against` gives, the reasons that hold."""
    return [[str(why) for why, holds in row.items() if holds] for row in found.to_dict("records")]


def _fast(rows: pd.DataFrame, some: pd.DataFrame) -> pd.MultiIndex:
    """(window, mention) of those that authors in `some` posted like a machine, as known then; the first of a burst is none of them:
    whoever goes on about a thing has said it once."""
    order = ["window", "who", "published_at", "source", "native_id"]
    ranked = rows[rows.who.isin(set(some.who))].sort_values(order, kind="stable").reset_index(drop=True)
    before = ranked.groupby(["window", "who"], sort=False).published_at.shift(RAPID - 1)
    ends = np.flatnonzero(ranked.published_at - before <= FAST)
    within = ends[:, None] - np.arange(RAPID - 1)  # of each run of so many, all but its first
    fast = ranked.iloc[np.unique(within)]
    return _each(fast)


def _each(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([rows.window, rows.source, rows.day, rows.native_id])
