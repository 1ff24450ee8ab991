"""What keeps a message from going out, or from going out now: wishes, suppressions, switches, closed days."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import id_field, moment, moment_or_none, reference


class ContactPreference(SQLModel, table=True):
    """What a contact has said about one purpose of messages. No row: they have said nothing."""

    __tablename__ = "contact_preference"
    contact_id: str = Field(foreign_key="contact.id", primary_key=True, max_length=40)
    purpose: str = Field(primary_key=True, max_length=20)
    organisation_id: str = reference("organisation.id")
    wanted: bool
    source: str = Field(max_length=40)
    at: datetime = moment()


class Suppression(SQLModel, table=True):
    """An address that nothing may be sent to any more, whoever has it.

    `address` is in lower case. `reason` is bounced, invalid, complained, unsubscribed or manual; `detail`
    the provider's or person's words. One that was lifted keeps its row.
    """

    __tablename__ = "suppression"
    __table_args__ = (UniqueConstraint("organisation_id", "address"),)
    id: str = id_field()
    organisation_id: str = reference("organisation.id", index=False)
    address: str = Field(max_length=320)
    reason: str = Field(max_length=20)
    detail: str = ""
    source: str = Field(max_length=40)
    at: datetime = moment()
    lifted_at: datetime | None = moment_or_none()
    lifted_by: str = ""


class KillSwitch(SQLModel, table=True):
    """A stop for sending that a person has thrown: for everything, a playbook or a customer.

    `scope` is all, playbook or customer; `subject` the playbook's name or the customer's id.
    """

    __tablename__ = "kill_switch"
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    scope: str = Field(max_length=10)
    subject: str = Field(default="", max_length=40)
    reason: str = ""
    thrown_by: str
    thrown_at: datetime = moment()
    lifted_by: str = ""
    lifted_at: datetime | None = moment_or_none()


class ClosedDay(SQLModel, table=True):
    """A day that differs from the calendar of public holidays: closed, or open though it is one."""

    __tablename__ = "closed_day"
    organisation_id: str = Field(foreign_key="organisation.id", primary_key=True, max_length=40)
    day: date = Field(primary_key=True)
    name: str = ""
    open: bool = False


class PlaybookMode(SQLModel, table=True):
    """How a playbook goes: automatic, draft (a person approves each message) or off.

    `approves` says whether a message of what runs waits for approval: off leaves that as it was.
    """

    __tablename__ = "playbook_mode"
    organisation_id: str = Field(foreign_key="organisation.id", primary_key=True, max_length=40)
    playbook: str = Field(primary_key=True, max_length=40)
    mode: str = Field(max_length=10)
    approves: bool = False
    set_by: str
    set_at: datetime = moment()
