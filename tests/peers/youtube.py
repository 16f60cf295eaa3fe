"""YouTube's Data API v3 (developers.google.com/youtube/v3/docs): the world's posts are comments under the own channel's
videos, those with a parent replies to its thread. `videos` are what others published, found by search and with comments.

As the API does: exactly one filter a question; threads by the time they began, newest first, with at most five replies each;
opaque page tokens; a search that ends after 500 results; ids that are missing from an answer instead of an error; an empty
list without `items`; comments that are off as 403; texts as HTML unless plain text is asked for; counts of videos as texts.
Replies that are held back are counted and not shown: a post's `comments`, where they are not the world's usual 1, are its count.
Unlike on YouTube, a reply outlives its thread's first comment, so that everything of a world stays to be seen.
"""

import base64
import html
from typing import Any

from peers import OWN, Answer, Peer, Post, Request, World, iso

KEY = "AIza-key-of-the-lemon-gelato-project"
CHANNEL = "UCzefirella0000000000000"
OWN_VIDEO = "zefirella01"
TOPMOST = "Ug{:022d}AaABAg"
SEARCHED = 500
"""Results after which a search ends."""


class Youtube(Peer):
    page = 100
    removals = frozenset({"unknown"})

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.videos = World(now=lambda: self.world.now())
        self.comments: dict[int, World] = {}
        """Number of a video -> comments under it; a video that is missing here has them switched off."""
        self.spent: set[str] = set()
        """Methods whose daily quota is spent."""

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": base}

    def credentials(self) -> dict[str, Any]:
        return {"password": KEY}

    def own_accounts(self) -> tuple[str, ...]:
        return (CHANNEL,)

    def native_id(self, post: Post) -> str:
        thread = self._thread(post)
        return _top(thread) if thread.number == post.number else f"{_top(thread)}.{post.number:022d}"

    def video_id(self, post: Post) -> str:
        return f"video{post.number:06d}"

    def answer(self, request: Request) -> Answer:
        method = request.path.strip("/")
        if KEY not in {request.headers.get("x-goog-api-key"), request.params.get("key")}:
            return _error(
                400, "API key not valid. Please pass a valid API key.", "badRequest", details=[{"reason": "API_KEY_INVALID"}]
            )
        if method in self.spent:
            return _error(403, "The request cannot be completed because you have exceeded your quota.", "quotaExceeded")
        if "part" not in request.params:
            return _error(400, "No part was named.", "required")
        known = {"commentThreads": self._threads, "comments": self._comments, "search": self._search, "videos": self._videos,
                 "channels": self._channels}  # fmt: skip
        return known[method](request) if method in known else _error(404, "Not found.", "notFound")

    def _thread(self, post: Post) -> Post:
        while post.parent is not None and (parent := self.world.find(post.parent)):
            post = parent
        return post

    def _threads(self, request: Request) -> Answer:
        video, channel = request.params.get("videoId"), request.params.get("allThreadsRelatedToChannelId")
        if bool(video) == bool(channel):
            return _error(400, "Exactly one filter.", "missingRequiredParameter")
        if channel and channel != CHANNEL:
            return _error(404, "The channel cannot be found.", "channelNotFound")
        if channel:
            found = [self._as_thread(top, OWN_VIDEO, request, replies) for top, replies in self._grouped()]
            return _paged(request, "commentThread", found, 100)
        number = next((p.number for p in self.videos.seen() if self.video_id(p) == video), None)
        if number is None:
            return _error(404, "The video cannot be found.", "videoNotFound")
        if number not in self.comments:
            return _error(403, "The video has disabled comments.", "commentsDisabled")
        found = [self._as_thread(p, str(video), request, []) for p in self.comments[number].seen()]
        return _paged(request, "commentThread", found, 100)

    def _grouped(self) -> list[tuple[Post, list[Post]]]:
        """First comments, newest first, with the replies to each."""
        found: dict[int, list[Post]] = {}
        for p in self.world.seen():
            found.setdefault(self._thread(p).number, []).append(p)
        tops = [top for number in found if (top := self.world.find(number))]
        tops.sort(key=lambda p: (p.at, p.number), reverse=True)
        return [(top, [p for p in found[top.number] if p.number != top.number]) for top in tops]

    def _as_thread(self, post: Post, video: str, request: Request, replies: list[Post]) -> dict[str, Any]:
        top = _comment(_top(post), post, request, {"videoId": video})
        total = post.comments if post.comments > 1 else len(replies)
        thread: dict[str, Any] = {
            "kind": "youtube#commentThread",
            "etag": "e",
            "id": _top(post),
            "snippet": {
                "videoId": video,
                "topLevelComment": top,
                "canReply": True,
                "totalReplyCount": total,
                "isPublic": True,
            },
        }
        if replies:
            inline = [_comment(self.native_id(p), p, request, {"videoId": video, "parentId": _top(post)}) for p in replies[:5]]
            thread["replies"] = {"comments": inline}
        return thread

    def _comments(self, request: Request) -> Answer:
        if ids := request.params.get("id"):
            there = {self.native_id(p): p for p in self.world.seen()}
            return _listed("comment", [_comment(i, there[i], request, _parent(i)) for i in ids.split(",") if i in there])
        thread, replies = next(((t, r) for t, r in self._grouped() if _top(t) == request.params.get("parentId")), (None, []))
        if thread is None:
            return _error(404, "The thread cannot be found.", "commentNotFound")
        found = [_comment(self.native_id(p), p, request, {"parentId": _top(thread)}) for p in replies]
        return _paged(request, "comment", found, 100)

    def _search(self, request: Request) -> Answer:
        words = [w.strip('"').casefold() for w in request.params["q"].split("|")]
        since, until = request.params.get("publishedAfter", ""), request.params.get("publishedBefore", "9")
        found = [
            {"kind": "youtube#searchResult", "etag": "e", "id": {"kind": "youtube#video", "videoId": self.video_id(p)},
             "snippet": self._snippet(p, html.escape(p.text), 60)}
            for p in self.videos.seen() if since <= iso(p.at, "seconds") <= until and any(w in p.text.casefold() for w in words)
        ]  # fmt: skip
        return _paged(request, "search", found[:SEARCHED], 50, {"regionCode": "IT"})

    def _videos(self, request: Request) -> Answer:
        if request.params.get("chart") == "mostPopular":
            return _listed("video", [{"kind": "youtube#video", "etag": "e", "id": "popular0001"}])
        ids = request.params["id"].split(",")
        if len(ids) > 50:
            return _error(400, "Too many ids.", "invalidFilters")
        there = {self.video_id(p): p for p in self.videos.seen()}
        return _listed("video", [
            {"kind": "youtube#video", "etag": "e", "id": i, "snippet": self._snippet(there[i], there[i].text, 5_000),
             "statistics": self._counts(there[i])}
            for i in ids if i in there
        ])  # fmt: skip

    def _snippet(self, post: Post, text: str, most: int) -> dict[str, Any]:
        return {
            "publishedAt": iso(post.at, "seconds"),
            "channelId": _channel(post.author),
            "title": "Un gelato",
            "description": text[:most],
            "channelTitle": post.author,
        }

    def _counts(self, post: Post) -> dict[str, str]:
        counts = {"viewCount": "9000", "likeCount": str(post.likes), "favoriteCount": "0"}
        return counts | ({"commentCount": str(len(self.comments[post.number].seen()))} if post.number in self.comments else {})

    def _channels(self, request: Request) -> Answer:
        own = request.params.get("forHandle", "").lstrip("@") == OWN
        ids = [CHANNEL] if own else request.params.get("id", "").split(",")
        known = {CHANNEL: self.world.followers} | {_channel(p.author): p.audience for p in self.videos.seen()}
        return _listed("channel", [
            {"kind": "youtube#channel", "etag": "e", "id": i,
             "statistics": {"viewCount": "1", "subscriberCount": str(known[i]), "hiddenSubscriberCount": False, "videoCount": "1"}}
            for i in ids if i in known
        ])  # fmt: skip


