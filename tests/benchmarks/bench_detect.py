"""The shipped volume detectors on labelled series, run by hand: make bench-detect DATA=folder (of NAB: realTweets, combined_windows.json).

Prints the NAB scores of the shipped detectors at their shipped thresholds, per series and in all, beside other detectors in
the same run: those at their usual threshold, at the one that is best on these very series, and there with our cool-down.
Then what the constants are worth: the plateau around the threshold; and leave one series out: constants chosen anew on the
other series from the whole grid of GRID, scored on the one left out. Then alarms per month on streams of posts (DATA/../streams).
Exits with 1 where the shipped detector `big` has less than 75 points.
"""

import argparse
import csv
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path[:0] = [str(Path(__file__).parent)]

from nab import PROFILES, Labelled, Numbers, Score, best_threshold, read, total
from other_detectors import OTHERS

from coolhead import baselines
from coolhead.detecting import Series, scored
from coolhead.detectors import ALARM, BIG, DETECTORS, Detector

LEAST = 75.0
Rows = npt.NDArray[np.int64]

MEASURES = {
    "mean absolute": baselines.typical,
    "standard": lambda away: float(np.sqrt(np.mean(away**2))),
    "median absolute": lambda away: float(1.4826 * np.median(np.abs(away))),
    "95th percentile": lambda away: float(np.quantile(away, 0.95)),
}
"""How far volumes lie off from what is usual."""
DAYS = (7, 14, 21)
THRESHOLDS = (2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 14.0, 16.0, 20.0)
GRID = list(product(MEASURES, DAYS, THRESHOLDS))
SHIPPED = ("mean absolute", baselines.DEVIATION_DAYS, BIG.threshold)


def through_the_pipe(series: Labelled, detector: Detector) -> Numbers:
    """Scores as `coolhead detect` gives them."""
    return np.array([score for _, score in scored(series.lines, Series(detector, "UTC"), lambda _: None)])


def statistics(series: Labelled, detector: Detector) -> Numbers:
    """What the detector's threshold is held against, without its cool-down: s / (s + 1) solved for s."""
    score = through_the_pipe(series, replace(detector, threshold=1.0, cool_down=timedelta(0)))
    return np.asarray(score / (1 - score))


def disturbed(series: Sequence[Labelled]) -> None:
    """`big` as shipped on what the same brands might have looked like: the days begin at another hour, most mentions are missed."""
    print("\n`big` as shipped, where the days begin elsewhere, and of a part of the mentions drawn at random")
    for zone in ("Etc/GMT-6", "Etc/GMT-12", "Etc/GMT+6"):
        line(f"zone {zone}", [(s, _alarms_of(s, s.values, zone)) for s in series])
    for share in (0.5, 0.2, 0.1):
        draw = np.random.default_rng(0)
        line(
            f"{share:.0%} of the mentions",
            [(s, _alarms_of(s, draw.binomial(s.values.astype(int), share), "UTC")) for s in series],
        )


def _alarms_of(series: Labelled, values: npt.NDArray[Any], zone: str) -> Rows:
    fold = Series(BIG, zone)
    return np.flatnonzero([fold.step(t, float(v)).score >= ALARM for t, v in zip(series.at, values, strict=True)])


def alarms(at: Numbers, statistic: Numbers, detector: Detector) -> Rows:
    """Rows at which the detector alarms."""
    found, last = list[int](), None
    for row in np.flatnonzero(statistic >= detector.threshold):
        score, last = detector.step(at[row], statistic[row], last)
        found += [int(row)] if score >= ALARM else []
    return np.array(found, dtype=np.int64)


def line(name: str, of: Sequence[tuple[Labelled, Rows]], more: str = "") -> Score:
    """Prints one row of the table; the standard score of all."""
    standard = [s.score(rows, "standard") for s, rows in of]
    sums = {p: total(s.score(rows, p) for s, rows in of) for p in PROFILES}
    whole = sums["standard"]
    each = "".join(f"{s.normalised:7.1f}" for s in standard)
    print(f"{name:42}" + "".join(f"{sums[p].normalised:9.1f}" for p in PROFILES) + f"{whole.found:6}/{whole.windows}{whole.false:6}{each}{more}", flush=True)  # fmt: skip
    return whole


