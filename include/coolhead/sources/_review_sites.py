"""What networks of customer reviews share: how they are asked, how a review and its answer become mentions. Part of sources.

A review's text is what its author said: the stars as first line, then the title, then the body. "★☆☆☆☆" is the author's own
statement, and all of it where a review has no words; it stands in the text so that whoever reads the review sees it.
Such a review goes without a declared language, even where the network names one (its site's): the scorer then finds no
language in it and leaves it unscored, whereas with one it would read its own habit into the stars (measured with the shipped
model: one star, declared Italian, came out positive). Stars alone are chosen over "★☆☆☆☆ (1/5)" because they weigh less on
the words below: measured on Italian, Polish, English and Indonesian reviews, no label changed and |polarity| fell by 0.01 to
0.10, against 0.04 to 0.15. Neither stars nor any other number is ever turned into words or into a sentiment.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, ClassVar

from coolhead.errors import CoolheadError, PermanentError
from coolhead.http import Client, Response, shown
from coolhead.sources import Fetched, Gone, each
from coolhead.sources._api import decoded, loaded, mapping, told
from coolhead.sources._html import storable, time_or_raw
from coolhead.sources._newest_first import Page, moment, newest_first
from coolhead.windows import Window

MOST = 5
REPLY = "/reply"
"""What the id of an answer has beyond its review's, where the network gives it none of its own."""


class _Absent(PermanentError):
    """There is no such review (any more): an answer, and no mistake."""


class Calls(ABC):
    """One poll's calls to a network that pages through the reviews of a place, and shows one by its id."""

    answer: ClassVar[str]
    """Key of the owner's answer within a review."""
    owner: ClassVar[str]
    """Who alone can remove it."""

    def __init__(self, client: Client, url: str, headers: Mapping[str, str]) -> None:
        """url: what the path of each call is added to."""
        self.client, self.url, self.headers = client, url, headers

    @abstractmethod
    def page(self, place: str, after: str | None) -> Page:
        """Of the reviews of a place, by its name in the API, newest first."""

    @abstractmethod
    def reviews(self, content: bytes, where: str) -> list[Any]:
        """Of an answer. Raises PermanentError where it is none."""

    def get(self, path: str, asked: Mapping[str, Any]) -> tuple[Response, list[dict[str, Any]]]:
        answer = self.client.get(f"{self.url}/{path}", asked, self.headers)
        return answer, [one for one in self.reviews(answer.content, shown(answer.url)) if isinstance(one, dict)]

    def payloads(self, places: Mapping[str, str], window: Window) -> Iterator[Fetched]:
        """places: what people call each -> its name in the API."""
        yield from each(self._of(*place, window) for place in places.items())

    def _of(self, place: str, name: str, window: Window) -> Iterator[Fetched]:
        for page in newest_first(f"reviews of {place}", window, lambda after: self.page(name, after)):
            yield Fetched(page.content, page.origin, meta={"place": place})

    def still(self, path: str, place: str, review: str, asked: Sequence[str], meta: dict[str, Any]) -> Iterator[Fetched | Gone]:
        """What is there of a review and its answer (`asked`: ids of one or both). `place`: whose it is, by its name in the API."""
        try:
            found = self.client.get(f"{self.url}/{path}", headers=self.headers, explain=_absent)
        except _Absent:
            self.page(place, None)  # raises where it is the place, the key or the address that is wrong
            yield from (Gone(i, "unknown", "answered 404: no such review any more") for i in asked)
            return
        one = _only(self.reviews(found.content, shown(found.url)), shown(found.url))
        yield Fetched(found.content, shown(found.url), meta=meta)
        if f"{review}{REPLY}" in asked and not one.get(self.answer):
            yield Gone(f"{review}{REPLY}", "brand", f"the review has no answer any more; only its {self.owner} can remove it")


