"""The read model of churn models: which there are, which one is in use, and how good each is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.churn_models import all_models, label
from keepwell.db.tables import ChurnModel


class ChurnModelLine(Frozen):
    """A churn model. `state` is candidate, in_use, retired or rejected; `held_out` are its figures.

    `pinned`: a person brought it back, so that it stays whatever is trained later.
    """

    model: str
    name: str
    version: int
    state: str
    why: str
    pinned: bool
    trained_by: str
    promoted_by: str
    sha256: str
    trained_at: datetime
    promoted_at: datetime | None
    retired_at: datetime | None
    held_out: dict[str, Any]


def churn_models(session: Session, organisation: str) -> tuple[ChurnModelLine, ...]:
    """Every model, by name and the newest first."""
    return tuple(line_of(row) for row in all_models(session, organisation))


def line_of(row: ChurnModel) -> ChurnModelLine:
    """A model's line."""
    fields = set(ChurnModelLine.model_fields) - {"model", "held_out"}
    values = {name: getattr(row, name) for name in fields}
    return ChurnModelLine(model=label(row), held_out=row.card["held_out"], **values)
