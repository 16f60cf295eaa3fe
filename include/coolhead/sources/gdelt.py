"""GDELT: news of the world in 65 languages, found by what their full texts say, minutes after publication.

Plan, approval, price: none; no account. One request every 5 seconds and address, and when the service is loaded it answers
429 to everybody: then the stretch is blind and is asked for again later.

What it gives: title, address, outlet, language and when GDELT first saw the article, in steps of 15 minutes. Not the text: an
article that names the brand in its body only is tied to the market because GDELT found the term there. No author, no audience.
It answers at most 250 articles a question, so a stretch that holds more is asked for in halves. Errors come as plain text with
status 200. An article that is taken down stays in its index.

https://blog.gdeltproject.org/gdelt-doc-2-0-api-debuts/ (parameters, operators, three months of history)
CSV bodies of the same API (format=csv), also with further columns, are read as well.

Engagement: unknown.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from coolhead.errors import PermanentError
from coolhead.http import Client, shown
from coolhead.sources import About, Fetched, Query, Rate, Source, SourceSettings, each
from coolhead.sources._api import Address, told
from coolhead.sources._html import plain
from coolhead.sources._identity import short
from coolhead.windows import Window

MOST = 250
"""Articles an answer: the API's maximum."""
STEP = timedelta(minutes=15)
"""GDELT's clock: articles of one step cannot be told apart by time."""
SECOND = timedelta(seconds=1)
LONGEST = 200
"""Characters of a query; longer ones are refused, so terms are asked for in groups."""
_LANGUAGES = {
    "albanian": "sq", "arabic": "ar", "bengali": "bn", "bosnian": "bs", "bulgarian": "bg", "catalan": "ca", "chinese": "zh",
    "croatian": "hr", "czech": "cs", "danish": "da", "dutch": "nl", "english": "en", "estonian": "et", "finnish": "fi",
    "french": "fr", "galician": "gl", "german": "de", "greek": "el", "hebrew": "he", "hindi": "hi", "hungarian": "hu",
    "icelandic": "is", "indonesian": "id", "italian": "it", "japanese": "ja", "korean": "ko", "latvian": "lv", "lithuanian": "lt",
    "macedonian": "mk", "malay": "ms", "norwegian": "no", "persian": "fa", "polish": "pl", "portuguese": "pt", "romanian": "ro",
    "russian": "ru", "serbian": "sr", "slovak": "sk", "slovenian": "sl", "somali": "so", "spanish": "es", "swahili": "sw",
    "swedish": "sv", "tamil": "ta", "thai": "th", "turkish": "tr", "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi",
}  # fmt: skip


