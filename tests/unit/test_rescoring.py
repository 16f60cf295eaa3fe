"""Another scorer reads history: on request, resumable, beside the active one; and the plan may not name it too soon."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from building import DAY, HOUR, LINEAR, MINUTE, VOLUME, House, a_plan, utc

from coolhead import cli, plan_files, planning, registry, rescoring, scoring
from coolhead.clock import Fixed, set_play
from coolhead.errors import ConfigError
from coolhead.evaluation import evaluate
from coolhead.plan import ActiveScorer, Plan, ScorerChoice
from coolhead.rescoring import keep_up, rescore
from coolhead.rows import CommentKind, Dirty, KpiPoint, Mention, PersonLabel, PlanVersion, Score, key_of
from coolhead.schema import Row
from coolhead.sentiment import Scorer, Sentiment

START = utc(2026, 3, 2, 9)
NOW = utc(2026, 3, 10, 12)
STRICT = "strict/1"
ACTIVE = f"{LINEAR.name}/{LINEAR.revision}"


class Strict(Scorer):
    """Takes everything amiss."""

    batch = 7

    def score(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Sentiment]:
        return [Sentiment("negative", "it", -0.9, 0.95) for _ in texts]


Strict.name = "strict"  # a plug-in is called as its module is


@pytest.fixture(autouse=True)
def second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second scorer, registered as any other would be."""
    load, names = registry.load, registry.names
    monkeypatch.setattr(registry, "load", lambda family, name: Strict if name == "strict" else load(family, name))
    monkeypatch.setattr(
        registry, "names", lambda family: [*names(family), "strict"] if family == "sentiment" else names(family)
    )


DAYS = 4


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Four days with two mentions each, read by the active scorer and measured."""
    with House(tmp_path_factory.mktemp("history")) as made:
        for day in range(DAYS):
            made.say(START + day * DAY, "positive", text=f"Zefirella {day}")
            made.say(START + day * DAY + HOUR, "neutral", text=f"Zefirella sera {day}")
        made.listen(START - DAY, NOW)
        with made.store.writing() as writer:
            writer.mark_read([key_of(m) for m in writer.read(Mention)], ACTIVE)
        made.measure(NOW)
        path = Path(made.store.url.removeprefix("sqlite:///"))
    return path.read_bytes()


@pytest.fixture
def house(tmp_path: Path, history: bytes) -> Iterable[House]:
    with House(tmp_path, content=history) as made:
        made.number = 2 * DAYS
        yield made


def naming(plan: Plan, name: str, beside: Sequence[str] = ()) -> Plan:
    scorer = ActiveScorer(name=name, beside=tuple(ScorerChoice(name=b) for b in beside))
    return plan.model_copy(update={"brands": plan.brands.model_copy(update={"scorer": scorer})})


def told(house: House, kind: type[Row], **where: Any) -> list[dict[str, Any]]:
    return [row.model_dump() for row in house.store.read(kind, **where)]


def others(house: House) -> list[dict[str, Any]]:
    return [p for p in told(house, KpiPoint) if p["revision"] != STRICT]


def test_a_second_scorer_reads_history_and_its_series_stands_beside(house: House) -> None:
    before, mentions = others(house), told(house, Mention)
    said: list[str] = []
    assert rescore(house.store, house.plan, Strict(), [house.market], Fixed(NOW), said.append) == 2 * DAYS
    assert {s.label for s in house.store.read(Score, scorer="strict")} == {"negative"}
    days = {lang: house.points("day", kpi="negative_share", source="all", lang=lang, revision=STRICT) for lang in ("all", "it")}
    assert [[p.value for p in found] for found in days.values()] == [[1.0] * DAYS] * 2
    assert len(house.points("5min", kpi="negative_volume", source="mastodon", revision=STRICT, lang="all")) == 2 * DAYS
    # nothing that anybody goes by has moved
    assert others(house) == before
    assert {p.value for p in house.points("day", kpi="negative_share", source="all", lang="all", revision=ACTIVE)} == {0.0}
    assert told(house, Mention) == mentions
    assert (house.store.count(Dirty), house.store.count(CommentKind)) == (0, 0)
    assert said[0].startswith("2026-03-05, strict/1: zefirella: 2 of 8 mentions, 2 of them read now, ")
    assert said[-1].startswith("2026-03-02, strict/1: zefirella: 8 of 8 mentions, 8 of them read now, ")
    assert said[-1].endswith("a second, 0:00:00 left")


def test_it_goes_on_where_it_was_stopped(house: House) -> None:
    class Stop(Exception):
        pass

    def stop(line: str) -> None:
        if line.startswith("2026-03-04"):
            raise Stop

    with pytest.raises(Stop):
        rescore(house.store, house.plan, Strict(), [house.market], Fixed(NOW), stop)
    done = house.store.count(Score, scorer="strict")
    assert 0 < done < 2 * DAYS
    with house.store.writing() as writer:  # as if it had been killed between reading a day and publishing it
        writer.delete(KpiPoint, revision=STRICT, start=utc(2026, 3, 3, 23))
    assert rescore(house.store, house.plan, Strict(), [house.market], Fixed(NOW), str) == 2 * DAYS - done
    assert len(house.points("day", kpi="scored_coverage", source="all", lang="all", revision=STRICT)) == DAYS
    once = told(house, KpiPoint, revision=STRICT)
    assert rescore(house.store, house.plan, Strict(), [house.market], Fixed(NOW + HOUR), str) == 0
    assert told(house, KpiPoint, revision=STRICT) == once


def test_a_day_that_changed_since_is_published_again(house: House) -> None:
    """By a person's label here; by another market that shares the mention, or a run that was killed, just so."""
    rescore(house.store, house.plan, Strict(), [house.market], Fixed(NOW), str)
    newest = max(house.store.read(Mention), key=lambda m: m.published_at)
    house.store.upsert([PersonLabel(**key_of(newest), by="anna", at=NOW + HOUR, label="positive")])
    assert rescore(house.store, house.plan, Strict(), [house.market], Fixed(NOW + 2 * HOUR), str) == 0
    days = house.points("day", kpi="negative_share", source="all", lang="all", revision=STRICT)
    assert [p.value for p in days] == [*[1.0] * (DAYS - 1), 0.5]


