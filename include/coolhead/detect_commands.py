"""`coolhead detect`: a pipe from a series of counts to anomaly scores."""

import csv
import sys
from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

from coolhead.errors import ConfigError


def add(verb: Callable[..., Any]) -> None:
    """Declare the verb. verb(name, function, text) makes a parser."""
    p = verb("detect", _detect, "Read a CSV of timestamp,value (counts of at most an hour); print timestamp,anomaly_score.")
    p.add_argument(
        "--zone", default="UTC", help="whose days and hours of the week they are (default UTC, as times without offset)"
    )
    p.add_argument(
        "--detector", default="big", choices=["big", "early"], help="big: not to be missed (default); early: what begins"
    )


def _detect(options: Any) -> int:
    from coolhead.detecting import Series, scored
    from coolhead.detectors import DETECTORS

    if options.zone not in available_timezones():
        raise ConfigError(f"--zone: {options.zone!r} is no time zone; write e.g. Europe/Rome")
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["timestamp", "anomaly_score"])
    for moment, score in scored(sys.stdin.buffer, Series(DETECTORS[options.detector], options.zone), _say):
        out.writerow([moment, f"{int(score * 1e6) / 1e6:.6f}"])  # downwards: what is below 0.5 must not look like an alarm
        sys.stdout.flush()  # a pipe: who reads it waits for this row
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"coolhead: {line}\n")
