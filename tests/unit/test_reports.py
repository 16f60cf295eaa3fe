"""The daily brief and the post-incident review: what they say equals the store, unknown is never 0, nothing is loaded."""

import csv
import io
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import sqlalchemy as sa

from coolhead import incidents, registry
from coolhead.clock import Fixed
from coolhead.measuring import Measurer
from coolhead.plan import Market, Plan, Watched
from coolhead.reports import daily, review
from coolhead.reports._page import change, duration, interval, percent, quote, table, web_link
from coolhead.rows import (
    ALL,
    CollectionLog,
    Decision,
    Dirty,
    Follower,
    Incident,
    IncidentEvent,
    KpiPoint,
    Label,
    Match,
    Mention,
    Notice,
    Quarantined,
    Score,
    Signal,
    Tombstone,
    Ungrouped,
    key_of,
)
from coolhead.schema import Row
from coolhead.store import Store, migrate
from coolhead.topics import group_all
from coolhead.windows import floor

DAY = date(2026, 3, 25)
START = datetime(2026, 3, 24, 23, tzinfo=UTC)
"""Midnight in Rome."""
END = START + timedelta(days=1)
AS_OF = END + timedelta(hours=6)
LINEAR = registry.load("sentiment", "linear")
POLARITY: dict[Label, float | None] = {"negative": -0.8, "neutral": 0.0, "positive": 0.8, "unscored": None}

PLAN = Plan.model_validate({
    "brands": {"brands": [{"name": "Zefirella & Figli", "markets": [{
        "id": "zefirella-it", "time_zone": "Europe/Rome", "languages": ["it"], "terms": {"any_of": ["zefirella"]},
        "sources": {
            "mastodon": {"base_url": "https://social.example", "hashtags": ["zefirella"]},
            "feed": {"urls": ["https://alerts.example/feed"]},
        },
    }]}]},
    "rules": {"rules": [{"name": "flood", "rule": "threshold", "severity": "S2", "kpi": "volume", "above": 50}]},
    "escalation": {
        "people": [{"id": "ada", "name": "Ada Rossi", "roles": ["duty_lead", "crisis_lead", "spokesperson"], "addresses": {"email": "ada@example.org"}}],
        "steps": [{"notify": ["duty_lead"], "channels": ["email"], "wait_minutes": 5}],
    },
})  # fmt: skip
MARKET: Market = PLAN.markets[0]


