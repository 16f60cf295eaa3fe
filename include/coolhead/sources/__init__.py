"""Family Source: one module per network.

A source splits what touches the network, `payloads()`, from what does not, `mentions()`: so that a recorded
payload tests all of its parsing, and a landed payload can be parsed again at any time.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from coolhead.http import Client
from coolhead.registry import Plugin
from coolhead.windows import Window


class SourceSettings(BaseModel):
    """What the plan may say about a source in one market; each source declares its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Query:
    """What to listen for in one market."""

    market: str
    terms: tuple[str, ...]
    languages: tuple[str, ...]
    own_accounts: tuple[str, ...]
    settings: Any
    """An instance of the source's own `Settings`."""
    credentials: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Fields of the Airflow connection of the source's name (host, port, login, password, extra); empty where there is
    none. Never part of a message: not of the repr either."""


@dataclass(frozen=True)
class Fetched:
    """One raw answer, before it is landed."""

    content: bytes
    origin: str
    """File name or address, without credentials."""
    suffix: str = ".json"
    stream: str = ""
    position: str | None = None
    """Greatest position seen in this answer; becomes the stream's cursor once the rows are committed."""
    meta: dict[str, Any] = field(default_factory=dict)
    """What `mentions()` needs and the bytes do not say (a column mapping, say); stored beside the bytes."""


class Source(Plugin, ABC):
    """A network, described. The docstring of each module says which plan, approval and price it demands."""

    Settings: ClassVar[type[SourceSettings]] = SourceSettings
    poll: ClassVar[timedelta] = timedelta(minutes=5)
    """How often the scheduled Dag asks."""
    lag: ClassVar[timedelta] = timedelta(minutes=2)
    """How late a post may come in; a window is `pending` until this has passed."""
    counts_followers: ClassVar[bool] = False
    exports: ClassVar[bool] = False
    """What it reads was made for one market: it concerns that market whatever it says, and covers the time from its first
    to its last mention."""

    @abstractmethod
    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        """Fetch all that was published in the window (paging to its end). `cursor`: stream -> position.

        Raises TransientError, PermanentError or ConfigError.
        """

    @abstractmethod
    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Parse a payload: pure. Yields one dict per row with the columns of Mention that the network gives
        (native_id, published_at, text, and where known lang, url, author, audience, likes, comments, shares,
        repost_of, parent, edited_at). `author` is the network's own account name; it is pseudonymised by the
        caller. A row that cannot be read is yielded as it is, and is refused with its reason at the edge.
        Raises PermanentError where the payload as a whole is none (truncated, another format, an error page).
        """

    def followers(self, query: Query, client: Client) -> Iterator[tuple[str, datetime | None, int]]:
        """(own account, when it was read or None for now, followers)."""
        return iter(())
