"""Insights on the success pages of the made-up customers who have room to grow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from keepwell.db.repositories.client_insights import InsightKind, NewInsight, put_insight
from keepwell.db.tables import Customer
from keepwell.demo.portfolio import APP_URL, PRODUCT, DemoCustomer

_INSIGHTS: tuple[tuple[float, NewInsight], ...] = (
    (
        9.0,
        NewInsight(
            key="demo/milestone",
            kind=InsightKind.MILESTONE,
            title="A thousand plans made",
            body=f"Your team has made its thousandth plan with {PRODUCT}. (Demo data)",
        ),
    ),
    (
        4.0,
        NewInsight(
            key="demo/tip",
            kind=InsightKind.TIP,
            title="Reports by email",
            body="Who does not sign in each week can have the report sent on Monday morning. (Demo data)",
            action_label="Set it up",
            action_url=f"{APP_URL}/reports",
        ),
    ),
    (
        2.0,
        NewInsight(
            key="demo/recommendation",
            kind=InsightKind.RECOMMENDATION,
            title="Invite the rest of the team",
            body="Teams in which more than half of the people take part finish their plans two days "
            "earlier. (Demo data)",
            action_label="Invite people",
            action_url=f"{APP_URL}/people",
        ),
    ),
    (
        0.2,
        NewInsight(
            key="demo/week",
            kind=InsightKind.WEEKLY_SUMMARY,
            title="Your week",
            body="What your team has done on each day of the last month is counted below. (Demo data)",
        ),
    ),
)
"""How many days ago each was made, oldest first."""


def store_insights(
    session: Session, organisation: str, customers: Sequence[DemoCustomer], now: datetime
) -> None:
    """Keep them for everybody with an expansion signal: one of them is who enters the demo as a customer."""
    keys = [one.key for one in customers if one.signals]
    query = select(Customer.id).where(
        Customer.organisation_id == organisation, col(Customer.external_id).in_(keys)
    )
    for identity in session.exec(query).all():
        for days, new in _INSIGHTS:
            put_insight(session, organisation, identity, new, now - timedelta(days=days))
