"""Read model of the signs that speak for leaving, of a few customers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from keepwell.db.repositories.insight_churn import churn_signs
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.views_customer import standing_of
from keepwell.db.tables import Customer, Organisation
from scoring.churn_risk import ChurnRisk


def churn_factors(
    session: Session, organisation: str, customers: Sequence[str], now: datetime
) -> dict[str, ChurnRisk]:
    """The rule-of-thumb figure of each of these customers (our ids), with its factors, by id.

    Some queries for each: for a page of customers, not for all. Those of others are left out.
    """
    house = found(session, Organisation, organisation, "organisation")
    known = {}
    for identity in customers:
        row = session.get(Customer, identity)
        if row is None or row.organisation_id != organisation:
            continue
        standing = standing_of(session, house, row)
        card = standing[2].card if standing else None
        known[identity] = churn_signs(session, house, row, card, now)
    return known