class Shop:
    """A store and what happens in it."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'store.db'}"
        migrate(url)
        self.store, self.number, self.folder = Store(url), 0, folder

    def say(
        self, at: datetime, label: Label | None = "neutral", text: str = "Zefirella", author: str | None = "a", audience: int | None = 100,
        own: bool = False, source: str = "mastodon", url: str | None = None, parent: str | None = None, lang: str = "it",
    ) -> Mention:  # fmt: skip
        self.number += 1
        m = Mention(
            source=source, day=at.date(), native_id=str(self.number), published_at=at, known_at=at, payload_id="p", text=text,
            url=url, author=author, audience=audience, likes=1, own=own, parent=parent, gated=True,
        )  # fmt: skip
        rows: list[Row] = [m, Match(**key_of(m), market=MARKET.id, published_at=at, matched_by="zefirella")]
        if label:
            score = POLARITY[label]
            rows.append(Score(
                **key_of(m), scorer=LINEAR.name, revision=LINEAR.revision, label=label, polarity=score,
                confidence=None if score is None else 0.9, lang=lang, known_at=at,
            ))  # fmt: skip
        self.store.upsert([*rows, Dirty(market=MARKET.id, start=floor(at), mark="m")])
        return m

    def listen(
        self,
        start: datetime,
        end: datetime,
        ok: bool = True,
        sources: Iterable[str] = ("mastodon", "feed"),
        error: str = "",
        assumed: bool = False,
    ) -> None:
        self.store.upsert(
            CollectionLog(
                source=s, market=MARKET.id, start=start, end=end, ok=ok, error=error or None, known_at=end + timedelta(minutes=1), assumed=assumed
            )
            for s in sources
        )  # fmt: skip

    def measure(self, as_of: datetime = AS_OF) -> None:
        Measurer.of(self.store, PLAN, MARKET).measure(Fixed(as_of))

    def brief(self, day: date = DAY, as_of: datetime = AS_OF) -> str:
        return daily.build(self.store, PLAN, MARKET, day, as_of)

    def point(self, kpi: str, start: datetime = START) -> KpiPoint:
        near = daily._only(daily.local_day(start.astimezone(UTC).date() + timedelta(days=1), MARKET.time_zone))
        (found,) = self.store.read(KpiPoint, kpi=kpi, grain="day", start=near, source=ALL, lang=ALL)
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Iterable[Shop]:
    made = Shop(tmp_path)
    yield made
    made.store.close()


def words(page: str) -> str:
    """The page as a reader sees it: no style, no tags, plain spaces."""
    text = re.sub(r"<(style|svg)\b.*?</\1>", " ", page, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).replace("\xa0", " ").split())


def tile(page: str, title: str) -> str:
    return next(words(t) for t in page.split(r'<div class="tile"')[1:] if f'class="name">{title}<' in t)


def a_day(shop: Shop) -> None:
    """40 mentions at noon by 20 authors: 24 negative, 10 neutral, 4 positive, 2 not scored; 30 with an audience of 100."""
    shop.listen(START - timedelta(days=1), END)
    labels: list[Label | None] = ["negative"] * 24 + ["neutral"] * 10 + ["positive"] * 4 + [None] * 2  # type: ignore[list-item]
    for i, label in enumerate(labels):
        shop.say(START + timedelta(hours=12, minutes=i), label, author=f"author-{i % 20}", audience=100 if i < 30 else None)
    shop.say(START + timedelta(hours=13), "positive", "Grazie!", author="brand", own=True)


def test_numbers_are_the_stores(shop: Shop) -> None:
    a_day(shop)
    shop.store.upsert(
        Follower(market=MARKET.id, source="mastodon", account="z", at=at, followers=n)
        for at, n in ((START - timedelta(hours=1), 1000), (END - timedelta(hours=1), 950))
    )
    shop.measure()
    page = shop.brief()
    share = shop.point("negative_share")
    assert share.value == pytest.approx(24 / 38) and share.n == 38
    assert "63 %" in tile(page, "Negative share") and "n 38" in tile(page, "Negative share")
    assert f"{100 * (share.low or 0):.0f} to {100 * (share.high or 0):.0f}" in tile(page, "Negative share")
    assert "Mention volume 40 " in tile(page, "Mention volume") + " "
    assert "Unique authors 20 " in tile(page, "Unique authors") + " "
    assert "3,000 known for 75 % of mentions" in tile(page, "Potential reach, total")
    assert "−50 rate −5.0 %" in tile(page, "Follower net change")
    assert "95 %" in tile(page, "Scored coverage")
    assert "−0.71" in tile(page, "Net sentiment, polar") and "(P - N) / (P + N)" in tile(page, "Net sentiment, polar")
    assert "low n" not in page.replace("low_n", "")
    assert "Own posts 1" in tile(page, "Own posts") and "Grazie!" in page
    real = shop.point("negative_prevalence")
    assert None not in (real.value, real.low, real.high) and real.parts["general"] == 38
    said = words(f"{percent(real.value)} ({interval(real.low, real.high, 'share')}, general, n 38)")
    assert words(page).count(f"Negative share: read 63 %, corrected {said}, usual not known yet: no incident.") == 1
    assert "general: by public texts, not yet by your labels" in tile(page, "Negative prevalence, corrected")


def test_what_it_was_about(shop: Shop) -> None:
    """A complaint of many in their words, praise to thank for, and copies of one text within a minute."""
    shop.listen(START - timedelta(days=1), END)
    for i in range(6):
        shop.say(
            START + timedelta(hours=12, minutes=i),
            "negative",
            f"Zefirella: vasetto di plastica rotto, lotto {i}",
            f"author-{i}",
        )
    for i in range(5):
        shop.say(
            START + timedelta(hours=15, seconds=i),
            "negative",
            "Zefirella vergogna, boicottiamo tutti il gelato oggi stesso!",
            f"copy-{i}",
        )
    shop.say(START + timedelta(hours=16), "positive", "Zefirella, il limone migliore di sempre, grazie!", "fan", 9_000)
    starts = {floor(START + timedelta(hours=h, minutes=m)) for h in (12, 15, 16) for m in (0, 5)}
    shop.store.upsert(Ungrouped(market=MARKET.id, start=s, mark="m") for s in starts)
    group_all(shop.store, PLAN, Fixed(AS_OF))
    shop.measure()
    page = words(shop.brief())
    about, thanks = page.index("What it was about"), page.index("Worth a thank-you")
    assert "plastica" in page[about : about + 400] and "6 of 6" in page[about:thanks]
    assert "5 accounts posted" in page and "never a verdict" in page
    assert "limone migliore" in page[thanks:]


def test_cold_baseline_says_so_and_compares_nothing(shop: Shop) -> None:
    a_day(shop)
    shop.measure()
    page = words(shop.brief())
    assert "Baseline not warm yet: 1 of 14 days; nothing is compared until then." in page
    assert "×" not in page.replace("audience × negativity", "") and "points)" not in page


def test_warm_baseline_is_the_median_of_usual_days(shop: Shop) -> None:
    shop.listen(START - timedelta(days=30), END)
    for back in range(1, 21):
        for i in range(4 if back != 3 else 60):  # one odd day moves no median
            shop.say(START - timedelta(days=back) + timedelta(hours=9, minutes=i), "negative" if i % 4 == 0 else "neutral")
    for i in range(10):
        shop.say(START + timedelta(hours=9, minutes=i), "negative")
    shop.measure()
    page = shop.brief()
    assert "Mention volume 10 usual 4 (×2.5)" in tile(page, "Mention volume")
    assert "low n" in tile(page, "Negative share") and "usual 25 % (+75 points)" in tile(page, "Negative share")
    assert "usual for the hour" in page


def test_blind_is_not_quiet(shop: Shop) -> None:
    shop.listen(START - timedelta(days=1), START)
    shop.listen(START, END, ok=False, error="GET https://social.example: 503")
    page = words(shop.brief())
    assert "Nothing was seen on this day: what people said is unknown, and this is not silence." in page
    assert "Mention volume unknown" in page and "Potential reach, total unknown" in page and "Own posts unknown" in page
    assert not re.search(r"Mention volume 0\b", page)
    assert "mastodon 00:00 to 24:00" in page and "GET https://social.example: 503" in page


def test_quiet_is_zero_and_shares_stay_unknown(shop: Shop) -> None:
    shop.listen(START - timedelta(days=1), END)
    page = words(shop.brief())
    assert "Nobody mentioned the brand, and every source was listening: no incident." in page
    assert "Mention volume 0" in page and "Own posts 0" in page
    assert "Negative share unknown" in page and "Mention polarity unknown" in page and "Follower net change unknown" in page


def test_partly_blind_counts_are_lower_bounds(shop: Shop) -> None:
    shop.listen(START - timedelta(days=1), START + timedelta(hours=8))
    shop.listen(START + timedelta(hours=8), START + timedelta(hours=10), ok=False, sources=["mastodon"], error="timed out")
    shop.listen(START + timedelta(hours=8), END, sources=["feed"])
    shop.listen(START + timedelta(hours=10), END, sources=["mastodon"])
    shop.say(START + timedelta(hours=12), "negative")
    shop.measure()
    page = shop.brief()
    assert "Seen in part: mastodon was blind 08:00 to 10:00." in words(page)
    assert "≥ 1" in tile(page, "Mention volume")
    assert "mastodon 08:00 to 10:00 2 h 00 min no limit is known timed out" in words(page)
    assert "blind</text>" in page  # in the figure
    assert "feed 0 unknown not known quiet: all of it was seen" in words(page)


def test_unknown_audience_is_unknown(shop: Shop) -> None:
    shop.listen(START - timedelta(days=1), END)
    shop.say(START + timedelta(hours=12), "negative", "no audience", audience=None)
    shop.measure()
    page = shop.brief()
    assert "Potential reach, total unknown known for 0 % of mentions" in tile(page, "Potential reach, total")
    assert "no audience a unknown" in words(page)


def test_what_is_stored_but_not_computed_is_said(shop: Shop) -> None:
    shop.listen(START - timedelta(days=1), END)
    shop.say(START + timedelta(hours=12), "negative")
    page = words(shop.brief())
    assert "1 mentions are stored, and their numbers are not computed yet." in page
    assert "1 windows of 5 minutes wait to be computed again" in page and "Mention volume unknown" in page


def test_drivers_rank_by_audience_times_negativity(shop: Shop) -> None:
    shop.listen(START - timedelta(days=1), END)
    at = START + timedelta(hours=12)
    shop.say(at, "positive", "loud and content", author="x", audience=10**7)
    shop.say(at, "negative", "small", author="b", audience=10)
    shop.say(at, "negative", "large " + "x" * 300, author="c", audience=10**6)
    shop.say(at, "negative", "unknown size", author="d", audience=None)
    shop.measure()
    page = shop.brief()
    block = page[page.index("What drove it") : page.index("Authors with the largest reach")]
    assert [block.index(t) for t in ("large", "small", "unknown size")] == sorted(
        block.index(t) for t in ("large", "small", "unknown size")
    )
    assert "loud and content" not in block and "x" * 194 not in block and "…" in block


def test_a_mention_is_text_and_never_markup(shop: Shop) -> None:
    shop.listen(START - timedelta(days=1), END)
    shop.say(
        START + timedelta(hours=12), "negative", '<script>alert(1)</script>"><img src=x onerror=y>', url="javascript:alert(1)"
    )
    shop.say(START + timedelta(hours=12), "negative", "fine", author="b", url="https://social.example/@b/1?a=1&b=2")
    shop.measure()
    page = shop.brief()
    assert "<script" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "javascript:" not in page
    assert '<a href="https://social.example/@b/1?a=1&amp;b=2" rel="noopener">' in page
    assert "Zefirella &amp; Figli" in page


class _Loads(HTMLParser):
    """What a page would fetch by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe", "object", "embed", "image"):
            self.found.append(tag)
        self.found += [f"{tag} {k}={v}" for k, v in attrs if k in ("src", "srcset", "background", "action", "data")]
        self.found += [
            f"{tag} {k}={v}" for k, v in attrs if k.endswith("href") and tag != "a" and not (v or "").startswith("#")
        ]


