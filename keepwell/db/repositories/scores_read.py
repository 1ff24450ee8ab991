"""The latest metric values of many customers as arrays, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Select, String, column, func, select, true, values
from sqlmodel import Session

from keepwell.db.repositories.lookup import table
from scoring.arrays import FloatArray

SECONDS_A_DAY = 86_400.0
ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest values of n customers by m metrics, in the kernel's layout.

    values: (n, m) raw values, NaN where nothing was measured. ages: (n, m) days between the
    measurement and the moment asked for, NaN likewise.
    """

    customers: tuple[str, ...]
    values: FloatArray
    ages: FloatArray


def latest_values(session: Session, customers: Select[str], names: Sequence[str], as_of: datetime) -> Latest:
    """The last value of each metric measured at or before `as_of`, for the customers of a query of ids.

    The query's order is kept. An unusable last value is not replaced by an older one: it is what the
    source says now. Memory is n x m floats; the cost is one index look-up per customer and metric,
    however long the history is.
    """
    connection = session.connection()
    found = tuple(connection.execute(customers).scalars())
    measured = np.full((len(found), len(names)), np.nan)
    ages = np.full((len(found), len(names)), np.nan)
    if not found:
        return Latest(found, measured, ages)
    row_of = {customer: row for row, customer in enumerate(found)}
    column_of = {name: position for position, name in enumerate(names)}
    rows = connection.execute(
        latest_rows(customers, names, as_of), execution_options={"yield_per": ROWS_AT_ONCE}
    )
    for customer, name, value, at in rows:
        row = row_of.get(customer)
        if row is not None and value is not None:
            place = row, column_of[name]
            measured[place] = value
            ages[place] = (as_of - at).total_seconds() / SECONDS_A_DAY
    return Latest(found, measured, ages)


def latest_rows(
    customers: Select[str], names: Sequence[str], as_of: datetime
) -> Select[str, str, float, datetime]:
    """Customer, name, value and moment of the last value of each metric measured at or before `as_of`."""
    metric, earlier = table("metric"), table("metric").alias("earlier")
    who = customers.subquery("who")
    wanted = values(column("name", String), name="names").data([(name,) for name in names]).cte("wanted")
    customer, name = next(iter(who.c)), wanted.c.name
    last = (
        select(func.max(earlier.c.measured_at))
        .where(earlier.c.customer_id == customer, earlier.c.name == name)
        .where(earlier.c.measured_at <= as_of)
        .scalar_subquery()
    )
    same = (metric.c.customer_id == customer) & (metric.c.name == name)
    return (
        select(metric.c.customer_id, metric.c.name, metric.c.value, metric.c.measured_at)
        .select_from(who.join(wanted, true()).join(metric, same))
        .where(metric.c.measured_at == last)
    )
