"""One post of the story, and its plain export."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

Network = Literal["mastodon", "news"]
Kind = Literal[
    "calm_positive", "calm_neutral", "calm_negative", "giveaway", "complaint", "defence", "question", "joke",
    "news_positive", "news_neutral", "news_negative", "news_crisis",
    "own", "own_reply", "statement", "reply_complaint",
]  # fmt: skip
"""The last four are by the brand."""

BRAND: Final = "Zefirella"
HASHTAG: Final = "zefirella"
HOME: Final = "social.example"
"""The server that is played; accounts of other servers are known to it."""
OWN: Final = f"zefirella@{HOME}"
LANGUAGES: Final = ("en", "it", "pl", "id")
COLUMNS: Final = ("id", "created_at", "text", "author", "followers", "likes", "comments", "shares", "url", "lang", "network")


@dataclass(frozen=True)
class Post:
    """A public post, or an article (text: title, line break, opening lines; author: the outlet's domain)."""

    id: str
    at: datetime
    network: Network
    lang: str
    text: str
    author: str
    """user@server; without a leading @."""
    name: str
    followers: int
    """Of the author then; 0 for an outlet, whose audience no feed tells."""
    likes: int
    boosts: int
    replies: int
    kind: Kind
    gated: bool = False
    reply_to: str | None = None

    @property
    def own(self) -> bool:
        return self.author == OWN

    @property
    def url(self) -> str:
        if self.network == "news":
            title, number = self.text.partition("\n")[0], self.id.rpartition(":")[2]
            return f"https://{self.author}/{self.at:%Y/%m/%d}/{slug(title)}-{number[-6:]}"
        user, _, server = self.author.partition("@")
        return f"https://{server}/@{user}/{self.id}"


def slug(text: str) -> str:
    """ASCII letters and digits joined by hyphens."""
    plain = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("Ł", "L")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def snowflake(at: datetime, sequence: int = 0) -> int:
    """A Mastodon id: milliseconds since 1970, then 16 bits that tell apart what was published in the same one."""
    return (int(at.timestamp() * 1000 + 0.5) << 16) + sequence % 65_536


def as_csv(posts: Iterable[Post]) -> str:
    """A plain export; counts of an article are empty: unknown is not 0."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for post in posts:
        counts = [post.followers, post.likes, post.replies, post.boosts] if post.network == "mastodon" else [""] * 4
        rows.writerow([post.id, post.at.isoformat(), post.text, post.author, *counts, post.url, post.lang, post.network])
    return out.getvalue()
