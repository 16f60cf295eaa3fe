"""A blind source is told of, once, and once more when it sees again: or the room would read it as calm.

An outage is a stretch of two base windows at least in which a source saw nothing, for whatever reason (verdicts.py).
Told are the plan's operators; while an incident of S2 or above is open in that market, its commander too.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from coolhead import registry
from coolhead.clock import Clock
from coolhead.errors import PermanentError, TransientError
from coolhead.incidents import burning, name_of
from coolhead.outbox import demand_reached, send_outbox
from coolhead.plan import Market, Plan
from coolhead.rows import CollectionLog, Notice, Outage, Silence
from coolhead.store import Store
from coolhead.verdicts import Listening, SourceSight, Stretch, refill_until
from coolhead.windows import BASE, Window, floor
from coolhead.writing import Writer

log = logging.getLogger(__name__)

LEAST = 2 * BASE
"""A shorter stretch is shown, and nobody is told."""
RECENT = timedelta(hours=26)
"""An outage that began and ended unnoticed (nothing ran) is told of within this."""
TICK = timedelta(microseconds=1)
EVER = datetime(1995, 1, 1, tzinfo=UTC)
OUTAGE = "outage."
"""What takes the place of an incident's id in a notice of an outage begins so."""


def follow(store: Store, plan: Plan, clock: Clock) -> list[Outage]:
    """Begin and end outages by what is known now, and write their notices; returns the rows that changed. Sending is
    another matter. One market that fails holds up no other; raises the first error after all were tried."""
    out, errors = list[Outage](), list[Exception]()
    for market in plan.markets:
        try:
            out += _of_market(store, plan, market, clock.now())
        except Exception as error:
            log.exception("outages of %s were not followed", market.id)
            errors.append(error)
    if errors:
        raise errors[0]
    return out


