"""The crisis plan: each mistake has its own message, all are told at once, and a broken edit stops nothing that runs."""

import json
import logging
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from coolhead import clock, firing, plan_files, plan_tests, planning
from coolhead import plan as plans
from coolhead.errors import ConfigError
from coolhead.plan import Plan
from coolhead.plan_init import SHIPPED, Answers, add_brand, slug, write
from coolhead.rows import PlanVersion
from coolhead.store import Store, migrate

BRANDS, RULES, ESCALATION = plan_files.FILES
NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
LINE = (SHIPPED / BRANDS).read_text(encoding="utf-8").splitlines().index(
    "public_url: http://127.0.0.1:8080   # links in notices lead here"
) + 1
"""On which `public_url` stands in the shipped plan."""
OTHER_MARKET = "  - name: Other\n    markets:\n      - {id: zefirella, time_zone: UTC, languages: [en], terms: {any_of: [other]}, sources: {files: {}}}\n"

RULES_TEXT = """\
# What wakes people. A rule sees, every five minutes, the KPIs of the trailing hour.
# Volume alone never goes beyond S1. Rules against a baseline are silent until two weeks are covered.
rules:
  - name: volume-spike               # unusual for that hour of the day: look, nobody is paged beyond the duty lead
    rule: threshold
    kpi: volume_z
    above: 3.5
    min_n: 10
    severity: S1
  - name: many-complaints            # absolute: fires without any baseline; raise it for a brand that is often complained about
    rule: threshold
    kpi: negative_volume
    above: 30
    min_n: 30
    min_authors: 5
    severity: S2
  - name: negative-surge             # the lower bound of the negative share stands 20 points above what is usual
    rule: baseline
    kpi: negative_share
    rise: 0.2
    min_n: 30
    min_authors: 5
    severity: S2
  - name: amplified-surge            # the same, and a large audience could see it
    rule: baseline
    kpi: negative_share
    rise: 0.2
    min_n: 30
    also: {reach_total: 500000}
    min_authors: 5
    severity: S3
"""
"""Rules whose lines stay where they are, whatever is shipped."""

