"""GDELT's DOC 2.0 API: article lists, errors as plain text with status 200 (blog.gdeltproject.org/gdelt-doc-2-0-api-debuts)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from peers import Answer, Peer, Post, Request

STEP = timedelta(minutes=15)


class Gdelt(Peer):
    page = 250
    most = 498
    apart = STEP
    edits = False

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": base}

    def native_id(self, post: Post) -> str:
        return f"https://news.example/2026/{post.number}"

    def answer(self, request: Request) -> Answer:
        asked = request.params
        if request.path != "/api/v2/doc/doc" or asked.get("mode", "").lower() != "artlist":
            return Answer(b"Invalid mode.", 200, {"Content-Type": "text/html"})
        if not 2 < len(asked.get("query", "")) <= 250:
            return Answer(b"Your query was too short or too long.\n", 200, {"Content-Type": "text/html"})
        since, until = self._span(asked)
        if until - since < STEP:
            return Answer(b"Timespan is too short.\n", 200, {"Content-Type": "text/html"})
        named = asked["query"] == "weather" or "zefirella" in asked["query"].lower()
        shown = [p for p in self.world.seen() if named and since <= seen_at(p) <= until]
        articles = [self._article(p) for p in shown[: min(request.number("maxrecords", 75), 250)]]
        return Answer({"articles": articles} if articles else {})

    def _span(self, asked: Mapping[str, str]) -> tuple[datetime, datetime]:
        """Both dates, or so many hours until now (`timespan=6h`)."""
        if "timespan" in asked:
            now = self.world.now()
            return now - timedelta(hours=int(asked["timespan"].removesuffix("h"))), now
        since, until = (
            datetime.strptime(asked[n], "%Y%m%d%H%M%S").replace(tzinfo=UTC) for n in ("startdatetime", "enddatetime")
        )
        return since, until

    def _article(self, post: Post) -> dict[str, Any]:
        return {
            "url": self.native_id(post), "url_mobile": "", "title": post.text, "seendate": f"{seen_at(post):%Y%m%dT%H%M%SZ}",
            "socialimage": "", "domain": "news.example", "language": "Italian", "sourcecountry": "Italy",
        }  # fmt: skip


def seen_at(post: Post) -> datetime:
    return post.at - (post.at - datetime(2000, 1, 1, tzinfo=UTC)) % STEP
