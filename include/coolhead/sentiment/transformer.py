"""Scorer `transformer`: any sequence classification of the Hugging Face hub, in ONNX Runtime. An extra: the base
install does without its packages.

    pip install 'coolhead[transformer]'

    scorer:                      # brands.yaml
      name: transformer
      settings:
        model: /srv/models/xlm-t
        languages: [it, en, pl]

`model` is a folder's absolute path, or `owner/name@revision` of the hub. Write the full commit behind the `@`: it is
what makes scores of today and of next year comparable. A branch or nothing (`main`) is read as it was when it was first
fetched on this installation, and stored under the hash of its files. The folder, or the repository, must hold
config.json, tokenizer.json and model.onnx (or onnx/model.onnx, or what `file` says); nothing else is opened, and nothing
in it is executed.

The default, XLM-T (Barbieri et al., LREC 2022, https://arxiv.org/abs/2104.12250), had no ONNX file on the hub when this was written, so it
is exported once, on any machine:

    pip install 'optimum-onnx[onnxruntime]'
    optimum-cli export onnx --model cardiffnlp/twitter-xlm-roberta-base-sentiment --task text-classification FOLDER

The repository onnx-community/twitter-xlm-roberta-base-sentiment-ONNX is such an export by others.

XLM-T was evaluated in eight languages (ar, de, en, es, fr, hi, it, pt): the default of `languages`. It reads others
as well, Polish and Indonesian among them, since it was made from 100 languages of the web and tweets in over thirty,
but how well is unknown until people have labelled some: name them in `languages` where that is accepted. Texts of
languages that are not named stay `unscored`.

Handles become `@user` and addresses `http`, as the model card demands. What is longer than the model's limit (512
tokens, about 2,000 characters) is cut there by the tokenizer. Polarity = P(positive) - P(negative), confidence =
P(label), both rounded to four digits; labels that mean the same (1 and 2 stars) are added up. `temperature` divides the
logits before the softmax: above 1 for a model that is too sure of itself; 1 is the model's own word.

A base model reads about 35 posts of 25 tokens in a second on one core, or 10 of 60: a change to it rescores a hundred
thousand mentions in an hour or more, in transactions of 500.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from coolhead.errors import ConfigError
from coolhead.language import VERSION, WIDE, identify, primary
from coolhead.rows import Label
from coolhead.sentiment import Scorer, ScorerSettings, Sentiment
from coolhead.sentiment._transformer_files import KEY, Files, files, identity
from coolhead.sentiment._transformer_labels import groups

if TYPE_CHECKING:
    from coolhead.sentiment._transformer_model import Logits, Model

XLM_T = "cardiffnlp/twitter-xlm-roberta-base-sentiment@f2f1202b1bdeb07342385c3f807f9c07cd8f5cf8"
LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "it", "pt")
LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")
READING = "1"
"""Changes whenever the same model and settings give another answer."""
DIGITS = 4

_HUB = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*(?:@[A-Za-z0-9][\w.-]*)?", re.ASCII)


def _place(model: str) -> str:
    if not (model.startswith(("/", "~")) or (_HUB.fullmatch(model) and ".." not in model)):
        raise ValueError(f"{model!r} is neither owner/name@revision of the hub nor the absolute path of a folder")
    return model


def _inside(file: str) -> str:
    if file and (not file.endswith(".onnx") or file.startswith("/") or ".." in file):
        raise ValueError(f"{file!r} is no ONNX file in the model's folder; write e.g. onnx/model_fp16.onnx")
    return file


def _identified(language: str) -> str:
    if language not in WIDE:
        raise ValueError(f"{language!r} cannot be identified; choose of: {', '.join(sorted(WIDE))}")
    return language


class TransformerSettings(ScorerSettings):
    """`scorer.settings` of brands.yaml."""

    model: Annotated[str, AfterValidator(_place)] = XLM_T
    file: Annotated[str, AfterValidator(_inside)] = ""
    """The ONNX file, where a model has several; default model.onnx, else onnx/model.onnx."""
    labels: dict[str, Literal["negative", "neutral", "positive"]] = {}
    """What the model's labels mean, where their names do not say it."""
    languages: Annotated[tuple[Annotated[str, AfterValidator(_identified)], ...], Field(min_length=1)] = LANGUAGES
    temperature: Annotated[float, Field(gt=0, le=100)] = 1.0


