"""Google reviews: those of the brand's own places on Google Maps and Search, with their stars, and the owner's answers.

Plan, approval, price: free, by approval. The brand must own or manage the verified Business Profiles, and a Google Cloud
project must be granted access to the Business Profile APIs (a form; some two weeks; until then its quota is 0 and every call
is answered by 429). Sign in once with the scope https://www.googleapis.com/auth/business.manage and write, into the Airflow
connection `google_reviews`: password = refresh token, login = client id, and client_secret in extra. Each poll gets itself an
access token with them, which lives an hour. A project in the state "testing" has refresh tokens of seven days: publish it.
Quota: 300 calls a minute. How long reviews may be kept is for Google's policies to say; set the plan's retention by them.

What is read: all reviews of the plan's `locations`, newest change first, 50 a page. All are addressed to the brand. Where
Google adds its own translation to a review, only its author's words are kept. The stars stand as first line of the text; a
rating without words has nothing else, and stays unscored. Authors are told by their displayed names only, which namesakes
share; an anonymous one is unknown. Answers have no id of their own:
theirs is the review's, and "/reply". An answer may come without the review counting as changed, so each poll asks two weeks
back; one that is given later is not seen. Someone else's places are not shown: for those, use an export.
Gone: a review is asked for by id, and 404 says that it is no longer there; neither by whom nor why. A missing answer was
removed by us, since only we can.

https://developers.google.com/my-business/reference/rest/v4/accounts.locations.reviews
https://developers.google.com/my-business/reference/rest/v4/accounts.locations.reviews/list
https://developers.google.com/my-business/content/review-data · https://developers.google.com/my-business/content/policies
https://developers.google.com/identity/protocols/oauth2/web-server#offline
Shapes: from the reference; none recorded. The list with `reviews`, as others keep what they read, is accepted as well.

Engagement: none is told; likes, comments and shares are unknown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from coolhead.errors import CoolheadError, PermanentError
from coolhead.http import Client, shown
from coolhead.sources import About, Fetched, Gone, Query, Rate, Source, SourceSettings
from coolhead.sources import _review_sites as reviews
from coolhead.sources._api import Address, loaded, mapping
from coolhead.sources._newest_first import Page, oldest
from coolhead.sources._review_sites import REPLY
from coolhead.windows import Window

PAGE = 50
"""Reviews a page: the API's maximum."""
_STARS = {"ONE": 1, "TWO": 2, "THREE": 3, "FOUR": 4, "FIVE": 5}
_NAME = re.compile(r"accounts/[^/]+/(locations/[^/]+/reviews/[^/]+)")
_REVIEW = {"reviewId", "starRating", "reviewer", "createTime"}
_KEPT = {"rating", "published_date", "author_name"}
"""What a review has, instead, in lists that others made of what they read."""
_OTHERS = {
    "accountName", "locationName", "storefrontAddress", "averageRating", "totalReviewCount", "updateTime", "access_token",
}  # fmt: skip
"""Keys of an account, a place, an answer, a token."""
_TRANSLATED, _ORIGINAL = "(Translated by Google)", "(Original)"
OUR_PROFILE = "our profile"


class Settings(SourceSettings):
    """`sources: {google_reviews: {locations: {"Zefirella, Milano": accounts/1042/locations/7731}}}`"""

    base_url: Address = "https://mybusiness.googleapis.com/v4"
    sign_in_url: Address = "https://oauth2.googleapis.com/token"
    locations: Annotated[
        dict[Annotated[str, Field(min_length=1)], Annotated[str, Field(pattern=r"^accounts/\w+/locations/\w+$")]],
        Field(min_length=1),
    ]
    """What people call the place -> its name in the API."""


class GoogleReviews(Source):
    """Reviews of own places, by OAuth."""

    Settings = Settings
    about = About(
        "Google reviews (Maps, Search)",
        "reviews of own places, with stars, and our answers",
        "own Business Profile, approved Google Cloud project, OAuth; free",
        "all reviews",
        "own verified places only; no engagement; answers later than two weeks are not seen",
    )
    fields = {
        "login": "client id of the Google Cloud project",
        "password": "refresh token of a manager of the places, scope business.manage",
        "client_secret": "client secret (in extra)",
    }
    poll = timedelta(minutes=15)
    lag = timedelta(minutes=30)
    revisit = timedelta(days=14)
    rate = Rate(250, timedelta(minutes=1))

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        yield from _calls(query, client).payloads(query.settings.locations, window)

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for one in _reviews(content, "payload"):
            if isinstance(one, dict):
                read = _kept if one.keys() >= _KEPT else _rows
                yield from read(one, str(meta.get("place") or one.get("hotel") or OUR_PROFILE))
            else:
                yield {"unreadable": one}

    def recheck(self, query: Query, native_ids: Sequence[str], client: Client) -> Iterator[Fetched | Gone]:
        calls = _calls(query, client)
        locations = {name.split("/", 2)[2]: (place, name) for place, name in query.settings.locations.items()}
        for review, asked in reviews.by_review(native_ids).items():
            place, location = locations.get(review.partition("/reviews/")[0], ("", ""))
            if place:  # of a place that left the plan nothing can be said
                path = f"{location}/{review.split('/', 2)[2]}"
                yield from calls.still(path, location, review, asked, {"place": place})

    def check(self, query: Query, client: Client) -> str:
        calls = _calls(query, client)
        for location in query.settings.locations.values():
            calls.page(location, None)
        return f"answers; {len(query.settings.locations)} places readable"


