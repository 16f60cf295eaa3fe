"""A few hours of the soak that `make soak` runs for seven days (soaking.py)."""

import logging
from collections.abc import Iterator

import pytest

from soak.soaking import SOURCES, soaked


@pytest.fixture(autouse=True)
def _level() -> Iterator[None]:
    yield
    logging.getLogger("coolhead").setLevel(logging.NOTSET)


def test_nothing_is_lost_doubled_or_invented() -> None:
    with soaked(days=0.2, seed=7, tell=lambda _: None, every=4) as found:
        assert found.wrong == []
        assert found.served == found.stored > 100
        assert found.quarantined == 0
        assert found.outages > len(SOURCES)
        assert found.failed > found.outages
