"""The churn model of our own customers: whether it is what was saved, and predicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session, col, func, select

from keepwell.churn.saved import OWN, is_intact
from keepwell.db.repositories import churn_models
from keepwell.db.tables import ChurnModel, ChurnPrediction, Event
from keepwell.doctor.findings import Note, ok, problem, warning
from keepwell.doctor.scene import Scene

LATE = timedelta(days=2)
"""It predicts every night; after two nights without, priorities and alerts go by old figures."""


def model(scene: Scene) -> Sequence[Note]:
    """The model in use is what was saved, and has predicted lately. None in use is well, too."""
    with scene.session() as session:
        row = churn_models.in_use(session, scene.ours.id, OWN)
        if row is None:
            return [ok("no churn model is in use; one is made by: keepwell churn train")]
        name = churn_models.label(row)
        if not is_intact(row):
            return [
                problem(
                    f"{name} is not the model that was saved, so nobody's churn is predicted",
                    f"Go back to the one before: keepwell churn models rollback {OWN} --why …",
                )
            ]
        newest = session.exec(
            select(func.max(col(ChurnPrediction.at))).where(ChurnPrediction.organisation_id == scene.ours.id)
        ).one()
        failed = _failed(session, scene.ours.id)
        if failed is not None and (newest is None or failed.at > newest):
            said, _, todo = failed.why.partition("\n")
            return [problem(f"{name} predicted nothing on {failed.at:%Y-%m-%d}: {said}", todo)]
        since = newest or row.promoted_at
        if since is not None and scene.now - since > LATE:
            found = f"{name} is in use, and nothing was predicted since {since:%Y-%m-%d}"
            return [warning(found, "Predict now, and see what it says: keepwell churn predict")]
        return [ok(f"{name} is in use{_pinned(session, row)}")]


def _failed(session: Session, organisation: str) -> Event | None:
    """The last time that it predicted nothing."""
    query = select(Event).where(
        Event.organisation_id == organisation, Event.kind == "churn_model.not_predicted"
    )
    return session.exec(query.order_by(col(Event.at).desc())).first()


def _pinned(session: Session, row: ChurnModel) -> str:
    if not row.pinned:
        return ""
    rows = churn_models.all_models(session, row.organisation_id)
    count = sum(one.name == OWN and one.state == churn_models.CANDIDATE for one in rows)
    waiting = "1 model waits" if count == 1 else f"{count} models wait"
    return f", pinned by {row.promoted_by}: {waiting} for a person to decide (keepwell churn models)"
