"""What people's mutes kept quiet: counted, never hidden."""

from datetime import datetime

from coolhead import mutes
from coolhead.reports._page import local
from coolhead.rows import Mute
from coolhead.store import Store
from coolhead.topic_names import names
from coolhead.windows import Window


def in_words(store: Store, market: str, span: Window, as_of: datetime, zone: str) -> list[str]:
    """A sentence for each mute that kept signals of the span quiet, and for each event of the calendar, those with the most first."""
    said = [_said(store, mute, n, as_of, zone) for mute, n in mutes.counted(store, market, span, as_of)]
    events = mutes.expected(store, market, span, as_of)
    return [
        *said,
        *(f"{_signals(n)} noted only: so much is expected of {event}, says the plan's calendar" for event, n in events),
    ]


def _signals(n: int) -> str:
    return f"{n:,} signal was" if n == 1 else f"{n:,} signals were"


def _said(store: Store, mute: Mute, signals: int, as_of: datetime, zone: str) -> str:
    ended = mute.ended_at is not None and mute.ended_at <= as_of
    until = local(mutes.until(mute) if ended else mute.end, zone)
    about = f" about {names(store, mute.market, [mute.topic]).called(mute.topic)}" if mute.topic else ""
    whose = f"by {mute.made_by}" + (f" for {mute.owner}" if mute.owner != mute.made_by else "")
    return f"{_signals(signals)} kept quiet {whose} until {until} ({mute.kind} of {', '.join(mute.rules) or 'all rules'}{about}): {mute.reason}"