class Transformer(Scorer):
    """Negative, neutral or positive by a transformer, which is loaded at the first text."""

    Settings = TransformerSettings
    batch = 500

    def __init__(self, settings: TransformerSettings | None = None) -> None:
        super().__init__(settings)
        told: TransformerSettings = self.settings
        self.languages = frozenset(told.languages)
        said = {
            "reading": READING,
            "identified": VERSION,
            **told.model_dump(mode="json", exclude={"model"}),
            "languages": sorted(self.languages),
        }
        settled = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]
        self.revision = f"{identity(told.model, told.file)}+{settled}"
        """Model, its commit or hash (which settle its own labels), and everything that the plan says of it."""

    def score(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Sentiment]:
        """One answer per text. A declared language is believed; where there is none, the text is identified."""
        if len(texts) != len(langs):
            raise ValueError(f"{len(texts)} texts, but {len(langs)} languages")
        found = self._languages(texts, langs)
        answers = [Sentiment("unscored", lang) for lang in found]
        readable = [i for i, text in enumerate(texts) if found[i] in self.languages and _says_something(text)]
        if readable:
            model, labels = self._loaded
            shares = probabilities(model.logits([prepare(texts[i]) for i in readable]), self.settings.temperature, labels)
            for i, row in zip(readable, shares, strict=True):
                if all(map(math.isfinite, row)):
                    answers[i] = _sentiment(row, found[i])
        return answers

    def _languages(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[str]:
        found = [primary(lang) for lang in langs]
        unknown = [i for i, lang in enumerate(found) if lang is None]
        named = dict(zip(unknown, identify([texts[i] for i in unknown], self.languages, self.home), strict=True))
        return [lang or named[i][0] for i, lang in enumerate(found)]

    @cached_property
    def _loaded(self) -> "tuple[Model, tuple[Label, ...]]":
        from coolhead.sentiment._transformer_model import Model

        found: Files = files(self.settings.model, self.settings.file)
        config = _json(found.folder / "config.json")
        limits = found.folder / "tokenizer_config.json"
        labels = groups(config, self.settings.labels)
        model = Model(found, config, _json(limits) if limits.is_file() else {}, len(labels))
        model.prove()
        return model, labels


def prepare(text: str) -> str:
    """As the texts that XLM-T was trained on: handles and addresses masked (model card). Half a surrogate pair, which
    no tokenizer takes, becomes a question mark."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"(?<!\S)http\S*", "http", re.sub(r"(?<!\S)@\S+", "@user", text))


def probabilities(logits: "Logits", temperature: float, labels: Sequence[Label]) -> list[list[float]]:
    """P(negative), P(neutral), P(positive) of each row of logits; `labels`: what each column means."""
    scaled = logits / temperature
    odds = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares = odds / odds.sum(axis=1, keepdims=True)
    groups = np.array([[label == meaning for meaning in LABELS] for label in labels], dtype=np.float64)
    out: list[list[float]] = np.round(shares @ groups, DIGITS).tolist()
    return out


def _sentiment(shares: Sequence[float], lang: str) -> Sentiment:
    best = max(range(len(LABELS)), key=lambda k: shares[k])
    return Sentiment(LABELS[best], lang, polarity=round(shares[2] - shares[0], DIGITS), confidence=shares[best])


def _says_something(text: str) -> bool:
    """Not empty, and not only spaces, joiners and marks of direction."""
    return any(c.isprintable() and c != " " for c in text)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{KEY}.model: {path} cannot be read ({type(error).__name__})") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{KEY}.model: {path} must be a JSON object")
    return content
