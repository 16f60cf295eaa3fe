"""Payloads into rows, on both stores: first days, matches and why, what is addressed to the brand, edits, what vanished."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coolhead import quality, retention
from coolhead.clock import Fixed
from coolhead.edge import EXPORT, Edge, Parsed
from coolhead.intake import ANSWER, OWN, Intake
from coolhead.landing import Landed
from coolhead.plan import Plan
from coolhead.rows import Dirty, Match, Mention, Payload, Quarantined, Score, Tombstone, key_of
from coolhead.scoring import score
from coolhead.settings import Settings
from coolhead.sources import About, Fetched, Gone, Source
from coolhead.store import Store
from coolhead.windows import Window, floor
from unit.building import HOUR, LINEAR, MINUTE, new_store

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
NOW = NOON + HOUR
DAY = timedelta(days=1)
IT, PL = "zefirella-it", "zefirella-pl"


class Wire(Source):
    """Rows as JSON, as a test says them; under the name of a network that the plan knows."""

    about = About("Wire", "rows", "none", "all", "none")

    def payloads(self, *_: Any) -> Iterator[Fetched]:
        return iter(())

    def mentions(self, content: bytes, meta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for row in json.loads(content):
            yield row | ({"published_at": datetime.fromisoformat(row["published_at"])} if "published_at" in row else {})


Wire.name = "mastodon"


class Export(Wire):
    """The same, made for one market."""

    exports = True


Export.name = "files"


def said(native_id: str, text: str = "Zefirella", at: datetime = NOON, **more: Any) -> dict[str, Any]:
    return {"native_id": native_id, "published_at": at.isoformat(), "text": text, **more}


def post(native_id: str = "ours", text: str = "Buongiorno!", author: str = "zefirella", **more: Any) -> dict[str, Any]:
    """By the Italian market's account, if nobody else is named."""
    return said(native_id, text, author=author, **more)


def answer(native_id: str, to: str = "ours", text: str = "Vergogna!", **more: Any) -> dict[str, Any]:
    return said(native_id, text, parent=to, author="lena", **more)


def vanished(native_id: str, by: str = "author") -> dict[str, Any]:
    return {"native_id": native_id, "gone": [by, "404: no longer there"]}


OWN_ACCOUNTS = {IT: ["@zefirella@social.example"], PL: ["zefirella_pl"], "limonata": ["limonata"]}


@pytest.fixture
def plan() -> Plan:
    def market(name: str, language: str, *terms: str, **more: Any) -> dict[str, Any]:
        network = {"mastodon": {"base_url": "https://social.example", "hashtags": ["zefirella"]}}
        return {
            "id": name, "time_zone": "Europe/Rome", "languages": [language], "terms": {"any_of": list(terms)},
            "own_accounts": {"mastodon": OWN_ACCOUNTS[name]}, "sources": network, **more,
        }  # fmt: skip

    rival = {"id": "pistacchina", "name": "Pistacchina", "terms": {"any_of": ["pistacchina"]}, "sources": {"mastodon": {}}}
    return Plan.model_validate({
        "brands": {"brands": [
            {"name": "Zefirella", "markets": [
                market(IT, "it", "zefirella", sources={"mastodon": {}, "files": {}}, watch=[rival]),
                market(PL, "pl", "zefirella polska"),
            ]},
            {"name": "Limonata", "markets": [market("limonata", "it", "limonata")]},
        ]},
        "rules": {"rules": [{"name": "volume", "rule": "threshold", "severity": "S1", "kpi": "volume", "above": 1}]},
        "escalation": {
            "people": [{"id": "a", "name": "A", "roles": ["duty_lead", "crisis_lead", "spokesperson"], "addresses": {"folder": "a"}}],
            "steps": [{"notify": ["duty_lead"], "channels": ["folder"]}],
        },
    })  # fmt: skip


