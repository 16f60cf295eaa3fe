"""The store: keyed upserts (writing.py) and reads of windows (tables.py). The only SQL of Coolhead, on SQLite and PostgreSQL.

Every write is an upsert: running anything twice equals running it once. SQLite's write transactions begin
IMMEDIATE (deferred ones fail with "database is locked" under several writers) and hold no network call.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

import sqlalchemy as sa

from coolhead import rows as r
from coolhead import schema
from coolhead.errors import ConfigError
from coolhead.labels import Answer, answers
from coolhead.tables import IN_TOPIC, KIND, LABEL, MATCH, MENTION, SCORE, TABLES, TOMBSTONE, R, conditions, read, to_json
from coolhead.windows import Window
from coolhead.writing import Writer

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0004"
"""The revision this code was written for; a test holds it to the newest migration."""


class Known(NamedTuple):
    """What the store holds of a mention."""

    day: date
    published_at: datetime
    text: str
    own: bool
    gone_at: datetime | None


def _engine(url: str) -> sa.Engine:
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    # No parameters in errors: they are mentions' texts and people's addresses, and errors end in logs.
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True, json_serializer=to_json, hide_parameters=True)
    path = sa.engine.make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": 30}, json_serializer=to_json, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        deferred = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if deferred else "BEGIN IMMEDIATE")

    return engine


def migrate(url: str) -> None:
    """Bring the store's schema to HEAD (in `make` or an init step, never in a task)."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = _engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


