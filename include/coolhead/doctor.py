"""Checks every source and channel of the plan: reachable, authorised, how much quota is left, until when; and what to do. And
whether every rule of the plan counts.

Nothing is stored of what the networks answer, and no notice is sent to try a channel.
"""

import hashlib
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from coolhead import planning, registry
from coolhead.budget import metered
from coolhead.clock import Clock
from coolhead.collection import Collector, listens
from coolhead.errors import ConfigError, CoolheadError, PermanentError, TransientError
from coolhead.http import Client
from coolhead.outbox import key_of, send_outbox
from coolhead.plan import Market, Person, Plan
from coolhead.rows import Notice
from coolhead.settings import Settings
from coolhead.sources import Query, Source
from coolhead.store import Store

log = logging.getLogger(__name__)

SOON = timedelta(days=14)
"""A token that lapses within this is a warning."""
LONGEST = 60.0
"""Seconds that the check of one source may take."""
TOLD = "check_connections"
"""Stands for the incident in the notices: they belong to none."""

State = Literal["ok", "warning", "broken"]


@dataclass(frozen=True)
class Finding:
    """One source in one market, one channel, or a rule that does not count."""

    name: str
    market: str
    """Empty for a channel."""
    state: State
    found: str
    do: str = ""
    quota: int | None = None
    expires: datetime | None = None

    @property
    def what(self) -> str:
        return f"{self.name} ({self.market})" if self.market else f"channel {self.name}"


def examine(
    store: Store, plan: Plan, settings: Settings, clock: Clock, credentials: Mapping[str, Mapping[str, Any]],
    client: Client | None = None,
) -> list[Finding]:  # fmt: skip
    """Every source of every market, every channel that the plan names, every rule that does not count; one that fails hides no other."""
    base = client or Client(**dict(plan.brands.network))
    collector = Collector(store, plan, settings, clock, base, credentials)
    out = []
    for market in plan.listened:
        for name in market.sources:
            if listens(kind := registry.load("sources", name), market, clock.now()):
                out.append(_source(collector, kind(), market, base, clock))
    return [*out, *_channels(plan, credentials), *_rules(plan)]


def _rules(plan: Plan) -> Iterator[Finding]:
    for r in planning.refused(plan):
        yield Finding(f"rule {r.rule}", r.market, "broken", f"does not count: {r.why}", planning.CURE)


def _source(collector: Collector, source: Source, market: Market, base: Client, clock: Clock) -> Finding:
    query = collector.query(source, market)
    here = replace(base, retries=1, ends=base.now() + LONGEST)
    client = metered(here, collector.store, clock, source.name, query.connection, source.rate)
    state, found, do = _tried(lambda: source.check(query, client), _needs(source, query))
    if state != "ok":
        return Finding(source.name, market.id, state, found, do, client.quota)
    expires: list[datetime] = []
    state, told, do = _tried(lambda: _lapse(source, query, client, expires, clock.now()), _needs(source, query))
    return Finding(source.name, market.id, state, found if state == "ok" else told, do, client.quota, next(iter(expires), None))


def _lapse(source: Source, query: Query, client: Client, out: list[datetime], now: datetime) -> str:
    if expires := source.expires(query, client):
        out.append(expires)
        if expires <= now:
            raise PermanentError(f"the credentials have lapsed on {expires:%Y-%m-%d}")
        if expires - now <= SOON:
            raise _Soon(f"the credentials lapse in {(expires - now).days} days")
    return ""


class _Soon(Exception):
    """Works today, and not for long."""


