"""Speed of the kinds of comments and of near-duplicates, run by hand: python tests/benchmarks/bench_kinds.py

Prints texts per second of one core (its own time) for the labelled sentences of tests/unit/kinds (with the lists read before), for posts
of 4,000 characters, and how near-duplicates grow with the texts: all of their own, and all copies of one.
"""

import random
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from coolhead import kinds
from coolhead.near_duplicates import clusters

SENTENCES = Path(__file__).parents[1] / "unit" / "kinds" / "held_out.yaml"
SYLLABLES = "so le lu na ma re ven to pie tra sa le pa ne vi no o lio".split()


def rate(texts: Sequence[str], langs: Sequence[str]) -> float:
    start = time.process_time()
    kinds.read(texts, langs, [None] * len(texts))
    return len(texts) / (time.process_time() - start)


if __name__ == "__main__":
    loaded = yaml.safe_load(SENTENCES.read_text("utf-8"))
    found = [(f"{t} {i}", lang) for i in range(60) for lang, of in loaded.items() for ts in of.values() for t in ts]
    texts, langs = [t for t, _ in found], [lang for _, lang in found]
    rate(texts, langs)
    print(f"kinds: {rate(texts, langs):,.0f} texts/s ({sum(map(len, texts)) / len(texts):.0f} characters on average)")
    long = [" ".join(texts[i : i + 90])[: kinds.LIMIT] for i in range(0, 9_000, 90)]
    print(f"kinds, {kinds.LIMIT} characters: {rate(long, langs[: len(long)]):,.0f} texts/s")
    draw = random.Random(1)
    for size in (2_000, 8_000, 32_000):
        own = [" ".join("".join(draw.choices(SYLLABLES, k=3)) for _ in range(16)) for _ in range(size)]
        copies = [f"{own[0]} {' '.join(draw.choices(SYLLABLES, k=2))}" for _ in range(size)]
        for name, some in (("own words", own), ("copies", copies)):
            start = time.process_time()
            groups = clusters(some)
            print(f"near-duplicates, {size} {name}: {time.process_time() - start:.2f} s, {len(groups)} clusters")
