"""What is reachable and authorised, for how long, and what is said about it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from building import VOLUME

from coolhead import cli, planning, registry
from coolhead.clock import Fixed
from coolhead.connections import FILE, fields, from_environment, lines_of
from coolhead.doctor import TOLD, Finding, broken, channels_of, examine, send, table, tell
from coolhead.errors import ConfigError, PermanentError, TransientError
from coolhead.http import Client
from coolhead.plan import Plan, restore
from coolhead.rows import Mention, Notice, Spent
from coolhead.settings import Settings
from coolhead.stack.components import free_port
from coolhead.stack.connections import known
from coolhead.store import Store, migrate
from peers import Network, Post, World, load

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
MASTODON = registry.load("sources", "mastodon")
PEOPLE: list[dict[str, Any]] = [
    {"id": "anna", "name": "Anna", "roles": ["duty_lead"], "addresses": {"email": "anna@z.example", "folder": "{tmp}/anna"}},
    {"id": "bruno", "name": "Bruno", "roles": ["crisis_lead", "spokesperson"], "addresses": {"webhook": "https://h.example/x"}},
]


def plan_of(url: str, folder: Path, **more: Any) -> Plan:
    people = json.loads(json.dumps(PEOPLE).replace("{tmp}", str(folder)))
    market = {
        "id": "zefirella", "time_zone": "UTC", "languages": ["it"], "terms": {"any_of": ["zefirella"]},
        "sources": {"mastodon": {"base_url": url, "hashtags": ["zefirella"], **more}},
    }  # fmt: skip
    return Plan.model_validate({
        "brands": {"network": {"private_hosts": ["127.0.0.1"]}, "brands": [{"name": "Zefirella", "markets": [market]}]},
        "rules": {"rules": [VOLUME]},
        "escalation": {"people": people, "steps": [{"notify": ["duty_lead"], "channels": ["email"]}]},
    })  # fmt: skip


@pytest.fixture
def where(tmp_path: Path) -> Settings:
    return Settings(tmp_path, f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "plan")


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(load("mastodon", World([Post(1, datetime.now(UTC) - timedelta(minutes=9))]))) as made:
        yield made


class Inbox:
    """Accepts one login."""

    def __init__(self) -> None:
        self.received: list[Envelope] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        self.received.append(envelope)
        return "250 OK"


@pytest.fixture
def mail() -> Iterator[Controller]:
    def judge(server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> AuthResult:
        return AuthResult(success=login.password == b"right", handled=False)

    made = Controller(Inbox(), hostname="127.0.0.1", port=free_port(), authenticator=judge, auth_require_tls=False)
    made.start()
    yield made
    made.stop()


def by_mail(server: Controller, password: str = "right") -> dict[str, dict[str, Any]]:
    return {"email": {"host": "127.0.0.1", "port": server.port, "login": "a", "password": password, "extra": {}}}


def look(store: Store, where: Settings, plan: Plan, given: Any = None) -> dict[str, Finding]:
    client = Client(**dict(plan.brands.network), sleep=lambda _: None)
    return {f.name: f for f in examine(store, plan, where, Fixed(NOON), given or {}, client)}


def test_all_is_well_and_nothing_is_stored_or_sent(
    store: Store, where: Settings, network: Network, mail: Controller, tmp_path: Path
) -> None:
    found = look(store, where, plan_of(network.url, tmp_path), by_mail(mail))
    assert {name: f.state for name, f in found.items()} == dict.fromkeys(["mastodon", "email", "folder", "webhook"], "ok")
    assert found["mastodon"].found == "answers"
    assert found["email"].found == "127.0.0.1 answers, the login is accepted"
    assert found["webhook"].found.startswith("configured, not tried")
    assert broken(found.values()) == []
    assert (store.read(Mention), mail.handler.received, list((tmp_path / "anna").iterdir())) == ([], [], [])
    assert sum(s.requests for s in store.read(Spent)) == len(network.asked) == 1  # it pays as every other request


def test_a_rule_that_does_not_count_is_broken(store: Store, where: Settings, network: Network, tmp_path: Path) -> None:
    content = plan_of(network.url, tmp_path).content()
    content["rules"]["rules"] += [{**VOLUME, "name": "old", "for": 7}, {**VOLUME, "name": "badly", "above": "much"}]
    plan = restore(content)
    found = look(store, where, plan)
    assert {f.what: (f.state, f.found.split(":")[0]) for f in found.values() if f.name.startswith("rule ")} == {
        "rule old (all markets)": ("broken", "does not count"), "rule badly (zefirella)": ("broken", "does not count"),
    }  # fmt: skip
    assert "for: Input should be a multiple of 5" in found["rule old"].found
    assert "-> rule old (all markets): mend it in rules.yaml" in table(list(found.values()))
    told = tell(store, plan, [found["rule old"]], NOON)
    assert {n.receiver for n in told} == {"anna"}


@pytest.mark.parametrize(
    ("fault", "state", "do"),
    [("401", "broken", "renew the credentials"), ("404", "broken", "mend the plan"), ("500", "broken", "pass by itself"),
     ("429", "warning", "asks us to wait"), ("cut", "broken", "pass by itself")],
)  # fmt: skip
def test_a_source_that_is_not_well(
    store: Store, where: Settings, network: Network, tmp_path: Path, fault: Any, state: str, do: str
) -> None:
    network.fault, network.retry_after = lambda _: fault, "900"
    found = look(store, where, plan_of(network.url, tmp_path))["mastodon"]
    assert (found.state, found.market) == (state, "zefirella"), found.found
    assert do in found.do
    assert len(network.asked) <= 2


def test_what_is_missing_names_connection_and_field(
    store: Store, where: Settings, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MASTODON, "fields", {"password": "the token, scope read:search"})
    plan = plan_of(network.url, tmp_path, connection="mastodon_it", search=["zefirella"])
    monkeypatch.setattr(MASTODON, "check", lambda self, query, client: query.secret("password", "The token"))
    found = look(store, where, plan)["mastodon"]
    assert found.state == "broken"
    assert "mastodon_it" in found.do
    assert "password: the token, scope read:search" in found.do


@pytest.mark.parametrize(
    ("days", "state", "said"), [(-1, "broken", "lapsed on 2026-03-02"), (3, "warning", "in 3 days"), (14, "warning", "in 14"), (15, "ok", "answers")]
)  # fmt: skip
def test_how_long_a_token_lasts(
    store: Store,
    where: Settings,
    network: Network,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    days: int,
    state: str,
    said: str,
) -> None:
    monkeypatch.setattr(MASTODON, "expires", lambda self, query, client: NOON + timedelta(days=days))
    found = look(store, where, plan_of(network.url, tmp_path))["mastodon"]
    assert (found.state, found.expires) == (state, NOON + timedelta(days=days))
    assert said in found.found


def test_a_mistake_of_one_module_hides_no_other_and_tells_no_secret(
    store: Store, where: Settings, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(self: Any, query: Any, client: Any) -> str:
        raise KeyError("hunter2")

    monkeypatch.setattr(MASTODON, "check", check)
    found = look(store, where, plan_of(network.url, tmp_path))
    assert found["mastodon"].found == "its check failed (KeyError)"
    assert found["folder"].state == "ok"
    assert "hunter2" not in table(list(found.values()))


def test_channels_that_are_not_well(store: Store, where: Settings, network: Network, mail: Controller, tmp_path: Path) -> None:
    (tmp_path / "anna").write_text("no folder")
    plan = plan_of(network.url, tmp_path)
    found = look(store, where, plan, by_mail(mail, "wrong"))
    assert {n: f.state for n, f in found.items() if not f.market} == {"email": "broken", "folder": "broken", "webhook": "ok"}
    assert "535" in found["email"].found
    assert "Airflow connection `email`" in look(store, where, plan)["email"].do
    assert channels_of(plan) == ["email", "folder", "webhook"]


def test_the_table() -> None:
    lines = table([
        Finding("youtube", "zefirella-it", "warning", "the credentials lapse\nin 3 days", "renew them", 9_871, NOON),
        Finding("email", "", "ok", "answers"),
    ]).splitlines()  # fmt: skip
    assert lines == [
        "SOURCE         MARKET        STATE    QUOTA  EXPIRES     FOUND",
        "youtube        zefirella-it  warning  9871   2026-03-03  the credentials lapse in 3 days",
        "channel email  -             ok       -      -           answers",
        "-> youtube (zefirella-it): renew them",
    ]


# whoever is on duty is told


LAPSING = Finding("youtube", "zefirella", "warning", "the credentials lapse in 9 days", "renew them")


def test_told_once_and_again_each_week_and_when_it_changes(store: Store, tmp_path: Path) -> None:
    plan = plan_of("https://a.example", tmp_path)

    def told(days: int, *findings: Finding) -> list[str]:
        return sorted(n.channel for n in tell(store, plan, findings, NOON + timedelta(days=days)))

    assert told(0, Finding("youtube", "zefirella", "ok", "answers")) == []
    assert told(0, LAPSING) == ["email", "folder"]
    assert told(1, LAPSING) == []
    assert told(2, LAPSING, Finding("reddit", "zefirella", "broken", "401", "renew")) == ["email", "folder"]
    assert told(7, LAPSING) == ["email", "folder"]
    assert {n.receiver for n in store.read(Notice)} == {"anna"}


def test_a_broken_channel_is_not_used_to_say_so(store: Store, tmp_path: Path) -> None:
    plan = plan_of("https://a.example", tmp_path)
    dead = Finding("email", "", "broken", "mail server answered 535", "renew the password")
    (notice,) = tell(store, plan, [dead], NOON)
    send(store, Fixed(NOON), {}, [notice])
    (sent,) = store.read(Notice)
    assert (sent.channel, sent.status, sent.incident_id) == ("folder", "sent", TOLD)
    (written,) = (tmp_path / "anna").glob("*.txt")
    assert "channel email: broken: mail server answered 535. To do: renew the password" in written.read_text()


def test_where_all_are_broken_all_are_tried(store: Store, tmp_path: Path) -> None:
    dead = [Finding(name, "", "broken", "no", "mend it") for name in ("email", "folder")]
    assert len(tell(store, plan_of("https://a.example", tmp_path), dead, NOON)) == 2


# connections, read without Airflow


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("smtp://u%40z:p%2Fw@mail.example:587", ("mail.example", 587, "u@z", "p/w", {})),
        ("http://:token@?max_results=5&empty=", (None, None, None, "token", {"max_results": "5", "empty": ""})),
        ("generic://?__extra__=%7B%22a%22%3A%20%7B%22b%22%3A%201%7D%7D", (None, None, None, None, {"a": {"b": 1}})),
        ('{"conn_type": "http", "password": "t", "extra": {"a": 1}}', (None, None, None, "t", {"a": 1})),
        ('{"host": "h", "port": "25", "extra": "{\\"ssl\\": true}"}', ("h", 25, None, None, {"ssl": True})),
    ],
)
def test_connections_of_the_environment(value: str, read: tuple[Any, ...]) -> None:
    found = from_environment(["mail", "other"], {"AIRFLOW_CONN_MAIL": value, "AIRFLOW_CONN_ELSE": "x://y"})
    assert found == {"mail": dict(zip(("host", "port", "login", "password", "extra"), read, strict=True))}


@pytest.mark.parametrize("value", ["hunter2", "{hunter2", '{"port": "hunter2"}', "http://h:hunter2", '{"extra": "hunter2"}'])
def test_a_connection_that_is_none_is_named_without_its_value(value: str) -> None:
    with pytest.raises(ConfigError, match="AIRFLOW_CONN_MAIL: no connection") as caught:
        from_environment(["mail"], {"AIRFLOW_CONN_MAIL": value})
    assert "hunter2" not in str(caught.value)


def test_the_same_fields_as_airflow_reads() -> None:
    from airflow.sdk import Connection

    for uri in ("smtp://u%40z:p%2Fw@mail.example:587", "http://:token@host.example/?max_results=5"):
        theirs = Connection.from_uri(uri, conn_id="mail")
        ours = from_environment(["mail"], {"AIRFLOW_CONN_MAIL": uri})["mail"]
        assert ours == fields({
            "host": theirs.host, "port": theirs.port, "login": theirs.login or None, "password": theirs.password, "extra": theirs.extra,
        })  # fmt: skip


def test_the_file_of_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE).write_text("# mail\nAIRFLOW_CONN_EMAIL=smtp://a:b=c@mail.example\nPATH=/evil\n", encoding="utf-8")
    assert lines_of(tmp_path / FILE) == {"AIRFLOW_CONN_EMAIL": "smtp://a:b=c@mail.example"}
    assert lines_of(tmp_path / "none.env") == {}
    for name in [n for n in __import__("os").environ if n.startswith("AIRFLOW_")]:
        monkeypatch.delenv(name)
    assert known(tmp_path, ["email", "youtube"])["email"]["password"] == "b=c"


# the command


def test_the_command(where: Settings, network: Network, mail: Controller, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for name in ("COOLHEAD_STORE", "COOLHEAD_PLAN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COOLHEAD_HOME", str(where.home))
    monkeypatch.setenv("AIRFLOW_CONN_EMAIL", f"smtp://a:right@127.0.0.1:{mail.port}")
    migrate(where.store)
    store = Store(where.store)
    planning.adopt(store, plan_of(network.url, where.home), Fixed(NOON))
    store.close()
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "mastodon" in out
    assert "zefirella" in out
    network.fault = lambda _: "401"
    assert cli.main(["doctor"]) == 1
    assert "-> mastodon (zefirella): renew the credentials" in capsys.readouterr().out


def test_a_plan_may_be_tried_before_there_is_a_store(
    where: Settings, network: Network, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name in ("COOLHEAD_STORE", "COOLHEAD_PLAN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COOLHEAD_HOME", str(where.home))
    plan = plan_of(network.url, where.home)
    where.plan.mkdir()
    for name, part in plan.content().items():
        (where.plan / f"{name}.yaml").write_text(json.dumps(part), encoding="utf-8")  # JSON is YAML
    assert cli.main(["doctor"]) == 1  # no mail server is set
    out = capsys.readouterr().out
    assert "answers" in next(line for line in out.splitlines() if line.startswith("mastodon"))
    assert "-> channel email: " in out


@pytest.mark.parametrize("fields", [{}, {"password": "the token"}])
def test_advice_is_of_credentials_only_where_there_are_some(
    store: Store, where: Settings, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:
    monkeypatch.setattr(MASTODON, "fields", fields)
    network.fault = lambda _: "404"
    do = look(store, where, plan_of(network.url, tmp_path))["mastodon"].do
    plan = "mend the plan: the address or a name that it gives is wrong"
    key = "renew the credentials in the Airflow connection `mastodon` (password: the token). If they are valid, "
    assert do == (key + plan if fields else plan)


def test_errors_that_channels_raise_are_by_who_must_act(tmp_path: Path, mail: Controller) -> None:
    email, folder = (registry.load("channels", n)() for n in ("email", "folder"))
    with pytest.raises(ConfigError, match="no mail server"):
        email.check(["a@z.example"], {})
    with pytest.raises(PermanentError, match="535"):
        email.check(["a@z.example"], by_mail(mail, "wrong")["email"])
    with pytest.raises(TransientError, match="ConnectionRefused"):
        email.check(["a@z.example"], {"host": "127.0.0.1", "port": free_port()})
    assert folder.check([str(tmp_path / "new" / "one")], {}) == "writable"
