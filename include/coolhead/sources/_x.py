"""Queries and answers of X's API v2. Part of the source `x`.

Shapes: https://docs.x.com/x-api/fundamentals/data-dictionary, and bodies recorded from search and the mentions timeline.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from coolhead.errors import ConfigError, CoolheadError, PermanentError
from coolhead.sources import Gone
from coolhead.sources._api import decoded, listed, loaded, mapping, told
from coolhead.sources._html import since, time_or_raw

_EPOCH = timedelta(milliseconds=1_288_834_974_657)
FIRST_DATED = 29_700_859_247
"""Ids from here on hold the moment in which they were made; earlier ones only count."""
_OPERATOR = re.compile(r"[#@]\w+")
_POST = {"text", "edit_history_tweet_ids", "author_id", "conversation_id", "referenced_tweets", "in_reply_to_user_id"}
"""A resource with any of these is a post, unless it is a private message."""
_OTHERS = {
    "username", "name", "media_key", "state", "tweet_count", "trend_name", "value", "event_type", "dm_conversation_id",
    "voting_status", "full_name", "status", "type", "usage", "project_usage", "expires_after_secs", "dm_event_id", "blocking",
    "following", "pending_follow", "muting", "liked", "retweeted", "bookmarked", "deleted", "hidden", "pinned", "is_member",
}  # fmt: skip
"""A resource with any of these is another one of X's: a user, list, space, count, rule, message."""
_FOREIGN = {
    "timestamp",
    "created_time",
    "media_type",
    "period",
    "attributes",
    "location_id",
    "resource",
    "member_since",
    "app_id",
}
"""Names that no resource of X has, and those of other networks have."""
_BODY = {"data", "includes", "meta", "errors", "matching_rules", "title", "detail", "type", "status"}
_PRIVATE = {"event_type", "dm_conversation_id"}
_LANGUAGES = {"in": "id", "iw": "he"}  # X writes these two as one did before 1989
_NO_LANGUAGE = re.compile(r"und|zxx|q[a-z]{2}|art")


def clause(term: str) -> str:
    """A term as X searches it: a tag or handle as such, a word as it is, all else as a phrase."""
    term = " ".join(term.replace('"', " ").split())
    plain = re.fullmatch(r"\w+", term) and term.upper() not in {"OR", "AND", "NOT"}
    return term if plain or _OPERATOR.fullmatch(term) else f'"{term}"'


def queries(clauses: Sequence[str], none_of: Sequence[str], narrow: str, length: int) -> Iterator[str]:
    """Queries of at most `length` characters, which together hold every clause. Raises ConfigError where one is too long."""
    narrow = f"({narrow})" if " OR " in narrow else narrow
    wanted = list({c.casefold(): c for c in clauses}.values())
    longest = max((len(c) for c in wanted), default=0)
    without = ""
    for term in map(clause, none_of):
        # It only spares money, as matching is done again here: it may take no more than half, and hide no term.
        if len(without) + len(term) + 2 <= length // 2 - len(narrow) and term.casefold() not in {c.casefold() for c in wanted}:
            without += f" -{term}"
    rest = (f" {narrow}" if narrow else "") + without
    if wanted and longest + len(rest) + 2 > length:
        raise ConfigError(
            f"terms of {longest} characters beside {len(rest)} of `narrow` and none_of: X allows {length} (query_length)"
        )
    while wanted:
        fitting = 1
        while fitting < len(wanted) and len(" OR ".join(wanted[: fitting + 1])) + len(rest) + 2 <= length:
            fitting += 1
        yield f"({' OR '.join(wanted[:fitting])}){rest}"
        del wanted[:fitting]


def rfc3339(moment: datetime, up: bool = False) -> str:
    """YYYY-MM-DDTHH:mm:ssZ, as X wants it; `up` to the next whole second."""
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return f"{whole + timedelta(seconds=up and whole != moment):%Y-%m-%dT%H:%M:%SZ}"


