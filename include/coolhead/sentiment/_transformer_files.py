"""Files of a transformer: from the Hugging Face hub, once, or from a folder of the user's own.

Only files that hold no code are ever fetched or opened: one ONNX file with its weights, and JSON. Each is asked for by
its exact name, so that a repository's pickles (`pytorch_model.bin`) stay where they are. Fetched models lie under
`$COOLHEAD_HOME/models`, which all workers share; the ONNX file comes last: where it lies, everything lies.
"""

import hashlib
import importlib
import re
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from coolhead import settings
from coolhead.errors import ConfigError, CoolheadError, TransientError

KEY = "brands.yaml: scorer.settings"
ONNX = ("model.onnx", "onnx/model.onnx")
"""Where exporters put it: optimum, transformers.js."""
NEEDED = ("config.json", "tokenizer.json")
COMMIT = re.compile(r"[0-9a-f]{40}")
_WEIGHTS = r"(_data(_\d+)?|\.data)"
"""Files that hold an ONNX file's weights are named after it and end in this."""


class Files(NamedTuple):
    """A model that is there: its folder, and its ONNX file in it."""

    folder: Path
    onnx: Path


def package(name: str) -> Any:
    """A package of the extra. Raises ConfigError that says how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"brands.yaml: scorer.name: `transformer` needs the package {name} ({error}); "
            "install the extra: pip install 'coolhead[transformer]'"
        ) from None


def identity(model: str, file: str) -> str:
    """Name and content of the model: `owner/name@commit` at a commit, which needs no file and no network, else
    `name@hash` of the files that are read. Twelve hexadecimal digits of either."""
    name, _, revision = model.partition("@")
    if not is_folder(model) and COMMIT.fullmatch(revision):
        return f"{name}@{revision[:12]}"
    found = files(model, file)
    parts = [found.folder / n for n in _wanted(_names(found.folder, file), file, str(found.folder), model)]
    stats = tuple((path, (s := path.stat()).st_size, s.st_mtime_ns) for path in parts)
    return f"{found.folder.name.split('@')[0][:96]}@{_digest(stats)[:12]}"


def files(model: str, file: str) -> Files:
    """The model's files, fetched first if it is the hub's and not here yet.

    Raises ConfigError where the model is not there, or has no ONNX file or no tokenizer.json; TransientError where the
    hub does not answer.
    """
    folder = Path(model).expanduser() if is_folder(model) else _home(model)
    if is_folder(model):
        if not folder.is_dir():
            raise ConfigError(f"{KEY}.model: there is no folder {folder}")
    elif not any((folder / choice).is_file() for choice in _choices(file)):
        _fetch(model, file, folder)
    return Files(folder, folder / _wanted(_names(folder, file), file, str(folder), model)[-1])


def is_folder(model: str) -> bool:
    return model.startswith(("/", "~"))


def _home(model: str) -> Path:
    return settings.load().home / "models" / model.replace("/", "--")


def _choices(file: str) -> tuple[str, ...]:
    return (file,) if file else ONNX


def _names(folder: Path, file: str) -> list[str]:
    """Files of the folder and of those in which the ONNX file may lie; not of what lies deeper, it may be a disk."""
    places = {folder, *((folder / choice).parent for choice in _choices(file))}
    return [p.relative_to(folder).as_posix() for place in places for p in place.glob("*") if p.is_file()]


def _wanted(names: Collection[str], file: str, where: str, model: str) -> list[str]:
    """The files to read, the ONNX file last. Raises ConfigError where one is missing."""
    onnx = next((choice for choice in _choices(file) if choice in names), None)
    if onnx is None:
        raise ConfigError(
            f"{KEY}.{'file' if file else 'model'}: {where} has no {' or '.join(_choices(file))}; {_export(model)}"
        )
    if missing := [n for n in NEEDED if n not in names]:
        raise ConfigError(f"{KEY}.model: {where} has no {' and no '.join(missing)}; {_export(model)}")
    weights = sorted(n for n in names if re.fullmatch(re.escape(onnx) + _WEIGHTS, n))
    return [*NEEDED, *(n for n in ("tokenizer_config.json",) if n in names), *weights, onnx]


def _export(model: str) -> str:
    name = "NAME" if is_folder(model) else model.partition("@")[0]
    return (
        "write it once, on any machine, with pip install 'optimum-onnx[onnxruntime]' and "
        f"optimum-cli export onnx --model {name} --task text-classification FOLDER; "
        f"put FOLDER where every worker reads it, and its absolute path into {KEY}.model"
    )


def _fetch(model: str, file: str, folder: Path) -> None:
    """Download by exact names, all of one commit, the ONNX file last."""
    name, _, revision = model.partition("@")
    hub = package("huggingface_hub")
    try:
        found = hub.HfApi().model_info(name, revision=revision or "main")
        for path in _wanted([s.rfilename for s in found.siblings or []], file, f"{model} on the hub", model):
            hub.hf_hub_download(name, path, revision=found.sha, local_dir=folder)
    except CoolheadError:
        raise
    except hub.errors.RevisionNotFoundError:
        raise ConfigError(f"{KEY}.model: {name} has no revision {revision!r} on the hub") from None
    except hub.errors.RepositoryNotFoundError:
        raise ConfigError(f"{KEY}.model: the hub has no {name}, or only for its members (HF_TOKEN)") from None
    except Exception as error:  # whichever HTTP library the hub's client is built on
        raise TransientError(
            f"{KEY}.model: {model} cannot be fetched from the hub ({type(error).__name__}); "
            "where workers have no way to it, write the absolute path of a folder that holds the model"
        ) from error


@lru_cache(maxsize=8)
def _digest(stats: tuple[tuple[Path, int, int], ...]) -> str:
    """Of the files' contents, read once per process and change."""
    digest = hashlib.blake2b()
    for path, size, _ in stats:
        digest.update(f"{path.name} {size} ".encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
