"""The latest metric values of many customers as arrays, in one query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from sqlalchemy import (
    CTE,
    BindParameter,
    Row,
    Select,
    String,
    bindparam,
    column,
    func,
    select,
    text,
    true,
)
from sqlmodel import Session

from keepwell.db.repositories.lookup import table
from keepwell.db.tables.base import UtcDateTime
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
    rows = connection.execute(
        latest_rows(customers, names, as_of), execution_options={"yield_per": ROWS_AT_ONCE}
    )
    return _filled(Latest(found, measured, ages), rows, names, as_of)


def latest_of(session: Session, customer: str, names: Sequence[str], as_of: datetime) -> Latest:
    """`latest_values` of one customer, who is known to be there: the statement is put together once."""
    nothing = np.full((2, 1, len(names)), np.nan)
    rows = session.connection().execute(_rows_of_one(tuple(names)), {"customer": customer, "as_of": as_of})
    return _filled(Latest((customer,), nothing[0], nothing[1]), rows, names, as_of)


def _filled(
    latest: Latest,
    rows: Iterable[Row[str, str, float, datetime]],
    names: Sequence[str],
    as_of: datetime,
) -> Latest:
    """The same with the rows' values in their places."""
    row_of = {customer: row for row, customer in enumerate(latest.customers)}
    column_of = {name: position for position, name in enumerate(names)}
    for customer, name, value, at in rows:
        row = row_of.get(customer)
        if row is not None and value is not None:
            place = row, column_of[name]
            latest.values[place] = value
            latest.ages[place] = (as_of - at).total_seconds() / SECONDS_A_DAY
    return latest


def latest_rows(
    customers: Select[str], names: Sequence[str], as_of: datetime | BindParameter[datetime]
) -> Select[str, str, float, datetime]:
    """Customer, name, value and moment of the last value of each metric measured at or before `as_of`."""
    metric, earlier = table("metric"), table("metric").alias("earlier")
    who = customers.subquery("who")
    wanted = _wanted(tuple(names))
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


@lru_cache(maxsize=64)
def _rows_of_one(names: tuple[str, ...]) -> Select[str, str, float, datetime]:
    """`latest_rows` with the customer and the moment as parameters."""
    customer = table("customer").c.id
    one = select(customer).where(customer == bindparam("customer"))
    return latest_rows(one, names, bindparam("as_of", type_=UtcDateTime()))


@lru_cache(maxsize=64)
def _wanted(names: tuple[str, ...]) -> CTE:
    """The names as a table of one column.

    As text, because SQLAlchemy compiles its own `values()` anew each time: 4 ms, for every message and score.
    """
    rows = " UNION ALL ".join(f"SELECT CAST(:name_{place} AS VARCHAR) AS name" for place in range(len(names)))
    given = {f"name_{place}": name for place, name in enumerate(names)}
    return text(rows).bindparams(**given).columns(column("name", String)).cte("wanted")
