"""Alembic's entry: it gets the connection from `keepwell.db.migrate`."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON
from sqlmodel import AutoString, SQLModel

import keepwell.db.tables  # noqa: F401  (fills the metadata)


def _plain_types(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our own column types by their plain names in generated migrations."""
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    if kind == "type" and isinstance(item, JSON):
        return "keepwell.db.tables.base.JSON_COLUMN"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    render_item=_plain_types,
)
with context.begin_transaction():
    context.run_migrations()
