"""X's API v2, self-serve: recent search with its query language, look-ups by id and by name (https://docs.x.com/x-api).

Ids are snowflakes; an edited post has one id a version. Anybody's removal is a `Not Found Error`.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from peers import OWN, Answer, Peer, Post, Request, iso, unix

TOKEN = "AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0%2BuSeid%2BULvsea4JtiGRiSDSJSI%3DEUifiRBkKG5E2XzMDjRfl76ZC9Ub0wnz4XsNiRVBChTYbJcE3F"
_WORD = re.compile(r'-?"[^"]*"|[()]|[^\s()]+')


class X(Peer):
    page = 100
    removals = frozenset({"unknown"})
    history = timedelta(days=7)

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": base}

    def credentials(self) -> dict[str, Any]:
        return {"password": TOKEN}

    def native_id(self, post: Post) -> str:
        return self._versions(post)[0]

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer({"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}, 401)
        limits = {"x-rate-limit-limit": "450", "x-rate-limit-remaining": "449", "x-rate-limit-reset": "1772528400"}
        if request.path == "/2/tweets/search/recent":
            found = self._search(request)
        elif request.path == "/2/tweets":
            found = self._by_ids(request)
        elif request.path == "/2/users/by":
            found = self._users(request)
        elif request.path == "/2/usage/tweets":
            usage = {"cap_reset_day": 19, "project_cap": "2000000", "project_id": "1369785403853424", "project_usage": "4321"}
            found = Answer({"data": usage})
        else:
            return Answer({"title": "Not Found", "detail": "Not Found", "type": "about:blank", "status": 404}, 404)
        return Answer(found.body, found.status, limits)

    def _search(self, request: Request) -> Answer:
        query, size, now = request.params.get("query", ""), request.number("max_results", 10), self.world.now()
        since, until = (_moment(request.params.get(name)) for name in ("start_time", "end_time"))
        if not query or len(query) > 512:
            return _invalid("query", f"There were errors processing your request: query of {len(query)} characters, max 512")
        if not 10 <= size <= 100:
            return _invalid("max_results", f"The `max_results` query parameter value [{size}] is not between 10 and 100")
        if now.year < 9_999 and since and since < now - timedelta(days=7):
            return _invalid("start_time", "Invalid 'start_time'. 'start_time' must be on or after 7 days ago")
        if now.year < 9_999 and until and until > now - timedelta(seconds=10):
            return _invalid(
                "end_time", "Invalid 'end_time'. 'end_time' must be a minimum of 10 seconds prior to the request time."
            )
        until = until or (now - timedelta(seconds=30) if now.year < 9_999 else None)
        matches = _compiled(query)
        found = [p for p in self.world.seen(since, until) if matches(self._searched(p), p, self.world)]
        if token := request.params.get("next_token"):
            found = [p for p in found if int(self._versions(p)[0]) < int(token.removeprefix("b26v89c19zqg8o3f"), 36)]
        page = found[:size]
        meta: dict[str, Any] = {"result_count": len(page)}
        if page:
            meta = {"newest_id": self._versions(page[0])[-1], "oldest_id": self._versions(page[-1])[-1], **meta}
        if len(found) > size:
            meta["next_token"] = "b26v89c19zqg8o3f" + _base36(int(self._versions(page[-1])[0]))
        return Answer(({**self._document(page)} if page else {}) | {"meta": meta})

    def _by_ids(self, request: Request) -> Answer:
        ids = request.params.get("ids", "").split(",")
        if len(ids) > 100 or not all(i.isdecimal() for i in ids):
            return _invalid("ids", "The `ids` query parameter value is not valid")
        shown = {i: p for p in self.world.seen() for i in self._versions(p)}
        found = self._document([shown[i] for i in ids if i in shown]) if any(i in shown for i in ids) else {}
        errors = [
            {
                "value": i, "detail": f"Could not find tweet with ids: [{i}].", "title": "Not Found Error", "resource_type": "tweet",
                "parameter": "ids", "resource_id": i, "type": "https://api.twitter.com/2/problems/resource-not-found",
            }
            for i in ids if i not in shown
        ]  # fmt: skip
        return Answer(found | ({"errors": errors} if errors else {}))

    def _users(self, request: Request) -> Answer:
        names = request.params.get("usernames", "").split(",")
        found = [self._user(n, self.world.followers) for n in names if n.casefold() == OWN]
        errors = [
            {
                "value": n, "detail": f"Could not find user with usernames: [{n}].", "title": "Not Found Error",
                "resource_type": "user", "parameter": "usernames", "resource_id": n,
                "type": "https://api.twitter.com/2/problems/resource-not-found",
            }
            for n in names if n.casefold() != OWN
        ]  # fmt: skip
        return Answer(({"data": found} if found else {}) | ({"errors": errors} if errors else {}))

    def _document(self, posts: list[Post]) -> dict[str, Any]:
        others = {p.number: p for post in posts if (p := self._other(post))}
        authors = {p.author: p.audience for p in [*others.values(), *posts]}
        includes: dict[str, Any] = {"users": [self._user(name, n) for name, n in authors.items()]}
        if others:
            includes["tweets"] = [self._post(p) for p in others.values()]
        return {"data": [self._post(p) for p in posts], "includes": includes}

    def _other(self, post: Post) -> Post | None:
        number = post.parent if post.repost_of is None else post.repost_of
        found = self.world.find(number) if number is not None else None
        return found if found and found.number not in self.world.removed else None

    def _post(self, post: Post) -> dict[str, Any]:
        versions = self._versions(post)
        made = {
            "author_id": _number(post.author), "created_at": iso(post.at.replace(microsecond=0)), "edit_history_tweet_ids": versions,
            "id": versions[-1], "lang": "it", "text": self._searched(post),
            "public_metrics": {
                "retweet_count": post.shares, "reply_count": post.comments, "like_count": post.likes, "quote_count": 0,
                "bookmark_count": 0, "impression_count": 40,
            },
        }  # fmt: skip
        if post.repost_of is not None and (original := self.world.find(post.repost_of)):
            made["referenced_tweets"] = [{"type": "retweeted", "id": self._versions(original)[-1]}]
            made["text"] = made["text"] if len(made["text"]) <= 140 else made["text"][:139] + "…"
        elif post.parent is not None and (parent := self.world.find(post.parent)):
            made["referenced_tweets"] = [{"type": "replied_to", "id": self._versions(parent)[-1]}]
            made["in_reply_to_user_id"] = _number(parent.author)
        return made

    def _searched(self, post: Post) -> str:
        original = self.world.find(post.repost_of) if post.repost_of is not None else None
        return f"RT @{original.author}: {original.text}" if original else post.text

    def _user(self, name: str, followers: int) -> dict[str, Any]:
        metrics = {"followers_count": followers, "following_count": 7, "tweet_count": 99, "listed_count": 0, "like_count": 3}
        return {"id": _number(name), "name": name.title(), "public_metrics": metrics, "username": name}

    def _versions(self, post: Post) -> list[str]:
        return [str(_snowflake(at) + post.number % (1 << 22)) for at in (post.at, post.edited_at) if at]


def _compiled(query: str) -> Any:
    """The query as a function of (searched text, post, world): AND binds closer than OR, which binds closer than nothing."""
    words = _WORD.findall(query)

    def either() -> Any:
        parts = [both()]
        while words and words[0] == "OR":
            words.pop(0)
            parts.append(both())
        return lambda *post: any(part(*post) for part in parts)

    def both() -> Any:
        parts = []
        while words and words[0] not in {")", "OR"}:
            parts.append(one(words.pop(0)))
        return lambda *post: all(part(*post) for part in parts)

    def one(word: str) -> Any:
        if word == "(":
            inside = either()
            assert words.pop(0) == ")", "unbalanced"
            return inside
        if word.startswith("-"):
            inside = one(word[1:])
            return lambda *post: not inside(*post)
        return lambda text, post, world: _holds(word, text, post, world)

    whole = either()
    assert not words, "unbalanced"
    return whole


def _holds(word: str, text: str, post: Post, world: Any) -> bool:
    kind, _, value = word.partition(":")
    if kind in {"from", "lang"}:
        return value.casefold() == (post.author.casefold() if kind == "from" else "it")
    if kind == "to":
        parent = world.find(post.parent) if post.parent is not None else None
        return parent is not None and parent.author.casefold() == value.casefold()
    if word[0] in "#@":
        return word.casefold() in {w.casefold() for w in re.findall(r"[#@]\w+", text)}
    wanted, there = list(_tokens(word)), list(_tokens(text))
    return any(there[i : i + len(wanted)] == wanted for i in range(len(there)))


def _tokens(text: str) -> Iterator[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    yield from re.findall(r"\w+", plain)


def _invalid(parameter: str, message: str) -> Answer:
    return Answer({
        "errors": [{"parameters": {parameter: [""]}, "message": message}], "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.", "type": "https://api.twitter.com/2/problems/invalid-request",
    }, 400)  # fmt: skip


def _snowflake(at: datetime) -> int:
    return (unix(at) * 1_000 + at.microsecond // 1_000 - 1_288_834_974_657) << 22


def _number(name: str) -> str:
    return str(1_000_000 + zlib.crc32(name.encode()))


def _moment(value: str | None) -> datetime | None:
    return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) if value else None


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits
