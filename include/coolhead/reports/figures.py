"""Figures of the reports: matplotlib, as SVG to be inlined. Okabe-Ito colours; text stays text.

The same input gives the same bytes: a fixed salt for ids, no date, no other metadata.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from coolhead.verdicts import Stretch
from coolhead.windows import Window, merged

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEGATIVE, NEUTRAL, POSITIVE, UNSCORED, OTHER = "#D55E00", "#A6A6A6", "#0072B2", "#FFFFFF", "#A6C8E0"
UNSEEN = "not seen (a source was blind)"
INK, SOFT, FAINT = "#1b1f24", "#57606a", "#d8dee4"
WIDTH = 9.2
"""Inches; the page shows it at about 1.4 times that, so that 9 points read as 12 pixels."""
SIZE = 9.0
ROW = SIZE + 3.5
"""Points from one row of labels to the next."""
HOUR = timedelta(hours=1)
STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "coolhead", "text.parse_math": False, "font.size": SIZE,
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "axes.edgecolor": SOFT, "axes.labelcolor": SOFT,
    "xtick.color": SOFT, "ytick.color": SOFT, "text.color": INK, "hatch.linewidth": 0.6, "axes.linewidth": 0.6,
}  # fmt: skip


@dataclass(frozen=True)
class Hour:
    """Mentions published in one hour, by sentiment."""

    start: datetime
    negative: int
    neutral: int
    positive: int
    unscored: int
    share: float | None = None
    """Negative share of what was scored."""
    low: float | None = None
    high: float | None = None

    @property
    def scored(self) -> int:
        return self.negative + self.neutral + self.positive


@dataclass(frozen=True)
class Mark:
    """A moment worth a vertical line."""

    at: datetime
    label: str


def volume_of_day(
    hours: Sequence[Hour], usual: Sequence[float | None], outages: Sequence[Stretch], span: Window, zone: str
) -> Markup:
    """Hourly mentions by sentiment, the usual level as a line, blind stretches hatched. usual: per hour of the span."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        figure, ax, height = _axes(2.75)
        groups = (
            ("negative", NEGATIVE), ("neutral", NEUTRAL), ("positive", POSITIVE), ("unscored", UNSCORED),
        )  # fmt: skip
        _stack(ax, hours, span, groups)
        line = [None if v is None else v for v in usual]
        if any(v is not None for v in line):
            at = [i / 1.0 for i in range(len(line) + 1)]
            ax.step(
                at, [float("nan") if v is None else v for v in [*line, line[-1]]], where="post", color=INK, lw=1.4,
                label="usual for the hour",
            )  # fmt: skip
        top = max([h.scored + h.unscored for h in hours] + [v for v in line if v is not None] + [4])
        _finish(ax, top, "mentions an hour")
        _blind(ax, outages, span)
        _day_axis(ax, span, zone)
        _legend(ax, height)
        return _svg(figure, "volume", "Mentions by hour and sentiment, with the usual level; the tables hold the numbers")


