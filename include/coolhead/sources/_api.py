"""What sources that read JSON APIs share: the address of the API, and the body of an answer."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from coolhead.errors import PermanentError

Address = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$"), AfterValidator(lambda url: url.rstrip("/"))]
"""Of an API, without a slash at its end; a server of one's own can stand in."""


def loaded(content: bytes, where: str) -> Any:
    """The JSON of a body. Raises PermanentError where it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise PermanentError(f"{where}: no JSON (truncated, or an error page)") from None


def mapping(value: Any) -> dict[str, Any]:
    """The object, or an empty one where there is another thing."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def told(row: dict[str, Any]) -> dict[str, Any]:
    """What the network gave: a column that it leaves out is not written, so that it empties none."""
    return {name: value for name, value in row.items() if value is not None}
