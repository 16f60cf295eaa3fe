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
        first, severity = hits[0], max(h["severity"] for h in hits)
        words = f"red line {name!r}: {len(hits)} credible mention{'s' if len(hits) > 1 else ''}, on {first['source']} ({first['lang']})"
        words += f": {first['why']}; verify it" if first.get("why") else "; verify it"
        return Finding(start, "negative_volume", len(hits), 1, words, f"red line: {name}", severity=severity)
