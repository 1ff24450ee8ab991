"""The newest metrics by customer, scores beside, and what the trend needs"""

import sqlalchemy as sa
from alembic import op

import keepwell.db.tables.base

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

# Whatever changes a metric empties the customer's packed values, or makes an empty row: a transaction which
# packs at the same moment has to wait for either. ON CONFLICT locks the row also where it is empty already.
_EMPTY = "INSERT INTO metric_latest (customer_id, packed) VALUES ({row}.customer_id, NULL) " \
    "ON CONFLICT (customer_id) DO UPDATE SET packed = NULL WHERE metric_latest.packed IS NOT NULL"
# Nobody writes beside another on SQLite: there is nothing to hold.
_FORGET = "UPDATE metric_latest SET packed = NULL WHERE customer_id = OLD.customer_id AND packed IS NOT NULL"

_SQLITE = (
    f"CREATE TRIGGER metric_latest_insert AFTER INSERT ON metric BEGIN {_EMPTY.format(row='NEW')}; END",
    f"CREATE TRIGGER metric_latest_update AFTER UPDATE ON metric BEGIN {_EMPTY.format(row='NEW')}; "
    f"{_FORGET}; END",
    f"CREATE TRIGGER metric_latest_delete AFTER DELETE ON metric BEGIN {_FORGET}; END",
)

# A transaction that packs the values itself says so, and is spared the trigger's work.
_UNKEPT = "current_setting('keepwell.packs_metrics', true) IS DISTINCT FROM 'on'"
_EMPTY_ALL = "UPDATE metric_latest SET packed = NULL WHERE packed IS NOT NULL"
# Once a statement and in the order of the ids, as those who pack hold the rows: otherwise two might wait for
# each other. A statement that takes a customer away with the metrics finds no customer to make a row for.
_EMPTY_THOSE = "INSERT INTO metric_latest (customer_id, packed) " \
    "SELECT id, NULL FROM customer WHERE id IN ({changed}) ORDER BY id " \
    "ON CONFLICT (customer_id) DO UPDATE SET packed = NULL WHERE metric_latest.packed IS NOT NULL"
_OLD, _NEW = "SELECT customer_id FROM rows_before", "SELECT customer_id FROM rows_after"
_BEFORE, _AFTER = "OLD TABLE AS rows_before", "NEW TABLE AS rows_after"
_CHANGES = {
    "insert": (_NEW, _AFTER),
    "update": (f"{_OLD} UNION {_NEW}", f"{_BEFORE} {_AFTER}"),
    "delete": (_OLD, _BEFORE),
}


def _function(name: str, statement: str) -> str:
    return f"CREATE FUNCTION metric_latest_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ " \
        f"BEGIN {statement}; RETURN NULL; END $$"


def _trigger(name: str, rest: str) -> str:
    return f"CREATE TRIGGER metric_latest_{name} AFTER {name.upper()} ON metric {rest} " \
        f"EXECUTE FUNCTION metric_latest_{name}()"


_POSTGRESQL = (
    *(_function(name, _EMPTY_THOSE.format(changed=changed)) for name, (changed, _) in _CHANGES.items()),
    *(
        _trigger(name, f"REFERENCING {rows} FOR EACH STATEMENT WHEN ({_UNKEPT})")
        for name, (_, rows) in _CHANGES.items()
    ),
    _function("truncate", _EMPTY_ALL),
    _trigger("truncate", "FOR EACH STATEMENT"),
)


def upgrade() -> None:
    """Go forward. Runs put the packed values together; until then metrics are read as before."""
    op.create_table('metric_latest',
    sa.Column('customer_id', sa.String(length=40), nullable=False),
    sa.Column('packed', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('customer_id')
    )
    op.create_table('scorecard_beside',
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('scorecard', sa.String(length=64), nullable=False),
    sa.Column('added_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('organisation_id', 'scorecard')
    )
    op.create_table('score_beside',
    sa.Column('run_id', sa.String(length=40), nullable=False),
    sa.Column('scorecard', sa.String(length=64), nullable=False),
    sa.Column('customer_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.String(length=40), nullable=False),
    sa.Column('scored_at', keepwell.db.tables.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('score', sa.Float(), nullable=True),
    sa.Column('coverage', sa.Float(), nullable=False),
    sa.Column('insufficient', sa.Boolean(), nullable=False),
    sa.Column('unusable', sa.Integer(), nullable=False),
    sa.Column('raw_level', sa.String(length=20), nullable=True),
    sa.Column('categories', keepwell.db.tables.base.JSON_COLUMN, nullable=False),
    sa.Column('factors', keepwell.db.tables.base.JSON_COLUMN, nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], ),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.ForeignKeyConstraint(['run_id'], ['score_run.id'], ),
    sa.PrimaryKeyConstraint('run_id', 'scorecard', 'customer_id')
    )
    with op.batch_alter_table('score_beside', schema=None) as batch_op:
        batch_op.create_index('ix_score_beside_customer_at', ['customer_id', 'scored_at'], unique=False)
    with op.batch_alter_table('score', schema=None) as batch_op:
        batch_op.add_column(sa.Column('trend_slope', sa.Float(), nullable=True))
        batch_op.add_column(sa.Column('trend_direction', sa.String(length=20), nullable=True))
    with op.batch_alter_table('health', schema=None) as batch_op:
        batch_op.add_column(sa.Column('recent', sa.LargeBinary(), nullable=True))
    with op.batch_alter_table('score_run', schema=None) as batch_op:
        batch_op.add_column(sa.Column('beside', keepwell.db.tables.base.JSON_COLUMN, nullable=True))
    for statement in _triggers():
        op.execute(statement)


def downgrade() -> None:
    """Go back. What was scored beside is lost; the rest follows from what stays."""
    if op.get_bind().dialect.name == "sqlite":
        for name in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER metric_latest_{name}")
    else:
        for name in (*_CHANGES, "truncate"):
            op.execute(f"DROP TRIGGER metric_latest_{name} ON metric")
            op.execute(f"DROP FUNCTION metric_latest_{name}()")
    with op.batch_alter_table('score_run', schema=None) as batch_op:
        batch_op.drop_column('beside')
    with op.batch_alter_table('health', schema=None) as batch_op:
        batch_op.drop_column('recent')
    with op.batch_alter_table('score', schema=None) as batch_op:
        batch_op.drop_column('trend_direction')
        batch_op.drop_column('trend_slope')
    op.drop_table('score_beside')
    op.drop_table('scorecard_beside')
    op.drop_table('metric_latest')


def _triggers() -> tuple[str, ...]:
    return _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL
