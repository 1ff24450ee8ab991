"""Channels, people and manners: what may go out and when, what comes in, who answers"""

from datetime import UTC, datetime

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

import keepwell.db.tables.base
from keepwell.keys import new_id

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


_MOMENT = keepwell.db.tables.base.UtcDateTime(timezone=True)
_CONTACT = sa.table("contact", *(sa.column(name) for name in ("id", "organisation_id", "email", "suppressed")))
_SUPPRESSION = sa.table(
    "suppression",
    *(sa.column(name) for name in ("id", "organisation_id", "address", "reason", "detail", "source", "lifted_by")),
    sa.column("at", _MOMENT),
    sa.column("lifted_at", _MOMENT),
)
_REASONS = ("bounced", "invalid", "complained", "unsubscribed")


def _suppressions_by_address() -> None:
    """What stood with a contact stands with its address: of several contacts with one, the first counts."""
    connection = op.get_bind()
    rows = connection.execute(sa.select(_CONTACT).where(_CONTACT.c.suppressed != "").order_by(_CONTACT.c.id))
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows.mappings():
        address, text = row["email"].strip().lower(), row["suppressed"]
        reason, _, detail = text.partition(": ")
        if reason not in _REASONS:
            reason, detail = "manual", text
        if 0 < len(address) <= 320:
            found.setdefault((row["organisation_id"], address), {"reason": reason, "detail": detail})
    now = datetime.now(UTC)
    rest = {"source": "upgrade", "at": now, "lifted_at": None, "lifted_by": ""}
    made = [
        {"id": new_id(), "organisation_id": organisation, "address": address, **why, **rest}
        for (organisation, address), why in found.items()
    ]
    if made:
        connection.execute(_SUPPRESSION.insert(), made)


def _suppressions_by_contact() -> None:
    """The way back: every contact with the address gets the words. Addresses that nobody has are lost."""
    connection = op.get_bind()
    words = {}
    for row in connection.execute(sa.select(_SUPPRESSION).where(_SUPPRESSION.c.lifted_at.is_(None))).mappings():
        known = row["reason"] in _REASONS
        parts = [row["reason"] if known or not row["detail"] else "", row["detail"]]
        words[row["organisation_id"], row["address"]] = ": ".join(part for part in parts if part)
    if not words:
        return
    columns = (_CONTACT.c.id, _CONTACT.c.organisation_id, _CONTACT.c.email)
    changed = [
        {"contact": row["id"], "words": words[key]}
        for row in connection.execute(sa.select(*columns).where(_CONTACT.c.email != "")).mappings()
        if (key := (row["organisation_id"], row["email"].strip().lower())) in words
    ]
    if changed:
        statement = _CONTACT.update().where(_CONTACT.c.id == sa.bindparam("contact"))
        connection.execute(statement.values(suppressed=sa.bindparam("words")), changed)


_ONLY_APPENDED = "The journal is only ever appended to"
_KEEPS_JOURNAL = {
    "sqlite": tuple(
        f"CREATE TRIGGER event_no_{what} BEFORE {what.upper()} ON event "
        f"BEGIN SELECT RAISE(ABORT, '{_ONLY_APPENDED}'); END"
        for what in ("update", "delete")
    ),
    "postgresql": (
        f"CREATE FUNCTION event_only_appended() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION '{_ONLY_APPENDED}'; END $$",
        "CREATE TRIGGER event_only_appended BEFORE UPDATE OR DELETE OR TRUNCATE ON event "
        "FOR EACH STATEMENT EXECUTE FUNCTION event_only_appended()",
    ),
}
_FREES_JOURNAL = {
    "sqlite": ("DROP TRIGGER event_no_update", "DROP TRIGGER event_no_delete"),
    "postgresql": ("DROP TRIGGER event_only_appended ON event", "DROP FUNCTION event_only_appended()"),
}

_OF_EVENTS = (
    ("ix_event_kinds", "kind", "ix_event_kind"),
    ("ix_event_customer", "customer_id", "ix_event_customer_id"),
    ("ix_event_intervention", "intervention_id", "ix_event_intervention_id"),
)
"""Indexes of the journal that hold lines in the order in which they are read: the column, the one before."""


