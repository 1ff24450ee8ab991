"""One record at a time, as a program sends it: the importing of files, for a list of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from keepwell.db.engine import Store
from keepwell.db.repositories import organisations
from keepwell.db.repositories.lookup import table
from keepwell.errors import InputError
from keepwell.ingest.cells import Kind
from keepwell.ingest.importing import import_table
from keepwell.ingest.listed import Listed
from keepwell.ingest.report import Summary
from keepwell.ingest.rows import required_of

_TABLES = {Kind.CUSTOMERS: "customer", Kind.CONTACTS: "contact", Kind.STAFF: "staff"}


class RejectedError(InputError):
    """A record that was not stored; `wrong` has each field and what would be right."""

    def __init__(self, message: str, wrong: Sequence[tuple[str, str]]) -> None:
        super().__init__(message, place=wrong[0][0] if wrong else None)
        self.wrong = tuple(wrong)


def store_one(
    store: Store,
    organisation: str,
    kind: Kind,
    values: Mapping[str, Any],
    *,
    name: str,
    by: str,
    now: datetime,
) -> Summary:
    """Store one record of JSON's values. `name` says in the journal what it was.

    Raises:
        RejectedError: it is not stored, and everything why.
    """
    with store.write() as session:
        _, card = organisations.scorecard_of(session, organisation, now=now)
    missing = [one for one in required_of(kind) if one not in values]
    if missing:
        raise RejectedError(
            f"This needs {', '.join(missing)}.", [(one, "is missing; every row needs it") for one in missing]
        )
    summary = import_table(
        store, organisation, kind, Listed([values]), name, scorecard=card, now=now, measured_at=now, by=by
    )
    if summary.rejects:
        wrong = [
            (one.column, one.reason + (f" [{one.value}]" if one.value else "")) for one in summary.rejects
        ]
        raise RejectedError("; ".join(f"{column}: {reason}" for column, reason in wrong), wrong)
    return summary


def put_one(
    store: Store,
    organisation: str,
    kind: Kind,
    external_id: str,
    values: Mapping[str, Any],
    *,
    by: str,
    now: datetime,
) -> tuple[Summary, str]:
    """Store a customer, contact or member of staff under its external id; the summary, and our id.

    What `values` leave out stays as it is, so that only a new one needs all that every row needs.

    Raises:
        RejectedError: it is not stored, and everything why.
    """
    with store.read() as session:
        there = _stored(session, kind, organisation, external_id)
    needed = {one: there[one] for one in required_of(kind) if one not in values and there.get(one)}
    record = {**needed, **values, "external_id": external_id}
    summary = store_one(store, organisation, kind, record, name=external_id, by=by, now=now)
    with store.read() as session:
        return summary, str(_stored(session, kind, organisation, external_id)["id"])


def _stored(session: Session, kind: Kind, organisation: str, external_id: str) -> dict[str, Any]:
    """What is stored of what every row needs, as a row would say it."""
    rows, customer = table(_TABLES[kind]), table("customer")
    # As the importing reads an id: on one line, with single blanks.
    key = " ".join(external_id.split())
    query = select(rows).where(rows.c.organisation_id == organisation, rows.c.external_id == key)
    if kind is Kind.CONTACTS:
        query = query.join(customer, customer.c.id == rows.c.customer_id)
        query = query.add_columns(customer.c.external_id.label("customer"))
    row = session.connection().execute(query).mappings().first()
    return dict(row) if row is not None else {}
