"""How an incident spread, as a picture: one row of bars for each network, and lines where something happened."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from coolhead.anatomy import Anatomy
from coolhead.reports import figures
from coolhead.reports._page import count
from coolhead.reports.figures import HOUR, INK, NEGATIVE, OTHER, SOFT, WIDTH, Mark
from coolhead.windows import BASE, Window, floor

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST, LEAST, BEFORE = timedelta(hours=24), timedelta(hours=3), timedelta(minutes=5)
"""It spreads in its first hours: twice as long as to the last of the marks is shown, a day at most and three hours at least."""
FINE = timedelta(hours=6)
"""Up to which bars stand for 5 minutes; beyond, for 15."""
MOST_ROWS, MOST_MULTIPLIERS = 6, 2
ROW, LEFT, BELOW = 0.62, 1.62, 0.62
"""Inches: of a row, and around them."""
QUARTER = timedelta(minutes=15)
TICKS = (1, 2, 4, 8, 12)
"""Quarters of an hour between two times on the axis."""


def picture(a: Anatomy, zone: str) -> Markup:
    """Inline SVG; empty where nothing was said."""
    import matplotlib as mpl

    if not a.steps:
        return Markup()
    span = _shown(a)
    with mpl.rc_context(figures.STYLE):
        figure = _figure(a, span, zone)
        return figures._svg(
            figure, "spread", "Mentions by network over the first hours, negative ones apart; the table holds the numbers"
        )


def _shown(a: Anatomy) -> Window:
    """What is drawn."""
    start = floor(a.span.start - BEFORE, QUARTER)
    marked = max((m.at for m in _marks(a) if m.at < start + LONGEST), default=start)
    return Window(start, floor(start + max(LEAST, min(2 * (marked - start), LONGEST)), QUARTER))


def _figure(a: Anatomy, span: Window, zone: str) -> "Figure":
    from matplotlib.figure import Figure

    rows, hours = _rows(a, span), (span.end - span.start) / HOUR
    marks = [((m.at - span.start) / HOUR, m.label) for m in _marks(a) if m.at in span]
    clusters = _clusters(marks, hours)
    above = (max((len(c) for c in clusters), default=0) * figures.ROW + 6) / 72
    height = above + ROW * len(rows) + BELOW
    figure = Figure(figsize=(WIDTH, height))
    for i, (source, counts) in enumerate(rows.items()):
        ax = figure.add_axes(
            (LEFT / WIDTH, (BELOW + ROW * (len(rows) - 1 - i)) / height, 0.985 - LEFT / WIDTH, ROW * 0.9 / height)
        )
        _row(ax, source, counts, _step(span))
        ax.set_xlim(0, hours)
        for x, _ in marks:
            ax.axvline(x, color=INK, lw=0.9, zorder=4)
        if i == 0:
            figures._labels_above(ax, clusters)
    _axis(ax, span, zone)
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(-0.005, -0.3 / (ROW * 0.9)),
        ncols=2,
        handlelength=1.4,
        columnspacing=1.6,
        frameon=False,
        borderaxespad=0,
    )
    return figure


def _clusters(marks: Sequence[tuple[float, str]], hours: float) -> list[list[tuple[float, str]]]:
    """The labels of lines; this axis is shorter than those of the other figures, so they touch sooner."""
    return figures._clusters(marks, hours * (WIDTH - 0.7) / (WIDTH - LEFT))


def _rows(a: Anatomy, span: Window) -> dict[str, dict[float, tuple[int, int]]]:
    """network -> hours since the start -> (mentions, of them negative); the first to join on top, the smallest taken together."""
    largest = sorted(a.networks, key=lambda n: (-n.mentions, n.joined))[
        : MOST_ROWS if len(a.networks) <= MOST_ROWS else MOST_ROWS - 1
    ]
    named = [n.source for n in a.networks if n in largest]
    rows: dict[str, dict[float, tuple[int, int]]] = {name: {} for name in named}
    for start, source, said, negative in a.steps:
        if start in span:
            row = rows.setdefault(source if source in named else "others", {})
            before = row.get(at := (floor(start, _step(span)) - span.start) / HOUR, (0, 0))
            row[at] = (before[0] + said, before[1] + negative)
    return rows


def _step(span: Window) -> timedelta:
    return BASE if span.end - span.start <= FINE else QUARTER


def _row(ax: "Axes", source: str, counts: dict[float, tuple[int, int]], step: timedelta) -> None:
    at = sorted(counts)
    negative, others = [counts[x][1] for x in at], [counts[x][0] - counts[x][1] for x in at]
    ax.bar(at, negative, step / HOUR, color=NEGATIVE, align="edge", label="read as negative")
    ax.bar(at, others, step / HOUR, negative, color=OTHER, align="edge", label="others")
    peak = max((n for n, _ in counts.values()), default=0)
    ax.set_ylim(0, max(peak, 3) * 1.12)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_yticks([])
    ax.set_xticks([])
    where: dict[str, Any] = {"transform": ax.transAxes, "ha": "right", "clip_on": False}
    ax.text(-0.012, 0.54, source, va="bottom", color=INK, **where)
    ax.text(-0.012, 0.46, f"at most {count(peak)} in {step.seconds // 60} min", va="top", color=SOFT, **where)
    ax.set_axisbelow(True)


def _marks(a: Anatomy) -> Iterator[Mark]:
    if a.first:
        yield Mark(a.first.at, "first post")
    for m in a.multipliers[:MOST_MULTIPLIERS]:
        yield Mark(m.post.at, f"author with {count(m.post.audience)}")
    if a.news:
        yield Mark(a.news.at, "first news")
    yield Mark(a.incident.detected_at, "T1 detected")
    if a.incident.responded_at:
        yield Mark(a.incident.responded_at, "T4 first response")


def _axis(ax: "Axes", span: Window, zone: str) -> None:
    """Local times, a dozen at most."""
    hours = (span.end - span.start) / HOUR
    step = next((t for t in TICKS if 4 * hours / t <= 12), TICKS[-1])
    tz, at, ticks = ZoneInfo(zone), floor(span.start, QUARTER), list[tuple[float, str]]()
    while at < span.end:
        there = at.astimezone(tz)
        if at >= span.start and (there.hour * 4 + there.minute // 15) % step == 0:
            ticks.append(((at - span.start) / HOUR, figures._tick(there)))
        at += QUARTER
    ax.set_xticks([x for x, _ in ticks], [text for _, text in ticks])
