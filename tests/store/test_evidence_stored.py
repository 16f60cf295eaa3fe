"""What the rules see beside the numbers, and the anatomy of an incident, are the same from both databases."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from coolhead import evidence, trailing
from coolhead.anatomy import anatomy
from coolhead.clock import Fixed
from coolhead.incidents import policy_of
from coolhead.intake import dirty
from coolhead.plan import Plan
from coolhead.rows import AuthorDay, CommentKind, Incident, Match, Mention, PersonLabel, Score, key_of
from coolhead.sentiment import active
from coolhead.store import Store
from coolhead.topics import group_all
from coolhead.windows import BASE, GRACE, Window

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PERSON = {
    "id": "anna",
    "name": "Anna",
    "roles": ["duty_lead", "crisis_lead", "spokesperson"],
    "addresses": {"email": "a@z.example"},
}
PLAN = Plan.model_validate({
    "brands": {"brands": [{"name": "Zefirella", "markets": [{
        "id": "zefirella", "time_zone": "Europe/Rome", "languages": ["it"], "terms": {"any_of": ["zefirella"]}, "sources": {"feed": {}},
        "topics": [{"name": "smell", "owner": "anna", "terms": {"it": {"any_of": ["puzza"]}}}],
        "red_lines": [{"name": "harm", "severity": "S3", "owner": "anna", "terms": {"it": {"any_of": ["veleno"]}}}],
    }]}]},
    "rules": {"rules": [{"name": "flood", "rule": "threshold", "kpi": "volume", "above": 20, "severity": "S1"}]},
    "escalation": {"people": [PERSON], "steps": [{"notify": ["duty_lead"], "channels": ["email"]}]},
})  # fmt: skip
MARKET, SCORER = PLAN.markets[0], active(PLAN.brands.scorer)
Make = Callable[..., Any]


def fill(store: Store, mention: Make, match: Make, score: Make) -> None:
    """Three days on which some complain of a smell, and a noon on which four do, one of them of poison as well."""
    rows: list[Mention | Match | Score | CommentKind | AuthorDay | PersonLabel] = []
    said = [(-3 * DAY, 2), (-2 * DAY, 2), (-1 * DAY, 1), (timedelta(), 4)]
    for number, at in enumerate(NOON + day + n * MINUTE for day, times in said for n in range(times)):
        m = mention(
            f"{number}",
            at,
            text="puzza di veleno, Zefirella" if number == 5 else "puzza, Zefirella",
            author=f"a{number}",
            audience=number,
            gated=True,
        )
        rows += [m, match(m), score(m, scorer=SCORER.name, revision=SCORER.revision)]
        rows.append(CommentKind(**key_of(m), revision="1", kind="complaint", confidence=0.9, known_at=at))
    rows += [
        AuthorDay(
            market=MARKET.id, day=(NOON - DAY).date(), source="files", author=f"b{n}", mentions=1, audience=n, first=False
        )
        for n in range(9)
    ]
    rows.append(PersonLabel(**key_of(m), by="anna", at=NOON + 2 * MINUTE, label="negative", kind="question"))
    store.upsert([*rows, *dirty((MARKET.id, x.published_at) for x in rows if isinstance(x, Mention))])
    group_all(store, PLAN, Fixed(NOON + HOUR))


def test_evidence_is_the_same(store: Store, mention: Make, match: Make, score: Make) -> None:
    fill(store, mention, match, score)
    span = Window(NOON, NOON + BASE)
    mentions = store.mentions(MARKET.id, Window(NOON - HOUR, span.end), SCORER.name, SCORER.revision, span.end + GRACE)
    found = trailing.expanded(store, mentions, span)
    seen = evidence.of_windows(store, PLAN, MARKET, SCORER.name, SCORER.revision, found)[NOON]
    (topic,) = seen["topics"]
    assert (topic["topic"], topic["authors"], topic["authors_day"], topic["usual"], topic["reach"]) == ("smell", 4, 4, 2, 26)
    assert topic["terms"] == ["puzza"]
    assert [(m["audience"], m["top"], m["topic"]) for m in seen["multipliers"]] == [
        (8, True, "smell"),
        (7, False, "smell"),
        (6, False, "smell"),
        (5, False, "smell"),
    ]
    assert [(r["native_id"], r["why"]) for r in seen["red_lines"]] == [("5", "holds veleno")]
    assert (seen["networks"], seen["onset"]) == (["files"], NOON.isoformat())


def test_anatomy_is_the_same(store: Store, mention: Make, match: Make, score: Make) -> None:
    fill(store, mention, match, score)
    made = Incident(
        incident_id="1", market=MARKET.id, title="t", state="closed", severity="S2", severity_proposed="S2", reasons=[], topic="smell",
        policy=policy_of(PLAN, MARKET), onset_at=NOON, detected_at=NOON + 20 * MINUTE, closed_at=NOON + HOUR,
    )  # fmt: skip
    told = anatomy(store, PLAN, made, NOON + DAY)
    assert (told.mentions, told.authors, told.reach, told.topic) == (5, 5, 30, ("puzza",))  # from the day before on
    assert told.first and told.first.at == NOON - DAY
