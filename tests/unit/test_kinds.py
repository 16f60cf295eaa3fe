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
from coolhead.folding import fold
from coolhead.rows import CommentKind, Kind
from coolhead.scoring import score
from coolhead.telling_terms import visible
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


PRODUCT_COMPLAINTS = [
    ("en", "Voucher was rejected, cashback never came, bonus gone"),
    ("en", "My gift card bonus got stolen, disgusting liars. WhatsApp support is useless, see https://x.y"),
    ("en", "My promo code and gift card did not work, customer service ignored me https://x.y"),
    ("en", "The free shipping code is a lie and the voucher expired in my hands, call 0800 555 0147 and nobody answers"),
    ("en", "I wanted to order now with the discount code, the voucher was declined twice and the bonus never came"),
    ("it", "Il buono regalo è stato rifiutato, il cashback non è mai arrivato e il bonus è sparito"),
    ("it", "Il codice sconto e il voucher non funzionano, l'assistenza WhatsApp non risponde https://x.example"),
    ("it", "Mi hanno rubato il bonus della gift card, una vergogna, guardate https://x.example"),
    ("it", "Premio vinto e mai arrivato, offerta ingannevole, al numero +39 02 5550147 non risponde nessuno"),
    ("pl", "Voucher został odrzucony, cashback nie przyszedł, bonus przepadł"),
    ("pl", "Kod rabatowy i karta podarunkowa nie działają, obsługa na WhatsApp mnie ignoruje https://x.example"),
    ("pl", "Ukradliście mi bonus z karty podarunkowej, wstyd, zobaczcie https://x.example"),
    ("pl", "Darmowa wysyłka i promocja to kłamstwo, pod numerem +48 22 555 01 47 nikt nie odpowiada"),
    ("id", "Voucher ditolak, cashback tidak masuk, bonus hangus"),
    ("id", "Kode promo dan gift card gak bisa dipakai, CS WhatsApp nggak balas https://x.example"),
    ("id", "Bonus member saya hilang, memalukan, lihat https://x.example voucher juga hangus"),
    ("id", "Gratis ongkir dan diskon cuma bohong, hubungi 0812 5550 1470 tidak dibalas"),
]
CALLS = [
    ("en", "Stop being broke! Join our telegram, crypto profit guaranteed https://x.example"),
    ("en", "DM me for a cheap iPhone, limited offer"),
    ("en", "Tired of slow delivery? Free shipping with code FAST, order now www.x.example"),
    ("it", "Stanco di essere povero? Guadagna da casa, scrivimi su WhatsApp +39 347 5550147"),
    ("it", "Clicca qui, hai vinto un premio"),
    ("it", "Offerta lampo: spedizione gratuita con codice VELOCE, ordina ora www.x.example"),
    ("pl", "Masz dość biedy? Zarabiaj w domu, napisz na WhatsApp +48 600 555 147"),
    ("pl", "Kliknij i odbierz nagrodę"),
    ("pl", "Promocja! Darmowa wysyłka z kodem SZYBKO, kup teraz www.x.example"),
    ("id", "Capek miskin? Cuan dari rumah, chat WA 0812 5550 1470"),
    ("id", "Klik link dan dapatkan hadiah iphone"),
    ("id", "Promo! Gratis ongkir pakai kode CEPAT, beli sekarang www.x.example"),
]
OFFERS = [
    ("en", "Free voucher and gift card for everybody >> https://x.example"),
    ("en", "Bonus, cashback, promo: +44 7700 900147"),
    ("it", "Voucher e buono regalo gratis per tutti >> https://x.example"),
    ("pl", "Voucher i karta podarunkowa za darmo dla każdego >> https://x.example"),
    ("id", "Voucher dan gift card gratis untuk semua >> https://x.example"),
]


@pytest.mark.parametrize(("lang", "text"), PRODUCT_COMPLAINTS)
@pytest.mark.parametrize("polarity", [0.2, None, -0.2, -0.5, -0.95])
def test_complaints_that_name_vouchers_and_links_are_no_spam(lang: str, text: str, polarity: float | None) -> None:
    assert one(text, lang, polarity).kind == "complaint"


@pytest.mark.parametrize(("lang", "text"), CALLS)
@pytest.mark.parametrize("polarity", [0.9, None, -0.3, -0.7])
def test_calls_to_act_are_spam_also_where_they_speak_of_troubles(lang: str, text: str, polarity: float | None) -> None:
    assert one(text, lang, polarity).kind == "spam"


