"""Calls to Reddit's API with an application's token. Part of the source `reddit`.

Errors: https://github.com/reddit-archive/reddit/wiki/JSON ; a subreddit that cannot be read says why in `reason`.
"""

import base64
import re
from typing import Any

from coolhead.errors import ConfigError, CoolheadError, PermanentError
from coolhead.http import Client, Explain, shown
from coolhead.sources import Query
from coolhead.sources._api import decoded, mapping

_REASONS = {
    "private": "the subreddit is private; take it out of the plan",
    "banned": "Reddit closed the subreddit; take it out of the plan",
    "quarantined": "the subreddit is quarantined, which an application cannot read; take it out of the plan",
    "gold_only": "the subreddit is for paying members; take it out of the plan",
}


class Api:
    """One poll's calls."""

    def __init__(self, query: Query, client: Client) -> None:
        self.query, self.client = query, client
        who = query.secret("username", "the account that registered the application")
        if not re.fullmatch(r"(/?u/)?[\w-]{3,20}", who):
            raise ConfigError(f"username in the Airflow connection `{query.connection}` is no name of a Reddit account")
        self._headers = {"User-Agent": f"python:coolhead:v0.1 (by /u/{who.rpartition('/')[2]})"}

    def open(self) -> None:
        """Fetch a token; it lives as long as this object."""
        who = self.query.secret("login", "the application's id"), self.query.secret("password", "the application's secret")
        url = f"{self.query.settings.sign_in_url}/api/v1/access_token"
        basic = base64.b64encode(":".join(who).encode()).decode()
        headers = {**self._headers, "Authorization": f"Basic {basic}"}
        answer = self.client.post(url, data={"grant_type": "client_credentials"}, headers=headers, explain=_explain(url))
        token = mapping(decoded(answer.content)).get("access_token")
        if token is None:
            raise PermanentError(f"{shown(url)}: answered without a token; is sign_in_url https://www.reddit.com?")
        self._headers |= {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **params: Any) -> tuple[bytes, str]:
        """Body and origin. raw_json: without it, Reddit writes &amp; for & in every text."""
        url = f"{self.query.settings.base_url}{path}"
        answer = self.client.get(url, {**params, "raw_json": 1}, self._headers, explain=_explain(url))
        return answer.content, shown(url) + (f" after {params['after']}" if "after" in params else "")


def _explain(url: str) -> Explain:
    def explain(status: int, body: bytes) -> CoolheadError | None:
        if status not in {401, 403, 404}:
            return None
        said = decoded(body)
        reason = mapping(said).get("reason")
        if isinstance(reason, str):
            cure = _REASONS.get(reason, "take it out of the plan, or ask its moderators")
            return PermanentError(f"{shown(url)}: answered {status}, {reason[:40]}; {cure}")
        if status == 401:
            return PermanentError(
                f"{shown(url)}: answered 401; the application's id or secret is wrong, renew them in the connection"
            )
        if status == 403 and said is None:
            return PermanentError(
                f"{shown(url)}: answered 403 with a page; Reddit blocks this client or address, or has not approved it"
            )
        return None

    return explain
