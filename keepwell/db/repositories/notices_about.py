"""The notices of one message, and what each of them is about."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from keepwell.db.tables import Alert, Notice, Task


def lock_notices(session: Session, message: str, organisation: str | None = None) -> Sequence[Notice]:
    """What went in one message (of that organisation), held until the transaction ends."""
    query = select(Notice).where(Notice.message == message)
    if organisation is not None:
        query = query.where(Notice.organisation_id == organisation)
    return session.exec(query.order_by(col(Notice.key)).with_for_update()).all()


def about_of(session: Session, row: Notice) -> Alert | Task | None:
    """The alert or the task that a notice tells of; None for what is about neither."""
    if row.alert_id:
        return session.get(Alert, row.alert_id)
    return session.get(Task, row.task_id) if row.task_id else None


def words_of(row: Notice, about: Alert | Task | None) -> str:
    """What a notice says, in a few words."""
    if about is None:
        return row.words
    return about.words if isinstance(about, Alert) else about.title
