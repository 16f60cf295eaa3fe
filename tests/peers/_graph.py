"""Meta's Graph API as its documentation tells it: tokens, fields, lists with cursors and links, batches, errors.

https://developers.facebook.com/docs/graph-api/overview · /results · /batch-requests · /guides/error-handling
"""

import base64
import json
import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from peers import Answer, Peer, Post, Request

TOKEN = "EAAGzefirellaLemonGelatoToken7"
SCOPES = [
    "pages_show_list", "pages_read_engagement", "pages_read_user_content", "instagram_basic", "instagram_manage_comments",
]  # fmt: skip
Node = Mapping[str, Any]


class GraphPeer(Peer):
    """One token that may read all. What the brand hides is still shown to it, marked as hidden; what is deleted is gone."""

    apart = timedelta(seconds=1)
    removals = frozenset({"brand", "unknown"})
    most_in_batch = 50

    def credentials(self) -> dict[str, Any]:
        return {"password": TOKEN}

    def answer(self, request: Request) -> Answer:
        form = dict(parse_qsl(request.body.decode()))
        token = (
            request.headers.get("authorization", "").removeprefix("Bearer ")
            or request.params.get("access_token")
            or form.get("access_token")
        )
        if not token:
            return failure(104, None, "An access token is required to request this resource.")
        if token != TOKEN:
            return failure(190, None, "Invalid OAuth access token - Cannot parse access token")
        path = re.sub(r"^/v\d+\.\d+", "", request.path).strip("/")
        if request.method == "POST":
            calls = json.loads(form.get("batch", "[]"))
            if path or not 0 < len(calls) <= self.most_in_batch:
                return failure(100, None, "batch must hold 1 to 50 requests")
            return Answer([self._part(call, request.base) for call in calls])
        return self._one(path, request.params, request.base)

    def _part(self, call: Mapping[str, str], base: str) -> dict[str, Any]:
        parts = urlsplit(call["relative_url"])
        answer = self._one(parts.path.strip("/"), dict(parse_qsl(parts.query)), base)
        return {"code": answer.status, "body": answer.content().decode()}

    def _one(self, path: str, params: Mapping[str, str], base: str) -> Answer:
        if path == "debug_token":
            return Answer(
                {
                    "data": {
                        "app_id": "1",
                        "type": "PAGE",
                        "is_valid": True,
                        "expires_at": 0,
                        "data_access_expires_at": 1_790_000_000,
                        "scopes": SCOPES,
                    }
                }
            )
        try:
            return Answer(self.read(path, params, f"{base}/v25.0/{path}"))
        except Refused as refused:
            return refused.answer

    @abstractmethod
    def read(self, path: str, params: Mapping[str, str], address: str) -> dict[str, Any]:
        """The document at a path. Raises Refused."""

    def there(self, posts: Sequence[Post]) -> list[Post]:
        """With what the brand has hidden: for its own token that is still there."""
        hidden = [p for n, by in self.world.removed.items() if by == "brand" and (p := self.world.find(n))]
        return sorted([*posts, *hidden], key=lambda p: (p.at, p.number), reverse=True)

    def hidden(self, post: Post) -> bool:
        return self.world.removed.get(post.number) == "brand"

    def children(self, post: Post) -> Iterator[Post]:
        return (p for p in self.there(self.world.seen()) if p.parent == post.number)


class Refused(Exception):
    """A request that the API refuses."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def failure(code: int, subcode: int | None, message: str, status: int = 400) -> Answer:
    more = {"error_subcode": subcode} if subcode else {}
    return Answer({"error": {"message": message, "type": "OAuthException", "code": code, **more, "fbtrace_id": "AbC"}}, status)


def missing(key: str) -> Refused:
    said = f"Unsupported get request. Object with ID '{key}' does not exist, cannot be loaded due to missing permissions, or does not support this operation."
    return Refused(failure(100, 33, said))


def fields(asked: str) -> dict[str, str]:
    """Names of the outermost fields, each with what stands behind it: {"from": "{id,name}"}."""
    out, depth, word = dict[str, str](), 0, ""
    for letter in asked + ",":
        depth += letter in "({"
        depth -= letter in ")}"
        if letter == "," and not depth:
            name = re.match(r"\w+", word)
            out |= {name[0]: word[name.end() :]} if name else {}
            word = ""
        else:
            word += letter
    return out


def chosen(node: Node, asked: str, kind: str) -> dict[str, Any]:
    """Of a node, the fields that were asked for, and its id; a field that is None is left out, as the API does."""
    wanted = fields(asked)
    if unknown := [name for name in wanted if name not in node]:
        raise Refused(failure(100, None, f"(#100) Tried accessing nonexisting field ({unknown[0]}) on node type ({kind})"))
    names = [*wanted, *(["id"] if "id" not in wanted else [])]
    return {name: value for name in names if (value := _value(node[name], wanted.get(name, ""))) is not None}


def _value(value: Any, behind: str) -> Any:
    return value(behind) if callable(value) else value


def listed(
    nodes: Sequence[Node],
    params: Mapping[str, str],
    address: str,
    most: int,
    kind: str,
    show: Callable[[Node], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A page of a list, with cursors and a link to the next that holds the token."""
    limit = min(int(params.get("limit") or 25), most)
    start = int(base64.b64decode(params["after"]).decode()) if params.get("after") else 0
    page = nodes[start : start + limit]
    show = show or (lambda node: chosen(node, params.get("fields", "id"), kind))
    document: dict[str, Any] = {"data": [show(n) for n in page]}
    if page:
        document["paging"] = {"cursors": {"before": _cursor(start), "after": _cursor(start + len(page))}}
    if start + len(page) < len(nodes):
        again = {"access_token": TOKEN, "pretty": "0", **params, "limit": limit, "after": _cursor(start + len(page))}
        document["paging"]["next"] = f"{address}?{urlencode(again)}"
    return document


def _cursor(at: int) -> str:
    return base64.b64encode(str(at).encode()).decode()


def when(moment: datetime) -> str:
    """2026-03-03T09:14:05+0000"""
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000")


Place = Literal["comments", "feed", "tagged", "tags", "hashtag"]
