"""Where things lie. The only module that reads COOLHEAD_* environment variables.

COOLHEAD_HOME   everything the project writes (default `.coolhead`)
COOLHEAD_STORE  SQLAlchemy address of the store (default `sqlite:///$COOLHEAD_HOME/store.db`)
COOLHEAD_PLAN   folder of the crisis plan (default `$COOLHEAD_HOME/plan`)
"""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Resolved settings; `landing`, `inbox` and `reports` lie under `home`."""

    home: Path
    store: str
    plan: Path

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    @property
    def inbox(self) -> Path:
        """Folder where exports of other tools are dropped, one sub-folder per market."""
        return self.home / "inbox"

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    @property
    def play(self) -> Path:
        """The play's clock; the file is absent outside a play."""
        return self.home / "play.json"

    def author_key(self) -> bytes:
        """Secret key of the authors' pseudonyms, made once per home, readable by its owner only."""
        path = self.home / "author.key"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"author.key.{secrets.token_hex(4)}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_hex(32))
            with contextlib.suppress(FileExistsError):
                os.link(fresh, path)  # atomic, and never replaces a key that another process made meanwhile
            fresh.unlink()
        return bytes.fromhex(path.read_text().strip())


def load() -> Settings:
    """Read the environment; nothing is created."""
    home = Path(os.environ.get("COOLHEAD_HOME") or ".coolhead").absolute()
    return Settings(
        home=home,
        store=os.environ.get("COOLHEAD_STORE") or f"sqlite:///{home / 'store.db'}",
        plan=Path(os.environ.get("COOLHEAD_PLAN") or home / "plan").absolute(),
    )
