"""The post-incident review: blameless, its facts filled in from rows; people add cause, judgement and actions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from coolhead.anatomy import anatomy
from coolhead.incidents import name_of
from coolhead.plan import Plan
from coolhead.reports import _anatomy, _mentions, _mutes, _page, _sight, _spread, _timeline, figures
from coolhead.reports._incidents import SHORT, as_known
from coolhead.reports._numbers import HOUR, Number, Reader, Usual
from coolhead.reports._page import change, count, duration, in_unit, interval, percent
from coolhead.reports._timeline import Clock, Records
from coolhead.rows import Follower, Incident
from coolhead.store import Store
from coolhead.summing import groups, prepared
from coolhead.verdicts import Stretch
from coolhead.windows import Window, floor, local_day

if TYPE_CHECKING:
    import pandas as pd

IMPACT = (
    "volume", "negative_volume", "negative_share", "negative_prevalence", "polarity", "net_sentiment_total", "unique_authors", "reach_total",
    "reach_unique", "engagement", "scored_coverage",
)  # fmt: skip
MOST = 5
NB_HYPHEN = "\N{NON-BREAKING HYPHEN}"
WORDS = (
    ("root_cause", "Cause, as known now"), ("went_well", "What went well"), ("to_improve", "What to improve"),
)  # fmt: skip


@dataclass(frozen=True)
class Followers:
    """Of all own accounts with a count on both sides of the incident."""

    before: int
    after: int

    @property
    def change(self) -> int:
        return self.after - self.before

    @property
    def rate(self) -> float | None:
        return self.change / self.before if self.before else None


@dataclass(frozen=True)
class Case:
    """What a review is made of."""

    reader: Reader
    incident: Incident
    records: Records
    span: Window
    """From T0 to the recovery or closing, or `as_of`."""
    frame: "pd.DataFrame"
    outages: list[Stretch]
    numbers: dict[str, Number]
    usual: Usual
    expected: float | None
    """Mentions that are usual for those hours."""
    followers: Followers | None

    @property
    def clocks(self) -> list[Clock]:
        return _timeline.clocks(self.incident, self.reader.as_of)


def build(store: Store, plan: Plan, incident: Incident, as_of: datetime) -> str:
    """The review as one page of HTML, of the incident as it was known by `as_of`; nothing is written."""
    case = read(store, plan, incident, as_of)
    own, how = case.frame[case.frame.own], anatomy(store, plan, case.incident, as_of)
    return _page.render(
        "review.html", title=f"Review: {case.incident.title}", c=case, i=case.incident, r=case.records, zone=case.reader.zone,
        as_of=as_of, severity=name_of(case.incident.severity), summary=summary(case), figure=_figure(case),
        impact=[_impact_row(case, k) for k in IMPACT], timeline=_timeline.timeline(case.records, own),
        quoted=_quoted(case), how=how, facts=_anatomy.facts(how, case.reader.zone), joined=_anatomy.joined,
        spread=_spread.picture(how, case.reader.zone), adherence=_timeline.adherence(case.records, case.frame), words=_words(case.records),
        statements=_timeline.statements(case.records.decisions), own=_mentions.quoted(own.head(2 * MOST)), own_count=len(own),
        outages=_sight.outage_rows(case.outages, case.reader.zone, case.reader.as_of), delivery=_timeline.delivery, short=SHORT, muted=_muted(case),
    )  # fmt: skip


def write(store: Store, plan: Plan, incident: Incident, as_of: datetime, folder: Path) -> Path:
    """`<folder>/reviews/<incident_id>.html`"""
    return _page.write(folder / "reviews" / f"{incident.incident_id}.html", build(store, plan, incident, as_of))


def read(store: Store, plan: Plan, incident: Incident, as_of: datetime) -> Case:
    """Everything the review says, read once."""
    known = as_known(store, incident, as_of)
    end = max(min(known.recovered_at or known.closed_at or as_of, as_of), known.onset_at)
    span = Window(known.onset_at, end)
    reader = Reader(store, plan, plan.market(incident.market), as_of, span)
    # A drill has no mentions of its own, and real ones are not its.
    frame = reader.mentions(Window(span.start, span.start) if known.drill else span)
    outages = reader.outages(span)
    usual = reader.usual(known.onset_at.astimezone(ZoneInfo(reader.zone)).date())
    return Case(
        reader, known, _timeline.records(store, known, as_of), span, frame, outages, _numbers(reader, span, frame, usual),
        usual, _expected(reader, span), _followers(store, known, span),
    )  # fmt: skip


def _numbers(reader: Reader, span: Window, frame: "pd.DataFrame", usual: Usual) -> dict[str, Number]:
    """Every KPI over the whole span from its mentions: authors and reach once each, intervals over all of them."""
    theirs = prepared(frame[~frame.own], reader.zone).assign(span="incident")
    verdict = reader.sight.verdict(span, {str(k): int(v) for k, v in theirs.groupby("source").size().items()})
    context, out = reader.context(local_day(span.start.astimezone(ZoneInfo(reader.zone)).date(), reader.zone).start), {}
    for name in IMPACT:
        kpi = reader.kpis[name]
        kpi.context = context
        found = groups(theirs, "span", kpi, [(False, False)]).to_dict("records")
        out[name] = reader.number(name, [], verdict, usual)
        if found:
            value, low, high = (None if found[0][k] != found[0][k] else float(found[0][k]) for k in ("value", "low", "high"))
            parts, n = found[0]["parts"], int(found[0]["n"])
            out[name] = Number(kpi, value, n, low, high, parts, verdict, reader.as_of, usual.of(name))
    return out


def _expected(reader: Reader, span: Window) -> float | None:
    """Sum over the span's hours of what was usual for that hour of the day before the incident; None while cold."""
    day = local_day(span.start.astimezone(ZoneInfo(reader.zone)).date(), reader.zone)
    baseline = reader.hourly_usual(day)
    total, at = 0.0, span.start
    while at < span.end:
        step = min(HOUR, span.end - at)
        usual = baseline.at(day.start + (at - day.start) % timedelta(days=1))
        if usual is None:
            return None
        total, at = total + usual.median * (step / HOUR), at + step
    return total


