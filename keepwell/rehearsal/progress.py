"""How far a rehearsal has come on its virtual clock, read from the store it is played on."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import col, select

from keepwell.contracts.base import Frozen
from keepwell.db.engine import Store
from keepwell.db.tables import Event, Intervention
from keepwell.rehearsal.commanding import playbook_of
from keepwell.rehearsal.reactions import Script


class Progress(Frozen):
    """How far it has come: `at` on the virtual clock, which is `offset` after the beginning.

    `until` is the offset at which it is over if nothing ends it before, `share` how much of that has passed,
    from 0 to 1. `doing` says in words what goes on; the moments are None until the playbook has begun.
    """

    at: datetime | None = None
    offset: timedelta | None = None
    until: timedelta | None = None
    share: float = 0.0
    doing: str = ""


def progress_of(scratch: Store, customer: str, script: Script, doing: str) -> Progress:
    """What has happened so far to the customer's interventions in a scratch store."""
    with scratch.read() as session:
        rows = session.exec(select(Intervention).where(Intervention.customer_id == customer)).all()
        if not rows:
            return Progress(doing=doing)
        newest = select(func.max(Event.at)).where(col(Event.customer_id) == customer)
        at = session.exec(newest).one()
    began = min(row.started_at for row in rows)
    ends = [row.ended_at or row.started_at + row.shift + playbook_of(row).closes_at for row in rows]
    until = max([*(end - began for end in ends), *(one.at for one in script.reactions)])
    offset = max(timedelta(), (at or began) - began)
    share = min(1.0, offset / until) if until else 1.0
    return Progress(at=began + offset, offset=offset, until=until, share=share, doing=doing)
