"""Suppressed addresses: nothing is sent to them, whoever has them. All in the caller's transaction.

An address is compared in lower case.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, func, or_, select

from keepwell.contracts.people import SuppressionReason
from keepwell.db.repositories import journal
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.wishes_noted import Said, note
from keepwell.db.tables import Contact, Suppression
from keepwell.keys import new_id

LONGEST = 320
"""Characters of an address; nothing longer can be sent to."""


def same(address: str) -> str:
    """The form in which addresses are compared."""
    return address.strip().lower()


def words_of(row: Suppression) -> str:
    """Why an address is suppressed: "bounced: mailbox unknown"; what a person has entered, as it is."""
    if row.reason == SuppressionReason.MANUAL:
        return row.detail or "by hand"
    return f"{row.reason}: {row.detail}" if row.detail else row.reason


def suppress(
    session: Session,
    organisation: str,
    address: str,
    reason: SuppressionReason,
    *,
    detail: str = "",
    source: str,
    by: str,
    now: datetime,
) -> bool:
    """Let nothing be sent to an address any more; False where that changes nothing.

    `now` is when it happened: what happened before the last time a person lifted the suppression says
    nothing new. The first reason stays while it holds.
    """
    key = same(address)
    if not key or len(key) > LONGEST:
        return False
    contacts = with_address(session, organisation, key)
    new = {
        "id": new_id(),
        "organisation_id": organisation,
        "address": key,
        "reason": reason.value,
        "detail": detail,
        "source": source,
        "at": now,
        "lifted_at": None,
        "lifted_by": "",
    }
    if not insert_if_absent(session, "suppression", new):
        row = _row(session, organisation, key)
        if row is None or row.lifted_at is None or now <= row.lifted_at:
            return False
        row.reason, row.detail, row.source, row.at = reason.value, detail, source, now
        row.lifted_at, row.lifted_by = None, ""
        session.add(row)
    said = Said(by, source, now, f"{reason.value}: {detail}" if detail else reason.value)
    text = f"Nothing is sent to {key} any more"
    _note_of_address(session, contacts, organisation, key, "contact.suppressed", text, said)
    return True


def lift(session: Session, organisation: str, address: str, *, by: str, why: str, now: datetime) -> bool:
    """Let an address be written to again; False where nothing keeps us from it."""
    key = same(address)
    contacts = with_address(session, organisation, key)
    row = _row(session, organisation, key)
    if row is None or row.lifted_at is not None:
        return False
    row.lifted_at, row.lifted_by = now, by
    session.add(row)
    text = f"{key} may be written to again; it was suppressed ({words_of(row)})"
    said = Said(by, "person", now, why)
    _note_of_address(session, contacts, organisation, key, "contact.suppression_lifted", text, said)
    return True


def suppressed(session: Session, organisation: str, addresses: Iterable[str]) -> dict[str, str]:
    """Why, of those addresses that nothing may be sent to; by their form in lower case."""
    wanted = {same(address) for address in addresses} - {""}
    if not wanted:
        return {}
    query = select(Suppression).where(
        Suppression.organisation_id == organisation,
        col(Suppression.address).in_(wanted),
        col(Suppression.lifted_at).is_(None),
    )
    return {row.address: words_of(row) for row in session.exec(query)}


def with_address(session: Session, organisation: str, address: str) -> list[Contact]:
    """Every contact of the organisation with this address, in the order of their ids; locked."""
    key = same(address)
    if not key:
        return []
    # SQLite knows upper and lower case of ASCII alone: the address as it is written helps with the rest.
    query = select(Contact).where(
        Contact.organisation_id == organisation,
        or_(func.lower(Contact.email) == key, Contact.email == address),
    )
    rows = session.exec(query.order_by(col(Contact.id)).with_for_update())
    return [row for row in rows if same(row.email) == key]


def _row(session: Session, organisation: str, key: str) -> Suppression | None:
    query = select(Suppression).where(Suppression.organisation_id == organisation, Suppression.address == key)
    return session.exec(query.with_for_update()).first()


def _note_of_address(
    session: Session,
    contacts: Sequence[Contact],
    organisation: str,
    address: str,
    kind: str,
    text: str,
    said: Said,
) -> None:
    """A line for each contact with the address; one without a customer where nobody has it."""
    note(session, contacts, kind, lambda _: text, said, address=address)
    if not contacts:
        journal.write(
            session,
            key=f"wish/{new_id()}",
            organisation=organisation,
            kind=kind,
            by=said.by,
            text=text,
            why=said.why,
            data={"address": address, "source": said.source},
            at=said.at,
        )