def test_what_the_plan_names_beside_is_kept_up(house: House) -> None:
    plan = naming(house.plan, "linear", ["strict"])
    rescore(house.store, plan, Strict(), [house.market], Fixed(NOW), str)
    late = house.say(NOW - 3 * DAY, "positive", text="Zefirella, in ritardo")
    house.say(NOW - HOUR, "positive", text="Zefirella, ora")
    assert keep_up(house.store, plan, Fixed(NOW), str) == {"strict": 1}
    assert house.store.count(Score, scorer="strict", native_id=late.native_id) == 0  # too old: read on request
    assert keep_up(house.store, plan, Fixed(NOW), str) == {"strict": 0}
    assert keep_up(house.store, house.plan, Fixed(NOW), str) == {}
    house.measure(NOW)  # the active series, measured again, leaves the other one alone
    assert len(house.points("day", kpi="negative_share", source="all", lang="all", revision=STRICT)) == DAYS + 1


def published_at(house: House) -> list[datetime]:
    """As of when each local day of the second series was published."""
    return [p.as_of for p in house.points("day", kpi="scored_coverage", source="all", lang="all", revision=STRICT)]


def test_a_series_beside_is_published_at_most_hourly(house: House) -> None:
    plan = naming(house.plan, "linear", ["strict"])
    first = house.say(NOW - HOUR, "positive", text="Zefirella, ora")
    keep_up(house.store, plan, Fixed(NOW), str)
    assert published_at(house) == [NOW]  # a day without a series has one at once
    house.say(NOW - HOUR, "positive", text="Zefirella, ancora")
    for minutes in range(5, 60, 5):
        keep_up(house.store, plan, Fixed(NOW + minutes * MINUTE), str)
    assert published_at(house) == [NOW]
    assert house.store.count(Score, scorer="strict") == 2  # read at once all the same
    keep_up(house.store, plan, Fixed(NOW + HOUR), str)
    assert published_at(house) == [NOW + HOUR]
    keep_up(house.store, plan, Fixed(NOW + 3 * HOUR), str)
    assert published_at(house) == [NOW + HOUR]  # nothing changed
    house.store.upsert([PersonLabel(**key_of(first), by="anna", at=NOW + 4 * HOUR, label="positive")])
    keep_up(house.store, plan, Fixed(NOW + 4 * HOUR), str)
    assert published_at(house) == [NOW + 4 * HOUR]


