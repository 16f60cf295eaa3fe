"""The sentinel on real series, run by hand: make bench-sentinel DATA=folder (of `realTweets/*.csv`: timestamp,value).

The series (Numenta's Twitter volumes: mentions in windows of five minutes) are played as five sources that share
nothing, window by window, and each window sees only what came before its end. Truth is one thing only: the common gap,
the longest stretch in which all series are empty. Every other window counts as seen, also where it looks like a gap of
its own. Prints the confusion over all windows of all series, as judged live and as known afterwards (a stretch that is
judged blind is blind from its beginning); silences of two hours cut into one series alone, as a measure of power; and
the cost of a judgement after a week and after all of history. Exits with 1 where a bound of the issue is broken.
"""

import argparse
import csv
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from coolhead.sentinel import HOUR, LONGEST, NEEDED, Past, Stream, find
from coolhead.windows import BASE, Window, floor, merged

Series = dict[datetime, int]
FALSE_BLIND = 0.005
ALONE = timedelta(hours=2)


def read(folder: Path) -> dict[str, Series]:
    """Series by name; the windows are the file's own, 2 minutes 53 seconds after the full five minutes."""
    out = {}
    for path in sorted((folder / "realTweets").glob("*.csv")):
        rows = csv.DictReader(path.read_text().splitlines())
        at = {datetime.fromisoformat(r["timestamp"]).replace(tzinfo=UTC): int(float(r["value"])) for r in rows}
        out[path.stem.rsplit("_", 1)[-1]] = at
    return out


def gap_of(series: Mapping[str, Series]) -> Window:
    """The longest stretch in which all are empty."""
    empty = [t for t in next(iter(series.values())) if all(s.get(t) == 0 for s in series.values())]
    return max(merged([(t, t + BASE) for t in empty]), key=lambda w: w.end - w.start)


@dataclass
class Listener:
    """One series as it comes in."""

    since: datetime
    silence: datetime
    """Where it began: the end of the last window with a mention."""
    hourly: dict[datetime, float] = field(default_factory=dict)
    blind: list[Window] = field(default_factory=list)
    begun: datetime | None = None
    """Beginning of the silence that is judged blind and lasts."""

    def hear(self, at: datetime, count: int) -> None:
        hour = floor(at, HOUR)
        self.hourly[hour] = self.hourly.get(hour, 0) + count
        self.silence = at + BASE if count else self.silence

    def see_again(self, at: datetime) -> None:
        if self.begun:
            self.blind.append(Window(self.begun, at))
            self.begun = None

    def stream(self, name: str, now: datetime) -> Stream:
        if self.silence >= now:
            return Stream(name, "brand")
        until = min(now, self.silence + LONGEST)
        recent = [w for w in self.blind if w.end > until - NEEDED]
        return Stream(name, "brand", Window(self.silence, now), Past(self.hourly, self.since, recent, until))


def play(series: Mapping[str, Series]) -> Iterator[tuple[datetime, str, bool, list[Window]]]:
    """(window, series, blind as judged live, all its blind stretches so far)"""
    heard = {n: Listener(min(s), min(s)) for n, s in series.items()}
    for at in sorted({t for s in series.values() for t in s}):
        here = {n: heard[n] for n, s in series.items() if at in s}
        for n, mine in here.items():
            mine.hear(at, series[n][at])
            if any(series[other][at] for other in here):  # a common silence is over for all when one of them speaks
                mine.see_again(at)
        for f in find([mine.stream(n, at + BASE) for n, mine in here.items()]):
            if f.blind:
                here[f.source].begun = min(here[f.source].begun or f.silence.start, f.silence.start)
        for n, mine in here.items():
            lasting = [Window(mine.begun, at + BASE)] if mine.begun else []
            yield at, n, bool(lasting), [*mine.blind, *lasting]


def confusion(series: Mapping[str, Series], gap: Window) -> dict[str, list[int]]:
    """name -> [blind in the gap, missed there, seen elsewhere, falsely blind], live and afterwards."""
    live, last = dict[tuple[str, datetime], bool](), dict[str, list[Window]]()
    for at, name, blind, stretches in play(series):
        live[name, at], last[name] = blind, stretches
    table: dict[str, list[int]] = {f"{n} {how}": [0, 0, 0, 0] for n in (*series, "all") for how in ("live", "afterwards")}
    for (name, at), judged in live.items():
        after = any(at in w for w in last[name])
        for how, blind in (("live", judged), ("afterwards", after)):
            for row in (name, "all"):
                table[f"{row} {how}"][(0 if blind else 1) if at in gap else (3 if blind else 2)] += 1
    return table


def alone(name: str, series: Series) -> tuple[int, int, list[float]]:
    """Two hours are cut out of one series, at every third hour of its last four weeks: how often that is noticed, of how
    many, and after how many minutes."""
    last, first = max(series), min(series)
    hourly: dict[datetime, float] = {}
    for t, n in series.items():
        hourly[floor(t, HOUR)] = hourly.get(floor(t, HOUR), 0) + n
    noticed, delays, cuts = 0, list[float](), 0
    start = floor(last, HOUR) - timedelta(days=28)
    while start + ALONE < last:
        cuts += 1
        for i in range(1, int(ALONE / BASE) + 1):
            silent = Stream(name, "brand", Window(start, start + i * BASE), Past(hourly, first, [], start + i * BASE))
            if any(f.blind for f in find([silent])):
                noticed, delays = noticed + 1, [*delays, i * BASE / timedelta(minutes=1)]
                break
        start += timedelta(hours=3)
    return noticed, cuts, sorted(delays)


def cost(series: Mapping[str, Series]) -> list[tuple[int, float]]:
    """(days of history, milliseconds for a judgement of all series)"""
    out = []
    for days in (8, 50):
        heard = {}
        for name, s in series.items():
            heard[name] = Listener(min(s), min(s))
            for t, n in s.items():
                if t < min(s) + timedelta(days=days):
                    heard[name].hear(t, n)
        now = min(min(s) for s in series.values()) + timedelta(days=days, hours=1)
        begun = time.perf_counter()
        for _ in range(50):
            find([h.stream(n, now) for n, h in heard.items()])
        out.append((days, (time.perf_counter() - begun) * 20))
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with realTweets/*.csv")
    series = read(parser.parse_args().data)
    gap = gap_of(series)
    print(f"truth: the common gap {gap} of {', '.join(series)}; every other window counts as seen")
    print(f"{'':18}{'gap: blind':>11}{'missed':>8}{'else: seen':>12}{'blind':>7}{'false':>9}")
    table = confusion(series, gap)
    for name, (hit, missed, seen, false) in table.items():
        print(f"{name:18}{hit:11}{missed:8}{seen:12}{false:7}{false / (seen + false):9.3%}")
    print(f"one series alone silent for {ALONE}, every three hours of four weeks:")
    for name, s in series.items():
        noticed, cuts, delays = alone(name, s)
        median = f", after {delays[len(delays) // 2]:.0f} minutes (median)" if delays else ""
        print(f"{name:18}noticed {noticed} of {cuts}{median}")
    for days, ms in cost(series):
        print(f"one judgement of all series after {days:2} days of history: {ms:.2f} ms")
    _, missed, seen, false = table["all afterwards"]
    return 0 if not missed and false / (seen + false) < FALSE_BLIND else 1


if __name__ == "__main__":
    sys.exit(main())
