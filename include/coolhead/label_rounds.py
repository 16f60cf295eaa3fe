"""The labelling loop: each month a sample goes out to people, their answers come back, and what they tell is said.

Out: `$COOLHEAD_HOME/reports/labels/<market>/<month>.csv`. Back: `coolhead label read FILE --by NAME`, or the file dropped
into `$COOLHEAD_HOME/inbox/labels/<who labelled>/`; once read it is renamed to `*.csv.read`. Both hold raw text, and both go
when raw payloads go.
"""

import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

from coolhead import labelling, sampling
from coolhead.clock import Clock
from coolhead.drift import agreements, drifts
from coolhead.errors import ConfigError
from coolhead.labels import Answer
from coolhead.plan import Market, Plan
from coolhead.rows import Drawn, Polarity
from coolhead.sentiment import Scorer, active
from coolhead.settings import Settings
from coolhead.store import Store

log = logging.getLogger(__name__)

READ = ".read"
SETTLED = timedelta(days=1)
"""After a month's end: by then what it said has been collected and read."""


def sample_all(store: Store, plan: Plan, where: Settings, clock: Clock) -> dict[str, str]:
    """Draw last month's sample of every market that has none yet, and write its file; returns what stands, by market."""
    now, keep = clock.now(), timedelta(days=plan.brands.retention.payload_days)
    _forget([*(where.reports / "labels").rglob("*"), *(where.inbox / "labels").rglob("*")], now - keep)
    out = {}
    for market in plan.markets:
        month = sampling.last_month(market, now - SETTLED)
        if not store.count(Drawn, market=market.id, sample=month):
            draw(store, plan, market, month, sampling.SIZE, now)
        answered = {a.sample for a in _answers(store, plan, market, now) if a.asked}
        drawn = store.read(Drawn, market=market.id, sample=month)
        path = file_of(where, market, month)
        if drawn and month not in answered and not path.exists() and drawn[0].known_at > now - keep:
            labelling.write(store, drawn, path)
        out[market.id] = f"{month}: {len(drawn)} drawn, {'labelled' if month in answered else 'not labelled yet'}"
    return out


def draw(store: Store, plan: Plan, market: Market, month: str, n: int, now: datetime) -> list[Drawn]:
    """By what the plan's scorer reads (see sampling.draw)."""
    scorer = active(plan.brands.scorer)
    return sampling.draw(store, market, month, n, scorer.name, scorer.revision, now)


def sample(
    store: Store, plan: Plan, market: Market, where: Settings, now: datetime, month: str | None, n: int, out: Path | None
) -> list[str]:
    """Bring a month's sample to n and write what was drawn: each draw to a file of its own, or all to `out`."""
    month = month or sampling.last_month(market, now)
    draw(store, plan, market, month, n, now)
    drawn = [d for d in store.read(Drawn, market=market.id) if d.sample.startswith(month)]
    if not drawn:
        return [f"{market.id} {month}: no mention that people could label was read"]
    files: dict[Path, list[Drawn]] = {}
    for d in drawn:
        files.setdefault(out or file_of(where, market, d.sample), []).append(d)
    told = []
    for path, some in files.items():
        if out or not path.exists():
            told.append(f"{market.id} {month}: {labelling.write(store, some, path)} mentions to label: {path}")
        else:
            told.append(f"{market.id} {month}: {len(some)} drawn before: {path}")
    return told


def file_of(where: Settings, market: Market, sample: str) -> Path:
    return where.reports / "labels" / market.id / f"{sample}.csv"


def take_all(store: Store, where: Settings, clock: Clock) -> list[str]:
    """Read every file of the inbox; what is wrong with one holds up no other. Raises ConfigError at the end, with every
    mistake; a file with mistakes stays until it is mended."""
    told, mistakes = [], []
    for path in sorted((where.inbox / "labels").glob("*/*.csv")):
        try:
            told.append(
                f"{labelling.storable(path.parent.name)}, {path.name}: {labelling.read(store, path, path.parent.name, clock.now())}"
            )
            path.replace(path.with_name(path.name + READ))
        except ConfigError as error:
            mistakes.append(str(error))
    for line in told:
        log.info("%s", line)
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return told


def report(store: Store, plan: Plan, clock: Clock, markets: list[Market]) -> list[str]:
    """Drift by language, and agreement between people, in words."""
    out, card = [], _card(active(plan.brands.scorer))
    for market in markets:
        found = _answers(store, plan, market, clock.now())
        drawn, labelled = len({a[:3] for a in found}), len({a[:3] for a in found if a.asked})
        out.append(f"{market.id}: {labelled} of {drawn} drawn mentions are labelled")
        out += [f"  {line}" for line in (*drifts(found, card), *agreements(found))]
    return out


def _answers(store: Store, plan: Plan, market: Market, now: datetime) -> list[Answer]:
    scorer = active(plan.brands.scorer)
    return store.answers(market.id, scorer.name, scorer.revision, now)


def _card(scorer: Scorer) -> dict[str, dict[str, float]]:
    """language -> recall by label on public corpora, mean over the labelled sets, as far as the scorer says."""
    return {
        lang: {
            label: sum(rows) / len(rows)
            for i, label in enumerate(get_args(Polarity))
            if (rows := [table[i][i] / sum(table[i]) for table in tables if sum(table[i])])
        }
        for lang, tables in scorer.confusions().items()
    }


def _forget(files: list[Path], before: datetime) -> None:
    """Files with raw text that are older than raw text is kept: also those that nobody mended, or that have another name."""
    for path in files:
        if path.is_file() and path.stat().st_mtime < before.timestamp():
            path.unlink()
