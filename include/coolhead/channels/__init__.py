"""Family Channel: one module per way of telling a person. Its whole contract: sent, or who must act."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from coolhead.registry import Plugin
from coolhead.rows import Notice


class Channel(Plugin, ABC):
    """Sends one notice. The caller has written the intent before and writes the receipt after."""

    @abstractmethod
    def send(self, notice: Notice, key: str, credentials: Mapping[str, Any]) -> str:
        """Send, and return the other side's receipt in words.

        key: the same for every attempt at the same notice; goes along as Message-ID or Idempotency-Key, so that
        a receiver who honours it sees one notice even if we crash between sending and noting the receipt.
        credentials: fields of the Airflow connection of the channel's name (host, port, login, password, extra).
        Raises TransientError, PermanentError or ConfigError.
        """

    @classmethod
    def problem_with(cls, address: str) -> str | None:
        """What is wrong with an address of the plan, or None."""
        return None

    def check(self, addresses: Sequence[str], credentials: Mapping[str, Any]) -> str:
        """Would these addresses of the plan be reached? Sends nothing; returns what was found, in a line, and raises what
        `send` raises. What cannot be asked without sending is only said to be configured."""
        return f"configured, not tried: nothing but a notice would show whether {len(addresses)} addresses answer"