class Desk:
    """Takes payloads in, as a poll does."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self.store, self.plan, self.intake, self.number = store, plan, Intake(store, plan), 0

    def read(self, *rows: dict[str, Any], market: str = IT, now: datetime = NOW, source: type[Source] = Wire) -> Parsed:
        """One payload, fetched now."""
        self.number += 1
        payload = f"payload-{self.number}"
        landed = Landed(payload, source.name, market, payload, "wire", "", None, now.isoformat(), {})
        own = OWN_ACCOUNTS[market]
        accounts = {a.lstrip("@").partition("@")[0] for a in own}
        return Edge(b"key", Fixed(now)).parse(landed, json.dumps(rows).encode(), source(), accounts)

    def write(self, *parsed: Parsed) -> int:
        """In one transaction."""
        with self.store.writing() as writer:
            return self.intake.write(writer, parsed)

    def take(self, *rows: dict[str, Any], **how: Any) -> int:
        return self.write(self.read(*rows, **how))

    def why(self, native_id: str) -> dict[str, str]:
        """market -> why."""
        return {m.market: m.matched_by for m in self.store.read(Match, native_id=native_id)}

    def mention(self, native_id: str) -> Mention:
        (found,) = self.store.read(Mention, native_id=native_id)
        return found

    def undone(self) -> set[tuple[str, datetime]]:
        """Takes the marks away."""
        marks = {(d.market, d.start) for d in self.store.read(Dirty)}
        with self.store.writing() as writer:
            for market, _ in marks:
                writer.delete(Dirty, market=market)
        return marks

    def bury(self, *gone: Gone, now: datetime = NOW) -> int:
        with self.store.writing() as writer:
            return self.intake.bury(writer, "mastodon", gone, now)

    def scored(self) -> None:
        with self.store.writing() as writer:
            writer.mark_gated([key_of(m) for m in self.store.ungated(100)])
        score(self.store, self.plan, Fixed(NOW))


@pytest.fixture
def desk(store: Store, plan: Plan) -> Desk:
    return Desk(store, plan)


# what concerns whom, and why


def test_the_words_say_why(desk: Desk) -> None:
    assert desk.take(said("1", "Zefirella e Limonata"), said("2", "gelato"), said("3", "Pistacchina, non Zefirella")) == 3
    assert desk.why("1") == {IT: "zefirella", "limonata": "limonata"}
    assert desk.why("2") == {}
    assert desk.why("3") == {IT: "zefirella", "pistacchina": "pistacchina"}
    assert desk.undone() == {(m, NOON) for m in (IT, "limonata", "pistacchina")}


def test_an_own_post_and_its_answers_in_one_payload(desk: Desk) -> None:
    desk.take(answer("1"), post(), answer("2", text="Zefirella, vergogna!"), answer("3", to="1"))
    assert (desk.mention("ours").own, desk.mention("1").own) == (True, False)
    assert desk.why("ours") == {IT: OWN}
    assert desk.why("1") == desk.why("2") == {IT: ANSWER}
    assert desk.why("3") == {}  # an answer to a stranger


@pytest.mark.parametrize(("age", "known"), [(1, True), (29, True), (40, False)])
def test_an_answer_to_an_own_post_of_days_before(desk: Desk, age: int, known: bool) -> None:
    desk.take(post(at=NOON - age * DAY), now=NOW - age * DAY)
    desk.take(answer("1"))
    assert desk.why("1") == ({IT: ANSWER} if known else {})


def test_an_answer_that_comes_in_before_the_post(desk: Desk) -> None:
    desk.take(answer("1", at=NOON + 7 * MINUTE), answer("2", text="Zefirella?"), answer("3", to="another"))
    assert desk.why("1") == {}
    desk.undone()
    desk.take(post(), now=NOW + MINUTE)
    assert desk.why("1") == {IT: ANSWER}
    assert desk.why("2") == {IT: "zefirella"}  # the first reason is kept
    assert desk.why("3") == {}
    assert {(IT, NOON), (IT, NOON + 5 * MINUTE)} == desk.undone()
    desk.take(post(), now=NOW + 2 * MINUTE)
    assert desk.undone() == set()


def test_over_midnight_too(desk: Desk) -> None:
    desk.take(answer("1", at=NOON + 12 * HOUR), now=NOON + 13 * HOUR)
    desk.take(post(at=NOON + 11 * HOUR + 59 * MINUTE), now=NOON + 14 * HOUR)
    assert desk.why("1") == {IT: ANSWER}


def test_a_post_of_another_market_is_not_ours(desk: Desk) -> None:
    """It names us and is stored as somebody's own: what answers it concerns that market alone."""
    desk.take(post("theirs", "Limonata batte Zefirella!", author="limonata"), market="limonata")
    assert desk.why("theirs") == {IT: "zefirella", "limonata": OWN}
    desk.take(answer("1", to="theirs"), market="limonata")
    desk.take(answer("2", to="theirs"), market=IT)
    assert desk.why("1") == desk.why("2") == {"limonata": ANSWER}


