"""Figures with which a customer shows an expansion signal, where its own do not: assumed, and said to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from keepwell.db.repositories.lookup import insert_if_absent, table
from keepwell.db.repositories.projection import LOOKED_BACK
from scoring.signal import Signal
from scoring.signals import SIGNAL_METRICS
from scoring.units import format_value

WEEK = timedelta(days=7)
USAGE = "usage_percentage"
USUAL_OVERAGE = 0.2
"""An assumed overage, as a share of what the customer pays."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """Assumed values of one metric, a week apart, the last of them of today."""

    metric: str
    values: tuple[float, ...]

    @property
    def words(self) -> str:
        """The metric and its value, as people read it."""
        unit = next(one.unit for one in SIGNAL_METRICS if one.name == self.metric)
        name = self.metric.replace("_", " ")
        first, last = (format_value(value, unit) for value in (self.values[0], self.values[-1]))
        return f"{name} {last}" if first == last else f"{name} risen from {first} to {last} in three weeks"


_ASSUMED: Mapping[Signal, tuple[Assumed, ...]] = {
    # Four values over three weeks, so that a day can be told on which the plan is used up.
    Signal.USAGE_LIMIT_APPROACHING: (Assumed(USAGE, (79.0, 82.0, 85.0, 88.0)),),
    Signal.CONSISTENT_OVERAGE: (Assumed("overage_months", (3.0,)),),
    Signal.POWER_USER_BEHAVIOR: (Assumed("advanced_feature_usage", (0.8,)),),
    Signal.TEAM_EXPANSION_OPPORTUNITY: (
        Assumed("active_users", (8.0,)),
        Assumed("team_size_estimate", (20.0,)),
    ),
    Signal.INTEGRATION_EXPANSION: (Assumed("integration_requests", (2.0,)),),
    Signal.API_SCALING_OPPORTUNITY: (Assumed("api_usage_growth_rate", (1.8,)),),
}


def assumed_for(signal: Signal, monthly_revenue: float | None) -> tuple[Assumed, ...]:
    """Figures that show the signal: moderate ones, well beyond its border."""
    found = _ASSUMED[signal]
    if signal is Signal.CONSISTENT_OVERAGE and monthly_revenue:
        found = (*found, Assumed("average_overage", (round(monthly_revenue * USUAL_OVERAGE),)))
    return found


def assume(session: Session, customer: str, figures: Sequence[Assumed], now: datetime) -> None:
    """Put assumed figures in the place of the customer's own of the last weeks, in a scratch store."""
    rows = table("metric")
    connection = session.connection()
    for one in figures:
        own = (rows.c.customer_id == customer) & (rows.c.name == one.metric)
        connection.execute(rows.delete().where(own, rows.c.measured_at >= now - LOOKED_BACK))
        for weeks, value in enumerate(reversed(one.values)):
            at = now - weeks * WEEK
            insert_if_absent(
                session,
                "metric",
                {
                    "customer_id": customer,
                    "name": one.metric,
                    "measured_at": at,
                    "value": value,
                    "received_at": at,
                },
            )
