"""Invented mentions with everything that can be missing missing at times, as frames, and what the definitions say of them.

What the store or the engine adds to a mention follows from its number here, so that a plain computation knows it too.
"""

import math
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from building import HOUR, MINUTE, mention, score, utc
from hypothesis import strategies as st

from coolhead.kpis import Context, Kpi
from coolhead.measuring import FROM
from coolhead.prevalence import LABELS, Confusion, corrected
from coolhead.rows import ALL, Mention, Score
from coolhead.summing import MARGINS, groups, prepared
from coolhead.windows import floor, local_day

ZONE = "Europe/Rome"
BEGIN = utc(2026, 3, 24, 23)
"""Midnight in Rome."""
MATRIX = ((80.0, 15.0, 5.0), (10.0, 80.0, 10.0), (5.0, 25.0, 70.0))
CONTEXT = Context({
    "it": Confusion((MATRIX,), general=True), "pl": Confusion((MATRIX,), general=False),
    "en": Confusion((tuple((100 * a, 100 * b, 100 * c) for a, b, c in MATRIX),), general=False),
})  # fmt: skip
"""Corpora for Italian, the brand's own labels for Polish, and so many for English that the matrix is sure."""

Said = tuple[Mention, Score | None]


@st.composite
def said(draw: st.DrawFn, hours: int = 26, least: int = 0) -> list[Said]:
    """Mentions over a day and a bit."""
    out: list[Said] = []
    for number in range(draw(st.integers(least, 24))):
        at = BEGIN + timedelta(seconds=draw(st.integers(0, hours * 3600 - 1)))
        audience = draw(st.none() | st.integers(0, 10**6))
        m = mention(
            number, at, source=draw(st.sampled_from(["mastodon", "feed"])), author=draw(st.none() | st.sampled_from("abc")),
            audience=audience, own=draw(st.integers(0, 4)) == 0, lang=draw(st.none() | st.sampled_from(["it", "pl"])),
            likes=draw(st.none() | st.integers(0, 9)), comments=draw(st.none() | st.integers(0, 9)),
            shares=draw(st.none() | st.integers(0, 9)),
        )  # fmt: skip
        label = draw(st.sampled_from(["negative", "neutral", "positive", "unscored", None]))
        polarity = draw(st.floats(-1, 1).map(lambda x: round(x, 3))) if label not in ("unscored", None) else None
        read = score(m, label, polarity, draw(st.sampled_from(["it", "en", "other"]))) if label else None
        out.append((m, read))
    return out


# What the engine knows of a mention.


def kind_of(m: Mention) -> str | None:
    return ("complaint", "question", "praise", None)[int(m.native_id) % 4]


def is_answered(m: Mention) -> bool:
    return int(m.native_id) % 8 < 4


def is_answerable(m: Mention) -> bool:
    return kind_of(m) in ("complaint", "question") and not m.own


def is_new(m: Mention) -> bool:
    return m.author == "a"


def labelled_by(told: Said) -> str | None:
    return "anna" if int(told[0].native_id) % 5 == 0 and told[1] and told[1].label != "unscored" else None


def frame_of(told: list[Said]) -> pd.DataFrame:
    """As Store.mentions gives it, and the engine completes it."""
    rows = [
        m.model_dump() | {
            "label": s.label if s else None, "polarity": s.polarity if s else None, "scored_lang": s.lang if s else None, "kind": kind_of(m),
            "labelled_by": labelled_by((m, s)), "answerable": is_answerable(m), "answered": is_answered(m), "answered_after": int(m.native_id) % 3,
            "first": is_new(m),
        }
        for m, s in told
    ]  # fmt: skip
    more = ["label", "polarity", "scored_lang", "kind", "labelled_by", "answerable", "answered", "answered_after", "first"]
    frame = pd.DataFrame(rows, columns=[*Mention.model_fields, *more])
    counts = dict.fromkeys(("audience", "likes", "comments", "shares"), "Int64")
    truths = dict.fromkeys(("own", "answerable", "answered", "first"), "bool")
    return frame.astype({**counts, **truths, "polarity": "float64", "published_at": "datetime64[us, UTC]"})