@pytest.mark.parametrize("owner_first", [True, False])
def test_two_markets_see_one_post_that_is_own_for_one(desk: Desk, owner_first: bool) -> None:
    polls = [(IT, post(text="Zefirella Polska: nowy smak", author="zefirella_pl")), (PL, post(text="Zefirella Polska: nowy smak", author="zefirella_pl"))]  # fmt: skip
    for market, row in polls[::-1] if owner_first else polls:
        desk.take(row, market=market)
    assert desk.mention("ours").own
    assert desk.why("ours") == {IT: "zefirella", PL: OWN}
    for market in (IT, PL):
        desk.take(answer(f"to-{market}"), market=market)
        assert desk.why(f"to-{market}") == {PL: ANSWER}


def test_whose_post_it_is_becomes_known_late(desk: Desk) -> None:
    """The other market saw it as anybody's: its windows are counted again without it."""
    desk.take(post(text="Zefirella Polska", author="zefirella_pl"), answer("1"), market=IT)
    assert (desk.mention("ours").own, desk.why("1")) == (False, {})
    desk.undone()
    desk.take(post(text="Zefirella Polska", author="zefirella_pl"), market=PL, now=NOW + MINUTE)
    assert desk.why("1") == {PL: ANSWER}
    assert desk.undone() == {(IT, NOON), (PL, NOON)}
    desk.take(post(text="Zefirella Polska", author="zefirella_pl"), market=IT, now=NOW + 2 * MINUTE)
    assert desk.mention("ours").own
    assert desk.why("ours") == {IT: "zefirella", PL: OWN}
    assert desk.undone() == set()


def test_one_account_of_two_markets(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OWN_ACCOUNTS, PL, ["zefirella"])
    desk.take(post(text="Zefirella Polska"), market=IT)
    desk.take(post(text="Zefirella Polska"), market=PL)
    assert desk.why("ours") == {IT: OWN, PL: OWN}
    desk.take(answer("1"))
    assert desk.why("1") == {IT: ANSWER, PL: ANSWER}
    desk.write(desk.read(post("both"), market=IT), desk.read(post("both"), answer("2", to="both"), market=PL))
    assert desk.why("2") == {IT: ANSWER, PL: ANSWER}


def only_tags(plan: Plan, *accounts: str) -> Plan:
    """Of one market whose terms nobody writes."""
    market = plan.markets[0]
    terms = market.terms.model_copy(update={"any_of": ("qwertz",)})
    unsaid = market.model_copy(update={"own_accounts": {"mastodon": accounts}, "terms": terms})
    brand = plan.brands.brands[0].model_copy(update={"markets": (unsaid,)})
    return plan.model_copy(update={"brands": plan.brands.model_copy(update={"brands": (brand,)})})


@pytest.mark.parametrize(
    ("text", "tagged"),
    [
        ("@zefirella cosa fate?", True),
        ("(@Zefirella) cosa fate?", True),
        ("ciao @zefirella@social.example!", True),
        (".@zefirella: risposta pubblica", True),
        ("grazie @zefirella.", True),
        ("@zefirella@another.example", False),
        ("@zefirellagelato", False),
        ("@zefirella.fans e @zefirella-fans e @zefirella_fans", False),
        ("scrivi a info@zefirella", False),
        ("zefirella senza segno", False),
        ("@lena", False),
    ],
)
def test_tagged_by_its_handle(store: Store, plan: Plan, text: str, tagged: bool) -> None:
    desk = Desk(store, only_tags(plan, *OWN_ACCOUNTS[IT]))
    desk.take(said("1", text))
    assert desk.why("1") == ({IT: "@zefirella"} if tagged else {})


@pytest.mark.parametrize("account", ["gelato-zefirella.bsky.social", "@Gelato.Zefirella", "gelato_z"])
def test_handles_of_other_networks(store: Store, plan: Plan, account: str) -> None:
    desk = Desk(store, only_tags(plan, account, "17841400000000000"))
    desk.take(
        said("1", f"ehi @{account.lstrip('@').upper()}, che fate?"), said("2", "@17841400000000000"), said("3", "@gelato")
    )
    assert (desk.why("1"), desk.why("2"), desk.why("3")) == ({IT: f"@{account.lstrip('@').casefold()}"}, {}, {})


