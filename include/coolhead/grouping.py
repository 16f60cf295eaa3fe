"""Which mentions of one day speak of the same: single-pass grouping by telling terms (topic detection and tracking, after
J. Allan, R. Papka, V. Lavrenko, SIGIR 1998), made for short texts and for any number of runs.

Mentions come one after the other. Each joins the *largest* group that it is near enough to, else it begins one of its own:
so a firestorm is one topic and not thirty. Near is who shares enough telling terms with a group: the sum, over the terms of
the mention, of the term's weight times the share of the group's mentions that hold it. A group of three mentions by two
authors is a topic. Nothing is ever moved to another group; so the answer depends on the order, and the caller sees to it that
the order is the stored one. What is held is bounded, whatever a day brings, and is written down and taken up again as it was.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coolhead.telling_terms import named, stem

Key = tuple[str, str, str]
"""Source, day, native id of a mention."""

NEAR = 0.5
"""Weight of what is shared, from which on a mention belongs to a group: half of one fully telling term that all use."""
DOUBT = 3
"""Mentions that a group is thought to have more, which hold none of its terms: one shared word makes no topic of two texts."""
USUAL_TERMS = 8
"""A text of more telling terms must share more of them."""
COMMON = 0.1
"""Share of the mentions of other days from which on a term tells nothing."""
RARE = 0.005
"""Share up to which it tells all that a term can."""
COPY, COPY_TERMS = 0.8, 4
"""Two texts of so many telling terms at least, of which they share so much (Jaccard), nearly repeat one another."""
LEAST, LEAST_AUTHORS = 3, 2
MAX_OPEN, MAX_TOPICS, MAX_MEMBERS, MAX_TEXTS, MAX_STEMS, KEPT_STEMS = 1_000, 100, 50, 12, 60, 40
"""Bounds: groups that may yet become topics, topics of a day that still grow, mentions of a group that is none yet, texts of a
topic that copies are looked for among, stems of a topic before and after it is pruned."""


@dataclass(frozen=True)
class Said:
    """What a mention says, as far as this goes."""

    key: Key
    author: str | None
    terms: Sequence[str]
    planned: str | None = None
    """Topic of the plan whose terms it holds."""
    repost_of: Key | None = None
    original_in: str | None = None
    """Topic that the original of a repost is in."""


@dataclass(frozen=True)
class Placed:
    """Where a mention went."""

    topic: str | None
    copy_of: Key | None
    also: tuple[Key, ...] = ()
    """Mentions that came before, and by this one are of the topic as well."""


@dataclass
class Group:
    """Mentions that speak of the same."""

    born: int
    topic: str | None = None
    planned: bool = False
    size: int = 0
    authors: set[str] = field(default_factory=set)
    texts: dict[Key, Mapping[str, str]] = field(default_factory=dict)
    """Stems, as written, by mention: of a topic some mentions, of what is none yet all."""
    forms: dict[str, dict[str, int]] = field(default_factory=dict)
    """Stem -> how it was written -> how often."""

    def count(self, stem: str) -> int:
        return sum(self.forms[stem].values())


def weight(share: float) -> float:
    """How much a term tells, 0 to 1, by the share of other days' mentions that hold it."""
    return 0.0 if share > COMMON else min(1.0, math.log(max(share, 1e-9)) / math.log(RARE))


def topic_id(market: str, day: str, key: Key) -> str:
    """Short hash of a topic's first mention."""
    return hashlib.sha256("\n".join((market, day, *key)).encode()).hexdigest()[:12]


