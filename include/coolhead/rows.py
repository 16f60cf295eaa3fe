"""Every row that Coolhead stores, declared once (see schema.py). One table per arrow of the data's way:

payload -> mention -> match, score -> kpi_point -> signal -> incident -> notice, decision -> brief, review
   \\-> collection_log  \\-> quarantine
"""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from coolhead.schema import Col, Row, Text, Utc

Polarity = Literal["negative", "neutral", "positive"]
Label = Literal["negative", "neutral", "positive", "unscored"]
Kind = Literal["complaint", "criticism", "question", "praise", "insult", "spam", "other"]
"""`criticism` is constructive, `insult` a troll's as well; `other` is none of these."""
Verdict = Literal["pending", "ok", "quiet", "partial", "blind"]
Grain = Literal["5min", "hour", "day"]
Severity = Literal["S0", "S1", "S2", "S3", "S4"]
Scope = Literal["stream", "source", "everybody"]
State = Literal[
    "detected", "acknowledged", "assessed", "responding", "contained", "recovered", "closed", "dismissed"
]  # fmt: skip

SEVERITY_NAMES = {"S0": "isolated", "S1": "issue", "S2": "paracrisis", "S3": "crisis", "S4": "critical"}
ALL = "all"
"""The value of a dimension that is summed over; never NULL."""

Name = Annotated[Text, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Key = Col(key=True)


class Payload(Row):
    """One raw answer of a source that has been parsed and committed; the bytes lie in the landing folder."""

    table_name: ClassVar[str] = "payload"
    payload_id: Annotated[str, Key, Field(description="sha256 of source and bytes")]
    source: Name
    fetched_at: Annotated[Utc, Col(merge="keep")]
    path: Annotated[str, Col(merge="keep"), Field(description="below the landing folder")]
    size: Annotated[Count, Field(description="bytes")]
    mentions: Annotated[Count, Field(description="rows accepted")]
    refused: Annotated[Count, Field(description="rows in the quarantine")]
    duplicates: Annotated[Count, Field(description="rows that an earlier row of the same payload already gave")] = 0


class MentionKey(Row):
    """What identifies a mention in the store."""

    table_name: ClassVar[str] = ""
    source: Annotated[Name, Key, Field(description="the plug-in that collected it")]
    day: Annotated[date, Key, Field(description="UTC day of its first recorded publication; a later edit keeps it")]
    native_id: Annotated[Text, Key, Field(min_length=1, max_length=512, description="the network's own id")]


class Mention(MentionKey):
    """One public post, comment, customer review or article that names the brand or is addressed to it."""

    table_name: ClassVar[str] = "mention"
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("published_at",), ("read_by", "published_at"))
    undone: ClassVar[dict[str, tuple[str, ...]]] = {"gated": ("published_at",)}
    published_at: Annotated[Utc, Col(merge="keep"), Field(description="when its author published it")]
    known_at: Annotated[Utc, Col(merge="keep"), Field(description="when we could first have seen it")]
    known_assumed: Annotated[bool, Col(merge="keep"), Field(description="known_at is publication plus lag")] = False
    payload_id: Annotated[str, Col(merge="keep"), Field(description="first payload that held it")]
    text: Annotated[Text, Field(max_length=65_536)]
    lang: Annotated[Text | None, Field(max_length=20, description="as the network declares it"), Col(merge="fill")] = None
    url: Annotated[Text | None, Field(max_length=4_096), Col(merge="fill")] = None
    author: Annotated[Text | None, Field(max_length=64, description="pseudonym: keyed hash"), Col(merge="fill")] = None
    audience: Annotated[Count | None, Col(merge="fill"), Field(description="followers of the author then; null: unknown")] = (
        None
    )
    author_since: Annotated[Utc | None, Col(merge="fill"), Field(description="when the author's account was made")] = None
    likes: Annotated[Count | None, Col(merge="fill")] = None
    comments: Annotated[Count | None, Col(merge="fill")] = None
    shares: Annotated[Count | None, Col(merge="fill")] = None
    own: Annotated[bool, Col(merge="greatest"), Field(description="by one of the brand's own accounts")] = False
    repost_of: Annotated[Text | None, Field(max_length=512), Col(merge="fill")] = None
    parent: Annotated[Text | None, Field(max_length=512, description="native id that it answers"), Col(merge="fill")] = None
    edited_at: Annotated[Utc | None, Col(merge="fill")] = None
    gated: Annotated[bool, Col(merge="keep"), Field(description="the quality gate has seen it")] = False
    read_by: Annotated[
        Name | None, Col(merge="keep"), Field(description="scorer/revision that was active when it was last read")
    ] = None