def lang_of(s: Said) -> str:
    return (s[1].lang if s[1] else None) or s[0].lang or "other"


def read_by(kpi: Kpi, told: list[Said]) -> list[Said]:
    chosen: dict[str, Callable[[Mention], bool]] = {
        "mention": lambda m: not m.own, "own": lambda m: m.own, "both": lambda m: True, "answerable": is_answerable,
    }  # fmt: skip
    return [s for s in told if chosen[kpi.reads](s[0])]


def points_of(kpi: Kpi, told: list[Said], bucket: str) -> dict[tuple[Any, str, str], Any]:
    return points_in(kpi, prepared(frame_of(told), ZONE), bucket)


def points_in(kpi: Kpi, frame: pd.DataFrame, bucket: str) -> dict[tuple[Any, str, str], Any]:
    kpi.context = CONTEXT
    found = groups(frame[FROM[kpi.reads](frame)], f"bucket_{bucket}", kpi, MARGINS)
    return {(v[0].to_pydatetime(), v[1], v[2]): v for v in found.itertuples(index=False)}


def start_of(at: datetime, grain: str) -> datetime:
    if grain == "day":
        return local_day(at.astimezone(ZoneInfo(ZONE)).date(), ZONE).start
    return floor(at, {"5min": 5 * MINUTE, "hour": HOUR}[grain])


def hours_of(start: datetime, grain: str) -> float:
    day = local_day(start.astimezone(ZoneInfo(ZONE)).date(), ZONE)
    return {"5min": 1 / 12, "hour": 1.0, "day": (day.end - day.start) / HOUR}[grain]


def margins(told: list[Said], grain: str) -> dict[tuple[datetime, str, str], list[Said]]:
    out: dict[tuple[datetime, str, str], list[Said]] = defaultdict(list)
    for s in told:
        for source, lang in ((s[0].source, ALL), (ALL, lang_of(s)), (ALL, ALL)):
            out[start_of(s[0].published_at, grain), source, lang].append(s)
    return out


# What the definitions say, without a frame. None: null, or no point at all.


def scored(told: list[Said]) -> list[Score]:
    return [s for _, s in told if s and s.label != "unscored"]


def labels(told: list[Said], label: str) -> int:
    return sum(s.label == label for s in scored(told))


def quotient(a: float | None, b: float | None) -> float | None:
    return a / b if b and a is not None else None


def by_author(told: list[Said]) -> dict[str, int | None]:
    out: dict[str, int | None] = {}
    for m, _ in told:
        if m.author is not None:
            known = [a for a in (out.get(m.author), m.audience) if a is not None]
            out[m.author] = max(known) if known else None
    return out


