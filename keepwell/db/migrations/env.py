"""Alembic's entry: it gets the connection from `keepwell.db.migrate`."""

from alembic import context
from sqlmodel import SQLModel

import keepwell.db.tables  # noqa: F401  (fills the metadata)

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    user_module_prefix="keepwell.db.tables.base.",
)
with context.begin_transaction():
    context.run_migrations()