class Match(MentionKey):
    """One mention concerns one market, and why."""

    table_name: ClassVar[str] = "match"
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("market", "published_at"),)
    market: Annotated[Name, Key]
    published_at: Annotated[Utc, Col(merge="keep")]
    matched_by: Annotated[
        Text, Col(merge="keep"), Field(description="the terms of the plan, or what addressed it to the brand")
    ]


class Tombstone(MentionKey):
    """A mention that vanished from its network: what it said is gone with it, that it was said stays."""

    table_name: ClassVar[str] = "tombstone"
    gone_at: Annotated[Utc, Col(merge="keep"), Field(description="when we noticed")]
    by: Annotated[
        Literal["author", "brand", "network", "unknown"], Field(description="who removed it, as far as the network tells")
    ]
    evidence: Annotated[Text, Field(max_length=500, description="what the network answered")]


class Score(MentionKey):
    """What one scorer's revision read in one mention. `unscored` is a state of its own, never neutral."""

    table_name: ClassVar[str] = "score"
    scorer: Annotated[Name, Key]
    revision: Annotated[Name, Key]
    label: Label
    polarity: Annotated[float | None, Field(ge=-1, le=1, description="P(positive) - P(negative); null: unscored")] = None
    confidence: Annotated[float | None, Field(ge=0, le=1, description="probability of the label")] = None
    lang: Annotated[Text, Field(max_length=20, description="language as identified, `other` or `unknown`")]
    lang_confidence: Annotated[
        float | None, Field(ge=0, le=1, description="of the language; null: declared by the network")
    ] = None
    known_at: Annotated[Utc, Col(merge="keep")]


class PersonLabel(MentionKey):
    """What a person read in one mention: it overrides every scorer from then on; of several the newest counts."""

    table_name: ClassVar[str] = "label"
    by: Annotated[Name, Key, Field(description="who")]
    at: Annotated[Utc, Key, Field(description="when")]
    label: Polarity
    kind: Kind | None = None
    sample: Annotated[Name | None, Field(description="the random sample it was drawn in; null: picked by a person")] = None
    stale: Annotated[bool, Field(description="the text was edited since: it counts no more")] = False


class Drawn(MentionKey):
    """One mention that was drawn at random for people to label: only such labels tell how often the scorer errs."""

    table_name: ClassVar[str] = "drawn"
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("market",),)
    market: Annotated[Name, Key]
    sample: Annotated[Name, Field(description="the month it was drawn from; with -2, -3 where more were asked for")]
    lang: Annotated[Text, Field(max_length=20, description="as identified when it was drawn")]
    read: Annotated[Polarity, Field(description="by the scorer when it was drawn")]
    among: Annotated[Count, Field(description="texts of that language and reading that it was drawn among")]
    known_at: Annotated[Utc, Col(merge="keep")]


class CommentKind(MentionKey):
    """What kind of comment one mention is, as the reader (kinds.py) has it."""

    table_name: ClassVar[str] = "comment_kind"
    revision: Annotated[Name, Field(description="of the reader")]
    kind: Kind
    confidence: Annotated[float, Field(ge=0, le=1)]
    emotional: Annotated[float | None, Field(ge=0, le=1, description="0 factual, 1 emotional; null: nothing tells")] = None
    sarcasm: Annotated[bool, Field(description="perhaps: a hint of low confidence, never more")] = False
    known_at: Annotated[Utc, Col(merge="keep")]


