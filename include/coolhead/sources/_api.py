"""What sources that read JSON APIs share: the API's address and whose it is, the body of an answer, what a row takes of it."""

import json
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from coolhead.errors import ConfigError, PermanentError
from coolhead.sources import Query

Address = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$"), AfterValidator(lambda url: url.rstrip("/"))]
"""Of an API, without a slash at its end; a server of one's own can stand in."""


def check_owner(query: Query, server: str) -> None:
    """Raises ConfigError where the connection says that its credentials belong to another server than the one of this address."""
    owner = str(query.credentials.get("host") or "")
    if owner and (urlsplit(owner).hostname or owner) != urlsplit(server).hostname:
        raise ConfigError(
            f"what the Airflow connection `{query.connection}` holds belongs to {owner}, not to {server}; it is not sent there"
        )


def decoded(content: bytes | str) -> Any:
    """The JSON of a body that may be anything; None where it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


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