def test_addressed_as_the_source_says(desk: Desk) -> None:
    desk.take(
        said("1", "Vergogna!", addressed="comment under our own content"), said("2", "Zefirella!", addressed="tags our account")
    )
    assert desk.why("1") == {IT: "comment under our own content"}
    assert desk.why("2") == {IT: "tags our account"}
    assert "addressed" not in desk.mention("1").model_dump()


def test_addressed_in_any_row_or_page_of_it(desk: Desk) -> None:
    told = said("1", "Vergogna!", addressed="in a thread under our post")
    parsed = desk.read(said("1", "Vergogna!"), told)
    assert (len(parsed.mentions), parsed.duplicates) == (1, 1)
    desk.write(parsed)
    assert desk.why("1") == {IT: "in a thread under our post"}
    desk.write(desk.read(said("2", "Vergogna!")), desk.read(told | {"native_id": "2"}), desk.read(said("2", "Vergogna!")))
    assert desk.why("2") == {IT: "in a thread under our post"}


def test_an_export_concerns_its_market_and_says_the_terms_where_it_can(desk: Desk) -> None:
    desk.take(said("1", "buono"), said("2", "Zefirella"), source=Export)
    assert {m.native_id.rpartition(":")[2]: m.matched_by for m in desk.store.read(Match)} == {"1": EXPORT, "2": "zefirella"}


# edits


def test_an_edit_adds_and_removes_the_name(desk: Desk) -> None:
    desk.take(said("1", "Zefirella è buona"), said("2", "Buona"))
    desk.undone()
    desk.take(said("1", "È buona"), said("2", "Zefirella è buona"), now=NOW + MINUTE)
    assert (desk.why("1"), desk.why("2")) == ({}, {IT: "zefirella"})
    assert desk.undone() == {(IT, NOON)}
    desk.take(said("1", "La Limonata è buona"), said("2", "Zefirella Polska è buona"), now=NOW + 2 * MINUTE)
    assert (desk.why("1"), desk.why("2")) == ({"limonata": "limonata"}, {IT: "zefirella", PL: "zefirella polska"})
    assert desk.undone() == {("limonata", NOON), (IT, NOON), (PL, NOON)}


def test_an_edit_from_one_brand_to_another_undoes_both(desk: Desk) -> None:
    at = NOON + 12 * MINUTE
    desk.take(said("1", "Zefirella!", at))
    desk.undone()
    desk.take(said("1", "Limonata!", at + HOUR), now=NOW + 2 * HOUR)  # its time was edited as well: it stays where it was
    assert desk.why("1") == {"limonata": "limonata"}
    assert desk.undone() == {(IT, floor(at)), ("limonata", floor(at))}
    assert {m.published_at for m in desk.store.read(Match)} == {at} == {desk.mention("1").published_at}


@pytest.mark.parametrize("text", ["Vergogna!", "Zefirella, vergogna!"])
@pytest.mark.parametrize("sightings", [0, 2])
def test_an_edit_ends_no_match_that_the_words_did_not_make(desk: Desk, text: str, sightings: int) -> None:
    """Looked up by their ids, they come again without what addressed them."""
    desk.take(post(text=text), answer("answer", text=text), said("told", text, addressed="comment under our own content"))
    before = {i: desk.why(i) for i in ("ours", "answer", "told")}
    again = [post(text=text), said("answer", text), said("told", text)]
    for _ in range(sightings):
        desk.take(*again, now=NOW + MINUTE)
    desk.take(*(row | {"text": "Peccato."} for row in again), now=NOW + HOUR)
    assert {i: desk.why(i) for i in before} == before
    assert desk.mention("told").text == "Peccato."


def test_growing_likes_undo_nothing(desk: Desk) -> None:
    desk.take(said("1", likes=1))
    desk.undone()
    assert desk.take(said("1", likes=900), now=NOW + MINUTE) == 0
    assert (desk.mention("1").likes, desk.undone()) == (900, set())