def total(values: list[int | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(sum(known)) if known else None


def interactions(told: list[Said]) -> float | None:
    return total([v for m, _ in told for v in (m.likes, m.comments, m.shares)])


def reached(audience: int) -> float:
    """DEFINITIONS: f = 0.15 below 100,000, 0.06 above 10 million, linear between."""
    if audience <= 100_000:
        return 0.15 * audience
    if audience >= 10_000_000:
        return 0.06 * audience
    return (0.15 - 0.09 * (audience - 100_000) / 9_900_000) * audience


def mean_of(values: list[int | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def rate(told: list[Said]) -> float | None:
    both = [s for s in told if interactions([s]) is not None and s[0].audience is not None]
    return quotient(interactions(both), total([m.audience for m, _ in both]))


def top_share(told: list[Said]) -> float | None:
    known = sorted((a or 0 for a in by_author(told).values()), reverse=True)
    return quotient(sum(known[: math.ceil(0.01 * len(known))]), sum(known))


def corrections(told: list[Said]) -> float | None:
    ours = [m.audience for m, _ in told if m.own]
    against = total([m.audience for m, s in told if not m.own and s and s.label == "negative"])
    return quotient(total(ours) if ours else 0.0, against)


def prevalence(told: list[Said], label: str) -> float | None:
    counts: dict[bool, dict[str, Any]] = {True: {}, False: {}}
    for s in told:
        if s[1] and s[1].label != "unscored":
            row = counts[labelled_by(s) is not None].setdefault(lang_of(s), np.zeros((1, 3)))
            row[0, LABELS.index(s[1].label)] += 1
    if not counts[True] and not counts[False]:
        return None
    value = corrected(counts[False], counts[True], CONTEXT.confusions).value[0, LABELS.index(label)]
    return None if math.isnan(value) else float(value)


def growth(told: list[Said], start: datetime, hours: float) -> float | None:
    """Hours to double, by the maximum of the likelihood of a rate that grows exponentially, found by bisection."""
    at = [(m.published_at - start) / HOUR / hours for m, _ in told]
    if len(at) < 10:
        return None

    def slope(g: float) -> float:
        return sum(at) - len(at) * (0.5 + g / 12 if abs(g) < 1e-4 else 1 / (1 - math.exp(-g)) - 1 / g)

    low, high = -50.0, 50.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return math.log(2) * hours / low if low > 0 else None


Plain = Callable[[list[Said], datetime, float], float | None]


def plain(of: Callable[[list[Said]], float | None]) -> Plain:
    return lambda told, start, hours: of(told)


NAIVE: dict[str, Plain] = {
    "volume": plain(lambda t: len(t) or None),
    "own_posts": plain(lambda t: len(t) or None),
    "velocity": lambda t, start, hours: len(t) / hours,
    "doubling_time": growth,
    "unique_authors": plain(lambda t: len(by_author(t)) or None),
    "passion": plain(lambda t: quotient(sum(m.author is not None for m, _ in t), len(by_author(t)))),
    "reach_total": plain(lambda t: total([m.audience for m, _ in t])),
    "reach_unique": plain(lambda t: total(list(by_author(t).values()))),
    "estimated_reach": plain(
        lambda t: math.fsum(x) if (x := [reached(m.audience) for m, _ in t if m.audience is not None]) else None
    ),
    "multiplier_share": plain(top_share),
    "first_time_author_share": plain(lambda t: quotient(sum(a == "a" for a in by_author(t)), len(by_author(t)))),
    "correction_reach_ratio": plain(corrections),
    "response_coverage": plain(lambda t: quotient(sum(is_answered(m) for m, _ in t), len(t))),
    "engagement": plain(interactions),
    "engagement_rate_followers": plain(rate),
    "engagement_rate_reach": plain(rate),
    "applause": plain(lambda t: mean_of([m.likes for m, _ in t])),
    "conversation": plain(lambda t: mean_of([m.comments for m, _ in t])),
    "amplification": plain(lambda t: mean_of([m.shares for m, _ in t])),
    "negative_volume": plain(lambda t: labels(t, "negative") if scored(t) else None),
    "negative_share": plain(lambda t: quotient(labels(t, "negative"), len(scored(t)))),
    "positive_share": plain(lambda t: quotient(labels(t, "positive"), len(scored(t)))),
    "negative_prevalence": plain(lambda t: prevalence(t, "negative")),
    "positive_prevalence": plain(lambda t: prevalence(t, "positive")),
    "net_sentiment_total": plain(lambda t: quotient(labels(t, "positive") - labels(t, "negative"), len(scored(t)))),
    "net_sentiment_polar": plain(
        lambda t: quotient(labels(t, "positive") - labels(t, "negative"), labels(t, "positive") + labels(t, "negative"))
    ),
    "polarity": plain(lambda t: quotient(math.fsum(s.polarity or 0.0 for s in scored(t)), len(scored(t)))),
    "scored_coverage": plain(lambda t: quotient(len(scored(t)), len(t))),
}
