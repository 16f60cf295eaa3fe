"""What was seen, in words, and the hours of a span as the figures draw them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from coolhead.baselines import LOOK_BACK
from coolhead.reports._numbers import HOUR, Reader
from coolhead.reports._page import between, duration, local, quote
from coolhead.reports.figures import Hour
from coolhead.rows import ALL, KpiPoint, Verdict
from coolhead.verdicts import Stretch, refill_until
from coolhead.windows import Window, floor

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
WORDS: dict[Verdict, str] = {
    "ok": "all of it was seen", "quiet": "all of it was seen, and nobody said anything",
    "pending": "not all collected yet", "partial": "seen in part", "blind": "nothing was seen",
}  # fmt: skip


@dataclass(frozen=True)
class Blind:
    """One outage as a table's row."""

    source: str
    when: str
    length: timedelta
    reason: str
    refill: str
    """Whether the stretch can still be collected, and until when."""


def outage_rows(outages: Sequence[Stretch], zone: str, as_of: datetime) -> list[Blind]:
    """In local time, with what the source answered."""
    return [
        Blind(
            o.source, between(o.window.start, o.window.end, zone), o.window.end - o.window.start, quote(o.reason, 160),
            _refill(o, zone, as_of),
        )
        for o in outages
    ]  # fmt: skip


def _refill(outage: Stretch, zone: str, as_of: datetime) -> str:
    until = refill_until(outage.source, outage.window)
    if until is None:
        return "no limit is known"
    return f"until {local(until, zone)}" if until > as_of else f"no longer whole since {local(until, zone)}"


def blind_for(outages: Sequence[Stretch], source: str) -> timedelta:
    return sum((o.window.end - o.window.start for o in outages if o.source == source), timedelta())


def in_words(verdict: Verdict, outages: Sequence[Stretch], zone: str) -> str:
    """One sentence: what was seen, and who was blind when."""
    parts = [f"{o.source} was blind {between(o.window.start, o.window.end, zone)}" for o in outages[:3]]
    parts += [f"{len(outages) - 3} more outages below"] if len(outages) > 3 else []
    return ": ".join([WORDS[verdict], "; ".join(parts)]) if parts else WORDS[verdict]


def source_in_words(reader: Reader, source: str, window: Window, rows: int, outages: Sequence[Stretch]) -> str:
    """What one source saw."""
    sight = reader.sight.sources.get(source)
    if sight is None:
        return "never asked"
    verdict = sight.verdict(window, rows)
    if verdict is None:
        ended = sight.term.ended
        return f"not listened to since {local(ended, reader.zone, '%d %b')}" if ended else "did not listen yet"
    lost = blind_for(outages, source)
    return f"{verdict}: blind for {duration(lost)}" if lost and verdict != "blind" else f"{verdict}: {WORDS[verdict]}"


def breaks(reader: Reader, span: Window) -> list[str]:
    """Sources that joined later or ended, within the span or the weeks it is compared with: `mastodon from 12 Mar`."""
    terms = {name: sight.term for name, sight in sorted(reader.sight.sources.items()) if sight.term.begun}
    first = min((t.begun for t in terms.values() if t.begun), default=span.end)
    since, out = span.start - LOOK_BACK, list[str]()
    for name, term in terms.items():
        if term.begun and max(since, first + DAY) <= term.begun < span.end:
            out.append(f"{name} from {local(term.begun, reader.zone, '%d %b')}")
        if term.ended and since <= term.ended <= span.end:
            out.append(f"{name} until {local(term.ended - TICK, reader.zone, '%d %b')}")
    return out


def hours_of(reader: Reader, span: Window) -> list[Hour]:
    """Hours with mentions, from the hour points of all sources and languages."""
    first = floor(span.start, HOUR)
    points = reader.points(
        "hour", Window(first, max(first, min(span.end, reader.as_of))), kpi=["volume", "negative_share"], source=ALL, lang=ALL
    )
    by: dict[datetime, dict[str, KpiPoint]] = {}
    for p in points:
        by.setdefault(p.start, {})[p.kpi] = p
    return [_hour(start, found) for start, found in sorted(by.items()) if "volume" in found]


def _hour(start: datetime, points: dict[str, KpiPoint]) -> Hour:
    volume, share = int(points["volume"].n), points.get("negative_share")
    if share is None:
        return Hour(start, 0, 0, 0, volume)
    negative, positive = int(share.parts["negative"]), int(share.parts["positive"])
    return Hour(
        start, negative, share.n - negative - positive, positive, max(volume - share.n, 0), share.value, share.low, share.high
    )