class Topic(Row):
    """What many mentions of one market and one local day are about."""

    table_name: ClassVar[str] = "topic"
    market: Annotated[Name, Key]
    day: Annotated[date, Key, Field(description="local day of the market")]
    topic: Annotated[Name, Key, Field(description="short hash of its first mention")]
    terms: Annotated[list[Any], Field(description="telling terms, the most telling first")]
    continues: Annotated[Name | None, Field(description="topic of a day before that it goes on from")] = None
    first_at: Utc
    last_at: Utc
    mentions: Count
    duplicates: Annotated[Count, Field(description="of them near-duplicates of another")] = 0
    authors: Count
    reach: Annotated[Count | None, Field(description="sum of the known audiences; null: none is known")] = None
    negative: Count = 0
    positive: Count = 0
    parts: Annotated[dict[str, Any], Field(description="by 5 minutes: mentions, duplicates, reach, negative, positive")] = {}
    owner: Annotated[Name | None, Field(description="person or role of the plan")] = None
    known_at: Annotated[Utc, Col(operational=True)]


class InTopic(MentionKey):
    """One mention belongs to one topic of one market."""

    table_name: ClassVar[str] = "in_topic"
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("market", "published_at"), ("market", "topic", "published_at", "author"))
    market: Annotated[Name, Key]
    published_at: Annotated[Utc, Col(merge="keep")]
    known_at: Annotated[Utc, Col(merge="keep"), Field(description="of the mention")]
    author: Annotated[Text | None, Field(max_length=64, description="pseudonym")] = None
    topic: Annotated[Name | None, Field(description="null: read, and about nothing that others speak of")]
    copy_of: Annotated[Text | None, Field(max_length=600, description="source:native_id of what it nearly repeats")] = None
    terms: Annotated[list[Any], Field(description="its telling terms, for what joins later")]


class TopicDay(Row):
    """Where the topics of one market and one local day stand: what the next mention of that day is compared with."""

    table_name: ClassVar[str] = "topic_day"
    market: Annotated[Name, Key]
    day: Annotated[date, Key, Field(description="local day of the market")]
    common: Annotated[dict[str, Any], Field(description="stem -> share of the mentions of the days before that hold it")]
    groups: Annotated[list[Any], Field(description="topics, and what may yet become one, the latest last")]


class AuthorDay(Row):
    """One author who mentioned one market on one local day."""

    table_name: ClassVar[str] = "author_day"
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("market", "author", "day"),)
    market: Annotated[Name, Key]
    day: Annotated[date, Key, Field(description="local day of the market")]
    source: Annotated[Name, Key]
    author: Annotated[Text, Key, Field(max_length=64, description="pseudonym")]
    mentions: Count
    audience: Annotated[Count | None, Field(description="greatest of the day; null: unknown")] = None
    first: Annotated[bool, Field(description="no mention of the brand in the 180 days before")]


class Quarantined(Row):
    """A refused row with its reason and its origin; nothing is thrown away."""

    table_name: ClassVar[str] = "quarantine"
    payload_id: Annotated[str, Key]
    item: Annotated[Text, Key, Field(max_length=600, description="`row N` of its payload, or `id N` of a stored mention")]
    source: Name
    origin: Annotated[Text, Field(description="file or address it came from")]
    reason: Annotated[Text, Field(description="field: what is wrong with it")]
    raw: Annotated[Text, Field(max_length=70_000, description="the row as ASCII JSON, cut where very long")]
    refused_at: Annotated[Utc, Col(merge="keep")]


class CollectionLog(Row):
    """What one poll of one source for one market covered, and how it ended."""

    table_name: ClassVar[str] = "collection_log"
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("market", "end"),)
    source: Annotated[Name, Key]
    market: Annotated[Name, Key]
    start: Annotated[Utc, Key]
    end: Annotated[Utc, Key]
    ok: Annotated[bool, Field(description="false: error; the span is unseen unless another poll covers it")]
    error: Annotated[Text | None, Field(max_length=1_000)] = None
    payloads: Count = 0
    rows: Annotated[Count, Field(description="mentions published in the span")] = 0
    newest: Annotated[Utc | None, Field(description="latest publication in the span")] = None
    known_at: Annotated[Utc, Field(description="when the poll ended, in domain time")]
    assumed: Annotated[bool, Field(description="the poll never happened: an import or a play covers the span")] = False
    quota: Annotated[Count | None, Col(operational=True), Field(description="requests left, as the network said last")] = None
    attempts: Annotated[Count, Col(operational=True)] = 1
    seconds: Annotated[float, Field(ge=0), Col(operational=True)] = 0.0


