"""Where Slack does not take a notice: the email in its place, and a task that says what to mend."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from keepwell.contracts.playbook import Channel
from keepwell.db.repositories.lookup import insert_all_if_absent, insert_if_absent
from keepwell.db.repositories.notices_about import about_of
from keepwell.db.repositories.notices_plan import MEND, notice_row, person_for
from keepwell.db.repositories.team import given_to, lead_of, standing_in
from keepwell.db.tables import Alert, AlertChannel, Customer, Notice, Organisation, Staff, Task

TO_MEND = timedelta(days=1)
"""What a person gets to mend it; as often at most is it asked for."""


def plan_email_instead(session: Session, row: Notice, why: str, now: datetime) -> None:
    """Plan the email in the place of a notice that Slack refuses for good, unless email tells it anyway."""
    if row.channel != Channel.SLACK.value:
        return
    about = about_of(session, row)
    organisation = session.get_one(Organisation, row.organisation_id)
    person = _reader(session, row, about, now)
    key = f"{row.key.removesuffix(Channel.SLACK.value)}{Channel.EMAIL.value}"
    personal = AlertChannel(organisation_id=organisation.id, channel=Channel.EMAIL.value)
    email = notice_row(organisation, personal, person, key, row.severity, now)
    told = {"alert_id": row.alert_id, "task_id": row.task_id, "words": row.words, "instead": why}
    insert_all_if_absent(session, "notice", [{**email, **told}])
    if about is not None:
        _ask_to_mend(session, row, about, why, now)


def _reader(session: Session, row: Notice, about: Alert | Task | None, now: datetime) -> Staff | None:
    """Who was meant; where that was a channel for all, who looks after the customer, or the lead."""
    if row.recipient_id:
        return session.get(Staff, row.recipient_id)
    if about is not None:
        return person_for(session, session.get_one(Customer, about.customer_id), now)
    lead = lead_of(session, row.organisation_id, None)
    return standing_in(session, lead, now) if lead is not None else None


def _ask_to_mend(session: Session, row: Notice, about: Alert | Task, why: str, now: datetime) -> None:
    """One task for the lead a day and address, however much is told meanwhile."""
    lead = lead_of(session, row.organisation_id, None)
    task = Task(
        key=f"{MEND}{row.organisation_id}/{row.address[:60]}/{now:%Y%m%d}"[:120],
        organisation_id=row.organisation_id,
        customer_id=about.customer_id,
        kind="fallback",
        title=f"Slack does not reach {row.recipient_name}: mend it",
        detail=f"A notice was refused, and goes by email instead. {why}",
        due_at=now + TO_MEND,
        created_at=now,
    )
    insert_if_absent(session, "task", {**task.model_dump(), **given_to(session, lead, now)})
