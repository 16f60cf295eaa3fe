"""Parsed payloads into rows: each mention on its first day, its matches and why, what vanished, and the windows to measure."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from coolhead import registry, thawing
from coolhead.edge import EXPORT, Parsed
from coolhead.matching import matched_by
from coolhead.plan import Market, Plan
from coolhead.rows import Dirty, Match, Mention, Tombstone, Ungrouped, key_of
from coolhead.sources import Gone
from coolhead.store import Known, Store, around
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
        writer.lock(Tombstone)  # what is known of a mention must stay so until this is written
        new = 0
        for source in dict.fromkeys(p.landed.source for p in parsed):
            mine = [p for p in parsed if p.landed.source == source]
            fresh, back = self._mentions(writer, source, mine)
            new += len(fresh)
            for p in mine:
                self.bury(writer, source, _still_gone(p, mine), p.landed.fetched, fresh | back)
        writer.upsert([q for p in parsed for q in p.refused] + [p.payload() for p in parsed])
        return new

    def _mentions(self, writer: Writer, source: str, parsed: Sequence[Parsed]) -> tuple[dict[str, Mention], dict[str, Mention]]:
        """By native id: the new ones, and those that were gone and are back."""
        sighted = [(p, m) for p in parsed for m in p.mentions]
        if not sighted:
            return {}, {}
        known = self.store.existing(source, [m.native_id for _, m in sighted], around([m.published_at for _, m in sighted]))
        back = {m.native_id for p, m in sighted if _is_back(p, known.get(m.native_id))}
        alive = [(p, m) for p, m in sighted if _gone_at(known.get(m.native_id)) is None or m.native_id in back]
        mentions = _on_known_days([m for _, m in alive], known)
        placed = [(p, m) for (p, _), m in zip(alive, mentions, strict=True)]
        ours = self._ours(source, placed)
        why = _why(placed, ours)
        matches = {m.native_id: self._matches(m, why[m.native_id]) for m in mentions}
        edited = {m.native_id: m for m in mentions if m.native_id in known and known[m.native_id].text != m.text}
        fresh = {m.native_id: m for m in mentions if m.native_id not in known}
        turned = {m.native_id: m for m in mentions if m.own and m.native_id in known and not known[m.native_id].own}
        lost = self._unmatch(writer, source, edited, known)
        early = self._early(source, [m for m in {**fresh, **turned}.values() if m.own], ours)
        changed = {**fresh, **edited, **turned}.values()
        undone = [(x.market, m.published_at) for m in changed for x in matches[m.native_id]]
        writer.upsert([*mentions, *(x for found in matches.values() for x in found), *early])
        writer.upsert(dirty([*undone, *lost, *((x.market, x.published_at) for x in early)]))
        self._thaw(
            writer, ((x.market, m.published_at) for m in fresh.values() if m.known_assumed for x in matches[m.native_id])
        )
        self._own_up(writer, source, {(p.landed.market, m.native_id): m for p, m in placed if m.own and m.native_id in known})
        writer.mark_edited([key_of(m) for m in edited.values()])
        for native_id in back:
            writer.delete(Tombstone, source=source, day=known[native_id].day, native_id=native_id)
        return fresh, {m.native_id: m for m in mentions if m.native_id in back}

    def _thaw(self, writer: Writer, published: Iterable[tuple[str, datetime]]) -> None:
        """What we say to have known all along changes what was usual; what was polled in time does not. (market, publication)"""
        zones = {m.id: ZoneInfo(m.time_zone) for m in self.plan.listened}
        days: dict[str, set[date]] = {}
        for market, at in published:
            days.setdefault(market, set()).add(at.astimezone(zones[market]).date())
        for market, some in days.items():
            thawing.forget(writer, market, some)

    def _unmatch(
        self, writer: Writer, source: str, edited: Mapping[str, Mention], known: Mapping[str, Known]
    ) -> list[tuple[str, datetime]]:
        """An edit ends the matches that the old words had made (what the new ones make is written after); returns their
        (market, publication). A match for another reason stays, whatever the text became."""
        days = {m.day for m in edited.values()}
        stored = self.store.read(Match, source=source, day=days, native_id=list(edited)) if edited else []
        markets = {m.id: m for m in self.plan.listened}
        ended = [
            s for s in stored
            if s.market in markets and s.matched_by == _named(known[s.native_id].text, source, markets[s.market])
        ]  # fmt: skip
        for s in ended:
            writer.delete(Match, source=s.source, day=s.day, native_id=s.native_id, market=s.market)
        return [(s.market, s.published_at) for s in ended]

    def _own_up(self, writer: Writer, source: str, posts: Mapping[tuple[str, str], Mention]) -> None:
        """(market, native id) -> own post: another market may have seen it before its owner did, and matched it by its words."""
        if not posts:
            return
        days, ids = {m.day for m in posts.values()}, [m.native_id for m in posts.values()]
        said = self.store.read(Match, source=source, day=days, native_id=ids, matched_by=OWN)
        for market, native_id in posts.keys() - {(x.market, x.native_id) for x in said}:
            writer.update(Match, {"matched_by": OWN}, **key_of(posts[market, native_id]), market=market)

    def _ours(self, source: str, sighted: Sequence[tuple[Parsed, Mention]]) -> dict[str, set[str]]:
        """native id -> markets whose own post it is: those sighted, and those that the sighted ones answer."""
        ours: dict[str, set[str]] = {}
        for p, m in sighted:
            if m.own:
                ours.setdefault(m.native_id, set()).add(p.landed.market)
        parents = {m.parent for _, m in sighted if m.parent}
        if parents:
            span = around([m.published_at for _, m in sighted], THREAD.days)
            own = {i: k.day for i, k in self.store.existing(source, sorted(parents), span).items() if k.own}
            found = self.store.read(Match, source=source, day=set(own.values()), native_id=list(own)) if own else ()
            for x in found:
                if x.matched_by == OWN:
                    ours.setdefault(x.native_id, set()).add(x.market)
        return ours

    def _early(self, source: str, posts: Sequence[Mention], ours: Mapping[str, set[str]]) -> list[Match]:
        """Matches of stored answers that came in before the post of ours that they answer."""
        if not posts or registry.load("sources", source).exports:
            return []  # all of an export concerns its market
        days = {m.day + timedelta(days=n) for m in posts for n in range(EARLY.days + 1)}
        found = self.store.read(Mention, source=source, day=days, parent=[m.native_id for m in posts])
        return [x for a in found for x in self._matches(a, dict.fromkeys(ours[a.parent or ""], ANSWER))]

    def _matches(self, mention: Mention, why: Mapping[str, str]) -> list[Match]:
        out = []
        for market in self.plan.listened:
            if mention.source not in market.sources:
                continue
            told = why.get(market.id)
            if because := (told if told != EXPORT else None) or _named(mention.text, mention.source, market) or told:
                published = mention.published_at
                out.append(Match(**key_of(mention), market=market.id, published_at=published, matched_by=because))
        return out

    def bury(
        self, writer: Writer, source: str, gone: Sequence[Gone], noticed: datetime, fresh: Mapping[str, Mention] | None = None
    ) -> int:
        """What vanished: its words go, that it was said stays. One that we never had leaves no trace. Returns how many.

        fresh: mentions that stand again or anew by this transaction.
        """
        if not gone:
            return 0
        known = self.store.existing(source, [g.native_id for g in gone], around([noticed], LOOK_BACK.days))
        days = {i: k.day for i, k in known.items() if k.gone_at is None} | {i: m.day for i, m in (fresh or {}).items()}
        tombstones = {
            g.native_id: Tombstone(
                source=source, day=days[g.native_id], native_id=g.native_id, gone_at=noticed, by=g.by, evidence=g.evidence
            )
            for g in gone if g.native_id in days
        }  # fmt: skip
        writer.bury(list(tombstones.values()))
        return len(tombstones)


OWN, ANSWER = "own post", "answers our post"
EARLY = timedelta(days=1)
"""An answer comes in before the post that it answers by so many days at most."""
LOOK_BACK = timedelta(days=60)
"""A removal is looked for among the mentions of this long before it was noticed."""


def dirty(published: Iterable[tuple[str, datetime]]) -> list[Dirty]:
    """Marks for the windows of some (market, publication) pairs: to be measured, and to be put into topics."""
    mark = uuid.uuid4().hex
    windows = {(m, floor(p)) for m, p in published}
    return [kind(market=m, start=s, mark=mark) for kind in (Dirty, Ungrouped) for m, s in windows]


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


def _still_gone(parsed: Parsed, others: Iterable[Parsed]) -> list[Gone]:
    """Without those that were sighted after that."""
    later = {m.native_id for p in others if p.landed.fetched > parsed.landed.fetched for m in p.mentions}
    return [g for g in parsed.gone if g.native_id not in later]


def _why(sighted: Sequence[tuple[Parsed, Mention]], ours: Mapping[str, set[str]]) -> dict[str, dict[str, str]]:
    """native id -> market -> why a mention concerns it without naming it: as the source says, or as an answer to our post."""
    out: dict[str, dict[str, str]] = {}
    for p, m in sighted:
        reasons = out.setdefault(m.native_id, {})
        reasons |= dict.fromkeys(ours.get(m.parent or "", ()), ANSWER)
        if m.native_id in p.addressed:
            reasons[p.landed.market] = p.addressed[m.native_id]
    for native_id in out.keys() & ours.keys():
        out[native_id] |= dict.fromkeys(ours[native_id], OWN)
    return out


def _named(text: str, source: str, market: Market) -> str | None:
    """Why the words alone concern the market."""
    return matched_by(text, market.terms, market.languages) or _tagged(text, source, market)


_TAG = re.compile(r"(?<!\w)@(\w(?:[\w.-]*\w)?)(?:@([\w.-]*\w))?")
"""@name, with the server where it is named: @zefirella.fans and @zefirella-fans are other accounts than @zefirella."""


def _tagged(text: str, source: str, market: Market) -> str | None:
    """Tagged by the handle of one of the market's accounts on that network."""
    if "@" not in text:
        return None
    accounts = (a.casefold().lstrip("@").partition("@") for a in market.own_accounts.get(source, ()))
    ours = {name: server for name, _, server in accounts if not name.isdecimal()}
    tags = (t for t in _TAG.findall(text.casefold()) if t[0] in ours)
    return next((f"@{name}" for name, server in tags if not (server and ours[name]) or server == ours[name]), None)
