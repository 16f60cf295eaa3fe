"""The `coolhead` command: pipes and checks for people and scripts.

Exit status: 0 done, 1 the input or the plan is wrong (the message says where and what to write), 2 wrong usage.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coolhead import (
    clock,
    detect_commands,
    incident_commands,
    label_commands,
    mute_commands,
    plan_commands,
    registry,
    replay_commands,
    settings,
)
from coolhead.errors import ConfigError, CoolheadError, PermanentError

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
    p.add_argument("--settings", default="{}", metavar="JSON", help="its settings, as in brands.yaml: scorer.settings")
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
    verb("doctor", _doctor, "Check every source and channel of the plan, and say what to do; status 1 if one is broken.")
    verb("migrate", _migrate, "Create the store, or bring it to this version's schema.")
    p = verb("rescore", _rescore, "Have a scorer read all that it has not read, newest day first; stop and go on at any time.")
    p.add_argument("--scorer", choices=registry.names("sentiment"), help="default: the plan's, also while it waits for this")
    p.add_argument("--settings", metavar="JSON", help="of that scorer (default: as the plan has them)")
    p.add_argument("--market", help="market id (default: all, and the brands that they watch)")
    detect_commands.add(verb)
    incident_commands.add(verbs, verb)
    label_commands.add(verbs, verb)
    mute_commands.add(verbs, verb)
    plan_commands.add(verbs, verb)
    replay_commands.add(verb)
    return parser


def _out(value: Any) -> None:
    print(json.dumps(value, ensure_ascii="utf" not in (sys.stdout.encoding or "").lower(), default=str))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parse(options: Any) -> int:
    from coolhead.edge import Edge
    from coolhead.landing import Landed
    from coolhead.recorded import bodies

    source = registry.load("sources", options.source)()
    edge = Edge(settings.load().author_key(), clock.Wall())
    none, seen, refused, read = list[tuple[str, PermanentError]](), set[str](), 0, 0
    for body in bodies(options.source, options.file):
        landed = Landed("-", source.name, "-", "-", str(options.file), "", None, datetime.now(UTC).isoformat(), body.meta)
        try:
            parsed = edge.parse(landed, body.content, source, ())
        except PermanentError as error:
            none.append((body.where, error))
            continue
        _show(parsed, seen)
        read, refused = read + 1, refused + len(parsed.refused)
    if none and not read:
        where, why = none[0]
        raise PermanentError(f"{options.file}: {f'{where}: ' if where else ''}{why}")
    for where, why in none:
        _say(f"{where} passed over: {why}")
    if refused:
        _say(f"{refused} rows refused")
    return 0


def _show(parsed: Any, seen: set[str]) -> None:
    """One payload; a mention that an earlier one of the same file held is not shown again."""
    for mention in parsed.mentions:
        if mention.native_id not in seen:
            seen.add(mention.native_id)
            _out(mention.model_dump(mode="json", exclude={"known_at", "known_assumed", "payload_id", "gated"}))
    for gone in parsed.gone:
        _say(f"gone: {gone.native_id}, removed by {gone.by} ({gone.evidence})")
    for row in parsed.refused:
        _say(f"refused {row.item}: {row.reason}")


def _score(options: Any) -> int:
    from coolhead.plan import ScorerChoice
    from coolhead.sentiment import active

    scorer = active(ScorerChoice(name=options.scorer, settings=_object(options.settings)))
    for batch in _batches(enumerate(sys.stdin.buffer, 1), SCORE_BATCH):
        asked = [_asked(number, line) for number, line in batch]
        for answer in scorer.score([text for text, _ in asked], [lang for _, lang in asked]):
            _out({"label": answer.label, "polarity": answer.polarity, "lang": answer.lang, "confidence": answer.confidence})
        sys.stdout.flush()
    return 0


def _rescore(options: Any) -> int:
    from coolhead import planning
    from coolhead.rescoring import on_request
    from coolhead.store import Store

    where = settings.load()
    store, now = Store(where.store), clock.load(where.play)
    given = _object(options.settings) if options.settings else None
    plan = planning.current(store, where.plan, now)
    done = on_request(store, plan, where, now, _say, options.scorer, given, options.market)
    _out(done)
    return 0


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--settings: no JSON ({error}); write an object like {{}}") from None
    if not isinstance(value, dict):
        raise ConfigError("--settings: must be a JSON object like {}")
    return value


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
    plan = add_brand(where.plan, options.brand, tuple(plan_commands.words(options.languages)), options.time_zone)
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


def _doctor(_: Any) -> int:
    from coolhead import doctor, planning
    from coolhead.budget import connections_of
    from coolhead.stack.connections import known
    from coolhead.store import Store, migrate

    where = settings.load()
    migrate(where.store)  # a plan may be tried before the first `up`
    store, now = Store(where.store), clock.load(where.play)
    plan = planning.current(store, where.plan, now)
    given = known(where.home, {*connections_of(plan), *doctor.channels_of(plan)})
    findings = doctor.examine(store, plan, where, now, given)
    print(doctor.table(findings))
    return 1 if doctor.broken(findings) else 0


def _migrate(_: Any) -> int:
    from coolhead.store import migrate

    where = settings.load()
    migrate(where.store)
    where.inbox.mkdir(parents=True, exist_ok=True)
    print(f"store: {where.store.split('@')[-1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