def test_an_edit_is_checked_and_read_again(desk: Desk) -> None:
    desk.take(said("1", "Zefirella fa schifo"), said("2"))
    desk.scored()
    assert desk.store.count(Score) == 2
    desk.take(said("1", "Zefirella è ottima"), said("2"), now=NOW + MINUTE)
    assert [m.native_id for m in desk.store.ungated(9)] == ["1"]
    assert [s.native_id for s in desk.store.read(Score)] == ["2"]


def test_pages_that_overlap_and_an_edit_between_them(desk: Desk) -> None:
    assert desk.write(desk.read(said("1", "Zefirella?")), desk.read(said("1", "Limonata!"), now=NOW + MINUTE)) == 1
    assert desk.mention("1").text == "Limonata!"
    assert desk.why("1") == {"limonata": "limonata"}


# what vanishes, and what comes back


def test_a_tombstone(desk: Desk) -> None:
    desk.take(said("1", "Zefirella fa schifo", url="https://social.example/1", author="lena", likes=3))
    desk.scored()
    before, marks = desk.mention("1"), desk.undone()
    assert marks
    desk.take(vanished("1", "network"), now=NOW + HOUR)
    (stone,) = desk.store.read(Tombstone)
    assert (stone.by, stone.gone_at, stone.evidence) == ("network", NOW + HOUR, "404: no longer there")
    assert key_of(stone) == key_of(before)
    assert desk.mention("1") == before.model_copy(update={"text": "", "url": None})
    assert desk.why("1") == {IT: "zefirella"}  # that it was said stays, and what was read in it
    assert desk.store.count(Score) == 1
    assert desk.undone() == set()


def test_no_word_of_it_is_left_in_the_tables(desk: Desk) -> None:
    desk.take(said("1", "Zefirella bacherozzo", url="https://social.example/bacherozzo"))
    desk.scored()
    desk.bury(Gone("1", "author", "404"))
    for kind in (Mention, Match, Score, Tombstone, Payload, Quarantined):
        assert "bacherozzo" not in str([row.model_dump() for row in desk.store.read(kind)])


def test_the_same_removal_twice_and_removals_of_what_we_never_had(desk: Desk) -> None:
    desk.take(said("1"), said("2"))
    assert desk.bury(Gone("1", "author", "first"), Gone("1", "author", "first"), Gone("stranger", "author", "404")) == 1
    assert desk.bury(Gone("1", "network", "second"), now=NOW + HOUR) == 0
    assert desk.take(vanished("stranger"), vanished("1"), now=NOW + HOUR) == 0
    (stone,) = desk.store.read(Tombstone)
    assert (stone.native_id, stone.gone_at, stone.evidence) == ("1", NOW, "first")
    assert desk.mention("2").text == "Zefirella"
    assert desk.bury() == 0


def test_said_and_gone_in_one_transaction(desk: Desk) -> None:
    """A poll that died had landed it, and the next one reads both."""
    assert desk.write(desk.read(said("1")), desk.read(vanished("1"), now=NOW + MINUTE)) == 1
    assert (desk.mention("1").text, [t.native_id for t in desk.store.read(Tombstone)]) == ("", ["1"])


def test_gone_in_an_older_payload_and_there_in_a_newer_one(desk: Desk) -> None:
    desk.take(said("1"))
    desk.write(desk.read(vanished("1"), now=NOW + MINUTE), desk.read(said("1"), now=NOW + 2 * MINUTE))
    assert (desk.mention("1").text, desk.store.read(Tombstone)) == ("Zefirella", [])


def test_an_older_payload_brings_nothing_back(desk: Desk) -> None:
    desk.take(said("1", "Zefirella fa schifo", url="https://social.example/1"))
    late = desk.read(said("1", "Zefirella fa schifo", url="https://social.example/1", likes=9), said("2"), now=NOW + MINUTE)
    desk.bury(Gone("1", "author", "404"), now=NOW + MINUTE)
    assert desk.write(late) == 1
    one = desk.mention("1")
    assert (one.text, one.url, one.likes) == ("", None, None)
    assert desk.store.count(Tombstone) == 1