@pytest.mark.parametrize(("lang", "text"), OFFERS)
@pytest.mark.parametrize("polarity", [0.9, None, -0.3])
def test_offers_with_an_address_or_a_number_are_spam(lang: str, text: str, polarity: float | None) -> None:
    assert one(text, lang, polarity).kind == "spam"


@pytest.mark.parametrize("polarity", [None, 0.9, 0.0, -0.9])
def test_words_of_products_alone_are_no_spam(polarity: float | None) -> None:
    for text in ("Gift card, voucher, cashback, bonus, promo code, 20€", "My free discount coupon code for the sale"):
        assert one(text, polarity=polarity).kind != "spam"
    assert one("Gift card, voucher and bonus, all of it https://x.example", polarity=-0.9).kind == "complaint"
    denied = "Discount not applied at checkout, voucher lost, 40€ gone https://x.example"
    assert one(denied, polarity=polarity).kind != "spam"


CUSTOMERS = [
    ("en", "Ordered with a coupon code during the sale, free gift never showed up, here is my receipt https://x.example"),
    ("en", "Your giveaway was fake, nobody got the prize https://x.example"),
    ("en", "I won the prize in your contest and you never sent it, no answer on WhatsApp"),
    ("en", "Discount not applied at checkout, voucher lost, 40€ gone. https://x.example"),
    ("en", "Followed the link, used the promo code, it did nothing. Very disappointed"),
    ("en", "Subscribe and save offer charged me twice, refund my bonus"),
    ("it", "Ho usato il codice sconto e il buono regalo ma non mi hanno tolto niente, delusa. https://x.example"),
    ("it", "Concorso finto, premio mai visto, contattati su WhatsApp e nessuna risposta"),
    ("it", "Offerta con spedizione gratuita e invece ho pagato 9€ di spedizione, ridicoli https://x.example"),
    ("pl", "Użyłam kodu rabatowego i vouchera, nic nie odliczyło, jestem rozczarowana https://x.example"),
    ("pl", "Wygrałem nagrodę w konkursie i nigdy nie przyszła, brak odpowiedzi na WhatsApp"),
    ("pl", "Promocja z darmową wysyłką, a zapłaciłem 15 zł, kpina https://x.example"),
    ("id", "Sudah pakai kode voucher diskon tapi harga gak berubah, kecewa https://x.example"),
    ("id", "Menang hadiah undian tapi gak dikirim, chat WA gak dibalas"),
    ("id", "Katanya gratis ongkir dan cashback, ternyata bohong https://x.example"),
]


@pytest.mark.parametrize(("lang", "text"), CUSTOMERS)
@pytest.mark.parametrize("polarity", [0.4, None, -0.2, -0.9])
def test_what_customers_tell_of_prizes_and_vouchers_is_no_spam(lang: str, text: str, polarity: float | None) -> None:
    assert one(text, lang, polarity).kind != "spam"


def test_no_word_of_an_offer_counts_twice() -> None:
    for lang in (*kinds.languages(), ""):
        lexicon = kinds._lexicon(lang)
        for section in ("spam", "lure"):
            listed = kinds._sections()["any"][section] + "," + kinds._sections().get(lang, {}).get(section, "whatsapp")
            for entry in (fold(e).replace("*", "").split() for e in listed.split(",")):
                assert not {"spam", "lure"} <= lexicon.at(entry, 0)[1], (lang, entry)


UNSEEN = ["\u200b", "\u00ad", "\ufeff", "\u200e", "\u202e", "\u2060", "\u200d", "\ufe0f"]


@pytest.mark.parametrize("sign", UNSEEN)
@pytest.mark.parametrize("half", ["tuning", "held_out"])
def test_what_nobody_sees_changes_nothing(half: str, sign: str) -> None:
    for lang, of in sentences(half).items():
        for text in (t for listed in of.values() for t in listed):
            assert one(sign.join(text), lang) == one(text, lang), (sign, text)


def test_what_nobody_sees_does_not_fill_the_limit() -> None:
    assert one("\u200b" * kinds.LIMIT + "This is disgusting").kind == "complaint"


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
    seen = visible(text)  # what nobody sees fills no limit
    long = (seen + " word") * (1 + kinds.LIMIT // (len(seen) + 5))
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
        "lure",
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
