"""The `coolhead` command: pipes and checks for people and scripts.

Exit status: 0 done, 1 the input or the plan is wrong (the message says where and what to write), 2 wrong usage.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from coolhead import clock, plan_files, registry, settings
from coolhead import plan as plans
from coolhead.errors import ConfigError, CoolheadError
from coolhead.incidents import TRANSITIONS

SCORE_BATCH = 1_000


def command() -> int:
    """The installed command: what it writes holds people's words, so it is its owner's alone."""
    os.umask(0o077)
    return main()


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of the command."""
    options = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a letter gets its number, not a traceback
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return int(options.run(options) or 0)
    except CoolheadError as error:
        print(f"coolhead: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `| head` is no mistake
        return 0
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="coolhead", description="Social-media crisis management on Apache Airflow.")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")

    def verb(name: str, run: Callable[[Any], Any], text: str, under: Any = verbs) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = under.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    p = verb("parse", _parse, "Read one raw payload of a source; print its mentions as JSON lines.")
    p.add_argument("source", choices=registry.names("sources"), metavar="SOURCE", help=", ".join(registry.names("sources")))
    p.add_argument("file", type=Path, metavar="FILE")
    p = verb(
        "score",
        _score,
        "Read JSON strings or objects with `text` and optional `lang`, one per line; print label, polarity, lang.",
    )
    p.add_argument("--scorer", default="linear", choices=registry.names("sentiment"))
    p = verb("import", _import, "Import an export with months of mentions, and report on it.")
    p.add_argument("file", type=Path, metavar="FILE")
    p.add_argument("--brand", required=True, help="added to the plan under COOLHEAD_HOME if it is not there")
    p.add_argument("--time-zone", default="UTC", help="the brand's, if it is new (default UTC)")
    p.add_argument("--languages", default="en", help="the brand's, if it is new, comma-separated (default en)")
    p.add_argument(
        "--column", action="append", default=[], metavar="OURS=THEIRS", help="map a column of an unknown layout; repeat"
    )
    verb("demo", _demo, "Play the shipped story through the real Dags (EXIT=1 ends by itself, PLAY=1 lets you answer).")
    verb("up", _up, "Run Airflow on your own plan, until interrupted.")
    verb("migrate", _migrate, "Create the store, or bring it to this version's schema.")
    incident = verbs.add_parser("incident", help="Incidents.").add_subparsers(required=True, metavar="COMMAND")
    p = verb("open", _incident_open, "Open an incident by hand; needs no mention.", incident)
    p.add_argument("--reason", required=True, help="what happened, in a sentence")
    p.add_argument("--by", required=True, help="who reports it")
    p.add_argument("--market", help="market id, where the plan has several")
    p.add_argument("--link", help="where to see it")
    p.add_argument("--severity", default="S2", choices=["S1", "S2", "S3", "S4"])
    p = verb(
        "decide",
        _incident_decide,
        "Record a decision that no open question asks for: contain, recover, dismiss, reopen ...",
        incident,
    )
    p.add_argument("incident", help="its id, or enough of its beginning")
    p.add_argument("kind", choices=sorted(TRANSITIONS))
    p.add_argument("--by", required=True, help="who decides")
    p.add_argument("--reason", required=True, help="why")
    p = verb("list", _incident_list, "Show incidents, the newest last.", incident)
    plan = verbs.add_parser("plan", help="The crisis plan.").add_subparsers(required=True, metavar="COMMAND")
    _plan_init_options(
        verb("init", _plan_init, "Write a plan for a brand, and show the last day's mentions before anything may alarm.", plan)
    )
    p = verb("check", _plan_check, "Check the plan; every mistake with file, line, key and choices.", plan)
    p.add_argument("folder", nargs="?", type=Path, help="default: the plan of COOLHEAD_HOME")
    return parser


