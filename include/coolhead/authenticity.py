"""What speaks for or against mentions being by people of their own accord: evidence in words and numbers, never a verdict.

Whether accounts are automatic, paid or in earnest is a person's to say: an honest campaign and a paid one look alike here. Each
piece of evidence says what was seen, of how many, and in which mentions. Nothing is said of what is not known (accounts whose
age or followers a network does not tell), of the brand's own posts, nor, among copies, of reposts, which repeat by their nature.

Strength: `weak` could well be chance, `notable` is worth a look, `strong` rarely happens by itself; the thresholds stand here,
one by one, and are ours.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from coolhead.folding import fold
from coolhead.matching import matched_by
from coolhead.near_duplicates import clusters, same_short
from coolhead.plan import Market, Watched
from coolhead.rows import AuthorDay
from coolhead.store import Store
from coolhead.terms import Terms
from coolhead.windows import Window

if TYPE_CHECKING:
    import pandas as pd

Seen = Literal[
    "together", "near_duplicates", "repeated", "new_accounts", "made_together", "audience_jump", "small_audiences", "posting_rate",
    "competitor", "first_mentions",
]  # fmt: skip
Strength = Literal["weak", "notable", "strong"]
Key = tuple[str, str, str]
"""Source, day and native id of a mention."""

TOGETHER = timedelta(seconds=60)
SHORT_LEAST = 25
"""Accounts that posted the same short text (`thank you`, `che schifo`) within a minute. Short texts meet by chance: of 600 who
say the same two words in an hour, some 20 do so in its fullest minute."""
SHORT_SHARE, SHORT_AROUND = 0.2, timedelta(minutes=30)
"""So many of all who posted it in the time around, before and after, must have done so in that minute: in a storm that lasts it
is far fewer, however great the storm."""
NEW = timedelta(days=30)
"""An account is new so long after it was made."""
MADE = timedelta(hours=24)
FAST = timedelta(minutes=10)
SMALL = 5
"""Followers up to which an audience is small. Round numbers tell nothing: people have 1,000 followers, too."""
JUMP, JUMP_LEAST = 10, 1_000
"""An account's followers differ so many times, and by so many, between two of its own mentions."""
LEAST_SHARE = 0.1
"""Fewer of the accounts are as one finds them anywhere."""
_STRENGTHS: tuple[Strength, ...] = ("strong", "notable", "weak")


@dataclass(frozen=True)
class Evidence:
    """One thing that was seen."""

    kind: Seen
    strength: Strength
    says: str
    """In plain words, with its numbers."""
    numbers: Mapping[str, float]
    mentions: tuple[Key, ...]
    """In the order of their publication."""
    authors: tuple[str, ...] = ()
    """`source:pseudonym`, sorted."""


@dataclass(frozen=True)
class _Said:
    """One mention, as far as this goes."""

    key: Key
    at: datetime
    text: str
    author: str
    """Of its source; empty where the network names none."""
    audience: int | None
    since: datetime | None
    repost: bool
    first: bool | None = None


def of_mentions(frame: "pd.DataFrame", market: Market) -> list[Evidence]:
    """Evidence in some mentions of a market, the strongest first, one piece per cluster of copies, account or competitor it is
    about; empty where nothing stands out.

    frame: as `Store.mentions` gives it, in any order; with a column `first` (see `gathered`) also who is new to the brand.
    The same mentions give the same evidence.
    """
    said = _said(frame)
    found = [*_copies(said), *_ages(said), *_audiences(said), *_rates(said), *_competitors(said, market), *_first(said)]
    return sorted(found, key=lambda e: (_STRENGTHS.index(e.strength), e.kind, -len(e.mentions), e.mentions))


def gathered(
    store: Store, market: Market, window: Window, scorer: str, revision: str, as_of: datetime,
    keys: Iterable[Key] | None = None,
) -> "pd.DataFrame":  # fmt: skip
    """The market's mentions in the window as known then, or those of them that an incident or topic is made of, for
    `of_mentions`: with `first`, whether the author had not mentioned the brand in the 180 days before (null: unknown)."""
    frame = store.mentions(market.id, window, scorer, revision, as_of)
    if keys is not None:
        wanted = set(keys)
        frame = frame[[k in wanted for k in _keys(frame)]]
    days = sorted({d.date() for d in frame.published_at.dt.tz_convert(market.time_zone)}) if len(frame) else []
    presence = store.read(AuthorDay, market=market.id, day=days) if days else []
    first = {(p.day, p.source, p.author): p.first for p in presence}
    local = frame.published_at.dt.tz_convert(market.time_zone).dt.date if len(frame) else []
    told = [first.get(of) for of in zip(local, frame.source, frame.author, strict=True)]
    return frame.assign(first=told)


