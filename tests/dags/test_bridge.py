"""What Airflow hands over becomes plain Python before the domain sees it."""

from datetime import UTC, datetime, timedelta

import pendulum
import pytest

import bridge
from coolhead import registry


def test_intervals_are_plain_datetimes(dags, monkeypatch):
    start = pendulum.datetime(2026, 3, 3, 12, 0, tz="Europe/Rome")
    given = {"data_interval_start": start, "data_interval_end": start.add(minutes=5)}
    monkeypatch.setattr(bridge, "get_current_context", lambda: given)
    found = bridge.interval()
    assert found == (datetime(2026, 3, 3, 11, tzinfo=UTC), datetime(2026, 3, 3, 11, 5, tzinfo=UTC))
    assert {type(moment) for moment in found} == {datetime}
    assert (found[1] - found[0]) // timedelta(minutes=1) == 5


@pytest.mark.parametrize("start, end", [(None, None), (1, 1), (2, 1)])
def test_a_run_without_an_interval_has_none(start, end, monkeypatch):
    hour = {n: pendulum.datetime(2026, 3, 3, n) for n in (1, 2)}
    given = {"data_interval_start": hour.get(start), "data_interval_end": hour.get(end)}
    monkeypatch.setattr(bridge, "get_current_context", lambda: given)
    assert bridge.interval() is None


def test_each_poll_interval_is_a_cron_expression():
    for source in registry.names("sources"):
        assert len(bridge.cron_of(registry.load("sources", source).poll).split()) == 5