def loads(page: str) -> list[str]:
    parser = _Loads()
    parser.feed(page)
    return parser.found + re.findall(r"@import.*|url\((?!#)[^)]*\)", page)


def test_pages_load_nothing_and_are_the_same_bytes(shop: Shop) -> None:
    incident = a_crisis(shop)
    one, two = shop.brief(), shop.brief()
    assert one == two and loads(one) == []
    first, second = (review.build(shop.store, PLAN, incident, AS_OF) for _ in range(2))
    assert first == second and loads(first) == []
    for page in (one, first):
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert len(ids) == len(set(ids))
        assert {*re.findall(r'href="#([^"]+)"', page), *re.findall(r"url\(#([^)]+)\)", page)} <= set(ids)


def test_reports_read_only(shop: Shop) -> None:
    incident = a_crisis(shop)
    engine = sa.create_engine(shop.store.url)
    tables = sa.inspect(engine).get_table_names()

    def content() -> dict[str, list[str]]:
        with engine.connect() as c:
            return {t: [repr(r) for r in c.execute(sa.text(f'SELECT * FROM "{t}"'))] for t in tables}

    before = content()
    daily.write(shop.store, PLAN, MARKET, DAY, AS_OF, shop.folder)
    review.write(shop.store, PLAN, incident, AS_OF, shop.folder)
    assert content() == before
    engine.dispose()


