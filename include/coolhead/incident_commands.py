"""`coolhead incident ...`: what people do about incidents at a terminal."""

from collections.abc import Callable
from typing import Any

from coolhead import clock, settings
from coolhead.errors import ConfigError
from coolhead.incidents import TRANSITIONS
from coolhead.plan import Plan


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
    p.add_argument("incident", help="its id, or enough of its beginning")
    p.add_argument("kind", choices=sorted(TRANSITIONS))
    p.add_argument("--by", required=True, help="who decides")
    p.add_argument("--reason", required=True, help="why")
    p = verb("list", _list, "Show incidents, the newest last.", incident)


def _opened() -> tuple[Any, Plan]:
    from coolhead import planning
    from coolhead.store import Store

    where = settings.load()
    store = Store(where.store)
    return store, planning.current(store, where.plan, clock.load(where.play))


def _open(options: Any) -> int:
    from coolhead.incidents import name_of, report

    store, plan = _opened()
    market = plan.market(options.market) if options.market else plan.only_market()
    now = clock.load(settings.load().play).now()
    incident = report(store, plan, market, options.by, now, options.reason, link=options.link, severity=options.severity)
    print(
        f"{incident.incident_id} {name_of(incident.severity)} {incident.state}: the next tick of evaluate_brands starts its escalation"
    )
    return 0


def _decide(options: Any) -> int:
    from coolhead.incidents import decide
    from coolhead.rows import Decision, Incident

    store, _plan = _opened()
    found = [i for i in store.read(Incident) if i.incident_id.startswith(options.incident)]
    if len(found) != 1:
        raise ConfigError(f"incident {options.incident!r}: {len(found)} begin so; `coolhead incident list` shows them")
    step = f"command.{options.kind}.{store.count(Decision, incident_id=found[0].incident_id)}"
    now = clock.load(settings.load().play).now()
    made = decide(store, found[0].incident_id, step, options.kind, options.by, now, options.reason)
    (after,) = store.read(Incident, incident_id=made.incident_id)
    print(f"{made.kind} by {made.by}: incident {made.incident_id[:8]} is {after.state}")
    return 0


def _list(_: Any) -> int:
    from coolhead.incidents import name_of
    from coolhead.rows import Incident

    store, _plan = _opened()
    for i in sorted(store.read(Incident), key=lambda i: i.detected_at):
        print(f"{i.incident_id}  {i.detected_at:%Y-%m-%d %H:%M}  {name_of(i.severity):<15}  {i.state:<12}  {i.title}")
    return 0
