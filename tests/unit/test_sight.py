"""What the daily brief says of who listened: silences with their reason, refills, and sources that came or went."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from building import DAY, HOUR, MINUTE, House, utc

from coolhead.plan import Plan
from coolhead.reports import daily
from coolhead.rows import Silence

DAY_OF = date(2026, 3, 25)
START = utc(2026, 3, 24, 23)  # Rome
END = START + DAY


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as found:
        yield found


def brief(house: House, plan: Plan | None = None) -> str:
    chosen = plan or house.plan
    house.measure(END + HOUR)
    page = daily.build(house.store, chosen, chosen.markets[0], DAY_OF, END + HOUR)
    return " ".join(page.replace("\N{NO-BREAK SPACE}", " ").split())


def test_a_silence_is_told_like_an_outage(house: House) -> None:
    """We were blind from 07:00 to 09:00, though every poll succeeded."""
    house.listen(START - DAY, END)
    house.say(START + 12 * HOUR)
    house.store.upsert([Silence(
        source="mastodon", market="zefirella", start=START + 7 * HOUR, end=START + 9 * HOUR, reason="nothing came for 2.0 hours",
        known_at=START + 8 * HOUR, over_at=START + 9 * HOUR + MINUTE,
    )])  # fmt: skip
    page = brief(house)
    assert "mastodon was blind 07:00 to 09:00" in page
    assert "nothing came for 2.0 hours" in page
    assert "no limit is known" in page
    assert "≥ 1" in page


def test_a_source_that_joined_or_left_is_marked(house: House) -> None:
    content = house.plan.content()
    sources = content["brands"]["brands"][0]["markets"][0]["sources"]
    sources["feed"]["active_from"], sources["mastodon"]["retired_on"] = "2026-03-12", "2026-03-20"
    plan = Plan.model_validate(content)
    house.listen(START - 20 * DAY, START - 5 * DAY, sources=["mastodon"])
    house.listen(START - 16 * DAY, END, sources=["feed"])
    house.say(START + 12 * HOUR, source="feed")
    page = brief(house, plan)
    assert "Who is listened to has changed: feed from 12 Mar; mastodon until 19 Mar." in page
    assert "not listened to since 20 Mar" in page
    assert "was blind" not in page


def test_nobody_came_or_went(house: House) -> None:
    house.listen(START - 5 * DAY, END)
    house.say(START + 12 * HOUR)
    assert "Who is listened to has changed" not in brief(house)