def test_what_an_import_brought_is_published_though_it_was_known_of_old(house: House) -> None:
    """Read within the hour after a publication, under a time before it: it counts from the next hour on."""
    plan = naming(house.plan, "linear", ["strict"])
    house.say(NOW - HOUR, "positive")
    keep_up(house.store, plan, Fixed(NOW), str)
    house.say(NOW - 2 * HOUR, "positive", known_assumed=True)
    keep_up(house.store, plan, Fixed(NOW + 5 * MINUTE), str)
    keep_up(house.store, plan, Fixed(NOW + HOUR), str)
    (day,) = house.points("day", kpi="negative_volume", source="all", lang="all", revision=STRICT)
    assert (day.value, day.as_of) == (2, NOW + HOUR)


def test_a_tick_looks_at_what_is_unread_only_and_at_no_more_than_its_portion(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = naming(house.plan, "linear", ["strict"])
    monkeypatch.setattr(rescoring, "PORTION", 9)
    for _ in range(11):
        house.say(NOW - HOUR, "positive")
    assert keep_up(house.store, plan, Fixed(NOW), str) == {"strict": 9}
    assert keep_up(house.store, plan, Fixed(NOW + 5 * MINUTE), str) == {"strict": 2}
    asked: list[Any] = []
    monkeypatch.setattr(type(house.store), "mentions", lambda *given: asked.append(given))
    assert keep_up(house.store, plan, Fixed(NOW + 10 * MINUTE), str) == {"strict": 0}
    assert asked == []  # no day is read through where nothing is to be done


def test_the_plan_names_another_scorer_only_once_it_covers_the_look_back(house: House) -> None:
    planning.adopt(house.store, house.plan, Fixed(NOW))
    with pytest.raises(ConfigError) as error:
        planning.adopt(house.store, naming(house.plan, "strict"), Fixed(NOW))
    assert str(error.value) == (
        "brands.yaml: scorer: strict/1 has not read all that baselines look back on (4 days of zefirella, the first 2026-03-02), "
        "so linear goes on; run `coolhead rescore`, and the change takes effect by itself"
    )
    planning.adopt(house.store, naming(house.plan, "linear", ["strict"]), Fixed(NOW))  # beside is no switch
    assert house.store.count(PlanVersion) == 2
    rescore(house.store, house.plan, Strict(), [house.market], Fixed(NOW), str)
    planning.adopt(house.store, naming(house.plan, "strict"), Fixed(NOW))
    assert house.store.count(PlanVersion) == 3


def test_a_short_history_does_not_forbid_a_switch(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        planning.adopt(house.store, house.plan, Fixed(NOW))
        planning.adopt(house.store, naming(house.plan, "strict"), Fixed(NOW))
        assert house.store.count(PlanVersion) == 2


def test_after_the_switch_old_mentions_are_read_anew_bit_by_bit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """New ones first; and not all of history in one run, for the gate waits."""
    monkeypatch.setattr(scoring, "AGAIN", 5)
    plan = naming(house.plan, "strict")
    new = house.say(NOW - HOUR, None, text="Zefirella nuova")
    done = scoring.score(house.store, plan, Fixed(NOW))
    read = {s.native_id for s in house.store.read(Score, scorer="strict")}
    assert new.native_id in read
    assert done.scored == len(read) == 1 + 7
    assert scoring.score(house.store, plan, Fixed(NOW)).scored == 1
    assert scoring.score(house.store, plan, Fixed(NOW)).scored == 0
    evaluate(house.store, plan, house.market, Fixed(NOW))
    assert [p.value for p in house.points("day", kpi="negative_share", source="all", lang="all", revision=STRICT)] == [1.0] * (
        DAYS + 1
    )


def test_what_was_read_beside_is_taken_over_and_not_read_again(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rescore(house.store, house.plan, Strict(), [house.market], Fixed(NOW), str)
    before = told(house, Score, scorer="strict")
    unseen = house.say(NOW - DAY, "neutral", text="Zefirella, che nessun altro ha letto")
    with house.store.writing() as writer:
        writer.mark_read([key_of(unseen)], ACTIVE)
    texts: list[str] = []
    score = Strict.score

    def noting(self: Strict, given: Sequence[str], langs: Sequence[str | None]) -> list[Sentiment]:
        texts.extend(given)
        return score(self, given, langs)

    monkeypatch.setattr(Strict, "score", noting)
    monkeypatch.setattr(scoring, "AGAIN", 5)
    later = Fixed(NOW + HOUR)
    with caplog.at_level("INFO"):
        done = scoring.score(house.store, naming(house.plan, "strict"), later)
    assert (done.scored, done.left) == (7, 2)
    assert caplog.messages[-1] == "strict/1 has read 7 of 9 mentions; 2 left of what another read"
    assert scoring.score(house.store, naming(house.plan, "strict"), later).left == 0
    assert texts == [unseen.text]
    assert [s for s in told(house, Score, scorer="strict") if s["native_id"] != unseen.native_id] == before
    assert house.store.count(Mention, read_by=STRICT) == house.store.count(CommentKind) == 9
    # and all windows are measured with its scores
    assert {d.start for d in house.store.read(Dirty)} == {m.published_at for m in house.store.read(Mention)}


def test_the_command_and_a_plan_that_waits(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COOLHEAD_HOME", str(tmp_path))
    for name in ("COOLHEAD_STORE", "COOLHEAD_PLAN"):
        monkeypatch.delenv(name, raising=False)
    set_play(tmp_path / "play.json", NOW)
    planning.adopt(house.store, house.plan, Fixed(NOW))
    folder = tmp_path / "plan"
    folder.mkdir()
    content = naming(a_plan(VOLUME), "strict").content()
    for name in plan_files.FILES:
        (folder / name).write_text(yaml.safe_dump(content[name.removesuffix(".yaml")]), encoding="utf-8")
    assert planning.current(house.store, folder, Fixed(NOW)).brands.scorer.name == "linear"
    capsys.readouterr()
    assert cli.main(["plan", "check"]) == 0
    assert "not in effect yet: brands.yaml: scorer: strict/1 has not read all" in capsys.readouterr().out
    assert cli.main(["rescore"]) == 0
    shown = capsys.readouterr()
    assert shown.out == '{"scorer": "strict/1", "read": 8, "markets": ["zefirella"]}\n'
    assert len(shown.err.splitlines()) >= DAYS
    assert planning.current(house.store, folder, Fixed(NOW)).brands.scorer.name == "strict"
    assert cli.main(["plan", "check"]) == 0
    assert "not in effect" not in capsys.readouterr().out
    assert cli.main(["rescore", "--market", "nowhere"]) == 1
    assert cli.main(["rescore", "--scorer", "linear", "--settings", "[]"]) == 1


def test_a_mistake_in_a_scorer_beside_is_named(tmp_path: Path) -> None:
    content = a_plan().content()
    content["brands"]["scorer"] = {
        "name": "linear",
        "beside": [{"name": "strict", "settings": {"mood": "bad"}}, {"name": "nobody"}],
    }
    for name in plan_files.FILES:
        (tmp_path / name).write_text(yaml.safe_dump(content[name.removesuffix(".yaml")]), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"brands.yaml:\d+: scorer.beside.1.name: 'nobody' is none of: linear, .*strict"):
        plan_files.load(tmp_path)
    content["brands"]["scorer"]["beside"].pop()
    (tmp_path / "brands.yaml").write_text(yaml.safe_dump(content["brands"]), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"brands.yaml:\d+: scorer.beside.0.settings.mood: "):
        plan_files.load(tmp_path)