def _tried(ask: Callable[[], str], needs: str) -> tuple[State, str, str]:
    """(state, what was found, what to do)."""
    try:
        return "ok", ask(), ""
    except _Soon as soon:
        return "warning", str(soon), f"renew them{needs}"
    except TransientError as error:
        if error.retry_after:
            return "warning", str(error), "nothing: it asks us to wait"
        return (
            "broken",
            str(error),
            "it may pass by itself; where it stays, look at the network's status page and at your own way out",
        )
    except ConfigError as error:
        return "broken", str(error), f"write it{needs}" if needs else "mend the plan"
    except CoolheadError as error:
        plan = "mend the plan: the address or a name that it gives is wrong"
        return "broken", str(error), f"renew the credentials{needs}. If they are valid, {plan}" if needs else plan
    except Exception as error:  # a mistake in one module hides no other; its text may hold anything, so only its place is told
        at = traceback.extract_tb(error.__traceback__)[-1]
        log.error("a check failed with %s in %s, line %s", type(error).__name__, at.filename, at.lineno)
        return "broken", f"its check failed ({type(error).__name__})", "look at the log; this is a mistake of the module"


def _needs(source: Source, query: Query) -> str:
    """Which connection holds which fields, in words."""
    fields = "; ".join(f"{name}: {what}" for name, what in source.fields.items())
    return f" in the Airflow connection `{query.connection}` ({fields})" if fields else ""


def channels_of(plan: Plan) -> list[str]:
    """Channels that anybody is told by."""
    steps = {channel for step in plan.escalation.steps for channel in step.channels}
    return sorted(steps | {channel for person in plan.escalation.people for channel in person.addresses})


def _channels(plan: Plan, credentials: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    for name in channels_of(plan):
        addresses = sorted({p.addresses[name] for p in plan.escalation.people if name in p.addresses})
        channel, given = registry.load("channels", name)(), credentials.get(name, {})
        state, found, do = _tried(partial(channel.check, addresses, given), f" in the Airflow connection `{name}`")
        yield Finding(name, "", state, found, do)


def table(findings: Sequence[Finding]) -> str:
    """For a terminal or a task's log: the columns, and below them what to do about each that is not well."""
    rows = [("SOURCE", "MARKET", "STATE", "QUOTA", "EXPIRES", "FOUND")]
    rows += [
        (f.name if f.market else f"channel {f.name}", f.market or "-", f.state, "-" if f.quota is None else str(f.quota),
         f"{f.expires:%Y-%m-%d}" if f.expires else "-", " ".join(f.found.split()))
        for f in findings
    ]  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]]) for row in rows]
    return "\n".join([*lines, *(f"-> {f.what}: {f.do}" for f in findings if f.do)])


def broken(findings: Iterable[Finding]) -> list[Finding]:
    return [f for f in findings if f.state == "broken"]


def tell(store: Store, plan: Plan, findings: Sequence[Finding], now: datetime) -> list[Notice]:
    """Notices to those on duty about what is not well, written and not yet sent: once for each state of affairs, and again
    each week that it lasts. A channel that is broken is not used for it, where a person has another."""
    wrong = [f for f in findings if f.state != "ok"]
    if not wrong:
        return []
    affairs = hashlib.sha256("\n".join(sorted(f"{f.what} {f.state}" for f in wrong)).encode()).hexdigest()[:16]
    dead = {f.name for f in wrong if not f.market}
    year, week, _ = now.isocalendar()
    body = "\n".join(f"- {f.what}: {f.state}: {f.found}. To do: {f.do}" for f in wrong)
    new = []
    with store.writing() as writer:
        for person, channel in _receivers(plan, dead):
            notice = Notice(
                incident_id=TOLD, step=affairs, repetition=100 * year + week, receiver=person.id, channel=channel,
                address=person.addresses[channel], subject=f"Coolhead: {len(wrong)} things need somebody", body=body,
                intended_at=now, status="intended",
            )  # fmt: skip
            new += [notice] if writer.insert_new(notice) else []
    return new


def _receivers(plan: Plan, dead: set[str]) -> Iterator[tuple[Person, str]]:
    for person in plan.escalation.people:
        if "duty_lead" in person.roles:
            channels = set(person.addresses) - dead or set(person.addresses)
            yield from ((person, channel) for channel in sorted(channels))


def send(store: Store, clock: Clock, credentials: Mapping[str, Mapping[str, Any]], told: Sequence[Notice]) -> None:
    """Send these notices. Those of an incident that are being sent just now are left to their own run."""
    if told:
        keys = {key_of(n) for n in told}
        send_outbox(store, clock, credentials, lambda n: key_of(n) in keys)
