"""A real XLM-RoBERTa sequence classification, tiny: ONNX graph, tokenizer and config in a folder as exporters lay them,
and the same forward pass in plain numpy, text by text, without padding."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

HIDDEN, HEADS, INNER, POSITIONS = 16, 2, 32, 34
LIMIT = POSITIONS - 2
PAD, EPSILON = 1, 1e-5
MARKS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
CORPUS = [
    "the lemon gelato of Zefirella is lovely and fresh", "my gelato was melted and the cone was broken",
    "il gelato al limone è buonissimo e freschissimo", "che schifo, il cono era rotto e il gelato sciolto",
    "lody cytrynowe są pyszne i świeże", "lody były roztopione, a wafelek połamany",
    "es krim lemon ini enak dan segar sekali", "es krimnya sudah cair dan rasanya aneh",
    "@user look at this http", "das Eis schmeckt nach Zitrone", "la glace au citron est bonne", "helado de limón muy rico",
]  # fmt: skip

Floats = NDArray[np.float64]
Weights = dict[str, Floats]


def write(folder: Path, names: dict[str, str] | None = None, kinds: bool = False, **config: Any) -> Path:
    """The model's folder, as `optimum-cli export onnx` writes it. `names`: id2label; `kinds`: whether the graph asks for
    token_type_ids, as BERT's do; `config`: more of config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {"0": "negative", "1": "neutral", "2": "positive"} if names is None else names
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    weights = _weights(tokenizer.get_vocab_size(), len(names))
    np.savez(folder / "weights.npz", **weights)
    onnx.save(_graph(weights, kinds), folder / "model.onnx")
    said = {
        "architectures": ["XLMRobertaForSequenceClassification"], "model_type": "xlm-roberta", "id2label": names,
        "pad_token_id": PAD, "max_position_embeddings": POSITIONS, **config,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(said))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 10**30}))
    return folder


def _tokenizer() -> Tokenizer:
    """Pieces of the corpus by their frequency: `tokenizers`' own trainer gives another vocabulary each time it runs."""
    found = Counter(
        word[i:j]
        for line in CORPUS
        for word in (f"▁{w}" for w in line.split())
        for i in range(len(word))
        for j in range(i + 1, min(i + 5, len(word)) + 1)
    )
    pieces = [piece for piece, n in sorted(found.items()) if n > 1 or len(piece) == 1]
    scored = [(piece, math.log(found[piece] / found.total())) for piece in pieces]
    tokenizer = Tokenizer(models.Unigram([*((mark, 0.0) for mark in MARKS), *scored], unk_id=MARKS.index("<unk>")))
    tokenizer.add_special_tokens(MARKS)
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[(mark, tokenizer.token_to_id(mark)) for mark in ("<s>", "</s>")]
    )
    return tokenizer


def _weights(words: int, labels: int) -> Weights:
    """Seeded, and large enough that the answers differ from text to text."""
    shapes: dict[str, tuple[int, ...]] = {"words": (words, HIDDEN), "positions": (POSITIONS, HIDDEN), "kind": (1, HIDDEN)}
    shapes |= {f"{name}.w": (HIDDEN, HIDDEN) for name in ("query", "key", "value", "out", "dense")}
    shapes |= {"up.w": (HIDDEN, INNER), "down.w": (INNER, HIDDEN), "labels.w": (HIDDEN, labels)}
    shapes |= {f"{name[:-2]}.b": shape[-1:] for name, shape in list(shapes.items()) if name.endswith(".w")}
    shapes |= {f"norm{i}.{part}": (HIDDEN,) for i in range(3) for part in "wb"}
    chance = np.random.default_rng(9)
    strong = ("query", "key", "value", "out")
    return {n: chance.normal(0.0, 1.5 if n[:-2] in strong else 0.6, shape).astype(np.float32) for n, shape in shapes.items()}


