"""Telegram: what is posted in channels and groups where our bot is a member, by the Bot API.

Plan, approval, price: none. @BotFather makes a bot at once and gives its token, which goes into the field password of the
Airflow connection `telegram`. The bot reads channels of which it is an administrator, and groups of which it is a member,
if its privacy mode is off (@BotFather, /setprivacy; then add it to the group again). Telegram has no search for bots:
channels of others are seen only where their owners let the bot in. Private chats with the bot are neither asked for nor
landed. https://core.telegram.org/bots/api · https://core.telegram.org/bots/features#privacy-mode

A bot has one queue of updates. Telegram keeps one for 24 hours at most, or until it is confirmed: by asking with an offset
beyond it, which deletes it for good. So an update is confirmed only once it is safe with us: the first question of a poll
confirms what earlier polls committed (the cursor), and the next page is asked for after the one before has been landed,
where it is found again if the process dies. After a week without any, Telegram numbers updates anew, perhaps from below,
and an old offset would delete them unseen: so a cursor of six days ago is not used.
Several markets may share a bot. Whichever reads an update keeps it for all of them, as every market's terms are looked for
in everything that is stored; but what is addressed to the brand, and what are own posts, is judged for the market that
read it. A market with a channel or group of its own takes a bot of its own (`connection`). Only one program may read a bot,
and none while a webhook is set: Telegram answers 409 then.

Shapes are those of the official reference (Update, Message, MessageOrigin); none was recorded.
Of what is forwarded from a channel, `repost_of` names the original; of what is forwarded from people Telegram gives no id.
Messages in our own groups, and answers to our channels' posts in their discussion groups, are addressed to the brand.
What was deleted is not told to bots, and no message can be asked for by id.

Engagement: none; bots are told no views, and of reactions nothing that belongs to a message's text.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from coolhead.errors import CoolheadError, PermanentError, TransientError
from coolhead.http import Client
from coolhead.sources import About, Fetched, Query, Rate, Source, SourceSettings
from coolhead.sources._api import Address, decoded, listed, loaded, mapping, told
from coolhead.sources._html import at_second
from coolhead.windows import Window

PAGE = 100
"""Updates of one answer: the API's maximum."""
MAX_PAGES = 1_000
"""Pages of one poll. With more, the rest waits for the next: what was read is landed and confirmed."""
RENUMBERED = timedelta(days=6)
KINDS = ("message", "channel_post", "edited_message", "edited_channel_post")
STREAM = "updates"
_TOKEN = re.compile(r"\d{3,}:[\w-]{30,}")
_MEDIA = {
    "photo", "video", "animation", "audio", "document", "voice", "video_note", "sticker", "story", "poll", "location", "venue",
    "contact", "dice", "paid_media",
}  # fmt: skip
"""A message with one of these, or with text, is what somebody said; without, it tells of the chat (somebody joined)."""


class Settings(SourceSettings):
    """`sources: {telegram: {groups: ["@zefirella_club", "-1001234567890"]}}`"""

    base_url: Address = "https://api.telegram.org"
    groups: tuple[str, ...] = ()
    """Groups of the brand's own, by @name or id: all that others write there is addressed to it."""


