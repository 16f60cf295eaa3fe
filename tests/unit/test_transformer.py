"""The scorer `transformer` on a tiny model of the same architecture, through the real ONNX Runtime, tokenizer and hub client."""

import contextlib
import hashlib
import io
import json
import random
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnxruntime.quantization import quantize_dynamic
from tokenizers import Tokenizer

from coolhead import cli, plan_files, registry
from coolhead.clock import Fixed
from coolhead.errors import ConfigError, TransientError
from coolhead.plan import Plan, ScorerChoice
from coolhead.plan_init import SHIPPED
from coolhead.rows import Label, Score
from coolhead.scoring import score
from coolhead.sentiment import Scorer, Sentiment, active
from coolhead.sentiment._transformer_labels import groups
from coolhead.sentiment._transformer_model import CHUNK, limit
from coolhead.sentiment.transformer import XLM_T, Transformer, prepare, probabilities
from unit import tiny_transformer as tiny
from unit.building import a_plan, mention, new_store

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
PACKAGES = ("onnxruntime", "tokenizers", "huggingface_hub")
COMMIT = "1234567890abcdef1234567890abcdef12345678"
LONG = " ".join(tiny.CORPUS)
TEXTS = [*tiny.CORPUS, LONG, "gelato", "😍", "ぜんぜん知らない文字", "@zefirella look at https://example.org/a?b=c"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write(tmp_path_factory.mktemp("models") / "tiny")


def scorer(model: Path | str, **more: Any) -> Scorer:
    return active(ScorerChoice(name="transformer", settings={"model": str(model), **more}))


def read(model: Path | str, texts: list[str], **more: Any) -> list[Sentiment]:
    return scorer(model, **more).score(texts, ["en"] * len(texts))


# ---- the model's answers ---------------------------------------------------------------------------------------


def test_answers_are_those_of_a_forward_pass_written_by_hand(folder: Path) -> None:
    answers = read(folder, TEXTS)
    assert {a.label for a in answers} == {"negative", "neutral", "positive"}, "the tiny model must tell texts apart"
    for text, answer in zip(TEXTS, answers, strict=True):
        logits = tiny.forward(folder, prepare(text))
        [(negative, neutral, positive)] = probabilities(logits[None], 1.0, ("negative", "neutral", "positive"))
        assert answer.polarity == pytest.approx(positive - negative, abs=3e-4)
        assert answer.confidence == pytest.approx(max(negative, neutral, positive), abs=2e-4)
        assert (answer.label, answer.lang) == (["negative", "neutral", "positive"][int(logits.argmax())], "en")


def test_batches_change_nothing(folder: Path) -> None:
    """One by one, all at once, in any order, beside texts of any length: padding is masked."""
    reader = scorer(folder)
    alone = {text: reader.score([text], ["en"])[0] for text in TEXTS}
    chance = random.Random(7)
    for size in (2, 5, 40, 100):
        some = chance.choices(TEXTS, k=size)
        assert reader.score(some, ["en"] * size) == [alone[text] for text in some]


def test_more_texts_than_are_tokenised_at_once(folder: Path) -> None:
    many = [tiny.CORPUS[i % 12] for i in range(CHUNK + 30)]
    answers = read(folder, many)
    assert answers == [answers[i % 12] for i in range(len(many))]


def test_a_text_beyond_the_limit_is_cut_there(folder: Path) -> None:
    assert len(LONG.split()) > tiny.LIMIT
    assert read(folder, [LONG]) == read(folder, [f"{LONG} {tiny.CORPUS[1]}"]) != read(folder, [tiny.CORPUS[0]])


def test_a_model_quantised_at_run_time_is_not_moved_by_neighbours(folder: Path, tmp_path: Path) -> None:
    """Its activations' range is measured over the whole batch, so it reads texts one by one."""
    place = shutil.copytree(folder, tmp_path / "int8")
    quantize_dynamic(folder / "model.onnx", place / "model.onnx")
    reader = scorer(place)
    alone = [reader.score([text], ["en"])[0] for text in TEXTS]
    assert reader.score(TEXTS, ["en"] * len(TEXTS)) == alone
    assert reader.score(TEXTS[::-1], ["en"] * len(TEXTS)) == alone[::-1]
    assert alone != read(folder, TEXTS), "the quantised model is another model"


def test_a_graph_that_asks_for_token_types(folder: Path, tmp_path: Path) -> None:
    assert read(tiny.write(tmp_path / "bert", kinds=True), TEXTS) == read(folder, TEXTS)


def test_weights_that_lie_beside_the_onnx_file(folder: Path, tmp_path: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "tiny")
    model = onnx.load(folder / "model.onnx")
    onnx.save(model, place / "model.onnx", save_as_external_data=True, location="model.onnx_data", size_threshold=256)
    before = scorer(place)
    assert before.score(TEXTS, ["en"] * len(TEXTS)) == read(folder, TEXTS)
    weights = (place / "model.onnx_data").read_bytes()
    (place / "model.onnx_data").write_bytes(weights[:-4] + b"\0\0\0\0")
    assert scorer(place).revision != before.revision


# ---- languages and texts ---------------------------------------------------------------------------------------


def test_only_named_languages_are_read(folder: Path) -> None:
    texts = [tiny.CORPUS[4], tiny.CORPUS[4], tiny.CORPUS[2], "lody cytrynowe są naprawdę pyszne i bardzo świeże"]
    langs = ["pl", "it-IT", None, None]
    said = scorer(folder).score(texts, langs)
    assert [(s.lang, s.label == "unscored") for s in said] == [("pl", True), ("it", False), ("it", False), ("other", True)]
    said = scorer(folder, languages=["it", "pl"]).score(texts, langs)
    assert [(s.lang, s.label == "unscored") for s in said] == [("pl", False), ("it", False), ("it", False), ("pl", False)]
    with pytest.raises(ValueError, match="1 texts, but 2 languages"):
        scorer(folder).score(["a"], ["en", "it"])


@pytest.mark.parametrize("text", ["", "   \n\t", "\u200d\u200f\ufeff", "\0"])
def test_nothing_to_read_is_unscored(folder: Path, text: str) -> None:
    assert read(folder, [text, tiny.CORPUS[0]])[0] == Sentiment("unscored", "en")


@pytest.mark.parametrize(
    "text",
    [
        "🍋" * 3000,
        "a" * 100_000,
        "\ud800 gelato",
        "مرحبا \u202eשלום",
        "e\u0301" * 500,
        "<script>0</script>",
        "<s></s><pad><mask>",
    ],
)
def test_hostile_texts_are_read(folder: Path, text: str) -> None:
    [answer] = read(folder, [text])
    assert answer.label != "unscored" and answer.polarity is not None and -1 <= answer.polarity <= 1


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("@zefirella why? https://a.example/b", "@user why? http"),
        ("see\n@anna\thttp://a.example", "see\n@user\thttp"),
        ("a@b.example @ x (@anna)", "a@b.example @ x (@anna)"),
        ("half \udc00 a pair", "half ? a pair"),
    ],
)
def test_handles_and_addresses_are_masked_as_in_training(text: str, prepared: str) -> None:
    assert prepare(text) == prepared


