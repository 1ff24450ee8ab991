"""Churn models and what they predicted"""

import sqlalchemy as sa
from alembic import op

import keepwell.db.tables.base

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table('churn_model',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.Column('card', keepwell.db.tables.base.JSON_COLUMN, nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('time_content', sa.LargeBinary(), nullable=True),
    sa.Column('time_sha256', sa.String(length=64), nullable=False),
    sa.Column('trained_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('trained_by', sa.String(), nullable=False),
    sa.Column('promoted_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('promoted_by', sa.String(), nullable=False),
    sa.Column('replaced_id', sa.String(length=40), nullable=True),
    sa.Column('retired_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('pinned', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.ForeignKeyConstraint(['replaced_id'], ['churn_model.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('organisation_id', 'name', 'version')
    )
    with op.batch_alter_table('churn_model', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_churn_model_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index('ix_churn_model_one_in_use', ['organisation_id', 'name'], unique=True, sqlite_where=sa.text("state = 'in_use'"), postgresql_where=sa.text("state = 'in_use'"))
        batch_op.create_index(batch_op.f('ix_churn_model_state'), ['state'], unique=False)

    op.create_table('churn_prediction',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('customer_id', sa.String(length=40), nullable=False),
    sa.Column('model_id', sa.String(length=40), nullable=False),
    sa.Column('at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('probability', sa.Float(), nullable=False),
    sa.Column('low', sa.Float(), nullable=False),
    sa.Column('high', sa.Float(), nullable=False),
    sa.Column('category', sa.String(length=10), nullable=False),
    sa.Column('months', sa.Float(), nullable=True),
    sa.Column('months_low', sa.Float(), nullable=True),
    sa.Column('months_high', sa.Float(), nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], ),
    sa.ForeignKeyConstraint(['model_id'], ['churn_model.id'], ),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('customer_id', 'at')
    )
    with op.batch_alter_table('churn_prediction', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_churn_prediction_model_id'), ['model_id'], unique=False)
        batch_op.create_index('ix_churn_prediction_organisation_at', ['organisation_id', 'at'], unique=False)

    with op.batch_alter_table('customer', schema=None) as batch_op:
        batch_op.add_column(sa.Column('left_on', sa.Date(), nullable=True))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table('customer', schema=None) as batch_op:
        batch_op.drop_column('left_on')
    op.drop_table('churn_prediction')
    op.drop_table('churn_model')
