"""Level transitions that wait to be handed over to the customers' runs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from keepwell.contracts.scoring import Handed, PendingTransition
from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import found
from keepwell.db.tables import Customer, Intervention, Transition
from scoring.levels import Level


class TransitionRepository:
    """Implements the port `Transitions`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def pending(self, organisation: str, run: str | None, older_than: datetime | None) -> tuple[str, ...]:
        """Ids of the organisation's transitions to hand over, oldest first.

        With a run: those of it that nobody has handed over. Without: all that are undecided and
        happened before `older_than` (all of them for None), also those handed over and never claimed.
        """
        query = select(Transition.id).where(col(Transition.organisation_id) == organisation)
        if run is not None:
            query = query.where(col(Transition.run_id) == run, col(Transition.handed).is_(None))
        else:
            query = query.where(col(Transition.decision).is_(None))
            if older_than is not None:
                query = query.where(col(Transition.at) < older_than)
        query = query.order_by(col(Transition.at), col(Transition.sequence), col(Transition.id))
        with self._store.read() as session:
            return tuple(session.exec(query).all())

    def get(self, transition: str) -> PendingTransition:
        """One transition, with the customer's newest sequence and open intervention.

        Raises:
            NotFoundError: there is no such transition.
        """
        with self._store.read() as session:
            row = found(session, Transition, transition, "transition")
            customer = found(session, Customer, row.customer_id, "customer")
            newest = session.exec(
                select(func.max(col(Transition.sequence))).where(col(Transition.customer_id) == customer.id)
            ).one()
            running = session.exec(
                select(Intervention.id)
                .where(col(Intervention.customer_id) == customer.id, col(Intervention.outcome).is_(None))
                .where(col(Intervention.family) == "risk")
                .order_by(col(Intervention.started_at).desc(), col(Intervention.id).desc())
            ).first()
        return PendingTransition(
            id=row.id,
            organisation=row.organisation_id,
            customer=customer.id,
            customer_name=customer.name,
            sequence=row.sequence,
            level=Level(row.level),
            previous=Level(row.previous) if row.previous else None,
            score=row.score,
            at=row.at,
            decision=row.decision,
            newest=newest or row.sequence,
            open=running,
        )

    def mark(self, transition: str, handed: Handed, now: datetime) -> None:
        """Note how a transition was handed over; the first note stays.

        Raises:
            NotFoundError: there is no such transition.
        """
        with self._store.write() as session:
            row = found(session, Transition, transition, "transition")
            if row.handed is None:
                row.handed, row.handed_at = handed, now
