"""A server of Bluesky's network: the account's own and the public one at one address (docs.bsky.app, lexicons of atproto).

Search as the network's own (indigo, search/): words and "phrases" of q, since inclusive and until exclusive, newest first, a
cursor that counts, and no more than 10,000 hits. It is closed to whoever has no session.
"""

import base64
import hashlib
import json
import re
from typing import Any

from peers import OWN, Answer, Peer, Post, Request, iso

HANDLE = "listener.example"
PASSWORD = "abcd-efgh-ijkl-mnop"
TOKEN = "eyJ0eXAiOiJhdCtqd3QifQ.for-the-listener"
HITS = 10_000
TID = "234567abcdefghijklmnopqrstuvwxyz"


class Bluesky(Peer):
    page = 100
    most = 9_900
    removals = frozenset({"unknown"})

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": base, "public_url": base}

    def credentials(self) -> dict[str, Any]:
        return {"login": HANDLE, "password": PASSWORD}

    def own_accounts(self) -> tuple[str, ...]:
        return (handle_of(OWN),)

    def native_id(self, post: Post) -> str:
        return f"at://{did_of(post.author)}/app.bsky.feed.post/{_tid(post)}"

    def answer(self, request: Request) -> Answer:
        calls = {
            "com.atproto.server.createSession": self._session,
            "app.bsky.feed.searchPosts": self._search,
            "app.bsky.feed.getPosts": self._posts,
            "app.bsky.feed.getAuthorFeed": self._feed,
            "app.bsky.feed.getPostThread": self._thread,
            "app.bsky.actor.getProfile": self._profile,
            "app.bsky.actor.getProfiles": self._profiles,
        }
        call = calls.get(request.path.removeprefix("/xrpc/"))
        return call(request) if call else _error(501, "MethodNotImplemented", "Method Not Implemented")

    def _session(self, request: Request) -> Answer:
        asked = json.loads(request.body or b"{}")
        if request.method != "POST" or (asked.get("identifier"), asked.get("password")) != (HANDLE, PASSWORD):
            return _error(401, "AuthenticationRequired", "Invalid identifier or password")
        return Answer({
            "did": did_of("listener"), "handle": HANDLE, "email": "listener@example.org", "emailConfirmed": True,
            "accessJwt": TOKEN, "refreshJwt": f"{TOKEN}-again", "active": True,
        })  # fmt: skip

    def _search(self, request: Request) -> Answer:
        if "authorization" not in request.headers:
            return Answer(b"<html><body><h1>403 Forbidden</h1></body></html>", 403, {"Content-Type": "text/html"})
        if request.headers["authorization"] != f"Bearer {TOKEN}":
            return _error(400, "InvalidToken", "Token could not be verified")
        if not request.params.get("q"):
            return _error(400, "InvalidRequest", 'Error: Params must have the property "q"')
        size, offset = request.number("limit", 25), request.number("cursor", 0)
        if not 1 <= size <= 100 or offset + size > HITS:
            return _error(400, "InvalidRequest", "Error: limit can not be greater than 100")
        hits = [p for p in self.world.seen() if self._hit(p, request)]
        page = hits[offset : offset + size]
        more = {"cursor": str(offset + size)} if len(page) == size and offset + size < HITS else {}
        return Answer({"posts": [self._view(p) for p in page], "hitsTotal": len(hits), **more})

    def _hit(self, post: Post, request: Request) -> bool:
        at, text = iso(post.at), post.text.casefold()
        words = [phrase or word for phrase, word in re.findall(r'"([^"]+)"|(\S+)', request.params["q"].casefold())]
        tagged = [f for f in _facets(post) if f["features"][0]["did"] == request.params.get("mentions")]
        return (
            all(word in text for word in words if word != "*")
            and request.params.get("since", "") <= at < request.params.get("until", "~")
            and ("mentions" not in request.params or bool(tagged))
        )

    def _posts(self, request: Request) -> Answer:
        asked = request.listed("uris")
        if len(asked) > 25:
            return _error(400, "InvalidRequest", "Error: uris must not have more than 25 elements")
        shown = {self.native_id(p): p for p in self.world.seen()}
        return Answer({"posts": [self._view(shown[uri]) for uri in asked if uri in shown]})

    def _feed(self, request: Request) -> Answer:
        """What an account posted, answered and reposted, newest first."""
        size, before = request.number("limit", 50), request.params.get("cursor", "~")
        by = [
            p
            for p in self.world.seen()
            if request.params["actor"] in {did_of(p.author), handle_of(p.author)} and iso(p.at) < before
        ]
        page = by[:size]
        more = {"cursor": iso(page[-1].at)} if len(by) > size else {}
        return Answer({"feed": [self._entry(p) for p in page], **more})

    def _entry(self, post: Post) -> dict[str, Any]:
        original = self.world.find(post.repost_of) if post.repost_of is not None else None
        if original is None:
            return {"post": self._view(post)}
        uri = f"at://{did_of(post.author)}/app.bsky.feed.repost/{_tid(post)}"
        by = {"did": did_of(post.author), "handle": handle_of(post.author)}
        reason = {"$type": "app.bsky.feed.defs#reasonRepost", "by": by, "uri": uri, "indexedAt": iso(post.at)}
        return {"post": self._view(original), "reason": reason}

    def _thread(self, request: Request) -> Answer:
        shown = {self.native_id(p): p for p in self.world.seen()}
        if request.params["uri"] not in shown:
            return _error(400, "NotFound", f"Post not found: {request.params['uri']}")
        return Answer({"thread": self._below(shown[request.params["uri"]], request.number("depth", 6))})

    def _below(self, post: Post, depth: int) -> dict[str, Any]:
        replies = [p for p in self.world.seen() if p.parent == post.number] if depth else []
        return {
            "$type": "app.bsky.feed.defs#threadViewPost",
            "post": self._view(post),
            "replies": [self._below(p, depth - 1) for p in replies],
            "threadContext": {},
        }

    def _profile(self, request: Request) -> Answer:
        found = self._actor(request.params.get("actor", ""))
        return Answer(found) if found else _error(400, "InvalidRequest", "Profile not found")

    def _profiles(self, request: Request) -> Answer:
        asked = request.listed("actors")
        if len(asked) > 25:
            return _error(400, "InvalidRequest", "Error: actors must not have more than 25 elements")
        return Answer({"profiles": [found for actor in asked if (found := self._actor(actor))]})

    def _actor(self, actor: str) -> dict[str, Any] | None:
        if actor in {did_of(OWN), handle_of(OWN)}:
            return {"did": did_of(OWN), "handle": handle_of(OWN), "followersCount": self.world.followers, "postsCount": 7}
        post = next((p for p in self.world.seen() if actor in {did_of(p.author), handle_of(p.author)}), None)
        if post is None:
            return None
        return {"did": did_of(post.author), "handle": handle_of(post.author), "followersCount": post.audience, "postsCount": 7}

    def _view(self, post: Post) -> dict[str, Any]:
        return {
            "uri": self.native_id(post),
            "cid": "bafyrei" + hashlib.sha256(post.text.encode()).hexdigest()[:52],
            "author": {
                "did": did_of(post.author),
                "handle": handle_of(post.author),
                "labels": [],
                "createdAt": "2024-02-06T10:00:00.000Z",
            },
            "record": self._record(post),
            "bookmarkCount": 0,
            "replyCount": post.comments,
            "repostCount": post.shares,
            "likeCount": post.likes,
            "quoteCount": 0,
            "indexedAt": iso(post.at),
            "labels": [],
        }

    def _record(self, post: Post) -> dict[str, Any]:
        record: dict[str, Any] = {"$type": "app.bsky.feed.post", "createdAt": iso(post.at), "langs": ["it"], "text": post.text}
        if facets := _facets(post):
            record["facets"] = facets
        if post.parent is not None and (parent := self.world.find(post.parent)):
            root = parent
            while root.parent is not None and (above := self.world.find(root.parent)):
                root = above
            record["reply"] = {
                "parent": {"cid": "bafyrei", "uri": self.native_id(parent)},
                "root": {"cid": "bafyrei", "uri": self.native_id(root)},
            }
        return record


def did_of(author: str) -> str:
    return "did:plc:" + base64.b32encode(hashlib.sha256(author.encode()).digest()).decode().lower()[:24]


def handle_of(author: str) -> str:
    return f"{author}.bsky.social"


def _tid(post: Post) -> str:
    """Microseconds and a clock's number, in sortable base 32."""
    number, out = (int(post.at.timestamp()) * 1_000_000 + post.number) << 10, ""
    for _ in range(13):
        out, number = TID[number & 31] + out, number >> 5
    return out


def _facets(post: Post) -> list[dict[str, Any]]:
    """Handles in a text, as the apps mark them: byte offsets, and the account that is meant."""
    return [
        {
            "$type": "app.bsky.richtext.facet",
            "index": {"byteStart": len(post.text[: m.start()].encode()), "byteEnd": len(post.text[: m.end()].encode())},
            "features": [{"$type": "app.bsky.richtext.facet#mention", "did": did_of(m[1])}],
        }
        for m in re.finditer(r"@([\w-]+)\.bsky\.social", post.text)
    ]


def _error(status: int, error: str, message: str) -> Answer:
    return Answer({"error": error, "message": message}, status)
