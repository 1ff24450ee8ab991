"""Organisations, their customers and contacts, and the staff who look after them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from keepwell.contracts.people import Consent, ContactRole, StaffRole
from keepwell.db.tables.base import JSON_COLUMN, Json, id_field, moment, moment_or_none, reference


class Organisation(SQLModel, table=True):
    """A company that uses Keepwell. `key` is its readable name in workflow ids.

    `country` and `subdivision` (ISO 3166) say whose public holidays count. Between `quiet_from` and
    `quiet_until` (HH:MM on the recipient's clock) and outside `business_days` (ISO numbers, 1 is Monday)
    nothing goes out; empty: no such limit. Caps count messages to contacts, None: no cap. `new_playbooks`
    says how a playbook goes that nobody has switched: automatic or draft. `slack_channel` is the team's.
    """

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
    country: str = Field(default="", max_length=2)
    subdivision: str = Field(default="", max_length=6)
    quiet_from: str = Field(default="", max_length=5)
    quiet_until: str = Field(default="", max_length=5)
    business_days: str = Field(default="", max_length=7)
    daily_cap: int | None = None
    customer_cap_day: int | None = None
    customer_cap_week: int | None = None
    new_playbooks: str = Field(default="automatic", max_length=10)
    slack_channel: str = Field(default="", max_length=100)
    created_at: datetime = moment()


class Staff(SQLModel, table=True):
    """A member of staff; `manager_id` is whom an escalation reaches at last.

    `deputy` is who covers for them where no absence names somebody else: another one's external id.
    """

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
    deputy: str = Field(default="", max_length=200)
    active: bool = True
    created_at: datetime = moment()
    updated_at: datetime = moment()


class Customer(SQLModel, table=True):
    """An account. `facts` holds what else its file said, for templates and segments.

    `left_on` is the day a customer left: churn models learn from it. Without it nobody knows when an
    inactive customer left.
    """

    __tablename__ = "customer"
    __table_args__ = (
        UniqueConstraint("organisation_id", "external_id"),
        # Who is similar to whom is read from it alone (`peers.likenesses_of`).
        Index("ix_customer_alike", "organisation_id", "active", "segment", "industry", "id", "plan"),
    )
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    external_id: str = Field(max_length=200)
    name: str
    plan: str = ""
    industry: str = ""
    segment: str = ""
    country: str = ""
    subdivision: str = Field(default="", max_length=6)
    time_zone: str = ""
    currency: str = ""
    monthly_revenue: float | None = None
    started_on: date | None = None
    renews_on: date | None = None
    left_on: date | None = None
    owner_id: str | None = reference("staff.id", optional=True)
    active: bool = True
    facts: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    created_at: datetime = moment()
    updated_at: datetime = moment()


class Contact(SQLModel, table=True):
    """A person at a customer's. Whether its address may be written to: see `Suppression`."""

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("organisation_id", "external_id"),
        Index("ix_contact_consent", "organisation_id", "consent"),
    )
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
    active: bool = True
    created_at: datetime = moment()
    updated_at: datetime = moment()


class Absence(SQLModel, table=True):
    """Days on which a member of staff is away, first and last included, and who covers.

    They are days in the time zone of whoever is away. Without `cover_id` it is their deputy, or else the
    team's lead. The owner stays the owner: what would go to somebody who is away goes to the cover while it
    lasts.
    """

    __tablename__ = "absence"
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    staff_id: str = reference("staff.id")
    from_on: date
    until_on: date
    cover_id: str | None = reference("staff.id", optional=True)
    reason: str = ""
    entered_by: str = ""
    entered_at: datetime = moment()
    withdrawn_at: datetime | None = moment_or_none()
