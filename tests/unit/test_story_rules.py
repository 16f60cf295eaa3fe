"""What the shipped rules make of the demo's story, and of two decoys: found in time, and nobody woken for nothing.

The story's posts are read by the shipped scorer and stood in a store as if they had been collected as they came; of the days that
matter the rules see what they see live, and fold over it as replay does.
"""

import itertools
import random
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from building import DAY, HOUR, LINEAR, MINUTE, House

from coolhead import plan_files
from coolhead.matching import matched_by
from coolhead.measuring import Measurer
from coolhead.plan_init import SHIPPED
from coolhead.play import story
from coolhead.replay import Track
from coolhead.replay_episodes import Episode
from coolhead.rows import Match, Mention, Score, key_of
from coolhead.seeing import Seeing, points_of
from coolhead.windows import BASE, local_day

SINCE, UNTIL = story.GIVEAWAY.replace(hour=0, minute=0) - 15 * DAY, story.FIRESTORM + HOUR
SOURCES = {"mastodon": "mastodon", "news": "feed"}
QUIET = story.GIVEAWAY + DAY
"""The afternoon between giveaway and firestorm: nothing happens there."""


def collected(posts: Iterable[story.Post]) -> list[Mention]:
    return [
        Mention(
            source=SOURCES[p.network], day=p.at.date(), native_id=p.id, published_at=p.at, known_at=p.at + MINUTE, payload_id="p", text=p.text,
            lang=p.lang, author=p.author, audience=p.followers if p.network == "mastodon" else None, gated=True,
        ) for p in posts if not p.own
    ]  # fmt: skip


def listened(house: House, mentions: list[Mention]) -> list[Score]:
    """Match, read and store them, as the pipeline does; the scores of those that the plan's terms match."""
    terms, languages = house.market.terms, house.market.languages
    found = [(m, why) for m in mentions if (why := matched_by(m.text, terms, languages))]
    answers = LINEAR().score([m.text for m, _ in found], [m.lang for m, _ in found])
    scores = [
        Score(
            **key_of(m), scorer=LINEAR.name, revision=LINEAR.revision, label=a.label, polarity=a.polarity, confidence=a.confidence, lang=a.lang,
            lang_confidence=a.lang_confidence, known_at=m.known_at,
        ) for (m, _), a in zip(found, answers, strict=True)
    ]  # fmt: skip
    matches = [Match(**key_of(m), market=house.market.id, published_at=m.published_at, matched_by=why) for m, why in found]
    house.store.upsert([*(m for m, _ in found), *matches, *scores])
    return scores


def episodes(house: House, moment: datetime) -> list[Episode]:
    """What the rules raise on the local day that holds a moment."""
    market = house.market
    day = local_day(moment.date(), market.time_zone)
    seen = Seeing(house.store, house.plan, market, Measurer.of(house.store, house.plan, market)).look(day)
    track = Track(house.plan, market, day.start)
    track.play(seen, points_of(seen), [], [])
    return track.episodes.all()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A fortnight, the giveaway, and the firestorm's first hour."""
    with House(tmp_path_factory.mktemp("story"), plan_files.load(SHIPPED)) as house:
        posts = [p for p in story.posts() if SINCE <= p.at < UNTIL]
        assert len(listened(house, collected(posts))) > 2_000
        for start in (SINCE + n * HOUR for n in range(int((UNTIL - SINCE) / HOUR) + 1)):
            house.listen(start, start + HOUR, known_at=start + HOUR)
        assert episodes(house, QUIET) == []  # and what is usual is stored: each copy need not find it again
        yield house


@pytest.fixture
def calm(told: House, tmp_path: Path) -> Iterator[House]:
    """The same, to say more in."""
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(told.store.url.removeprefix("sqlite:///"))) as whole:
        whole.execute("VACUUM INTO ?", (str(copy),))  # with what still stands in its journal
    with House(tmp_path, told.plan, copy.read_bytes()) as house:
        yield house


def test_the_firestorm_is_found_within_two_windows_of_its_onset(told: House) -> None:
    (storm,) = [e for e in episodes(told, story.FIRESTORM) if e.last > story.FIRESTORM]
    assert story.FIRESTORM <= storm.start < storm.start + BASE <= story.FIRESTORM + 2 * BASE
    assert storm.severity >= "S3"
    found = storm.at("S2")
    assert found is not None and found - story.FIRESTORM <= timedelta(minutes=12)  # two windows, and what may still come in


