"""What an answer's status and headers say: whether to ask again and when, and how many requests are left.

Retry-After and its two forms: RFC 9110 section 10.2.3. Requests left: RateLimit of draft-ietf-httpapi-ratelimit-headers
(`"default";r=50;t=30`, before draft 8 `limit=100, remaining=50, reset=30`), X-RateLimit-Remaining (Mastodon, Bluesky as
RateLimit-Remaining, Reddit with a fraction), x-rate-limit-remaining (X). Meta tells percent of an allowance that it does
not name, X-App-Usage and X-Business-Use-Case-Usage: https://developers.facebook.com/docs/graph-api/overview/rate-limiting
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

_ADVICE = {
    401: "the credentials are missing or no longer valid; renew them in the connection",
    403: "these credentials may not read it, or the address is blocked; check the account's rights and plan",
    404: "there is nothing at this address; correct it in the plan",
    410: "it was removed for good; take it out of the plan",
}
_REMAINING = ("x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining")
_RESET = ("x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset")
"""Mastodon: an ISO date; Bluesky and X: seconds since 1970; Reddit: seconds from now."""
LONGEST = timedelta(days=7)
"""A wait that is asked for counts as at most this."""
_USAGE = ("x-app-usage", "x-business-use-case-usage", "x-page-usage")


@dataclass
class Meter:
    """What a network said last of the requests that are left."""

    of: int = 100
    """Requests that stand for 100 %, where the network tells percent."""
    remaining: int | None = None

    def read(self, headers: Mapping[str, str]) -> None:
        """Note what these headers say; those that say nothing change nothing."""
        found = [*_counts(headers), *(self.of * max(0, 100 - used) // 100 for used in _percents(headers))]
        if found:
            self.remaining = int(min(found))


def advice(status: int) -> str:
    """What to do about an error that asking again does not mend."""
    return _ADVICE.get(status, "the same request will fail again; check the settings against the API's documentation")


def asked_wait(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds, at most LONGEST, from Retry-After (a number or a date) or, with 429, from when the allowance is renewed
    (`_RESET`)."""
    # Measured on the server's own clock where it tells it: ours may differ by minutes.
    now = _moment(headers.get("date", "")) or datetime.now(UTC)
    for name in ("retry-after", *(_RESET if status == 429 else ())):
        wait = _seconds(headers.get(name, "").strip(), now)
        if wait is not None:
            return min(max(0.0, wait), LONGEST.total_seconds())
    return None


def _seconds(value: str, now: datetime) -> float | None:
    """From now: a number, which is a moment since 1970 where it has ten digits, or a date."""
    if re.fullmatch(r"\d+(\.\d+)?", value):
        number = float(value)
        return number - now.timestamp() if 1e9 <= number < 1e10 else number
    when = _moment(value)
    return (when - now).total_seconds() if when else None


def _moment(value: str) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(value)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _counts(headers: Mapping[str, str]) -> Iterator[int]:
    for name in _REMAINING:
        if re.fullmatch(r"\d{1,9}(\.\d+)?", value := headers.get(name, "").strip()):
            yield int(float(value))
    for value in re.findall(r"(?:;\s*r|\bremaining)\s*=\s*(\d{1,9})\b", headers.get("ratelimit", "")):
        yield int(value)


def _percents(headers: Mapping[str, str]) -> Iterator[int]:
    """The most used of each allowance."""
    for name in _USAGE:
        try:
            told = json.loads(headers.get(name, "null"))
        except ValueError:
            continue
        for usage in _usages(told):
            yield max(value for key, value in usage.items() if key in {"call_count", "total_time", "total_cputime"})


def _usages(told: Any) -> Iterator[dict[str, int]]:
    """{"call_count": percent, ...} itself, or lists of them by account."""
    if isinstance(told, dict) and isinstance(told.get("call_count"), int):
        yield {k: v for k, v in told.items() if isinstance(v, int)}
    elif isinstance(told, dict):
        yield from (u for part in told.values() if isinstance(part, list) for one in part for u in _usages(one))
