"""Reddit's API for applications (reddit.com/dev/api, wikis of reddit-archive/reddit; shapes as recorded, and as PRAW reads them).

Listings go from the newest down, by `after`; none goes beyond its 1,000th thing, no search beyond its 250th. What was removed is
in no listing, and in /api/info as a shell. Posts whose number is a multiple of three stand in the brand's own subreddit.
"""

import base64
import re
from typing import Any

from peers import OWN, Answer, Peer, Post, Request, unix

APP, SECRET, USER = "app-14-chars-x", "secret-of-the-application", "lemon"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.of-the-application"
PLACE, OWN_PLACE = "gelato", "zefirella"
SEARCHED, LISTED = 250, 1_000
FIRST = 36**6
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
WHY = {"author": "deleted", "brand": "moderator", "network": "anti_evil_ops"}


class Reddit(Peer):
    page = 100
    most = 229
    removals = frozenset({"author", "brand", "network"})

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": base, "sign_in_url": base, "subreddits": [PLACE]}

    def credentials(self) -> dict[str, Any]:
        return {"login": APP, "password": SECRET, "extra": {"username": USER}}

    def own_accounts(self) -> tuple[str, ...]:
        return (f"r/{OWN_PLACE}",)

    def native_id(self, post: Post) -> str:
        return f"{'t3' if post.parent is None else 't1'}_{_id(post.number)}"

    def answer(self, request: Request) -> Answer:
        if not re.fullmatch(r"\S+:\S+:\S+ \(by /u/[\w-]+\)", request.headers.get("user-agent", "")):
            return Answer({"message": "Too Many Requests", "error": 429}, 429)
        if request.path == "/api/v1/access_token":
            return self._token(request)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer({"message": "Unauthorized", "error": 401}, 401)
        found = self._found(request)
        left = {"x-ratelimit-remaining": "987.0", "x-ratelimit-used": "13", "x-ratelimit-reset": "421"}
        return Answer(found, 200, left) if found is not None else Answer({"message": "Not Found", "error": 404}, 404)

    def _token(self, request: Request) -> Answer:
        right = base64.b64encode(f"{APP}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {right}" or request.body != b"grant_type=client_credentials":
            return Answer({"message": "Unauthorized", "error": 401}, 401)
        return Answer({"access_token": TOKEN, "token_type": "bearer", "expires_in": 86400, "scope": "*"})

    def _found(self, request: Request) -> Any:
        match request.path.strip("/").split("/"):
            case ["search"]:
                return self._listing(request, [p for p in self._posts() if _hit(p, request.params["q"])], SEARCHED)
            case ["r", place, "search"]:
                return self._listing(
                    request, [p for p in self._posts() if self._place(p) == place and _hit(p, request.params["q"])], SEARCHED
                )
            case ["r", place, "new"]:
                return self._listing(request, [p for p in self._posts() if place in {"all", self._place(p)}], LISTED)
            case ["r", place, "comments"]:
                return self._listing(
                    request, [p for p in self.world.seen() if p.parent is not None and self._place(p) == place], LISTED
                )
            case ["user", name, "submitted"]:
                return self._listing(request, [p for p in self._posts() if p.author == name], LISTED)
            case ["r", place, "about"] if place == OWN_PLACE:
                return {
                    "kind": "t5",
                    "data": {"display_name": place, "name": "t5_2qh1i", "subscribers": self.world.followers, "over18": False},
                }
            case ["user", name, "about"] if name == OWN:
                page = {"display_name": f"u_{name}", "subscribers": self.world.followers, "subreddit_type": "user"}
                return {"kind": "t2", "data": {"name": name, "total_karma": 7, "subreddit": page}}
            case ["comments", post]:
                return self._tree(post, request.number("limit", 200))
            case ["api", "info"]:
                return self._info(request.params["id"].split(",")) if request.params.get("id", "").count(",") < 100 else None
            case ["api", "morechildren"]:
                return self._more(request)
        return None

    def _posts(self) -> list[Post]:
        return [p for p in self.world.seen() if p.parent is None]

    def _root(self, post: Post) -> Post:
        while post.parent is not None and (above := self.world.find(post.parent)):
            post = above
        return post

    def _place(self, post: Post) -> str:
        return OWN_PLACE if self._root(post).number % 3 == 0 else PLACE

    def _listing(self, request: Request, things: list[Post], most: int) -> dict[str, Any]:
        things = things[:most]
        names = [self.native_id(p) for p in things]
        after = request.params.get("after")
        begin = names.index(after) + 1 if after in names else len(names) if after else 0
        page = things[begin : begin + min(request.number("limit", 25), 100)]
        more = names[begin + len(page) - 1] if begin + len(page) < len(things) else None
        return _of([self._thing(p) for p in page], more)

    def _info(self, names: list[str]) -> dict[str, Any]:
        asked = [p for n in names if (p := self._by_name(n))]
        return _of([self._thing(p) for p in asked])

    def _by_name(self, name: str) -> Post | None:
        found = self.world.find(int(name[3:], 36) - FIRST)
        return found if found and self.native_id(found) == name and found.at <= self.world.now() else None

    def _tree(self, post: str, limit: int) -> Any:
        root = self._by_name(f"t3_{post}")
        if root is None:
            return None
        under = [p for p in self.world.seen() if p.parent is not None and self._root(p) == root]
        sent, named = {p.number for p in under[:limit]}, [_id(p.number) for p in under[limit:]]
        more = (
            [
                {
                    "kind": "more",
                    "data": {"count": len(named), "name": "t1__", "id": named[0], "parent_id": f"t3_{post}", "children": named},
                }
            ]
            if named
            else []
        )
        return [
            _of([self._thing(root)]),
            _of([self._nested(p, under, sent) for p in under if p.parent == root.number and p.number in sent] + more),
        ]

    def _nested(self, post: Post, under: list[Post], sent: set[int]) -> dict[str, Any]:
        thing = self._thing(post)
        replies = [self._nested(p, under, sent) for p in under if p.parent == post.number and p.number in sent]
        thing["data"]["replies"] = _of(replies) if replies else ""
        return thing

    def _more(self, request: Request) -> dict[str, Any]:
        found = [p for c in request.params["children"].split(",")[:100] if (p := self._by_name(f"t1_{c}"))]
        return {"json": {"errors": [], "data": {"things": [self._thing(p) for p in found]}}}

    def _thing(self, post: Post) -> dict[str, Any]:
        number, place, gone = _id(post.number), self._place(post), self.world.removed.get(post.number)
        text = post.text if gone is None else "[deleted]" if gone == "author" else "[removed]"
        data: dict[str, Any] = {
            "id": number, "name": self.native_id(post), "subreddit": place, "subreddit_id": "t5_2qh1i", "created_utc": float(unix(post.at)),
            "author": post.author if gone is None else "[deleted]", "score": post.likes, "ups": post.likes, "downs": 0, "likes": None,
            "edited": float(unix(post.edited_at)) if post.edited_at else False, "over_18": False, "quarantine": False, "distinguished": None,
        }  # fmt: skip
        if post.parent is None:
            original = self.world.find(post.repost_of) if post.repost_of is not None else None
            data |= {
                "title": "Il gelato di oggi", "selftext": text, "is_self": True, "num_comments": post.comments, "num_crossposts": post.shares,
                "permalink": f"/r/{place}/comments/{number}/il_gelato_di_oggi/", "removed_by_category": WHY[gone] if gone else None,
            }  # fmt: skip
            if original:
                data |= {"crosspost_parent": self.native_id(original), "crosspost_parent_list": [self._thing(original)["data"]]}
            return {"kind": "t3", "data": data}
        parent, root = self.world.find(post.parent), self._root(post)
        assert parent
        data |= {
            "body": text, "parent_id": self.native_id(parent), "link_id": self.native_id(root), "replies": "", "score_hidden": False,
            "permalink": f"/r/{place}/comments/{_id(root.number)}/il_gelato_di_oggi/{number}/",
        }  # fmt: skip
        return {"kind": "t1", "data": data}


def _of(things: list[dict[str, Any]], after: str | None = None) -> dict[str, Any]:
    return {
        "kind": "Listing",
        "data": {"after": after, "dist": len(things), "modhash": "", "geo_filter": "", "children": things, "before": None},
    }


def _id(number: int) -> str:
    number, out = FIRST + number, ""
    while number:
        number, digit = divmod(number, 36)
        out = DIGITS[digit] + out
    return out


def _hit(post: Post, q: str) -> bool:
    """Phrases of which one is wanted, and a subreddit that is not."""
    text = f"il gelato di oggi {post.text}".casefold()
    place = OWN_PLACE if post.number % 3 == 0 else PLACE
    return any(phrase in text for phrase in re.findall(r'"([^"]+)"', q.casefold())) and f"NOT subreddit:{place}" not in q
