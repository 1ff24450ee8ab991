"""Saved models: packed with their hash, and opened only if they are what was saved."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from keepwell.db.repositories import churn_models
from keepwell.db.tables import ChurnModel
from keepwell.errors import RefusedError
from scoring.churn.errors import ModelFileError

if TYPE_CHECKING:
    from pandas import DataFrame

    from scoring.churn.model import ChurnModel as Model

OWN = "customers"
"""The name of the models of our own customers; models of files have other names."""


def is_intact(row: ChurnModel) -> bool:
    """Whether the bytes of a row are those that were saved."""
    time_content = row.time_content
    return hashlib.sha256(row.content).hexdigest() == row.sha256 and (
        time_content is None or hashlib.sha256(time_content).hexdigest() == row.time_sha256
    )


def open_model(row: ChurnModel) -> Model:
    """The model of a row.

    Raises:
        RefusedError: the stored bytes are not those that were saved, or hold what no model of ours holds.
            Nothing of them is run.
    """
    return _opened(row, row.content, row.sha256)


def open_time_model(row: ChurnModel) -> Model | None:
    """The model of the time to churn that was trained on rows of its own; None where there is none."""
    return None if row.time_content is None else _opened(row, row.time_content, row.time_sha256)


def _opened(row: ChurnModel, content: bytes, sha256: str) -> Model:
    label = churn_models.label(row)
    hint = (
        "Nothing of it was run. Go back to the one before: "
        f"keepwell churn models rollback {row.name} --why …\n"
        "Or train anew (keepwell churn train) and take that one into use: "
        "keepwell churn models promote MODEL --why …"
    )
    if hashlib.sha256(content).hexdigest() != sha256:
        raise RefusedError(
            f"The churn model {label} is not the one that was saved: its content has another hash.",
            hint=hint,
            audience="ops",
        )
    from scoring.churn.store import from_bytes  # noqa: PLC0415  (loads scikit-learn)

    try:
        return from_bytes(content)
    except ModelFileError as error:
        raise RefusedError(
            f"The churn model {label} cannot be loaded: {error}", hint=hint, audience="ops"
        ) from error


def packed(model: Model) -> tuple[bytes, str]:
    """A model as bytes, and their SHA-256."""
    from scoring.churn.store import to_bytes  # noqa: PLC0415

    content = to_bytes(model)
    return content, hashlib.sha256(content).hexdigest()


def completed(frame: DataFrame, row: ChurnModel) -> DataFrame:
    """A metric that the model knows and the scorecard no longer has is missing, not an error.

    Only what was a feature of our customers when the model was trained: other columns stay an error.
    """
    once: list[str] = row.card["mapping"]["features"]
    missing = {name: float("nan") for name in once if name not in frame.columns}
    return frame.assign(**missing) if missing else frame
