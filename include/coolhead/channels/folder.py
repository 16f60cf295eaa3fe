"""A folder of text files: for a first look without a mail server. Nobody is woken by a file."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coolhead.channels import Channel
from coolhead.errors import ConfigError, TransientError
from coolhead.rows import Notice


class Folder(Channel):
    """Writes one file per notice into the address, a folder; the notice's key is the file's name."""

    def send(self, notice: Notice, key: str, credentials: Mapping[str, Any]) -> str:
        folder = Path(notice.address)
        target, fresh = folder / f"{key}.txt", folder / f".{key}.new"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            fresh.write_text(f"To: {notice.receiver}\nSubject: {notice.subject}\n\n{notice.body}\n", encoding="utf-8")
            fresh.replace(target)
        except OSError as error:
            raise TransientError(f"folder {folder}: {error.strerror or type(error).__name__}") from None
        return f"written to {target}"

    def check(self, addresses: Sequence[str], credentials: Mapping[str, Any]) -> str:
        for address in addresses:
            folder = Path(address)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as error:
                raise ConfigError(
                    f"folder {folder}: {error.strerror or type(error).__name__}; notices cannot be written there"
                ) from None
        return "writable"
