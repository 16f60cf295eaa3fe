"""Telegram's Bot API for one bot, administrator of a public channel (https://core.telegram.org/bots/api).

One queue of updates: an offset confirms all before it, which are forgotten, as is what is older than 24 hours.
"""

import json
import re
from datetime import timedelta
from typing import Any

from peers import Answer, Peer, Post, Request, unix

TOKEN = "7012345678:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawA"
CHANNEL = -1001234567890
GROUP = -1009876543210


class Telegram(Peer):
    page = 100
    apart = timedelta(seconds=1)
    history = timedelta(hours=24)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.queue: list[tuple[int, Post, str]] = []
        """Update id, the post as it was then, and the kind of update."""
        self._told: dict[int, Post] = {}
        self._next = 874_000_001

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": base}

    def credentials(self) -> dict[str, Any]:
        return {"password": TOKEN}

    def native_id(self, post: Post) -> str:
        return f"{GROUP}/{post.number}"

    def answer(self, request: Request) -> Answer:
        found = re.fullmatch(r"/bot([^/]*)/(\w+)", request.path)
        if not found or not re.fullmatch(r"\d+:[\w-]{35}", found[1]):
            return _refused(404, "Not Found")
        if found[1] != TOKEN:
            return _refused(401, "Unauthorized")
        if found[2] == "getUpdates":
            return Answer({"ok": True, "result": self._updates(request)})
        if found[2] == "getMe":
            bot = {"id": 7012345678, "is_bot": True, "first_name": "Ears", "username": "zefirella_ears_bot"}
            return Answer({"ok": True, "result": bot | {"can_join_groups": True, "can_read_all_group_messages": True}})
        if found[2] == "getChatMemberCount":
            known = request.params.get("chat_id") in {"@zefirella", str(CHANNEL)}
            return (
                Answer({"ok": True, "result": self.world.followers}) if known else _refused(400, "Bad Request: chat not found")
            )
        return _refused(404, "Not Found")

    def _updates(self, request: Request) -> list[dict[str, Any]]:
        self._hear()
        if offset := request.number("offset", 0):
            self.queue = [u for u in self.queue if u[0] >= offset] if offset > 0 else self.queue[offset:]
        wanted = json.loads(request.params.get("allowed_updates") or "[]")
        found = [u for u in self.queue if not wanted or u[2] in wanted]
        return [
            {"update_id": number, kind: self._message(post)}
            for number, post, kind in found[: min(request.number("limit", 100), 100)]
        ]

    def _hear(self) -> None:
        """What was said or edited since becomes updates, oldest first. What vanished is told to nobody."""
        for post in reversed(self.world.seen()):
            before = self._told.get(post.number)
            if before is None or (before.text, before.edited_at) != (post.text, post.edited_at):
                self.queue.append((self._next, post, "edited_message" if before else "message"))
                self._next += 1
            self._told[post.number] = post
        now = self.world.now()
        if now.year < 9_999:
            self.queue = [u for u in self.queue if (u[1].edited_at or u[1].at) > now - timedelta(hours=24)]

    def _message(self, post: Post) -> dict[str, Any]:
        chat = {"id": GROUP, "title": "Gelato a Torino", "username": "gelato_torino", "type": "supergroup"}
        sender = {
            "id": 500_000 + sum(map(ord, post.author)),
            "is_bot": False,
            "first_name": post.author,
            "username": post.author,
        }
        made: dict[str, Any] = {
            "message_id": post.number,
            "from": sender,
            "chat": chat,
            "date": unix(post.at),
            "text": post.text,
        }
        if post.edited_at:
            made["edit_date"] = unix(post.edited_at)
        parent = self.world.find(post.parent) if post.parent is not None else None
        if parent:
            made["reply_to_message"] = self._message(parent)
        if post.repost_of is not None and (original := self.world.find(post.repost_of)):
            made["forward_origin"] = {
                "type": "channel", "date": unix(original.at), "message_id": original.number,
                "chat": {"id": GROUP, "title": "Gelato a Torino", "username": "gelato_torino", "type": "channel"},
            }  # fmt: skip
        return made


def _refused(status: int, description: str) -> Answer:
    return Answer({"ok": False, "error_code": status, "description": description}, status)
