"""Facts about open incidents that only time brings: first public response, contained, recovered.

T5 contained: volume z below 2 and no new multiplier for 6 hours, at least 4 of them between 07 and 23 local. T6 recovered:
three consecutive local days with daily volume z below 2 and a negative share whose interval overlaps the baseline's.
Blind hours stop both clocks: of any network that the incident was heard on; and days of which too little was read stop the
second. Whoever reopens an incident starts them anew. [DEFINITIONS.md, Clocks of an incident]
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from coolhead import spoken
from coolhead.baselines import LOOK_BACK, WARM_DAYS, usual
from coolhead.incidents import left_out
from coolhead.kpis import share
from coolhead.plan import Market
from coolhead.rows import ALL, Decision, Incident, IncidentEvent, KpiPoint, State
from coolhead.schema import Row
from coolhead.store import Store
from coolhead.verdicts import Listening
from coolhead.windows import BASE, GRACE, Window, floor, local_day, merged, minus

CALM = 2.0
CONTAINED_AFTER = timedelta(hours=6)
DAYTIME = timedelta(hours=4)
RECOVERED_DAYS = 3
READ = 0.6
"""Of a day's mentions, the share that must have been read: below it, DEFINITIONS.md says, its negative share cannot be judged."""


def progress(store: Store, market: Market, through: datetime, reader: str | None = None) -> list[Incident]:
    """Note what has become true of the market's open incidents by `through`; returns those that changed.

    reader: whose series of shares counts, as scorer/revision; None where there is but one.
    """
    changed = []
    for incident in store.read(Incident, market=market.id, drill=False):
        if incident.state in ("closed", "dismissed"):
            continue
        now, events = _advance(store, market, incident, through, reader)
        if now != incident:
            rows: list[Row] = [now, *events]
            with store.writing() as writer:
                writer.lock(Incident)
                if writer.read(Incident, incident_id=incident.incident_id) != [incident]:
                    continue  # a person has decided meanwhile; the next tick sees it
                writer.upsert(rows)
            changed.append(now)
    return changed


def _advance(
    store: Store, market: Market, incident: Incident, through: datetime, reader: str | None
) -> tuple[Incident, list[IncidentEvent]]:
    events: list[IncidentEvent] = []

    def note(kind: str, field: str, at: datetime, state: State | None, detail: str) -> None:
        nonlocal incident
        events.append(IncidentEvent(incident_id=incident.incident_id, at=at, kind=kind, detail=detail))
        incident = incident.model_copy(update={field: at, **({"state": state} if state else {})})

    if incident.responded_at is None and (first := _first_response(store, market, incident, through)):
        note("responded", "responded_at", first, None, "first own post after the approval was seen")
    open_states = ("acknowledged", "assessed", "responding")
    if incident.state in open_states and (at := contained_at(store, market, incident, through)):
        note(
            "contained", "contained_at", at, "contained", "volume z below 2 and no new multiplier for 6 hours, 4 of them by day"
        )
    if incident.state == "contained" and (at := recovered_at(store, market, incident, through, reader)):
        note("recovered", "recovered_at", at, "recovered", "three local days of usual volume and negative share")
    return incident, events


def _first_response(store: Store, market: Market, incident: Incident, through: datetime) -> datetime | None:
    """T4: the market's first own post after a person approved the response."""
    approved = [d.at for d in store.read(Decision, incident_id=incident.incident_id) if d.kind == "respond"]
    if not approved:
        return None
    since = Window(min(approved), max(through, min(approved)))
    found = store.mentions(market.id, since, "-", "-", through + GRACE)
    own = found[found.own].published_at
    return own.min().to_pydatetime() if len(own) else None


def contained_at(store: Store, market: Market, incident: Incident, through: datetime) -> datetime | None:
    """End of the first stretch that fulfils T5 after the detection; None while there is none, or the baseline is cold."""
    begin = _begin(store, incident)
    after = Window(begin, max(through, begin))
    z = store.read(KpiPoint, market=market.id, kpi="volume_z", grain="5min", source=ALL, lang=ALL, start=after)
    if not any(p.value is not None for p in store.read(
        KpiPoint, market=market.id, kpi="volume_z", grain="5min", source=ALL, lang=ALL,
        start=Window(incident.onset_at - timedelta(days=1), after.end),
    )):  # fmt: skip
        return None
    hot = {p.start for p in z if p.value is not None and p.value >= CALM}
    blind = _blind(store, market, incident, after)
    if _calm_through(market, after, hot, blind) is None:
        return None
    return _calm_through(market, after, hot | _new_multipliers(store, incident, after), blind)


def _begin(store: Store, incident: Incident) -> datetime:
    """From when on it can be contained: since its detection, or since a person last reopened it or merged another into it."""
    mine = {"incident_id": incident.incident_id}
    decided = [d.at for d in store.read(Decision, **mine) if d.kind == "reopen"]
    merged_in = [e.at for e in store.read(IncidentEvent, **mine) if e.kind.startswith("merged-")]
    return max([incident.detected_at, *decided, *merged_in])