def table(series: Sequence[Labelled]) -> Score:
    print(
        f"{'':42}"
        + "".join(f"{p:>9}" for p in PROFILES)
        + f"{'found':>9}{'false':>6}"
        + "".join(f"{s.name:>7}" for s in series)
        + "   us/row"
    )
    rows, found = sum(len(s.at) for s in series), dict[str, Score]()
    for detector in DETECTORS.values():
        begun = time.perf_counter()
        of = [(s, np.flatnonzero(through_the_pipe(s, detector) >= ALARM)) for s in series]
        took = f"{(time.perf_counter() - begun) / rows * 1e6:9.1f}"
        found[detector.name] = line(f"shipped: {detector.name}, at its threshold {detector.threshold:g}", of, took)
    for name, (score, threshold) in OTHERS.items():
        begun = time.perf_counter()
        scores = {s.name: score(s.values) for s in series}
        took = f"{(time.perf_counter() - begun) / rows * 1e6:9.1f}"
        line(f"{name} at {threshold:g}", [(s, np.flatnonzero(scores[s.name] >= threshold)) for s in series], took)
        best, _ = best_threshold(series, scores, "standard")
        line(f"  at its best here, {best:.4g}", [(s, np.flatnonzero(scores[s.name] >= best)) for s in series])
        line("  at its best here with our cool-down", _cooled(series, scores))
    return found["big"]


def _cooled(series: Sequence[Labelled], scores: dict[str, Numbers]) -> list[tuple[Labelled, Rows]]:
    every = np.concatenate(list(scores.values()))
    tried = np.unique(np.quantile(every[every > 0], 1 - np.geomspace(1e-5, 0.2, 60)))
    of = [[(s, alarms(s.at, scores[s.name], replace(BIG, threshold=float(t)))) for s in series] for t in tried]
    return max(of, key=lambda each: total(s.score(rows, "standard") for s, rows in each).raw)


@contextmanager
def measured(measure: str, days: int) -> Generator[None]:
    """With another measure of how far volumes usually lie off."""
    before = baselines.typical, baselines.DEVIATION_DAYS
    baselines.typical, baselines.DEVIATION_DAYS = MEASURES[measure], days
    try:
        yield
    finally:
        baselines.typical, baselines.DEVIATION_DAYS = before


def constants(series: Sequence[Labelled]) -> None:
    """The plateau and leave one series out."""
    alarmed: dict[tuple[str, int, float], list[tuple[Labelled, Rows]]] = {}
    for measure, days in product(MEASURES, DAYS):
        with measured(measure, days):
            of = [(s, statistics(s, BIG)) for s in series]
        for t in THRESHOLDS:
            alarmed[measure, days, t] = [(s, alarms(s.at, found, replace(BIG, threshold=t))) for s, found in of]
    print(
        f"\n`big` by its threshold, others as shipped\n{'':42}"
        + "".join(f"{p:>9}" for p in PROFILES)
        + f"{'found':>9}{'false':>6}"
    )
    for t in THRESHOLDS:
        line(f"threshold {t:g}" + (" (shipped)" if t == BIG.threshold else ""), alarmed[*SHIPPED[:2], t])
    print("\nbest threshold of each measure and number of days, standard profile")
    for measure, days in product(MEASURES, DAYS):
        t = max(THRESHOLDS, key=lambda t: _of(alarmed[measure, days, t]).raw)
        near = [x for x in THRESHOLDS if _of(alarmed[measure, days, x]).normalised >= LEAST]
        print(
            f"{measure:>16} of {days:2} days: {_of(alarmed[measure, days, t]).normalised:5.1f} at {t:g}; {LEAST:g} or more from {min(near, default=0):g} to {max(near, default=0):g}"
        )
    left_out(series, alarmed)


def _of(each: Sequence[tuple[Labelled, Rows]], profile: str = "standard") -> Score:
    return total(s.score(rows, profile) for s, rows in each)


