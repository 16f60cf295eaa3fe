"""`coolhead plan init`: a plan for one's own brand, from a few answers."""

import hashlib
import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from coolhead import plan as plans
from coolhead import plan_files
from coolhead.errors import ConfigError
from coolhead.plan import Plan

SHIPPED = Path(__file__).parents[1] / "plan"
"""The plan that comes with Coolhead: its rules are where every plan begins."""


MORE = """\
# A market may have more; put it beside its `sources`, without the #:
#    calendar:          # when much is said as expected: rules that watch volume keep quiet, those that watch negativity do not
#    - {name: summer sale, start: 2026-07-04, end: 2026-07-11}
#    red_lines:         # what must be verified if one credible person says it once; the owner is a person or a role
#    - name: harm to somebody
#      severity: S4
#      owner: crisis_lead
#      terms: {en: {any_of: [poisoned, glass in]}}
#    known_episodes:    # days that were a crisis, or were none: `coolhead replay` holds rules against them
#    - {start: 2025-11-03, end: 2025-11-05, crisis: true, note: recall}
#    - {start: 2025-12-12, end: 2025-12-12, crisis: false, note: giveaway}
"""
"""What every brands.yaml ends with: keys that nobody is asked for."""


@dataclass(frozen=True)
class Answers:
    """What a plan needs to know."""

    brand: str
    terms: tuple[str, ...]
    languages: tuple[str, ...]
    time_zone: str
    email: str
    feeds: tuple[str, ...] = ()
    mastodon: str = ""
    hashtags: tuple[str, ...] = ()
    allow_private: bool = False


def slug(name: str) -> str:
    """A market id from a name: Żabka Polska = zabka-polska."""
    plain = unicodedata.normalize("NFKD", name.replace("ł", "l").replace("Ł", "L")).encode("ascii", "ignore").decode()
    # A name in another script has no letter left; two such names must not become one market.
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60] or f"brand-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def write(folder: Path, answers: Answers) -> Plan:
    """Write and check a plan. Raises ConfigError where one is there already, or an answer cannot be used."""
    if (folder / "brands.yaml").exists():
        raise ConfigError(f"{folder / 'brands.yaml'} is there already; edit it, or remove the folder to begin again")
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        _dump(fresh / "brands.yaml", "Whom we listen for, and where", _brands(answers), MORE)
        for name in ("rules.yaml", "rules_test.yaml"):
            shutil.copy(SHIPPED / name, fresh / name)
        shutil.copytree(SHIPPED / "playbooks", fresh / "playbooks")
        _dump(
            fresh / "escalation.yaml",
            "Who is told, in which order, how; `id` is the person's user in Airflow",
            _escalation(answers, folder),
        )
        plan = plan_files.load(fresh)  # checked before it takes its place: a wrong answer leaves no half plan behind
    except ConfigError as error:
        shutil.rmtree(fresh)
        raise ConfigError(str(error).replace(str(fresh), str(folder))) from None
    folder.mkdir(parents=True, exist_ok=True)
    for path in fresh.iterdir():
        shutil.move(path, folder / path.name)
    fresh.rmdir()
    return plan


def add_brand(
    folder: Path, brand: str, languages: tuple[str, ...] = ("en",), time_zone: str = "UTC", terms: tuple[str, ...] = ()
) -> Plan:
    """The plan of the folder with a brand in it that listens to dropped files only; a plan is made where there is none."""
    if not (folder / "brands.yaml").exists():
        return write(folder, Answers(brand, terms or (brand,), languages, time_zone, "nobody@localhost.example"))
    plan = plan_files.load(folder)
    if any(m.id == slug(brand) for m in plan.markets):
        return plan
    path = folder / "brands.yaml"
    before = path.read_text(encoding="utf-8")
    content = yaml.safe_load(before)
    answers = Answers(brand, terms or (brand,), languages, time_zone, "")
    content["brands"] += _brands(answers)["brands"]
    _dump(path, "Whom we listen for, and where", content, MORE)
    try:
        return plan_files.load(folder)
    except ConfigError:
        path.write_text(before, encoding="utf-8")
        raise


def _dump(path: Path, title: str, content: dict[str, Any], more: str = "") -> None:
    text = f"# {title}. `coolhead plan check` finds mistakes.\n" + yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True, width=120
    )
    path.write_text(text + more, encoding="utf-8")


def _brands(a: Answers) -> dict[str, Any]:
    sources: dict[str, Any] = {"files": {}}
    if a.feeds:
        sources["feed"] = {"urls": list(a.feeds)}
    if a.mastodon:
        sources["mastodon"] = {"base_url": a.mastodon, "hashtags": list(a.hashtags) or [_hashtag(a.brand)]}
    market = {
        "id": slug(a.brand), "time_zone": a.time_zone, "languages": list(a.languages),
        "terms": {"any_of": list(a.terms)}, "own_accounts": {}, "sources": sources,
    }  # fmt: skip
    network = {"network": {"allow_private": True}} if a.allow_private else {}
    return {**network, "brands": [{"name": a.brand, "markets": [market]}]}  # the market last: MORE follows it


def _hashtag(brand: str) -> str:
    """As Mastodon writes it, without accents; a name in another script as it is."""
    plain = slug(brand)
    return re.sub(r"\W", "", brand) if plain.startswith("brand-") else plain.replace("-", "")


def _escalation(a: Answers, folder: Path) -> dict[str, Any]:
    addresses = {"email": a.email, "folder": str(folder.parent / "notices")}
    return {
        "people": [{
            "id": "admin", "name": a.email.partition("@")[0], "roles": list(plans.REQUIRED_ROLES), "addresses": addresses,
        }],
        "steps": [{"notify": ["duty_lead"], "channels": ["folder", "email"], "wait_minutes": 15}],
    }  # fmt: skip
