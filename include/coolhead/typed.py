"""Times as people type them at a terminal: on the clocks of the market, unless they name others."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from coolhead.errors import ConfigError
from coolhead.windows import moment


def time(value: str, what: str, zone: str) -> datetime:
    """In UTC. Raises ConfigError for what is no time, and for an hour that the zone's clocks show twice or never."""
    try:
        parsed = datetime.fromisoformat(value.strip())
    except ValueError:
        return moment(value, what)  # which says how to write one
    if parsed.tzinfo is not None:
        return moment(parsed, what)
    there = parsed.replace(tzinfo=ZoneInfo(zone))
    if there.utcoffset() != there.replace(fold=1).utcoffset():
        raise ConfigError(f"{what}: in {zone} the clocks change at {value!r}; say which it is, e.g. {there.isoformat()}")
    return there.astimezone(UTC)


def shown(at: datetime, zone: str) -> str:
    """A moment as it was understood: 2026-03-02 06:00 Europe/Rome (2026-03-02 05:00 UTC)."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone} ({at:%Y-%m-%d %H:%M} UTC)"
