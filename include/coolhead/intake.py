"""Parsed payloads into rows: each mention on its first day, its matches and why, what vanished, and the windows to measure."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from coolhead.edge import Parsed
from coolhead.matching import matched_by
from coolhead.plan import Market, Plan
from coolhead.rows import Dirty, Match, Mention, Tombstone, key_of
from coolhead.sources import Gone
from coolhead.store import Known, Store, around
from coolhead.terms import Terms
from coolhead.windows import floor
from coolhead.writing import Writer

THREAD = timedelta(days=30)
"""An answer to one of our posts is known as such if the post is at most this much older."""


class Intake:
    """Writes what was parsed, for all markets of a plan."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self.store, self.plan = store, plan

    def write(self, writer: Writer, parsed: Sequence[Parsed]) -> int:
        """Mentions, matches, tombstones, refused rows, payloads and dirty marks, in the caller's transaction.

        Only a new mention or a changed text makes its window dirty: likes that grow do not. Returns new mentions.
        """
        new = 0
        for source in dict.fromkeys(p.landed.source for p in parsed):
            mine = [p for p in parsed if p.landed.source == source]
            new += self._mentions(writer, source, mine)
            for p in mine:
                self.bury(writer, source, p.gone, p.landed.fetched)
        writer.upsert([q for p in parsed for q in p.refused] + [p.payload() for p in parsed])
        return new

    def _mentions(self, writer: Writer, source: str, parsed: Sequence[Parsed]) -> int:
        sighted = [(p, m) for p in parsed for m in p.mentions]
        if not sighted:
            return 0
        known = self.store.existing(source, [m.native_id for _, m in sighted], around([m.published_at for _, m in sighted]))
        back = {m.native_id for p, m in sighted if _is_back(p, known.get(m.native_id))}
        alive = [(p, m) for p, m in sighted if _gone_at(known.get(m.native_id)) is None or m.native_id in back]
        mentions = _on_known_days([m for _, m in alive], known)
        why = self._why(source, [(p, m) for (p, _), m in zip(alive, mentions, strict=True)])
        matches = {m.native_id: self._matches(m, why.get(m.native_id, {})) for m in mentions}
        edited = {m.native_id: m for m in mentions if m.native_id in known and known[m.native_id].text != m.text}
        fresh = {m.native_id: m for m in mentions if m.native_id not in known}
        lost = self._unmatch(writer, source, edited, matches)
        changed = [(x.market, m.published_at) for m in (*fresh.values(), *edited.values()) for x in matches[m.native_id]]
        writer.upsert([*mentions, *(x for found in matches.values() for x in found), *dirty([*changed, *lost])])
        writer.mark_edited([key_of(m) for m in edited.values()])
        for native_id in back:
            writer.delete(Tombstone, source=source, day=known[native_id].day, native_id=native_id)
        return len(fresh)

    def _unmatch(
        self, writer: Writer, source: str, edited: Mapping[str, Mention], matches: Mapping[str, list[Match]]
    ) -> list[tuple[str, datetime]]:
        """An edit that no longer concerns a market ends its match; returns the (market, publication) that lost one."""
        if not edited:
            return []
        days = {m.day for m in edited.values()}
        stored = self.store.read(Match, source=source, day=days, native_id=list(edited))
        gone = [s for s in stored if s.market not in {x.market for x in matches[s.native_id]} and s.matched_by not in LASTING]
        for s in gone:
            writer.delete(Match, source=s.source, day=s.day, native_id=s.native_id, market=s.market)
        return [(s.market, s.published_at) for s in gone]

    def _why(self, source: str, sighted: Sequence[tuple[Parsed, Mention]]) -> dict[str, dict[str, str]]:
        """native id -> market -> why a mention concerns it without naming it: as the source says, or as an answer to our post."""
        ours = {m.native_id: {p.landed.market} for p, m in sighted if m.own}
        parents = {m.parent for _, m in sighted if m.parent} - set(ours)
        if parents:
            span = around([m.published_at for _, m in sighted], THREAD.days)
            stored = {i for i, k in self.store.existing(source, sorted(parents), span).items() if k.own}
            days = [span.start.date() + timedelta(days=n) for n in range((span.end - span.start).days + 1)]
            for x in self.store.read(Match, source=source, day=days, native_id=sorted(stored)) if stored else ():
                ours.setdefault(x.native_id, set()).add(x.market)
        out: dict[str, dict[str, str]] = {}
        for p, m in sighted:
            reasons = out.setdefault(m.native_id, {})
            reasons |= dict.fromkeys(ours.get(m.parent or "", ()), ANSWER)
            if m.native_id in p.addressed:
                reasons[p.landed.market] = p.addressed[m.native_id]
            if m.own:
                reasons[p.landed.market] = OWN
        return out

    def _matches(self, mention: Mention, why: Mapping[str, str]) -> list[Match]:
        out = []
        for market in self.plan.listened:
            if mention.source in market.sources and (
                because := matched_by(mention.text, market.terms, market.languages) or _tagged(mention, market) or why.get(market.id)
            ):
                published = mention.published_at
                out.append(Match(**key_of(mention), market=market.id, published_at=published, matched_by=because))
        return out

    def bury(self, writer: Writer, source: str, gone: Sequence[Gone], noticed: datetime) -> int:
        """What vanished: its words go, that it was said stays. One that we never had leaves no trace. Returns how many."""
        if not gone:
            return 0
        known = self.store.existing(source, [g.native_id for g in gone], around([noticed], LOOK_BACK.days))
        tombstones = [
            Tombstone(source=source, day=k.day, native_id=g.native_id, gone_at=noticed, by=g.by, evidence=g.evidence)
            for g in gone
            if (k := known.get(g.native_id)) and k.gone_at is None
        ]
        writer.bury(tombstones)
        return len(tombstones)


