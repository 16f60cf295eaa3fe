"""A replay's episodes against the truth: found and missed, false ones per month, how early; in all and per rule."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from coolhead.plan_rules import RuleEntry
from coolhead.replay_episodes import Episode, Episodes
from coolhead.replay_truth import Truth
from coolhead.rows import Severity
from coolhead.windows import BASE, Window, local_day

MONTH = timedelta(days=365.25 / 12)
SAME = timedelta(hours=1)
"""Episodes of two plans this close together are one."""

Kind = Literal["found", "false", "unlabelled"]


@dataclass(frozen=True)
class Judged:
    """An episode that was severe enough, and what it turned out to be."""

    episode: Episode
    detected: datetime
    kind: Kind
    truth: Truth | None


@dataclass(frozen=True)
class Found:
    """A crisis, and when it was first detected; None: missed."""

    truth: Truth
    detected: datetime | None

    @property
    def lead(self) -> timedelta | None:
        """From the onset to the detection; where only the day is known, from its beginning."""
        return self.detected - self.truth.onset if self.detected else None

    @property
    def earlier(self) -> timedelta | None:
        """Than the recorded detection; negative: later."""
        return self.truth.detected - self.detected if self.detected and self.truth.detected else None


@dataclass(frozen=True)
class Score:
    """Of a whole plan, or of one rule of it."""

    name: str
    severity: Severity
    """Episodes below it are not counted; of one rule, its own."""
    judged: list[Judged]
    crises: list[Found]
    months: float
    """In which anything was seen: silent ones would flatter the rules."""
    labelled: bool
    """Whether people said anything about that stretch: without it there is neither recall nor a false episode."""
    muted: int = 0
    """Signals that a mute kept quiet."""
    expected: int = 0
    """Signals that the plan's calendar expects."""

    def of(self, kind: Kind) -> list[Judged]:
        return [j for j in self.judged if j.kind == kind]

    def per_month(self, *kinds: Kind) -> float:
        return sum(j.kind in kinds for j in self.judged) / self.months

    @property
    def found(self) -> list[Found]:
        return [f for f in self.crises if f.detected]

    @property
    def missed(self) -> list[Found]:
        return [f for f in self.crises if not f.detected]

    @property
    def lead(self) -> timedelta | None:
        """The median one, of crises whose onset is known to the minute."""
        leads = [f.lead.total_seconds() for f in self.found if f.lead is not None and f.truth.precise]
        return timedelta(seconds=statistics.median(leads)) if leads else None


@dataclass(frozen=True)
class Month:
    """One local calendar month, or the part of it that was replayed."""

    window: Window
    watch: int
    """Episodes that stayed below the chosen severity."""
    alarms: int
    crises: int
    """As people said."""

    @property
    def whole(self) -> bool:
        return self.window.end - self.window.start >= timedelta(days=27.9)


def score(
    name: str, episodes: Iterable[Episode], known: Sequence[Truth], heard: Sequence[Window], least: Severity, only: str | None = None,
    muted: int = 0, expected: int = 0,
) -> Score:  # fmt: skip
    """heard: the local months, or parts of them, in which anything was seen. only: one rule, whose first signal is the detection."""
    judged = []
    for e in episodes:
        fired = e if only is None else e.parts.get(only)
        at = fired.at(least) if fired else None
        if at is not None:
            judged.append(_judged(e, at, known))
    crises = [Found(t, _first(t, judged)) for t in known if t.crisis]
    return Score(
        name, least, judged, crises, max(sum((m.end - m.start) / MONTH for m in heard), 1e-9), bool(known), muted, expected
    )


def _judged(episode: Episode, detected: datetime, known: Sequence[Truth]) -> Judged:
    truth = _truth_of(episode, known)
    return Judged(episode, detected, "unlabelled" if not truth else "found" if truth.crisis else "false", truth)


def _truth_of(episode: Episode, known: Sequence[Truth]) -> Truth | None:
    """The very incident that people judged; else a crisis that it lay in, what was none, the beginning of what was reported."""
    e = episode
    ways = (
        [t for t in known if t.incident_id == e.incident_id],
        [t for t in known if t.crisis and t.meets(e.start, e.last)],
        [t for t in known if not t.crisis and t.meets(e.start, e.last)],
        [t for t in known if t.crisis and t.announced(e.start, e.last)],
    )
    return next((t for found in ways for t in found), None)


def _first(truth: Truth, judged: Sequence[Judged]) -> datetime | None:
    """One long episode may have found several crises."""
    mine = (j for j in judged if j.truth is truth or (j.kind == "found" and truth.meets(j.episode.start, j.episode.last)))
    return min((max(j.detected, truth.onset) if j.truth is not truth else j.detected for j in mine), default=None)


def by_month(episodes: Sequence[Episode], known: Sequence[Truth], heard: Sequence[Window], least: Severity) -> list[Month]:
    """An episode counts for the month of its first signal."""
    out = []
    for month in heard:
        mine = [e for e in episodes if e.start in month]
        alarms = sum(e.at(least) is not None for e in mine)
        crises = sum(t.crisis and t.meets(month.start, month.end) for t in known)
        out.append(Month(month, len(mine) - alarms, alarms, crises))
    return out


def months(span: Window, zone: str) -> list[Window]:
    """The local calendar months of a span, cut to it."""
    out, day = list[Window](), span.start.astimezone(ZoneInfo(zone)).date().replace(day=1)
    while (start := local_day(day, zone).start) < span.end:
        after = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        out.append(Window(max(start, span.start), min(local_day(after, zone).start, span.end)))
        day = after
    return out


def only_in(mine: Sequence[Judged], others: Sequence[Judged]) -> list[Judged]:
    """Episodes that the other plan has no counterpart of."""
    spans = [(j.episode.start - SAME, j.episode.last + SAME) for j in others]
    return [j for j in mine if not any(j.episode.start < end and j.episode.last + BASE > start for start, end in spans)]


@dataclass(frozen=True)
class Effect:
    """What one plan's rules come to."""

    name: str
    score: Score
    watch: list[Episode]
    """Episodes that stayed below the chosen severity."""
    rules: list[Score]
    own: dict[str, Severity]
    """Rule -> the severity that it proposes."""
    signals: dict[str, int]
    """Rule -> signals that were heard."""
    months: list[Month]

    @property
    def quiet(self) -> list[Month]:
        """Months in which, as far as people said, nothing happened."""
        return [m for m in self.months if not m.crises]


def effect(
    name: str, entries: Sequence[RuleEntry], found: Episodes, known: Sequence[Truth], heard: Sequence[Window], least: Severity
) -> Effect:  # fmt: skip
    """least: an episode as severe as that, or more, is one; a rule below it is held against the truth at its own severity."""
    episodes = found.all()
    signals = {e.name: sum(x.parts[e.name].signals for x in episodes if e.name in x.parts) for e in entries}
    rules = [
        score(e.name, episodes, known, heard, min(least, e.severity), e.name, found.muted[e.name], found.expected[e.name])
        for e in entries
    ]
    return Effect(
        name, score(name, episodes, known, heard, least, muted=found.muted.total(), expected=found.expected.total()),
        [e for e in episodes if e.at(least) is None], rules, {e.name: e.severity for e in entries}, signals, by_month(episodes, known, heard, least),
    )  # fmt: skip