def page(content: bytes, where: str) -> tuple[bool, str | None]:
    """Whether a page holds posts, and the token of the next. What is no page is refused here, before it is landed."""
    found = mapping(loaded(content, where))
    meta = mapping(found.get("meta"))
    if not isinstance(meta.get("result_count"), int) or not isinstance(found.get("data", []), list):
        raise PermanentError(f"{where}: no page of posts with its meta.result_count; is base_url the API of X?")
    return bool(found.get("data")), meta.get("next_token")


def rows(found: Any) -> Iterator[dict[str, Any]]:
    """Of a search, a timeline, a look-up: the posts, and those that reposts among them repeat."""
    _refuse_problems(found)
    includes = mapping(found.get("includes"))
    users = {u.get("id"): u for u in map(mapping, listed(includes.get("users")))}
    others = {t.get("id"): t for t in map(mapping, listed(includes.get("tweets")))}
    data = found.get("data")
    posts = [p for p in (data if isinstance(data, list) else [data]) if _may_be_post(p)]
    repeated = {original: None for p in posts if isinstance(p, dict) and (original := _referenced(p, "retweeted"))}
    given = {p.get("id") for p in map(mapping, posts)}
    for post in [*posts, *(others[i] for i in repeated if i in others and i not in given)]:
        yield _row(post, users, others) if isinstance(post, dict) else {"unreadable": post}


def _refuse_problems(found: Any) -> None:
    """Raises PermanentError where the body tells of an error as a whole. Partial ones stand beside what was found."""
    if isinstance(found, dict) and (
        {"token_type", "media_key", "media_id_string"} & found.keys() or found.keys() == {"access_token"}
    ):
        return  # a token, or an upload: these come without `data`
    if not isinstance(found, dict) or not {"data", "meta", "errors"} & found.keys() or not found.keys() <= _BODY:
        raise PermanentError("payload: none of X's API v2 (truncated, an error, or another format)")
    data = found.get("data")
    resources = [r for r in (data if isinstance(data, list) else [data]) if isinstance(r, dict)]
    if any(not (_POST | _OTHERS) & r.keys() or _FOREIGN & r.keys() for r in resources):
        raise PermanentError("payload: neither posts nor other resources of X's API v2")
    partial = all({"type", "title"} <= mapping(e).keys() for e in listed(found.get("errors")))
    if "data" not in found and "meta" not in found and ("status" in found or not partial):
        raise PermanentError(f"payload: an error of X's API: {_said(found)}")


def _may_be_post(resource: Any) -> bool:
    """Users, lists, counts, rules are none, and private messages are not read."""
    if isinstance(resource, dict):
        return bool(_POST & resource.keys()) and not _PRIVATE & resource.keys()
    return resource is not None and not isinstance(resource, bool)


def _row(post: dict[str, Any], users: Mapping[Any, Any], others: Mapping[Any, Any]) -> dict[str, Any]:
    versions = _versions(post)
    edited, native_id = len(versions) > 1, _first(post)
    user = mapping(users.get(post.get("author_id")))
    name = user.get("username")
    counts, repeats, answers = (
        mapping(post.get("public_metrics")),
        _referenced(post, "retweeted"),
        _referenced(post, "replied_to"),
    )
    shares = [counts.get(n) for n in ("retweet_count", "quote_count") if counts.get(n) is not None]
    return told({
        "native_id": native_id,
        # Every version was published when its id was made; the mention, when the first was.
        "published_at": _made(str(native_id)) if edited or _dated(post) else time_or_raw(post.get("created_at")),
        "text": _text(post, others),
        "lang": _language(post.get("lang")),
        "url": f"https://x.com/{name or 'i'}/status/{native_id}" if native_id else None,
        "author": name or post.get("author_id"),
        "audience": followers(user),
        "author_since": since(user.get("created_at")),
        "likes": counts.get("like_count"),
        "comments": counts.get("reply_count"),
        "shares": sum(shares) if shares and not repeats and all(isinstance(n, int) for n in shares) else None,
        "repost_of": _first(others.get(repeats)) or repeats,
        "parent": _first(others.get(answers)) or answers,
        "edited_at": _made(max(versions, key=int)) if edited else None,
    })  # fmt: skip