@pytest.mark.parametrize("text", ["Zefirella fa schifo", "Zefirella mi ha risposto"])
def test_what_comes_back_stands_again(desk: Desk, text: str) -> None:
    desk.take(said("1", "Zefirella fa schifo", url="https://social.example/1"), said("2"))
    desk.scored()
    desk.bury(Gone("1", "network", "suspended"), Gone("2", "author", "404"))
    desk.undone()
    assert desk.take(said("1", text, url="https://social.example/1"), now=NOW + HOUR) == 0
    assert [t.native_id for t in desk.store.read(Tombstone)] == ["2"]
    assert (desk.mention("1").text, desk.mention("1").url) == (text, "https://social.example/1")
    assert desk.why("1") == {IT: "zefirella"}
    assert [m.native_id for m in desk.store.ungated(9)] == ["1"]  # it is read again
    assert desk.undone() == {(IT, NOON)}
    assert desk.bury(Gone("1", "network", "suspended"), now=NOW + 2 * HOUR) == 1


@pytest.mark.parametrize("gated", [True, False])
def test_gone_before_it_was_read(desk: Desk, gated: bool) -> None:
    """It is neither refused nor read as anything: it was said, and what it said is not known."""
    desk.take(said("1", "Zefirella fa schifo"), said("2", "Zefirella fa schifo"))
    if gated:
        quality.gate(desk.store, Fixed(NOW))
    desk.bury(Gone("1", "author", "404"))
    assert quality.gate(desk.store, Fixed(NOW)).refused == 0
    score(desk.store, desk.plan, Fixed(NOW))
    assert {s.native_id: s.label for s in desk.store.read(Score)} == {"1": "unscored", "2": "negative"}
    assert desk.store.unread(f"{LINEAR.name}/{LINEAR.revision}", 9) == []


def test_retention_takes_the_tombstone_along(desk: Desk, tmp_path: Path) -> None:
    desk.take(said("old"), said("new", at=NOON + 30 * DAY), now=NOW + 30 * DAY)
    desk.bury(Gone("old", "author", "404"), Gone("new", "author", "404"), now=NOW + 30 * DAY)
    assert desk.store.count(Tombstone) == 2
    where = Settings(tmp_path, desk.store.url, tmp_path / "plan")
    keep = desk.plan.brands.retention.mention_days * DAY
    retention.retain(desk.store, desk.plan, where, Fixed(NOW + keep))
    assert [t.native_id for t in desk.store.read(Tombstone)] == ["new"] == [m.native_id for m in desk.store.read(Mention)]


def test_the_frame_says_who_removed_it(desk: Desk) -> None:
    desk.take(said("1"), said("2"))
    desk.bury(Gone("1", "brand", "hidden"))
    frame = desk.store.mentions(IT, Window(NOON - HOUR, NOON + HOUR), LINEAR.name, LINEAR.revision, NOW)
    assert list(frame.gone_by.fillna("-")) == ["brand", "-"]


# whatever the order


TEXTS = ["Zefirella", "Limonata", "Vergogna!", "Zefirella Polska"]
event = st.tuples(st.sampled_from(["1", "2", "ours"]), st.sampled_from([*TEXTS, None]), st.sampled_from([IT, PL]))


@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(told=st.lists(event, min_size=1, max_size=12), cuts=st.sets(st.integers(0, 11)))
def test_any_batching_leaves_what_the_network_shows(
    told: list[tuple[str, str | None, str]], cuts: set[int], plan: Plan, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Said, edited, gone and back, in one transaction or in many: the last of each id is what stands."""
    last = {native_id: text for native_id, text, _ in told}
    ever = {native_id for native_id, text, _ in told if text is not None}
    store = new_store(tmp_path_factory.mktemp("any"))
    desk, batch, new = Desk(store, plan), list[Parsed](), 0
    for i, (native_id, text, market) in enumerate(told):
        author = "zefirella" if native_id == "ours" else "lena"
        row = vanished(native_id) if text is None else said(native_id, text, author=author)
        batch.append(desk.read(row, market=market, now=NOW + i * MINUTE))
        if i in cuts:
            new += desk.write(*batch)
            batch.clear()
    new += desk.write(*batch)
    assert new == len(ever)
    assert {m.native_id: m.text for m in store.read(Mention)} == {i: last[i] or "" for i in ever}
    assert {t.native_id for t in store.read(Tombstone)} == {i for i in ever if last[i] is None}
    owner_saw_it = any(native_id == "ours" and text is not None and market == IT for native_id, text, market in told)
    assert [m.native_id for m in store.read(Mention) if m.own] == ["ours"] * owner_saw_it
    store.close()