def _calm_through(market: Market, span: Window, hot: set[datetime], blind: list[Window]) -> datetime | None:
    """When it had been calm for long enough, hours in which it could not be heard not counted."""
    zone = ZoneInfo(market.time_zone)
    calm = daytime = timedelta()
    at = _ceil(span.start)
    while at + BASE <= span.end:
        if at in hot:
            calm = daytime = timedelta()
        elif not any(at in w for w in blind):
            calm += BASE
            daytime += BASE if 7 <= at.astimezone(zone).hour < 23 else timedelta()
        at += BASE
        if calm >= CONTAINED_AFTER and daytime >= DAYTIME:
            return at
    return None


def _new_multipliers(store: Store, incident: Incident, span: Window) -> set[datetime]:
    """Windows in which one of the brand's largest authors was first seen to speak against it."""
    known, out = set[tuple[str, str]](), set[datetime]()
    for start, evidence in store.asked(spoken.evidence(incident.market, Window(min(incident.onset_at, span.start), span.end))):
        posts = {(m["source"], m["native_id"]) for m in evidence.get("multipliers", []) if m["top"]}
        if posts - known:
            out.add(start)
        known |= posts
    return out


def recovered_at(
    store: Store, market: Market, incident: Incident, through: datetime, reader: str | None = None
) -> datetime | None:
    """End of the third calm local day in a row, from the day of containment on."""
    if incident.contained_at is None:
        return None
    zone = ZoneInfo(market.time_zone)
    days = _daily(store, market, incident, through, reader)
    in_a_row, day = 0, incident.contained_at.astimezone(zone).date()
    while local_day(day, market.time_zone).end <= through:
        span = local_day(day, market.time_zone)
        blind = any(w.start <= span.start and w.end >= span.end for w in _blind(store, market, incident, span))
        if not blind and not _unread(days, day):
            in_a_row = in_a_row + 1 if _calm_day(days, day) else 0
        if in_a_row >= RECOVERED_DAYS:
            return span.end
        day += timedelta(days=1)
    return None


def _daily(store: Store, market: Market, incident: Incident, through: datetime, reader: str | None) -> pd.DataFrame:
    """Per local day: volume, negatives, n scored; and whether the day belongs to what is usual."""
    span = Window(incident.onset_at - LOOK_BACK - timedelta(days=1), through)
    whose = {"revision": ["-", reader]} if reader else {}
    rows = store.read(
        KpiPoint, market=market.id, kpi=["volume", "negative_share"], grain="day", source=ALL, lang=ALL, start=span, **whose
    )
    zone = ZoneInfo(market.time_zone)
    table: dict[date, dict[str, float]] = {}
    for row in rows:
        day = table.setdefault(row.start.astimezone(zone).date(), {"volume": 0.0, "negative": 0.0, "n": 0.0})
        if row.kpi == "volume":
            day["volume"] = float(row.value or 0)
        else:
            day |= {"negative": float(row.parts["negative"]), "n": float(row.parts["n"])}
    skip = left_out(store, market, incident.onset_at)
    frame = pd.DataFrame.from_dict(table, orient="index", columns=["volume", "negative", "n"])
    spans = {d: local_day(d, market.time_zone) for d in frame.index}
    onset_day = incident.onset_at.astimezone(zone).date()
    frame["usual"] = [
        d < onset_day and not any(spans[d].start < w.end and spans[d].end > w.start for w in skip) for d in frame.index
    ]
    return frame


def _calm_day(days: pd.DataFrame, day: date) -> bool:
    before = days[days.usual]
    if len(before) < WARM_DAYS:
        return False
    if day not in days.index:
        return True  # covered, and nobody said anything
    row = days.loc[day]
    known = usual(list(before.volume))
    z = (float(np.log1p(row.volume)) - known.center) / known.spread
    table = pd.DataFrame({"hits": [row.negative, before.negative.sum()], "n": [row.n, before.n.sum()]})
    now, base = share(table.hits, table.n).itertuples(index=False)
    overlaps = row.n == 0 or (now.low <= base.high and base.low <= now.high) or now.value < base.value
    return z < CALM and bool(overlaps)


def _unread(days: pd.DataFrame, day: date) -> bool:
    """Whether too little of a day's mentions was read to know how they were meant."""
    return day in days.index and bool(days.loc[day].n < READ * days.loc[day].volume)


def _blind(store: Store, market: Market, incident: Incident, span: Window) -> list[Window]:
    """Stretches in which a source that the incident was heard on was blind, or every source was."""
    as_of = span.end + GRACE
    mine = Listening(store, market, span, as_of).at(as_of).listeners(span)
    if not mine:
        return []
    blind = {s.source: [(o.window.start, o.window.end) for o in s.blind(span)] for s in mine}
    seen = [w for s in mine if (own := s.listened(span)) for w in minus(own, merged(blind[s.source]))]
    nobody = [(w.start, w.end) for w in minus(span, merged([(w.start, w.end) for w in seen]))]
    return merged([*nobody, *(w for s in blind if _heard_on(store, incident, s, span.end) for w in blind[s])])


def _heard_on(store: Store, incident: Incident, source: str, until: datetime) -> bool:
    """Whether it brought mentions of the market since the incident began."""
    since = floor(incident.onset_at)
    during = Window(since, max(since, until))
    return store.first(
        KpiPoint, "start", market=incident.market, kpi="volume", grain="5min", source=source, lang=ALL, start=during
    ) is not None  # fmt: skip


def _ceil(moment: datetime) -> datetime:
    return floor(moment + BASE - timedelta(microseconds=1))