class _Calls(reviews.Calls):
    answer, owner = "reviewReply", "owner"

    def page(self, place: str, after: str | None) -> Page:
        asked = {"pageSize": PAGE, "orderBy": "updateTime desc", **({"pageToken": after} if after else {})}
        answer, items = self.get(f"{place}/reviews", asked)
        further = mapping(loaded(answer.content, shown(answer.url))).get("nextPageToken") or None
        return Page(answer.content, shown(answer.url), items, oldest(items, "updateTime"), further)

    def reviews(self, content: bytes, where: str) -> list[Any]:
        return _reviews(content, where)


def _calls(query: Query, client: Client) -> _Calls:
    return _Calls(client, query.settings.base_url, {"Authorization": f"Bearer {_access_token(query, client)}"})


def _access_token(query: Query, client: Client) -> str:
    """From the refresh token. Sent to Google's own server for it, and to no other."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": query.secret("password", "the refresh token for Google reviews"),
        "client_id": query.secret("login", "the client id for Google reviews"),
        "client_secret": query.secret("client_secret", "the client secret for Google reviews"),
    }
    return reviews.access_token(client.post(query.settings.sign_in_url, data=form, explain=_refused))


def _refused(status: int, body: bytes) -> CoolheadError | None:
    if status in {400, 401} and (b"invalid_grant" in body or b"invalid_client" in body):
        return PermanentError(
            f"Google answered {status}: the refresh token was withdrawn or has lapsed, or the client is unknown; sign in again "
            "and write the new refresh token into the field password of the connection"
        )
    return None


def _reviews(content: bytes, where: str) -> list[Any]:
    """Of a list, of several places at once, or the one review that it is; none of other answers (accounts, places)."""
    found = reviews.read(content, where, "Google Business Profile")
    if not isinstance(found, dict):
        raise PermanentError(f"{where}: a list, so no answer of Google Business Profile")
    if "reviewId" in found or "starRating" in found:
        return [found]
    if "locationReviews" in found:
        batch = reviews.listed(found, ("locationReviews",), {"review"}, set(), where, "Google Business Profile")
        return [one.get("review") if isinstance(one, dict) else one for one in batch]
    for kind in ("accounts", "locations"):
        if any(str(mapping(one).get("name")).startswith(f"{kind}/") for one in found.get(kind) or ()):
            return []
    return reviews.listed(found, ("reviews",), _REVIEW | {"author_name"}, _OTHERS, where, "Google Business Profile")


def _rows(one: dict[str, Any], place: str) -> Iterator[dict[str, Any]]:
    name, reviewer, answer = str(one.get("name") or ""), mapping(one.get("reviewer")), mapping(one.get("reviewReply"))
    found = _NAME.fullmatch(name)
    row = reviews.review(
        rating=_STARS.get(str(one.get("starRating"))),
        body=_own_words(one.get("comment")),
        place=place,
        # Without the account: a place may be reached through several.
        native_id=found[1] if found else one.get("reviewId"),
        published_at=reviews.time(one.get("createTime")),
        author=None if reviewer.get("isAnonymous") else reviewer.get("displayName"),
        edited_at=reviews.edited(one.get("createTime"), one.get("updateTime")),
    )
    yield row
    if answer.get("comment") and isinstance(row.get("native_id"), str):
        yield reviews.reply(
            row,
            place=place,
            native_id=f"{row['native_id']}{REPLY}",
            published_at=reviews.time(answer.get("updateTime")),
            text=_own_words(answer["comment"]),
        )


def _kept(one: dict[str, Any], place: str) -> Iterator[dict[str, Any]]:
    yield reviews.review(
        rating=one.get("rating"),
        title=one.get("title"),
        body=_own_words(one.get("text")),
        place=place,
        native_id=reviews.text_id(one.get("id")),
        published_at=reviews.time(one.get("published_date")),
        author=one.get("author_name"),
    )


def _own_words(comment: Any) -> Any:
    """Without the translation that Google puts before or behind them."""
    if not isinstance(comment, str) or _TRANSLATED not in comment:
        return comment
    before, _, after = comment.partition(_TRANSLATED)
    return (after.partition(_ORIGINAL)[2] if _ORIGINAL in after else before).strip() or comment
