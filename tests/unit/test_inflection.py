"""The forms a name takes in the languages of a market."""

import pytest

from coolhead.inflection import forms


def spelled(term: str, *languages: str) -> set[str]:
    found = forms(term, languages)
    assert found[0] == term
    assert len(set(found)) == len(found)
    return set(found[1:])


# The declension as the grammar has it; what may come beside it is in `test_drags_no_other_words_in`.
POLISH = {
    "Biedronka": "Biedronki Biedronce Biedronkę Biedronką Biedronko Biedronek Biedronkom Biedronkami Biedronkach",
    "Żabka": "Żabki Żabce Żabkę Żabką Żabko Żabek Żabkom Żabkami Żabkach",
    "Apteka": "Apteki Aptece Aptekę Apteką Apteko Aptek Aptekom Aptekami Aptekach",
    "Zefirella": "Zefirelli Zefirellę Zefirellą Zefirelle Zefirellom Zefirellami Zefirellach",
    "Ikea": "Ikei Ikeę Ikeą",
    "Hera": "Hery Herze Herę Herą",
    "Skoda": "Skody Skodzie Skodę Skodą",
    "Toyota": "Toyoty Toyocie Toyotę Toyotą",
    "Vista": "Visty Viście Vistę Vistą",
    "Wega": "Wegi Wedze Wegę Wegą",
    "Macha": "Machy Masze Machę Machą",
    "Szkoła": "Szkoły Szkole Szkołę Szkołą",
    "Italia": "Italii Italię Italią",
    "Nadzieja": "Nadziei Nadzieję Nadzieją",
    "Kopalnia": "Kopalni Kopalnię Kopalnią",
    "Winnica": "Winnicy Winnicę Winnicą",
    "Alexa": "Alexy Alexie Alexę Alexą",
    "Sokołowska": "Sokołowskiej Sokołowską",
    "Lidl": "Lidla Lidlu Lidlowi Lidlem Lidle Lidlów Lidli Lidlom Lidlami Lidlach",
    "Orlen": "Orlenu Orlenowi Orlenem Orlenie",
    "Empik": "Empiku Empikowi Empikiem Empiki Empików",
    "Samsung": "Samsunga Samsungu Samsungowi Samsungiem Samsungi Samsungów",
    "Bosch": "Boscha Boschu Boschowi Boschem",
    "Carrefour": "Carrefoura Carrefourowi Carrefourem Carrefourze",
    "Kaufland": "Kauflandu Kauflandowi Kauflandem Kauflandzie",
    "Expert": "Expertu Expertowi Expertem Expercie",
    "Best": "Bestu Bestem Beście",
    "Rossmann": "Rossmanna Rossmannowi Rossmannem Rossmannie",
    "Michał": "Michała Michałowi Michałem Michale",
    "Kubek": "Kubka Kubkowi Kubkiem Kubku Kubki Kubków",
    "Żywiec": "Żywca Żywcowi Żywcem Żywcu",
    "Netflix": "Netflixa Netfliksa Netflixowi Netflixem Netfliksem Netflixie Netfliksie",
    "Kraków": "Krakowa Krakowowi Krakowem Krakowie",
    "Poznań": "Poznania Poznaniowi Poznaniem Poznaniu",
    "Play": "Playa Playu Playowi Playem",
    "Allegro": "Allegra Allegru Allegrem Allegrze",
    "Netto": "Netta Nettu Nettem",
    "Tesco": "Tesca Tescu Tescem",
    "Tarczyński": "Tarczyńskiego Tarczyńskiemu Tarczyńskim",
    "Armani": "Armaniego Armaniemu Armanim",
    "Zdrowie": "Zdrowia Zdrowiu Zdrowiem",
    "L'Oréal": "L'Oréala L'Oréalem L'Oréalu",
    "IKEA": "IKEI IKEĘ IKEĄ",
    "Zielona Żabka": "Zielonej Żabki|Zielonej Żabce|Zieloną Żabkę|Zieloną Żabką|Zielone Żabki|Zielonych Żabek",
    "Czarny Kot": "Czarnego Kota|Czarnemu Kotowi|Czarnym Kotem|Czarnym Kocie|Czarne Koty",
    "Wielka Gala": "Wielkiej Gali|Wielką Galę|Wielkie Gale",
    "Media Expert": "Media Expertu|Media Expercie|Media Expertem",
    "Coca-Cola": "Coca-Coli|Coca-Colę|Coca-Colą",
}


@pytest.mark.parametrize("name", POLISH)
def test_polish(name: str) -> None:
    wanted = set(POLISH[name].split("|" if " " in name or "-" in name else " "))
    assert wanted <= spelled(name, "pl"), wanted - spelled(name, "pl")


@pytest.mark.parametrize("name", ["Żabka", "Lidl", "Biedronka"])
def test_polish_nothing_beside(name: str) -> None:
    assert spelled(name, "pl") == set(POLISH[name].split())


@pytest.mark.parametrize(
    ("language", "name", "wanted"),
    [
        ("id", "Zefirella", "Zefirellanya Zefirellaku Zefirellamu Zefirellalah Zefirellakah Zefirellapun"),
        ("ms", "Zefirella", "Zefirellanya"),
        ("de", "Aldi", "Aldis"),
        ("de", "Müller", "Müllers Mueller"),
        ("sv", "Ikea", "Ikeas"),
        ("cs", "Škoda", "Škody Škodě Škodu Škodou"),
        ("cs", "Kofola", "Kofoly Kofole Kofolu Kofolou"),
        ("cs", "Kaufland", "Kauflandu Kauflandem"),
        ("sk", "Tatra", "Tatry Tatre Tatru Tatrou"),
        ("ru", "Пятёрочка", "Пятёрочки Пятёрочке Пятёрочку Пятёрочкой Пятёрочек"),
        ("ru", "Магнит", "Магнита Магниту Магнитом Магните"),
        ("ru", "Сбер", "Сбера Сберу Сбером Сбере"),
        ("uk", "Розетка", "Розетки Розетці Розетку Розеткою"),
        ("hr", "Podravka", "Podravke Podravki Podravku Podravkom"),
        ("sl", "Barcaffe", ""),
        ("ar", "قهوة", "القهوة والقهوة بالقهوة وقهوة"),
        ("he", "זפירלה", "הזפירלה בזפירלה והזפירלה"),
    ],
)
def test_other_languages(language: str, name: str, wanted: str) -> None:
    assert set(wanted.split()) <= spelled(name, language)
    if not wanted:
        assert not spelled(name, language)


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("Zefirella", "en it fr es pt"),  # no cases; 's and l' end at the apostrophe
        ("Orange", "pl"),  # a mute e is not declined
        ("#Żabka", "pl id de"),
        ("@zabka", "pl id"),
        ("PZU", "pl de id"),
        ("Gaz24", "pl id de"),
        ("allegro.pl", "pl id de"),
        ("Rodeo", "pl"),
        ("Lidl", "ru uk ar he ja th zh xx"),
        ("Магнит", "id de ar he"),
        ("คาเฟ่", "id de pl"),
        ("Zeiss", "de sv"),
    ],
)
def test_as_it_is(name: str, languages: str) -> None:
    assert forms(name, tuple(languages.split())) == (name,)


def test_long_names_stay_few() -> None:
    name = "Powszechna Kasa Oszczędności Bank Polski Spółka Akcyjna"
    assert len(forms(name, ("pl",))) < 2_000
    assert "Powszechnej Kasy Oszczędności Bank Polski Spółka Akcyjna" in forms(name, ("pl",))
