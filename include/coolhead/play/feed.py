"""The story's articles as an Atom feed in the shape of Google Alerts (title and content are HTML in text)."""

import html
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

from coolhead.play.post import BRAND, Post

HOST = "alerts.example"
STREAM = "04211960378113520994/7713560981220458316"


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _marked(text: str) -> str:
    """The search word in bold, as HTML, escaped once more for the XML."""
    return html.escape(html.escape(text).replace(BRAND, f"<b>{BRAND}</b>"), quote=False)


def _entry(post: Post) -> str:
    title, _, opening = post.text.partition("\n")
    link = html.escape(f"https://{HOST}/url?rct=j&sa=t&url={quote(post.url, safe=':/')}&ct=ga&cd=CAIyAA:{post.lang}&usg=AFQj")
    at = _stamp(post.at)
    return (
        f'<entry> <id>{post.id}</id> <title type="html">{_marked(title)}</title> <link href="{link}"></link>'
        f" <published>{at}</published> <updated>{at}</updated>"
        f' <content type="html">{_marked(opening)}</content> <author> <name></name> </author> </entry>'
    )


def atom(articles: Iterable[Post], fallback: datetime) -> bytes:
    """Newest first; `fallback`: the feed's time where it is empty."""
    newest = sorted(articles, key=lambda post: (post.at, post.id), reverse=True)
    user, stream = STREAM.split("/")
    head = (
        '<?xml version="1.0" encoding="utf-8"?> <feed xmlns="http://www.w3.org/2005/Atom"'
        ' xmlns:idx="urn:atom-extension:indexing">'
        f" <id>tag:{HOST},2005:reader/user/{user}/state/com.alerts/alerts/{stream}</id> <title>Alert - {BRAND}</title>"
        f' <link href="https://{HOST}/alerts/feeds/{STREAM}" rel="self"></link>'
        f" <updated>{_stamp(newest[0].at if newest else fallback)}</updated> "
    )
    return (head + "".join(_entry(post) for post in newest) + "</feed>").encode()