class Settings(SourceSettings):
    """`sources: {gdelt: {}}`; with `countries: [IT, PL]` only outlets of those (FIPS codes)."""

    base_url: Address = "https://api.gdeltproject.org"
    countries: tuple[Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")], ...] = ()


class Gdelt(Source):
    """Article lists of the DOC 2.0 API."""

    Settings = Settings
    about = About(
        network="News (GDELT)",
        reads="titles of news articles whose text names the brand, in 65 languages",
        demands="none",
        history="3 months",
        limits="no text, no audience; 250 articles in 15 minutes; one request in 5 seconds, less when it is loaded",
    )
    poll = timedelta(minutes=15)
    urgent = timedelta(minutes=15)
    lag = timedelta(minutes=45)
    revisit = timedelta(hours=2)
    reach = timedelta(days=90)
    rate = Rate(1, timedelta(seconds=5))
    searches = True
    news = True

    def payloads(self, query: Query, window: Window, cursor: Mapping[str, str], client: Client) -> Iterator[Fetched]:
        # Whole steps of GDELT's clock: it refuses to be asked for less.
        steps = Window(_stepped(window.start), _stepped(window.end - SECOND) + STEP)
        yield from each(self._span(query, asked, steps, client) for asked in _groups(query))

    def _span(self, query: Query, asked: str, window: Window, client: Client) -> Iterator[Fetched]:
        """One answer where the stretch holds fewer than the maximum, else its halves."""
        url = f"{query.settings.base_url}/api/v2/doc/doc"
        said = {
            "query": asked, "mode": "ArtList", "format": "json", "maxrecords": MOST, "sort": "DateDesc",
            # Both ends are included, and a span of less than 15 minutes is refused: a second earlier, each step is in one half.
            "startdatetime": f"{window.start - SECOND:%Y%m%d%H%M%S}", "enddatetime": f"{window.end - SECOND:%Y%m%d%H%M%S}",
        }  # fmt: skip
        answer = client.get(url, said)
        found = _articles(answer.content, shown(url))
        if len(found) < MOST:
            if found:
                yield Fetched(answer.content, f"{shown(url)} {window}", stream=asked, meta={"asked": asked})
            return
        if window.end - window.start <= STEP:
            raise PermanentError(f"{shown(url)}: more than {MOST} articles within {STEP}; make the market's terms narrower")
        middle = window.start + (window.end - window.start) // STEP // 2 * STEP
        yield from self._span(query, asked, Window(window.start, middle), client)
        yield from self._span(query, asked, Window(middle, window.end), client)

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for article in _articles(content, "payload"):
            yield _mention(article, meta.get("asked"))

    def canary(self, query: Query, client: Client) -> bool:
        """Of the last six hours' news, is there nothing at all that names the weather?"""
        url, asked = f"{query.settings.base_url}/api/v2/doc/doc", {"query": "weather", "mode": "ArtList", "format": "json"}
        return bool(_articles(client.get(url, {**asked, "maxrecords": 1, "timespan": "6h"}).content, shown(url)))


def _stepped(moment: datetime) -> datetime:
    return moment - (moment - datetime(2000, 1, 1, tzinfo=UTC)) % STEP


def _groups(query: Query) -> Iterator[str]:
    """`("zefirella" OR "gelati zefirella") sourcecountry:IT`: quoted, so that no term is syntax; each within the length."""
    words = dict.fromkeys(re.sub(r"[^\w\s'.&-]", " ", t).strip() for t in (query.forms or query.terms))
    only = " OR ".join(f"sourcecountry:{c.upper()}" for c in query.settings.countries)
    tail = "".join(f' "{w}"' for w in query.all_of) + (f" ({only})" if only.count(":") > 1 else f" {only}" if only else "")
    held: list[str] = []
    for word in (f'"{w}"' for w in words if len(w) > 2):
        if held and len(" OR ".join([*held, word])) + len(tail) > LONGEST:
            yield _any(held) + tail
            held = []
        held.append(word)
    if held:
        yield _any(held) + tail


def _any(words: Sequence[str]) -> str:
    return f"({' OR '.join(words)})" if len(words) > 1 else words[0]


def _articles(content: bytes, where: str) -> list[Any]:
    """Of either format. Raises PermanentError for what is none: GDELT says in plain text what it did not like."""
    text = content.decode("utf-8-sig", "replace").strip()
    if text.startswith("{"):
        return _of_json(text, where)
    header = {name.strip().casefold() for name in text.partition("\n")[0].split(",")}
    if {"url", "title"} <= header and header & {"seendate", "date", "published_at"}:
        return _of_csv(text)
    if 0 < len(text) < 300 and "<" not in text and text[0].isalpha():
        raise PermanentError(f"{where}: GDELT says: {' '.join(text.split())}")
    raise PermanentError(f"{where}: no article list of GDELT (truncated, or an error page)")


def _of_json(text: str, where: str) -> list[Any]:
    try:
        found = json.loads(text, strict=False)  # titles may hold raw control characters
    except (ValueError, RecursionError):
        raise PermanentError(f"{where}: no JSON, so no article list of GDELT (truncated, or an error page)") from None
    articles = found.get("articles", []) if not found or "articles" in found else None
    if not isinstance(articles, list):
        raise PermanentError(f"{where}: JSON without `articles`, so no article list of GDELT")
    return articles


def _of_csv(text: str) -> list[Any]:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return [{(name or "").strip().casefold(): value for name, value in row.items()} for row in rows]


def _mention(article: Any, asked: str | None) -> dict[str, Any]:
    if not isinstance(article, dict):
        return {"unreadable": article}
    url, title = article.get("url"), article.get("title")
    language = article.get("language")
    return told({
        "native_id": short(url) if isinstance(url, str) else url,
        "published_at": _time(article.get("seendate") or article.get("date") or article.get("published_at")),
        "text": plain(title) if isinstance(title, str) else title,
        "lang": _LANGUAGES.get(language.casefold()) if isinstance(language, str) else None,
        "url": url,
        "author": article.get("domain") or article.get("source") or (urlsplit(url).hostname if isinstance(url, str) else None),
        "addressed": f"GDELT found {asked} in the article" if asked else None,
    })  # fmt: skip


def _time(value: Any) -> Any:
    """20260303T091500Z; anything else is left, and refused at the edge."""
    found = re.fullmatch(r"(\d{8})T?(\d{6})Z?", str(value or ""))
    try:
        return (
            datetime.strptime("".join(found.groups()), "%Y%m%d%H%M%S").replace(tzinfo=UTC) if found else f"{value} is no time"
        )
    except ValueError:
        return f"{value} is no time"
