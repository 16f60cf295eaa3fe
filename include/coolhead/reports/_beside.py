"""What stands beside the day's numbers: brands that are watched, and mentions that vanished since."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coolhead.reports._numbers import Number, Reader
from coolhead.rows import ALL, KpiPoint
from coolhead.verdicts import Listening
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
    volume: Number
    share: KpiPoint | None


def others(reader: Reader, day: Window) -> list[Other]:
    """The brands that the market watches, by how much is said of them. A count is 0 only where it is known to be."""
    out = []
    for brand, watched in zip(reader.market.watch, reader.market.watched(), strict=True):
        found = reader.points("day", day, market=watched.id, kpi=["volume", "negative_share"], lang=ALL)
        rows = {p.source: p.n for p in found if p.kpi == "volume" and p.source != ALL}
        verdict = Listening(reader.store, watched, day, reader.as_of).at(reader.as_of).verdict(day, rows)
        numbers = {p.kpi: p for p in found if p.source == ALL}
        out.append(Other(brand.name, reader.number("volume", list(numbers.values()), verdict), numbers.get("negative_share")))
    return sorted(out, key=lambda o: (-(o.volume.value or 0), o.name))


def vanished(frame: "pd.DataFrame") -> str:
    """In words; empty where nothing vanished."""
    gone = Counter(frame.gone_by.dropna())
    if not gone:
        return ""
    said = ", ".join(f"{n} {BY[by]}" for by, n in sorted(gone.items(), key=lambda x: (-x[1], x[0])))
    return f"{sum(gone.values())} of the day's mentions were removed since: {said}. They still count: they were said"
