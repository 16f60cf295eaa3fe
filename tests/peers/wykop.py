"""Wykop's API v3, as guests with an application's key use it (https://doc.wykop.pl).

Posts of the world are entries, from number 1,000,000 on links; what answers a post is a comment below it, or below the post
that this one answers. Clocks are Warsaw's, to the second and without a zone.
"""

import json
import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from peers import OWN, Answer, Peer, Post, Request

KEY, SECRET = "w5394724074801234567890", "d537d9e0a7adc1510842059ae5316419"
JWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJyb2xlcyI6WyJST0xFX0FQUCJdfQ.c2lnbmF0dXJl"
LINKS = 1_000_000
WARSAW = ZoneInfo("Europe/Warsaw")


class Wykop(Peer):
    page = 25
    apart = timedelta(seconds=1)
    removals = frozenset({"author", "network"})

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": f"{base}/api/v3", "tags": ["lodyzefirella"]}

    def credentials(self) -> dict[str, Any]:
        return {"login": KEY, "password": SECRET}

    def native_id(self, post: Post) -> str:
        root = self._root(post)
        above = f"{'links' if root.number >= LINKS else 'entries'}/{root.number}"
        return above if root is post else f"{above}/comments/{post.number}"

    def answer(self, request: Request) -> Answer:
        path = request.path.removeprefix("/api/v3/")
        if path == "auth" and request.method == "POST":
            given = json.loads(request.body).get("data", {})
            right = (given.get("key"), given.get("secret")) == (KEY, SECRET)
            return Answer({"data": {"token": JWT}}) if right else _refused(401, "Invalid credentials.")
        if request.headers.get("authorization") != f"Bearer {JWT}":
            return _refused(403, "Access Denied.")
        if path in {"search/entries", "search/links"}:
            return self._search(request, path.endswith("links"))
        if path == "entries":
            return self._listed(request, [p for p in self._posts() if p.number < LINKS])
        if path == "tags/lodyzefirella/stream":
            return self._listed(request, [p for p in self._posts() if "#lodyzefirella" in p.text])
        if found := re.fullmatch(r"profile/users/(\w+)(?:/(entries|links)/added)?", path):
            return self._profile(request, *found.groups())
        if found := re.fullmatch(r"(?:entries|links)/(\d+)(/comments)?", path):
            return self._one(request, int(found[1]), found[2])
        if found := re.fullmatch(r"(?:entries|links)/(\d+)/comments/(\d+)(/comments)?", path):
            return self._one(request, int(found[2]), found[3])
        return _refused(404, "Not Found")

    def _root(self, post: Post) -> Post:
        parent = self.world.find(post.parent) if post.parent is not None else None
        return self._root(parent) if parent else post

    def _posts(self) -> list[Post]:
        return [p for p in self.world.seen() if self._root(p) is p]

    def _below(self, post: Post) -> list[Post]:
        """Comments of an entry, flat; of a link, those directly below."""
        flat = self._root(post).number < LINKS
        seen = [p for p in self.world.seen() if p.number != post.number]
        return [p for p in reversed(seen) if p.parent == post.number or (flat and self._root(p).number == post.number)]

    def _search(self, request: Request, links: bool) -> Answer:
        since, until = (request.params.get(name, "") for name in ("date_from", "date_to"))
        words = request.params.get("query", "").casefold().split()
        assert request.params.get("sort") == "newest", "without, it answers by score"
        found = [
            p for p in self._posts()
            if (p.number >= LINKS) == links and since <= _clock(p.at) <= (until or "9") and all(w in p.text.casefold() for w in words)
        ]  # fmt: skip
        return self._listed(request, found)

    def _profile(self, request: Request, name: str, kind: str | None) -> Answer:
        if name.casefold() != OWN:
            return _refused(404, "Użytkownik nie istnieje")
        if kind:
            mine = [p for p in self._posts() if p.author == OWN and (p.number >= LINKS) == (kind == "links")]
            return self._listed(request, mine)
        count = self.world.followers
        return Answer(
            {"data": {"username": name, "company": True, "followers": count, "summary": {"followers": count, "entries": 3}}}
        )

    def _one(self, request: Request, number: int, comments: str | None) -> Answer:
        post, by = self.world.find(number), self.world.removed.get(number)
        if post is None or by == "brand":
            return _refused(404, "Wpis nie istnieje")
        return self._listed(request, self._below(post)) if comments else Answer({"data": self._post(post)})

    def _listed(self, request: Request, found: list[Post]) -> Answer:
        page, size = request.number("page", 1), min(request.number("limit", 25), 50)
        part = found[(page - 1) * size : page * size]
        return Answer({"data": [self._post(p) for p in part], "pagination": {"per_page": size, "total": len(found)}})

    def _post(self, post: Post, nested: bool = True) -> dict[str, Any]:
        root, below, by = self._root(post), self._below(post), self.world.removed.get(post.number)
        link = root.number >= LINKS
        author = {
            "username": post.author, "company": False, "gender": "f", "avatar": "", "note": False, "online": False, "status": "active",
            "color": {"name": "orange", "hex": "#ff5917"}, "verified": False, "rank": {"position": None, "trend": 0},
        }  # fmt: skip
        made: dict[str, Any] = {
            "id": post.number, "author": author, "created_at": _clock(post.at), "archive": False, "adult": False,
            "deleted": {"author": "author", "network": "moderator"}.get(by or ""), "editable": False, "media": _NO_MEDIA,
            "votes": {"up": post.likes, "down": 0, "users": []}, "voted": 0, "tags": [],
        }  # fmt: skip
        if root is post:
            shown = below[:2] if nested and not link else []
            made["comments"] = {"count": len(below), "items": [self._post(p, nested=False) for p in shown]}
            # The world's own number where it says so many; else what there is.
            made["comments"]["count"] = max(post.comments, len(below)) if post.comments > 2 else len(below)
        else:
            made |= {"parent": {"id": root.number, "resource": "link" if link else "entry"}}
            if link:
                made["comments"] = {"count": len(below), "items": []}
                if post.parent != root.number:
                    made["parent"] = {"id": post.parent, "resource": "link_comment"}
        if link and root is post:
            words = {
                "title": post.text,
                "description": "",
                "slug": "lody",
                "source": {"url": "https://example.org", "label": "example.org"},
            }
            return made | words | {"resource": "link"}
        kind = "entry" if root is post else "link_comment" if link else "entry_comment"
        return made | {"resource": kind, "slug": "lody", "content": None if by else post.text}


_NO_MEDIA = {"photo": None, "embed": None, "survey": None}


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(WARSAW):%Y-%m-%d %H:%M:%S}"


def _refused(status: int, message: str) -> Answer:
    return Answer({"code": status, "hash": "5f1b2c", "error": {"message": message, "key": 0}}, status)