def left_out(series: Sequence[Labelled], alarmed: dict[tuple[str, int, float], list[tuple[Labelled, Rows]]]) -> None:
    print(f"\nleave one series out: constants of {len(GRID)} chosen on the others, scored on the one")
    scores = {p: list[Score]() for p in PROFILES}
    for i, one in enumerate(series):
        chosen = max(GRID, key=lambda c: _of([pair for j, pair in enumerate(alarmed[c]) if j != i]).raw)
        for p in PROFILES:
            scores[p].append(one.score(alarmed[chosen][i][1], p))
        measure, days, t = chosen
        shipped = one.score(alarmed[SHIPPED][i][1], "standard").normalised
        print(
            f"{one.name:6}{measure:>16} of {days} days, {t:g}: {scores['standard'][-1].normalised:5.1f} (as shipped {shipped:.1f})"
        )
    for p, of in scores.items():
        print(f"{p:9} mean {np.mean([s.normalised for s in of]):.1f}, all windows together {total(of).normalised:.1f}")


def streams(folder: Path) -> None:
    """Alarms per month on streams of posts, of which nobody said what was an episode. Of the place of the train crash nobody wrote
    before, so that three empty weeks stand before it."""
    for path, column, since, empty in (
        ("spotifycares_until_2017-11-03.csv", "created_at", datetime(2017, 10, 3, tzinfo=UTC), 0),
        ("crisislex_t26/2013_Lac_Megantic_train_crash-tweetids_entire_period.csv", "Timestamp", None, 21),
    ):
        if not (folder / path).exists():
            continue
        with (folder / path).open(newline="", encoding="utf-8") as file:
            times = [datetime.strptime(row[column], "%a %b %d %H:%M:%S %z %Y").timestamp() for row in csv.DictReader(file)]
        posts = np.array([t for t in times if since is None or t >= since.timestamp()])
        edges = np.arange((posts.min() // 86400 - empty) * 86400, posts.max() + 300, 300)
        counts, months = np.histogram(posts, edges)[0], (edges[-1] - edges[0]) / 86400 / 30.44
        for detector in DETECTORS.values():
            fold = Series(detector, "UTC")
            found = [t for t, n in zip(edges, counts, strict=False) if fold.step(float(t), float(n)).score >= ALARM]
            said = ", ".join(f"{datetime.fromtimestamp(t, UTC):%d %b %H:%M}" for t in found)
            print(
                f"{path[:28]:30}{len(posts):6} posts, {months:.1f} months, {detector.name:6}{len(found) / months:5.1f} alarms a month: {said}"
            )


def cost() -> None:
    """What is usual in every hour of a year: made once a day of the hours of eight weeks."""
    begin, days = datetime(2025, 1, 1, tzinfo=UTC), 365 + 56
    volumes = np.random.default_rng(0).negative_binomial(1, 0.05, days * 24).astype(float)
    moments = [begin + timedelta(hours=hour) for hour in range(56 * 24, days * 24)]
    begun = time.perf_counter()
    baseline = baselines.VolumeBaseline.of_hours(begin, volumes, "Europe/Rome")
    known = [baseline.at(moment) for moment in moments]
    print(f"\nwhat is usual in {len(known):,} hours of a year: {time.perf_counter() - begun:.2f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with realTweets and combined_windows.json")
    folder = parser.parse_args().data
    series = read(folder) if (folder / "combined_windows.json").exists() else []
    if not series:
        sys.exit(f"{folder}: no series with labelled windows; give NAB's data: combined_windows.json and realTweets/*.csv")
    print(
        f"NAB, {len(series)} series, {sum(len(s.windows) for s in series)} windows; one set of constants for all; no threshold of ours is chosen here"
    )
    big = table(series)
    disturbed(series)
    constants(series)
    print()
    streams(folder.parent / "streams")
    cost()
    print(f"\n`big` as shipped: {big.normalised:.1f} points, at least {LEAST:g} wanted")
    return 0 if big.normalised >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
