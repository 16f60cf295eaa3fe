"""A mute that is over is told to its owner, once: what it kept quiet, and that its rules are heard again."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from coolhead import mutes
from coolhead.clock import Clock
from coolhead.errors import PermanentError, TransientError
from coolhead.outbox import demand_reached, send_outbox
from coolhead.plan import Market, Person, Plan
from coolhead.rows import Mute, Notice
from coolhead.store import Store
from coolhead.topic_names import names
from coolhead.windows import BASE, Window

log = logging.getLogger(__name__)

MUTE = "mute."
"""What takes the place of an incident's id in a notice of a mute begins so."""
STEP = "over"
INSISTS = timedelta(minutes=30)
"""So long an owner whom no channel reached fails the tick: longer than the outbox takes to try the person's other channels."""


def follow(store: Store, plan: Plan, clock: Clock) -> list[Mute]:
    """Write the notices of mutes that are over and were not told yet; returns these. Sending is another matter."""
    now, out = clock.now(), list[Mute]()
    for mute in store.read(Mute, told_at=None):
        if mutes.until(mute) <= now:
            out.append(_intend(store, plan, mute, now))
    return out


def tell(store: Store, plan: Plan, clock: Clock, credentials: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Follow, and send what there is to send; returns a line for each. What fails is raised after both were tried."""
    errors, found = list[Exception](), list[Mute]()
    try:
        found = follow(store, plan, clock)
    except Exception as error:
        log.exception("mutes were not followed")
        errors.append(error)
    try:
        send_outbox(store, clock, credentials, lambda n: n.incident_id.startswith(MUTE))
        recent = Window(clock.now() - INSISTS, clock.now() + BASE)
        demand_reached(n for m in store.read(Mute, told_at=recent) for n in store.read(Notice, incident_id=id_of(m)))
    except (TransientError, PermanentError) as error:
        errors.append(error)
    if errors:
        raise errors[0]
    return [f"mute {m.mute_id[:8]} of {m.market} is over since {mutes.until(m):%Y-%m-%d %H:%M} UTC" for m in found]


def id_of(mute: Mute) -> str:
    """What stands for an incident's id in its notices."""
    return f"{MUTE}{mute.mute_id}"


def _intend(store: Store, plan: Plan, mute: Mute, now: datetime) -> Mute:
    """The row with its notices, in one transaction: both or none."""
    told = mute.model_copy(update={"told_at": now})
    subject, body = _words(store, plan, mute, now)
    with store.writing() as writer:
        writer.upsert([told])
        for person in _owners(plan, mute):
            for channel, address in _addresses(plan, person).items():
                writer.insert_new(Notice(
                    incident_id=id_of(mute), step=STEP, repetition=0, receiver=person.id, channel=channel, address=address,
                    subject=subject, body=body, intended_at=now, status="intended",
                ))  # fmt: skip
    return told


def _owners(plan: Plan, mute: Mute) -> list[Person]:
    """Whoever owns it; where that person has left the plan, the duty leads."""
    return [p for p in plan.escalation.people if p.id == mute.owner] or plan.escalation.having("duty_lead")


def _addresses(plan: Plan, person: Person) -> dict[str, str]:
    """By the channels of the first step that reach the person, or by all that do."""
    channels = plan.escalation.steps[0].channels
    return {c: person.addresses[c] for c in channels if c in person.addresses} or dict(person.addresses)


def _words(store: Store, plan: Plan, mute: Mute, now: datetime) -> tuple[str, str]:
    """Subject and body: what was quiet, why, what it kept quiet, and what to do."""
    market = next((m for m in plan.markets if m.id == mute.market), None)
    zone = ZoneInfo(market.time_zone if market else "UTC")

    def local(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%d %b %H:%M}"

    over = mutes.until(mute)
    ended = f", ended by {mute.ended_by}" if mute.ended_at else ""
    facts = [
        ("What", f"the {mute.kind} of {in_words(store, mute)} for {mute.market} is over: what fires from now on opens an incident at once"),
        ("When", f"{local(mute.start)} to {local(over)} ({zone.key}){ended}; made by {mute.made_by}, owned by {mute.owner}"),
        ("Why", mute.reason),
        ("Kept quiet", kept_quiet(store, mute)),
        ("Do", "nothing, if the reason is gone; else change the rule, and see with `coolhead replay --rules FILE` what that does"),
    ]  # fmt: skip
    subject = (
        f"[{mute.kind} over] {_brand(plan, market)} ({mute.market}): {in_words(store, mute)} heard again since {local(over)}"
    )
    return subject, "\n".join(f"{k}: {v}" for k, v in facts)


def _brand(plan: Plan, market: Market | None) -> str:
    return plan.brand_of(market.id) if market else "a market that has left the plan"


def in_words(store: Store, mute: Mute) -> str:
    """What it covers."""
    rules = ", ".join(mute.rules) or "all rules"
    return f"{rules} about {names(store, mute.market, [mute.topic]).called(mute.topic)}" if mute.topic else rules


def kept_quiet(store: Store, mute: Mute) -> str:
    """How many signals of which rules, so far."""
    span = Window(mute.start - BASE, max(mutes.until(mute), mute.start))
    numbers = mutes.by_rule(store, mute, span)
    total = sum(numbers.values())
    return f"{total} signals: {', '.join(f'{n} of {r}' for r, n in numbers.items())}" if total else "no signal"