def test_write_gives_a_page_and_a_csv_that_runs_no_formula(shop: Shop) -> None:
    shop.listen(START - timedelta(days=1), END)
    shop.say(START + timedelta(hours=12), "negative", lang="=1+1")
    shop.say(START + timedelta(hours=12), "negative", author="b", audience=None, lang="it")
    shop.measure()
    path = daily.write(shop.store, PLAN, MARKET, DAY, AS_OF, shop.folder)
    assert path == shop.folder / "daily" / "zefirella-it" / "2026-03-25.html" and path.read_text() == shop.brief()
    assert sorted(p.name for p in path.parent.iterdir()) == ["2026-03-25.csv", "2026-03-25.html"]
    rows = list(csv.DictReader(io.StringIO(path.with_suffix(".csv").read_text())))
    stored = shop.store.read(KpiPoint, grain="day")
    assert len(rows) == len(stored) > 0
    assert {r["lang"] for r in rows} == {"all", "it", "'=1+1"}
    by = {(r["kpi"], r["source"], r["lang"]): r for r in rows}
    assert by["net_sentiment_total", "all", "all"]["value"] == "-1.0"
    assert by["reach_total", "all", "it"]["value"] == "" and by["volume", "all", "it"]["value"] == "1.0"


def test_refused_rows_are_counted_by_reason(shop: Shop) -> None:
    shop.listen(START - timedelta(days=1), END)
    for i in range(5):
        at = START + timedelta(hours=1) if i else END  # the first of them on the day after
        shop.store.upsert([
            Quarantined(payload_id="p", item=f"row {i}", source="feed", origin="o", reason="text: <too long>", raw="{}", refused_at=at)
        ])  # fmt: skip
    page = shop.brief()
    assert "feed text: <too long> 4" in words(page) and "<too" not in page


