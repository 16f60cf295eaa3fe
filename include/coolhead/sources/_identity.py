"""An id for records that have none, one out of an address, and one that is too long."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

MAX_ID = 400
"""Characters; an address beyond this is shortened to its hash, for ids are kept to 512 with what stands before them."""


def derived(row: Mapping[str, Any]) -> str:
    """A stable id for exports without one: the same row has the same id in the next export."""
    moment = row.get("published_at")
    parts = [moment.astimezone(UTC).isoformat() if isinstance(moment, datetime) and moment.tzinfo else str(moment)]
    parts += [str(row.get(name, "")) for name in ("author", "text", "url")]
    return _hash("\n".join(parts))


def by_address(address: str) -> str:
    """An address as an id, without what may differ between two exports of it (scheme, `www.`, a closing slash)."""
    bare = address.strip().partition("://")[2] or address.strip()
    bare = bare.removeprefix("www.").rstrip("/")
    return bare if len(bare) <= MAX_ID else _hash(bare)


def short(native_id: str) -> str:
    """An id as it is, unless it is longer than a key may be."""
    return native_id if len(native_id) <= 512 else _hash(native_id)


def _hash(text: str) -> str:
    return "h-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
