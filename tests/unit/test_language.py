"""Language identification: right on plain sentences, `other` when it is none of those asked for, never a crash."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coolhead.language import LIMIT, OTHER, UNKNOWN, _decide, identify, primary, strip_addresses

HOUSE = ("en", "it", "pl", "id")


def lang(text: str, among: tuple[str, ...] = HOUSE) -> str:
    return identify([text], among)[0][0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I have never tasted anything this bad in my life", "en"),
        ("Non ho mai assaggiato niente di così cattivo", "it"),
        ("W życiu nie piłem niczego tak niedobrego", "pl"),
        ("Saya belum pernah minum yang seburuk ini", "id"),
        ("gak enak banget sih rasanya", "id"),
        ("VERGOGNA, RIDATECI I SOLDI!!!", "it"),
    ],
)
def test_the_house_languages_are_told_apart(text: str, expected: str) -> None:
    assert lang(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "この水はプラスチックの味がする",
        "Dit water smaakt naar plastic, ik koop het nooit meer",
        "Эта вода пахнет пластиком",
        "Bu su plastik kokuyor, bir daha almam",
        "هذا الماء رائحته كريهة",
        "yeh paani bahut kharab hai bhai",
    ],
)
def test_a_language_that_was_not_asked_for_is_other(text: str) -> None:
    assert lang(text) == OTHER


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NÃO ACREDITO, MEU SABOR SAIU #ZefirellaBR", "pt"),
        ("TEM QUE SAIR OS DOIS #ZefirellaBR", "pt"),
        ("IL GELATO DI OGGI E LA FILA INFINITA http", "it"),
    ],
)
def test_a_text_that_shouts_most_of_its_words_is_told_all_the_same(text: str, expected: str) -> None:
    assert lang(text, ("ar", "de", "en", "es", "fr", "hi", "id", "it", "pl", "pt")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bottle me ajeeb sa taste tha, pheknA padega ab jaldi", "hi"),
        ("refund ka wait kr rhe h ek hafte se", "hi"),
        ("Ale karne to jest", "pl"),
        ("Lene kommt heute nicht", "de"),
        ("Jao ganhou o jogo", "pt"),
        ("Hone your skills today", "en"),
        ("aplikasi galat terus", "id"),
        ("Zefirella Ghar is disgusting", "en"),
        ("Aku ora seneng karo barang iki", OTHER),
        ("Waxaan jeclahay inaan tago suuqa maanta ka hor", OTHER),
        ("Ang ganda ng panahon ngayon at masaya ako", OTHER),
    ],
)
def test_hindi_in_latin_letters_is_told_where_no_other_language_that_is_read_is(text: str, expected: str) -> None:
    assert lang(text, ("ar", "de", "en", "es", "fr", "hi", "id", "it", "pl", "pt")) == expected


def test_the_same_text_is_named_once_its_language_is_asked_for() -> None:
    assert lang("هذا الماء رائحته كريهة", (*HOUSE, "ar")) == "ar"
    assert lang("yeh paani bahut kharab hai bhai", (*HOUSE, "hi")) == "hi"


@pytest.mark.parametrize(
    "text", ["", "   ", "😡😡😡", "12345 67", "!!!", "ok", "@marca", "https://example.org/scheda/prodotto"]
)
def test_nothing_to_read_is_unknown_with_no_probability(text: str) -> None:
    assert identify([text], HOUSE) == [(UNKNOWN, 0.0)]


def test_mixed_evenly_is_unknown() -> None:
    name, chance = identify(["I love this brand ma oggi l'acqua sa di plastica"], HOUSE)[0]
    assert name == UNKNOWN and 0 < chance < 0.5


def test_a_mixed_text_goes_to_the_language_that_clearly_outweighs() -> None:
    assert lang("hello amici ciao, oggi non ho parole per questo gelato") == "it"


@pytest.mark.parametrize("text", ["bhai ye to bahut accha hai yaar", "Kya hua", "mera kuch nhi hua"])
def test_hindi_in_latin_letters_is_hindi_where_it_is_asked_for(text: str) -> None:
    assert identify([text], (*HOUSE, "hi"))[0][0] == "hi"
    assert lang(text) == OTHER


def test_no_language_asked_for_is_other() -> None:
    assert identify(["Non ho mai assaggiato niente"], ())[0][0] == OTHER


def test_addresses_do_not_vote() -> None:
    bare = identify(["Non ho mai assaggiato niente di così cattivo"], HOUSE)
    laden = identify(
        ["@TheWaterCompany Non ho mai assaggiato niente di così cattivo https://example.com/the/best/water"], HOUSE
    )
    assert bare == laden
    assert strip_addresses("a @b_c. d www.x.org/y").split() == ["a", ".", "d"]


def test_mail_addresses_are_not_handles() -> None:
    assert "info@example.org" in strip_addresses("write to info@example.org")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en-GB", "en"),
        ("pt_BR", "pt"),
        ("IT", "it"),
        ("in", "id"),
        ("pol", "pl"),
        ("und", None),
        ("qme", None),
        ("", None),
        (None, None),
        ("??", None),
    ],
)
def test_the_primary_part_of_a_declared_tag(tag: str | None, expected: str | None) -> None:
    assert primary(tag) == expected


def test_a_language_nobody_can_identify_is_refused() -> None:
    with pytest.raises(ValueError, match="tlh"):
        identify(["nuqneH"], ("en", "tlh"))


def test_long_texts_are_read_from_their_start_only() -> None:
    sentence = "Non ho mai assaggiato niente di così cattivo. "
    assert identify([sentence * 1_400], HOUSE) == identify([(sentence * 1_400)[: 4 * LIMIT] + " this is english"], HOUSE)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_each_text_is_judged_on_its_own(texts: list[str]) -> None:
    together = identify(texts, HOUSE)
    assert together == [identify([text], HOUSE)[0] for text in texts]
    assert all(name in {*HOUSE, OTHER, UNKNOWN} and 0 <= chance <= 1 for name, chance in together)


def test_importing_the_module_does_not_load_the_identifier() -> None:
    code = "import sys, coolhead.language; sys.exit('py3langid' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("chances", "answer"),
    [
        ({"it": 0.05, "en": 0.01, "nl": 0.06}, (UNKNOWN, 0.06)),
        ({"it": 0.05, "en": 0.01, "nl": 0.4}, (OTHER, 0.4)),
        ({"it": 0.4, "en": 0.38, "nl": 0.1}, (UNKNOWN, 0.4)),
        ({"it": 0.5, "en": 0.1, "nl": 0.3}, ("it", 0.5)),
        ({}, (UNKNOWN, 0.0)),
    ],
)
def test_what_is_decided_from_probabilities(chances: dict[str, float], answer: tuple[str, float]) -> None:
    assert _decide(chances, frozenset({"it", "en"})) == answer


def test_a_text_is_likelier_in_a_language_of_the_plan() -> None:
    asked = ("de", "en", "es", "it")
    ((abroad, _),), ((at_home, sure),) = identify(["Che schifo ma"], asked), identify(["Che schifo ma"], asked, ("it", "en"))
    assert (abroad, at_home) == ("de", "it") and 0 < sure <= 1
    long = "Das ist wirklich schlecht und viel zu teuer"
    assert identify([long], asked, ("it", "en"))[0][0] == "de"  # what is clear stays clear


@pytest.mark.parametrize("tag", ["ger", "fre", "hin"])
def test_library_codes_are_known(tag: str) -> None:
    assert primary(tag) == {"ger": "de", "fre": "fr", "hin": "hi"}[tag]


def test_a_network_that_does_not_know_declares_nothing() -> None:
    assert primary("unk") is None
