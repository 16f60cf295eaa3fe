"""How a report becomes a file: words for numbers, the templates, and an atomic write."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import jinja2

UNKNOWN = "unknown"
"""Null is printed so, never as 0."""
LOW_N = 30
"""Fewer scored mentions than this are flagged [DEFINITIONS, Conventions]."""
QUOTE = 200
"""Characters of a quote."""
MINUS, NBSP = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"


def count(value: float | None) -> str:
    """1234.0 -> 1,234"""
    return UNKNOWN if value is None else f"{round(value):,}".replace("-", MINUS)


def change(value: float | None, digits: int = 0) -> str:
    """With its sign: +12, −0.31; never a signed zero."""
    if value is None:
        return UNKNOWN
    rounded = round(value, digits)
    return f"{rounded:+,.{digits}f}".replace("-", MINUS) if rounded else f"{0:.{digits}f}"


def percent(value: float | None, sign: bool = False) -> str:
    """0.163 -> 16 %; one decimal below 10 %, two below 0.1 %."""
    if value is None:
        return UNKNOWN
    return f"{_points(value, sign)}{NBSP}%"


def _points(value: float, sign: bool = False) -> str:
    shown = 100 * value
    digits = 0 if shown == 0 or abs(shown) >= 10 else 1 if abs(shown) >= 0.1 else 2
    return change(shown, digits) if sign else f"{shown:.{digits}f}".replace("-", MINUS)


def interval(low: float | None, high: float | None, unit: str) -> str:
    """`68 to 74` for shares, `−0.41 to −0.32` for polarities; empty where there is none."""
    if low is None or high is None:
        return ""
    return f"{_points(low)} to {_points(high)}" if unit == "share" else f"{change(low, 2)} to {change(high, 2)}"


def in_unit(value: float | None, unit: str) -> str:
    """A KPI's value in words, by its unit."""
    if unit == "share":
        return percent(value)
    if unit == "-1 to 1":
        return change(value, 2)
    return change(value) if unit == "followers" else count(value)


def duration(span: timedelta) -> str:
    """9 min; 2 h 05 min; 1 d 3 h"""
    minutes = round(span.total_seconds() / 60)
    if minutes < 0:
        return MINUS + duration(-span)
    if minutes < 60:
        return f"{minutes}{NBSP}min"
    if minutes < 24 * 60:
        return f"{minutes // 60}{NBSP}h{NBSP}{minutes % 60:02d}{NBSP}min"
    return f"{minutes // 1440}{NBSP}d{NBSP}{minutes % 1440 // 60}{NBSP}h"


def local(moment: datetime, zone: str, form: str = "%d %b %H:%M") -> str:
    """A moment in the market's own time, in English whatever the machine's locale."""
    there = moment.astimezone(ZoneInfo(zone))
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[there.month - 1]
    return there.strftime(form.replace("%b", month))


def between(start: datetime, end: datetime, zone: str) -> str:
    """08:00 to 10:00, or to 24:00; with the days where they differ."""
    first, last = start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    if first.date() == last.date():
        return f"{first:%H:%M} to {last:%H:%M}"
    if last.time() == time() and last.date() == first.date() + timedelta(days=1):
        return f"{first:%H:%M} to 24:00"
    return f"{local(start, zone)} to {local(end, zone)}"


def quote(text: str, longest: int = QUOTE) -> str:
    """One line, cut."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def web_link(url: Any) -> str | None:
    """The address where it is one that a reader may follow; a mention's `javascript:` is none."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return url.strip() if parts.scheme.lower() in ("http", "https") and parts.hostname else None


@cache
def _environment() -> jinja2.Environment:
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("coolhead.reports"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    env.filters |= {
        "count": count, "change": change, "percent": percent, "in_unit": in_unit, "duration": duration, "local": local,
        "quote": quote, "web_link": web_link,
    }  # fmt: skip
    env.globals |= {"LOW_N": LOW_N, "interval": interval, "between": between}
    return env


def render(template: str, **context: Any) -> str:
    """A page from a template; every value is escaped."""
    return _environment().get_template(template).render(**context)


def write(path: Path, text: str) -> Path:
    """The whole file or none: a reader never sees half a report."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(text.encode())
    fresh.replace(path)
    return path


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV whose texts no spreadsheet runs as a formula (OWASP, CSV injection); numbers stay numbers, null is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_cell(c) for c in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    text = isinstance(value, str) and value.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
    return f"'{value}" if text else "" if value is None else value
