"""Kinds of comments: what the rules read, how well, and that nothing a text holds upsets them."""

import inspect
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from building import HOUR, LINEAR, MINUTE, House
from hypothesis import given, settings
from hypothesis import strategies as st

from coolhead import kinds
from coolhead.clock import Fixed
from coolhead.rows import CommentKind, Kind
from coolhead.scoring import score
from coolhead.windows import Window

HERE = Path(__file__).with_name("kinds")
KINDS: tuple[Kind, ...] = ("complaint", "criticism", "question", "praise", "insult", "spam", "other")
LANGUAGES = ("en", "it", "pl", "id")


def sentences(half: str) -> dict[str, dict[str, list[str]]]:
    loaded: dict[str, dict[str, list[str]]] = yaml.safe_load((HERE / f"{half}.yaml").read_text("utf-8"))
    return loaded


def one(text: str, lang: str | None = "en", polarity: float | None = None) -> kinds.Reading:
    (reading,) = kinds.read([text], [lang], [polarity])
    return reading


def measured(half: str, lang: str) -> str:
    """A row of the table in the module's docstring: how many of each kind are read as a person labelled them."""
    given_to = sentences(half)[lang]
    right = [sum(one(t, lang).kind == kind for t in given_to[kind]) for kind in KINDS]
    emotional = sum((one(t, lang).emotional or 0) >= 0.5 for t in given_to["emotional"])
    factual = sum((one(t, lang).emotional or 0) < 0.5 for t in given_to["factual"])
    sarcastic = sum(one(t, lang).sarcasm for t in given_to["sarcastic"])
    wrongly = sum(one(t, lang).sarcasm for kind in KINDS for t in given_to[kind])
    total = sum(right) / sum(len(given_to[kind]) for kind in KINDS)
    counts = "  ".join(f"{n:>{len(kind)}}" for kind, n in zip(KINDS, right, strict=True))
    return f"{half:<8}  {lang}  {counts}  {total:>4.0%}  {emotional:>9}  {factual:>7}  {sarcastic:>7} / {wrongly}"


