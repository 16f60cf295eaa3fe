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
from datetime import UTC, datetime
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
    """Seconds, from Retry-After (a number or a date) or, with 429, from when the allowance is renewed (`_RESET`)."""
    # Measured on the server's own clock where it tells it: ours may differ by minutes.
    now = _moment(headers.get("date", "")) or datetime.now(UTC)
    for name in ("retry-after", *(_RESET if status == 429 else ())):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
            return float(value)
        if when := _moment(value):
            return max(0.0, (when - now).total_seconds())
    return None


def _moment(value: str) -> datetime | None:
    if re.fullmatch(r"\d{10}", value):
        return datetime.fromtimestamp(int(value), UTC)
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
