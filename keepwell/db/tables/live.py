"""What live pages are told of: a short row for each piece of work that changed something people look at."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Integer
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import JSON_COLUMN, moment

NUMBER = BigInteger().with_variant(Integer(), "sqlite")


class LiveChange(SQLModel, table=True):
    """A change, written in the transaction that makes it (ADR 0021), and forgotten after a day or so.

    `about` is score, churn, engagement or event. `ids` are those of what changed (customers for score, churn,
    engagement events, lines of the journal); it is empty where they are too many to name, and `number_of` is
    how many they are. `kinds` are those of the journal's lines. `txn` is PostgreSQL's id of the transaction,
    which says exactly who could see the row when; SQLite has one writer at a time, so `number` says it there.
    """

    __tablename__ = "live_change"
    __table_args__ = (
        Index("ix_live_change_txn", "txn"),
        Index("ix_live_change_at", "at"),
        # Without it SQLite would begin at 1 again once all rows are forgotten, and cursors would repeat.
        {"sqlite_autoincrement": True},
    )
    number: int | None = Field(default=None, sa_column=Column(NUMBER, primary_key=True))
    txn: int | None = Field(default=None, sa_column=Column(BigInteger(), nullable=True))
    organisation_id: str = Field(max_length=40)
    about: str = Field(max_length=12)
    ids: list[str] = Field(default_factory=list, sa_type=JSON_COLUMN)
    kinds: list[str] = Field(default_factory=list, sa_type=JSON_COLUMN)
    number_of: int
    at: datetime = moment()
