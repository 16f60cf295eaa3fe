"""Somebody credible says once what the plan lists as a red line: harm, a child, religion, boycott."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from coolhead.rules import Finding, Rule, RuleSettings, each

if TYPE_CHECKING:
    import pandas as pd


class Settings(RuleSettings):
    """names: of the plan's red lines (none: all); credible: only mentions that are not likely automatic, mocking or copied."""

    names: tuple[str, ...] = ()
    credible: bool = True


class RedLine(Rule):
    """Each proposes the severity that its own entry in brands.yaml names; a person verifies, nothing is declared."""

    Settings = Settings
    by_itself = True
    refers = {"names": "red_lines"}

    @property
    def columns(self) -> tuple[str, ...]:
        return ("red_lines", "negative_volume")

    def step(self, points: "pd.DataFrame", state: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        s, touched = self.settings, dict[tuple[Any, str], list[dict[str, Any]]]()
        for start, hit in each(points, "red_lines"):
            if (not s.names or hit["name"] in s.names) and (hit["credible"] or not s.credible):
                touched.setdefault((start, hit["name"]), []).append(hit)
        return [self._finding(*key, touched[key]) for key in sorted(touched)], {}

    def _finding(self, start: datetime, name: str, hits: list[dict[str, Any]]) -> Finding:
        first, severity, n = hits[0], max(h["severity"] for h in hits), _count(hits)
        credible = "credible " if self.settings.credible else ""
        words = f"red line {name!r}: {n:,} {credible}mention{'s' if n > 1 else ''}, on {first['source']} ({first['lang']})"
        words += f": {first['why']}; verify it" if first.get("why") else "; verify it"
        return Finding(start, "negative_volume", n, 1, words, f"red line: {name}", severity=severity)


def _count(hits: list[dict[str, Any]]) -> int:
    """Mentions that touched a line in a window, of which evidence shows some: `of` counts those alike."""
    alike = {bool(h["credible"]): int(h.get("of", 0)) for h in hits}
    return max(len(hits), sum(alike.values()))