def _top(post: Post) -> str:
    return TOPMOST.format(post.number)


def _parent(native_id: str) -> dict[str, Any]:
    return {"parentId": native_id.partition(".")[0]} if "." in native_id else {}


def _channel(author: str) -> str:
    return CHANNEL if author == OWN else "UC" + author.rjust(22, "0")


def _comment(native_id: str, post: Post, request: Request, place: dict[str, Any]) -> dict[str, Any]:
    """`textOriginal` is shown to a comment's author alone."""
    shown = post.text if request.params.get("textFormat") == "plainText" else html.escape(post.text)
    return {
        "kind": "youtube#comment",
        "etag": "e",
        "id": native_id,
        "snippet": {
            "channelId": CHANNEL,
            **place,
            "textDisplay": shown,
            "authorDisplayName": f"@{post.author}",
            "authorChannelUrl": f"http://www.youtube.com/@{post.author}",
            "authorChannelId": {"value": _channel(post.author)},
            "canRate": True,
            "viewerRating": "none",
            "likeCount": post.likes,
            "publishedAt": iso(post.at, "seconds"),
            "updatedAt": iso(post.edited_at or post.at, "seconds"),
        },
    }


def _listed(kind: str, found: list[dict[str, Any]]) -> Answer:
    body: dict[str, Any] = {"kind": f"youtube#{kind}ListResponse", "etag": "e", "pageInfo": {"totalResults": len(found)}}
    return Answer(body | ({"items": found} if found else {}))


def _paged(request: Request, kind: str, found: list[dict[str, Any]], most: int, more: dict[str, Any] | None = None) -> Answer:
    asked = request.number("maxResults", 5 if kind == "search" else 20)
    if not 1 <= asked <= most:
        return _error(400, "maxResults is out of range.", "invalidParameter")
    token = request.params.get("pageToken")
    first = int(base64.urlsafe_b64decode(token)) if token else 0
    last = first + asked
    body: dict[str, Any] = {"kind": f"youtube#{kind}ListResponse", "etag": "e", **(more or {})}
    if last < len(found):
        body["nextPageToken"] = base64.urlsafe_b64encode(str(last).encode()).decode()
    return Answer(body | {"pageInfo": {"totalResults": len(found), "resultsPerPage": asked}, "items": found[first:last]})


def _error(status: int, message: str, reason: str, **more: Any) -> Answer:
    errors = [{"message": message, "domain": "youtube", "reason": reason}]
    return Answer({"error": {"code": status, "message": message, "errors": errors, **more}}, status)