# ---- labels ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "given", "meaning"),
    [
        (["Negative", "Neutral", "Positive"], {}, "- 0 +"),
        (["POS", "NEU", "NEG"], {}, "+ 0 -"),
        (["NEGATIVE", "POSITIVE"], {}, "- +"),
        (["LABEL_0", "LABEL_1", "LABEL_2"], {}, "- 0 +"),
        (["1 star", "2 stars", "3 stars", "4 stars", "5 stars"], {}, "- - 0 + +"),
        (["5", "4", "3", "2", "1"], {}, "+ + 0 - -"),
        (["Very Negative", "Negative", "Neutral", "Positive", "Very_Positive"], {}, "- - 0 + +"),
        (["LABEL_0", "LABEL_1", "LABEL_2"], {"label_0": "positive", "LABEL_2": "negative"}, "+ 0 -"),
        (["joy", "anger", "other"], {"joy": "positive", "anger": "negative", "Other": "neutral"}, "+ - 0"),
    ],
)
def test_labels_are_mapped(names: list[str], given: dict[str, Label], meaning: str) -> None:
    config = {"id2label": {str(i): name for i, name in enumerate(names)}}
    assert groups(config, given) == tuple({"-": "negative", "0": "neutral", "+": "positive"}[sign] for sign in meaning.split())


