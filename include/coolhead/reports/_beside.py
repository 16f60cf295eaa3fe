"""What stands beside the day's numbers: brands that are watched, and mentions that vanished since."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coolhead.reports._numbers import Reader
from coolhead.rows import ALL, KpiPoint
from coolhead.windows import Window

if TYPE_CHECKING:
    import pandas as pd

BY = {
    "author": "by their authors", "brand": "by us", "network": "by the network", "unknown": "by somebody: the network does not tell",
}  # fmt: skip


@dataclass(frozen=True)
class Other:
    """Another brand's day."""

    name: str
    volume: float | None
    share: KpiPoint | None


def others(reader: Reader, day: Window) -> list[Other]:
    """The brands that the market watches, by how much is said of them; None where no number is stored."""
    out = []
    for watched in reader.market.watch:
        found = reader.points("day", day, market=watched.id, kpi=["volume", "negative_share"], source=ALL, lang=ALL)
        numbers = {p.kpi: p for p in found}
        volume = numbers.get("volume")
        out.append(Other(watched.name, volume.value if volume else None, numbers.get("negative_share")))
    return sorted(out, key=lambda o: (-(o.volume or 0), o.name))


def vanished(frame: "pd.DataFrame") -> str:
    """In words; empty where nothing vanished."""
    gone = Counter(frame.gone_by.dropna())
    if not gone:
        return ""
    said = ", ".join(f"{n} {BY[by]}" for by, n in sorted(gone.items(), key=lambda x: (-x[1], x[0])))
    return f"{sum(gone.values())} of the day's mentions were removed since: {said}. They still count: they were said"
