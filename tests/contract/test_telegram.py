"""Telegram, beyond what every source must do: a queue that forgets what is confirmed, one bot for several markets, privacy."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coolhead import registry
from coolhead.errors import PermanentError, TransientError
from coolhead.http import Client
from coolhead.sources import Fetched, Query
from coolhead.sources import telegram as module
from coolhead.windows import Window
from peers import OWN, Answer, Network, Post, World
from peers.telegram import TOKEN, Telegram

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(hours=1))
SOURCE = registry.load("sources", "telegram")()
CLIENT = Client(allow_private=True, retries=0, sleep=lambda _: None)


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(Telegram(World())) as opened:
        yield opened


def query(network: Network, token: str = TOKEN, **chosen: Any) -> Query:
    made = SOURCE.Settings.model_validate({**network.settings(), **chosen})
    return Query("it", ("Zefirella",), ("it",), (f"@{OWN}",), made, {"password": token}, connection="telegram")


def posts(first: int, last: int) -> list[Post]:
    return [Post(n, NOON + timedelta(seconds=n)) for n in range(first, last + 1)]


def numbers(pages: list[Fetched]) -> list[int]:
    return [int(row["native_id"].split("/")[1]) for page in pages for row in SOURCE.mentions(page.content, page.meta)]


def rows(*messages: dict[str, Any], own: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    result = [{"update_id": n, "message": message} for n, message in enumerate(messages, 1)]
    return list(SOURCE.mentions(json.dumps({"ok": True, "result": result}).encode(), {"own": own}))


class Market:
    """One that keeps what it reads, and then moves its cursor: as the collector does."""

    def __init__(self, network: Network) -> None:
        self.network, self.cursor, self.read = network, dict[str, str](), set[int]()

    def poll(self, window: Window = WINDOW) -> None:
        pages = list(SOURCE.payloads(query(self.network), window, self.cursor, CLIENT))
        self.read |= set(numbers(pages))
        self.cursor |= {p.stream: p.position for p in reversed(pages) if p.position}


def offsets(network: Network) -> list[int]:
    return [r.number("offset", 0) for r in network.asked if r.path.endswith("getUpdates")]


def test_nothing_is_confirmed_before_it_was_taken(network: Network) -> None:
    network.peer.world.publish(*posts(1, 250))
    for _ in range(2):  # the reader dies with the first page in its hands
        assert numbers([next(SOURCE.payloads(query(network), WINDOW, {}, CLIENT))]) == list(range(1, 101))
    assert offsets(network) == [0, 0]
    market = Market(network)
    market.poll()
    assert market.read == set(range(1, 251))
    assert len(network.peer.queue) == 50  # type: ignore[attr-defined]


def test_what_is_committed_is_confirmed_by_the_next_poll(network: Network) -> None:
    market = Market(network)
    network.peer.world.publish(*posts(1, 7))
    market.poll()
    assert len(network.peer.queue) == 7  # type: ignore[attr-defined]
    network.peer.world.publish(*posts(8, 9))
    market.poll()
    assert offsets(network) == [0, 874_000_008]
    assert len(network.peer.queue) == 2  # type: ignore[attr-defined]
    assert market.read == set(range(1, 10))


def test_a_poll_that_committed_nothing_loses_nothing(network: Network) -> None:
    """Errors after the first page: no cursor moves, and what was landed is all that Telegram forgot."""
    network.peer.world.publish(*posts(1, 150))
    network.faults = [None, "500"]
    pages = SOURCE.payloads(query(network), WINDOW, {}, CLIENT)
    landed = numbers([next(pages)])
    with pytest.raises(TransientError):
        next(pages)
    assert landed == list(range(1, 101))
    again = Market(network)
    again.poll()
    assert set(landed) | again.read == set(range(1, 151))


def test_updates_that_are_numbered_anew_from_below_are_not_deleted_unseen(network: Network) -> None:
    market, peer = Market(network), network.peer
    peer.world.publish(*posts(1, 3))
    market.poll()
    peer._next, peer.queue = 5_000, []  # type: ignore[attr-defined]
    later = timedelta(days=8)
    peer.world.publish(Post(4, NOON + later))
    market.poll(Window(WINDOW.start + later, WINDOW.end + later))
    assert market.read == {1, 2, 3, 4}


def test_markets_that_share_a_bot_take_nothing_from_the_store(network: Network) -> None:
    """Each confirms by its own cursor; together they have read all, however unequally they are asked."""
    one, other = Market(network), Market(network)
    for step, turn in enumerate([one, one, other, one, other, other, one, one, other]):
        network.peer.world.publish(*posts(60 * step + 1, 60 * step + 60))
        turn.poll()
    assert one.read | other.read == set(range(1, 541))


def test_private_chats_are_not_even_landed(network: Network) -> None:
    def private(number: int) -> dict[str, Any]:
        chat = {"id": 5007, "first_name": "P", "type": "private"}
        return {
            "update_id": number,
            "message": {"message_id": 1, "chat": chat, "from": chat, "date": 1_772_528_400, "text": "in confidence"},
        }

    peer, real = network.peer, network.peer._updates  # type: ignore[attr-defined]
    peer._updates = lambda request: [private(1), *real(request), private(900_000_000)]  # type: ignore[attr-defined]
    peer.world.publish(*posts(1, 2))
    (page,) = SOURCE.payloads(query(network), WINDOW, {}, CLIENT)
    assert b"in confidence" not in page.content
    assert numbers([page]) == [1, 2]
    assert page.position is not None
    assert page.position.startswith("900000000@")
    peer._updates = lambda request: [private(1)]  # type: ignore[attr-defined]
    assert list(SOURCE.payloads(query(network), WINDOW, {}, CLIENT)) == []


CHANNEL = {"id": -1001, "title": "Z", "username": "Zefirella", "type": "channel"}
TALK = {"id": -1002, "title": "Talk", "type": "supergroup"}
ROOT = {
    "message_id": 9,
    "chat": TALK,
    "sender_chat": CHANNEL,
    "date": 1_772_528_400,
    "is_automatic_forward": True,
    "text": "nuovo",
}
SAID = {"from": {"id": 7, "username": "lena"}, "date": 1_772_528_460, "text": "Vergogna!"}


@pytest.mark.parametrize(
    ("message", "own", "why"),
    [
        ({"message_id": 10, "chat": TALK, "reply_to_message": ROOT}, ("@zefirella",), "answers our channel's post"),
        ({"message_id": 10, "chat": TALK, "reply_to_message": ROOT}, ("@others",), None),
        (
            {"message_id": 11, "chat": TALK, "reply_to_message": {"message_id": 10, "chat": TALK}},
            ("-1002",),
            "said in our own group",
        ),
        ({"message_id": 11, "chat": TALK}, ("@zefirella",), None),
        ({"message_id": 12, "chat": CHANNEL}, ("@zefirella",), None),
    ],
)
def test_what_is_addressed_to_the_brand(message: dict[str, Any], own: tuple[str, ...], why: str | None) -> None:
    (row,) = rows({**SAID, **message}, own=own)
    assert row.get("addressed") == why


def test_own_groups_and_channels_go_with_the_payload(network: Network) -> None:
    network.peer.world.publish(*posts(1, 1))
    (page,) = SOURCE.payloads(query(network, groups=["@Gelato_Torino"]), WINDOW, {}, CLIENT)
    assert [r["addressed"] for r in SOURCE.mentions(page.content, page.meta)] == ["said in our own group"]


def test_of_an_edited_message_the_last_version_counts(network: Network) -> None:
    network.peer.world.publish(*posts(1, 2))
    list(SOURCE.payloads(query(network), WINDOW, {}, CLIENT))
    network.peer.world.edit(1, text="Zefirella, corretto", edited_at=NOON + timedelta(minutes=9))
    (page,) = SOURCE.payloads(query(network), WINDOW, {}, CLIENT)
    found = list(SOURCE.mentions(page.content, page.meta))
    assert [r["text"] for r in found] == ["Zefirella, corretto", "Zefirella: non ci siamo"]
    assert found[0]["edited_at"] == NOON + timedelta(minutes=9)


@pytest.mark.parametrize(
    ("extra", "parent", "original"),
    [
        ({"message_thread_id": 9}, "-1002/9", None),
        ({"message_thread_id": 9, "is_topic_message": True}, None, None),
        ({"message_thread_id": 9, "is_topic_message": True, "reply_to_message": {"message_id": 9, "forum_topic_created": {}}}, None, None),
        ({"external_reply": {"chat": CHANNEL, "message_id": 4}}, "-1001/4", None),
        ({"forward_origin": {"type": "channel", "chat": CHANNEL, "message_id": 4}}, None, "-1001/4"),
        ({"forward_origin": {"type": "hidden_user", "sender_user_name": "x"}}, None, None),
        ({"forward_from_chat": CHANNEL, "forward_from_message_id": 5}, None, "-1001/5"),
    ],
)  # fmt: skip
def test_what_it_answers_and_what_it_repeats(extra: dict[str, Any], parent: str | None, original: str | None) -> None:
    (row,) = rows({**SAID, "message_id": 12, "chat": TALK, **extra})
    assert (row.get("parent"), row.get("repost_of")) == (parent, original)


def test_errors_are_explained(network: Network) -> None:
    def answering(status: int, **body: Any) -> None:
        network.peer.answer = lambda request: Answer({"ok": False, "error_code": status, **body}, status)  # type: ignore[method-assign]

    answering(409, description="Conflict: terminated by other getUpdates request")
    with pytest.raises(PermanentError, match="a bot of its own"):
        list(SOURCE.payloads(query(network), WINDOW, {}, CLIENT))
    answering(429, description="Too Many Requests: retry after 99", parameters={"retry_after": 99})
    with pytest.raises(TransientError) as caught:
        list(SOURCE.payloads(query(network), WINDOW, {}, CLIENT))
    assert caught.value.retry_after == 99
    answering(400, description="Bad Request: chat not found")
    with pytest.raises(PermanentError, match=r"own account '@zefirella'.*chat not found"):
        list(SOURCE.followers(query(network), CLIENT))


def test_what_is_no_token_is_not_sent(network: Network) -> None:
    with pytest.raises(PermanentError, match="BotFather"):
        list(SOURCE.payloads(query(network, token="123:short"), WINDOW, {}, CLIENT))
    assert network.asked == []


def test_the_check_takes_nothing_and_tells_of_privacy_mode(network: Network) -> None:
    assert SOURCE.check(query(network), CLIENT) == "answers as @zefirella_ears_bot; reads groups"
    assert [r.path.rpartition("/")[2] for r in network.asked] == ["getMe"]
    answer = {"ok": True, "result": {"username": "z_bot", "can_read_all_group_messages": False}}
    network.peer.answer = lambda request: Answer(answer)  # type: ignore[method-assign]
    assert "turn its privacy mode off" in SOURCE.check(query(network), CLIENT)


def test_the_queue_is_bounded_and_the_rest_waits(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PAGES", 2)
    network.peer.world.publish(*posts(1, 250))
    market = Market(network)
    for _ in range(3):
        market.poll()
    assert market.read == set(range(1, 251))
