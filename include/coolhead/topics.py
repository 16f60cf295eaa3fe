"""mention -> in_topic: what the mentions of a market's local day are about, grouped as they come in.

A mention is put into a topic once, in the order in which mentions became known (`known_at`, then publication, source, id), and
is never moved: the same mentions give the same topics in whatever portions they arrive, and a run costs what is new in it, not
what is stored. What arrives out of that order (an import into a day that was grouped already, an edited text) is put where it
belongs then, and re-elects nothing. What is undone stands in `ungrouped`, by windows, as for the KPIs.

What a term tells is judged by how usual it is: by a sample of the fourteen days before, as known when the day began, without
the two days in which it was most frequent, so that yesterday's firestorm does not make itself usual.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from coolhead import failpoint
from coolhead.clock import Clock
from coolhead.grouping import RARE, Groups, Key, Placed, Said
from coolhead.matching import forms, matched_by
from coolhead.plan import Market, Plan
from coolhead.rows import Cursor, InTopic, Mention, TopicDay, Ungrouped
from coolhead.sentiment import active
from coolhead.store import Store
from coolhead.telling_terms import stem, stems_of, terms
from coolhead.topic_rows import Seen, TopicRows, key_of
from coolhead.windows import Window, floor, local_day
from coolhead.writing import Writer

log = logging.getLogger(__name__)

BATCH = 2_000
"""Mentions of one transaction."""
DAYS_BEFORE, SAMPLED, SMALL_DAY, UNUSUAL_DAYS = 14, 200, 20, 2
"""Days that say what is usual, mentions of each that are looked at, how many it has at least by reckoning, and days that are
left out: those in which the term was most frequent."""


@dataclass(frozen=True)
class Grouped:
    """What one run did in one market."""

    market: str
    mentions: int
    topics: int


def group_all(store: Store, plan: Plan, clock: Clock) -> list[Grouped]:
    """Put all that is undone into topics; safe to kill and to run again. Other brands that are only watched have none.

    A market that fails holds up no other. Raises the first error after all were tried.
    """
    watched = [m.id for m in plan.listened if m not in plan.markets]
    if watched and store.count(Ungrouped, market=watched):
        with store.writing() as writer:
            writer.delete(Ungrouped, market=watched)
    out, errors = list[Grouped](), list[Exception]()
    for market in plan.markets:
        try:
            out.append(Grouping(store, plan, market, clock).run())
        except Exception as error:  # whatever it is: the other markets have topics too
            log.exception("the topics of %s failed", market.id)
            errors.append(error)
    if errors:
        raise errors[0]
    return out


class Grouping:
    """The topics of one market."""

    def __init__(self, store: Store, plan: Plan, market: Market, clock: Clock) -> None:
        self.store, self.market = store, market
        self.planned = plan.topics_of(market.id)
        self.brand = stems_of(forms(market.terms, market.languages))
        self.rows = TopicRows(store, market, active(plan.brands.scorer), self.planned, clock)

    def run(self) -> Grouped:
        self._tell_of_changes()
        zone = ZoneInfo(self.market.time_zone)
        marks = self.store.read(Ungrouped, market=self.market.id)
        placed = touched = 0
        errors: list[Exception] = []
        for day in sorted({m.start.astimezone(zone).date() for m in marks}):
            try:
                groups, seen, new = self._place(day)
                placed += new
                touched += self.rows.count(day, groups.terms(), seen)
            except Exception as error:  # a day that cannot be grouped holds up no other
                errors.append(error)
        if errors:
            raise errors[0]
        return Grouped(self.market.id, placed, touched)

    def _tell_of_changes(self) -> None:
        """A change of the plan's topics moves nothing that was placed before, and that is said once."""
        where = {"source": "topics", "market": self.market.id}
        now = {f"planned {t.name}": hashlib.sha256(t.model_dump_json().encode()).hexdigest() for t in self.planned}
        before = {c.stream: c.value for c in self.store.read(Cursor, **where)}
        changed = sorted(s for s in {*before, *now} if before.get(s) != now.get(s))
        if not changed:
            return
        if self.store.first(TopicDay, "day", market=self.market.id):
            log.warning(
                "%s: planned topics changed (%s): that holds for mentions that come from now on; those that have a topic keep it",
                self.market.id, ", ".join(s.removeprefix("planned ") for s in changed),
            )  # fmt: skip
        with self.store.writing() as writer:
            writer.delete(Cursor, **where, stream=[s for s in changed if s not in now])
            writer.upsert(Cursor(**where, stream=s, value=now[s]) for s in changed if s in now)

    def _place(self, day: date) -> tuple[Groups, Seen, int]:
        """Returns where the day stands then, what of it was seen, and how many were placed."""
        groups, rows = self._taken_up(day)
        seen = self.rows.seen(day)
        new = [_mention(m) for m in seen.undone() if m.gated]
        new.sort(key=lambda m: (m.known_at, m.published_at, m.source, m.native_id))
        for i in range(0, len(new), BATCH):
            batch = new[i : i + BATCH]
            also = self._placed(groups, batch, rows, local_day(day, self.market.time_zone))
            stands = TopicDay(market=self.market.id, day=day, common=groups.common, groups=groups.dump())
            failpoint.reached("topics.computed")
            with self.store.writing() as writer:
                same = len(writer.unchanged(batch)) == len(batch)
                if same:
                    self._write(writer, [*(rows[key_of(m)] for m in batch), stands], also)
                    failpoint.reached("topics.placed")
            if not same:  # a text was edited meanwhile: without it once more, it comes again when the gate has seen it
                groups, seen, more = self._place(day)
                return groups, seen, i + more
        seen.placed.update({k: rows[k] for k in (*seen.placed, *map(key_of, new)) if k in rows})
        return groups, seen, len(new)

    def _taken_up(self, day: date) -> tuple[Groups, dict[Key, InTopic]]:
        """Where the day stands, and the rows that it stands on."""
        found = self.store.read(TopicDay, market=self.market.id, day=day)
        groups = Groups(self.market.id, day.isoformat(), found[0].common if found else self._common(day))
        rows = {key_of(t): t for t in self._in_topic(Groups.keys(found[0].groups) if found else ())}
        if found:
            groups.load(found[0].groups, {k: (t.author, t.terms) for k, t in rows.items()})
        return groups, rows

    def _placed(
        self, groups: Groups, batch: Sequence[Mention], rows: dict[Key, InTopic], span: Window
    ) -> dict[str, list[InTopic]]:
        """Adds the rows of the batch; returns by topic those written before that belong to it from now on."""
        originals = self._originals(batch, span)
        rows |= {key: row for key, row in originals.items() if key not in rows}
        places = {(source, native_id): (source, day, native_id) for source, day, native_id in originals}
        mine = {key_of(m) for m in batch}
        also: dict[str, list[InTopic]] = {}
        for m in batch:
            said = self._said(m, places, rows)
            where = groups.add(said)
            rows[said.key] = self._row(m, said, where)
            places[m.source, m.native_id] = said.key
            for key in where.also:
                rows[key] = rows[key].model_copy(update={"topic": where.topic})
                if key not in mine:
                    also.setdefault(str(where.topic), []).append(rows[key])
        return also

    def _write(self, writer: Writer, rows: Sequence[Any], also: Mapping[str, Iterable[InTopic]]) -> None:
        writer.upsert(rows)
        for topic, members in also.items():
            for m in members:
                key = {"source": m.source, "day": m.day, "native_id": m.native_id}
                writer.update(InTopic, {"topic": topic}, market=self.market.id, **key)
            # their windows gained a topic, and are counted again
            starts = {floor(m.published_at) for m in members}
            writer.upsert(Ungrouped(market=self.market.id, start=s, mark=f"{topic}@{s.isoformat()}") for s in starts)

    def _said(self, m: Mention, places: Mapping[tuple[str, str], Key], rows: Mapping[Key, InTopic]) -> Said:
        holds = (t.name for t in self.planned if any(matched_by(m.text, w, (lang,)) for lang, w in t.terms.items()))
        repost_of = places.get((m.source, m.repost_of), (m.source, "", m.repost_of)) if m.repost_of else None
        original = rows.get(repost_of) if repost_of else None
        topic = original.topic if original else None
        return Said(key_of(m), m.author, terms(m.text, self.brand), next(holds, None), repost_of, topic)

    def _row(self, m: Mention, said: Said, where: Placed) -> InTopic:
        copy_of = f"{where.copy_of[0]}:{where.copy_of[2]}"[:600] if where.copy_of else None
        return InTopic(
            source=m.source, day=m.day, native_id=m.native_id, market=self.market.id, published_at=m.published_at,
            known_at=m.known_at, author=m.author, topic=where.topic, copy_of=copy_of, terms=list(said.terms),
        )  # fmt: skip

    def _in_topic(self, keys: Iterable[Key]) -> list[InTopic]:
        by_place: dict[tuple[str, str], list[str]] = {}
        for source, day, native_id in keys:
            by_place.setdefault((source, day), []).append(native_id)
        return [
            row
            for (source, day), ids in by_place.items()
            for row in self.store.read(
                InTopic, source=source, day=date.fromisoformat(day), native_id=ids, market=self.market.id
            )
        ]

    def _originals(self, batch: Sequence[Mention], span: Window) -> dict[Key, InTopic]:
        """Rows of what the batch reposts, of the same local day: another day's topics are not this one's."""
        wanted: dict[str, set[str]] = {}
        for m in batch:
            if m.repost_of:
                wanted.setdefault(m.source, set()).add(m.repost_of)
        days = [span.start.date() + timedelta(days=n) for n in (-1, 0, 1)]
        some = {"market": self.market.id, "day": days, "published_at": span}
        found = [t for source, ids in wanted.items() for t in self.store.read(InTopic, source=source, native_id=ids, **some)]
        return {key_of(t): t for t in found}

    def _common(self, day: date) -> dict[str, float]:
        """Stem -> share of the mentions of the days before that hold it, of those that hold it often enough to matter."""
        begin = local_day(day, self.market.time_zone).start
        shares: dict[str, list[float]] = {}
        days = 0
        for n in range(1, DAYS_BEFORE + 1):
            span = local_day(day - timedelta(days=n), self.market.time_zone)
            known = Window(datetime(1970, 1, 1, tzinfo=UTC), begin)
            sample = self.store.latest_rows(
                InTopic, "published_at", SAMPLED, market=self.market.id, published_at=span, known_at=known
            )
            held = Counter(s for row in sample for s in {stem(t) for t in row.terms})
            for s, count in held.items():
                shares.setdefault(s, []).append(count / max(len(sample), SMALL_DAY))
            days += bool(sample)
        left_out = min(UNUSUAL_DAYS, (days + 1) // 2)
        usual = {s: sum(sorted(x)[: max(0, len(x) - left_out)]) / max(1, days - left_out) for s, x in shares.items()}
        return {s: round(share, 5) for s, share in sorted(usual.items()) if share > RARE}


def _mention(row: Any) -> Mention:
    """What is needed of a row of the store's frame; NaN and NaT are no values."""
    wanted = ("source", "day", "native_id", "text", "published_at", "known_at", "author", "repost_of")
    values = {n: getattr(row, n) for n in wanted}
    times = {n: values[n].to_pydatetime() for n in ("published_at", "known_at")}
    words = {n: values[n] if isinstance(values[n], str) else None for n in ("author", "repost_of")}
    return Mention.model_construct(**values | times | words)
