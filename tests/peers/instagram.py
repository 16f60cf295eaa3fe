"""A professional account of Instagram, as the Instagram API with Facebook Login answers (version 25.0).

All posts of the world are comments below one post of the account, which is older than all of them, and replies to those;
`elsewhere` puts some into posts of others that tag the account (`tags`), or that have a hashtag (`hashtag`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from peers import OWN, Post, World
from peers._graph import GraphPeer, Node, Place, Refused, chosen, failure, listed, missing, when

USER, OPENING, HASHTAG = "17841400000000001", "17900000000000001", "17843800000000007"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Instagram(GraphPeer):
    page = 50

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.elsewhere: dict[int, Place] = {}
        self.own_posts: set[int] = set()
        """Which of those with a hashtag are the account's own."""

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": base, "user": USER, "hashtags": ["Zefirella"]}

    def native_id(self, post: Post) -> str:
        foreign = self.elsewhere.get(post.number, "comments") != "comments" and post.number not in self.own_posts
        return f"{'media:' if foreign else ''}{self.key(post)}"

    def key(self, post: Post) -> str:
        return str(18_000_000_000_000_000 + post.number)

    def read(self, path: str, params: Mapping[str, str], address: str) -> dict[str, Any]:
        key, _, edge = path.partition("/")
        if key == "ig_hashtag_search":
            if params.get("q") == "zefirella" and params.get("user_id") == USER:
                return {"data": [{"id": HASHTAG}]}
            raise Refused(failure(24, 2_207_024, "The requested resource does not exist"))
        if key == USER:
            return self._user(edge, params, address)
        if key == HASHTAG and edge == "recent_media":
            day = [p for p in self._placed("hashtag") if p.at > self.world.now() - timedelta(days=1)]
            nodes = [{k: v for k, v in self._media(p).items() if k != "username"} for p in day]
            return listed(nodes, params, address, 50, "IGHashtag")
        if key == OPENING and edge == "comments":
            # Newest first, and only what answers the post itself.
            return self._listed([p for p in self._placed("comments") if p.parent is None], params, address)
        if below := self._comment_of(key):
            if edge == "replies":
                return self._listed(list(self.children(below)), params, address)
            return chosen(self._comment(below, address), params.get("fields", "id"), "IGComment")
        if not edge and (own := next((m for m in self._own() if m["id"] == key), None)):
            return chosen(own, params.get("fields", "id"), "IGMedia")
        raise missing(key)  # posts of others too

    def _user(self, edge: str, params: Mapping[str, str], address: str) -> dict[str, Any]:
        if edge == "media":
            return listed(self._own(), params, address, 100, "IGMedia")
        if edge == "tags":
            return listed([self._media(p) for p in self._placed("tags")], params, address, 50, "IGMedia")
        if edge:
            raise missing(USER)
        discovered = {"id": "17841400000000099", "followers_count": 512}
        node = {"id": USER, "username": OWN, "followers_count": self.world.followers, "business_discovery": discovered}
        return chosen(node, params.get("fields", "id"), "IGUser")

    def _placed(self, place: Place) -> list[Post]:
        return [p for p in self.there(self.world.seen()) if self.elsewhere.get(p.number, "comments") == place]

    def _comment_of(self, key: str) -> Post | None:
        return next((p for p in self._placed("comments") if self.key(p) == key), None)

    def _listed(self, posts: list[Post], params: Mapping[str, str], address: str) -> dict[str, Any]:
        return listed([self._comment(p, address) for p in posts], params, address, 50, "IGComment")

    def _comment(self, post: Post, address: str) -> Node:
        def replies(behind: str) -> dict[str, Any] | None:
            """`replies.limit(50){id,text}` within fields."""
            asked = {"fields": behind.partition("{")[2].removesuffix("}"), "limit": behind.partition("(")[2].partition(")")[0]}
            below = self._listed(
                list(self.children(post)), asked, f"{address.partition('/v25.0/')[0]}/v25.0/{self.key(post)}/replies"
            )
            return below if below["data"] else None

        parent = self.world.find(post.parent) if post.parent is not None else None
        return {
            "id": self.key(post), "text": post.text, "timestamp": when(post.at), "username": post.author, "like_count": post.likes,
            "hidden": self.hidden(post), "parent_id": self.key(parent) if parent else None, "replies": replies,
        }  # fmt: skip

    def _own(self) -> list[Node]:
        comments = self._placed("comments")
        opened = min((p.at for p in comments), default=LONG_AGO) - timedelta(days=3)
        opening = Post(0, opened, "Nuovo gusto: limone e basilico", OWN, comments=len(comments))
        mine = [self._media(p) for n in sorted(self.own_posts) if (p := self.world.find(n))]
        return [*mine, {**self._media(opening), "id": OPENING}]

    def _media(self, post: Post) -> dict[str, Any]:
        return {
            "id": self.key(post), "caption": post.text, "timestamp": when(post.at), "username": post.author, "media_type": "IMAGE",
            "permalink": f"https://www.instagram.com/p/C{post.number}/", "like_count": post.likes, "comments_count": post.comments,
        }  # fmt: skip
