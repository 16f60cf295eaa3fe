"""The sentinel: when is it no silence that nothing came, though every poll succeeded? Pure, causal, deterministic.

A silence lasts from the last mention on, and is judged as it grows, with what was known by its end plus the source's
lag. Where there is too little history the tests say nothing (`None`), which is not "quiet by proof": it is no proof.

1. **Alone.** The probability that this stretch brings nothing, from the same stretch of earlier days. Mentions are
   overdispersed, so it is a mixture of rates and not one rate: each comparable stretch of the past is one possible
   rate, known only as well as its own count tells it (the zero of a Gamma-Poisson, that is of a negative binomial). A
   brand whose nights are empty has empty stretches in the mixture, and no night is ever taken for blindness. One
   component more, three times as quiet as the quietest stretch known, stands for what was never seen.
2. **Common.** Sources that share nothing (or all markets of one source) are silent at once, each only mildly
   improbably: then it is we who are deaf. The product of their probabilities, less what sleep and holidays make them
   share; no single source counts for more than `CAP`, so that one that died alone does not make the others blind.
3. **A canary**, a question that always has an answer, is for the caller to ask where a finding is suspicious.

What is judged blind is blind from the stretch's first moment on, known from the moment of the judgement: what was
judged of its windows before keeps its own `as_of`, and no rule judges a window twice.

Measured by `make bench-sentinel` on five real series of 55 days: genuine silences stayed above 1e-3 alone, the common
gap of two hours ends at 2e-7 together. (Ten minutes in which the three loud series are empty reach 6e-5 alone and 1e-4
together: a gap perhaps, and too short to say so.) A stream with quiet nights is judged by the common test only.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from coolhead.rows import Scope
from coolhead.windows import Window, floor

HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
LOOK_BACK = timedelta(days=28)
LONGEST = timedelta(days=7)
"""Of a longer silence only this much is compared."""
NEEDED = LOOK_BACK + LONGEST + 4 * HOUR
"""How far back before a moment the hourly sums are read at most."""
BEFORE = 3
"""Hours before a silence that tell how lively its day was."""
WARM_DAYS = 7
"""Earlier days with a comparable stretch that the probability needs."""
BLIND = 1e-5
"""Less probable than this, a silence is taken for blindness."""
SUSPICIOUS = 1e-3
"""Less probable than this, a canary is asked."""
DEAF = 1e-4
"""The same for a common silence, after its guards."""
MILD = 0.05
"""At least two parties of a common silence must be less probable than this."""
CAP = 1e-3
"""No party says more than this about the others."""
SHARED = 0.5
"""So much of the common evidence counts."""

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.int_]


class Past:
    """What one stream, a source in one market, used to bring. Costs the same however long the history is."""

    def __init__(self, hourly: Mapping[datetime, float], since: datetime, blind: Iterable[Window], until: datetime) -> None:
        """hourly: mentions by hour start (UTC), absent = none; since: when it began to listen; blind: stretches that say
        nothing; until: the present, or a week after the silence began where that is earlier; `NEEDED` before it is read."""
        self._first = floor(until - NEEDED, HOUR)
        size = self._place(until) + 1
        unseen = np.zeros(size)
        for w in [Window(min(self._first, since), since), *blind]:
            unseen[max(0, self._place(w.start)) : max(0, -(-(w.end - self._first) // HOUR))] = 1
        self._unseen = _sums(unseen)
        self._counts = _sums(np.array([hourly.get(self._first + i * HOUR, 0.0) for i in range(size)]))

    def _place(self, moment: datetime) -> int:
        return (moment - self._first) // HOUR

    def zero(self, silence: Window) -> float | None:
        """Probability that such a stretch brings nothing; None where fewer than a week of days compares with it."""
        silence = Window(silence.start, min(silence.end, silence.start + LONGEST))
        length = silence.end - silence.start
        if not length:
            return None
        first, end = self._place(silence.start), self._place(silence.end - TICK) + 1
        days = np.arange(max(1, math.ceil(length / DAY)), LOOK_BACK // DAY + 1)
        back = 24 * days[:, None] + np.array([0, -1, 1])  # the hour beside it too: for more samples, and across clock changes
        starts, ends = first - back, end - back
        usable = (starts >= BEFORE) & (ends <= first) & (_within(self._unseen, starts, ends) == 0)
        if usable.any(axis=1).sum() < WARM_DAYS:
            return None
        starts, ends = starts[usable], ends[usable]
        held = _within(self._counts, starts, ends)
        even = np.full(len(held), length / HOUR / (end - first))
        share = np.divide(held - self._outside(silence, starts, ends), held, out=even, where=held > 0)
        return _nothing(held, share * self._level(first, starts))

    def _outside(self, silence: Window, starts: Places, ends: Places) -> Numbers:
        """What of the first and the last hour lies outside of the stretch."""
        before = (silence.start - floor(silence.start, HOUR)) / HOUR
        after = (floor(silence.end - TICK, HOUR) + HOUR - silence.end) / HOUR
        return before * _within(self._counts, starts, starts + 1) + after * _within(self._counts, ends - 1, ends)

    def _level(self, first: int, starts: Places) -> Numbers:
        """How much quieter this day was than those in the hours before: a holiday, or a campaign that is over. Never louder:
        after a wave the usual comes back."""
        here = np.array([first])
        if first < BEFORE or _within(self._unseen, here - BEFORE, here)[0]:
            return np.ones(len(starts))
        now, then = _within(self._counts, here - BEFORE, here)[0], _within(self._counts, starts - BEFORE, starts)
        level: Numbers = np.minimum(1.0, (now + 1) / (then + 1))
        return level


def _sums(values: Numbers) -> Numbers:
    out = np.zeros(len(values) + 1)
    out[1:] = np.cumsum(values)
    return out


def _within(sums: Numbers, starts: Places, ends: Places) -> Numbers:
    found: Numbers = sums[ends] - sums[starts]
    return found


def _nothing(held: Numbers, share: Numbers) -> float:
    """Chance of no mention over equally likely rates. held: mentions in the hours that gave each rate; share: the part of
    them that is expected now. The rate is Gamma(held + 1/2), and a Poisson of it is zero with (1 + share)^-(held + 1/2)."""
    quietest = int(np.argmin(held * share))
    held, share = np.append(held, held[quietest] / 3), np.append(share, share[quietest])
    return float(np.mean(np.exp(-(held + 0.5) * np.log1p(share))))


@dataclass(frozen=True)
class Stream:
    """One source in one market at one time."""

    source: str
    market: str
    silence: Window | None = None
    """From the last mention (or the last blind stretch) to the last base window whose lag has passed; None: it speaks."""
    past: Past | None = None
    """Only asked of where it is silent."""

    def zero(self, silence: Window | None) -> float | None:
        return self.past.zero(silence) if self.past and silence else None


@dataclass(frozen=True)
class Finding:
    """A silence that is not to be believed, or that should be asked about."""

    source: str
    market: str
    silence: Window
    probability: float
    scope: Scope = "stream"
    who: str = ""
    """All who are silent, in words, where it is judged by them together."""

    @property
    def blind(self) -> bool:
        return self.scope != "stream" or self.probability < BLIND

    @property
    def reason(self) -> str:
        hours = (self.silence.end - self.silence.start) / HOUR
        said = f"{self.who} fell silent at once" if self.who else f"nothing came for {hours:.1f} hours"
        return (
            f"{said}, though the polls succeeded; by the same hours of earlier days the probability is {self.probability:.0e}"
        )


def find(streams: Sequence[Stream]) -> list[Finding]:
    """What is suspicious or blind among all streams that are listened to now, each at most once: alone before common."""
    out: dict[tuple[str, str], Finding] = {}
    by_source: dict[str, list[Stream]] = {}
    for s in streams:
        by_source.setdefault(s.source, []).append(s)
        p = s.zero(s.silence)
        if s.silence and p is not None and p < SUSPICIOUS:
            out[s.source, s.market] = Finding(s.source, s.market, s.silence, p)
    everybody = _common(streams, lambda s: s.source, "everybody", f"{len(by_source)} sources that share nothing")
    alike = [
        f for name, mine in by_source.items() for f in _common(mine, lambda s: s.market, "source", f"all markets of {name}")
    ]
    for f in [*everybody, *alike]:
        if not ((known := out.get((f.source, f.market))) and known.blind):
            out[f.source, f.market] = f
    return list(out.values())


def _common(streams: Sequence[Stream], party: Callable[[Stream], str], scope: Scope, who: str) -> list[Finding]:
    """Findings for all of them where all are silent, and too improbably so."""
    silences = [s.silence for s in streams if s.silence]
    if len(silences) < len(streams) or len(silences) < 2:
        return []
    start, end = max(w.start for w in silences), min(w.end for w in silences)
    if start >= end:
        return []
    silence, parties = Window(start, end), dict[str, float]()
    for s in streams:
        p = s.zero(silence)
        parties[party(s)] = max(CAP, parties.get(party(s), 1.0) * (1.0 if p is None else p))
    together = math.prod(parties.values()) ** SHARED
    if sum(p < MILD for p in parties.values()) < 2 or together >= DEAF:
        return []
    return [Finding(s.source, s.market, silence, together, scope, who) for s in streams]