def _keys(frame: "pd.DataFrame") -> list[Key]:
    return [(s, str(d), n) for s, d, n in zip(frame.source, frame.day, frame.native_id, strict=True)]


def _said(frame: "pd.DataFrame") -> list[_Said]:
    """The rows that count, oldest first."""
    columns = ["published_at", "text", "author", "audience", "author_since", "repost_of", "own", "first"]
    plain = frame.reindex(columns=columns).astype(object)
    rows = plain.where(plain.notna(), None).itertuples(index=False, name=None)
    out = [
        _Said(key, at, text or "", f"{key[0]}:{author}" if author else "", audience, since, repost is not None, first)
        for key, (at, text, author, audience, since, repost, own, first) in zip(_keys(frame), rows, strict=True)
        if not own
    ]
    return sorted(out, key=lambda s: (s.at, s.key))


def _evidence(kind: Seen, strength: Strength, says: str, said: Sequence[_Said], **numbers: float) -> Evidence:
    authors = tuple(sorted({s.author for s in said} - {""}))
    return Evidence(kind, strength, says, numbers, tuple(s.key for s in said), authors)


def _by_author(said: Sequence[_Said]) -> dict[str, list[_Said]]:
    """Mentions of each account that is told, in their order."""
    found: dict[str, list[_Said]] = {}
    for s in said:
        if s.author:
            found.setdefault(s.author, []).append(s)
    return found


def _graded(number: float, notable: float, strong: float) -> Strength:
    return "strong" if number >= strong else "notable" if number >= notable else "weak"


# ---- the same words --------------------------------------------------------------------------------------------


def _copies(said: Sequence[_Said]) -> Iterator[Evidence]:
    """Nearly the same text by several accounts, at any time and within a minute, and by one account."""
    original = [s for s in said if not s.repost and s.author]
    texts = [s.text for s in original]
    for positions in same_short(texts):
        yield from _together([original[i] for i in positions], short=True)
    for positions in clusters(texts):
        same = [original[i] for i in positions]
        by_author = _by_author(same)
        if len(by_author) >= 3:
            says = f"{len(by_author)} accounts posted nearly the same text, in {len(same)} mentions within {_span(same)}"
            grade = _graded(len(by_author), 5, 20)
            yield _evidence("near_duplicates", grade, says, same, accounts=len(by_author), mentions=len(same))
            yield from _together(same)
        for own in by_author.values():
            if len(own) >= 3:
                says = f"one account posted nearly the same text {len(own)} times within {_span(own)}"
                yield _evidence("repeated", _graded(len(own), 5, 10), says, own, times=len(own))


def _together(same: Sequence[_Said], short: bool = False) -> Iterator[Evidence]:
    """The stretch of a minute with most accounts, of three or more; of a short text, where it is hardly chance."""
    most, best = _fullest(same, TOGETHER)
    around = {s.author for s in same if best[0].at - SHORT_AROUND <= s.at <= best[-1].at + SHORT_AROUND} if short else ()
    least, notable, strong = (max(SHORT_LEAST, SHORT_SHARE * len(around)), 35, 50) if short else (3, 4, 7)
    if most >= least:
        says = f"{most} accounts posted {'the same short' if short else 'nearly the same'} text within {TOGETHER.seconds} s"
        yield _evidence("together", _graded(most, notable, strong), says, best, accounts=most, seconds=TOGETHER.seconds)


def _fullest(
    said: Sequence[_Said], length: timedelta, of: Callable[[_Said], Hashable] = lambda s: s.author
) -> tuple[int, Sequence[_Said]]:
    """(how many accounts, or what else is counted; mentions) of the first stretch of a length that holds most of them."""
    inside: Counter[Hashable] = Counter()
    start, best = 0, (0, 0, 0)
    for end, s in enumerate(said, 1):
        inside[of(s)] += 1
        while s.at - said[start].at > length:
            inside[of(said[start])] -= 1
            if not inside[of(said[start])]:
                del inside[of(said[start])]
            start += 1
        if len(inside) > best[0]:
            best = (len(inside), start, end)
    return best[0], said[best[1] : best[2]]


# ---- the accounts ----------------------------------------------------------------------------------------------


