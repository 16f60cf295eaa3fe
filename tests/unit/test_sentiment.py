"""The scorer `linear`: it reads complaints and thanks, it says when it cannot read, and a batch changes nothing."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coolhead import registry
from coolhead.errors import ConfigError
from coolhead.rows import Label
from coolhead.sentiment import Scorer, Sentiment, _measure_linear, linear
from coolhead.sentiment._features import ALONE, LANGUAGES, LIMIT, features, normalise
from coolhead.sentiment.linear import Linear

CARD = Path(linear.__file__).with_name("MODEL_CARD.md")

# Written for this test; no line stands in a data set or in the trainer's own rows.
CLEAR: dict[str, tuple[list[str], list[str]]] = {
    "en": (
        [
            "Found black mould floating in my bottle this morning, absolutely disgusting",
            "There are bits of plastic in your juice and nobody answers my emails",
            "My daughter has been sick all night after drinking this stuff",
            "I want my money back. Never buying this brand again.",
            "Shame on you, you knew about it and kept selling it",
            "Time to boycott them until they tell us the truth",
            "This smells like chemicals, what on earth did you put in there???",
            "Two of my kids threw up. This product should be taken off the shelves NOW",
            "Worst customer service ever, three weeks and still no refund",
            "So you poison people and then delete the comments? Pathetic.",
            "Tastes awful since you changed the recipe, I poured it down the sink",
            "Not even an apology. I am so angry right now 😡",
        ],
        [
            "OMG I won the giveaway!!! Thank you so much 😍",
            "Love it, best iced tea I have ever had",
            "Just got my prize in the mail, you guys are amazing",
            "Thank you for the quick answer, great service!",
            "So happy with my new summer box, delicious",
            "Can't wait to try the new flavour, it looks great 🎉",
        ],
    ),
    "it": (
        [
            "Ho trovato la muffa dentro la bottiglia, che schifo",
            "Ci sono pezzi di plastica nel succo e nessuno mi risponde",
            "Mio figlio è stato male tutta la notte dopo averlo bevuto",
            "Rivoglio i miei soldi, non comprerò mai più niente da voi",
            "Vergognatevi, lo sapevate e avete continuato a venderlo",
            "Da oggi boicottaggio totale finché non dite la verità",
            "Puzza di prodotti chimici, ma cosa ci mettete dentro???",
            "Siamo finiti al pronto soccorso per colpa della vostra bibita",
            "Servizio clienti pessimo, tre settimane e ancora nessun rimborso",
            "Avvelenate la gente e poi cancellate i commenti? Ridicoli",
            "Sapore orribile da quando avete cambiato ricetta, l'ho buttato nel lavandino",
            "Neanche una scusa. Sono furiosa 😡",
        ],
        [
            "Non ci credo, ho vinto il concorso!!! Grazie mille 😍",
            "Lo adoro, il miglior tè freddo che abbia mai bevuto",
            "È arrivato il premio oggi, siete fantastici",
            "Grazie per la risposta veloce, ottimo servizio!",
            "Felicissima del mio pacco estivo, buonissimo",
            "Non vedo l'ora di provare il nuovo gusto, che bello 🎉",
        ],
    ),
    "pl": (
        [
            "Znalazłam pleśń w butelce, obrzydliwe",
            "W waszym soku pływają kawałki plastiku i nikt nie odpisuje",
            "Moje dziecko całą noc wymiotowało po tym napoju",
            "Chcę zwrotu pieniędzy, nigdy więcej nie kupię nic tej marki",
            "Wstydźcie się, wiedzieliście o tym i dalej sprzedawaliście",
            "Bojkot tej firmy, dopóki nie powiedzą prawdy",
            "Śmierdzi chemią, co wy tam dodajecie???",
            "Wylądowaliśmy w szpitalu przez wasz produkt, skandal",
            "Najgorsza obsługa klienta, trzy tygodnie i dalej nie oddali mi pieniędzy",
            "Trujecie ludzi, a potem usuwacie komentarze? Żałosne",
            "Okropny smak odkąd zmieniliście skład, wylałam do zlewu",
            "Nawet nie przeprosili. Jestem wściekła 😡",
        ],
        [
            "Nie wierzę, wygrałam w konkursie!!! Dziękuję bardzo 😍",
            "Uwielbiam, najlepsza mrożona herbata jaką piłam",
            "Dzisiaj dotarła nagroda, jesteście super",
            "Dziękuję za szybką odpowiedź, świetna obsługa!",
            "Bardzo się cieszę z letniego zestawu, przepyszne",
            "Nie mogę się doczekać nowego smaku, wygląda świetnie 🎉",
        ],
    ),
    "id": (
        [
            "Ada jamur di dalam botolnya, jijik banget",
            "Ada potongan plastik di minuman kalian dan tidak ada yang balas email saya",
            "Anak saya sakit perut semalaman setelah minum ini",
            "Kembalikan uang saya, gak akan beli merek ini lagi",
            "Malu dong, kalian sudah tahu tapi masih dijual",
            "Ayo boikot sampai mereka jujur",
            "Baunya kayak bahan kimia, kalian campur apa sih???",
            "Adik saya masuk rumah sakit gara-gara produk ini",
            "Pelayanan paling buruk, sudah tiga minggu refund belum cair",
            "Kalian meracuni orang terus hapus komentar? Parah",
            "Rasanya jadi tidak enak sejak resepnya diganti, saya buang semua",
            "Minta maaf saja tidak. Kecewa berat 😡",
        ],
        [
            "Gak nyangka aku menang giveaway!!! Terima kasih banyak 😍",
            "Suka banget, es teh paling enak yang pernah saya minum",
            "Hadiahnya sudah sampai hari ini, kalian keren banget",
            "Terima kasih atas jawaban cepatnya, pelayanannya mantap!",
            "Senang sekali dapat paket musim panas, enak banget",
            "Gak sabar mau coba rasa baru, kelihatannya enak 🎉",
        ],
    ),
}


def read(text: str, lang: str | None = None) -> Sentiment:
    return Linear().score([text], [lang])[0]


def share(texts: list[str], lang: str | None, label: Label) -> float:
    answers = Linear().score(texts, [lang] * len(texts))
    return sum(a.label == label for a in answers) / len(texts)


def test_it_is_the_plug_in_of_its_module() -> None:
    assert registry.load("sentiment", "linear") is Linear
    assert not [n for n in registry.names("sentiment") if n.startswith("_")]
    assert issubclass(Linear, Scorer) and {"en", "it", "pl", "id"} <= Linear.languages


@pytest.mark.parametrize("lang", sorted(CLEAR))
@pytest.mark.parametrize("declared", [True, False])
def test_complaints_are_negative_and_thanks_positive_in_most_cases(lang: str, declared: bool) -> None:
    complaints, thanks = CLEAR[lang]
    assert share(complaints, lang if declared else None, "negative") >= 0.75
    assert share(thanks, lang if declared else None, "positive") >= 0.75


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Where can I buy the two litre bottle?", "en"),
        ("A che ora apre il negozio di Torino?", "it"),
        ("O której otwieracie sklep w Krakowie?", "pl"),
        ("Jam berapa tokonya buka di Bandung?", "id"),
    ],
)
def test_plain_questions_are_neutral(text: str, lang: str) -> None:
    assert read(text, lang).label == "neutral"


def test_numbers_belong_to_the_label() -> None:
    for text in CLEAR["en"][0] + CLEAR["en"][1]:
        answer = read(text, "en")
        assert answer.polarity is not None and answer.confidence is not None
        assert -1 <= answer.polarity <= 1 and 1 / 3 <= answer.confidence <= 1
        assert (answer.label == "negative") <= (answer.polarity < 0)
        assert (answer.label == "positive") <= (answer.polarity > 0)


@pytest.mark.parametrize(
    ("text", "declared", "lang"),
    [
        ("", "en", "en"),
        (" \n\t ", "it", "it"),
        ("https://example.org/a @brand", "pl", "pl"),
        ("このお茶はひどい味がする", "ja", "ja"),
        ("This is disgusting", "nl", "nl"),
        ("यह पानी बहुत खराब है", "hi", "hi"),
        ("Zefirella का पानी बहुत खराब है 😡", "hi", "hi"),
        ("日本語テキスト", "en", "en"),
        ("12345", "en", "en"),
        ("??", "it", "it"),
        ("\ufeff", "en", "en"),
        ("\u200b\u202e", "pl", "pl"),
    ],
)
def test_unscored_is_a_state_of_its_own(text: str, declared: str | None, lang: str) -> None:
    assert read(text, declared) == Sentiment("unscored", lang, polarity=None, confidence=None, lang_confidence=None)


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("", "unknown"),
        ("ok", "unknown"),
        ("https://example.org/scheda", "unknown"),
        ("12345", "unknown"),
        ("??!!", "unknown"),
        ("このお茶はひどい味がする", "other"),
        ("Dit smaakt verschrikkelijk, ik wil mijn geld terug", "other"),
        ("Dit smaakt verschrikkelijk, ik wil mijn geld terug 🤮🤮", "other"),
    ],
)
def test_a_text_of_no_language_that_is_read_is_unscored_and_says_which(text: str, lang: str) -> None:
    answer = read(text)
    assert (answer.label, answer.lang, answer.polarity, answer.confidence) == ("unscored", lang, None, None)
    assert answer.lang_confidence is not None and 0 <= answer.lang_confidence <= 1


@pytest.mark.parametrize("tag", ["en", "EN", "en-GB", "en_US", "eng"])
def test_a_declared_language_is_believed(tag: str) -> None:
    # Italian words, declared English: the caller knows better (a quotation, a slogan), and the row says what was used.
    assert read("Vergogna, che schifo di acqua", tag) == read("Vergogna, che schifo di acqua", "en")
    assert read("Vergogna, che schifo di acqua", tag).lang == "en"


def test_an_undeclared_language_is_identified() -> None:
    declared = read("Vergogna, che schifo", "it")
    for tag in (None, "", "und"):
        found = read("Vergogna, che schifo", tag)
        assert replace(found, lang_confidence=None) == declared


def test_the_confidence_of_a_language_is_that_of_its_identification() -> None:
    declared, identified = Linear().score(["Vergogna, che schifo di acqua"] * 2, ["it", None])
    assert declared.lang_confidence is None
    assert identified.lang_confidence is not None and identified.lang_confidence > 0.8


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("🤮🤮🤮", "negative"),
        ("😡", "negative"),
        ("😍🎉", "positive"),
        ("❤️❤️", "positive"),
        ("hm 😡", "negative"),
        ("wow!! 😍😍", "positive"),
    ],
)
def test_clear_signs_are_read_without_a_language(text: str, label: Label) -> None:
    answer = read(text)
    assert (answer.label, answer.lang) == (label, "unknown")
    assert answer.confidence is not None and answer.confidence >= linear.CLEAR


@pytest.mark.parametrize("text", ["🧃", "📦", "→", "🧊🧊", "ok 📦"])
def test_signs_that_are_not_clear_are_not(text: str) -> None:
    assert read(text).label == "unscored"


def test_words_without_a_language_weigh_nothing_beside_signs() -> None:
    assert read("hm 😡") == read("ok 😡")


def test_emoji_alone_have_a_mood_once_the_language_is_declared() -> None:
    assert read("🤮🤮🤮", "it").label == "negative"
    assert read("😍🎉", "pl").label == "positive"


@pytest.mark.parametrize("sign", ["\u200b", "\u00ad", "\u2060", "\ufeff", "\u200e", "&shy;"])
def test_what_is_not_seen_changes_nothing(sign: str) -> None:
    hidden = f"this is dis{sign}gust{sign}ing and aw{sign}ful 😡{sign}"
    assert read(hidden, "en") == read("this is disgusting and awful 😡", "en")


def test_a_negation_reaches_the_words_after_it() -> None:
    good, denied = read("it is good", "en").polarity, read("it is not good", "en").polarity
    assert good is not None and denied is not None and denied < good - 0.2


def rows_of(text: str, lang: str) -> set[int]:
    return set(features([text], np.array([LANGUAGES.index(lang)]))[1].tolist())


def test_each_language_has_rows_of_its_own_and_tweets_share_some() -> None:
    rows = {lang: rows_of(" gift fatal! ", lang) for lang in LANGUAGES}
    together = {lang: found for lang, found in rows.items() if lang not in ALONE}
    shared = set.intersection(*together.values())
    assert all(len(found) == 2 * len(shared) for found in together.values())
    assert all(len(rows[lang]) == len(shared) for lang in ALONE)
    for a in LANGUAGES:
        for b in LANGUAGES:
            assert a == b or rows[a] & rows[b] == (shared if {a, b} <= together.keys() else set())


TEXTS = st.one_of(st.text(max_size=80), st.sampled_from([t for pair in CLEAR.values() for texts in pair for t in texts]))
LANGS = st.sampled_from([None, "en", "it-IT", "pl", "id", "ar", "ja", "other"])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(TEXTS, LANGS), max_size=8), st.data())
def test_batching_changes_nothing(rows: list[tuple[str, str | None]], data: st.DataObject) -> None:
    texts, langs = [r[0] for r in rows], [r[1] for r in rows]
    whole = Linear().score(texts, langs)
    assert whole == [read(text, lang) for text, lang in rows]
    order = data.draw(st.permutations(range(len(rows))))
    assert Linear().score([texts[i] for i in order], [langs[i] for i in order]) == [whole[i] for i in order]


def test_batching_changes_nothing_over_several_chunks() -> None:
    texts = [t for pair in CLEAR.values() for texts in pair for t in texts] * 60
    whole = Linear().score(texts, ["it"] * len(texts))
    assert sum(map(len, texts)) > 150_000
    assert whole[-90:] == Linear().score(texts[-90:], ["it"] * 90)


def test_very_long_texts_are_read_from_their_start() -> None:
    long = ("Che schifo questa acqua. " * 3_000)[:65_536]
    assert read(long, "it").label == "negative"
    assert read(long, "it") == read(long[:LIMIT], "it")
    assert read("a" * 65_536, "en").label != "unscored"


def test_as_many_languages_as_texts() -> None:
    with pytest.raises(ValueError, match="2 texts, but 1"):
        Linear().score(["a", "b"], ["en"])


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("It isn\\u2019t OK\\n", " it isn't ok "),
        ("Che SCHIFOOOOO!!!!! @marca https://t.co/abc", " che schifoo !! "),
        ("bello , bello . :-D", " bello bello :) "),
        ("Żółć &amp; mąka 3,50", " żółć mąka 0 "),
        ("👍🏽❤️", " 👍 🏽 ❤ "),
        (" ", ""),
    ],
)
def test_text_is_brought_to_one_form(text: str, clean: str) -> None:
    assert normalise(text) == clean


def measured() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(linear.MEASURED.read_text("utf-8"))
    return found


def test_what_was_measured_was_measured_with_these_weights() -> None:
    found = measured()
    assert found["sha256"] == hashlib.sha256(linear.WEIGHTS.read_bytes()).hexdigest()
    assert (found["revision"], found["bytes"]) == (Linear.revision, linear.WEIGHTS.stat().st_size)
    assert linear.WEIGHTS.stat().st_size < 26_000_000


def test_the_card_holds_what_was_measured_and_shows_the_picture() -> None:
    card = CARD.read_text(encoding="utf-8")
    written = card[card.index(_measure_linear.BEGIN) + len(_measure_linear.BEGIN) : card.index(_measure_linear.END)]
    assert written.strip() == _measure_linear.card(measured())
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", card)
    assert (CARD.parent / picture).resolve() == _measure_linear.PICTURE.resolve()
    assert _measure_linear.PICTURE.read_bytes().startswith(b"\x89PNG")


def test_every_language_is_calibrated_as_far_as_its_validation_texts_can_tell() -> None:
    assert {lang for lang, x in measured()["languages"].items() if x["ece"] > 0.05} == set()


def test_confusions_are_counts_by_language_and_set() -> None:
    found, sets = Linear().confusions(), measured()["sets"]
    assert found.keys() == Linear.languages
    assert sum(map(len, found.values())) == len(sets)
    assert found["pl"][1][1] == (0, 0, 0)  # tweets without neutral ones
    for tables in found.values():
        for table in tables:
            assert len(table) == 3 and all(len(row) == 3 and min(row) >= 0 for row in table)
    for lang in sorted(Linear.languages - {"hi"}):
        negative, _, positive = found[lang][0]
        assert negative[0] == max(negative) and positive[2] == max(positive)


class Deaf(Scorer):
    def score(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Sentiment]:
        return [Sentiment("unscored", lang or "other") for lang in langs]


def test_a_scorer_that_was_never_measured_knows_of_no_confusions() -> None:
    assert Deaf().confusions() == {}


def test_missing_weights_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(linear, "WEIGHTS", tmp_path / "linear.npz")
    linear.model.cache_clear()
    with pytest.raises(ConfigError, match="_train_linear"):
        read("hello", "en")
    linear.model.cache_clear()


def test_scoring_needs_numpy_only_and_identifies_only_when_it_must() -> None:
    code = (
        "import sys; from coolhead.sentiment.linear import Linear; s = Linear(); s.score(['che schifo'], ['it']);"
        "assert 'py3langid' not in sys.modules; s.score(['che schifo di acqua'], [None]);"
        "bad = {'sklearn', 'scipy', 'torch', 'pandas', 'joblib', 'airflow'} & sys.modules.keys(); sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_weights_hold_numbers_and_names_and_no_pickle() -> None:
    with np.load(linear.WEIGHTS, allow_pickle=False) as file:
        assert all(file[name].dtype.kind in "iufU" for name in file.files)
    assert "pickle" not in Path(linear.__file__).read_text(encoding="utf-8").replace("allow_pickle=False", "")


# ---- hostile texts ---------------------------------------------------------------------------------------------

HOSTILE = {
    "empty": "",
    "blank": " \n\t\u00a0\u2003",
    "right to left": "\u202eالطعم سيئ جدا\u202c و \u2066bad\u2069",
    "hebrew": "הטעם נורא, לא אקנה שוב",
    "zero width": "che\u200d\u200c\u200b\ufeff schi\u200dfo \u200d" * 20,
    "joined emoji": "👩‍👩‍👧‍👦🏳️‍🌈👍🏽" * 50,
    "only emoji": "🤮" * 5_000,
    "mixed scripts": "Вода vода 水 acqua ماء पानी น้ำ woda" * 30,
    "code": "def f(x): return {k: v for k, v in x.items() if v != '\\u00e9'}  # <b>&amp;&lt;</b> \\n\\x00",
    "markup": "<script>alert('gelato')</script>" * 100,
    "lone surrogates": "che schifo \ud83d \udc00\ud800",
    "control characters": "".join(map(chr, range(32))) + "\x7f\x80\x9f che schifo",
    "null bytes": "che\x00schifo\x00" * 100,
    "combining": "a" + "\u0301" * 5_000,
    "wide ligature": "\ufdfa" * 4_000,
    "one letter": "a" * 100_000,
    "one word": "schifo" * 20_000,
    "addresses": "http://" * 15_000,
    "handles": "@" * 100_000,
    "handles of dots": "@a" + ".-" * 50_000,
    "escapes": "\\u00e9" * 17_000,
    "entities": "&" * 100_000,
    "emoticons": ":-" * 50_000,
    "digits": "1,2.3:" * 17_000,
    "questions": "?!" * 50_000,
    "spaces": " " * 100_000 + "che schifo",
    "private use": "\ue000\U000f0000\U0010ffff" * 500,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
@pytest.mark.parametrize("lang", [None, "it", "ar", "hi", "ja", "not a language"])
def test_a_hostile_text_is_scored_or_unscored(name: str, lang: str | None) -> None:
    answer = read(HOSTILE[name], lang)
    assert answer.label in ("negative", "neutral", "positive", "unscored")
    assert (answer.label == "unscored") == (answer.polarity is None) == (answer.confidence is None)
    if answer.polarity is not None and answer.confidence is not None:
        assert -1 <= answer.polarity <= 1 and 1 / 3 <= answer.confidence <= 1


def test_hostile_texts_do_not_change_their_neighbours() -> None:
    texts = [t for hostile in HOSTILE.values() for t in (hostile, "Che schifo questa acqua")]
    answers = Linear().score(texts, ["it"] * len(texts))
    assert set(answers[1::2]) == {read("Che schifo questa acqua", "it")}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_work_is_bounded_by_the_length_that_is_read(name: str) -> None:
    """Signs and features, which all later work is linear in, grow no faster than the characters, up to the limit."""
    clean = normalise(HOSTILE[name] * 3)
    assert len(clean) <= 2 * LIMIT * 18 + 1  # a ligature of 18 letters is Unicode's longest
    if clean:
        assert len(features([clean], np.array([0]))[0]) <= 12 * len(clean)


@pytest.mark.parametrize(
    "name", ["addresses", "handles", "handles of dots", "escapes", "entities", "emoticons", "digits", "questions"]
)
def test_expressions_read_each_character_a_bounded_number_of_times(name: str) -> None:
    """Twice the text is twice the signs: no expression starts again from every character. Long texts, unlimited."""
    part = HOSTILE[name][: LIMIT // 2]
    once, twice = len(normalise(part).split()), len(normalise(part * 2).split())
    assert twice <= 2 * once + 2
