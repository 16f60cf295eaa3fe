"""What a replay came to: a table for people, JSON for programs, and a picture (_replay_picture.py).

JSON: `market`, `from`, `to`, `windows`, `computed` (of these, windows that nobody had ever judged), `seconds`, `severity` (an
episode is one from it on), `truth` [what, crisis, start, end, onset, precise, detected], `plans`, and where there are two
`only` {plan: episodes that the other has no counterpart of}. A plan: `name`, `labelled` (without labels `found`, `missed`,
`false` are null), `episodes` [incident_id, title, topic, severity, onset, detected, last, kind (found, false, unlabelled), rules],
`watch` (episodes below the severity), `found`, `missed`, `false`, `unlabelled`, `per_month` {false, unlabelled, all}, `lead_minutes`
(from the onset to the detection; median, of crises whose onset is known to the minute), `crises` [what, onset, detected,
lead_minutes (null where only the day is known), earlier_minutes than it was recorded at that severity], `rules` [name, severity,
signals, muted (by a mute), expected (by the calendar), episodes, found, missed, false, unlabelled, lead_minutes], `months` [month,
whole, watch, alarms, crises], `quiet_months` {months, with_alarm}. Times are ISO, UTC; months are the market's own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from coolhead.incidents import name_of
from coolhead.replay import Replayed
from coolhead.replay_scoring import Effect, Found, Judged, Kind, Score, effect, only_in
from coolhead.replay_truth import Truth
from coolhead.reports._page import duration
from coolhead.rows import Severity

NOTHING_SAID = (
    "no labels: nobody confirmed or dismissed an incident of this stretch, and the plan knows no episode in it; so episodes are "
    "counted, and neither what was missed nor what was false can be told"
)


@dataclass(frozen=True)
class Report:
    """A replay held against the truth."""

    replayed: Replayed
    effects: list[Effect]
    truth: list[Truth]
    severity: Severity

    @property
    def zone(self) -> str:
        return self.replayed.market.time_zone

    @property
    def only(self) -> list[list[Judged]]:
        """Of two plans: what each finds that the other does not."""
        if len(self.effects) != 2:
            return []
        one, other = (e.score.judged for e in self.effects)
        return [only_in(one, other), only_in(other, one)]


def report(replayed: Replayed, names: Sequence[str], truth: Sequence[Truth], severity: Severity) -> Report:
    """names: of the plans, in their order."""
    market = replayed.market
    effects = [
        effect(name, t.plan.rules_of(market.id), t.episodes, truth, replayed.heard, severity)
        for name, t in zip(names, replayed.tracks, strict=True)
    ]
    return Report(replayed, effects, list(truth), severity)


def table(r: Report) -> Iterator[str]:
    """Lines for a terminal or a log."""
    span, zone = r.replayed.span, ZoneInfo(r.zone)
    days = (span.end - span.start) / timedelta(days=1)
    yield (
        f"{r.replayed.market.id}: {span.start.astimezone(zone):%Y-%m-%d %H:%M} to {span.end.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key}), "
        f"{days:,.1f} days; {r.replayed.windows:,} windows with something to see, {r.replayed.computed:,} of them never judged "
        f"before; {r.replayed.seconds:.1f} s"
    )
    crises = sum(t.crisis for t in r.truth)
    yield f"truth: crises {crises}, none {len(r.truth) - crises}" if r.truth else NOTHING_SAID
    yield ""
    yield from _aligned([("", *(e.name for e in r.effects)), *_summary(r)])
    for e in r.effects:
        yield from ("", f"rules of {e.name}:")
        yield from _aligned([RULE_HEAD, *(_rule(s, r, e) for s in e.rules)])
    yield ""
    yield from _by_month(r)
    yield from _quiet(r)
    yield from _crises(r)
    yield from _differences(r)


RULE_HEAD = (
    "rule", "severity", "signals", "muted", "expected", "episodes", "found", "missed", "false", "unlabelled", "a month, not found", "after onset",
)  # fmt: skip


def _summary(r: Report) -> Iterator[tuple[str, ...]]:
    scores = [e.score for e in r.effects]
    yield (f"episodes of {name_of(r.severity)} or above", *(str(len(s.judged)) for s in scores))
    if r.truth:
        yield ("crises found", *(f"{len(s.found)} of {len(s.crises)}" for s in scores))
        yield ("false: people said so", *(str(len(s.of("false"))) for s in scores))
        yield ("nobody said what they were", *(str(len(s.of("unlabelled"))) for s in scores))
        yield ("false a month, at most", *(_rate(s, r, "false", "unlabelled") for s in scores))
        yield ("detected after the onset (median)", *(_lead(s) for s in scores))
    yield ("episodes a month", *(_rate(s, r, "found", "false", "unlabelled") for s in scores))
    yield ("watch items below it", *(str(len(e.watch)) for e in r.effects))
    if any(s.muted for s in scores):
        yield ("signals that a mute kept quiet", *(str(s.muted) for s in scores))
    if any(s.expected for s in scores):
        yield ("signals that the calendar expects, noted only", *(str(s.expected) for s in scores))


def _rate(s: Score, r: Report, *kinds: Kind) -> str:
    """A month; of less than one nothing is extrapolated."""
    heard = sum((m.end - m.start for m in r.replayed.heard), timedelta())
    if heard >= timedelta(days=27.9):
        return f"{s.per_month(*kinds):.2f}"
    return f"{sum(len(s.of(kind)) for kind in kinds)} in {heard / timedelta(days=1):.1f} days"


def _rule(s: Score, r: Report, e: Effect) -> tuple[str, ...]:
    known = [len(s.of("found")), len(s.missed), len(s.of("false"))]
    of = [*(str(n) if s.labelled else "-" for n in known), str(len(s.of("unlabelled")))]
    per_month = _rate(s, r, "false", "unlabelled")
    counts = [f"{e.signals[s.name]:,}", *map(str, (s.muted, s.expected, len(s.judged)))]
    return (s.name, e.own[s.name], *counts, *of, per_month, _lead(s))


def _lead(s: Score) -> str:
    return "-" if s.lead is None else duration(s.lead)


def _by_month(r: Report) -> Iterator[str]:
    shown = list(_months(r))
    if len(shown) == 1:
        yield "by month: in none in which anything was said was anything raised, nor did anything happen"
        return
    heard = len(r.effects[0].months)
    yield f"by month, of those in which anything was said; without {heard - len(shown) + 1} in which nothing was raised, nor happened:"
    yield from _aligned(shown)


def _months(r: Report) -> Iterator[tuple[str, ...]]:
    """Those with something in them."""
    yield ("month", "crises, as people said", *(f"{e.name}: {w}" for e in r.effects for w in (f"{r.severity}+", "watch")))
    for row in zip(*(e.months for e in r.effects), strict=True):
        name = f"{row[0].window.start.astimezone(ZoneInfo(r.zone)):%Y-%m}{'' if row[0].whole else ' (part)'}"
        numbers = [row[0].crises, *(n for m in row for n in (m.alarms, m.watch))]
        if any(numbers):
            yield (name, *map(str, numbers))


def _quiet(r: Report) -> Iterator[str]:
    said = "in which nothing happened, as far as people said" if r.truth else "that nobody judged"
    for e in r.effects:
        if not e.quiet:
            yield f"{e.name}: something happened in every month"
            continue
        days = sum((m.window.end - m.window.start for m in e.quiet), timedelta()) / timedelta(days=1)
        if not any(m.whole for m in e.quiet):  # of parts of months nothing is said as of months
            yield f"{e.name}: in {days:.1f} days {said}, {sum(m.alarms for m in e.quiet)} of {name_of(r.severity)} or above were raised"
            continue
        parts = sum(not m.whole for m in e.quiet)
        of = f"{len(e.quiet)} months{f' ({parts} in part)' if parts else ''}"
        yield f"{e.name}: of {of} {said}, {sum(m.alarms > 0 for m in e.quiet)} raised {name_of(r.severity)} or above"


def _crises(r: Report) -> Iterator[str]:
    for i, truth in enumerate(t for t in r.truth if t.crisis):
        yield ""
        yield f"{_local(truth.onset, r)}{'' if truth.precise else ' (the day)'}  {truth.what}"
        for e in r.effects:
            yield f"  {e.name}: {_how_early(e.score.crises[i], r)}"


def _how_early(found: Found, r: Report) -> str:
    if found.detected is None or found.lead is None:
        return "MISSED"
    said = f"found {_local(found.detected, r)}, {_since_onset(found, found.detected, found.lead, r)}"
    if found.earlier is None:
        return said
    beside = (
        "as it was recorded"
        if not found.earlier
        else f"{duration(abs(found.earlier))} {'earlier' if found.earlier > timedelta() else 'later'} than recorded"
    )
    return f"{said}, {beside}"


def _since_onset(found: Found, detected: datetime, lead: timedelta, r: Report) -> str:
    """How long after the onset; where only its day is known, on which day."""
    if not found.truth.precise:
        zone = ZoneInfo(r.zone)
        days = (detected.astimezone(zone).date() - found.truth.onset.astimezone(zone).date()).days
        return (
            "on the day"
            if not days
            else f"{abs(days)} day{'s' if abs(days) > 1 else ''} {'after' if days > 0 else 'before'} it"
        )
    return f"{duration(abs(lead))} {'before' if lead < timedelta() else 'after'} the onset"


def _differences(r: Report) -> Iterator[str]:
    for e, alone in zip(r.effects, r.only, strict=False):
        yield from ("", f"only {e.name} raises: {len(alone) or 'nothing'}")
        yield from (
            f"  {_local(j.detected, r)}  {j.episode.severity}  {j.kind:<10}  {j.episode.title} ({', '.join(j.episode.parts)})"
            for j in alone
        )


def _local(moment: datetime, r: Report) -> str:
    return f"{moment.astimezone(ZoneInfo(r.zone)):%Y-%m-%d %H:%M}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The first column to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()


def as_json(r: Report) -> dict[str, Any]:
    """See the module's beginning."""
    span = r.replayed.span
    out: dict[str, Any] = {
        "market": r.replayed.market.id, "from": span.start.isoformat(), "to": span.end.isoformat(), "windows": r.replayed.windows,
        "computed": r.replayed.computed, "seconds": round(r.replayed.seconds, 3), "severity": r.severity,
        "truth": [_truth(t) for t in r.truth], "plans": [_plan(e, r) for e in r.effects],
    }  # fmt: skip
    if r.only:
        out["only"] = {e.name: [_episode(j) for j in alone] for e, alone in zip(r.effects, r.only, strict=True)}
    return out


