"""Interventions, their steps, and what steps leave behind: tasks and documents."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import (
    JSON_COLUMN,
    Json,
    Seconds,
    UtcDateTime,
    id_field,
    moment,
    moment_or_none,
    reference,
)

RUNNING = text("outcome IS NULL")
ANSWERED = text("responded_at IS NOT NULL")
ENDED = text("ended_at IS NOT NULL")
CLOSED = text("closed_at IS NOT NULL")


class Intervention(SQLModel, table=True):
    """One playbook for one customer.

    A transition opened it (risk), an opportunity (expansion) or an alert (event). An alert that becomes
    graver may open a second one.
    `level` and `score` are the customer's at the start; an alert may be of one that was never scored.
    `start` is the stamp of the start that opened it, `definition` the playbook as pinned,
    `shift` how long its clock has stood still in pauses that are over. `held_why` says why an expansion
    waits, since `held_at`; empty where it does not.
    """

    __tablename__ = "intervention"
    __table_args__ = (
        # Those that run are few beside those that have ended.
        Index(
            "ix_intervention_open",
            "organisation_id",
            "customer_id",
            sqlite_where=RUNNING,
            postgresql_where=RUNNING,
        ),
        Index(
            "ix_intervention_answered",
            "organisation_id",
            "responded_at",
            sqlite_where=ANSWERED,
            postgresql_where=ANSWERED,
        ),
        Index(
            "ix_intervention_ended",
            "organisation_id",
            "ended_at",
            sqlite_where=ENDED,
            postgresql_where=ENDED,
        ),
    )
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    customer_id: str = reference("customer.id")
    family: str = Field(default="risk", max_length=10)
    transition_id: str | None = Field(
        default=None, foreign_key="transition.id", unique=True, max_length=40, nullable=True
    )
    opportunity_id: str | None = Field(
        default=None, foreign_key="opportunity.id", unique=True, max_length=40, nullable=True
    )
    alert_id: str | None = Field(default=None, index=True, max_length=40)
    start: str = Field(max_length=80)
    workflow_id: str = Field(index=True, max_length=120)
    playbook: str = Field(max_length=40)
    version: int
    definition: Json = Field(sa_type=JSON_COLUMN)
    level: str | None = Field(default=None, max_length=20)
    score: float | None = None
    owner_id: str | None = reference("staff.id", optional=True)
    supersedes: str | None = Field(default=None, max_length=40)
    started_at: datetime = moment(index=True)
    paused: bool = False
    paused_until: datetime | None = moment_or_none()
    pause_reason: str = ""
    paused_at: datetime | None = moment_or_none()
    shift: timedelta = Field(default=timedelta(), sa_type=Seconds)
    held_why: str = ""
    held_at: datetime | None = moment_or_none()
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = moment_or_none()
    response: str = ""
    responded_at: datetime | None = moment_or_none()
    outcome: str | None = Field(default=None, index=True, max_length=20)
    outcome_why: str = ""
    ended_at: datetime | None = moment_or_none()


class InterventionStep(SQLModel, table=True):
    """A step of an intervention: when it is due on the unpaused clock, and what became of it."""

    __tablename__ = "intervention_step"
    intervention_id: str = Field(foreign_key="intervention.id", primary_key=True, max_length=40)
    name: str = Field(primary_key=True, max_length=40)
    position: int
    kind: str = Field(max_length=20)
    offset: timedelta = Field(sa_type=Seconds)
    state: str = Field(max_length=20)
    planned_at: datetime = moment(index=True)
    deferred_until: datetime | None = moment_or_none()
    at: datetime | None = moment_or_none()
    why: str = ""


OPEN_TASK = text("state = 'open'")


class Task(SQLModel, table=True):
    """Work for a person. `key` makes it once, however often its step is tried.

    A snoozed one comes back at `snoozed_until`; `outcome` is what came of the work, in a word. A deadline
    that was missed is an alert, `overdue_alert`. While its owner is away, `owner_id` is who stands in and
    `for_id` the owner, to whom it goes back.
    """

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("key"),
        # Open tasks whose deadline was missed and that have no alert yet: a pass reads those alone.
        Index("ix_task_overdue", "organisation_id", "state", "overdue_alert", "due_at"),
        Index("ix_task_closed", "organisation_id", "closed_at", sqlite_where=CLOSED, postgresql_where=CLOSED),
        # What is to be done, in the order in which it is due.
        Index(
            "ix_task_open",
            "organisation_id",
            "due_at",
            "id",
            sqlite_where=OPEN_TASK,
            postgresql_where=OPEN_TASK,
        ),
    )
    id: str = id_field()
    key: str = Field(max_length=120)
    organisation_id: str = reference("organisation.id")
    customer_id: str = reference("customer.id")
    intervention_id: str | None = reference("intervention.id", optional=True)
    step: str = Field(default="", max_length=40)
    kind: str = Field(max_length=30)
    title: str
    detail: str = ""
    owner_id: str | None = reference("staff.id", optional=True)
    due_at: datetime = moment(index=True)
    created_at: datetime = moment()
    state: str = Field(default="open", index=True, max_length=20)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_by: str = ""
    note: str = ""
    outcome: str = Field(default="", max_length=40)
    snoozed_until: datetime | None = moment_or_none()
    overdue_alert: str | None = Field(default=None, max_length=40)
    for_id: str | None = Field(default=None, index=True, max_length=40)


class TaskComment(SQLModel, table=True):
    """What somebody has written at a task."""

    __tablename__ = "task_comment"
    id: str = id_field()
    task_id: str = reference("task.id")
    by: str
    text: str
    at: datetime = moment()


class Document(SQLModel, table=True):
    """A document written for an intervention, once per step."""

    __tablename__ = "document"
    __table_args__ = (UniqueConstraint("intervention_id", "step"),)
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    customer_id: str = reference("customer.id")
    intervention_id: str = reference("intervention.id")
    step: str = Field(max_length=40)
    title: str
    html: str
    text: str
    created_at: datetime = moment()