def negative_share_of_day(
    hours: Sequence[Hour], usual: float | None, outages: Sequence[Stretch], span: Window, zone: str
) -> Markup:
    """Negative share by hour with its 95 % interval; hours under 30 scored mentions are hollow."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        figure, ax, height = _axes(2.2)
        known = [h for h in hours if h.share is not None]
        at = [(h.start - span.start) / HOUR + 0.5 for h in known]
        for x, h in zip(at, known, strict=True):
            ax.fill_between(
                [x - 0.5, x + 0.5], [100 * (h.low or 0)] * 2, [100 * (h.high or 0)] * 2, color=NEGATIVE, alpha=0.22, lw=0
            )
        for full, face in ((True, NEGATIVE), (False, "#FFFFFF")):
            mine = [(x, 100 * (h.share or 0)) for x, h in zip(at, known, strict=True) if (h.scored >= 30) == full]
            if mine:
                label = "30 scored mentions or more" if full else "fewer than 30: read with care"
                ax.plot(*zip(*mine, strict=True), "o", ms=5, mfc=face, mec=NEGATIVE, mew=1.2, ls="", label=label)
        if usual is not None:
            ax.axhline(100 * usual, color=INK, lw=1.2, ls=(0, (4, 3)), label="usual")
        _finish(ax, 100, "negative, %", ticks=[0, 25, 50, 75, 100])
        _blind(ax, outages, span)
        _day_axis(ax, span, zone)
        _legend(ax, height)
        return _svg(figure, "share", "Negative share by hour with its 95 % interval")


def whole_incident(hours: Sequence[Hour], marks: Sequence[Mark], outages: Sequence[Stretch], span: Window, zone: str) -> Markup:
    """Hourly negatives and others over an incident, its clocks as vertical lines, blind stretches hatched."""
    import matplotlib as mpl

    clusters = _clusters([((m.at - span.start) / HOUR, m.label) for m in marks], (span.end - span.start) / HOUR)
    above = (max((len(c) for c in clusters), default=0) * ROW + 6) / 72
    with mpl.rc_context(STYLE):
        figure, ax, height = _axes(2.6 + above, above)
        _stack(ax, hours, span, (("negative", NEGATIVE), ("others", OTHER)))
        _finish(ax, max([h.scored + h.unscored for h in hours] + [4]), "mentions an hour")
        _blind(ax, outages, span)
        _long_axis(ax, span, zone)
        for m in marks:
            ax.axvline((m.at - span.start) / HOUR, color=INK, lw=0.9)
        _labels_above(ax, clusters)
        _legend(ax, height)
        return _svg(figure, "incident", "Mentions by hour over the incident, with its clocks as vertical lines")


def _axes(height: float, above: float = 0.12) -> "tuple[Figure, Axes, float]":
    """A figure with one set of axes, and their height in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height))
    left, below = 0.62 / WIDTH, 0.56 / height
    ax = figure.add_axes((left, below, 0.978 - left, 1 - below - above / height))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=FAINT, lw=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(length=3, width=0.6)
    return figure, ax, height - 0.56 - above


def _stack(ax: "Axes", hours: Sequence[Hour], span: Window, groups: Sequence[tuple[str, str]]) -> None:
    if not hours:
        return
    at = [(h.start - span.start) / HOUR + 0.5 for h in hours]
    bottom = [0] * len(hours)
    width = 0.86 if len(hours) <= 30 else 1.0
    for name, colour in groups:
        counts = [h.neutral + h.positive + h.unscored if name == "others" else getattr(h, name) for h in hours]
        if not any(counts) and name == "unscored":
            continue
        edge = {"edgecolor": SOFT, "linewidth": 0.7} if name == "unscored" else {"linewidth": 0}
        ax.bar(at, counts, width, bottom, color=colour, label=name, **edge)
        bottom = [b + c for b, c in zip(bottom, counts, strict=True)]


def _finish(ax: "Axes", top: float, label: str, ticks: list[int] | None = None) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_ylim(0, top * 1.18)
    ax.set_ylabel(label)
    if ticks:
        ax.set_yticks(ticks)
    else:
        ax.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))


def _blind(ax: "Axes", outages: Sequence[Stretch], span: Window) -> None:
    """Hatch what was not seen, and name who did not see where there is room for the name."""
    hours = (span.end - span.start) / HOUR
    label = UNSEEN
    for w in merged([(o.window.start, o.window.end) for o in outages]):
        start, end = ((max(min(t, span.end), span.start) - span.start) / HOUR for t in (w.start, w.end))
        if end <= start:
            continue
        ax.axvspan(start, end, facecolor="#FFFFFF00", edgecolor="#6e7781", hatch="////", lw=0, zorder=3, label=label)
        label = "_"  # one entry in the legend, however many stretches
        names = ", ".join(sorted({o.source for o in outages if o.window.start < w.end and o.window.end > w.start}))
        text = next((t for t in (f"{names} blind", "blind") if _width(t, hours) <= end - start), "")
        if text:
            ax.text(
                (start + end) / 2, 0.985, text, transform=ax.get_xaxis_transform(), ha="center", va="top", color=INK, zorder=6,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.6},
            )  # fmt: skip


