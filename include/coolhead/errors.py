"""What can go wrong, named by who must act.

CoolheadError
├── ConfigError       who edits the plan or the settings: names file, key and cure
├── PermanentError    the same call will fail again: 401, 404, a changed API, a payload that is no payload
├── TransientError    try again later: network, 429, 5xx; `retry_after` in seconds where the other side said so
└── QualityError      too many rows of one payload were refused; they are in the quarantine, the others are stored

A task maps them once (dags/bridge.py): Config, Permanent and Quality fail at once, Transient is retried.
"""

import traceback
from collections.abc import Mapping
from pathlib import Path


class CoolheadError(Exception):
    """Base of all errors that Coolhead raises on purpose."""


class ConfigError(CoolheadError):
    """The plan, a setting or a command's argument is wrong; the message says where and what to write."""


class PermanentError(CoolheadError):
    """Trying again gives the same answer."""


class TransientError(CoolheadError):
    """Trying again may help."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QualityError(CoolheadError):
    """Refused rows passed the limit; raised only after all rows, accepted and refused, are written."""


def foreseen(error: Exception) -> CoolheadError:
    """The error itself, or what stands for a mistake of ours: only its kind and place, since its text may hold anything."""
    if isinstance(error, CoolheadError):
        return error
    at = traceback.extract_tb(error.__traceback__)[-1]
    return PermanentError(
        f"{type(error).__name__} in {Path(at.filename).name}, line {at.lineno}: a mistake of Coolhead's; report it"
    )


def together(errors: Mapping[str, CoolheadError]) -> CoolheadError:
    """One error that names every own account that failed (account -> its error); a single one stands for itself. Trying again
    helps only where it may help all of them."""
    if len(errors) == 1:
        return next(iter(errors.values()))
    told = "; ".join(str(e) if repr(account) in str(e) else f"own account {account!r}: {e}" for account, e in errors.items())
    if not all(isinstance(e, TransientError) for e in errors.values()):
        return PermanentError(told)
    return TransientError(told, max(e.retry_after or 0 for e in errors.values() if isinstance(e, TransientError)) or None)
