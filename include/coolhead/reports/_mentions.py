"""Mentions and authors as a report shows them: quoted, cut, pseudonymous."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from coolhead.reports._page import quote, web_link

if TYPE_CHECKING:
    import pandas as pd

REMOVED = {"author": " by its author", "brand": " by us", "network": " by the network"}
PSEUDONYM = 8
"""Characters of a pseudonym that a reader needs to tell authors apart."""


@dataclass(frozen=True)
class Quote:
    """One mention."""

    at: datetime
    source: str
    lang: str
    """`und` where nobody knows."""
    text: str
    author: str | None
    audience: int | None
    label: str
    url: str | None


@dataclass(frozen=True)
class Author:
    """What one pseudonym said in the span."""

    author: str
    source: str
    mentions: int
    negative: int
    audience: int | None
    """The greatest that was seen; None: unknown."""
    reach: int | None
    """Sum over the mentions."""


def quoted(frame: "pd.DataFrame") -> list[Quote]:
    """Rows of the store's frame, in their order."""
    return list(_quotes(frame))


def _quotes(frame: "pd.DataFrame") -> Iterator[Quote]:
    for m in frame.itertuples(index=False):
        yield Quote(
            m.published_at.to_pydatetime(), str(m.source), _language(m.scored_lang, m.lang), _words(m),
            _short(m.author), _whole(m.audience), str(_first(m.label) or "not scored yet"), web_link(m.url),
        )  # fmt: skip


def _words(m: Any) -> str:
    gone = _first(m.gone_by)
    return f"(removed since{'' if gone == 'unknown' else REMOVED[gone]})" if gone else quote(str(m.text))


def drivers(frame: "pd.DataFrame", most: int) -> list[Quote]:
    """The mentions that weigh most: audience x negativity (P(negative) - P(positive)), each author once.

    Where no audience is known the most negative follow, since unknown is not zero.
    """
    negative = frame[~frame.own & (frame.label == "negative")]
    weight = negative.audience.astype("float64") * -negative.polarity
    ranked = negative.assign(weight=weight).sort_values(
        ["weight", "polarity", "published_at"], ascending=[False, True, True], kind="stable", na_position="last"
    )
    return quoted(one_each(ranked).head(most))


def one_each(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Each author's first row; a mention without author stands for itself."""
    return frame[frame.author.isna() | ~frame.duplicated(["source", "author"])]


def authors(frame: "pd.DataFrame", most: int) -> list[Author]:
    """Largest reach first, then most mentions; those whose audience is unknown follow."""
    theirs = frame[~frame.own & frame.author.notna()]
    if theirs.empty:
        return []
    sums = theirs.assign(negative=theirs.label == "negative", known=theirs.audience.astype("float64")).groupby(
        ["source", "author"], as_index=False
    )
    table = sums.agg(
        mentions=("text", "size"), negative=("negative", "sum"), audience=("known", "max"), reach=("known", lambda s: s.sum(min_count=1))
    ).sort_values(["reach", "mentions", "author"], ascending=[False, False, True], na_position="last")  # fmt: skip
    return [
        Author(str(a.author)[:PSEUDONYM], str(a.source), int(a.mentions), int(a.negative), _whole(a.audience), _whole(a.reach))
        for a in table.head(most).itertuples(index=False)
    ]


def multiplier_share(frame: "pd.DataFrame") -> float | None:
    """Reach of the top 1 % of authors (one at least) / total reach [DEFINITIONS]; None where no audience is known."""
    known = frame[~frame.own & frame.author.notna() & frame.audience.notna()]
    reach = known.assign(known=known.audience.astype("float64")).groupby(["source", "author"]).known.sum()
    total = float(reach.sum())
    top = max(1, -(-len(reach) // 100))
    return float(reach.nlargest(top).sum()) / total if total else None


def _language(*values: Any) -> str:
    found = str(_first(*values) or "other")
    return "und" if found == "other" else found


def _first(*values: Any) -> Any:
    return next((v for v in values if isinstance(v, str) and v), None)


def _short(author: Any) -> str | None:
    return author[:PSEUDONYM] if isinstance(author, str) else None


def _whole(value: Any) -> int | None:
    import pandas as pd

    return None if pd.isna(value) else int(value)
