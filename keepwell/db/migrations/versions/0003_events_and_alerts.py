"""Engagement events, alerts, and interventions that events begin"""

import sqlalchemy as sa
from alembic import op

import keepwell.db.tables.base

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "engagement_event",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("at", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("data", keepwell.db.tables.base.JSON_COLUMN, nullable=False),
        sa.Column("received_at", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organisation_id", "key"),
    )
    with op.batch_alter_table("engagement_event", schema=None) as batch_op:
        batch_op.create_index("ix_engagement_event_customer_at", ["customer_id", "at"], unique=False)

    op.create_table(
        "watch",
        sa.Column("customer_id", sa.String(length=40), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("organisation_id", sa.String(length=40), nullable=False),
        sa.Column("first_at", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_at", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.String(length=40), nullable=False),
        sa.Column("check_at", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("customer_id", "what", "name"),
    )
    with op.batch_alter_table("watch", schema=None) as batch_op:
        batch_op.create_index("ix_watch_due", ["organisation_id", "check_at"], unique=False)
        batch_op.create_index("ix_watch_newest", ["organisation_id", "what", "last_at"], unique=False)

    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=240), nullable=False),
        sa.Column("trigger", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("evidence", keepwell.db.tables.base.JSON_COLUMN, nullable=False),
        sa.Column("raised_at", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("escalated_at", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("acknowledged_at", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=False),
        sa.Column("closed_at", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("closed_why", sa.String(), nullable=False),
        sa.Column("decision", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_at", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("intervention_id", sa.String(length=40), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("retry_at", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organisation_id", "key"),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index("ix_alert_customer_state", ["customer_id", "state"], unique=False)
        batch_op.create_index("ix_alert_listed", ["organisation_id", "state", "raised_at"], unique=False)
        batch_op.create_index("ix_alert_undecided", ["organisation_id", "decision"], unique=False)
        batch_op.create_index(
            "ix_alert_fading", ["organisation_id", "trigger", "state", "raised_at"], unique=False
        )

    op.create_table(
        "alert_rule",
        sa.Column("organisation_id", sa.String(length=40), nullable=False),
        sa.Column("trigger", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("number", sa.Float(), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("organisation_id", "trigger", "subject"),
    )
    op.create_table(
        "monitor_state",
        sa.Column("organisation_id", sa.String(length=40), nullable=False),
        sa.Column("figures_day", sa.Date(), nullable=True),
        sa.Column("figures_begun", sa.Date(), nullable=True),
        sa.Column("figures_after", sa.String(length=40), nullable=False),
        sa.Column("passed_at", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("held_until", keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
        ),
        sa.PrimaryKeyConstraint("organisation_id"),
    )
    with op.batch_alter_table("intervention", schema=None) as batch_op:
        batch_op.add_column(sa.Column("alert_id", sa.String(length=40), nullable=True))
        # An alert may be of a customer that was never scored.
        batch_op.alter_column("level", existing_type=sa.String(length=20), nullable=True)
        batch_op.alter_column("score", existing_type=sa.Float(), nullable=True)
        batch_op.create_index(batch_op.f("ix_intervention_alert_id"), ["alert_id"], unique=False)


def downgrade() -> None:
    """Go back."""
    # Every intervention had a level: whose customer was never scored gets one that nothing follows from.
    op.execute("UPDATE intervention SET level = 'HEALTHY' WHERE level IS NULL")
    op.execute("UPDATE intervention SET score = 60 WHERE score IS NULL")
    with op.batch_alter_table("intervention", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_intervention_alert_id"))
        batch_op.drop_column("alert_id")
        batch_op.alter_column("level", existing_type=sa.String(length=20), nullable=False)
        batch_op.alter_column("score", existing_type=sa.Float(), nullable=False)

    for name in ("monitor_state", "alert_rule", "alert", "watch", "engagement_event"):
        op.drop_table(name)