def _ages(said: Sequence[_Said]) -> Iterator[Evidence]:
    """Accounts that were new when they posted, and such that were made at the same time."""
    known = {s.author: s for s in reversed(said) if s.author and s.since}  # each account's first mention
    everybody = len({s.author for s in said if s.author})
    new = {a for a, s in known.items() if s.since and timedelta() <= s.at - s.since <= NEW}
    share = len(new) / max(len(known), 1)
    if (len(new) >= 3 and share >= LEAST_SHARE) or (new and len(known) == 1):
        told = f"{len(new)} of {_accounts(len(known))} whose age is known (of {everybody})"
        says = f"{told} were made in the {NEW.days} days before they posted"
        grade: Strength = _graded(share, 0.25, 0.5) if len(new) >= 5 else "weak"
        yield _evidence("new_accounts", grade, says, [s for s in said if s.author in new], accounts=len(new), known=len(known))
    made = sorted((s for s in known.values() if s.since), key=lambda s: (s.since or s.at, s.author))
    count, some = _fullest([_Said(s.key, s.since or s.at, "", s.author, None, None, False) for s in made], MADE)
    if count >= max(3, 0.05 * len(known)):
        which = {s.author for s in some}
        says = f"{count} of {_accounts(len(known))} whose age is known were made within {MADE // timedelta(hours=1)} hours"
        grade = _graded(count, 5, 10) if count >= 0.2 * len(known) else "weak"
        yield _evidence("made_together", grade, says, [s for s in said if s.author in which], accounts=count, known=len(known))


def _audiences(said: Sequence[_Said]) -> Iterator[Evidence]:
    """Accounts with hardly a follower, and those whose followers changed by leaps between their own mentions."""
    known = _by_author([s for s in said if s.audience is not None])
    small = {a for a, own in known.items() if max(s.audience or 0 for s in own) <= SMALL}
    if len(small) >= 3 and len(small) >= LEAST_SHARE * len(known):
        says = f"{len(small)} of {_accounts(len(known))} whose followers are known have at most {SMALL}"
        grade: Strength = _graded(len(small) / len(known), 0.25, 0.5) if len(small) >= 5 else "weak"
        theirs = [s for s in said if s.author in small]
        yield _evidence("small_audiences", grade, says, theirs, accounts=len(small), known=len(known))
    for own in known.values():
        counts = [s.audience or 0 for s in own]
        low, high = min(counts), max(counts)
        if high >= JUMP * max(low, 1) and high - low >= JUMP_LEAST:
            says = f"one account had {low:,} followers at one of its mentions and {high:,} at another, within {_span(own)}"
            yield _evidence("audience_jump", _graded(high / max(low, 1), 30, 100), says, own, least=low, most=high)


def _rates(said: Sequence[_Said]) -> Iterator[Evidence]:
    """Accounts that posted five times and more within ten minutes."""
    for own in _by_author(said).values():
        most, fast = _fullest(own, FAST, of=lambda s: s.key)
        if most >= 5:
            says = f"one account posted {most} mentions within {FAST.seconds // 60} minutes"
            yield _evidence("posting_rate", _graded(most, 10, 20), says, fast, mentions=most, minutes=FAST.seconds // 60)


def _first(said: Sequence[_Said]) -> Iterator[Evidence]:
    """Accounts that had not mentioned the brand before: many come new in a crisis, so this alone is weak."""
    known = {s.author: s.first for s in reversed(said) if s.author and s.first is not None}
    new = {a for a, first in known.items() if first}
    if len(new) >= 3 and len(new) >= 0.5 * len(known):
        says = f"{len(new)} of {_accounts(len(known))} had not mentioned the brand in the 180 days before"
        grade: Strength = "notable" if len(new) >= 10 and len(new) >= 0.9 * len(known) else "weak"
        theirs = [s for s in said if s.author in new]
        yield _evidence("first_mentions", grade, says, theirs, accounts=len(new), known=len(known))


# ---- what they say ---------------------------------------------------------------------------------------------


def _competitors(said: Sequence[_Said], market: Market) -> Iterator[Evidence]:
    """Mentions that name another brand of the plan's `watch`."""
    for other in market.watch:
        wanted = _terms_of(other)
        naming = [s for s in said if any(matched_by(s.text, terms, market.languages) for terms in wanted)]
        if naming:
            share = len(naming) / len(said)
            says = f"{len(naming)} of {len(said)} mentions name {other.name}, too"
            grade: Strength = _graded(share, 0.1, 0.3) if len(naming) >= 5 else "weak"
            yield _evidence("competitor", grade, says, naming, mentions=len(naming), of=len(said))


def _terms_of(other: Watched) -> list[Terms]:
    """Those that the plan listens to, and its name, unless the plan says of the name when it counts."""
    listened = {fold(t) for t in (*other.terms.any_of, *other.terms.none_of)}
    try:
        named = [] if fold(other.name) in listened else [Terms(any_of=(other.name,))]
    except ValueError:  # too short or too long for a term
        named = []
    return [other.terms, *named]


def _accounts(count: int) -> str:
    return f"{count} account" + ("s" if count != 1 else "")


def _span(said: Sequence[_Said]) -> str:
    """How long some mentions took, in words."""
    seconds = int((max(s.at for s in said) - min(s.at for s in said)).total_seconds())
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{-(-seconds // size)} {unit}s"
    return f"{max(seconds, 1)} s"
