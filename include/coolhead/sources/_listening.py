"""Exports of tools that listen and publish for brands: Brandwatch, Meltwater, Talkwalker, Hootsuite, Sprout Social, Brand24.

Hootsuite Listening is Talkwalker's, and exports its columns.
"""

from typing import Any

from coolhead.sources._exports import (
    Cell,
    Cells,
    Export,
    always,
    beside,
    either,
    filled,
    first,
    largest_audience,
    most,
    stacked,
    status,
    total,
)  # fmt: skip
from coolhead.sources._identity import by_address

_ARTICLE = "article_extended_attributes."
_SOURCE = "source_extended_attributes."

_TEXT, _BOTH = first("Full Text", "Snippet"), stacked("title", "text")
_HEADLINED = ("news", "blog", "magazine", "print", "review", "podcast", "tv", "radio")


def _under_headline(cells: Cells) -> Any:
    """Articles have a headline of their own; elsewhere `Title` repeats the text, or is somebody else's thread."""
    text = _TEXT(cells)
    headlined = str(cells.get("page type") or "").strip().casefold() in _HEADLINED
    title = cells.get("title") if headlined or text is None else None
    return _BOTH({"title": title, "text": text})


BRANDWATCH = Export(
    name="brandwatch",
    tool="Brandwatch Consumer Research",
    kinds="CSV, XLSX",
    shape="recorded",
    source="Bulk Mentions Download: six lines above the header (Report:, Brand:, From:, To:, Label:); columns as in "
    "https://developers.brandwatch.com/docs/mention-metadata-field-definitions, `Twitter` before 2024 and `X` since",
    tells=(("Query Id", "Query Name", "Snippet", "Url"),),
    zone="UTC",  # From: and To: above the header name it, and public readers of the file agree
    columns={
        # Replies and reposts name an address on X, everything else has Brandwatch's own id.
        "native_id": either(status("Url"), first("Resource Id", "Mention Id")),
        "published_at": first("Date"),
        "text": _under_headline,
        "lang": first("Language"),
        "url": first("Url", "Original Url"),
        "author": first("Author", "Full Name"),
        "audience": largest_audience(
            "X Followers", "Twitter Followers", "Bluesky Followers", "Instagram Followers", "Youtube Subscriber Count",
            "Reach (new)",
        ),
        "likes": most(
            first("Likes"),
            total("X Likes", "Twitter Likes", "Facebook Likes", "Instagram Likes", "Linkedin Likes", "Threads Likes",
                  "Tiktok Likes", "Youtube Likes", "Bluesky Likes"),
        ),
        "comments": most(
            first("Comments"),
            total("X Replies", "Twitter Reply Count", "Facebook Comments", "Instagram Comments", "Linkedin Comments",
                  "Reddit Comments", "Threads Replies", "Tiktok Comments", "Youtube Comments", "Bluesky Replies"),
        ),
        "shares": most(
            first("Shares"),
            total("X Reposts", "Twitter Retweets", "Facebook Shares", "Linkedin Shares", "Threads Reposts", "Threads Quotes",
                  "Threads Shares", "Tiktok Shares", "Bluesky Reposts", "Bluesky Quotes"),
        ),
        "parent": status("X Reply to", "Twitter Reply to"),
        "repost_of": status("X Repost of", "Twitter Retweet of"),
    },
    audience="followers or subscribers; where there are none, the estimated `Reach (new)`",
)  # fmt: skip

MELTWATER = Export(
    name="meltwater",
    tool="Meltwater",
    kinds="CSV (tabs, UTF-16), XLSX",
    shape="recorded",
    source="header of the public dataset TweetDataset_AntiBrexit_Jan-Mar2022.csv, and public readers of newer exports "
    "(Author Handle, Links); explained on https://help.meltwater.com",
    tells=(("Opening Text", "Hit Sentence"),),
    forms=("%d-%b-%y %I:%M %p", "%d-%b-%Y %I:%M%p", "%Y-%m-%d %I:%M %p", "%d-%b-%y", "%d-%b-%Y"),
    columns={
        "native_id": first("Tweet Id", "Document ID"),
        "published_at": either(beside("Alternate Date Format", "Time"), beside("Date", "Time")),
        "text": stacked("Headline", "Opening Text", "Hit Sentence"),
        "lang": first("Language"),
        "url": first("URL"),
        "author": first("Twitter Screen Name", "Author Handle", "Influencer"),
        "audience": largest_audience("Twitter Followers", "Reach"),
        # `Engagement` is a total that nobody can split, so it is left out; the echo counts who passed an article on.
        "likes": first("Likes"),
        "comments": total("Comments", "Replies"),
        "shares": most(total("Shares", "Reposts"), total("Twitter Social Echo", "Facebook Social Echo", "Reddit Social Echo")),
    },
    audience="followers on X; elsewhere Meltwater's `Reach` (followers, or monthly visitors of a news site)",
)


def _thread_title_apart(cells: Cells) -> Any:
    """A comment is exported under the title of its thread, which somebody else wrote."""
    comment = "isComment" in str(cells.get("tags internal") or "")
    return first("content", "title")(cells) if comment else stacked("title", "content")(cells)


def _address(header: str, other: str = "") -> Cell:
    def at(cells: Cells) -> str | None:
        found, own = (str(first(h)(cells) or "") if h else "" for h in (header, other))
        return by_address(found) if found and by_address(found) != (by_address(own) if own else None) else None

    return at