OWN, ANSWER = "own post", "answers our post"
LASTING = {OWN}
"""Why a mention concerns a market whatever its text became."""
LOOK_BACK = timedelta(days=60)
"""A removal is looked for among the mentions of this long before it was noticed."""


def dirty(published: Iterable[tuple[str, datetime]]) -> list[Dirty]:
    """Marks for the windows of some (market, publication) pairs."""
    mark = uuid.uuid4().hex
    return [Dirty(market=m, start=s, mark=mark) for m, s in {(m, floor(p)) for m, p in published}]


def _gone_at(known: Known | None) -> datetime | None:
    return known.gone_at if known else None


def _is_back(parsed: Parsed, known: Known | None) -> bool:
    """It was gone, and was fetched again after that; an older payload, parsed late, brings nothing back."""
    gone = _gone_at(known)
    return gone is not None and parsed.landed.fetched > gone


def _on_known_days(mentions: Sequence[Mention], known: Mapping[str, Known]) -> list[Mention]:
    """A mention that came before keeps its first day and publication, even if its time was edited since: its match, its
    windows and its key stay where they are."""
    first: dict[str, Any] = {m.native_id: m for m in reversed(mentions)} | dict(known)
    placed = []
    for m in mentions:
        kept = {"day": first[m.native_id].day, "published_at": first[m.native_id].published_at}
        placed.append(m if (m.day, m.published_at) == tuple(kept.values()) else m.model_copy(update=kept))
    return placed


def _tagged(mention: Mention, market: Market) -> str | None:
    """Tagged by the handle of one of the market's accounts on that network."""
    handles = [a.lstrip("@").partition("@")[0] for a in market.own_accounts.get(mention.source, ())]
    named = tuple(f"@{h}" for h in handles if re.fullmatch(r"[\w.]+", h) and not h.isdecimal())
    return matched_by(mention.text, Terms.model_construct(any_of=named), ()) if named and "@" in mention.text else None
