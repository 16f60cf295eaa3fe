"""Which reports are due, and where they are written."""

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from coolhead.clock import Clock
from coolhead.errors import ConfigError
from coolhead.plan import Plan
from coolhead.reports import daily, review
from coolhead.rows import Incident
from coolhead.settings import Settings
from coolhead.store import Store


def write_briefs(
    store: Store, plan: Plan, settings: Settings, clock: Clock, day: str | None = None, market_id: str | None = None
) -> list[Path]:
    """Briefs of one local day, or of today so far and of yesterday; for one market or all."""
    markets = [plan.market(market_id)] if market_id else plan.markets
    out = []
    for market in markets:
        today = clock.now().astimezone(ZoneInfo(market.time_zone)).date()
        for one in [_day(day)] if day else [today - timedelta(days=1), today]:
            out.append(daily.write(store, plan, market, one, clock.now(), settings.reports))
    return out


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"day: {text!r} is no date; write e.g. 2026-03-25") from None


def write_review(store: Store, plan: Plan, settings: Settings, clock: Clock, incident_id: str) -> Path:
    """The post-incident review of one incident."""
    found = store.read(Incident, incident_id=incident_id)
    if not found:
        raise ConfigError(f"there is no incident {incident_id}")
    return review.write(store, plan, found[0], clock.now(), settings.reports)