def tell(store: Store, plan: Plan, clock: Clock, credentials: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Follow, and send what there is to send; returns a line for each outage. What fails is raised after both were tried."""
    errors, found = list[Exception](), list[Outage]()
    try:
        found = follow(store, plan, clock)
    except Exception as error:
        errors.append(error)
    try:
        send_outbox(store, clock, credentials, lambda n: n.incident_id.startswith(OUTAGE))
    except TransientError as error:
        errors.append(error)
    try:  # for as long as it lasts: somebody else has to be the one who sees it
        demand_reached(n for o in store.read(Outage, end=None) for n in store.read(Notice, incident_id=id_of(o)))
    except PermanentError as error:
        errors.append(error)
    if errors:
        raise errors[0]
    return [f"{o.source} for {o.market} {'was' if o.end else 'is'} blind since {o.start:%Y-%m-%d %H:%M} UTC" for o in found]


def _of_market(store: Store, plan: Plan, market: Market, now: datetime) -> list[Outage]:
    span = Window(now - RECENT, now)
    known = store.overlapping(Outage, span, market=market.id)
    sight, out = Listening(store, market, span, now).at(now), list[Outage]()
    for source, seen in sight.sources.items():
        mine = [o for o in known if o.source == source]
        stretches = _stretches(seen, span)
        listening = seen.listened(Window(now - TICK, now)) is not None
        covered = max((w.end for w in seen.covered), default=span.start)
        lasting = listening and bool(stretches) and stretches[-1].window.end > covered
        ended = [_ended(store, o, seen, stretches, now) for o in mine if o.end is None and not lasting]
        begun = _begun(store, market, source, stretches, lasting, mine, span.start)
        told = [*begun, *ended] if listening else begun
        out += [_tell(store, plan, market, o, now) for o in told]
        if not listening:  # retired: it will not see again, and a person knows why
            store.upsert(ended)
    for o in store.read(Outage, market=market.id, end=None):
        _tell_commanders(store, plan, market, o, now)
    return out


def _stretches(seen: SourceSight, span: Window) -> list[Stretch]:
    """Those that meet as one; it may have several reasons, and the first one is told."""
    out: list[Stretch] = []
    for s in seen.blind(span):
        if out and s.window.start <= out[-1].window.end:
            out[-1] = replace(out[-1], window=Window(out[-1].window.start, max(out[-1].window.end, s.window.end)))
        else:
            out.append(s)
    return out


def _begun(
    store: Store, market: Market, source: str, stretches: Sequence[Stretch], lasting: bool, known: Sequence[Outage], looked: datetime
) -> list[Outage]:  # fmt: skip
    long = [s for s in stretches if s.window.end - s.window.start >= LEAST and not any(_meets(o, s.window) for o in known)]
    # What an import left uncovered was never listened to: only what follows the first poll that really happened counts.
    first = store.first(CollectionLog, "start", source=source, market=market.id, assumed=False) if long else None
    out = []
    for s in long:
        if first and s.window.end > first.start:
            start = max(
                first.start, _since(store, market, source, s.window.start) if s.window.start == looked else s.window.start
            )
            out.append(Outage(
                source=source, market=market.id, start=start, reason=s.reason[:1_000],
                end=None if lasting and s is stretches[-1] else s.window.end,
                refill_until=refill_until(source, Window(start, s.window.end)),
            ))  # fmt: skip
    return out


def _since(store: Store, market: Market, source: str, start: datetime) -> datetime:
    """Where a stretch began that was blind already at the first moment that was looked at: the end of the last good poll."""
    before = Window(EVER, start + TICK)
    good = store.first(CollectionLog, "start", last=True, source=source, market=market.id, ok=True, start=before)
    return min(start, good.end) if good else start


def _meets(outage: Outage, window: Window) -> bool:
    return outage.start < window.end and (outage.end is None or outage.end > window.start)


def _ended(store: Store, outage: Outage, seen: SourceSight, stretches: Sequence[Stretch], now: datetime) -> Outage:
    """Its end: when a poll first succeeded again, even if that one collected all since, for until then nobody saw. Where
    a part is missing, that part's end, unless it was long before: the last polling interval was collected in time."""
    ends = [s.window.end for s in stretches if s.window.start < now and s.window.end > outage.start]
    if first := _answered(store, outage, now):
        ends.append(floor(first.known_at) - (max(seen.poll, BASE) if ends else timedelta()))
    return outage.model_copy(update={"end": max(outage.start, min(now, max(ends or [floor(now)])))})


def _answered(store: Store, outage: Outage, now: datetime) -> CollectionLog | None:
    """The first poll that succeeded after it began. None in a silence, whose polls all succeed: the sentinel knows its end."""
    if store.overlapping(Silence, Window(outage.start, now), source=outage.source, market=outage.market):
        return None
    since = Window(outage.start + TICK, now + TICK)
    return store.first(
        CollectionLog, "known_at", source=outage.source, market=outage.market, ok=True, assumed=False, end=since, known_at=since
    )  # fmt: skip


def _tell(store: Store, plan: Plan, market: Market, outage: Outage, now: datetime) -> Outage:
    """The row with its notices, in one transaction: both or none."""
    first = outage.told_at is None
    told = outage.model_copy(update={"told_at": outage.told_at or now, "told_over_at": now if outage.end else None})
    words = _words(store, plan, market, told, now)
    people = _operators(plan) if first else _told(store, outage)
    if first:
        people += [p for p in _commanders(store, plan, market) if p["id"] not in {x["id"] for x in people}]
    with store.writing() as writer:
        writer.upsert([told])
        _intend(writer, outage, "blind" if first else "sees-again", people, words, now)
    return told


def _tell_commanders(store: Store, plan: Plan, market: Market, outage: Outage, now: datetime) -> None:
    """Of incidents that were opened, or taken over, while the source was blind already."""
    told = {n.receiver for n in store.read(Notice, incident_id=id_of(outage), step="blind")}
    if people := [p for p in _commanders(store, plan, market) if p["id"] not in told]:
        with store.writing() as writer:
            _intend(writer, outage, "blind", people, _words(store, plan, market, outage, now), now)


def id_of(outage: Outage) -> str:
    """What stands for an incident's id in its notices."""
    return f"{OUTAGE}{outage.source}.{outage.market}.{outage.start:%Y%m%dT%H%M%SZ}"


def _intend(
    writer: Writer, outage: Outage, step: str, people: Iterable[dict[str, Any]], words: tuple[str, str], now: datetime
) -> None:  # fmt: skip
    for p in people:
        for channel, address in p["addresses"].items():
            writer.insert_new(Notice(
                incident_id=id_of(outage), step=step, repetition=0, receiver=p["id"], channel=channel, address=address,
                subject=words[0], body=words[1], intended_at=now, status="intended",
            ))  # fmt: skip


def _operators(plan: Plan) -> list[dict[str, Any]]:
    """By the channels of the first step that reach them, or by all that do."""
    channels, out = plan.escalation.steps[0].channels, []
    for p in plan.escalation.operators:
        out.append({"id": p.id, "addresses": {c: p.addresses[c] for c in channels if c in p.addresses} or p.addresses})
    return out


def _commanders(store: Store, plan: Plan, market: Market) -> list[dict[str, Any]]:
    """Who leads an open incident of S2 or above; while nobody has taken it, the crisis leads."""
    out: dict[str, dict[str, Any]] = {}
    for incident in burning(store, market=market.id):
        people = incident.policy["people"]
        leads = [p for p in people if p["id"] == incident.commander] or [p for p in people if "crisis_lead" in p["roles"]]
        channels = plan.escalation.steps[0].channels
        for p in leads:
            reach = {c: a for c, a in p["addresses"].items() if c in channels} or p["addresses"]
            out[p["id"]] = {"id": p["id"], "addresses": reach}
    return list(out.values())


def _told(store: Store, outage: Outage) -> list[dict[str, Any]]:
    """Whoever heard that it was blind hears that it sees."""
    out: dict[str, dict[str, Any]] = {}
    for n in store.read(Notice, incident_id=id_of(outage), step="blind"):
        out.setdefault(n.receiver, {"id": n.receiver, "addresses": {}})["addresses"][n.channel] = n.address
    return list(out.values())


def _words(store: Store, plan: Plan, market: Market, outage: Outage, now: datetime) -> tuple[str, str]:
    """Subject and body: what, since when, why, whether it comes back, and what to do."""
    zone = ZoneInfo(market.time_zone)

    def local(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%d %b %H:%M}"

    where = f"{outage.source} for {plan.brand_of(market.id)} ({market.id})"
    since = f"{local(outage.start)} to {local(outage.end)}" if outage.end else f"since {local(outage.start)}"
    missing = outage.end is None or _missing(store, market, outage, now)
    unknown = f": what {'was' if outage.end else 'is'} said there is unknown, and that is not silence" if missing else ""
    facts = [
        ("What", f"{outage.source} {'was' if outage.end else 'is'} blind for the market {market.id}{unknown}"),
        ("When", f"{since} ({zone.key}); as of {local(now)}" + ("; it sees again" if outage.end else "")),
        ("Why", outage.reason),
        ("Refill", _refill(outage, now, local) if missing else "nothing is missing: all of it was collected since"),
        ("Do", _todo(market, outage) if missing else "nothing"),
        ("Where", f"{plan.brands.public_url.rstrip('/')}/dags/collect_{outage.source}"),
        *(("Meanwhile", f"{i.title} ({name_of(i.severity)}) is open: do not read a quiet {outage.source} as calm") for i in burning(store, market=market.id)),
    ]  # fmt: skip
    subject = f"[{'sees again' if outage.end else 'blind'}] {where}: {since}"
    return subject, "\n".join(f"{k}: {v}" for k, v in facts)


def _missing(store: Store, market: Market, outage: Outage, now: datetime) -> bool:
    """Whether something of it has not been collected by now."""
    window = Window(outage.start, outage.end or now)
    return bool(Listening(store, market, window, now).at(now).sources[outage.source].blind(window))


def _refill(outage: Outage, now: datetime, local: Any) -> str:
    if outage.refill_until is None:
        return "the network still has it, as far as is known"
    if outage.refill_until <= now:
        return f"the network had its beginning until {local(outage.refill_until)}; what it has forgotten stays blind"
    return f"the network still has all of it until {local(outage.refill_until)}"


def _todo(market: Market, outage: Outage) -> str:
    dag = f"collect_{outage.source}"
    if outage.end:
        return f"what is still missing: run {dag} with start and end of the stretch; nothing is doubled"
    named = market.sources.get(outage.source, {}).get("connection")
    logs_in = outage.source in registry.names("sources") and registry.load("sources", outage.source).fields
    renew = f"; where it was refused (401, 403) renew the connection {named or outage.source}" if named or logs_in else ""
    return (
        f"look at the last run of the Dag {dag} (unpause it if nothing ran){renew}; then clear its failed runs, and they collect the "
        "stretch again"
    )  # fmt: skip
