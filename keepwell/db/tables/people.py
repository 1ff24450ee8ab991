"""Organisations, their customers and contacts, and the staff who look after them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from keepwell.contracts.people import Consent, ContactRole, StaffRole
from keepwell.db.tables.base import JSON_COLUMN, Json, id_field, moment, moment_or_none, reference


class Organisation(SQLModel, table=True):
    """A company that uses Keepwell. `key` is its readable name in workflow ids."""

    __tablename__ = "organisation"
    id: str = id_field()
    key: str = Field(unique=True, max_length=40)
    name: str
    product: str = "our product"
    time_zone: str = "UTC"
    currency: str = Field(default="USD", max_length=3)
    sender_name: str = ""
    sender_address: str = ""
    postal_address: str = ""
    booking_url: str = ""
    app_url: str = ""
    consent_required: bool = False
    scorecard: str | None = Field(default=None, max_length=64)
    demo: bool = False
    created_at: datetime = moment()


class Staff(SQLModel, table=True):
    """A member of staff; `manager_id` is whom an escalation reaches."""

    __tablename__ = "staff"
    __table_args__ = (UniqueConstraint("organisation_id", "external_id"),)
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    external_id: str = Field(max_length=200)
    name: str
    email: str
    role: str = Field(default=StaffRole.CSM.value, max_length=20)
    title: str = ""
    phone: str = ""
    slack: str = ""
    time_zone: str = "UTC"
    manager_id: str | None = reference("staff.id", optional=True)
    active: bool = True
    created_at: datetime = moment()
    updated_at: datetime = moment()


class Customer(SQLModel, table=True):
    """An account. `facts` holds what else its file said, for templates and segments."""

    __tablename__ = "customer"
    __table_args__ = (UniqueConstraint("organisation_id", "external_id"),)
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    external_id: str = Field(max_length=200)
    name: str
    plan: str = ""
    industry: str = ""
    segment: str = ""
    country: str = ""
    time_zone: str = ""
    currency: str = ""
    monthly_revenue: float | None = None
    started_on: date | None = None
    renews_on: date | None = None
    owner_id: str | None = reference("staff.id", optional=True)
    active: bool = True
    facts: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    created_at: datetime = moment()
    updated_at: datetime = moment()


class Contact(SQLModel, table=True):
    """A person at a customer's. `suppressed` says why nothing may be sent (bounced, complained, …)."""

    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("organisation_id", "external_id"),)
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    customer_id: str = reference("customer.id")
    external_id: str = Field(max_length=200)
    name: str
    first_name: str = ""
    email: str = ""
    phone: str = ""
    role: str = Field(default=ContactRole.USER.value, max_length=20)
    title: str = ""
    time_zone: str = ""
    consent: str = Field(default=Consent.UNKNOWN.value, max_length=20)
    consent_at: datetime | None = moment_or_none()
    suppressed: str = ""
    active: bool = True
    created_at: datetime = moment()
    updated_at: datetime = moment()