def _plan_init_options(p: argparse.ArgumentParser) -> None:
    p.add_argument("brand", metavar="BRAND")
    p.add_argument("--term", action="append", default=[], help="a name people use for it; repeat (default: the brand)")
    p.add_argument("--languages", help="two letters each, comma-separated, e.g. it,en")
    p.add_argument("--time-zone", help="e.g. Europe/Rome")
    p.add_argument("--feed", action="append", default=[], help="address of a feed (Google Alerts, Google News, a blog); repeat")
    p.add_argument(
        "--mastodon", default="", help="address of a Mastodon server to follow hashtags on, e.g. https://mastodon.social"
    )
    p.add_argument("--hashtag", action="append", default=[], help="hashtag to follow there; repeat (default: the brand)")
    p.add_argument("--email", help="who is told")
    p.add_argument("--allow-private", action="store_true", help="a feed stands in your own network")


def _out(value: Any) -> None:
    print(json.dumps(value, ensure_ascii="utf" not in (sys.stdout.encoding or "").lower(), default=str))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parse(options: Any) -> int:
    from coolhead.edge import Edge
    from coolhead.landing import Landed

    source = registry.load("sources", options.source)()
    where = settings.load()
    edge = Edge(where.author_key(), clock.Wall())
    refused = 0
    for content, meta in _payloads(options.source, options.file):
        landed = Landed("-", source.name, "-", "-", str(options.file), "", None, datetime.now(UTC).isoformat(), meta)
        parsed = edge.parse(landed, content, source, ())
        for mention in parsed.mentions:
            _out(mention.model_dump(mode="json", exclude={"known_at", "known_assumed", "payload_id", "gated"}))
        for row in parsed.refused:
            _say(f"refused {row.item}: {row.reason}")
        refused += len(parsed.refused)
    if refused:
        _say(f"{refused} rows refused")
    return 0


def _payloads(source: str, path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file")
    try:
        if source == "files":
            from coolhead.sources import files

            yield from ((f.content, f.meta) for f in files.read(path))
        else:
            yield path.read_bytes(), {}
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def _score(options: Any) -> int:
    scorer = registry.load("sentiment", options.scorer)()
    for batch in _batches(enumerate(sys.stdin.buffer, 1), SCORE_BATCH):
        asked = [_asked(number, line) for number, line in batch]
        for answer in scorer.score([text for text, _ in asked], [lang for _, lang in asked]):
            _out({"label": answer.label, "polarity": answer.polarity, "lang": answer.lang, "confidence": answer.confidence})
        sys.stdout.flush()
    return 0


def _batches(lines: Iterator[tuple[int, bytes]], size: int) -> Iterator[list[tuple[int, bytes]]]:
    from coolhead.collection import batches

    return iter(batches(lines, size))


def _asked(number: int, line: bytes) -> tuple[str, str | None]:
    if not line.strip():
        raise ConfigError(f'line {number}: is blank; write "" for an empty text')
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"line {number}: no JSON ({error}); write a JSON string, or an object with `text`") from None
    if isinstance(value, str):
        return value, None
    if isinstance(value, dict) and isinstance(value.get("text"), str) and isinstance(value.get("lang"), str | None):
        return value["text"], value.get("lang")
    raise ConfigError(f"line {number}: must be a JSON string, or an object with a string `text` and an optional string `lang`")


def _import(options: Any) -> int:
    from coolhead import planning
    from coolhead.importing import Importer
    from coolhead.plan_init import add_brand, slug
    from coolhead.sources import files
    from coolhead.store import Store, migrate

    if not options.file.is_file():
        raise ConfigError(f"{options.file}: there is no such file")
    try:
        chosen = files.Settings(mapping=dict(_column(c) for c in options.column)) if options.column else None
    except ValueError as error:
        raise ConfigError(
            f"--column: {str(error).splitlines()[2].strip().removeprefix('Value error, ').partition(' [type=')[0]}"
        ) from None
    try:
        files.layout_of(options.file, chosen)  # an unknown layout is said before anything is written
    except ConfigError as error:
        raise ConfigError(
            f"{error}\nTo `coolhead import`, say the same as --column published_at=... --column text=..."
        ) from None
    where = settings.load()
    plan = add_brand(where.plan, options.brand, tuple(_words(options.languages)), options.time_zone)
    migrate(where.store)
    store = Store(where.store)
    planning.adopt(store, plan, clock.Wall())
    done = Importer(store, plan, plan.market(slug(options.brand)), where, clock.Wall(), _say).run(options.file, chosen)
    for path in done.reports:
        print(f"brief: {path}")
    print(done)
    return 0


