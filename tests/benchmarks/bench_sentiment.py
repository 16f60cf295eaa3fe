"""Speed and quality of the scorer `linear`, run by hand: python tests/benchmarks/bench_sentiment.py [--data FOLDER]

Prints load times, texts per second (numpy's integer sums use one core) (language declared, and identified) and, with --data, macro-F1 per set
of `{"text", "label", "lang"}` lines, both ways. `unscored` counts as a wrong answer; a class without gold rows is left out.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from coolhead.language import identify
from coolhead.sentiment import Sentiment
from coolhead.sentiment.linear import LABELS, Linear, model

POSTS = {
    "en": "Opened a bottle of your sparkling water today and it smells of plastic, is batch {} safe to drink? @brand",
    "it": "Ieri ho preso sei bottiglie del lotto {} e una sa di plastica, qualcuno mi risponde? https://example.org/foto",
    "pl": "Kupiłam wczoraj wodę z partii {} i dziwnie pachnie, czy ktoś jeszcze tak ma? 😕",
    "id": "Kemarin beli air minum nomor {} kok baunya aneh ya, ada yang sama gak? tolong dijawab min",
}


def posts(n: int) -> tuple[list[str], list[str]]:
    langs = list(POSTS)
    return [POSTS[langs[i % 4]].format(i) for i in range(n)], [langs[i % 4] for i in range(n)]


def rate(n: int, declared: bool) -> float:
    """Texts per second, median of up to five runs."""
    texts, langs = posts(n)
    seconds = []
    for _ in range(1 if n > 10_000 else 5):
        start = time.perf_counter()
        Linear().score(texts, langs if declared else [None] * n)
        seconds.append(time.perf_counter() - start)
    return n / sorted(seconds)[len(seconds) // 2]


def macro_f1(gold: Sequence[str], answers: Sequence[Sentiment]) -> float:
    scores = []
    for label in LABELS:
        if label in gold:
            hit = sum(g == a.label == label for g, a in zip(gold, answers, strict=True))
            scores.append(2 * hit / (gold.count(label) + sum(a.label == label for a in answers)))
    return sum(scores) / len(scores)


def quality(folder: Path) -> None:
    for path in sorted(folder.glob("*.jsonl")):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        gold = [LABELS[row["label"]] for row in rows]
        texts = [row["text"] for row in rows]
        line = f"{path.stem:24} n {len(rows):6}"
        for name, langs in (("declared", [row["lang"] for row in rows]), ("identified", [None] * len(rows))):
            answers = Linear().score(texts, langs)
            right = sum(g == a.label for g, a in zip(gold, answers, strict=True)) / len(gold)
            unscored = sum(a.label == "unscored" for a in answers) / len(gold)
            line += f" | {name} F1 {macro_f1(gold, answers):.3f} accuracy {right:.3f} unscored {unscored:.3f}"
        print(line)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with *.jsonl")
    given = parser.parse_args()
    start = time.perf_counter()
    model()
    print(f"weights loaded in {time.perf_counter() - start:.3f} s")
    start = time.perf_counter()
    identify(["guten Tag zusammen"], ["de"])
    print(f"identifier loaded in {time.perf_counter() - start:.3f} s")
    for n in (1, 1_000, 100_000):
        print(f"batch {n:7,}: {rate(n, True):9,.0f} texts/s declared, {rate(n, False):9,.0f} identified")
    if given.data:
        quality(given.data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
