"""Who may come in: accounts, their sessions, API keys; and what the API remembers of its callers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import JSON_COLUMN, Json, id_field, moment, moment_or_none, reference


class Account(SQLModel, table=True):
    """A person who signs in. `email` is in lower case; without a `password` only OIDC lets them in.

    `staff_id` says which member of staff it is, `customer_id` whose success page a client sees. After too
    many wrong passwords nobody gets in until `locked_until`.
    """

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("organisation_id", "email"),
        UniqueConstraint("issuer", "subject"),
        Index("ix_account_email", "email"),
    )
    id: str = id_field()
    organisation_id: str = reference("organisation.id", index=False)
    email: str = Field(max_length=320)
    name: str
    role: str = Field(max_length=10)
    staff_id: str | None = reference("staff.id", optional=True)
    customer_id: str | None = reference("customer.id", optional=True)
    password: str = ""
    issuer: str | None = Field(default=None, max_length=300)
    subject: str | None = Field(default=None, max_length=300)
    active: bool = True
    failed: int = 0
    locked_until: datetime | None = moment_or_none()
    created_at: datetime = moment()
    created_by: str = ""
    signed_in_at: datetime | None = moment_or_none()


class WebSession(SQLModel, table=True):
    """Somebody who is signed in. `id` is the SHA-256 of the cookie's token, which nobody keeps."""

    __tablename__ = "web_session"
    id: str = Field(primary_key=True, max_length=64)
    account_id: str = reference("account.id")
    created_at: datetime = moment()
    seen_at: datetime = moment()
    expires_at: datetime = moment(index=True)
    address: str = Field(default="", max_length=60)
    agent: str = Field(default="", max_length=200)


class KnownBrowser(SQLModel, table=True):
    """A browser in which an account has signed in. `id` is the SHA-256 of its cookie's token.

    Wrong passwords are counted here for the browser, so that nobody elsewhere can lock it out.
    """

    __tablename__ = "known_browser"
    id: str = Field(primary_key=True, max_length=64)
    account_id: str = Field(foreign_key="account.id", primary_key=True, max_length=40, index=True)
    failed: int = 0
    locked_until: datetime | None = moment_or_none()
    expires_at: datetime = moment(index=True)


class ApiKey(SQLModel, table=True):
    """A program's key. `secret` is its SHA-256; `prefix` is what lists show of it.

    `scopes` are permissions. With a `customer_id` it sees that customer's own data only.
    """

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("secret"), Index("ix_api_key_organisation", "organisation_id"))
    id: str = id_field()
    organisation_id: str = reference("organisation.id", index=False)
    name: str = Field(max_length=100)
    prefix: str = Field(max_length=16)
    secret: str = Field(max_length=64)
    scopes: list[str] = Field(default_factory=list, sa_type=JSON_COLUMN)
    customer_id: str | None = reference("customer.id", optional=True)
    created_at: datetime = moment()
    created_by: str = ""
    expires_at: datetime | None = moment_or_none()
    revoked_at: datetime | None = moment_or_none()
    revoked_by: str = ""
    used_at: datetime | None = moment_or_none()


class IdempotentAnswer(SQLModel, table=True):
    """What a request with an Idempotency-Key was answered: the same key again gets the same answer.

    `body` is the SHA-256 of what was sent: another body under the same key is refused. `status` is 0 while
    the first request is still at work. A customer's own keys begin with its id and a blank, so that no two
    customers have the same.
    """

    __tablename__ = "idempotent_answer"
    organisation_id: str = Field(foreign_key="organisation.id", primary_key=True, max_length=40)
    key: str = Field(primary_key=True, max_length=250)
    route: str = Field(max_length=200)
    body: str = Field(max_length=64)
    status: int = 0
    answer: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    created_at: datetime = moment(index=True)


class SavedView(SQLModel, table=True):
    """A filter and order of the portfolio that somebody keeps. Without an account it is everybody's."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("organisation_id", "account_id", "name"),)
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    account_id: str | None = reference("account.id", optional=True)
    name: str = Field(max_length=80)
    query: str = Field(max_length=1000)
    created_at: datetime = moment()
