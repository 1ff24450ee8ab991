"""Metrics, scores, levels and the daily run's own book-keeping."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import (
    JSON_COLUMN,
    Json,
    UtcDateTime,
    id_field,
    moment,
    moment_or_none,
    reference,
)


class Metric(SQLModel, table=True):
    """One measured value. The same customer, name and moment again replaces the value."""

    __tablename__ = "metric"
    customer_id: str = Field(foreign_key="customer.id", primary_key=True, max_length=40)
    name: str = Field(primary_key=True, max_length=60)
    measured_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    value: float
    received_at: datetime = moment()


class MetricLatest(SQLModel, table=True):
    """The newest value and moment of every metric of a customer, packed (`metrics_packed`).

    It follows from `metric`, and a daily run reads it in its place. Whoever writes to `metric` by other
    means than `metrics_latest` finds `packed` emptied by a trigger; what is empty or missing is read from
    `metric` until a run has put it together again.
    """

    __tablename__ = "metric_latest"
    customer_id: str = Field(foreign_key="customer.id", primary_key=True, max_length=40, ondelete="CASCADE")
    packed: bytes | None = Field(default=None, sa_type=LargeBinary)


class Scorecard(SQLModel, table=True):
    """A scorecard's text by its content hash, so that every score can be explained later."""

    __tablename__ = "scorecard"
    hash: str = Field(primary_key=True, max_length=64)
    name: str = Field(max_length=60)
    version: int
    content: str
    stored_at: datetime = moment()


class ScorecardBeside(SQLModel, table=True):
    """A scorecard that an organisation's daily run computes beside the one in force, and that starts nothing.

    `scorecard` is a hash in the store, or the name of a built-in one.
    """

    __tablename__ = "scorecard_beside"
    organisation_id: str = Field(foreign_key="organisation.id", primary_key=True, max_length=40)
    scorecard: str = Field(primary_key=True, max_length=64)
    added_at: datetime = moment()


class ScoreRun(SQLModel, table=True):
    """One run over all customers. The same organisation, day and scorecard goes on with the same run.

    `beside` holds the hashes of the scorecards that are computed too, as chosen when the run began.
    """

    __tablename__ = "score_run"
    __table_args__ = (UniqueConstraint("organisation_id", "key"),)
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    key: str = Field(max_length=120)
    scorecard: str = Field(max_length=64)
    as_of: datetime = moment()
    day: date
    started_at: datetime = moment()
    finished_at: datetime | None = moment_or_none()
    beside: list[str] | None = Field(default=None, sa_type=JSON_COLUMN)


class ScorePartition(SQLModel, table=True):
    """A part of a run that is done: its row is written in the transaction of its scores."""

    __tablename__ = "score_partition"
    run_id: str = Field(foreign_key="score_run.id", primary_key=True, max_length=40)
    number: int = Field(primary_key=True)
    scored: int
    insufficient: int
    rejected: int
    transitions: int
    done_at: datetime = moment()


class Score(SQLModel, table=True):
    """A health score, 0 to 100, or none where too little was measured (`insufficient`).

    `raw_level` is what the score says, `level` what is held after the flapping guard. `coverage` is
    the share of the scorecard's weight that was measured, 0 to 1. The trend is that of the 30 days which
    end with this score: the slope in points per 30 days and its direction, empty where nobody can say.
    """

    __tablename__ = "score"
    __table_args__ = (
        UniqueConstraint("run_id", "customer_id"),
        Index("ix_score_customer_at", "customer_id", "scored_at"),
    )
    id: str = id_field()
    organisation_id: str = reference("organisation.id", index=False)
    customer_id: str = reference("customer.id", index=False)
    run_id: str | None = reference("score_run.id", optional=True, index=False)
    scorecard: str = Field(max_length=64)
    scored_at: datetime = moment()
    day: date
    score: float | None = None
    coverage: float
    insufficient: bool = False
    unusable: int = 0
    raw_level: str | None = Field(default=None, max_length=20)
    level: str | None = Field(default=None, max_length=20)
    baseline: bool = False
    categories: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    factors: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    trend_slope: float | None = None
    trend_direction: str | None = Field(default=None, max_length=20)


class ScoreBeside(SQLModel, table=True):
    """A score by a scorecard that is not in force: to look at. It has no held level and starts nothing."""

    __tablename__ = "score_beside"
    __table_args__ = (Index("ix_score_beside_customer_at", "customer_id", "scored_at"),)
    run_id: str = Field(foreign_key="score_run.id", primary_key=True, max_length=40)
    scorecard: str = Field(primary_key=True, max_length=64)
    customer_id: str = Field(foreign_key="customer.id", primary_key=True, max_length=40)
    organisation_id: str = reference("organisation.id", index=False)
    scored_at: datetime = moment()
    day: date
    score: float | None = None
    coverage: float
    insufficient: bool = False
    unusable: int = 0
    raw_level: str | None = Field(default=None, max_length=20)
    categories: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    factors: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)


class Health(SQLModel, table=True):
    """Where a customer stands now; one row per customer, written with each score.

    `previous_raw_level` is the raw level of the last score of an earlier day (for the guard);
    `sequence` counts the customer's transitions. `recent` holds the scores of the 30 days up to `day`, packed
    (`scores_recent`); where it is empty, they are read from `score`.
    """

    __tablename__ = "health"
    customer_id: str = Field(foreign_key="customer.id", primary_key=True, max_length=40)
    organisation_id: str = reference("organisation.id")
    score_id: str = reference("score.id", index=False)
    score: float | None = None
    coverage: float
    level: str | None = Field(default=None, index=True, max_length=20)
    raw_level: str | None = Field(default=None, max_length=20)
    previous_raw_level: str | None = Field(default=None, max_length=20)
    day: date
    scored_at: datetime = moment()
    since: datetime | None = moment_or_none()
    sequence: int = 0
    recent: bytes | None = Field(default=None, sa_type=LargeBinary)


class Transition(SQLModel, table=True):
    """A change from one level to another, or an enrolment. It opens an intervention or says why not.

    `handed` says how it was handed over: to a run that began with it (`started`), to one that was
    open (`signalled`), or not at all (`refused`). `decision` is empty until the customer's run has
    claimed it, then `started` or `refused`: every transition opens an intervention or says why not.
    """

    __tablename__ = "transition"
    __table_args__ = (UniqueConstraint("customer_id", "sequence"),)
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    customer_id: str = reference("customer.id")
    sequence: int
    kind: str = Field(max_length=20)
    previous: str | None = Field(default=None, max_length=20)
    level: str = Field(max_length=20)
    score: float
    score_id: str = reference("score.id", index=False)
    run_id: str | None = reference("score_run.id", optional=True)
    at: datetime = moment()
    by: str = ""
    handed: str | None = Field(default=None, max_length=20)
    handed_at: datetime | None = moment_or_none()
    decision: str | None = Field(default=None, index=True, max_length=20)
    code: str = Field(default="", max_length=40)
    reason: str = ""
    intervention_id: str | None = Field(default=None, max_length=40)
    decided_at: datetime | None = moment_or_none()