def test_replies_inside_the_cool_off_are_counted(shop: Shop) -> None:
    incident = a_crisis(shop)
    late, early = START + timedelta(hours=14), START + timedelta(hours=15)
    for at, after in ((late, 16), (early, 5)):
        asked = shop.say(at, "negative", "Why?", author="asks")
        shop.say(at + timedelta(minutes=after), None, "We look into it", author="brand", own=True, parent=asked.native_id)
    text = words(review.build(shop.store, PLAN, incident, AS_OF))
    assert "no individual reply sooner than 15 min after the mention 1 sooner missed" in text


def test_a_day_of_23_hours(shop: Shop) -> None:
    spring = datetime(2026, 3, 28, 23, tzinfo=UTC)
    shop.listen(spring - timedelta(days=1), spring + timedelta(hours=23))
    shop.say(spring + timedelta(hours=22, minutes=30), "negative", "before midnight")
    shop.say(spring + timedelta(hours=23, minutes=30), "negative", "after midnight")
    shop.measure(spring + timedelta(days=2))
    page = shop.brief(date(2026, 3, 29), spring + timedelta(days=2))
    assert "before midnight" in page and "after midnight" not in page and "23:30" in page


def a_crisis(shop: Shop) -> Incident:
    """Noon: 40 mentions; detected 12:20 local, taken 12:28, assessed 12:33, answered 12:45; closed after the day."""
    a_day(shop)
    shop.say(
        START + timedelta(hours=12, minutes=45), "positive", "We are sorry. Do not drink batch L1.", author="brand", own=True
    )
    shop.measure()
    noon = START + timedelta(hours=12)
    found = Incident(
        incident_id="11111111-2222-5333-8444-555555555555", market=MARKET.id, title="Zefirella: flood", state="detected",
        severity="S3", severity_proposed="S3", reasons=[{"rule": "flood", "severity": "S3", "at": noon.isoformat(), "reason": "many"}],
        policy=incidents.policy_of(PLAN, MARKET), onset_at=noon, detected_at=noon + timedelta(minutes=20),
    )  # fmt: skip
    me, m = found.incident_id, lambda minutes: noon + timedelta(minutes=minutes)
    signals = [
        Signal(
            market=MARKET.id, rule="flood", start=m(k), severity="S3", reason=f"volume {k}", kpi="volume", value=k, threshold=1,
            as_of=m(k + 5), incident_id=me,
        )
        for k in (15, 20, 25)
    ]  # fmt: skip
    sent = Notice(
        incident_id=me, step="acknowledge", repetition=0, receiver="ada", channel="email", address="ada@example.org", subject="[S3 crisis]",
        body="b", intended_at=m(21), status="sent", sent_at=m(21) + timedelta(seconds=3), receipt="250 Ok: queued as 4F1A2",
    )  # fmt: skip
    late = IncidentEvent(incident_id=me, at=m(25), kind="timeout-acknowledge-0", detail="nobody answered")
    shop.store.upsert([found, *signals, sent, late])
    incidents.decide(shop.store, me, "1", "acknowledge", "Ada Rossi", m(28))
    incidents.decide(
        shop.store, me, "2", "assess", "Ada Rossi", m(33), "three accounts", details={"severity": "S3", "cause": "leak"}
    )
    statement = {"statement": "We are sorry. <b>Do not drink</b> batch L1."}
    incidents.decide(shop.store, me, "3", "respond", "Ada Rossi", m(44), details=statement, choice="Approve statement")
    (now,) = shop.store.read(Incident, incident_id=me)
    shop.store.upsert([now.model_copy(update={"responded_at": m(45)})])
    said = {"root_cause": "a valve", "action": "test the valve", "action_owner": "Bo", "action_due": "2026-04-10"}
    incidents.decide(shop.store, me, "4", "close", "Bo Kowalski", END + timedelta(hours=1), "calm", details=said)
    return shop.store.read(Incident, incident_id=me)[0]