@pytest.mark.parametrize("half", ["tuning", "held_out"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_docstring_says_what_is_measured(half: str, lang: str) -> None:
    assert measured(half, lang) in (inspect.getdoc(kinds) or "")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_was_held_out_is_read_right_in_four_of_five(lang: str) -> None:
    given_to = sentences("held_out")[lang]
    texts = [(kind, t) for kind in KINDS for t in given_to[kind]]
    right = sum(one(t, lang).kind == kind for kind, t in texts)
    assert len(texts) >= 40 and right >= 0.8 * len(texts)


def test_the_two_halves_share_no_sentence() -> None:
    halves = [{t for of in sentences(h).values() for listed in of.values() for t in listed} for h in ("tuning", "held_out")]
    assert not halves[0] & halves[1]


@pytest.mark.parametrize(
    ("lang", "text", "kind"),
    [
        ("de", "Das Eis war geschmolzen und niemand antwortet.", "complaint"),
        ("de", "Ihr solltet auch kleinere Becher anbieten.", "criticism"),
        ("de", "Wann öffnet der Kiosk in Köln?", "question"),
        ("fr", "Une honte, la glace est arrivée fondue", "complaint"),
        ("fr", "Vous devriez proposer un format plus petit.", "criticism"),
        ("fr", "Délicieux, je recommande !", "praise"),
        ("es", "¿Dónde puedo comprarlo en Madrid?", "question"),
        ("es", "Sois unos ladrones y unos sinvergüenzas", "insult"),
        ("pt", "Perfeito, o melhor sorvete da minha vida", "praise"),
        ("pt", "O sorvete chegou derretido e ninguém responde", "complaint"),
        ("ar", "هل يحتوي على حليب؟", "question"),
        ("ar", "الآيس كريم رائع ولذيذ، شكراً", "praise"),
        ("ar", "والله المنتج سيء ومقرف", "complaint"),
        ("it", "NON LO COMPRO PIÙ, PESSIMO", "complaint"),
        ("pl", "Nigdy nie zawodzi", "praise"),
        ("id", "Nggak enak, nggak ramah", "complaint"),
        ("en", "no problem", "other"),
        ("pl", "dzień dobry", "other"),
    ],
)
def test_kinds_in_many_languages(lang: str, text: str, kind: Kind) -> None:
    assert one(text, lang).kind == kind


def test_accents_do_not_matter() -> None:
    for with_them, without in (("Jesteście żałośni", "Jestescie zalosni"), ("perché è così?", "perche e cosi?")):
        for lang in ("pl", "it"):
            assert one(with_them, lang).kind == one(without, lang).kind


def test_a_negation_turns_praise_and_problems_round_but_not_beyond_a_comma() -> None:
    assert one("The staff were not friendly").kind == "complaint"
    assert one("It never disappoints").kind == "praise"
    assert one("Not today, but the gelato is delicious").kind == "praise"


def test_a_language_that_nobody_knows_is_read_by_its_marks_alone_and_says_so() -> None:
    assert one("Hvor kan jeg kjøpe den?", "no").kind == "question"
    assert one("Hvor kan jeg kjøpe den?", "no").confidence <= one("Hvor kan jeg kjøpe den?", "en").confidence / 1.9
    assert one("terrible idiots", None).kind == "other"
    assert one("WIN https://x.example casino bonus promo", "other").kind == "spam"
    assert one("🤮😡", None).kind == "complaint"
    assert one("ok", "xx") == kinds.Reading("other", 0.25, None, False)


def test_the_scorers_polarity_decides_where_words_do_not() -> None:
    assert one("This gelato, my friends").kind == "other"
    assert one("This gelato, my friends", polarity=0.9).kind == "praise"
    assert one("This gelato, my friends", polarity=-0.9).kind == "complaint"
    assert one("This gelato, my friends", polarity=-0.3).kind == "other"


def test_emotional_is_null_where_nothing_tells() -> None:
    assert one("The kiosk stands by the river").emotional is None
    assert one("The kiosk opens at 10").emotional == 0
    assert (one("WHAT A DISGRACE, I hate this!!! 😡").emotional or 0) > 0.8


def test_sarcasm_is_only_a_hint() -> None:
    found = one("Oh great, broken again. Thanks a lot 🙄")
    assert found.sarcasm and found.kind == "complaint"
    assert not one("Great gelato, thanks a lot").sarcasm


ANY_TEXT = st.text(st.characters(), max_size=300)
SOME = st.lists(
    st.tuples(
        st.one_of(ANY_TEXT, st.sampled_from([t for of in sentences("tuning").values() for ts in of.values() for t in ts])),
        st.sampled_from([None, "other", "zh", *sorted(kinds.languages())]),
        st.one_of(st.none(), st.floats(-1, 1)),
    ),
    max_size=8,
)


@given(SOME)
def test_every_text_is_read_for_itself(rows: list[tuple[str, str | None, float | None]]) -> None:
    together = kinds.read(*_columns(rows))
    assert together == [kinds.read([t], [lang], [p])[0] for t, lang, p in rows]
    assert together == kinds.read(*_columns(rows[::-1]))[::-1]


@given(SOME)
def test_answers_are_what_the_row_allows(rows: list[tuple[str, str | None, float | None]]) -> None:
    for reading in kinds.read(*_columns(rows)):
        assert reading.kind in get_args(Kind)
        assert 0 <= reading.confidence <= 1
        assert reading.emotional is None or 0 <= reading.emotional <= 1


def _columns(rows: list[tuple[str, str | None, float | None]]) -> tuple[list[Any], list[Any], list[Any]]:
    return [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]


HOSTILE = {
    "empty": "", "blank": " \n\t" * 100, "emoji": "😡🙄❤" * 2_000, "zero_width": "z\u200be\u200bf\u200b" * 2_000,
    "right_to_left": "\u202eهل هذا سيء؟\u202c" * 500, "surrogate": "\ud83d\ude00 \ud800", "nul": "\x00" * 100, "one_word": "a" * 100_000,
    "marks": "?!" * 50_000, "quotes": '"“„«' * 25_000, "digits": "0" * 100_000, "phone": "+4 " * 30_000, "hashes": "#" * 100_000, "commas": "not," * 25_000,
    "mixed": "Привет мир 你好 สวัสดี hello? ", "code": "def f(x):\n    return x != {1: '?'}\n" * 200, "combining": "e" + "\u0301" * 50_000,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(HOSTILE))
@pytest.mark.parametrize("lang", ["en", "ar", "pl", None])
def test_hostile_texts_are_read(name: str, lang: str | None) -> None:
    assert one(HOSTILE[name], lang).kind in get_args(Kind)


@given(ANY_TEXT, st.sampled_from(["en", "id", None]))
@settings(max_examples=30)
def test_nothing_beyond_the_limit_is_read(text: str, lang: str | None) -> None:
    long = (text + " word") * (1 + kinds.LIMIT // (len(text) + 5))
    assert one(long, lang) == one(long[: kinds.LIMIT] + " disgusting idiots, win a prize at https://x.example?", lang)


def test_every_language_has_every_section() -> None:
    wanted = {
        "not",
        "you",
        "ask",
        "asks",
        "suggest",
        "should",
        "problem",
        "praise",
        "thanks",
        "insult",
        "spam",
        "feel",
        "doubt",
    }
    lists = yaml.safe_load(Path(kinds.__file__).with_name("kinds.yaml").read_text("utf-8"))
    for lang in kinds.languages():
        assert wanted <= lists[lang].keys(), lang
        for section, listed in lists[lang].items():
            entries = [e.strip() for e in listed.split(",")]
            assert all(entries) and len(entries) == len(set(entries)), (lang, section)
            assert not [e for e in entries if re.search(r"\*\w", e)], (lang, section)


def test_the_revision_tells_the_rules_and_the_lists_apart() -> None:
    assert re.fullmatch(r"\d+-[0-9a-f]{8}", kinds.revision())


def test_kinds_are_stored_with_the_scores_and_known_with_them(tmp_path: Path) -> None:
    start = datetime(2026, 3, 25, 10, tzinfo=UTC)
    with House(tmp_path) as house:
        said = {
            "complaint": house.say(start, None, text="Ho trovato un pezzo di vetro nella Zefirella, è inaccettabile"),
            "question": house.say(start, None, text="Dove si compra la Zefirella a Torino?", known_assumed=True),
        }
        assert score(house.store, house.plan, Fixed(start + HOUR)).scored == 2
        assert score(house.store, house.plan, Fixed(start + 2 * HOUR)).scored == 0
        stored = {row.kind: row for row in house.store.read(CommentKind)}
        assert {kind: row.native_id for kind, row in stored.items()} == {k: m.native_id for k, m in said.items()}
        assert {row.revision for row in stored.values()} == {kinds.revision()}
        assert stored["complaint"].known_at == start + HOUR
        assert stored["question"].known_at == said["question"].known_at
        window = Window(start, start + HOUR)
        seen = house.store.mentions(house.market.id, window, LINEAR.name, LINEAR.revision, start + HOUR)
        before = house.store.mentions(house.market.id, window, LINEAR.name, LINEAR.revision, start + HOUR - MINUTE)
    assert sorted(seen.kind) == ["complaint", "question"]
    assert sorted(before.kind.dropna()) == ["question"]