class Silence(Row):
    """A stretch in which the polls of a source succeeded and brought nothing, and the sentinel does not believe it."""

    table_name: ClassVar[str] = "silence"
    source: Annotated[Name, Key]
    market: Annotated[Name, Key]
    start: Annotated[Utc, Key]
    end: Annotated[Utc | None, Field(description="null: it lasts; the start: it was believed after all")] = None
    reason: Annotated[Text, Field(max_length=1_000)]
    scope: Annotated[Scope, Field(description="who was silent at once: over for all of them when one brings something")] = (
        "stream"
    )
    known_at: Annotated[Utc, Col(merge="keep"), Field(description="when it was judged")]
    over_at: Annotated[Utc | None, Field(description="when its end became known")] = None


class Outage(Row):
    """A stretch in which a source was blind, and who was told of it."""

    table_name: ClassVar[str] = "outage"
    source: Annotated[Name, Key]
    market: Annotated[Name, Key]
    start: Annotated[Utc, Key]
    end: Annotated[Utc | None, Field(description="null: still blind")] = None
    reason: Annotated[Text, Field(max_length=1_000)]
    refill_until: Annotated[Utc | None, Field(description="until when the network still has it; null: no limit is known")] = (
        None
    )
    told_at: Annotated[Utc | None, Col(merge="fill")] = None
    told_over_at: Annotated[Utc | None, Col(merge="fill"), Field(description="when it was told that it sees again")] = None


class Spent(Row):
    """Requests that were made in one stretch of a source's rate limit, by all tasks and workers together."""

    table_name: ClassVar[str] = "spent"
    connection: Annotated[Name, Key, Field(description="whose quota it is; with @host, what that host asked us to wait for")]
    start: Annotated[Utc, Key, Field(description="start of the stretch; of a host, when it may be asked again")]
    requests: Annotated[Count, Col(operational=True)]


class Cursor(Row):
    """Greatest position seen in one stream of one source; moves in the same transaction as the rows."""

    table_name: ClassVar[str] = "cursor"
    source: Annotated[Name, Key]
    market: Annotated[Name, Key]
    stream: Annotated[Text, Key, Field(max_length=1_000, description="a hashtag, a feed's address, a folder")]
    value: Annotated[Text, Field(max_length=4_096)]


class Follower(Row):
    """Followers of one own account as read at one time."""

    table_name: ClassVar[str] = "follower"
    market: Annotated[Name, Key]
    source: Annotated[Name, Key]
    account: Annotated[Name, Key]
    at: Annotated[Utc, Key]
    followers: Count


class Dirty(Row):
    """A base window whose KPI points must be computed (again); removed in the transaction that stores them."""

    table_name: ClassVar[str] = "dirty"
    market: Annotated[Name, Key]
    start: Annotated[Utc, Key]
    mark: Annotated[str, Field(description="new with every change, so that a change during a computation survives")]


class Ungrouped(Dirty):
    """A base window whose mentions must be put into topics (again); removed in the transaction that does it."""

    table_name: ClassVar[str] = "ungrouped"


class KpiPoint(Row):
    """One number. Sparse: an absent row in an `ok` or `quiet` window is 0 for counts, otherwise unknown."""

    table_name: ClassVar[str] = "kpi_point"
    market: Annotated[Name, Key]
    kpi: Annotated[Name, Key]
    grain: Annotated[Grain, Key]
    start: Annotated[Utc, Key]
    source: Annotated[Name, Key, Field(description="or `all`")]
    lang: Annotated[Name, Key, Field(description="or `all`")]
    version: Annotated[int, Key, Field(ge=1, description="of the KPI's definition")]
    revision: Annotated[Name, Key, Field(description="of the scorer, `-` where no score is read")]
    value: Annotated[float | None, Field(description="null where the denominator is zero")]
    n: Annotated[int, Field(ge=0, description="mentions behind the value")]
    low: Annotated[float | None, Field(description="95 % interval")] = None
    high: Annotated[float | None, Field(description="95 % interval")] = None
    parts: Annotated[dict[str, Any], Field(description="sums the value is made of; they add over windows")]
    quality: Annotated[Verdict, Field(description="what the sources saw in that span")]
    as_of: Annotated[Utc, Field(description="knows what was known then")]


