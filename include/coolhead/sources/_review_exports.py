"""Exports of customer reviews: app stores, marketplaces, Google, Tripadvisor, Trustpilot. A review has no audience.

A rating without words is a complaint all the same, and a wave of them is a crisis: its text is its stars, and no language
is declared for it, so that no scorer reads anything into it (measured in _review_sites.py). Our answer stands in the same record;
it becomes an own mention that answers the review.

Tokopedia is missing: no public document or file shows an export of its reviews. Amazon hands out no product reviews.
"""

import re
from typing import Any

from coolhead.sources._exports import Cells, Export, changed, either, filled, first, parameter, rated, stacked, total

GOOGLE_PLAY = Export(
    name="google play",
    tool="Google Play Console",
    kinds="CSV (UTF-16)",
    shape="recorded",
    source="https://support.google.com/googleplay/android-developer/answer/6135870 (reviews_PACKAGE_YYYYMM.csv), "
    "and public readers of the file",
    tells=(("Package Name", "Star Rating", "Review Text", "Review Submit Millis Since Epoch"),),
    zone="UTC",
    columns={
        "native_id": either(parameter("Review Link", "reviewId"), parameter("Review Link", "reviewid")),
        "published_at": first("Review Submit Millis Since Epoch"),
        "edited_at": changed("Review Last Update Millis Since Epoch", "Review Submit Millis Since Epoch"),
        "text": stacked("Review Title", "Review Text"),
        "lang": first("Reviewer Language"),
        "url": first("Review Link"),
    },
    rating=rated("Star Rating"),
    answer={"published_at": first("Developer Reply Millis Since Epoch"), "text": first("Developer Reply Text")},
)

APP_STORE_FEED = Export(
    name="app store feed",
    tool="App Store, feed of customer reviews",
    kinds="JSON",
    shape="recorded",
    source="https://itunes.apple.com/COUNTRY/rss/customerreviews/id=APP/sortBy=mostRecent/json, as public readers have it; "
    "it knows the last change only, which stands for the publication",
    tells=(("im:rating.label", "content.label", "updated.label"),),
    zone="UTC",  # never needed: times have their offset
    paths=(("feed", "entry"),),
    is_mention=filled("im:rating.label"),  # the first entry may be the app itself
    columns={
        "native_id": first("id.label"),
        "published_at": first("updated.label"),
        "text": stacked("title.label", "content.label"),
        "url": first("link.attributes.href"),
        "author": first("author.name.label"),
        "likes": total("im:voteSum.label"),
    },
    rating=rated("im:rating.label"),
)

APP_STORE_CONNECT = Export(
    name="app store connect",
    tool="App Store Connect API",
    kinds="JSON",
    shape="schema",
    source="https://developer.apple.com/documentation/appstoreconnectapi/customerreview",
    tells=(("attributes.rating", "attributes.body", "attributes.reviewerNickname", "attributes.createdDate"),),
    zone="UTC",  # never needed: times have their offset
    paths=(("data",),),
    columns={
        "native_id": first("id"),
        "published_at": first("attributes.createdDate"),
        "text": stacked("attributes.title", "attributes.body"),
        "author": first("attributes.reviewerNickname"),
    },
    rating=rated("attributes.rating"),
)

AMAZON_FEEDBACK = Export(
    name="amazon feedback",
    tool="Amazon Seller Central, feedback report",
    kinds="TSV",
    shape="help page",
    source="https://developer-docs.amazon.com/sp-api/docs/report-type-values-performance (GET_SELLER_FEEDBACK_DATA); from the "
    "vendor's help page, not from a recorded file. Days only, in the order of the marketplace: other than year first, the "
    "plan must say it (time_format). The seller's response has no time, and is left out",
    tells=(("Date", "Rating", "Comments", "Order ID", "Rater Email"),),
    columns={
        "native_id": first("Order ID"),
        "published_at": first("Date"),
        "text": first("Comments"),
        "author": first("Rater Email"),
    },
    rating=rated("Rating"),
)


def _recommends(cells: Cells) -> str | None:
    return {"true": "\N{THUMBS UP SIGN}", "false": "\N{THUMBS DOWN SIGN}"}.get(str(cells.get("recommended")).casefold())


