"""What the rules saw, and who kept them quiet"""

import warnings

import sqlalchemy as sa
from alembic import op

import coolhead.schema

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "mute",
        sa.Column("mute_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("market", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("rules", sa.JSON(), autoincrement=False, nullable=False),
        sa.Column("topic", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("owner", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("start", coolhead.schema.UtcTime(timezone=True), autoincrement=False, nullable=False),
        sa.Column("end", coolhead.schema.UtcTime(timezone=True), autoincrement=False, nullable=False),
        sa.Column("made_by", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("made_at", coolhead.schema.UtcTime(timezone=True), autoincrement=False, nullable=False),
        sa.Column("ended_at", coolhead.schema.UtcTime(timezone=True), autoincrement=False, nullable=True),
        sa.Column("ended_by", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("told_at", coolhead.schema.UtcTime(timezone=True), autoincrement=False, nullable=True),
        sa.CheckConstraint("kind IN ('silence', 'maintenance')", name="mute_kind_choices"),
        sa.PrimaryKeyConstraint("mute_id"),
    )
    op.create_table(
        "seen",
        sa.Column("market", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("start", coolhead.schema.UtcTime(timezone=True), autoincrement=False, nullable=False),
        sa.Column("quality", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("numbers", sa.JSON(), autoincrement=False, nullable=False),
        sa.Column("evidence", sa.JSON(), autoincrement=False, nullable=False),
        sa.Column("as_of", coolhead.schema.UtcTime(timezone=True), autoincrement=False, nullable=False),
        sa.Column("judged_at", coolhead.schema.UtcTime(timezone=True), autoincrement=False, nullable=True),
        sa.CheckConstraint("quality IN ('pending', 'ok', 'quiet', 'partial', 'blind')", name="seen_quality_choices"),
        sa.PrimaryKeyConstraint("market", "start"),
    )
    op.create_table(
        "usual_day",
        sa.Column("market", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("hours", sa.JSON(), autoincrement=False, nullable=False),
        sa.Column("parts", sa.JSON(), autoincrement=False, nullable=False),
        sa.Column("seen", sa.JSON(), autoincrement=False, nullable=False),
        sa.Column("as_of", coolhead.schema.UtcTime(timezone=True), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("market", "day", "revision"),
    )
    with op.batch_alter_table("incident") as batch_op:
        batch_op.add_column(sa.Column("topic", sa.Text(), autoincrement=False, nullable=True))
        batch_op.add_column(sa.Column("merged_into", sa.Text(), autoincrement=False, nullable=True))
        batch_op.add_column(sa.Column("split_from", sa.Text(), autoincrement=False, nullable=True))
    with op.batch_alter_table("signal") as batch_op:
        batch_op.add_column(sa.Column("topic", sa.Text(), autoincrement=False, nullable=False, server_default="all"))
        batch_op.add_column(sa.Column("muted_by", sa.Text(), autoincrement=False, nullable=True))
    _key_of_signals("market", "rule", "start", "topic")
    with op.batch_alter_table("signal") as batch_op:
        batch_op.alter_column("topic", existing_type=sa.Text(), existing_nullable=False, server_default=None)
        batch_op.create_index("signal_by_market_start", ["market", "start"], unique=False)
        batch_op.create_index("signal_by_incident_id_severity_start", ["incident_id", "severity", "start"], unique=False)


def downgrade() -> None:
    op.execute("DELETE FROM signal WHERE topic <> 'all'")
    with op.batch_alter_table("signal") as batch_op:
        batch_op.drop_index("signal_by_incident_id_severity_start")
        batch_op.drop_index("signal_by_market_start")
    _key_of_signals("market", "rule", "start")
    with op.batch_alter_table("signal") as batch_op:
        batch_op.drop_column("muted_by")
        batch_op.drop_column("topic")
    with op.batch_alter_table("incident") as batch_op:
        batch_op.drop_column("split_from")
        batch_op.drop_column("merged_into")
        batch_op.drop_column("topic")
    for table in ("usual_day", "seen", "mute"):
        op.drop_table(table)


def _key_of_signals(*columns: str) -> None:
    """One rule may fire for several topics in one window."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("signal_pkey", "signal", type_="primary")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # that the key is another one than before, which is the point
        with op.batch_alter_table("signal") as batch_op:  # SQLite builds the table anew
            batch_op.create_primary_key("signal_pkey", list(columns))