TALKWALKER = Export(
    name="talkwalker",
    tool="Talkwalker, Hootsuite Listening",
    kinds="CSV, XLSX",
    shape="recorded",
    source="columns as public readers of its exports have them, named as the fields of "
    "https://apidocs.talkwalker.com; users choose the columns and the form of the dates",
    tells=(("published", "content", "extra_author_attributes.name"), ("published", "content", "extra_source_attributes.name")),
    columns={
        "native_id": either(_address("url"), first("external_id")),
        "published_at": first("published"),
        "text": _thread_title_apart,
        "lang": first("lang"),
        "url": first("url"),
        "author": first("extra_author_attributes.short_name", "extra_author_attributes.name"),
        "audience": largest_audience(
            f"{_SOURCE}twitter_followers", f"{_SOURCE}facebook_followers", f"{_SOURCE}instagram_followers", "reach"
        ),
        "likes": total(*(f"{_ARTICLE}{n}_likes" for n in ("twitter", "facebook", "instagram", "youtube", "linkedin", "pinterest"))),
        "comments": total(f"{_ARTICLE}num_comments", f"{_ARTICLE}twitter_replies"),
        "shares": total(
            *(f"{_ARTICLE}{n}_shares" for n in ("twitter", "facebook", "linkedin")),
            f"{_ARTICLE}twitter_retweets", f"{_ARTICLE}pinterest_repins",
        ),
        "parent": _address("parent_url", "url"),
    },
    audience="followers on X, Facebook and Instagram; elsewhere `reach` (monthly visits of a site)",
)  # fmt: skip

HOOTSUITE = Export(
    name="hootsuite",
    tool="Hootsuite Analytics",
    kinds="CSV, XLSX",
    shape="recorded",
    source="Post performance, as a public test of a reader holds it (two lines above the header); https://help.hootsuite.com",
    tells=(("Date (GMT)", "Post Message", "Post Permalink", "Social Network"),),
    zone="UTC",  # the header says so
    columns={
        "native_id": first("Post ID", "Post Permalink"),
        "published_at": first("Date (GMT)"),
        "text": first("Post Message"),
        "url": first("Post Permalink"),
        "author": first("Social Profile", "Account"),
        "likes": either(total("Reactions"), total("Likes")),
        "comments": total("Comments", "Replies"),
        "shares": total("Shares", "Retweets", "Reposts"),
        "own": always(True),
    },
    audience="none (reach of a single post is no audience)",
)

SPROUT_POSTS = Export(
    name="sprout social posts",
    tool="Sprout Social",
    kinds="CSV",
    shape="recorded",
    source="Post Performance Report, as a public test of a reader holds it; https://support.sproutsocial.com",
    tells=(("Post ID", "Network", "Sent by", "Link", "Post"),),
    forms=("%m/%d/%Y %I:%M %p", "%m/%d/%Y"),
    columns={
        "native_id": first("Post ID", "Link"),
        "published_at": first("Date"),
        "text": first("Post"),
        "url": first("Link"),
        "author": first("Profile"),
        "likes": either(total("Reactions"), total("Likes")),
        "comments": total("Comments"),
        "shares": total("Shares", "Reposts"),
        "own": always(True),
    },
    audience="none (reach of a single post is no audience)",
)

SPROUT_MESSAGES = Export(
    name="sprout social messages",
    tool="Sprout Social",
    kinds="JSON",
    shape="schema",
    source="https://api.sproutsocial.com/docs/ (messages of the inbox and of a listening topic)",
    tells=(("text", "created_time", "perma_link", "network"),),
    zone="UTC",
    paths=(("data",),),
    # The inbox holds private messages too, and those are no mentions.
    is_mention=lambda cells: "DIRECT_MESSAGE" not in str(cells.get("post type") or ""),
    columns={
        "native_id": first("guid", "perma_link"),
        "published_at": first("created_time"),
        "text": first("text"),
        "lang": first("listening_metadata.language", "language_code"),
        "url": first("perma_link"),
        "author": first("from.screen_name", "from.name", "from.guid"),
        "audience": largest_audience("metrics.from.followers_count"),
        "likes": total("metrics.likes"),
        "comments": total("metrics.replies"),
        "shares": total("metrics.shares_count"),
        "own": filled("internal.sent_by.id"),
    },
    audience="followers, where the request asked for `from.followers_count`",
)

BRAND24 = Export(
    name="brand24",
    tool="Brand24",
    kinds="CSV, XLSX",
    shape="help page",
    source="https://help.brand24.com (exporting mentions), and names that public readers of its exports accept; "
    "from the vendor's help page, not from a recorded file",
    tells=(("date", "author", "source", "influencer_score"), ("date", "author", "source", "influence score")),
    columns={
        "native_id": first("id"),
        "published_at": either(beside("date", "time"), beside("date", "hour")),
        "text": stacked("title", "text", "content"),
        "lang": first("language"),
        "url": first("url", "link"),
        "author": first("author"),
        "audience": largest_audience("followers", "followers count", "reach"),
        "likes": total("likes"),
        "comments": total("comments"),
        "shares": total("shares"),
    },
    audience="followers; where there are none, Brand24's estimated `reach`",
)

LISTENING = (BRANDWATCH, MELTWATER, TALKWALKER, HOOTSUITE, SPROUT_POSTS, SPROUT_MESSAGES, BRAND24)
