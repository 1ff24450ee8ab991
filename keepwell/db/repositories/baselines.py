"""Baselines: opportunities that were there at a customer's first score, and that a person may open.

They start nothing by themselves. A person names a signal and a limit, sees the candidates, and opens
them; from then on they are like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, func, select, update
from sqlmodel import Session, col

from keepwell.contracts.campaigns import BaselineCandidate
from keepwell.contracts.playbook import Playbook
from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.campaigns import waiting_customers
from keepwell.db.repositories.enrolment import up_to
from keepwell.db.repositories.lookup import organisation_of, table
from keepwell.db.tables import Customer, Opportunity
from scoring.signal import Signal, Urgency

PAGE = 500
BASELINE = "baseline"


def candidates(
    store: Store, organisation: str, signal: Signal, limit: int, now: datetime, playbook: Playbook
) -> tuple[BaselineCandidate, ...]:
    """Baselines of a signal at active customers, the most urgent first, then the most valuable.

    Ends with the `limit`-th whose campaign may begin now. Those whose may not stand between them, with the
    reason: as for any campaign, and the `playbook`'s cooldown.

    Raises:
        NotFoundError: the organisation (id or key) is unknown.
        InputError: the limit is below 1.
    """
    with store.read() as session:
        return up_to(limit, _candidates(session, organisation, signal, playbook, now))


def _candidates(
    session: Session, organisation: str, signal: Signal, playbook: Playbook, now: datetime
) -> Iterator[BaselineCandidate]:
    query = _baselines(organisation_of(session, organisation).id, signal)
    offset = 0
    while page := session.connection().execute(query.limit(PAGE).offset(offset)).all():
        refusals = _refusals(session, page, signal, playbook, now)
        for row in page:
            yield BaselineCandidate(**row._mapping, refusal=refusals[row.opportunity])
        offset += PAGE


def open_baselines(
    store: Store, organisation: str, opportunities: Iterable[str], now: datetime, by: str
) -> tuple[str, ...]:
    """Make baselines open, in one transaction; the ids of their customers.

    One that is no baseline any more (it is gone, or somebody was faster) stays what it is.

    Raises:
        NotFoundError: the organisation is unknown; nothing is written.
    """
    wanted = tuple(dict.fromkeys(opportunities))
    with store.write() as session:
        owner = organisation_of(session, organisation).id
        _lock(session, owner, wanted)
        found = session.connection().execute(
            select(col(Opportunity.id), col(Opportunity.customer_id), col(Opportunity.signal))
            .where(col(Opportunity.organisation_id) == owner, col(Opportunity.id).in_(wanted))
            .where(col(Opportunity.state) == BASELINE)
            .order_by(col(Opportunity.id))
            .with_for_update()
        )
        rows = {row.id: row for row in found}
        change = update(Opportunity).where(col(Opportunity.id).in_(rows)).values(state="open", reason="")
        session.connection().execute(change)
        for row in rows.values():
            journal.write(
                session,
                key=f"opportunity/{row.id}/enrolled",
                organisation=owner,
                customer=row.customer_id,
                kind="opportunity.enrolled",
                by=by,
                text=f"{row.signal} was enrolled: its campaign may begin",
                at=now,
                data={"opportunity": row.id},
            )
        return tuple(dict.fromkeys(rows[one].customer_id for one in wanted if one in rows))


def baseline_of(session: Session, customer: str, signal: Signal) -> str | None:
    """The customer's baseline of a signal, by its id; None for none."""
    query = select(col(Opportunity.id)).where(
        col(Opportunity.customer_id) == customer,
        col(Opportunity.signal) == signal.value,
        col(Opportunity.state) == BASELINE,
    )
    return session.connection().execute(query).scalar()


def _baselines(organisation: str, signal: Signal) -> Select[Any]:
    rows, customer = table("opportunity").c, table("customer").c
    columns: Sequence[ColumnElement[Any]] = (
        rows.id.label("opportunity"),
        rows.customer_id.label("customer"),
        customer.external_id,
        customer.name,
        rows.signal,
        rows.urgency,
        rows.value,
        rows.currency,
        rows.words,
        rows.detected_at.label("since"),
    )
    return (
        select(*columns)
        .join_from(table("opportunity"), table("customer"), customer.id == rows.customer_id)
        .where(rows.organisation_id == organisation, rows.signal == signal.value)
        .where(rows.state == BASELINE, customer.active)
        .order_by(
            case({one.value: one.rank for one in Urgency}, value=rows.urgency),
            func.coalesce(rows.value, 0.0).desc(),
            rows.detected_at,
            rows.id,
        )
    )


def _refusals(
    session: Session, page: Sequence[Row[Any]], signal: Signal, playbook: Playbook, now: datetime
) -> dict[str, str]:
    """Why the campaigns of opportunities may not begin now, empty for those that may."""
    customers = select(col(Customer.id)).where(col(Customer.id).in_([row.customer for row in page]))
    which = (col(Opportunity.state) == BASELINE) & (col(Opportunity.signal) == signal.value)
    return {
        one.id: waiting.waits(one, playbook, now)
        for waiting in waiting_customers(session, customers, which)
        for one in waiting.opportunities
    }


def _lock(session: Session, organisation: str, opportunities: Sequence[str]) -> None:
    """Hold the customers, in the same order as a scoring does, so that nobody waits for the other."""
    its = select(col(Opportunity.customer_id)).where(col(Opportunity.id).in_(opportunities))
    query = (
        select(col(Customer.id))
        .where(col(Customer.organisation_id) == organisation, col(Customer.id).in_(its))
        .order_by(col(Customer.id))
        .with_for_update(key_share=True)
    )
    session.connection().execute(query).all()