def _width(text: str, hours: float) -> float:
    """About how many hours of the axis a text covers."""
    return len(text) * SIZE * 0.62 / (72 * (WIDTH - 0.7)) * hours


def _clusters(spots: Sequence[tuple[float, str]], hours: float) -> list[list[tuple[float, str]]]:
    """Labels that would touch, together; each as (left edge, text), in order of time."""
    out: list[list[tuple[float, str]]] = []
    right = -1.0
    for x, text in sorted(spots):
        width = _width(text, hours) + 0.006 * hours
        left = min(max(x - width / 2, 0), hours - width)
        if left >= right:
            out.append([])
        out[-1].append((left + width / 2, text))
        right = max(right, left + width)
    return out


def _labels_above(ax: "Axes", clusters: Sequence[Sequence[tuple[float, str]]]) -> None:
    """Labels over their lines; those that would touch stand in rows, the earliest on top."""
    for cluster in clusters:
        for row, (x, text) in enumerate(reversed(cluster)):
            ax.annotate(
                text, (x, 1), xycoords=ax.get_xaxis_transform(), xytext=(0, 3 + row * ROW), textcoords="offset points",
                ha="center", va="bottom", color=INK, annotation_clip=False,
            )  # fmt: skip


def _day_axis(ax: "Axes", span: Window, zone: str) -> None:
    hours = (span.end - span.start) / HOUR
    ticks = [t for t in _whole_hours(span, zone) if t[1].hour % 3 == 0]
    ax.set_xlim(0, hours)
    ax.set_xticks([x for x, _ in ticks], [f"{t:%H:%M}" for _, t in ticks])


def _long_axis(ax: "Axes", span: Window, zone: str) -> None:
    hours = (span.end - span.start) / HOUR
    step = next((s for s in (3, 6, 12, 24) if hours / s <= 12), 24 * (1 + int(hours / 24 / 12)))
    ticks = [
        (x, t) for x, t in _whole_hours(span, zone) if (t.hour % step == 0 if step <= 24 else t.hour == 0 and t.day % (step // 24) == 0)
    ]  # fmt: skip
    ax.set_xlim(0, hours)
    ax.set_xticks([x for x, _ in ticks], [_tick(t) for _, t in ticks])


def _tick(there: datetime) -> str:
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[there.month - 1]
    return f"{there.day} {month}" if there.hour == 0 else f"{there:%H:%M}"


def _whole_hours(span: Window, zone: str) -> list[tuple[float, datetime]]:
    """(hours since the start, local time) of every full local hour, right on days of 23 and 25 hours."""
    tz, out = ZoneInfo(zone), []
    at = span.start
    while at <= span.end:
        there = at.astimezone(tz)
        if there.minute == 0:
            out.append(((at - span.start) / HOUR, there))
        at += timedelta(minutes=15)
    return out


def _legend(ax: "Axes", height: float) -> None:
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        last = sorted(range(len(labels)), key=lambda i: labels[i] == UNSEEN)
        handles, labels = [handles[i] for i in last], [labels[i] for i in last]
        ax.legend(
            handles, labels, loc="upper left", bbox_to_anchor=(-0.005, -0.32 / height),
            ncols=len(handles), frameon=False, borderaxespad=0, handlelength=1.4, columnspacing=1.6,
        )  # fmt: skip


def _svg(figure: "Figure", prefix: str, title: str) -> Markup:
    """Inline SVG: no prologue, ids of its own, the page's font, and a title for who cannot see it."""
    out = io.StringIO()
    nothing: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(out, format="svg", metadata=nothing, transparent=True)
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'href="#', f'href="#{prefix}-', text).replace("url(#", f"url(#{prefix}-")
    text = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", text)
    view = re.search(r'viewBox="[^"]*"', text)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" {view.group() if view else ""}>'
    return Markup(head + f"<title>{escape(title)}</title>" + text[text.index(">") + 1 :])