def test_review_fills_its_facts_in(shop: Shop) -> None:
    page = review.build(shop.store, PLAN, a_crisis(shop), AS_OF)
    text = words(page)
    assert "acknowledged after 8 min (target 5 min: missed); assessed after 13 min (target 15 min: met)" in text
    assert "first public response after 25 min (target 30 min: met)" in text
    assert "40 mentions" in text and "24 negative (63 %, 47 to 77, n 38)" in text
    assert "T5 contained not by 26 Mar 01:00 ≥ 12 h 40 min" in text  # stands still when it is closed
    assert "Recorded breaches: 25 Mar 12:25 timeout-acknowledge-0: nobody answered." in text
    assert "Rule flood fires first volume 15" in text and "Rule flood fires last 3 times in all" in text
    assert "Notice to Ada Rossi by email: acknowledge sent after 3 s: 250 Ok: queued as 4F1A2" in text
    assert "&lt;b&gt;Do not drink&lt;/b&gt;" in page and "<b>Do not" not in page
    assert "a valve" in text and "test the valve Bo 2026-04-10" in text and "What went well Not said yet." in text
    decisions = shop.store.read(Decision)
    assert all(d.hash[:10] in page for d in decisions) and "verified: all 4 decisions" in text
    assert "Follower net change unknown" in text
    for name in ("T1 detected", "T2 acknowledged", "T4 first public response"):
        assert f"{name}</text>" in page


def test_review_names_the_decision_that_was_changed(shop: Shop) -> None:
    incident = a_crisis(shop)
    second = shop.store.read(Decision)[1]
    shop.store.upsert([second.model_copy(update={"reason": "something else"})])
    text = words(review.build(shop.store, PLAN, incident, AS_OF))
    assert "BROKEN at decision 2 of 4" in text and "the chain of decisions verifies no missed" in text


