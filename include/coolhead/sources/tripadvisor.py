"""Tripadvisor: the five most recent reviews of the brand's places in each of the market's languages, and the owner's answers.

Plan, approval, price: a key of the Content API (self-service; 5,000 calls a month are free, more are billed), in the field
password of the Airflow connection `tripadvisor`. It works only from the addresses (IP) that you allow at
https://www.tripadvisor.com/developers; without that every call is answered by 403. Its standard terms forbid to keep reviews
("no caching, storing or indexing"), which is what a listening tool does: the plan must say `licensed: true`, by which you
state that Tripadvisor has allowed it. Without that, use an export of your own management centre.
The key travels in the query, as the network demands; it stands in no message and no origin.

What is read: five reviews a place and language, newest first; there is no next page and no way to ask for a time. So each poll
reads the latest, and where all five are newer than the window began, others may have been pushed out unseen: the window then
fails with that reason and is not taken for calm. Poll more often, or import an export. An old window cannot be read again.
All are addressed to the brand. The stars ("bubbles") stand as first line of the text, then the title, then the body. Where the
network says that a text was translated by a machine, it is kept as it is shown, since the original is not.
A review cannot be asked for by id, so what was removed is not noticed.

https://tripadvisor-content-api.readme.io/reference/getlocationreviews
https://tripadvisor-content-api.readme.io/reference/caching-policy · https://tripadvisor-content-api.readme.io/reference/overview
Shapes: from the reference. The list with `reviews`, as others keep what they read, is accepted as well.

Engagement: likes = helpful_votes; comments and shares are not told.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from coolhead.errors import PermanentError
from coolhead.http import Client, Response, shown
from coolhead.sources import About, Fetched, Query, Rate, Source, SourceSettings, each
from coolhead.sources import _review_sites as reviews
from coolhead.sources._api import Address, mapping
from coolhead.sources._newest_first import moment
from coolhead.windows import Window

_MARKS = {"location_id", "rating_image_url", "helpful_votes", "trip_type", "is_blessed"}
"""Of reviews, places and photos; no other network's have them."""
SHOWN = 5
"""Reviews that the network shows of a place."""


class Settings(SourceSettings):
    """`sources: {tripadvisor: {licensed: true, locations: {"Zefirella, Milano": "2447310"}}}`"""

    base_url: Address = "https://api.content.tripadvisor.com/api/v1"
    licensed: Literal[True]
    """Tripadvisor has allowed us to keep its reviews; its standard terms do not."""
    locations: Annotated[
        dict[Annotated[str, Field(min_length=1)], Annotated[str, Field(pattern=r"^\d+$", coerce_numbers_to_str=True)]],
        Field(min_length=1),
    ]
    """What people call the place -> its location_id."""


class Tripadvisor(Source):
    """The latest reviews of own places."""

    Settings = Settings
    about = About(
        "Tripadvisor",
        "the five latest reviews of own places in each language, with ratings, and our answers",
        "Content API key, 5,000 calls a month free; leave to keep reviews must be agreed",
        "five reviews",
        "no search, no paging, no deletions; what is pushed out between two polls is reported as unseen",
    )
    fields = {"password": "key of the Content API"}
    poll = timedelta(hours=1)
    urgent = timedelta(minutes=15)
    lag = timedelta(hours=1)
    rate = Rate(1_000, timedelta(hours=1))

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        """The window cannot be asked for."""
        yield from each(
            _latest(query, client, place, language, window)
            for place in query.settings.locations
            for language in dict.fromkeys(query.languages or ("en",))
        )

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for one in _reviews(content, "payload"):
            if isinstance(one, dict):
                yield from _rows(one, meta.get("place") or one.get("hotel") or "our profile")
            else:
                yield {"unreadable": one}

    def check(self, query: Query, client: Client) -> str:
        """Reads each place once, in one language."""
        for place in query.settings.locations:
            _ask(query, client, place, (query.languages or ("en",))[0])
        return f"answers; {len(query.settings.locations)} places readable"


def _ask(query: Query, client: Client, place: str, language: str) -> tuple[Response, list[Any]]:
    """The answer and the reviews in it."""
    url = f"{query.settings.base_url}/location/{query.settings.locations[place]}/reviews"
    key = query.secret("password", "the key of Tripadvisor's Content API")
    answer = client.get(url, {"key": key, "language": language})
    return answer, _reviews(answer.content, shown(answer.url))


def _latest(query: Query, client: Client, place: str, language: str, window: Window) -> Iterator[Fetched]:
    answer, found = _ask(query, client, place, language)
    if found:
        yield Fetched(answer.content, f"{shown(answer.url)} in {language}", meta={"place": place})
    _check_gap(found, window, f"{place} in {language}")


def _check_gap(found: list[Any], window: Window, what: str) -> None:
    """Raises where reviews of the window may have been pushed out by later ones."""
    times = [t for one in found if isinstance(one, dict) and (t := moment(one.get("published_date")))]
    if len(found) >= SHOWN and times and min(times) >= window.start:
        raise PermanentError(
            f"{what}: all {len(found)} reviews that Tripadvisor shows are newer than {window.start:%Y-%m-%d %H:%M} UTC, so others "
            "may have gone unseen; these are stored; import an export for the rest, and poll more often"
        )


def _reviews(content: bytes, where: str) -> list[Any]:
    """Of an answer, or the one review that it is; none of other answers (details of a place, searches, photos)."""
    found = reviews.read(content, where, "Tripadvisor")
    if isinstance(found, dict) and "rating" in found and "published_date" in found:
        return [found]
    listed = reviews.listed(found, ("data", "reviews"), _MARKS, _MARKS, where, "Tripadvisor")
    # Searches and photos come as `data` too, without a rating and without a text.
    return [
        one for one in listed if not isinstance(one, dict) or "rating" in one or ("published_date" in one and "text" in one)
    ]


def _rows(one: dict[str, Any], place: str) -> Iterator[dict[str, Any]]:
    answer = mapping(one.get("owner_response"))
    row = reviews.review(
        rating=one.get("rating"),
        title=one.get("title"),
        body=one.get("text"),
        place=place,
        native_id=reviews.text_id(one.get("id")),
        published_at=reviews.time(one.get("published_date")),
        lang=one.get("lang"),
        url=one.get("url"),
        author=mapping(one.get("user")).get("username"),
        likes=reviews.count(one.get("helpful_votes")),
    )
    yield row
    if answer.get("text"):
        yield reviews.reply(
            row,
            place=place,
            # Numbered apart from the reviews.
            native_id=f"response-{answer.get('id') or row.get('native_id')}",
            published_at=reviews.time(answer.get("published_date")),
            text=answer["text"],
            lang=answer.get("lang"),
        )
