"""Accounts of people who sign in: whom they stand for, and who gets in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, func, select

from keepwell.contracts.access import Role
from keepwell.contracts.base import Frozen
from keepwell.db.repositories import journal
from keepwell.db.repositories.known_browsers import forget_browsers
from keepwell.db.repositories.views import did_you_mean
from keepwell.db.tables import Account, Customer, Staff, WebSession
from keepwell.errors import InputError, NotFoundError, RefusedError
from keepwell.keys import new_id

LONGEST_NAME = 120


class AccountLine(Frozen):
    """An account as lists show it; nothing of its password but whether there is one."""

    id: str
    email: str
    name: str
    role: Role
    staff_id: str | None
    staff: str | None
    customer_id: str | None
    customer: str | None
    active: bool
    has_password: bool
    has_oidc: bool
    sessions: int
    locked_until: datetime | None
    created_at: datetime
    created_by: str
    signed_in_at: datetime | None


def any_account(session: Session) -> bool:
    """Whether anybody has an account here, in any organisation."""
    return session.exec(select(Account.id).limit(1)).first() is not None


def accounts(session: Session, organisation: str) -> list[AccountLine]:
    """All accounts of an organisation, by name."""
    return _lines(session, organisation, None)


def account_line(session: Session, organisation: str, account: str) -> AccountLine:
    """One of them by its id. Raises NotFoundError."""
    lines = _lines(session, organisation, account)
    if not lines:
        raise NotFoundError(f"There is no account {account!r}.")
    return lines[0]


def _lines(session: Session, organisation: str, account: str | None) -> list[AccountLine]:
    query = (
        select(Account, Staff.name, Customer.name)
        .join(Staff, col(Staff.id) == col(Account.staff_id), isouter=True)
        .join(Customer, col(Customer.id) == col(Account.customer_id), isouter=True)
        .where(Account.organisation_id == organisation)
        .order_by(col(Account.name), col(Account.id))
    )
    if account is not None:
        query = query.where(Account.id == account)
    counted = (
        select(WebSession.account_id, func.count())
        .join(Account, col(Account.id) == col(WebSession.account_id))
        .where(Account.organisation_id == organisation)
        .group_by(col(WebSession.account_id))
    )
    sessions = dict(session.exec(counted).all())
    return [
        AccountLine(
            **row.model_dump(
                include={
                    *("id", "email", "name", "role", "staff_id", "customer_id", "active"),
                    *("locked_until", "created_at", "created_by", "signed_in_at"),
                }
            ),
            staff=staff,
            customer=customer,
            has_password=bool(row.password),
            has_oidc=row.subject is not None,
            sessions=sessions.get(row.id, 0),
        )
        for row, staff, customer in session.exec(query).all()
    ]


def find_account(session: Session, organisation: str, text: str) -> Account:
    """An account by its id or email address. Raises NotFoundError."""
    wanted = text.strip()
    query = select(Account).where(
        Account.organisation_id == organisation,
        (col(Account.id) == wanted) | (col(Account.email) == wanted.lower()),
    )
    row = session.exec(query).first()
    if row is None:
        known = session.exec(select(Account.email).where(Account.organisation_id == organisation)).all()
        raise NotFoundError(
            f"There is no account {wanted!r}{did_you_mean(wanted, known)}.",
            hint="See the list of accounts.",
            command="keepwell accounts list",
        )
    return row


def with_email(session: Session, email: str) -> Sequence[Account]:
    """The active accounts with an address, one in each organisation where there is one."""
    if not email.isprintable():
        # PostgreSQL would not even look for one with a NUL.
        return ()
    query = select(Account).where(Account.email == email.strip().lower(), col(Account.active))
    return session.exec(query.order_by(col(Account.organisation_id)).limit(10)).all()


def add_account(
    session: Session,
    organisation: str,
    *,
    email: str,
    name: str,
    role: Role,
    by: str,
    now: datetime,
    staff: str | None = None,
    customer: str | None = None,
    password: str = "",
) -> Account:
    """A new account; `password` is hashed already. Without one, only OIDC lets its person in.

    Without `staff` it is tied to the active member of staff with the same address, where there is one.

    Raises:
        InputError: the address or name is none, or a client's customer is missing.
        NotFoundError: the organisation has no such member of staff or customer.
        RefusedError: there is an account with this address.
    """
    address = _address(email)
    _check_free(session, organisation, address)
    if staff is None and role is not Role.CLIENT:
        same = select(Staff.id).where(
            Staff.organisation_id == organisation, func.lower(Staff.email) == address, col(Staff.active)
        )
        staff = session.exec(same).first()
    row = Account(
        organisation_id=organisation,
        email=address,
        name=_name(name),
        role=role.value,
        staff_id=staff,
        customer_id=customer,
        password=password,
        created_at=now,
        created_by=by,
    )
    _check_ties(session, row)
    session.add(row)
    session.flush()
    _note(session, row, "added", f"An account was made for {row.name} <{address}>: {role.value}", by, now)
    return row


def _check_free(session: Session, organisation: str, address: str) -> None:
    there = select(Account.id).where(Account.organisation_id == organisation, Account.email == address)
    if session.exec(there).first():
        raise RefusedError(
            f"There is an account {address} already.",
            hint="See it in the list of accounts.",
            command="keepwell accounts list",
        )


def change_account(
    session: Session,
    row: Account,
    *,
    by: str,
    now: datetime,
    name: str | None = None,
    role: Role | None = None,
    staff: str | None = None,
    customer: str | None = None,
    active: bool | None = None,
) -> bool:
    """Change what is given; whether anything did. Who is no longer active is signed out everywhere.

    Raises:
        InputError: a client's customer is missing, or a name is none.
        NotFoundError: the organisation has no such member of staff or customer.
        RefusedError: the organisation would be left without an admin.
    """
    before = row.model_dump(include={"name", "role", "staff_id", "customer_id", "active"})
    _keep_an_admin(session, row, role, active)
    row.name = row.name if name is None else _name(name)
    row.role = row.role if role is None else role.value
    row.staff_id = staff or row.staff_id
    row.customer_id = customer or row.customer_id
    row.active = row.active if active is None else active
    if row.role == Role.CLIENT:
        row.staff_id = None
    else:
        row.customer_id = None
    # What does not fit must be told by its name, and not by the database.
    with session.no_autoflush:
        _check_ties(session, row)
    session.add(row)
    after = row.model_dump(include=set(before))
    changed = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
    if not changed:
        return False
    if not row.active:
        end_sessions(session, row.id)
    words = ", ".join(f"{key}: {old} → {new}" for key, (old, new) in changed.items())
    _note(session, row, "changed", f"The account {row.email} was changed: {words}", by, now)
    return True


def set_password(
    session: Session, row: Account, password: str, *, by: str, now: datetime, keep: str | None = None
) -> None:
    """Give an account a password, hashed already; all its sessions end but `keep` (a hash), and its lock."""
    row.password, row.failed, row.locked_until = password, 0, None
    session.add(row)
    end_sessions(session, row.id, keep=keep)
    _note(session, row, "password", f"The account {row.email} has a new password", by, now)


def end_sessions(session: Session, account: str, *, keep: str | None = None) -> int:
    """Sign an account out everywhere, but for the session `keep`; how many sessions that ended.

    Browsers that it knew are strange to it again.
    """
    forget_browsers(session, account)
    query = delete(WebSession).where(col(WebSession.account_id) == account)
    if keep is not None:
        query = query.where(col(WebSession.id) != keep)
    return session.exec(query).rowcount


def note_account(
    session: Session, row: Account, what: str, text: str, *, now: datetime, by: str = "", address: str = ""
) -> None:
    """A line in the journal about an account: signed_in, locked, …"""
    _note(session, row, what, text, by or row.name, now, address=address)


def _keep_an_admin(session: Session, row: Account, role: Role | None, active: bool | None) -> None:
    loses = (role is not None and role is not Role.ADMIN) or active is False
    if row.role != Role.ADMIN or not row.active or not loses:
        return
    others = select(Account.id).where(
        Account.organisation_id == row.organisation_id,
        Account.role == Role.ADMIN.value,
        col(Account.active),
        Account.id != row.id,
    )
    if session.exec(others.limit(1)).first() is None:
        raise RefusedError(f"{row.email} is the only admin left.", hint="Make somebody else an admin first.")


def _check_ties(session: Session, row: Account) -> None:
    if (row.role == Role.CLIENT) != (row.customer_id is not None):
        raise InputError(
            "A client needs a customer, and nobody else has one.",
            place="customer",
            hint="Name the customer whose success page the client sees, or take another role.",
        )
    staff = session.get(Staff, row.staff_id) if row.staff_id else None
    if row.staff_id and (staff is None or staff.organisation_id != row.organisation_id):
        raise NotFoundError(f"There is no member of staff {row.staff_id!r}.")
    customer = session.get(Customer, row.customer_id) if row.customer_id else None
    if row.customer_id and (customer is None or customer.organisation_id != row.organisation_id):
        raise NotFoundError(f"There is no customer {row.customer_id!r}.")


def _address(email: str) -> str:
    address = email.strip().lower()
    name, _, domain = address.partition("@")
    if not name or not domain or "@" in domain or len(address) > 320 or not address.isprintable():
        raise InputError(
            f"{email!r} is no email address.", place="email", hint="For example: dana@example.com"
        )
    if any(char.isspace() for char in address):
        raise InputError(f"{email!r} has a blank in it.", place="email", hint="For example: dana@example.com")
    return address


def _name(name: str) -> str:
    text = " ".join(name.split())
    if not text or len(text) > LONGEST_NAME or not text.isprintable():
        raise InputError(f"A name has 1 to {LONGEST_NAME} letters.", place="name")
    return text


def _note(
    session: Session, row: Account, what: str, text: str, by: str, now: datetime, *, address: str = ""
) -> None:
    journal.write(
        session,
        key=f"account/{row.id}/{what}/{new_id()}",
        organisation=row.organisation_id,
        kind=f"account.{what}",
        text=text,
        at=now,
        by=by,
        data={"account": row.id} | ({"address": address} if address else {}),
    )
