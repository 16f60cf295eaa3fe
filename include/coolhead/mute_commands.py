"""`coolhead mute ...`: keep some rules quiet for a time, with an owner, a reason and an end."""

from collections.abc import Callable, Iterator
from typing import Any

from coolhead import clock, settings
from coolhead.plan import Plan


def add(verbs: Any, verb: Callable[..., Any]) -> None:
    """Declare the verbs. verb(name, function, text, under) makes a parser."""
    mute = verbs.add_parser("mute", help="Silences and maintenance.").add_subparsers(required=True, metavar="COMMAND")
    p = verb("add", _add, "Keep rules quiet for a time; shows first what it would have hidden in the last weeks.", mute)
    p.add_argument("--market", help="market id, where the plan has several")
    p.add_argument("--rules", default="", help="names, comma-separated (default: all; red lines and people's reports never)")
    p.add_argument("--topic", help="only signals of this topic: its name, a beginning of it, or one of its terms")
    p.add_argument(
        "--from",
        dest="start",
        metavar="TIME",
        help="e.g. 2026-03-01T22:00, on the market's clocks, or with an offset (default: now)",
    )
    p.add_argument(
        "--until", required=True, metavar="TIME", help="e.g. 2026-03-02T06:00, on the market's clocks, or with an offset"
    )
    p.add_argument("--reason", required=True, help="why, in a sentence; it stands in the brief and the review")
    p.add_argument("--owner", required=True, help="person of the plan who answers for it, and is told when it is over")
    p.add_argument("--by", help="who makes it (default: the owner)")
    p.add_argument("--maintenance", action="store_true", help="planned work of ours, no noise")
    p.add_argument("--dry-run", action="store_true", help="show what it would have hidden, and make nothing")
    p = verb("list", _list, "Show mutes that are not over, the newest last.", mute)
    p.add_argument("--all", action="store_true", help="also those that are over")
    p = verb("end", _end, "End one before its time.", mute)
    p.add_argument("mute", help="its id, or enough of its beginning")
    p.add_argument("--by", required=True, help="who ends it")
    p.add_argument("--reason", required=True, help="why")


def _opened() -> tuple[Any, Plan, Any]:
    from coolhead import planning
    from coolhead.store import Store

    where = settings.load()
    store, now = Store(where.store), clock.load(where.play)
    return store, planning.current(store, where.plan, now), now.now()


def _add(options: Any) -> int:
    from coolhead import mutes
    from coolhead.mute_notices import in_words
    from coolhead.topic_names import names
    from coolhead.typed import shown, time

    store, plan, now = _opened()
    market = plan.market(options.market) if options.market else plan.only_market()
    choices = names(store, market.id, mutes.topics(store, plan, market, now)) if options.topic else None
    topic = choices.meant(options.topic) if choices else None
    rules = tuple(r.strip() for r in options.rules.split(",") if r.strip())
    zone = market.time_zone
    start = time(options.start, "from", zone) if options.start else now
    end = time(options.until, "until", zone)
    wish = mutes.Wish(rules, topic, start, end, options.owner, options.reason, options.maintenance)
    mute = mutes.made(plan, market, wish, options.by or options.owner, now)
    print(f"from {shown(start, zone)} to {shown(end, zone)}")
    print(_kept_quiet(in_words(store, mute), mute, plan.rules_of(market.id)))
    for line in _preview(mutes.preview(store, mute, plan.rules_of(market.id), now)):
        print(line)
    if options.dry_run:
        print("made: nothing (--dry-run)")
        return 0
    store.upsert([mute])
    print(
        f"{mute.mute_id} {mute.kind}: {in_words(store, mute)} of {mute.market} {mute.start:%Y-%m-%d %H:%M} to {mute.end:%Y-%m-%d %H:%M} UTC"
    )
    return 0


def _kept_quiet(what: str, mute: Any, entries: Any) -> str:
    """How far it reaches: that a crisis is kept quiet too must surprise nobody."""
    from coolhead.mutes import NEVER

    mine = [
        e for e in entries if e.rule not in NEVER and (not mute.rules or {e.name, e.name.partition("@")[0]} & {*mute.rules})
    ]
    grave = [e for e in mine if e.severity >= "S3"]
    too = ""
    if mute.topic:
        too = "; what is about no one topic, or another, is heard"
    elif grave:
        too = f", {max(e.severity for e in grave)} too: {', '.join(sorted({e.name for e in grave}))}"
    return f"keeps quiet {what}{too}; red lines and what people report are always heard"


def _preview(hidden: Any) -> Iterator[str]:
    """The incidents by name for the longest stretch alone, which holds the others."""
    for h in hidden:
        days = (h.span.end - h.span.start).days
        by = ": " + ", ".join(f"{n} of {rule}" for rule, n in sorted(h.rules.items(), key=lambda x: -x[1])) if h.rules else ""
        yield f"in the last {days} days it would have hidden {h.signals} of {h.of} signals{by}"
        yield f"  and {len(h.incidents)} incidents that nothing else would have opened"
    yield from (f"    {at:%Y-%m-%d %H:%M} UTC  {severity}  {title}" for at, title, severity in hidden[-1].incidents)


def _list(options: Any) -> int:
    from coolhead import mutes
    from coolhead.mute_notices import in_words, kept_quiet
    from coolhead.rows import Mute

    store, _plan, now = _opened()
    for m in sorted(store.read(Mute), key=lambda m: (m.start, m.mute_id)):
        over = mutes.until(m)
        if over <= now and not options.all:
            continue
        state = "over" if over <= now else "on" if m.start <= now else "to come"
        print(
            f"{m.mute_id}  {m.start:%Y-%m-%d %H:%M} to {over:%Y-%m-%d %H:%M} UTC  {state:<7}  {m.kind}  {m.market}: {in_words(store, m)}; "
            f"{kept_quiet(store, m)} kept quiet; {m.owner}: {m.reason}"
        )
    return 0


def _end(options: Any) -> int:
    from coolhead import mutes

    store, _plan, now = _opened()
    m = mutes.end(store, options.mute, options.by, options.reason, now)
    print(f"{m.mute_id} is over: what fires from now on opens an incident at once")
    return 0
