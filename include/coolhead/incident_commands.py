"""`coolhead incident ...`: what people do about incidents at a terminal."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from coolhead import clock, settings
from coolhead.errors import ConfigError
from coolhead.incidents import TRANSITIONS, name_of
from coolhead.plan import Plan
from coolhead.rows import ALL, Decision, Incident, IncidentEvent, Signal


def add(verbs: Any, verb: Callable[..., Any]) -> None:
    """Declare the verbs. verb(name, function, text, under) makes a parser."""
    incident = verbs.add_parser("incident", help="Incidents.").add_subparsers(required=True, metavar="COMMAND")
    p = verb("open", _open, "Open an incident by hand; needs no mention.", incident)
    p.add_argument("--reason", required=True, help="what happened, in a sentence")
    p.add_argument("--by", required=True, help="who reports it")
    p.add_argument("--market", help="market id, where the plan has several")
    p.add_argument("--link", help="where to see it")
    p.add_argument("--severity", default="S2", choices=["S1", "S2", "S3", "S4"])
    p = verb(
        "decide",
        _decide,
        "Record a decision that no open question asks for: contain, recover, dismiss, reopen ...",
        incident,
    )
    _whose(p)
    p.add_argument("kind", choices=sorted(TRANSITIONS))
    _by(p)
    p = verb(
        "merge",
        _merge,
        "Say that an incident is of the same cause as another, which goes on with its signals and clocks.",
        incident,
    )
    _whose(p)
    p.add_argument("--into", required=True, metavar="ID", help="the one that goes on")
    _by(p)
    p = verb(
        "split",
        _split,
        "Say that some signals of an incident are of another cause; they become an incident of their own.",
        incident,
    )
    _whose(p)
    p.add_argument("--rule", help="those of this rule")
    p.add_argument("--topic", help="those about this topic: its name, a beginning of it, or one of its terms")
    p.add_argument(
        "--since", help="those of windows that end after this, e.g. 2026-03-25T14:00, on the market's clocks, or with an offset"
    )
    _by(p)
    _whose(verb("show", _show, "State, severity and its reasons, clocks, signals and decisions of an incident.", incident))
    _whose(
        verb("anatomy", _anatomy, "How an incident came about and spread: first post, networks, large authors, news.", incident)
    )
    p = verb("list", _list, "Show incidents with their clocks, the newest last.", incident)


def _whose(p: Any) -> None:
    p.add_argument("incident", metavar="ID", help="its id, or enough of its beginning")


def _by(p: Any) -> None:
    p.add_argument("--by", required=True, help="who decides")
    p.add_argument("--reason", required=True, help="why")


def _opened() -> tuple[Any, Plan]:
    from coolhead import planning
    from coolhead.store import Store

    where = settings.load()
    store = Store(where.store)
    return store, planning.current(store, where.plan, clock.load(where.play))


def _now() -> datetime:
    return clock.load(settings.load().play).now()


def _found(store: Any, beginning: str) -> Incident:
    """Raises ConfigError where none or several begin so."""
    found: list[Incident] = [i for i in store.read(Incident) if i.incident_id.startswith(beginning)]
    if not found:
        raise ConfigError(f"no incident begins with {beginning!r}; `coolhead incident list` shows them")
    if len(found) > 1:
        raise ConfigError(
            f"{len(found)} incidents begin with {beginning!r}: {', '.join(i.incident_id for i in found)}; type more of it"
        )
    return found[0]


def _open(options: Any) -> int:
    from coolhead.incidents import report

    store, plan = _opened()
    market = plan.market(options.market) if options.market else plan.only_market()
    incident = report(store, plan, market, options.by, _now(), options.reason, link=options.link, severity=options.severity)
    print(
        f"{incident.incident_id} {name_of(incident.severity)} {incident.state}: the next tick of evaluate_brands starts its escalation"
    )
    return 0


def _decide(options: Any) -> int:
    from coolhead.incidents import decide

    store, _plan = _opened()
    found = _found(store, options.incident)
    step = f"command.{options.kind}.{store.count(Decision, incident_id=found.incident_id)}"
    made = decide(store, found.incident_id, step, options.kind, options.by, _now(), options.reason)
    after = _found(store, made.incident_id)
    print(f"{made.kind} by {made.by}: incident {made.incident_id[:8]} is {after.state}")
    return 0


def _merge(options: Any) -> int:
    from coolhead.merging import merge

    store, _plan = _opened()
    gone, kept = (_found(store, i).incident_id for i in (options.incident, options.into))
    merge(store, gone, kept, options.by, _now(), options.reason)
    after = _found(store, kept)
    print(
        f"incident {gone[:8]} is closed, and goes on as {kept[:8]}, {name_of(after.severity)}, {after.state}: "
        f"onset {after.onset_at:%Y-%m-%d %H:%M}, detected {after.detected_at:%Y-%m-%d %H:%M} UTC, the earlier of both"
    )
    return 0


def _split(options: Any) -> int:
    from coolhead.merging import Part, split
    from coolhead.typed import shown, time

    if not (options.rule or options.topic or options.since):
        raise ConfigError("say which signals are of another cause: --rule, --topic or --since")
    store, _plan = _opened()
    found = _found(store, options.incident)
    zone = str(found.policy["time_zone"])
    since = time(options.since, "since", zone) if options.since else None
    topic, called = _meant(store, found, options.topic) if options.topic else (None, None)
    new = split(store, found.incident_id, Part(options.rule, topic, since, called), options.by, _now(), options.reason)
    if since:
        print(f"since {shown(since, zone)}")
    print(f"{new.incident_id} {name_of(new.severity)} {new.state}: the next tick of evaluate_brands starts its escalation")
    return 0


def _meant(store: Any, incident: Incident, said: str) -> tuple[str, str]:
    """(topic of an incident's signals, what people call it). Raises ConfigError with the choices."""
    from coolhead.topic_names import names

    if said == ALL:
        return ALL, ALL
    topics = {s.topic for s in store.read(Signal, incident_id=incident.incident_id)}
    known = names(store, incident.market, topics)
    return (topic := known.meant(said)), known.called(topic)


def _show(options: Any) -> int:
    store, _plan = _opened()
    for line in told(store, _found(store, options.incident), _now()):
        print(line)
    return 0


def _anatomy(options: Any) -> int:
    from coolhead.anatomy import anatomy
    from coolhead.reports._anatomy import lines

    store, plan = _opened()
    found = _found(store, options.incident)
    for line in lines(anatomy(store, plan, found, _now()), plan.market(found.market).time_zone):
        print(line)
    return 0


def told(store: Any, incident: Incident, as_of: datetime) -> Iterator[str]:
    """An incident in lines; of what was said about the brand, no word."""
    from coolhead.durations import clocks
    from coolhead.topic_names import names

    mine = {"incident_id": incident.incident_id}
    signals = store.read(Signal, **mine)
    called = names(store, incident.market, {s.topic for s in signals} | {incident.topic or ALL}).called
    yield f"{incident.incident_id}  {incident.title}"
    other = {"merged into": incident.merged_into, "split from": incident.split_from}
    more = [
        incident.topic and f"topic {called(incident.topic)}",
        *(f"{k} {v[:8]}" for k, v in other.items() if v),
        incident.drill and "a drill",
    ]
    yield ", ".join(["state " + incident.state, *(m for m in more if m)])
    yield f"severity {name_of(incident.severity)}, proposed {name_of(incident.severity_proposed)}"
    for x in incident.reasons:
        yield f"  {x['at'][:16].replace('T', ' ')} UTC  {name_of(x['severity'])}: {x['reason']} [{x['rule']}]"
    yield "clocks from the detection"
    for lasted in clocks(incident, as_of):
        yield f"  {lasted.name} {lasted.what}: {lasted}"
    yield f"signals: {len(signals)}"
    for (rule, severity, topic), n in sorted(Counter((s.rule, s.severity, s.topic) for s in signals).items()):
        times = [s.start for s in signals if (s.rule, s.severity, s.topic) == (rule, severity, topic)]
        about = "" if topic == ALL else f" about {called(topic)}"
        yield f"  {rule} {severity}{about}: {n:,}, {min(times):%Y-%m-%d %H:%M} to {max(times):%Y-%m-%d %H:%M} UTC"
    events = [
        (e.at, f"{e.kind}: {e.detail}") for e in store.read(IncidentEvent, **mine) if not e.kind.startswith(("asked-", "due-"))
    ]
    decisions = [
        (d.at, f"{d.kind} by {d.by}{f': {d.reason}' if d.reason else ''} [{d.hash[:10]}]") for d in store.read(Decision, **mine)
    ]
    yield f"decisions and events: {len(decisions) + len(events)}"
    for at, what in sorted([*events, *decisions]):
        yield f"  {at:%Y-%m-%d %H:%M} UTC  {what}"


def _list(_: Any) -> int:
    from coolhead.durations import clocks

    store, _plan = _opened()
    now = _now()
    for i in sorted(store.read(Incident), key=lambda i: i.detected_at):
        state = f"merged into {i.merged_into[:8]}" if i.merged_into else i.state
        ages = ", ".join(f"{c.name} {c}" for c in clocks(i, now)[2:])
        print(
            f"{i.incident_id}  {i.detected_at:%Y-%m-%d %H:%M} UTC  {name_of(i.severity):<15}  {state:<12}  {i.title}  ({ages})"
        )
    return 0