class Store:
    """Opens a store that is at the right revision."""

    def __init__(self, url: str) -> None:
        """Raises ConfigError where the store is missing or at another revision."""
        self.url = url
        self._engine = _engine(url)
        self._reader = self._engine.execution_options(read_only=True)
        self._check_revision()

    def _check_revision(self) -> None:
        with self._reader.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                found = None
            else:
                found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        if found != HEAD:
            shown = sa.engine.make_url(self.url).render_as_string(hide_password=True)
            raise ConfigError(
                f"store {shown}: its schema is {found or 'missing'}, this version needs {HEAD}; run `coolhead migrate`"
            )

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def writing(self) -> Generator[Writer]:
        """One transaction: all or nothing."""
        with self._engine.begin() as connection:
            yield Writer(connection)

    def upsert(self, rows: Iterable[schema.Row]) -> int:
        """`Writer.upsert` in a transaction of its own."""
        found = list(rows)
        if not found:
            return 0
        with self.writing() as writer:
            return writer.upsert(found)

    def read(self, kind: type[R], /, **where: Any) -> list[R]:
        """Rows by conditions, in key order: a value (=), a list or set (IN), None (IS NULL), a Window (time in it)."""
        with self._reader.connect() as connection:
            return read(connection, kind, where)

    def count(self, kind: type[schema.Row], /, **where: Any) -> int:
        with self._reader.connect() as connection:
            t = TABLES[kind]
            return connection.execute(sa.select(sa.func.count()).select_from(t).where(*conditions(t, where))).scalar_one()

    def existing(self, source: str, native_ids: Sequence[str], span: Window) -> dict[str, Known]:
        """native id -> what is known of those mentions of the source that are stored under a day of the span."""
        out: dict[str, Known] = {}
        # Day by day, so that the key (source, day, native id) is looked up and no day is read through.
        days = [span.start.date() + timedelta(days=n) for n in range((span.end.date() - span.start.date()).days + 1)]
        near = (MENTION.c.source == source, MENTION.c.day.in_(days))
        buried = [TOMBSTONE.c[n] == MENTION.c[n] for n in ("source", "day", "native_id")]
        columns = [MENTION.c[n] for n in ("native_id", "day", "published_at", "text", "own")]
        chosen = sa.select(*columns, TOMBSTONE.c.gone_at).select_from(MENTION.outerjoin(TOMBSTONE, sa.and_(*buried)))
        with self._reader.connect() as connection:
            for i in range(0, len(native_ids), 500):
                some = chosen.where(*near, MENTION.c.native_id.in_(native_ids[i : i + 500])).order_by(MENTION.c.day.desc())
                out.update({native_id: Known(*known) for native_id, *known in connection.execute(some)})
        return out

    def mentions(
        self, market: str, window: Window, scorer: str, revision: str, as_of: datetime, *,
        known_after: datetime | None = None, known_by: datetime | None = None, read_by: datetime | None = None,
    ) -> "Any":  # fmt: skip
        """Frame of the market's mentions published in the window and known by `as_of`, one row each, oldest first.

        known_after: only those that became known later than this; known_by, read_by: mentions, and the revision's readings, known by
        then, in place of `as_of`.

        Columns: those of Mention, matched_by, label, polarity, read_label, read_polarity, labelled_by, labelled_at, confidence,
        scored_lang, scored_at, kind, emotional, gone_by. `label` and `polarity` are a person's where one labelled the mention, else
        as the revision reads it (`read_*`), and null where it has not read it yet; `gone_by` is null where the mention stands.
        """
        import pandas as pd

        statement = _mentions(market, window, scorer, revision, as_of, known_by or as_of, read_by or as_of)
        if known_after:
            statement = statement.where(MENTION.c.known_at > known_after)
        with self._reader.connect() as connection:
            frame = pd.DataFrame(
                connection.execute(statement).mappings().all(), columns=[c.name for c in statement.selected_columns]
            )
        kinds = {
            **schema.dtypes(r.Mention), "polarity": "float64", "read_polarity": "float64", "confidence": "float64", "emotional": "float64",
            "scored_at": "datetime64[us, UTC]", "labelled_at": "datetime64[us, UTC]",
        }  # fmt: skip
        return frame.astype({c: k for c, k in kinds.items() if c in frame})

    def answers(self, market: str, scorer: str, revision: str, as_of: datetime) -> list[Answer]:
        """Every mention drawn for people to label, once for each label they gave it, as known then."""
        with self._reader.connect() as connection:
            return [Answer(*row) for row in connection.execute(answers(market, scorer, revision, as_of))]

    def asked(self, statement: sa.Select[Any]) -> list[Any]:
        """Rows of a query that stands in a module of its own (presence.py)."""
        with self._reader.connect() as connection:
            return list(connection.execute(statement))

    def latest(self, sources: Iterable[str], limit: int) -> Iterator[tuple[datetime, str]]:
        """(publication, text) of the newest mentions of some sources, newest first, fetched in chunks."""
        chosen = sa.select(MENTION.c.published_at, MENTION.c.text).where(MENTION.c.source.in_(list(sources)))
        newest = chosen.order_by(MENTION.c.published_at.desc()).limit(limit)
        with self._reader.connect() as connection:
            yield from connection.execution_options(yield_per=1_000).execute(newest)

    def ungated(self, limit: int) -> list[r.Mention]:
        """Mentions the quality gate has not seen, oldest first."""
        return self._limited(sa.select(MENTION).where(MENTION.c.gated.is_(False)), limit)

    def unread(self, reader: str, limit: int) -> list[r.Mention]:
        """Gated mentions that nobody has read, oldest first; when there are none, those that another revision read, newest
        first, so that a new scorer begins with what matters. reader: scorer/revision. Reads no mention that it has read."""
        by, gated = MENTION.c.read_by, sa.select(MENTION).where(MENTION.c.gated.is_(True))
        if new := self._limited(gated.where(by.is_(None)), limit):
            return new
        for others in (by > reader, by < reader):  # two ranges of the index
            if found := self._limited(gated.where(others), limit, by.desc(), MENTION.c.published_at.desc()):
                return found
        return []

    def _limited(self, statement: Any, limit: int, *order: Any) -> list[r.Mention]:
        with self._reader.connect() as connection:
            found = connection.execute(statement.order_by(*(order or (MENTION.c.published_at,))).limit(limit)).mappings()
            return [r.Mention.model_construct(**row) for row in found]

    def first(self, kind: type[R], column: str, /, last: bool = False, **where: Any) -> R | None:
        """The row with the least (or greatest) value of a column; one look where an index begins with the conditions."""
        t = TABLES[kind]
        order = t.c[column].desc() if last else t.c[column]
        with self._reader.connect() as connection:
            statement = sa.select(t).where(*conditions(t, where)).order_by(order).limit(1)
            row = connection.execute(statement).mappings().first()
        return cast(R, kind.model_construct(**row)) if row else None

    def latest_rows(self, kind: type[R], column: str, limit: int, /, **where: Any) -> list[R]:
        """At most so many rows, those with the greatest values of a column, greatest first."""
        t = TABLES[kind]
        order = (t.c[column].desc(), *(c.desc() for c in t.primary_key.columns))
        with self._reader.connect() as connection:
            found = connection.execute(sa.select(t).where(*conditions(t, where)).order_by(*order).limit(limit)).mappings()
            return [cast(R, kind.model_construct(**row)) for row in found]

    def topic_sizes(self, market: str, span: Window, topics: Iterable[str]) -> dict[str, tuple[int, int, datetime, datetime]]:
        """topic -> mentions, authors, first and last publication in the span; from one index. Who is unknown counts as one each."""
        t = IN_TOPIC
        authors = sa.func.count(t.c.author.distinct()) + sa.func.count() - sa.func.count(t.c.author)
        published = (t.c.published_at >= span.start, t.c.published_at < span.end)
        chosen = sa.select(t.c.topic, sa.func.count(), authors, sa.func.min(t.c.published_at), sa.func.max(t.c.published_at))
        some = chosen.where(t.c.market == market, t.c.topic.in_(list(topics)), *published).group_by(t.c.topic)
        with self._reader.connect() as connection:
            return {topic: (n, people, first, last) for topic, n, people, first, last in connection.execute(some)}

    def overlapping(self, kind: type[R], span: Window, /, **where: Any) -> list[R]:
        """Rows whose [start, end) meets the span, in key order; an end that is null has not come yet."""
        t = TABLES[kind]
        meets = [
            t.c.start < span.end,
            sa.or_(t.c.end > span.start, t.c.end.is_(None)) if t.c.end.nullable else t.c.end > span.start,
        ]
        with self._reader.connect() as connection:
            return read(connection, kind, where, meets)

    def covered(self, market: str, span: Window, as_of: datetime) -> list[tuple[str, Window]]:
        """(source, stretch): the union of the successful polls that meet the span, as known then."""
        t = TABLES[r.CollectionLog]
        meets = (t.c.market == market, t.c.ok.is_(True), t.c.end > span.start, t.c.start < span.end)
        known = sa.or_(t.c.assumed.is_(True), t.c.known_at <= as_of)
        before = sa.func.max(t.c.end).over(partition_by=t.c.source, order_by=(t.c.start, t.c.end), rows=(None, -1))
        polls = sa.select(t.c.source, t.c.start, before.label("before")).where(*meets, known).subquery()
        begins = sa.select(polls).where(sa.or_(polls.c.before.is_(None), polls.c.before < polls.c.start))
        ends = sa.select(t.c.source, sa.func.max(t.c.end)).where(*meets, known).group_by(t.c.source)
        with self._reader.connect() as connection:
            last = {row[0]: row[1] for row in connection.execute(ends)}
            found = list(connection.execute(begins.order_by(polls.c.source, polls.c.start)))
        out = []
        for i, (source, start, _) in enumerate(found):
            same = i + 1 < len(found) and found[i + 1][0] == source
            out.append((source, Window(start, found[i + 1][2] if same else last[source])))
        return out

    def newest(self, market: str, span: Window) -> dict[str, datetime]:
        """source -> publication of the market's latest mention in the span."""
        chosen = sa.select(MATCH.c.source, sa.func.max(MATCH.c.published_at)).where(
            MATCH.c.market == market, MATCH.c.published_at >= span.start, MATCH.c.published_at < span.end
        )
        with self._reader.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(chosen.group_by(MATCH.c.source))}

    def quantity(self, kind: type[schema.Row], column: str, /, **where: Any) -> tuple[Any, Any]:
        """Least and greatest value of a column."""
        t = TABLES[kind]
        with self._reader.connect() as connection:
            low, high = connection.execute(
                sa.select(sa.func.min(t.c[column]), sa.func.max(t.c[column])).where(*conditions(t, where))
            ).one()
        return low, high


