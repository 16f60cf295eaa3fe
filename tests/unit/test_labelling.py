"""People's labels: what is drawn for them, how their answers come back, and what they tell of the scorer."""

import csv
import io
import random
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from building import DAY, HOUR, LINEAR, MINUTE, House, many, mention, score, utc
from hypothesis import given
from hypothesis import strategies as st

from coolhead import cli, labelling
from coolhead.clock import Fixed
from coolhead.contexts import Contexts
from coolhead.drift import agreements, drifts
from coolhead.errors import ConfigError
from coolhead.label_rounds import report, sample_all, take_all
from coolhead.labelled import judged, pairs
from coolhead.labels import Answer
from coolhead.rows import Dirty, Drawn, InTopic, Mention, PersonLabel, Tombstone, key_of
from coolhead.sampling import Candidate, allocate, draw, every_kth, last_month
from coolhead.settings import Settings, load
from coolhead.windows import Window

OCTOBER = utc(2026, 10, 3, 9)
NOW = utc(2026, 11, 2, 8)
ME = (LINEAR.name, LINEAR.revision)
LABELS = ("negative", "neutral", "positive")
WORDS = ["gelato", "limone", "cono", "coda", "estate", "spiaggia", "prezzo", "gusto", "crema", "sera"]


@pytest.fixture
def house(tmp_path: Path) -> Iterable[House]:
    with House(tmp_path) as made:
        yield made


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("COOLHEAD_HOME", str(tmp_path))
    monkeypatch.delenv("COOLHEAD_STORE", raising=False)
    monkeypatch.delenv("COOLHEAD_PLAN", raising=False)
    return load()


def text(number: int) -> str:
    """A different one for each number."""
    return f"Zefirella {WORDS[number % 10]} {WORDS[number // 10 % 10]} {number}"


def fill(house: House, reads: Iterable[tuple[str, str]], start: datetime = OCTOBER) -> list[Mention]:
    """One mention each, of (language, label as read)."""
    made = []
    for lang, label in reads:
        house.number += 1
        m = mention(house.number, start + house.number * MINUTE, text=text(house.number), url="https://z.example/1")
        made.append((m, score(m, label, lang=lang)))
    house.put(made)
    return [m for m, _ in made]


