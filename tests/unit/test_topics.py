"""Topics: what tells texts apart, which belong together, and that portions, deaths and repetitions change nothing."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from building import HOUR, LINEAR, MINUTE, House, a_plan, few, mention, score, utc
from hypothesis import given
from hypothesis import strategies as st

from coolhead import plan_files
from coolhead.clock import Fixed
from coolhead.errors import ConfigError
from coolhead.grouping import MAX_MEMBERS, MAX_OPEN, MAX_STEMS, MAX_TEXTS, Groups, Key, Placed, Said, weight
from coolhead.intake import dirty
from coolhead.plan import Plan
from coolhead.plan_init import SHIPPED
from coolhead.play import story
from coolhead.rows import InTopic, Match, Mention, PersonLabel, Tombstone, Topic, TopicDay, Ungrouped, key_of
from coolhead.schema import Row
from coolhead.telling_terms import MOST, named, stem, stems_of, terms
from coolhead.told_topics import of_day, praise
from coolhead.topics import group_all
from coolhead.windows import Window, local_day

NOON = utc(2026, 3, 3, 12)
LATER = NOON + timedelta(days=30)
DAY = date(2026, 3, 3)
PLANNED = [{"name": "smell", "owner": "anna", "terms": {"it": {"any_of": ["puzza"]}, "pl": {"any_of": ["zapach plastiku"]}}}]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as made:
        yield made


def planned(topics: Sequence[dict[str, Any]] = PLANNED, **escalation: Any) -> Plan:
    content = a_plan(**escalation).content()
    content["brands"]["brands"][0]["markets"][0]["topics"] = topics
    return Plan.model_validate(content)


def rows_of(house: House, mentions: Iterable[Mention]) -> list[Row]:
    """Mentions with their match, and the marks of their windows."""
    found = list(mentions)
    matches = [Match(**key_of(m), market=house.market.id, published_at=m.published_at, matched_by="zefirella") for m in found]
    return [*found, *matches, *dirty((house.market.id, m.published_at) for m in found)]


def say(house: House, *texts: str, at: datetime = NOON, label: Any = "negative", **columns: Any) -> list[Mention]:
    """One mention a minute, each by an author of its own if nothing else is said, and read as `label`."""
    out = []
    for n, text in enumerate(texts):
        house.number += 1
        out.append(mention(house.number, at + n * MINUTE, text=text, **columns))
    house.store.upsert([*rows_of(house, out), *(score(m, label) for m in out)])
    return out


def group(house: House, now: datetime = LATER) -> int:
    """Returns how many mentions were placed."""
    return sum(g.mentions for g in group_all(house.store, house.plan, Fixed(now)))


def topic_of(house: House, m: Mention) -> str | None:
    (row,) = house.store.read(InTopic, **key_of(m))
    return row.topic


def tables(house: House) -> dict[str, list[dict[str, Any]]]:
    kinds = (InTopic, Topic, TopicDay, Ungrouped)
    return {
        k.table_name: [row.model_dump(exclude={"known_at"} if k is Topic else None) for row in house.store.read(k)]
        for k in kinds
    }


PLASTIC = (
    "Zefirella smells of plastic, batch 7, the lid was melted",
    "my lemon gelato smells like plastic again, it is batch 7 #zefirella",
    "Zefirella: batch 7 smelled of plastic, awful",
    "why does zefirella smell of melted plastic?",
)

# terms


@pytest.mark.parametrize("words", [
    "plastik plastiku plastikiem", "pleśń pleśni pleśnią", "muffa muffe MUFFA", "smell smells smelled smelling", "bottle bottles",
    "plastica plastiche #plastica", "rasa rasanya", "l'odore dell'odore odore", "żaba ŻABA zaba", "café cafe", "rozczarowana rozczarowany",
])  # fmt: skip
def test_forms_of_a_word_meet(words: str) -> None:
    assert len({stem(w) for w in words.split()}) == 1


@pytest.mark.parametrize("words", ["batch_7 batch_8", "muffa muffin", "lotto letto", "pleśń plaster", "塑料 塑胶"])
def test_different_words_do_not(words: str) -> None:
    assert len({stem(w.replace("_", " ")) for w in words.split()}) == len(words.split())


@pytest.mark.parametrize(("text", "expected"), [
    ("Zefirella smells of plastic, batch 7 again", ["smells", "plastic", "batch", "batch 7"]),
    ("Il gelato di Zefirella puzza di plastica, lotto 4411!", ["gelato", "puzza", "plastica", "lotto", "lotto 4411"]),
    ("Lody Zefirelli śmierdzą plastikiem i nie są zimne", ["lody", "śmierdzą", "plastikiem", "zimne"]),
    ("es krim Zefirella ini bau plastik banget, tolong", ["krim", "bau", "plastik", "tolong"]),
    ("#boycottZefirella now https://z.example/a?b @zefirella @a@b.example 😡", ["#boycottzefirella"]),
    ("plastic PLASTICS plastic", ["plastic"]),
    ("塑料味", ["塑料", "料味"]),
    ("", []), ("😡😡😡", []), ("7 2026 12345678", []), ("\u200d\u200f\u202e", []),
])  # fmt: skip
def test_terms(text: str, expected: list[str]) -> None:
    assert terms(text, stems_of(["zefirella", "zefirelli"])) == expected


@given(st.text(max_size=300))
@few
def test_any_text_has_terms_and_each_a_stem(text: str) -> None:
    found = terms(text)
    assert len(found) <= MOST
    assert all(found)
    assert len({stem(t) for t in found}) == len(found)


def test_a_long_text_is_cut() -> None:
    assert len(terms(" ".join(f"wort{i}x" for i in range(20_000)))) == MOST
    assert terms("x" * 100_000) == ["x" * 2_000]


def test_names_are_as_people_write() -> None:
    forms = {"plesn": {"pleśni": 3, "pleśń": 2}, "but": {"butelce": 2}, "lot": {"lot": 2}, "lot 7": {"lot 7": 4}, "x": {"x": 1}}
    assert named(forms, lambda s: 1.0) == ["pleśni", "lot 7", "butelce"]
    assert named(forms, lambda s: 0.0 if s == "plesn" else 1.0, 1) == ["lot 7"]
    assert named({"塑料": {"塑料": 3}, "料味": {"料味": 3}}, lambda s: 1.0) == ["塑料味"]
    assert named({"once": {"once": 1}}, lambda s: 1.0) == ["once"]


def test_what_is_usual_tells_nothing() -> None:
    assert [weight(x) for x in (0.0, 0.001, 0.005, 0.11, 1.0)] == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert 1 > weight(0.01) > weight(0.05) > weight(0.1) > 0


# groups


def groups(**common: float) -> Groups:
    return Groups("zefirella", "2026-03-03", common)


def key(number: int) -> Key:
    return ("mastodon", "2026-03-03", str(number))


def add(to: Groups, number: int, text: str, author: str | None = "", **columns: Any) -> Placed:
    who = f"author-{number}" if author == "" else author
    return to.add(Said(key(number), who, terms(text, stems_of(["zefirella"])), **columns))


def test_three_by_two_authors_are_a_topic() -> None:
    g = groups()
    assert [add(g, n, text).topic for n, text in enumerate(PLASTIC[:2])] == [None, None]
    third = add(g, 2, PLASTIC[2])
    assert third.topic
    assert third.also == (key(0), key(1))
    assert add(g, 3, PLASTIC[3]) == Placed(third.topic, None)
    assert g.terms()[third.topic][:3] == ["plastic", "batch 7", "smells"] or set(g.terms()[third.topic][:3]) >= {
        "plastic",
        "smells",
    }


def test_one_author_makes_no_topic_and_who_is_unknown_counts() -> None:
    g = groups()
    assert {add(g, n, PLASTIC[n % 4], "bot").topic for n in range(MAX_MEMBERS + 20)} == {None}
    second = add(g, 900, PLASTIC[0], "another")
    assert second.topic
    assert len(second.also) == MAX_MEMBERS
    g = groups()
    assert add(g, 1, PLASTIC[0], None).topic is add(g, 2, PLASTIC[1], None).topic is None
    assert add(g, 3, PLASTIC[2], None).topic


def test_other_words_are_another_topic() -> None:
    g = groups()
    plastic = [add(g, n, text).topic for n, text in enumerate(PLASTIC)][-1]
    others = [
        add(g, 10 + n, t).topic for n, t in enumerate(["delivery late again", "late delivery, again", "my delivery is late"])
    ]
    assert others[:2] == [None, None]
    assert others[2] not in (None, plastic)
    assert add(g, 20, "lovely afternoon in the park with a book").topic is None


def test_usual_words_join_nothing() -> None:
    g = groups(gelat=0.4, lemon=0.2, summ=0.15)
    assert {add(g, n, "lemon gelato in summer").topic for n in range(5)} == {None}


def test_near_duplicates_and_reposts() -> None:
    g = groups()
    add(g, 1, PLASTIC[0])
    assert add(g, 2, PLASTIC[0] + " https://z.example/1").copy_of == key(1)
    assert add(g, 3, PLASTIC[3]).copy_of is None
    fourth = add(g, 4, "RT", repost_of=key(1), original_in=None)  # before the original's topic: by its words, which say nothing
    assert fourth.copy_of == key(1)
    topic = add(g, 5, PLASTIC[1]).topic
    assert add(g, 6, "RT @z", repost_of=key(1), original_in=topic) == Placed(topic, key(1))
    assert add(g, 7, "nothing in common", repost_of=("mastodon", "", "unknown")).topic is None
    assert add(g, 8, "schifo").copy_of is add(g, 9, "schifo").copy_of is None  # too short to say that one repeats the other


def test_the_plan_comes_first() -> None:
    g = groups()
    assert add(g, 1, PLASTIC[0], planned="smell") == Placed("smell", None)
    assert [add(g, n, PLASTIC[n - 2]).topic for n in (2, 3)] == [None, None]  # the plan's topic draws none without its terms
    assert add(g, 5, "", planned="smell").topic == "smell"
    assert "smells" in g.terms()["smell"]


def test_taken_up_again_it_is_as_it_was() -> None:
    rng = random.Random(3)
    words = [f"wort{i}" for i in range(300)]
    said = [
        Said(key(n), f"a{rng.randrange(40)}", rng.choices(words, weights=[1 / (i + 1) for i in range(300)], k=rng.randrange(7)),
             "smell" if rng.random() < 0.02 else None)
        for n in range(2_500)
    ]  # fmt: skip
    known = {s.key: (s.author, s.terms) for s in said}
    whole, parts = groups(wort0=0.2, wort1=0.05), groups(wort0=0.2, wort1=0.05)
    for n, s in enumerate(said):
        if n % 50 == 0:
            dumped, parts = parts.dump(), groups(wort0=0.2, wort1=0.05)
            parts.load(dumped, {k: known[k] for k in Groups.keys(dumped)})
        assert whole.add(s) == parts.add(s)
    assert whole.dump() == parts.dump()


def test_what_is_held_is_bounded() -> None:
    g = groups()
    for n in range(MAX_OPEN + 300):
        add(g, n, f"{n:04}lonely {n:04}alone {n:04}single")
    assert len(g.dump()) == MAX_OPEN
    for n in range(400):
        add(g, 5_000 + n, f"plastic smells {n:03}some {n:03}thing {n:03}else")
    (topic,) = [d for d in g.dump() if d["topic"]]
    assert topic["size"] == 400
    assert len(topic["keys"]) == MAX_TEXTS
    assert len(topic["forms"]) <= MAX_STEMS
    assert {"plast", "smell"} <= topic["forms"].keys()


# stage


def test_a_topic_with_all_its_counts(house: House) -> None:
    found = say(house, *PLASTIC, audience=100)
    say(house, "late delivery in Rome", "what a lovely day in the park", at=NOON + HOUR, label="positive")
    assert group(house) == 6
    (topic,) = house.store.read(Topic)
    assert (topic.mentions, topic.authors, topic.reach, topic.negative, topic.positive) == (4, 4, 400, 4, 0)
    assert (topic.first_at, topic.last_at, topic.day) == (NOON, NOON + 3 * MINUTE, DAY)
    assert set(topic.terms[:3]) == {"plastic", "smells", "batch 7"}
    assert {topic_of(house, m) for m in found} == {topic.topic}
    assert house.store.count(InTopic) == 6
    assert house.store.count(InTopic, topic=None) == 2
    assert house.store.count(Ungrouped) == 0


def test_a_second_run_changes_nothing(house: House) -> None:
    say(house, *PLASTIC)
    assert group(house) == 4
    before = tables(house)
    house.store.upsert(dirty([(house.market.id, NOON)]))
    assert group(house) == 0
    assert tables(house) == before


def test_only_marked_windows_are_counted_again(house: House) -> None:
    say(house, *PLASTIC)
    group(house)
    (topic,) = house.store.read(Topic)
    (window,) = topic.parts
    house.store.upsert([topic.model_copy(update={"parts": {window: [4, 0, None, 90, 0]}})])  # as nobody would count it
    say(house, PLASTIC[0], at=NOON + HOUR)
    assert group(house) == 1
    (topic,) = house.store.read(Topic)
    assert (topic.negative, topic.mentions, topic.duplicates) == (91, 5, 1)


def test_by_local_day_and_market(house: House) -> None:
    midnight = local_day(DAY, house.market.time_zone).end
    say(house, *PLASTIC[:2], at=midnight - 2 * MINUTE)
    say(house, *PLASTIC[2:], at=midnight)
    assert group(house) == 4
    assert house.store.count(Topic) == 0
    assert [t.day for t in house.store.read(TopicDay)] == [DAY, DAY + timedelta(days=1)]


def test_own_posts_ungated_and_gone_ones_have_none(house: House) -> None:
    say(house, *PLASTIC[:3], own=True)
    gone = say(house, *PLASTIC[:1], at=NOON + HOUR)
    house.store.upsert([Tombstone(**key_of(gone[0]), gone_at=NOON + HOUR, by="author", evidence="404")])
    waiting = say(house, *PLASTIC[:3], at=NOON + 2 * HOUR, gated=False)
    assert group(house) == 0
    assert [u.start for u in house.store.read(Ungrouped)] == [NOON + 2 * HOUR]  # it waits for the gate
    with house.store.writing() as writer:
        writer.mark_gated([key_of(m) for m in waiting])
    assert group(house) == 3
    assert house.store.count(Ungrouped) == 0


def test_a_person_reads_it_otherwise(house: House) -> None:
    found = say(house, *PLASTIC)
    group(house)
    label = PersonLabel(**key_of(found[0]), by="anna", at=NOON + HOUR, label="positive")
    house.store.upsert([label, *dirty([(house.market.id, NOON)])])
    group(house)
    (topic,) = house.store.read(Topic)
    assert (topic.negative, topic.positive) == (3, 1)


def test_an_edited_text_goes_where_it_belongs(house: House) -> None:
    found = say(house, *PLASTIC)
    group(house)
    edited = found[1].model_copy(update={"text": "Zefirella is late with the delivery"})
    with house.store.writing() as writer:
        writer.upsert(rows_of(house, [edited]))
        writer.mark_edited([key_of(edited)])
    assert group(house) == 0  # the gate has not seen it
    assert house.store.read(Topic)[0].mentions == 3
    with house.store.writing() as writer:
        writer.mark_gated([key_of(edited)])
    assert group(house) == 1
    assert topic_of(house, edited) is None
    assert house.store.read(Topic)[0].mentions == 3


def test_a_topic_that_lost_all_mentions_ends(house: House) -> None:
    found = say(house, *PLASTIC)
    group(house)
    with house.store.writing() as writer:
        writer.delete_mentions([key_of(m) for m in found])
        writer.upsert(dirty([(house.market.id, NOON)]))
    group(house)
    assert house.store.count(Topic) == 0


def test_what_turns_out_to_be_ours_is_taken_out(house: House) -> None:
    found = say(house, *PLASTIC)
    group(house)
    house.store.upsert([found[0].model_copy(update={"own": True}), *dirty([(house.market.id, NOON)])])
    group(house)
    (topic,) = house.store.read(Topic)
    assert (topic.mentions, topic.authors, topic.negative, topic.first_at) == (3, 3, 3, NOON + MINUTE)
    assert house.store.count(InTopic) == 3


def test_a_market_that_fails_holds_up_no_other(tmp_path: Path) -> None:
    content = a_plan().content()
    markets = content["brands"]["brands"][0]["markets"]
    markets.insert(0, markets[0] | {"id": "broken"})
    with House(tmp_path, Plan.model_validate(content)) as house:
        house.market = house.plan.markets[1]
        say(house, *PLASTIC)
        house.store.upsert([TopicDay(market="broken", day=DAY, common={}, groups=[{"born": 1}]), *dirty([("broken", NOON)])])
        with pytest.raises(KeyError):
            group(house)
        assert house.store.count(Topic, market="zefirella") == 1
        assert [u.market for u in house.store.read(Ungrouped)] == ["broken"]


def test_what_vanished_leaves_no_words(house: House) -> None:
    found = say(house, *PLASTIC)
    group(house)
    with house.store.writing() as writer:
        writer.bury([Tombstone(**key_of(found[0]), gone_at=NOON + HOUR, by="author", evidence="404")])
    (row,) = house.store.read(InTopic, **key_of(found[0]))
    assert (row.terms, row.topic) == ([], house.store.read(Topic)[0].topic)


def test_an_edit_between_reading_and_writing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    found = say(house, *PLASTIC)
    from coolhead import failpoint

    def edit(point: str) -> None:
        if point == "topics.computed":
            monkeypatch.undo()
            with house.store.writing() as writer:
                writer.upsert(rows_of(house, [found[0].model_copy(update={"text": "all is well"})]))
                writer.mark_edited([key_of(found[0])])

    monkeypatch.setattr(failpoint, "reached", edit)
    assert group(house) == 3
    assert house.store.count(InTopic) == 3
    assert house.store.count(Ungrouped) == 1


def test_a_repost_is_of_its_originals_topic(house: House) -> None:
    original, *_ = say(house, *PLASTIC)
    group(house)
    (repost,) = say(house, "look at this", at=NOON + HOUR, repost_of=original.native_id)
    group(house)
    assert topic_of(house, repost) == topic_of(house, original) is not None
    (row,) = house.store.read(InTopic, **key_of(repost))
    assert row.copy_of == f"mastodon:{original.native_id}"
    assert house.store.read(Topic)[0].duplicates == 1


def test_planned_topics_have_owners(tmp_path: Path) -> None:
    with House(tmp_path, planned()) as house:
        one, two = say(house, "la Zefirella puzza oggi", "Zefirella ma zapach plastiku")
        say(house, *PLASTIC, at=NOON + HOUR)
        say(house, "sempre puzza la Zefirella", at=NOON + timedelta(days=1))
        group(house)
        assert {topic_of(house, m) for m in (one, two)} == {"smell"}
        first, *_ = house.store.read(Topic, day=DAY, topic="smell")
        assert (first.owner, first.mentions) == ("anna", 2)
        assert [t.owner for t in house.store.read(Topic, day=DAY) if t.topic != "smell"] == [None]
        assert house.store.read(Topic, day=DAY + timedelta(days=1))[0].continues == "smell"


def test_a_change_of_the_planned_topics_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with House(tmp_path, planned()) as house:
        (old,) = say(house, "che puzza la Zefirella")
        group(house)
        assert topic_of(house, old) == "smell"
        lid = {"name": "lid", "owner": "anna", "terms": {"it": {"any_of": ["coperchio"]}}}
        house.plan = planned([{**PLANNED[0], "terms": {"it": {"any_of": ["odore"]}}}, lid])
        (new,) = say(house, "Zefirella, il coperchio", at=NOON + HOUR)
        for _ in range(2):
            group(house)
        assert caplog.messages == [
            "zefirella: planned topics changed (lid, smell): that holds for mentions that come from now on; those that have a topic keep it"
        ]
        assert (topic_of(house, old), topic_of(house, new)) == ("smell", "lid")


def test_a_topic_goes_on_the_next_day(house: House) -> None:
    say(house, *PLASTIC, at=NOON + timedelta(days=1))
    group(house)
    assert house.store.read(Topic)[0].continues is None
    say(house, *PLASTIC)  # known late
    group(house)
    first, second = house.store.read(Topic)
    assert second.continues == first.topic
    assert first.continues is None


def test_yesterdays_firestorm_is_not_usual_today(house: House) -> None:
    for n in range(3):
        say(
            house,
            *(f"calm words number{i}x{n} in the park" for i in range(20)),
            at=NOON - timedelta(days=n + 2),
            label="neutral",
        )
    say(house, *(PLASTIC * 5), at=NOON - timedelta(days=1))
    say(house, "calm day in the park", "my calm words", "words in the park", *PLASTIC)
    group(house)
    today = house.store.read(Topic, day=DAY)
    assert len(today) == 1
    assert "plastic" in today[0].terms[:2]
    (state,) = house.store.read(TopicDay, day=DAY)
    assert state.common["calm"] > 0.1


def test_brands_that_are_watched_have_no_topics(tmp_path: Path) -> None:
    content = a_plan().content()
    content["brands"]["brands"][0]["markets"][0]["watch"] = [
        {
            "id": "gelatissimo",
            "name": "Gelatissimo",
            "terms": {"any_of": ["gelatissimo"]},
            "sources": {"feed": {"urls": ["https://a.example"]}},
        }
    ]
    with House(tmp_path, Plan.model_validate(content)) as house:
        house.store.upsert(dirty([("gelatissimo", NOON)]))
        group(house)
        assert house.store.count(Ungrouped) == 0


TEXTS = (
    *PLASTIC, "la Zefirella ha la muffa nera", "muffa nera nella Zefirella, che schifo", "c'era muffa nera sul fondo", "schifo",
    "pleśń w Zefirelli", "czarna pleśń w pudełku", "znowu pleśń, czarna", "jamur hitam di Zefirella", "ada jamur hitam", "😡",
    "lovely lemon", "lovely lemon gelato in the park", "塑料味", "RT",
)  # fmt: skip


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[int]]:
    """Mentions of three days in the order in which they become known, some late, and where that order is cut."""
    n = draw(st.integers(5, 40))
    known = NOON
    out = []
    for i in range(n):
        known += timedelta(minutes=draw(st.integers(0, 90)))
        late = timedelta(minutes=draw(st.sampled_from([0, 1, 7, 400, 1_500])))
        repost = str(draw(st.integers(0, i - 1))) if i and draw(st.integers(0, 5)) == 0 else None
        out.append({
            "native_id": str(i), "published_at": known - late, "known_at": known, "text": draw(st.sampled_from(TEXTS)),
            "author": draw(st.sampled_from(["a", "b", "c", "d", None])), "repost_of": repost, "audience": draw(st.sampled_from([None, 7])),
        })  # fmt: skip
    return out, sorted(draw(st.sets(st.integers(1, n - 1), max_size=5)))


@given(arrivals())
@few
def test_any_portions_give_the_same(
    tmp_path_factory: pytest.TempPathFactory, arrived: tuple[list[dict[str, Any]], list[int]]
) -> None:
    columns, cuts = arrived
    found = [
        Mention(source="mastodon", day=c["published_at"].date(), payload_id="p", gated=True, **c) for c in columns
    ]  # fmt: skip
    whole, parts = House(tmp_path_factory.mktemp("whole"), planned()), House(tmp_path_factory.mktemp("parts"), planned())
    with whole, parts:
        whole.store.upsert(rows_of(whole, found))
        group(whole)
        for start, end in zip([0, *cuts], [*cuts, len(found)], strict=True):
            parts.store.upsert(rows_of(parts, found[start:end]))
            group(parts, found[end - 1].known_at)
        told = tables(whole)
        assert tables(parts) == told
        assert not told["ungrouped"]
        assert len(told["in_topic"]) == len(found)
        assert {(t["topic"], t["mentions"]) for t in told["topic"]} == {
            (t, n) for (_, t), n in Counter((_day(whole, r), r["topic"]) for r in told["in_topic"]).items() if t
        }


def _day(house: House, row: dict[str, Any]) -> date:
    days = (DAY + timedelta(days=n) for n in range(-3, 9))
    return next(d for d in days if row["published_at"] in local_day(d, house.market.time_zone))


# what is told


def test_of_day(tmp_path: Path) -> None:
    with House(tmp_path, planned()) as house:
        first, *_ = say(house, PLASTIC[0], audience=100, author="loud")
        say(house, PLASTIC[1], at=NOON + HOUR, audience=900, author="louder")
        say(house, PLASTIC[2], at=NOON + HOUR, label="neutral", author="loud")
        say(house, PLASTIC[3], at=NOON + 3 * HOUR, label="unscored")
        say(house, "Zefirella puzza", at=NOON, label="positive", audience=5)
        group(house)
        plastic, smell = of_day(house.store, house.plan, house.market, DAY, LATER)
        assert (plastic.negative, plastic.n, plastic.negative_share) == (2, 3, 2 / 3)
        assert (plastic.mentions, plastic.authors, plastic.reach, plastic.duplicates) == (4, 3, 1_000, 0)
        assert plastic.first.native_id == first.native_id
        assert plastic.hours == ((NOON, 1), (NOON + HOUR, 2), (NOON + 3 * HOUR, 1))
        assert (plastic.growth, plastic.peak) == (1.0, (NOON + HOUR, 2))
        assert [(m.author, m.audience, m.mentions) for m in plastic.multipliers] == [("louder", 900, 1), ("loud", 100, 1)]
        assert {"plastic", "smells"} <= set(plastic.terms)
        assert (smell.topic, smell.owner, smell.terms, smell.negative_share) == ("smell", "anna", ("puzza",), 0.0)


def test_of_day_knows_what_was_known(house: House) -> None:
    say(house, *PLASTIC, at=NOON)
    say(house, PLASTIC[0], at=NOON + HOUR)
    group(house)
    (then,) = of_day(house.store, house.plan, house.market, DAY, NOON + 30 * MINUTE)
    assert (then.mentions, then.negative) == (4, 4)
    assert of_day(house.store, house.plan, house.market, DAY, NOON) == []
    assert of_day(house.store, house.plan, house.market, DAY + timedelta(days=1), LATER) == []


def test_praise(house: House) -> None:
    say(house, "I love the lemon one, thank you for it", label="positive", audience=10)
    say(house, "I love the lemon one, thank you for it!!", label="positive", audience=5)
    say(house, "best summer ever, what a taste", label="positive", audience=500, author="fan")
    say(house, "one more time: wonderful people there", label="positive", audience=400, author="fan")
    say(house, "meraviglioso gelato artigianale", label="positive")
    say(house, "this is terrible", audience=9_000)
    say(house, "we are the greatest", label="positive", own=True, audience=10_000)
    frame = house.store.mentions(house.market.id, Window(NOON, NOON + HOUR), LINEAR.name, LINEAR.revision, LATER)
    said = [m.text for m in praise(frame, 10)]
    assert said == [
        "best summer ever, what a taste",
        "I love the lemon one, thank you for it",
        "meraviglioso gelato artigianale",
    ]
    assert [m.text for m in praise(frame, 1)] == said[:1]
    assert praise(frame.head(0), 3) == []


def test_the_firestorm_of_the_demo_is_one_topic_in_each_language() -> None:
    """And what people call it stands first in its name. What else is said that day is not in it."""
    told: dict[str, list[story.Post]] = {}
    g, where = groups(), dict[Key, Placed]()
    posts = {p.id: p for p in story.posts() if story.FIRESTORM <= p.at < story.FIRESTORM + timedelta(hours=5) and p.kind not in ("own", "own_reply", "statement", "reply_complaint")}  # fmt: skip
    for p in posts.values():
        said = Said((p.network, "", p.id), p.author, terms(p.text, stems_of(["zefirella"])))
        placed = g.add(said)
        where |= {said.key: placed} | dict.fromkeys(placed.also, placed)
    for k, placed in where.items():
        if placed.topic:
            told.setdefault(placed.topic, []).append(posts[k[2]])
    great = sorted(told.items(), key=lambda t: -len(t[1]))[:4]
    complaints = [p for p in posts.values() if p.kind == "complaint"]
    assert {Counter(p.lang for p in found).most_common(1)[0][0] for _, found in great} == {"en", "it", "pl", "id"}
    assert sum(len(found) for _, found in great) > 0.75 * len(complaints)
    assert all(sum(p.kind == "complaint" for p in found) > 0.95 * len(found) for _, found in great)
    names = [set(g.terms()[t][:3]) for t, _ in great]
    assert all(name & {"mould", "muffa", "pleśń", "pleśni", "jamur"} for name in names)


# the plan

BRANDS = "brands.yaml"


def plan_with(folder: Path, *topics: dict[str, Any]) -> Path:
    folder.mkdir()
    for name in plan_files.FILES:
        (folder / name).write_text((SHIPPED / name).read_text(encoding="utf-8"), encoding="utf-8")
    content = yaml.safe_load((folder / BRANDS).read_text(encoding="utf-8"))
    content["brands"][0]["topics"] = list(topics)
    (folder / BRANDS).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return folder


GOOD: dict[str, Any] = {"name": "smell", "owner": "anna", "terms": {"it": {"any_of": ["puzza"]}}}


@pytest.mark.parametrize(("change", "says"), [
    ({"owner": "carla"}, ("topic smell.owner: 'carla' is no person and no role", "anna", "duty_lead")),
    ({"owner": "operator"}, ("'operator' is no person and no role",)),
    ({"terms": {}}, ("topics.0.terms",)), ({"terms": {"italian": {"any_of": ["puzza"]}}}, ("topics.0.terms.italian",)),
    ({"terms": {"it": {"any_of": []}}}, ("topics.0.terms.it.any_of",)), ({"red_line": True}, ("unknown key", "name, terms, owner")),
    ({"name": ""}, ("topics.0.name",)),
])  # fmt: skip
def test_mistakes_in_planned_topics(change: dict[str, Any], says: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        plan_files.load(plan_with(tmp_path / "plan", GOOD | change))
    (told,) = str(error.value).splitlines()
    assert told.startswith(f"{tmp_path / 'plan' / BRANDS}:")
    assert all(part in told for part in says), told


def test_planned_topics_of_brand_and_market(tmp_path: Path) -> None:
    found = plan_files.load(plan_with(tmp_path / "plan", GOOD, GOOD | {"name": "late", "owner": "duty_lead"}))
    assert [t.name for t in found.topics_of("zefirella")] == ["smell", "late"]
    assert found.topics_of("nobody") == ()
    with pytest.raises(ConfigError, match="two topics of zefirella have the name 'smell'"):
        plan_files.load(plan_with(tmp_path / "other", GOOD, GOOD))


def test_an_absurd_audience_stops_nothing(house: House) -> None:
    """Networks pass on what servers claim: a sum beyond the column is cut, and the day goes on."""
    found = say(house, *["muffa nera nel vasetto del gelato"] * 3, audience=10**12)
    group(house)
    assert topic_of(house, found[0]) is not None
    assert [t.reach for t in house.store.read(Topic)] == [10**12]
