"""`coolhead label ...`: people tell what mentions say, and how well the scorer reads them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from coolhead import clock, settings
from coolhead.plan import Market, Plan
from coolhead.rows import Kind, Polarity

MOST = 10_000
"""Mentions of one month's sample; each row of the file is a minute of somebody's life."""


def add(verbs: Any, verb: Callable[..., Any]) -> None:
    """Declare the verbs. verb(name, function, text, under) makes a parser."""
    label = verbs.add_parser("label", help="Labels by people.").add_subparsers(required=True, metavar="COMMAND")
    p = verb("sample", _sample, "Draw mentions at random for people to label, and write them as CSV.", label)
    _market(p)
    p.add_argument("--month", help="e.g. 2026-10 (default: the last one that is over)")
    p.add_argument("--n", type=_size, default=100, help="how many the month's sample shall have in all (default 100)")
    p.add_argument("--out", type=Path, metavar="FILE", help="default: below COOLHEAD_HOME/reports/labels")
    p = verb("read", _read, "Take a filled sample in; an empty label is no label.", label)
    p.add_argument("file", type=Path, metavar="FILE")
    _by(p)
    p = verb("set", _set, "Label one mention: it overrides the scorer.", label)
    p.add_argument("source", metavar="SOURCE")
    p.add_argument("native_id", metavar="NATIVE_ID", help="the network's own id")
    p.add_argument("label", choices=get_args(Polarity))
    p.add_argument("--kind", choices=get_args(Kind))
    _by(p)
    _market(verb("report", _report, "How well the scorer reads, whether that drifts, and whether people agree.", label))


def _market(p: Any) -> None:
    p.add_argument("market", nargs="?", metavar="MARKET", help="market id (default: all)")


def _by(p: Any) -> None:
    p.add_argument("--by", required=True, type=_name, metavar="NAME", help="who labelled")


def _name(text: str) -> str:
    if not 0 < len(text.strip()) <= 200:
        raise ValueError
    return text.strip()


def _size(text: str) -> int:
    if not 0 < (n := int(text)) <= MOST:
        raise ValueError
    return n


_size.__name__ = f"number of 1 to {MOST:,}"
_name.__name__ = "name"  # argparse: invalid name value


def _opened() -> tuple[settings.Settings, clock.Clock, Any, Plan]:
    from coolhead import planning
    from coolhead.store import Store

    where = settings.load()
    now, store = clock.load(where.play), Store(where.store)
    return where, now, store, planning.current(store, where.plan, now)


def _markets(plan: Plan, chosen: str | None) -> list[Market]:
    return [plan.market(chosen)] if chosen else plan.markets


def _sample(options: Any) -> int:
    from coolhead import label_rounds

    where, now, store, plan = _opened()
    for market in [plan.only_market()] if options.out and not options.market else _markets(plan, options.market):
        for line in label_rounds.sample(store, plan, market, where, now.now(), options.month, options.n, options.out):
            print(line)
    return 0


def _read(options: Any) -> int:
    from coolhead import labelling

    _where, now, store, _plan = _opened()
    print(labelling.read(store, options.file, options.by, now.now()))
    return 0


def _set(options: Any) -> int:
    from coolhead import labelling

    _where, now, store, _plan = _opened()
    new = labelling.one(store, options.source, options.native_id, options.label, options.kind, options.by, now.now())
    told = f"{options.source} {options.native_id}: {options.label}, says {options.by}"
    print(f"{told}; its windows are measured again at the next tick" if new else f"{told}, as before")
    return 0


def _report(options: Any) -> int:
    from coolhead.label_rounds import report

    _where, now, store, plan = _opened()
    for line in report(store, plan, now, _markets(plan, options.market)):
        print(line)
    return 0
