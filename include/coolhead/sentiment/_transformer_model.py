"""A sequence classification in ONNX Runtime: texts in, one row of logits per text out.

Texts are sorted by length and padded to the longest of their batch; padding is masked. ONNX Runtime may round the last
bits differently in batches of another shape, which the scorer rounds away. A model that was
quantised dynamically measures the range of its activations over the whole batch, so that neighbours would change an
answer: such a model reads one text at a time.
"""

import mmap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coolhead.errors import ConfigError
from coolhead.sentiment._transformer_files import KEY, Files, package

ROWS, TOKENS = 32, 4_096
"""Texts, and tokens with padding, of one batch at most: 8 texts of 512 tokens take about 150 MB in a base model."""
CHUNK = 2_000
"""Texts tokenised at once: what the tokenizer says of a text takes up to 50 kB."""
_DYNAMIC = b"DynamicQuantize"
_TYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})
_OFFSET_MODELS = frozenset({"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert"})
"""Their positions begin behind the padding token's number."""

Logits = NDArray[np.float64]


class Model:
    """Loaded tokenizer and session. Raises ConfigError for files that are not what they should be."""

    def __init__(self, files: Files, config: Mapping[str, Any], limits: Mapping[str, Any], labels: int) -> None:
        """`config`, `limits`: config.json and tokenizer_config.json (may be empty); `labels`: number of outputs."""
        self.labels = labels
        self.limit = limit(config, limits)
        self.tokenizer = _tokenizer(files.folder / "tokenizer.json", self.limit)
        self.padding = int(config.get("pad_token_id") or 0)
        self.session = _session(files.onnx)
        self.rows = 1 if _is_dynamic(files.onnx) else ROWS
        self.inputs = {i.name: _TYPES.get(i.type, np.int64) for i in self.session.get_inputs()}
        if strange := sorted(self.inputs.keys() - _INPUTS):
            raise ConfigError(f"{KEY}.model: {files.onnx.name} asks for {', '.join(strange)}; {_sound(labels)}")
        outputs = [o.name for o in self.session.get_outputs()]
        self.output = "logits" if "logits" in outputs else outputs[0]

    def logits(self, texts: Sequence[str]) -> Logits:
        """(texts, labels), in the order of the texts."""
        out: Logits = np.zeros((len(texts), self.labels))
        for start in range(0, len(texts), CHUNK):
            read = self.tokenizer.encode_batch(list(texts[start : start + CHUNK]))
            order = sorted(range(len(read)), key=lambda i: len(read[i].ids))
            for batch in self._batches(order, [len(r.ids) for r in read]):
                out[[start + i for i in batch]] = self._run([read[i] for i in batch])
        return out

    def _batches(self, order: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
        """`order` cut into batches; the lengths ascend along it, so that the last of a batch is the longest."""
        batch: list[int] = []
        for i in order:
            if batch and (len(batch) == self.rows or (len(batch) + 1) * lengths[i] > TOKENS):
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch

    def _run(self, read: Sequence[Any]) -> Logits:
        """One padded batch."""
        shape = (len(read), max(len(r.ids) for r in read))
        ids, mask, types = np.full(shape, self.padding), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, r in enumerate(read):
            ids[row, : len(r.ids)], mask[row, : len(r.ids)], types[row, : len(r.ids)] = r.ids, 1, r.type_ids
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        try:
            answer = self.session.run([self.output], {name: given[name].astype(kind) for name, kind in self.inputs.items()})[0]
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise ConfigError(f"{KEY}.model: cannot be run ({_first_line(error)}); {_sound(self.labels)}") from None
        if answer.shape != (len(read), self.labels):
            raise ConfigError(f"{KEY}.model: answers {answer.shape} to {len(read)} texts; {_sound(self.labels)}")
        logits: Logits = answer.astype(np.float64)
        return logits

    def prove(self) -> None:
        """Raises ConfigError where it answers even the plainest text with what is no number. A single text that it cannot take
        (numbers too large for a half-precision model) is another matter: its row is not finite, and it stays unscored."""
        if not np.isfinite(self.logits(["ok"])).all():
            raise ConfigError(f"{KEY}.model: answers values that are no numbers; take another export of it")


def limit(config: Mapping[str, Any], limits: Mapping[str, Any]) -> int:
    """Tokens that the model reads of one text, its first and last mark included."""
    positions = int(config.get("max_position_embeddings") or 512)
    if config.get("model_type") in _OFFSET_MODELS:
        positions -= int(config.get("pad_token_id") or 0) + 1
    said = limits.get("model_max_length")  # 1e30 where nobody said
    return min(positions, int(said)) if isinstance(said, int | float) and said > 0 else positions


def _tokenizer(path: Path, tokens: int) -> Any:
    try:
        tokenizer = package("tokenizers").Tokenizer.from_file(str(path))
    except ConfigError:
        raise
    except Exception as error:  # tokenizers raises bare Exceptions
        raise ConfigError(f"{KEY}.model: {path} is no tokenizer ({_first_line(error)})") from None
    tokenizer.enable_truncation(max_length=tokens)
    tokenizer.no_padding()
    return tokenizer


def _session(path: Path) -> Any:
    runtime = package("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.use_deterministic_compute = True
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other tasks want the cores as well
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ConfigError(f"{KEY}.model: {path} is no model that ONNX Runtime reads ({_first_line(error)})") from None


def _is_dynamic(path: Path) -> bool:
    """Whether an operator of the file quantises at run time: its name stands in the file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(_DYNAMIC) >= 0


def _sound(labels: int) -> str:
    return f"it must take input_ids, attention_mask and perhaps token_type_ids, and give {labels} logits for each text"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0][:200] or type(error).__name__