def test_an_earlier_as_of_knows_nothing_later(shop: Shop) -> None:
    incident = a_crisis(shop)
    text = words(review.build(shop.store, PLAN, incident, START + timedelta(hours=12, minutes=30)))
    assert "acknowledged · Europe/Rome" in text and "This incident is not closed" in text
    assert "a valve" not in text and "Approve statement" not in text
    assert "no assessment: ≥ 10 min (target 15 min: still running)" in text
    assert "S3 crisis since 12:00, acknowledged" in words(shop.brief(as_of=START + timedelta(hours=12, minutes=30)))


def test_brief_names_the_incident(shop: Shop) -> None:
    a_crisis(shop)
    text = words(shop.brief())
    assert "usual not known yet: S3 crisis since 12:00, closed." in text
    assert "acknowledged after 8 min, assessed after 13 min, answered after 25 min" in text


def test_a_drill_says_so_and_claims_no_impact(shop: Shop) -> None:
    a_day(shop)
    shop.measure()
    drill = incidents.report(shop.store, PLAN, MARKET, "Ada Rossi", START + timedelta(hours=12), "rehearsal", drill=True)
    page = review.build(shop.store, PLAN, drill, AS_OF)
    text = words(page)
    assert "DRILL: nothing here happened" in text and "no real mention belongs to it" in text
    assert "Impact" not in text and "<svg" not in page and "24 negative" not in text
    assert "no incident." in words(shop.brief()) and "DRILL S2 paracrisis" in words(shop.brief())


def test_a_report_by_a_person_without_any_mention(shop: Shop) -> None:
    shop.listen(START - timedelta(days=1), END, assumed=True)
    found = incidents.report(shop.store, PLAN, MARKET, "Ada Rossi", START + timedelta(hours=12), "a journalist called")
    text = words(review.build(shop.store, PLAN, found, START + timedelta(hours=14)))
    assert (
        "T1 detected a journalist called" in text and "no first public response: ≥ 2 h 00 min (target 30 min: missed)" in text
    )
    assert "0 mentions" not in text  # it lasts: the last minutes may still bring some
    over = found.model_copy(update={"state": "closed", "closed_at": START + timedelta(hours=14)})
    shop.store.upsert([over])
    text = words(review.build(shop.store, PLAN, over, START + timedelta(hours=15)))
    assert "0 mentions" in text and "potential reach 0." in text and "How large 0 mentions; 0 negative; 0 authors" in text


def test_words_for_numbers() -> None:
    assert [percent(v) for v in (None, 0.0, 0.0003, 0.043, 0.706)] == ["unknown", "0\xa0%", "0.03\xa0%", "4.3\xa0%", "71\xa0%"]
    assert [change(v, 2) for v in (None, -0.001, 0.5, -1.25)] == ["unknown", "0.00", "+0.50", "−1.25"]
    assert duration(timedelta(minutes=125)).replace("\xa0", " ") == "2 h 05 min"
    assert len(quote("x" * 500)) == 200
    assert web_link("javascript:alert(1)") is None and web_link("https://") is None and web_link(None) is None
    assert web_link("https://[bad") is None and web_link("HTTPS://a.example/x") == "HTTPS://a.example/x"


def test_csv_cells() -> None:
    cells = next(
        csv.reader(io.StringIO(table(["h"], [["=1+1", "-2", "@x", "+3", "\tx", "plain", -2.5, None]]).split("\r\n", 1)[1]))
    )
    assert cells == ["'=1+1", "'-2", "'@x", "'+3", "'\tx", "plain", "-2.5", ""]


def with_rivals(*names: str) -> Plan:
    """The plan, whose market watches them on its Mastodon server."""
    watch = tuple(
        Watched(id=f"rival-{i}", name=name, terms=MARKET.terms, sources={"mastodon": MARKET.sources["mastodon"]})
        for i, name in enumerate(names)
    )
    brand = PLAN.brands.brands[0].model_copy(update={"markets": (MARKET.model_copy(update={"watch": watch}),)})
    return Plan(brands=PLAN.brands.model_copy(update={"brands": (brand,)}), rules=PLAN.rules, escalation=PLAN.escalation)