class Groups:
    """The groups of one market and one local day."""

    def __init__(self, market: str, day: str, common: Mapping[str, float]) -> None:
        """common: stem -> share of the mentions of other days that hold it."""
        self._market, self._day, self.common = market, day, dict(common)
        self._born = 0
        self._open: dict[int, Group] = {}
        self._topics: dict[int, Group] = {}
        self._planned: dict[str, Group] = {}
        self._holds: dict[str, dict[int, int]] = {}
        """Stem -> group -> how many of its mentions hold it."""
        self._of: dict[Key, Group] = {}
        """Groups that are no topic yet, by their mentions."""

    def add(self, said: Said) -> Placed:
        """Put a mention into a group."""
        forms = {s: t for t in said.terms if self.weight(s := stem(t)) > 0}
        group = self._given(said) or self._nearest(forms)
        if group is None:
            if not forms:
                return Placed(None, said.repost_of)
            group = self._begin()
        copied = said.repost_of or _copied(forms.keys(), group)
        self._join(group, said, forms, copied)
        also = self._promote(group, said.key)
        self._bound(group)
        return Placed(group.topic, copied, also)

    def weight(self, stem: str) -> float:
        return weight(self.common.get(stem, 0.0))

    def terms(self, most: int = 8) -> dict[str, list[str]]:
        """Topic -> its telling terms as people wrote them, the most telling first."""
        found = [*self._planned.values(), *self._topics.values()]
        return {str(g.topic): named(g.forms, self.weight, most) for g in found}

    def dump(self) -> list[dict[str, Any]]:
        """All that the next run needs, JSON-ready. Of what is no topic yet only who is in it: no word of it is kept here."""
        return [
            {"born": g.born, "topic": g.topic, "planned": g.planned, "size": g.size, "keys": [list(k) for k in g.texts]}
            | ({"forms": g.forms} if g.topic else {})
            for g in (*self._planned.values(), *self._topics.values(), *self._open.values())
        ]

    @staticmethod
    def keys(dumped: Iterable[Mapping[str, Any]]) -> set[Key]:
        """The mentions that `load` wants to know of."""
        return {_key(k) for g in dumped for k in g["keys"]}

    def load(self, dumped: Iterable[Mapping[str, Any]], known: Mapping[Key, tuple[str | None, Sequence[str]]]) -> None:
        """Take up what `dump` gave. known: author and terms of its mentions; one that is missing was edited or deleted since."""
        for d in dumped:
            members: dict[Key, tuple[str | None, Sequence[str]]] = {k: known[k] for k in map(_key, d["keys"]) if k in known}
            texts: dict[Key, Mapping[str, str]] = {
                k: {stem(t): t for t in terms if self.weight(stem(t)) > 0} for k, (_, terms) in members.items()
            }
            group = Group(d["born"], d["topic"], d["planned"], d["size"], texts=texts)
            if group.topic:
                group.forms = {s: dict(forms) for s, forms in d["forms"].items()}
                group.authors = {"", "-"}  # two at least: who they are does not matter any more
            else:
                group.size = len(texts)
                group.authors = {author or "/".join(k) for k, (author, _) in members.items()}
                for forms in texts.values():
                    for s, form in forms.items():
                        written = group.forms.setdefault(s, {})
                        written[form] = written.get(form, 0) + 1
            if group.topic or texts:
                self._take_up(group)

    def _take_up(self, group: Group) -> None:
        self._born = max(self._born, group.born)
        if group.planned:
            self._planned[str(group.topic)] = group
        elif group.topic:
            self._topics[group.born] = group
        else:
            self._open[group.born] = group
            self._of.update(dict.fromkeys(group.texts, group))
        for s in group.forms:
            self._hold(group, s, group.count(s))

    def _given(self, said: Said) -> Group | None:
        """The group that the plan says, or that the original of a repost is in."""
        if said.planned:
            return self._planned.setdefault(said.planned, Group(-1, said.planned, planned=True))
        if said.repost_of is None:
            return None
        grown = (g for g in (*self._topics.values(), *self._planned.values()) if g.topic == said.original_in)
        return self._of.get(said.repost_of) or next(grown, None)

    def _nearest(self, forms: Mapping[str, str]) -> Group | None:
        shared: dict[int, float] = {}
        for s in forms:
            w = self.weight(s)
            for born, n in self._holds.get(s, {}).items():
                shared[born] = shared.get(born, 0.0) + w * n
        enough = NEAR * max(1.0, math.sqrt(len(forms) / USUAL_TERMS))
        groups = (self._topics.get(born) or self._open[born] for born, x in shared.items() if x > enough * DOUBT)
        near = [g for g in groups if shared[g.born] >= enough * (g.size + DOUBT)]
        return max(near, key=lambda g: (g.size, -g.born), default=None)

    def _begin(self) -> Group:
        self._born += 1
        group = self._open[self._born] = Group(self._born)
        return group

    def _join(self, group: Group, said: Said, forms: Mapping[str, str], copied: Key | None) -> None:
        group.size += 1
        if len(group.authors) < LEAST_AUTHORS:
            group.authors.add(said.author or "/".join(said.key))  # who is unknown stands for itself
        for s, form in forms.items():
            written = group.forms.setdefault(s, {})
            written[form] = written.get(form, 0) + 1
            self._hold(group, s, 1)
        if group.topic is None:
            group.texts[said.key] = forms
            self._of[said.key] = group
            self._open[group.born] = self._open.pop(group.born)
        else:
            again = copied if copied in group.texts else said.key
            group.texts[again] = group.texts.pop(again, forms)
            if not group.planned:
                self._topics[group.born] = self._topics.pop(group.born)

    def _hold(self, group: Group, stem: str, n: int) -> None:
        if group.planned:
            return  # only who holds the plan's terms belongs to the plan's topics
        groups = self._holds.setdefault(stem, {})
        groups[group.born] = groups.get(group.born, 0) + n
        if groups[group.born] <= 0:
            del groups[group.born]
        if not groups:
            del self._holds[stem]

    def _promote(self, group: Group, by: Key) -> tuple[Key, ...]:
        """Mentions that become a topic's, if the group has grown into one."""
        if group.topic is not None or group.size < LEAST or len(group.authors) < LEAST_AUTHORS:
            return ()
        members = list(group.texts)
        group.topic = topic_id(self._market, self._day, members[0])
        self._topics[group.born] = self._open.pop(group.born)
        for key in members:
            del self._of[key]
        return tuple(key for key in members if key != by)

    def _bound(self, group: Group) -> None:
        self._prune(group)
        while len(self._open) > MAX_OPEN:
            self._close(self._open.pop(next(iter(self._open))))
        while len(self._topics) > MAX_TOPICS:
            self._close(self._topics.pop(next(iter(self._topics))))

    def _prune(self, group: Group) -> None:
        if group.topic is None:
            if len(group.texts) > MAX_MEMBERS:  # one author, again and again
                self._forget(group, list(group.texts)[1])
            return
        while len(group.texts) > MAX_TEXTS:
            del group.texts[next(iter(group.texts))]
        if len(group.forms) > MAX_STEMS:
            ranked = sorted(group.forms, key=lambda s: (-group.count(s), s))
            for s in ranked[KEPT_STEMS:]:
                self._hold(group, s, -group.count(s))
                del group.forms[s]

    def _forget(self, group: Group, key: Key) -> None:
        """Take one mention out of a group that is no topic."""
        del self._of[key]
        group.size -= 1
        for s, form in group.texts.pop(key).items():
            self._hold(group, s, -1)
            group.forms[s][form] -= 1
            if not group.forms[s][form]:
                del group.forms[s][form]
            if not group.forms[s]:
                del group.forms[s]

    def _close(self, group: Group) -> None:
        for s in group.forms:
            self._hold(group, s, -group.count(s))
        if group.topic is None:
            for key in group.texts:
                del self._of[key]


def _key(dumped: Sequence[str]) -> Key:
    source, day, native_id = dumped
    return source, day, native_id


def _copied(stems: Iterable[str], group: Group) -> Key | None:
    """The first mention of the group that a text of these stems nearly repeats."""
    mine = set(stems)
    for key, other in group.texts.items():
        if min(len(mine), len(other)) >= COPY_TERMS and len(mine & other.keys()) >= COPY * len(mine | other.keys()):
            return key
    return None