class UsualDay(Row):
    """What one local day holds for what is usual later, frozen as known when the next day began."""

    table_name: ClassVar[str] = "usual_day"
    market: Annotated[Name, Key]
    day: Annotated[date, Key, Field(description="local day of the market")]
    revision: Annotated[Name, Key, Field(description="of the scorer that was active")]
    hours: Annotated[dict[str, Any], Field(description="KPI -> start of hour -> value; an hour without a mention is absent")]
    parts: Annotated[dict[str, Any], Field(description="additive KPI -> its sums over the day")]
    seen: Annotated[list[Any], Field(description="[start, end] of the stretches that all active sources saw")]
    as_of: Utc


class Seen(Row):
    """What the rules saw of one window: the trailing hour, as known then. Sparse: windows whose trailing hour holds a mention."""

    table_name: ClassVar[str] = "seen"
    market: Annotated[Name, Key]
    start: Annotated[Utc, Key]
    quality: Annotated[Verdict, Field(description="what the sources saw in that hour")]
    numbers: Annotated[dict[str, Any], Field(description="column of the rules' points -> number; unknown ones are absent")]
    evidence: Annotated[dict[str, Any], Field(description="topics, multipliers, red lines, networks, onset; never a text")]
    as_of: Utc
    judged_at: Annotated[
        Utc | None, Col(operational=True), Field(description="when the rules judged it: what people decided by then counted")
    ] = None


class Judged(Row):
    """How far the rules have judged a market, with their state; moves with the signals in one transaction."""

    table_name: ClassVar[str] = "judged"
    market: Annotated[Name, Key]
    through: Annotated[Utc, Field(description="windows before this are judged and never judged again")]
    state: Annotated[dict[str, Any], Field(description="by rule name")]


class Signal(Row):
    """A rule fired in a window."""

    table_name: ClassVar[str] = "signal"
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("market", "start"), ("incident_id", "severity", "start"))
    market: Annotated[Name, Key]
    rule: Annotated[Name, Key]
    start: Annotated[Utc, Key, Field(description="of the window it fired in")]
    topic: Annotated[Name, Key, Field(description="that it is about, or `all`: no one topic")] = ALL
    severity: Annotated[Severity, Field(description="as the rule proposes")]
    reason: Annotated[Text, Field(description="in words and numbers")]
    kpi: Name
    value: float
    threshold: float
    as_of: Utc
    muted_by: Annotated[
        Text | None, Field(description="mute that kept it quiet: it is counted, and opens and raises nothing")
    ] = None
    incident_id: Annotated[str | None, Col(merge="fill")] = None


class Mute(Row):
    """A person's word that some rules stay quiet for a time, with a reason and an end. Signals are recorded all the same."""

    table_name: ClassVar[str] = "mute"
    mute_id: Annotated[str, Key, Field(description="uuid5 of market, maker and time")]
    market: Name
    kind: Annotated[Literal["silence", "maintenance"], Field(description="a known noise, or a planned work of ours")]
    rules: Annotated[list[Any], Field(description="names; none: all of the market")]
    topic: Annotated[Name | None, Field(description="only signals of this topic")] = None
    owner: Annotated[Name, Field(description="person of the plan who answers for it")]
    reason: Annotated[Text, Field(min_length=1, max_length=1_000)]
    start: Utc
    end: Annotated[Utc, Field(description="never without one")]
    made_by: Name
    made_at: Utc
    ended_at: Annotated[Utc | None, Field(description="when a person ended it before its time")] = None
    ended_by: Name | None = None
    told_at: Annotated[Utc | None, Col(merge="fill"), Field(description="when its owner was told that it is over")] = None


