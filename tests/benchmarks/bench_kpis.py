"""Mentions to hourly KPI sums and values, beside pandas, DuckDB and Polars doing the same roll-up; run by hand:

python tests/benchmarks/bench_kpis.py [--mentions 1000000,10000000]

One year of one market in four languages from four sources, every number by source, by language and over all. Coolhead makes its
points of nine KPIs (values, 95 % intervals, and the parts that are stored); the others make the sums that these are made of,
and the values, and nothing else. All four are compared number by number before any time is printed. One core each.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from coolhead import registry
from coolhead.summing import MARGINS, Cells

KPIS = (
    "volume", "negative_volume", "negative_share", "positive_share", "polarity", "net_sentiment_total", "engagement", "reach_total",
    "scored_coverage",
)  # fmt: skip
SUMS = ("n", "scored", "negative", "positive", "polarity", "squares", "engagement", "reach", "known")
YEAR = 366 * 24 * 3_600


def mentions(count: int) -> pd.DataFrame:
    """A frame as the measurer has it; the same for the same count."""
    chance = np.random.default_rng(count)
    kind = chance.choice(4, count, p=[0.25, 0.4, 0.3, 0.05])
    at = np.sort(chance.integers(0, YEAR, count)) * 1_000_000
    moments = pd.to_datetime(at + pd.Timestamp("2025-01-01", tz="UTC").value // 1_000, unit="us", utc=True)
    names: list[tuple[str, list[str]]] = [("source", ["bluesky", "feed", "mastodon", "x"]), ("lang", ["en", "id", "it", "pl"])]
    audience = pd.array(chance.integers(0, 50_000, count), dtype="Int64")
    audience[chance.random(count) < 0.3] = pd.NA
    small = {c: pd.array(chance.integers(0, 20, count), dtype="Int64") for c in ("likes", "comments", "shares")}
    return pd.DataFrame({
        "published_at": moments, "bucket_hour": moments.floor("h"),
        **{name: pd.array(np.array(choices, dtype=object)[chance.integers(0, 4, count)]) for name, choices in names},
        "label": np.array(["negative", "neutral", "positive", "unscored"], dtype=object)[kind],
        "polarity": np.where(kind == 3, np.nan, (kind - 1.0) * 0.5 + chance.normal(0, 0.1, count)), "audience": audience, **small,
    })  # fmt: skip


def by_coolhead(frame: pd.DataFrame) -> pd.DataFrame:
    cells, found = Cells(frame, "bucket_hour", MARGINS), dict[str, pd.DataFrame]()
    for name in KPIS:
        found[name] = cells.of(registry.load("kpis", name)()).set_index(["bucket_hour", "source", "lang"])
    out = pd.DataFrame({name: f.value for name, f in found.items()})
    return out.assign(n=found["volume"].n)


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """What the others are given: numbers, ready to be summed."""
    scored = frame.polarity.notna()
    return pd.DataFrame({
        "hour": frame.bucket_hour, "source": frame.source.astype("category"), "lang": frame.lang.astype("category"), "scored": scored.astype("int64"),
        "negative": (frame.label == "negative").astype("int64"), "positive": (frame.label == "positive").astype("int64"),
        "polarity": frame.polarity.fillna(0.0), "squares": frame.polarity.fillna(0.0) ** 2,
        "engagement": (frame.likes + frame.comments + frame.shares).astype("int64"),
        "reach": frame.audience.fillna(0).astype("int64"), "known": frame.audience.notna().astype("int64"),
    })  # fmt: skip


def by_pandas(frame: pd.DataFrame) -> pd.DataFrame:
    made, out = plain(frame).assign(n=1), []
    for by in (["hour", "source"], ["hour", "lang"], ["hour"]):
        out.append(made.groupby(by, observed=True)[list(SUMS)].sum().reset_index())
    return _values(pd.concat(out, ignore_index=True))


def by_duckdb(frame: pd.DataFrame) -> pd.DataFrame:
    import duckdb

    made = plain(frame)
    sums = ", ".join("count(*) AS n" if s == "n" else f"sum({s}) AS {s}" for s in SUMS)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("made", made)
        connection.execute("SET TimeZone = 'UTC'")
        groups = "GROUPING SETS ((hour, source), (hour, lang), (hour))"
        return _values(connection.execute(f"SELECT hour, source, lang, {sums} FROM made GROUP BY {groups}").df())


def by_polars(frame: pd.DataFrame) -> pd.DataFrame:
    import polars as pl

    made = pl.from_pandas(plain(frame))
    sums = [pl.len().alias("n") if s == "n" else pl.col(s).sum() for s in SUMS]
    parts = [made.group_by(by).agg(sums) for by in (["hour", "source"], ["hour", "lang"], ["hour"])]
    return _values(pl.concat(parts, how="diagonal").to_pandas())


def _values(sums: pd.DataFrame) -> pd.DataFrame:
    sums = sums.assign(**{c: sums[c].astype(object).where(sums[c].notna(), "all") for c in ("source", "lang")})
    sums = sums.astype(dict.fromkeys(SUMS, "float64")).assign(hour=pd.to_datetime(sums.hour, utc=True))
    some = sums.scored.where(sums.scored > 0)
    return pd.DataFrame({
        "bucket_hour": sums.hour.dt.as_unit("us"), "source": sums.source, "lang": sums.lang, "volume": sums.n, "negative_volume": sums.negative.where(sums.scored > 0),
        "negative_share": sums.negative / some, "positive_share": sums.positive / some, "polarity": sums.polarity / some,
        "net_sentiment_total": (sums.positive - sums.negative) / some, "engagement": sums.engagement,
        "reach_total": sums.reach.where(sums.known > 0), "scored_coverage": sums.scored / sums.n, "n": sums.n,
    }).set_index(["bucket_hour", "source", "lang"])  # fmt: skip


WAYS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "coolhead": by_coolhead, "pandas": by_pandas, "duckdb": by_duckdb, "polars": by_polars,
}  # fmt: skip


def alike(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    mine, other = ours.sort_index(), theirs.reindex(ours.index).sort_index()
    pairs: list[tuple[Any, Any]] = [(mine[k].to_numpy(float), other[k].to_numpy(float)) for k in KPIS]
    return len(ours) == len(theirs) and all(np.allclose(a, b, rtol=1e-9, atol=1e-9, equal_nan=True) for a, b in pairs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mentions", default="1000000,10000000")
    wrong = False
    for count in (int(n) for n in parser.parse_args().mentions.split(",")):
        frame, ours = mentions(count), None
        print(f"{count:,} mentions of one year, {len(KPIS)} KPIs by hour, by source, by language and over all")
        first = 0.0
        for name, way in WAYS.items():
            begun = time.perf_counter()
            found = way(frame)
            taken = time.perf_counter() - begun
            first = first or taken
            ours = found if ours is None else ours
            same = alike(ours, found)
            wrong |= not same
            said = "the same numbers" if same else "OTHER NUMBERS"
            print(
                f"{name:>10} {taken:8.2f} s {count / taken:12,.0f} mentions/s   ours / theirs {first / taken:5.1f}   {said}",
                flush=True,
            )
        print(f"{'':>10} resident at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
