"""What a person finds out about a message of which nobody knows whether it went out."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from keepwell.contracts.delivery import DeliveryState
from keepwell.db.repositories import journal
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.lookup import own
from keepwell.db.repositories.step_rows import reached_after_all
from keepwell.db.tables import Delivery
from keepwell.errors import RefusedError


def own_delivery(session: Session, organisation: str, key: str) -> Delivery:
    """The organisation's row of the send ledger. Raises NotFoundError."""
    return own(session, Delivery, organisation, key, "delivery")


def settle_unknown(
    session: Session, organisation: str, key: str, *, went_out: bool, note: str, by: str, now: datetime
) -> Delivery:
    """Say of an unknown message whether it went out. Where it did, its step is done, and the task to do it by
    hand is withdrawn; where it did not, the task stays: it says what to do by hand.

    Raises:
        NotFoundError: there is no such message.
        RefusedError: it is known what became of it.
    """
    found = own_delivery(session, organisation, key)
    lock_customers(session, (found.customer_id,))
    query = select(Delivery).where(Delivery.key == key).with_for_update()
    row = session.exec(query.execution_options(populate_existing=True)).one()
    if row.state != DeliveryState.UNKNOWN:
        raise RefusedError(f"It is known what became of this message: it is {row.state}.")
    if went_out:
        row.state, row.accepted_at = DeliveryState.ACCEPTED.value, row.accepted_at or now
        row.reason = ""
        reached_after_all(session, row, by, now)
    else:
        row.state, row.reason = DeliveryState.FAILED.value, note or f"{by} found that it did not go out"
    row.updated_at = now
    session.add(row)
    went = "went out" if went_out else "did not go out"
    journal.write(
        session,
        key=f"{row.key}/delivery.{row.state}/settled",
        organisation=row.organisation_id,
        customer=row.customer_id,
        intervention=row.intervention_id,
        kind=f"delivery.{row.state}",
        by=by,
        text=f"{row.step}: {row.channel} to {row.recipient_name} {went}, as {by} found out",
        why=note,
        at=now,
        data={"delivery": row.key, "step": row.step, "attempt": row.attempts},
    )
    return row
