"""A replay as a picture: per plan one panel, per rule one row of episodes, against the truth."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coolhead.errors import ConfigError
from coolhead.incidents import name_of
from coolhead.replay_scoring import Effect, Kind, Score
from coolhead.reports import figures
from coolhead.reports.figures import FAINT, HOUR, INK, NEGATIVE, NEUTRAL, POSITIVE, SIZE, SOFT, WIDTH
from coolhead.reports.replayed import Report
from coolhead.windows import Window

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png")
COLOURS: dict[Kind, str] = {"found": POSITIVE, "false": NEGATIVE, "unlabelled": NEUTRAL}
WORDS: dict[Kind, str] = {"found": "a crisis, found", "false": "none, people said", "unlabelled": "nobody said what it was"}
ROW = 0.26
"""Inches a row."""
LEFT, ABOVE, BELOW, BETWEEN = 2.1, 0.42, 0.72, 0.5
"""Inches around and between the panels."""
THIN = 0.004
"""An episode is drawn at least so wide, as a share of the axis: else one of ten minutes in a year would not be seen."""


def draw(r: Report, path: Path) -> Path:
    """Write the picture. Raises ConfigError for a file that is neither .svg nor .png."""
    import matplotlib as mpl

    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"picture: {path} must end in {' or '.join(SUFFIXES)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(figures.STYLE):
        nothing: dict[str, Any] = {"Date": None} if path.suffix.lower() == ".svg" else {}
        _figure(r).savefig(path, dpi=150, metadata=nothing)
    return path


def _figure(r: Report) -> "Figure":
    from matplotlib.figure import Figure

    rows = [_rows(e) for e in r.effects]
    heights = [ROW * (len(some) + 1) for some in rows]
    whole = ABOVE + sum(heights) + BETWEEN * (len(heights) - 1) + BELOW
    figure, top = Figure(figsize=(WIDTH, whole)), whole - ABOVE
    for effect, some, height in zip(r.effects, rows, heights, strict=True):
        ax = figure.add_axes((LEFT / WIDTH, (top - height) / whole, 0.975 - LEFT / WIDTH, height / whole))
        _panel(ax, r, effect, some)
        top -= height + BETWEEN
    _legend(ax, height)
    return figure


def _rows(effect: Effect) -> list[Score]:
    """The gravest rules first; those that never fired are named in the table alone."""
    return sorted((s for s in effect.rules if s.judged), key=lambda s: (s.severity, s.name), reverse=True)


def _panel(ax: "Axes", r: Report, effect: Effect, rows: Sequence[Score]) -> None:
    span = r.replayed.span
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_ylim(len(rows) + 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", length=3, width=0.6)
    ax.set_yticks(
        range(len(rows) + 1), ["truth", *(f"{s.name}  {max(j.episode.parts[s.name].severity for j in s.judged)}" for s in rows)]
    )
    for i in range(len(rows) + 1):
        ax.axhline(i, color=FAINT, lw=0.6, zorder=0)
    for start, end, crisis in _truths(r):
        ax.barh(
            0,
            end - start,
            0.62,
            start,
            color=INK if crisis else "white",
            edgecolor=INK,
            lw=0.8,
            hatch=None if crisis else "////",
        )
        if crisis:
            ax.axvspan(start, end, color=INK, alpha=0.07, lw=0, zorder=-1)
    for i, s in enumerate(rows, 1):
        for j in s.judged:
            part = j.episode.parts[s.name]
            start, end = _hours(Window(min(part.detected.values()), max(part.last, *part.detected.values())), span)
            ax.barh(i, end - start, 0.62, start, color=COLOURS[j.kind], lw=0)
    figures._long_axis(ax, span, r.zone)
    ax.set_title(_title(r, effect), loc="left", fontsize=SIZE, color=INK, pad=5)


def _title(r: Report, effect: Effect) -> str:
    s = effect.score
    said = f"{effect.name}: {len(s.judged)} episodes of {name_of(r.severity)} or above"
    if not s.labelled:
        return f"{said}; nobody said what they were"
    return f"{said}; {len(s.found)} of {len(s.crises)} crises found, {len(s.of('false'))} false, {len(s.of('unlabelled'))} unlabelled"


def _truths(r: Report) -> Iterator[tuple[float, float, bool]]:
    for t in r.truth:
        yield *_hours(Window(min(t.onset, t.window.end), t.window.end), r.replayed.span), t.crisis


def _hours(window: Window, span: Window) -> tuple[float, float]:
    """On the axis, and wide enough to be seen."""
    whole = (span.end - span.start) / HOUR
    start, end = (min(max((t - span.start) / HOUR, 0.0), whole) for t in (window.start, window.end))
    return start, max(end, start + THIN * whole)


def _legend(ax: "Axes", height: float) -> None:
    from matplotlib.patches import Patch

    shown = [Patch(color=COLOURS[kind], label=WORDS[kind]) for kind in COLOURS]
    shown += [
        Patch(color=INK, label="truth: a crisis"),
        Patch(facecolor="white", edgecolor=INK, hatch="////", label="truth: none"),
    ]
    ax.legend(
        handles=shown, loc="upper left", bbox_to_anchor=((0.12 - LEFT) / (WIDTH * 0.975 - LEFT), -0.3 / height), ncols=len(shown),
        frameon=False, borderaxespad=0, handlelength=1.4, columnspacing=1.4, labelcolor=SOFT,
    )  # fmt: skip
