"""Telling terms: what nobody sees parts no words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coolhead.folding import fold
from coolhead.telling_terms import stem, stems_of, terms, visible

UNSEEN = ["\u200b", "\u00ad", "\ufeff", "\u200e", "\u200f", "\u202a", "\u2060", "\u200c", "\u200d", "\u034f", "\ufe0f"]


@pytest.mark.parametrize("sign", UNSEEN)
def test_what_nobody_sees_parts_no_words(sign: str) -> None:
    assert terms(f"La mu{sign}ffa nella torta") == ["muffa", "torta"]
    text = "pleśnią i batch 7 #boycott https://x.example/mould @anna l'olio"
    assert terms(sign.join(text)) == terms(text)
    assert terms(sign * 2_000 + "muffa") == ["muffa"]
    assert stems_of([f"Zefi{sign}rella"]) == {stem("Zefirella")}


def test_joined_emoji_are_harmless() -> None:
    assert terms("muffa 👨\u200d👩\u200d👧 torta ❤️\u200d🔥") == terms("muffa 👨👩👧 torta ❤🔥")
    assert visible("👨\u200d👩\u200d👧 ❤️") == "👨👩👧 ❤"


def test_accents_and_stretched_letters_are_seen() -> None:
    for text in ("pleśnią", "e\u0301", "مـــمتاز", "5\u20e3", "हिन्दी", "plain"):
        assert visible(text) == text


@given(st.text(st.characters(), max_size=200))
def test_folding_drops_no_less(text: str) -> None:
    assert fold(visible(text)).replace(" ", "") == fold(text).replace(" ", "")
    assert visible(visible(text)) == visible(text)
