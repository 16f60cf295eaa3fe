"""Trustpilot: the reviews of the brand's own profiles, with their stars, and the company's answers.

Plan, approval, price: the Business API belongs to Trustpilot's paid plans (ask for API access; priced by contract). Create an
application in Trustpilot Business > Integrations > APIs and write, into the Airflow connection `trustpilot`, login = API key;
and for `private: true` also password = API secret. Limits: 833 calls in 5 minutes, 10,000 an hour. What Trustpilot's terms
say of keeping reviews is part of that contract; set the plan's retention by it.

What is read: the public reviews of the plan's `business_units`, newest first, 100 a page; `private: true` reads the company's
own list instead, which also holds reviews that are not shown for now (reported, unverified) and, beside them, the customer's
e-mail address and order number: those stay in the raw payload until retention deletes it, and go nowhere else. Reviews
in every language are read, and all are addressed to the brand. The stars stand as first line of the text, then the title,
then the body. Answers have no id of their own: theirs is the review's, and "/reply". Edits, and answers that come later, are
seen for two weeks, which is how far back each poll asks.
Gone: a review is asked for by id, and 404 says that it is no longer there; neither by whom nor why. A missing answer was
removed by us, since only we can.
Times without a zone, as the reference's examples have them, are UTC.

https://developers.trustpilot.com/business-units-api-(public) · https://developers.trustpilot.com/business-units-api
https://developers.trustpilot.com/service-reviews-api · https://developers.trustpilot.com/authentication
https://developers.trustpilot.com/rate-limiting
Shapes: from the reference; none recorded.

Engagement: likes = numberOfLikes; comments and shares are not told.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from coolhead.errors import PermanentError
from coolhead.http import Client, shown
from coolhead.sources import About, Fetched, Gone, Query, Rate, Source, SourceSettings
from coolhead.sources import _review_sites as reviews
from coolhead.sources._api import Address, mapping
from coolhead.sources._newest_first import Page, oldest
from coolhead.sources._review_sites import REPLY
from coolhead.windows import Window

PAGE = 100
"""Reviews a page: the API's maximum."""
_REVIEW = {"stars", "consumer", "businessUnit", "numberOfLikes", "companyReply"}
_OTHERS = {"businessUnits", "numberOfReviews", "identifyingName", "trustScore", "categories", "websiteUrl", "access_token"}
"""Keys of profiles, searches for them, categories, tokens."""
PUBLIC_PAGE = "https://www.trustpilot.com/reviews/"


class Settings(SourceSettings):
    """`sources: {trustpilot: {business_units: {"zefirella.example": 46d6a890ffa235a75b00021d}}}`"""

    base_url: Address = "https://api.trustpilot.com"
    business_units: Annotated[
        dict[Annotated[str, Field(min_length=1)], Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]], Field(min_length=1)
    ]
    """What people call the profile -> its business unit id."""
    private: bool = False
    """Whether the company's own list is read instead of the public one; it holds customers' addresses."""


class Trustpilot(Source):
    """Reviews of own profiles."""

    Settings = Settings
    about = About(
        "Trustpilot",
        "reviews of own profiles, with stars, and our answers",
        "API key of a paid plan (by contract)",
        "all reviews",
        "own profiles only; answers and edits later than two weeks are not seen; 10,000 calls an hour",
    )
    fields = {"login": "API key", "password": "API secret, for `private: true` only"}
    poll = timedelta(minutes=15)
    lag = timedelta(minutes=15)
    revisit = timedelta(days=14)
    rate = Rate(800, timedelta(minutes=5))

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        yield from _calls(query, client).payloads(query.settings.business_units, window)

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for one in _reviews(content, "payload"):
            if isinstance(one, dict):
                named = mapping(one.get("businessUnit")).get("displayName")
                yield from _rows(one, meta.get("place") or named or "our profile")
            else:
                yield {"unreadable": one}

    def recheck(self, query: Query, native_ids: Sequence[str], client: Client) -> Iterator[Fetched | Gone]:
        calls, (unit, *_) = _calls(query, client), query.settings.business_units.values()
        for review, asked in reviews.by_review(native_ids).items():
            yield from calls.still(f"reviews/{review}", unit, review, asked, {})

    def check(self, query: Query, client: Client) -> str:
        calls = _calls(query, client)
        for unit in query.settings.business_units.values():
            calls.page(unit, None)
        return f"answers; {len(query.settings.business_units)} profiles readable"


class _Calls(reviews.Calls):
    answer, owner = "companyReply", "company"

    def page(self, place: str, after: str | None) -> Page:
        """Pages are numbered from 1; one behind the last is empty."""
        number = int(after or 1)
        answer, items = self.get(
            f"business-units/{place}/reviews", {"page": number, "perPage": PAGE, "orderBy": "createdat.desc"}
        )
        return Page(answer.content, shown(answer.url), items, oldest(items, "createdAt"), str(number + 1) if items else None)

    def reviews(self, content: bytes, where: str) -> list[Any]:
        return _reviews(content, where)


def _calls(query: Query, client: Client) -> _Calls:
    url, key = f"{query.settings.base_url}/v1", query.secret("login", "the API key of Trustpilot")
    if not query.settings.private:
        return _Calls(client, url, {"apikey": key})
    return _Calls(client, f"{url}/private", {"Authorization": f"Bearer {_access_token(query, client, url, key)}"})


def _access_token(query: Query, client: Client, url: str, key: str) -> str:
    """The application's own; it lives 100 hours, and is asked for anew by each poll."""
    secret = query.secret("password", "the API secret of Trustpilot")
    basic = base64.b64encode(f"{key}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    where = f"{url}/oauth/oauth-business-users-for-applications/accesstoken"
    return reviews.access_token(client.post(where, data={"grant_type": "client_credentials"}, headers=headers))


def _reviews(content: bytes, where: str) -> list[Any]:
    """Of a list, or the one review that it is; none of other answers (profiles, categories, a token)."""
    found = reviews.read(content, where, "Trustpilot")
    if isinstance(found, dict) and "stars" in found and "createdAt" in found:
        return [found]
    if isinstance(found, dict) and ("errorCode" in found or "fault" in found):
        raise PermanentError(f"{where}: Trustpilot answered with an error")
    return reviews.listed(found, ("reviews", "productReviews"), _REVIEW, _OTHERS, where, "Trustpilot")


def _rows(one: dict[str, Any], place: Any) -> Iterator[dict[str, Any]]:
    native_id, consumer, answer = one.get("id"), mapping(one.get("consumer")), mapping(one.get("companyReply"))
    row = reviews.review(
        rating=one.get("stars"),
        title=one.get("title"),
        body=one.get("text", one.get("content")),
        place=place,
        native_id=native_id,
        published_at=reviews.time(one.get("createdAt")),
        lang=one.get("language"),
        url=f"{PUBLIC_PAGE}{native_id}" if native_id else None,
        # The id, since names are not anyone's own.
        author=consumer.get("id") or consumer.get("displayName"),
        likes=one.get("numberOfLikes"),
        edited_at=reviews.edited(one.get("createdAt"), one.get("updatedAt")),
    )
    yield row
    if answer.get("text") and isinstance(native_id, str):
        yield reviews.reply(
            row,
            place=place,
            native_id=f"{native_id}{REPLY}",
            published_at=reviews.time(answer.get("createdAt")),
            text=answer["text"],
            edited_at=reviews.edited(answer.get("createdAt"), answer.get("updatedAt")),
        )