def _journal(statements: Mapping[str, tuple[str, ...]]) -> None:
    for statement in statements[op.get_bind().dialect.name]:
        op.execute(statement)


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_organisation_id"))
        batch_op.create_index("ix_event_listed", ["organisation_id", "recorded_at", "id"], unique=False)
        for name, column, old in _OF_EVENTS:
            batch_op.drop_index(batch_op.f(old))
            first = [column] if column != "kind" else ["organisation_id", column]
            batch_op.create_index(name, [*first, "recorded_at", "id"], unique=False)
        people = sa.text("by <> 'engine'")
        batch_op.create_index(
            "ix_event_people",
            ["organisation_id", "by", "recorded_at", "id"],
            unique=False,
            sqlite_where=people,
            postgresql_where=people,
        )
    _journal(_KEEPS_JOURNAL)
    op.create_table('alert_channel',
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('channel', sa.String(length=10), nullable=False),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.Column('severity', sa.String(length=10), nullable=False),
    sa.Column('target', sa.String(length=320), nullable=False),
    sa.Column('since', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('organisation_id', 'channel')
    )
    op.create_table('closed_day',
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('open', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('organisation_id', 'day')
    )
    op.create_table('kill_switch',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('scope', sa.String(length=10), nullable=False),
    sa.Column('subject', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('thrown_by', sa.String(), nullable=False),
    sa.Column('thrown_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('lifted_by', sa.String(), nullable=False),
    sa.Column('lifted_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('kill_switch', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_kill_switch_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('playbook_mode',
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('playbook', sa.String(length=40), nullable=False),
    sa.Column('mode', sa.String(length=10), nullable=False),
    sa.Column('approves', sa.Boolean(), nullable=False),
    sa.Column('set_by', sa.String(), nullable=False),
    sa.Column('set_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('organisation_id', 'playbook')
    )
    op.create_table('provider_event',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=True),
    sa.Column('provider', sa.String(length=20), nullable=False),
    sa.Column('event_id', sa.String(length=120), nullable=False),
    sa.Column('delivery', sa.String(length=240), nullable=False),
    sa.Column('kind', sa.String(length=30), nullable=False),
    sa.Column('at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('data', keepwell.db.tables.base.JSON_COLUMN, nullable=False),
    sa.Column('received_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('effect', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('provider', 'event_id')
    )
    with op.batch_alter_table('provider_event', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_provider_event_delivery'), ['delivery'], unique=False)
        batch_op.create_index(batch_op.f('ix_provider_event_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('suppression',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('address', sa.String(length=320), nullable=False),
    sa.Column('reason', sa.String(length=20), nullable=False),
    sa.Column('detail', sa.String(), nullable=False),
    sa.Column('source', sa.String(length=40), nullable=False),
    sa.Column('at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('lifted_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('lifted_by', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('organisation_id', 'address')
    )
    op.create_table('webhook_endpoint',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('url', sa.String(length=2000), nullable=False),
    sa.Column('secret', sa.String(length=100), nullable=False),
    sa.Column('old_secret', sa.String(length=100), nullable=False),
    sa.Column('old_secret_until', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('kinds', keepwell.db.tables.base.JSON_COLUMN, nullable=False),
    sa.Column('description', sa.String(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('stopped_why', sa.String(), nullable=False),
    sa.Column('removed_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('failing_since', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.String(), nullable=False),
    sa.Column('created_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('webhook_endpoint', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_webhook_endpoint_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('absence',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('staff_id', sa.String(length=40), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=False),
    sa.Column('cover_id', sa.String(length=40), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('entered_by', sa.String(), nullable=False),
    sa.Column('entered_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('withdrawn_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['cover_id'], ['staff.id'], ),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('absence', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_absence_cover_id'), ['cover_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_absence_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_absence_staff_id'), ['staff_id'], unique=False)

    op.create_table('webhook_delivery',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('endpoint_id', sa.String(length=40), nullable=False),
    sa.Column('event_id', sa.String(length=40), nullable=False),
    sa.Column('replay', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=60), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('created_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('handed_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('ended_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoint.id'], ),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('endpoint_id', 'event_id', 'replay')
    )
    with op.batch_alter_table('webhook_delivery', schema=None) as batch_op:
        batch_op.create_index('ix_webhook_delivery_listed', ['organisation_id', 'state', 'created_at'], unique=False)

    op.create_table('webhook_attempt',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('delivery_id', sa.String(length=40), nullable=False),
    sa.Column('at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('milliseconds', sa.Integer(), nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['webhook_delivery.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('webhook_attempt', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_webhook_attempt_delivery_id'), ['delivery_id'], unique=False)

    op.create_table('contact_preference',
    sa.Column('contact_id', sa.String(length=40), nullable=False),
    sa.Column('purpose', sa.String(length=20), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('wanted', sa.Boolean(), nullable=False),
    sa.Column('source', sa.String(length=40), nullable=False),
    sa.Column('at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], ),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('contact_id', 'purpose')
    )
    with op.batch_alter_table('contact_preference', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_contact_preference_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('notice',
    sa.Column('key', sa.String(length=240), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('alert_id', sa.String(length=40), nullable=True),
    sa.Column('task_id', sa.String(length=40), nullable=True),
    sa.Column('severity', sa.String(length=10), nullable=False),
    sa.Column('words', sa.String(), nullable=False),
    sa.Column('channel', sa.String(length=10), nullable=False),
    sa.Column('address', sa.String(length=320), nullable=False),
    sa.Column('recipient_id', sa.String(length=40), nullable=False),
    sa.Column('recipient_name', sa.String(), nullable=False),
    sa.Column('recipient_zone', sa.String(length=64), nullable=False),
    sa.Column('instead', sa.String(), nullable=False),
    sa.Column('message', sa.String(length=240), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('lease', sa.String(length=40), nullable=False),
    sa.Column('deferred_until', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('leased_until', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('provider', sa.String(), nullable=False),
    sa.Column('provider_id', sa.String(), nullable=False),
    sa.Column('planned_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('accepted_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('updated_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['alert_id'], ['alert.id'], ),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], ),
    sa.PrimaryKeyConstraint('key')
    )
    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notice_alert_id'), ['alert_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_notice_message'), ['message'], unique=False)
        batch_op.create_index(batch_op.f('ix_notice_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_notice_state'), ['state'], unique=False)
        batch_op.create_index(batch_op.f('ix_notice_task_id'), ['task_id'], unique=False)

    op.create_table('draft',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('customer_id', sa.String(length=40), nullable=False),
    sa.Column('intervention_id', sa.String(length=40), nullable=False),
    sa.Column('step', sa.String(length=40), nullable=False),
    sa.Column('key', sa.String(length=240), nullable=False),
    sa.Column('channel', sa.String(length=10), nullable=False),
    sa.Column('recipient_id', sa.String(length=40), nullable=False),
    sa.Column('recipient_name', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('html', sa.String(), nullable=False),
    sa.Column('original', keepwell.db.tables.base.JSON_COLUMN, nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('created_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decide_by', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('edited_by', sa.String(), nullable=False),
    sa.Column('edited_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.String(), nullable=False),
    sa.Column('decided_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('note', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], ),
    sa.ForeignKeyConstraint(['intervention_id'], ['intervention.id'], ),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('key')
    )
    with op.batch_alter_table('draft', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_draft_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_draft_intervention_id'), ['intervention_id'], unique=False)
        batch_op.create_index('ix_draft_listed', ['organisation_id', 'state'], unique=False)

    op.create_table('inbound_message',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=True),
    sa.Column('customer_id', sa.String(length=40), nullable=True),
    sa.Column('contact_id', sa.String(length=40), nullable=True),
    sa.Column('intervention_id', sa.String(length=40), nullable=True),
    sa.Column('message_id', sa.String(length=200), nullable=False),
    sa.Column('delivery', sa.String(length=240), nullable=False),
    sa.Column('from_address', sa.String(length=320), nullable=False),
    sa.Column('from_name', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('automatic', sa.Boolean(), nullable=False),
    sa.Column('effect', sa.String(), nullable=False),
    sa.Column('received_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], ),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], ),
    sa.ForeignKeyConstraint(['intervention_id'], ['intervention.id'], ),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('message_id')
    )
    with op.batch_alter_table('inbound_message', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_inbound_message_contact_id'), ['contact_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_inbound_message_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_inbound_message_intervention_id'), ['intervention_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_inbound_message_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('pending_command',
    sa.Column('id', sa.String(length=100), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('customer_id', sa.String(length=40), nullable=False),
    sa.Column('intervention_id', sa.String(length=40), nullable=True),
    sa.Column('source', sa.String(length=20), nullable=False),
    sa.Column('by', sa.String(), nullable=False),
    sa.Column('command', keepwell.db.tables.base.JSON_COLUMN, nullable=False),
    sa.Column('back', keepwell.db.tables.base.JSON_COLUMN, nullable=False),
    sa.Column('received_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('retry_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('told_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('answer_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('answer_tries', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], ),
    sa.ForeignKeyConstraint(['intervention_id'], ['intervention.id'], ),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('pending_command', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_pending_command_answer_at'), ['answer_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_pending_command_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index('ix_pending_command_due', ['state', 'retry_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_pending_command_intervention_id'), ['intervention_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_pending_command_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('task_comment',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('task_id', sa.String(length=40), nullable=False),
    sa.Column('by', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('task_comment', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_task_comment_task_id'), ['task_id'], unique=False)

    with op.batch_alter_table('customer', schema=None) as batch_op:
        batch_op.add_column(sa.Column('subdivision', sa.String(length=6), nullable=False, server_default=""))

    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.add_column(sa.Column('delivered_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('opened_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('clicked_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('begun_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('waits_for', sa.String(length=10), nullable=False, server_default=""))
        batch_op.add_column(sa.Column('reply_token', sa.String(length=32), nullable=False, server_default=""))
        batch_op.create_index(batch_op.f('ix_delivery_reply_token'), ['reply_token'], unique=False)
        batch_op.create_index('ix_delivery_begun', ['organisation_id', 'begun_at'], unique=False)
        batch_op.create_index('ix_delivery_begun_customer', ['customer_id', 'begun_at'], unique=False)
    # Caps count by the beginning of an attempt; of those before this nobody knows more than their end.
    op.execute("UPDATE delivery SET begun_at = accepted_at")

    with op.batch_alter_table('outbox_message', schema=None) as batch_op:
        batch_op.alter_column('customer_id', existing_type=sa.String(length=40), nullable=True)
        batch_op.add_column(sa.Column('headers', keepwell.db.tables.base.JSON_COLUMN, nullable=False, server_default="{}"))

    with op.batch_alter_table('in_app_notification', schema=None) as batch_op:
        batch_op.add_column(sa.Column('seen_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('read_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('dismissed_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('acted_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True))

    with op.batch_alter_table('offer', schema=None) as batch_op:
        batch_op.add_column(sa.Column('call_asked_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True))

    with op.batch_alter_table('organisation', schema=None) as batch_op:
        batch_op.add_column(sa.Column('country', sa.String(length=2), nullable=False, server_default=""))
        batch_op.add_column(sa.Column('subdivision', sa.String(length=6), nullable=False, server_default=""))
        batch_op.add_column(sa.Column('quiet_from', sa.String(length=5), nullable=False, server_default=""))
        batch_op.add_column(sa.Column('quiet_until', sa.String(length=5), nullable=False, server_default=""))
        batch_op.add_column(sa.Column('business_days', sa.String(length=7), nullable=False, server_default=""))
        batch_op.add_column(sa.Column('daily_cap', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('customer_cap_day', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('customer_cap_week', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('new_playbooks', sa.String(length=10), nullable=False, server_default="automatic"))
        batch_op.add_column(sa.Column('slack_channel', sa.String(length=100), nullable=False, server_default=""))

    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.add_column(sa.Column('outcome', sa.String(length=40), nullable=False, server_default=""))
        batch_op.add_column(sa.Column('snoozed_until', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('overdue_alert', sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column('for_id', sa.String(length=40), nullable=True))
        batch_op.create_index(batch_op.f('ix_task_for_id'), ['for_id'], unique=False)
        batch_op.create_index('ix_task_overdue', ['organisation_id', 'state', 'overdue_alert', 'due_at'], unique=False)

    with op.batch_alter_table('staff', schema=None) as batch_op:
        batch_op.add_column(sa.Column('deputy', sa.String(length=200), nullable=False, server_default=""))

    _suppressions_by_address()
    with op.batch_alter_table('contact', schema=None) as batch_op:
        batch_op.drop_column('suppressed')
        batch_op.create_index('ix_contact_consent', ['organisation_id', 'consent'], unique=False)

    # The defaults were for the rows that were there.
    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.alter_column('reply_token', existing_type=sa.String(length=32), server_default=None)

    with op.batch_alter_table('outbox_message', schema=None) as batch_op:
        batch_op.alter_column('headers', existing_type=keepwell.db.tables.base.JSON_COLUMN, server_default=None)

    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.alter_column("subdivision", existing_type=sa.String(length=6), server_default=None)

    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.alter_column("country", existing_type=sa.String(length=2), server_default=None)
        batch_op.alter_column("subdivision", existing_type=sa.String(length=6), server_default=None)
        batch_op.alter_column("quiet_from", existing_type=sa.String(length=5), server_default=None)
        batch_op.alter_column("quiet_until", existing_type=sa.String(length=5), server_default=None)
        batch_op.alter_column("business_days", existing_type=sa.String(length=7), server_default=None)
        batch_op.alter_column("new_playbooks", existing_type=sa.String(length=10), server_default=None)
        batch_op.alter_column("slack_channel", existing_type=sa.String(length=100), server_default=None)

    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.alter_column("outcome", existing_type=sa.String(length=40), server_default=None)

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.alter_column("waits_for", existing_type=sa.String(length=10), server_default=None)

    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.alter_column("deputy", existing_type=sa.String(length=200), server_default=None)


def downgrade() -> None:
    """Go back."""
    _journal(_FREES_JOURNAL)
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index("ix_event_people")
        batch_op.drop_index("ix_event_listed")
        for name, column, old in _OF_EVENTS:
            batch_op.drop_index(name)
            batch_op.create_index(batch_op.f(old), [column], unique=False)
        batch_op.create_index(batch_op.f("ix_event_organisation_id"), ["organisation_id"], unique=False)
    with op.batch_alter_table('contact', schema=None) as batch_op:
        batch_op.drop_index('ix_contact_consent')
        batch_op.add_column(sa.Column('suppressed', sa.String(), nullable=False, server_default=""))
    _suppressions_by_contact()
    with op.batch_alter_table('contact', schema=None) as batch_op:
        batch_op.alter_column('suppressed', existing_type=sa.String(), server_default=None)

    with op.batch_alter_table('staff', schema=None) as batch_op:
        batch_op.drop_column('deputy')

    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.drop_index('ix_task_overdue')
        batch_op.drop_index(batch_op.f('ix_task_for_id'))
        batch_op.drop_column('for_id')
        batch_op.drop_column('overdue_alert')
        batch_op.drop_column('snoozed_until')
        batch_op.drop_column('outcome')

    with op.batch_alter_table('organisation', schema=None) as batch_op:
        batch_op.drop_column('slack_channel')
        batch_op.drop_column('new_playbooks')
        batch_op.drop_column('customer_cap_week')
        batch_op.drop_column('customer_cap_day')
        batch_op.drop_column('daily_cap')
        batch_op.drop_column('business_days')
        batch_op.drop_column('quiet_until')
        batch_op.drop_column('quiet_from')
        batch_op.drop_column('subdivision')
        batch_op.drop_column('country')

    with op.batch_alter_table('offer', schema=None) as batch_op:
        batch_op.drop_column('call_asked_at')

    with op.batch_alter_table('in_app_notification', schema=None) as batch_op:
        batch_op.drop_column('acted_at')
        batch_op.drop_column('dismissed_at')
        batch_op.drop_column('read_at')
        batch_op.drop_column('seen_at')

    # What is of no customer has no place in the older version.
    op.execute("DELETE FROM outbox_message WHERE customer_id IS NULL")
    with op.batch_alter_table('outbox_message', schema=None) as batch_op:
        batch_op.alter_column('customer_id', existing_type=sa.String(length=40), nullable=False)
        batch_op.drop_column('headers')

    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_delivery_reply_token'))
        batch_op.drop_column('reply_token')
        batch_op.drop_index('ix_delivery_begun_customer')
        batch_op.drop_index('ix_delivery_begun')
        batch_op.drop_column('waits_for')
        batch_op.drop_column('begun_at')
        batch_op.drop_column('clicked_at')
        batch_op.drop_column('opened_at')
        batch_op.drop_column('delivered_at')

    with op.batch_alter_table('customer', schema=None) as batch_op:
        batch_op.drop_column('subdivision')

    op.drop_table('task_comment')
    op.drop_table('pending_command')
    op.drop_table('inbound_message')
    op.drop_table('draft')
    op.drop_table('notice')
    op.drop_table('contact_preference')
    op.drop_table('webhook_attempt')
    op.drop_table('webhook_delivery')
    op.drop_table('absence')
    op.drop_table('webhook_endpoint')
    op.drop_table('suppression')
    op.drop_table('provider_event')
    op.drop_table('playbook_mode')
    op.drop_table('kill_switch')
    op.drop_table('closed_day')
    op.drop_table('alert_channel')