def rivals_day(shop: Shop, plan: Plan, as_of: datetime = AS_OF) -> list[list[str]]:
    page = daily.build(shop.store, plan, plan.markets[0], DAY, as_of)
    section = page.partition("<h2>Brands we watch</h2>")[2].partition("</table>")[0]
    return [[words(c) for c in re.findall(r"<td.*?</td>", row, re.S)] for row in re.findall(r"<tr>.*?</tr>", section, re.S)[1:]]


def test_brands_we_watch_stand_beside_by_how_much_is_said(shop: Shop) -> None:
    """Their numbers as they are seen: none is silence, blind is unknown, and a part is said to be one."""
    plan = with_rivals("Quiet & Sons", "<b>Loud</b>", "Blind", "Part")
    quiet, loud, blind, part = plan.markets[0].watched()
    a_day(shop)
    half = START + timedelta(hours=12)
    for market, polls in ((quiet, [(START, END, True)]), (loud, [(START, END, True)]), (blind, [(START, END, False)]), (part, [(START, half, True), (half, END, False)])):  # fmt: skip
        shop.store.upsert(
            CollectionLog(source="mastodon", market=market.id, start=s, end=e, ok=ok, error=None if ok else "503", known_at=e)
            for s, e, ok in polls
        )
    said = shop.store.read(Mention, own=False)
    for market, count in ((loud, 40), (part, 3)):
        shop.store.upsert(
            Match(**key_of(m), market=market.id, published_at=m.published_at, matched_by="x") for m in said[:count]
        )
        shop.store.upsert(Dirty(market=market.id, start=floor(m.published_at), mark="m") for m in said[:count])
        Measurer.of(shop.store, plan, market).measure(Fixed(AS_OF))
    shop.measure()
    rows = rivals_day(shop, plan)
    assert [row[:3] for row in rows] == [
        ["<b>Loud</b>", "40", "ok"], ["Part", "3", "partial"], ["Blind", "unknown", "blind"], ["Quiet & Sons", "0", "quiet"],
    ]  # fmt: skip
    assert rows[0][3].startswith("63 %")
    assert [row[3] for row in rows[2:]] == ["unknown", "unknown"]
    page = daily.build(shop.store, plan, plan.markets[0], DAY, AS_OF)
    assert "<b>Loud" not in page
    assert "Mention volume 40 " in tile(page, "Mention volume") + " "  # ours are as they were
    assert daily.build(shop.store, plan, plan.markets[0], DAY, AS_OF) == page


def test_a_brand_that_watches_nobody_has_no_such_section(shop: Shop) -> None:
    a_day(shop)
    shop.measure()
    assert "Brands we watch" not in shop.brief()
    assert "removed since" not in shop.brief()


def test_what_was_removed_since_still_counts_and_shows_no_word(shop: Shop) -> None:
    a_day(shop)
    loud = [shop.say(START + timedelta(hours=14), "negative", f"Zefirella bacherozzo {i}", audience=10**6, url="https://x.example/bacherozzo") for i in range(4)]  # fmt: skip
    shop.measure()
    before = shop.brief()
    assert "bacherozzo" in before
    with shop.store.writing() as writer:
        writer.bury([
            Tombstone(**key_of(m), gone_at=AS_OF, by=by, evidence="404")
            for m, by in zip(loud, ("author", "author", "brand", "unknown"), strict=True)
        ])  # fmt: skip
    page = shop.brief()
    assert (
        "4 of the day's mentions were removed since: 2 by their authors, 1 by us, "
        "1 by somebody: the network does not tell. They still count: they were said." in words(page)
    )
    assert "bacherozzo" not in page
    assert tile(page, "Mention volume") == tile(before, "Mention volume")
    assert tile(page, "Negative share") == tile(before, "Negative share")
