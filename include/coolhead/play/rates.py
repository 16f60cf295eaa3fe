"""How many posts an hour, when: the shape of the story. Also the own account's followers."""

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from coolhead.play import moments

ROME = ZoneInfo("Europe/Rome")
PER_DAY = 120
HOURS = (
    0.25, 0.1, 0.05, 0.03, 0.03, 0.08, 0.35, 0.8, 1.1, 1.2, 1.2, 1.3,
    1.6, 1.6, 1.3, 1.2, 1.2, 1.3, 1.5, 1.7, 1.7, 1.5, 1.0, 0.5,
)  # fmt: skip
"""Weight of each hour of a Roman day."""
WEEKDAYS = (0.98, 0.96, 0.97, 0.98, 1.02, 1.07, 1.02)
BUMPS = {(7, 19): 8.0, (12, 11): 7.0, (17, 17): 8.0, (28, 18): 5.0}
"""(March day, UTC hour) -> some posts more, of no importance: a recipe goes round, a shop has an offer."""
HEAT = (
    ((25, 18, 10), 64), ((25, 18, 20), 84), ((25, 18, 40), 160), ((25, 22, 10), 160), ((25, 23, 30), 80),
    ((26, 1, 0), 35), ((26, 3, 0), 14), ((26, 5, 0), 10), ((26, 7, 0), 28), ((26, 9, 0), 40), ((26, 12, 0), 30),
    ((26, 15, 0), 16), ((26, 18, 0), 5), ((26, 19, 30), 0),
)  # fmt: skip
"""(day, hour, minute) -> posts an hour of the firestorm; straight lines between."""
SLOT = timedelta(minutes=5)


def calm(at: datetime) -> float:
    """Posts an hour on a usual day; fewer have other things to say during the firestorm."""
    local = at.astimezone(ROME)
    usual = PER_DAY * HOURS[local.hour] / sum(HOURS) * WEEKDAYS[local.weekday()]
    damped = 0.35 if moments.FIRESTORM <= at < moments.FIRESTORM_END - timedelta(hours=4) else 1.0
    return usual * damped + BUMPS.get((at.day, at.hour), 0.0)


def giveaway(at: datetime) -> float:
    """70 an hour for three hours, then a tail."""
    late = max((at - moments.GIVEAWAY) / timedelta(hours=1) - 3.0, 0.0)
    return 70.0 * math.exp(-3.0 * late)


def firestorm(at: datetime) -> float:
    points = [at.replace(day=day, hour=hour, minute=minute, second=0, microsecond=0) for (day, hour, minute), _ in HEAT]
    after = bisect_right(points, at)
    if not 0 < after < len(points):
        return 0.0
    part = (at - points[after - 1]) / (points[after] - points[after - 1])
    return HEAT[after - 1][1] * (1 - part) + HEAT[after][1] * part


def arrivals(rng: random.Random, start: datetime, end: datetime, rate: Callable[[datetime], float]) -> Iterator[datetime]:
    """Times of a Poisson process whose rate stands still for five minutes, to the millisecond."""
    while start < end:
        left = math.exp(-rate(start) * (SLOT / timedelta(hours=1)))
        drawn = rng.random()
        while drawn > left:
            yield start + timedelta(milliseconds=rng.randrange(SLOT // timedelta(milliseconds=1)))
            drawn *= rng.random()
        start += SLOT


def followers(at: datetime) -> int:
    """Of the own account: slow growth, a rise by the giveaway, a loss by the firestorm that flattens out."""
    days = (at - moments.CALM) / timedelta(days=1)
    since_giveaway = max((at - moments.GIVEAWAY) / timedelta(hours=1), 0.0)
    since_firestorm = max((at - moments.FIRESTORM) / timedelta(hours=1), 0.0)
    won = 1_900 * (1 - math.exp(-since_giveaway / 2.0))
    lost = 5_400 * (1 - math.exp(-since_firestorm / 9.0))
    return int(48_210 + 14 * days + won - lost)
