"""E-mail by SMTP. Connection `email`: host, port, login, password; extra: {"from": ..., "starttls": true or false (default: if
the server offers it), "ssl": false}."""

import smtplib
import ssl
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from coolhead.channels import Channel
from coolhead.errors import ConfigError, PermanentError, TransientError
from coolhead.rows import Notice

TIMEOUT = 20.0
"""Seconds; a mail server that hangs must not hold the other notices."""


class Email(Channel):
    """One plain-text message per receiver; the notice's key is its Message-ID."""

    def send(self, notice: Notice, key: str, credentials: Mapping[str, Any]) -> str:
        message = _message(notice, key, str(credentials.get("extra", {}).get("from") or "coolhead@localhost"))
        with _connected(credentials) as server:
            server.send_message(message)
        return f"accepted by {credentials.get('host')} as {message['Message-ID']}"

    def check(self, addresses: Sequence[str], credentials: Mapping[str, Any]) -> str:
        with _connected(credentials) as server:
            server.noop()
        who = "the login is accepted" if credentials.get("login") else "no login is used"
        return f"{credentials.get('host')} answers, {who}"

    @classmethod
    def problem_with(cls, address: str) -> str | None:
        try:
            parsed = Address(addr_spec=address)
        except ValueError:
            return f"{address!r} is no e-mail address"
        return None if parsed.domain else f"{address!r} is no e-mail address"


def _message(notice: Notice, key: str, sender: str) -> EmailMessage:
    # The default policy folds at 78 and then encodes a long Message-ID, which no receiver would recognise again.
    message = EmailMessage(policy=SMTP.clone(max_line_length=900))
    message["Subject"] = " ".join(notice.subject.split())  # no line break may come into a header
    message["From"], message["To"] = sender, notice.address
    message["Message-ID"], message["Date"] = f"<{key}@coolhead>", format_datetime(notice.intended_at)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.body)
    return message


@contextmanager
def _connected(credentials: Mapping[str, Any]) -> Generator[smtplib.SMTP]:
    """A session with the mail server; what goes wrong in it, by who must act."""
    try:
        with _connect(credentials) as server:
            yield server
    except smtplib.SMTPResponseException as error:
        kind = TransientError if 400 <= error.smtp_code < 500 else PermanentError
        raise kind(f"mail server answered {error.smtp_code}") from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        kind = TransientError if all(400 <= c < 500 for c in codes) else PermanentError
        raise kind(f"mail server refused the receiver: {codes}") from None
    except (OSError, smtplib.SMTPException) as error:
        raise TransientError(f"mail server {credentials.get('host')}: {type(error).__name__}: {error}") from None


def _connect(credentials: Mapping[str, Any]) -> smtplib.SMTP:
    host, extra = credentials.get("host"), credentials.get("extra", {})
    if not host:
        raise ConfigError("there is no mail server: set the Airflow connection `email` (host, port, login, password)")
    context = ssl.create_default_context()
    port = int(credentials.get("port") or (465 if extra.get("ssl") else 587))
    server = (
        smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
        if extra.get("ssl")
        else smtplib.SMTP(host, port, timeout=TIMEOUT)
    )
    server.ehlo()
    if extra.get("starttls", server.has_extn("starttls") and not extra.get("ssl")):  # said, or offered
        server.starttls(context=context)
    if credentials.get("login"):
        server.login(str(credentials["login"]), str(credentials.get("password") or ""))
    return server