def _followers(store: Store, incident: Incident, span: Window) -> Followers | None:
    """The last count before the onset against the last by the end, over accounts that have both."""
    if incident.drill:
        return None
    ends: dict[tuple[str, str], list[int | None]] = {}
    for row in sorted(store.read(Follower, market=incident.market), key=lambda f: f.at):
        if row.at <= span.end:
            pair = ends.setdefault((row.source, row.account), [None, None])
            pair[0 if row.at <= span.start else 1] = row.followers
    both = [(b, a) for b, a in ends.values() if b is not None and a is not None]
    return Followers(sum(b for b, _ in both), sum(a for _, a in both)) if both else None


def summary(case: Case) -> list[tuple[str, str]]:
    """The page's first five answers."""
    words = case.records.words()
    return [
        ("What happened", _what(case, words)),
        ("How large", _how_large(case)),
        ("How quickly we answered", _how_quickly(case)),
        ("What it cost", _cost(case)),
        ("What we change", _action(words)),
    ]


def _what(case: Case, words: dict[str, str]) -> str:
    i, zone = case.incident, case.reader.zone
    begun = f"{i.title}, from {_page.local(i.onset_at, zone, '%d %b %Y %H:%M')}."
    cause = f" Type of cause: {i.cause}." if i.cause else ""
    return begun + cause + (f" {words['root_cause']}" if words.get("root_cause") else " The cause is not said yet.")


def _how_large(case: Case) -> str:
    if case.incident.drill:
        return "A drill: no real mention belongs to it."
    v, neg, share, reach = (case.numbers[k] for k in ("volume", "negative_volume", "negative_share", "reach_total"))
    usual = f", usual {count(case.expected)} in those hours" if case.expected is not None else ""
    read = f"{count(neg.value)} negative"
    if share.value is not None:
        level = f", usual {percent(share.usual)}" if share.usual is not None else ""
        read += f" ({percent(share.value)}, {interval(share.low, share.high, 'share')}, n {share.n:,}{level})"
    known = f", known for {percent(reach.coverage)} of mentions" if reach.coverage is not None else ""
    authors = count(case.numbers["unique_authors"].value)
    more = "≥ " if v.at_least else ""
    return f"{more}{count(v.value)} mentions{usual}; {read}; {more}{authors} authors; potential reach {more if reach.at_least else ''}{count(reach.value)}{known}."


def _how_quickly(case: Case) -> str:
    i = case.incident
    begun = f"Detected {duration(i.detected_at - i.onset_at)} after the first mention"
    said = [begun if case.records.signals else "Reported by a person"]
    for c in case.clocks[2:5]:
        against = "" if c.target is None else f" (target {duration(c.target)}: {verdict(c.met)})"
        said.append(f"{c.what} after {c.since}{against}" if c.at else f"no {_noun(c.what)}: {c.since}{against}")
    return "; ".join(said) + "."