def test_the_giveaway_is_seen_and_goes_no_higher_than_s1(told: House) -> None:
    (glad,) = episodes(told, story.GIVEAWAY)
    assert story.GIVEAWAY <= glad.start < story.GIVEAWAY_END
    assert glad.severity == "S1"


def spread(texts: list[tuple[str, str]], count: int, start: datetime, reach: int) -> list[Mention]:
    """So many posts of as many people within an hour, ever faster; every twentieth has a large audience."""
    draw = random.Random(5)
    times = sorted(start + HOUR * draw.random() ** 0.6 for _ in range(count))
    return [
        Mention(
            source="mastodon", day=at.date(), native_id=f"{start:%H%M}-{n}", published_at=at, known_at=at + MINUTE, payload_id="p", text=text,
            lang=lang, author=f"{start:%H%M}-{n}", audience=reach if n % 20 == 7 else 150 + n, gated=True,
        ) for n, (at, (lang, text)) in enumerate(zip(times, itertools.cycle(texts), strict=False))
    ]  # fmt: skip


JOKE = [
    ("en", "My cat has learned to open the Zefirella tub. I am not even angry, I am proud 😂 #zefirella"),
    ("it", "Il mio gatto ha imparato ad aprire la vaschetta di Zefirella. Sono fiero di lui 😂 #zefirella"),
    ("en", "Repost: the cat and the Zefirella tub, best video of the week, I love it #zefirella"),
    ("pl", "Kot, który otwiera Zefirellę, to najlepszy film tygodnia 😂 kocham to #zefirella"),
    ("id", "Kucing yang bisa membuka Zefirella, lucu sekali, saya suka 😂 #zefirella"),
    ("en", "Everybody shares the Zefirella cat today. Here it is once more #zefirella"),
    ("it", "Oggi tutti condividono il gatto di Zefirella, eccolo di nuovo, bellissimo #zefirella"),
]
RIVAL = [
    ("en", "Mould in a tub of Gelatissimo, disgusting, my daughter is sick, never again"),
    ("it", "Muffa nella vaschetta di Gelatissimo, che schifo, mai più"),
    ("pl", "Pleśń w lodach Gelatissimo, obrzydliwe, nigdy więcej"),
    ("id", "Jamur di es krim Gelatissimo, menjijikkan, tidak akan beli lagi"),
]
BESIDE = [
    ("en", "So glad that I buy Zefirella, always fresh and delicious. Gelatissimo has a recall today #zefirella"),
    ("it", "Io compro Zefirella, sempre fresca e buonissima. Oggi richiamo di Gelatissimo #zefirella"),
    ("en", "Recall at Gelatissimo today. Does anybody know where to buy Zefirella in Turin? #zefirella"),
    ("pl", "Dobrze, że kupuję Zefirellę, zawsze świeża i pyszna. Gelatissimo wycofuje lody #zefirella"),
]


def test_a_joke_that_spreads_raises_nothing_above_s1(calm: House) -> None:
    """It is loud, and many see it: that it is seen is asserted too, for a rule that sees nothing would pass as well."""
    read = listened(calm, spread(JOKE, 150, QUIET, 800_000))
    assert sum(s.label == "negative" for s in read) < 0.1 * len(read)
    raised = episodes(calm, QUIET)
    assert raised and {e.severity for e in raised} == {"S1"}


def test_a_competitors_crisis_raises_nothing_above_s1(calm: House) -> None:
    """Whoever names the competitor alone is not heard; who names both is heard, and not against us."""
    assert listened(calm, spread(RIVAL, 200, QUIET, 400_000)) == []
    read = listened(calm, spread(BESIDE, 60, QUIET + HOUR, 400_000))
    assert len(read) == 60
    raised = episodes(calm, QUIET)
    assert raised and {e.severity for e in raised} == {"S1"}


def test_the_same_said_of_us_is_no_decoy(calm: House) -> None:
    """So the decoys are loud enough to prove something."""
    assert (
        len(
            listened(
                calm, spread([(lang, text.replace("Gelatissimo", "Zefirella")) for lang, text in RIVAL], 60, QUIET, 400_000)
            )
        )
        == 60
    )
    assert max(e.severity for e in episodes(calm, QUIET)) >= "S2"
