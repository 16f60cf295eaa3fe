"""JSON by HTTP POST. Connection `webhook`: password = secret of the HMAC-SHA256 signature (optional);
extra: {"allow_private": true} where the receiver stands in a private network."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from coolhead.channels import Channel
from coolhead.http import Client
from coolhead.rows import Notice


class Webhook(Channel):
    """Posts the notice with its key as Idempotency-Key; a receiver who honours it sees one notice."""

    def send(self, notice: Notice, key: str, credentials: Mapping[str, Any]) -> str:
        body = json.dumps({
            "key": key, "incident": notice.incident_id, "step": notice.step, "repetition": notice.repetition,
            "receiver": notice.receiver, "subject": notice.subject, "text": notice.body, "at": notice.intended_at.isoformat(),
        }, ensure_ascii=False).encode()  # fmt: skip
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        if secret := str(credentials.get("password") or ""):
            headers["X-Coolhead-Signature"] = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        client = Client(allow_private=bool(credentials.get("extra", {}).get("allow_private")))
        answer = client.post(notice.address, data=body, headers=headers)
        return f"{urlsplit(notice.address).hostname} answered {answer.status}"

    @classmethod
    def problem_with(cls, address: str) -> str | None:
        parts = urlsplit(address)
        return None if parts.scheme in ("http", "https") and parts.hostname else f"{address!r} is no http(s) address"
