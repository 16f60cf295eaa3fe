"""`each`: what all sources do with the streams of a poll. One that fails hides no other."""

from collections.abc import Iterator

import pytest

from coolhead.errors import ConfigError, CoolheadError, PermanentError, TransientError
from coolhead.http import Client
from coolhead.sources import Fetched, each

DEAD, BUSY = PermanentError("dead"), TransientError("busy")


def stream(*given: str | Exception) -> Iterator[Fetched]:
    for one in given:
        if isinstance(one, Exception):
            raise one
        yield Fetched(one.encode(), one)


def read(pages: Iterator[Fetched]) -> tuple[list[str], CoolheadError | None]:
    """Origins of what came, and the error that it ended with."""
    found: list[str] = []
    try:
        found.extend(page.origin for page in pages)
    except CoolheadError as error:
        return found, error
    return found, None


@pytest.mark.parametrize(
    ("streams", "came", "error"),
    [
        ([], [], None),
        ([stream("a", "b"), stream(), stream("c")], ["a", "b", "c"], None),
        ([stream("a", DEAD, "never"), stream("b"), stream(BUSY), stream("c")], ["a", "b", "c"], DEAD),
        ([stream(BUSY), each([stream("a", DEAD), stream("b")]), stream("c")], ["a", "b", "c"], BUSY),
        ([each([stream("a", DEAD), stream("b", BUSY)]), stream("c")], ["a", "b", "c"], DEAD),
    ],
)
def test_one_stream_that_fails_hides_no_other(
    streams: list[Iterator[Fetched]], came: list[str], error: CoolheadError | None
) -> None:
    assert read(each(streams)) == (came, error)


def test_streams_that_are_found_by_asking() -> None:
    """Each is found once the one before it was read; where that fails, those that were found are read all the same."""
    asked: list[str] = []

    def found(*first: str | Exception) -> Iterator[Iterator[Fetched]]:
        yield stream(*first)
        asked.append("the next")
        raise BUSY

    pages = each(found("a"))
    assert (next(pages).origin, asked) == ("a", [])
    assert read(pages) == ([], BUSY)
    assert asked == ["the next"]
    assert read(each(found("a", DEAD))) == (["a"], DEAD), "the first error, not the last"


def test_what_went_wrong_before_is_raised_first_and_last() -> None:
    before = ConfigError("no such account")
    assert read(each([stream("a"), stream(DEAD)], [before, BUSY])) == (["a"], before)
    assert read(each([], [before])) == ([], before)


def test_a_mistake_of_ours_is_not_kept_for_later() -> None:
    with pytest.raises(ZeroDivisionError):
        list(each([stream("a", ZeroDivisionError()), stream("b")]))


def test_when_a_polls_time_is_over_what_is_left_fails_unasked() -> None:
    client, rest = Client(allow_private=True, ends=1.0, now=lambda: 2.0), iter(range(3))

    def asking() -> Iterator[Fetched]:
        next(rest)
        yield Fetched(client.get("http://127.0.0.1:9/").content, "")

    came, error = read(each(asking() for _ in range(3)))
    assert (came, isinstance(error, TransientError), [*rest]) == ([], True, [])
    assert "cut off, the poll took longer than it may" in str(error)
