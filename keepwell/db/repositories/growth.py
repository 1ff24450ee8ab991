"""The signal that opened a campaign, with its figures, as messages and tasks put it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from keepwell.contracts.rendering import OpportunityFigures
from keepwell.db.repositories.figures import GOOD
from keepwell.db.repositories.projection import LOOKED_BACK, used_up_at
from keepwell.db.repositories.wording import money
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Customer, Health, Intervention, Metric, Opportunity
from scoring.signal import Signal
from scoring.units import Unit, format_value

YEAR = timedelta(days=365)
MONTHS = 12
LEAST_OTHERS = 3
"""Fewer customers than this are not spoken of: one might be recognised."""

USAGE, NEXT_PRICE = "usage_percentage", "next_plan_price"


def opportunity_of(
    session: Session, row: Intervention, customer: Customer, now: datetime, zone: str
) -> OpportunityFigures | None:
    """The opportunity of an intervention; None where a transition opened it. Days are those of the zone.

    Figures are those of the day the signal was found; usage and price of the next plan are the newest.
    """
    opportunity = session.get(Opportunity, row.opportunity_id) if row.opportunity_id else None
    if opportunity is None:
        return None
    seen = _numbers(opportunity.evidence)
    usage = _series(session, customer.id, USAGE, now - LOOKED_BACK, now)
    prices = _series(session, customer.id, NEXT_PRICE, now - YEAR, now)
    if usage:
        seen[USAGE] = usage[-1][1]
    if prices:
        seen[NEXT_PRICE] = prices[-1][1]
    limit = used_up_at(usage, now)
    upgraded, doing_well = _others(session, opportunity, now)
    return OpportunityFigures(
        signal=Signal(opportunity.signal),
        words=opportunity.words,
        value=money(opportunity.value, opportunity.currency) if opportunity.value else "",
        usage=format_value(seen[USAGE], Unit.PERCENT) if USAGE in seen else "",
        limit_day=local_day(limit, zone) if limit else None,
        overage_months=_count(seen, "overage_months"),
        users=_count(seen, "active_users"),
        team=_count(seen, "team_size_estimate"),
        requests=_count(seen, "integration_requests"),
        growth=_multiple(seen.get("api_usage_growth_rate")),
        upgraded=upgraded,
        doing_well=doing_well,
        **prices_of(
            seen.get(NEXT_PRICE), customer.monthly_revenue, seen.get("average_overage"), opportunity.currency
        ),
    )


def prices_of(
    next_price: float | None, pays: float | None, overage: float | None, currency: str
) -> dict[str, str]:
    """Price fields of the figures: all amounts are of a month, `overage` comes on top of what one `pays`.

    `step_up` is the next plan's price less what is paid, `saved` the overage less that; "" where unknown,
    or not above 0.
    """
    step_up = next_price - pays if next_price and pays else None
    known = step_up is not None and step_up > 0
    saved = overage - step_up if overage and step_up is not None and known else None
    amounts = {
        "next_price": next_price,
        "step_up": step_up,
        "overage": overage,
        "overage_year": overage * MONTHS if overage else None,
        "saved": saved,
    }
    return {
        name: money(amount, currency) if amount and amount > 0 else "" for name, amount in amounts.items()
    }


def _series(
    session: Session, customer: str, name: str, since: datetime, now: datetime
) -> list[tuple[datetime, float]]:
    query = (
        select(Metric.measured_at, Metric.value)
        .where(col(Metric.customer_id) == customer, col(Metric.name) == name)
        .where(col(Metric.measured_at).between(since, now))
        .order_by(col(Metric.measured_at))
    )
    return [(at, value) for at, value in session.exec(query).all() if math.isfinite(value) and value >= 0]


def _others(session: Session, opportunity: Opportunity, now: datetime) -> tuple[int, int]:
    """How many other customers upgraded after this signal in the last year, and how many score well now."""
    well = case((col(Health.score) >= GOOD, col(Opportunity.customer_id)))
    query = (
        select(func.count(func.distinct(col(Opportunity.customer_id))), func.count(func.distinct(well)))
        .join(Health, col(Health.customer_id) == col(Opportunity.customer_id), isouter=True)
        .where(col(Opportunity.organisation_id) == opportunity.organisation_id)
        .where(col(Opportunity.signal) == opportunity.signal, col(Opportunity.state) == "converted")
        .where(col(Opportunity.customer_id) != opportunity.customer_id)
        .where(col(Opportunity.closed_at).between(now - YEAR, now))
    )
    upgraded, doing_well = session.exec(query).one()
    return (upgraded, doing_well) if upgraded >= LEAST_OTHERS else (0, 0)


def _numbers(evidence: Mapping[str, object]) -> dict[str, float]:
    return {name: float(value) for name, value in evidence.items() if isinstance(value, int | float)}


def _count(seen: Mapping[str, float], name: str) -> int | None:
    return round(seen[name]) if name in seen else None


def _multiple(ratio: float | None) -> str:
    return f"{format_value(ratio, Unit.RATIO)} times" if ratio is not None else ""
