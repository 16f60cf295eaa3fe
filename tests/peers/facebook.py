"""A Page of Facebook, as version 25.0 of the Graph API answers (developers.facebook.com/docs/graph-api/reference/page).

All posts of the world are comments and replies below one post of the Page, which is older than all of them; `elsewhere` puts
some on the Page's wall (`feed`) or into posts of people that tag it (`tagged`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from peers import Post, World
from peers._graph import GraphPeer, Node, Place, chosen, listed, missing, when

PAGE = "108000000000001"
OPENING = "5550000001"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Facebook(GraphPeer):
    page = 100

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.elsewhere: dict[int, Place] = {}
        self.opened: datetime | None = None
        self.order = ""
        """`ranked`: the network orders comments as it likes, and says so."""

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": base}

    def own_accounts(self) -> tuple[str, ...]:
        return (PAGE,)

    def native_id(self, post: Post) -> str:
        place = self.elsewhere.get(post.number, "comments")
        owner = {"comments": OPENING, "feed": PAGE, "tagged": "2711636948859886"}[place]
        return f"{owner}_{9_000_000 + post.number}"

    def read(self, path: str, params: Mapping[str, str], address: str) -> dict[str, Any]:
        key, _, edge = path.partition("/")
        if key == PAGE and not edge:
            return chosen(
                {
                    "id": PAGE,
                    "name": "Zefirella",
                    "followers_count": self.world.followers,
                    "fan_count": self.world.followers - 900,
                },
                params.get("fields", "id,name"),
                "Page",
            )
        if key == PAGE and edge == "feed":
            return self._feed(params, address)
        if key == PAGE and edge == "tagged":
            tagged = sorted(self._placed("tagged"), key=lambda n: str(n["updated_time"]), reverse=True)
            return listed(tagged, params, address, 100, "Post")
        if edge == "comments":
            return self._comments(key, params, address)
        if not edge and (node := self._nodes().get(key)):
            return chosen(node, params.get("fields", "id"), "Comment" if "like_count" in node else "Post")
        raise missing(key)

    def _nodes(self) -> dict[str, Node]:
        posts = [self._opening(), *self._placed("feed"), *self._placed("tagged"), *self._placed("comments")]
        return {str(node["id"]): node for node in posts}

    def _placed(self, place: Place) -> list[Node]:
        shown = [p for p in self.there(self.world.seen()) if self.elsewhere.get(p.number, "comments") == place]
        return [self._comment(p) if place == "comments" else self._post(p) for p in shown]

    def _feed(self, params: Mapping[str, str], address: str) -> dict[str, Any]:
        """Newest first; since and until are seconds and mean when a post was made."""
        low, high = (int(params.get(name) or limit) for name, limit in (("since", 0), ("until", 2**40)))
        posts = sorted([self._opening(), *self._placed("feed")], key=lambda n: str(n["created_time"]), reverse=True)
        inside = [n for n in posts if low <= datetime.fromisoformat(n["created_time"]).timestamp() <= high]
        return listed(inside, params, address, 100, "Post")

    def _comments(self, key: str, params: Mapping[str, str], address: str) -> dict[str, Any]:
        """Oldest first unless told otherwise; replies only by filter=stream; since is a lower bound."""
        below = self._placed("comments") if key == f"{PAGE}_{OPENING}" else []
        if not below and key not in self._nodes():
            raise missing(key)
        if params.get("filter", "toplevel") == "toplevel":
            below = [n for n in below if not n["parent"]]
        below = [n for n in below if datetime.fromisoformat(n["created_time"]).timestamp() >= int(params.get("since") or 0)]
        order = self.order or params.get("order", "chronological")
        if order == "chronological":
            below.reverse()
        if order == "ranked":
            below.sort(key=lambda n: (-n["like_count"], n["id"][::-1]))
        page = listed(below, params, address, 100, "Comment")
        return page | (
            {"summary": {"order": order, "total_count": len(below), "can_comment": True}} if params.get("summary") else {}
        )

    def _opening(self) -> Node:
        """The Page's own post. Its updated_time is the last comment's."""
        times = [p.at for p in self.world.seen() if self.elsewhere.get(p.number, "comments") == "comments"]
        opened = self.opened or min(times, default=LONG_AGO) - timedelta(days=3)
        return self._base(f"{PAGE}_{OPENING}", opened, "Nuovo gusto: limone e basilico", PAGE, "Zefirella", False) | {
            "updated_time": when(max(times, default=opened)), "shares": {"count": 3}, "story": None, "status_type": "added_photos",
            **self._counted(40, len(times)),
        }  # fmt: skip

    def _post(self, post: Post) -> Node:
        # Of posts by people that tag the Page, the author is not told.
        told = self.elsewhere[post.number] == "feed"
        base = self._base(
            self.native_id(post), post.at, post.text, f"77{post.author}" if told else "", post.author, self.hidden(post)
        )
        return base | {
            "updated_time": when(post.edited_at or post.at), "shares": {"count": post.shares}, "story": None,
            "status_type": "wall_post", **self._counted(post.likes, post.comments),
        }  # fmt: skip

    def _comment(self, post: Post) -> Node:
        parent = self.world.find(post.parent) if post.parent is not None else None
        base = self._base(self.native_id(post), post.at, post.text, f"77{post.author}", post.author, self.hidden(post))
        return base | {
            "like_count": post.likes, "comment_count": post.comments,
            "parent": {"id": self.native_id(parent)} if parent else None,
        }  # fmt: skip

    def _base(self, key: str, at: datetime, text: str, author: str, name: str, hidden: bool) -> dict[str, Any]:
        first, _, second = key.partition("_")
        own = first == PAGE
        return {
            "id": key, "created_time": when(at), "message": text, "is_hidden": hidden,
            "from": {"id": author, "name": name} if author else None,
            "permalink_url": f"https://www.facebook.com/{PAGE}/posts/{second if own else first}/" + ("" if own else f"?comment_id={second}"),
        } | ({"is_published": True, "parent_id": None} if own or first != OPENING else {})  # fmt: skip

    def _counted(self, likes: int, comments: int) -> dict[str, Any]:
        return {
            "reactions": {"data": [], "summary": {"total_count": likes, "viewer_reaction": "NONE"}},
            "comments": {"data": [], "summary": {"order": "chronological", "total_count": comments, "can_comment": True}},
        }
