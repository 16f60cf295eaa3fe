"""Which text matches which terms."""

import unicodedata

import pytest

from coolhead.matching import fold, matched_by
from coolhead.plan import Terms


def terms(*any_of: str, all_of: tuple[str, ...] = (), none_of: tuple[str, ...] = ()) -> Terms:
    return Terms(any_of=any_of, all_of=all_of, none_of=none_of)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("zefirella", "I love ZEFIRELLA!"),
        ("zefirella", "(zefirella)"),
        ("zefirella", "zefirella"),
        ("zefirella", "zefirella's new bottle"),
        ("zefirella", "zefirella-gate"),
        ("zefirella", "#zefirella"),
        ("zefirella", "@zefirella@social.example"),
        ("zefirella", "https://zefirella.example/x"),
        ("zefirella", "\u201ezefirella\u201d \U0001f621"),
        ("zefirella", "bad\nzefirella\tbad"),
        ("#zefirella", "so #Zefirella, again"),
        ("#zefirella", "#zefirella"),
        ("@zefirella", "hey @zefirella: why?"),
        ("C++", "we use C++ here"),
        (".NET", "on .net"),
        ("zefirella tea", "Zefirella Tea is out"),
        ("żabka", "Zabka"),
        ("zabka", "ŻABKA otwarta"),
        ("Żabka", unicodedata.normalize("NFD", "Żabka")),
        ("łódź", "LODZ"),
        ("Lodz", "w Łodzi, znaczy Łódź"),
        ("caffè", "un caffe"),
        ("cafe", "CAFÉ"),
        ("strasse", "Straße"),
        ("кофе", "Люблю КОФЕ."),
        ("καφές", "ο ΚΑΦΈΣ μας"),
        ("قهوة", "أحب قهوة كثيرا"),
        ("zefirella", "ｚｅｆｉｒｅｌｌａ"),
        ("AT&T", "from at&t today"),
        ("可乐", "我喜欢可乐和茶"),
        ("可乐", "可乐zero"),
        ("ゼフィレラ", "昨日ゼフィレラを飲んだ"),
        ("zefirella", "zefirellaが好き"),
        ("제피렐라", "제피렐라를 마셨다"),
        ("กาแฟ", "ชอบกาแฟมาก"),
    ],
)
def test_matches(term: str, text: str) -> None:
    assert matched_by(text, terms(term)) == term


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("zefirella", "zefirellas"),
        ("zefirella", "myzefirella"),
        ("zefirella", "zefirella2"),
        ("zefirella", "zefirella_official"),
        ("zefirella", "zefirellà1"),
        ("zefirella", "zefi rella"),
        ("zefirella", ""),
        ("#zefirella", "zefirella"),
        ("#zefirella", "x#zefirella"),
        ("#zefirella", "#zefirellas"),
        ("@zefirella", "mail@zefirella"),
        ("кофе", "кофейня"),
        ("żabka", "żabkami"),
        ("a.b", "axb"),
        ("(", "no bracket"),
        ("ice", "nice"),
        ("ice", "Žice"),
    ],
)
def test_does_not_match(term: str, text: str) -> None:
    assert matched_by(text, terms(term)) is None


def test_says_why() -> None:
    both = terms("zefirella", "#zefirella", "zefi")
    assert matched_by("#zefirella and zefi", both) == "zefirella, #zefirella, zefi"
    assert matched_by("Zefi", both) == "zefi"


def test_all_of_and_none_of() -> None:
    apple = terms("apple", all_of=("phone",), none_of=("pie", "#ad"))
    assert matched_by("my apple phone", apple) == "apple, phone"
    assert matched_by("my apple", apple) is None
    assert matched_by("a phone", apple) is None
    assert matched_by("apple phone with PIE", apple) is None
    assert matched_by("apple phone #AD", apple) is None
    assert matched_by("apple phone, pied", apple) == "apple, phone"


def test_fold_is_stable() -> None:
    for text in ("Żółć", "ΚΑΦΈΣ", "Straße", "İstanbul", "ﬁne", "Ł", ""):
        assert fold(fold(text)) == fold(text)


def test_lone_surrogates_and_nul() -> None:
    assert matched_by("zefirella \ud800 \x00", terms("zefirella")) == "zefirella"


@pytest.mark.parametrize("term", ["a" * 40, "aaa aaa", "#a", "a+a*", "(a|a)*b", "[^a]"])
def test_cost_grows_with_the_text_only(term: str) -> None:
    """Terms are plain words: what would be a costly pattern is searched for letter by letter."""
    for text in ("a" * 1_000_000, "aaa " * 250_000, "#" * 1_000_000, "a+" * 500_000):
        matched_by(text, terms(term))
