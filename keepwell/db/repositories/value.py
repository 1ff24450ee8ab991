"""What a customer gets out of the product in a month, in money or hours: as imported, or not at all.

Three facts of a customer count, all for a month: `hours_saved` (hours of work), `hourly_cost` (what one of
these hours costs the customer) and `value_delivered` (money), the money in the customer's currency. A
metric of the scorecard that is called `hours_saved` (unit hours) or `value_delivered` (unit money) counts
before the fact, because it has a date.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlmodel import Session, col

from keepwell.contracts.rendering import ValueFigures, ValueLine
from keepwell.db.repositories.figures import Measured
from keepwell.db.repositories.wording import money
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Customer, Metric
from keepwell.rendering.filters import long_date
from scoring.units import Unit, format_value

HOURS_SAVED, HOURLY_COST, VALUE_DELIVERED = "hours_saved", "hourly_cost", "value_delivered"
UNITS = {HOURS_SAVED: Unit.HOURS, VALUE_DELIVERED: Unit.MONEY}
"""The facts that may be metrics instead, and the unit in which they mean the same."""

ON_RECORD = "from the records of this account"
CONTRACT = "the monthly price on record"
_MOST = 1e12
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")


@dataclass(frozen=True, slots=True)
class Known:
    """A number above 0 that somebody has given us, and where it comes from in words."""

    value: float
    source: str


def value_of(session: Session, customer: Customer, measured: Measured, zone: str) -> ValueFigures:
    """The value that is known at the moment of `measured`; days are those of the time zone."""
    known, unusable = known_facts(customer.facts)
    known |= _metrics(session, customer.id, measured, zone)
    revenue = customer.monthly_revenue
    return value_figures(known, revenue, measured.currency, unusable)


def known_facts(facts: Mapping[str, object]) -> tuple[dict[str, Known], tuple[str, ...]]:
    """The value facts among a customer's facts, and a sentence for each that cannot be read.

    0 counts as unknown: exports write it where nobody has counted.
    """
    known, unusable = {}, []
    for name in (HOURS_SAVED, HOURLY_COST, VALUE_DELIVERED):
        fact = facts.get(name)
        if fact is None or fact == "":
            continue
        number = _number(fact)
        if number is None:
            unusable.append(f"{name} is {str(fact)[:40]!r}; write a number above 0, like 1200.50")
        elif number > 0:
            known[name] = Known(number, ON_RECORD)
    return known, tuple(unusable)


def value_figures(
    known: Mapping[str, Known], revenue: float | None, currency: str, unusable: tuple[str, ...] = ()
) -> ValueFigures:
    """The figures from what is known; `revenue` is what the customer pays in a month, None where unknown.

    The value is `value_delivered` where that is known (hours saved are then a part of it and not added),
    else `hours_saved` times `hourly_cost`. Whoever pays nothing has no ratio.
    """
    hours, cost, delivered = (known.get(name) for name in (HOURS_SAVED, HOURLY_COST, VALUE_DELIVERED))
    worth = delivered or _worth(hours, cost, currency)
    figures = ValueFigures(
        value=money(worth.value, currency) if worth else "",
        paid=money(revenue, currency) if revenue else "",
        hours=_hours(hours) if hours else "",
        missing=_missing(worth, hours, cost, revenue),
        unusable=unusable,
    )
    if worth and revenue:
        difference = money(abs(worth.value - revenue), currency)
        figures = figures.model_copy(update={"ratio": worth.value / revenue, "difference": difference})
    lines = []
    if hours:
        lines.append(ValueLine(title="Work saved in a month", value=figures.hours, source=hours.source))
    if hours and cost and worth is not delivered:
        rate = money(cost.value, currency)
        lines.append(ValueLine(title="Cost of an hour of that work", value=rate, source=cost.source))
    if worth:
        lines.append(ValueLine(title="Value in a month", value=figures.value, source=worth.source))
    if lines and revenue:
        lines.append(ValueLine(title="Price in a month", value=figures.paid, source=CONTRACT))
    return figures.model_copy(update={"lines": tuple(lines)})


def _worth(hours: Known | None, cost: Known | None, currency: str) -> Known | None:
    if hours is None or cost is None:
        return None
    return Known(hours.value * cost.value, f"{_hours(hours)} × {money(cost.value, currency)}")


def _missing(
    worth: Known | None, hours: Known | None, cost: Known | None, revenue: float | None
) -> tuple[str, ...]:
    wanted = {} if worth is not None else {HOURS_SAVED: hours, HOURLY_COST: cost}
    names = [name for name, known in wanted.items() if known is None]
    return (*names, "monthly_revenue") if revenue is None else tuple(names)


def _hours(hours: Known) -> str:
    return format_value(hours.value, Unit.HOURS)


def _number(fact: object) -> float | None:
    """A finite number from 0 to 1e12; None for anything else. From CSV every fact is text."""
    if isinstance(fact, str) and _NUMBER.fullmatch(fact.strip()):
        fact = float(fact)
    if isinstance(fact, bool) or not isinstance(fact, int | float):
        return None
    return float(fact) if math.isfinite(fact) and 0 <= fact <= _MOST else None


def _metrics(session: Session, customer: str, measured: Measured, zone: str) -> dict[str, Known]:
    """The value metrics of the scorecard that have a usable value, with the day it was measured."""
    columns = {
        metric.name: column
        for column, metric in enumerate(measured.card.metrics)
        if UNITS.get(metric.name) is metric.unit and not np.isnan(measured.points[column])
    }
    if not columns:
        return {}
    query = (
        select(col(Metric.name), func.max(col(Metric.measured_at)))
        .where(col(Metric.customer_id) == customer, col(Metric.name).in_(columns))
        .where(col(Metric.measured_at) <= measured.at)
        .group_by(col(Metric.name))
    )
    values = {name: float(measured.values[column]) for name, column in columns.items()}
    return {
        name: Known(values[name], f"measured on {long_date(local_day(at, zone))}")
        for name, at in session.connection().execute(query)
        if values[name] > 0
    }
