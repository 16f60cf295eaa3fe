"""Answers of Meta's Graph API, read: what is an error, where a list goes on, which records a body holds. Pure; see _graph.py.

A body is one node, a list (`data` and `paging`), nodes by id (`?ids=`), or a batch (a list of `code` and `body`); lists may
hang below nodes to any depth. An answer of other kinds (an account, a token, a permission) holds no posts, and is no error.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from coolhead.errors import CoolheadError, PermanentError, TransientError
from coolhead.sources._api import decoded, listed, mapping

FULL = 95
"""Per cent of the allowance from which nothing more is asked: calls beyond it are refused and prolong the wait."""
WAIT = 300.0
"""Seconds to wait where the API asks to wait and does not say how long."""
DEPTH = 20
"""Lists below lists; none that was recorded has more than three."""
CURE = "make a new one for this app and write it into the Airflow connection"
ANSWERS = {"comments", "replies"}
"""Lists whose records answer the node that they hang below."""
Record = tuple[dict[str, Any], str | None]
"""A record, and the id of what it hangs below, where the body or who asked for it tells."""

_PLACE = {"after", "offset", "since", "until", "__paging_token", "__previous"}
_LIMITS = {4, 17, 32, 341, 613, *range(80_000, 80_015)}
_BUSY = {1, 2, 368}
_TOKEN = {102, 104, 190}
_RIGHTS = {3, 10, *range(200, 300)}
_OTHERS = {"meta", "includes", "kind", "pagination", "@context"}
"""Beside `data` or `id`, these say that another network answered."""


_FOREIGN = frozenset(
    """acct public_metrics author_id edit_history_tweet_ids trend_name expires_after_secs by karma created_utc location_id stars numberOfReviews
    votes resource member_since redirect_uri scheduled_at whole_word server_key replies_policy formatted_note spoiler_text
    last_status status_id keyword canonical_email_hash action_taken votes_count approval_required preview_url followed_by
    group_key last_status_at severity collection_id rel_id flairType mod_only awarder_karma_received""".split()
)
"""Names that no node of the Graph API has, and those of other networks have."""
_NO_NODE = {"url", "height", "app_id", "is_valid", "error"}
"""Of `data` that is no list: pictures, tokens."""


class TooMuchError(PermanentError):
    """The API wants to be asked for less at once; who asked does so, and this goes no further."""


class MissingError(PermanentError):
    """There is no such object, or it is not shown to this token."""


class OtherKindError(PermanentError):
    """The object has no such field: it is one of another kind."""


def items_of(page: Any) -> list[Any]:
    return listed(mapping(page).get("data"))


def part_of(part: Any) -> Any:
    """The document within one part of a batch."""
    body = mapping(part).get("body")
    return decoded(body) if isinstance(body, str) else body


def code_of(document: Any) -> tuple[int | None, int | None]:
    """Code and subcode of an error."""
    error = mapping(mapping(document).get("error"))
    code, subcode = (value if isinstance(value, int) else None for value in (error.get("code"), error.get("error_subcode")))
    return code, subcode


def is_token(document: Any) -> bool:
    """Whether it is an error that any call with this token would get."""
    return code_of(document)[0] in _TOKEN


def judged(document: Any, where: str, known_only: bool = False) -> CoolheadError | None:
    """The error that a document is, or None. The API's own words may hold the token or people's ids, and are not repeated.

    known_only: None also for a code that is not known, because a status says more.
    """
    if not isinstance(mapping(document).get("error"), dict):
        return None
    code, subcode = code_of(document)
    said = f"{where}: Graph error {code}" + (f"/{subcode}" if subcode else "")
    if code == 1 and "reduce the amount" in str(document["error"].get("message")):
        return TooMuchError(f"{said}: too much at once, even in small pages")
    if code in _LIMITS:
        return TransientError(f"{said}: the rate limit is reached", WAIT)
    if code in _BUSY:
        return TransientError(f"{said}: the API is busy", WAIT if code == 368 else None)
    if code in _TOKEN:
        return PermanentError(f"{said}: the access token is missing, expired or withdrawn; {CURE}")
    if code in _RIGHTS:
        return PermanentError(
            f"{said}: the app or its token lacks a permission or feature; grant it (app review) and make a new token"
        )
    if code == 18:
        return PermanentError(f"{said}: more than 30 hashtags in seven days; take some out of the plan")
    if (code, subcode) == (100, 33) or code == 803:
        return MissingError(f"{said}: no such object, or not for this token; check the ids in the plan, and the permissions")
    if code == 100:
        return OtherKindError(f"{said}: no such field or parameter here; check the API's version, and the permissions")
    return None if known_only else PermanentError(f"{said}; look it up in the API's reference")


def spent(headers: Mapping[str, str]) -> float | None:
    """Seconds to ask nothing, once the allowance is all but spent: X-App-Usage and X-Business-Use-Case-Usage, in per cent."""
    app, business = (mapping(decoded(headers.get(name, ""))) for name in ("x-app-usage", "x-business-use-case-usage"))
    uses = [app, *(mapping(use) for found in business.values() if isinstance(found, list) for use in found)]
    full = [use for use in uses if any(_number(use.get(n)) >= FULL for n in ("call_count", "total_time", "total_cputime"))]
    return max((_number(use.get("estimated_time_to_regain_access")) * 60 or WAIT for use in full), default=None)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def following(page: Any) -> dict[str, str] | None:
    """Parameters that ask for the next page; None at the list's end. A short or empty page is no end."""
    link = mapping(mapping(page).get("paging")).get("next")
    if not isinstance(link, str):
        return None
    try:
        asked = parse_qsl(urlsplit(link).query)
    except ValueError:
        asked = []
    if found := {name: value for name, value in asked if name in _PLACE}:
        return found
    raise PermanentError("Graph API: a list says that it goes on, and not where")


