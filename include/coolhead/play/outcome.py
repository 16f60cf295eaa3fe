"""What a play left behind: told, and checked against what the story demands."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from coolhead.incidents import broken_at, name_of
from coolhead.outbox import key_of
from coolhead.play import moments
from coolhead.play.sinks import Hook, Mailbox
from coolhead.rows import CollectionLog, Decision, Incident, KpiPoint, Mention, Notice, Score
from coolhead.settings import Settings
from coolhead.stack.components import Stack
from coolhead.store import Store
from coolhead.verdicts import SourceSight, Stretch
from coolhead.windows import Window

MARKET = "zefirella"
STORM_DAY = "2026-03-25"


class Outcome:
    """Reads the store and the sinks; believes no state of a Dag run."""

    def __init__(self, store: Store, where: Settings, mailbox: Mailbox, hook: Hook) -> None:
        self.store, self.where, self.mailbox, self.hook = store, where, mailbox, hook
        self.missing: list[str] = []

    def tell(self, stack: Stack, seconds: float, played: bool = False) -> bool:
        """Print everything; True if the whole story really happened, or somebody played it otherwise."""
        brief = self.where.reports / "daily" / MARKET / f"{STORM_DAY}.html"
        lines = [
            ("These KPIs", self._kpis()),
            ("This outage", self._outage()),
            ("This dismissal", self._dismissal()),
            ("This incident", self._incident()),
            ("These notices", self._notices()),
            ("This daily brief", self._report(brief)),
            ("This post-incident review", self._review()),
            (
                "This address",
                f"{stack.url}   (user admin, password {stack.passwords['admin']}); both reports stand under Crisis desk",
            ),
        ]
        print()
        for name, text in lines:
            print(f"{name + ':':<27}{text}")
        for problem in self.missing:
            print(f"{'as you played it, other than the story' if played else 'NOT AS THE STORY SAYS'}: {problem}")
        right = played or not self.missing
        print(f"\nDemo {'complete' if right else 'FAILED'} after {seconds:.0f} s.", flush=True)
        return right

    def _need(self, true: bool, otherwise: str) -> None:
        if not true:
            self.missing.append(otherwise)

    def _kpis(self) -> str:
        start = datetime.fromisoformat(f"{STORM_DAY}T00:00:00+01:00")
        points = {
            p.kpi: p
            for p in self.store.read(KpiPoint, market=MARKET, grain="day", source="all", lang="all", start=Window(start, start + timedelta(hours=1)))
        }  # fmt: skip
        for kpi in ("volume", "negative_share", "reach_total", "polarity", "follower_change"):
            self._need(kpi in points and points[kpi].value is not None, f"no {kpi} of {STORM_DAY}")
        languages = {s.lang for s in self.store.read(Score) if s.label != "unscored"}
        self._need({"en", "it", "pl", "id"} <= languages, f"languages read: {sorted(languages)}")
        self._need({m.source for m in self.store.read(Mention)} == {"mastodon", "feed"}, "mentions of two sources")

        def number(kpi: str, form: Callable[[float], str]) -> str:
            value = points[kpi].value if kpi in points else None
            return "unknown" if value is None else form(value)

        share = points.get("negative_share")
        interval = (
            f" ({share.low:.0%} to {share.high:.0%}, n {share.n})"
            if share and share.low is not None and share.high is not None
            else ""
        )
        return (
            f"{STORM_DAY}: {number('volume', '{:,.0f}'.format)} mentions, reach {number('reach_total', '{:,.0f}'.format)}, "
            f"polarity {number('polarity', '{:+.2f}'.format)}, negative {number('negative_share', '{:.0%}'.format)}{interval}, "
            f"followers {number('follower_change', '{:+,.0f}'.format)}"
        )

    def _outage(self) -> str:
        found = self._outages()
        right = [o for o in found if o.window == Window(moments.OUTAGE, moments.OUTAGE_END) and o.source == "mastodon"]
        self._need(len(found) == 1 and len(right) == 1, f"outages found: {found}")
        return (
            "; ".join(f"{o.source} was blind {o.window}, not quiet ({o.reason.rpartition(': ')[2]})" for o in found) or "none"
        )

    def _outages(self) -> list[Stretch]:
        logs = self.store.read(CollectionLog, market=MARKET)
        out: list[Stretch] = []
        for source in sorted({x.source for x in logs}):
            sight = SourceSight(source, [x for x in logs if x.source == source], moments.END)
            out += sight.blind(Window(moments.CALM, moments.END - timedelta(hours=1)))
        return out

    def _incidents(self, state: str) -> list[Incident]:
        return self.store.read(Incident, state=state)

    def _dismissal(self) -> str:
        found = self._incidents("dismissed")
        self._need(len(found) == 1 and found[0].severity_proposed == "S1", "one dismissed incident, no more than S1")
        decisions = [d for i in found for d in self.store.read(Decision, incident_id=i.incident_id) if d.kind == "dismiss"]
        return (
            "; ".join(
                f"{i.title} ({name_of(i.severity)}) as {d.details.get('dismissal')} by {d.by}: {d.reason}"
                for i, d in zip(found, decisions, strict=False)
            )
            or "none"
        )

    def _incident(self) -> str:
        found = self._incidents("closed")
        self._need(len(self.store.read(Incident)) == 2 and len(found) == 1, "two incidents in all, one of them closed")
        decisions = self.store.read(Decision)
        self._need(broken_at(decisions) is None, "the chain of decisions holds")
        for i in found:
            clocks = (i.acknowledged_at, i.assessed_at, i.responded_at, i.contained_at, i.recovered_at, i.closed_at)
            self._need(all(clocks), f"all clocks of the incident have stopped: {clocks}")
            self._need(i.severity == "S3", f"severity {i.severity}")
            kinds = [d.kind for d in decisions if d.incident_id == i.incident_id]
            self._need(kinds == ["acknowledge", "assess", "respond", "close"], f"decisions {kinds}")
        return "; ".join(self._clocks(i) for i in found) or "none"

    def _clocks(self, i: Incident) -> str:
        def after(moment: datetime | None) -> str:
            return f"{(moment - i.detected_at).total_seconds() / 60:.0f} min" if moment else "not yet"

        return (
            f"{i.title} ({name_of(i.severity)}), onset {i.onset_at:%d %b %H:%M} UTC, detected {i.detected_at:%H:%M}; acknowledged after "
            f"{after(i.acknowledged_at)}, assessed {after(i.assessed_at)}, first response {after(i.responded_at)}; "
            f"contained {_day(i.contained_at)}, recovered {_day(i.recovered_at)}"
        )

    def _notices(self) -> str:
        notices = self.store.read(Notice)
        sent = [n for n in notices if n.status == "sent"]
        self._need(bool(sent) and len(sent) == len(notices), f"{len(sent)} of {len(notices)} notices sent")
        mails = [n for n in sent if n.channel == "email"]
        self._need(
            {m["Message-ID"] for m in self.mailbox.messages} == {f"<{key_of(n)}@coolhead>" for n in mails},
            "the mailbox holds every mail",
        )
        self._need(
            set(self.hook.notices) == {key_of(n) for n in sent if n.channel == "webhook"}, "the webhook holds every notice"
        )
        return f"{len(mails)} mails and {len(sent) - len(mails)} webhook posts, each received; in {self.mailbox.folder}"

    def _report(self, path: Path) -> str:
        self._need(path.exists() and "Zefirella" in path.read_text(encoding="utf-8"), f"{path} was not written")
        return str(path)

    def _review(self) -> str:
        closed = self._incidents("closed")
        return self._report(self.where.reports / "reviews" / f"{closed[0].incident_id}.html") if closed else "none"


def _day(moment: datetime | None) -> str:
    return f"{moment:%d %b %H:%M}" if moment else "not yet"