class Incident(Row):
    """Signals of one cause over time, or what a person reported."""

    table_name: ClassVar[str] = "incident"
    incident_id: Annotated[str, Key, Field(description="uuid5 of market and first signal or report")]
    market: Name
    title: Annotated[Text, Field(max_length=300)]
    state: State
    severity: Severity
    severity_proposed: Severity
    reasons: Annotated[list[Any], Field(description="of the proposed severity, in words and numbers")]
    cause: Annotated[Text | None, Field(description="type of cause, set by a person")] = None
    commander: Text | None = None
    policy: Annotated[dict[str, Any], Field(description="escalation policy as it was when the incident opened")]
    drill: bool = False
    link: Annotated[Text | None, Field(max_length=4_096)] = None
    onset_at: Annotated[Utc, Field(description="T0")]
    detected_at: Annotated[Utc, Field(description="T1")]
    acknowledged_at: Annotated[Utc | None, Field(description="T2")] = None
    assessed_at: Annotated[Utc | None, Field(description="T3")] = None
    responded_at: Annotated[Utc | None, Field(description="T4")] = None
    contained_at: Annotated[Utc | None, Field(description="T5")] = None
    recovered_at: Annotated[Utc | None, Field(description="T6")] = None
    closed_at: Utc | None = None
    topic: Annotated[Name | None, Field(description="that its first signal is about; null: no one topic")] = None
    merged_into: Annotated[str | None, Field(description="incident that a person found to be of the same cause")] = None
    split_from: Annotated[str | None, Field(description="incident that a person took it out of")] = None


class Decision(Row):
    """A person's choice, with name, time and reason; append-only and hash-chained."""

    table_name: ClassVar[str] = "decision"
    seq: Annotated[int, Key, Field(ge=1)]
    incident_id: str
    step: Annotated[Name, Field(description="run of the step that asked, or the command that told")]
    kind: Name
    choice: Name
    by: Name
    at: Annotated[Utc, Field(description="when the person answered")]
    reason: Annotated[Text, Field(max_length=10_000)]
    details: Annotated[dict[str, Any], Field(description="the form as it was filled in")]
    subject_hash: Annotated[str, Field(description="sha256 of what was decided upon, as it was shown")]
    previous: Annotated[str, Field(description="hash of the decision before")]
    hash: Annotated[str, Field(description="sha256 of this row and `previous`")]


class Notice(Row):
    """One message to one receiver over one channel: intent first, receipt after."""

    table_name: ClassVar[str] = "notice"
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = (("status",),)
    incident_id: Annotated[str, Key]
    step: Annotated[Name, Key]
    repetition: Annotated[int, Key, Field(ge=0)]
    receiver: Annotated[Name, Key]
    channel: Annotated[Name, Key]
    address: Text
    subject: Text
    body: Text
    intended_at: Annotated[Utc, Col(merge="keep")]
    status: Literal["intended", "sent", "failed"]
    sent_at: Utc | None = None
    receipt: Annotated[Text | None, Field(description="what the other side answered, or the error")] = None
    attempts: Annotated[Count, Col(operational=True)] = 0


class IncidentEvent(Row):
    """Something that happened to an incident and is no decision and no notice: a time-out, a rise of severity."""

    table_name: ClassVar[str] = "incident_event"
    incident_id: Annotated[str, Key]
    at: Annotated[Utc, Key]
    kind: Annotated[Name, Key]
    detail: Text


class PlanVersion(Row):
    """A crisis plan that passed its check, whole, by hash; tasks run on the newest."""

    table_name: ClassVar[str] = "plan_version"
    plan_hash: Annotated[str, Key]
    loaded_at: Annotated[Utc, Field(description="when it last became the current one")]
    content: Annotated[dict[str, Any], Field(description="the files' content")]


TABLES: list[type[Row]] = [
    Payload, Mention, Match, Tombstone, Score, Drawn, PersonLabel, CommentKind, InTopic, Topic, TopicDay, AuthorDay, Quarantined, CollectionLog, Silence, Outage, Spent, Cursor, Follower, Dirty, Ungrouped, KpiPoint, UsualDay, Seen, Judged, Mute, Signal,
    Incident, Decision, Notice, IncidentEvent, PlanVersion,
]  # fmt: skip
"""In the order of the data's way."""


def key_of(row: MentionKey) -> dict[str, Any]:
    """The key columns that match, score and mention share."""
    return {"source": row.source, "day": row.day, "native_id": row.native_id}
