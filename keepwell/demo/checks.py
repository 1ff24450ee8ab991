"""What must be true of the stories that were played, counted in their store."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from keepwell.contracts.intervention import Outcome
from keepwell.db.engine import Store
from keepwell.db.tables import InAppNotification, Intervention, OutboxMessage, Transition
from keepwell.demo.told import Checks


def check(store: Store, since: datetime) -> Checks:
    """Count changes of level from a moment on, the messages that channels hold, and what is still open."""
    with store.read() as session:
        query = select(Transition.decision, Transition.code).where(col(Transition.at) >= since)
        decided = session.exec(query).all()
        changes = [decision for decision, _ in decided]
        # The outbox takes a message twice if it is sent twice, as a provider would.
        keys = _by_key(session, OutboxMessage) + _by_key(session, InAppNotification)
        still_open = select(func.count()).select_from(Intervention).where(col(Intervention.outcome).is_(None))
        return Checks(
            changes=len(changes),
            started=changes.count("started"),
            refused=changes.count("refused"),
            recovered=sum(code == Outcome.RECOVERED for _, code in decided),
            undecided=changes.count(None),
            accepted=sum(keys),
            keys=len(keys),
            most_under_a_key=max(keys, default=0),
            still_open=session.exec(still_open).one(),
        )


def _by_key(session: Session, table: type[OutboxMessage | InAppNotification]) -> list[int]:
    """How many messages each key has."""
    query = select(func.count()).select_from(table).group_by(col(table.key))
    return list(session.exec(query).all())
