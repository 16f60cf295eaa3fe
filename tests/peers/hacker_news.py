"""Hacker News as its two services answer: Algolia's search (https://hn.algolia.com/api) and https://github.com/HackerNews/API.

The search keeps what was deleted until it notices, which for tests is at once; the items say `deleted` or `dead`.
"""

import re
from datetime import timedelta
from typing import Any

from peers import Answer, Peer, Post, Request, iso, unix


class HackerNews(Peer):
    page = 1_000
    apart = timedelta(seconds=1)
    removals = frozenset({"author", "network"})

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": base, "items_url": base}

    def native_id(self, post: Post) -> str:
        return str(47_000_000 + post.number)

    def answer(self, request: Request) -> Answer:
        if request.path == "/api/v1/search_by_date":
            return self._search(request)
        if found := re.fullmatch(r"/v0/item/(\d+)\.json", request.path):
            return Answer(self._item(int(found[1]) - 47_000_000))
        if found := re.fullmatch(r"/api/v1/items/(\d+)", request.path):
            number = int(found[1]) - 47_000_000
            post = self.world.find(number)
            if post and self.world.removed.get(number) != "brand":
                return Answer({"id": int(found[1]), "type": "story", "children": [], **self._hit(post)})
            return Answer({"status": 404, "error": "Not Found"}, 404)
        return Answer({"message": "Path not supported by this API", "status": 404}, 404)

    def _search(self, request: Request) -> Answer:
        bounds = {"low": 0, "high": 2**62}
        for condition in filter(None, request.params.get("numericFilters", "").split(",")):
            name, sign, value = re.fullmatch(r"(\w+)(>=|<=|<|>|=)(-?\d+)", condition).groups()  # type: ignore[union-attr]
            assert name == "created_at_i"
            if sign in {">", ">="}:
                bounds["low"] = int(value) + (sign == ">")
            else:
                bounds["high"] = int(value) + (sign == "<=")
        phrase = request.params.get("query", "").strip('"').casefold()
        found = [p for p in self.world.seen() if bounds["low"] <= unix(p.at) < bounds["high"] and phrase in p.text.casefold()]
        size = min(request.number("hitsPerPage", 20), 1_000)
        page, reachable = request.number("page", 0), found[:1_000]
        return Answer({
            "exhaustive": {"nbHits": True, "typo": True},
            "exhaustiveNbHits": True,
            "hits": [self._hit(p) for p in reachable[page * size : (page + 1) * size]],
            "hitsPerPage": size,
            "nbHits": len(found),
            "nbPages": -(-len(reachable) // size),
            "page": page,
            "params": "advancedSyntax=true",
            "processingTimeMS": 3,
            "query": request.params.get("query", ""),
        })  # fmt: skip

    def _hit(self, post: Post) -> dict[str, Any]:
        parent = self.world.find(post.parent) if post.parent is not None else None
        kind = "comment" if parent else "story"
        shared = {
            "_tags": [kind, f"author_{post.author}"],
            "author": post.author,
            "created_at": iso(post.at, "seconds"),
            "created_at_i": unix(post.at),
            "objectID": self.native_id(post),
            "updated_at": iso(post.at, "seconds"),
        }
        if parent:
            return shared | {
                "comment_text": f"<p>{post.text}</p>", "parent_id": int(self.native_id(parent)),
                "story_id": int(self.native_id(parent)), "story_title": parent.text, "story_url": None,
            }  # fmt: skip
        return shared | {
            "num_comments": post.comments, "points": post.likes, "story_id": int(self.native_id(post)), "title": post.text,
            "url": "https://example.org/gelato",
        }  # fmt: skip

    def _item(self, number: int) -> dict[str, Any] | None:
        post = self.world.find(number)
        if post is None or self.world.removed.get(number) == "brand":  # which nobody but the site itself could do: no trace
            return None
        parent = self.world.find(post.parent) if post.parent is not None else None
        item: dict[str, Any] = {
            "id": int(self.native_id(post)),
            "time": unix(post.at),
            "type": "comment" if parent else "story",
        }
        if parent:
            item["parent"] = int(self.native_id(parent))
        if self.world.removed.get(number) == "author":
            return item | {"deleted": True}
        item |= {"by": post.author, "text" if parent else "title": post.text}
        if not parent:
            item |= {"score": post.likes, "descendants": post.comments}
        return item | ({"dead": True} if number in self.world.removed else {})
