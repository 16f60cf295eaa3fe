"""Where raw rows become Mentions or go to the quarantine, with their reason."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from coolhead.clock import Clock
from coolhead.errors import CoolheadError, PermanentError
from coolhead.landing import Landed
from coolhead.rows import Mention, Payload, Quarantined
from coolhead.sources import Gone, Source

FUTURE = timedelta(minutes=15)
"""A publication further ahead of our clock than this is refused: networks' clocks are off by less."""
NOBODY = "-"
"""Market of a payload that is only looked at (`coolhead parse`), and not stored."""
EXPORT = "the export was given for this market"
"""Why its rows concern it, where nothing else says so."""
PAST = datetime(1995, 1, 1, tzinfo=UTC)
"""A publication before this is an empty or broken time (year 1, 1900, 1970), and no day of a market could hold it."""


@dataclass
class Parsed:
    """One payload, read: what is accepted, what is refused and why."""

    landed: Landed
    size: int
    mentions: list[Mention] = field(default_factory=list)
    addressed: dict[str, str] = field(default_factory=dict)
    """native id -> why it concerns the payload's market, whatever it says."""
    gone: list[Gone] = field(default_factory=list)
    refused: list[Quarantined] = field(default_factory=list)
    duplicates: int = 0

    @property
    def rows(self) -> int:
        return len(self.mentions) + len(self.gone) + len(self.refused) + self.duplicates

    def payload(self) -> Payload:
        return Payload(
            payload_id=self.landed.payload_id, source=self.landed.source, fetched_at=self.landed.fetched,
            path=self.landed.path, size=self.size, mentions=len(self.mentions), refused=len(self.refused),
            duplicates=self.duplicates,
        )  # fmt: skip


class Edge:
    """Where raw rows become Mentions or go to the quarantine."""

    def __init__(self, author_key: bytes, clock: Clock, assume_known: bool = False) -> None:
        """assume_known: known_at is publication plus the source's lag (imports and plays), else now."""
        self._key, self._clock, self._assume = author_key, clock, assume_known

    def pseudonym(self, source: str, author: str) -> str:
        """Keyed hash of an account: the same author stays the same, and nobody can read who it is."""
        return hmac.new(self._key, f"{source}\n{author.casefold()}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:24]

    def parse(self, landed: Landed, content: bytes, source: Source, own: Iterable[str]) -> Parsed:
        """Read one payload. Raises PermanentError where it is none."""
        out = Parsed(landed, len(content))
        accounts = {a.casefold().lstrip("@") for a in own}
        seen: set[str] = set()
        for position, row in enumerate(_rows(source, content, landed.meta)):
            raw = dict(row)
            why = EXPORT if source.exports else raw.pop("addressed", None)
            try:
                if "gone" in raw:
                    out.gone.append(_gone(raw))
                    continue
                mention = self._mention(landed, source, raw, accounts)
            except ValidationError as error:
                out.refused.append(self._refuse(landed, position, raw, _reason(error)))
                continue
            if why:  # also where only a second row of it says so
                out.addressed.setdefault(mention.native_id, str(why))
            if mention.native_id in seen:
                out.duplicates += 1
                continue
            seen.add(mention.native_id)
            out.mentions.append(mention)
        return out

    def read(self, landed: Landed, content: bytes, source: Source, own: Iterable[str], errors: list[CoolheadError]) -> Parsed:
        """As `parse`; a payload that is none goes whole to the quarantine, so that it fails one poll and not all later ones."""
        try:
            return self.parse(landed, content, source, own)
        except CoolheadError as error:
            errors.append(error)
            whole = {"bytes": len(content), "begins": content[:500].decode("utf-8", "backslashreplace")}
            refused = self._refuse(landed, 0, whole, f"payload: {error}")
            return Parsed(landed, len(content), refused=[refused.model_copy(update={"item": "payload"})])

    def _mention(self, landed: Landed, source: Source, raw: Mapping[str, Any], own: set[str]) -> Mention:
        row, author = dict(raw), raw.get("author")
        if source.exports and landed.market != NOBODY:
            # Tools number their rows as they like, often from 1: an id of an export means something in it alone.
            scope = f"{landed.market}/{landed.meta.get('layout', '')}:"
            row |= {n: scope + row[n] for n in ("native_id", "repost_of", "parent") if isinstance(row.get(n), str) and row[n]}
        if isinstance(author, str):  # anything else stays as it is, and is refused with its reason
            row["author"] = self.pseudonym(source.name, author)
            row["own"] = row.get("own", False) or author.casefold().lstrip("@") in own
        now = self._clock.now()
        mention = Mention(**{
            **row, "source": source.name, "payload_id": landed.payload_id, "known_at": now, "known_assumed": self._assume,
            "day": now.date(),
        })  # fmt: skip
        published = mention.published_at
        if published > now + FUTURE:
            raise _wrong_time(published, f"lies in the future: our clock shows {now.isoformat(timespec='seconds')}")
        if published < PAST:
            raise _wrong_time(published, f"lies before {PAST.year}")
        known = min(now, published + source.lag) if self._assume else now
        return mention.model_copy(update={"day": published.date(), "known_at": known})

    def _refuse(self, landed: Landed, position: int, raw: Mapping[str, Any], reason: str) -> Quarantined:
        text = json.dumps(raw, default=str, ensure_ascii=True)
        cut = text if len(text) <= 65_536 else text[:65_536] + f"... ({len(text)} characters)"
        return Quarantined(
            payload_id=landed.payload_id, item=f"row {position}", source=landed.source, origin=clean(landed.origin),
            reason=clean(reason)[:2_000], raw=cut, refused_at=self._clock.now(),
        )  # fmt: skip


def _gone(raw: Mapping[str, Any]) -> Gone:
    by, evidence = raw["gone"]
    native_id = raw.get("native_id")
    if not isinstance(native_id, str) or not native_id:
        raise _wrong("native_id", native_id, "is no id of what is gone")
    return Gone(native_id, by, str(evidence)[:500])


def _wrong_time(published: datetime, what: str) -> ValidationError:
    return _wrong("published_at", str(published), what)


def _wrong(name: str, value: Any, what: str) -> ValidationError:
    return ValidationError.from_exception_data("Mention", [{
        "type": "value_error", "loc": (name,), "input": value, "ctx": {"error": ValueError(what)},
    }])  # fmt: skip


def _rows(source: Source, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What a source reads; whatever it trips over in a payload of another shape means that the payload is none."""
    try:
        yield from source.mentions(content, meta)
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise PermanentError(f"payload: not what {source.name} gives ({type(error).__name__})") from None


def clean(text: str) -> str:
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def _reason(error: ValidationError) -> str:
    """Field and fault of each mistake, without the value: it stands in `raw`."""
    return "; ".join(
        f"{'.'.join(map(str, e['loc'])) or 'row'}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
    )