class _Nodes:
    """Writes an ONNX graph one operator at a time; each returns the name of what it computes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def __call__(self, operator: str, *inputs: str, **settings: Any) -> str:
        name = settings.pop("name", f"{operator}_{len(self.nodes)}")
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **settings))
        return str(name)

    def value(self, content: Any, kind: type = np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(content, kind), f"constant_{len(self.constants)}"))
        return str(self.constants[-1].name)

    def linear(self, x: str, name: str) -> str:
        return self("Add", self("MatMul", x, f"{name}.w"), f"{name}.b")

    def norm(self, x: str, name: str) -> str:
        return self("LayerNormalization", x, f"{name}.w", f"{name}.b", axis=-1, epsilon=EPSILON)

    def heads(self, x: str) -> str:
        return self("Transpose", self("Reshape", x, self.value([0, 0, HEADS, HIDDEN // HEADS], np.int64)), perm=[0, 2, 1, 3])


def _graph(weights: Weights, kinds: bool) -> onnx.ModelProto:
    do = _Nodes()
    told = do("Cast", do("Not", do("Equal", "input_ids", do.value(PAD, np.int64))), to=TensorProto.INT64)
    places = do("Add", do("Mul", do("CumSum", told, do.value(1, np.int64)), told), do.value(PAD, np.int64))
    kind = "token_type_ids" if kinds else ""
    x = do(
        "Add",
        do("Add", do("Gather", "words", "input_ids"), do("Gather", "positions", places)),
        do("Gather", "kind", kind) if kinds else "kind",
    )
    x = do.norm(x, "norm0")
    hidden = do("Mul", do("Sub", do.value(1.0), do("Cast", "attention_mask", to=TensorProto.FLOAT)), do.value(-1e30))
    query, key, value = (do.heads(do.linear(x, name)) for name in ("query", "key", "value"))
    fits = do("Div", do("MatMul", query, do("Transpose", key, perm=[0, 1, 3, 2])), do.value(math.sqrt(HIDDEN / HEADS)))
    shares = do("Softmax", do("Add", fits, do("Unsqueeze", hidden, do.value([1, 2], np.int64))), axis=-1)
    mixed = do("Transpose", do("MatMul", shares, value), perm=[0, 2, 1, 3])
    mixed = do("Reshape", mixed, do.value([0, 0, HIDDEN], np.int64))
    x = do.norm(do("Add", x, do.linear(mixed, "out")), "norm1")
    up = do.linear(x, "up")
    bent = do("Add", do("Erf", do("Div", up, do.value(math.sqrt(2)))), do.value(1.0))
    x = do.norm(do("Add", x, do.linear(do("Mul", do("Mul", up, bent), do.value(0.5)), "down")), "norm2")
    first = do("Gather", x, do.value(0, np.int64), axis=1)
    do("Add", do("MatMul", do("Tanh", do.linear(first, "dense")), "labels.w"), "labels.b", name="logits")
    given = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    asked = ["input_ids", "attention_mask", *(["token_type_ids"] if kinds else [])]
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["texts", "tokens"]) for n in asked]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", len(weights["labels.b"])])
    graph = helper.make_graph(do.nodes, "tiny", inputs, [output], [*given, *do.constants])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def forward(folder: Path, text: str) -> Floats:
    """Logits of one prepared text: (labels,)."""
    w: Weights = {name: value.astype(np.float64) for name, value in np.load(folder / "weights.npz").items()}
    ids = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids
    ids = ids if len(ids) <= LIMIT else [*ids[: LIMIT - 1], ids[-1]]
    x = _norm(w["words"][ids] + w["positions"][PAD + 1 : PAD + 1 + len(ids)] + w["kind"], w, "norm0")
    size = HIDDEN // HEADS
    mixed = np.zeros_like(x)
    for head in (slice(h * size, (h + 1) * size) for h in range(HEADS)):
        query, key, value = (_linear(x, w, name)[:, head] for name in ("query", "key", "value"))
        fits = np.exp(query @ key.T / math.sqrt(size))
        mixed[:, head] = fits / fits.sum(axis=1, keepdims=True) @ value
    x = _norm(x + _linear(mixed, w, "out"), w, "norm1")
    up = _linear(x, w, "up")
    x = _norm(x + _linear(up * 0.5 * (1 + np.vectorize(math.erf)(up / math.sqrt(2))), w, "down"), w, "norm2")
    logits: Floats = _linear(np.tanh(_linear(x[0], w, "dense")), w, "labels")
    return logits


def _linear(x: Floats, w: Weights, name: str) -> Floats:
    y: Floats = x @ w[f"{name}.w"] + w[f"{name}.b"]
    return y


def _norm(x: Floats, w: Weights, name: str) -> Floats:
    centred = x - x.mean(axis=-1, keepdims=True)
    y: Floats = centred / np.sqrt(x.var(axis=-1, keepdims=True) + EPSILON) * w[f"{name}.w"] + w[f"{name}.b"]
    return y
