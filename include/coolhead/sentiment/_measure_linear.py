"""What the training measures with the finished weights, through the scorer itself: linear.json, the card, the picture.

Validation sets were never trained on, but looked at while features were chosen; the others were never used for training,
for want of a licence. Of all of them only counts are kept.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from coolhead.sentiment import Sentiment, linear
from coolhead.sentiment import _figures as figures
from coolhead.sentiment._features import LANGUAGES
from coolhead.sentiment.linear import LABELS, MEASURED, WEIGHTS, Linear

CARD = Path(__file__).with_name("MODEL_CARD.md")
PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "sentiment_calibration.png"
NEVER_TRAINED = (("tweets2.pl", ("train", "val")), ("germeval17.de", ("dev",)))
NAMES = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi, romanised",
    "id": "Indonesian", "it": "Italian", "pl": "Polish", "pt": "Portuguese",
}  # fmt: skip


class Read(NamedTuple):
    """Labelled texts of one set and what the scorer answered, language declared and language identified."""

    lang: str
    trained: bool
    gold: list[str]
    declared: list[Sentiment]
    identified: list[Sentiment]


def rows(paths: Iterable[Path]) -> list[dict[str, Any]]:
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def read(folder: Path, sets: Sequence[str]) -> dict[str, Read]:
    """The validation files of the sets trained on, and the sets never trained on."""
    out = {}
    for name, parts in (*((s, ("val",)) for s in sets), *NEVER_TRAINED):
        given = rows(folder / f"{name}.{part}.jsonl" for part in parts)
        texts, langs = [r["text"] for r in given], [r["lang"] for r in given]
        gold = [LABELS[r["label"]] for r in given]
        declared, identified = Linear().score(texts, langs), Linear().score(texts, [None] * len(texts))
        out[name] = Read(langs[0], name in sets, list(map(str, gold)), declared, identified)
    return out


def measured(sets: dict[str, Read], day: date, trained_on: int) -> dict[str, Any]:
    """All that linear.json says."""
    return {
        "revision": Linear.revision,
        "date": day.isoformat(),
        "bytes": WEIGHTS.stat().st_size,
        "sha256": hashlib.sha256(WEIGHTS.read_bytes()).hexdigest(),
        "texts": trained_on,
        "sets": {name: _of_set(r) for name, r in sets.items()},
        "languages": {lang: _of_language(lang, sets) for lang in LANGUAGES},
    }


def _of_set(r: Read) -> dict[str, Any]:
    labels, found = [a.label for a in r.declared], [a.label for a in r.identified]
    return {
        "lang": r.lang,
        "trained": r.trained,
        "n": len(r.gold),
        "macro_f1": round(figures.macro_f1(r.gold, labels), 4),
        "macro_recall": round(figures.macro_recall(r.gold, labels), 4),
        "accuracy": round(sum(g == x for g, x in zip(r.gold, labels, strict=True)) / len(r.gold), 4),
        "identified_f1": round(figures.macro_f1(r.gold, found), 4),
        "identified_unscored": round(found.count("unscored") / len(found), 4),
        "confusion": figures.confusion(r.gold, labels),
    }


def _of_language(lang: str, sets: dict[str, Read]) -> dict[str, Any]:
    mine = [r for r in sets.values() if r.trained and r.lang == lang]
    gold, answers = [g for r in mine for g in r.gold], [a for r in mine for a in r.declared]
    bins, top = figures.reliability(gold, answers), figures.top_reliability(gold, answers)
    return {
        "n": len(gold),
        "ece": round(figures.ece(bins), 4),
        "ece_noise": round(figures.noise(answers, top=False), 4),
        "top_ece": round(figures.ece(top), 4),
        "top_ece_noise": round(figures.noise(answers, top=True), 4),
        "temperature": round(float(linear.model().temperature[LANGUAGES.index(lang)]), 3),
        "reliability": [[round(b.said, 4), round(b.true, 4), b.n] for b in bins],
    }


def card(found: dict[str, Any]) -> str:
    """The card's generated part."""
    umsab = [s["macro_f1"] for name, s in found["sets"].items() if name.startswith("umsab.")]
    out = [
        f"Date {found['date']}, revision: `{found['revision']}`. File `linear.npz`, {found['bytes']:,} bytes, "
        "arrays of numbers and language names only, no pickle.",
        f"\n- sha256 of `linear.npz`: {found['sha256']}",
        f"- Made from {found['texts']:,} texts, the own rows and the lexicons.\n",
        "| set | language | n | macro-F1 | macro-recall | accuracy | macro-F1, language identified | then unscored |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, s in found["sets"].items():
        shown = name if s["trained"] else f"{name} (never trained on)"
        numbers = " | ".join(f"{100 * s[k]:.1f}" for k in ("macro_f1", "macro_recall", "accuracy", "identified_f1"))
        out.append(f"| {shown} | {s['lang']} | {s['n']:,} | {numbers} | {100 * s['identified_unscored']:.1f} % |")
    out.append(f"\nMean macro-F1 of UMSAB's eight languages: **{100 * sum(umsab) / len(umsab):.1f}**.\n")
    out.append(
        "| language | n | ECE, all three probabilities | of which chance | ECE, label alone | of which chance | temperature |"
    )
    out.append("|---|---|---|---|---|---|---|")
    for lang, x in found["languages"].items():
        keys = ("ece", "ece_noise", "top_ece", "top_ece_noise")
        numbers = " | ".join(f"{x[k]:.3f}" for k in keys)
        out.append(f"| {NAMES[lang]} | {x['n']:,} | {numbers} | {x['temperature']:.2f} |")
    return "\n".join(out)


BEGIN, END = "<!-- written by _train_linear.py: begin -->", "<!-- end -->"


def write(found: dict[str, Any]) -> None:
    """linear.json, the card's generated part and the picture."""
    # A list of numbers on one line, so that a difference can be read.
    flat = re.sub(r"\[[-\d.,\s]+\]", lambda m: " ".join(m[0].split()), json.dumps(found, indent=1))
    MEASURED.write_text(flat + "\n", encoding="utf-8")
    text = CARD.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    CARD.write_text(f"{before}{BEGIN}\n{card(found)}\n{after}", encoding="utf-8")
    draw(found["languages"])


def draw(languages: dict[str, Any]) -> None:
    """One panel a language: what was said against what came true, with the 95 % interval of each share."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.2), layout="constrained", dpi=110)
    for panel, (lang, x) in zip(figure.subplots(2, 5, sharex=True, sharey=True).flat, languages.items(), strict=True):
        said, true, n = (list(column) for column in zip(*x["reliability"], strict=True))
        spread = [1.96 * (t * (1 - t) / k) ** 0.5 for t, k in zip(true, n, strict=True)]
        panel.plot([0, 1], [0, 1], color="#767676", linewidth=1, linestyle="--")
        panel.errorbar(said, true, spread, color="#0072B2", marker="o", markersize=4, linewidth=1.2, elinewidth=1, capsize=2)
        panel.set_title(f"{NAMES[lang]}\nECE {x['ece']:.3f}, n {x['n']:,}", fontsize=10)
        panel.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1], aspect="equal")
    figure.supxlabel("probability said (ten bins of equal count, all three labels)", fontsize=10)
    figure.supylabel("share that came true", fontsize=10)
    figure.savefig(PICTURE, metadata={"Software": None})