@pytest.mark.parametrize(
    ("names", "given", "more", "message"),
    [
        (["joy", "neg"], {}, {}, "scorer.settings.labels: it is not known what joy of this model's labels (joy, neg) means"),
        (["LABEL_0", "LABEL_1"], {}, {}, "what LABEL_0, LABEL_1 of"),
        (["1 star", "2 stars", "3 stars", "4 stars"], {}, {}, "what 1 star, 2 stars, 3 stars, 4 stars of"),
        (["neg", "neu"], {}, {}, "no label of this model means positive: neg, neu"),
        (["neg", "pos"], {"joy": "positive"}, {}, "the model has no label joy; its labels are: neg, pos"),
        (["neg", "pos"], {}, {"problem_type": "multi_label_classification"}, "several labels to one text"),
        (
            ["neg", "pos"],
            {},
            {"architectures": ["BertForMaskedLM"]},
            "is BertForMaskedLM, it must be a sequence classification",
        ),
        (["neg"], {}, {}, "must name its labels in id2label"),
        ([], {}, {}, "must name its labels in id2label"),
    ],
)
def test_labels_that_nobody_knows_are_told(
    names: list[str], given: dict[str, Label], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        groups({"id2label": {str(i): name for i, name in enumerate(names)}, **more}, given)
    assert message in str(error.value) and str(error.value).startswith("brands.yaml: scorer.settings.")


def test_labels_that_mean_the_same_are_added_up(tmp_path: Path) -> None:
    stars = tiny.write(tmp_path / "stars", names={str(i): f"{i + 1} star{'s' if i else ''}" for i in range(5)})
    meaning = groups(json.loads((stars / "config.json").read_text()), {})
    for text, answer in zip(TEXTS, read(stars, TEXTS), strict=True):
        [row] = probabilities(tiny.forward(stars, prepare(text))[None], 1.0, meaning)
        assert sum(row) == pytest.approx(1, abs=2e-4) and answer.confidence == pytest.approx(max(row), abs=2e-4)


def test_temperature_softens_and_changes_no_label(folder: Path) -> None:
    own, soft = read(folder, TEXTS), read(folder, TEXTS, temperature=2.5)
    assert [a.label for a in own] == [a.label for a in soft]
    assert all((a.confidence or 0) > (b.confidence or 0) for a, b in zip(own, soft, strict=True))


# ---- the revision ----------------------------------------------------------------------------------------------


def test_the_revision_changes_with_everything_that_changes_an_answer(folder: Path, tmp_path: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "tiny")
    first = scorer(place).revision
    assert (
        first == scorer(folder).revision == scorer(place, languages=["pt", "it", "hi", "fr", "es", "en", "de", "ar"]).revision
    )
    assert first.startswith("tiny@")
    told = [{"temperature": 1.5}, {"languages": ["en"]}, {"labels": {"negative": "positive", "positive": "negative"}}]
    revisions = [first, *(scorer(place, **t).revision for t in told)]
    (place / "config.json").write_text((place / "config.json").read_text().replace("neutral", "neu"))
    revisions.append(scorer(place).revision)
    assert len(set(revisions)) == len(revisions) and all(len(r) < 180 for r in revisions)


def test_a_commit_of_the_hub_needs_neither_files_nor_packages(
    home: Path, offline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PACKAGES:
        monkeypatch.setitem(sys.modules, name, None)
    revision = active(ScorerChoice(name="transformer")).revision
    assert revision.startswith("cardiffnlp/twitter-xlm-roberta-base-sentiment@f2f1202b1bde+")
    assert scorer(XLM_T, temperature=2).revision != revision
    assert list(home.iterdir()) == []


# ---- packages, files, network ----------------------------------------------------------------------------------


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a connection or asks for an address fails the test."""

    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_the_plug_in_is_listed_and_checked_without_its_packages() -> None:
    code = (
        "import sys; from coolhead import registry; assert 'transformer' in registry.names('sentiment');"
        "from coolhead.sentiment import active; from coolhead.plan import ScorerChoice; active(ScorerChoice(name='transformer'));"
        f"assert not {set(PACKAGES)!r} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["onnxruntime", "tokenizers"])
def test_without_the_extra_the_error_names_it(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = scorer(folder)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=rf"needs the package {name} .* pip install 'coolhead\[transformer\]'"):
        reader.score(["gelato"], ["en"])


def test_without_the_hubs_package_the_error_names_the_extra(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ConfigError, match=r"needs the package huggingface_hub .* pip install 'coolhead\[transformer\]'"):
        active(ScorerChoice(name="transformer")).score(["gelato"], ["en"])


def test_a_folder_needs_no_network(folder: Path, offline: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert read(folder, ["gelato"])[0].label != "unscored"


def test_an_onnx_file_by_name(folder: Path, tmp_path: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "tiny")
    (place / "onnx").mkdir()
    (place / "model.onnx").rename(place / "onnx" / "model_fp32.onnx")
    with pytest.raises(ConfigError, match=r"has no model\.onnx or onnx/model\.onnx"):
        scorer(place)
    assert read(place, TEXTS, file="onnx/model_fp32.onnx") == read(folder, TEXTS)


BROKEN: dict[str, tuple[str, str | None, str]] = {
    "no ONNX file": ("model.onnx", None, "optimum-cli export onnx --model NAME --task text-classification FOLDER"),
    "no tokenizer": ("tokenizer.json", None, "has no tokenizer.json; write it once"),
    "no config": ("config.json", None, "has no config.json; write it once"),
    "a pointer instead of a model": (
        "model.onnx",
        "version https://git-lfs.github.com/spec/v1\n",
        "is no model that ONNX Runtime reads",
    ),
    "a tokenizer that is none": ("tokenizer.json", "[]", "is no tokenizer"),
    "a config that is no JSON": ("config.json", "{", "cannot be read (JSONDecodeError)"),
    "a config that is a list": ("config.json", "[]", "must be a JSON object"),
    "another number of labels": ("config.json", '{"id2label": {"0": "neg", "1": "pos"}}', "give 2 logits for each text"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_wrong_files_are_told(folder: Path, tmp_path: Path, case: str) -> None:
    name, content, message = BROKEN[case]
    place = shutil.copytree(folder, tmp_path / "tiny")
    (place / name).write_text(content) if content else (place / name).unlink()
    with pytest.raises(ConfigError) as error:
        read(place, ["gelato"])
    assert message in str(error.value) and str(error.value).startswith("brands.yaml: scorer.settings.model: ")


def test_a_graph_with_other_inputs_is_told(folder: Path, tmp_path: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "tiny")
    model = onnx.load(place / "model.onnx")
    model.graph.input.append(onnx.helper.make_tensor_value_info("pixel_values", onnx.TensorProto.FLOAT, [1]))
    onnx.save(model, place / "model.onnx")
    with pytest.raises(ConfigError, match="asks for pixel_values; it must take input_ids"):
        read(place, ["gelato"])


def test_one_text_that_a_model_cannot_take_stays_unscored(folder: Path, tmp_path: Path) -> None:
    """As half precision overflows: nothing else is held up by it."""
    place = shutil.copytree(folder, tmp_path / "tiny")
    tokens = Tokenizer.from_file(str(place / "tokenizer.json"))
    bad = set(tokens.encode("terribile").ids) - set(tokens.encode("ok").ids) - set(tokens.encode("gelato").ids)
    assert bad
    model = onnx.load(place / "model.onnx")
    words = max(model.graph.initializer, key=lambda i: i.dims[0] if len(i.dims) == 2 else 0)
    table = onnx.numpy_helper.to_array(words).copy()
    table[sorted(bad)] = float("inf")
    words.CopyFrom(onnx.numpy_helper.from_array(table, words.name))
    onnx.save(model, place / "model.onnx")
    assert [a.label == "unscored" for a in read(place, ["gelato", "terribile", "gelato"])] == [False, True, False]


def test_a_model_that_answers_no_numbers_is_told(folder: Path, tmp_path: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "tiny")
    model = onnx.load(place / "model.onnx")
    bias = next(i for i in model.graph.initializer if i.name == "labels.b")
    bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) * float("nan"), "labels.b"))
    onnx.save(model, place / "model.onnx")
    with pytest.raises(ConfigError, match=r"answers .* that are no numbers"):
        read(place, ["gelato"])


@pytest.mark.parametrize(
    ("config", "limits", "tokens"),
    [
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}, {"model_max_length": 10**30}, 512),
        ({"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0}, {}, 512),
        ({"model_type": "bert", "max_position_embeddings": 512}, {"model_max_length": 128}, 128),
        ({"model_type": "deberta-v2"}, {"model_max_length": 1e30}, 512),
    ],
)
def test_the_limit_is_the_models(config: dict[str, Any], limits: dict[str, Any], tokens: int) -> None:
    assert limit(config, limits) == tokens


# ---- the hub ---------------------------------------------------------------------------------------------------


class Hub(ThreadingHTTPServer):
    """Speaks what the hub's client asks of huggingface.co: a model's files at a revision, and each of them."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.files, self.asked = files, list[str]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        api, resolve = "/api/models/zefirella/tiny/revision/", f"/zefirella/tiny/resolve/{COMMIT}/"
        if not self.path.startswith((api, resolve)):
            return self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        if self.path in {f"{api}main", f"{api}{COMMIT}"}:
            siblings = [{"rfilename": name} for name in self.server.files]
            return self._send(200, json.dumps({"id": "zefirella/tiny", "sha": COMMIT, "siblings": siblings}).encode(), {})
        content = self.server.files.get(self.path.removeprefix(resolve))
        if content is None:
            return self._send(404, b"", {"X-Error-Code": "RevisionNotFound" if self.path.startswith(api) else "EntryNotFound"})
        return self._send(200, content, {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'})

    def do_GET(self) -> None:
        if "/zefirella/" in self.path:
            self.server.asked.append(self.path.removeprefix(f"/zefirella/tiny/resolve/{COMMIT}/"))
        self.do_HEAD()

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def hub(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from huggingface_hub import constants

    server = Hub(
        {p.name: p.read_bytes() for p in sorted(folder.iterdir())} | {"pytorch_model.bin": b"\x80\x04N.", "run.py": b"exit()"}
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_hubs_model_is_fetched_once_and_nothing_that_holds_code(hub: Hub, folder: Path, home: Path) -> None:
    model = f"zefirella/tiny@{COMMIT}"
    assert read(model, TEXTS) == read(folder, TEXTS)
    read_files = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.onnx"]
    assert hub.asked == [f"/api/models/zefirella/tiny/revision/{COMMIT}", *read_files]
    found = [p.name for p in (home / "models" / f"zefirella--tiny@{COMMIT}").iterdir() if p.is_file()]
    assert sorted(found) == sorted(read_files)
    assert read(model, TEXTS) == read(folder, TEXTS)
    assert len(hub.asked) == 5, "the second time nothing is asked"


def test_a_branch_is_read_as_it_was_first_fetched(hub: Hub, folder: Path) -> None:
    first = scorer("zefirella/tiny")
    digest = scorer(folder).revision.partition("@")[2]
    assert first.revision == f"zefirella--tiny@{digest}"
    hub.files = {}
    assert scorer("zefirella/tiny").revision == first.revision
    assert first.score(TEXTS, ["en"] * len(TEXTS)) == read(folder, TEXTS)


def test_an_interrupted_download_is_taken_up_again(hub: Hub, folder: Path, home: Path) -> None:
    model = f"zefirella/tiny@{COMMIT}"
    place = home / "models" / f"zefirella--tiny@{COMMIT}"
    place.mkdir(parents=True)
    shutil.copy(folder / "config.json", place)
    assert read(model, TEXTS) == read(folder, TEXTS)


def test_a_repository_without_onnx_says_how_to_export_it(hub: Hub, home: Path) -> None:
    del hub.files["model.onnx"]
    with pytest.raises(ConfigError) as error:
        read(f"zefirella/tiny@{COMMIT}", ["gelato"])
    assert "on the hub has no model.onnx or onnx/model.onnx" in str(error.value)
    assert "optimum-cli export onnx --model zefirella/tiny --task text-classification FOLDER" in str(error.value)
    assert len(hub.asked) == 1 and not (home / "models").exists()


@pytest.mark.parametrize(
    ("model", "message"),
    [("zefirella/none", "the hub has no zefirella/none"), ("zefirella/tiny@spring", "zefirella/tiny has no revision 'spring'")],
)
def test_a_model_that_the_hub_does_not_have(hub: Hub, model: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"brands.yaml: scorer.settings.model: {message}"):
        read(model, ["gelato"])


def test_a_hub_out_of_reach_may_be_asked_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(TransientError, match=r"cannot be fetched from the hub .ConnectError.; .* absolute path"):
        read(f"zefirella/tiny@{COMMIT}", ["gelato"])


# ---- a change of scorer ----------------------------------------------------------------------------------------


def test_a_change_of_scorer_reads_all_again_and_keeps_both(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Transformer, "batch", 5)
    said = [mention(i, NOW + timedelta(minutes=i), text=text, lang="en") for i, text in enumerate(tiny.CORPUS)]
    plan = a_plan()
    brands = plan.brands.model_copy(update={"scorer": ScorerChoice(name="transformer", settings={"model": str(folder)})})
    changed = plan.model_copy(update={"brands": brands})
    with contextlib.closing(new_store(tmp_path)) as store:
        store.upsert(said)
        for chosen in (plan, changed, changed):
            score(store, chosen, Fixed(NOW + timedelta(days=1)))
        by = {revision: store.read(Score, scorer=name, revision=revision) for name, revision in map(reader_of, (plan, changed))}
    assert [len(scores) for scores in by.values()] == [len(said)] * 2
    read_now = {s.native_id: (s.label, s.polarity, s.confidence, s.lang) for s in by[reader_of(changed)[1]]}
    answers = zip(said, read(folder, tiny.CORPUS), strict=True)
    assert read_now == {m.native_id: (a.label, a.polarity, a.confidence, "en") for m, a in answers}


def reader_of(plan: Plan) -> tuple[str, str]:
    scorer = active(plan.brands.scorer)
    return scorer.name, scorer.revision


# ---- the plan and the command line -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{modle: a/b}", "scorer.settings.modle: unknown key; did you mean 'model'?"),
        ("{model: models/../a}", "scorer.settings.model: 'models/../a' is neither owner/name@revision"),
        ("{model: ./folder}", "scorer.settings.model: './folder' is neither owner/name@revision"),
        ("{file: ../model.onnx}", "scorer.settings.file: '../model.onnx' is no ONNX file"),
        ("{file: pytorch_model.bin}", "scorer.settings.file: 'pytorch_model.bin' is no ONNX file"),
        ("{languages: [xx]}", "scorer.settings.languages.0: 'xx' cannot be identified; choose of: af"),
        ("{temperature: 0}", "scorer.settings.temperature: Input should be greater than 0; it is 0"),
        ("{labels: {joy: good}}", "scorer.settings.labels.joy: Input should be 'negative', 'neutral' or 'positive'"),
    ],
)
def test_mistakes_in_the_plan_have_file_line_and_key(tmp_path: Path, written: str, message: str) -> None:
    place = shutil.copytree(SHIPPED, tmp_path / "plan")
    brands = place / "brands.yaml"
    chosen = f"scorer:\n  name: transformer\n  settings:\n    {written[1:-1]}\n"
    brands.write_text(brands.read_text().replace("scorer:\n  name: linear\n", chosen))
    line = brands.read_text().splitlines().index(f"    {written[1:-1]}") + 1
    with pytest.raises(ConfigError) as error:
        plan_files.load(place)
    assert str(error.value).startswith(f"{brands}:{line}: {message}")


def test_the_linear_scorer_takes_no_settings() -> None:
    with pytest.raises(ConfigError, match=r"brands\.yaml: scorer\.settings\.temperature: Extra inputs"):
        active(ScorerChoice(name="linear", settings={"temperature": 2}))
    assert isinstance(active(ScorerChoice()), registry.load("sentiment", "linear"))


def test_the_command_line_scores_with_a_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = "".join(json.dumps({"text": text, "lang": "en"}) + "\n" for text in TEXTS)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    assert cli.main(["score", "--scorer", "transformer", "--settings", json.dumps({"model": str(folder)})]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(s["label"], s["polarity"], s["confidence"]) for s in said] == [
        (a.label, a.polarity, a.confidence) for a in read(folder, TEXTS)
    ]