def by_review(native_ids: Sequence[str]) -> dict[str, list[str]]:
    """Id of a review -> those ids that are its own or its answer's."""
    found: dict[str, list[str]] = {}
    for native_id in native_ids:
        found.setdefault(native_id.removesuffix(REPLY), []).append(native_id)
    return found


def access_token(answer: Response) -> str:
    token = mapping(decoded(answer.content)).get("access_token")
    if not isinstance(token, str) or not token:
        raise PermanentError(f"{shown(answer.url)}: answered without an access token")
    return token


def _absent(status: int, body: bytes) -> CoolheadError | None:
    return _Absent("there is nothing of this id") if status == 404 else None


def _only(found: list[Any], where: str) -> dict[str, Any]:
    if len(found) != 1 or not isinstance(found[0], dict):
        raise PermanentError(f"{where}: did not answer with one review")
    return found[0]


def read(content: bytes, where: str, network: str) -> Any:
    """An object or a list. Raises PermanentError where it is neither, or an error document, whatever its status was."""
    found = loaded(content, where)
    error = mapping(mapping(found).get("error"))
    if error.get("message") or error.get("code"):
        code = error.get("status") or error.get("type") or error.get("code")
        raise PermanentError(f"{where}: {network} answered with an error ({str(code)[:80]})")
    if not isinstance(found, (dict, list)):
        raise PermanentError(f"{where}: neither an object nor a list, so no answer of {network}")
    return found


def listed(found: Any, names: Sequence[str], marks: Set[str], others: Set[str], where: str, network: str) -> list[Any]:
    """Reviews of a list, or those under one of `names`; none of an answer of another kind, which has a key among `others`.

    `marks`: keys of which every review has one. Raises PermanentError for what is no answer of the network.
    """
    held = found if isinstance(found, list) else next((found[name] for name in names if name in found), None)
    if held is None and (not found or others & found.keys()):
        return []
    if not isinstance(held, list):
        raise PermanentError(f"{where}: no answer of {network} (its reviews are no list, or it is another network's)")
    if held and not any(isinstance(one, dict) and marks & one.keys() for one in held):
        raise PermanentError(f"{where}: no answer of {network} (its list holds no reviews)")
    return held


def stars(rating: Any) -> str:
    """★★☆☆☆, or nothing where the rating is not 1 to 5."""
    try:
        full = round(float(rating))
    except (TypeError, ValueError, OverflowError):
        return ""
    return "★" * full + "☆" * (MOST - full) if 1 <= full <= MOST else ""


def review(*, rating: Any, title: Any = None, body: Any = None, place: Any, **columns: Any) -> dict[str, Any]:
    """A row: `columns` beside the text, and what it is addressed to. Words that are no text are left for the edge to refuse."""
    words = [part for part in (title, body) if part not in {None, ""}] if _plain(title, body) else [title, body]
    if not words:
        columns.pop("lang", None)
    text = "\n\n".join(part for part in (stars(rating), *words) if part) if _plain(*words) else words
    return told({**columns, "text": text, "addressed": f"review of {place}"})


def reply(of: Mapping[str, Any], *, place: Any, **columns: Any) -> dict[str, Any]:
    """The brand's own answer to a review (a row of `review`)."""
    why = f"our answer to a review of {place}"
    return told({**columns, "parent": of.get("native_id"), "own": True, "addressed": why})


def _plain(*words: Any) -> bool:
    return all(isinstance(word, (str, type(None))) for word in words)


def time(value: Any) -> Any:
    """As `time_or_raw`; a time without a zone is UTC."""
    found = moment(value)
    return storable(found) if found else time_or_raw(value)


def edited(published: Any, updated: Any) -> Any:
    """When it was edited, or None where it never was."""
    return time(updated) if updated and updated != published else None


def text_id(value: Any) -> Any:
    """Ids that are numbers in one answer and texts in another; nothing else is an id."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def count(value: Any) -> Any:
    """A count that may be written as a text."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 13 else value