# name: (file, what stands there, what is written instead, `FILE:LINE: ` of the message, what the message must hold)
MISTAKES: dict[str, tuple[str, str, str, str, tuple[str, ...]]] = {
    "typo in a key": (BRANDS, "public_url:", "public_ulr:", f"{BRANDS}:{LINE}: public_ulr", ("unknown key", "did you mean 'public_url'?")),
    "typo in a nested key": (
        BRANDS, "any_of:", "any_off:", f"{BRANDS}:10: brands.0.markets.0.terms.any_off", ("did you mean 'any_of'?", "any_of, all_of, none_of"),
    ),
    "unknown key": (BRANDS, "public_url:", "colour: red\npublic_url:", f"{BRANDS}:{LINE}: colour", ("unknown key", "retention")),
    "missing key": (RULES, "    severity: S1\n", "", f"{RULES}:4: rules.0.severity", ("is missing; add it",)),
    "missing role": (
        ESCALATION, "roles: [spokesperson]", "roles: [duty_lead]", f"{ESCALATION}:1: the file", ("'spokesperson'", "anna, bruno, chiara"),
    ),
    "unknown role": (ESCALATION, "[spokesperson]", "[boss]", f"{ESCALATION}:14: people.2.roles.0", ("'crisis_lead'", "it is 'boss'")),
    "unknown rule": (RULES, "rule: threshold", "rule: treshold", f"{RULES}:5: rules.0.rule", ("'treshold' is none of: baseline, cannot_judge, ",)),
    "unknown KPI": (RULES, "kpi: volume_z", "kpi: volumez", f"{RULES}:6: rule volume-spike.kpi", ("'volumez' is no KPI", "volume, volume_excess, volume_z")),
    "unknown source": (
        BRANDS, "feed:", "twitter:", f"{BRANDS}:23: brands.0.markets.0.sources.twitter", ("'twitter' is none of: ", "feed, ", "mastodon"),
    ),
    "own account of an unknown source": (
        BRANDS, "          mastodon: [", "          mastadon: [", f"{BRANDS}:20: brands.0.markets.0.own_accounts.mastadon", ("mastodon",),
    ),
    "unknown channel": (
        ESCALATION, "{email: bruno", "{pigeon: bruno", f"{ESCALATION}:11: people.1.addresses.pigeon", ("'pigeon' is none of: email",),
    ),
    "unknown channel in a step": (
        ESCALATION, "channels: [email]", "channels: [pigeon]", f"{ESCALATION}:18: steps.0.channels.0", ("'pigeon' is none of: email",),
    ),
    "channel that nobody has": (
        ESCALATION, "channels: [email]", "channels: [webhook]", f"{ESCALATION}:1: the file", ("steps.0", "none of duty_lead", "'webhook'"),
    ),
    "bad time zone": (BRANDS, "Europe/Rome", "Europe/Roma", f"{BRANDS}:7: brands.0.markets.0.time_zone", ("did you mean Europe/Rome",)),
    "time zone like none": (BRANDS, "Europe/Rome", "x", f"{BRANDS}:7: brands.0.markets.0.time_zone", ("write e.g. Europe/Rome",)),
    "two markets with one id": (
        BRANDS, "  - name: Zefirella\n", f"{OTHER_MARKET}  - name: Zefirella\n", f"{BRANDS}:1: the file", ("two markets have the id 'zefirella'",),
    ),
    "two people with one id": (ESCALATION, "id: bruno", "id: anna", f"{ESCALATION}:1: the file", ("two people have the id 'anna'",)),
    "wrong type": (ESCALATION, "wait_minutes: 15", "wait_minutes: soon", f"{ESCALATION}:19: steps.0.wait_minutes", ("integer", "'soon'")),
    "a word that YAML reads as false": (
        BRANDS, "[en, it, pl, id]", "[en, no]", f"{BRANDS}:8: brands.0.markets.0.languages.1", ("it is False; write it in quotes",),
    ),
    "nothing where a mapping should be": (
        BRANDS, 'feed: {urls: ["https://alerts.example/feeds/news.xml"]}', "files:", f"{BRANDS}:23: brands.0.markets.0.sources.files",
        ("dictionary", "it is None"),
    ),
    "empty term": (BRANDS, "any_of: [zefirella", 'any_of: [" "', f"{BRANDS}:10: brands.0.markets.0.terms.any_of.0", ("match everything",)),
    "term of signs only": (BRANDS, "any_of: [zefirella", 'any_of: ["?!"', f"{BRANDS}:10: brands.0.markets.0.terms.any_of.0", ("'?!' holds no letter",)),
    "endless term": (
        BRANDS, "any_of: [zefirella", f"any_of: [{'z' * 101}", f"{BRANDS}:10: brands.0.markets.0.terms.any_of.0", ("at most 100", "has 101"),
    ),
    "short term": (
        BRANDS, "any_of: [zefirella", "any_of: [zf", f"{BRANDS}:9: brands.0.markets.0.terms.context",
        ("'zf' in any_of is so short", "context" , "'#zf' or '@zf'"),
    ),
    "term twice": (
        BRANDS, "any_of: [zefirella", "any_of: [zefirella, Zefirellà", f"{BRANDS}:10: brands.0.markets.0.terms.any_of",
        ("'Zefirellà' is 'zefirella' again", "keep one"),
    ),
    "term wanted and barred": (
        BRANDS, "any_of: [zefirella", "none_of: [ZEFIRELLA]\n          any_of: [zefirella", f"{BRANDS}:10: brands.0.markets.0.terms.none_of",
        ("'ZEFIRELLA' stands in any_of too", "remove one"),
    ),
    "term needed and barred": (
        BRANDS, "any_of: [zefirella", "none_of: [ice]\n          all_of: [ICE]\n          any_of: [zefirella", f"{BRANDS}:10: brands.0.markets.0.terms.none_of",
        ("'ice' stands in all_of too",),
    ),
    "context of no term": (
        BRANDS, "any_of: [zefirella", "context: {zefirela: [gelato]}\n          any_of: [zefirella", f"{BRANDS}:10: brands.0.markets.0.terms.context",
        ("'zefirela' is none of the terms", "did you mean 'zefirella'?"),
    ),
    "context without words": (
        BRANDS, "any_of: [zefirella", "context: {zefirella: []}\n          any_of: [zefirella", f"{BRANDS}:10: brands.0.markets.0.terms.context",
        ("'zefirella' has no words",),
    ),
    "context of itself": (
        BRANDS, "any_of: [zefirella", "context: {zefirella: [Zefirella]}\n          any_of: [zefirella", f"{BRANDS}:10: brands.0.markets.0.terms.context",
        ("'zefirella' is its own context",),
    ),
    "exact term that is none": (
        BRANDS, "any_of: [zefirella", "exact: [gelato]\n          any_of: [zefirella", f"{BRANDS}:10: brands.0.markets.0.terms.exact",
        ("'gelato' is none of the terms: zefirella, #zefirella",),
    ),
    "bad e-mail address": (
        ESCALATION, "bruno@zefirella.example", "bruno at home", f"{ESCALATION}:11: people bruno.addresses.email", ("'bruno at home' is no",),
    ),
    "bad webhook address": (
        ESCALATION, "{email: bruno@", "{webhook: 'ftp://x', email: bruno@", f"{ESCALATION}:11: people bruno.addresses.webhook", ("http(s)",),
    ),
    "wrong source setting": (
        BRANDS, '"https://social.example"', "social", f"{BRANDS}:22: market zefirella: sources.mastodon.base_url", ("it is 'social'",),
    ),
    "unknown source setting": (
        BRANDS, "{urls:", "{url: x, urls:", f"{BRANDS}:23: market zefirella: sources.feed.url", ("unknown key", "did you mean 'urls'?"),
    ),
    "unknown market in a rule": (
        RULES, "severity: S1", "severity: S1\n    markets: [zefirela]", f"{RULES}:10: rule volume-spike.markets", ("'zefirela'", "only: zefirella"),
    ),
    "two rules with one name": (RULES, "name: many-complaints", "name: volume-spike", f"{RULES}:3: ", ("two rules have the name 'volume-spike'",)),
    "above and below": (RULES, "above: 3.5", "above: 3.5\n    below: 1", f"{RULES}:7: rule volume-spike.above", ("exactly one of `above` and `below`",)),
    "unknown setting of a rule": (RULES, "min_n: 10", "min_m: 10", f"{RULES}:8: rule volume-spike.min_m", ("did you mean 'min_n'?",)),
    "unknown severity": (RULES, "severity: S1", "severity: SEV1", f"{RULES}:9: rules.0.severity", ("'S1'", "it is 'SEV1'")),
    "a day that does not exist": (
        BRANDS, "        own_accounts:", "        known_episodes: [{start: 2026-02-30, end: 2026-03-01, crisis: true}]\n        own_accounts:",
        f"{BRANDS}:19: brands.0.markets.0.known_episodes.0.start", ("valid date", "'2026-02-30'"),
    ),
    "an episode that ends before it begins": (
        BRANDS, "        own_accounts:", "        known_episodes: [{start: 2026-03-02, end: 2026-03-01, crisis: true}]\n        own_accounts:",
        f"{BRANDS}:19: brands.0.markets.0.known_episodes.0", ("lies before start",),
    ),
    "key that stands twice": (BRANDS, "country: IT", "country: IT\n        country: PL", f"{BRANDS}:7: country", ("stands twice",)),
    "YAML syntax": (RULES, "rules:", "rules: [", f"{RULES}:4: no valid YAML", ("look at this line",)),
    "tab": (RULES, "    rule: threshold", "\trule: threshold", f"{RULES}:5: no valid YAML", ("'\\t'",)),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped plan, with few rules."""
    for name in plan_files.FILES:
        (tmp_path / "plan").mkdir(exist_ok=True)
        shutil.copy(SHIPPED / name, tmp_path / "plan" / name)
    (tmp_path / "plan" / RULES).write_text(RULES_TEXT, encoding="utf-8")
    return tmp_path / "plan"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    migrate(f"sqlite:///{tmp_path / 'store.db'}")
    return Store(f"sqlite:///{tmp_path / 'store.db'}")


def patch(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        plan_files.load(folder)
    return str(caught.value).splitlines()


def test_the_shipped_plan_passes() -> None:
    plan = plan_files.load(SHIPPED)
    assert [m.id for m in plan.markets] == ["zefirella"]
    assert plan.only_market() == plan.market("zefirella")
    assert {"volume-spike", "many-complaints", "negative-surge", "crisis", "red-line"} <= {
        r.name for r in plan.rules_of("zefirella")
    }


def test_what_the_shipped_rules_say_is_tested() -> None:
    plan = plan_files.load(SHIPPED)
    tests = plan_tests.load(SHIPPED / plan_tests.FILE, plan)
    assert [r.name for r in plan_tests.run(plan, tests) if r.differences] == []
    told = {name for t in tests.tests for name, f in t.fires.items() if f.at}
    assert told == {r.name for r in plan.rules.rules}, "each shipped rule fires in a test of its own"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_mistake_one_message(mistake: str, folder: Path) -> None:
    name, old, new, begins, holds = MISTAKES[mistake]
    patch(folder, name, old, new)
    found = mistakes(folder)
    mine = [line for line in found if line.startswith(f"{folder}/{begins}")]
    assert mine, found
    for part in holds:
        assert part in mine[0]
    # a mistyped key is missing under its own name as well; nothing else is an echo
    assert len(found) <= 2, found
    assert all("is missing; add it" in line for line in found if line not in mine)


def test_messages_differ(folder: Path) -> None:
    told = set()
    for name, old, new, _, _ in MISTAKES.values():
        before = (folder / name).read_text(encoding="utf-8")
        patch(folder, name, old, new)
        told.add(mistakes(folder)[0])
        (folder / name).write_text(before, encoding="utf-8")
    assert len(told) == len(MISTAKES)


@pytest.mark.parametrize("name", plan_files.FILES)
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "must be a mapping with the keys "),
        (b"# nothing but a comment\n", "must be a mapping with the keys "),
        (b"- a\n- b\n", "must be a mapping with the keys "),
        (b"just a word", "must be a mapping with the keys "),
        ("name: caffè".encode("latin-1"), "byte 10 is no UTF-8; save the file as UTF-8"),
        (b"a: \x00\n", "no valid YAML"),
        (b"a: 1\n---\na: 2\n", "no valid YAML"),
        (b"a: !!python/object/apply:os.system [true]\n", "no valid YAML"),
        (b"a: *nowhere\n", "no valid YAML"),
    ],
)
def test_a_file_that_is_none(name: str, content: bytes, says: str, folder: Path) -> None:
    (folder / name).write_bytes(content)
    found = mistakes(folder)
    assert len(found) == 1
    assert found[0].startswith(f"{folder / name}:")
    assert says in found[0]


@pytest.mark.parametrize("name", plan_files.FILES)
def test_missing_file(name: str, folder: Path) -> None:
    (folder / name).unlink()
    assert mistakes(folder) == [f"{folder / name}: the file is missing; `coolhead plan init BRAND` writes a plan"]
    (folder / name).mkdir()
    assert mistakes(folder) == [f"{folder / name}: cannot be read (Is a directory)"]


def test_all_at_once(folder: Path) -> None:
    """Over files, and over the stages of the check: models, plug-ins' settings, addresses."""
    patch(folder, BRANDS, "Europe/Rome", "Europe/Roma")
    patch(folder, BRANDS, "country: IT", "county: IT")
    patch(folder, RULES, "kpi: volume_z", "kpi: volumez")
    patch(folder, RULES, "rise: 0.2", "rise: -1")
    patch(folder, ESCALATION, "bruno@zefirella.example", "bruno at home")
    found = "\n".join(mistakes(folder))
    for part in ("time_zone", "county", "volumez", "rule negative-surge.rise", "bruno at home"):
        assert part in found
    patch(folder, ESCALATION, "roles: [spokesperson]", "roles: [duty_lead]")
    patch(folder, ESCALATION, "roles: [crisis_lead]", "roles: [duty_lead]")
    found = "\n".join(mistakes(folder))
    assert "'crisis_lead'" in found
    assert "'spokesperson'" in found
    assert "volumez" in found


def test_a_day_that_does_not_exist_hides_no_other_mistake(folder: Path) -> None:
    episodes = "        known_episodes: [{start: 2026-03-01, end: 2026-13-01, crisis: true}]\n        own_accounts:"
    patch(folder, BRANDS, "        own_accounts:", episodes)
    patch(folder, BRANDS, "Europe/Rome", "Europe/Roma")
    found = mistakes(folder)
    assert [line.split(": ")[1].rpartition(".")[2] for line in found] == ["time_zone", "end"], found
    patch(folder, BRANDS, "Europe/Roma", "Europe/Rome")
    patch(folder, BRANDS, "2026-13-01", "2026-03-02")
    assert plan_files.load(folder).market("zefirella").known_episodes[0].end == date(2026, 3, 2)


def test_byte_order_mark_and_crlf(folder: Path) -> None:
    plain = plan_files.load(folder)
    for name in plan_files.FILES:
        text = (folder / name).read_bytes()
        (folder / name).write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert plan_files.load(folder) == plain


def test_unknown_market_lists_the_choices(folder: Path) -> None:
    plan = plan_files.load(folder)
    with pytest.raises(ConfigError, match="there is no market 'zefirela'; the plan has: zefirella"):
        plan.market("zefirela")
    two = add_brand(folder, "Other")
    with pytest.raises(ConfigError, match="name one of zefirella, other"):
        two.only_market()


def test_content_and_restore(folder: Path) -> None:
    plan = plan_files.load(folder)
    again = plans.restore(json.loads(json.dumps(plan.content())))
    assert again == plan
    assert again.hash() == plan.hash() == plan_files.load(folder).hash()
    assert again.rules.rules[0].settings == {"kpi": "volume_z", "above": 3.5}
    assert again.rules.rules[0].min_n == 10


def test_the_hash_is_of_what_is_said(folder: Path) -> None:
    before = plan_files.load(folder).hash()
    patch(folder, RULES, "rules:\n", "# a remark\nrules:\n\n")
    assert plan_files.load(folder).hash() == before
    patch(folder, RULES, "above: 3.5", "above: 3.6")
    assert plan_files.load(folder).hash() != before


def test_current_adopts_once(folder: Path, store: Store) -> None:
    plan = planning.current(store, folder, clock.Fixed(NOW))
    assert planning.current(store, folder, clock.Fixed(NOW + timedelta(hours=1))) == plan
    assert [v.loaded_at for v in store.read(PlanVersion)] == [NOW]


def test_current_keeps_the_old_plan(folder: Path, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    plan = planning.current(store, folder, clock.Fixed(NOW))
    patch(folder, RULES, "rule: threshold", "rule: treshold")
    with caplog.at_level(logging.ERROR):
        assert planning.current(store, folder, clock.Fixed(NOW + timedelta(hours=1))) == plan
    assert "treshold" in caplog.text
    assert f"{RULES}:5" in caplog.text
    assert store.count(PlanVersion) == 1
    patch(folder, RULES, "rule: treshold", "rule: threshold")
    patch(folder, RULES, "above: 3.5", "above: 4")
    edited = planning.current(store, folder, clock.Fixed(NOW + timedelta(hours=2)))
    assert edited.rules.rules[0].settings["above"] == 4
    assert store.count(PlanVersion) == 2


def test_current_after_going_back(folder: Path, store: Store) -> None:
    """A version that is adopted again is the newest again, also where the folder breaks afterwards."""
    first = planning.current(store, folder, clock.Fixed(NOW))
    patch(folder, RULES, "above: 3.5", "above: 4")
    planning.current(store, folder, clock.Fixed(NOW + timedelta(hours=1)))
    patch(folder, RULES, "above: 4", "above: 3.5")
    planning.current(store, folder, clock.Fixed(NOW + timedelta(hours=2)))
    shutil.rmtree(folder)
    assert planning.current(store, folder, clock.Fixed(NOW + timedelta(hours=3))) == first


def stored(store: Store, folder: Path, **changes: Any) -> Plan:
    """The folder's plan as an earlier version of Coolhead kept it, which allowed its first rule to say something else."""
    plan = plan_files.load(folder)
    content = json.loads(json.dumps(plan.content()))
    content["rules"]["rules"].append({**content["rules"]["rules"][0], "name": "old", **changes})
    store.upsert([PlanVersion(plan_hash="old", loaded_at=NOW - timedelta(days=1), content=content)])
    return plan


OLD: list[tuple[dict[str, Any], str]] = [
    ({"for": 7}, "for: Input should be a multiple of 5"),
    ({"rule": "gone"}, "rule: 'gone' is none of: "),
    ({"overrides": [{"markets": ["zefirella"], "min_n": -1}]}, "min_n: Input should be greater than or equal to 0"),
    ({"above": "much"}, "above: Input should be a valid number"),
]


@pytest.mark.parametrize(("changes", "says"), OLD)
def test_a_stored_version_that_is_refused_today_holds_up_no_right_file(
    changes: dict[str, Any], says: str, folder: Path, store: Store
) -> None:
    plan = stored(store, folder, **changes)
    assert planning.waiting(store, plan, NOW) is None
    assert planning.current(store, folder, clock.Fixed(NOW)) == plan
    assert store.count(PlanVersion, plan_hash=plan.hash()) == 1


@pytest.mark.parametrize(("changes", "says"), OLD)
def test_while_the_files_are_wrong_its_other_rules_run_and_the_lost_one_is_told(
    changes: dict[str, Any], says: str, folder: Path, store: Store
) -> None:
    plan = stored(store, folder, **changes)
    patch(folder, RULES, "rule: threshold", "rule: treshold")
    runs = planning.current(store, folder, clock.Fixed(NOW))
    ((market, counts),) = [(m, firing.Fold.of(runs, m).rules) for m in runs.markets]
    assert [entry for entry, _ in counts] == plan.rules_of(market.id)
    (told,) = planning.refused(runs)
    assert (told.rule, says in told.why) == ("old", True), told
    with pytest.raises(
        ConfigError, match=r"rules.yaml: rule old does not count in .*: .*mend it in rules.yaml: `coolhead plan check`"
    ):
        planning.need_all_rules(runs)
    assert plans.restore(runs.content()).refused == ()  # it is told of the version that holds it
    planning.need_all_rules(plan)


def test_a_stored_version_of_which_nothing_is_understood_counts_as_none(
    folder: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_files.load(folder)
    content = plan.content()
    content["escalation"]["colour"] = "red"
    store.upsert([PlanVersion(plan_hash="old", loaded_at=NOW - timedelta(days=1), content=content)])
    patch(folder, RULES, "rule: threshold", "rule: treshold")
    with pytest.raises(ConfigError, match="treshold"):
        planning.current(store, folder, clock.Fixed(NOW))
    assert "escalation.colour" in caplog.text
    patch(folder, RULES, "rule: treshold", "rule: threshold")
    assert planning.current(store, folder, clock.Fixed(NOW)) == plan


def test_current_without_any_good_version(folder: Path, store: Store) -> None:
    patch(folder, RULES, "rule: threshold", "rule: treshold")
    with pytest.raises(ConfigError, match="treshold"):
        planning.current(store, folder, clock.Fixed(NOW))


ANSWERS = Answers("Żabka Polska", ("żabka",), ("pl",), "Europe/Warsaw", "me@example.org", mastodon="https://mastodon.example")


def test_init_writes_a_plan_that_passes(tmp_path: Path) -> None:
    plan = write(tmp_path / "home" / "plan", ANSWERS)
    assert plan == plan_files.load(tmp_path / "home" / "plan")
    market = plan.only_market()
    assert (market.id, market.time_zone, market.languages) == ("zabka-polska", "Europe/Warsaw", ("pl",))
    assert market.sources["mastodon"]["hashtags"] == ["zabkapolska"]
    assert [p.name for p in (tmp_path / "home").iterdir()] == ["plan"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"time_zone": "Europe/Warsawa"}, "did you mean Europe/Warsaw"),
        ({"languages": ("polish",)}, "it is 'polish'"),
        ({"email": "me"}, "is no e-mail address"),
        ({"feeds": ("alerts",)}, "it is 'alerts'"),
        ({"terms": ("",)}, "is empty"),
        ({"brand": ""}, "brands.0.name"),
    ],
)
def test_init_leaves_nothing_behind(change: dict[str, object], says: str, tmp_path: Path) -> None:
    answers = Answers(**{**ANSWERS.__dict__, **change})
    with pytest.raises(ConfigError) as caught:
        write(tmp_path / "home" / "plan", answers)
    assert says in str(caught.value)
    assert str(tmp_path / "home" / "plan") in str(caught.value)
    assert list((tmp_path / "home").iterdir()) == []