def _mentions(
    market: str, window: Window, scorer: str, revision: str, as_of: datetime, known_by: datetime, read_by: datetime
) -> sa.Select[Any]:
    """Matches of a market with their mention and all that was read in it, as known then."""

    def of(t: sa.Table | sa.Subquery, *more: Any) -> Any:
        return sa.and_(*(t.c[n] == MATCH.c[n] for n in ("source", "day", "native_id")), *more)

    newest = sa.func.row_number().over(
        partition_by=(LABEL.c.source, LABEL.c.day, LABEL.c.native_id), order_by=(LABEL.c.at.desc(), LABEL.c.by)
    )
    # A mention is stored under the day of its first recorded publication, which an edit moves by a week at most.
    days = (LABEL.c.day >= window.start.date() - timedelta(days=8), LABEL.c.day <= window.end.date() + timedelta(days=8))
    fresh = sa.select(LABEL, newest.label("nth")).where(LABEL.c.at <= as_of, LABEL.c.stale.is_(False), *days).subquery()
    said = sa.case((fresh.c.label == "negative", -1.0), (fresh.c.label == "positive", 1.0), else_=0.0)
    chosen = [
        MATCH.c.matched_by,
        sa.func.coalesce(fresh.c.label, SCORE.c.label).label("label"),
        sa.case((fresh.c.label.is_not(None), said), else_=SCORE.c.polarity).label("polarity"),
        SCORE.c.label.label("read_label"),
        SCORE.c.polarity.label("read_polarity"),
        fresh.c.by.label("labelled_by"),
        fresh.c.at.label("labelled_at"),
        SCORE.c.confidence,
        SCORE.c.lang.label("scored_lang"),
        SCORE.c.known_at.label("scored_at"),
        sa.func.coalesce(fresh.c.kind, KIND.c.kind).label("kind"),
        KIND.c.emotional,
        TOMBSTONE.c.by.label("gone_by"),
    ]
    return (
        sa.select(*MENTION.c, *chosen)
        .select_from(
            MATCH.join(MENTION, of(MENTION))
            .outerjoin(SCORE, of(SCORE, SCORE.c.scorer == scorer, SCORE.c.revision == revision, SCORE.c.known_at <= read_by))
            .outerjoin(fresh, of(fresh, fresh.c.nth == 1))
            .outerjoin(KIND, of(KIND, KIND.c.known_at <= as_of))
            .outerjoin(TOMBSTONE, of(TOMBSTONE))
        )
        .where(MATCH.c.market == market, MATCH.c.published_at >= window.start, MATCH.c.published_at < window.end)
        .where(MENTION.c.known_at <= known_by)
        .order_by(MATCH.c.published_at, MATCH.c.source, MATCH.c.native_id)
    )


def around(moments: Sequence[datetime], days: int = 7) -> Window:
    """A span that reaches some days around the moments."""
    return Window(min(moments).astimezone(UTC) - timedelta(days=days), max(moments).astimezone(UTC) + timedelta(days=days))
