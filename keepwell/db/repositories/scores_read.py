"""The latest metric values of many customers as arrays.

They come from `metric_latest`, one short row a customer. For whom that is empty, or knows a value newer than
the moment asked for, the history is looked up instead: a row by index for each metric. Both give the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    CTE,
    BindParameter,
    CompoundSelect,
    Integer,
    Row,
    Select,
    String,
    bindparam,
    column,
    func,
    literal_column,
    select,
    text,
    true,
    union_all,
)
from sqlmodel import Session

from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.metrics_packed import SECONDS_A_DAY, is_sound, spread
from keepwell.db.tables.base import UtcDateTime
from scoring.arrays import FloatArray

ROWS_AT_ONCE = 10_000
LOOKED_UP = 500
"""Customers whose history is looked up by one statement."""


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest values of n customers by m metrics, in the kernel's layout.

    values: (n, m) raw values, NaN where nothing was measured. ages: (n, m) days between the
    measurement and the moment asked for, NaN likewise.
    """

    customers: tuple[str, ...]
    values: FloatArray
    ages: FloatArray

    def of(self, names: Sequence[str], wanted: Sequence[str]) -> Latest:
        """The same for some of the metrics, as a copy; `names` are those of the columns."""
        place = {name: column for column, name in enumerate(names)}
        columns = [place[name] for name in wanted]
        # Metric by metric in memory, as they are read that way.
        return Latest(self.customers, self.values.T[columns].T, self.ages.T[columns].T)


def latest_values(session: Session, customers: Select[str], names: Sequence[str], as_of: datetime) -> Latest:
    """The last value of each metric measured at or before `as_of`, for the customers of a query of ids.

    The query's order is kept. An unusable last value is not replaced by an older one: it is what the
    source says now. Memory is n x m floats, however long the history is.
    """
    connection, packed_of = session.connection(), table("metric_latest").c
    who = next(iter(customers.selected_columns))
    query = customers.add_columns(packed_of.packed).outerjoin(
        table("metric_latest"), packed_of.customer_id == who
    )
    with connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}) as found:
        parts = [_unpacked(rows, names, as_of) for rows in found.partitions(ROWS_AT_ONCE)]
    latest, open_rows = _joined(parts, len(names))
    ids = table("customer").c.id
    for start in range(0, len(open_rows) if names else 0, LOOKED_UP):
        block = [latest.customers[row] for row in open_rows[start : start + LOOKED_UP]]
        older = latest_rows(select(ids).where(ids.in_(block)), names, as_of)
        with connection.execute(older, execution_options={"yield_per": ROWS_AT_ONCE}) as looked_up:
            _filled(latest, looked_up, names, as_of)
    return latest


def _unpacked(
    rows: Sequence[Row[str, bytes | None]], names: Sequence[str], as_of: datetime
) -> tuple[Latest, NDArray[np.bool_]]:
    """What the packed values say, and of whom the history has to be looked up."""
    sound = [is_sound(packed) for _, packed in rows]
    packed = [one if good and one else b"" for good, (_, one) in zip(sound, rows, strict=True)]
    values, ages, newer = spread(packed, names, as_of)
    open_rows = newer | ~np.array(sound, dtype=np.bool_)
    values[open_rows] = ages[open_rows] = np.nan
    return Latest(tuple(customer for customer, _ in rows), values, ages), open_rows


def _joined(parts: Sequence[tuple[Latest, NDArray[np.bool_]]], width: int) -> tuple[Latest, NDArray[np.intp]]:
    """The parts as one, and the rows to look up."""
    if len(parts) == 1:
        return parts[0][0], np.flatnonzero(parts[0][1])
    nothing = np.full((0, width), np.nan)
    latest = Latest(
        tuple(customer for part, _ in parts for customer in part.customers),
        np.concatenate([nothing, *(part.values for part, _ in parts)]),
        np.concatenate([nothing, *(part.ages for part, _ in parts)]),
    )
    open_rows = np.concatenate([np.zeros(0, dtype=np.bool_), *(open_rows for _, open_rows in parts)])
    return latest, np.flatnonzero(open_rows)


def latest_of(session: Session, customer: str, names: Sequence[str], as_of: datetime) -> Latest:
    """`latest_values` of one customer, who is known to be there: the statement is put together once."""
    return latest_at(session, customer, names, (as_of,))[0]


def latest_at(
    session: Session, customer: str, names: Sequence[str], moments: Sequence[datetime]
) -> tuple[Latest, ...]:
    """`latest_of` for each of some moments, by one statement."""
    given = {"customer": customer, **{f"as_of_{place}": at for place, at in enumerate(moments)}}
    rows: list[list[tuple[str, str, float, datetime]]] = [[] for _ in moments]
    query = _rows_of_one(tuple(names), len(moments))
    for place, own, name, value, at in session.connection().execute(query, given):
        rows[place].append((own, name, value, at))
    nothing = np.full((len(moments), 2, 1, len(names)), np.nan)
    return tuple(
        _filled(Latest((customer,), values, ages), found, names, at)
        for (values, ages), found, at in zip(nothing, rows, moments, strict=True)
    )


def _filled(
    latest: Latest,
    rows: Iterable[tuple[str, str, float, datetime] | Row[str, str, float, datetime]],
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
def _rows_of_one(names: tuple[str, ...], moments: int) -> CompoundSelect[int, str, str, float, datetime]:
    """`latest_rows`, each with the place of its moment; the customer and the moments are parameters."""
    customer = table("customer").c.id
    one = select(customer).where(customer == bindparam("customer"))
    found = [
        latest_rows(one, names, bindparam(f"as_of_{place}", type_=UtcDateTime())).subquery()
        for place in range(moments)
    ]
    return union_all(*(select(literal_column(str(place), Integer), rows) for place, rows in enumerate(found)))


@lru_cache(maxsize=64)
def _wanted(names: tuple[str, ...]) -> CTE:
    """The names as a table of one column.

    As text, because SQLAlchemy compiles its own `values()` anew each time: 4 ms, for every message and score.
    """
    rows = " UNION ALL ".join(f"SELECT CAST(:name_{place} AS VARCHAR) AS name" for place in range(len(names)))
    given = {f"name_{place}": name for place, name in enumerate(names)}
    return text(rows).bindparams(**given).columns(column("name", String)).cte("wanted")
