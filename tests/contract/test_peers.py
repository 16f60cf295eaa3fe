"""Every source against its network, played over real HTTP (tests/peers): nothing is lost, nothing doubled, and each fault is
the right error. A source without a peer reads no network of its own, and says so below.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import peers
from coolhead import registry
from coolhead.collection import Collector, Poll
from coolhead.errors import CoolheadError, PermanentError, TransientError
from coolhead.http import Client
from coolhead.plan import Plan
from coolhead.rechecking import recheck_all
from coolhead.rows import CollectionLog, Cursor, Follower, Mention, Quarantined, Tombstone
from coolhead.settings import Settings
from coolhead.sources import Source
from coolhead.store import Store
from coolhead.windows import Window
from peers import Fault, Network, Passing, Post, World
from unit.building import new_store

WITHOUT = {"files": "reads exports from a folder"}
NAMES = peers.names()
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(minutes=30))
# A time-out that no busy machine reaches, but where the fault is that no answer comes.
NEVER_WAITS = Client(allow_private=True, retries=0, timeout=(20, 60), sleep=lambda _: None)
IMPATIENT = replace(NEVER_WAITS, timeout=(20, 0.4))


class Listener:
    """A store, a plan with one market, and one network to listen to."""

    def __init__(
        self, folder: Path, network: Network, name: str, client: Client = NEVER_WAITS, store: Store | None = None
    ) -> None:  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        self.network, self.name, self.clock = network, name, Passing(WINDOW.end + timedelta(minutes=10))
        self.store = store or new_store(folder)
        self.where = Settings(folder, self.store.url, folder / "plan")
        self.plan = a_plan(name, network)
        self.credentials = {name: network.peer.credentials()}
        self.client = replace(client, sleep=lambda seconds: self.clock.sleep(seconds))

    @property
    def collector(self) -> Collector:
        return Collector(self.store, self.plan, self.where, self.clock, self.client, self.credentials)

    def poll(self, window: Window = WINDOW) -> Poll:
        return self.collector.poll(self.name, self.plan.markets[0], window)

    def stored(self) -> dict[str, Mention]:
        found = self.store.read(Mention)
        assert len({m.native_id for m in found}) == len(found), "a mention is stored twice"
        return {m.native_id: m for m in found}

    def served(self) -> set[str]:
        return {self.network.peer.native_id(p) for p in self.network.peer.world.seen()}


def a_plan(name: str, network: Network) -> Plan:
    return Plan.model_validate({
        "brands": {
            "public_url": "https://desk.example", "network": {"allow_private": True}, "quality": {"max_refused_share": 1.0},
            "brands": [{"name": "Zefirella", "markets": [{
                "id": "zefirella", "time_zone": "Europe/Rome", "languages": ["it"], "terms": {"any_of": ["zefirella"]},
                "own_accounts": {name: list(network.peer.own_accounts())}, "sources": {name: network.settings()},
            }]}],
        },
        "rules": {"rules": [{"name": "volume", "rule": "threshold", "severity": "S1", "kpi": "volume", "above": 1}]},
        "escalation": {
            "people": [{"id": "a", "name": "A", "roles": ["duty_lead", "crisis_lead", "spokesperson"], "addresses": {"folder": "a"}}],
            "steps": [{"notify": ["duty_lead"], "channels": ["folder"], "wait_minutes": 5}],
        },
    })  # fmt: skip


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Callable[..., Listener]]:
    """listening(name, posts, **network): a listener and its network, closed after the test."""
    opened: list[tuple[Network, Listener]] = []

    def make(name: str, posts: list[Post] | None = None, client: Client = NEVER_WAITS, **network: Any) -> Listener:
        served = Network(peers.load(name, World(posts or [])), **network).__enter__()
        made = Listener(tmp_path / f"{name}-{len(opened)}", served, name, client)
        served.peer.world.now = lambda: made.clock.now()
        opened.append((served, made))
        return made

    yield make
    for served, made in opened:
        made.store.close()
        served.__exit__()


def spread(count: int, window: Window = WINDOW, first: int = 1) -> list[Post]:
    """Posts spread evenly over the window, the first at its start; whole seconds, often several in one."""
    span = window.end - window.start
    return [
        Post(first + n, window.start + timedelta(seconds=int(span.total_seconds() * n / max(count, 1))), author=f"user{n % 7}")
        for n in range(count)
    ]


def sizes(name: str) -> list[int]:
    kind = type(peers.load(name, World()))
    page = kind.page
    wanted = [0, 1, 5] if page is None else [0, 1, page - 1, page, page + 1, 3 * page + 7]
    return sorted({n for n in wanted if 0 <= n <= kind.most})


def test_every_source_has_a_peer() -> None:
    assert set(registry.names("sources")) == set(NAMES) | set(WITHOUT), "add tests/peers/<source>.py: the network, played"


@pytest.mark.parametrize(("name", "count"), [(n, c) for n in NAMES for c in sizes(n)])
def test_pages_to_the_end(name: str, count: int, listening: Callable[..., Listener]) -> None:
    listener = listening(name, spread(count))
    listener.poll()
    assert listener.store.read(Quarantined) == []
    stored = listener.stored()
    assert set(stored) == listener.served()
    (log,) = listener.store.read(CollectionLog)
    assert (log.ok, log.rows) == (True, count)
    for post in listener.network.peer.world.seen():
        mention = stored[listener.network.peer.native_id(post)]
        assert abs(mention.published_at - post.at) <= listener.network.peer.apart
        assert peers.BRAND in mention.text


FAULTS: list[tuple[Fault, type[CoolheadError]]] = [
    ("401", PermanentError), ("404", PermanentError), ("429", TransientError), ("500", TransientError), ("503", TransientError),
    ("hang", TransientError), ("cut", TransientError), ("malformed", PermanentError), ("html", PermanentError),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("fault", "kind"), FAULTS)
def test_a_fault_is_the_right_error_and_nothing_is_lost(
    name: str, fault: Fault, kind: type[CoolheadError], listening: Callable[..., Listener]
) -> None:
    count = min(7, type(peers.load(name, World())).most)
    listener = listening(name, spread(count), NEVER_WAITS if fault != "hang" else IMPATIENT, fault=lambda _: fault)
    with pytest.raises(kind) as caught:
        listener.poll()
    assert type(caught.value) is kind
    assert "127.0.0.1" in str(caught.value) or fault in {"malformed", "html"}
    (log,) = listener.store.read(CollectionLog)
    assert not log.ok
    assert log.error
    assert listener.stored() == {}
    listener.network.fault = None
    listener.poll()
    assert set(listener.stored()) == listener.served()
    (log,) = listener.store.read(CollectionLog)
    assert (log.ok, log.rows) == (True, count)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", ["401", "429", "500", "cut", "malformed"])
def test_a_fault_on_any_page_loses_nothing(name: str, fault: Fault, listening: Callable[..., Listener]) -> None:
    kind = type(peers.load(name, World()))
    listener = listening(name, spread(min(kind.most, 2 * (kind.page or 2) + 1)))
    listener.poll()
    asked = len(listener.network.asked)
    for position in range(asked):
        again = listening(name, spread(min(kind.most, 2 * (kind.page or 2) + 1)), faults=[*[None] * position, fault])
        try:
            again.poll()
        except CoolheadError:
            assert not again.store.read(CollectionLog)[0].ok
        again.poll()
        assert set(again.stored()) == again.served()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_obeyed(name: str, form: str, listening: Callable[..., Listener]) -> None:
    listener = listening(
        name, spread(min(3, type(peers.load(name, World())).most)), replace(NEVER_WAITS, retries=1), faults=["429"]
    )
    if form == "date":
        listener.network.retry_after = peers.http_date(datetime.now(UTC) + timedelta(seconds=30))
    listener.poll()
    assert set(listener.stored()) == listener.served()
    waited = listener.clock.waited[0]
    assert waited == 7 if form == "seconds" else 20 < waited <= 31


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_token_is_said_and_never_silence(name: str, listening: Callable[..., Listener]) -> None:
    listener = listening(name, spread(3))
    if not listener.network.peer.credentials():
        return  # open to everybody
    right = listener.credentials[name]
    listener.credentials = {name: {k: "wrong" if isinstance(v, str) else v for k, v in right.items()} | _kept(right)}
    with pytest.raises(PermanentError):
        listener.poll()
    listener.credentials = {}
    with pytest.raises(CoolheadError, match="connection"):
        listener.poll()
    assert not listener.store.read(CollectionLog)[0].ok


def _kept(fields: dict[str, Any]) -> dict[str, Any]:
    """What is no secret stays right."""
    extra = {k: "wrong" if isinstance(v, str) else v for k, v in (fields.get("extra") or {}).items()}
    return {k: fields[k] for k in ("host", "port") if k in fields} | ({"extra": extra} if extra else {})


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_in_messages_logs_and_files(
    name: str, listening: Callable[..., Listener], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("DEBUG", "coolhead")
    listener = listening(name, spread(3))
    secrets = [v for v in _values(listener.network.peer.credentials()) if len(v) > 7]
    listener.poll()
    listener.network.fault = lambda _: "500"
    with pytest.raises(TransientError) as caught:
        listener.poll(Window(WINDOW.end, WINDOW.end + timedelta(minutes=5)))
    for secret in secrets:
        assert secret not in str(caught.value) + caplog.text
        assert not [f for f in tmp_path.rglob("*") if f.is_file() and secret.encode() in f.read_bytes()]


def _values(fields: Any) -> list[str]:
    if isinstance(fields, dict):
        return [v for name, value in fields.items() if name not in {"host", "login"} for v in _values(value)]
    return [fields] if isinstance(fields, str) else []


@pytest.mark.parametrize("name", NAMES)
def test_edits_and_growing_engagement_enrich_the_row(name: str, listening: Callable[..., Listener]) -> None:
    listener = listening(name, spread(4))
    peer = listener.network.peer
    if not type(peer).edits:
        return
    listener.poll()
    before = listener.stored()
    peer.world.edit(2, text=f"{peers.BRAND}: corretto", likes=900, comments=31, edited_at=NOON + timedelta(minutes=20))
    listener.clock = Passing(WINDOW.end + timedelta(minutes=15))
    listener.poll(Window(WINDOW.start, WINDOW.end))
    again, key = listener.stored(), peer.native_id(peer.world.find(2))  # type: ignore[arg-type]
    assert set(again) == set(before)
    assert "corretto" in again[key].text
    for column, value in (("likes", 900), ("comments", 31)):
        assert getattr(again[key], column) in {value, None}
        assert (getattr(again[key], column) is None) == (getattr(before[key], column) is None)
    assert (again[key].day, again[key].published_at) == (before[key].day, before[key].published_at)


@pytest.mark.parametrize("name", NAMES)
def test_what_vanishes_becomes_a_tombstone(name: str, listening: Callable[..., Listener]) -> None:
    listener = listening(name, spread(min(6, type(peers.load(name, World())).most)))
    peer = listener.network.peer
    listener.poll()
    if not type(peer).removals:
        source = registry.load("sources", name)()
        asked = listener.collector.query(source, listener.plan.markets[0])
        assert list(source.recheck(asked, ["1"], listener.client)) == []
        return
    removed = dict(zip((1, 3, 5), ("author", "brand", "network"), strict=True))
    for number, by in removed.items():
        peer.world.remove(number, by)  # type: ignore[arg-type]
    peer.world.edit(2, likes=77)
    later = WINDOW.end + timedelta(hours=1)
    listener.clock = Passing(later)
    for _ in range(2):  # any number of times
        recheck_all(
            listener.store, listener.plan, listener.where, listener.clock, name, later, listener.client, listener.credentials
        )
    tombstones = {t.native_id: t for t in listener.store.read(Tombstone)}
    assert set(tombstones) == {peer.native_id(peer.world.find(n)) for n in removed}  # type: ignore[arg-type]
    for number, by in removed.items():
        tombstone = tombstones[peer.native_id(peer.world.find(number))]  # type: ignore[arg-type]
        assert tombstone.by == (by if by in type(peer).removals else "unknown")
        assert listener.stored()[tombstone.native_id].text == ""
    assert len(listener.stored()) == 6
    assert listener.stored()[peer.native_id(peer.world.find(2))].likes in {77, None}  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [n for n in NAMES if registry.load("sources", n).counts_followers])
def test_followers(name: str, listening: Callable[..., Listener]) -> None:
    listener = listening(name)
    source = registry.load("sources", name)()
    found = list(source.followers(listener.collector.query(source, listener.plan.markets[0]), listener.client))
    assert [(account, count) for account, _, count in found] == [(listener.network.peer.own_accounts()[0], 41_200)]


@pytest.mark.parametrize("name", [n for n in NAMES if registry.load("sources", n).canary is not Source.canary])
def test_a_canary_answers_or_raises(name: str, listening: Callable[..., Listener]) -> None:
    source, listener = registry.load("sources", name)(), listening(name, spread(3))
    query = listener.collector.query(source, listener.plan.markets[0])
    assert source.canary(query, listener.client) in {True, False}
    listener.network.fault = lambda _: "500"
    with pytest.raises(TransientError):
        source.canary(query, listener.client)


@pytest.mark.parametrize("posts", [0, 1])
def test_the_canary_of_mastodon(posts: int, listening: Callable[..., Listener]) -> None:
    source, listener = registry.load("sources", "mastodon")(), listening("mastodon", spread(posts))
    query = listener.collector.query(source, listener.plan.markets[0])
    assert source.canary(query, listener.client) is bool(posts)


bounds = st.tuples(st.integers(0, 11), st.integers(1, 6))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(windows=st.lists(bounds, min_size=1, max_size=5), dead=st.sets(st.integers(0, 30), max_size=3))
def test_any_order_overlap_repetition_and_fault_of_windows(
    name: str, windows: list[tuple[int, int]], dead: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Twelve stretches of ten minutes: some are polled in any order, some requests fail; then all, once more."""
    span = Window(NOON, NOON + timedelta(minutes=120))
    kind = type(peers.load(name, World()))
    world = World(spread(min(kind.most, 25), span))
    with Network(peers.load(name, world)) as network:
        count = iter(range(10**6))
        network.fault = lambda _: "500" if next(count) in dead else None
        listener = Listener(tmp_path_factory.mktemp("any"), network, name)
        listener.clock = Passing(span.end + timedelta(minutes=1))
        world.now = lambda: listener.clock.now()
        ten = timedelta(minutes=10)
        for start, length in [*windows, (0, 12), (0, 12)]:
            try:
                listener.poll(Window(span.start + start * ten, min(span.end, span.start + (start + length) * ten)))
            except TransientError:
                continue
        network.fault = None
        listener.poll(span)
        assert set(listener.stored()) == listener.served()
        listener.store.close()


