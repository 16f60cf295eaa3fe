"""Family Source: one module per network.

A source splits what touches the network, `payloads()`, from what does not, `mentions()`: so that a recorded
payload tests all of its parsing, and a landed payload can be parsed again at any time.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from coolhead.errors import ConfigError, CoolheadError
from coolhead.http import Client
from coolhead.registry import Plugin
from coolhead.windows import Window


class SourceSettings(BaseModel):
    """What the plan may say about a source in one market; each source declares its own beside these."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connection: str = ""
    """Airflow connection with the credentials; empty: the one of the source's name."""
    recheck: bool = True
    """False: no mention is looked up again: on a network that charges for it, say."""
    active_from: date | None = None
    """Local day on which the market began to listen here; None: the day of the first poll."""
    retired_on: date | None = None
    """Local day from which it no longer listens: neither blind nor quiet from then on."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.active_from and self.retired_on and self.retired_on < self.active_from:
            raise ValueError(f"retired_on {self.retired_on} lies before active_from {self.active_from}")
        return self


@dataclass(frozen=True)
class About:
    """A source in the words of its users, for the generated table of sources; each a short phrase."""

    network: str
    reads: str
    demands: str
    """Account, approval and price."""
    history: str
    """How far back the network answers."""
    limits: str
    """What it does not show, and how often it may be asked."""


@dataclass(frozen=True)
class Rate:
    """How many requests the network allows in a stretch of time; shared by all markets, tasks and workers."""

    requests: int
    per: timedelta


@dataclass(frozen=True)
class Query:
    """What to listen for in one market."""

    market: str
    terms: tuple[str, ...]
    """Any of them, as the plan writes them."""
    languages: tuple[str, ...]
    own_accounts: tuple[str, ...]
    settings: Any
    """An instance of the source's own `Settings`."""
    credentials: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Fields of the Airflow connection of the source's name (host, port, login, password, extra); empty where there is
    none. Never part of a message: not of the repr either."""
    all_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    """The terms in all the forms that they take in a sentence, for networks that search whole words; never empty where
    `terms` is not, if the query comes from a plan."""
    connection: str = ""
    """Name of the Airflow connection that `credentials` come from."""

    def secret(self, name: str, needed: str) -> str:
        """A named field of the connection, or of its extra. Raises ConfigError that says where to write it."""
        extra = self.credentials.get("extra") or {}
        value = str(self.credentials.get(name) or extra.get(name) or "").strip()
        if not value:
            raise ConfigError(
                f"{needed} is missing: write it into the field {name} of the Airflow connection `{self.connection}`"
            )
        return value


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
    reaches: datetime | None = None
    """Of an answer that holds only what is latest: its oldest. What is older may have scrolled off unseen."""


@dataclass(frozen=True)
class Gone:
    """A mention that is no longer there, and who removed it as far as the network tells."""

    native_id: str
    by: Literal["author", "brand", "network", "unknown"]
    """`network`: its moderators or operators; `brand`: we, or a moderator of a place of ours."""
    evidence: str
    """What the network answered, in a few words."""


def each(streams: Iterable[Iterable[Fetched]], errors: Iterable[CoolheadError] = ()) -> Iterator[Fetched]:
    """All of every stream, one after another: one that fails hides no other, and the first error is raised at the end.

    `streams` may themselves be found by asking: where that fails, those that were found are read. `errors`: what went wrong
    before. Once a poll's time is over, the client refuses whatever is asked, so what is left fails at once.
    """
    kept = [*errors]
    try:
        for stream in streams:
            try:
                yield from stream
            except CoolheadError as error:
                kept.append(error)
    except CoolheadError as error:
        kept.append(error)
    if kept:
        raise kept[0]


class Source(Plugin, ABC):
    """A network, described. The docstring of each module says which plan, approval and price it demands."""

    Settings: ClassVar[type[SourceSettings]] = SourceSettings
    about: ClassVar[About]
    fields: ClassVar[Mapping[str, str]] = {}
    """Credentials: field of the Airflow connection (password, login, or a name within extra) -> what it is."""
    poll: ClassVar[timedelta] = timedelta(minutes=5)
    """How often the scheduled Dag asks."""
    urgent: ClassVar[timedelta] = timedelta(minutes=2)
    """How often a market is asked that is in an incident of S2 or above, as far as `rate` allows."""
    lag: ClassVar[timedelta] = timedelta(minutes=2)
    """How late a post may come in; a window is `pending` until this has passed."""
    revisit: ClassVar[timedelta] = timedelta()
    """How far before its window each poll asks again: for late posts, edits and engagement that grew."""
    reach: ClassVar[timedelta | None] = None
    """How far back the network answers at all; None: as far as anybody has asked. Older windows stay blind."""
    rate: ClassVar[Rate] = Rate(60, timedelta(minutes=1))
    windowed: ClassVar[bool] = True
    """It can be asked for a stretch of the past; False: it shows what it holds now (a feed), so one poll fills any gap."""
    searches: ClassVar[bool] = False
    """It asks for the market's terms, so it can be asked for another brand's (the watch list) without other settings."""
    news: ClassVar[bool] = False
    """What it brings is mostly by news desks: a crisis that they pick up is another one."""
    counts_followers: ClassVar[bool] = False
    exports: ClassVar[bool] = False
    """What it reads was made for one market: it concerns that market whatever it says, and covers the time from its first
    to its last mention."""

    @abstractmethod
    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        """Fetch all that was published in the window (paging to its end). `cursor`: stream -> position.

        Raises TransientError, PermanentError or ConfigError; where there are several things to ask for, by `each`.
        """

    @abstractmethod
    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Parse a payload: pure. Yields one dict per row with the columns of Mention that the network gives
        (native_id, published_at, text, and where known lang, url, author, audience, likes, comments, shares,
        repost_of, parent, edited_at, author_since). `author` is the network's own account name; it is pseudonymised by the
        caller. A row that cannot be read is yielded as it is, and is refused with its reason at the edge.
        Two keys are no columns: `addressed`, why it is addressed to the brand without naming it (a comment under our
        post); `gone`, (by, evidence) of `Gone`, where the row only says that a mention was removed.
        Reads every body that the network's API answers with, also of neighbouring endpoints (one post, a thread); one
        without posts (accounts, a token) gives no rows. Raises PermanentError where the payload as a whole is none
        (truncated, another format, an error page).
        """

    def followers(self, query: Query, client: Client) -> Iterator[tuple[str, datetime | None, int]]:
        """(own account, when it was read or None for now, followers)."""
        return iter(())

    def recheck(self, query: Query, native_ids: Sequence[str], client: Client) -> Iterator["Fetched | Gone"]:
        """Look mentions up by id: payloads with those that are still there (edited, with engagement that grew), and `Gone`
        for each that is not. Nothing at all for networks that cannot be asked by id."""
        return iter(())

    @classmethod
    def rechecks(cls) -> bool:
        """Whether the network can be asked by id."""
        return cls.recheck is not Source.recheck

    def canary(self, query: Query, client: Client) -> bool | None:
        """Ask for what is always talked of: True, the network answers; False, it is silent about everything; None: no such
        question is known."""
        return None

    def expires(self, query: Query, client: Client) -> datetime | None:
        """When the credentials lapse, where the network tells."""
        return None

    def check(self, query: Query, client: Client) -> str:
        """Reachable and authorised? Returns what was found, in a line; raises what `payloads` raises."""
        now = datetime.now(UTC)
        first = next(iter(self.payloads(query, Window(now - timedelta(hours=1), now), {}, client)), None)
        return "answers" if first else "answers, with nothing in the last hour"
