"""A replay as a picture: per plan one panel, per rule one row of episodes, against the truth."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from coolhead.errors import ConfigError
from coolhead.incidents import name_of
from coolhead.replay_scoring import Effect, Kind, Score, months
from coolhead.reports import figures
from coolhead.reports.figures import FAINT, HOUR, INK, NEGATIVE, NEUTRAL, POSITIVE, SIZE, SOFT, WIDTH
from coolhead.reports.replayed import Report
from coolhead.windows import Window, floor

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png")
COLOURS: dict[Kind, str] = {"found": POSITIVE, "false": NEGATIVE, "unlabelled": NEUTRAL}
WORDS: dict[Kind, str] = {"found": "a crisis, found", "false": "none, people said", "unlabelled": "nobody said what it was"}
SEASON = timedelta(days=92)
ROW = 0.26
"""Inches a row."""
LEFT, ABOVE, BELOW, BETWEEN = 2.1, 0.42, 0.72, 0.5
"""Inches around and between the panels."""
THIN = 0.004
"""An episode is drawn at least so wide, as a share of the axis: else one of ten minutes in a year would not be seen."""


@contextmanager
def written(key: str, path: Path) -> Generator[None]:
    """Raises ConfigError where the file system refuses what is written within."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{key}: {path} cannot be written: {error.strerror or error}; name another place") from None


def need_suffix(path: Path) -> None:
    """Raises ConfigError for a file that is neither .svg nor .png."""
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"picture: {path} must end in {' or '.join(SUFFIXES)}")


def draw(r: Report, path: Path) -> Path:
    """Write the picture. Raises ConfigError for a file that is neither .svg nor .png, or cannot be written."""
    import matplotlib as mpl

    need_suffix(path)
    with written("picture", path), mpl.rc_context(figures.STYLE):
        path.parent.mkdir(parents=True, exist_ok=True)
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


def _rows(effect: Effect) -> list[tuple[str, Score]]:
    """(rule with the severity that it came to, its episodes), the gravest first; those that never fired stand in the table alone."""
    fired = [(max(j.episode.parts[s.name].severity for j in s.judged), s) for s in effect.rules if s.judged]
    return [(f"{s.name}  {severity}", s) for severity, s in sorted(fired, key=lambda f: (f[0], f[1].name), reverse=True)]


def _panel(ax: "Axes", r: Report, effect: Effect, rows: Sequence[tuple[str, Score]]) -> None:
    span = _shown(r)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_ylim(len(rows) + 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", length=3, width=0.6)
    ax.set_yticks(range(len(rows) + 1), ["truth", *(name for name, _ in rows)])
    for i in range(len(rows) + 1):
        ax.axhline(i, color=FAINT, lw=0.6, zorder=0)
    for t in r.truth:
        start, width = _hours(t.window.start, t.window.end, span)
        ax.barh(
            0, width, 0.62, start, color=INK if t.crisis else "white", edgecolor=INK, lw=0.8, hatch="" if t.crisis else "////"
        )
        if t.crisis:
            ax.axvspan(start, start + width, color=INK, alpha=0.07, lw=0, zorder=-1)
    for i, (_, s) in enumerate(rows, 1):
        for j in s.judged:
            part = j.episode.parts[s.name]
            start, width = _hours(min(part.detected.values()), part.last, span)
            ax.barh(i, width, 0.62, start, color=COLOURS[j.kind], lw=0)
    _time_axis(ax, span, r.zone)
    ax.set_title(_title(r, effect), loc="left", fontsize=SIZE, color=INK, pad=5)


def _shown(r: Report) -> Window:
    """In whole hours, so that local days begin at a tick."""
    return Window(floor(r.replayed.span.start, HOUR), r.replayed.span.end)


def _time_axis(ax: "Axes", span: Window, zone: str) -> None:
    """Days and hours; of more than a season, months."""
    if span.end - span.start <= SEASON:
        figures._long_axis(ax, span, zone)
        return
    begun = [m.start for m in months(span, zone)][1:]
    each = 1 + len(begun) // 13
    ticks = [(t, t.astimezone(ZoneInfo(zone))) for t in begun[::each]]
    ax.set_xlim(0, (span.end - span.start) / HOUR)
    ax.set_xticks([(t - span.start) / HOUR for t, _ in ticks], [f"{there:%m/%Y}" for _, there in ticks])


def _title(r: Report, effect: Effect) -> str:
    s = effect.score
    said = f"{effect.name}: {len(s.judged)} episode{'' if len(s.judged) == 1 else 's'} of {name_of(r.severity)} or above"
    if not s.labelled:
        return f"{said}; nobody said what was true"
    return f"{said}; {len(s.found)} of {len(s.crises)} crises found, {len(s.of('false'))} false, {len(s.of('unlabelled'))} unlabelled"


def _hours(start: datetime, end: datetime, span: Window) -> tuple[float, float]:
    """(from where, how wide) on the axis, and wide enough to be seen."""
    whole = (span.end - span.start) / HOUR
    left, right = (min(max((t - span.start) / HOUR, 0.0), whole) for t in (start, end))
    return min(left, whole * (1 - THIN)), max(right - left, THIN * whole)


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