class Telegram(Source):
    """The bot's updates, and the members of own channels."""

    Settings = Settings
    about = About(
        network="Telegram",
        reads="posts and messages in channels and groups where the bot is a member",
        demands="a bot (free, made at once), let in by each channel and group",
        history="24 hours, and only what came after the bot",
        limits="no search, no views or likes, no deletions",
    )
    fields = {"password": "the bot's token, from @BotFather"}
    poll = timedelta(minutes=2)
    urgent = timedelta(minutes=1)
    lag = timedelta(minutes=1)
    reach = timedelta(hours=24)
    rate = Rate(60, timedelta(minutes=1))
    counts_followers = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        """The window cannot be asked for: the queue is read to its end."""
        asked = {"limit": PAGE, "timeout": 0, "allowed_updates": json.dumps(KINDS), **_committed(cursor.get(STREAM), window)}
        own = [a.casefold() for a in (*query.own_accounts, *query.settings.groups)]
        for page in range(1, MAX_PAGES + 1):
            content = _call("getUpdates", query, client, asked)
            updates = _result(content, "getUpdates")
            if not isinstance(updates, list) or not all(isinstance(mapping(u).get("update_id"), int) for u in updates):
                raise PermanentError("getUpdates: no list of updates with their ids; is base_url Telegram's Bot API?")
            if not updates:
                return
            last = max(u["update_id"] for u in updates)
            times = [m["date"] for m in _messages(updates) if isinstance(m.get("date"), int)]
            position = f"{last}@{max(times)}" if times else None
            if public := _public(content, updates):
                yield Fetched(public, f"getUpdates page {page}", stream=STREAM, position=position, meta={"own": own})
            if len(updates) < PAGE:
                return
            asked["offset"] = last + 1  # whoever takes pages from here has landed the one before when asking for the next

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Of an edited message the last version: the queue holds every one of them."""
        own = {_bare(o) for o in meta.get("own") or ()}
        latest: dict[Any, dict[str, Any]] = {}
        for position, message in enumerate(_messages(_result(content, "payload"))):
            row = _row(message) | told({"addressed": _addressed(message, own)})
            latest[row.get("native_id", position)] = row
        yield from latest.values()

    def followers(self, query: Query, client: Client) -> Iterator[tuple[str, datetime | None, int]]:
        for account in query.own_accounts:
            chat = account if account.startswith(("@", "-")) else f"@{account}"
            try:
                count = _result(_call("getChatMemberCount", query, client, {"chat_id": chat}), "getChatMemberCount")
            except PermanentError as error:
                raise PermanentError(f"own account {account!r}: {error}") from None
            if not isinstance(count, int):
                raise PermanentError(f"own account {account!r}: getChatMemberCount did not answer with a number")
            yield account, None, count

    def check(self, query: Query, client: Client) -> str:
        """Asks who the bot is, and takes nothing from its queue."""
        bot = mapping(_result(_call("getMe", query, client, {}), "getMe"))
        seen = "reads groups" if bot.get("can_read_all_group_messages") else (
            "in groups sees only what is said to it: turn its privacy mode off (@BotFather, /setprivacy) and add it again"
        )  # fmt: skip
        return f"answers as @{bot.get('username')}; {seen}"


def _committed(position: str | None, window: Window) -> dict[str, int]:
    """The offset that confirms what is committed; none, where Telegram may have numbered anew since."""
    last, _, seconds = (position or "").partition("@")
    if not last.isdecimal() or not seconds.isdecimal():
        return {}
    fresh = window.end - datetime.fromtimestamp(int(seconds), UTC) < RENUMBERED
    return {"offset": int(last) + 1} if fresh else {}


def _call(method: str, query: Query, client: Client, asked: Mapping[str, Any]) -> bytes:
    token = query.secret("password", "the token of the Telegram bot")
    if not _TOKEN.fullmatch(token):  # so what goes into an address is long enough to be masked in messages
        raise PermanentError("the token is none of a Telegram bot; copy it from @BotFather, e.g. 123456:ABC-DEF...")
    return client.get(f"{query.settings.base_url}/bot{token}/{method}", asked, explain=_explained).content


def _explained(status: int, body: bytes) -> CoolheadError | None:
    """https://core.telegram.org/bots/api#making-requests and #responseparameters"""
    if not (answer := mapping(decoded(body))):
        return None
    wait = mapping(answer.get("parameters")).get("retry_after")
    if status == 429 and isinstance(wait, int):
        return TransientError("Telegram: answered 429", float(wait))
    if status == 409:
        return PermanentError(
            "Telegram: answered 409; a webhook is set, or another program reads this bot: give it a bot of its own"
        )
    said = " ".join(str(answer.get("description") or "").split())[:200]
    return PermanentError(f"Telegram: answered 400: {said}") if status == 400 and said else None


def _result(content: bytes, where: str) -> Any:
    """What a method answered; an update or message alone, as a webhook gets it, stands for itself."""
    found = loaded(content, where)
    if isinstance(found, dict) and "ok" not in found and ("update_id" in found or "message_id" in found):
        return found
    if isinstance(found, list) and all("update_id" in mapping(u) or "message_id" in mapping(u) for u in found):
        return found
    if not isinstance(found, dict) or found.get("ok") is not True or "result" not in found:
        said = str(mapping(found).get("description") or "none of Telegram's Bot API (truncated, or another format)")
        raise PermanentError(f"{where}: {said[:200]}")
    return found["result"]


