"""A site's Atom feed (RFC 4287) with its latest entries, and conditional requests (RFC 9110)."""

import hashlib
from typing import Any
from xml.sax.saxutils import escape

from peers import Answer, Peer, Post, Request, http_date, iso

LATEST = 120


class Feed(Peer):
    most = LATEST

    def settings(self, base: str) -> dict[str, Any]:
        return {"urls": [f"{base}/feed.xml"]}

    def native_id(self, post: Post) -> str:
        return f"tag:news.example,2026:{post.number}"

    def answer(self, request: Request) -> Answer:
        if request.path != "/feed.xml":
            return Answer(b"<html>404</html>", 404)
        shown = self.world.seen()[:LATEST]
        entries = "".join(self._entry(p) for p in shown)
        newest = max((p.edited_at or p.at for p in shown), default=self.world.now())
        body = (
            '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="it"><title>News</title>'
            f"<id>tag:news.example,2026:feed</id><updated>{iso(newest, 'seconds')}</updated>{entries}</feed>"
        ).encode()
        told = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"', "Last-Modified": http_date(newest.replace(microsecond=0))}
        if request.headers.get("if-none-match") == told["ETag"]:
            return Answer(b"", 304, told)
        return Answer(body, 200, {**told, "Content-Type": "application/atom+xml; charset=utf-8"})

    def _entry(self, post: Post) -> str:
        return (
            f"<entry><id>{self.native_id(post)}</id><title>{escape(post.text)}</title>"
            f'<link rel="alternate" href="https://news.example/{post.number}"/><author><name>{post.author}</name></author>'
            f"<published>{iso(post.at, 'seconds')}</published><updated>{iso(post.edited_at or post.at, 'seconds')}</updated></entry>"
        )
