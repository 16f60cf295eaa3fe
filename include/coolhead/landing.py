"""Raw payloads as they came, under their content hash, before anything reads them.

`landing/<source>/<day>/<hash><suffix>` holds the bytes, `<hash>.meta.json` beside it what the bytes do not say.
The meta file is written first and the bytes are renamed into place last: where there are bytes, they are whole.
`landing/<source>/pending/` names those that no transaction has stored yet.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coolhead import failpoint
from coolhead.sources import Fetched


@dataclass(frozen=True)
class Landed:
    """A payload on disk."""

    payload_id: str
    source: str
    market: str
    path: str
    """Below the landing folder."""
    origin: str
    stream: str
    position: str | None
    fetched_at: str
    meta: dict[str, Any]
    reaches: str | None = None

    @property
    def fetched(self) -> datetime:
        return datetime.fromisoformat(self.fetched_at)


class Landing:
    """The folder of raw payloads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, source: str, market: str, fetched: Fetched, now: datetime) -> Landed:
        """Write a payload; the same bytes, to be read the same way, from the same source for the same market are the same
        payload. A corrected column mapping makes another one of the same file."""
        reading = json.dumps({k: v for k, v in fetched.meta.items() if k != "first_row"}, sort_keys=True, default=str)
        digest = hashlib.sha256(f"{source}\n{market}\n{reading}\n".encode() + fetched.content).hexdigest()
        place = Path(source) / f"{now.astimezone(UTC):%Y-%m-%d}" / f"{digest}{fetched.suffix}"
        landed = Landed(
            digest, source, market, str(place), fetched.origin, fetched.stream, fetched.position, now.isoformat(), fetched.meta,
            fetched.reaches.isoformat() if fetched.reaches else None,
        )  # fmt: skip
        target = self.folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target.with_name(f"{digest}.meta.json"), json.dumps(asdict(landed)).encode())
        self._mark(landed).parent.mkdir(exist_ok=True)
        self._mark(landed).touch()
        failpoint.reached("landing.meta")
        _replace(target, fetched.content)
        failpoint.reached("landing.bytes")
        return landed

    def read(self, landed: Landed) -> bytes:
        return (self.folder / landed.path).read_bytes()

    def pending(self, source: str) -> Iterator[Landed]:
        """Whole payloads that were landed and not settled: by a poll that died, or by one that still runs."""
        for mark in sorted((self.folder / source / "pending").glob("*")):
            day, _, name = mark.name.partition("_")
            bytes_, meta = (self.folder / source / day / n for n in (name, f"{name.partition('.')[0]}.meta.json"))
            if bytes_.exists() and meta.exists():
                yield Landed(**json.loads(meta.read_text()))

    def settle(self, landed: Iterable[Landed]) -> None:
        """They are stored."""
        for one in landed:
            self._mark(one).unlink(missing_ok=True)

    def _mark(self, landed: Landed) -> Path:
        path = Path(landed.path)
        return self.folder / landed.source / "pending" / f"{path.parent.name}_{path.name}"

    def remove(self, path: str) -> bool:
        """Delete a payload's bytes and meta (retention, erasure); True if the bytes were there."""
        target = self.folder / path
        existed = target.exists()
        target.unlink(missing_ok=True)
        target.with_name(f"{target.name.partition('.')[0]}.meta.json").unlink(missing_ok=True)
        return existed


def _replace(target: Path, content: bytes) -> None:
    # A name of its own: two polls may land the same bytes at once.
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}.new")
    fresh.write_bytes(content)
    fresh.replace(target)
