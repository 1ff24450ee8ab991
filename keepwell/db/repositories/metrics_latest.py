"""Metrics are written here: the history, and in the same transaction the newest values by customer.

`metric` is the truth. `metric_latest` follows from it and lets a daily run read one short row a customer
instead of a look-up for each metric. The order of things keeps it right while others write:

- A transaction first holds the customers' rows of `metric_latest`, then writes to `metric`, then packs.
- Whoever else writes to `metric` (an import of your own, a correction by SQL) meets a trigger that empties
  the rows, and so waits for who holds them. An empty row is read from the history, and put together again
  by the next run or import.
- Both take the rows of one statement in the order of the ids, those that are made on the way too. A foreign
  transaction of several statements may still meet ours head on: PostgreSQL then ends one of the two, and
  ours does its part again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import func, select, text
from sqlmodel import Session

from keepwell.db.engine import Store, past_deadlocks
from keepwell.db.repositories.bulk import stored_moment, upsert_in
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.metrics_packed import Measurement, is_sound, merged

METRIC_COLUMNS = ("customer_id", "name", "measured_at", "value", "received_at")
BLOCK = 500
"""Customers put together at once: a part of a second, in which nobody else writes to SQLite."""

# As the trigger does it: the database's order, and a lock also where the row stays as it is.
_HOLD = text(
    "INSERT INTO metric_latest (customer_id) "
    "SELECT one FROM unnest(CAST(:customers AS varchar[])) AS one ORDER BY one "
    "ON CONFLICT (customer_id) DO UPDATE SET packed = NULL WHERE false"
)


def store_metrics(session: Session, records: Sequence[Mapping[str, Any]]) -> None:
    """Write values (the columns of `metric`), no key twice; a value of the same key is replaced."""
    if records:
        past_deadlocks(session, lambda: _store(session, records))


def _store(session: Session, records: Sequence[Mapping[str, Any]]) -> None:
    before = _held(session, sorted({record["customer_id"] for record in records}))
    moments = {record[name] for record in records for name in ("measured_at", "received_at")}
    stored = {moment: stored_moment(session, moment) for moment in moments}
    rows = [
        (
            one["customer_id"],
            one["name"],
            stored[one["measured_at"]],
            one["value"],
            stored[one["received_at"]],
        )
        for one in records
    ]
    _say_that_we_pack(session, "on")
    upsert_in(session, "metric", METRIC_COLUMNS, rows, keys=METRIC_COLUMNS[:3])
    _say_that_we_pack(session, "")
    known = {customer: packed for customer, packed in before.items() if packed is not None}
    measured = (
        (one["customer_id"], one["name"], one["measured_at"], one["value"])
        for one in records
        if one["customer_id"] in known
    )
    _pack(session, {**merged(known, measured), **_from_history(session, before.keys() - known.keys())})


def put_together(store: Store, organisation: str, first: str, last: str) -> int:
    """Pack what is empty or missing of the active customers in a range of ids; how many there were."""
    customer, latest = table("customer"), table("metric_latest")
    query = (
        select(customer.c.id)
        .outerjoin(latest, latest.c.customer_id == customer.c.id)
        .where(customer.c.organisation_id == organisation, customer.c.active)
        .where(customer.c.id.between(first, last), latest.c.packed.is_(None))
        .order_by(customer.c.id)
    )
    with store.read() as session:
        empty = list(session.connection().execute(query).scalars())
    for start in range(0, len(empty), BLOCK):
        with store.write() as session:
            past_deadlocks(session, partial(_pack_empty, session, empty[start : start + BLOCK]))
    return len(empty)


def _pack_empty(session: Session, customers: Sequence[str]) -> None:
    held = _held(session, customers)
    _pack(session, _from_history(session, [one for one, packed in held.items() if packed is None]))


def _held(session: Session, customers: Sequence[str]) -> dict[str, bytes | None]:
    """The packed values of customers, held until the transaction ends; None where there are none.

    On SQLite the transaction holds the whole file.
    """
    connection, rows = session.connection(), table("metric_latest").c
    if connection.dialect.name != "sqlite":
        connection.execute(_HOLD, {"customers": list(customers)})
    query = select(rows.customer_id, rows.packed).where(rows.customer_id.in_(customers))
    found = {customer: packed for customer, packed in connection.execute(query).all() if is_sound(packed)}
    return {customer: found.get(customer) for customer in customers}


def _from_history(session: Session, customers: Collection[str]) -> dict[str, bytes]:
    """The packed newest values of customers, out of their whole history."""
    metric = table("metric").c
    packed: dict[str, bytes] = {}
    wanted = sorted(customers)
    for start in range(0, len(wanted), BLOCK):
        block = wanted[start : start + BLOCK]
        last = (
            select(metric.customer_id, metric.name, func.max(metric.measured_at).label("measured_at"))
            .where(metric.customer_id.in_(block))
            .group_by(metric.customer_id, metric.name)
            .subquery()
        )
        newest = (
            (metric.customer_id == last.c.customer_id)
            & (metric.name == last.c.name)
            & (metric.measured_at == last.c.measured_at)
        )
        query = select(metric.customer_id, metric.name, metric.measured_at, metric.value).join(last, newest)
        rows: Iterable[Measurement] = (tuple(row) for row in session.connection().execute(query).all())
        packed.update(merged(dict.fromkeys(block, b""), rows))
    return packed


def _pack(session: Session, packed: Mapping[str, bytes]) -> None:
    upsert_in(
        session, "metric_latest", ("customer_id", "packed"), sorted(packed.items()), keys=("customer_id",)
    )


def _say_that_we_pack(session: Session, value: str) -> None:
    """Spare PostgreSQL the trigger's work for rows that this transaction packs itself."""
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.set_config("keepwell.packs_metrics", value, True)))