def _dated(post: Mapping[str, Any]) -> bool:
    """Whether only its id tells when it was made, as where the time was not asked for."""
    native_id = post.get("id")
    return "created_at" not in post and isinstance(native_id, str) and native_id.isdecimal() and int(native_id) >= FIRST_DATED


def _versions(post: Mapping[str, Any]) -> list[str]:
    return [i for i in listed(post.get("edit_history_tweet_ids")) if isinstance(i, str) and i.isdecimal()]


def _first(post: Any) -> Any:
    """The id under which it was published first."""
    return min(_versions(post), key=int, default=None) or post.get("id") if isinstance(post, dict) else None


def _text(post: Mapping[str, Any], others: Mapping[Any, Any]) -> Any:
    """The whole of it: long posts hold it in note_tweet, and reposts in what they repeat."""
    own = mapping(post.get("note_tweet")).get("text") or post.get("text")
    original = mapping(others.get(_referenced(post, "retweeted")))
    whole = mapping(original.get("note_tweet")).get("text") or original.get("text")
    begins = re.match(r"RT @\w+: ", own) if isinstance(own, str) else None
    return begins[0] + whole if begins and isinstance(whole, str) else own


def _referenced(post: Mapping[str, Any], kind: str) -> str | None:
    found = (r.get("id") for r in map(mapping, listed(post.get("referenced_tweets"))) if r.get("type") == kind)
    return next((str(i) for i in found if i), None)


def _made(post_id: str) -> datetime | str:
    """When a post's id was made, in whole seconds as X writes created_at: https://docs.x.com/fundamentals/x-ids"""
    if len(post_id) > 19:
        return f"{post_id} is no id of X"
    made = datetime(1970, 1, 1, tzinfo=UTC) + _EPOCH + timedelta(milliseconds=int(post_id) >> 22)
    return made.replace(microsecond=0)


def _language(value: Any) -> Any:
    return None if isinstance(value, str) and _NO_LANGUAGE.fullmatch(value) else _LANGUAGES.get(value, value)


def followers(user: Mapping[str, Any]) -> Any:
    return mapping(user.get("public_metrics")).get("followers_count")


def gone(found: Mapping[str, Any]) -> Iterator[Gone]:
    """What a look-up says of the posts that it does not give."""
    for error in map(mapping, listed(found.get("errors"))):
        native_id, title = error.get("resource_id") or error.get("value"), str(error.get("title"))
        if isinstance(native_id, str) and error.get("resource_type", "tweet") == "tweet":
            if title == "Authorization Error":
                suspended = "suspended" in str(error.get("detail")).lower()
                yield Gone(native_id, "network" if suspended else "unknown", f"X: {title} (account protected or suspended)")
            elif title == "Not Found Error":
                yield Gone(native_id, "unknown", f"X: {title}")


def explained(status: int, body: bytes) -> CoolheadError | None:
    """What X's problem documents mean: https://docs.x.com/x-api/fundamentals/response-codes-and-errors"""
    if not (problem := mapping(decoded(body))):
        return None
    kind = f"{problem.get('type')} {problem.get('title')}".lower()
    if status == 402 or "creditsdepleted" in kind.replace("-", "") or "usage-capped" in kind or "usagecapexceeded" in kind:
        return PermanentError(f"X: answered {status}; credits or the month's allowance are spent: see https://console.x.com")
    if status == 403 and ("client-forbidden" in kind or "not-enrolled" in kind):
        return PermanentError(
            f"X: answered {status}; the app may not search: attach it to a project with credits in the console"
        )
    return PermanentError(f"X: answered 400: {_said(problem)}") if status == 400 else None


def _said(problem: Mapping[str, Any]) -> str:
    """X's own words on a request; they can repeat the query, and no token."""
    first = mapping(next(iter(listed(problem.get("errors"))), None))
    said = first.get("message") or first.get("detail") or problem.get("detail") or problem.get("title") or "no reason given"
    return " ".join(str(said).split())[:300]
