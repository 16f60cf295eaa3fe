"""When what happens in the story. All times UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final


def _utc(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


CALM: Final = _utc(2)
OUTAGE: Final = _utc(22, 7)
OUTAGE_END: Final = _utc(22, 9)
GIVEAWAY: Final = _utc(23, 15, 50)
GIVEAWAY_END: Final = _utc(23, 20)
"""The last enthusiasm; the heat is over after three hours."""
FIRESTORM: Final = _utc(25, 18, 10)
MULTIPLIER: Final = _utc(25, 18, 22)
"""An account with 812,000 followers joins."""
NEWS: Final = _utc(25, 18, 40)
STATEMENT: Final = _utc(25, 19)
"""When the statement would stand if nobody gated it; `server.publish(at)` says when it does."""
REPLIES: Final = _utc(26, 7)
"""First own reply to a complaint, if the statement stands 30 minutes earlier."""
REPLIES_WAIT: Final = timedelta(minutes=30)
FIRESTORM_END: Final = _utc(26, 19, 30)
CALM_AGAIN: Final = _utc(27)
END: Final = _utc(30, 8)
