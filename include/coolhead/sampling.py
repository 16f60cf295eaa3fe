"""The monthly sample of mentions for people to label: stratified, random, and the same whenever it is drawn again.

Frame: the market's mentions of one local month that still stand and were read (what is `unscored` tells nothing of the
scorer's mistakes); not the brand's own, no reposts, near-identical texts once.
Strata: language x label as read. Half of the sample is shared evenly over the strata, so that rare readings are labelled
as well, half in proportion to their texts; each has one at least where n allows. The weight that undoes it is
`among` / labelled of the stratum (labelled.py).
Within a stratum: every k-th text in the order of source and of a seeded hash, with a random start (systematic sampling,
Cochran 1977, chapter 8): each text has the same chance, and each source its proportion.
"""

import hashlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from coolhead.errors import ConfigError
from coolhead.folding import fold
from coolhead.plan import Market
from coolhead.rows import Drawn, InTopic, Polarity
from coolhead.store import Store
from coolhead.windows import Window, local_day

SIZE = 100
"""Mentions drawn a month and market."""
_NOT_WORDS = re.compile(r"https?://\S+|@\w+|\W+")

Stratum = tuple[str, Polarity]
"""Language and label, as read."""


class Candidate(NamedTuple):
    """One text that may be drawn; in the order of source and chance."""

    source: str
    chance: str
    day: date
    native_id: str
    stratum: Stratum


def last_month(market: Market, now: datetime) -> str:
    """The last local month that is over, e.g. 2026-10."""
    today = now.astimezone(ZoneInfo(market.time_zone)).date()
    return f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"


def days_of(month: str) -> list[date]:
    """Raises ConfigError where it is no month."""
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise ConfigError(f"month: {month!r} is no month; write e.g. 2026-10") from None
    days = (first + timedelta(days=n) for n in range(31))
    return [d for d in days if d.month == first.month]


def draw(store: Store, market: Market, month: str, n: int, scorer: str, revision: str, now: datetime) -> list[Drawn]:
    """Bring the month's sample to n mentions, as far as there are; returns the new ones. None is ever drawn twice.

    What was drawn stays drawn: run again, it returns nothing. Raises ConfigError for a month that is not over.
    """
    days, before = days_of(month), store.read(Drawn, market=market.id)
    if month > last_month(market, now):
        raise ConfigError(f"month: {month} is not over yet; the last one that is, is {last_month(market, now)}")
    batches = {d.sample for d in before if d.sample.startswith(month)}
    wanted = n - sum(d.sample in batches for d in before)
    if wanted <= 0:
        return []
    known = {(d.source, d.day, d.native_id) for d in before}
    sample = f"{month}-{len(batches) + 1}" if batches else month
    strata: dict[Stratum, list[Candidate]] = {}
    for c in sorted(_candidates(store, market, days, f"{market.id} {month}", scorer, revision, now)):
        if (c.source, c.day, c.native_id) not in known:
            strata.setdefault(c.stratum, []).append(c)
    shares = allocate({s: len(strata[s]) for s in strata}, wanted)
    drawn = [
        Drawn(
            source=c.source, day=c.day, native_id=c.native_id, market=market.id, sample=sample, lang=s[0], read=s[1],
            among=len(strata[s]), known_at=now,
        )
        for s in sorted(strata) for c in every_kth(strata[s], shares[s], f"{market.id} {sample} {s}")
    ]  # fmt: skip
    store.upsert(drawn)
    return drawn


def allocate(sizes: Mapping[Stratum, int], n: int) -> dict[Stratum, int]:
    """How many to draw of each stratum: half evenly, half in proportion, one each at least, never more than there are."""
    total = sum(sizes.values())
    ideal = {s: n / 2 / len(sizes) + n / 2 * size / total for s, size in sizes.items()}
    given = dict.fromkeys(sizes, 0)
    for _ in range(min(n, total)):
        free = [s for s in sorted(sizes) if given[s] < sizes[s]]
        given[max(free, key=lambda s: (given[s] == 0, ideal[s] - given[s]))] += 1
    return given


def every_kth(ordered: Sequence[Candidate], n: int, seed: str) -> list[Candidate]:
    """n of them, each with the same chance."""
    if not n:
        return []
    step = len(ordered) / n
    start = random.Random(seed).uniform(0, step)
    return [ordered[min(int(start + i * step), len(ordered) - 1)] for i in range(n)]


def _candidates(
    store: Store, market: Market, days: Sequence[date], seed: str, scorer: str, revision: str, now: datetime
) -> Iterator[Candidate]:
    """Day by day, so that a month of millions needs no more memory than its keys."""
    seen: set[bytes] = set()
    for day in days:
        span = local_day(day, market.time_zone)
        frame = store.mentions(market.id, span, scorer, revision, now)
        fit = (
            frame.read_label.isin(("negative", "neutral", "positive"))
            & frame.gone_by.isna()
            & ~frame.own
            & frame.repost_of.isna()
        )
        copies = _copies(store, market, span, now)
        for row in frame[fit].itertuples(index=False):
            its = {_fingerprint(row.text), _hash(copies.get(_name(row), _name(row)))}
            if row.text.strip() and not its & seen:
                chance = hashlib.sha256(f"{seed} {_name(row)}".encode()).hexdigest()
                yield Candidate(row.source, chance, row.day, row.native_id, (row.scored_lang, row.read_label))
            seen |= its


def _copies(store: Store, market: Market, span: Window, now: datetime) -> dict[str, str]:
    """source:native_id of a near-duplicate -> that of what it repeats, as far as the topics know."""
    found = store.read(InTopic, market=market.id, published_at=span)
    return {_name(t): t.copy_of for t in found if t.copy_of and t.known_at <= now}


def _name(row: Any) -> str:
    return f"{row.source}:{row.native_id}"


def _fingerprint(text: str) -> bytes:
    """Equal for texts whose words are equal, whatever their links, signs, case and accents."""
    folded = fold(text)
    return _hash(" ".join(_NOT_WORDS.sub(" ", folded).split()) or folded)


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=12).digest()