def test_a_hanging_network_is_left_alone_in_time(listening: Callable[..., Listener]) -> None:
    """A byte at a time: no read ever times out, so the watch over the whole call has to end it."""
    client = replace(NEVER_WAITS, total=0.3)
    listener = listening("mastodon", spread(40), client, fault=lambda _: "slow")
    with pytest.raises(TransientError, match="not finished"):
        listener.poll()


@pytest.mark.parametrize("name", ["mastodon", "bluesky", "reddit", "x"])
def test_accounts_that_cannot_be_read_take_no_other_along(name: str, listening: Callable[..., Listener]) -> None:
    """One before it and one after it fail; an error names both, and what came is stored."""
    listener = listening(name, spread(1))
    market = listener.plan.markets[0]
    accounts = market.own_accounts[name]
    more = market.model_copy(update={"own_accounts": {name: ("nobody1", *accounts, "nobody2")}})
    with pytest.raises(PermanentError, match=r"own account 'nobody1': .+; own account 'nobody2': ."):
        listener.collector.followers(name, more)
    assert {f.account for f in listener.store.read(Follower)} == set(accounts) != set()


def test_where_all_accounts_may_be_read_later_it_is_tried_again(listening: Callable[..., Listener]) -> None:
    listener = listening("mastodon", spread(1))
    market = listener.plan.markets[0]
    more = market.model_copy(update={"own_accounts": {"mastodon": ("one", "two")}})
    listener.network.fault = lambda _: "500"
    with pytest.raises(TransientError, match=r"own account 'one': .+; own account 'two': "):
        listener.collector.followers("mastodon", more)


def test_cursors_are_json_or_text(listening: Callable[..., Listener]) -> None:
    for name in NAMES:
        listener = listening(name, spread(3))
        listener.poll()
        for cursor in listener.store.read(Cursor):
            assert cursor.value
            assert "Zefirella:" not in cursor.value
            json.dumps(cursor.value)
