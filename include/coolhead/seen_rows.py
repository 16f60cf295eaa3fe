"""What rules saw, read by the hundred thousand: only the numbers that are asked for are decoded, the rest is passed over."""

import gc
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from coolhead.rows import Seen
from coolhead.store import Store
from coolhead.tables import TABLES
from coolhead.windows import Window

Numbers = tuple[float | None, ...]

_ALL = msgspec.json.Decoder(dict[str, Numbers])
_EVIDENCE = msgspec.json.Decoder(dict[str, Any])


def seen_rows(store: Store, market: str, span: Window, kpis: Iterable[str] | None = None) -> list[Seen]:
    """As Store.read(Seen), in order of time. kpis: of `numbers` only these; None: all."""
    numbers_of = _ALL.decode if kpis is None else _only(tuple(kpis))
    with _without_cycles():
        return [
            Seen.model_construct(
                market=market, start=start, quality=quality, numbers=numbers_of(numbers), evidence=_EVIDENCE.decode(evidence),
                as_of=as_of, judged_at=judged_at,
            )
            for start, quality, numbers, evidence, as_of, judged_at in store.asked(_chosen(market, span))
        ]  # fmt: skip


@contextmanager
def _without_cycles() -> Generator[None]:
    """Two thirds of the time went into looking for cycles among half a million new objects, which can have none."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _chosen(market: str, span: Window) -> sa.Select[Any]:
    t = TABLES[Seen]
    texts = (sa.cast(t.c.numbers, sa.Text), sa.cast(t.c.evidence, sa.Text))
    inside = (t.c.market == market, t.c.start >= span.start, t.c.start < span.end)
    return sa.select(t.c.start, t.c.quality, *texts, t.c.as_of, t.c.judged_at).where(*inside).order_by(t.c.start)


@lru_cache(maxsize=16)
def _only(names: tuple[str, ...]) -> Callable[[str], dict[str, Numbers]]:
    """A decoder of some of the numbers: a struct with a field for each, to which the others are unknown."""
    fields: list[Any] = [(f"n{i}", Numbers | None, msgspec.field(default=None, name=name)) for i, name in enumerate(names)]
    decode = msgspec.json.Decoder(msgspec.defstruct("Numbers", fields, gc=False)).decode

    def some(text: str) -> dict[str, Numbers]:
        found = msgspec.structs.astuple(decode(text))
        return {name: numbers for name, numbers in zip(names, found, strict=True) if numbers is not None}

    return some