def _column(text: str) -> tuple[str, str]:
    ours, found, theirs = text.partition("=")
    if not found:
        raise ConfigError(f"--column {text!r}: write it as OURS=THEIRS, e.g. published_at=Date")
    return ours, theirs


def _demo(_: Any) -> int:
    from coolhead.play.director import main as play

    return play()


def _up(_: Any) -> int:
    from coolhead.stack.up import main as up

    return up()


def _migrate(_: Any) -> int:
    from coolhead.store import migrate

    where = settings.load()
    migrate(where.store)
    where.inbox.mkdir(parents=True, exist_ok=True)
    print(f"store: {where.store.split('@')[-1]}")
    return 0


def _opened() -> tuple[Any, plans.Plan]:
    from coolhead import planning
    from coolhead.store import Store

    where = settings.load()
    store = Store(where.store)
    return store, planning.current(store, where.plan, clock.load(where.play))


def _incident_open(options: Any) -> int:
    from coolhead.incidents import name_of, report

    store, plan = _opened()
    market = plan.market(options.market) if options.market else plan.only_market()
    now = clock.load(settings.load().play).now()
    incident = report(store, plan, market, options.by, now, options.reason, link=options.link, severity=options.severity)
    print(
        f"{incident.incident_id} {name_of(incident.severity)} {incident.state}: the next tick of evaluate_brands starts its escalation"
    )
    return 0


def _incident_decide(options: Any) -> int:
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


def _incident_list(_: Any) -> int:
    from coolhead.incidents import name_of
    from coolhead.rows import Incident

    store, _plan = _opened()
    for i in sorted(store.read(Incident), key=lambda i: i.detected_at):
        print(f"{i.incident_id}  {i.detected_at:%Y-%m-%d %H:%M}  {name_of(i.severity):<15}  {i.state:<12}  {i.title}")
    return 0


def _plan_check(options: Any) -> int:
    from coolhead.plan_check import preview

    where = settings.load()
    folder = options.folder or where.plan
    plan = plan_files.load(folder)
    print(
        f"{folder}: {len(plan.markets)} markets, {len(plan.rules.rules)} rules, {len(plan.escalation.people)} people: no mistake found"
    )
    for line in preview(where, plan):
        print(line)
    return 0


def _plan_init(options: Any) -> int:
    from coolhead.plan_check import last_day
    from coolhead.plan_init import Answers, write

    where = settings.load()
    answers = Answers(
        brand=options.brand,
        terms=tuple(options.term) or tuple(_words(_ask("Terms people use for it, comma-separated", options.brand))),
        languages=tuple(_words(options.languages or _ask("Languages (two letters each, comma-separated)", "en"))),
        time_zone=options.time_zone or _ask("Time zone", "UTC"),
        feeds=tuple(options.feed) or tuple(_words(_ask("Feeds to read (addresses, comma-separated)", ""))),
        mastodon=options.mastodon,
        hashtags=tuple(options.hashtag),
        email=options.email or _ask("E-mail address of whoever is on duty", "you@example.org"),
        allow_private=options.allow_private,
    )
    plan = write(where.plan, answers)
    for market in plan.markets:
        (where.inbox / market.id).mkdir(parents=True, exist_ok=True)
    print(f"plan: {where.plan}")
    for line in last_day(where, plan, datetime.now(UTC) - timedelta(days=1)):
        print(line)
    print(f"Drop exports of former months into {where.inbox / plan.markets[0].id} to warm the baseline. Then: make up")
    return 0


def _ask(question: str, default: str) -> str:
    """Ask at a terminal; without one, the default stands."""
    if not sys.stdin.isatty():
        return default
    return input(f"{question} [{default}]: ").strip() or default


def _words(text: str) -> list[str]:
    return [w.strip() for w in text.split(",") if w.strip()]


if __name__ == "__main__":
    sys.exit(main())
