"""What rules saw, read by the hundred thousand: only the numbers that are asked for are decoded, the rest is passed over."""

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from coolhead.rows import Seen
from coolhead.store import Store
from coolhead.tables import TABLES
from coolhead.windows import Window

Numbers = tuple[float | None, ...]

_PASSED_OVER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NUMBERS = msgspec.json.Decoder(Numbers)
_ALL = msgspec.json.Decoder(dict[str, Numbers])
_EVIDENCE = msgspec.json.Decoder(dict[str, Any])


def seen_rows(store: Store, market: str, span: Window, kpis: Iterable[str] | None = None) -> list[Seen]:
    """As Store.read(Seen), in order of time. kpis: of `numbers` only these; None: all."""
    names = None if kpis is None else frozenset(kpis)
    return [
        Seen.model_construct(
            market=market, start=start, quality=quality, numbers=_numbers(numbers, names), evidence=_EVIDENCE.decode(evidence),
            as_of=as_of,
        )
        for start, quality, numbers, evidence, as_of in store.asked(_chosen(market, span))
    ]  # fmt: skip


def _chosen(market: str, span: Window) -> sa.Select[Any]:
    t = TABLES[Seen]
    texts = (sa.cast(t.c.numbers, sa.Text), sa.cast(t.c.evidence, sa.Text))
    inside = (t.c.market == market, t.c.start >= span.start, t.c.start < span.end)
    return sa.select(t.c.start, t.c.quality, *texts, t.c.as_of).where(*inside).order_by(t.c.start)


def _numbers(text: str, names: frozenset[str] | None) -> dict[str, Numbers]:
    if names is None:
        return _ALL.decode(text)
    return {name: _NUMBERS.decode(raw) for name, raw in _PASSED_OVER.decode(text).items() if name in names}
