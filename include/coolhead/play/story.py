"""The story of Zefirella, an iced tea that never existed: three calm weeks, an outage, a giveaway, a firestorm.

Everything is drawn from one seed, so that each run of the demo tells the same. Posts by the brand that a person
must approve first are `gated`: they stand here at the time they would have had, and `released()` moves them.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from coolhead.play.cast import Author, Cast
from coolhead.play.moments import (
    CALM,
    CALM_AGAIN,
    END,
    FIRESTORM,
    FIRESTORM_END,
    GIVEAWAY,
    GIVEAWAY_END,
    MULTIPLIER,
    NEWS,
    OUTAGE,
    OUTAGE_END,
    REPLIES,
    REPLIES_WAIT,
    STATEMENT,
)
from coolhead.play.post import BRAND, LANGUAGES, OWN, Kind, Post, as_csv, snowflake
from coolhead.play.rates import arrivals, calm, firestorm, followers, giveaway
from coolhead.play.texts import Texts, pools

__all__ = [
    "CALM", "CALM_AGAIN", "END", "FIRESTORM", "FIRESTORM_END", "GIVEAWAY", "GIVEAWAY_END", "MULTIPLIER", "NEWS",
    "OUTAGE", "OUTAGE_END", "REPLIES", "REPLIES_WAIT", "STATEMENT", "Post", "as_csv", "followers", "posts", "released",
]  # fmt: skip

SEED = 14
NEWS_SHARE = 0.15
SOCIAL: dict[Kind, float] = {"calm_positive": 58, "calm_neutral": 25.5, "calm_negative": 16.5}
ARTICLES: dict[Kind, float] = {"news_positive": 44, "news_neutral": 49, "news_negative": 7}
HOT: dict[Kind, float] = {"complaint": 86, "defence": 5, "question": 5, "joke": 4}
COOLING: dict[Kind, float] = {"complaint": 77, "defence": 10, "question": 11, "joke": 2}
LOUD = ((21, 23_400, "it"), (27, 41_800, "pl"), (34, 67_200, "en"), (52, 88_500, "id"), (75, 30_900, "it"), (128, 52_300, "en"),
        (171, 20_700, "pl"))  # fmt: skip
"""Minutes after the onset, followers, language."""
HEADLINES = ((0, "it", 0), (25, "en", 0), (70, "id", 0), (115, "pl", 0), (710, "it", 1), (815, "en", 1))
"""Minutes after the first article, language, number in its pool."""
OFFICE = range(8, 19)
"""UTC hours in which the brand answers."""


class _Script:
    """Writes the story once, front to back."""

    def __init__(self) -> None:
        self.rng = random.Random(SEED)
        self.texts = Texts(self.rng)
        self.cast = Cast(self.rng)
        self.posts: list[Post] = []

    def draw(self, weights: dict[Kind, float]) -> Kind:
        return self.rng.choices(list(weights), list(weights.values()))[0]

    def say(
        self, at: datetime, kind: Kind, lang: str, text: str, author: Author, reply_to: str | None = None, gated: bool = False
    ) -> Post:
        likes = int(self.rng.expovariate(1 / (1.5 + author.followers**0.5 / 6)))
        boosts, replies = int(likes * self.rng.uniform(0.1, 0.5)), int(likes * self.rng.uniform(0.0, 0.35))
        number = str(snowflake(at, len(self.posts)))
        post = Post(
            number, at, "mastodon", lang, text, author.handle, author.name, author.followers, likes, boosts, replies,
            kind, gated, reply_to,
        )  # fmt: skip
        self.posts.append(post)
        return post

    def print(self, at: datetime, kind: Kind, lang: str, number: int | None = None) -> None:
        outlet = self.rng.choice(pools()[lang]["outlets"])
        text = self.texts.article(lang, kind, number)
        native = f"tag:alerts.example,2013:alerts/feed:{self.rng.randrange(10**18, 10**19)}"
        # a feed tells whole seconds
        when = at.replace(microsecond=0)
        self.posts.append(Post(native, when, "news", lang, text, outlet, outlet.partition(".")[0], 0, 0, 0, 0, kind))

    def calm_days(self) -> None:
        for at in arrivals(self.rng, CALM, END, calm):
            lang = self.rng.choice(LANGUAGES)
            if self.rng.random() < NEWS_SHARE:
                self.print(at, self.draw(ARTICLES), lang)
            else:
                kind = self.draw(SOCIAL)
                self.say(at, kind, lang, self.texts.social(lang, kind), self.cast.regular(lang))
        # the feed works while the other network does not
        for number, lang in enumerate(LANGUAGES[:2]):
            self.print(OUTAGE + timedelta(minutes=35 + 45 * number), "news_neutral", lang)

    def giveaway(self) -> None:
        brand = Author(OWN, BRAND, followers(GIVEAWAY))
        text = pools()["en"]["own_announcement"][0]
        announcement = self.say(GIVEAWAY, "own", "en", text, brand)
        for at in arrivals(self.rng, GIVEAWAY, GIVEAWAY_END, giveaway):
            lang = self.rng.choice(LANGUAGES)
            answered = announcement.id if self.rng.random() < 0.3 and at > GIVEAWAY else None
            self.say(at, "giveaway", lang, self.texts.social(lang, "giveaway"), self.cast.stranger(lang), answered)

    def firestorm(self) -> None:
        heard: dict[str, list[Post]] = {lang: [] for lang in LANGUAGES}
        for at in arrivals(self.rng, FIRESTORM, FIRESTORM_END, firestorm):
            lang = self.rng.choice(LANGUAGES)
            kind = self.draw(HOT if at < FIRESTORM + timedelta(hours=8) else COOLING)
            earlier = heard[lang]
            answered = self.rng.choice(earlier) if earlier and self.rng.random() < 0.15 else None
            # inside five minutes the times come unsorted
            before = answered.id if answered and answered.at < at else None
            post = self.say(at, kind, lang, self.texts.social(lang, kind), self.cast.stranger(lang), before)
            if kind == "complaint":
                earlier.append(post)
        self.loud()
        for minutes, lang, number in HEADLINES:
            self.print(NEWS + timedelta(minutes=minutes), "news_crisis", lang, number)

    def loud(self) -> None:
        detective = Author("pantry_detective@toots.example", "The Pantry Detective", 812_000)
        text = self.texts.fill("en", pools()["en"]["multiplier"][0])
        post = self.say(MULTIPLIER, "complaint", "en", text, detective)
        self.posts[-1] = replace(post, likes=4_230, boosts=2_180, replies=760)
        for minutes, crowd, lang in LOUD:
            at = FIRESTORM + timedelta(minutes=minutes, milliseconds=self.rng.randrange(50_000))
            author = replace(self.cast.stranger(lang), followers=crowd)
            # a name of its own, so that no account has two sizes
            author = replace(author, handle=f"the_{author.handle}", name=f"{author.name} ✔")
            self.say(at, "complaint", lang, self.texts.social(lang, "complaint"), author)

    def own(self) -> None:
        """Usual work of the brand: a post every other day, an answer to one post in eight, silence in the firestorm."""
        for at in (CALM + timedelta(days=day, hours=9, minutes=30) for day in range(0, 27, 2)):
            if not FIRESTORM <= at < CALM_AGAIN:
                lang = LANGUAGES[at.day // 2 % 4]
                self.say(at, "own", lang, self.texts.plain(lang, "own_post"), Author(OWN, BRAND, followers(at)))
        for post in [post for post in self.posts if post.kind in SOCIAL]:
            at = post.at + timedelta(seconds=self.rng.uniform(1_200, 5_400))
            at = at.replace(microsecond=at.microsecond // 1000 * 1000)
            busy = FIRESTORM <= at < CALM_AGAIN or at >= END or at.hour not in OFFICE
            if self.rng.random() < 0.2 and not busy:
                self.answer(post, at, "own_reply_sorry" if post.kind == "calm_negative" else "own_reply", "own_reply")

    def answer(self, post: Post, at: datetime, pool: str, kind: Kind, gated: bool = False) -> None:
        text = f"@{post.author.partition('@')[0]} {self.texts.plain(post.lang, pool)}"
        self.say(at, kind, post.lang, text, Author(OWN, BRAND, followers(at)), post.id, gated)

    def gated(self) -> None:
        """What waits for a person: the statement in four languages, then replies to the loudest complaints."""
        for lang in LANGUAGES:
            text = pools()[lang]["statement"][0]
            self.say(STATEMENT, "statement", lang, text, Author(OWN, BRAND, followers(STATEMENT)), gated=True)
        complaints = [post for post in self.posts if post.kind == "complaint" and post.at < REPLIES]
        loudest = sorted(complaints, key=lambda post: (-post.followers, post.id))[:36]
        for number, post in enumerate(sorted(loudest, key=lambda post: post.at)):
            self.answer(post, REPLIES + timedelta(minutes=15 * number), "reply_complaint", "reply_complaint", gated=True)


def _remembered(told: Iterable[Post]) -> Iterator[Post]:
    """Without the posts of the outage, whose server lost them for ever, and without answers to them."""
    lost = {post.id for post in told if post.network == "mastodon" and OUTAGE <= post.at < OUTAGE_END}
    return (post for post in told if post.id not in lost and post.reply_to not in lost)


@cache
def _written() -> tuple[Post, ...]:
    script = _Script()
    script.calm_days()
    script.giveaway()
    script.firestorm()
    script.own()
    script.gated()
    return tuple(sorted(_remembered(script.posts), key=lambda post: (post.at, post.id)))


def posts() -> list[Post]:
    """The whole story in order of time, gated posts included."""
    return list(_written())


def released(at: datetime, gated: Iterable[Post]) -> list[Post]:
    """Gated posts as they stand once a person approves at `at`: the statement then, each reply at its planned
    time or later, the first of them at least 30 minutes after the statement. Ids follow the times."""
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    late = max(at + REPLIES_WAIT - REPLIES, timedelta())
    moved = [(post, at if post.kind == "statement" else post.at + late) for post in gated]
    return [replace(post, at=when, id=str(snowflake(when, int(post.id)))) for post, when in moved]
