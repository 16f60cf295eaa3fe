"""How an incident spread, in words: the same facts for the review and for a terminal. No text of others, pseudonyms only."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from coolhead.anatomy import Anatomy, Network, Post, anatomy
from coolhead.kpis import share
from coolhead.plan import Plan
from coolhead.reports._page import count, duration, interval, local, percent
from coolhead.rows import Incident
from coolhead.store import Store

Fact = tuple[str, tuple[str, ...]]
"""What it answers, and the answer, in lines."""
MOST = 4
"""Pieces of evidence and languages that are told."""
A_AN = {"original": "an original post", "answer": "an answer", "repost": "a repost"}


def facts(a: Anatomy, zone: str) -> list[Fact]:
    """In the order in which somebody asks."""
    if not a.mentions:
        return [("First post", ("No mention of it is stored.",))]
    told: list[tuple[str, Iterable[str]]] = [
        ("Counted", _counted(a, zone)), ("First post", _first(a, zone)), ("Networks", _spread(a, zone)), ("Who carried it", _carried(a, zone)), ("The news", _news(a, zone)),
        ("Outsiders", _outsiders(a)), ("About", _about(a)), ("Languages", _languages(a)), ("Potential reach", _reach(a)),
        ("Authenticity", _authenticity(a)),
    ]  # fmt: skip
    return [(what, tuple(said)) for what, said in told]


def lines(a: Anatomy, zone: str) -> list[str]:
    """For a terminal."""
    goes_on = a.incident.merged_into
    when = f"{local(a.span.start, zone, '%d %b %Y %H:%M')} to {local(a.span.end, zone, '%d %b %Y %H:%M')} ({zone})"
    out = [a.incident.title, f"{when}: {count(a.mentions)} mentions by {count(a.authors)} authors"]
    if goes_on:
        there = f"`coolhead incident anatomy {goes_on[:8]}`"
        out.append(f"A person merged it into {goes_on[:8]}, which goes on with its signals: its whole anatomy is {there}")
    out.append("")
    for what, said in facts(a, zone):
        out += [f"{f'{what}:' if i == 0 else '':<18}{line}" for i, line in enumerate(said)]
    return out


def short(store: Store, plan: Plan, incident: Incident, as_of: datetime) -> str:
    """In a sentence, of what was grave; empty where nothing was said."""
    if incident.severity < "S2" or incident.state == "dismissed":
        return ""
    a, zone = anatomy(store, plan, incident, as_of, authentic=False), plan.market(incident.market).time_zone
    if not a.first:
        return ""
    said = [f"Began on {a.first.source}, {local(a.first.at, zone)}"]
    said += [f"{n.source} joined {joined(a, n)}" for n in a.networks if n.source != a.first.source]
    said += [f"farthest by an author with {count(a.multipliers[0].post.audience)} followers"] if a.multipliers else []
    return f"{'; '.join(said)}."


def who(post: Post) -> str:
    """Author 1f2e3d4c with 1,200 followers."""
    name = f"author {post.author}" if post.author else "an unknown author"
    return f"{name} with {count(post.audience)} followers" if post.audience is not None else f"{name}, audience unknown"


def joined(a: Anatomy, network: Network) -> str:
    """How long after the first post, from which all delays are counted."""
    later = network.joined - a.span.start
    return f"{duration(later)} after the first post" if later.total_seconds() >= 60 else "at once"


def _counted(a: Anatomy, zone: str) -> Iterator[str]:
    """In words: what somebody means by the incident is not one number of the store."""
    c = a.counted
    if c.all:
        yield f"All that was said from {local(a.span.start, zone)} on: no signal of it is about a topic."
        return
    n, posts = len(c.topics), len(c.posts)
    yield f"What was said of {f'its {n} topics' if n > 1 else 'its topic'} ({_called(a)})" + ("" if posts or c.storm else ".")
    if posts:
        yield f"and {count(posts)} post{'s' if posts > 1 else ''} that made a rule fire alone" + ("" if c.storm else ".")
    if c.storm:
        stretch = f"{local(c.storm.start, zone)} to {local(c.storm.end, zone)}"
        yield f"and all else that is negative or a complaint, {stretch}, as long as signals were about the brand as a whole."


def _called(a: Anatomy) -> str:
    """The terms of the one topic, or of the one that it began with."""
    said = ", ".join(a.topic or next((t.terms for t in a.topics), ()))
    return said if len(a.counted.topics) == 1 or not said else f"{said}; and others"


def _first(a: Anatomy, zone: str) -> Iterator[str]:
    if p := a.first:
        kind = f" ({p.kind})" if p.kind and p.kind != "other" else ""
        detected = duration(a.incident.detected_at - p.at)
        yield f"{local(p.at, zone)} on {p.source}: {A_AN[p.form]}{kind}, by {who(p)}; detected {detected} later."


def _spread(a: Anatomy, zone: str) -> Iterator[str]:
    first, *others = a.networks
    then = "; ".join(f"{n.source} joined {joined(a, n)}" for n in others) if others else "it stayed there"
    yield f"Began on {first.source}; {then}."
    at, n = a.peak
    reposts, answers = (sum(getattr(x, name) for x in a.networks) for name in ("reposts", "answers"))
    yield f"{count(a.mentions)} mentions, of which {percent(reposts / a.mentions)} reposts and {percent(answers / a.mentions)} answers."
    yield f"Busiest from {local(at, zone)}: {count(n)} in a quarter of an hour."


def _carried(a: Anatomy, zone: str) -> Iterator[str]:
    if not a.multipliers:
        yield "Unknown: no author's audience is known."
    for m in a.multipliers[:3]:
        where = f"{who(m.post)} on {m.post.source}, {local(m.post.at, zone)}"
        yield f"{where[0].upper()}{where[1:]}: {count(m.before)} mentions in the hour before, {count(m.after)} in the hour after."


def _news(a: Anatomy, zone: str) -> Iterator[str]:
    if a.news:
        yield f"First item on {a.news.source}, {local(a.news.at, zone)}, {duration(a.news.at - a.span.start)} after the first post."
    else:
        yield "No source of news that we listen to picked it up."


def _outsiders(a: Anatomy) -> Iterator[str]:
    import pandas as pd

    if not a.known:
        yield "Unknown: no author's past is known."
        return
    found = share(pd.Series([a.outsiders]), pd.Series([a.known])).iloc[0]
    part = f"{percent(found['value'])} (95 %: {interval(found['low'], found['high'], 'share')})"
    yield f"{part} of {count(a.known)} authors had not mentioned the brand in the 180 days before."


def _about(a: Anatomy) -> Iterator[str]:
    for t in a.topics:
        owner = f" ({t.owner} sees to it)" if t.owner else ""
        read = "not scored" if t.negative is None else f"{count(t.negative)} negative"
        yield f"{', '.join(t.terms)}{owner}: {count(t.mentions)} mentions, {read}"
    if not a.topics:
        yield "No topic was found."


def _languages(a: Anatomy) -> Iterator[str]:
    yield ", ".join(f"{lang} {percent(n / a.mentions)}" for lang, n in a.languages[:MOST])


def _reach(a: Anatomy) -> Iterator[str]:
    yield f"{count(a.reach)}, known for {percent(a.reach_known / a.mentions)} of the mentions"


def _authenticity(a: Anatomy) -> Iterator[str]:
    """The strongest of each kind, and how many more of it; who is new to the brand stands with the outsiders."""
    told = [e for e in a.evidence if e.kind != "first_mentions"]
    alike, strongest = Counter(e.kind for e in told), {e.kind: e for e in reversed(told)}
    shown = [e for e in told if strongest[e.kind] is e][:MOST]
    for e in shown:
        more = f"; {alike[e.kind] - 1} more such" if alike[e.kind] > 1 else ""
        yield f"{e.says[0].upper()}{e.says[1:]} ({e.strength}{more})"
    yield "This is evidence, never a verdict." if shown else "Nothing stands out."
