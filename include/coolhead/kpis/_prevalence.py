"""Parts and value of the corrected prevalences: counts by language, each solved by what the scorer confuses in it."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pandas as pd

from coolhead.kpis import Context, one
from coolhead.language import UNKNOWN
from coolhead.prevalence import LABELS, Confusion, Corrected, corrected, pooled

METHOD = "Bayesian bootstrap over labels and mentions (prevalence.py)"


def counted(frame: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Per scored mention: `it.negative` where the scorer read it, `it.said.negative` where a person did; and `general`: 1 where
    public corpora, and not the brand's own labels, say what the scorer confuses."""
    scored = frame[frame.polarity.notna()]
    said = scored.labelled_by.notna() if "labelled_by" in scored else pd.Series(False, index=scored.index)
    general = {lang for lang in set(scored.lang) if (c := context.confusions.get(lang)) is None or c.general}
    kind = scored.lang + np.where(said, ".said.", ".") + scored.label.astype(str)
    found = pd.get_dummies(kind, dtype="float64")
    return one(scored, general=scored.lang.isin(general) & ~said).join(found)


def solved(parts: pd.DataFrame, label: str, context: Context) -> pd.DataFrame:
    """Columns value, low and high of one label's share; null where undefined."""
    names = sorted(c for c in parts.columns if "." in str(c))
    langs = sorted({n.partition(".")[0] for n in names})
    places = pd.MultiIndex.from_product([langs, ("", "said."), LABELS])
    wanted = [f"{lang}.{said}{what}" for lang, said, what in places]
    counts = parts.reindex(columns=wanted, fill_value=0.0).fillna(0.0).to_numpy(dtype="float64")
    found = _corrected(counts.tobytes(), len(parts), tuple(langs), _known(langs, context.confusions))
    i = LABELS.index(label)
    return pd.DataFrame({"value": found.value[:, i], "low": found.low[:, i], "high": found.high[:, i]}, index=parts.index)


def _known(langs: list[str], confusions: Mapping[str, Confusion]) -> tuple[tuple[str, Confusion], ...]:
    """What the scorer confuses, of the languages that have a matrix and of mentions whose language could not be told."""
    found = {lang: confusions.get(lang) or (pooled(confusions) if lang == UNKNOWN else None) for lang in langs}
    return tuple((lang, confusion) for lang, confusion in found.items() if confusion)


@lru_cache(maxsize=4)
def _corrected(content: bytes, rows: int, langs: tuple[str, ...], confusions: tuple[tuple[str, Confusion], ...]) -> Corrected:
    """Solved once for all labels."""
    counts = np.frombuffer(content, dtype="float64").reshape(rows, 6 * len(langs))
    read = {lang: counts[:, 6 * i : 6 * i + 3] for i, lang in enumerate(langs)}
    said = {lang: counts[:, 6 * i + 3 : 6 * i + 6] for i, lang in enumerate(langs)}
    if not langs:
        nothing = np.full((rows, 3), np.nan)
        return Corrected(nothing, nothing, nothing, np.zeros(rows, dtype=bool))
    return corrected(read, said, dict(confusions))
