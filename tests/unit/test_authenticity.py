"""Authenticity: what is seen, how it is said, and that it never depends on the order of rows."""

import json
import random
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from building import House, a_plan, few, mention
from hypothesis import given
from hypothesis import strategies as st

from coolhead import authenticity, near_duplicates, registry, schema
from coolhead.authenticity import Evidence, of_mentions
from coolhead.clock import Fixed
from coolhead.edge import Edge
from coolhead.landing import Landed
from coolhead.plan import Market, Watched
from coolhead.rows import AuthorDay, Mention
from coolhead.sources._html import since
from coolhead.terms import Terms
from coolhead.windows import Window

START = datetime(2026, 3, 25, 10, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
MARKET: Market = a_plan().markets[0]
COPIED = "Nobody should ever buy Zefirella again, my neighbour's cat became green after one spoon of it"
WORDS = "sole luna mare vento pietra sale pane vino olio fuoco neve lago bosco strada ponte casa porta muro tetto fiume".split()


def frame(mentions: Iterable[Mention], **more: Any) -> pd.DataFrame:
    """As the store gives it, as far as this goes."""
    rows = [m.model_dump() for m in mentions]
    return pd.DataFrame(rows, columns=list(Mention.model_fields)).astype(schema.dtypes(Mention)).assign(**more)


def own_words(number: int) -> str:
    """A text that is like no other one."""
    return " ".join(random.Random(number).choices(WORDS, k=14)) + " zefirella"


def seen(mentions: Iterable[Mention], market: Market = MARKET, **more: Any) -> dict[str, Evidence]:
    return {e.kind: e for e in of_mentions(frame(mentions, **more), market)}


def copies(count: int, apart: timedelta, **columns: Any) -> list[Mention]:
    return [mention(i, START + i * apart, text=f"{COPIED} {i}", **columns) for i in range(count)]


def test_ordinary_mentions_tell_nothing() -> None:
    ordinary = [
        mention(i, START + i * 7 * MINUTE, text=own_words(i), audience=100 + i, author_since=START - (100 + 40 * i) * DAY)
        for i in range(40)
    ]  # fmt: skip
    assert of_mentions(frame(ordinary), MARKET) == []
    assert of_mentions(frame([]), MARKET) == []


def test_the_same_text_within_a_minute() -> None:
    found = seen([*copies(7, 10 * SECOND), *(mention(100 + i, START + i * MINUTE, text=own_words(i)) for i in range(9))])
    together = found["together"]
    assert together.says == "7 accounts posted nearly the same text within 60 s"
    assert together.strength == "strong" and together.numbers == {"accounts": 7, "seconds": 60}
    assert together.mentions == tuple(("mastodon", "2026-03-25", f"{i:06}") for i in range(7))
    assert len(together.authors) == 7
    assert found["near_duplicates"].says == "7 accounts posted nearly the same text, in 7 mentions within 60 s"


def test_the_same_text_over_hours_is_not_together() -> None:
    found = seen(copies(6, 20 * MINUTE))
    assert "together" not in found
    assert found["near_duplicates"].says == "6 accounts posted nearly the same text, in 6 mentions within 100 minutes"


def test_the_minute_with_most_accounts_counts_and_its_end_belongs_to_it() -> None:
    at = [0, 300, 330, 360, 361, 900]
    some = [mention(i, START + s * SECOND, text=f"{COPIED} {i}") for i, s in enumerate(at)]
    together = seen(some)["together"]
    assert together.numbers["accounts"] == 3
    assert [k[2] for k in together.mentions] == ["000001", "000002", "000003"]


def test_two_accounts_are_no_coordination_and_one_account_repeats_itself() -> None:
    assert seen(copies(2, SECOND)) == {}
    found = seen(copies(4, MINUTE, author="anna"))
    assert found.keys() == {"repeated"}
    assert found["repeated"].says == "one account posted nearly the same text 4 times within 3 minutes"


def test_reposts_and_own_posts_are_no_copies() -> None:
    assert seen(copies(9, SECOND, repost_of="1")) == {}
    assert seen(copies(9, SECOND, own=True)) == {}


def test_short_texts_are_alike_by_nature() -> None:
    assert seen(mention(i, START + i * SECOND, text="Shame on you Zefirella!") for i in range(20)) == {}


@pytest.mark.parametrize("text", ["Boycott Zefirella right now!", "#boycottzefirella #shame", "ゼフィレッラ最悪", "che schifo"])
@pytest.mark.parametrize("strength", ["weak", "notable", "strong"])
def test_one_short_text_by_many_accounts_within_a_minute(text: str, strength: str) -> None:
    count = {"weak": 25, "notable": 40, "strong": 50}[strength]
    found = seen(mention(i, START + i * SECOND, text=text.upper() if i % 2 else text) for i in range(count))
    assert found.keys() == {"together"}
    assert found["together"].says == f"{count} accounts posted the same short text within 60 s"
    assert found["together"].strength == strength
    assert found["together"].numbers == {"accounts": count, "seconds": 60}
    assert len(found["together"].mentions) == len(found["together"].authors) == count


def test_one_short_text_within_a_minute_amid_a_storm_and_echoed_after_it() -> None:
    storm = [mention(i, START + i * 9 * SECOND, text=own_words(i)) for i in range(400)]
    wave = [mention(1_000 + i, START + 20 * MINUTE + i * SECOND, text="Boycott them!") for i in range(50)]
    echo = [mention(2_000 + i, START + 25 * MINUTE + i * MINUTE, text="boycott them") for i in range(100)]
    assert seen([*storm, *wave, *echo])["together"].numbers["accounts"] == 50


@pytest.mark.parametrize("each_hour", [60, 600, 3_600])
def test_short_comments_of_a_storm_meet_by_chance(each_hour: int) -> None:
    draw = random.Random(1)
    some = [mention(i, START + draw.random() * 60 * MINUTE, text="che schifo") for i in range(each_hour)]
    assert seen(some) == {}


@pytest.mark.parametrize(
    "text", ["🤮", "😡🤮 😡", "❤️", "👨\u200d👩\u200d👧", "!!!", "5/5", "@zefirella", "https://x.example/1", "\u200b", ""]
)
def test_what_has_no_words_is_no_text_of_ones_own(text: str) -> None:
    assert seen(mention(i, START + i * SECOND, text=text) for i in range(60)) == {}


def test_one_account_and_reposts_do_not_post_a_short_text_together() -> None:
    assert "together" not in seen(mention(i, START + i * SECOND, text="Boo!", author="anna") for i in range(60))
    assert seen(mention(i, START + i * SECOND, text="Boo!", repost_of="1") for i in range(60)) == {}


def test_what_the_network_does_not_tell_is_no_evidence() -> None:
    assert seen(mention(i, START + i * SECOND, text=own_words(i), author=None) for i in range(30)) == {}


def test_new_accounts() -> None:
    some = [
        mention(i, START + i * MINUTE, text=own_words(i), author_since=START - (3 + 4 * i if i < 6 else 900 + 50 * i) * DAY)
        for i in range(10)
    ] + [mention(50 + i, START + i * MINUTE, text=own_words(50 + i)) for i in range(5)]
    new = seen(some)["new_accounts"]
    assert new.says == "6 of 10 accounts whose age is known (of 15) were made in the 30 days before they posted"
    assert new.strength == "strong" and new.numbers == {"accounts": 6, "known": 10}


def test_accounts_made_at_the_same_time() -> None:
    made = [timedelta(hours=h) for h in (0, 5, 23, 24, 90 * 24, 180 * 24, 270 * 24)]
    some = [mention(i, START + i * MINUTE, text=own_words(i), author_since=START - 2_000 * DAY + m) for i, m in enumerate(made)]
    assert seen(some)["made_together"].says == "4 of 7 accounts whose age is known were made within 24 hours"


def test_followers_that_leap_and_round_numbers_that_tell_nothing() -> None:
    some = [
        mention(i, START + i * 60 * MINUTE, text=own_words(i), author="anna", audience=a) for i, a in enumerate((120, 40_000))
    ]
    leap = seen(some)["audience_jump"]
    assert leap.says == "one account had 120 followers at one of its mentions and 40,000 at another, within 60 minutes"
    assert leap.strength == "strong"
    assert seen(mention(i, START + i * MINUTE, text=own_words(i), audience=1_000) for i in range(20)) == {}
    grown = [
        mention(i, START + i * MINUTE, text=own_words(i), author="anna", audience=a) for i, a in enumerate((4_000, 39_000))
    ]
    assert seen(grown) == {}


def test_small_audiences() -> None:
    some = [mention(i, START + i * MINUTE, text=own_words(i), audience=i % 6 if i < 6 else 500 + i) for i in range(12)]
    small = seen(some)["small_audiences"]
    assert small.says == "6 of 12 accounts whose followers are known have at most 5"
    assert small.strength == "strong"


def test_posting_rate() -> None:
    fast = [mention(i, START + i * MINUTE, text=own_words(i), author="anna") for i in range(12)]
    slow = [mention(99 + i, START + i * 3 * MINUTE, text=own_words(99 + i), author="bruno") for i in range(9)]
    rate = seen([*slow, *fast])["posting_rate"]
    assert rate.says == "one account posted 11 mentions within 10 minutes"
    assert rate.strength == "notable" and len(rate.mentions) == 11
    assert rate.mentions[0][2] == "000000"


def test_a_competitors_name_in_any_form() -> None:
    watching = MARKET.model_copy(update={
        "languages": ("pl", "it"), "watch": (Watched(id="gelatina", name="Gelatina Nova", terms=Terms(any_of=("gelatina",))),),
    })  # fmt: skip
    texts = ["Zefirella czy Gelatiny?", "GELATINA NOVA è meglio", own_words(1), own_words(2)]
    some = [mention(i, START + i * MINUTE, text=t) for i, t in enumerate(texts)]
    found = seen(some, watching)["competitor"]
    assert found.says == "2 of 4 mentions name Gelatina Nova, too"
    assert found.strength == "weak"
    assert "competitor" not in seen(some)


def test_a_competitors_name_that_is_an_ordinary_word_counts_as_the_plan_says() -> None:
    terms = Terms(any_of=("Fresca",), context={"Fresca": ("limonata",)})
    watching = MARKET.model_copy(update={"watch": (Watched(id="fresca", name="Fresca", terms=terms),)})
    assert "competitor" not in seen([mention(1, START, text="acqua fresca")], watching)
    assert "competitor" in seen([mention(1, START, text="la limonata Fresca")], watching)
    short = watching.model_copy(update={"watch": (Watched(id="ab", name="A", terms=Terms(any_of=("Abracadabra",))),)})
    assert "competitor" not in seen([mention(1, START, text="A lemon")], short)


def test_first_mentions_only_where_it_is_known() -> None:
    some = [mention(i, START + i * MINUTE, text=own_words(i)) for i in range(5)]
    assert seen(some) == {}
    found = seen(some, first=[True, True, True, False, None])["first_mentions"]
    assert found.says == "3 of 4 accounts had not mentioned the brand in the 180 days before"


def test_nothing_is_a_verdict() -> None:
    words = Path(authenticity.__file__).read_text("utf-8").casefold()
    assert not re.search(r"\b(bots?|fakes?|trolls?|inauthentic|fraud\w*|suspicious)\b", words)


MENTIONS = st.lists(
    st.tuples(
        st.sampled_from([COPIED, COPIED.upper(), "Zefirella", own_words(1), own_words(2), ""]), st.integers(0, 200),
        st.sampled_from([None, "anna", "bruno", "carla", "dario"]), st.sampled_from([None, 0, 3, 1_000, 50_000]),
        st.sampled_from([None, START - DAY, START - 900 * DAY]), st.booleans(),
    ),
    max_size=25,
)  # fmt: skip


@given(MENTIONS, st.randoms(use_true_random=False))
@few
def test_the_order_of_rows_changes_nothing(rows: list[Any], rng: random.Random) -> None:
    some = [
        mention(i, START + s * SECOND, text=f"{t} {i}", author=a, audience=n, author_since=made, own=own)
        for i, (t, s, a, n, made, own) in enumerate(rows)
    ]
    mixed = some.copy()
    rng.shuffle(mixed)
    found = of_mentions(frame(some), MARKET)
    assert found == of_mentions(frame(mixed), MARKET)
    keys = {("mastodon", str(m.day), m.native_id) for m in some if not m.own}
    assert all(set(e.mentions) <= keys and e.mentions and e.says for e in found)


def test_mentions_and_who_is_new_come_from_the_store(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        said = [house.say(START + i * 10 * SECOND, text=f"{COPIED} {i}", author=f"author-{i}") for i in range(6)]
        house.say(START + MINUTE, text=own_words(3), author="anna")
        house.store.upsert(
            AuthorDay(market=house.market.id, day=date(2026, 3, 25), source="mastodon", author=f"author-{i}", mentions=1, first=i < 4)
            for i in range(6)
        )  # fmt: skip
        window, as_of = Window(START - DAY, START + DAY), START + DAY
        keys = [("mastodon", str(m.day), m.native_id) for m in said]
        got = authenticity.gathered(house.store, house.market, window, "linear", "1", as_of, keys)
        everything = authenticity.gathered(house.store, house.market, window, "linear", "1", as_of)
        nothing = authenticity.gathered(house.store, house.market, window, "linear", "1", as_of, [])
    found = {e.kind: e for e in of_mentions(got, house.market)}
    assert found["together"].numbers["accounts"] == 6
    assert found["first_mentions"].says == "4 of 6 accounts had not mentioned the brand in the 180 days before"
    assert len(got) == 6 and len(everything) == 7
    assert of_mentions(nothing, house.market) == []


# near-duplicates


@pytest.mark.parametrize(
    "alike",
    [
        (COPIED, COPIED.upper() + "!!!"),
        (COPIED, "@friend " + COPIED + " https://x.example/1 #boycott"),
        (COPIED, COPIED.replace("green", "blue")),
        (
            "Nie kupujcie więcej lodów w tym sklepie, są stare i drogie",
            "Nie kupujcie wiecej lodow w tym sklepie, sa stare i drogie 12",
        ),
        ("ゼフィレッラのレモンジェラートは本当に最悪でした", "ゼフィレッラのレモンジェラートは本当に最悪でした。。。"),
    ],
)
def test_nearly_the_same(alike: tuple[str, str]) -> None:
    assert near_duplicates.clusters([own_words(5), alike[0], own_words(6), alike[1]]) == [[1, 3]]


def test_texts_of_their_own_are_not_the_same() -> None:
    assert near_duplicates.clusters([own_words(i) for i in range(300)]) == []
    assert near_duplicates.clusters(["", "!", "Zefirella", "Zefirella", "so good so good so good so good"] * 3) == []


def test_the_very_same_short_texts() -> None:
    some = [
        "Che schifo",
        "che schifo!!!",
        "che schifo #x",
        COPIED,
        COPIED,
        "batch 7",
        "batch 12",
        "CHE SCHIFÒ @anna",
        "🤮",
        "🤮",
    ]
    assert near_duplicates.same_short(some) == [[0, 1, 7]]


@pytest.mark.parametrize("sign", ["\u200b", "\u00ad", "\ufeff", "\u200f", "\u2060"])
def test_what_nobody_sees_makes_no_other_text(sign: str) -> None:
    copied = f"{COPIED} #boycott @anna https://x.example/1"
    assert near_duplicates.clusters([COPIED, sign.join(copied), sign * near_duplicates.LIMIT + COPIED]) == [[0, 1, 2]]
    short = "#shame on @anna"
    assert near_duplicates.same_short([short, sign.join(short)]) == [[0, 1]]


@given(st.lists(st.text(st.characters(), max_size=200), max_size=12))
@few
def test_any_short_text_can_be_compared(texts: list[str]) -> None:
    found = near_duplicates.same_short(texts * 2)
    assert all(len(c) > 1 and c == sorted(c) for c in found)
    assert not {i for c in found for i in c} & {i for c in near_duplicates.clusters(texts * 2) for i in c}


@given(st.lists(st.text(st.characters(), max_size=200), max_size=12))
@few
def test_any_text_can_be_compared(texts: list[str]) -> None:
    found = near_duplicates.clusters(texts)
    assert all(len(c) > 1 and c == sorted(c) for c in found)
    assert near_duplicates.clusters(texts) == found


def test_copies_cost_one_comparison_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Near-linear also where all say the same, each with a word of its own."""
    from datasketch import MinHash

    compared = 0
    jaccard = MinHash.jaccard

    def counted(self: Any, other: Any) -> float:
        nonlocal compared
        compared += 1
        return float(jaccard(self, other))

    monkeypatch.setattr(MinHash, "jaccard", counted)
    texts = [f"{COPIED} {w}" for w in (f"{a}{b}" for a in WORDS for b in WORDS)]
    (cluster,) = near_duplicates.clusters(texts)
    assert len(cluster) == 400 and compared <= 400


# the age of an account


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ("2024-04-27T18:10:15.521Z", datetime(2024, 4, 27, 18, 10, 15, 521_000, UTC)),
        ("2016-11-24T00:00:00.000+01:00", datetime(2016, 11, 23, 23, tzinfo=UTC)),
        *((said, None) for said in ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2024-04-27", "soon")),
        *((said, None) for said in ("", None, 1_700_000_000, True, [], {"at": "2024-04-27T18:10:15Z"}, "9" * 400)),
    ],
)  # fmt: skip
def test_when_an_account_was_made_is_known_or_is_not(said: Any, made: datetime | None) -> None:
    assert since(said) == made


@pytest.mark.parametrize("said", ["2019-01-05T00:00:00.000Z", "0000", None, 7])
def test_an_account_of_no_age_is_heard_nevertheless(said: Any) -> None:
    status = {
        "id": "1", "created_at": "2026-03-25T10:00:00.000Z", "content": "<p>Zefirella</p>", "visibility": "public",
        "account": {"acct": "anna@x.example", "created_at": said},
    }  # fmt: skip
    made = registry.load("sources", "mastodon")()
    landed = Landed("p", "mastodon", "zefirella", "", "", "", None, START.isoformat(), {})
    parsed = Edge(b"key", Fixed(START + DAY)).parse(landed, json.dumps([status]).encode(), made, ())
    assert parsed.refused == []
    assert parsed.mentions[0].author_since == (datetime(2019, 1, 5, tzinfo=UTC) if said == "2019-01-05T00:00:00.000Z" else None)