def _messages(result: Any) -> Iterator[dict[str, Any]]:
    """The messages of updates, or of a result that holds messages themselves; none of private chats, none about the chat."""
    for part in result if isinstance(result, list) else [result]:
        update = mapping(part)
        found = [update] if "message_id" in update else [update[k] for k in KINDS if k in update]
        for message in map(mapping, found):
            if mapping(message.get("chat")).get("type") != "private" and ({"text", "caption"} | _MEDIA) & message.keys():
                yield message


def _public(content: bytes, updates: list[dict[str, Any]]) -> bytes:
    """The answer without private chats: as it came where there are none; empty where there is nothing else."""

    def private(update: Mapping[str, Any]) -> bool:
        return any(mapping(mapping(value).get("chat")).get("type") == "private" for value in update.values())

    kept = [u for u in updates if not private(u)]
    if len(kept) == len(updates):
        return content
    return json.dumps({"ok": True, "result": kept}, ensure_ascii=False).encode("utf-8", "surrogatepass") if kept else b""


def _row(message: dict[str, Any]) -> dict[str, Any]:
    chat, number = mapping(message.get("chat")), message.get("message_id")
    sender = mapping(message.get("sender_chat")) or mapping(message.get("from")) or chat
    edited = message.get("edit_date")
    return told({
        "native_id": f"{chat['id']}/{number}" if isinstance(chat.get("id"), int) and isinstance(number, int) else None,
        "published_at": _time(message.get("date")),
        "text": _text(message),
        "url": _url(chat, number),
        "author": sender.get("username") or (str(sender["id"]) if "id" in sender else None),
        "repost_of": _original(message),
        "parent": _parent(message, chat),
        "edited_at": _time(edited) if edited else None,
    })  # fmt: skip


def _text(message: Mapping[str, Any]) -> Any:
    poll = mapping(message.get("poll"))
    asked = [str(poll.get("question") or ""), *(str(mapping(o).get("text") or "") for o in listed(poll.get("options")))]
    found = message.get("text", message.get("caption"))
    return "\n".join(filter(None, asked)) or mapping(message.get("sticker")).get("emoji") or "" if found is None else found


def _time(seconds: Any) -> Any:
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return None if seconds is None else f"{seconds} is no time"
    return at_second(seconds)


def _url(chat: Mapping[str, Any], number: Any) -> str | None:
    """Of public chats, and of others the one that their members can open; small groups have none."""
    name, inner = chat.get("username"), str(chat.get("id"))
    if name:
        return f"https://t.me/{name}/{number}"
    return f"https://t.me/c/{inner.removeprefix('-100')}/{number}" if inner.startswith("-100") else None


def _original(message: Mapping[str, Any]) -> str | None:
    """Of a forwarded channel post; before Bot API 7.0 it stood in two fields of its own."""
    origin = mapping(message.get("forward_origin"))
    chat = mapping(origin.get("chat") if origin.get("type") == "channel" else message.get("forward_from_chat"))
    number = origin.get("message_id", message.get("forward_from_message_id"))
    return f"{chat['id']}/{number}" if "id" in chat and number is not None else None


def _parent(message: Mapping[str, Any], chat: Mapping[str, Any]) -> str | None:
    answered, elsewhere = mapping(message.get("reply_to_message")), mapping(message.get("external_reply"))
    if "message_id" in answered and "forum_topic_created" not in answered:
        return f"{mapping(answered.get('chat')).get('id', chat.get('id'))}/{answered['message_id']}"
    if "message_id" in elsewhere and "id" in mapping(elsewhere.get("chat")):
        return f"{elsewhere['chat']['id']}/{elsewhere['message_id']}"
    in_thread = message.get("message_thread_id") is not None and not message.get("is_topic_message")
    return f"{chat.get('id')}/{message['message_thread_id']}" if in_thread else None


def _addressed(message: Mapping[str, Any], own: set[str]) -> str | None:
    """own: names and ids of our channels and groups, bare and in lower case."""
    root = mapping(message.get("reply_to_message"))
    if message.get("is_automatic_forward"):
        return None
    if root.get("is_automatic_forward") and _known(root.get("sender_chat"), own):
        return "answers our channel's post"
    chat = mapping(message.get("chat"))
    return "said in our own group" if chat.get("type") != "channel" and _known(chat, own) else None


def _known(chat: Any, own: set[str]) -> bool:
    return bool({_bare(str(value)) for name, value in mapping(chat).items() if name in {"id", "username"}} & own)


def _bare(account: str) -> str:
    return account.casefold().lstrip("@")
