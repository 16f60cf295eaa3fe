"""The words of a notice: enough to act on without opening anything."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from coolhead import plan
from coolhead.errors import CoolheadError
from coolhead.incidents import name_of
from coolhead.plan import Market
from coolhead.rows import Incident, PlanVersion, Signal
from coolhead.sentiment import active
from coolhead.store import Store
from coolhead.verdicts import Listening
from coolhead.windows import Window, moment

QUOTES = REASONS = 3
LONGEST = 180
"""Characters of a quote."""


@dataclass(frozen=True)
class Content:
    """One notice in its two forms."""

    subject: str
    body: str
    markdown: str


def compose(
    store: Store, incident: Incident, kind: str, run_id: str, told: Sequence[dict[str, Any]], now: datetime, due: datetime
) -> Content:
    """What happened, since when, three quotes, how sure, the clock, who else was told, and where to answer."""
    zone = ZoneInfo(str(incident.policy["time_zone"]))

    local = _local(zone)
    drill = "[DRILL] " if incident.drill and not incident.title.startswith("[DRILL]") else ""
    subject = f"{drill}[{name_of(incident.severity)}] {incident.title}: {kind} by {due.astimezone(zone):%H:%M}"
    link = f"{str(incident.policy['public_url']).rstrip('/')}/dags/escalate_incident/runs/{run_id}/tasks/ask/required_actions"
    facts = [
        ("What", f"{incident.title} - {name_of(incident.severity)} proposed: " + "; ".join(_why(incident))),
        ("Since", f"{local(incident.onset_at)}, detected {local(incident.detected_at)} ({zone.key}); as of {local(now)}"),
        ("How sure", _how_sure(store, incident, now, local)),
        ("Clock", f"{kind} by {local(due)}, {_minutes(due - now)}{_missed(incident, kind, now, local)}"),
        ("Told", ", ".join(p["name"] for p in told) or "nobody"),
    ]  # fmt: skip
    quotes = _quotes(store, incident, now, local)
    said = [f"- {q}" for q in quotes] or [f"- no mention stands behind it{f': {incident.link}' if incident.link else ''}"]
    heading = f"Quotes (times of {zone.key})"
    rule = "Nothing is published by Coolhead. No automatic replies, no deleted comments; individual replies only after the cool-off."
    body = "\n".join([*(f"{k}: {v}" for k, v in facts), "", f"{heading}:", *said, "", f"Answer here: {link}", "", rule])
    quoted = [f"- {plain(line[2:])}" for line in said]
    markdown = "\n".join([*(f"**{k}:** {plain(v)}\n" for k, v in facts), f"**{plain(heading)}:**\n", *quoted, "", rule])
    return Content(subject, body, markdown)


def plain(text: str) -> str:
    """Text that Markdown shows as it stands: strangers' words must not put links or pictures on the decision page."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~:/.@-])", r"\\\1", text)


def _local(zone: ZoneInfo) -> Callable[[datetime], str]:
    """A moment as the clocks of the market show it; which market's stands once beside, for all of a notice."""
    return lambda moment: f"{moment.astimezone(zone):%d %b %H:%M}"


def _why(incident: Incident) -> list[str]:
    """The reasons that decide its severity: the gravest first, of these the newest."""
    ranked = sorted(incident.reasons, key=lambda x: (x["severity"], moment(x["at"])), reverse=True)
    return [str(x["reason"]) for x in ranked[:REASONS]]


def _missed(incident: Incident, kind: str, now: datetime, local: Callable[[datetime], str]) -> str:
    """What is said where the target of the incident's own clock has passed already."""
    minutes = {"assess": "assess_minutes", "respond": "respond_minutes"}.get(kind)
    if not minutes:
        return ""
    target = incident.detected_at + timedelta(minutes=incident.policy["clocks"][minutes])
    return f"; the target, {local(target)}, was missed" if target < now else ""


def _minutes(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes} minutes left" if minutes >= 0 else f"{-minutes} minutes late"


def _how_sure(store: Store, incident: Incident, now: datetime, local: Callable[[datetime], str]) -> str:
    signals = store.read(Signal, incident_id=incident.incident_id)
    if not signals:
        return "reported by a person; not verified"
    window = Window(incident.onset_at - timedelta(hours=1), max(now, incident.onset_at))
    market = next((m for m in _markets(store) if m.id == incident.market), None)
    blind = Listening(store, market, window, now).at(now).blind(window) if market else []
    seen = (
        "; ".join(f"{o.source} was blind {local(o.window.start)} to {local(o.window.end)}" for o in blind[:3])
        or "no source was blind"
    )
    return f"{len(signals)} signals of {len({s.rule for s in signals})} rules; {seen}"


def _markets(store: Store) -> list[Market]:
    newest = store.first(PlanVersion, "loaded_at", last=True)
    return plan.restore(newest.content).markets if newest else []


def _quotes(store: Store, incident: Incident, now: datetime, local: Callable[[datetime], str]) -> list[str]:
    """The most negative mentions since the onset, each author once, the largest audience first."""
    if incident.drill or not store.read(Signal, incident_id=incident.incident_id):
        return []
    since = Window(incident.onset_at, max(now, incident.onset_at))
    frame = store.mentions(incident.market, since, *_scorer(store), now)
    theirs = (
        frame[~frame.own]
        .assign(seen=frame.audience.fillna(0).astype(float))
        .sort_values("seen", ascending=False, kind="stable")
    )
    negative = theirs[theirs.label == "negative"]
    chosen = negative if len(negative) else theirs
    picked = chosen[chosen.author.isna() | ~chosen.duplicated("author")].head(QUOTES)  # two without a name are two
    return [_quote(m, local) for m in picked.itertuples()]


def _scorer(store: Store) -> tuple[str, str]:
    """Name and revision of the plan's scorer, or dashes: a model that is gone must not hold up a notice."""
    if (newest := store.first(PlanVersion, "loaded_at", last=True)) is None:
        return "-", "-"
    try:
        scorer = active(plan.ActiveScorer.model_validate(newest.content["brands"]["scorer"]))
    except CoolheadError:
        return "-", "-"
    return scorer.name, scorer.revision


def _quote(m: Any, local: Callable[[datetime], str]) -> str:
    text = " ".join(str(m.text).split())
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    audience = "audience unknown" if pd.isna(m.audience) else f"{int(m.audience):,} followers"
    return f"“{text}” ({m.source}, {local(m.published_at)}, {audience})"