def _truth(t: Truth) -> dict[str, Any]:
    return {
        "what": t.what, "crisis": t.crisis, "start": t.window.start.isoformat(), "end": t.window.end.isoformat(),
        "onset": t.onset.isoformat(), "precise": t.precise, "detected": t.detected.isoformat() if t.detected else None,
    }  # fmt: skip


def _plan(e: Effect, r: Report) -> dict[str, Any]:
    s = e.score
    loud = sum(m.alarms > 0 for m in e.quiet)
    return {
        "name": e.name, "labelled": s.labelled, **_counts(s), "episodes": [_episode(j) for j in s.judged], "watch": len(e.watch),
        "per_month": {
            "false": round(s.per_month("false"), 4) if s.labelled else None, "unlabelled": round(s.per_month("unlabelled"), 4),
            "all": round(s.per_month("found", "false", "unlabelled"), 4),
        },
        "crises": [{
            "what": f.truth.what, "onset": f.truth.onset.isoformat(), "detected": f.detected.isoformat() if f.detected else None,
            "lead_minutes": _minutes(f.lead) if f.truth.precise else None, "earlier_minutes": _minutes(f.earlier),
        } for f in s.crises],
        "rules": [
            {"name": x.name, "severity": e.own[x.name], "signals": e.signals[x.name], "muted": x.muted, "expected": x.expected, "episodes": len(x.judged), **_counts(x)}
            for x in e.rules
        ],
        "months": [
            {"month": f"{m.window.start.astimezone(ZoneInfo(r.zone)):%Y-%m}", "whole": m.whole, "watch": m.watch, "alarms": m.alarms, "crises": m.crises}
            for m in e.months
        ],
        "quiet_months": {"months": len(e.quiet), "with_alarm": loud},
    }  # fmt: skip


def _counts(s: Score) -> dict[str, Any]:
    """Of a plan or a rule; null where nobody said anything."""
    known = {"found": len(s.found), "missed": len(s.missed), "false": len(s.of("false"))}
    return {
        **{k: n if s.labelled else None for k, n in known.items()}, "unlabelled": len(s.of("unlabelled")), "lead_minutes": _minutes(s.lead),
    }  # fmt: skip


def _episode(j: Judged) -> dict[str, Any]:
    e = j.episode
    return {
        "incident_id": e.incident_id, "title": e.title, "topic": e.topic, "severity": e.severity, "onset": e.onset.isoformat(),
        "detected": j.detected.isoformat(), "last": e.last.isoformat(), "kind": j.kind, "rules": sorted(e.parts),
    }  # fmt: skip


def _minutes(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds() / 60, 1)
