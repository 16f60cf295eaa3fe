"""Deletes what is older than the plan's retention; deleting again changes nothing."""

from datetime import UTC, datetime, timedelta

from coolhead.clock import Clock
from coolhead.landing import Landing
from coolhead.plan import Plan
from coolhead.rows import AuthorDay, Mention, Payload, Quarantined, Seen, Topic, TopicDay, key_of
from coolhead.settings import Settings
from coolhead.store import Store
from coolhead.windows import Window

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def retain(store: Store, plan: Plan, settings: Settings, clock: Clock) -> dict[str, int]:
    """Returns how many payload files, quarantined rows and mentions went. KPI points never recompute from what is gone."""
    keep, now = plan.brands.retention, clock.now()
    landing = Landing(settings.landing)

    def before(days: int) -> Window:
        return Window(BEGINNING, now - timedelta(days=days))

    old = store.read(Payload, fetched_at=before(keep.payload_days))
    gone = sum(landing.remove(p.path) for p in old)
    mentions = before(keep.mention_days)
    with store.writing() as writer:
        refused = writer.delete(Quarantined, refused_at=before(keep.quarantine_days))
        keys = writer.read(Mention, published_at=mentions)
        writer.delete_mentions([key_of(m) for m in keys])
        writer.delete(Seen, start=mentions)  # what it knows of single posts goes with them
        for kind in (AuthorDay, Topic, TopicDay):
            writer.delete(kind, day=Window(BEGINNING, mentions.end))
    return {"payloads": gone, "quarantined": refused, "mentions": len(keys)}
