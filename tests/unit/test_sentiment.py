"""The scorer `linear`: it reads complaints and thanks, it says when it cannot read, and a batch changes nothing."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coolhead import registry
from coolhead.errors import ConfigError
from coolhead.rows import Label
from coolhead.sentiment import Scorer, Sentiment, linear
from coolhead.sentiment.linear import LANGUAGES, LIMIT, Linear, features, normalise

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
        ("", None, "other"),
        ("", "en", "en"),
        (" \n\t ", "it", "it"),
        ("https://example.org/a @brand", "pl", "pl"),
        ("このお茶はひどい味がする", None, "other"),
        ("このお茶はひどい味がする", "ja", "ja"),
        ("Dit smaakt verschrikkelijk, ik wil mijn geld terug", None, "other"),
        ("This is disgusting", "nl", "nl"),
        ("yeh paani bahut kharab hai bhai", None, "other"),
        ("😡😡😡", None, "other"),
    ],
)
def test_unscored_is_a_state_of_its_own(text: str, declared: str | None, lang: str) -> None:
    assert read(text, declared) == Sentiment("unscored", lang, polarity=None, confidence=None)


@pytest.mark.parametrize("tag", ["en", "EN", "en-GB", "en_US", "eng"])
def test_a_declared_language_is_believed(tag: str) -> None:
    # Italian words, declared English: the caller knows better (a quotation, a slogan), and the row says what was used.
    assert read("Vergogna, che schifo di acqua", tag) == read("Vergogna, che schifo di acqua", "en")
    assert read("Vergogna, che schifo di acqua", tag).lang == "en"


def test_an_undeclared_language_is_identified() -> None:
    assert all(read("Vergogna, che schifo", tag) == read("Vergogna, che schifo", "it") for tag in (None, "", "und"))


def test_emoji_alone_have_a_mood_once_the_language_is_declared() -> None:
    assert read("🤮🤮🤮", "it").label == "negative"
    assert read("😍🎉", "pl").label == "positive"


def test_a_negation_reaches_the_words_after_it() -> None:
    good, denied = read("it is good", "en").polarity, read("it is not good", "en").polarity
    assert good is not None and denied is not None and denied < good - 0.2


def test_each_language_has_features_of_its_own_besides_the_shared_ones() -> None:
    rows = {}
    for i, lang in enumerate(LANGUAGES):
        slot, index = features([" gift fatal! "], np.array([i]))
        rows[lang] = set(zip(slot.tolist(), index.tolist(), strict=True))
    shared = set.intersection(*rows.values())
    own = {lang: found - shared for lang, found in rows.items()}
    assert all(len(found) == len(shared) for found in own.values())
    for a in own:
        for b in own:
            assert a == b or not own[a] & own[b]


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


def test_the_card_holds_the_hash_and_the_revision_of_the_weights() -> None:
    card = CARD.read_text(encoding="utf-8")
    digest = hashlib.sha256(linear.WEIGHTS.read_bytes()).hexdigest()
    assert re.findall(r"sha256[^\n]*\b([0-9a-f]{64})\b", card) == [digest]
    assert re.findall(r"Revision: `([^`]+)`", card) == [Linear.revision]
    assert f"{linear.WEIGHTS.stat().st_size:,}" in card
    assert linear.WEIGHTS.stat().st_size < 8_000_000


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
        assert all(file[name].dtype.kind in "ifU" for name in file.files)
    assert "pickle" not in Path(linear.__file__).read_text(encoding="utf-8").replace("allow_pickle=False", "")