def october(house: House, n: int = 100) -> list[Drawn]:
    return draw(house.store, house.market, "2026-10", n, *ME, NOW)


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def save(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def sheet(house: House, folder: Path, n: int = 100) -> tuple[Path, list[dict[str, str]]]:
    path = folder / "sample.csv"
    labelling.write(house.store, october(house, n), path)
    return path, rows_of(path)


# what is drawn


sizes = st.dictionaries(
    st.tuples(st.sampled_from(["it", "pl", "id", "en"]), st.sampled_from(LABELS)), st.integers(1, 500), min_size=1
)


@many
@given(sizes, st.integers(1, 300))
def test_a_sample_is_shared_over_all_strata(sizes: dict[Any, int], n: int) -> None:
    given = allocate(sizes, n)
    assert sum(given.values()) == min(n, sum(sizes.values()))
    assert all(0 <= given[s] <= sizes[s] for s in sizes)
    if n >= len(sizes):
        assert min(given.values()) >= 1
    assert given == allocate(dict(reversed(sizes.items())), n)


def test_half_is_shared_evenly_and_half_in_proportion() -> None:
    sizes: dict[Any, int] = {("it", "negative"): 100, ("it", "neutral"): 600, ("it", "positive"): 300}
    assert allocate(sizes, 120) == {("it", "negative"): 26, ("it", "neutral"): 56, ("it", "positive"): 38}
    assert allocate({**sizes, ("it", "negative"): 5}, 120)["it", "negative"] == 5


def test_each_text_of_a_stratum_has_the_same_chance_and_each_source_its_proportion() -> None:
    stratum: Any = ("it", "neutral")
    some = [Candidate("feed" if i < 30 else "mastodon", f"{i:03}", date(2026, 10, 1), str(i), stratum) for i in range(100)]
    drawn: Counter[str] = Counter()
    for seed in range(3_000):
        found = every_kth(some, 7, str(seed))
        assert len({c.native_id for c in found}) == 7
        assert 2 <= sum(c.source == "feed" for c in found) <= 3
        drawn.update(c.native_id for c in found)
    expected = 3_000 * 7 / 100
    assert max(abs(drawn[str(i)] - expected) for i in range(100)) < 5 * expected**0.5


def test_what_may_be_drawn(house: House) -> None:
    plain, again, link, own, repost, gone, silent, unread, copy, other_month, blank = (
        mention(i, OCTOBER + i * MINUTE, text=text(i)) for i in range(11)
    )
    again = again.model_copy(update={"text": plain.text.upper() + "!!"})
    link = link.model_copy(update={"text": f"@anna {plain.text} https://z.example/{7}"})
    own, repost = own.model_copy(update={"own": True}), repost.model_copy(update={"repost_of": "1"})
    blank = blank.model_copy(update={"text": " "})
    other_month = mention(9, utc(2026, 10, 31, 23, 30), text=text(9))  # November in Rome
    read = [
        (m, score(m, "unscored" if m is silent else "neutral"))
        for m in (plain, again, link, own, repost, gone, silent, copy, other_month, blank)
    ]
    house.put([*read, (unread, None)])
    house.store.upsert([
        Tombstone(**key_of(gone), gone_at=NOW - DAY, by="author", evidence="404"),
        InTopic(
            **key_of(copy), market=house.market.id, published_at=copy.published_at, topic=None, terms=[], known_at=NOW,
            copy_of=f"{plain.source}:{plain.native_id}",
        ),
    ])  # fmt: skip
    (only,) = october(house)
    assert (only.native_id, only.lang, only.read, only.among, only.sample) == (plain.native_id, "it", "neutral", 1, "2026-10")


def test_the_sample_does_not_depend_on_the_order_in_which_mentions_came(tmp_path: Path) -> None:
    reads = [("it" if i % 3 else "pl", LABELS[i % 7 % 3]) for i in range(300)]
    drawn = []
    for name in ("one", "other"):
        with House(tmp_path / name) as house:
            made = [
                (m := mention(i, OCTOBER + i * MINUTE, text=text(i), source="feed" if i % 4 else "mastodon"), score(m, label, lang=lang))
                for i, (lang, label) in enumerate(reads)
            ]  # fmt: skip
            random.Random(name).shuffle(made)
            for i in range(0, len(made), 50):
                house.put(made[i : i + 50])
            drawn.append(october(house))
    assert len(drawn[0]) == 100
    assert drawn[0] == drawn[1]


def test_nothing_is_drawn_twice_and_more_can_be_asked_for(house: House) -> None:
    fill(house, [("it", LABELS[i % 3]) for i in range(90)])
    first = october(house, 30)
    assert Counter(d.read for d in first) == dict.fromkeys(LABELS, 10)
    assert {d.among for d in first} == {30}
    assert october(house, 30) == october(house, 20) == []
    more = october(house, 50)
    assert ({d.sample for d in more}, {d.among for d in more}) == ({"2026-10-2"}, {20})
    rest = october(house, 1_000)
    assert len({d.native_id for d in (*first, *more, *rest)}) == len(first) + len(more) + len(rest) == 90


def test_only_a_month_that_is_over_is_drawn(house: House) -> None:
    assert last_month(house.market, utc(2026, 10, 31, 22, 59)) == "2026-09"
    assert last_month(house.market, utc(2026, 10, 31, 23, 1)) == "2026-10"  # midnight in Rome
    with pytest.raises(ConfigError, match="2026-11 is not over yet; the last one that is, is 2026-10"):
        draw(house.store, house.market, "2026-11", 10, *ME, NOW)
    with pytest.raises(ConfigError, match=r"'2026-13' is no month; write e\.g\. 2026-10"):
        draw(house.store, house.market, "2026-13", 10, *ME, NOW)


# the file


def test_the_file_is_its_owners_alone_and_does_not_lead(house: House, tmp_path: Path) -> None:
    mentions = fill(house, [("it", "negative")] * 3)
    path, rows = sheet(house, tmp_path / "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"\xef\xbb\xbfid,source,day,native_id,published_at,lang,text,url,label,kind\r\n")
    assert {(r["native_id"], r["text"], r["label"], r["kind"]) for r in rows} == {
        (m.native_id, m.text, "", "") for m in mentions
    }
    assert "negative" not in path.read_text("utf-8-sig")
    with pytest.raises(ConfigError, match="exists; read it, or name another file"):
        labelling.write(house.store, house.store.read(Drawn), path)
    assert [p.name for p in path.parent.iterdir()] == ["sample.csv"]


@pytest.mark.parametrize("evil", ['=HYPERLINK("x")', "+1+1", "-2", "@SUM(A1)", "\t=1", "'=1", "|calc", "%0A"])
def test_no_cell_is_a_formula_and_the_text_is_known_again(house: House, tmp_path: Path, evil: str) -> None:
    m = house.say(OCTOBER, "neutral", text=evil + " Zefirella\nsecond line")
    path, rows = sheet(house, tmp_path)
    assert not rows[0]["text"].startswith(("=", "+", "-", "@", "\t"))
    assert "\n" not in rows[0]["text"]
    done = labelling.read(house.store, save(path, [rows[0] | {"label": "negative"}]), "anna", NOW)
    assert (done.labelled, done.changed) == (1, [])
    assert house.store.count(PersonLabel, native_id=m.native_id) == 1


def test_a_label_overrides_the_scorer_with_name_and_time_and_its_windows_are_measured_again(
    house: House, tmp_path: Path
) -> None:
    mentions = fill(house, [("it", "neutral")] * 4)
    house.measure(NOW)
    path, rows = sheet(house, tmp_path)
    rows[0] |= {"label": " Negative ", "kind": "Complaint"}
    chosen = next(m for m in mentions if m.native_id == rows[0]["native_id"])
    done = labelling.read(house.store, save(path, rows), "anna", NOW)
    assert str(done) == "1 labelled, 0 known already, 3 left empty"
    assert house.store.count(Dirty) == 1
    frame = house.store.mentions(house.market.id, Window(OCTOBER, OCTOBER + DAY), *ME, NOW).set_index("native_id")
    said = frame.loc[chosen.native_id]
    assert (said.label, said.polarity, said.read_label, said.labelled_by, said.kind) == (
        "negative",
        -1.0,
        "neutral",
        "anna",
        "complaint",
    )
    assert said.labelled_at == NOW
    assert set(frame.drop(chosen.native_id).label) == {"neutral"}
    house.measure(NOW)
    assert house.store.count(Dirty) == 0
    (point,) = house.points("day", kpi="negative_volume", source="all", lang="all")
    assert point.value == 1


def test_read_twice_equals_read_once_and_a_second_thought_is_kept(house: House, tmp_path: Path) -> None:
    fill(house, [("it", "neutral")] * 3)
    path, rows = sheet(house, tmp_path)
    save(path, [r | {"label": "negative"} for r in rows])
    assert labelling.read(house.store, path, "anna", NOW).labelled == 3
    before = house.store.read(PersonLabel)
    house.store.upsert([])
    done = labelling.read(house.store, path, "anna", NOW + HOUR)
    assert (done.labelled, done.unchanged) == (0, 3)
    assert house.store.read(PersonLabel) == before
    save(path, [rows[0] | {"label": "positive"}, *(r | {"label": "negative"} for r in rows[1:])])
    assert labelling.read(house.store, path, "anna", NOW + HOUR).labelled == 1
    assert house.store.count(PersonLabel) == 4
    assert labelling.read(house.store, path, "bruno", NOW + HOUR).labelled == 3


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_spreadsheet_may_save_with_another_separator(house: House, tmp_path: Path, delimiter: str) -> None:
    fill(house, [("it", "neutral")] * 2)
    path, rows = sheet(house, tmp_path)
    save(path, [r | {"label": "positive", "native_id": "1,2E+18", "day": "03/10/2026"} for r in rows], delimiter)
    assert labelling.read(house.store, path, "anna", NOW).labelled == 2


def test_every_mistake_is_named_and_nothing_is_stored(house: House, tmp_path: Path) -> None:
    fill(house, [("it", "neutral")] * 6)
    path, rows = sheet(house, tmp_path)
    rows[0]["label"] = "negativ"
    rows[1] |= {"id": "m123", "label": "positive"}
    rows[2]["kind"] = "praise"
    rows[3] |= {"label": "positive", "kind": "prize"}
    rows[4]["label"] = "positive"
    rows.append(rows[4] | {"label": "neutral"})
    rows[5]["label"] = "una frase che nessuno deve leggere"
    with pytest.raises(ConfigError) as error:
        labelling.read(house.store, save(path, rows), "anna", NOW)
    assert str(error.value).splitlines() == [
        f"{path}:2: label: 'negativ' is none of: negative, neutral, positive; did you mean negative?",
        f"{path}:3: id: 'm123' is no drawn mention of this store; do not change this column, or delete the line",
        f"{path}:4: label: is empty, and a kind is given; label it too, or empty both",
        f"{path}:5: kind: 'prize' is none of: complaint, criticism, question, praise, insult, spam, other; did you mean praise?",
        f"{path}:7: label: a text of 34 characters is none of: negative, neutral, positive",
        f"{path}:8: id: stands in line 6 too, with another label or kind; keep one",
    ]
    assert house.store.count(PersonLabel) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "1: column id, text, label: must stand in the header once"),
        (b"id,text\r\nm1,x\r\n", "1: column label: must stand in the header once"),
        (b"id,text,label,label\r\n", "1: column label: must stand in the header once"),
        ("id,text,label\r\nm1,perché,\r\n".encode("cp1252"), "is no UTF-8; save it as `CSV UTF-8"),
        (b"id,text,label\r\nm1,one, two,negative\r\n", "2: has more cells than the header; put quotes around a text with a ','"),
        (b'id,text,label\r\nm1,"' + b"x" * 200_000, "is no CSV"),
    ],
)  # fmt: skip
def test_what_is_no_filled_sample(house: House, tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ConfigError) as error:
        labelling.read(house.store, tmp_path / "a.csv", "anna", NOW)
    assert message in str(error.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        labelling.read(house.store, tmp_path / "none.csv", "anna", NOW)


def test_a_label_is_of_the_words_that_were_read(house: House, tmp_path: Path) -> None:
    """A text that was edited after it was drawn has no label; one that is edited after it was labelled loses it."""
    first, second = fill(house, [("it", "neutral")] * 2)
    path, rows = sheet(house, tmp_path)
    house.store.upsert([first.model_copy(update={"text": "Zefirella: corretto"})])
    save(path, [r | {"label": "negative"} for r in rows])
    done = labelling.read(house.store, path, "anna", NOW)
    line = str(2 + [r["native_id"] for r in rows].index(first.native_id))
    assert (done.labelled, done.changed) == (1, [line])
    assert f"edited or is gone since: line {line}" in str(done)
    with house.store.writing() as writer:
        writer.mark_edited([key_of(second)])
    assert pairs(house.store, house.market.id, *ME, NOW) == {}


def test_one_mention_is_labelled_by_hand(house: House) -> None:
    m = house.say(OCTOBER, "positive")
    assert labelling.one(house.store, m.source, m.native_id, "negative", "complaint", "anna", NOW)
    assert not labelling.one(house.store, m.source, m.native_id, "negative", "complaint", "anna", NOW + HOUR)
    (row,) = house.store.read(PersonLabel)
    assert (row.by, row.at, row.label, row.kind, row.sample) == ("anna", NOW, "negative", "complaint", None)
    with pytest.raises(ConfigError, match="mastodon 999: there is no such mention in the store"):
        labelling.one(house.store, "mastodon", "999", "negative", None, "anna", NOW)
    with house.store.writing() as writer:
        writer.bury([Tombstone(**key_of(m), gone_at=NOW, by="author", evidence="404")])
    with pytest.raises(ConfigError, match="is gone since 2026-11-02 08:00 UTC; its words are not kept"):
        labelling.one(house.store, m.source, m.native_id, "positive", None, "anna", NOW)


# what labels tell


TRUE_MATRIX = {"negative": (0.6, 0.3, 0.1), "neutral": (0.1, 0.8, 0.1), "positive": (0.05, 0.25, 0.7)}
SHARES = {"negative": 0.15, "neutral": 0.65, "positive": 0.2}


People = tuple[tuple[str, str], ...]
"""(truth, read)"""


def population(seed: int, n: int, shares: dict[str, float] = SHARES) -> People:
    chance = random.Random(seed)
    truths = chance.choices(list(shares), list(shares.values()), k=n)
    return tuple((t, chance.choices(LABELS, TRUE_MATRIX[t])[0]) for t in truths)


@lru_cache(maxsize=8)
def strata_of(people: People, sample: str) -> dict[Any, list[Candidate]]:
    strata: dict[Any, list[Candidate]] = {}
    for i, (_, read) in enumerate(people):
        stratum: Any = ("it", read)
        strata.setdefault(stratum, []).append(Candidate("feed", "", date(2026, 10, 1), f"{sample}{i:06}", stratum))
    return strata


def answers_of(people: People, n: int, seed: int, sample: str = "2026-10") -> list[Answer]:
    """A stratified sample by the very functions that draw one, labelled with the truth."""
    strata = strata_of(people, sample)
    shares = allocate({s: len(some) for s, some in strata.items()}, n)
    out = []
    for stratum in sorted(strata):
        for c in every_kth(strata[stratum], shares[stratum], f"{seed}{stratum}"):
            truth, read = people[int(c.native_id[-6:])]
            among = len(strata[stratum])
            out.append(Answer("feed", c.day, c.native_id, sample, "it", stratum[1], among, "anna", NOW, truth, "s", read, "it"))  # type: ignore[arg-type]
    return in_order(out)


def in_order(answers: Iterable[Answer]) -> list[Answer]:
    return sorted(answers, key=lambda a: a[:3])


def unanswered(a: Answer) -> Answer:
    return a._replace(by=None, at=None, label=None, asked=None)


def matrix(found: Iterable[tuple[str, str, float]]) -> dict[tuple[str, str], float]:
    sums: Counter[Any] = Counter()
    for truth, read, weight in found:
        sums[truth, read] += weight
        sums[truth] += weight
    return {(t, r): sums[t, r] / sums[t] for t in LABELS for r in LABELS}


def test_weighted_pairs_give_the_true_confusion_and_plain_ones_do_not() -> None:
    """Mean over 300 samples of one population, against its own matrix."""
    people = population(1, 4_000)
    truth = matrix((t, r, 1.0) for t, r in people)
    weighted: Counter[Any] = Counter()
    plain: Counter[Any] = Counter()
    for seed in range(300):
        found = judged(answers_of(people, 120, seed))
        weighted.update(matrix((j.truth, j.read, j.weight) for j in found))
        plain.update(matrix((j.truth, j.read, 1.0) for j in found))
    off = {cell: weighted[cell] / 300 - truth[cell] for cell in truth}
    assert max(abs(d) for d in off.values()) < 0.02, off
    assert max(abs(plain[cell] / 300 - truth[cell]) for cell in truth) > 0.06


def test_pairs_from_the_store_are_weighted_and_of_the_revision_asked_for(house: House, tmp_path: Path) -> None:
    fill(house, [("it", "negative")] * 20 + [("it", "neutral")] * 80 + [("pl", "neutral")] * 10)
    _, rows = sheet(house, tmp_path, 22)
    drawn = {d.native_id: d for d in house.store.read(Drawn)}
    for r in rows:
        r["label"] = drawn[r["native_id"]].read
    path = save(tmp_path / "filled.csv", rows)
    labelling.read(house.store, path, "anna", NOW)
    found = pairs(house.store, house.market.id, *ME, NOW)
    n = Counter((d.lang, d.read) for d in drawn.values())
    assert {lang: len(some) for lang, some in found.items()} == {
        "it": n["it", "negative"] + n["it", "neutral"],
        "pl": n["pl", "neutral"],
    }
    total = {t: sum(w for truth, _, w in found["it"] if truth == t) for t in LABELS}
    assert total["neutral"] / total["negative"] == pytest.approx(80 / 20)
    assert sum(w for *_, w in found["it"]) == pytest.approx(len(found["it"]))
    assert {w for *_, w in found["pl"]} == {1.0}
    assert pairs(house.store, house.market.id, *ME, NOW - MINUTE) == {}  # nobody had said so then
    assert pairs(house.store, house.market.id, LINEAR.name, "another", NOW) == {}  # it has read none of them
    other = [m for m in house.store.read(Mention) if m.native_id in drawn]
    house.store.upsert(score(m, "positive").model_copy(update={"revision": "another"}) for m in other)
    again = pairs(house.store, house.market.id, LINEAR.name, "another", NOW)
    assert {read for _, read, _ in again["it"]} == {"positive"}
    assert sorted(w for *_, w in again["it"] if w) != [1.0] * len(again["it"])


def test_what_people_pick_teaches_nothing(house: House, tmp_path: Path) -> None:
    """They pick what was read wrong; but of a drawn mention their newest word is the truth."""
    fill(house, [("it", "neutral")] * 10)
    _, rows = sheet(house, tmp_path, 5)
    for r in rows:
        labelling.one(house.store, "mastodon", r["native_id"], "negative", None, "anna", NOW)
    assert pairs(house.store, house.market.id, *ME, NOW) == {}
    labelling.read(house.store, save(tmp_path / "f.csv", [r | {"label": "neutral"} for r in rows]), "bruno", NOW + MINUTE)
    assert pairs(house.store, house.market.id, *ME, NOW + HOUR) == {"it": [("neutral", "neutral", 1.0)] * 5}
    labelling.one(house.store, "mastodon", rows[0]["native_id"], "positive", None, "anna", NOW + HOUR)
    found = pairs(house.store, house.market.id, *ME, NOW + HOUR)
    assert Counter(found["it"]) == {("neutral", "neutral", 1.0): 4, ("positive", "neutral", 1.0): 1}


def test_a_language_whose_column_would_be_missing_has_no_pairs_yet() -> None:
    people = (("neutral", "neutral"),) * 80 + (("negative", "negative"),) * 20
    some = answers_of(people, 20, 1)
    assert len(judged(some)) == 20
    part = [a if a.drawn_as == "neutral" else unanswered(a) for a in some]
    assert judged(part) == []
    rare = [a._replace(among=4) if a.drawn_as == "negative" else a for a in part]
    assert len(judged(rare)) == sum(a.drawn_as == "neutral" for a in some)


def test_a_month_of_crisis_in_which_few_were_labelled_biases_nothing() -> None:
    """Other shares of the truth, the same scorer: each month is weighted by itself."""
    upset, calm = population(5, 4_000, {"negative": 0.7, "neutral": 0.2, "positive": 0.1}), population(1, 4_000)
    truth = matrix((t, r, 1.0) for t, r in (*upset, *calm))
    sums: Counter[Any] = Counter()
    for seed in range(200):
        few = answers_of(upset, 120, seed)
        keep = set(random.Random(seed).sample([a.native_id for a in few], 60))
        part = [a if a.native_id in keep else unanswered(a) for a in few]
        found = judged(in_order([*answers_of(calm, 120, seed, "2026-09"), *part]))
        assert sum(j.weight for j in found if j.sample == "2026-10") == pytest.approx(60)
        sums.update(matrix((j.truth, j.read, j.weight) for j in found))
    assert max(abs(sums[cell] / 200 - truth[cell]) for cell in truth) < 0.025


def test_two_hundred_labels_make_the_matrix_the_brands_own(house: House, tmp_path: Path) -> None:
    """From the next local day on, and weighted."""
    fill(house, [("it", "negative")] * 40 + [("it", "neutral")] * 260 + [("it", "positive")] * 40)
    _, rows = sheet(house, tmp_path, 220)
    drawn = {d.native_id: d.read for d in house.store.read(Drawn)}
    wrong = next(i for i, r in enumerate(rows) if drawn[r["native_id"]] == "negative")
    said = ["neutral" if i == wrong else drawn[r["native_id"]] for i, r in enumerate(rows)]
    labelling.read(
        house.store, save(tmp_path / "f.csv", [r | {"label": x} for r, x in zip(rows, said, strict=True)]), "anna", NOW
    )
    known = Contexts(house.store, *ME, [house.market.id])
    assert known.on(NOW - HOUR).confusions == {}
    its = known.on(NOW + DAY).confusions["it"]
    assert not its.general
    negative, neutral, positive = its.sets[0]
    n = Counter(drawn.values())
    one = (
        40 / n["negative"] / (40 / n["negative"] + (n["neutral"] * 260 / n["neutral"]))
    )  # the weighted share of the one mistake
    assert neutral[0] / sum(neutral) == pytest.approx(one)
    assert (negative[0] > 0, sum(negative[1:]), sum(positive[:2]), positive[2] > 0) == (True, 0, 0, True)


# drift and agreement


def test_a_scorer_that_reads_as_before_does_not_drift_and_one_that_became_worse_does() -> None:
    before = answers_of(population(3, 6_000), 600, 3, "2026-08")
    same, worse = 0, 0
    for seed in range(40):
        steady = population(100 + seed, 3_000)
        (found,) = drifts(sorted([*before, *answers_of(steady, 100, seed)], key=lambda a: a[:3]))
        same += found.drifted
        (found,) = drifts(sorted([*before, *answers_of(tuple((t, "neutral" if t == "negative" else r) for t, r in steady), 300, seed)], key=lambda a: a[:3]))  # fmt: skip
        worse += found.drifted
    assert same <= 3
    assert worse == 40


def test_the_report_is_in_words() -> None:
    people = (("neutral", "neutral"),) * 60 + (("negative", "negative"),) * 40 + (("negative", "neutral"),) * 20
    (found,) = drifts(answers_of(people, 120, 1), {"it": {"negative": 0.6, "neutral": 0.6, "positive": 0.6}})
    assert str(found) == (
        "it, 2026-10: 100 of 120 read right, which stands for 83% (76% to 89%) of all texts; "
        "mean recall of negative and neutral 83% (76% to 89%); "
        "the card says 60%: nothing to compare with"
    )
    (found,) = drifts(sorted([*answers_of(people, 120, 1), *answers_of(people, 120, 1, "2026-09")], key=lambda a: a[:3]))
    assert str(found).endswith("; before 83% (76% to 89%) (n 120): no drift (p = 1)")
    assert drifts([]) == []


def told(
    *pairs: tuple[str, str, int], before: tuple[tuple[str, str, int], ...] = (), card: Mapping[str, float] | None = None
) -> str:
    """The month's line. pairs: truth, reading, how many."""
    months = [(pairs, "2026-10"), (before, "2026-09")]
    answers = [
        a for some, month in months for a in answers_of(tuple((t, r) for t, r, n in some for _ in range(n)), 1_000, 1, month)
    ]
    (found,) = drifts(sorted(answers, key=lambda a: a[:3]), {"it": card or {}})
    return str(found)


def test_few_labels_that_are_all_right_make_no_recall_sure() -> None:
    """One each: Wilson goes from 21 % to 100 %, and the mean of two from 44 %."""
    assert "; mean recall of negative and positive 100% (44% to 100%): " in told(
        ("negative", "negative", 1), ("positive", "positive", 1)
    )


def test_means_are_compared_over_the_classes_that_all_have() -> None:
    """The hard class, of which only the months before have labels, is in none of the means."""
    now, hard = (("negative", "negative", 20), ("positive", "positive", 20)), ("neutral", "positive", 20)
    said = told(*now, before=(*now, hard), card={"negative": 0.8, "neutral": 0.1, "positive": 0.6})
    assert "; mean recall of negative and positive 100% (" in said
    assert "; before 100% (" in said and "; the card says 70%: " in said
    assert "; mean recall 100% (" in told(*now, ("neutral", "neutral", 20), before=(*now, hard))
    nothing = told(*now, before=(hard,))
    assert "100% (" in nothing and "of classes that nothing else has" in nothing and "before" not in nothing


def test_kappa() -> None:
    """Two raters, 50 items: 20 and 15 alike, 5 and 10 not: kappa 0.4, the textbook's example."""
    said = (
        [("positive", "positive")] * 20
        + [("negative", "negative")] * 15
        + [("positive", "negative")] * 5
        + [("negative", "positive")] * 10
    )
    blank = Answer("feed", date(2026, 10, 1), "", "2026-10", "it", "neutral", 50, None, NOW, None, "s", "neutral", "it")
    found = [
        blank._replace(native_id=str(i), by=who, label=label)
        for i, pair in enumerate(said)
        for who, label in zip("ab", pair, strict=True)
    ]  # type: ignore[arg-type]
    (agreement,) = agreements(found)
    assert (agreement.people, agreement.n, agreement.same) == (("a", "b"), 50, 0.7)
    assert agreement.kappa == pytest.approx(0.4)
    assert str(agreement) == "a and b: the same label for 70% of 50 mentions, kappa 0.40"
    (one,) = agreements([a._replace(label="neutral") for a in found])
    assert one.kappa is None
    assert agreements([a for a in found if a.by == "a"]) == []


# the round


def test_a_round(house: House, where: Settings) -> None:
    """Drawn once, written once, dropped into the inbox, taken in once, told in words."""
    fill(house, [("it", LABELS[i % 3]) for i in range(60)])
    clock = Fixed(NOW)
    assert sample_all(house.store, house.plan, where, clock) == {"zefirella": "2026-10: 60 drawn, not labelled yet"}
    path = where.reports / "labels" / "zefirella" / "2026-10.csv"
    rows = rows_of(path)
    stamp = path.stat().st_mtime_ns
    sample_all(house.store, house.plan, where, clock)
    assert path.stat().st_mtime_ns == stamp
    read = {d.native_id: d.read for d in house.store.read(Drawn)}
    for who in ("anna", "bruno"):
        folder = where.inbox / "labels" / who
        folder.mkdir(parents=True)
        save(folder / "2026-10.csv", [r | {"label": read[r["native_id"]]} for r in rows])
    (where.inbox / "labels" / "bruno" / "bad.csv").write_text("nothing")
    with pytest.raises(ConfigError, match=r"bad.csv:1: column id, text, label: must stand in the header once"):
        take_all(house.store, where, clock)
    assert house.store.count(PersonLabel) == 120
    assert sorted(p.name for p in (where.inbox / "labels").rglob("*.csv*")) == [
        "2026-10.csv.read",
        "2026-10.csv.read",
        "bad.csv",
    ]
    (where.inbox / "labels" / "bruno" / "bad.csv").unlink()
    assert take_all(house.store, where, clock) == []
    told = report(house.store, house.plan, clock, house.plan.markets)
    assert told[0] == "zefirella: 60 of 60 drawn mentions are labelled"
    assert told[1].startswith("  it, 2026-10: 60 of 60 read right")
    assert told[2] == "  anna and bruno: the same label for 100% of 60 mentions, kappa 1.00"
    assert sample_all(house.store, house.plan, where, clock) == {"zefirella": "2026-10: 60 drawn, labelled"}


def test_files_with_raw_text_go_when_raw_text_goes(house: House, where: Settings) -> None:
    fill(house, [("it", "neutral")] * 5)
    sample_all(house.store, house.plan, where, Fixed(NOW))
    path = where.reports / "labels" / "zefirella" / "2026-10.csv"
    assert path.exists()
    later = datetime.fromtimestamp(path.stat().st_mtime, NOW.tzinfo) + timedelta(days=31)
    sample_all(house.store, house.plan, where, Fixed(later))
    assert not path.exists()


# the command


def test_the_command(house: House, where: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from coolhead import planning

    fill(house, [("it", "neutral")] * 8, utc(2026, 10, 3))
    planning.adopt(house.store, house.plan, Fixed(NOW))

    def run(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            status = cli.main(["label", *argv])
        except SystemExit as done:
            status = int(str(done.code))
        found = capsys.readouterr()
        return status, found.out, found.err

    out = tmp_path / "mine.csv"
    status, said, _ = run("sample", "--month", "2026-10", "--n", "5", "--out", str(out))
    assert (status, said) == (0, f"zefirella 2026-10: 5 mentions to label: {out}\n")
    assert run("sample", "--month", "2026-10", "--n", "5", "--out", str(out))[0] == 1
    save(out, [r | {"label": "negative"} for r in rows_of(out)])
    assert run("read", str(out), "--by", "anna")[:2] == (0, "5 labelled, 0 known already, 0 left empty\n")
    first = rows_of(out)[0]["native_id"]
    status, said, _ = run("set", "mastodon", first, "positive", "--kind", "praise", "--by", "bruno")
    assert (status, said) == (0, f"mastodon {first}: positive, says bruno; its windows are measured again at the next tick\n")
    assert run("report", "zefirella")[1].startswith(
        "zefirella: 5 of 5 drawn mentions are labelled\n  it, 2026-10: 0 of 5 read right"
    )
    assert run("set", "mastodon", first, "good", "--by", "bruno")[0] == 2
    assert run("read", str(out), "--by", " ")[0] == 2
    assert run("sample", "--n", "0")[0] == 2
    status, _, said = run("report", "nowhere")
    assert (status, "the plan has: zefirella" in said) == (1, True)


def test_a_folder_whose_name_is_no_text_is_a_name_all_the_same(house: House, where: Settings) -> None:
    fill(house, [("it", "neutral")] * 2)
    _, rows = sheet(house, where.home)
    folder = where.inbox / "labels" / "zo\udce9"
    folder.mkdir(parents=True)
    save(folder / "a.csv", [r | {"label": "neutral"} for r in rows])
    take_all(house.store, where, Fixed(NOW))
    assert {x.by for x in house.store.read(PersonLabel)} == {"zo\\xe9"}