def _noun(what: str) -> str:
    return {"acknowledged": "acknowledgement", "assessed": "assessment"}.get(what, what)


def verdict(met: bool | None) -> str:
    return {True: "met", False: "missed", None: "still running"}[met]


def _cost(case: Case) -> str:
    if case.incident.drill:
        return "People's time only."
    f, negative, share = case.followers, case.numbers["negative_volume"].value, case.numbers["negative_share"].usual
    said = (
        "Followers: unknown" if f is None else f"Followers {change(f.change)} ({percent(f.rate, sign=True)}) over the incident"
    )
    if negative is not None and case.expected is not None and share is not None:
        more = negative - case.expected * share
        said += f"; about {count(abs(more))} {'more' if more >= 0 else 'fewer'} negative mentions than usual"
    until = "recovered" if case.incident.recovered_at else "not recovered yet" if case.incident.closed_at is None else "closed"
    return f"{said}; {until} after {duration(case.span.end - case.incident.onset_at)}."


def _action(words: dict[str, str]) -> str:
    if not words.get("action"):
        return "No action is recorded yet."
    return f"{words['action'].rstrip('. ')}. Owner: {words.get('action_owner', 'not said')}. Due: {words.get('action_due', 'not said').replace('-', NB_HYPHEN)}."


def _words(r: Records) -> list[tuple[str, str]]:
    words = r.words()
    return [(title, words.get(key, "")) for key, title in WORDS]


def _impact_row(case: Case, kpi: str) -> dict[str, str]:
    n = case.numbers[kpi]
    unit, spans = n.kpi.unit, interval(n.low, n.high, n.kpi.unit)
    note = f"95 %: {spans}, n {n.n:,}" if spans else ""
    if n.coverage is not None:
        note = f"known for {percent(n.coverage)} of {'authors' if n.kpi.once_per else 'mentions'}"
    usual = "" if unit not in ("share", "-1 to 1") or n.usual is None else in_unit(n.usual, unit)
    if kpi == "volume" and case.expected is not None:
        usual = f"{count(case.expected)} in those hours"
    scorer = f", {case.reader.scorer}/{case.reader.revision}" if n.kpi.reads_scores else ""
    value = ("≥ " if n.at_least else "") + in_unit(n.value, unit)
    return {"title": n.kpi.title, "value": value, "note": note, "usual": usual, "lineage": f"{kpi} v{n.kpi.version}{scorer}"}


def _quoted(case: Case) -> dict[str, Any]:
    """The first post and those of the largest authors, in their own words."""
    theirs = case.frame[~case.frame.own]
    negative = theirs[theirs.label == "negative"]
    first = negative if len(negative) else theirs
    known = theirs[theirs.audience.notna()].sort_values("audience", ascending=False, kind="stable")
    return {
        "first": _mentions.quoted(first.head(1)), "first_negative": bool(len(negative)),
        "loudest": _mentions.quoted(_mentions.one_each(known).head(MOST)), "multiplier_share": _mentions.multiplier_share(case.frame),
    }  # fmt: skip


def _muted(case: Case) -> list[str]:
    """From a day before the onset on: what was quiet then may be why it was seen late."""
    if case.incident.drill:
        return []
    around = Window(case.span.start - timedelta(days=1), case.span.end)
    return _mutes.in_words(case.reader.store, case.incident.market, around, case.reader.as_of, case.reader.zone)


def _figure(case: Case) -> Any:
    if case.incident.drill:
        return ""
    span = case.span
    shown = Window(floor(span.start - 6 * HOUR, HOUR), floor(max(span.end, span.start + 6 * HOUR), HOUR) + 2 * HOUR)
    shown = Window(shown.start, max(min(shown.end, floor(case.reader.as_of, HOUR) + HOUR), shown.start + 6 * HOUR))
    marks = [figures.Mark(c.at, f"{c.name} {c.what}") for c in case.clocks[1:] if c.at is not None and c.at in shown]
    hours, outages = (
        _sight.hours_of(case.reader, shown),
        case.reader.outages(Window(shown.start, min(shown.end, case.reader.as_of))),
    )
    return figures.whole_incident(hours, marks, outages, shown, case.reader.zone)
