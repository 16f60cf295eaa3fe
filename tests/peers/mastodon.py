"""A Mastodon server that shows its public hashtag timelines, as version 4.6 answers (docs.joinmastodon.org)."""

from typing import Any

from peers import OWN, Answer, Peer, Post, Request, iso


class Mastodon(Peer):
    page = 40
    removals = frozenset({"unknown"})

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": base, "hashtags": ["zefirella"]}

    def native_id(self, post: Post) -> str:
        return str((int(post.at.timestamp() * 1000) << 16) + post.number)

    def answer(self, request: Request) -> Answer:
        if request.path == "/api/v1/timelines/tag/zefirella":
            return Answer(self._timeline(request))
        if request.path == "/api/v1/timelines/public":
            return Answer([self._status(p) for p in self.world.seen()[: request.number("limit", 20)]])
        if request.path == "/api/v1/accounts/lookup" and request.params.get("acct") == OWN:
            return Answer({"id": "1", "acct": OWN, "followers_count": self.world.followers})
        if request.path.startswith("/api/v1/statuses"):
            return self._by_id(request)
        return Answer({"error": "Record not found"}, 404)

    def _timeline(self, request: Request) -> list[dict[str, Any]]:
        low, high = int(request.params.get("since_id", 0)), int(request.params.get("max_id", 2**63))
        inside = [p for p in self.world.seen() if low < int(self.native_id(p)) < high]
        return [self._status(p) for p in inside[: min(request.number("limit", 20), 40)]]

    def _by_id(self, request: Request) -> Answer:
        """GET /api/v1/statuses/:id and, since 4.3, GET /api/v1/statuses?id[]=..."""
        shown = {self.native_id(p): p for p in self.world.seen()}
        if one := request.path.removeprefix("/api/v1/statuses").strip("/"):
            return Answer(self._status(shown[one])) if one in shown else Answer({"error": "Record not found"}, 404)
        return Answer([self._status(p) for i, p in shown.items() if i in request.listed("id[]")])

    def _status(self, post: Post) -> dict[str, Any]:
        parent = self.world.find(post.parent) if post.parent is not None else None
        return {
            "id": self.native_id(post),
            "created_at": iso(post.at),
            "in_reply_to_id": self.native_id(parent) if parent else None,
            "in_reply_to_account_id": None,
            "sensitive": False,
            "spoiler_text": "",
            "visibility": "public",
            "language": "it",
            "uri": f"https://social.example/users/{post.author}/statuses/{self.native_id(post)}",
            "url": f"https://social.example/@{post.author}/{self.native_id(post)}",
            "replies_count": post.comments,
            "reblogs_count": post.shares,
            "favourites_count": post.likes,
            "edited_at": iso(post.edited_at) if post.edited_at else None,
            "content": f"<p>{post.text}</p>",
            "reblog": None,
            "account": {
                "id": "7",
                "acct": post.author,
                "url": f"https://social.example/@{post.author}",
                "followers_count": post.audience,
            },
        }