ALLEGRO = Export(
    name="allegro",
    tool="Allegro, ratings of a seller",
    kinds="JSON",
    shape="schema",
    source="https://developer.allegro.pl/documentation (GET /sale/user-ratings; comment is a text, or an object since beta.v1)",
    tells=(("recommended", "createdAt", "buyer.login"),),
    zone="UTC",
    paths=(("ratings",),),
    columns={
        "native_id": first("id"),
        "published_at": first("createdAt"),
        "edited_at": first("editedAt"),
        "text": first("comment", "comment.text"),
        "lang": first("comment.language"),
        "author": first("buyer.login"),
    },
    rating=_recommends,
    answer={"published_at": first("answer.createdAt"), "text": first("answer.message")},
)

SHOPEE = Export(
    name="shopee",
    tool="Shopee Open Platform",
    kinds="JSON",
    shape="schema",
    source="https://open.shopee.com/documents (v2.product.get_comment)",
    tells=(("comment_id", "comment", "buyer_username", "rating_star", "create_time"),),
    zone="UTC",
    paths=(("response", "item_comment_list"),),
    columns={
        "native_id": first("comment_id"),
        "published_at": first("create_time"),
        "text": first("comment"),
        "author": first("buyer_username"),
    },
    rating=rated("rating_star"),
    answer={"published_at": first("comment_reply.create_time"), "text": first("comment_reply.reply")},
)


def _as_written(cells: Cells) -> Any:
    """Google adds its translation above or below what the customer wrote."""
    text = first("comment")(cells)
    if not isinstance(text, str):
        return text
    original = re.search(r"\(Original\)\s*(.+)", text, re.DOTALL)
    return original[1] if original else re.sub(r"\s*\(Translated by Google\).*", "", text, flags=re.DOTALL) or text


GOOGLE_REVIEWS = Export(
    name="google reviews",
    tool="Google Business Profile (API, or Takeout)",
    kinds="JSON",
    shape="schema",
    source="https://developers.google.com/my-business/reference/rest/v4/accounts.locations.reviews",
    tells=(("starRating", "createTime", "updateTime"),),
    zone="UTC",
    paths=(("reviews",),),
    columns={
        "native_id": first("reviewId", "name"),
        "published_at": first("createTime"),
        "edited_at": changed("updateTime", "createTime"),
        "text": _as_written,
        "author": first("reviewer.displayName"),
    },
    rating=rated("starRating"),
    answer={"published_at": first("reviewReply.updateTime"), "text": first("reviewReply.comment")},
)

TRIPADVISOR = Export(
    name="tripadvisor",
    tool="Tripadvisor Content API",
    kinds="JSON",
    shape="schema",
    source="https://tripadvisor-content-api.readme.io/reference/getlocationreviews, and files made from it",
    tells=(("location_id", "published_date", "rating", "trip_type"),),
    zone="UTC",
    paths=(("data",), ("reviews",)),
    columns={
        "native_id": first("id"),
        "published_at": first("published_date"),
        "text": stacked("title", "text"),
        "lang": first("lang"),
        "url": first("url"),
        "author": first("user.username"),
        "likes": total("helpful_votes"),
    },
    rating=rated("rating"),
    answer={"published_at": first("owner_response.published_date"), "text": first("owner_response.text")},
)

TRUSTPILOT = Export(
    name="trustpilot",
    tool="Trustpilot Business",
    kinds="CSV, XLSX",
    shape="recorded",
    source="service reviews, as public readers of the export have them; https://support.trustpilot.com",
    tells=(("Review Id", "Review Created (UTC)", "Review Stars", "Review Content"),),
    zone="UTC",  # the header says so
    columns={
        "native_id": first("Review Id"),
        "published_at": first("Review Created (UTC)"),
        "text": stacked("Review Title", "Review Content"),
        "lang": first("Review Language"),
        "author": first("Review Consumer User Id", "Review Username"),
    },
    rating=rated("Review Stars"),
    answer={
        "published_at": first("Company Reply Date (UTC)", "Business Reply Date (UTC)"),
        "text": first("Company Response", "Company Reply", "Business Reply"),
    },
)

REVIEWS = (
    GOOGLE_PLAY, APP_STORE_FEED, APP_STORE_CONNECT, AMAZON_FEEDBACK, ALLEGRO, SHOPEE, GOOGLE_REVIEWS, TRIPADVISOR, TRUSTPILOT,
)  # fmt: skip
