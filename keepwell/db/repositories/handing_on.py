"""Open tasks follow the people: to whoever stands in while somebody is away, and back afterwards."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.contracts.alerts import MonitorCall
from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.absences import away_at
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.team import away, given_to, owner_or_lead
from keepwell.db.tables import Staff, Task

PAGE = 500
"""Tasks that change hands in one transaction."""


def hand_on_tasks(store: Store, call: MonitorCall) -> int:
    """Bring the open tasks to whoever has to have them at `call.as_of`; how many changed hands.

    - Of who is away, to who stands in; ownership of customers and interventions does not change.
    - Back to whom they are meant for, once they are there again.
    - Of who has left, to the lead: the doctor tells of their customers, but a task waits for nobody.
    """
    moved, after = 0, ""
    while True:
        with store.read() as session:
            page = _candidates(session, call, after)
            hands = _Hands(session, call.as_of)
            wrong = {task.id: task.customer_id for task in page if hands.wrong(task)}
        if wrong:
            with store.write() as session:
                # First the customers, as everybody does: their runs may end meanwhile, and close tasks.
                lock_customers(session, set(wrong.values()))
                hands = _Hands(session, call.as_of)
                open_ones = select(Task).where(col(Task.id).in_(wrong), Task.state == "open")
                rows = open_ones.order_by(col(Task.id)).with_for_update()
                moved += sum(_move(session, task, hands) for task in session.exec(rows).all())
        if len(page) < PAGE:
            return moved
        after = page[-1].id


class _Hands:
    """Who has to have a task now; each person is looked up once."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session, self.now = session, now
        self._known: dict[str, tuple[Staff | None, dict[str, str | None]]] = {}

    def of(self, task: Task) -> tuple[Staff | None, dict[str, str | None]]:
        """For whom a task is meant, and the columns that say who has it."""
        key = task.for_id or task.owner_id or ""
        if key not in self._known:
            meant = owner_or_lead(self._session, task.organisation_id, key or None)
            self._known[key] = meant, given_to(self._session, meant, self.now)
        return self._known[key]

    def wrong(self, task: Task) -> bool:
        """Whether somebody else has to have it."""
        meant, given = self.of(task)
        return meant is not None and given != {"owner_id": task.owner_id, "for_id": task.for_id}


def _candidates(session: Session, call: MonitorCall, after: str) -> list[Task]:
    """A page of open tasks whose holder is away or has left, or which are meant for another, by id."""
    absent = [one.id for one in away_at(session, call.organisation, call.as_of)]
    left = select(Staff.id).where(Staff.organisation_id == call.organisation, col(Staff.active).is_(False))
    absent += session.exec(left).all()
    # From an index alone, so that a pass with nobody away reads no tasks.
    meant = session.exec(select(Task.for_id).where(col(Task.for_id) > "").distinct()).all()
    if not absent and not meant:
        return []
    ours = select(Task).where(Task.organisation_id == call.organisation, Task.state == "open")
    query = ours.where(col(Task.owner_id).in_(absent) | col(Task.for_id).in_(meant), col(Task.id) > after)
    return list(session.exec(query.order_by(col(Task.id)).limit(PAGE)).all())


def _move(session: Session, task: Task, hands: _Hands) -> bool:
    """Give a task to whoever has to have it, with a line in the journal; False where they have it."""
    meant, given = hands.of(task)
    if meant is None or not hands.wrong(task):
        return False
    now = hands.now
    before = session.get(Staff, task.owner_id) if task.owner_id else None
    task.owner_id, task.for_id = given["owner_id"], given["for_id"]
    session.add(task)
    holder = session.get_one(Staff, task.owner_id)
    if task.for_id is not None:
        why = f"for {meant.name}, who is {away(session, meant, now)}"
    elif before is not None and not before.active:
        why = f"{before.name} has left"
    else:
        why = f"{meant.name} is there again"
    return journal.write(
        session,
        key=f"task/{task.id}/to/{holder.id}/{now.isoformat()}",
        organisation=task.organisation_id,
        customer=task.customer_id,
        intervention=task.intervention_id,
        kind="task.moved",
        text=f"{task.title}: now with {holder.name}",
        why=why,
        at=now,
        data={"task": task.id, "from": before.id if before else None, "to": holder.id},
    )
