"""Domain time is passed in: the wall's, or a play's.

A play stands in `$COOLHEAD_HOME/play.json`: {"now": "2026-03-02T09:00:00+00:00", "wall": "...", "speed": 1.0}.
Domain time was `now` when the wall showed `wall`, and runs `speed` times as fast (0: it stands still and its
director moves it, so that the same play gives the same times).
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Aware UTC times only."""

    def now(self) -> datetime: ...

    def at(self, wall: datetime) -> datetime:
        """Domain time at a moment of the wall clock (when a person answered, say)."""
        ...

    def wall_seconds(self, span: timedelta) -> float:
        """How long a span of domain time lasts on the wall, in seconds."""
        ...


class Wall:
    """The real thing."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def at(self, wall: datetime) -> datetime:
        return wall.astimezone(UTC)

    def wall_seconds(self, span: timedelta) -> float:
        return span.total_seconds()


@dataclass(frozen=True)
class Play:
    """A story's clock."""

    start: datetime
    wall: datetime
    speed: float

    def now(self) -> datetime:
        return self.at(datetime.now(UTC))

    def at(self, wall: datetime) -> datetime:
        return self.start + (wall.astimezone(UTC) - self.wall) * self.speed

    def wall_seconds(self, span: timedelta) -> float:
        return span.total_seconds() / (self.speed or 1.0)


@dataclass(frozen=True)
class Fixed:
    """Stands still: tests, replays, imports."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def at(self, wall: datetime) -> datetime:
        return self.moment

    def wall_seconds(self, span: timedelta) -> float:
        return span.total_seconds()


def set_play(path: Path, now: datetime, speed: float = 0.0) -> None:
    """Move a play's clock (atomically: tasks read it at any time)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"now": now.isoformat(), "wall": datetime.now(UTC).isoformat(), "speed": speed}))
    fresh.replace(path)


def load(path: Path) -> Clock:
    """The play's clock if the file is there, else the wall."""
    try:
        play = json.loads(path.read_text())
    except FileNotFoundError:
        return Wall()
    return Play(datetime.fromisoformat(play["now"]), datetime.fromisoformat(play["wall"]), float(play["speed"]))
