"""Speed of the matching, run by hand: python tests/benchmarks/bench_matching.py

Prints texts per second over 100,000 texts x 3 markets x 10 terms, a sixth of the texts naming a term once in an inflected
form (`few`), and all of them (`all`); and the time in which a process that begins compiles its terms.
"""

import time

from coolhead.matching import judge, matched_by
from coolhead.terms import Terms

POSTS = [
    "Dzisiaj kupiłam w sklepie świeże pieczywo i mleko, żona mówi że drogo {} 😡",
    "Ieri ho comprato il gelato al limone, però era già sciolto {} perché?",
    "beli es krim rasa lemon di toko dekat rumah, enak banget {} 👍",
    "Opened a tub of lemon gelato today and it smells of plastic, is batch {} safe? https://example.org/x",
    "nothing to see here, just a long ordinary post about the weather and the football {} match last night and more words",
]
NAMED = "#gelato @someone {} w Zefirelli jest promocja, idę do Cytrynki po kawę"
TERMS = {
    ("pl", "en"): "zefirella #zefirella @zefirella cytrynka lodziarz sorbetex wafelek lodomir mrozik gelatto",
    ("it", "en"): "zefirella limonetta gelatissimo sorbetti conalba #conalba frescolina ghiacciolo lemonera l'orzata",
    ("id", "en"): "zefirella eskrimku lemonia segarindo dinginmart tokosegar esria esbatu lemonku manisan",
}
MARKETS = [(Terms(any_of=tuple(names.split())), languages) for languages, names in TERMS.items()]


def rate(texts: list[str]) -> tuple[float, int]:
    """Texts per second, and how many matches."""
    start = time.perf_counter()
    hits = sum(matched_by(text, terms, languages) is not None for text in texts for terms, languages in MARKETS)
    return len(texts) / (time.perf_counter() - start), hits


if __name__ == "__main__":
    begun = time.perf_counter()
    for terms, languages in MARKETS:
        judge(" ".join(terms.any_of), terms, languages)
    print(f"compiled in {time.perf_counter() - begun:.3f} s")
    few = [[*POSTS, NAMED][i % 6].format(i) for i in range(100_000)]
    for name, texts in (("few", few), ("all", [NAMED.format(i) for i in range(100_000)])):
        found, matches = rate(texts)
        print(f"{name}: {found:,.0f} texts/s, {matches:,} matches")
