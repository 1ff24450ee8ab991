"""Churn models in the store: saved, promoted, rolled back, each with who and why in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import func
from sqlalchemy.orm import defer, load_only
from sqlmodel import Session, col, select

from keepwell.db.repositories import journal
from keepwell.db.tables import ChurnModel
from keepwell.db.tables.base import Json
from keepwell.errors import InputError, NotFoundError, RefusedError
from keepwell.keys import new_id

State = Literal["candidate", "in_use", "retired", "rejected"]
CANDIDATE: State = "candidate"
IN_USE: State = "in_use"
RETIRED: State = "retired"
REJECTED: State = "rejected"

_LIGHT = (defer(ChurnModel.content, raiseload=True), defer(ChurnModel.time_content, raiseload=True))  # type: ignore[arg-type]  # SQLModel types columns as values
"""A list must not fetch megabytes per line."""

LABEL_ALONE = load_only(ChurnModel.name, ChurnModel.version, raiseload=True)  # type: ignore[arg-type]
"""For whoever needs `label` alone."""


def label(model: ChurnModel) -> str:
    """How people call a model: `customers@3`."""
    return f"{model.name}@{model.version}"


def add(
    session: Session,
    *,
    organisation: str,
    name: str,
    card: Json,
    content: tuple[bytes, str],
    time_content: tuple[bytes, str] | None,
    at: datetime,
    by: str,
) -> ChurnModel:
    """Keep a trained model as a candidate, under the next version of its name."""
    highest = session.exec(
        select(func.max(ChurnModel.version)).where(
            ChurnModel.organisation_id == organisation, ChurnModel.name == name
        )
    ).one()
    row = ChurnModel(
        organisation_id=organisation,
        name=name,
        version=(highest or 0) + 1,
        state=CANDIDATE,
        card=card,
        content=content[0],
        sha256=content[1],
        time_content=time_content[0] if time_content else None,
        time_sha256=time_content[1] if time_content else "",
        trained_at=at,
        trained_by=by,
    )
    session.add(row)
    session.flush()
    _note(session, row, "trained", f"Churn model {label(row)} was trained", at, by, "")
    return row


def in_use(session: Session, organisation: str, name: str) -> ChurnModel | None:
    """The model of this name that is in use."""
    return session.exec(
        select(ChurnModel).where(
            ChurnModel.organisation_id == organisation, ChurnModel.name == name, ChurnModel.state == IN_USE
        )
    ).one_or_none()


def trained_as_of(session: Session, organisation: str, name: str, at: datetime) -> ChurnModel | None:
    """The model of this name that was trained as of a moment."""
    query = select(ChurnModel).options(*_LIGHT)
    return session.exec(
        query.where(
            ChurnModel.organisation_id == organisation, ChurnModel.name == name, ChurnModel.trained_at == at
        )
    ).first()


def all_models(session: Session, organisation: str) -> Sequence[ChurnModel]:
    """Every model without its content, by name and the newest first."""
    query = select(ChurnModel).options(*_LIGHT).where(ChurnModel.organisation_id == organisation)
    return session.exec(query.order_by(col(ChurnModel.name), col(ChurnModel.version).desc())).all()


def find(session: Session, organisation: str, text: str) -> ChurnModel:
    """The model that is meant: `customers@3`, or a name alone for the one in use (or else the newest).

    Raises:
        NotFoundError: there is none; the hint lists those there are.
    """
    name, at, number = text.strip().partition("@")
    if at and not number.isdecimal():
        raise InputError(f"{text!r} names no model; it is written like customers@3.", place="MODEL")
    query = select(ChurnModel).where(ChurnModel.organisation_id == organisation, ChurnModel.name == name)
    if at:
        query = query.where(ChurnModel.version == int(number))
    rows = session.exec(query.options(*_LIGHT).order_by(col(ChurnModel.version).desc())).all()
    chosen = next((row for row in rows if row.state == IN_USE), rows[0] if rows else None)
    if chosen is None:
        known = ", ".join(label(row) for row in all_models(session, organisation)[:10])
        hint = f"There are: {known}." if known else "Train one first: keepwell churn train"
        raise NotFoundError(f"There is no churn model {text!r}.", hint=hint)
    return chosen


def promote(
    session: Session, model: ChurnModel, *, at: datetime, by: str, why: str, back: bool = False
) -> ChurnModel | None:
    """Take a model into use; the one that was in use of the same name is retired, and given back.

    `back` says that it returns to its place: the way further back stays as it was, and it is pinned, so that
    no new one takes its place by itself. Promoting the pinned one again lets go of it; it is given back.

    Raises:
        RefusedError: it is in use already.
    """
    current = in_use(session, model.organisation_id, model.name)
    if current is not None and current.id == model.id:
        return _let_go(session, current, at, by, why)
    if current is not None:
        current.state, current.retired_at, current.pinned = RETIRED, at, False
        session.add(current)
        # Before the other one is in use: the database allows one of a name.
        session.flush()
    if not back:
        model.replaced_id = current.id if current else None
    model.state, model.promoted_at, model.promoted_by, model.why = IN_USE, at, by, why
    model.retired_at, model.pinned = None, back
    session.add(model)
    session.flush()
    instead = f" instead of {label(current)}" if current else ""
    what = "rolled_back" if back else "promoted"
    _note(session, model, what, f"Churn model {label(model)} is in use{instead}", at, by, why)
    return current


def _let_go(session: Session, model: ChurnModel, at: datetime, by: str, why: str) -> ChurnModel:
    """Let new models take the place of a pinned one again."""
    if not model.pinned:
        raise RefusedError(f"{label(model)} is in use already.")
    model.pinned, model.why = False, why
    session.add(model)
    session.flush()
    _note(session, model, "let_go", f"A better churn model may take the place of {label(model)}", at, by, why)
    return model


def leave(session: Session, model: ChurnModel, state: State, *, at: datetime, by: str, why: str) -> None:
    """Note that a trained model was not taken into use, and why: rejected, or a candidate that waits."""
    model.state, model.why = state, why
    session.add(model)
    session.flush()
    text = f"Churn model {label(model)} " + (
        "waits for a person to decide" if state == CANDIDATE else "was not taken into use"
    )
    _note(session, model, state, text, at, by, why)


def before(session: Session, organisation: str, name: str) -> tuple[ChurnModel, ChurnModel]:
    """The model that was in use before the present one, without its content, and the present one.

    Raises:
        NotFoundError: no model of this name is in use.
        RefusedError: none was in use before it.
    """
    current = in_use(session, organisation, name)
    if current is None:
        raise NotFoundError(
            f"No churn model {name!r} is in use.",
            hint="See the list of models.",
            command="keepwell churn models list",
        )
    if current.replaced_id is None:
        raise RefusedError(
            f"No model of {name!r} was in use before {label(current)}.",
            hint="Take another one into use.",
            command="keepwell churn models promote MODEL",
        )
    query = select(ChurnModel).where(ChurnModel.id == current.replaced_id)
    return session.exec(query.options(*_LIGHT)).one(), current


def usable(session: Session, organisation: str, text: str) -> ChurnModel:
    """The model to predict with: the one named with its version, or of a name the one in use.

    Raises:
        NotFoundError: there is none, or none of the name is in use.
    """
    found = find(session, organisation, text)
    if "@" not in text and found.state != IN_USE:
        raise NotFoundError(
            f"No churn model {text!r} is in use.",
            hint=f"Name one with its version, such as {label(found)}, or take it into use.",
            command=f"keepwell churn models promote {label(found)} --why …",
        )
    return session.get_one(ChurnModel, found.id, populate_existing=True)


def not_trained(session: Session, organisation: str, name: str, at: datetime, by: str, why: str) -> None:
    """Note a training that the data did not allow."""
    _failed(session, organisation, "not_trained", f"No churn model {name} was trained", name, at, by, why)


def not_predicted(session: Session, organisation: str, name: str, at: datetime, by: str, why: str) -> None:
    """Note that the model in use could not predict; once for a moment, however often it is tried."""
    text = f"The churn model {name} in use predicted nothing"
    _failed(session, organisation, "not_predicted", text, name, at, by, why)


def _failed(
    session: Session, organisation: str, what: str, text: str, name: str, at: datetime, by: str, why: str
) -> None:
    journal.write(
        session,
        key=f"churn_model.{what}/{organisation}/{name}/{at.isoformat()}",
        organisation=organisation,
        kind=f"churn_model.{what}",
        text=text,
        at=at,
        by=by,
        why=why,
    )


def _note(session: Session, model: ChurnModel, what: str, text: str, at: datetime, by: str, why: str) -> None:
    journal.write(
        session,
        key=f"churn_model.{what}/{new_id()}",
        organisation=model.organisation_id,
        kind=f"churn_model.{what}",
        text=text,
        at=at,
        by=by,
        why=why,
        data={"model": model.id, "sha256": model.sha256},
    )
