"""A body of one network is refused by every other source: read by the wrong one, it would look like an answer without posts.

Let through are bodies that no source can tell apart: without content, tokens, Meta's nodes that both its networks have, and
YouTube's feeds, which are feeds.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from coolhead import registry
from coolhead.errors import PermanentError

PAYLOADS = Path(__file__).parents[1] / "payloads"
SOURCES = [name for name in registry.names("sources") if name != "files"]
ALIKE = {("facebook", "instagram"), ("instagram", "facebook"), ("feed", "youtube")}
BODIES = [path for name in SOURCES for path in sorted((PAYLOADS / name).glob("*.*"))]


def says_nothing(path: Path) -> bool:
    """Empty answers, and tokens."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        return False
    return not found or "access_token" in found or (isinstance(found, dict) and found.get("data") == [])


@pytest.mark.parametrize("name", SOURCES)
def test_refuses_what_others_answer(name: str) -> None:
    source = registry.load("sources", name)()
    read = []
    for path in BODIES:
        if path.parent.name == name or (name, path.parent.name) in ALIKE or says_nothing(path):
            continue
        try:
            rows: list[Any] = list(source.mentions(path.read_bytes(), {}))
        except (PermanentError, LookupError, ValueError, TypeError, AttributeError):  # all of them one line, by the edge
            continue
        read.append((path.parent.name, path.name, len(rows)))
    assert not read
