"""Accounts: the people who sign in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AfterValidator, Field, SecretStr, StrictBool
from sqlmodel import Session

from keepwell.api.access import Configurer, Principal
from keepwell.api.access.giving import check_gives, check_is_person
from keepwell.api.door import AtDoor
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Text, storable
from keepwell.contracts.access import GRANTS, Role
from keepwell.contracts.base import Frozen, Strict
from keepwell.db.repositories import accounts
from keepwell.db.repositories.accounts import AccountLine
from keepwell.db.repositories.lookup import own
from keepwell.db.repositories.named import customer_named
from keepwell.db.tables import Account
from keepwell.passwords import check_password, hash_password

router = APIRouter(prefix="/api/v1/accounts", tags=["access"])

AccountPath = Annotated[str, AfterValidator(storable), Path(max_length=40, description="The account's id.")]
Identity = Annotated[Text, Field(max_length=40)]
CustomerText = Annotated[
    Text, Field(min_length=1, max_length=200, description="A customer: our id, or its external id.")
]
Name = Annotated[Text, Field(min_length=1, max_length=120)]
Password = Annotated[SecretStr, Field(max_length=200, description="12 to 200 characters, hard to guess.")]


class Accounts(Frozen):
    """Accounts, by name."""

    items: tuple[AccountLine, ...]


class AccountAsked(Strict):
    """An account that is wanted. Without a password only single sign-on lets its person in."""

    email: Annotated[Text, Field(min_length=3, max_length=320)]
    name: Name
    role: Role
    staff_id: Identity | None = Field(
        default=None, description="Who of the staff it is; unset: whoever has the same address."
    )
    customer_id: CustomerText | None = Field(
        default=None,
        description="Whose success page a client sees: the customer's id, or its external id.",
    )
    password: Password | None = None


class AccountChange(Strict):
    """What is to change; what is unset stays."""

    name: Name | None = None
    role: Role | None = None
    staff_id: Identity | None = None
    customer_id: CustomerText | None = None
    active: StrictBool | None = Field(default=None, description="false: they are signed out, and stay out.")
    password: Password | None = Field(default=None, description="A new one; it signs them out everywhere.")


class Ended(Frozen):
    """How many sessions have ended."""

    ended: int


@router.get("", responses=problems())
def list_accounts(who: Configurer, door: AtDoor) -> Accounts:
    """The organisation's accounts."""
    with door.store.read() as session:
        return Accounts(items=tuple(accounts.accounts(session, who.organisation_id)))


@router.post("", status_code=201, responses=problems(404, 409, 415))
def add_account(asked: AccountAsked, who: Configurer, door: AtDoor) -> AccountLine:
    """Make an account; nobody makes one that may more than they do, and no key makes one."""
    check_is_person(who)
    hashed = _hashed(asked.password, asked.email, asked.name)
    with door.store.write() as session:
        check_gives(session, who, GRANTS[asked.role])
        row = accounts.add_account(
            session,
            who.organisation_id,
            email=asked.email,
            name=asked.name,
            role=asked.role,
            by=who.name,
            now=datetime.now(UTC),
            staff=asked.staff_id,
            customer=_customer(session, who, asked.customer_id),
            password=hashed,
        )
        return accounts.account_line(session, who.organisation_id, row.id)


@router.get("/{account}", responses=problems(404))
def get_account(account: AccountPath, who: Configurer, door: AtDoor) -> AccountLine:
    """One of them."""
    with door.store.read() as session:
        return accounts.account_line(session, who.organisation_id, account)


@router.patch("/{account}", responses=problems(404, 409, 415))
def change_account(account: AccountPath, asked: AccountChange, who: Configurer, door: AtDoor) -> AccountLine:
    """Change an account, or let its person in or out. A key may shut somebody out, and change no more."""
    now = datetime.now(UTC)
    with door.store.read() as session:
        known = _own(session, who, account)
    if asked.model_dump(exclude_none=True) != {"active": False}:
        check_is_person(who)
    hashed = _hashed(asked.password, known.email, known.name)
    with door.store.write() as session:
        row = _own(session, who, account)
        # Whoever sets its password could sign in with what it has now.
        check_gives(session, who, GRANTS[Role(row.role)] | GRANTS[asked.role or Role(row.role)])
        accounts.change_account(
            session,
            row,
            by=who.name,
            now=now,
            name=asked.name,
            role=asked.role,
            staff=asked.staff_id,
            customer=_customer(session, who, asked.customer_id),
            active=asked.active,
        )
        if hashed:
            accounts.set_password(session, row, hashed, by=who.name, now=now)
        session.flush()
        return accounts.account_line(session, who.organisation_id, row.id)


@router.delete("/{account}/sessions", responses=problems(404))
def end_sessions(account: AccountPath, who: Configurer, door: AtDoor) -> Ended:
    """Sign an account out everywhere."""
    now = datetime.now(UTC)
    with door.store.write() as session:
        row = _own(session, who, account)
        ended = accounts.end_sessions(session, row.id)
        text = f"{row.email} was signed out everywhere ({ended})"
        accounts.note_account(session, row, "signed_out", text, by=who.name, now=now)
    return Ended(ended=ended)


def _own(session: Session, who: Principal, account: str) -> Account:
    return own(session, Account, who.organisation_id, account, "account")


def _customer(session: Session, who: Principal, text: str | None) -> str | None:
    return customer_named(session, who.organisation_id, text).id if text else None


def _hashed(password: SecretStr | None, *own: str) -> str:
    """Before the transaction begins: it takes a while."""
    if password is None:
        return ""
    check_password(password.get_secret_value(), *own)
    return hash_password(password.get_secret_value())
