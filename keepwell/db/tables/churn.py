"""Churn models as they were saved, and what the one in use predicted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import JSON_COLUMN, Json, id_field, moment, moment_or_none, reference


class ChurnModel(SQLModel, table=True):
    """A trained model; `name` and `version` are how people call it, as in `customers@3`.

    `state` is candidate (trained, nobody has decided), in_use (one of a name at most), retired (was in
    use) or rejected (not better than the one in use when it was trained). `why` says how it came to its
    state, `card` what it was made from and how well it does. `replaced_id` is the model whose place it
    took: the way back. `pinned`: a person went back to it, and no new one takes its place by itself.
    `sha256` is of `content`, and nothing reads a `content` whose hash differs. `time_content` is the model of
    the time to churn where it was trained on rows of its own, with its hash in `time_sha256`.
    """

    __tablename__ = "churn_model"
    __table_args__ = (
        UniqueConstraint("organisation_id", "name", "version"),
        Index(
            "ix_churn_model_one_in_use",
            "organisation_id",
            "name",
            unique=True,
            sqlite_where=text("state = 'in_use'"),
            postgresql_where=text("state = 'in_use'"),
        ),
    )
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    name: str = Field(max_length=60)
    version: int
    state: str = Field(index=True, max_length=20)
    why: str = ""
    card: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    content: bytes = Field(sa_type=LargeBinary)
    sha256: str = Field(max_length=64)
    time_content: bytes | None = Field(default=None, sa_type=LargeBinary)
    time_sha256: str = Field(default="", max_length=64)
    trained_at: datetime = moment()
    trained_by: str = ""
    promoted_at: datetime | None = moment_or_none()
    promoted_by: str = ""
    replaced_id: str | None = reference("churn_model.id", optional=True, index=False)
    retired_at: datetime | None = moment_or_none()
    pinned: bool = False


class ChurnPrediction(SQLModel, table=True):
    """What a model said of a customer as of a moment; the same moment again replaces it.

    `probability` (0 to 1, with the bounds of its interval) is of leaving within the model's window of
    days. `months` is the time until half of such customers have left, None where the model cannot say.
    """

    __tablename__ = "churn_prediction"
    __table_args__ = (
        UniqueConstraint("customer_id", "at"),
        Index("ix_churn_prediction_organisation_at", "organisation_id", "at"),
    )
    id: str = id_field()
    organisation_id: str = reference("organisation.id", index=False)
    customer_id: str = reference("customer.id", index=False)
    model_id: str = reference("churn_model.id")
    at: datetime = moment()
    probability: float
    low: float
    high: float
    category: str = Field(max_length=10)
    months: float | None = None
    months_low: float | None = None
    months_high: float | None = None
