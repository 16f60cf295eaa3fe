"""A file with a source's answers: one body as it came, or a list of recorded exchanges with their bodies.

An exchange is an object with at least `method` and `body`, and where recorded `uri`, `status` (a number, or an object with
`code`) and `headers`: what the cassettes of HTTP recorders hold. A body is text, JSON, or an object with `string` or
`base64_string`.
"""

import base64
import codecs
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coolhead.errors import ConfigError


@dataclass(frozen=True)
class Body:
    """One answer; `where`: which of the file, empty where it is all of it."""

    content: bytes
    meta: dict[str, Any]
    where: str = ""


def bodies(source: str, path: Path) -> Iterator[Body]:
    """The answers in a file. Raises ConfigError where it cannot be read."""
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; name one of its files")
    if not path.exists():
        raise ConfigError(f"{path}: there is no such file")
    try:
        if source == "files":
            from coolhead.sources import files

            yield from (Body(f.content, f.meta) for f in files.read(path))
            return
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    exchanges = _exchanges(content)
    if exchanges is None:
        yield Body(content, {})
        return
    held = False
    for number, exchange in enumerate(exchanges, 1):
        # What was refused or moved has no posts, and another shape.
        if 200 <= _status(exchange.get("status")) < 300 and (content := _bytes(exchange["body"])):
            held = True
            yield Body(content, {"content_type": _content_type(exchange)}, f"exchange {number}")
    if not held:
        raise ConfigError(f"{path}: holds {len(exchanges)} recorded exchanges, and none of them an answer with a body")


def _exchanges(content: bytes) -> list[dict[str, Any]] | None:
    """None: a body of its own (a timeline is a list as well, but not of exchanges)."""
    if content.removeprefix(codecs.BOM_UTF8).lstrip()[:1] != b"[":
        return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    alike = isinstance(found, list) and found and all(isinstance(e, dict) and {"method", "body"} <= e.keys() for e in found)
    return found if alike else None


def _status(value: Any) -> int:
    code = value.get("code") if isinstance(value, dict) else value
    found = re.fullmatch(r"[1-5]\d\d", str(code), re.ASCII)
    return int(found[0]) if found else 200


def _content_type(exchange: Mapping[str, Any]) -> str:
    headers = exchange.get("headers")
    found = next((v for k, v in headers.items() if k.lower() == "content-type"), "") if isinstance(headers, dict) else ""
    return str(next(iter(found), "") if isinstance(found, list) else found)


def _bytes(body: Any) -> bytes:
    """Empty where there is none."""
    if body is None:
        return b""
    if isinstance(body, dict) and isinstance(packed := body.get("base64_string"), str):
        try:
            return base64.b64decode(packed)
        except ValueError:
            return packed.encode("utf-8", "surrogatepass")  # the source says what is wrong with it
    if isinstance(body, dict) and isinstance(body.get("string"), str):
        body = body["string"]
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else json.dumps(body).encode()
