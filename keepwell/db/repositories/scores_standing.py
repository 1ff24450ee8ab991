"""Where the customers of a batch stand, read under lock as the database's driver has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, select, text
from sqlmodel import Session

from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.scores_batch import Batch
from keepwell.db.repositories.scores_recent import packed_by

AT_ONCE = 1_000
"""Ids in one statement."""


class Standing(NamedTuple):
    """A row of `health`; its fields are also the columns written. Moments and days are the driver's."""

    customer_id: str
    organisation_id: str
    score_id: str
    score: float | None
    coverage: float
    level: str | None
    raw_level: str | None
    previous_raw_level: str | None
    day: Any
    scored_at: Any
    since: Any
    sequence: int
    recent: bytes | None

    @property
    def on(self) -> date:
        """The day as such."""
        return date.fromisoformat(self.day) if isinstance(self.day, str) else self.day

    def raw_before(self, day: Any) -> str | None:
        """The raw level of the last score of a day before `day`, which is the driver's."""
        return self.raw_level if day > self.day and self.raw_level is not None else self.previous_raw_level


def locked(session: Session, batch: Batch) -> list[Standing | None]:
    """Where each customer stands, locked against other scorings until the transaction ends.

    The lock is on the customers, in the order of their ids: a customer scored for the first time has
    no other row yet. FOR NO KEY UPDATE lets other tables go on referring to them. SQLite's write
    transactions exclude each other anyway.
    """
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        customer = table("customer")
        rows = select(customer.c.id).where(_range(batch, customer.c.organisation_id, customer.c.id))
        rows = rows.order_by(customer.c.id).with_for_update(key_share=True)
        connection.execute(select(func.count()).select_from(rows.subquery()))
    # Without types: moments go back as they came, and converting them would cost more than reading them.
    query = text(
        f"SELECT {', '.join(Standing._fields)} FROM health "  # noqa: S608  (names of ours)
        "WHERE organisation_id = :organisation AND customer_id BETWEEN :first AND :last"
    )
    given = {
        "organisation": batch.call.organisation,
        "first": batch.customers[0],
        "last": batch.customers[-1],
    }
    # All at once: row by row, SQLAlchemy takes three times as long.
    found = {row[0]: Standing._make(row) for row in connection.execute(query, given).all()}
    return [found.get(customer) for customer in batch.customers]


def by_same_card(session: Session, batch: Batch, standing: Sequence[Standing | None]) -> list[bool]:
    """Whether each customer's last known score is by the batch's scorecard; not where none is known."""
    packed = [None if was is None else packed_by(was.recent, batch.call.fingerprint) for was in standing]
    same = [bool(one) for one in packed]
    # Without packed days the history says it.
    unknown = {
        was.score_id: place
        for place, (was, one) in enumerate(zip(standing, packed, strict=True))
        if was is not None and one is None and was.score is not None
    }
    score, connection, ids = table("score").c, session.connection(), list(unknown)
    for start in range(0, len(ids), AT_ONCE):
        query = select(score.id, score.scorecard).where(
            score.id.in_(ids[start : start + AT_ONCE]), score.score.is_not(None)
        )
        for own, scorecard in connection.execute(query).all():
            same[unknown.pop(own)] = scorecard == batch.call.fingerprint
    for place in unknown.values():
        # The last row says nothing: the score that is known is of an earlier one.
        last = (
            select(score.scorecard)
            .where(score.customer_id == batch.customers[place], score.score.is_not(None))
            .where(score.scored_at < batch.call.as_of)
            .order_by(score.scored_at.desc())
            .limit(1)
        )
        same[place] = connection.execute(last).scalar() == batch.call.fingerprint
    return same


def scored_already(session: Session, batch: Batch) -> set[str]:
    """Customers whose score is there already: of this run, or without a run as of the same moment."""
    score = table("score").c
    query = select(score.customer_id).where(
        score.customer_id.between(batch.customers[0], batch.customers[-1])
    )
    if batch.call.run is None:
        query = query.where(score.run_id.is_(None), score.scored_at == batch.call.as_of)
    else:
        query = query.where(score.run_id == batch.call.run)
    return set(session.connection().execute(query).scalars())


def _range(
    batch: Batch, organisation: ColumnElement[str], customer: ColumnElement[str]
) -> ColumnElement[bool]:
    return and_(
        organisation == batch.call.organisation,
        customer.between(batch.customers[0], batch.customers[-1]),
    )
