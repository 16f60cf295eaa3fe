"""notice -> sent: intent first, receipt after; where a channel fails for good, or for ten minutes, the person's others as well.

A crash between send and receipt may double a notice, never lose one; its key is the same, so that a receiver who honours
it sees one.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from coolhead import failpoint, registry
from coolhead.clock import Clock
from coolhead.errors import ConfigError, PermanentError, TransientError
from coolhead.rows import Incident, Notice, PlanVersion
from coolhead.store import Store

LEFT_BEHIND = timedelta(minutes=10)
"""A notice that its own run has not sent by then is sent by any other."""

Credentials = Mapping[str, Mapping[str, Any]]


def send_outbox(
    store: Store, clock: Clock, credentials: Credentials, mine: Callable[[Notice], bool] = lambda _: True
) -> list[Notice]:
    """Send what is `mine`, and whatever another run could not send; one that fails holds up no other.

    Raises TransientError at the end where any should be tried again.
    """
    sent, again = [], []
    waiting = [
        n for n in store.read(Notice, status="intended") if mine(n) or clock.now() - n.intended_at >= LEFT_BEHIND
    ]  # what is left has a run of its own, which is sending it just now
    while waiting:
        notice = waiting.pop(0)
        if not _changed(store, notice, {"attempts": notice.attempts + 1}, attempts=notice.attempts):
            continue  # another run took it meanwhile
        done, error = _send(notice, clock, credentials)
        _changed(store, done, {n: getattr(done, n) for n in ("status", "sent_at", "receipt")})
        sent.append(done)
        if done.status == "failed" or (error and clock.now() - done.intended_at >= LEFT_BEHIND):
            waiting += _instead(store, done, clock)
        if error:
            again.append(f"{done.channel} to {done.receiver}: {error}")
    if again:
        raise TransientError(f"{len(again)} notices could not be sent yet: {'; '.join(again)}")
    return sent


def _changed(store: Store, notice: Notice, values: Mapping[str, Any], **where: Any) -> bool:
    """Set columns of a notice, unless it was sent meanwhile; whether they were set."""
    key = {n: getattr(notice, n) for n in ("incident_id", "step", "repetition", "receiver", "channel")}
    with store.writing() as writer:
        return writer.update(Notice, values, **key, status="intended", **where) > 0


def _send(notice: Notice, clock: Clock, credentials: Credentials) -> tuple[Notice, str | None]:
    """The notice with its receipt, and why it must be tried again."""
    update: dict[str, Any] = {"attempts": notice.attempts + 1}
    again = None
    try:
        channel = registry.load("channels", notice.channel)()
        receipt = channel.send(notice, key_of(notice), credentials.get(notice.channel, {}))
        failpoint.reached("outbox.sent")
        update |= {"status": "sent", "sent_at": clock.now(), "receipt": receipt}
    except (PermanentError, ConfigError) as error:
        update |= {"status": "failed", "receipt": str(error)}
    except Exception as error:  # a bug of one channel must not keep people from being told by the others
        again = str(error) if isinstance(error, TransientError) else f"{type(error).__name__}: {error}"
        update |= {"receipt": f"will be tried again: {again}"}
    return notice.model_copy(update=update), again


def _instead(store: Store, failed: Notice, clock: Clock) -> list[Notice]:
    """The same words to the same person by the channels that this step did not use."""
    others = [
        failed.model_copy(update={
            "channel": channel, "address": address, "intended_at": clock.now(), "status": "intended", "sent_at": None, "attempts": 0,
            "receipt": None,
        }) for channel, address in _addresses(store, failed).items()
    ]  # fmt: skip
    with store.writing() as writer:
        return [n for n in others if writer.insert_new(n)]


def _addresses(store: Store, notice: Notice) -> dict[str, str]:
    """Of the receiver: as the incident's policy has them, else as the newest plan does."""
    incidents = store.read(Incident, incident_id=notice.incident_id)
    newest = None if incidents else store.first(PlanVersion, "loaded_at", last=True)
    policy: Mapping[str, Any] = incidents[0].policy if incidents else newest.content["escalation"] if newest else {}
    return next((dict(p["addresses"]) for p in policy.get("people", ()) if p["id"] == notice.receiver), {})


def demand_reached(notices: Iterable[Notice]) -> None:
    """notices: all of some steps. Raises PermanentError that names whoever was told by no channel at all, and why."""
    by_receiver: dict[tuple[str, ...], list[Notice]] = {}
    for n in notices:
        by_receiver.setdefault((n.incident_id, n.step, str(n.repetition), n.receiver), []).append(n)
    lost = [found for found in by_receiver.values() if all(n.status == "failed" for n in found)]
    if lost:
        why = "; ".join(f"{found[0].receiver} ({', '.join(f'{n.channel}: {n.receipt}' for n in found)})" for found in lost)
        raise PermanentError(f"told by no channel: {why}; mend the connection or the address, and tell them yourself")


def key_of(notice: Notice) -> str:
    """The same for every attempt at the same notice."""
    return f"{notice.incident_id}.{notice.step}.{notice.repetition}.{notice.receiver}.{notice.channel}"