def records(content: bytes, under: Sequence[str | None], lists: Sequence[str]) -> Iterator[Record]:
    """All records of a body. `under`: what each part of a batch, or all of one list, hangs below; `lists`: names of the lists
    and nodes within a node that hold posts. Raises PermanentError for what is no answer of the Graph API."""
    document = decoded(content)
    if error := judged(document, "payload"):
        raise PermanentError(str(error))
    if isinstance(document, list) and all(
        p is None or (isinstance(p, dict) and {"code", "body"} <= p.keys()) for p in document
    ):
        for at, part in enumerate(document):
            body = part_of(part)
            if isinstance(body, dict) and "error" not in body:  # what failed was asked for again, by itself
                yield from _records(body, under[at] if at < len(under) else None, lists)
        return
    if not isinstance(document, dict) or _OTHERS & document.keys():
        raise PermanentError("payload: no answer of the Graph API (truncated, an error page, or another network's)")
    yield from _records(document, under[0] if under else None, lists)


def _records(document: dict[str, Any], under: str | None, lists: Sequence[str]) -> Iterator[Record]:
    held = document.get("data")
    if isinstance(held, list):
        nodes: Sequence[Any] = held
    elif (not isinstance(document.get("id", ""), (int, dict)) and "id" in document) or any(
        isinstance(document.get(name), dict) for name in lists
    ):
        nodes = [document]
    elif document and all(_is_by_id(*pair) for pair in document.items()):
        for key, node in document.items():
            yield from _records(node, key if "data" in node else None, lists)
        return
    elif _NO_NODE & mapping(held).keys() or {"access_token", "success"} & document.keys():
        return
    else:
        raise PermanentError("payload: no answer of the Graph API (another network's?)")
    if any(_FOREIGN & mapping(node).keys() for node in nodes):
        raise PermanentError("payload: no answer of the Graph API, but another network's")
    for node in nodes:
        yield from _below(node, under, lists, DEPTH)


def _is_by_id(key: str, node: Any) -> bool:
    """Of `?ids=`: ids, or addresses, and what lies there."""
    return isinstance(node, dict) and (
        node.get("id") == key or (("id" in node or "data" in node) and any(map(str.isdigit, key)))
    )


def _below(node: Any, under: str | None, lists: Sequence[str], depth: int) -> Iterator[Record]:
    if not isinstance(node, dict):
        yield {"unreadable": node}, under
        return
    yield node, under
    if not depth:
        raise PermanentError("payload: lists within lists without an end")
    own_id = node.get("id") if isinstance(node.get("id"), str) else None
    for name in lists:
        held = mapping(node.get(name))
        children = held["data"] if isinstance(held.get("data"), list) else [held] if held else []
        for child in children:
            yield from _below(child, own_id if name in ANSWERS else None, lists, depth - 1)