def test_init_twice(tmp_path: Path) -> None:
    write(tmp_path / "plan", ANSWERS)
    before = (tmp_path / "plan" / BRANDS).read_bytes()
    with pytest.raises(ConfigError, match="is there already; edit it, or remove the folder"):
        write(tmp_path / "plan", ANSWERS)
    assert (tmp_path / "plan" / BRANDS).read_bytes() == before


def test_add_brand(folder: Path) -> None:
    plan = add_brand(folder, "Second Brand", ("de",), "Europe/Berlin")
    assert [m.id for m in plan.markets] == ["zefirella", "second-brand"]
    assert add_brand(folder, "Second Brand") == plan
    before = (folder / BRANDS).read_bytes()
    with pytest.raises(ConfigError, match="did you mean Europe/Berlin"):
        add_brand(folder, "Third", ("de",), "Europe/Berlim")
    assert (folder / BRANDS).read_bytes() == before


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Żabka Polska", "zabka-polska"), ("ŁÓDŹ", "lodz"), ("L'Oréal!", "l-oreal"), ("7-Eleven", "7-eleven")],
)
def test_slug(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_slugs_of_other_scripts_differ(tmp_path: Path) -> None:
    assert slug("Кофе") == slug("Кофе") != slug("Чай")

    def make(name: str) -> Answers:
        return Answers(**{**ANSWERS.__dict__, "brand": name})

    plan = write(tmp_path / "plan", make("Кофе"))
    assert plan.only_market().sources["mastodon"]["hashtags"] == ["Кофе"]
    assert len(add_brand(tmp_path / "plan", "Чай").markets) == 2
