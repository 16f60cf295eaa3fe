"""What networks hand out themselves: TikTok, LinkedIn, Threads. Most of it is what the account itself wrote: own mentions.

LinkedIn's copy of a member's data is left out: its Comments.csv has the columns Date, Link, Message, which any file may
have, and taken for own mentions a customer's complaints would be lost from every number.
"""

from typing import Any

from coolhead.sources._exports import Cell, Cells, Export, always, either, first, stacked, total

TIKTOK_DATA = Export(
    name="tiktok data",
    tool="TikTok, Download your data",
    kinds="JSON",
    shape="recorded",
    source="user_data_tiktok.json, as public readers of it have it (in some the keys have capitals); https://support.tiktok.com",
    tells=(("date", "comment", "photo"), ("date", "comment", "url")),
    buried=True,
    zone="UTC",  # the text form of the same export writes it out
    paths=(("Comment", "Comments", "CommentsList"),),
    columns={
        "published_at": first("date"),
        "text": first("comment"),
        "url": first("url"),
        "own": always(True),
    },
)

TIKTOK_COMMENTS = Export(
    name="tiktok comments",
    tool="TikTok Research API",
    kinds="JSON",
    shape="schema",
    source="https://developers.tiktok.com/doc/research-api-specs-query-video-comments",
    tells=(("video_id", "text", "create_time", "like_count"),),
    zone="UTC",
    paths=(("data", "comments"),),
    columns={
        "native_id": first("id"),
        "published_at": first("create_time"),
        "text": first("text"),
        "likes": total("like_count"),
        "comments": total("reply_count"),
        "parent": first("parent_comment_id", "video_id"),
    },
)

LINKEDIN_POSTS = Export(
    name="linkedin posts",
    tool="LinkedIn Page, Content analytics",
    kinds="XLS (save it as XLSX), CSV",
    shape="recorded",
    source="sheet All posts: a line of explanations above the header, as public readers of it have it; "
    "https://www.linkedin.com/help. Days only, so a post lies at midnight",
    tells=(("Post title", "Post link", "Posted by", "Created date"),),
    forms=("%m/%d/%Y",),
    columns={
        "native_id": first("Post link"),
        "published_at": first("Created date"),
        "text": first("Post title"),
        "url": first("Post link"),
        "author": first("Posted by"),
        "likes": total("Likes"),
        "comments": total("Comments"),
        "shares": total("Reposts"),
        "own": always(True),
    },
)

LINKEDIN_COMMENTS = Export(
    name="linkedin comments",
    tool="LinkedIn Community Management API",
    kinds="JSON",
    shape="schema",
    source="https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/comments-api",
    tells=(("actor", "commentUrn", "created.time", "message.text", "object"),),
    zone="UTC",
    paths=(("elements",),),
    columns={
        "native_id": first("commentUrn"),
        "published_at": first("created.time"),
        "text": first("message.text"),
        "author": first("actor"),
        "likes": total("likesSummary.totalLikes"),
        "comments": total("commentsSummary.aggregatedTotalComments"),
        "parent": first("parentComment", "object"),
    },
)


def _repaired(cell: Cell) -> Cell:
    """Meta writes each byte of UTF-8 as a character of its own: `caffÃ¨` is caffè."""

    def text(cells: Cells) -> Any:
        found = cell(cells)
        try:
            return found.encode("latin-1").decode("utf-8") if isinstance(found, str) else found
        except UnicodeError:  # it was written properly
            return found

    return text


THREADS = Export(
    name="threads data",
    tool="Threads, Export your information",
    kinds="JSON",
    shape="recorded",
    source="threads_and_replies.json, as public readers of it have it; https://help.instagram.com",
    buried=True,
    tells=(("media[0].creation_timestamp", "media[0].title"), ("creation_timestamp", "media[0].uri")),
    zone="UTC",
    paths=(("text_post_app_text_posts",),),
    columns={
        "published_at": first("creation_timestamp", "media[0].creation_timestamp"),
        "text": _repaired(either(stacked("title"), stacked("media[0].title"), always(""))),
        "own": always(True),
    },
)

NATIVE = (TIKTOK_DATA, TIKTOK_COMMENTS, LINKEDIN_POSTS, LINKEDIN_COMMENTS, THREADS)
